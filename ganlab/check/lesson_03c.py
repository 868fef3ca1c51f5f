"""The exercises of lesson 03c: two tests for copies.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator

ALL_WAYS = ((), (3,), (2,), (2, 3))  # to turn images (N, C, H, W)


def nearer(samples: Tensor, training: Tensor, held_out: Tensor) -> float:
    """Return the share of samples nearer to a training image, flipped or not, than every held-out image is."""
    return _compared()(samples, training, held_out)


def _nearer(function: Callable) -> dict[str, Any]:
    # Copies of each turn with noise from faint to strong, of one turn more than of another, and new images: so a share
    # tells where the limit was and which turns were tried. Some held-out images are copies as well, nearest in case 4.
    numbers = {}
    for case in range(4):
        rng = seeded_generator("nearer", case)
        training = torch.randn(15, 2, 4, 4, generator=rng)
        copies = [training[:n].flip(dims) for n, dims in zip((9, 11, 13, 15), ALL_WAYS, strict=True)]
        samples = torch.cat([*copies, torch.randn(9, 2, 4, 4, generator=rng)])
        strength = torch.linspace(0.05, 1.2, 57)[torch.randperm(57, generator=rng)]
        samples = samples + strength[:, None, None, None] * torch.randn(samples.shape, generator=rng)
        held_out = torch.cat([torch.randn(8, 2, 4, 4, generator=rng), training[9:].flip(ALL_WAYS[case])])
        held_out = held_out + (0.7, 0.6, 0.5, 0.02)[case] * torch.randn(held_out.shape, generator=rng)
        numbers[f"the share in case {case + 1}"] = function(samples, training, held_out)
    return numbers


def _away(images: Tensor, training: Tensor, ways: tuple) -> Tensor:
    """Return the distance of each image to each training image at its nearest turn, (n, m)."""
    return torch.stack([torch.cdist(images.flatten(1), training.flip(dims).flatten(1)) for dims in ways]).amin(0)


def _compared(
    ways: tuple = ALL_WAYS,
    ways_held_out: tuple | None = None,
    of_training: Callable[[Tensor], Tensor] = lambda away: away.amin(1),
    yardstick: Callable[[Tensor], Tensor] = lambda away: away.min(),
    result: Callable[[Tensor], Tensor] = lambda is_nearer: is_nearer.double().mean(),
    swap: bool = False,
) -> Callable:
    """Return a `nearer` with one thing done otherwise for each argument that is changed."""

    def function(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
        if swap:
            samples, held_out = held_out, samples
        limit = yardstick(of_training(_away(held_out, training, ways if ways_held_out is None else ways_held_out)))
        return result(of_training(_away(samples, training, ways)) < limit)

    return function


def suspicious(samples: Tensor, training: Tensor, held_out: Tensor) -> float:
    """Return the share of samples (n, D) whose ratio of nearest to second nearest is below 1% of the held-out ones."""
    return _suspicious_by()(samples, training, held_out)


def _suspicious(function: Callable) -> dict[str, Any]:
    # Two training points in each of many clusters, wide and narrow, so that a distance, a difference and a ratio choose
    # different samples.
    numbers = {}
    for case in range(3):
        rng = seeded_generator("suspicious", case)
        width = torch.logspace(-2, 0.5, 60, dtype=torch.float64)[torch.randperm(60, generator=rng), None]
        centres = 6 * torch.randn(60, 5, generator=rng, dtype=torch.float64)

        def near_the_centres(centres: Tensor = centres, width: Tensor = width, rng: torch.Generator = rng) -> Tensor:
            return centres + width * torch.randn(60, 5, generator=rng)

        training = torch.cat([near_the_centres() for _ in range(2)])
        held_out = torch.cat([near_the_centres() for _ in range(4)])
        copies = training[:60] + width * torch.rand(60, 1, generator=rng) * torch.randn(60, 5, generator=rng)
        samples = torch.cat([copies[: 31 + 7 * case], near_the_centres()])
        numbers[f"the share in case {case + 1}"] = function(samples, training, held_out)
    return numbers


def _two_nearest(images: Tensor, training: Tensor) -> Tensor:
    return torch.cdist(images, training).topk(2, largest=False).values  # (n, 2)


def _ratio(two: Tensor) -> Tensor:
    return two[:, 0] / two[:, 1]


def _suspicious_by(
    number: Callable[[Tensor], Tensor] = _ratio,
    limit: Callable[[Tensor, Tensor], Tensor] = lambda held_out, samples: held_out.quantile(0.01),
    result: Callable[[Tensor], Tensor] = lambda is_below: is_below.double().mean(),
) -> Callable:
    """Return a `suspicious` with one thing done otherwise for each argument that is changed."""

    def function(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
        of_samples, of_held_out = (number(_two_nearest(images, training)) for images in (samples, held_out))
        return result(of_samples < limit(of_held_out, of_samples))

    return function


def _nearer_quarter_turns(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
    def away(images: Tensor) -> Tensor:
        turned = (training.rot90(k, (2, 3)).flatten(1) for k in range(4))
        return torch.stack([torch.cdist(images.flatten(1), one) for one in turned]).amin((0, 2))

    return (away(samples) < away(held_out).min()).double().mean()


def _nearer_than_its_held_out(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
    to_training, to_held_out = (_away(samples, images, ALL_WAYS).amin(1) for images in (training, held_out))
    return (to_training < to_held_out).double().mean()


def _nearer_in_pairs(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
    of_samples, of_held_out = (_away(images, training, ALL_WAYS).amin(1) for images in (samples, held_out))
    return (of_samples[:, None] < of_held_out).double().mean()


def _nearer_than_to_held_out(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
    to_training, to_held_out = (_away(samples, images, ALL_WAYS).amin(1) for images in (training, held_out))
    return (to_training < to_held_out.min()).double().mean()


def _distance_below_a_ratio(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
    limit = _ratio(_two_nearest(held_out, training)).quantile(0.01)
    return (_two_nearest(samples, training)[:, 0] < limit).double().mean()


def _by_the_farthest(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
    of_samples, of_held_out = (_ratio(torch.cdist(images, training).topk(2).values) for images in (samples, held_out))
    return (of_samples < of_held_out.quantile(0.01)).double().mean()


NEARER_SLIPS = (
    (
        _nearer_quarter_turns,
        "You turned the training images by quarter turns. The four ways here are flips: none, left to right, upside "
        "down, and both.",
    ),
    (
        _compared(ways=((),)),
        "You compared the images as they are, so flipped copies go unnoticed: compare with all four ways to "
        "turn a training image.",
    ),
    (_compared(ways=((), (3,))), "You flipped left to right only; a copy may be upside down as well, or both."),
    (_compared(ways=((), (2,))), "You flipped upside down only; a copy may be turned left to right as well, or both."),
    (
        _compared(ways=((), (3,), (2,))),
        "You left out one way: a copy flipped both ways, turned by half a circle, goes unnoticed.",
    ),
    (
        _compared(ways=((), (1,), (2,), (1, 2))),
        "You flipped the dimensions 1 and 2, channels and rows. In (N, C, H, W) rows are 2 and columns 3.",
    ),
    (
        _nearer_than_its_held_out,
        "You compared each sample with its own nearest held-out image. The limit is one number: the least distance of "
        "a held-out image to a training image.",
    ),
    (_compared(ways=((), (2, 3))), "You left out two ways: images flipped in one direction only go unnoticed."),
    (
        _compared(ways_held_out=((),)),
        "You flipped the training images for the samples only: flip them for the held-out images as well.",
    ),
    (
        _compared(of_training=lambda away: away.mean(1)),
        "You gave the mean distance to the training images, not the least.",
    ),
    (
        _compared(yardstick=lambda away: away.max()),
        "You asked whether it is nearer than *some* held-out image; wanted is: than every one.",
    ),
    (
        _compared(yardstick=lambda away: away.mean()),
        "You took for the limit the mean of the held-out distances; wanted is the least.",
    ),
    (
        _compared(yardstick=lambda away: away.median()),
        "You took for the limit the median held-out distance; wanted is the least.",
    ),
    (
        _compared(yardstick=lambda away: away.quantile(0.01)),
        "You gave the 1% limit of the lesson; here the limit is the nearest held-out image.",
    ),
    (_compared(result=lambda is_nearer: 100 * is_nearer.double().mean()), "You gave a percentage; wanted is a share."),
    (_compared(result=lambda is_nearer: is_nearer.sum()), "You gave a number of samples; wanted is a share."),
    (_compared(result=lambda is_nearer: 1 - is_nearer.double().mean()), "You gave the share that is *not* nearer."),
    (_compared(swap=True), "You swapped samples and held-out images."),
    (
        _nearer_in_pairs,
        "You counted pairs of a sample and a held-out image. Take the least of the held-out distances first: that one "
        "number is the limit for all samples.",
    ),
    (
        _nearer_than_to_held_out,
        "Your limit is a distance from the samples to the held-out images. The limit is the least distance of a "
        "held-out image to a training image.",
    ),
)

SUSPICIOUS_SLIPS = (
    (
        _suspicious_by(number=lambda two: two[:, 0]),
        "You compared the distances to the nearest alone; divide each by the distance to the second nearest.",
    ),
    (
        _suspicious_by(number=lambda two: two[:, 1] / two[:, 0]),
        "You divided the second nearest by the nearest, so a copy has a *large* number; turn the ratio over.",
    ),
    (
        _suspicious_by(number=lambda two: two[:, 1] - two[:, 0]),
        "You subtracted the two distances, so images with near neighbours count as copies; take their ratio.",
    ),
    (
        _suspicious_by(limit=lambda held_out, samples: samples.quantile(0.01)),
        "You took the limit from the samples themselves, so that it always gives 1%; take it from the held-out images.",
    ),
    (
        _suspicious_by(limit=lambda held_out, samples: held_out.quantile(0.99)),
        "You took the limit at 99% of the held-out ratios; a copy lies below nearly all of them, so take 1%.",
    ),
    (
        _suspicious_by(limit=lambda held_out, samples: held_out.min()),
        "You took the smallest held-out ratio; the limit here is the one that 1% of them are below.",
    ),
    (
        _suspicious_by(limit=lambda held_out, samples: held_out.mean()),
        "You took the mean of the held-out ratios; the limit here is the one that 1% of them are below.",
    ),
    (
        _suspicious_by(limit=lambda held_out, samples: held_out.quantile(0.1)),
        "You took the limit that 10% of the held-out ratios are below; it is 1%, a quantile of 0.01.",
    ),
    (
        _suspicious_by(result=lambda is_below: 100 * is_below.double().mean()),
        "You returned a percentage; wanted is a share, between 0 and 1.",
    ),
    (_suspicious_by(result=lambda is_below: is_below.sum()), "You returned a number of samples; wanted is a share."),
    (
        _suspicious_by(result=lambda is_below: 1 - is_below.double().mean()),
        "You returned the share that is *not* suspicious.",
    ),
    (
        lambda samples, training, held_out: _suspicious_by()(held_out, training, samples),
        "Your limit calls no sample suspicious. Have you compared the held-out images with themselves (then each "
        "has the distance 0 to itself), or exchanged two arguments? Their order is samples, training, held_out.",
    ),
    (
        _distance_below_a_ratio,
        "You compared the samples' distances with a limit for ratios: divide each sample's distances, too.",
    ),
    (_by_the_farthest, "You took the two farthest training images: topk needs largest=False for the nearest."),
    (
        _suspicious_by(limit=lambda held_out, samples: 0.01),
        "You took 0.01 as the limit itself: it is the ratio that 1% of the held-out images are below, a quantile.",
    ),
)

EXERCISES = {
    "03c.1": Exercise(_nearer, nearer, tuple(Slip(*slip) for slip in NEARER_SLIPS)),
    "03c.2": Exercise(_suspicious, suspicious, tuple(Slip(*slip) for slip in SUSPICIOUS_SLIPS)),
}
