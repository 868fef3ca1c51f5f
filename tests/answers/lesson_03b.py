"""Answers to the exercises of lesson 03b as different people would write them, right and wrong; see test_check.py."""

import torch
import torch.nn.functional as F


def three(layer):
    return [(4, 1, 0), layer, layer, layer]


def by_slices(weight, stride):
    return torch.stack(
        [torch.stack([weight[:, p::stride, q::stride].sum() for q in range(stride)]) for p in range(stride)]
    )


def by_every_weight(weight, stride):
    sums = [[0.0] * stride for _ in range(stride)]
    for a in range(weight.shape[1]):
        for b in range(weight.shape[2]):
            sums[a % stride][b % stride] += float(weight[:, a, b].sum())
    return sums


def by_stamping_ones(weight, stride):
    """Lets torch stamp a plane of ones and reads one period from the middle."""
    ones = torch.ones(1, len(weight), 9, 9)
    y = F.conv_transpose2d(ones, weight[:, None], stride=stride)[0, 0]
    at = 4 * stride
    return y[at : at + stride, at : at + stride]


def by_blocks(weight, stride):
    n = weight.shape[1] // stride
    total = weight.sum(0)
    return torch.stack(
        [torch.stack([total[n * p : n * p + n, n * q : n * q + n].sum() for q in range(stride)]) for p in range(stride)]
    )


def by_means(weight, stride):
    return torch.stack(
        [torch.stack([weight[:, p::stride, q::stride].mean() for q in range(stride)]) for p in range(stride)]
    )


def of_each_channel(weight, stride):
    return torch.stack([by_slices(w[None], stride) for w in weight])


def first_weights(weight, stride):
    return weight[:, :stride, :stride].sum(0)


def counts(weight, stride):
    return by_slices(torch.ones_like(weight[:1]), stride)


def channels_by_stride(weight, stride):
    sums = torch.zeros(stride, stride)
    for p in range(stride):
        for q in range(stride):
            sums[p, q] = weight[p::stride, q::stride].sum()
    return sums


def every_second(weight, stride):
    return torch.tensor([[weight[:, p::2, q::2].sum() for q in range(stride)] for p in range(stride)])


def neighbours(weight, stride):
    places = [[(p, q) for q in range(stride)] for p in range(stride)]
    return torch.tensor([[weight[:, p : p + stride, q : q + stride].sum() for p, q in row] for row in places])


ANSWERS = {
    "03b.1": {
        "right": [three((9, 3, 3)), tuple(three((15, 3, 6))), [(6, 2, 1), (9, 3, 3), (15, 3, 6), [9, 3, 3]]],
        "wrong": [
            ([*3 * [(9, 3, 3)], (4, 1, 0)], "wrong order"),
            (3 * [(9, 3, 3)], "three layers"),
            (three((5, 3, 1)), "does not divide its kernel"),
            (three((7, 3, 2)), "does not divide its kernel"),
            (three((3, 3, 0)), "no stamp meets its neighbours"),
            (three((4, 2, 1)), "double"),
            (4 * [(4, 2, 1)], "the first makes 2"),
            (three((6, 3, 1)), "too many"),
            (three((6, 3, 2)), "too few"),
            (three((9, 3, 0)), "You cut nothing off"),
            (three((9, 3, 6)), "*each* end"),
            ([(9, 3, 3)] * 4, "single pixel"),
        ],
    },
    "03b.2": {
        "right": [by_slices, by_every_weight, by_stamping_ones],
        "wrong": [
            (channels_by_stride, "index 0 is the channel"),
            (every_second, "every second row"),
            (neighbours, "neighbouring rows"),
            (by_blocks, "blocks"),
            (by_means, "mean of a phase"),
            (of_each_channel, "kept the channels apart"),
            (lambda w, s: by_slices(w[:1], s), "first channel only"),
            (lambda w, s: by_slices(w, s) / len(w), "averaged over the channels"),
            (lambda w, s: by_slices(w.mT, s), "rows and columns"),
            (lambda w, s: by_slices(torch.rot90(w, 2, (1, 2)), s), "turned the kernel round"),
            (lambda w, s: by_slices(torch.rot90(w, 1, (1, 2)), s), "by 90 degrees"),
            (lambda w, s: by_slices(torch.rot90(w, 3, (1, 2)), s), "by 90 degrees"),
            (lambda w, s: torch.rot90(by_slices(w, s)), "by 90 degrees"),
            (lambda w, s: by_slices(w, s).rot90(-1), "by 90 degrees"),
            (lambda w, s: by_slices(w, s).flip(0), "upside down"),
            (lambda w, s: by_slices(w, s).flip(1), "in reverse"),
            (first_weights, "one weight for each phase"),
            (counts, "counted the stamps"),
            (lambda w, s: by_slices(w.abs(), s), "absolute values"),
            (lambda w, s: by_slices(w, s) - by_slices(w, s).mean(), "mean off"),
        ],
    },
}
