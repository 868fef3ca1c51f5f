"""A folder of the reader's own images as one tensor: square, of one size, split by file name."""

import hashlib
import io
import unicodedata
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from tqdm.auto import tqdm

from ganlab.data.packaged import DataError, Tensors

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
GREY_MODES = ("1", "L", "LA", "I;16", "I;16B", "I;16L", "I;16N")  # Pillow's names
DEFAULT_SIZE = 64  # pixels: what the course's convolutional networks take


def read_folder(folder: Path, split: str, size: int | None = None) -> tuple[Tensors, tuple[str, ...]]:
    """Return the images of one split, uint8 (N, C, size, size), with labels if subfolders name them, and the classes.

    Subfolders are classes when all images lie in subfolders. C is 1 when every file of the folder is stored as grey,
    else 3. Raises DataError for a folder without images, with images both loose and in subfolders, or with files that
    cannot be read, which it names; and when no image falls into the split.
    """
    files = _image_files(folder)
    names = {path: path.relative_to(folder).parts for path in files}
    loose = [path for path in files if len(names[path]) == 1]
    if loose and len(loose) < len(files):
        inside = next(path for path in files if len(names[path]) > 1)
        raise DataError(
            f"{folder}: some images lie loose ({loose[0].name}) and some in subfolders ({'/'.join(names[inside])}). "
            "Put all into subfolders (one a class) or none"
        )
    modes = _read_each(files, _mode, "looking at")
    chosen = [path for path in files if is_test(path.name) == (split == "test")]
    if not chosen:
        raise DataError(
            f"{folder}: none of its {len(files)} images falls into the {split} split (a hash of the file name sends "
            "about one in ten to test); add images, or load the other split"
        )
    grey, size = all(mode in GREY_MODES for mode in modes), size or DEFAULT_SIZE
    images = torch.stack(_read_each(chosen, lambda path: _square(path, size, grey), "reading"))  # (N, C, size, size)
    if loose:
        return {"images": images}, ()
    classes = tuple(sorted({parts[0] for parts in names.values()}))
    return {"images": images, "labels": torch.tensor([classes.index(names[path][0]) for path in chosen])}, classes


def read_image(source: str | Path | bytes, size: int, grey: bool = False) -> Tensor:
    """Return the centre square of one picture, a file or its bytes, as uint8 (C, size, size); C is 1 if grey, else 3.

    Raises DataError for what cannot be read as a picture.
    """
    name = "source" if isinstance(source, bytes) else str(source)
    try:
        return _square(io.BytesIO(source) if isinstance(source, bytes) else Path(source).expanduser(), size, grey)
    except Exception as error:  # as in _read_each
        raise DataError(f"{name}: this image cannot be read ({error})") from error


def is_test(file_name: str) -> bool:
    """Return whether a hash of this file name sends it to the test split; adding other files never changes that."""
    name = unicodedata.normalize("NFC", file_name)  # macOS may store an accent as a letter of its own
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8], "big") % 10 == 0


def _image_files(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    # Hidden ones are no images of the reader's: ._photo.jpg is a macOS note about photo.jpg.
    files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not files:
        raise DataError(f"{folder}: no images in this folder; expected files that end in {', '.join(SUFFIXES)}")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _read_each(files: list[Path], read, doing: str) -> list:
    results, broken = [], {}
    for path in tqdm(files, desc=f"{doing} images", leave=False, delay=1):
        try:
            results.append(read(path))
        except Exception as error:  # Pillow's readers raise nearly every type on a broken file; all are reported below
            broken[path] = error
    if broken:
        first, error = next(iter(broken.items()))
        more = (
            f", and {len(broken) - 1} more: {', '.join(p.name for p in list(broken)[1:5])}" if len(broken) > 1 else ""
        )
        raise DataError(f"{first}: this image cannot be read ({error}){more}. Mend or remove it") from error
    return results


def _mode(path: Path) -> str:
    with Image.open(path) as image:
        return image.mode


def _square(path: Path | io.BytesIO, size: int, grey: bool) -> Tensor:
    """Return the centre square of the image, upright, as uint8 (C, size, size)."""
    with Image.open(path) as image:
        image.draft(None, (2 * size, 2 * size))  # a large JPEG is decoded at the smallest scale that still does
        upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F"):
        raise ValueError(f"its pixels are 32-bit numbers (mode {upright.mode}) without a known range: save it as 8-bit")
    if upright.mode.startswith("I;16"):  # Pillow's own conversion would clip 16 bits to white
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if upright.has_transparency_data:  # what is transparent shows white, as on a page
        upright = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    fitted = ImageOps.fit(upright.convert("L" if grey else "RGB"), (size, size), method=Image.Resampling.LANCZOS)
    pixels = np.array(fitted)  # (size, size) or (size, size, 3)
    return torch.from_numpy(pixels.reshape(size, size, -1)).permute(2, 0, 1).contiguous()
