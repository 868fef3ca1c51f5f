"""The exercises of lesson 17c: whom the feature loss moves, standardised codes, and when a student pays."""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit, parts
from ganlab.runtime import seeded_generator


def feature_gradients(
    a: float,
    b: float,
    c: float,
    x: Tensor,
    encoder: Callable[..., float] = lambda a, b, c, m: 2 * c**2 * (a * b - 1) * b * m,
    decoder: Callable[..., float] = lambda a, b, c, m: 2 * c**2 * (a * b - 1) * a * m,
    critic: Callable[..., float] = lambda a, b, c, m: 0.0,
    moment: Callable[[Tensor], Tensor] = lambda x: (x**2).mean(),
) -> tuple[float, float, float]:
    """Return the slopes by which encoder, decoder and critic move. The rest are for slips."""
    m = moment(x).item()
    return encoder(a, b, c, m), decoder(a, b, c, m), critic(a, b, c, m)


def _gradients(function: Callable) -> dict[str, Any]:
    numbers = {}
    for k, (a, b, c) in enumerate([(0.5, 0.8, 2.0), (-1.5, 0.6, 0.7), (2.0, 1.5, -1.2)]):
        x = torch.randn(3 + k, generator=seeded_generator("17c.1", k), dtype=torch.float64)
        result = function(a, b, c, x)
        slopes = parts(result, "the encoder's slope", "the decoder's", "the critic's")
        if any(v is None for v in slopes):
            raise ValueError(
                "one of the slopes is None. Hint: You returned None for a slope. A weight that does not move has the "
                "slope 0: return 0."
            )
        if any(isinstance(v, Tensor) and v.numel() != 1 for v in slopes):
            raise Unfit("each slope is one number: take the mean over the data x")
        numbers[f"slopes of case {k + 1}"] = torch.stack([torch.as_tensor(v, dtype=torch.float64) for v in slopes])
    return numbers


GRADIENT_SLIPS: dict[str, dict[str, Any]] = {
    "You let the critic learn from the feature loss. It could then make the loss 0 by features that are all 0.": {
        "critic": lambda a, b, c, m: 2 * c * (a * b - 1) ** 2 * m
    },
    "You kept the encoder out. The feature loss is its reconstruction error: only the *critic's verdict* spares it.": {
        "encoder": lambda a, b, c, m: 0.0
    },
    "You kept the decoder out. It learns from the feature loss and from the verdict.": {
        "decoder": lambda a, b, c, m: 0.0
    },
    "You let the critic learn from the feature loss, through the reconstruction's features. Rule 1: it does not.": {
        "critic": lambda a, b, c, m: 2 * c * a * b * (a * b - 1) * m
    },
    "You took the square of the mean of x. The loss is a mean of squares: average x^2.": {
        "moment": lambda x: x.mean() ** 2
    },
    "You averaged x. Both the difference and its slope have the factor x, so average x^2.": {"moment": torch.mean},
    "You compared the reconstruction with 0. The target is f(x): the difference has the factor ab - 1, not ab.": {
        "encoder": lambda a, b, c, m: 2 * c**2 * a * b * b * m,
        "decoder": lambda a, b, c, m: 2 * c**2 * a * b * a * m,
    },
    "You exchanged encoder and decoder. The slope for a has the factor b, and the slope for b the factor a.": {
        "encoder": lambda a, b, c, m: 2 * c**2 * (a * b - 1) * a * m,
        "decoder": lambda a, b, c, m: 2 * c**2 * (a * b - 1) * b * m,
    },
    "You took c once. The difference of the features has the factor c, and it is squared.": {
        "encoder": lambda a, b, c, m: 2 * c * (a * b - 1) * b * m,
        "decoder": lambda a, b, c, m: 2 * c * (a * b - 1) * a * m,
    },
    "You left out the inner derivative. The difference c (a b - 1) x has the slope c b x by a, and c a x by b.": {
        "encoder": lambda a, b, c, m: 2 * c * (a * b - 1) * m,
        "decoder": lambda a, b, c, m: 2 * c * (a * b - 1) * m,
        "moment": torch.mean,
    },
    "You compared pixels. Compare c times the pixels: the features.": {
        "encoder": lambda a, b, c, m: 2 * (a * b - 1) * b * m,
        "decoder": lambda a, b, c, m: 2 * (a * b - 1) * a * m,
    },
    "You added over the samples. The loss is their mean.": {"moment": lambda x: (x**2).sum()},
    "You left out the 2 that the square brings.": {
        "encoder": lambda a, b, c, m: c**2 * (a * b - 1) * b * m,
        "decoder": lambda a, b, c, m: c**2 * (a * b - 1) * a * m,
    },
    "Your slopes have the opposite sign. A slope points up; the optimizer goes down by itself.": {
        "encoder": lambda a, b, c, m: -2 * c**2 * (a * b - 1) * b * m,
        "decoder": lambda a, b, c, m: -2 * c**2 * (a * b - 1) * a * m,
    },
}


