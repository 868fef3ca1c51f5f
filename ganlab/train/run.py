"""A training run as an iterator of steps: all that every training shares, whatever a step does.

Device and sharding, precision, the running average, seeded noise, evaluation mode for what is sampled or measured,
history, metrics, frames, checkpoints, resuming, interrupts and the watch for NaN. What a step does is the task's
(`ganlab.train.task`). A run goes on in memory after an interrupt, from its checkpoint file after a kill, and ends with
the same bits as if nothing had happened.
"""

import copy
import dataclasses
import math
import os
import warnings
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor

from ganlab import checkpoint, runtime
from ganlab.checkpoint import CheckpointError
from ganlab.data import Batch, Source, as_source, batch_of
from ganlab.models import evaluating
from ganlab.runtime import FLOAT32, Contention, endings_interrupt, interrupts_deferred, using_threads
from ganlab.train import parallel
from ganlab.train.keep import CHANGEABLE, Hold, Keep, load_run, tell_unknown
from ganlab.train.precision import settled
from ganlab.train.schedules import warmed_up
from ganlab.train.steps import update_ema
from ganlab.train.task import PICTURES, Optimizers, Stage, Task, defaults, named, recorded

COLLECT_EVERY = 50  # steps between two times that losses are brought from the device: each waits for it once


