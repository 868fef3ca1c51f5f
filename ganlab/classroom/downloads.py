"""Sorts a download from a learning platform, zip or folder, into `submitted/`: whose each file is, and when it came.

The patterns are written after what the platforms' exports are documented and seen to look like. None was tried against
a live one: `import` says what it made of each file, and a pattern of one's own can be given.
"""

import datetime
import hashlib
import json
import re
import shutil
import tempfile
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ganlab.classroom import roster
from ganlab.classroom.collecting import DAMAGED, TIMESTAMP, unpack
from ganlab.classroom.course import Course, CourseError
from ganlab.classroom.reading import printable
from ganlab.runtime import write_atomically

RECORD = "imported.json"  # in an assignment's results: what the last download of each student's held

# By system: paths below the download, as regular expressions with the groups student, file, and perhaps time, attempt.
PATTERNS = {
    # Name of Student_1234567_assignsubmission_file/1_game.ipynb; older ones end in "_file_", and without folders the
    # file's name follows at once
    "moodle": r"(?:.*/)?(?P<student>[^/]+?)_(?P<id>\d+)_assignsubmission_file(?:_?/|_)(?P<file>.+)",
    # Game_jdoe_attempt_2026-01-30-15-00-00_1_game.ipynb, beside a .txt of the same beginning
    "blackboard": r"(?:.*/)?(?P<title>[^/]*)_(?P<student>[^_/]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})_(?P<file>[^/]+)",
    # doejane_LATE_12345_67890_1_game-2.ipynb: her user's number, the file's, and the attempt at the end
    "canvas": r"(?:.*/)?(?P<student>[^_/]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>[^/]+?(?:-(?P<attempt>\d+))?\.\w+)",
}


@dataclass
class Sorted:
    """What came of a download: a line for each student, files of which nothing was made, who is missing in it.

    `not_on_roster` says of those whom it does not have, or may have twice, what they are called on the platform.
    """

    students: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    not_on_roster: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    time: datetime.datetime | None
    attempt: int

    def base(self) -> str:
        """Return the name without the number of an attempt: a platform counts the attempts of each file apart."""
        return re.sub(rf"-{self.attempt}(?=\.\w+$)", "", self.name) if self.attempt else self.name


def bring_in(course: Course, name: str, download: Path, *, system: str = "", pattern: str = "") -> Sorted:
    """Sort a download into `submitted/STUDENT/NAME`, the last attempt of each student.

    `system` is a key of PATTERNS, by default the one that fits most files; `pattern` a regular expression in its place.
    What lay there before goes to `replaced/`. Raises CourseError for a download that nothing can be made of.
    """
    if system and system not in PATTERNS:
        raise CourseError(f"--system: got {system!r}, expected one of {', '.join(PATTERNS)}")
    if download == Path():
        raise CourseError("download: got nothing, expected a zip or a folder: FILE=download.zip")
    download = download.expanduser()  # not every shell does so behind a "="
    if not download.exists():
        raise CourseError(f"download: there is no {download}")
    damaged: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="ganlab-import-") as folder:
        root = download
        if download.is_file():
            root = Path(folder) / "download"
            try:
                damaged = unpack(download, root, limited=False)
            except DAMAGED as error:
                raise CourseError(f"{download.name}: cannot be unpacked: {error}") from error
        paths = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith(".")]
        result = _sort(course, name, root, paths, _expression(pattern or PATTERNS.get(system, ""), root, paths))
        result.unknown += [f"{label}: {why}" for label, why in damaged]
        return result


def _expression(pattern: str, root: Path, paths: list[Path]) -> re.Pattern[str]:
    """Return the pattern, or the one of PATTERNS that fits most of the files."""
    if pattern:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise CourseError(f"--pattern: {error}") from error
        if not {"student", "file"} <= set(expression.groupindex):
            raise CourseError("--pattern: expected the groups (?P<student>...) and (?P<file>...)")
        return expression
    labels = [_label(path, root) for path in paths]
    fits = {name: sum(bool(re.fullmatch(one, label)) for label in labels) for name, one in PATTERNS.items()}
    best = max(fits, key=lambda name: fits[name])
    if not fits[best]:
        example = f", such as {labels[0]!r}" if labels else ""
        raise CourseError(
            f"download: none of its {len(labels)} files{example} fits {', '.join(PATTERNS)}; give --pattern"
        )
    return re.compile(PATTERNS[best])


def _label(path: Path, root: Path) -> str:
    """Return a path in the download, each letter with its accent as one: macOS keeps them apart."""
    return unicodedata.normalize("NFC", printable(path.relative_to(root).as_posix()))


