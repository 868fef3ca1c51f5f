"""Answers to the exercises of lesson 07 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
from torch.distributions import Normal, kl_divergence


def kl_by_torch(mu_q, logvar_q, mu_p, logvar_p):
    return kl_divergence(Normal(mu_q, (logvar_q / 2).exp()), Normal(mu_p, (logvar_p / 2).exp())).sum(-1)


def kl_by_textbook(mu_q, logvar_q, mu_p, logvar_p):
    ratio = (mu_q - mu_p) ** 2 / logvar_p.exp()
    return (logvar_p - logvar_q + logvar_q.exp() / logvar_p.exp() + ratio - 1).sum(dim=1) / 2


def kl_by_loop(mu_q, logvar_q, mu_p, logvar_p):
    mu_q, logvar_q, mu_p, logvar_p = (t.numpy() for t in (mu_q, logvar_q, mu_p, logvar_p))
    total = np.zeros(len(mu_q))
    for k in range(mu_q.shape[1]):
        var_q, var_p = np.exp(logvar_q[:, k]), np.exp(logvar_p[:, k])
        total += np.log(np.sqrt(var_p / var_q)) + (var_q + (mu_q[:, k] - mu_p[:, k]) ** 2) / (2 * var_p) - 0.5
    return total


def kl_with(mean_part, constant=1.0, sign=-1.0):
    """Return an answer with another treatment of the means, of the constant, or of the log variances' sign."""

    def answer(mu_q, logvar_q, mu_p, logvar_p):
        ratio = logvar_q - logvar_p
        return 0.5 * (mean_part(mu_q - mu_p, logvar_q, logvar_p) + ratio.exp() - constant + sign * ratio).sum(1)

    return answer


def in_units_of_p(difference, logvar_q, logvar_p):
    return difference**2 / logvar_p.exp()


def bound_by_largest(log_joint, log_q):
    log_w = log_joint - log_q
    largest = log_w.max(dim=0).values
    return largest + (log_w - largest).exp().mean(dim=0).log()


def bound_by_numpy(log_joint, log_q):
    log_w = log_joint.numpy() - log_q.numpy()
    return np.logaddexp.reduce(log_w, axis=0) - np.log(log_w.shape[0])


def bound_by_softmax(log_joint, log_q):
    # logsumexp(a) = a_1 - log softmax(a)_1
    log_w = log_joint - log_q
    return log_w[0] - torch.log_softmax(log_w, 0)[0] - math.log(log_w.size(0))


def beta_by_scaling(D, L, sigma):
    squares, kl = 1 / D, 1 / L  # what each sum is multiplied by
    return kl / squares / (2 * sigma**2)


def beta_by_experiment(D, L, sigma):
    # two losses with the same minimum have gradients in proportion
    x_hat, kl = torch.zeros(3, D).double().requires_grad_(), torch.ones(3, L).double().requires_grad_()
    x = torch.ones(3, D).double()
    found = torch.autograd.grad(torch.nn.functional.mse_loss(x_hat, x) + kl.mean(), (x_hat, kl))
    honest = torch.autograd.grad(((x - x_hat) ** 2).sum(1).mean() / (2 * sigma**2) + kl.sum(1).mean(), (x_hat, kl))
    return (found[1] / honest[1]).mean() / (found[0] / honest[0]).mean()


def score_by_formula(f, mu, logvar, eps):
    s = torch.sqrt(torch.exp(logvar))
    z = mu + s * eps
    return f(z) * (z - mu) / s**2, f(z) * ((z - mu) ** 2 / s**2 - 1) / 2


def score_by_autograd(f, mu, logvar, eps):
    z = mu + torch.exp(logvar / 2) * eps
    found = []
    for one in z:
        theta = torch.stack([mu, logvar]).requires_grad_()
        log_q = Normal(theta[0], (theta[1] / 2).exp()).log_prob(one)
        found.append(f(one) * torch.autograd.grad(log_q, theta)[0])
    return torch.stack(found).unbind(1)


def score_by_numpy(f, mu, logvar, eps):
    z = mu + torch.exp(logvar / 2) * eps
    value, noise = f(z).numpy(), eps.numpy()
    return value * noise / np.exp(logvar.item() / 2), value * (noise**2 - 1) / 2


def reparameterised(f, mu, logvar, eps):
    z = (mu + torch.exp(logvar / 2) * eps).requires_grad_()
    (slope,) = torch.autograd.grad(f(z).sum(), z)
    return slope, slope * eps * torch.exp(logvar / 2) / 2


def score_with(by_mu, by_logvar):
    """Return an answer that weighs its own two scores, functions of eps and s, with f(z)."""

    def answer(f, mu, logvar, eps):
        s = torch.exp(logvar / 2)
        value = f(mu + s * eps)
        return value * by_mu(eps, s), value * by_logvar(eps, s)

    return answer


def right_mu(eps, s):
    return eps / s


def right_logvar(eps, s):
    return (eps * eps - 1) / 2


def without_f(f, mu, logvar, eps):
    return score_by_formula(torch.ones_like, mu, logvar, eps)


def averaged(f, mu, logvar, eps):
    return tuple(estimate.mean() for estimate in score_by_formula(f, mu, logvar, eps))


