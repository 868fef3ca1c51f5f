"""Answers to the exercises of lesson 15c as different people would write them, right and wrong; see test_check.py."""

import torch

from ganlab.check.lesson_15c import night_shift


def shift(**called):
    """Return the right beds of seed 0, but for faults that are called by another's name: mirrored="on its side"."""
    other = {key.replace("_", " "): said for key, said in called.items()}
    return {bed: other.get(name, name) for bed, name in night_shift(0).items()}


def by_formula(h, running_mean, running_var, training):
    m = h.sum(0) / len(h) if training else running_mean
    v = ((h - m) ** 2).mean(0) if training else running_var
    return (h - m) * v.rsqrt()


def by_torch(h, running_mean, running_var, training):
    return torch.nn.functional.batch_norm(h, running_mean.clone(), running_var.clone(), training=training, eps=1e-12)


def batch_always(h, running_mean, running_var, training):
    return (h - h.mean(0)) / h.std(0, correction=0)


def running_always(h, running_mean, running_var, training):
    return (h - running_mean) / running_var.sqrt()


def modes_exchanged(h, running_mean, running_var, training):
    return by_formula(h, running_mean, running_var, not training)


def with_statistics(mean, var, divide=torch.sqrt):
    """Return a normalise with other statistics of the batch, or another divisor."""

    def function(h, running_mean, running_var, training):
        m, v = (mean(h), var(h)) if training else (running_mean, running_var)
        return (h - m) / divide(v)

    return function


def batch_mean_only(h, running_mean, running_var, training):
    m = h.mean(0) if training else running_mean
    return (h - m) / running_var**0.5


def running_var_as_deviation(h, running_mean, running_var, training):
    return (h - h.mean(0)) / h.std(0, correction=0) if training else (h - running_mean) / running_var


def by_slice(images, labels, order, step, size):
    rows = order[step * size : (step + 1) * size]
    return images[rows], labels[rows]


def by_slice_and_start(images, labels, order, step, size):
    rows = order[step * size : (step + 1) * size].tolist()
    rows += order[: size - len(rows)].tolist()
    return images[rows], labels[rows]


def rest_dropped(images, labels, order, step, size):
    return by_modulo(images, labels, order, step % max(1, len(order) // size), size)


def short_batch_from_start(images, labels, order, step, size):
    p = order[step * size : (step + 1) * size]
    if len(p) < size:
        p = order[:size]
    return images[p], labels[p]


def short_last_batch(images, labels, order, step, size):
    return by_slice(images, labels, order, step % -(-len(order) // size), size)


def start_by_modulo(images, labels, order, step, size):
    start = (step * size) % len(order)
    rows = order[start : start + size]
    return images[rows], labels[rows]


def mean0(h):
    return h.mean(0)


def var0(h):
    return h.var(0, correction=0)


def by_modulo(images, labels, order, step, size):
    rows = [int(order[(step * size + k) % len(order)]) for k in range(size)]
    return images[rows], labels[rows]


def by_roll(images, labels, order, step, size):
    rows = order.roll(-step * size).repeat(size // len(order) + 1)[:size]
    return images[rows], labels[rows]


def chosen(images_by, labels_by):
    return lambda images, labels, order, step, size: (
        images[images_by(order, step * size + torch.arange(size))],
        labels[labels_by(order, step * size + torch.arange(size))],
    )


def in_order(order, positions):
    return order[positions % len(order)]


def in_place(order, positions):
    return positions % len(order)


def inverted(order, positions):
    return order.argsort()[positions % len(order)]


def cut_at_the_end(order, positions):
    return order[positions.clamp(max=len(order) - 1)]


def twice_round(order, positions):
    first = int(positions[0]) % len(order)
    return torch.cat([order, order])[first : first + len(positions)]


def never_short(order, positions):
    return order[max(0, min(int(positions[0]), len(order) - len(positions))) :][: len(positions)]


def step_by_one(images, labels, order, step, size):
    rows = order[(step + torch.arange(size)) % len(order)]
    return images[rows], labels[rows]


def always_the_first(images, labels, order, step, size):
    rows = order[torch.arange(size) % len(order)]
    return images[rows], labels[rows]


ANSWERS = {
    "15c.1": {
        "right": [shift(), dict(reversed(shift().items()))],
        "wrong": [
            (shift(never_scaled="divided by 256"), "would be 0.996"),
            (shift(divided_by_256="never scaled"), "would be 255"),
            (shift(orders_apart="mirrored"), "about half"),
            (shift(mirrored="on its side"), "never stay an F"),
            (shift(on_its_side="orders apart"), "a tenth of the labels"),
            (shift(statistics_forgotten="training mode"), "change with its company"),
            (shift(training_mode="statistics forgotten"), "would be off"),
            (shift(mirrored="orders apart", orders_apart="mirrored"), "about half"),
        ],
    },
    "15c.2": {
        "right": [by_formula, by_torch],
        "wrong": [
            (modes_exchanged, "exchanged the modes"),
            (batch_always, "batch's statistics in both"),
            (running_always, "running statistics in both"),
            (with_statistics(mean0, lambda h: h.var(0)), "B - 1"),
            (with_statistics(torch.mean, lambda h: h.var(correction=0)), "one mean for all"),
            (with_statistics(lambda h: h.mean(1)[:, None], lambda h: h.var(1, correction=0)[:, None]), "each sample"),
            (with_statistics(mean0, var0, lambda v: v), "Divide by its square root"),
            (running_var_as_deviation, "In evaluation mode you divided by the running variance"),
            (with_statistics(mean0, var0, torch.ones_like), "did not divide"),
            (with_statistics(lambda h: 0.0, var0), "did not subtract"),
            (batch_mean_only, "running variance in both"),
            (lambda h, m, v, training: h / (var0(h) if training else v) ** 0.5, "did not subtract the mean"),
            (
                lambda h, m, v, training: with_statistics(mean0, lambda h: var0(h) + 1e-5)(h, m, v + 1e-5, training),
                "added a small number to the variance",
            ),
            (
                lambda h, m, v, training: (
                    (h - (mean0(h) if training else m)) / ((var0(h) if training else v).sqrt() + 1e-5)
                ),
                "added a small number to the standard deviation",
            ),
        ],
    },
    "15c.3": {
        "right": [by_modulo, by_roll],
        "wrong": [
            (chosen(in_order, in_place), "left the labels in place"),
            (chosen(in_place, in_order), "left the images in place"),
            (chosen(in_place, in_place), "did not use the order"),
            (chosen(inverted, inverted), "inverted the order"),
            (chosen(in_order, inverted), "inverse order"),
            (step_by_one, "by one row"),
            (always_the_first, "at the start"),
            (chosen(cut_at_the_end, cut_at_the_end), "last row at the end"),
            (by_slice, "stopped at the end"),
            (by_slice_and_start, "whenever rows ran out"),
            (rest_dropped, "do not fill a step"),
            (lambda images, labels, order, step, size: by_modulo(images, labels, order, step - 1, size), "too early"),
            (short_batch_from_start, "replaced a batch that is not full"),
            (short_last_batch, "as a short batch"),
            (start_by_modulo, "took the first position modulo N"),
            (chosen(twice_round, twice_round), "behind itself once"),
            (chosen(never_short, never_short), "moved the last step back"),
            (lambda *given: by_modulo(*given)[::-1], "labels first"),
        ],
    },
}
