"""What `train style` learns from: paintings, and photographs that squares are cut from."""

import argparse

import torch
from torch import Tensor, nn

from ganlab import data, train
from ganlab.cli.arguments import load_images
from ganlab.cli.tasks import Job
from ganlab.runtime import whole_number

PHOTOGRAPHS = ("chelsea", "china", "coffee")  # ours, of data.PICTURES; the castle is kept for looking


def job(options: argparse.Namespace) -> Job:
    """Return what a stylist's training is made of; ValueError for options that are none.

    Squares of `--size` pixels are cut from the photographs; paintings are a quarter larger, so that a stroke is as wide
    in both when a square is about as large as the photograph.
    """
    size = whole_number("--size", options.size or 128, least=train.style.LEAST_SIDE)
    if not options.painting:
        raise ValueError("--painting: got none, expected at least one, a name or a file")
    paintings = torch.stack([_painting(name, 5 * size // 4) for name in options.painting])
    width = {} if options.width is None else {"width": whole_number("--width", options.width, least=1)}
    contents = _contents(options.data, 2 * size)
    print(f"{len(paintings)} paintings, squares of {len(contents)} photographs")
    shared = {"seed": options.seed, "threads": options.threads, "content_weight": options.content_weight}
    shared |= {} if options.learning_rate is None else {"learning_rate": options.learning_rate}

    def task(networks: dict[str, nn.Module]) -> train.Task:
        return train.StyleTask(networks["stylist"], paintings, train.StyleSettings(options.steps, **shared))

    plan = {"stylist": ("Stylist", {"count": len(paintings), **width})}
    return Job(plan, task, data.Crops(contents, options.batch_size, size=size, seed=options.seed), None)


def _painting(name: str, size: int) -> Tensor:
    """Return a painting, uint8 (3, size, size), by its name or of a file."""
    try:
        return data.picture(name, size) if name in data.PICTURES else data.read_image(name, size)
    except data.DataError as error:
        raise ValueError(f"--painting: {error}") from error


def _contents(name: str, size: int) -> Tensor:
    """Return photographs, uint8 (N, 3, size, size): ours, or all of a folder."""
    if name == "photographs":
        return torch.stack([data.picture(each, size) for each in PHOTOGRAPHS])
    if name in data.SETS:
        raise ValueError(f"--data: got {name!r}, expected photographs (ours), or a folder of yours")
    images = load_images("--data", name, "all", size=size).images
    return images.expand(-1, 3, -1, -1)
