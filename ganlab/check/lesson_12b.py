"""The exercises of lesson 12b: how often the truth lies within samples, and the SSIM of changed pictures."""

import functools
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def coverage(
    samples: Tensor,
    truth: Tensor,
    level: float,
    *,
    ends: Callable[[float], tuple[float, float]] = lambda level: ((1 - level) / 2, (1 + level) / 2),
    interval: Callable[[Tensor, float, float], tuple[Tensor, Tensor]] = lambda samples, low, high: (
        samples.quantile(low, 0),
        samples.quantile(high, 0),
    ),
    fraction: Callable[[Tensor], Tensor] = lambda inside: inside.double().mean(),
    within: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda asked, low, high: (asked >= low) & (asked <= high),
    of_samples: bool = False,
) -> Tensor:
    """Return the fraction of truths inside the samples' central interval; what follows `level` is for slips."""
    low, high = interval(samples, *ends(level))
    asked = samples if of_samples else truth
    return fraction(within(asked, low, high))


def _coverage(function: Callable) -> dict[str, Any]:
    numbers = {}
    for k, (level, spread) in enumerate(((0.8, 1.0), (0.5, 0.7), (0.9, 0.5))):
        rng = seeded_generator("12b.1", k)
        centre = torch.randn(60, generator=rng, dtype=torch.float64)
        skewed = torch.randn(41, 60, generator=rng, dtype=torch.float64).exp() - 1.3
        samples = centre + spread * skewed
        truth = centre + torch.randn(60, generator=rng, dtype=torch.float64).exp() - 1.3
        if level == 0.5:  # in steps of a half: some truths lie at an end, which is one of the samples here
            samples, truth = (2 * samples).round() / 2, (2 * truth).round() / 2
        try:
            numbers[f"coverage at level {level:g}"] = function(samples, truth, level)
        except RuntimeError as error:
            if not re.search(r"\((?:41|60)\) must match the size of tensor b \((?:41|60)\)", str(error)):
                raise
            raise ValueError(
                "got an interval for each of 41 samples, expected one for each of 60 truths. "
                "Hint: You took the quantiles over dimension 1. The samples of one truth are a column: dim=0."
            ) from error
    return numbers


