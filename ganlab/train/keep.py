"""What a run keeps along the way, the file in which it keeps its state, and the lock on that file."""

import dataclasses
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ganlab import checkpoint
from ganlab.checkpoint import CheckpointError
from ganlab.runtime import user_path, whole_number

CHANGEABLE = (
    "learning_rate", "critic_learning_rate", "batch_size", "objective", "penalty", "penalty_weight", "threads",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Keep:
    """What a run keeps along the way; intervals are in steps, 0 for never.

    `metric(run) -> dict` of numbers is called every `metric_every` steps and at the end; the samples of `samples` fixed
    latents go into `run.frames` every `sample_every`; the state goes to the file `checkpoint` every `checkpoint_every`
    and at the end. `resume` continues from that file if it is there; without it, a file that is there is an error.
    `change` names the settings, of `CHANGEABLE`, in which the continued run may differ from the file's: `run.changes`
    then says what was changed, and at which step.
    """

    metric: Callable[[Any], dict[str, float]] | None = None
    metric_every: int = 0
    sample_every: int = 0
    _: dataclasses.KW_ONLY
    samples: int = 16
    checkpoint: str | Path | None = None
    checkpoint_every: int = 500
    resume: bool = False
    change: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("metric_every", "sample_every", "checkpoint_every"):
            whole_number(name, getattr(self, name), least=0)
        whole_number("samples", self.samples, least=1)
        for name in self.change:
            if name not in CHANGEABLE:
                raise ValueError(f"change: got {name!r}, expected names of {', '.join(CHANGEABLE)}")
        if self.resume and self.checkpoint is None:
            raise ValueError("resume: got True without checkpoint=, expected the file to resume from")
        if self.checkpoint is None:
            return
        object.__setattr__(self, "checkpoint", user_path(self.checkpoint))
        if self.checkpoint.exists() and not self.resume:
            raise ValueError(
                f"checkpoint: {self.checkpoint} exists already; pass resume=True to continue it, or another name"
            )


def load_run(path: str | Path) -> dict[str, Any]:
    """Return the state of the run kept at `path`; raise CheckpointError when that file is none, or damaged."""
    state = checkpoint.load(path)
    if not {"settings", "networks", "weights", "random"} <= state.keys():
        raise CheckpointError(f"resume: {path} is a checkpoint, but not of a run")
    return state


def tell_unknown(path: Path, known: dict[str, bool]) -> None:
    """Say in one line, if there is something, what a checkpoint of an older version does not know of its run."""
    if unknown := " and ".join(what for what, there in known.items() if not there):
        print(
            f"{path}: it was written before checkpoints knew their {unknown}; whether these are the same is not known"
        )


class Hold:
    """The right to write one checkpoint: one process at a time has it, and a process that is killed leaves it free.

    Runs of one process share it. The lock is a small hidden file beside the checkpoint.
    """

    def __init__(self, path: Path, owner: object) -> None:
        self.path = path
        self._lock = FileLock(path.parent / f".{path.name}.lock", is_singleton=True)
        self._held = False
        weakref.finalize(owner, self.release)

    def take(self) -> None:
        """Take the right, if this hold has it not yet.

        ValueError, in one line, when another process has it, or nothing can be written there.
        """
        if self._held:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ValueError(
                f"checkpoint: another process is training into {self.path} now; wait for it or choose another folder"
            ) from error
        except OSError as error:
            raise ValueError(f"checkpoint: nothing can be written to {self.path.parent} ({error})") from error
        self._held = True
        self._try_to_write()

    def _try_to_write(self) -> None:
        """Write a small file beside the checkpoint and remove it: better now than after the first 500 steps."""
        probe = self.path.parent / f".{self.path.name}.{os.urandom(4).hex()}.probe"
        try:
            with open(probe, "xb") as file:
                file.write(b"can this be written?")
        except OSError as error:
            self.release()
            raise ValueError(f"checkpoint: nothing can be written to {self.path.parent} ({error})") from error
        finally:
            probe.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the right back."""
        if self._held:
            self._held = False
            self._lock.release()
