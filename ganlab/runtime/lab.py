"""A lesson's setup: speed, seed and device."""

import importlib
import os
import sys
from dataclasses import dataclass
from typing import TypeVar

import torch

from ganlab.runtime.checks import whole_number
from ganlab.runtime.devices import pick_device
from ganlab.runtime.style import STYLE

SPEEDS = ("smoke", "class", "full")
SMOKE = "smoke speed: a test that every cell runs, on tiny amounts. Its numbers, tables and pictures mean nothing."
T = TypeVar("T")


@dataclass(frozen=True)
class Lab:
    """What a lesson's setup cell settles: the speed, the seed and the device."""

    speed: str
    seed: int
    device: torch.device

    def by_speed(self, smoke: T, class_: T, full: T) -> T:
        """Return the value that belongs to this lab's speed."""
        return dict(zip(SPEEDS, (smoke, class_, full), strict=True))[self.speed]


def start(speed: str = "auto", seed: int = 0, device: str = "auto") -> Lab:
    """Settle speed, seed and device for a lesson, and give its figures the course's style.

    The style is matplotlib's `rcParams`; no other global state changes. In Colab it asks for the manager of widgets.
    At smoke speed it prints that the numbers mean nothing: below, a lesson says "it is 10" at any speed.
    `speed` is "smoke", "class", "full", or "auto": the environment variable GANLAB_SPEED, else "class".
    Raises ValueError for any other speed, a seed that is not a whole number >= 0, or a device that is not there.
    """
    import matplotlib  # here: training on the command line needs none

    if speed == "auto":
        speed = os.environ.get("GANLAB_SPEED") or "class"
    if speed not in SPEEDS:
        raise ValueError(f"speed: got {speed!r}, expected one of {', '.join(SPEEDS)} (or 'auto')")
    lab = Lab(speed, whole_number("seed", seed, least=0), pick_device(device))
    matplotlib.rcParams.update(STYLE)
    if "google.colab" in sys.modules:  # which shows no widget of others until it is asked to
        importlib.import_module("google.colab.output").enable_custom_widget_manager()
    if lab.speed == "smoke":
        print(SMOKE)
    return lab
