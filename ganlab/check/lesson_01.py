"""The exercises of lesson 01: D* for unequal classes, the slopes of both losses of G."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts


def each(name: str, numbers: Any, places: list[str]) -> dict[str, Any]:
    """Return the shape of `numbers` under `name`, then one named number a place: the verdict says where it differs."""
    if numbers is ...:
        return {name: ...}
    numbers = torch.as_tensor(numbers)
    shape = {name: torch.zeros(numbers.shape)}  # zeros: only the shape is compared
    right_shape = numbers.shape == (len(places),)
    return shape | {f"{name} {place}": numbers[k] if right_shape else 0.0 for k, place in enumerate(places)}


def optimal_d(p_data: Tensor, p_g: Tensor, pi: float) -> Tensor:
    """Return the best D where a share `pi` of what it sees is real: densities (n,) in, probabilities (n,) out."""
    return pi * p_data / (pi * p_data + (1 - pi) * p_g)


def _optimal_d(function: Callable) -> dict[str, Any]:
    densities = [0.3, 0.05, 0.2, 0.4], [0.1, 0.25, 0.2, 0.02]
    places = [f"where p_data = {p} and p_g = {q}" for p, q in zip(*densities, strict=True)]
    p_data, p_g = (torch.tensor(p, dtype=torch.float64) for p in densities)
    numbers = {}
    for pi in (0.5, 0.2, 0.9):
        numbers |= each(f"D* at pi = {pi}", function(p_data.clone(), p_g.clone(), pi), places)
    return numbers


def logit_slopes(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return d log(1 - D) / d logit and d(-log D) / d logit for D = sigmoid(logits), each (n,)."""
    d = torch.sigmoid(logits)
    return -d, d - 1


def _logit_slopes(function: Callable) -> dict[str, Any]:
    logits = torch.tensor([0.0, -6.0, -1.5, 0.7, 4.0], dtype=torch.float64)
    minimax, non_saturating = parts(function(logits.clone()), "the slope of log(1 - D)", "the slope of -log D")
    places = [f"at logit {logit:g}" for logit in logits.tolist()]
    return each("slope of log(1 - D)", minimax, places) | each("slope of -log D", non_saturating, places)


