"""The game as a task: what its settings are, and a step in which the critic moves, then the generator.

`critic_step` and `generator_step` (from `ganlab.train.steps`) are the mathematics; `fit_gan` takes all steps of a run.
"""

import copy
import dataclasses
import math
import warnings

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganlab import losses, runtime
from ganlab.data import Batch, Source
from ganlab.models import given
from ganlab.train import parallel
from ganlab.train.keep import Keep
from ganlab.train.run import Run
from ganlab.train.schedules import annealed
from ganlab.train.steps import Regulariser, clip_weights, critic_step, generator_step
from ganlab.train.task import PICTURES, Optimizers, Stage, Task, check_decay, check_rate, check_threads, check_whole

MADE = "what is made lies there, and a critic would tell the others by their range"
UNITS = 10.0  # what lies further from 0 has not been scaled at all; noise and standardised pictures have not so much


@dataclasses.dataclass(frozen=True)
class GANSettings:
    """What a game is, apart from networks and data: with those and the settings equal, the bits are equal.

    `objective` and `penalty` are names of `losses.OBJECTIVES` and `losses.PENALTIES`, or objects like those. The
    penalty is added to the critic's loss, `penalty_weight` times. `learning_rate` and `betas` are DCGAN's (Radford et
    al. 2016). `ema_decay` is of the generator's running average. `precision` is "auto" (measured, once per machine and
    pair of networks) or a name such as "float32", and `threads` is "auto" (measured as well) or a number. A step has
    `n_critic` moves of the critic, each followed by clipping its weights to [-clip, clip], if that is not 0. The critic
    learns at `critic_learning_rate`, by default as the generator does; in `anneal` steps both rates fall to 0 along
    half a cosine wave, and with 0 they never do.
    """

    steps: int
    objective: str | losses.Objective = "non_saturating"
    learning_rate: float = 2e-4
    _: dataclasses.KW_ONLY
    betas: tuple[float, float] = (0.5, 0.999)
    ema_decay: float = 0.999
    seed: int = 0
    precision: str = "auto"
    threads: int | str = "auto"
    penalty: str | losses.Penalty = "none"
    penalty_weight: float = 10.0
    n_critic: int = 1
    clip: float = 0.0
    critic_learning_rate: float | None = None
    anneal: int = 0

    def __post_init__(self) -> None:
        check_whole(self, steps=1, seed=0, n_critic=1, anneal=0)
        check_threads(self)
        losses.objective(self.objective)
        if self.penalty != "none":
            losses.penalty_function(self.penalty)
        for name in ("penalty_weight", "clip"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: got {getattr(self, name)!r}, expected a number >= 0")
        check_rate("learning_rate", self.learning_rate)
        if self.critic_learning_rate is not None:
            check_rate("critic_learning_rate", self.critic_learning_rate)
        if 0 < self.anneal < self.steps:
            raise ValueError(f"anneal: got {self.anneal}, expected 0 or at least the {self.steps} steps")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas: got {self.betas!r}, expected two numbers in [0, 1)")
        check_decay(self.ema_decay)

    @property
    def learning_rates(self) -> dict[str, float]:
        """Return the learning rate of each player at first, as "critic" and "generator"."""
        return {"critic": self.critic_learning_rate or self.learning_rate, "generator": self.learning_rate}


class GANTask(Task):
    """The game of a generator, latents -> samples in the data's range, and a critic, samples -> logits (B,).

    Networks that ask for classes (`ganlab.models.conditional`) get those of the real samples beside the fakes.
    """

    averaged = "generator"
    panels = (
        {"critic_loss": "critic loss", "generator_loss": "generator loss"},
        {"d_real": "D on real", "d_fake": "on fake"},
    )
    distributed = True

    def __init__(self, generator: nn.Module, critic: nn.Module, settings: GANSettings) -> None:
        super().__init__({"generator": generator, "critic": critic}, settings)
        self.classes = getattr(generator, "classes", None)

    def optimizers(self) -> Optimizers:
        """Return Adam for each player; `fused` updates all weights in one kernel, with the same result."""
        rates = self.settings.learning_rates
        betas = self.settings.betas
        return {
            player: torch.optim.Adam(network.parameters(), rates[player], betas, fused=True)
            for player, network in self.networks.items()
        }

    def rate(self, k: int) -> float | None:
        """Return the part of its learning rate that step k has, if rates are annealed."""
        return annealed(k, self.settings.anneal) if self.settings.anneal else None

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Move the critic, then the generator; return the losses of both, the critic's of its last move."""
        settings = run.settings
        generator = run.replicas["generator"]
        critic = run.replicas["critic"]
        objective = losses.objective(settings.objective)
        for move in range(k * settings.n_critic, (k + 1) * settings.n_critic):
            batch = run.batch(move)
            y = self.classes_in(batch)
            record = critic_step(
                given(critic, y),
                given(parallel.bare(generator), y),
                run.optimizers["critic"],
                batch.x,
                run.local_latents(batch, "critic", move),
                objective,
                precision=run.precision,
                regulariser=self.draw_regulariser(run, batch, move),
            )
            if settings.clip:
                clip_weights(run.networks["critic"], settings.clip)
        z = run.local_latents(batch, "generator", k)
        return record | generator_step(
            given(generator, y),
            given(parallel.bare(critic), y),
            run.optimizers["generator"],
            z,
            objective,
            precision=run.precision,
            real=batch.x,
        )

    def draw_regulariser(self, run: Stage, batch: Batch, move: int) -> Regulariser | None:
        """Return what is added to the critic's loss in one of its moves on a batch, if anything."""
        settings = run.settings
        if settings.penalty == "none":
            return None
        of_samples = losses.penalty_function(settings.penalty)
        n = len(batch.x) * parallel.size()
        shares = parallel.local_rows(torch.rand(n, generator=run.generator("shares", move), device=run.device))
        # without averaging of gradients, of which it takes two
        critic = given(parallel.bare(run.replicas["critic"]), self.classes_in(batch))
        return lambda _, real, fake: settings.penalty_weight * of_samples(critic, real, fake, shares)

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """Return G(z), or G(z, y), (n, ...)."""
        return given(network, y)(z)

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless players, data and settings fit; warn of what trains but surely is a mistake."""
        generator, critic = self.networks["generator"], self.networks["critic"]
        check_classes(generator, critic, batch)
        if self.settings.penalty != "none" and any(isinstance(module, _BatchNorm) for module in critic.modules()):
            raise ValueError(
                f"penalty: got {self.settings.penalty!r} for a critic with batch normalisation, expected 'none':"
                " there a slope at a sample means nothing (lesson 05c)"
            )
        y = self.classes_in(batch)
        y = y if y is None else y[:2]
        check_shapes(given(generator, y), given(critic, y), batch.x)
        check_range(batch.x)
        check_last("critic", critic)


def check_classes(generator: nn.Module, critic: nn.Module, batch: Batch) -> None:
    """Raise ValueError unless both networks ask for as many classes, or none, and the batch has them."""
    asked = {"generator": getattr(generator, "classes", None), "critic": getattr(critic, "classes", None)}
    if asked["generator"] != asked["critic"]:
        raise ValueError(f"critic: asks for {asked['critic']} classes, expected the generator's {asked['generator']}")
    if asked["generator"] is not None:
        if batch.y is None:
            raise ValueError("source: has no classes (`labels_at`), which the generator asks for")
        if (largest := int(batch.y.max())) >= asked["generator"]:
            raise ValueError(f"source: has class {largest}, expected below the generator's {asked['generator']}")


def check_last(name: str, critic: nn.Module) -> None:
    """Warn of a critic that ends in a sigmoid, with which it trains, and badly."""
    last = [module for module in critic.modules() if not list(module.children())][-1:]
    if last and isinstance(last[0], nn.Sigmoid):
        warnings.warn(f"{name}: ends in a sigmoid; its losses expect logits, so leave it out", stacklevel=5)


def check_range(x: Tensor, what: str = "images", *, why: str = MADE, far: float = 1.5) -> None:
    """Raise ValueError for images (B, C, H, W) or clips (B, T, C, H, W) with numbers beyond -`far` or `far`.

    Warn of some that fill [0, 1] only. The message says `why` the range that fits is [-1, 1].
    """
    if x.ndim not in PICTURES or not x.isfinite().all():
        return  # what is not finite is found in the step, which says so
    low, high = x.min().item(), x.max().item()
    if max(-low, high) > far:
        raise ValueError(f"source: {what} lie in [{low:g}, {high:g}], expected [-1, 1]: {why}")
    if low >= 0 and high > 0.5:
        warnings.warn(
            f"source: {what} lie in [{low:g}, {high:g}], expected [-1, 1]: {why} (scale='tanh' is the range that fits)",
            stacklevel=5,
        )


def check_shapes(generator: nn.Module, critic: nn.Module, real: Tensor) -> None:
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


def fit_gan(
    generator: nn.Module,
    critic: nn.Module,
    source: Source,
    *,
    settings: GANSettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
    progress: bool = True,
) -> Run:
    """Play the game to its last step, with a progress bar, and return the run: history, metrics, frames, samples.

    An interrupt (Ctrl-C, Jupyter's stop button) ends it early, and a loss that is NaN or infinite stops it with the
    last good weights; the run is usable either way. `Run` says what the arguments are.
    """
    task = GANTask(generator, critic, settings)
    return Run(task, source, keep=keep, device=device, optimizers=optimizers).play(progress)
