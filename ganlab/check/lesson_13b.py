"""The exercises of lesson 13b: instance normalisation, and what a mixture of styles puts in."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def _columns(numbers: Tensor) -> Tensor:
    """Return (B, C) as (B, C, 1, 1)."""
    return numbers[:, :, None, None]


def normalise(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    over: tuple[int, ...] = (2, 3),
    divisor: Callable[[Tensor, tuple[int, ...]], Tensor] = lambda x, over: x.std(over, correction=0, keepdim=True),
    centre: Callable[[Tensor, tuple[int, ...]], Tensor] = lambda x, over: x.mean(over, keepdim=True),
    join: Callable[..., Tensor] = lambda x, gamma, beta: _columns(gamma) * x + _columns(beta),
) -> Tensor:
    """Return (B, C, H, W), each channel of each picture normalised, scaled and shifted; the rest are for slips."""
    return join((x - centre(x, over)) / divisor(x, over), gamma, beta)


def _norm_cases() -> list[tuple[str, Tensor, Tensor, Tensor]]:
    cases = []
    for name, shape in (
        ("two pictures", (2, 3, 2, 3)),
        ("one picture", (1, 2, 3, 2)),
        ("three pictures", (3, 3, 2, 2)),
    ):
        rng = seeded_generator("13b.1", name)
        x = torch.randn(*shape, generator=rng, dtype=torch.float64) * 1.7 + 0.8
        gamma, beta = torch.randn(2, *shape[:2], generator=rng, dtype=torch.float64)
        cases.append((name, x, gamma, beta))
    return cases


def _normalise(function: Callable) -> dict[str, Any]:
    return {f"features of {name}": function(x.clone(), g.clone(), b.clone()) for name, x, g, b in _norm_cases()}


NORM_SLIPS: dict[str, dict[str, Any]] = {
    "You normalised over the whole batch: that is batch normalisation. Each picture has its own mean and deviation.": {
        "over": (0, 2, 3)
    },
    "You normalised all channels of a picture together. Each channel has its own mean and deviation.": {
        "over": (1, 2, 3)
    },
    "You normalised over everything at once. Only the positions, dimensions 2 and 3, are averaged over.": {
        "over": (0, 1, 2, 3)
    },
    "You normalised each row by itself. The mean is over all positions of a channel, dimensions 2 and 3.": {
        "over": (3,)
    },
    "You normalised each column by itself. The mean is over all positions of a channel, dimensions 2 and 3.": {
        "over": (2,)
    },
    "You added a small number before you divided, as torch's instance_norm does (eps). Here nothing is added.": {
        "divisor": lambda x, over: (x.var(over, correction=0, keepdim=True) + 1e-5).sqrt()
    },
    "You normalised each position over its channels. Only the positions, dimensions 2 and 3, are averaged over.": {
        "over": (1,)
    },
    "You divided by the variance. Divide by its root, the standard deviation.": {
        "divisor": lambda x, over: x.var(over, correction=0, keepdim=True)
    },
    "Your variance divides by P - 1, as torch's std does unless it is told otherwise. Here it is the mean: "
    "correction=0.": {"divisor": lambda x, over: x.std(over, keepdim=True)},
    "You multiplied by the standard deviation. Divide by it.": {
        "divisor": lambda x, over: 1 / x.std(over, correction=0, keepdim=True)
    },
    "You divided by the root of the mean of x^2. Subtract the mean before you square: that gives the deviation.": {
        "divisor": lambda x, over: x.square().mean(over, keepdim=True).sqrt()
    },
    "You divided x alone, and then subtracted the mean. Divide the whole difference: (x - mean) / deviation.": {
        "centre": lambda x, over: x.mean(over, keepdim=True) * x.std(over, correction=0, keepdim=True)
    },
    "You divided the mean alone. Divide the whole difference: (x - mean) / deviation.": {
        "centre": lambda x, over: x.mean(over, keepdim=True) / x.std(over, correction=0, keepdim=True),
        "divisor": lambda x, over: torch.ones_like(x),
    },
    "You did not divide by the standard deviation.": {"divisor": lambda x, over: torch.ones_like(x)},
    "You did not subtract the mean.": {"centre": lambda x, over: torch.zeros_like(x)},
    "You left gamma out.": {"join": lambda x, gamma, beta: x + _columns(beta)},
    "You left beta out.": {"join": lambda x, gamma, beta: _columns(gamma) * x},
    "You left gamma and beta out.": {"join": lambda x, gamma, beta: x},
    "You exchanged gamma and beta: gamma multiplies, beta is added.": {
        "join": lambda x, gamma, beta: _columns(beta) * x + _columns(gamma)
    },
    "You added beta before you multiplied by gamma. Multiply first.": {
        "join": lambda x, gamma, beta: _columns(gamma) * (x + _columns(beta))
    },
    "You gave every picture the gamma and beta of the first one. They are (B, C): one row for each picture.": {
        "join": lambda x, gamma, beta: _columns(gamma[:1]) * x + _columns(beta[:1])
    },
}


def mixture_moments(
    gammas: Tensor,
    betas: Tensor,
    weights: Tensor,
    normalise: Callable[[Tensor], Tensor] = lambda weights: weights / weights.sum(),
    variance: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda w, gammas, betas: (w @ gammas) ** 2,
    mean: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda w, gammas, betas: w @ betas,
    give: Callable[[Tensor, Tensor], Any] = lambda mean, variance: (mean, variance),
) -> Any:
    """Return means and variances (C,) of channels after a layer in a mixture of styles; the rest are for slips."""
    w = normalise(weights)
    return give(mean(w, gammas, betas), variance(w, gammas, betas))


def _mixture_moments(function: Callable) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for name, weights in (("weights 1, 3", [1.0, 3.0]), ("weights 2, 0, 5", [2.0, 0.0, 5.0]), ("weight 4", [4.0])):
        rng = seeded_generator("13b.2", name)
        gammas, betas = torch.randn(2, len(weights), 3, generator=rng, dtype=torch.float64)
        given = function(gammas.clone(), betas.clone(), torch.tensor(weights, dtype=torch.float64))
        means, variances = parts(given, "the means", "the variances")
        numbers[f"means for {name}"], numbers[f"variances for {name}"] = means, variances
    return numbers


MIXTURE_SLIPS: dict[str, dict[str, Any]] = {
    "You did not divide the weights by their sum.": {"normalise": lambda weights: weights},
    "You divided the weights by their number. Divide by their sum.": {
        "normalise": lambda weights: weights / len(weights)
    },
    "You weighted the rows, and then took their mean. That divides once more, by the number of styles. Add the "
    "weighted rows up.": {"normalise": lambda weights: weights / weights.sum() / len(weights)},
    "You divided the weights by the largest of them. Divide by their sum.": {
        "normalise": lambda weights: weights / weights.max()
    },
    "You divided the weights by their length, the root of the sum of squares. Divide by their sum.": {
        "normalise": lambda weights: weights / weights.norm()
    },
    "You returned a row for each style. Add the weighted rows up, dimension 0.": {
        "mean": lambda w, gammas, betas: w[:, None] * betas,
        "variance": lambda w, gammas, betas: (w[:, None] * gammas) ** 2,
    },
    "You took a softmax of the weights. They are divided by their sum.": {
        "normalise": lambda weights: weights.softmax(0)
    },
    "You took the style of the largest weight alone. The rows are mixed.": {
        "normalise": lambda weights: torch.nn.functional.one_hot(weights.argmax(), len(weights)).to(weights)
    },
    "You returned the mean before beta is added. The mixed beta is added to every number of a channel.": {
        "mean": lambda w, gammas, betas: 0 * (w @ betas)
    },
    "You multiplied beta by gamma. Beta is added after the multiplication.": {
        "mean": lambda w, gammas, betas: (w @ betas) * (w @ gammas)
    },
    "You took all styles alike. Each row counts with its weight.": {
        "normalise": lambda weights: torch.full_like(weights, 1 / len(weights))
    },
    "You mixed the squares. The rows are mixed first, then the mixed gamma is squared.": {
        "variance": lambda w, gammas, betas: w @ gammas**2
    },
    "You mixed |gamma|. The rows are mixed with their signs: opposite ones cancel.": {
        "variance": lambda w, gammas, betas: (w @ gammas.abs()) ** 2
    },
    "You returned the mixed gamma. That is the standard deviation, or minus it; its square is the variance.": {
        "variance": lambda w, gammas, betas: w @ gammas
    },
    "You returned the standard deviation, |gamma|. The variance is its square.": {
        "variance": lambda w, gammas, betas: (w @ gammas).abs()
    },
    "You added the variance between the styles' betas. A picture has one beta, the mixed one, so no channel spreads "
    "because of it.": {
        "variance": lambda w, gammas, betas: w @ gammas**2 + w @ betas**2 - (w @ betas) ** 2,
    },
    "You squared the weights, as for a sum of independent variables. Here one layer multiplies by one mixed gamma.": {
        "variance": lambda w, gammas, betas: w**2 @ gammas**2
    },
    "You gave variance and mean in the wrong order.": {"give": lambda mean, variance: (variance, mean)},
    "You returned the means alone. Two tensors are asked for, as a tuple.": {"give": lambda mean, variance: mean},
    "You returned the variances alone. Two tensors are asked for, as a tuple.": {
        "give": lambda mean, variance: variance
    },
    "You mixed gamma into the mean. Before gamma the mean is 0, so the mean after it is the mixed beta alone.": {
        "mean": lambda w, gammas, betas: w @ (gammas + betas)
    },
}

EXERCISES = {
    "13b.1": Exercise(
        _normalise,
        normalise,
        tuple(Slip(functools.partial(normalise, **change), hint) for hint, change in NORM_SLIPS.items()),
    ),
    "13b.2": Exercise(
        _mixture_moments,
        mixture_moments,
        tuple(Slip(functools.partial(mixture_moments, **change), hint) for hint, change in MIXTURE_SLIPS.items()),
    ),
}
