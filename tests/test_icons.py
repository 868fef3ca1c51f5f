"""OpenMoji's icons in data/: what they are, that no variant of a test icon is in train, and files that are not ours."""

import json
import shutil

import icons as recipe
import pytest
import torch

from ganlab import data
from ganlab.data import DataError, bundled, pixels
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
