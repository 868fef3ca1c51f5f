"""The exercises of lesson 03: a transposed convolution without stamps, layers that triple, a test for copies.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator, whole_number


def upsampled(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return the transposed convolution of x (B, C, H, W) with weight (C, O, k, k), by a plain convolution."""
    return _convolved()(x, weight, stride, padding)


def _upsampled(function: Callable) -> dict[str, Any]:
    # As many channels out as in: whoever leaves them in the wrong order gets numbers, and a hint, not an exception.
    found = {}
    for kernel, stride, padding in [(3, 2, 0), (4, 2, 1), (2, 3, 0), (3, 1, 1)]:
        rng = seeded_generator("upsampled", kernel, stride)
        x, weight = torch.randn(2, 2, 3, 4, generator=rng), torch.randn(2, 2, kernel, kernel, generator=rng)
        found[f"kernel {kernel}, stride {stride}, padding {padding}"] = function(x, weight, stride, padding)
    return found


def _with_zeros(x: Tensor, stride: int) -> Tensor:
    """Return x (B, C, H, W) with stride - 1 zeros between neighbouring pixels."""
    height, width = (stride * (side - 1) + 1 for side in x.shape[2:])
    spread = x.new_zeros(*x.shape[:2], height, width)
    spread[:, :, ::stride, ::stride] = x
    return spread


def _with_zeros_behind_each(x: Tensor, stride: int) -> Tensor:
    spread = x.new_zeros(*x.shape[:2], stride * x.shape[2], stride * x.shape[3])
    spread[:, :, ::stride, ::stride] = x
    return spread


def _with_too_many_zeros(x: Tensor, stride: int) -> Tensor:
    """Return x (B, C, H, W) with as many zeros between neighbouring pixels as the stride says: one too many."""
    return _with_zeros(x, stride + 1)


def _resized(x: Tensor, stride: int) -> Tensor:
    return F.interpolate(x, scale_factor=stride)


def _repeated(x: Tensor, stride: int) -> Tensor:
    height, width = (stride * (side - 1) + 1 for side in x.shape[2:])
    return x.repeat_interleave(stride, 2).repeat_interleave(stride, 3)[:, :, :height, :width]


