"""The assignments: their form, their release, and graders that refuse what is wrong and accept what is right."""

import filecmp
import re
import shutil
from pathlib import Path
from typing import Any

import assignments
import lessons
import limits
import mutants
import nbformat
import numpy as np
import papermill
import pytest
import torch
from classrooms import classroom
from nbformat import NotebookNode
from test_notebooks import nbval

from ganlab.classroom import variants
from ganlab.classroom.course import Course, CourseError

NAMES = assignments.names()
each = pytest.mark.parametrize("name", NAMES)
PART = re.compile(r"^## Part (\d)\.(\d+) · .+$", re.MULTILINE)
TERMS = re.compile(r"^\*\*(\d+) points · (?:easy|medium|hard) · (\d+) minutes\*\*$", re.MULTILINE)
BEFORE = re.compile(r"(\d+) of them for the cells\s+before\s+part \d\.1\b")
ROW = re.compile(r"^\| (\d\.\d+) [^|]*\| (\d+) \| (\d+) \|", re.MULTILINE)  # of a table: part, points, minutes


@pytest.fixture(scope="session")
def grader() -> str:
    return assignments.grader_python()


def copied(folder: Path, *names: str, secret: str = "") -> Course:
    """Return a course of its own in `folder`, with some of the sources."""
    for name in names:
        shutil.copytree(assignments.COURSE / "source" / name, folder / "source" / name)
    if secret:
        (folder / "secret.txt").write_text(secret, encoding="utf-8")
    return Course(folder)


def grade_cells(notebook: NotebookNode) -> dict[str, int]:
    found = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return {cell.id: cell.metadata.nbgrader.points for cell in found}


def part_terms(notebook: NotebookNode) -> list[str]:
    """Return what is wrong with the points and minutes that the parts, and the first cell, state."""
    complaints, part, given, stated, takes = [], "", {}, {}, {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := PART.search(cell.source)):
            part = f"{heading[1]}.{heading[2]}"
            terms = TERMS.search(cell.source)
            if not terms:
                complaints.append(f"part {part} states no points, difficulty and minutes")
                continue
            stated[part], takes[part] = int(terms[1]), int(terms[2])
        given[part] = given.get(part, 0) + cell.metadata.get("nbgrader", {}).get("points", 0)
    complaints += [f"part {k}: {p} points, its cells give {given[k]}" for k, p in stated.items() if given[k] != p]
    first = notebook.cells[0].source
    before = BEFORE.search(first)
    minutes = sum(takes.values()) + (int(before[1]) if before else 0)
    if not before or not re.search(rf"\*\*100 points, {minutes} minutes", first) or sum(given.values()) != 100:
        words = f"the first cell should say 100 points, {minutes} minutes, and how many of them come before the parts"
        complaints.append(f"{words}; cells have {sum(given.values())} points")
    table = {part: (int(points), int(time)) for part, points, time in ROW.findall(first)}
    headings = {part: (points, takes[part]) for part, points in stated.items()}
    if table and table != headings:
        complaints.append(f"the first cell's table gives points and minutes {table}, the headings {headings}")
    if not 60 <= minutes <= 140:
        complaints.append(f"{minutes} minutes in all, expected 60 to 140")
    return complaints


def form(notebook: NotebookNode) -> list[str]:
    """Return what is wrong with a source's form."""
    ids = [cell.id for cell in notebook.cells]
    complaints = part_terms(notebook) + ([] if len(set(ids)) == len(ids) else ["two cells have one id"])
    graded = grade_cells(notebook)
    for cell in notebook.cells:
        mine = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count):
            complaints.append(f"{cell.id} has outputs")
        if mine.get("solution") and cell.cell_type == "code":
            complaints += [f"{cell.id}{end} is missing" for end in ("-seen", "-hidden") if cell.id + end not in graded]
            complaints += [] if "### BEGIN SOLUTION" in cell.source else [f"{cell.id} has no solution"]
        if cell.id.endswith("-hidden"):
            lines = cell.source.splitlines()
            if not (lines[0].startswith("# Part ") and lines[1] == "### BEGIN HIDDEN TESTS"):
                complaints.append(f"{cell.id}: its first line is not `# Part ...`, followed by the hidden tests")
            if lines[-1] != "### END HIDDEN TESTS" or "mark(" not in cell.source:
                complaints.append(f"{cell.id}: does not end with a mark and the end of the hidden tests")
    for name in graded:
        if not name.endswith(("-seen", "-hidden")) and f"{name}-rubric" not in ids:
            complaints.append(f"{name} is marked by hand and has no rubric")
    if "variant" not in ids or not re.search(r"^variant = 1  # ", notebook.cells[ids.index("variant")].source, re.M):
        complaints.append("there is no cell `variant` with a line `variant = 1  # ...`")
    if "-m ganlab hand-in work/assignments/release/" not in notebook.cells[0].source:
        complaints.append("the first cell does not tell of the look before handing in")
    return complaints


