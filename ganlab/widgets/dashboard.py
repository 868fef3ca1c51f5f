"""What a person sees of a run while it trains, and steers it by: samples, curves, Stop and learning rates.

Whoever takes the steps calls `steer` before each and `after_step` after it. Callbacks may come on another thread, so
they only leave a wish, which the next step fulfils.
"""

import html
import time
from collections.abc import Callable, Mapping

import ipywidgets as ipw
import numpy as np
import torch
from IPython import get_ipython
from IPython.display import DisplayHandle
from torch import Tensor

from ganlab.data import pixels
from ganlab.train import Run
from ganlab.widgets import still
from ganlab.widgets.curves import SIDE, Curve, Curves, picture, thin
from ganlab.widgets.kit import Panel, readout
from ganlab.widgets.still import OF_WIDGET, Shot, Still

MARK_EVERY = 0.5  # seconds between two times that the steps are counted for the forecast
PAINT_EVERY = 1.0  # seconds from one text or painting to the next, at the least,
PAINT_APART = 25  # and so many times what the last one took: painting gets at most 1/26 of the time


def panels(run: Run, losses: Mapping[str, object]) -> list[dict[str, str]]:
    """Return which losses are shown together, name -> words: as the task has them, or all by their own names."""
    return list(run.task.panels) or [{name: name for name in losses}]


def numbers(run: Run, losses: Mapping[str, float]) -> list[str]:
    """Return the losses of a step, and the latest metric with its step if there is one, as texts."""
    if not losses:
        return []
    texts = [", ".join(f"{words} {losses[name]:.3f}" for name, words in panel.items()) for panel in panels(run, losses)]
    if run.metrics:
        values = ", ".join(f"{name} {value:.4g}" for name, value in run.metrics[-1].items() if name != "step")
        texts.append(f"{values} (step {run.metrics[-1]['step']:,})")
    return texts


class Pace:
    """When to paint: PAINT_EVERY seconds after the last time, or PAINT_APART times its cost, whichever is later."""

    def __init__(self) -> None:
        self.next = time.perf_counter() + PAINT_EVERY

    def paint(self, paint: Callable[[], None]) -> bool:
        """Call `paint` if its time has come; return whether it had."""
        started = time.perf_counter()
        if started < self.next:
            return False
        paint()
        ended = time.perf_counter()
        self.next = ended + max(PAINT_EVERY, PAINT_APART * (ended - started))
        return True


class Forecast:
    """How long the steps that are left will take, by the later half of the time since the first step had been taken.

    The first step is left out, and all that comes before it: networks meet the processor, pictures are painted first.
    """

    def __init__(self) -> None:
        self.marks: list[tuple[float, int]] = []  # when so many steps had been taken, about every half second

    def note(self, step: int) -> None:
        """Take down that so many steps have been taken by now."""
        now = time.perf_counter()
        if not self.marks or now - self.marks[-1][0] >= MARK_EVERY:
            self.marks.append((now, step))

    def speed(self, step: int) -> float | None:
        """Return the steps a second of late; None before there are any to judge by."""
        now = time.perf_counter()
        begin = self.marks[0][0] if self.marks else now
        since, then = max((mark for mark in self.marks if mark[0] - begin <= (now - begin) / 2), default=(now, step))
        return (step - then) / (now - since) if step > then and now > since else None


