"""Learning rates and running averages over the steps of a run."""

import math


def annealed(step: int, over: int) -> float:
    """Return the share of its learning rate that step `step` has left, on half a cosine wave from 1 to 0 at `over`."""
    return 0.5 + 0.5 * math.cos(math.pi * min(step / over, 1))


def warmed_up(decay: float, step: int) -> float:
    """Return the decay of a running average in step `step`: small at first, or it would remember the first weights."""
    return min(decay, (1 + step) / (10 + step))
