"""OpenMoji's icons in data/: what they are, that no variant of a test icon is in train, and files that are not ours."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import types
from pathlib import Path

import icons as recipe
import pytest
import torch
from PIL import Image

from ganlab import data
from ganlab.data import DataError, bundled, drawn, pixels
from ganlab.data.bundled import GROUPS, ICONS


def test_an_icon_comes_in_colour_with_its_outline_and_its_group():
    for split, count in (("train", 1598), ("test", 295)):
        icons = data.load("icons", split)
        assert icons.images.shape == (count, 3, 64, 64) and icons.pairs.shape == (count, 1, 64, 64)
        assert icons.classes == GROUPS and torch.bincount(icons.labels, minlength=10).min() >= 4
        assert (icons.pairs == 255).float().mean() > 0.7  # paper
        coloured = icons.images.amax(1).int() - icons.images.amin(1).int()
        assert (coloured.flatten(1).amax(1) > 40).float().mean() > 0.75  # the others are shades of grey


def test_the_lines_of_an_outline_are_dark_in_its_icon_and_not_in_another():
    icons = data.load("icons", "test")
    lines = icons.pairs[:, 0] < 40
    grey = icons.images.float().mean(1)
    assert grey[lines].mean() < 40 and grey.roll(1, 0)[lines].mean() > 100


def test_a_batch_turns_both_and_brings_both_into_the_same_range():
    icons = data.load("icons", "test")
    batches = icons.batches(50, flip="horizontal")
    batch = batches.batch(3)
    assert batch.x.shape == (50, 3, 64, 64) and batch.pair.shape == (50, 1, 64, 64) and batch.y.shape == (50,)
    assert batch.pair.min() == -1 and batch.pair.max() == 1
    plain = icons.batches(50).batch(3)
    turned = (batch.x != plain.x).flatten(1).any(1)
    assert 15 < turned.sum() < 35 and torch.equal(batch.x[turned], plain.x[turned].flip(3))
    assert torch.equal(batch.pair[turned], plain.pair[turned].flip(3))
    assert torch.equal(batch.pair[~turned], plain.pair[~turned])


def test_no_variant_of_a_test_icon_is_in_train():
    index = ICONS.index()
    codes = [icon["code"] for icon in index]
    assert len(set(codes)) == len(codes) == 1893
    of = {icon["name"]: icon["split"] for icon in index}
    for one, other in (("woman running", "man running"), ("red heart", "blue heart"), ("keycap: 1", "keycap: 2")):
        assert of[one] == of[other]
    # every pair of outlines that nearly cover each other lies in one split
    outlines = {split: data.load("icons", split).pairs.flatten(1).float() for split in data.SPLITS}
    ink = {split: (255 - x) / 255 for split, x in outlines.items()}
    squares = {split: x.square().sum(1) for split, x in ink.items()}
    apart = squares["train"][:, None] + squares["test"] - 2 * ink["train"] @ ink["test"].T
    assert (apart / torch.maximum(squares["train"][:, None], squares["test"])).min() > recipe.ALIKE


def test_flags_brands_and_skin_tones_are_left_out():
    names = " ".join(icon["name"].lower() for icon in ICONS.index())
    assert "skin tone" not in names and "flag:" not in names and "arduino" not in names and "banana" in names
    assert {icon["group"] for icon in ICONS.index()} == set(GROUPS)


def entry(code: str, name: str, group: str = "people-body", **others: object) -> dict:
    return {
        "hexcode": code,
        "annotation": name,
        "group": group,
        "subgroups": "",
        "skintone": "",
        "unicode": 1,
        **others,
    }


def test_the_recipe_knows_variants_by_code_by_name_and_by_outline():
    assert recipe.key(entry("1F3C3-200D-2640-FE0F", "woman running")) == recipe.key(entry("1F3C3", "person running"))
    assert recipe.key(entry("1F468-200D-1F373", "man cook")) == recipe.key(entry("1F9D1-200D-1F373", "cook")) == "1F373"
    assert recipe.key(entry("2640", "female sign")) != recipe.key(entry("2642", "male sign"))
    assert recipe.key(entry("E1", "man barista", unicode="")) == recipe.key(entry("E2", "barista", unicode=""))
    entries = [entry(code, code) for code in ("1F1", "1F2", "1F3", "1F4")]
    outlines = torch.full((4, 64, 64), 255, dtype=torch.uint8)
    outlines[0, 10:20], outlines[1, 10:20], outlines[2, 10:20], outlines[3, 40:50] = 0, 0, 0, 0
    outlines[1, 20, :] = 0  # 64 of 704
    outlines[2, 20, :] = outlines[2, 21, :16] = 0  # as near to the second, further from the first
    assert recipe.families(entries, outlines.numpy()) == ["1F1", "1F1", "1F1", "1F4"]
    assert not recipe.kept(entry("1", "raspberry pi", "extras-openmoji"))
    assert not recipe.kept(entry("1", "ok: dark skin tone", skintone=5)) and recipe.kept(entry("1", "ok"))


def test_a_sheet_keeps_every_pixel(tmp_path, monkeypatch):
    icons = data.load("icons", "test")
    (tmp_path / "outline.webp").write_bytes(recipe.sheet(icons.pairs[:50, 0].numpy()))
    monkeypatch.setattr(bundled, "data_file", lambda name: tmp_path)
    monkeypatch.setattr(type(ICONS), "_content", lambda self, file: b"")
    assert torch.equal(ICONS._pictures("outline.webp", "L", list(range(50))), icons.pairs[:50])


# At 128 pixels


def png(svg_string: str, width: int, height: int, **_: object) -> bytes:
    """Return, in place of a rasteriser, a picture of one colour, which the drawing's text decides."""
    colour = tuple(hashlib.sha256(svg_string.encode()).digest()[:3])
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def npm(monkeypatch, tmp_path):
    """Return what "npm" will put down: the drawings of all icons and one more; its calls are counted in "calls"."""
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as content:
        for code in ["strange", *(icon["code"] for icon in reversed(ICONS.index()))]:
            for kind in ("color", "black"):
                text = f"{kind} {code}".encode()
                member = tarfile.TarInfo(f"package/{kind}/svg/{code}.svg")
                member.size = len(text)
                content.addfile(member, io.BytesIO(text))
    brought = {"content": buffer.getvalue(), "calls": 0}
    monkeypatch.setattr(drawn, "SHA256", hashlib.sha256(brought["content"]).hexdigest())
    monkeypatch.setattr(drawn.shutil, "which", lambda name: name)
    monkeypatch.setitem(sys.modules, "resvg_py", types.SimpleNamespace(svg_to_bytes=png))
    monkeypatch.setattr(type(drawn.LARGE_ICONS), "_installed", lambda self: True)

    def run(command: list[str], **_: object) -> None:
        brought["calls"] += 1
        folder = Path(command[command.index("--pack-destination") + 1])
        (folder / drawn.ARCHIVE).write_bytes(brought["content"])

    monkeypatch.setattr(drawn.subprocess, "run", run)
    return brought


