"""The precision of a run's steps: measured as the fastest once per machine and networks, and kept by a resumed run."""

import copy
from collections.abc import Callable
from pathlib import Path

import torch

from ganlab import runtime
from ganlab.data import Batch
from ganlab.runtime import Precision
from ganlab.train.keep import Keep, load_run
from ganlab.train.task import Stage, Task


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


def measured_precision(task: Task, batch: Batch) -> dict:
    """Time one step of a task in each precision, on a batch and copies of its networks.

    Remembered per machine, networks and shape of the batch. Returns "chosen", a precision's name, and "milliseconds",
    the median step of each. float32 is kept unless another is at least a tenth faster.
    """
    networks = list(task.networks.values())
    candidates = runtime.precisions(batch.x.device, runtime.convolutions(*networks))

    def trial(precision: Precision) -> Callable[[], object]:
        rehearsal = Rehearsal(copy.deepcopy(task), batch, precision)
        return lambda: rehearsal.task.step(rehearsal, 0)

    def measure() -> dict:
        with runtime.randomness_kept():
            trials = {name: trial(precision) for name, precision in candidates.items()}
            chosen, medians = runtime.fastest(trials, batch.x.device)
        return {"chosen": chosen, "milliseconds": {name: round(ms, 3) for name, ms in medians.items()}}

    key = (torch.__version__, runtime.device_name(batch.x.device), *networks, tuple(batch.x.shape))
    return runtime.remembered(" ".join(map(str, key)), measure)


def settled(wanted: str, keep: Keep, there: list[str], measure: Callable[[], dict]) -> str:
    """Return `wanted`, or for "auto" the precision of the checkpoint to be resumed, else the one that is measured.

    `there` names the precisions that the device has. A checkpoint's that is not among them cannot go on here: float32
    takes its place, and a line says so.
    """
    if not (keep.resume and Path(keep.checkpoint).exists()):
        return measure()["chosen"] if wanted == "auto" else wanted
    kept = load_run(keep.checkpoint)["settings"].get("precision", "float32")
    if kept in there:
        return kept if wanted == "auto" else wanted
    print(f"{keep.checkpoint}: was trained in {kept}, which this device lacks; it goes on in float32")
    return "float32"
