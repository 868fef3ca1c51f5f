"""The exercises of lesson 09: length on a straight line, points of an arc."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def line_length(dim: int, t: Tensor) -> Tensor:
    """Return the root mean squared length of (1 - t) a + t b for a, b ~ N(0, I) of `dim` numbers; t (n,)."""
    return (dim * ((1 - t) ** 2 + t**2)).sqrt()


def _line_length(function: Callable) -> dict[str, Any]:
    t = torch.tensor([0.0, 0.1, 0.35, 0.5, 0.8, 1.0], dtype=torch.float64)
    return {f"length for D = {dim}": function(dim, t.clone()) for dim in (3, 128)}


def arc_points(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return the points of the arc from a to b, (D,) of equal length, at t (n,): (n, D)."""
    return _weighted(a, b, t, _angle(a, b))


def _angle(a: Tensor, b: Tensor) -> Tensor:
    return torch.acos(a @ b / (a.norm() * b.norm()))


def _weighted(a: Tensor, b: Tensor, t: Tensor, theta: Tensor) -> Tensor:
    of_a, of_b = torch.sin((1 - t) * theta), torch.sin(t * theta)
    return (of_a[:, None] * a + of_b[:, None] * b) / torch.sin(theta)


def _turned(a: Tensor, b: Tensor, t: Tensor, factor: float | Tensor) -> Tensor:
    """Return steps 1 and 2 of the derivation of (9.3), u being the part of b at a right angle to a over `factor`."""
    angle = t * _angle(a, b)
    u = (b - torch.cos(_angle(a, b)) * a) / factor
    return torch.cos(angle)[:, None] * a + torch.sin(angle)[:, None] * u


def _straight(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return torch.lerp(a, b, t[:, None])


def _arc_points(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09.2")
    t = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)
    numbers = {}
    for degrees, length in ((50, 1.2), (115, 0.8)):  # a @ b stays below 1: acos of it is a number for whoever forgets
        u, v = torch.linalg.qr(torch.randn(4, 2, generator=rng, dtype=torch.float64)).Q.T
        angle = math.radians(degrees)
        a, b = length * u, length * (math.cos(angle) * u + math.sin(angle) * v)
        numbers[f"points, {degrees} degrees apart, of length {length}"] = function(a, b, t.clone())
    return numbers


LINE_SLIPS = {
    "You got the root of D at every t, as on the arc. If you added the weights, or the lengths: it is the *squares* of "
    "the weights that add, since variances add.": lambda d, t: math.sqrt(d) + 0 * t,
    "You returned the squared length: take the root.": lambda d, t: d * ((1 - t) ** 2 + t**2),
    "You took the root of D alone: the root is of the whole product, weights included.": lambda d, t: (
        math.sqrt(d) * ((1 - t) ** 2 + t**2)
    ),
    "You subtracted the weights, as if b were -a: two draws are nearly at a right angle, so squares add.": (
        lambda d, t: math.sqrt(d) * (1 - 2 * t).abs()
    ),
    "You returned the length halfway at every t: let t enter.": lambda d, t: math.sqrt(d / 2) + 0 * t,
    "You left out D: each of the D numbers has this variance, and their squares add.": lambda d, t: (
        (1 - t) ** 2 + t**2
    ).sqrt(),
    "You left D outside of the root: lengths grow like the root of D.": lambda d, t: d * ((1 - t) ** 2 + t**2).sqrt(),
    "You returned the mean length. Asked is the root of the mean *squared* length: (9.2) is that mean.": lambda d, t: (
        math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2)) * ((1 - t) ** 2 + t**2).sqrt()
    ),
    "You multiplied only a's square by D: put both squares into one bracket, and D before it.": lambda d, t: (
        d * (1 - t) ** 2 + t**2
    ).sqrt(),
    "You took only a's part: the square of b's part belongs to the sum as well.": lambda d, t: math.sqrt(d) * (1 - t),
}

ARC_SLIPS = {
    "You returned the straight line: on the arc the weights are the sines of (9.3).": _straight,
    "Your path runs from b to a: a gets the sine of (1 - t) theta, b that of t theta.": lambda a, b, t: arc_points(
        a, b, 1 - t
    ),
    "You did not divide by the sine of theta: at t = 0 the weight of a must be 1.": lambda a, b, t: (
        arc_points(a, b, t) * torch.sin(_angle(a, b))
    ),
    "You took a @ b for the cosine: divide it by both lengths. (If you did divide: put their product into brackets, or "
    "Python divides by the first and multiplies by the second.)": lambda a, b, t: _weighted(a, b, t, torch.acos(a @ b)),
    "You divided a @ b by one length only: a cosine divides by both.": lambda a, b, t: _weighted(
        a, b, t, torch.acos(a @ b / a.norm())
    ),
    "You turned the angle into degrees: torch.sin takes radians, and torch.acos gives them.": lambda a, b, t: _weighted(
        a, b, t, torch.rad2deg(_angle(a, b))
    ),
    "You scaled the points to length 1: a and b have another length, and (9.3) keeps it.": lambda a, b, t: F.normalize(
        arc_points(a, b, t), dim=1
    ),
    "You stretched the straight line to the right length. It ends on the same circle, but it does not turn evenly: "
    "use the weights of (9.3).": lambda a, b, t: F.normalize(_straight(a, b, t), dim=1) * a.norm(),
    "You used the cosine for a's weight: that is right for a right angle only.": lambda a, b, t: (
        torch.cos(t * _angle(a, b))[:, None] * a + torch.sin(t * _angle(a, b))[:, None] * b
    ),
    "You used the cosine for both weights: (9.3) has sines, over the sine of theta.": lambda a, b, t: (
        torch.cos((1 - t) * _angle(a, b))[:, None] * a + torch.cos(t * _angle(a, b))[:, None] * b
    ),
    "You took 90 degrees for the angle: compute it from a and b.": lambda a, b, t: _weighted(
        a, b, t, torch.tensor(math.pi / 2, dtype=a.dtype)
    ),
    "You took the cosine for the angle: torch.acos turns it into the angle.": lambda a, b, t: _weighted(
        a, b, t, torch.cos(_angle(a, b))
    ),
    "You took the sine of 1 - t theta for a's weight: it is that of (1 - t) theta, with the bracket.": lambda a, b, t: (
        (torch.sin(1 - t * _angle(a, b))[:, None] * a + torch.sin(t * _angle(a, b))[:, None] * b)
        / torch.sin(_angle(a, b))
    ),
    "You turned from a towards a u that is too short: give it the length of a, by dividing by the sine of theta.": (
        lambda a, b, t: _turned(a, b, t, 1.0)
    ),
    "Your rows are numbers and your columns are points: return one row for each t, (n, D).": lambda a, b, t: (
        arc_points(a, b, t).T
    ),
    "You turned from a towards a u of length 1: give it the length of a.": lambda a, b, t: _turned(
        a, b, t, torch.sin(_angle(a, b)) * a.norm()
    ),
}

EXERCISES = {
    number: Exercise(probe, reference, tuple(Slip(change, hint) for hint, change in slips.items()))
    for number, probe, reference, slips in (
        ("09.1", _line_length, line_length, LINE_SLIPS),
        ("09.2", _arc_points, arc_points, ARC_SLIPS),
    )
}
