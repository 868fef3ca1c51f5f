"""OpenMoji's icons at 128 pixels, drawn on the reader's machine from the drawings that OpenMoji publishes."""

import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganlab.data.bundled import GROUPS, ICONS
from ganlab.data.downloads import for_all_to_read
from ganlab.data.packaged import SPLITS, DataError, PackagedSet, Tensors
from ganlab.runtime import cache_dir, progress

LARGE_SIDE = 128  # pixels
PACKAGE = "openmoji@17.0.0"  # of npm
ARCHIVE = "openmoji-17.0.0.tgz"
SHA256 = "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68"
RASTERISER = "resvg-py==0.5.0"  # another one may draw an edge a grey level lighter
DRAWINGS = {"images": ("package/color/svg/{}.svg", "RGB"), "pairs": ("package/black/svg/{}.svg", "L")}
NPM_SECONDS = 300


def rendered(svg: str, mode: str, side: int) -> np.ndarray:
    """Return an icon on white as uint8 pixels (side, side) for mode "L", or (side, side, 3) for "RGB"."""
    import resvg_py  # here: only who draws icons needs it

    png = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side, background="white", skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert(mode))


def archive() -> Path:
    """Return OpenMoji's archive in the cache folder, checked; npm brings it once. DataError if it cannot be had."""
    import pooch  # here, so that importing ganlab.data stays light

    folder = cache_dir() / "icons"
    shelf = pooch.create(folder, base_url="npm:", registry={ARCHIVE: f"sha256:{SHA256}"})
    try:
        return Path(shelf.fetch(ARCHIVE, processor=for_all_to_read, downloader=_packed))
    except (OSError, ValueError, subprocess.SubprocessError) as error:  # a wrong hash is a ValueError
        raise DataError(
            f"icons: {ARCHIVE}, which holds the drawings, could not be had ({_reason(error)}). "
            f'With a network, run: npm pack {PACKAGE} --pack-destination "{folder}"'
        ) from error


def _packed(address: str, file: str, shelf: object) -> None:
    """Have npm bring the archive, from the registry that it is set to, and put it at `file`; as pooch asks for it."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm, a program of Node.js, is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--pack-destination", folder, "--fetch-retries", "1"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=NPM_SECONDS)
        shutil.copyfile(Path(folder) / ARCHIVE, file)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        said = [line for line in error.stderr.splitlines() if line.strip()]
        return f"npm ended with {error.returncode}: {said[0] if said else 'it said nothing'}"
    if isinstance(error, ValueError):
        return "what came is not the expected file: its SHA-256 differs"
    return str(error)


def build_large_icons() -> Tensors:
    """Return the icons of the 64-pixel set, in its order and splits, at 128 pixels: images, pairs and labels."""
    index = ICONS.index()
    with tarfile.open(archive()) as content:
        drawings = {member.name: content.extractfile(member).read().decode() for member in _drawings(content, index)}
    tensors = {}
    for split in SPLITS:
        icons = [icon for icon in index if icon["split"] == split]
        for key, (name, mode) in DRAWINGS.items():
            pictures = [
                rendered(drawings[name.format(icon["code"])], mode, LARGE_SIDE)
                for icon in progress(icons, desc=f"drawing {key} ({split})", leave=False, delay=1)
            ]
            stacked = torch.from_numpy(np.stack(pictures)).reshape(len(icons), LARGE_SIDE, LARGE_SIDE, len(mode))
            tensors[f"{split}/{key}"] = stacked.permute(0, 3, 1, 2).contiguous()  # (N, C, H, W)
        tensors[f"{split}/labels"] = torch.tensor([GROUPS.index(icon["group"]) for icon in icons])
    return tensors


def _drawings(content: tarfile.TarFile, index: list[dict[str, str]]) -> list[tarfile.TarInfo]:
    """Return the members of the archive that are the drawings of these icons."""
    names = {name.format(icon["code"]) for icon in index for name, _ in DRAWINGS.values()}
    return [member for member in content if member.name in names]


LARGE_ICONS = PackagedSet(
    name="icons",
    source="OpenMoji's icons drawn at 128 pixels, from the npm package openmoji (CC BY-SA 4.0)",
    package=RASTERISER,
    file=("resvg_py", "__init__.py"),
    sizes=(LARGE_SIDE,),
    classes=GROUPS,
    build=build_large_icons,
    version=1,
    larger=True,
)
