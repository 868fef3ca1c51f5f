"""What waits for a hand: sliders and buttons that redraw a picture. Each works by mouse and by keyboard.

A callback may run on another thread than the cell, so widgets draw on a `Figure` of their own, never through pyplot.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets as ipw
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from ganlab import losses, plots, probability
from ganlab.board import Board
from ganlab.canvas import painted
from ganlab.toys import Mixture, MixtureBatches
from ganlab.train import GANSettings


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

LOSS_COLOURS = {"minimax": plots.OTHER, "non_saturating": plots.INK}


class GameState(NamedTuple):
    """What `game_state` finds, in nats; `gradients[loss]` is (d/dmu, d/dsigma) of that generator loss."""

    value: float
    jsd: float
    reverse_kl: float
    gradients: dict[str, tuple[float, ...]]


def game_state(p_data: Mixture, mu: float, sigma: float) -> GameState:
    """Return V(D*, G), JSD(p_data, p_g), KL(p_g || p_data) and both generator gradients for p_g = N(mu, sigma^2).

    By quadrature in float64; D* is optimal for this p_g and held fixed while G moves. `p_data` is one-dimensional.
    ValueError for mu outside [-20, 20] or sigma outside [0.1, 5]: there the grid is no longer wide or fine enough.
    """
    if not (abs(mu) <= 20 and 0.1 <= sigma <= 5):
        raise ValueError(f"mu, sigma: got {mu!r}, {sigma!r}, expected mu in [-20, 20] and sigma in [0.1, 5]")
    x = torch.linspace(-60, 60, 12001, dtype=torch.float64)
    log_p_data, log_p_g = p_data.log_prob(x[:, None]), probability.gaussian_log_density(x, mu, sigma)
    jsd = probability.js_divergence(log_p_data, log_p_g, x).item()
    reverse_kl = probability.kl_divergence(log_p_g, log_p_data, x).item()
    logits = probability.optimal_logits(log_p_data, log_p_g)
    in_v = log_p_data.exp() * losses.log_d(logits) + log_p_g.exp() * losses.log_one_minus_d(logits)

    z = torch.linspace(-10, 10, 2001, dtype=torch.float64)
    p_z = probability.gaussian_log_density(z, 0.0, 1.0).exp()
    theta = torch.tensor([mu, sigma], dtype=torch.float64, requires_grad=True)
    fake = theta[0] + theta[1] * z  # G(z)
    log_p_g_at_fake = probability.gaussian_log_density(fake, *theta.detach())
    fake_logits = probability.optimal_logits(p_data.log_prob(fake[:, None]), log_p_g_at_fake)
    gradients = {}
    for name in LOSS_COLOURS:
        loss = probability.integrate(p_z * losses.objective(name).generator(fake_logits), z)
        gradients[name] = tuple(torch.autograd.grad(loss, theta, retain_graph=True)[0].tolist())
    return GameState(probability.integrate(in_v, x).item(), jsd, reverse_kl, gradients)


class GamePicture:
    """Three Axes, top to bottom: both densities, D*, and how far one step of learning rate 1 moves mu by each loss."""

    def __init__(self, axes: Sequence[Axes], p_data: Mixture) -> None:
        self.p_data, self.x = p_data, torch.linspace(-10, 10, 1001, dtype=torch.float64)
        self.log_p_data = p_data.log_prob(self.x[:, None])
        densities, discriminator, steps = axes
        plots.density(densities, self.x, self.log_p_data, "p_data", plots.REAL)
        (self.p_g,) = densities.plot([], [], color=plots.FAKE, label="p_g")
        (self.d_star,) = discriminator.plot([], [], color=plots.INK)
        bar = {"linewidth": 5, "solid_capstyle": "butt"}
        self.steps = [steps.plot([], [], color=color, **bar)[0] for color in LOSS_COLOURS.values()]
        densities.set(xlim=(-10, 10), xticks=range(-10, 11, 5), ylim=(0, 1), ylabel="density")
        densities.legend(frameon=False, loc="upper right", ncols=2)
        discriminator.set(xlim=(-10, 10), ylim=(-0.05, 1.05), yticks=(0, 0.5, 1), ylabel="D*(x)")
        names = [name.replace("_", "-") for name in LOSS_COLOURS]
        steps.set(xlim=(-10, 10), ylim=(1.6, -0.6), yticks=(0, 1), yticklabels=names)
        steps.set_xlabel("x; bars: one step of mu at learning rate 1")

    def move(self, mu: float, sigma: float) -> GameState:
        """Draw the game for p_g = N(mu, sigma^2) and return its numbers."""
        state = game_state(self.p_data, mu, sigma)
        log_p_g = probability.gaussian_log_density(self.x, mu, sigma)
        d_star = probability.optimal_logits(self.log_p_data, log_p_g).sigmoid()
        self.p_g.set_data(self.x.numpy(), log_p_g.exp().numpy())
        self.d_star.set_data(self.x.numpy(), d_star.numpy())
        for lane, (line, (d_mu, _)) in enumerate(zip(self.steps, state.gradients.values(), strict=True)):
            line.set_data([mu, mu - d_mu], [lane, lane])
        return state


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

    Orange to blue is D from 0 to 1; dots are real (blue) and fake (orange) points, arrows the pulls on the fakes.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, source: MixtureBatches, settings: GANSettings) -> None:
        self.board = Board(generator, critic, source, settings)
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
        super().__init__([row, self.per_click, self.picture, self.readout])
        self.add_class("ganlab-widget")
        self.play(0, 0)

    def play(self, critic: int, generator: int) -> None:
        """Take so many steps of each player by turns, draw the board, and write its numbers."""
        with self.lock:
            self.board.play(critic, generator)
            self.picture.figure.clear()
            state = self.board.draw(self.picture.figure.add_axes((0.14, 0.11, 0.84, 0.84)))
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
