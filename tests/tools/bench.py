"""`make bench`: ganlab's training beside the loop as the usual example scripts write it (both in `bench_sides.py`).

Same networks, first weights, batch, data and mathematics; both sides in one process and by turns, so that a slow spell
of the machine hits both. The section "grading" says what `make grade` costs. Figures to read, never a test; the machine
should have nothing else to do.
`make bench ARGS="--only ratios growth"` runs some of the sections.
"""

import argparse
import itertools
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bench_games
import bench_grading
import bench_parallel
import bench_translation
import bench_two
import bench_vae
import families
import torch
from bench_sides import LATENT_DIM, Case, Effort, Steps, batches, by_turns, timed, versus
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from ganlab import models, runtime
from ganlab.models import trained

CASES = [
    Case("MLP 28x28", "digits", 28, "mlp"),
    Case("DCGAN 32x32, width 32", "digits", 32, "dcgan", 32),
    Case("DCGAN 32x32, width 64", "digits", 32, "dcgan", 64),
    Case("DCGAN 64x64x3, width 64", "earth", 64, "dcgan", 64),
]
# at width 64 a minute is a hundred steps on two cores, and both sides still draw fog
QUALITY_CASES = [*CASES[:3], Case("DCGAN 64x64x3, width 32", "earth", 64, "dcgan", 32)]
NOTHING = Case("2 images of 2x2, 2 units", "digits", 2, "mlp", 2, batch=2)
GROWTH = [
    *(Case(f"batch {batch}", "digits", 32, "dcgan", 32, batch) for batch in (16, 32, 64, 128, 256)),
    *(Case(f"width {width}", "digits", 32, "dcgan", width) for width in (16, 32, 64)),
    *(Case(f"{size}x{size}x3, width 32", "earth", size, "dcgan", 32) for size in (16, 32, 64)),
]


def limits(effort: Effort) -> dict[torch.dtype, float]:
    """Return the FLOP per second of large matrix products in each precision, with the threads that steps have."""
    side = 64 if effort.tiny else 2048
    matrices = {name: torch.randn(side, side).to(getattr(torch, name)) for name in ("float32", "bfloat16")}
    products: dict[str, Steps] = {name: map(torch.mm, *2 * [itertools.repeat(m)]) for name, m in matrices.items()}
    found = {name: 2 * side**3 / statistics.median(times) for name, times in by_turns(products, effort).items()}
    speeds = ", ".join(f"{name} {speed / 1e9:,.0f} GFLOP/s" for name, speed in found.items())
    print(f"the limit, matrix products of {side}x{side}: {speeds}")
    return {matrices[name].dtype: speed for name, speed in found.items()}


def gflop(steps: Steps) -> float:
    """Return the floating-point operations, in 1e9, of the matrix products and convolutions of the next step."""
    with FlopCounterMode(display=False) as counter:
        next(steps)
    return counter.get_total_flops() / 1e9


def ratios(effort: Effort) -> None:
    """Print images per second of the script and of ganlab with threads as measured and with two, and the ratios.

    The script takes as many threads as torch gives it. Work and limit are of the script and of ganlab as it is.
    """
    limit = limits(effort)
    print(f"{'':36} images a second            ratio (range), and by two threads   GFLOP a step    % of the limit")
    print(f"{'':36} {'script':>8} {'ganlab':>8} {'two':>8} {'':43} script ganlab   script ganlab  precision")
    rows = [*((case, False) for case in CASES), (CASES[0], True), (CASES[1], True)]
    for case, keep_fakes in rows[4:] if effort.tiny else rows:
        images = case.images()
        game = case.game(images)
        steps = case.script().steps(images.images, case.batch, keep_fakes)
        sides = {"script": steps, "ganlab": iter(game), "two": iter(case.game(images, threads=2))}
        times = by_turns(sides, effort)
        seconds = {side: statistics.median(rounds) for side, rounds in times.items()}
        work = {side: gflop(sides[side]) for side in ("script", "ganlab")}
        most = {"script": limit[torch.float32], "ganlab": limit[game.precision.dtype]}
        speeds = " ".join(f"{case.batch / seconds[side]:8,.0f}" for side in sides)
        works = " ".join(f"{work[side]:6.2f}" for side in work)
        shares = " ".join(f"{100e9 * work[side] / seconds[side] / most[side]:5.0f}%" for side in work)
        name = case.name + (", fakes twice" if keep_fakes else "")
        compared = f"{versus(times):21} {versus(times, 'two'):21}"
        print(f"{name:36} {speeds} {compared} {works}   {shares}   {game.precision}", flush=True)


