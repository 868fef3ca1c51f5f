"""The course's own JupyterLab, as `make lab` starts it: every link of every lesson can be opened, no popup, no network.

No browser is needed: what JupyterLab's page would fetch is asked of the server.
"""

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import browser
import lessons
import limits
import pytest
from traitlets.config import Config, PyFileConfigLoader

CONFIG = "jupyter_server_config.py"
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
COMMAND_SECONDS = 10  # `python -m ganlab lessons`, of which most is loading torch
Clone = tuple[Path, str, str]  # the folder, the server's address, its token


def read(name: str) -> str:
    return (lessons.ROOT / name).read_text(encoding="utf-8")


def clone(folder: Path) -> Path:
    """Copy what a student has after `git clone` into a folder, and make the student's copies of the lessons."""
    left_out = shutil.ignore_patterns(".*", "build", "work", "runs", "__pycache__", "submitted", "results", "feedback")
    shutil.copytree(lessons.ROOT, folder, ignore=left_out)
    command = [sys.executable, "-m", "ganlab", "lessons"]  # the package of the folder it is given in
    limits.run(command, COMMAND_SECONDS, cwd=folder).check_returncode()
    return folder


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    folder = clone(tmp_path_factory.mktemp("course") / "clone")
    with browser.jupyterlab(folder, f"--config={CONFIG}") as (root, token):
        yield folder, root, token


def links(path: Path) -> list[str]:
    """Return where a notebook's texts link to, addresses of the web apart."""
    texts = [cell.source for cell in lessons.read(path).cells if cell.cell_type == "markdown"]
    found = [first or second for text in texts for first, second in LINK.findall(text)]
    return sorted({link for link in found if not re.match(r"[a-z]+:", link)})


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=limits.scaled(10)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def broken(path: Path, course: Clone) -> list[str]:
    """Return the links of a notebook of the course's folder that JupyterLab could not open from where it lies."""
    folder, root, token = course
    complaints = []
    for link in links(path):
        name, _, fragment = urllib.parse.unquote(link).partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists() or not there.is_relative_to(folder):
            complaints.append(f"{link}: no such file in the course")
            continue
        asked = urllib.parse.quote(there.relative_to(folder).as_posix())
        status, answer = fetch(f"{root}/api/contents/{asked}?content=0&token={token}")
        if status != 200 or json.loads(answer)["path"] != there.relative_to(folder).as_posix():
            complaints.append(f"{link}: JupyterLab answers {status}")
        if fragment and there.suffix in (".ipynb", ".md") and fragment not in anchors(there):
            complaints.append(f"{link}: no such place")
    return complaints


def anchors(path: Path) -> set[str]:
    """Return the names of a page's places, as JupyterLab makes them: of headings, given by `id`, and of cells."""
    cells = lessons.read(path).cells if path.suffix == ".ipynb" else []
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"] or [path.read_text(encoding="utf-8")]
    text = "\n\n".join(texts)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = {title.replace(" ", "-") for title in titles} | set(re.findall(r"\bid=\"([^\"]+)\"", text))
    return named | {f"cell-id={cell.id}" for cell in cells}


def in_work(path: Path) -> Path:
    return Path("work") / path.relative_to(lessons.NOTEBOOKS)


NOTEBOOKS = [*lessons.lessons(), *sorted((lessons.NOTEBOOKS / "assignments" / "release").rglob("[0-9]*.ipynb"))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_link_of_the_students_copy_can_be_opened(path: Path, course: Clone) -> None:
    copy = course[0] / in_work(path)
    assert links(copy)
    assert broken(copy, course) == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("../data/READYOU.md", "no such file"),
        ("../../outside.md", "no such file"),
        ("99_none.ipynb", "no such file"),
        ("00_start_here.ipynb#Mop", "no such place"),
        ("00_start_here.ipynb#cell-id=mop", "no such place"),
        ("bibliography.md#nobody-1900", "no such place"),
        ("../.hidden/a.md", "JupyterLab answers 404"),  # the server shows no hidden files
    ],
)
def test_a_link_that_leads_nowhere_is_seen(link: str, said: str, course: Clone) -> None:
    folder = course[0]
    for name in ("../outside.md", ".hidden/a.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    path = folder / "work" / "broken.ipynb"
    cell = f"[a place]({link}) and [another](../README.md)"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "metadata": {}, "source": cell}], **EMPTY}))
    try:
        [complaint] = broken(path, course)
    finally:
        path.unlink()
    assert said in complaint


