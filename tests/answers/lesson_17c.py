"""Answers to the exercises of lesson 17c as different people would write them, right and wrong; see test_check.py."""

import math

import torch


def by_autograd(a, b, c, x):
    encoder = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    decoder = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    loss = (c * decoder * encoder * x - c * x).square().mean()
    return *torch.autograd.grad(loss, (encoder, decoder)), torch.tensor(0.0)


def by_hand(a, b, c, x):
    gap = c * (b * a * x - x)
    return (2 * gap * c * b * x).mean().item(), (2 * gap * c * a * x).mean().item(), 0


def all_three(a, b, c, x):
    weights = [torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in (a, b, c)]
    encoder, decoder, critic = weights
    loss = (critic * decoder * encoder * x - critic * x).square().mean()
    return torch.autograd.grad(loss, weights)


def slopes(change):
    return lambda a, b, c, x: change(*by_hand(a, b, c, x), a, b, c, x)


def by_the_mean(a, b, c, x):
    size = x.mean() / x.square().mean()
    encoder, decoder, _ = by_hand(a, b, c, x)
    return encoder * size, decoder * size, 0.0


def again_standardised(codes, drawn):
    own = (drawn - drawn.mean(0)) / drawn.std(0)
    return (codes - codes.mean(0)) / codes.std(0), own * codes.std(0) + codes.mean(0)


def by_n(codes, drawn):
    m, s = codes.mean(0), codes.std(0, correction=0)
    return (codes - m) / s, drawn * s + m


def there_and_back(codes, drawn):
    m = codes.mean(dim=0, keepdim=True)
    s = codes.var(dim=0, keepdim=True).sqrt()
    return (codes - m).div(s), drawn.mul(s).add(m)


def in_columns(codes, drawn):
    columns = [(c.mean(), c.std()) for c in codes.T]
    there = torch.stack([(c - m) / s for c, (m, s) in zip(codes.T, columns, strict=True)], 1)
    back = torch.stack([d * s + m for d, (m, s) in zip(drawn.T, columns, strict=True)], 1)
    return [there, back]


def by_rows(codes, drawn):
    m, s = codes.mean(1, keepdim=True), codes.std(1, keepdim=True)
    return (codes - m) / s, drawn * s[: len(drawn)] + m[: len(drawn)]


def by_rows_as_they_are(codes, drawn):
    m, s = codes.mean(1, keepdim=True), codes.std(1, keepdim=True)
    return (codes - m) / s, s * drawn + m


def counted(steps, call, pairs, training):
    spent = pairs * steps * call + training * 1e3
    n = 0
    while n * (steps - 1) * call < spent:
        n += 1
    return n


