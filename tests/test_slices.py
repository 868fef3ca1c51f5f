"""The part of a lesson that a widget needs: what it reads is there and has its value, what it does not need is not."""

import lessons
import nbformat.v4 as v4
import pytest
import slices


def part(*sources: str) -> list[str]:
    """Return the sources that are kept for the last one."""
    cells = [*map(v4.new_code_cell, sources)]
    return [cell.source for cell in slices.needed(v4.new_notebook(cells=cells), lambda cell: cell is cells[-1]).cells][
        :-1
    ]


@pytest.mark.parametrize(
    "sources, kept",
    [
        (["a = 1", "b = 2", "a"], [0]),
        (["a = 1", "b = a", "a = b", "a"], [0, 1, 2]),
        (["a = 1", "a = 2", "a"], [1]),
        (["a = []", "a.append(1)", "a"], [0, 1]),
        (["a = {}", "a['k'] = 1", "a.b.c = 2", "a"], [0, 1, 2]),
        (["import m", "m.show()", "m.f()"], [0]),
        (["from m import f", "f(1)", "f"], [0]),
        (["b = 1", "def f(x):\n    return x + b", "f(2)"], [0, 1]),
        (["x = 1", "def f(x):\n    y = x\n    return y", "f(2)"], [1]),
        (["k = 1", "for k in range(3):\n    print(k)", "[k for k in range(2)]"], []),
        (["k = 1", "[k for k in range(3)]", "k"], [0]),
        (["k = 1", "for j in range(3):\n    k += j", "k"], [0, 1]),
        (["a = 1", "if True:\n    a = 2", "a"], [1]),
        (["c = 1", "with open(c) as f:\n    a = f.read()", "a"], [0, 1]),
        (["n = 1", "run = await fit(n)", "run"], [0, 1]),
        (["class A:\n    pass", "class B(A):\n    pass", "B()"], [0, 1]),
        (["a, (b, *c) = 1, (2, 3)", "c"], [0]),
        (["x = 1", "f = lambda x=x: x", "f"], [0, 1]),
    ],
)
def test_what_is_kept(sources: list[str], kept: list[int]) -> None:
    assert part(*sources) == [sources[k] for k in kept]


def test_the_parameters_are_kept_and_the_notebook_is_left_as_it_was() -> None:
    parameters = v4.new_code_cell("speed = 1", metadata={"tags": ["parameters"]})
    notebook = v4.new_notebook(cells=[parameters, v4.new_code_cell("b = 1"), v4.new_code_cell("2")])
    assert [cell.source for cell in slices.needed(notebook, lambda cell: cell.source == "2").cells] == [
        "speed = 1",
        "2",
    ]
    assert len(notebook.cells) == 3


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda path: path.stem)
def test_a_lesson_s_own_cells_are_read(lesson) -> None:
    """With all cells wanted all are kept; with the setup wanted only what stands before it can be."""
    cells = lessons.code_cells(lessons.read(lesson))
    whole = slices.needed(lessons.read(lesson), lambda cell: True)
    assert [cell.source for cell in whole.cells] == [cell.source for cell in cells]
    assert len(slices.needed(lessons.read(lesson), lambda cell: cell.source == cells[1].source).cells) == 2
