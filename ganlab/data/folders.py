"""A folder of the reader's own images as one tensor: square, of one size, in two splits, and what was left out."""

import functools
import hashlib
import io
import os
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ganlab.data.listing import Listing, list_pictures, natural, readable, some
from ganlab.data.packaged import DataError
from ganlab.runtime import progress, user_path

FITS = ("crop", "pad")  # to a square: the middle of the picture, or all of it between black bars
GREY_MODES = ("1", "L", "LA", "I;16", "I;16B", "I;16L", "I;16N")  # Pillow's names
DEFAULT_SIZE = 64  # pixels: what the course's convolutional networks take
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
}


@dataclass(frozen=True)
class FolderImages:
    """What `read_folder` read: images uint8 (N, C, size, size), labels int64 (N,) or None, and notes for the reader."""

    images: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """One file: its path, its name below the folder, the split and the class (if any) that folders give it."""

    path: Path
    name: str
    split: str | None
    label: str | None


@dataclass(frozen=True)
class Head:
    """What a picture's head says, without its pixels; `deep` is 16 bits a channel, of which Pillow keeps 8."""

    grey: bool
    width: int
    height: int
    sixteen_bits: bool
    deep: bool
    animated: bool


def read_folder(
    folder: Path,
    split: str,
    size: int | None = None,
    *,
    fit: str = "crop",
    test_share: float | None = None,
    skip_broken: bool = False,
    without: Collection[str] = (),
) -> FolderImages:
    """Return the images of one split ("train", "test" or "all"), with labels if subfolders name them.

    Files whose names below the folder are in `without` are passed over, without a note. Subfolders are classes when
    all images lie in subfolders; folders called train, test and val are splits. C is 1 when every file of the folder is
    stored as grey, else 3. Raises DataError for a folder without images, with images both loose and in subfolders, or
    with files that cannot be read, which it names; and when no image falls into the split.
    """
    size = size or DEFAULT_SIZE
    listing = list_pictures(folder)
    notes = listing.notes()
    pictures = [picture for picture in _placed(folder, listing, notes) if picture.name not in without]
    if test_share and any(picture.split for picture in pictures):
        raise DataError(f"test_share: got {test_share}, but {folder} has its own split, in folders")
    classes = tuple(sorted({picture.label for picture in pictures if picture.label is not None}, key=natural))
    _note_empty_folders(folder, pictures, notes)

    heads, broken = _read_each(pictures, _head, "looking at")
    sound = [picture for picture in pictures if picture in heads]
    chosen = _chosen(sound, split, test_share, notes)
    bits = _bits_used([picture for picture in sound if heads[picture].sixteen_bits], notes)
    grey = all(head.grey for head in heads.values())
    square = functools.partial(_square, size=size, grey=grey, fit=fit, bits=bits)
    tensors, broken_pixels = _read_each(chosen, square, "reading")
    broken |= broken_pixels
    if broken:
        named = {picture.name: problem for picture, problem in broken.items()}
        notes += refused_or_noted(folder, named, skip_broken)
    if not tensors:
        raise DataError(_empty_split(folder, split, sound))
    images = torch.empty(len(tensors), 1 if grey else 3, size, size, dtype=torch.uint8)
    for row, picture in enumerate(list(tensors)):
        images[row] = tensors.pop(picture)  # one by one, so that the set is not twice in memory
    kept = [picture for picture in chosen if picture not in broken]
    notes += _notes_of_shapes([heads[picture] for picture in kept], size, fit, grey, images)
    if not classes:
        return FolderImages(images, None, (), tuple(notes))
    labels = torch.tensor([classes.index(picture.label) for picture in kept])
    absent = [name for name in classes if name not in {picture.label for picture in kept}]
    notes += [f"no picture in this split of: {', '.join(absent)}"] if absent else []
    return FolderImages(images, labels, classes, tuple(notes))


def read_image(source: str | Path | bytes, size: int, grey: bool = False) -> Tensor:
    """Return the centre square of one picture, a file or its bytes, as uint8 (C, size, size); C is 1 if grey, else 3.

    Raises DataError for what cannot be read as a picture.
    """
    name = "source" if isinstance(source, bytes) else str(source)
    try:
        path = source if isinstance(source, bytes) else user_path(source)
        bits = bits_of(_brightest(path)) if _head(path).sixteen_bits else 16
        image = _square(path, size=size, grey=grey, fit="crop", bits=bits)
    except Exception as error:  # as in _read_each
        raise DataError(f"{name}: this image cannot be read ({error})") from error
    if bits < 16:
        tell(name, [bits_note("this picture uses", bits)])
    return image


