"""Answers to the exercises of lesson 04c as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import wasserstein_distance

from ganlab.losses import input_gradient


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


def charged(charge=lambda slope: (slope - 1) ** 2, between=lambda x, y, u: y + u * (x - y), graph=True):
    """Return an answer with another charge for the slope (B,), at other points, or without a graph."""

    def answer(critic, real, fake, u):
        u = u.reshape([-1] + [1] * (real.dim() - 1))
        points = between(real, fake, u).clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=graph)
        return charge(gradient.flatten(1).norm(dim=1))

    return answer


def penalty_by_package(critic, real, fake, u):
    u = u[(...,) + (None,) * (real.ndim - 1)]
    gradient = input_gradient(critic, torch.lerp(fake, real, u))
    return (torch.linalg.vector_norm(gradient.flatten(1), dim=1) - 1).pow(2)


def of_each_coordinate(critic, real, fake, u):
    u = u.view(-1, *[1] * (real.ndim - 1))
    return ((input_gradient(critic, u * real + (1 - u) * fake) - 1) ** 2).flatten(1).sum(1)


ANSWERS = {
    "04c.1": {
        "right": [by_scipy, by_distribution_functions, by_numpy_sort],
        "wrong": [
            (lambda x, y: torch.mean(torch.abs(x - y)), "as they come"),
            (dearest, "the dearest plan"),
            (lambda x, y: (x.sort()[0] - y).abs().mean(), "You sorted the first sample only"),
            (lambda x, y: (x - y.sort()[0]).abs().mean(), "You sorted the second sample only"),
            (lambda x, y: (x.sort() - y.sort()).abs().mean(), "It returns two things"),
            (lambda x, y: abs(x.mean().item() - y.mean().item()), "took abs after the mean"),
            (lambda x, y: (x.sort()[0] - y.sort()[0]).mean(), "steps to the left and to the right cancel"),
            (lambda x, y: F.mse_loss(x.sort()[0], y.sort()[0]), "squared the distances"),
            (lambda x, y: F.mse_loss(x.sort()[0], y.sort()[0]) ** 0.5, "W_2"),
            (lambda x, y: (x.sort()[0] - y.sort()[0]).abs().sum(), "take the mean"),
            (lambda x, y: (x.sort()[0] - y.sort()[0]).abs(), "one number"),
            (lambda x, y: torch.cdist(x[:, None], y[:, None]).mean(), "over all pairs"),
            (to_the_nearest, "nearest neighbour"),
            (lambda x, y: (x.sort()[0] - y.sort()[0]).abs().max(), "the largest of the distances"),
        ],
    },
    "04c.2": {
        "right": [charged(), penalty_by_package],
        "wrong": [
            (charged(between=lambda x, y, u: x + u * (y - x)), "You exchanged u"),
            (charged(lambda slope: (slope**2 - 1) ** 2), "a root is missing"),
            (charged(lambda slope: slope - 1), "did not square"),
            (charged(lambda slope: (slope - 1).abs()), "absolute value"),
            (charged(lambda slope: F.relu(slope - 1) ** 2), "above 1 only"),
            (charged(lambda slope: slope**2), "as R1 does"),
            (charged(between=lambda x, y, u: x), "at the real samples"),
            (charged(between=lambda x, y, u: y), "at the fakes"),
            (charged(between=lambda x, y, u: 0.5 * x + 0.5 * y), "in the middle"),
            (charged(lambda slope: ((slope - 1) ** 2).mean()), "mean over the batch"),
            (of_each_coordinate, "every coordinate"),
            (charged(graph=False), "create_graph=True"),
            (charged(lambda slope: 10 * (slope - 1) ** 2), "weight of 10"),
        ],
    },
}
