"""The exercises of lesson 10: the value of the conditional game, and variety within classes."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit
from ganlab.runtime import seeded_generator


def slips(bank: dict[str, Callable]) -> tuple[Slip, ...]:
    """Return a slip for each hint and its wrong answer."""
    return tuple(Slip(answer, hint) for hint, answer in bank.items())


def _kl(p: Tensor, r: Tensor) -> Tensor:
    """Return sum p log(p / r) over the last dimension, with 0 log 0 = 0."""
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, r)).sum(-1)


def _jsd(p: Tensor, q: Tensor) -> Tensor:
    return 0.5 * _kl(p, 0.5 * (p + q)) + 0.5 * _kl(q, 0.5 * (p + q))


def best_value(real: Tensor, fake: Tensor, p_y: Tensor) -> Tensor:
    """Return the value of the game against the best critic, nats: p(x | y), p_g(x | y) (K, m), p(y) (K,)."""
    return 2 * (p_y * _jsd(real, fake)).sum() - math.log(4)


def _tables() -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    p = torch.tensor([[0.5, 0.3, 0.2, 0.0], [0.0, 0.1, 0.6, 0.3], [0.2, 0.2, 0.1, 0.5]], dtype=torch.float64)
    q = torch.tensor([[0.1, 0.6, 0.2, 0.1], [0.0, 0.3, 0.3, 0.4], [0.7, 0.0, 0.2, 0.1]], dtype=torch.float64)
    swap = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]], dtype=torch.float64)
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    half = torch.tensor([0.5, 0.5], dtype=torch.float64)
    return {"three classes": (p, q, weights), "two classes swapped": (swap, swap.flip(0), half)}


def _best_value(function: Callable) -> dict[str, Any]:
    numbers = {f"value, {name}": function(*(each.clone() for each in given)) for name, given in _tables().items()}
    values = [torch.as_tensor(value) for value in numbers.values() if value is not ...]
    if any(value.isnan().any() for value in values):
        raise Unfit(
            "the value is nan. Hint: You took a log of 0, or 0/0 where p and p_g are both 0. "
            "xlogy(p, p) - xlogy(p, r) is safe. With D, take xlogy in both terms, only where p + p_g is not 0."
        )
    if any(value.isinf().any() for value in values):
        raise Unfit(
            "the value is infinite. Hint: You divided by a probability that is 0. Perhaps you compared p and p_g with "
            "each other, or took KL(r || p) for KL(p || r). The JSD compares each of them with the middle, "
            "r = (p + p_g) / 2, and r stands below."
        )
    return numbers


VALUE_SLIPS = {
    "You took a plain mean over the classes. Weigh them by p(y).": lambda p, q, w: 2 * _jsd(p, q).mean() - math.log(4),
    "You took a plain sum over the classes. Weigh them by p(y).": lambda p, q, w: 2 * _jsd(p, q).sum() - math.log(4),
    "You mixed the classes first. That is the value for a critic that does not see y.": lambda p, q, w: (
        2 * _jsd(w @ p, w @ q) - math.log(4)
    ),
    "You left out log 4: where p = p_g the value is -log 4, not 0.": lambda p, q, w: 2 * (w * _jsd(p, q)).sum(),
    "You counted the mean JSD once. In (10.2) it counts twice.": lambda p, q, w: (w * _jsd(p, q)).sum() - math.log(4),
    "You took the mean over the values of x. The JSD is a sum over them.": lambda p, q, w: (
        2 * (w * _jsd(p, q)).sum() / p.shape[1] - math.log(4)
    ),
    "You subtracted log 4 for each class. Its weighted mean is log 4, once.": lambda p, q, w: (
        2 * (w * _jsd(p, q)).sum() - len(w) * math.log(4)
    ),
    "Your value is too small by log 4. The middle r is half of p + p_g, not p + p_g; and log 4 is subtracted once.": (
        lambda p, q, w: 2 * (w * _jsd(p, q)).sum() - 2 * math.log(4)
    ),
    "You added log 4. It is subtracted.": lambda p, q, w: 2 * (w * _jsd(p, q)).sum() + math.log(4),
    "You took log 2 for log 4: the game has two terms, and each is log(1/2) where p = p_g.": lambda p, q, w: (
        2 * (w * _jsd(p, q)).sum() - math.log(2)
    ),
    "Your JSD is twice too large: both of its terms have a factor 1/2.": lambda p, q, w: (
        4 * (w * _jsd(p, q)).sum() - math.log(4)
    ),
    "You took only one term of the JSD, KL(p || r). KL(p_g || r) belongs to it as well.": lambda p, q, w: (
        (w * _kl(p, 0.5 * (p + q))).sum() - math.log(4)
    ),
    "You took KL(p || r) for the JSD. The JSD is half of it and half of KL(p_g || r).": lambda p, q, w: (
        2 * (w * _kl(p, 0.5 * (p + q))).sum() - math.log(4)
    ),
    "You returned the mean JSD. In (10.2) it counts twice, and log 4 is subtracted.": lambda p, q, w: (
        w * _jsd(p, q)
    ).sum(),
    "You divided by the number of classes. The weights p(y) add up to 1 already, so take the sum.": lambda p, q, w: (
        2 * (w * _jsd(p, q)).mean() - math.log(4)
    ),
    "You returned one value for each class. Weigh them by p(y) and add them up.": lambda p, q, w: (
        2 * _jsd(p, q) - math.log(4)
    ),
    "You weighed the value of each class by p(y). Now add them up.": lambda p, q, w: w * (2 * _jsd(p, q) - math.log(4)),
    "You subtracted 2, the log of 4 to base 2. In nats it is the natural log of 4, 1.386.": lambda p, q, w: (
        2 * (w * _jsd(p, q)).sum() - 2
    ),
    "You answered in bits. In nats logarithms are natural.": lambda p, q, w: best_value(p, q, w) / math.log(2),
}


def within_classes(features: Tensor, y: Tensor) -> Tensor:
    """Return the mean distance of two different samples of one class, its mean over classes: (N, D) and (N,) in."""
    return _by_class(lambda own: torch.pdist(own).mean(), features, y)


EMPTY = (
    "Hint: You took a mean over the pairs of a class that has no samples. There are not always ten classes: K is "
    "y.max() + 1."
)


EQUAL = "two samples are equal"


def _within_classes(function: Callable) -> dict[str, Any]:
    numbers = {}
    for name, sizes in {"classes of 4 and 7": (4, 7), "classes of 2, 9 and 5": (2, 9, 5), EQUAL: (3, 4)}.items():
        rng = seeded_generator("10.2", name)
        y = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        y = y[torch.randperm(len(y), generator=rng)]
        features = 3.0 * y[:, None] + (1.0 + y[:, None]) * torch.randn(len(y), 3, generator=rng, dtype=torch.float64)
        if name == EQUAL:
            features[(y == 1).nonzero()[1]] = features[(y == 1).nonzero()[0]]
        try:
            distance = function(features, y)
        except ZeroDivisionError:
            raise ValueError(f"your code divides by 0. {EMPTY}") from None
        if distance is not ... and torch.as_tensor(distance).isnan().any():
            raise Unfit(f"the distance is nan. {EMPTY}")
        numbers[f"distance, {name}"] = distance
    return numbers


def _by_class(measure: Callable[[Tensor], Tensor], features: Tensor, y: Tensor) -> Tensor:
    return torch.stack([measure(features[y == k]) for k in range(int(y.max()) + 1)]).mean()


def _pairs(features: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return all distances between different samples, and whether the two are of one class."""
    i, j = torch.triu_indices(len(y), len(y), 1)
    return (features[i] - features[j]).norm(dim=1), y[i] == y[j]


