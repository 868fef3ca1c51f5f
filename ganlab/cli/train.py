"""The command `python -m ganlab train`: a network on any image set, into a folder that the same command continues."""

import argparse
import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

from ganlab import data, losses, metrics, runtime, train
from ganlab.data import pixels
from ganlab.models import trained
from ganlab.models.trained import Plan
from ganlab.runtime import whole_number, write_atomically
from ganlab.train import Keep, Run, parallel

SHEET = 64  # samples on a sheet, in eight columns
GANS, VAES, TOLD = ("dcgan", "mlp", "cgan"), ("vae", "iwae", "cvae"), ("cgan", "cvae")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `train` takes; a GAN's learning rate and width are DCGAN's (Radford et al. 2016)."""
    kinds = (
        "a GAN, convolutional, fully connected, or told classes; a VAE, by the ELBO, told classes, or by the bound of "
        "--samples; a classifier"
    )
    parser.add_argument("network", choices=(*GANS, *VAES, "classifier"), help=kinds)
    parser.add_argument("--data", required=True, metavar="NAME|FOLDER", help="an image set, or a folder of your images")
    parser.add_argument("--steps", required=True, type=int, help="steps in all; a larger number continues a run")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="results, among them networks.safetensors"
    )
    parser.add_argument("--size", type=int, help="side of the images in pixels, when the set comes in several")
    parser.add_argument("--width", type=int, help="channels beside the image (GAN 64, VAE 16, classifier 32)")
    parser.add_argument("--upsample", default="transposed", metavar="HOW", help="GAN: transposed (default) or resize")
    parser.add_argument("--flip", default="none", metavar="HOW", help="turn images at random: none, horizontal, both")
    parser.add_argument("--shift", default=0, type=int, metavar="N", help="move images by up to N pixels (default 0)")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="images a step (default 64)")
    parser.add_argument(
        "--learning-rate", type=float, metavar="R", help="GAN 2e-4, VAE 1e-3, classifier 2e-3 at its peak"
    )
    parser.add_argument(
        "--samples", default=5, type=int, metavar="K", help="iwae: draws from q for each image (default 5)"
    )
    parser.add_argument("--latent-dim", default=32, type=int, metavar="N", help="VAE: numbers in z (default 32)")
    parser.add_argument("--beta", default=1.0, type=float, metavar="B", help="VAE: weight of the KL (default 1)")
    parser.add_argument(
        "--warm-up", default=0, type=int, metavar="N", help="VAE: steps in which it grows from 0 (default 0)"
    )
    parser.add_argument(
        "--free-bits",
        default=0.0,
        type=float,
        metavar="N",
        help="VAE: nats of each latent that are free",
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

    Every `--every` steps and at the end: the checkpoint, the networks alone, the losses so far, and a sheet of samples.
    """
    whole_number("--every", options.every, least=1)
    game, plan = _begun(options)
    if game.step:
        print(f"{options.out}: continuing after step {game.step:,}")

    def keep_results(game: Run) -> None:
        if parallel.is_first() and (game.step % options.every == 0 or game.step == options.steps):
            _write_results(game, plan, options.out)

    game.play(each=keep_results)
    if game.stopped:
        print(f"{options.out}: stopped. {game.stopped}")
        return 1
    if game.metrics:
        print(f"{options.out}: " + ", ".join(f"{name} {value:g}" for name, value in game.metrics[-1].items()))
    return 0 if game.step == options.steps else 130


def _begun(options: argparse.Namespace) -> tuple[Run, Plan]:
    """Return the run that the options ask for, not started, or as its checkpoint left it; and what its networks are."""
    if options.network not in GANS and parallel.size() > 1:
        raise ValueError(f"{options.network}: it is small and trains in one process; start it without torchrun")
    device = parallel.own_device(options.device)
    keep = Keep(checkpoint=options.out / "run.safetensors", checkpoint_every=options.every, resume=True)
    with parallel.in_turn():
        images = data.load(options.data, size=_size(options))
    if options.network in TOLD and images.labels is None:
        raise ValueError(f"--data: {images!r} has no classes, which {options.network} is told; sort it into subfolders")
    plan = network_plan(options, images)
    with runtime.seeded(options.seed):  # first weights depend on the seed alone
        networks = trained.build(plan).values()
    scale = _scale(options, images)
    batches = images.batches(options.batch_size, options.seed, device, scale, options.flip, options.shift)
    rate = {} if options.learning_rate is None else {"learning_rate": options.learning_rate}
    if options.network not in GANS:
        held_out = data.load(options.data, "test", size=_size(options))
        keep = dataclasses.replace(keep, metric=_measure(held_out, scale), metric_every=options.every)
    if options.network == "classifier":
        settings = train.ClassifierSettings(options.steps, seed=options.seed, **rate)
        return train.Run(train.ClassifierTask(*networks, settings), batches, keep=keep, device=device), plan
    if options.network in VAES:
        samples = options.samples if options.network == "iwae" else 1
        how = {"samples": samples, "beta": options.beta, "warm_up": options.warm_up}
        how |= {"free_bits": options.free_bits, "seed": options.seed}
        settings = train.VAESettings(options.steps, **rate, **how)
        return train.Run(train.VAETask(*networks, settings), batches, keep=keep, device=device), plan
    names = ("objective", "seed", "penalty", "penalty_weight", "n_critic", "clip", "critic_learning_rate", "anneal")
    settings = train.GANSettings(options.steps, **{name: getattr(options, name) for name in names}, **rate)
    return train.Run(train.GANTask(*networks, settings), batches, keep=keep, device=device), plan


