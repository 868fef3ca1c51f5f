"""The game on a board: points, surface, arrows, and buttons that move one player at a time."""

import asyncio
import copy
import dataclasses
import threading
from typing import Any, NamedTuple

import ipywidgets as ipw
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from ganlab import losses, metrics, plots, train
from ganlab.toys import MixtureBatches
from ganlab.train import GANSettings, clip_weights
from ganlab.widgets.kit import Panel, Picture, chooser, readout

MARGIN = 1.6  # half the side of the square that is drawn, in largest coordinates of a mode: the ring has radius 1


class BoardState(NamedTuple):
    """The game by 2,500 fakes of fixed latents: losses in nats, the longest pull in nats per unit."""

    modes: int
    good: float
    critic_loss: float
    generator_loss: float
    longest_pull: float


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
            penalty = run.task.penalty(run, batch, step)
            train.critic_step(self.critic, self.generator, optimizer, batch.x, z, self.objective, penalty=penalty)
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

    def draw(self, ax: Axes, title: str = "") -> BoardState:
        """Draw D as colour, 200 real and 200 fake points and 50 pulls, the longest a tenth of the square's side."""
        run = self.run
        mixture = run.source.mixture
        real = run.source.at(0)
        fake = run.sample(2500, average=False).to(run.device)
        pulls = self.pulls(fake[:50])
        longest = pulls.norm(dim=1).max().item()
        side = MARGIN * mixture.means.abs().max().item()
        plots.surface(ax, lambda x: self.critic(x.to(run.device)), side)
        plots.points(ax, real[:200], "real", color=plots.REAL, size=18)
        plots.points(ax, fake[:200], "fake", color=plots.FAKE, size=9)
        plots.arrows(ax, fake[:50], pulls * side / (5 * max(longest, 1e-12)))
        ax.set(xlabel="first coordinate", ylabel="second coordinate", title=title)
        with torch.no_grad():
            real_logits = self.critic(real)
            fake_logits = self.critic(fake[: len(real)])
        return BoardState(
            *metrics.mode_coverage(fake, mixture.means, mixture.sigmas[0].item())[:2],
            self.objective.critic(real_logits, fake_logits).mean().item(),
            self._generator_loss(fake_logits).mean().item(),
            longest,
        )


class GameBoard(Panel):
    """Buttons that step D, step G, step both, run and reset a `Board`, trained in place; Run ends after settings.steps.

    Orange to blue is D from 0 to 1; dots are real (blue) and fake (orange) points, arrows the pulls on the fakes. With
    `choosers`, the objective and the penalty can be changed on the way, and Reset keeps the choice.
    """

    doing = "step the discriminator D and the generator G by the buttons, and see both move"

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        source: MixtureBatches,
        *,
        settings: GANSettings,
        choosers: bool = False,
    ) -> None:
        self.board = Board(generator, critic, source, settings=settings)
        self.choosers = choosers
        self.choices = [  # buttons: the arrow keys of a drop-down list are JupyterLab's own
            chooser("objective", list(losses.OBJECTIVES), settings.objective, width="10.5em"),
            chooser("penalty", ["none", *losses.PENALTIES], settings.penalty, width="10.5em"),
        ]
        for choice in self.choices:
            choice.observe(self._choose, names="value")
        self.lock = threading.RLock()  # JupyterLab may give each button a thread of its own
        self.picture = Picture(Figure(figsize=(5.2, 5.2)))
        self.readout = readout()
        self.per_click = ipw.ToggleButtons(options=[1, 10, 100], value=10, description="steps a click")
        self.per_click.style.button_width = "4em"
        self.buttons = {name: ipw.Button(description=name) for name in ("Step D", "Step G", "Step both", "Reset")}
        for name, (d, g) in {"Step D": (1, 0), "Step G": (0, 1), "Step both": (1, 1)}.items():
            self.buttons[name].on_click(lambda _, d=d, g=g: self._click(d, g))
        self.buttons["Reset"].on_click(self.reset)
        self.running = ipw.ToggleButton(description="Run", tooltip="Press again to stop")
        self.running.observe(self._start, names="value")
        self.task: asyncio.Task | None = None
        row = ipw.HBox([*self.buttons.values(), self.running], layout={"flex_flow": "row wrap"})
        super().__init__([*(self.choices if choosers else []), row, self.per_click, self.picture, self.readout])
        self.play(0, 0)

    def play(self, critic: int, generator: int) -> None:
        """Take so many steps of each player by turns, draw the board, and write its numbers."""
        with self.lock:
            self.board.play(critic, generator)
            self.picture.figure.clear()
            settings = self.board.run.settings
            rules = f"{settings.objective}, penalty: {settings.penalty}" if self.choosers else ""
            state = self.board.draw(self.picture.figure.add_axes((0.14, 0.11, 0.84, 0.84)), rules)
            self.picture.paint()
            self.readout.value = (
                f"D has taken {self.board.moves['critic']:,} steps, G {self.board.moves['generator']:,}.<br>"
                f"Modes reached: {state.modes}. Good samples: {100 * state.good:.1f}%.<br>"
                f"critic_loss {state.critic_loss:.3f}, generator_loss {state.generator_loss:.3f} nats; "
                f"longest arrow {state.longest_pull:.3g} nats per unit."
            )

    def reset(self, button: object = None) -> None:
        """Stop, and put networks and optimizers back to where they stood at first."""
        self.running.value = False
        with self.lock:
            self.board.reset()
            self.play(0, 0)

    def _choose(self, change: object) -> None:
        with self.lock:
            self.board.change(**{choice.description: choice.value for choice in self.choices})
            self.play(0, 0)

    def _click(self, d: int, g: int) -> None:
        self.play(d * self.per_click.value, g * self.per_click.value)

    def _start(self, change: object = None) -> None:
        if not self.running.value or (self.task and not self.task.done()):
            return  # a task that is under way sees the button itself
        try:
            self.task = asyncio.get_running_loop().create_task(self._run())
        except RuntimeError:  # no event loop, as in a plain script: nothing would ever press Stop
            self.running.value = False

    async def _run(self) -> None:
        try:
            for _ in range(0, self.board.run.settings.steps, 10):
                with self.lock:
                    if not self.running.value:
                        return
                    self.play(10, 10)
                await asyncio.sleep(0.01)  # meanwhile the kernel hears the other buttons
        finally:
            self.running.value = False
