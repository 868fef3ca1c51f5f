"""One process against two under torchrun: the training step of the DCGAN at 32x32, width 32, one global batch of 64.

`python tests/tools/bench_parallel.py` prints the table; `compare(rounds)` returns it. Each configuration runs in
processes of its own, by turns, so that a slow spell of the machine hits all.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

import torch

from ganlab import data, models, runtime, train
from ganlab.train import parallel

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
CONFIGURATIONS = {  # threads of each process, and what starts them
    "one process, one thread": ("1", []),
    "one process, two threads": ("2", []),
    "two processes, one thread each": ("1", TORCHRUN),
}


def step_milliseconds(count: int = 20) -> float:
    """Return the median time of a training step of this process, which may be one of several."""
    with runtime.seeded(0):
        networks = models.DCGANGenerator(100, width=32), models.DCGANCritic(width=32)
    settings = train.GANSettings(10**9, precision="float32")  # the same in all, whatever the start-up would choose
    run = train.Run(train.GANTask(*networks, settings), data.load("digits", size=32).batches(64), device="cpu")
    times = []
    for _ in range(count + 3):
        begin = time.perf_counter()
        next(run)
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times[3:])  # the first build kernels


def say() -> int:
    """Print the measured time; of torchrun's processes, the first alone speaks."""
    print(step_milliseconds())
    return 0


def measure(configuration: str) -> float:
    """Return the milliseconds that a step takes in one configuration, in new processes."""
    threads, launcher = CONFIGURATIONS[configuration]
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    command = [sys.executable, *launcher, __file__, "--measure"]
    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(said)


def compare(rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds a step of each configuration, one number a round."""
    data.load("digits")  # built once, here
    turns = [{name: measure(name) for name in CONFIGURATIONS} for _ in range(rounds)]
    return {name: [turn[name] for turn in turns] for name in CONFIGURATIONS}


def main() -> int:
    """Measure and print a table, with the ratio of each round to one process of one thread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each configuration (default 5)")
    parser.add_argument("--measure", action="store_true", help="measure this process alone, or as torchrun's")
    options = parser.parse_args()
    if options.measure:
        return parallel.together(say)
    found = compare(options.rounds)
    print(f"{runtime.device_name(torch.device('cpu'))}, median of {options.rounds} rounds (lowest, highest ratio)")
    first = next(iter(found.values()))
    for name, times in found.items():
        ratios = sorted(one / mine for one, mine in zip(first, times, strict=True))
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{name:32} {statistics.median(times):7.1f} ms a step   {spread} times as fast as the first")
    return 0


if __name__ == "__main__":
    sys.exit(main())