WITHIN_SLIPS = {
    "You counted each sample's distance to itself, 0. Divide by n (n - 1), not by n n.": lambda x, y: _by_class(
        lambda own: torch.cdist(own, own).mean(), x, y
    ),
    "You took all pairs. Only pairs of one class count.": lambda x, y: torch.pdist(x).mean(),
    "You measured between classes. Measure within each.": lambda x, y: _pairs(x, y)[0][~_pairs(x, y)[1]].mean(),
    "You pooled the pairs of all classes, so large classes count more. Take each class's mean first.": lambda x, y: (
        _pairs(x, y)[0][_pairs(x, y)[1]].mean()
    ),
    "You averaged squared distances. Take the root of each.": lambda x, y: _by_class(
        lambda own: (torch.pdist(own) ** 2).mean(), x, y
    ),
    "You summed over the classes. Take the mean.": lambda x, y: sum(
        torch.pdist(x[y == k]).mean() for k in range(int(y.max()) + 1)
    ),
    "You counted each pair twice. There are n (n - 1) ordered pairs, or half as many unordered ones.": lambda x, y: (
        2 * within_classes(x, y)
    ),
    "You have half of it: a sum over i < j has n (n - 1) / 2 pairs.": lambda x, y: within_classes(x, y) / 2,
    "You divided the sum over the pairs by n. There are n (n - 1) pairs of two different samples.": lambda x, y: (
        _by_class(lambda own: torch.cdist(own, own).sum() / len(own), x, y)
    ),
    "You took distances to the class's mean. Take pairs of samples.": lambda x, y: _by_class(
        lambda own: (own - own.mean(0)).norm(dim=1).mean(), x, y
    ),
    "You took neighbours in the draw, as the table does. Take all pairs.": lambda x, y: _by_class(
        lambda own: (own - own.roll(1, 0)).norm(dim=1).mean(), x, y
    ),
    "You left out the distances of 0. Two different samples can be equal, and their pair counts.": lambda x, y: (
        _by_class(lambda own: torch.pdist(own)[torch.pdist(own) > 0].mean(), x, y)
    ),
    "You returned one distance for each class. Take their mean.": lambda x, y: torch.stack(
        [torch.pdist(x[y == k]).mean() for k in range(int(y.max()) + 1)]
    ),
    "You added up absolute differences. A distance is the root of the sum of the squares.": lambda x, y: _by_class(
        lambda own: torch.pdist(own, p=1).mean(), x, y
    ),
    "You averaged over the whole matrix with one triangle set to 0. Divide the sum of the triangle by the number of "
    "its pairs, n (n - 1) / 2.": lambda x, y: _by_class(lambda own: torch.cdist(own, own).triu().mean(), x, y),
    "You divided by ten classes, but K need not be 10: K is y.max() + 1.": lambda x, y: (
        within_classes(x, y) * (y.max() + 1) / 10
    ),
    "You left out the last class: K is y.max() + 1.": lambda x, y: torch.stack(
        [torch.pdist(x[y == k]).mean() for k in range(int(y.max()))]
    ).mean(),
}


EXERCISES = {
    "10.1": Exercise(_best_value, best_value, slips(VALUE_SLIPS)),
    "10.2": Exercise(_within_classes, within_classes, slips(WITHIN_SLIPS)),
}
