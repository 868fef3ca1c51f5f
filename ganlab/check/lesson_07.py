"""The exercises of lesson 07: a KL, a hidden beta."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab import probability
from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def kl_between(mu_q: Tensor, logvar_q: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """Return KL(q || p) in nats for Gaussians with independent dimensions, all (B, L), summed over L: (B,)."""
    per_dimension = probability.gaussian_kl((mu_q - mu_p) * torch.exp(-0.5 * logvar_p), logvar_q - logvar_p)
    return per_dimension.sum(1)


def _kl_between(function: Callable) -> dict[str, Any]:
    values = torch.randn(4, 5, 3, generator=seeded_generator("07.1"), dtype=torch.float64)
    return {"KL in nats": function(*values.clone())}


def _kl_slip(per_dimension: Callable[..., Tensor], hint: str) -> Slip:
    """Return a slip that sums `per_dimension(difference of means, logvar_q, logvar_p)` over dimensions."""
    return Slip(lambda mu_q, a, mu_p, b: per_dimension(mu_q - mu_p, a, b).sum(1), hint)


def hidden_beta(D: int, L: int, sigma: float) -> float:
    """Return the beta of a loss that averages squares over D pixels and the KL over L latents."""
    return D / (2 * sigma**2 * L)


def _hidden_beta(function: Callable) -> dict[str, Any]:
    places = ((784, 20, 0.1), (3072, 128, 0.25), (64, 2, 2.0))
    return {f"beta at D = {D}, L = {L}, sigma = {sigma}": function(D, L, sigma) for D, L, sigma in places}


EXERCISES = {
    "07.1": Exercise(
        _kl_between,
        kl_between,
        (
            Slip(
                lambda a, b, c, d: kl_between(c, d, a, b),
                "you computed KL(p || q): the two are swapped. Take the mean of log q - log p under q.",
            ),
            Slip(
                lambda a, b, c, d: probability.gaussian_kl(a, b).sum(1),
                "you left p out: p does not enter, so that is the KL to N(0, 1).",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, 2 * b, c, 2 * d),
                "you took logvar for log s: it is the log of the variance, and exp(logvar) is s squared already.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 + torch.expm1(a - b) - (a - b)),
                "you left the difference of the means as it is: it counts in units of p, so divide its square by p's "
                "variance.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-a) + torch.expm1(a - b) - (a - b)),
                "you divided the squared difference of the means by q's variance: it counts in units of p, not of q.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-0.5 * b) + torch.expm1(a - b) - (a - b)),
                "you divided the squared difference of the means by p's deviation: divide by its variance, not by its "
                "standard deviation.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.exp(a - b) - (a - b)),
                "you left a term out: the -1 is missing. The KL of equal densities must be 0.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.expm1(a - b) + (a - b)),
                "you turned the sign of the log variances: a narrow q costs more, so subtract logvar_q - logvar_p.",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, b, c, d) / a.shape[1],
                "you took a mean over dimensions: independent dimensions add, so sum them.",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, b, c, d).sum(),
                "you returned one number for the whole batch: sum over dimensions only.",
            ),
            Slip(
                lambda a, b, c, d: probability.gaussian_kl((a - c) * torch.exp(-0.5 * d), b - d),
                "you have one KL for each dimension: independent dimensions add, so sum over L.",
            ),
            Slip(
                lambda a, b, c, d: (probability.gaussian_kl(a, b) - probability.gaussian_kl(c, d)).sum(1),
                "you took the difference of two KLs, which can be negative. Measure q in units of p.",
            ),
            _kl_slip(
                lambda m, a, b: b - a + 0.5 * ((m**2 + torch.exp(a)) * torch.exp(-b) - 1),
                "you used logvar for log s: log s is half of it.",
            ),
        ),
    ),
    "07.2": Exercise(
        _hidden_beta,
        hidden_beta,
        (
            Slip(
                lambda D, L, sigma: D,
                "you counted the pixels' mean only: the noise and the latents' mean are not in it.",
            ),
            Slip(
                lambda D, L, sigma: L / D,
                "you turned D / L over, and the noise is missing: squares stand over 2 sigma^2.",
            ),
            Slip(lambda D, L, sigma: D / L, "you counted both means, but not the noise: squares stand over 2 sigma^2."),
            Slip(
                lambda D, L, sigma: D / (2 * sigma**2),
                "you counted the pixels' mean and the noise: the KL is a mean as well, over L latents.",
            ),
            Slip(
                lambda D, L, sigma: D * L / (2 * sigma**2),
                "you multiplied by L: a mean over L latents makes the KL smaller, not larger.",
            ),
            Slip(
                lambda D, L, sigma: L / (2 * sigma**2 * D),
                "you divided by D: the two means are swapped. The mean over pixels raises beta.",
            ),
            Slip(
                lambda D, L, sigma: 2 * sigma**2 * L / D,
                "you have it turned over: beta multiplies the KL, not the squares.",
            ),
            Slip(
                lambda D, L, sigma: 2 * sigma**2 * D / L,
                "you multiplied by 2 sigma^2: it belongs below, as in beta = c / (2 sigma^2).",
            ),
            Slip(lambda D, L, sigma: D / (sigma**2 * L), "you divided by sigma^2: the 2 of 2 sigma^2 is missing."),
            Slip(
                lambda D, L, sigma: D / (2 * sigma * L),
                "you divided by 2 sigma: sigma is a standard deviation, and the variance is its square.",
            ),
            Slip(lambda D, L, sigma: 1 / (2 * sigma**2), "you gave the beta of two sums: here both terms are means."),
        ),
    ),
}
