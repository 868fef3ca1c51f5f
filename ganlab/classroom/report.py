"""What comes out of grading: a table of the class, a page a student (nbgrader's), and a summary for the teacher."""

import csv
import datetime
import io
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nbgrader.api import Gradebook

from ganlab.classroom.course import Course
from ganlab.classroom.deadlines import lateness
from ganlab.classroom.roster import Member
from ganlab.classroom.slips import named_slips, part_of
from ganlab.runtime import write_atomically

BINS = 10  # of the score distribution
MOST = 12  # of the commonest slips that the summary names


@dataclass
class Row:
    """One student's marks: points a part, those that wait for a hand, lateness and its cost, what needs a look."""

    student: str
    points: dict[str, float]
    name: str = ""  # of the roster
    file: str = ""  # that was graded
    handed_in: bool = False
    due: str = ""  # for this student, in this machine's time
    extended: bool = False
    stamped: bool = False  # when it came is known
    late: str = ""
    deduction: float = 0.0
    waits: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """The points of all parts together, less what lateness costs."""
        return max(0.0, sum(self.points.values()) - self.deduction)


@dataclass
class Report:
    """All marks of an assignment, the most points there are, how often each slip was met and each part left alone.

    `unused` holds what lay in `submitted/` and was not graded, or for nobody on the roster, and why.
    """

    name: str
    rows: list[Row]
    most: dict[str, float]
    slips: Counter[str]
    left: Counter[str]
    unused: list[tuple[str, str]] = field(default_factory=list)
    due: str = ""  # for all, in this machine's time

    @property
    def handed_in(self) -> list[Row]:
        """The rows of those who handed something in."""
        return [row for row in self.rows if row.handed_in]

    def summary(self) -> str:
        """Return the summary as Markdown: the distribution, the commonest slips, and who needs a look and why."""
        lines = [f"# {self.name}: {len(self.handed_in)} submissions, {sum(self.most.values()):g} points", ""]
        lines += self._distribution() if self.handed_in else ["Nobody has handed in anything."]
        lines += ["", "## The commonest slips", ""]
        # where two are as frequent, what a hint names comes before a crash
        ranked = sorted(self.slips.items(), key=lambda item: (-item[1], ": stopped with " in item[0], item[0]))
        lines += [f"- {count} time{'s' * (count > 1)}: {slip}" for slip, count in ranked[:MOST]] or ["None."]
        missing = [f"{row.student} ({row.name})" if row.name else row.student for row in self.rows if not row.handed_in]
        lines += ["", "## Handed in nothing", "", ", ".join(missing) or "Nobody.", "", "## Late", ""]
        lines += self._late()
        lines += ["", "## Needs a look", ""]
        looked_at = [row for row in self.looked_at() if row.handed_in]
        lines += [f"- **{row.student}** ({row.total:g} points): {'; '.join(row.remarks)}" for row in looked_at]
        lines += [] if looked_at else ["Nobody."]
        lines += ["", "## Found and not used", ""] if self.unused else []
        lines += [f"- `{what}` {why}" for what, why in self.unused]
        return "\n".join(lines) + "\n"

    def _late(self) -> list[str]:
        """Return the due date, extensions, who is late, and of how many nobody knows."""
        late = [row for row in self.rows if row.late]
        lines = [f"- **{row.student}**: {row.late}, {row.deduction:g} points less" for row in late] or ["Nobody."]
        if not self.due:
            return lines
        dates = f"Due {self.due}" + "".join(f"; for {row.student} {row.due}" for row in self.rows if row.extended)
        unknown = sum(not row.stamped for row in self.handed_in)
        lines += ["", f"{unknown} of {len(self.handed_in)} have no time stamp and count as in time."] if unknown else []
        return [f"{dates}.", "", *lines]

    def _distribution(self) -> list[str]:
        rows = self.handed_in
        totals = [row.total for row in rows]
        most = sum(self.most.values())
        lines = [f"Mean {statistics.fmean(totals):.1f}, median {statistics.median(totals):g}, "]
        lines[-1] += f"lowest {min(totals):g}, highest {max(totals):g}. "
        lines[-1] += f"{sum(bool(row.waits) for row in rows)} wait for marks by hand."
        lines += ["", "| points | submissions |", "|---|---|"]
        counts = Counter(min(int(BINS * total / most), BINS - 1) for total in totals)
        for k in range(BINS):
            low, high = most * k / BINS, most * (k + 1) / BINS
            lines.append(f"| {low:g} to {high:g} | {'█' * counts[k]} {counts[k]} |")
        lines += ["", "| part | mean of points | full points | not attempted |", "|---|---|---|---|"]
        for part, points in self.most.items():
            given = [row.points.get(part, 0.0) for row in rows]
            full = sum(mark >= points for mark in given)
            left = self.left[part]
            lines.append(f"| {part} | {statistics.fmean(given):.1f} of {points:g} | {full} | {left} |")
        return lines

    def looked_at(self) -> list[Row]:
        """Return the rows that need a look."""
        return [row for row in self.rows if row.remarks]

    def table(self) -> str:
        """Return the marks as CSV: a line a student, a column a part."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        ends = ["due", "late", "penalty", "total", "of", "file", "to mark by hand", "needs a look"]
        writer.writerow(["student", "name", *self.most, *ends])
        most = sum(self.most.values())
        for row in self.rows:
            marks = [f"{row.points.get(part, 0.0):g}" for part in self.most]
            values = [row.due, row.late, f"{row.deduction:g}", f"{row.total:g}", f"{most:g}", row.file]
            writer.writerow([row.student, row.name, *marks, *values, " ".join(row.waits), "; ".join(row.remarks)])
        return text.getvalue()


class Known(Protocol):
    """What grading keeps of a student: the file that was graded, what needs a look, what was not used and why."""

    file: str
    unused: list[tuple[str, str]]
    remarks: list[str]


def write(
    course: Course,
    name: str,
    records: Mapping[str, Known],
    *,
    members: dict[str, Member],
    beside: list[tuple[str, str]],
) -> Report:
    """Write `results/NAME/marks.csv` and `summary.md`: all of the roster, of `submitted/` and of the gradebook."""
    report = Report(name, [], {}, Counter(), Counter(), list(beside))
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "ganlab") as gradebook:
        for cell in gradebook.find_notebook(name, name).grade_cells:
            part = part_of(cell.name)
            report.most[part] = report.most.get(part, 0.0) + cell.max_score
        report.due = _local(gradebook.find_assignment(name).duedate)
        submissions = {one.student_id: one for one in gradebook.assignment_submissions(name)}
        for student in sorted({*records, *members, *submissions}):
            row = Row(student, dict.fromkeys(report.most, 0.0), members[student].name if student in members else "")
            if known := records.get(student):
                row.file = known.file
                row.handed_in = bool(known.file)
                row.remarks = list(known.remarks)
                report.unused += [(f"{student}/{what}", why) for what, why in known.unused]
            row.due = report.due
            if submission := submissions.get(student):
                _fill(row, submission, report.left)
                named, alone = named_slips(course.folder("autograded", name, student) / f"{name}.ipynb")
                report.slips.update(named)
                report.left.update(alone)
            elif not row.remarks:
                row.remarks = ["handed in nothing"]
            report.rows.append(row)
    write_atomically(course.results(name) / "marks.csv", report.table().encode())
    write_atomically(course.results(name) / "summary.md", report.summary().encode())
    return report


def _fill(row: Row, submission: Any, left: Counter[str]) -> None:
    """Read the gradebook's marks of one submission into a row, and count written parts that were left alone."""
    row.handed_in = True
    row.extended = bool(submission.extension)
    row.stamped = submission.timestamp is not None
    row.due = _local(submission.duedate)
    row.late = lateness(submission.total_seconds_late)
    for notebook in submission.notebooks:
        row.deduction += notebook.late_submission_penalty or 0.0
        for grade in notebook.grades:
            row.points[part_of(grade.name)] += grade.score or 0.0
            row.waits += [grade.name] if grade.needs_manual_grade else []
            by_hand = grade.name == part_of(grade.name)
            left[grade.name] += by_hand and grade.auto_score == 0  # which nbgrader gives to an untouched answer


def _local(when: datetime.datetime | None) -> str:
    """Return a time of the gradebook's, in UTC, as this machine's clock has it; "" for none."""
    return f"{when.replace(tzinfo=datetime.UTC).astimezone():%Y-%m-%d %H:%M}" if when else ""