def test_large_icons_are_drawn_once_in_the_order_and_splits_of_the_small_ones(npm, monkeypatch):
    monkeypatch.setattr(drawn, "LARGE_SIDE", 4)
    for split in data.SPLITS:
        small, large = data.load("icons", split), data.load("icons", split, size=128)
        assert torch.equal(large.labels, small.labels) and large.classes == GROUPS
        assert large.images.shape == (len(small), 3, 4, 4) and large.pairs.shape == (len(small), 1, 4, 4)
        codes = [icon["code"] for icon in ICONS.index() if icon["split"] == split]
        for kind, mode, pictures in (("color", "RGB", large.images), ("black", "L", large.pairs)):
            for code, picture in zip(codes[::50], pictures[::50], strict=True):
                expected = Image.open(io.BytesIO(png(f"{kind} {code}", 1, 1))).convert(mode).getpixel((0, 0))
                assert picture[:, 2, 1].tolist() == list(expected if mode == "RGB" else [expected])
    assert npm["calls"] == 1 and data.fetch("icons", 128).state == "present"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("no npm", "npm, a program of Node.js, is not installed"),
        ("no network", "npm ended with 1: npm error code ECONNREFUSED"),
        ("another file", "not the expected file: its SHA-256 differs"),
    ],
)
def test_drawings_that_cannot_be_had_are_told_with_the_command(npm, monkeypatch, harm, said):
    if harm == "no npm":
        monkeypatch.setattr(drawn.shutil, "which", lambda name: None)
    elif harm == "another file":
        npm["content"] += b"x"
    else:
        failed = subprocess.CalledProcessError(1, "npm", stderr="\nnpm error code ECONNREFUSED\nnpm error more")
        monkeypatch.setattr(drawn.subprocess, "run", lambda *_, **__: (_ for _ in ()).throw(failed))
    with pytest.raises(DataError) as refused:
        data.load("icons", size=128)
    assert said in str(refused.value) and "npm pack openmoji@17.0.0 --pack-destination" in str(refused.value)
    assert "\n" not in str(refused.value) and not drawn.LARGE_ICONS.path.exists()


def test_without_the_rasteriser_the_command_is_told(npm, monkeypatch):
    monkeypatch.setattr(type(drawn.LARGE_ICONS), "_installed", lambda self: False)
    with pytest.raises(DataError, match="icons: package not installed. Run: python -m pip install resvg-py==0.5.0"):
        data.fetch("icons", 128)
    assert drawn.LARGE_ICONS.status().state == "missing" and npm["calls"] == 0


def test_missing_and_altered_files_are_told_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "data_file", lambda name: tmp_path / name)
    assert ICONS.status().state == "missing" and ICONS.status().fix == "git checkout data/icons"
    with pytest.raises(DataError, match="index.json cannot be read"):
        data.load("icons")
    shutil.copytree(recipe.FOLDER, tmp_path / "icons")
    index = json.loads((tmp_path / "icons" / "index.json").read_text(encoding="utf-8"))
    index[0]["split"] = "test" if index[0]["split"] == "train" else "train"
    (tmp_path / "icons" / "index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(DataError, match="index.json is not the file of this course; `git checkout` brings it back"):
        data.load("icons")


def test_data_stays_small():
    folder = recipe.FOLDER.parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 30e6
    assert pixels.to_floats(data.load("icons", "test").images[:1]).abs().max() == 1
