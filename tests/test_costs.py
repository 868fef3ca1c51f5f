"""The costs of test files: what is counted, whoever started it, once; and added up over workers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import costs
import limits
import pytest

BURN = "import time\nwhile time.process_time() < {}: pass\n"
SLACK = 0.35 * limits.slowness()  # CPU-seconds that starting Python takes, twice at most, beside what is burnt
linux = pytest.mark.skipif(not costs.PROC.joinpath("self").exists(), reason="no /proc")


def burning(seconds: float, then: str = "input()") -> subprocess.Popen:
    """Start a process that uses so much CPU time, says so and waits for its input's end."""
    script = BURN.format(seconds) + f"print('done', flush=True)\n{then}"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout.readline() == "done\n"
    return process


@linux
def test_a_child_counts_while_it_runs_and_not_again_when_it_has_ended() -> None:
    clock = costs.Clock()
    before = clock.read()
    child = burning(0.4)
    running = clock.read() - before
    child.communicate("go\n")
    ended = clock.read() - before
    assert 0.38 <= running <= ended < 0.4 + SLACK


def works(process: int) -> bool:
    """Return whether a process is there and has not ended; one that nobody waits for stays as a zombie."""
    try:
        return ") Z " not in Path("/proc", str(process), "stat").read_text()
    except OSError:
        return False


@linux
def test_a_child_of_a_killed_child_is_followed_and_stays_counted_after_its_end() -> None:
    clock = costs.Clock()
    before = clock.read()
    others = set(clock._known)  # this process, and what tests before this one left running in it: servers, browsers
    then = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN.format(0.4)!r} + 'print(1)\\ninput()'])"
    )
    parent = burning(0, then)
    assert parent.stdout.readline() == "1\n"
    assert clock.read() - before >= 0.38
    parent.kill()
    parent.wait()  # the grandchild waits on: its input is the pipe that this test holds
    assert clock.read() - before >= 0.38
    orphans = set(clock._known) - others
    assert orphans
    parent.stdin.close()
    limits.wait_until(lambda: not any(map(works, orphans)), "ended, all of them", seconds=5)
    assert clock.read() - before >= 0.38


def test_without_proc_children_count_when_they_have_ended(tmp_path: Path) -> None:
    clock = costs.Clock(tmp_path)
    before = clock.read()
    child = burning(0.4)
    running = clock.read() - before
    child.communicate("go\n")
    assert not clock.whole and clock.read() - before >= running + 0.38


FILES = {
    "test_dear.py": f"""
import pytest, subprocess, sys, time
def burn(seconds):
    start = time.process_time()
    while time.process_time() < start + seconds: pass
@pytest.fixture(scope="session")
def server():
    burn(.2)
    child = subprocess.Popen([sys.executable, "-c", {BURN.format(0.4)!r} + "print(1, flush=True)\\ninput()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    yield
    child.communicate()
    burn(.2)
def test_it(server): burn(.2)
@pytest.mark.parametrize("lesson", ["01b_name"])
def test_a_lesson(lesson): burn(.3)
""",
    "test_cheap.py": "def test_it(): pass\n",
}


def rows(output: str) -> dict[str, float]:
    table = output[output.index("CPU-seconds (") :]
    return {name: float(seconds) for seconds, name in re.findall(r"^ *([\d.]+)  (.*)$", table, re.MULTILINE)}


def test_dear_lessons_are_named() -> None:
    each = "Of these by lesson, over all its runs: "
    assert costs.of_lessons({"12c": 60.0, "02": 7.6}) == [each + "02 8, 12c 60"]
    assert costs.of_lessons({"12c": 60.1, "11": 73, "02": 7}) == [
        each + "02 7, 11 73, 12c 60",
        "Lessons above 60: 11, 12c",
    ]
    assert costs.of_lessons({}) == []


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "workers"])
@linux
def test_a_session_tells_what_each_file_and_lesson_cost(workers: list[str], tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    options = ["-p", "xdist", "-p", "costs", "--costs", str(tmp_path / "lines"), *workers]
    command = [sys.executable, "-m", "pytest", "-q", *options, str(tmp_path)]
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # most plugins load what is dear
    result = limits.run(command, 10, cwd=tmp_path, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    told = rows(result.stdout)
    assert 1.2 <= told["test_dear.py"] < 1.2 + 2 * SLACK and told["test_cheap.py"] < SLACK
    parts = [seconds for name, seconds in told.items() if not name.startswith("in all")]
    total = next(seconds for name, seconds in told.items() if name.startswith("in all"))
    assert abs(sum(parts) - total) < 0.3 and costs.REST in told
    assert re.search(r"by lesson, over all its runs: 01b \d", result.stdout)
    lines = [line.split("\t") for line in (tmp_path / "lines").read_text().splitlines()]
    assert {name for _, name in lines} == {
        "test_dear.py::test_it",
        "test_dear.py::test_a_lesson[01b_name]",
        "test_cheap.py::test_it",
    }
    assert abs(sum(float(seconds) for seconds, _ in lines) - total + told[costs.REST]) < 0.3
