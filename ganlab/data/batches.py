"""Image sets as tensors, and seeded batches of them that live on the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlab.runtime import seeded_generator, whole_number

SCALES = ("tanh", "unit", "binary")
FLIPS = {"none": (), "horizontal": (3,), "both": (2, 3)}  # the dimensions of (B, C, H, W) that may be turned round


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """One split of a set: images uint8 (N, C, H, W) in 0..255; labels int64 (N,) that index `classes`, or None.

    `pairs`, uint8 (N, C, H, W) or None, holds a second picture of the same place: for earth, the relief of each tile.
    """

    images: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    name: str
    split: str
    pairs: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        count, channels, height, width = self.images.shape
        extras = [f"{len(self.classes)} classes"] if self.labels is not None else []
        extras += ["pairs"] if self.pairs is not None else []
        what = " with " + " and ".join(extras) if extras else ""
        return f"{self.name} ({self.split}): {count:,} images of {channels}x{height}x{width}{what}"

    def batches(
        self,
        batch_size: int,
        seed: int = 0,
        device: str | torch.device = "cpu",
        scale: str = "tanh",
        flip: str = "none",
        shift: int = 0,
    ) -> "Batches":
        """Return an endless source of float32 batches (batch_size, C, H, W) on `device`.

        `scale` is "tanh" for [-1, 1], "unit" for [0, 1], or "binary": each pixel is 1 with probability value / 255,
        drawn afresh at each step (dynamic binarization, Burda et al. 2016). `flip` is "none", or turns each image
        round with probability 1/2, left to right ("horizontal") or in each direction on its own ("both"); `shift`
        moves each by up to so many pixels, and repeats the edge. Raises ValueError for a scale or flip that is none of
        these, a seed that is not a whole number >= 0, a batch_size that is not one from 1 to N, or a shift that is not
        one from 0 to half a side.
        """
        return Batches(self, batch_size, seed, device, scale, flip, shift)


class Batches:
    """Shuffled batches of one set, which sits on the device as one uint8 tensor; made by `ImageSet.batches`.

    `at(step)` depends on nothing but (seed, step), so a resumed run sees what it would have seen. Each epoch of
    `steps_per_epoch` steps shows the images in a new order, each at most once; a last, partial batch is dropped.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        seed: int,
        device: str | torch.device,
        scale: str,
        flip: str = "none",
        shift: int = 0,
    ) -> None:
        if whole_number("batch_size", batch_size, least=1) > len(images):
            raise ValueError(f"batch_size: got {batch_size}, expected at most the {len(images)} images of {images!r}")
        if scale not in SCALES:
            raise ValueError(f"scale: got {scale!r}, expected one of {', '.join(SCALES)}")
        if flip not in FLIPS:
            raise ValueError(f"flip: got {flip!r}, expected one of {', '.join(FLIPS)}")
        most = min(images.images.shape[2:]) // 2
        if whole_number("shift", shift, least=0) > most:
            raise ValueError(f"shift: got {shift}, expected at most {most} pixels, half a side of {images!r}")
        self.batch_size, self.seed, self.scale = batch_size, whole_number("seed", seed, least=0), scale
        self.flip, self.shift = flip, shift
        self.device = torch.device(device)
        self.steps_per_epoch = len(images) // batch_size
        self._images = images.images.to(self.device)
        self._labels = None if images.labels is None else images.labels.to(self.device)
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))  # the epoch used last, and its permutation

    def at(self, step: int) -> Tensor:
        """Return the batch of training step `step` (0, 1, ...), float32 (B, C, H, W)."""
        pixels = self._changed(self._images[self._rows(step)], step)  # uint8 (B, C, H, W)
        if self.scale == "binary":
            # A draw from 0..254 is below the value with probability exactly value / 255. It is made on the CPU, so
            # that every device sees the same bits; the 1 keeps it apart from the permutations' generators.
            generator = seeded_generator(self.seed, step, 1)
            draws = torch.randint(0, 255, pixels.shape, generator=generator, dtype=torch.uint8)
            return (draws.to(self.device) < pixels).to(torch.float32)
        values = pixels.to(torch.float32)
        return values.div_(127.5).sub_(1) if self.scale == "tanh" else values.div_(255)

    def labels_at(self, step: int) -> Tensor:
        """Return the labels of the images of `at(step)`, int64 (B,); raises ValueError if the set has none."""
        if self._labels is None:
            raise ValueError("labels_at: this set has no labels")
        return self._labels[self._rows(step)]

    def __iter__(self) -> Iterator[Tensor]:
        step = 0
        while True:
            yield self.at(step)
            step += 1

    def _changed(self, pixels: Tensor, step: int) -> Tensor:
        """Flip and shift images (B, C, H, W) by draws made on the CPU, so that all devices see the same."""
        n, _, height, width = pixels.shape
        if FLIPS[self.flip]:
            turned = torch.rand(2, n, 1, 1, 1, generator=seeded_generator(self.seed, step, "flip")) < 0.5
            for which, dimension in zip(turned.to(self.device), FLIPS[self.flip], strict=False):
                pixels = torch.where(which, pixels.flip(dimension), pixels)
        if self.shift:
            generator = seeded_generator(self.seed, step, "shift")
            down, right = torch.randint(-self.shift, self.shift + 1, (2, n, 1), generator=generator).to(self.device)
            rows = (torch.arange(height, device=self.device) - down).clamp(0, height - 1)  # (B, H)
            columns = (torch.arange(width, device=self.device) - right).clamp(0, width - 1)  # (B, W)
            each = torch.arange(n, device=self.device)[:, None, None]
            pixels = pixels.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
        return pixels

    def _rows(self, step: int) -> Tensor:
        epoch, batch = divmod(whole_number("step", step, least=0), self.steps_per_epoch)
        known, order = self._order
        if known != epoch:
            generator = seeded_generator(self.seed, epoch)
            order = torch.randperm(len(self._images), generator=generator).to(self.device)
            self._order = (epoch, order)
        return order[batch * self.batch_size : (batch + 1) * self.batch_size]


class Stacked:
    """Batches of pictures whose three channels are grey images of one set, drawn independently: "stacked MNIST".

    Ten digits make 1,000 classes, equally often, which a generator can miss one by one (Metz et al. 2017).
    """

    def __init__(
        self, images: ImageSet, batch_size: int, seed: int = 0, device: str | torch.device = "cpu", scale: str = "tanh"
    ) -> None:
        if images.images.shape[1] != 1:
            raise ValueError(f"images: got {images!r}, expected grey ones")
        whole_number("seed", seed, least=0)
        self._channels = [images.batches(batch_size, 3 * seed + k, device, scale) for k in range(3)]

    def at(self, step: int) -> Tensor:
        """Return the batch of training step `step`, float32 (B, 3, H, W)."""
        return torch.cat([channel.at(step) for channel in self._channels], dim=1)

    def labels_at(self, step: int) -> Tensor:
        """Return the three labels of each picture of `at(step)`, int64 (B, 3)."""
        return torch.stack([channel.labels_at(step) for channel in self._channels], dim=1)
