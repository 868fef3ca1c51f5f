"""Answers to the exercises of lesson 07 as different people would write them, right and wrong; see test_check.py."""

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
            (
                lambda m, a, n, b: kl_with(in_units_of_p)(m, a, n, b) + (a.exp() - (a - b).exp()).sum(1) / 2,
                "of p's, so",
            ),
            (
                lambda m, a, n, b: kl_by_torch((m - n) / (b / 2).exp(), a / b, 0 * n, 0 * b),
                "You divided one log variance by the other",
            ),
            (
                lambda m, a, n, b: ((m - n) ** 2 / b.exp() + a.exp().sqrt() / b.exp().sqrt() - 1 - a + b).sum(1) / 2,
                "You took the ratio of the standard deviations",
            ),
            (
                lambda m, a, n, b: ((m - n) ** 2 / b.exp() + a.exp() - b.exp() - a + b).sum(1) / 2,
                "You subtracted the variances",
            ),
            (kl_with(lambda m, a, b: m / b.exp()), "did not square"),
            (lambda *given: 2 * kl_by_textbook(*given), "the factor 1/2 out"),
            (lambda *given: kl_by_textbook(*given) / 3, "independent dimensions add"),
            (lambda *given: kl_by_torch(*given).sum(), "sum over dimensions only"),
            (lambda *given: -kl_by_torch(*given), "-1 times"),
            (lambda m, a, n, b: kl_divergence(Normal(m, (a / 2).exp()), Normal(n, (b / 2).exp())), "sum over L"),
            (
                lambda m, a, n, b: kl_by_torch(m, a, 0 * n, 0 * b) - kl_by_torch(n, b, 0 * n, 0 * b),
                "difference of two KLs",
            ),
            (lambda m, a, n, b: (b - a + (a.exp() + (m - n) ** 2) / (2 * b.exp()) - 0.5).sum(1), "logvar for log s"),
            (kl_with(lambda m, a, b: (m / b.exp()) ** 2), "before (7.5) squares it"),
            (lambda m, a, n, b: kl_by_torch((m - n) / (b / 2).exp(), a, 0 * n, 0 * b), "but not the width"),
            (lambda m, a, n, b: kl_by_torch((m - n) / (b / 2).exp(), a + b, 0 * n, 0 * b), "subtract logvar_p"),
            (kl_with(lambda m, a, b: m * m / (2 * b.exp())), "means twice"),
            (kl_with(lambda m, a, b: m * m * b.exp()), "by s_p"),
            (
                lambda m, a, n, b: kl_by_torch(m / (a / 2).exp() - n / (b / 2).exp(), a - b, 0 * n, 0 * b),
                "divide both by s_p",
            ),
            (
                lambda m, a, n, b: kl_divergence(Normal(m, (a / 2).exp()), Normal(n, (b / 2).exp())).sum(0),
                "not over the dimensions",
            ),
        ],
    },
    "07.2": {
        "right": [beta_by_scaling, beta_by_experiment, lambda D, L, sigma: 0.5 * D / L * sigma**-2],
        "wrong": [
            (lambda D, L, sigma: float(D), "the noise and the latents' mean are not"),
            (lambda D, L, sigma: D / L, "not the noise"),
            (lambda D, L, sigma: L / D, "turned D / L over"),
            (lambda D, L, sigma: beta_by_scaling(D, 1, sigma), "over L latents"),
            (lambda D, L, sigma: beta_by_scaling(D, 1 / L, sigma), "smaller, not larger"),
            (lambda D, L, sigma: beta_by_scaling(L, D, sigma), "the two means are swapped"),
            (lambda D, L, sigma: 1 / beta_by_scaling(D, L, sigma), "turned over"),
            (lambda D, L, sigma: D / L * 2 * sigma**2, "belongs below"),
            (lambda D, L, sigma: 2 * beta_by_scaling(D, L, sigma), "the 2 of"),
            (lambda D, L, sigma: D / L / 2 / sigma, "the variance is its square"),
            (lambda D, L, sigma: beta_by_scaling(1, 1, sigma), "both terms are means"),
            (lambda D, L, sigma: D / 2 * sigma**2 * L, "sigma^2 and L, perhaps"),
            (lambda D, L, sigma: D / 2 * sigma**2 / L, "as (a / 2) * b"),
            (lambda D, L, sigma: 1, "for the ELBO"),
            (lambda D, L, sigma: 1 / L, "latents' mean only"),
            (lambda D, L, sigma: beta_by_scaling(1, L, sigma), "over D pixels"),
            (lambda D, L, sigma: D / L / 2, "left the noise out"),
            (lambda D, L, sigma: beta_by_scaling(1, 1 / L, sigma), "mean over D pixels is missing"),
            (lambda D, L, sigma: D * L, "And the noise is missing"),
        ],
    },
}
