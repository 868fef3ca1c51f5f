"""The exercises of lesson 12: PSNR and its range, the error of a mean and of a sample, a downsampling's adjoint."""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def psnr(
    x_hat: Tensor,
    x: Tensor,
    low: float,
    high: float,
    *,
    error: Callable[[Tensor], Tensor] = lambda gap: gap.square().flatten(1).mean(1),
    peak: Callable[[float, float, Tensor], Any] = lambda low, high, x: high - low,
    power: float = 2.0,
    decibels: Callable[[Tensor], Tensor] = lambda ratio: 10 * ratio.log10(),
) -> Tensor:
    """Return 10 log10(range^2 / mean squared error) of each picture, (N,); what follows `high` is for slips."""
    ratio = torch.as_tensor(peak(low, high, x), dtype=x.dtype) ** power / error(x_hat - x)
    return decibels(ratio)


def _psnr(function: Callable) -> dict[str, Any]:
    numbers = {}
    for low, high in ((-1.0, 1.0), (0.0, 255.0), (16.0, 235.0)):
        rng = seeded_generator("12.1", int(high))
        x = low + (high - low) * (0.1 + 0.7 * torch.rand(3, 2, 4, 5, generator=rng, dtype=torch.float64))
        noise = torch.randn(x.shape, generator=rng, dtype=torch.float64)
        sizes = torch.tensor([0.02, 0.05, 0.11], dtype=torch.float64).view(3, 1, 1, 1)
        x_hat = (x + (high - low) * sizes * (noise + 0.3)).clamp(low, high)  # so whoever clamps it is right, too
        numbers[f"PSNR of three pictures in [{low:g}, {high:g}]"] = function(x_hat, x, low, high)
    return numbers


PSNR_SLIPS: dict[str, dict[str, Any]] = {
    "You took 1 for the range. It is high - low: 2 for pictures in [-1, 1].": {"peak": lambda low, high, x: 1.0},
    "You took the largest value, `high`, for the range. It is high - low.": {"peak": lambda low, high, x: high},
    "You took the range of the pictures that came. It is the range they may have, high - low.": {
        "peak": lambda low, high, x: x.max() - x.min()
    },
    "You took the largest value in the pictures for the range. It is high - low.": {
        "peak": lambda low, high, x: x.max()
    },
    "You took the range of each picture. It is the range that they may have, high - low.": {
        "peak": lambda low, high, x: x.amax((1, 2, 3)) - x.amin((1, 2, 3))
    },
    "You took each picture's largest value for the range. It is high - low.": {
        "peak": lambda low, high, x: x.amax((1, 2, 3))
    },
    "You did not square the range. It stands over a *squared* error.": {"power": 1.0},
    "You averaged over the channels alone. The mean is over C, H and W of a picture: flatten(1), then mean(1).": {
        "error": lambda gap: gap.square().mean(1)
    },
    "You averaged the squared error over all pictures. Each picture has its own: flatten(1), then mean(1).": {
        "error": lambda gap: gap.square().mean().expand(len(gap))
    },
    "You took one mean over the whole batch. Each picture has its own error: flatten(1), then mean(1).": {
        "error": lambda gap: gap.square().mean()
    },
    "You took 2 for the range, whatever `low` and `high` are. That is right in [-1, 1] only: take high - low.": {
        "peak": lambda low, high, x: 2.0
    },
    "You took 2 for the range, and did not square it. The range is high - low, and its square stands over the error.": {
        "peak": lambda low, high, x: 2.0,
        "power": 1.0,
    },
    "You took 2 for the range, and set its square over the *root* of the error. The range is high - low, and its "
    "square stands over the mean squared error.": {
        "peak": lambda low, high, x: 2.0,
        "error": lambda gap: gap.square().flatten(1).mean(1).sqrt(),
    },
    "You took decibels of each channel, and averaged them. Average the squared errors of a picture first.": {
        "error": lambda gap: gap.square().mean((2, 3)),
        "decibels": lambda ratio: (10 * ratio.log10()).mean(1),
    },
    "You took decibels of each number, and averaged them. Average the squared errors of a picture first.": {
        "error": lambda gap: gap.square().flatten(1),
        "decibels": lambda ratio: (10 * ratio.log10()).mean(1),
    },
    "You took the logarithm of each number, averaged, and left the factor 10 out. Average the squared errors of a "
    "picture first, and take 10 times the logarithm.": {
        "error": lambda gap: gap.square().flatten(1),
        "decibels": lambda ratio: ratio.log10().mean(1),
    },
    "You kept the channels apart, a number for each. The mean is over C, H and W of a picture.": {
        "error": lambda gap: gap.square().mean((2, 3))
    },
    "You took the variance of the differences, which leaves out an error that is the same everywhere. Take the mean of "
    "their squares.": {"error": lambda gap: gap.flatten(1).var(1)},
    "You took 20 times the logarithm of the range over the mean *squared* error. Square the range and take 10 times, "
    "or take the root of the error.": {"power": 1.0, "decibels": lambda ratio: 20 * ratio.log10()},
    "You set the picture's own mean square over the error. PSNR takes the range that it may have, high - low.": {
        "peak": lambda low, high, x: x.square().flatten(1).mean(1).sqrt()
    },
    "You averaged the PSNR of the pictures. One number for each picture is asked for.": {
        "decibels": lambda ratio: (10 * ratio.log10()).mean()
    },
    "You took the natural logarithm. A decibel is a tenth of a power of ten: log10.": {
        "decibels": lambda ratio: 10 * ratio.log()
    },
    "You took 20 times the logarithm of a ratio that is squared already. Take 10 times.": {
        "decibels": lambda ratio: 20 * ratio.log10()
    },
    "You left the factor 10 out.": {"decibels": lambda ratio: ratio.log10()},
    "You took the square root of the mean squared error, and set the squared range over it.": {
        "error": lambda gap: gap.square().flatten(1).mean(1).sqrt()
    },
    "You took the mean *absolute* error. PSNR is about the squared one.": {
        "error": lambda gap: gap.abs().flatten(1).mean(1)
    },
    "You squared the mean absolute error. Square first, then average.": {
        "error": lambda gap: gap.abs().flatten(1).mean(1) ** 2
    },
    "You squared the mean error. Square first, then average: else errors of both signs cancel.": {
        "error": lambda gap: gap.flatten(1).mean(1) ** 2
    },
    "You added the squared errors up. Take their mean, or a larger picture is a worse one.": {
        "error": lambda gap: gap.square().flatten(1).sum(1)
    },
    "You turned the fraction round. The range stands above, so that a smaller error gives more decibels.": {
        "decibels": lambda ratio: -10 * ratio.log10()
    },
}


