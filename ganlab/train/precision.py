"""The precision of a run's steps: measured as the fastest once per machine and networks, and kept by a resumed run."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ganlab import runtime
from ganlab.runtime import Precision
from ganlab.train.run import Keep, load_run


def fastest(networks: list[nn.Module], x: Tensor, trial: Callable[[Precision], Callable[[], object]]) -> dict:
    """Time a training step in each precision, on the batch `x`; remembered per machine, networks and shape of x.

    `trial(precision)` returns the step, on copies of the networks. Returns "chosen", a precision's name, and
    "milliseconds", the median step of each. float32 is kept unless another is at least a tenth faster.
    """
    candidates = runtime.precisions(x.device, runtime.convolutions(*networks))

    def measure() -> dict:
        with runtime.randomness_kept():
            trials = {name: trial(precision) for name, precision in candidates.items()}
            chosen, medians = runtime.fastest(trials, x.device)
        return {"chosen": chosen, "milliseconds": {name: round(ms, 3) for name, ms in medians.items()}}

    what = (torch.__version__, runtime.device_name(x.device), *networks, tuple(x.shape))
    return runtime.remembered(" ".join(map(str, what)), measure)


def settled(wanted: str, keep: Keep, measure: Callable[[], dict]) -> str:
    """Return `wanted`, or for "auto" the precision of the checkpoint to be resumed, else the one that is measured."""
    if wanted != "auto":
        return wanted
    if keep.resume and Path(keep.checkpoint).exists():
        return load_run(keep.checkpoint)["settings"].get("precision", "float32")
    return measure()["chosen"]
