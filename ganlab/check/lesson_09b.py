"""The exercises of lesson 09b: a direction from samples, and a direction kept apart from others."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def direction_of(z: Tensor, f: Tensor) -> Tensor:
    """Return the direction (D,) of the mean of z (f - its mean), for latents z (n, D) and measurements f (n,)."""
    return F.normalize(_product(z, f - f.mean()), dim=0)


def _product(z: Tensor, f: Tensor) -> Tensor:
    return (z * f[:, None]).mean(0)


def _direction_of(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09b.1")
    numbers = {}
    for n, dim in ((12, 3), (20, 5)):
        z = torch.randn(n, dim, generator=rng, dtype=torch.float64) + 0.3
        f = 2 + z[:, 0] - 0.5 * z[:, 1] + 0.3 * torch.randn(n, generator=rng, dtype=torch.float64)
        numbers[f"direction from {n} samples"] = function(z.clone(), f.clone())
    return numbers


def apart(wanted: Tensor, others: Tensor) -> Tensor:
    """Return the direction of length 1 nearest to `wanted` (D,) that is at right angles to all `others` (k, D)."""
    basis, _ = torch.linalg.qr(others.T)  # (D, k)
    return F.normalize(wanted - basis @ (basis.T @ wanted), dim=0)


def _apart(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09b.2")
    wanted, first, second = 2 * torch.randn(3, 6, generator=rng, dtype=torch.float64)
    second = second + 0.8 * first  # not at right angles to each other
    numbers = {}
    for name, others in {"one other": first[None], "two others": torch.stack([first, second])}.items():
        numbers[f"direction, {name}"] = function(wanted.clone(), others.clone())
    return numbers


def _in_turn(wanted: Tensor, others: Tensor) -> Tensor:
    for other in others:
        wanted = wanted - (wanted @ other) / (other @ other) * other
    return F.normalize(wanted, dim=0)


def _in_turn_unscaled(wanted: Tensor, others: Tensor) -> Tensor:
    for other in others:
        wanted = wanted - (wanted @ other) * other
    return F.normalize(wanted, dim=0)


def _at_once(wanted: Tensor, others: Tensor) -> Tensor:
    shares = (others @ wanted) / others.square().sum(1)
    return F.normalize(wanted - shares @ others, dim=0)


def _part_of_others(wanted: Tensor, others: Tensor) -> Tensor:
    basis, _ = torch.linalg.qr(others.T)
    return basis @ (basis.T @ wanted)


def _along_the_mean(wanted: Tensor, others: Tensor) -> Tensor:
    return _in_turn(wanted, others.mean(0)[None])


DIRECTION_SLIPS = {
    "You did not subtract the mean of f: in a sample the mean of z is not exactly 0, so it matters.": lambda z, f: (
        F.normalize(_product(z, f), dim=0)
    ),
    "You have the right direction, but its length is not 1.": lambda z, f: _product(z, f - f.mean()),
    "You returned the opposite direction: it lowers f.": lambda z, f: -direction_of(z, f),
    "You averaged the latents without their measurements: multiply each row of z by its own f.": lambda z, f: (
        F.normalize(z.mean(0), dim=0)
    ),
    "You weighted by the absolute value: a latent below the mean of f must count negatively.": lambda z, f: F.normalize(
        _product(z, (f - f.mean()).abs()), dim=0
    ),
    "You ran a regression. Asked is the plain mean of z (f - its mean).": lambda z, f: F.normalize(
        torch.linalg.lstsq(z, (f - f.mean())[:, None]).solution[:, 0], dim=0
    ),
    "You scaled each latent to length 1 first: take z as it is.": lambda z, f: F.normalize(
        _product(F.normalize(z, dim=1), f - f.mean()), dim=0
    ),
    "You scaled the numbers to sum 1: asked is the length 1, the root of the sum of squares.": lambda z, f: (
        _product(z, f - f.mean()) / _product(z, f - f.mean()).sum()
    ),
    "You took the sign of f - its mean: take its size as well.": lambda z, f: F.normalize(
        _product(z, (f - f.mean()).sign()), dim=0
    ),
    "You took the mean latent where f is above its mean, minus that of the rest. This forgets by how much f is above "
    "or below: multiply each z by its own f - mean.": lambda z, f: F.normalize(
        z[f > f.mean()].mean(0) - z[f <= f.mean()].mean(0), dim=0
    ),
    "You divided by the squared length: divide by the length.": lambda z, f: (
        _product(z, f - f.mean()) / _product(z, f - f.mean()).square().sum()
    ),
    "You scaled the largest number to 1: asked is the length 1, the root of the sum of squares.": lambda z, f: (
        _product(z, f - f.mean()) / _product(z, f - f.mean()).abs().max()
    ),
    "You took the mean over the D numbers of each latent: take it over the samples, mean(0).": lambda z, f: F.normalize(
        (z * (f - f.mean())[:, None]).mean(1), dim=0
    ),
    "You took the mean over everything: keep the D numbers apart, mean(0).": lambda z, f: (
        (z * (f - f.mean())[:, None]).mean().sign()
    ),
    "You scaled each sample's product to length 1 before the mean: take the mean first.": lambda z, f: F.normalize(
        z * (f - f.mean())[:, None], dim=1
    ).mean(0),
}

APART_SLIPS = {
    "You took away the part along each of the others at once. They lean on each other, so some is taken away twice: "
    "find their span first, by torch.linalg.qr.": _at_once,
    "You took away the part along one after the other. Taking away the second brings back some of the first: "
    "find their span first, by torch.linalg.qr.": _in_turn,
    "You took away the part along one after the other, and as if each had length 1. Find their span first, by "
    "torch.linalg.qr: its columns have length 1 and stand at right angles.": _in_turn_unscaled,
    "You have the right direction, but its length is not 1.": lambda w, o: w - _part_of_others(w, o),
    "You returned the part that lies in the span of the others: take it away from `wanted`.": lambda w, o: F.normalize(
        _part_of_others(w, o), dim=0
    ),
    "You returned `wanted` with length 1: the others do not enter yet.": lambda w, o: F.normalize(w, dim=0),
    "You returned the opposite direction.": lambda w, o: -apart(w, o),
    "You projected as if the others had length 1: divide by the squared length of each.": lambda w, o: F.normalize(
        w - (o @ w) @ o, dim=0
    ),
    "You divided by the length of the other once: a projection divides by its square.": lambda w, o: F.normalize(
        w - ((o @ w) / o.norm(dim=1)) @ o, dim=0
    ),
    "You took away the part along the others' mean only: find their span, by torch.linalg.qr.": _along_the_mean,
    "You subtracted the others themselves: take away the part of `wanted` along them.": lambda w, o: F.normalize(
        w - o.sum(0), dim=0
    ),
    "You added the part along the others: take it away.": lambda w, o: F.normalize(w + _part_of_others(w, o), dim=0),
}

EXERCISES = {
    number: Exercise(probe, reference, tuple(Slip(change, hint) for hint, change in slips.items()))
    for number, probe, reference, slips in (
        ("09b.1", _direction_of, direction_of, DIRECTION_SLIPS),
        ("09b.2", _apart, apart, APART_SLIPS),
    )
}