def error_of_answer(
    values: Tensor,
    p: Tensor,
    t: float,
    *,
    centre: Callable[[Tensor, Tensor], Tensor] = lambda values, p: p @ values,
    spread: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda values, p, m: p @ (values - m).square(),
    factor: Callable[[float], float] = lambda t: 1 + t**2,
) -> Tensor:
    """Return the expected squared error of m + t (sample - m); what follows `t` is for slips."""
    return spread(values, p, centre(values, p)) * factor(t)


def _error_of_answer(function: Callable) -> dict[str, Any]:
    coin = torch.tensor([-1.0, 1.0], dtype=torch.float64), torch.tensor([0.5, 0.5], dtype=torch.float64)
    rng = seeded_generator("12.2")
    p = torch.tensor([0.15, 0.05, 0.45, 0.25, 0.10], dtype=torch.float64)
    five = 1.3 + 2 * torch.rand(5, generator=rng, dtype=torch.float64)
    cases = {"a coin, t = 1": (*coin, 1.0)}
    cases |= {f"five values, t = {t:g}": (five, p, t) for t in (0.0, 1.0, 0.6)}
    return {f"error for {name}": function(*case) for name, case in cases.items()}


def _variance(values: Tensor, p: Tensor, m: Tensor) -> Tensor:
    return p @ (values - m).square()


