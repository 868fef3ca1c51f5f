"""One table of all assignments, with columns that are called what a learning platform calls them."""

import csv
import io

from ganlab.classroom import roster
from ganlab.classroom.course import Course, CourseError


def table(course: Course, names: dict[str, str]) -> str:
    """Return the marks of all assignments as CSV: a line a student, a column an assignment, and the sum.

    Columns are "student", "name", each assignment, "total" and "of"; `names` renames them, and leaves out those that
    it renames to "". The marks are those of the last grading. Raises CourseError for a column that is not there.
    """
    marks = {
        name: read_marks(course, name) for name in course.names() if (course.results(name) / "marks.csv").is_file()
    }
    if not marks:
        raise CourseError("nothing to export: no assignment has been graded")
    columns = ["student", "name", *marks, "total", "of"]
    if unknown := set(names) - set(columns):
        raise CourseError(f"--rename: got {sorted(unknown)[0]!r}, expected one of {', '.join(columns)}")
    members = roster.read(course)
    students = sorted({*members, *(student for rows in marks.values() for student in rows)})
    shown = [column for column in columns if names.get(column, column)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([names.get(column, column) for column in shown])
    for student in students:
        totals = {name: float(rows[student]["total"]) for name, rows in marks.items() if student in rows}
        most = sum(float(next(iter(rows.values()))["of"]) for rows in marks.values() if rows)
        row = {"student": student, "name": members[student].name if student in members else ""}
        row |= {name: f"{totals[name]:g}" if name in totals else "" for name in marks}
        row |= {"total": f"{sum(totals.values()):g}", "of": f"{most:g}"}
        writer.writerow([row[column] for column in shown])
    return text.getvalue()


def read_marks(course: Course, name: str) -> dict[str, dict[str, str]]:
    """Return the table of the last grading by student; raise CourseError if another program has rewritten it."""
    file = course.results(name) / "marks.csv"
    try:
        with open(file, encoding="utf-8", newline="") as lines:
            rows = {row["student"]: row for row in csv.DictReader(lines)}
        for row in rows.values():  # as they will be read
            sum(float(row[column]) for column in ("total", "of"))
    except (KeyError, TypeError, ValueError) as error:
        again = f"make grade A={name.partition('_')[0]}"
        raise CourseError(
            f"{file.relative_to(course.root).as_posix()}: is no longer as grading wrote it, perhaps saved by a "
            f"spreadsheet; {again} writes it anew"
        ) from error
    return rows
