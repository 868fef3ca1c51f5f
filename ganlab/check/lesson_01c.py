"""The exercises of lesson 01c: a divergence from a critic, and the best logit for two Gaussians of different width."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab import losses, probability, toys
from ganlab.check import Exercise, Slip
from ganlab.check.lesson_01 import each
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def jsd_estimate(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return (V + log 4) / 2 in nats from a critic's logits (n,) and (m,), and its standard error."""
    in_v = losses.log_d(real_logits), losses.log_one_minus_d(fake_logits)
    estimate = (in_v[0].mean() + in_v[1].mean() + math.log(4)) / 2
    return estimate, sum(part.var() / len(part) for part in in_v).sqrt() / 2


def _jsd_estimate(function: Callable) -> dict[str, Any]:
    # Unequal batches, or dividing by the wrong one would pass; large ones, so that n and n - 1 both pass.
    p_data = toys.mixture_1d([0], [1])
    p_g = toys.mixture_1d([1.5], [0.5])
    rng = seeded_generator(1)
    real, fake = p_data.sample(8000, rng), p_g.sample(2000, rng)
    logits = [probability.optimal_logits(p_data.log_prob(x), p_g.log_prob(x)) for x in (real, fake)]
    estimate, error = parts(function(*logits), "the estimate", "its standard error")
    numbers = {"estimate in nats": estimate, "standard error in thousandths of a nat": 1000 * error}
    sure = torch.tensor([-120.0, 2.0]), torch.tensor([120.0, -1.0, 0.5])  # of a critic that is sure, and wrong once
    expected = jsd_estimate(*logits)  # only whoever is right so far is asked, or this would hide another slip
    right = all(abs(float(x) - float(y)) < 1e-5 for x, y in zip((estimate, error), expected, strict=True))
    return numbers | {"estimate when the critic is sure, in nats": (function if right else jsd_estimate)(*sure)[0]}


def _jsd_slip(change: Callable[[Tensor, Tensor], tuple], hint: str) -> Slip:
    """Return a slip whose answer is `change(log D on real, log(1 - D) on fake)`."""
    return Slip(lambda real, fake: change(losses.log_d(real), losses.log_one_minus_d(fake)), hint)


def _half(a: Tensor, b: Tensor) -> Tensor:
    return (a.mean() + b.mean() + math.log(4)) / 2


def _error(a: Tensor, b: Tensor) -> Tensor:
    return (a.var() / len(a) + b.var() / len(b)).sqrt()


def gaussian_logit(x: Tensor, mu: float, sigma: float) -> tuple[Tensor, Tensor]:
    """Return log N(x; 0, 1) - log N(x; mu, sigma^2) and its slope by x, each (n,)."""
    logit = -(x**2) / 2 + (x - mu) ** 2 / (2 * sigma**2) + math.log(sigma)
    return logit, -x + (x - mu) / sigma**2


def _gaussian_logit(function: Callable) -> dict[str, Any]:
    x = torch.tensor([-1.5, 0.0, 0.4, 3.0], dtype=torch.float64)
    places = [f"at x = {place:g}" for place in x.tolist()]
    numbers = {}
    for mu, sigma in ((4.0, 1.0), (1.5, 0.5), (-2.0, 3.0)):
        logit, slope = parts(function(x.clone(), mu, sigma), "the logit", "its slope by x")
        numbers |= each(f"logit for mu {mu:g}, sigma {sigma:g}", logit, places)
        numbers |= each(f"slope for mu {mu:g}, sigma {sigma:g}", slope, places)
    return numbers


def _gaussian_slip(logit: Callable, slope: Callable | None, hint: str) -> Slip:
    """Return a slip with these two parts, each of (x, mu, sigma); None stands for the right slope."""

    def answer(x: Tensor, mu: float, sigma: float) -> tuple[Tensor, Tensor]:
        return logit(x, mu, sigma), (slope or (lambda *given: gaussian_logit(*given)[1]))(x, mu, sigma)

    return Slip(answer, hint)


def _logit(x: Tensor, mu: float, sigma: float) -> Tensor:
    return gaussian_logit(x, mu, sigma)[0]


