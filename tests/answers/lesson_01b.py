"""Answers to the exercises of lesson 01b as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch


def losses_of(h, k, t):
    """Return the two losses of a coin that shows heads with t, where D answers h to heads and k to tails."""
    return t * torch.log(1 - h) + (1 - t) * torch.log(1 - k), -t * torch.log(h) - (1 - t) * torch.log(k)


def by_autograd(p, t, *, fixed=True, which=(0, 1)):
    t = t.clone().requires_grad_()
    h, k = p / (p + t), (1 - p) / (2 - p - t)
    both = losses_of(h.detach(), k.detach(), t) if fixed else losses_of(h, k, t)
    return tuple(torch.autograd.grad(both[loss].sum(), t, retain_graph=True)[0] for loss in which)


def by_simple_logs(p, t):
    return torch.log(t / (p + t) * (2 - p - t) / (1 - t)), torch.log((1 - p) * (p + t) / (p * (2 - p - t)))


def by_numpy(p, t):
    p, t = p.numpy(), t.numpy()
    h, k = p / (p + t), (1 - p) / (1 - p + 1 - t)
    return np.log1p(-h) - np.log1p(-k), np.log(k / h)


def of_answers(change):
    return lambda p, t: change(p / (p + t), (1 - p) / (2 - p - t))


def second_by_numpy(p_data, p_g):
    p, q = p_data.numpy(), p_g.numpy()
    return ((p + q) * np.log((p + q) / (2 * p))).sum()


def second_by_torch(p_data, p_g):
    m = 0.5 * p_data + 0.5 * p_g
    return 2 * torch.nn.functional.kl_div(p_data.log(), m, reduction="sum")


def kl(p, q):
    return torch.where(p > 0, p * (p.clamp(min=1e-300) / q).log(), 0.0).sum()


def half(p, q):
    return (p + q) / 2


ANSWERS = {
    "01b.1": {
        "right": [by_autograd, by_simple_logs, by_numpy],
        "wrong": [
            (lambda p, t: by_autograd(p, t, fixed=False), "let D follow t"),
            (
                lambda p, t: (by_autograd(p, t)[0], by_autograd(p, t, fixed=False)[1]),
                "here that matters",
            ),
            (lambda p, t: tuple(-slope for slope in by_numpy(p, t)), "both signs"),
            (lambda p, t: by_autograd(p, t, which=(1, 0)), "swapped the two"),
            (of_answers(lambda h, k: (torch.log1p(-h), -h.log())), "heads alone"),
            (of_answers(lambda h, k: (torch.log((1 - h) * (1 - k)), -torch.log(h * k))), "added tails"),
            (lambda p, t: losses_of(p / (p + t), (1 - p) / (2 - p - t), t), "losses themselves"),
            (lambda p, t: (by_simple_logs(p, t)[0], -by_simple_logs(p, t)[1]), "+log D"),
            (lambda p, t: (-by_simple_logs(p, t)[0], by_simple_logs(p, t)[1]), "no minus"),
            (of_answers(lambda h, k: (torch.log(h / k), torch.log((1 - k) / (1 - h)))), "probability of a fake"),
            (lambda p, t: by_autograd(p, t, which=(0, 0)), "one slope twice"),
            (of_answers(lambda h, k: (torch.log((1 - h) / h), torch.log((1 - h) / h))), "each side by itself"),
            (
                lambda p, t: (
                    torch.log(t / (p + t) * (1 - p + t) / t),
                    torch.log((1 - p) / (1 - p + t) * (p + t) / p),
                ),
                "kept t",
            ),
            (
                lambda p, t: (torch.log(t / (p + t) * (p + 1 - t) / (1 - t)), torch.log((p + t) / (p + 1 - t))),
                "kept p",
            ),
        ],
    },
    "01b.2": {
        "right": [second_by_numpy, second_by_torch],
        "wrong": [
            (lambda p, q: kl(half(p, q), p), "twice that"),
            (lambda p, q: 2 * kl(p, half(p, q)), "The order matters"),
            (lambda p, q: kl(p, half(p, q)), "Exchange the two"),
            (lambda p, q: kl(p, half(p, q)) + kl(q, half(p, q)), "2 JSD"),
            (lambda p, q: 2 * kl(q, p), "p_g for m"),
            (lambda p, q: kl(q, p), "reverse KL"),
            (lambda p, q: (q * (q / p).log()).sum(), "not finite"),
            (lambda p, q: 2 * ((p + q) * ((p + q) / p).log()).sum(), "without halving"),
            (lambda p, q: 2 * (half(p, q) * torch.log2(half(p, q) / p)).sum(), "base 2"),
            (lambda p, q: 2 * (half(p, q) * torch.log(half(p, q) / p)).mean(), "mean over the sides"),
            (lambda p, q: 2 * (half(p, q).log() - p.log()).sum(), "without weights"),
            (lambda p, q: 2 * (p * (half(p, q) / p).log()).sum(), "weighted the logs by p_data"),
            (lambda p, q: 2 * (q * (half(p, q) / p).log()).sum(), "weighted the logs by p_g"),
            (lambda p, q: -math.fsum(second_by_torch(p, q).reshape(1).tolist()), "turned the sign"),
        ],
    },
}
