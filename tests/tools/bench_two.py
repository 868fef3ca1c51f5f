"""Two runs at once in `make bench`: how fast each of two processes trains beside the other, against one alone.

`python tests/tools/bench_two.py` prints more: numbers of threads, and ways in which threads wait for each other. All
rows go by turns, alone and together, so that a slow spell of the machine hits all.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

import torch
from bench_sides import Case, Effort, timed

from ganlab import runtime, train

CASES = {
    "mlp": Case("MLP 28x28", "digits", 28, "mlp"),
    "dcgan": Case("DCGAN 32x32, width 64", "digits", 32, "dcgan", 64),
}
SIDES = {"script": ("script", "auto", {}), "ganlab": ("ganlab", "auto", {})}  # side, threads, environment
WAYS = {
    **SIDES,
    "one thread": ("ganlab", "1", {}),
    "two threads": ("ganlab", "2", {}),
    "two threads, passive waits": ("ganlab", "2", {"OMP_WAIT_POLICY": "passive"}),
}


def work(name: str, side: str, threads: str) -> None:
    """Make one side of a case when told so by a line of input; then train for as many seconds as each line says.

    Prints what was made, then the seconds of a step.
    """
    sys.stdin.readline()
    case = CASES[name]
    images = case.images()
    if side == "script":
        steps = case.script().steps(images.images, case.batch)
        what = f"{torch.get_num_threads()} threads, float32"
    else:
        settings = train.GANSettings(10**9, threads=int(threads) if threads.isdecimal() else threads)
        steps = train.Run(train.GANTask(*case.networks(), settings), images.batches(case.batch), device="cpu")
        what = f"{steps.settings.threads} threads, {steps.precision}"
    timed(steps, 2)  # the first steps allocate and build kernels
    print(what, flush=True)
    for line in sys.stdin:
        times = []
        while sum(times) < float(line):
            times.append(timed(steps, 1))
        print(statistics.mean(times), flush=True)


@contextlib.contextmanager
def worker(name: str, side: str, threads: str, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Yield a process that will `work`."""
    command = [sys.executable, __file__, "--work", name, side, threads]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | environment, **pipes) as process:
        yield process
        process.stdin.close()


def answers(workers: list[subprocess.Popen], question: str) -> list[str]:
    """Return what the processes answer to a line that all of them get at once."""
    for process in workers:
        process.stdin.write(f"{question}\n")
        process.stdin.flush()
    return [process.stdout.readline().strip() for process in workers]


def two(effort: Effort, ways: dict[str, tuple] = SIDES) -> None:
    """Print the time of a step alone and beside an equal run, and how much of its speed alone each run keeps."""
    print(f"{'ms a step':45} {'alone':>8} {'beside another (range)':>24}   speed kept by each (range)")
    for name, case in list(CASES.items())[: 1 if effort.tiny else None]:
        with contextlib.ExitStack() as stack:
            pairs = {way: [stack.enter_context(worker(name, *what)) for _ in "ab"] for way, what in ways.items()}
            made = {way: [answers([one], "begin")[0] for one in pair][1] for way, pair in pairs.items()}
            turns = [{way: turn(pair, effort.seconds) for way, pair in pairs.items()} for _ in range(effort.rounds)]
        for way in ways:
            alone, *both = zip(*(times[way] for times in turns), strict=True)
            kept = [[a / b for a, b in zip(alone, times, strict=True)] for times in both]
            beside = [1e3 * time for times in both for time in times]
            row = f"{f'{case.name}, {way}':45} {1e3 * statistics.median(alone):8.1f} {statistics.median(beside):8.1f}"
            each = " and ".join(f"{statistics.median(ratios):.2f}" for ratios in kept)
            spread = f"{each} ({min(map(min, kept)):.2f} to {max(map(max, kept)):.2f})"
            print(f"{row} {f'({min(beside):.1f} to {max(beside):.1f})':15}   {spread:30} {made[way]}", flush=True)


def turn(pair: list[subprocess.Popen], seconds: float) -> tuple[float, ...]:
    """Return the seconds of a step of the first alone, then of both at the same time."""
    return tuple(float(answer) for workers in (pair[:1], pair) for answer in answers(workers, str(seconds)))


def main() -> None:
    """Print the whole table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="turns of alone and together (default 7)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of steps in each (default 2)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="rows (default: all)")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)  # how `pair` calls this program
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}, median of {options.rounds} rounds")
    two(Effort(options.rounds, options.seconds), {way: WAYS[way] for way in options.ways})


if __name__ == "__main__":
    main()
