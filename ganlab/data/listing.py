"""The picture files below a folder, in natural order, and by reason the names of what is left out."""

import os
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from PIL import Image

NO_PICTURES = ("BUFR", "EPS", "FITS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF")  # documents and data that Pillow opens
OTHER_PICTURES = ".arw .cr2 .cr3 .dng .exr .hdr .heic .heif .jxl .nef .orf .pdf .raf .raw .rw2 .svg .xcf".split()
NAMED = 10  # of what was left out, so many are named for each reason, and the rest counted


@dataclass
class Listing:
    """The picture files below a folder, in natural order, and by reason the names of what was left out."""

    endings: frozenset[str]
    files: list[Path] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """Return one line for each reason why something was left out: its first NAMED names, and how many more."""
        return [f"left out, {reason}: {some(names)}" for reason, names in self.left_out.items()]


def natural(name: str) -> tuple:
    """Return a key that sorts names as people do: 2 before 10."""
    pieces = re.split(r"(\d+)", name)  # text, digits, text, ...
    return tuple(int(piece) if k % 2 else piece for k, piece in enumerate(pieces)), name


def picture_endings() -> frozenset[str]:
    """Return the endings of the files that this Pillow, with its plugins, reads as pictures: ".png", ..."""
    Image.init()
    return frozenset(
        ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN.keys() - {*NO_PICTURES}
    )


def list_pictures(folder: Path) -> Listing:
    """Return the pictures at any depth below a folder; links are followed, but not to a folder that holds them."""
    listing = Listing(picture_endings())
    _walk(folder, PurePosixPath(), (), listing)
    listing.files.sort(key=lambda path: tuple(natural(part) for part in path.relative_to(folder).parts))
    return listing


def list_folders(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the folders in a folder, in natural order, and notes on what else lies beside them."""
    names = []
    listing = Listing(picture_endings())
    for entry in sorted(os.listdir(folder), key=natural):
        path = folder / entry
        if entry.startswith("."):
            _leave_out(listing, "hidden", f"{entry}/" if os.path.isdir(path) else entry)
        elif os.path.isdir(path):
            names.append(entry)
        elif os.path.isfile(path) and path.suffix.lower() in listing.endings:
            _leave_out(listing, "beside the folders", entry)
        else:
            _leave_out(listing, _reason(path), entry)
    return names, listing.notes()


def _walk(folder: Path, name: PurePosixPath, holders: tuple[str, ...], listing: Listing) -> None:
    """Put what lies in `folder`, which is called `name`, into the listing."""
    real = os.path.realpath(folder)
    if real in holders:
        _leave_out(listing, "a link to a folder that holds it", f"{name}/")
        return
    try:
        entries = sorted(os.listdir(folder), key=natural)
    except OSError as error:
        _leave_out(listing, f"a folder that cannot be read ({error.strerror})", f"{name}/")
        return
    for entry in entries:
        path = folder / entry
        if entry.startswith("."):  # ._photo.jpg is a macOS note about photo.jpg
            _leave_out(listing, "hidden", f"{name / entry}/" if os.path.isdir(path) else f"{name / entry}")
        elif os.path.isdir(path):
            _walk(path, name / entry, (*holders, real), listing)
        elif os.path.isfile(path) and path.suffix.lower() in listing.endings:
            listing.files.append(path)
        else:
            _leave_out(listing, _reason(path), f"{name / entry}")


def _reason(path: Path) -> str:
    """Return why a file is not taken for a picture."""
    if not os.path.exists(path):
        return "a link that cannot be followed" if path.is_symlink() else "not to be opened"
    if not os.path.isfile(path):
        return "neither a file nor a folder"
    known = path.suffix.lower() in {*OTHER_PICTURES, *Image.registered_extensions()}
    return "a kind of picture that is not read here; save it as PNG or JPEG" if known else "no picture by its ending"


def _leave_out(listing: Listing, reason: str, name: str) -> None:
    listing.left_out.setdefault(reason, []).append(readable(name))


def some(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def readable(name: str) -> str:
    """Return a name as text that any program can print: accents in one form, bytes that are no text escaped."""
    return unicodedata.normalize("NFC", name).encode(errors="backslashreplace").decode()
