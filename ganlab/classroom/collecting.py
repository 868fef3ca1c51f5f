"""Looks through what a student handed in, however it is wrapped, and takes the notebook of the assignment from it."""

import contextlib
import datetime
import re
import shutil
import unicodedata
import zipfile
import zlib
import zoneinfo
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from ganlab.classroom import tables
from ganlab.classroom.reading import LARGEST_MB, UnreadableError, printable, read

LITTER = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db", "desktop.ini", ".git", ".Trash"}
TIMESTAMP = "timestamp.txt"  # nbgrader's: when it was handed in
MOST_FILES = 2000  # of an archive
# What reading one file of an archive may raise: damaged, encrypted, packed in an unknown way, not to be written here.
DAMAGED = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
OLD_NAMES = ("utf-8", "cp437", "cp850", "cp1252")  # how file names in a zip may be written that does not say how
DISGUISES = (".txt", ".json", "")  # endings under which browsers and systems save a notebook
EXPORTS = {".html", ".htm", ".pdf", ".py", ".docx", ".doc", ".md", ".txt", ".rar", ".7z"}


@dataclass
class HandIn:
    """What one student handed in: the notebook and what lies beside it, what is to be said, and what was not used."""

    notebook: NotebookNode | None = None
    file: str = ""  # what was taken, as the teacher finds it
    extras: dict[str, Path] = field(default_factory=dict)  # by the name it has beside the notebook
    remarks: list[str] = field(default_factory=list)
    unused: list[tuple[str, str]] = field(default_factory=list)  # (what, why)


@dataclass
class _Candidate:
    path: Path
    label: str
    notebook: NotebookNode
    known: int  # cells of the assignment that it has
    worked_on: int  # answers that are not as they were released

    def rank(self, name: str) -> tuple[bool, bool, int, float]:
        return self.worked_on > 0, self.path.name == f"{name}.ipynb", self.worked_on, self.path.stat().st_mtime


def collect(home: Path, name: str, release: NotebookNode, *, place: Path, others: list[str]) -> HandIn:
    """Return what the student with the folder `home` handed in for assignment `name`.

    Taken is what lies in the folder of the assignment, in one with nearly its name, or, where neither holds a notebook
    of the assignment, beside it. Archives are unpacked into `place`. `others` are the other assignments' names, whose
    folders are left alone.
    """
    hand_in = HandIn()
    if not home.is_dir():
        hand_in.remarks.append("handed in nothing")
        return hand_in
    entries = sorted(one for one in home.iterdir() if not _is_litter(one))
    exact = [one for one in entries if one.name == name]
    near = [one for one in entries if one.name != name and one.is_dir() and _is_near(one.name, name)]
    beside = [
        one for one in entries if one not in exact + near and _plain_name(one.name) not in map(_plain_name, others)
    ]
    beside = [one for one in beside if one.name != TIMESTAMP]
    chosen: _Candidate | None = None
    for group in (exact, near, beside):
        if group and chosen is None:
            chosen = _choose(group, name, home, release, place, hand_in)
            if chosen and group is not exact:
                hand_in.remarks.append(f"was found at {chosen.label}, not in the folder {name}")
        elif group:
            hand_in.unused += [(_label(one, home), f"lies beside what was graded, {hand_in.file}") for one in group]
    _time_stamp(home, name, hand_in)
    if chosen is None:
        there = _relevant(hand_in.unused)
        hand_in.remarks.append(
            "; ".join(there) if there else "handed in nothing" if not exact else f"has no {name}.ipynb"
        )
    return hand_in


