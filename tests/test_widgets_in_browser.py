"""Every lesson in a real JupyterLab, driven in a real browser: it runs to the end, and its widgets move their picture."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import lessons
import nbformat.v4 as v4
import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

pytestmark = pytest.mark.xdist_group("browser")  # one server and one browser, on one of xdist's workers

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"
# Without these the news dialog covers the page, and cells out of sight are not in it.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
SCREENSHOTS = lessons.ROOT / "build" / "screenshots"
LESSON_SECONDS = 300


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "No Chromium: no lesson is tried in a browser. On Debian and Ubuntu: sudo apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[f"--{flag}" for flag in FLAGS.split()])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Start JupyterLab on a copy of the lessons; yield their folder and an address with room for a notebook's name."""
    folder = tmp_path_factory.mktemp("jupyter")
    shutil.copytree(lessons.NOTEBOOKS, folder / "notebooks")
    shutil.copytree(lessons.ROOT / "data", folder / "data")  # lessons may read weights that the project trained
    for name, value in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex()
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    root = ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    # conftest.py gives Jupyter folders of its own, so nothing of the user's decides what happens here.
    environment = {**os.environ, "GANLAB_SPEED": "smoke", "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, *root, f"--IdentityProvider.token={token}"],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield folder / "notebooks", f"http://127.0.0.1:{port}/lab/tree/notebooks/{{}}?reset&token={token}"
    finally:
        process.terminate()  # JupyterLab ends its kernels with itself
        process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    """Return when the server answers; fail with its log when it ends or takes over a minute."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1300})
    yield context.new_page()
    context.close()


def run_all(page: Page, address: str) -> list[str]:
    """Open a notebook, Run All Cells, wait until every cell has run or one has failed; return the error texts."""
    page.goto(address)
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(timeout=60_000)
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => document.querySelector('[data-mime-type="application/vnd.jupyter.error"]')
           || [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].every(p => /\\[\\d+\\]/.test(p.textContent))""",
        timeout=1000 * LESSON_SECONDS,
    )
    return page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()


def pictures(widget: Locator) -> list[str]:
    """Return the content of the widget's pictures; a new address with the old content is no new picture."""
    return widget.evaluate(
        """async widget => Promise.all([...widget.querySelectorAll('img.ganlab-picture, .ganlab-picture img')].map(
           async img => [...new Uint8Array(await (await fetch(img.src)).arrayBuffer())].join()))"""
    )


def changes(page: Page, widget: Locator, act: Callable[[], None]) -> bool:
    """Do `act`; return whether a picture of the widget becomes another within five seconds."""
    before = pictures(widget)
    assert before, "the widget shows no picture"
    act()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        page.wait_for_timeout(50)
        if pictures(widget) != before:
            return True
    return False


def drag(page: Page, handle: Locator) -> None:
    """Pull a slider's handle forty pixels to the right, or to the left when it stands far right."""
    box, track = (
        handle.bounding_box(),
        handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]").bounding_box(),
    )
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    way = 40 if x + 40 < track["x"] + track["width"] else -40
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + way, y, steps=5)
    page.mouse.up()


def try_widget(page: Page, widget: Locator) -> None:
    """Move the widget's first slider by keyboard and by mouse, or press its first button where it has no slider."""
    widget.scroll_into_view_if_needed()
    handle, button = widget.locator(".noUi-handle").first, widget.locator("button").first
    if widget.locator(".noUi-handle").count() == 0:
        assert changes(page, widget, button.click), "a click on the first button changed no picture"
        return
    handle.scroll_into_view_if_needed()
    handle.focus()
    assert changes(page, widget, lambda: page.keyboard.press("ArrowRight")), "the arrow key changed no picture"
    assert changes(page, widget, lambda: drag(page, handle)), "dragging changed no picture"


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda path: path.stem)
def test_lesson_runs_and_its_widgets_move(
    lesson: Path, server: tuple[Path, str], page: Page, record_property: Callable[[str, object], None]
) -> None:
    _, address = server
    started = time.monotonic()
    assert run_all(page, address.format(lesson.name)) == []
    seconds = time.monotonic() - started
    widgets = page.locator(".ganlab-widget").all()
    try:
        for widget in widgets:
            try_widget(page, widget)
    finally:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{lesson.name[:2]}.png")
    record_property(f"browser, {lesson.stem}", f"ran in {seconds:.0f} s, {len(widgets)} widgets moved")


# From here on, what these tests must notice.

WIDGET = """
import io, ipywidgets
from PIL import Image
slider, picture = ipywidgets.FloatSlider(value=5), ipywidgets.Image(format="png", width="64", height="64")
def draw(change=None):
    png = io.BytesIO()
    Image.new("L", (64, 64), int(2 * slider.value) if {alive} else 9).save(png, "png")
    picture.value = png.getvalue()
slider.observe(draw, "value")
draw()
box = ipywidgets.VBox([slider, picture])
picture.add_class("ganlab-picture")
box.add_class("ganlab-widget")
box
"""


def store(server: tuple[Path, str], *sources: str) -> str:
    folder, address = server
    lessons.write(lessons.normalise(v4.new_notebook(cells=map(v4.new_code_cell, sources))), folder / "sample.ipynb")
    return address.format("sample.ipynb")


def test_an_error_is_noticed(server: tuple[Path, str], page: Page) -> None:
    [error] = run_all(page, store(server, "1 + 1", "1 / 0", "2 + 2"))
    assert "ZeroDivisionError" in error


def test_a_dead_picture_is_noticed(server: tuple[Path, str], page: Page) -> None:
    assert run_all(page, store(server, *(WIDGET.replace("{alive}", alive) for alive in ("True", "False")))) == []
    alive, dead = page.locator(".ganlab-widget").all()
    try_widget(page, alive)
    with pytest.raises(AssertionError, match="the arrow key changed no picture"):
        try_widget(page, dead)
