"""The exercises of lesson 14b: the best single answer, the KL from a learned prior, and a path with bounces."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise
from ganlab.check.lesson_10 import slips
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def mean_future(futures: Tensor, p: Tensor) -> Tensor:
    """Return the mean (D,) of futures (K, D) with probabilities p (K,)."""
    return p @ futures


def median_future(futures: Tensor, p: Tensor) -> Tensor:
    """Return for each number the smallest value at which the probabilities from below reach one half, (D,)."""
    return futures.sort(dim=0).values.gather(0, _first(futures, p)[None])[0]


def _first(futures: Tensor, p: Tensor) -> Tensor:
    """Return for each number the first row of the sorted futures at which the sum of p reaches one half, (D,)."""
    return (p[futures.argsort(dim=0)].cumsum(dim=0) < 0.5).sum(dim=0)


def best_answers(futures: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best single answers by squared and by absolute error, each (D,)."""
    return mean_future(futures, p), median_future(futures, p)


def _best_answers(function: Callable) -> dict[str, Any]:
    numbers = {}
    for name, p in {
        "two futures": [0.7, 0.3],
        "three futures": [0.4, 0.35, 0.25],
        "five futures": [0.38, 0.31, 0.11, 0.15, 0.05],
        "a fair coin": [0.5, 0.5],
    }.items():
        rng = seeded_generator("14b.1", len(p))
        futures = torch.randn(len(p), 12, generator=rng, dtype=torch.float64).exp()
        result = function(futures, torch.tensor(p, dtype=torch.float64))
        squared, absolute = parts(result, "the best answer by squared error", "the best by absolute error")
        numbers |= {f"{name}, squared error": squared, f"{name}, absolute error": absolute}
    return numbers


BEST_SLIPS = {
    "You exchanged the two. The mean has the least squared error, the median the least absolute error.": lambda f, p: (
        median_future(f, p),
        mean_future(f, p),
    ),
    "You forgot the probabilities in the mean: a likely future counts for more.": lambda f, p: (
        f.mean(0),
        median_future(f, p),
    ),
    "You forgot the probabilities in the median: add them up from below until they reach one half.": lambda f, p: (
        mean_future(f, p),
        median_future(f, torch.ones_like(p) / len(p)),
    ),
    "You sorted the futures, but not their probabilities. Take `p[rows]`, with the rows that `sort` returns.": (
        lambda f, p: (mean_future(f, p), f.sort(dim=0).values[(p.cumsum(dim=0) < 0.5).sum()])
    ),
    "You added the probabilities up in the order in which the futures came. Sort the values first, each column by "
    "itself, and take `p[rows]`.": lambda f, p: (mean_future(f, p), f[(p.cumsum(dim=0) < 0.5).sum()]),
    "You took one of the futures as a whole, with the least expected absolute error of them. The best answer may take "
    "each number from another future: the median of each.": lambda f, p: (
        mean_future(f, p),
        f[(p @ (f[:, None] - f).abs().sum(2)).argmin()],
    ),
    "You took the most likely future for both. The least squared error has the mean, the least absolute error the "
    "median of each number.": lambda f, p: (f[p.argmax()], f[p.argmax()]),
    "You forgot the probabilities in both answers.": lambda f, p: (
        f.mean(0),
        median_future(f, torch.ones_like(p) / len(p)),
    ),
    "You took the most likely future as a whole. The median is found for each number by itself.": lambda f, p: (
        mean_future(f, p),
        f[p.argmax()],
    ),
    "You took the mean for both. The least absolute error has the median.": lambda f, p: (
        mean_future(f, p),
        mean_future(f, p),
    ),
    "You took the median for both. The least squared error has the mean.": lambda f, p: (
        median_future(f, p),
        median_future(f, p),
    ),
    "You took the middle between the smallest and the largest value. The median asks where half of the probability "
    "is.": lambda f, p: (mean_future(f, p), (f.amin(0) + f.amax(0)) / 2),
    "You divided the mean by the number of futures as well. The probabilities add up to 1 already.": lambda f, p: (
        mean_future(f, p) / len(p),
        median_future(f, p),
    ),
    "At exactly one half you took the larger value. The smaller one counts: `>= 0.5`.": lambda f, p: (
        mean_future(f, p),
        -median_future(-f, p),
    ),
    "You took whole rows by `values[first]`. Take one value of each column: `values.gather(0, first[None])[0]`.": (
        lambda f, p: (mean_future(f, p), f.sort(dim=0).values[_first(f, p)])
    ),
    "You took the median of the values times their probabilities. Sort the values alone, and add the probabilities "
    "up.": lambda f, p: (mean_future(f, p), (p[:, None] * f).median(dim=0).values),
    "You added up over the D numbers. Add up over the futures, dimension 0.": lambda f, p: (
        (p[:, None] * f).sum(1),
        median_future(f, p),
    ),
}