def standardise(
    codes: Tensor,
    drawn: Tensor,
    centre: Callable[[Tensor], Tensor] = lambda codes: codes.mean(0),
    scale: Callable[[Tensor], Tensor] = lambda codes: codes.std(0),
    back: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda drawn, m, s: m + s * drawn,
    there: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda codes, m, s: (codes - m) / s,
) -> tuple[Tensor, Tensor]:
    """Return standardised codes (n, D), and what was drawn as codes (k, D). The rest are for slips."""
    m, s = centre(codes), scale(codes)
    return there(codes, m, s), back(drawn, m, s)


def _standardised(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, dim in ((5, 2), (8, 3)):
        rng = seeded_generator("17c.2", n)
        scales = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)[:dim]
        codes = scales * torch.randn(n, dim, generator=rng, dtype=torch.float64) + 2 * scales
        try:
            result = function(codes, torch.randn(3, dim, generator=rng, dtype=torch.float64))
        except RuntimeError as error:
            if not _over_coordinates(function):
                raise
            raise ValueError(
                "the means and deviations do not fit. Hint: You took the mean and the deviation of each code, "
                "dimension 1. Each coordinate has its own: take them over the codes, dimension 0."
            ) from error
        there, back = parts(result, "the standardised codes", "the drawn ones as codes")
        numbers[f"standardised, {n} codes"], numbers[f"back, {n} codes"] = there, back
    return numbers


def _over_coordinates(function: Callable) -> bool:
    """Return whether `function` takes means over dimension 1: three codes of three numbers fit any such answer."""
    codes = torch.tensor([[1.0, 4.0, 2.0], [0.0, 3.0, 9.0], [7.0, 6.0, 1.0]], dtype=torch.float64)
    there = torch.as_tensor(function(codes, codes.clone())[0]).double()
    of_each = ((codes - codes.mean(1, keepdim=keep)) / codes.std(1, keepdim=keep) for keep in (True, False))
    return any(torch.allclose(there, each) for each in of_each)


STANDARD_SLIPS: dict[str, dict[str, Any]] = {
    "You took one mean and one deviation for all coordinates. Each coordinate has its own.": {
        "centre": lambda codes: codes.mean(),
        "scale": lambda codes: codes.std(),
    },
    "You took them along the wrong axis. Average over the codes, axis 0.": {
        "centre": lambda codes: codes.mean(1, keepdim=True),
        "scale": lambda codes: codes.std(1, keepdim=True),
        "back": lambda drawn, m, s: m[: len(drawn)] + s[: len(drawn)] * drawn,
    },
    "You divided by the variance. Divide by the standard deviation.": {"scale": lambda codes: codes.var(0)},
    "You did not take the mean off, on either way.": {"centre": lambda codes: 0 * codes.mean(0)},
    "You did not divide by the deviation, on either way.": {"scale": lambda codes: 0 * codes.std(0) + 1},
    "You went the way there a second time. On the way back multiply, then add the mean.": {
        "back": lambda drawn, m, s: (drawn - m) / s
    },
    "You added the mean before you multiplied. On the way back the deviation comes first.": {
        "back": lambda drawn, m, s: s * (drawn + m)
    },
    "You went back with the mean and the deviation of what was drawn. Take those of the codes.": {
        "back": lambda drawn, m, s: drawn.mean(0) + drawn.std(0) * drawn
    },
    "You standardised what was drawn before you went back. It is in the flow's units already.": {
        "back": lambda drawn, m, s: m + s * (drawn - drawn.mean(0)) / drawn.std(0)
    },
    "You divided only the mean by the deviation. Put brackets round codes - mean.": {
        "there": lambda codes, m, s: codes - m / s
    },
    "You took the deviation that divides by n. Torch's std divides by n - 1.": {
        "scale": lambda codes: codes.std(0, unbiased=False)
    },
    "You returned what was drawn as it is. The decoder needs it in the units of the codes.": {
        "back": lambda drawn, m, s: drawn
    },
}


