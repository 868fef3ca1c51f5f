"""Due dates, extensions and what late work costs: a table in the course's folder, entered into nbgrader's gradebook."""

import datetime
import math
import re
from dataclasses import dataclass, field
from typing import Any

from ganlab.classroom import roster, tables
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

    def deduction(self, seconds_late: float, points: float) -> float:
        """Return the points that work so late loses: `percent_a_day` of its points for every day begun."""
        return round(points * min(1.0, math.ceil(seconds_late / DAY) * self.percent_a_day / 100), 2)


def read(course: Course, name: str) -> Deadlines | None:
    """Return an assignment's deadlines from `deadlines.csv`, or None without that file.

    Raises CourseError for a line that cannot be understood.
    """
    file = course.root / FILE
    if not file.is_file():
        return None
    columns, rows = tables.rows(tables.text_of(file))
    if missing := [column for column in COLUMNS[:3] if column not in columns]:
        raise CourseError(f"{FILE}: the first line lacks {', '.join(missing)}; expected {','.join(COLUMNS)}")
    members = roster.read(course)
    due = None
    percent = 0.0
    of_student = {}
    for line, row in rows:
        place = f"{FILE}, line {line}"
        if _assignment(course, row, place) != name:
            continue
        when = _time(row["due"], place)
        student = _student(course, members, row["student"], place) if row["student"] else ""
        if student in of_student or not student and due:
            raise CourseError(f"{place}: a line above has a date for {student or 'all'} already")
        if student:
            of_student[student] = when
        else:
            due = when
            percent = _percent(row.get("percent a day"), place)
    if of_student and due is None:
        raise CourseError(
            f"{FILE}: assignment {name} has dates for students, and no line without a student for the rest"
        )
    return Deadlines(due, of_student, percent)


def enter(deadlines: Deadlines | None, gradebook: Any, name: str) -> None:
    """Write dates, extensions and penalties into the gradebook; what the table does not list has none.

    Without a table the gradebook stays as it is: its own pages can set a due date, too.
    """
    if deadlines is None:
        return
    gradebook.find_assignment(name).duedate = deadlines.due
    for submission in gradebook.assignment_submissions(name):
        own = deadlines.of_student.get(submission.student_id)
        submission.extension = own - deadlines.due if own and deadlines.due else None
    gradebook.db.commit()
    for submission in gradebook.assignment_submissions(name):
        for notebook in submission.notebooks:
            late = submission.total_seconds_late
            notebook.late_submission_penalty = deadlines.deduction(late, notebook.score) if late else None
    gradebook.db.commit()


def lateness(seconds: float) -> str:
    """Return how late work is, as "3 h" or "19 d 2 h"; "" for what is in time."""
    hours = math.ceil(seconds / 3600)
    parts = [f"{hours // 24} d"] * (hours >= 24) + [f"{hours % 24} h"] * (hours % 24 > 0)
    return " ".join(parts)


def _assignment(course: Course, row: dict[str, str], place: str) -> str:
    try:
        return course.find(row["assignment"])
    except CourseError as error:
        raise CourseError(f"{place}: {error}") from error


def _student(course: Course, members: dict[str, roster.Member], given: str, place: str) -> str:
    """Return the id of whom a line is for: an id or a name on the roster, or the name of a folder in `submitted/`."""
    known = roster.matches(members, given)
    if len(known) == 1:
        return known[0]
    if not members or (course.root / "submitted" / given).is_dir():
        return given
    raise CourseError(
        f"{place}: student: got {given!r}, which on the roster "
        + (f"may be {' or '.join(known)}" if known else "is neither an id nor a name")
    )


def _time(text: str, place: str) -> datetime.datetime:
    """Return a time in UTC, without a zone, as the gradebook has it; one without a zone is this machine's.

    A date alone means all of its day.
    """
    turned = tables.iso(text)
    try:
        when = datetime.datetime.fromisoformat(turned)
    except ValueError as error:
        raise CourseError(f"{place}: due: got {text!r}, expected a time such as 2026-11-09 23:59") from error
    if re.fullmatch(r"[\d-]{10}", turned):
        when = when.replace(hour=23, minute=59, second=59)
    return when.astimezone(datetime.UTC).replace(tzinfo=None)


def _percent(text: str | None, place: str) -> float:
    try:
        percent = float((text or "").removesuffix("%").replace(",", ".") or 0)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise CourseError(f"{place}: percent a day: got {text!r}, expected a number from 0 to 100")
    return percent
