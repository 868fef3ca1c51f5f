"""Answers to the exercises of lesson 17b as different people would write them, right and wrong; see test_check.py."""

import torch


def by_times(v, x, steps):
    times = torch.linspace(0, 1, steps + 1, dtype=torch.float64).tolist()
    for t, then in zip(times, times[1:], strict=False):
        a = v(x, t)
        b = v(x + (then - t) * a, then)
        x = x + (then - t) * 0.5 * (a + b)
    return x


def by_recursion(v, x, steps, k=0):
    if k == steps:
        return x
    h = 1 / steps
    trial = x + h * v(x, k * h)
    return by_recursion(v, (x + trial + h * v(trial, (k + 1) * h)) / 2, steps, k + 1)


def stepping(move, first=0, last=0):
    def path(v, x, steps):
        for k in range(first, steps + last):
            x = move(v, x, k / steps, 1 / steps)
        return x

    return path


def backwards(v, x, steps):
    for k in range(steps):
        t, h = 1 - k / steps, 1 / steps
        a = v(x, t)
        x = x + h * (a + v(x + h * a, t + h)) / 2
    return x


def numbered(v, x, steps):
    for k in range(steps):
        first = v(x, k)
        x = x + (first + v(x + first / steps, k + 1)) / (2 * steps)
    return x


def from_the_end(v, x, steps):
    h = 1 / steps
    for k in range(steps, 0, -1):
        a = v(x, k * h)
        b = v(x - h * a, (k - 1) * h)
        x = x - h * (a + b) / 2
    return x


def half_from_trial(v, x, t, h):
    trial = x + h * v(x, t)
    return trial + h / 2 * v(trial, t + h)


def whole_list(v, x, steps):
    places = [x]
    for k in range(steps):
        a = v(places[-1], k / steps)
        b = v(places[-1] + a / steps, (k + 1) / steps)
        places.append(places[-1] + (a + b) / steps / 2)
    return torch.stack(places)


def at_once(x_t, v, t):
    t = t[:, None, None, None]
    noise = x_t - t * v
    return noise + v, -noise / (1 - t)


def by_loop(x_t, v, t):
    pairs = [(x + (1 - s) * w, (s * w - x) / (1 - s)) for x, w, s in zip(x_t, v, t, strict=True)]
    return tuple(torch.stack(each) for each in zip(*pairs, strict=True))


def with_time(function):
    return lambda x_t, v, t: function(x_t, v, t[:, None, None, None])


ANSWERS = {
    "17b.1": {
        "right": [by_times, by_recursion],
        "wrong": [
            (stepping(lambda v, x, t, h: x + h * v(x, t)), "Euler's step"),
            (stepping(lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x + h * v(x, t), t))), "old time"),
            (stepping(lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x, t + h))), "old place"),
            (stepping(lambda v, x, t, h: x + h * v(x + h * v(x, t), t + h)), "second velocity alone"),
            (stepping(lambda v, x, t, h: x + h * (v(x, t) + v(x + h * v(x, t), t + h))), "added the two"),
            (stepping(lambda v, x, t, h: x + h * v(x + h / 2 * v(x, t), t + h / 2)), "midpoint"),
            (stepping(half_from_trial), "half a step more"),
            (stepping(lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x + h * v(x, t), t + h / 2))), "time of half a step"),
            (
                stepping(lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x + h / 2 * v(x, t), t + h / 2))),
                "half a trial step, in place",
            ),
            (stepping(lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x + h / 2 * v(x, t), t + h))), "where a whole one"),
            (backwards, "back in time"),
            (stepping(lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x + h * v(x, t), t + h)), last=-1), "too few"),
            (stepping(lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x + v(x, t), t + h))), "as long as the whole way"),
            (stepping(lambda v, x, t, h: x + (v(x, t) + v(x + h * v(x, t), t + h)) / 2), "whole mean velocity"),
            (stepping(lambda v, x, t, h: x + (v(x, t) + v(x + v(x, t), t + h)) / 2), "left out the length"),
            (numbered, "both looks"),
            (from_the_end, "back to t = 0"),
            (whole_list, "after every step"),
        ],
    },
    "17b.2": {
        "right": [at_once, by_loop],
        "wrong": [
            (with_time(lambda x, v, t: (x - t * v, (t * v - x) / (1 - t))), "mean *noise*"),
            (with_time(lambda x, v, t: (x + v, (t * v - x) / (1 - t))), "whole way"),
            (with_time(lambda x, v, t: (x + t * v, (t * v - x) / (1 - t))), "t of the way in the picture"),
            (with_time(lambda x, v, t: (x + (1 - t) * v, t * v - x)), "divided by 1 - t"),
            (with_time(lambda x, v, t: (x + (1 - t) * v, (x - t * v) / (1 - t))), "sign of your score"),
            (with_time(lambda x, v, t: (x + (1 - t) * v, (t * v - x) / (1 - t) ** 2)), "(1 - t)^2"),
            (with_time(lambda x, v, t: (x + (1 - t) * v, (t * v - x) / t)), "score by t"),
            (with_time(lambda x, v, t: (x + (1 - t) * v, t * v - x / (1 - t))), "x_t alone"),
            (with_time(lambda x, v, t: (x + (1 - t) * v, (v - x) / (1 - t))), "left out t"),
            (lambda x, v, t: at_once(x, v, t[:1].expand(len(x))), "first time for all"),
            (with_time(lambda x, v, t: (x + (1 - t) * v, ((1 - t) * v - x) / t)), "exchanged t and 1 - t"),
            (lambda x, v, t: at_once(x, v, t)[::-1], "score first"),
            (lambda x, v, t: (x + (1 - t) * v, (t * v - x) / (1 - t)), "`t` as it is"),
        ],
    },
}
