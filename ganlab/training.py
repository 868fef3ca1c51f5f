"""The command `python -m ganlab train`: a network on any image set, into a folder that the same command continues."""

import argparse
import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import PIL.Image
from torch import nn

from ganlab import classify, data, losses, metrics, models, parallel, plots, runtime, train, vaes, variational
from ganlab.run import Keep, Run
from ganlab.runtime import whole_number, write_atomically

SHEET = 64  # samples on a sheet, in eight columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `train` takes; a GAN's learning rate and width are DCGAN's (Radford et al. 2016)."""
    kinds = "a GAN, convolutional or fully connected; a VAE, by the ELBO or the bound of --samples; a classifier"
    parser.add_argument("network", choices=("dcgan", "mlp", "vae", "iwae", "classifier"), help=kinds)
    parser.add_argument("--data", required=True, metavar="NAME|FOLDER", help="an image set, or a folder of your images")
    parser.add_argument("--steps", required=True, type=int, help="steps in all; a larger number continues a run")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="run.safetensors, history.csv, *.png")
    parser.add_argument("--size", type=int, help="side of the images in pixels, when the set comes in several")
    parser.add_argument("--width", type=int, help="channels beside the image (dcgan 64, vae 16, classifier 32)")
    parser.add_argument("--upsample", default="transposed", metavar="HOW", help="dcgan: transposed (default) or resize")
    parser.add_argument("--flip", default="none", metavar="HOW", help="turn images at random: none, horizontal, both")
    parser.add_argument("--shift", default=0, type=int, metavar="N", help="move images by up to N pixels (default 0)")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="images a step (default 64)")
    parser.add_argument(
        "--learning-rate", type=float, metavar="R", help="GAN 2e-4, VAE 1e-3, classifier 2e-3 at its peak"
    )
    parser.add_argument(
        "--samples", default=5, type=int, metavar="K", help="iwae: draws from q for each image (default 5)"
    )
    parser.add_argument("--latent-dim", default=32, type=int, metavar="N", help="vae, iwae: numbers in z (default 32)")
    parser.add_argument("--beta", default=1.0, type=float, metavar="B", help="vae: weight of the KL (default 1)")
    parser.add_argument(
        "--warm-up", default=0, type=int, metavar="N", help="vae: steps in which it grows from 0 (default 0)"
    )
    parser.add_argument(
        "--free-bits",
        default=0.0,
        type=float,
        metavar="N",
        help="vae: nats of each latent that are free",
    )
    _add_game_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")
    parser.add_argument("--device", default="auto", help="cuda, mps, cpu, or auto: the best present (default)")
    parser.add_argument("--every", type=int, default=500, metavar="N", help="steps between two savings (default 500)")


def _add_game_arguments(parser: argparse.ArgumentParser) -> None:
    objectives, penalties = ", ".join(losses.OBJECTIVES), ", ".join(losses.PENALTIES)
    parser.add_argument("--objective", default="non_saturating", metavar="NAME", help=f"GAN: {objectives}")
    parser.add_argument("--penalty", default="none", metavar="NAME", help=f"GAN: none, {penalties}")
    parser.add_argument("--penalty-weight", default=10.0, type=float, metavar="W", help="GAN: its weight (default 10)")
    parser.add_argument("--n-critic", default=1, type=int, metavar="N", help="GAN: critic's moves a step (default 1)")
    parser.add_argument("--clip", default=0.0, type=float, metavar="C", help="GAN: clip the critic's weights to +-C")
    parser.add_argument(
        "--critic-learning-rate", type=float, metavar="R", help="GAN: the critic's own (default: the same)"
    )
    parser.add_argument("--anneal", default=0, type=int, metavar="N", help="GAN: steps until learning rates are 0")


def run(options: argparse.Namespace) -> int:
    """Train, or continue what the folder holds; return the exit status: 0, 1 if it diverged, 130 if interrupted.

    Every `--every` steps and at the end: the checkpoint, the losses so far, and a sheet of samples of fixed latents.
    """
    whole_number("--every", options.every, least=1)
    game = _begun(options)
    if game.step:
        print(f"{options.out}: continuing after step {game.step:,}")

    def keep_results(game: Run) -> None:
        if parallel.is_first() and (game.step % options.every == 0 or game.step == options.steps):
            _write_results(game, options.out)

    game.play(each=keep_results)
    if game.stopped:
        print(f"{options.out}: stopped. {game.stopped}")
        return 1
    if game.metrics:
        print(f"{options.out}: " + ", ".join(f"{name} {value:g}" for name, value in game.metrics[-1].items()))
    return 0 if game.step == options.steps else 130


