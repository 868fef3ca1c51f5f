"""The exercises of lesson 06b: a kernel distance, a distance at infinity, an interval over seeds."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def _off(k: Tensor) -> Tensor:
    """Return the sum of a matrix without its diagonal."""
    return k.sum() - k.trace()


def _within(k: Tensor) -> Tensor:
    return _off(k) / (len(k) * (len(k) - 1))


def kernel_distance(k_xx: Tensor, k_yy: Tensor, k_xy: Tensor) -> Tensor:
    """Return the unbiased squared MMD from similarities (n, n), (m, m) and (n, m)."""
    return _within(k_xx) + _within(k_yy) - 2 * k_xy.mean()


def _kernel_distance(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, m, gap in ((5, 4, 1.5), (8, 7, 0.0)):  # the second is below 0
        generator = seeded_generator("06b.1", n)
        x, y = (torch.randn(size, 2, generator=generator, dtype=torch.float64) for size in (n, m))
        y = y + gap
        k = [(a @ b.T / 2 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
        numbers[f"distance of {n} and {m} samples"] = function(*k)
    return numbers


def _kernel_slips(within: dict[str, Callable[[Tensor], Tensor]]) -> tuple[Slip, ...]:
    """Return a slip for each hint, whose similarity within a set is `change(k)`."""

    def slip(change: Callable[[Tensor], Tensor], k_xx: Tensor, k_yy: Tensor, k_xy: Tensor) -> Tensor:
        return change(k_xx) + change(k_yy) - 2 * k_xy.mean()

    return tuple(Slip(functools.partial(slip, change), hint) for hint, change in within.items())


WITHIN_SLIPS = {
    "You counted the diagonals, each sample's similarity to itself: that is the bias that KID avoids.": lambda k: (
        k.mean()
    ),
    "You took the diagonals out of the sums, but divide by n^2: there are n (n - 1) pairs.": lambda k: (
        _off(k) / len(k) ** 2
    ),
    "You divide by n (n - 1), but the diagonals are still in the sums.": lambda k: k.sum() / (len(k) * (len(k) - 1)),
    "You took half of the matrix: each pair stands in the matrix twice: half of it has n (n - 1) / 2 "
    "entries.": lambda k: _within(k) / 2,
    "You took sums, not means: divide by the number of pairs.": _off,
    "You subtracted 1 for each: a sample's similarity to itself is not 1: subtract what stands on the diagonal, "
    "the trace.": lambda k: (k.sum() - len(k)) / (len(k) * (len(k) - 1)),
}


def _all_slips_of_the_kernel() -> tuple[Slip, ...]:
    def of(change: Callable[[Tensor, Tensor, Tensor], Tensor], hint: str) -> Slip:
        return Slip(lambda k_xx, k_yy, k_xy: change(_within(k_xx), _within(k_yy), k_xy), hint)

    def unlike(k: Tensor) -> Tensor:
        return (k.sum() - k.diagonal().sum()) / (k.numel() - min(k.shape))

    return (
        *_kernel_slips(WITHIN_SLIPS),
        Slip(
            lambda k_xx, k_yy, k_xy: _within(k_xx) + _off(k_yy) / (len(k_xx) * (len(k_xx) - 1)) - 2 * k_xy.mean(),
            "You divided both sums by the pairs of x. The second set has m samples, so m (m - 1) pairs.",
        ),
        Slip(
            lambda k_xx, k_yy, k_xy: (
                (_off(k_xx) + _off(k_yy)) / (len(k_xx) * (len(k_xx) - 1)) - 2 * k_xy.sum() / len(k_xx) ** 2
            ),
            "You took n for both sets. The second has m samples: m (m - 1) pairs, and n m between the sets.",
        ),
        of(
            lambda a, b, k: a + b - 2 * (k.sum() - k.diagonal().sum()) / k.numel(),
            "You left out the diagonal *between* the sets: x_i and y_i are two samples like any others.",
        ),
        of(
            lambda a, b, k: a + b - 2 * k.sum() / len(k) ** 2,
            "You divided the similarities between the sets by n^2. There are n m pairs of them.",
        ),
        of(lambda a, b, k: a + b - 2 * k.sum(), "You took a sum between the sets. Divide by the number of pairs, n m."),
        of(
            lambda a, b, k: a + b - k.mean(),
            "You counted once what counts twice: the similarity between the sets: x with y, and y with x.",
        ),
        of(
            lambda a, b, k: a + b + 2 * k.mean(),
            "You added: the similarity *between* the sets brings them closer: subtract it.",
        ),
        of(
            lambda a, b, k: 2 * k.mean() - a - b,
            "You turned the sign. Where pairs between the sets are very similar, the distance must be small.",
        ),
        of(
            lambda a, b, k: (a + b) / 2 - k.mean(),
            "You gave half of (6b.2). Add the first two means whole, and subtract twice the third.",
        ),
        of(
            lambda a, b, k: a + b - 2 * unlike(k),
            "You left out the diagonal between: x_i and y_i are no pair: the diagonal *between* the sets stays in.",
        ),
        of(
            lambda a, b, k: (a + b - 2 * k.mean()).clamp(min=0),
            "You cut at 0: then its mean is too high. Let it be < 0.",
        ),
        of(
            lambda a, b, k: (a + b - 2 * k.mean()).clamp(min=0).sqrt(),
            "You took a root: (6b.2) is the squared distance.",
        ),
    )


def at_infinity(sizes: np.ndarray, distances: np.ndarray) -> float:
    """Return the intercept of the least-squares line of the distances over 1 / size."""
    return float(np.polyfit(1 / np.asarray(sizes, dtype=float), np.asarray(distances), 1)[1])


def _at_infinity(function: Callable) -> dict[str, Any]:
    cases = {(50, 100, 300, 1000): (290.0, 151.0, 72.0, 38.0), (200, 400, 500): (9.0, 6.1, 5.2)}
    return {
        f"distance from {len(sizes)} sizes": function(np.array(sizes, dtype=float), np.array(distances))
        for sizes, distances in cases.items()
    }


def _fit_slips(fits: dict[str, Callable[[np.ndarray, np.ndarray], float]]) -> tuple[Slip, ...]:
    return tuple(Slip(fit, hint) for hint, fit in fits.items())


def _two_points(sizes: np.ndarray, distances: np.ndarray) -> float:
    return at_infinity(sizes[[0, -1]], distances[[0, -1]])


def _last_two(sizes: np.ndarray, distances: np.ndarray) -> float:
    return at_infinity(sizes[-2:], distances[-2:])


FIT_SLIPS = {
    "You fitted a line over n: the bias goes like 1/n, so fit over 1/n.": lambda n, d: np.polyfit(n, d, 1)[1],
    "You gave the slope, not where the line begins.": lambda n, d: np.polyfit(1 / n, d, 1)[0],
    "You gave a slope, and over n: fit over 1/n, and take the other of the two numbers.": lambda n, d: np.polyfit(
        n, d, 1
    )[0],
    "You fitted over 1/sqrt(n): there go *errors*; the bias goes like 1/n.": lambda n, d: np.polyfit(n**-0.5, d, 1)[1],
    "You fitted a parabola. Over 1/n a straight line is asked for.": lambda n, d: np.polyfit(1 / n, d, 2)[2],
    "You returned slope and intercept. Return the intercept alone, the value at 1/n = 0.": lambda n, d: np.polyfit(
        1 / n, d, 1
    ),
    "You fitted over log n: there a line has no end: fit over 1/n.": lambda n, d: np.polyfit(np.log(n), d, 1)[1],
    "You gave the distance at the largest n: it has a bias still.": lambda n, d: d[-1],
    "You took a mean of the distances: each has a bias of its own.": lambda n, d: d.mean(),
    "You took the line through the first and the last point: least squares takes all of them.": _two_points,
    "You took the line through the last two points: least squares takes all of them.": _last_two,
    "You took the line at 1/n = 1, a single sample: for infinitely many, 1/n is 0.": lambda n, d: np.polyfit(
        1 / n, d, 1
    ).sum(),
    "You fitted a line through the origin, which over 1/n has no room for the answer: fit slope *and* "
    "intercept.": lambda n, d: np.sum(d / n) / np.sum(1 / n**2),
}


def difference_interval(
    a: np.ndarray,
    b: np.ndarray,
    quantile: Callable[[int], float] = lambda r: stats.t.ppf(0.975, r - 1),
    error: Callable[[np.ndarray, np.ndarray], float] = lambda a, b: (a - b).std(ddof=1) / math.sqrt(len(a)),
) -> tuple[float, float]:
    """Return the 95% interval of the mean of a - b, (r,) each, by Student's t; the rest are for slips."""
    middle = (a - b).mean()
    half = quantile(len(a)) * error(a, b)
    return float(middle - half), float(middle + half)


