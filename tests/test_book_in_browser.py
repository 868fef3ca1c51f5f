"""The book: built once from the stored lessons, read in Chromium from its files with every request outside refused."""

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import accessibility
import book_package
import book_pages
import lessons
import limits
import nbformat.v4 as v4
import pytest
from browser import new_context
from nbformat import NotebookNode
from playwright.sync_api import Browser, Page, expect

BUILD_SECONDS = 60  # on a quiet machine
PAGE_MB = 3  # a page with its pictures
PRINTED_PAGES = 20
SAMPLE = ["index", "notebooks/00_start_here", "notebooks/04_mode_collapse", "data/README", "package/losses", "search"]
OUTSIDE = re.compile(r"^(?!file:|data:)")
each_page = pytest.mark.parametrize("name", SAMPLE)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the book once and return its folder."""
    folder = tmp_path_factory.mktemp("book") / "book"
    result = limits.run(
        [accessibility.book_python(), str(lessons.ROOT / "tests" / "tools" / "book.py"), str(folder)], BUILD_SECONDS
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-6000:]
    return folder


@dataclass(frozen=True)
class Elements:
    """What the crawl needs of a page: its ids, the addresses that it links to, and those that it loads."""

    ids: set[str]
    links: list[str]
    loads: list[str]


def elements(text: str) -> Elements:
    """Read a page; an attribute's value holds no quotes and no angles, which are escaped in it."""
    ids = set(re.findall(r'\s(?:id|name)="([^"]*)"', text))
    links, loads = (
        [html.unescape(found) for found in re.findall(rf'<(?:{tags})\b[^>]*?\s(?:href|src)="([^"]*)"', text)]
        for tags in ("a", "img|script|link")
    )
    return Elements(ids, links, loads)


