"""Answers to the exercises of lesson 09c as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def path_by_loop(features):
    times, paths, _ = features.shape
    total = 0.0
    for k in range(times - 1):
        for n in range(paths):
            total += ((features[k + 1, n] - features[k, n]) * (times - 1)).pow(2).sum().item()
    return total / (times - 1) / paths


def path_by_diff(features):
    dt = 1 / (len(features) - 1)
    return (torch.diff(features, dim=0) / dt).square().sum(-1).mean()


def path_by_numpy(features):
    speed = np.linalg.norm(np.diff(features.numpy(), axis=0), axis=-1) * (features.shape[0] - 1)
    return np.mean(speed**2)


def path_with(over, power=2):
    """Return an answer whose step takes 1 / over(K)."""

    def answer(features):
        return (torch.diff(features, dim=0).norm(dim=-1) * over(len(features))).pow(power).mean()

    return answer


def turns_by_area(a, b, t):
    p = (1 - t)[:, None] * a + t[:, None] * b
    return torch.sqrt((a @ a) * (b @ b) - (a @ b) ** 2) / (p * p).sum(1)


def turns_by_velocity(a, b, t):
    found = []
    for at in t:
        p = a + at * (b - a)
        u = p / p.norm()
        sideways = (b - a) - ((b - a) @ u) * u
        found.append(sideways.norm() / p.norm())
    return torch.stack(found)


def turns_by_derivative(a, b, t):
    def heading(at):
        return F.normalize(a + at * (b - a), dim=0)

    return torch.stack([torch.autograd.functional.jacobian(heading, at).norm() for at in t])


def turns_by_numpy(a, b, t):
    a, b, t = a.numpy(), b.numpy(), t.numpy()[:, None]
    p = (1 - t) * a + t * b
    along = p @ (b - a) / np.linalg.norm(p, axis=1)
    return np.sqrt(np.sum((b - a) ** 2) - along**2) / np.linalg.norm(p, axis=1)


def point(a, b, t):
    return (1 - t)[:, None] * a + t[:, None] * b


def turns_by_raw_points(a, b, t):
    p, velocity = point(a, b, t), b - a
    return (velocity - (p @ velocity)[:, None] * p).norm(dim=1) / p.norm(dim=1)


def turns_by_half_raw_points(a, b, t):
    p, velocity = point(a, b, t), b - a
    length = p.norm(dim=1, keepdim=True)
    return (velocity - (p / length @ velocity)[:, None] * p).norm(dim=1) / length[:, 0]


ANSWERS = {
    "09c.1": {
        "right": [path_by_loop, path_by_diff, path_by_numpy],
        "wrong": [
            (path_with(lambda K: K), "T - 1 steps between"),
            (path_with(lambda K: K - 1, power=1), "square before the mean"),
            (path_with(lambda K: 1), "left out the time"),
            (path_with(lambda K: (K - 1) ** 0.5), "of a step once"),
            (lambda f: path_by_diff(f) * (len(f) - 1), "summed over the steps"),
            (lambda f: path_by_loop(f) * f.shape[1], "summed over the paths"),
            (lambda f: (torch.diff(f, dim=0) * (len(f) - 1)).square().mean(), "averaged over the features"),
            (path_with(lambda K: 1 / (K - 1)), "divide by it"),
            (lambda f: (torch.diff(f, dim=0) * (len(f) - 1)).square().sum(-1).mean(0), "for each path"),
            (lambda f: (torch.diff(f, dim=0) * (len(f) - 1)).square().sum(), "steps and paths"),
            (lambda f: torch.diff(f, dim=0).norm(dim=-1).sum(0).square().mean(), "the whole path"),
            (lambda f: path_with(lambda K: K - 1, power=1)(f) ** 2, "squared the mean speed"),
            (lambda f: path_by_diff(f).sqrt(), "a root at the end"),
            (lambda f: path_by_diff(f[[0, -1]]), "the first and the last time"),
            (lambda f: (torch.diff(f, dim=0).norm(p=1, dim=-1) * (len(f) - 1)).square().mean(), "absolute changes"),
            (lambda f: (torch.diff(f, dim=1) * (f.shape[1] - 1)).square().sum(-1).mean(), "differences between paths"),
            (lambda f: (torch.diff(f, dim=1) * (len(f) - 1)).square().sum(-1).mean(), "differences between paths"),
            (lambda f: (f.diff() * (len(f) - 1)).square().sum(-1).mean(), "differences between features"),
        ],
    },
    "09c.2": {
        "right": [turns_by_area, turns_by_velocity, turns_by_derivative, turns_by_numpy],
        "wrong": [
            (lambda a, b, t: 1 / point(a, b, t).norm(dim=1), "1 / |p|, without the velocity"),
            (lambda a, b, t: point(a, b, t).norm(dim=1) ** -2, "1 / |p| squared, without"),
            (lambda a, b, t: turns_by_area(a, b, t) / point(a, b, t).norm(dim=1), "once too often"),
            (lambda a, b, t: turns_by_area(a, b, t) * point(a, b, t).norm(dim=1), "at a right angle to p: divide"),
            (lambda a, b, t: turns_by_area(a, b, t) * point(a, b, t).square().sum(1), "Divide it by |p| squared"),
            (lambda a, b, t: turns_by_area(a, b, t) / point(a, b, t).square().sum(1), "the power of four"),
            (lambda a, b, t: (b - a).norm() / point(a, b, t).norm(dim=1), "the whole velocity"),
            (lambda a, b, t: ((point(a, b, t) @ (b - a)) / point(a, b, t).pow(2).sum(1)).abs(), "velocity along p"),
            (lambda a, b, t: 1 / (1 - 2 * t + 2 * t * t), "a right angle and of equal length"),
            (lambda a, b, t: (a @ a * (b @ b)).sqrt() / point(a, b, t).pow(2).sum(1), "for being at a right angle"),
            (
                lambda a, b, t: (
                    ((a @ a) * (b @ b) - (a @ b) ** 2).sqrt() / (((1 - t) * a.norm()) ** 2 + (t * b.norm()) ** 2)
                ),
                "a @ b out",
            ),
            (lambda a, b, t: torch.full_like(t, math.acos(a @ b / a.norm() / b.norm())), "even speed of the arc"),
            (lambda a, b, t: turns_by_velocity(a, b, t).square(), "take the root"),
            (lambda a, b, t: turns_by_area(b, a, t), "from b to a"),
            (lambda a, b, t: (point(a, b, t) @ (b - a)) / point(a, b, t).pow(2).sum(1), "sign of the part along p"),
            (turns_by_raw_points, "as if p had length 1"),
            (turns_by_half_raw_points, "length of p once"),
            (lambda a, b, t: turns_by_area(a, b, t) * 180 / math.pi, "radians are asked for"),
        ],
    },
}
