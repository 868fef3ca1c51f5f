"""The exercises of lesson 07: a KL, the bound of K samples, a hidden beta, gradients without a derivative."""

import math
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


def iwae_bound(log_joint: Tensor, log_q: Tensor) -> Tensor:
    """Return the bound of K samples in nats: log p(x, z_k) and log q(z_k | x), each (K, B), in, (B,) out."""
    return probability.importance_bound(log_joint - log_q)


def _iwae_bound(function: Callable) -> dict[str, Any]:
    draws = torch.randn(2, 7, 4, generator=seeded_generator("07.2"), dtype=torch.float64)
    log_joint, log_q = 2 * draws[0] - 2, draws[1] - 3
    level = torch.tensor([-1000.0, -2000.0, -900.0, -1500.0], dtype=torch.float64)  # as of images
    return {
        "bound in nats, a small model": function(log_joint.clone(), log_q.clone()),
        "bound in nats, images": function(log_joint + level, log_q.clone()),
    }


TURNED_OVER = "the weights are turned over: w = p(x, z) / q(z | x), so log w = log_joint - log_q."
OVER_IMAGES = "the mean runs over the images: it has to run over the K samples, dimension 0."


def _iwae_slip(change: Callable[[Tensor], Tensor], hint: str) -> Slip:
    """Return a slip whose answer is `change(log weights)`."""
    return Slip(lambda log_joint, log_q: change(log_joint - log_q), hint)


def hidden_beta(D: int, L: int, sigma: float) -> float:
    """Return the beta of a loss that averages squares over D pixels and the KL over L latents."""
    return D / (2 * sigma**2 * L)


def _hidden_beta(function: Callable) -> dict[str, Any]:
    places = ((784, 20, 0.1), (3072, 128, 0.25), (64, 2, 2.0))
    return {f"beta at D = {D}, L = {L}, sigma = {sigma}": function(D, L, sigma) for D, L, sigma in places}


