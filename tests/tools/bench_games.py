"""Mode collapse in `make bench`: what the best recipe of lesson 04d reaches, over seeds, and what its parts cost.

The protocol is the literature's: 2,500 samples; a sample is good within 3 sigma of the nearest mode; a mode counts with
one good sample. Stacked digits: 26,000 samples, 1,000 modes, told by the shipped classifier of digits.
"""

import copy
import itertools
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from bench_sides import Effort, Steps, by_turns, timed
from torch import Tensor, nn

from ganlab import data, losses, metrics, models, runtime, toys, train
from ganlab.models import trained
from ganlab.train import Ensemble, steps

SEEDS, MEMBERS, SAMPLES, STACKED_SAMPLES = 10, 32, 2_500, 26_000


class Toy(NamedTuple):
    """A mixture and what was found to suit it: a slope counts per unit, and the grid's units are four times as many."""

    mixture: toys.Mixture
    steps: int
    hidden: tuple[int, ...]  # a deep generator can be steep, so that few samples lie between modes
    batch: int
    learning_rate: float
    penalty_weight: float


TOYS = {
    "ring": Toy(toys.ring(), 12_000, (64,) * 6, 128, 3e-3, 0.02),
    "grid": Toy(toys.grid(), 25_000, (128,) * 4, 256, 2e-3, 0.3),
}
PLAIN, BEST = {"objective": "non_saturating"}, {"objective": "relativistic", "penalty": "r1_r2", "betas": (0.0, 0.99)}
RECIPES = {"non-saturating": PLAIN, "relativistic + R1 + R2": BEST}  # all else is the same


def pair(seed: int, hidden: tuple[int, ...] = (128,) * 3) -> tuple[models.MLPGenerator, models.MLPCritic]:
    """Return generator and critic of points."""
    with runtime.seeded(seed):
        return models.MLPGenerator(2, (2,), hidden), models.MLPCritic((2,), (128,) * 3)


def coverage(effort: Effort) -> None:
    """Print modes, good samples and reverse KL of each recipe on ring and grid: mean and range over the seeds."""
    seeds = 2 if effort.tiny else SEEDS
    print(f"{'':30} {'steps':>6} {'modes':>18} {'% good':>20} {'reverse KL':>24}  minutes, {seeds} seeds")
    for (name, toy), (recipe, how) in itertools.product(TOYS.items(), RECIPES.items()):
        count = 20 if effort.tiny else toy.steps
        rates = {"learning_rate": toy.learning_rate, "penalty_weight": toy.penalty_weight, "anneal": count}
        settings = [train.GANSettings(count, seed=k, precision="float32", **rates, **how) for k in range(seeds)]
        generators, critics = zip(*(pair(seed, toy.hidden) for seed in range(seeds)), strict=True)
        begin = time.perf_counter()
        sources = [toy.mixture.batches(toy.batch, seed=seed) for seed in range(seeds)]
        played = Ensemble(generators, critics, sources, settings).play(progress=False)
        found = [counted(made, toy.mixture, seed) for seed, made in enumerate(played.averaged_generators())]
        modes, good, kl = zip(*found, strict=True)
        minutes = (time.perf_counter() - begin) / 60
        cells = f"{spread(modes):>18} {spread([100 * share for share in good]):>20} {spread(kl, 4):>24}"
        print(f"{name + ', ' + recipe:30} {count:6,} {cells}  {minutes:.1f}", flush=True)


@torch.no_grad()
def counted(generator: models.MLPGenerator, toy: toys.Mixture, seed: int) -> metrics.ModeCoverage:
    """Return the coverage of fresh samples of one generator."""
    z = models.latents(SAMPLES, generator.latent_dim, runtime.seeded_generator("bench", seed))
    return metrics.mode_coverage(generator(z), toy.means, toy.sigmas[0].item())


