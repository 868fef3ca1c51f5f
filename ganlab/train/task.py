"""What a training task is: networks, and one step that changes them. `ganlab.train.run` does all the rest.

A task of a reader's own is a subclass of `Task` with a `step`, and with `images` if it draws. The package's own are
`GANTask`, `VAETask` and `ClassifierTask`.
"""

import dataclasses
import functools
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganlab import models
from ganlab.data import Batch
from ganlab.runtime import MOST_THREADS, Precision, seeded_generator, whole_number
from ganlab.train import parallel

Optimizers = dict[str, torch.optim.Optimizer]
PICTURES = (4, 5)  # dimensions of a batch of images, and of clips: what has others may lie anywhere
# Of held-out images, and of what is decoded for them, that are looked at in one go: 4 MB, but networks of the command
# line's widths make a hundred times as much of them.
MOST_NUMBERS = 2**20


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run is, apart from networks and data: with those and the settings equal, the bits are equal.

    `precision` is "auto" (measured, once per machine and networks) or a name such as "float32". `ema_decay` is of the
    running average of the network that the task names; 0 keeps the weights of the last step. `threads` is "auto"
    (measured as well, of half of the processors at most) or the number of threads of each step on the CPU.
    """

    steps: int
    learning_rate: float = 1e-3
    _: dataclasses.KW_ONLY
    ema_decay: float = 0.999
    seed: int = 0
    precision: str = "auto"
    threads: int | str = "auto"

    def __post_init__(self) -> None:
        check_whole(self, steps=1, seed=0)
        check_threads(self)
        check_rate("learning_rate", self.learning_rate)
        check_decay(self.ema_decay)


def check_whole(settings: Any, **least: int) -> None:
    """Make the named fields of frozen settings plain whole numbers; ValueError for one that is none, or too small."""
    for name, smallest in least.items():
        object.__setattr__(settings, name, whole_number(name, getattr(settings, name), smallest))


def check_threads(settings: Any) -> None:
    """Make `threads` of frozen settings a plain whole number, if it is not "auto"; ValueError if it is none."""
    threads = settings.threads
    if isinstance(threads, str) and threads == "auto":
        return
    whole = isinstance(threads, numbers.Integral) and not isinstance(threads, bool)
    if not whole or not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"threads: got {threads!r}, expected 'auto' or a whole number from 1 to {MOST_THREADS}")
    object.__setattr__(settings, "threads", int(threads))


def check_rate(name: str, rate: float) -> None:
    """Raise ValueError unless a learning rate is a finite number > 0."""
    if not 0 < rate < math.inf:
        raise ValueError(f"{name}: got {rate!r}, expected a finite number > 0")


def check_decay(decay: float) -> None:
    """Raise ValueError unless the decay of a running average is in [0, 1)."""
    if not 0 <= decay < 1:
        raise ValueError(f"ema_decay: got {decay!r}, expected a number in [0, 1)")


class Stage:
    """What a step asks of its run: networks, optimizers, batches, and noise that depends only on the seed and labels.

    `networks` are the task's own; `replicas` are what to call in their place to train them, the same but for several
    processes. The networks run in `precision`, on `device`.
    """

    task: "Task"
    settings: Any
    device: torch.device
    precision: Precision
    networks: dict[str, nn.Module]
    replicas: dict[str, nn.Module]
    optimizers: Optimizers

    def batch(self, k: int) -> Batch:
        """Return this process's rows of batch k, on the device; pictures in the precision's memory format."""
        raise NotImplementedError

    def latents(self, n: int, *labels: int | str) -> Tensor:
        """Return n latents, (n, ...)."""
        return self.task.latents(n, self.generator(*labels))

    def local_latents(self, batch: Batch, *labels: int | str) -> Tensor:
        """Return this process's rows of the latents of a whole batch, of which `batch` is this process's part."""
        return parallel.local_rows(self.latents(len(batch.x) * parallel.size(), *labels))

    def generator(self, *labels: int | str) -> torch.Generator:
        """Return a generator of noise on the device."""
        return seeded_generator(self.settings.seed, *labels, device=self.device)


class Task:
    """Networks, by name, and the step that trains them in place.

    `averaged` names the network of which the run keeps a running average, "" for none. `panels` are the losses that are
    shown together: name -> words. `scale` is the range of images that the task expects ("tanh", "unit" or "binary",
    as `ImageSet.batches` has it). `classes` is the number of classes that the networks ask for, None if they do not.
    `distributed` says whether `step` goes through `run.replicas`, so that several processes can train together.
    """

    averaged: str = ""
    panels: tuple[Mapping[str, str], ...] = ()
    scale: str = "tanh"
    classes: int | None = None
    distributed: bool = False

    def __init__(self, networks: dict[str, nn.Module], settings: Any) -> None:
        self.networks = networks
        self.settings = settings

    def optimizers(self) -> Optimizers:
        """Return a new optimizer for each player; here Adam for each network, fused into one kernel."""
        rate = self.settings.learning_rate
        return {name: torch.optim.Adam(n.parameters(), rate, fused=True) for name, n in self.networks.items()}

    def check(self, batch: Batch) -> None:
        """Raise ValueError if the networks cannot be trained on a batch like this one; called once, before any step."""

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Change the weights once, in step k of a run; return the losses as tensors on the device."""
        raise NotImplementedError(f"{type(self).__name__} has no step(run, k)")

    def rate(self, k: int) -> float | None:
        """Return the part of its learning rate that step k has; None, as here, if it stays what it is."""
        return None

    def classes_in(self, batch: Batch) -> Tensor | None:
        """Return the classes of a batch if the networks ask for them, else None."""
        return None if self.classes is None else batch.y

    def latents(self, n: int, generator: torch.Generator) -> Tensor:
        """Return what n samples are drawn from, (n, ...): standard normal latents of the averaged network's size."""
        return models.latents(n, self.networks[self.averaged].latent_dim, generator)

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """Return samples of a network for latents z (n, ...) and classes y (n,) or None; images lie in [-1, 1]."""
        raise NotImplementedError

    def text(self, recent: Sequence[Mapping[str, Tensor]], history: Mapping[str, list[float]]) -> str:
        """Return the latest losses of the first panel: of the last step, or where those are collected of the history.

        It waits for the device, where they still lie there.
        """
        losses = recent[-1] if recent else {name: values[-1] for name, values in history.items()}
        panel = self.panels[0] if self.panels else {name: name for name in losses}
        return ", ".join(f"{words} {float(losses[name]):.3f}" for name, words in panel.items() if name in losses)

    @property
    def draws(self) -> bool:
        """Whether the task makes samples."""
        return type(self).images is not Task.images


