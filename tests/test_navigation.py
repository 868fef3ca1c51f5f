"""The links at the top and the bottom of every lesson, and the map in lesson 00, are those that the lessons ask for."""

import copy
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path

import lessons
import navigation
import nbformat.v4 as v4
import pytest
from navigation import MAP, Stop
from nbformat import NotebookNode

README = (lessons.ROOT / "README.md").read_text(encoding="utf-8")
WAY = navigation.stops()
FIRST = WAY[0].file


def as_written(notebook: NotebookNode, name: str) -> bool:
    return navigation.navigate(copy.deepcopy(notebook), name, WAY, README) == notebook


@pytest.mark.parametrize("stop", WAY, ids=lambda stop: stop.number)
def test_links_and_map_are_as_the_tool_writes_them(stop: Stop) -> None:
    notebook = lessons.read(lessons.NOTEBOOKS / stop.file)
    assert as_written(notebook, stop.file), "run `python tests/tools/navigation.py`"
    assert stop.reading, "no line `**Time:** ... Reading takes about ..., the exercises ... more.`"


def change(index: int, old: str, new: str) -> Callable[[NotebookNode], None]:
    def breaker(notebook: NotebookNode) -> None:
        cell = notebook.cells[index]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return breaker


def drop(index: int) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells.pop(index)


def move(notebook: NotebookNode) -> None:
    notebook.cells.insert(1, notebook.cells.pop(0))


@pytest.mark.parametrize(
    "breaker", [change(0, "02_first", "03_first"), change(-1, "Map", "List"), drop(0), drop(-1), move]
)
def test_a_broken_line_of_links_is_seen(breaker: Callable[[NotebookNode], None]) -> None:
    notebook = lessons.read(lessons.NOTEBOOKS / WAY[1].file)
    breaker(notebook)
    assert not as_written(notebook, WAY[1].file)


@pytest.mark.parametrize(
    "old, new", [("&nbsp;min |", "0&nbsp;min |"), ("| 01 |", "| 00 |"), ("Does it run", "Does it walk")]
)
def test_a_wrong_map_is_seen(old: str, new: str) -> None:
    notebook = lessons.read(lessons.NOTEBOOKS / FIRST)
    [index] = [k for k, cell in enumerate(notebook.cells) if MAP in cell.metadata.get("tags", [])]
    change(index, old, new)(notebook)
    assert not as_written(notebook, FIRST)


def test_the_map_has_the_minutes_of_the_readme() -> None:
    rows = [line.split(" | ") for line in navigation.table(WAY, README).splitlines()[2:]]
    stated = re.findall(r"^\| \d\d[a-z]? \|.*?\| (\d+ min) \|", README, re.MULTILINE)
    assert [row[2].replace("&nbsp;", " ") for row in rows] == stated and len(stated) == len(lessons.lessons())


def test_the_readme_has_the_times_of_the_lessons() -> None:
    assert navigation.readme_table(README, WAY) == README, "run `python tests/tools/navigation.py`"
    row = "| 07b | [A](notebooks/07b_a.ipynb) | why? | 3 min |"
    way = [Stop("07b_a.ipynb", "07b · A", "an hour", "20 minutes", ())]
    written = navigation.readme_table(row + " old | older |\nrest", way)
    assert written == f"{row} an hour | 20 minutes |\nrest"


def test_lesson_00_begins_with_how_a_cell_is_run_and_the_map() -> None:
    notebook = lessons.read(lessons.NOTEBOOKS / FIRST)
    titles = re.findall(r"^#+ (.+)$", navigation.text(notebook), re.MULTILINE)
    assert titles[1:3] == ["Map", "Goal"]  # `#Map` is where all lessons' links lead
    before = notebook.cells[1].source
    assert before.startswith("# 00") and all(
        word in before for word in ("Start at the top", "Shift + Enter", "restart")
    )


