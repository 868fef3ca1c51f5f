"""What the explorers of a Gaussian share: two sliders, a picture that follows them, and its numbers."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import ipywidgets as ipw
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from ganlab.widgets.kit import Latest, Panel, readout
from ganlab.widgets.moving import MovingPicture

STEP = 0.01  # of both sliders: the numbers in the lessons have two digits


class GaussianPicture(Protocol):
    """What is drawn for N(mu, sigma^2); `moving` are the artists that `move` changes."""

    moving: Sequence[Artist]

    def move(self, mu: float, sigma: float) -> NamedTuple:
        """Draw it and return its numbers."""


class GaussianExplorer(Panel):
    """Two sliders move and stretch a Gaussian; a picture and its `lines` follow."""

    def __init__(self, mu: ipw.FloatSlider, sigma: ipw.FloatSlider, figure: Figure, *, drawn: GaussianPicture) -> None:
        self.mu = mu
        self.sigma = sigma
        self.drawn = drawn
        self.picture = MovingPicture(figure, moving=drawn.moving)
        self.readout = readout()
        self.redraw = Latest(self._paint)  # JupyterLab may give each slider a thread of its own
        super().__init__([mu, sigma, self.picture, self.readout])
        for control in (mu, sigma):
            control.observe(self.redraw, names="value")
        self.redraw()

    def lines(self, state: NamedTuple) -> list[str]:
        """Return the lines below the picture."""
        raise NotImplementedError

    def _paint(self) -> None:
        state = self.drawn.move(self.mu.value, self.sigma.value)
        self.picture.paint()
        self.readout.value = "<br>".join(self.lines(state))
