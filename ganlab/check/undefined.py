"""What a check says when its answer does not exist yet: on a card which cell to run, where Python shows a traceback.

The name is looked up before `check.answer` is called, so IPython has to be asked. The cell fails as it did before, with
Python's own line below the card, by which papermill, nbval and Run All stop. JupyterLab hides that line.
"""

import linecache
import re
from types import TracebackType
from typing import Any

from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from ganlab.check.cards import Card

# What the setup cell of every lesson gives. Where one of these names is missing, that cell has not run.
SETUP = frozenset("plt np torch data losses metrics models plots probability runtime toys train widgets lab".split())
CLASS = "ganlab-undefined"
PLACE = ".jp-OutputArea-child"
STYLE = f"<style>{PLACE}:has(.{CLASS}) + {PLACE} {{ display: none; }}</style>"


class Undefined(Card):
    """The card; in JupyterLab the output after it, Python's own line, is not shown."""

    def _repr_html_(self) -> str:
        return f'<div class="{CLASS}">{super()._repr_html_()}{STYLE}</div>'


def install() -> None:
    """Have IPython show the card; outside IPython, and where somebody has taken its one place for this, do nothing."""
    shell = get_ipython()
    if shell is not None and not shell.custom_exceptions:
        shell.set_custom_exc((NameError,), shown)


def shown(shell: InteractiveShell, *raised: Any, tb_offset: int | None = None) -> None:
    """Show a NameError, `raised` as sys.exc_info() has it, as IPython does; for an undefined answer, show the card."""
    kind, error, trace = raised
    if number := exercise(shell, error, trace):
        before = "" if SETUP <= shell.user_ns.keys() else "the setup cell first, near the top of the lesson, then "
        first = "" if before else " first"
        words = f"Run {before}the cell above this one{first}: it defines `{error.name}`, which this cell looks for."
        display(Undefined(f"Exercise {number}", "not attempted", words))
        error._render_traceback_ = lambda: [f"{kind.__name__}: {error}"]  # what IPython asks an exception for
    shell.showtraceback(raised, tb_offset=tb_offset)


def exercise(shell: InteractiveShell, error: NameError, trace: TracebackType) -> str:
    """Return the number of the exercise whose check looked for its answer in vain; "" for any other NameError."""
    while trace.tb_next:
        trace = trace.tb_next
    frame = trace.tb_frame
    if frame.f_globals is not shell.user_ns or frame.f_code.co_name != "<module>":
        return ""
    source = "".join(linecache.getlines(frame.f_code.co_filename))
    answer = re.escape(error.name or "")
    called = re.search(rf"""^check\.answer\((["'])([^"']+)\1, {answer}\)""", source, re.MULTILINE)
    return called[2] if called else ""
