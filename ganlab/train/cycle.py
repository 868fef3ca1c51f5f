"""Between two kinds of pictures without pairs: the game of CycleGAN as a task, and its memory of past fakes."""

import dataclasses
import itertools

import torch
from torch import Tensor, nn

from ganlab import losses
from ganlab.data import Batch, Source
from ganlab.runtime import whole_number
from ganlab.train.gan import check_range
from ganlab.train.keep import Keep
from ganlab.train.run import Run
from ganlab.train.steps import cycle_step
from ganlab.train.task import Optimizers, Stage, check_whole
from ganlab.train.translation import Translating, TranslatorSettings, check_judge, check_translator, check_weights


@dataclasses.dataclass(frozen=True)
class CycleGANSettings(TranslatorSettings):
    """What a CycleGAN's run is, apart from networks and data: with those and the settings equal, the bits are equal.

    The weights, the least squares and the learning rate are the paper's (Zhu et al. 2017); `identity_weight` is a part
    of `cycle_weight`, and counts only where both kinds of pictures have equal channels. `past` fakes of each kind are
    remembered, 0 for none: half of what a critic learns from are fakes of former steps, lest it forget them.
    """

    _: dataclasses.KW_ONLY
    cycle_weight: float = 10.0
    identity_weight: float = 0.5
    past: int = 64
    objective: str | losses.Objective = "least_squares"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self, past=0)
        check_weights(self, "cycle_weight", "identity_weight")
        if losses.objective(self.objective).paired:
            raise ValueError(f"objective: got {self.objective!r}, expected one that judges each picture on its own")


class Past(nn.Module):
    """A memory of past fakes: a module without weights, so that checkpoints hold it and a run that goes back has it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = whole_number("size", size, least=0)
        self.register_buffer("pictures", torch.zeros(0))  # (size, C, H, W), once it is known of what
        self.register_buffer("stored", torch.zeros((), dtype=torch.int64))

    def prepare(self, like: Tensor) -> None:
        """Make room for pictures like those of a batch (B, C, H, W), if there is none yet; ValueError if B is more."""
        if 0 < self.size < len(like):
            raise ValueError(f"past: got {self.size}, expected at least the {len(like)} pictures of a batch, or 0")
        if self.size and self.pictures.shape[1:] != like.shape[1:]:
            self.pictures = torch.zeros(self.size, *like.shape[1:], device=like.device)
            self.stored = torch.zeros((), dtype=torch.int64, device=like.device)

    @torch.no_grad()
    def exchange(self, fakes: Tensor, generator: torch.Generator) -> Tensor:
        """Return for each of the fakes (B, C, H, W) itself, or with probability 1/2 a past one, whose place it takes.

        The first batches fill the memory, and are returned as they are. Nothing waits for the device.
        """
        n = len(fakes)
        if not self.size:
            return fakes
        device = fakes.device
        used = n * (self.size // n)  # whole batches fill it, and no place stays empty that could be drawn
        filling = self.stored < used
        drawn = torch.randperm(used, generator=generator, device=device)[:n]
        places = torch.where(filling, self.stored + torch.arange(n, device=device), drawn)
        swapped = (torch.rand(n, generator=generator, device=device) < 0.5) & ~filling
        old = self.pictures[places]
        each = (n, *[1] * (fakes.ndim - 1))
        self.pictures[places] = torch.where((swapped | filling).view(each), fakes, old)
        self.stored += n * filling
        return torch.where(swapped.view(each), old, fakes)


class CycleGANTask(Translating):
    """The game of CycleGAN: `generator`, pair -> x, and `back`, x -> pair, with a critic of either kind of picture.

    x and `pair` of a batch are of different things (`data.Unpaired`). The critics see a picture alone. All four are
    called by these names in `run.networks`; the running average is the generator's.
    """

    panels = (
        {"critic_loss": "critic loss", "generator_loss": "generator loss"},
        {"cycle": "cycle", "identity": "identity"},
    )

    def __init__(
        self, players: dict[str, nn.Module], settings: CycleGANSettings, *, shown: Tensor | None = None
    ) -> None:
        expected = ("generator", "back", "critic", "back_critic")
        if tuple(players) != expected:
            raise ValueError(f"players: got {', '.join(players)}, expected {', '.join(expected)}")
        past = {f"past_{name}": Past(settings.past) for name in ("critic", "back_critic")}
        super().__init__(players | past, settings, shown)

    def optimizers(self) -> Optimizers:
        """Return Adam for both generators together, and for both critics."""
        settings = self.settings
        sides = {"generator": ("generator", "back"), "critic": ("critic", "back_critic")}
        return {
            player: torch.optim.Adam(
                itertools.chain.from_iterable(self.networks[name].parameters() for name in names),
                settings.learning_rate,
                settings.betas,
                fused=True,
            )
            for player, names in sides.items()
        }

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Move both generators, then both critics; return the losses, each summed over both ways."""
        batch = run.batch(k)
        settings = run.settings

        def remembered(name: str, fakes: Tensor) -> Tensor:
            return run.networks[f"past_{name}"].exchange(fakes, run.generator("past", name, k))

        return cycle_step(
            run.networks,
            run.optimizers,
            batch.x,
            batch.pair,
            losses.objective(settings.objective),
            remembered,
            cycle_weight=settings.cycle_weight,
            identity_weight=settings.identity_weight,
            precision=run.precision,
        )

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless networks and data fit; make room for the past."""
        super().check(batch)
        check_range(batch.pair, "pairs")
        check_translator("generator", self.networks["generator"], batch.pair, wanted=batch.x)
        check_translator("back", self.networks["back"], batch.x, wanted=batch.pair)
        for name, pictures in (("critic", batch.x), ("back_critic", batch.pair)):
            check_judge(name, self.networks[name], pictures)
            self.networks[f"past_{name}"].prepare(pictures)


def fit_cyclegan(
    players: dict[str, nn.Module],
    source: Source,
    settings: CycleGANSettings,
    *,
    shown: Tensor | None = None,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
    progress: bool = True,
) -> Run:
    """Train "generator", "back", "critic" and "back_critic" to the last step, and return the run.

    `source` gives x and `pair` of different things, as `data.Unpaired` does. `Run` says what the other arguments are.
    """
    task = CycleGANTask(players, settings, shown=shown)
    return Run(task, source, keep=keep, device=device, optimizers=optimizers).play(progress)
