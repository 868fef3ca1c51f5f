"""A class of odd submissions, graded as a teacher would: each gets what it deserves, and none harms another."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import assignments
import nbformat
import pytest
import submissions
import test_isolation
from classrooms import classroom
from test_assignments import copied, grade_cells, grader  # noqa: F401 (a fixture)

from ganlab.classroom import variants
from ganlab.classroom.course import Course
from ganlab.classroom.reading import understood
from ganlab.classroom.staging import restore
from ganlab.classroom.suspicion import not_handed_in, suspicions

NAME, SECRET = submissions.NAME, "a secret of the tests"
each_source = pytest.mark.parametrize("name", assignments.names())
LIMITS = ("--jobs", 2, "--cell-seconds", test_isolation.LIMITS.cell_seconds, "--memory-mb", 2000)
KINDS = [*submissions.CLASS, *submissions.FILES]
BY_HAND = """
from nbgrader.api import Gradebook
with Gradebook("sqlite:///{file}", "ganlab") as gradebook:
    grade = gradebook.find_grade("letter", "{name}", "{name}", "correct")
    grade.manual_score, grade.needs_manual_grade = 7.0, False
    gradebook.find_comment("letter", "{name}", "{name}", "correct").manual_comment = "well argued"
    gradebook.db.commit()
"""


def notebooks(course: Course) -> tuple[nbformat.NotebookNode, nbformat.NotebookNode]:
    """Return the release and the varied source of a course."""
    released = nbformat.read(course.folder("release", NAME) / f"{NAME}.ipynb", as_version=4)
    return released, assignments.varied(NAME, *variants.numbers(course.secret, NAME))


def prepared(folder: Path, python: str, kinds: list[str]) -> Course:
    """Return a course with a release and a submission of each kind."""
    course = copied(folder, NAME, secret=SECRET)
    result = classroom(python, "release", "1", "--course", folder)
    assert result.returncode == 0, result.stderr
    submissions.hand_in(folder, *notebooks(course), kinds)
    return course


def marks(course: Course) -> dict[str, dict[str, str]]:
    with open(course.results(NAME) / "marks.csv", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def hashes(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, grader: str) -> tuple[Course, str, dict[str, str]]:  # noqa: F811
    """Return a course of all kinds of submissions after grading, what was printed, and the hashes of what came in."""
    folder = tmp_path_factory.mktemp("class") / "course"
    course = prepared(folder, grader, KINDS)
    before = hashes(folder / "submitted")
    result = classroom(grader, "grade", "1", "--course", folder, *LIMITS)
    assert result.returncode == 0, result.stdout + result.stderr
    return course, result.stdout, before


@pytest.mark.parametrize("kind", KINDS)
def test_each_submission_gets_what_it_deserves(kind: str, graded: tuple) -> None:
    row = marks(graded[0])[kind]
    points = submissions.deserved(kind) | {"letter": 0}
    if kind == "wrong":  # its function still serves a later part, at the form of which the seen test looks
        points[submissions.ON_FIRST] = 2
    words = submissions.ODD[kind].words if kind in submissions.ODD else submissions.FILES[kind][1]
    got = {part: float(row[part]) for part in points}
    assert got == points
    assert float(row["total"]) == sum(points.values())
    assert words in row["needs a look"] and bool(words) == bool(row["needs a look"]), row["needs a look"]


def test_submissions_stay_as_they_came_and_nothing_is_written_elsewhere(graded: tuple) -> None:
    course, _, before = graded
    assert hashes(course.root / "submitted") == before
    assert not list(course.root.parent.rglob("evil.txt"))
    expected = {"autograded", "feedback", "gradebook.db", "release", "results", "secret.txt", "source", "submitted"}
    assert {path.name for path in course.root.iterdir()} == expected


def test_the_summary_tells_the_distribution_the_slips_and_who_needs_a_look(graded: tuple) -> None:
    course, printed, _ = graded
    summary = (course.results(NAME) / "summary.md").read_text(encoding="utf-8")
    assert summary in printed
    count = len(KINDS)
    assert summary.startswith(f"# {NAME}: {count} submissions, 100 points")
    assert "1 time: optimal-logits: You left the prior out" in summary  # what the kind "wrong" got wrong
    assert "| change-prior | " in summary and summary.count("not attempted") == 1  # the column's head
    needing = {kind for kind, row in marks(course).items() if row["needs a look"]}
    assert all(f"- **{kind}** (" in summary for kind in needing)
    assert f"- **{'correct'}** (" not in summary


def test_pages_show_marks_and_hints_and_no_hidden_test(graded: tuple) -> None:
    course, _, _ = graded
    hidden = [
        line.strip()
        for cell in notebooks(course)[1].cells
        if cell.id.endswith("-hidden")
        for line in cell.source.splitlines()
        if len(line.strip()) > 40 and not line.startswith("#")
    ]
    pages = {path.parts[-3]: path.read_text(encoding="utf-8") for path in course.root.glob("feedback/*/*/*.html")}
    assert set(pages) == set(KINDS)
    assert "You left the prior out" in pages["wrong"]
    assert "Not marked yet: letter (10 points)." in pages["correct"] and "Not marked yet" not in pages["untouched"]
    for kind, page in pages.items():
        plain = page.replace("&#39;", "'").replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
        assert not [line for line in hidden if line in plain], kind
        assert "hidden_variant" not in plain and "4 points. 1:" not in plain, kind


PAGE = """
import nbformat
from ganlab.classroom.preprocessors import WithoutHiddenTests
notebook = nbformat.read({file!r}, as_version=4)
nbformat.write(WithoutHiddenTests().preprocess(notebook, {{}})[0], {file!r})
"""
HIDDEN = """# Part 9.9, hidden tests
### BEGIN HIDDEN TESTS
hint = '''that is the mean over pixels and images:
    sum over the pixels of an image first.'''
