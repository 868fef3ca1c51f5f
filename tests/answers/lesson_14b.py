"""Answers to the exercises of lesson 14b as different people would write them, right and wrong; see test_check.py."""

import math

import torch
from torch.distributions import Normal, kl_divergence


def best_by_loops(futures, p):
    mean, median = [], []
    for column in futures.T.tolist():
        pairs = sorted(zip(column, p.tolist(), strict=True))
        mean.append(sum(value * weight for value, weight in pairs))
        total = 0.0
        for value, weight in pairs:
            total += weight
            if total >= 0.5:
                median.append(value)
                break
    return torch.tensor(mean), torch.tensor(median)


def best_by_trying(futures, p):
    values, rows = futures.sort(dim=0)  # so that of two equally good answers the smaller comes first
    errors = (p[rows][:, None] * (values[:, None] - values[None]).abs()).sum(0)  # (K, D): a future as the answer
    return (p[:, None] * futures).sum(0), values.gather(0, errors.argmin(0, keepdim=True))[0]


def by_rows(reached):
    """Both answers, the second by rows of the sorted futures; `reached` says of sums of p where one half is."""

    def answer(futures, p):
        values, rows = futures.sort(dim=0)
        return p @ futures, values[reached(p[rows].cumsum(0)).int().argmax(0)]

    return answer


def more_than_half(futures, p):
    values, rows = futures.sort(dim=0)
    first = (p[rows].cumsum(0) > 0.5).int().argmax(0)
    return p @ futures, values.gather(0, first[None])[0]


def argmax_of_truth(futures, p):
    values, rows = futures.sort(dim=0)
    first = (p[rows].cumsum(0) >= 0.5).argmax(0)
    return p @ futures, values.gather(0, first[None])[0]


def median_of(futures):
    return best_by_loops(futures, torch.full((len(futures),), 1 / len(futures)))[1]


def kl_by_torch(mu, logvar, prior_mu, prior_logvar):
    q = Normal(mu, (logvar / 2).exp())
    prior = Normal(prior_mu, (prior_logvar / 2).exp())
    return kl_divergence(q, prior).sum(-1)


def kl_in_prior_units(mu, logvar, prior_mu, prior_logvar):
    m = (mu - prior_mu) / torch.exp(prior_logvar / 2)
    logvar = logvar - prior_logvar
    return 0.5 * (m**2 + logvar.exp() - 1 - logvar).sum(1)


def kl_of_these(mu, v, prior_mu, prior_v):
    return 0.5 * ((mu - prior_mu) ** 2 / prior_v + v / prior_v - 1 - torch.log(v / prior_v))


def kl_pieces(ratio=1.0, shift=1.0, one=1.0, logs=1.0):
    def answer(mu, logvar, prior_mu, prior_logvar):
        parts = ratio * (logvar - prior_logvar).exp() - one + logs * (prior_logvar - logvar)
        return 0.5 * (parts + shift * (mu - prior_mu) ** 2 / prior_logvar.exp()).sum(1)

    return answer


def by_walking(before, last, low, high, steps):
    place, step, places = last.clone(), last - before, []
    for _ in range(steps):
        place = place + step
        for _ in range(5):
            above, below = place > high, place < low
            place = torch.where(above, 2 * high - place, torch.where(below, 2 * low - place, place))
            step = torch.where(above | below, -step, step)
        places.append(place)
    return torch.stack(places, 1)


def by_turning(before, last, low, high, steps, clamp=False):
    place, velocity, places = last, last - before, []
    for _ in range(steps):
        place = place + velocity
        outside = (place > high) | (place < low)
        velocity = torch.where(outside, -velocity, velocity)
        place = place.clamp(low, high) if clamp else place
        places.append(place)
    return torch.stack(places, 1)


def turning_before(before, last, low, high, steps, together=False):
    x, v, places = last, last - before, []
    for _ in range(steps):
        y = x + v
        bad = (y > high) | (y < low)
        v = torch.where(bad.any(1, keepdim=True) if together else bad, -v, v)
        x = x + v
        places.append(x)
    return torch.stack(places, 1)


def all_turned(before, last, low, high, steps):
    place, step, places = last, last - before, []
    for _ in range(steps):
        place = place + step
        above, below = place > high, place < low
        step = torch.where((above | below).any(1, keepdim=True), -step, step)
        place = torch.where(above, 2 * high - place, torch.where(below, 2 * low - place, place))
        places.append(place)
    return torch.stack(places, 1)


