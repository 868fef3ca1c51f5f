"""Answers to the exercises of lesson 13b as different people would write them, right and wrong; see test_check.py."""

import torch
import torch.nn.functional as F


def by_torch(x, gamma, beta):
    return F.instance_norm(x, eps=0.0) * gamma[..., None, None] + beta[..., None, None]


def by_flat(x, gamma, beta):
    flat = x.flatten(2)
    rest = flat - flat.mean(-1, keepdim=True)
    flat = rest / rest.square().mean(-1, keepdim=True).sqrt()
    return (flat * gamma.unsqueeze(-1) + beta.unsqueeze(-1)).reshape(x.shape)


def by_loop(x, gamma, beta):
    y = torch.empty_like(x)
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            one = x[b, c]
            y[b, c] = gamma[b, c] * (one - one.mean()) / one.var(correction=0).sqrt() + beta[b, c]
    return y


def over(x, gamma, beta, dims):
    m, s = x.mean(dims, keepdim=True), x.var(dims, keepdim=True, correction=0).sqrt()
    return (x - m) / s * gamma[..., None, None] + beta[..., None, None]


def plain(x, correction=0):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), correction=correction, keepdim=True)


def multiplied(x):
    return (x - x.mean((2, 3), keepdim=True)) * x.var((2, 3), correction=0, keepdim=True).sqrt()


def by_hand(gammas, betas, weights):
    total = sum(weights)
    gamma = sum(w / total * g for w, g in zip(weights, gammas, strict=True))
    beta = sum(w / total * b for w, b in zip(weights, betas, strict=True))
    return beta, gamma * gamma


def by_einsum(gammas, betas, weights):
    p = weights / weights.sum()
    return [torch.einsum("s,sc->c", p, betas), torch.einsum("s,sc->c", p, gammas).square()]


def moments(gammas, betas, w):
    return (w[:, None] * betas).sum(0), (w[:, None] * gammas).sum(0) ** 2


def part(weights):
    return weights / weights.sum()


ANSWERS = {
    "13b.1": {
        "right": [by_torch, by_flat, by_loop],
        "wrong": [
            (lambda x, g, b: over(x, g, b, (0, 2, 3)), "batch normalisation"),
            (lambda x, g, b: over(x, g, b, (3,)), "each row by itself"),
            (lambda x, g, b: over(x, g, b, (2,)), "each column by itself"),
            (
                lambda x, g, b: torch.nn.functional.instance_norm(x) * g[..., None, None] + b[..., None, None],
                "(eps)",
            ),
            (lambda x, g, b: over(x, g, b, (1, 2, 3)), "all channels of a picture together"),
            (lambda x, g, b: over(x, g, b, (0, 1, 2, 3)), "everything at once"),
            (lambda x, g, b: over(x, g, b, (1,)), "each position over its channels"),
            (
                lambda x, g, b: (
                    plain(x) / x.std((2, 3), correction=0, keepdim=True) * g[..., None, None] + b[..., None, None]
                ),
                "divided by the variance",
            ),
            (lambda x, g, b: plain(x, 1) * g[..., None, None] + b[..., None, None], "P - 1"),
            (
                lambda x, g, b: (x - x.mean((2, 3), keepdim=True)) * g[..., None, None] + b[..., None, None],
                "did not divide by the standard",
            ),
            (
                lambda x, g, b: x / x.std((2, 3), correction=0, keepdim=True) * g[..., None, None] + b[..., None, None],
                "did not subtract",
            ),
            (lambda x, g, b: multiplied(x) * g[..., None, None] + b[..., None, None], "You multiplied by the standard"),
            (
                lambda x, g, b: (
                    (x - x.mean((2, 3), keepdim=True)) / (x**2).mean((2, 3), keepdim=True).sqrt() * g[..., None, None]
                    + b[..., None, None]
                ),
                "the mean of x^2",
            ),
            (
                lambda x, g, b: (
                    (x / x.std((2, 3), correction=0, keepdim=True) - x.mean((2, 3), keepdim=True)) * g[..., None, None]
                    + b[..., None, None]
                ),
                "divided x alone",
            ),
            (
                lambda x, g, b: (
                    (x - x.mean((2, 3), keepdim=True) / x.std((2, 3), correction=0, keepdim=True)) * g[..., None, None]
                    + b[..., None, None]
                ),
                "divided the mean alone",
            ),
            (lambda x, g, b: plain(x) + b[..., None, None], "You left gamma out"),
            (lambda x, g, b: plain(x) * g[..., None, None], "You left beta out"),
            (lambda x, g, b: plain(x), "gamma and beta out"),
            (lambda x, g, b: by_loop(x, b, g), "exchanged gamma and beta"),
            (lambda x, g, b: (plain(x) + b[..., None, None]) * g[..., None, None], "Multiply first"),
            (lambda x, g, b: by_flat(x, g[0].expand_as(g), b[0].expand_as(b)), "one row for each picture"),
        ],
    },
    "13b.2": {
        "right": [by_hand, by_einsum],
        "wrong": [
            (lambda gs, bs, w: (w.softmax(0) @ bs, (w.softmax(0) @ gs) ** 2), "softmax of the weights"),
            (lambda gs, bs, w: (bs[w.argmax()], gs[w.argmax()] ** 2), "largest weight alone"),
            (lambda gs, bs, w: (torch.zeros_like(bs[0]), (w @ gs / w.sum()) ** 2), "before beta is added"),
            (lambda gs, bs, w: (w @ bs * (w @ gs) / w.sum() ** 2, (w @ gs / w.sum()) ** 2), "multiplied beta by gamma"),
            (moments, "did not divide the weights"),
            (lambda g, b, w: moments(g, b, w / w.numel()), "by their number"),
            (lambda g, b, w: moments(g, b, w / max(w)), "by the largest of them"),
            (
                lambda g, b, w: ((part(w)[:, None] * b).mean(0), (part(w)[:, None] * g).mean(0) ** 2),
                "and then took their mean",
            ),
            (lambda g, b, w: (part(w) @ b, (part(w) @ g.abs()) ** 2), "mixed |gamma|"),
            (lambda g, b, w: moments(g, b, F.normalize(w, dim=0)), "by their length"),
            (lambda g, b, w: (part(w)[:, None] * b, (part(w)[:, None] * g) ** 2), "a row for each style"),
            (lambda g, b, w: moments(g, b, torch.ones_like(w) / len(w)), "all styles alike"),
            (lambda g, b, w: (part(w) @ b, part(w) @ g.square()), "mixed the squares"),
            (lambda g, b, w: (part(w) @ b, part(w) @ g), "returned the mixed gamma"),
            (lambda g, b, w: (part(w) @ b, (part(w) @ g).abs()), "the standard deviation, |gamma|"),
            (
                lambda g, b, w: (part(w) @ b, part(w) @ g**2 + part(w) @ (b - part(w) @ b) ** 2),
                "between the styles' betas",
            ),
            (lambda g, b, w: (part(w) @ b, part(w) ** 2 @ g**2), "squared the weights"),
            (lambda g, b, w: by_hand(g, b, w)[::-1], "wrong order"),
            (lambda g, b, w: by_hand(g, b, w)[0], "means alone"),
            (lambda g, b, w: by_hand(g, b, w)[1], "variances alone"),
            (lambda g, b, w: (part(w) @ b + part(w) @ g, (part(w) @ g) ** 2), "mixed gamma into the mean"),
        ],
    },
}
