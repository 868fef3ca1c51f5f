"""Image sets as tensors, and seeded batches of them that live on the device."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ganlab.data.packaged import fingerprint
from ganlab.data.pixels import to_floats
from ganlab.runtime import seeded_generator, whole_number

SCALES = ("tanh", "unit", "binary")
BATCH_SIZE = 64  # of a set or tensor that is given in place of batches
FLIPS = {"none": (), "horizontal": (3,), "both": (2, 3)}  # the dimensions of (B, C, H, W) that may be turned round


class Source(Protocol):
    """Where real samples come from: `at(step)` depends on nothing but the step, so a resumed run sees the same.

    A source may also have `labels_at(step)`, the classes of those samples, or `batch(step)`, all of it as a `Batch`.
    """

    def at(self, step: int) -> Tensor:
        """Return the samples of training step `step`, (B, ...)."""


class Batch(NamedTuple):
    """Real samples that are trained on together: x (B, ...), their classes y (B,), and `pair`, another picture of each.

    y is int64 or None; `pair` is like x, (B, C, H, W), or None.
    """

    x: Tensor
    y: Tensor | None = None
    pair: Tensor | None = None

    def to(self, device: str | torch.device, memory_format: torch.memory_format = torch.preserve_format) -> "Batch":
        """Return the batch on a device, its pictures in a memory format."""
        y = None if self.y is None else self.y.to(device)
        pair = None if self.pair is None else self.pair.to(device, memory_format=memory_format)
        return Batch(self.x.to(device, memory_format=memory_format), y, pair)


def _kind(value: object) -> str:
    """Return what a value is, for an error: a tensor's type and shape."""
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return type(value).__name__


def _check_bytes(name: str, images: Tensor) -> None:
    """Raise ValueError, with the way out, unless `images` are one or more images as bytes."""
    if not isinstance(images, Tensor) or images.ndim != 4 or images.numel() == 0:
        raise ValueError(f"{name}: got {_kind(images)}, expected a uint8 tensor (N, C, H, W) with at least one image")
    if images.dtype == torch.uint8:
        return
    low, high = images.min().item(), images.max().item()
    conversions = {
        0 <= low and 1 < high <= 255: "images.round().to(torch.uint8)",
        0 <= low and high <= 1: "(255 * images).round().to(torch.uint8)",
        -1 <= low < 0 and high <= 1: "((images + 1) * 127.5).round().to(torch.uint8)",
    }
    advice = f"; give {conversions[True]}" if True in conversions else ""
    raise ValueError(f"{name}: got {_kind(images)} from {low:g} to {high:g}, expected uint8 in 0..255{advice}")


