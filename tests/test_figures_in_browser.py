"""A figure in JupyterLab: its alternative text, caption and numbers reach a reader who has run and trusted nothing."""

import re

import lessons
import limits
import nbformat.v4 as v4
import pytest
from browser import START_SECONDS, Server, set_theme
from matplotlib.figure import Figure
from playwright.sync_api import Page, expect

from ganlab import plots

ALT, CAPTION = "A line that falls from 1 to 0.", "Figure 4b.2. A line falls."
# What a reader sees: the text's colour on the page's, by WCAG's contrast; transparent parents show what lies below.
CONTRAST = """caption => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => parts(colour).slice(0, 3).map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, k) => sum + part * [0.2126, 0.7152, 0.0722][k], 0.05);
    let below = caption;
    while (below.parentElement && parts(getComputedStyle(below).backgroundColor)[3] === 0) below = below.parentElement;
    const both = [light(getComputedStyle(caption).color), light(getComputedStyle(below).backgroundColor)];
    return Math.max(...both) / Math.min(...both);
}"""


TABLE = "name      " + "".join(f"{k:>11}" for k in range(7)) + "\n" + "a row     " + 7 * "  0.98 ±0.01" + "\n"


@pytest.fixture
def stored(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Store a figure of 9.6 inches in a notebook that this server never saw run; return its address."""
    bundles: list[dict[str, str]] = []
    monkeypatch.setattr(plots, "display", lambda data, raw: bundles.append(data))
    figure = Figure(figsize=(9.6, 3))
    figure.subplots().plot([0, 1], [1, 0], color=plots.REAL)
    plots.show(figure, ALT, caption=CAPTION, numbers={"x": [0, 1], "y": [1, 0]})
    output = v4.new_output("display_data", bundles[0])
    table = v4.new_output("stream", name="stdout", text=TABLE)
    cells = [("plots.show(...)", output), ("print(...)", table)]
    notebook = v4.new_notebook(
        cells=[v4.new_code_cell(source, outputs=[one], execution_count=1) for source, one in cells]
    )
    lessons.write(lessons.normalise(notebook), server[0] / "figure.ipynb")
    return server[1].format("figure.ipynb")


def test_a_figure_reaches_a_reader_of_a_notebook_that_is_not_trusted(stored: str, page: Page) -> None:
    page.set_viewport_size({"width": 1600, "height": 1000})
    page.goto(stored)
    # a kernel that is ended while it starts keeps JupyterLab from ending
    idle = page.get_by_text(f"{lessons.KERNEL['display_name']} | Idle")
    idle.wait_for(timeout=1000 * limits.scaled(START_SECONDS))
    picture = page.get_by_role("img", name=ALT)
    picture.wait_for()
    page.wait_for_function("document.querySelector('.jp-OutputArea img').complete")
    assert picture.evaluate("one => [one.naturalWidth, one.clientWidth]") == [1920, 960]
    caption = page.locator("figcaption")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        set_theme(page, theme)
        assert caption.evaluate(CONTRAST) >= 4.5, theme
    table = page.locator("figure table")
    expect(caption).to_have_text(CAPTION)
    expect(table).not_to_be_visible()
    page.get_by_text("The numbers").click()
    expect(table).to_have_text(re.compile(r"\s*x\s*y\s*0\s*1\s*1\s*0\s*"))
    # with the file browser open about half of a narrow window is left: what does not fit scrolls in its own output
    page.set_viewport_size({"width": 1000, "height": 900})
    page.wait_for_function("document.querySelector('.jp-OutputArea img').clientWidth < 900")
    width, height = picture.evaluate("one => [one.clientWidth, one.clientHeight]")
    assert width == 684 and width / height == pytest.approx(960 / 300, rel=0.01)
    beyond = "one => one.getBoundingClientRect().right - one.parentElement.getBoundingClientRect().right"
    assert picture.evaluate(beyond) < 0, "the card goes on to the right of its picture"
    shown, printed = page.locator("figure.ganlab-figure"), page.locator(".jp-OutputArea-output.jp-RenderedText pre")
    for part in (shown, printed):
        room, needed = part.evaluate("part => [part.clientWidth, part.scrollWidth]")
        assert room < 640 and needed > room, "narrow, and it scrolls"
        part.evaluate("part => { part.scrollLeft = 9999; }")
        assert part.evaluate("part => part.scrollLeft") == pytest.approx(needed - room, abs=2)
    lines = printed.evaluate("pre => pre.clientHeight / parseFloat(getComputedStyle(pre).lineHeight)")
    assert lines == pytest.approx(2, abs=0.5), "no line of the table is broken"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page itself stays"
