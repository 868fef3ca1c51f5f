"""What `train sr` and `train inpaint` learn from and are measured by: pictures, and the same pictures made worse."""

import argparse
import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganlab import data, losses, metrics, train
from ganlab.cli.arguments import asked, load_images
from ganlab.cli.tasks import READING, Job, restorer_plan
from ganlab.cli.translate import LEAST_PICTURES, MEASURED, SHOWN, measure
from ganlab.data import degraded, pixels
from ganlab.models import trained
from ganlab.runtime import seeded_generator
from ganlab.train import Run


def job(options: argparse.Namespace, device: torch.device) -> Job:
    """Return what a restorer's training is made of: sets, networks, task, metric; ValueError for what is none."""
    reading = {"size": options.size, **asked(options, *READING)}
    images = load_images("--data", options.data, **reading)
    if len(images) < LEAST_PICTURES:
        raise ValueError(f"--data: {options.data} has one picture to learn from, expected at least {LEAST_PICTURES}")
    held_out = load_images("--data", options.data, "test", **reading)
    plan = restorer_plan(options, images)
    worsen = degradation(options)
    changes = {"flip": options.flip, "shift": options.shift}
    batches = images.batches(min(options.batch_size, len(images)), options.seed, device, **changes)
    real = held_out.images[:MEASURED]
    x = pixels.to_floats(real)
    one = dataclasses.replace(worsen, draws=1) if isinstance(worsen, data.Holes) else worsen
    pictures = one(x, seeded_generator("held out"))
    crowd = measure(real, pictures, trained.texture_features, paired=True)
    return Job(
        plan,
        lambda networks: _task(options, networks, pictures[:SHOWN]),
        data.Degraded(batches, worsen, options.seed),
        _with_floor(crowd, options, x, pictures),
    )


def degradation(options: argparse.Namespace) -> degraded.Degradation:
    """Return what the options ask to be undone."""
    if options.network == "sr":
        return data.LowResolution(options.factor, options.kernel, blur=options.blur, noise=options.noise)
    own = {"fill": "noise", "draws": 2} if options.several else {}
    return data.Holes(options.holes, portion=options.portion, **own)


def _task(options: argparse.Namespace, networks: dict[str, nn.Module], shown: Tensor) -> train.Task:
    shared = asked(options, "learning_rate", "seed", "threads", "objective", "adversarial_weight", "l1_steps")
    distance: str | losses.Distance = options.distance or "l1"
    if distance == "energy":
        raise ValueError("--distance: energy is what `inpaint --several` takes, by itself")
    if options.perceptual_weight:
        distance = losses.Perceptual(trained.TrunkFeatures(), options.perceptual_weight, distance)
    if options.network == "inpaint" and options.several:
        if options.distance or options.perceptual_weight:
            raise ValueError("--several: takes the energy score as its distance, not --distance or --perceptual-weight")
        distance = "energy"
    settings = train.TranslationSettings(options.steps, **shared, distance=distance)
    return train.TranslationTask(networks["generator"], networks.get("critic"), settings, shown=shown)


def _with_floor(
    crowd: Callable[[Run], dict[str, float]], options: argparse.Namespace, x: Tensor, pictures: Tensor
) -> Callable[[Run], dict[str, float]]:
    """Return the metric with what needs no training beside it: bicubic enlargement's PSNR."""
    if options.network != "sr":
        return crowd
    bicubic = metrics.psnr(degraded.enlarge(pictures, options.factor).clamp(-1, 1), x).mean().item()
    return lambda run: crowd(run) | {"bicubic's PSNR": bicubic}
