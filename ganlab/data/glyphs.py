"""Letters in two typefaces, drawn from matplotlib's own fonts: two kinds of pictures of which the truth is known."""

import hashlib
import unicodedata

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ganlab.data.packaged import SPLITS, PackagedSet, Tensors, packaged_file

SIDE = 32
FONT_SIZE, BASELINE = 23, 24  # pixels: accents of capitals and the lowest strokes stay inside
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "GEORGIAN", "ARMENIAN")
CATEGORIES = ("Lu", "Ll", "Lo")  # Unicode's: capital, small and other letters
FACES = {"images": "DejaVuSerif.ttf", "pairs": "DejaVuSans.ttf"}
FONTS = "mpl-data/fonts/ttf"
TEST_SHARE = 15  # of 100 letters


def split_of(letter: str) -> str:
    """Return the split of a letter, by a hash of what it is without case and accents: A, a and á are in one."""
    base = unicodedata.normalize("NFD", letter.lower())[0]
    return "test" if hashlib.sha256(base.encode()).digest()[0] * 100 < TEST_SHARE * 256 else "train"


def letters() -> list[str]:
    """Return the letters of SCRIPTS that both fonts have, in the order of their code points."""
    from matplotlib.ft2font import FT2Font  # here: reading the set from the cache needs no matplotlib

    there = [FT2Font(str(packaged_file("matplotlib", f"{FONTS}/{file}"))).get_charmap() for file in FACES.values()]
    both = sorted(set(there[0]) & set(there[1]))
    return [
        chr(code)
        for code in both
        if unicodedata.category(chr(code)) in CATEGORIES and unicodedata.name(chr(code), "").split(" ")[0] in SCRIPTS
    ]


def build_glyphs() -> Tensors:
    """Return each letter white on black in DejaVu Serif, and its pair in DejaVu Sans, uint8 (N, 1, 32, 32), by split.

    Left out is what does not fit, and what looks like one before it, as a Cyrillic A does.
    """
    fonts = {
        key: ImageFont.truetype(str(packaged_file("matplotlib", f"{FONTS}/{file}")), FONT_SIZE)
        for key, file in FACES.items()
    }
    parts: dict[str, list[np.ndarray]] = {f"{split}/{key}": [] for split in SPLITS for key in FACES}
    seen: set[bytes] = set()
    for letter in letters():
        drawn = {key: _drawn(letter, font) for key, font in fonts.items()}
        content = b"".join(picture.tobytes() for picture in drawn.values())
        edges = max(
            max(picture[edge].max(), picture[:, edge].max()) for picture in drawn.values() for edge in (0, SIDE - 1)
        )
        if content in seen or edges:
            continue
        seen.add(content)
        for key, picture in drawn.items():
            parts[f"{split_of(letter)}/{key}"].append(picture)
    return {key: torch.from_numpy(np.stack(pictures))[:, None] for key, pictures in parts.items()}


def _drawn(letter: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    image = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(image).text((SIDE / 2, BASELINE), letter, fill=255, font=font, anchor="ms")  # middle of the baseline
    return np.asarray(image)


GLYPHS = PackagedSet(
    name="glyphs",
    source="letters in DejaVu Serif, with DejaVu Sans as pairs, from matplotlib's fonts",
    package="matplotlib",
    file=("matplotlib", f"{FONTS}/DejaVuSerif.ttf"),
    sizes=(SIDE,),
    classes=(),
    build=build_glyphs,
    version=1,
)
