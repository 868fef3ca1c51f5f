"""The command `python -m ganlab train`: a network on any image set, into a folder that the same command continues."""

import argparse
import csv
import dataclasses
import functools
import io
import re
import sys
from collections.abc import Callable, Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from ganlab import data, metrics, runtime, train
from ganlab.checkpoint import CheckpointError
from ganlab.cli import restore, style, translate, video
from ganlab.cli.arguments import asked, load_images, load_networks, seed_number
from ganlab.cli.metric import LEAST, load_classifier, own_distance, usual_features
from ganlab.cli.tasks import (
    GANS,
    READING,
    RESTORERS,
    TRANSLATORS,
    VAES,
    Job,
    check_classes,
    image_size,
    is_ours,
    network_plan,
    pixel_scale,
    refuse_idle,
)
from ganlab.data import pixels
from ganlab.models import Classifier, trained
from ganlab.models.trained import Plan
from ganlab.runtime import interrupts_deferred, whole_number, write_atomically
from ganlab.train import Keep, Run, parallel

SHEET = 64  # samples on a sheet, in eight columns
CLIPS = 8  # of a generator of clips, a row of frames each
SAMPLES = 1000  # of a generator that are compared with twice as many real images, at each saving
MOST_NUMBERS = 2**26  # of the held-out images of a flow, as many again are drawn as noise: 256 MB each
FID = "feature-FID"
FLOW_LOSS = "held-out loss"
LOWER_IS_BETTER = (FID, FLOW_LOSS, translate.CROWD)


def run(options: argparse.Namespace) -> int:
    """Train, or continue what the folder holds; return the exit status.

    It is 0, 1 if the run diverged or its last saving failed, 130 if it was interrupted. Every `--every` steps and at
    the end there are the checkpoint, the networks alone, also the best so far by a game's feature-FID or a number of
    held-out images, tables of losses and of those numbers, and a sheet of samples; what a killed run left out is
    written when the command is given again.
    """
    whole_number("--every", options.every, least=1)
    seed_number("--seed", options.seed)
    try:
        game, results = begun(options)
    except CheckpointError as error:  # the package's way out, in the words of this command
        raise CheckpointError(re.sub(r"change=\('(\w+)',\) goes on", r"--change \1 goes on", str(error))) from error
    if game.step:
        print(f"{options.out}: continuing after step {game.step:,}")
    if 0 < game.step < options.steps:
        with interrupts_deferred():
            results.write(game)  # a kill between the checkpoint and its results left these out
    if game.step > options.steps:
        print(f"{options.out}: it has {game.step:,} steps already, more than --steps {options.steps:,}; nothing to do")

    def keep_results(game: Run) -> None:
        if game.step % options.every == 0 and game.step < options.steps:
            results.write(game)

    game.restart = "the same command"
    game.contention.one_thread = "--threads 1 --change threads"
    game.play(each=keep_results)
    if game.stopped:
        print(f"{options.out}: stopped. {_in_place(game)}")
        return 1
    with interrupts_deferred():
        results.write(game)
    if game.metrics:
        print(f"{options.out}: " + ", ".join(f"{name} {value:g}" for name, value in game.metrics[-1].items()))
    if game.unsaved or results.unsaved:
        print(f"error: {game.unsaved or results.unsaved}", file=sys.stderr)
        return 1
    return 0 if game.step >= options.steps else 130


def _in_place(game: Run) -> str:
    """Return why a run stopped, with how to follow the advice in the same folder."""
    if "learning rate" not in game.stopped:
        return game.stopped
    return f"{game.stopped} To go on here: --learning-rate R --change learning_rate"


def begun(options: argparse.Namespace) -> tuple[Run, "Results"]:
    """Return the run that the options ask for, new or as its checkpoint left it, and what writes its results."""
    if options.network not in GANS and parallel.size() > 1:
        raise ValueError(f"{options.network}: it trains in one process; start it without torchrun")
    refuse_idle(options)
    device = parallel.own_device(options.device)
    file = options.out / "run.safetensors"
    keep = Keep(checkpoint=file, checkpoint_every=options.every, resume=True, change=tuple(options.change))
    makers = dict.fromkeys(TRANSLATORS, translate.job) | dict.fromkeys(RESTORERS, restore.job) | {"video": video.job}
    if options.network == "style":
        job = style.job(options)
    else:
        job = makers.get(options.network, _job)(options, device)
    with runtime.seeded(options.seed):  # first weights depend on the seed alone
        networks = trained.build(job.plan)
    if options.start is not None and not file.exists():
        _take_weights(options.start, networks)
    keep = dataclasses.replace(keep, metric=job.metric, metric_every=options.every)
    task = job.task(networks)
    for name in options.change:
        if name != "batch_size" and not hasattr(task.settings, name):
            raise ValueError(f"--change: {options.network} has no {name}")
    game = train.Run(task, job.source, keep=keep, device=device)
    return game, Results(options, job.plan, job.classes)


