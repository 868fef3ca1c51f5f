"""The command `python -m ganlab train`: a GAN on any image set, into a folder that the same command continues."""

import argparse
import csv
import io
from pathlib import Path

import PIL.Image

from ganlab import data, models, plots, runtime, train
from ganlab.run import Keep
from ganlab.runtime import whole_number, write_atomically

SHEET = 64  # samples on a sheet, in eight columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `train` takes; learning rate and width are DCGAN's (Radford et al. 2016)."""
    parser.add_argument("network", choices=("dcgan", "mlp"), help="convolutional, or fully connected")
    parser.add_argument("--data", required=True, metavar="NAME|FOLDER", help="an image set, or a folder of your images")
    parser.add_argument("--steps", required=True, type=int, help="steps in all; a larger number continues a run")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="run.safetensors, history.csv, *.png")
    parser.add_argument("--size", type=int, help="side of the images in pixels, when the set comes in several")
    parser.add_argument("--width", type=int, default=64, help="channels beside the image, dcgan only (default 64)")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="images a step (default 64)")
    parser.add_argument("--learning-rate", type=float, default=2e-4, metavar="R", help="of both players (default 2e-4)")
    parser.add_argument("--objective", default="non_saturating", metavar="NAME", help="default non_saturating")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")
    parser.add_argument("--device", default="auto", help="cuda, mps, cpu, or auto: the best present (default)")
    parser.add_argument("--every", type=int, default=500, metavar="N", help="steps between two savings (default 500)")


def run(options: argparse.Namespace) -> int:
    """Train, or continue what the folder holds; return the exit status: 0, 1 if it diverged, 130 if interrupted.

    Every `--every` steps and at the end: the checkpoint, the losses so far, and a sheet of samples of fixed latents.
    """
    whole_number("--every", options.every, least=1)
    game = _game(options)
    if game.step:
        print(f"{options.out}: continuing after step {game.step:,}")

    def keep_results(game: train.GANRun) -> None:
        if game.step % options.every == 0 or game.step == options.steps:
            _write_results(game, options.out)

    game.play(each=keep_results)
    if game.stopped:
        print(f"{options.out}: stopped. {game.stopped}")
        return 1
    return 0 if game.step == options.steps else 130


def _game(options: argparse.Namespace) -> train.GANRun:
    settings = train.GANSettings(options.steps, options.objective, options.learning_rate, seed=options.seed)
    keep = Keep(checkpoint=options.out / "run.safetensors", checkpoint_every=options.every, resume=True)
    device = runtime.pick_device(options.device)
    images = data.load(options.data, size=_size(options))
    channels, side = images.images.shape[1:3]
    with runtime.seeded(options.seed):
        if options.network == "dcgan":
            generator = models.DCGANGenerator(100, channels, side, whole_number("--width", options.width, least=1))
            critic = models.DCGANCritic(channels, side, options.width)
        else:
            generator = models.MLPGenerator(100, (channels, side, side))
            critic = models.MLPCritic((channels, side, side))
    return train.GANRun(
        generator, critic, images.batches(options.batch_size, options.seed, device), settings, keep, device
    )


def _size(options: argparse.Namespace) -> int | None:
    """Return the side asked for; a dcgan takes powers of two, so sets of 28 pixels come padded to 32."""
    digits_like = options.data in data.SETS and 32 in data.SETS[options.data].sizes
    return 32 if options.size is None and options.network == "dcgan" and digits_like else options.size


def _write_results(game: train.GANRun, folder: Path) -> None:
    game.look()
    if game.stopped:
        return
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["step", *game.history])
    writer.writerows((step, *losses) for step, losses in enumerate(zip(*game.history.values(), strict=True), start=1))
    write_atomically(folder / "history.csv", table.getvalue().encode())
    pixels = plots.tile(game.sample(SHEET), columns=8)  # (rows, width, C)
    sheet = io.BytesIO()
    PIL.Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(sheet, format="png")
    write_atomically(folder / f"samples-{game.step:07d}.png", sheet.getvalue())
