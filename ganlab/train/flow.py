"""Flow matching as a task: a network learns the velocity that carries noise to data along straight lines."""

import dataclasses

import torch
from torch import Tensor, nn

from ganlab import runtime
from ganlab.data import Batch, Source
from ganlab.models import Flow, class_weights
from ganlab.train.gan import check_range
from ganlab.train.keep import Keep
from ganlab.train.run import Run
from ganlab.train.schedules import climbed_and_fallen
from ganlab.train.task import (
    Optimizers,
    Stage,
    Task,
    check_decay,
    check_rate,
    check_threads,
    check_whole,
    images_at_once,
)


@dataclasses.dataclass(frozen=True)
class FlowSettings:
    """What a flow's run is, apart from network and data: with those and the settings equal, the bits are equal.

    `learning_rate` is the peak of its schedule. `class_dropout` is the part of the images whose class is left out, so
    that the network also learns the velocity of any class, which guidance needs (Ho and Salimans 2022).
    """

    steps: int
    learning_rate: float = 2e-3
    _: dataclasses.KW_ONLY
    class_dropout: float = 0.1
    ema_decay: float = 0.998
    seed: int = 0
    precision: str = "auto"
    threads: int | str = "auto"

    def __post_init__(self) -> None:
        check_whole(self, steps=1, seed=0)
        check_threads(self)
        check_rate("learning_rate", self.learning_rate)
        check_decay(self.ema_decay)
        if not 0 <= self.class_dropout < 1:
            raise ValueError(f"class_dropout: got {self.class_dropout!r}, expected a number in [0, 1)")


class FlowTask(Task):
    """Conditional flow matching with straight paths x_t = (1 - t) z + t x (Lipman et al. 2023, Liu et al. 2023).

    The loss is the mean over the numbers of a sample of (v(x_t, t) - (x - z))^2. A flow with classes gets those of the
    images.
    """

    averaged = "flow"
    panels = ({"loss": "squared error of the velocity"},)

    def __init__(self, flow: Flow, settings: FlowSettings) -> None:
        super().__init__({"flow": flow}, settings)
        self.classes = getattr(flow, "classes", None)

    def rate(self, k: int) -> float:
        """Return the part of its peak that the learning rate of step k has: up in a straight line, then down to 0."""
        return climbed_and_fallen(k, self.settings.steps)

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Move the network once; return the loss."""
        batch = run.batch(k)
        x = batch.x
        z = torch.randn(x.shape, generator=run.generator("noise", k), device=run.device)
        t = torch.rand(len(x), generator=run.generator("time", k), device=run.device)
        along = t.view(-1, *[1] * (x.ndim - 1))  # (B, 1, ...)
        with run.precision.autocast(run.device):
            weights = self._class_weights(run, batch, k)
            v = run.networks["flow"].velocity((1 - along) * z + along * x, t, weights).float()
        loss = (v - (x - z)).square().mean()
        run.optimizers["flow"].zero_grad()
        loss.backward()
        run.optimizers["flow"].step()
        return {"loss": loss.detach()}

    def _class_weights(self, run: Stage, batch: Batch, k: int) -> Tensor | None:
        """Return the classes of a batch as weights (B, classes), some rows all zeros: those left out; None for none."""
        y = self.classes_in(batch)
        if y is None:
            return None
        kept = torch.rand(len(y), 1, generator=run.generator("class", k), device=run.device)
        return class_weights(y, self.classes) * (kept >= self.settings.class_dropout)

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """Return samples of the flow, (n, *shape)."""
        return network(z, y)

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless network and data fit."""
        flow = self.networks["flow"]
        if self.classes is not None:
            if batch.y is None:
                raise ValueError("source: has no classes (`labels_at`), which the flow asks for")
            if int(batch.y.max()) >= self.classes:
                raise ValueError(
                    f"flow: is made for {self.classes} classes, expected at least {int(batch.y.max()) + 1}"
                )
        check_range(batch.x)
        if tuple(batch.x.shape[1:]) != flow.shape:
            raise ValueError(f"flow: makes {flow.shape}, expected the data's {tuple(batch.x.shape[1:])}")
        with runtime.randomness_kept(), torch.no_grad():
            flow.velocity(batch.x[:1], 0.5)


def fit_flow(
    flow: Flow,
    source: Source,
    settings: FlowSettings,
    *,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
    progress: bool = True,
) -> Run:
    """Train to the last step, with a progress bar, and return the run; `Run` says what the arguments are."""
    task = FlowTask(flow, settings)
    return Run(task, source, keep=keep, device=device, optimizers=optimizers).play(progress)


@torch.no_grad()
def velocity_loss(flow: Flow, x: Tensor, *, y: Tensor | None = None) -> Tensor:
    """Return the loss of each sample x (N, ...), (N,), in the middle of each tenth of [0, 1], averaged.

    The same call gives the same noise. A few samples at a time go through the network, so memory does not grow with it
    and N. What is comparable between flows of the same data, held-out ones say.
    """
    device = next(flow.parameters()).device
    x = x.to(device)
    y = None if y is None else y.to(device)
    total = torch.zeros(len(x), device=device)
    at_once = images_at_once(x)
    for k in range(10):
        t = (k + 0.5) / 10
        z = torch.randn(x.shape, generator=runtime.seeded_generator(0, "velocity", k)).to(device)
        for start in range(0, len(x), at_once):
            rows = slice(start, start + at_once)
            v = flow.velocity((1 - t) * z[rows] + t * x[rows], t, None if y is None else y[rows])
            total[rows] += (v - (x[rows] - z[rows])).square().flatten(1).mean(1)
    return total / 10
