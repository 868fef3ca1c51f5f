"""The exercises of lesson 01: D* for unequal classes, the slopes of both losses of G, a divergence from a critic."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab import losses, probability, toys
from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def _each(name: str, numbers: Any, places: list[str]) -> dict[str, Any]:
    """Return the shape of `numbers` under `name`, then one named number a place: the verdict says where it differs."""
    if numbers is ...:
        return {name: ...}
    numbers = torch.as_tensor(numbers)
    found = {name: torch.zeros(numbers.shape)}  # zeros: only the shape is compared
    right_shape = numbers.shape == (len(places),)
    return found | {f"{name} {place}": numbers[k] if right_shape else 0.0 for k, place in enumerate(places)}


def optimal_d(p_data: Tensor, p_g: Tensor, pi: float) -> Tensor:
    """Return the best D where a share `pi` of what it sees is real: densities (n,) in, probabilities (n,) out."""
    return pi * p_data / (pi * p_data + (1 - pi) * p_g)


def _optimal_d(function: Callable) -> dict[str, Any]:
    densities = [0.3, 0.05, 0.2, 0.4], [0.1, 0.25, 0.2, 0.02]
    places = [f"where p_data = {p} and p_g = {q}" for p, q in zip(*densities, strict=True)]
    p_data, p_g = (torch.tensor(p, dtype=torch.float64) for p in densities)
    found = {}
    for pi in (0.5, 0.2, 0.9):
        found |= _each(f"D* at pi = {pi}", function(p_data.clone(), p_g.clone(), pi), places)
    return found


def logit_slopes(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return d log(1 - D) / d logit and d(-log D) / d logit for D = sigmoid(logits), each (n,)."""
    d = torch.sigmoid(logits)
    return -d, d - 1


def _logit_slopes(function: Callable) -> dict[str, Any]:
    logits = torch.tensor([0.0, -6.0, -1.5, 0.7, 4.0], dtype=torch.float64)
    minimax, non_saturating = function(logits.clone())
    places = [f"at logit {logit:g}" for logit in logits.tolist()]
    return _each("slope of log(1 - D)", minimax, places) | _each("slope of -log D", non_saturating, places)


