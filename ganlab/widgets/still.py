"""What a widget or a training leaves in the notebook for a reader without its kernel: pictures and a line of text.

JupyterLab shows of an output only its widget, and "model not found" once the kernel is gone. So the still is an output
of its own, right below; its style hides it while the widget above lives, and hides the widget's output once it is dead.
Where widgets are unknown (a printed page, a code-hosting site) the still is all there is to see.
"""

import base64
import html
import re
from collections.abc import Iterable
from typing import NamedTuple

import ipywidgets as ipw
import numpy as np
from IPython.display import DisplayHandle

from ganlab.data import pixels
from ganlab.runtime.style import CARD, INK

LOSSLESS_BYTES = 4_000  # a sheet of pixels that needs more goes out as JPEG where that is smaller
OF_WIDGET = "ganlab-of-widget"  # class of a still below a widget
OF_RUN = "ganlab-of-run"  # and of one that a training left
ALIVE = ".jp-OutputArea-output > .lm-Widget:not(.jupyter-widgets-disconnected)"
PLACE = ".jp-OutputArea-child"
# The output before the still is dead when it holds no view of a widget, or one whose kernel has gone.
STYLE = f"""<style>
{PLACE}:has({ALIVE}) + {PLACE}:has(.{OF_WIDGET}) {{ display: none; }}
{PLACE}:not(:has({ALIVE})):has(+ {PLACE} .{OF_WIDGET}) {{ display: none; }}
</style>"""
ROOM = "display: inline-block; max-width: 100%; margin: 4px 0 12px; padding: 8px 12px; border-radius: 8px; "
ROOM += f"box-sizing: border-box; background-color: {CARD}; color: {INK};"
# Where an output's plain text is all; on two lines, since a narrow window would cut one.
NOTE = "The widget needs a running kernel;\nwhat it left is below."


class Shot(NamedTuple):
    """One picture of a still: the file, its kind, its width on the page in pixels, and what it shows."""

    content: bytes
    kind: str  # "webp" or "jpeg"
    width: int
    alt: str
    crisp: bool = False  # pixels are enlarged as squares

    def html(self) -> str:
        """Return an <img> that holds the file."""
        data = base64.b64encode(self.content).decode()
        looks = "max-width: 100%; height: auto;" + (" image-rendering: pixelated;" if self.crisp else "")
        alt = html.escape(self.alt)
        return f'<img src="data:image/{self.kind};base64,{data}" alt="{alt}" width="{self.width}" style="{looks}">'


class Still:
    """A card with pictures and lines of text, as HTML; `line` is its plain text."""

    def __init__(self, body: str, line: str, kind: str) -> None:
        self.line = line
        style = STYLE if kind == OF_WIDGET else ""
        caption = f'<figcaption style="margin-top: 6px;">{html.escape(line)}</figcaption>'
        self.html = f'<figure class="ganlab-still {kind}" style="{ROOM}">{body}{caption}</figure>{style}'

    def bundle(self) -> dict[str, str]:
        """Return the still by kind of text."""
        return {"text/html": self.html, "text/plain": self.line}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.bundle()


class Leaving:
    """A widget that leaves a still below itself wherever it is shown; mixed into a widget's class.

    `doing` says what one would do with it; by default to move its sliders, which it names.
    """

    doing = ""

    def still(self) -> Still:
        """Return the widget as it stands now: its pictures in their places, its settings, its numbers."""
        names = [name for name, _ in settings(self)]
        return Still(body(self), invitation(self.doing or move_sliders(*names)), OF_WIDGET)

    def _ipython_display_(self) -> None:
        show(self)


def invitation(doing: str) -> str:
    """Return the first sentence below a widget's still; `doing` is what one would do, as in "move a slider"."""
    return f"A widget. Run this cell to use it{': ' if doing else ''}{doing}."


def move_sliders(*names: str) -> str:
    """Return that these sliders are to be moved: 'move the sliders "a", "b" and "c"'; nothing where there are none."""
    if not names:
        return ""
    *others, last = [f'"{name}"' for name in names]
    return f"move the sliders {', '.join(others)} and {last}" if others else f"move the slider {last}"


def show(widget: ipw.Widget) -> tuple[DisplayHandle, DisplayHandle]:
    """Display a widget with its still below; return the places of both."""
    places = DisplayHandle(), DisplayHandle()
    places[0].display({**ipw.DOMWidget._repr_mimebundle_(widget), "text/plain": NOTE}, raw=True)
    places[1].display(widget.still().bundle(), raw=True)
    return places


def body(widget: ipw.Widget) -> str:
    """Return the HTML of a widget's pictures and texts in their rows and columns, and of how its controls stand."""
    stand = ", ".join(f"{name} {value}" for name, value in settings(widget))
    return f'{_markup(widget)}<p style="margin: 6px 0;">{html.escape(stand)}</p>' if stand else _markup(widget)


def _markup(widget: ipw.Widget) -> str:
    if hasattr(widget, "shot"):
        shot = widget.shot()
        return shot.html() if shot.content else ""
    if isinstance(widget, ipw.HTML):
        return f"<div>{widget.value}</div>" if widget.value.strip() else ""
    if isinstance(widget, ipw.Label):
        return f"<span>{html.escape(widget.value)}</span>"
    if not isinstance(widget, ipw.Box):
        return ""
    parts = [part for part in map(_markup, widget.children) if part]
    if not any("<img" in part or "<div" in part for part in parts):
        return ""  # a row of controls and their labels
    direction = "row wrap" if isinstance(widget, ipw.HBox) else "column"
    return (
        f'<div style="display: flex; flex-flow: {direction}; align-items: flex-start; gap: 6px;">{"".join(parts)}</div>'
    )


def settings(widget: ipw.Widget) -> list[tuple[str, str]]:
    """Return name and value of every control in a widget that has both."""
    if isinstance(widget, ipw.Box):
        return [pair for child in widget.children for pair in settings(child)]
    name = getattr(widget, "description", "")
    if isinstance(widget, ipw.ToggleButtons | ipw.SelectionSlider):
        return [(name, str(widget.label))] if name else []
    if isinstance(widget, ipw.FloatSlider | ipw.BoundedIntText):
        value = float(widget.value)
        return [(name, f"{value:.6g}")] if name else []
    return []


def text(markup: str) -> str:
    """Return the words of HTML on one line."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup))).strip()


def packed(sheet: np.ndarray) -> tuple[bytes, str]:
    """Return pixels (H, W, 1 or 3), uint8, as a small file, and its kind: lossless WebP, or a smaller JPEG."""
    lossless = pixels.webp(sheet)
    if len(lossless) <= LOSSLESS_BYTES:
        return lossless, "webp"
    return min((lossless, "webp"), (pixels.jpeg(sheet, 80), "jpeg"), key=lambda pair: len(pair[0]))


def of_run(shots: Iterable[Shot], *lines: str) -> Still:
    """Return what a training leaves: its pictures side by side, and lines with what it reached."""
    images = "".join(shot.html() for shot in shots)
    line = " ".join(line for line in lines if line)
    return Still(
        f'<div style="display: flex; flex-flow: row wrap; align-items: flex-start; gap: 8px;">{images}</div>',
        line,
        OF_RUN,
    )
