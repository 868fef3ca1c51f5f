"""The exercises of lesson 13: the slope of a Gram matrix, and what a change of brightness does to it."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def gram_slope(
    f: Tensor,
    wanted: Tensor,
    factor: float = 4.0,
    gram: Callable[[Tensor], Tensor] = lambda f: f @ f.T / f.shape[1],
    gap: Callable[[Tensor, Tensor], Tensor] = torch.sub,
    join: Callable[[Tensor, Tensor], Tensor] = lambda gap, f: gap @ f / f.shape[1],
) -> Tensor:
    """Return the gradient (C, P) of sum (G - wanted)^2 in features f (C, P); the rest are for slips."""
    return factor * join(gap(gram(f), wanted), f)


def _slope_cases() -> list[tuple[str, Tensor, Tensor]]:
    rng = seeded_generator("13.1")
    wide, small = (torch.randn(*shape, generator=rng, dtype=torch.float64) + 0.4 for shape in ((3, 7), (2, 3)))
    wanted = [torch.randn(n, n, generator=rng, dtype=torch.float64) for n in (3, 2)]
    square = torch.randn(4, 4, generator=rng, dtype=torch.float64)
    return [
        ("three channels and seven positions", wide, wanted[0] + wanted[0].T),
        ("two channels and three positions", small, wanted[1] + wanted[1].T),
        ("four channels and four positions", square, torch.zeros(4, 4, dtype=torch.float64)),
    ]


def _gram_slope(function: Callable) -> dict[str, Any]:
    return {f"gradient for {name}": function(f.clone(), wanted.clone()) for name, f, wanted in _slope_cases()}


def _centred(f: Tensor) -> Tensor:
    r = f - f.mean(1, keepdim=True)
    return r @ r.T / r.shape[1]


SLOPE_SLIPS: dict[str, dict[str, Any]] = {
    "You found half of the gradient. Each feature stands twice in G, in its row and in its column: 2 from the square, "
    "times 2.": {"factor": 2.0},
    "You found a quarter of the gradient. The square gives a factor 2, and each feature stands in a row and a column "
    "of G, which gives another 2.": {"factor": 1.0},
    "You found half of the gradient, and left 1/P out at the end. Each feature stands in a row and in a column of G, "
    "and G divides by the number of positions.": {"factor": 2.0, "join": lambda gap, f: gap @ f},
    "You left 1/P out at the end. G divides by the number of positions, and so does its slope.": {
        "join": lambda gap, f: gap @ f
    },
    "Your G lacks its 1/P. It is the *mean* over the positions (13.1).": {"gram": lambda f: f @ f.T},
    "You divided by P once too often. The gradient is 4 (G - wanted) f / P, and the other 1/P is inside G.": {
        "join": lambda gap, f: gap @ f / f.shape[1] ** 2
    },
    "You left 1/P out in both places: in G, which is a mean over the positions, and in its slope.": {
        "gram": lambda f: f @ f.T,
        "join": lambda gap, f: gap @ f,
    },
    "Your sign is wrong: the gradient points to where L grows, so it has G - wanted.": {"factor": -4.0},
    "You added G and wanted. The loss has their difference.": {"gap": torch.add},
    "You squared G - wanted. The slope of its square has G - wanted itself, times 2.": {
        "gap": lambda gram, wanted: (gram - wanted) ** 2
    },
    "You left wanted out: that is the gradient of the sum of G squared.": {"gap": lambda gram, wanted: gram},
    "You divided by the number of channels. G is a mean over positions: P = f.shape[1].": {
        "gram": lambda f: f @ f.T / f.shape[0],
        "join": lambda gap, f: gap @ f / f.shape[0],
    },
    "You divided by the number of channels as well. G is a mean over positions alone.": {
        "join": lambda gap, f: gap @ f / f.numel()
    },
    "You divided by the number of channels at the end. G has 1/P, P = f.shape[1], and its slope has the same 1/P.": {
        "join": lambda gap, f: gap @ f / f.shape[0]
    },
    "You divided G by the number of channels. It is a mean over positions: P = f.shape[1].": {
        "gram": lambda f: f @ f.T / f.shape[0]
    },
    "You took the mean over the entries of G in place of their sum: L has no 1/C^2.": {
        "join": lambda gap, f: gap @ f / f.shape[1] / f.shape[0] ** 2
    },
    "You took the centred Gram matrix. Here G is the plain one, (13.1).": {"gram": _centred},
    "You returned the gradient in G, 2 (G - wanted), a matrix (C, C). Go on to f: a chain rule is left.": {
        "factor": 2.0,
        "join": lambda gap, f: gap,
    },
    "You returned the loss itself. Its gradient in f is asked for, a tensor (C, P).": {
        "factor": 1.0,
        "join": lambda gap, f: gap.square().sum(),
    },
    "You returned the transposed gradient, (P, C). f is (C, P), and so is its gradient.": {
        "join": lambda gap, f: (gap @ f / f.shape[1]).T
    },
}


Pair = tuple[Tensor, Tensor]


def brighter(
    m: Tensor,
    c: Tensor,
    gain: float,
    lift: Tensor,
    of_means: Callable[..., Tensor] = lambda m, gain, lift: gain * m + lift,
    of_rest: Callable[..., Tensor] = lambda c, gain, lift: gain**2 * c,
    give: Callable[[Tensor, Tensor], Any] = lambda gram, centred: (gram, centred),
    join: Callable[[Tensor, Tensor], Tensor] = lambda means, centred: torch.outer(means, means) + centred,
) -> Any:
    """Return Gram and centred Gram matrix of features that were multiplied and raised; the rest are for slips."""
    centred = of_rest(c, gain, lift)
    return give(join(of_means(m, gain, lift), centred), centred)


def _bright_cases() -> list[tuple[str, Tensor, Tensor, float, Tensor]]:
    rng = seeded_generator("13.2")
    cases = []
    for name, n, gain in (("gain 1.5", 3, 1.5), ("gain 0.4", 2, 0.4), ("gain 1", 4, 1.0)):
        f = torch.randn(n, 9, generator=rng, dtype=torch.float64) + 1.3
        lift = torch.randn(n, generator=rng, dtype=torch.float64)
        cases.append((name, f.mean(1), _centred(f), gain, lift))
    return cases


def _brighter(function: Callable) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for name, m, c, gain, lift in _bright_cases():
        given = function(m.clone(), c.clone(), gain, lift.clone())
        gram, centred = parts(given, "the Gram matrix", "the centred one")
        numbers[f"Gram matrix for {name}"], numbers[f"centred Gram matrix for {name}"] = gram, centred
    return numbers


BRIGHT_SLIPS: dict[str, dict[str, Any]] = {
    "You changed the centred matrix by gain, not by its square. It is a mean of *products* of two features.": {
        "of_rest": lambda c, gain, lift: gain * c
    },
    "You left the centred matrix as it was. Raising does not change it, but multiplying does.": {
        "of_rest": lambda c, gain, lift: c
    },
    "You raised the centred matrix, too. r is what is left when the mean is taken away, and the lift goes with the "
    "mean.": {"of_rest": lambda c, gain, lift: gain**2 * c + torch.outer(lift, lift)},
    "You added the lift to each column of the centred matrix. r is what is left when the mean is taken away, and the "
    "lift goes with the mean.": {"of_rest": lambda c, gain, lift: gain**2 * c + lift[:, None]},
    "You added the lift to each row of the centred matrix. r is what is left when the mean is taken away, and the lift "
    "goes with the mean.": {"of_rest": lambda c, gain, lift: gain**2 * c + lift},
    "You left the lift out of the means. Raising every position raises the mean by as much.": {
        "of_means": lambda m, gain, lift: gain * m
    },
    "You left the gain out of the means. The mean is multiplied as every feature is.": {
        "of_means": lambda m, gain, lift: m + lift
    },
    "You multiplied the lift by the gain. Each feature is multiplied first, and raised afterwards.": {
        "of_means": lambda m, gain, lift: gain * (m + lift)
    },
    "You gave the two matrices in the wrong order: first the Gram matrix, then the centred one.": {
        "give": lambda gram, centred: (centred, gram)
    },
    "You returned the Gram matrix alone. Two matrices are asked for, as a tuple.": {"give": lambda gram, centred: gram},
    "You returned the centred matrix alone. Two matrices are asked for, as a tuple.": {
        "give": lambda gram, centred: centred
    },
    "Your Gram matrix has the means' part alone. By (13.2) the centred matrix is added.": {
        "join": lambda means, centred: torch.outer(means, means)
    },
    "Your Gram matrix is the centred one. By (13.2) the products of the means are added.": {
        "join": lambda means, centred: centred
    },
    "You multiplied the means entry by entry. m_i m_j has a number for each *pair* of channels: torch.outer(m, m).": {
        "join": lambda means, centred: means * means + centred
    },
    "You added one number, the sum of the squared means, to every entry: that is m @ m.T if m has one dimension. m_i "
    "m_j has a number for each *pair* of channels: torch.outer(m, m).": {
        "join": lambda means, centred: means @ means + centred
    },
    "You left out the products of a mean and a lift. Change the means first, and multiply the changed means.": {
        "of_means": lambda m, gain, lift: torch.stack([gain * m, lift]),
        "join": lambda parts, centred: parts.T @ parts + centred,
    },
    "You added the lift to the Gram matrix. It raises the features: raise the means, gain * m + lift, and take the "
    "products of these.": {
        "of_means": lambda m, gain, lift: torch.stack([gain * m, lift]),
        "join": lambda parts, centred: torch.outer(parts[0], parts[0]) + centred + parts[1],
    },
    "You returned the new means first. Asked is the Gram matrix: their products, plus the centred matrix.": {
        "join": lambda means, centred: means
    },
    "You subtracted the centred matrix from the products of the means. By (13.2) it is added.": {
        "join": lambda means, centred: torch.outer(means, means) - centred
    },
    "You counted one product of a mean and a lift twice. The row's mean times the column's lift is one number, and the "
    "row's lift times the column's mean another. Change the means first, and multiply the changed means.": {
        "of_means": lambda m, gain, lift: torch.stack([gain * m, lift]),
        "join": lambda parts, centred: parts.T @ parts + 2 * torch.outer(parts[0], parts[1]) + centred,
    },
    "You returned the matrices before the change. The features are multiplied, and raised.": {
        "of_means": lambda m, gain, lift: m,
        "of_rest": lambda c, gain, lift: c,
    },
    "You took the means from before the change. The new Gram matrix is made of the new means.": {
        "of_means": lambda m, gain, lift: m
    },
}

EXERCISES = {
    "13.1": Exercise(
        _gram_slope,
        gram_slope,
        tuple(Slip(functools.partial(gram_slope, **change), hint) for hint, change in SLOPE_SLIPS.items()),
    ),
    "13.2": Exercise(
        _brighter,
        brighter,
        tuple(Slip(functools.partial(brighter, **change), hint) for hint, change in BRIGHT_SLIPS.items()),
    ),
}
