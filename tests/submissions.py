"""Submissions as a teacher meets them, made from the first assignment: right, half done, broken, dishonest.

`ODD` makes each from a solved notebook, `FILES` from files. Both say what each deserves: the parts that earn their
points, and words that the reason for a look must hold ("" for none). `CLASS` is handed in and graded as a whole.
"""

import copy
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import assignments
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

NAME = "1_game"
FIRST = "optimal-logits"  # the answer cell that is broken or tampered with
ON_FIRST = "best-values"  # a later part, which calls it
TESTS = (f"{FIRST}-seen", f"{FIRST}-hidden")
ANSWERS = Path(__file__).resolve().parent / "answers" / "assignment_1.py"


def solved(release: NotebookNode, source: NotebookNode, parts: int | None = None) -> NotebookNode:
    """Return the release with the source's solutions in its first `parts` answer cells, or in all."""
    notebook = copy.deepcopy(release)
    solutions = {cell.id: cell.source for cell in source.cells}
    answers = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    for cell in answers[:parts]:
        cell.source = solutions[cell.id] + ("\nA letter of my own." if cell.cell_type == "markdown" else "")
    return notebook


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return the cell of that id."""
    return next(cell for cell in notebook.cells if cell.id == name)


def before_first(code: str) -> Callable[[NotebookNode], NotebookNode]:
    """Return a maker that puts a cell of the student's own before the first answer."""

    def make(notebook: NotebookNode) -> NotebookNode:
        index = notebook.cells.index(cell(notebook, FIRST))
        notebook.cells.insert(index, new_code_cell(code))
        return notebook

    return make


def instead(code: str) -> Callable[[NotebookNode], NotebookNode]:
    """Return a maker that replaces the first answer."""

    def make(notebook: NotebookNode) -> NotebookNode:
        cell(notebook, FIRST).source = code
        return notebook

    return make


def tampered(notebook: NotebookNode) -> NotebookNode:
    cell(notebook, TESTS[0]).source = "10.0"
    return instead("def optimal_logits(*given):\n    return 0")(notebook)


def without_tests(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if cell.id not in TESTS]
    return notebook


def without_answer(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if cell.id != FIRST]
    return notebook


def stripped(notebook: NotebookNode) -> NotebookNode:
    for index, each in enumerate(notebook.cells):
        each.metadata, each.id = nbformat.from_dict({}), f"c{index}"
    return notebook


def more_points(notebook: NotebookNode) -> NotebookNode:
    cell(notebook, TESTS[0]).metadata.nbgrader.points = 90
    return notebook


def unlocked(notebook: NotebookNode) -> NotebookNode:
    for name in TESTS:
        cell(notebook, name).metadata.nbgrader.update(locked=False, solution=True)
        cell(notebook, name).source = "10.0"
    return instead("def optimal_logits(*given):\n    return 0")(notebook)


def doubled(notebook: NotebookNode) -> NotebookNode:
    index = notebook.cells.index(cell(notebook, FIRST))
    notebook.cells.insert(index + 1, copy.deepcopy(notebook.cells[index]))
    notebook.cells[index + 1].id = "a-copy"
    notebook.cells[index + 1].source = "# a copy, to try something\n" + notebook.cells[index].source
    return notebook


@dataclass(frozen=True)
class Odd:
    """A kind of submission: how it is made from a solved notebook, what it earns, words of the reason for a look.

    `seen_in_run` says whether these words come of running it, and not of reading it before.
    """

    make: Callable[[NotebookNode], NotebookNode]
    earns: str
    words: str
    seen_in_run: bool = True
    memory_mb: int = 2000


