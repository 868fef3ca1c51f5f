"""GANs, VAEs, flows and hybrids on the same data with the same budget: the tables of lessons 17 and 17c.

python tests/tools/families.py                       what is missing of 60 CPU-seconds, three seeds
python tests/tools/families.py --seconds 1200        of 10 minutes of two cores
python tests/tools/families.py --only ring/flow      some of the cells

A cell is a set, a family, a budget and a seed. Each is trained in a process of its own, on one thread, until its budget
of CPU-seconds is spent, and then measured; the time for measuring does not count. A hybrid begins with a VAE, which has
half of its budget. Whatever is in the file already is not computed again, so that one may stop at any time and go on.
The file is data/families.json, which the lessons read.
"""

import argparse
import copy
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from bench_sides import Effort
from torch import Tensor, nn

from ganlab import data, losses, metrics, models, probability, runtime, toys, train
from ganlab.models import trained

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data" / "families.json"
SETS = ("ring", "digits")
FAMILIES = ("gan", "vae", "flow")
# On the digits only. A point has two coordinates, in which distances mean what they should, so no critic's features can
# be a better measure; and codes of two numbers leave a flow as much to do as the points.
HYBRIDS = ("vae-gan", "latent-flow")
SEEDS = (0, 1, 2)
BUDGETS = (10, 60, 1200)  # CPU-seconds; 1,200 are ten minutes of two cores
SIGMA = 0.05  # of the ring's eight hills: lesson 17's ring
HIDDEN = (128, 128, 128)  # of all networks of points
POINTS = 2500  # samples that are judged, as in lesson 04
PICTURES = 500  # as many as a half of the held-out digits: the split distance takes no more
TRIAL = 20  # steps by which the length of a step is estimated


class PointVAE(nn.Module):
    """A VAE of points x (B, 2): two latents, and one standard deviation for both coordinates, which is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.latent_dim = 2
        self.encoder = models.mlp([2, *HIDDEN, 4])
        self.decoder = models.mlp([2, *HIDDEN, 2])
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def log_weights(self, x: Tensor, eps: Tensor) -> Tensor:
        """Return log p(x, z) - log q(z | x) in nats, (K, B), of x (B, 2) and the draws eps (K, B, 2)."""
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = probability.reparameterise(mu, logvar, eps)
        log_p = probability.gaussian_log_density(x, self.decoder(z), self.log_sigma.exp()).sum(-1)
        return log_p + (0.5 * (eps**2 - z**2 + logvar)).sum(-1)

    def forward(self, z: Tensor) -> Tensor:
        """Return points (B, 2) of latents z (B, 2): the decoder's mean, and its noise."""
        noise = torch.randn(len(z), 2, generator=runtime.seeded_generator("decoder's noise"))
        return self.decoder(z) + self.log_sigma.exp() * noise


class PointVAETask(train.Task):
    """The ELBO of points, by one draw from q."""

    averaged = "vae"

    def step(self, run: train.Stage, k: int) -> dict[str, Tensor]:
        x = run.batch(k).x
        eps = torch.randn(1, len(x), 2, generator=run.generator("eps", k))
        bound = run.networks["vae"].log_weights(x, eps).mean()
        run.optimizers["vae"].zero_grad()
        (-bound).backward()
        run.optimizers["vae"].step()
        return {"bound": bound.detach()}

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        return network(z)


