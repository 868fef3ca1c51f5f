"""Answers to the exercises of lesson 11 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def field_by_spans(layers):
    side, step = 1, 1
    for kernel, stride in layers:
        side += (kernel - 1) * step
        step *= stride
    return side


def field_by_recursion(layers):
    if not layers:
        return 1
    kernel, stride = layers[0]
    return (field_by_recursion(layers[1:]) - 1) * stride + kernel


def field_by_places(layers):
    seen = {0}
    for kernel, stride in layers[::-1]:
        seen = {stride * place + k for place in seen for k in range(kernel)}
    return max(seen) - min(seen) + 1


def field_forwards(layers):
    r = 1
    for kernel, stride in layers:
        r = (r - 1) * stride + kernel
    return r


def field_backwards(layers, rule):
    r = 1
    for kernel, stride in layers[::-1]:
        r = rule(r, kernel, stride)
    return r


def field_step(r, kernel, stride):
    return kernel + stride * (r - 1)


def field_own_stride(layers):
    side, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        side += (kernel - 1) * step
    return side


def field_from_zero(layers):
    r = 0
    for kernel, stride in reversed(layers):
        r = kernel + stride * (r - 1)
    return r


def field_from_four(layers):
    r = 4
    for kernel, stride in layers[-2::-1]:
        r = (r - 1) * stride + kernel
    return r


def l1_by_cost(colours, p):
    """Try every given value in each channel."""
    best = []
    for channel in colours.T:
        cost = ((channel[:, None] - channel[None]).abs() * p).sum(1)
        best.append(channel[cost <= cost.min() + 1e-9].min())
    return torch.stack(best)


def l1_by_numpy(colours, p):
    colours, p = colours.numpy(), p.numpy()
    painted = np.empty(colours.shape[1])
    for c in range(colours.shape[1]):
        order = np.argsort(colours[:, c])
        painted[c] = colours[order, c][np.searchsorted(np.cumsum(p[order]), 0.5 - 1e-9)]
    return painted


def l1_by_repeats(colours, p):
    counts = (100 * p).round().long()
    return colours.repeat_interleave(counts, 0).median(0).values  # torch's median is the lower one


def l1_for_all_channels(colours, p):
    costs = [(p * (colours - c).abs().sum(1)).sum() for c in colours]
    return colours[int(torch.stack(costs).argmin())]


def l1_with_p_unsorted(colours, p):
    values = colours.sort(0).values
    k = int((p.cumsum(0) < 0.5 - 1e-9).sum())
    return values[k]


def l1_beyond_half(colours, p, level=0.5):
    painted = []
    for values in colours.T:
        order = values.argsort()
        k = int((p[order].cumsum(0) <= level + 1e-9).sum())
        painted.append(values[order][k])
    return torch.stack(painted)


def l1_of_middles(colours, p):
    return (l1_by_cost(colours, p) + l1_beyond_half(colours, p)) / 2


def one_too_far(colours, p):
    painted = []
    for values in colours.T:
        order = values.argsort()
        k = int((p[order].cumsum(0) < 0.5 - 1e-9).sum()) + 1
        painted.append(values[order][min(k, len(p) - 1)])
    return torch.stack(painted)


def l1_at(values, p, of_values):
    """The first place where half of p is reached, for each channel, and what `of_values` takes there."""
    painted = []
    for channel, chances in zip(values.T, p.expand(values.shape[1], -1), strict=True):
        order = channel.argsort()
        k = int((chances[order].cumsum(0) < 0.5 - 1e-9).sum())
        painted.append(float(of_values(channel, order, k)))
    return torch.tensor(painted, dtype=values.dtype)


def l1_with_p_by_size(colours, p):
    values, chances = colours.sort(0).values, p.sort().values
    return values[int((chances.cumsum(0) < 0.5 - 1e-9).sum())]


def loss_by_package(critic, x_hat, x, s, weight):
    from ganlab import losses

    return F.l1_loss(x_hat, x) + weight * losses.non_saturating_generator(critic(x_hat, s)).mean()


def loss_by_cross_entropy(critic, x_hat, x, s, weight):
    logits = critic(x_hat, s)
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)) * weight + F.l1_loss(x_hat, x)


def loss_by_hand(critic, x_hat, x, s, weight):
    d = 1 / (1 + torch.exp(-critic(x_hat, s)))
    return torch.mean(torch.abs(x - x_hat)) - weight * torch.mean(torch.log(d))


def loss(critic, x_hat, x, s, weight, logits=None, label=1.0, of=F.l1_loss):
    c = critic(x_hat, s) if logits is None else logits
    return of(x_hat, x) + weight * F.binary_cross_entropy_with_logits(c, torch.full_like(c, label))


def l1_of_whole_rows(colours, p):
    values, order = torch.sort(colours, dim=0)
    return values[(p[order].cumsum(0) < 0.5 - 1e-9).sum(0)]


ANSWERS = {
    "11.1": {
        "right": [field_by_spans, field_by_recursion, field_by_places],
        "wrong": [
            (field_forwards, "from the first layer to the last"),
            (lambda layers: field_by_spans(layers[::-1]), "the *last* layer first"),
            (lambda layers: field_backwards(layers, lambda r, k, s: k + s * r), "You multiplied the whole side"),
            (lambda layers: field_backwards(layers, lambda r, k, s: s * r + (k - 1)), "whole width"),
            (lambda layers: 1 + sum(k - 1 for k, _ in layers), "left the strides out"),
            (lambda layers: math.prod(s for _, s in layers), "between two neighbouring logits"),
            (lambda layers: sum(k for k, _ in layers), "added up the kernels"),
            (lambda layers: math.prod(k for k, _ in layers), "multiplied the kernels"),
            (field_own_stride, "its own layer's stride, too"),
            (lambda layers: 1 + sum(stride * (kernel - 1) for kernel, stride in layers), "what the *later* layers see"),
            (lambda layers: field_backwards([(s, k) for k, s in layers], field_step), "exchanged kernel and stride"),
            (lambda layers: field_backwards(layers, lambda r, k, s: field_step(r, k, s) - 1), "subtracted 1 twice"),
            (field_from_zero, "begin with 1"),
            (field_from_four, "Begin with 1 and take every"),
            (lambda layers: field_by_places(layers) ** 2, "Its side is asked for"),
        ],
    },
    "11.2": {
        "right": [l1_by_cost, l1_by_numpy, l1_by_repeats],
        "wrong": [
            (lambda colours, p: (colours * p[:, None]).sum(0), "least squared error"),
            (lambda colours, p: colours.mean(dim=0), "over all colours alike"),
            (lambda colours, p: colours.median(dim=0).values, "counts alike"),
            (lambda colours, p: colours[p.argmax()], "most likely colour"),
            (l1_for_all_channels, "a median of its own"),
            (l1_with_p_unsorted, "not their probabilities"),
            (l1_beyond_half, "took its largest value"),
            (l1_of_middles, "took its middle"),
            (lambda colours, p: colours.amin(0), "the smallest value of each channel"),
            (lambda colours, p: (colours.amax(0) + colours.amin(0)) / 2, "the largest error"),
            (lambda colours, p: (p[:, None] * colours).median(0).values, "does not change the"),
            (one_too_far, "one value too late"),
            (l1_of_whole_rows, "whole rows"),
            (lambda c, p: l1_at(c, p, lambda values, order, k: values[order][max(0, k - 1)]), "one value too early"),
            (lambda c, p: l1_at(c, p, lambda values, order, k: values[k]), "of the *unsorted* ones"),
            (lambda c, p: l1_at(c, p, lambda values, order, k: k), "the place of each value"),
            (l1_with_p_by_size, "by their own size"),
        ],
    },
    "11.3": {
        "right": [loss_by_package, loss_by_cross_entropy, loss_by_hand],
        "wrong": [
            (lambda c, x_hat, x, s, w: w * F.softplus(-c(x_hat, s)).mean(), "L1 term out"),
            (lambda c, x_hat, x, s, w: F.l1_loss(x_hat, x), "left the critic out"),
            (lambda c, x_hat, x, s, w: w * F.l1_loss(x_hat, x) + F.softplus(-c(x_hat, s)).mean(), "critic's term"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, 1), "left the weight out"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, c(x, s)), "the real picture"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, c(s, x_hat)), "in the picture's place"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, c(x_hat, x)), "in the outline's place"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, c(x_hat.detach(), s)), "detached"),
            (lambda *given: loss(*given, label=0.0), "softplus(c)"),
            (lambda c, x_hat, x, s, w: F.l1_loss(x_hat, x) - w * F.softplus(c(x_hat, s)).mean(), "saturates"),
            (lambda c, x_hat, x, s, w: F.l1_loss(x_hat, x) - w * c(x_hat, s).mean(), "logits themselves"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, c(x_hat, s).mean()), "before the softplus"),
            (lambda *given: loss(*given, of=F.mse_loss), "squared the error"),
            (lambda *given: loss(*given, of=lambda a, b: (a - b).abs().sum()), "absolute differences"),
            (
                lambda c, x_hat, x, s, w: (x_hat - x).abs().sum() + w * F.softplus(-c(x_hat, s)).sum(),
                "both terms, over",
            ),
            (
                lambda c, x_hat, x, s, w: (
                    F.l1_loss(x_hat, x) + w * (F.softplus(-c(x, s)) + F.softplus(c(x_hat, s))).mean()
                ),
                "You took the critic's loss:",
            ),
            (lambda *given: loss(*given).item(), "Leave out item()"),
            (lambda *given: loss(*given).detach(), "or a detached one"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, c(torch.cat([x_hat, s], 1), s)), "joined picture and"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, c(x_hat)), "gave the critic one thing"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, s, s, w, c(x_hat, s)), "with the outline"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w, torch.sigmoid(c(x_hat, s))), "before the softplus. sof"),
            (lambda c, x_hat, x, s, w: F.l1_loss(x_hat, x) - w * torch.sigmoid(c(x_hat, s)).mean(), "You took -D"),
            (lambda c, x_hat, x, s, w: F.l1_loss(x_hat, x) + w * ((1 - c(x_hat, s)) ** 2).mean(), "least-squares"),
            (lambda c, x_hat, x, s, w: F.l1_loss(x_hat, x) + w * (1 - c(x_hat, s)).clamp(min=0).mean(), "a hinge"),
            (lambda c, x_hat, x, s, w: loss(c, x_hat, x, s, w) - w * F.l1_loss(x_hat, x), "1 - lambda"),
            (lambda *given: loss(*given, of=lambda a, b: (a - b).mean().abs()), "of the mean difference"),
        ],
    },
}
