"""Answers to the exercises of lesson 00 as different people would write them, right and wrong; see test_check.py."""

import statistics

import numpy as np
import torch


def in_place(pixels):
    pixels = pixels.float()
    pixels -= 127.5
    pixels /= 127.5
    return pixels


def overflowing(pixels):
    return (pixels * 2) / 255.0 - 1


def by_hand(values):
    n = len(values)
    mean = sum(values) / n
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, (variance / n) ** 0.5


def by_statistics(values):
    values = values.tolist()
    return [statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5]


def by_torch(values):
    values = torch.tensor(values)
    return values.mean(), values.std() / len(values) ** 0.5


ANSWERS = {
    "00.1": {
        "right": [in_place, lambda p: p.double() / 255 * 2 - 1, lambda p: np.interp(p.numpy(), [0, 255], [-1, 1])],
        "wrong": [
            (lambda p: torch.true_divide(p, 255), "range twice as wide"),
            (lambda p: p / 255 * 2, "the start is not"),
            (lambda p: (p.float() - 128) / 128, "255 must land on exactly 1"),
            (lambda p: (127.5 - p.numpy()) / 127.5, "swapped"),
            (overflowing, "wraps"),
            (lambda p: p / 255 - 0.5, "half the range"),
            (lambda p: p.float() * 2 - 1, "before you double"),
            (lambda p: (p.float() - 255) / 255, "half as wide"),
            (lambda p: np.tanh(p.numpy() / 255), "also those from 0 to 1"),
            (lambda p: p.numpy() - 127.5, "not scaled"),
            (lambda p: p.float() / p.float().max() * 2 - 1, "not by the largest value"),
            (lambda p: torch.tanh(p.float()), "the generator's last step"),
            (lambda p: (p - 128) / 128.0, "wrap below 0"),
            (lambda p: [value / 127.5 - 1 for value in p.flatten().tolist()], "shape"),
        ],
    },
    "00.2": {
        "right": [by_hand, by_statistics, by_torch],
        "wrong": [
            (lambda v: (v.mean(), np.std(v, ddof=1)), "the spread of single values"),
            (lambda v: (v.mean(), np.std(v) / len(v) ** 0.5), "n - 1"),
            (lambda v: (v.mean(), np.std(v)), "NumPy's std"),
            (lambda v: (v.mean(), torch.tensor(v).std() / len(v)), "not by the root of n"),
            (lambda v: (v.mean(), np.std(v) / v.size), "NumPy's std by n"),
            (lambda v: (v.mean(), np.var(v, ddof=1) / len(v)), "take the root"),
            (lambda v: (v.mean(), np.var(v, ddof=1) / len(v) ** 0.5), "the root of the variance"),
            (lambda v: (v.mean(), np.std(v, ddof=1) / 5**0.5), "the root of 5"),
            (lambda v: (v.mean(), 2 * np.std(v, ddof=1) / len(v) ** 0.5), "two standard errors"),
            (lambda v: (v.mean(), (max(v) - min(v)) / 2), "half of the range"),
            (lambda v: by_hand(v)[::-1], "the mean comes first"),
            (lambda v: (np.median(v), by_hand(v)[1]), "median"),
        ],
    },
}
