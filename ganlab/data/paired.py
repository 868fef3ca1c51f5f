"""A folder of the reader's own pairs: two subfolders of pictures with equal names, one given, one to be made of it."""

from pathlib import Path

from ganlab.data.batches import ImageSet
from ganlab.data.folders import read_folder, refused_or_noted, sizes, tell
from ganlab.data.listing import list_folders, list_pictures, some
from ganlab.data.packaged import DataError
from ganlab.runtime import user_path

LEAST_PAIRS = 2


def two_sides(folder: str | Path, to: str | None = None) -> tuple[Path, Path]:
    """Return the two subfolders of a folder: that of the pictures given, and that of the pictures to be made, `to`.

    By default the second in natural order is to be made. What else lies there is told. DataError for a folder without
    exactly two, or another `to`.
    """
    given, made, notes = _sides(folder, to)
    tell(given.parent.name, notes)
    return given, made


def _sides(folder: str | Path, to: str | None) -> tuple[Path, Path, list[str]]:
    """Return the two sides, given and made, and notes on what else lies beside them."""
    path = user_path(folder)
    if not path.is_dir():
        raise DataError(f"{path}: this is no folder; expected one that holds two folders of pictures")
    names, notes = list_folders(path)
    if len(names) != 2:
        what = f"{len(names)} folders ({some(names)})" if names else "no folders"
        left_out = "".join(f"; {note}" for note in notes)
        raise DataError(f"{path}: holds {what}, expected two: of the pictures given, and of those to be made{left_out}")
    made = names[1] if to is None else to
    if made not in names:
        raise DataError(f"to: got {made!r}, expected {names[0]!r} or {names[1]!r}, the folders in {path}")
    (given,) = set(names) - {made}
    return path / given, path / made, notes


def load_pairs(
    folder: str | Path,
    split: str = "train",
    size: int | None = None,
    *,
    to: str | None = None,
    fit: str = "crop",
    test_share: float | None = None,
    skip_broken: bool = False,
) -> ImageSet:
    """Return one split of a folder's pairs: images of its subfolder `to`, and as pairs the files of the other's names.

    `to` is as in `two_sides`, the rest as in `data.load` of a folder; files of one name fall into one split. DataError,
    in one line, for folders whose names do not match, pairs whose sizes differ, a single pair, or broken pictures; with
    `skip_broken` both pictures of a pair are left out if one is broken.
    """
    given, made, left_out = _sides(folder, to)
    names = _matching_names(given, made)
    broken = _broken(given, made, names)
    left_out += refused_or_noted(given.parent, broken, skip_broken) if broken else []
    without = {name for name in names if {f"{side.name}/{name}" for side in (given, made)} & broken.keys()}
    if len(names) - len(without) < LEAST_PAIRS:
        sound = f"{len(names) - len(without)} of its {len(names)} pairs can be read"
        raise DataError(f"{given.parent}: {sound}, expected at least {LEAST_PAIRS}")
    left_out += ["so are their partners"] if broken else []
    sides = {
        side.name: read_folder(side, split, size, fit=fit, test_share=test_share, without=without)
        for side in (made, given)
    }
    notes = tuple(dict.fromkeys([*left_out, *(note for side in sides.values() for note in side.notes)]))
    whole = user_path(folder).resolve().name
    images, pairs = (sides[side.name].images for side in (made, given))
    image_set = ImageSet(images, None, (), f"{whole}: {given.name} to {made.name}", split, pairs, notes)
    tell(f"{image_set.name} ({split})", notes)
    return image_set


def _matching_names(given: Path, made: Path) -> list[str]:
    """Return the names of the pictures, which both folders have; DataError for one that only one has."""
    listings = {side: list_pictures(side) for side in (given, made)}
    sides = {side: [path.relative_to(side).as_posix() for path in listing.files] for side, listing in listings.items()}
    for side, other in ((given, made), (made, given)):
        if alone := [name for name in sides[side] if name not in set(sides[other])]:
            lack = f"{len(alone)} of the {len(sides[side])} pictures in {side.name} have no partner"
            left_out = "".join(f"; of {other.name} {note}" for note in listings[other].notes())
            raise DataError(f"{given.parent}: {lack} of the same name in {other.name}: {some(alone)}{left_out}")
    if len(sides[given]) < LEAST_PAIRS:
        left_out = "".join(f"; of {side.name} {note}" for side in sides for note in listings[side].notes())
        count = f"holds {len(sides[given])} pairs of pictures, expected at least {LEAST_PAIRS}"
        raise DataError(f"{given.parent}: {count}{left_out}")
    return sides[given]


def _broken(given: Path, made: Path, names: list[str]) -> dict[str, str]:
    """Return the pictures that cannot be read, by side/name, and why; DataError for a pair whose sizes differ."""
    sides = {side.name: sizes(side, names) for side in (given, made)}
    for name in names:
        of_pair = {side: sound[name] for side, (sound, _) in sides.items() if name in sound}
        if len(set(of_pair.values())) > 1:
            shown = " and ".join(f"{width}x{height} in {side}" for side, (width, height) in of_pair.items())
            raise DataError(f"{given.parent}: {name} is {shown}; expected pairs of equal size")
    return {f"{side}/{name}": problem for side, (_, broken) in sides.items() for name, problem in broken.items()}
