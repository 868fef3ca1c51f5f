"""Answers to the exercises of lesson 10c as different people would write them, right and wrong; see test_check.py."""

import math

import torch
import torch.nn.functional as F


def logits_by_loop(phi, s, bias, v, y):
    found = []
    for picture, k in zip(phi, y, strict=True):
        found.append(torch.dot(s, picture) + bias + torch.dot(v[k], picture))
    return torch.stack(found)


def logits_by_gather(phi, s, bias, v, y):
    every = phi @ v.T  # (B, K)
    return phi @ s + bias + every.gather(1, y[:, None]).squeeze(1)


def logits_by_one_hot(phi, s, bias, v, y):
    chosen = F.one_hot(y, len(v)).double() @ v
    return torch.einsum("bf,bf->b", phi, chosen + s) + bias


def gain_by_loop(p_xy, m):
    total = 0.0
    p_y = p_xy.sum(1)
    for y in range(len(p_xy)):
        for x in range(p_xy.shape[1]):
            m_x = sum(p_y[k] * m[k, x] for k in range(len(m)))
            total += p_xy[y, x] * (torch.log(m[y, x]) - torch.log(m_x))
    return total


def gain_by_terms(p_xy, m):
    """(10c.4): the mutual information, plus one KL, less the mean of the others."""
    p_x, p_y = p_xy.sum(0), p_xy.sum(1)
    m_x = p_y @ m
    f = torch.special.xlogy
    information = (f(p_xy, p_xy) - f(p_xy, p_y[:, None] * p_x)).sum()
    kl = (f(p_x, p_x) - f(p_x, m_x)).sum()
    given_y = p_xy / p_y[:, None]
    kl_y = p_y @ (f(given_y, given_y) - f(given_y, m)).sum(1)
    return information + kl - kl_y


def information(p):
    f = torch.special.xlogy
    return f(p, p).sum() - f(p, p.sum(1, keepdim=True) * p.sum(0)).sum()


def information_unsafe(p):
    return (p * torch.log(p / (p.sum(1, keepdim=True) * p.sum(0)))).sum()


ANSWERS = {
    "10c.1": {
        "right": [logits_by_loop, logits_by_gather, logits_by_one_hot],
        "wrong": [
            (lambda phi, s, bias, v, y: phi @ s + bias, "left out the class"),
            (lambda phi, s, bias, v, y: (phi * v[y]).sum(1), "left out the linear layer"),
            (lambda phi, s, bias, v, y: (phi * (s + v[y])).sum(1), "left out the bias"),
            (lambda phi, s, bias, v, y: phi @ s + bias + (phi * v[y]).mean(dim=-1), "mean over the features"),
            (lambda phi, s, bias, v, y: phi @ s + bias + (phi @ v.T).sum(-1), "summed over all classes"),
            (lambda phi, s, bias, v, y: phi @ s + bias - (phi * v[y]).sum(1), "subtracted"),
            (lambda phi, s, bias, v, y: phi @ s + bias + torch.sum(phi * v[y]), "over the pictures"),
            (lambda phi, s, bias, v, y: phi @ v.T + phi @ s.unsqueeze(1) + bias, "for every class"),
            (
                lambda phi, s, bias, v, y: phi @ s + bias - F.cross_entropy(phi @ v.T, y, reduction="none"),
                "log-softmax",
            ),
            (lambda phi, s, bias, v, y: torch.sigmoid(logits_by_loop(phi, s, bias, v, y)), "probabilities"),
            (lambda phi, s, bias, v, y: phi @ s + bias + torch.matmul(phi, v[y].T).sum(1), "classes of all pictures"),
            (lambda phi, s, bias, v, y: phi @ s + bias + (phi @ v.T).amax(1), "the best class"),
            (lambda phi, s, bias, v, y: phi @ s + bias + (phi @ v.T)[:, y], "table of each picture"),
            (lambda phi, s, bias, v, y: phi @ s + bias + v[y] @ phi.T, "table of each class"),
            (lambda phi, s, bias, v, y: phi * (s + v[y]) + bias, "left the features apart"),
        ],
    },
    "10c.2": {
        "right": [gain_by_loop, gain_by_terms],
        "wrong": [
            (lambda p, m: information(p), "perfect model"),
            (lambda p, m: information(p.sum(1)[:, None] * m), "the model's pairs"),
            (lambda p, m: (p * m.log()).sum() - (p * m.mean(0).log()).sum(), "a plain mean over the classes"),
            (lambda p, m: (p * m.log()).sum() - (p * m.sum(0).log()).sum(), "a plain sum over the classes"),
            (lambda p, m: (p * m.log()).sum() - (p * (p.sum(1) @ m.log())).sum(), "Mix the probabilities first"),
            (lambda p, m: -gain_by_loop(p, m), "other way round"),
            (lambda p, m: (p * m.log()).sum() - p.sum(0) @ (p.sum(0) * m).sum(0).log(), "sum of each row"),
            (lambda p, m: ((m / (p.sum(1) @ m)).log() @ p.sum(0)).sum(), "its own p(x, y)"),
            (lambda p, m: gain_by_loop(p, m) / math.log(2), "in bits"),
            (lambda p, m: (m / (p.sum(1) @ m)).log().mean(), "Weigh each by p_xy"),
            (lambda p, m: (p * m.log()).sum(), "Subtract E log m(x)"),
            (lambda p, m: (p * (m / (p.sum(1) @ m)).log()).mean(), "add up to 1 already"),
            (lambda p, m: (p * (m / p.sum(0)).log()).sum(), "Both logs are the model's"),
            (lambda p, m: (p / p.sum(1, keepdim=True) * (m / (p.sum(1) @ m)).log()).sum(), "Weigh with p(x, y)"),
            (lambda p, m: information_unsafe(p), "a log of p_xy"),
        ],
    },
}
