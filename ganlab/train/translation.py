"""From one picture to its pair: the game of pix2pix as a task, whose generator takes a picture in place of a latent."""

import copy
import dataclasses
import math

import torch
from torch import Tensor, nn

from ganlab import losses, runtime
from ganlab.data import Batch, Source
from ganlab.train.gan import UNITS, check_last, check_range
from ganlab.train.keep import Keep
from ganlab.train.run import Run
from ganlab.train.steps import translation_step
from ganlab.train.task import Optimizers, Stage, Task, check_decay, check_rate, check_threads, check_whole


@dataclasses.dataclass(frozen=True)
class TranslatorSettings:
    """What trainings of translators have in common; the betas are Adam's, as the papers have them."""

    steps: int
    learning_rate: float = 2e-4
    _: dataclasses.KW_ONLY
    objective: str | losses.Objective = "hinge"
    betas: tuple[float, float] = (0.5, 0.999)
    ema_decay: float = 0.999
    seed: int = 0
    precision: str = "auto"
    threads: int | str = "auto"

    def __post_init__(self) -> None:
        check_whole(self, steps=1, seed=0)
        check_threads(self)
        check_rate("learning_rate", self.learning_rate)
        losses.objective(self.objective)
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas: got {self.betas!r}, expected two numbers in [0, 1)")
        check_decay(self.ema_decay)


@dataclasses.dataclass(frozen=True)
class TranslationSettings(TranslatorSettings):
    """What a translation's run is, apart from networks and data: with those and the settings equal, the bits are equal.

    The generator's loss is the L1 distance of [-1, 1]-pictures plus `adversarial_weight` times the objective's; pix2pix
    writes 100 times the first plus the second (Isola et al. 2017), which is a weight of 0.01. `distance` is another one
    in place of L1: a name of `losses.DISTANCES`, or a function (x_hat, x) -> (B, ...), as `losses.Perceptual` is. The
    first `l1_steps` steps are by the distance alone, and the critic rests. `objective` is a name of
    `losses.OBJECTIVES`, or an object like those.
    """

    _: dataclasses.KW_ONLY
    adversarial_weight: float = 0.1
    l1_steps: int = 0
    distance: str | losses.Distance = "l1"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self, l1_steps=0)
        losses.distance(self.distance)
        check_weights(self, "adversarial_weight")

    def weight_at(self, step: int) -> float:
        """Return the weight of the objective in step `step`."""
        return self.adversarial_weight if step >= self.l1_steps else 0.0


def check_weights(settings: object, *names: str) -> None:
    """Raise ValueError unless the named weights are finite numbers >= 0."""
    for name in names:
        if not 0 <= getattr(settings, name) < math.inf:
            raise ValueError(f"{name}: got {getattr(settings, name)!r}, expected a finite number >= 0")


