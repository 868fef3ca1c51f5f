"""`python -m ganlab lessons`: copies mirror the lessons, an update loses nothing of the student's, a listing tells."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import lessons
import nbformat.v4 as v4
import pytest

from ganlab import cli
from ganlab.cli import lessons as copies

STUB = "def f(x):\n    return ..."


def notebook(text: str = "Text.", code: str = "1 + 1", output: str = "2") -> bytes:
    """Return a small lesson: a text, a cell that ran, and an exercise."""
    stub = v4.new_code_cell(STUB, id="stub", metadata={"tags": ["exercise"], "ganlab": {"exercise": "01.1"}})
    out = [v4.new_output("execute_result", data={"text/plain": output}, execution_count=1)]
    cells = [v4.new_markdown_cell(text, id="text"), v4.new_code_cell(code, id="code", outputs=out), stub]
    return (json.dumps(v4.new_notebook(cells=cells, metadata={"kernelspec": lessons.KERNEL})) + "\n").encode()


class Course:
    """A course's folder with two lessons and an assignment, and what a student does in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.work, self._capsys = folder, folder / "work", capsys
        self.give("00_start.ipynb", notebook("Start."))
        self.give("01b_game.ipynb", notebook())
        self.give("assignments/README.md", b"for teachers")
        self.give("assignments/secret.txt", b"secret")
        self.give("assignments/source/1_game/1_game.ipynb", notebook("Solution."))
        self.give("assignments/release/1_game/1_game.ipynb", notebook("Assignment."))
        self.give("assignments/release/1_game/strips.npz", b"strips")
        self.give("pictures/game.svg", b"<svg/>")
        self.give(".ipynb_checkpoints/00_start-checkpoint.ipynb", notebook())

    def give(self, name: str, data: bytes) -> None:
        """Put a file among the course's own."""
        path = self.folder / "notebooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def command(self, fresh: str | None = None) -> dict[str, str]:
        """Give the command; return what it says of each lesson."""
        assert copies.run(argparse.Namespace(fresh=fresh), self.folder) == 0
        lines = self._capsys.readouterr().out.splitlines()[1:]
        return {name: rest.strip() for name, _, rest in (line.strip().partition(" ") for line in lines)}

    def edit(self, old: str, new: str) -> None:
        """Do in the copy of 01b what a student does in a cell."""
        path = self.work / "01b_game.ipynb"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @property
    def files(self) -> dict[str, bytes]:
        """Return the visible files in work/."""
        paths = [path for path in self.work.rglob("*") if path.is_file() and not path.name.startswith(".")]
        return {path.relative_to(self.work).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def course(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Course:
    return Course(tmp_path, capsys)


def test_copies_mirror_the_lessons_and_what_is_released(course: Course) -> None:
    assert course.command() == {"00_start": "new", "01b_game": "new"}
    released = ("00_start.ipynb", "01b_game.ipynb", "pictures/game.svg")
    released += ("assignments/release/1_game/1_game.ipynb", "assignments/release/1_game/strips.npz")
    assert course.files == {name: (course.folder / "notebooks" / name).read_bytes() for name in released}
    assert course.command() == {"00_start": "as given", "01b_game": "as given"}


def test_an_untouched_copy_is_brought_up_to_date_without_a_word_lost(course: Course) -> None:
    course.command()
    course.give("01b_game.ipynb", notebook("Better text."))
    assert course.command()["01b_game"] == "brought up to date"
    assert course.files["01b_game.ipynb"] == notebook("Better text.") and len(course.files) == 5
    course.give("01b_game.ipynb", notebook("Better text.", output="two"))  # executed anew
    assert course.command()["01b_game"] == "brought up to date"


def test_opening_and_saving_is_no_change(course: Course) -> None:
    course.command()
    as_saved = json.loads(notebook())
    as_saved["metadata"]["language_info"] = {"name": "python", "version": "3.11.2"}
    for cell in as_saved["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)  # as JupyterLab stores texts
        cell["metadata"]["trusted"] = True
    (course.work / "01b_game.ipynb").write_text(json.dumps(as_saved, indent=4))
    assert course.command()["01b_game"] == "as given"
    course.give("01b_game.ipynb", notebook("Better text."))
    assert course.command()["01b_game"] == "brought up to date" and len(course.files) == 5


def test_what_was_run_is_kept_beside_an_update(course: Course) -> None:
    course.command()
    course.edit('"2"', '"my own 2"')
    mine = course.files["01b_game.ipynb"]
    assert course.command()["01b_game"] == "as given, and you ran it"
    course.give("01b_game.ipynb", notebook(output="two"))  # the same texts: nothing to be had from it
    assert course.command()["01b_game"] == "as given, and you ran it" and course.files["01b_game.ipynb"] == mine
    course.give("01b_game.ipynb", notebook("Better text."))
    said = course.command()["01b_game"]
    assert said == "brought up to date; what you had run is kept as 01b_game.1.ipynb"
    assert course.files["01b_game.ipynb"] == notebook("Better text.") and course.files["01b_game.1.ipynb"] == mine


def test_what_was_changed_stays_and_the_new_version_can_be_had_beside_it(course: Course) -> None:
    course.command()
    course.edit("Text.", "My text.")
    assert course.command()["01b_game"] == "yours: 1 cell changed, 0 of 1 exercise tried"
    course.edit("return ...", "return x")
    mine = course.files["01b_game.ipynb"]
    assert course.command()["01b_game"] == "yours: 2 cells changed, 1 of 1 exercise tried"
    course.give("01b_game.ipynb", notebook("Better text."))
    for _ in range(2):
        said = course.command()["01b_game"]
        assert said.startswith("yours: 2 cells changed, 1 of 1 exercise tried; there is a new version: ")
        assert "ganlab lessons --fresh 01b" in said and course.files["01b_game.ipynb"] == mine
    assert course.command("01b")["01b_game"] == "new, yours is kept as 01b_game.1.ipynb"
    assert course.files["01b_game.ipynb"] == notebook("Better text.") and course.files["01b_game.1.ipynb"] == mine
    assert course.command()["01b_game"] == "as given"


def test_starting_afresh_again_and_again_overwrites_nothing(course: Course) -> None:
    course.command()
    assert course.command("01b")["01b_game"] == "as given"  # nothing of the student's is there
    kept = []
    for k in (1, 2, 3):
        course.edit("Text.", f"Attempt {k}.")
        kept.append(course.files["01b_game.ipynb"])
        assert course.command("01b")["01b_game"] == f"new, yours is kept as 01b_game.{k}.ipynb"
    assert [course.files[f"01b_game.{k}.ipynb"] for k in (1, 2, 3)] == kept
    assert course.files["01b_game.ipynb"] == notebook() and course.command()["00_start"] == "as given"


def test_a_copy_that_was_deleted_comes_back(course: Course) -> None:
    course.command()
    (course.work / "01b_game.ipynb").unlink()
    (course.work / "pictures" / "game.svg").unlink()
    assert course.command()["01b_game"] == "new" and "pictures/game.svg" in course.files


@pytest.mark.parametrize(
    "record", [None, b"", b"{", b"[]", b'{"01b_game.ipynb": 3}', b'{"01b_game.ipynb": {}}', b"\xff"]
)
def test_without_its_record_nothing_of_the_students_is_lost(course: Course, record: bytes | None) -> None:
    course.command()
    course.edit("Text.", "My text.")
    path = course.work / copies.RECORD
    path.unlink() if record is None else path.write_bytes(record)
    mine = course.files
    said = course.command()
    assert said["00_start"] == "as given"
    assert said["01b_game"].startswith("yours: not as the course gives it; there is a new version")
    assert course.files == mine


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"cells": [3]}', b'{"cells": 3}', b"\xff\x00"])
def test_a_copy_that_is_broken_is_kept(course: Course, data: bytes) -> None:
    course.command()
    (course.work / "01b_game.ipynb").write_bytes(data)
    course.give("01b_game.ipynb", notebook("Better text."))
    assert course.command()["01b_game"].startswith("yours")
    assert course.files["01b_game.ipynb"] == data
    assert course.command("01b")["01b_game"] == "new, yours is kept as 01b_game.1.ipynb"


def test_an_assignment_is_copied_once_and_left_alone(course: Course) -> None:
    course.command()
    own = course.work / "assignments" / "release" / "1_game" / "1_game.ipynb"
    own.write_bytes(notebook("What the teacher gave out."))
    course.give("assignments/release/1_game/1_game.ipynb", notebook("A better assignment."))
    course.command()
    assert own.read_bytes() == notebook("What the teacher gave out.")


def test_a_page_beside_the_lessons_is_kept_up_to_date_and_the_students_stays(course: Course) -> None:
    course.give("glossary.md", b"**mode**")
    assert course.command()["glossary"] == "new"
    course.give("glossary.md", b"**mode**, **ring**")
    assert course.command()["glossary"] == "brought up to date"
    assert course.files["glossary.md"] == b"**mode**, **ring**"
    (course.work / "glossary.md").write_bytes(b"my notes")
    assert course.command()["glossary"] == "yours: 1 page changed"
    course.give("glossary.md", b"**mode**, **ring**, **grid**")
    assert course.command()["glossary"].startswith("yours: 1 page changed; there is a new version: give yours another")
    assert course.files["glossary.md"] == b"my notes"
    (course.work / "glossary.md").rename(course.work / "mine.md")
    assert course.command()["glossary"] == "new" and course.files["mine.md"] == b"my notes"


def test_a_lesson_that_the_course_no_longer_has_goes_unless_it_was_used(course: Course) -> None:
    course.give("02_old.ipynb", notebook("Old."))
    course.command()
    course.edit('"2"', '"my own 2"')
    course.give("01_other.ipynb", notebook())
    for name in ("01b_game.ipynb", "02_old.ipynb"):
        (course.folder / "notebooks" / name).unlink()
    said = course.command()
    assert said["02_old"] == "no longer in the course; removed, you had not changed it"
    assert said["01b_game"] == "no longer in the course; yours is kept"
    assert "02_old.ipynb" not in course.files and b"my own 2" in course.files["01b_game.ipynb"]
    assert set(course.command()) == {"00_start", "01_other"}


def test_a_kill_between_a_copy_and_the_record_is_no_change(course: Course) -> None:
    course.command()
    course.give("01b_game.ipynb", notebook("Better text."))
    (course.work / "01b_game.ipynb").write_bytes(notebook("Better text."))  # the record still has the old one
    assert course.command()["01b_game"] == "as given"
    course.give("01b_game.ipynb", notebook("Best text."))
    assert course.command()["01b_game"] == "brought up to date"


@pytest.mark.parametrize("number", ["1", "02", "", "../00", "01b_game"])
def test_a_lesson_that_is_none_is_refused_in_one_line(
    course: Course, number: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(copies.run, "__defaults__", (course.folder,))
    assert cli.main(["lessons", "--fresh", number]) == 1
    assert capsys.readouterr() == ("", f"error: --fresh: got {number!r}, expected one of 00, 01b\n")
    assert not course.work.exists()


def test_an_installed_package_says_where_the_lessons_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(copies.run, "__defaults__", (tmp_path,))
    assert cli.main(["lessons"]) == 1
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("error: lessons: an installed package has none") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_real_lessons_are_read(tmp_path: Path) -> None:
    for path in lessons.lessons():
        content, stored = copies.read(path), lessons.read(path)
        assert len(content.cells) == len(stored.cells) > 20
        assert all(name.startswith(lessons.number(path) + ".") for name in content.exercises) and content.exercises
        lessons.write(stored, tmp_path / path.name)  # nbformat splits and joins texts its own way
        again = copies.read(tmp_path / path.name)
        assert (again.cells, again.outputs, again.exercises) == (content.cells, content.outputs, content.exercises)


def test_in_a_cell_the_command_lists_the_lessons(tmp_path: Path) -> None:
    """`%run -m ganlab lessons`, as lesson 00 says: where no terminal knows the course's Python."""
    script = f"""
from ganlab.cli import lessons
lessons.run.__defaults__ = (__import__("pathlib").Path({str(tmp_path)!r}),)
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic("run", "-m ganlab lessons")
print("and the kernel goes on")
"""
    Course(tmp_path, None)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, cwd=tmp_path)
    assert "01b_game" in done.stdout and "and the kernel goes on" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "work" / "01b_game.ipynb").is_file()
