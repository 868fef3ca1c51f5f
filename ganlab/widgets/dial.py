"""A dial: one slider that shows what was computed for each of its positions."""

import html
from collections.abc import Mapping

import ipywidgets as ipw
import torch

from ganlab.widgets.kit import THUMBNAIL, Latest, Panel, Pixels, readout


class Dial(Panel):
    """A slider with named stops, and at each its images (n, C, H, W) in [-1, 1] and a sentence about them.

    Raises ValueError for fewer than two stops.
    """

    def __init__(self, label: str, stops: Mapping[str, tuple[torch.Tensor, str]], columns: int = 8) -> None:
        if len(stops) < 2:
            raise ValueError(f"stops: got {len(stops)}, expected two or more")
        self.stops = dict(stops)
        self.choice = ipw.SelectionSlider(options=list(stops), description=label, layout={"width": "32em"})
        self.choice.style.description_width = "6em"
        images = next(iter(stops.values()))[0]
        self.picture = Pixels(images, THUMBNAIL, columns, alt=f"Images at the chosen stop of {label}.")
        self.readout = readout()
        self.redraw = Latest(self._paint)
        self.choice.observe(self.redraw, names="value")
        super().__init__([self.choice, self.picture, self.readout])
        self.redraw()

    def _paint(self) -> None:
        images, sentence = self.stops[self.choice.value]
        self.picture.show(images)
        self.readout.value = html.escape(sentence)