def _convolved(
    spread: Callable[[Tensor, int], Tensor] = _with_zeros,
    turn: tuple[int, ...] = (2, 3),
    swap: bool = True,
    margin: Callable[[int, int], int] = lambda k, padding: k - 1 - padding,
) -> Callable:
    """Return an `upsampled` with one thing done otherwise for each argument that is changed."""

    def function(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        kernel = weight.flip(turn)
        kernel = kernel.transpose(0, 1) if swap else kernel
        return F.conv2d(spread(x, stride), kernel, padding=margin(weight.shape[2], padding))

    return function


SIDES = (4, 12, 36, 108)
LAYERS = ((4, 1, 0), (9, 3, 3), (9, 3, 3), (9, 3, 3))


def _layers(given: list) -> dict[str, Any]:
    """Return the sides that the layers (kernel, stride, padding) make of one pixel, and what their stamps do wrong."""
    if any(layer is ... or ... in tuple(layer) for layer in given):
        return {"layers": ...}
    side, sides, uneven, apart = 1, [], False, False
    for number, (kernel, stride, padding) in enumerate(given, start=1):
        for name, value, least in (("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0)):
            whole_number(f"{name} of layer {number}", value, least)
        side = stride * (side - 1) - 2 * padding + kernel
        if side < 1:
            raise ValueError(f"layer {number} would have a side of {side}: its padding cuts everything off")
        sides.append(side)
        uneven |= number > 1 and kernel % stride != 0  # the first layer has one stamp in all
        apart |= number > 1 and kernel <= stride
    return {
        "the sides": torch.tensor(sides),
        "a layer covers its pixels unevenly (1 is yes)": uneven,
        "a layer's stamps do not overlap (1 is yes)": apart,
    }


ALL_WAYS = ((), (3,), (2,), (2, 3))  # to turn images (N, C, H, W)


def nearer(samples: Tensor, training: Tensor, held_out: Tensor) -> float:
    """Return the share of samples nearer to a training image, flipped or not, than every held-out image is."""
    return _compared()(samples, training, held_out)


def _nearer(function: Callable) -> dict[str, Any]:
    # Copies of each turn with noise from faint to strong, of one turn more than of another, and new images: so a share
    # tells where the limit was and which turns were tried. Some held-out images are copies as well, nearest in case 4.
    found = {}
    for case in range(4):
        rng = seeded_generator("nearer", case)
        training = torch.randn(15, 2, 4, 4, generator=rng)
        copies = [training[:n].flip(dims) for n, dims in zip((9, 11, 13, 15), ALL_WAYS, strict=True)]
        samples = torch.cat([*copies, torch.randn(9, 2, 4, 4, generator=rng)])
        strength = torch.linspace(0.05, 1.2, 57)[torch.randperm(57, generator=rng)]
        samples = samples + strength[:, None, None, None] * torch.randn(samples.shape, generator=rng)
        held_out = torch.cat([torch.randn(8, 2, 4, 4, generator=rng), training[9:].flip(ALL_WAYS[case])])
        held_out = held_out + (0.7, 0.6, 0.5, 0.02)[case] * torch.randn(held_out.shape, generator=rng)
        found[f"the share in case {case + 1}"] = function(samples, training, held_out)
    return found


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


UPSAMPLED_SLIPS = (
    (_convolved(turn=()), "the kernel is not turned round: a convolution reads it the other way; flip both sides."),
    (_convolved(turn=(3,)), "the kernel is flipped left to right only; it must also be flipped top to bottom."),
    (_convolved(turn=(2,)), "the kernel is flipped top to bottom only; it must also be flipped left to right."),
    (
        _convolved(swap=False),
        "input and output channels are mixed up: F.conv2d wants (O, C, k, k), this is (C, O, k, k).",
    ),
    (
        _convolved(turn=(), swap=False),
        "the kernel is neither flipped, nor are its channels in conv2d's order (O, C, k, k).",
    ),
    (
        _convolved(margin=lambda k, padding: padding),
        "the margin of zeros is too narrow: the first pixel must meet every weight of the kernel. How wide is that?",
    ),
    (
        _convolved(margin=lambda k, padding: k - 1),
        "`padding` plays no part: a transposed convolution *cuts* so many rows and columns off each side.",
    ),
    (
        _convolved(margin=lambda k, padding: k - 1 + padding),
        "`padding` has the wrong sign: a transposed convolution *cuts* so many rows and columns off each side.",
    ),
    (
        _convolved(turn=(), margin=lambda k, padding: padding),
        "you padded by `padding` and left the kernel as it is. Two things are missing: flip the kernel both ways, and "
        "pad by k - 1 - padding.",
    ),
    (
        lambda x, weight, stride, padding: _convolved(turn=())(x, weight.mT, stride, padding),
        "you transposed the kernel: its rows became columns. Turn it round instead, with .flip(2, 3).",
    ),
    (
        _convolved(spread=_with_too_many_zeros),
        "you put `stride` zeros between two pixels: that moves them stride + 1 apart. Put stride - 1.",
    ),
    (_convolved(spread=lambda x, stride: x), "the stride plays no part: where do the zeros between the pixels go?"),
    (
        _convolved(spread=_with_zeros_behind_each),
        "there are zeros behind the last pixel as well: they belong *between* pixels, stride (in - 1) + 1 in all.",
    ),
    (
        _convolved(spread=_repeated),
        "the pixels are repeated; put zeros between them, or each is stamped several times.",
    ),
    (
        _convolved(spread=_resized),
        "the pixels are repeated: that is the resize-convolution of (3.10); here zeros go between them.",
    ),
)
LAYER_SLIPS = (
    (
        ((4, 1, 0),) + 3 * ((5, 3, 1),),
        "the sizes are right, but a stride does not divide its kernel: some pixels get more stamps than others.",
    ),
    (((4, 1, 0),) + 3 * ((3, 3, 0),), "the sizes are right, but where kernel = stride no stamp meets its neighbours."),
    (((4, 1, 0),) + 3 * ((4, 2, 1),), "these layers double, as DCGAN's do; wanted is three times the side."),
    (((4, 1, 0),) + 3 * ((6, 3, 1),), "one pixel too many a layer: (3.5) triples when k - s = 2p."),
    (((4, 1, 0),) + 3 * ((6, 3, 2),), "one pixel too few a layer: (3.5) triples when k - s = 2p."),
    (((4, 1, 0),) + 3 * ((9, 3, 0),), "nothing is cut off: (3.5) triples when k - s = 2p."),
    (((4, 1, 0),) + 3 * ((9, 3, 6),), "too much is cut off: `padding` goes off *each* end, so (3.5) has 2p."),
    (
        ((4, 2, 1),) + 3 * ((9, 3, 3),),
        "your first layer makes 2 x 2 of its single pixel: by (3.5) with in = 1 the side is k - 2p, whatever s is.",
    ),
    (4 * ((9, 3, 3),), "the first layer starts from a single pixel: (3.5) with in = 1."),
)


def _nearer_quarter_turns(samples: Tensor, training: Tensor, held_out: Tensor) -> Tensor:
    def away(images: Tensor) -> Tensor:
        turned = (training.rot90(k, (2, 3)).flatten(1) for k in range(4))
        return torch.stack([torch.cdist(images.flatten(1), one) for one in turned]).amin((0, 2))

    return (away(samples) < away(held_out).min()).double().mean()


NEARER_SLIPS = (
    (
        _nearer_quarter_turns,
        "you turned the training images by quarter turns. The four ways here are flips: none, left to right, upside "
        "down, and both.",
    ),
    (_compared(ways=((),)), "flipped copies go unnoticed: compare with all four ways to turn a training image."),
    (_compared(ways=((), (3,))), "only left to right is flipped; a copy may be upside down as well, or both."),
    (_compared(ways=((), (2,))), "only upside down is flipped; a copy may be turned left to right as well, or both."),
    (_compared(ways=((), (3,), (2,))), "a copy flipped both ways, turned by half a circle, goes unnoticed."),
    (_compared(ways=((), (2, 3))), "images flipped in one direction only go unnoticed."),
    (
        _compared(ways_held_out=((),)),
        "the yardstick is measured otherwise than the samples: for held-out images the training images turn as well.",
    ),
    (
        _compared(of_training=lambda away: away.mean(1)),
        "that is the mean distance to the training images, not the least.",
    ),
    (
        _compared(yardstick=lambda away: away.max()),
        "that is nearer than *some* held-out image; wanted is: than every one.",
    ),
    (
        _compared(yardstick=lambda away: away.mean()),
        "the limit is the mean of the held-out distances; wanted is the least.",
    ),
    (
        _compared(yardstick=lambda away: away.median()),
        "the limit is the median held-out distance; wanted is the least.",
    ),
    (
        _compared(yardstick=lambda away: away.quantile(0.01)),
        "that is the 1% limit of the lesson; here the limit is the nearest held-out image.",
    ),
    (_compared(result=lambda is_nearer: 100 * is_nearer.double().mean()), "that is a percentage; wanted is a share."),
    (_compared(result=lambda is_nearer: is_nearer.sum()), "that is a number of samples; wanted is a share."),
    (_compared(result=lambda is_nearer: 1 - is_nearer.double().mean()), "that is the share that is *not* nearer."),
    (_compared(swap=True), "samples and held-out images are swapped."),
)

EXERCISES = {
    "03.1": Exercise(_upsampled, upsampled, tuple(Slip(*slip) for slip in UPSAMPLED_SLIPS)),
    "03.2": Exercise(_layers, LAYERS, tuple(Slip(*slip) for slip in LAYER_SLIPS)),
    "03.3": Exercise(_nearer, nearer, tuple(Slip(*slip) for slip in NEARER_SLIPS)),
}
