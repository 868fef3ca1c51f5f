"""The exercises of lesson 16: what two positives mean, and the AUC."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise
from ganlab.check.lesson_10 import slips
from ganlab.runtime import seeded_generator


def fake_after_two(b: float, d1: float, f1: float, d2: float, f2: float) -> float:
    """Return the probability of a fake after two independent positives, by Bayes' rule."""
    fake, real = b * d1 * d2, (1 - b) * f1 * f2
    return fake / (fake + real)


def _fake_after_two(function: Callable) -> dict[str, Any]:
    cases = ((0.001, 0.99, 0.01, 0.9, 0.05), (0.2, 0.6, 0.3, 0.7, 0.1), (0.01, 0.5, 0.02, 0.95, 0.2))
    name = "b {:g}, d1 {:g}, f1 {:g}, d2 {:g}, f2 {:g}"
    return {name.format(*case): function(*case) for case in cases}


def _odds(b: float, d1: float, f1: float, d2: float, f2: float) -> float:
    return b / (1 - b) * d1 / f1 * d2 / f2


def _after_one(b: float, d: float, f: float) -> float:
    return b * d / (b * d + (1 - b) * f)


def _each_alone(b: float, d1: float, f1: float, d2: float, f2: float) -> tuple[float, float]:
    return _after_one(b, d1, f1), _after_one(b, d2, f2)


def _probability(odds: float) -> float:
    return odds / (1 + odds)


FAKE_AFTER_TWO_SLIPS = {
    "You returned the odds. A probability is o / (1 + o).": _odds,
    "You forgot the base rate: you took as many fakes as real pictures. The odds before are b / (1 - b).": (
        lambda b, d1, f1, d2, f2: _odds(0.5, d1, f1, d2, f2) / (1 + _odds(0.5, d1, f1, d2, f2))
    ),
    "You used the first detector only. Its result is the base rate of the second.": lambda b, d1, f1, d2, f2: (
        _after_one(b, d1, f1)
    ),
    "You used the second detector only. The first one's result is its base rate.": lambda b, d1, f1, d2, f2: _after_one(
        b, d2, f2
    ),
    "You returned the probability that it is real. One minus that is asked for.": lambda *given: (
        1 - fake_after_two(*given)
    ),
    "You left out 1 - b, and returned odds: the odds before are b / (1 - b), and a probability is o / (1 + o).": (
        lambda b, d1, f1, d2, f2: b * d1 * d2 / (f1 * f2)
    ),
    "You left out (1 - b): real pictures are that part of all.": lambda b, d1, f1, d2, f2: (
        b * d1 * d2 / (b * d1 * d2 + f1 * f2)
    ),
    "You counted the base rate twice, once for each detector. It enters once.": lambda b, d1, f1, d2, f2: (
        b**2 * d1 * d2 / (b**2 * d1 * d2 + (1 - b) ** 2 * f1 * f2)
    ),
    "You returned the probability that a fake is called a fake twice. We ask the other way round: given two "
    "positives, is it a fake?": lambda b, d1, f1, d2, f2: d1 * d2,
    "You stopped at the probability of a fake with two positives. Divide by that of two positives.": (
        lambda b, d1, f1, d2, f2: b * d1 * d2
    ),
    "You averaged what each detector alone would say. Multiply their factors d / f.": lambda b, d1, f1, d2, f2: (
        (_after_one(b, d1, f1) + _after_one(b, d2, f2)) / 2
    ),
    "You used 1 - f, the real pictures that are called real. A false alarm has probability f.": (
        lambda b, d1, f1, d2, f2: fake_after_two(b, d1, 1 - f1, d2, 1 - f2)
    ),
    "You used the first detector's probability as if it were odds. Keep the odds until the end, or turn p into "
    "p / (1 - p) first.": lambda b, d1, f1, d2, f2: _probability(_after_one(b, d1, f1) * d2 / f2),
    "You turned the first detector's odds o into o / (1 - o). They are odds already: multiply them by the second "
    "factor as they are.": lambda b, d1, f1, d2, f2: _probability(
        _odds(b, d1, f1, 1, 1) / (1 - _odds(b, d1, f1, 1, 1)) * d2 / f2
    ),
    "You took the larger of what each detector alone would say. Two positives say more: multiply the odds by both "
    "factors d / f.": lambda *given: max(_each_alone(*given)),
    "You multiplied what each detector alone would say, so the base rate entered twice. Multiply the odds by both "
    "factors d / f.": lambda *given: _each_alone(*given)[0] * _each_alone(*given)[1],
    "You took one minus the probability that both are wrong, from what each detector alone would say. These two are "
    "not independent: both are about the same picture. Multiply the odds by both factors d / f.": lambda *given: (
        1 - (1 - _each_alone(*given)[0]) * (1 - _each_alone(*given)[1])
    ),
    "You added the factors d / f. Each positive multiplies the odds.": lambda b, d1, f1, d2, f2: _probability(
        b / (1 - b) * (d1 / f1 + d2 / f2)
    ),
    "You answered for at least one positive. Here both detectors say fake.": lambda b, d1, f1, d2, f2: _after_one(
        b, 1 - (1 - d1) * (1 - d2), 1 - (1 - f1) * (1 - f2)
    ),
    "You exchanged d and f: a fake is called a fake with probability d.": lambda b, d1, f1, d2, f2: fake_after_two(
        b, f1, d1, f2, d2
    ),
    "You answered in percent. Return a number between 0 and 1.": lambda *given: 100 * fake_after_two(*given),
}


def auc(fake: Tensor, real: Tensor) -> Tensor:
    """Return the AUC of scores (m,) of fakes and (n,) of real pictures; a tie counts one half."""
    return _table(fake, real).mean()