class Dashboard(Panel):
    """Samples of fixed latents, curves, numbers, Stop, and the learning rate of each player (a VAE plays alone).

    `stopping` is set by Stop. Text and bar move once a second; painting takes at most 1/26 of the time.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.stopping = False
        self.places: tuple[DisplayHandle, DisplayHandle] | None = None  # where it is shown
        self.pace = Pace()
        self.forecast = Forecast()
        self.text_time = 0.0  # when the text was written last
        self.losses = {name: list(values) for name, values in run.history.items()}
        self.unseen: list[dict[str, Tensor]] = []  # losses of the latest steps, still on the device
        self.requests: dict[str, float] = {}  # learning rates that the next step shall have
        self.button = ipw.Button(description="Stop", icon="stop", tooltip="End the training; it can go on later")
        self.button.on_click(lambda button: self.stop())
        self.progress = ipw.IntProgress(max=run.settings.steps, layout={"width": "24em"})
        self.rates = {player: self._slider(player) for player in sorted(run.optimizers)}
        self.columns = _columns(run)
        self.samples = picture("Samples of the network as it is now, from latents that stay the same.")
        self.curves = Curves(run.settings.steps)
        self.readout = readout()
        pictures = (self.samples, self.curves.picture) if self.columns else (self.curves.picture,)
        rows = (self.button, self.progress), self.rates.values(), pictures
        boxes = [ipw.HBox(list(row), layout={"flex_flow": "row wrap"}) for row in rows]
        super().__init__([*boxes[:2], self.readout, boxes[2]])
        self.paint()

    def stop(self) -> None:
        """End the run before its next step."""
        self.stopping = True

    def steer(self) -> None:
        """Give the players the learning rates that were asked for since the last step."""
        for player in list(self.requests):
            self.run.set_learning_rate(player, self.requests.pop(player))

    def after_step(self, record: dict[str, Tensor]) -> None:
        """Take over the losses of a step, and paint if the time has come."""
        self.unseen.append(record)
        self.forecast.note(self.run.step)
        if not self.pace.paint(self.paint) and time.perf_counter() - self.text_time >= PAINT_EVERY:
            self.tell()

    def show(self) -> None:
        """Display the view, and below it what stands there should its kernel end before the training does."""
        self.places = still.show(self)

    def end(self) -> None:
        """Paint the last state and go quiet: if the run goes on later, another dashboard shows it.

        Where the view was shown, a still takes its place.
        """
        for control in (self.button, *self.rates.values()):
            control.disabled = True
        self.paint(ended=True)
        self.add_class("ganlab-done")
        if self.places:
            view, below = self.places
            view.update(self.result().bundle(), raw=True)
            below.update({"text/plain": ""}, raw=True)

    def still(self) -> Still:
        """Return what stands below the view until the training ends."""
        steps = f"{self.run.settings.steps:,} steps"
        line = f"A training of {steps} that this page has lost: its kernel ended, or the page was loaded anew. "
        line += "To train again, stop the kernel by ■ if it is still busy, and run this cell."
        return Still("", line, OF_WIDGET)

    def result(self) -> Still:
        """Return what the training leaves: the samples, the curves, and a line with what it reached."""
        run = self.run
        shots = []
        if self.columns:
            images = run.sample(self.columns**2)
            sheet = pixels.tile(images, self.columns)
            alt = f"{len(images)} samples of the {run.task.averaged or 'network'} after step {run.step:,}, in a square."
            shots = [Shot(*still.packed(sheet), SIDE, alt, crisp=True)]
        latest = numbers(run, {name: values[-1] for name, values in run.history.items()})
        names = ", ".join(name.replace("_", " ") for panel in self.curves.names for name in panel)
        shots.append(Shot(self.curves.sharp(), "webp", SIDE, f"Curves over {run.step:,} steps: {names}."))
        reached = "; ".join(latest)
        return still.of_run(shots, self._status(ended=True), reached[:1].upper() + reached[1:])

    def paint(self, ended: bool = False) -> None:
        """Send samples, curves, numbers and text as they are now to the browser."""
        run = self.run
        losses = run.history if ended else self._losses_so_far()
        if self.columns:
            self.samples.value = pixels.png(pixels.tile(run.sample(self.columns**2), self.columns))
        curves = [{name: thin(losses.get(name, ())) for name in panel} for panel in panels(run, losses)]
        above, below = (*curves[:2], {})[:2]
        below = _metrics(run) if run.keep.metric else below
        marks = {who: [at for at, player, _ in run.learning_rates if player == who] for who in self.rates}
        self.curves.paint((above, below), marks)
        self.tell(ended)

    def tell(self, ended: bool = False) -> None:
        """Send the numbers and the text, which cost next to nothing, and move the bar."""
        run = self.run
        losses = run.history if ended else self._losses_so_far()
        self.progress.value = run.step
        latest = numbers(run, {name: values[-1] for name, values in losses.items()})
        slowed = [run.contention.note] if run.contention.note and not ended else []
        lines = (self._status(ended), "; ".join(latest), *slowed)
        self.readout.value = "<br>".join(html.escape(line) for line in lines)
        self.text_time = time.perf_counter()

    def _losses_so_far(self) -> dict[str, list[float]]:
        """Return the losses of all steps without `run.collect`, whose times must not depend on the clock."""
        for name in self.unseen[0] if self.unseen else ():
            values = torch.stack([record[name] for record in self.unseen]).tolist()
            self.losses.setdefault(name, []).extend(values)
        self.unseen.clear()
        return self.losses

    def _status(self, ended: bool) -> str:
        run = self.run
        steps = self.run.settings.steps
        if run.stopped:
            return run.stopped
        if ended:
            return f"{'Done' if run.step == steps else 'Stopped'} after {run.step:,} of {steps:,} steps."
        speed = self.forecast.speed(run.step)
        if speed is None:
            return f"Step {run.step:,} of {steps:,}"
        left = _duration((steps - run.step) / speed)
        return f"Step {run.step:,} of {steps:,}, {speed:.3g} steps a second, {left} left"

    def _slider(self, player: str) -> ipw.SelectionSlider:
        """Return a slider over the player's learning rate times 0.01, 0.02, 0.05, 0.1, ... and so on to 100."""
        rate = self.run.optimizers[player].param_groups[0]["lr"]
        factors = [m * 10.0**k for k in (-2, -1, 0, 1) for m in (1, 2, 5)] + [100.0]
        options = [(f"{factor * rate:.2g}", rate if factor == 1 else factor * rate) for factor in factors]
        slider = ipw.SelectionSlider(options=options, value=rate, description=f"learning rate of the {player}")
        slider.style.description_width = "15em"
        slider.layout.width = "32em"
        slider.observe(lambda change: self._request(player, change.new), names="value")
        return slider

    def _request(self, player: str, rate: float) -> None:
        self.requests[player] = rate
        _acknowledge()


def _columns(run: Run) -> int:
    """Return in how many columns samples are shown; 0 for a task that makes none, or none that are images."""
    if not run.task.draws:
        return 0
    shape = run.sample(1).shape
    if len(shape) == 5:
        return 2  # clips, a row each: four
    return max(2, min(8, SIDE // (shape[-1] + 2))) if len(shape) == 4 and shape[1] in (1, 3) else 0


def _acknowledge() -> None:
    """Tell the browser that the message of the moment has been handled.

    A slider holds its next value back until it hears so, and ipykernel 7.4 says nothing while a cell is busy. These
    names are ipykernel's own: where another version has others, the next value comes when the cell ends.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    try:
        publish = kernel._publish_status
        if kernel.get_parent("shell").get("header", {}).get("msg_type") == "comm_msg":
            publish("idle", "shell")
            publish("busy", "shell")  # the cell still is
    except (AttributeError, TypeError):
        return


def _metrics(run: Run) -> dict[str, Curve]:
    names = dict.fromkeys(name for values in run.metrics for name in values if name != "step")
    series = {name: [(values["step"], values[name]) for values in run.metrics if name in values] for name in names}
    return {name: tuple(np.array(pairs, dtype=float).T) for name, pairs in series.items()}


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
