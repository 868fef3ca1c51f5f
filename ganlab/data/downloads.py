"""The sets in MNIST's file format: Fashion-MNIST (Debian's package or a download), MNIST and KMNIST (downloads)."""

import gzip
import hashlib
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from ganlab.data.packaged import DataError, SetStatus, Tensors
from ganlab.runtime import cache_dir

PREFIX = {"train": "train", "test": "t10k"}  # the split's name in the files' names
FILES = tuple(f"{PREFIX[split]}-{kind}-ubyte.gz" for split in PREFIX for kind in ("images-idx3", "labels-idx1"))
RETRIES = 2  # after the first try, at each mirror


@dataclass(frozen=True)
class DownloadedSet:
    """A set of four gzipped IDX files: 60,000 train and 10,000 test images of 28x28 with labels in ten classes."""

    name: str
    source: str
    mirrors: tuple[str, ...]  # tried in this order
    md5: tuple[str, ...]  # of the .gz files, in the order of FILES
    megabytes: float
    classes: tuple[str, ...]
    packaged: Path | None = None  # where a system package keeps the files
    packaged_md5: tuple[str, ...] = field(default=("",) * len(FILES))  # of their unzipped content: gzip headers differ
    sizes: ClassVar[tuple[int, ...]] = (28, 32)

    def status(self) -> SetStatus:
        """Return whether all four files are there; their content is checked when they are read."""
        folder = cache_dir() / self.name
        for place in filter(None, (self.packaged, folder)):
            if all((place / file).is_file() for file in FILES):
                return SetStatus(self.name, self.source, "present", place)
        fix = f"python -m ganlab data fetch {self.name}"
        return SetStatus(self.name, self.source, "to be downloaded", folder, self.megabytes, fix)

    def read(self, split: str) -> Tensors:
        """Return images uint8 (N, 1, 28, 28) and labels int64 (N,) of one split, downloading what is not there."""
        names = [file for file in FILES if file.startswith(PREFIX[split])]
        images, labels = (_parse_idx(self._content(name)) for name in names)
        return {"images": images[:, None], "labels": labels.to(torch.int64)}

    def _content(self, file: str) -> bytes:
        content = self._packaged_content(file) if self.packaged else None
        return gzip.decompress(self._download(file).read_bytes()) if content is None else content

    def _packaged_content(self, file: str) -> bytes | None:
        path = self.packaged / file
        if not path.is_file():
            return None
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            problem = str(error)
        else:
            if hashlib.md5(content, usedforsecurity=False).hexdigest() == self.packaged_md5[FILES.index(file)]:
                return content
            problem = "its content is not the expected one"
        warnings.warn(f"{path}: not usable ({problem}); taking {file} from the network instead", stacklevel=2)
        return None

    def _download(self, file: str) -> Path:
        """Return the checked local copy of `file`, fetched from the first mirror that has it."""
        import pooch  # here, with requests, so that importing ganlab.data stays light
        import requests

        folder = cache_dir() / self.name
        was_there = (folder / file).is_file()
        registry = {file: f"md5:{self.md5[FILES.index(file)]}"}
        failures = []
        for mirror in self.mirrors:
            shelf = pooch.create(folder, base_url=mirror, registry=registry, retry_if_failed=RETRIES)
            downloader = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 16)
            try:
                return Path(shelf.fetch(file, processor=for_all_to_read, downloader=downloader))
            except (ValueError, requests.RequestException) as error:  # a wrong hash is a ValueError
                failures.append((mirror, error))
            except OSError as error:
                raise DataError(
                    f"{self.name}: cannot write to {folder} ({error}). "
                    "Make room there, or set GANLAB_CACHE to a folder you can write to"
                ) from error
        damaged = f"the copy in {folder} is damaged, and " if was_there else ""
        raise DataError(
            f"{self.name}: {damaged}{file} could not be downloaded. "
            f"With a network, run: python -m ganlab data fetch {self.name}\n"
            + "\n".join(f"{mirror}: {_reason(error)}" for mirror, error in failures)
        ) from failures[-1][1]


def for_all_to_read(path: str, action: str, shelf: object) -> str:
    """Let other users read what pooch downloaded for its owner alone: a class may share one cache folder."""
    if action != "fetch":
        Path(path).chmod(0o644)
    return path


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError) and "hash" in str(error).lower():
        return "what came is not the expected file (its MD5 differs)"
    if getattr(error, "response", None) is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    return f"no connection, or it was cut ({type(error).__name__})"


def _parse_idx(content: bytes) -> torch.Tensor:
    """Return the uint8 tensor of an IDX file: two zeros, the type, the count of axes, their lengths, the values."""
    axes = content[3]
    shape = np.frombuffer(content, ">i4", count=axes, offset=4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    return torch.from_numpy(values.reshape(shape).copy())  # a copy, since bytes cannot be written to


FASHION = DownloadedSet(
    name="fashion",
    source="Fashion-MNIST (Zalando), from Debian's package dataset-fashion-mnist or by download",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    md5=(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    megabytes=30.9,
    classes=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    packaged=Path("/usr/share/datasets/fashion-mnist"),
    packaged_md5=(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
)
MNIST = DownloadedSet(
    name="mnist",
    source="all 70,000 MNIST digits, by download",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    md5=(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    megabytes=11.6,
    classes=tuple("0123456789"),
)
KMNIST = DownloadedSet(
    name="kmnist",
    source="KMNIST, old Japanese characters (CODH), by download",
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/", "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
    md5=(
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
    megabytes=21.3,
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
)
