"""The exercises of lesson 09d: the factor by which an encoder is off, and latents that are not too long."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def best_factor(e: Tensor, z: Tensor) -> Tensor:
    """Return the number c for which the mean of |z - c e|^2 over the rows of e, z (n, D) is smallest."""
    return (z * e).sum() / e.square().sum()


def _best_factor(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("09d.1")
    numbers = {}
    for n, dim, scale in ((4, 3, 0.5), (6, 5, 2.0)):
        z = torch.randn(n, dim, generator=rng, dtype=torch.float64)
        e = scale * (z + 0.5 * torch.randn(n, dim, generator=rng, dtype=torch.float64))
        numbers[f"factor for answers {(n, dim)}"] = function(e, z)
    return numbers


def shortened(z: Tensor, longest: float) -> Tensor:
    """Return z (n, D) with each row that is longer than `longest` scaled down to that length."""
    return z * (longest / z.norm(dim=1, keepdim=True)).clamp(max=1)


def _shortened(function: Callable) -> dict[str, Any]:
    z = torch.randn(5, 3, generator=seeded_generator("09d.2"), dtype=torch.float64)
    z = F.normalize(z, dim=1) * torch.tensor([0.4, 3.0, 1.9, 2.1, 5.0], dtype=torch.float64)[:, None]
    return {f"rows of at most {longest}": function(z.clone(), longest) for longest in (2.0, 0.5)}


FACTOR_SLIPS = {
    "You divided by |z|^2: |e|^2 stands beside c^2, so divide by the sum of e squared.": lambda e, z: (
        (z * e).sum() / z.square().sum()
    ),
    "You returned the inverse: divide z . e by |e|^2, not the other way round.": lambda e, z: (
        e.square().sum() / (z * e).sum()
    ),
    "You compared the lengths. That ignores that z and e do not point the same way: use z . e.": lambda e, z: (
        z.norm(dim=1).mean() / e.norm(dim=1).mean()
    ),
    "You compared the lengths row by row. That ignores that z and e do not point the same way: use z . e.": (
        lambda e, z: (z.norm(dim=1) / e.norm(dim=1)).mean()
    ),
    "You divided the length of z by that of e: z and e do not point the same way, so use z . e.": lambda e, z: (
        z.norm() / e.norm()
    ),
    "You took a factor for each row and averaged: c is the same for all rows, so sum over the rows, then divide.": (
        lambda e, z: ((z * e).sum(1) / e.square().sum(1)).mean()
    ),
    "You took the cosine: divide by |e|^2, and not by both lengths.": lambda e, z: (
        (z * e).sum() / (z.norm() * e.norm())
    ),
    "You averaged the cosines: a cosine does not see lengths, and c is about them.": lambda e, z: F.cosine_similarity(
        z, e
    ).mean(),
    "You divided by the length of e: divide by its square.": lambda e, z: (z * e).sum() / e.norm(),
    "You stretched e to the usual length, the root of D: longer is not closer. Find where the derivative is 0.": (
        lambda e, z: e.shape[1] ** 0.5 / e.norm(dim=1).mean()
    ),
    "You left the denominator out: divide by the sum of e squared.": lambda e, z: (z * e).sum(),
    "You forgot that the derivative of c^2 brings a 2, which cancels the other 2.": lambda e, z: (
        2 * (z * e).sum() / e.square().sum()
    ),
    "You divided each number by its own answer: small answers then count most. Sum first, then divide.": (
        lambda e, z: (z / e).mean()
    ),
}

SHORTENED_SLIPS = {
    "You gave every row the length `longest`: rows that are short enough stay as they are.": lambda z, longest: (
        F.normalize(z, dim=1) * longest
    ),
    "You took one length of the whole tensor: each row has its own, z.norm(dim=1, keepdim=True).": lambda z, longest: (
        z * (longest / z.norm()).clamp(max=1)
    ),
    "You took the lengths of the columns: a latent is a row, so dim=1.": lambda z, longest: (
        z * (longest / z.norm(dim=0, keepdim=True)).clamp(max=1)
    ),
    "You cut off each number by itself: that changes the direction, and the row can still be too long.": (
        lambda z, longest: z.clamp(-longest, longest)
    ),
    "You cut off each number above `longest`: it is the *length of a row* that must not be above it.": (
        lambda z, longest: z.clamp(max=longest)
    ),
    "You gave rows that are too long the length 1: multiply by `longest`.": lambda z, longest: torch.where(
        z.norm(dim=1, keepdim=True) > longest, F.normalize(z, dim=1), z
    ),
    "You lengthened the short rows and left the long ones: the factor must be at most 1, so clamp(max=1).": (
        lambda z, longest: z * (longest / z.norm(dim=1, keepdim=True)).clamp(min=1)
    ),
    "You divided by the squared length: the length itself brings a row to length 1.": lambda z, longest: (
        z * (longest / z.square().sum(1, keepdim=True)).clamp(max=1)
    ),
    "You divided rows that are too long by `longest`: divide by their own length, and multiply by `longest`.": (
        lambda z, longest: torch.where(z.norm(dim=1, keepdim=True) > longest, z / longest, z)
    ),
    "You set rows that are too long to 0: they keep their direction and get the length `longest`.": (
        lambda z, longest: z * (z.norm(dim=1, keepdim=True) <= longest)
    ),
}

EXERCISES = {
    number: Exercise(probe, reference, tuple(Slip(change, hint) for hint, change in slips.items()))
    for number, probe, reference, slips in (
        ("09d.1", _best_factor, best_factor, FACTOR_SLIPS),
        ("09d.2", _shortened, shortened, SHORTENED_SLIPS),
    )
}
