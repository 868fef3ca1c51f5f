"""The exercises of lesson 03d: how large a layer's first outputs are, and batch normalisation in evaluation mode.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def first_deviation(width: int, sigma: float, kernel: int, stride: int) -> float:
    """Return the standard deviation of a last layer's first outputs, by (3d.3) for any kernel that `stride` divides."""
    return _deviation()(width, sigma, kernel, stride)


def _deviation(
    products: Callable[[int, int], float] = lambda kernel, stride: (kernel / stride) ** 2,
    mean_square: float = 0.5,
    power: float = 0.5,
) -> Callable:
    """Return a `first_deviation` with one thing done otherwise for each argument that is changed."""

    def function(width: int, sigma: float, kernel: int, stride: int) -> float:
        return (products(kernel, stride) * width * sigma**2 * mean_square) ** power

    return function


def _first_deviation(function: Callable) -> dict[str, Any]:
    cases = [(32, 0.02, 4, 2), (64, 0.1, 6, 2), (16, 0.2, 9, 3), (8, 0.5, 3, 1)]
    return {
        f"width {width}, sigma {sigma}, kernel {kernel}, stride {stride}": function(width, sigma, kernel, stride)
        for width, sigma, kernel, stride in cases
    }


def scale_and_shift(gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return (scale, shift), such that batch normalisation in evaluation mode is scale * h + shift."""
    scale = gamma / (var + eps).sqrt()
    return scale, beta - scale * mean


def _scale_and_shift(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("scale_and_shift")
    gamma, beta, mean = torch.randn(3, 6, generator=rng)
    result = function(gamma, beta, mean, torch.rand(6, generator=rng) + 0.2, 0.3)
    scale, shift = parts(result, "the scale", "the shift")
    return {"the scale": scale, "the shift": shift}


def _with_scale(scale_of: Callable[[Tensor, Tensor, float], Tensor]) -> Callable:
    def function(gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        scale = scale_of(gamma, var, eps)
        return scale, beta - scale * mean

    return function


def _with_shift(shift_of: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable:
    def function(gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        scale = gamma / (var + eps).sqrt()
        return scale, shift_of(scale, beta, mean)

    return function


DEVIATION_SLIPS = (
    (
        _deviation(mean_square=1.0),
        "You left out the ReLU: of values with variance 1 it keeps a mean square of one half.",
    ),
    (
        _deviation(mean_square=0.25),
        "You took a quarter; ReLU keeps half of the values, so half of the mean square: one half.",
    ),
    (
        _deviation(products=lambda kernel, stride: kernel**2),
        "You gave each pixel all k * k weights; only (k / s) squared stamps of a channel cover a pixel.",
    ),
    (
        _deviation(products=lambda kernel, stride: kernel / stride),
        "You counted the stamps in one direction only; there are k / s of them down and k / s across.",
    ),
    (_deviation(products=lambda kernel, stride: 4.0), "You kept the 4 products of k = 4, s = 2; in general, how many?"),
    (
        _deviation(products=lambda kernel, stride: kernel**2 / stride),
        "You divided by the stride once; a pixel gets k / s stamps in either direction.",
    ),
    (_deviation(power=1.0), "You returned the variance; the standard deviation is its square root."),
    (
        lambda width, sigma, kernel, stride: width * _deviation()(1, sigma, kernel, stride),
        "You multiplied by the width; variances add up, so the deviation grows with the root of the width.",
    ),
    (
        lambda width, sigma, kernel, stride: _deviation()(1, sigma, kernel, stride),
        "You left out the width: every channel adds its own products.",
    ),
    (
        lambda width, sigma, kernel, stride: _deviation()(width, sigma**0.5, kernel, stride),
        "You took sigma for the variance of a weight; sigma is its standard deviation.",
    ),
)
SCALE_SLIPS = (
    (
        _with_scale(lambda gamma, var, eps: gamma / (var + eps)),
        "You divided by the variance; divide by its square root.",
    ),
    (
        _with_scale(lambda gamma, var, eps: gamma / (var.sqrt() + eps)),
        "You added eps to the standard deviation; PyTorch adds it to the variance, below the root.",
    ),
    (
        _with_scale(lambda gamma, var, eps: gamma / var.sqrt()),
        "You left eps out, or wrote a small number of your own for it; eps is given, and may be large.",
    ),
    (
        _with_scale(lambda gamma, var, eps: 1 / (var + eps).sqrt()),
        "You left the learned scale gamma out.",
    ),
    (
        _with_scale(lambda gamma, var, eps: gamma * (var + eps).sqrt()),
        "You multiplied by the standard deviation; batch normalisation divides by it.",
    ),
    (
        _with_shift(lambda scale, beta, mean: beta - mean),
        "You subtracted the mean as it is; it is scaled, too: scale * (h - mean) + beta.",
    ),
    (
        lambda gamma, beta, mean, var, eps: (gamma / (var + eps).sqrt(), beta - mean / (var + eps).sqrt()),
        "You left gamma out of the shift; the mean is multiplied by the whole scale.",
    ),
    (
        lambda gamma, beta, mean, var, eps: (gamma / (var + eps).sqrt(), beta - gamma * mean),
        "You multiplied the mean by gamma alone; it is multiplied by the whole scale.",
    ),
    (
        _with_scale(lambda gamma, var, eps: gamma / (var + eps**2).sqrt()),
        "You squared eps; it is added to the variance as it is.",
    ),
    (
        _with_shift(lambda scale, beta, mean: beta + scale * mean),
        "You added the scaled mean; the mean is subtracted.",
    ),
    (
        _with_shift(lambda scale, beta, mean: scale * (beta - mean)),
        "You scaled beta as well; beta is added after the scaling.",
    ),
    (_with_shift(lambda scale, beta, mean: beta), "You left the mean out of the shift."),
    (_with_shift(lambda scale, beta, mean: -scale * mean), "You left the learned shift beta out."),
    (
        lambda *given: scale_and_shift(*given)[::-1],
        "You returned (shift, scale); wanted is (scale, shift).",
    ),
)

EXERCISES = {
    "03d.1": Exercise(_first_deviation, first_deviation, tuple(Slip(*slip) for slip in DEVIATION_SLIPS)),
    "03d.2": Exercise(_scale_and_shift, scale_and_shift, tuple(Slip(*slip) for slip in SCALE_SLIPS)),
}
