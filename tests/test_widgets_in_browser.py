"""Every lesson in a real JupyterLab and a real browser: it runs to the end, and its widgets change their pictures."""

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

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Without these the news dialog covers the page, and cells out of sight are not in it.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
Server = tuple[Path, str]  # the folder of the notebooks, and an address with room for a notebook's name
SCREENSHOTS = lessons.ROOT / "build" / "screenshots"
LESSON_SECONDS = 300
# Cells that wait show [*], cells that ran a number, and cells after an error [ ].
FINISHED = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent);
    return /[0-9]/.test(prompts[0]) && !prompts.some(prompt => prompt.includes('*'));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "No Chromium: no lesson is tried in a browser. On Debian and Ubuntu: sudo apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start JupyterLab on a folder of its own."""
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "notebooks").mkdir()
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


def run_all(page: Page, server: Server, path: Path) -> list[str]:
    """Open a copy of a notebook without its outputs, Run All Cells, save it; return what did not run to its end."""
    folder, address = server
    notebook = lessons.read(path)
    for cell in lessons.code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    lessons.write(notebook, folder / path.name)
    page.goto(address.format(path.name))
    # The notebook's own indicator says "idle" already before there is a kernel.
    page.get_by_text(f"{lessons.KERNEL['display_name']} | Idle").wait_for(timeout=60_000)
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(FINISHED, timeout=1000 * LESSON_SECONDS)
    menu(page, "File", "Save Notebook")
    page.locator(".jp-mod-dirty").wait_for(state="detached")
    return lessons.unfinished(lessons.read(folder / path.name))


def menu(page: Page, name: str, entry: str) -> None:
    page.locator(".lm-MenuBar-itemLabel").get_by_text(name, exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()


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
    lesson: Path, server: Server, page: Page, record_property: Callable[[str, object], None]
) -> None:
    started = time.monotonic()
    try:
        assert run_all(page, server, lesson) == []
        seconds = time.monotonic() - started
        widgets = page.locator(".ganlab-widget").all()
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


def store(folder: Path, *sources: str) -> Path:
    path = folder / "sample.ipynb"
    lessons.write(lessons.normalise(v4.new_notebook(cells=[*map(v4.new_code_cell, sources)])), path)
    return path


def test_an_error_is_noticed(server: Server, page: Page, tmp_path: Path) -> None:
    complaints = run_all(page, server, store(tmp_path, "1 + 1", "1 / 0", "2 + 2"))
    assert [complaint.split(":")[0] for complaint in complaints] == [
        "code cell 2 stopped",
        "code cell 3 was not executed",
    ]


def test_a_dead_picture_is_noticed(server: Server, page: Page, tmp_path: Path) -> None:
    assert run_all(page, server, store(tmp_path, WIDGET, "widget(alive=True)", "widget(alive=False)")) == []
    alive, dead = page.locator(".ganlab-widget").all()
    try_widget(page, alive)
    with pytest.raises(AssertionError, match="the arrow key changed no picture"):
        try_widget(page, dead)