@each
def test_source_has_the_form_of_an_assignment(name: str) -> None:
    source = nbformat.read(assignments.COURSE / "source" / name / f"{name}.ipynb", as_version=4)
    assert form(source) == []
    assert f"hand-in work/assignments/release/{name}/{name}.ipynb" in source.cells[0].source
    written = {cell.id: cell.source for cell in assignments.varied(name, 1, 1).cells}
    assert [cell.id for cell in source.cells if cell.source != written[cell.id]] == []  # what variant.py writes


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("**100 points,", "**90 points,", "the first cell should say"),
        ("points · medium ·", "points · fair ·", "states no points"),
        ("**18 points ·", "**17 points ·", "its cells give 18"),
        ("· 32 minutes**", "· 20 minutes**", "the first cell's table gives"),
        ("| 21 | 26 |", "| 21 | 20 |", "the first cell's table gives"),
        (" 5 of them for the cells before", " some of them for the cells before", "how many of them"),
        ("### BEGIN SOLUTION", "###", "has no solution"),
        ("### BEGIN HIDDEN TESTS", "###", "followed by the hidden tests"),
        ("### END HIDDEN TESTS", "pass", "does not end with"),
        ("variant = 1  #", "variant = int(1)  #", "no cell `variant`"),
        ("-m ganlab hand-in", "-m look", "the first cell does not tell"),
    ],
)
def test_a_fault_of_form_is_noticed(old: str, new: str, words: str) -> None:
    notebook = assignments.varied("2_dcgan", 1, 1)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    assert any(words in complaint for complaint in form(notebook)), form(notebook)


@each
@pytest.mark.parametrize("variant", [1, 2])
def test_graders_refuse_wrong_answers_with_the_right_hint_and_accept_right_ones(name: str, variant: int) -> None:
    with assignments.played(name, variant, 1 if variant == 1 else 2 * mutants.HIDDEN, shorter=True) as play:
        assert {test: tested.verdict.status for test, tested in play.tests.items()} == dict.fromkeys(
            (cell for cell in grade_cells(assignments.varied(name, 1, 1)) if cell.endswith(("-seen", "-hidden"))),
            "correct",
        )
        bank = assignments.bank(name, play.namespace)
        assert {f"{part}-hidden" for part in bank} == {test for test in play.tests if test.endswith("-hidden")}
        for part, answers in bank.items():
            assert len(answers["right"]) >= 2 and len(answers["wrong"]) >= 8, part
        every_second = slice(variant - 1, None, 2)  # the rest in the other variant; `make mutants` tries all in both
        bad = [one for one in assignments.judged(name, play, every_second) if not (one.good and one.hint)]
    assert not bad, "\n".join(f"{one.name}: {one.verdict.message}" for one in bad)


@each
def test_stubs_run_to_the_end_and_say_so(name: str) -> None:
    with assignments.played(name, solved=False, shorter=True) as play:
        assert {tested.verdict.status for tested in play.tests.values()} == {"not attempted"}