EXERCISES = {
    "01c.1": Exercise(
        _jsd_estimate,
        jsd_estimate,
        (
            _jsd_slip(lambda a, b: (a.mean() + b.mean(), _error(a, b)), "You returned V itself: V = 2 JSD - log 4."),
            Slip(
                lambda real, fake: (_half(real, fake), _error(real, fake) / 2),
                "You averaged the logits themselves. V averages log D and log(1 - D): losses.log_d and "
                "losses.log_one_minus_d make them of the logits.",
            ),
            Slip(
                lambda real, fake: (
                    _half(real.sigmoid(), 1 - fake.sigmoid()),
                    _error(real.sigmoid(), fake.sigmoid()) / 2,
                ),
                "You averaged D and 1 - D. V averages their logs: losses.log_d and losses.log_one_minus_d.",
            ),
            _jsd_slip(
                lambda a, b: (-_half(a, b), _error(a, b) / 2),
                "You turned the sign: JSD = (V + log 4) / 2. V is negative, but not below -log 4 for D*.",
            ),
            _jsd_slip(
                lambda a, b: ((a.mean() + b.mean()) / 2 + math.log(4), _error(a, b) / 2),
                "You halved V, but not log 4: JSD = (V + log 4) / 2.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), (a.std() + b.std()) / 2),
                "Your estimate is right. You took the spread of single samples: divide each variance by its "
                "count, add, "
                "and take the root.",
            ),
            _jsd_slip(
                lambda a, b: ((a.mean() + b.mean()) / 2, _error(a, b) / 2), "You left out log 4: V = 2 JSD - log 4."
            ),
            Slip(
                lambda real, fake: (
                    _half(real.sigmoid().log(), (1 - fake.sigmoid()).log()),
                    jsd_estimate(real, fake)[1],
                ),
                "You took the log of a sigmoid. Where the critic is sure, the sigmoid rounds to 0 or 1, and its log is "
                "minus infinity. Take losses.log_d and losses.log_one_minus_d, which start from the logits.",
            ),
            *(
                Slip(
                    lambda real, fake, part=part: (
                        _half(losses.log_d(real), losses.log_d(fake)),
                        part * _error(losses.log_d(real), losses.log_d(fake)),
                    ),
                    "You took log D for the fakes as well: there V has log(1 - D).",
                )
                for part in (0.5, 1)
            ),
            *(
                _jsd_slip(
                    lambda a, b, part=part: (a.mean() + b.mean() + math.log(2), part * _error(a, b)),
                    "You added log 2 to V. Half of V goes with log 2: JSD = V / 2 + log 2.",
                )
                for part in (0.5, 1)
            ),
            _jsd_slip(
                lambda a, b: (2 * _half(a, b), _error(a, b)),
                "You did not halve: V + log 4 is twice the JSD: divide by 2.",
            ),
            _jsd_slip(
                lambda a, b: (2 * _half(a, b), _error(a, b) / 2),
                "You did not halve: V + log 4 is twice the JSD: divide it by 2, as you did with the error.",
            ),
            *(
                _jsd_slip(
                    lambda a, b, part=part: (a.mean() + b.mean() - math.log(4), part * _error(a, b)),
                    "You turned the sign of log 4 and left out a half: V = 2 JSD - log 4, so JSD = (V + log 4) / 2.",
                )
                for part in (1, 0.5)
            ),
            Slip(lambda real, fake: jsd_estimate(fake, real), "You swapped real and fake: log D is for the real ones."),
            _jsd_slip(
                lambda a, b: ((a.mean() + b.mean() + math.log(2)) / 2, _error(a, b) / 2),
                "You took another constant: the constant is log 4 = 2 log 2, not log 2.",
            ),
            _jsd_slip(
                lambda a, b: ((a.mean() + b.mean() - math.log(4)) / 2, _error(a, b) / 2),
                "You turned the sign of log 4: V = 2 JSD - log 4, so JSD = (V + log 4) / 2.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), _error(a, b)),
                "Your estimate is right. Its standard error is halved along with it.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), (a.var() + b.var()).sqrt() / 2),
                "Your estimate is right. The error of a mean is the spread divided by the square root of the count.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), (a.std() / len(a) ** 0.5 + b.std() / len(b) ** 0.5) / 2),
                "Your estimate is right. Independent errors add as squares: add the variances, then take the root.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), ((a.var() + b.var()) / (len(a) + len(b))).sqrt() / 2),
                "Your estimate is right. Each mean has its own count: var / n for the real, var / m for the fake.",
            ),
            *(
                _jsd_slip(
                    lambda a, b, k=k: (_half(a, b), ((a.var() + b.var()) / len((a, b)[k])).sqrt() / 2),
                    "Your estimate is right. The counts differ: divide the variance of each part by its own.",
                )
                for k in (0, 1)
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), _error(a, b) / math.sqrt(2)),
                "Your estimate is right. Half a number has half the error: the 2 belongs outside of the root.",
            ),
            Slip(
                lambda real, fake: (jsd_estimate(real, fake)[0], _error(real, fake) / 2),
                "Your estimate is right. Take the variances of log D and log(1 - D), not of the logits.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), _error(a, b) ** 2 / 4),
                "Your estimate is right. You return the variance of the estimate: its root is the standard error.",
            ),
            _jsd_slip(
                lambda a, b: (_half(a, b), (a.var() / len(a) + b.var() / len(b)) / 2),
                "Your estimate is right. That error is a variance still: take its root before you halve it.",
            ),
        ),
        tolerance=1e-3,
    ),
    "01c.2": Exercise(
        _gaussian_logit,
        gaussian_logit,
        (
            _gaussian_slip(
                lambda x, mu, sigma: _logit(x, mu, sigma) - math.log(sigma),
                None,
                "You left out the constants of the two densities. They differ where sigma is not 1: "
                "-log N(x; mu, sigma^2) contains + log sigma.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: _logit(x, mu, sigma) - 2 * math.log(sigma),
                None,
                "You subtracted log sigma. log N(x; mu, sigma^2) contains - log sigma, and the logit subtracts that: "
                "+ log sigma.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: _logit(x, mu, sigma) - math.log(sigma) / 2,
                None,
                "You halved log sigma. The density has 1 / sigma in front, not its root, so its log has one log sigma.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: _logit(x, mu, sigma) + math.log(sigma),
                None,
                "You added log sigma twice. The density has 1 / sigma in front, so its log has one log sigma.",
            ),
            Slip(
                lambda x, mu, sigma: tuple(-part for part in gaussian_logit(x, mu, sigma)),
                "You subtracted log p_data from log p_g. The logit of D* is log p_data - log p_g.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: -(x**2) / 2 + (x - mu) ** 2 / (2 * sigma) + math.log(sigma),
                lambda x, mu, sigma: -x + (x - mu) / sigma,
                "You divided by sigma. A Gaussian has its variance, sigma^2, below the square.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: -(x**2) / 2 + (x - mu) ** 2 / (2 * sigma) + math.log(sigma) / 2,
                lambda x, mu, sigma: -x + (x - mu) / sigma,
                "You took sigma for the variance. It is the standard deviation: divide by sigma^2, and keep log sigma "
                "whole.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: -(x**2) + (x - mu) ** 2 / sigma**2 + math.log(sigma),
                lambda x, mu, sigma: -2 * x + 2 * (x - mu) / sigma**2,
                "You left out the halves: a Gaussian is exp(-square / 2).",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: mu**2 / 2 - mu * x,
                lambda x, mu, sigma: -mu + 0 * x,
                "You gave the straight line, which is right for sigma = 1 alone. With another sigma the squares of x "
                "do not cancel.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: (mu**2 / 2 - mu * x) / sigma**2,
                lambda x, mu, sigma: -mu / sigma**2 + 0 * x,
                "You gave both densities the same sigma. The data are N(0, 1), whatever the sigma of the fakes is.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: -(x**2) / 2 - (x - mu) ** 2 / (2 * sigma**2) - math.log(sigma),
                lambda x, mu, sigma: -x - (x - mu) / sigma**2,
                "You added the two log densities. The logit of D* is their difference, log p_data - log p_g.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: -(x**2) / 2 + (x + mu) ** 2 / (2 * sigma**2) + math.log(sigma),
                lambda x, mu, sigma: -x + (x + mu) / sigma**2,
                "You added mu to x. The density N(mu, sigma^2) depends on x - mu.",
            ),
            _gaussian_slip(
                lambda x, mu, sigma: torch.sigmoid(_logit(x, mu, sigma)),
                None,
                "Your first part is D* itself, between 0 and 1. Return its logit, without the sigmoid.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: (x - mu) / sigma**2,
                "Your logit is right. Its slope lacks the part of p_data: the derivative of -x^2 / 2 is -x.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: -x + (x - mu),
                "Your logit is right. In its slope you lost the sigma^2: the second part is (x - mu) / sigma^2.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: -(x - mu) / sigma**2,
                "Your logit is right. You took its slope by mu; the slope by x is asked for.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: -x + 2 * (x - mu) / sigma**2,
                "Your logit is right. In its slope you lost the half: the derivative of u^2 / 2 is u.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: -x + (x - mu) / (2 * sigma**2),
                "Your logit is right. In its slope you kept the half: the derivative of u^2 / 2 is u.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: -x - (x - mu) / sigma**2,
                "Your logit is right. In its slope you subtracted the part of p_g: the logit adds its square.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: -x + (x - mu) / sigma,
                "Your logit is right. In its slope you divided by sigma: it is sigma^2 there, too.",
            ),
            _gaussian_slip(
                _logit,
                lambda x, mu, sigma: x - (x - mu) / sigma**2,
                "Your logit is right. Its slope has the wrong sign.",
            ),
        ),
    ),
}
