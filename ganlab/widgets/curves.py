"""A picture of curves that grow while a run trains, painted fast enough to be painted every second."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import ipywidgets as ipw
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ganlab import plots
from ganlab.data import pixels
from ganlab.widgets.kit import Named

SIDE = 400  # pixels, of the sheet of samples and of the curves
POINTS = 150  # of a curve, each the mean over equally many steps
COLOURS = dict.fromkeys(("critic", "critic_loss", "d_real"), plots.REAL)
COLOURS |= dict.fromkeys(("generator", "generator_loss", "d_fake", "vae", "bound"), plots.FAKE)
OTHERS = ((plots.INK, "-"), (plots.OTHER, "-"), (plots.INK, "--"), (plots.OTHER, "--"))  # by turns, for all other names
Curve = tuple[np.ndarray, np.ndarray]  # steps and values


class Curves:
    """Two panels over the steps in one picture; a dotted line where a player's learning rate was changed.

    The axes are drawn anew only when names or limits change, the lines alone otherwise: that takes a tenth of the time.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.picture = picture("Losses over the steps so far, and below them what is measured on the way.")
        self.figure = Figure((SIDE / plots.DPI, SIDE / plots.DPI), plots.DPI)
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes: object = None  # names and limits of the axes on the canvas

    def paint(self, panels: Sequence[Mapping[str, Curve]], marks: Mapping[str, Sequence[int]]) -> None:
        """Draw losses above and what is measured below, name -> curve, and the steps `marks[player]`."""
        last = max((at[-1] for panel in panels for at, _ in panel.values() if len(at)), default=1)
        right = min(self.steps, _rounded_up(last))
        axes = (list(marks), right, [(list(panel), _limits(panel.values())) for panel in panels])
        if axes != self.axes:
            self._draw_axes(*axes)
            self.axes = axes
            self.background = self.canvas.copy_from_bbox(self.figure.bbox)
        self.canvas.restore_region(self.background)
        changes = {f"rate of {player}": _upright(steps) for player, steps in marks.items()}
        for ax, panel in zip(self.figure.axes, panels, strict=True):
            for line in ax.lines:
                line.set_data(*{**panel, **changes}[line.get_gid()])
                ax.draw_artist(line)
        self.picture.value = pixels.png(np.asarray(self.canvas.buffer_rgba())[..., :3])
        self.names = [list(panel) for panel in panels]

    def sharp(self) -> bytes:
        """Return what was painted last with twice as many pixels, for a screen that has them."""
        return plots.webp(self.figure)

    def _draw_axes(self, players: list[str], right: float, panels: list[tuple[list[str], tuple[float, float]]]) -> None:
        self.figure.clear()
        axes = self.figure.subplots(2, 1, sharex=True)
        self.figure.subplots_adjust(left=0.13, right=0.93, top=0.92, bottom=0.135, hspace=0.22)
        for ax, (names, limits) in zip(axes, panels, strict=True):
            lines = [
                ax.plot([], [], color=colour, linestyle=style, gid=name, animated=True)[0]
                for name, (colour, style) in _styles(names).items()
            ]
            if names:
                ax.legend(
                    lines,
                    [name.replace("_", " ") for name in names],
                    frameon=False,
                    ncols=2,
                    loc="lower right",
                    bbox_to_anchor=(1.02, 1.0),
                    borderaxespad=0,
                )
            across = {"linestyle": ":", "animated": True, "transform": ax.get_xaxis_transform()}
            for player in players:
                ax.plot([], [], color=COLOURS.get(player, plots.INK), gid=f"rate of {player}", **across)
            ax.set(xlim=(0, right), ylim=limits)
        axes[1].set_xlabel("step")
        self.canvas.draw()


def _styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the colour and the line of each name of a panel; no two of the same panel that have no own are alike."""
    others = itertools.cycle(OTHERS)
    return {name: (COLOURS[name], "-") if name in COLOURS else next(others) for name in names}


def picture(shows: str) -> ipw.Image:
    """Return an empty square picture, SIDE pixels wide or as wide as its room; tests find it by ganlab-picture.

    `shows` says what it will show, to who hears the page or points at the picture.
    """
    layout = ipw.Layout(max_width="100%", height="auto", object_fit="contain")
    square = Named(format="png", width=str(SIDE), height=str(SIDE), layout=layout, tooltip=shows)
    return square.add_class("ganlab-picture")


def thin(values: Sequence[float]) -> Curve:
    """Return one value a step as at most POINTS means, each at the middle of its steps."""
    values = np.asarray(values, dtype=float)
    first = np.arange(0, len(values), max(1, -(-len(values) // POINTS)))
    count = np.diff([*first, len(values)])
    return first + (count + 1) / 2, np.add.reduceat(values, first) / count if len(values) else values


def _upright(steps: Sequence[int]) -> Curve:
    """Return lines from the bottom (0) to the top (1) of the axes at each of the steps, with gaps between them."""
    x = np.repeat(np.array(steps, dtype=float), 3)
    return x, np.resize([0, 1, np.nan], len(x))


def _limits(curves: Iterable[Curve]) -> tuple[float, float]:
    """Return round limits that hold zero and all finite values of the curves.

    Values that are all negative are bounds of log p(x): zero is far, and the first, lowest tenth is left out.
    """
    values = np.concatenate([[], *(values for _, values in curves)])
    values = values[np.isfinite(values)]
    if len(values) and values.max() < 0:
        low = np.quantile(values, 0.1)
        high = values.max()
        unit = _rounded_up(max(high - low, -high / 100)) / 5
        return math.floor(low / unit) * unit, math.ceil(high / unit) * unit
    values = np.append(values, 0.0)
    return 0.0 - _rounded_up(-values.min()), _rounded_up(values.max()) or 1.0


def _rounded_up(value: float) -> float:
    """Return the next of ..., 0.1, 0.2, 0.5, 1, 2, 5, ... for a number above zero, and zero for zero."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= value)
