"""A folder of the reader's own pairs: two subfolders of pictures with equal names, one given, one to be made of it."""

import os
from pathlib import Path

from PIL import Image, ImageOps

from ganlab.data.batches import ImageSet
from ganlab.data.folders import read_folder, tell
from ganlab.data.listing import list_pictures, natural, some
from ganlab.data.packaged import DataError
from ganlab.runtime import user_path

LEAST_PAIRS = 2


def two_sides(folder: str | Path, to: str | None = None) -> tuple[Path, Path]:
    """Return the two subfolders of a folder: that of the pictures given, and that of the pictures to be made, `to`.

    By default the second in natural order is to be made. DataError for a folder without exactly two, or another `to`.
    """
    path = user_path(folder)
    if not path.is_dir():
        raise DataError(f"{path}: this is no folder; expected one that holds two folders of pictures")
    names = sorted(
        (name for name in os.listdir(path) if not name.startswith(".") and (path / name).is_dir()), key=natural
    )
    if len(names) != 2:
        what = f"{len(names)} folders ({some(names)})" if names else "no folders"
        raise DataError(f"{path}: holds {what}, expected two: of the pictures given, and of those to be made")
    made = names[1] if to is None else to
    if made not in names:
        raise DataError(f"to: got {made!r}, expected {names[0]!r} or {names[1]!r}, the folders in {path}")
    (given,) = set(names) - {made}
    return path / given, path / made


def load_pairs(
    folder: str | Path,
    split: str = "train",
    size: int | None = None,
    *,
    to: str | None = None,
    fit: str = "crop",
    test_share: float | None = None,
) -> ImageSet:
    """Return one split of a folder's pairs: images of its subfolder `to`, and as pairs the files of the other's names.

    `to` is as in `two_sides`, the rest as in `data.load` of a folder; files of one name fall into one split. DataError,
    in one line, for folders whose names do not match, pairs whose sizes differ, a single pair, or broken pictures.
    """
    given, made = two_sides(folder, to)
    names = _matching_names(given, made)
    _check_sizes(given, made, names)
    reading = {"fit": fit, "test_share": test_share}
    sides = {side.name: read_folder(side, split, size, **reading) for side in (made, given)}
    notes = tuple(dict.fromkeys(note for side in sides.values() for note in side.notes))
    whole = user_path(folder).resolve().name
    images, pairs = (sides[side.name].images for side in (made, given))
    image_set = ImageSet(images, None, (), f"{whole}: {given.name} to {made.name}", split, pairs, notes)
    tell(f"{image_set.name} ({split})", notes)
    return image_set


def _matching_names(given: Path, made: Path) -> list[str]:
    """Return the names of the pictures, which both folders have; DataError for one that only one has."""
    sides = {side: [path.relative_to(side).as_posix() for path in list_pictures(side).files] for side in (given, made)}
    for side, other in ((given, made), (made, given)):
        if alone := [name for name in sides[side] if name not in set(sides[other])]:
            lack = f"{len(alone)} of the {len(sides[side])} pictures in {side.name} have no partner"
            raise DataError(f"{given.parent}: {lack} of the same name in {other.name}: {some(alone)}")
    if len(sides[given]) < LEAST_PAIRS:
        raise DataError(f"{given.parent}: holds {len(sides[given])} pairs of pictures, expected at least {LEAST_PAIRS}")
    return sides[given]


def _check_sizes(given: Path, made: Path, names: list[str]) -> None:
    """Raise DataError for the first pair whose pictures differ in size; what is broken is told when it is read."""
    for name in names:
        try:
            sizes = [_upright_size(side / name) for side in (given, made)]
        except (OSError, SyntaxError, ValueError):
            continue
        if sizes[0] != sizes[1]:
            two_sizes = " and ".join(
                f"{w}x{h} in {side.name}" for (w, h), side in zip(sizes, (given, made), strict=True)
            )
            raise DataError(f"{given.parent}: {name} is {two_sizes}; expected pairs of equal size")


def _upright_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).size
