"""A process that has imported all that a submission needs, and forks itself for each: nothing is imported twice.

`python -m ganlab.classroom.forkserver` reads orders from its standard input, a line of JSON each, and answers with a
line each on its standard output. The process of a submission forks a kernel of its own for every attempt. Linux only:
elsewhere a fork of a process that has loaded torch is not safe, and `isolation` starts a fresh process instead.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

AVAILABLE = sys.platform == "linux"
# What kernels of this course's assignments import. An optimiser's first step imports torch's compiler.
IMPORTED = ("IPython", "ipykernel.kernelapp", "matplotlib.pyplot", "torch._dynamo", "ganlab.plots", "ganlab.toys")
IMPORTED += ("ganlab.train", "ganlab.models", "ganlab.data", "ganlab.metrics", "ganlab.check", "ganlab.probability")
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <sys/prctl.h>


def main() -> None:
    """Import, say that it is ready, and serve orders until standard input ends; then end what still runs."""
    from ganlab.classroom import worker  # before any fork, so that every one has it
    from ganlab.classroom.processes import fork, kill_descendants

    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as a kernel would set it
    for name in IMPORTED:
        importlib.import_module(name)
    adopt_orphans()
    gc.collect()
    gc.freeze()  # a collection in a fork would touch, and so copy, all that is shared
    running: dict[int, tuple[int, float]] = {}  # process: (order, when it is stopped)
    _answer({"ready": True})
    rest = b""
    while True:
        if select.select([0], [], [], 0.02)[0]:
            if not (read := os.read(0, 1 << 16)):
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                order = json.loads(line)
                running[fork(lambda order=order: _serve(worker, order))] = (
                    order["id"],
                    time.monotonic() + order["seconds"],
                )
        for process, (_, end) in running.items():
            if time.monotonic() > end:
                kill_descendants(process)
                os.kill(process, signal.SIGKILL)
        for ended, status in _ended():
            if ended in running:
                number, _ = running.pop(ended)
                _answer({"id": number, "status": os.waitstatus_to_exitcode(status)})
    kill_descendants(os.getpid())


def _ended() -> Iterator[tuple[int, int]]:
    """Yield (process, status) of every child that has ended: processes of submissions, and orphans of theirs."""
    with contextlib.suppress(ChildProcessError):  # there are no children
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            yield child


def _answer(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _serve(worker: Any, order: dict[str, Any]) -> None:
    """In a submission's own process: run it, its errors into a file."""
    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(errors, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["cwd"])
    os.setsid()
    adopt_orphans()
    worker.main(*order["arguments"], launch=worker.attempt_forked)


def adopt_orphans() -> None:
    """Become the parent of whatever a child leaves behind, so that it can be ended with the rest."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    main()
