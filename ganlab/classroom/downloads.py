"""Sorts a download from a learning platform, zip or folder, into `submitted/`: whose each file is, and when it came.

The patterns are written after what the platforms' exports are documented and seen to look like. None was tried against
a live one: `import` says what it made of each file, and a pattern of one's own can be given.
"""

import datetime
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from ganlab.classroom import roster
from ganlab.classroom.collecting import TIMESTAMP, unpack
from ganlab.classroom.course import Course, CourseError

# By system: paths below the download, as regular expressions with the groups student, file, and perhaps time, attempt.
PATTERNS = {
    # Name of Student_1234567_assignsubmission_file/1_game.ipynb; older ones end in "_file_"
    "moodle": r"(?:.*/)?(?P<student>[^/]+?)_\d+_assignsubmission_file_?/(?P<file>.+)",
    # Game_jdoe_attempt_2026-01-30-15-00-00_1_game.ipynb, beside a .txt of the same beginning
    "blackboard": r"(?:.*/)?[^/]*?_(?P<student>[^_/]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})_(?P<file>[^/]+)",
    # doejane_LATE_12345_67890_1_game-2.ipynb: her user's number, the file's, and the attempt at the end
    "canvas": r"(?:.*/)?(?P<student>[^_/]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>[^/]+?(?:-(?P<attempt>\d+))?\.\w+)",
}


@dataclass
class Sorted:
    """What came of a download: a line for each student, and files of which nothing was made."""

    students: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    not_on_roster: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    student: str
    time: datetime.datetime | None
    attempt: int

    def order(self) -> tuple[datetime.datetime, int]:
        return self.time or datetime.datetime.min, self.attempt


def bring_in(course: Course, name: str, download: Path, *, system: str = "", pattern: str = "") -> Sorted:
    """Sort a download into `submitted/STUDENT/NAME`, the last attempt of each student.

    `system` is a key of PATTERNS, by default the one that fits most files; `pattern` a regular expression in its place.
    What lay there before goes to `replaced/`. Raises CourseError for a download that nothing can be made of.
    """
    if system and system not in PATTERNS:
        raise CourseError(f"--system: got {system!r}, expected one of {', '.join(PATTERNS)}")
    if not download.exists():
        raise CourseError(f"download: there is no {download}")
    with tempfile.TemporaryDirectory(prefix="ganlab-import-") as folder:
        root = download
        if download.is_file():
            root = Path(folder) / "download"
            try:
                unpack(download, root, limited=False)
            except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
                raise CourseError(f"{download.name}: cannot be unpacked: {error}") from error
        paths = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith(".")]
        return _sort(course, name, root, paths, _expression(pattern or PATTERNS.get(system, ""), root, paths))


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
    labels = [path.relative_to(root).as_posix() for path in paths]
    fits = {name: sum(bool(re.fullmatch(one, label)) for label in labels) for name, one in PATTERNS.items()}
    best = max(fits, key=lambda name: fits[name])
    if not fits[best]:
        example = f", such as {labels[0]!r}" if labels else ""
        raise CourseError(
            f"download: none of its {len(labels)} files{example} fits {', '.join(PATTERNS)}; give --pattern"
        )
    return re.compile(PATTERNS[best])


def _sort(course: Course, name: str, root: Path, paths: list[Path], expression: re.Pattern[str]) -> Sorted:
    members = roster.read(course)
    result = Sorted()
    of_student: dict[str, list[_File]] = {}
    for path in paths:
        label = path.relative_to(root).as_posix()
        match = expression.fullmatch(label)
        if not match:
            result.unknown.append(label)
            continue
        parts = match.groupdict()
        student = _student(parts, members)
        if members and student not in members and student not in result.not_on_roster:
            result.not_on_roster.append(student)
        file = _File(path, parts["file"], student, _time(parts.get("time"), label), int(parts.get("attempt") or 0))
        of_student.setdefault(student, []).append(file)
    for student, files in sorted(of_student.items()):
        last = max(file.order() for file in files)
        chosen = [file for file in files if file.order() == last]
        result.students[student] = _place(course, name, student, chosen)
        attempts = len({file.order() for file in files})
        result.students[student] += f", the last of {attempts} attempts" if attempts > 1 else ""
    return result


def _student(parts: dict[str, str | None], members: dict[str, roster.Member]) -> str:
    """Return the id on the roster of the one that a platform names, or the platform's name as a folder's name."""
    given = (parts["student"] or "").strip()
    for known in (given, parts.get("id")):
        if known in members:
            return known
    names = [one.id for one in members.values() if roster.alike(given, one.name) or roster.alike(given, one.id)]
    names = names or [one.id for one in members.values() if roster.run_together(one.name, given)]
    if len(names) == 1:
        return names[0]
    return re.sub(r"[^\w.@-]+", "-", given).strip("-.") or "nobody"


def _time(text: str | None, label: str) -> datetime.datetime | None:
    """Return the time in a file's name, as this machine's."""
    if not text:
        return None
    digits = re.findall(r"\d+", text)
    try:
        return datetime.datetime(*map(int, digits[:6])).astimezone()
    except (TypeError, ValueError) as error:
        raise CourseError(f"{label}: time: got {text!r}, expected year, month, day, hour, minute, second") from error


def _place(course: Course, name: str, student: str, files: list[_File]) -> str:
    """Copy a student's files to where they are graded; return what was done."""
    folder = course.folder("submitted", name, student)
    words = ""
    if folder.is_dir() and any(folder.iterdir()):
        if all((folder / file.name).is_file() and _same(folder / file.name, file.path) for file in files):
            return "as before"
        kept = course.root / "replaced" / student / name
        number = len(list(kept.glob("*"))) if kept.is_dir() else 0
        kept.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept / str(number))
        words = f"; what was there lies in {(kept / str(number)).relative_to(course.root).as_posix()}"
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
