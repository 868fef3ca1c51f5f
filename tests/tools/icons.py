"""Make what lies in data/icons: OpenMoji's icons at 64 pixels, each in colour and as a black outline, and their index.

Needs the npm package openmoji 17.0.0, as `npm pack openmoji@17.0.0` brings it, and resvg-py 0.5.0, a rasteriser (MIT)
that the course itself does not need:

    npm pack openmoji@17.0.0
    python -m pip install resvg-py==0.5.0
    python tests/tools/icons.py openmoji-17.0.0.tgz

The same versions give the same pixels. `data/icons` holds two sheets, in lossless WebP, and `index.json`: for each
icon, in the order of the sheets, its code, name, group and split.
"""

import argparse
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import numpy as np
import PIL.Image

from ganlab.data.bundled import COLUMNS, SIDE
from ganlab.data.drawn import rendered

FOLDER = Path(__file__).resolve().parents[2] / "data" / "icons"
GROUPS_LEFT_OUT = {"flags", "component"}  # a component is a part of others: a skin tone, a hair
SUBGROUPS_LEFT_OUT = {"brand", "flags", "subdivision-flag", "regional-indicator", "queer-symbols"}  # the last are flags
# Trademarks and people that the subgroups do not tell.
NAMES_LEFT_OUT = {"arduino", "raspberry pi", "ibeacon", "HAL 9000", "trump", "Greta Thunberg"}
UNIMPORTANT = {
    "200D",
    "FE0F",
    "FE0E",
    "2640",
    "2642",
    "27A1",
}  # joiner, variation selectors, female, male, to the right
PEOPLE = {"1F468", "1F469", "1F9D1"}  # man, woman, person
GENDERS = re.compile(r"\b(man|woman|person|men|women|people|boy|girl)\b")
SERIES = {"clock": r"o’clock|-thirty", "family": r"^family", "keycap": r"^keycap", "couple": r"^(couple|kiss)\b"}
ALIKE = 0.12  # squared difference of two outlines, of the larger one's squared ink, up to which they are variants
TEST_SHARE = 15  # of 100 families of variants


def kept(entry: dict) -> bool:
    """Return whether an icon is wanted: no flag, no brand, no real person, no second skin tone of another icon."""
    left_out = entry["group"] in GROUPS_LEFT_OUT or entry["subgroups"] in SUBGROUPS_LEFT_OUT
    return not (left_out or entry["skintone"] or entry["annotation"] in NAMES_LEFT_OUT)


def key(entry: dict) -> str:
    """Return what variants of an icon have in common: of woman running, man running and running to the right, one."""
    for name, pattern in SERIES.items():
        if re.search(pattern, entry["annotation"]):
            return name
    if not entry["unicode"]:  # OpenMoji's own code points say nothing
        return GENDERS.sub("", entry["annotation"]).strip()
    parts = entry["hexcode"].split("-")
    parts = [part for part in parts if part not in UNIMPORTANT] or parts  # the sign of Venus is an icon as well
    return next((part for part in parts if part not in PEOPLE), parts[0])


def families(entries: list[dict], outlines: np.ndarray) -> list[str]:
    """Return for each icon the name of its family: those of one key, and those whose outlines are nearly the same.

    Who is like who is like a third is of the third's family as well.
    """
    ink = (255 - outlines.reshape(len(outlines), -1)).astype(np.float32) / 255
    squares = (ink**2).sum(1)
    difference = squares[:, None] + squares - 2 * ink @ ink.T
    alike = difference <= ALIKE * np.maximum(squares[:, None], squares)
    keys = [key(entry) for entry in entries]
    alike |= np.array(keys)[:, None] == np.array(keys)
    name = np.arange(len(entries))
    while True:  # each takes the smallest number among those it is like, until nothing changes
        smallest = np.where(alike, name, len(name)).min(1)
        if (smallest == name).all():
            return [entries[first]["hexcode"] for first in name]
        name = smallest


def split_of(family: str) -> str:
    """Return the split of a family, by a hash of its name."""
    return "test" if int.from_bytes(hashlib.sha256(family.encode()).digest()[:8], "big") % 100 < TEST_SHARE else "train"


def sheet(pictures: np.ndarray) -> bytes:
    """Return pictures (N, SIDE, SIDE[, 3]) row by row on one sheet of COLUMNS columns, as lossless WebP."""
    rows = -(-len(pictures) // COLUMNS)
    whole = np.full((rows * SIDE, COLUMNS * SIDE, *pictures.shape[3:]), 255, dtype=np.uint8)
    for number, picture in enumerate(pictures):
        top, left = (SIDE * place for place in divmod(number, COLUMNS))
        whole[top : top + SIDE, left : left + SIDE] = picture
    buffer = io.BytesIO()
    PIL.Image.fromarray(whole).save(buffer, "webp", lossless=True, quality=100, method=6)
    return buffer.getvalue()


def main() -> None:
    """Read the archive, choose, render, split, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="openmoji-17.0.0.tgz")
    with tarfile.open(parser.parse_args().archive) as archive:
        texts = {
            member.name: archive.extractfile(member).read().decode()
            for member in archive
            if member.name.endswith((".svg", "data/openmoji.json"))
        }
    files = {kind: f"package/{kind}/svg/{{}}.svg" for kind in ("color", "black")}
    entries = json.loads(texts["package/data/openmoji.json"])
    entries = [e for e in entries if kept(e) and all(file.format(e["hexcode"]) in texts for file in files.values())]
    colour = np.stack([rendered(texts[files["color"].format(entry["hexcode"])], "RGB", SIDE) for entry in entries])
    outline = np.stack([rendered(texts[files["black"].format(entry["hexcode"])], "L", SIDE) for entry in entries])
    seen: set[bytes] = set()
    rows = []
    for row, (picture, lines) in enumerate(zip(colour, outline, strict=True)):
        content = picture.tobytes() + lines.tobytes()
        uncoloured = np.abs(picture.astype(int) - lines[..., None]).max() < 8
        if not uncoloured and (lines < 128).any() and content not in seen:
            rows.append(row)
        seen.add(content)
    entries, colour, outline = [entries[row] for row in rows], colour[rows], outline[rows]
    index = [
        {"code": e["hexcode"], "name": e["annotation"].strip(), "group": e["group"], "split": split_of(family)}
        for e, family in zip(entries, families(entries, outline), strict=True)
    ]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "colour.webp").write_bytes(sheet(colour))
    (FOLDER / "outline.webp").write_bytes(sheet(outline))
    lines = ",\n".join(json.dumps(icon, ensure_ascii=False) for icon in index)
    (FOLDER / "index.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(index)} icons, {sum(icon['split'] == 'test' for icon in index)} of them to test")


if __name__ == "__main__":
    main()