EXERCISES = {
    "01.1": Exercise(
        _optimal_d,
        optimal_d,
        (
            Slip(
                lambda p, q, pi: p / (p + q),
                "You left pi out: this is D* when half of what D sees is real.",
            ),
            Slip(
                lambda p, q, pi: (1 - pi) * p / ((1 - pi) * p + pi * q),
                "You swapped the two weights: pi is real's.",
            ),
            Slip(
                lambda p, q, pi: (1 - pi) * q / (pi * p + (1 - pi) * q), "You gave 1 - D*, the probability of a fake."
            ),
            Slip(
                lambda p, q, pi: pi * p / (p + q),
                "You weighted p_data above the line, and nothing below it. Below it both have their shares: "
                "pi p_data + (1 - pi) p_g.",
            ),
            Slip(
                lambda p, q, pi: pi * p / (p + (1 - pi) * q),
                "You weighted p_g below the line, but p_data only above it: below it, it has its share pi as well.",
            ),
            Slip(
                lambda p, q, pi: pi * p / (pi * p + q),
                "You weighted p_data, and p_g not at all: it comes with the share 1 - pi.",
            ),
            Slip(
                lambda p, q, pi: p / (pi * p + (1 - pi) * q),
                "You left pi out above the line: the numerator needs its share too, or D exceeds 1.",
            ),
            Slip(
                lambda p, q, pi: pi * p + (1 - pi) * q,
                "You gave the density of all that D sees, and it belongs below the line. Above it stands real's part.",
            ),
            Slip(lambda p, q, pi: pi * p / ((1 - pi) * q), "You gave the odds, real to fake: D* = odds / (1 + odds)."),
            Slip(lambda p, q, pi: torch.log(pi * p / ((1 - pi) * q)), "You gave the logit of D*: take its sigmoid."),
            Slip(
                lambda p, q, pi: p / (p + q) * pi / (1 - pi),
                "You multiplied the old D* by pi / (1 - pi). The odds change like that; D* itself does not.",
            ),
            Slip(
                lambda p, q, pi: pi * p / pi * p + (1 - pi) * q,
                "Put the whole sum below the line in brackets. Python divides before it adds.",
            ),
            Slip(
                lambda p, q, pi: 1 + (1 - pi) * q,
                "Put the whole sum below the line in brackets. Python divides before it adds.",
            ),
            Slip(
                lambda p, q, pi: pi * p / (pi * p + 1 - pi * q),
                "You left out brackets: p_g has the weight (1 - pi), with its brackets: 1 - pi * q subtracts pi "
                "* q from 1.",
            ),
            Slip(
                lambda p, q, pi: pi * p.exp() / (pi * p.exp() + (1 - pi) * q.exp()),
                "You took .exp() of the arguments, but they are densities already, not their logs.",
            ),
        ),
    ),
    "01.2": Exercise(
        _logit_slopes,
        logit_slopes,
        (
            Slip(
                lambda a: (a.sigmoid(), 1 - a.sigmoid()), "You turned both signs: raising the logit lowers both losses."
            ),
            Slip(
                lambda a: (a.sigmoid(), a.sigmoid() - 1),
                "Your first is the slope of -log(1 - D); the loss has no minus.",
            ),
            Slip(lambda a: (-a.sigmoid(), 1 - a.sigmoid()), "Your second is the slope of +log D; the loss is -log D."),
            Slip(
                lambda a: (a.sigmoid() - 1, -a.sigmoid()),
                "You swapped the two: log(1 - D) is the flat one at D near 0.",
            ),
            Slip(
                lambda a: (-1 / (1 - a.sigmoid()), -1 / a.sigmoid()),
                "You gave slopes by D. By the chain rule times dD/dlogit = D (1 - D).",
            ),
            Slip(
                lambda a: (a.sigmoid() * (1 - a.sigmoid()),) * 2,
                "You gave dD/dlogit alone: the outer derivative, of the log, is missing.",
            ),
            Slip(
                lambda a: (-a.sigmoid() * (1 - a.sigmoid()),) * 2,
                "You gave dD/dlogit with its sign turned: the outer derivative, of the log, is missing.",
            ),
            Slip(
                lambda a: (torch.log(1 - a.sigmoid()), -torch.log(a.sigmoid())),
                "You gave the losses themselves, not their slopes.",
            ),
            Slip(
                lambda a: (-a.sigmoid(), -1 / a.sigmoid()),
                "Your first is right. The second is the slope of -log D by D: multiply it by dD/dlogit = D (1 - D).",
            ),
            Slip(
                lambda a: (-a.sigmoid(), -(1 - a.sigmoid()) * a.sigmoid()),
                "Your first is right. In the second one factor D is too many: (-1 / D) times D (1 - D) is -(1 - D).",
            ),
            Slip(
                lambda a: (1 - a.sigmoid(), -a.sigmoid()),
                "You gave the slopes of log D and of log(1 - D), in this order. The losses are log(1 - D) and -log D.",
            ),
            Slip(
                lambda a: (-a.sigmoid() * (1 - a.sigmoid()), a.sigmoid() - 1),
                "Your second is right. In the first one factor 1 - D is too many: -1 / (1 - D) times D (1 - D) is -D.",
            ),
            Slip(
                lambda a: (1 / (1 - a.sigmoid()), -1 / a.sigmoid()),
                "You gave slopes by D, and in the first the minus of 1 - D is lost. Then times dD/dlogit = D (1 - D).",
            ),
            Slip(lambda a: (-a, a - 1), "You used the logit where D belongs: D = sigmoid(logit)."),
            Slip(
                lambda a: (-a.sigmoid(), -a.sigmoid()),
                "You gave the same slope twice: the slope of -log D is another one: at D near 0 it is near -1.",
            ),
        ),
    ),
}
