"""What changes weights: the game as a run of steps, with its settings, its precision and its running average.

`critic_step` and `generator_step` (from `ganlab.steps`) are the mathematics. `GANRun` is an iterator that takes them in
turn (see `ganlab.run`); `fit_gan` takes them all, and a notebook can take them itself, one at a time.
"""

import copy
import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganlab import losses, runtime
from ganlab.models import given, latents
from ganlab.runtime import Precision, seeded_generator, whole_number
from ganlab.train import parallel
from ganlab.train.precision import fastest, settled
from ganlab.train.run import Keep, Run, Source
from ganlab.train.schedules import annealed, warmed_up
from ganlab.train.steps import clip_weights, critic_step, generator_step, update_ema


@dataclasses.dataclass(frozen=True)
class GANSettings:
    """What a run is, apart from networks and data: with those and the settings equal, the bits are equal.

    `learning_rate` and `betas` are DCGAN's (Radford et al. 2016). `ema_decay` is of the generator's running average.
    `precision` is "auto" (measured, once per machine and pair of networks) or a name such as "float32". A `penalty` of
    `losses.PENALTIES` is added to the critic's loss, `penalty_weight` times; a step has `n_critic` moves of the critic,
    each followed by clipping its weights to [-clip, clip], if that is not 0. The critic learns at
    `critic_learning_rate`, by default as the generator does; in `anneal` steps both rates fall to 0 along half a cosine
    wave, and with 0 they never do.
    """

    steps: int
    objective: str = "non_saturating"
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    ema_decay: float = 0.999
    seed: int = 0
    precision: str = "auto"
    penalty: str = "none"
    penalty_weight: float = 10.0
    n_critic: int = 1
    clip: float = 0.0
    critic_learning_rate: float | None = None
    anneal: int = 0

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("seed", 0), ("n_critic", 1), ("anneal", 0)):
            whole_number(name, getattr(self, name), least)
        losses.objective(self.objective)
        if self.penalty != "none":
            losses.penalty(self.penalty)
        for name in ("penalty_weight", "clip"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: got {getattr(self, name)!r}, expected a number >= 0")
        for name in ("learning_rate", "critic_learning_rate"):
            if (rate := getattr(self, name)) is not None and not 0 < rate < math.inf:
                raise ValueError(f"{name}: got {rate!r}, expected a finite number > 0")
        if 0 < self.anneal < self.steps:
            raise ValueError(f"anneal: got {self.anneal}, expected 0 or at least the {self.steps} steps")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas: got {self.betas!r}, expected two numbers in [0, 1)")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay: got {self.ema_decay!r}, expected a number in [0, 1)")

    @property
    def learning_rates(self) -> dict[str, float]:
        """Return the learning rate of each player at first, as "critic" and "generator"."""
        return {"critic": self.critic_learning_rate or self.learning_rate, "generator": self.learning_rate}


def adam(module: nn.Module, settings: GANSettings, player: str = "generator") -> torch.optim.Adam:
    """Return the optimizer of one player; `fused` updates all weights in one kernel, with the same result."""
    return torch.optim.Adam(module.parameters(), settings.learning_rates[player], settings.betas, fused=True)


