"""The exercises of lesson 03: a transposed convolution without stamps, the layers of a generator for 28 x 28.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit
from ganlab.runtime import seeded_generator, whole_number


def upsampled(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return the transposed convolution of x (B, C, H, W) with weight (C, O, k, k), by a plain convolution."""
    return _convolved()(x, weight, stride, padding)


def _upsampled(function: Callable) -> dict[str, Any]:
    # As many channels out as in: whoever leaves them in the wrong order gets numbers, and a hint, not an exception.
    numbers = {}
    for kernel, stride, padding in [(3, 2, 0), (4, 2, 1), (2, 3, 0), (3, 1, 1)]:
        rng = seeded_generator("upsampled", kernel, stride)
        x = torch.randn(2, 2, 3, 4, generator=rng)
        weight = torch.randn(2, 2, kernel, kernel, generator=rng)
        numbers[f"kernel {kernel}, stride {stride}, padding {padding}"] = function(x, weight, stride, padding)
    return numbers


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


LAYERS = ((7, 1, 0), (4, 2, 1), (4, 2, 1))


def layers_from_one_pixel(given: list) -> tuple[Tensor, bool, bool] | None:
    """Return the sides that layers (kernel, stride, padding) make of one pixel, and what is wrong with their stamps.

    That is: whether some layer after the first covers its pixels unevenly, and whether stamps in one do not overlap.
    None for layers that are still to be filled in. The layers of 03b are judged by this, too.
    """
    for number, layer in enumerate(given, start=1):
        if layer is not ... and len(layer if isinstance(layer, tuple | list) else ()) != 3:
            raise Unfit(f"layer {number} is three numbers, (kernel, stride, padding): got {layer!r}")
    if any(layer is ... or ... in tuple(layer) for layer in given):
        return None
    side = 1
    sides = []
    uneven = False
    apart = False
    for number, (kernel, stride, padding) in enumerate(given, start=1):
        for name, value, least in (("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0)):
            whole_number(f"{name} of layer {number}", value, least)
        side = stride * (side - 1) - 2 * padding + kernel
        if side < 1:
            raise Unfit(f"layer {number} would have a side of {side}: its padding cuts everything off")
        sides.append(side)
        uneven |= number > 1 and kernel % stride != 0  # the first layer has one stamp in all
        apart |= number > 1 and kernel <= stride
    return torch.tensor(sides), uneven, apart


def _layers(given: list) -> dict[str, Any]:
    if (facts := layers_from_one_pixel(given)) is None:
        return {"layers": ...}
    sides, _, apart = facts
    return {"the sides": sides, "a layer's stamps do not overlap (1 is yes)": apart}


UPSAMPLED_SLIPS = (
    (
        _convolved(turn=()),
        "You did not turn the kernel round: a convolution reads it the other way; flip both sides.",
    ),
    (_convolved(turn=(3,)), "You flipped the kernel left to right only; it must also be flipped top to bottom."),
    (_convolved(turn=(2,)), "You flipped the kernel top to bottom only; it must also be flipped left to right."),
    (
        _convolved(swap=False),
        "You mixed up input and output channels: F.conv2d wants (O, C, k, k), this is (C, O, k, k).",
    ),
    (
        _convolved(turn=(), swap=False),
        "You took the kernel as it is: it is neither flipped, nor are its channels in conv2d's order (O, C, k, k).",
    ),
    (
        _convolved(margin=lambda k, padding: padding),
        "You made the margin of zeros too narrow: the first pixel must meet every "
        "weight of the kernel. How wide is that?",
    ),
    (
        _convolved(margin=lambda k, padding: 0),
        "You put zeros between the pixels, but none around them: the first pixel must meet every weight of the kernel.",
    ),
    (
        lambda x, weight, stride, padding: F.conv2d(
            x, weight.flip(2, 3).transpose(0, 1), stride=stride, padding=weight.shape[2] - 1 - padding
        ),
        "You gave the stride to F.conv2d, which makes the result smaller. Put stride - 1 zeros between the pixels, and "
        "let the kernel move by 1.",
    ),
    (
        _convolved(margin=lambda k, padding: k - 1),
        "You left `padding` out, so it plays no part: a transposed convolution *cuts* so many rows and columns "
        "off each side.",
    ),
    (
        _convolved(margin=lambda k, padding: k - 1 + padding),
        "You gave `padding` the wrong sign: a transposed convolution *cuts* so many rows and columns off each side.",
    ),
    (
        _convolved(margin=lambda k, padding: k - padding),
        "You made the margin of zeros one too wide: the first pixel then misses the kernel once. Take k - 1 - padding.",
    ),
    (
        lambda x, weight, stride, padding: upsampled(x, weight, stride, 0)[..., padding:-padding, padding:-padding],
        "You cut with [padding:-padding], which leaves nothing when padding is 0. Cut at the side minus padding, or "
        "take a margin of k - 1 - padding.",
    ),
    (
        _convolved(turn=(), margin=lambda k, padding: padding),
        "You padded by `padding` and left the kernel as it is. Two things are missing: flip the kernel both ways, and "
        "pad by k - 1 - padding.",
    ),
    (
        lambda x, weight, stride, padding: _convolved(turn=())(x, weight.mT, stride, padding),
        "You transposed the kernel: its rows became columns. Turn it round instead, with .flip(2, 3).",
    ),
    (
        _convolved(spread=_with_too_many_zeros),
        "You put `stride` zeros between two pixels: that moves them stride + 1 apart. Put stride - 1.",
    ),
    (
        _convolved(spread=lambda x, stride: x),
        "You left the stride out, so it plays no part: where do the zeros between the pixels go?",
    ),
    (
        _convolved(spread=_with_zeros_behind_each),
        "You put zeros behind the last pixel as well: they belong *between* pixels, stride (in - 1) + 1 in all.",
    ),
    (
        _convolved(spread=_repeated),
        "You repeated the pixels; put zeros between them, or each is stamped several times.",
    ),
    (
        _convolved(spread=_resized),
        "You made each pixel larger: that is what Upsample does. Here zeros go between the pixels.",
    ),
)
LAYER_SLIPS = (
    (
        ((4, 1, 0),) + 2 * ((4, 2, 1),),
        "You chose layers that make 4, 8, 16, as for images of 32 pixels. By (3.2) with in = 1 the first side is "
        "k - 2p: make it 7.",
    ),
    (
        3 * ((4, 2, 1),),
        "Your first layer makes 2, so the sides are 2, 4, 8. By (3.2) with in = 1 a side is k - 2p, whatever the "
        "stride is: make it 7.",
    ),
    (
        ((7, 2, 1),) + 2 * ((4, 2, 1),),
        "Your first layer makes 5: by (3.2) with in = 1 its side is k - 2p, whatever the stride is.",
    ),
    (
        ((7, 1, 3),) + 2 * ((4, 2, 1),),
        "Your first layer makes one pixel of one pixel: its padding cuts 3 off each side of the stamp.",
    ),
    (
        ((7, 1, 0),) + 2 * ((3, 2, 1),),
        "You make one pixel too few in each doubling. By (3.2) a layer doubles when k = 2 + 2p, an even number.",
    ),
    (
        ((7, 1, 0),) + 2 * ((5, 2, 1),),
        "You make one pixel too many in each doubling. By (3.2) a layer doubles when k = 2 + 2p, an even number.",
    ),
    (
        ((7, 1, 0),) + 2 * ((2, 2, 0),),
        "Your sizes are right, but with kernel = stride no stamp meets its neighbours: there will be seams.",
    ),
    (((7, 1, 0),) + 2 * ((4, 2, 0),), "You cut nothing off: a kernel of 4 doubles only with padding 1."),
    (
        ((7, 1, 0),) + 2 * ((4, 2, 2),),
        "You cut off too much: `padding` goes off *each* side, so (3.2) has 2p.",
    ),
    (((7, 1, 0),) + 2 * ((4, 1, 1),), "You left the stride at 1, so the stamps lie one pixel apart: nothing doubles."),
    (
        2 * ((4, 2, 1),) + ((7, 1, 0),),
        "You put the layers in the wrong order: the one that starts from one pixel and makes 7 comes first.",
    ),
    (
        ((7, 1, 0), (14, 1, 0), (28, 1, 0)),
        "You chose each kernel as wide as its image. Only the first layer starts from one pixel, where that is right.",
    ),
)

EXERCISES = {
    "03.1": Exercise(_upsampled, upsampled, tuple(Slip(*slip) for slip in UPSAMPLED_SLIPS)),
    "03.2": Exercise(_layers, LAYERS, tuple(Slip(*slip) for slip in LAYER_SLIPS)),
}
