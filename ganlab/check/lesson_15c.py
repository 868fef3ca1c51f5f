"""The exercises of lesson 15c: faults of pictures found by tests, batch normalisation's modes, one order for two.

Whoever reads on finds the answers.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_15 import Ward
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator

# A fault, and what somebody who has it would see.
SIGNS = {
    "never scaled": "the largest value that goes in would be 255",
    "divided by 256": "the largest value that goes in would be 0.996",
    "orders apart": "a classifier would agree with about a tenth of the labels",
    "mirrored": "the letter F would stay an F in about half of the cases",
    "on its side": "the letter F would never stay an F",
    "statistics forgotten": "the statistics of its average would be off",
    "training mode": "a picture would change with its company",
}
WARD = Ward(SIGNS, "ABCDEFG")
FAULTS = WARD.faults
night_shift = WARD.night_shift


def normalise(h: Tensor, running_mean: Tensor, running_var: Tensor, training: bool) -> Tensor:
    """Return h (B, F) minus mean over standard deviation: the batch's in training, else the running ones (F,)."""
    return _normalised()(h, running_mean, running_var, training)


def _normalised(
    *,
    mean: Callable[[Tensor], Tensor] = lambda h: h.mean(0),
    var: Callable[[Tensor], Tensor] = lambda h: h.var(0, correction=0),
    power: float = 0.5,
    mode: Callable[[bool], bool] = lambda training: training,
) -> Callable[..., Tensor]:
    """Return a normalise with the given statistics of a batch, the given power of the variance, and of the mode."""

    def function(h: Tensor, running_mean: Tensor, running_var: Tensor, training: bool) -> Tensor:
        m, v = (mean(h), var(h)) if mode(training) else (running_mean, running_var)
        return (h - m) / v**power

    return function


def _normalise(function: Callable[..., Tensor]) -> dict[str, Any]:
    rng = seeded_generator("15c.2")
    h = 2 * torch.randn(5, 4, generator=rng, dtype=torch.float64) + torch.tensor([1.0, -4.0, 0.5, 0.0])
    h[:, 3] *= 1e-3  # a feature that hardly varies: whoever adds to the variance is seen here
    running = torch.tensor([0.3, -3.0, 1.2, 0.0]).double(), torch.tensor([4.0, 0.5, 2.5, 2e-6]).double()
    numbers = {}
    for training, name in ((True, "training"), (False, "evaluation")):
        numbers[f"values in {name} mode"] = function(h.clone(), *(t.clone() for t in running), training)
    return numbers | {"one sample in evaluation mode": function(h[:1].clone(), *(t.clone() for t in running), False)}


def _scaled_by_running(h: Tensor, running_mean: Tensor, running_var: Tensor, training: bool) -> Tensor:
    return (h - (h.mean(0) if training else running_mean)) / running_var.sqrt()


def _without_mean(h: Tensor, running_mean: Tensor, running_var: Tensor, training: bool) -> Tensor:
    return h / (h.var(0, correction=0) if training else running_var).sqrt()


