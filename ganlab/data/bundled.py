"""The set that lies in data/ itself: OpenMoji's icons, in colour and as outlines (`tests/tools/icons.py` makes it)."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganlab.data.packaged import DataError, SetStatus, Tensors
from ganlab.runtime import data_file

SIDE, COLUMNS = 64, 44  # pixels of an icon; icons in a row of a sheet
GROUPS = (
    "smileys-emotion", "people-body", "animals-nature", "food-drink", "travel-places", "activities", "objects",
    "symbols", "extras-openmoji", "extras-unicode",
)  # fmt: skip
SHA256 = {
    "colour.webp": "f3b18d49bc92a22ccfd39117d07c09e6ce66fbb2102b52d2e71fe9fb64f6c1da",
    "outline.webp": "9cab49f5273e1205da5726a26cd31baa4d3fd17fdca0264656dfe824e4a3734e",
    "index.json": "4ab646707b79390d1d00ecb7f5928d0aaf65dae12c7f373c190ff0a1264c1634",
}


class Icons:
    """OpenMoji's icons, 64x64: images in colour, pairs as black outlines on white, labels by OpenMoji's groups."""

    name = "icons"
    source = "OpenMoji's icons in colour, with their outlines, in this course's own data/ (CC BY-SA 4.0)"
    sizes = (SIDE,)
    classes = GROUPS

    @property
    def path(self) -> Path:
        """The folder that holds both sheets and their index."""
        return data_file("icons")

    def status(self) -> SetStatus:
        """Return whether the files are there; their content is checked when they are read."""
        there = all((self.path / file).is_file() for file in SHA256)
        fix = "" if there else "git checkout data/icons"
        return SetStatus(self.name, self.source, "present" if there else "missing", self.path, fix=fix)

    def index(self) -> list[dict[str, str]]:
        """Return "code", "name", "group" and "split" of each icon, those of a split in the order of its images."""
        return json.loads(self._content("index.json"))

    def read(self, split: str) -> Tensors:
        """Return images uint8 (N, 3, 64, 64), pairs uint8 (N, 1, 64, 64) and labels int64 (N,) of one split."""
        index = self.index()
        rows = [row for row, icon in enumerate(index) if icon["split"] == split]
        return {
            "images": self._pictures("colour.webp", "RGB", rows),
            "pairs": self._pictures("outline.webp", "L", rows),
            "labels": torch.tensor([GROUPS.index(index[row]["group"]) for row in rows]),
        }

    def _content(self, file: str) -> bytes:
        """Return what a file holds; DataError if it is missing or not the one that the course was made with."""
        try:
            content = (self.path / file).read_bytes()
        except OSError as error:
            raise DataError(f"icons: {self.path / file} cannot be read ({error}); `git checkout` brings it") from error
        if hashlib.sha256(content).hexdigest() != SHA256[file]:
            raise DataError(f"icons: {self.path / file} is not the file of this course; `git checkout` brings it back")
        return content

    def _pictures(self, file: str, mode: str, rows: list[int]) -> Tensor:
        """Return the pictures of these numbers on a sheet, uint8 (N, C, 64, 64)."""
        self._content(file)
        with Image.open(self.path / file) as image:
            sheet = np.asarray(image.convert(mode)).reshape(-1, SIDE, COLUMNS, SIDE, len(mode))
        pictures = sheet.transpose(0, 2, 4, 1, 3).reshape(-1, len(mode), SIDE, SIDE)  # (rows * columns, C, H, W)
        return torch.from_numpy(pictures[rows].copy())


ICONS = Icons()
