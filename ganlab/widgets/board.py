"""A game between two networks on a mixture in the plane: its moves, its numbers, and what is drawn of it."""

import copy
import dataclasses
from typing import Any, NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from ganlab import losses, metrics, plots, train
from ganlab.toys import MixtureBatches
from ganlab.train import clip_weights

EDGES = {"real": "white", "fake": plots.INK}  # around points: without it, a fake is lost where D = 0
MARGIN = 1.6  # half the side of the square that is drawn, in largest coordinates of a mode: the ring has radius 1


class BoardState(NamedTuple):
    """The game by 2,500 fakes of fixed latents: losses in nats, the longest pull in nats per unit."""

    modes: int
    good: float
    critic_loss: float
    generator_loss: float
    longest_pull: float


class Scene(NamedTuple):
    """What is drawn of a game: points of the plane, each pull as long as it is drawn, half the square's side."""

    real: Tensor  # (200, 2)
    fake: Tensor  # (200, 2)
    pulls: Tensor  # (50, 2), on the first of the fake points
    side: float
    state: BoardState


class Board:
    """A game between two networks on a mixture in the plane; move k of either is that of `train.fit_gan`.

    The networks are trained in place, in float32. `moves` counts the steps that each has taken. Whoever plays decides
    whose turn it is, so `n_critic` and `anneal` mean nothing here.
    """

    def __init__(
        self, generator: nn.Module, critic: nn.Module, source: MixtureBatches, *, settings: train.GANSettings
    ) -> None:
        settings = dataclasses.replace(settings, precision="float32", threads=1)
        self.run = train.Run(train.GANTask(generator, critic, settings), source, device=source.device)
        self.parts = [*self.run.modules.values(), *self.run.optimizers.values()]
        self.initial = copy.deepcopy([part.state_dict() for part in self.parts])
        self.moves = {"critic": 0, "generator": 0}
        self.generator = self.run.networks["generator"]
        self.critic = self.run.networks["critic"]

    def play(self, critic: int, generator: int) -> None:
        """Take so many steps of each, by turns, critic first, while both have some left."""
        for k in range(max(critic, generator)):
            if k < critic:
                self.move("critic")
            if k < generator:
                self.move("generator")

    def move(self, player: str) -> None:
        """Take one step of the "critic" or of the "generator"; the other's weights stay as they are."""
        run = self.run
        step = self.moves[player]
        batch = run.batch(step)
        z = run.latents(len(batch.x), player, step)
        optimizer = run.optimizers[player]
        if player == "critic":
            regulariser = run.task.draw_regulariser(run, batch, step)
            players = self.critic, self.generator
            train.critic_step(*players, optimizer, batch.x, z, self.objective, regulariser=regulariser)
            if run.settings.clip:
                clip_weights(self.critic, run.settings.clip)
        else:
            train.generator_step(self.generator, self.critic, optimizer, z, self.objective, real=batch.x)
        self.moves[player] += 1

    def change(self, **settings: Any) -> None:
        """Go on from the present weights by other rules: an objective, a penalty, its weight, a bound to clip to."""
        self.run.settings = dataclasses.replace(self.run.settings, **settings)

    @property
    def objective(self) -> losses.Objective:
        """The objective that is played by now."""
        return losses.objective(self.run.settings.objective)

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
        return -torch.autograd.grad(self._generator_loss(self.critic(fake)).sum(), fake)[0]

    def _generator_loss(self, fake_logits: Tensor) -> Tensor:
        run = self.run
        if not self.objective.paired:
            return self.objective.generator(fake_logits)
        with torch.no_grad():
            real_logits = self.critic(run.source.at(0))
        return self.objective.generator(fake_logits, real_logits.repeat(1 + len(fake_logits))[: len(fake_logits)])

    def scene(self) -> Scene:
        """Return 200 real and 200 fake points, 50 pulls, the longest a tenth of the square's side, and the state."""
        run = self.run
        mixture = run.source.mixture
        real = run.source.at(0)
        fake = run.sample(2500, average=False).to(run.device)
        pulls = self.pulls(fake[:50])
        longest = pulls.norm(dim=1).max().item()
        side = MARGIN * mixture.means.abs().max().item()
        with torch.no_grad():
            real_logits = self.critic(real)
            fake_logits = self.critic(fake[: len(real)])
        state = BoardState(
            *metrics.mode_coverage(fake, mixture.means, mixture.sigmas[0].item())[:2],
            self.objective.critic(real_logits, fake_logits).mean().item(),
            self._generator_loss(fake_logits).mean().item(),
            longest,
        )
        return Scene(real[:200], fake[:200], pulls * side / (5 * max(longest, 1e-12)), side, state)

    def logits(self, x: Tensor) -> Tensor:
        """Return the critic's logits (n,) at points x (n, 2) from anywhere."""
        return self.critic(x.to(self.run.device))

    def draw(self, ax: Axes, title: str = "") -> BoardState:
        """Draw D as colour and the points and pulls of the scene; return its numbers."""
        scene = self.scene()
        plots.surface(ax, self.logits, scene.side)
        plots.points(ax, scene.real, "real", color=plots.REAL, size=22, edge=EDGES["real"])
        plots.points(ax, scene.fake, "fake", color=plots.FAKE, size=13, edge=EDGES["fake"])
        plots.arrows(ax, scene.fake[: len(scene.pulls)], scene.pulls)
        ax.set(xlabel="first coordinate", ylabel="second coordinate", title=title)
        return scene.state
