"""Answers to the exercises of lesson 06b as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
from scipy import stats


def mmd_by_loop(k_xx, k_yy, k_xy):
    total = 0.0
    for k in (k_xx, k_yy):
        n = len(k)
        total += sum(k[i, j].item() for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return total - 2 * k_xy.sum().item() / k_xy.numel()


def mmd_by_mask(k_xx, k_yy, k_xy):
    n, m = k_xy.shape
    inside = k_xx[~torch.eye(n, dtype=torch.bool)].mean() + k_yy[~torch.eye(m, dtype=torch.bool)].mean()
    return inside - 2 * k_xy.mean()


def mmd_by_triangle(k_xx, k_yy, k_xy):
    n, m = k_xy.shape
    return (
        k_xx.triu(1).sum() * 2 / n / (n - 1)
        + k_yy.tril(-1).sum() * 2 / m / (m - 1)
        - 2 / n / m * torch.einsum("ij->", k_xy)
    )


def mmd_biased(k_xx, k_yy, k_xy):
    return k_xx.mean() + k_yy.mean() - 2 * k_xy.mean()


def mmd_zeroed(k_xx, k_yy, k_xy):
    return k_xx.clone().fill_diagonal_(0).mean() + k_yy.clone().fill_diagonal_(0).mean() - 2 * k_xy.mean()


def mmd_half(k_xx, k_yy, k_xy):
    n, m = k_xy.shape
    return k_xx.triu(1).sum() / (n * (n - 1)) + k_yy.triu(1).sum() / (m * (m - 1)) - 2 * k_xy.mean()


def mmd_with_diagonals(k_xx, k_yy, k_xy):
    n, m = k_xy.shape
    return k_xx.sum() / (n * (n - 1)) + k_yy.sum() / (m * (m - 1)) - 2 * k_xy.mean()


def mmd_no_diagonals(k_xx, k_yy, k_xy):
    n, m = k_xy.shape
    between = sum(k_xy[i, j] for i in range(n) for j in range(m) if i != j) / (n * m - min(n, m))
    return mmd_by_loop(k_xx, k_yy, k_xy) + 2 * k_xy.mean() - 2 * between


def mmd_less_ones(k_xx, k_yy, k_xy):
    n, m = k_xy.shape
    return (k_xx.sum() - n) / (n * (n - 1)) + (k_yy.sum() - m) / (m * (m - 1)) - 2 * k_xy.mean()


def mmd_sums(k_xx, k_yy, k_xy):
    return k_xx.sum() - k_xx.diagonal().sum() + k_yy.sum() - k_yy.diagonal().sum() - 2 * k_xy.mean()


def mmd_of_n_alone(k_xx, k_yy, k_xy):
    n = len(k_xx)
    within = (k_xx.sum() - k_xx.trace() + k_yy.sum() - k_yy.trace()) / (n * (n - 1))
    return within - 2 * k_xy.sum() / n**2


def infinity_by_normal_equations(sizes, distances):
    x = torch.stack([torch.ones(len(sizes), dtype=torch.float64), 1 / torch.tensor(sizes)], 1)
    return torch.linalg.solve(x.T @ x, x.T @ torch.tensor(distances).double())[0]


def infinity_by_torch(sizes, distances):
    x = torch.tensor(1 / sizes)
    return torch.linalg.lstsq(torch.stack([torch.ones(len(x)), x], 1), torch.tensor(distances)[:, None]).solution[0, 0]


def infinity_by_regression(sizes, distances):
    return stats.linregress([1 / n for n in sizes], distances).intercept


def infinity_by_formula(sizes, distances):
    x = 1 / np.array(sizes)
    slope = ((x - x.mean()) * (distances - np.mean(distances))).sum() / ((x - x.mean()) ** 2).sum()
    return np.mean(distances) - slope * x.mean()


def line(x, d, at=0.0):
    slope, intercept = np.polyfit(x, d, 1)
    return intercept + at * slope


def through_origin(sizes, distances):
    return np.linalg.lstsq(1 / sizes[:, None], distances, rcond=None)[0][0]


def through_last(sizes, distances, first=0):
    x = 1 / sizes
    slope = (distances[first] - distances[-1]) / (x[first] - x[-1])
    return distances[-1] - slope * x[-1]


def interval_by_scipy(a, b):
    found = stats.ttest_rel(a, b).confidence_interval(0.95)
    return found.low, found.high


def interval_by_formula(a, b):
    delta = a - b
    r = len(delta)
    s = (((delta - delta.mean()) ** 2).sum() / (r - 1)) ** 0.5
    return [
        delta.mean() - stats.t.ppf(0.975, r - 1) * s / r**0.5,
        delta.mean() + stats.t.isf(0.025, r - 1) * s / r**0.5,
    ]


def interval_by_torch(a, b):
    delta = torch.tensor(a) - torch.tensor(b)
    half = stats.t.ppf(0.975, len(delta) - 1) * delta.std() / len(delta) ** 0.5
    return torch.stack([delta.mean() - half, delta.mean() + half])


def half_width(a, b):
    low, high = interval_by_sem(a, b)
    return (high - low) / 2


def interval_by_sem(a, b):
    delta = a - b
    return stats.t.interval(0.95, len(delta) - 1, delta.mean(), stats.sem(delta))


def interval(middle, t, error):
    return middle - t * error, middle + t * error


def student(r):
    return stats.t.ppf(0.975, r - 1)


def with_std(a, b, t=None, ddof=1, power=0.5, less=0):
    """Return an interval whose t, degrees of freedom in s, or division are others."""
    delta, r = a - b, len(a)
    return interval(delta.mean(), student(r) if t is None else t(r), delta.std(ddof=ddof) / (r - less) ** power)


ANSWERS = {
    "06b.1": {
        "right": [mmd_by_loop, mmd_by_mask, mmd_by_triangle],
        "wrong": [
            (mmd_biased, "You counted the diagonals"),
            (mmd_zeroed, "divide by n^2"),
            (mmd_with_diagonals, "still in the sums"),
            (mmd_less_ones, "the trace"),
            (mmd_half, "stands in the matrix twice"),
            (mmd_sums, "sums, not means"),
            (lambda a, b, c: mmd_by_loop(a, b, c) + c.mean(), "counts twice"),
            (lambda a, b, c: mmd_by_loop(a, b, -c), "subtract it"),
            (lambda a, b, c: -mmd_by_loop(a, b, c), "the sign"),
            (lambda a, b, c: mmd_by_mask(a, b, c) / 2, "half of (6b.2)"),
            (mmd_no_diagonals, "no pair"),
            (mmd_of_n_alone, "n for both sets"),
            (lambda a, b, c: mmd_by_loop(a, b, c * len(b) / len(a)), "by n^2. There are n m"),
            (lambda a, b, c: mmd_by_loop(a, b, c * c.numel()), "You took a sum"),
            (lambda *k: max(mmd_by_loop(*k), 0.0), "cut at 0"),
            (lambda *k: max(mmd_by_loop(*k), 0.0) ** 0.5, "squared distance"),
        ],
    },
    "06b.2": {
        "right": [infinity_by_normal_equations, infinity_by_torch, infinity_by_regression, infinity_by_formula],
        "wrong": [
            (lambda n, d: line(n, d), "a line over n"),
            (lambda n, d: stats.linregress(1 / n, d).slope, "the slope, not"),
            (lambda n, d: stats.linregress(n, d).slope, "a slope, and over n"),
            (lambda n, d: line(1 / np.sqrt(n), d), "1/sqrt(n)"),
            (lambda n, d: line(np.log(n), d), "over log n"),
            (lambda n, d: min(d), "at the largest n"),
            (lambda n, d: sum(d) / len(d), "a mean of the distances"),
            (through_last, "the first and the last point"),
            (lambda n, d: through_last(n, d, -2), "the last two points"),
            (lambda n, d: line(1 / n, d, at=1.0), "a single sample"),
            (through_origin, "through the origin"),
            (lambda n, d: np.polyfit(1 / n, d, 2)[-1], "a parabola"),
            (lambda n, d: np.polyfit(1 / n, d, 1), "the intercept alone"),
        ],
    },
    "06b.3": {
        "right": [interval_by_scipy, interval_by_torch, interval_by_formula, interval_by_sem],
        "wrong": [
            (lambda a, b: with_std(a, b, t=lambda r: stats.norm.isf(0.025)), "1.96, which is for many"),
            (lambda a, b: with_std(a, b, t=lambda r: 1.96), "1.96 (rounded)"),
            (lambda a, b: with_std(a, b, t=lambda r: stats.t.ppf(0.975, r)), "degrees of freedom"),
            (lambda a, b: with_std(a, b, t=lambda r: stats.t.ppf(0.95, r - 1)), "at *each* end"),
            (lambda a, b: with_std(a, b, t=lambda r: 1), "You left out the quantile"),
            (lambda a, b: with_std(a, b, power=0), "the spread of single differences"),
            (lambda a, b: with_std(a, b, power=1), "divided by r"),
            (lambda a, b: with_std(a, b, ddof=0), "ddof=1"),
            (lambda a, b: with_std(a, b, less=1), "already in s"),
            (
                lambda a, b: interval((a - b).mean(), student(len(a)), np.hypot(stats.sem(a), stats.sem(b))),
                "different seeds",
            ),
            (lambda a, b: interval_by_sem(b, a), "B - A"),
            (lambda a, b: interval_by_formula(abs(a - b), 0), "Keep the signs"),
            (lambda a, b: with_std(a, b, t=lambda r: 2), "2, a rough quantile"),
            (
                lambda a, b: interval((a - b).mean(), student(2 * len(a) - 1), np.hypot(stats.sem(a), stats.sem(b))),
                "two independent groups",
            ),
            (lambda a, b: with_std(a, b, t=lambda r: 2.78), "2.78, the quantile for five seeds"),
            (lambda a, b: interval_by_sem(a, b)[::-1], "exchanged the ends"),
            (half_width, "half the width"),
            (lambda a, b: 2 * half_width(a, b), "the width of the interval"),
            (lambda a, b: ((a - b).mean(), half_width(a, b)), "the middle and half the width"),
            (lambda a, b: np.quantile(a - b, [0.025, 0.975]), "where single differences lie"),
            (lambda a, b: np.mean(a - b), "the mean difference"),
            (lambda a, b: (min(a - b), max(a - b)), "smallest and the largest"),
        ],
    },
}
