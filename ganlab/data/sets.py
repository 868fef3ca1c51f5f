"""Image sets by name or folder."""

import difflib
import os
from pathlib import Path

import torch
import torch.nn.functional as F

from ganlab.data.batches import ImageSet
from ganlab.data.bundled import ICONS, Icons
from ganlab.data.downloads import FASHION, KMNIST, MNIST, DownloadedSet
from ganlab.data.drawn import LARGE_ICONS
from ganlab.data.folders import FITS, read_folder, smallest_side, tell
from ganlab.data.glyphs import GLYPHS
from ganlab.data.packaged import DIGITS, EARTH, SPLITS, DataError, PackagedSet, SetStatus
from ganlab.data.relief import LARGE_RELIEF, RELIEF
from ganlab.runtime import user_path, whole_number

SETS = {source.name: source for source in (DIGITS, EARTH, RELIEF, ICONS, GLYPHS, FASHION, MNIST, KMNIST)}
SetSource = PackagedSet | DownloadedSet | Icons
LARGER: dict[str, PackagedSet] = {"relief": LARGE_RELIEF, "icons": LARGE_ICONS}  # the same, of more pixels


def load(
    name_or_folder: str | Path,
    split: str = "train",
    size: int | None = None,
    *,
    fit: str = "crop",
    test_share: float | None = None,
    skip_broken: bool = False,
) -> ImageSet:
    """Return one split ("train" or "test") of a built-in set or of a folder of your own images, or "all" of it.

    `size` is the side in pixels: 28 (the default) or 32 (padded with zeros) for digits, fashion, mnist and kmnist; 64
    for earth; 64 (the default) or 128 for relief and icons; 32 for glyphs; anything from 1, by default 64, for a
    folder. Only fashion (without Debian's package), mnist, kmnist, and icons of 128 pixels, which are drawn here by
    resvg-py, may use the network, and only the first time.

    The rest is for a folder. `fit` makes its images square: "crop" takes the middle, "pad" all of it between black
    bars. `test_share`, from 0 to below 1, holds out that part of each class; by default a hash of each file's name
    holds out about one in ten. `skip_broken` leaves out what cannot be read. What is left out or assumed is printed,
    and stays in the `notes` of what is returned. Raises DataError for all that can be wrong with the name, the
    arguments, the files or the network.
    """
    for name, value, known in (("split", split, (*SPLITS, "all")), ("fit", fit, FITS)):
        if value not in known:
            raise DataError(f"{name}: got {value!r}, expected one of {', '.join(known)}")
    if test_share is not None and not (isinstance(test_share, int | float) and 0 <= test_share < 1):
        raise DataError(f"test_share: got {test_share!r}, expected a number from 0 to below 1, such as 0.2")
    if size is not None:
        try:
            size = whole_number("size", size, least=1)
        except ValueError as error:
            raise DataError(str(error)) from error
    if isinstance(name_or_folder, str) and name_or_folder in SETS:
        if fit != "crop" or test_share is not None or skip_broken:
            raise DataError(f"fit, test_share, skip_broken: these are for a folder of images, not for {name_or_folder}")
        images = _load_set(name_or_folder, split, size)
    else:
        path = _folder(name_or_folder)
        content = read_folder(path, split, size, fit=fit, test_share=test_share, skip_broken=skip_broken)
        name = path.resolve().name
        images = ImageSet(content.images, content.labels, content.classes, name, split, notes=content.notes)
    tell(f"{images.name} ({split})", images.notes)
    return images


def _load_set(name: str, split: str, size: int | None) -> ImageSet:
    if size not in (None, *sides(name)):
        raise DataError(f"size: got {size}, expected {' or '.join(map(str, sides(name)))} for {name!r}")
    source = _source(name, size)
    parts = [source.read(each) for each in (SPLITS if split == "all" else (split,))]
    tensors = {key: torch.cat([part[key] for part in parts]) if len(parts) > 1 else parts[0][key] for key in parts[0]}
    margin = ((size or source.sizes[0]) - source.sizes[0]) // 2
    images = F.pad(tensors["images"], (margin,) * 4) if margin else tensors["images"]
    notes = (f"a folder called {name} is here too; to load that, write ./{name}",) if Path(name).is_dir() else ()
    return ImageSet(images, tensors.get("labels"), source.classes, name, split, tensors.get("pairs"), notes)


def _source(name: str, size: int | None) -> SetSource:
    """Return what reads a built-in set at a size in which it comes."""
    return SETS[name] if size in (None, *SETS[name].sizes) else LARGER[name]


def _folder(folder: str | Path) -> Path:
    """Return the path of a folder that is there; raise DataError for all else."""
    if not isinstance(folder, str | os.PathLike):
        raise DataError(f"name_or_folder: got {folder!r}, expected a set's name or a folder")
    try:
        path = user_path(folder)
    except ValueError as error:
        raise DataError(str(error)) from error
    if path.is_dir():
        return path
    if path.exists():
        raise DataError(f"{path}: this is a file; expected a folder of images")
    raise DataError(
        f"name_or_folder: got {str(folder)!r}, which is no set and no folder.{_suggestion(str(folder))} "
        f"The sets are {', '.join(SETS)}; or give the path of a folder of images"
    )


def sides(name_or_folder: str | Path) -> tuple[int, ...]:
    """Return the sides in pixels in which a set comes, or the one that no picture of a folder has to be enlarged for.

    Raises DataError for a name that is neither, or a folder in which no picture can be read.
    """
    if isinstance(name_or_folder, str) and name_or_folder in SETS:
        larger = LARGER.get(name_or_folder)
        return SETS[name_or_folder].sizes + (larger.sizes if larger else ())
    return (smallest_side(_folder(name_or_folder)),)


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), SETS, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def describe() -> list[SetStatus]:
    """Return how things stand with each built-in set, without using the network or reading images."""
    return [source.status() for source in SETS.values()]


def fetch(name: str, size: int | None = None) -> SetStatus:
    """Build or download a built-in set, check all of its files, and return how it stands then.

    `size` is as in `load`. Raises DataError for an unknown name, and as `load` does.
    """
    if name not in SETS:
        raise DataError(f"name: got {name!r}, expected one of {', '.join(SETS)}.{_suggestion(name)}")
    for split in SPLITS:
        load(name, split, size)
    return _source(name, size).status()
