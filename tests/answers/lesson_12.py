"""Answers to the exercises of lesson 12 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from ganlab import data


def psnr_by_package(x_hat, x, low, high):
    from ganlab import metrics

    middle, half = (low + high) / 2, (high - low) / 2
    return metrics.psnr((x_hat - middle) / half, (x - middle) / half)


def psnr_by_numpy(x_hat, x, low, high):
    error = np.mean((x_hat.numpy() - x.numpy()) ** 2, axis=(1, 2, 3))
    return 20 * np.log10(high - low) - 10 * np.log10(error)


def psnr_one_by_one(x_hat, x, low, high):
    return [20 * math.log10((high - low) / float(F.mse_loss(a, b)) ** 0.5) for a, b in zip(x_hat, x, strict=True)]


def psnr_clamped(x_hat, x, low, high):
    return decibels(x_hat.clamp(low, high), x, high - low)


def decibels(x_hat, x, peak):
    return 10 * torch.log10(peak**2 / (x_hat - x).pow(2).mean((1, 2, 3)))


def error_by_enumeration(values, p, t):
    m = sum(p * values)
    total = 0.0
    for x, weight in zip(values, p, strict=True):
        for drawn, chance in zip(values, p, strict=True):
            total += weight * chance * (x - m - t * (drawn - m)) ** 2
    return total


def error_by_numpy(values, p, t):
    m = np.average(values.numpy(), weights=p.numpy())
    v = np.average((values.numpy() - m) ** 2, weights=p.numpy())
    return v + t * t * v


def error_by_moments(values, p, t):
    return (p @ values**2 - (p @ values) ** 2) * (1 + t * t)


def error_of_all_pairs(values, p, t):
    m = p @ values
    return (values[:, None] - (m + t * (values - m))[None]).square().mean()


def variance(values, p):
    return (p * (values - (p * values).sum()) ** 2).sum()


def adjoint_by_autograd(y, factor):
    batch, channels, height, width = y.shape
    x = torch.zeros(batch, channels, height * factor, width * factor, dtype=y.dtype, requires_grad=True)
    (slope,) = torch.autograd.grad((F.avg_pool2d(x, factor) * y).sum(), x)
    return slope


def adjoint_by_kronecker(y, factor):
    return torch.kron(y, torch.full((factor, factor), 1 / factor**2, dtype=y.dtype))


def adjoint_by_expand(y, factor):
    b, c, h, w = y.shape
    spread = y[:, :, :, None, :, None].expand(b, c, h, factor, w, factor)
    return spread.reshape(b, c, h * factor, w * factor) / factor**2


def on_wrong_axes(y, factor):
    return y.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


def cut_anew(y, factor):
    return y.repeat_interleave(factor**2, 3).view(*y.shape[:2], y.shape[2] * factor, y.shape[3] * factor)


def corners(y, factor):
    kernel = torch.zeros(factor, factor, dtype=y.dtype)
    kernel[0, 0] = 1
    return torch.kron(y, kernel)


ANSWERS = {
    "12.1": {
        "right": [psnr_by_package, psnr_by_numpy, psnr_one_by_one, psnr_clamped],
        "wrong": [
            (lambda x_hat, x, low, high: decibels(x_hat, x, 1.0), "You took 1 for the range"),
            (
                lambda a, b, low, high: (10 * ((high - low) ** 2 / ((a - b) ** 2).mean((2, 3))).log10()).mean(1),
                "decibels of each channel",
            ),
            (
                lambda a, b, low, high: (10 * ((high - low) ** 2 / (a - b) ** 2).log10()).mean((1, 2, 3)),
                "decibels of each number",
            ),
            (
                lambda a, b, low, high: 20 * math.log10(high - low) - 10 * (a - b).var((1, 2, 3)).log10(),
                "the variance of the differences",
            ),
            (
                lambda a, b, low, high: 20 * ((high - low) / (a - b).pow(2).mean((1, 2, 3))).log10(),
                "over the mean *squared* error. Square",
            ),
            (
                lambda a, b, low, high: 10 * (b.pow(2).mean((1, 2, 3)) / (a - b).pow(2).mean((1, 2, 3))).log10(),
                "own mean square over the error",
            ),
            (lambda x_hat, x, low, high: decibels(x_hat, x, high), "the largest value, `high`"),
            (lambda x_hat, x, low, high: decibels(x_hat, x, x.max() - x.min()), "the pictures that came"),
            (lambda x_hat, x, low, high: decibels(x_hat, x, x.max()), "largest value in the pictures"),
            (lambda x_hat, x, low, high: decibels(x_hat, x, (high - low) ** 0.5), "did not square the range"),
            (
                lambda x_hat, x, low, high: 20 * math.log10(high - low) - 10 * (x_hat - x).pow(2).mean(1).log10(),
                "over the channels alone",
            ),
            (
                lambda x_hat, x, low, high: torch.full((3,), 10 * math.log10((high - low) ** 2 / F.mse_loss(x_hat, x))),
                "over all pictures",
            ),
            (lambda x_hat, x, low, high: 10 * torch.log10((high - low) ** 2 / F.mse_loss(x_hat, x)), "the whole batch"),
            (lambda x_hat, x, low, high: decibels(x_hat, x, 2), "right in [-1, 1] only"),
            (lambda x_hat, x, low, high: decibels(x_hat, x, 2**0.5), "2 for the range, and did not square it"),
            (
                lambda x_hat, x, low, high: 10 * (4 / (x_hat - x).pow(2).mean((1, 2, 3)).sqrt()).log10(),
                "over the *root* of the error",
            ),
            (lambda x_hat, x, low, high: decibels(x_hat, x, high - low).mean(), "averaged the PSNR"),
            (lambda x_hat, x, low, high: decibels(x_hat, x, high - low) * math.log(10), "natural logarithm"),
            (lambda x_hat, x, low, high: 2 * decibels(x_hat, x, high - low), "squared already"),
            (lambda x_hat, x, low, high: decibels(x_hat, x, high - low) / 10, "factor 10 out"),
            (
                lambda x_hat, x, low, high: (
                    10 * ((high - low) ** 2 / (x_hat - x).pow(2).mean((1, 2, 3)) ** 0.5).log10()
                ),
                "square root of the mean squared error",
            ),
            (
                lambda x_hat, x, low, high: 10 * ((high - low) ** 2 / (x_hat - x).abs().mean((1, 2, 3))).log10(),
                "*absolute* error",
            ),
            (
                lambda x_hat, x, low, high: 20 * ((high - low) / (x_hat - x).abs().mean((1, 2, 3))).log10(),
                "squared the mean absolute error",
            ),
            (
                lambda x_hat, x, low, high: 20 * ((high - low) / (x_hat - x).mean((1, 2, 3)).abs()).log10(),
                "errors of both signs cancel",
            ),
            (
                lambda x_hat, x, low, high: 10 * ((high - low) ** 2 / (x_hat - x).pow(2).sum((1, 2, 3))).log10(),
                "added the squared errors up",
            ),
            (
                lambda x_hat, x, low, high: decibels(x_hat, x, x.amax((1, 2, 3)) - x.amin((1, 2, 3))),
                "the range of each picture",
            ),
            (lambda x_hat, x, low, high: decibels(x_hat, x, x.amax((1, 2, 3))), "each picture's largest value"),
            (
                lambda x_hat, x, low, high: ((high - low) ** 2 / (x_hat - x).square().flatten(1)).log10().mean(1),
                "and left the factor 10 out. Average",
            ),
            (
                lambda x_hat, x, low, high: 10 * ((high - low) ** 2 / (x_hat - x).square().mean((2, 3))).log10(),
                "kept the channels apart",
            ),
            (lambda x_hat, x, low, high: -decibels(x_hat, x, high - low), "turned the fraction round"),
        ],
    },
    "12.2": {
        "right": [error_by_enumeration, error_by_numpy, error_by_moments],
        "wrong": [
            (lambda values, p, t: variance(values, p), "the error of the mean, t = 0"),
            (lambda values, p, t: 2 * variance(values, p), "the error of a sample, t = 1"),
            (
                lambda values, p, t: (1 - t) * variance(values, p) + t * 2 * variance(values, p),
                "straight line from v",
            ),
            (lambda values, p, t: (1 + t) * variance(values, p), "straight line from v"),
            (lambda values, p, t: (1 - t * t) * variance(values, p), "subtracted t squared"),
            (lambda values, p, t: variance(values, p) + 2 * t * variance(values, p), "added the product term"),
            (lambda values, p, t: 2 * t * variance(values, p), "twice the variance by t"),
            (lambda values, p, t: ((1 - t) ** 2 + t * t) * variance(values, p), "the first term is whole"),
            (lambda values, p, t: (1 + t * t) * values.var(), "values.var()"),
            (
                lambda values, p, t: (1 + t * t) * (p @ (values - (values * p).mean()) ** 2),
                "take the sum of values * p",
            ),
            (
                lambda values, p, t: (1 + t * t) * (p * (values - (values * p).mean()) ** 2).mean(),
                "adds up to 1 already: take sums",
            ),
            (lambda values, p, t: (1 + t * t) * (p * (values - p @ values) ** 2).mean(), "take their sum"),
            (lambda values, p, t: (1 + t) ** 2 * variance(values, p), "squared 1 + t"),
            (lambda values, p, t: t * t * variance(values, p), "how far the answer moves"),
            (lambda values, p, t: (1 - t) ** 2 * variance(values, p), "another draw"),
            (lambda values, p, t: (1 + t * t) * (p * values**2).sum(), "mean of the squares"),
            (lambda values, p, t: (1 + t * t) * values.var(correction=0), "counted all values alike"),
            (lambda values, p, t: (1 + t * t) * ((values - p @ values) ** 2).mean(), "but not the squared distances"),
            (lambda values, p, t: (1 + t * t) * (p @ (values - values.mean()) ** 2), "from the unweighted mean"),
            (lambda values, p, t: (1 + t * t) * variance(values, p).sqrt(), "standard deviation"),
            (lambda values, p, t: (1 + t * t) * (p @ (values - p @ values).abs()), "mean absolute distance"),
            (error_of_all_pairs, "over all pairs"),
            (lambda values, p, t: p * (values - p @ values) ** 2 * (1 + t**2), "did not add up"),
            (lambda values, p, t: (1 + t * t) * (p @ values**2 - p @ values), "less the *square* of m"),
            (lambda values, p, t: (1 + t * t) * (p @ (values - values[p.argmax()]) ** 2), "most likely value"),
            (
                lambda values, p, t: (1 + t * t) * variance(values, p) * len(p) / (len(p) - 1),
                "divided by n - 1",
            ),
        ],
    },
    "12.3": {
        "right": [adjoint_by_autograd, adjoint_by_kronecker, adjoint_by_expand],
        "wrong": [
            (lambda y, f: F.interpolate(y, scale_factor=f), "whole number of its block"),
            (lambda y, f: torch.kron(y, torch.ones(f, f, dtype=y.dtype)) / f, "divided by factor"),
            (lambda y, f: adjoint_by_kronecker(y, f) * f**4, "multiplied by factor^2"),
            (lambda y, f: F.interpolate(y, scale_factor=f) / (2 * f), "divided by 2 * factor"),
            (lambda y, f: adjoint_by_kronecker(y, f) / f**2, "divided by factor^2 twice"),
            (corners, "into one corner"),
            (lambda y, f: corners(y, f) / f**2, "a part of each number into one corner"),
            (lambda y, f: y.repeat(1, 1, f, f) / f**2, "not repeat"),
            (lambda y, f: torch.cat([torch.cat([y] * f, 3)] * f, 2), "and did not divide. repeat_interleave"),
            (lambda y, f: F.interpolate(y, scale_factor=f, mode="bilinear") / f**2, "constant on the block"),
            (lambda y, f: F.interpolate(y, scale_factor=f, mode="bilinear"), "constant on each block"),
            (lambda y, f: data.degraded.enlarge(y, f) / f**2, "(bicubic). The adjoint"),
            (lambda y, f: data.degraded.enlarge(y, f), "(bicubic), and did not divide"),
            (lambda y, f: F.interpolate(y, scale_factor=f) / 16, "divided by 16"),
            (lambda y, f: F.interpolate(y, scale_factor=4) / 16, "took 4 for the factor"),
            (lambda y, f: data.degraded.downsample(y, f), "means of blocks once more"),
            (lambda y, f: y.transpose(2, 3), "swapped the axes of each small picture. The"),
            (lambda y, f: adjoint_by_expand(y.mT, f), "and then spread its numbers"),
            (lambda y, f: F.interpolate(y, scale_factor=f) / (f * f * y.shape[2] * y.shape[3]), "number of all pixels"),
            (lambda y, f: F.interpolate(y, scale_factor=f) / y[0, 0].numel(), "number of small pixels"),
            (lambda y, f: y.repeat_interleave(f, dim=-1) / f**2, "along one axis only"),
            (lambda y, f: y.repeat_interleave(f, dim=-2) / f**2, "rows' axis only"),
            (lambda y, f: on_wrong_axes(y, f) / f**2, "channels and rows. Rows"),
            (on_wrong_axes, "channels and rows, and did not divide"),
            (lambda y, f: cut_anew(y, f) / f**2, "into rows anew. So"),
            (cut_anew, "cut the result into rows anew, and did not divide"),
            (lambda y, f: -adjoint_by_expand(y, f), "changed the sign"),
        ],
    },
}