def _check_classes(labels: Tensor | None, classes: tuple[str, ...], n: int) -> None:
    """Raise ValueError unless `classes` are names and `labels`, if there are any, index them."""
    if not isinstance(classes, tuple) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"classes: got {classes!r}, expected a tuple of names")
    if labels is None:
        return
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64 or labels.shape != (n,):
        raise ValueError(f"labels: got {_kind(labels)}, expected int64 ({n},), one for each image, or None")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(classes):
        raise ValueError(f"labels: got {low} to {high}, expected 0 to {len(classes) - 1}, for {len(classes)} classes")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """One split of a set: images uint8 (N, C, H, W) in 0..255; labels int64 (N,) that index `classes`, or None.

    `pairs`, uint8 (N, C, H, W) or None, holds a second picture of the same: for earth the relief of each tile, for
    icons the outline of each, for glyphs the same letter in another typeface. It may have other channels.
    `notes` say what was left out or assumed when it was read. Raises ValueError, naming the argument, for all else.
    """

    images: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    name: str
    split: str
    pairs: Tensor | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_bytes("images", self.images)
        _check_classes(self.labels, self.classes, len(self.images))
        if self.pairs is not None:
            _check_bytes("pairs", self.pairs)
            n, _, *sides = self.images.shape
            if self.pairs.shape[0] != n or list(self.pairs.shape[2:]) != sides:
                raise ValueError(f"pairs: got {_kind(self.pairs)}, expected one for each image, {_kind(self.images)}")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        count, channels, height, width = self.images.shape
        extras = [f"{len(self.classes)} classes"] if self.labels is not None else []
        extras += ["pairs"] if self.pairs is not None else []
        what = " with " + " and ".join(extras) if extras else ""
        return f"{self.name} ({self.split}): {count:,} images of {channels}x{height}x{width}{what}"

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of pixels, labels, names of classes and pairs, by which a checkpoint knows its data."""
        tensors = {"images": self.images, "labels": self.labels, "pairs": self.pairs}
        content = fingerprint({name: tensor.cpu() for name, tensor in tensors.items() if tensor is not None})
        return hashlib.sha256("\n".join((content, *self.classes)).encode()).hexdigest()

    def domains(self) -> tuple["ImageSet", "ImageSet"]:
        """Return the images and the pairs as two sets without pairs, for `Unpaired`; ValueError if there are none."""
        if self.pairs is None:
            raise ValueError(f"domains: {self!r} has no pairs")
        alone = dataclasses.replace(self, pairs=None)
        return alone, dataclasses.replace(alone, images=self.pairs, name=f"{self.name}, pairs")

    def batches(
        self,
        batch_size: int,
        seed: int = 0,
        device: str | torch.device = "cpu",
        *,
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
        return Batches(self, batch_size, seed, device=device, scale=scale, flip=flip, shift=shift)


class Shuffle:
    """Which of n samples make the batch of a step: a new order each epoch, each sample at most once in it."""

    def __init__(self, n: int, batch_size: int, seed: int, *, device: torch.device) -> None:
        self.n = n
        self.batch_size = batch_size
        self.seed = seed
        self.device = device
        self.steps_per_epoch = n // batch_size
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))  # the epoch used last, and its permutation

    def rows(self, step: int) -> Tensor:
        """Return the numbers of the samples of training step `step`, int64 (B,)."""
        epoch, batch = divmod(whole_number("step", step, least=0), self.steps_per_epoch)
        known, order = self._order
        if known != epoch:
            generator = seeded_generator(self.seed, epoch)
            order = torch.randperm(self.n, generator=generator).to(self.device)
            self._order = (epoch, order)
        return order[batch * self.batch_size : (batch + 1) * self.batch_size]


class Rows:
    """Shuffled batches of a float tensor (N, ...) as it is: points, or images already in the range of the networks."""

    def __init__(self, samples: Tensor, batch_size: int, seed: int, *, device: str | torch.device) -> None:
        self._samples = samples.to(device)
        self._shuffle = Shuffle(len(samples), batch_size, seed, device=torch.device(device))

    def at(self, step: int) -> Tensor:
        """Return the batch of training step `step`, (B, ...)."""
        return self._samples[self._shuffle.rows(step)]

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What the batches are made from and how, as `Batches.identity`."""
        digest = fingerprint({"samples": self._samples.cpu()})
        return {"digest": digest, "batch_size": self._shuffle.batch_size, "order_seed": self._shuffle.seed}


def as_source(source: Any, seed: int, device: str | torch.device, *, scale: str) -> Source:
    """Return `source` if it has `at(step)`; of an `ImageSet` or a tensor, shuffled batches of 64 in the range `scale`.

    A tensor is uint8 images (N, C, H, W), or floats (N, ...) as the networks take them. ValueError for all else.
    """
    if callable(getattr(source, "at", None)):
        return source
    if isinstance(source, Tensor) and source.dtype == torch.uint8 and source.ndim == 4:
        source = ImageSet(source, None, (), "a tensor", "train")
    if isinstance(source, ImageSet):
        return source.batches(min(BATCH_SIZE, len(source)), seed, device, scale=scale)
    if isinstance(source, Tensor) and source.is_floating_point() and source.ndim > 1 and len(source):
        return Rows(source.float(), min(BATCH_SIZE, len(source)), seed, device=device)
    what = f"a tensor of {source.dtype}, {tuple(source.shape)}" if isinstance(source, Tensor) else type(source).__name__
    raise ValueError(
        f"source: got {what}, expected data.load(...).batches(64), an ImageSet, a tensor of samples (N, ...), or an "
        "object whose at(step) returns the batch of that step"
    )