NORM_SLIPS = (
    (
        _normalised(mode=lambda training: not training),
        "You exchanged the modes. In training the batch's own statistics count, in evaluation the running ones.",
    ),
    (
        _normalised(mode=lambda training: True),
        "You took the batch's statistics in both modes. In evaluation mode take the running ones.",
    ),
    (
        _normalised(mode=lambda training: False),
        "You took the running statistics in both modes. In training mode take those of the batch.",
    ),
    (
        _normalised(var=lambda h: h.var(0)),
        "You divided the variance by B - 1. Here it divides by B: correction=0.",
    ),
    (
        _normalised(mean=lambda h: h.mean(), var=lambda h: h.var(correction=0)),
        "You took one mean for all features. Each feature has its own: over dimension 0.",
    ),
    (
        _normalised(mean=lambda h: h.mean(1, keepdim=True), var=lambda h: h.var(1, correction=0, keepdim=True)),
        "You took statistics over the features of each sample. Take them over the batch, dimension 0.",
    ),
    (
        _scaled_by_running,
        "You took the running variance in both modes. In training mode the variance is the batch's, too.",
    ),
    (_without_mean, "You did not subtract the mean."),
    (
        lambda h, mean, var, training: _normalised()(h, mean, var if training else var**2, training),
        "In evaluation mode you divided by the running variance. Divide by its square root in both modes.",
    ),
    *(
        (
            lambda h, mean, var, training, eps=eps: _normalised(var=lambda h: h.var(0, correction=0) + eps)(
                h, mean, var + eps, training
            ),
            "You added a small number to the variance. Where a feature hardly varies it counts: add nothing.",
        )
        for eps in (1e-3, 1e-5, 1e-6, 1e-7, 1e-8)
    ),
    *(
        (
            lambda h, mean, var, training, eps=eps: (
                (h - (h.mean(0) if training else mean)) / ((h.var(0, correction=0) if training else var).sqrt() + eps)
            ),
            "You added a small number to the standard deviation. Where a feature hardly varies it counts: add nothing.",
        )
        for eps in (1e-4, 1e-5, 1e-6)
    ),
    (_normalised(power=1.0), "You divided by the variance. Divide by its square root."),
    (_normalised(power=0.0), "You subtracted the mean and did not divide by the standard deviation."),
    (
        _normalised(mean=lambda h: torch.zeros(h.shape[1]).double()),
        "You did not subtract the batch's mean.",
    ),
)


def loaded(images: Tensor, labels: Tensor, order: Tensor, step: int, size: int) -> tuple[Tensor, Tensor]:
    """Return the images and labels of a step: images (N, ...), labels (N,), order (N,) -> (size, ...), (size,)."""
    return _loaded()(images, labels, order, step, size)


def _rows(order: Tensor, step: int, size: int) -> Tensor:
    return order[(step * size + torch.arange(size)) % len(order)]


