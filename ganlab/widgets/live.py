"""Training in sight of a person: samples, curves, a Stop button and learning rates that act while the cell is busy.

A plain loop in a notebook hears no button before it ends. A run is an iterator of steps; here they are taken with an
await now and then, so the kernel hears them all. Where nobody watches, the same call prints a line now and then.
"""

import asyncio
import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import torch
from IPython import get_ipython
from IPython.display import display
from torch import Tensor, nn

from ganlab.data import Source
from ganlab.models import VAE
from ganlab.runtime import interrupts_deferred
from ganlab.train import GANSettings, GANTask, Keep, Run, VAESettings, VAETask
from ganlab.train.task import Optimizers
from ganlab.widgets.dashboard import Dashboard, numbers

HEAR_EVERY = 0.05  # seconds from one hearing to the next, so that short steps do not pay for one each
HEARINGS = 8  # turns of the event loop in each: a message passes through several before its widget has it


async def fit_gan(
    generator: nn.Module,
    critic: nn.Module,
    source: Source,
    *,
    settings: GANSettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
) -> Run:
    """Play the game to its last step in sight of a person, and return the run: `run = await live.fit_gan(...)`.

    As `train.fit_gan`, with the same bits unless a learning rate is moved. `play` says what is seen and how it ends.
    """
    task = GANTask(generator, critic, settings)
    return await play(Run(task, source, keep=keep, device=device, optimizers=optimizers))


async def fit_vae(
    vae: VAE,
    source: Source,
    settings: VAESettings,
    *,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
) -> Run:
    """Train a VAE to the last step in sight of a person, as `fit_gan` does a game: `run = await live.fit_vae(...)`."""
    return await play(Run(VAETask(vae, settings), source, keep=keep, device=device, optimizers=optimizers))


async def play(run: Run) -> Run:
    """Take all steps that are left of a run of any task, as `run.play()` does, and return it.

    In a notebook with a person in front of it, a `Dashboard` shows the run; elsewhere a line is printed every tenth of
    the steps, or with TQDM_DISABLE set only at the end. Stop, Ctrl-C and Jupyter's own stop end it after a whole step;
    everything so far is usable then, and `await live.play(run)` goes on with the same bits.
    """
    run.collect()  # the losses of steps taken elsewhere, so that what is shown starts with all of them
    view = Dashboard(run) if watched() else Lines(run)
    view.show()
    try:
        with _interrupts_call(view.stop):
            await _take_steps(run, view)
        _settle(run)
    except asyncio.CancelledError:  # by whoever awaits this; Jupyter's stop comes as an interrupt
        _settle(run)
        raise
    finally:
        view.end()
        run.release()
    if run.step < run.settings.steps and not run.stopped:
        print("Everything so far is usable; `await live.play(run)` goes on.")  # after which step, the view has said
    return run


def watched() -> bool:
    """Return whether a person runs this cell: their front ends answer `input()`; papermill, nbval and nbclient do not.

    False outside a notebook.
    """
    return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))


async def _take_steps(run: Run, view: "Dashboard | Lines") -> None:
    last_hearing = time.perf_counter()
    try:
        while not view.stopping:
            view.steer()
            record = next(run, None)
            if record is None:
                return
            view.after_step(record)
            if time.perf_counter() - last_hearing > HEAR_EVERY:
                for _ in range(HEARINGS):
                    await asyncio.sleep(0)
                last_hearing = time.perf_counter()
    except KeyboardInterrupt:  # it came during a step, which is whole
        view.stop()


def _settle(run: Run) -> None:
    """Bring an unfinished run's losses into its history and its state into its file; a finished one has done so."""
    if run.step < run.settings.steps:
        with interrupts_deferred():
            run.collect()
            run.save()


@contextlib.contextmanager
def _interrupts_call(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, an interrupt between two steps calls `stop`; Jupyter would cancel the cell, in the midst of anything."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives interrupts
        return
    handler = signal.signal(signal.SIGINT, lambda number, frame: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


class Lines:
    """Shows a run where nobody watches: prints a line every tenth of the steps and one at the end."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.stopping = False
        self.quiet = bool(os.environ.get("TQDM_DISABLE"))
        self.every = run.settings.steps if self.quiet else math.ceil(run.settings.steps / 10)

    def show(self) -> None:
        """Do nothing: lines come by and by."""

    def stop(self) -> None:
        """End the run before its next step."""
        self.stopping = True

    def steer(self) -> None:
        """Do nothing: nobody is there to steer."""

    def after_step(self, record: dict[str, Tensor]) -> None:
        """Print a line if one is due, and once if other work slows the run; the last one comes with `end`."""
        if not self.quiet:
            self.run.contention.tell(print)
        if self.run.step % self.every == 0 and self.run.step < self.run.settings.steps:
            self._print({name: value.item() for name, value in record.items()})

    def end(self) -> None:
        """Leave a still in a notebook, as the dashboard does; elsewhere print the last line."""
        if getattr(get_ipython(), "kernel", None):
            view = Dashboard(self.run)
            view.end()
            display(view.result())
            return
        self._print({name: values[-1] for name, values in self.run.history.items()})

    def _print(self, losses: dict[str, float]) -> None:
        where = f"step {self.run.step:,} of {self.run.settings.steps:,}"
        print(self.run.stopped or "; ".join([where, *numbers(self.run, losses)]), flush=True)