class Run(Stage):
    """Iterate to train; each item is the step's dict of losses, on the device. `play` goes to the end.

    The task's networks are trained in place, on `device`, by `optimizers`, the task's own if None. `source` is what
    `data.as_source` takes. `ema` is the running average of the network that the task names, or that network itself.

    `history` maps each loss to one number a step; `metrics` is a list of dicts with "step"; `frames` a list of
    (step, samples); `learning_rates` of (step, player, value), one for each change since the first step; `changes` of
    (step, setting, before, after), one for each setting changed on resuming; `stopped` says why a run ended early, and
    `unsaved` why its latest state is not in its file, "" otherwise; `contention.note` says that other work slows it.
    The noise of step k depends only on (seed, k).
    Raises ValueError if networks and data do not fit together, CheckpointError if the file is not of this run.
    """

    restart = "run.play()"  # goes on after an interrupt, whose line says so

    def __init__(
        self,
        task: Task,
        source: Source | Any,
        *,
        keep: Keep | None = None,
        device: str | torch.device = "auto",
        optimizers: Optimizers | None = None,
    ) -> None:
        self.task = task
        self.keep = dataclasses.replace(keep or Keep())  # checks it again: its file may have been made since
        self.device = parallel.own_device(device)
        if parallel.size() > 1 and not task.distributed:
            raise ValueError(f"{type(task).__name__}: it trains in one process; start it without torchrun")
        self.precision = FLOAT32  # until it is settled, below
        self.contention = Contention(self.device.type == "cpu" and parallel.size() == 1)
        self.networks = {name: network.to(self.device) for name, network in task.networks.items()}
        self.source = as_source(source, task.settings.seed, self.device, scale=task.scale)
        first = self.batch(0)
        task.check(first)
        self._hold = None
        if self.keep.checkpoint is not None and parallel.is_first():
            self._hold = Hold(self.keep.checkpoint, self)
            self._hold.take()
        self.settings = dataclasses.replace(task.settings, **settled(task, self.keep, first))
        self._threads = self.settings.threads if self.device.type == "cpu" else "auto"
        convolutions = runtime.convolutions(*self.networks.values())
        self.precision = runtime.named_precision(self.settings.precision, self.device, convolutions)
        for network in self.networks.values():
            network.to(memory_format=self.precision.memory_format)
        self.optimizers = task.optimizers() if optimizers is None else optimizers
        self.modules = dict(self.networks)
        self.ema = self.networks.get(task.averaged)
        if task.averaged:
            self.ema = copy.deepcopy(self.ema).requires_grad_(False)
            self.modules["ema"] = self.ema
        self._start()

    def _start(self) -> None:
        """Begin, or take over what the checkpoint has."""
        self.step = 0
        self.history: dict[str, list[float]] = {}
        self.metrics: list[dict[str, float]] = []
        self.frames: list[tuple[int, Tensor]] = []
        self.learning_rates: list[tuple[int, str, float]] = []
        self.changes: list[tuple[int, str, Any, Any]] = []
        self.stopped = ""
        self.unsaved = ""
        self._first_rates = {player: o.param_groups[0]["lr"] for player, o in self.optimizers.items()}
        self._recent: list[dict[str, Tensor]] = []  # losses of the latest steps, still on the device
        if self.keep.resume and self.keep.checkpoint.exists():
            self._resume(load_run(self.keep.checkpoint))
        elif self.keep.sample_every and self.task.draws:
            self.frames.append((0, self._apart(self.frame)))
        if parallel.any_of(self.step != parallel.from_first(lambda: self.step)):
            path = self.keep.checkpoint
            raise ValueError(f"checkpoint: not all processes see the same file {path}; put it on a shared disk")
        self._good = self._weights()
        self.replicas = {name: parallel.replica(network) for name, network in self.networks.items()}

    def batch(self, k: int) -> Batch:
        """Return this process's rows of batch k, on the device; pictures in the precision's memory format."""
        with self.contention.aside():
            whole = batch_of(self.source, k)
        rows = Batch(*(part if part is None else parallel.local_rows(part) for part in whole))
        memory_format = self.precision.memory_format if rows.x.ndim == 4 else torch.preserve_format
        return rows.to(self.device, memory_format)

    # Samples

    @torch.no_grad()
    def sample(self, z: Tensor | int, *, average: bool = True, y: Tensor | None = None) -> Tensor:
        """Return samples on the CPU for latents z (n, ...), or for n fixed latents of the run's own.

        From the averaged network, or with `average=False` from the one in training; in evaluation mode either way.
        Classes y (n,) by default take turns: 0, 1, 2, ... NotImplementedError of a task that makes none.
        """
        if not self.task.draws:
            raise NotImplementedError(f"{type(self.task).__name__} makes no samples: it has no images(network, z, y)")
        z = self.latents(z, "fixed") if isinstance(z, int) else z.to(self.device)
        if self.task.classes is not None:
            y = torch.arange(len(z)) % self.task.classes if y is None else y
            y = y.to(self.device)
        network = self.ema if average else self.networks[self.task.averaged]
        with evaluating(network), using_threads(self._threads), runtime.reproducible(self.device):
            return self.task.images(network, z, y).float().cpu()

    def frame(self) -> Tensor:
        """Return the samples that the run follows over training, from its fixed latents, (n, ...)."""
        return self.sample(self.keep.samples)

    # Steps

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> dict[str, Tensor]:
        if self.stopped or self.step >= self.settings.steps:
            raise StopIteration
        if self._hold is not None:
            self._hold.take()
        with parallel.interrupts_shared(), interrupts_deferred(), using_threads(self._threads):
            with self.contention.step(), runtime.reproducible(self.device):
                record = self._take_step(self.step)
            self.step += 1
            self._recent.append(record)
            self._after_step()
        return record

    def _take_step(self, k: int) -> dict[str, Tensor]:
        """Take step k of the task, at its learning rate, and move the average; return the means of the losses."""
        rates = self._first_rates | {player: value for _, player, value in self.learning_rates}
        part = self.task.rate(k)
        for player, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = group["lr"] if part is None else rates[player] * part
        record = self.task.step(self, k)
        if "ema" in self.modules:
            update_ema(self.ema, self.networks[self.task.averaged], warmed_up(self.settings.ema_decay, k))
        return parallel.mean(record)

    def play(self, progress: bool = True, each: Callable[[Self], None] = lambda run: None) -> Self:
        """Take all steps that are left, with a progress bar, and `each(run)` after each; return the run.

        Ctrl-C, SIGTERM and SIGHUP end it after a whole step, with the state saved; all results so far are usable.
        """
        quiet = not (progress and parallel.is_first()) or bool(os.environ.get("TQDM_DISABLE"))
        endings = endings_interrupt if parallel.size() == 1 else parallel.interrupts_noted
        with endings():
            try:
                with runtime.progress(total=self.settings.steps, initial=self.step, unit="step", disable=quiet) as bar:
                    bar.words = lambda: self.task.text(self._recent[-1:], self.history)
                    for _ in self:
                        bar.update()
                        self.contention.tell(lambda text: quiet or bar.write(text))
                        each(self)
            except KeyboardInterrupt:
                print(f"Interrupted after step {self.step:,}. All results so far are usable; {self.restart} goes on.")
                with interrupts_deferred():
                    self.collect()
                    self.save()
        self.release()
        return self

    def release(self) -> None:
        """Let another process write the checkpoint; the next step takes the right back."""
        if self._hold is not None:
            self._hold.release()

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

    def collect(self) -> None:
        """Bring the latest losses into `history`; if one is not finite, stop and put back the last good weights."""
        if not self._recent:
            return
        names = list(self._recent[0])
        values = torch.stack([torch.stack([record[name] for name in names]) for record in self._recent]).cpu().double()
        first = self.step - len(self._recent)  # the step that the first row belongs to
        self._recent.clear()
        bad = (~values.isfinite()).nonzero()
        if len(bad) or not self._weights_finite():
            row, column = bad[0].tolist() if len(bad) else (len(values) - 1, None)
            what = f"{names[column]} became {values[row, column]}" if len(bad) else "weights became infinite or NaN"
            self._stop(first + row, what)
            return
        for name, column in zip(names, values.T.tolist(), strict=True):
            self.history.setdefault(name, []).extend(column)
        self._good = self._weights()

    def save(self) -> None:
        """Write the checkpoint, if one was asked for. A disk that refuses costs a warning each time, not the training.

        `unsaved` says so until a later saving succeeds.
        """
        if self.keep.checkpoint is None or self.stopped or not parallel.is_first():
            return
        try:
            checkpoint.save(self.keep.checkpoint, self.state())
            self.unsaved = ""
        except OSError as error:
            self.unsaved = f"could not write {self.keep.checkpoint} after step {self.step:,}: {error}"
            warnings.warn(f"{self.unsaved}; training goes on", RuntimeWarning, stacklevel=2)

    def state(self) -> dict[str, Any]:
        """Return all that the run needs to continue: weights, optimizers, step, settings, history and random states."""
        history = {name: torch.tensor(values, dtype=torch.float64) for name, values in self.history.items()}
        return {
            "task": type(self.task).__qualname__,
            "settings": recorded(self.settings),
            "data": self._data(),
            "optimizers": self._optimizer_names(),
            "networks": self._networks(),
            "step": self.step,
            "weights": self._weights(),
            "history": history,
            "metrics": self.metrics,
            "frames": self.frames,
            "changes": self.changes,
            "random": runtime.random_states(),
        }

    # Within a step, or after it

    def _after_step(self) -> None:
        last = self.step == self.settings.steps

        def due(every: int) -> bool:
            return every > 0 and (last or self.step % every == 0)

        saving = self.keep.checkpoint is not None and (last or due(self.keep.checkpoint_every))
        measuring = self.keep.metric is not None and due(self.keep.metric_every)
        framing = due(self.keep.sample_every) and self.task.draws
        if saving or measuring or framing or due(COLLECT_EVERY):
            self.collect()  # first, so that no metric, frame or file is ever made from weights that are not finite
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
        """Call a function that must not disturb training: evaluation mode, no gradients, random states put back."""
        fixed = runtime.reproducible(self.device)
        with runtime.randomness_kept(), torch.no_grad(), evaluating(*self.modules.values()), fixed:
            return function()

    def _weights(self) -> dict[str, Any]:
        parts = {"modules": self.modules, "optimizers": self.optimizers}
        weights = {kind: {k: copy.deepcopy(v.state_dict()) for k, v in named.items()} for kind, named in parts.items()}
        return {**weights, "learning_rates": list(self.learning_rates)}  # which the optimizers' states hold too

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
                    if isinstance(value, Tensor) and value.shape == parameter.shape:
                        state[key] = torch.empty_like(parameter).copy_(value)

    def _stop(self, step: int, what: str) -> None:
        cause = self._likely_cause(step)  # while the optimizers still have the learning rates of that step
        self._set_weights(self._good)
        self.step = len(next(iter(self.history.values()), []))
        self.stopped = (
            f"{what} at step {step + 1:,}; likely {cause}. "
            f"The weights are those of step {self.step:,}, the last known good."
        )
        warnings.warn(self.stopped, RuntimeWarning, stacklevel=2)

    def _likely_cause(self, step: int) -> str:
        """Return what probably made step `step` diverge: the batch itself, its range, or the learning rate."""
        x = batch_of(self.source, step).x
        if not x.isfinite().all():
            return "the data: the batch of that step holds NaN or infinite values"
        if self.task.scale == "tanh" and x.ndim in PICTURES and x.abs().max() > 1.5:
            return f"the data: images reach {x.abs().max():.0f}, and the generator's lie in [-1, 1]"
        rates = {name: f"{optimizer.param_groups[0]['lr']:g}" for name, optimizer in self.optimizers.items()}
        each = ", ".join(f"{rate} of the {name}" for name, rate in rates.items())
        return f"the learning rate, {each if len(set(rates.values())) > 1 else min(rates.values())}: try a third of it"

    # What a checkpoint knows of its run

    def _networks(self) -> dict[str, str]:
        """Return what each network looks like; the repr alone does not show the size of a bare nn.Parameter."""
        sizes = {name: [tuple(w.shape) for w in module.state_dict().values()] for name, module in self.modules.items()}
        return {name: f"{module!r} with weights {sizes[name]}" for name, module in self.modules.items()}

    def _data(self) -> dict[str, Any]:
        """Return what tells the source from others: its own `identity`, or what its first batch looks like."""
        if hasattr(self.source, "identity"):
            return named(self.source.identity)
        return {"source": type(self.source).__qualname__, "shape": list(batch_of(self.source, 0).x.shape)}

    def _optimizer_names(self) -> dict[str, str]:
        return {player: type(optimizer).__qualname__ for player, optimizer in self.optimizers.items()}

    def _resume(self, state: dict[str, Any]) -> None:
        """Take over a saved state after checking that it is of this run; nothing is changed when it is not."""
        path = self.keep.checkpoint
        changes = self._differences(state)
        self._set_weights(state["weights"])
        self.step = state["step"]
        self.history = {name: values.tolist() for name, values in state["history"].items()}
        self.metrics = state["metrics"]
        self.frames = [tuple(frame) for frame in state["frames"]]
        self.changes = [tuple(change) for change in state.get("changes", [])]
        for name, before, after in changes:
            self.changes.append((self.step, name, before, after))
            print(f"{path}: from step {self.step:,} on, {name} is {after}; it was {before}")
        if any(name.endswith("learning_rate") for name, _, _ in changes):
            for player, rate in self._first_rates.items():
                self.set_learning_rate(player, rate)
        runtime.set_random_states(state["random"])

    def _differences(self, state: dict[str, Any]) -> list[tuple[str, Any, Any]]:
        """Return in what the run differs from a saved one, as (name, before, now), if `keep.change` allows each.

        CheckpointError, which names both and the way out, if it does not.
        """
        path = self.keep.checkpoint
        kept = {**state["networks"], **defaults(self.settings), **state["settings"], **state.get("data", {})}
        mine = {**self._networks(), **recorded(self.settings), **self._data()}
        of_threads = self._threads == "auto" or "threads" in state["settings"]
        tell_unknown(path, {"data": "data" in state, "number of threads": of_threads})
        if "data" not in state:
            mine = {name: value for name, value in mine.items() if name in kept}
        kept |= {f"optimizer of the {player}": name for player, name in state.get("optimizers", {}).items()}
        mine |= {f"optimizer of the {player}": name for player, name in self._optimizer_names().items()}
        mine = mine if "optimizers" in state else {n: v for n, v in mine.items() if not n.startswith("optimizer of")}
        convolutions = runtime.convolutions(*self.networks.values())
        absent = kept.get("precision") not in runtime.precisions(self.device, convolutions)
        changes = []
        for name, value in mine.items():
            if value == kept.get(name) or name == "steps" or (name == "precision" and absent):
                continue  # a longer run may continue a shorter one
            if (name, kept.get(name)) == ("threads", "auto"):
                continue  # of a run on a GPU, or older than this setting
            if name in self.keep.change:
                changes.append((name, kept.get(name), value))
                continue
            what = (
                "of other layers than this run" if name in self.modules else f"{kept.get(name)!r}, this run {value!r}"
            )
            out = f"; change=({name!r},) goes on with this run's" if name in CHANGEABLE else ""
            raise CheckpointError(f"resume: {path} has {name} {what}{out}; or choose another file")
        return changes
