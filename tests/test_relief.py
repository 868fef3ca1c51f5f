"""Relief tiles: of land, fine in detail, no pixel twice, and a margin between the parts of the world."""

import pytest
import safetensors.torch
import torch

from ganlab import data
from ganlab.data import degraded, pixels
from ganlab.data.packaged import PackagedSet
from ganlab.data.relief import LARGE_RELIEF, LEAST_LOST, MOST_WATER, RELIEF, lost, water

RELIEFS = {64: RELIEF, 128: LARGE_RELIEF}


@pytest.mark.parametrize("relief", [RELIEF, LARGE_RELIEF], ids=["64", "128"])
def test_tiles_share_no_pixel_and_test_is_apart_from_train(relief: PackagedSet) -> None:
    (side,) = relief.sizes
    data.load("relief", size=side)
    tensors = safetensors.torch.load_file(relief.path)
    corners = {split: tensors[f"{split}/corners"] for split in data.SPLITS}
    both = torch.cat(list(corners.values()))
    assert len(both.unique(dim=0)) == len(both) and (both % side).unique(dim=0).shape == (1, 2)  # on one grid
    test, train = (corners[split][:, 1] for split in ("test", "train"))
    assert tensors["train/images"].shape[1:] == tensors["test/images"].shape[1:] == (3, side, side)
    assert test.min() >= 3200 and test.max() + side <= 5376
    assert ((train + 2 * side <= 3200) | (train >= 5376 + side)).all() and (train > 5376).any() and (train < 3200).any()


def test_a_large_tile_shows_the_place_that_its_small_ones_show() -> None:
    large, small = (data.load("relief", "test", size) for size in (128, 64))
    corners = {size: safetensors.torch.load_file(each.path)["test/corners"] for size, each in RELIEFS.items()}
    places = {tuple(corner): k for k, corner in enumerate(corners[64].tolist())}
    there = [(k, places[corner]) for k, corner in enumerate(map(tuple, corners[128].tolist())) if corner in places]
    assert len(there) > 50
    assert all(torch.equal(large.images[k, :, :64, :64], small.images[one]) for k, one in there)


@pytest.mark.parametrize("size", RELIEFS)
def test_tiles_are_land_and_lose_detail(size: int) -> None:
    for split in data.SPLITS:
        tiles = data.load("relief", split, size)
        last = tiles.images.permute(0, 2, 3, 1)
        assert water(last).max() < MOST_WATER and 0.03 < water(last).mean() < 0.3
        assert lost(last).min() >= LEAST_LOST
        x = tiles.images[::40].float()
        blocks = degraded.enlarge(degraded.downsample(x, 4), 4, "nearest")
        torch.testing.assert_close((x - blocks).square().flatten(1).mean(1).sqrt(), lost(last[::40]))
        sea = (last[..., 2].int() > last[..., 0].int() + 60).float().mean()
        assert sea < 0.2


def test_the_light_comes_from_the_upper_left() -> None:
    grey = pixels.to_floats(data.load("relief").images).mean(1)
    # a slope that rises to the right lies in the shade's lee: bright before dark along the diagonal, not across it
    along = (grey[:, :-3, :-3] - grey[:, 3:, 3:]).pow(3).mean()
    across = (grey[:, :-3, 3:] - grey[:, 3:, :-3]).pow(3).mean()
    assert abs(along) > 2 * abs(across)


def test_scenes_are_large_and_of_the_test_part() -> None:
    scenes = data.relief_scenes()
    assert scenes.shape == (4, 3, 256, 256) and scenes.dtype == torch.uint8
    detail = lost(scenes.permute(0, 2, 3, 1))
    assert (detail.diff() < 0).all() and detail[0] > 2 * detail[-1]
    tests = {tile.numpy().tobytes() for tile in data.load("relief", "test").images}
    parts = scenes.unfold(2, 64, 64).unfold(3, 64, 64).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 64, 64)
    assert sum(part.contiguous().numpy().tobytes() in tests for part in parts) > 30
