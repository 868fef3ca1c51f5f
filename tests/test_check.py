"""What judges a learner's answers: the engine, and a bank of answers to every exercise.

The bank: tests/answers/lesson_NN.py holds ANSWERS = {"NN.1": {"right": [...], "wrong": [(answer, words), ...]}}. The
answers are written as learners write them; each wrong one must be refused with a hint that holds its `words`.
"""

import html
import importlib
import math
import re
import runpy
import sys
import types
from collections.abc import Callable
from pathlib import Path

import lessons
import numpy as np
import pytest
import torch

from ganlab import check
from ganlab.check import Exercise, Slip, cards, errors, parts

ANSWERS = {}
for bank in sorted((Path(__file__).parent / "answers").glob("lesson_*.py")):
    ANSWERS |= runpy.run_path(str(bank))["ANSWERS"]

EXERCISES = {}
for module in sorted(Path(check.__file__).parent.glob("lesson_*.py")):
    EXERCISES |= importlib.import_module(f"ganlab.check.{module.stem}").EXERCISES

RIGHT = [(number, k) for number, bank in ANSWERS.items() for k in range(len(bank["right"]))]
WRONG = [(number, k) for number, bank in ANSWERS.items() for k in range(len(bank["wrong"]))]


def stubs() -> dict[str, tuple[str, str, str]]:
    """Return, for each exercise in a lesson, the stub's source, the name that is checked, and the cell that does it."""
    found = {}
    for path in lessons.lessons():
        cells = lessons.code_cells(lessons.read(path))
        for cell, after in zip(cells, cells[1:], strict=False):
            if number := cell.metadata.get("ganlab", {}).get("exercise"):
                name = re.search(rf'check\.answer\("{re.escape(number)}", (\w+)\)', after.source)
                assert name, f"{path.name}: the cell after exercise {number} does not check it"
                found[number] = cell.source, name[1], after.source
    return found


STUBS = stubs()


def test_every_exercise_has_a_judge_a_stub_and_a_bank() -> None:
    assert set(EXERCISES) == set(ANSWERS)
    assert set(EXERCISES) == set(STUBS)


@pytest.mark.parametrize("number", sorted(ANSWERS))
def test_bank_is_large_enough(number: str) -> None:
    assert len(ANSWERS[number]["right"]) >= 2
    assert len(ANSWERS[number]["wrong"]) >= 8
    words = {words for _, words in ANSWERS[number]["wrong"]}
    assert len(words) >= 4 and "" not in words  # four different slips, and each is named


