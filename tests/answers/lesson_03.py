"""Answers to the exercises of lesson 03 as different people would write them, right and wrong; see test_check.py."""

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


def doubling(layer, first=(7, 1, 0)):
    return [first, layer, layer]


def margin_too_wide(x, weight, stride, padding):
    kernel = weight.flip(2, 3).transpose(0, 1)
    return F.conv2d(zeros_between(x, stride), kernel, padding=weight.shape[2] - padding)


def cut_to_nothing(x, weight, stride, padding):
    kernel = weight.flip(2, 3).transpose(0, 1)
    y = F.conv2d(zeros_between(x, stride), kernel, padding=weight.shape[2] - 1)
    return y[:, :, padding:-padding, padding:-padding]


ANSWERS = {
    "03.1": {
        "right": [by_zeros, by_margins_by_hand, by_einsum],
        "wrong": [
            (margin_too_wide, "one too wide"),
            (cut_to_nothing, "leaves nothing"),
            (not_flipped, "flip both sides"),
            (flipped_once, "left to right only"),
            (channels_mixed_up, "input and output channels"),
            (weights_as_they_are, "neither flipped"),
            (padding_passed_on, "too narrow"),
            (
                lambda x, w, s, p: F.conv2d(zeros_between(x, s), w.flip((2, 3)).permute(1, 0, 2, 3)),
                "none around them",
            ),
            (
                lambda x, w, s, p: F.conv2d(
                    F.pad(x, (len(w[0, 0]) - 1 - p,) * 4), w.flip((2, 3)).transpose(0, 1), stride=s
                ),
                "gave the stride to F.conv2d",
            ),
            (padding_forgotten, "plays no part"),
            (
                lambda x, w, s, p: F.conv2d(zeros_between(x, s), w.transpose(0, 1), padding=p),
                "left the kernel as it is",
            ),
            (lambda x, w, s, p: by_zeros(x, w.transpose(2, 3).flip(2, 3), s, p), "transposed the kernel"),
            (lambda x, w, s, p: by_zeros(x, w, s + 1, p), "`stride` zeros"),
            (stride_forgotten, "You left the stride out"),
            (zeros_at_the_end_too, "behind the last pixel"),
            (pixels_repeated, "several times"),
            (resized, "Upsample"),
        ],
    },
    "03.2": {
        "right": [
            doubling((4, 2, 1)),
            tuple(doubling((6, 2, 2), first=[9, 5, 1])),
            [(7, 7, 0), (4, 2, 1), (8, 2, 3)],
        ],
        "wrong": [
            ([(4, 2, 1), (4, 2, 1), (7, 1, 0)], "wrong order"),
            (doubling((4, 2, 1), first=(4, 1, 0)), "4, 8, 16"),
            (3 * [(4, 2, 1)], "the sides are 2, 4, 8"),
            (doubling((4, 2, 1), first=(7, 2, 1)), "makes 5"),
            (doubling((4, 2, 1), first=(7, 1, 3)), "one pixel of one pixel"),
            (doubling((3, 2, 1)), "one pixel too few"),
            (doubling((5, 2, 2)), "one pixel too few"),
            (doubling((5, 2, 1)), "one pixel too many"),
            (doubling((2, 2, 0)), "no stamp meets its neighbours"),
            (doubling((4, 2, 0)), "cut nothing off"),
            (doubling((4, 2, 2)), "*each* side"),
            (doubling((4, 1, 1)), "stride at 1"),
            ([(7, 1, 0), (14, 1, 0), (28, 1, 0)], "as wide as its image"),
        ],
    },
}
