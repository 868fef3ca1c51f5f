"""Answers to the exercises of lesson 17 as different people would write them, right and wrong; see test_check.py."""

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


def points_likelier(x_t, t, a, b, p):
    za, zb = (x_t - t * a) / (1 - t), (x_t - t * b) / (1 - t)
    first = p * (-za * za / 2).exp() > (1 - p) * (-zb * zb / 2).exp()
    return torch.where(first, a - za, b - zb)


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
            (lambda *g: points(*g, start=lambda x_t, t, end: x_t - t * end), "divide by 1 - t"),
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
            (lambda a, b, w: (b + w * (b - a)).softmax(0), "one ratio too many"),
            (lambda a, b, w: b.softmax(0), "left out w"),
            (guided_plainly, "not finite"),
        ],
    },
}