secret_reference = compute_something(of_the_hidden_numbers)
### END HIDDEN TESTS"""


def test_hints_reach_the_page_and_hidden_code_does_not(tmp_path: Path, grader: str) -> None:  # noqa: F811
    hint = "0 of 2 points. Hint: that is the mean over pixels and images:\n    sum over the pixels of an image first."
    stolen = "secret_reference = compute_something(of_the_hidden_numbers)"
    cells = [nbformat.v4.new_code_cell(source) for source in (HIDDEN, "print(In)")]
    cells[0].metadata["nbgrader"] = {"locked": True}
    for cell, text in zip(cells, (hint, f"['{stolen}']"), strict=True):
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    file = tmp_path / "page.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
    subprocess.run([grader, "-c", PAGE.format(file=str(file))], check=True)
    page = nbformat.read(file, as_version=4)
    assert page.cells[0].source == "# Part 9.9, hidden tests" and page.cells[0].outputs[0].text == hint
    assert page.cells[1].outputs[0].text == "[left out: it shows a hidden test]"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, grader: str) -> Path:  # noqa: F811
    """Return the folder of a graded course of two, to be copied."""
    course = prepared(tmp_path_factory.mktemp("small") / "course", grader, ["correct", "half-done"])
    assert again(grader, course).returncode == 0
    return course.root


@pytest.fixture
def course(small: Path, tmp_path: Path) -> Course:
    """Return a graded course of two, to be changed."""
    shutil.copytree(small, tmp_path / "course", symlinks=True)
    return Course(tmp_path / "course")


def again(python: str, course: Course, *options: object) -> subprocess.CompletedProcess[str]:
    return classroom(python, "grade", "1", "--course", course.root, *LIMITS, *options)