def crawled(folder: Path) -> dict[Path, Elements]:
    """Return what is in each page of a folder."""
    return {path: elements(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}


@pytest.fixture(scope="module")
def pages(book: Path) -> dict[Path, Elements]:
    return crawled(book)


def broken(pages: dict[Path, Elements]) -> list[str]:
    """Return a line for each link or picture, script or style that leads to no file or to no place in its page."""
    complaints = []
    for page, inside in pages.items():
        for address in inside.links + inside.loads:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                complaints.append(f"{page.name}: {address} leads to no file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                complaints.append(f"{page.name}: {address} leads to no place in the page")
    return complaints


def test_no_link_is_broken_and_every_lesson_assignment_and_sheet_has_its_page(
    book: Path, pages: dict[Path, Elements]
) -> None:
    assert broken(pages) == []
    linked = {
        (page.parent / unquote(urlsplit(a).path)).resolve() for page, inside in pages.items() for a in inside.links
    }
    apart = {"search.html"}  # a form leads there
    assert [path.name for path in pages if path not in linked and path.name not in apart] == []
    here = {path.relative_to(book).with_suffix("").as_posix() for path in pages}
    notebooks = [*lessons.lessons(), *(lessons.NOTEBOOKS / "assignments" / "release").glob("*/*.ipynb")]
    sheets = [lessons.ROOT / "data" / "README.md", *(lessons.ROOT / "data" / "checkpoints").glob("*.md")]
    assert {path.relative_to(lessons.ROOT).with_suffix("").as_posix() for path in [*notebooks, *sheets]} <= here


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p id="x"></p><a href="b.html#y"></a><a href="#z"></a><img src="no.png">')
    (tmp_path / "b.html").write_text('<p id="y"></p><a href="a.html#x"></a><a href="https://example.org"></a>')
    assert broken(crawled(tmp_path)) == [
        "a.html: #z leads to no place in the page",
        "a.html: no.png leads to no file",
    ]


PICTURES = {f".{suffix}" for suffix in book_pages.SUFFIXES.values()}


def test_every_page_with_its_pictures_is_small(pages: dict[Path, Elements]) -> None:
    counted = 0
    for page, inside in pages.items():
        files = [unquote(parts.path) for parts in map(urlsplit, inside.loads) if not parts.scheme]
        pictures = {(page.parent / file).resolve() for file in files if Path(file).suffix in PICTURES}
        counted += len(pictures)
        size = page.stat().st_size + sum(path.stat().st_size for path in pictures)
        assert size < PAGE_MB * 1e6, f"{page.name}: {size / 1e6:.2f} MB, expected less than {PAGE_MB}"
    assert counted > 100, f"{counted} pictures, in a book of some two hundred"


def test_every_reference_to_an_equation_is_a_link_to_it(book: Path) -> None:
    first = (book / "notebooks" / "00_start_here.html").read_text(encoding="utf-8")
    assert 'id="eq-0.1"' in first and first.count('href="#eq-0.1">(0.1)</a>') >= 3
    other = (book / "notebooks" / "07b_exact_vae.html").read_text(encoding="utf-8")
    assert 'href="07_elbo.html#eq-7.4">(7.4)</a>' in other


def test_the_index_has_the_map_and_each_lesson_its_place_in_the_contents_and_its_neighbours(book: Path) -> None:
    text = (book / "index.html").read_text(encoding="utf-8")
    table = text[text.index("<table") : text.index("</table>")]
    names = [path.stem for path in lessons.lessons()]
    assert [name for name in names if f'href="notebooks/{name}.html"' not in table] == []
    for k, name in enumerate(names):
        text = (book / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        place = re.findall(r'<li class="[^"]*\bcurrent-page"><a class="[^"]*" href="#">(\w+) · ', text)
        assert place == [lessons.number(lessons.NOTEBOOKS / f"{name}.ipynb")]
        neighbours = dict(re.findall(r'<a class="(next|prev)-page" href="(?:[./\w]*/)?(\w+)\.html">', text))
        around = ["index", *names, neighbours.get("next")]  # an assignment follows the last
        assert neighbours == {"prev": around[k], "next": around[k + 2]}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page that may not ask for anything outside; fail if it tried, or if its console shows an error."""
    context = new_context(browser)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.route(OUTSIDE, lambda route: (complaints.append(f"asked for {route.request.url}"), route.abort()))
    yield page
    context.close()
    assert complaints == []


def address(book: Path, name: str) -> str:
    return (book / f"{name}.html").as_uri()


def test_the_search_finds_lipschitz_and_leads_to_it(book: Path, page: Page) -> None:
    page.goto(address(book, "index"))
    page.get_by_role("textbox", name="Search").fill("Lipschitz")
    page.keyboard.press("Enter")
    found = page.locator("#search-results ul.search > li")
    page.get_by_text("Search finished").wait_for()
    quoted = found.locator("p.context")
    expect(quoted).to_have_count(found.count())  # pages from files may not fetch each other, and still are quoted
    expect(quoted.filter(has_text=re.compile("lipschitz", re.IGNORECASE))).to_have_count(found.count())
    expect(quoted.filter(has_text=re.compile(".{251}", re.DOTALL))).to_have_count(0)
    assert accessibility.violations(page, "#search-results") == []
    found.locator("a").first.click()
    page.wait_for_url(re.compile("/(notebooks|package)/"))
    assert "Lipschitz" in page.locator("article").text_content()


def test_the_search_quotes_prose_and_a_word_in_another_form(book: Path, page: Page) -> None:
    page.goto(f"{address(book, 'search')}?q=spiralling")
    page.get_by_text("Search finished").wait_for()
    quoted = page.locator("#search-results p.context")
    quoted.first.wait_for()
    expect(quoted.filter(has_not_text=re.compile("spiral(?!ling)"))).to_have_count(0)
    page.goto(f"{address(book, 'search')}?q=mode+collapse")
    page.get_by_text("Search finished").wait_for()
    lesson = page.locator("#search-results li").filter(has=page.get_by_role("link", name="08d · Collapse", exact=True))
    expect(lesson.locator("p.context")).to_contain_text(re.compile(r"\b(mode|collapse)\b"))  # not `models`
    lesson.get_by_role("link").first.click()  # an icon of the theme has the title "Light mode"
    expect(page.locator("article .highlighted").first).to_be_visible()


def test_the_search_puts_lessons_before_functions(book: Path, page: Page) -> None:
    page.goto(f"{address(book, 'search')}?q=elbo")
    page.get_by_text("Search finished").wait_for()
    links = page.locator("#search-results ul.search > li > a")
    expect(links.first).to_have_text(re.compile(r"^\d\d"))
    expect(links.filter(has_text="ganlab.probability.elbo").first).to_be_visible()


NOT_PROSE = re.compile(r"<(pre|code|math)\b.*?</\1>", re.DOTALL)
FORMULAS = """() => [...document.querySelectorAll('math')].map(formula => {
    const box = formula.getBoundingClientRect();
    return [box.width, box.height];
})"""


def raw_tex(text: str) -> list[str]:
    """Return the TeX that a reader of the page would see: what stands neither in code nor in a formula."""
    article = text[text.index("<article") : text.index("</article>")]
    return re.findall(r"\$\$|\\(?:frac|text|log|mathbb|epsilon|tag)\b", re.sub(NOT_PROSE, "", article))


def test_no_page_shows_raw_tex(book: Path) -> None:
    found = {path.name: raw_tex(path.read_text(encoding="utf-8")) for path in book.rglob("*.html")}
    assert {name: tex for name, tex in found.items() if tex} == {}
    assert raw_tex(r"<article><pre>\log</pre><math>\log</math><p>$1</p>\log $$</article>") == [r"\log", "$$"]


@pytest.mark.parametrize("name", ["01_minimax_objective", "05_stable_training"])
def test_every_formula_is_painted_by_the_font_beside_the_pages(book: Path, page: Page, name: str) -> None:
    page.goto(address(book, f"notebooks/{name}"))
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    formulas = page.evaluate(FORMULAS)
    written = sum(cell.source.count("$$") // 2 for cell in lessons.read(lessons.NOTEBOOKS / f"{name}.ipynb").cells)
    assert len(formulas) > written and all(width > 0 and height > 0 for width, height in formulas)
    assert page.evaluate("[...document.fonts].map(font => [font.family.replaceAll('\"', ''), font.status])") == [
        ["Book Math", "loaded"]
    ]


# A lesson's code has ten thousand coloured words, of some twenty colours: five of each are enough to be judged.
THINNED = """() => {
    const seen = {};
    for (const word of document.querySelectorAll('.highlight pre span[class]')) {
        seen[word.className] = (seen[word.className] ?? 0) + 1;
        if (seen[word.className] > 5) word.replaceWith(...word.childNodes);
    }
}"""


# Over all pages: of what looks alike, by its elements, classes and styles, two texts are enough to judge the colours;
# the contents are the same in all pages. Words that name a link, a button or a fold stay.
ALIKE = """() => {
    document.querySelectorAll('details').forEach(one => { one.open = true; });
    document.querySelectorAll('.sidebar-tree, .toc-tree').forEach(one => one.remove());
    [...document.querySelectorAll('math')].slice(3).forEach(one => one.replaceWith('x'));
    const kind = one => !one || one === document.body ? ''
        : `${kind(one.parentElement)} ${one.tagName} ${one.className} ${one.getAttribute('style') ?? ''}`;
    const seen = {}, texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), spare = [];
    while (texts.nextNode()) {
        const text = texts.currentNode, key = kind(text.parentElement);
        if (!text.nodeValue.trim() || text.parentElement.closest('a, button, summary, label, th')) continue;
        seen[key] = (seen[key] ?? 0) + 1;
        if (seen[key] > 2) spare.push(text);
    }
    spare.forEach(text => { text.nodeValue = ''; });
}"""


def thinned_violations(page: Page, path: Path) -> list[tuple[str, str]]:
    """Return what axe refuses in a page, after it was thinned: by light, and what it refuses in the dark besides."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(path.as_uri())
    page.evaluate(ALIKE)
    by_light = accessibility.violations(page)
    page.emulate_media(color_scheme="dark")
    return by_light + accessibility.violations(page, colours_only=True)


def test_axe_finds_nothing_on_any_page_light_or_dark(book: Path, page: Page) -> None:
    assert {path.name: one for path in sorted(book.rglob("*.html")) if (one := thinned_violations(page, path))} == {}


def test_faults_are_seen_in_a_page_that_was_thinned(tmp_path: Path, page: Page) -> None:
    lines = 5 * "<p>text</p>" + "<p class='pale'>pale</p><p class='dark'>dark</p>"
    lines += 5 * "<p>text <a href='#'>a</a></p>" + "<a href='#'></a>"
    picture = "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=='>"
    colours = ".pale { color: #ccc } @media (prefers-color-scheme: dark) { body { background: #000; color: #fff } "
    colours += "a { color: #fff } .dark { color: #333 } }"
    head = f"<html lang='en'><head><title>t</title><style>{colours}</style></head><body><main>"
    (tmp_path / "a.html").write_text(f"<!doctype html>{head}{lines}{picture}</main></body></html>")
    found = thinned_violations(page, tmp_path / "a.html")
    assert {"link-name", "image-alt"} <= {rule for rule, _ in found}
    assert [where for rule, where in found if rule == "color-contrast"] == [
        '<p class="pale">pale</p>',
        '<p class="dark">dark</p>',
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@each_page
def test_axe_finds_nothing(book: Path, page: Page, name: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(address(book, name))
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.evaluate(THINNED)
    assert accessibility.violations(page, colours_only=scheme == "dark") == []


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name || ''")


def tab_to(page: Page, text: str, limit: int = 60) -> None:
    """Press Tab until what has the focus shows `text`."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if text in focused(page):
            return
    pytest.fail(f"the Tab key does not reach {text!r}")


def test_the_keyboard_alone_gets_everywhere(book: Path, page: Page) -> None:
    page.goto(address(book, "index"))
    tab_to(page, "Skip to content", limit=6)
    tab_to(page, "q")  # the search's field
    page.keyboard.type("Lipschitz")
    page.keyboard.press("Enter")
    page.locator("#search-results li a").first.wait_for()
    tab_to(page, "Start here")  # in the contents
    page.keyboard.press("Enter")
    page.wait_for_url("**/00_start_here.html")
    tab_to(page, "Hint", limit=200)
    hint = page.locator("details", has=page.get_by_text("Hint", exact=True)).first  # others hold answers, or code
    assert not hint.evaluate("one => one.open")
    page.keyboard.press("Enter")
    assert hint.evaluate("one => one.open")
    tab_to(page, "Next", limit=100)
    page.keyboard.press("Enter")
    page.wait_for_url("**/01_minimax_objective.html")


SEEN = """() => {
    const box = document.activeElement.getBoundingClientRect();
    return document.activeElement.checkVisibility({visibilityProperty: true}) && box.right > 0 && box.left < innerWidth;
}"""


@pytest.mark.parametrize("width", [600, 1200])
def test_in_a_narrow_window_the_drawers_open_by_keyboard(book: Path, page: Page, width: int) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address(book, "notebooks/04_mode_collapse"))
    for _ in range(60):  # no stop is out of sight
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    headings = page.get_by_role("button", name="On this page")
    headings.focus()
    page.keyboard.press("Enter")
    expect(headings).to_have_attribute("aria-expanded", "true")
    assert page.evaluate(SEEN)
    page.keyboard.press("Escape")
    expect(headings).to_have_attribute("aria-expanded", "false")
    expect(headings).to_be_focused()
    if width == 600:
        page.get_by_role("button", name="Contents of the book").focus()
        page.keyboard.press("Space")
        tab_to(page, "05 · Training that holds")
        assert page.evaluate(SEEN)
        assert accessibility.violations(page) == []
        page.keyboard.press("Enter")
        page.wait_for_url("**/05_stable_training.html")


def test_a_figure_opens_large_and_closes_by_keyboard(book: Path, page: Page) -> None:
    page.goto(address(book, "notebooks/00_start_here"))
    link = page.locator("a.enlarge").first
    link.focus()
    page.keyboard.press("Enter")
    large = page.locator("dialog.enlarged img")
    large.wait_for()
    assert large.get_attribute("alt") == link.locator("img").get_attribute("alt") != ""
    page.keyboard.press("Escape")
    large.wait_for(state="detached")
    expect(link).to_be_focused()


@pytest.mark.parametrize("width", [600, 900, 1400])
def test_what_a_training_left_fills_its_card(book: Path, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address(book, "notebooks/03_dcgan"))
    room = """cards => cards.map(card => card.getBoundingClientRect().right
        - Math.max(...[...card.querySelectorAll('img')].map(image => image.getBoundingClientRect().right)))"""
    empty = page.locator(".ganlab-of-run").evaluate_all(room)
    assert empty and max(empty) <= 24, "of the card, to the right of its pictures"


def test_dark_by_the_systems_wish_and_by_the_switch(book: Path, page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    page.emulate_media(color_scheme="light")
    page.goto(address(book, "index"))
    assert min(page.evaluate(background)) > 200
    page.emulate_media(color_scheme="dark")
    assert max(page.evaluate(background)) < 60
    page.emulate_media(color_scheme="light")
    for _ in range(2):  # from the system's wish to one of the two, and to the other
        page.get_by_role("button", name="color theme").click()
        if max(page.evaluate(background)) < 60:
            return
    pytest.fail("the switch does not darken the page")


def lines_of(path: Path) -> int:
    """Return how many lines of text, code and printed output a lesson has; a picture takes as much room as 15."""
    cells = lessons.read(path).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [*(cell.source for cell in cells), *(output.get("text", "") for output in outputs)]
    pictures = sum(output.output_type == "display_data" for output in outputs)
    return 15 * pictures + sum(text.count("\n") + 1 for text in texts)


LONGEST = sorted(lessons.lessons(), key=lines_of)[-6:]


@pytest.mark.parametrize("path", LONGEST, ids=lambda path: path.stem)
def test_a_printed_lesson_has_at_most_twenty_pages(book: Path, page: Page, path: Path) -> None:
    page.goto(address(book, f"notebooks/{path.stem}"))
    page.evaluate("document.querySelectorAll('img[loading]').forEach(one => { one.loading = 'eager'; })")
    page.wait_for_function("[...document.images].every(one => one.complete)")
    printed = page.pdf(format="A4")
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", printed)) <= PRINTED_PAGES


def test_less_motion_is_given_to_who_wants_it(book: Path, page: Page) -> None:
    moving = """() => [getComputedStyle(document.documentElement).scrollBehavior,
        [...document.querySelectorAll('*')].filter(one => parseFloat(getComputedStyle(one).transitionDuration) > 0
            && getComputedStyle(one).transitionProperty !== 'none').length > 0]"""
    page.goto(address(book, "index"))
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) == ["smooth", True]
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == ["auto", False]


def test_wide_tables_scroll_code_can_be_copied_and_print_keeps_code_and_headings_whole(book: Path, page: Page) -> None:
    page.set_viewport_size({"width": 500, "height": 900})
    page.goto(address(book, "notebooks/00_start_here"))
    wide = "one => getComputedStyle(one).overflowX === 'auto' && one.scrollWidth > one.clientWidth"
    assert any(table.evaluate(wide) for table in page.locator(".table-wrapper").all()), "no table is wider than 500"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    code = page.locator("div.highlight-ipython3")
    assert code.locator("button.copybtn").count() == code.count() > 3
    shown = code.locator("visible=true").first
    shown.hover()
    shown.locator("button.copybtn").click()
    page.evaluate("document.querySelector('article').append(document.createElement('textarea'))")
    page.locator("article textarea").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("article textarea")).to_have_value(shown.locator("pre").text_content().strip())
    looks = "() => [...document.querySelectorAll('.highlight pre')].map(one => getComputedStyle(one).whiteSpace)"
    assert "pre-wrap" not in page.evaluate(looks)
    page.emulate_media(media="print")
    assert set(page.evaluate(looks)) == {"pre-wrap"}
    headings = (
        "() => [...document.querySelectorAll('article :is(h2, h3)')].map(one => getComputedStyle(one).breakAfter)"
    )
    assert set(page.evaluate(headings)) == {"avoid"}  # they stay with their text


# From here on, what becomes of a notebook's parts.

PNG = base64.b64encode(b"a picture").decode()


def text_of(tmp_path: Path, *cells: NotebookNode) -> str:
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# T"), *cells])
    return book_pages.notebook(notebook, "notebooks/00_t", tmp_path, lambda text: text)


def coded(source: str, *outputs: NotebookNode, **metadata: object) -> NotebookNode:
    return v4.new_code_cell(source, outputs=list(outputs), metadata=metadata, id="c")


def test_a_picture_has_its_alternative_text_and_a_link_to_itself(tmp_path: Path) -> None:
    shown = v4.new_output("display_data", {"image/png": PNG}, metadata={"image/png": {"alt": 'A "void".', "width": 9}})
    text = text_of(tmp_path, coded("plot()", shown))
    assert '<a class="enlarge" href="../figures/notebooks/00_t-c-0.png">' in text
    assert 'alt="A &quot;void&quot;." width="9"' in text
    assert (tmp_path / "site" / "figures" / "notebooks" / "00_t-c-0.png").read_bytes() == b"a picture"


def test_a_picture_that_plots_shows_keeps_its_caption_and_its_numbers(tmp_path: Path) -> None:
    html = (
        f'<figure class="ganlab-figure" style=""><div><img alt="A &quot;void&quot;." '
        f'src="data:image/webp;base64,{PNG}" width="9" height="8" style=""></div>'
        '<figcaption style="">Figure 0.1. One &lt; two.</figcaption>'
        "<details>7</details></figure>"
    )
    text = text_of(tmp_path, coded("plot()", v4.new_output("display_data", {"text/html": html, "text/plain": "A"})))
    assert 'src="../figures/notebooks/00_t-c-0.webp" alt="A &quot;void&quot;." width="9" height="8"' in text
    assert "<figcaption>Figure 0.1. One &lt; two.</figcaption><details>7</details></figure>" in text
    assert "base64" not in text
    assert (tmp_path / "site" / "figures" / "notebooks" / "00_t-c-0.webp").read_bytes() == b"a picture"


def test_code_is_folded_where_the_notebook_folds_it(tmp_path: Path) -> None:
    assert "folded-code" in text_of(tmp_path, coded("paint()", jupyter={"source_hidden": True}))
    assert "folded-code" not in text_of(tmp_path, coded("paint()"))


def test_a_widget_leaves_its_place_and_links_between_neighbours_are_left_to_the_theme(tmp_path: Path) -> None:
    still = f'<figure class="ganlab-still {lessons.STILL}">a still</figure>'
    text = text_of(tmp_path, coded("slider()", v4.new_output("display_data", {"text/html": still})))
    assert 'class="widget-place" data-page="notebooks/00_t" data-cell="c">' in text and still in text
    links = v4.new_markdown_cell("[next](01_x.ipynb)", metadata={"tags": ["navigation"]})
    assert "next" not in text_of(tmp_path, links)


def test_printed_text_may_hold_fences_and_a_terminals_colours(tmp_path: Path) -> None:
    text = text_of(tmp_path, coded("print()", v4.new_output("stream", text="\x1b[31mred\x1b[0m\n````\n")))
    assert "`````{code-block} text\n:class: output\nred\n````\n`````" in text


def test_a_formula_broken_before_a_minus_stays_a_formula(tmp_path: Path) -> None:
    cell = v4.new_markdown_cell("With $1\n- \\epsilon$ and\n- `$a\n- b$`, and $$c\n- d$$")
    assert "With $1 - \\epsilon$ and\n- `$a\n- b$`, and $$c\n- d$$" in text_of(tmp_path, cell)


def test_the_index_says_above_its_map_which_lessons_may_be_skipped_and_what_the_times_are() -> None:
    index = book_pages.index((lessons.ROOT / "README.md").read_text(encoding="utf-8"), {})
    above = " ".join(index.partition("## The lessons")[2].partition("\n|")[0].split())
    assert "a number with a letter is a second reading" in above and "estimates" in above


def test_a_docstring_reads_as_it_stands() -> None:
    assert book_package.plain("a * b_c [0, 1] `x_y * z` $5") == r"a \* b\_c \[0, 1\] `x_y * z` \$5"
    assert book_package.plain(None) == ""
