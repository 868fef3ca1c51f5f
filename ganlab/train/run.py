"""A training run as an iterator of steps: history, metrics, frames, checkpoints, interrupts, and the watch for NaN.

It knows nothing of what a step does; `ganlab.train` has the steps. A run goes on in memory after an interrupt, from its
checkpoint file after a kill, and ends with the same bits as if nothing had happened.
"""

import copy
import dataclasses
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from ganlab import checkpoint, runtime
from ganlab.checkpoint import CheckpointError
from ganlab.runtime import interrupts_deferred, whole_number

LOOK_EVERY = 50  # steps between two looks at the losses: each look waits for the device once


class Source(Protocol):
    """Where real samples come from: `at(step)` depends on nothing but the step, so a resumed run sees the same."""

    def at(self, step: int) -> Tensor:
        """Return the batch of training step `step`, (B, ...)."""


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


class Run:
    """Iterate to train; each item is the step's dict of losses, on the device. `play` goes to the end.

    `history` maps each loss to one number a step; `metrics` is a list of dicts with "step"; `frames` a list of
    (step, samples); `learning_rates` of (step, player, value), one for each change since the first step; `stopped` says
    why a run ended early, "" otherwise. A subclass gives `take_step`, `frame`, `sample` if it makes images, and
    `panels`: the losses that are shown together, name -> words.
    """

    panels: tuple[dict[str, str], ...] = ()

    def __init__(
        self, modules: dict[str, nn.Module], optimizers: dict[str, torch.optim.Optimizer], settings: Any, keep: Keep
    ) -> None:
        self.modules, self.optimizers, self.settings, self.keep = modules, optimizers, settings, keep
        self.step = 0
        self.history: dict[str, list[float]] = {}
        self.metrics: list[dict[str, float]] = []
        self.frames: list[tuple[int, Tensor]] = []
        self.learning_rates: list[tuple[int, str, float]] = []
        self.stopped = ""
        self._unseen: list[dict[str, Tensor]] = []  # losses of the latest steps, still on the device
        if keep.resume and Path(keep.checkpoint).exists():
            self._resume(load_run(keep.checkpoint))
        elif keep.sample_every:
            self.frames.append((0, self._apart(self.frame)))
        self._good = self._weights()

    def take_step(self, step: int) -> dict[str, Tensor]:
        """Change the weights once and return the losses, as tensors on the device."""
        raise NotImplementedError

    def sample(self, z: Tensor | int) -> Tensor:
        """Return samples on the CPU for latents z (n, latent_dim), or for n fixed latents of the run's own."""
        raise NotImplementedError

    def frame(self) -> Tensor:
        """Return samples from the run's fixed latents, (n, ...)."""
        raise NotImplementedError

    def likely_cause(self, step: int) -> str:
        """Return what probably made step `step` diverge."""
        rates = {name: f"{optimizer.param_groups[0]['lr']:g}" for name, optimizer in self.optimizers.items()}
        each = ", ".join(f"{rate} of the {name}" for name, rate in rates.items())
        return f"the learning rate, {each if len(set(rates.values())) > 1 else min(rates.values())}: try a third of it"

    def set_learning_rate(self, player: str, value: float) -> None:
        """Give a player, "critic" say, another learning rate from the next step on; `learning_rates` gets an entry.

        A checkpoint resumes with it, but from then on seed and settings alone no longer give the same bits. ValueError
        for a player that is none, or a value that is not finite and > 0.
        """
        if player not in self.optimizers:
            raise ValueError(f"player: got {player!r}, expected one of {sorted(self.optimizers)}")
        if not 0 < value < math.inf:
            raise ValueError(f"value: got {value!r}, expected a finite number > 0")
        for group in self.optimizers[player].param_groups:
            group["lr"] = float(value)
        self.learning_rates.append((self.step, player, float(value)))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> dict[str, Tensor]:
        if self.stopped or self.step >= self.settings.steps:
            raise StopIteration
        with interrupts_deferred():
            record = self.take_step(self.step)
            self.step += 1
            self._unseen.append(record)
            self._after_step()
        return record

    def play(self, progress: bool = True, each: Callable[[Self], None] = lambda run: None) -> Self:
        """Take all steps that are left, with a progress bar, and `each(run)` after each; an interrupt ends it early."""
        try:
            quiet = not progress or bool(os.environ.get("TQDM_DISABLE"))  # which tqdm's bar for notebooks ignores
            with tqdm(total=self.settings.steps, initial=self.step, unit="step", disable=quiet) as bar:
                for _ in self:
                    bar.update()
                    each(self)
        except KeyboardInterrupt:
            print(f"Interrupted after step {self.step:,}. All results so far are usable; run.play() goes on.")
            with interrupts_deferred():
                self.look()
                self.save()
        return self

    def look(self) -> None:
        """Bring the latest losses into `history`; if one is not finite, stop and put back the last good weights."""
        if not self._unseen:
            return
        names = list(self._unseen[0])
        values = torch.stack([torch.stack([record[name] for name in names]) for record in self._unseen]).double().cpu()
        first = self.step - len(self._unseen)  # the step that the first row belongs to
        self._unseen.clear()
        bad = (~values.isfinite()).nonzero()
        if len(bad) or not self._weights_finite():
            row, column = bad[0].tolist() if len(bad) else (len(values) - 1, None)
            what = f"{names[column]} became {values[row, column]}" if len(bad) else "weights were found infinite or NaN"
            self._stop(first + row, what)
            return
        for name, column in zip(names, values.T.tolist(), strict=True):
            self.history.setdefault(name, []).extend(column)
        self._good = self._weights()

    def save(self) -> None:
        """Write the checkpoint, if one was asked for. A disk that refuses costs a warning, not the training."""
        if self.keep.checkpoint is None or self.stopped:
            return
        try:
            checkpoint.save(self.keep.checkpoint, self.state())
        except OSError as error:
            text = f"could not write {self.keep.checkpoint}: {error}; training goes on"
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def state(self) -> dict[str, Any]:
        """Return all that the run needs to continue: weights, optimizers, step, settings, history and random states."""
        history = {name: torch.tensor(values, dtype=torch.float64) for name, values in self.history.items()}
        return {
            "settings": dataclasses.asdict(self.settings),
            "networks": self._networks(),
            "step": self.step,
            "weights": self._weights(),
            "history": history,
            "metrics": self.metrics,
            "frames": self.frames,
            "random": runtime.random_states(),
        }

    def _after_step(self) -> None:
        last = self.step == self.settings.steps

        def due(every: int) -> bool:
            return every > 0 and (last or self.step % every == 0)

        saving = self.keep.checkpoint is not None and (last or due(self.keep.checkpoint_every))
        measuring = self.keep.metric is not None and due(self.keep.metric_every)
        framing = due(self.keep.sample_every)
        if saving or measuring or framing or due(LOOK_EVERY):
            self.look()  # first, so that no metric, frame or file is ever made from weights that are not finite
        if self.stopped:
            return
        if measuring:
            numbers = self._apart(lambda: self.keep.metric(self)).items()  # may be numpy's or torch's numbers
            values = {name: value.item() if hasattr(value, "item") else value for name, value in numbers}
            self.metrics.append({"step": self.step, **values})
        if framing:
            self.frames.append((self.step, self._apart(self.frame)))
        if saving:
            self.save()

    def _apart(self, function: Callable[[], Any]) -> Any:
        """Call a function that must not disturb training: no gradients, and the random states are put back."""
        with runtime.randomness_kept(), torch.no_grad():
            return function()

    def _weights(self) -> dict[str, Any]:
        parts = {"modules": self.modules, "optimizers": self.optimizers}
        weights = {kind: {k: copy.deepcopy(v.state_dict()) for k, v in named.items()} for kind, named in parts.items()}
        return {**weights, "learning_rates": list(self.learning_rates)}  # which the optimizers' states hold too

    def _networks(self) -> dict[str, str]:
        """Return what each network looks like; the repr alone does not show the size of a bare nn.Parameter."""
        sizes = {name: [tuple(w.shape) for w in module.state_dict().values()] for name, module in self.modules.items()}
        return {name: f"{module!r} with weights {sizes[name]}" for name, module in self.modules.items()}

    def _weights_finite(self) -> bool:
        weights = [parameter.detach() for module in self.modules.values() for parameter in module.parameters()]
        return bool(torch.stack(torch._foreach_norm(weights)).isfinite().all())

    def _set_weights(self, weights: dict[str, Any]) -> None:
        self.learning_rates = [tuple(change) for change in weights.get("learning_rates", [])]
        for name, module in self.modules.items():
            module.load_state_dict(weights["modules"][name])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(copy.deepcopy(weights["optimizers"][name]))
            for parameter, state in optimizer.state.items():
                for key, value in state.items():  # moments take their parameter's memory order: kernels count on it
                    if value.shape == parameter.shape:
                        state[key] = torch.empty_like(parameter).copy_(value)

    def _stop(self, step: int, what: str) -> None:
        cause = self.likely_cause(step)  # while the optimizers still have the learning rates of that step
        self._set_weights(self._good)
        self.step = len(next(iter(self.history.values()), []))
        self.stopped = (
            f"{what} at step {step + 1:,}; likely {cause}. "
            f"The weights are those of step {self.step:,}, the last known good."
        )
        warnings.warn(self.stopped, RuntimeWarning, stacklevel=2)

    def _resume(self, state: dict[str, Any]) -> None:
        """Take over a saved state after checking that it is of this run; nothing is changed when it is not."""
        mine = {**dataclasses.asdict(self.settings), **self._networks()}
        defaults = {field.name: field.default for field in dataclasses.fields(self.settings)}
        kept = {**defaults, **state["settings"], **state["networks"]}  # a file may be older than a setting
        for name, value in mine.items():
            wanted = list(value) if isinstance(value, tuple) else value  # JSON keeps tuples as lists
            if name != "steps" and wanted != kept.get(name):  # a longer run may continue a shorter one
                plain = f"{kept.get(name)!r}, this run {value!r}"
                differs = "of other layers than this run" if name in self.modules else plain
                raise CheckpointError(f"resume: {self.keep.checkpoint} has {name} {differs}")
        self._set_weights(state["weights"])
        self.step = state["step"]
        self.history = {name: values.tolist() for name, values in state["history"].items()}
        self.metrics = state["metrics"]
        self.frames = [tuple(frame) for frame in state["frames"]]
        runtime.set_random_states(state["random"])
