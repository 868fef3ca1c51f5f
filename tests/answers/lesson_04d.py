"""Answers to the exercises of lesson 04d as different people would write them, right and wrong; see test_check.py."""

import math
from collections import Counter

import numpy as np
import torch
from scipy import stats


def kinds_by_counter(digits):
    seen = Counter(tuple(row) for row in digits.tolist())
    n = len(digits)
    return len(seen), sum(k / n * math.log(1000 * k / n) for k in seen.values())


def kinds_by_unique(digits):
    _, counts = torch.unique(digits, dim=0, return_counts=True)
    p = counts / counts.sum()
    return len(counts), math.log(1000) + (p.double() * p.double().log()).sum()


def kinds_by_numpy(digits):
    table = np.zeros((10, 10, 10))
    np.add.at(table, tuple(digits.numpy().T), 1)
    share = table[table > 0] / table.sum()
    return np.count_nonzero(table), np.log(1000) + np.sum(share * np.log(share))


def kinds_with(kl):
    """Return an answer with another KL of the counts of all 1,000 kinds, (1000,)."""

    def answer(digits):
        counts = torch.bincount(digits[:, 0] * 100 + digits[:, 1] * 10 + digits[:, 2], minlength=1000).double()
        return (counts > 0).sum(), kl(counts / counts.sum())

    return answer


def own_uniform(digits):
    reached, kl = kinds_by_counter(digits)
    return reached, kl - math.log(1000 / reached)


def length_of_bincount(digits):
    counts = torch.bincount(digits @ torch.tensor([100, 10, 1]))
    return len(counts), kinds_by_counter(digits)[1]


def thousandths(digits):
    counts = torch.bincount(digits @ torch.tensor([100, 10, 1]), minlength=1000)
    return (counts > 0).sum(), torch.xlogy(counts / 1000, counts).sum()


def interval_by_scipy(a, b, t):
    error = stats.sem(a - b)
    return np.mean(a - b) - t * error, np.mean(a - b) + t * error


def interval_by_hand(a, b, t):
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1)
    return [mean + sign * t * math.sqrt(variance / len(gaps)) for sign in (-1, 1)]


def interval_with(half):
    """Return an answer with another half width, a function of the differences and t."""

    def answer(a, b, t):
        d = np.subtract(a, b)
        return d.mean() - half(d, t), d.mean() + half(d, t)

    return answer


def unpaired(a, b, t):
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return a.mean() - b.mean() - t * error, a.mean() - b.mean() + t * error


ANSWERS = {
    "04d.1": {
        "right": [kinds_by_counter, kinds_by_unique, kinds_by_numpy],
        "wrong": [
            (kinds_with(lambda p: -torch.xlogy(p, p).sum()), "the entropy H"),
            (kinds_with(lambda p: torch.xlogy(p, p).sum()), "log 1000 is missing"),
            (kinds_with(lambda p: -torch.xlogy(p, 1000 * p).sum()), "never negative"),
            (kinds_with(lambda p: torch.xlogy(p, 1000 * p).sum() / math.log(2)), "in bits"),
            (own_uniform, "kinds that occur"),
            (kinds_with(lambda p: (p * torch.log(p / 0.001)).sum()), "a log of 0"),
            (kinds_with(lambda p: (0.001 * torch.log(0.001 / p)).sum()), "the other direction"),
            (kinds_with(lambda p: (0.001 * torch.log(0.001 / p.clamp(min=1e-12))).sum()), "in place of 0"),
            (lambda digits: kinds_by_counter(digits.sum(1, keepdim=True)), "were added"),
            (lambda digits: kinds_by_counter(digits.sort(1)[0]), "order of the channels"),
            (lambda digits: (1000 - kinds_by_counter(digits)[0], kinds_by_counter(digits)[1]), "missing kinds"),
            (length_of_bincount, "all places"),
            (thousandths, "by 1,000"),
        ],
    },
    "04d.2": {
        "right": [interval_by_scipy, interval_by_hand],
        "wrong": [
            (interval_with(lambda d, t: t * np.std(d, ddof=1)), "root of n"),
            (interval_with(lambda d, t: t * np.std(d) / np.sqrt(len(d))), "ddof=1"),
            (interval_with(lambda d, t: t * np.var(d, ddof=1) / np.sqrt(len(d))), "the variance"),
            (interval_with(lambda d, t: t * np.std(d, ddof=1) / len(d)), "You divided by n"),
            (interval_with(lambda d, t: np.std(d, ddof=1) / np.sqrt(len(d))), "left out t"),
            (interval_with(lambda d, t: 1.96 * np.std(d, ddof=1) / np.sqrt(len(d))), "1.96"),
            (unpaired, "the seeds are shared"),
            (lambda a, b, t: interval_by_scipy(np.abs(a - b), np.zeros(len(a)), t), "keep their signs"),
            (lambda a, b, t: interval_by_scipy(b, a, t), "b - a"),
            (lambda a, b, t: interval_by_scipy(a, b, t)[::-1], "lower one comes first"),
            (lambda a, b, t: (np.mean(a - b), t * stats.sem(a - b)), "the two ends"),
        ],
    },
}
