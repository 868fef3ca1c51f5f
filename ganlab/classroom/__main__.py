"""The teacher's command line: `python -m ganlab.classroom release 1`, and `grade 1` for what lies in submitted/."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ganlab.classroom import downloads, export, questions, roster, similarity
from ganlab.classroom.collecting import collect
from ganlab.classroom.course import HOME, Course, CourseError
from ganlab.classroom.limits import Limits
from ganlab.runtime import forgiving_output, path_argument, write_atomically

COMMANDS = {
    "release": "make what students get",
    "import": "sort a download from a learning platform into submitted/",
    "grade": "mark all that was handed in",
    "questions": "write a page on how each part did, from the last grading",
    "similar": "write a page of pairs that are unusually alike",
    "export": "write the marks of all assignments into one table",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 when something is wrong, 2 when the arguments are, 130 for Ctrl-C.

    What the terminal cannot show, or no longer takes, changes nothing.
    """
    with forgiving_output():
        return _answered(arguments)


def _answered(arguments: list[str] | None) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        return _run(chosen)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if error.name != "nbgrader":
            raise
        print("error: nbgrader is not installed: `pip install -e .[instructor]`, or use make", file=sys.stderr)
    except (CourseError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ganlab.classroom", description="Assignments for a class.")
    commands = parser.add_subparsers(dest="command", required=True)
    made = {name: commands.add_parser(name, help=words) for name, words in COMMANDS.items()}
    for name, command in made.items():
        if name != "export":
            command.add_argument("assignment", metavar="A", help="its number or name, such as 1")
        command.add_argument(
            "--course", type=path_argument, default=HOME, help="the course's folder (notebooks/assignments)"
        )
    made["import"].add_argument("download", type=path_argument, help="the zip or the folder")
    made["import"].add_argument("--system", default="", help=f"{', '.join(downloads.PATTERNS)} (what fits most files)")
    made["import"].add_argument("--pattern", default="", help="a regular expression with groups student, file, time")
    made["export"].add_argument("--rename", action="append", default=[], metavar="OLD=NEW", help="a column's name")
    made["export"].add_argument("--out", type=path_argument, help="the file (results/marks.csv)")
    _add_grading(made["grade"])
    return parser


def _add_grading(command: argparse.ArgumentParser) -> None:
    limits = Limits()
    jobs = os.cpu_count() or 1
    numbers = {
        "--jobs": (jobs, "submissions run at a time (all cores)"),
        "--cell-seconds": (limits.cell_seconds, "a cell may take (%(default)s)"),
        "--student-seconds": (limits.notebook_seconds, "a student may take (%(default)s)"),
        "--memory-mb": (limits.memory_mb, "one may use (%(default)s)"),
    }
    for name, (default, words) in numbers.items():
        command.add_argument(name, type=int, default=default, help=words)
    command.add_argument("--student", action="append", default=[], help="grade only this one (may be given again)")
    command.add_argument("--again", action="store_true", help="run also what has not changed since the last time")


def _run(chosen: argparse.Namespace) -> int:
    course = Course(chosen.course.resolve())
    if chosen.command == "export":
        return _export(course, chosen)
    name = course.find(chosen.assignment)
    if chosen.command in ("questions", "similar"):
        return _write_page(course, name, chosen.command)
    with course.alone():
        return _import(course, name, chosen) if chosen.command == "import" else _with_nbgrader(course, name, chosen)


def _with_nbgrader(course: Course, name: str, chosen: argparse.Namespace) -> int:
    """Release or grade."""
    from ganlab.classroom import marking  # here, since it needs nbgrader, and --help does not

    try:
        if chosen.command == "release":
            print(f"{marking.release(course, name)}: give this folder to your students")
            return 0
        return _grade(course, name, chosen)
    except marking.DATABASE_ERRORS as error:
        raise CourseError(
            f"gradebook.db: {getattr(error, 'orig', None) or error}. Does another program use it, or is it no longer "
            "the file that it was? What was graded so far is kept: give the command again"
        ) from error


def _grade(course: Course, name: str, chosen: argparse.Namespace) -> int:
    from ganlab.classroom import grading

    for option in ("jobs", "cell_seconds", "student_seconds", "memory_mb"):
        if getattr(chosen, option) < 1:
            raise CourseError(f"--{option.replace('_', '-')}: got {getattr(chosen, option)}, expected 1 or more")
    limits = Limits(chosen.cell_seconds, chosen.student_seconds, chosen.memory_mb)
    report = grading.grade(course, name, jobs=chosen.jobs, limits=limits, students=chosen.student, again=chosen.again)
    print(report.summary())
    print(f"Marks and summary: {course.results(name)}. Pages for students: {course.root / 'feedback'}.")
    return 0


def _write_page(course: Course, name: str, command: str) -> int:
    file = course.results(name) / f"{command}.html"
    if command == "questions":
        write_atomically(file, questions.page(name, questions.gather(course, name)).encode())
        print(file)
        return 0
    works, released = handed_in(course, name)
    pairs = similarity.write(works, released, name, file=file)
    print(f"{file}: {pairs} pairs of {len(works)} submissions stand out. What that means is for a person to say.")
    return 0


def handed_in(course: Course, name: str) -> tuple[dict[str, NotebookNode], NotebookNode]:
    """Return what every student handed in, as it was, and the release."""
    file = course.folder("release", name) / f"{name}.ipynb"
    if not file.is_file():
        raise CourseError(f"{name} is not released yet: make release A={name.partition('_')[0]}")
    released = nbformat.read(file, as_version=4)
    others = [other for other in course.names() if other != name]
    works: dict[str, NotebookNode] = {}
    with tempfile.TemporaryDirectory(prefix="ganlab-similar-") as folder:
        for home in course.homes():
            if roster.unusable(home.name):
                continue
            try:
                hand_in = collect(home, name, released, place=Path(folder) / home.name, others=others)
            except (OSError, ValueError, RecursionError) as error:  # it costs nobody else the page
                print(f"{home.name} could not be read: {error}", file=sys.stderr)
                continue
            if hand_in.notebook:
                works[home.name] = hand_in.notebook
    return works, released


def _import(course: Course, name: str, chosen: argparse.Namespace) -> int:
    done = downloads.bring_in(course, name, chosen.download, system=chosen.system, pattern=chosen.pattern)
    for student, words in done.students.items():
        print(f"{student}: {words}")
    for student, given in done.not_on_roster.items():
        print(f"{student} is not on the roster ({given}): rename the folder, or add a line to the roster")
    for label in done.unknown:
        print(f"nothing was made of {label}")
    if done.missing:
        print(f"on the roster and not in this download: {', '.join(done.missing)}")
    print(f"{len(done.students)} students' work lies in {course.root / 'submitted'}.")
    return 0


def _export(course: Course, chosen: argparse.Namespace) -> int:
    names = {}
    for one in chosen.rename:
        old, equals, new = one.partition("=")
        if not equals:
            raise CourseError(f"--rename: got {one!r}, expected OLD=NEW")
        names[old] = new
    file = chosen.out or course.root / "results" / "marks.csv"
    text = export.table(course, names)
    write_atomically(file, text.encode())
    print(f"{file}: {len(text.splitlines()) - 1} students")
    return 0


if __name__ == "__main__":
    sys.exit(main())