@each
def test_the_stored_release_is_what_the_source_gives_now(name: str, grader: str, tmp_path: Path) -> None:
    course = copied(tmp_path, name, secret=Course().secret)
    result = classroom(grader, "release", name, "--course", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    made, stored = course.folder("release", name), Course().folder("release", name)
    files = sorted(path.name for path in made.iterdir())
    assert files == sorted(path.name for path in stored.iterdir() if path.name != ".ipynb_checkpoints")
    assert filecmp.cmpfiles(made, stored, files, shallow=False)[0] == files, f"make release A={name[0]}"


@each
def test_a_release_gives_nothing_away(name: str) -> None:
    text = (Course().folder("release", name) / f"{name}.ipynb").read_text(encoding="utf-8")
    for word in ("hidden_variant", "### BEGIN", "### END", "Slip("):
        assert word not in text.replace("Exercise, Slip", ""), word
    cells = assignments.varied(name, 1, 1).cells
    shown = {line.strip() for cell in cells for line in assignments.SOLUTION.sub("", cell.source).splitlines()}
    hidden = {line.strip() for cell in cells for line in solution_lines(cell.source)} - shown
    released = [line.strip() for cell in nbformat.reads(text, 4).cells for line in cell.source.splitlines()]
    assert hidden and not hidden & set(released)


def solution_lines(source: str) -> list[str]:
    """Return the lines of a solution that are long enough not to stand elsewhere by chance."""
    return [line for found in assignments.SOLUTION.finditer(source) for line in found[0].splitlines() if len(line) > 40]


@each
@pytest.mark.usefixtures("forked_kernels")
def test_a_release_is_executed_by_papermill_and_by_nbval(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(Course().folder("release", name), tmp_path / name)
    output = tmp_path / "executed.ipynb"
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = assignments.cheaper(cell.source)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    papermill.execute_notebook(
        str(folder / f"{name}.ipynb"),
        str(output),
        cwd=str(folder),
        kernel_name="python3",
        execution_timeout=round(limits.scaled(15)),
        progress_bar=False,
    )
    assert lessons.unfinished(lessons.read(output)) == []
    result = nbval(folder / f"{name}.ipynb")
    assert result.returncode == 0, result.stdout[-3000:]


def test_one_secret_gives_one_variant_and_another_another(grader: str, tmp_path: Path) -> None:
    released = []
    for k, secret in enumerate(("autumn", "autumn", "spring")):
        copied(tmp_path / str(k), NAMES[0], secret=secret)
        assert classroom(grader, "release", NAMES[0][0], "--course", tmp_path / str(k)).returncode == 0
        released.append((tmp_path / str(k) / "release" / NAMES[0] / f"{NAMES[0]}.ipynb").read_bytes())
    assert released[0] == released[1] != released[2]


def test_numbers_of_a_variant() -> None:
    assert variants.numbers("", "1_game") == (1, 1)
    found = {variants.numbers(secret, name) for secret in ("a", "b", "c") for name in ("1_game", "3_bound")}
    assert len({number for pair in found for number in pair}) == 12  # no two alike
    assert all(0 <= number < 2**31 for pair in found for number in pair)
    assert variants.numbers("a", "1_game") == (1916544493, 86356728)  # for ever: an old variant can be made again


def test_a_script_of_variants_that_names_unknown_cells_is_refused(tmp_path: Path) -> None:
    (tmp_path / "variant.py").write_text("def cells(variant, hidden_variant):\n    return {'nowhere': ''}\n")
    with pytest.raises(ValueError, match="does not have: nowhere"):
        variants.vary(assignments.varied(NAMES[0], 1, 1), 1, 1, folder=tmp_path)


@pytest.mark.parametrize("row", [[1.0, 2.0, 4.0], np.array([1.0, 2.0, 4.0]), torch.tensor([1.0, 2.0, 4.0]), ...])
def test_the_table_of_assignment_5_is_printed_whatever_holds_its_numbers(
    row: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = next(cell for cell in assignments.varied("5_project", 1, 1).cells if cell.id == "cell-22")
    exec(cell.source, {"np": np, "results": {"floor": row}})
    said = capsys.readouterr().out
    assert said == ("" if row is ... else "floor           2.3 ± 0.9 (standard error over three seeds)\n")


def test_an_unknown_assignment_is_refused_with_those_there_are() -> None:
    with pytest.raises(CourseError, match=f"got '9', expected one of {', '.join(NAMES)}"):
        Course().find("9")
    assert Course().find("1") == Course().find("1_game") == "1_game"


def test_mutants_lists_survivors_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["00"]) == 0
    assert "Survivors, wrongly accepted or refused, and hints that miss the slip: none" in capsys.readouterr().out
    monkeypatch.setattr(assignments.check, "judge", lambda *_: assignments.check.Verdict("correct", ""))
    assert mutants.main(["00"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^lesson 00 +0 of +\d\d ", said, re.MULTILINE) and "lesson 00, 00.1, wrong 0" in said
