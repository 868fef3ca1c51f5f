"""The exercises of lesson 16c: the threshold of many tries, and whose key a mark fits."""

import math
import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise
from ganlab.check.lesson_10 import slips
from ganlab.runtime import seeded_generator


def smallest_threshold(users: int, places: int, promise: float) -> float:
    """Return the threshold that keeps a promised rate of false alarms over all users and places."""
    return math.sqrt(2 * math.log(users * places / promise))


def _smallest_threshold(function: Callable) -> dict[str, Any]:
    cases = ((1, 1, 1e-4), (50, 289, 1e-3), (7, 20, 0.01), (300, 12, 1e-3))
    return {f"{u} users, {p} places, promise {promise:g}": function(u, p, promise) for u, p, promise in cases}


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else -1.0


THRESHOLD_SLIPS = {
    "You forgot the users: the finder tries every key.": lambda u, p, c: _root(2 * math.log(p / c)),
    "You forgot the places: the finder tries every place.": lambda u, p, c: _root(2 * math.log(u / c)),
    "You forgot the tries. Each of them may have its part of the promise only.": lambda u, p, c: _root(
        -2 * math.log(c)
    ),
    "You added users and places. Each key is tried in each place: multiply.": lambda u, p, c: _root(
        2 * math.log((u + p) / c)
    ),
    "You took the larger of users and places. Each key is tried in each place: multiply.": lambda u, p, c: _root(
        2 * math.log(max(u, p) / c)
    ),
    "You forgot the root: t squared stands in the exponent.": lambda u, p, c: 2 * math.log(u * p / c),
    "You forgot the 2: the exponent is t squared over 2.": lambda u, p, c: _root(math.log(u * p / c)),
    "You took logarithms to base 10. The exponential is that of e.": lambda u, p, c: _root(2 * math.log10(u * p / c)),
    "You took logarithms to base 2. The exponential is that of e.": lambda u, p, c: _root(2 * math.log2(u * p / c)),
    "You gave each try more than the promise, not less: divide the promise by the tries.": lambda u, p, c: _root(
        2 * abs(math.log(1 / (u * p * c)))
    ),
    "You multiplied the threshold of one try by the tries. Divide the promise by them instead.": lambda u, p, c: (
        u * p * _root(-2 * math.log(c))
    ),
    "You returned the part of the promise that each try has. Solve for t.": lambda u, p, c: c / (u * p),
    "You took the threshold of a Gaussian. That is no promise for every picture; (16c.2) is.": lambda u, p, c: (
        statistics.NormalDist().inv_cdf(1 - c / (u * p))
    ),
    "You split the promise as for independent tries. Places of one key are not; take the sum.": lambda u, p, c: _root(
        -2 * math.log(1 - (1 - c) ** (1 / (u * p)))
    ),
    "You counted 289 places. That is the lesson's crop; take `places`.": lambda u, p, c: _root(
        2 * math.log(u * 289 / c)
    ),
    "You counted the lesson's 289 places on top of `places`.": lambda u, p, c: _root(2 * math.log(u * p * 289 / c)),
    "You left out the promise: divide the tries by it.": lambda u, p, c: _root(2 * math.log(u * p)),
    "You divided by 2 where it takes a factor of 2: t squared is twice the logarithm.": lambda u, p, c: _root(
        math.log(u * p / c) / 2
    ),
    "You left out the minus of the exponent: t squared is -2 log(promise / tries). Then take the root.": (
        lambda u, p, c: 2 * math.log(c / (u * p))
    ),
}


def who(r: Tensor, keys: Tensor, t: float) -> int:
    """Return the index of the key (K, n) that fits the numbers r (n,) best, if its T is above t; -1 otherwise."""
    T = keys @ r / r.norm()
    best = int(T.argmax())
    return best if T[best] > t else -1


