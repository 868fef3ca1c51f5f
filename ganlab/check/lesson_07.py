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
                "You computed KL(p || q): the two are swapped. Take the mean of log q - log p under q.",
            ),
            Slip(
                lambda a, b, c, d: probability.gaussian_kl(a, b).sum(1),
                "You left p out: p does not enter, so that is the KL to N(0, 1).",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, 2 * b, c, 2 * d),
                "You took logvar for log s: it is the log of the variance, and exp(logvar) is s squared already.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 + torch.expm1(a - b) - (a - b)),
                "You left the difference of the means as it is: it counts in units of p, so divide its square by p's "
                "variance.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-a) + torch.expm1(a - b) - (a - b)),
                "You divided the squared difference of the means by q's variance: it counts in units of p, not of q.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-0.5 * b) + torch.expm1(a - b) - (a - b)),
                "You divided the squared difference of the means by p's deviation: divide by its variance, not by its "
                "standard deviation.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.exp(a - b) - (a - b)),
                "You left a term out: the -1 is missing. The KL of equal densities must be 0.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.expm1(a - b) + (a - b)),
                "You turned the sign of the log variances: a narrow q costs more, so subtract logvar_q - logvar_p.",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, b, c, d) / a.shape[1],
                "You took a mean over dimensions: independent dimensions add, so sum them.",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a, b, c, d).sum(),
                "You returned one number for the whole batch: sum over dimensions only.",
            ),
            Slip(
                lambda a, b, c, d: probability.gaussian_kl((a - c) * torch.exp(-0.5 * d), b - d),
                "You have one KL for each dimension: independent dimensions add, so sum over L.",
            ),
            Slip(
                lambda a, b, c, d: (probability.gaussian_kl(a, b) - probability.gaussian_kl(c, d)).sum(1),
                "You took the difference of two KLs, which can be negative. Measure q in units of p.",
            ),
            _kl_slip(
                lambda m, a, b: probability.gaussian_kl(m * torch.exp(-b), a - b),
                "You divided the difference of the means by p's variance, exp(logvar_p): divide it by p's standard "
                "deviation, exp(logvar_p / 2), before (7.5) squares it.",
            ),
            _kl_slip(
                lambda m, a, b: probability.gaussian_kl(m * torch.exp(-0.5 * b), a),
                "You measured the mean in units of p, but not the width: q's log variance becomes logvar_q - logvar_p.",
            ),
            _kl_slip(
                lambda m, a, b: probability.gaussian_kl(m * torch.exp(-0.5 * b), a + b),
                "You added the log variances: stretching by 1 / s_p divides q's variance by p's, so subtract logvar_p.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (0.5 * m**2 * torch.exp(-b) + torch.expm1(a - b) - (a - b)),
                "You halved the squared difference of the means twice: (7.5) has one factor 1/2, before everything.",
            ),
            _kl_slip(
                lambda m, a, b: probability.gaussian_kl(m * torch.exp(0.5 * b), a - b),
                "You multiplied the difference of the means by s_p: divide by it, so that p gets the deviation 1.",
            ),
            Slip(
                lambda a, b, c, d: probability.gaussian_kl(
                    a * torch.exp(-0.5 * b) - c * torch.exp(-0.5 * d), b - d
                ).sum(1),
                "You divided each mean by its own deviation: p gives the unit for both, so divide both by s_p.",
            ),
            Slip(
                lambda a, b, c, d: kl_between(a.T, b.T, c.T, d.T),
                "You summed over the images, not over the dimensions: those are dim=1.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.expm1(a) - (a - b)),
                "You left exp(logvar_q) as it is: q's variance counts in units of p's, so divide it by exp(logvar_p).",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m * torch.exp(-b) + torch.expm1(a - b) - (a - b)),
                "You did not square the difference of the means. Square it, then divide it by p's variance.",
            ),
            _kl_slip(
                lambda m, a, b: m**2 * torch.exp(-b) + torch.expm1(a - b) - (a - b),
                "You left the factor 1/2 out: (7.5) has it before everything.",
            ),
            _kl_slip(
                lambda m, a, b: probability.gaussian_kl(m * torch.exp(-0.5 * b), a / b),
                "You divided one log variance by the other. To divide the variances, subtract their logs.",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + torch.expm1(0.5 * (a - b)) - (a - b)),
                "You took the ratio of the standard deviations. The term is the ratio of the variances, "
                "exp(logvar_q - logvar_p).",
            ),
            _kl_slip(
                lambda m, a, b: 0.5 * (m**2 * torch.exp(-b) + a.exp() - b.exp() - (a - b)),
                "You subtracted the variances. Divide q's by p's, and subtract 1: exp(logvar_q - logvar_p) - 1.",
            ),
            _kl_slip(
                lambda m, a, b: b - a + 0.5 * ((m**2 + torch.exp(a)) * torch.exp(-b) - 1),
                "You used logvar for log s: log s is half of it.",
            ),
        ),
    ),
    "07.2": Exercise(
        _hidden_beta,
        hidden_beta,
        (
            Slip(
                lambda D, L, sigma: D,
                "You counted the pixels' mean only: the noise and the latents' mean are not in it.",
            ),
            Slip(
                lambda D, L, sigma: L / D,
                "You turned D / L over, and the noise is missing: squares stand over 2 sigma^2.",
            ),
            Slip(lambda D, L, sigma: D / L, "You counted both means, but not the noise: squares stand over 2 sigma^2."),
            Slip(
                lambda D, L, sigma: D / (2 * sigma**2),
                "You counted the pixels' mean and the noise: the KL is a mean as well, over L latents.",
            ),
            Slip(
                lambda D, L, sigma: D * L / (2 * sigma**2),
                "You multiplied by L: a mean over L latents makes the KL smaller, not larger.",
            ),
            Slip(
                lambda D, L, sigma: L / (2 * sigma**2 * D),
                "You divided by D: the two means are swapped. The mean over pixels raises beta.",
            ),
            Slip(
                lambda D, L, sigma: 2 * sigma**2 * L / D,
                "You have it turned over: beta multiplies the KL, not the squares.",
            ),
            Slip(
                lambda D, L, sigma: 2 * sigma**2 * D / L,
                "You multiplied by 2 sigma^2: it belongs below, as in beta = c / (2 sigma^2).",
            ),
            Slip(lambda D, L, sigma: D / (sigma**2 * L), "You divided by sigma^2: the 2 of 2 sigma^2 is missing."),
            Slip(
                lambda D, L, sigma: D / (2 * sigma * L),
                "You divided by 2 sigma: sigma is a standard deviation, and the variance is its square.",
            ),
            Slip(lambda D, L, sigma: 1 / (2 * sigma**2), "You gave the beta of two sums: here both terms are means."),
            Slip(
                lambda D, L, sigma: D / 2 * sigma**2 * L,
                "You multiplied by sigma^2 and L, perhaps for want of brackets: in Python all that stands below the "
                "fraction needs them.",
            ),
            Slip(
                lambda D, L, sigma: D / 2 * sigma**2 / L,
                "You multiplied by sigma^2, perhaps for want of brackets: Python computes a / 2 * b as (a / 2) * b.",
            ),
            Slip(
                lambda D, L, sigma: 1.0,
                "You took the loss for the ELBO: its squares have no 2 sigma^2, and both terms are means.",
            ),
            Slip(
                lambda D, L, sigma: 1 / L,
                "You counted the latents' mean only: the squares are a mean over D pixels, and stand over 2 sigma^2.",
            ),
            Slip(
                lambda D, L, sigma: 1 / (2 * sigma**2 * L),
                "You counted the latents' mean and the noise: the squares are a mean as well, over D pixels.",
            ),
            Slip(
                lambda D, L, sigma: L / (2 * sigma**2),
                "You multiplied by L: a mean over L latents divides the KL by L. The mean over D pixels is missing.",
            ),
            Slip(
                lambda D, L, sigma: D * L,
                "You multiplied by L: a mean over L latents divides the KL by L. And the noise is missing: the squares "
                "stand over 2 sigma^2.",
            ),
            Slip(
                lambda D, L, sigma: D / (2 * L),
                "You left the noise out: the squares stand over 2 sigma^2, not over 2.",
            ),
        ),
    ),
}
