"""What tests in a real browser share: a JupyterLab, a Chromium, and what a reader does there with mouse and keyboard.

conftest.py loads it as a plugin, so every test may ask for `server`, `browser` and `page`. A test file that does is
named `..._in_browser.py`: conftest.py starts those first and gives each file to one worker.
"""

import contextlib
import json
import os
import re
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
import limits
import nbformat.v4 as v4
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

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
LESSON_SECONDS = 60  # all cells on a quiet machine, at smoke speed
START_SECONDS = 10  # of a server or a kernel
ACTION_SECONDS = 5  # what a reader does, until the page has answered
# Cells that wait show [*], cells that ran a number, and cells after an error [ ].
FINISHED = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent);
    return /[0-9]/.test(prompts[0]) && !prompts.some(prompt => prompt.includes('*'));
}"""
OPEN = "async path => void await jupyterapp.commands.execute('docmanager:open', {path})"
CLOSE = "() => globalThis.jupyterapp && [...jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose())"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium; without one, skip loudly, or fail where nothing may be skipped."""
    if CHROMIUM is None:
        message = "No Chromium: nothing is tried in a browser. On Debian and Ubuntu: sudo apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return CHROMIUM


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Start Chromium; not for the session, since while playwright lives no other test can have an event loop."""
    expect.set_options(timeout=1000 * limits.scaled(ACTION_SECONDS))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def server(chromium: str, kernel_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start JupyterLab on a folder of its own; it serves all test files."""
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "notebooks").mkdir()
    shutil.copytree(lessons.ROOT / "data", folder / "data")  # lessons may read weights that the project trained
    for name, value in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    nodelay = "--ServerApp.jpserver_extensions=ganlab.nodelay=True"  # as `make lab` has it
    exposed = "--expose-app-in-browser"  # so that OPEN and CLOSE can ask for what a reader does by several clicks
    settings = {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "JUPYTER_PATH": str(kernel_path)}
    look = f"--ServerApp.tornado_settings=static_custom_path={lessons.ROOT / 'ganlab' / 'runtime' / 'lab_style'}"
    options = nodelay, look, "--LabApp.custom_css=True", exposed
    with jupyterlab(folder, *options, GANLAB_SPEED="smoke", **settings) as lab:
        root, token = lab
        yield folder / "notebooks", f"{root}/lab/tree/notebooks/{{}}?reset&token={token}"


@contextlib.contextmanager
def jupyterlab(folder: Path, *options: str, **environment: str) -> Iterator[tuple[str, str]]:
    """Run JupyterLab in a folder; yield its address and its token. Its log lies in the folder, as `log`.

    conftest.py gives Jupyter folders of its own, so nothing of the user's decides what happens here.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex()
    own = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    own += ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, *own, f"--IdentityProvider.token={token}"],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield f"http://127.0.0.1:{port}", token
    finally:
        process.terminate()  # JupyterLab ends its kernels with itself
        process.wait(timeout=limits.scaled(10))


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    """Return when the server answers; fail with its log when it ends or hangs."""
    end = time.monotonic() + limits.scaled(START_SECONDS)
    while process.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=limits.scaled(1)).close()
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"{limits.reason('no answer of JupyterLab', START_SECONDS)}:\n{log.read_text()[-3000:]}")


def new_context(browser: Browser) -> BrowserContext:
    """Return a context whose every wait has a limit that is scaled to this machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 1300})
    context.set_default_timeout(1000 * limits.scaled(ACTION_SECONDS))
    return context


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open what the pages of a test file share: JupyterLab's scripts are loaded and compiled once."""
    context = new_context(browser)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Iterator[Page]:
    """Open an empty page; afterwards end its kernels, which may be busy when a test failed."""
    page = context.new_page()
    yield page
    page.close()
    end_kernels(context, server)


def end_kernels(context: BrowserContext, server: Server) -> None:
    root, token = re.fullmatch(r"(.*)/lab/tree/.*token=(.*)", server[1]).groups()
    sessions = context.request.get(f"{root}/api/sessions?token={token}").json()
    for session in sessions:
        context.request.delete(f"{root}/api/sessions/{session['id']}?token={token}")


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    """Hold the page that `kept_page` hands on."""
    return []


