"""The book: a site of the stored lessons that needs no kernel and no network, for `make book` and for the tests.

python tests/tools/book.py [FOLDER]  build it from the stored outputs into FOLDER, build/book by default

`sources` writes MyST pages that lie as their originals do in the repository, so that links between them hold: a page
for each lesson, assignment, data sheet, card of a checkpoint and text file that is linked, and for each package of
`ganlab`. Sphinx makes HTML of them (book_site/conf.py). Nothing is executed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import book_package
import book_pages
import lessons
import navigation
import references

ROOT = lessons.ROOT
SITE = Path(__file__).parent / "book_site"
RELEASE = lessons.NOTEBOOKS / "assignments" / "release"
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")  # a link's address and its anchor
ENTRY_LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+\.md)#([\w-]+)\)")  # a label, a page's address, a place in the page


class Book:
    """The pages of a book in a folder of sources, by their paths in the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts: list[str] = []  # files that pages link to and that are shown as they are

    def write(self, page: str, text: str) -> None:
        """Write a page, `page` without an ending, such as "data/README"."""
        path = self.folder / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def linked(self, text: str, source: Path) -> str:
        """Return a page's text with links that lead to pages; ValueError for one that leads nowhere."""

        def link(found: re.Match[str]) -> str:
            address, anchor = found[1], found[2] or ""
            if "://" in address:
                return found[0]
            target = (source.parent / address).resolve()
            if not target.is_file() or not target.is_relative_to(ROOT):
                raise ValueError(f"{source.relative_to(ROOT)} links to {address}, expected a file of the repository")
            return f"](/{self.page(target)}.md{anchor})"

        def entry(found: re.Match[str]) -> str:
            target = (source.parent / found[2]).resolve()
            if found[3] not in places(target):
                return found[0]
            return f'<a class="reference internal" href="{self.address(target, source)}#{found[3]}">{found[1]}</a>'

        text = navigation.EQUATION_LINK.sub(r"\1", text)  # the book makes links of all equations' numbers
        return LINK.sub(link, ENTRY_LINK.sub(entry, text))

    def address(self, target: Path, source: Path) -> str:
        """Return the address of a file's page in the page of another."""
        return os.path.relpath(f"{self.page(target)}.html", Path(self.page(source)).parent).replace(os.sep, "/")

    def page(self, target: Path) -> str:
        """Return the page that shows a file of the repository."""
        path = target.relative_to(ROOT)
        if path.parts[0] == "ganlab":
            return f"package/{Path(path.parts[1]).stem}"
        if path.suffix in (".ipynb", ".md"):
            return path.with_suffix("").as_posix()
        if path.as_posix() not in self.texts:
            self.texts.append(path.as_posix())
        return path.as_posix()

    def notebook(self, path: Path) -> str:
        """Write the page of a notebook and its figures; return the page's name."""
        page = path.relative_to(ROOT).with_suffix("").as_posix()
        text = book_pages.notebook(lessons.read(path), page, self.folder, lambda cell: self.linked(cell, path))
        self.write(page, text)
        return page

    def markdown(self, path: Path, title: str = "") -> str:
        """Write the page of a Markdown file, with another title if one is given; return the page's name."""
        page = self.page(path)
        text = self.linked(path.read_text(encoding="utf-8"), path)
        self.write(page, re.sub(r"\A# .*", f"# {title}", text) if title else text)
        return page


def places(path: Path) -> set[str]:
    """Return the places `<a id="x"></a>` of a Markdown file; Sphinx knows nothing of them, only of headings."""
    return set(references.ANCHOR.findall(path.read_text(encoding="utf-8"))) if path.is_file() else set()


def sources(folder: Path) -> None:
    """Write the sources of the whole book into a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    book = Book(folder)
    read_first = [book.notebook(path) for path in lessons.lessons()]
    assignments = [book.notebook(path) for path in sorted(RELEASE.glob("*/*.ipynb"))]
    readme = ROOT / "README.md"
    guide = book.markdown(lessons.NOTEBOOKS / "assignments" / "README.md")
    look_up = [book.markdown(path) for path in references.PAGES]
    install = book.markdown(readme, "To install and to run")
    data = book.markdown(ROOT / "data" / "README.md")
    cards = [book.markdown(path) for path in sorted((ROOT / "data" / "checkpoints").glob("*.md"))]
    package = book_package.pages(ROOT / "ganlab")
    for page, text in package.items():
        book.write(page, text)
    book.write("data/weights", book_pages.overview("The weights", book_pages.WEIGHTS, cards))
    book.write("package/index", book_pages.overview("The package", book_pages.PACKAGE, list(package)))
    for name in book.texts:
        book.write(name, book_pages.text_file(ROOT / name))
    parts = {
        "Lessons": read_first,
        "Assignments": [*assignments, guide],
        "To look up": [*look_up, install, data, "data/weights", "package/index", *book.texts],
    }
    book.write("index", book.linked(book_pages.index(readme.read_text(encoding="utf-8"), parts), readme))


def build(folder: Path) -> None:
    """Build the book into a folder, which must not hold anything else; CalledProcessError if Sphinx complains."""
    pages = folder.with_name(f"{folder.name}-source")
    sources(pages)
    shutil.rmtree(folder, ignore_errors=True)
    options = ["--quiet", "--fail-on-warning", "--keep-going", "-c", str(SITE), "-d", str(pages / ".doctrees")]
    options += ["-D", f"html_extra_path={pages / 'site'}"]
    subprocess.run([sys.executable, "-m", "sphinx", "-b", "html", *options, str(pages), str(folder)], check=True)
    shutil.rmtree(folder / ".doctrees", ignore_errors=True)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "book").resolve()
    build(target)
    print(f"{sum(1 for _ in target.rglob('*.html'))} pages; open {target / 'index.html'}")
