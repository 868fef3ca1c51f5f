"""Answers to the exercises of lesson 17 as different people would write them, right and wrong; see test_check.py."""

import math

import torch


def points(x_t, t, a, b, p, weight=lambda z, p: p * (-z * z / 2).exp(), start=None, speed=lambda x_t, z, end: end - z):
    start = start or (lambda x_t, t, end: (x_t - t * end) / (1 - t))
    starts = [start(x_t, t, end) for end in (a, b)]
    weights = [weight(z, prior) for z, prior in zip(starts, (p, 1 - p), strict=True)]
    speeds = [speed(x_t, z, end) for z, end in zip(starts, (a, b), strict=True)]
    return sum(w * v for w, v in zip(weights, speeds, strict=True)) / sum(weights)


def points_by_mean_of_the_end(x_t, t, a, b, p):
    variance = (1 - t) ** 2
    logs = [torch.tensor(q).log() - (x_t - t * e) ** 2 / (2 * variance) for e, q in ((a, p), (b, 1 - p))]
    to_a = torch.sigmoid(logs[0] - logs[1])
    end = to_a * a + (1 - to_a) * b
    return (end - x_t) / (1 - t)


def points_plainly(x_t, t, a, b, p, density=lambda z: (-z * z / 2).exp(), whole=lambda w_a, w_b: w_a + w_b):
    za, zb = (x_t - t * a) / (1 - t), (x_t - t * b) / (1 - t)
    w_a, w_b = p * density(za), (1 - p) * density(zb)
    return (w_a * (a - za) + w_b * (b - zb)) / whole(w_a, w_b)


def points_with_density_at_the_gap(x_t, t, a, b, p):
    za, zb = (x_t - t * a) / (1 - t), (x_t - t * b) / (1 - t)
    w_a, w_b = p * (-((x_t - a) ** 2) / 2).exp(), (1 - p) * (-((x_t - b) ** 2) / 2).exp()
    return (w_a * (a - za) + w_b * (b - zb)) / (w_a + w_b)


def points_with_density_before_division(x_t, t, a, b, p):
    za, zb = (x_t - t * a) / (1 - t), (x_t - t * b) / (1 - t)
    w_a, w_b = p * (-((x_t - t * a) ** 2) / 2).exp(), (1 - p) * (-((x_t - t * b) ** 2) / 2).exp()
    return (w_a * (a - za) + w_b * (b - zb)) / (w_a + w_b)


def points_likelier(x_t, t, a, b, p):
    za, zb = (x_t - t * a) / (1 - t), (x_t - t * b) / (1 - t)
    first = p * (-za * za / 2).exp() > (1 - p) * (-zb * zb / 2).exp()
    return torch.where(first, a - za, b - zb)


def normal(z):
    return (-z * z / 2).exp() / (2 * math.pi) ** 0.5


def guided_by_division(log_p, log_p_y, w):
    logs = (1 - w) * log_p + w * log_p_y
    p = (logs - logs.max()).exp()
    return p / p.sum()


def guided_plainly(log_p, log_p_y, w):
    p, q = log_p.exp(), log_p_y.exp()
    made = p * (q / p) ** w
    return made / made.sum()


ANSWERS = {
    "17.1": {
        "right": [points, points_by_mean_of_the_end],
        "wrong": [
            (lambda *g: points(*g, weight=lambda z, p: 1 + 0 * z), "same weight"),
            (lambda *g: points(*g, weight=lambda z, p: p + 0 * z), "p and 1 - p alone"),
            (lambda *g: points(*g, weight=lambda z, p: (-z * z / 2).exp()), "left out p"),
            (lambda *g: points(*g, weight=lambda z, p: p * (-z * z).exp()), "without the half"),
            (points_likelier, "likelier end"),
            (lambda *g: points(*g, speed=lambda x_t, z, end: end + 0 * z), "mean of the ends"),
            (lambda *g: points(*g, speed=lambda x_t, z, end: end - x_t), "minus the *place*"),
            (lambda *g: points(*g, speed=lambda x_t, z, end: z - end), "turned the velocity round"),
            (lambda *g: points(*g, speed=lambda x_t, z, end: z), "mean of the starts"),
            (lambda *g: points(*g, start=lambda x_t, t, end: x_t - t * end), "divide by 1 - t"),
            (lambda *g: points_plainly(*g, whole=lambda w_a, w_b: 1), "divide by the sum"),
            (lambda *g: points_plainly(*g, normal, lambda w_a, w_b: 1), "divide by the sum"),
            (lambda *g: points_plainly(*g, lambda z: normal(z).log()), "*logarithm* of the density"),
            (lambda *g: points(*g, weight=lambda z, p: math.log(p) + normal(z).log()), "*logarithm* of the density"),
            (lambda x_t, t, a, b, p: points(x_t, t, a, b, 1 - p), "exchanged p and 1 - p"),
            (lambda x_t, t, a, b, p: points_plainly(x_t, 1 - t, a, b, p), "exchanged t and 1 - t"),
            (lambda *g: points(*g, start=lambda x_t, t, end: x_t - t * end / (1 - t)), "Put brackets round"),
            (points_with_density_at_the_gap, "density at x_t - end"),
            (points_with_density_before_division, "density at x_t - t * end"),
        ],
    },
    "17.2": {
        "right": [guided_by_division, lambda a, b, w: torch.softmax((1 - w) * a + w * b, -1)],
        "wrong": [
            (lambda a, b, w: (a + w * (b - a)).exp(), "add up to 1"),
            (lambda a, b, w: (a + w * (b - a)).log_softmax(0), "logarithms"),
            (lambda a, b, w: (a + w * b).softmax(0), "multiplied p(x) by"),
            (lambda a, b, w: (w * (b - a)).softmax(0), "first p(x)"),
            (lambda a, b, w: (a + w * (a - b)).softmax(0), "ratio round"),
            (lambda a, b, w: ((1 - w) * b + w * a).softmax(0), "exchanged w and 1 - w"),
            (lambda a, b, w: (b + w * (b - a)).softmax(0), "one ratio too many"),
            (lambda a, b, w: b.softmax(0), "left out w"),
            (guided_plainly, "not finite"),
            (lambda a, b, w: (a + w * (b - a)).exp() / (a + w * (b - a)).exp().sum(), "overflows"),
            (lambda a, b, w: (1 - w) * a.exp() + w * b.exp(), "mixed the probabilities"),
            (lambda a, b, w: (a.exp() * (b.exp() / a.exp()) ** w).softmax(0), "gave softmax the product"),
            (lambda a, b, w: (a + (b - a) ** w).softmax(0), "to the power w"),
            (lambda a, b, w: (a * (b / a) ** w).softmax(0), "put logarithms where"),
            (lambda a, b, w: a + w * (b - a), "you returned it"),
            (lambda a, b, w: (a + w * (b - a)) / (a + w * (b - a)).sum(), "divided the logarithms"),
            (lambda a, b, w: (a * w * (b - a)).softmax(0), "multiplied log p(x)"),
            (lambda a, b, w: (a + w * (b / a)).softmax(0), "divided the logarithms. The"),
            (lambda a, b, w: (a + w * b - a).softmax(0), "Brackets are missing"),
        ],
    },
}