@pytest.mark.parametrize("number", sorted(STUBS))
def test_stub_of_the_lesson_says_not_attempted(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    source, name, _ = STUBS[number]
    namespace = {"torch": torch, "np": np}
    exec(source, namespace)
    check.answer(number, namespace[name])
    assert capsys.readouterr().out == f"Exercise {number}: not attempted. Replace the ... and run both cells again.\n"


@pytest.mark.parametrize("number", sorted(EXERCISES))
def test_reference_passes(number: str) -> None:
    verdict = check.judge(EXERCISES[number], EXERCISES[number].reference)
    assert verdict.status == "correct"
    assert verdict.message == "Your numbers are those of the reference, to the last digit."


@pytest.mark.parametrize("number", sorted(EXERCISES))
def test_every_slip_gets_its_own_hint(number: str) -> None:
    # A slip whose numbers equal another's, or the reference's, would never be named.
    for slip in EXERCISES[number].slips:
        verdict = check.judge(EXERCISES[number], slip.answer)
        assert verdict.status == "not yet"
        assert verdict.message.endswith(f"Hint: {slip.hint}")


def test_every_hint_begins_with_a_capital_letter_a_digit_or_code() -> None:
    hints = [slip.hint for exercise in EXERCISES.values() for slip in exercise.slips]
    hints += [hint for _, hint in errors.EXPLAINED]
    for path in Path(check.__file__).parent.glob("*.py"):  # hints in errors' texts; what is filled in stands above
        hints += re.findall(r"Hint: (?!\.\.\.|\{hint\}|\{slip|\{error)([^\"]+)", path.read_text(encoding="utf-8"))
    assert len(hints) > 1500
    assert [hint for hint in hints if not re.match("[A-Z0-9`]", hint)] == []


@pytest.mark.parametrize(("number", "k"), RIGHT)
def test_right_answer_passes(number: str, k: int) -> None:
    verdict = check.judge(EXERCISES[number], ANSWERS[number]["right"][k])
    assert verdict.status == "correct", verdict.message


@pytest.mark.parametrize(("number", "k"), WRONG)
def test_wrong_answer_gets_a_hint_that_names_the_slip(number: str, k: int) -> None:
    given, words = ANSWERS[number]["wrong"][k]
    verdict = check.judge(EXERCISES[number], given)
    assert verdict.status in ("almost", "not yet")
    assert words in verdict.message.partition("Hint: ")[2], verdict.message


@pytest.mark.parametrize(
    ("number", "given", "words"),
    [
        ("01.1", lambda p, q, pi: p / (p + q) + pi * (q == 0.25), "D* at pi = 0.5 where p_data = 0.05 and p_g = 0.25:"),
        ("01.2", lambda a: (-a.sigmoid(), a.sigmoid() - 1 + (a == 4)), "slope of -log D at logit 4: yours 0.98"),
        ("01.2", lambda a: (-a.sigmoid().sum(), a.sigmoid() - 1), "log(1 - D): shape (), expected (5,)."),
        (
            "01.2",
            lambda a: -a.sigmoid(),
            "You returned one tensor of shape (5,). Return two things, separated by",
        ),
        ("01c.1", lambda real, fake: real.mean(), "separated by a comma: the estimate and its standard error."),
        ("05.1", lambda s, h: [1.0], "You returned one thing. Return four things, separated by commas: x, y, x_before"),
        ("07b.2", lambda v, b, s: "no number", "You returned one thing, of type str. Return two things"),
        ("06b.3", lambda a, b: (a - b).mean(), "Expected two things, separated by a comma: the lower end"),
        ("08d.1", lambda p, kl, free: torch.max(free, kl.mean(0)).sum() - p.mean(), "Use values.clamp(min=free)"),
        ("08d.2", lambda log_p, x, z: log_p(x, z).mean(), "Return two things, separated by a comma: the mean and its"),
    ],
)
def test_verdict_names_the_place_or_the_shape(number: str, given, words: str) -> None:
    assert words in check.judge(EXERCISES[number], given).message


def given_by(number: str) -> list:
    """Return what the reference of an exercise returns, one entry a call; none where the answer is no function."""
    exercise, results = EXERCISES[number], []

    def spy(*args, **kwargs):
        results.append(exercise.reference(*args, **kwargs))
        return results[-1]

    if callable(exercise.reference):
        exercise.probe(spy)
    return results


@pytest.mark.parametrize("number", sorted(EXERCISES))
def test_an_answer_of_another_number_of_things_is_told_how_many_are_expected_and_which(number: str) -> None:
    results = given_by(number)
    if not results or not isinstance(results[0], tuple):
        return
    count = len(results[0])
    for wrong in (1.5, torch.tensor(1.5), [], results[0][:-1], (*results[0], 1.0), results[0] * 2):
        verdict = check.judge(EXERCISES[number], lambda *_, wrong=wrong: wrong)
        assert verdict.status == "not yet" and "stopped with" not in verdict.message
        what = rf"(Return|Expected) {parts.COUNTS[count]} things, separated by (a comma|commas): .+ and .+\."
        assert re.search(what, verdict.message), verdict.message


# The engine, on an exercise small enough to know every number: return x squared at -1, 2 and 3.


def squares(function) -> dict:
    return {"squares": function(torch.tensor([-1.0, 2.0, 3.0]))}


SQUARE = Exercise(squares, lambda x: x**2, (Slip(lambda x: x**3, "that is the cube."),))


def message(given, status: str = "not yet") -> str:
    verdict = check.judge(SQUARE, given)
    assert verdict.status == status, verdict
    return verdict.message


def test_judge_reports_the_largest_difference() -> None:
    assert message(lambda x: x**2 + torch.tensor([0.0, 0.0, 2e-5]), "correct").endswith("reference: 2.0e-05.")
    assert "yours 9.001, expected 9" in message(lambda x: x**2 + torch.tensor([0.0, 1e-6, 1e-3]))


def test_judge_shows_a_whole_number_in_full() -> None:
    count = Exercise(lambda f: {"weights": f()}, lambda: 3145728, ())
    assert check.judge(count, lambda: 1234567.25).message.startswith("weights: yours 1.23457e+06, expected 3145728.")
    assert check.judge(count, lambda: math.inf).message.startswith("weights: yours inf, expected 3145728.")


def test_judge_takes_lists_arrays_and_gradients() -> None:
    for given in (lambda x: [1.0, 4.0, 9.0], lambda x: x.numpy() ** 2, lambda x: x.requires_grad_() ** 2):
        message(given, "correct")


def test_judge_names_the_slip_and_only_where_it_is_true() -> None:
    assert message(lambda x: x * x * x).endswith("Hint: that is the cube.")
    assert "cube" not in message(lambda x: x**3 + 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda x: -(x**2), "-1 times"),
        (lambda x: x**2 / 3, "0.3333 times"),
        (lambda x: x**2 + 7, "off by 7"),
        (lambda x: torch.log(x - 2), "not finite"),
        (lambda x: x**2 * math.nan, "not finite"),
        (lambda x: x / (x - 2), "a division by 0"),
    ],
)
def test_judge_knows_general_slips(given, words: str) -> None:
    assert words in message(given).partition("Hint: ")[2]


