"""What the lessons refer to: bibliography, glossary and notation as entries, and where the lessons use them.

The first two are lists of entries, a paragraph each, that begin with a place to link to: `<a id="x"></a>**name** ...`.
Notation is a table, a line for each meaning of a letter: `| $m$ | mean | 01, 05 |`.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import lessons
import navigation
from nbformat import NotebookNode

BIBLIOGRAPHY = lessons.NOTEBOOKS / "bibliography.md"
GLOSSARY = lessons.NOTEBOOKS / "glossary.md"
NOTATION = lessons.NOTEBOOKS / "notation.md"
PAGES = (GLOSSARY, NOTATION, BIBLIOGRAPHY)
ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')
ENTRY = re.compile(r'^<a id="([\w-]+)"></a>(\*\*.+)$', re.MULTILINE)
TERM = re.compile(r"((?:\*\*[^*]+\*\*(?:, | or )?)+) \(\[(\d\d[a-z]?)\]\((\d\d[a-z]?_\w+\.ipynb)\)\)\. (.+)")
SOURCE = re.compile(r"\*\*([^*]+\S)\.\*\* (.+)")
CITATION = re.compile(r"\[([^\]]+)\]\(bibliography\.md#([\w-]+)\)")
NAMES = r"[A-Z][\w'’-]+(?:\s+et\s+al\.|(?:,\s+[A-Z][\w'’-]+)*\s+and\s+(?:van\s+)?[A-Z][\w'’-]+)"
MENTION = re.compile(rf"({NAMES}),?\s+\(?((?:19|20)\d\d[a-z]?)\b")
LETTERS = str.maketrans({"ø": "o", "ı": "i", "ł": "l", "æ": "ae", "ß": "ss"})  # which have no accent to take off


@dataclass(frozen=True)
class Source:
    """A source in the bibliography: its place, the short name that it is cited by, the rest."""

    anchor: str
    name: str
    text: str


@dataclass(frozen=True)
class Term:
    """A term of the glossary: its place, its forms, the lesson that introduces it and its file, what it means."""

    anchor: str
    forms: tuple[str, ...]
    lesson: str
    file: str
    text: str


@dataclass(frozen=True)
class Letter:
    """A line of the notation's table: the sign as written, its letters, a meaning, the lessons where it has it."""

    sign: str
    signs: tuple[str, ...]
    meaning: str
    lessons: tuple[str, ...]


def slug(name: str) -> str:
    """Return the place of an entry: small letters without accents, hyphens for all the rest."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(LETTERS))
    return re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c))).strip("-")


def sources(text: str) -> list[Source]:
    """Return the bibliography's entries; ValueError for one that is written otherwise."""
    found = []
    for anchor, entry in ENTRY.findall(text):
        if not (parts := SOURCE.fullmatch(entry)):
            raise ValueError(f"entry {anchor}: got {entry[:60]!r}, expected `**Name 2014.** Authors. *Title* Venue.`")
        found.append(Source(anchor, *parts.groups()))
    return found


def terms(text: str) -> list[Term]:
    """Return the glossary's entries; ValueError for one that is written otherwise."""
    found = []
    for anchor, entry in ENTRY.findall(text):
        if not (parts := TERM.fullmatch(entry)):
            raise ValueError(f"entry {anchor}: got {entry[:60]!r}, expected `**term** ([04](04_x.ipynb)). A sentence.`")
        forms, lesson, file, meaning = parts.groups()
        found.append(Term(anchor, tuple(re.findall(r"\*\*([^*]+)\*\*", forms)), lesson, file, meaning))
    return found


def letters(text: str) -> list[Letter]:
    """Return the lines of the notation's tables; one without a sign has the sign of the line above."""
    found, sign = [], ""
    for cell, meaning, where in re.findall(r"^\|([^|]*)\| (.+) \| ([\d\w, ]+) \|$", text, re.MULTILINE):
        sign = cell.strip() or sign
        if cell.strip() in ("Sign", "Letter") or "$" not in sign:
            continue
        signs = tuple(re.findall(r"\$(?:\^\{?)?(\\?[A-Za-z]+|\*)", sign))
        found.append(Letter(sign, signs, meaning, tuple(re.findall(r"\d\d[a-z]?", where))))
    return found


