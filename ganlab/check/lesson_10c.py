"""The exercises of lesson 10c: the logits of a projection critic, and what a model gains from the class."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise
from ganlab.check.lesson_10 import slips
from ganlab.check.parts import Unfit
from ganlab.runtime import seeded_generator


def logits(phi: Tensor, s: Tensor, bias: float, v: Tensor, y: Tensor) -> Tensor:
    """Return c(x, y), (B,), of features (B, F), a linear layer (F,) and its bias, vectors (K, F) and classes (B,)."""
    return phi @ s + bias + (v[y] * phi).sum(1)


def _logits(function: Callable) -> dict[str, Any]:
    numbers = {}
    for B, F, K in ((5, 3, 4), (4, 4, 4), (6, 2, 3)):
        rng = seeded_generator("10c.1", B)
        phi, s, v = (torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((B, F), (F,), (K, F)))
        y = torch.randint(K, (B,), generator=rng)
        y[:2] = torch.tensor([1, K - 1])
        numbers[f"logits, {B} pictures, {F} features, {K} classes"] = function(phi, s, 0.7, v, y)
    return numbers


LOGITS_SLIPS = {
    "You left out the class: the inner product with v[y] is missing.": lambda phi, s, bias, v, y: phi @ s + bias,
    "You left out the linear layer: s(phi) is added.": lambda phi, s, bias, v, y: (v[y] * phi).sum(1),
    "You left out the bias of the linear layer.": lambda phi, s, bias, v, y: phi @ s + (v[y] * phi).sum(1),
    "You took the mean over the features. An inner product is a sum.": lambda phi, s, bias, v, y: (
        phi @ s + bias + (v[y] * phi).mean(1)
    ),
    "You summed over all classes. Each picture meets the vector of its own class, v[y].": lambda phi, s, bias, v, y: (
        phi @ s + bias + (phi @ v.T).sum(1)
    ),
    "You subtracted the inner product. It is added.": lambda phi, s, bias, v, y: phi @ s + bias - (v[y] * phi).sum(1),
    "You returned a column of logits for every class. Pick the one of the picture's own class.": (
        lambda phi, s, bias, v, y: (phi @ s + bias)[:, None] + phi @ v.T
    ),
    "You took the log-softmax over the classes. The critic adds the bare inner product.": lambda phi, s, bias, v, y: (
        phi @ s + bias + (phi @ v.T).log_softmax(1)[torch.arange(len(y)), y]
    ),
    "You turned the logits into probabilities. Return the logits.": lambda phi, s, bias, v, y: logits(
        phi, s, bias, v, y
    ).sigmoid(),
    "You let every picture meet the classes of all pictures. Multiply number by number and sum over features.": (
        lambda phi, s, bias, v, y: phi @ s + bias + (phi @ v[y].T).sum(1)
    ),
    "You made a table of each picture with the class of each picture. Keep its own: (v[y] * phi).sum(1).": (
        lambda phi, s, bias, v, y: phi @ s + bias + phi @ v[y].T
    ),
    "You made a table of each class with each picture. Keep the picture's own class: (v[y] * phi).sum(1).": (
        lambda phi, s, bias, v, y: phi @ s + bias + v[y] @ phi.T
    ),
    "You left the features apart. An inner product is a sum over the features.": lambda phi, s, bias, v, y: (
        phi * s + bias + v[y] * phi
    ),
    "You summed over the pictures, too. Sum over the features alone, dimension 1.": lambda phi, s, bias, v, y: (
        phi @ s + bias + (v[y] * phi).sum()
    ),
    "You added the bias to each feature before the sum. Add it once.": lambda phi, s, bias, v, y: (
        phi * s + bias + v[y] * phi
    ).sum(1),
    "You multiplied the two answers. The critic adds them.": lambda phi, s, bias, v, y: (
        (phi @ s + bias) * (v[y] * phi).sum(1)
    ),
    "You took the best class for each picture. Take the one that is said to be shown, y.": lambda phi, s, bias, v, y: (
        phi @ s + bias + (phi @ v.T).max(1).values
    ),
}


def gain(p_xy: Tensor, m: Tensor) -> Tensor:
    """Return E log m(x | y) - E log m(x), nats, over real pairs p(x, y), (K, M), for a model m(x | y), (K, M)."""
    m_x = p_xy.sum(1) @ m
    return (p_xy * (m.log() - m_x.log())).sum()


def _gain(function: Callable) -> dict[str, Any]:
    numbers = {}
    for K, M in ((2, 4), (3, 3), (4, 5)):
        rng = seeded_generator("10c.2", M)
        p, m = torch.rand(2, K, M, generator=rng, dtype=torch.float64).add(0.05) ** 2
        p[0, 1] = 0.0
        p *= torch.linspace(0.5, 2, K)[:, None]
        numbers[f"gain, {K} classes, {M} values"] = function(p / p.sum(), m / m.sum(1, keepdim=True))
    if any(torch.as_tensor(value).isnan().any() for value in numbers.values() if value is not ...):
        raise Unfit("the answer is nan. Hint: You took a log of p_xy, which has a 0. Only the model's logs are needed.")
    return numbers


def _information(joint: Tensor) -> Tensor:
    independent = joint.sum(1, keepdim=True) * joint.sum(0)
    return (torch.special.xlogy(joint, joint) - torch.special.xlogy(joint, independent)).sum()


def _of_model(p: Tensor, m: Tensor) -> Tensor:
    return p.sum(1, keepdim=True) * m


GAIN_SLIPS = {
    "You returned I(x; y) of the real pairs. That is the gain of a perfect model.": lambda p, m: _information(p),
    "You averaged over the model's pairs. Average over the real ones, p_xy.": lambda p, m: _information(
        _of_model(p, m)
    ),
    "You took m(x) as a plain mean over the classes. Weigh them by p(y).": lambda p, m: (
        p * (m.log() - m.mean(0).log())
    ).sum(),
    "You took m(x) as a plain sum over the classes. Weigh them by p(y).": lambda p, m: (
        p * (m.log() - m.sum(0).log())
    ).sum(),
    "You took the mean of the logs for log m(x). Mix the probabilities first, then take the log.": lambda p, m: (
        (p * m.log()).sum() - (p.sum(0) * (p.sum(1) @ m.log())).sum()
    ),
    "You subtracted the other way round. The gain is with the class, less without.": lambda p, m: -gain(p, m),
    "You answered in bits. In nats logarithms are natural.": lambda p, m: gain(p, m) / math.log(2),
    "You mixed m(x | y) with p(x, y), the entries. Mix with p(y), one number for each class.": lambda p, m: (
        p * (m.log() - (p * m).sum(0).log())
    ).sum(),
    "You mixed m(x | y) with p(x), the sums over the classes. p(y) is the sum of each row: p_xy.sum(1).": lambda p, m: (
        p * (m.log() - (p.sum(0) * m).sum(0).log())
    ).sum(),
    "You weighed the row of every class with p(x). Weigh each entry with its own p(x, y).": lambda p, m: (
        p.sum(0) * (m.log() - (p.sum(1) @ m).log())
    ).sum(),
    "You averaged log m(x) over the model's pictures. Average over the real ones, p_xy summed over y.": lambda p, m: (
        (p * m.log()).sum() - torch.special.xlogy(p.sum(1) @ m, p.sum(1) @ m).sum()
    ),
    "You summed log m(x) without weights. Weigh it with p_xy, like log m(x | y).": lambda p, m: (
        (p * m.log()).sum() - (p.sum(1) @ m).log().sum()
    ),
    "You averaged log m(x) plainly. Weigh it with p_xy, like log m(x | y).": lambda p, m: (
        (p * m.log()).sum() - (p.sum(1) @ m).log().mean()
    ),
    "You averaged the table's entries plainly. Weigh each by p_xy.": lambda p, m: (
        m.log() - (p.sum(1) @ m).log()
    ).mean(),
    "You weighed by p_xy, and then took a mean over the table. The weights add up to 1 already: take the sum.": (
        lambda p, m: gain(p, m) / p.numel()
    ),
    "You returned E log m(x | y). Subtract E log m(x).": lambda p, m: (p * m.log()).sum(),
    "You put the true p(x) into the place of m(x). Both logs are the model's.": lambda p, m: (
        p * (m.log() - p.sum(0).log())
    ).sum(),
    "You weighed with p(x | y). Then every class counts alike, K times too much in all. Weigh with p(x, y).": (
        lambda p, m: (p / p.sum(1, keepdim=True) * (m.log() - (p.sum(1) @ m).log())).sum()
    ),
}


EXERCISES = {
    "10c.1": Exercise(_logits, logits, slips(LOGITS_SLIPS)),
    "10c.2": Exercise(_gain, gain, slips(GAIN_SLIPS)),
}
