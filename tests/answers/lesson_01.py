"""Answers to the exercises of lesson 01 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from ganlab import losses, probability


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


ANSWERS = {
    "01.1": {
        "right": [by_log_odds, by_numpy, by_brute_force],
        "wrong": [
            (lambda p, q, pi: torch.sigmoid(probability.optimal_logits(p.log(), q.log())), "You left pi out: this"),
            (lambda p, q, pi: by_log_odds(p, q, 1 - pi), "swapped"),
            (lambda p, q, pi: 1 - by_numpy(p, q, pi), "probability of a fake"),
            (lambda p, q, pi: pi * torch.sigmoid(p.log() - q.log()), "nothing below it"),
            (lambda p, q, pi: 1 / (1 + q / (pi * p)), "p_g not at all"),
            (lambda p, q, pi: pi * p / (p + q - pi * q), "only above it"),
            (lambda p, q, pi: p / (pi * p + (1 - pi) * q), "numerator needs its share"),
            (lambda p, q, pi: p / q * pi / (1 - pi), "odds"),
            (lambda p, q, pi: p.log() - q.log() + math.log(pi) - math.log(1 - pi), "sigmoid"),
            (lambda p, q, pi: torch.sigmoid(p.log() - q.log()) * pi / (1 - pi), "old D*"),
            (lambda p, q, pi: p * pi / pi * p + q * (1 - pi), "in brackets"),
            (lambda p, q, pi: (pi * p) / (pi * p) + (1 - pi) * q, "in brackets"),
            (lambda p, q, pi: pi * p / (1 + pi * (p - q)), "with its brackets"),
            (lambda p, q, pi: by_numpy(p.exp(), q.exp(), pi), "densities already"),
            (lambda p, q, pi: q + pi * (p - q), "density of all that D sees"),
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
            (lambda a: (slopes_by_numpy(a)[0], slopes_by_d(a)[1]), "multiply it by dD/dlogit"),
            (lambda a: (-torch.sigmoid(a), -torch.sigmoid(a) * torch.sigmoid(-a)), "too many"),
            (lambda a: (-torch.sigmoid(a) * torch.sigmoid(-a), -torch.sigmoid(-a)), "factor 1 - D is too many"),
            (lambda a: (1 + torch.exp(a), -1 - torch.exp(-a)), "minus of 1 - D is lost"),
            (lambda a: (torch.sigmoid(-a), -torch.sigmoid(a)), "in this order"),
            (lambda a: (-a, a - 1), "logit where D belongs"),
            (slopes_of_the_mean, "0.2 times the reference"),
        ],
    },
}
