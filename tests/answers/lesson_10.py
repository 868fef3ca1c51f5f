"""Answers to the exercises of lesson 10 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
from scipy import stats
from scipy.spatial.distance import pdist


def value_by_numpy(p_x, q_x, p_y):
    total = 0.0
    for p, q, weight in zip(p_x.tolist(), q_x.tolist(), p_y.tolist(), strict=True):
        for a, b in zip(p, q, strict=True):
            if a > 0:
                total += weight * a * math.log(a / (a + b))
            if b > 0:
                total += weight * b * math.log(b / (a + b))
    return total


def value_by_best_critic(p_x, q_x, p_y):
    D = (p_x / (p_x + q_x)).nan_to_num(0.5)  # where neither draws, any D will do
    inside = torch.special.xlogy(p_x, D) + torch.special.xlogy(q_x, 1 - D)
    return p_y @ inside.sum(1)


def jsd_rows(p_x, q_x):
    r = (p_x + q_x) / 2
    return (torch.special.xlogy(p_x, p_x / r) + torch.special.xlogy(q_x, q_x / r)).nan_to_num(0.0).sum(-1) / 2


def value_by_jsd(p_x, q_x, p_y):
    return 2 * torch.dot(p_y, jsd_rows(p_x, q_x)) - np.log(4)


def value_unsafe(p_x, q_x, p_y):
    D = p_x / (p_x + q_x)
    return (p_y[:, None] * (p_x * torch.log(D) + q_x * torch.log(1 - D))).sum()


def value_by_hint_too_literally(p_x, q_x, p_y):
    r = (p_x + q_x) / 2
    jsd = (torch.special.xlogy(p_x, p_x / r) + torch.special.xlogy(q_x, q_x / r)).sum(1) / 2
    return 2 * p_y @ jsd - math.log(4)


def value_by_hint(p_x, q_x, p_y):
    r, f = (p_x + q_x) / 2, torch.special.xlogy
    return p_y @ (f(p_x, p_x) - f(p_x, r) + f(q_x, q_x) - f(q_x, r)).sum(1) - math.log(4)


def blind_value(p_x, q_x, p_y):
    p, q = (p_y[:, None] * p_x).sum(0), (p_y[:, None] * q_x).sum(0)
    return 2 * jsd_rows(p, q) - math.log(4)


def within_by_loop(features, y):
    means = []
    for k in y.unique():
        own = features[y == k]
        found = [torch.dist(a, b).item() for i, a in enumerate(own) for j, b in enumerate(own) if i != j]
        means.append(sum(found) / len(found))
    return sum(means) / len(means)


def within_by_scipy(features, y):
    return np.mean([pdist(features[y == k].numpy()).mean() for k in range(int(y.max()) + 1)])


def within_by_cdist(features, y, divisor=lambda n: n * (n - 1), power=1.0, over=np.mean):
    found = []
    for k in range(int(y.max()) + 1):
        own = features[y == k]
        distances = (own[:, None] - own).norm(dim=2) ** power
        found.append(distances.sum().item() / divisor(len(own)))
    return over(found)


def within_pooled(features, y):
    same = y[:, None] == y
    same.fill_diagonal_(False)
    return torch.cdist(features, features)[same].mean()


def within_from_means(features, y):
    found = [(features[y == k] - features[y == k].mean(0, keepdim=True)).norm(dim=1).mean() for k in y.unique()]
    return torch.stack(found).mean()


def gain_by_numpy(first, second):
    d = second - first
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean() - half, d.mean() + half


def gain_by_scipy(first, second):
    test = stats.ttest_rel(second, first)
    interval = test.confidence_interval(0.95)
    return interval.low, interval.high


def gain_with(spread=lambda d: d.std(ddof=1) / len(d) ** 0.5, t=lambda n: stats.t.ppf(0.975, n - 1), turn=1):
    """Return an answer with another spread or quantile, or the difference turned round."""

    def answer(first, second):
        d = turn * (second - first)
        return np.array([d.mean() - t(len(d)) * spread(d), d.mean() + t(len(d)) * spread(d)])

    return answer


def gain_unpaired(first, second):
    n = len(first)
    error = np.sqrt(first.var(ddof=1) / n + second.var(ddof=1) / n)
    middle, t = second.mean() - first.mean(), stats.t.ppf(0.975, n - 1)
    return [middle - t * error, middle + t * error]


def fold_by_parts(norm, linear):
    sigma = torch.sqrt(norm.running_var + norm.eps)
    weight, bias = linear.weight.clone(), torch.zeros(linear.out_features, dtype=torch.float64)
    for i in range(linear.in_features):
        weight[:, i] = weight[:, i] * (norm.weight[i] / sigma[i])
        bias += linear.weight[:, i] * norm.bias[i] - weight[:, i] * norm.running_mean[i]
    return weight, bias if linear.bias is None else bias + linear.bias


def fold_by_probing(norm, linear):
    """Read bias and weights off what the two layers do to 0 and to single ones."""
    inputs = torch.cat([torch.zeros(1, norm.num_features), torch.eye(norm.num_features)]).double()
    out = linear(norm(inputs))
    return (out[1:] - out[0]).T, out[0]


def fold_by_matrices(norm, linear):
    weight = linear.weight @ torch.diag(norm.weight * torch.rsqrt(norm.running_var + norm.eps))
    bias = linear(norm.bias) - weight @ norm.running_mean
    return weight, bias


def fold_with(f=lambda n: n.weight / (n.running_var + n.eps).sqrt(), bias=None):
    """Return an answer with another factor, or with a bias made of (norm, linear, f, b)."""
    bias = bias or (lambda n, linear, f, b: linear.weight @ (n.bias - f * n.running_mean) + b)

    def answer(norm, linear):
        b = 0 if linear.bias is None else linear.bias
        return linear.weight * f(norm), bias(norm, linear, f(norm), b)

    return answer


def fold_along_outputs(norm, linear):
    weight, bias = fold_by_matrices(norm, linear)
    return torch.diag(norm.weight * torch.rsqrt(norm.running_var + norm.eps)) @ linear.weight, bias


def fold_in_place(norm, linear):
    weight, bias = fold_by_parts(norm, linear)
    linear.weight.data = weight
    return linear.weight, bias


ANSWERS = {
    "10.1": {
        "right": [value_by_numpy, value_by_best_critic, value_by_jsd, value_by_hint],
        "wrong": [
            (lambda p, q, w: 2 * jsd_rows(p, q).mean() - math.log(4), "a plain mean over the classes"),
            (lambda p, q, w: 2 * jsd_rows(p, q).sum() - math.log(4), "a plain sum"),
            (blind_value, "not told y"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q), "log 4 is missing"),
            (lambda p, q, w: w @ jsd_rows(p, q) - math.log(4), "counts twice"),
            (lambda p, q, w: (2 * jsd_rows(p, q) * w - math.log(4)).sum(), "for each class"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q) + math.log(4), "the sign of log 4"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q) - math.log(2), "log 2 for log 4"),
            (lambda p, q, w: 4 * w @ jsd_rows(p, q) - math.log(4), "factor 1/2"),
            (lambda p, q, w: value_by_jsd(p, q, w) / math.log(2), "in bits"),
            (value_unsafe, "a log of 0"),
            (value_by_hint_too_literally, "0/0"),
        ],
    },
    "10.2": {
        "right": [within_by_loop, within_by_scipy, within_by_cdist],
        "wrong": [
            (lambda x, y: within_by_cdist(x, y, divisor=lambda n: n * n), "distance to itself"),
            (lambda x, y: pdist(x.numpy()).mean(), "only pairs of one class"),
            (lambda x, y: torch.cdist(x, x)[y[:, None] != y].mean(), "instead of within"),
            (within_pooled, "large classes count more"),
            (lambda x, y: within_by_cdist(x, y, power=2.0), "squared distances"),
            (lambda x, y: within_by_cdist(x, y, over=sum), "a sum over the classes"),
            (lambda x, y: within_by_cdist(x, y, divisor=lambda n: n * (n - 1) / 2), "counted twice"),
            (lambda x, y: within_by_cdist(x, y) / 2, "half of it"),
            (within_from_means, "distance to the class's mean"),
            (lambda x, y: within_by_cdist(x[y < y.max()], y[y < y.max()]), "last class is missing"),
        ],
    },
    "10.3": {
        "right": [gain_by_numpy, gain_by_scipy, gain_with()],
        "wrong": [
            (gain_unpaired, "unpaired"),
            (gain_with(t=lambda n: 1.96), "for many seeds"),
            (gain_with(t=lambda n: stats.t.ppf(0.95, n - 1)), "a 90% interval"),
            (gain_with(t=lambda n: stats.t.ppf(0.975, n)), "n - 1 degrees"),
            (gain_with(spread=lambda d: d.std(ddof=1)), "divide by sqrt(n)"),
            (gain_with(spread=lambda d: d.std(ddof=1) / len(d)), "falls with sqrt(n)"),
            (gain_with(spread=lambda d: d.std() / len(d) ** 0.5), "ddof=1"),
            (gain_with(spread=lambda d: d.var(ddof=1) / len(d) ** 0.5), "a variance"),
            (gain_with(turn=-1), "the other way round"),
            (gain_with(t=lambda n: 1), "one standard error"),
        ],
    },
    "10.4": {
        "right": [fold_by_parts, fold_by_probing, fold_by_matrices, fold_with()],
        "wrong": [
            (fold_along_outputs, "(out, in)"),
            (fold_with(f=lambda n: n.weight * n.running_var.rsqrt()), "eps is missing"),
            (fold_with(f=lambda n: n.weight / (n.running_var**0.5 + n.eps)), "eps belongs under"),
            (fold_with(f=lambda n: n.weight / (n.running_var + n.eps)), "divided by the variance"),
            (fold_with(f=lambda n: (n.running_var + n.eps).rsqrt()), "gamma"),
            (
                fold_with(bias=lambda n, linear, f, b: linear.weight @ (n.bias - f * n.running_mean)),
                "the layer's own bias is missing",
            ),
            (fold_with(bias=lambda n, linear, f, b: n.bias - f * n.running_mean + b), "multiplied by W"),
            (fold_with(bias=lambda n, linear, f, b: (n.bias - f * n.running_mean) @ linear.weight + b), "W is turned"),
            (fold_with(bias=lambda n, linear, f, b: linear.weight @ n.bias + b), "running mean is missing"),
            (fold_with(bias=lambda n, linear, f, b: linear.weight @ (n.bias - n.running_mean) + b), "not scaled"),
            (
                fold_with(bias=lambda n, linear, f, b: linear.weight @ (n.bias + f * n.running_mean) + b),
                "the sign of the",
            ),
            (fold_with(bias=lambda n, linear, f, b: b - (linear.weight * f) @ n.running_mean), "beta, norm.bias, is m"),
            (
                fold_with(bias=lambda n, linear, f, b: (linear.weight * f) @ (n.bias - n.running_mean) + b),
                "beta, norm.bias, is scaled",
            ),
            (fold_in_place, "a layer changed"),
        ],
    },
}
