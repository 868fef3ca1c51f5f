"""Answers to the exercises of lesson 09 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from ganlab import models


def length_by_numpy(dim, t):
    t = t.numpy()
    return np.sqrt(dim) * np.hypot(1 - t, t)


def length_by_expansion(dim, t):
    return torch.sqrt(dim * (1 - 2 * t + 2 * t**2))


def mean_length(dim, t):
    chi = math.sqrt(2) * math.gamma((dim + 1) / 2) / math.gamma(dim / 2)  # the mean length of a draw
    return chi * torch.hypot(1 - t, t)


def arc_by_turning(a, b, t):
    """Turn a towards the part of b that is at a right angle to it."""
    radius = a.norm()
    u = a / radius
    e = b - (b @ u) * u
    e = e / e.norm()
    angle = t[:, None] * torch.arctan2(b @ e, b @ u)
    return radius * (angle.cos() * u + angle.sin() * e)


def arc_by_loop(a, b, t):
    a, b = a.numpy(), b.numpy()
    theta = np.arccos(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))
    rows = []
    for at in t.tolist():
        rows.append((np.sin((1 - at) * theta) * a + np.sin(at * theta) * b) / np.sin(theta))
    return np.stack(rows)


def arc_with(angle, weight=lambda x, theta: torch.sin(x) / torch.sin(theta)):
    """Return an answer that takes another angle, or another weight."""

    def answer(a, b, t):
        theta = angle(a, b)
        return torch.outer(weight((1 - t) * theta, theta), a) + torch.outer(weight(t * theta, theta), b)

    return answer


def theta_of(a, b):
    return torch.arccos(F.cosine_similarity(a, b, dim=0))


def arc_by_cosine(a, b, t):
    theta = theta_of(a, b)
    return torch.outer(torch.cos(t * theta), a) + torch.outer(torch.sin(t * theta), b)


def arc_without_bracket(a, b, t):
    theta = theta_of(a, b)
    return (torch.outer(torch.sin(1 - t * theta), a) + torch.outer(torch.sin(t * theta), b)) / torch.sin(theta)


def turned(a, b, t, scaled):
    """Turn a towards the part of b at a right angle to it, as long as `scaled` makes it."""
    u = scaled(b - (a @ b) / (a @ a) * a)
    angle = t * theta_of(a, b)
    return torch.outer(torch.cos(angle), a) + torch.outer(torch.sin(angle), u)


def stretched(a, b, t):
    line = (1 - t)[:, None] * a + t[:, None] * b
    return line / line.norm(dim=1, keepdim=True) * b.norm()


ANSWERS = {
    "09.1": {
        "right": [length_by_numpy, length_by_expansion, lambda dim, t: dim**0.5 * torch.hypot(1 - t, t)],
        "wrong": [
            (lambda dim, t: torch.full_like(t, dim**0.5), "*squares* of the weights"),
            (lambda dim, t: (dim * ((1 - t) + t)).sqrt(), "*squares* of the weights"),
            (lambda dim, t: dim * ((1 - t) ** 2 + t**2), "take the root"),
            (lambda dim, t: dim**0.5 * ((1 - t).square() + t.square()), "whole product"),
            (lambda dim, t: dim**0.5 * torch.abs((1 - t) - t), "as if b were -a"),
            (lambda dim, t: torch.full_like(t, (dim / 2) ** 0.5), "length halfway"),
            (lambda dim, t: torch.hypot(1 - t, t), "left out D"),
            (lambda dim, t: dim * torch.hypot(1 - t, t), "outside of the root"),
            (mean_length, "the mean length"),
            (lambda dim, t: dim**0.5 * (1 - t), "only a's part"),
            (lambda dim, t: (dim * (1 - t).square() + t.square()) ** 0.5, "only a's square"),
            (lambda dim, t: (dim * ((1 - t) ** 2 + t**2) / 2).sqrt(), "0.7071 times"),
        ],
    },
    "09.2": {
        "right": [arc_by_turning, arc_by_loop, arc_with(theta_of), lambda a, b, t: models.slerp(a, b, t)],
        "wrong": [
            (lambda a, b, t: a + t[:, None] * (b - a), "straight line"),
            (lambda a, b, t: arc_by_turning(b, a, t), "runs from b to a"),
            (arc_with(theta_of, lambda x, theta: torch.sin(x)), "divide by the sine"),
            (arc_with(lambda a, b: torch.acos((a * b).sum())), "divide it by both lengths"),
            (arc_with(lambda a, b: torch.acos(a @ b / b.norm())), "by one length only"),
            (arc_with(lambda a, b: theta_of(a, b) * 180 / math.pi), "into degrees"),
            (lambda a, b, t: F.normalize(arc_by_turning(a, b, t), dim=-1), "to length 1"),
            (stretched, "does not turn evenly"),
            (arc_by_cosine, "right angle only"),
            (arc_with(theta_of, lambda x, theta: torch.cos(x)), "cosine for both"),
            (arc_with(lambda a, b: torch.acos(a @ b / a.norm() * b.norm())), "product into brackets"),
            (arc_with(lambda a, b: a.new_tensor(math.pi / 2)), "took 90 degrees"),
            (arc_with(lambda a, b: a @ b / (a.norm() * b.norm())), "torch.acos turns"),
            (arc_without_bracket, "with the bracket"),
            (lambda a, b, t: arc_by_turning(a, b, t).T, "one row for each t"),
            (lambda a, b, t: turned(a, b, t, lambda u: u), "too short"),
            (lambda a, b, t: turned(a, b, t, lambda u: F.normalize(u, dim=0)), "u of length 1"),
        ],
    },
}
