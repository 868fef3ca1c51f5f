"""Takes an answer apart that consists of several things, or says how many are expected, and which."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

COUNTS = "no one two three four five six seven eight nine ten".split()


class WrongCount(Exception):
    """An answer is not as many things as its exercise asks for; the text is a hint for whoever gave it."""

    def __init__(self, result: Any, names: tuple[str, ...]) -> None:
        count = COUNTS[len(names)]
        comma = "a comma" if len(names) == 2 else "commas"
        self.expected = f"{count} things, separated by {comma}: {', '.join(names[:-1])} and {names[-1]}"
        self.result = result
        super().__init__(f"You returned {_described(result)}. Return {self.expected}.")


class Unfit(ValueError):
    """What an answer returned cannot be compared, though its code ran to the end; the text says why, with a hint."""


def parts(result: Any, *names: str) -> tuple[Any, ...]:
    """Return the parts of an answer, as many as `names` says, else raise WrongCount: a pair, a list or a stack."""
    several = isinstance(result, tuple | list) or (isinstance(result, Tensor | np.ndarray) and result.ndim > 0)
    if not several or len(result) != len(names):
        raise WrongCount(result, names)
    return tuple(result)


def _described(result: Any) -> str:
    if isinstance(result, tuple | list):
        count = COUNTS[len(result)] if len(result) < len(COUNTS) else len(result)
        return f"{count} {'thing' if len(result) == 1 else 'things'}"
    if isinstance(result, Tensor | np.ndarray) and result.ndim:
        kind = "tensor" if torch.is_tensor(result) else "array"
        return f"one {kind} of shape {tuple(result.shape)}"
    if isinstance(result, Tensor | np.generic | np.ndarray | int | float):
        return "one number"
    return f"one thing, of type {type(result).__name__}"
