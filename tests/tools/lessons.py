"""The notebook tool, for the Makefile and for the tests.

python tests/tools/lessons.py refresh [01 ...]  execute stored lessons in place at class speed, then normalise them
python tests/tools/lessons.py normalise [01 ...]  tidy stored lessons without executing them
"""

import argparse
import hashlib
import html
import itertools
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import limits
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
WIDGET = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 150  # the slowest cell at class speed on a quiet machine
MARK_TAG = "nbval-check-output"  # of cells whose outputs nbval compares; a comment would stand in the reader's way
INSTALL = "install"  # tag of the cell that fetches the course on a public service, and does nothing at home
NAME = re.compile(r"(\d\d[a-z]?)_\w+\.ipynb")  # of a lesson: 01_name.ipynb; 01b_name.ipynb comes after it
STILL = "ganlab-of-widget"  # class of what ganlab.widgets leaves below a widget, in an output of its own
HOME_FOLDERS = re.compile(r"(?<![\w.])/(?:home|Users|tmp|var/folders)/|[A-Za-z]:\\+Users\\")


# What `plots.show` displays; outputs that are older than it are an image/png with an `alt` in their metadata.
FIGURE = re.compile(
    r'<figure class="ganlab-figure".*?<img alt="([^"]*)" src="data:(image/webp);base64,([^"]*)"'
    r' width="(\d+)" height="(\d+)".*?</div>(?:<figcaption[^>]*>(.*?)</figcaption>)?(.*?)</figure>',
    re.DOTALL,
)


class Figure(NamedTuple):
    """A figure as it is stored: `kind` is its MIME type, `content` as in the notebook, width and height in pixels.

    `caption` and `numbers`, a folded table, are HTML; each is "" if there is none.
    """

    kind: str
    content: str
    alt: str
    width: int | None = None
    height: int | None = None
    caption: str = ""
    numbers: str = ""


class LessonError(Exception):
    """A lesson that cannot be stored: it failed, or its outputs hold something that must not be shared."""


def lessons(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the lessons of a folder in reading order."""
    return sorted((path for path in folder.glob("*.ipynb") if NAME.fullmatch(path.name)), key=number)


def number(path: Path) -> str:
    """Return a lesson's number, its letter included: "01b" of notebooks/01b_name.ipynb."""
    return NAME.fullmatch(path.name)[1]


def read(path: Path) -> NotebookNode:
    """Read a notebook as nbformat 4."""
    return nbformat.read(path, as_version=4)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all: a reader never meets half a file."""
    text = nbformat.writes(notebook)
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8", newline="\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that hold code; Jupyter does not execute empty ones."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def is_folded(cell: NotebookNode) -> bool:
    """Return whether JupyterLab shows only the cell's outputs until a reader opens its code."""
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def is_compared(cell: NotebookNode) -> bool:
    """Return whether nbval compares the cell's outputs."""
    return MARK_TAG in cell.metadata.get("tags", [])


def figure(output: NotebookNode) -> Figure | None:
    """Return the figure that an output shows, as `plots.show` stores it today or as it once did; None for no figure."""
    data = output.get("data", {})
    if found := FIGURE.search(data.get("text/html", "")):
        alt, kind, content, width, height, caption, numbers = found.groups()
        return Figure(kind, content, html.unescape(alt), int(width), int(height), caption or "", numbers)
    kind = next((kind for kind in data if kind.startswith("image/")), None)
    if kind is None:
        return None
    facts = output.metadata.get(kind, {})
    return Figure(kind, data[kind], facts.get("alt", ""), facts.get("width"), facts.get("height"))


def unfinished(notebook: NotebookNode) -> list[str]:
    """Return a line for each code cell that was not executed or stopped with an error."""
    complaints = []
    for number, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count is None:
            complaints.append(f"code cell {number} was not executed: {cell.source[:60]!r}")
        complaints += [f"code cell {number} stopped: {out.ename}" for out in cell.outputs if out.output_type == "error"]
    return complaints


def source_hash(notebook: NotebookNode) -> str:
    """Return the SHA-256 of a lesson's own code, so that outputs older than it can be told without executing."""
    own = [cell.source for cell in code_cells(notebook) if INSTALL not in cell.metadata.get("tags", [])]
    return hashlib.sha256(json.dumps(own).encode()).hexdigest()


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Take out, in place, what differs between two executions of the same code; return the notebook.

    Raises LessonError for a widget that leaves no still.
    """
    kept = {"ganlab": notebook.metadata["ganlab"]} if "ganlab" in notebook.metadata else {}
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"}, **kept)
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)  # 4.5 is the first with cell ids
    for index, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{index:02d}")
        folded = {"jupyter": {"source_hidden": True}} if is_folded(cell) else {}
        kept = {key: cell.metadata[key] for key in ("tags", "ganlab") if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept | folded)
        if cell.cell_type == "code":
            cell.outputs = _normalise_outputs(cell.outputs)
    return notebook


def _normalise_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    tidy: list[NotebookNode] = []
    for output, after in itertools.zip_longest(outputs, outputs[1:]):
        # The kernel cuts printed text into pieces by time: join them again.
        if output.output_type == "stream" and tidy and tidy[-1].get("name") == output.name:
            tidy[-1].text += output.text
            continue
        if WIDGET in output.get("data", {}):
            # A widget's id is random, and it is dead in a stored notebook: its still is what stays.
            if not is_still(after):
                raise LessonError("a widget leaves no still: a reader without a kernel would see nothing of it")
            continue
        tidy.append(output)
    return tidy


def is_still(output: NotebookNode | None) -> bool:
    """Return whether an output is the still of a widget."""
    return STILL in (output or {}).get("data", {}).get("text/html", "")


def shows_a_widget(cell: NotebookNode) -> bool:
    """Return whether the cell's stored outputs say that a widget stood there."""
    return any(map(is_still, cell.outputs))


def shows_a_training(cell: NotebookNode) -> bool:
    """Return whether the cell's stored outputs hold the still of a training that ran in sight."""
    return any("ganlab-of-run" in output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))


