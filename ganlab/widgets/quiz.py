"""A quiz: pictures one round after the other, a row of buttons to answer by, and a score with its interval."""

import html
from collections.abc import Sequence

import ipywidgets as ipw
from torch import Tensor

from ganlab import metrics
from ganlab.widgets import still
from ganlab.widgets.kit import SMALL, THUMBNAIL, Panel, Pixels, readout
from ganlab.widgets.still import Still

SHOWN = 8  # rounds in the still, at most


class Quiz(Panel):
    """Rounds (n, k, C, H, W), float in [-1, 1] or uint8: k pictures side by side, and one of `names` as the answer.

    `answers` index `names`: the right ones. `truths` are sentences about each round, shown once it is answered. A press
    brings the next round; the one before stays beside it. `counts` are the right answers and all answers so far.
    Raises ValueError for rounds of another shape, fewer than two names, or answers or truths that do not fit.
    """

    doing = "answer by a button, or by the arrow keys and Enter"

    def __init__(
        self,
        question: str,
        rounds: Tensor,
        answers: Sequence[int],
        names: Sequence[str],
        *,
        truths: Sequence[str] = (),
    ) -> None:
        if rounds.ndim != 5 or min(rounds.shape) < 1:
            raise ValueError(f"rounds: got shape {tuple(rounds.shape)}, expected (n, k, C, H, W) with n, k >= 1")
        if len(names) < 2:
            raise ValueError(f"names: got {len(names)}, expected two or more")
        if len(answers) != len(rounds) or not all(answer in range(len(names)) for answer in answers):
            raise ValueError(f"answers: got {list(answers)}, expected {len(rounds)} indices into {list(names)}")
        if truths and len(truths) != len(rounds):
            raise ValueError(f"truths: got {len(truths)}, expected {len(rounds)} sentences, or none")
        self.question = question
        self.rounds = rounds
        self.answers = [int(answer) for answer in answers]
        self.names = list(names)
        self.truths = list(truths)
        self.counts = 0, 0
        width = rounds.shape[1]
        self.picture = Pixels(rounds[0], SMALL, width, alt=f"The picture to judge. {question}")
        self.before = Pixels(rounds[0] * 0, THUMBNAIL, width, alt="The picture of the round before.")
        self.buttons = [ipw.Button(description=name) for name in names]
        for index, button in enumerate(self.buttons):
            button.on_click(lambda _, index=index: self._answer(index))
        self.readout = readout()
        row = ipw.HBox(self.buttons).add_class("ganlab-group")
        pictures = ipw.HBox([self.picture, self.before], layout={"flex_flow": "row wrap", "align_items": "flex-end"})
        super().__init__([ipw.HTML(html.escape(question)), pictures, row, self.readout])
        self._say()

    def _answer(self, index: int) -> None:
        count, n = self.counts
        if n == len(self.rounds):
            return
        self.counts = count + (index == self.answers[n]), n + 1
        self.before.show(self.rounds[n])
        if n + 1 < len(self.rounds):
            self.picture.show(self.rounds[n + 1])
        else:
            for button in self.buttons:
                button.disabled = True
        self._say(index)

    def _say(self, given: int | None = None) -> None:
        """Write what came of the last round, and the score."""
        count, n = self.counts
        if given is None:
            lines = [f"{len(self.rounds)} rounds. The round before will be shown beside the present one."]
        else:
            answer = self.answers[n - 1]
            truth = self.truths[n - 1] if self.truths else ""
            low, high = metrics.proportion_interval(count, n)
            verdict = "right" if given == answer else f"it was {self.names[answer]}"
            lines = [
                f"Round {n} of {len(self.rounds)}: you said {self.names[given]}; {verdict}. {truth}",
                f"{count} of {n} right; 95% interval {low:.0%} to {high:.0%}; guessing gets {1 / len(self.names):.0%}",
            ]
        self.readout.value = "<br>".join(html.escape(line.strip()) for line in lines)

    def still(self) -> Still:
        """Return the first rounds, one above the other or in a row, and below them their answers."""
        first = self.rounds[:SHOWN]
        columns = first.shape[1] if first.shape[1] > 1 else len(first)
        alt = f"The first {len(first)} rounds of the quiz. {self.question}"
        shot = Pixels(first.flatten(0, 1), SMALL // 2, columns, alt=alt).shot()
        answers = [f"{k} {self.names[answer]}" for k, answer in enumerate(self.answers[:SHOWN], 1)]
        shown = f"The pictures are its first {len(first)} rounds. {self.question} The answers: {', '.join(answers)}."
        return Still(shot.html(), f"{still.invitation(self.doing)} {shown}", still.OF_WIDGET)
