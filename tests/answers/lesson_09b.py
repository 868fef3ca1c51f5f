"""Answers to the exercises of lesson 09b as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F


def direction_by_loop(z, f):
    mean = f.mean().item()
    total = np.zeros(z.shape[1])
    for row, value in zip(z.numpy(), f.numpy(), strict=True):
        total += row * (value - mean)
    return total / np.linalg.norm(total)


def direction_by_product(z, f):
    w = z.T @ (f - f.mean())
    return w / torch.sqrt(w @ w)


def direction_with(weight):
    """Return an answer that takes other weights."""

    def answer(z, f):
        w = z.T @ weight(f) / len(f)
        return w / w.norm()

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


def apart_in_turn_unscaled(wanted, others):
    for other in others:
        wanted = wanted - (wanted @ other) * other
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


def unscaled(z, f):
    return z.T @ (f - f.mean()) / len(z)


def difference_of_halves(z, f):
    above = f > f.mean()
    d = z[above].mean(0) - z[~above].mean(0)
    return d / d.norm()


ANSWERS = {
    "09b.1": {
        "right": [direction_by_loop, direction_by_product, direction_with(lambda f: f - f.mean())],
        "wrong": [
            (direction_with(lambda f: f), "did not subtract the mean"),
            (lambda z, f: z.T @ (f - f.mean()) / len(z), "length is not 1"),
            (direction_with(lambda f: f.mean() - f), "opposite direction"),
            (direction_with(torch.ones_like), "without their measurements"),
            (direction_with(lambda f: (f - f.mean()).abs()), "absolute value"),
            (lambda z, f: F.normalize(torch.linalg.pinv(z) @ (f - f.mean()), dim=0), "a regression"),
            (lambda z, f: direction_by_product(z / z.norm(dim=1, keepdim=True), f), "each latent to length 1"),
            (lambda z, f: (z.T @ (f - f.mean())) / (z.T @ (f - f.mean())).sum(), "to sum 1"),
            (direction_with(lambda f: torch.where(f > f.mean(), 1.0, -1.0).to(f.dtype)), "the sign"),
            (difference_of_halves, "forgets by how much"),
            (lambda z, f: unscaled(z, f) / unscaled(z, f).norm() ** 2, "by the squared length"),
            (lambda z, f: unscaled(z, f) / unscaled(z, f).abs().max(), "largest number to 1"),
            (lambda z, f: F.normalize((z * (f - f.mean())[:, None]).mean(1), dim=0), "over the D numbers"),
            (lambda z, f: F.normalize((z * (f - f.mean())[:, None]).mean(), dim=0), "over everything"),
            (lambda z, f: F.normalize(z * (f - f.mean())[:, None], dim=1).mean(0), "before the mean"),
            (lambda z, f: F.normalize(unscaled(z, f)), "dim=0"),
        ],
    },
    "09b.2": {
        "right": [apart_by_lstsq, apart_by_gram_schmidt, apart_by_pinv],
        "wrong": [
            (apart_in_turn, "brings back some of the first"),
            (apart_in_turn_unscaled, "one after the other, and as if each had length 1"),
            (apart_at_once, "taken away twice"),
            (lambda w, o: w - torch.linalg.pinv(o) @ (o @ w), "its length is not 1"),
            (apart_inside, "span of the others"),
            (lambda w, o: w / w.norm(), "do not enter"),
            (lambda w, o: -apart_by_lstsq(w, o), "opposite direction"),
            (raw_projection, "as if the others had length 1"),
            (lambda w, o: F.normalize(w - o.T @ (F.normalize(o, dim=1) @ w), dim=0), "other once"),
            (lambda w, o: F.normalize(w + torch.linalg.pinv(o) @ (o @ w), dim=0), "You added"),
            (lambda w, o: apart_in_turn(w, o.mean(0, keepdim=True)), "mean only"),
            (lambda w, o: F.normalize(w - o.sum(0), dim=0), "the others themselves"),
        ],
    },
}
