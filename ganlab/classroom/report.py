"""What comes out of grading: a table of marks, a page a student (nbgrader's), and a summary for the teacher."""

import csv
import io
import re
import statistics
from collections import Counter
from dataclasses import dataclass, field

import nbformat
from nbgrader.api import Gradebook

from ganlab.classroom.course import Course
from ganlab.runtime import write_atomically

BINS = 10  # of the score distribution
MOST = 12  # of the commonest slips that the summary names


@dataclass
class Row:
    """One student's marks: points a part, those that wait for a hand, and what needs a look."""

    student: str
    points: dict[str, float]
    waits: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """The points of all parts together."""
        return sum(self.points.values())


@dataclass
class Report:
    """All marks of an assignment, the most points there are, how often each slip was met and each part left alone."""

    name: str
    rows: list[Row]
    most: dict[str, float]
    slips: Counter[str]
    left: Counter[str]

    def summary(self) -> str:
        """Return the summary as Markdown: the distribution, the commonest slips, and who needs a look and why."""
        totals, most = [row.total for row in self.rows], sum(self.most.values())
        lines = [f"# {self.name}: {len(totals)} submissions, {most:g} points", ""]
        lines += [f"Mean {statistics.fmean(totals):.1f}, median {statistics.median(totals):g}, "]
        lines[-1] += f"lowest {min(totals):g}, highest {max(totals):g}. "
        lines[-1] += f"{sum(bool(row.waits) for row in self.rows)} wait for marks by hand."
        lines += ["", "| points | submissions |", "|---|---|"]
        counts = Counter(min(int(BINS * total / most), BINS - 1) for total in totals)
        for k in range(BINS):
            low, high = most * k / BINS, most * (k + 1) / BINS
            lines.append(f"| {low:g} to {high:g} | {'█' * counts[k]} {counts[k]} |")
        lines += ["", "| part | mean of points | full points | not attempted |", "|---|---|---|---|"]
        for part, points in self.most.items():
            given = [row.points.get(part, 0.0) for row in self.rows]
            full = sum(mark >= points for mark in given)
            left = self.left[part]
            lines.append(f"| {part} | {statistics.fmean(given):.1f} of {points:g} | {full} | {left} |")
        lines += ["", "## The commonest slips", ""]
        # where two are as frequent, what a hint names comes before a crash
        ranked = sorted(self.slips.items(), key=lambda item: (-item[1], ": stopped with " in item[0], item[0]))
        lines += [f"- {count} times: {slip}" for slip, count in ranked[:MOST]] or ["None."]
        lines += ["", "## Needs a look", ""]
        lines += [f"- **{row.student}** ({row.total:g} points): {'; '.join(row.looks)}" for row in self.looked_at()]
        return "\n".join(lines if self.looked_at() else [*lines, "Nobody."]) + "\n"

    def looked_at(self) -> list[Row]:
        """Return the rows that need a look."""
        return [row for row in self.rows if row.looks]

    def table(self) -> str:
        """Return the marks as CSV: a line a student, a column a part."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["student", *self.most, "total", "of", "to mark by hand", "needs a look"])
        for row in self.rows:
            marks = [f"{row.points.get(part, 0.0):g}" for part in self.most]
            ends = [f"{row.total:g}", f"{sum(self.most.values()):g}", " ".join(row.waits), "; ".join(row.looks)]
            writer.writerow([row.student, *marks, *ends])
        return text.getvalue()


def write(course: Course, name: str, looks: dict[str, list[str]]) -> Report:
    """Write `results/NAME/marks.csv` and `summary.md` from the gradebook; `looks` has all students."""
    rows, most, slips, left = [], {}, Counter(), Counter()
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "ganlab") as gradebook:
        for cell in gradebook.find_notebook(name, name).grade_cells:
            most[_part(cell.name)] = most.get(_part(cell.name), 0.0) + cell.max_score
        for student, words in looks.items():
            row = Row(student, dict.fromkeys(most, 0.0), looks=words)
            for grade in gradebook.find_submission_notebook(name, name, student).grades:
                row.points[_part(grade.name)] += grade.score or 0.0
                row.waits += [grade.name] if grade.needs_manual_grade else []
                by_hand = grade.name == _part(grade.name)
                left[grade.name] += by_hand and grade.auto_score == 0  # which nbgrader gives to an untouched answer
            rows.append(row)
            named, alone = _slips(course, name, student)
            slips.update(named)
            left.update(alone)
    report = Report(name, rows, most, slips, left)
    write_atomically(course.results(name) / "marks.csv", report.table().encode())
    write_atomically(course.results(name) / "summary.md", report.summary().encode())
    return report


def _part(grade_id: str) -> str:
    return re.sub(r"-(seen|hidden)$", "", grade_id)


def _slips(course: Course, name: str, student: str) -> tuple[set[str], set[str]]:
    """Return what a submission's tests named, such as "optimal-d: that is 1 - D*", and the parts left alone."""
    file = course.folder("autograded", name, student) / f"{name}.ipynb"
    found, alone = set(), set()
    for cell in nbformat.read(file, as_version=4).cells if file.is_file() else []:
        grade = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code" or not grade.get("grade"):
            continue
        for output in cell.outputs:
            text = output.get("text", "")
            alone |= {_part(grade.grade_id)} if ": not attempted" in text else set()
            hint = (
                f"stopped with {output.ename}" if output.output_type == "error" else text.partition("Hint: ")[2].strip()
            )
            found |= {f"{_part(grade.grade_id)}: {hint}"} if hint else set()
    return found, alone
