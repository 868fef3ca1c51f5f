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


def discretized_logistic_log_density(x: Tensor, mean: Tensor, log_scale: Tensor | float) -> Tensor:
    """Return the log probability, in nats, of each value of `x` under a logistic density cut into 256 bins.

    `x` holds multiples of 1 / 255 in [0, 1], as pixels / 255 do; the outermost bins reach to infinity, so the
    probabilities of all levels add up to 1 (Salimans et al. 2017). With s the scale, a and b the standardised upper and
    lower edge: sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^-(a - b)), which no rounding turns into log 0.
    """
    log_scale = torch.as_tensor(log_scale, dtype=x.dtype, device=x.device)
    half = 0.5 / 255
    upper, lower = ((x + side - mean) * torch.exp(-log_scale) for side in (half, -half))
    width = torch.log(-torch.expm1(-2 * half * torch.exp(-log_scale)))  # log(1 - e^-(a - b)), the same in every bin
    inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + width
    lowest = x < half
    highest = x > 1 - half
    return torch.where(lowest, F.logsigmoid(upper), torch.where(highest, F.logsigmoid(-lower), inside))


def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """Return z = mu + sigma * eps: N(mu, sigma^2) for standard normal `eps`, with gradients by mu and logvar."""
    return mu + torch.exp(0.5 * logvar) * eps


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mu, sigma^2) || N(0, 1)) in nats, element by element; the sum over dimensions is the VAE's KL.

    (mu^2 + sigma^2 - 1 - log sigma^2) / 2 (Kingma and Welling 2014, appendix B), with logvar = log sigma^2.
    """
    return 0.5 * (mu**2 + torch.expm1(logvar) - logvar)


def elbo(log_p_x_given_z: Tensor, kl: Tensor, beta: float = 1.0) -> Tensor:
    """Return the evidence lower bound log p(x | z) - beta KL(q(z | x) || p(z)) in nats, per sample."""
    return log_p_x_given_z - beta * kl


def importance_bound(log_weights: Tensor) -> Tensor:
    """Return log((w_1 + ... + w_K) / K) in nats from log weights (K, B), log p(x, z_k) - log q(z_k | x): shape (B,).

    Its mean is a lower bound of log p(x): for K = 1 the ELBO, tighter for each further sample (Burda et al. 2016).
    """
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))


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
