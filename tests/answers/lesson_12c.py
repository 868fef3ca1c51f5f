"""Answers to the exercises of lesson 12c as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch


def error_by_loop(x_hat, x, hole):
    return torch.stack([(a[:, h] - b[:, h]).abs().mean() for a, b, h in zip(x_hat, x, hole, strict=True)])


def error_by_numpy(x_hat, x, hole):
    apart = np.abs(x_hat.numpy() - x.numpy()) * hole.numpy()[:, None]
    return apart.sum((1, 2, 3)) / (hole.numpy().sum((1, 2)) * x.shape[1])


def in_hole(x_hat, x, hole):
    return ((x_hat - x).abs() * hole[:, None]).sum((1, 2, 3))


def wrong_numbers(x_hat, x, hole):
    d = (x_hat - x).abs() * hole[:, None]
    return d.flatten(1).sum(1) / (d > 0).flatten(1).sum(1)


def chromas_by_loop(colours, p):
    expected = sum(q * (max(c) - min(c)) for q, c in zip(p.tolist(), colours.tolist(), strict=True))
    mean = [sum(q * c[k] for q, c in zip(p.tolist(), colours.tolist(), strict=True)) for k in range(3)]
    return expected, max(mean) - min(mean)


def chromas_by_numpy(colours, p):
    mean = np.average(colours.numpy(), axis=0, weights=p.numpy())
    return np.sum(p.numpy() * np.ptp(colours.numpy(), axis=1)), np.ptp(mean)


def spans(colours):
    return colours.max(-1).values - colours.min(-1).values


def over_colours(colours):
    return colours.amax(0) - colours.amin(0)


def hsv(colours):
    return spans(colours) / colours.max(-1).values


def ranks_by_loop(samples, truth):
    found = [0.0] * (len(samples) + 1)
    for column, value in zip(samples.T, truth, strict=True):
        found[sum(bool(each < value) for each in column)] += 1 / len(truth)
    return found


def ranks_by_numpy(samples, truth):
    rank = (samples.numpy() < truth.numpy()).sum(0)
    return [np.mean(rank == k) for k in range(len(samples) + 1)]


def fractions(rank, n):
    return torch.bincount(rank, minlength=n) / len(rank)


def ranks_from_one(samples, truth):
    ranks = (samples < truth).sum(0)
    return torch.stack([(ranks == k).double().mean() for k in range(1, len(samples) + 2)])


ANSWERS = {
    "12c.1": {
        "right": [error_by_loop, error_by_numpy],
        "wrong": [
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / x[0].numel(), "all pixels of the picture"),
            (lambda x_hat, x, hole: (x_hat - x).abs().mean((1, 2, 3)), "the whole picture"),
            (lambda x_hat, x, hole: error_by_loop(x_hat, x, ~hole), "*outside*"),
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / hole.sum((1, 2)), "C times as many"),
            (in_hole, "added the errors up"),
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / (3 * hole.sum((1, 2))), "by 3 times the pixels"),
            (lambda x_hat, x, hole: in_hole(x_hat[:, :1], x[:, :1], hole) / hole.sum((1, 2)), "first channel alone"),
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / (hole.sum() * x.shape[1]), "all holes together"),
            (lambda x_hat, x, hole: (x_hat - x)[hole].abs().mean(), "You took `hole` as an index"),
            (lambda x_hat, x, hole: (x_hat - x)[hole[:, None]].abs().mean(), "You took `hole` as an index"),
            (
                lambda x_hat, x, hole: (in_hole(x_hat, x, hole).sum() / (hole.sum() * x.shape[1])).repeat(len(x)),
                "the holes of all pictures",
            ),
            (
                lambda x_hat, x, hole: torch.stack(
                    [(a[:, h] - b[:, h]).square().mean() for a, b, h in zip(x_hat, x, hole, strict=True)]
                ),
                "squared",
            ),
            (
                lambda x_hat, x, hole: torch.stack(
                    [(a[:, h] - b[:, h]).mean() for a, b, h in zip(x_hat, x, hole, strict=True)]
                ),
                "absolute value",
            ),
            (wrong_numbers, "count the hole"),
            (lambda x_hat, x, hole: ((x_hat - x).abs() * hole).flatten(1).mean(1), "and divided by all pixels"),
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / hole.sum(), "the pixels of all holes together. Each"),
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / hole.sum((1, 2)) * x.shape[1], "in brackets"),
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / hole.sum() * x.shape[1], "Divide by both, and by each"),
            (lambda x_hat, x, hole: (x_hat - x).abs()[:, :, hole[0]].mean((1, 2)), "first picture's hole for all"),
            (
                lambda x_hat, x, hole: ((x_hat - x).abs() * hole[:, None]).sum((2, 3)) / hole.sum((1, 2))[:, None],
                "a number for each channel. The",
            ),
            (
                lambda x_hat, x, hole: ((x_hat - x).abs() * hole[:, None]).sum((2, 3)) / hole.sum((1, 2)),
                "divided the channels, not the pictures",
            ),
            (lambda x_hat, x, hole: in_hole(x_hat, x, hole) / (hole[0].sum() * x.shape[1]), "first picture's hole"),
            (
                lambda x_hat, x, hole: torch.stack(
                    [(a[:, h] - b[:, h]).square().mean().sqrt() for a, b, h in zip(x_hat, x, hole, strict=True)]
                ),
                "root of the mean square",
            ),
            (lambda x_hat, x, hole: (x_hat.sub_(x).abs() * hole[:, None]).sum((1, 2, 3)), "You changed the `x_hat`"),
        ],
    },
    "12c.2": {
        "right": [chromas_by_loop, chromas_by_numpy],
        "wrong": [
            (lambda c, p: (spans(c).mean(), spans(c.mean(0))), "equally likely"),
            (lambda c, p: (spans(c).mean(), spans(p @ c)), "plain mean"),
            (lambda c, p: (p * spans(c), spans(p @ c)), "did not add up"),
            (lambda c, p: (spans(c), spans(p @ c)), "the chroma of each colour"),
            (lambda c, p: (over_colours(c), spans(p @ c)), "over the colours, axis 0. A"),
            (lambda c, p: (over_colours(c).mean(), spans(p @ c)), "and averaged over the channels"),
            (lambda c, p: (p @ over_colours(c), spans(p @ c)), "with one for each channel"),
            (lambda c, p: ((p * over_colours(c)).sum(), spans(p @ c)), "with one for each channel"),
            (lambda c, p: (c.max() - c.min(), spans(p @ c)), "number of all colours less"),
            (lambda c, p: (p @ spans(c), spans(c.median(0).values)), "median colour"),
            (lambda c, p: chromas_by_loop(c, p)[::-1], "exchanged"),
            (lambda c, p: (spans(c[p.argmax()]), spans(p @ c)), "of the most likely colour"),
            (lambda c, p: (spans(c).max(), spans(p @ c)), "the largest of the chromas"),
            (lambda c, p: (p @ spans(c), p @ spans(c)), "expected chroma twice"),
            (lambda c, p: (spans(p @ c), spans(p @ c)), "mean colour twice"),
            (lambda c, p: (p @ hsv(c), hsv(p @ c)), "HSV"),
            (lambda c, p: (p @ c.amax(1), (p @ c).max()), "Subtract the smallest"),
            (lambda c, p: (p @ c.std(1), (p @ c).std()), "standard deviation"),
            (lambda c, p: (p @ (c[:, 0] - c[:, 2]), p @ c[:, 0] - p @ c[:, 2]), "red less blue"),
            (lambda c, p: (spans(c).sum(), spans(c.sum(0))), "must add up to 1"),
            (lambda c, p: (p @ spans(c), spans((p[:, None] * c).mean(0))), "is the mean already"),
        ],
    },
    "12c.3": {
        "right": [ranks_by_loop, ranks_by_numpy],
        "wrong": [
            (lambda s, t: fractions((s > t).sum(0), len(s) + 1), "*above*"),
            (lambda s, t: torch.bincount((s < t).sum(1), minlength=len(s) + 1) / len(t), "over the truths"),
            (lambda s, t: fractions((s < t).sum(0) + 1, len(s) + 1), "counted the ranks from 1. A"),
            (lambda s, t: fractions((s < t).sum(0) + 1, len(s) + 2), "made S + 2"),
            (ranks_from_one, "ranks 1 to S + 1"),
            (lambda s, t: fractions((s < t).sum(0), 21), "21 ranks"),
            (lambda s, t: (s < t).float().mean(0), "the part of its samples below it"),
            (lambda s, t: (s < t).sum(0), "the rank of each truth"),
            (lambda s, t: fractions((s <= t).sum(0), len(s) + 1), "that equal the truth"),
            (lambda s, t: fractions((s >= t).sum(0), len(s) + 1), "at or above"),
            (lambda s, t: len(t) * fractions((s < t).sum(0), len(s) + 1), "Divide by the number of truths"),
            (lambda s, t: len(t) * fractions((s < t).sum(0), len(s) + 1) / (len(s) + 1), "number of ranks"),
            (lambda s, t: len(t) * fractions((s < t).sum(0), len(s) + 1) / len(s), "number of samples"),
            (lambda s, t: 100 * fractions((s < t).sum(0), len(s) + 1), "percentages"),
            (lambda s, t: fractions((s < t).sum(0), len(s) + 1).cumsum(0), "cumulative"),
            (lambda s, t: fractions((s < t).sum(0), len(s) + 1) - 1 / (len(s) + 1), "flat histogram"),
        ],
    },
}
