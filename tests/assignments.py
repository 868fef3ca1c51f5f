"""The assignments, for the tests and `make mutants`: a source played in this process, and its bank of answers judged.

A bank, tests/answers/assignment_N.py, holds ANSWERS = {part: {"right": [...], "wrong": [(answer, words), ...]}}. A part
is the id of an answer's cell; an answer is an object, or a text that is evaluated in the solved notebook's namespace.
The hint to a wrong answer holds its words, or one of several; to a slip that nobody can name, words "", there is none.
A bank whose answers depend on the variant has a function `answers(namespace)` that returns ANSWERS.
"""

import contextlib
import importlib.util
import io
import os
import re
import runpy
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
import torch
from lessons import NOTEBOOKS, ROOT
from nbformat import NotebookNode

from ganlab import check, plots
from ganlab.classroom import variants

COURSE = NOTEBOOKS / "assignments"
# Shorter trainings of assignment 4, for tests: the verdicts are the same. `make mutants` trains to the end.
SHORTER = (
    (re.compile(r"\bsteps=200\b"), "steps=150"),
    (re.compile(r"\bsteps=250\b"), "steps=175"),
    (re.compile(r"\bsteps=400\b"), "steps=275"),  # VAEs: at 200 some are within .2 nats of the bound, at 275 of 2
    (re.compile(r"\bsteps=500\b"), "steps=400"),
    (re.compile(r"^(before_\d = trainer_\d\(\w+, seed)\)", re.MULTILINE), r"\1, 25)"),  # for a figure
    (re.compile(r"attempt\((repaired_\d),"), r"attempt(lambda *given: \1(*given, 25),"),
)
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION.*?### END SOLUTION$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Tested:
    """What a test cell judged, what it is worth, and its verdict on the notebook's own answer."""

    exercise: check.Exercise
    points: float
    verdict: check.Verdict


@dataclass(frozen=True)
class Played:
    """A source after all its cells: its names, its tests by cell id, its folder, and whether it was shorter."""

    namespace: dict[str, Any]
    tests: dict[str, Tested]
    folder: Path
    shorter: bool


@dataclass(frozen=True)
class Judged:
    """One answer of a bank: `good` if a right one was accepted, or a wrong one refused; `hint` if it named the slip."""

    name: str
    right: bool
    good: bool
    hint: bool
    verdict: check.Verdict


def grader_python() -> str:
    """Return the Python that has nbgrader: this one, or that of the environment which make lays over it.

    Without one, the test that asks is skipped, and fails on the machine that decides.
    """
    if importlib.util.find_spec("nbgrader"):
        return sys.executable
    found = [path for path in Path(sys.prefix).glob("instructor/*/python*") if path.stem == "python"]
    if not found and not os.environ.get("CI"):
        pytest.skip("nbgrader is not installed: `make test` sets it up")
    return str(found[0])


def names() -> list[str]:
    """Return the assignments that have a source, in order."""
    return sorted(path.name for path in (COURSE / "source").iterdir() if (path / f"{path.name}.ipynb").exists())


def varied(name: str, variant: int, hidden_variant: int) -> NotebookNode:
    """Return a source in a variant."""
    folder = COURSE / "source" / name
    return variants.vary(nbformat.read(folder / f"{name}.ipynb", as_version=4), variant, hidden_variant, folder=folder)


def cheaper(source: str) -> str:
    """Return a source whose trainers take fewer steps, and whose figures show runs of 25 steps."""
    for pattern, shorter in SHORTER:
        source = pattern.sub(shorter, source)
    return source


@contextlib.contextmanager
def played(
    name: str, variant: int = 1, hidden_variant: int = 1, solved: bool = True, shorter: bool = False
) -> Iterator[Played]:
    """Run a source, or its stubs, in a folder of its own, which is the working directory until the end.

    `shorter` is for tests: trainers, the bank's too, take fewer steps.
    """
    found: dict[str, Tested] = {}
    current = [""]

    def mark(exercise: check.Exercise, given: Any, points: float) -> float:
        verdict = check.judge(exercise, given)
        found[current[0]] = Tested(exercise, points, verdict)
        return float(points) if verdict.status == "correct" else 0.0

    def show(figure: Any, alt: str, **parts: Any) -> None:
        plt.close(figure)

    namespace: dict[str, Any] = {"__name__": "__main__"}
    before, mark_before, show_before = Path.cwd(), check.mark, plots.show
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(COURSE / "source" / name, folder, dirs_exist_ok=True)
        check.mark, plots.show = mark, show
        os.chdir(folder)
        try:
            for cell in varied(name, variant, hidden_variant).cells:
                if cell.cell_type == "code":
                    current[0] = cell.id
                    source = cell.source if solved else SOLUTION.sub(r"\1# Your code here.", cell.source)
                    source = cheaper(source) if shorter else source
                    with contextlib.redirect_stdout(io.StringIO()):
                        exec(compile(source, f"<{name}: {cell.id}>", "exec"), namespace)
            check.mark, plots.show = mark_before, show_before
            namespace["hidden_variant"] = hidden_variant  # for banks that must know what was drawn
            yield Played(namespace, found, Path(folder), shorter)
        finally:
            check.mark, plots.show = mark_before, show_before
            os.chdir(before)


def bank(name: str, namespace: dict[str, Any]) -> dict[str, dict[str, list]]:
    """Return ANSWERS of an assignment's bank, for the variant that left `namespace`."""
    if str(ROOT / "tests" / "answers") not in sys.path:
        sys.path.append(str(ROOT / "tests" / "answers"))
    contents = runpy.run_path(str(ROOT / "tests" / "answers" / f"assignment_{name.partition('_')[0]}.py"))
    return contents["answers"](namespace) if "answers" in contents else contents["ANSWERS"]


def judged(name: str, play: Played, chosen: slice = slice(None)) -> Iterator[Judged]:
    """Judge the bank: every right answer by both tests of its part, and the `chosen` wrong ones by the hidden test."""
    for part, answers in bank(name, play.namespace).items():
        for k, given in enumerate(answers["right"]):
            for test in (f"{part}-seen", f"{part}-hidden"):
                verdict = _judge(play, test, given)
                good = verdict.status == "correct"
                yield Judged(f"{part}, right {k}, {test.rpartition('-')[2]}", True, good, good, verdict)
        for k, (given, words) in list(enumerate(answers["wrong"]))[chosen]:
            verdict = _judge(play, f"{part}-hidden", given)
            told = verdict.status if words == "not attempted" else verdict.message.partition("Hint: ")[2]
            hint = any(one in told for one in ((words,) if isinstance(words, str) else words)) if words else not told
            yield Judged(f"{part}, wrong {k} ({words})", False, verdict.status != "correct", hint, verdict)


def _judge(play: Played, test: str, given: Any) -> check.Verdict:
    if isinstance(given, str):
        given = eval(cheaper(given) if play.shorter else given, dict(play.namespace))
    torch.manual_seed(0)  # some answers take their noise from torch's global generator
    with contextlib.redirect_stdout(io.StringIO()):  # some tests print what they find
        return check.judge(play.tests[test].exercise, given)
