"""One progress bar for all that takes long: in a notebook a line of text that stays as text, in a terminal tqdm's."""

import io
import os
import time
from collections.abc import Callable
from typing import Any

from IPython import get_ipython
from IPython.display import DisplayHandle
from tqdm import tqdm


class _Bar(tqdm):
    """tqdm's bar, and behind it `words()`, which are asked for when it is painted, a few times a second."""

    words: Callable[[], str] = staticmethod(lambda: "")

    @property
    def format_dict(self) -> dict[str, Any]:
        """What a painting is made of."""
        words = self.words()
        return super().format_dict | ({"postfix": words} if words else {})


class _LineOfText(_Bar):
    """tqdm's bar as an output of the cell: no widget, which is dead the next day, and not on the pink of stderr."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self.place = DisplayHandle()
        self.shown = False
        if options.get("disable", False) is None:  # tqdm means "where there is no terminal", and none is needed here
            options["disable"] = bool(os.environ.get("TQDM_DISABLE"))
        super().__init__(*arguments, file=io.StringIO(), ncols=70, **options)

    @property
    def format_dict(self) -> dict[str, Any]:
        """What a painting is made of; words make the line longer, and the bar no shorter."""
        parts = super().format_dict
        return parts | {"ncols": parts["ncols"] and parts["ncols"] + len(parts["postfix"] or "")}

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Put the bar as it is now into its place."""
        self._put(msg or str(self))
        return True

    def close(self) -> None:
        """Leave one line that says what was done, how long it took."""
        if self.disable:
            return
        super().close()
        if not self.shown:  # it was over before its delay was
            return
        done = f"{self.n:,} of {self.total:,}" if self.total is not None and self.n != self.total else f"{self.n:,}"
        taken = tqdm.format_interval(time.time() - self.start_t)
        name = f"{self.desc.removesuffix(': ')}: " if self.desc else ""
        self._put(f"{name}{done} {self.unit}s in {taken}")

    def _put(self, text: str) -> None:
        (self.place.update if self.shown else self.place.display)({"text/plain": text}, raw=True)
        self.shown = True

    @classmethod
    def write(cls, s: str, *arguments: object, **options: object) -> None:
        """Print a line; the bar has a place of its own."""
        print(s)


def announce(text: str) -> None:
    """Say at once, in a notebook that shows progress, what the reader waits for."""
    if getattr(get_ipython(), "kernel", None) and not os.environ.get("TQDM_DISABLE"):
        print(text, flush=True)


def progress(*arguments: object, **options: object) -> tqdm:
    """Return tqdm's bar, with its arguments, in the look that fits where this runs; `words` may be set behind it."""
    kind = _LineOfText if getattr(get_ipython(), "kernel", None) else _Bar
    return kind(*arguments, **options)
