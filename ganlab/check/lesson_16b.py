"""The exercises of lesson 16b: the epsilon of two mechanisms, and a private average."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise
from ganlab.check.lesson_10 import slips
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def epsilons(truth: float, change: float, scale: float) -> tuple[float, float, float]:
    """Return epsilon of randomised response, of Laplace noise, and of both together."""
    response = math.log((1 + truth) / (1 - truth))
    return response, change / scale, response + change / scale


def _epsilons(function: Callable) -> dict[str, Any]:
    numbers = {}
    for truth, change, scale in ((0.5, 1.0, 2.0), (0.9, 3.0, 4.0)):
        result = function(truth, change, scale)
        three = parts(result, "epsilon of the response", "epsilon of the noise", "epsilon of both")
        for name, value in zip(("response", "noise", "both"), three, strict=True):
            numbers[f"epsilon of {name}, truth {truth:g}"] = value
    return numbers


def _with(response: Callable[[float], float], noise: Callable[[float, float], float]) -> Callable:
    def answer(truth: float, change: float, scale: float) -> tuple[float, float, float]:
        first, second = response(truth), noise(change, scale)
        return first, second, first + second

    return answer


def _response(truth: float) -> float:
    return math.log((1 + truth) / (1 - truth))


def _noise(change: float, scale: float) -> float:
    return change / scale


EPSILON_SLIPS = {
    "You compared truth with 1 - truth, as if each said one answer only. The coin says both.": (
        _with(lambda p: math.log(p / (1 - p)) if p != 0.5 else 0.0, _noise)
    ),
    "You divided the probability of yes by 1, not by that of yes when the truth is no.": _with(
        lambda p: math.log(1 + (1 + p) / 2), _noise
    ),
    "You returned the quotient of the probabilities. Epsilon is its logarithm.": _with(
        lambda p: (1 + p) / (1 - p), _noise
    ),
    "You left out the coin when the truth is yes: it can say yes as well.": _with(
        lambda p: math.log(2 * p / (1 - p)), _noise
    ),
    "You left out the half: the coin says yes in half of the cases.": _with(lambda p: math.log(1 / (1 - p)), _noise),
    "You took change times scale. More noise is a smaller epsilon: divide.": _with(_response, lambda c, b: c * b),
    "You took scale / change, the wrong way round.": _with(_response, lambda c, b: b / c),
    "You doubled the noise's epsilon: |u - c| - |u| is at most |c|.": _with(_response, lambda c, b: 2 * c / b),
    "You returned the quotient of the densities. Epsilon is its logarithm.": _with(
        _response, lambda c, b: math.exp(c / b)
    ),
    "You took the logarithm of change / scale. The quotient of the densities goes up to e^(change / scale), and the "
    "logarithm of that is change / scale itself.": _with(_response, lambda c, b: math.log(c / b)),
    "You multiplied the two epsilons. Quotients multiply, so their logarithms add up.": lambda p, c, b: (
        _response(p),
        _noise(c, b),
        _response(p) * _noise(c, b),
    ),
    "You took the larger of the two. Both answers are published: add up.": lambda p, c, b: (
        _response(p),
        _noise(c, b),
        max(_response(p), _noise(c, b)),
    ),
    "You added the squares, as for Gaussian noise. Here the epsilons themselves add up.": lambda p, c, b: (
        _response(p),
        _noise(c, b),
        math.hypot(_response(p), _noise(c, b)),
    ),
    "You took logarithms to base 2. The promise has e to the epsilon.": _with(
        lambda p: math.log2((1 + p) / (1 - p)), _noise
    ),
    "You returned quotients, all three. Epsilon is the logarithm of a quotient.": lambda p, c, b: (
        math.exp(_response(p)),
        math.exp(_noise(c, b)),
        math.exp(_response(p) + _noise(c, b)),
    ),
    "You halved the noise's epsilon. The density has |u| / b in the exponent, and |u - c| - |u| goes up to c.": (
        _with(_response, lambda c, b: c / (2 * b))
    ),
    "You left out the half on one side: yes comes with (1 + truth) / 2, and with (1 - truth) / 2.": _with(
        lambda p: math.log((1 + p) / 2 / (1 - p)), _noise
    ),
    "You have the sign wrong: take the larger probability over the smaller.": _with(lambda p: -_response(p), _noise),
}


def private_mean(gradients: Tensor, clip: float, sigma: float, noise: Tensor) -> Tensor:
    """Return the mean (D,) of rows (n, D) that are clipped to length `clip`, with Gaussian noise on the sum."""
    factors = (clip / gradients.norm(dim=1, keepdim=True)).clamp(max=1)
    return ((factors * gradients).sum(0) + sigma * clip * noise) / len(gradients)


def _rows() -> tuple[Tensor, Tensor]:
    rng = seeded_generator("16b.2")
    rows = torch.randn(6, 4, generator=rng, dtype=torch.float64) * torch.tensor([[0.2], [3], [1], [0.1], [5], [2]])
    return rows, torch.randn(4, generator=rng, dtype=torch.float64)


def _private_mean(function: Callable) -> dict[str, Any]:
    rows, noise = _rows()
    cases = ((1.5, 0.0), (1.5, 2.0), (0.5, 1.0))
    return {f"mean, clip {c:g}, sigma {s:g}": function(rows.clone(), c, s, noise.clone()) for c, s in cases}


def _shortened(rows: Tensor, clip: float) -> Tensor:
    return (clip / rows.norm(dim=1, keepdim=True)).clamp(max=1) * rows


def _clip_mean(rows: Tensor, clip: float) -> Tensor:
    mean = rows.mean(0)
    return mean * min(1.0, clip / mean.norm().item())


MEAN_SLIPS = {
    "You did not clip. One long row could then change the sum by any amount.": lambda g, c, s, z: (
        (g.sum(0) + s * c * z) / len(g)
    ),
    "You clipped each entry. Shorten the row as a whole, in its direction.": lambda g, c, s, z: (
        (g.clamp(-c, c).sum(0) + s * c * z) / len(g)
    ),
    "You clipped the mean. Clip every row before adding up.": lambda g, c, s, z: _clip_mean(g, c) + s * c * z / len(g),
    "You stretched short rows to the length clip. They stay as they are: the factor is at most 1.": lambda g, c, s, z: (
        ((c * g / g.norm(dim=1, keepdim=True)).sum(0) + s * c * z) / len(g)
    ),
    "You left out clip in the noise. It has to cover what one row can change, which is clip.": lambda g, c, s, z: (
        (_shortened(g, c).sum(0) + s * z) / len(g)
    ),
    "You added the noise to the mean, or to every row. Add it once, to the sum of the rows, and divide both by n.": (
        lambda g, c, s, z: _shortened(g, c).mean(0) + s * c * z
    ),
    "You measured the whole table. Each row has a length of its own: gradients.norm(dim=1, keepdim=True).": (
        lambda g, c, s, z: (((c / g.norm()).clamp(max=1) * g).sum(0) + s * c * z) / len(g)
    ),
    "You did not divide by n.": lambda g, c, s, z: _shortened(g, c).sum(0) + s * c * z,
    "You left out the noise.": lambda g, c, s, z: _shortened(g, c).mean(0),
    "You divided by D, the length of a row. Divide by n, the number of rows.": lambda g, c, s, z: (
        (_shortened(g, c).sum(0) + s * c * z) / g.shape[1]
    ),
    "You compared the squared length with clip. Take its root.": lambda g, c, s, z: (
        (((c / g.square().sum(1, keepdim=True)).clamp(max=1) * g).sum(0) + s * c * z) / len(g)
    ),
    "You clipped the sum. Clip every row before adding up.": lambda g, c, s, z: (
        (_clip_mean(g.sum(0, keepdim=True), c) + s * c * z) / len(g)
    ),
    "You measured the columns. Each picture is a row: take the length along dimension 1.": lambda g, c, s, z: (
        (((c / g.norm(dim=0, keepdim=True)).clamp(max=1) * g).sum(0) + s * c * z) / len(g)
    ),
    "Your factor is at least 1, so that short rows grow. It is at most 1: clamp(max=1).": lambda g, c, s, z: (
        (((c / g.norm(dim=1, keepdim=True)).clamp(min=1) * g).sum(0) + s * c * z) / len(g)
    ),
    "You threw long rows away. Shorten them.": lambda g, c, s, z: (
        (((g.norm(dim=1, keepdim=True) <= c) * g).sum(0) + s * c * z) / len(g)
    ),
}


EXERCISES = {
    "16b.1": Exercise(_epsilons, epsilons, slips(EPSILON_SLIPS)),
    "16b.2": Exercise(_private_mean, private_mean, slips(MEAN_SLIPS)),
}