def _choose(
    group: list[Path], name: str, home: Path, release: NotebookNode, place: Path, hand_in: HandIn
) -> _Candidate | None:
    """Take the notebook of the assignment out of files and folders, and the files beside it, into `hand_in`."""
    files: list[tuple[Path, str, Path]] = []  # file, label, the folder that it is relative to
    for one in group:
        for file in [one] if not one.is_dir() else _files(one):
            files += _unpacked(file, _label(file, home), one if one.is_dir() else home, place, hand_in)
    candidates = []
    for file, label, _ in files:
        sure = file.suffix.lower() == ".ipynb"
        if not sure and file.suffix.lower() not in DISGUISES:
            continue
        try:
            notebook = read(file)
        except UnreadableError as error:
            hand_in.unused += [(label, f"cannot be read as a notebook: it {error}")] * sure
            continue
        known, worked_on = _likeness(notebook, release)
        if known == 0 and not sure:
            continue
        if known == 0 and file.name != f"{name}.ipynb":
            hand_in.unused.append((label, "is a notebook of something else: no cell of this assignment is in it"))
            continue
        candidates.append(_Candidate(file, label, notebook, known, worked_on))
    if not candidates:
        hand_in.unused += [
            (label, _why_not(path))
            for path, label, _ in files
            if path.suffix.lower() in EXPORTS and path.name != TIMESTAMP
        ]
        return None
    best = max(candidates, key=lambda one: one.rank(name))
    hand_in.notebook = best.notebook
    hand_in.file = best.label
    if len(candidates) > 1:
        rest = ", ".join(f"{one.label} ({_work(one)})" for one in candidates if one is not best)
        hand_in.remarks.append(f"of several notebooks {best.label} was graded ({_work(best)}), not {rest}")
        hand_in.unused += [(one.label, f"{best.label} was graded") for one in candidates if one is not best]
    elif best.path.name != f"{name}.ipynb":
        hand_in.remarks.append(f"was handed in as {best.path.name}, graded as {name}.ipynb")
    _add_extras(files, best, hand_in)
    return best


def _add_extras(files: list[tuple[Path, str, Path]], best: _Candidate, hand_in: HandIn) -> None:
    """Take what lies beside the notebook, time stamps apart."""
    root = best.path.parent
    total = 0
    for path, _, _ in files:
        if path == best.path or path.suffix.lower() == ".ipynb" or path.is_symlink() or not path.is_file():
            continue
        inside = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath(path.name)
        total += path.stat().st_size
        if inside.name != TIMESTAMP:
            hand_in.extras.setdefault(printable(str(inside)), path)
    if total > LARGEST_MB * 1e6:
        hand_in.remarks.append(f"brings files of more than {LARGEST_MB} MB, which were left out")
        hand_in.extras = {}


def _time_stamp(home: Path, name: str, hand_in: HandIn) -> None:
    """Take the time stamp that a platform or a teacher wrote, and no file of a student's that has its name."""
    for file in (home / name / TIMESTAMP, home / TIMESTAMP):
        if file.is_file() and not file.is_symlink():
            hand_in.extras[TIMESTAMP] = file
            return


