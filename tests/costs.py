"""A pytest plugin: what each test file cost in CPU-seconds, printed at the end of the session.

Counted are user and system time of the process that runs a test and of all that it started: kernels, servers,
browsers and what they start in turn, running or ended, from before a test's first fixture to after its last one.
What runs on between two tests (a server that waits) falls to the test during which it works. The operating system
tells the time of a child that is still running only in `/proc`; where that is missing, children count when they end,
and the table says so. With `--costs FILE` each test adds a line to FILE (seconds, a tab, its name) as soon as it ends.
"""

import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PROC = Path("/proc")
SAMPLE_SECONDS = 1.0  # between two looks at the processes, for those that end without their parent waiting for them
MOST = 60  # CPU-seconds of a lesson over all its runs; what is above is named
REST = "(start, collection, end)"
LESSON = re.compile(r"\[(\d\d[a-z]?)(?=_\w+\])")


def process_times(proc: Path = PROC) -> dict[int, tuple[int, int, float]]:
    """Return `{process: (parent, start tick, CPU-seconds with the children that it waited for)}` for this machine."""
    ticks = os.sysconf("SC_CLK_TCK")
    processes = {}
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        fields = text[text.rindex(")") + 2 :].split()  # a command's name may hold spaces and brackets
        processes[int(entry.name)] = (int(fields[1]), int(fields[19]), sum(map(int, fields[11:15])) / ticks)
    return processes


def of_lessons(lessons: Mapping[str, float]) -> list[str]:
    """Return what lessons cost, name -> CPU-seconds over all runs, and in a line of their own those above MOST."""
    if not lessons:
        return []
    each = ", ".join(f"{name} {seconds:.0f}" for name, seconds in sorted(lessons.items()))
    dear = ", ".join(name for name, seconds in sorted(lessons.items()) if seconds > MOST)
    return [f"Of these by lesson, over all its runs: {each}", *([f"Lessons above {MOST}: {dear}"] if dear else [])]


class Clock:
    """The CPU-seconds of this process and of everything it started: they never run backwards.

    A process that ends is added by the system to the parent that waits for it, so that the sum over a tree stays the
    same. One whose parent is gone is followed by its number and start. When the sum falls, processes ended that nobody
    waited for: what they had cost at the last look is kept.
    """

    def __init__(self, proc: Path = PROC) -> None:
        self.whole = (proc / str(os.getpid()) / "stat").exists()
        self._proc, self._lock = proc, threading.Lock()
        self._known: dict[int, int] = {}
        self._last = self._lost = 0.0

    def read(self) -> float:
        """Return CPU-seconds so far."""
        if not self.whole:
            times = os.times()
            return times.user + times.system + times.children_user + times.children_system
        with self._lock:
            now = self._tree()
            self._lost += max(0.0, self._last - now)
            self._last = now
            return now + self._lost

    def _tree(self) -> float:
        processes = process_times(self._proc)
        children: dict[int, list[int]] = {}
        for number, (parent, _, _) in processes.items():
            children.setdefault(parent, []).append(number)
        followed = [number for number, start in self._known.items() if processes.get(number, (0, -1, 0))[1] == start]
        tree, waiting = set(), [os.getpid(), *followed]
        while waiting:
            number = waiting.pop()
            if number not in tree:
                tree.add(number)
                waiting += children.get(number, [])
        self._known = {number: processes[number][1] for number in tree}
        return sum(processes[number][2] for number in tree)


class Costs:
    """What is counted in one process of a session; with xdist each worker has one, and the controller adds them up."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.clock = config, Clock()
        self.lines: str | None = config.getoption("--costs")
        self.files: Counter[str] = Counter()
        self.lessons: Counter[str] = Counter()
        self.whole, self.lost_workers = self.clock.whole, 0
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="costs", daemon=True)
        if self.whole:
            self._sampler.start()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.clock.read()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Count a test with its fixtures, those that end after it included."""
        before = self.clock.read()
        try:
            return (yield)
        finally:
            seconds = self.clock.read() - before
            self.files[item.nodeid.split("::")[0]] += seconds
            if lesson := LESSON.search(item.nodeid):
                self.lessons[lesson[1]] += seconds
            if self.lines:
                with open(self.lines, "a", encoding="utf-8") as stream:
                    stream.write(f"{seconds:.2f}\t{item.nodeid}\n")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Count what belongs to no test, and hand a worker's counts to the controller."""
        self._over.set()
        controller = self.config.pluginmanager.has_plugin("dsession")
        spent = sum(os.times()[:2]) if controller else self.clock.read()  # a controller's children are the workers
        self.files[REST] += spent - (0 if controller else sum(self.files.values()))
        if hasattr(self.config, "workerinput"):
            counts = {"files": dict(self.files), "lessons": dict(self.lessons), "whole": self.whole}
            self.config.workeroutput["costs"] = counts

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a worker counted; one that crashed takes its counts with it."""
        counts = getattr(node, "workeroutput", {}).get("costs")
        if counts is None:
            self.lost_workers += 1
            return
        self.files.update(counts["files"])
        self.lessons.update(counts["lessons"])
        self.whole = self.whole and counts["whole"]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, the dearest first."""
        if self.config.option.collectonly:
            return
        terminalreporter.section("CPU-seconds (user and system, with all that was started)")
        for name, seconds in self.files.most_common():
            terminalreporter.write_line(f"{seconds:8.1f}  {name}")
        total = sum(self.files.values())
        terminalreporter.write_line(f"{total:8.1f}  in all: {total / 60:.1f} CPU-minutes")
        for line in of_lessons(self.lessons):
            terminalreporter.write_line(line)
        if not self.whole:
            terminalreporter.write_line(
                "No /proc here: what was started is counted only where it ended and was waited for."
            )
        if self.lost_workers:
            terminalreporter.write_line(f"Without the counts of {self.lost_workers} workers that crashed.")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--costs", metavar="FILE", help="add a line to FILE for each test: CPU-seconds, its name")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(Costs(config), "ganlab-costs")
