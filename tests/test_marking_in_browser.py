"""A written part marked as a teacher does it, in the form that `make marking` opens, and seen on the student's page."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import assignments
import browser as browsers
import limits
import pytest
import submissions
from playwright.sync_api import Browser, Page, expect
from test_assignments import grader  # noqa: F401 (a fixture)
from test_grading import NAME, again, marks, prepared

from ganlab.classroom.course import Course

COMMENT = "Well argued; but say what would show more."


@pytest.fixture(scope="module")
def marking(tmp_path_factory: pytest.TempPathFactory, grader: str) -> Iterator[tuple[Course, str]]:  # noqa: F811
    """Grade a course of one, start what `make marking` starts in it; yield the course and an address with a {}."""
    folder = tmp_path_factory.mktemp("marking") / "course"
    course = prepared(folder, grader, ["correct"])
    (folder / "nbgrader_config.py").write_bytes((assignments.COURSE / "nbgrader_config.py").read_bytes())
    assert again(grader, course).returncode == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex()
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    options += ["--LabApp.default_url=/formgrader", f"--LabApp.app_dir={sys.prefix}/share/jupyter/lab"]
    options += ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    environment = os.environ | {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}
    log = folder.parent / "log"
    with log.open("w") as output:
        command = [grader, "-m", "jupyterlab", *options, f"--IdentityProvider.token={token}"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        browsers.wait_for(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield course, f"http://127.0.0.1:{port}/{{}}?token={token}"
    finally:
        process.terminate()
        process.wait(timeout=limits.scaled(10))


def wait_until_filled(page: Page) -> None:
    """Wait until the form has fetched marks and comments: till then it is empty, and then writes over its fields."""
    page.wait_for_function("() => window.formgrader?.grades?.loaded && formgrader.comments?.loaded")


def test_a_written_part_is_marked_in_the_form_and_shown_to_the_student(
    browser: Browser,
    marking: tuple[Course, str],
    grader: str,  # noqa: F811
) -> None:
    course, address = marking
    context = browsers.new_context(browser)
    context.route(lambda url: urlsplit(url).hostname not in (None, "127.0.0.1"), lambda route: route.abort())  # MathJax
    page = context.new_page()
    page.goto(address.format("formgrader/gradebook"))
    page.get_by_role("link", name=NAME).click()  # the assignment, then its notebook, then the one submission
    page.get_by_role("link", name=NAME).click()
    page.locator("a[href*='formgrader/submissions/']").first.click()
    wait_until_filled(page)
    letter = page.locator(".nbgrader_cell", has=page.get_by_text("A letter of my own."))
    expect(letter.locator(".score"), "it waits for a mark").to_have_value("")
    letter.locator(".score").fill("7.5")
    with page.expect_response(lambda response: "api/grade/" in response.url and response.request.method == "PUT"):
        letter.locator(".score").press("Tab")
    letter.locator("textarea.comment").fill(COMMENT)
    with page.expect_response(lambda response: "api/comment/" in response.url and response.request.method == "PUT"):
        letter.locator("textarea.comment").blur()
    page.reload()  # what it shows now comes from the gradebook
    wait_until_filled(page)
    expect(letter.locator(".score")).to_have_value("7.5")
    expect(letter.locator("textarea.comment")).to_have_value(COMMENT)
    before = marks(course)["correct"]
    assert before["letter"] == "0" and before["to mark by hand"] == "letter"
    assert again(grader, course).returncode == 0
    after = marks(course)["correct"]
    assert after["letter"] == "7.5" and after["to mark by hand"] == "" and after["total"] == "97.5"
    page.goto((course.folder("feedback", NAME, "correct") / f"{NAME}.html").as_uri())
    expect(page.get_by_text(COMMENT)).to_be_visible()
    expect(page.get_by_text("A letter of my own.")).to_be_visible()
    assert "Not marked yet" not in page.content() and "97.5" in page.content()
    assert submissions.deserved("correct")[submissions.FIRST] == 10