def _pictures() -> dict[str, tuple[Tensor, Tensor, float]]:
    rng = seeded_generator("16c.2")
    keys = 2.0 * torch.randint(0, 2, (6, 400), generator=rng).double() - 1
    plain = 5 * torch.randn(400, generator=rng, dtype=torch.float64)
    faint = 0.04 * torch.randn(400, generator=rng, dtype=torch.float64)
    return {
        "marked strongly by user 4": (plain + 8.0 * keys[4], keys, 4.5),
        "marked faintly by user 2": (faint + 0.02 * keys[2], keys, 4.5),
        "not marked": (plain, keys, 4.5),
        "faint and not marked": (faint / 4, keys, 4.5),
        "the turned signs of user 3": (plain - 3.0 * keys[3], keys, 4.5),
        "marked by user 0, and less by user 5": (plain + 3.0 * keys[0] + 2.0 * keys[5], keys, 4.5),
        "marked by user 5, and less by user 1": (plain + 2.0 * keys[1] + 3.0 * keys[5], keys, 4.5),
    }


def _who(function: Callable) -> dict[str, Any]:
    return {f"whose, {name}": function(r.clone(), keys.clone(), t) for name, (r, keys, t) in _pictures().items()}


def _any_above(place: int) -> Callable[[Tensor, Tensor, float], int]:
    return lambda r, keys, t: _above(r, keys, t, place)


def _above(r: Tensor, keys: Tensor, t: float, place: int) -> int:
    above = (keys @ r / r.norm() > t).nonzero().flatten()
    return int(above[place]) if len(above) else -1


def _scored(score: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, float], int]:
    def answer(r: Tensor, keys: Tensor, t: float) -> int:
        values = score(r, keys)
        best = int(values.argmax())
        return best if values[best] > t else -1

    return answer


WHO_SLIPS = {
    "You named a user for every picture. Return -1 where no T is above t. T is divided by the length of r, the root of "
    "its sum of squares.": lambda r, keys, t: int((keys @ r).argmax()),
    "You compared the sum with t before dividing by the length of r.": _scored(lambda r, keys: keys @ r),
    "You divided by the number of blocks. Divide by the length of r, the root of its sum of squares.": _scored(
        lambda r, keys: keys @ r / len(r)
    ),
    "You divided by the sum of squares. Take its root.": _scored(lambda r, keys: keys @ r / r.square().sum()),
    "You found no mark in any picture. Divide by the length of r alone, the root of its sum of squares: not by the sum "
    "of |r|, nor by the length of the key, too, as for a cosine.": _scored(
        lambda r, keys: keys @ r / r.norm() / keys.norm(dim=1)
    ),
    "You divided by the length of the key. Divide by the length of r, the root of its sum of squares.": _scored(
        lambda r, keys: keys @ r / keys.norm(dim=1)
    ),
    "You took T without its sign. A mark has its key's own signs.": _scored(
        lambda r, keys: (keys @ r / r.norm()).abs()
    ),
    "You took a key whose T is above t, but not the one whose T is largest.": _any_above(-1),
    "You took the first key whose T is above t. A later one may fit better.": _any_above(0),
    "You returned how many keys fit. Return the index of the best.": lambda r, keys, t: int(
        (keys @ r / r.norm() > t).sum()
    ),
    "You counted users from 1. Indices begin at 0.": lambda r, keys, t: who(r, keys, t) + (who(r, keys, t) >= 0),
    "You returned T itself. Return the index of the user.": lambda r, keys, t: (keys @ r / r.norm()).max(),
    "You returned the largest T where it is above t. Return the index of its user.": lambda r, keys, t: (
        (keys @ r / r.norm()).max() if (keys @ r / r.norm()).max() > t else -1
    ),
    "You named user 0 where no T is above t: the argmax of a row of False is 0. Return -1 there.": lambda r, keys, t: (
        int((keys @ r / r.norm() > t).int().argmax())
    ),
    "You answered after the first user. Look at all users, and then return.": lambda r, keys, t: (
        0 if keys[0] @ r / r.norm() > t else -1
    ),
    "You exchanged the two cases: -1 is for pictures where no T is above t.": lambda r, keys, t: (
        -1 if (keys @ r / r.norm()).max() > t else int((keys @ r).argmax())
    ),
}


EXERCISES = {
    "16c.1": Exercise(_smallest_threshold, smallest_threshold, slips(THRESHOLD_SLIPS)),
    "16c.2": Exercise(_who, who, slips(WHO_SLIPS)),
}
