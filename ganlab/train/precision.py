"""Precision and threads of a run's steps: the fastest, measured once per machine and networks, and kept on resuming."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ganlab import runtime
from ganlab.data import Batch
from ganlab.runtime import Precision
from ganlab.train import parallel
from ganlab.train.keep import Keep, load_run
from ganlab.train.task import Stage, Task

THREAD_SECONDS = 2.0  # in which numbers of threads are tried, at least three times each


class Rehearsal(Stage):
    """The stage of a step that is only timed: always the same batch, in one precision."""

    def __init__(self, task: Task, batch: Batch, precision: Precision) -> None:
        self.task = task
        self.settings = task.settings
        self.device = batch.x.device
        self.precision = precision
        self._batch = batch.to(self.device, precision.memory_format) if batch.x.ndim == 4 else batch
        self.networks = {n: network.to(memory_format=precision.memory_format) for n, network in task.networks.items()}
        self.replicas = self.networks
        self.optimizers = task.optimizers()

    def batch(self, k: int) -> Batch:
        """Return the batch, whatever the step."""
        return self._batch


def _measured(
    task: Task, batch: Batch, what: tuple[str, ...], trials: Callable[[], dict[str, Callable]], **seconds: float
) -> dict:
    """Return the fastest of the trials of one step, and their medians; remembered per machine, networks and batch."""

    def measure() -> dict:
        asked = "how many threads are" if "threads" in what else "which precision is"
        runtime.announce(f"Measuring {asked} fastest here: once for these networks, a few seconds.")
        with runtime.randomness_kept():
            chosen, medians = runtime.fastest(trials(), batch.x.device, **seconds)
        return {"chosen": chosen, "milliseconds": {name: round(ms, 3) for name, ms in medians.items()}}

    name = runtime.device_name(batch.x.device)
    key = (torch.__version__, name, *what, *task.networks.values(), tuple(batch.x.shape))
    return runtime.remembered(" ".join(map(str, key)), measure)


def _trial(task: Task, batch: Batch, precision: Precision, threads: int | str = "auto") -> Callable[[], object]:
    """Return what takes one step on a copy of the task's networks."""
    rehearsal = Rehearsal(copy.deepcopy(task), batch, precision)

    def step() -> None:
        with runtime.using_threads(threads), runtime.reproducible(rehearsal.device):  # as a run does
            rehearsal.task.step(rehearsal, 0)

    return step


def measured_precision(task: Task, batch: Batch) -> dict:
    """Time one step of a task in each of `runtime.candidates`, on a batch and copies of its networks.

    Remembered per machine, networks and shape of the batch. Returns "chosen", a precision's name, and "milliseconds",
    the median step of each. float32 is kept unless another is at least a tenth faster.
    """
    candidates = runtime.candidates(batch.x.device, runtime.convolutions(*task.networks.values()))
    return _measured(
        task, batch, (), lambda: {name: _trial(task, batch, precision) for name, precision in candidates.items()}
    )


def measured_threads(task: Task, batch: Batch, precision: Precision) -> dict:
    """Time one step of a task on the CPU with each of `runtime.thread_counts`, as `measured_precision` does.

    Returns "chosen", the number of threads as a text, and "milliseconds". One is kept unless more are at least a tenth
    faster: the other processors are free for other work then. Nothing is measured where only one is worth trying.
    """
    counts = runtime.thread_counts()
    if len(counts) == 1:
        return {"chosen": str(counts[0]), "milliseconds": {}}
    return _measured(
        task,
        batch,
        ("threads", str(precision)),
        lambda: {str(count): _trial(task, batch, precision, count) for count in counts},
        seconds=THREAD_SECONDS,
    )


def settled(task: Task, keep: Keep, batch: Batch) -> dict[str, Any]:
    """Return "precision" and "threads" of a run's steps as its settings have them, "auto" settled; in all processes.

    Raises ValueError for a precision that the device lacks.
    """
    device = batch.x.device
    convolutions = runtime.convolutions(*task.networks.values())
    there = list(runtime.precisions(device, convolutions))
    wanted = task.settings
    if wanted.precision != "auto":
        runtime.named_precision(wanted.precision, device, convolutions)  # says which there are

    def settle() -> dict[str, Any]:
        likely = runtime.thread_counts()[-1] if wanted.threads == "auto" else wanted.threads
        with runtime.using_threads(likely if device.type == "cpu" else "auto"):
            name = _settled_precision(wanted.precision, keep, there, lambda: measured_precision(task, batch))
        precision = runtime.named_precision(name, device, convolutions)
        threads = _settled_threads(wanted.threads, keep, device, lambda: measured_threads(task, batch, precision))
        return {"precision": name, "threads": threads}

    return parallel.from_first(settle)


def _settled_precision(wanted: str, keep: Keep, there: list[str], measure: Callable[[], dict]) -> str:
    """Return `wanted`, or for "auto" the precision of the checkpoint to be resumed, else the one that is measured.

    `there` names the precisions that the device has. A checkpoint's that is not among them cannot go on here: float32
    takes its place, and a line says so.
    """
    if not _resumes(keep):
        return measure()["chosen"] if wanted == "auto" else wanted
    kept = load_run(keep.checkpoint)["settings"].get("precision", "float32")
    if kept in there:
        return kept if wanted == "auto" else wanted
    print(f"{keep.checkpoint}: was trained in {kept}, which this device lacks; it goes on in float32")
    return "float32"


def _settled_threads(wanted: int | str, keep: Keep, device: torch.device, measure: Callable[[], dict]) -> int | str:
    """Return `wanted`, or for "auto" the number of threads of the checkpoint to be resumed, else the one measured.

    A checkpoint that is older than this setting goes on with torch's own number, which it was trained with. So do
    several processes: torchrun has settled what each may take. On a GPU no bit depends on it, and "auto" stays.
    """
    own = torch.get_num_threads() if device.type == "cpu" else "auto"
    if wanted == "auto" and _resumes(keep):
        wanted = load_run(keep.checkpoint)["settings"].get("threads", own)
    if wanted != "auto" or device.type != "cpu":
        return wanted
    return own if parallel.size() > 1 else int(measure()["chosen"])


def _resumes(keep: Keep) -> bool:
    return keep.resume and Path(keep.checkpoint).exists()
