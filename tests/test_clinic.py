"""The bug clinic: its widget, its night shift, and the chart of lesson 15, executed on every loop of the lesson."""

import ast
from typing import Any

import lessons
import pytest
from matplotlib.figure import Figure
from test_lesson_style import SETUP

from ganlab import widgets
from ganlab.check import lesson_15b, lesson_15c, lesson_15d
from ganlab.check.lesson_15 import FAULTS, night_shift
from ganlab.widgets import still

# The chart


def definitions(number: str) -> dict[str, Any]:
    """Return the functions of a lesson, and what its code names in capitals, without running its trainings."""
    (path,) = [path for path in lessons.lessons() if lessons.number(path) == number]
    given = {"speed": "smoke", "seed": 0, "device": "cpu"}
    exec(SETUP, given)
    for cell in lessons.code_cells(lessons.read(path)):
        for node in ast.parse(cell.source).body:
            named = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            constant = named and (
                node.targets[0].id.isupper() or node.targets[0].id in ("ring", "classifier", "images")
            )
            constant = constant or isinstance(node, ast.Assign) and "data.load" in ast.unparse(node)
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom) or constant:
                exec(compile(ast.Module([node], []), path.name, "exec"), given)
    return given


@pytest.fixture(scope="module")
def games() -> dict[str, Any]:
    return definitions("15")


def loops(games: dict[str, Any]) -> dict[str, Any]:
    return {"sound": games["SOUND"]} | games["LOOPS"]


@pytest.mark.parametrize("seed", range(100, 105))  # none of the lesson's own
def test_the_chart_of_games_finds_every_fault_and_accuses_no_sound_loop(games: dict[str, Any], seed: int) -> None:
    assert {name: games["diagnose"](loop, seed) for name, loop in loops(games).items()} == {n: n for n in loops(games)}


@pytest.mark.parametrize(
    ("test", "blind", "missed"),
    [
        ("known_answer", (0.0, 50.0), {"second sigmoid", "last ReLU", "fakes labelled real", "one goal"}),
        ("who_moves", ([0.0, 1.0, 1.0, 0.0], True), {"noise as image", "sound"}),
        ("direction", (1.0, 1.0), {"detach missing, kept"}),
    ],
)
def test_the_chart_of_games_needs_each_of_its_tests(games, monkeypatch, test, blind, missed) -> None:
    monkeypatch.setitem(games, test, lambda *given: blind)
    wrong = {name for name, loop in loops(games).items() if games["diagnose"](loop, 100) != name}
    assert missed <= wrong


def test_the_lesson_and_its_judge_name_the_same_faults(games: dict[str, Any]) -> None:
    assert set(games["LOOPS"]) == set(FAULTS)


@pytest.fixture(scope="module")
def bounds() -> dict[str, Any]:
    return definitions("15b")


def test_the_chart_of_bounds_finds_every_fault_and_accuses_no_sound_loop(bounds: dict[str, Any]) -> None:
    assert bounds["diagnose"](bounds["SOUND"]) == "sound"
    assert {name: bounds["diagnose"](loop) for name, loop in bounds["LOOPS"].items()} == {n: n for n in bounds["LOOPS"]}
    assert set(bounds["LOOPS"]) == set(lesson_15b.FAULTS)


@pytest.mark.parametrize("known", ["KL 0", "KL 4", "KL 17.56", "loss 110", "log p -543.4", "z 3", "average > 0"])
def test_the_chart_of_bounds_needs_each_of_its_known_answers(bounds, monkeypatch, known: str) -> None:
    of, right = bounds["known_answers"], bounds["known_answers"](bounds["SOUND"])
    monkeypatch.setitem(bounds, "known_answers", lambda loop: of(loop) | {known: right[known]})
    assert [name for name, loop in bounds["LOOPS"].items() if bounds["diagnose"](loop) != name]


@pytest.fixture(scope="module")
def pictures() -> dict[str, Any]:
    return definitions("15c")


@pytest.mark.parametrize("seed", (100, 101))
def test_the_chart_of_pictures_finds_every_fault_and_accuses_no_sound_loop(pictures: dict[str, Any], seed: int) -> None:
    everybody = {"sound": pictures["SOUND"]} | pictures["LOOPS"]
    assert {name: pictures["diagnose"](loop, seed) for name, loop in everybody.items()} == {n: n for n in everybody}
    assert set(pictures["LOOPS"]) == set(lesson_15c.FAULTS)


