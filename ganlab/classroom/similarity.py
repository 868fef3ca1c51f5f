"""Pairs of submissions that are unusually alike, for a person to look at side by side: likeness proves nothing.

Code is compared by runs of tokens in which the names that a student chose, comments and layout do not count, prose by
runs of words; their order in the notebook does not count either, nor what stands in the release. A run that many
students share says little, so it weighs little: 1 / (students who have it - 1). A pair's likeness is the weight of what
both have, over that of the one who has less. (Of tools, copydetect was looked at: it weighs every run alike and takes
all names for one, so that in short exercises all right answers are copies of each other.)
"""

import ast
import html
import io
import itertools
import keyword
import statistics
import tokenize
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from ganlab.classroom.reading import parsed

TOKENS, WORDS = 12, 6  # in a run: of code, of prose
LEAST = 0.35  # a pair less alike is not shown, however unlike the others are
SHOWN = 30  # pairs

Run = tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two students, how alike they are in [0, 1], and the lines of each that hold what both have and few others."""

    students: tuple[str, str]
    likeness: float
    lines: tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int]]]  # (cell, line)


def unusual_pairs(works: dict[str, NotebookNode], release: NotebookNode) -> tuple[list[Pair], float]:
    """Return the pairs that stand out, most alike first, and the likeness above which a pair of this class does.

    `works` are the submissions by student, each as it was handed in.
    """
    known = set(_runs(release))
    places = {student: _runs(work) for student, work in works.items()}
    runs = {student: set(own) - known for student, own in places.items()}
    holders = Counter(run for own in runs.values() for run in own)
    weights = {student: sum(_weight(holders[run]) for run in own) for student, own in runs.items()}
    pairs = []
    for one, other in itertools.combinations(sorted(works), 2):
        common = runs[one] & runs[other]
        least = min(weights[one], weights[other])
        if not common or not least:
            continue
        rare = [run for run in common if holders[run] <= 3]
        lines = tuple(frozenset(line for run in rare for line in places[student][run]) for student in (one, other))
        pairs.append(Pair((one, other), sum(_weight(holders[run]) for run in common) / least, lines))
    limit = _limit([pair.likeness for pair in pairs])
    chosen = sorted((pair for pair in pairs if pair.likeness > limit), key=lambda pair: (-pair.likeness, pair.students))
    return chosen[:SHOWN], limit


def _weight(holders: int) -> float:
    return 1.0 / max(1, holders - 1)


def _limit(values: list[float]) -> float:
    """Return the upper quartile and three times the distance between quartiles, but no less than LEAST."""
    if len(values) < 4:
        return LEAST
    low, _, high = statistics.quantiles(values, n=4)
    return max(LEAST, min(0.9, high + 3 * (high - low)))


def _runs(notebook: NotebookNode) -> dict[Run, set[tuple[int, int]]]:
    """Return every run of a notebook's code and prose, and the (cell, line) that it stands on."""
    places: dict[Run, set[tuple[int, int]]] = {}
    own = set().union(*(_bound_names(cell.source) for cell in notebook.cells if cell.cell_type == "code"), set())
    for index, cell in enumerate(notebook.cells):
        code = cell.cell_type == "code"
        tokens = _code_tokens(cell.source, own) if code else _words(cell.source)
        size = TOKENS if code else WORDS
        for start in range(len(tokens) - size + 1):
            part = tokens[start : start + size]
            lines = places.setdefault(tuple(text for text, _ in part), set())
            lines |= {(index, line) for _, line in part}
    return places


def _bound_names(source: str) -> set[str]:
    """Return the names that code gives: variables, arguments, functions; whoever copies may choose others."""
    tree = parsed(source)
    if tree is None:
        return set()
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _code_tokens(source: str, own: set[str]) -> list[tuple[str, int]]:
    """Return (token, line) without comments, docstrings and layout, every name of the student's own as one."""
    tokens = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
                text = token.string
                if token.type == tokenize.STRING:
                    text = "S"
                elif token.type == tokenize.NAME and text in own and not keyword.iskeyword(text):
                    text = "V"
                tokens.append((text, token.start[0] - 1))
    except (tokenize.TokenError, SyntaxError):  # the rest is no Python
        return tokens
    return tokens


def _words(source: str) -> list[tuple[str, int]]:
    words = []
    for number, line in enumerate(source.splitlines()):
        plain = "".join(letter if letter.isalnum() else " " for letter in line.casefold())
        words += [(word, number) for word in plain.split()]
    return words


HEAD = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; max-width: 100rem; color: #222 }}
.pair {{ display: grid; grid-template-columns: 1fr 1fr; gap: 1rem }} pre {{ font-size: 12px; margin: 0 0 .6rem;
padding: .5rem; background: #f6f6f4; white-space: pre-wrap; overflow-wrap: anywhere }} mark {{ background: #ffd9a8 }}
summary {{ cursor: pointer; font-weight: 600 }} details {{ margin: .6rem 0; border-top: 1px solid #ccc }}
</style><h1>{title}</h1>"""
WORDS_OF_CARE = """<p><strong>Alike is not copied.</strong> Two who learned together, took the same hint, or found the
one short way to write a formula are alike too. This page says where to look; what it means is a matter for a person,
who talks to both before thinking anything. No mark depends on it.</p>"""


def page(name: str, works: dict[str, NotebookNode], pairs: list[Pair], *, limit: float) -> str:
    """Return the pairs as a page of its own: two columns each, with marks on what both have and few others."""
    title = f"{name}: pairs that are unusually alike"
    text = [HEAD.format(title=title), WORDS_OF_CARE]
    text.append(f"<p>{len(works)} submissions were compared; in this class a pair stands out above {limit:.0%}.</p>")
    text += [] if pairs else ["<p>No pair does.</p>"]
    for pair in pairs:
        one, other = map(html.escape, pair.students)
        text.append(f"<details><summary>{pair.likeness:.0%} · {one} and {other}</summary><div class='pair'>")
        for student, lines in zip(pair.students, pair.lines, strict=True):
            text.append(f"<div><h2>{html.escape(student)}</h2>{_column(works[student], lines)}</div>")
        text.append("</div></details>")
    return "\n".join(text) + "</html>\n"


def _column(work: NotebookNode, lines: frozenset[tuple[int, int]]) -> str:
    """Return the cells in which something is marked, as HTML."""
    cells = []
    for index in sorted({cell for cell, _ in lines}):
        shown = []
        for number, line in enumerate(work.cells[index].source.splitlines()):
            text = html.escape(line)
            shown.append(f"<mark>{text}</mark>" if (index, number) in lines else text)
        cells.append("<pre>" + "\n".join(shown) + "</pre>")
    return "".join(cells)


def write(works: dict[str, NotebookNode], release: NotebookNode, name: str, *, file: Path) -> int:
    """Compare all submissions, write the page to a file, and return how many pairs stand out."""
    pairs, limit = unusual_pairs(works, release)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(name, works, pairs, limit=limit), encoding="utf-8")
    return len(pairs)
