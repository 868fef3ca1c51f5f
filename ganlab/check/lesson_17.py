"""The exercises of lesson 17: the velocity of two points, guidance as a product."""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def two_points(
    x_t: Tensor,
    t: float,
    a: float,
    b: float,
    p: float,
    start: Callable[[Tensor, float, float], Tensor] = lambda x_t, t, end: (x_t - t * end) / (1 - t),
    log_weight: Callable[..., Tensor] = lambda z, prior, gap, t: prior.log() - z**2 / 2,
    parts: Callable[[Tensor], Tensor] = lambda logs: logs.softmax(0),
    speed: Callable[[Tensor, Tensor, Tensor, float], Tensor] = lambda x_t, z, end, t: end - z,
    mix: Callable[[Tensor, Tensor], Tensor] = lambda part, speeds: (part * speeds).sum(0),
) -> Tensor:
    """Return (17.1) for the data a, with probability p, and b: (n,). The rest are for slips."""
    ends = torch.tensor([[a], [b]], dtype=x_t.dtype)  # (2, 1)
    prior = torch.tensor([[p], [1 - p]], dtype=x_t.dtype)
    z = start(x_t, t, ends)  # (2, n)
    part = parts(log_weight(z, prior, x_t - ends, t))
    return mix(part, speed(x_t, z, ends, t))


def log_normal(z: Tensor) -> Tensor:
    """Return the log of the standard normal density at z, as `torch.distributions.Normal(0, 1).log_prob` does."""
    return -(z**2) / 2 - math.log(2 * math.pi) / 2


def _two_points(function: Callable) -> dict[str, Any]:
    numbers = {}
    places = [0.2, -1.1, 0.9, 1.7]
    for t, a, b, p in ((0.5, 1.0, -1.0, 0.5), (0.3, 2.0, 0.5, 0.8), (0.0, 1.5, -0.5, 0.25), (0.8, -1.0, 3.0, 0.4)):
        x_t = torch.tensor(places, dtype=torch.float64)
        given = f"t = {t}, a = {a:g}, b = {b:g}, p = {p}"
        numbers[f"velocity at the places {', '.join(map(str, places))} for {given}"] = function(x_t, t, a, b, p)
    return numbers


NOT_DIVIDED = "You did not divide by the sum of both weights. Only then are they parts, which add up to 1."
LOG_AS_WEIGHT = "You took the *logarithm* of the density as the weight. The weight is the density itself."

POINT_SLIPS: dict[str, dict[str, Any]] = {
    "You gave both ends the same weight. Weight each by how many walkers at this place go to it.": {
        "log_weight": lambda z, prior, gap, t: 0 * z
    },
    "You weighted by p and 1 - p alone. The place counts as well: a start z far from 0 is rare.": {
        "log_weight": lambda z, prior, gap, t: prior.log() + 0 * z
    },
    "You left out p: the parts are p times a density, and (1 - p) times a density.": {
        "log_weight": lambda z, prior, gap, t: -(z**2) / 2
    },
    "You used z^2 in the density without the half: it is e^(-z^2 / 2).": {
        "log_weight": lambda z, prior, gap, t: prior.log() - z**2
    },
    "You took the velocity to the likelier end. The answer is the mean of both velocities.": {
        "mix": lambda part, speeds: speeds.gather(0, part.argmax(0, keepdim=True))[0]
    },
    "You returned the mean of the ends. The velocity is the end minus the start z.": {
        "speed": lambda x_t, z, end, t: end + 0 * z
    },
    "You returned the end minus the *place*. The velocity is the end minus the start z.": {
        "speed": lambda x_t, z, end, t: end - x_t
    },
    "You returned the mean of the starts, E[z | x_t]. The velocity is the end minus the start z.": {
        "speed": lambda x_t, z, end, t: z
    },
    "You turned the velocity round: it is the end minus the start.": {"speed": lambda x_t, z, end, t: z - end},
    "You forgot to divide by 1 - t in the start: from x_t = (1 - t) z + t x, z = (x_t - t x) / (1 - t).": {
        "start": lambda x_t, t, end: x_t - t * end
    },
    "You exchanged t and 1 - t: at t = 0 the walker is at the noise.": {
        "start": lambda x_t, t, end: (x_t - (1 - t) * end) / t
    },
    NOT_DIVIDED: {"parts": lambda logs: logs.exp()},
    f"{NOT_DIVIDED} The factor 1 / sqrt(2 pi) then cancels.": {
        "parts": lambda logs: logs.exp() / math.sqrt(2 * math.pi)
    },
    "You exchanged p and 1 - p: p belongs to a.": {
        "log_weight": lambda z, prior, gap, t: prior.flip(0).log() - z**2 / 2
    },
    LOG_AS_WEIGHT: {
        "log_weight": lambda z, prior, gap, t: prior * log_normal(z),
        "parts": lambda weights: weights / weights.sum(0),
    },
    f"{LOG_AS_WEIGHT} Take exp of your sum first.": {
        "log_weight": lambda z, prior, gap, t: prior.log() + log_normal(z),
        "parts": lambda weights: weights / weights.sum(0),
    },
    "You divided only t * end by 1 - t. Put brackets round x_t - t * end: the start is (x_t - t * end) / (1 - t).": {
        "start": lambda x_t, t, end: x_t - t * end / (1 - t)
    },
    "You took the density at x_t - end. Take it at the start, z = (x_t - t * end) / (1 - t): z is standard normal.": {
        "log_weight": lambda z, prior, gap, t: prior.log() - gap**2 / 2
    },
    "You took the density at x_t - t * end, which is not yet divided by 1 - t. Take it at the start z itself.": {
        "log_weight": lambda z, prior, gap, t: prior.log() - ((1 - t) * z) ** 2 / 2
    },
}


