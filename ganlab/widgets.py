"""What waits for a hand: sliders and buttons that redraw a picture. Each works by mouse and by keyboard.

A callback may run on another thread than the cell, so widgets draw on a `Figure` of their own, never through pyplot.
"""

import asyncio
import threading
from collections.abc import Callable

import ipywidgets as ipw
from matplotlib.figure import Figure
from torch import Tensor, nn

from ganlab import losses, plots
from ganlab.board import Board
from ganlab.canvas import chooser, painted
from ganlab.minimax import LOSS_COLOURS, GamePicture, game_state
from ganlab.toys import Mixture, MixtureBatches
from ganlab.train import GANSettings

__all__ = [
    "LOSS_COLOURS",
    "GameBoard",
    "GamePicture",
    "MinimaxExplorer",
    "Picture",
    "game_state",
    "image_slider",
    "panel",
    "slider",
]


class Picture(ipw.Image):
    """A figure in a widget: change the figure's artists, then `paint()`. Tests find it by its class ganlab-picture."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        width, height = (round(inches * plots.DPI) for inches in figure.get_size_inches())
        layout = ipw.Layout(max_width="100%", height="auto", object_fit="contain")
        super().__init__(format="png", width=str(width), height=str(height), layout=layout)
        self.add_class("ganlab-picture")

    def paint(self) -> None:
        """Send the figure as it is now to the browser."""
        self.value = plots.png(self.figure)


def slider(label: str, value: float, least: float, most: float, step: float) -> ipw.FloatSlider:
    """Return a labelled slider that reports while it moves; arrow keys move it one `step`."""
    wide = {"description_width": "10em"}
    return ipw.FloatSlider(
        value, min=least, max=most, step=step, description=label, style=wide, layout={"width": "28em"}
    )


def panel(*children: ipw.Widget) -> ipw.VBox:
    """Return the widgets as one column, under the class by which tests find a whole widget."""
    box = ipw.VBox(children)
    box.add_class("ganlab-widget")
    return box


def image_slider(draw: Callable[[float], Tensor], label: str, step: float = 0.02, zoom: int = 8) -> ipw.VBox:
    """Return a slider from 0 to 1 above the image `draw(value)`: one (C, H, W), float in [-1, 1] or uint8.

    Each pixel is shown as `zoom` x `zoom`.
    """
    move = slider(label, 0.0, 0.0, 1.0, step)
    height, width = (str(zoom * side) for side in draw(0.0).shape[1:])
    picture = ipw.Image(value=painted(draw(0.0)[None], zoom), format="png", width=width, height=height)
    picture.add_class("ganlab-picture")
    move.observe(lambda change: setattr(picture, "value", painted(draw(change.new)[None], zoom)), names="value")
    return panel(move, picture)


# Lesson 01: the minimax game against a generator that is one Gaussian.


class MinimaxExplorer(ipw.VBox):
    """Two sliders move and stretch p_g = N(mu, sigma^2); D*, V, the divergences and both generator gradients follow."""

    def __init__(self, p_data: Mixture, mu: float = 0.0, sigma: float = 1.0) -> None:
        self.mu, self.sigma = slider("mu (shift)", mu, -8, 8, 0.1), slider("sigma (stretch)", sigma, 0.4, 3, 0.1)
        figure = Figure(figsize=(6.8, 4.0))
        axes = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.6, 1])
        figure.subplots_adjust(left=0.19, right=0.97, top=0.97, bottom=0.12, hspace=0.15)
        self.picture, self.game = Picture(figure), GamePicture(axes, p_data)
        self.readout = ipw.HTML().add_class("ganlab-readout")
        super().__init__([self.mu, self.sigma, self.picture, self.readout])
        self.add_class("ganlab-widget")
        for control in (self.mu, self.sigma):
            control.observe(self.redraw, names="value")
        self.redraw()

    def redraw(self, change: object = None) -> None:
        """Draw the game and write its numbers for where the sliders stand."""
        state = self.game.move(self.mu.value, self.sigma.value)
        self.picture.paint()
        lines = [f"V = {state.value:.4f}, JSD = {state.jsd:.4f}, KL(p_g || p_data) = {state.reverse_kl:.4f} nats"]
        for name, (d_mu, d_sigma) in state.gradients.items():
            lines.append(f"gradient of {name.replace('_', '-')}: {d_mu:+.4f} by mu, {d_sigma:+.4f} by sigma")
        self.readout.value = "<br>".join(lines)


# Lesson 02: the game between the reader's own networks, on points in the plane.


class GameBoard(ipw.VBox):
    """Buttons that step D, step G, step both, run and reset a `Board`, trained in place; Run ends after settings.steps.

    Orange to blue is D from 0 to 1; dots are real (blue) and fake (orange) points, arrows the pulls on the fakes. With
    `choosers`, the objective and the penalty can be changed on the way, and Reset keeps the choice.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        source: MixtureBatches,
        settings: GANSettings,
        choosers: bool = False,
    ) -> None:
        self.board, self.choosers = Board(generator, critic, source, settings), choosers
        self.choices = [  # buttons: the arrow keys of a drop-down list are JupyterLab's own
            chooser("objective", list(losses.OBJECTIVES), settings.objective, "10.5em"),
            chooser("penalty", ["none", *losses.PENALTIES], settings.penalty, "10.5em"),
        ]
        for choice in self.choices:
            choice.observe(self._choose, names="value")
        self.lock = threading.RLock()  # JupyterLab may give each button a thread of its own
        self.picture = Picture(Figure(figsize=(5.2, 5.2)))
        self.readout = ipw.HTML().add_class("ganlab-readout")
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
        self.add_class("ganlab-widget")
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
