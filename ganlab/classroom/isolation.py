"""Runs one submission in a process and a folder of its own: what hangs, crashes or eats memory costs its cell alone."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from ganlab.runtime import cache_dir

WORKER = "ganlab.classroom.worker"


@dataclass(frozen=True)
class Limits:
    """Seconds a cell and a notebook may take, megabytes its processes may use together, and a cell may print."""

    cell_seconds: int = 120
    notebook_seconds: int = 900
    memory_mb: int = 3000
    output_mb: int = 5


def run_isolated(
    notebook: NotebookNode, extras: Path, closed: list[Path], limits: Limits
) -> tuple[NotebookNode, list[str]]:
    """Execute a staged submission; return it with its outputs, and what about it needs a look.

    The files in the folder `extras`, notebooks apart, lie beside it. No file in a folder of `closed` can be read by it.
    A submission that cannot be run at all comes back with every test failed, so that it earns nothing.
    """
    with tempfile.TemporaryDirectory(prefix="ganlab-grade-", ignore_cleanup_errors=True) as folder:
        own = Path(folder).resolve() / "work"
        shutil.copytree(extras, own, ignore=shutil.ignore_patterns("*.ipynb"))
        (own / ".kernel").mkdir()
        for fonts in _font_lists():
            shutil.copy(fonts, own / ".kernel")
        if cache_dir().is_dir():
            shutil.copytree(cache_dir(), own / ".cache", copy_function=_link)
        job, answer = own.parent / "job.ipynb", own.parent / "answer.json"
        order = {"own": str(own), "closed": [str(path) for path in closed], "limits": asdict(limits)}
        command = [sys.executable, "-m", WORKER, str(job), str(answer), json.dumps(order)]
        seconds = 2 * limits.notebook_seconds  # the worker keeps its time itself: this is for a worker that hangs
        for _ in range(2):  # a kernel may fail to start on a machine that has too much to do
            nbformat.write(notebook, job)
            try:
                done = subprocess.run(command, cwd=own, timeout=seconds, capture_output=True, text=True)
            except subprocess.TimeoutExpired:
                return _failed(notebook), [f"was stopped after {seconds} s, and has to be run by hand"]
            if done.returncode == 0:
                return nbformat.read(job, as_version=4), json.loads(answer.read_text(encoding="utf-8"))
        errors = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", done.stderr, flags=re.MULTILINE)
        return _failed(notebook), [f"could not be run: {errors[-1] if errors else 'no reason given'}"]


def _failed(notebook: NotebookNode) -> NotebookNode:
    """Put an error into every test: nbgrader takes a test without outputs for passed."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = [new_output("error", ename="NotRun", evalue="This work could not be run.", traceback=[])]
    return notebook


def _font_lists() -> list[Path]:
    """Return matplotlib's list of the fonts here; a kernel without it would start a program to make one."""
    from matplotlib import font_manager, get_cachedir  # here: the import makes the list where there is none

    assert font_manager
    return list(Path(get_cachedir()).glob("fontlist*.json"))


def _link(source: str, target: str) -> None:
    """Show a file of the cache to a submission, which cannot write through the link; copy it where there are none."""
    try:
        os.symlink(source, target)
    except OSError:
        shutil.copy2(source, target)
