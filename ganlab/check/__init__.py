"""Answers a learner's exercise: right or not, the largest difference, and a hint that names the likely slip.

An exercise is a *probe* that turns an answer into named numbers, a reference answer, and the slips people make. An
answer is right when its numbers are the reference's. When they are the numbers of a slip instead, the hint is that
slip's, so a hint is given only where it is true. The exercises of lesson NN stand in `ganlab/check/lesson_NN.py`.
"""

import functools
import importlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Probe = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Slip:
    """A wrong answer that people give, of the reference's kind, and the hint for whoever gives it."""

    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """What `judge` needs: `probe(answer)` gives named numbers; equal ones within `tolerance` (absolute + relative)."""

    probe: Probe
    reference: Any
    slips: tuple[Slip, ...]
    tolerance: float = 1e-5


@dataclass(frozen=True)
class Verdict:
    """What came of an answer: status "correct", "not yet" or "not attempted", and what to tell the learner."""

    status: str
    message: str


class NotAttempted(Exception):
    """The stub is still as it was: it returned `...`."""


def answer(number: str, given: Any) -> None:
    """Print the verdict on `given`, the answer to exercise `number`, such as "01.2"."""
    verdict = judge(find(number), given)
    print(f"Exercise {number}: {verdict.status}. {verdict.message}".rstrip())


def mark(exercise: Exercise, given: Any, points: float) -> float:
    """Print the verdict on `given`, a part of an assignment, and return what it earns: all its points or none.

    As the last line of a test cell: nbgrader reads the number as the cell's mark, and the notebook runs on.
    """
    verdict = judge(exercise, given)
    earned = float(points) if verdict.status == "correct" else 0.0
    print(f"{earned:g} of {points:g} points: {verdict.status}. {verdict.message}")
    return earned


def find(number: str) -> Exercise:
    """Return exercise `number`; raise ValueError with the numbers there are for one that does not exist."""
    lesson = number.split(".")[0]
    module = f"{__name__}.lesson_{lesson}"
    try:
        exercises = importlib.import_module(module).EXERCISES
    except ModuleNotFoundError as error:
        if error.name != module:
            raise  # the lesson is there, but something that it needs is not
        raise ValueError(f"number: got {number!r}, but lesson {lesson!r} has no exercises") from error
    if number not in exercises:
        raise ValueError(f"number: got {number!r}, expected one of {', '.join(exercises)}")
    return exercises[number]


def judge(exercise: Exercise, given: Any) -> Verdict:
    """Return the verdict on `given`: an exception in it is reported, an untouched stub is "not attempted"."""
    try:
        numbers = _numbers(exercise, given)
    except (NotAttempted, NotImplementedError):
        return Verdict("not attempted", "Replace the ... and run both cells again.")
    except Exception as error:  # whatever a learner's code raises is told to the learner, not to the kernel
        return Verdict("not yet", f"Your code stopped with {type(error).__name__}: {error}{_place(error, given)}")
    expected = _numbers(exercise, exercise.reference)
    same = _difference(numbers, expected, exercise.tolerance)
    if same.ok:
        return Verdict("correct", f"Largest difference from the reference: {same.largest:.1e}.")
    for slip in exercise.slips:
        if _difference(numbers, _numbers(exercise, slip.answer), exercise.tolerance).ok:
            return Verdict("not yet", f"{same.where} Hint: {slip.hint}")
    return Verdict("not yet", f"{same.where}{_general_hint(numbers, expected, exercise.tolerance)}")


def _place(error: Exception, given: Any) -> str:
    """Return the line of the learner's own cell, or file, at which the answer stopped."""
    file = getattr(getattr(given, "__code__", None), "co_filename", None)
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" (in the line: {lines[-1]})" if lines and lines[-1] else ""


@dataclass(frozen=True)
class _Difference:
    ok: bool
    largest: float
    where: str


def _numbers(exercise: Exercise, given: Any) -> dict[str, Tensor]:
    """Return the probe's numbers as float64 tensors; a returned `...` anywhere means the stub is untouched."""
    if given is ...:
        raise NotAttempted
    if callable(given):
        given = _watched(given)
    found = exercise.probe(given)
    if any(value is ... for value in found.values()):
        raise NotAttempted
    return {name: torch.as_tensor(value).detach().double().cpu() for name, value in found.items()}


def _watched(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result is ...:
            raise NotAttempted
        if result is None:
            raise ValueError("your function returned None: is its `return` missing?")
        return result

    return call


def _difference(numbers: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> _Difference:
    """Compare name by name; `where` says what differs first, in the learner's words."""
    largest = 0.0
    for name, want in expected.items():
        if name not in numbers:
            return _Difference(False, float("inf"), f"{name}: there is no such number in your answer.")
        got = numbers[name]
        if got.shape != want.shape:
            return _Difference(False, float("inf"), f"{name}: shape {tuple(got.shape)}, expected {tuple(want.shape)}.")
        if got.numel() == 0:
            continue
        gap = torch.where(got == want, 0.0, (got - want).abs())  # equal infinities differ by 0, not by nan
        worst = int(gap.nan_to_num(nan=float("inf")).argmax())
        # by operators, which an answer cannot replace as it can torch.allclose
        if not ((got == want) | (gap.isfinite() & (gap <= tolerance + tolerance * want.abs()))).all():
            pair = f"yours {got.flatten()[worst]:.6g}, expected {want.flatten()[worst]:.6g}"
            return _Difference(False, float("inf"), f"{name}: {pair}.")
        largest = max(largest, gap.max().item())
    return _Difference(True, largest, "")


def _general_hint(numbers: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> str:
    """Return a hint from the numbers alone: not finite, the sign turned, a constant factor, or a constant added."""
    if set(expected) - set(numbers):
        return ""
    got, want = (torch.cat([d[name].flatten() for name in expected]) for d in (numbers, expected))
    if got.shape != want.shape or got.numel() < 2:
        return ""
    if broken := [n for n in expected if expected[n].isfinite().all() and not numbers[n].isfinite().all()]:
        return f" Hint: {broken[0]} is not finite: a log of 0, or an exponential that overflowed?"
    if torch.allclose(got, want, rtol=tolerance, atol=tolerance):
        return " Hint: the numbers are right, their shape is not."
    factor = torch.dot(got, want) / torch.dot(want, want)
    if factor.abs() > tolerance and torch.allclose(got, factor * want, rtol=tolerance, atol=tolerance):
        return f" Hint: every number is {factor:.4g} times the reference: a sign, a mean for a sum, or a lost factor?"
    shift = (got - want).mean()
    if torch.allclose(got, want + shift, rtol=tolerance, atol=tolerance):
        return f" Hint: every number is off by {shift:.4g}: a constant term?"
    return ""
