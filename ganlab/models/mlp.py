"""Fully connected networks. A critic returns one logit a sample."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganlab import losses
from ganlab.runtime import whole_number


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Return linear layers of the given sizes with LeakyReLU(0.2) between them and nothing after the last."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def mlp_input_gradient(weights: Sequence[Tensor], hidden: Sequence[Tensor]) -> Tensor:
    """Return the gradient of an `mlp` with one output by its input, (..., B, fan_in), written out by the chain rule.

    weights (..., fan_out, fan_in) of the layers; hidden: the input (..., B, fan_in) and what LeakyReLU made of each
    layer but the last. LeakyReLU passes on what depends on a sign only, so autograd need not go through this twice.
    """
    gradient = weights[-1].expand_as(hidden[-1])
    for weight, h in zip(reversed(weights[:-1]), reversed(hidden[1:]), strict=True):
        gradient = torch.ops.aten.leaky_relu_backward(gradient, h, 0.2, False) @ weight  # in one kernel
    return gradient


class MLPGenerator(nn.Module):
    """A fully connected generator: z (B, latent_dim) -> samples (B, *output_shape).

    Images, three-dimensional shapes (C, H, W), end in tanh and lie in [-1, 1]; points are left free.
    """

    def __init__(
        self, latent_dim: int = 100, output_shape: Sequence[int] = (1, 28, 28), hidden: Sequence[int] = (128, 256)
    ) -> None:
        super().__init__()
        self.latent_dim = whole_number("latent_dim", latent_dim, least=1)
        self.output_shape = tuple(output_shape)
        self.layers = mlp([latent_dim, *hidden, math.prod(output_shape)])

    def forward(self, z: Tensor) -> Tensor:
        """Return samples (B, *output_shape) for latents z (B, latent_dim)."""
        x = self.layers(z).unflatten(1, self.output_shape)
        return x.tanh() if len(self.output_shape) == 3 else x


class MLPCritic(nn.Module):
    """A fully connected critic: samples (B, *input_shape) -> logits (B,)."""

    def __init__(self, input_shape: Sequence[int] = (1, 28, 28), hidden: Sequence[int] = (256, 128)) -> None:
        super().__init__()
        self.layers = mlp([math.prod(input_shape), *hidden, 1])

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,) for samples x (B, *input_shape)."""
        return self.layers(x.flatten(1)).squeeze(1)  # (B, 1) -> (B,)

    def input_gradient(self, x: Tensor) -> Tensor:
        """Return grad_x c(x), (B, *input_shape), as `losses.input_gradient` does, by `mlp_input_gradient`."""
        if not all(type(layer) in (nn.Linear, nn.LeakyReLU) for layer in self.layers):  # changed by its owner
            return losses.input_gradient(self, x)
        linears = self.layers[::2]
        hidden = [x.flatten(1)]
        with torch.no_grad():
            for layer in linears[:-1]:
                hidden.append(nn.functional.leaky_relu(layer(hidden[-1]), 0.2))
        return mlp_input_gradient([layer.weight for layer in linears], hidden).view_as(x)
