"""The teacher's guide keeps its word: checks from its text to complaints, and each is shown to notice what is wrong."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import lessons
import navigation
import nbformat
import pytest
from nbformat import NotebookNode
from test_lesson_style import stated_minutes

GUIDE = lessons.NOTEBOOKS / "assignments" / "README.md"
SOURCE = GUIDE.parent / "source"
Check = Callable[[str], list[str]]

COLUMNS, PER_MINUTE, DISCUSSION, MEETING = 150, 45, 15, 90  # characters; words of reading; minutes; minutes
PLANS = {"Six weeks": (6, 2 * MEETING), "Twelve weeks": (12, MEETING)}  # weeks, class minutes in each
PARTS = ("Goal", "Minutes", "Needs", "Misconceptions", "Discussion", "Skip")
REFERENCE = re.compile(r"(`+)(\d\d[a-z]?) › (#+ .+?)(?: › cell (\d+) of (\d+))?\1(?!`)")
LESSON = re.compile(r"\b\d\d[a-z]?\b")
TIMES = {
    "half an hour": 30,
    "three quarters of an hour": 45,
    "an hour": 60,
    "an hour and a quarter": 75,
    "two hours": 120,
    "three hours": 180,
    "three and a half hours": 210,
    "four hours": 240,
}
READING = re.compile(rf"Reading takes (?:about )?({'|'.join(TIMES)})[.,]")
ASSIGNMENT_WORK = re.compile(r"assignment (\d): (\d+)")


def notebooks() -> dict[str, NotebookNode]:
    return {lessons.number(path): lessons.read(path) for path in lessons.lessons()}


NOTEBOOKS = notebooks()


def cells_below(notebook: NotebookNode) -> dict[str, int]:
    """Return every heading, as written with its marks, and how many code cells stand below it before the next."""
    found, heading = {}, None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.MULTILINE | re.DOTALL)
            for heading in re.findall(r"^#{1,6} .+$", text, flags=re.MULTILINE):
                found[heading] = 0
        elif heading and cell.source.strip():
            found[heading] += 1
    return found


def section(guide: str, heading: str) -> str:
    """Return what stands below a heading of the guide, up to the next of its level or above; "" if it is missing."""
    level = len(heading.split()[0])
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", guide, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def lesson_sections(guide: str) -> dict[str, dict[str, str]]:
    """Return the parts of each lesson's section: number -> part -> text."""
    found = {}
    for number, notebook in NOTEBOOKS.items():
        text = section(guide, "##" + navigation.text(notebook).splitlines()[0])
        parts = re.findall(r"^- \*\*(\w+):\*\*(.*?)(?=^- \*\*|\Z)", text, re.MULTILINE | re.DOTALL)
        found[number] = dict(parts) if [name for name, _ in parts] == list(PARTS) else {}
    return found


def items(part: str) -> list[str]:
    return re.split(r"^  - ", part, flags=re.MULTILINE)[1:]


