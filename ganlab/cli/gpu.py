"""`python -m ganlab doctor --gpu`: what a GPU makes of every kind of run, as a table to paste into a report.

Each task of `train` is trained for a few steps: twice from one seed, and once in a process that is killed, after which
this one goes on. Whatever fails is said in its place in the table, and the rest is tried all the same.
"""

import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import io
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganlab import checkpoint, models, runtime, toys
from ganlab.cli import train as command
from ganlab.cli.arguments import Parser
from ganlab.cli.tasks import RESTORERS, TASKS, TRANSLATORS, add_arguments
from ganlab.train import Ensemble, GANSettings, Run, measured_precision

MINUTES = 3  # for all of it
STARTED_BY = 90  # seconds; of a row that begins later nothing is measured, so that all tasks have their turn
LAST_BY = 140  # seconds; a row that would begin later is left out, or the lesson would have no time
LEAST_SECONDS = 20  # without which the lesson is not begun
NO_TIME = "no time was left"
READY = "all tasks are past their first checkpoint\n"
GAMES = 8  # in the ensemble
COLUMNS = ("same seed twice", "killed and resumed", "precision", "images a second", "on the CPU", "peak memory")
COLOR = re.compile(r"\x1b\[[\d;]*m")  # what a terminal is told, and a report is not
_STORED = runtime.data_file("").parent / "notebooks" / "03_dcgan.ipynb"
LESSON = _STORED if _STORED.is_file() else None
Cells = dict[str, Callable[[], str]]


class Difference(Exception):
    """Two runs of one seed that differ."""


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much is tried: the options of `train` for every task, others for some, steps, seconds a timing."""

    options: tuple[str, ...] = ("--data", "digits")
    pairs: tuple[str, ...] = ("--data", "icons")  # of the translators
    clips: tuple[str, ...] = ("--data", "moving-digits")
    paintings: tuple[str, ...] = ("--data", "photographs", "--painting", "auvers")  # of style
    steps: int = 20
    seconds: float = 1.0
    lesson: Path | None = LESSON


def run() -> int:
    """Print the table of the GPU that is here; return 0 if nothing failed. ValueError where there is none."""
    device = runtime.pick_device()
    if device.type == "cpu":
        raise ValueError(
            f"--gpu: torch {torch.__version__} finds no GPU that it can use; see README.md, "
            "section 'CPU or CUDA build of torch'"
        )
    lines, well = report(device, Extent())
    print(*lines, sep="\n")
    return 0 if well else 1


def report(device: torch.device, extent: Extent) -> tuple[list[str], bool]:
    """Return the report as lines of Markdown, and whether all went well."""
    started = time.perf_counter()
    table = Table()
    with tempfile.TemporaryDirectory(prefix="ganlab-gpu-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _tell("training in a process that is killed")
        lost = killed(folder, device, extent)
        for task in TASKS:
            _tell(task)
            trial = Trial(task, device, folder, extent=extent)
            table.add(task, _cells(trial, lost.get(task, ""), time.perf_counter() - started))
    _tell("ensemble")
    late = time.perf_counter() - started >= LAST_BY
    table.add(f"{GAMES} games at once", {COLUMNS[0]: lambda: NO_TIME if late else ensemble_twice(device, extent.steps)})
    _tell("a lesson")
    left = 60 * MINUTES - (time.perf_counter() - started)
    text = table.cell(lambda: lesson(extent.lesson, left) if left >= LEAST_SECONDS else NO_TIME)
    seconds = time.perf_counter() - started
    lines = [*facts(device), "", *table.lines(), "", f"Lesson: {text}", f"All of it took {seconds:.0f} seconds."]
    return lines, table.well


def _cells(trial: "Trial", failure: str, seconds: float) -> Cells:
    """Return the cells of a task that has its turn after so many seconds, `failure` being that of the killed process.

    When time runs out, bits come before measurements, and the lesson before the last tasks.
    """

    def no_time() -> str:
        return NO_TIME

    if seconds >= LAST_BY:
        return {COLUMNS[0]: no_time}
    in_time = seconds < STARTED_BY
    return {
        "same seed twice": trial.twice,
        "killed and resumed": lambda: trial.resumed(failure),
        "precision": trial.precision if in_time else no_time,
        "images a second": trial.speed if in_time else no_time,
        "on the CPU": trial.speed_on_cpu if in_time else no_time,
        "peak memory": trial.memory,
    }


def _tell(what: str) -> None:
    print(f"doctor: {what} ...", file=sys.stderr, flush=True)


class Table:
    """Rows of cells; `well` is false as soon as one has failed."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.well = True

    def cell(self, content: Callable[[], str]) -> str:
        """Return what `content` says, or how it failed, fit for a cell."""
        try:
            text = content()
        except Exception as error:  # whatever it is, the other cells are to be tried
            self.well = False
            text = f"FAILED: {type(error).__name__}: {error}"
        return " ".join(text.replace("|", "/").split())[:300]

    def add(self, name: str, cells: Cells) -> None:
        """Add a row; where it has nothing to say there is a dash."""
        self.rows.append([name, *(self.cell(cells[column]) if column in cells else "-" for column in COLUMNS)])

    def lines(self) -> list[str]:
        """Return the table in Markdown."""
        rows = [["task", *COLUMNS], ["---"] * (1 + len(COLUMNS)), *self.rows]
        return [f"| {' | '.join(row)} |" for row in rows]


