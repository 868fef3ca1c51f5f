"""The exercises of lesson 03b: layers that triple without a weave, and the sums that decide whether there is one.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_03 import layers_from_one_pixel
from ganlab.runtime import seeded_generator

LAYERS = ((4, 1, 0), (9, 3, 3), (9, 3, 3), (9, 3, 3))


def _layers(given: list) -> dict[str, Any]:
    if (facts := layers_from_one_pixel(given)) is None:
        return {"layers": ...}
    sides, uneven, apart = facts
    return {
        "the sides": sides,
        "a layer covers its pixels unevenly (1 is yes)": uneven,
        "a layer's stamps do not overlap (1 is yes)": apart,
    }


def phase_sums(weight: Tensor, stride: int) -> Tensor:
    """Return the outputs (stride, stride), one a phase, that weight (C, k, k) makes of an input of ones, by (3b.2)."""
    rows = [[weight[:, p::stride, q::stride].sum() for q in range(stride)] for p in range(stride)]
    return torch.tensor(rows)


def _phase_sums(function: Callable) -> dict[str, Any]:
    numbers = {}
    for channels, kernel, stride in [(3, 4, 2), (2, 6, 3), (2, 5, 2)]:
        weight = torch.randn(channels, kernel, kernel, generator=seeded_generator("phase_sums", kernel))
        numbers[f"kernel {kernel}, stride {stride}"] = function(weight, stride)
    return numbers


def _by_phase(value: Callable[[Tensor], Tensor] = torch.sum) -> Callable:
    """Return a `phase_sums` that does something else with the weights (C, ., .) of a phase than to add them."""

    def function(weight: Tensor, stride: int) -> Tensor:
        rows = [torch.stack([value(weight[:, p::stride, q::stride]) for q in range(stride)]) for p in range(stride)]
        return torch.stack(rows)

    return function


def _blocks(weight: Tensor, stride: int) -> Tensor:
    side = weight.shape[1] // stride
    places = [slice(side * p, side * (p + 1)) for p in range(stride)]
    return torch.stack([torch.stack([weight[:, rows, columns].sum() for columns in places]) for rows in places])


def _sums(weight: Tensor, stride: int, places: Callable[[int], slice]) -> Tensor:
    rows = [[weight[:, places(p), places(q)].sum() for q in range(stride)] for p in range(stride)]
    return torch.tensor(rows)


def _channels_too(weight: Tensor, stride: int) -> Tensor:
    return torch.tensor([[weight[p::stride, q::stride].sum() for q in range(stride)] for p in range(stride)])


def _each_channel(weight: Tensor, stride: int) -> Tensor:
    return torch.stack([phase_sums(channel[None], stride) for channel in weight])


LAYER_SLIPS = (
    (
        ((4, 1, 0),) + 3 * ((5, 3, 1),),
        "Your sizes are right, but a stride does not divide its kernel: some pixels get more stamps than others.",
    ),
    (((4, 1, 0),) + 3 * ((3, 3, 0),), "Your sizes are right, but where kernel = stride no stamp meets its neighbours."),
    (((4, 1, 0),) + 3 * ((4, 2, 1),), "Your layers double the side. Each has to make it three times as long."),
    (((4, 1, 0),) + 3 * ((6, 3, 1),), "You make one pixel too many a layer: (3.2) triples when k - s = 2p."),
    (((4, 1, 0),) + 3 * ((6, 3, 2),), "You make one pixel too few a layer: (3.2) triples when k - s = 2p."),
    (((4, 1, 0),) + 3 * ((9, 3, 0),), "You cut nothing off: (3.2) triples when k - s = 2p."),
    (((4, 1, 0),) + 3 * ((9, 3, 6),), "You cut too much off: `padding` goes off *each* end, so (3.2) has 2p."),
    (
        ((4, 2, 1),) + 3 * ((9, 3, 3),),
        "Your first layer makes 2 x 2 of its single pixel: by (3.2) with in = 1 the side is k - 2p, whatever s is.",
    ),
    (
        3 * ((9, 3, 3),) + ((4, 1, 0),),
        "You put the layers in the wrong order: the one that starts from one pixel and makes 4 comes first.",
    ),
    (3 * ((9, 3, 3),), "You gave three layers: a fourth, before them, makes 4 x 4 of the single pixel."),
    (
        4 * ((4, 2, 1),),
        "Your layers double the side, and the first makes 2 of its single pixel: by (3.2) with in = 1 it is k - 2p.",
    ),
    (
        4 * ((9, 3, 3),),
        "You let the first layer triple, too: the first layer starts from a single pixel: (3.2) with in = 1.",
    ),
)


PHASE_SLIPS = (
    (
        _blocks,
        "You cut the kernel into blocks. A phase has every stride-th row and column: weight[:, p::stride, q::stride].",
    ),
    (_by_phase(torch.mean), "You took the mean of a phase's weights; the stamps are added, so take the sum."),
    (_each_channel, "You kept the channels apart; the stamps of all input channels are added as well."),
    (
        lambda weight, stride: _by_phase(lambda part: part.sum((1, 2)).mean())(weight, stride),
        "You averaged over the channels; the stamps of all input channels are added.",
    ),
    (
        lambda weight, stride: phase_sums(weight[:1], stride),
        "You added up the first channel only; the stamps of all input channels are added.",
    ),
    (
        lambda weight, stride: phase_sums(weight, stride).T,
        "You exchanged rows and columns: the first index of the result is the row's phase.",
    ),
    (
        lambda weight, stride: phase_sums(weight.flip(1, 2), stride),
        "You turned the kernel round. A stamp is not turned: pixel (0, 0) gets the weight (0, 0).",
    ),
    (
        lambda weight, stride: phase_sums(weight.rot90(1, (1, 2)), stride),
        "You turned the kernel by 90 degrees. A stamp is not turned: row p of the square has the rows p::stride.",
    ),
    (
        lambda weight, stride: phase_sums(weight.rot90(-1, (1, 2)), stride),
        "You turned the kernel by 90 degrees. A stamp is not turned: row p of the square has the rows p::stride.",
    ),
    (
        lambda weight, stride: phase_sums(weight, stride).rot90(1),
        "You turned the square of sums by 90 degrees: row p and column q hold the phase (p, q).",
    ),
    (
        lambda weight, stride: phase_sums(weight, stride).rot90(-1),
        "You turned the square of sums by 90 degrees: row p and column q hold the phase (p, q).",
    ),
    (
        lambda weight, stride: phase_sums(weight, stride).flip(0),
        "Your rows of the square stand upside down: row p and column q hold the phase (p, q).",
    ),
    (
        lambda weight, stride: phase_sums(weight, stride).flip(1),
        "Your columns of the square stand in reverse: row p and column q hold the phase (p, q).",
    ),
    (
        _by_phase(lambda part: part[:, 0, 0].sum()),
        "You took one weight for each phase; a pixel gets all weights whose row and column have its phase.",
    ),
    (
        _by_phase(lambda part: torch.tensor(float(part[0].numel()))),
        "You counted the stamps; with weights that differ it is their sum that counts.",
    ),
    (
        _channels_too,
        "You took every stride-th channel and row: index 0 is the channel. Take weight[:, p::stride, q::stride].",
    ),
    (
        lambda weight, stride: _sums(weight, stride, lambda p: slice(p, None, 2)),
        "You took every second row and column, whatever the stride is: take every stride-th.",
    ),
    (
        lambda weight, stride: _sums(weight, stride, lambda p: slice(p, p + stride)),
        "You took neighbouring rows and columns. A phase has every stride-th: weight[:, p::stride, q::stride].",
    ),
    (_by_phase(lambda part: part.abs().sum()), "You added absolute values; weights of opposite sign cancel."),
    (
        lambda weight, stride: phase_sums(weight, stride) - phase_sums(weight, stride).mean(),
        "You took the mean off the sums; they are wanted as they are.",
    ),
)

EXERCISES = {
    "03b.1": Exercise(_layers, LAYERS, tuple(Slip(*slip) for slip in LAYER_SLIPS)),
    "03b.2": Exercise(_phase_sums, phase_sums, tuple(Slip(*slip) for slip in PHASE_SLIPS)),
}
