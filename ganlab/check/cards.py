"""A verdict as a learner sees it: one line of text everywhere, and in a notebook the same words on a coloured card."""

import html
import re
from dataclasses import dataclass

INK = "#1b1b1b"
CHIP = "#ffffff"  # the ground of a name in the text: the page's own is dark on a dark page, and the card is not
# Of each status: a symbol, the card's own ground, which holds on light pages and dark ones, and its edge.
STYLES = {
    "correct": ("✓", "#e3f2e6", "#276b2b"),
    "almost": ("≈", "#fff3cf", "#8a6100"),
    "not yet": ("↻", "#fde7dc", "#b3431c"),
    "not attempted": ("○", "#e9edf1", "#5a6672"),
    "switched off": ("–", "#eeeae4", "#6a6258"),
}


@dataclass(frozen=True)
class Card:
    """A verdict to show: its words are the same as text and as HTML; `status` is a key of STYLES."""

    title: str
    status: str
    message: str

    def __str__(self) -> str:
        return f"{self.title}: {self.status}. {self.message}".rstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        symbol, ground, edge = STYLES[self.status]
        style = (
            f"background: {ground}; color: {INK}; border-left: 5px solid {edge}; border-radius: 4px; "
            "padding: 8px 12px; max-width: 46em; white-space: pre-wrap; overflow-wrap: anywhere"
        )
        head = html.escape(f"{self.title}: {self.status}.")
        names = f'<code style="background: {CHIP}; color: {INK}">' + r"\1</code>"
        words = re.sub(r"`([^`]+)`", names, html.escape(self.message))
        return (
            f'<div role="status" style="{style}"><span aria-hidden="true" style="color: {edge}; font-weight: bold">'
            f"{symbol}</span> <strong>{head}</strong> {words}</div>"
        )