@pytest.mark.parametrize(
    ("test", "blind", "missed"),
    [
        ("f_stays", 1.0, {"mirrored", "on its side"}),
        ("statistics_off", 0.0, {"statistics forgotten"}),
        ("depends_on_company", 0.0, {"training mode"}),
    ],
)
def test_the_chart_of_pictures_needs_each_of_its_tests(pictures, monkeypatch, test, blind, missed) -> None:
    monkeypatch.setitem(pictures, test, lambda *given: blind)
    diagnoses = {name: pictures["diagnose"](loop, 100) for name, loop in pictures["LOOPS"].items()}
    assert {name for name, said in diagnoses.items() if said != name} == missed


def test_the_chart_of_pictures_needs_the_largest_value_that_goes_in(pictures: dict[str, Any]) -> None:
    sound = {"scale": pictures["SOUND"]["scale"]}  # what line 1 would see if it saw nothing
    diagnoses = {name: pictures["diagnose"](loop | sound, 100) for name, loop in pictures["LOOPS"].items()}
    assert {name for name, said in diagnoses.items() if said != name} == {"never scaled", "divided by 256"}


def test_the_chart_of_pictures_needs_somebody_who_reads(pictures: dict[str, Any], monkeypatch) -> None:
    first_batch, labels = pictures["first_batch"], {}

    def remembered(loop: dict[str, Any], seed: int) -> tuple[Any, Any]:
        x, labels["of the batch"] = first_batch(loop, seed)
        return x, labels["of the batch"]

    monkeypatch.setitem(pictures, "first_batch", remembered)
    monkeypatch.setitem(pictures, "read", lambda x: labels["of the batch"])  # a reader who believes every label
    diagnoses = {name: pictures["diagnose"](loop, 100) for name, loop in pictures["LOOPS"].items()}
    assert {name for name, said in diagnoses.items() if said != name} == {"orders apart"}


@pytest.fixture(scope="module")
def batches() -> dict[str, Any]:
    return definitions("15d")


@pytest.mark.parametrize("seed", (100, 101))
def test_the_chart_of_batches_finds_every_fault_and_accuses_no_sound_loop(batches: dict[str, Any], seed: int) -> None:
    everybody = {"sound": batches["SOUND"]} | batches["LOOPS"]
    assert {name: batches["diagnose"](loop, seed) for name, loop in everybody.items()} == {n: n for n in everybody}
    assert set(batches["LOOPS"]) == set(lesson_15d.FAULTS)


@pytest.mark.parametrize(
    ("test", "blind", "missed"),
    [
        ("noise_differs", 1.0, {"seed reset"}),
        ("known_answer", (0.0, 50.0), {"log(D + eps)"}),
        ("same_fakes", 0.0, {"statistics mixed"}),
        ("overfit", [1.0, 0.0], {"signs exchanged"}),
    ],
)
def test_the_chart_of_batches_needs_each_of_its_tests(batches, monkeypatch, test, blind, missed) -> None:
    monkeypatch.setitem(batches, "overfit", lambda loop, seed, moves: [1.0, 0.0] if loop["sign"] == 1 else [1.0, 9.0])
    monkeypatch.setitem(batches, test, lambda *given: blind)
    assert {name for name, loop in batches["LOOPS"].items() if batches["diagnose"](loop, 100) != name} == missed


@pytest.mark.parametrize(("part", "missed"), [("rows", {"never batched"}), ("scale", {"from 0 to 1"})])
def test_the_chart_of_batches_needs_to_look_at_the_first_batch(batches, monkeypatch, part: str, missed: set) -> None:
    first_batch, sound = batches["first_batch"], {part: batches["SOUND"][part]}  # who does not look sees a sound part
    monkeypatch.setitem(batches, "overfit", lambda loop, seed, moves: [1.0, 0.0] if loop["sign"] == 1 else [1.0, 9.0])
    monkeypatch.setitem(batches, "first_batch", lambda loop, seed: first_batch(loop | sound, seed))
    assert {name for name, loop in batches["LOOPS"].items() if batches["diagnose"](loop, 100) != name} == missed


def test_the_night_shift_depends_on_the_seed_and_holds_every_loop_once() -> None:
    shifts = [tuple(night_shift(seed).values()) for seed in range(6)]
    assert len(set(shifts)) == 6 and all(sorted(shift) == sorted(FAULTS) for shift in shifts)
    night_shift()


# The widget