def facts(device: torch.device) -> list[str]:
    """Return what the numbers depend on: machine and versions."""
    gpu = f"{device} ({runtime.device_name(device)})"
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory / 1e9
        gpu += f", {memory:.0f} GB, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    here = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return [
        f"Device: {gpu}",
        f"Machine: {here}",
        f"Versions: ganlab {importlib.metadata.version('ganlab')}, {versions}",
    ]


def begun(task: str, out: Path, device: torch.device, *, extent: Extent) -> Run:
    """Return a run of `python -m ganlab train TASK`, begun or continued in the folder `out`."""
    parser = Parser()
    add_arguments(parser)
    half = max(1, extent.steps // 2)
    others = dict.fromkeys((*TRANSLATORS, *RESTORERS), extent.pairs)
    others |= {"video": extent.clips, "style": extent.paintings}
    options = others.get(task, extent.options)
    arguments = [task, *options, "--steps", extent.steps, "--every", half, "--out", out, "--device", device]
    with contextlib.redirect_stdout(io.StringIO()):
        return command.begun(parser.parse_args([str(argument) for argument in arguments]))[0]


class Trial:
    """What is tried of one task."""

    def __init__(self, task: str, device: torch.device, folder: Path, *, extent: Extent) -> None:
        self.task = task
        self.device = device
        self.folder = folder
        self.extent = extent
        self.whole: Run | None = None
        self.peak = 0.0  # MB that tensors took on the GPU while it was trained

    def _played(self, name: str) -> Run:
        run = begun(self.task, self.folder / name / self.task, self.device, extent=self.extent)
        run.play(progress=False)
        if run.stopped or run.unsaved:
            raise RuntimeError(run.stopped or run.unsaved)
        return run

    def _first(self) -> Run:
        """Return the run from the first step to the last, with which the others are compared."""
        if self.whole is None:
            if self.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(self.device)
            self.whole = self._played("whole")
            if self.device.type == "cuda":
                self.peak = torch.cuda.max_memory_allocated(self.device) / 1e6
        return self.whole

    def twice(self) -> str:
        """Train twice from one seed."""
        compare(self._first(), self._played("again"))
        return "equal bits"

    def resumed(self, failure: str) -> str:
        """Go on where the killed process was, `failure` saying why it never got there."""
        if failure:
            raise RuntimeError(failure)
        file = self.folder / "killed" / self.task / "run.safetensors"
        step = checkpoint.load(file)["step"]
        compare(self._first(), self._played("killed"))
        return f"equal bits, from step {step} on"

    def precision(self) -> str:
        """Say how long a step takes in each precision."""
        run = self._first()
        measured = measured_precision(run.task, run.batch(0))
        times = ", ".join(f"{name} {ms:.2f} ms" for name, ms in measured["milliseconds"].items())
        return f"{measured['chosen']} ({times}); trained in {run.settings.precision}"

    def speed(self) -> str:
        """Say how many images a second go through a step; on CUDA also without the fixed order of its sums."""
        run = self._first()
        with runtime.reproducible(self.device):
            rate = images_a_second(run, self.extent.seconds)
        if self.device.type != "cuda":
            return f"{rate:,.0f}"
        return f"{rate:,.0f} ({images_a_second(run, self.extent.seconds):,.0f} where bits may differ)"

    def speed_on_cpu(self) -> str:
        """Say how many go through it on the CPU, in the precision that is fastest there."""
        run = begun(self.task, self.folder / "cpu" / self.task, torch.device("cpu"), extent=self.extent)
        return f"{images_a_second(run, self.extent.seconds):,.0f} ({run.settings.precision})"

    def memory(self) -> str:
        """Say how much memory tensors took on the GPU at most."""
        self._first()
        return f"{self.peak:,.0f} MB" if self.device.type == "cuda" else "not known here"


def images_a_second(run: Run, seconds: float) -> float:
    """Return how many images a second the steps of a run take up; its weights move, its record stays."""
    for k in range(3):  # the first ones build kernels
        run.task.step(run, k)
    runtime.synchronize(run.device)
    begin = time.perf_counter()
    for k in itertools.count():
        run.task.step(run, k)
        if k % 5 == 4 or run.device.type == "cpu":  # the GPU is waited for seldom
            runtime.synchronize(run.device)
            if (passed := time.perf_counter() - begin) > seconds:
                return (k + 1) * len(run.batch(0).x) / passed


def compare(first: Run, other: Run) -> None:
    """Raise Difference unless two runs have the same weights, losses, held-out numbers and samples, to the bit."""
    states = []
    for run in (first, other):
        state = run.state()
        kept = {name: state[name] for name in ("step", "weights", "history", "metrics")}
        states.append({**kept, "samples": run.sample(16) if run.task.draws else None})
    if where := difference(*states):
        raise Difference(f"bits differ, first in {where}")


def difference(a: Any, b: Any, name: str = "") -> str:
    """Return the name of the first entry in which two trees of plain values and tensors differ, "" for none."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next((w for key in a if (w := difference(a[key], b[key], f"{name}/{key}"))), "")
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        return next((w for k in range(len(a)) if (w := difference(a[k], b[k], f"{name}/{k}"))), "")
    tensors = isinstance(a, Tensor), isinstance(b, Tensor)
    alike = torch.equal(a, b) if all(tensors) else not any(tensors) and a == b
    return "" if alike else name or "/"


def ensemble_twice(device: torch.device, steps: int) -> str:
    """Play several games of points at once, twice from the same seeds."""
    weights = []
    for _ in range(2):
        with runtime.seeded(0):
            generators = [models.MLPGenerator(2, (2,), (32,)) for _ in range(GAMES)]
            critics = [models.MLPCritic((2,), (32,)) for _ in range(GAMES)]
        settings = [GANSettings(steps, seed=seed, penalty="r1") for seed in range(GAMES)]
        sources = [toys.ring().batches(64, seed=seed, device=device) for seed in range(GAMES)]
        games = Ensemble(generators, critics, sources, settings).play(progress=False)
        weights.append([games.generator.theta.detach(), games.critic.theta.detach(), games.ema.theta.detach()])
    if difference(*weights):
        raise Difference("bits differ")
    return "equal bits"


def killed(folder: Path, device: torch.device, extent: Extent) -> dict[str, str]:
    """Train all tasks in another process, past their first checkpoints, and kill it; return task -> what failed."""
    options = json.dumps([extent.options, extent.pairs, extent.clips, extent.paintings])
    arguments = (str(folder / "killed"), str(device), str(extent.steps), options)
    command_line = [sys.executable, "-m", "ganlab.cli.gpu", *arguments]
    said = {}
    with open(folder / "errors", "w+") as errors:
        child = subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=errors, text=True)
        too_long = threading.Timer(STARTED_BY, child.kill)
        too_long.start()
        with child:
            for line in child.stdout:
                if line == READY:
                    break
                task, _, failure = line.rstrip("\n").partition("\t")
                said[task] = failure
            too_long.cancel()
            child.kill()
        errors.seek(0)
        last = (errors.read().strip().splitlines() or [f"it came no further in {STARTED_BY} seconds"])[-1]
    return {task: said.get(task, f"the process that was to be killed: {last}") for task in TASKS}


def _to_be_killed(folder: str, device: str, steps: str, options: str) -> None:
    """Train each task past its first checkpoint, say so, and wait for the end."""
    extent = Extent(*(tuple(each) for each in json.loads(options)), steps=int(steps))
    runs = []  # kept, or their locks would be free
    for task in TASKS:
        failure = ""
        try:
            runs.append(begun(task, Path(folder) / task, torch.device(device), extent=extent))
            for _ in itertools.islice(runs[-1], max(1, extent.steps // 2) + 1):
                pass
        except Exception as error:
            failure = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"{task}\t{failure}", flush=True)
    print(READY, end="", flush=True)
    time.sleep(600)


def lesson(path: Path | None, seconds: float) -> str:
    """Run a lesson at smoke speed in Jupyter's kernel, on the best device here; RuntimeError if a cell fails."""
    if path is None:
        return "none here: the lessons lie in a clone"
    if importlib.util.find_spec("nbconvert") is None or importlib.util.find_spec("ipykernel") is None:
        return "not tried: Jupyter is not installed in this Python"
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ganlab-lesson-") as folder:
        arguments = ("nbconvert", "--to", "notebook", "--execute", "--output-dir", folder, str(path))
        limit = f"--ExecutePreprocessor.timeout={max(1, round(seconds))}"
        done = subprocess.run(
            [sys.executable, "-m", *arguments, limit],
            capture_output=True,
            text=True,
            env={**os.environ, "GANLAB_SPEED": "smoke", "TQDM_DISABLE": "1"},
            timeout=seconds,
        )
    if done.returncode:
        last = COLOR.sub("", " ".join(done.stderr.strip().splitlines()[-1:]))
        raise RuntimeError(f"{path.stem}: {last}")
    return f"{path.stem} at smoke speed ran in {time.perf_counter() - begin:.0f} seconds"


if __name__ == "__main__":
    _to_be_killed(*sys.argv[1:])
