"""The exercises of lesson 00: pixels to the range of a generator, and the number after ±."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts


def to_tanh(pixels: torch.Tensor) -> torch.Tensor:
    """Return uint8 pixels 0..255 as float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def _scaled(function) -> dict:
    # 8-bit arithmetic shows itself above 127; scaling by a batch's own range on a batch that does not reach 0 and 255
    numbers = {}
    for rows in ([[0, 1, 100], [128, 200, 255]], [[20, 180]]):
        pixels = torch.tensor(rows, dtype=torch.uint8)
        numbers[f"to_tanh({rows})"] = function(pixels)
        numbers[f"the pixels {rows}, afterwards"] = pixels  # a caller's tensor must survive
    return numbers


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of values (n,) and its standard error."""
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def _mean_and_error(function: Callable) -> dict[str, Any]:
    # Of different sizes, with means of either sign, so that n, n - 1 and their roots are told apart.
    numbers = {}
    for given in ([2.0, 4.0, 9.0], [-1.0, 0.5, 3.0, 3.5, 10.0], [-8.0, -2.0]):
        result = function(np.array(given))
        mean, error = parts(result, "the mean", "its standard error")
        numbers[f"the mean of {given}"], numbers[f"the standard error of {given}"] = mean, error
    return numbers


def _paired(error: Callable[[np.ndarray], Any], mean: Callable[[np.ndarray], Any] = np.mean) -> Callable:
    return lambda values: (mean(values), error(values))


ERROR_SLIPS = (
    (
        _paired(lambda v: v.std(ddof=1)),
        "You gave the standard deviation, the spread of single values. Divide it by the root of n.",
    ),
    (
        _paired(lambda v: v.std() / np.sqrt(len(v))),
        "You divided the squares by n. NumPy's std does so unless you say ddof=1, for n - 1.",
    ),
    (_paired(lambda v: v.std()), "You gave NumPy's std: say ddof=1, and divide by the root of n."),
    (_paired(lambda v: v.std(ddof=1) / len(v)), "You divided the standard deviation by n, not by the root of n."),
    (_paired(lambda v: v.std() / len(v)), "You divided NumPy's std by n. Say ddof=1, and divide by the root of n."),
    (
        _paired(lambda v: v.var(ddof=1) / len(v)),
        "You gave the square of the standard error: take the root.",
    ),
    (
        _paired(lambda v: v.var(ddof=1) / np.sqrt(len(v))),
        "You divided the variance by the root of n. Take the standard deviation, the root of the variance.",
    ),
    (
        _paired(lambda v: v.std(ddof=1) / np.sqrt(len(v) - 1)),
        "You divided by the root of n - 1. The n - 1 belongs inside the standard deviation, here it is n.",
    ),
    (
        _paired(lambda v: v.std(ddof=1) / np.sqrt(5)),
        "You divided by the root of 5, the number of results with the die. Divide by the root of len(values).",
    ),
    (_paired(lambda v: 2 * v.std(ddof=1) / np.sqrt(len(v))), "You gave two standard errors. One is wanted."),
    (
        _paired(lambda v: (v.max() - v.min()) / 2),
        "You gave half of the range, which grows with n. Take the standard deviation, over the root of n.",
    ),
    (
        _paired(np.mean, lambda v: v.std(ddof=1) / np.sqrt(len(v))),
        "You have both numbers, in the other order: the mean comes first.",
    ),
    (
        _paired(lambda v: v.std(ddof=1) / np.sqrt(len(v)), np.median),
        "You took the median for the first number. The mean is wanted.",
    ),
)

EXERCISES = {
    "00.1": Exercise(
        _scaled,
        to_tanh,
        (
            Slip(lambda p: p.float() / 255, "You gave [0, 1]. A range twice as wide that starts at -1 is wanted."),
            Slip(lambda p: p.float() / 127.5, "You gave [0, 2]: the width is right, the start is not."),
            Slip(lambda p: p.float() / 255 - 1, "You gave [-1, 0]: it starts right, but is only half as wide."),
            Slip(
                lambda p: p.float() / 128 - 1,
                "You halved 256: 255 must land on exactly 1, so half the range is 127.5, not 128.",
            ),
            Slip(lambda p: 1 - p.float() / 127.5, "You swapped black and white: 0 belongs to -1."),
            Slip(
                lambda p: 2 * p / 255 - 1,
                "You multiplied bytes: 2 * pixels is still 8 bits wide and wraps at 256. Make it float first.",
            ),
            Slip(
                lambda p: 2 * p.float() - 1,
                "You took the bytes for numbers from 0 to 1. They go up to 255: divide by 255 before you double.",
            ),
            Slip(lambda p: (p - 127.5) / 255, "You gave [-0.5, 0.5]: divide by half the range."),
            Slip(lambda p: p.float() - 127.5, "You gave [-127.5, 127.5]: it is centred, but not scaled."),
            Slip(
                lambda p: (p.float() - p.float().mean()) / p.float().std(),
                "You standardised: do not, the range is fixed.",
            ),
            Slip(
                lambda p: 2 * p.float() / p.max() - 1,
                "You divided by the largest value: divide by 255, not by the largest value of this batch.",
            ),
            Slip(
                lambda p: 2 * (p.float() - p.min()) / (p.max() - p.min()) - 1,
                "You took this batch's range: the range of bytes is 0 to 255, whatever this batch's own "
                "smallest and largest are.",
            ),
            Slip(
                lambda p: p.float().tanh(),
                "You used tanh: tanh is the generator's last step; real images are only shifted and scaled.",
            ),
            Slip(
                lambda p: (p / 255).tanh(),
                "You used tanh: tanh is the generator's last step; real images, also those from 0 to 1, are "
                "only shifted and scaled.",
            ),
            Slip(
                lambda p: (p - 128) / 128,
                "You subtracted from bytes: 8-bit numbers wrap below 0: make them float first. And halve 255, not 256.",
            ),
            Slip(lambda p: (p // 127.5).float() - 1, "You divided by //, and // throws the fraction away: use /."),
        ),
    ),
    "00.2": Exercise(_mean_and_error, mean_and_error, tuple(Slip(*slip) for slip in ERROR_SLIPS)),
}
