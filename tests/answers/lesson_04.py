"""Answers to the exercises of lesson 04 as different people would write them, right and wrong; see test_check.py."""

import math
from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import wasserstein_distance

from ganlab.losses import Objective, squared_slope


def by_scipy(x, y):
    return wasserstein_distance(x.numpy(), y.numpy())


def by_distribution_functions(x, y):
    both = torch.cat([x, y]).sort().values
    F_x, F_y = ((sample[None] <= both[:-1, None]).double().mean(1) for sample in (x, y))
    return ((F_x - F_y).abs() * both.diff()).sum()


def by_numpy_sort(x, y):
    return np.abs(np.sort(x) - np.sort(y)).mean()


def dearest(x, y):
    return torch.abs(torch.sort(x)[0] - torch.sort(y)[0].flip(0)).mean()


def to_the_nearest(x, y):
    return torch.cdist(x[:, None], y[:, None]).min(dim=1)[0].mean()


def slope_by_hand(critic, x, keep=True):
    x = x.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=keep)
    return (gradient**2).flatten(1).sum(dim=1)


def pair_by_hand(critic, real, fake, weight):
    R1, R2 = slope_by_hand(critic, real), slope_by_hand(critic, fake)
    return torch.log1p(torch.exp(critic(fake) - critic(real))) + weight * R1 + weight * R2


def pair_of_points_alone(critic, real, fake, weight):
    slopes = [torch.autograd.grad(critic(x.requires_grad_()).sum(), x, create_graph=True)[0] for x in (real, fake)]
    return F.softplus(critic(fake) - critic(real)) + weight * sum((slope**2).sum(1) for slope in slopes)


def pair_in_one_pass(critic, real, fake, weight):
    both = torch.cat([real, fake])
    c_real, c_fake = critic(both).chunk(2)
    return -F.logsigmoid(c_real - c_fake) + weight * squared_slope(critic, both).view(2, -1).sum(0)


def pair_with(gap=lambda r, f: F.softplus(f - r), slopes=lambda a, b: a + b, factor=1.0, keep=True):
    """Return an answer with another loss of the pair, or other penalties."""

    def answer(critic, real, fake, weight):
        a, b = slope_by_hand(critic, real, keep), slope_by_hand(critic, fake, keep)
        return gap(critic(real), critic(fake)) + factor * weight * slopes(a, b)

    return answer


def unweighted(critic, real, fake, weight):
    return pair_by_hand(critic, real, fake, 1.0)


def averaged(critic, real, fake, weight):
    return pair_in_one_pass(critic, real, fake, weight).mean()


def logits_cut(critic, real, fake, weight):
    with torch.no_grad():
        gap = critic(fake) - critic(real)
    return F.softplus(gap) + weight * (slope_by_hand(critic, real) + slope_by_hand(critic, fake))


def kinds_by_counter(digits):
    seen = Counter(tuple(row) for row in digits.tolist())
    n = len(digits)
    return len(seen), sum(k / n * math.log(1000 * k / n) for k in seen.values())


def kinds_by_unique(digits):
    _, counts = torch.unique(digits, dim=0, return_counts=True)
    p = counts / counts.sum()
    return len(counts), math.log(1000) + (p.double() * p.double().log()).sum()


def kinds_by_numpy(digits):
    table = np.zeros((10, 10, 10))
    np.add.at(table, tuple(digits.numpy().T), 1)
    share = table[table > 0] / table.sum()
    return np.count_nonzero(table), np.log(1000) + np.sum(share * np.log(share))


def kinds_with(kl):
    """Return an answer with another KL of the counts of all 1,000 kinds, (1000,)."""

    def answer(digits):
        counts = torch.bincount(digits[:, 0] * 100 + digits[:, 1] * 10 + digits[:, 2], minlength=1000).double()
        return (counts > 0).sum(), kl(counts / counts.sum())

    return answer


def own_uniform(digits):
    reached, kl = kinds_by_counter(digits)
    return reached, kl - math.log(1000 / reached)


def exponential(scale=0.5):
    """Return a pair of exponential losses with another factor in the exponents."""
    return Objective(
        critic=lambda real, fake: (-scale * real).exp() + (scale * fake).exp(),
        generator=lambda fake: (-scale * fake).exp(),
    )


def by_square_roots():
    def critic(real_logits, fake_logits):
        return real_logits.exp().rsqrt() + fake_logits.exp().sqrt()

    def generator(fake_logits):
        return 1 / fake_logits.exp().sqrt()

    return Objective(critic, generator)


def with_generator(generator):
    return lambda: Objective(exponential().critic, generator)


