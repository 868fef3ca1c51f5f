"""CycleGANs scored where the truth is known, for lesson 11b: letters in two typefaces, digits that lose their colour.

python tests/tools/cycles.py                what is missing, three seeds each
python tests/tools/cycles.py --only letters  those whose names begin so

`letters/K` is trained by the command line (LETTERS), as a reader would, and `colours/K` here. Whatever is in the file
is not computed again. The file is data/cycles.json; lesson 11b shows what is in it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import data, models, runtime, train
from ganlab.models import trained

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data" / "cycles.json"
SEEDS = (0, 1, 2)
LETTERS = "train cyclegan --data glyphs --width 8 --learning-rate 0.001 --steps 1000 --threads 1"
STEPS = 2000  # of the digits
INKS = ("red", "green", "blue")
PALE = -0.2  # the other two channels of an ink, in [-1, 1]
NOISE = 0.05  # standard deviation, of the range from -1 to 1


def error(made: Tensor, truth: Tensor) -> float:
    """Return the mean absolute error in percent of the range from black to white."""
    return 50 * (made - truth).abs().mean().item()


def partners(made: Tensor, truth: Tensor) -> float:
    """Return the percentage of pictures (N, ...) to which, of all N true ones, their own is the nearest."""
    nearest = torch.cdist(made.flatten(1), truth.flatten(1), p=1).argmin(1)
    return 100 * (nearest == torch.arange(len(made))).float().mean().item()


def blurred(pictures: Tensor) -> Tensor:
    """Return pictures (N, C, H, W) whose pixels are the means of the 3x3 around them."""
    return F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


def noise(like: Tensor) -> Tensor:
    """Return the same noise each time."""
    return NOISE * torch.randn(like.shape, generator=runtime.seeded_generator("to disturb"))


def letters() -> tuple[Tensor, Tensor]:
    """Return the held-out letters without and with serifs, (N, 1, 32, 32) each, in [-1, 1]."""
    held_out = data.load("glyphs", split="test")
    return data.pixels.to_floats(held_out.pairs), data.pixels.to_floats(held_out.images)


def baselines() -> dict[str, dict[str, float]]:
    """Return what answers without a network get on the letters."""
    s, x = letters()
    learned = data.pixels.to_floats(data.load("glyphs").images)
    mean = learned.mean(0, keepdim=True).expand_as(x)
    shuffled = x[torch.randperm(len(x), generator=runtime.seeded_generator("shuffled"))]
    answers = {"copy": s, "mean": mean, "shuffled": shuffled}
    return {name: {"error": error(made, x), "partners": partners(made, x)} for name, made in answers.items()}


@torch.no_grad()
def score_letters(generator: nn.Module, back: nn.Module) -> dict[str, float]:
    """Return how near both translators come to the true letters, and each round trip to its beginning."""
    s, x = letters()
    values = {}
    for way, there, again, given, truth in (("", generator, back, s, x), ("back: ", back, generator, x, s)):
        made = there.eval()(given)
        again.eval()
        values |= {f"{way}error": error(made, truth), f"{way}partners": partners(made, truth)}
        values |= {f"{way}round trip": error(again(made), given)}
        values |= {f"{way}round trip, noise": error(again(made + noise(made)), given)}
        values |= {f"{way}round trip, blur": error(again(blurred(made)), given)}
    return values


def letters_cell(seed: int) -> dict[str, float]:
    """Train by the command line, and score."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ganlab", *LETTERS.split(), "--seed", str(seed), "--out", folder]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        return score_letters(*networks_of(Path(folder)))


def networks_of(folder: Path) -> tuple[nn.Module, nn.Module]:
    """Return generator and back of a run's folder."""
    networks = trained.read(folder / "networks.safetensors")
    return networks["generator"], networks["back"]


