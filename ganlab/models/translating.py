"""Pictures through a generator that translates them: many of one size, or one of any size in tiles without seams."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab.data import pixels
from ganlab.models.modes import evaluating

AT_ONCE = 2**21  # numbers of pictures that go through a network in one go
TILE = 256  # pixels
OVERLAP = 128  # pixels that two tiles share


@torch.no_grad()
def translate(network: nn.Module, pictures: Tensor) -> Tensor:
    """Return pictures (N, C, H, W), uint8 or float in [-1, 1], through a network in evaluation mode, on the CPU.

    A few at a time, so that memory does not grow with N.
    """
    device = next(network.parameters()).device
    at_once = max(1, AT_ONCE // (64 * max(1, pictures[0].numel())))
    with evaluating(network):
        parts = [network(pixels.to_floats(part).to(device)).float().cpu() for part in pictures.split(at_once)]
    return torch.cat(parts)


def translate_tiled(network: nn.Module, picture: Tensor) -> Tensor:
    """Return one picture (C, H, W) of any size, uint8 or float in [-1, 1], through a network, (channels, H, W), CPU.

    From a network that enlarges (its attribute `factor`) the answer has so many times the sides. A picture larger than
    256 pixels goes through in tiles that share 128 pixels. The outer quarter of what two tiles share is thrown
    away, as there a tile lacks what is beside it, and the rest of one fades into the other's. The border is repeated up
    to the multiple of pixels that the network takes (its attribute `multiple`, else 1), which must fit into the tiles.
    """
    multiple = getattr(network, "multiple", 1)
    factor = getattr(network, "factor", 1)
    if OVERLAP % (4 * multiple):
        raise ValueError(f"network: takes multiples of {multiple} pixels, expected a divisor of {OVERLAP // 4}")
    height, width = picture.shape[1:]
    sides = [-(-side // multiple) * multiple for side in (height, width)]
    margins = (0, sides[1] - width, 0, sides[0] - height)
    whole = F.pad(pixels.to_floats(picture)[None], margins, mode="replicate")  # (1, C, H', W')
    total: Tensor | None = None
    weights = torch.zeros([factor * side for side in sides])
    for top, down in _tiles(sides[0], TILE, OVERLAP):
        for left, right in _tiles(sides[1], TILE, OVERLAP):
            made = translate(network, whole[:, :, top:down, left:right])[0]
            if total is None:
                total = torch.zeros(len(made), *weights.shape)
            rows = _weights(factor * top, factor * down, factor * sides[0], factor * OVERLAP)
            columns = _weights(factor * left, factor * right, factor * sides[1], factor * OVERLAP)
            weight = rows[:, None] * columns
            here = (slice(factor * top, factor * down), slice(factor * left, factor * right))
            total[:, *here] += weight * made
            weights[here] += weight
    return (total / weights)[:, : factor * height, : factor * width]


def _tiles(side: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Return first and last pixel (exclusive) of each tile along a side; the last one ends where the picture does."""
    if side <= tile:
        return [(0, side)]
    starts = [*range(0, side - tile, tile - overlap), side - tile]
    return [(start, start + tile) for start in starts]


def _weights(start: int, end: int, side: int, overlap: int) -> Tensor:
    """Return the weight of each pixel of a tile along a side: 1 inside, 0 in the outer quarter of what it shares."""
    place = torch.arange(start, end) + 0.5
    before = place - start if start else torch.full_like(place, overlap)
    after = end - place if end < side else torch.full_like(place, overlap)
    inside = torch.minimum(before, after)
    return ((inside - overlap / 4) / (overlap / 2)).clamp(0, 1)