def gaussian_kl_between(mu: Tensor, logvar: Tensor, prior_mu: Tensor, prior_logvar: Tensor) -> Tensor:
    """Return the KL (B,) in nats from N(prior_mu, e^prior_logvar) to N(mu, e^logvar), all (B, D)."""
    return _kl_of_each(mu, logvar, prior_mu, prior_logvar).sum(1)


def _kl_of_each(mu: Tensor, logvar: Tensor, prior_mu: Tensor, prior_logvar: Tensor) -> Tensor:
    """Return the KL of each dimension by itself, (B, D)."""
    ratio = (logvar - prior_logvar).exp()
    shift = (mu - prior_mu).square() / prior_logvar.exp()
    return (ratio + shift - 1 - logvar + prior_logvar) / 2


def _kl(function: Callable) -> dict[str, Any]:
    numbers = {}
    for name, size in {"one dimension": 1, "three dimensions": 3}.items():
        rng = seeded_generator("14b.2", size)
        given = 0.8 * torch.randn(4, 5, size, generator=rng, dtype=torch.float64)
        numbers[name] = function(*given)
    return numbers


def _terms(
    change: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Return a wrong KL: the right one and a change for each dimension, (B, D)."""
    return lambda mu, lv, m, ml: gaussian_kl_between(mu, lv, m, ml) + change(mu, lv, m, ml).sum(1)


KL_SLIPS = {
    "You exchanged encoder and prior. The KL is not symmetric.": lambda mu, lv, m, ml: gaussian_kl_between(
        m, ml, mu, lv
    ),
    "You took the KL from the standard normal prior. Here the prior has a mean and a variance of its own.": (
        lambda mu, lv, m, ml: gaussian_kl_between(mu, lv, torch.zeros_like(m), torch.zeros_like(ml))
    ),
    "You forgot the factor one half.": lambda mu, lv, m, ml: 2 * gaussian_kl_between(mu, lv, m, ml),
    "You forgot the 1 that is subtracted in each dimension: equal densities must give 0.": _terms(
        lambda mu, lv, m, ml: torch.full_like(mu, 0.5)
    ),
    "You subtracted the 1 once. Subtract it in each dimension, before you add the dimensions up.": (
        lambda mu, lv, m, ml: gaussian_kl_between(mu, lv, m, ml) + (mu.shape[1] - 1) / 2
    ),
    "You did not divide the squared difference of the means by the prior's variance.": _terms(
        lambda mu, lv, m, ml: (mu - m).square() * (1 - (-ml).exp()) / 2
    ),
    "You divided the squared difference of the means by the encoder's variance. It is the prior's.": _terms(
        lambda mu, lv, m, ml: (mu - m).square() * ((-lv).exp() - (-ml).exp()) / 2
    ),
    "You divided the squared difference of the means by the prior's standard deviation. It is the variance.": _terms(
        lambda mu, lv, m, ml: (mu - m).square() * ((-ml / 2).exp() - (-ml).exp()) / 2
    ),
    "You took logvar for the variance itself. It is the logarithm: the variance is logvar.exp().": (
        lambda mu, lv, m, ml: ((mu - m).square() / ml + lv / ml - 1 - (lv / ml).log()).sum(1) / 2
    ),
    "You took logvar for the standard deviation. It is the logarithm of the variance, which is logvar.exp().": (
        lambda mu, lv, m, ml: gaussian_kl_between(mu, lv.square().log(), m, ml.square().log())
    ),
    "You took the difference of the means without squaring it.": _terms(
        lambda mu, lv, m, ml: ((mu - m) - (mu - m).square()) * (-ml).exp() / 2
    ),
    "You gave the logarithms the wrong sign: an encoder that is narrower than the prior costs nats.": _terms(
        lambda mu, lv, m, ml: lv - ml
    ),
    "You left out the logarithms of the variances.": _terms(lambda mu, lv, m, ml: (lv - ml) / 2),
    "You took logvar for the logarithm of the standard deviation. It is that of the variance.": (
        lambda mu, lv, m, ml: gaussian_kl_between(mu, 2 * lv, m, 2 * ml)
    ),
    "You averaged over the dimensions. The KL is their sum.": lambda mu, lv, m, ml: (
        gaussian_kl_between(mu, lv, m, ml) / mu.shape[1]
    ),
    "You returned one number for the whole batch. Return one for each row.": lambda mu, lv, m, ml: gaussian_kl_between(
        mu, lv, m, ml
    ).mean(),
    "You added up over the batch, too. Return one number for each row.": lambda mu, lv, m, ml: gaussian_kl_between(
        mu, lv, m, ml
    ).sum(),
    "You added up over the batch, dimension 0. Add up over the dimensions of z, dimension 1.": lambda mu, lv, m, ml: (
        _kl_of_each(mu, lv, m, ml).sum(0)
    ),
    "You did not sum over the dimensions. The result has the shape (B,).": _kl_of_each,
    "You returned bits. Nats are asked for.": lambda mu, lv, m, ml: gaussian_kl_between(mu, lv, m, ml) / math.log(2),
}


def places_ahead(
    before: Tensor,
    last: Tensor,
    low: float,
    high: float,
    steps: int,
    *,
    fold: Callable[[Tensor, float, float], Tensor] | None = None,
    first: int = 1,
    pace: float = 1.0,
) -> Tensor:
    """Return the next places (N, steps, D) after `before` and `last` (N, D); what follows `steps` is for slips."""
    t = torch.arange(first, first + steps, dtype=last.dtype)[:, None]  # (steps, 1)
    free = last[:, None] + pace * (last - before)[:, None] * t
    return (fold or _folded)(free, low, high)


def _folded(free: Tensor, low: float, high: float, remainder: Callable[..., Tensor] = torch.remainder) -> Tensor:
    turned = remainder(free - low, 2 * (high - low))
    return low + torch.minimum(turned, 2 * (high - low) - turned)


def _at_high(free: Tensor, low: float, high: float) -> Tensor:
    return torch.where(free > high, 2 * high - free, free)


def _at_low(free: Tensor, low: float, high: float) -> Tensor:
    return torch.where(free < low, 2 * low - free, free)


def _places_ahead(function: Callable) -> dict[str, Any]:
    numbers = {}
    for name, (low, high, steps, speed) in {
        "slow": (2.0, 9.0, 4, 0.5),
        "one bounce": (3.0, 11.0, 6, 1.3),
        "many bounces": (1.5, 7.0, 25, 1.9),
    }.items():
        rng = seeded_generator("14b.3", steps)
        before, last = (low + (high - low) * torch.rand(6, 2, generator=rng, dtype=torch.float64) for _ in range(2))
        last = before + speed * (last - before).sign()
        inside = (last.clamp(low, high) - before).sign() * speed  # the step seen does not bounce
        before = (last.clamp(low, high) - inside).clamp(low, high)
        numbers[name] = function(before, last.clamp(low, high), low, high, steps)
    return numbers


PLACES_SLIPS = {
    "You let it fly through the walls.": {"fold": lambda free, low, high: free},
    "You let it stick to the wall that it meets.": {"fold": lambda free, low, high: free.clamp(low, high)},
    "You let it come in again at the other side. It bounces.": {
        "fold": lambda free, low, high: low + (free - low).remainder(high - low)
    },
    "You turned it round once. In many steps it meets the walls several times.": {
        "fold": lambda free, low, high: _at_low(_at_high(free, low, high), low, high)
    },
    "You turned it round at the lower wall, then at the upper one, once each. It meets them several times.": {
        "fold": lambda free, low, high: _at_high(_at_low(free, low, high), low, high)
    },
    "You mirrored a place once, at the wall that it passed. In many steps it meets the walls several times.": {
        "fold": lambda free, low, high: torch.where(free < low, 2 * low - free, _at_high(free, low, high))
    },
    "You took the remainder of the place itself. Subtract `low` first, and add it at the end.": {
        "fold": lambda free, low, high: _folded(free + low, low, high) - low
    },
    "You did not add `low` at the end: the remainder is measured from `low`.": {
        "fold": lambda free, low, high: _folded(free, low, high) - low
    },
    "You put the steps first. The shape is (N, steps, D).": {
        "fold": lambda free, low, high: _folded(free, low, high).transpose(0, 1)
    },
    "You put the steps last. The shape is (N, steps, D).": {
        "fold": lambda free, low, high: _folded(free, low, high).transpose(1, 2)
    },
    "You folded the path as if the lower wall were at 0. Subtract `low` first, and add it at the end.": {
        "fold": lambda free, low, high: _folded(free, 0.0, high)
    },
    "You began with the last place that was seen. The first place asked for is one step later.": {"first": 0},
    "You left out the first place: you began two steps after the last one seen.": {"first": 2},
    "You took the step backwards: it is `last - before`.": {"pace": -1.0},
    "You let it stand still at the last place. That is the copy of the last frame.": {"pace": 0.0},
    "You took the remainder, but did not mirror its second half, the way back: there the place is 2 * (high - low) "
    "minus the remainder, measured from `low`.": {
        "fold": lambda free, low, high: low + (free - low).remainder(2 * (high - low))
    },
    "You took torch.fmod, whose remainder is negative for a negative number. Take %.": {
        "fold": lambda free, low, high: _folded(free, low, high, torch.fmod)
    },
    "You measured from the upper wall: |remainder - (high - low)| is the distance from `high`, not from `low`.": {
        "fold": lambda free, low, high: 2 * low + (high - low) - _folded(free, low, high)
    },
    "You returned the last place only. Return all of them, (N, steps, D).": {
        "fold": lambda free, low, high: _folded(free, low, high)[:, -1]
    },
}


def _stepped(meet: Callable[..., Tensor], *, together: bool = False) -> Callable[..., Tensor]:
    """Return a wrong answer that goes step by step, turns the step behind a wall, and then puts the place by `meet`.

    `meet` has the place, the walls, and what the place before makes with the step after it was turned. `together` turns
    all D coordinates at once.
    """

    def answer(before: Tensor, last: Tensor, low: float, high: float, steps: int) -> Tensor:
        place = last
        step = last - before
        places = []
        for _ in range(steps):
            old = place
            place = old + step
            outside = (place > high) | (place < low)
            outside = outside.any(1, keepdim=True) if together else outside
            step = torch.where(outside, -step, step)
            place = meet(place, low, high, old + step)
            places.append(place)
        return torch.stack(places, 1)

    return answer


STEP_SLIPS = {
    "You turned the step round, but left the thing behind the wall. It flies back what it flew too far: from above "
    "`high` it comes to 2 * high - place.": _stepped(lambda place, low, high, turned: place),
    "You turned the step round, and put the thing onto the wall. In this step it flies on, away from the wall: from "
    "above `high` it comes to 2 * high - place.": _stepped(lambda place, low, high, turned: place.clamp(low, high)),
    "You turned the step round before the wall. The thing flies on to the wall, and then back: from above `high` it "
    "comes to 2 * high - place.": _stepped(lambda place, low, high, turned: turned),
    "You turned all coordinates round together, and before the wall. A wall turns its own coordinate alone, and the "
    "thing flies on to it first: from above `high` it comes to 2 * high - place.": _stepped(
        lambda place, low, high, turned: turned, together=True
    ),
    "You turned all coordinates round together. A wall turns its own coordinate alone.": _stepped(
        lambda place, low, high, turned: _at_low(_at_high(place, low, high), low, high), together=True
    ),
}


def _changed(change: dict[str, Any]) -> Callable[..., Tensor]:
    return lambda before, last, low, high, steps: places_ahead(before, last, low, high, steps, **change)


EXERCISES = {
    "14b.1": Exercise(_best_answers, best_answers, slips(BEST_SLIPS)),
    "14b.2": Exercise(_kl, gaussian_kl_between, slips(KL_SLIPS)),
    "14b.3": Exercise(
        _places_ahead,
        places_ahead,
        slips({hint: _changed(change) for hint, change in PLACES_SLIPS.items()} | STEP_SLIPS),
    ),
}
