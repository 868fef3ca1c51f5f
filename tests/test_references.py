"""Bibliography, glossary and notation keep their word: each entry is used, each use has an entry, none too early."""

import re
from collections.abc import Iterator

import lessons
import navigation
import nbformat.v4 as v4
import pytest
import references
from nbformat import NotebookNode
from references import Source, Term

NOTEBOOKS = {lessons.number(path): lessons.read(path) for path in lessons.lessons()}
SOURCES = references.sources(references.BIBLIOGRAPHY.read_text(encoding="utf-8"))
TERMS = references.terms(references.GLOSSARY.read_text(encoding="utf-8"))
PROSE = {number: references.prose(notebook) for number, notebook in NOTEBOOKS.items()}
LETTERS = references.letters(references.NOTATION.read_text(encoding="utf-8"))
# Sources that lessons cite which are still being written.
AHEAD: set[str] = set()
# Sources without an identifier (a DOI or an arXiv number), and why.
LAW = "a law or a public body's paper, which has none"
UNIDENTIFIED = {
    "ajder-et-al-2019": "a company's report",
    "c2pa-2025": "a consortium's paper",
    "european-commission-2026": LAW,
    "european-union-2024": LAW,
    "european-union-2026": LAW,
    "higgins-et-al-2017": "a paper of ICLR, which OpenReview holds under a number of its own",
    "hoffman-and-johnson-2016": "a workshop's paper",
    "kolmogorov-1956": "we could not confirm one",
    "korpelevich-1976": "a Soviet journal's paper",
    "openmoji": "a project, not a paper",
    "sohn-et-al-2015": "a paper of NeurIPS, which gives none",
    "stockli-et-al-2005": "a data set's page",
    "united-states-2025": LAW,
}
# Where a lesson uses a glossary's word before the lesson that introduces it, and why it may.
EXCEPTIONS = {
    ("bias", "05c"): "another meaning: what a layer adds",
    ("buffer", "05d"): "explained where it stands",
    ("checkpoint", "02b"): "explained where it stands",
    ("cosine", "01b"): "explained where it stands",
    ("cosine", "02b"): "school's meaning, and -1 is explained where it stands",
    ("covered", "01b"): "the everyday verb",
    ("covered", "03d"): "the everyday verb",
    ("eigenvalue", "00"): "among what the course asks for beforehand",
    ("entropy", "01c"): "explained where it stands",
    ("generator", "00"): "explained where it stands",
    ("grid", "01"): "the everyday word: points for an integral",
    ("grid", "01b"): "the everyday word: points for an integral",
    ("grid", "02"): "the everyday word: pictures in rows",
    ("hinge", "04"): "a name in a list, which says that lesson 04b derives it",
    ("least-squares", "04"): "a name in a list, which says that lesson 04b derives it",
    ("likelihood", "06c"): "explained where it stands",
    ("mask", "08d"): "explained where it stands",
    ("mutual-information", "08c"): "explained where it stands",
    ("pull", "01c"): "the everyday verb",
    ("reverse-kl", "01b"): "explained where it stands",
    ("value", "00"): "the everyday word: of a slider",
}
# Words that a lesson with a letter introduces and that the main path uses later on, and why it may.
MAIN_PATH = {
    ("arc", "09"): "explained where it stands",
    ("arc", "14"): "named by its lesson, for one row of a table",
    ("calibrated", "16"): "explained where it stands",
    ("distortion", "12"): "half of a name, explained where it stands",
    ("gradient-penalty", "15"): "a name in a fold",
    ("hinge", "15"): "a name in a fold, which says that lesson 04b derives it",
    ("label-smoothing", "15"): "a name in a fold",
    ("power", "16"): "explained where it stands",
    ("power", "17"): "another meaning: of a number",
    ("resize-convolution", "16"): "a name, which says that lesson 03b explains it",
    ("spectrum", "16"): "explained where it stands",
    ("weave", "16"): "explained where it stands",
}


def is_earlier(number: str, than: str) -> bool:
    """Return whether a lesson, or one with a letter that belongs to it, comes before another."""
    return references.order(number) < references.order(than)


