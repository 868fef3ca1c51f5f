"""A blind test: of two pictures that stand in a random order, which is nearer to a third? It counts."""

import html
from collections.abc import Mapping, Sequence

import ipywidgets as ipw
import torch
from torch import Tensor

from ganlab.runtime import seeded_generator
from ganlab.widgets.kit import LARGE, Panel, Pixels, readout

Question = tuple[Tensor, Mapping[str, Tensor]]
NOT_SAID = "The counts are shown after the last question."


class BlindTest(Panel):
    """Questions in a random order: a reference, and two pictures by name, which stand left and right by chance.

    A question is (reference, {name: picture, name: picture}), all (1, C, H, W) in [-1, 1] and of one shape. The first
    name is the one that is counted: how often it was chosen, against each other name. `choose("left")` is what the
    button does. `counts` maps each other name to (times the first was chosen, times asked). ValueError for no
    question, for another number of names, or for pictures of several shapes.
    """

    doing = "say which of two pictures is nearer to a third, without knowing what they are"

    def __init__(self, questions: Sequence[Question], *, seed: int = 0) -> None:
        questions = [(reference, dict(pictures)) for reference, pictures in questions]
        if not questions:
            raise ValueError("questions: got none, expected at least one")
        shapes = {tuple(x.shape) for reference, pictures in questions for x in (reference, *pictures.values())}
        if len(shapes) != 1 or next(iter(shapes))[0] != 1 or any(len(pictures) != 2 for _, pictures in questions):
            content = f"{sorted(len(pictures) for _, pictures in questions)} pictures, shapes {sorted(shapes)}"
            raise ValueError(f"questions: got {content}, expected 2 pictures each, all (1, C, H, W) of one shape")
        generator = seeded_generator(seed, "blind")
        self.questions = [questions[k] for k in torch.randperm(len(questions), generator=generator)]
        self.swapped = (torch.rand(len(questions), generator=generator) < 0.5).tolist()
        self.answers: list[str] = []  # the name chosen, of each question that was answered
        reference = self.questions[0][0]
        self.reference = Pixels(reference, LARGE // 2, alt="The reference of this question.")
        self.sides = {
            side: Pixels(reference, LARGE // 2, alt=f"The picture on the {side}.") for side in ("left", "right")
        }
        self.buttons = {
            side: ipw.Button(description=f"{side.capitalize()} is nearer", layout={"width": "12em"})
            for side in self.sides
        }
        for side, button in self.buttons.items():
            button.on_click(lambda _, side=side: self.choose(side))
        self.again = ipw.Button(description="Again", tooltip="Forget the answers and begin anew")
        self.again.on_click(lambda _: self.begin())
        self.readout = readout()
        cells = [ipw.VBox([self.sides[side], self.buttons[side]]) for side in self.sides]
        super().__init__([self.reference, ipw.HBox(cells, layout={"flex_flow": "row wrap"}), self.again, self.readout])
        self._paint()

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Return for each other name how often the first was chosen against it, and how often it was asked."""
        counts: dict[str, tuple[int, int]] = {}
        for (_, pictures), chosen in zip(self.questions, self.answers, strict=False):
            first, other = pictures
            times, asked = counts.get(other, (0, 0))
            counts[other] = (times + (chosen == first), asked + 1)
        return counts

    def begin(self) -> None:
        """Forget the answers, and ask the first question."""
        self.answers = []
        self._paint()

    def choose(self, side: str) -> None:
        """Take "left" or "right" as the answer to the question that is shown; after the last one nothing happens."""
        if len(self.answers) < len(self.questions):
            self.answers.append(self._names()[("left", "right").index(side)])
            self._paint()

    def _names(self) -> list[str]:
        """Return the names of the pictures of the question that is shown, from left to right."""
        k = len(self.answers)
        names = list(self.questions[k][1])
        return names[::-1] if self.swapped[k] else names

    def _paint(self) -> None:
        k, n = len(self.answers), len(self.questions)
        for button in self.buttons.values():
            button.disabled = k == n
        if k < n:
            reference, pictures = self.questions[k]
            self.reference.show(reference)
            for side, name in zip(self.sides, self._names(), strict=True):
                self.sides[side].show(pictures[name])
            self.readout.value = (
                f"Question {k + 1} of {n}: which of the two is nearer to the picture above?<br>{NOT_SAID}"
            )
            return
        first = next(iter(self.questions[0][1]))
        lines = [f"{html.escape(other)}: {times} of {asked}" for other, (times, asked) in sorted(self.counts.items())]
        self.readout.value = f"You chose {html.escape(first)} against<br>" + "<br>".join(lines)