def _difference_interval(function: Callable) -> dict[str, Any]:
    a = np.array([31.0, 44.0, 37.5, 52.0, 40.0])
    b = np.array([35.0, 45.5, 43.0, 51.0, 47.0])
    numbers = {}
    for r in (5, 3):
        low, high = parts(function(a[:r].copy(), b[:r].copy()), "the lower end of the interval", "its upper end")
        numbers[f"lower end, {r} seeds"], numbers[f"upper end, {r} seeds"] = low, high
    return numbers


def _of_absolutes(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    return difference_interval(np.abs(a - b), np.zeros(len(a)))


def _half(a: np.ndarray, b: np.ndarray) -> float:
    low, high = difference_interval(a, b)
    return (high - low) / 2


INTERVAL_SLIPS = {
    "You took 1.96, which is for many seeds: for a few take Student's t.": {
        "quantile": lambda r: stats.norm.ppf(0.975)
    },
    "You took 1.96 (rounded), which is for many seeds: for a few take Student's t.": {"quantile": lambda r: 1.96},
    "You took 2, a rough quantile for many seeds: for a few take Student's t.": {"quantile": lambda r: 2.0},
    "You took 2.78, the quantile for five seeds. For r seeds it is stats.t.ppf(0.975, r - 1).": {
        "quantile": lambda r: 2.78
    },
    "You took 2.7764, the quantile for five seeds. For r seeds it is stats.t.ppf(0.975, r - 1).": {
        "quantile": lambda r: 2.7764
    },
    "You took 2.776, the quantile for five seeds. For r seeds it is stats.t.ppf(0.975, r - 1).": {
        "quantile": lambda r: 2.776
    },
    "You took r: r differences leave r - 1 degrees of freedom, not r.": {"quantile": lambda r: stats.t.ppf(0.975, r)},
    "You left 5% outside: 2.5% must lie outside at *each* end: the quantile is 0.975.": {
        "quantile": lambda r: stats.t.ppf(0.95, r - 1)
    },
    "You left out the quantile: that is one standard error to each side.": {"quantile": lambda r: 1.0},
    "You took the spread of single differences: the mean's is smaller by sqrt(r).": {
        "error": lambda a, b: (a - b).std(ddof=1)
    },
    "You divided by r: a mean's error shrinks with sqrt(r).": {"error": lambda a, b: (a - b).std(ddof=1) / len(a)},
    "You divided the squares by r: s divides by r - 1 (numpy's std divides by r: ddof=1).": {
        "error": lambda a, b: (a - b).std() / math.sqrt(len(a))
    },
    "You divided by the root of r - 1: it is already in s: divide by sqrt(r).": {
        "error": lambda a, b: (a - b).std(ddof=1) / math.sqrt(len(a) - 1)
    },
    "You took A and B as if on different seeds: the spread of the *differences* counts, and it is smaller.": {
        "error": lambda a, b: math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
    },
}
TURNED = "You gave B - A."
PERCENTILES = (
    "You took the 2.5% and 97.5% quantiles of the differences: they say where single differences lie. Take the mean, "
    "and t times its standard error to each side."
)
EXTREMES = "You gave the smallest and the largest difference: that says nothing about the mean."
HALF = "You returned half the width of the interval. Return two numbers: the mean less it, and the mean plus it."
MIDDLE = "You returned the middle and half the width. Return the two ends: the middle less it, and plus it."

EXERCISES = {
    "06b.1": Exercise(_kernel_distance, kernel_distance, _all_slips_of_the_kernel()),
    "06b.2": Exercise(_at_infinity, at_infinity, _fit_slips(FIT_SLIPS)),
    "06b.3": Exercise(
        _difference_interval,
        difference_interval,
        (
            *(Slip(functools.partial(difference_interval, **change), hint) for hint, change in INTERVAL_SLIPS.items()),
            Slip(
                lambda a, b: difference_interval(
                    a,
                    b,
                    quantile=lambda r: stats.t.ppf(0.975, 2 * r - 2),
                    error=lambda a, b: math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a)),
                ),
                "You gave the interval for two independent groups. Each seed gives a pair: take the differences first.",
            ),
            Slip(lambda a, b: difference_interval(b, a), TURNED),
            Slip(_of_absolutes, "You took absolute differences. Keep the signs: they say which method is better."),
            Slip(lambda a, b: difference_interval(a, b)[::-1], "You exchanged the ends. Return the low one first."),
            Slip(lambda a, b: (float((a - b).min()), float((a - b).max())), EXTREMES),
            Slip(lambda a, b: tuple(np.percentile(a - b, [2.5, 97.5])), PERCENTILES),
            Slip(_half, HALF),
            Slip(lambda a, b: 2 * _half(a, b), "You returned the width of the interval. Return its two ends."),
            Slip(lambda a, b: (float((a - b).mean()), _half(a, b)), MIDDLE),
            Slip(
                lambda a, b: float((a - b).mean()), "You returned the mean difference. Return the ends of its interval."
            ),
        ),
    ),
}
