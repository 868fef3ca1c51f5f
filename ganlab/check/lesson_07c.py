"""The exercises of lesson 07c: the bound of K samples, gradients without a derivative."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab import probability
from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def iwae_bound(log_joint: Tensor, log_q: Tensor) -> Tensor:
    """Return the bound of K samples in nats: log p(x, z_k) and log q(z_k | x), each (K, B), in, (B,) out."""
    return probability.importance_bound(log_joint - log_q)


def _iwae_bound(function: Callable) -> dict[str, Any]:
    draws = torch.randn(2, 7, 4, generator=seeded_generator("07c.1"), dtype=torch.float64)
    log_joint, log_q = 2 * draws[0] - 2, draws[1] - 3
    level = torch.tensor([-1000.0, -2000.0, -900.0, -1500.0], dtype=torch.float64)  # as of images
    return {
        "bound in nats, a small model": function(log_joint.clone(), log_q.clone()),
        "bound in nats, images": function(log_joint + level, log_q.clone()),
    }


TURNED_OVER = "You turned the weights over: w = p(x, z) / q(z | x), so log w = log_joint - log_q."
OVER_IMAGES = "You averaged over the images: average over the K samples, dimension 0."


def _iwae_slip(change: Callable[[Tensor], Tensor], hint: str) -> Slip:
    """Return a slip whose answer is `change(log weights)`."""
    return Slip(lambda log_joint, log_q: change(log_joint - log_q), hint)


def score_estimates(f: Callable, mu: Tensor, logvar: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the score-function estimates of the gradient of E f(z) by mu and by logvar, one each draw: each (n,)."""
    return _scores(f(probability.reparameterise(mu, logvar, eps)), eps, logvar)


def _score_estimates(function: Callable) -> dict[str, Any]:
    eps = torch.randn(6, generator=seeded_generator("07c.2"), dtype=torch.float64)
    mu, logvar = torch.tensor([0.7, -1.3], dtype=torch.float64)
    result = function(_bumpy, mu.clone(), logvar.clone(), eps.clone())
    by_mu, by_logvar = parts(result, "the estimates by mu", "the estimates by logvar")
    return {"estimates by mu": by_mu, "estimates by logvar": by_logvar}


def _bumpy(z: Tensor) -> Tensor:
    return torch.cos(3 * z) + z**2


def _score_slip(change: Callable[[Tensor, Tensor, Tensor], Any], hint: str) -> Slip:
    """Return a slip whose answer is `change(f(z), eps, s)`."""

    def slip(f: Callable, mu: Tensor, logvar: Tensor, eps: Tensor) -> Any:
        return change(f(probability.reparameterise(mu, logvar, eps)), eps, torch.exp(0.5 * logvar))

    return Slip(slip, hint)


