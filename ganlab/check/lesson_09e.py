"""The exercises of lesson 09e: a direction towards a class, and a sum of means."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def towards_class(z: Tensor, labels: Tensor, k: int) -> Tensor:
    """Return the direction (D,) from the mean of z (n, D) outside class k to the mean inside; labels (n,)."""
    return F.normalize(_difference(z, labels, k), dim=0)


def _difference(z: Tensor, labels: Tensor, k: int) -> Tensor:
    return z[labels == k].mean(0) - z[labels != k].mean(0)


def _towards_class(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09e.1")
    numbers = {}
    for n, dim, k in ((9, 3, 2), (14, 5, 0)):
        labels = torch.randint(3, (n,), generator=rng)
        labels[:3] = torch.arange(3)  # none is missing
        z = 0.4 + torch.randn(n, dim, generator=rng, dtype=torch.float64) + labels[:, None] * 0.5
        numbers[f"direction towards {k} of {n} latents"] = function(z, labels, k)
    return numbers


def thick_b(thick_a: Tensor, thin_a: Tensor, thin_b: Tensor) -> Tensor:
    """Return mean thick a - mean thin a + mean thin b, of length root D: groups (k, D), result (D,)."""
    return _stretched(_sum(thick_a, thin_a, thin_b))


def _sum(thick_a: Tensor, thin_a: Tensor, thin_b: Tensor) -> Tensor:
    return thick_a.mean(0) - thin_a.mean(0) + thin_b.mean(0)


def _stretched(z: Tensor) -> Tensor:
    return F.normalize(z, dim=-1) * z.shape[-1] ** 0.5


def _thick_b(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09e.2")
    numbers = {}
    for sizes, dim in (((2, 3, 4), 5), ((4, 2, 3), 7)):
        groups = [torch.randn(k, dim, generator=rng, dtype=torch.float64) + 0.5 for k in sizes]
        numbers[f"sum of groups of {sizes}"] = function(*groups)
    return numbers


CLASS_SLIPS = {
    "You returned the direction of the mean inside the class alone, which is that of E[z f], too. It is the right one "
    "if the mean of all latents is exactly 0, and in a sample it is not: take the mean outside away.": (
        lambda z, labels, k: F.normalize(z[labels == k].mean(0), dim=0)
    ),
    "You have the right direction, but its length is not 1.": _difference,
    "You pointed away from the class: inside less outside.": lambda z, labels, k: -towards_class(z, labels, k),
    "You took sums for means: the groups are not equally large.": lambda z, labels, k: F.normalize(
        z[labels == k].sum(0) - z[labels != k].sum(0), dim=0
    ),
    "You scaled both means to length 1 before you took the difference: take the difference first.": (
        lambda z, labels, k: F.normalize(
            F.normalize(z[labels == k].mean(0), dim=0) - F.normalize(z[labels != k].mean(0), dim=0), dim=0
        )
    ),
    "You scaled both means to length 1, and not their difference. Take the difference of the means as they are, and "
    "scale it.": lambda z, labels, k: (
        F.normalize(z[labels == k].mean(0), dim=0) - F.normalize(z[labels != k].mean(0), dim=0)
    ),
    "You averaged over everything, so one number is left. mean(0) averages over the latents alone and keeps the D "
    "numbers.": lambda z, labels, k: z[labels == k].mean() - z[labels != k].mean(),
    "You averaged over everything, and divided the one number that was left by its size. mean(0) averages over the "
    "latents alone and keeps the D numbers.": lambda z, labels, k: (
        z[labels == k].mean() - z[labels != k].mean()
    ).sign(),
    "You took row k of z. The latents of class k are the rows where labels == k.": lambda z, labels, k: F.normalize(
        z[k] - z.mean(0), dim=0
    ),
    "You left the class numbers in as weights: only inside or outside counts.": lambda z, labels, k: F.normalize(
        (z * labels[:, None]).mean(0), dim=0
    ),
    "You scaled each latent to length 1 first: take z as it is.": lambda z, labels, k: towards_class(
        F.normalize(z, dim=1), labels, k
    ),
    "You divided by the sum of absolute values: asked is the length 1, the root of the sum of squares.": (
        lambda z, labels, k: F.normalize(_difference(z, labels, k), p=1, dim=0)
    ),
    "You divided by the sum of squares. The length is its root.": lambda z, labels, k: (
        _difference(z, labels, k) / _difference(z, labels, k).square().sum()
    ),
    "You divided by the largest number: asked is the length 1, the root of the sum of squares.": (
        lambda z, labels, k: _difference(z, labels, k) / _difference(z, labels, k).abs().max()
    ),
    "You scaled to the length root D. Here it is 1.": lambda z, labels, k: _stretched(_difference(z, labels, k)),
    "You took medians. The difference of the means was asked for.": lambda z, labels, k: F.normalize(
        z[labels == k].median(0).values - z[labels != k].median(0).values, dim=0
    ),
    "You took a mean over the numbers of each latent. A mean of latents runs over the rows: mean(0).": (
        lambda z, labels, k: F.normalize(z[labels == k].mean(1), dim=0)
    ),
    "You gave each other class the same weight. The mean outside runs over all latents outside.": (
        lambda z, labels, k: F.normalize(
            z[labels == k].mean(0) - torch.stack([z[labels == j].mean(0) for j in labels.unique() if j != k]).mean(0),
            dim=0,
        )
    ),
    "You scaled the numbers to sum 1: asked is the length 1, the root of the sum of squares.": lambda z, labels, k: (
        _difference(z, labels, k) / _difference(z, labels, k).sum()
    ),
}

SUM_SLIPS = {
    "You did not stretch the sum: it must have the length root D.": _sum,
    "You scaled the sum to length 1: the usual length is root D.": lambda a, c, b: F.normalize(_sum(a, c, b), dim=0),
    "You scaled the sum to length D: the usual length is the root of D.": lambda a, c, b: (
        F.normalize(_sum(a, c, b), dim=0) * a.shape[1]
    ),
    "You multiplied by the root of D, but did not divide by the length of the sum first.": lambda a, c, b: (
        _sum(a, c, b) * a.shape[1] ** 0.5
    ),
    "You took the root of the number of latents: D is how many numbers a latent has.": lambda a, c, b: (
        F.normalize(_sum(a, c, b), dim=0) * len(a) ** 0.5
    ),
    "You took the first latent of each group: take the mean of the group.": lambda a, c, b: _stretched(
        a[0] - c[0] + b[0]
    ),
    "You added the thin a: it is taken away.": lambda a, c, b: _stretched(a.mean(0) + c.mean(0) + b.mean(0)),
    "You exchanged two signs: thick a, minus thin a, plus thin b.": lambda a, c, b: _stretched(
        a.mean(0) + c.mean(0) - b.mean(0)
    ),
    "You took the thin b away: it is added.": lambda a, c, b: _stretched(a.mean(0) - c.mean(0) - b.mean(0)),
    "You exchanged thick a and thin a: that makes a thin b thinner.": lambda a, c, b: _stretched(
        c.mean(0) - a.mean(0) + b.mean(0)
    ),
    "You took sums of the groups: they are not equally large, so take means.": lambda a, c, b: _stretched(
        a.sum(0) - c.sum(0) + b.sum(0)
    ),
    "You left the thin b out: only the change from thin to thick is left.": lambda a, c, b: _stretched(
        a.mean(0) - c.mean(0)
    ),
    "You stretched each mean before adding: add the means first, and stretch the sum.": lambda a, c, b: _stretched(
        _stretched(a.mean(0)) - _stretched(c.mean(0)) + _stretched(b.mean(0))
    ),
    "You stretched each mean, and not the sum. Add the means as they are, and stretch the sum.": lambda a, c, b: (
        _stretched(a.mean(0)) - _stretched(c.mean(0)) + _stretched(b.mean(0))
    ),
    "You scaled each latent before the mean. Take the means of the latents as they are, and stretch the sum.": (
        lambda a, c, b: _stretched(_sum(*(F.normalize(group, dim=1) for group in (a, c, b))))
    ),
    "You averaged over everything, so one number is left. mean(0) averages over the latents alone and keeps the D "
    "numbers.": lambda a, c, b: a.mean() - c.mean() + b.mean(),
    "You averaged over everything, and stretched the one number that was left. mean(0) averages over the latents "
    "alone and keeps the D numbers.": lambda a, c, b: (a.mean() - c.mean() + b.mean()).sign() * a.shape[1] ** 0.5,
    "You stretched to 10. That is root D for D = 100 alone: take the root of thick_a.shape[1].": lambda a, c, b: (
        F.normalize(_sum(a, c, b), dim=0) * 10
    ),
    "You divided by the square of the length of the sum. Divide by the length itself.": lambda a, c, b: (
        _stretched(_sum(a, c, b)) / _sum(a, c, b).norm()
    ),
}

EXERCISES = {
    number: Exercise(probe, reference, tuple(Slip(change, hint) for hint, change in slips.items()))
    for number, probe, reference, slips in (
        ("09e.1", _towards_class, towards_class, CLASS_SLIPS),
        ("09e.2", _thick_b, thick_b, SUM_SLIPS),
    )
}
