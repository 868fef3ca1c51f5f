"""Answers to the exercises of lesson 05 as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch


def optimistic_by_numpy(s, h):
    now, before = np.array(s[:2]), np.array(s[2:])
    turn = np.array([[0, -1], [1, 0]])
    return (*(now + h * turn @ (2 * now - before)), *now)


def optimistic_by_matrix(s, h):
    M = torch.tensor([[1, -2 * h, 0, h], [2 * h, 1, -h, 0], [1, 0, 0, 0], [0, 1, 0, 0]], dtype=torch.float64)
    return M @ torch.tensor(s, dtype=torch.float64)


def optimistic_by_names(s, h):
    x, y, x_before, y_before = s
    slope_x, slope_y = y, x
    before_x, before_y = y_before, x_before
    return [x - h * (2 * slope_x - before_x), y + h * (2 * slope_y - before_y), x, y]


def optimistic_added(s, h):
    x, y, xb, yb = s
    return x - h * (2 * y + yb), y + h * (2 * x + xb), x, y


def optimistic_once(s, h):
    x, y, xb, yb = s
    return x - h * (y - yb), y + h * (x - xb), x, y


def plain_step(s, h):
    return s[0] - h * s[1], s[1] + h * s[0], s[0], s[1]


def doubled_step(s, h):
    return s[0] - 2 * h * s[1], s[1] + 2 * h * s[0], s[0], s[1]


def optimistic_in_turns(s, h):
    x, y, xb, yb = s
    y_new = y + 2 * h * x - h * xb
    x_new = x - 2 * h * y_new + h * y
    return x_new, y_new, x, y


def both_climb(s, h):
    x, y, xb, yb = s
    return x + 2 * h * y - h * yb, y + 2 * h * x - h * xb, x, y


def both_descend(s, h):
    x, y, xb, yb = s
    return x - 2 * h * y + h * yb, y - 2 * h * x + h * xb, x, y


def never_remembers(s, h):
    return (*optimistic_by_names(s, h)[:2], *s[2:])


def remembers_too_early(s, h):
    x, y = optimistic_by_names(s, h)[:2]
    return x, y, x, y


def wrong_order(s, h):
    x, y, xb, yb = optimistic_by_names(s, h)
    return xb, yb, x, y


def gradients_handed_on(s, h):
    x, y, g_x, g_y = s
    return x - h * (2 * y - g_x), y + h * (2 * x - g_y), y, x


def before_exchanged(s, h):
    x, y, x_before, y_before = s
    return x - h * (2 * y - x_before), y + h * (2 * x - y_before), x, y


def handed_on_exchanged(s, h):
    x, y, xb, yb = optimistic_by_names(s, h)
    return x, y, yb, xb


def stop_by_slices(values, patience):
    for k in range(len(values)):
        seen = values[: k + 1]
        keep = seen.index(min(seen))
        if k - keep >= patience:
            break
    return keep, k


def stop_by_counting(values, patience):
    keep, waited = 0, 0
    for k, value in enumerate(values):
        if value < values[keep]:
            keep, waited = k, 0
        elif k:
            waited += 1
        if waited == patience:
            return [keep, k]
    return [keep, len(values) - 1]


def stop_by_numpy(values, patience):
    best = np.minimum.accumulate(values)
    keep = [int(np.flatnonzero(np.array(values) == b)[0]) for b in best]
    late = [k for k in range(len(values)) if k - keep[k] >= patience]
    stop = late[0] if late else len(values) - 1
    return torch.tensor([keep[stop], stop])


def stop_with(more=0, best=lambda new, old: new < old, finish=lambda keep, stop, values: (keep, stop), end=-1):
    def answer(values, patience):
        keep = 0
        for k in range(len(values)):
            if best(values[k], values[keep]):
                keep = k
            if k - keep > patience - 1 + more:
                return finish(keep, k, values)
        return finish(keep, len(values) + end, values)

    return answer


def stop_by_the_value_before(values, patience):
    keep, waited = 0, 0
    for k in range(1, len(values)):
        keep = k if values[k] < values[keep] else keep
        waited = 0 if values[k] < values[k - 1] else waited + 1
        if waited == patience:
            return keep, k
    return keep, len(values) - 1


def best_of_all(values, patience):
    return values.index(min(values)), stop_with()(values, patience)[1]


def never_stops(values, patience):
    return values.index(min(values)), len(values) - 1


def own_gradients(s, h):
    x, y, x_before, y_before = s
    return x - h * (2 * x - x_before), y + h * (2 * y - y_before), x, y


def old_look_ahead(s, h):
    x, y, x_before, y_before = s
    trial_x, trial_y = x - h * y_before, y + h * x_before
    return x - h * trial_y, y + h * trial_x, x, y


def extragradient(s, h):
    x, y = s[:2]
    return x - h * (y + h * x), y + h * (x - h * y), x, y


def turns_and_y_before(s, h):
    x, y, x_before, y_before = s
    y = y + h * (2 * x - x_before)
    x = x - h * (2 * y - y_before)
    return x, y, s[0], s[1]


def count_from(first):
    def rule(values, patience):
        count, keep = 0, 0
        for k, value in enumerate(values):
            if value < values[keep]:
                keep = k
            elif k >= first:
                count += 1
            if count == patience:
                return keep, k
        return keep, len(values) - 1

    return rule


def best_and_patience(values, patience):
    keep = values.index(min(values))
    return keep, min(keep + patience, len(values) - 1)


def how_many_measured(values, patience):
    keep = 0
    for k, value in enumerate(values):
        if value < values[keep]:
            keep = k
        if k - keep >= patience:
            return keep, k + 1
    return keep, len(values)


def brackets_forgotten(s, h):
    return s[0] - h * 2 * s[1] - s[3], s[1] + h * 2 * s[0] - s[2], s[0], s[1]


def brackets_forgotten_but_signs(s, h):
    return s[0] - h * 2 * s[1] + s[3], s[1] + h * 2 * s[0] - s[2], s[0], s[1]


def places_combined(s, h):
    return 2 * s[0] - s[2] - h * s[1], 2 * s[1] - s[3] + h * s[0], s[0], s[1]


def before_twice(s, h):
    return s[0] - h * (2 * s[3] - s[1]), s[1] + h * (2 * s[2] - s[0]), s[0], s[1]


def patience_over_neighbours(values, patience):
    bad = 0
    for k in range(1, len(values)):
        bad = bad + 1 if values[k] >= values[k - 1] else 0
        if bad == patience:
            return k - patience, k
    return len(values) - 1, len(values) - 1


def best_and_beyond(values, patience):
    keep = values.index(min(values))
    return keep, keep + patience


def first_value_waits(values, patience):
    best, keep, waited = values[0], 0, 0
    for k, value in enumerate(values):
        if value < best:
            best, keep, waited = value, k, 0
        else:
            waited += 1
        if waited >= patience:
            return keep, k
    return keep, len(values) - 1


ANSWERS = {
    "05.1": {
        "right": [optimistic_by_numpy, optimistic_by_matrix, optimistic_by_names],
        "wrong": [
            (own_gradients, "took x as the gradient"),
            (old_look_ahead, "looked ahead"),
            (extragradient, "extragradient step"),
            (turns_and_y_before, "You let x see the new y"),
            (optimistic_added, "You added the old gradient"),
            (optimistic_once, "it counts twice"),
            (plain_step, "the plain step together"),
            (doubled_step, "You left out the gradient before: 2"),
            (optimistic_in_turns, "let x see the new y"),
            (both_climb, "You let x climb"),
            (both_descend, "You let y descend"),
            (never_remembers, "you hand on the old"),
            (remembers_too_early, "You hand on the new state"),
            (wrong_order, "You changed the order"),
            (gradients_handed_on, "You hand on the gradients"),
            (before_exchanged, "not x_before"),
            (handed_on_exchanged, "You exchanged x_before and y_before"),
            (brackets_forgotten, "in brackets"),
            (brackets_forgotten_but_signs, "has the factor `h`, too"),
            (places_combined, "of the places x and y"),
            (before_twice, "You exchanged now and before"),
        ],
    },
    "05.2": {
        "right": [stop_by_slices, stop_by_counting, stop_by_numpy, stop_with()],
        "wrong": [
            (count_from(1), "over the whole list: start"),
            (count_from(0), "the first value too"),
            (first_value_waits, "so count 0 there"),
            (best_and_patience, "best of the whole list"),
            (best_and_beyond, "beyond its end"),
            (patience_over_neighbours, "and keep that one"),
            (stop_with(finish=lambda keep, stop, values: (values[keep], stop)), "return its index"),
            (how_many_measured, "how many measurements"),
            (best_of_all, "the best of the whole list"),
            (stop_with(more=1), "too late"),
            (stop_with(more=-1), "too early"),
            (stop_by_the_value_before, "the measurement before"),
            (stop_with(best=lambda new, old: new > old), "larger values"),
            (stop_with(best=lambda new, old: new <= old), "an equal value"),
            (stop_with(finish=lambda keep, stop, values: [values[keep], values[stop]]), "indices"),
            (stop_with(finish=lambda keep, stop, values: (stop, stop)), "the best moment before"),
            (stop_with(finish=lambda keep, stop, values: (stop, keep)), "comes first"),
            (never_stops, "never stop:"),
            (stop_with(end=0), "the length"),
        ],
    },
}