def _job(options: argparse.Namespace, device: torch.device) -> Job:
    """Return what the training of a game, a VAE or a classifier is made of."""
    reading = {"size": image_size(options)}
    if options.network in GANS and not is_ours(options):
        reading["test_share"] = 0  # a game is not measured on images held out: a folder's are all learned from
    reading |= asked(options, *READING)
    with parallel.in_turn():
        images = load_images("--data", options.data, **reading)
    check_classes(options, images)
    if images.classes and images.labels is not None:
        print(f"{len(images.classes)} classes: {', '.join(images.classes)}")
    plan = network_plan(options, images)
    scale = pixel_scale(options, images)
    changes = {"flip": options.flip, "shift": options.shift}
    batches = images.batches(options.batch_size, options.seed, device, scale=scale, **changes)
    metric = None
    if options.network in GANS and len(images) >= LEAST:
        metric = _measure_samples(images, usual_features(images.images.shape[1], options.data))
    elif options.network not in GANS:
        metric = _measure_held_out(load_images("--data", options.data, "test", **reading), scale)
    return Job(plan, lambda networks: _task(options, networks.values()), batches, metric, images.classes)


def _take_weights(name: str, networks: dict[str, nn.Module]) -> None:
    """Give networks, in place, the weights of those of the same role in a file of networks."""
    others, _ = load_networks("--from", name)
    shared = [role for role in networks if role in others]
    if not shared:
        raise ValueError(f"--from: {name} has {', '.join(others)}, expected {' or '.join(networks)}")
    for role in shared:
        try:
            networks[role].load_state_dict(others[role].state_dict())
        except RuntimeError as error:
            raise ValueError(
                f"--from: the {role} of {name} has other layers or sizes than the one asked for; "
                "give the same --size, --width and the like"
            ) from error
    fresh = [role for role in networks if role not in others]
    rest = f"; {', '.join(fresh)}: first weights, for want of others" if fresh else ""
    print(f"{', '.join(shared)}: starting from the weights of {name}{rest}")


def _task(options: argparse.Namespace, networks: Iterable[nn.Module]) -> train.Task:
    """Return what is to be learned by the networks, with the settings asked for."""
    shared = asked(options, "learning_rate", "seed", "threads")
    if options.network == "classifier":
        return train.ClassifierTask(*networks, train.ClassifierSettings(options.steps, **shared))
    if options.network == "flow":
        own = asked(options, "class_dropout")
        return train.FlowTask(*networks, train.FlowSettings(options.steps, **shared, **own))
    if options.network in VAES:
        own = asked(options, "samples", "beta", "warm_up", "free_bits")
        return train.VAETask(*networks, train.VAESettings(options.steps, **shared, **own))
    names = ("objective", "penalty", "penalty_weight", "n_critic", "clip", "critic_learning_rate", "anneal")
    own = asked(options, *names)
    return train.GANTask(*networks, train.GANSettings(options.steps, **shared, **own))


def _measure_samples(images: data.ImageSet, name: str) -> Callable[[Run], dict[str, float]]:
    """Return the metric of a generator: the distance of its samples from the real images, on a classifier's features.

    The samples are of the same latents each time, so that the numbers of a run differ by its weights alone.
    """

    @functools.cache
    def reference() -> tuple[Classifier, Tensor]:
        """Return the classifier, and the features (N, D) of real images; made when first asked for."""
        classifier = load_classifier(name)
        order = torch.randperm(len(images), generator=runtime.seeded_generator("reference"))
        return classifier, trained.features(classifier, images.images[order[: 2 * SAMPLES]])

    def measure(run: Run) -> dict[str, float]:
        classifier, real = reference()
        z = run.latents(SAMPLES, "measured")
        y = None if run.task.classes is None else torch.arange(SAMPLES) % run.task.classes
        rows = torch.arange(SAMPLES).split(trained.AT_ONCE)
        parts = [run.sample(z[part], y=None if y is None else y[part]) for part in rows]
        fake = torch.cat([trained.features(classifier, part) for part in parts])
        return {FID: metrics.frechet_distance(fake, real), "its floor": own_distance(real, SAMPLES)}

    return measure