EMPTY = {"metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def test_the_readme_the_package_and_the_data_sheets_are_served(course: Clone) -> None:
    _, root, token = course
    for name in ("README.md", "data/README.md", "ganlab/losses.py", "work", "notebooks/00_start_here.ipynb"):
        assert fetch(f"{root}/api/contents/{name}?content=0&token={token}")[0] == 200, name


def test_no_news_are_asked_for_and_messages_reach_the_browser_at_once(course: Clone) -> None:
    folder, root, token = course
    page = fetch(f"{root}/lab?token={token}")[1].decode()
    options = json.loads(re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert "@jupyterlab/apputils-extension:announcements" in options["disabledExtensions"]
    assert "ganlab.nodelay | extension was successfully loaded" in (folder / "log").read_text()


def test_the_course_s_own_style_is_on_the_page(course: Clone) -> None:
    folder, root, token = course
    assert "custom/custom.css" in fetch(f"{root}/lab?token={token}")[1].decode()
    style = (folder / "ganlab" / "runtime" / "lab_style" / "custom.css").read_bytes()
    assert fetch(f"{root}/custom/custom.css?token={token}") == (200, style)


def configured(folder: Path) -> Config:
    return PyFileConfigLoader(CONFIG, path=str(folder)).load_config()


def test_it_opens_the_first_lesson_once_and_then_what_was_open(course: Clone) -> None:
    folder, root, token = course
    first = "/lab/tree/work/00_start_here.ipynb"
    with urllib.request.urlopen(f"{root}/?token={token}", timeout=limits.scaled(10)) as answer:
        assert urllib.parse.urlparse(answer.url).path == first  # where the server sent us
    saved = json.dumps({"data": {}, "metadata": {"id": "default"}}).encode()  # as the page does when tabs change
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    put = urllib.request.Request(f"{root}/lab/api/workspaces/default", saved, headers, method="PUT")
    urllib.request.urlopen(put, timeout=limits.scaled(10)).close()
    assert configured(folder).LabApp.default_url == "/lab"  # at the next start
    shutil.rmtree(folder / "work" / ".workspaces")
    assert configured(folder).LabApp.default_url == first


def test_without_copies_it_opens_what_there_is(tmp_path: Path) -> None:
    shutil.copy(lessons.ROOT / CONFIG, tmp_path)
    assert configured(tmp_path).LabApp.default_url == "/lab"


def commands(text: str) -> list[str]:
    return re.findall(r"(?:jupyter lab|ganlab lessons)\b[^`\n]*", text)


def test_make_lab_and_the_readme_make_copies_and_then_start_it() -> None:
    recipe = re.search(r"^lab: .*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)[1]
    assert commands(recipe) == ["ganlab lessons", f"jupyter lab $(ROOT) --config={CONFIG} $(ARGS)"]
    by_hand = [command for command in commands(read("README.md")) if command.startswith("jupyter")]
    assert by_hand == [f"jupyter lab --config={CONFIG}"] * 2  # with conda, on Windows


def test_opening_lessons_changes_nothing_that_git_looks_at(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(read(".gitignore"))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    ignored = ["work/00_start_here.ipynb", "work/.given.json", "work/.workspaces/default.jupyterlab-workspace"]
    asked = subprocess.run(["git", "check-ignore", *ignored], cwd=tmp_path, capture_output=True, text=True)
    assert asked.stdout.split() == ignored
