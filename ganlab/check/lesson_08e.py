"""The exercises of lesson 08e: bits per dimension of a density, a weighted median."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def density_to_bits(log_density: Tensor, shape: Sequence[int]) -> Tensor:
    """Return bits per dimension, (B,), from log densities in nats (B,) of images of `shape`, scaled to [0, 1)."""
    return 8 - log_density / (math.prod(shape) * math.log(2))


def _density_to_bits(function: Callable) -> dict[str, Any]:
    cases = {(3, 64, 64): (40_000.0, 31_000.0), (1, 28, 28): (2500.0, -90.0)}
    return {
        f"bits per dimension, images of {shape}": function(torch.tensor(nats, dtype=torch.float64), shape)
        for shape, nats in cases.items()
    }


def _bits(nats: Tensor, shape: Sequence[int]) -> Tensor:
    return -nats / (math.prod(shape) * math.log(2))


def majority_picture(images: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted median, (D,), of images (N, D): the first sorted value at which the weights reach 1/2."""
    values, order = images.sort(dim=0)
    reached = weights[order].cumsum(0) >= 0.5  # (N, D)
    return values.gather(0, reached.int().argmax(0, keepdim=True))[0]


def _majority_picture(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("08e.2")
    images = torch.rand(5, 6, generator=rng, dtype=torch.float64)
    numbers = {}
    for name, weights in {
        "no image has half": [0.14, 0.12, 0.19, 0.24, 0.31],
        "one image has more than half": [0.6, 0.08, 0.1, 0.09, 0.13],
    }.items():
        numbers[f"picture when {name}"] = function(images.clone(), torch.tensor(weights, dtype=torch.float64))
    return numbers


def _sorted_by_weight(images: Tensor, weights: Tensor) -> Tensor:
    """Return the median with the weights left in their old order."""
    values = images.sort(dim=0).values
    return values[(weights.cumsum(0) >= 0.5).int().argmax()]


def _one_before(images: Tensor, weights: Tensor) -> Tensor:
    values, order = images.sort(dim=0)
    k = ((weights[order].cumsum(0) >= 0.5).int().argmax(0, keepdim=True) - 1).clamp(min=0)
    return values.gather(0, k)[0]


def _one_after(images: Tensor, weights: Tensor) -> Tensor:
    values, order = images.sort(dim=0)
    k = ((weights[order].cumsum(0) >= 0.5).int().argmax(0, keepdim=True) + 1).clamp(max=len(images) - 1)
    return values.gather(0, k)[0]


def _of_images_in_place(images: Tensor, weights: Tensor) -> Tensor:
    """Return what stands in the unsorted images at the median's place among the sorted ones."""
    return images.gather(0, _place(images, weights))[0]


def _place(images: Tensor, weights: Tensor) -> Tensor:
    return (weights[images.sort(dim=0).indices].cumsum(0) >= 0.5).int().argmax(0, keepdim=True)


BITS_SLIPS = {
    "You divided by 12,288 whatever the shape. Divide by the dimensions of `shape`, C H W.": lambda nats, shape: (
        8 + _bits(nats, (3, 64, 64))
    ),
    "You divided by 12,288 at the end, whatever the shape. Divide by C H W.": lambda nats, shape: (
        math.prod(shape) * (8 + _bits(nats, shape)) / 12_288
    ),
    "You divided log p by 256. A density is stretched by a factor, so its log changes by a sum.": lambda nats, shape: (
        _bits(nats, shape) / 256
    ),
    "You subtracted 8 bits once for the whole image, and the sign is wrong. Each number has 8 bits: add them after "
    "the division.": lambda nats, shape: _bits(nats, shape) - 8 / math.prod(shape),
    "You lost the minus sign: likely images take few bits.": lambda nats, shape: -8 - _bits(nats, shape),
    "You took log p(x) for that of the levels. That is right for a density of k + u. By how many bits per number "
    "did the scaling by 256 change it?": _bits,
    "You subtracted the 8 bits. A density in a smaller box is higher: add 8 bits a number.": lambda nats, shape: (
        _bits(nats, shape) - 8
    ),
    "You left the nats: a bit is log 2 nats, so divide by log 2.": lambda nats, shape: 8 - nats / math.prod(shape),
    "You multiplied by log 2. A bit is log 2 = 0.69 nats: divide by it.": lambda nats, shape: (
        8 - nats * math.log(2) / math.prod(shape)
    ),
    "You stayed in nats throughout, 8 bits being 8 log 2 of them. A bit is log 2 = 0.693 nats: divide by it.": (
        lambda nats, shape: (8 + _bits(nats, shape)) * math.log(2)
    ),
    "Your log p has the wrong sign: likely images take few bits.": lambda nats, shape: 8 - _bits(nats, shape),
    "You divided by the pixels. A dimension is one number, and a colour pixel has three.": lambda nats, s: (
        8 + _bits(nats, s[1:])
    ),
    "You gave the bits of the whole image, plus 8. Divide by its dimensions.": lambda nats, shape: (
        8 + _bits(nats, (1,))
    ),
    "You divided the 8 bits as well. They are those of one number: add them after the division.": lambda nats, shape: (
        8 / math.prod(shape) + _bits(nats, shape)
    ),
    "You scaled by 255. k + u runs up to 256.": lambda nats, shape: math.log2(255) + _bits(nats, shape),
    "You added log 256 = 5.55, which is in nats. In bits it is log2(256) = 8.": lambda nats, shape: (
        math.log(256) + _bits(nats, shape)
    ),
    "You added 7 bits, which belong to a scale of [-1, 1). Here it is [0, 1).": lambda nats, shape: (
        7 + _bits(nats, shape)
    ),
    "You returned one number for the batch: return one for each image.": lambda nats, shape: (
        8 + _bits(nats, shape)
    ).mean(),
    "You gave the bits of the whole image, 8 for each number among them. Divide by the dimensions at last.": (
        lambda nats, shape: math.prod(shape) * (8 + _bits(nats, shape))
    ),
    "You multiplied by 8. The log of a product is a sum: the 8 bits are added.": lambda nats, shape: (
        8 * _bits(nats, shape)
    ),
    "You multiplied by 8, and lost the sign. The log of a product is a sum: 8 bits minus those of log p.": (
        lambda nats, shape: -8 * _bits(nats, shape)
    ),
}

MAJORITY_SLIPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "You indexed whole rows, so (D, D) came out. Each column needs its own row: values.gather(0, place).": (
        lambda x, w: x.sort(dim=0).values[_place(x, w)[0]]
    ),
    "You looked up the place among the images as they were given. It is a place among the sorted values.": (
        _of_images_in_place
    ),
    "You multiplied the values by the weights and took the plain median. Leave the values alone; add up the weights.": (
        lambda x, w: (w[:, None] * x).median(0).values
    ),
    "You took the weighted average. The median is asked for: it is one of the values.": lambda x, w: w @ x,
    "You took the plain median: the weights do not enter.": lambda x, w: x.median(0).values,
    "You took the image with the largest weight. It has the majority only if its weight is above 1/2.": lambda x, w: x[
        w.argmax()
    ],
    "You sorted the values and left the weights in their old order. Each column has an order: weights[order].": (
        _sorted_by_weight
    ),
    "You stopped one value too early: the value's own weight counts as well.": _one_before,
    "You went one value too far: take the first at which the sum reaches 1/2.": _one_after,
    "You sorted the weights, too. They must follow the values: weights[order].": lambda x, w: _sorted_by_weight(
        x, w.sort().values
    ),
    "You took the plain average. The weighted median is asked for: one of the values.": lambda x, w: x.mean(0),
    "You took the middle of the range. The median needs the weights.": lambda x, w: (x.amax(0) + x.amin(0)) / 2,
    "You returned where the value stands, not the value: use values.gather.": lambda x, w: (
        w[x.sort(dim=0).indices].cumsum(0).ge(0.5).int().argmax(0)
    ),
    "You weighed the values before sorting. A weight says how often, not how bright: leave the values alone.": (
        lambda x, w: majority_picture(w[:, None] * x, w)
    ),
}

EXERCISES = {
    "08e.1": Exercise(
        _density_to_bits, density_to_bits, tuple(Slip(change, hint) for hint, change in BITS_SLIPS.items())
    ),
    "08e.2": Exercise(
        _majority_picture, majority_picture, tuple(Slip(change, hint) for hint, change in MAJORITY_SLIPS.items())
    ),
}