STUCK = "def optimal_logits(*given):\n    while True:\n        pass"
ALL, FIRST_LOST = "all", "all but the first part and what calls it"
ODD: dict[str, Odd] = {
    "correct": Odd(lambda notebook: notebook, ALL, ""),
    "own-cells": Odd(before_first("x_squared = 4\nx_squared"), ALL, ""),
    "warning": Odd(
        lambda notebook: instead(
            "import warnings\n" + cell(notebook, FIRST).source.replace("logits = ...", "warnings.warn('mind the step')")
        )(notebook),
        ALL,
        "",
    ),
    "silenced": Odd(before_first("get_ipython().displayhook.quiet = lambda: True"), "nothing", "ended without a mark"),
    "wrong": Odd(instead("def optimal_logits(p, q, prior):\n    return p - q"), FIRST_LOST, ""),
    "raises": Odd(instead("def optimal_logits(p, q, prior):\n    return p / 0"), FIRST_LOST, ""),
    "syntax-error": Odd(instead("def optimal_logits(p, q, prior) return p"), FIRST_LOST, ""),
    "looping": Odd(before_first("while True:\n    pass"), ALL, "ran for more than"),
    "looping-answer": Odd(instead(STUCK), FIRST_LOST, "ran for more than"),
    "deaf": Odd(
        before_first("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
        ALL,
        "ran for more than",
    ),
    "crashing": Odd(before_first("import os\nos._exit(1)"), ALL, "killed the kernel"),
    "crashing-answer": Odd(
        instead("import os\ndef optimal_logits(*g):\n    os._exit(1)"),
        FIRST_LOST,
        "killed the kernel",
    ),
    "segfault": Odd(before_first("import ctypes\nctypes.string_at(0)"), ALL, "killed the kernel"),
    "memory-eating": Odd(
        before_first("x = []\nwhile True:\n    x.append(np.ones(10**7))"), ALL, "GB of memory", memory_mb=1200
    ),
    "babbling": Odd(before_first("while True:\n    print('x' * 1000)"), ALL, "printed more than"),
    "exit": Odd(before_first("import sys\nsys.exit(0)"), ALL, ""),
    "exit-answer": Odd(instead("import sys\ndef optimal_logits(*g):\n    sys.exit(0)"), FIRST_LOST, ""),
    "quit-answer": Odd(
        instead("def optimal_logits(*g):\n    get_ipython().ask_exit()"),
        FIRST_LOST,
        "killed the kernel",
    ),
    "tampered-test": Odd(tampered, FIRST_LOST, "had been changed", seen_in_run=False),
    "unlocked-test": Odd(unlocked, FIRST_LOST, "had been changed", seen_in_run=False),
    "more-points": Odd(more_points, ALL, ""),
    "deleted-test": Odd(without_tests, ALL, "was missing", seen_in_run=False),
    "deleted-answer": Odd(without_answer, FIRST_LOST, "was missing", seen_in_run=False),
    "doubled-answer": Odd(doubled, ALL, ""),
    "stripped-metadata": Odd(stripped, ALL, "had lost their metadata", seen_in_run=False),
    "monkeypatched-torch": Odd(
        lambda notebook: before_first("torch.allclose = lambda *a, **k: True")(tampered(notebook)),
        FIRST_LOST,
        "replaced torch.allclose",
    ),
    "monkeypatched-judge": Odd(
        lambda notebook: before_first("import ganlab.check as c\nc.judge = lambda *a: c.Verdict('correct', '')")(
            tampered(notebook)
        ),
        FIRST_LOST,
        "replaced ganlab.check.judge",
    ),
    "own-mark": Odd(
        lambda notebook: before_first("import ganlab.check\nganlab.check.mark = lambda *a, points, **k: points")(
            tampered(notebook)
        ),
        FIRST_LOST,
        "replaced ganlab.check.mark",
    ),
    "old-variant": Odd(before_first("variant = 7"), ALL, "replaced variant"),
    "own-game": Odd(before_first("def your_game(variant):\n    return 1, 1, 1, 1, 1"), ALL, "replaced your_game"),
    "writing-elsewhere": Odd(before_first("open('../evil.txt', 'w').write('x')"), ALL, "outside of its folder"),
    "reading-the-course": Odd(
        before_first("import pathlib\nlist(open(pathlib.Path(COURSE) / 'gradebook.db', 'rb'))"),
        ALL,
        "read in the course's folder",
    ),
    "reading-the-answers": Odd(before_first(f"list(open({str(ANSWERS)!r}))"), ALL, "read in the course's folder"),
    "starting-programs": Odd(
        before_first("import subprocess\nsubprocess.run(['touch', 'x'])"), ALL, "started a program"
    ),
    "connecting": Odd(
        before_first("import socket\nsocket.create_connection(('127.0.0.1', 9), 1)"),
        ALL,
        "opened a connection",
    ),
    "forking": Odd(before_first("import os, time\nif os.fork() == 0:\n    time.sleep(1000)"), ALL, ""),
    "deleting": Odd(before_first("import shutil\nshutil.rmtree('..')"), ALL, "outside of its folder"),
}
FORMS = [kind for kind in ODD if ODD[kind].earns == ALL and not ODD[kind].seen_in_run]
FORMS += ["more-points", "doubled-answer"]  # what is put right before anything runs
# Kinds that only running tells from others: the rest are a matter of what the files hold.
AT_RUN_TIME = [kind for kind in ODD if kind not in FORMS and kind not in ("deleted-answer", "raises", "own-cells")]
# The class that is graded as a teacher would: one of each sort, and all of FILES.
CLASS = ["correct", "own-cells", "wrong", "raises", "looping-answer", "crashing", "tampered-test", "deleted-answer"]
CLASS += ["stripped-metadata", "monkeypatched-judge", "reading-the-course"]


def part(test: str) -> str:
    """Return the part of an assignment that a test cell belongs to."""
    return test.removesuffix("-seen").removesuffix("-hidden")


# kind: (ALL, or the parts that it earns; words of the reason)
FILES: dict[str, tuple[str | tuple[str, ...], str]] = {
    "untouched": ((), ""),
    "half-done": ((FIRST, "change-prior"), ""),
    "wrong-file-name": (ALL, "was handed in as Untitled (1).ipynb"),
    "empty-folder": ((), f"has no {NAME}.ipynb"),
    "not-a-notebook": ((), "cannot be read as a notebook"),
    "two-notebooks": (ALL, "of several notebooks 1_game/final.ipynb was graded"),
    # one of these once stopped the whole class, with a traceback that named nobody
    "answer-as-markdown": (ALL, "was of another kind (markdown)"),
    "half-an-emoji": (ALL, ""),
    "nbgrader-null": (ALL, "had lost their metadata"),
    "unknown-cell-type": (ALL, ""),
    "cut-off": ((), "is cut off or damaged"),
    "zipped": (ALL, ""),
    "letter-elsewhere": (ALL, "'letter' was left alone, and text near it was put into it"),
    "a-link": (ALL, "links to another place: notes.txt"),
}


def _json_cell(content: dict, **change: object) -> tuple[str, bytes]:
    """Change the first answer's cell in a notebook's JSON; return the file's name and bytes."""
    answer = next(cell for cell in content["cells"] if cell["id"] == FIRST)
    answer.update(change)
    return f"{NAME}.ipynb", json.dumps(content).encode()


def _zip(content: dict) -> tuple[str, bytes]:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(f"{NAME}/{NAME}.ipynb", json.dumps(content))
        archive.writestr(f"__MACOSX/{NAME}/._{NAME}.ipynb", b"\0" * 100)
    return "work.zip", memory.getvalue()


def _with_cell(content: dict, **cell: object) -> tuple[str, bytes]:
    content["cells"].insert(4, {"metadata": {}, "id": "mine", **cell})
    return f"{NAME}.ipynb", json.dumps(content).encode()


# kind: what makes of a solved notebook's JSON a file's name and bytes
BYTES: dict[str, Callable[[dict], tuple[str, bytes]]] = {
    "answer-as-markdown": lambda content: _json_cell(content, cell_type="markdown"),
    "half-an-emoji": lambda content: _with_cell(content, cell_type="markdown", source="done \ud83d"),
    "nbgrader-null": lambda content: _json_cell(content, metadata={"nbgrader": None}),
    "unknown-cell-type": lambda content: _with_cell(content, cell_type="sql", source="select 1"),
    "cut-off": lambda content: (f"{NAME}.ipynb", json.dumps(content).encode()[:9000]),
    "zipped": _zip,
}


def deserved(kind: str) -> dict[str, int]:
    """Return the points that a kind deserves, by part and without the written one."""
    points: dict[str, int] = {}
    for test in assignments.varied(NAME, 1, 1).cells:
        if test.metadata.get("nbgrader", {}).get("grade") and test.cell_type == "code":
            points[part(test.id)] = points.get(part(test.id), 0) + test.metadata.nbgrader.points
    earned = ODD[kind].earns if kind in ODD else FILES[kind][0]
    if isinstance(earned, tuple):
        return {name: most * (name in earned) for name, most in points.items()}
    lost = {ALL: (), FIRST_LOST: (FIRST, ON_FIRST)}.get(earned, points)
    return points | dict.fromkeys(lost, 0)


def hand_in(course: Path, release: NotebookNode, source: NotebookNode, kinds: list[str]) -> None:
    """Write a submission of each kind into the course's `submitted` folder, the student named after the kind."""
    for kind in kinds:
        folder = course / "submitted" / kind / NAME
        folder.mkdir(parents=True)
        if kind in ODD:
            notebook = ODD[kind].make(solved(release, source))
            for each in notebook.cells:
                each.source = each.source.replace("COURSE", repr(str(course)))
            nbformat.write(notebook, folder / f"{NAME}.ipynb")
        elif kind in ("untouched", "half-done", "wrong-file-name"):
            parts = {"untouched": 0, "half-done": 2, "wrong-file-name": None}[kind]
            name = "Untitled (1).ipynb" if kind == "wrong-file-name" else f"{NAME}.ipynb"
            nbformat.write(solved(release, source, parts), folder / name)
        elif kind == "not-a-notebook":
            (folder / f"{NAME}.ipynb").write_bytes(b"%PDF-1.7 my answers")
        elif kind == "two-notebooks":
            for name in ("draft.ipynb", "final.ipynb"):
                nbformat.write(solved(release, source), folder / name)
        elif kind in BYTES:
            content = json.loads(nbformat.writes(solved(release, source)))
            name, written = BYTES[kind](content)
            (folder / name).write_bytes(written)
        elif kind == "letter-elsewhere":
            notebook = solved(release, source)
            cell(notebook, "letter").source = cell(release, "letter").source
            notebook.cells.append(new_markdown_cell("Nothing has been shown, dear colleague, by a loss of 0.33 nats."))
            nbformat.write(notebook, folder / f"{NAME}.ipynb")
        elif kind == "a-link":
            nbformat.write(solved(release, source), folder / f"{NAME}.ipynb")
            os.symlink(course / "gradebook.db", folder / "notes.txt")
