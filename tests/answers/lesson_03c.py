"""Answers to the exercises of lesson 03c as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch


def turns(images):
    return [images, images.flip(3), images.flip(2), images.flip(2).flip(3)]


def by_all_turns_at_once(samples, training, held_out):
    copies = torch.cat(turns(training)).flatten(1)

    def away(images):
        return torch.cdist(images.flatten(1), copies).min(dim=1).values

    return (away(samples) < away(held_out).min()).float().mean()


def by_numpy_and_turned_samples(samples, training, held_out):
    """Turns the samples: as far as distances go, that is the same."""
    known = training.numpy().reshape(len(training), -1)

    def square(image):
        return min(((known - way.numpy().reshape(1, -1)) ** 2).sum(axis=1).min() for way in turns(image[None]))

    limit = min(square(image) for image in held_out)
    return float(np.mean([square(image) < limit for image in samples]))


def with_turns(ways, ways_held_out=None):
    """Return an answer that compares with these of the four turns only."""

    def answer(samples, training, held_out):
        def away(images, which):
            copies = torch.cat([turns(training)[k] for k in which]).flatten(1)
            return torch.cdist(images.flatten(1), copies).amin(dim=1)

        return (away(samples, ways) < away(held_out, ways_held_out or ways).min()).double().mean()

    return answer


def with_limit(limit):
    """Return an answer whose limit is this of the held-out distances."""

    def answer(samples, training, held_out):
        copies = torch.cat(turns(training)).flatten(1)
        away, away_held_out = (torch.cdist(x.flatten(1), copies).amin(dim=1) for x in (samples, held_out))
        return torch.mean((away < limit(away_held_out)).double()).item()

    return answer


def mean_distance(samples, training, held_out):
    def away(images):
        each = [torch.cdist(images.flatten(1), copy.flatten(1)) for copy in turns(training)]
        return torch.stack(each).min(dim=0).values.mean(dim=1)

    return (away(samples) < away(held_out).min()).double().mean()


def other_way_round(samples, training, held_out):
    return by_all_turns_at_once(held_out, training, samples)


def how_many(samples, training, held_out):
    return len(samples) * by_all_turns_at_once(samples, training, held_out)


def in_percent(samples, training, held_out):
    return 100 * by_all_turns_at_once(samples, training, held_out)


def not_nearer(samples, training, held_out):
    return 1 - by_all_turns_at_once(samples, training, held_out).double()


def quarter_turns(samples, training, held_out):
    copies = torch.cat([torch.rot90(training, k, (2, 3)) for k in range(4)]).flatten(1)
    away, limit = (torch.cdist(x.flatten(1), copies).amin(1) for x in (samples, held_out))
    return (away < limit.min()).double().mean()


def two(images, training):
    return torch.cdist(images, training).sort(dim=1).values[:, :2].T


def by_sorting(samples, training, held_out):
    near, second = two(samples, training)
    near_held_out, second_held_out = two(held_out, training)
    return (near / second < torch.quantile(near_held_out / second_held_out, 0.01)).float().mean().item()


def by_numpy(samples, training, held_out):
    def ratio(images):
        away = np.linalg.norm(images.numpy()[:, None] - training.numpy()[None], axis=2)
        away.sort(axis=1)
        return away[:, 0] / away[:, 1]

    return (ratio(samples) < np.quantile(ratio(held_out), 0.01)).mean()


def with_number(number, quantile=0.01):
    """Return an answer that compares this of the two least distances."""

    def answer(samples, training, held_out):
        limit = number(*two(held_out, training)).quantile(quantile)
        return (number(*two(samples, training)) < limit).double().mean()

    return answer


def with_ratio_limit(limit):
    def answer(samples, training, held_out):
        (a, b), (c, d) = two(samples, training), two(held_out, training)
        return (a / b < limit(c / d)).double().mean()

    return answer


def limit_of_its_own(samples, training, held_out):
    near, second = two(samples, training)
    return (near / second < (near / second).quantile(0.01)).double().mean()


def turned_channels(samples, training, held_out):
    views = [training, training.flip(1), training.flip(2), training.flip(1, 2)]
    known = torch.cat(views).flatten(1)
    near, limit = (torch.cdist(images.flatten(1), known).min(1).values for images in (samples, held_out))
    return (near < limit.min()).float().mean()


def against_held_out(samples, training, held_out):
    def near(images):
        known = torch.cat([images, images.flip(3), images.flip(2), images.flip(2, 3)]).flatten(1)
        return torch.cdist(samples.flatten(1), known).min(1).values

    return (near(training) < near(held_out)).float().mean()


def counted_in_pairs(samples, training, held_out):
    copies = torch.cat(turns(training)).flatten(1)
    away, away_held_out = (torch.cdist(x.flatten(1), copies).amin(1) for x in (samples, held_out))
    return (away[:, None] < away_held_out).float().mean()


def limit_towards_held_out(samples, training, held_out):
    near, limits = (torch.cdist(samples.flatten(1), torch.cat(turns(x)).flatten(1)) for x in (training, held_out))
    return (near.amin(1) < limits.min()).float().mean()


def distance_below_a_ratio(samples, training, held_out):
    near, second = two(held_out, training)
    return (two(samples, training)[0] < (near / second).quantile(0.01)).double().mean()


def held_out_among_themselves(samples, training, held_out):
    (a, b), (c, d) = two(samples, training), two(held_out, held_out)
    return (a / b < (c / d).quantile(0.01)).double().mean()


def two_farthest(samples, training, held_out):
    def ratio(images):
        near = torch.cdist(images, training).topk(2).values
        return near[:, 0] / near[:, 1]

    return (ratio(samples) < ratio(held_out).quantile(0.01)).double().mean()


def one_percent_itself(samples, training, held_out):
    near = torch.cdist(samples, training).sort(dim=1).values
    return (near[:, 0] / near[:, 1] < 0.01).double().mean()


ANSWERS = {
    "03c.1": {
        "right": [by_all_turns_at_once, by_numpy_and_turned_samples, with_limit(torch.min)],
        "wrong": [
            (turned_channels, "channels and rows"),
            (against_held_out, "its own nearest held-out"),
            (quarter_turns, "quarter turns"),
            (with_turns([0]), "go unnoticed"),
            (with_turns([0, 1]), "You flipped left to right only"),
            (with_turns([0, 2]), "You flipped upside down only"),
            (with_turns([0, 1, 2]), "half a circle"),
            (with_turns([0, 3]), "one direction only"),
            (with_turns([0, 1, 2, 3], [0]), "for the samples only"),
            (with_limit(torch.max), "than every one"),
            (with_limit(torch.mean), "for the limit the mean"),
            (with_limit(torch.median), "median"),
            (with_limit(lambda away: away.quantile(0.01)), "1% limit"),
            (mean_distance, "mean distance"),
            (other_way_round, "swapped"),
            (counted_in_pairs, "counted pairs"),
            (limit_towards_held_out, "from the samples to the held-out"),
            (how_many, "number of samples"),
            (in_percent, "percentage"),
            (not_nearer, "*not* nearer"),
        ],
    },
    "03c.2": {
        "right": [by_sorting, by_numpy, with_number(lambda near, second: near / second)],
        "wrong": [
            (two_farthest, "farthest"),
            (one_percent_itself, "a quantile"),
            (with_number(lambda near, second: near), "nearest alone"),
            (with_number(lambda near, second: second / near), "turn the ratio over"),
            (with_number(lambda near, second: second - near), "take their ratio"),
            (with_number(lambda near, second: near / second, 0.99), "at 99%"),
            (with_number(lambda near, second: near / second, 0.1), "10% of"),
            (limit_of_its_own, "samples themselves"),
            (with_ratio_limit(torch.min), "smallest held-out"),
            (with_ratio_limit(torch.mean), "mean of the held-out"),
            (lambda s, t, h: 100 * by_sorting(s, t, h), "percentage"),
            (lambda s, t, h: len(s) * by_sorting(s, t, h), "number of samples"),
            (lambda s, t, h: 1 - by_numpy(s, t, h), "*not* suspicious"),
            (lambda s, t, h: by_sorting(h, t, s), "exchanged"),
            (held_out_among_themselves, "with themselves"),
            (distance_below_a_ratio, "limit for ratios"),
        ],
    },
}
