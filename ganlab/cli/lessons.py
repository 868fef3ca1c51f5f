"""The student's own copies of the lessons: `python -m ganlab lessons` makes them in work/ and keeps them up to date.

work/ mirrors notebooks/, so links hold in it, and git does not look at it. What the student changed stays; what would
be overwritten is given a number first. What the course gave is recorded in work/.given.json, as hashes.
"""

import argparse
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ganlab import runtime

COURSE = runtime.files.PACKAGE.parent  # the clone; an installed package has no lessons beside it
RECORD = ".given.json"
LESSON = re.compile(r"(\d\d[a-z]?)_\w+\.ipynb")
RELEASES = Path("assignments") / "release"


@dataclass(frozen=True)
class Content:
    """A notebook as hashes: of the whole file, of each cell's text in order, of all outputs; its exercises' texts."""

    file: str
    cells: tuple[str, ...]
    outputs: str
    exercises: dict[str, str]

    def changed(self, other: "Content") -> int:
        """Return how many cells' texts are in one of the two alone, counting a cell that was edited once."""
        mine, theirs = Counter(self.cells), Counter(other.cells)
        return max((mine - theirs).total(), (theirs - mine).total())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes to its parser."""
    parser.add_argument("--fresh", metavar="NUMBER", help="start this lesson afresh, 03 say; yours is kept beside it")


def run(options: argparse.Namespace, course: Path = COURSE) -> int:
    """Make the copies or bring them up to date, and say of each lesson how it stands; return 0.

    Raises ValueError for a lesson that is none, and where there are no lessons, as in an installed package.
    """
    source = course / "notebooks"
    work = course / "work"
    numbers = {match[1]: path for path in source.glob("*.ipynb") if (match := LESSON.fullmatch(path.name))}
    if not numbers:
        raise ValueError("lessons: an installed package has none; clone the course and give this command there")
    if options.fresh is not None and options.fresh not in numbers:
        raise ValueError(f"--fresh: got {options.fresh!r}, expected one of {', '.join(sorted(numbers))}")
    given = _read_record(work)
    for name in _supplements(source):
        if not (work / name).exists():
            _copy(source / name, work / name)
    print(f"Your copies of the lessons, in {work}:")
    for path in [*sorted(numbers.values()), *_pages(source)]:
        afresh = options.fresh is not None and path == numbers[options.fresh]
        print(f"  {path.stem:<28} {_bring_up_to_date(path, work, given, afresh=afresh)}")
    for name in [name for name in given if not (source / name).exists()]:
        if (work / name).exists():
            print(f"  {Path(name).stem:<28} no longer in the course; {_retire(work / name, given[name])}")
        del given[name]
    record = {name: asdict(content) for name, content in sorted(given.items())}
    runtime.write_atomically(work / RECORD, json.dumps(record, indent=1).encode())
    return 0


def _bring_up_to_date(path: Path, work: Path, given: dict[str, Content], *, afresh: bool) -> str:
    """Copy one lesson where nothing of the student's is lost by it; note it in `given`, return what to say of it."""
    own = work / path.name
    new = read(path)
    known = given.get(path.name)
    mine = read(own) if own.exists() else None
    if mine is None or (afresh and mine.file != new.file):
        kept = f", yours is kept as {_keep(own)}" if mine else ""
        _copy(path, own)
        given[path.name] = new
        return f"new{kept}"
    if mine.cells == new.cells and (known is None or known.cells != new.cells):
        given[path.name] = known = new  # the record was lost, or a kill came between copy and record
    if known is None:
        return f"yours: not as the course gives it; {_offer(path)}"
    if mine.cells != known.cells:
        later = "" if new.cells == known.cells else f"; {_offer(path)}"
        part = "cell" if LESSON.fullmatch(path.name) else "page"
        return f"yours: {_count(mine.changed(known), part)} changed{_exercises(mine, known)}{later}"
    ran = mine.outputs != known.outputs
    if new.file == known.file or (ran and new.cells == known.cells):
        return "as given, and you ran it" if ran else "as given"
    kept = f"; what you had run is kept as {_keep(own)}" if ran else ""
    _copy(path, own)
    given[path.name] = new
    return f"brought up to date{kept}"


def _offer(path: Path) -> str:
    if not (lesson := LESSON.fullmatch(path.name)):
        return "there is a new version: give yours another name, and this command gives it"
    return f"there is a new version: python -m ganlab lessons --fresh {lesson[1]} gives it, and keeps yours beside it"


def _exercises(mine: Content, known: Content) -> str:
    if not known.exercises:
        return ""
    tried = sum(mine.exercises.get(name) not in (None, text) for name, text in known.exercises.items())
    return f", {tried} of {_count(len(known.exercises), 'exercise')} tried"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _keep(own: Path) -> str:
    """Rename a file to the first free number, 03_dcgan.1.ipynb say, and return that name."""
    number = 1
    while (kept := own.with_name(f"{own.stem}.{number}{own.suffix}")).exists():
        number += 1
    own.rename(kept)
    return kept.name


def _retire(own: Path, known: Content) -> str:
    """Remove a lesson that the course no longer has, unless the student did something with it; say which."""
    mine = read(own)
    if (mine.cells, mine.outputs) == (known.cells, known.outputs):
        own.unlink()
        return "removed, you had not changed it"
    return "yours is kept"


def _pages(source: Path) -> list[Path]:
    """Return the pages beside the lessons that are for looking up, such as the glossary."""
    return sorted(source.glob("*.md"))


def _supplements(source: Path) -> Iterator[Path]:
    """Yield what lies beside the lessons and is for students: pictures, and assignments as they are released.

    These are copied once and left alone: what lies in their place may be what a teacher gave out.
    """
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        hidden = any(part.startswith((".", "__")) for part in name.parts)
        foreign = name.parts[0] == RELEASES.parts[0] and not name.is_relative_to(RELEASES)
        watched = len(name.parts) == 1 and (LESSON.fullmatch(name.name) or path in _pages(source))
        if path.is_file() and not hidden and not foreign and not watched:
            yield name


def _copy(path: Path, to: Path) -> None:
    runtime.write_atomically(to, path.read_bytes())


def read(path: Path) -> Content:
    """Return a notebook's content; a file that is no notebook has one cell, its bytes."""
    data = path.read_bytes()
    file = _digest(data.hex())
    try:
        cells = json.loads(data)["cells"]
        texts = [_digest([cell["cell_type"], _joined(cell["source"])]) for cell in cells]
        outputs = [_joined(cell.get("outputs", [])) for cell in cells]
        marks = [cell["metadata"].get("ganlab", {}).get("exercise") for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError):  # cut off, or something else under this name
        return Content(file, (file,), "", {})
    exercises = {mark: text for mark, text in zip(marks, texts, strict=True) if mark}
    return Content(file, tuple(texts), _digest(outputs), exercises)


def _joined(value: object) -> object:
    """Return JSON in which texts are one: notebooks store them as lists of lines or not, as the writer likes."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "".join(value)
    if isinstance(value, dict):
        return {key: _joined(part) for key, part in value.items()}
    return [_joined(part) for part in value] if isinstance(value, list) else value


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _read_record(work: Path) -> dict[str, Content]:
    """Return what was given, by name; nothing where the record is missing or broken: then everything is kept."""
    try:
        record = json.loads((work / RECORD).read_bytes())
        return {
            name: Content(parts["file"], tuple(parts["cells"]), parts["outputs"], dict(parts["exercises"]))
            for name, parts in record.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