def break_even(
    steps: int,
    call: float,
    pairs: int,
    training: float,
    saved: Callable[[int, float], float] = lambda steps, call: (steps - 1) * call,
    spent: Callable[..., float] = lambda steps, call, pairs, training: pairs * steps * call + 1000 * training,
    rounded: Callable[[float], int] = math.ceil,
) -> int:
    """Return from how many pictures on the student has paid. The rest are for slips."""
    return rounded(spent(steps, call, pairs, training) / saved(steps, call))


def _pays(function: Callable) -> dict[str, Any]:
    cases = [(10, 0.3, 1000, 20.0), (4, 2.0, 500, 3.0), (25, 0.7, 90, 1.0)]
    return {f"case {k + 1}": function(*case) for k, case in enumerate(cases)}


PAYS_SLIPS: dict[str, dict[str, Any]] = {
    "You left out the pairs. The teacher has to draw them, at `steps` calls each.": {
        "spent": lambda steps, call, pairs, training: 1000 * training
    },
    "You took one call for a pair, or counted the pairs as pictures. A pair costs `steps` calls, and is extra.": {
        "spent": lambda steps, call, pairs, training: pairs * call + 1000 * training
    },
    "You added the number of pairs to milliseconds. Each pair costs `steps` calls, of `call` milliseconds each.": {
        "spent": lambda steps, call, pairs, training: pairs + 1000 * training
    },
    "You added the number of the pairs' calls to milliseconds. Multiply it by `call`, what a call costs.": {
        "spent": lambda steps, call, pairs, training: pairs * steps + 1000 * training
    },
    "You forgot that the student needs a call, too. A picture saves steps - 1 calls.": {
        "saved": lambda steps, call: steps * call
    },
    "You took one call as what a picture saves. It saves steps - 1 calls.": {"saved": lambda steps, call: call},
    "You added a student's call to each pair. Only the teacher draws the pairs.": {
        "spent": lambda steps, call, pairs, training: pairs * (steps + 1) * call + 1000 * training
    },
    "You mixed seconds and milliseconds. A second has 1,000 milliseconds.": {
        "spent": lambda steps, call, pairs, training: pairs * steps * call + training
    },
    "You left out the training, or divided its seconds by 1,000. A second has 1,000 milliseconds: multiply.": {
        "spent": lambda steps, call, pairs, training: pairs * steps * call
    },
    "You rounded down. With that many pictures the student has not quite paid yet.": {"rounded": math.floor},
    "You rounded to the nearest whole number. Below the exact one the student has not quite paid yet: round up.": {
        "rounded": round
    },
    "You did not round. Pictures are whole: round up.": {"rounded": float},
}

EXERCISES = {
    "17c.1": Exercise(
        _gradients,
        feature_gradients,
        tuple(Slip(functools.partial(feature_gradients, **change), hint) for hint, change in GRADIENT_SLIPS.items()),
    ),
    "17c.2": Exercise(
        _standardised,
        standardise,
        tuple(Slip(functools.partial(standardise, **change), hint) for hint, change in STANDARD_SLIPS.items()),
    ),
    "17c.3": Exercise(
        _pays,
        break_even,
        tuple(Slip(functools.partial(break_even, **change), hint) for hint, change in PAYS_SLIPS.items()),
    ),
}
