"""How many threads compute, for a while, and whether others take the processor."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import torch

MOST_THREADS = 1024  # of which torch can start as many as any one machine has processors; far more end the process
SPELL = 5.0  # seconds of steps that are looked at together,
SPELLS = 4  # and how many of those in a row must be poor, so that neither a peak nor a laptop that slept counts
LEAST_PART = 0.6  # of the time that steps must have a processor; of two that share one, each has about half


@contextlib.contextmanager
def using_threads(number: int | str) -> Iterator[None]:
    """Inside, torch computes with so many threads, and afterwards with as many as before; "auto" changes nothing."""
    before = torch.get_num_threads()
    if number in ("auto", before):
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def thread_counts() -> list[int]:
    """Return the numbers of threads worth trying: one, and what torch has now, but half of the processors at most.

    The other half is for a second run, or for the browser. Threads wait for each other many times a step, and one that
    finds its processor taken waits for a whole slice of time: on two processors, two threads beside another program
    take steps five times as long, two such runs thirty times. One thread beside it loses next to nothing.
    """
    return sorted({1, max(1, min(torch.get_num_threads(), processors() // 2))})


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Contention:
    """Whether other work takes the processor from steps: `note` says so, in one line, as soon as it has for a while.

    The thread that takes steps computes all the time, whatever a step is, unless others have its processor; with
    several threads it may wait for the slowest, and then those compute. None of this holds, and nothing is `watching`,
    where steps wait for a GPU or for other processes. `clocks` are of the time that passes, of the time that this
    thread computes, and of the time that all threads of the process compute, in seconds.
    """

    def __init__(
        self,
        watching: bool = True,
        clocks: tuple[Callable[[], float], ...] = (time.perf_counter, time.thread_time, time.process_time),
    ) -> None:
        self.watching = watching
        self.one_thread = "threads=1"  # how to ask for it
        self.clocks = clocks
        self.note = ""
        self._times = [0.0] * len(clocks)
        self._aside = [0.0] * len(clocks)
        self._poor = 0  # spells in a row
        self._note_said = False

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Count what is inside as a step."""
        self._aside = [0.0] * len(self.clocks)
        begin = self._now()
        yield
        times = zip(self._times, self._now(), begin, self._aside, strict=True)
        self._times = [total + end - start - aside for total, end, start, aside in times]
        self._judge()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Leave out of the step what is inside, which may wait for a disk."""
        begin = self._now()
        yield
        self._aside = [aside + end - start for aside, end, start in zip(self._aside, self._now(), begin, strict=True)]

    def tell(self, say: Callable[[str], object]) -> None:
        """Say the note, once."""
        if self.note and not self._note_said:
            self._note_said = True
            say(self.note)

    def _now(self) -> list[float]:
        return [clock() for clock in self.clocks]

    def _judge(self) -> None:
        passed, mine, everyones = self._times
        if passed < SPELL or not self.watching:
            return
        threads = torch.get_num_threads()
        part = max(mine, everyones / threads) / passed
        self._times = [0.0] * len(self.clocks)
        self._poor = self._poor + 1 if part < LEAST_PART else 0
        if self._poor >= SPELLS and not self.note:
            self.note = (
                f"Other work on this machine slows this run: its steps have a processor {part:.0%} of the time. "
                f"End that work{f', or go on with {self.one_thread}' if threads > 1 else ''}."
            )