def _one_too_low(samples: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    values = samples.sort(0).values
    return values[int(len(values) * low)], values[int(len(values) * high) - 1]


def _normal(samples: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    mean, sigma = samples.mean(0), samples.std(0)
    width = torch.special.ndtri(torch.tensor(high, dtype=samples.dtype)) * sigma
    return mean - width, mean + width


COVERAGE_SLIPS: dict[str, dict[str, Any]] = {
    "You cut off 1 - level at each end. Both ends together hold 1 - level, so each holds half of it.": {
        "ends": lambda level: (1 - level, level)
    },
    "You cut off the upper end alone. A central interval leaves (1 - level) / 2 at each end.": {
        "ends": lambda level: (0.0, level)
    },
    "You cut off the lower end alone. A central interval leaves (1 - level) / 2 at each end.": {
        "ends": lambda level: (1 - level, 1.0)
    },
    "You took the whole range of the samples, from the least to the largest.": {"ends": lambda level: (0.0, 1.0)},
    "You took level / 2 for the part at each end. It is (1 - level) / 2.": {
        "ends": lambda level: (level / 2, 1 - level / 2),
        "interval": lambda samples, low, high: (
            samples.quantile(min(low, high), 0),
            samples.quantile(max(low, high), 0),
        ),
    },
    "You left the ends out. A truth at an end of the interval counts as inside: >= and <=.": {
        "within": lambda asked, low, high: (asked > low) & (asked < high)
    },
    "You left the lower end out. A truth at it counts as inside: >=.": {
        "within": lambda asked, low, high: (asked > low) & (asked <= high)
    },
    "You left the upper end out. A truth at it counts as inside: <=.": {
        "within": lambda asked, low, high: (asked >= low) & (asked < high)
    },
    "You asked only whether the truth is at most the quantile `level`. The interval is central: it has a lower end, "
    "too, and leaves (1 - level) / 2 at each.": {
        "ends": lambda level: (0.0, level),
        "within": lambda asked, low, high: asked <= high,
    },
    "You asked only for the lower end, the quantile 1 - level. The interval is central: it has an upper end, too, and "
    "leaves (1 - level) / 2 at each.": {
        "ends": lambda level: (1 - level, 1.0),
        "within": lambda asked, low, high: asked >= low,
    },
    "You sorted, and took the upper end one sample too low. Counted from 0, the quantile q of S sorted samples is at "
    "q (S - 1): `quantile` finds it.": {"interval": _one_too_low},
    "You joined both conditions by `or`. A truth inside lies above the lower end *and* below the upper one.": {
        "within": lambda asked, low, high: (asked >= low) | (asked <= high)
    },
    "You exchanged the two ends: nothing lies above the upper end and below the lower one.": {
        "within": lambda asked, low, high: (asked >= high) & (asked <= low)
    },
    "You returned the fraction of truths *outside* the interval.": {
        "fraction": lambda inside: (~inside).double().mean()
    },
    "You counted the truths inside. Divide by their number.": {"fraction": lambda inside: inside.double().sum()},
    "You returned a number for each truth. Return one number, the fraction of the truths inside.": {
        "fraction": lambda inside: inside.double()
    },
    "You asked how many of the *samples* lie inside. Ask it of the truths.": {"of_samples": True},
    "You took the quantiles 0.1 and 0.9, whatever the level. They belong to the level 0.8.": {
        "ends": lambda level: (0.1, 0.9)
    },
    "You returned a percentage. A fraction is asked for.": {"fraction": lambda inside: 100 * inside.double().mean()},
    "You pooled the samples of all truths into one interval. Each truth has samples of its own, the column below it: "
    "quantile(..., dim=0).": {
        "interval": lambda samples, low, high: (samples.flatten().quantile(low), samples.flatten().quantile(high))
    },
    "You took mean plus and minus standard deviations of a normal distribution. The samples may be skewed: take their "
    "quantiles.": {"interval": _normal},
    "You took the mean plus and minus one standard deviation, whatever the level.": {
        "interval": lambda samples, low, high: (
            samples.mean(0) - samples.std(0),
            samples.mean(0) + samples.std(0),
        )
    },
}


SHAPE = (6, 5)  # of the pictures that SSIM is tried on
PIXELS = SHAPE[0] * SHAPE[1]


def ssim(
    x_hat: Tensor,
    x: Tensor,
    *,
    k: tuple[float, float] = (0.01, 0.03),
    span: float = 2.0,
    power: float = 2.0,
    brightness: Callable[[Tensor, Tensor, float], Tensor] = lambda m, n, c: (2 * m * n + c) / (m**2 + n**2 + c),
    structure: Callable[[Tensor, Tensor, Tensor, float], Tensor] = lambda v, w, cov, c: (2 * cov + c) / (v + w + c),
    reduce: Callable[[Tensor], Tensor] = lambda products: products.mean((1, 2)),
    centred: bool = True,
    covariance: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda cov, m, n: cov,
    join: Callable[[Tensor, Tensor], Tensor] = torch.mul,
) -> Tensor:
    """Return the SSIM of pictures (N, H, W) in [-1, 1] with one window, the picture; the rest is for slips."""
    m, n = x_hat.mean((1, 2)), x.mean((1, 2))
    first = x_hat - m[:, None, None] if centred else x_hat
    second = x - n[:, None, None] if centred else x
    v, w, cov = reduce(first**2), reduce(second**2), reduce(first * second)
    c_1, c_2 = ((each * span) ** power for each in k)
    return join(brightness(m, n, c_1), structure(v, w, covariance(cov, m, n), c_2))


def _ssim(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("12b.2")
    x = 0.3 * torch.randn(3, *SHAPE, generator=rng, dtype=torch.float64).cumsum(1) / 1.5 - 0.2
    x = x.clamp(-1, 1)
    changed = {
        "a lighter picture": x + 0.15,
        "a picture of half the contrast": 0.5 * x,
        "a picture shifted by a row": x.roll(1, 1),
        "a negative": -x,
        "a flat grey picture": torch.full_like(x, 0.05),
    }
    return {f"SSIM of {name}": function(x_hat, x) for name, x_hat in changed.items()}


def _one_picture(x_hat: Tensor, x: Tensor) -> Tensor:
    return ssim(x_hat.flatten(0, 1)[None], x.flatten(0, 1)[None])[0]


SSIM_SLIPS: dict[str, dict[str, Any]] = {
    "You left the constants out. Without c_1 and c_2 a flat picture would divide 0 by 0.": {"k": (0.0, 0.0)},
    "You did not square 0.01 * 2 and 0.03 * 2.": {"power": 1.0},
    "You took 1 for the range. Pictures in [-1, 1] have the range 2.": {"span": 1.0},
    "You took 255 for the range. Pictures in [-1, 1] have the range 2.": {"span": 255.0},
    "You exchanged the two constants. c_1, the smaller one, belongs to the means.": {"k": (0.03, 0.01)},
    "You squared 0.01 and 0.03, but not the range, 2. The square is of the product: (0.01 * 2)^2.": {
        "k": (0.01 / 2**0.5, 0.03 / 2**0.5)
    },
    "You took c_1 in both parts. The second one has c_2.": {"k": (0.01, 0.01)},
    "You took c_2 in both parts. The first one has c_1.": {"k": (0.03, 0.03)},
    "You left out the part of the means.": {"brightness": lambda m, n, c: torch.ones_like(m)},
    "You left out the part of the variances.": {"structure": lambda v, w, cov, c: torch.ones_like(v)},
    "You forgot the factor 2 before the product of the means.": {
        "brightness": lambda m, n, c: (m * n + c) / (m**2 + n**2 + c)
    },
    "You forgot the factor 2 before the covariance.": {"structure": lambda v, w, cov, c: (cov + c) / (v + w + c)},
    "You forgot the factor 2 in both parts.": {
        "brightness": lambda m, n, c: (m * n + c) / (m**2 + n**2 + c),
        "structure": lambda v, w, cov, c: (cov + c) / (v + w + c),
    },
    "You took the correlation for the second part. It would forgive any change of contrast; SSIM does not.": {
        "structure": lambda v, w, cov, c: (cov + c / 2) / ((v * w).sqrt() + c / 2)
    },
    "You did not subtract the means before you took variances and the covariance.": {"centred": False},
    "You subtracted the means for the variances, but not for the covariance.": {
        "covariance": lambda cov, m, n: cov + m * n
    },
    "You took the absolute value of the covariance. A negative has a negative covariance, and SSIM shows it.": {
        "covariance": lambda cov, m, n: cov.abs()
    },
    "Your variances divide by the number of pixels less 1, as torch's var does unless it is told otherwise. Here they "
    "are means: correction=0.": {
        "structure": lambda v, w, cov, c: (2 * cov + c) / ((v + w) * PIXELS / (PIXELS - 1) + c)
    },
    "Your variances and your covariance divide by the number of pixels less 1. Here they are means.": {
        "reduce": lambda products: products.sum((1, 2)) / (PIXELS - 1)
    },
    "You averaged over the pictures as well. Each picture has an SSIM of its own.": {
        "join": lambda a, b: (a * b).mean()
    },
    "You squared the variances. v and w are squares already.": {
        "structure": lambda v, w, cov, c: (2 * cov + c) / (v**2 + w**2 + c)
    },
    "You took standard deviations in place of variances.": {
        "structure": lambda v, w, cov, c: (2 * cov + c) / (v.sqrt() + w.sqrt() + c)
    },
    "You added squares and products up. Variances and the covariance are means over the pixels.": {
        "reduce": lambda products: products.sum((1, 2))
    },
    "You took the root of v w for the covariance, as if the pictures had the same pattern. k is the mean product of "
    "their deviations.": {"structure": lambda v, w, cov, c: (2 * (v * w).sqrt() + c) / (v + w + c)},
    "You added the two parts. SSIM is their product.": {"join": torch.add},
    "You averaged the two parts. SSIM is their product.": {"join": lambda a, b: (a + b) / 2},
}

EXERCISES = {
    "12b.1": Exercise(
        _coverage,
        coverage,
        tuple(Slip(functools.partial(coverage, **change), hint) for hint, change in COVERAGE_SLIPS.items()),
    ),
    "12b.2": Exercise(
        _ssim,
        ssim,
        (
            Slip(
                _one_picture,
                "You took the means over the whole batch. Each picture has its own means: mean((1, 2)).",
            ),
            Slip(
                lambda x_hat, x: ssim((x_hat + 1) / 2, (x + 1) / 2, span=1.0),
                "You moved the pictures to a range that begins at 0, such as [0, 1]. That changes their means, and so "
                "the first part. Leave them in [-1, 1].",
            ),
            *(Slip(functools.partial(ssim, **change), hint) for hint, change in SSIM_SLIPS.items()),
        ),
    ),
}
