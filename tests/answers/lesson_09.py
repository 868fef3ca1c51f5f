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


def start_by_loop(z, errors):
    return torch.stack([z[errors[:, b].argmin(), b] for b in range(z.shape[1])])


def start_by_gather(z, errors):
    best = errors.min(dim=0).indices  # (B,)
    return z.gather(0, best[None, :, None].expand(1, -1, z.shape[2]))[0]


def start_by_numpy(z, errors):
    return z.numpy()[np.argmin(errors.numpy(), axis=0), np.arange(z.shape[1])]


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
        "right": [start_by_loop, start_by_gather, start_by_numpy],
        "wrong": [
            (lambda z, errors: start_by_loop(z, -errors), "the worst starts"),
            (lambda z, errors: z[errors.sum(dim=1).argmin()], "one start for all"),
            (lambda z, errors: z[0], "the first start"),
            (lambda z, errors: z.sum(0) / len(z), "a mean of latents"),
            (lambda z, errors: z[(errors == errors.min()).nonzero()[0, 0]], "smallest error anywhere"),
            (lambda z, errors: torch.stack([z[s, errors[s].argmin()] for s in range(len(z))]), "best image of each"),
            (lambda z, errors: (torch.softmax(-errors, 0)[..., None] * z).sum(0), "weighted by errors"),
        ],
    },
}
