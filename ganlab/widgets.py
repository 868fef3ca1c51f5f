"""What waits for a hand: sliders and buttons that redraw a picture. Each works by mouse and by keyboard.

A callback may run on another thread than the cell, so widgets draw on a `Figure` of their own, never through pyplot.
"""

import ipywidgets as ipw
from matplotlib.figure import Figure

from ganlab import plots


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
    return ipw.FloatSlider(value, min=least, max=most, step=step, description=label, style=wide, layout={"width": "28em"})


def panel(*children: ipw.Widget) -> ipw.VBox:
    """Return the widgets as one column, under the class by which tests find a whole widget."""
    box = ipw.VBox(children)
    box.add_class("ganlab-widget")
    return box
