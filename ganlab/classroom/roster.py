"""Who is in the class: `roster.csv` in the course's folder, as a learning platform exports it or typed by hand."""

import csv
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from ganlab.classroom.course import Course, CourseError

FILE = "roster.csv"
# Names that the columns of usual exports have, in lower case. The first that is there is taken.
ID = ("student_id", "id", "username", "user name", "sis login id", "login", "sis user id", "email address")
ID += ("email", "e-mail")
NAME = ("name", "full name", "student name", "display name", "student")
FIRST = ("first_name", "first name", "firstname", "given name")
LAST = ("last_name", "last name", "lastname", "surname", "family name")


@dataclass(frozen=True)
class Member:
    """A student: the id, which is the folder's name in `submitted/`, and the name on the platform ("" if none)."""

    id: str
    name: str = ""


def read(course: Course) -> dict[str, Member]:
    """Return the class by id, in the order of `roster.csv`; empty if there is none."""
    file = course.root / FILE
    return {member.id: member for member in _members(file)} if file.is_file() else {}


def _members(file: Path) -> list[Member]:
    lines = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    if not lines:
        raise CourseError(f"{file.name}: is empty; expected a line a student")
    if not any(mark in lines[0] for mark in ",;\t"):  # names alone, perhaps below a head
        names = lines[1:] if lines[0].strip().lower() in (*ID, *NAME) else lines
        return _distinct([Member(name.strip()) for name in names], file)
    rows = list(csv.DictReader(lines, dialect=csv.Sniffer().sniff(lines[0], ",;\t")))
    columns = {(column or "").strip().lower(): column for column in rows[0]} if rows else {}
    column = _first(columns, ID) or columns.get("student") or _first(columns, NAME)
    if column is None:
        raise CourseError(f"{file.name}: no column for the student; expected one of {', '.join((*ID, *NAME))}")
    members = [
        Member((row[column] or "").strip(), _name(row, columns, column)) for row in rows if (row[column] or "").strip()
    ]
    return _distinct(members, file)


def _name(row: dict[str, str], columns: dict[str, str], used: str) -> str:
    if (column := _first(columns, NAME)) and column != used:
        return (row[column] or "").strip()
    parts = [row[column] or "" for column in (_first(columns, FIRST), _first(columns, LAST)) if column]
    return " ".join(part.strip() for part in parts).strip()


def _first(columns: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _distinct(members: list[Member], file: Path) -> list[Member]:
    ids = [member.id for member in members]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise CourseError(f"{file.name}: {', '.join(twice[:3])} stands there more than once")
    if bad := [name for name in ids if "/" in name or name.startswith(".")]:
        raise CourseError(f"{file.name}: got {bad[0]!r}, expected an id that can be a folder's name")
    return members


def alike(one: str, other: str) -> bool:
    """Say whether two names are the same but for case, accents, order of the words and what stands between them."""
    return _words(one) == _words(other)


def run_together(name: str, letters: str) -> bool:
    """Say whether `letters` are the words of a name, in some order, without anything between them: "doejane"."""
    words = _words(name)
    plain = "".join(_words(letters))
    return bool(words) and sorted("".join(words)) == sorted(plain) and all(word in plain for word in words)


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return sorted(letters.split())
