"""Answers to the exercises of lesson 03 as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F


def by_zeros(x, weight, stride, padding):
    n, c, height, width = x.shape
    spread = torch.zeros(n, c, stride * (height - 1) + 1, stride * (width - 1) + 1)
    spread[:, :, ::stride, ::stride] = x
    kernel = weight.flip(2, 3).transpose(0, 1)
    return F.conv2d(spread, kernel, padding=weight.shape[2] - 1 - padding)


def by_margins_by_hand(x, weight, stride, padding):
    k = weight.shape[-1]
    dots = torch.zeros(stride, stride)
    dots[0, 0] = 1
    spread = torch.kron(x, dots)[:, :, : x.shape[2] * stride - stride + 1, : x.shape[3] * stride - stride + 1]
    y = F.conv2d(F.pad(spread, (k - 1,) * 4), torch.rot90(weight, 2, (2, 3)).permute(1, 0, 2, 3))
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


def by_einsum(x, weight, stride, padding):
    k = weight.shape[2]
    y = torch.zeros(x.shape[0], weight.shape[1], *(stride * (side - 1) + k for side in x.shape[2:]))
    for a in range(k):
        for b in range(k):
            rows, columns = (
                slice(at, at + stride * (side - 1) + 1, stride) for at, side in zip((a, b), x.shape[2:], strict=True)
            )
            y[:, :, rows, columns] += torch.einsum("bcij,co->boij", x, weight[:, :, a, b])
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


def zeros_between(x, stride):
    spread = torch.zeros(*x.shape[:2], *(stride * (side - 1) + 1 for side in x.shape[2:]))
    spread[..., ::stride, ::stride] = x
    return spread


def not_flipped(x, weight, stride, padding):
    return F.conv2d(zeros_between(x, stride), weight.transpose(0, 1), padding=weight.shape[2] - 1 - padding)


def flipped_once(x, weight, stride, padding):
    kernel = weight.flip(-1).transpose(0, 1)
    return F.conv2d(zeros_between(x, stride), kernel, padding=weight.shape[2] - 1 - padding)


def channels_mixed_up(x, weight, stride, padding):
    return F.conv2d(zeros_between(x, stride), weight.flip((2, 3)), padding=weight.shape[2] - 1 - padding)


def weights_as_they_are(x, weight, stride, padding):
    return F.conv2d(zeros_between(x, stride), weight, padding=weight.shape[2] - 1 - padding)


def padding_passed_on(x, weight, stride, padding):
    return F.conv2d(zeros_between(x, stride), weight.flip((2, 3)).transpose(0, 1), padding=padding)


def padding_forgotten(x, weight, stride, padding):
    return F.conv2d(zeros_between(x, stride), weight.flip((2, 3)).transpose(0, 1), padding=weight.shape[2] - 1)


def stride_forgotten(x, weight, stride, padding):
    return F.conv2d(x, weight.flip((2, 3)).transpose(0, 1), padding=weight.shape[2] - 1 - padding)


def zeros_at_the_end_too(x, weight, stride, padding):
    spread = torch.zeros(*x.shape[:2], stride * x.shape[2], stride * x.shape[3])
    spread[..., ::stride, ::stride] = x
    return F.conv2d(spread, weight.flip((2, 3)).transpose(0, 1), padding=weight.shape[2] - 1 - padding)


def pixels_repeated(x, weight, stride, padding):
    size = tuple(stride * (side - 1) + 1 for side in x.shape[2:])
    spread = F.interpolate(x, scale_factor=stride)[:, :, : size[0], : size[1]]
    return F.conv2d(spread, weight.flip((2, 3)).transpose(0, 1), padding=weight.shape[2] - 1 - padding)


def resized(x, weight, stride, padding):
    y = F.interpolate(x, scale_factor=stride, mode="nearest")
    return F.conv2d(y, torch.flip(weight, (2, 3)).permute(1, 0, 2, 3), padding=weight.shape[-1] - 1 - padding)


def turns(images):
    return [images, images.flip(3), images.flip(2), images.flip(2).flip(3)]


def by_all_turns_at_once(samples, training, held_out):
    copies = torch.cat(turns(training)).flatten(1)

    def away(images):
        return torch.cdist(images.flatten(1), copies).min(dim=1).values

    return (away(samples) < away(held_out).min()).float().mean()


def by_numpy_and_turned_samples(samples, training, held_out):
    """Turns the samples: as far as distances go, that is the same."""
    known = training.numpy().reshape(len(training), -1)

    def square(image):
        return min(((known - way.numpy().reshape(1, -1)) ** 2).sum(axis=1).min() for way in turns(image[None]))

    limit = min(square(image) for image in held_out)
    return float(np.mean([square(image) < limit for image in samples]))


def with_turns(ways, ways_held_out=None):
    """Return an answer that compares with these of the four turns only."""

    def answer(samples, training, held_out):
        def away(images, which):
            copies = torch.cat([turns(training)[k] for k in which]).flatten(1)
            return torch.cdist(images.flatten(1), copies).amin(dim=1)

        return (away(samples, ways) < away(held_out, ways_held_out or ways).min()).double().mean()

    return answer


def with_limit(limit):
    """Return an answer whose limit is this of the held-out distances."""

    def answer(samples, training, held_out):
        copies = torch.cat(turns(training)).flatten(1)
        away, away_held_out = (torch.cdist(x.flatten(1), copies).amin(dim=1) for x in (samples, held_out))
        return torch.mean((away < limit(away_held_out)).double()).item()

    return answer


def mean_distance(samples, training, held_out):
    def away(images):
        each = [torch.cdist(images.flatten(1), copy.flatten(1)) for copy in turns(training)]
        return torch.stack(each).min(dim=0).values.mean(dim=1)

    return (away(samples) < away(held_out).min()).double().mean()


def other_way_round(samples, training, held_out):
    return by_all_turns_at_once(held_out, training, samples)


def how_many(samples, training, held_out):
    return len(samples) * by_all_turns_at_once(samples, training, held_out)


def in_percent(samples, training, held_out):
    return 100 * by_all_turns_at_once(samples, training, held_out)


def not_nearer(samples, training, held_out):
    return 1 - by_all_turns_at_once(samples, training, held_out).double()


def three(layer):
    return [(4, 1, 0), layer, layer, layer]


ANSWERS = {
    "03.1": {
        "right": [by_zeros, by_margins_by_hand, by_einsum],
        "wrong": [
            (not_flipped, "flip both sides"),
            (flipped_once, "left to right only"),
            (channels_mixed_up, "input and output channels"),
            (weights_as_they_are, "neither flipped"),
            (padding_passed_on, "too narrow"),
            (padding_forgotten, "plays no part"),
            (
                lambda x, w, s, p: F.conv2d(zeros_between(x, s), w.transpose(0, 1), padding=p),
                "left the kernel as it is",
            ),
            (lambda x, w, s, p: by_zeros(x, w.transpose(2, 3).flip(2, 3), s, p), "transposed the kernel"),
            (lambda x, w, s, p: by_zeros(x, w, s + 1, p), "`stride` zeros"),
            (stride_forgotten, "the stride plays no part"),
            (zeros_at_the_end_too, "behind the last pixel"),
            (pixels_repeated, "several times"),
            (resized, "resize-convolution"),
        ],
    },
    "03.2": {
        "right": [three((9, 3, 3)), tuple(three((15, 3, 6))), [(6, 2, 1), (9, 3, 3), (15, 3, 6), [9, 3, 3]]],
        "wrong": [
            (three((5, 3, 1)), "does not divide its kernel"),
            (three((7, 3, 2)), "does not divide its kernel"),
            (three((3, 3, 0)), "no stamp meets its neighbours"),
            (three((4, 2, 1)), "double"),
            (three((6, 3, 1)), "too many"),
            (three((6, 3, 2)), "too few"),
            (three((9, 3, 0)), "nothing is cut off"),
            (three((9, 3, 6)), "*each* end"),
            ([(9, 3, 3)] * 4, "single pixel"),
        ],
    },
    "03.3": {
        "right": [by_all_turns_at_once, by_numpy_and_turned_samples, with_limit(torch.min)],
        "wrong": [
            (with_turns([0]), "go unnoticed"),
            (with_turns([0, 1]), "only left to right"),
            (with_turns([0, 2]), "only upside down"),
            (with_turns([0, 1, 2]), "half a circle"),
            (with_turns([0, 3]), "one direction only"),
            (with_turns([0, 1, 2, 3], [0]), "measured otherwise"),
            (with_limit(torch.max), "than every one"),
            (with_limit(torch.mean), "limit is the mean"),
            (with_limit(torch.median), "median"),
            (with_limit(lambda away: away.quantile(0.01)), "1% limit"),
            (mean_distance, "mean distance"),
            (other_way_round, "swapped"),
            (how_many, "number of samples"),
            (in_percent, "percentage"),
            (not_nearer, "*not* nearer"),
        ],
    },
}
