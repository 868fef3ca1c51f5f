"""The blind test: what it shows, in which order, and what it counts."""

import pytest
import torch

from ganlab import widgets
from ganlab.data import pixels


def picture(value: float) -> torch.Tensor:
    return torch.full((1, 3, 8, 8), value)


def questions(n: int = 12) -> list:
    """Return questions against two rivals in turn; the first name's picture is lighter than the other."""
    return [(picture(-1), {"recipe": picture(0.9), ("dots", "grain")[k % 2]: picture(-0.5)}) for k in range(n)]


def lighter(test: widgets.BlindTest) -> str:
    """Return the side whose picture is lighter, which is the recipe's."""
    return max(test.sides, key=lambda side: sum(test.sides[side].value))


def test_it_counts_choices_against_each_rival_and_tells_them_at_the_end_only():
    test = widgets.BlindTest(questions(), seed=1)
    places = []
    for k in range(12):
        assert f"Question {k + 1} of 12" in test.readout.value and "recipe" not in test.readout.value
        side = lighter(test)
        places.append(side)
        asked_against = next(name for name in test.questions[k][1] if name != "recipe")
        other = {"left": "right", "right": "left"}[side]
        test.choose(side if asked_against == "dots" else other)
    assert test.counts == {"dots": (6, 6), "grain": (0, 6)}
    assert "dots: 6 of 6" in test.readout.value and "grain: 0 of 6" in test.readout.value
    assert set(places) == {"left", "right"}  # it does not always stand on one side
    assert all(button.disabled for button in test.buttons.values())
    test.choose("left")
    assert len(test.answers) == 12
    test.begin()
    assert test.answers == [] and "Question 1 of 12" in test.readout.value and not test.buttons["left"].disabled


def test_buttons_choose_and_the_order_depends_on_the_seed():
    test = widgets.BlindTest(questions(), seed=1)
    side = lighter(test)
    test.buttons[side].click()
    assert test.answers == ["recipe"]
    orders = {tuple(str(list(q[1])) for q in widgets.BlindTest(questions(), seed=k).questions) for k in range(4)}
    assert len(orders) > 1
    assert test.reference.value == pixels.tile(picture(-1), 1).tobytes()
    assert "ganlab-widget" in test._dom_classes


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [(picture(0), {"one": picture(0)})],
        [(picture(0), {"one": picture(0), "two": torch.zeros(1, 3, 4, 4)})],
        [(torch.zeros(2, 3, 8, 8), {"one": torch.zeros(2, 3, 8, 8), "two": torch.zeros(2, 3, 8, 8)})],
    ],
)
def test_questions_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="questions: got"):
        widgets.BlindTest(wrong)
