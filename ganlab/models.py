"""What has weights: generators and critics, fully connected and convolutional. A critic returns one logit a sample."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganlab.runtime import whole_number


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Return linear layers of the given sizes with LeakyReLU(0.2) between them and nothing after the last."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


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


def _dcgan_weights(module: nn.Module) -> None:
    """Draw weights as DCGAN does: N(0, 0.02), and N(1, 0.02) for the scale of batch normalisation."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def _halvings(size: int) -> int:
    """Return how many times `size` halves down to 4; raise ValueError when it does not."""
    if size < 8 or size & (size - 1):
        raise ValueError(f"size: got {size!r}, expected a power of two >= 8 (32 and 64 are usual)")
    return int(math.log2(size)) - 2


class DCGANGenerator(nn.Module):
    """The generator of DCGAN (Radford et al. 2016): z (B, latent_dim) -> images (B, channels, size, size) in [-1, 1].

    4x4 first, then doubled by strided transposed convolutions; `width` is the channel count before the last layer.
    """

    def __init__(self, latent_dim: int = 100, channels: int = 1, size: int = 32, width: int = 64) -> None:
        super().__init__()
        self.latent_dim = whole_number("latent_dim", latent_dim, least=1)
        widths = [width * 2**k for k in reversed(range(_halvings(size)))]  # e.g. size 64: 8w, 4w, 2w, w
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent_dim, widths[0], 4, 1, 0, bias=False)]
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += [nn.BatchNorm2d(fan_in), nn.ReLU(), nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers).apply(_dcgan_weights)

    def forward(self, z: Tensor) -> Tensor:
        """Return images (B, channels, size, size) for latents z (B, latent_dim)."""
        return self.layers(z[:, :, None, None])  # (B, latent_dim, 1, 1)


class DCGANCritic(nn.Module):
    """The critic of DCGAN: images (B, channels, size, size) -> logits (B,), halved by strided convolutions.

    No batch normalisation on the first layer, as in the paper: it would hide the images' own mean and contrast.
    """

    def __init__(self, channels: int = 1, size: int = 32, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**k for k in range(_halvings(size))]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(fan_in, fan_out, 4, 2, 1, bias=False), nn.BatchNorm2d(fan_out), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 0)).apply(_dcgan_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,) for images x (B, channels, size, size)."""
        return self.layers(x).flatten()  # (B, 1, 1, 1) -> (B,)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers in `model`."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def latents(n: int, latent_dim: int, generator: torch.Generator) -> Tensor:
    """Return standard normal latents (n, latent_dim) on the generator's device."""
    return torch.randn(n, latent_dim, generator=generator, device=generator.device)