def _begun(options: argparse.Namespace) -> Run:
    """Return the run that the options ask for, not started, or as its checkpoint left it."""
    if options.network not in ("dcgan", "mlp") and parallel.size() > 1:
        raise ValueError(f"{options.network}: it is small and trains in one process; start it without torchrun")
    device = parallel.own_device(options.device)
    keep = Keep(checkpoint=options.out / "run.safetensors", checkpoint_every=options.every, resume=True)
    with parallel.in_turn():
        images = data.load(options.data, size=_size(options))
    scale = _scale(options, images)
    batches = images.batches(options.batch_size, options.seed, device, scale, options.flip, options.shift)
    rate = {} if options.learning_rate is None else {"learning_rate": options.learning_rate}
    if options.network in ("classifier", "vae", "iwae"):
        held_out = data.load(options.data, "test", size=_size(options))
        keep = dataclasses.replace(keep, metric=_measure(held_out, scale), metric_every=options.every)
    if options.network == "classifier":
        settings = classify.ClassifierSettings(options.steps, seed=options.seed, **rate)
        return classify.ClassifierRun(*_networks(options, images), batches, settings, keep, device)
    if options.network in ("vae", "iwae"):
        samples = options.samples if options.network == "iwae" else 1
        how = {"samples": samples, "beta": options.beta, "warm_up": options.warm_up}
        how |= {"free_bits": options.free_bits, "seed": options.seed}
        settings = variational.VAESettings(options.steps, **rate, **how)
        return variational.VAERun(*_networks(options, images), batches, settings, keep, device)
    names = ("objective", "seed", "penalty", "penalty_weight", "n_critic", "clip", "critic_learning_rate", "anneal")
    settings = train.GANSettings(options.steps, **{name: getattr(options, name) for name in names}, **rate)
    return train.GANRun(*_networks(options, images), batches, settings, keep, device)


def _networks(options: argparse.Namespace, images: data.ImageSet) -> list[nn.Module]:
    """Return the networks asked for, with first weights that depend on the seed alone."""
    channels, side = images.images.shape[1:3]
    width = {} if options.width is None else {"width": whole_number("--width", options.width, least=1)}
    with runtime.seeded(options.seed):
        if options.network == "classifier":
            return [models.Classifier(len(images.classes), channels, side, **width)]
        if options.network in ("vae", "iwae"):
            likelihood = "bernoulli" if channels == 1 else "logistic"
            latents = whole_number("--latent-dim", options.latent_dim, least=1)
            return [vaes.conv_vae(latents, channels, side, **width, likelihood=likelihood)]
        if options.network == "dcgan":
            generator = models.DCGANGenerator(100, channels, side, **width, upsample=options.upsample)
            norm = "batch" if options.penalty == "none" else "none"  # slopes at samples and batch norm do not mix
            return [generator, models.DCGANCritic(channels, side, **width, norm=norm)]
        shape = (channels, side, side)
        return [models.MLPGenerator(100, shape), models.MLPCritic(shape)]


def _scale(options: argparse.Namespace, images: data.ImageSet) -> str:
    """Return the range of pixels that the network asks for: a VAE's likelihood is of black and white, or of k / 255."""
    if options.network not in ("vae", "iwae"):
        return "tanh"
    return "binary" if images.images.shape[1] == 1 else "unit"


def _measure(held_out: data.ImageSet, scale: str) -> Callable[[Run], dict[str, float]]:
    """Return the metric of a classifier, its accuracy, or of a VAE, its ELBO in nats, on images held out."""

    def measure(run: Run) -> dict[str, float]:
        if isinstance(run, classify.ClassifierRun):
            return {"held-out accuracy": classify.accuracy(run.classifier, held_out)}
        x = held_out.batches(len(held_out), scale=scale).at(0)
        bound = variational.bounds(run.ema, x).mean()
        found = {"held-out ELBO": bound.item()}
        if (k := run.settings.samples) > 1:  # what iwae raises, which takes k times as long to look at
            found[f"held-out bound of {k} samples"] = variational.bounds(run.ema, x[:1000], k).mean().item()
        if scale == "unit":
            found["bits per dimension, at most"] = metrics.bits_per_dimension(bound, x[0].numel()).item()
        return found

    return measure


def _size(options: argparse.Namespace) -> int | None:
    """Return the side asked for; some networks take powers of two, so for them sets of 28 pixels come padded to 32."""
    digits_like = options.data in data.SETS and 32 in data.SETS[options.data].sizes
    wants_32 = options.network in ("dcgan", "classifier") and options.size is None
    return 32 if wants_32 and digits_like else options.size


def _write_results(game: Run, folder: Path) -> None:
    """Write the losses so far, and of what makes images a sheet of samples."""
    game.look()
    if game.stopped:
        return
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["step", *game.history])
    writer.writerows((step, *losses) for step, losses in enumerate(zip(*game.history.values(), strict=True), start=1))
    write_atomically(folder / "history.csv", table.getvalue().encode())
    if isinstance(game, classify.ClassifierRun):
        return
    pixels = plots.tile(game.sample(SHEET), columns=8)  # (rows, width, C)
    sheet = io.BytesIO()
    PIL.Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(sheet, format="png")
    write_atomically(folder / f"samples-{game.step:07d}.png", sheet.getvalue())