def guided_probabilities(
    log_p: Tensor,
    log_p_y: Tensor,
    w: float,
    mixed: Callable[[Tensor, Tensor, float], Tensor] = lambda log_p, log_p_y, w: log_p + w * (log_p_y - log_p),
    normalised: Callable[[Tensor], Tensor] = lambda logs: logs.softmax(0),
) -> Tensor:
    """Return p (p_y / p)^w, normalised: (K,). The rest are for slips."""
    return normalised(mixed(log_p, log_p_y, w))


def _guided(function: Callable) -> dict[str, Any]:
    numbers = {}
    for k, w in ((4, 2.0), (6, 0.5), (5, 0.0), (3, 7.0)):
        rng = seeded_generator("17.2", k)
        log_p, log_p_y = (3 * torch.randn(2, k, generator=rng, dtype=torch.float64)).log_softmax(1)
        numbers[f"{k} kinds, w = {w:g}"] = function(log_p, log_p_y, w)
    log_p, log_p_y = torch.tensor([[-400.0, 0.0, -900.0], [0.0, -400.0, -500.0]], dtype=torch.float64)
    numbers["tiny probabilities, w = 3"] = function(log_p, log_p_y, 3.0)
    return numbers


GUIDED_SLIPS: dict[str, dict[str, Any]] = {
    "Your probabilities do not add up to 1. Divide by their sum.": {"normalised": lambda logs: logs.exp()},
    "You returned logarithms. Return probabilities.": {"normalised": lambda logs: logs.log_softmax(0)},
    "You multiplied p(x) by p(x|y)^w. The factor is p(x|y) / p(x), to the power w.": {
        "mixed": lambda log_p, log_p_y, w: log_p + w * log_p_y
    },
    "You left out the first p(x).": {"mixed": lambda log_p, log_p_y, w: w * (log_p_y - log_p)},
    "You exchanged w and 1 - w, or both densities: the formula is p(x)^(1 - w) times p(x|y)^w.": {
        "mixed": lambda log_p, log_p_y, w: log_p_y + w * (log_p - log_p_y)
    },
    "You turned the ratio round: it is p(x|y) / p(x).": {
        "mixed": lambda log_p, log_p_y, w: log_p + w * (log_p - log_p_y)
    },
    "You mixed the probabilities in the place of their logarithms: a product to the power w adds logarithms.": {
        "mixed": lambda log_p, log_p_y, w: (log_p.exp() + w * (log_p_y.exp() - log_p.exp())).clamp(min=1e-300).log()
    },
    "You multiplied p(x|y) by the ratio to the power w. With w = 1 that is one ratio too many.": {
        "mixed": lambda log_p, log_p_y, w: log_p_y + w * (log_p_y - log_p)
    },
    "You left out w.": {"mixed": lambda log_p, log_p_y, w: log_p_y},
    "Your result is not finite: exp of these logarithms is 0, or 0 / 0. Add logarithms first, then take softmax.": {
        "normalised": lambda logs: logs.exp() / logs.exp().sum() * (logs.exp().sum() > 0),
        "mixed": lambda log_p, log_p_y, w: (log_p.exp() * (log_p_y.exp() / log_p.exp()) ** w).log(),
    },
    "Your logarithms are right, but the exponential of one of them overflows. Take softmax: it subtracts the "
    "largest logarithm first.": {"normalised": lambda logs: logs.exp() / logs.exp().sum()},
    "You mixed the probabilities, p + w (p_y - p). Some of these are negative. Add logarithms, then take softmax.": {
        "mixed": lambda log_p, log_p_y, w: log_p.exp() + w * (log_p_y.exp() - log_p.exp()),
        "normalised": lambda mixed: mixed,
    },
    "You gave softmax the product of probabilities. It takes the exponential itself: give it the logarithms.": {
        "mixed": lambda log_p, log_p_y, w: log_p.exp() * (log_p_y.exp() / log_p.exp()) ** w
    },
    "You took the difference of the logarithms to the power w. The logarithm of a power is w *times* the logarithm.": {
        "mixed": lambda log_p, log_p_y, w: log_p + (log_p_y - log_p) ** w
    },
    "You put logarithms where the formula has probabilities. The logarithm of a product is a sum, of a ratio a "
    "difference, and of a power w times the logarithm.": {
        "mixed": lambda log_p, log_p_y, w: log_p * (log_p_y / log_p) ** w
    },
    "Your sum of logarithms is right, but you returned it. Take its softmax to get probabilities.": {
        "normalised": lambda logs: logs
    },
    "You divided the logarithms by their sum. Take the exponential first, then divide: softmax does both.": {
        "normalised": lambda logs: logs / logs.sum()
    },
    "You multiplied log p(x) by the other logarithms. The logarithm of a product is a *sum*.": {
        "mixed": lambda log_p, log_p_y, w: log_p * w * (log_p_y - log_p)
    },
    "You divided the logarithms. The logarithm of a ratio is a *difference*: log p(x|y) - log p(x).": {
        "mixed": lambda log_p, log_p_y, w: log_p + w * (log_p_y / log_p)
    },
    "You multiplied only log p(x|y) by w. Brackets are missing: w times the whole difference.": {
        "mixed": lambda log_p, log_p_y, w: log_p + w * log_p_y - log_p
    },
}

EXERCISES = {
    "17.1": Exercise(
        _two_points,
        two_points,
        tuple(Slip(functools.partial(two_points, **change), hint) for hint, change in POINT_SLIPS.items()),
    ),
    "17.2": Exercise(
        _guided,
        guided_probabilities,
        tuple(Slip(functools.partial(guided_probabilities, **change), hint) for hint, change in GUIDED_SLIPS.items()),
    ),
}
