"""The teacher's command line: `python -m ganlab.classroom release 1`, and `grade 1` for what lies in submitted/."""

import argparse
import os
import sys
from pathlib import Path

from ganlab.classroom.course import HOME, Course, CourseError
from ganlab.classroom.isolation import Limits


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 when something is wrong, 2 when the arguments are."""
    parser = argparse.ArgumentParser(prog="python -m ganlab.classroom", description="Assignments for a class.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (("release", "make what students get"), ("grade", "mark all that was handed in")):
        command = commands.add_parser(name, help=words)
        command.add_argument("assignment", metavar="A", help="its number or name, such as 1")
        command.add_argument("--course", type=Path, default=HOME, help="the course's folder (notebooks/assignments)")
    jobs = os.cpu_count() or 1
    command.add_argument("--jobs", type=int, default=jobs, help="submissions run at a time (all cores)")
    command.add_argument("--cell-seconds", type=int, default=Limits.cell_seconds, help="a cell may take (%(default)s)")
    student_seconds = Limits.notebook_seconds
    command.add_argument(
        "--student-seconds", type=int, default=student_seconds, help="a student may take (%(default)s)"
    )
    command.add_argument("--memory-mb", type=int, default=Limits.memory_mb, help="one may use (%(default)s)")
    command.add_argument("--student", action="append", default=[], help="grade only this one (may be given again)")
    command.add_argument("--again", action="store_true", help="run also what has not changed since the last time")
    chosen = parser.parse_args(arguments)
    try:
        return _run(chosen)
    except ModuleNotFoundError as error:
        if error.name != "nbgrader":
            raise
        print("error: nbgrader is not installed: `pip install -e .[instructor]`, or use make", file=sys.stderr)
    except (CourseError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


def _run(chosen: argparse.Namespace) -> int:
    from ganlab.classroom import grading, marking  # here, since they need nbgrader, and --help does not

    course = Course(chosen.course.resolve())
    name = course.find(chosen.assignment)
    if chosen.command == "release":
        print(f"{marking.release(course, name)}: give this folder to your students")
        return 0
    for option in ("jobs", "cell_seconds", "student_seconds", "memory_mb"):
        if getattr(chosen, option) < 1:
            raise CourseError(f"--{option.replace('_', '-')}: got {getattr(chosen, option)}, expected 1 or more")
    limits = Limits(chosen.cell_seconds, chosen.student_seconds, chosen.memory_mb)
    report = grading.grade(course, name, jobs=chosen.jobs, limits=limits, students=chosen.student, again=chosen.again)
    print(report.summary())
    print(f"Marks and summary: {course.results(name)}. Pages for students: {course.root / 'feedback'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
