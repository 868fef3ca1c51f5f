"""Relief tiles: of land, fine in detail, no pixel twice, and a margin between the parts of the world."""

import safetensors.torch
import torch

from ganlab import data
from ganlab.data import degraded, pixels
from ganlab.data.relief import LEAST_LOST, MOST_WATER, RELIEF, lost, water


def test_tiles_share_no_pixel_and_test_is_apart_from_train() -> None:
    data.load("relief")
    tensors = safetensors.torch.load_file(RELIEF.path)
    corners = {split: tensors[f"{split}/corners"] for split in data.SPLITS}
    both = torch.cat(list(corners.values()))
    assert len(both.unique(dim=0)) == len(both) and (both % 64).unique(dim=0).shape == (1, 2)  # on one grid
    test, train = (corners[split][:, 1] for split in ("test", "train"))
    assert test.min() >= 3200 and test.max() + 64 <= 5376
    assert ((train + 128 <= 3200) | (train >= 5376 + 64)).all() and (train > 5376).any() and (train < 3200).any()


def test_tiles_are_land_and_lose_detail() -> None:
    for split in data.SPLITS:
        tiles = data.load("relief", split)
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
