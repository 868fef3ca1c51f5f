"""The quiz and the threshold slider without a browser: what they show and count; and the intervals they write."""

import math
import re

import pytest
import torch
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from ganlab import metrics, widgets
from ganlab.data import pixels
from ganlab.widgets.threshold import PICTURES


def quiz(pictures: int = 1, **options: object) -> widgets.Quiz:
    rounds = torch.randint(0, 255, (3, pictures, 1, 4, 4), generator=torch.Generator().manual_seed(0)).byte()
    return widgets.Quiz("Is it <real>?", rounds, [0, 1, 1], ("real", "fake"), **options)


def test_a_press_is_counted_brings_the_next_round_and_keeps_the_one_before() -> None:
    shown = quiz(truths=("From A.", "From B.", "From C."))
    assert shown.picture.value == pixels.tile(shown.rounds[0], 1).tobytes()
    shown.buttons[0].click()
    assert shown.counts == (1, 1) and "you said real; right. From A." in shown.readout.value
    assert shown.picture.value == pixels.tile(shown.rounds[1], 1).tobytes()
    assert shown.before.value == pixels.tile(shown.rounds[0], 1).tobytes()
    shown.buttons[0].click()
    assert shown.counts == (1, 2) and "you said real; it was fake. From B." in shown.readout.value
    low, high = metrics.proportion_interval(1, 2)
    assert f"1 of 2 right; 95% interval {low:.0%} to {high:.0%}; guessing gets 50%" in shown.readout.value


def test_after_the_last_round_nothing_is_counted() -> None:
    shown = quiz()
    for _ in range(3):
        shown.buttons[1].click()
    assert shown.counts == (2, 3) and all(button.disabled for button in shown.buttons)
    shown._answer(1)
    assert shown.counts == (2, 3)


def test_pictures_of_one_round_stand_side_by_side() -> None:
    shown = quiz(2)
    assert shown.picture.value == pixels.tile(shown.rounds[0], 2).tobytes()
    shown.buttons[1].click()
    assert "you said fake; it was real." in shown.readout.value and "0 of 1 right" in shown.readout.value


def test_the_still_has_the_first_rounds_and_their_answers() -> None:
    shown = quiz()
    said = "The pictures are its first 3 rounds. Is it <real>? The answers: 1 real, 2 fake, 3 fake."
    assert shown.still().line.endswith(said)
    assert len(re.findall("<img", shown.still().html)) == 1
    assert "ganlab-group" in shown.children[2]._dom_classes and "ganlab-readout" in shown.readout._dom_classes
    assert "Is it &lt;real&gt;?" in shown.children[0].value


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"rounds": torch.zeros(3, 1, 4, 4)}, "rounds: got shape"),
        ({"names": ["real"]}, "names: got 1"),
        ({"answers": [0, 1]}, "answers: got"),
        ({"answers": [0, 1, 2]}, "answers: got"),
        ({"truths": ["A."]}, "truths: got 1"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict, words: str) -> None:
    good = {"rounds": torch.zeros(3, 1, 1, 4, 4), "answers": [0, 1, 1], "names": ["real", "fake"]}
    with pytest.raises(ValueError, match=f"^{words}"):
        widgets.Quiz("Which?", **good | wrong)


@pytest.mark.parametrize("count, n", [(0, 10), (10, 10), (7, 10), (1, 1), (530, 1000)])
def test_the_interval_of_a_proportion_is_scipys(count: int, n: int) -> None:
    theirs = binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert metrics.proportion_interval(count, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("given, words", [((1, 0), "n: "), ((3, 2), "count: got 3"), ((-1, 2), "count: got -1")])
def test_no_interval_of_what_makes_no_sense(given: tuple, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        metrics.proportion_interval(*given)


def test_the_auc_is_scikit_learns_with_ties_and_known_at_its_ends() -> None:
    scores = torch.randint(0, 9, (60,), generator=torch.Generator().manual_seed(1)).float()
    truth = [1] * 25 + [0] * 35
    assert metrics.auc(scores[:25], scores[25:]) == pytest.approx(roc_auc_score(truth, scores.numpy()), abs=1e-12)
    assert metrics.auc(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 2.0])) == 1.0
    assert metrics.auc(torch.ones(3), torch.ones(5)) == 0.5
    for wrong in (torch.ones(0), torch.ones(2, 2), torch.tensor([float("nan")])):
        with pytest.raises(ValueError, match="^positive: "):
            metrics.auc(wrong, torch.ones(2))
        with pytest.raises(ValueError, match="^negative: "):
            metrics.auc(torch.ones(2), wrong)


FAKE = torch.tensor([0.5, 1.0, 2.0, -1.0])
REAL = torch.tensor([-2.0, -1.5, 0.6, -3.0, -1.0])


def test_what_a_positive_means_is_bayes_of_the_counts() -> None:
    state = widgets.threshold_state(FAKE, REAL, 0.0, 0.01)
    assert (state.hits, state.false_alarms) == (0.75, 0.2)
    assert state.precision == pytest.approx(0.01 * 0.75 / (0.01 * 0.75 + 0.99 * 0.2))
    d, f = metrics.proportion_interval(3, 4)[0], metrics.proportion_interval(1, 5)[1]
    assert state.precision_interval[0] == pytest.approx(0.01 * d / (0.01 * d + 0.99 * f))
    assert state.precision_interval[0] < state.precision < state.precision_interval[1]
    assert math.isnan(widgets.threshold_state(FAKE, REAL, 9.0, 0.01).precision)
    with pytest.raises(ValueError, match="^base_rate: got 0"):
        widgets.threshold_state(FAKE, REAL, 0.0, 0)


def test_the_threshold_slider_moves_its_line_and_its_numbers() -> None:
    explorer = widgets.ThresholdExplorer(FAKE, REAL)
    assert "Finds 75.0% of the fakes; false alarms 20.00%" in explorer.readout.value
    before = explorer.picture.value
    explorer.threshold.value = 0.7
    assert explorer.picture.value != before and "Finds 50.0% of the fakes; false alarms 0.00%" in explorer.readout.value
    explorer.one_in.value = 100
    assert f"{PICTURES // 100:,} are fake: {PICTURES // 200:,} found, and 0 false alarms" in explorer.readout.value
    assert explorer.still().html.count("<img") == 1 and "one fake in 100" in explorer.still().html
    far = widgets.ThresholdExplorer(FAKE - 50, REAL - 50)
    assert far.threshold.max > 0 and "No score lies above the threshold." in far.readout.value
