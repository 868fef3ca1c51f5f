"""Answers to the exercises of lesson 03d as different people would write them, right and wrong; see test_check.py."""

import math

import torch


def by_the_formula(width, sigma, kernel, stride):
    return sigma * kernel / stride * math.sqrt(width / 2)


def step_by_step(width, sigma, kernel, stride):
    products = width * (kernel // stride) ** 2
    return torch.tensor(products * sigma**2 * 0.5).sqrt()


def as_numbers(gamma, beta, mean, var, eps):
    deviation = (var + eps) ** 0.5
    return gamma / deviation, beta - mean * gamma / deviation


def by_trying(gamma, beta, mean, var, eps):
    """Asks torch's own layer for its values at 0 and at 1."""
    zero, one = (torch.full((1, len(mean)), value) for value in (0.0, 1.0))
    at_zero, at_one = (
        torch.nn.functional.batch_norm(h, mean, var, gamma, beta, False, 0.0, eps)[0] for h in (zero, one)
    )
    return at_one - at_zero, at_zero


def with_scale(scale):
    return lambda g, b, m, v, e: (scale(g, v, e), b - m * scale(g, v, e))


def with_shift(shift):
    return lambda g, b, m, v, e: (as_numbers(g, b, m, v, e)[0], shift(as_numbers(g, b, m, v, e)[0], b, m))


ANSWERS = {
    "03d.1": {
        "right": [by_the_formula, step_by_step],
        "wrong": [
            (lambda n, sigma, k, s: sigma * k / s * math.sqrt(n), "left out the ReLU"),
            (lambda n, sigma, k, s: sigma * k / s * math.sqrt(n) / 2, "took a quarter"),
            (lambda n, sigma, k, s: sigma * k * math.sqrt(n / 2), "all k * k"),
            (lambda n, sigma, k, s: sigma * math.sqrt(k / s * n / 2), "one direction only"),
            (lambda n, sigma, k, s: sigma * math.sqrt(2 * n), "kept the 4 products"),
            (lambda n, sigma, k, s: sigma * math.sqrt(k * k / s * n / 2), "by the stride once"),
            (lambda n, sigma, k, s: by_the_formula(n, sigma, k, s) ** 2, "the variance"),
            (lambda n, sigma, k, s: n * sigma * k / s / math.sqrt(2), "multiplied by the width"),
            (lambda n, sigma, k, s: by_the_formula(1, sigma, k, s), "left out the width"),
            (lambda n, sigma, k, s: by_the_formula(n, math.sqrt(sigma), k, s), "sigma for the variance"),
        ],
    },
    "03d.2": {
        "right": [as_numbers, by_trying],
        "wrong": [
            (with_scale(lambda g, v, e: g / (v + e)), "divided by the variance"),
            (with_scale(lambda g, v, e: g / (v**0.5 + e)), "below the root"),
            (with_scale(lambda g, v, e: g / v**0.5), "left eps out"),
            (with_scale(lambda g, v, e: (v + e) ** -0.5), "gamma out"),
            (lambda g, b, m, v, e: (g / (v + e) ** 0.5, b - m / (v + e) ** 0.5), "gamma out of the shift"),
            (with_scale(lambda g, v, e: g * (v + e) ** 0.5), "divides by it"),
            (with_shift(lambda scale, b, m: b - m), "scaled, too"),
            (with_scale(lambda g, v, e: g / (v + 1e-5) ** 0.5), "a small number of your own"),
            (with_scale(lambda g, v, e: g / (v + e**2) ** 0.5), "squared eps"),
            (lambda g, b, m, v, e: (g / (v + e) ** 0.5, b - g * m), "by gamma alone"),
            (with_shift(lambda scale, b, m: b + scale * m), "is subtracted"),
            (with_shift(lambda scale, b, m: scale * (b - m)), "scaled beta"),
            (with_shift(lambda scale, b, m: b), "mean out"),
            (with_shift(lambda scale, b, m: -scale * m), "beta out"),
            (lambda *given: as_numbers(*given)[::-1], "(shift, scale)"),
        ],
    },
}
