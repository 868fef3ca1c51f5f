"""Worked solutions: each passes its own exercise, reads as the lesson's stub does, and is shown after an attempt."""

import importlib
import re
from pathlib import Path

import lessons
import pytest
from IPython.core.formatters import DisplayFormatter
from test_check import EXERCISES, STUBS
from test_lesson_style import COLUMNS, SETUP

from ganlab import check
from ganlab.check import solutions

MODULES = sorted(Path(solutions.__file__).parent.glob("lesson_*.py"))
SOLUTIONS = {}
for module in MODULES:
    SOLUTIONS |= importlib.import_module(f"ganlab.check.solutions.{module.stem}").SOLUTIONS

each_solution = pytest.mark.parametrize("number", sorted(SOLUTIONS))


@pytest.fixture(autouse=True)
def a_fresh_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_attempted", set())
    monkeypatch.delenv("GANLAB_SOLUTIONS", raising=False)


@pytest.fixture(scope="module")
def setup() -> dict:
    """Return what a lesson's setup cell gives, and nothing else: a solution is pasted by who has run no other cell."""
    given = {"speed": "smoke", "seed": 0, "device": "cpu"}
    exec(SETUP, given)
    return given


def test_every_exercise_has_a_solution() -> None:
    assert set(SOLUTIONS) == set(EXERCISES)


@each_solution
def test_a_solution_pasted_over_the_stub_passes_its_exercise(number: str, setup: dict) -> None:
    given = dict(setup)
    exec(solutions.worked(number).code, given)
    verdict = check.judge(EXERCISES[number], given[STUBS[number][1]])
    assert verdict.status == "correct", verdict.message


@each_solution
def test_an_exercise_tried_before_the_setup_cell_says_so(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    given, code = {}, solutions.worked(number).code
    exec(code, given)
    exec(STUBS[number][2], given)  # the cell that checks
    needed = "|".join(name for name in sorted(check.SETUP) if re.search(rf"\b{name}\.\w", code))
    expected = rf"not yet\. Run the setup cell first, .*: `({needed})` is not defined" if needed else r"correct\."
    assert re.match(f"Exercise {number}: {expected}", capsys.readouterr().out)


def test_the_names_that_a_setup_cell_gives_are_known(setup: dict) -> None:
    assert set(setup) - {"__builtins__", "speed", "seed", "device"} == set(check.SETUP)


@each_solution
def test_a_solution_begins_as_the_stub_does_and_is_narrow(number: str) -> None:
    code, stub = solutions.worked(number).code, STUBS[number][0]
    head = re.match(r'def .*?\n    """.*?"""\n', stub, re.DOTALL)  # of a function: its line and its docstring
    assert (head or re.search(r"^\w+ = ", stub, re.MULTILINE))[0] in code
    assert not [line for line in code.splitlines() if len(line) > COLUMNS]


@each_solution
def test_a_solution_has_reasoning_and_a_slip_in_sentences(number: str) -> None:
    shown = solutions.worked(number)
    assert len(shown.why.split()) >= 40 and len(shown.slip.split()) >= 8
    assert shown.why.endswith((".", ")")) and shown.slip.endswith(".")
    assert (shown.why + shown.slip).count("$") % 2 == 0  # formulas are closed
    assert "    " not in re.sub(r"^ +", "", shown.why, flags=re.MULTILINE)


def test_the_equations_that_solutions_name_exist() -> None:
    texts = [cell.source for path in lessons.lessons() for cell in lessons.read(path).cells]
    tags = {number for text in texts for number in re.findall(r"\\tag\{([\d.]+)\}", text)}
    named = {
        number for one in SOLUTIONS.values() for number in re.findall(r"(?<!\w)\((\d+\.\d+)\)", one.why + one.slip)
    }
    assert len(named) > 5 and named <= tags


def test_a_solution_is_shown_after_an_attempt_only(capsys: pytest.CaptureFixture[str]) -> None:
    source, name, _ = STUBS["01.1"]
    stub = {}
    exec(source, stub)
    check.answer("01.1", stub[name])
    for number in ("01.1", "01.2"):
        check.solution(number)
    said = capsys.readouterr().out.splitlines()
    first = "not attempted. Try it first. After its check has judged an answer of yours, the solution is here."
    assert said[1:] == [f"Exercise 01.1: {first}", f"Exercise 01.2: {first}"]
    check.answer("01.1", lambda p, q, pi: p)
    check.solution("01.1")
    check.solution("01.2")
    said = capsys.readouterr().out
    assert said.startswith("Exercise 01.1: not yet.") and "return real / (real + fake)" in said
    assert said.rstrip().endswith("the solution is here.") and "sigmoid" not in said


@pytest.mark.parametrize("given", [lambda p, q, pi: pi * p / (pi * p + (1 - pi) * q), lambda p, q, pi: 1 / 0])
def test_right_answers_and_code_that_stops_are_attempts(given, capsys: pytest.CaptureFixture[str]) -> None:
    check.answer("01.1", given)
    check.solution("01.1")
    assert "**Exercise 01.1, worked**" in capsys.readouterr().out


def test_a_teacher_switches_solutions_off(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    check.answer("00.1", lambda pixels: pixels)
    capsys.readouterr()
    monkeypatch.setenv("GANLAB_SOLUTIONS", "off")
    check.solution("00.1")
    assert capsys.readouterr().out == "Solutions: switched off. The environment variable GANLAB_SOLUTIONS is off.\n"
    monkeypatch.setenv("GANLAB_SOLUTIONS", "no")
    with pytest.raises(ValueError, match="GANLAB_SOLUTIONS: got 'no', expected 'on' or 'off'"):
        check.solution("00.1")
    monkeypatch.setenv("GANLAB_SOLUTIONS", "on")
    check.solution("00.1")
    assert "127.5" in capsys.readouterr().out


@pytest.mark.parametrize(("number", "words"), [("77.1", "lesson '77' has no exercises"), ("01.9", "01.1, 01.2")])
def test_a_number_that_does_not_exist_is_refused(number: str, words: str) -> None:
    with pytest.raises(ValueError, match="number: got") as error:
        check.solution(number)
    assert words in str(error.value)


def test_in_a_notebook_a_solution_is_markdown_with_its_code_fenced() -> None:
    shown, _ = DisplayFormatter().format(solutions.worked("04b.2"))
    assert shown["text/markdown"] == shown["text/plain"] == str(solutions.worked("04b.2"))
    assert re.search(r"\n\n```python\ndef hellinger\(\):\n.*\n```\n\n", shown["text/markdown"], re.DOTALL)


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda path: path.stem)
def test_a_lesson_says_once_where_its_solutions_are(lesson: Path) -> None:
    notebook = lessons.read(lesson)
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert re.findall(r'`check\.solution\("([^"]+)"\)`', text) == [f"{lessons.number(lesson)}.1"]