def clinic() -> tuple[widgets.Clinic, list[str]]:
    """Return a clinic of three beds and two tests, and a list of what was done."""
    done: list[str] = []

    def result(bed: str, test: str) -> str:
        done.append(f"{test} {bed}")
        return f"<{test}> of {bed}"

    figures = {bed: Figure(figsize=(1, 1)) for bed in "ABC"}
    for k, figure in enumerate(figures.values()):
        figure.subplots().plot([0, k])
    tests = {test: (cost, lambda bed, test=test: result(bed, test)) for test, cost in {"look": 0, "train": 7}.items()}
    return widgets.Clinic(figures, tests, {"A": "x", "B": "y", "C": "x"}, ["y", "x", "z"]), done


def test_a_test_is_done_when_it_is_ordered_and_paid_once_for_a_bed() -> None:
    ward, done = clinic()
    assert done == [] and ward.bill == 0
    ward.orders["train"].click()
    ward.orders["train"].click()
    assert done == ["train A"] and ward.bill == 7
    assert "&lt;train&gt; of A" in ward.readout.value and "cost 7 steps" in ward.readout.value
    ward.bed.value = "B"
    assert "train" not in ward.readout.value and "no test ordered yet" in ward.readout.value
    assert ward.order("look") == "<look> of B" and ward.order("train") == "<train> of B" and ward.bill == 14


def test_each_bed_shows_its_own_figure() -> None:
    ward, _ = clinic()
    first = ward.picture.value
    ward.visit("C")
    assert ward.bed.value == "C" and ward.picture.value != first
    assert ward.picture.figure is ward.beds["C"] and ward.picture.tooltip == "Symptoms of bed C."
    ward.bed.value = "A"
    assert ward.picture.value == first


def test_a_diagnosis_is_judged_and_can_be_mended() -> None:
    ward, _ = clinic()
    ward.name.value = "y"
    ward.button.click()
    assert "y: no, look at its tests again" in ward.readout.value and "diagnosed 0 of 3" in ward.readout.value
    ward.name.value = "x"
    ward.button.click()
    assert "x: yes, that is it" in ward.readout.value and "diagnosed 1 of 3" in ward.readout.value
    ward.visit("B")
    assert "that is it" not in ward.readout.value and "diagnosed 1 of 3" in ward.readout.value


def test_only_a_first_diagnosis_before_any_test_counts_as_early() -> None:
    ward, _ = clinic()
    ward.name.value = "x"
    ward.button.click()
    assert "diagnosed 1 of 3, 1 of them before a test" in ward.readout.value
    ward.visit("B")
    ward.order("look")
    ward.name.value = "y"
    ward.button.click()
    assert "diagnosed 2 of 3, 1 of them before a test" in ward.readout.value
    ward.visit("C")
    for said in ("z", "x"):  # right at the second attempt
        ward.name.value = said
        ward.button.click()
    assert "diagnosed 3 of 3, 1 of them before a test" in ward.readout.value


def test_the_still_shows_the_bed_and_says_what_one_would_do() -> None:
    shown = clinic()[0].still()
    assert shown.line == "A widget. Run this cell to use it: choose a bed, order tests, and commit to a diagnosis."
    assert 'alt="Symptoms of bed A."' in shown.html and "no test ordered yet" in still.text(shown.html)


def test_every_control_has_words() -> None:
    ward, _ = clinic()
    assert [button.description for button in ward.orders.values()] == ["look (0)", "train (7)"]
    assert (
        ward.name.description == "diagnosis" and ward.button.description == "Commit" and ward.bed.description == "bed"
    )
    assert "ganlab-widget" in ward._dom_classes and "ganlab-readout" in ward.readout._dom_classes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"beds": {}}, "beds: got none, expected one or more"),
        ({"tests": {}}, "tests: got none, expected one or more"),
        ({"faults": {"B": "x"}}, "faults: got beds B, expected A"),
        ({"names": ["z"]}, "names: got z, expected 'x' among them"),
    ],
)
def test_a_clinic_that_does_not_fit_together_says_so(change: dict[str, Any], words: str) -> None:
    given = {"beds": {"A": Figure()}, "tests": {"look": (0, str)}, "faults": {"A": "x"}, "names": ["x"]}
    with pytest.raises(ValueError, match=words):
        widgets.Clinic(**(given | change))


def test_unknown_beds_and_tests_are_refused() -> None:
    ward, _ = clinic()
    with pytest.raises(ValueError, match="bed: got 'D', expected one of A, B, C"):
        ward.visit("D")
    with pytest.raises(ValueError, match="name: got 'pray', expected one of look, train"):
        ward.order("pray")