class VAEGANTask(train.Task):
    """A VAE whose pictures are compared in the features of a critic (Larsen et al. 2016); data in [-1, 1].

    Encoder and decoder descend WEIGHT * the squared distance of the features of x and of its reconstruction, in units
    of the features' variance, + the KL. The decoder also descends the objective's loss, by which the critic is to take
    reconstructions and samples for real. The critic is nn.Sequential; its first DEPTH parts give the features.
    """

    WEIGHT = 30.0
    DEPTH = 7  # the third of the critic's convolutions, and what follows it
    averaged = "vae"

    def __init__(self, vae: models.VAE, critic: nn.Sequential, settings: train.GANSettings) -> None:
        super().__init__({"vae": vae, "critic": critic}, settings)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return Adam for each of three players: encoder and decoder descend different losses."""
        parts = {"encoder": self.networks["vae"].encoder, "decoder": self.networks["vae"].decoder}
        parts["critic"] = self.networks["critic"]
        rates = dict.fromkeys(parts, self.settings.learning_rate) | {"critic": self.settings.critic_learning_rate}
        return {
            name: torch.optim.Adam(part.parameters(), rates[name], self.settings.betas) for name, part in parts.items()
        }

    def rate(self, k: int) -> float:
        return train.schedules.annealed(k, self.settings.anneal)

    def step(self, run: train.Stage, k: int) -> dict[str, Tensor]:
        x = run.batch(k).x
        vae, critic = run.networks["vae"], run.networks["critic"]
        objective = losses.objective(self.settings.objective)
        of_penalty = losses.penalty_function(self.settings.penalty)
        eps, z = torch.randn(2, len(x), vae.latent_dim, generator=run.generator("noise", k))
        mu, logvar = vae.encode((x + 1) / 2)
        x_hat = vae(probability.reparameterise(mu, logvar, eps))
        fake = torch.cat([x_hat[::2], vae(z[1::2])])  # half reconstructions, half samples
        shares = torch.rand(len(x), generator=run.generator("shares", k))
        record = train.steps.critic_step(
            critic,
            lambda _: fake.detach(),
            run.optimizers["critic"],
            x,
            z,
            objective,
            regulariser=lambda *three: self.settings.penalty_weight * of_penalty(*three, shares),
        )
        with models.frozen(critic):
            distance = feature_distance(critic[: self.DEPTH], x_hat, x)
            with torch.no_grad():
                real_logits = critic(x)
            adversarial = objective.generator(critic(fake), real_logits).mean()
        kl = probability.gaussian_kl(mu, logvar).sum(1).mean()
        for name in ("encoder", "decoder"):
            run.optimizers[name].zero_grad()
        (self.WEIGHT * distance + kl).backward(retain_graph=True)
        adversarial.backward(inputs=list(vae.decoder.parameters()))  # the encoder does not learn from it
        for name in ("encoder", "decoder"):
            run.optimizers[name].step()
        return record | {"distance": distance.detach(), "kl": kl.detach(), "adversarial": adversarial.detach()}

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        return network(z)


def feature_distance(features: nn.Module, x_hat: Tensor, x: Tensor) -> Tensor:
    """Return the mean squared distance of features of x_hat and x (B, ...), divided by the variance of those of x."""
    wanted = features(x).detach().flatten(1)
    squared = (features(x_hat).flatten(1) - wanted).square().sum(1).mean()
    return squared / wanted.var(0).sum().clamp(min=1e-8)


class LatentFlow(models.Flow):
    """A flow of a VAE's codes, standardised, that decodes where it ends: z (n, latent_dim) -> pictures in [-1, 1].

    `mean` and `deviation` (latent_dim,) are of the codes. The VAE does not learn any more.
    """

    def __init__(self, vae: models.VAE, mean: Tensor, deviation: Tensor, hidden: tuple[int, ...]) -> None:
        super().__init__(models.TimedMLP(vae.latent_dim, hidden), (vae.latent_dim,))
        self.vae = vae.requires_grad_(False)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, z: Tensor, y: None = None) -> Tensor:
        """Return pictures (n, C, H, W) for noise z (n, latent_dim)."""
        return self.vae(self.mean + self.deviation * super().forward(z))


class Codes:
    """A source of batches of a VAE's codes: pictures encoded once, then drawn anew from q(z | x) in each step."""

    def __init__(self, vae: models.VAE, pictures: list[Tensor], seed: int, size: int = 256) -> None:
        with torch.no_grad():
            found = [vae.encode(x) for x in pictures]
        self.mu = torch.cat([mu for mu, _ in found])
        self.sigma = torch.cat([(logvar / 2).exp() for _, logvar in found])
        self.mean = self.mu.mean(0)
        self.deviation = (self.mu.var(0) + self.sigma.square().mean(0)).sqrt()  # of mu + sigma eps
        self.seed, self.size = seed, size

    def at(self, step: int) -> Tensor:
        """Return standardised codes (size, latent_dim)."""
        rng = runtime.seeded_generator(self.seed, "codes", step)
        rows = torch.randint(len(self.mu), (self.size,), generator=rng)
        eps = torch.randn(self.size, self.mu.shape[1], generator=rng)
        return (self.mu[rows] + self.sigma[rows] * eps - self.mean) / self.deviation


def ring_task(family: str, steps: int, seed: int) -> tuple[train.Task, Any]:
    """Return a family's task on the ring, and its data."""
    source = toys.ring(sigma=SIGMA).batches(256, seed)
    shared = {"seed": seed, "precision": "float32", "threads": 1}
    with runtime.seeded(seed):
        if family == "gan":
            rules = {"penalty": "r1_r2", "penalty_weight": 0.02, "betas": (0.0, 0.99), "anneal": steps}
            settings = train.GANSettings(steps, "relativistic", 2e-3, **rules, **shared)
            return train.GANTask(models.MLPGenerator(2, (2,), HIDDEN), models.MLPCritic((2,), HIDDEN), settings), source
        if family == "vae":
            return PointVAETask({"vae": PointVAE()}, train.Settings(steps, 1e-3, **shared)), source
        return train.FlowTask(models.flow_mlp(2, HIDDEN), train.FlowSettings(steps, **shared)), source


