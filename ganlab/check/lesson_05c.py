"""The exercises of lesson 05c: slopes of a critic that sees a whole batch, and a critic's slope by hand."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_05 import slips
from ganlab.runtime import seeded_generator


def own_slopes(
    critic: nn.Module,
    x: Tensor,
    per: Callable[[Tensor], Tensor] = lambda rows: rows.square().sum(2).diagonal(),
    alone: bool = False,
    evaluate: bool = False,
) -> Tensor:
    """Return |gradient of logit i by sample i|^2, (B,). The rest are for slips."""
    x = x.detach().clone().requires_grad_()
    was = critic.training
    critic.train(was and not evaluate)
    if alone:
        rows = [torch.autograd.grad(critic(one[None]).sum(), x)[0].flatten(1) for one in x]
    else:
        c = critic(x)
        rows = [torch.autograd.grad(one, x, retain_graph=True)[0].flatten(1) for one in c]
    critic.train(was)
    return per(torch.stack(rows))  # of (B logits, B samples, D)


class _Together(nn.Module):
    """A small critic whose logits depend on the whole batch, as with batch normalisation: (B, ...) -> (B,)."""

    def __init__(self, size: int, rng: torch.Generator) -> None:
        super().__init__()
        self.inward = torch.randn(size, 4, generator=rng, dtype=torch.float64) / size**0.5
        self.outward = torch.randn(4, generator=rng, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        h = (x.flatten(1) @ self.inward).tanh()
        if self.training:
            h = h / (h.square().mean(0) + 0.01).sqrt() - h.mean(0)
        return (h * h.roll(1, dims=1) + h) @ self.outward


def _own_slopes(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("05c.1")
    numbers = {}
    for shape in ((5, 2), (4, 1, 2, 3)):
        critic = _Together(math.prod(shape[1:]), rng).train()
        x = torch.randn(*shape, generator=rng, dtype=torch.float64)
        numbers[f"squared slopes, x of shape {shape}"] = function(critic, x)
    return numbers


def squared_slope(
    x: Tensor,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    leak: float = 0.2,
    forward: float = 0.2,
    signs: Callable[[Tensor], Tensor] = lambda a: a,
    without: int | None = None,
    power: float = 1.0,
    per: Callable[[Tensor], Tensor] = lambda gradient: gradient.square().sum(1),
    bias: bool = True,
    after_last: bool = False,
) -> Tensor:
    """Return |grad_x c|^2, (B,), of a critic of linear layers and LeakyReLU(0.2). The rest are for slips."""
    slopes = []
    h = x
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        a = h @ W.T + (b if bias else 0)
        slopes.append(torch.where(signs(a) > 0, 1.0, leak))
        h = F.leaky_relu(a, forward)
    gradient = weights[-1].expand(len(x), -1)
    if after_last:
        gradient = gradient * torch.where(h @ weights[-1].T + biases[-1] > 0, 1.0, leak)
    for k in reversed(range(len(slopes))):
        gradient = (gradient if k == without else slopes[k] * gradient) @ weights[k]
    return per(gradient) ** power


def _squared_slope(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("05c.2")
    numbers = {}
    for sizes in ((2, 5, 1), (3, 6, 4, 1), (2, 5, 4, 6, 1)):
        pairs = zip(sizes, sizes[1:], strict=False)
        weights = [torch.randn(o, i, generator=rng, dtype=torch.float64) for i, o in pairs]
        biases = [torch.randn(size, generator=rng, dtype=torch.float64) for size in sizes[1:]]
        x = torch.randn(7, sizes[0], generator=rng, dtype=torch.float64)
        with torch.no_grad():
            numbers[f"squared slopes, layers of {sizes}"] = function(x, weights, biases)
    return numbers


OWN_SLIPS = {
    "You gave the gradient of the sum of all logits: here it mixes the slopes. Take each logit by itself.": {
        "per": lambda rows: rows.sum(0).square().sum(1)
    },
    "You return lengths: return their squares.": {"per": lambda rows: rows.square().sum(2).diagonal().sqrt()},
    "You added, for each logit, its gradients by all samples: keep only the one by its own sample.": {
        "per": lambda rows: rows.square().sum((1, 2))
    },
    "You added, for each sample, the gradients of all logits: keep only that of its own logit.": {
        "per": lambda rows: rows.square().sum((0, 2))
    },
    "You took a mean over the input's numbers: squares add up to a squared length.": {
        "per": lambda rows: rows.square().mean(2).diagonal()
    },
    "You added the gradient's numbers first: square each, then add.": {
        "per": lambda rows: rows.sum(2).diagonal().square()
    },
    "You return one number for the batch: return one for each sample.": {
        "per": lambda rows: rows.square().sum(2).diagonal().mean()
    },
    "You return all pairs (logit, sample): keep those where both have the same number.": {
        "per": lambda rows: rows.square().sum(2)
    },
    "You sent each sample through the critic alone: a step sends the whole batch.": {"alone": True},
    "You put the critic into evaluation mode: in a step it is in training mode.": {"evaluate": True},
}

SLOPE_SLIPS = {
    "Your LeakyReLU has torch's own slope, 0.01: here it is 0.2.": {"leak": 0.01, "forward": 0.01},
    "Your phi' is 0.01 for negative a, torch's own slope: here it is 0.2.": {"leak": 0.01},
    "Your forward pass has torch's own slope for LeakyReLU, 0.01: here it is 0.2.": {"forward": 0.01},
    "Your forward pass has no nonlinearity: LeakyReLU stands between the layers.": {"forward": 1.0},
    "You took slope 0 for negative a: LeakyReLU has 0.2.": {"leak": 0.0},
    "You took a critic with ReLU, forward and back: LeakyReLU keeps 0.2 of a negative a.": {
        "leak": 0.0,
        "forward": 0.0,
    },
    "You took slope 1 everywhere: the layers' nonlinearity is missing.": {"leak": 1.0},
    "You turned the signs: 1 for positive a, 0.2 for negative.": {"signs": lambda a: -a},
    "You left out the nonlinearity next to the input.": {"without": 0},
    "On the way back you left out the phi' of the second hidden layer: each hidden layer has its own.": {"without": 1},
    "You gave the slope: return its square.": {"power": 0.5},
    "You took a mean over the input's dimensions: squares add up to a squared length.": {
        "per": lambda g: g.square().mean(1)
    },
    "You added the gradient's numbers first: square each, then add.": {"per": lambda g: g.sum(1) ** 2},
    "You gave one number for the batch: return one for each sample.": {"per": lambda g: g.square().sum()},
    "You put LeakyReLU after the last layer, too: it stands between the layers only.": {"after_last": True},
    "You left out the biases: they decide on the signs of a.": {"bias": False},
}


def _squares(critic: nn.Module, x: Tensor) -> Tensor:
    """Return the squared numbers of each own gradient, in the shape of x."""
    squares = own_slopes(critic, x, per=lambda rows: torch.stack([row[i].square() for i, row in enumerate(rows)]))
    return squares.reshape(x.shape)


NOT_ADDED = Slip(_squares, "You squared the gradient's numbers, but did not add them: one number for each sample.")

EXERCISES = {
    "05c.1": Exercise(_own_slopes, own_slopes, (*slips(own_slopes, OWN_SLIPS), NOT_ADDED)),
    "05c.2": Exercise(_squared_slope, squared_slope, slips(squared_slope, SLOPE_SLIPS)),
}
