"""The text of the book's pages: what Sphinx is given of a notebook, with its outputs, and the pages made of lists."""

import base64
import html
import re
from collections.abc import Callable
from pathlib import Path

import lessons
from nbformat import NotebookNode

APART = re.compile(r"(```.*?```|`[^`]*`|\$\$.*?\$\$)", re.DOTALL)  # code and displayed formulas
FORMULA = re.compile(r"(?<!\\)\$(?:[^$\n]|\n(?!\n))+\$")
LINKS = "navigation"  # tag of a notebook's own links to its neighbours, which every page of the book has
WEIGHTS = "What this project trained, and the lessons load. Each card says on which data, by which command, how good."
PACKAGE = "What each package offers, made from its docstrings. A package imports only from those above it in this list."
SUFFIXES = {"image/png": "png", "image/svg+xml": "svg", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


def fenced(text: str, language: str, options: str = "") -> str:
    """Return text as a block of code, between fences longer than any in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{{code-block}} {language}\n{options}\n{text.rstrip()}\n{fence}\n"


def raw(text: str) -> str:
    """Return HTML that Sphinx hands through."""
    return f"``````{{raw}} html\n{text}\n``````\n"


def notebook(source: NotebookNode, page: str, folder: Path, linked: Callable[[str], str]) -> str:
    """Return the page of a notebook whose Markdown goes through `linked`; figures are written below `folder`/site.

    A place where a widget stands when the lesson runs is a `div.widget-place` with `data-page` and `data-cell`, the id
    of its cell, around what is shown instead: a script may put a widget that computes there.
    """
    anchors = re.findall(r'<a id="([\w-]+)"></a>', "\n".join(cell.source for cell in source.cells))
    blocks = []
    for cell in source.cells:
        if LINKS in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            blocks.append(linked(markdown(cell.source, anchors)))
        elif cell.cell_type == "code" and cell.source.strip():
            blocks.append(code(cell))
            blocks += [output(out, page, cell, k, folder) for k, out in enumerate(cell.outputs)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def markdown(source: str, anchors: list[str]) -> str:
    """Return a cell's Markdown as Sphinx needs it.

    Links to the page's own anchors `<a id="x"></a>`, of which Sphinx knows nothing, are written out. A formula in the
    text stands on one line: where it is broken before a minus, Markdown would see a list.
    """

    def link(found: re.Match[str]) -> str:
        return f'<a class="reference internal" href="#{found[2]}">{found[1]}</a>' if found[2] in anchors else found[0]

    text = re.sub(r"\[([^\]]+)\]\(#([\w-]+)\)", link, source)
    pieces = APART.split(text)
    return "".join(piece if k % 2 else FORMULA.sub(on_one_line, piece) for k, piece in enumerate(pieces))


def on_one_line(found: re.Match[str]) -> str:
    return " ".join(found[0].split())


def code(cell: NotebookNode) -> str:
    """Return a cell's code, folded where the notebook folds it."""
    block = fenced(cell.source, "ipython3")
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        return block
    return (
        raw('<details class="folded-code"><summary>Code of this cell</summary>')
        + "\n"
        + block
        + "\n"
        + raw("</details>")
    )


def output(out: NotebookNode, page: str, cell: NotebookNode, k: int, folder: Path) -> str:
    """Return what shows the output number k of a cell: its picture or HTML before its text."""
    if out.output_type == "stream":
        return printed(out.text)
    if out.output_type == "error":
        return printed("\n".join(out.traceback))
    if shown := lessons.figure(out):
        return figure(shown, f"figures/{page}-{cell.id}-{k}.{SUFFIXES[shown.kind]}", page, folder)
    text = out.data.get("text/plain", "")
    if lessons.is_still(out):
        return (
            raw(f'<div class="widget-place" data-page="{html.escape(page)}" data-cell="{html.escape(cell.id)}">')
            + f"\n{raw(out.data['text/html'])}\n\n"
            + raw("</div>")
        )
    return raw(out.data["text/html"]) if "text/html" in out.data else printed(text)


def printed(text: str) -> str:
    """Return printed text, without a terminal's colours."""
    return fenced(re.sub(r"\x1b\[[\d;]*m", "", text), "text", ":class: output") if text.strip() else ""


def figure(shown: lessons.Figure, name: str, page: str, folder: Path) -> str:
    """Write a picture and return the HTML that shows it, with its alternative text, and opens it when clicked."""
    path = folder / "site" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(shown.content.encode() if shown.kind == "image/svg+xml" else base64.b64decode(shown.content))
    sides = {"width": shown.width, "height": shown.height}
    size = "".join(f' {side}="{pixels}"' for side, pixels in sides.items() if pixels)
    address = "../" * page.count("/") + name
    caption = f"<figcaption>{shown.caption}</figcaption>" if shown.caption else ""
    picture = f'<img src="{address}" alt="{html.escape(shown.alt)}"{size} loading="lazy">'
    return raw(
        f'<figure class="picture"><a class="enlarge" href="{address}">{picture}</a>{caption}{shown.numbers}</figure>'
    )


def text_file(path: Path) -> str:
    """Return a page that shows a text file as it is."""
    language = "python" if path.suffix == ".py" else "text"
    return f"# {path.name}\n\n{fenced(path.read_text(encoding='utf-8'), language)}"


def contents(pages: list[str], options: str = "") -> str:
    """Return Sphinx's list of pages below this one."""
    return "```{toctree}\n" + options + "\n" + "\n".join(f"/{page}" for page in pages) + "\n```\n"


def overview(title: str, sentence: str, pages: list[str]) -> str:
    """Return a page that is a list of others."""
    return f"# {title}\n\n{sentence}\n\n{contents(pages, ':maxdepth: 1')}"


def index(readme: str, parts: dict[str, list[str]]) -> str:
    """Return the first page: the README's beginning, its map of the lessons, and the contents of the whole book.

    What stands above the map goes with it: which lessons may be skipped, and what the times are.
    """
    beginning = readme.split("\n## ")[0]
    section = readme.split("\n## The lessons\n")[1].split("\n## ")[0]
    above = section.partition("\n|")[0].strip()
    table = "\n".join(line for line in section.splitlines() if line.startswith("|")).replace(" min ", "\u00a0min ")
    trees = [contents(pages, f":hidden:\n:caption: {caption}\n:maxdepth: 1\n") for caption, pages in parts.items()]
    return "\n\n".join([beginning, READ, "## The lessons", above, table, *trees]) + "\n"


READ = (
    "This is the course as a book: every lesson with the outputs of a stored run, to read without running anything. "
    "It needs no network. Hints and answers open when clicked, numbers of equations lead to them, and the search finds "
    "words in all pages. To look things up there are the [glossary](notebooks/glossary.md), the "
    "[notation](notebooks/notation.md) and the [bibliography](notebooks/bibliography.md). What you would touch, the "
    "widgets, shows a still picture here; [the README](README.md) says how to run the lessons."
)
