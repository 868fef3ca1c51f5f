"""Image sets by name or folder."""

import difflib
import os
from pathlib import Path

import torch.nn.functional as F

from ganlab.data.batches import ImageSet
from ganlab.data.downloads import FASHION, KMNIST, MNIST
from ganlab.data.folders import read_folder
from ganlab.data.packaged import DIGITS, EARTH, SPLITS, DataError, SetStatus

SETS = {source.name: source for source in (DIGITS, EARTH, FASHION, MNIST, KMNIST)}


def load(name_or_folder: str | Path, split: str = "train", size: int | None = None) -> ImageSet:
    """Return one split ("train" or "test") of a built-in set, or of a folder of your own images.

    `size` is the side in pixels: 28 (the default) or 32 (padded with zeros) for digits, fashion, mnist and kmnist; 64
    for earth; anything from 1, by default 64, for a folder, whose images are cropped to their centre square and
    resized. Only fashion (without Debian's package), mnist and kmnist may use the network, and only the first time.
    Raises DataError for all that can be wrong with the name, the arguments, the files or the network.
    """
    if split not in SPLITS:
        raise DataError(f"split: got {split!r}, expected one of {', '.join(SPLITS)}")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise DataError(f"size: got {size!r}, expected a whole number of pixels")
    if not (isinstance(name_or_folder, str) and name_or_folder in SETS):
        return _load_folder(name_or_folder, split, size)
    source = SETS[name_or_folder]
    if size not in (None, *source.sizes):
        raise DataError(f"size: got {size}, expected {' or '.join(map(str, source.sizes))} for {source.name!r}")
    tensors = source.read(split)
    margin = ((size or source.sizes[0]) - source.sizes[0]) // 2
    images = F.pad(tensors["images"], (margin,) * 4) if margin else tensors["images"]
    return ImageSet(images, tensors["labels"], source.classes, source.name, split, tensors.get("pairs"))


def _load_folder(folder: str | Path, split: str, size: int | None) -> ImageSet:
    if not isinstance(folder, str | os.PathLike):
        raise DataError(f"name_or_folder: got {folder!r}, expected a set's name or a folder")
    path = Path(folder).expanduser()
    if path.is_dir():
        tensors, classes = read_folder(path, split, size)
        return ImageSet(tensors["images"], tensors.get("labels"), classes, path.resolve().name, split)
    if path.exists():
        raise DataError(f"{path}: this is a file; expected a folder of images")
    raise DataError(
        f"name_or_folder: got {str(folder)!r}, which is no set and no folder.{_suggestion(str(folder))} "
        f"The sets are {', '.join(SETS)}; or give the path of a folder of images"
    )


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), SETS, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def describe() -> list[SetStatus]:
    """Return how things stand with each built-in set, without using the network or reading images."""
    return [source.status() for source in SETS.values()]


def fetch(name: str) -> SetStatus:
    """Build or download a built-in set, check all of its files, and return how it stands then.

    Raises DataError for an unknown name, and as `load` does.
    """
    if name not in SETS:
        raise DataError(f"name: got {name!r}, expected one of {', '.join(SETS)}.{_suggestion(name)}")
    for split in SPLITS:
        load(name, split)
    return SETS[name].status()