def _table(fake: Tensor, real: Tensor) -> Tensor:
    """Return (m, n): 1 where the fake scores higher, one half at a tie, 0 elsewhere."""
    more, ties = fake[:, None] > real, fake[:, None] == real
    return more.double() + 0.5 * ties.double()


def _scores() -> dict[str, tuple[Tensor, Tensor]]:
    rng = seeded_generator("16.2")
    logits = torch.randn(7, generator=rng, dtype=torch.float64) + 0.5, torch.randn(11, generator=rng).double()
    marks = torch.randint(2, 8, (9,), generator=rng).double(), torch.randint(0, 6, (4,), generator=rng).double()
    return {"logits, m 7, n 11": logits, "with ties, m 9, n 4": marks}


def _auc(function: Callable) -> dict[str, Any]:
    return {f"AUC, {name}": function(*(each.clone() for each in pair)) for name, pair in _scores().items()}


AUC_SLIPS = {
    "You left out the ties. Each counts one half.": lambda a, r: (a[:, None] > r).double().mean(),
    "You counted a tie as a whole. It counts one half.": lambda a, r: (a[:, None] >= r).double().mean(),
    "You exchanged the two: this is how often a real picture scores higher.": lambda a, r: auc(r, a),
    "You counted the pairs. Divide by how many there are, m times n.": lambda a, r: auc(a, r) * len(a) * len(r),
    "You counted the pairs that a fake wins. Add one half for each tie, and divide by m times n.": (
        lambda a, r: (a[:, None] > r).sum()
    ),
    "You compared each fake with the real picture at the same place only. Compare it with all.": lambda a, r: _paired(
        a, r
    ),
    "You compared with the mean of the real scores. Compare with each real score.": lambda a, r: (
        (a > r.mean()).double().mean()
    ),
    "You took how many scores lie on the right side of 0. The AUC needs no threshold.": lambda a, r: (
        ((a > 0).sum() + (r <= 0).sum()) / (len(a) + len(r))
    ),
    "You took how many fakes score above 0, the detection rate. The AUC needs no threshold.": lambda a, r: (
        (a > 0).double().mean()
    ),
    "You summed the ranks of the fakes but forgot to take off what they have among themselves, m (m + 1) / 2.": (
        lambda a, r: _rank_sum(a, r) / (len(a) * len(r))
    ),
    "You counted the ranks from 0, but m (m + 1) / 2 belongs to ranks that are counted from 1: add 1 to each.": (
        lambda a, r: auc(a, r) - 1 / len(r)
    ),
    "You counted the ranks from 0, but m (m + 1) / 2 belongs to ranks that are counted from 1: add 1 to each. And "
    "argsort gives equal scores different ranks, so that each tie counted nothing. It counts one half.": (
        lambda a, r: (a[:, None] > r).double().mean() - 1 / len(r)
    ),
    "You counted the ranks from 0, but m (m + 1) / 2 belongs to ranks that are counted from 1: add 1 to each. And "
    "argsort gives equal scores different ranks, so that each tie counted as a whole. It counts one half.": (
        lambda a, r: (a[:, None] >= r).double().mean() - 1 / len(r)
    ),
    "You divided by m times m. There are m times n pairs.": lambda a, r: auc(a, r) * len(r) / len(a),
    "You divided by n times n. There are m times n pairs.": lambda a, r: auc(a, r) * len(a) / len(r),
    "You returned the whole table. The AUC is the mean over all its entries.": lambda a, r: _table(a, r),
    "You averaged over the fakes only, and one number for each real picture is left. Take the mean over both.": (
        lambda a, r: _table(a, r).mean(0)
    ),
    "You averaged over the real pictures only, and one number for each fake is left. Take the mean over both.": (
        lambda a, r: _table(a, r).mean(1)
    ),
    "You compared each fake with the real picture at its own place only, and left out the ties. Compare with all.": (
        lambda a, r: (a[: len(r)] > r[: len(a)]).double().mean()
    ),
    "You compared the mean of the fakes' scores with each real score. Compare each fake's score.": lambda a, r: (
        (a.mean() > r).double().mean()
    ),
    "You averaged the two parts that lie on the right side of 0. The AUC needs no threshold.": lambda a, r: (
        ((a > 0).double().mean() + (r <= 0).double().mean()) / 2
    ),
    "You returned 2 AUC - 1, which is called the Gini coefficient. The AUC itself is asked for.": lambda a, r: (
        2 * auc(a, r) - 1
    ),
    "You halved the ties twice. Each counts one half.": lambda a, r: (
        (a[:, None] > r).double() + 0.25 * (a[:, None] == r).double()
    ).mean(),
    "You returned the difference of the means. Ask how often one score lies above the other.": lambda a, r: (
        a.mean() - r.mean()
    ),
}


def _paired(fake: Tensor, real: Tensor) -> Tensor:
    """Return how often a fake beats the real picture at its own place, a slip."""
    n = min(len(fake), len(real))
    return ((fake[:n] > real[:n]).double() + 0.5 * (fake[:n] == real[:n]).double()).mean()


def _rank_sum(fake: Tensor, real: Tensor) -> Tensor:
    everything = torch.cat([fake, real])
    below = (everything[:, None] > everything).sum(1) + 0.5 * (everything[:, None] == everything).sum(1) + 0.5
    return below[: len(fake)].sum()


EXERCISES = {
    "16.1": Exercise(_fake_after_two, fake_after_two, slips(FAKE_AFTER_TWO_SLIPS)),
    "16.2": Exercise(_auc, auc, slips(AUC_SLIPS)),
}