def test_the_reference_and_the_slips_are_computed_once_however_many_answers_are_judged() -> None:
    computed = []

    def squares_and_counts(function):
        computed.append(function)
        return squares(function)

    exercise = Exercise(squares_and_counts, lambda x: x**2, (Slip(lambda x: x**3, "that is the cube."),))
    verdicts = [check.judge(exercise, lambda x: x**4) for _ in range(3)]
    assert verdicts == verdicts[:1] * 3 and len(computed) == 3 + 2
    assert check.judge(exercise, lambda x: x**3).message.endswith("Hint: that is the cube.")
    assert check.judge(exercise, lambda x: x * x).status == "correct" and len(computed) == 5 + 2


def test_a_choice_of_settings_gets_no_hint_about_a_factor() -> None:
    exercise = Exercise(lambda sides: {"the sides": torch.tensor(sides)}, (7.0, 14.0, 28.0), ())
    assert check.judge(exercise, (2.0, 4.0, 8.0)).message == "the sides: yours 8, expected 28."
    assert check.judge(exercise, (8.0, 15.0, 29.0)).message.startswith("the sides: yours 8, expected 7")


def test_judge_does_not_guess_a_hint() -> None:
    assert "Hint" not in message(lambda x: torch.tensor([5.0, -1.0, 0.5]))


def test_a_factor_that_fits_two_numbers_by_chance_is_no_hint() -> None:
    exercise = Exercise(lambda f: {"two": torch.tensor(f())}, lambda: (0.62073, 1.44816), (), tolerance=6e-4)
    assert "Hint" not in check.judge(exercise, lambda: (0.6, 1.4)).message  # rounded: 0.96660 and 0.96674 times
    assert "Hint" not in check.judge(exercise, lambda: (0.52, 1.347)).message  # off by 0.10073 and 0.10116
    assert "2 times the reference" in check.judge(exercise, lambda: (2 * 0.62073, 2 * 1.44816)).message