def where(effort: Effort) -> None:
    """Print what the time of an MLP step goes to, in milliseconds, on both sides.

    Products and Adam come from the profiler, the batch and the whole from clocks; the rest is all else. A step on
    next to nothing shows what Python and the dispatch of operations cost.
    """
    print("MLP 28x28, ms a step: whole = batch + matrix products + Adam + rest; and a step on " + NOTHING.name)
    case, count = CASES[0], 2 if effort.tiny else 100
    images, none = case.images(), NOTHING.images()
    source = images.batches(case.batch)
    steps = {"script": case.script().steps(images.images, case.batch), "ganlab": iter(case.game(images))}
    loading = {"script": batches(images.images, case.batch), "ganlab": (source.at(step) for step in itertools.count())}
    empty = {"script": NOTHING.script().steps(none.images, 2), "ganlab": iter(NOTHING.game(none))}
    whole, batch, host = (by_turns(sides, effort) for sides in (steps, loading, empty))
    for side in steps:
        total, batch_ms, host_ms = (1e3 * statistics.median(found[side]) for found in (whole, batch, host))
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            timed(steps[side], count)
        events = profiled.key_averages()
        products = sum(e.self_cpu_time_total for e in events if e.key in ("aten::mm", "aten::addmm")) / count / 1e3
        adam = sum(e.cpu_time_total for e in events if e.key.startswith("Optimizer.step#")) / count / 1e3
        rest = total - batch_ms - products - adam
        parts = f"{batch_ms:.2f} + {products:.2f} + {adam:.2f} + {rest:.2f}"
        print(f"{side:8} {total:6.2f} = {parts};   {host_ms:.2f}", flush=True)


def resident(field: str) -> float:
    """Return "VmRSS", the memory this process has resident, or "VmHWM", the most it had, in MB."""
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6


def memory(effort: Effort) -> None:
    """Print the peak memory of each side beyond that of a process with the images, which has taken a step on nothing.

    Each side has a process of its own, for memory once used comes back late. getrusage's maximum would not do: a new
    process starts with its parent's.
    """
    if not Path("/proc/self/clear_refs").exists():
        print("peak memory: not measured, it is read from Linux's /proc")
        return
    print(f"{'peak memory, MB':38} {'script':>8} {'ganlab':>8}")
    for number, case in enumerate(CASES[:1] if effort.tiny else CASES):
        case.game(case.images())  # settles the precision, outside of what is measured
        command = [sys.executable, __file__, "--memory-of", str(number)]
        found = [
            subprocess.run([*command, s], check=True, capture_output=True, text=True) for s in ("script", "ganlab")
        ]
        print(f"{case.name:38} " + " ".join(f"{float(process.stdout):8,.0f}" for process in found), flush=True)


def memory_of(case: Case, side: str) -> None:
    """Print the peak memory of six steps of one side, in MB; the inside of `memory`."""
    images = case.images()
    timed(NOTHING.script().steps(NOTHING.images().images, NOTHING.batch), 2)  # torch loads much at its first step
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = resident("VmRSS")
    if side == "script":
        timed(case.script().steps(images.images, case.batch), 6)
    else:
        game = case.game(images)
        timed(game, 6)
        game.collect()  # keeps a copy of the weights to go back to, every fifty steps
    print(resident("VmHWM") - before)


def fid(effort: Effort) -> None:
    """Print the feature-FID that both sides reach after the same seconds of training, and the number of their steps.

    The sides train by turns of five seconds. All generators draw from the same 1,000 latents, in evaluation mode: the
    script's as it was trained last; ganlab's running average, and beside it, without that, the one in training.
    """
    print(f"{f'feature-FID after {effort.equal_seconds:g} s each':28} {'script':>8} {'ganlab':>8}  ratio", end="")
    print("   ganlab without averaging   real images      steps")
    for case in QUALITY_CASES[1:2] if effort.tiny else QUALITY_CASES:
        images = case.images()
        script, game = case.script(), case.game(images)
        sides: dict[str, Steps] = {"script": script.steps(images.images, case.batch), "ganlab": game}
        steps = equal_time(sides, effort.equal_seconds)
        z = models.latents(50 if effort.tiny else 1000, LATENT_DIM, runtime.seeded_generator("bench"))
        distance = trained.FeatureDistance(case.set_name, len(z))
        found = [
            distance.of(sampled(generator, z)) for generator in (script.generator, game.ema, game.networks["generator"])
        ]
        print(f"{case.name:28} {found[0]:8.2f} {found[1]:8.2f} {found[1] / found[0]:6.2f}", end="")
        print(f"{found[2]:15.2f}{distance.floor:22.2f}   {steps['script']:6,} {steps['ganlab']:6,}", flush=True)


