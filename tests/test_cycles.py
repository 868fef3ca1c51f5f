"""The tool behind lesson 11b's tables: CycleGANs scored against the truth. The tables are those of the file."""

import json
import math
import re
import statistics
from pathlib import Path

import cycles
import lessons
import pytest
import torch
from torch import nn

NOTEBOOK = lessons.NOTEBOOKS / "11b_without_pairs.ipynb"


class Same(nn.Module):
    """A translator that changes nothing."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures


def test_a_copy_of_the_letters_is_scored_as_one() -> None:
    values, expected = cycles.score_letters(Same(), Same()), cycles.baselines()
    assert values["error"] == expected["copy"]["error"] and values["partners"] == expected["copy"]["partners"]
    assert values["round trip"] == 0 and values["round trip, blur"] > 1
    assert values["round trip, noise"] == pytest.approx(50 * cycles.NOISE * math.sqrt(2 / math.pi), rel=0.02)
    assert expected["copy"]["error"] < expected["mean"]["error"] < expected["shuffled"]["error"]


def test_partners_are_found_among_all() -> None:
    truth = torch.eye(4)
    assert cycles.partners(0.6 * truth, truth) == 100
    assert cycles.partners(truth.roll(1, 0), truth) == 0
    assert cycles.partners(truth[[0, 1, 3, 2]], truth) == 50


def test_digits_in_colour_are_the_white_ones_and_show_their_ink() -> None:
    white, coloured, ink = cycles.digits("test")
    assert white.shape == (1000, 1, 16, 16) and coloured.shape == (1000, 3, 16, 16)
    torch.testing.assert_close(coloured[torch.arange(1000), ink], white[:, 0])
    assert (cycles.ink_of(coloured) == ink).all() and ink.bincount().min() > 280


def test_a_game_of_the_digits_is_played_and_scored() -> None:
    values = cycles.colours_cell(0, steps=2)
    assert all(0 <= values[name] <= 100 for name in values if name.startswith("home"))
    assert {f"extra white, {ink}" for ink in cycles.INKS} < set(values)


def test_no_cell_is_computed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def cell(seed: int) -> dict[str, float]:
        asked.append(seed)
        return {"home": 1.23456}

    monkeypatch.setattr(cycles, "FILE", tmp_path / "cycles.json")
    monkeypatch.setattr(cycles, "CELLS", {"colours": cell})
    cycles.main(["--only", "colours/1"])
    cycles.main(["--only", "colours"])
    assert asked == [1, 0, 2]
    assert json.loads(cycles.FILE.read_text())["colours/1"]["home"] == 1.235


def test_the_tables_of_the_lesson_are_those_of_the_file() -> None:
    text = "\n".join(cell.source for cell in lessons.read(NOTEBOOK).cells if cell.cell_type == "markdown")
    stored = cycles.read()
    assert cycles.LETTERS in text

    def of_seeds(kind: str, measure: str) -> tuple[float, float]:
        values = [stored[f"{kind}/{seed}"][measure] for seed in cycles.SEEDS]
        return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))

    def row(name: str, *numbers: str) -> None:
        assert re.search(rf"^\| {re.escape(name)} \| {re.escape(' | '.join(numbers))} \|$", text, re.MULTILINE), numbers

    def number(kind: str, measure: str, digits: int) -> str:
        mean, spread = of_seeds(kind, measure)
        return f"{mean:.{digits}f} ± {spread:.{digits}f}"

    for name, key in (("the mean letter", "mean"), ("another letter", "shuffled"), ("$s$ itself", "copy")):
        values = stored[f"letters/{key}"]
        row(name, f"{values['error']:.2f}", f"{values['partners']:.0f}")
    row("CycleGAN", number("letters", "error", 2), number("letters", "partners", 0))
    for name, measure in (("$F(x)$", "home"), ("$F(x)$ with noise of $\\sigma = 0.05$", "home, noise")):
        row(name, number("colours", measure, 0))
    row("the true white digit", number("colours", "home, true white", 0))
    white, _, ink = cycles.digits("test")
    for name, part in (("red", -1 / 3), ("green", 1 / 5)):  # "leaves out a third", "adds a fifth"
        true = 50 * (white[ink == cycles.INKS.index(name)] + 1).mean().item()
        assert of_seeds("colours", f"extra white, {name}")[0] / true == pytest.approx(part, abs=0.03)
    for measure, words in (("round trip", "from home, less"), ("round trip, noise", "from home.")):
        assert f"ends {of_seeds('letters', measure)[0]:.2f}% {words}" in " ".join(text.split())
