"""What stops a hang, on a machine of any speed: limits in seconds of a quiet machine, scaled by what this one needs.

A test waits for an event, never for a time. Its limit only ends a wait for what will not come: `PATIENCE` times what
the thing takes on a quiet machine, times the slowness of this machine at the start of the session.
"""

import contextlib
import functools
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ADDITIONS = 2_000_000
QUIET_SECONDS = 0.07  # for the additions, on a quiet core of the machine that the limits were chosen on
PATIENCE = 10  # a machine may become four times slower after the start of a session, and busy with other things
VARIABLE = "GANLAB_TESTS_SLOWNESS"  # inherited by xdist's workers, so that all of a session have one scale


def workload() -> float:
    """Return the seconds that the additions take now, other work on the machine included."""
    begin = time.perf_counter()
    total = 0
    for k in range(ADDITIONS):
        total += k
    assert total == ADDITIONS * (ADDITIONS - 1) // 2
    return time.perf_counter() - begin


@functools.cache
def measured() -> float:
    """Return the seconds that the workload took at the start of the session, measured by whoever asks first."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = f"{workload():.3f}"
    return float(os.environ[VARIABLE])


def slowness() -> float:
    """Return how many times slower than quiet this machine was at the start of the session; 1 at least."""
    return max(1.0, measured() / QUIET_SECONDS)


def scaled(seconds: float) -> float:
    """Return the limit, in seconds here, for what takes `seconds` on a quiet machine."""
    return seconds * PATIENCE * slowness()


def explanation() -> str:
    """Return where the scale of all limits comes from."""
    return (
        f"limits are the seconds of a quiet machine x {PATIENCE} x {slowness():.1f}: {ADDITIONS:,} additions took "
        f"{measured():.2f} s at the start of the session, {QUIET_SECONDS} s on a quiet machine"
    )


def reason(what: str, seconds: float) -> str:
    """Return what to say of a wait that reached its limit."""
    return f"{what} within {scaled(seconds):.0f} s ({seconds:g} x {PATIENCE} x {slowness():.1f}); {explanation()}"


def wait_until(condition: Callable[[], object], what: str, *, seconds: float, pause: float = 0.02) -> None:
    """Return when the condition holds; fail with the limit and its scale if it does not come to hold."""
    end = time.monotonic() + scaled(seconds)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(reason(f"not {what}", seconds))
        time.sleep(pause)


def run(
    command: Sequence[str], seconds: float, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return its status and texts; one that hangs is killed, and fails the test."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=scaled(seconds), cwd=cwd, env=env)
    except subprocess.TimeoutExpired as error:
        message = f"{reason('no end of the command', seconds)}:\n{error.stdout}\n{error.stderr}"
        raise AssertionError(message) from error


@contextlib.contextmanager
def ending(process: subprocess.Popen, what: str, seconds: float) -> Iterator[None]:
    """Inside, a process that hangs is killed, which ends every wait for it, and fails the test."""
    hangs = threading.Event()

    def kill() -> None:
        hangs.set()
        process.kill()

    timer = threading.Timer(scaled(seconds), kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if hangs.is_set():
            raise AssertionError(reason(f"not {what}", seconds))
