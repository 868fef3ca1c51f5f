"""How each part of an assignment did: solved by how many, what went wrong, whether it tells strong from weak work."""

import base64
import html
import re
import statistics
from collections import Counter
from dataclasses import dataclass, field

import nbformat

from ganlab.classroom.course import Course, CourseError
from ganlab.classroom.export import read_marks
from ganlab.classroom.slips import named_slips, part_of

FEWEST = 8  # submissions, below which a correlation says nothing
TERMS = re.compile(r"^\*\*\d+ points · (\w+) · (\d+) minutes\*\*$", re.MULTILINE)


HEAD = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>TITLE</title><style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; max-width: 70rem; color: #222 } img { max-width: 100% }
td, th { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid #ccc; vertical-align: top }
</style><h1>TITLE</h1>"""


@dataclass
class Question:
    """A part: its points, what the release says of it, what the class did with it."""

    name: str
    most: float
    difficulty: str = ""
    minutes: int = 0
    points: list[float] = field(default_factory=list)
    rests: list[float] = field(default_factory=list)  # of the same students: the points of all other parts
    left: int = 0
    slips: Counter[str] = field(default_factory=Counter)

    @property
    def solved(self) -> float:
        """The share of those who handed in that have all its points."""
        return sum(mark >= self.most for mark in self.points) / len(self.points) if self.points else 0.0

    @property
    def mean(self) -> float:
        """The mean share of its points."""
        return statistics.fmean(self.points) / self.most if self.points else 0.0

    @property
    def discrimination(self) -> float | None:
        """The correlation of its points with those of the other parts; None where there is too little to say."""
        if len(self.points) < FEWEST or len(set(self.points)) < 2 or len(set(self.rests)) < 2:
            return None
        return statistics.correlation(self.points, self.rests)


def gather(course: Course, name: str) -> list[Question]:
    """Return the parts of an assignment after its last grading; raise CourseError if there was none."""
    table = course.results(name) / "marks.csv"
    if not table.is_file():
        raise CourseError(f"{name} has not been graded: make grade A={name.partition('_')[0]}")
    questions = _parts(course, name)
    rows = [row for student, row in read_marks(course, name).items() if _is_marked(course, name, student)]
    for row in rows:
        marks = {part: float(row.get(part) or 0) for part in questions}
        for part, question in questions.items():
            question.points.append(marks[part])
            question.rests.append(sum(marks.values()) - marks[part])
        slips, left = named_slips(course.folder("autograded", name, row["student"]) / f"{name}.ipynb")
        for slip in slips:
            part, _, words = slip.partition(": ")
            if part in questions:
                questions[part].slips[words] += 1
        for part in left & set(questions):
            questions[part].left += 1
    return list(questions.values())


def _is_marked(course: Course, name: str, student: str) -> bool:
    return (course.folder("autograded", name, student) / f"{name}.ipynb").is_file()


def _parts(course: Course, name: str) -> dict[str, Question]:
    questions: dict[str, Question] = {}
    difficulty = ""
    minutes = 0
    for cell in nbformat.read(course.folder("release", name) / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "markdown" and (terms := TERMS.search(cell.source)):
            difficulty = terms[1]
            minutes = int(terms[2])
        grade = cell.metadata.get("nbgrader", {})
        if grade.get("grade"):
            part = part_of(grade.grade_id)
            question = questions.setdefault(part, Question(part, 0.0, difficulty, minutes))
            question.most += grade.points
    return questions


def page(name: str, questions: list[Question]) -> str:
    """Return the statistics as a page of its own, with two pictures and a table."""
    count = len(questions[0].points)
    title = f"{name}: the parts, by {count} submissions"
    text = [HEAD.replace("TITLE", title)]
    said = ", ".join(f"{one.name} {one.solved:.0%}" for one in questions)
    text.append(
        _picture(
            [one.name for one in questions],
            [100 * one.solved for one in questions],
            "full points, % of submissions",
            f"Bars, the share with full points: {said}.",
        )
    )
    known = [one for one in questions if one.discrimination is not None]
    if known:
        said = ", ".join(f"{one.name} {one.discrimination:.2f}" for one in known)
        values = [one.discrimination or 0.0 for one in known]
        axis = "discrimination: correlation with the other parts"
        text.append(_picture([one.name for one in known], values, axis, f"Bars, discrimination: {said}."))
    text.append(
        "<p>Discrimination is the correlation of a part's points with the sum of the others: near 0, the part tells"
        " little about who can do the rest; below 0, look at the part before you look at the students. It is left"
        f" out below {FEWEST} submissions and where all have the same points. Written parts count once you have"
        " marked them. Minutes are those that the assignment states: how long students took is not known.</p>"
    )
    head = "part, points, difficulty, minutes stated, full points, mean, not attempted, discrimination, first slips"
    text.append("<table><tr>" + "".join(f"<th>{one}</th>" for one in head.split(", ")) + "</tr>")
    text += [_row(one) for one in questions]
    return "\n".join([*text, "</table></html>\n"])


def _row(one: Question) -> str:
    discrimination = "" if one.discrimination is None else f"{one.discrimination:.2f}"
    slips = "<br>".join(f"{count} × {html.escape(words)}" for words, count in one.slips.most_common(3))
    values = [one.name, f"{one.most:g}", one.difficulty, str(one.minutes), f"{one.solved:.0%}", f"{one.mean:.0%}"]
    values += [str(one.left), discrimination, slips]
    return "<tr>" + "".join(f"<td>{value}</td>" for value in values) + "</tr>"


def _picture(names: list[str], values: list[float], axis: str, alt: str) -> str:
    from matplotlib.figure import Figure  # here: only this command needs it

    from ganlab import plots

    figure = Figure(figsize=(7.5, 0.6 + 0.3 * len(names)), layout="constrained")
    ax = figure.add_subplot()
    bars = ax.barh(names, values, color=plots.REAL)
    ax.bar_label(bars, fmt="%.0f" if max(map(abs, values)) > 1.5 else "%.2f", padding=3)
    ax.invert_yaxis()
    ax.set_xlabel(axis)
    ax.spines[["top", "right"]].set_visible(False)
    picture = base64.b64encode(plots.png(figure)).decode()
    return f"<p><img alt='{html.escape(alt, quote=True)}' src='data:image/png;base64,{picture}'></p>"
