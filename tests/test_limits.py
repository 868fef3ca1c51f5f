"""The tests' own tools: scaled limits, the quick tier, and the lines that a benchmark in the browser prints."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import conftest
import limits
import pytest
import test_architecture as architecture
import test_latency_in_browser as latency

TESTS = Path(__file__).parent


@pytest.fixture
def slowness(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what sets the seconds that the additions took, for one test."""
    limits.measured.cache_clear()
    yield lambda seconds: (monkeypatch.setenv(limits.VARIABLE, str(seconds)), limits.measured.cache_clear())
    limits.measured.cache_clear()


def test_a_limit_is_scaled_by_the_machine_and_never_below_a_quiet_one_s(slowness) -> None:
    for seconds, scale in ((limits.QUIET_SECONDS, 1), (limits.QUIET_SECONDS / 3, 1), (3 * limits.QUIET_SECONDS, 3)):
        slowness(seconds)
        assert limits.scaled(2) == pytest.approx(2 * limits.PATIENCE * scale)
    assert f"x {limits.PATIENCE} x 3.0" in limits.explanation() and "took 0.21 s" in limits.explanation()
    assert limits.reason("no answer", 2).startswith("no answer within 60 s (2 x 10 x 3.0)")


def test_the_scale_is_measured_once_and_inherited(slowness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(limits.VARIABLE)
    monkeypatch.setattr(limits, "workload", iter([0.5]).__next__)
    assert limits.measured() == limits.measured() == 0.5 and os.environ[limits.VARIABLE] == "0.500"


def test_a_wait_ends_with_its_event_or_says_what_did_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    limits.wait_until(lambda: next(answers), "ready", seconds=1000, pause=0)
    assert next(answers, "none left") == "none left"
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    with pytest.raises(AssertionError, match=r"^not ready within .* additions took"):
        limits.wait_until(lambda: False, "ready", seconds=0.1)


def test_a_command_that_hangs_is_killed_with_what_it_had_said(monkeypatch: pytest.MonkeyPatch) -> None:
    done = limits.run([sys.executable, "-c", "import sys; print(3); sys.exit(4)"], 10)
    assert (done.returncode, done.stdout) == (4, "3\n")
    monkeypatch.setattr(limits, "scaled", lambda seconds: 1)
    begin = time.monotonic()
    with pytest.raises(AssertionError, match="no end of the command within"):
        limits.run([sys.executable, "-c", "import time; time.sleep(10_000)"], 1)
    assert time.monotonic() - begin < 10_000


def test_a_process_that_hangs_ends_with_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(script: str) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)

    with start("print(3)") as process, limits.ending(process, "said", 10):
        assert process.stdout.readline() == "3\n"
    monkeypatch.setattr(limits, "scaled", lambda seconds: 1)
    with pytest.raises(AssertionError, match="^not said within"):
        with start("import time; time.sleep(10_000)") as process, limits.ending(process, "said", 1):
            assert process.stdout.readline() == "3\n"
    assert process.returncode


OTHERS = """
def test_a_time(record_property):
    record_property("browser, key press -> painted image", "median 5 ms")

def test_late():
    raise AssertionError("timed out")

def test_wrong():
    assert 1 == 2
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what `make check` prints of a file of the quick tier, with these tests' own hooks, beside one of none."""
    folder = tmp_path_factory.mktemp("tests")
    (folder / "test_losses.py").write_text(OTHERS)
    (folder / "test_notebooks.py").write_text("raise RuntimeError('read')\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parent, TESTS, TESTS / "tools")))}
    words = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "conftest", "--quick", "--rootdir", folder, folder]
    done = limits.run([sys.executable, "-m", "pytest", *map(str, words)], 60, cwd=folder, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_the_quick_tier_is_hundreds_of_tests_and_leaves_the_rest_unread(said: str) -> None:
    assert "\n2 failed, 1 passed" in said
    assert set(conftest.QUICK) <= {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    assert not [name for name in conftest.QUICK if re.search("browser|notebooks|grading|assignments|training", name)]
    marks = [mark for test in vars(architecture).values() for mark in getattr(test, "pytestmark", [])]
    assert sum(len(mark.args[1]) for mark in marks if mark.name == "parametrize") >= 300  # of one of its files


def test_recorded_times_are_printed_and_a_time_out_says_where_its_limit_comes_from(said: str) -> None:
    assert "\nbrowser, key press -> painted image: median 5 ms\n" in said
    late, wrong = said.split("test_wrong", 1)
    assert "additions took" in late.split("test_late", 1)[1] and "additions took" not in wrong


def test_latencies_are_told_by_median_and_95th_percentile_in_the_bench_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert latency.report([float(k) for k in range(100, 0, -1)]) == "median 50 ms, 95th percentile 96 ms"
    for bench, recorded in ((True, {"a time": "5 ms"}), (False, {})):
        lines: dict[str, object] = {}
        monkeypatch.setattr(latency, "BENCH", bench)
        latency.recorder(lines.__setitem__)("a time", "5 ms")
        assert lines == recorded
