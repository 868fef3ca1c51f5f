"""Answers to the exercises of lesson 09e as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F


def towards_by_weights(z, labels, k):
    inside = (labels == k).double()
    return F.normalize(z.T @ (inside - inside.mean()), dim=0)


def towards_by_one_mean(z, labels, k):
    """By E[z f], which (9e.1) equals for draws on average, and not in a sample."""
    way = (z * (labels == k)[:, None]).mean(0)
    return way / way.norm()


def towards_as_a_number(z, labels, k):
    way = z[labels == k].mean() - z[labels != k].mean()
    return way / way.norm()


def towards_by_scaled_means(z, labels, k):
    inside, outside = z[labels == k].mean(0), z[labels != k].mean(0)
    return inside / inside.norm() - outside / outside.norm()


def towards_by_loop(z, labels, k):
    inside = [row.numpy() for row, label in zip(z, labels, strict=True) if label == k]
    outside = [row.numpy() for row, label in zip(z, labels, strict=True) if label != k]
    way = np.mean(inside, axis=0) - np.mean(outside, axis=0)
    return way / np.linalg.norm(way)


def gap(z, labels, k):
    return torch.mean(z[labels == k], dim=0) - torch.mean(z[labels != k], dim=0)


def sum_with(a=1, c=-1, b=1, mean=lambda group: group.mean(0), root=lambda dim: dim**0.5):
    """Return an answer with other signs, another mean, or another length."""

    def answer(thick_a, thin_a, thin_b):
        z = a * mean(thick_a) + c * mean(thin_a) + b * mean(thin_b)
        return z / z.norm() * root(len(z))

    return answer


def sum_as_a_number(thick_a, thin_a, thin_b):
    z = thick_a.mean() - thin_a.mean() + thin_b.mean()
    return z / z.norm() * thick_a.shape[1] ** 0.5


def sum_of_stretched(thick_a, thin_a, thin_b):
    a, c, b = (group.mean(0) / group.mean(0).norm() * group.shape[1] ** 0.5 for group in (thick_a, thin_a, thin_b))
    return a - c + b


def sum_by_square(thick_a, thin_a, thin_b):
    z = thick_a.mean(0) - thin_a.mean(0) + thin_b.mean(0)
    return z / z.norm() ** 2 * len(z) ** 0.5


def sum_by_numpy(thick_a, thin_a, thin_b):
    z = np.mean(thick_a.numpy(), 0) - np.mean(thin_a.numpy(), 0) + np.mean(thin_b.numpy(), 0)
    return z * np.sqrt(z.size / np.sum(z**2))


ANSWERS = {
    "09e.1": {
        "right": [towards_by_weights, towards_by_loop, lambda z, labels, k: F.normalize(gap(z, labels, k), dim=0)],
        "wrong": [
            (lambda z, labels, k: F.normalize(z[labels == k].mean(0), dim=0), "inside the class alone"),
            (towards_by_one_mean, "in a sample it is not"),
            (lambda z, labels, k: z[labels == k].mean() - z[labels != k].mean(), "so one number is left"),
            (towards_as_a_number, "divided the one number"),
            (towards_by_scaled_means, "and not their difference"),
            (lambda z, labels, k: F.normalize(z[k] - z.mean(0), dim=0), "row k of z"),
            (gap, "length is not 1"),
            (lambda z, labels, k: -towards_by_weights(z, labels, k), "away from the class"),
            (
                lambda z, labels, k: F.normalize(z[labels == k].sum(0) - z[labels != k].sum(0), dim=0),
                "sums for means",
            ),
            (
                lambda z, labels, k: F.normalize(
                    F.normalize(z[labels == k].mean(0), dim=0) - F.normalize(z[labels != k].mean(0), dim=0), dim=0
                ),
                "difference first",
            ),
            (lambda z, labels, k: F.normalize(z.T @ labels.double(), dim=0), "class numbers"),
            (lambda z, labels, k: towards_by_weights(F.normalize(z, dim=1), labels, k), "each latent to length 1"),
            (lambda z, labels, k: gap(z, labels, k) / gap(z, labels, k).sum(), "to sum 1"),
            (lambda z, labels, k: gap(z, labels, k) / gap(z, labels, k).abs().sum(), "sum of absolute values"),
            (lambda z, labels, k: gap(z, labels, k) / (gap(z, labels, k) ** 2).sum(), "its root"),
            (lambda z, labels, k: gap(z, labels, k) / gap(z, labels, k).abs().amax(), "largest number"),
            (lambda z, labels, k: towards_by_loop(z, labels, k) * z.shape[1] ** 0.5, "length root D"),
            (
                lambda z, labels, k: F.normalize(
                    z[labels == k].median(0).values - z[labels != k].median(0).values, dim=0
                ),
                "medians",
            ),
            (
                lambda z, labels, k: F.normalize(
                    z[labels == k].mean(0) - torch.stack([z[labels == j].mean(0) for j in range(3) if j != k]).mean(0),
                    dim=0,
                ),
                "the same weight",
            ),
        ],
    },
    "09e.2": {
        "right": [
            sum_by_numpy,
            sum_with(),
            lambda a, c, b: F.normalize(a.mean(0) - c.mean(0) + b.mean(0), dim=0) * a.shape[1] ** 0.5,
        ],
        "wrong": [
            (lambda a, c, b: a.mean(0) - c.mean(0) + b.mean(0), "did not stretch"),
            (sum_with(root=lambda dim: 1), "to length 1"),
            (sum_with(root=lambda dim: dim), "to length D"),
            (
                lambda a, c, b: (a.mean(0) - c.mean(0) + b.mean(0)) * a.shape[1] ** 0.5,
                "divide by the length of the sum",
            ),
            (lambda a, c, b: sum_with(root=lambda dim: len(a) ** 0.5)(a, c, b), "number of latents"),
            (sum_with(mean=lambda group: group[0]), "first latent of each"),
            (sum_with(c=1), "added the thin a"),
            (sum_with(b=-1), "thin b away"),
            (sum_with(c=1, b=-1), "exchanged two signs"),
            (lambda a, c, b: a.mean() - c.mean() + b.mean(), "so one number is left"),
            (sum_as_a_number, "stretched the one number"),
            (sum_of_stretched, "and not the sum"),
            (sum_with(mean=lambda group: F.normalize(group, dim=1).mean(0)), "scaled each latent"),
            (sum_with(root=lambda dim: 10), "stretched to 10"),
            (sum_by_square, "square of the length"),
            (lambda a, c, b: F.normalize((a - c + b).mean(0), dim=0), "each by itself"),
            (sum_with(a=-1, c=1), "exchanged"),
            (sum_with(mean=lambda group: group.sum(0)), "sums of the groups"),
            (sum_with(b=0), "left the thin b out"),
            (sum_with(mean=lambda group: F.normalize(group.mean(0), dim=0)), "stretched each mean"),
        ],
    },
}