def with_baseline(f, mu, logvar, eps):
    average = f(mu + torch.exp(logvar / 2) * eps).mean()
    return score_by_formula(lambda z: f(z) - average, mu, logvar, eps)


ANSWERS = {
    "07.1": {
        "right": [kl_by_torch, kl_by_textbook, kl_by_loop],
        "wrong": [
            (lambda mu_q, a, mu_p, b: kl_by_torch(mu_p, b, mu_q, a), "swapped"),
            (lambda mu_q, a, mu_p, b: kl_by_loop(mu_q, a, 0 * mu_p, 0 * b), "p does not enter"),
            (
                lambda mu_q, a, mu_p, b: kl_divergence(Normal(mu_q, a.exp()), Normal(mu_p, b.exp())).sum(1),
                "log of the variance",
            ),
            (kl_with(lambda m, a, b: m * m), "divide its square by p's variance"),
            (kl_with(lambda m, a, b: m * m / a.exp()), "not of q"),
            (kl_with(lambda m, a, b: m * m / (b / 2).exp()), "not by its standard deviation"),
            (kl_with(in_units_of_p, constant=0.0), "-1 is missing"),
            (kl_with(in_units_of_p, sign=1.0), "sign of the log variances"),
            (lambda *given: kl_by_textbook(*given) / 3, "independent dimensions add"),
            (lambda *given: kl_by_torch(*given).sum(), "sum over dimensions only"),
            (lambda *given: -kl_by_torch(*given), "-1 times"),
        ],
    },
    "07.2": {
        "right": [bound_by_largest, bound_by_numpy, bound_by_softmax],
        "wrong": [
            (lambda p, q: torch.mean(p - q, dim=0), "a mean of logs is the ELBO"),
            (lambda p, q: torch.logsumexp(p - q, dim=0), "divide by K"),
            (lambda p, q: torch.logsumexp(p - q, dim=0) / len(p), "inside the log"),
            (lambda p, q: bound_by_numpy(p, q) + 2 * np.log(len(p)), "sign of log K"),
            (lambda p, q: torch.log(torch.mean(torch.exp(p) / torch.exp(q), dim=0)), "exp(-1000) is 0"),
            (lambda p, q: bound_by_largest(q, p), "turned over"),
            (lambda p, q: -bound_by_largest(q, p), "turned over"),
            (lambda p, q: bound_by_softmax(p + q, 0 * q), "log_q is added"),
            (lambda p, q: bound_by_largest(p, 0 * p), "log_q does not enter"),
            (lambda p, q: bound_by_largest(p.T, q.T), "over the images"),
            (lambda p, q: (p - q).logsumexp(-1) - np.log(p.shape[0]), "over the images"),
            (lambda p, q: bound_by_softmax(p, 0 * p) - bound_by_softmax(q, 0 * q), "ratio of two means"),
            (lambda p, q: torch.amax(p - q, 0), "largest weight alone"),
        ],
    },
    "07.3": {
        "right": [beta_by_scaling, beta_by_experiment, lambda D, L, sigma: 0.5 * D / L * sigma**-2],
        "wrong": [
            (lambda D, L, sigma: float(D), "the noise and the latents' mean are not"),
            (lambda D, L, sigma: D / L, "not the noise"),
            (lambda D, L, sigma: beta_by_scaling(D, 1, sigma), "over L latents"),
            (lambda D, L, sigma: beta_by_scaling(D, 1 / L, sigma), "smaller, not larger"),
            (lambda D, L, sigma: beta_by_scaling(L, D, sigma), "the two means are swapped"),
            (lambda D, L, sigma: 1 / beta_by_scaling(D, L, sigma), "turned over"),
            (lambda D, L, sigma: D / L * 2 * sigma**2, "belongs below"),
            (lambda D, L, sigma: 2 * beta_by_scaling(D, L, sigma), "the 2 of"),
            (lambda D, L, sigma: D / L / 2 / sigma, "the variance is its square"),
            (lambda D, L, sigma: beta_by_scaling(1, 1, sigma), "both terms are means"),
        ],
    },
    "07.4": {
        "right": [score_by_formula, score_by_autograd, score_by_numpy],
        "wrong": [
            (reparameterised, "derivative of f"),
            (score_with(right_mu, lambda eps, s: (eps**2 - 1) / s), "chain rule"),
            (score_with(lambda eps, s: eps, right_logvar), "not eps"),
            (score_with(lambda eps, s: eps / s**2, right_logvar), "z - mu is s eps"),
            (score_with(right_mu, lambda eps, s: eps**2 / 2), "-1 is missing"),
            (score_with(right_mu, lambda eps, s: eps**2 - 1), "a half is missing"),
            (score_with(right_mu, lambda eps, s: 0.5 - eps**2 / 2), "the sign"),
            (lambda *given: tuple(-part for part in score_by_formula(*given)), "both signs"),
            (without_f, "score alone"),
            (lambda *given: score_by_formula(*given)[::-1], "first the estimates by mu"),
            (lambda f, mu, logvar, eps: score_by_formula(f, mu, logvar + logvar, eps), "is the variance"),
            (averaged, "one estimate for each draw"),
            (with_baseline, "baseline"),
        ],
    },
}
