"""Due dates, extensions and what late work costs: a table in the course's folder, entered into nbgrader's gradebook."""

import csv
import datetime
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganlab.classroom.course import Course, CourseError

FILE = "deadlines.csv"
COLUMNS = ("assignment", "student", "due", "percent a day")
DAY = 24 * 3600


@dataclass(frozen=True)
class Deadlines:
    """When an assignment is due, for all and for single students (UTC), and what of the points a day late costs."""

    due: datetime.datetime | None = None
    of_student: dict[str, datetime.datetime] = field(default_factory=dict)
    percent_a_day: float = 0.0

    def penalty(self, seconds_late: float, points: float) -> float:
        """Return the points that work so late loses: `percent_a_day` of its points for every day begun."""
        return round(points * min(1.0, math.ceil(seconds_late / DAY) * self.percent_a_day / 100), 2)


def read(course: Course, name: str) -> Deadlines:
    """Return an assignment's deadlines from `deadlines.csv`; raise CourseError for a line that cannot be understood."""
    file = course.root / FILE
    if not file.is_file():
        return Deadlines()
    due = None
    percent = 0.0
    of_student = {}
    with open(file, encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines)
        if missing := set(COLUMNS[:3]) - set(table.fieldnames or ()):
            raise CourseError(
                f"{FILE}: the first line lacks {', '.join(sorted(missing))}; expected {','.join(COLUMNS)}"
            )
        for row in table:
            place = f"{FILE}, line {table.line_num}"
            if _assignment(course, row, place) != name:
                continue
            when = _time(row["due"], place)
            if student := (row["student"] or "").strip():
                of_student[student] = when
            else:
                due = when
                percent = _percent(row.get("percent a day"), place)
    if of_student and due is None:
        raise CourseError(
            f"{FILE}: assignment {name} has dates for students, and no line without a student for the rest"
        )
    return Deadlines(due, of_student, percent)


def enter(deadlines: Deadlines, gradebook: Any, name: str) -> None:
    """Write dates, extensions and penalties into the gradebook, where there are any; what is not listed has none."""
    if deadlines.due is None:
        return
    gradebook.find_assignment(name).duedate = deadlines.due
    for submission in gradebook.assignment_submissions(name):
        own = deadlines.of_student.get(submission.student_id)
        submission.extension = own - deadlines.due if own else None
    gradebook.db.commit()
    for submission in gradebook.assignment_submissions(name):
        for notebook in submission.notebooks:
            late = submission.total_seconds_late
            notebook.late_submission_penalty = deadlines.penalty(late, notebook.score) if late else None
    gradebook.db.commit()


def lateness(seconds: float) -> str:
    """Return how late work is, as "3 h" or "19 d 2 h"; "" for what is in time."""
    hours = math.ceil(seconds / 3600)
    parts = [f"{hours // 24} d"] * (hours >= 24) + [f"{hours % 24} h"] * (hours % 24 > 0)
    return " ".join(parts)


def _assignment(course: Course, row: dict[str, str], place: str) -> str:
    try:
        return course.find((row["assignment"] or "").strip())
    except CourseError as error:
        raise CourseError(f"{place}: {error}") from error


def _time(text: str | None, place: str) -> datetime.datetime:
    """Return a time in UTC, without a zone, as the gradebook has it; one without a zone is this machine's."""
    try:
        when = datetime.datetime.fromisoformat((text or "").strip())
    except ValueError as error:
        raise CourseError(f"{place}: due: got {text!r}, expected a time such as 2026-11-09 23:59") from error
    return when.astimezone(datetime.UTC).replace(tzinfo=None)


def _percent(text: str | None, place: str) -> float:
    try:
        percent = float((text or "").strip().removesuffix("%") or 0)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise CourseError(f"{place}: percent a day: got {text!r}, expected a number from 0 to 100")
    return percent


def example(folder: Path) -> str:
    """Return what to write into the table of the course in `folder`, for the guide and for messages."""
    return f"{folder / FILE}:\n{','.join(COLUMNS)}\n1,,2026-11-09 23:59,10\n1,ada,2026-11-16 23:59,\n"