@pytest.fixture
def lettered(tmp_path: Path) -> list[Stop]:
    """Return the way through lessons with letters: 01b and 01c stand between 01 and 02."""
    for name, needs in (("00_a", "nothing"), ("01_b", "00"), ("01b_c", "01"), ("01c_d", "01, 01b"), ("02_e", "01")):
        files = {"00": "00_a", "01": "01_b", "01b": "01b_c"}
        linked = ", ".join(f"[{one}]({files[one]}.ipynb)" if one in files else one for one in needs.split(", "))
        goal = f"# {name[:-2]} · {name[-1].upper()}\n\n## Goal\n\n**You need:** {linked}.\n\n**Time:** about 1 minute. "
        cell = v4.new_markdown_cell(goal + "Reading takes about an hour, the exercises 5 minutes more.")
        lessons.write(v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    return navigation.stops(tmp_path)


def test_the_main_path_passes_by_lessons_with_letters(lettered: list[Stop]) -> None:
    lines = [navigation.links(lettered, stop) for stop in lettered]
    first, b, c = "[Map of the lessons](00_a.ipynb#Map)", "01b C](01b_c.ipynb)", "01c D](01c_d.ipynb)"
    assert lines == [
        "[Map of the lessons](#Map) · [01 B →](01_b.ipynb)",
        f"[← 00 A](00_a.ipynb) · {first} · [second reading: {b} · [second reading: {c} · [02 E →](02_e.ipynb)",
        f"[← 01 B](01_b.ipynb) · {first} · [01c D →](01c_d.ipynb)",
        f"[← {b} · {first} · [02 E →](02_e.ipynb)",
        f"[← 01 B](01_b.ipynb) · {first}",
    ]


def test_the_map_names_second_readings_and_what_is_needed(lettered: list[Stop]) -> None:
    readme = "\n".join(
        f"| {stop.number} | [x](notebooks/{stop.file}) | Why {stop.number}? | 2 min |" for stop in lettered
    )
    rows = navigation.table(lettered, readme).splitlines()[2:]
    assert rows[0] == "| [00 · A](00_a.ipynb) | Why 00? | 2&nbsp;min | an hour | 5 minutes | |"
    assert (
        rows[3] == "| [01c · D](01c_d.ipynb) (second reading) | Why 01c? | 2&nbsp;min | an hour | 5 minutes | 01, 01b |"
    )


def test_what_is_written_twice_is_the_same(lettered: list[Stop], tmp_path: Path) -> None:
    notebook = lessons.read(tmp_path / "01_b.ipynb")
    once = navigation.navigate(copy.deepcopy(notebook), "01_b.ipynb", lettered, README)
    twice = navigation.navigate(copy.deepcopy(once), "01_b.ipynb", lettered, README)
    assert once == twice and len(once.cells) == 3 and navigation.text(once) == navigation.text(notebook)


def test_without_a_public_address_nothing_leads_out() -> None:
    assert navigation.PUBLIC == "" and navigation.install() == []
    assert "colab" not in navigation.links(WAY, WAY[0])


def test_with_a_public_address_a_lesson_opens_elsewhere_and_its_first_code_cell_installs_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(navigation, "PUBLIC", "someone/course/main")
    notebook = lessons.read(lessons.NOTEBOOKS / FIRST)
    before = lessons.source_hash(notebook)
    navigation.navigate(notebook, FIRST, WAY, README)
    assert f"https://colab.research.google.com/github/someone/course/blob/main/notebooks/{FIRST}" in (
        notebook.cells[0].source
    )
    assert f"https://mybinder.org/v2/gh/someone/course/main?urlpath=lab/tree/notebooks/{FIRST}" in (
        notebook.cells[-1].source
    )
    assert lessons.source_hash(notebook) == before  # the stored run is still that of the lesson
    once = copy.deepcopy(notebook)
    assert navigation.navigate(notebook, FIRST, WAY, README) == once

    commands: list[list[str]] = []
    places: list[str] = []
    monkeypatch.setattr("subprocess.run", lambda command, **_: commands.append(command))
    monkeypatch.setattr("os.chdir", places.append)
    monkeypatch.setattr("sys.path", ["kept"])
    install = lessons.code_cells(notebook)[0].source
    exec(install, {})
    assert (commands, places, sys.path) == ([], [], ["kept"])  # at home
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    exec(install, {})
    assert commands[0][:2] == ["git", "clone"] and "https://github.com/someone/course" in commands[0]
    assert commands[1][1:4] == ["-m", "pip", "install"]
    assert (places, sys.path[0]) == (["/content/course/notebooks"], "/content/course")
    pinned = (lessons.ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert all(f"{name}\n" in re.sub(r" +#.*", "", pinned) for name in commands[1] if "==" in name)


def test_a_cell_of_the_lesson_itself_counts_for_its_stored_run() -> None:
    notebook = lessons.read(lessons.NOTEBOOKS / FIRST)
    before = lessons.source_hash(notebook)
    notebook.cells.append(v4.new_code_cell("1"))
    assert lessons.source_hash(notebook) != before
