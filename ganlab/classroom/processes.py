"""The processes of a submission: all that descend from one, their memory, and their end."""

import time

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