class GANRun(Run):
    """The game as a run: a step moves the critic `n_critic` times, the generator once, then its running average.

    `generator` and `critic` are trained in place, on `device`; `ema` is the averaged generator. Networks that are told
    classes (`ganlab.conditional`) are told those of the real samples beside the fakes. The noise of step k depends only
    on (seed, k). Raises ValueError if the networks and the data do not fit together.
    """

    panels = (
        {"critic_loss": "critic loss", "generator_loss": "generator loss"},
        {"d_real": "D on real", "d_fake": "on fake"},
    )

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        source: Source,
        settings: GANSettings,
        keep: Keep | None = None,
        device: str | torch.device = "auto",
    ) -> None:
        keep = dataclasses.replace(keep or Keep())  # checks it again: since it was made, its file may have been too
        self.device = parallel.own_device(device)
        self.generator, self.critic, self.source = generator.to(self.device), critic.to(self.device), source
        real = parallel.share(source.at(0)).to(self.device)
        self.classes = getattr(generator, "classes", None)
        check_classes(generator, critic, source)
        if settings.penalty != "none" and any(isinstance(module, _BatchNorm) for module in critic.modules()):
            raise ValueError(
                f"penalty: got {settings.penalty!r} for a critic with batch normalisation, expected 'none':"
                " there a slope at a sample means nothing (lesson 05)"
            )
        y = self._classes_at(0)
        check_fit(*(given(network, y if y is None else y[:2]) for network in (self.generator, self.critic)), real)
        measure = functools.partial(measured_precision, given(self.generator, y), given(self.critic, y), real)
        chosen = parallel.from_first(lambda: settled(settings.precision, keep, measure))
        settings = dataclasses.replace(settings, precision=chosen)
        self.precision = runtime.named_precision(chosen, self.device, runtime.convolutions(generator, critic))
        for network in (self.generator, self.critic):
            network.to(memory_format=self.precision.memory_format)
        self.objective = losses.objective(settings.objective)
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        networks = {"generator": self.generator, "critic": self.critic}
        optimizers = {name: adam(network, settings, name) for name, network in networks.items()}
        super().__init__({**networks, "ema": self.ema}, optimizers, settings, keep)
        if parallel.any_of(self.step != parallel.from_first(lambda: self.step)):
            raise ValueError(
                f"checkpoint: not all processes see the same file {keep.checkpoint}; put it on a shared disk"
            )
        self._replicas = [parallel.replica(network) for network in networks.values()]

    def __next__(self) -> dict[str, Tensor]:
        with parallel.interrupts_shared():
            return super().__next__()

    def take_step(self, step: int) -> dict[str, Tensor]:
        """Move the critic, the generator and its average; return the losses of both, the critic's of its last move."""
        (generator, critic), optimizers, how = self._replicas, self.optimizers, (self.objective, self.precision)
        self._anneal(step)
        for move in range(step * self.settings.n_critic, (step + 1) * self.settings.n_critic):
            whole = self.source.at(move)
            real = parallel.share(whole).to(self.device, memory_format=self.precision.memory_format)
            z = parallel.share(self.latents(len(whole), "critic", move))
            y = self._classes_at(move)
            players = given(critic, y), given(parallel.bare(generator), y)
            record = critic_step(*players, optimizers["critic"], real, z, *how, self.penalty(move, len(whole)))
            if self.settings.clip:
                clip_weights(self.critic, self.settings.clip)
        z = parallel.share(self.latents(len(whole), "generator", step))
        players = given(generator, y), given(parallel.bare(critic), y)
        record |= generator_step(*players, optimizers["generator"], z, *how, real)
        update_ema(self.ema, self.generator, warmed_up(self.settings.ema_decay, step))
        return parallel.mean(record)

    def _classes_at(self, move: int) -> Tensor | None:
        """Return this process's share of the classes of the real samples of one move, None where none are asked for."""
        return None if self.classes is None else parallel.share(self.source.labels_at(move)).to(self.device)

    def _anneal(self, step: int) -> None:
        """Set both learning rates to what step `step` has of those in the settings, or of the reader's last change."""
        if self.settings.anneal:
            rates = self.settings.learning_rates | {player: value for _, player, value in self.learning_rates}
            for player, optimizer in self.optimizers.items():
                for group in optimizer.param_groups:
                    group["lr"] = rates[player] * annealed(step, self.settings.anneal)

    def penalty(self, move: int, n: int) -> Callable[[nn.Module, Tensor, Tensor], Tensor] | None:
        """Return what is added to the critic's loss in one of its moves on n samples, if anything."""
        if self.settings.penalty == "none":
            return None
        of_samples, weight = losses.penalty(self.settings.penalty), self.settings.penalty_weight
        generator = seeded_generator(self.settings.seed, "shares", move, device=self.device)
        shares = parallel.share(torch.rand(n, generator=generator, device=self.device))
        y = self._classes_at(move)
        critic = given(parallel.bare(self._replicas[1]), y)  # without averaging of gradients, of which it takes two
        return lambda _, real, fake: weight * of_samples(critic, real, fake, shares)

    def play(self, progress: bool = True, each: Callable[[Any], None] = lambda run: None) -> Self:
        """Take all steps that are left, as `Run.play` does; of several processes, the first shows the progress bar."""
        with parallel.interrupts_noted():
            return super().play(progress and parallel.is_first(), each)

    def save(self) -> None:
        """Write the checkpoint, if one was asked for and this process is the first."""
        if parallel.is_first():
            super().save()

    def latents(self, n: int, *labels: int | str) -> Tensor:
        """Return n latents that depend only on the run's seed and `labels`, (n, latent_dim)."""
        generator = seeded_generator(self.settings.seed, *labels, device=self.device)
        return latents(n, self.generator.latent_dim, generator)

    @torch.no_grad()
    def sample(self, z: Tensor | int, average: bool = True, y: Tensor | None = None) -> Tensor:
        """Return G(z) on the CPU for latents z (n, latent_dim), or for n fixed latents of the run's own.

        From the averaged generator, or with `average=False` from the one in training; in evaluation mode either way.
        Classes y (n,) by default take turns: 0, 1, 2, ...
        """
        z = self.latents(z, "fixed") if isinstance(z, int) else z.to(self.device)
        if self.classes is not None:
            y = torch.arange(len(z)) % self.classes if y is None else y
        network = given(self.ema if average else self.generator, y if y is None else y.to(self.device))
        modes = [(module, module.training) for module in network.modules()]
        try:
            return network.eval()(z).float().cpu()
        finally:
            for module, training in modes:
                module.training = training

    def frame(self) -> Tensor:
        """Return the samples that the run follows over training, from the averaged generator."""
        return self.sample(self.keep.samples)

    def likely_cause(self, step: int) -> str:
        """Return what probably made step `step` diverge: the batch itself, its range, or the learning rate."""
        real = self.source.at(step)
        if not real.isfinite().all():
            return "the data: the batch of that step holds NaN or infinite values"
        if real.ndim == 4 and real.abs().max() > 1.5:
            return f"the data: images reach {real.abs().max():.0f}, and the generator's lie in [-1, 1]"
        return super().likely_cause(step)


