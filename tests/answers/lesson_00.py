"""Answers to the exercise of lesson 00 as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch


def in_place(pixels):
    pixels = pixels.float()
    pixels -= 127.5
    pixels /= 127.5
    return pixels


def overflowing(pixels):
    return (pixels * 2) / 255.0 - 1


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
            (lambda p: p.numpy() - 127.5, "not scaled"),
            (lambda p: p.float() / p.float().max() * 2 - 1, "not by the largest value"),
            (lambda p: torch.tanh(p.float()), "the generator's last step"),
            (lambda p: (p - 128) / 128.0, "wrap below 0"),
            (lambda p: [value / 127.5 - 1 for value in p.flatten().tolist()], "shape"),
        ],
    },
}