def test_judge_reports_a_wrong_shape() -> None:
    assert "shape (), expected (3,)" in message(lambda x: (x**2).sum())


@pytest.mark.parametrize(
    ("number", "given", "begins"),
    [
        ("10.1", lambda p, q, w: (p * (p / q).log()).sum(), "the value is nan. Hint: You took a log of 0"),
        ("10.1", lambda p, q, w: torch.tensor(math.inf), "the value is infinite. Hint: You divided by"),
        ("10.2", lambda x, y: torch.tensor(math.nan), "the distance is nan. Hint: "),
        ("10d.1", lambda norm, linear: (linear.weight, None), "one of the two is None. Hint: "),
        ("07.2", lambda D, L, sigma: None, "your function returned None: is its `return` missing?"),
    ],
)
def test_code_that_ran_to_its_end_is_not_said_to_have_stopped(number: str, given, begins: str) -> None:
    assert check.judge(EXERCISES[number], given).message.startswith(begins)


def test_judge_tells_the_learner_what_the_code_raised() -> None:
    assert message(lambda x: x @ torch.ones(7)).startswith("Your code stopped with RuntimeError: ")
    assert "(in the line: return len(x) / 0)" in message(divides)
    told = message("not a function")
    assert told.startswith("Your code stopped with TypeError: ") and "its name, without brackets after it" in told


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda x: x[:, None] + torch.ones(2, 5), "entry by entry"),
        (lambda x: x.clone().__setitem__(x > 0, x[:1].repeat(4)), "not as many values as places"),
        (lambda x: x.numpy().copy().__setitem__([0, 1], np.ones(3)), "not as many values as places"),
        (lambda x: x.numpy().copy().__setitem__(x.numpy() > 0, np.ones(4)), "not as many values as places"),
        (lambda x: (x > 0).mean(), "mean of whole numbers or of True and False"),
        (lambda x: x[None] @ torch.ones(7, 2), "inner sizes differ"),
        (lambda x: torch.ones(3, 2) @ x[:2, None].T, "inner sizes differ"),
        (lambda x: x.sum().backward(), "the path to what it is taken by is cut"),
        (lambda x: torch.autograd.grad(torch.ones(2, requires_grad=True).sum(), watched(x)), "is cut"),
        (lambda x: torch.autograd.grad(watched(x).sum(), x), "requires_grad_() on it"),
        (lambda x: twice(watched(x)), "create_graph=True"),
        (lambda x: watched(x).square().backward(), "sum() or mean()"),
        (lambda x: x.sort() - x, ".values"),
        (lambda x: torch.sqrt(x.topk(2)), ".values"),
        (lambda x: list(x.sum()), "where several are taken apart"),
        (lambda x: x.softmax(1), "Write dim=0"),
        (lambda x: x.sum().item() / (2 // len(x)), "Print what you divide by"),
        (lambda x: 5 % (2 // len(x)), "Print what you divide by"),
        (lambda x: x.topk(4), "more entries than a row has"),
        (lambda x: x.kthvalue(4), "more entries than a row has"),
        (lambda x: watched(x).numpy(), "Call detach()"),
        (lambda x: x.sum().item().backward(), "treated a plain number as a tensor"),
        (lambda x: x.numpy() + np.ones(5), "entry by entry"),
        (lambda x: torch.conv2d(torch.ones(2, 2, 3, 4), torch.ones(2, 2, 3, 2).T), "all of them round"),
        (lambda x: x.reshape(2, 2), "another number of entries"),
        (lambda x: torch.bincount(x.double()), "x.long() makes whole numbers"),
        (lambda x: x[x], "x.long() makes whole numbers"),
        (lambda x: x[None].topk(2)[:, -1], ".values or .indices"),
        (lambda x: x.numpy().sort() - x, "np.sort(x)"),
        (lambda x: x.grad * 2, "until backward()"),
        (lambda x: 0.2 * (1.0, 2.0), "a, b = pair"),
        (lambda x: (1.0, 2.0) - x.mean().item(), "a, b = pair"),
        (lambda x: x.tolist().argmin(), "none of a tensor's methods"),
        (lambda x: x.item(), "several numbers where one is expected"),
        (lambda x: math.exp(x), "several numbers where one is expected"),
        (lambda x: float(x.numpy()), "several numbers where one is expected"),
        (lambda x: x if x > 0 else -x, "many truth values as one"),
        (lambda x: -(x > 0), "into 1 and 0"),
        (lambda x: (x > 0).argmax(), "argmax or argmin of True and False"),
        (lambda x: x.double() @ x, "float32 numbers with float64"),
        (lambda x: x[3], "the indices are 0 to n - 1"),
        (lambda x: x[:, 0], "more indices than there are dimensions"),
        (lambda x: x.sum()[0], "more indices than there are dimensions"),
        (lambda x: torch.cat([x, x[None]]), "torch.stack joins equal shapes"),
        (lambda x: torch.stack([1.0, 2.0]), "torch.tensor(n)"),
        (lambda x: torch.exp([1.0]), "torch.tensor(values)"),
        (lambda x: x(2), "Is a * missing"),
        (lambda x: x.detach().requires_grad_().add_(1), "x.clone()"),
        (lambda x: [a for a, b in [x]], "than you gave names"),
        (lambda x: stepped_before_backward(watched(x)), "Compute it anew after the change"),
        (lambda x: torch.nn.functional.binary_cross_entropy(x + 5, x.sigmoid()), "outside [0, 1]"),
    ],
)
def test_judge_explains_the_errors_of_torch_that_learners_meet(given, words: str) -> None:
    told = message(given)
    assert told.startswith("Your code stopped with ") and words in told.partition("Hint: ")[2], told


def test_judge_says_what_an_answer_is_given_when_it_uses_another_name() -> None:
    namespace = {"torch": torch}
    exec("def f(x, y=1):\n    return softplus(x)\n\n\ndef g(x, y=1):\n    return d_optimizer(x)", namespace)
    exec("def h(x):\n    return sigmoid(x)", namespace)
    by_torch = check.judge(SQUARE, namespace["h"], setup=check.SETUP).message  # whether or not the setup cell has run
    assert by_torch.endswith("Hint: You used sigmoid by its bare name. It is torch.sigmoid.")
    assert message(namespace["f"]).endswith(
        "Hint: You used softplus by its bare name. It is torch.nn.functional.softplus."
    )
    assert message(namespace["g"]).endswith("a name that your function does not know. It is given x, y.")


def test_judge_says_that_a_module_is_not_imported_whether_or_not_the_setup_cell_has_run() -> None:
    namespace = {}
    exec("def f(x):\n    return itertools.permutations(x)", namespace)
    for setup in (frozenset(), check.SETUP):
        told = check.judge(SQUARE, namespace["f"], setup=setup).message
        assert told.endswith(
            "Hint: You used itertools without importing it. Write `import itertools` above your function."
        )


def test_a_slip_may_break_some_numbers_where_others_name_it() -> None:
    def probe(function):
        return {"logs": function(torch.tensor([1.0, -1.0]))}

    exercise = Exercise(probe, lambda x: x, (Slip(lambda x: 3 + x.log(), "you took a log."),))
    assert check.judge(exercise, lambda x: 3 + torch.log(x)).message.endswith("Hint: you took a log.")
    assert "you took a log" not in check.judge(exercise, lambda x: 4 + torch.log(x)).message
    assert check.judge(exercise, lambda x: x * math.nan).status == "not yet"


def watched(x):
    return x.clone().requires_grad_()


def stepped_before_backward(x):
    y = x.exp().square()
    with torch.no_grad():
        x.mul_(2)
    z = x.square().sum()
    with torch.no_grad():
        x.mul_(2)
    (y.sum() + z).backward()


def twice(x):
    y = x.square().sum()
    y.backward()
    y.backward()


def divides(x):
    return len(x) / 0


def not_implemented(x):
    raise NotImplementedError


@pytest.mark.parametrize("given", [..., lambda x: ..., not_implemented])
def test_judge_sees_an_untouched_stub(given) -> None:
    message(given, "not attempted")


def test_an_error_of_torchs_own_is_no_untouched_stub() -> None:
    counted = Exercise(lambda f: {"it": f(torch.arange(3) > 0)}, lambda x: x.sum(), ())
    verdict = check.judge(counted, lambda x: torch.bincount(x).sum())  # not implemented for booleans, says torch
    assert verdict.status == "not yet" and "NotImplementedError" in verdict.message


def test_judge_says_when_a_return_or_only_the_shape_is_missing() -> None:
    exercise = Exercise(lambda f: {"y": f(torch.arange(4.0))}, lambda x: x.reshape(2, 2), ())
    assert "`return` missing" in check.judge(exercise, lambda x: None).message
    verdict = check.judge(exercise, lambda x: x)
    assert verdict.status == "almost"
    assert verdict.message == "y: shape (4,), expected (2, 2). Hint: The numbers are right, their shape is not."


@pytest.mark.parametrize(("off_by", "status"), [(1.01, "almost"), (1.019, "almost"), (1.03, "not yet")])
def test_judge_says_almost_where_every_number_is_nearly_right(off_by: float, status: str) -> None:
    exercise = Exercise(lambda f: {"y": f(torch.tensor([0.3, -7.1, 40.0]))}, lambda x: 2 * x, ())
    verdict = check.judge(exercise, lambda x: 2 * off_by * x)
    assert verdict.status == status
    assert ("You come within" in verdict.message) == (status == "almost")
    counts = Exercise(lambda f: {"kinds": f()}, lambda: 100, ())
    assert check.judge(counts, lambda: 100 * off_by).status == "not yet"  # a count is right or wrong


def test_judge_tells_who_has_not_run_the_setup_cell() -> None:
    namespace = {}
    exec("def f(x):\n    return np.asarray(x) ** 2\n\n\ndef g(x):\n    return F.relu(x)", namespace)
    before = "Run the setup cell first, near the top of the lesson, then the cells that your code builds on: "
    for name, missing in (("f", "np"), ("g", "F")):
        verdict = check.judge(SQUARE, namespace[name], setup=check.SETUP)
        assert (verdict.status, verdict.message) == ("not yet", f"{before}`{missing}` is not defined.")
        plain = f"Your code stopped with NameError: name '{missing}' is not defined"
        assert check.judge(SQUARE, namespace[name]).message.startswith(
            plain
        )  # an assignment has a setup cell of its own
    namespace |= dict.fromkeys(check.SETUP)
    namespace["np"] = np
    assert check.judge(SQUARE, namespace["f"], setup=check.SETUP).status == "correct"
    assert "NameError: name 'F'" in check.judge(SQUARE, namespace["g"], setup=check.SETUP).message


def test_judge_says_which_number_is_missing() -> None:
    exercise = Exercise(lambda f: f(), lambda: {"one": 1.0, "two": 2.0}, (Slip(lambda: {"one": 3.0, "two": 2.0}, "x"),))
    assert "two: there is no such number" in check.judge(exercise, lambda: {"one": 1.0}).message


def test_judge_compares_infinities() -> None:
    exercise = Exercise(lambda f: {"logs": f(torch.tensor([0.0, 1.0]))}, torch.log, ())
    assert check.judge(exercise, lambda x: x.log()).status == "correct"
    assert check.judge(exercise, lambda x: -x.log()).status == "not yet"
    assert check.judge(exercise, lambda x: x.log().nan_to_num(neginf=-1e30)).status == "not yet"


def test_judge_cannot_be_talked_over_by_replacing_allclose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "allclose", lambda *_, **__: True)
    assert "yours 3, expected 9" in message(lambda x: x)


@pytest.mark.parametrize(("number", "words"), [("77.1", "lesson '77' has no exercises"), ("01.9", "01.1, 01.2")])
def test_answer_rejects_a_number_that_does_not_exist(number: str, words: str) -> None:
    with pytest.raises(ValueError, match="number: got") as error:
        check.answer(number, ...)
    assert words in str(error.value)


def test_an_exercise_of_a_lesson_with_a_letter_is_looked_for_in_its_own_module(monkeypatch) -> None:
    exercises = {"77b.1": Exercise(lambda given: {"it": given}, 2.0, ())}
    monkeypatch.setitem(sys.modules, "ganlab.check.lesson_77b", types.SimpleNamespace(EXERCISES=exercises))
    assert check.find("77b.1") is exercises["77b.1"]
    with pytest.raises(ValueError, match="expected one of 77b.1"):
        check.find("77b.2")
    with pytest.raises(ValueError, match="lesson '77c' has no exercises"):
        check.find("77c.1")


# How a verdict is shown.


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, such as "#1b1b1b", by WCAG 2.2: 1 for the same, 21 for black on white."""

    def luminance(colour: str) -> float:
        channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("status", ["correct", "almost", "not yet", "not attempted", "switched off"])
def test_a_card_says_by_words_and_a_symbol_what_its_colour_says(status: str) -> None:
    card = cards.Card("Exercise 01.1", status, "p < q & so on.\nA second line.")
    assert str(card) == repr(card) == f"Exercise 01.1: {status}. p < q & so on.\nA second line."
    symbol, ground, edge = cards.STYLES[status]
    shown = card._repr_html_()
    assert html.unescape(re.sub(r"<[^>]+>", "", shown)) == f"{symbol} {card}"
    assert shown.startswith('<div role="status" ') and f"background: {ground}; color: {cards.INK};" in shown
    assert f">{symbol}</span>" in shown and 'aria-hidden="true"' in shown
    assert contrast(cards.INK, ground) >= 4.5 and contrast(edge, ground) >= 4.5


def test_a_name_on_a_card_has_the_cards_own_colours_on_light_and_dark_pages() -> None:
    shown = cards.Card("Exercise 01.1", "not yet", "`a` is not `b`.")._repr_html_()
    assert shown.count(f'<code style="background: {cards.CHIP}; color: {cards.INK}">') == shown.count("<code") == 2
    assert contrast(cards.INK, cards.CHIP) >= 4.5


def test_no_two_cards_have_the_same_symbol_or_colour() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for same in zip(*cards.STYLES.values(), strict=True):
        assert len(set(same)) == len(cards.STYLES)


def test_an_assignment_prints_its_verdict_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    exercise = Exercise(lambda f: {"y": f(torch.arange(4.0))}, lambda x: x.reshape(2, 2), ())
    assert check.mark(exercise, lambda x: x, 3) == 0
    assert capsys.readouterr().out.startswith("0 of 3 points: almost. y: shape (4,)")  # no part of the points
    assert check.mark(exercise, lambda x: x.reshape(2, 2), 3) == 3
    assert (
        capsys.readouterr().out == "3 of 3 points: correct, as far as this test looks.\n"
    )  # it may look at the form alone


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: x.requires_grad_().square().sum(), ""),  # as many write a gradient at the inputs
        (lambda x: x.mul_(2).square().sum() / 4, "You changed the `x`"),
        (lambda x: x.clone().requires_grad_().square().sum(), ""),
    ],
)
def test_an_answer_leaves_the_values_that_it_was_given_as_they_were(answer: Callable, words: str) -> None:
    exercise = Exercise(lambda f: {"sum": f(torch.arange(3.0))}, lambda x: x.square().sum(), ())
    verdict = check.judge(exercise, answer)
    assert words in verdict.message
    assert (verdict.status == "correct") == (not words)
