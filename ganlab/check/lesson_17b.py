"""The exercises of lesson 17b: Heun's step, denoised picture and score."""

import functools
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator

Velocity = Callable[[Tensor, float], Tensor]


def heun_path(
    v: Velocity,
    x: Tensor,
    steps: int,
    step: Callable[[Velocity, Tensor, float, float], Tensor] | None = None,
    dt: Callable[[int], float] = lambda steps: 1 / steps,
    count: Callable[[int], int] = lambda steps: steps,
    time: Callable[[int, int], float] = lambda k, steps: k / steps,
) -> Tensor:
    """Return the ends of Heun's path from noise x (n, D). The rest are for slips."""
    for k in range(count(steps)):
        x = (step or _heun)(v, x, time(k, steps), dt(steps))
    return x


def _heun(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    first = v(x, t)
    return x + dt * (first + v(x + dt * first, t + dt)) / 2


def _paths(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, steps in ((3, 1), (2, 4), (4, 7)):
        x = torch.randn(n, 2, generator=seeded_generator("17b.1", n), dtype=torch.float64)
        numbers[f"ends after {steps} steps"] = function(lambda x, t: (x + 2 * t).sin() + t**2 * x, x, steps)
    return numbers


def _looking(far: float, late: float) -> Callable[[Velocity, Tensor, float, float], Tensor]:
    """Return Heun's step, but with its second look at these parts of the trial step and of the time."""

    def step(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
        first = v(x, t)
        return x + dt * (first + v(x + far * dt * first, t + late * dt)) / 2

    return step


def _from_trial(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    first = v(x, t)
    trial = x + dt * first
    return trial + dt * (first + v(trial, t + dt)) / 2


def _half_from_trial(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    trial = x + dt * v(x, t)
    return trial + dt * v(trial, t + dt) / 2


def _second_only(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    return x + dt * v(x + dt * v(x, t), t + dt)


def _sum(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    first = v(x, t)
    return x + dt * (first + v(x + dt * first, t + dt))


def _no_length(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    first = v(x, t)
    return x + (first + v(x + dt * first, t + dt)) / 2


def _no_lengths(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    first = v(x, t)
    return x + (first + v(x + first, t + dt)) / 2


def _half(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    return x + dt * v(x + dt / 2 * v(x, t), t + dt / 2)


def _whole_trial(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    first = v(x, t)
    return x + dt * (first + v(x + first, t + dt)) / 2


def _step_is_time(v: Velocity, x: Tensor, t: float, dt: float) -> Tensor:
    first = v(x, t)
    return x + dt * (first + v(x + dt * first, t + 1)) / 2


def _all_places(v: Velocity, x: Tensor, steps: int) -> Tensor:
    return torch.stack([heun_path(v, x, steps, count=lambda _, k=k: k) for k in range(steps + 1)])


HEUN_SLIPS: dict[str, dict[str, Any]] = {
    "You took Euler's step. Heun's looks a second time, at the end of the trial step.": {
        "step": lambda v, x, t, dt: x + dt * v(x, t)
    },
    "Your second look is at the old time. The trial step ends at the next time.": {"step": _looking(1, 0)},
    "Your second look is at the old place. Look where the trial step ends.": {"step": _looking(0, 1)},
    "You went on from the end of the trial step. Go from the *old* place, with the mean velocity.": {
        "step": _from_trial
    },
    "You took the whole trial step, and half a step more with the second velocity. Go from the *old* place, with the "
    "mean of both velocities.": {"step": _half_from_trial},
    "You took the second look at the time of half a step. The trial step ends at the time of a whole one.": {
        "step": _looking(1, 0.5)
    },
    "You took half a trial step, in place and in time, as the midpoint rule does. Heun's trial step is a whole one.": {
        "step": _looking(0.5, 0.5)
    },
    "You took half a trial step. The second look is where a whole one ends.": {"step": _looking(0.5, 1)},
    "You went with the second velocity alone. Take the mean of both.": {"step": _second_only},
    "You added the two velocities. Take their mean.": {"step": _sum},
    "That is the midpoint rule: its second look is after half a step. Heun's is after a whole one.": {"step": _half},
    "You walked back in time. Noise is at t = 0, and the steps lead to t = 1.": {
        "time": lambda k, steps: 1 - k / steps
    },
    "You took a step too few.": {"count": lambda steps: steps - 1},
    "You used the number of the step as the time. The time of step k is k / steps.": {
        "time": lambda k, steps: float(k)
    },
    "In both looks you used the number of a step as the time. Divide it by the number of steps.": {
        "time": lambda k, steps: float(k),
        "step": _step_is_time,
    },
    "You walked from t = 1 back to t = 0. The x that you get is the noise at t = 0: begin there.": {
        "time": lambda k, steps: 1 - k / steps,
        "dt": lambda steps: -1 / steps,
    },
    "Your trial step is as long as the whole way. Multiply its velocity by the length of one step.": {
        "step": _whole_trial
    },
    "You went on by the whole mean velocity. Multiply it by the length of one step.": {"step": _no_length},
    "You left out the length of one step, 1 / steps, in the trial step and in the real one.": {"step": _no_lengths},
    "You took the time of the *next* step for the first look.": {"time": lambda k, steps: (k + 1) / steps},
}


def denoise_and_score(
    x_t: Tensor,
    v: Tensor,
    t: Tensor,
    picture: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x_t, v, t: x_t + (1 - t) * v,
    score: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x_t, v, t: (t * v - x_t) / (1 - t),
    wide: Callable[[Tensor], Tensor] = lambda t: t.view(-1, 1, 1, 1),
) -> tuple[Tensor, Tensor]:
    """Return the mean picture and the score, each (B, C, H, W). The rest are for slips."""
    return picture(x_t, v, wide(t)), score(x_t, v, wide(t))


def _denoised(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n in (3, 2):  # 3 first: one tensor of 2 pictures would look like two answers
        rng = seeded_generator("17b.2", n)
        x_t, v = torch.randn(2, n, 2, 3, 3, generator=rng, dtype=torch.float64)
        try:
            result = function(x_t, v, torch.tensor([0.0, 0.3, 0.85], dtype=torch.float64)[3 - n :])
        except RuntimeError as error:
            if not re.search(r"size of tensor a \([23]\) must match the size of tensor b \([23]\)", str(error)):
                raise
            raise ValueError(
                "the times, one for each picture, do not fit the pictures. "
                "Hint: You used `t` as it is, (B,). t.view(-1, 1, 1, 1) multiplies each picture by its own time."
            ) from error
        pictures, scores = parts(result, "the mean picture", "the score")
        numbers[f"mean pictures, {n}"], numbers[f"scores, {n}"] = pictures, scores
    return numbers


def _wrong_order(x_t: Tensor, v: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    return denoise_and_score(x_t, v, t)[::-1]


SCORE_SLIPS: dict[str, dict[str, Any]] = {
    "Your picture is the mean *noise*, x_t - t v. The picture is x_t + (1 - t) v.": {
        "picture": lambda x_t, v, t: x_t - t * v
    },
    "You went the whole way, x_t + v. From t on only 1 - t of the way is left.": {"picture": lambda x_t, v, t: x_t + v},
    "You went t of the way in the picture. From t on 1 - t of it is left.": {"picture": lambda x_t, v, t: x_t + t * v},
    "Your score is minus the mean noise; it must still be divided by 1 - t.": {"score": lambda x_t, v, t: t * v - x_t},
    "The sign of your score is turned. Noise points away from where the density is high.": {
        "score": lambda x_t, v, t: (x_t - t * v) / (1 - t)
    },
    "You exchanged t and 1 - t in the score.": {"score": lambda x_t, v, t: ((1 - t) * v - x_t) / t},
    "You divided the score by t. Divide it by 1 - t.": {"score": lambda x_t, v, t: (t * v - x_t) / t},
    "You divided x_t alone by 1 - t. Put brackets round t * v - x_t.": {
        "score": lambda x_t, v, t: t * v - x_t / (1 - t)
    },
    "You divided the score by (1 - t)^2. That belongs to x_t - t x, and you have the noise itself.": {
        "score": lambda x_t, v, t: (t * v - x_t) / (1 - t) ** 2
    },
    "You left out t in the score: it is (t v - x_t) / (1 - t).": {"score": lambda x_t, v, t: (v - x_t) / (1 - t)},
    "You used the first time for all pictures. Each picture has its own.": {"wide": lambda t: t[:1].view(-1, 1, 1, 1)},
}

EXERCISES = {
    "17b.1": Exercise(
        _paths,
        heun_path,
        tuple(Slip(functools.partial(heun_path, **change), hint) for hint, change in HEUN_SLIPS.items())
        + (Slip(_all_places, "You returned the places after every step. Return those at t = 1 only."),),
    ),
    "17b.2": Exercise(
        _denoised,
        denoise_and_score,
        tuple(Slip(functools.partial(denoise_and_score, **change), hint) for hint, change in SCORE_SLIPS.items())
        + (Slip(_wrong_order, "You returned the score first. The mean picture comes first."),),
    ),
}
