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


@pytest.mark.parametrize(
    "source, kept",
    [
        ("a = 1\nprint(a)\nassert a\na", "a = 1"),
        ("a = f()\nb = [g(x.y) for x in a.values()]\nprint(b)", "a = f()"),
        ("a = f()\nfor x in sorted(a):\n    b = g(a[x])\n    print(b)", "a = f()"),
        ("a = f()\nb = train(a)", "a = f()\nb = train(a)"),  # it may change a
        ("a = f()\nb = train(network=a)", "a = f()\nb = train(network=a)"),
        ("a = f()\nb = a.step()", "a = f()\nb = a.step()"),
        ("a = f()\nseed(1)", "a = f()\nseed(1)"),  # it is called for what it does
        ("a = f()\nfor k in r:\n    g(k)", "a = f()\nfor k in r:\n    g(k)"),
        ("a = f()\nawait g(k)", "a = f()\nawait g(k)"),
        ("a = 1\nif b:\n    a = 2\nc = 3", "a = 1\nif b:\n    a = 2"),
        ("a = 0\nfor k in r:\n    a += k\n    print(a)", "a = 0\nfor k in r:\n    a += k\n    print(a)"),
        ("a = {}\nb = {}\nfor k in r:\n    a[k] = b[k] = f(k)", "a = {}\nb = {}\nfor k in r:\n    a[k] = b[k] = f(k)"),
        ("b = 1\na = 1  # as it stands", "a = 1"),
        ("a = (1)  # as it stands", "a = (1)  # as it stands"),
        ("import m\na = 1\nb = m.f()", "import m\na = 1"),
        ("def g():\n    print(1)\n    h(2)\na = 1", "a = 1"),
    ],
)
def test_what_is_kept_of_a_cell(source: str, kept: str) -> None:
    assert part(source, "a") == [kept]


def test_the_setup_is_kept_whole_or_not_at_all() -> None:
    setup = v4.new_code_cell("a = 1\nlab = start()", metadata={"tags": ["setup"]})
    for last, sources in (("a", ["a = 1\nlab = start()", "a"]), ("2", ["2"])):
        notebook = v4.new_notebook(cells=[setup, v4.new_code_cell(last)])
        assert [cell.source for cell in slices.needed(notebook, lambda cell: cell.source == last).cells] == sources  # noqa: B023


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
