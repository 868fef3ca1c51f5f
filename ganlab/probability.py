"""Closed forms and quadrature: densities, divergences, the optimal discriminator. No parameters, no randomness."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_log_density(x: Tensor, mu: Tensor | float, sigma: Tensor | float) -> Tensor:
    """Return log N(x; mu, sigma^2) in nats, element by element (shapes broadcast); `sigma` is a standard deviation."""
    # dtype at once: as_tensor alone would round a Python number to float32 first
    mu, sigma = (torch.as_tensor(value, dtype=x.dtype, device=x.device) for value in (mu, sigma))
    return -0.5 * ((x - mu) / sigma) ** 2 - torch.log(sigma) - 0.5 * math.log(2 * math.pi)


def bernoulli_log_density(x: Tensor, logits: Tensor) -> Tensor:
    """Return log Bernoulli(x; sigmoid(logits)) in nats, element by element; `x` lies in [0, 1].

    x log s(l) + (1 - x) log(1 - s(l)) = x l - softplus(l), which stays finite for any logit.
    """
    return x * logits - F.softplus(logits)


def integrate(f: Tensor, x: Tensor) -> Tensor:
    """Return the integral of `f` over the grid `x` (last dimension) by the trapezoid rule."""
    return torch.trapezoid(f, x, dim=-1)


def kl_divergence(log_p: Tensor, log_q: Tensor, x: Tensor) -> Tensor:
    """Return KL(p || q) in nats by quadrature, from log densities on the grid `x` (last dimension).

    Where p is zero (log p = -inf) the integrand is zero, whatever q is.
    """
    p = log_p.exp()
    return integrate(torch.where(p > 0, p * (log_p - log_q), 0.0), x)


def js_divergence(log_p: Tensor, log_q: Tensor, x: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence JSD(p, q) in nats by quadrature: 0 for equal densities, log 2 at most.

    JSD(p, q) = KL(p || m)/2 + KL(q || m)/2 with m = (p + q)/2 (Lin 1991).
    """
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return 0.5 * kl_divergence(log_p, log_m, x) + 0.5 * kl_divergence(log_q, log_m, x)


def optimal_logits(log_p_data: Tensor, log_p_g: Tensor) -> Tensor:
    """Return the logits of the optimal discriminator, log p_data - log p_g; D* is their sigmoid.

    D*(x) = p_data(x) / (p_data(x) + p_g(x)) (Goodfellow et al. 2014, proposition 1).
    """
    return log_p_data - log_p_g
