"""Answers to the exercises of lesson 10b as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch


def mi_by_loop(joint):
    total = 0.0
    rows, columns = joint.sum(1), joint.sum(0)
    for i in range(joint.shape[0]):
        for j in range(joint.shape[1]):
            if joint[i, j] > 0:
                total += joint[i, j].item() * math.log(joint[i, j] / (rows[i] * columns[j]))
    return total


def lost_by_loop(p_wd, p_s_d):
    p_ws = torch.zeros(len(p_wd), p_s_d.shape[1], dtype=torch.float64)
    for w in range(len(p_wd)):
        for d in range(len(p_s_d)):
            p_ws[w] += p_wd[w, d] * p_s_d[d]
    return mi_by_loop(p_wd) - mi_by_loop(p_ws)


def entropy(p):
    return -torch.special.xlogy(p, p).sum()


def mi_by_entropies(joint):
    return entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint)


def lost_by_entropies(p_wd, p_s_d):
    return mi_by_entropies(p_wd) - mi_by_entropies(p_wd @ p_s_d)


def lost_by_the_chain_rule(p_wd, p_s_d):
    """I(W; D | S), from the whole table."""
    whole = p_wd[:, :, None] * p_s_d
    return entropy(whole.sum(1)) + entropy(whole.sum(0)) - entropy(whole) - entropy(whole.sum((0, 1)))


def lost_unsafe(p_wd, p_s_d):
    def mi(p):
        return (p * torch.log(p / (p.sum(1, keepdim=True) * p.sum(0)))).sum()

    return mi(p_wd) - mi(p_wd @ p_s_d)


def lost_nearly_safe(p_wd, p_s_d):
    def mi(p):
        return torch.special.xlogy(p, p / (p.sum(1, keepdim=True) * p.sum(0))).sum()

    return mi(p_wd) - mi(p_wd @ p_s_d)


def p_ds(p_wd, p_s_d):
    return p_wd.sum(0)[:, None] * p_s_d


def one_margin(p):
    return torch.special.xlogy(p, p).sum() - torch.special.xlogy(p, p.sum(1, keepdim=True)).sum()


def by_steps(measured, wrong, classes):
    """Search on a line: what is measured grows with a."""
    low, high = -2.0, 3.0
    for _ in range(80):
        a = (low + high) / 2
        if (1 - wrong) * a + wrong * (1 - a) / (classes - 1) < measured:
            low = a
        else:
            high = a
    return a


def by_a_matrix(measured, wrong, classes):
    kept = np.array([[1 - wrong, wrong / (classes - 1)], [wrong, 1 - wrong / (classes - 1)]])
    return np.linalg.solve(kept, [measured, 1 - measured])[0]


ANSWERS = {
    "10b.1": {
        "right": [lost_by_loop, lost_by_entropies, lost_by_the_chain_rule],
        "wrong": [
            (lambda p, t: mi_by_loop(p @ t), "what is left"),
            (lambda p, t: mi_by_loop(p), "what was there"),
            (lambda p, t: mi_by_entropies(p @ t) - mi_by_entropies(p), "other way round"),
            (lambda p, t: mi_by_entropies(p) - mi_by_entropies(p_ds(p, t)), "about the data"),
            (lambda p, t: mi_by_entropies(p_ds(p, t)), "returned I(D; S)"),
            (lambda p, t: lost_by_loop(p, t) / math.log(2), "in bits"),
            (lambda p, t: mi_by_loop(p) - mi_by_loop(t / t.sum()), "for a joint table"),
            (lambda p, t: mi_by_entropies(p) - mi_by_loop(t), "p(s | d) itself into (10b.1)"),
            (lambda p, t: mi_by_loop(p) - mi_by_entropies((p[:, :, None] * t).flatten(1)), "data are thrown away"),
            (lambda p, t: 1 - mi_by_loop(p @ t) / mi_by_loop(p), "as a fraction"),
            (lambda p, t: entropy(p) - entropy(p @ t), "returned entropies"),
            (lambda p, t: one_margin(p) - one_margin(p @ t), "by p(w) alone"),
            (lambda p, t: lost_by_loop(p / p.sum(1, keepdim=True) / len(p), t), "each world counts alike"),
            (lost_unsafe, "a log of 0"),
            (lost_nearly_safe, "column of zeros"),
        ],
    },
    "10b.2": {
        "right": [by_steps, by_a_matrix],
        "wrong": [
            (lambda m, w, k: m / (1 - w), "may meet a wrong label"),
            (lambda m, w, k: m + w, "added the wrong labels"),
            (lambda m, w, k: (m - w) / (1 - w), "took every wrong label for a hit"),
            (lambda m, w, k: (m - w / k) / (1 - w - w / k), "classes - 1 of them"),
            (lambda m, w, k: (m - w) / (1 - w - w), "Only one in classes - 1"),
            (lambda m, w, k: (1 - w) * m + w * (1 - m) / (k - 1), "the wrong way"),
            (lambda m, w, k: m - m * w, "solve for a"),
            (lambda m, w, k: (m - w / (k - 1)) / (1 - w), "1 - a"),
            (lambda m, w, k: m - w / (k - 1), "a right answer meet a wrong label"),
            (lambda m, w, k: (m - w / (k - 1)) / (1 - w + w / (k - 1)), "sign of the lucky part"),
            (lambda m, w, k: 100 * by_a_matrix(m, w, k), "in percent"),
        ],
    },
}
