"""The exercises of lesson 12c: the error in a hole, the chroma of a mean, the ranks of the truth."""

import functools
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def hole_error(
    x_hat: Tensor,
    x: Tensor,
    hole: Tensor,
    *,
    where: Callable[[Tensor], Tensor] = lambda hole: hole,
    channels: Callable[[Tensor], Tensor] = lambda there: there[:, None],
    apart: Callable[[Tensor, Tensor], Tensor] = lambda x_hat, x: (x_hat - x).abs(),
    add: Callable[[Tensor], Tensor] = lambda inside: inside.flatten(1).sum(1),
    count: Callable[[Tensor, Tensor], Tensor] = lambda hole, x: hole.flatten(1).sum(1) * x.shape[1],
    reduce: Callable[[Tensor, Tensor], Tensor] = lambda total, n: total / n,
) -> Tensor:
    """Return the mean absolute error of each picture (N, C, H, W) in its own hole (N, H, W), (N,); rest: for slips."""
    there = where(hole)
    total = add(apart(x_hat, x) * channels(there))
    return reduce(total, count(there, x))


def _hole_error(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, (channels, height, width) in enumerate(((3, 6, 5), (1, 4, 7))):
        rng = seeded_generator("12c.1", n)
        x = 2 * torch.rand(3, channels, height, width, generator=rng, dtype=torch.float64) - 1
        x_hat = (x + 0.3 * torch.randn(x.shape, generator=rng, dtype=torch.float64)).clamp(-1, 1)
        x_hat[:, :, 1, 2] = x[:, :, 1, 2]  # some numbers in a hole are exactly right
        hole = torch.zeros(3, height, width, dtype=torch.bool)
        hole[0, 1:3, 2:4] = True
        hole[1, 0, 1:] = True
        hole[2, 1:, :3] = True
        try:
            numbers[f"error of pictures with {channels} channels"] = function(x_hat, x, hole)
        except IndexError as error:
            if "The shape of the mask [3," not in str(error):
                raise
            raise ValueError(
                "a mask in square brackets must have as many channels as the picture. Hint: You took `hole` as an "
                "index. Multiply by hole[:, None] instead: it keeps the pictures apart, and fits all channels."
            ) from error
    return numbers


def _pixels(hole: Tensor, x: Tensor) -> Tensor:
    return torch.full((len(x),), float(hole[0].numel() * x.shape[1]), dtype=x.dtype)


HOLE_SLIPS: dict[str, dict[str, Any]] = {
    "You divided by all pixels of the picture. Outside the hole the error is not asked for, so divide by the number of "
    "numbers in the hole.": {"count": _pixels},
    "You took the whole picture. Take the pixels in the hole alone.": {
        "where": lambda hole: torch.ones_like(hole),
    },
    "You took the pixels *outside* the hole. `hole` is True in the hole.": {"where": lambda hole: ~hole},
    "You divided by the number of pixels in the hole. Each pixel has C numbers, so divide by C times as many.": {
        "count": lambda hole, x: hole.flatten(1).sum(1)
    },
    "You divided by 3 times the pixels in the hole. A picture has C channels, which can be 1.": {
        "count": lambda hole, x: 3 * hole.flatten(1).sum(1)
    },
    "You took the first channel alone. The mean is over all C channels.": {
        "apart": lambda x_hat, x: (x_hat - x).abs()[:, :1],
        "count": lambda hole, x: hole.flatten(1).sum(1),
    },
    "You divided by the size of all holes together. Each picture has a hole of its own, and divides by that.": {
        "count": lambda hole, x: (hole.sum() * x.shape[1]).expand(len(x))
    },
    "You added the errors up. Divide by how many numbers there are in the hole.": {"reduce": lambda total, n: total},
    "You took one mean over the holes of all pictures. Each picture has a hole of its own, and a mean of its own.": {
        "reduce": lambda total, n: (total.sum() / n.sum()).expand(len(total))
    },
    "You returned one mean for all pictures together. Return one number for each picture, (N,).": {
        "reduce": lambda total, n: total.sum() / n.sum()
    },
    "You multiplied by the mask as it is, so its N was taken for the channels. Give it an axis for the channels, "
    "hole[:, None].": {"channels": lambda there: there},
    "You multiplied by the mask as it is, so its N was taken for the channels, and divided by the pixels in the hole. "
    "Use hole[:, None], and count all C numbers of a pixel.": {
        "channels": lambda there: there,
        "count": lambda hole, x: hole.flatten(1).sum(1),
    },
    "You multiplied by the mask as it is, so its N was taken for the channels, and divided by all pixels. Use "
    "hole[:, None], and divide by the number of numbers in the hole.": {
        "channels": lambda there: there,
        "add": lambda inside: inside.flatten(1).mean(1),
        "reduce": lambda total, n: total,
    },
    "You divided by the numbers in the hole that are wrong. Those that are exactly right count, too: count the hole.": {
        "add": lambda inside: inside.flatten(1).sum(1) / (inside > 0).flatten(1).sum(1),
        "reduce": lambda total, n: total,
    },
    "You divided by the pixels of all holes together. Each picture has a hole of its own, with C numbers for each "
    "pixel.": {"count": lambda hole, x: hole.sum().expand(len(x))},
    "You divided by the pixels in the hole, and *multiplied* by C. Divide by both: put their product in brackets.": {
        "count": lambda hole, x: hole.flatten(1).sum(1) / x.shape[1]
    },
    "You divided by the pixels of all holes together, and *multiplied* by C. Divide by both, and by each picture's own "
    "hole.": {"count": lambda hole, x: (hole.sum() / x.shape[1]).expand(len(x))},
    "You took the first picture's hole for all pictures. Each picture has a hole of its own.": {
        "where": lambda hole: hole[:1].expand_as(hole)
    },
    "You returned a number for each channel. The mean of a picture is over all C channels, too.": {
        "add": lambda inside: inside.sum((2, 3)),
        "count": lambda hole, x: hole.flatten(1).sum(1)[:, None],
    },
    "You returned a number for each channel, and divided the channels, not the pictures, by the sizes of the holes. "
    "Add up over C, H and W of a picture: flatten(1).sum(1).": {
        "add": lambda inside: inside.sum((2, 3)),
        "count": lambda hole, x: hole.flatten(1).sum(1),
    },
    "You took the absolute value of the sum. In a sum the signs cancel, so take it of each difference first.": {
        "apart": lambda x_hat, x: x_hat - x,
        "reduce": lambda total, n: total.abs() / n,
    },
    "You squared the differences. The mean *absolute* error is asked for.": {
        "apart": lambda x_hat, x: (x_hat - x).square()
    },
    "You did not take the absolute value. Differences of both signs cancel in the mean.": {
        "apart": lambda x_hat, x: x_hat - x
    },
    "You took the root of the mean square. The mean *absolute* error is asked for.": {
        "apart": lambda x_hat, x: (x_hat - x).square(),
        "reduce": lambda total, n: (total / n).sqrt(),
    },
    "You divided by the size of the first picture's hole for all pictures. Each picture has a hole of its own.": {
        "count": lambda hole, x: (hole[0].sum() * x.shape[1]).expand(len(x))
    },
}


def chromas(
    colours: Tensor,
    p: Tensor,
    *,
    chroma: Callable[[Tensor], Tensor] = lambda colours: colours.amax(-1) - colours.amin(-1),
    weights: Callable[[Tensor], Tensor] = lambda p: p,
    mean: Callable[[Tensor, Tensor], Tensor] = lambda w, colours: (w[:, None] * colours).sum(0),
    expect: Callable[[Tensor, Tensor], Tensor] = lambda w, chroma: (w * chroma).sum(),
    order: Callable[[Tensor, Tensor], Any] = lambda expected, of_mean: (expected, of_mean),
) -> Any:
    """Return the expected chroma of colours (n, 3) of probabilities p (n,), and the chroma of their mean."""
    w = weights(p)
    return order(expect(w, chroma(colours)), chroma(mean(w, colours)))


def _chromas(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n in (5, 2):  # 5 first: one tensor of 2 numbers, one a colour, would look like two answers
        rng = seeded_generator("12c.2", n)
        colours = 255 * torch.rand(n, 3, generator=rng, dtype=torch.float64)
        p = torch.rand(n, generator=rng, dtype=torch.float64) + 0.2
        try:
            result = function(colours, p / p.sum())
        except RuntimeError as error:
            if not re.search(r"\[5\] and src \[3\]|\[3\] and src \[5\]|non-singleton dimension 0", str(error)):
                raise
            raise ValueError(
                "got a number for each of 3 channels, expected one for each of 5 colours. Hint: You combined a "
                "number for each colour with one for each channel. A colour is a row: amax(1) and amin(1), not amax(0)."
            ) from error
        expected, of_mean = parts(result, "the expected chroma", "the chroma of the mean")
        numbers[f"expected chroma of {n} colours"] = expected
        numbers[f"chroma of the mean of {n} colours"] = of_mean
    return numbers


CHROMA_SLIPS: dict[str, dict[str, Any]] = {
    "You took all colours as equally likely. Weight each by its probability.": {
        "weights": lambda p: torch.full_like(p, 1 / len(p))
    },
    "You weighted the chromas by p, but not the colours in the mean. Weight each colour by its probability, too.": {
        "mean": lambda w, colours: colours.mean(0)
    },
    "You took the plain mean of the chromas. Weight each by its probability, and add up.": {
        "expect": lambda w, chroma: chroma.mean()
    },
    "You weighted the chromas, but did not add up. The expected chroma is the sum.": {
        "expect": lambda w, chroma: w * chroma
    },
    "You returned the chroma of each colour. Weight each by its probability, and add up.": {
        "expect": lambda w, chroma: chroma
    },
    "You took the largest and the smallest over the colours, axis 0. A colour is a row: amax(1) and amin(1).": {
        "chroma": lambda colours: colours.amax(0) - colours.amin(0),
        "expect": lambda w, chroma: chroma,
    },
    "You took the largest and the smallest over the colours, axis 0, and averaged over the channels. A colour is a "
    "row: amax(1) and amin(1).": {
        "chroma": lambda colours: colours.amax(0) - colours.amin(0),
        "expect": lambda w, chroma: chroma.mean(),
    },
    "You took the largest number of all colours less the smallest of all. Each colour has a chroma of its own: "
    "amax(1) and amin(1).": {
        "chroma": lambda colours: colours.max() - colours.min(),
        "expect": lambda w, chroma: chroma,
    },
    "You took the median colour. The mean colour weights each colour by its probability.": {
        "mean": lambda w, colours: colours.median(0).values
    },
    "You exchanged the two numbers. The expected chroma comes first.": {
        "order": lambda expected, of_mean: (of_mean, expected)
    },
    "You returned the expected chroma twice. For the second number take the mean colour first, then its chroma.": {
        "order": lambda expected, of_mean: (expected, expected)
    },
    "You returned the chroma of the mean colour twice. For the first number take the chroma of each colour first, then "
    "the mean.": {"order": lambda expected, of_mean: (of_mean, of_mean)},
    "You divided by the largest channel. That is the saturation of HSV; the chroma is the difference alone.": {
        "chroma": lambda colours: (colours.amax(-1) - colours.amin(-1)) / colours.amax(-1)
    },
    "You took the chroma of the most likely colour. Each colour's chroma counts with its probability.": {
        "expect": lambda w, chroma: chroma[w.argmax()]
    },
    "You took the largest of the chromas. Their mean, weighted by p, is asked for.": {
        "expect": lambda w, chroma: chroma.max()
    },
    "You divided the mean colour by the number of colours once more. p @ colours is the mean already.": {
        "mean": lambda w, colours: (w[:, None] * colours).mean(0)
    },
    "You took the largest channel. Subtract the smallest one.": {"chroma": lambda colours: colours.amax(-1)},
    "You took the standard deviation of the three channels. The chroma is the largest less the smallest.": {
        "chroma": lambda colours: colours.std(-1)
    },
    "You took red less blue. The chroma is the largest channel less the smallest, whichever they are.": {
        "chroma": lambda colours: colours[..., 0] - colours[..., 2]
    },
    "You did not divide by the number of colours, or did not use p: the weights must add up to 1.": {
        "weights": torch.ones_like
    },
}


def ranks(
    samples: Tensor,
    truth: Tensor,
    *,
    below: Callable[[Tensor, Tensor], Tensor] = lambda samples, truth: samples < truth,
    count: Callable[[Tensor], Tensor] = lambda below: below.sum(0),
    bins: Callable[[int], int] = lambda n: n + 1,
    reduce: Callable[[Tensor, int], Tensor] = lambda counts, n: counts / n,
) -> Tensor:
    """Return the fraction of truths (N,) that have each rank among their samples (S, N), (S + 1,); rest: for slips."""
    counts = torch.bincount(count(below(samples, truth)), minlength=bins(len(samples)))
    return reduce(counts.double(), len(truth))


def _ranks(function: Callable) -> dict[str, Any]:
    numbers = {}
    for size, n, spread in ((4, 50, 0.6), (7, 80, 1.5)):
        rng = seeded_generator("12c.3", size)
        centre = torch.randn(n, generator=rng, dtype=torch.float64)
        skewed = torch.randn(size, n, generator=rng, dtype=torch.float64).exp() - 1.3
        samples = (2 * (centre + spread * skewed)).round()  # in steps of 1: there are ties
        truth = (2 * (centre + torch.randn(n, generator=rng, dtype=torch.float64).exp() - 1.3)).round()
        if size == 7:
            samples[0] = torch.maximum(samples[0], truth)  # never below the truth: the highest rank does not occur
        numbers[f"fractions of the ranks among {size}"] = function(samples, truth)
    return numbers


RANK_SLIPS: dict[str, dict[str, Any]] = {
    "You counted the samples *above* the truth. The rank is the number of samples below it.": {
        "below": lambda samples, truth: samples > truth
    },
    "You counted samples that equal the truth, too. Only those below it count.": {
        "below": lambda samples, truth: samples <= truth
    },
    "You counted the samples at or above the truth. The rank is the number of samples below it.": {
        "below": lambda samples, truth: samples >= truth
    },
    "You returned counts. Divide by the number of truths.": {"reduce": lambda counts, n: counts},
    "You divided by the number of samples. Divide by the number of truths.": {
        "reduce": lambda counts, n: counts / (len(counts) - 1)
    },
    "You divided by the number of ranks. Divide by the number of truths.": {
        "reduce": lambda counts, n: counts / len(counts)
    },
    "You returned percentages. Fractions are asked for.": {"reduce": lambda counts, n: 100 * counts / n},
    "You returned cumulative fractions. Return the fraction of each rank alone.": {
        "reduce": lambda counts, n: (counts / n).cumsum(0)
    },
    "You returned what is missing to a flat histogram. Return the fractions themselves.": {
        "reduce": lambda counts, n: counts / n - 1 / len(counts)
    },
    "You left out the highest rank where no truth has it. Give `torch.bincount` a `minlength` of S + 1.": {
        "reduce": lambda counts, n: counts[: int(counts.nonzero().max()) + 1] / n
    },
    "You made S ranks. Among S samples the truth has S + 1 places: below all, between two, above all.": {
        "count": lambda below: below.sum(0).clamp(max=len(below) - 1),
        "bins": lambda n: n,
    },
    "You added up along axis 1, over the truths. The samples of one truth are a column: sum(0).": {
        "count": lambda below: below.sum(1)
    },
    "You counted the ranks from 1. A truth below all its samples has the rank 0.": {
        "count": lambda below: below.sum(0) + 1
    },
    "You counted the ranks from 1, and made S + 2 of them. A truth below all its samples has the rank 0.": {
        "count": lambda below: below.sum(0) + 1,
        "bins": lambda n: n + 2,
    },
    "You asked for the ranks 1 to S + 1. They are 0 to S.": {
        "reduce": lambda counts, n: torch.cat([counts[1:], 0 * counts[:1]]) / n
    },
    "You took 21 ranks, whatever S is. Among S samples there are S + 1.": {"bins": lambda n: 21},
}

EXERCISES = {
    "12c.1": Exercise(
        _hole_error,
        hole_error,
        tuple(Slip(functools.partial(hole_error, **change), hint) for hint, change in HOLE_SLIPS.items()),
    ),
    "12c.2": Exercise(
        _chromas,
        chromas,
        tuple(Slip(functools.partial(chromas, **change), hint) for hint, change in CHROMA_SLIPS.items()),
    ),
    "12c.3": Exercise(
        _ranks,
        ranks,
        (
            Slip(
                lambda samples, truth: (samples < truth).sum(0),
                "You returned the rank of each truth. Count how often each rank occurs, and divide by their number.",
            ),
            Slip(
                lambda samples, truth: (samples < truth).double().mean(0),
                "You returned, for each truth, the part of its samples below it. Count how often each rank occurs, and "
                "divide by the number of truths.",
            ),
            *(Slip(functools.partial(ranks, **change), hint) for hint, change in RANK_SLIPS.items()),
        ),
    ),
}