def _sort(course: Course, name: str, root: Path, paths: list[Path], expression: re.Pattern[str]) -> Sorted:
    members = roster.read(course)
    result = Sorted()
    of_person: dict[tuple[str, str], list[_File]] = {}  # by name on the platform and, where there is one, number
    for path in paths:
        label = _label(path, root)
        match = expression.fullmatch(label)
        if not match or Path(match["file"]).name == TIMESTAMP:  # a time that a student wrote is none
            result.unknown.append(label)
            continue
        parts = match.groupdict()
        file = _File(path, parts["file"], _time(parts.get("time"), label), int(parts.get("attempt") or 0))
        of_person.setdefault((_person(parts, members), parts.get("id") or ""), []).append(file)
    record = course.results(name) / RECORD
    imported = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for student, (given, files) in sorted(_folders(of_person, members).items()):
        if members and student not in members:
            near = roster.matches(members, given)
            result.not_on_roster[student] = f"{given}, who may be {' or '.join(near)}" if near else given
        came = [
            [file.name, str(file.time), hashlib.sha256(file.path.read_bytes()).hexdigest()] for file in _last(files)
        ]
        result.students[student] = _place(course, name, student, _last(files), again=imported.get(student) == came)
        imported[student] = came
        left = len(files) - len(_last(files))
        result.students[student] += f", the last attempt (files of earlier ones: {left})" if left else ""
    write_atomically(record, json.dumps(imported, indent=1).encode())
    result.missing = [student for student in members if student not in result.students]
    return result


def _person(parts: dict[str, str | None], members: dict[str, roster.Member]) -> str:
    """Return the platform's name for a file's student; the roster tells a title from a user's name with "_" in it."""
    given = (parts["student"] or "").strip()
    before = (parts.get("title") or "").split("_")
    longer = ["_".join([*before[k:], given]) for k in range(len(before))]
    return next((name for name in longer if name in members), given)


def _folders(
    of_person: dict[tuple[str, str], list[_File]], members: dict[str, roster.Member]
) -> dict[str, tuple[str, list[_File]]]:
    """Return {folder: (name on the platform, files)}: an id on the roster, or the name as a folder can have it.

    Two people never share a folder: where names are alike, the platform's number stands behind each.
    """
    wanted = {}
    for given, number in of_person:
        known = [number] if number in members else roster.matches(members, given)
        plain = re.sub(r"[^\w.@-]+", "-", given).strip("-.") or "nobody"
        wanted[given, number] = known[0] if len(known) == 1 else plain
    counts = Counter(folder.casefold() for folder in wanted.values())  # on some disks "ada" and "Ada" are one folder
    folders: dict[str, tuple[str, list[_File]]] = {}
    for (given, number), folder in wanted.items():
        own = folder if counts[folder.casefold()] == 1 else "-".join(filter(None, [folder, number]))
        while own in folders:  # no number tells them apart
            own += "-again"
        folders[own] = given, of_person[given, number]
    return folders


def _last(files: list[_File]) -> list[_File]:
    """Return the files of the last attempt, by the time in their names, else each with the highest number."""
    latest = max((file.time for file in files if file.time), default=None)
    files = [file for file in files if file.time == latest]
    highest = {file.base(): 0 for file in files}
    for file in files:
        highest[file.base()] = max(highest[file.base()], file.attempt)
    return [file for file in files if file.attempt == highest[file.base()]]


def _time(text: str | None, label: str) -> datetime.datetime | None:
    """Return the time in a file's name, as this machine's."""
    if not text:
        return None
    digits = re.findall(r"\d+", text)
    try:
        return datetime.datetime(*map(int, digits[:6])).astimezone()
    except (TypeError, ValueError) as error:
        raise CourseError(f"{label}: time: got {text!r}, expected year, month, day, hour, minute, second") from error


def _place(course: Course, name: str, student: str, files: list[_File], *, again: bool) -> str:
    """Copy a student's files to where they are graded; return what was done.

    With `again` the last download held the same: what the teacher has put in their place since then stays.
    """
    folder = course.folder("submitted", name, student)
    words = ""
    if folder.is_dir() and any(folder.iterdir()):
        if all((folder / file.name).is_file() and _same(folder / file.name, file.path) for file in files):
            return "as before"
        if again:
            return "as before; what you have put into the folder since then stays"
        kept = course.root / "replaced" / student / name
        number = len(list(kept.glob("*"))) if kept.is_dir() else 0
        kept.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept / str(number))
        words = f"; what was there lies in {(kept / str(number)).relative_to(course.root).as_posix()}"
        if (kept / str(number) / TIMESTAMP).is_file() and not any(file.time for file in files):
            words += f", and so does its {TIMESTAMP}: write one for what came now"
    for file in files:
        target = folder / Path(file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
    when = max((file.time for file in files if file.time), default=None)
    if when:
        (folder / TIMESTAMP).write_text(
            when.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), encoding="utf-8"
        )
    at = f", handed in at {when:%Y-%m-%d %H:%M}" if when else ""
    return ", ".join(file.name for file in files) + at + words


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()