def digits_task(family: str, steps: int, seed: int) -> tuple[train.Task, Any]:
    """Return a family's task on the digits, without classes, and its data: each by this course's own recipe."""
    shared = {"seed": seed, "precision": "float32", "threads": 1}
    with runtime.seeded(seed):
        if family == "gan":
            players = models.DCGANGenerator(size=32, width=16), models.DCGANCritic(size=32, width=16, norm="none")
            settings = train.GANSettings(
                steps, "relativistic", 2e-3, penalty="r1_r2", penalty_weight=0.1, anneal=steps, **shared
            )
            return train.GANTask(*players, settings), data.load("digits", size=32).batches(64, seed)
        if family == "vae":
            settings = train.VAESettings(steps, 2e-3, **shared)
            batches = data.load("digits").batches(100, seed, scale="binary", shift=1)
            return train.VAETask(models.conv_vae(32, 1, 28), settings), batches
        settings = train.FlowSettings(steps, **shared)
        return train.FlowTask(models.flow_unet(1, 28), settings), data.load("digits").batches(64, seed, shift=1)


def hybrid_task(family: str, vae: models.VAE, steps: int, seed: int) -> tuple[train.Task, Any]:
    """Return a hybrid's task on the digits, and its data, for a VAE that has been trained."""
    shared = {"seed": seed, "precision": "float32", "threads": 1}
    vae = copy.deepcopy(vae)
    if family == "vae-gan":
        with runtime.seeded(seed):
            layers = models.DCGANCritic(size=32, width=16, norm="none").layers
        critic = nn.Sequential(nn.ConstantPad2d(2, -1.0), *layers, nn.Flatten(0))
        rules = {"penalty": "r1_r2", "penalty_weight": 0.1, "critic_learning_rate": 2e-3, "anneal": steps}
        settings = train.GANSettings(steps, "relativistic", 5e-4, ema_decay=0.99, **rules, **shared)
        return VAEGANTask(vae.requires_grad_(True), critic, settings), data.load("digits").batches(64, seed, shift=1)
    batches = data.load("digits").batches(250, seed, scale="binary", shift=1)
    codes = Codes(vae, [batches.at(k) for k in range(48)], seed)  # each digit three times, moved
    with runtime.seeded(seed):
        flow = LatentFlow(vae, codes.mean, codes.deviation, (256, 256, 256))
    return train.FlowTask(flow, train.FlowSettings(steps, **shared)), codes


TASKS: dict[str, Callable[[str, int, int], tuple[train.Task, Any]]] = {"ring": ring_task, "digits": digits_task}


def budgeted(name: str, family: str, seconds: float, seed: int) -> tuple[train.Run, float]:
    """Return a run that has used its CPU-seconds, and how many it used; half of a hybrid's are its VAE's."""
    if family not in HYBRIDS:
        return played(lambda steps: TASKS[name](family, steps, seed), seconds)
    first, used = played(lambda steps: TASKS[name]("vae", steps, seed), seconds / 2)
    begin = time.process_time()
    hybrid_task(family, first.ema, 1, seed)
    used += time.process_time() - begin  # for the codes
    run, more = played(lambda steps: hybrid_task(family, first.ema, steps, seed), seconds - used)
    return run, used + more


def played(make: Callable[[int], tuple[train.Task, Any]], seconds: float) -> tuple[train.Run, float]:
    """Return a run that has used its CPU-seconds, and how many it used: a trial says how many steps fit."""
    trial = train.Run(*make(10_000), device="cpu")
    for _ in range(TRIAL):  # the first steps are slower
        next(trial)
    begin = time.process_time()
    for _ in range(TRIAL):
        next(trial)
    each = (time.process_time() - begin) / TRIAL
    run = train.Run(*make(max(1, int(seconds / each))), device="cpu")
    begin = time.process_time()
    for _ in run:
        if time.process_time() - begin > seconds:
            break
    run.collect()
    return run, time.process_time() - begin


def of_ring(run: train.Run) -> dict[str, float]:
    """Return what is measured of points."""
    ring = toys.ring(sigma=SIGMA)
    samples = run.sample(run.latents(POINTS, "judged"))
    real = ring.sample(POINTS, runtime.seeded_generator("held out"))
    modes, good, reverse_kl = metrics.mode_coverage(samples, ring.means, SIGMA)
    precision, recall = metrics.precision_recall(samples, real)
    values = {"modes": modes, "good": good, "reverse KL": reverse_kl, "precision": precision, "recall": recall}
    x = real.float()
    if isinstance(run.ema, models.Flow):
        found = models.flow_log_density(run.ema.velocity, x, 200)
    elif isinstance(run.ema, PointVAE):
        eps = torch.randn(500, len(x), 2, generator=runtime.seeded_generator("bound"))
        with torch.no_grad():
            found = torch.cat([probability.importance_bound(run.ema.log_weights(*few)) for few in parts(x, eps)])
    else:
        return values
    missing = (ring.log_prob(real) - found.double()) / math.log(2)  # bits a point that the model needs too many
    return values | {"bits too many": missing.mean().item(), "its error": missing.std().item() / math.sqrt(len(x))}


