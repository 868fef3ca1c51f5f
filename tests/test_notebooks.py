"""Every lesson is executed by nbval and by papermill, and the notebook tool is shown to notice what is wrong."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lessons
import limits
import nbformat.v4 as v4
import papermill
import pytest
from nbformat import NotebookNode

LESSONS = lessons.lessons()
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
PARAMETERS = {"speed": "smoke", "seed": 7, "device": "cpu"}  # another seed than the stored outputs'
# nbformat imports a package that takes a CPU-second to build a grammar of addresses, and leaves it out where it is not.
PYTEST = "import sys; sys.modules['rfc3987_syntax'] = None; import pytest; sys.exit(pytest.main())"
CELL_SECONDS, NBVAL_SECONDS = 15, 90  # what the slowest takes on a quiet machine, at smoke speed


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    """Run nbval on one lesson at smoke speed, comparing the outputs of the marked cells.

    It gets a process of its own: inside this session xdist could deal one lesson's cells to two kernels.
    """
    options = ["--nbval-lax", f"--nbval-cell-timeout={limits.scaled(CELL_SECONDS):.0f}"]
    plain = ["-q", "-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider"]
    command = [sys.executable, "-c", PYTEST, *options, *plain, str(path)]
    return limits.run(command, NBVAL_SECONDS, env={**os.environ, "GANLAB_SPEED": "smoke"})


def run_papermill(path: Path, output: Path) -> NotebookNode:
    """Run papermill on one lesson with PARAMETERS; return the notebook that it wrote."""
    unknown = set(PARAMETERS) - set(papermill.inspect_notebook(str(path)))
    assert not unknown, f"{path.name} has no such parameters: {unknown}"  # papermill itself only warns
    papermill.execute_notebook(
        str(path),
        str(output),
        parameters=PARAMETERS,
        cwd=str(path.parent),
        kernel_name="python3",
        execution_timeout=round(limits.scaled(CELL_SECONDS)),
        progress_bar=False,
    )
    return lessons.read(output)


@each_lesson
@pytest.mark.usefixtures("forked_kernels")
def test_nbval_runs_every_cell_and_the_marked_outputs_hold(
    lesson: Path, record_property: Callable[[str, object], None]
) -> None:
    result = nbval(lesson)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    cells = lessons.code_cells(lessons.read(lesson))
    assert f"{len(cells)} passed" in result.stdout, result.stdout[-2000:]
    marked = sum(map(lessons.is_compared, cells))
    record_property(f"nbval, {lesson.stem}", f"{len(cells)} cells ran, {marked} outputs compared")


@each_lesson
@pytest.mark.usefixtures("forked_kernels")
def test_papermill_runs_every_cell(lesson: Path, tmp_path: Path) -> None:
    notebook = run_papermill(lesson, tmp_path / "executed.ipynb")
    assert lessons.unfinished(notebook) == []
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)


def lessons_of(request: pytest.FixtureRequest, test: str) -> list[str]:
    """Return the lessons that a test of this file was collected for, whatever this session selects of them."""
    function = getattr(request.module, test)
    return [path.name for mark in function.pytestmark if mark.name == "parametrize" for path in mark.args[1]]


def test_every_notebook_on_disk_is_executed_by_both_and_linked_in_the_readme(request: pytest.FixtureRequest) -> None:
    on_disk = sorted(name for name in os.listdir(lessons.NOTEBOOKS) if name.endswith(".ipynb"))
    numbers = [lessons.number(path) for path in LESSONS]  # some are yet to be written: 07 stands without 04 to 06
    assert numbers[0] == "00" and len(set(numbers)) == len(numbers)
    assert lessons_of(request, "test_nbval_runs_every_cell_and_the_marked_outputs_hold") == on_disk
    assert lessons_of(request, "test_papermill_runs_every_cell") == on_disk
    readme = (lessons.ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d[a-z]?) \| \[[^\]]+\]\(notebooks/([^)]+)\)", readme, re.MULTILINE)
    assert rows == [(lessons.number(path), path.name) for path in LESSONS]


def test_a_lesson_with_a_letter_is_a_lesson(tmp_path: Path) -> None:
    for name in ("02_b.ipynb", "01b_b.ipynb", "01_a.ipynb", "01B_c.ipynb", "1_d.ipynb", "001_e.ipynb", "notes.ipynb"):
        (tmp_path / name).touch()
    assert [lessons.number(path) for path in lessons.lessons(tmp_path)] == ["01", "01b", "02"]


def test_one_lesson_with_a_letter_is_refreshed_alone(
    store: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = store("1 + 1")
    lettered = other.rename(other.with_name("00b_small.ipynb"))
    store("2 + 2")
    monkeypatch.setattr(lessons.lessons, "__defaults__", (lettered.parent,))
    monkeypatch.setenv("GANLAB_SPEED", "smoke")
    assert lessons.main(["refresh", "00b"]) == 0
    assert lessons.read(lettered).cells[-1].outputs[0].data == {"text/plain": "2"}
    assert lessons.unfinished(lessons.read(other))  # 00 was left alone
    assert "00b_small" in capsys.readouterr().out


# From here on, the tools themselves: what they must notice, and that a stored lesson survives every failure.


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that stores a small lesson made of the given code cells."""

    def make(*sources: str) -> Path:
        parameters = v4.new_code_cell(
            "\n".join(f"{name} = {value!r}" for name, value in PARAMETERS.items()), metadata={"tags": ["parameters"]}
        )
        notebook = v4.new_notebook(cells=[parameters, *map(v4.new_code_cell, sources)])
        lessons.write(lessons.normalise(notebook), tmp_path / "00_small.ipynb")
        return tmp_path / "00_small.ipynb"

    return make


