"""Every numbered equation of the lessons on variational autoencoders, 07 and later, has a check that can fail.

A formula with \\tag{7.3} is checked where a later code cell names it, "(7.3)", and asserts something.
"""

import re
from collections.abc import Callable
from pathlib import Path

import lessons
import nbformat.v4 as v4
import pytest
from nbformat import NotebookNode

FIRST = "04"  # the rule is younger than the lessons before it
WITH_EQUATIONS = [path for path in lessons.lessons() if lessons.number(path) >= FIRST]
ASSERTS = re.compile(r"^\s*assert\b", re.MULTILINE)


def tagged(source: str) -> list[str]:
    """Return the numbers of the equations in a markdown cell, such as "7.3"."""
    return re.findall(r"\\tag\*?\{([^}]*)\}", source)


def unchecked(notebook: NotebookNode) -> list[str]:
    """Return a complaint for each equation that no later code cell both names and asserts something about."""
    complaints = []
    for k, cell in enumerate(notebook.cells):
        for number in tagged(cell.source) if cell.cell_type == "markdown" else []:
            later = [after.source for after in notebook.cells[k + 1 :] if after.cell_type == "code"]
            if not any(f"({number})" in source and ASSERTS.search(source) for source in later):
                complaints.append(f"no later code cell names ({number}) and asserts something")
    return complaints


def misnumbered(notebook: NotebookNode, lesson: str) -> list[str]:
    """Return a complaint if the equations are not numbered N.1, N.2 and so on (1b.1 in 01b), as they are read."""
    found = [number for cell in notebook.cells if cell.cell_type == "markdown" for number in tagged(cell.source)]
    expected = [f"{lesson.removeprefix('0')}.{k}" for k in range(1, len(found) + 1)]
    return [] if found == expected else [f"equations are numbered {found}, expected {expected}"]


@pytest.mark.parametrize("lesson", WITH_EQUATIONS, ids=lambda path: path.stem)
def test_every_numbered_equation_has_a_check(lesson: Path) -> None:
    notebook = lessons.read(lesson)
    complaints = unchecked(notebook) + misnumbered(notebook, lessons.number(lesson))
    assert not complaints, "\n".join([lesson.name, *complaints])


def sample() -> NotebookNode:
    """Return cells that pass: two equations, each named in a later cell with an assert."""
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("$$1 + 1 = 2 \\tag{7.1}$$ and $$2 + 2 = 4 \\tag{7.2}$$"),
            v4.new_code_cell("assert 1 + 1 == 2  # (7.1)"),
            v4.new_markdown_cell("By (7.2) and (7.1)."),
            v4.new_code_cell("print('(7.2)')\nfor n in (2,):\n    assert n + n == 4"),
        ]
    )


def test_the_equations_of_a_lesson_with_a_letter_bear_it() -> None:
    cells = [v4.new_markdown_cell("$$1 + 1 = 2 \\tag{1b.1}$$"), v4.new_code_cell("assert 1 + 1 == 2  # (1b.1)")]
    notebook = v4.new_notebook(cells=cells)
    assert unchecked(notebook) == [] and misnumbered(notebook, "01b") == [] and misnumbered(notebook, "01")


def test_a_lesson_with_all_its_checks_passes() -> None:
    assert unchecked(sample()) == [] and misnumbered(sample(), "07") == []


BROKEN: list[tuple[str, str, Callable[[list[NotebookNode]], None]]] = [
    ("7.1", "the number is gone", lambda cells: cells[1].update(source="assert 1 + 1 == 2")),
    ("7.1", "nothing is asserted", lambda cells: cells[1].update(source="print(1 + 1)  # (7.1)")),
    ("7.1", "only a word like assert", lambda cells: cells[1].update(source="x = 1  # (7.1): assert it yourself")),
    ("7.1", "another number", lambda cells: cells[1].update(source="assert 1 + 1 == 2  # (7.10)")),
    ("7.1", "the check comes first", lambda cells: cells.insert(0, cells.pop(1))),
    ("7.2", "named in text alone", lambda cells: cells[3].update(cell_type="markdown")),
    ("7.3", "a new equation", lambda cells: cells[2].update(source="$$3 = 3 \\tag{7.3}$$")),
]


@pytest.mark.parametrize(("number", "breaker"), [(n, b) for n, _, b in BROKEN], ids=[what for _, what, _ in BROKEN])
def test_a_lesson_without_a_check_is_refused(number: str, breaker: Callable[[list[NotebookNode]], None]) -> None:
    notebook = sample()
    breaker(notebook.cells)
    assert unchecked(notebook) == [f"no later code cell names ({number}) and asserts something"]


@pytest.mark.parametrize("numbers", [("7.2", "7.1"), ("7.1", "7.1"), ("7.1", "7.3"), ("8.1", "8.2")])
def test_equations_out_of_order_are_refused(numbers: tuple[str, str]) -> None:
    text = "".join(f"$$0 = 0 \\tag{{{number}}}$$" for number in numbers)
    assert misnumbered(v4.new_notebook(cells=[v4.new_markdown_cell(text)]), "07")
