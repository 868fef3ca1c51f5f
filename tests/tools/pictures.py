"""Make what lies in data/pictures: three paintings by Vincent van Gogh and a photograph of a castle, 256 pixels square.

Needs Debian's package gcompris-qt-data 3.1-2 (GCompris, a collection of games for children), which the course itself
does not need; `dpkg-deb` unpacks it:

    apt-get download gcompris-qt-data
    dpkg-deb -x gcompris-qt-data_3.1-2_all.deb gcompris
    python tests/tools/pictures.py gcompris/usr/share/gcompris-qt/rcc/details.rcc

The package as a whole is declared GPL-3; the file README beside the pictures in it says of each what it is: the
paintings "Public domain", the castle CC BY 4.0. The same Pillow gives the same bytes.
"""

import argparse
import io
import re
import struct
from pathlib import Path

import PIL.Image

FOLDER = Path(__file__).resolve().parents[2] / "data" / "pictures"
SIDE = 256
QUALITY = 88  # of the JPEG
HEADER, NODE = 24, 22  # bytes of a resource file's version 3: its head, and each node of its tree
# name -> file in the package; side of the square that is cut out, in parts of the shorter side (scans have white rims);
# its left and upper corner, in parts of what is left over
CUTS = {
    "auvers": ("Eglise_dAuvers-sur-Oise", 1.0, 0.5, 0.3),
    "cafe": ("Gogh4", 1.0, 0.5, 0.3),
    "harvest": ("VincentVanGogh0019", 0.96, 0.5, 0.5),
    "castle": ("EilanDonanCastle", 1.0, 0.8, 0.5),
}


def members(resources: bytes) -> dict[str, bytes]:
    """Return the uncompressed files of Qt's resource file, as WebP pictures are, by their names without folders."""
    if resources[:4] != b"qres" or struct.unpack(">I", resources[4:8])[0] != 3:
        raise SystemExit("not a Qt resource file of version 3")
    tree, content, names = struct.unpack(">III", resources[8:20])
    found: dict[str, bytes] = {}
    for start in range(tree, len(resources) - NODE + 1, NODE):
        name_at, flags = struct.unpack(">IH", resources[start : start + 6])
        place = names + name_at
        if flags or place + 6 > len(resources):
            continue  # a folder, or compressed
        length = struct.unpack(">H", resources[place : place + 2])[0]
        name = resources[place + 6 : place + 6 + 2 * length].decode("utf-16-be", "replace")
        data_at = content + struct.unpack(">I", resources[start + 10 : start + 14])[0]
        if re.fullmatch(r"[\w-]+\.webp", name):
            size = struct.unpack(">I", resources[data_at : data_at + 4])[0]
            found[name] = resources[data_at + 4 : data_at + 4 + size]
    return found


def cut(picture: PIL.Image.Image, portion: float, across: float, down: float) -> PIL.Image.Image:
    """Return a square of the picture, at SIDE pixels."""
    side = round(portion * min(picture.size))
    left, top = (round(part * (whole - side)) for part, whole in zip((across, down), picture.size, strict=True))
    square = picture.convert("RGB").crop((left, top, left + side, top + side))
    return square.resize((SIDE, SIDE), PIL.Image.Resampling.LANCZOS)


def main() -> None:
    """Write the four pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("resources", type=Path, help="details.rcc")
    files = members(parser.parse_args().resources.read_bytes())
    FOLDER.mkdir(exist_ok=True)
    for name, (file, *where) in CUTS.items():
        with PIL.Image.open(io.BytesIO(files[f"{file}_background.webp"])) as picture:
            path = FOLDER / f"{name}.jpg"
            cut(picture, *where).save(path, quality=QUALITY, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