def spread(values: list[float], digits: int = 1) -> str:
    """Return mean and range."""
    return f"{statistics.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def stacked(effort: Effort) -> None:
    """Print the modes and the reverse KL that lesson 04d's DCGAN has after ten minutes, and those of real digits."""
    seconds, samples = (2, 500) if effort.tiny else (600, STACKED_SAMPLES)
    with runtime.seeded(0):
        networks = models.DCGANGenerator(100, 3, width=16), models.DCGANCritic(3, width=16, norm="none")
    real, how = data.Stacked(data.load("digits", size=32), 64), BEST | {"penalty_weight": 0.1, "ema_decay": 0.995}
    trial = train.Run(train.GANTask(*copy.deepcopy(networks), train.GANSettings(10**9, **how)), real, device="cpu")
    timed(trial, 2)
    count = max(1, round(seconds / timed(trial, 2 if effort.tiny else 50)))  # so many steps fill the time
    settings = train.GANSettings(count, learning_rate=2e-3, anneal=count, **how)
    game = train.fit_gan(*networks, real, settings=settings, device="cpu", progress=False)
    held_out = data.Stacked(data.load("digits", "test", size=32), 100, seed=1)
    z = models.latents(samples, 100, runtime.seeded_generator("bench"))
    batches = {
        "DCGAN": (game.sample(part) for part in z.split(500)),
        "real": (held_out.at(step) for step in range(samples // 100)),
    }
    print(f"stacked digits, {samples:,} samples, {game.step:,} steps in {seconds / 60:.0f} minutes: modes, reverse KL")
    for name, images in batches.items():
        modes, kl = metrics.label_coverage(torch.cat([told(x) for x in images]), 1000)
        print(f"{name:8} {modes:5} {kl:.3f}", flush=True)


@torch.no_grad()
def told(images: Tensor) -> Tensor:
    """Return the class from 0 to 999 of stacked digits (B, 3, 32, 32), each channel told by the shipped classifier."""
    classifier = trained.load("classifier-digits")["classifier"]
    digits = classifier(images.flatten(0, 1)[:, None]).argmax(1).view(-1, 3)
    return digits @ torch.tensor([100, 10, 1])


def together(effort: Effort) -> None:
    """Print how much faster 32 small games are trained at once than one after another."""
    source, settings = toys.ring().batches(64), train.GANSettings(10**9, precision="float32")
    print(f"{f'ms a step of {MEMBERS} games of points':38} {'loop':>8} {'at once':>8}  ratio")
    for width in (32,) if effort.tiny else (32, 64, 128):
        generators = [models.MLPGenerator(2, (2,), (width,) * 2) for _ in range(MEMBERS)]
        critics = [models.MLPCritic((2,), (width,) * 2) for _ in range(MEMBERS)]
        games = Ensemble(generators, critics, [source] * MEMBERS, [settings] * MEMBERS)
        pairs = zip(generators, critics, strict=True)
        runs = [train.Run(train.GANTask(*pair, settings), source, device="cpu") for pair in pairs]
        sides: dict[str, Steps] = {
            "loop": (next(run) for run in itertools.cycle(runs)),
            "at once": (games.take_step(step) for step in itertools.count()),
        }
        times = {side: statistics.median(rounds) for side, rounds in by_turns(sides, effort).items()}
        loop = MEMBERS * times["loop"]
        name = f"two hidden layers of {width}, batch 64"
        print(f"{name:38} {1e3 * loop:8.1f} {1e3 * times['at once']:8.1f}  {loop / times['at once']:.1f}", flush=True)


def penalties(effort: Effort) -> None:
    """Print the time of a step with R1 and R2, by autograd twice and as ganlab does it, over that of a step without."""
    print(f"{'ms a step, R1 + R2':38} {'without':>8} {'autograd':>8} {'ganlab':>8}  ratios")
    points = {f"points, batch {n}": (toys.ring().batches(n).at(0), *pair(0)) for n in (64, 256)}
    digits, grown = (data.load("digits", size=size).batches(64).at(0) for size in (28, 32))
    with runtime.seeded(0):
        images = {
            "MLP 28x28, batch 64": (digits, models.MLPGenerator(), models.MLPCritic()),
            "DCGAN 32x32, width 32, batch 64": (
                grown,
                models.DCGANGenerator(width=32),
                models.DCGANCritic(width=32, norm="none"),
            ),
        }
    for name, (real, *networks) in points.items() if effort.tiny else (points | images).items():
        sides = {kind: penalised(real, *copy.deepcopy(networks), slope) for kind, slope in SLOPES.items()}
        times = {side: 1e3 * statistics.median(rounds) for side, rounds in by_turns(sides, effort).items()}
        ratios = " ".join(f"{times[kind] / times['without']:.2f}" for kind in ("autograd", "ganlab"))
        print(f"{name:38} " + " ".join(f"{value:8.2f}" for value in times.values()) + f"  {ratios}", flush=True)


def by_autograd(critic: nn.Module, x: Tensor) -> Tensor:
    """Return what `losses.squared_slope` does, without the critic's own formula."""
    return losses.input_gradient(critic, x).flatten(1).square().sum(1)


SLOPES = {"without": None, "autograd": by_autograd, "ganlab": losses.squared_slope}


def penalised(
    real: Tensor, generator: nn.Module, critic: nn.Module, slope: Callable[[nn.Module, Tensor], Tensor] | None
) -> Steps:
    """Yield the record of one step after another of the relativistic game, always on the same batch."""
    settings, objective = train.GANSettings(1), losses.objective("relativistic")
    optimizers = list(train.GANTask(generator, critic, settings).optimizers().values())[::-1]
    z = models.latents(len(real), generator.latent_dim, runtime.seeded_generator("bench"))

    def regulariser(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        return slope(critic, torch.cat([real, fake]))

    while True:
        steps.critic_step(critic, generator, optimizers[0], real, z, objective, regulariser=slope and regulariser)
        yield steps.generator_step(generator, critic, optimizers[1], z, objective, real=real)


def games(effort: Effort) -> None:
    """Print all of it, what is quick first."""
    for part in (together, penalties, stacked, coverage):
        part(effort)
