"""Answers to the exercises of lesson 09d as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch


def factor_by_lstsq(e, z):
    return torch.linalg.lstsq(e.reshape(-1, 1), z.reshape(-1, 1)).solution.squeeze()


def factor_by_loop(e, z):
    above = below = 0.0
    for answer, true in zip(e.tolist(), z.tolist(), strict=True):
        above += sum(a * t for a, t in zip(answer, true, strict=True))
        below += sum(a * a for a in answer)
    return above / below


def shortened_by_where(z, longest):
    length = z.norm(dim=1)
    return torch.where((length > longest)[:, None], z * longest / length[:, None], z)


def shortened_by_numpy(z, longest):
    z = z.numpy()
    length = np.sqrt((z**2).sum(1, keepdims=True))
    return z * np.minimum(1, longest / length)


def shortened_by_renorm(z, longest):
    return torch.renorm(z, 2, 0, longest)


ANSWERS = {
    "09d.1": {
        "right": [factor_by_lstsq, factor_by_loop, lambda e, z: (e * z).mean() / (e**2).mean()],
        "wrong": [
            (lambda e, z: (e * z).mean() / (z**2).mean(), "You divided by |z|^2"),
            (lambda e, z: 1 / factor_by_lstsq(e, z), "the inverse"),
            (lambda e, z: z.norm(dim=1).mean() / e.norm(dim=1).mean(), "compared the lengths"),
            (lambda e, z: torch.mean((z**2).sum(1).sqrt() / (e**2).sum(1).sqrt()), "lengths row by row"),
            (lambda e, z: ((z**2).sum() / (e**2).sum()).sqrt(), "the length of z by that of e"),
            (lambda e, z: ((e * z).sum(1) / (e * e).sum(1)).mean(), "for each row"),
            (lambda e, z: torch.cosine_similarity(e.flatten(), z.flatten(), dim=0), "took the cosine"),
            (lambda e, z: torch.cosine_similarity(e, z, dim=1).mean(), "averaged the cosines"),
            (lambda e, z: torch.sum(e * z) / e.norm(), "by the length of e"),
            (lambda e, z: z.shape[1] ** 0.5 / e.norm(dim=1).mean(), "to the usual length"),
            (lambda e, z: torch.sum(e * z), "denominator out"),
            (lambda e, z: 2 * torch.sum(e * z) / torch.sum(e * e), "cancels the other 2"),
            (lambda e, z: torch.mean(z / e), "by its own answer"),
        ],
    },
    "09d.2": {
        "right": [shortened_by_where, shortened_by_numpy, shortened_by_renorm],
        "wrong": [
            (lambda z, longest: z / z.norm(dim=1, keepdim=True) * longest, "every row the length"),
            (lambda z, longest: z * min(1, longest / z.norm().item()), "whole tensor"),
            (lambda z, longest: torch.renorm(z, 2, 1, longest), "lengths of the columns"),
            (lambda z, longest: torch.clip(z, -longest, longest), "each number by itself"),
            (lambda z, longest: torch.where(z > longest, longest, z), "number above `longest`"),
            (
                lambda z, longest: torch.where(
                    z.norm(dim=1, keepdim=True) > longest, z / z.norm(dim=1, keepdim=True), z
                ),
                "the length 1: multiply",
            ),
            (
                lambda z, longest: z * torch.clamp(longest / z.norm(dim=1, keepdim=True), min=1),
                "lengthened the short rows",
            ),
            (
                lambda z, longest: z * torch.clamp(longest / (z * z).sum(1, keepdim=True), max=1),
                "squared length",
            ),
            (
                lambda z, longest: z / torch.where(z.norm(dim=1, keepdim=True) > longest, longest, 1.0),
                "by `longest`: divide by their own",
            ),
            (
                lambda z, longest: torch.where(z.norm(dim=1, keepdim=True) > longest, torch.zeros_like(z), z),
                "too long to 0",
            ),
        ],
    },
}
