"""The tool behind the long trainings of lesson 14, and that the lesson's fold says what the tool has stored."""

import itertools
import json
import re
import statistics
from pathlib import Path
from typing import Any

import lessons
import pytest
import torch
import videos

from ganlab import runtime

FOLD = "<details><summary>And the two other generators, trained for longer?</summary>"
MEASURES = ("speed", "change", "open turns", "bounces", "same", "distance")


def stand_in() -> Any:
    """Return a judge that measures the brightness alone."""
    return lambda clips: {"brightness": clips.mean().item()}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the tool train tiny networks for a moment, and write into a folder of the test."""
    for name, value in {"CLIPS": 20, "JUDGED": 3, "DRAWS": 2, "WIDTH": 2, "BUDGETS": (0.01, 0.02)}.items():
        monkeypatch.setattr(videos, name, value)
    monkeypatch.setattr(videos, "FILE", tmp_path / "videos.json")
    monkeypatch.setattr(videos, "STRIPS", tmp_path / "videos.png")
    monkeypatch.setattr(videos, "Judge", stand_in)
    return tmp_path


def test_pairs_train_in_turns_and_what_is_there_is_not_computed_again(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(videos, "Judge", lambda: lambda clips: asked.append(len(clips)) or stand_in()(clips))
    command = ["--seconds", "0.01", "--only", "motion,clips", "volume,clips", "--runs", str(small / "runs")]
    videos.main(command)
    assert list(videos.read()) == ["motion/clips/0/0.01", "volume/clips/0/0.01"]
    first = videos.FILE.read_bytes()
    assert videos.STRIPS.stat().st_size > 100
    videos.main(command)
    assert videos.FILE.read_bytes() == first and asked == [3] * 4
    command[1] = "0.02"
    videos.main(command)
    assert list(videos.read())[2:] == ["motion/clips/0/0.02", "volume/clips/0/0.02"]
    for entry in videos.read().values():
        assert len(entry["brightness"]) == 2 and entry["CPU-seconds"] >= 0.01


def test_a_training_goes_on_where_it_was(small: Path) -> None:
    first = videos.Player(("motion", "clips"), 0, small)
    first.until(0.01)
    again = videos.Player(("motion", "clips"), 0, small)
    assert (again.run.step, again.used) == (first.run.step, first.used) and again.run.step > 0
    z = again.run.latents(2, "test")
    assert torch.equal(again.run.sample(z), first.run.sample(z))


def test_draws_are_the_same_in_each_call(small: Path) -> None:
    generator = videos.MAKERS["motion"]()
    for one, other in zip(videos.draws(generator), videos.draws(generator), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(*videos.draws(generator))


def mean_and_error(name: str, values: list[float]) -> str:
    """Return a cell of the lesson's table."""
    digits = 0 if name == "distance" else 2
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.{digits}f} ± {error:.{digits}f}"


def rows() -> list[str]:
    """Return the rows of the lesson's table, of the longest budget that all pairs have, from the stored numbers."""
    stored = json.loads(runtime.data_file("videos.json").read_text(encoding="utf-8"))
    budgets = {}
    for name in stored:
        if name[0] in "mv":
            pair, seed, budget = re.fullmatch(r"(\w+/\w+)/(\d)/([\d.]+)", name).groups()
            budgets.setdefault(pair, set()).add((float(budget), f"{pair}/{seed}/{budget}"))
    last = max(set.intersection(*({budget for budget, _ in found} for found in budgets.values())))
    lines = []
    for budget, name in itertools.chain.from_iterable(budgets.values()):
        if budget == last:
            entry = stored[name]
            cells = [mean_and_error(measure, entry[measure]) for measure in MEASURES]
            lines.append("| " + " | ".join([name.split("/")[0], f"{entry['steps']:,}", *cells]) + " |")
    return sorted(lines)


def test_lesson_14_says_what_is_stored() -> None:
    notebook = lessons.read(next(lessons.NOTEBOOKS.glob("14_*.ipynb")))
    folds = [cell.source.split(FOLD)[1].split("</details>")[0] for cell in notebook.cells if FOLD in cell.source]
    assert len(folds) == 1
    table = [line for line in folds[0].splitlines() if line.startswith("| ") and "---" not in line]
    assert sorted(table[1:]) == rows()
