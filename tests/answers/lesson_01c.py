"""Answers to the exercises of lesson 01c as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from ganlab import losses, probability

LOG_4 = math.log(4)


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


def logit_by_package(x, mu, sigma):
    x = x.clone().requires_grad_()
    real, fake = (probability.gaussian_log_density(x, *given) for given in ((0.0, 1.0), (mu, sigma)))
    logit = probability.optimal_logits(real, fake)
    return logit, torch.autograd.grad(logit.sum(), x)[0]


def logit_by_numpy(x, mu, sigma):
    x = x.numpy()
    return np.log(sigma) + 0.5 * ((x - mu) / sigma) ** 2 - 0.5 * x * x, (x - mu) / sigma**2 - x


def logit_with(first=None, second=None):
    """Return an answer with another logit or slope than the right one, each of (x, mu, sigma)."""

    def answer(x, mu, sigma):
        logit, slope = logit_by_package(x, mu, sigma)
        return first(x, mu, sigma) if first else logit, second(x, mu, sigma) if second else slope

    return answer


def squares(x, mu, sigma):
    return ((x - mu) ** 2 / sigma**2 - x**2) / 2


ANSWERS = {
    "01c.1": {
        "right": [jsd_by_package, jsd_by_numpy, jsd_with(lambda v: (v + LOG_4) / 2, right_error)],
        "wrong": [
            (jsd_by_sigmoids, "log of a sigmoid"),
            (jsd_of_log_d_alone, "for the fakes as well"),
            (jsd_with(lambda v: v + math.log(2), error_of_v), "log 2 to V"),
            (jsd_with(lambda v: v, error_of_v), "V itself"),
            (jsd_with(lambda v: v / 2, right_error), "You left out log 4"),
            (jsd_with(lambda v: v + LOG_4, error_of_v), "divide by 2"),
            (jsd_with(lambda v: v + LOG_4, right_error), "as you did with the error"),
            (jsd_with(lambda v: v - LOG_4, error_of_v), "left out a half"),
            (jsd_with(lambda v: v - LOG_4, right_error), "left out a half"),
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
            (lambda real, fake: (jsd_by_package(real, fake)[0], right_error(real, fake)), "not of the logits"),
            (jsd_with(half, lambda a, b: (a.var() / len(a) + b.var() / len(b)) / 2), "a variance still"),
        ],
    },
    "01c.2": {
        "right": [logit_by_package, logit_by_numpy],
        "wrong": [
            (logit_with(squares), "left out the constants"),
            (logit_with(lambda x, mu, s: squares(x, mu, s) - math.log(s)), "subtracted log sigma"),
            (logit_with(lambda x, mu, s: squares(x, mu, s) + math.log(s**2)), "log sigma twice"),
            (lambda x, mu, s: tuple(-part for part in logit_by_numpy(x, mu, s)), "subtracted log p_data from"),
            (
                lambda x, mu, s: ((x - mu) ** 2 / (2 * s) - x**2 / 2 + math.log(s), (x - mu) / s - x),
                "divided by sigma",
            ),
            (
                lambda x, mu, s: ((x - mu) ** 2 / (2 * s) - x**2 / 2 + 0.5 * math.log(s), (x - mu) / s - x),
                "sigma for the variance",
            ),
            (
                lambda x, mu, s: (2 * squares(x, mu, s) + math.log(s), 2 * ((x - mu) / s**2 - x)),
                "left out the halves",
            ),
            (lambda x, mu, s: (mu * mu / 2 - mu * x, torch.full_like(x, -mu)), "straight line"),
            (lambda x, mu, s: logit_by_numpy(x, -mu, s), "added mu to x"),
            (lambda x, mu, s: (mu / s**2 * (mu / 2 - x), torch.full_like(x, -mu / s**2)), "the same sigma"),
            (
                lambda x, mu, s: (-squares(x, mu, s) - x**2 - math.log(s), -x - (x - mu) / s**2),
                "added the two log densities",
            ),
            (logit_with(lambda *given: logit_by_package(*given)[0].sigmoid()), "without the sigmoid"),
            (logit_with(None, lambda x, mu, s: (x - mu) / s**2), "lacks the part of p_data"),
            (logit_with(None, lambda x, mu, s: torch.full_like(x, -mu)), "lost the sigma^2"),
            (logit_with(None, lambda x, mu, s: (mu - x) / s**2), "slope by mu"),
            (logit_with(None, lambda x, mu, s: x - (x - mu) / s**2), "wrong sign"),
        ],
    },
}
