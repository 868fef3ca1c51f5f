"""The exercises of lesson 06c: the log likelihood of a mixture, and the cheapest map between two Gaussians."""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip


def log_mixture(log_p: Tensor, log_q: Tensor, eps: float) -> Tensor:
    """Return log((1 - eps) p + eps q) from log p and log q, (n,) each, without leaving logarithms."""
    return torch.logaddexp(log_p + math.log(1 - eps), log_q + math.log(eps))


def _log_mixture(function: Callable) -> dict[str, Any]:
    log_p = torch.tensor([-90.0, -900.0, -543.0, -600.0, -91.5], dtype=torch.float64)
    log_q = torch.tensor([-543.0, -903.0, -544.5, -543.0, -91.0], dtype=torch.float64)
    return {f"log of the mixture, eps = {eps}": function(log_p.clone(), log_q.clone(), eps) for eps in (0.99, 0.3)}


MIXTURE_SLIPS = (
    Slip(
        lambda p, q, eps: ((1 - eps) * p.exp() + eps * q.exp()).log(),
        "You left the logarithms: exp(-900) is 0 in the computer. torch.logaddexp(a, b) adds without leaving them.",
    ),
    Slip(
        lambda p, q, eps: (1 - eps) * p + eps * q,
        "You averaged the logs. Take the log of the average of p and q.",
    ),
    Slip(
        lambda p, q, eps: log_mixture(q, p, eps),
        "You exchanged the weights: q, the noise, is drawn with probability eps, and p with 1 - eps.",
    ),
    Slip(
        lambda p, q, eps: torch.logaddexp(p, q),
        "You added p and q without their weights. Inside the log a weight is a factor: add its log.",
    ),
    Slip(
        lambda p, q, eps: torch.logaddexp(p, q) - math.log(2),
        "You gave both models the weight 1/2. The weights are 1 - eps and eps.",
    ),
    Slip(
        lambda p, q, eps: p + math.log(1 - eps),
        "You left the noise out. Where q is larger than p, it makes up most of the mixture.",
    ),
    Slip(
        lambda p, q, eps: torch.logaddexp((1 - eps) * p, eps * q),
        "You multiplied the logs by the weights. A factor inside the log becomes a sum: log p + log(1 - eps).",
    ),
    Slip(
        lambda p, q, eps: torch.maximum(p + math.log(1 - eps), q + math.log(eps)),
        "You took the larger of the two terms. Both are added inside the log: torch.logaddexp.",
    ),
    Slip(
        lambda p, q, eps: log_mixture(p, q, eps).mean(),
        "You took the mean over the images. Return one number for each image, (n,).",
    ),
    Slip(
        lambda p, q, eps: -log_mixture(p, q, eps), "You changed the sign: the log of the mixture is asked, not a loss."
    ),
)


def _power(S: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(S)
    return (vectors * values**exponent) @ vectors.T


def cheapest_map(
    S1: Tensor,
    S2: Tensor,
    root: Callable[[Tensor], Tensor] = lambda S: _power(S, 0.5),
    outer: Callable[[Tensor], Tensor] = torch.linalg.inv,
) -> Tensor:
    """Return the symmetric, positive A with A S1 A = S2, (D, D); the rest are for slips."""
    R = root(S1)
    return outer(R) @ _power(R @ S2 @ R, 0.5) @ outer(R)


def _cheapest_map(function: Callable) -> dict[str, Any]:
    S1 = torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=torch.float64)
    S2 = torch.tensor([[0.5, 0.2], [0.2, 1.6]], dtype=torch.float64)
    mix = torch.tensor([[1.0, 0.3, 0.2], [0.1, 0.7, 0.4], [0.5, 0.2, 1.1]], dtype=torch.float64)
    larger = mix @ torch.diag(torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)) @ mix.T
    return {
        "the map between matrices 2 x 2": function(S1.clone(), S2.clone()),
        "the map between matrices 3 x 3": function(mix @ mix.T, larger),
    }


def _cholesky(S1: Tensor, S2: Tensor) -> Tensor:
    return torch.linalg.cholesky(S2) @ torch.linalg.inv(torch.linalg.cholesky(S1))


def _root_of_quotient(S1: Tensor, S2: Tensor) -> Tensor:
    values, vectors = torch.linalg.eig(torch.linalg.inv(S1) @ S2)  # not symmetric, but its eigenvalues are positive
    return (vectors @ torch.diag(values.sqrt()) @ torch.linalg.inv(vectors)).real


def _entries_of_the_middle(S1: Tensor, S2: Tensor) -> Tensor:
    R = _power(S1, 0.5)
    return torch.linalg.inv(R) @ (R @ S2 @ R).sqrt() @ torch.linalg.inv(R)


CARRIES = "Your map carries S1 to S2, but it is not symmetric, so it is not the cheapest one: see (6c.2)."
MAP_SLIPS = (
    Slip(lambda S1, S2: cheapest_map(S2, S1), "You returned the map back, from S2 to S1. It is the inverse of A."),
    Slip(lambda S1, S2: _power(S2, 0.5) @ _power(S1, -0.5), CARRIES),
    Slip(
        lambda S1, S2: _power(S1, -0.5) @ _power(S2, 0.5),
        "You multiplied S1^-1/2 by S2^1/2. The product is not symmetric, so it is not the cheapest map: see (6c.2).",
    ),
    Slip(_root_of_quotient, "You took the root of S1^-1 S2, which is not symmetric. Take the root of R S2 R instead."),
    Slip(_cholesky, CARRIES + " (Roots by Cholesky are not symmetric.)"),
    Slip(
        lambda S1, S2: S2.clone(),
        "You left out the root of R S2 R: R^-1 (R S2 R) R^-1 is S2 itself.",
    ),
    Slip(
        functools.partial(cheapest_map, root=lambda S: S),
        "You put S1 where R stands. R is the root of S1: the symmetric matrix whose square is S1.",
    ),
    Slip(
        functools.partial(cheapest_map, root=torch.sqrt),
        "You took the root of each entry of S1. R @ R must be S1: take the roots of the eigenvalues.",
    ),
    Slip(
        _entries_of_the_middle,
        "You took the root of each entry of R S2 R. Take its root as you took that of S1: by the eigenvalues.",
    ),
    Slip(
        functools.partial(cheapest_map, outer=lambda R: torch.eye(len(R), dtype=R.dtype)),
        "You returned the root in the middle. R^-1 must stand on both sides of it.",
    ),
    Slip(
        functools.partial(cheapest_map, outer=lambda R: R),
        "You multiplied by R on the outside. There stands its inverse, R^-1.",
    ),
    Slip(
        lambda S1, S2: torch.linalg.inv(_power(S1, 0.5)) @ _power(_power(S1, 0.5) @ S2 @ _power(S1, 0.5), 0.5),
        "You multiplied by R^-1 on one side. It stands on both sides.",
    ),
    Slip(lambda S1, S2: S2 @ torch.linalg.inv(S1), "You divided S2 by S1. That A gives A S1 = S2, not A S1 A = S2."),
)

EXERCISES = {
    "06c.1": Exercise(_log_mixture, log_mixture, MIXTURE_SLIPS),
    "06c.2": Exercise(_cheapest_map, cheapest_map, MAP_SLIPS),
}
