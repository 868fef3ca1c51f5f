"""The processes of a submission: how they are forked, all that descend from one, their memory, and their end."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import psutil


def descendants(process: int, *, without: int = 0) -> list[psutil.Process]:
    """Return what descends from a process, the process `without` and its own descendants left out."""
    try:
        below = psutil.Process(process).children(recursive=True)
        apart = (
            {without, *(child.pid for child in psutil.Process(without).children(recursive=True))} if without else set()
        )
    except psutil.Error:  # it has ended
        return []
    return [one for one in below if one.pid not in apart]


def kill_descendants(process: int, *, without: int = 0) -> None:
    """Kill what descends from a process, until nothing is left that was started meanwhile."""
    for _ in range(20):
        alive = [one for one in descendants(process, without=without) if _is_alive(one)]
        if not alive:
            return
        for one in alive:
            _kill(one)
        time.sleep(0.02)


def memory_mb(process: int, *, without: int = 0) -> float:
    """Return the resident memory of what descends from a process, in megabytes."""
    total = 0
    for one in descendants(process, without=without):
        try:
            total += one.memory_info().rss
        except psutil.Error:  # it ended meanwhile
            continue
    return total / 1e6


def is_alive(process: int) -> bool:
    """Say whether a process runs: one that has ended and waits for its parent does not."""
    try:
        return _is_alive(psutil.Process(process))
    except psutil.Error:
        return False


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return


def fork(work: Callable[[], None]) -> int:
    """Run `work` in a child and return its process id; the child ends with it, with status 1 if it raises."""
    sys.stdout.flush()
    sys.stderr.flush()
    if child := os.fork():
        return child
    status = 1
    try:
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # nothing of the parent's may run twice


def be_kernel(connection_file: Path, folder: Path, variables: dict[str, str]) -> None:
    """Become a Jupyter kernel in the folder, with these variables and no others, until it is killed."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    backend = os.environ["MPLBACKEND"]
    os.environ.clear()
    os.environ.update(variables | {"MPLBACKEND": backend})
    os.chdir(folder)
    sys.argv = ["ipykernel_launcher"]
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(argv=["-f", str(connection_file)])