def runs(result: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the students whose work was run."""
    assert result.returncode == 0, result.stderr
    return set(re.findall(r"^([\w-]+): run in", result.stdout, re.MULTILINE))


def test_grading_again_keeps_what_was_marked_by_hand(course: Course, grader: str) -> None:  # noqa: F811
    assert marks(course)["correct"]["to mark by hand"] == "letter"
    script = BY_HAND.format(file=course.root / "gradebook.db", name=NAME)
    subprocess.run([grader, "-c", script], check=True)
    table = course.results(NAME) / "marks.csv"
    assert runs(again(grader, course)) == set()
    once = table.read_bytes()
    assert marks(course)["correct"]["letter"] == "7" and marks(course)["correct"]["to mark by hand"] == ""
    page = (course.folder("feedback", NAME, "correct") / f"{NAME}.html").read_text(encoding="utf-8")
    assert "well argued" in page and "Not marked yet" not in page
    result = again(grader, course, "--again")
    assert runs(result) == {"correct", "half-done"}
    said = re.findall(r"run in ([\d.]+) s \((\d) of 2, about (\d+) (?:s|minutes) left\)", result.stdout)
    assert [done for _, done, _ in said] == ["1", "2"] and said[1][2] == "0"
    summed = re.search("^Seconds to run each: (.+)$", result.stdout, re.MULTILINE)[1]
    assert re.findall(r" ([\d.]+)", summed) == sorted((each for each, _, _ in said), key=float, reverse=True)
    assert table.read_bytes() == once
    # A new answer waits for a hand again, with the old mark until then.
    file = course.folder("submitted", NAME, "correct") / f"{NAME}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    submissions.cell(notebook, "letter").source += " And more."
    nbformat.write(notebook, file)
    assert runs(again(grader, course)) == {"correct"}
    assert marks(course)["correct"]["letter"] == "7" and marks(course)["correct"]["to mark by hand"] == "letter"


def test_a_later_batch_joins_the_table_of_the_class(course: Course, grader: str) -> None:  # noqa: F811
    before = marks(course)
    shutil.rmtree(course.root / "submitted" / "correct")
    submissions.hand_in(course.root, *notebooks(course), ["wrong"])
    (course.root / "roster.csv").write_text("Student,ID\nCora Rect,correct\nZoë Absent,zoe\n", encoding="utf-8")
    (course.root / "submitted" / "stray.ipynb").write_text("{}")
    result = again(grader, course)
    assert runs(result) == {"wrong"}
    now = marks(course)
    assert set(now) == {"correct", "half-done", "wrong", "zoe"}
    assert now["half-done"] == before["half-done"]
    assert now["correct"]["total"] == before["correct"]["total"] and now["correct"]["name"] == "Cora Rect"
    assert "marks are of an earlier grading" in now["correct"]["needs a look"]
    assert now["zoe"]["needs a look"] == "handed in nothing" and now["zoe"]["total"] == "0"
    assert "## Handed in nothing\n\nzoe (Zoë Absent)\n" in result.stdout
    assert "`stray.ipynb` lies beside the students' folders" in result.stdout
    assert "`wrong` was graded, and is not on the roster" in result.stdout
    assert f"# {NAME}: 3 submissions" in result.stdout


def test_one_student_can_be_graded_alone(course: Course, grader: str) -> None:  # noqa: F811
    submissions.hand_in(course.root, *notebooks(course), ["wrong", "untouched"])
    assert runs(again(grader, course, "--student", "wrong")) == {"wrong"}
    assert {student for student, row in marks(course).items() if row["file"]} == {"correct", "half-done", "wrong"}
    refused = again(grader, course, "--student", "nobody")
    assert refused.returncode == 1 and "student: got 'nobody', expected a folder in submitted/" in refused.stderr


def test_late_work_extensions_and_penalties_are_in_the_table_and_the_page(course: Course, grader: str) -> None:  # noqa: F811
    for student in ("correct", "half-done"):
        stamp = course.folder("submitted", NAME, student) / "timestamp.txt"
        stamp.write_text("2026-11-28 12:00:00 UTC", encoding="utf-8")
    table = "assignment,student,due,percent a day\n1,,2026-11-09T12:00+00:00,1\n1,half-done,2026-11-28T11:00+00:00,\n"
    (course.root / "deadlines.csv").write_text(table, encoding="utf-8")
    assert runs(again(grader, course)) == set()
    rows = marks(course)
    assert (rows["correct"]["late"], rows["correct"]["penalty"], rows["correct"]["total"]) == ("19 d", "17.1", "72.9")
    assert (rows["half-done"]["late"], rows["half-done"]["penalty"]) == ("1 h", "0.24")
    assert "17.1" in (course.folder("feedback", NAME, "correct") / f"{NAME}.html").read_text(encoding="utf-8")
    (course.root / "deadlines.csv").write_text(table.replace("T11:00", "T13:00"), encoding="utf-8")
    result = again(grader, course)
    assert marks(course)["half-done"]["late"] == "" and marks(course)["half-done"]["total"] == "24"
    assert "- **correct**: 19 d, 17.1 points less" in result.stdout
    assert re.search(r"## Late\n\nDue 2026-11-\d\d \d\d:\d\d; for half-done 2026-11-2\d \d\d:\d\d\.\n", result.stdout)
    (course.folder("submitted", NAME, "correct") / "timestamp.txt").unlink()
    (course.root / "deadlines.csv").write_text(table.replace("T11:00", "T10:00"), encoding="utf-8")
    result = again(grader, course)
    assert marks(course)["correct"]["late"] == "" and marks(course)["correct"]["penalty"] == "0"
    assert "1 of 2 have no time stamp and count as in time." in result.stdout
    assert marks(course)["half-done"]["late"] == "2 h"
    (course.root / "deadlines.csv").write_text("assignment;student;due\n", encoding="utf-8")  # taken back
    result = again(grader, course)
    assert result.returncode == 0, result.stderr
    assert marks(course)["half-done"]["late"] == "" and marks(course)["half-done"]["due"] == ""


STRUCK = """
from ganlab.classroom import grading, marking
def struck(*given, right={what}, **named):
    if {student!r} in given:
        raise RuntimeError("struck")
    return right(*given, **named)
{what} = struck
"""


@pytest.mark.parametrize(
    ("what", "student", "words"),
    [
        ("grading.stage", "untouched", "could not be replaced by an untouched release"),
        ("marking.mark", "half-done", "could not be marked"),
        ("marking.write_page", "half-done", "has no page"),
    ],
)
def test_what_strikes_one_student_costs_no_other(
    what: str,
    student: str,
    words: str,
    course: Course,
    grader: str,  # noqa: F811
) -> None:
    (course.root / "deadlines.csv").write_text("assignment,student,due,percent a day\n1,,2026-11-09T12:00+00:00,1\n")
    for each in ("correct", "half-done"):  # late: to be marked again, and a new page, but not run
        stamp = course.folder("submitted", NAME, each) / "timestamp.txt"
        stamp.write_text("2026-11-28 12:00:00 UTC", encoding="utf-8")
    if student == "untouched":
        submissions.hand_in(course.root, *notebooks(course), [student])
    first = STRUCK.format(what=what, student=student)
    result = classroom(grader, "grade", "1", "--course", course.root, *LIMITS, first=first)
    assert runs(result) == set()
    rows = marks(course)
    assert f"{words}: RuntimeError: struck (in " in rows[student]["needs a look"]
    assert rows[student]["file"] == f"{NAME}/{NAME}.ipynb"
    assert rows["correct"]["total"] == "72.9" and rows["correct"]["needs a look"] == ""
    assert "17.1" in (course.folder("feedback", NAME, "correct") / f"{NAME}.html").read_text(encoding="utf-8")
    assert f"- **{student}** ({rows[student]['total']} points): " in result.stdout
    assert "## Handed in nothing\n\nNobody." in result.stdout


def test_a_grading_that_was_killed_goes_on_where_it_was(course: Course, grader: str) -> None:  # noqa: F811
    submissions.hand_in(course.root, *notebooks(course), ["a-link", "looping"])
    command = [grader, "-u", "-m", "ganlab.classroom", "grade", "1", "--course", str(course.root), "--jobs", "1"]
    with subprocess.Popen([*command, "--cell-seconds", "3600"], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("a-link: run in"):  # `looping` is next, and would go on for an hour
                process.kill()
    assert set(marks(course)) == {"correct", "half-done"}, "the table of before stands until there is a new one"
    result = classroom(
        grader, "grade", "1", "--course", course.root, "--jobs", 1, "--cell-seconds", 3600, "--student", "a-link"
    )
    assert runs(result) == set() and marks(course)["a-link"]["total"] == "90"


def locked(database: Path) -> subprocess.Popen[str]:
    """Return a process that keeps a gradebook to itself: here, whoever reads the file would end this process's lock."""
    script = (
        f"import sqlite3\nkept = sqlite3.connect({str(database)!r})\nkept.execute('BEGIN EXCLUSIVE')\nprint('locked')"
    )
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", f"{script}\ninput()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "locked\n"
    return process


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "secret.txt").write_text("another"), "release it anew: make release A=1"),
        (lambda folder: (folder / "submitted").rename(folder / "elsewhere"), "nothing to grade"),
        (lambda folder: (folder / "release").rename(folder / "elsewhere"), "not released yet: make release A=1"),
        (lambda folder: (folder / "gradebook.db").write_text("no" * 999), "gradebook.db: file is not a database"),
        (lambda folder: locked(folder / "gradebook.db"), "gradebook.db: database is locked"),
    ],
)
def test_what_cannot_be_graded_is_said_in_one_line(spoil, words: str, course: Course, grader: str) -> None:  # noqa: F811
    kept = spoil(course.root)
    before = hashes(course.root)
    result = classroom(grader, "grade", "1", "--course", course.root, *LIMITS)
    assert result.returncode == 1 and words in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert hashes(course.root) == before
    if isinstance(kept, subprocess.Popen):
        kept.communicate("end\n")