@pytest.fixture
def kept_page(context: BrowserContext, server: Server, pages: list[Page]) -> Iterator[Page]:
    """Hand on one page, in which notebooks are closed after a test: loading JupyterLab costs more than most lessons."""
    if not pages or pages[-1].is_closed():
        pages.append(context.new_page())
    page = pages[-1]
    yield page
    end_kernels(context, server)
    page.evaluate(CLOSE)
    if page.locator(".jp-Notebook, .jp-Dialog").count():  # a test that failed left what the next one would meet
        page.close()


def run_all(page: Page, server: Server, path: Path) -> list[str]:
    """Run a copy of a notebook to its end in the browser; return what did not run to its end."""
    start_all(page, server, path)
    return finish_all(page, server, path)


def start_all(page: Page, server: Server, path: Path) -> None:
    """Open a copy of a notebook without its outputs, in a page new or in use, and choose Run All Cells."""
    folder, address = server
    notebook = lessons.read(path)
    for cell in lessons.code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    lessons.write(notebook, folder / path.name)
    if page.url.startswith(address.partition("/lab/")[0]):
        page.evaluate(OPEN, f"{folder.name}/{path.name}")
    else:
        page.goto(address.format(path.name))
    # The notebook's own indicator says "idle" already before there is a kernel.
    page.get_by_text(f"{lessons.KERNEL['display_name']} | Idle").wait_for(timeout=1000 * limits.scaled(START_SECONDS))
    menu(page, "Run", "Run All Cells")


def finish_all(page: Page, server: Server, path: Path) -> list[str]:
    """Wait until all cells have run, and save; return what did not run to its end."""
    page.wait_for_function(FINISHED, timeout=1000 * limits.scaled(LESSON_SECONDS), polling=250)
    menu(page, "File", "Save Notebook")
    page.locator(".jp-mod-dirty").wait_for(state="detached")
    return lessons.unfinished(lessons.read(server[0] / path.name))


def menu(page: Page, name: str, entry: str) -> None:
    page.locator(".lm-MenuBar-itemLabel").get_by_text(name, exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()


def set_theme(page: Page, theme: str) -> None:
    """Choose JupyterLab's theme by its menu: "JupyterLab Light" or "JupyterLab Dark"."""
    page.locator(".lm-MenuBar-itemLabel").get_by_text("Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
    page.locator(".lm-Menu-itemLabel").get_by_text(theme, exact=True).click()
    page.wait_for_function("dark => document.body.dataset.jpThemeLight === String(!dark)", arg="Dark" in theme)


def pictures(widget: Locator) -> list[str]:
    """Return the content of the widget's pictures; a new address with the old content is no new picture."""
    return widget.evaluate(
        """async widget => Promise.all(
           [...widget.querySelectorAll('img.ganlab-picture, .ganlab-picture :is(img, canvas)')].map(async picture =>
               picture.toDataURL?.() ?? [...new Uint8Array(await (await fetch(picture.src)).arrayBuffer())].join()))"""
    )


def changes(page: Page, widget: Locator, act: Callable[[], None], seconds: float = ACTION_SECONDS) -> bool:
    """Do `act`; return whether a picture of the widget becomes another, within what stops a hang at `seconds`."""
    before = pictures(widget)
    assert before, "the widget shows no picture"
    act()
    end = time.monotonic() + limits.scaled(seconds)
    while time.monotonic() < end:
        page.wait_for_timeout(100)
        if pictures(widget) != before:
            return True
    return False


def drag(page: Page, handle: Locator) -> None:
    """Pull a slider's handle over half of its track to the right, or to the left when it stands far right.

    So far that a slider of two named stops reaches the other. A page that grows while the mouse is on its way moves
    the handle from under it: like a reader, who looks whether the slider has taken hold, this tries again.
    """
    end = time.monotonic() + limits.scaled(ACTION_SECONDS)
    handle.hover()  # waits until the handle stands still and nothing covers it
    page.mouse.down()
    while "noUi-active" not in (handle.get_attribute("class") or ""):
        page.mouse.up()
        assert time.monotonic() < end, limits.reason("the mouse takes no hold of the slider", ACTION_SECONDS)
        handle.hover()
        page.mouse.down()
    box = handle.bounding_box()
    track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    way = 0.55 * track["width"]
    way = way if x + way < track["x"] + track["width"] else -way
    page.mouse.move(x + way, y, steps=5)
    page.mouse.up()


def store(folder: Path, *sources: str) -> Path:
    """Write a notebook of the given code cells into a test's own folder and return its path, named after the test."""
    path = folder / f"{folder.name}.ipynb"
    lessons.write(lessons.normalise(v4.new_notebook(cells=[*map(v4.new_code_cell, sources)])), path)
    return path