def read_picture(path: Path, grey: bool = False) -> Tensor:
    """Return one picture of any size, upright, as uint8 (C, H, W); C is 1 if grey, else 3.

    Raises DataError for what cannot be read as a picture.
    """
    try:
        pixels = np.array(_upright(path, grey))  # (H, W) or (H, W, 3)
    except Exception as error:  # as in _read_each
        raise DataError(f"{path}: this image cannot be read ({error})") from error
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1).contiguous()


def _upright(path: Path, grey: bool) -> Image.Image:
    bits = bits_of(_brightest(path)) if _head(path).sixteen_bits else 16
    with _opened(path) as image:
        return converted(ImageOps.exif_transpose(image), grey, bits, known_range=image.format == "PPM")


def sizes(folder: Path, names: Iterable[str]) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
    """Return the width and height of pictures of a folder, upright, and of those that cannot be read why not.

    All pixels are read: what is told here to be sound, `read_folder` reads.
    """
    pictures = [Picture(folder / name, name, None, None) for name in names]
    sound, broken = _read_each(pictures, lambda path: _upright(path, grey=False).size, "looking at")
    return ({p.name: size for p, size in sound.items()}, {p.name: problem for p, problem in broken.items()})


def smallest_side(folder: Path) -> int:
    """Return the shorter side, in pixels, of a folder's smallest picture; what cannot be read does not count.

    Raises DataError for a folder in which nothing can be read.
    """
    pictures = [Picture(path, path.name, None, None) for path in list_pictures(folder).files]
    heads, _ = _read_each(pictures, _head, "looking at")
    if not heads:
        raise DataError(f"{folder}: no images in this folder that can be read; expected .png, .jpg, .webp and the like")
    return min(min(head.width, head.height) for head in heads.values())


def tell(name: str, notes: Iterable[str]) -> None:
    """Print what was left out or assumed, a line each, to the error stream: a notebook and a terminal both show it."""
    for note in notes:
        print(f"{name}: {note}", file=sys.stderr)


def is_test(file_name: str) -> bool:
    """Return whether a hash of this file name sends it to the test split; adding other files never changes that."""
    return _hash(file_name) % 10 == 0


def _placed(folder: Path, listing: Listing, notes: list[str]) -> list[Picture]:
    """Return each picture with the split and the class that its folders give it."""
    if not listing.files:
        left_out = "".join(f"; {note}" for note in notes)
        raise DataError(f"{folder}: no images in this folder; expected .png, .jpg, .webp and the like{left_out}")
    names = {path: path.relative_to(folder).parts for path in listing.files}
    splits = _split_folders({parts[0] for parts in names.values() if len(parts) > 1})
    if splits:
        notes.append("its folders are splits: " + ", ".join(f"{top}/ is {splits[top]}" for top in splits))
        apart = [path for path, parts in names.items() if parts[0] not in splits]
        if apart:
            notes.append(f"left out, outside of these: {some(['/'.join(names[path]) for path in apart])}")
    depth = 2 if splits else 1
    inside = {path: parts for path, parts in names.items() if not splits or parts[0] in splits}
    loose = ["/".join(parts) for parts in inside.values() if len(parts) == depth]
    if loose and len(loose) < len(inside):
        deep = next("/".join(parts) for parts in inside.values() if len(parts) > depth)
        raise DataError(
            f"{folder}: some images lie loose ({loose[0]}) and some in subfolders ({deep}). "
            "Put all into subfolders (one a class) or none"
        )
    return [
        Picture(path, "/".join(parts), splits.get(parts[0]), None if loose else readable(parts[depth - 1]))
        for path, parts in inside.items()
    ]


def _split_folders(tops: set[str]) -> dict[str, str]:
    """Return which of the folders is which split; none if they do not look like splits, for "train" may be a class."""
    splits = {top: SPLIT_FOLDERS[top.lower()] for top in sorted(tops, key=natural) if top.lower() in SPLIT_FOLDERS}
    roles = set(splits.values())
    if "train" not in roles or (roles == {"train"} and len(tops) > 1):
        return {}
    if "test" not in roles:  # then the pictures for validation are the held-out ones
        splits = {top: "test" if role == "val" else role for top, role in splits.items()}
    return splits


