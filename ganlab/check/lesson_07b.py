"""The exercises of lesson 07b: the posterior of a linear decoder, and which directions a beta leaves."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def posterior_of(x: Tensor, w: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Return mean and variance, each (), of p(z | x) for one latent and x = w z + sigma eps: x and w (D,)."""
    precision = 1 + (w @ w) / sigma**2
    return (w @ x) / sigma**2 / precision, 1 / precision


def _posterior_of(function: Callable) -> dict[str, Any]:
    x, w = torch.randn(2, 4, generator=seeded_generator("07b.1"), dtype=torch.float64)
    mean, variance = parts(function(x.clone(), w.clone(), 0.7), "the mean", "the variance")
    return {"mean": mean, "variance": variance}


def _slip(change: Callable[[Tensor, Tensor, float], tuple], hint: str) -> Slip:
    """Return a slip whose answer is `change(w . x, w . w, sigma)`."""
    return Slip(lambda x, w, sigma: change(w @ x, w @ w, sigma), hint)


def _of_outer(x: Tensor, w: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    covariance = torch.linalg.inv(torch.eye(len(w), dtype=w.dtype) + torch.outer(w, w) / sigma**2)
    return covariance @ w, covariance


def directions(eigenvalues: Tensor, beta: float, sigma: float) -> tuple[Any, Any]:
    """Return how many of the eigenvalues (L,) are used at this beta, and the KL in nats, as (7b.3) says."""
    ratio = eigenvalues / (beta * sigma**2)
    used = ratio > 1
    return used.sum(), 0.5 * torch.where(used, ratio, 1.0).log().sum()


def _directions(function: Callable) -> dict[str, Any]:
    eigenvalues = torch.tensor([5.0, 2.0, 0.9, 0.3], dtype=torch.float64)
    numbers = {}
    for beta, sigma in ((2.0, 0.5), (6.0, 0.6), (1.5, 1.2)):
        result = function(eigenvalues.clone(), beta, sigma)
        used, kl = parts(result, "the number of directions that are used", "the KL in nats")
        numbers |= {f"used at beta {beta}, sigma {sigma}": used, f"KL at beta {beta}, sigma {sigma}": kl}
    return numbers


EXERCISES = {
    "07b.1": Exercise(
        _posterior_of,
        posterior_of,
        (
            _slip(lambda wx, ww, s: (wx / ww, s**2 / ww), "You left the prior out: it adds 1 to the precision."),
            _slip(
                lambda wx, ww, s: (wx / s / (1 + ww / s), 1 / (1 + ww / s)),
                "You divided by sigma: the noise's variance is sigma squared.",
            ),
            _slip(
                lambda wx, ww, s: (wx / (s**2 + ww), 1 + ww / s**2),
                "You returned the precision: the variance is 1 over it.",
            ),
            _slip(
                lambda wx, ww, s: (wx / (s**2 + ww), (1 + ww / s**2) ** -0.5),
                "You returned a standard deviation: the variance is its square.",
            ),
            _slip(
                lambda wx, ww, s: (wx / s**2, 1 / (1 + ww / s**2)),
                "You stopped before the mean was divided by the precision: completing the square divides it, too.",
            ),
            _slip(
                lambda wx, ww, s: (wx / s**2 * (1 + ww / s**2), 1 / (1 + ww / s**2)),
                "You multiplied the mean by the precision: (7b.1) multiplies it by the precision's inverse.",
            ),
            _slip(
                lambda wx, ww, s: (wx / (1 + ww / s**2), 1 / (1 + ww / s**2)),
                "You left 1 / sigma^2 out of the mean: (7b.1) has it there, too, beside W^T x.",
            ),
            _slip(
                lambda wx, ww, s: (wx / ww, 1 / (1 + ww / s**2)),
                "You left the prior out of the mean: it is the variance times w @ x / sigma^2.",
            ),
            _slip(
                lambda wx, ww, s: (wx / (1 + ww), 1 / (1 + ww)),
                "You left sigma out: sigma does not enter. Divide both products by sigma^2.",
            ),
            _slip(
                lambda wx, ww, s: (1 / (1 + ww / s**2), wx / (s**2 + ww)),
                "You returned the variance first: the two are swapped.",
            ),
            _slip(
                lambda wx, ww, s: (wx / (s**2 + ww.sqrt()), s**2 / (s**2 + ww.sqrt())),
                "You took the length of w. W^T W is its square, w @ w.",
            ),
            Slip(
                lambda x, w, s: (w * x / (s**2 + w**2), s**2 / (s**2 + w**2)),
                "You multiplied entry by entry. With one latent W^T W is one number: the sum of w squared, w @ w.",
            ),
            Slip(
                lambda x, w, s: (w * x / (s**2 + w @ w), s**2 / (s**2 + w @ w)),
                "You multiplied w and x entry by entry. W^T x is one number, too: w @ x.",
            ),
            Slip(
                lambda x, w, s: _of_outer(x, w, s),
                "You built a D x D matrix, W W^T. The precision belongs to the one latent: W^T W is the number w @ w.",
            ),
        ),
    ),
    "07b.2": Exercise(
        _directions,
        directions,
        (
            Slip(
                lambda e, b, s: ((e > b * s**2).sum(), 0.5 * (e / (b * s**2)).log().sum()),
                "You summed over all directions: only those that are used have a KL.",
            ),
            Slip(
                lambda e, b, s: directions(e, b, math.sqrt(s)),
                "You compared with beta times sigma: the threshold holds sigma squared.",
            ),
            Slip(
                lambda e, b, s: directions(e, 1.0, s),
                "You left beta out: beta does not enter your answer. The noise of (7b.3) is beta times sigma squared.",
            ),
            Slip(lambda e, b, s: directions(e, 1 / b, s), "You divided the noise by beta: multiply it."),
            Slip(
                lambda e, b, s: (len(e), directions(e, b, s)[1]),
                "Your KL is right, but you counted every direction: count those with an eigenvalue above beta sigma^2.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], 0.5 * (e[e > b * s**2] - b * s**2).log().sum()),
                "You subtracted beta sigma^2 inside the log: (7b.3) divides the eigenvalue by it.",
            ),
            Slip(
                lambda e, b, s: directions(e, b, 1.0),
                "You left sigma out: sigma does not enter. The threshold is beta times its square.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], 2 * directions(e, b, s)[1]),
                "You left a factor out: a half is missing before the log of the KL.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], -directions(e, b, s)[1]),
                "You turned the quotient over: the KL is never negative.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], directions(e, b, s)[1] / max(1, directions(e, b, s)[0])),
                "You took the mean over the directions that are used: their KLs add.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], directions(e, b, s)[1] / len(e)),
                "You took the mean over all L directions. (7b.3) is a sum.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], b * directions(e, b, s)[1]),
                "You returned what the loss charges, beta times the KL. Return the KL itself.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], 0.5 * (e[e > b * s**2] / s**2).log().sum()),
                "You left beta out of the log: beta sets the threshold, and it divides the eigenvalue in the KL, too.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], directions(e, b, s)[1] / math.log(2)),
                "You returned bits, by log2. Nats come from the natural logarithm.",
            ),
            Slip(
                lambda e, b, s: ((e > s**2).sum(), 0.5 * (e[e > s**2] / (b * s**2)).log().sum()),
                "You compared with sigma^2 alone: the threshold is beta times sigma^2.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], 0.5 * (e[e > b * s**2] / (b * s**2) - 1).log().sum()),
                "You put the column's squared length, the eigenvalue less the noise, into the log. (7b.3) has the "
                "eigenvalue itself there.",
            ),
            Slip(
                lambda e, b, s: (directions(e, b, s)[0], 0.5 * (e[e > b * s**2] / (b * s**2)).log1p().sum()),
                "You added 1 inside the log. The eigenvalue has the noise in it already.",
            ),
            Slip(
                lambda e, b, s: (e > b * s**2, directions(e, b, s)[1]),
                "You returned which directions are used. Return how many there are: the sum of that mask.",
            ),
        ),
    ),
}