ERROR_SLIPS: dict[str, dict[str, Any]] = {
    "You returned the variance, whatever t is. That is the error of the mean, t = 0.": {"factor": lambda t: 1.0},
    "You returned twice the variance, whatever t is. That is the error of a sample, t = 1.": {"factor": lambda t: 2.0},
    "You went on a straight line from v, at t = 0, to 2 v, at t = 1. The answer moves by t times (sample - m), and the "
    "square of t counts.": {"factor": lambda t: 1 + t},
    "You squared 1 + t. The two errors are independent: their squares add, and their product averages to 0.": {
        "factor": lambda t: (1 + t) ** 2
    },
    "You subtracted t squared times the variance. The squares of the two errors add, whatever their signs are.": {
        "factor": lambda t: 1 - t**2
    },
    "You added the product term 2 t v, or left out its square. The product of the two errors averages to 0, since the "
    "sample is independent of x. What remains are the two squares.": {"factor": lambda t: 1 + 2 * t},
    "You multiplied twice the variance by t. At t = 0 the answer is m, and its error is the variance.": {
        "factor": lambda t: 2 * t
    },
    "You shortened the error of x from m, too, by 1 - t. x - a is (x - m) - t (sample - m): the first term is whole.": {
        "factor": lambda t: (1 - t) ** 2 + t**2
    },
    "You took values.var(): it counts all values alike, and divides by n - 1. Weight the squared distances from m "
    "with p, and add them up.": {
        "centre": lambda values, p: values.mean(),
        "spread": lambda values, p, m: values.var(),
    },
    "You averaged values * p. p adds up to 1 already: take the sum of values * p for m.": {
        "centre": lambda values, p: (values * p).mean()
    },
    "You averaged values * p for m, and the weighted squares for the variance. p adds up to 1 already: take sums.": {
        "centre": lambda values, p: (values * p).mean(),
        "spread": lambda values, p, m: (p * (values - m).square()).mean(),
    },
    "You averaged the weighted squares for the variance. p adds up to 1 already: take their sum.": {
        "spread": lambda values, p, m: (p * (values - m).square()).mean()
    },
    "You left out the error that the mean has, too: t squared times the variance is only how far the answer moves.": {
        "factor": lambda t: t**2
    },
    "You let the sample be the true value itself. It is another draw, and knows nothing of the true one.": {
        "factor": lambda t: (1 - t) ** 2
    },
    "You took the mean of the squares for the variance. Subtract the mean first.": {
        "spread": lambda values, p, m: p @ values.square()
    },
    "You subtracted m from the mean of the squares. The variance is the mean of the squares less the *square* of m.": {
        "spread": lambda values, p, m: p @ values.square() - m
    },
    "You counted all values alike. Weight them with p, in the mean and in the variance.": {
        "centre": lambda values, p: values.mean(),
        "spread": lambda values, p, m: (values - m).square().mean(),
    },
    "You weighted the mean with p, but not the squared distances from it.": {
        "spread": lambda values, p, m: (values - m).square().mean()
    },
    "You took distances from the unweighted mean. The mean m weights the values with p.": {
        "centre": lambda values, p: values.mean()
    },
    "You took the standard deviation. The expected squared error is in squared units: leave out the square root.": {
        "spread": lambda values, p, m: _variance(values, p, m).sqrt()
    },
    "You took the mean absolute distance from m. The squared error is asked for.": {
        "spread": lambda values, p, m: p @ (values - m).abs()
    },
    "You took the most likely value for m. m is the mean.": {"centre": lambda values, p: values[p.argmax()]},
    "You weighted with p, but did not add up. The expected error is the sum over the values.": {
        "spread": lambda values, p, m: p * (values - m).square()
    },
    "You divided by n - 1, as for a variance that is estimated from draws. Here p is known exactly.": {
        "spread": lambda values, p, m: _variance(values, p, m) * len(values) / (len(values) - 1)
    },
}


def _all_pairs(values: Tensor, p: Tensor, t: float) -> Tensor:
    m = p @ values
    answers = m + t * (values - m)
    return (values[:, None] - answers[None]).square().mean()


def adjoint(y: Tensor, factor: int) -> Tensor:
    """Return the adjoint of an area downsampling: each number of y (B, C, h, w) over factor x factor pixels, / f^2."""
    return F.interpolate(y, scale_factor=factor, mode="nearest") / factor**2


def _adjoint(function: Callable) -> dict[str, Any]:
    numbers = {}
    for factor, shape in ((2, (2, 1, 4, 6)), (4, (1, 2, 4, 8))):
        rng = seeded_generator("12.3", factor)
        y = torch.randn(shape, generator=rng, dtype=torch.float64)
        numbers[f"adjoint for factor {factor}"] = function(y, factor)
    return numbers


def _corner(y: Tensor, factor: int) -> Tensor:
    spread = torch.zeros(*y.shape[:2], y.shape[2] * factor, y.shape[3] * factor, dtype=y.dtype)
    spread[:, :, ::factor, ::factor] = y
    return spread


def _tiled(y: Tensor, factor: int) -> Tensor:
    return y.repeat(1, 1, factor, factor)


def _repeated(y: Tensor, factor: int) -> Tensor:
    return F.interpolate(y, scale_factor=factor, mode="nearest")


def _wrong_axes(y: Tensor, factor: int) -> Tensor:
    return y.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


def _cut_anew(y: Tensor, factor: int) -> Tensor:
    batch, channels, height, width = y.shape
    return y.repeat_interleave(factor**2, 3).view(batch, channels, height * factor, width * factor)


