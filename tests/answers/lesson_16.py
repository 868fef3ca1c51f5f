"""Answers to the exercises of lesson 16 as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
from sklearn.metrics import roc_auc_score


def after_one(b, d, f):
    return b * d / (b * d + (1 - b) * f)


def one_after_the_other(b, d1, f1, d2, f2):
    return after_one(after_one(b, d1, f1), d2, f2)


def by_counting(b, d1, f1, d2, f2):
    n = 10**9
    fakes = n * b * d1 * d2
    alarms = (n - n * b) * f1 * f2
    return fakes / (fakes + alarms)


def odds(b, d1, f1, d2, f2):
    return b / (1 - b) * d1 / f1 * d2 / f2


def first_probability_as_odds(b, d1, f1, d2, f2):
    o = after_one(b, d1, f1) * d2 / f2
    return o / (1 + o)


def first_odds_turned_wrongly(b, d1, f1, d2, f2):
    o = b * d1 / ((1 - b) * f1)
    o = o / (1 - o) * d2 / f2
    return o / (1 + o)


def factors_added(b, d1, f1, d2, f2):
    o = b / (1 - b) * (d1 / f1 + d2 / f2)
    return o / (o + 1)


def at_least_one(b, d1, f1, d2, f2):
    d, f = d1 + d2 - d1 * d2, f1 + f2 - f1 * f2
    return b * d / (b * d + (1 - b) * f)


def table(fake, real):
    return ((fake[:, None] - real).sign() + 1) / 2


def same_place_without_ties(fake, real):
    return np.mean([float(a > r) for a, r in zip(fake, real, strict=False)])


def by_loop(fake, real):
    total = 0.0
    for a in fake.tolist():
        for r in real.tolist():
            total += 1.0 if a > r else 0.5 if a == r else 0.0
    return total / (len(fake) * len(real))


def by_scikit_learn(fake, real):
    return roc_auc_score([1] * len(fake) + [0] * len(real), np.concatenate([fake.numpy(), real.numpy()]))


def ranks(fake, real):
    everything = np.concatenate([fake.numpy(), real.numpy()])
    return np.array([(everything < value).sum() + ((everything == value).sum() + 1) / 2 for value in everything])


def by_ranks(fake, real):
    m, n = len(fake), len(real)
    return (ranks(fake, real)[:m].sum() - m * (m + 1) / 2) / (m * n)


def ranks_with_the_fakes_own(fake, real):
    return ranks(fake, real)[: len(fake)].sum() / (len(fake) * len(real))


def argsort_ranks_from_0(fake, real):
    m, n = len(fake), len(real)
    a = torch.cat([fake, real]).argsort().argsort()
    return (a[:m].sum() - m * (m + 1) / 2) / (m * n)


def argsort_ranks_from_0_of_real_first(fake, real):
    m, n = len(fake), len(real)
    a = torch.cat([real, fake]).argsort().argsort()
    return (a[n:].sum() - m * (m + 1) / 2) / (m * n)


def ranks_from_0(fake, real):
    m, n = len(fake), len(real)
    return ((ranks(fake, real)[:m] - 1).sum() - m * (m + 1) / 2) / (m * n)


def same_place(fake, real):
    n = min(len(fake), len(real))
    return np.mean([1.0 if a > r else 0.5 if a == r else 0.0 for a, r in zip(fake[:n], real[:n], strict=True)])


def accuracy_at_zero(fake, real):
    return ((fake > 0).sum().item() + (real <= 0).sum().item()) / (len(fake) + len(real))


ANSWERS = {
    "16.1": {
        "right": [one_after_the_other, by_counting],
        "wrong": [
            (odds, "returned the odds"),
            (lambda b, d1, f1, d2, f2: d1 * d2 / (d1 * d2 + f1 * f2), "forgot the base rate"),
            (lambda b, d1, f1, d2, f2: after_one(b, d1, f1), "first detector only"),
            (lambda b, d1, f1, d2, f2: after_one(b, d2, f2), "second detector only"),
            (lambda *given: 1 - by_counting(*given), "that it is real"),
            (lambda b, d1, f1, d2, f2: b * d1 * d2 / (b * d1 * d2 + f1 * f2), "left out (1 - b)"),
            (lambda b, d1, f1, d2, f2: d1 * d2, "the other way round"),
            (lambda b, d1, f1, d2, f2: b * d1 * d2, "Divide by that of two positives"),
            (lambda b, d1, f1, d2, f2: (after_one(b, d1, f1) + after_one(b, d2, f2)) / 2, "You averaged"),
            (lambda b, d1, f1, d2, f2: one_after_the_other(b, d1, 1 - f1, d2, 1 - f2), "You used 1 - f"),
            (
                lambda b, d1, f1, d2, f2: b * d1 * b * d2 / (b * d1 * b * d2 + (1 - b) * f1 * (1 - b) * f2),
                "base rate twice",
            ),
            (lambda *given: 100 * by_counting(*given), "in percent"),
            (first_probability_as_odds, "as if it were odds"),
            (first_odds_turned_wrongly, "into o / (1 - o)"),
            (lambda b, d1, f1, d2, f2: max(after_one(b, d1, f1), after_one(b, d2, f2)), "You took the larger"),
            (lambda b, d1, f1, d2, f2: after_one(b, d1, f1) * after_one(b, d2, f2), "entered twice"),
            (
                lambda b, d1, f1, d2, f2: 1 - (1 - after_one(b, d1, f1)) * (1 - after_one(b, d2, f2)),
                "both are wrong",
            ),
            (factors_added, "You added the factors"),
            (at_least_one, "at least one positive"),
            (lambda b, d1, f1, d2, f2: by_counting(b, f1, d1, f2, d2), "exchanged d and f"),
        ],
    },
    "16.2": {
        "right": [by_loop, by_scikit_learn, by_ranks],
        "wrong": [
            (lambda a, r: (a[:, None] > r[None]).double().mean(), "left out the ties"),
            (lambda a, r: (a[:, None] >= r[None]).double().mean(), "tie as a whole"),
            (lambda a, r: by_loop(r, a), "exchanged the two"),
            (lambda a, r: by_loop(a, r) * len(a) * len(r), "counted the pairs"),
            (lambda a, r: (a[:, None] > r).sum(), "pairs that a fake wins"),
            (ranks_from_0, "add 1 to each"),
            (argsort_ranks_from_0, "tie counted nothing"),
            (argsort_ranks_from_0_of_real_first, "tie counted as a whole"),
            (same_place, "at the same place only"),
            (lambda a, r: (a > r.mean()).double().mean(), "mean of the real scores"),
            (accuracy_at_zero, "right side of 0"),
            (lambda a, r: (a > 0).double().mean(), "the detection rate"),
            (ranks_with_the_fakes_own, "among themselves"),
            (lambda a, r: by_loop(a, r) * len(r) / len(a), "m times m"),
            (lambda a, r: by_loop(a, r) * len(a) / len(r), "n times n"),
            (lambda a, r: a.mean() - r.mean(), "difference of the means"),
            (table, "the whole table"),
            (lambda a, r: table(a, r).mean(0), "averaged over the fakes only"),
            (lambda a, r: table(a, r).mean(1), "averaged over the real pictures only"),
            (same_place_without_ties, "and left out the ties"),
            (lambda a, r: (a.mean() > r).double().mean(), "the mean of the fakes' scores"),
            (
                lambda a, r: 0.5 * ((a > 0).double().mean() + (r < 0).double().mean() + (r == 0).double().mean()),
                "two parts",
            ),
            (lambda a, r: 2 * by_loop(a, r) - 1, "Gini"),
            (lambda a, r: (table(a, r) - 0.25 * (a[:, None] == r)).mean(), "ties twice"),
        ],
    },
}
