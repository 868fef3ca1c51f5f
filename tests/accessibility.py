"""axe-core in a page: what hinders a reader who hears it, enlarges it or has no mouse."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import limits
import pytest
from playwright.sync_api import Page

STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE_SECONDS = 20  # on a quiet machine


def book_python() -> str:
    """Return the Python of the environment that `make test` makes for the book; fail loudly if it is missing."""
    found = [path for path in Path(sys.prefix).glob("book/*/python*") if path.stem == "python"]
    if not found:
        message = "No environment for the book. `make test` makes it; by hand: make book"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return str(found[0])


@functools.cache
def script() -> str:
    """Return axe-core's script, which a package from PyPI brings into the book's environment."""
    where = "import axe_playwright_python as p; print(p.__path__[0])"
    command = [book_python(), "-c", where]
    folder = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return (Path(folder) / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, *selectors: str, colours_only: bool = False) -> list[tuple[str, str]]:
    """Return what axe refuses in a page, or in the parts of it that CSS selectors name: rule and element of each.

    Dark and light differ in their colours only, so one of them needs no other rule.
    """
    page.evaluate(script())
    rules = {"type": "rule", "values": ["color-contrast"]} if colours_only else {"type": "tag", "values": STANDARD}
    options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
    page.set_default_timeout(1000 * limits.scaled(AXE_SECONDS))
    context = {"include": [[selector] for selector in selectors]} if selectors else None
    arguments = [context, options]
    found = page.evaluate("([context, options]) => axe.run(context ?? document, options)", arguments)["violations"]
    return [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]]
