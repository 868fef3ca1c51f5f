"""Answers to the exercises of lesson 09 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def length_by_numpy(dim, t):
    t = t.numpy()
    return np.sqrt(dim) * np.hypot(1 - t, t)


def length_by_expansion(dim, t):
    return torch.sqrt(dim * (1 - 2 * t + 2 * t**2))


def mean_length(dim, t):
    chi = math.sqrt(2) * math.gamma((dim + 1) / 2) / math.gamma(dim / 2)  # the mean length of a draw
    return chi * torch.hypot(1 - t, t)


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


def apart_by_lstsq(wanted, others):
    inside = others.T @ torch.linalg.lstsq(others.T, wanted[:, None]).solution[:, 0]
    rest = wanted - inside
    return rest / rest.norm()


def apart_by_gram_schmidt(wanted, others):
    basis = []
    for other in others:
        for b in basis:
            other = other - (other @ b) * b
        basis.append(other / other.norm())
    for b in basis:
        wanted = wanted - (wanted @ b) * b
    return wanted / torch.sqrt(wanted @ wanted)


def apart_by_pinv(wanted, others):
    return F.normalize(wanted - torch.linalg.pinv(others) @ (others @ wanted), dim=0)


def apart_in_turn(wanted, others):
    for other in others:
        unit = other / other.norm()
        wanted = wanted - (wanted @ unit) * unit
    return wanted / wanted.norm()


def apart_at_once(wanted, others):
    units = F.normalize(others, dim=1)
    rest = wanted - units.T @ (units @ wanted)
    return rest / rest.norm()


def apart_inside(wanted, others):
    inside = torch.linalg.pinv(others) @ (others @ wanted)
    return inside / inside.norm()


def apart_raw(wanted, others):
    rest = wanted
    for other in others:
        rest = rest - (apart_raw.start @ other) * other
    return rest / rest.norm()


def raw_projection(wanted, others):
    apart_raw.start = wanted
    return apart_raw(wanted, others)


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


ANSWERS = {
    "09.1": {
        "right": [length_by_numpy, length_by_expansion],
        "wrong": [
            (lambda dim, t: torch.full_like(t, math.sqrt(dim)), "the arc's length"),
            (lambda dim, t: dim * (1 - 2 * t + 2 * t * t), "take the root"),
            (lambda dim, t: dim**0.5 * ((1 - t).pow(2) + t.pow(2)), "under the root"),
            (lambda dim, t: dim**0.5 * torch.abs((1 - t) - t), "taken for opposite"),
            (lambda dim, t: torch.full_like(t, (dim / 2) ** 0.5), "midpoint alone"),
            (lambda dim, t: torch.hypot(1 - t, t), "D does not enter"),
            (lambda dim, t: dim * torch.hypot(1 - t, t), "the root of D"),
            (mean_length, "the mean length"),
            (lambda dim, t: dim**0.5 * (1 - t), "one of the two ends"),
            (lambda dim, t: (dim * ((1 - t) ** 2 + t**2) / 2).sqrt(), "0.7071 times"),
        ],
    },
    "09.2": {
        "right": [path_by_loop, path_by_diff, path_by_numpy],
        "wrong": [
            (path_with(lambda K: K), "K - 1 steps"),
            (path_with(lambda K: K - 1, power=1), "square before the mean"),
            (path_with(lambda K: 1), "time of a step is missing"),
            (path_with(lambda K: (K - 1) ** 0.5), "divided by the time once"),
            (lambda f: path_by_diff(f) * (len(f) - 1), "a sum over the steps"),
            (lambda f: path_by_loop(f) * f.shape[1], "a sum over the paths"),
            (lambda f: (torch.diff(f, dim=0) * (len(f) - 1)).square().mean(), "a mean over the features"),
            (path_with(lambda K: 1 / (K - 1)), "divide by it"),
            (lambda f: path_with(lambda K: K - 1, power=1)(f) ** 2, "square of the mean speed"),
            (lambda f: path_by_diff(f).sqrt(), "a root too many"),
        ],
    },
    "09.3": {
        "right": [apart_by_lstsq, apart_by_gram_schmidt, apart_by_pinv],
        "wrong": [
            (apart_in_turn, "brings back some of the first"),
            (apart_at_once, "counted twice"),
            (lambda w, o: w - torch.linalg.pinv(o) @ (o @ w), "its length is not 1"),
            (apart_inside, "lies in the others"),
            (lambda w, o: w / w.norm(), "do not enter"),
            (lambda w, o: -apart_by_lstsq(w, o), "opposite direction"),
            (raw_projection, "squared length"),
            (lambda w, o: F.normalize(w - o.T @ (F.normalize(o, dim=1) @ w), dim=0), "length once"),
            (lambda w, o: F.normalize(w + torch.linalg.pinv(o) @ (o @ w), dim=0), "instead of taken away"),
        ],
    },
    "09.4": {
        "right": [turns_by_area, turns_by_velocity, turns_by_derivative, turns_by_numpy],
        "wrong": [
            (lambda a, b, t: turns_by_area(a, b, t) * point(a, b, t).norm(dim=1), "once more"),
            (lambda a, b, t: (b - a).norm() / point(a, b, t).norm(dim=1), "the whole velocity"),
            (lambda a, b, t: ((point(a, b, t) @ (b - a)) / point(a, b, t).pow(2).sum(1)).abs(), "along p"),
            (lambda a, b, t: 1 / (1 - 2 * t + 2 * t * t), "ends at right angles, of equal length"),
            (lambda a, b, t: (a @ a * (b @ b)).sqrt() / point(a, b, t).pow(2).sum(1), "for being at right angles"),
            (
                lambda a, b, t: (
                    ((a @ a) * (b @ b) - (a @ b) ** 2).sqrt() / (((1 - t) * a.norm()) ** 2 + (t * b.norm()) ** 2)
                ),
                "also depends on the angle",
            ),
            (lambda a, b, t: torch.full_like(t, math.acos(a @ b / a.norm() / b.norm())), "even speed of the arc"),
            (lambda a, b, t: turns_by_velocity(a, b, t).square(), "take the root"),
            (lambda a, b, t: turns_by_area(a, b, t) * 180 / math.pi, "radians are asked for"),
        ],
    },
}
