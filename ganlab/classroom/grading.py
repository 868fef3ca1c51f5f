"""Releases assignments and grades submissions: repaired, run in parallel and apart, marked by nbgrader one by one."""

import logging
import re
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from ganlab.classroom import report, variants
from ganlab.classroom.course import Course, CourseError, configure
from ganlab.classroom.isolation import Limits, Starter, run_isolated, starter
from ganlab.classroom.staging import Staged, stage
from ganlab.classroom.suspicion import not_handed_in, suspicions

USUAL = Limits()
TESTS = Path(__file__).resolve().parents[2] / "tests"  # of a clone: answers that pass lie there


def release(course: Course, name: str) -> Path:
    """Make what students get of an assignment, in the course's variant, and enter it into the gradebook."""
    _generate(course, name)
    return course.folder("release", name)


def grade(
    course: Course,
    name: str,
    jobs: int = 1,
    limits: Limits = USUAL,
    progress: Callable[[str], None] = print,
) -> report.Report:
    """Grade every submission in `submitted/STUDENT/NAME`, `jobs` at a time, and write marks, pages and the summary.

    What was marked by hand stays. Raises CourseError, before anything is written, for an assignment that is not
    released as it stands now, and when there is nothing to grade.
    """
    students = sorted(path.parent.name for path in course.root.glob(f"submitted/*/{name}") if path.is_dir())
    if not students:
        raise CourseError(f"nothing to grade: no folder submitted/STUDENT/{name} in {course.root.name}")
    with tempfile.TemporaryDirectory(prefix="ganlab-grading-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        key, released = _agreed(course, name, place)
        staged = []
        for student in students:
            handed_in = course.folder("submitted", name, student)
            staged.append(stage(handed_in, student, place / "staged" / student / name, key, released))
        _run_all(course, staged, place / "executed", jobs, limits, progress)
        _mark_all(course, name, staged, place)
    return report.write(course, name, {one.student: one.looks for one in staged})


def _agreed(course: Course, name: str, place: Path) -> tuple[NotebookNode, NotebookNode]:
    """Return the varied source and the release made of it; raise CourseError if another one was released."""
    file, again = course.folder("release", name) / f"{name}.ipynb", f"make release A={name.partition('_')[0]}"
    if not file.is_file():
        raise CourseError(f"{name} is not released yet: {again}")
    _generate(course, name, release_directory=str(place / "release"), db_url=f"sqlite:///{place}/gradebook.db")
    made = place / "release" / name / file.name
    if file.read_bytes() != made.read_bytes():
        raise CourseError(
            f"{name}: what lies in release/ is not what the source and the secret make now, so students may have "
            f"another version. Bring secret.txt back, or release it anew: {again}"
        )
    _generate(course, name, release_directory=str(place / "release"))  # into the gradebook, the release untouched
    key = nbformat.read(course.source(name), as_version=4)
    key = variants.vary(key, *variants.numbers(course.secret, name), course.source(name).parent)
    return key, nbformat.read(made, as_version=4)


def _run_all(
    course: Course, staged: list[Staged], executed: Path, jobs: int, limits: Limits, progress: Callable[[str], None]
) -> None:
    """Execute all submissions, `jobs` at a time, into `executed/STUDENT.ipynb`, and add to each what needs a look."""
    executed.mkdir()

    def run(one: Staged, start: Starter) -> None:
        began = time.monotonic()
        one.looks += suspicions(one.notebook)
        notebook, looks = run_isolated(one.notebook, one.folder, [course.root, TESTS], limits, start=start)
        one.looks += looks + not_handed_in(notebook)
        nbformat.write(notebook, executed / f"{one.student}.ipynb")
        progress(f"{one.student}: run in {time.monotonic() - began:.0f} s")

    with starter(jobs) as start, ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, staged, [start] * len(staged)))


def _mark_all(course: Course, name: str, staged: list[Staged], place: Path) -> None:
    """Let nbgrader mark what was executed and write the pages; a submission that it refuses needs a look."""
    api = _api(course, submitted_directory=str(place / "staged"))
    api.config.Isolated.executed = str(place / "executed")
    for one in staged:
        by_hand = _by_hand(course, name, one.student)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's, about its own sessions
            marked = api.autograde(name, one.student, force=True, create=True)
            _keep(course, name, one.student, by_hand)
            page = api.generate_feedback(name, one.student, force=True)
        failed = [result for result in (marked, page) if not result["success"]]
        one.looks += [f"could not be marked by nbgrader: {_last_line(result)}" for result in failed]


Graded = dict[str, tuple[str, float | None, bool]]


def _by_hand(course: Course, name: str, student: str) -> Graded:
    """Return {grade_id: (answer, automatic mark, whether it waits for a hand)} of what was marked by hand before."""
    file = course.folder("autograded", name, student) / f"{name}.ipynb"
    if not file.is_file():
        return {}
    answers = {cell.id: cell.source for cell in nbformat.read(file, as_version=4).cells}
    with Gradebook(_database(course), "ganlab") as gradebook:
        grades = gradebook.find_submission_notebook(name, name, student).grades
        return {
            grade.name: (answers.get(grade.name, ""), grade.auto_score, grade.needs_manual_grade)
            for grade in grades
            if grade.manual_score is not None
        }


def _keep(course: Course, name: str, student: str, by_hand: Graded) -> None:
    """Take back nbgrader's wish for a new look at what was marked by hand, where nothing about it has changed."""
    now = _by_hand(course, name, student) if by_hand else {}
    with Gradebook(_database(course), "ganlab") as gradebook:
        for grade_id, (answer, mark, waits) in by_hand.items():
            if now.get(grade_id, ("", None, True))[:2] == (answer, mark):
                gradebook.find_grade(grade_id, name, name, student).needs_manual_grade = waits
        gradebook.db.commit()


def _database(course: Course) -> str:
    return f"sqlite:///{course.root / 'gradebook.db'}"


def _api(course: Course, **directories: str) -> NbGraderAPI:
    """Return nbgrader with this course's settings, and some of its directories elsewhere."""
    config = Config()
    configure(config, course)
    config.CourseDirectory.db_url = _database(course)
    config.CourseDirectory.update(directories)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    api = NbGraderAPI(config=config)
    api.log_level = "ERROR"
    return api


def _generate(course: Course, name: str, **directories: str) -> None:
    result = _api(course, **directories).generate_assignment(name, force=True, create=True)
    if not result["success"]:
        raise CourseError(f"{name} could not be released: {_last_line(result)}")


def _last_line(result: dict) -> str:
    """Return the line that says why, of nbgrader's log and traceback, whose own last line says to read the others."""
    lines = [line.strip() for line in f"{result.get('log', '')}\n{result.get('error', '')}".splitlines()]
    causes = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Entry): ", line)]
    others = [line for line in causes if "see the the above" not in line]
    return (others or causes or ["no reason given"])[-1]
