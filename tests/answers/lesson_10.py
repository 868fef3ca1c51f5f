"""Answers to the exercises of lesson 10 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
from scipy.spatial.distance import pdist


def value_by_numpy(real, fake, p_y):
    total = 0.0
    for p, q, weight in zip(real.tolist(), fake.tolist(), p_y.tolist(), strict=True):
        for a, b in zip(p, q, strict=True):
            if a > 0:
                total += weight * a * math.log(a / (a + b))
            if b > 0:
                total += weight * b * math.log(b / (a + b))
    return total


def value_by_best_critic(real, fake, p_y):
    D = (real / (real + fake)).nan_to_num(0.5)  # where neither draws, any D will do
    inside = torch.special.xlogy(real, D) + torch.special.xlogy(fake, 1 - D)
    return p_y @ inside.sum(1)


def jsd_rows(real, fake):
    r = (real + fake) / 2
    return (torch.special.xlogy(real, real / r) + torch.special.xlogy(fake, fake / r)).nan_to_num(0.0).sum(-1) / 2


def value_by_jsd(real, fake, p_y):
    return 2 * torch.dot(p_y, jsd_rows(real, fake)) - np.log(4)


def value_unsafe(real, fake, p_y):
    D = real / (real + fake)
    return (p_y[:, None] * (real * torch.log(D) + fake * torch.log(1 - D))).sum()


def value_by_hint_too_literally(real, fake, p_y):
    r = (real + fake) / 2
    jsd = (torch.special.xlogy(real, real / r) + torch.special.xlogy(fake, fake / r)).sum(1) / 2
    return 2 * p_y @ jsd - math.log(4)


def value_with_the_sum(real, fake, p_y):
    r, f = real + fake, torch.special.xlogy
    jsd = (f(real, real) - f(real, r) + f(fake, fake) - f(fake, r)).sum(1) / 2
    return 2 * p_y @ jsd - math.log(4)


def value_by_kl(real, fake, p_y, turn=False, factor=2):
    p, q = (fake, real) if turn else (real, fake)
    kl = (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(1)
    return factor * p_y @ kl - math.log(4)


def value_by_one_kl(real, fake, p_y):
    return value_by_kl(real, (real + fake) / 2, p_y)


def value_by_hint(real, fake, p_y):
    r, f = (real + fake) / 2, torch.special.xlogy
    return p_y @ (f(real, real) - f(real, r) + f(fake, fake) - f(fake, r)).sum(1) - math.log(4)


def blind_value(real, fake, p_y):
    p, q = (p_y[:, None] * real).sum(0), (p_y[:, None] * fake).sum(0)
    return 2 * jsd_rows(p, q) - math.log(4)


def value_of_each_class(real, fake, p_y):
    r, f = (real + fake) / 2, torch.special.xlogy
    return [sum(row) - math.log(4) for row in (f(real, real) - f(real, r) + f(fake, fake) - f(fake, r)).tolist()]


def value_weighted_in_the_tables(real, fake, p_y):
    p, q = real * p_y[:, None], fake * p_y[:, None]
    return 2 * jsd_rows(p, q).mean() - math.log(4)


def within_positive(features, y):
    found = []
    for k in y.unique():
        own = features[y == k]
        distances = (own[:, None] - own).norm(dim=2)
        found.append(distances[distances > 0].mean())
    return torch.stack(found).mean()


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


def within_ten(features, y):
    return torch.stack([torch.pdist(features[y == k]).mean() for k in range(10)]).mean()


def within_ten_by_sums(features, y):
    total = 0.0
    for k in range(10):
        own = features[y == k]
        total += torch.cdist(own, own).sum().item() / (len(own) * (len(own) - 1))
    return total / 10


def within_neighbours(features, y):
    found = []
    for k in range(int(y.max()) + 1):
        own = features[y == k]
        found.append((own - own.roll(1, 0)).norm(dim=1).mean().item())
    return np.mean(found)


ANSWERS = {
    "10.1": {
        "right": [value_by_numpy, value_by_best_critic, value_by_jsd, value_by_hint],
        "wrong": [
            (lambda p, q, w: 2 * jsd_rows(p, q).mean() - math.log(4), "a plain mean over the classes"),
            (lambda p, q, w: 2 * jsd_rows(p, q).sum() - math.log(4), "a plain sum"),
            (blind_value, "does not see y"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q), "You left out log 4"),
            (lambda p, q, w: w @ jsd_rows(p, q) - math.log(4), "counts twice"),
            (lambda p, q, w: (2 * jsd_rows(p, q) * w - math.log(4)).sum(), "for each class"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q) + math.log(4), "You added log 4"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q) / p.shape[1] - math.log(4), "mean over the values of x"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q) - math.log(2), "log 2 for log 4"),
            (lambda p, q, w: 4 * w @ jsd_rows(p, q) - math.log(4), "twice too large"),
            (lambda p, q, w: value_by_jsd(p, q, w) / math.log(2), "in bits"),
            (lambda p, q, w: w @ jsd_rows(p, q), "You returned the mean JSD"),
            (value_of_each_class, "one value for each class"),
            (lambda p, q, w: w * (2 * jsd_rows(p, q) - math.log(4)), "Now add them up"),
            (value_weighted_in_the_tables, "divided by the number of classes"),
            (lambda p, q, w: 2 * w @ jsd_rows(p, q) - math.log2(4), "to base 2"),
            (value_with_the_sum, "r is half of p + p_g"),
            (value_by_kl, "compared p and p_g with each other"),
            (lambda p, q, w: value_by_kl(p, q, w, turn=True), "compared p and p_g with each other"),
            (lambda p, q, w: value_by_kl((p + q) / 2, p, w), "KL(r || p) for KL(p || r)"),
            (value_by_one_kl, "KL(p || r) for the JSD"),
            (lambda p, q, w: value_by_kl(p, (p + q) / 2, w, factor=1), "only one term"),
            (value_unsafe, "a log of 0"),
            (value_by_hint_too_literally, "0/0"),
        ],
    },
    "10.2": {
        "right": [within_by_loop, within_by_scipy, within_by_cdist],
        "wrong": [
            (lambda x, y: within_by_cdist(x, y, divisor=lambda n: n * n), "distance to itself"),
            (lambda x, y: pdist(x.numpy()).mean(), "Only pairs of one class"),
            (lambda x, y: torch.cdist(x, x)[y[:, None] != y].mean(), "Measure within each"),
            (within_pooled, "large classes count more"),
            (lambda x, y: within_by_cdist(x, y, power=2.0), "squared distances"),
            (lambda x, y: within_by_cdist(x, y, over=sum), "summed over the classes"),
            (lambda x, y: within_by_cdist(x, y, divisor=lambda n: n * (n - 1) / 2), "each pair twice"),
            (lambda x, y: within_by_cdist(x, y) / 2, "half of it"),
            (lambda x, y: within_by_cdist(x, y, divisor=lambda n: n), "divided the sum over the pairs by n"),
            (within_from_means, "distances to the class's mean"),
            (within_positive, "can be equal"),
            (lambda x, y: within_by_cdist(x, y, over=list), "one distance for each class"),
            (within_ten, "no samples"),
            (within_ten_by_sums, "no samples"),
            (lambda x, y: within_by_cdist(x, y, over=sum) / 10, "divided by ten"),
            (within_neighbours, "neighbours in the draw"),
            (lambda x, y: np.mean([pdist(x[y == k].numpy(), "cityblock").mean() for k in y.unique()]), "absolute"),
            (lambda x, y: within_by_cdist(x, y, divisor=lambda n: 2 * n * n), "one triangle"),
            (lambda x, y: within_by_cdist(x[y < y.max()], y[y < y.max()]), "left out the last class"),
        ],
    },
}
