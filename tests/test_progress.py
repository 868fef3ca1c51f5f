"""A progress bar is a line of text in a notebook, and stays one."""

import importlib
from types import SimpleNamespace

import pytest
import torch
from nbclient import NotebookClient
from nbformat import v4

from ganlab import data, models, runtime, train

progress = importlib.import_module("ganlab.runtime.progress")  # the package's name is the function's

BAR = """
from ganlab import runtime
for _ in runtime.progress(range(20), unit="step", disable=None):
    pass
for _ in runtime.progress(range(3), unit="image", desc="cutting images", leave=False, delay=60):
    pass
with runtime.progress(total=10, unit="step") as bar:
    bar.update(4)
    bar.write("slowed by other work")
"""


def test_a_finished_bar_is_one_line_of_text_and_nothing_is_pink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    notebook = v4.new_notebook(cells=[v4.new_code_cell(BAR)])
    NotebookClient(notebook, kernel_name="python3", store_widget_state=False).execute()
    first, second, written = notebook.cells[0].outputs
    assert first.data.keys() == second.data.keys() == {"text/plain"}
    assert first.data["text/plain"] == "20 steps in 00:00" and second.data["text/plain"] == "4 of 10 steps in 00:00"
    assert written.name == "stdout" and written.text == "slowed by other work\n"


def test_words_behind_a_bar_leave_its_width() -> None:
    with progress._LineOfText(total=10, unit="step", disable=False) as bar:
        width = len(str(bar).split("|")[1])
        bar.words = lambda: "loss 0.693"
        text = str(bar)
    assert text.endswith("step/s, loss 0.693]") and abs(len(text.split("|")[1]) - width) <= 2  # a comma and a space
    assert "0" in str(progress._LineOfText(total=10, disable=True))


def test_nothing_is_shown_where_bars_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    notebook = v4.new_notebook(cells=[v4.new_code_cell(BAR.replace('bar.write("slowed by other work")', "pass"))])
    NotebookClient(notebook, kernel_name="python3", store_widget_state=False).execute()
    assert notebook.cells[0].outputs == []


def test_measuring_is_said_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(runtime, "announce", said.append)

    def fastest(*_: object, **__: object) -> tuple[str, dict[str, float]]:
        assert said == ["Measuring which precision is fastest here: once for these networks, a few seconds."]
        return "float32", {"float32": 1.0}

    monkeypatch.setattr(runtime, "fastest", fastest)
    monkeypatch.setattr(runtime, "remembered", lambda key, measure: measure())
    task = train.GANTask(models.MLPGenerator(2, (2,), (4,)), models.MLPCritic((2,), (4,)), train.GANSettings(1))
    measured = train.precision.measured_precision(task, data.Batch(torch.zeros(8, 2)))
    assert measured["chosen"] == "float32" and len(said) == 1


def test_a_text_that_is_announced_is_on_its_way_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[tuple] = []
    monkeypatch.setattr(progress, "get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr("builtins.print", lambda *words, **how: printed.append((words, how)))
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    runtime.announce("a few seconds")
    assert printed == [(("a few seconds",), {"flush": True})]


def test_a_terminal_has_the_usual_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(runtime.progress(range(4), unit="step", disable=False)) == 6
    assert "4/4" in capsys.readouterr().err
