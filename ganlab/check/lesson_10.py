"""The exercises of lesson 10: the game's value, variety within classes, a paired interval, a norm folded."""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from scipy import stats
from torch import Tensor, nn

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def _slips(bank: dict[str, Callable]) -> tuple[Slip, ...]:
    return tuple(Slip(change, hint) for hint, change in bank.items())


def _kl(p: Tensor, r: Tensor) -> Tensor:
    """Return sum p log(p / r) over the last dimension, with 0 log 0 = 0."""
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, r)).sum(-1)


def _jsd(p: Tensor, q: Tensor) -> Tensor:
    return 0.5 * _kl(p, 0.5 * (p + q)) + 0.5 * _kl(q, 0.5 * (p + q))


def best_value(p_x: Tensor, q_x: Tensor, p_y: Tensor) -> Tensor:
    """Return the value of the game against the best critic, nats: p(x | y), q(x | y) (K, m), p(y) (K,)."""
    return 2 * (p_y * _jsd(p_x, q_x)).sum() - math.log(4)


def _tables() -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    p = torch.tensor([[0.5, 0.3, 0.2, 0.0], [0.0, 0.1, 0.6, 0.3], [0.2, 0.2, 0.1, 0.5]], dtype=torch.float64)
    q = torch.tensor([[0.1, 0.6, 0.2, 0.1], [0.0, 0.3, 0.3, 0.4], [0.7, 0.0, 0.2, 0.1]], dtype=torch.float64)
    swap = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]], dtype=torch.float64)
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    half = torch.tensor([0.5, 0.5], dtype=torch.float64)
    return {"three classes": (p, q, weights), "two classes swapped": (swap, swap.flip(0), half)}


def _best_value(function: Callable) -> dict[str, Any]:
    found = {f"value, {name}": function(*(each.clone() for each in given)) for name, given in _tables().items()}
    if any(torch.as_tensor(value).isnan().any() for value in found.values() if value is not ...):
        raise ValueError(
            "the value is nan. Hint: a log of 0, or 0/0 where p = q = 0: xlogy(p, p) - xlogy(p, r) is safe."
        )
    return found


VALUE_SLIPS = {
    "a plain mean over the classes: weigh them by p(y).": lambda p, q, w: 2 * _jsd(p, q).mean() - math.log(4),
    "a plain sum over the classes: weigh them by p(y).": lambda p, q, w: 2 * _jsd(p, q).sum() - math.log(4),
    "that is the JSD of the mixtures p(x) and q(x): a critic that is not told y.": lambda p, q, w: (
        2 * _jsd(w @ p, w @ q) - math.log(4)
    ),
    "log 4 is missing: against p = q the value is -log 4, not 0.": lambda p, q, w: 2 * (w * _jsd(p, q)).sum(),
    "the mean JSD counts twice in (10.2).": lambda p, q, w: (w * _jsd(p, q)).sum() - math.log(4),
    "log 4 is subtracted for each class, or not weighted: sum p(y) log 4 is log 4.": lambda p, q, w: (
        2 * (w * _jsd(p, q)).sum() - len(w) * math.log(4)
    ),
    "the sign of log 4.": lambda p, q, w: 2 * (w * _jsd(p, q)).sum() + math.log(4),
    "log 2 for log 4: the game has two terms, and each is log(1/2) where p = q.": lambda p, q, w: (
        2 * (w * _jsd(p, q)).sum() - math.log(2)
    ),
    "each JSD is twice too large: both of its terms have a factor 1/2.": lambda p, q, w: (
        4 * (w * _jsd(p, q)).sum() - math.log(4)
    ),
    "one half of the JSD is missing: KL(q || r) belongs to it as KL(p || r) does.": lambda p, q, w: (
        (w * _kl(p, 0.5 * (p + q))).sum() - math.log(4)
    ),
    "in bits: the answer is in nats, so take natural logarithms.": lambda p, q, w: best_value(p, q, w) / math.log(2),
}


def within_classes(features: Tensor, y: Tensor) -> Tensor:
    """Return the mean distance of two different samples of one class, its mean over classes: (N, D) and (N,) in."""
    return torch.stack([torch.pdist(features[y == k]).mean() for k in range(int(y.max()) + 1)]).mean()


def _within_classes(function: Callable) -> dict[str, Any]:
    found = {}
    for name, sizes in {"classes of 4 and 7": (4, 7), "classes of 2, 9 and 5": (2, 9, 5)}.items():
        rng = seeded_generator("10.2", name)
        y = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        y = y[torch.randperm(len(y), generator=rng)]
        noise = torch.randn(len(y), 3, generator=rng, dtype=torch.float64)
        found[f"distance, {name}"] = function(3.0 * y[:, None] + (1.0 + y[:, None]) * noise, y)
    return found


