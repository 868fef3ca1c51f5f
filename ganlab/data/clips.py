"""Clips, (N, T, C, H, W): made with every position known, and in seeded batches that live on the device."""

import dataclasses
import functools
import hashlib
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.data.batches import Batch, Shuffle
from ganlab.data.packaged import fingerprint
from ganlab.data.pixels import to_floats
from ganlab.data.sets import load
from ganlab.runtime import seeded_generator, whole_number

SPEEDS = (1.0, 2.0)  # pixels a frame, slowest and fastest: across the picture about once in 16 frames


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ClipSet:
    """Clips of equal length: uint8 (N, T, C, H, W) in 0..255; labels int64 (N,) that index `classes`, or None.

    `positions` (N, T, 2) float32, or None, are the true row and column in pixels of what moves, frame by frame. `notes`
    say what was left out or assumed when clips were read. ValueError, naming the argument, for all else.
    """

    clips: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    name: str = "clips"
    split: str = "train"
    positions: Tensor | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        clips = self.clips
        if not isinstance(clips, Tensor) or clips.dtype != torch.uint8 or clips.ndim != 5 or clips.numel() == 0:
            what = f"{clips.dtype} {tuple(clips.shape)}" if isinstance(clips, Tensor) else type(clips).__name__
            raise ValueError(f"clips: got {what}, expected a uint8 tensor (N, T, C, H, W) with at least one clip")
        if clips.shape[1] < 2:
            raise ValueError("clips: got 1 frame, expected at least 2: a single frame does not move")
        if self.labels is not None and self.labels.shape != clips.shape[:1]:
            raise ValueError(f"labels: got {tuple(self.labels.shape)}, expected ({len(clips)},), one for each clip")
        if self.positions is not None and self.positions.shape != (*clips.shape[:2], 2):
            want = (*clips.shape[:2], 2)
            raise ValueError(f"positions: got {tuple(self.positions.shape)}, expected {want}, one for each frame")

    def __len__(self) -> int:
        return len(self.clips)

    def __repr__(self) -> str:
        n, frames, channels, height, width = self.clips.shape
        classes = f" with {len(self.classes)} classes" if self.labels is not None else ""
        return f"{self.name} ({self.split}): {n:,} clips of {frames} frames of {channels}x{height}x{width}{classes}"

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of pixels, labels and names of classes, by which a checkpoint knows its data."""
        tensors = {"clips": self.clips, "labels": self.labels}
        content = fingerprint({name: tensor.cpu() for name, tensor in tensors.items() if tensor is not None})
        return hashlib.sha256("\n".join((content, *self.classes)).encode()).hexdigest()

    def batches(self, batch_size: int, seed: int = 0, device: str | torch.device = "cpu") -> "ClipBatches":
        """Return an endless source of float32 batches (batch_size, T, C, H, W) in [-1, 1], on `device`.

        ValueError for a batch_size that is not a whole number from 1 to N.
        """
        return ClipBatches(self, batch_size, seed, device=device)


class ClipBatches:
    """Shuffled batches of one set of clips; `at(step)` depends on nothing but (seed, step), as `Batches` does."""

    def __init__(self, clips: ClipSet, batch_size: int, seed: int, *, device: str | torch.device) -> None:
        if whole_number("batch_size", batch_size, least=1) > len(clips):
            raise ValueError(f"batch_size: got {batch_size}, expected at most the {len(clips)} clips of {clips!r}")
        self.batch_size = batch_size
        self.seed = whole_number("seed", seed, least=0)
        self.device = torch.device(device)
        self._set = clips
        self._shuffle = Shuffle(len(clips), batch_size, self.seed, device=self.device)
        self._clips = clips.clips.to(self.device)
        self._labels = None if clips.labels is None else clips.labels.to(self.device)

    def at(self, step: int) -> Tensor:
        """Return the clips of training step `step` (0, 1, ...), float32 (B, T, C, H, W) in [-1, 1]."""
        return to_floats(self._clips[self._shuffle.rows(step)])

    def batch(self, step: int) -> Batch:
        """Return clips and classes of training step `step`."""
        y = None if self._labels is None else self._labels[self._shuffle.rows(step)]
        return Batch(self.at(step), y)

    @property
    def identity(self) -> dict[str, Any]:
        """What the batches are made from and how, as `Batches.identity`."""
        return {
            "set": f"{self._set!r}",
            "digest": self._set.digest,
            "batch_size": self.batch_size,
            "order_seed": self.seed,
        }


def bouncing(start: Tensor, velocity: Tensor, frames: int, *, low: float, high: float) -> Tensor:
    """Return positions (N, frames, D) of points that start at (N, D), move by `velocity` (N, D) a frame, and bounce.

    Walls stand at `low` and `high` in each dimension; a bounce turns the sign of one component and loses no speed. The
    path on a line without walls is folded back into the interval.
    """
    t = torch.arange(frames, dtype=start.dtype)[:, None]  # (T, 1)
    free = start[:, None] + velocity[:, None] * t - low  # (N, T, D)
    folded = free.remainder(2 * (high - low))
    return low + torch.minimum(folded, 2 * (high - low) - folded)


def crops(pictures: Tensor, corners: Tensor, size: int) -> Tensor:
    """Return squares of `size` pixels, (N, T, C, size, size), cut out of pictures (N, C, H, W), float.

    `corners` (N, T, 2) are rows and columns of their upper left pixels, any real numbers: between pixels the picture is
    interpolated on a line, and beyond its edge it is 0.
    """
    n, frames, _ = corners.shape
    height, width = pictures.shape[2:]
    offsets = torch.arange(size, dtype=pictures.dtype)
    rows = corners[..., 0, None] + offsets  # (N, T, size)
    columns = corners[..., 1, None] + offsets
    y = ((2 * rows + 1) / height - 1)[..., :, None].expand(-1, -1, -1, size)  # grid_sample's own units
    x = ((2 * columns + 1) / width - 1)[..., None, :].expand(-1, -1, size, -1)
    grid = torch.stack([x, y], dim=-1).view(n, frames * size, size, 2)
    cut = F.grid_sample(pictures, grid, mode="bilinear", align_corners=False)  # (N, C, T * size, size)
    return cut.view(n, -1, frames, size, size).transpose(1, 2)


def moving_digits(
    n: int,
    split: str = "train",
    *,
    frames: int = 16,
    size: int = 32,
    seed: int = 0,
) -> ClipSet:
    """Return n clips of one digit of half the usual size, 14x14 pixels, that moves straight and bounces off the edge.

    The digits are those of `load("digits", split)`, in a random order. Start and direction are uniform; the speed is
    uniform between SPEEDS, in pixels a frame, and never changes. `positions` are the centre of the digit's square.
    After Srivastava et al. 2015 (two larger digits in 64x64 pixels). ValueError for fewer than 2 frames or a side below
    16.
    """
    whole_number("n", n, least=1)
    whole_number("frames", frames, least=2)
    whole_number("size", size, least=16)
    digits = load("digits", split)
    generator = seeded_generator(seed, "moving digits", split)
    which = torch.randint(0, len(digits), (n,), generator=generator)
    sprites = F.avg_pool2d(digits.images.float(), 2)  # (N, 1, 14, 14)
    side = sprites.shape[-1]
    low, high = side / 2, size - side / 2
    start = low + (high - low) * torch.rand(n, 2, generator=generator)
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    slowest, fastest = SPEEDS
    speed = slowest + (fastest - slowest) * torch.rand(n, generator=generator)
    velocity = speed[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)
    positions = bouncing(start, velocity, frames, low=low, high=high)
    # the picture's own corner lies at -(position - side / 2) in the digit's pixels
    clips = torch.cat(
        [crops(sprites[w], side / 2 - p, size) for w, p in zip(which.split(500), positions.split(500), strict=True)]
    )
    clips = clips.round().to(torch.uint8)
    return ClipSet(clips, digits.labels[which], digits.classes, "moving digits", split, positions)


def flights(n: int, split: str = "train", *, frames: int = 16, size: int = 32, seed: int = 0) -> ClipSet:
    """Return n clips of a straight flight over NASA's Blue Marble, colour: a window that glides over a tile of "earth".

    The window of `size` pixels goes from one random place in a tile of 64x64 to another, at one speed. `positions` are
    its centre in the tile; the picture moves the other way. ValueError for fewer than 2 frames or a side above 63.
    """
    whole_number("n", n, least=1)
    whole_number("frames", frames, least=2)
    tiles = load("earth", split)
    room = tiles.images.shape[-1] - whole_number("size", size, least=8)
    if room < 1:
        raise ValueError(f"size: got {size}, expected at most 63, so that a tile of 64 pixels leaves room to fly")
    generator = seeded_generator(seed, "flights", split)
    which = torch.randint(0, len(tiles), (n,), generator=generator)
    ends = room * torch.rand(2, n, 1, 2, generator=generator)
    t = torch.linspace(0, 1, frames)[:, None]
    corners = ends[0] + (ends[1] - ends[0]) * t  # (N, T, 2)
    clips = crops(tiles.images[which].float(), corners, size).round().to(torch.uint8)
    return ClipSet(clips, tiles.labels[which], tiles.classes, "flights", split, corners + size / 2)


CLIPS = {"moving-digits": moving_digits, "flights": flights}  # by the names that the command line has for them
