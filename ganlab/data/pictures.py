"""Pictures to look at: paintings and photographs (`pictures.py` and `photographs.py` of tests/tools make them)."""

import difflib
import hashlib
from pathlib import Path

from torch import Tensor

from ganlab.data.folders import read_image
from ganlab.data.packaged import DataError
from ganlab.runtime import data_file, whole_number

SIDE = 256  # pixels of the files
PICTURES = {
    "auvers": "Vincent van Gogh, The Church at Auvers, 1890 (public domain)",
    "cafe": "Vincent van Gogh, Café Terrace at Night, 1888 (public domain)",
    "harvest": "Vincent van Gogh, Harvest at La Crau, 1888 (public domain)",
    "castle": "Eilean Donan Castle, photograph by Guillaume Piolle, changed by GCompris (CC BY 4.0)",
    "chelsea": "Chelsea the cat, photograph by Stefan van der Walt (CC0)",
    "coffee": "A cup of coffee, photograph by Rachel Michetti, courtesy of Pikolo Espresso Bar (CC0)",
    "china": "A pavilion in China, photograph by danielbuechele, cut out and made smaller (CC BY 2.0)",
}
SHA256 = {
    "auvers": "94639146aeb60d5e7af9bea512141e620cc0a2d8c67dfa08feb855999011f96d",
    "cafe": "a3310cbb0e919ee1696f8b7fdffc8138517fbf91f3e6d22ad76a5da2e2987a1c",
    "harvest": "1b2d36de3dfe31b99441e9f09ac43fff65e2b49bcbbaa2d495e25171c60ddaa7",
    "castle": "fa22f92d3778715d36f0b47e2d255808d19e3950b4bf7546c58315a4688c8b1a",
    "chelsea": "f22d4ecd5f9baa5dd301a361fbde6e402afda3c5c93576294b8c116e8b00164f",
    "coffee": "5584886470794aa5e6551dec36f7f3a71f539c2627a7ed84996f3d0e05f036cd",
    "china": "3ca624da71fd177c29e31a21fe138459807bf672c322663da6f564b4ba8c0d31",
}


def picture(name: str, size: int = SIDE) -> Tensor:
    """Return a picture of PICTURES, uint8 (3, size, size); of your own file, `data.read_image(path, size)` does it.

    Raises ValueError for another name or size, DataError for a file that is missing or altered.
    """
    if name not in PICTURES:
        close = difflib.get_close_matches(str(name), PICTURES, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else " A file of your own: `data.read_image(path, size)`."
        raise ValueError(f"name: got {name!r}, expected one of {', '.join(PICTURES)}.{hint}")
    whole_number("size", size, least=8)
    return read_image(_content(data_file("pictures") / f"{name}.jpg"), size)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.stem}: {path} cannot be read ({error}); `git checkout` brings it") from error
    if hashlib.sha256(content).hexdigest() != SHA256[path.stem]:
        raise DataError(f"{path.stem}: {path} is not the file of this course; `git checkout` brings it back")
    return content