def network_plan(options: argparse.Namespace, images: data.ImageSet) -> Plan:
    """Return what the networks asked for are made of."""
    channels, side = images.images.shape[1:3]
    shape = {"channels": channels, "size": side}
    if options.width is not None:
        shape["width"] = whole_number("--width", options.width, least=1)
    told = {"classes": len(images.classes)} if options.network in TOLD else {}
    if options.network == "classifier":
        return {"classifier": ("Classifier", {"classes": len(images.classes), **shape})}
    if options.network in VAES:
        latents = whole_number("--latent-dim", options.latent_dim, least=1)
        shape |= {"latent_dim": latents, "likelihood": "bernoulli" if channels == 1 else "logistic", **told}
        return {"vae": ("conditional_vae" if told else "conv_vae", shape)}
    if options.network == "mlp":
        whole = (channels, side, side)
        return {"generator": ("MLPGenerator", {"output_shape": whole}), "critic": ("MLPCritic", {"input_shape": whole})}
    norm = "batch" if options.penalty == "none" else "none"  # slopes at samples and batch norm do not mix
    kinds = ("conditional_generator", "conditional_critic") if told else ("DCGANGenerator", "DCGANCritic")
    each = {"upsample": options.upsample}, {"norm": norm}
    players = zip(("generator", "critic"), kinds, each, strict=True)
    return {player: (kind, {**shape, **told, **own}) for player, kind, own in players}


def _scale(options: argparse.Namespace, images: data.ImageSet) -> str:
    """Return the range of pixels that the network asks for: a VAE's likelihood is of black and white, or of k / 255."""
    if options.network not in VAES:
        return "tanh"
    return "binary" if images.images.shape[1] == 1 else "unit"


def _measure(held_out: data.ImageSet, scale: str) -> Callable[[Run], dict[str, float]]:
    """Return the metric of a classifier, its accuracy, or of a VAE, its ELBO in nats, on images held out."""

    def measure(run: Run) -> dict[str, float]:
        if not run.task.draws:
            return {"held-out accuracy": train.accuracy(run.networks["classifier"], held_out)}
        bound = train.held_out_bound(run.ema, held_out)
        values = {"held-out ELBO": bound.item()}
        if (k := run.settings.samples) > 1:  # what iwae raises, which takes k times as long to look at
            few = dataclasses.replace(held_out, images=held_out.images[:1000], labels=None, pairs=None)
            values[f"held-out bound of {k} samples"] = train.held_out_bound(run.ema, few, k).item()
        if scale == "unit":
            values["bits per dimension, at most"] = metrics.bits_per_dimension(bound, held_out.images[0].numel()).item()
        return values

    return measure


def _size(options: argparse.Namespace) -> int | None:
    """Return the side asked for; some networks take powers of two, so for them sets of 28 pixels come padded to 32."""
    digits_like = options.data in data.SETS and 32 in data.SETS[options.data].sizes
    wants_32 = options.network in ("dcgan", "cgan", "classifier") and options.size is None
    return 32 if wants_32 and digits_like else options.size


def _write_results(game: Run, plan: Plan, folder: Path) -> None:
    """Write the losses so far, the networks, averaged where the run averages, and a sheet of what they make."""
    game.collect()
    if game.stopped:
        return
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["step", *game.history])
    writer.writerows((step, *losses) for step, losses in enumerate(zip(*game.history.values(), strict=True), start=1))
    write_atomically(folder / "history.csv", table.getvalue().encode())
    averaged = {"vae" if "vae" in plan else "generator": game.modules.get("ema")}
    networks = game.modules if not game.task.draws else game.modules | averaged
    trained.save(folder / "networks.safetensors", plan, networks)
    if game.task.draws:
        sheet = pixels.png(pixels.tile(game.sample(SHEET), columns=8))
        write_atomically(folder / f"samples-{game.step:07d}.png", sheet)
