"""Small games for the tests of training: networks, sources, and an exact comparison."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganlab import models, runtime, toys
from ganlab.data import ImageSet
from ganlab.models import VAE
from ganlab.train import (
    ClassifierSettings,
    ClassifierTask,
    GANSettings,
    GANTask,
    Keep,
    Run,
    VAESettings,
    VAETask,
    fit_gan,
)

torch.set_num_threads(1)  # networks this small gain nothing from more, and lose a lot on a busy machine
on_each_device = pytest.mark.parametrize("device", runtime.available_devices())
Game = tuple[nn.Module, nn.Module, Any]  # generator, critic, source


@pytest.fixture(autouse=True)
def fixed_randomness() -> Iterator[None]:
    """Let each test of a module that imports this find the same global random state, and leave none of its own."""
    with runtime.randomness_kept():
        torch.manual_seed(0)
        yield


def points(dropout: float = 0.0, seed: int = 0) -> Game:
    """Return a game on the ring; dropout in the critic makes torch's global random state part of the result."""
    with runtime.seeded(seed):
        critic = models.MLPCritic((2,), (16, 16))
        if dropout:
            critic.layers.insert(2, nn.Dropout(dropout))
        return models.MLPGenerator(2, (2,), (16,)), critic, toys.ring().batches(16, seed=seed)


def dropping() -> Game:
    """Return the game of points with dropout."""
    return points(dropout=0.3)


def images(seed: int = 0) -> Game:
    """Return a game of the smallest DCGANs on 32x32 images."""
    pictures = torch.randint(0, 256, (40, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    source = ImageSet(pictures, None, (), "noise", "train").batches(8, seed=seed)
    with runtime.seeded(seed):
        return models.DCGANGenerator(6, width=8), models.DCGANCritic(width=8), source


def told(seed: int = 0) -> Game:
    """Return a game of the smallest DCGANs that are told classes, on 8x8 images."""
    pictures = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    source = ImageSet(pictures, torch.arange(40) % 3, tuple("abc"), "noise", "train").batches(8, seed=seed)
    with runtime.seeded(seed):
        shape = {"size": 8, "width": 4}
        return models.conditional_generator(3, 6, **shape), models.conditional_critic(3, **shape), source


def settings(steps: int, **others: Any) -> GANSettings:
    """Return settings with the precision fixed, so that no test waits for a measurement."""
    return GANSettings(steps, **{"precision": "float32", "learning_rate": 1e-3, **others})


def gan_run(
    generator: nn.Module,
    critic: nn.Module,
    source: Any,
    settings: GANSettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
) -> Run:
    """Return a run of a game, not started."""
    return Run(GANTask(generator, critic, settings), source, keep=keep, device=device)


def fit(
    generator: nn.Module,
    critic: nn.Module,
    source: Any,
    settings: GANSettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    progress: bool = False,
) -> Run:
    """Play a game to its end by the package's own door."""
    return fit_gan(generator, critic, source, settings=settings, keep=keep, device=device, progress=progress)


def vae_run(
    vae: VAE, source: Any, settings: VAESettings, keep: Keep | None = None, device: str | torch.device = "auto"
) -> Run:
    """Return a run of a VAE, not started."""
    return Run(VAETask(vae, settings), source, keep=keep, device=device)


def classifier_run(
    classifier: nn.Module,
    source: Any,
    settings: ClassifierSettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
) -> Run:
    """Return a run of a classifier, not started."""
    return Run(ClassifierTask(classifier, settings), source, keep=keep, device=device)


def spread(run: Run) -> dict[str, float]:
    """Return a metric that draws from the global generator."""
    return {"spread": run.sample(8).std().item(), "chance": torch.rand(1).item()}


def kept(path: Path | None = None, **others: Any) -> Keep:
    """Return what the tests' runs keep: something at uneven intervals, and a checkpoint at `path` if given."""
    return Keep(
        **{
            "metric": spread,
            "metric_every": 7,
            "sample_every": 10,
            "checkpoint": path,
            "checkpoint_every": 20,
            **others,
        }
    )


def play(steps: int, game: Callable[[], Game] = points, keep: Keep | None = None, **others: Any) -> Run:
    """Play a game to its end on the CPU, from the same global random state each time."""
    torch.manual_seed(0)
    return gan_run(*game(), settings(steps, **others), keep or kept(), "cpu").play()


def same(a: Any, b: Any) -> bool:
    """Whether two trees are equal to the last bit: structure, types of tensors, shapes and values (NaN equals NaN)."""
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return (a.dtype, a.shape) == (b.dtype, b.shape) and torch.equal(a.nan_to_num(12.5), b.nan_to_num(12.5))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


def result(run: Run) -> dict[str, Any]:
    """Return all that a run has made and would continue from, apart from settings and random states."""
    kept = run.state()
    return {name: kept[name] for name in ("step", "weights", "history", "metrics", "frames")}


class Spoiled:
    """A source that passes another's batches through a function of (batch, step)."""

    def __init__(self, source: Any, change: Callable[[Tensor, int], Tensor]) -> None:
        self.source, self.change = source, change

    def at(self, step: int) -> Tensor:
        return self.change(self.source.at(step), step)

    @property
    def identity(self) -> dict[str, Any]:
        return self.source.identity  # a spoiled batch or two do not make it another source


def not_finite(at: int, value: float) -> Callable[[Tensor, int], Tensor]:
    """Return a change of batches that spoils the one of step `at` with NaN or infinity."""
    return lambda batch, step: batch * value if step == at else batch


@contextlib.contextmanager
def no_leftovers(folder: Path) -> Iterator[None]:
    """Assert that a folder holds the same names afterwards: no temporary file is left behind."""
    before = sorted(path.name for path in folder.iterdir())
    yield
    assert sorted(path.name for path in folder.iterdir()) == before
