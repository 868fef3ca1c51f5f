"""Answers to the exercises of lesson 08e as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch


def bits_by_numpy(log_density, shape):
    D = np.prod(shape)
    per_level = log_density.numpy() - D * np.log(256)  # a density of k + u
    return -per_level / D / np.log(2)


def bits_by_log2(log_density, shape):
    c, h, w = shape
    return math.log2(256) - log_density * math.log2(math.e) / (c * h * w)


def median_by_loop(images, weights):
    picture = []
    for column in images.T:
        total = 0.0
        for k in sorted(range(len(column)), key=lambda k: column[k].item()):
            total += weights[k].item()
            if total >= 0.5:
                picture.append(column[k])
                break
    return torch.stack(picture)


def median_by_search(images, weights):
    """The median makes the weighted sum of distances smallest: try every value of the column."""
    distances = (images[:, None] - images).abs()  # (N, N, D): candidate, image
    return images.gather(0, (weights[:, None] * distances).sum(1).argmin(0, keepdim=True)).squeeze(0)


def median_by_numpy(images, weights):
    x, w = images.numpy(), weights.numpy()
    order = np.argsort(x, axis=0)
    first = (np.cumsum(w[order], axis=0) >= 0.5).argmax(axis=0)
    return np.take_along_axis(np.sort(x, axis=0), first[None], axis=0)[0]


def median_shifted(by):
    def answer(images, weights):
        values, order = torch.sort(images, dim=0)
        at = (torch.cumsum(weights[order], 0) < 0.5).sum(0) + by
        return values[at.clamp(0, len(values) - 1), torch.arange(images.shape[1])]

    return answer


def order_left(images, weights, w=lambda weights: weights):
    at = int((torch.cumsum(w(weights), 0) < 0.5).sum())
    return torch.sort(images, dim=0)[0][at]


ANSWERS = {
    "08e.1": {
        "right": [bits_by_numpy, bits_by_log2],
        "wrong": [
            (lambda nats, shape: -nats / np.prod(shape) / np.log(2), "did the scaling by 256"),
            (lambda nats, shape: bits_by_numpy(nats, shape) - 16, "You subtracted the 8 bits"),
            (lambda nats, shape: 8 - nats / np.prod(shape), "You left the nats"),
            (lambda nats, shape: 8 - nats * math.log(2) / math.prod(shape), "0.69 nats"),
            (lambda nats, shape: math.log(256) - nats / math.prod(shape), "You stayed in nats throughout"),
            (lambda nats, shape: bits_by_numpy(-nats, shape), "wrong sign"),
            (lambda nats, shape: bits_by_numpy(nats, (1, *shape[1:])), "a colour pixel has three"),
            (lambda nats, shape: 8 - nats / math.log(2), "bits of the whole image"),
            (lambda nats, shape: math.log(256) - nats / math.log(2) / math.prod(shape), "which is in nats"),
            (lambda nats, shape: (8 - nats / math.log(2)) / math.prod(shape), "add them after the division"),
            (lambda nats, shape: bits_by_log2(nats, shape) + math.log2(255 / 256), "You scaled by 255"),
            (lambda nats, shape: bits_by_log2(nats, shape) - 1, "[-1, 1)"),
            (lambda nats, shape: bits_by_log2(nats, shape).mean(), "one for each image"),
            (lambda nats, shape: 8 * math.prod(shape) - nats / math.log(2), "Divide by the dimensions at last"),
            (lambda nats, shape: 8 * -nats / np.prod(shape) / np.log(2), "The log of a product is a sum"),
            (lambda nats, shape: 8 * nats / np.prod(shape) / np.log(2), "and lost the sign"),
        ],
    },
    "08e.2": {
        "right": [median_by_loop, median_by_search, median_by_numpy, median_shifted(0)],
        "wrong": [
            (lambda images, weights: (weights[:, None] * images).sum(0), "the weighted average"),
            (lambda images, weights: torch.quantile(images, 0.5, dim=0), "the plain median"),
            (lambda images, weights: images[torch.argmax(weights)], "the largest weight"),
            (order_left, "in their old order"),
            (lambda images, weights: order_left(images, weights, lambda w: torch.sort(w)[0]), "You sorted the weights"),
            (median_shifted(-1), "one value too early"),
            (median_shifted(1), "one value too far"),
            (lambda images, weights: torch.mean(images, dim=0), "the plain average"),
            (lambda images, weights: 0.5 * (images.min(0).values + images.max(0).values), "middle of the range"),
            (lambda images, weights: median_by_loop(images * weights[:, None], weights), "weighed the values"),
        ],
    },
}