def _scores(value: Tensor, eps: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Return the estimates for the values `value` of f, right or wrong."""
    return value * eps * torch.exp(-0.5 * logvar), value * 0.5 * (eps**2 - 1)


def _by_reparameterising(f: Callable, mu: Tensor, logvar: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    s = torch.exp(0.5 * logvar.detach())
    z = (mu.detach() + s * eps).requires_grad_()
    with torch.enable_grad():
        slope = torch.autograd.grad(f(z).sum(), z)[0]
    return slope, slope * eps * s / 2


EXERCISES = {
    "07c.1": Exercise(
        _iwae_bound,
        iwae_bound,
        (
            Slip(
                lambda log_joint, log_q: (log_joint / log_q).mean(0),
                "You divided the logs. The log of a quotient is the difference of the logs: log w = log_joint - log_q. "
                "And the mean stands inside the log.",
            ),
            Slip(
                lambda log_joint, log_q: torch.logsumexp(log_joint, 0) / torch.logsumexp(log_q, 0),
                "You summed p and q apart and divided the logs. Take the weights first, log w = log_joint - log_q for "
                "each sample, then the log of their mean.",
            ),
            _iwae_slip(
                lambda log_w: log_w.mean(0),
                "You averaged the logs: a mean of logs is the ELBO. Here the log stands outside.",
            ),
            _iwae_slip(
                lambda log_w: torch.logsumexp(log_w, 0), "You summed the weights: divide by K, so subtract log K."
            ),
            _iwae_slip(
                lambda log_w: torch.logsumexp(log_w, 0) - math.log(log_w.shape[1]),
                "You subtracted the log of the number of images. You summed over the draws, so subtract log K.",
            ),
            _iwae_slip(
                lambda log_w: torch.logsumexp(log_w, 0) / len(log_w),
                "You divided the log by K: divide the sum inside the log, so subtract log K.",
            ),
            _iwae_slip(
                lambda log_w: torch.logsumexp(log_w, 0) + math.log(len(log_w)),
                "You added log K: the sign of log K is minus, since a mean is smaller than a sum.",
            ),
            _iwae_slip(
                lambda log_w: log_w.exp().mean(0).log(),
                "You exponentiated the log weights as they are: exp(-1000) is 0, and its log is -inf. Take out the "
                "largest first, as torch.logsumexp does.",
            ),
            _iwae_slip(lambda log_w: -iwae_bound(-log_w, torch.zeros_like(log_w)), TURNED_OVER),
            _iwae_slip(lambda log_w: iwae_bound(-log_w, torch.zeros_like(log_w)), TURNED_OVER),
            Slip(
                lambda log_joint, log_q: iwae_bound(log_joint, -log_q),
                "You added: log_q is added, but the weight divides by q, so subtract it.",
            ),
            Slip(
                lambda log_joint, log_q: iwae_bound(log_joint, torch.zeros_like(log_q)),
                "You left log_q out: log_q does not enter. z came from q, and the weight has to correct for it.",
            ),
            _iwae_slip(lambda log_w: torch.logsumexp(log_w, 1) - math.log(log_w.shape[1]), OVER_IMAGES),
            _iwae_slip(lambda log_w: torch.logsumexp(log_w, 1) - math.log(len(log_w)), OVER_IMAGES),
            Slip(
                lambda log_joint, log_q: torch.logsumexp(log_joint, 0) - torch.logsumexp(log_q, 0),
                "You took a ratio of two means: it is not the mean of the ratios. Divide inside, draw by draw.",
            ),
            _iwae_slip(
                lambda log_w: log_w.max(0).values, "You took the largest weight alone: the others count as well."
            ),
            Slip(
                lambda log_joint, log_q: torch.logsumexp(log_joint / log_q, 0) - math.log(len(log_q)),
                "You divided the logs: the log of a quotient is the difference of the logs.",
            ),
            _iwae_slip(
                lambda log_w: (torch.logsumexp(log_w, 0) - math.log(len(log_w))).mean(),
                "You averaged over the batch: one bound for each image is asked for, (B,).",
            ),
        ),
    ),
    "07c.2": Exercise(
        _score_estimates,
        score_estimates,
        (
            Slip(_by_reparameterising, "You gave the reparameterised estimate: it takes the derivative of f."),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * (eps**2 - 1) / s),
                "You gave the gradient by s as the second: by the chain rule multiply it by ds/dlogvar = s / 2.",
            ),
            _score_slip(
                lambda f, eps, s: (f * eps, f * 0.5 * (eps**2 - 1)),
                "You have eps by mu: (z - mu) / s^2 is eps / s, not eps.",
            ),
            _score_slip(
                lambda f, eps, s: (f * eps / s**2, f * 0.5 * (eps**2 - 1)),
                "You divided eps by s^2: z - mu is s eps, so (z - mu) / s^2 is eps / s.",
            ),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * 0.5 * eps**2),
                "You left a term out by logvar: the -1 is missing. It comes from -logvar / 2 in log q.",
            ),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * (eps**2 - 1)), "You left a factor out by logvar: a half is missing."
            ),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * 0.5 * (1 - eps**2)),
                "You turned the sign by logvar: a draw far out (eps^2 > 1) with a large f asks for a larger variance.",
            ),
            _score_slip(
                lambda f, eps, s: (-f * eps / s, -f * 0.5 * (eps**2 - 1)),
                "You turned both signs: that is the gradient of a loss -E f.",
            ),
            _score_slip(
                lambda f, eps, s: (eps / s, 0.5 * (eps**2 - 1)), "You returned the score alone: multiply it by f(z)."
            ),
            _score_slip(
                lambda f, eps, s: (f * 0.5 * (eps**2 - 1), f * eps / s),
                "You swapped the two: first the estimates by mu, then those by logvar.",
            ),
            Slip(
                lambda f, mu, logvar, eps: score_estimates(f, mu, 2 * logvar, eps),
                "You took exp(logvar) for s: exp(logvar) is the variance, and s is exp(logvar / 2).",
            ),
            _score_slip(
                lambda f, eps, s: ((f * eps / s).mean(), (f * 0.5 * (eps**2 - 1)).mean()),
                "You return the means: one estimate for each draw is asked for, (n,).",
            ),
            _score_slip(
                lambda f, eps, s: ((f - f.mean()) * eps / s, (f - f.mean()) * 0.5 * (eps**2 - 1)),
                "You subtracted a baseline: a fine idea, but not asked for here.",
            ),
            Slip(
                lambda f, mu, logvar, eps: _scores(f(eps), eps, logvar),
                "You put eps into f: f takes the draw z = mu + s eps.",
            ),
            Slip(
                lambda f, mu, logvar, eps: _scores(f(mu + eps), eps, logvar),
                "You drew z = mu + eps: eps has to be multiplied by s first.",
            ),
            Slip(
                lambda f, mu, logvar, eps: _scores(f(mu), eps, logvar),
                "You put mu into f: f takes the draw z = mu + s eps, another one for each eps.",
            ),
            _score_slip(lambda f, eps, s: f * eps / s, "You returned one tensor: return two, by mu and by logvar."),
            _score_slip(
                lambda f, eps, s: (f * eps / s, f * 0.5 * (eps**2 - 1) / s**2),
                "You differentiated by s^2: by logvar = log s^2 it is s^2 times that.",
            ),
        ),
    ),
}