def digits(split: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return digits in white (N, 1, 16, 16), the same in one of three inks (N, 3, 16, 16), and which ink (N,)."""
    images = data.pixels.to_floats(F.pad(data.load("digits", split=split).images, (2, 2, 2, 2)))
    white = F.avg_pool2d(images, 2)
    ink = torch.randint(3, (len(white),), generator=runtime.seeded_generator("colours", split))
    colours = torch.full((3, 3), PALE).fill_diagonal_(1.0)[ink][:, :, None, None]
    return white, (white + 1) / 2 * (colours + 1) - 1, ink


def ink_of(pictures: Tensor) -> Tensor:
    """Return which of the three channels of pictures (N, 3, H, W) is the brightest."""
    return pictures.mean((2, 3)).argmax(1)


def colours_run(seed: int, steps: int, cycle_weight: float) -> train.Run:
    """Train on digits in white and others in colour: `back` takes the colour away, `generator` has to bring it back."""
    white, coloured, _ = digits("train")
    half = len(white) // 2  # no digit is in both heaps

    def as_set(pictures: Tensor) -> data.ImageSet:
        return data.ImageSet(data.pixels.to_bytes(pictures), None, (), "digits", "train")

    with runtime.seeded(seed):
        players = {
            "generator": models.UNet(1, 3, width=8, halvings=2),
            "back": models.UNet(3, 1, width=8, halvings=2),
            "critic": models.PatchCritic(3, 0, width=16, halvings=2),
            "back_critic": models.PatchCritic(1, 0, width=16, halvings=2),
        }
    source = data.Unpaired(as_set(coloured[half:]), as_set(white[:half]), 16, seed=seed)
    settings = train.CycleGANSettings(steps, 2e-3, seed=seed, cycle_weight=cycle_weight, threads=1)
    return train.fit_cyclegan(players, source, settings, device="cpu", progress=False)


@torch.no_grad()
def score_colours(generator: nn.Module, back: nn.Module) -> dict[str, float]:
    """Return where the colour went: percentages of held-out digits whose colour comes home, and the ink of each."""
    white, coloured, ink = digits("test")
    generator.eval()
    made = back.eval()(coloured)

    def home(given: Tensor) -> float:
        return 100 * (ink_of(generator(given)) == ink).float().mean().item()

    extra = 50 * (made - white).mean((1, 2, 3))  # too much white, in percent of the range, mean over the pixels
    return {
        "home": home(made),
        "home, noise": home(made + noise(made)),
        "home, blur": home(blurred(made)),
        "home, true white": home(white),
        "round trip": error(generator(made), coloured),
        "error": error(made, white),
        **{f"extra white, {name}": extra[ink == k].mean().item() for k, name in enumerate(INKS)},
    }


def colours_cell(seed: int, steps: int = STEPS, cycle_weight: float = 10.0) -> dict[str, float]:
    """Train and score one game of the digits; without a cycle, a cycle_weight of 0, it is the control."""
    run = colours_run(seed, steps, cycle_weight)
    return score_colours(run.networks["generator"], run.networks["back"])


CELLS = {
    "letters": letters_cell,
    "colours": colours_cell,
    "colours without a cycle": lambda seed: colours_cell(seed, cycle_weight=0.0),
}


def read() -> dict[str, Any]:
    """Return what is there."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def store(name: str, values: dict[str, float]) -> None:
    """Add one cell to the file."""
    cell = {key: float(f"{value:.4g}") for key, value in values.items()} | {
        "date": datetime.now(UTC).date().isoformat()
    }
    runtime.write_atomically(FILE, (json.dumps({**read(), name: cell}, indent=1) + "\n").encode())
    print(name, cell, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Compute the cells that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="cells whose names begin so")
    beginnings = tuple(parser.parse_args(arguments).only) or ("",)
    torch.set_num_threads(1)
    for name, values in baselines().items():
        if f"letters/{name}" not in read():
            store(f"letters/{name}", values)
    for kind, cell in CELLS.items():
        for name, seed in ((f"{kind}/{seed}", seed) for seed in SEEDS):
            if name not in read() and name.startswith(beginnings):
                store(name, cell(seed))


if __name__ == "__main__":
    main()
