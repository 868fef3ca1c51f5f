"""What every test runs under: quiet progress bars, one thread a worker, and no file of the user's read or written."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kernels
import limits
import matplotlib
import pytest
from xdist.scheduler import LoadScopeScheduling

os.environ["TQDM_DISABLE"] = "1"
os.environ.pop("GANLAB_SPEED", None)  # a speed set in the user's shell must not decide what a test sees
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # read when torch loads; kernels that a test starts inherit it
matplotlib.use("agg")

pytest_plugins = ["browser", "costs"]  # fixtures for every file, one server for all; what each file cost
# `make check`: what says soon whether the package is sound; no browser, lesson, grading or training runs.
QUICK = (
    "architecture check checkpoint collecting copies equations guide latent lesson_style lesson_style_rejects "
    "linear_gaussian losses metrics models navigation plots probability rehearsal slices teaching toys walks"
).split()
PRIVATE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the session one folder for all caches and settings; xdist's workers inherit it, and so do kernels."""
    if hasattr(config, "workerinput"):
        return
    limits.measured()  # now, before the workers start: they inherit it
    config.stash[PRIVATE] = private = tempfile.mkdtemp(prefix="ganlab-tests-")
    for name in ("GANLAB_CACHE", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        os.environ[name] = os.path.join(private, name.lower())


@pytest.fixture(scope="session")
def kernel_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Serve kernels that start without importing; give what JUPYTER_PATH must be for them to be the usual ones."""
    with kernels.specification(tmp_path_factory.mktemp("kernels")) as path:
        yield path


@pytest.fixture
def forked_kernels(kernel_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nbval and papermill start kernels that have imported torch already."""
    monkeypatch.setenv("JUPYTER_PATH", str(kernel_path))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make check`."""
    parser.addoption("--quick", action="store_true", help="the quick tier alone: at least 300 tests in two minutes")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out, unread, the files that are not of the quick tier where that alone is asked for."""
    named = re.fullmatch(r"test_(\w+)\.py", collection_path.name)
    return True if config.getoption("--quick") and named and named[1] not in QUICK else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slowest tests, or one worker would go on long after the others are done."""
    slowest = (
        "_in_browser.py",
        "test_grading.py",
        "test_isolation.py",
        "test_notebooks.py",
        "test_assignments.py",
        "test_parallel.py",
    )
    items.sort(key=lambda item: next(i for i, end in enumerate((*slowest, "")) if item.path.name.endswith(end)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Deal tests one by one, but together those that share what is dear: a page in a browser, a graded class.

    `--dist loadgroup` is made for this, but with pytest 9.2 it groups nothing (pytest-xdist issue 1386).
    """
    scheduler = LoadScopeScheduling(config, log)
    together = re.compile(r"\w+_in_(?:browser|lab)\.py|test_grading\.py|test_isolation\.py|test_parallel\.py")
    scheduler._split_scope = lambda nodeid: found[0] if (found := together.search(nodeid)) else nodeid
    return scheduler


def pytest_report_header() -> str:
    """Say what a limit is in this session."""
    return limits.explanation()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """Say under every failure that names a time limit where the limit comes from."""
    report = yield
    if report.failed and re.search("time-?out|timed out|timeout", report.longreprtext, re.IGNORECASE):
        report.sections.append(("limits", limits.explanation()))
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the session's folder."""
    if private := config.stash.get(PRIVATE, None):
        shutil.rmtree(private, ignore_errors=sys.platform == "win32")  # Windows keeps open files


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded with `record_property`, such as how many cells nbval ran, above the closing line."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