class Translating(Task):
    """What tasks share whose generator maps a batch's `pair` to its x: samples are translations of `shown` pictures.

    Those are (n, C, H, W) in [-1, 1], by default the pairs of the first batch; they take turns if more are asked for.
    """

    averaged = "generator"

    def __init__(self, networks: dict[str, nn.Module], settings: object, shown: Tensor | None) -> None:
        super().__init__(networks, settings)
        self.shown = shown

    def latents(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n of the shown pictures, whatever the generator of noise: in order, and from the first again."""
        rows = torch.arange(n) % len(self.shown)
        return self.shown[rows.to(self.shown.device)].to(generator.device)

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """Return translations (n, C, H, W) of pictures z (n, C', H, W)."""
        return network(z)

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless the batch has pairs, in the range of the networks, that `shown` pictures are like."""
        if batch.pair is None:
            raise ValueError("source: has no pairs, the pictures to translate; expected a set with pairs, as icons has")
        check_range(batch.x)
        if self.shown is None:
            self.shown = batch.pair
        if self.shown.ndim != 4 or not len(self.shown) or self.shown.shape[1:] != batch.pair.shape[1:]:
            expected = f"(n, {', '.join(map(str, batch.pair.shape[1:]))}), as the source's pairs are"
            raise ValueError(f"shown: got shape {tuple(self.shown.shape)}, expected {expected}")


class TranslationTask(Translating):
    """The game of pix2pix: a generator, pair -> x, and a critic of x beside its pair, (x, pair) -> logits (B, ...).

    `critic` may be None if the settings' `adversarial_weight` is 0.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module | None,
        settings: TranslationSettings,
        *,
        shown: Tensor | None = None,
    ) -> None:
        if critic is None and settings.adversarial_weight:
            raise ValueError(f"critic: got None, expected one for adversarial_weight={settings.adversarial_weight:g}")
        players = {"generator": generator} | ({} if critic is None else {"critic": critic})
        super().__init__(players, settings, shown)
        apart = {"l1": "L1"} if settings.distance == "l1" else {"distance": "distance", "l1": "L1"}
        self.panels = (apart,)
        if settings.adversarial_weight:
            self.panels = ({"critic_loss": "critic loss", "generator_loss": "generator loss"}, apart)

    def optimizers(self) -> Optimizers:
        """Return Adam for each player."""
        settings = self.settings
        return {
            player: torch.optim.Adam(network.parameters(), settings.learning_rate, settings.betas, fused=True)
            for player, network in self.networks.items()
        }

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Move the critic, then the generator; return the losses of both, and how far the pictures are apart."""
        batch = run.batch(k)
        return translation_step(
            run.networks["generator"],
            run.networks.get("critic"),
            run.optimizers,
            batch.x,
            batch.pair,
            losses.objective(run.settings.objective),
            distance=losses.distance(run.settings.distance),
            adversarial_weight=run.settings.weight_at(k),
            precision=run.precision,
        )

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless networks and data fit."""
        super().check(batch)
        check_translator("generator", self.networks["generator"], batch.pair, wanted=batch.x)
        # holes may be filled with noise, and noise added
        check_range(batch.pair, "pairs", why="`models.translate` gives the generator pictures of that range", far=UNITS)
        if "critic" in self.networks:
            check_judge("critic", self.networks["critic"], batch.x, batch.pair)


def check_translator(name: str, network: nn.Module, given: Tensor, *, wanted: Tensor) -> None:
    """Raise ValueError unless a network makes pictures shaped like `wanted` (B, ...) of those like `given` (B, ...)."""
    sides = given.shape[2:]
    multiple = getattr(network, "multiple", 1)
    if any(side % multiple for side in sides):
        raise ValueError(f"source: pictures are {sides[0]}x{sides[1]}, expected multiples of the {name}'s {multiple}")
    made = _tried(name, network, given)
    if made.shape[1:] != wanted.shape[1:]:
        raise ValueError(f"{name}: makes {tuple(made.shape[1:])}, expected the data's {tuple(wanted.shape[1:])}")


def check_judge(name: str, critic: nn.Module, *pictures: Tensor) -> None:
    """Raise ValueError unless a critic returns logits of each picture, (B,) or (B, ...); warn of a last sigmoid."""
    check_last(name, critic)
    logits = _tried(name, critic, *pictures)
    if logits.ndim == 0 or len(logits) != 2:
        raise ValueError(f"{name}: returns shape {tuple(logits.shape)} for 2 pictures, expected (2, ...), their logits")


@torch.no_grad()
def _tried(name: str, network: nn.Module, *pictures: Tensor) -> Tensor:
    """Return what a copy of a network makes of two pictures; ValueError, with its name, if it cannot take them."""
    two = [each[:1].expand(2, -1, -1, -1) for each in pictures]  # a batch may have one
    with runtime.randomness_kept():
        try:
            return copy.deepcopy(network).eval()(*two)
        except (RuntimeError, TypeError) as error:
            shapes = " and ".join(str(tuple(each.shape[1:])) for each in pictures)
            raise ValueError(f"{name}: cannot take pictures of shape {shapes} ({error})") from error


def fit_translation(
    generator: nn.Module,
    critic: nn.Module | None,
    source: Source,
    settings: TranslationSettings,
    *,
    shown: Tensor | None = None,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
    progress: bool = True,
) -> Run:
    """Train to the last step, with a progress bar, and return the run: history, metrics, frames, samples.

    `run.sample(pictures)` translates pictures (n, C, H, W) in [-1, 1]. `Run` says what the other arguments are.
    """
    task = TranslationTask(generator, critic, settings, shown=shown)
    return Run(task, source, keep=keep, device=device, optimizers=optimizers).play(progress)
