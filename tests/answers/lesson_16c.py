"""Answers to the exercises of lesson 16c as different people would write them, right and wrong; see test_check.py."""

import math
from statistics import NormalDist

import numpy as np


def by_bisection(users, places, promise):
    low, high = 0.0, 50.0
    for _ in range(80):
        t = (low + high) / 2
        low, high = (t, high) if users * places * math.exp(-t * t / 2) > promise else (low, t)
    return high


def by_numpy(users, places, promise):
    return np.sqrt(-2 * np.log(promise / users / places))


def who_by_loop(r, keys, t):
    best, largest = -1, t
    length = math.sqrt(sum(value**2 for value in r.tolist()))
    for index, key in enumerate(keys):
        T = sum((key * r).tolist()) / length
        if T > largest:
            best, largest = index, T
    return best


def who_by_numpy(r, keys, t):
    T = keys.numpy() @ r.numpy() / np.linalg.norm(r.numpy())
    return int(np.argmax(T)) if T.max() > t else -1


def early(r, keys, t):
    for user, key in enumerate(keys):
        if key @ r / r.norm() > t:
            return user
        return -1


def scored(score):
    def answer(r, keys, t):
        values = score(r, keys)
        return int(values.argmax()) if values.max() > t else -1

    return answer


def first_above(r, keys, t):
    for index, key in enumerate(keys):
        if key @ r / r.norm() > t:
            return index
    return -1


def any_above(r, keys, t):
    for index in reversed(range(len(keys))):
        if keys[index] @ r / r.norm() > t:
            return index
    return -1


ANSWERS = {
    "16c.1": {
        "right": [by_bisection, by_numpy],
        "wrong": [
            (lambda u, p, c: math.sqrt(2 * math.log(p / c)), "forgot the users"),
            (lambda u, p, c: math.sqrt(2 * math.log(u / c)), "forgot the places"),
            (lambda u, p, c: math.sqrt(2 * math.log(1 / c)), "forgot the tries"),
            (lambda u, p, c: math.sqrt(2 * math.log((u + p) / c)), "You added"),
            (lambda u, p, c: math.sqrt(2 * math.log(max(u, p) / c)), "larger of users and places"),
            (lambda u, p, c: 2 * math.log(u * p / c), "forgot the root"),
            (lambda u, p, c: math.sqrt(math.log(u * p / c)), "forgot the 2"),
            (lambda u, p, c: math.sqrt(2 * math.log10(u * p / c)), "base 10"),
            (lambda u, p, c: math.sqrt(2 * math.log2(u * p / c)), "base 2"),
            (lambda u, p, c: u * p * math.sqrt(2 * math.log(1 / c)), "threshold of one try"),
            (lambda u, p, c: c / u / p, "Solve for t"),
            (lambda u, p, c: math.sqrt(2 * abs(math.log(c * u * p))), "not less"),
            (lambda u, p, c: NormalDist().inv_cdf(1 - c / u / p), "threshold of a Gaussian"),
            (lambda u, p, c: math.sqrt(-2 * math.log(1 - (1 - c) ** (1 / u / p))), "independent tries"),
            (lambda u, p, c: math.sqrt(2 * math.log(289 * u / c)), "counted 289 places"),
            (lambda u, p, c: math.sqrt(2 * math.log(289 * u * p / c)), "on top of"),
            (lambda u, p, c: math.sqrt(2 * math.log(p * u)), "left out the promise"),
            (lambda u, p, c: math.sqrt(math.log(p * u / c) / 2), "divided by 2"),
            (lambda u, p, c: 2 * math.log(c / p / u), "minus of the exponent"),
        ],
    },
    "16c.2": {
        "right": [who_by_loop, who_by_numpy],
        "wrong": [
            (lambda r, keys, t: (keys * r).sum(1).argmax().item(), "for every picture"),
            (scored(lambda r, keys: (keys * r).sum(1)), "before dividing"),
            (scored(lambda r, keys: (keys * r).mean(1)), "number of blocks"),
            (scored(lambda r, keys: keys @ r / (r @ r)), "sum of squares. Take"),
            (scored(lambda r, keys: keys @ r / r.norm() / keys.shape[1] ** 0.5), "as for a cosine"),
            (scored(lambda r, keys: keys @ r / r.abs().sum()), "by the sum of |r|"),
            (scored(lambda r, keys: keys @ r / keys.norm(dim=1)), "by the length of the key. Divide"),
            (scored(lambda r, keys: (keys @ r / r.norm()).abs()), "without its sign"),
            (first_above, "first key"),
            (any_above, "not the one whose T is largest"),
            (lambda r, keys, t: sum((keys @ r / r.norm() > t).tolist()), "how many keys fit"),
            (lambda r, keys, t: who_by_loop(r, keys, t) + 1 if who_by_loop(r, keys, t) >= 0 else -1, "from 1"),
            (lambda r, keys, t: (keys @ r).max() / r.norm(), "returned T itself"),
            (lambda r, keys, t: T.max() if (T := keys @ r / r.norm()).max() > t else -1, "the index of its user"),
            (lambda r, keys, t: int((keys @ r / r.norm() > t).double().argmax()), "a row of False"),
            (early, "after the first user"),
            (
                lambda r, keys, t: -1 if who_by_loop(r, keys, t) >= 0 else (keys @ r).argmax().item(),
                "exchanged the two cases",
            ),
        ],
    },
}
