"""A check run before its answer exists: a card says which cell to run, and whoever runs notebooks sees an error."""

import linecache
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import lessons
import limits
import nbformat.v4 as v4
import papermill
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from test_check import STUBS
from test_notebooks import nbval

from ganlab.check import undefined

NUMBER = "05.1"
CHECK = STUBS[NUMBER][2]
SET_UP = "from ganlab.check.undefined import SETUP\nglobals().update(dict.fromkeys(SETUP))"
SECONDS = 5  # to start a kernel and import what a check needs, on a quiet machine
OTHERS = [
    "1 / 0",
    "nobody",
    "def lost():\n    return nobody\n\n\nlost()",
    'check.answer("05.1", lost())',
    'def inside():\n    return optimistic\n\n\ninside()\ncheck.answer("05.1", optimistic)',
    'print(optimism)\ncheck.answer("05.1", optimistic)',
    "def f():\n    late\n    late = 1\n\n\nf()",
    "check.answer(5, 6)",
]


def executed(*sources: str) -> list[NotebookNode]:
    """Run cells in a kernel of their own, past errors, and return them."""
    notebook = v4.new_notebook(cells=[*map(v4.new_code_cell, sources)])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=round(limits.scaled(SECONDS))).execute()
    return notebook.cells


def told(cell: NotebookNode) -> list[str]:
    """Return what a cell's outputs say: of an error its traceback without numbers of cells and a terminal's colours."""
    texts = [out.data["text/plain"] if "data" in out else "\n".join(out.traceback) for out in cell.outputs]
    return [re.sub(r"\x1b\[[\d;]*m", "", re.sub(r"In\s?\[\d+\]", "In[1]", text)) for text in texts]


def test_an_undefined_answer_is_told_on_a_card() -> None:
    again = f"from ganlab.check import undefined\n\nundefined.install()\n{CHECK}"
    single = CHECK.replace('"', "'")
    cells = executed(CHECK, SET_UP, CHECK, again, single, STUBS[NUMBER][0], CHECK)
    fresh, _, ready, twice, quoted, _, after = cells
    line = "NameError: name 'optimistic' is not defined"
    defines = "it defines `optimistic`, which this cell looks for."
    before = "Run the setup cell first, near the top of the lesson, then the cell above this one"
    assert told(fresh) == [f"Exercise 05.1: not attempted. {before}: {defines}", line]
    first = f"Exercise 05.1: not attempted. Run the cell above this one first: {defines}"
    assert told(ready) == told(twice) == told(quoted) == [first, line]
    assert ">optimistic</code>" in ready.outputs[0].data["text/html"]
    assert [out.output_type for out in ready.outputs] == ["display_data", "error"]
    assert told(after) == ["Exercise 05.1: not attempted. Replace the ... and run both cells again."]


def test_every_other_error_is_shown_as_ipython_shows_it() -> None:
    off = "get_ipython().set_custom_exc((), None)"
    cells = executed("from ganlab import check", *OTHERS, off, *OTHERS, CHECK)
    with_it, without = cells[1 : 1 + len(OTHERS)], cells[2 + len(OTHERS) : -1]
    for cell, other in zip(with_it, without, strict=True):
        assert told(cell) == told(other) and "Traceback (most recent call last)" in told(cell)[0], cell.source
    assert "Traceback (most recent call last)" in told(cells[-1])[0]  # without it there is no card


def test_whoever_has_taken_the_place_keeps_it() -> None:
    own = "get_ipython().set_custom_exc((KeyError,), lambda shell, kind, error, trace, tb_offset=None: print('mine'))"
    _, key, check = executed(own, f"{CHECK.splitlines()[0]}\n{{}}[1]", CHECK)
    assert key.outputs[0].text == "mine\n"
    assert len(check.outputs) == 1 and "Traceback (most recent call last)" in told(check)[0]


def test_papermill_nbclient_and_nbval_see_an_error(tmp_path: Path) -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(CHECK)], metadata={"kernelspec": lessons.KERNEL})
    path = tmp_path / "check.ipynb"
    lessons.write(notebook, path)
    with pytest.raises(CellExecutionError, match="NameError"):
        NotebookClient(notebook, kernel_name="python3", timeout=round(limits.scaled(SECONDS))).execute()
    with pytest.raises(PapermillExecutionError, match="NameError: name 'optimistic' is not defined"):
        papermill.execute_notebook(str(path), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False)
    assert nbval(path).returncode == 1


def test_outside_ipython_nothing_happens() -> None:
    line = "from ganlab import check; check.answer('05.1', optimistic)"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=limits.scaled(SECONDS))
    assert done.stdout == "" and done.stderr.endswith("NameError: name 'optimistic' is not defined\n")


@pytest.mark.parametrize("number", sorted(STUBS))
def test_the_check_cell_of_every_exercise_is_recognised(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, name, source = STUBS[number]
    namespace: dict = {}
    monkeypatch.setitem(linecache.cache, "a cell", (len(source), None, source.splitlines(keepends=True), "a cell"))
    with pytest.raises(NameError) as missing:
        exec(compile(source, "a cell", "exec"), namespace)
    shell = SimpleNamespace(user_ns=namespace)
    assert missing.value.name == name
    assert undefined.exercise(shell, missing.value, missing.value.__traceback__) == number
    assert undefined.exercise(SimpleNamespace(user_ns={}), missing.value, missing.value.__traceback__) == ""
