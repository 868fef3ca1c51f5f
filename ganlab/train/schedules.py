"""Learning rates and running averages over the steps of a run."""

import math

WARM_UP = 0.1  # the part of a classifier's steps in which its learning rate climbs


def annealed(step: int, over: int) -> float:
    """Return the part of its learning rate that step `step` has left, on half a cosine wave from 1 to 0 at `over`."""
    return 0.5 + 0.5 * math.cos(math.pi * min(step / over, 1))


def warmed_up(decay: float, step: int) -> float:
    """Return the decay of a running average in step `step`: small at first, or it would remember the first weights."""
    return min(decay, (1 + step) / (10 + step))


def climbed_and_fallen(step: int, steps: int) -> float:
    """Return the part of its peak that a learning rate has: up over a tenth of the steps, then down half a cosine."""
    done = (step + 1) / steps
    warm = WARM_UP
    return min(done / warm, (1 + math.cos(math.pi * (done - warm) / (1 - warm))) / 2)
