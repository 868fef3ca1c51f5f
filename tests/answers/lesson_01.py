"""Answers to the exercises of lesson 01 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from ganlab import losses, probability

LOG_4 = math.log(4)


def by_log_odds(p_data, p_g, pi):
    return torch.sigmoid(torch.log(p_data / p_g) + math.log(pi / (1 - pi)))


def by_numpy(p_data, p_g, pi):
    return 1 / (1 + (1 - pi) / pi * p_g.numpy() / p_data.numpy())


def by_brute_force(p_data, p_g, pi):
    d = torch.linspace(1e-6, 1 - 1e-6, 1_000_001, dtype=torch.float64)[:, None]
    return d[(pi * p_data * d.log() + (1 - pi) * p_g * (1 - d).log()).argmax(dim=0), 0]


def slopes_by_autograd(logits):
    logits = logits.clone().requires_grad_()
    first = torch.autograd.grad(losses.log_one_minus_d(logits).sum(), logits)[0]
    return first, torch.autograd.grad(-losses.log_d(logits).sum(), logits)[0]


def slopes_by_differences(logits, h=1e-5):
    def minimax(a):
        return -F.softplus(a)

    def non_saturating(a):
        return F.softplus(-a)

    return tuple((f(logits + h) - f(logits - h)) / (2 * h) for f in (minimax, non_saturating))


def slopes_by_numpy(logits):
    a = logits.numpy()
    return -np.exp(a) / (1 + np.exp(a)), -1 / (1 + np.exp(a))


def slopes_of_the_mean(logits):
    logits = logits.clone().requires_grad_()
    first = torch.autograd.grad(losses.log_one_minus_d(logits).mean(), logits)[0]
    return first, torch.autograd.grad(-losses.log_d(logits).mean(), logits)[0]


def slopes_by_d(logits):
    d = torch.sigmoid(logits).requires_grad_()
    first = torch.autograd.grad(torch.log(1 - d).sum(), d)[0]
    return first, torch.autograd.grad(-torch.log(d).sum(), d)[0]


def jsd_by_package(real_logits, fake_logits):
    v = losses.value(real_logits, fake_logits)
    variance = losses.log_d(real_logits).var() / len(real_logits)
    variance += losses.log_one_minus_d(fake_logits).var() / len(fake_logits)
    return v / 2 + math.log(2), 0.5 * variance**0.5


def jsd_by_numpy(real_logits, fake_logits):
    earned = [-np.logaddexp(0, -real_logits.numpy()), -np.logaddexp(0, fake_logits.numpy())]
    errors = [e.std() / np.sqrt(e.size) for e in earned]  # divides by n, not n - 1
    return 0.5 * (earned[0].mean() + earned[1].mean()) + np.log(2), 0.5 * np.hypot(*errors)


def jsd_with(estimate, error):
    """Return an answer that puts its last lines together from log D on real and log(1 - D) on fake samples."""

    def answer(real_logits, fake_logits):
        a, b = F.logsigmoid(real_logits), F.logsigmoid(-fake_logits)
        return estimate(a.mean() + b.mean()), error(a, b)

    return answer


def jsd_by_sigmoids(real_logits, fake_logits):
    a, b = torch.log(torch.sigmoid(real_logits)), torch.log(1 - torch.sigmoid(fake_logits))
    return (a.mean() + b.mean() + LOG_4) / 2, right_error(a, b)


def jsd_of_log_d_alone(real_logits, fake_logits):
    a, b = F.logsigmoid(real_logits), F.logsigmoid(fake_logits)
    return (a.mean() + b.mean() + LOG_4) / 2, right_error(a, b)


def right_error(a, b):
    return torch.sqrt(a.var() / a.numel() + b.var() / b.numel()) / 2


def error_of_v(a, b):
    return 2 * right_error(a, b)


def half(v):
    return v / 2 + math.log(2)


ANSWERS = {
    "01.1": {
        "right": [by_log_odds, by_numpy, by_brute_force],
        "wrong": [
            (lambda p, q, pi: torch.sigmoid(probability.optimal_logits(p.log(), q.log())), "pi does not enter"),
            (lambda p, q, pi: by_log_odds(p, q, 1 - pi), "swapped"),
            (lambda p, q, pi: 1 - by_numpy(p, q, pi), "probability of a fake"),
            (lambda p, q, pi: pi * torch.sigmoid(p.log() - q.log()), "nothing below it"),
            (lambda p, q, pi: 1 / (1 + q / (pi * p)), "p_g not at all"),
            (lambda p, q, pi: pi * p / (p + q - pi * q), "only above it"),
            (lambda p, q, pi: p / (pi * p + (1 - pi) * q), "numerator needs its share"),
            (lambda p, q, pi: p / q * pi / (1 - pi), "odds"),
            (lambda p, q, pi: p.log() - q.log() + math.log(pi) - math.log(1 - pi), "sigmoid"),
        ],
    },
    "01.2": {
        "right": [slopes_by_autograd, slopes_by_differences, slopes_by_numpy],
        "wrong": [
            (lambda a: tuple(-slope for slope in slopes_by_autograd(a)), "signs"),
            (lambda a: (torch.sigmoid(a), -torch.sigmoid(-a)), "slope of -log(1 - D)"),
            (lambda a: (-torch.sigmoid(a), torch.sigmoid(-a)), "+log D"),
            (lambda a: slopes_by_numpy(a)[::-1], "swapped"),
            (slopes_by_d, "chain rule"),
            (lambda a: (torch.exp(a) / (1 + torch.exp(a)) ** 2,) * 2, "outer derivative"),
            (lambda a: (-torch.sigmoid(a) * torch.sigmoid(-a),) * 2, "sign turned"),
            (lambda a: (-F.softplus(a), F.softplus(-a)), "not their slopes"),
            (lambda a: (slopes_by_numpy(a)[0],) * 2, "-log D is another"),
            (slopes_of_the_mean, "0.2 times the reference"),
        ],
    },
    "01.3": {
        "right": [jsd_by_package, jsd_by_numpy, jsd_with(lambda v: (v + LOG_4) / 2, right_error)],
        "wrong": [
            (jsd_by_sigmoids, "log of a sigmoid"),
            (jsd_of_log_d_alone, "for the fakes as well"),
            (jsd_with(lambda v: v + math.log(2), error_of_v), "log 2 to V"),
            (jsd_with(lambda v: v, error_of_v), "V itself"),
            (jsd_with(lambda v: v / 2, right_error), "log 4 is missing"),
            (jsd_with(lambda v: v + LOG_4, error_of_v), "divide by 2"),
            (jsd_with(lambda v: v + LOG_4, right_error), "as you did with the error"),
            (jsd_with(lambda v: v - LOG_4, error_of_v), "and a half"),
            (jsd_with(lambda v: v - LOG_4, right_error), "and a half"),
            (lambda real_logits, fake_logits: jsd_by_numpy(fake_logits, real_logits), "swapped"),
            (jsd_with(lambda v: (v - LOG_4) / 2, right_error), "sign of log 4"),
            (jsd_with(lambda v: 0.5 * v + 0.5 * math.log(2), right_error), "not log 2"),
            (jsd_with(lambda v: 0.5 * v + math.log(2), error_of_v), "halved along"),
            (jsd_with(lambda v: 0.5 * v + math.log(2), lambda a, b: torch.hypot(a.std(), b.std()) / 2), "square root"),
            (
                jsd_with(
                    lambda v: 0.5 * v + math.log(2),
                    lambda a, b: 0.5 * a.std() / math.sqrt(len(a)) + 0.5 * b.std() / math.sqrt(len(b)),
                ),
                "add as squares",
            ),
            (
                jsd_with(
                    lambda v: 0.5 * v + math.log(2),
                    lambda a, b: 0.5 * torch.hypot(a.std(), b.std()) / math.sqrt(len(a) + len(b)),
                ),
                "its own count",
            ),
            (jsd_with(half, lambda a, b: torch.sqrt((a.var() + b.var()) / len(a)) / 2), "counts differ"),
            (jsd_with(half, lambda a, b: torch.sqrt((a.var() + b.var()) / len(b)) / 2), "counts differ"),
            (jsd_with(half, lambda a, b: torch.sqrt((a.var() / len(a) + b.var() / len(b)) / 2)), "outside of the root"),
            (jsd_with(half, lambda a, b: right_error(a, b) ** 2), "its root is"),
            (jsd_with(half, lambda a, b: (a.var() / len(a) + b.var() / len(b)) / 2), "a variance still"),
        ],
    },
}