WIDGET_CELL = (
    "import torch\nfrom ganlab import widgets\nwidgets.Dial('k', {k: (torch.zeros(1, 1, 4, 4), k) for k in 'ab'})"
)
PRINTING_CELL = "import time\nfor i in range(4):\n    print(i, flush=True)\n    time.sleep(0.02 * (i % 2))"


def test_refresh_twice_gives_the_same_bytes(store: Callable[..., Path]) -> None:
    path = store(WIDGET_CELL, PRINTING_CELL)
    lessons.refresh(path, "smoke")
    first = path.read_bytes()
    lessons.refresh(path, "smoke")
    assert path.read_bytes() == first
    notebook = lessons.read(path)
    assert lessons.unfinished(notebook) == []
    assert lessons.shows_a_widget(notebook.cells[1]) and len(notebook.cells[1].outputs) == 1
    assert [output.text for output in notebook.cells[2].outputs] == ["0\n1\n2\n3\n"]


def test_refresh_of_the_first_lesson_is_repeatable(tmp_path: Path) -> None:
    path = Path(shutil.copy(LESSONS[0], tmp_path))
    lessons.refresh(path, "smoke")
    first = path.read_bytes()
    lessons.refresh(path, "smoke")
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import os\nos._exit(3)", "died"),
        ("import pathlib\nprint(pathlib.Path.home() / 'runs')", "names a folder of this machine"),
    ],
)
def test_refresh_that_fails_leaves_the_stored_lesson(store: Callable[..., Path], source: str, message: str) -> None:
    path = store("1 + 1", source)
    before = path.read_bytes()
    with pytest.raises(lessons.LessonError, match=message):
        lessons.refresh(path, "smoke")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_refresh_of_one_lesson_that_is_not_there_says_which_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        lessons.main(["refresh", "98"])
    assert "no lesson 98" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("saved in /home/ada/gan", True),
        ("/Users/ada", True),
        (r"C:\Users\ada", True),
        ("see /tmp/run.log", True),
        (str(lessons.ROOT / "runs"), True),
        ("see https://example.org/home/page and ../data/tmp/x", False),
        ("~/.cache/ganlab", False),
    ],
)
def test_machine_paths_are_found(store: Callable[..., Path], text: str, found: bool) -> None:
    notebook = lessons.read(store("1"))
    notebook.cells[1].outputs = [v4.new_output("stream", name="stdout", text=f"first line\n{text}\n")]
    assert lessons.machine_paths(notebook) == ([text] if found else [])


def test_a_change_of_code_changes_the_hash_and_a_change_of_text_does_not(store: Callable[..., Path]) -> None:
    notebook = lessons.read(store("a = 1"))
    before = lessons.source_hash(notebook)
    notebook.cells.append(v4.new_markdown_cell("more text"))
    assert lessons.source_hash(notebook) == before
    notebook.cells[1].source = "a = 2"
    assert lessons.source_hash(notebook) != before


def test_nbval_notices_a_stale_output_and_an_error(store: Callable[..., Path]) -> None:
    path = store("print(1 + 1)")
    notebook = lessons.read(path)
    notebook.cells[-1].metadata["tags"] = [lessons.MARK_TAG]
    lessons.write(notebook, path)
    lessons.refresh(path, "smoke")
    assert nbval(path).returncode == 0
    path.write_text(path.read_text(encoding="utf-8").replace("1 + 1", "1 + 2"), encoding="utf-8")
    assert nbval(path).returncode == 1
    assert nbval(store("1 / 0")).returncode == 1


def test_papermill_notices_an_error_and_cells_that_never_ran(store: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError):
        run_papermill(store("1 / 0"), tmp_path / "out.ipynb")
    early = run_papermill(store("import sys\nsys.exit(0)", "1 + 1"), tmp_path / "out.ipynb")
    assert "was not executed" in lessons.unfinished(early)[-1]
    with pytest.raises(AssertionError, match="no such parameters"):
        renamed = store("1")
        renamed.write_text(renamed.read_text(encoding="utf-8").replace("seed", "sead"), encoding="utf-8")
        run_papermill(renamed, tmp_path / "out.ipynb")
