"""The exercises of lesson 09c: the path length from features, and how fast the straight line turns."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def path_length(features: Tensor) -> Tensor:
    """Return the mean squared speed of paths, a number: features (T, N, F) at T even times from 0 to 1."""
    steps = features[1:] - features[:-1]  # (T - 1, N, F)
    return (steps.norm(dim=2) * len(steps)).square().mean()


def _path_length(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09c.1")
    numbers = {}
    for times, paths in ((5, 3), (9, 2)):
        features = torch.randn(times, paths, 4, generator=rng, dtype=torch.float64)
        numbers[f"{paths} paths at {times} times"] = function(features)
    return numbers


def _slip(change: Callable[[Tensor, int], Tensor], features: Tensor) -> Tensor:
    """Return `change` of the step lengths (T - 1, N) and T."""
    return change((features[1:] - features[:-1]).norm(dim=2), len(features))


def line_turns(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return how fast the direction of (1 - t) a + t b turns, in radians per unit of t: a, b (D,), t (n,)."""
    return _area(a, b) / _points(a, b, t).square().sum(1)


def _points(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return torch.lerp(a, b, t[:, None])  # (n, D)


def _area(a: Tensor, b: Tensor) -> Tensor:
    """Return the area of the parallelogram of a and b, which is that of a point on their line and b - a, too."""
    return (a.square().sum() * b.square().sum() - (a @ b) ** 2).sqrt()


def _half_scaled(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return the speed from b - a less (p . (b - a)) p / |p|, p being the points: p is scaled once, not twice."""
    p = _points(a, b, t)
    velocity = b - a
    length = p.norm(dim=1)
    return (velocity - (p @ velocity / length)[:, None] * p).norm(dim=1) / length


def _line_turns(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09c.2")
    t = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)
    a, b = torch.randn(2, 5, generator=rng, dtype=torch.float64)
    b = 0.6 * b + 0.8 * a  # neither at right angles nor of equal length
    right = torch.linalg.qr(torch.stack([a, b]).T).Q.T * 3
    ends = {"any ends": (a, b), "ends at right angles, of equal length": (right[0], right[1])}
    return {f"angular speed, {name}": function(a.clone(), b.clone(), t.clone()) for name, (a, b) in ends.items()}


PATH_SLIPS = {
    hint: functools.partial(_slip, change)
    for hint, change in {
        "You took 1 / T for the time of a step: T points have T - 1 steps between them.": lambda s, k: (
            (s * k).square().mean()
        ),
        "You averaged the speeds without squaring them: square before the mean.": lambda s, k: (s * (k - 1)).mean(),
        "You left out the time of a step: speed is distance over time.": lambda s, k: s.square().mean(),
        "You divided by the time of a step once: the whole speed is squared, so its time is, too.": lambda s, k: (
            s.square().mean() * (k - 1)
        ),
        "You summed over the steps: the integral over t from 0 to 1 is their mean.": lambda s, k: (
            (s * (k - 1)).square().sum(0).mean()
        ),
        "You summed over the paths: take their mean.": lambda s, k: (s * (k - 1)).square().mean(0).sum(),
        "You averaged over the features: a squared distance sums over them.": lambda s, k: (
            (s * (k - 1)).square().mean() / 4
        ),
        "You multiplied by the time of a step: divide by it.": lambda s, k: (s / (k - 1)).square().mean(),
        "You squared the mean speed: the mean of the squares is asked for, and it is larger.": lambda s, k: (
            (s * (k - 1)).mean().square()
        ),
        "You took a root at the end: (9c.1) is a mean of squares.": lambda s, k: (s * (k - 1)).square().mean().sqrt(),
    }.items()
}
PATH_SLIPS["You returned a number for each path: take the mean over the paths, too."] = lambda features: (
    (torch.diff(features, dim=0).norm(dim=2) * (len(features) - 1)).square().mean(0)
)
PATH_SLIPS["You summed over steps and paths: both are means."] = lambda features: (
    (torch.diff(features, dim=0).norm(dim=2) * (len(features) - 1)).square().sum()
)
PATH_SLIPS["You squared the length of the whole path: square the speed of each step, then take the mean."] = (
    lambda features: torch.diff(features, dim=0).norm(dim=2).sum(0).square().mean()
)
PATH_SLIPS["You took the differences between paths: steps go along the first axis, the times. Use diff(dim=0)."] = (
    lambda features: (torch.diff(features, dim=1).norm(dim=2) * (features.shape[1] - 1)).square().mean()
)
PATH_SLIPS["You took differences between paths: steps go along the first axis, the times. Use diff(dim=0)."] = (
    lambda features: (torch.diff(features, dim=1).norm(dim=2) * (len(features) - 1)).square().mean()
)
PATH_SLIPS["You took the differences between features, the last axis. Steps go along the times: diff(dim=0)."] = (
    lambda features: (torch.diff(features).norm(dim=2) * (len(features) - 1)).square().mean()
)
PATH_SLIPS["You took only the first and the last time: a path is the sum of all its steps."] = lambda features: (
    (features[-1] - features[0]).square().sum(1).mean()
)
PATH_SLIPS["You added up absolute changes: the length of a change is the root of the sum of squares, norm(dim=2)."] = (
    lambda features: (torch.diff(features, dim=0).abs().sum(2) * (len(features) - 1)).square().mean()
)

TURN_SLIPS = {
    "You walked from b to a: p is (1 - t) a + t b.": lambda a, b, t: _area(a, b) / _points(b, a, t).square().sum(1),
    "You kept the sign of the part along p, and that part does not turn. Take the part at a right angle.": (
        lambda a, b, t: _points(a, b, t) @ (b - a) / _points(a, b, t).square().sum(1)
    ),
    "You took away the part along p as if p had length 1: divide p by its length first.": lambda a, b, t: (
        (b - a - (_points(a, b, t) @ (b - a))[:, None] * _points(a, b, t)).norm(dim=1) / _points(a, b, t).norm(dim=1)
    ),
    "You divided by the length of p once: the part along p is (p . v) p over the *squared* length of p.": _half_scaled,
    "You returned 1 / |p|, without the velocity: multiply by its part at a right angle to p.": lambda a, b, t: (
        1 / _points(a, b, t).norm(dim=1)
    ),
    "You returned 1 / |p| squared, without the velocity: multiply by the area of the parallelogram of p and b - a.": (
        lambda a, b, t: 1 / _points(a, b, t).square().sum(1)
    ),
    "You divided by the distance |p| once too often: the speed is the area of the parallelogram of p and b - a, "
    "over |p| squared.": lambda a, b, t: _area(a, b) / _points(a, b, t).norm(dim=1) ** 3,
    "You returned the area of the parallelogram of p and b - a. Divide it by |p| squared.": lambda a, b, t: (
        _area(a, b) + 0 * t
    ),
    "You divided by |p| to the power of four: you squared its squared length once more. The speed is the area of the "
    "parallelogram of p and b - a, over |p| squared.": lambda a, b, t: (
        _area(a, b) / _points(a, b, t).square().sum(1) ** 2
    ),
    "You returned the length of the part at a right angle to p: divide it by the distance |p|.": lambda a, b, t: (
        _area(a, b) / _points(a, b, t).norm(dim=1)
    ),
    "You took the whole velocity: only its part at a right angle to p turns the direction.": lambda a, b, t: (
        (b - a).norm() / _points(a, b, t).norm(dim=1)
    ),
    "You took the part of the velocity along p, which changes only the length: take the other part.": lambda a, b, t: (
        (_points(a, b, t) @ (b - a)).abs() / _points(a, b, t).square().sum(1)
    ),
    "You used the formula for ends at a right angle and of equal length: here they may be any ends.": lambda a, b, t: (
        1 / ((1 - t) ** 2 + t**2)
    ),
    "You took the ends for being at a right angle: the area between a and b also has a sine.": lambda a, b, t: (
        a.norm() * b.norm() / _points(a, b, t).square().sum(1)
    ),
    "You left a @ b out of the squared length of p: it also depends on the angle between a and b.": lambda a, b, t: (
        _area(a, b) / ((1 - t) ** 2 * (a @ a) + t**2 * (b @ b))
    ),
    "You returned the even speed of the arc: the line turns faster where it is nearer to 0.": lambda a, b, t: (
        torch.atan2(_area(a, b), a @ b) + 0 * t
    ),
    "You returned the square of the speed: take the root.": lambda a, b, t: line_turns(a, b, t) ** 2,
    "You returned degrees: radians are asked for.": lambda a, b, t: torch.rad2deg(line_turns(a, b, t)),
}

EXERCISES = {
    number: Exercise(probe, reference, tuple(Slip(change, hint) for hint, change in slips.items()))
    for number, probe, reference, slips in (
        ("09c.1", _path_length, path_length, PATH_SLIPS),
        ("09c.2", _line_turns, line_turns, TURN_SLIPS),
    )
}