def rows(guide: str, heading: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    lines = [line for line in section(guide, heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def numbers(cell: str) -> list[str]:
    return re.findall(r"\d+(?:[a-z]\b)?", cell)


def minutes(guide: str) -> dict[str, list[int]]:
    """Return run, reading, exercises, discussion and their sum, as the guide states them for each lesson."""
    return {
        number: [int(digits) for digits in numbers(parts.get("Minutes", ""))]
        for number, parts in lesson_sections(guide).items()
    }


def references_exist(guide: str) -> list[str]:
    complaints = []
    for _, number, heading, cell, of in REFERENCE.findall(guide):
        below = cells_below(NOTEBOOKS[number]) if number in NOTEBOOKS else {}
        if heading not in below:
            complaints.append(f"lesson {number} has no heading {heading!r}")
        elif cell and not (1 <= int(cell) <= int(of) == below[heading]):
            complaints.append(f"{number} › {heading}: cell {cell} of {of}, but {below[heading]} stand there")
    marks = sum(1 + bool(cell) for *_, cell, _ in REFERENCE.findall(guide))
    return complaints + ([] if marks == guide.count("›") else [f"{guide.count('›')} marks ›, {marks} in references"])


def lessons_have_all_parts(guide: str) -> list[str]:
    complaints = []
    for number, parts in lesson_sections(guide).items():
        if not parts:
            complaints.append(f"lesson {number} has no section with its title and the parts {PARTS}, in this order")
            continue
        complaints += [f"lesson {number}: {name} is empty" for name in PARTS if not parts[name].strip()]
        wrong, talk = items(parts["Misconceptions"]), items(parts["Discussion"])
        if not (2 <= len(wrong) <= 3 and 2 <= len(talk) <= 3):
            complaints.append(f"lesson {number} has {len(wrong)} misconceptions, {len(talk)} questions: two or three")
        for item in wrong:
            if not any(found[1] == number and found[3] for found in REFERENCE.findall(item)):
                complaints.append(f"lesson {number}: no cell of its own dissolves {item[:50]!r}")
        for item in talk:
            if "?" not in item or "*A good answer:*" not in item:
                complaints.append(f"lesson {number}: no question, or no good answer: {item[:50]!r}")
        if not REFERENCE.search(parts["Skip"]):
            complaints.append(f"lesson {number}: what to skip is not named by its heading")
    return complaints


def sections_are_those_of_the_lessons(guide: str) -> list[str]:
    stated = re.findall(r"^### (.+)$", section(guide, "## Lesson by lesson"), re.MULTILINE)
    titles = [navigation.text(notebook).splitlines()[0].removeprefix("# ") for notebook in NOTEBOOKS.values()]
    return [] if stated == titles else [f"sections are {stated}, lessons are {titles}"]


def minutes_are_those_of_the_lessons(guide: str) -> list[str]:
    complaints = []
    for number, stated in minutes(guide).items():
        text = navigation.text(NOTEBOOKS[number])
        exercises = re.findall(r"^## (?:Exercise|Check)\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        given = sum(int(m) for one in exercises for m in re.findall(r"(?:about |, )(\d+) minutes\b", one))
        words = len(text.split()) - sum(len(one.split()) for one in exercises)
        if len(stated) != 5:
            complaints.append(f"lesson {number} states {stated}, not four numbers and their sum")
            continue
        run, reading, work, talk, total = stated
        if run != stated_minutes(NOTEBOOKS[number]):
            complaints.append(f"lesson {number}: run {run}, its Goal says {stated_minutes(NOTEBOOKS[number])}")
        if reading % 5 or abs(reading - words / PER_MINUTE) > 5:
            complaints.append(f"lesson {number}: reading {reading}, {words} words are {words / PER_MINUTE:.0f} minutes")
        if work != given:
            complaints.append(f"lesson {number}: exercises {work}, in the lesson they add up to {given}")
        if talk != DISCUSSION or total != run + reading + work + talk:
            complaints.append(f"lesson {number}: {stated} does not add up, or discussion is not {DISCUSSION}")
    return complaints


def reading_of_all_lessons_is_summed_rightly(guide: str) -> list[str]:
    own = [READING.search(" ".join(navigation.text(notebook).split())) for notebook in NOTEBOOKS.values()]
    expected = [sum(stated[1] for stated in minutes(guide).values() if len(stated) == 5)]
    expected += [sum(TIMES[found[1]] for found in own if found)] if all(own) else [-1]
    text = " ".join(section(guide, "## Minutes").split())
    found = re.search(r"this gives (\d+) minutes; the lessons' own estimates add up to (\d+)\.", text)
    said = [int(digits) for digits in found.groups()] if found else []
    return [] if said == expected else [f"reading in all: the guide says {said}, it is {expected}"]


def needs_are_those_of_the_lessons(guide: str) -> list[str]:
    complaints = []
    for number, parts in lesson_sections(guide).items():
        paragraph = re.search(r"\*\*You need:\*\*.*?(?=\n\n|\Z)", navigation.text(NOTEBOOKS[number]), re.DOTALL)
        linked = sorted(set(re.findall(r"\((\d\d[a-z]?)_\w+\.ipynb\)", paragraph[0]))) if paragraph else None
        if numbers(parts.get("Needs", "")) != linked:
            complaints.append(f"lesson {number} needs {linked}, the guide says {parts.get('Needs', '')!r}")
    return complaints


def assignment_rows(guide: str) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in rows(guide, "## The assignments")}


def plan_complaints(guide: str, name: str) -> Iterator[str]:
    weeks, class_minutes = PLANS[name]
    *plan, last = rows(guide, f"## {name}") or [[]]
    if [row[0] for row in plan] != [str(week) for week in range(1, weeks + 1)] or {len(row) for row in plan} != {8}:
        yield f"its weeks are not 1 to {weeks} in eight columns"
        return
    totals = {number: stated[-1] for number, stated in minutes(guide).items() if len(stated) == 5}
    named = [(number, week) for week, row in enumerate(plan, 1) for number in LESSON.findall(row[1])]
    named = [(number, week) for number, week in named if f"clinic: {number}" not in plan[week - 1][1]]
    taught = dict(named)  # lesson -> week
    main = [number for number in NOTEBOOKS if number.isdigit()]  # a second reading, with a letter, is nobody's duty
    if [number for number, _ in named] != main:
        yield f"its lessons are {[number for number, _ in named]}, the main path is {main}"
        return
    sums = [0, 0, 0]
    work: dict[str, list[tuple[int, int]]] = {}
    for week, (_, in_class, met, at_home, home, total, _, _) in enumerate(plan, 1):
        clinic = sum(int(digits) for digits in re.findall(r"clinic: (\d+)", in_class))
        for number, time in ASSIGNMENT_WORK.findall(at_home):
            work.setdefault(number, []).append((week, int(time)))
        expected = sum(totals.get(number, 0) for number, at in taught.items() if at == week) + clinic
        expected += sum(int(time) for _, time in ASSIGNMENT_WORK.findall(at_home))
        if int(total) != expected or int(met) + int(home) != expected or int(met) != class_minutes:
            yield f"week {week}: {met} + {home} = {total}, by its lessons and assignments {expected}"
        sums = [a + int(b) for a, b in zip(sums, (met, home, total), strict=True)]
    if [int(digits) for cell in last for digits in numbers(cell)] != sums:
        yield f"its last row is {last}, the sums are {sums}"
    heaviest = re.search(r"The heaviest week is (\d+) minutes", section(guide, f"## {name}"))
    if not heaviest or int(heaviest[1]) != max(int(row[5]) for row in plan):
        yield "the heaviest week is another"
    for number in main:
        for needed in numbers(lesson_sections(guide)[number].get("Needs", "")):
            if taught.get(needed, weeks + 1) > taught[number]:
                yield f"lesson {number} comes before {needed}, which it needs"
    for number, (title, follows, _, time) in assignment_rows(guide).items():
        out, back = ([week for week, row in enumerate(plan, 1) if number in numbers(row[k])] for k in (6, 7))
        at = work.get(number, [])
        if sum(time for _, time in at) != int(time):
            yield f"assignment {number}, {title}: {at} is not {time} minutes"
        elif len(out) != 1 or len(back) != 1 or not out[0] <= at[0][0] <= at[-1][0] <= back[0] or out == back:
            yield f"assignment {number}, {title}: out {out}, worked on {at}, in {back}"
        elif any(taught[lesson] > out[0] for lesson in numbers(follows)):
            yield f"assignment {number}, {title}: given out before a lesson that it follows"
    if set(work) != set(assignment_rows(guide)):
        yield f"assignments {sorted(work)}, not those of the table"


def plans_add_up(guide: str) -> list[str]:
    return [f"{name}: {complaint}" for name in PLANS for complaint in plan_complaints(guide, name)]


def links_lead_somewhere(guide: str) -> list[str]:
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", guide, re.MULTILINE)
    }
    complaints = []
    for link in re.findall(r"\]\(([^)]+)\)", guide):
        path, _, anchor = link.partition("#")
        if "://" not in link and not (GUIDE.parent / path).exists():
            complaints.append(f"no file {link}")
        if not path and anchor not in anchors:
            complaints.append(f"no heading #{anchor}")
    return complaints


def lines_are_short(guide: str) -> list[str]:
    return [f"longer than {COLUMNS} characters: {line!r}" for line in guide.splitlines() if len(line) > COLUMNS]


def assignments_are_in_the_guide(guide: str, source: Path = SOURCE) -> list[str]:
    """Complain of assignments that the guide's table lacks, calls otherwise, or allows fewer minutes than they take."""
    complaints = []
    for path in sorted(source.glob("[0-9]*_*/[0-9]*_*.ipynb")):
        if path.parent.name.startswith(".") or path.stem != path.parent.name:
            continue
        number, _, words = path.stem.partition("_")
        title, *_, allowed = assignment_rows(guide).get(number, [""] * 4)
        if not set(words.split("_")) & set(title.lower().split()):
            complaints.append(f"{path.stem} is not in the table of assignments, or not under this name")
            continue
        text = navigation.text(nbformat.read(path, as_version=4))
        given = sum(int(m) for m in re.findall(r"^\*\*\d+ points? · \w+ · (\d+) minutes?\*\*", text, re.MULTILINE))
        if given > int(allowed):
            complaints.append(f"{path.stem} takes {given} minutes, the guide allows {allowed}")
    return complaints


# Each check with changes of the guide, (pattern, replacement), of which it must complain.
CHECKS: dict[Check, list[tuple[str, str]]] = {
    references_exist: [
        (r"(`\d\d › ##) ", r"\1 No "),
        (r"› cell \d+ of (\d+)`", r"› cell 99 of \1`"),
        (r"› cell (\d+) of \d+`", r"› cell \1 of 99`"),
        (r"`\d\d › ##", "`99 › ##"),
        (r"`(\d\d › ##)", r"\1"),
    ],
    sections_are_those_of_the_lessons: [(r"### 04 · ", "### 04 · No "), (r"### 10 · .*\n", "")],
    lessons_have_all_parts: [
        (r"- \*\*Goal:\*\* ", "- "),
        (r"- \*\*Needs:\*\* nothing", "- **Needs:**"),
        (r"(- \*\*Misconceptions:\*\*\n)(?:.|\n)*?(- \*\*Discussion)", r"\1\2"),
        (r"(- \*\*Misconceptions:(?:.(?!`\d\d ›)|\n)*.)`\d\d › [^`]* › cell \d+ of \d+`", r"\1"),
        (r"\*A good answer:\*", "*Answer:*"),
        (r"\? (\*A good answer:\*)", r". \1"),
        (r"- \*\*Skip:\*\* `00.*?`", "- **Skip:** nothing"),
    ],
    minutes_are_those_of_the_lessons: [
        (r"(- \*\*Minutes:\*\* )\d+", r"\g<1>99"),
        (r"(- \*\*Minutes:\*\* \d+ \+ )\d+", r"\g<1>500"),
        (r"(- \*\*Minutes:\*\* \d+ \+ \d+ \+ )\d+", r"\g<1>500"),
        (r"(- \*\*Minutes:\*\* .*) \+ 15 =", r"\1 + 10 ="),
        (r"(- \*\*Minutes:\*\* .* = )\d+", r"\g<1>7"),
        (r"(- \*\*Minutes:\*\*) .*", r"\1 long"),
    ],
    reading_of_all_lessons_is_summed_rightly: [
        (r"this gives \d+", "this gives 921"),
        (r"add up to \d+", "add up to 5"),
    ],
    needs_are_those_of_the_lessons: [(r"(\*\*Needs:\*\* \d\d)\n", r"\1, 10\n")],
    plans_add_up: [
        (r"(\| 2 \| lessons .*\|) \d+( \|[^|]*\|[^|]*\|\n)", r"\1 9999\2"),
        (r"(\| 2 \| lessons .*\|) \d+( \| \d+ \|[^|]*\|[^|]*\|\n)", r"\1 1\2"),
        (r"lessons 03, 04, 05 ", "lessons 03, 04 "),
        (r"lessons 05, 06 \|(.*)\n(.*) lessons 07, 08", r"lessons 07, 08 |\1\n\2 lessons 05, 06"),
        (r"assignment 2: 130", "assignment 2: 90"),
        (r"(\| 3 \| lessons 06, 07, 08 .*\|) 3 \|", r"\1 |"),
        (r"(\| 1 \| lessons 00, 01, 02 .*\|) 1 \|", r"\1 1, 2 |"),
        (r"(\| 4 \| lessons 04 .*\| 2 \|) 1 \|", r"\1 |"),
        (r"(\| 2 \| lessons 02 .*\|) 1 \| \|\n(\| 3 \| .*\|) \| \|\n", r"\1 | |\n\2 1 | |\n"),
        (r"clinic: 90", "clinic: 80"),
        (r"(\| all \|.*\| \d+ \|) \d+ \|", r"\1 7 |"),
        (r"heaviest week is \d+", "heaviest week is 9"),
        (r"\| 12 \| clinic.*\n", ""),
        (r"\| 1 \| The game \| 01, 02 \|", "| 1 | The game | 01, 03 |"),
        (r"\| 5 \| Project .*\n", ""),
        (r"(### 02 · (?:.|\n)*?\*\*Needs:\*\* .*)\n", r"\1, 10\n"),
    ],
    links_lead_somewhere: [(r"\.\./\.\./README\.md", "../README.md"), (r"\(#six-weeks\)", "(#six-week)")],
    lines_are_short: [(r"\n# |^# ", "# " + "long " * 40)],
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_guide(check: Check) -> None:
    complaints = check(GUIDE.read_text(encoding="utf-8"))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    "check, pattern, replacement",
    [(check, *change) for check, changes in CHECKS.items() for change in changes],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_wrong_guide_is_noticed(check: Check, pattern: str, replacement: str) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    wrong, changed = re.subn(pattern, replacement, guide, count=1)
    assert changed and wrong != guide, f"the guide has nothing like {pattern!r}: give this test another change"
    assert check(wrong)


def test_every_assignment_is_in_the_guide() -> None:
    complaints = assignments_are_in_the_guide(GUIDE.read_text(encoding="utf-8"))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    "name, time, noticed",
    [("1_the_game", 100, False), ("6_video", 100, True), ("2_the_bound", 100, True), ("1_the_game", 140, True)],
)
def test_an_assignment_that_the_guide_lacks_is_noticed(tmp_path: Path, name: str, time: int, noticed: bool) -> None:
    text = f"## Part 1.1 · One\n\n**60 points · easy · {time - 40} minutes**\n\n**40 points · hard · 40 minutes**"
    cells = [nbformat.v4.new_markdown_cell(text)]
    (tmp_path / name).mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / name / f"{name}.ipynb")
    complaints = assignments_are_in_the_guide(GUIDE.read_text(encoding="utf-8"), tmp_path)
    assert bool(complaints) == noticed


def test_a_lesson_with_a_letter_is_read_in_the_guide() -> None:
    assert REFERENCE.search("see `01b › ## Run › cell 1 of 2`")[2] == "01b"
    assert numbers("01, 01b and 02") == ["01", "01b", "02"] and numbers("20 5") == ["20", "5"]
    assert LESSON.findall("01, 01b; clinic: 02") == ["01", "01b", "02"]
