"""The settings of a game: what a run is, apart from networks and data, and the optimizers that they ask for."""

import dataclasses
import math

import torch
from torch import nn

from ganlab import losses
from ganlab.runtime import whole_number


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