def batch_of(source: Source, step: int) -> Batch:
    """Return all that a source knows of training step `step`, in one `Batch`."""
    if hasattr(source, "batch"):
        return source.batch(step)
    return Batch(source.at(step), source.labels_at(step) if hasattr(source, "labels_at") else None)


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
        *,
        device: str | torch.device,
        scale: str,
        flip: str,
        shift: int,
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
        self.batch_size = batch_size
        self.seed = whole_number("seed", seed, least=0)
        self.scale = scale
        self.flip = flip
        self.shift = shift
        self.device = torch.device(device)
        self._shuffle = Shuffle(len(images), batch_size, self.seed, device=self.device)
        self.steps_per_epoch = self._shuffle.steps_per_epoch
        self._images = images.images.to(self.device)
        self._labels = None if images.labels is None else images.labels.to(self.device)
        self._pairs = None if images.pairs is None else images.pairs.to(self.device)
        self._set = images

    def at(self, step: int) -> Tensor:
        """Return the batch of training step `step` (0, 1, ...), float32 (B, C, H, W)."""
        return self._scaled(self._changed(self._images[self._rows(step)], step), step)

    def batch(self, step: int) -> Batch:
        """Return images, classes and pairs of training step `step`; a pair is turned and moved as its image is.

        Pairs are in the images' range, but for "binary", with which they are in [0, 1].
        """
        rows = self._rows(step)
        y = None if self._labels is None else self._labels[rows]
        if self._pairs is None:
            return Batch(self._scaled(self._changed(self._images[rows], step), step), y)
        both = self._changed(torch.cat([self._images[rows], self._pairs[rows]], dim=1), step)  # (B, 2C, H, W)
        pixels, others = both.tensor_split([self._images.shape[1]], dim=1)
        return Batch(self._scaled(pixels, step), y, self._ranged(others))

    @property
    def identity(self) -> dict[str, Any]:
        """What the batches are made from and how: equal for two sources only if all their batches are."""
        settings = {name: getattr(self, name) for name in ("batch_size", "scale", "flip", "shift")}
        return {"set": f"{self._set!r}", "digest": self._set.digest, "order_seed": self.seed, **settings}

    def _scaled(self, pixels: Tensor, step: int) -> Tensor:
        """Return uint8 pixels (B, C, H, W) in the range asked for, float32."""
        if self.scale == "binary":
            # A draw from 0..254 is below the value with probability exactly value / 255. It is made on the CPU, so
            # that every device sees the same bits; the 1 keeps it apart from the permutations' generators.
            generator = seeded_generator(self.seed, step, 1)
            draws = torch.randint(0, 255, pixels.shape, generator=generator, dtype=torch.uint8)
            return (draws.to(self.device) < pixels).to(torch.float32)
        return self._ranged(pixels)

    def _ranged(self, pixels: Tensor) -> Tensor:
        """Return uint8 pixels as float32 in [-1, 1] for "tanh", else in [0, 1]."""
        return to_floats(pixels) if self.scale == "tanh" else pixels.float().div_(255)

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
        return self._shuffle.rows(step)


class Unpaired:
    """Batches of two sets that are drawn independently: x of one, `pair` of the other, of another thing (CycleGAN).

    `images.domains()` makes two such sets of one with pairs. `flip` is as in `ImageSet.batches`, drawn for each alone.
    """

    def __init__(
        self,
        images: ImageSet,
        others: ImageSet,
        batch_size: int,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        flip: str = "none",
        shift: int = 0,
    ) -> None:
        whole_number("seed", seed, least=0)
        changes = {"flip": flip, "shift": shift}
        self._sides = [
            each.batches(batch_size, 2 * seed + k, device, **changes) for k, each in enumerate((images, others))
        ]

    def at(self, step: int) -> Tensor:
        """Return the images of training step `step`, float32 (B, C, H, W) in [-1, 1]."""
        return self._sides[0].at(step)

    def batch(self, step: int) -> Batch:
        """Return images of training step `step`, and as their pairs the other set's, both in [-1, 1]."""
        return Batch(self.at(step), None, self._sides[1].at(step))

    @property
    def identity(self) -> dict[str, Any]:
        """What the batches are made from and how, as `Batches.identity`."""
        first, second = (side.identity for side in self._sides)
        return {"kind": "unpaired", **first, "other set": second["set"], "other digest": second["digest"]}


class Stacked:
    """Batches of pictures whose three channels are grey images of one set, drawn independently: "stacked MNIST".

    Ten digits make 1,000 classes, equally often, which a generator can miss one by one (Metz et al. 2017).
    """

    def __init__(self, images: ImageSet, batch_size: int, seed: int = 0, *, device: str | torch.device = "cpu") -> None:
        if images.images.shape[1] != 1:
            raise ValueError(f"images: got {images!r}, expected grey ones")
        whole_number("seed", seed, least=0)
        self._channels = [images.batches(batch_size, 3 * seed + k, device) for k in range(3)]

    def at(self, step: int) -> Tensor:
        """Return the batch of training step `step`, float32 (B, 3, H, W)."""
        return torch.cat([channel.at(step) for channel in self._channels], dim=1)

    @property
    def identity(self) -> dict[str, Any]:
        """What the batches are made from and how, as `Batches.identity`."""
        return {"kind": "stacked", **self._channels[0].identity}

    def labels_at(self, step: int) -> Tensor:
        """Return the three labels of each picture of `at(step)`, int64 (B, 3)."""
        return torch.stack([channel.labels_at(step) for channel in self._channels], dim=1)
