"""Answers to the exercises of lesson 04 as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F

from ganlab.losses import squared_slope


def covered_by_loop(samples, means, sigma):
    total = 0.0
    nearest = torch.cdist(samples.double(), means).argmin(dim=1)
    for k, mean in enumerate(means):
        near = (samples - mean).norm(dim=1) <= 3 * sigma
        total += min((near & (nearest == k)).sum().item() / len(samples), 1 / len(means))
    return total


def covered_by_numpy(samples, means, sigma):
    x, m = samples.numpy(), means.numpy()
    gaps = np.linalg.norm(x[:, None] - m[None], axis=-1)
    counts = np.bincount(gaps.argmin(1)[gaps.min(1) <= 3 * sigma], minlength=len(m))
    return np.minimum(counts / len(x), 1 / len(m)).sum()


def covered_with(
    end=lambda g, K: torch.minimum(g, torch.tensor(1 / K)).sum(), radius=lambda sigma: 3 * sigma, good=False
):
    """Return an answer with another end, another radius, or fractions of the good samples alone."""

    def answer(samples, means, sigma):
        gaps = (samples[:, None, :] - means[None, :, :]).pow(2).sum(-1).sqrt()
        near = gaps.min(dim=1).values <= radius(sigma)
        counts = torch.bincount(gaps.argmin(dim=1)[near], minlength=means.shape[0]).double()
        return end(counts / (near.sum() if good else samples.shape[0]), means.shape[0])

    return answer


def covered_in_one_dtype(samples, means, sigma):
    gap, nearest = torch.cdist(samples, means).min(1)  # stops on the lesson's own fakes
    g = nearest[gap <= 3 * sigma].bincount(minlength=len(means)) / len(samples)
    return g.clamp(max=1 / len(means)).sum()


def bad_ones_at_mode_0(samples, means, sigma):
    gap, nearest = torch.cdist(samples.double(), means).min(1)
    g = torch.bincount(nearest * (gap <= 3 * sigma), minlength=len(means)) / len(samples)
    return g.clamp(max=1 / len(means)).sum()


def cut_at_one_sample(samples, means, sigma):
    return covered_with(lambda g, K: g.clamp(max=1 / len(samples)).sum())(samples, means, sigma)


def pair_of_minimum(samples, means, sigma):
    return torch.cdist(samples.double(), means).min(0)


def nearest_times_good(samples, means, sigma, late=False):
    gap, nearest = torch.cdist(samples.double(), means).min(1)
    s, good = nearest.bincount(minlength=len(means)) / len(samples), (gap <= 3 * sigma).double().mean()
    limit = 1 / len(means)
    return s.clamp(max=limit).sum() * good if late else (s * good).clamp(max=limit).sum()


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


def every_pair(critic, real, fake, weight):
    return F.softplus(critic(fake) - critic(real).view(-1, 1)) + weight * slope_by_hand(critic, real)


def slope_of_the_gap(critic, real, fake, weight):
    return F.softplus(critic(fake) - critic(real)) + weight * slope_by_hand(critic, real - fake)


def averaged(critic, real, fake, weight):
    return pair_in_one_pass(critic, real, fake, weight).mean()


def logits_cut(critic, real, fake, weight):
    with torch.no_grad():
        gap = critic(fake) - critic(real)
    return F.softplus(gap) + weight * (slope_by_hand(critic, real) + slope_by_hand(critic, fake))


ANSWERS = {
    "04.1": {
        "right": [covered_by_loop, covered_by_numpy, covered_with()],
        "wrong": [
            (covered_with(lambda g, K: g.sum()), "the fraction of good ones"),
            (covered_with(radius=lambda sigma: 1e9), "not good, too"),
            (covered_with(good=True), "divide by all"),
            (covered_with(radius=lambda sigma: sigma), "within 3 sigma"),
            (covered_with(radius=lambda sigma: (3 * sigma) ** 0.5), "a squared distance"),
            (covered_with(lambda g, K: g.count_nonzero() / K), "must not count like a full one"),
            (covered_with(lambda g, K: torch.maximum(g, torch.tensor(1 / K)).sum()), "clamp(max=...)"),
            (covered_with(lambda g, K: g.clamp(max=1 / K).mean()), "mean over the modes"),
            (covered_with(lambda g, K: g.clamp(max=1 / K)), "for each mode"),
            (covered_with(lambda g, K: g.min()), "smallest fraction"),
            (covered_in_one_dtype, "one dtype: .double()"),
            (bad_ones_at_mode_0, "0 is a mode"),
            (pair_of_minimum, "smallest values and their places"),
            (nearest_times_good, "has the same part"),
            (lambda x, m, s: nearest_times_good(x, m, s, late=True), "then cut off"),
            (covered_with(lambda g, K: g.clamp(max=1 / 2).sum()), "number of coordinates"),
            (covered_with(lambda g, K: g.clamp(max=1 / g.count_nonzero()).sum()), "modes reached for K"),
            (covered_with(lambda g, K: g.clamp(max=1 / (K * g.sum())).sum()), "1 / (K * good)"),
            (covered_with(lambda g, K: g.clamp(max=g.sum() / K).sum()), "good / K"),
            (covered_with(lambda g, K: g.clamp(max=1 / 8).sum()), "on the ring only"),
            (cut_at_one_sample, "at 1/n"),
            (covered_with(lambda g, K: g.clamp(max=1 / 25).sum()), "on the grid only"),
            (covered_with(lambda g, K: min(g.sum(), 1 / K)), "cut off their sum"),
            (covered_with(lambda g, K: g.count_nonzero() / K * g.sum()), "fraction of modes reached by"),
        ],
    },
    "04.2": {
        "right": [pair_by_hand, pair_in_one_pass, pair_with()],
        "wrong": [
            (pair_with(gap=lambda r, f: F.softplus(r - f)), "You exchanged the roles"),
            (pair_with(gap=lambda r, f: F.softplus(-r) + F.softplus(f)), "You took minimax"),
            (pair_with(gap=lambda r, f: F.softplus(f.mean() - r)), "mean of the fakes"),
            (pair_with(gap=lambda r, f: f - r), "softplus is missing"),
            (averaged, "which the step does"),
            (lambda c, r, f, w: pair_by_hand(c, r, f, w / r[0].numel()), "over the coordinates"),
            (pair_with(slopes=lambda a, b: a.mean() + b.mean()), "pair by pair"),
            (pair_of_points_alone, "An image has three axes"),
            (pair_with(slopes=lambda a, b: a), "You left out R2"),
            (pair_with(slopes=lambda a, b: b), "You left out R1"),
            (pair_with(factor=0.0), "You left out the penalties"),
            (pair_with(slopes=lambda a, b: a**0.5 + b**0.5), "not squared"),
            (pair_with(factor=0.5), "half of the penalties"),
            (pair_with(slopes=lambda a, b: (a + b) / 2), "half of the penalties"),
            (unweighted, "You left out `weight`"),
            (pair_with(factor=-1.0), "grow steep"),
            (pair_with(keep=False), "create_graph"),
            (pair_with(slopes=lambda a, b: a + a), "You took R1 twice"),
            (pair_with(slopes=lambda a, b: b + b), "You took R2 twice"),
            (pair_with(slopes=lambda a, b: a**2 + b**2), "a square already"),
            (pair_with(gap=lambda r, f: F.softplus(f) - F.softplus(r)), "then softplus"),
            (slope_of_the_gap, "real - fake"),
            (every_pair, "each real sample with each fake"),
            (logits_cut, "through the logits"),
            (lambda c, r, f, w: F.softplus(c(f) - c(r)) + w * squared_slope(c, r) + squared_slope(c, f), "at R1 only"),
            (lambda c, r, f, w: F.softplus(c(f) - c(r)) + squared_slope(c, r) + w * squared_slope(c, f), "at R2 only"),
        ],
    },
}
