"""Answers to the exercises of lesson 12b as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch


def coverage_by_numpy(samples, truth, level):
    low, high = np.quantile(samples.numpy(), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.mean((low <= truth.numpy()) * (truth.numpy() <= high))


def coverage_by_loop(samples, truth, level):
    inside = 0
    for column, value in zip(samples.T, truth, strict=True):
        ends = column.quantile(torch.tensor([0.5 - level / 2, 0.5 + level / 2], dtype=column.dtype))
        inside += bool(ends[0] <= value <= ends[1])
    return inside / len(truth)


def between(samples, truth, low, high):
    return ((truth >= samples.quantile(low, 0)) & (truth <= samples.quantile(high, 0))).double().mean()


def within(samples, truth, level, join):
    above = truth > samples.quantile((1 - level) / 2, dim=0)
    below = truth < samples.quantile((1 + level) / 2, dim=0)
    return join(above, below).float().mean()


def bounds(samples, level):
    return samples.quantile((1 - level) / 2, 0), samples.quantile((1 + level) / 2, 0)


def without_one_end(samples, truth, level, lower):
    low, high = bounds(samples, level)
    inside = (truth > low) & (truth <= high) if lower else (truth >= low) & (truth < high)
    return inside.float().mean()


def coverage_sorted(samples, truth, level):
    s, n = samples.sort(0).values, len(samples)
    return ((truth >= s[int(n * (1 - level) / 2)]) & (truth <= s[int(n * (1 + level) / 2) - 1])).float().mean()


def ssim_by_moments(x_hat, x):
    m, n = x_hat.mean((1, 2)), x.mean((1, 2))
    v = x_hat.var((1, 2), correction=0)
    w = x.var((1, 2), correction=0)
    covariance = (x_hat * x).mean((1, 2)) - m * n
    return (2 * m * n + 4e-4) * (2 * covariance + 3.6e-3) / ((m * m + n * n + 4e-4) * (v + w + 3.6e-3))


def ssim_by_numpy(x_hat, x):
    found = []
    for a, b in zip(x_hat.numpy(), x.numpy(), strict=True):
        (v, cov), (_, w) = np.cov(a.ravel(), b.ravel(), bias=True)
        means = (2 * a.mean() * b.mean() + 0.02**2) / (a.mean() ** 2 + b.mean() ** 2 + 0.02**2)
        found.append(means * (2 * cov + 0.06**2) / (v + w + 0.06**2))
    return found


def ssim(x_hat, x, c_1=4e-4, c_2=3.6e-3, first=2, second=2, join=torch.mul):
    m, n = x_hat.mean((1, 2)), x.mean((1, 2))
    covariance = (x_hat * x).mean((1, 2)) - m * n
    v, w = x_hat.var((1, 2), correction=0), x.var((1, 2), correction=0)
    return join((first * m * n + c_1) / (m**2 + n**2 + c_1), (second * covariance + c_2) / (v + w + c_2))


def by_variances(x_hat, x, correction, factor=1, raw=False, of=lambda covariance: covariance):
    m, n = x_hat.mean((1, 2)), x.mean((1, 2))
    v, w = x_hat.var((1, 2), correction=correction), x.var((1, 2), correction=correction)
    k = of((x_hat * x).mean((1, 2)) - (0 if raw else m * n)) * factor
    return (2 * m * n + 4e-4) / (m**2 + n**2 + 4e-4) * (2 * k + 3.6e-3) / (v + w + 3.6e-3)


def ssim_of_batch(x_hat, x):
    m, n = x_hat.mean(), x.mean()
    v, w, k = ((x_hat - m) ** 2).mean(), ((x - n) ** 2).mean(), ((x_hat - m) * (x - n)).mean()
    return (2 * m * n + 4e-4) / (m**2 + n**2 + 4e-4) * (2 * k + 3.6e-3) / (v + w + 3.6e-3)


def with_root_of_variances(x_hat, x):
    v, w = x_hat.var((1, 2), correction=0), x.var((1, 2), correction=0)
    return only_means(x_hat, x) * (2 * (v * w).sqrt() + 3.6e-3) / (v + w + 3.6e-3)


def with_squared_variances(x_hat, x):
    v, w = x_hat.var((1, 2), correction=0), x.var((1, 2), correction=0)
    second = (ssim(x_hat, x) / only_means(x_hat, x)) * (v + w + 3.6e-3) / (v**2 + w**2 + 3.6e-3)
    return only_means(x_hat, x) * second


def only_means(x_hat, x):
    m, n = x_hat.mean((1, 2)), x.mean((1, 2))
    return (2 * m * n + 4e-4) / (m**2 + n**2 + 4e-4)


ANSWERS = {
    "12b.1": {
        "right": [coverage_by_numpy, coverage_by_loop],
        "wrong": [
            (lambda samples, truth, level: between(samples, truth, 1 - level, level), "1 - level at each end"),
            (lambda samples, truth, level: between(samples.T, truth, 0.1, 0.9), "over dimension 1"),
            (
                lambda samples, truth, level: between(samples, samples, (1 - level) / 2, (1 + level) / 2),
                "Ask it of the truths",
            ),
            (lambda samples, truth, level: between(samples, truth, 0.1, 0.9), "whatever the level"),
            (lambda samples, truth, level: within(samples, truth, level, lambda low, high: low & high), "the ends out"),
            (
                lambda samples, truth, level: within(samples, truth, level, lambda low, high: low | high),
                "joined both conditions",
            ),
            (
                lambda samples, truth, level: between(samples, truth, (1 + level) / 2, (1 - level) / 2),
                "exchanged the two ends",
            ),
            (
                lambda samples, truth, level: (
                    (truth >= samples.quantile((1 - level) / 2, 0)) & (truth <= samples.quantile((1 + level) / 2, 0))
                ).float(),
                "a number for each truth",
            ),
            (lambda samples, truth, level: without_one_end(samples, truth, level, True), "left the lower end out"),
            (lambda samples, truth, level: without_one_end(samples, truth, level, False), "left the upper end out"),
            (lambda samples, truth, level: (truth <= samples.quantile(level, 0)).float().mean(), "has a lower end"),
            (lambda samples, truth, level: (truth >= samples.quantile(1 - level, 0)).float().mean(), "an upper end"),
            (coverage_sorted, "one sample too low"),
            (lambda samples, truth, level: between(samples, truth, 0.0, level), "the upper end alone"),
            (lambda samples, truth, level: between(samples, truth, 1 - level, 1.0), "the lower end alone"),
            (
                lambda samples, truth, level: ((truth >= samples.amin(0)) & (truth <= samples.amax(0))).double().mean(),
                "the whole range",
            ),
            (lambda samples, truth, level: 1 - coverage_by_numpy(samples, truth, level), "*outside*"),
            (lambda samples, truth, level: len(truth) * coverage_by_numpy(samples, truth, level), "by their number"),
            (lambda samples, truth, level: 100 * coverage_by_numpy(samples, truth, level), "percentage"),
            (
                lambda samples, truth, level: (
                    ((truth >= samples.quantile((1 - level) / 2)) & (truth <= samples.quantile((1 + level) / 2)))
                    .double()
                    .mean()
                ),
                "into one interval",
            ),
            (
                lambda samples, truth, level: (
                    (
                        (truth - samples.mean(0)).abs()
                        <= samples.std(0) * torch.special.ndtri(truth[:1] * 0 + (1 + level) / 2)
                    )
                    .double()
                    .mean()
                ),
                "of a normal distribution",
            ),
            (
                lambda samples, truth, level: ((truth - samples.mean(0)).abs() <= samples.std(0)).double().mean(),
                "one standard deviation, whatever",
            ),
        ],
    },
    "12b.2": {
        "right": [ssim_by_moments, ssim_by_numpy],
        "wrong": [
            (lambda x_hat, x: ssim(x_hat, x).mean(), "averaged over the pictures"),
            (lambda x_hat, x: by_variances(x_hat, x, 1), "correction=0"),
            (lambda x_hat, x: by_variances(x_hat, x, 1, 30 / 29), "your covariance divide"),
            (lambda x_hat, x: by_variances(x_hat, x, 0, raw=True), "not for the covariance"),
            (lambda x_hat, x: by_variances(x_hat, x, 0, of=torch.abs), "absolute value"),
            (lambda x_hat, x: ssim(x_hat, x, 0, 0), "constants out"),
            (lambda x_hat, x: ssim(x_hat, x, 0.02, 0.06), "did not square"),
            (lambda x_hat, x: ssim(x_hat, x, 0.01**2 * 2, 0.03**2 * 2), "but not the range"),
            (lambda x_hat, x: ssim(x_hat, x, 4e-4, 4e-4), "c_1 in both parts"),
            (lambda x_hat, x: ssim(x_hat, x, 3.6e-3, 3.6e-3), "c_2 in both parts"),
            (ssim_of_batch, "over the whole batch"),
            (lambda x_hat, x: ssim((x_hat + 1) / 2, (x + 1) / 2, 0.01**2, 0.03**2), "range that begins at 0"),
            (lambda x_hat, x: ssim(127.5 * (x_hat + 1), 127.5 * (x + 1), 2.55**2, 7.65**2), "range that begins at 0"),
            (with_root_of_variances, "the root of v w"),
            (with_squared_variances, "squared the variances"),
            (lambda x_hat, x: ssim(x_hat, x, 1e-4, 9e-4), "took 1 for the range"),
            (lambda x_hat, x: ssim(x_hat, x, 2.55**2, 7.65**2), "took 255 for the range"),
            (lambda x_hat, x: ssim(x_hat, x, 3.6e-3, 4e-4), "exchanged the two constants"),
            (lambda x_hat, x: ssim(x_hat, x) / only_means(x_hat, x), "the part of the means"),
            (only_means, "the part of the variances"),
            (lambda x_hat, x: ssim(x_hat, x, first=1), "before the product of the means"),
            (lambda x_hat, x: ssim(x_hat, x, second=1), "before the covariance"),
            (lambda x_hat, x: ssim(x_hat, x, first=1, second=1), "in both parts"),
            (lambda x_hat, x: ssim(x_hat, x, join=torch.add), "added the two parts"),
            (lambda x_hat, x: ssim(x_hat, x, join=torch.add) / 2, "averaged the two parts"),
        ],
    },
}
