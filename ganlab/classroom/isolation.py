"""Runs one submission in a process and a folder of its own: what hangs, crashes or eats memory costs its cell alone."""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from ganlab.classroom import forkserver
from ganlab.classroom.limits import Limits

NOT_RUN = "NotRun"  # the error in tests of what could not be run
WORKER = "ganlab.classroom.worker"


class Starter(Protocol):
    """Starts the process of one submission, waits for it, and returns what is wrong with it, or "" if nothing is."""

    def __call__(self, arguments: list[str], cwd: Path, seconds: float) -> str:
        """Run `worker.main(*arguments)` in the folder `cwd`, for at most so many seconds."""


def run_isolated(
    notebook: NotebookNode, extras: Path, closed: list[Path], *, limits: Limits, start: Starter | None = None
) -> tuple[NotebookNode, list[str]]:
    """Execute a staged submission; return it with its outputs, and what about it needs a look.

    The files in the folder `extras`, notebooks apart, lie beside it. No file in a folder of `closed` can be read by it.
    A submission that cannot be run at all comes back with every test failed, so that it earns nothing. `start` starts
    its process: by default a fresh one.
    """
    with tempfile.TemporaryDirectory(prefix="ganlab-grade-", ignore_cleanup_errors=True) as folder:
        own = Path(folder).resolve() / "work"
        shutil.copytree(extras, own, ignore=shutil.ignore_patterns("*.ipynb"))
        (own / ".kernel").mkdir()
        for fonts in _font_lists():
            shutil.copy(fonts, own / ".kernel")
        if _cache_dir().is_dir():
            shutil.copytree(_cache_dir(), own / ".cache", copy_function=_link)
        job = own.parent / "job.ipynb"
        answer = own.parent / "answer.json"
        order = {"own": str(own), "closed": [str(path) for path in closed], "limits": asdict(limits)}
        seconds = 2 * limits.notebook_seconds  # the worker keeps its time itself: this is for a worker that hangs
        reason = ""
        for _ in range(2):  # a kernel may fail to start on a machine that has too much to do
            nbformat.write(notebook, job)
            reason = (start or start_fresh)([str(job), str(answer), json.dumps(order)], own, seconds)
            if not reason:
                return nbformat.read(job, as_version=4), json.loads(answer.read_text(encoding="utf-8"))
        return not_run(notebook, "This work could not be run."), [f"could not be run: {reason}"]


def start_fresh(arguments: list[str], cwd: Path, seconds: float) -> str:
    """Start a submission's process anew; see Starter."""
    command = [sys.executable, "-P", "-m", WORKER, *arguments]
    try:
        done = subprocess.run(command, cwd=cwd, timeout=seconds, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return _too_long(seconds)
    return "" if done.returncode == 0 else _last_error(done.stderr)


class ForkServer:
    """Starts the processes of submissions by forking one that has imported everything; see Starter and `forkserver`.

    May be called from several threads. Should the server itself be ended, what it ran fails and a new one is started.
    """

    def __init__(self, jobs: int = 1) -> None:
        self._threads = max(1, (os.cpu_count() or 1) // jobs)  # of torch: more than there are cores wait for each other
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, Future[int]] = {}  # what the process has not answered yet; each process has its own

    def __call__(self, arguments: list[str], cwd: Path, seconds: float) -> str:
        """Fork a process for a submission; see Starter."""
        errors = cwd.parent / "errors.txt"
        order = {"arguments": arguments, "cwd": str(cwd), "seconds": seconds, "errors": str(errors)}
        try:
            status = self._send(order).result(timeout=seconds + 60)
        except (OSError, TimeoutError) as error:
            return str(error) or _too_long(seconds)
        if status == 0:
            return ""
        text = errors.read_text(encoding="utf-8", errors="replace") if errors.is_file() else ""
        return _last_error(text) if status > 0 else f"its process was ended by signal {-status}"

    def close(self) -> None:
        """End the server, and what it still runs."""
        with self._lock:
            process = self._process
            self._process = None
        if process and process.stdin:
            process.stdin.close()
            process.wait()

    def _send(self, order: dict[str, object]) -> "Future[int]":
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = self._started()
            assert self._process.stdin
            number, future = next(self._numbers), Future()
            self._waiting[number] = future
            self._process.stdin.write(json.dumps(order | {"id": number}).encode() + b"\n")
            self._process.stdin.flush()
            return future

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", forkserver.__name__]
        threads = {"OMP_NUM_THREADS": str(self._threads)}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=threads | dict(os.environ)
        )
        self._waiting = {}
        threading.Thread(target=self._read, args=[process, self._waiting], daemon=True).start()
        return process

    def _read(self, process: "subprocess.Popen[bytes]", waiting: "dict[int, Future[int]]") -> None:
        assert process.stdout
        for line in process.stdout:
            message = json.loads(line)
            if "id" in message:
                waiting.pop(message["id"]).set_result(message["status"])
        with self._lock:
            left = dict(waiting)
            waiting.clear()
        for future in left.values():
            future.set_exception(OSError("the process that starts submissions has ended"))


@contextlib.contextmanager
def starter(jobs: int) -> Iterator[Starter]:
    """Yield what starts submissions fastest here, `jobs` of them at a time."""
    if not forkserver.AVAILABLE:
        yield start_fresh
        return
    server = ForkServer(jobs)
    try:
        yield server
    finally:
        server.close()


def _too_long(seconds: float) -> str:
    return f"it was stopped after {seconds:g} s, and has to be run by hand"


def _last_error(text: str) -> str:
    errors = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", text, flags=re.MULTILINE)
    return errors[-1] if errors else "no reason given"


def not_run(notebook: NotebookNode, why: str) -> NotebookNode:
    """Put an error into every test, in place, and return it: nbgrader takes a test without outputs for passed."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = [new_output("error", ename=NOT_RUN, evalue=why, traceback=[])]
    return notebook


def _cache_dir() -> Path:
    from ganlab.runtime import cache_dir  # here: it loads torch, which this process can mostly do without

    return cache_dir()


def _font_lists() -> list[Path]:
    """Return matplotlib's list of the fonts here; a kernel without it would start a program to make one."""
    from matplotlib import font_manager, get_cachedir  # here: the import makes the list where there is none

    assert font_manager
    return list(Path(get_cachedir()).glob("fontlist*.json"))


def _link(source: str, target: str) -> None:
    """Show a file of the cache to a submission, which cannot write through the link; copy it where there are none."""
    try:
        os.symlink(source, target)
    except OSError:
        shutil.copy2(source, target)
