"""The exercises of lesson 09: length on a straight line, path length, a direction kept apart, how fast a line turns."""

import functools
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


def path_length(features: Tensor) -> Tensor:
    """Return the mean squared speed of paths, a number: features (K, N, F) at K even times from 0 to 1."""
    steps = features[1:] - features[:-1]  # (K - 1, N, F)
    return (steps.norm(dim=2) * len(steps)).square().mean()


def _path_length(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09.2")
    found = {}
    for times, paths in ((5, 3), (9, 2)):
        features = torch.randn(times, paths, 4, generator=rng, dtype=torch.float64)
        found[f"{paths} paths at {times} times"] = function(features)
    return found


def _path_slips(changes: dict[str, Callable[[Tensor, int], Tensor]]) -> tuple[Slip, ...]:
    """Return a slip for each hint, whose answer is `change(step lengths (K - 1, N), K)`."""

    def slip(change: Callable[[Tensor, int], Tensor], features: Tensor) -> Tensor:
        return change((features[1:] - features[:-1]).norm(dim=2), len(features))

    return tuple(Slip(functools.partial(slip, change), hint) for hint, change in changes.items())


def apart(wanted: Tensor, others: Tensor) -> Tensor:
    """Return the direction of length 1 nearest to `wanted` (D,) that is at right angles to all `others` (k, D)."""
    basis, _ = torch.linalg.qr(others.T)  # (D, k)
    return F.normalize(wanted - basis @ (basis.T @ wanted), dim=0)


def _apart(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09.3")
    wanted, first, second = 2 * torch.randn(3, 6, generator=rng, dtype=torch.float64)
    second = second + 0.8 * first  # not at right angles to each other
    found = {}
    for name, others in {"one other": first[None], "two others": torch.stack([first, second])}.items():
        way = function(wanted.clone(), others.clone())
        found[f"direction, {name}"] = way
    return found


def _in_turn(wanted: Tensor, others: Tensor) -> Tensor:
    for other in others:
        wanted = wanted - (wanted @ other) / (other @ other) * other
    return F.normalize(wanted, dim=0)


def _at_once(wanted: Tensor, others: Tensor) -> Tensor:
    shares = (others @ wanted) / others.square().sum(1)
    return F.normalize(wanted - shares @ others, dim=0)


def _part_of_others(wanted: Tensor, others: Tensor) -> Tensor:
    basis, _ = torch.linalg.qr(others.T)
    return basis @ (basis.T @ wanted)


def line_turns(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return how fast the direction of (1 - t) a + t b turns, in radians per unit of t: a, b (D,), t (n,)."""
    return _area(a, b) / _points(a, b, t).square().sum(1)


def _points(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return torch.lerp(a, b, t[:, None])  # (n, D)


def _area(a: Tensor, b: Tensor) -> Tensor:
    """Return the area of the parallelogram of a and b, which is that of a point on their line and b - a, too."""
    return (a.square().sum() * b.square().sum() - (a @ b) ** 2).sqrt()


def _line_turns(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09.4")
    t = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)
    a, b = torch.randn(2, 5, generator=rng, dtype=torch.float64)
    b = 0.6 * b + 0.8 * a  # neither at right angles nor of equal length
    right = torch.linalg.qr(torch.stack([a, b]).T).Q.T * 3
    ends = {"any ends": (a, b), "ends at right angles, of equal length": (right[0], right[1])}
    return {f"angular speed, {name}": function(a.clone(), b.clone(), t.clone()) for name, (a, b) in ends.items()}


LINE_SLIPS = {
    "that is the arc's length: the straight line is shorter in the middle.": lambda d, t: math.sqrt(d) + 0 * t,
    "that is the squared length: take the root.": lambda d, t: d * ((1 - t) ** 2 + t**2),
    "the weights' squares belong under the root as well.": lambda d, t: math.sqrt(d) * ((1 - t) ** 2 + t**2),
    "a and b are taken for opposite: they are at right angles, nearly, so squares of the lengths add.": (
        lambda d, t: math.sqrt(d) * (1 - 2 * t).abs()
    ),
    "that is the length of the midpoint alone.": lambda d, t: math.sqrt(d / 2) + 0 * t,
    "D does not enter: each of D numbers has this variance, and squares add.": lambda d, t: (
        (1 - t) ** 2 + t**2
    ).sqrt(),
    "D stands outside of the root: lengths grow with the root of D.": lambda d, t: d * ((1 - t) ** 2 + t**2).sqrt(),
    "that is the mean length: squares are averaged first, then comes the root.": lambda d, t: (
        math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2)) * ((1 - t) ** 2 + t**2).sqrt()
    ),
    "one of the two ends is missing: squares of both parts add.": lambda d, t: math.sqrt(d) * (1 - t),
}

PATH_SLIPS = {
    "K points have K - 1 steps between them: a step takes 1 / (K - 1).": lambda s, k: (s * k).square().mean(),
    "that is the mean speed: square before the mean.": lambda s, k: (s * (k - 1)).mean(),
    "the time of a step is missing: speed is way per time.": lambda s, k: s.square().mean(),
    "divided by the time once: the whole speed is squared.": lambda s, k: s.square().mean() * (k - 1),
    "a sum over the steps: the integral over t from 0 to 1 is their mean.": lambda s, k: (
        (s * (k - 1)).square().sum(0).mean()
    ),
    "a sum over the paths: take their mean.": lambda s, k: (s * (k - 1)).square().mean(0).sum(),
    "a mean over the features: a distance sums squares over them.": lambda s, k: (s * (k - 1)).square().mean() / 4,
    "multiplied by the time of a step: divide by it.": lambda s, k: (s / (k - 1)).square().mean(),
    "that is the square of the mean speed: the mean of the squares is larger.": lambda s, k: (
        (s * (k - 1)).mean().square()
    ),
    "a root too many: (9.4) is a mean of squares.": lambda s, k: (s * (k - 1)).square().mean().sqrt(),
}

APART_SLIPS = {
    "others that lean on each other are counted twice. Find their span first: torch.linalg.qr, or lstsq.": _at_once,
    "taking away the second brings back some of the first: find their span (torch.linalg.qr, or lstsq).": _in_turn,
    "the direction is right, its length is not 1.": lambda w, o: w - _part_of_others(w, o),
    "that is the part that lies in the others: take it away.": lambda w, o: F.normalize(_part_of_others(w, o), dim=0),
    "the others do not enter.": lambda w, o: F.normalize(w, dim=0),
    "that is the opposite direction.": lambda w, o: -apart(w, o),
    "a projection divides by the other's squared length: those given are not of length 1.": lambda w, o: F.normalize(
        w - (o @ w) @ o, dim=0
    ),
    "divided by the other's length once: a projection divides by its square.": lambda w, o: F.normalize(
        w - ((o @ w) / o.norm(dim=1)) @ o, dim=0
    ),
    "added instead of taken away.": lambda w, o: F.normalize(w + _part_of_others(w, o), dim=0),
}

TURN_SLIPS = {
    "that is the velocity at right angles: divide by the distance |p| once more.": lambda a, b, t: (
        _area(a, b) / _points(a, b, t).norm(dim=1)
    ),
    "the whole velocity: only the part at right angles to p turns it.": lambda a, b, t: (
        (b - a).norm() / _points(a, b, t).norm(dim=1)
    ),
    "the part of the velocity along p changes the length: take the other part.": lambda a, b, t: (
        (_points(a, b, t) @ (b - a)).abs() / _points(a, b, t).square().sum(1)
    ),
    "that holds for ends at right angles, of equal length.": lambda a, b, t: 1 / ((1 - t) ** 2 + t**2),
    "that takes the ends for being at right angles.": lambda a, b, t: (
        a.norm() * b.norm() / _points(a, b, t).square().sum(1)
    ),
    "the length of p also depends on the angle between a and b.": lambda a, b, t: (
        _area(a, b) / ((1 - t) ** 2 * (a @ a) + t**2 * (b @ b))
    ),
    "that is the even speed of the arc.": lambda a, b, t: torch.atan2(_area(a, b), a @ b) + 0 * t,
    "that is the square of the speed: take the root.": lambda a, b, t: line_turns(a, b, t) ** 2,
    "in degrees: radians are asked for.": lambda a, b, t: torch.rad2deg(line_turns(a, b, t)),
}

EXERCISES = {
    "09.1": Exercise(_line_length, line_length, tuple(Slip(change, hint) for hint, change in LINE_SLIPS.items())),
    "09.2": Exercise(_path_length, path_length, _path_slips(PATH_SLIPS)),
    "09.3": Exercise(_apart, apart, tuple(Slip(change, hint) for hint, change in APART_SLIPS.items())),
    "09.4": Exercise(_line_turns, line_turns, tuple(Slip(change, hint) for hint, change in TURN_SLIPS.items())),
}