def formulas(notebook: NotebookNode) -> str:
    """Return all formulas of a lesson, a line each, without words in them."""
    text = re.sub(r"```.*?```|`[^`\n]*`", " ", navigation.text(notebook), flags=re.DOTALL)
    found = re.findall(r"\$\$(.+?)\$\$|(?<!\\)\$((?:[^$\n]|\n(?!\n))+?)\$", text, re.DOTALL)
    words = r"\\(?:text|mathrm|operatorname|tag)\*?\s*_?\{[^{}]*\}"
    return "\n".join(" ".join(re.sub(words, " ", one or other).split()) for one, other in found)


def has_sign(sign: str, text: str) -> bool:
    """Return whether a letter, or a sign such as \\lambda, stands in formulas as a sign of its own."""
    return bool(re.search(rf"(?<![A-Za-z\\]){re.escape(sign)}(?![A-Za-z])", text))


def citations(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Return the label and the place of each link to the bibliography."""
    return CITATION.findall(navigation.text(notebook))


def mentions(notebook: NotebookNode) -> set[str]:
    """Return the short names in a lesson's text, linked or not: "Lin and Ye 2017", also of "Lin and Ye (2017)"."""
    return {" ".join(f"{names} {year}".split()) for names, year in MENTION.findall(navigation.text(notebook))}


def sources_paragraph(notebook: NotebookNode) -> str:
    """Return the paragraph in which a lesson names its sources, or ""."""
    found = re.search(r"^\*\*Sources\.\*\*.*?(?=\n\n|\Z)", navigation.text(notebook), re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def prose(notebook: NotebookNode, *, ahead: bool = False) -> str:
    """Return what a lesson says in its own words, a sentence a line: no code, formula, sources.

    Left out, too, are sentences that point to a later lesson, unless `ahead`, and the card of names in lesson 00,
    which is there to come back to.
    """
    number = "99" if ahead else lesson_number(notebook)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and not navigation.generated(cell)]
    text = "\n\n".join(cell for cell in cells if not cell.startswith("### A card to come back to"))
    text = re.sub(r"^\*\*(?:Sources|Next|You need)[:.]\*\*.*?(?=\n\n|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"```.*?```|\$\$.*?\$\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"`[^`\n]*`|(?<!\\)\$(?:[^$\n]|\n(?!\n))+?\$", " ", text)
    sentences = re.split(r"(?<=[.?!:;])\s+|\n\n|\n(?=[-|#>*\d])", text)
    return "\n".join(" ".join(one.split()) for one in sentences if not points_ahead(one, number))


def lesson_number(notebook: NotebookNode) -> str:
    """Return the number in a lesson's title, such as "04b"."""
    return re.search(r"^# (\d\d[a-z]?) · ", navigation.text(notebook), re.MULTILINE)[1]


def points_ahead(sentence: str, number: str) -> bool:
    """Return whether a sentence names a lesson that comes later in the course than the lesson `number`."""
    named = re.findall(r"(?:\(|[Ll]essons? |, |and |\[)(\d\d[a-z]?)(?:_\w+\.ipynb|\b)", sentence)
    return any(one > number for one in named)


def uses(form: str, text: str) -> list[str]:
    """Return the sentences of `prose` that use a term in one of its forms, as a word, in singular or plural."""
    words = r"[\s-]+".join(re.escape(word) for word in re.split(r"[\s-]+", form))
    pattern = re.compile(rf"(?<![\w-]){words}(?:s|es)?(?![\w-])", 0 if re.search("[A-Z]{2}", form) else re.IGNORECASE)
    return [line for line in text.split("\n") if pattern.search(line)]


def order(number: str) -> tuple[str, str]:
    """Return what sorts the lessons: the number, then the letter."""
    return number[:2], number[2:]


def path_of(number: str) -> Path | None:
    """Return the file of a lesson, or None."""
    return next((path for path in lessons.lessons() if lessons.number(path) == number), None)