def _note_empty_folders(folder: Path, pictures: list[Picture], notes: list[str]) -> None:
    """Note the folders that would be classes if they held a picture."""
    if not any(picture.label for picture in pictures):
        return
    depth = 2 if pictures[0].split else 1
    held = {tuple(picture.name.split("/")[:depth]) for picture in pictures}
    parents = {folder.joinpath(*parts[:-1]) for parts in held}
    empty = [
        child.relative_to(folder)
        for parent in sorted(parents)
        for child in sorted(parent.iterdir())
        if child.relative_to(folder).parts not in held and not child.name.startswith(".") and os.path.isdir(child)
    ]
    if empty:
        notes.append(f"no class, without a picture: {some([readable(f'{path.as_posix()}/') for path in empty])}")


def _chosen(pictures: list[Picture], split: str, test_share: float | None, notes: list[str]) -> list[Picture]:
    """Return the pictures of a split, and note how many the other keeps back."""
    if split == "all":
        return pictures
    if any(picture.split for picture in pictures):
        chosen = [picture for picture in pictures if picture.split == split]
    else:
        held_out = {picture for picture in pictures if is_test(picture.path.name)}
        if test_share is not None:  # 0 holds out none
            held_out = _part_of_each_class(pictures, test_share)
        chosen = [picture for picture in pictures if (picture in held_out) == (split == "test")]
    others = len(pictures) - len(chosen)
    if others:
        notes.append(f"{others} of {len(pictures)} pictures are not in this split (split='all' gives every one)")
    return chosen


def _part_of_each_class(pictures: list[Picture], test_share: float) -> set[Picture]:
    """Return that share of each class, at least one picture of two or more: those whose names have the least hash."""
    held_out: set[Picture] = set()
    if not test_share:
        return held_out
    for label in {picture.label for picture in pictures}:
        ordered = sorted(
            (p for p in pictures if p.label == label), key=lambda picture: (_hash(picture.path.name), picture.name)
        )
        count = min(max(1, round(test_share * len(ordered))), len(ordered) - 1)
        held_out |= set(ordered[:count])
    return held_out


def _hash(file_name: str) -> int:
    """Return 64 bits of a file name's SHA-256."""
    name = unicodedata.normalize("NFC", file_name)  # macOS may store an accent as a letter of its own
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8], "big")


def _empty_split(folder: Path, split: str, pictures: list[Picture]) -> str:
    """Return the error for a split without a picture, and the way out."""
    if any(picture.split for picture in pictures):
        return f"{folder}: none of its folders holds an image of the {split} split. Load another, or split='all'"
    return (
        f"{folder}: none of its {len(pictures)} images falls into the {split} split (a hash of the file name sends "
        "about one in ten to test). Load split='all', or choose a share for test: test_share=0.2 (--test-share 0.2)"
    )


def _read_each(
    pictures: list[Picture], read: Callable[[Path], object], doing: str
) -> tuple[dict[Picture, object], dict[Picture, str]]:
    """Return what `read` gives for each picture's path, and for those that it cannot read why not."""
    results = {}
    broken = {}
    for picture in progress(pictures, desc=f"{doing} images", leave=False, delay=1):
        try:
            results[picture] = read(picture.path)
        except UnidentifiedImageError:
            broken[picture] = "no picture of a kind that is known"
        except Exception as error:  # Pillow's readers raise nearly every type on a broken file; all are reported
            broken[picture] = str(error) or type(error).__name__
    return results, broken


def refused_or_noted(folder: Path, broken: dict[str, str], skip: bool, *, kind: str = "images") -> list[str]:
    """Return a note that names all that is broken, name -> problem, if it may be skipped; else DataError names it."""
    lines = [f"{readable(name)} ({problem})" for name, problem in broken.items()]
    if skip:
        return [f"left out, {len(lines)} that cannot be read: {', '.join(lines)}"]
    raise DataError(
        f"{folder}: {len(lines)} of its {kind} cannot be read: {', '.join(lines)}. "
        "Mend or remove them, or go on without them: skip_broken=True (--skip-broken)"
    )


def _opened(source: Path | bytes) -> Image.Image:
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)