def equal_time(sides: dict[str, Steps], seconds: float) -> dict[str, int]:
    """Train each side for so many seconds, by turns of five; return the steps each took."""
    spent, taken = dict.fromkeys(sides, 0.0), dict.fromkeys(sides, 0)
    for end in [*range(5, int(seconds), 5), seconds]:
        for side, steps in sides.items():
            while spent[side] < end:
                spent[side] += timed(steps, 1)
                taken[side] += 1
    return taken


@torch.no_grad()
def sampled(generator: nn.Module, z: Tensor) -> Tensor:
    """Return G(z) in evaluation mode, (n, C, H, W)."""
    return torch.cat([generator.eval()(part).float() for part in z.split(250)])


def growth(effort: Effort) -> None:
    """Print how the time of a step grows with the batch, the width and the resolution, on both sides."""
    print(f"{'ms a step':28} {'script':>8} {'ganlab':>8}  ratio (range)         ganlab, images a second")
    for case in (GROWTH[0], GROWTH[-3]) if effort.tiny else GROWTH:
        images = case.images()
        times = by_turns(
            {"script": case.script().steps(images.images, case.batch), "ganlab": case.game(images)}, effort
        )
        script, ours = (statistics.median(times[side]) for side in ("script", "ganlab"))
        row = f"{case.name:28} {1e3 * script:8.1f} {1e3 * ours:8.1f}  {versus(times):20}"
        print(f"{row} {case.batch / ours:9,.0f}", flush=True)


def processes(effort: Effort) -> None:
    """Print the time of a step in one process, and in two under torchrun with the same whole batch."""
    print("DCGAN 32x32, width 32, float32, ms a step of the same 64 images: median and range")
    for name, times in bench_parallel.compare(min(effort.rounds, 5)).items():
        print(f"{name:38} {statistics.median(times):8.1f} ({min(times):.1f} to {max(times):.1f})", flush=True)


def vae(effort: Effort) -> None:
    """Print the VAE's speed on both sides, and the time in which each reaches the same bound."""
    bench_vae.ratios(effort)
    bench_vae.time_to_elbo(effort)


# name -> what prints it, and its minutes on two quiet cores
SECTIONS: dict[str, tuple[Callable[[Effort], None], float]] = {
    "ratios": (ratios, 3),
    "where": (where, 1),
    "memory": (memory, 1),
    "growth": (growth, 4),
    "processes": (processes, 3),
    "two": (bench_two.two, 2),
    "fid": (fid, 9),
    "vae": (vae, 1),
    "translation": (bench_translation.translation, 1),
    "games": (bench_games.games, 60),
    "grading": (bench_grading.grading, 5),
    "families": (families.fill, 480),  # hours: only where it is asked for
}


def main(arguments: list[str] | None = None) -> None:
    """Run the sections asked for, and say first how long it will take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SECTIONS,
        default=[name for name in SECTIONS if name != "families"],
        help="sections (default: all but families)",
    )
    parser.add_argument("--tiny", action="store_true", help="a few rows in seconds, to try the program itself")
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)  # how `memory` calls itself
    chosen = parser.parse_args(arguments)
    if chosen.memory_of:
        memory_of(CASES[int(chosen.memory_of[0])], chosen.memory_of[1])
        return
    effort = Effort(1, 0.01, 0.5, tiny=True) if chosen.tiny else Effort()
    minutes = sum(SECTIONS[name][1] for name in chosen.only)
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}, median of {effort.rounds} rounds")
    print("" if chosen.tiny else f"About {minutes} minutes on two quiet cores.")
    for name in chosen.only:
        begin = time.perf_counter()
        SECTIONS[name][0](effort)
        print(f"({name}: {(time.perf_counter() - begin) / 60:.1f} min)\n", flush=True)


if __name__ == "__main__":
    main()