# Bibliography


def test_the_bibliography_is_sorted_and_each_place_is_its_short_name() -> None:
    assert [source.anchor for source in SOURCES] == [references.slug(source.name) for source in SOURCES]
    assert [source.anchor for source in SOURCES] == sorted({source.anchor for source in SOURCES})
    assert references.slug("Sønderby et al. 2016") == "sonderby-et-al-2016"
    assert references.slug("Yazıcı et al. 2019") == "yazici-et-al-2019"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.anchor)
def test_each_source_has_authors_a_title_and_an_identifier_or_a_venue(source: Source) -> None:
    assert incomplete(source) == []


def test_each_source_has_an_identifier_or_a_reason_why_there_is_none() -> None:
    without = {source.anchor for source in SOURCES if not identified(source)}
    assert without == set(UNIDENTIFIED)
    lin = "J. Lin. *A.* ICML 1991."
    assert not identified(Source("lin-1991", "Lin 1991", lin))
    assert not identified(Source("lin-1991", "Lin 1991", f"{lin} [doi:10.1/2](https://example.org/10.1/2)."))
    assert identified(Source("lin-1991", "Lin 1991", f"{lin} [doi:10.1/2](https://doi.org/10.1/2)."))


def identified(source: Source) -> bool:
    """Return whether a source links to its DOI or its number in arXiv."""
    return bool(re.search(r"\[(doi|arXiv):\S+\]\(https://(doi\.org|arxiv\.org/abs)/", source.text))


def incomplete(source: Source) -> list[str]:
    """Return what a source lacks, or what does not fit together."""
    parts = re.fullmatch(r"(.+?)\. \*(.+?[.?!])\* (.+)", source.text)
    if not parts:
        return [f"{source.name}: expected `Authors. *Title.* Venue. [identifier](address).`"]
    authors, _, venue = parts.groups()
    complaints = []
    first = re.split(r" et al\.| and | \d", source.name)[0]
    if first.split()[-1] not in authors:
        complaints.append(f"{source.name}: {first} is not among the authors")
    if not re.match(r"\w.{3}", venue):
        complaints.append(f"{source.name}: no venue")
    for label, address in re.findall(r"\[([^\]]+)\]\((https?://[^)]+)\)", venue):
        name = label.split(":")[-1].split(" ")[-1].replace("(", "%28").replace(")", "%29")
        if not address.endswith(name):
            complaints.append(f"{source.name}: {label} leads to {address}")
    return complaints


def wrong_citations(notebook: NotebookNode, sources: list[Source]) -> list[str]:
    """Return a line for each citation of a lesson that leads to no entry, or to another than it names."""
    known = {source.anchor: source.name for source in sources}
    complaints = []
    for label, anchor in references.citations(notebook):
        name = " ".join(label.replace("(", "").replace(")", "").split())
        if known.get(anchor) != name:
            complaints.append(f"[{label}] leads to {anchor}: {known.get(anchor, 'no entry')}")
    unknown = references.mentions(notebook) - set(known.values())
    return complaints + [f"{name} is not in the bibliography" for name in sorted(unknown)]


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_every_citation_resolves(number: str) -> None:
    assert wrong_citations(NOTEBOOKS[number], SOURCES) == []


def uncited(sources: list[Source], notebooks: list[NotebookNode]) -> list[str]:
    """Return the sources that no lesson cites; one that names its sources without links is searched for the names."""
    cited = {anchor for notebook in notebooks for _, anchor in references.citations(notebook)}
    old = [references.sources_paragraph(one) for one in notebooks if not references.citations(one)]
    left = []
    for source in sources:
        first, year = source.name.split()[0], source.name.split()[-1][:4]
        if source.anchor not in cited and not any(first in text and year in text for text in old):
            left.append(source.name)
    return left


