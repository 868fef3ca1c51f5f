"""The exercises of lesson 01b: what a fixed D tells a coin, and the divergence behind the non-saturating loss."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_01 import each
from ganlab.check.parts import parts


def best_answers(p: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best D for heads and for tails for a real coin with p and a fake one with t, each (n,)."""
    return p / (p + t), (1 - p) / (2 - p - t)


def coin_slopes(p: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return the slopes by t of E[log(1 - D)] and of E[-log D] with the best D held fixed, each (n,)."""
    heads, tails = best_answers(p, t)
    return torch.log(1 - heads) - torch.log(1 - tails), torch.log(tails) - torch.log(heads)


def _coin_slopes(function: Callable) -> dict[str, Any]:
    p = torch.tensor([0.9, 0.9, 0.2, 0.6], dtype=torch.float64)
    t = torch.tensor([0.5, 0.8, 0.7, 0.05], dtype=torch.float64)
    places = [f"at p = {a:g}, t = {b:g}" for a, b in zip(p.tolist(), t.tolist(), strict=True)]
    minimax, other = parts(function(p.clone(), t.clone()), "the slope of the minimax loss", "that of the other loss")
    return each("slope of the minimax loss", minimax, places) | each("slope of the other loss", other, places)


def _coin_slip(change: Callable[[Tensor, Tensor, Tensor], tuple], hint: str) -> Slip:
    """Return a slip whose answer is `change(D for heads, D for tails, t)`."""
    return Slip(lambda p, t: change(*best_answers(p, t), t), hint)


def _slopes(heads: Tensor, tails: Tensor) -> tuple[Tensor, Tensor]:
    return torch.log(1 - heads) - torch.log(1 - tails), torch.log(tails) - torch.log(heads)


def second_divergence(p_data: Tensor, p_g: Tensor) -> Tensor:
    """Return 2 KL(m || p_data) in nats, m = (p_data + p_g) / 2, of probabilities (n,); none in p_data is 0."""
    m = (p_data + p_g) / 2
    return 2 * (m * torch.log(m / p_data)).sum()


def _second_divergence(function: Callable) -> dict[str, Any]:
    dice = {
        "two sides": ([0.9, 0.1], [0.5, 0.5]),
        "a side that p_g never shows": ([0.3, 0.6, 0.1], [0.25, 0.0, 0.75]),
        "equal dice": ([0.2, 0.3, 0.4, 0.1],) * 2,
    }
    numbers = {}
    for name, both in dice.items():
        numbers[f"nats for {name}"] = function(*(torch.tensor(die, dtype=torch.float64) for die in both))
    return numbers


def _kl(p: Tensor, q: Tensor) -> Tensor:
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()


EXERCISES = {
    "01b.1": Exercise(
        _coin_slopes,
        coin_slopes,
        (
            _coin_slip(
                lambda h, k, t: (_slopes(h, k)[0] + h - k, _slopes(h, k)[1] + k - h),
                "You let D follow t. D is held fixed: take the derivative first, put its best answers in afterwards.",
            ),
            _coin_slip(
                lambda h, k, t: (_slopes(h, k)[0], _slopes(h, k)[1] + k - h),
                "Your first slope is right. For the second you let D follow t. D is held fixed, and here that matters.",
            ),
            _coin_slip(
                lambda h, k, t: tuple(-slope for slope in _slopes(h, k)), "You turned both signs: heads minus tails."
            ),
            _coin_slip(lambda h, k, t: _slopes(h, k)[::-1], "You swapped the two: the minimax loss comes first."),
            _coin_slip(
                lambda h, k, t: (torch.log(1 - h), -torch.log(h)),
                "You took heads alone. Tails have the probability 1 - t, which falls when t rises.",
            ),
            _coin_slip(
                lambda h, k, t: (torch.log(1 - h) + torch.log(1 - k), -torch.log(h) - torch.log(k)),
                "You added tails. The derivative of 1 - t is -1, so tails are subtracted.",
            ),
            _coin_slip(
                lambda h, k, t: (
                    t * torch.log(1 - h) + (1 - t) * torch.log(1 - k),
                    -t * torch.log(h) - (1 - t) * torch.log(k),
                ),
                "You gave the losses themselves. Take their derivatives by t.",
            ),
            _coin_slip(
                lambda h, k, t: (_slopes(h, k)[0], -_slopes(h, k)[1]),
                "Your first slope is right. The second is that of +log D; the loss is -log D.",
            ),
            _coin_slip(
                lambda h, k, t: (-_slopes(h, k)[0], _slopes(h, k)[1]),
                "Your second slope is right. The first is that of -log(1 - D); the loss has no minus.",
            ),
            _coin_slip(
                lambda h, k, t: _slopes(1 - h, 1 - k),
                "You took the probability of a fake for D. D is the probability of real: p / (p + t) for heads.",
            ),
            _coin_slip(
                lambda h, k, t: _slopes(h, 1 - h),
                "You took 1 minus D for heads as D for tails. D answers each side by itself.",
            ),
            Slip(
                lambda p, t: _slopes(p / (p + t), p / (p + 1 - t)),
                "You kept p in D for tails. The real coin shows tails with probability 1 - p.",
            ),
            Slip(
                lambda p, t: _slopes(p / (p + t), (1 - p) / (1 - p + t)),
                "You kept t in D for tails. The generator shows tails with probability 1 - t.",
            ),
            _coin_slip(
                lambda h, k, t: (_slopes(h, k)[0],) * 2, "You gave one slope twice. The second belongs to -log D."
            ),
        ),
    ),
    "01b.2": Exercise(
        _second_divergence,
        second_divergence,
        (
            Slip(lambda p, q: _kl((p + q) / 2, p), "You gave KL(m || p_data). The divergence is twice that."),
            Slip(
                lambda p, q: 2 * _kl(p, (p + q) / 2),
                "You gave 2 KL(p_data || m). The order matters: the average is taken over m.",
            ),
            Slip(lambda p, q: _kl(p, (p + q) / 2), "You gave KL(p_data || m). Exchange the two, and double it."),
            Slip(
                lambda p, q: _kl(p, (p + q) / 2) + _kl(q, (p + q) / 2),
                "You gave 2 JSD, which the minimax loss descends.",
            ),
            Slip(lambda p, q: 2 * _kl(q, p), "You took p_g for m: m is the average of p_data and p_g."),
            Slip(lambda p, q: _kl(q, p), "You gave the reverse KL, KL(p_g || p_data). Take m in the place of p_g."),
            Slip(lambda p, q: 2 * _kl(p + q, p), "You added the two dice without halving: m is their average."),
            Slip(
                lambda p, q: second_divergence(p, q) / torch.log(torch.tensor(2.0)),
                "You took the logarithm to base 2, which gives bits. Nats need the natural logarithm.",
            ),
            Slip(
                lambda p, q: second_divergence(p, q) / len(p),
                "You took the mean over the sides. An average over m is a sum with m as the weights.",
            ),
            Slip(
                lambda p, q: 2 * torch.log((p + q) / 2 / p).sum(),
                "You summed the logs without weights. Each log comes with the weight m.",
            ),
            Slip(
                lambda p, q: 2 * (p * torch.log((p + q) / 2 / p)).sum(),
                "You weighted the logs by p_data. Each log comes with the weight m.",
            ),
            Slip(
                lambda p, q: 2 * (q * torch.log((p + q) / 2 / p)).sum(),
                "You weighted the logs by p_g. Each log comes with the weight m.",
            ),
            Slip(
                lambda p, q: -second_divergence(p, q),
                "You turned the sign, or the fraction inside the log: a divergence is never negative.",
            ),
        ),
    ),
}