def stamp(text: str) -> datetime.datetime | None:
    """Return the time in UTC, without a zone, of a `timestamp.txt`; None if it cannot be understood.

    nbgrader writes "2026-11-10 08:30:00.123 Europe/Paris"; a time without a zone is this machine's. A teacher may write
    it as in `deadlines.csv`.
    """
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(\S*)", tables.iso(text))
    if match is None:
        return None
    time, zone = match.groups()
    try:
        if zone and not zone.startswith(("+", "-", "Z")):
            when = datetime.datetime.fromisoformat(time).replace(tzinfo=zoneinfo.ZoneInfo(zone))
        else:
            when = datetime.datetime.fromisoformat(time + zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # "America" is a folder of zones
        return None
    return when.astimezone(datetime.UTC).replace(tzinfo=None)


def _files(folder: Path) -> list[Path]:
    """Return the files in a folder and below it, without what systems add; folders that are links are not entered."""
    files = []
    for path in sorted(folder.iterdir()):
        if _is_litter(path):
            continue
        files += [path] if path.is_symlink() or not path.is_dir() else _files(path)
    return files


def _unpacked(file: Path, label: str, root: Path, place: Path, hand_in: HandIn) -> list[tuple[Path, str, Path]]:
    """Return a file, or what is in it if it is an archive, each with its label."""
    if file.is_symlink() or not file.is_file():
        hand_in.remarks.append(
            f"links to another place: {printable(file.name)}" if file.is_symlink() else f"{label} is no file"
        )
        return []
    if file.suffix.lower() != ".zip":
        return [(file, label, root)]
    target = place / f"zip-{len(list(place.glob('zip-*'))) if place.is_dir() else 0}"
    try:
        damaged = unpack(file, target)
    except DAMAGED as error:
        hand_in.unused.append((label, f"cannot be unpacked: {str(error)[:100]}"))
        return []
    hand_in.unused += [(f"{label}/{name}", f"was not unpacked: {why[:100]}") for name, why in damaged]
    return [(one, f"{label}/{one.relative_to(target)}", target) for one in _files(target)]


def unpack(archive: Path, target: Path, *, limited: bool = True) -> list[tuple[str, str]]:
    """Unpack a zip into the new folder `target`, without what systems add and what leads out of it.

    A student's is limited in size; a teacher's own is not. Returns the files that could not be unpacked, and why.

    Raises ValueError for what is too large, and what `zipfile` raises for what is no zip.
    """
    damaged = []
    with zipfile.ZipFile(archive) as file:
        members = [one for one in file.infolist() if not one.is_dir()]
        if limited and (len(members) > MOST_FILES or sum(one.file_size for one in members) > LARGEST_MB * 1e6):
            raise ValueError(f"it holds more than {MOST_FILES} files or {LARGEST_MB} MB")
        target.mkdir(parents=True)
        for member in members:
            name = _name_of(member)
            parts = PurePosixPath(name.replace("\\", "/")).parts
            if any(_is_litter(Path(part)) for part in parts):
                continue
            if not parts or ".." in parts or parts[0] == "/" or re.fullmatch("[A-Za-z]:", parts[0]):
                damaged.append((name, "its path leads out of the zip"))
                continue
            path = target.joinpath(*parts)
            if path.exists():
                damaged.append((name, "stands in the zip more than once, and the first was taken"))
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with file.open(member) as source, open(path, "wb") as copy:
                    shutil.copyfileobj(source, copy)
            except DAMAGED as error:
                with contextlib.suppress(OSError):
                    path.unlink()
                damaged.append((name, str(error)))
    return damaged


def _name_of(member: zipfile.ZipInfo) -> str:
    """Return a member's name; where the zip does not say how names are written, the first way that gives letters."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename
    written = member.filename.encode("cp437")  # as zipfile takes them to be
    for encoding in OLD_NAMES:
        try:
            name = written.decode(encoding)
        except UnicodeDecodeError:
            continue
        others = [letter for letter in name if not letter.isascii()]
        if encoding == "utf-8" or all(unicodedata.name(letter, "").startswith("LATIN ") for letter in others):
            return name
    return member.filename


def _likeness(notebook: NotebookNode, release: NotebookNode) -> tuple[int, int]:
    """Return how many cells of the release a notebook has, and how many answers in it are not as released."""
    names = {cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata}
    texts = {cell.source.strip() for cell in notebook.cells}
    known = answered = 0
    for cell in release.cells:
        mine = cell.metadata.get("nbgrader", {})
        if not mine:
            known += len(cell.source) > 80 and cell.source.strip() in texts
            continue
        here = mine.grade_id in names or cell.source.strip() in texts
        known += here
        answered += bool(mine.solution and cell.source.strip() not in texts)
    return known, answered if known else 0


def _work(candidate: _Candidate) -> str:
    return f"{candidate.worked_on} answers changed" if candidate.worked_on else "untouched"


def _why_not(path: Path) -> str:
    kind = path.suffix.lower().removeprefix(".")
    return f"is a .{kind}, and a notebook, .ipynb, is what is graded"


def _relevant(unused: list[tuple[str, str]]) -> list[str]:
    return [f"{what} {why}" for what, why in unused][:3]


def _label(path: Path, home: Path) -> str:
    return printable(path.relative_to(home).as_posix())


def _is_litter(path: Path) -> bool:
    return path.name in LITTER or path.name.startswith("._")


def _is_near(name: str, wanted: str) -> bool:
    """Say whether a folder's name is the wanted one in other letters: "1_Game", "1 game (2)", "1-game"."""
    return re.sub(r"\W*\(?\d+\)?$", "", name).strip() and _plain_name(name) in (
        _plain_name(wanted),
        *(f"{_plain_name(wanted)}{k}" for k in range(1, 10)),
        f"{_plain_name(wanted)}copy",
    )


def _plain_name(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