def parts(x: Tensor, eps: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return x (n, 2) and eps (K, n, 2) in parts of 250 points."""
    return list(zip(x.split(250), eps.split(250, dim=1), strict=True))


def of_digits(run: train.Run) -> dict[str, float]:
    """Return what is measured of pictures, on the features of the digits' classifier."""
    rows = run.latents(PICTURES, "judged").split(250)
    samples = torch.cat([run.sample(z) for z in rows])
    distance = trained.FeatureDistance("digits", PICTURES)
    found = distance.split(samples)
    precision, recall = metrics.precision_recall(distance.features(samples), distance.features(_held_out().images))
    margin = (distance.classifier.size - samples.shape[-1]) // 2
    with torch.no_grad():
        labels = torch.cat([distance.classifier(F.pad(x, (margin,) * 4, value=-1.0)) for x in samples.split(250)])
    classes, reverse_kl = metrics.label_coverage(labels.argmax(1), 10)
    values = {"modes": classes, "reverse KL": reverse_kl, "precision": precision, "recall": recall}
    values |= {"split distance": found.fake.mean().item(), "its deviation": found.fake.std().item()}
    values |= {"of real digits": found.floor.mean().item()}
    if "vae" in run.networks:
        values["nats, at least"] = train.held_out_bound(run.ema, _held_out(), 20).item()
    return values


def _held_out() -> data.ImageSet:
    return data.load("digits", "test")


MEASURES = {"ring": of_ring, "digits": of_digits}


def memory() -> float:
    """Return the most megabytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size(network: nn.Module) -> int:
    """Return how many weights a network has; those of a hybrid's VAE count, though they have stopped learning."""
    return sum(weight.numel() for weight in network.parameters())


def cell(name: str, family: str, seconds: float, seed: int) -> dict[str, float]:
    """Train and measure one cell."""
    torch.set_num_threads(1)
    _held_out()
    before = memory()
    run, used = budgeted(name, family, seconds, seed)
    grown = memory() - before
    z = run.latents(100, "timed")
    run.sample(z[:20])
    begin = time.process_time()
    run.sample(z)
    milliseconds = 1000 * (time.process_time() - begin) / len(z)
    values = {
        "steps": run.step,
        "CPU-seconds": used,
        "ms a sample": milliseconds,
        "MB": grown,
        "weights": size(run.networks[run.task.averaged]),
        "weights trained": sum(map(size, run.networks.values())),
    }
    return values | MEASURES[name](run)


def key(name: str, family: str, seconds: float, seed: int) -> str:
    """Return the name of a cell in the file."""
    return f"{name}/{family}/{seconds:g}/{seed}"


def read() -> dict[str, Any]:
    """Return the cells that are there."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def main(arguments: list[str] | None = None) -> None:
    """Compute the cells of one budget that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="CPU-seconds of a training (60)")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="cells whose names begin so")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.cell is not None:
        name, family, seconds, seed = options.cell.split("/")
        print(json.dumps(cell(name, family, float(seconds), int(seed))))
        return
    compute(missing(options.seconds, tuple(options.only)))


def missing(seconds: float, beginnings: tuple[str, ...] = ()) -> list[str]:
    """Return the names of the cells of a budget that are not in the file; with `beginnings`, those that begin so."""
    families = {"ring": FAMILIES, "digits": FAMILIES + HYBRIDS}
    wanted = [key(name, family, seconds, seed) for seed in SEEDS for name in SETS for family in families[name]]
    return [name for name in wanted if name not in read() and name.startswith(beginnings or ("",))]


def compute(names: list[str]) -> None:
    """Compute cells, each in a process of its own, and write each as soon as it is there."""
    for name in names:
        child = subprocess.run(
            [sys.executable, __file__, "--cell", name], stdout=subprocess.PIPE, text=True, check=True
        )
        values = {k: float(f"{v:.6g}") for k, v in json.loads(child.stdout.splitlines()[-1]).items()}
        values["date"] = datetime.now(UTC).date().isoformat()
        runtime.write_atomically(FILE, (json.dumps({**read(), name: values}, indent=1) + "\n").encode())
        print(name, values, flush=True)


def fill(effort: Effort) -> None:
    """The section of `make bench`: compute what is missing of all budgets, the small ones first."""
    for seconds in BUDGETS:
        names = missing(seconds)
        print(f"{len(names)} cells of {seconds} CPU-seconds are missing")
        if not effort.tiny:
            compute(names)


if __name__ == "__main__":
    main()