def output_texts(notebook: NotebookNode) -> list[str]:
    """Return every text in the outputs; pictures are left out, since base64 holds any string by chance."""
    inline = re.compile("base64,[^\"']*")
    texts = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            texts += [output.get("text", ""), "\n".join(output.get("traceback", []))]
            data = {kind: value for kind, value in output.get("data", {}).items() if not kind.startswith("image/")}
            written = [value if isinstance(value, str) else json.dumps(value) for value in data.values()]
            texts += [inline.sub("base64,", text) for text in written]
    return texts


def machine_paths(notebook: NotebookNode) -> list[str]:
    """Return the lines of the outputs that name a folder of somebody's machine, this one's included."""
    here = [str(folder) for folder in (Path.home(), ROOT) if len(folder.parts) > 1]
    local = re.compile("|".join(rf"(?<![\w.]){re.escape(folder)}(?![\w-])" for folder in here) or "(?!)")
    lines = [line for text in output_texts(notebook) for line in text.splitlines()]
    return [line for line in lines if HOME_FOLDERS.search(line) or local.search(line)]


def execute(path: Path, speed: str) -> NotebookNode:
    """Execute a copy of a lesson in its own folder and return it; the file stays as it is.

    Raises LessonError, with the cell's code and traceback, when a cell fails, hangs or kills the kernel.
    """
    return execute_cells(read(path), path, speed)


def execute_cells(notebook: NotebookNode, path: Path, speed: str) -> NotebookNode:
    """Execute a notebook in place as if it were the lesson `path`, and return it; LessonError as in `execute`."""
    client = NotebookClient(
        notebook,
        timeout=round(limits.scaled(CELL_SECONDS)),
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
    )
    try:
        client.execute(env={**os.environ, "GANLAB_SPEED": speed, "TQDM_DISABLE": "1"})
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise LessonError(f"{path.name}: {error}") from error
    return notebook


def refresh(path: Path, speed: str = "class") -> None:
    """Execute a lesson in place; an error leaves the stored lesson as it was."""
    notebook = normalise(execute(path, speed))
    if found := machine_paths(notebook):
        raise LessonError(f"{path.name}: an output names a folder of this machine: {found[0]!r}")
    notebook.metadata["ganlab"] = {**notebook.metadata.get("ganlab", {}), "executed_sources": source_hash(notebook)}
    write(notebook, path)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 1 when any lesson failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("refresh", "normalise"))
    parser.add_argument("lesson", nargs="*", help="numbers of lessons, such as 01 or 01b; none means all")
    options = parser.parse_args(arguments)
    unknown = [given for given in options.lesson if given not in map(number, lessons())]
    if unknown or not lessons():
        known = " ".join(map(number, lessons())) or "none"
        parser.error(f"no lesson {' '.join(unknown)} in notebooks/; there is: {known}")

    commands = {
        "refresh": refresh,
        "normalise": lambda path: write(normalise(read(path)), path),
    }
    failed = []
    for path in lessons():
        if options.lesson and number(path) not in options.lesson:
            continue
        started = time.perf_counter()
        try:
            commands[options.command](path)
            print(f"{path.stem:<32} {(time.perf_counter() - started) / 60:5.1f} min", flush=True)
        except LessonError as error:
            failed.append(path.stem)
            print(f"{path.stem:<32} FAILED\n{error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
