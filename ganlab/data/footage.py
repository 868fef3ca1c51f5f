"""A folder of the reader's own clips: folders of frames, and animated files (GIF, WebP, PNG)."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, ImageSequence
from torch import Tensor

from ganlab.data.clips import ClipSet
from ganlab.data.folders import bits_note, bits_of, converted, refused_or_noted, tell
from ganlab.data.listing import Listing, list_pictures, natural, readable, some
from ganlab.data.packaged import DataError
from ganlab.runtime import progress, user_path, whole_number


def read_clips(folder: str | Path, *, frames: int = 16, size: int = 32, skip_broken: bool = False) -> ClipSet:
    """Return the clips of a folder, each cut into pieces of `frames` frames of size x size pixels, the middle of each.

    An animated file is a clip, and so is a subfolder of still pictures, which follow one another in natural order. C is
    1 if all pixels are grey, else 3. Of an animated file a frame that lasts k times as long as the shortest counts k
    times: files store what stands still once. Frames are turned upright, and white where they are transparent; those of
    16 bits share one range. What is left over at a clip's end is left out, and so are files of other kinds, .mp4 for
    example; notes say so. DataError, in one line, for a folder without clips, files that cannot be read (with
    `skip_broken` their clips are left out), a clip of fewer than `frames` frames, or one whose frames differ in size.
    """
    whole_number("frames", frames, least=2)
    whole_number("size", size, least=8)
    path = user_path(folder)
    if not path.is_dir():
        raise DataError(f"folder: {folder} is no folder; expected one of clips (GIF, WebP, or a subfolder of frames)")
    listing = list_pictures(path)
    bits, deep = _bits_used(listing.files)
    pieces = []
    left = []
    broken = {}
    for name, files in progress(_clips(path, listing).items(), desc="reading clips", leave=False, delay=1):
        try:
            pictures = _frames(name, files, size, most=frames, bits=bits)
        except BrokenFileError as error:
            broken[name] = str(error)
            continue
        whole = len(pictures) // frames
        if not whole:
            raise DataError(f"{folder}: the clip {name} has {_counted(len(pictures))}, expected at least {frames}")
        if len(pictures) % frames:
            left.append(f"{name} ({_counted(len(pictures) % frames)})")
        pieces += list(pictures[: whole * frames].unflatten(0, (whole, frames)))
    notes = listing.notes() + (refused_or_noted(path, broken, skip_broken, kind="clips") if broken else [])
    if not pieces:
        raise DataError(f"{folder}: none of its {len(broken)} clips can be read")
    clips = torch.stack(pieces)  # (N, T, 3, H, W)
    if (clips == clips[:, :, :1]).all():
        clips = clips[:, :, :1].contiguous()
    notes += [f"left out, at the end of clips: {some(left)}"] if left else []
    notes += [bits_note(f"{deep} files of 16 bits use", bits)] if deep else []
    tell(path.name, notes)
    return ClipSet(clips, name=path.resolve().name, notes=tuple(notes))


class BrokenFileError(Exception):
    """A file of a clip that cannot be read."""


def _counted(frames: int) -> str:
    return "1 frame" if frames == 1 else f"{frames} frames"


def _clips(folder: Path, listing: Listing) -> dict[str, list[Path]]:
    """Return by name what makes a clip: one animated file, or the still pictures of one subfolder."""
    clips: dict[str, list[Path]] = {}
    for file in listing.files:
        alone = file.parent == folder or _is_animated(file)
        place = file if alone else file.parent
        clips.setdefault(readable(place.relative_to(folder).as_posix()), []).append(file)
    if not clips:
        left_out = "".join(f"; {note}" for note in listing.notes())
        raise DataError(
            f"{folder}: no clips in this folder; expected GIF or WebP files, or subfolders of frames{left_out}"
        )
    return dict(sorted(clips.items(), key=lambda item: natural(item[0])))


def _is_animated(file: Path) -> bool:
    try:
        with Image.open(file) as image:
            return getattr(image, "is_animated", False)
    except Exception:  # what is broken is reported, by name, where it is read
        return False


def _bits_used(files: list[Path]) -> tuple[int, int]:
    """Return how many of their 16 bits the files use, all clips together, and how many such files there are."""
    brightest = []
    for file in files:
        try:
            with Image.open(file) as image:
                if image.mode.startswith("I;16"):
                    brightest.append(max(int(np.asarray(frame).max()) for frame in ImageSequence.Iterator(image)))
        except Exception:  # as in _is_animated
            continue
    return bits_of(max(brightest)) if brightest else 16, len(brightest)


def _frames(name: str, files: list[Path], size: int, *, most: int, bits: int) -> Tensor:
    """Return the frames of one clip, uint8 (T, 3, size, size), none of them more than `most` times in a row.

    `bits` is what frames of 16 bits use.
    """
    frames = []
    milliseconds = []
    sides = set()
    for file in files:
        try:
            with Image.open(file) as image:
                for frame in ImageSequence.Iterator(image):
                    upright = ImageOps.exif_transpose(frame)
                    sides.add(upright.size)
                    coloured = converted(upright, False, bits, known_range=image.format == "PPM")
                    fitted = ImageOps.fit(coloured, (size, size), method=Image.Resampling.LANCZOS)
                    frames.append(np.array(fitted))
                    milliseconds.append(frame.info.get("duration", 0))
        except Exception as error:  # Pillow's readers raise nearly every type on a broken file
            raise BrokenFileError(f"{readable(file.name)}: {error}") from error
    if len(sides) > 1:
        shown = " and ".join(f"{width}x{height}" for width, height in sorted(sides)[:2])
        raise DataError(f"{name}: its frames differ in size ({shown}); expected one size in a clip")
    shortest = min(milliseconds)
    times = [min(most, round(each / shortest)) if shortest else 1 for each in milliseconds]
    return torch.from_numpy(np.stack(frames).repeat(times, axis=0)).permute(0, 3, 1, 2).contiguous()
