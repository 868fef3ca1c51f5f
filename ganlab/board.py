"""The game on points in the plane, move by move, and a picture of it: what the buttons of `widgets.GameBoard` do."""

import copy
import dataclasses
from typing import Any, NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from ganlab import losses, metrics, plots, train
from ganlab.steps import clip_weights
from ganlab.toys import MixtureBatches

MARGIN = 1.6  # half the side of the square that is drawn, in largest coordinates of a mode: the ring has radius 1


class BoardState(NamedTuple):
    """What `Board.draw` finds among 2,500 fakes of fixed latents: losses in nats, the longest pull in nats per unit."""

    modes: int
    good: float
    critic_loss: float
    generator_loss: float
    longest_pull: float


class Board:
    """A game between two networks on a mixture in the plane; move k of either is that of `GANRun` with these settings.

    The networks are trained in place, in float32. `moves` counts the steps that each has taken. Whoever plays decides
    whose turn it is, so `n_critic` and `anneal` mean nothing here.
    """

    def __init__(
        self, generator: nn.Module, critic: nn.Module, source: MixtureBatches, settings: train.GANSettings
    ) -> None:
        settings = dataclasses.replace(settings, precision="float32")
        self.run = train.GANRun(generator, critic, source, settings, device=source.device)
        self.parts = [*self.run.modules.values(), *self.run.optimizers.values()]
        self.initial = copy.deepcopy([part.state_dict() for part in self.parts])
        self.moves = {"critic": 0, "generator": 0}

    def play(self, critic: int, generator: int) -> None:
        """Take so many steps of each, by turns, critic first, while both have some left."""
        for k in range(max(critic, generator)):
            if k < critic:
                self.move("critic")
            if k < generator:
                self.move("generator")

    def move(self, who: str) -> None:
        """Take one step of the "critic" or of the "generator"; the other's weights stay as they are."""
        run, step = self.run, self.moves[who]
        real = run.source.at(step)
        z, optimizer = run.latents(len(real), who, step), run.optimizers[who]
        if who == "critic":
            added = run.penalty(step, len(real))
            train.critic_step(run.critic, run.generator, optimizer, real, z, run.objective, penalty=added)
            if run.settings.clip:
                clip_weights(run.critic, run.settings.clip)
        else:
            train.generator_step(run.generator, run.critic, optimizer, z, run.objective, real=real)
        self.moves[who] += 1

    def change(self, **settings: Any) -> None:
        """Go on from the present weights by other rules: an objective, a penalty, its weight, a bound to clip to."""
        self.run.settings = dataclasses.replace(self.run.settings, **settings)
        self.run.objective = losses.objective(self.run.settings.objective)

    def reset(self) -> None:
        """Put networks and optimizers back to where they stood when the board was made."""
        for part, state in zip(self.parts, self.initial, strict=True):
            part.load_state_dict(copy.deepcopy(state))
        self.moves = dict.fromkeys(self.moves, 0)

    def pulls(self, fake: Tensor) -> Tensor:
        """Return the pull on each point of fake (n, 2): minus the gradient of its own generator loss, (n, 2).

        A paired objective compares each with a real point of the first batch.
        """
        fake = fake.detach().clone().requires_grad_()
        return -torch.autograd.grad(self._generator_loss(self.run.critic(fake)).sum(), fake)[0]

    def _generator_loss(self, fake_logits: Tensor) -> Tensor:
        run = self.run
        if not run.objective.paired:
            return run.objective.generator(fake_logits)
        with torch.no_grad():
            real_logits = run.critic(run.source.at(0))
        return run.objective.generator(fake_logits, real_logits.repeat(1 + len(fake_logits))[: len(fake_logits)])

    def draw(self, ax: Axes, title: str = "") -> BoardState:
        """Draw D as colour, 200 real and 200 fake points and 50 pulls, the longest a tenth of the square's side."""
        run, mixture = self.run, self.run.source.mixture
        real, fake = run.source.at(0), run.sample(2500, average=False).to(run.device)
        pulls = self.pulls(fake[:50])
        longest = pulls.norm(dim=1).max().item()
        side = MARGIN * mixture.means.abs().max().item()
        plots.surface(ax, lambda x: run.critic(x.to(run.device)), side)
        plots.points(ax, real[:200], "real", plots.REAL, size=18)
        plots.points(ax, fake[:200], "fake", plots.FAKE, size=9)
        plots.arrows(ax, fake[:50], pulls * side / (5 * max(longest, 1e-12)))
        ax.set(xlabel="first coordinate", ylabel="second coordinate", title=title)
        with torch.no_grad():
            real_logits, fake_logits = run.critic(real), run.critic(fake[: len(real)])
        return BoardState(
            *metrics.mode_coverage(fake, mixture.means, mixture.sigmas[0].item())[:2],
            run.objective.critic(real_logits, fake_logits).mean().item(),
            self._generator_loss(fake_logits).mean().item(),
            longest,
        )
