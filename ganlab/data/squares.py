"""Squares cut at random from a few large pictures: many contents of few files."""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.data.batches import Batch
from ganlab.data.packaged import fingerprint
from ganlab.data.pixels import to_floats
from ganlab.runtime import seeded_generator, whole_number

SMALLEST = 0.4  # of a picture's shorter side: the smallest square that is cut


class Crops:
    """Batches (batch_size, C, size, size) in [-1, 1] of squares cut from pictures (N, C, H, W), uint8.

    A square's side is from 0.4 of the picture's shorter side to all of it, brought to `size` pixels; half of them are
    turned left to right. `at(step)` depends on nothing but (seed, step).
    """

    def __init__(self, pictures: Tensor, batch_size: int, *, size: int = 128, seed: int = 0) -> None:
        if pictures.ndim != 4 or not len(pictures) or pictures.dtype != torch.uint8:
            raise ValueError(f"pictures: got {pictures.dtype} {tuple(pictures.shape)}, expected uint8 (N, C, H, W)")
        self.pictures = pictures
        self.batch_size = whole_number("batch_size", batch_size, least=1)
        self.size = whole_number("size", size, least=8)
        self.seed = whole_number("seed", seed, least=0)

    def at(self, step: int) -> Tensor:
        """Return the squares of training step `step`, float32 (B, C, size, size)."""
        draws = torch.rand(self.batch_size, 5, generator=seeded_generator(self.seed, step, "crops"))
        return torch.cat([self._square(*row) for row in draws.tolist()])

    def batch(self, step: int) -> Batch:
        """Return the squares of training step `step`."""
        return Batch(self.at(step))

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What the batches are made from and how, as `Batches.identity`."""
        digest = fingerprint({"pictures": self.pictures})
        settings = {name: getattr(self, name) for name in ("batch_size", "size")}
        return {"kind": "crops", "digest": digest, "order_seed": self.seed, **settings}

    def _square(self, which: float, portion: float, down: float, across: float, turned: float) -> Tensor:
        picture = self.pictures[int(which * len(self.pictures))]
        height, width = picture.shape[1:]
        side = round((SMALLEST + (1 - SMALLEST) * portion) * min(height, width))
        top, left = int(down * (height - side + 1)), int(across * (width - side + 1))
        square = to_floats(picture[None, :, top : top + side, left : left + side])
        square = F.interpolate(square, (self.size, self.size), mode="bilinear", antialias=True).clamp(-1, 1)
        return square.flip(3) if turned < 0.5 else square