ANSWERS = {
    "17c.1": {
        "right": [by_autograd, by_hand],
        "wrong": [
            (all_three, "critic learn"),
            (slopes(lambda e, d, k, a, b, c, x: (0.0, d, 0.0)), "encoder out"),
            (slopes(lambda e, d, k, a, b, c, x: (d, e, 0.0)), "exchanged"),
            (slopes(lambda e, d, k, a, b, c, x: (e, 0.0, 0.0)), "decoder out"),
            (slopes(lambda e, d, k, a, b, c, x: (e, d, e * a / c)), "Rule 1"),
            (lambda a, b, c, x: by_hand(a, b, c, x.mean()), "square of the mean"),
            (by_the_mean, "averaged x"),
            (slopes(lambda e, d, k, a, b, c, x: (a * b * e / (a * b - 1), a * b * d / (a * b - 1), 0.0)), "with 0"),
            (slopes(lambda e, d, k, a, b, c, x: (e / c, d / c, 0.0)), "c once"),
            (slopes(lambda e, d, k, a, b, c, x: (e / c**2, d / c**2, 0.0)), "compared pixels"),
            (slopes(lambda e, d, k, a, b, c, x: (e, d, None)), "return 0"),
            (lambda a, b, c, x: ((2 * c * (a * b - 1) * x).mean(),) * 2 + (0.0,), "inner derivative"),
            (slopes(lambda e, d, k, a, b, c, x: (e * len(x), d * len(x), 0.0)), "added over"),
            (slopes(lambda e, d, k, a, b, c, x: (e / 2, d / 2, 0.0)), "the 2"),
            (slopes(lambda e, d, k, a, b, c, x: (-e, -d, 0.0)), "opposite sign"),
        ],
    },
    "17c.2": {
        "right": [there_and_back, in_columns],
        "wrong": [
            (lambda c, d: ((c - c.mean()) / c.std(), d * c.std() + c.mean()), "one mean"),
            (lambda c, d: ((c - c.mean(0)) / c.var(0), d * c.var(0) + c.mean(0)), "variance"),
            (lambda c, d: (c / c.std(0), d * c.std(0)), "mean off"),
            (lambda c, d: (c - c.mean(0), d + c.mean(0)), "divide by the deviation"),
            (lambda c, d: ((c - c.mean(0)) / c.std(0), (d - c.mean(0)) / c.std(0)), "second time"),
            (lambda c, d: ((c - c.mean(0)) / c.std(0), (d + c.mean(0)) * c.std(0)), "before you multiplied"),
            (lambda c, d: ((c - c.mean(0)) / c.std(0), d), "as it is"),
            (by_rows, "wrong axis"),
            (lambda c, d: ((c - c.mean(1)) / c.std(1), d * c.std(1) + c.mean(1)), "of each code, dimension 1"),
            (by_rows_as_they_are, "of each code, dimension 1"),
            (lambda c, d: ((c - c.mean(0)) / c.std(0), d * c + c), "shapes do not fit"),
            (lambda c, d: ((c - c.mean(0)) / c.std(0), d * d.std(0) + d.mean(0)), "of what was drawn"),
            (again_standardised, "before you went"),
            (lambda c, d: (c - c.mean(0) / c.std(0), d * c.std(0) + c.mean(0)), "brackets"),
            (by_n, "by n - 1"),
        ],
    },
    "17c.3": {
        "right": [counted, lambda k, c, p, t: -int(-(p * k * c + 1000 * t) // ((k - 1) * c))],
        "wrong": [
            (lambda k, c, p, t: math.ceil(1000 * t / ((k - 1) * c)), "left out the pairs"),
            (lambda k, c, p, t: math.ceil((p * c + 1000 * t) / ((k - 1) * c)), "one call"),
            (lambda k, c, p, t: math.ceil((p + 1000 * t) / ((k - 1) * c)), "number of pairs to milliseconds"),
            (lambda k, c, p, t: math.ceil((p * k + 1000 * t) / ((k - 1) * c)), "pairs' calls to milliseconds"),
            (lambda k, c, p, t: math.ceil((p * k * c + 1000 * t) / (k * c)), "student needs a call"),
            (lambda k, c, p, t: math.ceil((p * k * c + t) / ((k - 1) * c)), "mixed seconds"),
            (lambda k, c, p, t: math.ceil((p * k * c + 1000 * t) / c), "what a picture saves"),
            (lambda k, c, p, t: math.ceil((p * k * c + t / 1000) / ((k - 1) * c)), "divided its seconds"),
            (lambda k, c, p, t: math.ceil((p * (k + 1) * c + 1000 * t) / ((k - 1) * c)), "to each pair"),
            (lambda k, c, p, t: math.ceil((p * k * c + 1000 * t) / ((k - 1) * c)) - p, "pairs as pictures"),
            (lambda k, c, p, t: math.ceil(p * k / (k - 1)), "left out the training"),
            (lambda k, c, p, t: int((p * k * c + 1000 * t) / ((k - 1) * c)), "rounded down"),
            (lambda k, c, p, t: round((p * k * c + 1000 * t) / ((k - 1) * c)), "nearest"),
            (lambda k, c, p, t: (p * k * c + 1000 * t) / ((k - 1) * c), "did not round"),
        ],
    },
}