def check_classes(generator: nn.Module, critic: nn.Module, source: Source) -> None:
    """Raise ValueError unless both networks are told as many classes, or none, and the source tells them."""
    told = {"generator": getattr(generator, "classes", None), "critic": getattr(critic, "classes", None)}
    if told["generator"] != told["critic"]:
        raise ValueError(f"critic: is told {told['critic']} classes, expected the generator's {told['generator']}")
    if told["generator"] is not None:
        if not hasattr(source, "labels_at"):
            raise ValueError("source: tells no classes (`labels_at`), which the generator asks for")
        if (largest := int(source.labels_at(0).max())) >= told["generator"]:
            raise ValueError(f"source: has class {largest}, expected below the generator's {told['generator']}")


def check_fit(generator: nn.Module, critic: nn.Module, real: Tensor) -> None:
    """Raise ValueError unless G makes samples shaped like `real` (B, ...), and the critic gives one logit a sample."""
    if not isinstance(getattr(generator, "latent_dim", None), int):
        raise ValueError(f"generator: {type(generator).__name__} has no whole number `latent_dim`, the size of its z")
    generator, critic = copy.deepcopy(generator).eval(), copy.deepcopy(critic).eval()
    with runtime.randomness_kept(), torch.no_grad():
        fake = generator(torch.zeros(2, generator.latent_dim, device=real.device))
        if fake.shape[1:] != real.shape[1:]:
            raise ValueError(f"generator: makes {tuple(fake.shape[1:])}, expected the data's {tuple(real.shape[1:])}")
        try:
            logits = critic(real[:2])
        except RuntimeError as error:
            raise ValueError(f"critic: cannot take samples of shape {tuple(real.shape[1:])} ({error})") from error
        if logits.shape != real[:2].shape[:1]:
            raise ValueError(f"critic: returns shape {tuple(logits.shape)} for 2 samples, expected (2,), their logits")


def measured_precision(generator: nn.Module, critic: nn.Module, real: Tensor) -> dict:
    """Time one step of the game on copies in each precision, on the batch `real`, as `measured.fastest` says."""

    def trial(precision: Precision) -> Callable[[], object]:
        order = precision.memory_format
        g, d = (copy.deepcopy(network).to(memory_format=order) for network in (generator, critic))
        optimizers = [adam(network, GANSettings(steps=1)) for network in (g, d)]
        x, z = real.to(memory_format=order), torch.zeros(len(real), g.latent_dim, device=real.device)
        objective = losses.objective("non_saturating")

        def step() -> None:
            critic_step(d, g, optimizers[1], x, z, objective, precision)
            generator_step(g, d, optimizers[0], z, objective, precision)

        return step

    return fastest([generator, critic], real, trial)


def fit_gan(
    generator: nn.Module,
    critic: nn.Module,
    source: Source,
    settings: GANSettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    progress: bool = True,
) -> GANRun:
    """Play the game to its last step, with a progress bar, and return the run: history, metrics, frames, samples.

    An interrupt (Ctrl-C, Jupyter's stop button) ends it early, and a loss that is NaN or infinite stops it with the
    last good weights; the run is usable either way. `GANRun` says what the arguments are.
    """
    return GANRun(generator, critic, source, settings, keep, device).play(progress)