def score_estimates(f: Callable, mu: Tensor, logvar: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the score-function estimates of the gradient of E f(z) by mu and by logvar, one each draw: each (n,)."""
    value = f(probability.reparameterise(mu, logvar, eps))
    return value * eps * torch.exp(-0.5 * logvar), value * 0.5 * (eps**2 - 1)


def _score_estimates(function: Callable) -> dict[str, Any]:
    eps = torch.randn(6, generator=seeded_generator("07.4"), dtype=torch.float64)
    mu, logvar = torch.tensor([0.7, -1.3], dtype=torch.float64)
    by_mu, by_logvar = function(_bumpy, mu.clone(), logvar.clone(), eps.clone())
    return {"estimates by mu": by_mu, "estimates by logvar": by_logvar}


def _bumpy(z: Tensor) -> Tensor:
    return torch.cos(3 * z) + z**2


def _score_slip(change: Callable[[Tensor, Tensor, Tensor], tuple], hint: str) -> Slip:
    """Return a slip whose answer is `change(f(z), eps, s)`."""

    def slip(f: Callable, mu: Tensor, logvar: Tensor, eps: Tensor) -> tuple:
        return change(f(probability.reparameterise(mu, logvar, eps)), eps, torch.exp(0.5 * logvar))

    return Slip(slip, hint)


def _by_reparameterising(f: Callable, mu: Tensor, logvar: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    s = torch.exp(0.5 * logvar.detach())
    z = (mu.detach() + s * eps).requires_grad_()
    with torch.enable_grad():
        slope = torch.autograd.grad(f(z).sum(), z)[0]
    return slope, slope * eps * s / 2


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
        ),
    ),
    "07.2": Exercise(
        _iwae_bound,
        iwae_bound,
        (
            _iwae_slip(lambda log_w: log_w.mean(0), "a mean of logs is the ELBO: here the log stands outside."),
            _iwae_slip(lambda log_w: torch.logsumexp(log_w, 0), "a sum of weights: divide by K, so subtract log K."),
            _iwae_slip(
                lambda log_w: torch.logsumexp(log_w, 0) / len(log_w), "divide the sum inside the log: subtract log K."
            ),
            _iwae_slip(
                lambda log_w: torch.logsumexp(log_w, 0) + math.log(len(log_w)),
                "the sign of log K: a mean is smaller than a sum.",
            ),
            _iwae_slip(
                lambda log_w: log_w.exp().mean(0).log(),
                "exp(-1000) is 0, and its log is -inf: take out the largest first, as torch.logsumexp does.",
            ),
            _iwae_slip(lambda log_w: -iwae_bound(-log_w, torch.zeros_like(log_w)), TURNED_OVER),
            _iwae_slip(lambda log_w: iwae_bound(-log_w, torch.zeros_like(log_w)), TURNED_OVER),
            Slip(
                lambda log_joint, log_q: iwae_bound(log_joint, -log_q),
                "log_q is added: the weight divides by q, so subtract it.",
            ),
            Slip(
                lambda log_joint, log_q: iwae_bound(log_joint, torch.zeros_like(log_q)),
                "log_q does not enter: z came from q, and the weight has to correct for it.",
            ),
            _iwae_slip(lambda log_w: torch.logsumexp(log_w, 1) - math.log(log_w.shape[1]), OVER_IMAGES),
            _iwae_slip(lambda log_w: torch.logsumexp(log_w, 1) - math.log(len(log_w)), OVER_IMAGES),
            Slip(
                lambda log_joint, log_q: torch.logsumexp(log_joint, 0) - torch.logsumexp(log_q, 0),
                "a ratio of two means is not the mean of the ratios: divide inside, draw by draw.",
            ),
            _iwae_slip(
                lambda log_w: log_w.max(0).values, "that is the largest weight alone: the others count as well."
            ),
        ),
    ),
    "07.3": Exercise(
        _hidden_beta,
        hidden_beta,
        (
            Slip(lambda D, L, sigma: D, "the pixels' mean is in it; the noise and the latents' mean are not."),
            Slip(lambda D, L, sigma: D / L, "both means are in it, but not the noise: squares stand over 2 sigma^2."),
            Slip(lambda D, L, sigma: D / (2 * sigma**2), "the KL is a mean as well: over L latents."),
            Slip(lambda D, L, sigma: D * L / (2 * sigma**2), "a mean over L latents makes the KL smaller, not larger."),
            Slip(lambda D, L, sigma: L / (2 * sigma**2 * D), "the two means are swapped: the pixels' raises beta."),
            Slip(lambda D, L, sigma: 2 * sigma**2 * L / D, "turned over: beta multiplies the KL, not the squares."),
            Slip(lambda D, L, sigma: 2 * sigma**2 * D / L, "2 sigma^2 belongs below: see c / (2 sigma^2) in (7.10)."),
            Slip(lambda D, L, sigma: D / (sigma**2 * L), "the 2 of 2 sigma^2 is missing."),
            Slip(lambda D, L, sigma: D / (2 * sigma * L), "sigma is a standard deviation: the variance is its square."),
            Slip(lambda D, L, sigma: 1 / (2 * sigma**2), "that is for two sums: here both terms are means."),
        ),
    ),
    "07.4": Exercise(
        _score_estimates,
        score_estimates,
        (
            Slip(_by_reparameterising, "that is the reparameterised estimate: it takes the derivative of f."),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * (eps**2 - 1) / s),
                "the second is the gradient by s: by the chain rule times ds/dlogvar = s / 2.",
            ),
            _score_slip(
                lambda f, eps, s: (f * eps, f * 0.5 * (eps**2 - 1)),
                "by mu: (z - mu) / s^2 is eps / s, not eps.",
            ),
            _score_slip(
                lambda f, eps, s: (f * eps / s**2, f * 0.5 * (eps**2 - 1)),
                "by mu: z - mu is s eps, so (z - mu) / s^2 is eps / s.",
            ),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * 0.5 * eps**2),
                "by logvar: the -1 is missing. It comes from the logvar in front of log q.",
            ),
            _score_slip(lambda f, eps, s: (f * eps / s, f * (eps**2 - 1)), "by logvar: a half is missing."),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * 0.5 * (1 - eps**2)),
                "by logvar: the sign. A draw far out (eps^2 > 1) with a large f asks for a larger variance.",
            ),
            _score_slip(
                lambda f, eps, s: (-f * eps / s, -f * 0.5 * (eps**2 - 1)),
                "both signs are turned: that is the gradient of a loss -E f.",
            ),
            _score_slip(lambda f, eps, s: (eps / s, 0.5 * (eps**2 - 1)), "that is the score alone: weigh it by f(z)."),
            _score_slip(
                lambda f, eps, s: (f * 0.5 * (eps**2 - 1), f * eps / s),
                "the two are swapped: first the estimates by mu, then those by logvar.",
            ),
            Slip(
                lambda f, mu, logvar, eps: score_estimates(f, mu, 2 * logvar, eps),
                "s is exp(logvar / 2): exp(logvar) is the variance.",
            ),
            _score_slip(
                lambda f, eps, s: ((f * eps / s).mean(), (f * 0.5 * (eps**2 - 1)).mean()),
                "you return the means: one estimate for each draw is asked for, (n,).",
            ),
            _score_slip(
                lambda f, eps, s: ((f - f.mean()) * eps / s, (f - f.mean()) * 0.5 * (eps**2 - 1)),
                "you subtracted a baseline: a fine idea, but not asked for here.",
            ),
        ),
    ),
}