def jsd_estimate(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return (V + log 4) / 2 in nats from a critic's logits (n,) and (m,), and its standard error."""
    in_v = losses.log_d(real_logits), losses.log_one_minus_d(fake_logits)
    estimate = (in_v[0].mean() + in_v[1].mean() + math.log(4)) / 2
    return estimate, sum(part.var() / len(part) for part in in_v).sqrt() / 2


def _jsd_estimate(function: Callable) -> dict[str, Any]:
    # Unequal batches, or dividing by the wrong one would pass; large ones, so that n and n - 1 both pass.
    p_data, p_g, rng = toys.mixture_1d([0], [1]), toys.mixture_1d([1.5], [0.5]), seeded_generator(1)
    real, fake = p_data.sample(8000, rng), p_g.sample(2000, rng)
    logits = [probability.optimal_logits(p_data.log_prob(x), p_g.log_prob(x)) for x in (real, fake)]
    estimate, error = function(*logits)
    found = {"estimate in nats": estimate, "standard error in thousandths of a nat": 1000 * error}
    sure = torch.tensor([-120.0, 2.0]), torch.tensor([120.0, -1.0, 0.5])  # of a critic that is sure, and wrong once
    expected = jsd_estimate(*logits)  # only whoever is right so far is asked, or this would hide another slip
    right = all(abs(float(x) - float(y)) < 1e-5 for x, y in zip((estimate, error), expected, strict=True))
    return found | {"estimate when the critic is sure, in nats": (function if right else jsd_estimate)(*sure)[0]}


def _jsd_slip(change: Callable[[Tensor, Tensor], tuple], hint: str) -> Slip:
    """Return a slip whose answer is `change(log D on real, log(1 - D) on fake)`."""
    return Slip(lambda real, fake: change(losses.log_d(real), losses.log_one_minus_d(fake)), hint)


def _half(a: Tensor, b: Tensor) -> Tensor:
    return (a.mean() + b.mean() + math.log(4)) / 2


def _error(a: Tensor, b: Tensor) -> Tensor:
    return (a.var() / len(a) + b.var() / len(b)).sqrt()


EXERCISES = {
    "01.1": Exercise(
        _optimal_d,
        optimal_d,
        (
            Slip(lambda p, q, pi: p / (p + q), "pi does not enter: that is D* when half of what D sees is real."),
            Slip(lambda p, q, pi: (1 - pi) * p / ((1 - pi) * p + pi * q), "the two weights are swapped: pi is real's."),
            Slip(lambda p, q, pi: (1 - pi) * q / (pi * p + (1 - pi) * q), "that is 1 - D*, the probability of a fake."),
            Slip(
                lambda p, q, pi: pi * p / (p + q),
                "you weighted p_data above the line, and nothing below it. Below it both have their shares: "
                "pi p_data + (1 - pi) p_g.",
            ),
            Slip(
                lambda p, q, pi: pi * p / (p + (1 - pi) * q),
                "you weighted p_g below the line, but p_data only above it: below it, it has its share pi as well.",
            ),
            Slip(
                lambda p, q, pi: pi * p / (pi * p + q),
                "you weighted p_data, and p_g not at all: it comes with the share 1 - pi.",
            ),
            Slip(lambda p, q, pi: p / (pi * p + (1 - pi) * q), "the numerator needs its share too, or D exceeds 1."),
            Slip(lambda p, q, pi: pi * p / ((1 - pi) * q), "those are the odds, real to fake: D* = odds / (1 + odds)."),
            Slip(lambda p, q, pi: torch.log(pi * p / ((1 - pi) * q)), "that is the logit of D*: take its sigmoid."),
        ),
    ),
    "01.2": Exercise(
        _logit_slopes,
        logit_slopes,
        (
            Slip(
                lambda a: (a.sigmoid(), 1 - a.sigmoid()), "both signs are turned: raising the logit lowers both losses."
            ),
            Slip(
                lambda a: (a.sigmoid(), a.sigmoid() - 1),
                "the first is the slope of -log(1 - D); the loss has no minus.",
            ),
            Slip(lambda a: (-a.sigmoid(), 1 - a.sigmoid()), "the second is the slope of +log D; the loss is -log D."),
            Slip(
                lambda a: (a.sigmoid() - 1, -a.sigmoid()),
                "the two are swapped: log(1 - D) is the flat one at D near 0.",
            ),
            Slip(
                lambda a: (-1 / (1 - a.sigmoid()), -1 / a.sigmoid()),
                "those are slopes by D. By the chain rule times dD/dlogit = D (1 - D).",
            ),
            Slip(
                lambda a: (a.sigmoid() * (1 - a.sigmoid()),) * 2,
                "that is dD/dlogit alone: the outer derivative, of the log, is missing.",
            ),
            Slip(
                lambda a: (-a.sigmoid() * (1 - a.sigmoid()),) * 2,
                "that is dD/dlogit with its sign turned: the outer derivative, of the log, is missing.",
            ),
            Slip(
                lambda a: (torch.log(1 - a.sigmoid()), -torch.log(a.sigmoid())),
                "those are the losses themselves, not their slopes.",
            ),
            Slip(
                lambda a: (-a.sigmoid(), -a.sigmoid()), "the slope of -log D is another one: at D near 0 it is near -1."
            ),
        ),
    ),
    "01.3": Exercise(
        _jsd_estimate,
        jsd_estimate,
        (
            _jsd_slip(lambda a, b: (a.mean() + b.mean(), _error(a, b)), "that is V itself: V = 2 JSD - log 4."),
            _jsd_slip(
                lambda a, b: ((a.mean() + b.mean()) / 2, _error(a, b) / 2), "log 4 is missing: V = 2 JSD - log 4."
            ),
            Slip(
                lambda real, fake: (
                    _half(real.sigmoid().log(), (1 - fake.sigmoid()).log()),
                    jsd_estimate(real, fake)[1],
                ),
                "you took the log of a sigmoid. Where the critic is sure, the sigmoid rounds to 0 or 1, and its log is "
                "minus infinity. Take losses.log_d and losses.log_one_minus_d, which start from the logits.",
            ),
            *(
                Slip(
                    lambda real, fake, part=part: (
                        _half(losses.log_d(real), losses.log_d(fake)),
                        part * _error(losses.log_d(real), losses.log_d(fake)),
                    ),
                    "you took log D for the fakes as well: there V has log(1 - D).",
                )
                for part in (0.5, 1)
            ),
            *(
                _jsd_slip(
                    lambda a, b, part=part: (a.mean() + b.mean() + math.log(2), part * _error(a, b)),
                    "you added log 2 to V. Half of V goes with log 2: JSD = V / 2 + log 2.",
                )
                for part in (0.5, 1)
            ),
            _jsd_slip(lambda a, b: (2 * _half(a, b), _error(a, b)), "V + log 4 is twice the JSD: divide by 2."),
            _jsd_slip(
                lambda a, b: (2 * _half(a, b), _error(a, b) / 2),
                "V + log 4 is twice the JSD: divide it by 2, as you did with the error.",
            ),
            *(
                _jsd_slip(
                    lambda a, b, part=part: (a.mean() + b.mean() - math.log(4), part * _error(a, b)),
                    "the sign of log 4, and a half: V = 2 JSD - log 4, so JSD = (V + log 4) / 2.",
                )
                for part in (1, 0.5)
            ),
            Slip(lambda real, fake: jsd_estimate(fake, real), "real and fake are swapped: log D is for the real ones."),
            _jsd_slip(
                lambda a, b: ((a.mean() + b.mean() + math.log(2)) / 2, _error(a, b) / 2),
                "the constant is log 4 = 2 log 2, not log 2.",
            ),
            _jsd_slip(
                lambda a, b: ((a.mean() + b.mean() - math.log(4)) / 2, _error(a, b) / 2),
                "the sign of log 4: V = 2 JSD - log 4, so JSD = (V + log 4) / 2.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), _error(a, b)),
                "the estimate is right. Its standard error is halved along with it.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), (a.var() + b.var()).sqrt() / 2),
                "the estimate is right. The error of a mean is the spread divided by the square root of the count.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), (a.std() / len(a) ** 0.5 + b.std() / len(b) ** 0.5) / 2),
                "the estimate is right. Independent errors add as squares: add the variances, then take the root.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), ((a.var() + b.var()) / (len(a) + len(b))).sqrt() / 2),
                "the estimate is right. Each mean has its own count: var / n for the real, var / m for the fake.",
            ),
            *(
                _jsd_slip(
                    lambda a, b, k=k: (_half(a, b), ((a.var() + b.var()) / len((a, b)[k])).sqrt() / 2),
                    "the estimate is right. The counts differ: divide the variance of each part by its own.",
                )
                for k in (0, 1)
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), _error(a, b) / math.sqrt(2)),
                "the estimate is right. Half a number has half the error: the 2 belongs outside of the root.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), _error(a, b) ** 2 / 4),
                "the estimate is right. You return the variance of the estimate: its root is the standard error.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), (a.var() / len(a) + b.var() / len(b)) / 2),
                "the estimate is right. That error is a variance still: take its root before you halve it.",
            ),
        ),
        tolerance=1e-3,
    ),
}
