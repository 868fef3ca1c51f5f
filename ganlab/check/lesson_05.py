"""The exercises of lesson 05: the optimistic step, and when to stop."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts

State = tuple[float, float, float, float]


def optimistic(
    s: Sequence[float],
    h: float,
    new: float = 2.0,
    old: float = 1.0,
    turns: bool = False,
    sign_x: float = -1.0,
    sign_y: float = 1.0,
    keep: Callable[[State, float, float], State] = lambda s, x, y: (x, y, s[0], s[1]),
    swapped: bool = False,
) -> State:
    """Return the next (x, y, x_before, y_before) of min over x, max over y of x y. The rest are for slips."""
    x, y, x_before, y_before = s
    if swapped:
        x_before, y_before = y_before, x_before
    next_y = y + sign_y * h * (new * x - old * x_before)
    next_x = x + sign_x * h * (new * (next_y if turns else y) - old * (y if turns else y_before))
    return keep((x, y, x_before, y_before), next_x, next_y)


def _optimistic(function: Callable) -> dict[str, Any]:
    numbers = {}
    s = (1.0, -0.3, 0.8, 0.5)
    for step in (1, 2, 3):
        s = tuple(float(number) for number in parts(function(s, 0.2), "x", "y", "x_before", "y_before"))
        numbers[f"state (x, y, x_before, y_before) after step {step}"] = torch.tensor(s, dtype=torch.float64)
    return numbers


def when_to_stop(
    values: Sequence[float],
    patience: int,
    better: Callable[[float, float], bool] = lambda new, best: new < best,
    later: int = 0,
    since_previous: bool = False,
    never: int = -1,
    give: Callable[[int, int, Sequence[float]], Any] = lambda keep, stop, values: (keep, stop),
) -> Any:
    """Return (index of the best value so far, index at which to stop). The rest are for slips."""
    best = changed = 0
    for k in range(1, len(values)):
        if better(values[k], values[best]):
            best = changed = k
        elif since_previous and better(values[k], values[k - 1]):
            changed = k
        if k - changed >= patience + later:
            return give(best, k, values)
    return give(best, len(values) + never, values)


MEASURED = {
    "the example": ([9.0, 5.0, 6.0, 7.0, 4.0], 2),
    "values that only fall": ([5.0, 4.0, 3.0, 2.5, 1.0], 2),
    "two equal best values": ([4.0, 4.0, 6.0, 5.0, 1.0], 3),
    "values that go up and down": ([8.0, 5.0, 7.0, 6.0, 7.0, 6.5, 2.0, 3.0], 4),
    "a long wait for nothing": ([3.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1.0], 2),
    "a late best": ([7.0, 8.0, 6.0, 6.5, 9.0, 3.0, 4.0, 5.0, 6.0, 1.0], 3),
    "a long end": ([5.0, 4.0, 6.0, 3.0, 7.0, 8.0, 9.0, 9.0], 2),
}


def _when_to_stop(function: Callable) -> dict[str, Any]:
    numbers = {}
    for name, (values, patience) in MEASURED.items():
        result = function(list(values), patience)
        places = [float(number) for number in parts(result, "the index to keep", "the index at which to stop")]
        numbers[f"(keep, stop) of {name}"] = torch.tensor(places, dtype=torch.float64)
    return numbers


def own_gradients(s: Sequence[float], h: float) -> State:
    """Return the step of a reader who took x for the gradient for x, and y for that for y."""
    x, y, x_before, y_before = s
    return x - h * (2 * x - x_before), y + h * (2 * y - y_before), x, y


def looked_ahead(s: Sequence[float], h: float) -> State:
    """Return a step from the present point by the gradient at a trial point that the old gradient leads to."""
    x, y, x_before, y_before = s
    return x - h * (y + h * x_before), y + h * (x - h * y_before), x, y


def extragradient(s: Sequence[float], h: float) -> State:
    """Return the step of the lesson that looks ahead, with what it carries along."""
    x, y, _, _ = s
    return x - h * (y + h * x), y + h * (x - h * y), x, y


def turns_with_before(s: Sequence[float], h: float) -> State:
    """Return the optimistic step by turns: y first, then x by the new y and y_before."""
    x, y, x_before, y_before = s
    next_y = y + h * (2 * x - x_before)
    return x - h * (2 * next_y - y_before), next_y, x, y


def never_reset(values: Sequence[float], patience: int, start: int = 1) -> tuple[int, int]:
    """Return what comes out if measurements without a new best are counted over the whole list."""
    best = count = 0
    for k in range(start, len(values)):
        if values[k] < values[best]:
            best = k
        else:
            count += 1
        if count == patience:
            return best, k
    return best, len(values) - 1


def first_counted(values: Sequence[float], patience: int) -> tuple[int, int]:
    """Return what comes out if the first value, the first best one, counts as a measurement that brought nothing."""
    best = count = 0
    for k in range(len(values)):
        if values[k] < values[best]:
            best = k
            count = 0
        else:
            count += 1
        if count == patience:
            return best, k
    return best, len(values) - 1


def best_of_all(values: Sequence[float], patience: int) -> tuple[int, int]:
    """Return the index of the smallest of all values, and `patience` later."""
    best = min(range(len(values)), key=values.__getitem__)
    return best, min(best + patience, len(values) - 1)


def slips(function: Callable, changes: dict[str, dict[str, Any]]) -> tuple[Slip, ...]:
    """Return a slip for each hint: `function` with those arguments changed."""
    return tuple(Slip(functools.partial(function, **changed), hint) for hint, changed in changes.items())


OPTIMISTIC_SLIPS = {
    "You added the old gradient: it is subtracted, 2 (now) - (before).": {"old": -1.0},
    "You counted the gradient now once: it counts twice: 2 (now) - (before).": {"new": 1.0},
    "You gave the plain step together: the gradient before is missing.": {"new": 1.0, "old": 0.0},
    "You left out the gradient before: 2 (now) - (before).": {"old": 0.0},
    "You let x see the new y: both look at the same state here.": {"turns": True},
    "You let x climb: it wants x y small.": {"sign_x": 1.0},
    "You turned both signs: x wants x y small and descends, y wants it large and climbs.": {
        "sign_x": 1.0,
        "sign_y": -1.0,
    },
    "You let y descend: it wants x y large.": {"sign_y": -1.0},
    "Your x and y are right, but you hand on the old `before`: it is what x and y were in this step.": {
        "keep": lambda s, x, y: (x, y, s[2], s[3])
    },
    "You hand on the new state as `before`: hand on what x and y were before this step.": {
        "keep": lambda s, x, y: (x, y, x, y)
    },
    "You changed the order: it is (x, y, x_before, y_before).": {"keep": lambda s, x, y: (s[0], s[1], x, y)},
    "You exchanged x_before and y_before in what you hand on.": {"keep": lambda s, x, y: (x, y, s[1], s[0])},
    "You exchanged the two gradients before: the gradient for x is y, and the one before is y_before, not x_before.": {
        "swapped": True
    },
    "You hand on the gradients, y and x: the state carries positions, x_before and y_before.": {
        "keep": lambda s, x, y: (x, y, s[1], s[0]),
        "swapped": True,
    },
}

STOP_SLIPS = {
    "You keep the best of the whole list: after the stop nobody measures any more.": {
        "give": lambda keep, stop, values: (min(range(len(values)), key=values.__getitem__), stop)
    },
    "You stop one measurement too late: stop as soon as `patience` of them brought nothing.": {"later": 1},
    "You stop one measurement too early: after the best, wait for `patience` of them.": {"later": -1},
    "You compare with the measurement before: compare with the best so far.": {"since_previous": True},
    "You take larger values for better: here smaller is better.": {"better": lambda new, best: new > best},
    "You count an equal value as better: only a smaller one is.": {"better": lambda new, best: new <= best},
    "You return values: return their indices.": {"give": lambda keep, stop, values: (values[keep], values[stop])},
    "You return the best value: return its index.": {"give": lambda keep, stop, values: (values[keep], stop)},
    "You keep the weights of the moment at which you stop: keep those of the best moment before.": {
        "give": lambda keep, stop, values: (stop, stop)
    },
    "You return the index of the stop first: the one to keep comes first.": {
        "give": lambda keep, stop, values: (stop, keep)
    },
    "You never stop: go on only while the best is less than `patience` measurements old.": {"later": 99},
    "You return the length where the rule never stops: the last index is one less.": {"never": 0},
}


def rate_on_now_alone(s: Sequence[float], h: float) -> State:
    """Return the step of a reader who forgot brackets: the learning rate multiplies the gradient now alone."""
    x, y, x_before, y_before = s
    return x - 2 * h * y - y_before, y + 2 * h * x - x_before, x, y


def rate_on_now_alone_with_signs(s: Sequence[float], h: float) -> State:
    """Return the same step, but with the sign of the gradient before as in the right one."""
    x, y, x_before, y_before = s
    return x - 2 * h * y + y_before, y + 2 * h * x - x_before, x, y


def places_ahead(s: Sequence[float], h: float) -> State:
    """Return a plain step from the place 2 (now) - (before): the places are combined, not the gradients."""
    x, y, x_before, y_before = s
    return 2 * x - x_before - h * y, 2 * y - y_before + h * x, x, y


def newest_of_a_wait(values: Sequence[float], patience: int) -> tuple[int, int]:
    """Return what comes out if each measurement is compared with the one before it alone."""
    count = 0
    for k in range(1, len(values)):
        count = 0 if values[k] < values[k - 1] else count + 1
        if count == patience:
            return k - patience, k
    return len(values) - 1, len(values) - 1


OTHER_STEPS = (
    Slip(own_gradients, "You took x as the gradient for x: the gradient of x y by x is y, and by y it is x."),
    Slip(looked_ahead, "You looked ahead with the old gradient. Step from here instead, by 2 (now) - (before)."),
    Slip(
        extragradient, "You took the extragradient step. Here nobody looks ahead: the gradient is 2 (now) - (before)."
    ),
    Slip(rate_on_now_alone, "Your `h` multiplies the gradient now only: put 2 (now) - (before) in brackets."),
    Slip(
        rate_on_now_alone_with_signs,
        "Your `h` multiplies the gradient now only. The gradient before has the factor `h`, too.",
    ),
    Slip(
        places_ahead,
        "You took 2 (now) - (before) of the places x and y: step from x and y, and take it of the gradients.",
    ),
    Slip(
        functools.partial(optimistic, new=-1.0, old=-2.0),
        "You exchanged now and before: twice the gradient of this step, minus that of the step before.",
    ),
    Slip(turns_with_before, "You let x see the new y: both look at the same state here."),
)
OTHER_STOPS = (
    Slip(never_reset, "You count over the whole list: start counting again at each new best."),
    Slip(
        functools.partial(never_reset, start=0),
        "You count over the whole list, the first value too: start counting again at each new best.",
    ),
    Slip(
        first_counted, "You count the first value as one that brought nothing: it is the first best, so count 0 there."
    ),
    Slip(newest_of_a_wait, "You compare with the measurement before: compare with the best so far, and keep that one."),
    Slip(
        lambda values, patience: (best_of_all(values, 0)[0], best_of_all(values, 0)[0] + patience),
        "You took the best of the whole list, and may stop beyond its end: after the stop nobody measures any more.",
    ),
    Slip(best_of_all, "You took the best of the whole list: after the stop nobody measures any more."),
    Slip(
        functools.partial(when_to_stop, give=lambda keep, stop, values: (keep, stop + 1)),
        "You return how many measurements were made: the index of the last of them is one less.",
    ),
)

EXERCISES = {
    "05.1": Exercise(_optimistic, optimistic, slips(optimistic, OPTIMISTIC_SLIPS) + OTHER_STEPS),
    "05.2": Exercise(_when_to_stop, when_to_stop, slips(when_to_stop, STOP_SLIPS) + OTHER_STOPS),
}