def with_critic(critic):
    return lambda: Objective(critic, exponential().generator)


ANSWERS = {
    "04.1": {
        "right": [by_scipy, by_distribution_functions, by_numpy_sort],
        "wrong": [
            (lambda x, y: torch.mean(torch.abs(x - y)), "as they come"),
            (dearest, "the dearest plan"),
            (lambda x, y: abs(x.mean().item() - y.mean().item()), "distance of the means"),
            (lambda x, y: (x.sort()[0] - y.sort()[0]).mean(), "ways to the left and to the right cancel"),
            (lambda x, y: F.mse_loss(x.sort()[0], y.sort()[0]), "squared ways"),
            (lambda x, y: F.mse_loss(x.sort()[0], y.sort()[0]) ** 0.5, "W_2"),
            (lambda x, y: (x.sort()[0] - y.sort()[0]).abs().sum(), "take the mean"),
            (lambda x, y: (x.sort()[0] - y.sort()[0]).abs(), "one number"),
            (lambda x, y: torch.cdist(x[:, None], y[:, None]).mean(), "over all pairs"),
            (to_the_nearest, "nearest neighbour"),
        ],
    },
    "04.2": {
        "right": [pair_by_hand, pair_in_one_pass, pair_with()],
        "wrong": [
            (pair_with(gap=lambda r, f: F.softplus(r - f)), "the roles are exchanged"),
            (pair_with(gap=lambda r, f: F.softplus(-r) + F.softplus(f)), "that is minimax"),
            (pair_with(gap=lambda r, f: F.softplus(f.mean() - r)), "mean of the fakes"),
            (pair_with(gap=lambda r, f: f - r), "softplus is missing"),
            (averaged, "belongs to the step"),
            (lambda c, r, f, w: pair_by_hand(c, r, f, w / r[0].numel()), "over the coordinates"),
            (pair_with(slopes=lambda a, b: a.mean() + b.mean()), "pair by pair"),
            (pair_with(slopes=lambda a, b: a), "R2 is missing"),
            (pair_with(slopes=lambda a, b: b), "R1 is missing"),
            (pair_with(factor=0.0), "penalties are missing"),
            (pair_with(slopes=lambda a, b: a**0.5 + b**0.5), "not squared"),
            (pair_with(factor=0.5), "half of the penalties"),
            (pair_with(slopes=lambda a, b: (a + b) / 2), "half of the penalties"),
            (unweighted, "does not enter"),
            (pair_with(factor=-1.0), "grow steep"),
            (pair_with(keep=False), "create_graph"),
            (logits_cut, "through the logits"),
        ],
    },
    "04.3": {
        "right": [kinds_by_counter, kinds_by_unique, kinds_by_numpy],
        "wrong": [
            (kinds_with(lambda p: -torch.xlogy(p, p).sum()), "the entropy H"),
            (kinds_with(lambda p: -torch.xlogy(p, 1000 * p).sum()), "never negative"),
            (kinds_with(lambda p: torch.xlogy(p, 1000 * p).sum() / math.log(2)), "in bits"),
            (own_uniform, "kinds that occur"),
            (kinds_with(lambda p: (p * torch.log(p / 0.001)).sum()), "a log of 0"),
            (kinds_with(lambda p: (0.001 * torch.log(0.001 / p)).sum()), "the other direction"),
            (lambda digits: kinds_by_counter(digits.sum(1, keepdim=True)), "were added"),
            (lambda digits: kinds_by_counter(digits.sort(1)[0]), "order of the channels"),
            (lambda digits: (1000 - kinds_by_counter(digits)[0], kinds_by_counter(digits)[1]), "missing kinds"),
        ],
    },
    "04.4": {
        "right": [exponential, by_square_roots, with_generator(lambda fake: torch.exp(-0.5 * fake))],
        "wrong": [
            (lambda: exponential(1.0), "halves in the exponents"),
            (with_critic(lambda real, fake: exponential().critic(-real, -fake)), "critic's signs"),
            (with_generator(lambda fake: (fake / 2).exp()), "works for the critic"),
            (with_generator(lambda fake: -(fake / 2).exp()), "the minimax way"),
            (with_critic(lambda real, fake: torch.exp(fake / 2) * torch.exp(-real / 2)), "multiplied"),
            (with_critic(lambda real, fake: exponential().critic(real, fake) / 2), "is halved"),
            (with_critic(lambda real, fake: (-real / 2).exp()), "the fake term"),
            (with_critic(lambda real, fake: F.softplus(-real) + F.softplus(fake)), "minimax's"),
        ],
    },
}