ADJOINT_SLIPS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "You gave each pixel the whole number of its block. In the mean of a block each pixel counts 1 / factor^2, and so "
    "it does on the way back.": _repeated,
    "You divided by factor. A block has factor^2 pixels.": lambda y, factor: _repeated(y, factor) / factor,
    "You divided by 2 * factor. A block has factor * factor pixels.": lambda y, factor: (
        _repeated(y, factor) / (2 * factor)
    ),
    "You divided by factor^2 twice. Once is enough: each pixel counts 1 / factor^2 in its block's mean.": (
        lambda y, factor: _repeated(y, factor) / factor**4
    ),
    "You multiplied by factor^2. The mean *divides* by it, and the adjoint does the same.": lambda y, factor: (
        _repeated(y, factor) * factor**2
    ),
    "You put each number into one corner of its block. Every pixel of the block counts in the mean, so every pixel "
    "gets its part.": _corner,
    "You put a part of each number into one corner of its block. Every pixel of the block gets such a part.": (
        lambda y, factor: _corner(y, factor) / factor**2
    ),
    "You laid copies of the whole small picture side by side. Each *number* belongs to the factor x factor pixels of "
    "its own block: repeat_interleave, not repeat.": lambda y, factor: _tiled(y, factor) / factor**2,
    "You laid copies of the whole small picture side by side, and did not divide. repeat_interleave repeats each "
    "number, and each pixel counts 1 / factor^2.": _tiled,
    "You enlarged smoothly (bilinear). The adjoint of a block's mean is constant on the block.": lambda y, factor: (
        F.interpolate(y, scale_factor=factor, mode="bilinear") / factor**2
    ),
    "You enlarged smoothly (bilinear), and did not divide. The adjoint is constant on each block, and each pixel "
    "counts 1 / factor^2.": lambda y, factor: F.interpolate(y, scale_factor=factor, mode="bilinear"),
    "You enlarged smoothly (bicubic). The adjoint of a block's mean is constant on the block.": lambda y, factor: (
        F.interpolate(y, scale_factor=factor, mode="bicubic") / factor**2
    ),
    "You enlarged smoothly (bicubic), and did not divide. The adjoint is constant on each block, and each pixel "
    "counts 1 / factor^2.": lambda y, factor: F.interpolate(y, scale_factor=factor, mode="bicubic"),
    "You divided by 16, whatever the factor is. A block has factor^2 pixels.": lambda y, factor: (
        _repeated(y, factor) / 16
    ),
    "You took 4 for the factor. It is an argument here: `factor`.": lambda y, factor: adjoint(y, 4),
    "You took means of blocks once more. That is A, and it makes a picture smaller. The way back makes it larger.": (
        F.avg_pool2d
    ),
    "You swapped the axes of each small picture. The ^T of A^T belongs to A as a matrix that acts on all pixels of a "
    "picture. Nothing in the picture itself is turned.": lambda y, factor: y.transpose(2, 3),
    "You swapped the axes of each small picture, and then spread its numbers. The ^T of A^T belongs to A as a matrix "
    "that acts on all pixels of a picture. Nothing in the picture itself is turned.": lambda y, factor: adjoint(
        y.transpose(2, 3), factor
    ),
    "You divided by the number of all pixels. Only the factor^2 pixels of a block share a number.": lambda y, factor: (
        _repeated(y, factor) / (factor**2 * y.shape[2] * y.shape[3])
    ),
    "You divided by the number of small pixels. Divide by the pixels in a block, factor^2.": lambda y, factor: (
        _repeated(y, factor) / (y.shape[2] * y.shape[3])
    ),
    "You enlarged along one axis only.": lambda y, factor: y.repeat_interleave(factor, 3) / factor**2,
    "You enlarged along the rows' axis only.": lambda y, factor: y.repeat_interleave(factor, 2) / factor**2,
    "You repeated along the axes 1 and 2, channels and rows. Rows are axis 2, columns axis 3.": lambda y, factor: (
        _wrong_axes(y, factor) / factor**2
    ),
    "You repeated along the axes 1 and 2, channels and rows, and did not divide. Rows are axis 2, columns axis 3, and "
    "each pixel counts 1 / factor^2.": _wrong_axes,
    "You repeated each number factor^2 times within its row, and cut the result into rows anew. So a number does not "
    "fill a block: repeat along axis 2, then along axis 3.": lambda y, factor: _cut_anew(y, factor) / factor**2,
    "You repeated each number factor^2 times within its row, cut the result into rows anew, and did not divide. Repeat "
    "along axis 2, then along axis 3, and divide by factor^2.": _cut_anew,
    "You changed the sign. The adjoint has none.": lambda y, factor: -adjoint(y, factor),
}

EXERCISES = {
    "12.1": Exercise(
        _psnr, psnr, tuple(Slip(functools.partial(psnr, **change), hint) for hint, change in PSNR_SLIPS.items())
    ),
    "12.2": Exercise(
        _error_of_answer,
        error_of_answer,
        (
            Slip(
                _all_pairs,
                "You averaged over all pairs of a value and an answer, all alike. Value i and sample j come with "
                "the probability p[i] p[j].",
            ),
            *(Slip(functools.partial(error_of_answer, **change), hint) for hint, change in ERROR_SLIPS.items()),
        ),
    ),
    "12.3": Exercise(_adjoint, adjoint, tuple(Slip(answer, hint) for hint, answer in ADJOINT_SLIPS.items())),
}
