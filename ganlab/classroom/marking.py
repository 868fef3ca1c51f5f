"""What nbgrader does here: releases are made and compared, executed submissions marked, pages written."""

import hashlib
import json
import logging
import re
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from traitlets.config import Config

from ganlab.classroom import variants
from ganlab.classroom.collecting import TIMESTAMP
from ganlab.classroom.course import Course, CourseError, configure
from ganlab.runtime import write_atomically

MAKERS = ("course.py", "preprocessors.py", "variants.py")  # our part of what makes a release
DATABASE_ERRORS = (SQLAlchemyError,)  # what a gradebook that is locked, damaged or not to be written raises
RECORD = "release.json"  # in an assignment's results: what its release was made of


def release(course: Course, name: str) -> Path:
    """Make what students get of an assignment, in the course's variant, and enter it into the gradebook."""
    _generate(course, name)
    _record(course, name)
    return course.folder("release", name)


def released(course: Course, name: str) -> tuple[NotebookNode, NotebookNode]:
    """Return the varied source and the release made of it; raise CourseError if another one was released.

    The release is made anew, to compare it, only if no record says that it was made of what there is now.
    """
    file = course.folder("release", name) / f"{name}.ipynb"
    again = f"make release A={name.partition('_')[0]}"
    if not file.is_file():
        raise CourseError(f"{name} is not released yet: {again}")
    if not _is_recorded(course, name):
        _compare(course, name, file, again)
    key = nbformat.read(course.source(name), as_version=4)
    key = variants.vary(key, *variants.numbers(course.secret, name), folder=course.source(name).parent)
    return key, nbformat.read(file, as_version=4)


def _compare(course: Course, name: str, file: Path, again: str) -> None:
    """Make the release elsewhere and compare it with the one there is; if it is the same, enter it and record so."""
    with tempfile.TemporaryDirectory(prefix="ganlab-release-") as folder:
        place = Path(folder)
        _generate(course, name, release_directory=str(place / "release"), db_url=f"sqlite:///{place}/gradebook.db")
        if file.read_bytes() != (place / "release" / name / file.name).read_bytes():
            raise CourseError(
                f"{name}: what lies in release/ is not what the source and the secret make now, so students may have "
                f"another version. Bring secret.txt back, or release it anew: {again}"
            )
        _generate(course, name, release_directory=str(place / "release"))  # into the gradebook, the release untouched
    _record(course, name)


def _fingerprint(course: Course, name: str) -> dict[str, str]:
    """Return hashes of a release, and of all that it is made of and by."""
    made_of = hashlib.sha256(f"{course.secret} {version('nbgrader')}".encode())
    package = Path(__file__).parent
    for file in [*sorted(course.source(name).parent.rglob("*")), *(package / one for one in MAKERS)]:
        if file.is_file() and "__pycache__" not in file.parts:
            made_of.update(f"\n{file.name}\n".encode() + file.read_bytes())
    released = course.folder("release", name) / f"{name}.ipynb"
    return {"made of": made_of.hexdigest(), "release": hashlib.sha256(released.read_bytes()).hexdigest()}


def _record(course: Course, name: str) -> None:
    content = json.dumps(_fingerprint(course, name), indent=1).encode()
    write_atomically(course.results(name) / RECORD, content)


def _is_recorded(course: Course, name: str) -> bool:
    file = course.results(name) / RECORD
    if not file.is_file() or json.loads(file.read_text(encoding="utf-8")) != _fingerprint(course, name):
        return False
    with Gradebook(_database(course), "ganlab") as gradebook:
        return name in [assignment.name for assignment in gradebook.assignments]


def open_gradebook(course: Course) -> Gradebook:
    """Return the course's gradebook, to be used in a `with` statement."""
    return Gradebook(_database(course), "ganlab")


def is_marked(course: Course, name: str, student: str) -> bool:
    """Say whether the gradebook and the autograded files have marks of a student's."""
    with open_gradebook(course) as gradebook:
        try:
            gradebook.find_submission_notebook(name, name, student)
        except MissingEntry:
            return False
    return (course.folder("autograded", name, student) / f"{name}.ipynb").is_file()


def mark(course: Course, name: str, student: str, *, staged: Path, executed: Path) -> str:
    """Let nbgrader mark one submission, which lies in `staged/STUDENT/NAME` and as `executed/STUDENT.ipynb`.

    What was marked by hand stays. Returns what was wrong, or "".
    """
    api = _api(course, submitted_directory=str(staged))
    api.config.Isolated.executed = str(executed)
    by_hand = _by_hand(course, name, student)
    if not (staged / student / name / TIMESTAMP).is_file():
        _forget_time(course, name, student)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's, about its own sessions
        result = api.autograde(name, student, force=True, create=True)
    _keep(course, name, student, by_hand)
    return "" if result["success"] else f"could not be marked by nbgrader: {_last_line(result)}"


def states(course: Course, name: str) -> dict[str, str]:
    """Return, for each student who has marks, a fingerprint of all that the page shows."""
    fingerprints = {}
    with open_gradebook(course) as gradebook:
        for submission in gradebook.assignment_submissions(name):
            text = hashlib.sha256()
            for notebook in submission.notebooks:
                grades = [(one.name, one.score, one.needs_manual_grade) for one in notebook.grades]
                comments = [(one.name, one.comment) for one in notebook.comments]
                text.update(repr((sorted(grades), sorted(comments), notebook.late_submission_penalty)).encode())
            file = course.folder("autograded", name, submission.student_id) / f"{name}.ipynb"
            if file.is_file():
                text.update(file.read_bytes())
                fingerprints[submission.student_id] = text.hexdigest()
    return fingerprints


def write_page(course: Course, name: str, student: str) -> str:
    """Write a student's page; return what was wrong, or ""."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        result = _api(course).generate_feedback(name, student, force=True)
    return "" if result["success"] else f"has no page: {_last_line(result)}"


def _forget_time(course: Course, name: str, student: str) -> None:
    """Take back a time stamp of an earlier grading, which nbgrader would keep."""
    with open_gradebook(course) as gradebook:
        try:
            gradebook.find_submission(name, student).timestamp = None
        except MissingEntry:
            return
        gradebook.db.commit()


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
