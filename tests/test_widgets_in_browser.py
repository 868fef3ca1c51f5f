"""The widgets of every lesson in a real JupyterLab and a real browser: moved, they change their pictures.

There a lesson runs only as far as its widgets need it; nbval and papermill run all of it. One lesson runs whole here.
"""

import re
from collections.abc import Callable
from pathlib import Path

import lessons
import limits
import pytest
import slices
from browser import ACTION_SECONDS, SCREENSHOTS, Server, changes, drag, run_all, store
from playwright.sync_api import Locator, Page, expect


def try_widget(page: Page, widget: Locator, seconds: float = ACTION_SECONDS) -> None:
    """Move the widget's first slider by keyboard and by mouse, or press its first button that is not pressed yet."""
    widget.scroll_into_view_if_needed()
    handle, button = widget.locator(".noUi-handle").first, widget.locator("button:not(.mod-active)").first
    if widget.locator(".noUi-handle").count() == 0:
        assert changes(page, widget, button.click, seconds), "a click on the first button changed no picture"
        return
    handle.scroll_into_view_if_needed()
    handle.focus()
    assert changes(page, widget, lambda: page.keyboard.press("ArrowRight"), seconds), "the arrow key changed no picture"
    assert changes(page, widget, lambda: drag(page, handle), seconds), "dragging changed no picture"


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda path: path.stem)
def test_the_widgets_of_a_lesson_move(
    lesson: Path, server: Server, kept_page: Page, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    page = kept_page
    whole = lessons.read(lesson)
    part = slices.needed(whole, lessons.shows_a_widget)
    shown = sum(map(lessons.shows_a_widget, part.cells))
    if not shown and any(map(lessons.shows_a_training, whole.cells)):
        record_property(f"browser, {lesson.stem}", "a live training is its widget: test_live_in_browser.py steers one")
        return
    assert shown, "no stored output of this lesson says that a widget stood there"
    lessons.write(part, tmp_path / lesson.name)
    try:
        assert run_all(page, server, tmp_path / lesson.name) == []
        widgets = page.locator(".ganlab-widget:not(.ganlab-done)").all()  # a training's dashboard is quiet by now
        assert len(widgets) >= shown
        for widget in widgets:
            try_widget(page, widget)
    finally:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{lessons.number(lesson)}.png")
    record_property(f"browser, {lesson.stem}", f"{len(widgets)} widgets moved after {len(part.cells)} cells")


def test_a_whole_lesson_runs_in_the_browser(server: Server, page: Page) -> None:
    assert run_all(page, server, lessons.lessons()[0]) == []


BOARD = """
from ganlab import models, toys, train, widgets
widgets.game.PATIENCE = 10**6  # the browser itself must say that the board is gone
boards = globals().get("boards", [])
networks = models.MLPGenerator(2, (2,), (8,)), models.MLPCritic((2,), (8,))
settings = train.GANSettings(10**6)
boards.append(widgets.GameBoard(*networks, toys.ring().batches(32, 0), settings=settings))
boards[-1]
"""


def test_a_board_that_runs_stops_when_its_cell_is_run_again_or_deleted(
    server: Server, page: Page, tmp_path: Path
) -> None:
    asked = store(tmp_path, BOARD, "import time; time.sleep(0.1); print([b.running.value for b in boards])")
    assert run_all(page, server, asked) == []
    first, last = page.locator(".jp-CodeCell").first, page.locator(".jp-CodeCell").last

    def run() -> None:
        board = page.locator(".ganlab-widget").first
        assert changes(page, board, board.get_by_role("button", name="Run", exact=True).click)

    def state() -> str:
        last.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        last.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
        return last.locator(".jp-OutputArea-output").inner_text().strip()

    run()
    assert state() == "[True]"
    first.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelectorAll('.ganlab-widget canvas').length === 1")
    limits.wait_until(lambda: state() == "[False, False]", "stopped", seconds=ACTION_SECONDS)
    run()
    assert state() == "[False, True]"
    first.locator(".jp-InputPrompt").click()  # where letters are commands
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(page.locator(".ganlab-widget")).to_have_count(0)
    limits.wait_until(lambda: state() == "[False, False]", "stopped", seconds=ACTION_SECONDS)


# From here on, what these tests must notice.

WIDGET = """
import io, ipywidgets
from PIL import Image
def widget(alive):
    slider, picture = ipywidgets.FloatSlider(value=5, max=10), ipywidgets.Image(format="png", width="64", height="64")
    def draw(change=None):
        png = io.BytesIO()
        Image.new("L", (64, 64), int(20 * slider.value) if alive else 9).save(png, "png")
        picture.value = png.getvalue()
    slider.observe(draw, "value")
    draw()
    box = ipywidgets.VBox([slider, picture])
    picture.add_class("ganlab-picture")
    box.add_class("ganlab-widget")
    return box
"""


def test_an_error_is_noticed(server: Server, page: Page, tmp_path: Path) -> None:
    complaints = run_all(page, server, store(tmp_path, "1 + 1", "1 / 0", "2 + 2"))
    assert [complaint.split(":")[0] for complaint in complaints] == [
        "code cell 2 stopped",
        "code cell 3 was not executed",
    ]


CHECK = 'from ganlab import check\n\ncheck.answer("05.1", optimistic)'


def test_a_check_before_its_answer_shows_one_calm_card(server: Server, page: Page, tmp_path: Path) -> None:
    complaints = run_all(page, server, store(tmp_path, CHECK, "2 + 2"))
    assert complaints[0] == "code cell 1 stopped: NameError", "it is no longer an error: Run All would go on"
    card = page.get_by_role("status").filter(has_text="Exercise 05.1: not attempted. Run the setup cell first")
    expect(card).to_be_visible()
    error = page.get_by_text("NameError: name 'optimistic' is not defined")
    expect(error).to_have_count(1)
    expect(error).not_to_be_visible()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "undefined.png")


def test_a_dead_picture_is_noticed(server: Server, page: Page, tmp_path: Path) -> None:
    assert run_all(page, server, store(tmp_path, WIDGET, "widget(alive=True)", "widget(alive=False)")) == []
    alive, dead = page.locator(".ganlab-widget").all()
    try_widget(page, alive)
    with pytest.raises(AssertionError, match="the arrow key changed no picture"):
        try_widget(page, dead, 0.1)