def test_a_limit_that_is_none_is_refused(grader: str) -> None:  # noqa: F811
    result = classroom(grader, "grade", "1", "--jobs", 0)
    assert result.returncode == 1 and "--jobs: got 0, expected 1 or more" in result.stderr


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("torch.allclose = lambda *a: True", "assigns to torch.allclose"),
        ("import numpy\nnumpy.linalg.norm = len", "assigns to numpy.linalg.norm"),
        ("setattr(torch, 'ones', 1)", "changes torch"),
        ("from ganlab import check\ncheck.mark = 3", "assigns to check.mark"),
        ("def mark(*given):\n    return 9", "defines a mark of its own"),
        ("mark = max", "defines a mark of its own"),
        ("!rm -r /", "runs a command: !rm -r /"),
        ("%%bash\nls", "runs a command: %%bash"),
        ("import sys\nsys._getframe(1).f_locals", "uses _getframe"),
        ("print(hidden_variant)", "uses hidden_variant"),
        ("from urllib import request", "imports urllib"),
        ("import ganlab.classroom.guard", "imports ganlab.classroom.guard"),
    ],
)
def test_code_that_reaches_for_the_grader_is_named(code: str, words: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code, id="mine")])
    assert f"cell 'mine' {words}" in suspicions(notebook)


