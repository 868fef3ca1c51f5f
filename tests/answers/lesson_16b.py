"""Answers to the exercises of lesson 16b as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch


def by_cases(truth, change, scale):
    table = {(t, a): truth * (t == a) + (1 - truth) / 2 for t in (0, 1) for a in (0, 1)}
    first = max(math.log(table[t, a] / table[1 - t, a]) for t in (0, 1) for a in (0, 1))
    return first, change / scale, first + change / scale


def by_search(truth, change, scale):
    u = np.linspace(-50, 50, 20_001)
    noise = ((np.abs(u - change) - np.abs(u)) / scale).max()
    response = math.log((1 + truth) / (1 - truth))
    return [response, noise, math.log(math.exp(response) * math.exp(noise))]


def three(response, noise):
    def answer(truth, change, scale):
        return response(truth), noise(change, scale), response(truth) + noise(change, scale)

    return answer


def right_response(p):
    return math.log((p + (1 - p) / 2) / ((1 - p) / 2))


def right_noise(c, b):
    return c / b


def mean_by_loop(gradients, clip, sigma, noise):
    total = torch.zeros_like(gradients[0])
    for row in gradients:
        length = math.sqrt((row**2).sum().item())
        total += row if length <= clip else row * clip / length
    return (total + sigma * clip * noise) / gradients.shape[0]


def mean_by_numpy(gradients, clip, sigma, noise):
    g = gradients.numpy()
    g = g / np.maximum(1, np.linalg.norm(g, axis=1, keepdims=True) / clip)
    return torch.from_numpy(g.mean(0) + sigma * clip * noise.numpy() / len(g))


def clipped(gradients, clip):
    return torch.stack([row * min(1, clip / row.norm().item()) for row in gradients])


def noise_on_every_row(gradients, clip, sigma, noise):
    factors = (clip / gradients.norm(dim=1, keepdim=True)).clamp(max=1)
    return (gradients * factors + sigma * clip * noise).sum(0) / len(gradients)


ANSWERS = {
    "16b.1": {
        "right": [by_cases, by_search],
        "wrong": [
            (three(lambda p: math.log(p) - math.log(1 - p), right_noise), "truth with 1 - truth"),
            (three(lambda p: (1 + p) / (1 - p), right_noise), "quotient of the probabilities"),
            (three(lambda p: math.log(p / ((1 - p) / 2)), right_noise), "left out the coin"),
            (three(lambda p: -math.log(1 - p), right_noise), "left out the half"),
            (three(right_response, lambda c, b: b * c), "change times scale"),
            (three(right_response, lambda c, b: b / c), "wrong way round"),
            (three(right_response, lambda c, b: 2 * c / b), "doubled"),
            (three(right_response, lambda c, b: math.e ** (c / b)), "quotient of the densities"),
            (three(right_response, lambda c, b: math.log(c / b)), "logarithm of change / scale"),
            (lambda p, c, b: (right_response(p), c / b, right_response(p) * c / b), "multiplied the two"),
            (lambda p, c, b: (right_response(p), c / b, max(right_response(p), c / b)), "larger of the two"),
            (lambda p, c, b: (right_response(p), c / b, (right_response(p) ** 2 + (c / b) ** 2) ** 0.5), "the squares"),
            (three(lambda p: right_response(p) / math.log(2), right_noise), "base 2"),
            (three(lambda p: math.log((1 - p) / (1 + p)), right_noise), "sign wrong"),
            (three(right_response, lambda c, b: c / b / 2), "halved"),
            (three(lambda p: math.log((1 + p) / (2 - 2 * p)), right_noise), "on one side"),
            (
                lambda p, c, b: ((1 + p) / (1 - p), math.e ** (c / b), (1 + p) / (1 - p) * math.e ** (c / b)),
                "all three",
            ),
            (lambda p, c, b: right_response(p) + c / b, "Return three things"),
        ],
    },
    "16b.2": {
        "right": [mean_by_loop, mean_by_numpy],
        "wrong": [
            (lambda g, c, s, z: g.mean(0) + s * c * z / len(g), "did not clip"),
            (lambda g, c, s, z: torch.clip(g, -c, c).mean(0) + s * c * z / len(g), "clipped each entry"),
            (
                lambda g, c, s, z: g.mean(0) / max(1, (g.mean(0).norm() / c).item()) + s * c * z / len(g),
                "clipped the mean",
            ),
            (lambda g, c, s, z: (c * g / g.norm(dim=1)[:, None]).mean(0) + s * c * z / len(g), "stretched"),
            (lambda g, c, s, z: clipped(g, c).mean(0) + s * z / len(g), "left out clip"),
            (lambda g, c, s, z: clipped(g, c).mean(0) + s * c * z, "to the mean"),
            (noise_on_every_row, "or to every row"),
            (lambda g, c, s, z: (g * (c / g.norm()).clamp(max=1)).mean(0) + s * c * z / len(g), "the whole table"),
            (lambda g, c, s, z: clipped(g, c).sum(0) + s * c * z, "did not divide"),
            (lambda g, c, s, z: clipped(g, c).mean(0), "left out the noise"),
            (lambda g, c, s, z: (clipped(g, c).sum(0) + s * c * z) / len(z), "divided by D"),
            (
                lambda g, c, s, z: (
                    (g * torch.minimum(torch.ones(len(g)), c / (g**2).sum(1))[:, None]).mean(0) + s * c * z / len(g)
                ),
                "squared length",
            ),
            (
                lambda g, c, s, z: (g.sum(0) * min(1, c / g.sum(0).norm().item()) + s * c * z) / len(g),
                "clipped the sum",
            ),
            (lambda g, c, s, z: (g / (g.norm(dim=0) / c).clamp(1)).mean(0) + s * c * z / len(g), "the columns"),
            (lambda g, c, s, z: (g * (c / g.norm(dim=1)[:, None]).clamp(1)).mean(0) + s * c * z / len(g), "grow"),
            (lambda g, c, s, z: (g[g.norm(dim=1) <= c].sum(0) + s * c * z) / len(g), "threw long rows away"),
        ],
    },
}
