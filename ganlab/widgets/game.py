"""The game on a board: points, surface, arrows, and buttons that move one player at a time."""

import asyncio
import threading
import time

import anywidget
import ipywidgets as ipw
import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn

from ganlab import losses, plots
from ganlab.toys import MixtureBatches
from ganlab.train import GANSettings
from ganlab.widgets.board import EDGES, Board, BoardState
from ganlab.widgets.kit import Panel, Shot, chooser, drawn, readout, side_by_side

SQUARES = 40  # of the live surface along each axis: the browser smooths them, and each costs a pass of the critic
SIDE = 440  # pixels of the screen, of the live board with its axes
GONE = -1  # what the browser answers when it shows the board no longer
PATIENCE = 30.0  # seconds without an answer of the browser after which nobody looks: a closed tab does not say so
# The browser's half of `BoardPicture`: it paints a scene and answers with the scene's number.
BOARD = """
function render({ model, el }) {
  const side = model.get("side"), sharp = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  Object.assign(canvas, { width: side * sharp, height: side * sharp, role: "img" });
  el.appendChild(canvas);
  const [left, top, size] = [58, 26, side - 70];
  const numbers = name => {
    const view = model.get(name);
    return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  };
  const paint = () => {
    const colours = model.get("colours"), limit = model.get("limit");
    const X = x => left + size * (x + limit) / (2 * limit), Y = y => top + size * (limit - y) / (2 * limit);
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.fillStyle = colours.card;
    context.fillRect(0, 0, side, side);
    const d = model.get("surface"), cells = Math.sqrt(d.byteLength);
    const field = new OffscreenCanvas(cells, cells), ground = field.getContext("2d");
    const squares = ground.createImageData(cells, cells);
    for (let row = 0; row < cells; row++) for (let column = 0; column < cells; column++) {
      const color = colours.palette[d.getUint8((cells - 1 - row) * cells + column)], at = 4 * (row * cells + column);
      for (let c = 0; c < 3; c++) squares.data[at + c] = color[c];
      squares.data[at + 3] = 255;
    }
    ground.putImageData(squares, 0, 0);
    context.drawImage(field, left, top, size, size);
    context.save();
    context.beginPath();
    context.rect(left, top, size, size);
    context.clip();
    const dots = (points, radius, color, edge) => {
      context.fillStyle = color; context.strokeStyle = edge; context.lineWidth = 0.8;
      for (let k = 0; k < points.length; k += 2) {
        context.beginPath();
        context.arc(X(points[k]), Y(points[k + 1]), radius, 0, 7);
        context.fill();
        context.stroke();
      }
    };
    dots(numbers("real"), 3.4, colours.real, colours.edges.real);
    dots(numbers("fake"), 2.6, colours.fake, colours.edges.fake);
    const pulls = numbers("pulls");
    context.strokeStyle = context.fillStyle = colours.ink;
    context.lineWidth = 1.4;
    for (let k = 0; k < pulls.length; k += 4) {
      const [x, y, u, v] = [X(pulls[k]), Y(pulls[k + 1]), X(pulls[k] + pulls[k + 2]), Y(pulls[k + 1] + pulls[k + 3])];
      const length = Math.hypot(u - x, v - y), head = Math.min(6, length);
      if (length < 0.5) continue;
      const [a, b] = [(u - x) / length, (v - y) / length];
      context.beginPath(); context.moveTo(x, y); context.lineTo(u, v); context.stroke();
      context.beginPath(); context.moveTo(u, v);
      context.lineTo(u - head * a - head * b / 2, v - head * b + head * a / 2);
      context.lineTo(u - head * a + head * b / 2, v - head * b - head * a / 2);
      context.fill();
    }
    context.restore();
    context.fillStyle = context.strokeStyle = colours.ink;
    context.lineWidth = 1;
    context.strokeRect(left, top, size, size);
    context.font = "13px sans-serif";
    context.textAlign = "center";
    for (const tick of model.get("ticks")) context.fillText(tick, X(tick), top + size + 16);
    context.fillText("first coordinate", left + size / 2, side - 8);
    context.fillText(model.get("title"), left + size / 2, 17);
    context.textAlign = "right";
    for (const tick of model.get("ticks")) context.fillText(tick, left - 6, Y(tick) + 4);
    context.save();
    context.translate(16, top + size / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText("second coordinate", 0, 0);
    context.restore();
    for (const name of ["aria-label", "title"]) {
      if (canvas.getAttribute(name) !== model.get("words")) canvas.setAttribute(name, model.get("words"));
    }
    model.set("painted", model.get("scene"));
    model.save_changes();
  };
  model.ganlabViews = (model.ganlabViews || 0) + 1;
  model.on("change:scene", paint);
  paint();
  return () => {  // the cell was run again, cleared or deleted
    model.off("change:scene", paint);
    model.ganlabViews -= 1;
    if (model.ganlabViews === 0) { model.set("painted", -1); model.save_changes(); }
  };
}
export default { render };
"""


