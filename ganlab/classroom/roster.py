"""Who is in the class: `roster.csv` in the course's folder, as a learning platform exports it or typed by hand."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ganlab.classroom import tables
from ganlab.classroom.course import Course, CourseError
from ganlab.classroom.reading import printable

FILE = "roster.csv"
# Names that the columns of usual exports have, in lower case. The first that is there is taken.
ID = ("student_id", "id", "username", "user name", "sis login id", "login", "sis user id", "email address")
ID += ("email", "e-mail")
NAME = ("name", "full name", "student name", "display name", "student")
FIRST = ("first_name", "first name", "firstname", "given name")
LAST = ("last_name", "last name", "lastname", "surname", "family name")
# Letters that are no letter with an accent, and what platforms write for them.
LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


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
    text = tables.text_of(file)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise CourseError(f"{file.name}: is empty; expected a line a student")
    if not any(mark in lines[0] for mark in tables.MARKS):  # names alone, perhaps below a head
        return _distinct([Member(name) for name in lines[lines[0].casefold() in (*ID, *NAME) :]], file)
    columns, rows = tables.rows(text)
    column = _first(columns, ID) or _first(columns, ("student",)) or _first(columns, NAME)
    if column is None:
        raise CourseError(
            f"{file.name}: no column for the student: the first line is {lines[0][:60]!r}; expected one of "
            f"{', '.join((*ID, *NAME))}, or a line a student, without commas"
        )
    members = [Member(row[column], _name(row, column)) for _, row in rows if row[column]]
    if not members:
        raise CourseError(f"{file.name}: nobody stands in the column {column!r}")
    return _distinct(members, file)


def _name(row: dict[str, str], used: str) -> str:
    if (column := _first(row, NAME)) and column != used:
        return row[column]
    parts = [row[column] for column in (_first(row, FIRST), _first(row, LAST)) if column]
    return " ".join(parts).strip()


def _first(columns: Iterable[str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in columns), None)


def _distinct(members: list[Member], file: Path) -> list[Member]:
    ids = [member.id for member in members]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise CourseError(f"{file.name}: {', '.join(twice[:3])} stands there more than once")
    for name in ids:
        if why := unusable(name):
            raise CourseError(f"{file.name}: got {name!r}, expected an id that can be a folder's name; it {why}")
    return members


def unusable(name: str) -> str:
    """Return why a student's folder cannot have that name, or "": nbgrader looks for patterns, and trims names."""
    if printable(name) != name:
        return "is not written in UTF-8"
    if name != name.strip() or name.startswith("."):
        return "begins with a dot, or begins or ends with a blank"
    letters = [repr(letter) for letter in "/\\*?[" if letter in name]
    return f"has a {' and a '.join(letters)}" if letters else ""


def matches(members: dict[str, Member], given: str) -> list[str]:
    """Return the ids of those whom an id or a name may mean: one where it is clear, several where names are shared."""
    if given in members:
        return [given]
    exact = [one.id for one in members.values() if alike(given, one.name) or alike(given, one.id)]
    return exact or [one.id for one in members.values() if run_together(one.name, given)]


def alike(one: str, other: str) -> bool:
    """Say whether two names are the same but for case, accents, order of the words and what stands between them."""
    return _words(one) == _words(other)


def run_together(name: str, letters: str) -> bool:
    """Say whether `letters` are the words of a name, in some order, without anything between them: "doejane"."""
    words = _words(name)
    plain = "".join(_words(letters))
    return bool(words) and sorted("".join(words)) == sorted(plain) and all(word in plain for word in words)


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name).casefold().translate(LETTERS)
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return sorted(letters.split())
