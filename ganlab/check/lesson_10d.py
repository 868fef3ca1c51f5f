"""The exercises of lesson 10d: a batch norm folded into the layer after it, and chances that give any shares."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_10 import slips
from ganlab.check.parts import Unfit, parts
from ganlab.runtime import seeded_generator


def fold(
    norm: nn.BatchNorm1d,
    linear: nn.Linear,
    scale: Callable[[nn.BatchNorm1d], Tensor] = lambda norm: norm.weight / (norm.running_var + norm.eps).sqrt(),
    shift: Callable[[nn.BatchNorm1d, Tensor], Tensor] = lambda norm, f: norm.bias - f * norm.running_mean,
    bias: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda W, shift, b: W @ shift + b,
    shape: tuple[int, int] = (1, -1),
) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the one layer that is `norm` in use, then `linear`. The rest are for slips."""
    factor = scale(norm)
    b = torch.zeros_like(linear.weight[:, 0]) if linear.bias is None else linear.bias
    return linear.weight * factor.view(shape), bias(linear.weight, shift(norm, factor), b)


def _fold(function: Callable) -> dict[str, Any]:
    numbers = {}
    for name, with_bias in {"": True, " (linear without a bias)": False}.items():
        rng = seeded_generator("10d.1", name)
        norm, linear = nn.BatchNorm1d(3, eps=0.05), nn.Linear(3, 3, bias=with_bias)
        with torch.no_grad():
            for each in (*linear.parameters(), norm.weight, norm.bias, norm.running_mean):
                each.copy_(torch.randn(each.shape, generator=rng))
            norm.running_var.copy_(0.2 + torch.rand(3, generator=rng))
        norm, linear = norm.double().eval().requires_grad_(False), linear.double().requires_grad_(False)
        layers = nn.ModuleList([norm, linear])
        before = [each.clone() for each in layers.state_dict().values()]
        try:
            result = function(norm, linear)
        except (TypeError, AttributeError) as error:
            if "NoneType" not in str(error):
                raise
            raise ValueError(
                "your code uses `linear.bias` where it is None. Hint: You met a layer without a bias. It adds 0."
            ) from None
        weight, bias = parts(result, "the weight (out, in)", "the bias (out,)")
        if weight is None or bias is None:
            raise Unfit(
                "one of the two is None. Hint: You returned no bias for a layer without one. What the norm adds passes "
                "through the weights and remains."
            )
        if not all(map(torch.equal, before, layers.state_dict().values())):
            raise ValueError(
                "a layer is not what it was before the call. Hint: You changed a layer. Make new tensors: the old "
                "numbers are still needed, for the bias and by whoever has the layers."
            )
        numbers["weight" + name], numbers["bias" + name] = weight, bias
    return numbers


