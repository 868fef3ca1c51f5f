"""Releases assignments and grades submissions: repaired, run in parallel and apart, marked by nbgrader one by one."""

import hashlib
import json
import logging
import multiprocessing
import re
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from ganlab.classroom import forkserver, report, variants
from ganlab.classroom.course import Course, CourseError, configure
from ganlab.classroom.isolation import Limits, Starter, run_isolated, starter
from ganlab.classroom.staging import Staged, stage
from ganlab.classroom.suspicion import not_handed_in, suspicions
from ganlab.runtime import write_atomically

USUAL = Limits()
MAKERS = ("course.py", "preprocessors.py", "variants.py")  # our part of what makes a release
RECORD = "release.json"  # in an assignment's results: what its release was made of
TESTS = Path(__file__).resolve().parents[2] / "tests"  # of a clone: answers that pass lie there


def release(course: Course, name: str) -> Path:
    """Make what students get of an assignment, in the course's variant, and enter it into the gradebook."""
    _generate(course, name)
    _record(course, name)
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
    key, released = _agreed(course, name)
    with tempfile.TemporaryDirectory(prefix="ganlab-grading-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        staged = []
        for student in students:
            handed_in = course.folder("submitted", name, student)
            staged.append(stage(handed_in, student, place / "staged" / student / name, key, released))
        _mark_all(course, name, staged, place, jobs=jobs, limits=limits, progress=progress)
    return report.write(course, name, {one.student: one.looks for one in staged})


def _agreed(course: Course, name: str) -> tuple[NotebookNode, NotebookNode]:
    """Return the varied source and the release made of it; raise CourseError if another one was released.

    The release is made anew, to compare it, only if no record says that it was made of what there is now.
    """
    file, again = course.folder("release", name) / f"{name}.ipynb", f"make release A={name.partition('_')[0]}"
    if not file.is_file():
        raise CourseError(f"{name} is not released yet: {again}")
    if not _is_recorded(course, name):
        _compare(course, name, file, again)
    key = nbformat.read(course.source(name), as_version=4)
    key = variants.vary(key, *variants.numbers(course.secret, name), course.source(name).parent)
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


def _mark_all(
    course: Course,
    name: str,
    staged: list[Staged],
    place: Path,
    *,
    jobs: int,
    limits: Limits,
    progress: Callable[[str], None],
) -> None:
    """Run all submissions, `jobs` at a time, let nbgrader mark each as it ends, and write the pages."""
    executed = place / "executed"
    executed.mkdir()
    api = _api(course, submitted_directory=str(place / "staged"))
    api.config.Isolated.executed = str(executed)
    began = time.monotonic()
    took = {}

    def run(one: Staged, start: Starter) -> Staged:
        before = time.monotonic()
        one.looks += suspicions(one.notebook)
        notebook, looks = run_isolated(one.notebook, one.folder, [course.root, TESTS], limits, start=start)
        one.looks += looks + not_handed_in(notebook)
        nbformat.write(notebook, executed / f"{one.student}.ipynb")
        took[one.student] = time.monotonic() - before
        return one

    with starter(jobs) as start, ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(run, one, start) for one in staged]
        for done, future in enumerate(as_completed(runs), 1):
            one = future.result()
            _mark(course, name, one, api)
            left = (time.monotonic() - began) / done * (len(staged) - done)
            progress(
                f"{one.student}: run in {took[one.student]:.1f} s ({done} of {len(staged)}, {_minutes(left)} left)"
            )
    progress("Writing the pages.")
    for one, complaint in zip(staged, _pages(course, name, [one.student for one in staged], jobs), strict=True):
        one.looks += [f"has no page: {complaint}"] if complaint else []
    slowest = sorted(took, key=lambda student: (-took[student], student))
    progress("Seconds to run each: " + ", ".join(f"{student} {took[student]:.1f}" for student in slowest))


def _minutes(seconds: float) -> str:
    return f"about {seconds / 60:.0f} minutes" if seconds >= 90 else f"about {seconds:.0f} s"


def _mark(course: Course, name: str, one: Staged, api: NbGraderAPI) -> None:
    """Let nbgrader mark what was executed; a submission that it refuses needs a look."""
    by_hand = _by_hand(course, name, one.student)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's, about its own sessions
        marked = api.autograde(name, one.student, force=True, create=True)
    _keep(course, name, one.student, by_hand)
    one.looks += [] if marked["success"] else [f"could not be marked by nbgrader: {_last_line(marked)}"]


def _pages(course: Course, name: str, students: list[str], jobs: int) -> list[str]:
    """Write the pages for students, in processes of their own where that is safe; return what went wrong with each."""
    work = [(course, name, student) for student in students]
    if not forkserver.AVAILABLE or jobs == 1 or len(students) == 1:
        return [_page(one) for one in work]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        return list(pool.map(_page, work))


def _page(work: tuple[Course, str, str]) -> str:
    course, name, student = work
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        result = _api(course).generate_feedback(name, student, force=True)
    return "" if result["success"] else _last_line(result)


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
