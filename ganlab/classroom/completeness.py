"""What a notebook lacks before it is handed in: cells, its name, written parts, code that raises."""

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ganlab.classroom.collecting import MOST_FILES
from ganlab.classroom.course import HOME
from ganlab.classroom.reading import LARGEST_MB, decoded, read
from ganlab.classroom.worker import PLAYING

POINTS = 100  # of every assignment
STUBS = ("Your answer here.", "Write your letter here.")  # of written parts


def form(notebook: NotebookNode, file: Path) -> list[str]:
    """Return what is wrong with the file's name and its cells: those that are missing, written parts left alone."""
    marked = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    if not marked:
        return ["its cells have lost what tells them apart: copy your answers into a fresh release of the assignment"]
    missing = [] if file.name in _names(notebook, file) else [f"its name should be {_names(notebook, file)[0]}"]
    grades = _marks(file)
    points = sum(grade.get("points", 0) for grade in grades if grade.get("grade"))
    if points < POINTS:
        missing.append(
            f"cells of {POINTS - points:g} points are missing: fetch the assignment again, paste your answers"
        )
    for name in marked:
        part = name.removesuffix("-seen").removesuffix("-hidden")
        if name != part and part not in marked:
            missing.append(f"the cell of your answer {part!r} is missing")
    for grade in grades:
        text = marked[grade["grade_id"]].source.strip()
        if grade.get("grade") and grade.get("solution") and text in ("", *STUBS):
            missing.append(f"the written part {grade['grade_id']!r} is empty: write into its own cell, not below it")
    return list(dict.fromkeys(missing))


def _marks(file: Path) -> list[dict[str, Any]]:
    """Return what nbgrader has written into the cells, as it stands in the file."""
    cells = json.loads(decoded(file.read_bytes())).get("cells", [])
    marks = [(cell.get("metadata") or {}).get("nbgrader") for cell in cells if isinstance(cell, dict)]
    return [mark for mark in marks if isinstance(mark, dict) and isinstance(mark.get("grade_id"), str)]


def execution(file: Path, cell_seconds: int) -> list[str]:
    """Run a copy of the notebook; return what raises, runs too long or is not attempted."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    with tempfile.TemporaryDirectory(prefix="ganlab-hand-in-") as folder:
        own = Path(folder) / "work"
        if _is_large(file.parent):  # a folder of downloads, say: none of that is handed in
            own.mkdir()
        else:
            ignored = shutil.ignore_patterns("*.ipynb", ".*")
            shutil.copytree(file.parent, own, ignore=ignored, ignore_dangling_symlinks=True)
        notebook = nbformat.v4.new_notebook(cells=read(file).cells)
        client = NotebookClient(notebook, timeout=cell_seconds, kernel_name="python3", **PLAYING)
        client.extra_arguments = ["--log-level=ERROR"]  # a kernel's warnings say nothing about the student's work
        client.resources = {"metadata": {"path": str(own)}}
        try:
            client.execute()
        except CellTimeoutError:
            return [f"a cell runs for more than {cell_seconds} s: {_first_open(notebook)}"]
        except DeadKernelError:
            return [f"a cell ends the kernel: {_first_open(notebook)}"]
    return _complaints(notebook)


def _is_large(folder: Path) -> bool:
    """Say whether a folder holds more than can be handed in."""
    size = 0
    for number, path in enumerate(folder.rglob("*")):
        size += path.stat().st_size if path.is_file() else 0
        if number > MOST_FILES or size > LARGEST_MB * 1e6:
            return True
    return False


def _complaints(notebook: NotebookNode) -> list[str]:
    complaints = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                complaints.append(f"the cell {_label(cell)} stops with {output.ename}: {output.evalue[:100]}")
            elif ": not attempted" in output.get("text", ""):
                complaints.append(f"{_label(cell)}: not attempted")
            elif re.search(": (not yet|almost)", output.get("text", "")):
                complaints.append(f"{_label(cell)}: {output.text.strip()[:200]}")
    return complaints


def _label(cell: NotebookNode) -> str:
    name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    return repr(name.removesuffix("-seen") or first[:60])


def _first_open(notebook: NotebookNode) -> str:
    ran = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.get("execution_count")]
    return _label(ran[-1]) if ran else "the first one"


def _names(notebook: NotebookNode, file: Path) -> list[str]:
    """Return the names that the file may have: that of the assignment in its title, where it can be known."""
    title = re.search(r"^# Assignment (\d+)", notebook.cells[0].source)
    number = title[1] if title else ""
    known = [folder.name for folder in HOME.glob(f"release/{number}_*") if folder.is_dir()] if number else []
    near = [file.resolve().parent.name] if file.resolve().parent.name.startswith(f"{number}_") else []
    return [f"{name}.ipynb" for name in dict.fromkeys([*known, *near])] or [file.name]
