"""The exercises of lesson 15d: faults of batches found by tests, and what a small number in a logarithm leaves.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_15 import Ward

# A fault, and what somebody who has it would see.
SIGNS = {
    "never batched": "its first batch would be one picture",
    "from 0 to 1": "the lowest value of its first batch would be 0",
    "statistics mixed": "the same fakes would get other logits in the other move",
    "seed reset": "its noise, drawn twice, would not differ",
    "log(D + eps)": "its known answer for the generator would be 18.42",
    "signs exchanged": "its loss on one batch would rise",
}
WARD = Ward(SIGNS, "ABCDEF")
FAULTS, night_shift = WARD.faults, WARD.night_shift


def left(c: Tensor, eps: float) -> Tensor:
    """Return the slope of -log(D + eps) over that of -log D, D = sigmoid(c): logits c (B,) -> (B,)."""
    D = c.sigmoid()
    return D / (D + eps)


def _left(function: Callable[[Tensor, float], Tensor]) -> dict[str, Any]:
    c = torch.tensor([-25.0, -18.0, -7.0, -1.0, 0.0, 2.0], dtype=torch.float64)
    numbers: dict[str, Any] = {}
    for eps in (0.5, 1e-2, 1e-8):
        answer = function(c.clone(), eps)
        if answer is ...:
            return {"what is left": ...}
        numbers[f"what is left with eps = {eps:g}"] = answer
    return numbers | {"what is left with eps = 0": function(c.clone(), 0.0)}


def _slope(c: Tensor, eps: float) -> Tensor:
    D = c.sigmoid()
    return D * (1 - D) / (D + eps)


LEFT_SLIPS = (
    (
        lambda c, eps: -_slope(c, eps),
        "You returned (15d.1) itself. Divide it by the slope without eps, which is -(1 - D).",
    ),
    (_slope, "You returned the size of (15d.1). Divide it by the slope without eps, which is 1 - D in size."),
    (
        lambda c, eps: -left(c, eps),
        "You returned minus what is left. Both slopes are negative, so their quotient is positive.",
    ),
    (
        lambda c, eps: 1 / left(c, eps),
        "You divided the other way round. The slope with eps stands above the line.",
    ),
    (
        lambda c, eps: 1 - left(c, eps),
        "You returned what is lost. What is left is 1 minus this.",
    ),
    (
        lambda c, eps: left(-c, eps),
        "You took 1 - D in place of D. D is the sigmoid of c.",
    ),
    (
        lambda c, eps: c / (c + eps),
        "You put the logits in place of D. D is the sigmoid of c.",
    ),
    (
        lambda c, eps: 1 / (c.sigmoid() + eps),
        "You returned the slope of the logarithm by D. From the slope of the sigmoid a factor D stays.",
    ),
    (
        lambda c, eps: (c.sigmoid() + eps).log() / c.sigmoid().log(),
        "You divided the losses. Divide their slopes, (15d.1).",
    ),
    (
        lambda c, eps: left(c, eps).mean(),
        "You averaged over the logits. Return one number for each.",
    ),
    (
        lambda c, eps: (1 - c.sigmoid()) / (c.sigmoid() + eps),
        "You cancelled D in place of 1 - D. The slope without eps is -(1 - D), so the factor D stays above the line.",
    ),
    (
        lambda c, eps: left(c, eps * (1 - c.sigmoid())),
        "You took e^c in place of D, or 1 + eps e^(-c) below the line. In D / (D + eps) = 1 / (1 + eps / D) there is "
        "1 / D = 1 + e^(-c).",
    ),
    (
        lambda c, eps: left(c, 1e-8),
        "You fixed eps at 1e-8. Take the eps that your function is given.",
    ),
    (
        lambda c, eps: c.softmax(0) / (c.softmax(0) + eps),
        "You took the softmax of all logits. Each logit has a D of its own, its sigmoid.",
    ),
)

EXERCISES = {
    "15d.1": WARD.exercise(),
    "15d.2": Exercise(_left, left, tuple(Slip(*slip) for slip in LEFT_SLIPS)),
}
