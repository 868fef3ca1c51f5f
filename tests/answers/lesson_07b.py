"""Answers to the exercises of lesson 07b as different people would write them, right and wrong; see test_check.py."""

import math

import torch


def by_matrix(x, w, sigma):
    inverse = torch.linalg.inv(torch.eye(1).double() + w[None] @ w[:, None] / sigma**2)
    return (inverse @ w[None] @ x / sigma**2)[0], inverse[0, 0]


def by_textbook(x, w, sigma):
    m = (w * w).sum() + sigma**2
    return (w * x).sum() / m, sigma**2 / m


def with_precision(x, w, sigma, prior=1.0, noise=None):
    noise = sigma**2 if noise is None else noise
    precision = prior + (w * w).sum() / noise
    return (w * x).sum() / noise / precision, 1 / precision


def by_entries(x, w, sigma):
    precision = 1 + w**2 / sigma**2
    return w * x / sigma**2 / precision, 1 / precision


def by_outer(x, w, sigma):
    precision = torch.eye(len(w)).double() + torch.outer(w, w) / sigma**2
    return torch.linalg.inv(precision) @ w, torch.linalg.inv(precision)


def by_clamp(eigenvalues, beta, sigma):
    kl = 0.5 * (eigenvalues / (beta * sigma**2)).log().clamp(min=0)
    return (kl > 0).sum(), kl.sum()


def by_loop(eigenvalues, beta, sigma):
    used, kl = 0, 0.0
    for value in eigenvalues.tolist():
        if value > beta * sigma**2:
            used += 1
            kl += 0.5 * math.log(value / (beta * sigma**2))
    return used, kl


ANSWERS = {
    "07b.1": {
        "right": [by_matrix, by_textbook],
        "wrong": [
            (lambda x, w, sigma: with_precision(x, w, sigma, prior=0.0), "left the prior out"),
            (lambda x, w, sigma: with_precision(x, w, sigma, noise=sigma), "variance is sigma squared"),
            (
                lambda x, w, sigma: (by_textbook(x, w, sigma)[0], 1 / by_textbook(x, w, sigma)[1]),
                "returned the precision",
            ),
            (lambda x, w, sigma: (by_matrix(x, w, sigma)[0], by_matrix(x, w, sigma)[1].sqrt()), "standard deviation"),
            (lambda x, w, sigma: (w @ x / sigma**2, by_textbook(x, w, sigma)[1]), "divided by the precision"),
            (lambda x, w, sigma: with_precision(x, w, sigma, noise=1.0), "sigma does not enter"),
            (lambda x, w, sigma: by_textbook(x, w, sigma)[::-1], "swapped"),
            (lambda x, w, sigma: ((w * x).sum() / (w * w).sum(), sigma**2 / (w * w).sum()), "left the prior out"),
            (by_entries, "W^T W is one number"),
            (lambda x, w, sigma: (w * x / (w @ w + sigma**2), sigma**2 / (w @ w + sigma**2)), "W^T x is one number"),
            (by_outer, "a D x D matrix"),
            (
                lambda x, w, s: (w @ x / s**2 / (1 + w.norm() / s**2), 1 / (1 + w.norm() / s**2)),
                "You took the length of w",
            ),
            (lambda x, w, s: (w @ x / (1 + w @ w / s**2), by_textbook(x, w, s)[1]), "out of the mean: (7b.1)"),
            (lambda x, w, s: (w @ x / (w @ w), by_textbook(x, w, s)[1]), "the prior out of the mean"),
            (lambda x, w, s: (w @ x / s**2 / by_textbook(x, w, s)[1], by_textbook(x, w, s)[1]), "by the precision's"),
        ],
    },
    "07b.2": {
        "right": [by_clamp, by_loop],
        "wrong": [
            (lambda e, b, s: (by_loop(e, b, s)[0], 0.5 * (e / (b * s**2)).log().sum()), "over all directions"),
            (lambda e, b, s: by_clamp(e, b, s**0.5), "sigma squared"),
            (lambda e, b, s: by_loop(e, 1, s), "beta does not enter"),
            (lambda e, b, s: by_loop(e, 1 / b, s), "multiply it"),
            (lambda e, b, s: (e.numel(), by_clamp(e, b, s)[1]), "you counted every direction"),
            (lambda e, b, s: ((e > b * s**2).sum(), 0.5 * (e - b * s**2).log().nansum()), "You subtracted beta"),
            (lambda e, b, s: by_loop(e, b, 1), "sigma does not enter"),
            (lambda e, b, s: (by_clamp(e, b, s)[0], 2 * by_clamp(e, b, s)[1]), "a half is missing"),
            (lambda e, b, s: (by_clamp(e, b, s)[0], -by_clamp(e, b, s)[1]), "never negative"),
            (lambda e, b, s: by_clamp(e, 1.0, s), "beta does not enter"),
            (lambda e, b, s: (by_loop(e, b, s)[0], b * by_loop(e, b, s)[1]), "what the loss charges"),
            (lambda e, b, s: (by_loop(e, b, s)[0], by_loop(e, b, s)[1] / max(1, by_loop(e, b, s)[0])), "KLs add"),
            (lambda e, b, s: (by_loop(e, b, s)[0], 0.5 * (e[e > b * s**2] / s**2).log().sum()), "out of the log"),
            (lambda e, b, s: (by_loop(e, b, s)[0], by_loop(e, b, s)[1] / math.log(2)), "returned bits"),
            (lambda e, b, s: (e > b * s**2, by_loop(e, b, s)[1]), "how many there are"),
            (
                lambda e, b, s: ((e > b * s**2).sum(), 0.5 * (e / (b * s**2)).log().clamp(min=0).mean()),
                "mean over all L directions",
            ),
            (
                lambda e, b, s: (by_loop(e, 1, s)[0], by_loop(e, 1, s)[1] - by_loop(e, 1, s)[0] * math.log(b) / 2),
                "with sigma^2 alone",
            ),
            (
                lambda e, b, s: (by_loop(e, b, s)[0], 0.5 * torch.log(e[e > b * s**2] / (b * s**2) - 1).sum()),
                "the eigenvalue less the noise",
            ),
            (
                lambda e, b, s: (by_loop(e, b, s)[0], 0.5 * torch.log(e[e > b * s**2] / (b * s**2) + 1).sum()),
                "added 1 inside",
            ),
        ],
    },
}
