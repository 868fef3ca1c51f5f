"""What `train style` learns from, paintings and photographs that squares are cut from, and what `apply` paints."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import data, models, train
from ganlab.cli.arguments import load_images
from ganlab.cli.tasks import PHOTOGRAPHS, Job
from ganlab.data import pixels
from ganlab.runtime import whole_number

OURS = ("chelsea", "china", "coffee")  # photographs, of data.PICTURES; the castle is kept for looking
LONGEST = 512  # pixels: on larger pictures the strokes, as wide as in training, are too fine to be seen


def job(options: argparse.Namespace) -> Job:
    """Return what a stylist's training is made of; ValueError for options that are none.

    Squares of `--size` pixels are cut from the photographs; paintings are a quarter larger, so that a stroke is as wide
    in both when a square is about as large as the photograph.
    """
    size = whole_number("--size", options.size or 128, least=train.style.LEAST_SIDE)
    if not options.painting:
        raise ValueError("--painting: got none, expected at least one, a name or a file")
    paintings = torch.stack([_painting(name, 5 * size // 4) for name in options.painting])
    width = whole_number("--width", options.width, least=1)
    contents = _contents(options.data, 2 * size, options.skip_broken)
    print(f"{len(paintings)} paintings, squares of {len(contents)} photographs")
    shared = {name: getattr(options, name) for name in ("learning_rate", "seed", "threads", "content_weight")}

    def task(networks: dict[str, nn.Module]) -> train.Task:
        return train.StyleTask(networks["stylist"], paintings, train.StyleSettings(options.steps, **shared))

    plan = {"stylist": ("Stylist", {"count": len(paintings), "width": width})}
    source = data.Crops(contents, options.batch_size, size=size, seed=options.seed)
    return Job(plan, task, source, None, classes=tuple(Path(name).stem for name in options.painting))


def _painting(name: str, size: int) -> Tensor:
    """Return a painting, uint8 (3, size, size), by its name or of a file."""
    try:
        return data.picture(name, size) if name in data.PICTURES else data.read_image(name, size)
    except data.DataError as error:
        raise ValueError(f"--painting: {error}") from error


def _contents(name: str, size: int, skip_broken: bool) -> Tensor:
    """Return photographs, uint8 (N, 3, size, size): ours, or all of a folder."""
    if name == PHOTOGRAPHS:
        return torch.stack([data.picture(each, size) for each in OURS])
    if name in data.SETS:
        raise ValueError(f"--data: got {name!r}, expected {PHOTOGRAPHS} (ours), or a folder of yours")
    images = load_images("--data", name, "all", size=size, skip_broken=skip_broken).images
    return images.expand(-1, 3, -1, -1)


def painter(options: argparse.Namespace, stylist: models.Stylist, names: tuple[str, ...]) -> Callable[[Path], Tensor]:
    """Return what paints a picture's file, (3, H, W) in [-1, 1], in the mixture of styles that is asked for.

    ValueError for a style that is none. A picture longer than `--longest` is made smaller, and keeps its shape.
    """
    weights = mixture(options.style, stylist.count, names)
    least = train.style.LEAST_SIDE
    longest = whole_number("--longest", options.longest or LONGEST, least=least)

    def make(file: Path) -> Tensor:
        picture = pixels.to_floats(data.read_picture(file))[None]  # (1, 3, H, W)
        part = min(1, longest / max(picture.shape[2:]))
        height, width = (max(1, round(part * side)) for side in picture.shape[2:])
        picture = F.interpolate(picture, (height, width), mode="bilinear", antialias=True).clamp(-1, 1)
        # its border is repeated up to what the stylist takes
        whole = [max(least, -(-side // stylist.multiple) * stylist.multiple) for side in (height, width)]
        picture = F.pad(picture, (0, whole[1] - width, 0, whole[0] - height), mode="replicate")
        return train.restyled(stylist, picture[0], weights)[:, :height, :width]

    return make


def mixture(text: str | None, count: int, names: tuple[str, ...]) -> list[float]:
    """Return the weight of each of `count` styles that `--style` means; ValueError if it means none."""
    expected = f"{' or '.join(names) or f'0 to {count - 1}'}, or {count} weights >= 0 with commas, not all 0"
    if text is None:
        if count > 1:
            raise ValueError(f"--style: got none, expected {expected}")
        return [1.0]
    if text in names or text.isdecimal() and int(text) < count:
        chosen = names.index(text) if text in names else int(text)
        return [float(k == chosen) for k in range(count)]
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = []
    if len(weights) != count or not all(0 <= weight < math.inf for weight in weights) or not any(weights):
        raise ValueError(f"--style: got {text}, expected {expected}")
    return weights