def _as_printed(norm: nn.BatchNorm1d, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return (10d.1) as it stands in the lesson, for a norm that follows the layer."""
    f = norm.weight / (norm.running_var + norm.eps).sqrt()
    b = torch.zeros_like(f) if linear.bias is None else linear.bias
    return f[:, None] * linear.weight, f * (b - norm.running_mean) + norm.bias


def _bias_as_printed(norm: nn.BatchNorm1d, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    return fold(norm, linear)[0], _as_printed(norm, linear)[1]


def _zero_without_a_bias(norm: nn.BatchNorm1d, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    weight, bias = fold(norm, linear)
    return weight, torch.zeros_like(bias) if linear.bias is None else bias


def _one_zero_without_a_bias(norm: nn.BatchNorm1d, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    weight, bias = fold(norm, linear)
    return weight, torch.zeros(()) if linear.bias is None else bias


def _scaled_twice(norm: nn.BatchNorm1d, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    weight, _ = fold(norm, linear)
    f = norm.weight / (norm.running_var + norm.eps).sqrt()
    b = torch.zeros_like(f) if linear.bias is None else linear.bias
    return weight, weight @ (norm.bias - f * norm.running_mean) + b


FOLD_SLIPS = {
    "You let the factor run along the outputs. Weights are (out, in), and this norm scales what comes in.": {
        "shape": (-1, 1)
    },
    "You left out eps under the root.": {"scale": lambda norm: norm.weight / norm.running_var.sqrt()},
    "You added eps after the root. It belongs under the root.": {
        "scale": lambda norm: norm.weight / (norm.running_var.sqrt() + norm.eps)
    },
    "You divided by the variance. Take its root.": {"scale": lambda norm: norm.weight / (norm.running_var + norm.eps)},
    "You left out gamma, norm.weight.": {"scale": lambda norm: 1 / (norm.running_var + norm.eps).sqrt()},
    "You left out the layer's own bias b. W h + b adds it at the end.": {"bias": lambda W, shift, b: W @ shift},
    "You added what the norm adds as it is. It passes through the layer: multiply it by W.": {
        "bias": lambda W, shift, b: shift + b
    },
    "You turned W: row o of W makes output o, so it is W @ shift.": {"bias": lambda W, shift, b: shift @ W + b},
    "You left the running mean out of the bias.": {"shift": lambda norm, f: norm.bias},
    "You subtracted the running mean as it is. The norm subtracts it before it multiplies by f.": {
        "shift": lambda norm, f: norm.bias - norm.running_mean
    },
    "You added the running mean. The norm subtracts it.": {"shift": lambda norm, f: norm.bias + f * norm.running_mean},
    "You left out beta, norm.bias.": {"shift": lambda norm, f: -f * norm.running_mean},
    "You multiplied beta, norm.bias, by f. The norm adds it after it multiplies.": {
        "shift": lambda norm, f: f * (norm.bias - norm.running_mean)
    },
}


def chances(labels: Tensor, shares: Tensor) -> Tensor:
    """Return the chance of each tile, (N,), so that classes (N,) come in given shares (K,)."""
    return (shares / torch.bincount(labels, minlength=len(shares)))[labels]


def _chances(function: Callable) -> dict[str, Any]:
    cases = {
        "3 classes": ([0, 2, 1, 0, 0, 2, 0, 1, 0], [0.2, 0.5, 0.3]),
        "4 classes": ([3, 1, 0, 2, 2, 2, 1, 3, 3, 3, 3], [0.4, 0.0, 0.35, 0.25]),
    }
    return {
        f"chances, {name}": function(torch.tensor(labels), torch.tensor(shares, dtype=torch.float64))
        for name, (labels, shares) in cases.items()
    }


def _normal(weights: Tensor) -> Tensor:
    return weights / weights.sum()


def _count(labels: Tensor) -> Tensor:
    return torch.bincount(labels).double()


CHANCES_SLIPS = {
    "You gave every tile its class's share. The tiles of a class divide it among them.": lambda y, s: s[y],
    "You gave tiles their class's share and then made it add up to 1. Divide by the class's count first.": (
        lambda y, s: _normal(s[y])
    ),
    "You made the classes come equally often. They shall come in the given shares.": lambda y, s: _normal(
        (1 / _count(y))[y]
    ),
    "You took one over the share. A large share needs large chances: divide the share by the class's count.": (
        lambda y, s: (1 / s)[y]
    ),
    "You took one over the share and then made it add up to 1. A large share needs large chances: divide the share by "
    "the class's count.": lambda y, s: _normal((1 / s)[y]),
    "You returned one over the count. The class's share belongs in the numerator.": lambda y, s: (1 / _count(y))[y],
    "You returned a chance for each class. Return one for each tile.": lambda y, s: s / _count(y),
    "You multiplied by the count. Divide by it: a large class needs small chances.": lambda y, s: (
        (s * _count(y))[y] / len(y)
    ),
    "You divided by the fraction of the class in the set. Divide by how many tiles it has.": lambda y, s: (
        s / (_count(y) / len(y))
    )[y],
    "You divided all by N. Divide by the count of the tile's own class.": lambda y, s: s[y] / len(y),
    "You gave all tiles the same chance.": lambda y, s: torch.full((len(y),), 1 / len(y)),
    "You multiplied by the count and then made it add up to 1. Divide by the count.": lambda y, s: _normal(
        (s * _count(y))[y]
    ),
}


NO_BIAS = (
    "You returned a bias of 0 for a layer without one. What the norm adds, beta - f mu, passes through W all the same: "
    "that is the new bias."
)

EXERCISES = {
    "10d.1": Exercise(
        _fold,
        fold,
        (
            *(Slip(functools.partial(fold, **changed), hint) for hint, changed in FOLD_SLIPS.items()),
            Slip(
                _as_printed,
                "You used (10d.1) as it stands, for a norm that comes after the layer. Here it comes before: put "
                "f (x - mu) + beta into W h + b.",
            ),
            Slip(
                _bias_as_printed,
                "Your weight is right. The bias of (10d.1) belongs to a norm that comes after the layer: here what the "
                "norm adds, beta - f mu, passes through W.",
            ),
            Slip(
                _scaled_twice,
                "You multiplied what the norm adds by the new weights, which hold f. It has been multiplied by f "
                "already: use W.",
            ),
            Slip(_zero_without_a_bias, NO_BIAS),
            Slip(_one_zero_without_a_bias, NO_BIAS),
        ),
    ),
    "10d.2": Exercise(_chances, chances, slips(CHANCES_SLIPS)),
}
