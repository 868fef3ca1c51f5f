"""Answers to the exercises of lesson 07c as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
from torch.distributions import Normal


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
    "07c.1": {
        "right": [bound_by_largest, bound_by_numpy, bound_by_softmax],
        "wrong": [
            (lambda p, q: torch.mean(p - q, dim=0), "a mean of logs is the ELBO"),
            (lambda p, q: torch.mean(p / q, dim=0), "You divided the logs"),
            (lambda p, q: torch.logsumexp(p, 0) / torch.logsumexp(q, 0), "summed p and q apart"),
            (lambda p, q: torch.logsumexp(p - q, dim=0), "divide by K"),
            (lambda p, q: torch.logsumexp(p - q, dim=0) / len(p), "inside the log"),
            (lambda p, q: bound_by_numpy(p, q) + 2 * np.log(len(p)), "sign of log K"),
            (lambda p, q: torch.log(torch.mean(torch.exp(p) / torch.exp(q), dim=0)), "exp(-1000) is 0"),
            (lambda p, q: bound_by_largest(q, p), "turned the weights over"),
            (lambda p, q: -bound_by_largest(q, p), "turned the weights over"),
            (lambda p, q: bound_by_softmax(p + q, 0 * q), "log_q is added"),
            (lambda p, q: bound_by_largest(p, 0 * p), "log_q does not enter"),
            (lambda p, q: bound_by_largest(p.T, q.T), "averaged over the images"),
            (lambda p, q: (p - q).logsumexp(-1) - np.log(p.shape[0]), "averaged over the images"),
            (lambda p, q: bound_by_softmax(p, 0 * p) - bound_by_softmax(q, 0 * q), "ratio of two means"),
            (lambda p, q: torch.amax(p - q, 0), "largest weight alone"),
            (lambda p, q: torch.logsumexp(p / q, dim=0) - np.log(len(p)), "divided the logs"),
            (lambda p, q: bound_by_largest(p, q).mean(), "averaged over the batch"),
        ],
    },
    "07c.2": {
        "right": [score_by_formula, score_by_autograd, score_by_numpy],
        "wrong": [
            (reparameterised, "derivative of f"),
            (score_with(right_mu, lambda eps, s: (eps**2 - 1) / s), "chain rule"),
            (score_with(lambda eps, s: eps, right_logvar), "not eps"),
            (score_with(lambda eps, s: eps / s**2, right_logvar), "z - mu is s eps"),
            (score_with(right_mu, lambda eps, s: eps**2 / 2), "-1 is missing"),
            (score_with(right_mu, lambda eps, s: eps**2 - 1), "a half is missing"),
            (score_with(right_mu, lambda eps, s: 0.5 - eps**2 / 2), "turned the sign"),
            (lambda *given: tuple(-part for part in score_by_formula(*given)), "both signs"),
            (without_f, "score alone"),
            (lambda *given: score_by_formula(*given)[::-1], "first the estimates by mu"),
            (lambda f, mu, logvar, eps: score_by_formula(f, mu, logvar + logvar, eps), "is the variance"),
            (averaged, "one estimate for each draw"),
            (with_baseline, "baseline"),
            (lambda *given: score_by_formula(*given)[0], "returned one tensor"),
            (score_with(right_mu, lambda eps, s: (eps**2 - 1) / (2 * s**2)), "by s^2"),
        ],
    },
}