def test_every_source_is_cited() -> None:
    assert set(uncited(SOURCES, list(NOTEBOOKS.values()))) <= AHEAD


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_each_lesson_names_its_sources_by_links(number: str) -> None:
    paragraph = references.sources_paragraph(NOTEBOOKS[number])
    assert references.CITATION.search(paragraph)
    assert not re.search(r"\*[A-Z][^*]+\*, \d{4}", paragraph), "a title that belongs into the bibliography"


def cited(text: str) -> NotebookNode:
    return v4.new_notebook(cells=[v4.new_markdown_cell(f"# 01 · A\n\n{text}")])


def test_a_wrong_citation_is_seen() -> None:
    known = [Source("lin-1991", "Lin 1991", "J. Lin. *A.* B."), Source("a-and-b-2001", "A and B 2001", "")]
    right = cited(
        "By [Lin 1991](bibliography.md#lin-1991), and Lin (1991); [A and B (2001)](bibliography.md#a-and-b-2001)"
    )
    assert wrong_citations(right, known) == [] and uncited(known, [right]) == []
    assert wrong_citations(cited("[Lin 1992](bibliography.md#lin-1991)"), known)
    assert wrong_citations(cited("[Lin 1991](bibliography.md#lin-1992)"), known)
    assert wrong_citations(cited("by Lin and Ye (2017)"), known) == ["Lin and Ye 2017 is not in the bibliography"]
    assert wrong_citations(cited("(Lin et\nal. 2017)"), known) == ["Lin et al. 2017 is not in the bibliography"]
    assert uncited(known, [cited("[Lin 1991](bibliography.md#lin-1991)")]) == ["A and B 2001"]
    assert uncited(known[:1], [cited("**Sources.** Lin, *A*, 1991.")]) == []


@pytest.mark.parametrize(
    "text",
    [
        "J. Lin. *A.*",
        "J. Kim. *A.* ICML 1991.",
        "J. Lin. *A.* ICML 1991. [arXiv:1.2](https://arxiv.org/abs/1.3).",
        "J. Lin, A, 1991.",
    ],
)
def test_an_incomplete_source_is_seen(text: str) -> None:
    assert incomplete(Source("lin-1991", "Lin 1991", text))
    assert not incomplete(
        Source("lin-1991", "Lin 1991", "J. Lin. *A.* ICML 1991. [arXiv:1.2](https://arxiv.org/abs/1.2).")
    )


# Glossary


def test_the_glossary_is_sorted_and_no_form_stands_twice() -> None:
    assert [term.anchor for term in TERMS] == [references.slug(term.forms[0]) for term in TERMS]
    assert [term.anchor for term in TERMS] == sorted(term.anchor for term in TERMS)
    forms = [form.lower() if len(form) > 1 else form for term in TERMS for form in term.forms]
    assert len(forms) == len(set(forms)) and len(TERMS) >= 100


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.anchor)
def test_each_term_has_one_sentence_and_stands_in_the_lesson_that_introduces_it(term: Term) -> None:
    assert (lessons.NOTEBOOKS / term.file).is_file() and term.file.startswith(f"{term.lesson}_")
    assert re.fullmatch(r"[A-Z].*\.", term.text) and not re.search(r"(?<!vs)\. [A-Z]", term.text)
    said = references.prose(NOTEBOOKS[term.lesson], ahead=True)
    assert any(references.uses(form, said) for form in term.forms), f"lesson {term.lesson} does not say {term.forms}"


def too_early(term: Term, prose: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each lesson that uses a term before it is introduced, with the sentence."""
    for number, text in prose.items():
        found = [line for form in term.forms for line in references.uses(form, text)]
        if found and is_earlier(number, term.lesson):
            yield number, found[0]


def from_a_letter(term: Term, prose: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each lesson of the main path that uses a term which only a lesson with a letter introduces."""
    for number, text in prose.items():
        found = [line for form in term.forms for line in references.uses(form, text)]
        if found and number.isdigit() and not term.lesson.isdigit() and not is_earlier(number, term.lesson):
            yield number, found[0]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.anchor)
