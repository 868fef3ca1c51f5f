"""Answers to the exercises of lesson 06c as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
from scipy import linalg, special


def mixture_by_logsumexp(log_p, log_q, eps):
    terms = torch.stack([log_p + np.log(1 - eps), log_q + np.log(eps)])
    return terms.logsumexp(0)


def mixture_by_scipy(log_p, log_q, eps):
    weights = np.array([[1 - eps], [eps]])
    return special.logsumexp(np.stack([log_p.numpy(), log_q.numpy()]), axis=0, b=weights)


def mixture_by_ratio(log_p, log_q, eps):
    top = torch.maximum(log_p, log_q)
    return top + torch.log((1 - eps) * (log_p - top).exp() + eps * (log_q - top).exp())


def root(S):
    return torch.tensor(np.real(linalg.sqrtm(S.numpy())))


def map_by_scipy(S1, S2):
    R = root(S1)
    return torch.linalg.inv(R) @ root(R @ S2 @ R) @ torch.linalg.inv(R)


def map_by_solve(S1, S2):
    values, vectors = torch.linalg.eigh(S1)
    R = vectors @ torch.diag(values**0.5) @ vectors.T
    values, vectors = torch.linalg.eigh(R @ S2 @ R)
    middle = vectors @ torch.diag(values**0.5) @ vectors.T
    return torch.linalg.solve(R, torch.linalg.solve(R, middle).T)


def map_by_product(S1, S2):
    """A = S1^-1 (S1 S2)^(1/2): the same matrix, by a root of one that is not symmetric."""
    return torch.linalg.inv(S1) @ root(S1 @ S2)


def map_by_quotient(a, b):
    quotient = a.inverse() @ b
    root_of_it = torch.eye(len(a), dtype=a.dtype)
    for _ in range(60):  # Newton's steps, damped by averaging
        root_of_it = (root_of_it + root_of_it.inverse() @ quotient) / 2
    return root_of_it


ANSWERS = {
    "06c.1": {
        "right": [mixture_by_logsumexp, mixture_by_scipy, mixture_by_ratio],
        "wrong": [
            (lambda p, q, eps: torch.log((1 - eps) * torch.exp(p) + eps * torch.exp(q)), "left the logarithms"),
            (lambda p, q, eps: p + eps * (q - p), "averaged the logs"),
            (lambda p, q, eps: mixture_by_ratio(p, q, 1 - eps), "exchanged the weights"),
            (lambda p, q, eps: torch.stack([p, q]).logsumexp(0), "without their weights"),
            (lambda p, q, eps: mixture_by_ratio(p, q, 0.5), "the weight 1/2"),
            (lambda p, q, eps: p + np.log(1 - eps), "left the noise out"),
            (lambda p, q, eps: torch.logaddexp((1 - eps) * p, eps * q), "multiplied the logs"),
            (lambda p, q, eps: torch.max(p + np.log(1 - eps), q + np.log(eps)), "the larger of the two"),
            (lambda p, q, eps: mixture_by_logsumexp(p, q, eps).mean(), "the mean over the images"),
            (lambda p, q, eps: -mixture_by_ratio(p, q, eps), "the sign"),
        ],
    },
    "06c.2": {
        "right": [map_by_scipy, map_by_solve, map_by_product],
        "wrong": [
            (lambda a, b: map_by_scipy(b, a), "from S2 to S1"),
            (lambda a, b: torch.linalg.inv(map_by_solve(a, b)), "from S2 to S1"),
            (lambda a, b: root(b) @ torch.linalg.inv(root(a)), "not the cheapest"),
            (lambda a, b: root(a).inverse() @ root(b), "multiplied S1^-1/2 by S2^1/2"),
            (map_by_quotient, "the root of S1^-1 S2"),
            (lambda a, b: torch.linalg.cholesky(b) @ torch.linalg.cholesky(a).inverse(), "Cholesky"),
            (lambda a, b: b, "left out the root"),
            (lambda a, b: a.inverse() @ root(a @ b @ a) @ a.inverse(), "R is the root of S1"),
            (lambda a, b: a.sqrt().inverse() @ root(a.sqrt() @ b @ a.sqrt()) @ a.sqrt().inverse(), "of each entry"),
            (lambda a, b: root(root(a) @ b @ root(a)), "on both sides"),
            (lambda a, b: root(a).inverse() @ (root(a) @ b @ root(a)).sqrt() @ root(a).inverse(), "entry of R S2 R"),
            (lambda a, b: root(a) @ root(root(a) @ b @ root(a)) @ root(a), "its inverse"),
            (lambda a, b: root(a).inverse() @ root(root(a) @ b @ root(a)), "on one side"),
            (lambda a, b: b @ a.inverse(), "divided S2 by S1"),
        ],
    },
}
