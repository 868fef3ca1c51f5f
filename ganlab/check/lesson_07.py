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
            Slip(lambda a, b, c, d: kl_between(c, d, a, b), "that is KL(p || q): the two are swapped."),
            Slip(
                lambda a, b, c, d: probability.gaussian_kl(a, b).sum(1),
                "p does not enter: that is the KL to N(0, 1).",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, 2 * b, c, 2 * d),
                "logvar is the log of the variance: exp(logvar) is s squared already.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 + torch.expm1(a - b) - (a - b)),
                "the difference of the means counts in units of p: divide its square by p's variance.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-a) + torch.expm1(a - b) - (a - b)),
                "the difference of the means counts in units of p, not of q: divide its square by p's variance.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-0.5 * b) + torch.expm1(a - b) - (a - b)),
                "the squared difference of the means is divided by p's variance, not by its standard deviation.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.exp(a - b) - (a - b)),
                "the -1 is missing: the KL of equal densities must be 0.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.expm1(a - b) + (a - b)),
                "the sign of the log variances: a narrow q costs more, so it is minus (logvar_q - logvar_p).",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, b, c, d) / a.shape[1],
                "a mean over dimensions: independent dimensions add, so sum them.",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, b, c, d).sum(),
                "one number for the whole batch: sum over dimensions only.",
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
            Slip(lambda D, L, sigma: D, "the pixels' mean is in it; the noise and the latents' mean are not."),
            Slip(
                lambda D, L, sigma: L / D,
                "you turned D / L over, and the noise is missing: squares stand over 2 sigma^2.",
            ),
            Slip(lambda D, L, sigma: D / L, "both means are in it, but not the noise: squares stand over 2 sigma^2."),
            Slip(lambda D, L, sigma: D / (2 * sigma**2), "the KL is a mean as well: over L latents."),
            Slip(lambda D, L, sigma: D * L / (2 * sigma**2), "a mean over L latents makes the KL smaller, not larger."),
            Slip(lambda D, L, sigma: L / (2 * sigma**2 * D), "the two means are swapped: the pixels' raises beta."),
            Slip(lambda D, L, sigma: 2 * sigma**2 * L / D, "turned over: beta multiplies the KL, not the squares."),
            Slip(lambda D, L, sigma: 2 * sigma**2 * D / L, "2 sigma^2 belongs below: see beta = c / (2 sigma^2)."),
            Slip(lambda D, L, sigma: D / (sigma**2 * L), "the 2 of 2 sigma^2 is missing."),
            Slip(lambda D, L, sigma: D / (2 * sigma * L), "sigma is a standard deviation: the variance is its square."),
            Slip(lambda D, L, sigma: 1 / (2 * sigma**2), "that is for two sums: here both terms are means."),
        ),
    ),
}
