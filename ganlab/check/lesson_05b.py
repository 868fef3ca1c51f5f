"""The exercises of lesson 05b: a bound for a whole critic, and a convolution's norm."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_05 import slips
from ganlab.runtime import seeded_generator


def critic_bound(
    weights: Sequence[Tensor],
    norm: Callable[[Tensor], Tensor] = lambda W: torch.linalg.matrix_norm(W, 2),
    join: Callable[[list[Tensor]], Any] = math.prod,
    factor: float = 1.0,
    last: bool = True,
) -> Any:
    """Return the product of the layers' largest singular values. The rest are for slips."""
    chosen = weights if last else weights[:-1]
    return factor ** (len(weights) - 1) * join([norm(W) for W in chosen])


def _critic_bound(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("05b.1")
    numbers = {}
    for sizes in ((2, 5, 1), (3, 6, 4, 1), (4, 3, 7, 5, 1)):
        pairs = zip(sizes, sizes[1:], strict=False)
        weights = [torch.randn(o, i, generator=rng, dtype=torch.float64) for i, o in pairs]
        numbers[f"bound, layers of {sizes}"] = function(weights)
    return numbers


_same, _transposed = functools.partial(F.conv2d, padding=1), functools.partial(F.conv_transpose2d, padding=1)


def conv_norm(
    kernel: Tensor,
    x: Tensor,
    rounds: int,
    there: Callable[[Tensor, Tensor], Tensor] = _same,
    back: Callable[[Tensor, Tensor], Tensor] = _transposed,
    unit: Callable[[Tensor], Tensor] = lambda t: t / t.norm(),
    give: Callable[[Tensor, Tensor], Tensor] = lambda x, kernel: _same(x, kernel).norm(),
    after: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Return the estimate of a padded convolution's largest singular value from the image x. The rest are for slips."""
    for _ in range(rounds):
        x = (after or unit)(back(unit(there(x, kernel)), kernel))
    return give(x, kernel)


def _half_behind(kernel: Tensor, x: Tensor, rounds: int) -> Tensor:
    """Return |W^T u| of the last round."""
    u = _same(conv_start(kernel, x, rounds - 1), kernel)
    return _transposed(u / u.norm(), kernel).norm()


def conv_start(kernel: Tensor, x: Tensor, rounds: int) -> Tensor:
    """Return the image x after that many rounds."""
    return conv_norm(kernel, x, rounds, give=lambda x, kernel: x)


def _conv_norm(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("05b.2")
    numbers = {}
    for out, channels, size, rounds, scale in ((3, 2, 5, 1, 1.0), (2, 2, 6, 4, 1.0), (4, 1, 7, 20, 100.0)):
        kernel = scale * torch.randn(out, channels, 3, 3, generator=rng, dtype=torch.float64)
        x = torch.randn(1, channels, size, size + 1, generator=rng, dtype=torch.float64)
        numbers[f"{channels} -> {out} channels, {rounds} rounds"] = function(kernel, x, rounds) / scale
    return numbers


BOUND_SLIPS = {
    "You took the Frobenius norm, the root of all squares: take the largest singular value.": {
        "norm": torch.linalg.norm
    },
    "You took torch's ord 1 norm, the largest column sum: take ord 2, the largest singular value.": {
        "norm": lambda W: torch.linalg.matrix_norm(W, 1)
    },
    "You took the smallest singular value: the largest bounds the stretch.": {
        "norm": lambda W: torch.linalg.svdvals(W)[-1]
    },
    "You squared the singular values: a stretch is not squared.": {
        "norm": lambda W: torch.linalg.matrix_norm(W, 2) ** 2
    },
    "You took the largest weight of each layer: take the largest singular value.": {"norm": lambda W: W.abs().max()},
    "You took the sum of all singular values (the nuclear norm): take the largest of them.": {
        "norm": lambda W: torch.linalg.svdvals(W).sum()
    },
    "You added the layers' stretches: one stretch follows the other, so multiply.": {"join": sum},
    "You took the largest of the layers: one stretch follows the other, so multiply all.": {"join": max},
    "You took the mean over the layers: one stretch follows the other, so multiply all.": {
        "join": lambda norms: sum(norms) / len(norms)
    },
    "You multiplied by LeakyReLU's 0.2 for each hidden layer: where its input is positive it passes everything.": {
        "factor": 0.2
    },
    "You multiplied by 0.2 once: LeakyReLU passes everything where its input is positive, so it does not enter.": {
        "join": lambda norms: 0.2 * math.prod(norms)
    },
    "You left out the last layer: it stretches, too.": {"last": False},
    "You return one number for each layer: one stretch follows the other, so multiply them.": {"join": torch.stack},
}

NORM_SLIPS = {
    "You did not normalise: the numbers grow beyond bounds. Divide by the length each time.": {"unit": lambda t: t},
    "You normalised on the way there only: x has to be divided by its length, too.": {"after": lambda t: t},
    "You normalised along dim 0, where there is one image: every number became 1 or -1. Divide by one length in all.": {
        "unit": lambda t: F.normalize(t, dim=0)
    },
    "You normalised along the channels, which is what F.normalize does unless told: divide by one length in all.": {
        "unit": F.normalize
    },
    "You normalised each channel: there is one length for the whole image.": {
        "unit": lambda t: t / t.flatten(2).norm(dim=2)[..., None, None]
    },
    "You gave sigma squared: return the length of conv(x).": {"give": lambda x, kernel: _same(x, kernel).norm() ** 2},
    "You gave the length of x, which is 1 after you divided by it: take the length of conv(x).": {
        "give": lambda x, kernel: x.norm()
    },
    "You left out the padding on the way back: conv_transpose2d needs padding=1, too.": {"back": F.conv_transpose2d},
    "You gave conv(x) itself: its length is the number.": {"give": _same},
    "You took the root of the *mean* square: the length adds the squares, it does not average them.": {
        "give": lambda x, kernel: _same(x, kernel).square().mean().sqrt()
    },
    "Your way back is a convolution with the kernel not turned: use conv_transpose2d.": {
        "back": lambda y, kernel: _same(y, kernel.transpose(0, 1))
    },
    "You left out the padding on the way there: the layer pads by 1.": {
        "there": F.conv2d,
        "back": F.conv_transpose2d,
        "give": lambda x, kernel: F.conv2d(x, kernel).norm(),
    },
    "You gave the norm of the kernel as a matrix, as torch takes it: the layer meets every patch.": {
        "give": lambda x, kernel: torch.linalg.matrix_norm(kernel.flatten(1), 2)
    },
    "You gave the length of the kernel: all squared weights added.": {"give": lambda x, kernel: kernel.norm()},
    "You went one round too many.": {"give": lambda x, kernel: conv_norm(kernel, x, 1)},
}

EXERCISES = {
    "05b.1": Exercise(
        _critic_bound,
        critic_bound,
        (
            *slips(critic_bound, BOUND_SLIPS),
            Slip(
                lambda weights: torch.linalg.matrix_norm(functools.reduce(lambda A, B: B @ A, weights), 2),
                "You multiplied the matrices first: that is a critic without LeakyReLU, and no bound for one with it.",
            ),
        ),
    ),
    "05b.2": Exercise(
        _conv_norm,
        conv_norm,
        (
            *slips(conv_norm, NORM_SLIPS),
            Slip(
                _half_behind,
                "You return the length of W^T u (u^T W x is the same number), half a round behind: divide x by its "
                "length, then take |W x|.",
            ),
            Slip(
                lambda kernel, x, rounds: conv_norm(kernel, x, rounds - 1),
                "You went one round too few: `rounds` of them.",
            ),
        ),
    ),
}
