"""A detector's threshold as a slider, and how rare fakes are as another: what a positive then means."""

from typing import NamedTuple

import ipywidgets as ipw
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from ganlab import metrics, plots
from ganlab.widgets.kit import Latest, Panel, readout, slider
from ganlab.widgets.moving import MovingPicture

ONE_IN = (2, 10, 100, 1_000, 10_000, 100_000)  # pictures, one of which is fake
BINS = 40
PICTURES = 1_000_000  # that are imagined


class ThresholdState(NamedTuple):
    """Rates at a threshold, each with its 95% interval, and the probability that a positive is fake, with its own."""

    hits: float
    hit_interval: tuple[float, float]
    false_alarms: float
    false_alarm_interval: tuple[float, float]
    precision: float
    precision_interval: tuple[float, float]


def threshold_state(fake: Tensor, real: Tensor, threshold: float, base_rate: float) -> ThresholdState:
    """Return what a detector's scores fake (m,) and real (n,) say at a threshold, where `base_rate` of all are fake.

    A score above the threshold is a positive. The interval of the precision takes the worst ends of both rates'.
    The precision is nan where no score is above the threshold. Raises ValueError for a base rate outside (0, 1).
    """
    if not 0 < base_rate < 1:
        raise ValueError(f"base_rate: got {base_rate!r}, expected a number between 0 and 1")
    counts = [int((scores > threshold).sum()) for scores in (fake, real)]
    hits, alarms = (count / len(scores) for count, scores in zip(counts, (fake, real), strict=True))
    (f_low, f_high), (a_low, a_high) = (
        metrics.proportion_interval(count, len(scores)) for count, scores in zip(counts, (fake, real), strict=True)
    )

    def precision(d: float, f: float) -> float:
        positives = base_rate * d + (1 - base_rate) * f
        return base_rate * d / positives if positives > 0 else float("nan")

    interval = precision(f_low, a_high), precision(f_high, a_low)
    return ThresholdState(hits, (f_low, f_high), alarms, (a_low, a_high), precision(hits, alarms), interval)


class ThresholdExplorer(Panel):
    """Two sliders, the threshold of a detector and how rare fakes are; histograms of its scores and what follows.

    `fake` (m,) and `real` (n,) are scores of pictures that were not trained on; higher means fake.
    """

    doing = "move the threshold, and say how rare fakes are"

    def __init__(self, fake: Tensor, real: Tensor) -> None:
        self.fake, self.real = fake.detach().cpu().double(), real.detach().cpu().double()
        least, most = (float(edge) for edge in np.quantile(np.concatenate([self.fake, self.real]), [0.001, 0.999]))
        room = (most - least) / 10  # to move the threshold both ways from 0, wherever the scores lie
        least, most = min(least, -room), max(most, room)
        figure = Figure(figsize=(6.8, 2.8), layout="constrained")
        ax = figure.subplots()
        edges = np.linspace(least, most, BINS)
        for scores, name, colour in ((self.real, "real", plots.REAL), (self.fake, "fake", plots.FAKE)):
            inside = scores.clamp(least, most).numpy()
            ax.hist(inside, edges, density=True, color=colour, alpha=0.6, label=name)
        self.line = ax.axvline(0.0, color=plots.INK, linewidth=2)
        ax.set(xlabel="score of the detector (logit)", ylabel="density")
        ax.legend(frameon=False, loc="upper left")
        self.threshold = slider("threshold", 0.0, least=least, most=most, step=(most - least) / 200)
        options = [(f"{n:,}", n) for n in ONE_IN]
        style = {"description_width": "10em"}
        self.one_in = ipw.SelectionSlider(options=options, value=1_000, description="one fake in", style=style)
        self.one_in.layout.width = "28em"
        self.picture = MovingPicture(figure, moving=[self.line])
        self.readout = readout()
        self.redraw = Latest(self._paint)
        for control in (self.threshold, self.one_in):
            control.observe(self.redraw, names="value")
        super().__init__([self.threshold, self.one_in, self.picture, self.readout])
        self.redraw()

    def _paint(self) -> None:
        self.line.set_xdata([self.threshold.value] * 2)
        self.picture.paint()
        base_rate = 1 / self.one_in.value
        state = threshold_state(self.fake, self.real, self.threshold.value, base_rate)
        fakes = PICTURES * base_rate
        low, high = state.precision_interval
        positives = f"A positive is a fake with probability {state.precision:.1%} (between {low:.1%} and {high:.1%})."
        if state.hits == state.false_alarms == 0:
            positives = "No score lies above the threshold."
        self.readout.value = "<br>".join(
            [
                f"Finds {state.hits:.1%} of the fakes; false alarms {state.false_alarms:.2%} of the real "
                f"(95% interval {state.false_alarm_interval[0]:.2%} to {state.false_alarm_interval[1]:.2%}).",
                f"Of {PICTURES:,} pictures {fakes:,.0f} are fake: {fakes * state.hits:,.0f} found, and "
                f"{(PICTURES - fakes) * state.false_alarms:,.0f} false alarms.",
                positives,
            ]
        )
