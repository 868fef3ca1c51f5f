"""The exercises of lesson 10b: what is lost with the data, and an accuracy seen through wrong labels."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise
from ganlab.check.lesson_10 import slips
from ganlab.check.parts import Unfit
from ganlab.runtime import seeded_generator


def _information(joint: Tensor) -> Tensor:
    """Return the mutual information, in nats, of a table of joint probabilities."""
    independent = joint.sum(1, keepdim=True) * joint.sum(0)
    return (torch.special.xlogy(joint, joint) - torch.special.xlogy(joint, independent)).sum()


def lost(p_wd: Tensor, p_s_d: Tensor) -> Tensor:
    """Return I(W; D) - I(W; S), nats, of p(w, d) (A, B) and p(s | d) (B, M)."""
    return _information(p_wd) - _information(p_wd @ p_s_d)


def _chains() -> dict[str, tuple[Tensor, Tensor]]:
    rng = seeded_generator("10b.1")
    numbers = {}
    for name, (a, b, m) in {"2 worlds": (2, 4, 3), "3 worlds": (3, 3, 5)}.items():
        joint = torch.rand(a, b, generator=rng, dtype=torch.float64) ** 2
        joint[0, 1] = 0.0
        table = torch.rand(b, m, generator=rng, dtype=torch.float64) ** 2
        table[0, 0] = 0.0
        numbers[name] = joint / joint.sum(), table / table.sum(1, keepdim=True)
    joint, table = numbers["3 worlds"]
    table[:, 2] = 0.0  # something that is never drawn
    numbers["3 worlds"] = joint, table / table.sum(1, keepdim=True)
    return numbers


def _lost(function: Callable) -> dict[str, Any]:
    numbers = {f"nats lost, {name}": function(*(each.clone() for each in pair)) for name, pair in _chains().items()}
    if any(torch.as_tensor(value).isnan().any() for value in numbers.values() if value is not ...):
        raise Unfit(
            "the answer is nan. Hint: You took a log of 0, or 0/0 in a column of zeros. "
            "xlogy(p, p) - xlogy(p, r) is safe, with r the product of the two margins."
        )
    return numbers


def _of_weights(p_wd: Tensor, p_s_d: Tensor) -> Tensor:
    return p_wd.sum(0)[:, None] * p_s_d  # p(d, s)


LOST_SLIPS = {
    "You returned I(W; S), what is left. Subtract it from I(W; D).": lambda p, t: _information(p @ t),
    "You returned I(W; D), what was there. Subtract what is left.": lambda p, t: _information(p),
    "You took what is left less what was there. The loss is the other way round.": lambda p, t: -lost(p, t),
    "You took I(D; S), what the samples say about the data. We ask what they say about the world.": lambda p, t: (
        _information(p) - _information(_of_weights(p, t))
    ),
    "You returned I(D; S). We ask for the world: I(W; D) - I(W; S).": lambda p, t: _information(_of_weights(p, t)),
    "You answered in bits. In nats logarithms are natural.": lambda p, t: lost(p, t) / math.log(2),
    "You took p(s | d) itself for a joint table. The table of w and s is p(w, s), a sum over d.": lambda p, t: (
        _information(p) - _information(t / len(t))
    ),
    "You put p(s | d) itself into (10b.1). The table of w and s is p(w, s), a sum over d.": lambda p, t: (
        _information(p) - _information(t)
    ),
    "Your answer is 0, as it is for data and samples together (10b.2). Here the data are thrown away: take I(W; S).": (
        lambda p, t: 0 * _information(p)
    ),
    "You returned the lost part as a fraction of I(W; D). Return the nats: I(W; D) - I(W; S).": lambda p, t: (
        lost(p, t) / _information(p)
    ),
    "You divided p(w, d) by p(w) first, so each world counts alike. Use the joint table as it is.": lambda p, t: lost(
        p / p.sum(1, keepdim=True) / len(p), t
    ),
    "You divided p(w, d) by p(w) before you summed over d. That gives p(s | w), not the joint p(w, s).": lambda p, t: (
        _information(p) - _information(p / p.sum(1, keepdim=True) @ t)
    ),
    "You returned entropies of the tables. Mutual information compares with the product of the margins.": (
        lambda p, t: -torch.special.xlogy(p, p).sum() + torch.special.xlogy(p @ t, p @ t).sum()
    ),
    "You divided by p(w) alone. Divide by p(w) p(d), and by p(w) p(s).": lambda p, t: (
        (torch.special.xlogy(p, p) - torch.special.xlogy(p, p.sum(1, keepdim=True))).sum()
        - (torch.special.xlogy(p @ t, p @ t) - torch.special.xlogy(p @ t, (p @ t).sum(1, keepdim=True))).sum()
    ),
}


def true_accuracy(measured: float, wrong: float, classes: int) -> float:
    """Return the accuracy behind a measured one, when a fraction of the labels is wrong."""
    lucky = wrong / (classes - 1)
    return (measured - lucky) / (1 - wrong - lucky)


def _true_accuracy(function: Callable) -> dict[str, Any]:
    cases = ((0.8, 0.1, 10), (0.5, 0.3, 4), (0.62, 0.05, 3))
    return {f"accuracy, {m:g} measured, {w:g} wrong, {k} classes": function(m, w, k) for m, w, k in cases}


ACCURACY_SLIPS = {
    "You left out that a wrong answer may meet a wrong label. It does in one of classes - 1 cases.": lambda m, w, k: (
        m / (1 - w)
    ),
    "You added the wrong labels. Of these the classifier would have named only a part rightly.": lambda m, w, k: m + w,
    "A wrong answer names one of the other classes: there are classes - 1 of them, not classes.": lambda m, w, k: (
        (m - w / k) / (1 - w - w / k)
    ),
    "You counted a wrong label as met by every wrong answer. Only one in classes - 1 meets it.": lambda m, w, k: (
        (m - w) / (1 - 2 * w)
    ),
    "You took every wrong label for a hit, and subtracted them all. One is a hit only where the answer names "
    "the same wrong class.": lambda m, w, k: (m - w) / (1 - w),
    "You subtracted the wrong labels, as if each were counted as a hit. Most are counted as a miss.": lambda m, w, k: (
        m - w
    ),
    "You returned what was measured. Some right answers met a wrong label; add them, less the lucky hits.": (
        lambda m, w, k: m
    ),
    "You went the wrong way: you computed what is measured from a. Solve for a.": lambda m, w, k: (
        m * (1 - w) + (1 - m) * w / (k - 1)
    ),
    "You multiplied by the fraction of right labels. That is what is measured; solve for a.": lambda m, w, k: (
        m * (1 - w)
    ),
    "You subtracted the lucky part for all pictures, but divided by 1 - wrong. It is gained only where the answer is "
    "wrong, 1 - a.": lambda m, w, k: (m - w / (k - 1)) / (1 - w),
    "You let a right answer meet a wrong label. It cannot: then the label names another class.": lambda m, w, k: (
        m - w / (k - 1)
    ),
    "You have the sign of the lucky part wrong in the divisor: a (1 - wrong) + (1 - a) lucky.": lambda m, w, k: (
        (m - w / (k - 1)) / (1 - w + w / (k - 1))
    ),
    "You answered in percent. Return a fraction.": lambda m, w, k: 100 * true_accuracy(m, w, k),
}


EXERCISES = {
    "10b.1": Exercise(_lost, lost, slips(LOST_SLIPS)),
    "10b.2": Exercise(_true_accuracy, true_accuracy, slips(ACCURACY_SLIPS)),
}
