"""What a training run keeps along the way, and the reading of the file in which it keeps its state."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganlab import checkpoint
from ganlab.checkpoint import CheckpointError
from ganlab.runtime import whole_number


@dataclasses.dataclass(frozen=True)
class Keep:
    """What a run keeps along the way; intervals are in steps, 0 for never.

    `metric(run) -> dict` of numbers is called every `metric_every` steps and at the end; the samples of `samples` fixed
    latents go into `run.frames` every `sample_every`; the state goes to the file `checkpoint` every `checkpoint_every`
    and at the end. `resume` continues from that file if it is there; without it, a file that is there is an error.
    """

    metric: Callable[[Any], dict[str, float]] | None = None
    metric_every: int = 0
    sample_every: int = 0
    samples: int = 16
    checkpoint: str | Path | None = None
    checkpoint_every: int = 500
    resume: bool = False

    def __post_init__(self) -> None:
        for name in ("metric_every", "sample_every", "checkpoint_every"):
            whole_number(name, getattr(self, name), least=0)
        whole_number("samples", self.samples, least=1)
        if self.resume and self.checkpoint is None:
            raise ValueError("resume: got True without checkpoint=, expected the file to resume from")
        if self.checkpoint is not None and Path(self.checkpoint).exists() and not self.resume:
            raise ValueError(
                f"checkpoint: {self.checkpoint} exists already; pass resume=True to continue it, or another name"
            )


def load_run(path: str | Path) -> dict[str, Any]:
    """Return the state of the run kept at `path`; raise CheckpointError when that file is none, or damaged."""
    state = checkpoint.load(path)
    if not {"settings", "networks", "weights", "random"} <= state.keys():
        raise CheckpointError(f"resume: {path} is a checkpoint, but not of a run")
    return state