def _loaded(
    images_by: Callable[[Tensor, int, int], Tensor] = _rows, labels_by: Callable[[Tensor, int, int], Tensor] = _rows
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a loader whose images and labels are chosen by the given rules: order, step, size -> rows."""

    def function(images: Tensor, labels: Tensor, order: Tensor, step: int, size: int) -> tuple[Tensor, Tensor]:
        return images[images_by(order, step, size)], labels[labels_by(order, step, size)]

    return function


def _load(function: Callable[..., Any]) -> dict[str, Any]:
    images = torch.arange(7 * 2 * 3, dtype=torch.float64).view(7, 2, 3) ** 1.5
    labels = torch.tensor([3, 1, 4, 1, 5, 9, 2])
    order = torch.tensor([5, 2, 6, 0, 3, 1, 4])
    numbers: dict[str, Any] = {}
    for step, size in ((0, 3), (1, 3), (2, 3), (5, 2), (1, 7), (1, 9), (1, 17)):
        given = function(images.clone(), labels.clone(), order.clone(), step, size)
        of_step, their_labels = parts(given, "the images", "the labels")
        numbers[f"images of step {step}, {size} at a time"] = of_step
        numbers[f"labels of step {step}, {size} at a time"] = their_labels
    return numbers


def _in_place(order: Tensor, step: int, size: int) -> Tensor:
    return (step * size + torch.arange(size)) % len(order)


def _inverse(order: Tensor, step: int, size: int) -> Tensor:
    return _rows(order.argsort(), step, size)


def _one_on(order: Tensor, step: int, size: int) -> Tensor:
    return order[(step + torch.arange(size)) % len(order)]


def _from_start(order: Tensor, step: int, size: int) -> Tensor:
    return order[torch.arange(size) % len(order)]


def _clamped(order: Tensor, step: int, size: int) -> Tensor:
    return order[(step * size + torch.arange(size)).clamp(max=len(order) - 1)]


def _cut_off(order: Tensor, step: int, size: int) -> Tensor:
    return order[step * size : step * size + size]


def _once_round(order: Tensor, step: int, size: int) -> Tensor:
    rows = order[step * size : step * size + size]
    return torch.cat([rows, order[: size - len(rows)]])


def _rest_dropped(order: Tensor, step: int, size: int) -> Tensor:
    return _rows(order, step % max(1, len(order) // size), size)


def _short_anew(order: Tensor, step: int, size: int) -> Tensor:
    rows = _cut_off(order, step, size)
    return rows if len(rows) == size else order[:size]


def _short_kept(order: Tensor, step: int, size: int) -> Tensor:
    return _cut_off(order, step % math.ceil(len(order) / size), size)


def _only_start_modulo(order: Tensor, step: int, size: int) -> Tensor:
    return order[step * size % len(order) :][:size]


def _one_less(order: Tensor, step: int, size: int) -> Tensor:
    return _rows(order, step - 1, size)


def _twice(order: Tensor, step: int, size: int) -> Tensor:
    first = step * size % len(order)
    return torch.cat([order, order])[first : first + size]


def _last_full(order: Tensor, step: int, size: int) -> Tensor:
    return order[max(0, min(step * size, len(order) - size)) :][:size]


LOADER_SLIPS = (
    (
        _loaded(_twice, _twice),
        "You put the order behind itself once. A batch may go round more often: positions modulo N.",
    ),
    (
        _loaded(_last_full, _last_full),
        "You moved the last step back, so that it is full. Go on at the start of the order: positions modulo N.",
    ),
    (
        lambda images, labels, order, step, size: _loaded()(images, labels, order, step, size)[::-1],
        "You returned the labels first. The images come first.",
    ),
    (_loaded(labels_by=_in_place), "You shuffled the images and left the labels in place. Both take the same rows."),
    (_loaded(images_by=_in_place), "You shuffled the labels and left the images in place. Both take the same rows."),
    (_loaded(_in_place, _in_place), "You did not use the order. The positions are places in `order`."),
    (_loaded(_inverse, _inverse), "You inverted the order. Position k holds row order[k]."),
    (_loaded(labels_by=_inverse), "You put the labels into the inverse order. Both take the same rows."),
    (_loaded(_one_on, _one_on), "You went on by one row a step. A step goes on by `size` rows."),
    (_loaded(_from_start, _from_start), "You began each step at the start. Step k begins at position k * size."),
    (_loaded(_cut_off, _cut_off), "You stopped at the end of the order. Begin it anew: positions modulo N."),
    (
        _loaded(_once_round, _once_round),
        "You began at the start whenever rows ran out. Go on where the last step stopped: positions modulo N.",
    ),
    (
        _loaded(_rest_dropped, _rest_dropped),
        "You dropped the rows that do not fill a step. They come first, and then the start of the order: modulo N.",
    ),
    (
        _loaded(_short_anew, _short_anew),
        "You replaced a batch that is not full by the first rows of the order. Keep the rows that are left, and fill "
        "up from the start: positions modulo N.",
    ),
    (
        _loaded(_short_kept, _short_kept),
        "You returned the last rows as a short batch, and began anew after it. Fill it up from the start of the order, "
        "and go on from there: positions modulo N.",
    ),
    (
        _loaded(_only_start_modulo, _only_start_modulo),
        "You took the first position modulo N, and then stopped at the end of the order. Take each position modulo N.",
    ),
    (_loaded(_one_less, _one_less), "You began one step too early. Steps count from 0: begin at step * size."),
    (_loaded(_clamped, _clamped), "You repeated the last row at the end. Begin the order anew: modulo N."),
)

EXERCISES = {
    "15c.1": WARD.exercise(),
    "15c.2": Exercise(_normalise, normalise, tuple(Slip(*slip) for slip in NORM_SLIPS)),
    "15c.3": Exercise(_load, loaded, tuple(Slip(*slip) for slip in LOADER_SLIPS)),
}