def _bytes(values: Tensor) -> bytes:
    return values.detach().cpu().numpy().astype("<f4").tobytes()


class BoardPicture(anywidget.AnyWidget):
    """A board on a canvas, which the browser paints in milliseconds and tells by `painted`, the number of the scene."""

    _esm = BOARD
    side = traitlets.Int(SIDE).tag(sync=True)
    colours = traitlets.Dict().tag(sync=True)  # CSS, by what they paint; `palette` is of D
    limit = traitlets.Float(1.0).tag(sync=True)
    ticks = traitlets.List().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)  # what the picture shows, for who does not see it
    surface = traitlets.Bytes().tag(sync=True)  # D as bytes, rows from below
    real = traitlets.Bytes().tag(sync=True)  # float32: x, y
    fake = traitlets.Bytes().tag(sync=True)
    pulls = traitlets.Bytes().tag(sync=True)  # float32: x, y and the way to the arrow's head
    scene = traitlets.Int().tag(sync=True)
    painted = traitlets.Int().tag(sync=True)

    def __init__(self, board: Board) -> None:
        palette = (255 * plots.SURFACE(np.arange(256))[:, :3]).round().astype(int).tolist()
        colours = {"palette": palette, "real": plots.REAL, "fake": plots.FAKE, "edges": EDGES}
        colours |= {"ink": plots.INK, "card": plots.CARD}
        size = {"width": f"{SIDE}px", "max_width": "100%"}
        super().__init__(colours=colours, layout=size)
        self.add_class("ganlab-picture")
        self.board = board

    def show(self, title: str = "") -> BoardState:
        """Send the board as it is now; return its numbers."""
        scene = self.board.scene()
        limit = scene.side
        ticks = [round(float(tick), 6) for tick in MaxNLocator(4).tick_values(-limit, limit) if abs(tick) <= limit]
        d = plots.surface_values(self.board.logits, limit, SQUARES)
        heads = torch.cat([scene.fake[: len(scene.pulls)], scene.pulls], 1)
        with self.hold_sync():
            self.title = title
            self.limit = limit
            self.ticks = ticks
            self.words = (
                f"The board: real and generated points from {-limit:g} to {limit:g} in both coordinates, D as colour, "
                f"arrows that pull the generated points. {scene.state.modes} modes are reached."
            )
            self.surface = (255 * d).round().astype(np.uint8).tobytes()
            self.real, self.fake, self.pulls = _bytes(scene.real), _bytes(scene.fake), _bytes(heads)
            self.scene += 1
        return scene.state

    def shot(self) -> Shot:
        """Return the board as it is now, for a still."""
        figure = Figure(figsize=(SIDE / plots.DPI, SIDE / plots.DPI))
        self.board.draw(figure.add_axes((0.18, 0.13, 0.80, 0.80)), self.title)
        return drawn(figure, self.words)


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
        self.picture = BoardPicture(self.board)
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
        controls = [*(self.choices if choosers else []), row, self.per_click, self.readout]
        super().__init__([side_by_side(controls, self.picture)])
        self.play(0, 0)

    def play(self, critic: int, generator: int) -> None:
        """Take so many steps of each player by turns, draw the board, and write its numbers."""
        with self.lock:
            self.board.play(critic, generator)
            settings = self.board.run.settings
            rules = f"{settings.objective}, penalty: {settings.penalty}" if self.choosers else ""
            state = self.picture.show(rules)
            self.readout.value = (
                f"D has taken {self.board.moves['critic']:,} steps, G {self.board.moves['generator']:,}.<br>"
                f"Modes reached: {state.modes}. Good samples: {100 * state.good:.1f}%.<br>"
                f"Critic loss {state.critic_loss:.3f}, generator loss {state.generator_loss:.3f} nats; "
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
                await self._painted()
        finally:
            self.running.value = False

    async def _painted(self) -> None:
        """Return when the browser has painted the scene; stop the run when nobody looks at the board any more."""
        begin = time.monotonic()
        await asyncio.sleep(0.002)  # meanwhile the kernel hears the browser and the other buttons
        while self.running.value and self.picture.painted != self.picture.scene:
            if self.picture.painted == GONE or time.monotonic() - begin > PATIENCE:
                self.running.value = False
            await asyncio.sleep(0.002)