def images_at_once(images: Tensor) -> int:
    """Return how many held-out images (N, ...) are looked at in one go, so that memory grows with neither N nor size.

    At most MOST_NUMBERS numbers, but at least one image.
    """
    return max(1, MOST_NUMBERS // max(1, math.prod(images.shape[1:])))


def named(value: Any) -> Any:
    """Return a setting as a checkpoint records it: plain values as they are, an object by its name.

    A `functools.partial` is recorded by its function's name and by what it holds fast.
    """
    if isinstance(value, tuple):
        return [named(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): named(each) for key, each in value.items()}
    if isinstance(value, functools.partial):
        return f"partial({named(value.func)}, {named(value.args)}, {named(value.keywords)})"
    if dataclasses.is_dataclass(value):
        fields = [str(named(getattr(value, field.name))) for field in dataclasses.fields(value)]
        return f"{type(value).__qualname__}({', '.join(fields)})"
    return getattr(value, "__qualname__", type(value).__qualname__)


def recorded(settings: Any) -> dict[str, Any]:
    """Return the settings as a checkpoint records them: field -> plain value."""
    return {field.name: named(getattr(settings, field.name)) for field in dataclasses.fields(settings)}


def defaults(settings: Any) -> dict[str, Any]:
    """Return the defaults of settings as a checkpoint records them: a file may be older than a setting."""
    fields = [field for field in dataclasses.fields(settings) if field.default is not dataclasses.MISSING]
    return {field.name: named(field.default) for field in fields}