def test_no_lesson_uses_a_term_before_it_is_introduced(term: Term) -> None:
    found = {number: line for number, line in too_early(term, PROSE) if (term.anchor, number) not in EXCEPTIONS}
    assert found == {}


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.anchor)
def test_the_main_path_needs_no_term_that_a_letter_introduces(term: Term) -> None:
    found = {number: line for number, line in from_a_letter(term, PROSE) if (term.anchor, number) not in MAIN_PATH}
    assert found == {}


def test_every_exception_is_needed() -> None:
    early = {(term.anchor, number) for term in TERMS for number, _ in too_early(term, PROSE)}
    assert set(EXCEPTIONS) <= early
    later = {(term.anchor, number) for term in TERMS for number, _ in from_a_letter(term, PROSE)}
    assert set(MAIN_PATH) <= later


def lesson(number: str, text: str) -> dict[str, str]:
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(f"# {number} · A\n\n{text}")])
    return {number: references.prose(notebook)}


HINGE = Term("hinge", ("hinge", "Hinge loss"), "04b", "04b_x.ipynb", "A loss.")


@pytest.mark.parametrize("text", ["The hinge is a loss.", "Two hinges.", "A hinge\nloss.", "- **Hinge** pushes."])
def test_a_term_that_comes_too_early_is_seen(text: str) -> None:
    assert [number for number, _ in too_early(HINGE, lesson("04", text))] == ["04"]
    assert [number for number, _ in too_early(HINGE, lesson("03d", text))] == ["03d"]
    assert [*too_early(HINGE, lesson("04b", text) | lesson("05", text))] == []
    assert [number for number, _ in from_a_letter(HINGE, lesson("05", text) | lesson("05b", text))] == ["05"]


@pytest.mark.parametrize(
    "text",
    [
        "Unhinged, or hinge-like.",
        "`hinge` and $hinge$ and\n\n```\nhinge\n```",
        "The hinge comes in lesson 04b.",
        "See [04b](04b_objectives.ipynb) on the hinge.",
        "**Sources.** Hinge: Lin.",
        "**Next:** the hinge.",
    ],
)
def test_other_words_code_and_what_points_ahead_are_no_use_of_a_term(text: str) -> None:
    assert [*too_early(HINGE, lesson("04", text))] == []


# Notation


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: f"{letter.sign} {letter.meaning}"[:40])
def test_each_letter_stands_in_the_formulas_of_the_lessons_that_the_table_names(letter: references.Letter) -> None:
    assert letter.lessons, "no lesson is named"
    missing = [
        (sign, number)
        for sign in letter.signs
        for number in letter.lessons
        if not references.has_sign(sign, references.formulas(NOTEBOOKS[number]))
    ]
    assert missing == []


def test_the_table_knows_every_lesson_that_has_equations() -> None:
    with_equations = {number for number, notebook in NOTEBOOKS.items() if r"\tag" in navigation.text(notebook)}
    assert (
        len(with_equations) > 40
        and with_equations - {lesson for letter in LETTERS for lesson in letter.lessons} == set()
    )


def test_a_letter_that_does_not_stand_there_is_seen() -> None:
    text = references.formulas(cited(r"Text with h. $\hat x_g$ and $$\lVert \lambda \rVert W_1, p_\text{data}$$ `$q$`"))
    assert [sign for sign in ("x", "g", r"\lambda", "W", "p") if not references.has_sign(sign, text)] == []
    assert [sign for sign in ("h", "a", "l", "d", "q", "V", r"\lam", "t") if references.has_sign(sign, text)] == []


# Where the pages can be found


@pytest.mark.parametrize("page", references.PAGES, ids=lambda page: page.stem)
def test_the_pages_are_linked_from_lesson_00_and_the_readme(page: references.Path) -> None:
    first = lessons.read(lessons.lessons()[0])
    assert any(f"]({page.name})" in cell.source for cell in first.cells if cell.cell_type == "markdown")
    assert f"](notebooks/{page.name})" in (lessons.ROOT / "README.md").read_text(encoding="utf-8")
    others = [other.name for other in references.PAGES if other != page]
    assert any(f"]({name})" in page.read_text(encoding="utf-8") for name in others)