def _head(source: Path | bytes) -> Head:
    with _opened(source) as image:
        sixteen = image.mode.startswith("I;16")
        wide_grey = image.mode == "I" and image.format == "PPM"  # its range is known: Pillow makes it 0..65535
        deep = not sixteen and not wide_grey and any(";16" in str(tile[3]) for tile in image.tile)
        animated = image.format != "MPO" and getattr(image, "is_animated", False)  # phones' MPO holds a preview
        return Head(image.mode in GREY_MODES or wide_grey, *image.size, sixteen, deep, animated)


def _brightest(source: Path | bytes) -> int:
    with _opened(source) as image:
        return int(np.asarray(image).max())


def bits_of(brightest: int) -> int:
    """Return how many of their 16 bits pictures use of which this is the brightest value."""
    return max(8, brightest.bit_length())


def _bits_used(pictures: list[Picture], notes: list[str]) -> int:
    """Return how many of their 16 bits the pictures of a folder use, all splits together."""
    if not pictures:
        return 16
    brightest, _ = _read_each(pictures, _brightest, "measuring")  # what is broken is reported by the reading
    bits = bits_of(max(brightest.values(), default=65535))
    notes.append(bits_note(f"{len(pictures)} pictures of 16 bits use", bits))
    return bits


def bits_note(what: str, bits: int) -> str:
    """Return a note of the range that is taken for black to white."""
    return f"{what} {bits} bits: 0 to {2**bits - 1} is taken for black to white"


def _notes_of_shapes(heads: list[Head], size: int, fit: str, grey: bool, images: Tensor) -> list[str]:
    """Return notes of what was done to make pictures alike: cropped, padded, enlarged, coloured, cut to a frame."""
    square = {
        "crop": "cropped to the middle (fit='pad' keeps all of each, between black bars)",
        "pad": "padded with black bars",
    }
    deep = [row for row, head in enumerate(heads) if head.deep]
    counts = {
        f"are not square: {square[fit]}": sum(head.width != head.height for head in heads),
        f"are smaller than {size} pixels and were enlarged": sum(min(head.width, head.height) < size for head in heads),
        "are grey among coloured ones: read as colour": 0 if grey else sum(head.grey for head in heads),
        "are animations: the first picture was taken": sum(head.animated for head in heads),
    }
    notes = [f"{count} of {len(heads)} pictures {what}" for what, count in counts.items() if count]
    if deep:
        brightest = int(images[deep].max())
        advice = "; save them with 8 bits a channel to use the whole range" if brightest < 128 else ""
        notes.append(
            f"{len(deep)} of {len(heads)} pictures have 16 bits a channel, of which the upper 8 are read; "
            f"the brightest value in them is {brightest} of 255{advice}"
        )
    return notes


def _square(source: Path | bytes, *, size: int, grey: bool, fit: str, bits: int) -> Tensor:
    """Return the image upright and square as uint8 (C, size, size); `bits` is what 16-bit pictures use."""
    with _opened(source) as image:
        image.draft(None, (2 * size, 2 * size))  # a large JPEG is decoded at the smallest scale that still does
        known_range = image.format == "PPM"
        upright = ImageOps.exif_transpose(image)
    coloured = converted(upright, grey, bits, known_range=known_range)
    fitted = {"crop": ImageOps.fit, "pad": ImageOps.pad}[fit](coloured, (size, size), method=Image.Resampling.LANCZOS)
    pixels = np.array(fitted)  # (size, size) or (size, size, 3)
    return torch.from_numpy(pixels.reshape(size, size, -1)).permute(2, 0, 1).contiguous()


def converted(upright: Image.Image, grey: bool, bits: int, *, known_range: bool) -> Image.Image:
    """Return a picture with 8 bits a channel, grey or RGB, white where it is transparent; ValueError for floats."""
    if upright.mode == "F" or (upright.mode == "I" and not known_range):
        raise ValueError(f"its pixels are 32-bit numbers (mode {upright.mode}) without a known range: save it as 8-bit")
    if upright.mode.startswith("I"):  # Pillow's own conversion would clip 16 bits to white
        white = 65535 if upright.mode == "I" else 2**bits - 1
        values = (np.asarray(upright).astype(np.int64) * 255 + white // 2) // white
        upright = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if upright.has_transparency_data:  # what is transparent shows white, as on a page
        upright = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    return upright.convert("L" if grey else "RGB")