def by_fmod(before, last, low, high, steps):
    turned = torch.fmod(straight(before, last, steps) - low, 2 * (high - low))
    return low + torch.where(turned > high - low, 2 * (high - low) - turned, turned)


def by_triangles(before, last, low, high, steps):
    t = torch.arange(1, steps + 1, dtype=last.dtype).view(-1, 1)
    room = high - low
    phase = (last[:, None] + t * (last - before)[:, None] - low) / room
    return low + room * (phase - 2 * torch.floor((phase + 1) / 2)).abs()


def straight(before, last, steps, first=1):
    t = torch.arange(first, first + steps, dtype=last.dtype).view(-1, 1)
    return last[:, None] + t * (last - before)[:, None]


def mirrored_once(before, last, low, high, steps):
    free = straight(before, last, steps)
    free = torch.where(free > high, 2 * high - free, free)
    return torch.where(free < low, 2 * low - free, free)


def mirrored_below_first(before, last, low, high, steps):
    free = straight(before, last, steps)
    free = torch.where(free < low, 2 * low - free, free)
    return torch.where(free > high, 2 * high - free, free)


def mirrored_where_it_left(before, last, low, high, steps):
    free = straight(before, last, steps)
    return torch.where(free > high, 2 * high - free, torch.where(free < low, 2 * low - free, free))