def _by_class(measure: Callable[[Tensor], Tensor], features: Tensor, y: Tensor) -> Tensor:
    return torch.stack([measure(features[y == k]) for k in range(int(y.max()) + 1)]).mean()


def _pairs(features: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return all distances between different samples, and whether the two are of one class."""
    i, j = torch.triu_indices(len(y), len(y), 1)
    return (features[i] - features[j]).norm(dim=1), y[i] == y[j]


WITHIN_SLIPS = {
    "a sample's distance to itself, 0, was counted: divide by n (n - 1), not by n n.": lambda x, y: _by_class(
        lambda own: torch.cdist(own, own).mean(), x, y
    ),
    "over all pairs: only pairs of one class count.": lambda x, y: torch.pdist(x).mean(),
    "between classes instead of within.": lambda x, y: _pairs(x, y)[0][~_pairs(x, y)[1]].mean(),
    "large classes count more: take each class's mean first.": lambda x, y: _pairs(x, y)[0][_pairs(x, y)[1]].mean(),
    "squared distances: take the root of each.": lambda x, y: _by_class(
        lambda own: (torch.pdist(own) ** 2).mean(), x, y
    ),
    "a sum over the classes: take the mean.": lambda x, y: sum(
        torch.pdist(x[y == k]).mean() for k in range(int(y.max()) + 1)
    ),
    "each pair was counted twice: n (n - 1) ordered pairs, or half as many.": lambda x, y: 2 * within_classes(x, y),
    "half of it: the sum over i < j has n (n - 1) / 2 pairs.": lambda x, y: within_classes(x, y) / 2,
    "the distance to the class's mean: take pairs of samples.": lambda x, y: _by_class(
        lambda own: (own - own.mean(0)).norm(dim=1).mean(), x, y
    ),
    "the last class is missing: K is y.max() + 1.": lambda x, y: torch.stack(
        [torch.pdist(x[y == k]).mean() for k in range(int(y.max()))]
    ).mean(),
}


def gain(
    first: Tensor,
    second: Tensor,
    spread: Callable[[Tensor, Tensor], float] = lambda a, b: (b - a).std().item() / math.sqrt(len(a)),
    quantile: Callable[[int], float] = lambda n: stats.t.ppf(0.975, n - 1),
    sign: float = 1.0,
) -> tuple[float, float]:
    """Return the ends of the 95% interval of second minus first, (n,) seed by seed. The rest are for slips."""
    first, second = (torch.as_tensor(each, dtype=torch.float64) for each in (first, second))
    middle, half = sign * (second - first).mean().item(), quantile(len(first)) * spread(first, second)
    return middle - half, middle + half


def _gain(function: Callable) -> dict[str, Any]:
    found = {}
    for n in (5, 8):
        rng = seeded_generator("10.3", n)
        easy = 80 + 5 * torch.randn(n, generator=rng, dtype=torch.float64)
        pair = (easy + torch.randn(n, generator=rng, dtype=torch.float64) + shift for shift in (0.0, 1.5))
        ends = function(*(each.numpy() for each in pair))
        for name, end in zip(("low", "high"), ends, strict=True):
            found[f"{name} end, {n} seeds"] = end
    return found


def _unpaired(a: Tensor, b: Tensor) -> float:
    return math.sqrt((a.var().item() + b.var().item()) / len(a))


GAIN_SLIPS = {
    "unpaired: the spread of each recipe contains how easy the draw was. Take the spread of differences.": {
        "spread": _unpaired
    },
    "1.96, the normal quantile, is for many seeds: for few, t is larger.": {
        "quantile": lambda n: stats.norm.ppf(0.975)
    },
    "that is a 90% interval: 2.5% belong beyond either end, so the 97.5% quantile.": {
        "quantile": lambda n: stats.t.ppf(0.95, n - 1)
    },
    "t has n - 1 degrees of freedom.": {"quantile": lambda n: stats.t.ppf(0.975, n)},
    "one difference's spread, not their mean's: divide by sqrt(n).": {"spread": lambda a, b: (b - a).std().item()},
    "divided by n: the mean's spread falls with sqrt(n).": {"spread": lambda a, b: (b - a).std().item() / len(a)},
    "the standard deviation over n (numpy's default): ddof=1 makes it n - 1.": {
        "spread": lambda a, b: (b - a).std(correction=0).item() / math.sqrt(len(a))
    },
    "a variance for a standard deviation.": {"spread": lambda a, b: (b - a).var().item() / math.sqrt(len(a))},
    "first minus second: it was asked the other way round.": {"sign": -1.0},
    "that is one standard error either way: multiply by the quantile.": {"quantile": lambda n: 1.0},
}


def fold(
    norm: nn.BatchNorm1d,
    linear: nn.Linear,
    scale: Callable[[nn.BatchNorm1d], Tensor] = lambda norm: norm.weight / (norm.running_var + norm.eps).sqrt(),
    shift: Callable[[nn.BatchNorm1d, Tensor], Tensor] = lambda norm, f: norm.bias - f * norm.running_mean,
    bias: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda W, shift, b: W @ shift + b,
    shape: tuple[int, int] = (1, -1),
) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the one layer that is `norm` in use, then `linear`. The rest are for slips."""
    factor = scale(norm)
    b = torch.zeros_like(linear.weight[:, 0]) if linear.bias is None else linear.bias
    return linear.weight * factor.view(shape), bias(linear.weight, shift(norm, factor), b)


def _fold(function: Callable) -> dict[str, Any]:
    found = {}
    for name, with_bias in {"": True, " (linear without a bias)": False}.items():
        rng = seeded_generator("10.4", name)
        norm, linear = nn.BatchNorm1d(3, eps=0.05), nn.Linear(3, 3, bias=with_bias)
        with torch.no_grad():
            for each in (*linear.parameters(), norm.weight, norm.bias, norm.running_mean):
                each.copy_(torch.randn(each.shape, generator=rng))
            norm.running_var.copy_(0.2 + torch.rand(3, generator=rng))
        norm, linear = norm.double().eval().requires_grad_(False), linear.double().requires_grad_(False)
        layers = nn.ModuleList([norm, linear])
        before = [each.clone() for each in layers.state_dict().values()]
        found["weight" + name], found["bias" + name] = function(norm, linear)
        kept = all(map(torch.equal, before, layers.state_dict().values()))
        found["both layers as they were (1: yes)" + name] = float(kept)
    return found


def _in_place(norm: nn.BatchNorm1d, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    weight, bias = fold(norm, linear)
    linear.weight.data.copy_(weight)
    return linear.weight, bias


FOLD_SLIPS = {
    "the factor runs along the outputs: weights are (out, in), and the norm scales what comes in.": {"shape": (-1, 1)},
    "eps is missing under the root.": {"scale": lambda norm: norm.weight / norm.running_var.sqrt()},
    "eps belongs under the root.": {"scale": lambda norm: norm.weight / (norm.running_var.sqrt() + norm.eps)},
    "divided by the variance: take its root.": {"scale": lambda norm: norm.weight / (norm.running_var + norm.eps)},
    "gamma, norm.weight, is missing.": {"scale": lambda norm: 1 / (norm.running_var + norm.eps).sqrt()},
    "the layer's own bias is missing: it is added last.": {"bias": lambda W, shift, b: W @ shift},
    "what the norm adds passes through the weights: it is multiplied by W.": {"bias": lambda W, shift, b: shift + b},
    "W is turned: row o of W makes output o, so W @ shift.": {"bias": lambda W, shift, b: shift @ W + b},
    "the running mean is missing from the bias.": {"shift": lambda norm, f: norm.bias},
    "the running mean is not scaled: it is subtracted first.": {"shift": lambda norm, f: norm.bias - norm.running_mean},
    "the sign of the running mean: it is subtracted.": {"shift": lambda norm, f: norm.bias + f * norm.running_mean},
    "beta, norm.bias, is missing.": {"shift": lambda norm, f: -f * norm.running_mean},
    "beta, norm.bias, is scaled: it is added after.": {"shift": lambda norm, f: f * (norm.bias - norm.running_mean)},
}


EXERCISES = {
    "10.1": Exercise(_best_value, best_value, _slips(VALUE_SLIPS)),
    "10.2": Exercise(_within_classes, within_classes, _slips(WITHIN_SLIPS)),
    "10.3": Exercise(
        _gain,
        gain,
        tuple(Slip(functools.partial(gain, **changed), hint) for hint, changed in GAIN_SLIPS.items()),
        tolerance=1e-3,  # for those who type 2.776
    ),
    "10.4": Exercise(
        _fold,
        fold,
        (
            *(Slip(functools.partial(fold, **changed), hint) for hint, changed in FOLD_SLIPS.items()),
            Slip(_in_place, "the numbers are right, but a layer changed: make new tensors."),
        ),
    ),
}
