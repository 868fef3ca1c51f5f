"""Answers to the exercises of lesson 08c as different people would write them, right and wrong; see test_check.py."""

import math

import torch
from torch.distributions import Normal, kl_divergence


def point_by_torch(vae, x, eps):
    mu, logvar = vae.encode(x)
    q = Normal(mu, (0.5 * logvar).exp())
    kl = kl_divergence(q, Normal(0.0, 1.0))
    return kl.sum(-1).mean().item(), -vae.log_p_x_given_z(x, q.mean + q.stddev * eps).mean().item()


def point_with(s=lambda logvar: torch.exp(0.5 * logvar), rate=lambda kl: kl.sum() / len(kl), distortion=torch.mean):
    """Return an answer with another s, or other sums over the KL (B, L) and over log p (B,)."""

    def answer(vae, x, eps):
        mu, logvar = vae.encode(x)
        kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp())
        return rate(kl), -distortion(vae.log_p_x_given_z(x, mu + s(logvar) * eps))

    return answer


def point_with_plus(vae, x, eps):
    mu, logvar = vae.encode(x)
    return ((mu**2 + logvar.exp() - 1 + logvar) / 2).sum(1).mean(), point_by_torch(vae, x, eps)[1]


def point_of_noise(vae, x, eps):
    return point_by_torch(vae, x, eps)[0], -vae.log_p_x_given_z(x, eps).mean()


def level_by_search(variances, rate, cost=lambda ratio: 0.5 * torch.log(ratio.clamp(min=1)).sum()):
    levels = torch.logspace(-30, 3, 200, dtype=variances.dtype)
    for _ in range(8):  # ever finer grids
        costs = torch.stack([cost(variances / level) for level in levels])
        k = int((costs > rate).sum().clamp(1, len(levels) - 1))
        levels = torch.logspace(levels[k - 1].log10(), levels[k].log10(), 200, dtype=variances.dtype)
    return levels[100]


def level_in_closed_form(variances, rate):
    logs = torch.sort(variances, descending=True).values.log()
    for used in range(1, len(logs) + 1):
        log_level = (logs[:used].sum() - 2 * rate) / used
        if used == len(logs) or logs[used] <= log_level:
            return log_level.exp().item()
    return None


def level_from_the_smallest(variances, rate):
    low, high = variances.min().item(), variances.max().item()
    for _ in range(100):
        middle = (low + high) / 2
        cost = 0.5 * torch.log((variances / middle).clamp(min=1)).sum()
        low, high = (middle, high) if cost > rate else (low, middle)
    return middle


def level_the_wrong_way(variances, rate):
    low, high = 1e-9, variances.max().item()
    for _ in range(100):
        middle = math.sqrt(low * high)
        cost = 0.5 * torch.log((variances / middle).clamp(min=1)).sum()
        low, high = (middle, high) if cost < rate else (low, middle)
    return low


def level_unsorted(v, rate):
    for used in range(1, len(v) + 1):
        level = torch.exp((v[:used].log().sum() - 2 * rate) / used)
        if used == len(v) or level >= v[used]:
            return level
    return None


def level_of_all(variances, rate):
    return torch.exp((variances.log().sum() - 2 * rate) / len(variances))


ANSWERS = {
    "08c.1": {
        "right": [point_by_torch, point_with()],
        "wrong": [
            (point_with(rate=torch.mean), "Latents add"),
            (point_with(rate=torch.sum), "over the images as well"),
            (point_with(rate=lambda kl: kl.sum(dim=1)), "return one number"),
            (point_with(rate=lambda kl: -kl.sum(1).mean()), "never negative"),
            (point_with(rate=lambda kl: 2 * kl.sum(1).mean()), "a factor 1/2"),
            (point_with(distortion=lambda log_p: -log_p.mean()), "The distortion is minus that"),
            (point_with(distortion=torch.sum), "summed the distortion"),
            (point_with(distortion=lambda log_p: log_p.mean() / 16), "the number of pixels"),
            (point_with(s=torch.zeros_like), "eps does not enter"),
            (point_with(s=torch.exp), "exp(logvar / 2)"),
            (point_of_noise, "the noise alone"),
            (point_with(s=lambda logvar: logvar), "logvar itself"),
            (point_with(rate=lambda kl: kl.sum(1), distortion=lambda log_p: log_p), "both for each image"),
            (point_with(rate=lambda kl: kl.sum(0).mean()), "the two are exchanged"),
            (point_with_plus, "You added logvar"),
            (lambda *given: point_by_torch(*given)[::-1], "the rate comes first"),
            (lambda *given: (point_by_torch(*given)[0], sum(point_by_torch(*given))), "D leaves the rate out"),
        ],
    },
    "08c.2": {
        "right": [level_by_search, level_in_closed_form],
        "wrong": [
            (lambda v, rate: level_by_search(v, rate, lambda r: r.clamp(min=1).log().sum()), "the factor 1/2"),
            (lambda v, rate: level_in_closed_form(v, rate / 2), "the factor 1/2"),
            (lambda v, rate: level_by_search(v, rate, lambda r: r.clamp(min=1).log2().sum() / 2), "natural log"),
            (lambda v, rate: level_in_closed_form(v, rate * math.log(2)), "natural log"),
            (level_of_all, "under water"),
            (lambda v, rate: level_by_search(v, rate, lambda r: 0.5 * r.log().sum()), "under water"),
            (lambda v, rate: level_in_closed_form(v, rate * len(v)), "Their nats add"),
            (lambda v, rate: level_by_search(v, rate, lambda r: 0.5 * torch.log1p(r).sum()), "log max(1, ratio)"),
            (lambda v, rate: level_in_closed_form(v, 2 * rate), "square roots"),
            (level_from_the_smallest, "at the smallest variance"),
            (level_the_wrong_way, "go on above it"),
            (lambda v, rate: v.max(), "fall as the nats grow"),
            (level_unsorted, "sort them"),
            (lambda v, rate: v.max() / math.exp(2 * rate), "the largest direction pay"),
            (lambda v, rate: math.log(level_in_closed_form(v, rate)), "the log of the level"),
        ],
    },
}
