"""Answers a learner's exercise: right or not, the largest difference, and a hint that names the likely slip.

An exercise is a *probe* that turns an answer into named numbers, a reference answer, and the slips people make. An
answer is right when its numbers are the reference's. When they are the numbers of a slip instead, the hint is that
slip's, so a hint is given only where it is true. The exercises of lesson NN stand in `ganlab/check/lesson_NN.py`.
"""

import functools
import importlib
import inspect
import os
import traceback
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from IPython.display import display
from torch import Tensor

from ganlab.check import cards, errors, solutions, undefined
from ganlab.check.parts import Unfit, WrongCount
from ganlab.check.undefined import SETUP

Probe = Callable[[Any], dict[str, Any]]

NEAR = 0.02  # an answer all of whose numbers differ from the reference's by no more, relative to it, is almost right
TIGHT = 1e-5  # of two numbers: within a wider tolerance, some factor or constant fits them by chance
_attempted: set[str] = set()  # numbers of the exercises that were judged in this process, untouched stubs left out


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
    tolerance: float = field(default=1e-5, kw_only=True)
    _known: dict[int | None, dict[str, Tensor]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def numbers(self, slip: Slip | None = None) -> dict[str, Tensor]:
        """Return the numbers of the reference, or of a slip: a probe gives the same ones each time, so once will do."""
        key = None if slip is None else id(slip)
        if key not in self._known:
            try:
                self._known[key] = _numbers(self, self.reference if slip is None else slip.answer)
            except WrongCount as error:  # a slip may return one number where two are expected
                self._known[key] = _uncounted(error.result)
        return self._known[key]


@dataclass(frozen=True)
class Verdict:
    """What came of an answer, and what to tell the learner.

    `status` is "correct", "almost" (the right numbers, but for rounding or for their shape), "not yet", or
    "not attempted".
    """

    status: str
    message: str


EQUAL = "Your numbers are those of the reference, to the last digit."
UNTOUCHED = Verdict("not attempted", "Replace the ... and run both cells again.")


class NotAttempted(Exception):
    """The stub is still as it was: it returned `...`."""


class ArgumentChanged(Exception):
    """An answer wrote into what it was given, a tensor, an array or a list; the text is the argument's name."""


def answer(number: str, attempt: Any) -> None:
    """Show the verdict on `attempt`, the answer to exercise `number`, such as "01.2"."""
    verdict = judge(find(number), attempt, setup=SETUP)
    if verdict.status != "not attempted":
        _attempted.add(number)
    display(cards.Card(f"Exercise {number}", verdict.status, verdict.message))


def solution(number: str) -> None:
    """Show a worked solution of exercise `number` and its reasoning, once `answer` has judged an attempt at it.

    A teacher switches solutions off by the environment variable GANLAB_SOLUTIONS=off. An attempt counts until the
    kernel restarts. ValueError, with the numbers there are, for an exercise that does not exist.
    """
    find(number)
    switch = os.environ.get("GANLAB_SOLUTIONS") or "on"
    if switch not in ("on", "off"):
        raise ValueError(f"the environment variable GANLAB_SOLUTIONS: got {switch!r}, expected 'on' or 'off'")
    if switch == "off":
        display(cards.Card("Solutions", "switched off", "The environment variable GANLAB_SOLUTIONS is off."))
    elif number not in _attempted:
        wait = "Try it first. After its check has judged an answer of yours, the solution is here."
        display(cards.Card(f"Exercise {number}", "not attempted", wait))
    else:
        display(solutions.worked(number))


def mark(exercise: Exercise, attempt: Any, points: float) -> float:
    """Print the verdict on `attempt`, a part of an assignment, and return what it earns: all its points or none.

    As the last line of a test cell: nbgrader reads the number as the cell's mark, and the notebook runs on.
    """
    verdict = judge(exercise, attempt)
    correct = verdict.status == "correct"
    score = float(points) if correct else 0.0
    # A test that a student sees may look at the form alone: it must not say that the answer is the reference's.
    said = "correct, as far as this test looks." if correct else f"{verdict.status}. {verdict.message}"
    print(f"{score:g} of {points:g} points: {said}")
    return score


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


def judge(exercise: Exercise, attempt: Any, *, setup: Set[str] = frozenset()) -> Verdict:
    """Return the verdict on `attempt`: an exception in it is reported, an untouched stub is "not attempted".

    `setup` holds the names that a setup cell gives. An answer that misses a name, where not all of these are known, is
    told to run that cell.
    """
    try:
        numbers = _numbers(exercise, _guarded(attempt) if inspect.isroutine(attempt) else attempt)
    except NotAttempted:
        return UNTOUCHED
    except WrongCount as error:
        try:
            slip = _named(exercise, _uncounted(error.result))
        except (TypeError, ValueError, RuntimeError):  # not even numbers
            slip = None
        return Verdict("not yet", f"Expected {error.expected}. Hint: {slip.hint}" if slip else f"Hint: {error}")
    except Unfit as error:
        return Verdict("not yet", str(error))
    except ArgumentChanged as error:
        hint = f"Hint: You changed the {error} that you were given. Its owner still needs it: work on a copy."
        return Verdict("not yet", f"{error}: it is not what it was before the call. {hint}")
    except Exception as error:  # whatever a learner's code raises is told to the learner, not to the kernel
        if type(error) is NotImplementedError and not str(error):  # a bare `raise`: torch's own come with a message
            return UNTOUCHED
        unknown = type(error) is NameError and not errors.of_no_cell(error.name)
        if unknown and not setup <= set(getattr(attempt, "__globals__", setup)):
            first = "Run the setup cell first, near the top of the lesson, then the cells that your code builds on"
            return Verdict("not yet", f"{first}: `{error.name}` is not defined{_place(error, attempt)}.")
        stopped = f"Your code stopped with {type(error).__name__}: {error}{_place(error, attempt)}"
        return Verdict("not yet", stopped + errors.explained(error, attempt))
    return _compared(exercise, numbers)


def _compared(exercise: Exercise, numbers: dict[str, Tensor]) -> Verdict:
    """Return the verdict on an answer's numbers."""
    expected = exercise.numbers()
    same = _difference(numbers, expected, exercise.tolerance)
    if same.ok:
        agrees = f"Largest difference from the reference: {same.largest:.1e}." if same.largest else EQUAL
        return Verdict("correct", agrees)
    if slip := _named(exercise, numbers):
        return Verdict("not yet", f"{same.where} Hint: {slip.hint}")
    if hint := _near_hint(numbers, expected, exercise.tolerance):
        return Verdict("almost", f"{same.where} Hint: {hint}")
    whole = all(bool((value == value.round()).all()) for value in expected.values())
    if whole and not callable(exercise.reference):
        return Verdict("not yet", same.where)  # a choice, such as the sizes of layers: there a factor is no slip
    return Verdict("not yet", same.where + _general_hint(numbers, expected, exercise.tolerance))


def _named(exercise: Exercise, numbers: dict[str, Tensor]) -> Slip | None:
    """Return the slip whose numbers these are, if there is one."""
    for slip in exercise.slips:
        if _difference(numbers, exercise.numbers(slip), exercise.tolerance, nan_is_nan=True).ok:
            return slip
    return None


def _uncounted(result: Any) -> dict[str, Tensor]:
    """Return all numbers of an answer that is not as many things as expected, in one row."""
    things = result if isinstance(result, tuple | list) else (result,)
    return {"all of it": torch.cat([torch.as_tensor(thing).detach().double().cpu().flatten() for thing in things])}


def _place(error: Exception, attempt: Any) -> str:
    """Return the line of the learner's own cell, or file, at which the answer stopped."""
    file = getattr(getattr(attempt, "__code__", None), "co_filename", None)
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" (in the line: {lines[-1]})" if lines and lines[-1] else ""


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, but a call that changes an argument of its caller's raises ArgumentChanged."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        before = [_trace(argument) for argument in args]
        result = function(*args, **kwargs)
        for place, (old, argument) in enumerate(zip(before, args, strict=True)):
            if result is not None and result is not ... and not _same_trace(old, _trace(argument)):
                raise ArgumentChanged(_argument_name(function, place))
        return result

    return call


def _trace(argument: Any) -> tuple[Any, ...]:
    """Return what a caller may rely on: the numbers of a tensor and of its gradient, of an array, of a list."""
    if isinstance(argument, Tensor):
        grad = argument.grad.detach().clone() if argument.is_leaf and argument.grad is not None else None
        return grad, argument.detach().clone()
    if isinstance(argument, np.ndarray):
        return (torch.as_tensor(argument.copy()),)
    return (list(argument),) if isinstance(argument, list) else ()


def _same_trace(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    def same(a: Any, b: Any) -> bool:
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())  # nan is nan here
        return type(a) is type(b) and (a is b or a == b)

    return all(same(a, b) for a, b in zip(old, new, strict=True))


def _argument_name(function: Callable[..., Any], place: int) -> str:
    try:
        names = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        names = []
    positional = [name.name for name in names if name.kind in (name.POSITIONAL_ONLY, name.POSITIONAL_OR_KEYWORD)]
    return f"`{positional[place]}`" if place < len(positional) else f"argument {place + 1}"


@dataclass(frozen=True)
class _Difference:
    ok: bool
    largest: float
    where: str


def _numbers(exercise: Exercise, attempt: Any) -> dict[str, Tensor]:
    """Return the probe's numbers as float64 tensors; a returned `...` anywhere means the stub is untouched."""
    if attempt is ...:
        raise NotAttempted
    if callable(attempt):
        attempt = _refusing_stubs(attempt)
    numbers = exercise.probe(attempt)
    if any(value is ... for value in numbers.values()):
        raise NotAttempted
    return {name: torch.as_tensor(value).detach().double().cpu() for name, value in numbers.items()}


def _refusing_stubs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with an error of its own for a result that is `...` or None."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result is ...:
            raise NotAttempted
        if result is None:
            raise Unfit("your function returned None: is its `return` missing?")
        return result

    return call


def _difference(
    numbers: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float, *, nan_is_nan: bool = False
) -> _Difference:
    """Compare name by name; `where` says what differs first, in the learner's words.

    By `nan_is_nan` a nan equals a nan: a slip may break some of its numbers, while others still name it.
    """
    largest = 0.0
    for name, reference in expected.items():
        if name not in numbers:
            return _Difference(False, float("inf"), f"{name}: there is no such number in your answer.")
        value = numbers[name]
        if value.shape != reference.shape:
            shapes = f"shape {tuple(value.shape)}, expected {tuple(reference.shape)}"
            return _Difference(False, float("inf"), f"{name}: {shapes}.")
        if value.numel() == 0:
            continue
        same = (value == reference) | (nan_is_nan & value.isnan() & reference.isnan())
        gap = torch.where(same, 0.0, (value - reference).abs())  # equal infinities differ by 0, not by nan
        worst = int(gap.nan_to_num(nan=float("inf")).argmax())
        # by operators, which an answer cannot replace as it can torch.allclose
        if not (same | (gap.isfinite() & (gap <= tolerance + tolerance * reference.abs()))).all():
            pair = f"yours {_shown(value.flatten()[worst])}, expected {_shown(reference.flatten()[worst])}"
            return _Difference(False, float("inf"), f"{name}: {pair}.")
        largest = max(largest, gap.max().item())
    return _Difference(True, largest, "")


def _shown(number: Tensor) -> str:
    """Return a number with six digits, but a whole one in full, so that a count of millions can be read."""
    return f"{number:.0f}" if number == number.round() and number.abs() < 1e12 else f"{number:.6g}"


def _all_in_one(numbers: dict[str, Tensor], expected: dict[str, Tensor]) -> tuple[Tensor, Tensor] | None:
    """Return an answer's numbers and the reference's, each in one row; None if there are not equally many."""
    if set(expected) - set(numbers):
        return None
    values, reference = (torch.cat([d[name].flatten() for name in expected]) for d in (numbers, expected))
    return (values, reference) if values.shape == reference.shape else None


def _near_hint(numbers: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> str:
    """Return a hint for an answer that is nearly right: its numbers but for rounding, or but for their shape."""
    if (pair := _all_in_one(numbers, expected)) is None:
        return ""
    values, reference = pair
    if _difference({"all": values}, {"all": reference}, tolerance).ok:
        return "The numbers are right, their shape is not."
    whole = bool((reference == reference.round()).all())  # of counts, a near one is as wrong as any
    gaps = (values - reference).abs() / reference.abs().clamp(min=tolerance)
    if whole or not (gaps <= NEAR).all():
        return ""
    return (
        f"You come within {100 * gaps.max():.2g}% of every number. "
        "Is something rounded, a grid too coarse or too short, or a mean taken over few draws?"
    )


def _count_hint(numbers: dict[str, Tensor], expected: dict[str, Tensor]) -> str:
    """Return a hint for an answer that has several numbers in the place of one, or one in the place of several."""
    for name, reference in expected.items():
        given = numbers[name].numel() if name in numbers else reference.numel()
        if given != reference.numel() and 1 in (given, reference.numel()):
            one = reference.numel() == 1
            return (
                f" Hint: You gave {given} numbers there. One is wanted."
                if one
                else (f" Hint: You gave one number there. {reference.numel()} are wanted.")
            )
    return ""


def _general_hint(numbers: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> str:
    """Return a hint from the numbers alone: their count, not finite, a constant factor, or a constant added."""
    if (pair := _all_in_one(numbers, expected)) is None:
        return _count_hint(numbers, expected)
    if pair[0].numel() < 2:
        return ""
    values, reference = pair
    if broken := [n for n in expected if expected[n].isfinite().all() and not numbers[n].isfinite().all()]:
        return (
            f" Hint: Your answer is not finite in {broken[0]}: a division by 0, a log of 0 or of a negative number, or "
            "an exponential that overflowed?"
        )
    if len(values) == 2:
        tolerance = min(tolerance, TIGHT)
    factor = torch.dot(values, reference) / torch.dot(reference, reference)
    if factor.abs() > tolerance and torch.allclose(values, factor * reference, rtol=tolerance, atol=tolerance):
        return f" Hint: Every number is {factor:.4g} times the reference: a sign, a mean for a sum, or a lost factor?"
    shift = (values - reference).mean()
    if torch.allclose(values, reference + shift, rtol=tolerance, atol=tolerance):
        return f" Hint: Every number is off by {shift:.4g}: a constant term?"
    return ""


undefined.install()  # the one thing that an import of ganlab does: a check cell can fail before it calls anything here