def _measure_held_out(held_out: data.ImageSet, scale: str) -> Callable[[Run], dict[str, float]]:
    """Return the metric of images held out: a classifier's accuracy, a VAE's ELBO in nats, a flow's loss."""

    def measure(run: Run) -> dict[str, float]:
        if not run.task.draws:
            return {"held-out accuracy": train.accuracy(run.networks["classifier"], held_out)}
        if isinstance(run.task, train.FlowTask):
            most = max(1, MOST_NUMBERS // held_out.images[0].numel())
            few = held_out.batches(min(len(held_out), SAMPLES, most), 0).batch(0)
            y = None if run.task.classes is None else few.y
            return {FLOW_LOSS: train.velocity_loss(run.ema, few.x, y=y).mean().item()}
        bound = train.held_out_bound(run.ema, held_out)
        values = {"held-out ELBO": bound.item()}
        if (k := run.settings.samples) > 1:  # what iwae raises, which takes k times as long to look at
            few = dataclasses.replace(held_out, images=held_out.images[:1000], labels=None, pairs=None)
            values[f"held-out bound of {k} samples"] = train.held_out_bound(run.ema, few, k).item()
        if scale == "unit":
            values["bits per dimension, at most"] = metrics.bits_per_dimension(bound, held_out.images[0].numel()).item()
        return values

    return measure


class Results:
    """What a run leaves beside its checkpoint, for people: tables, networks, sheets.

    A disk that refuses costs a line each time, not the training; `unsaved` says so until a later writing succeeds.
    """

    def __init__(self, options: argparse.Namespace, plan: Plan, classes: tuple[str, ...]) -> None:
        self.folder = options.out
        self.keep_networks = options.keep_networks
        self.plan = plan
        self.classes = classes
        self.unsaved = ""

    def write(self, game: Run) -> None:
        """Write all of it, of the step that the run has reached, unless it has diverged."""
        game.collect()
        if game.stopped or not parallel.is_first():
            return
        latest = ", ".join(f"{name} {values[-1]:.4g}" for name, values in game.history.items())
        tqdm.write(f"step {game.step:,}: {latest}")
        try:
            self._write(game)
            self.unsaved = ""
        except OSError as error:
            self.unsaved = f"could not write the results of step {game.step:,} into {self.folder}: {error}"
            tqdm.write(f"{self.unsaved}; training goes on", file=sys.stderr)

    def _write(self, game: Run) -> None:
        history = zip(*game.history.values(), strict=True)
        rows = [(step, *losses) for step, losses in enumerate(history, start=1)]
        write_atomically(self.folder / "history.csv", table(["step", *game.history], rows))
        averaged = {game.task.averaged: game.modules.get("ema")}
        networks = game.modules | averaged if game.task.draws else game.modules
        files = ["networks"] + ([f"networks-{game.step:07d}"] if self.keep_networks else [])
        if game.metrics:
            write_atomically(
                self.folder / "metrics.csv", table([*game.metrics[-1]], [[*m.values()] for m in game.metrics])
            )
            files += ["networks-best"] if game.metrics[-1]["step"] == game.step and _is_best(game) else []
        for name in files:
            trained.save(self.folder / f"{name}.safetensors", self.plan, networks, classes=self.classes)
        if game.task.draws:
            sheet = pixels.png(pixels.tile(_shown(game), columns=8))
            write_atomically(self.folder / f"samples-{game.step:07d}.png", sheet)


def _shown(game: Run) -> Tensor:
    """Return the samples of a sheet; clips; those of a translator each beside what it was made of, without mask."""
    if hasattr(game.task.networks.get("generator"), "frames"):
        return game.sample(CLIPS)
    if not isinstance(game.task, train.Translating):
        return game.sample(SHEET)
    z = game.latents(SHEET // 2, "fixed")
    made = game.sample(z)
    given = F.interpolate(z if z.shape[1] in (1, 3) else z[:, :-1], made.shape[2:])
    channels = max(given.shape[1], made.shape[1])
    both = [each.cpu().expand(-1, channels, -1, -1) for each in (given, made)]
    return torch.stack(both, dim=1).flatten(0, 1)  # (SHEET, channels, H, W)


def _is_best(game: Run) -> bool:
    """Return whether the first number, a bound or accuracy or distance, is the best that there has been."""
    name = next(name for name in game.metrics[-1] if name != "step")
    best = min if name in LOWER_IS_BETTER else max
    return game.metrics[-1][name] == best(values[name] for values in game.metrics)


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows under the names of their columns as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()