@each_source
def test_no_solution_is_suspicious(name: str) -> None:
    assert suspicions(assignments.varied(name, 1, 1)) == []


def test_a_notebook_without_ids_and_metadata_is_brought_back() -> None:
    released = nbformat.read(Course().folder("release", NAME) / f"{NAME}.ipynb", as_version=4)
    source = assignments.varied(NAME, 1, 1)
    given = json.loads(nbformat.writes(submissions.solved(released, source)))
    given["nbformat_minor"] = 4
    for cell in given["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    given["cells"].insert(8, {"cell_type": "code", "metadata": {}, "source": ["y = 1"], "outputs": []})
    notebook, looks = restore(understood(json.dumps(given).encode()), source, released)
    assert [cell.id for cell in notebook.cells if not cell.id.startswith("own-")] == [cell.id for cell in source.cells]
    wanted = {cell.id: cell.source for cell in submissions.solved(released, source).cells}
    keys = {cell.id: cell.source for cell in source.cells}
    for cell in notebook.cells:
        locked = cell.metadata.get("nbgrader", {}).get("locked")
        assert cell.source == (keys if locked else wanted | {"own-8": "y = 1"})[cell.id].strip()
    assert [look for look in looks if "lost their metadata" not in look] == []


def test_files_that_a_test_missed_need_a_look() -> None:
    """Assignment 5 says it so; what a student's own cell prints does not count."""
    notebook = assignments.varied("5_project", 1, 1)
    tests = [cell for cell in notebook.cells if "Not handed in: {missing_files}." in cell.source]
    said = "Not handed in: generator-101.safetensors, generator-7.safetensors.\n"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            asks = cell in tests or not cell.metadata.get("nbgrader")
            cell.outputs = [nbformat.v4.new_output("stream", text=f"trained\n{said}" if asks else "trained\n")]
    assert len(tests) == 1
    assert not_handed_in(notebook) == ["not handed in: generator-101.safetensors, generator-7.safetensors"]
    tests[0].outputs = []
    assert not_handed_in(notebook) == []