ANSWERS = {
    "14b.1": {
        "right": [best_by_loops, best_by_trying],
        "wrong": [
            (lambda f, p: best_by_loops(f, p)[::-1], "exchanged the two"),
            (lambda f, p: (f.mean(0), best_by_loops(f, p)[1]), "probabilities in the mean"),
            (lambda f, p: (p @ f, median_of(f)), "probabilities in the median"),
            (lambda f, p: (f.mean(0), median_of(f)), "in both answers"),
            (
                lambda f, p: (p @ f, f.sort(0).values[(p.cumsum(0) >= 0.5).int().argmax()]),
                "but not their probabilities",
            ),
            (lambda f, p: (p @ f, f[p.argmax()]), "most likely future as a whole"),
            (lambda f, p: (p @ f, p @ f), "the mean for both"),
            (lambda f, p: (best_by_loops(f, p)[1],) * 2, "the median for both"),
            (lambda f, p: (p @ f, (f.max(0).values + f.min(0).values) / 2), "middle between"),
            (lambda f, p: ((p[:, None] * f).mean(0), best_by_loops(f, p)[1]), "number of futures"),
            (more_than_half, "took the larger value"),
            (by_rows(lambda sums: sums >= 0.5), "whole rows by `values[first]`"),
            (argmax_of_truth, "of True and False"),
            (lambda f, p: (p @ f, f[(p.cumsum(0) >= 0.5).int().argmax(0)]), "in which the futures came"),
            (lambda f, p: (p @ f, f[(torch.cdist(f, f, p=1) @ p).argmin()]), "one of the futures as a whole"),
            (lambda f, p: (f[p.argmax()],) * 2, "most likely future for both"),
            (lambda f, p: (p @ f, torch.median(p[:, None] * f, dim=0).values), "times their probabilities"),
            (lambda f, p: ((p[:, None] * f).sum(dim=1), best_by_loops(f, p)[1]), "over the D numbers"),
        ],
    },
    "14b.2": {
        "right": [kl_by_torch, kl_in_prior_units],
        "wrong": [
            (lambda mu, lv, m, ml: kl_by_torch(m, ml, mu, lv), "not symmetric"),
            (lambda mu, lv, m, ml: kl_by_torch(mu, lv, 0 * m, 0 * ml), "standard normal"),
            (lambda mu, lv, m, ml: 2 * kl_by_torch(mu, lv, m, ml), "one half"),
            (kl_pieces(one=0.0), "forgot the 1"),
            (lambda mu, lv, m, ml: kl_pieces(one=0.0)(mu, lv, m, ml) - 0.5, "subtracted the 1 once"),
            (
                lambda mu, lv, m, ml: kl_pieces(shift=0.0)(mu, lv, m, ml) + (mu - m).square().sum(1) / 2,
                "did not divide",
            ),
            (
                lambda mu, lv, m, ml: kl_pieces(shift=0.0)(mu, lv, m, ml) + ((mu - m).square() / lv.exp()).sum(1) / 2,
                "encoder's variance",
            ),
            (
                lambda mu, lv, m, ml: kl_pieces(shift=0.0)(mu, lv, m, ml) + ((mu - m) / ml.exp()).sum(1) / 2,
                "without squaring",
            ),
            (
                lambda mu, lv, m, ml: (
                    kl_pieces(shift=0.0)(mu, lv, m, ml) + ((mu - m).square() / (ml / 2).exp()).sum(1) / 2
                ),
                "prior's standard deviation",
            ),
            (lambda mu, lv, m, ml: kl_of_these(mu, lv, m, ml).sum(1), "for the variance itself"),
            (lambda mu, lv, m, ml: kl_of_these(mu, lv**2, m, ml**2).sum(1), "for the standard deviation."),
            (lambda mu, lv, m, ml: kl_of_these(mu, lv.exp(), m, ml.exp()).sum(0), "over the batch, dimension 0"),
            (kl_pieces(logs=-1.0), "wrong sign"),
            (kl_pieces(logs=0.0), "left out the logarithms"),
            (lambda mu, lv, m, ml: kl_by_torch(mu, 2 * lv, m, 2 * ml), "standard deviation"),
            (lambda mu, lv, m, ml: kl_by_torch(mu, lv, m, ml) / mu.shape[1], "averaged over the dimensions"),
            (lambda mu, lv, m, ml: kl_by_torch(mu, lv, m, ml).mean(), "whole batch"),
            (lambda mu, lv, m, ml: kl_by_torch(mu, lv, m, ml).sum(), "over the batch, too"),
            (
                lambda mu, lv, m, ml: kl_divergence(Normal(mu, (lv / 2).exp()), Normal(m, (ml / 2).exp())),
                "did not sum",
            ),
            (lambda mu, lv, m, ml: kl_by_torch(mu, lv, m, ml) / math.log(2), "bits"),
        ],
    },
    "14b.3": {
        "right": [by_walking, by_triangles],
        "wrong": [
            (lambda before, last, low, high, steps: straight(before, last, steps), "through the walls"),
            (
                lambda before, last, low, high, steps: straight(before, last, steps).clamp(low, high),
                "stick to the wall",
            ),
            (
                lambda before, last, low, high, steps: low + (straight(before, last, steps) - low) % (high - low),
                "other side",
            ),
            (mirrored_once, "round once"),
            (mirrored_below_first, "once each"),
            (mirrored_where_it_left, "once, at the wall"),
            (
                lambda before, last, low, high, steps: by_triangles(before + low, last + low, low, high, steps) - low,
                "of the place itself",
            ),
            (
                lambda before, last, low, high, steps: by_triangles(before, last, low, high, steps) - low,
                "did not add",
            ),
            (
                lambda before, last, low, high, steps: by_walking(before, last, low, high, steps).transpose(0, 1),
                "steps first",
            ),
            (lambda before, last, low, high, steps: by_triangles(before, last, 0.0, high, steps), "were at 0"),
            (
                lambda before, last, low, high, steps: torch.cat(
                    [last[:, None], by_walking(before, last, low, high, steps - 1)], 1
                ),
                "last place that was seen",
            ),
            (
                lambda before, last, low, high, steps: by_walking(before, last, low, high, steps + 1)[:, 1:],
                "two steps after",
            ),
            (
                lambda before, last, low, high, steps: by_triangles(2 * last - before, last, low, high, steps),
                "backwards",
            ),
            (lambda before, last, low, high, steps: last[:, None].repeat(1, steps, 1), "stand still"),
            (turning_before, "round before the wall"),
            (lambda *given: turning_before(*given, together=True), "together, and before"),
            (all_turned, "coordinates round together. A"),
            (lambda *given: by_walking(*given).transpose(1, 2), "steps last"),
            (by_turning, "left the thing behind the wall"),
            (lambda *given: by_turning(*given, clamp=True), "put the thing onto the wall"),
            (by_fmod, "torch.fmod"),
            (
                lambda before, last, low, high, steps: low + (straight(before, last, steps) - low) % (2 * (high - low)),
                "second half",
            ),
            (
                lambda before, last, low, high, steps: (
                    low + ((straight(before, last, steps) - low) % (2 * (high - low)) - (high - low)).abs()
                ),
                "from the upper wall",
            ),
            (lambda *given: by_triangles(*given)[:, -1], "last place only"),
        ],
    },
}
