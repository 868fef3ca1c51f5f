"""The exercises of lesson 04d: a thousand kinds, an interval for a difference."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit, parts
from ganlab.runtime import seeded_generator


def count_kinds(digits: Tensor) -> tuple[int, Tensor]:
    """Return the kinds among digits (n, 3) that occur, and KL(their shares || uniform over 1,000), in nats."""
    shares = _shares(digits)
    return int((shares > 0).sum()), torch.xlogy(shares, 1000 * shares).sum()


def _shares(digits: Tensor) -> Tensor:
    """Return the share of each of 1,000 kinds, (1000,)."""
    numbers = digits @ torch.tensor([100, 10, 1])
    return torch.bincount(numbers, minlength=1000).double() / len(digits)


def _count_kinds(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, power in ((60, 1.0), (3000, 3.0)):
        uniform = torch.rand(n, 3, generator=seeded_generator("04d.1", n))
        result = function((10 * uniform**power).long())
        kinds, reverse_kl = parts(result, "the number of kinds", "the reverse KL")
        if torch.as_tensor(reverse_kl).isnan().any():
            raise Unfit("the reverse KL is nan. Hint: 0 times a log of 0; missing kinds add 0: torch.xlogy.")
        numbers[f"kinds among {n} pictures"], numbers[f"reverse KL of {n} pictures, nats"] = kinds, reverse_kl
    return numbers


def _kl_slip(change: Callable[[Tensor, Tensor], Any], digits: Tensor) -> tuple[Any, Any]:
    shares = _shares(digits)
    return int((shares > 0).sum()), change(shares, shares[shares > 0])


def _divided(digits: Tensor) -> Tensor:
    """Return what the reverse KL becomes if the counts are divided by 1,000."""
    shares = _shares(digits) * len(digits) / 1000
    return torch.xlogy(shares, 1000 * shares).sum()


def _digits(numbers: Tensor) -> Tensor:
    return torch.stack([numbers // 100, numbers // 10 % 10, numbers % 10], dim=1)


KL_SLIPS: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "You returned the entropy H of the kinds: the reverse KL is log 1000 - H.": lambda s, own: -(own * own.log()).sum(),
    "You took the log of s_k alone: (4.1) has the log of K s_k, so log 1000 is missing.": (
        lambda s, own: (own * own.log()).sum()
    ),
    "Your reverse KL has the wrong sign: a KL is never negative.": lambda s, own: -(own * (1000 * own).log()).sum(),
    "Your reverse KL is in bits: nats need the natural logarithm.": lambda s, own: (own * (1000 * own).log2()).sum(),
    "You compared with an even division over the kinds that occur: K is 1,000, or missing kinds cost nothing.": (
        lambda s, own: (own * (len(own) * own).log()).sum()
    ),
    "You took the other direction, the mean of log(1 / (K s)) over kinds that occur: (4.1) weighs log(K s) by s.": (
        lambda s, own: -(1000 * own).log().sum() / 1000
    ),
    **{
        f"You took the other direction, the mean of log(1 / (K s)), with {least:g} in place of 0. See (4.1).": (
            lambda s, own, least=least: -(1000 * s.clamp(min=least)).log().mean()
        )
        for least in (1e-12, 1e-10, 1e-8)
    },
    "You took the other direction, the mean of log(1 / (K s)) over all kinds: infinite if one is missing. See (4.1).": (
        lambda s, own: -(1000 * s).log().mean()
    ),
}
CODE_SLIPS: dict[str, Callable[[Tensor], Tensor]] = {
    "Your digits were added: 1, 2, 3 and 3, 2, 1 are different kinds. Weigh the digits by 100, 10 and 1.": (
        lambda digits: _digits(digits.sum(1))
    ),
    "You sorted the digits, so the order of the channels was lost: 1, 2, 3 and 3, 2, 1 are two kinds.": lambda digits: (
        digits.sort(dim=1).values
    ),
}


def paired_interval(a: np.ndarray, b: np.ndarray, t: float) -> tuple[float, float]:
    """Return the ends of the interval for the mean of a - b, over seeds (n,): mean -+ t s / sqrt(n)."""
    d = a - b
    half = t * d.std(ddof=1) / len(d) ** 0.5
    return d.mean() - half, d.mean() + half


def _paired_interval(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, t in ((5, 2.776), (8, 2.365)):
        a, b = torch.randn(2, n, generator=seeded_generator("04d.2", n), dtype=torch.float64).numpy()
        result = function(b + 0.9 * a + 0.3, b, t)
        ends = parts(result, "the lower end of the interval", "its upper end")
        numbers[f"ends of the interval of {n} seeds"] = torch.as_tensor([float(end) for end in ends])
    return numbers


def _around(middle: Callable, half: Callable) -> Callable:
    """Return a paired_interval of another middle or another half width; both are functions of a, b, t."""
    return lambda a, b, t: (middle(a, b) - half(a, b, t), middle(a, b) + half(a, b, t))


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    return (a - b).mean()


INTERVAL_SLIPS: dict[str, Callable] = {
    "You did not divide by the root of n: that is the spread of single seeds, and the mean is surer than one seed.": (
        _around(_gap, lambda a, b, t: t * (a - b).std(ddof=1))
    ),
    "You took the variance of the differences: (4d.2) has the standard deviation, its root.": (
        _around(_gap, lambda a, b, t: t * (a - b).var(ddof=1) / len(a) ** 0.5)
    ),
    "You divided by n: the mean's error shrinks like the root of n.": (
        _around(_gap, lambda a, b, t: t * (a - b).std(ddof=1) / len(a))
    ),
    "Your standard deviation divides by n: it is ddof=1, since the mean was estimated, too.": (
        _around(_gap, lambda a, b, t: t * (a - b).std() / len(a) ** 0.5)
    ),
    "You divided by the root of n - 1 as well as by ddof=1: once is enough.": (
        _around(_gap, lambda a, b, t: t * (a - b).std(ddof=1) / (len(a) - 1) ** 0.5)
    ),
    "You left out t: one standard error to both sides holds the true mean far less often than 95%.": (
        _around(_gap, lambda a, b, t: (a - b).std(ddof=1) / len(a) ** 0.5)
    ),
    "You used 1.96 for t: that is for many seeds. With few it is too small.": (
        _around(_gap, lambda a, b, t: 1.96 * (a - b).std(ddof=1) / len(a) ** 0.5)
    ),
    "You combined the spread of a with that of b: the seeds are shared, so take the differences first.": (
        _around(_gap, lambda a, b, t: t * ((a.var(ddof=1) + b.var(ddof=1)) / len(a)) ** 0.5)
    ),
    "You took the sizes of the differences: keep their signs, since b may be better under some seeds.": (
        lambda a, b, t: paired_interval(abs(a - b), 0 * a, t)
    ),
    "You took b - a instead of a - b.": lambda a, b, t: paired_interval(b, a, t),
    "You exchanged the ends: the lower one comes first.": lambda a, b, t: paired_interval(a, b, t)[::-1],
    "You returned mean and half width: return the two ends.": (
        lambda a, b, t: ((a - b).mean(), t * (a - b).std(ddof=1) / len(a) ** 0.5)
    ),
    "Your interval is around 0: its middle is the mean difference.": (
        _around(lambda a, b: 0.0, lambda a, b, t: t * (a - b).std(ddof=1) / len(a) ** 0.5)
    ),
}

EXERCISES = {
    "04d.1": Exercise(
        _count_kinds,
        count_kinds,
        (
            *(Slip(functools.partial(_kl_slip, change), hint) for hint, change in KL_SLIPS.items()),
            *(Slip(lambda digits, f=f: count_kinds(f(digits)), hint) for hint, f in CODE_SLIPS.items()),
            Slip(
                lambda digits: (1000 - count_kinds(digits)[0], count_kinds(digits)[1]),
                "You counted the missing kinds: count those that occur.",
            ),
            Slip(
                lambda digits: (int(_shares(digits).nonzero().max()) + 1, count_kinds(digits)[1]),
                "You counted all places of torch.bincount: count those that are above 0.",
            ),
            Slip(
                lambda digits: (count_kinds(digits)[0], _divided(digits)),
                "You divided the counts by 1,000: the fractions of the kinds are counts over the number of pictures.",
            ),
        ),
    ),
    "04d.2": Exercise(
        _paired_interval, paired_interval, tuple(Slip(answer, hint) for hint, answer in INTERVAL_SLIPS.items())
    ),
}
