"""`doctor --gpu`: the same report on the CPU at tiny size, each of its rows, and what it says when one fails."""

import dataclasses
import json
import re
from pathlib import Path

import limits
import numpy as np
import pytest
import torch
from PIL import Image
from rehearsal import GPU, PretendedGPU

from ganlab import cli as command
from ganlab import data, runtime, train
from ganlab.cli import gpu
from ganlab.cli.tasks import TASKS

CPU = torch.device("cpu")
SENTENCES = {
    "same seed twice": r"equal bits",
    "killed and resumed": r"equal bits, from step 2 on",
    "precision": r"\w+( channels_last)? \(float32 [\d.]+ ms(, \w+( \w+)? [\d.]+ ms)*\); trained in \w+( \w+)?",
    "images a second": r"[\d,]+",
    "on the CPU": r"[\d,]+ \(\w+( channels_last)?\)",
    "peak memory": r"not known here",
}


@pytest.fixture(scope="module")
def extent(tmp_path_factory: pytest.TempPathFactory) -> gpu.Extent:
    folder = tmp_path_factory.mktemp("pictures")
    values = np.random.default_rng(0)
    for name in "ab":
        (folder / name).mkdir()
        for k in range(12):
            image = Image.fromarray(values.integers(0, 256, (8, 8), dtype=np.uint8))
            image.save(folder / name / f"{k}.png")
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": "assert 1",
        "outputs": [],
        "execution_count": None,
        "id": "a",
    }
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder.parent / "lesson.ipynb").write_text(json.dumps(notebook))
    options = ("--data", str(folder), "--size", "8", "--batch-size", "4", "--test-share", "0.2")
    pairs = ("--data", str(folder), "--size", "32", "--batch-size", "4", "--test-share", "0.2", "--width", "4")
    clips = f"--data {_clips(folder.parent / 'clips')} --size 16 --frames 4 --batch-size 2 --width 4"
    paintings = f"--data {folder} --painting {folder / 'a' / '0.png'} --size 32 --batch-size 1 --width 4"
    others = pairs, tuple(clips.split()), tuple(paintings.split())
    return gpu.Extent(options, *others, steps=4, seconds=0.01, lesson=folder.parent / "lesson.ipynb")


def _clips(folder: Path) -> Path:
    """Write four clips of four frames of noise into a folder; return it."""
    folder.mkdir()
    noise = torch.randint(0, 256, (4, 4, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for number, clip in enumerate(noise):
        (folder / f"{number}.webp").write_bytes(data.pixels.animation(clip[None], "webp"))
    return folder


def rows(lines: list[str]) -> dict[str, dict[str, str]]:
    """Return the cells of the table: row -> column -> text."""
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert len({len(row) for row in table}) == 1 and set(table[1]) == {"---"}
    return {row[0]: dict(zip(table[0][1:], row[1:], strict=True)) for row in (*table[2:],)}


def test_every_row_of_the_report_is_there_and_right(extent: gpu.Extent, monkeypatch) -> None:
    for name in ("MINUTES", "STARTED_BY", "LAST_BY"):  # this machine may be slower than any that has a GPU
        monkeypatch.setattr(gpu, name, limits.scaled(getattr(gpu, name)))
    lines, well = gpu.report(CPU, extent)
    text = "\n".join(lines)
    assert well and "FAILED" not in text, text
    table = rows(lines)
    assert list(table) == [*TASKS, "8 games at once"]
    for task in TASKS:
        for column, sentence in SENTENCES.items():
            assert re.fullmatch(sentence, table[task][column]), (task, column, table[task][column])
    assert table["8 games at once"]["same seed twice"] == "equal bits"
    assert f"torch {torch.__version__}" in text and "Lesson: lesson at smoke speed ran in" in text
    assert lines[0].startswith("Device: cpu (")


@pytest.fixture
def one_task(monkeypatch, extent: gpu.Extent) -> gpu.Extent:
    """One small task, nobody killed, no lesson: what is left costs a second."""
    monkeypatch.setattr(gpu, "TASKS", {"mlp": TASKS["mlp"]})
    monkeypatch.setattr(gpu, "killed", lambda folder, device, extent: {"mlp": "no process was to be had"})
    return dataclasses.replace(extent, lesson=None)


def test_a_row_that_fails_says_so_and_the_others_go_on(one_task: gpu.Extent, monkeypatch) -> None:
    def full(run: train.Run, seconds: float) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to | allocate 20 GiB")

    monkeypatch.setattr(gpu, "images_a_second", full)
    lines, well = gpu.report(CPU, one_task)
    (row, _) = rows(lines).values()
    assert not well and row["same seed twice"] == "equal bits" and " ms); trained in " in row["precision"]
    assert row["images a second"] == "FAILED: OutOfMemoryError: CUDA out of memory. Tried to / allocate 20 GiB"
    assert row["killed and resumed"] == "FAILED: RuntimeError: no process was to be had"
    assert "Lesson: none here" in "\n".join(lines)


@pytest.mark.parametrize(
    ("changes", "bits", "measured", "lesson"),
    [
        ({}, "equal bits", r"(?!no time).*", True),
        ({"STARTED_BY": 0}, "equal bits", "no time was left", True),
        ({"STARTED_BY": 0, "LAST_BY": 0}, "no time was left", "-", True),
        ({"MINUTES": 0}, "equal bits", r"(?!no time).*", False),
    ],
)
def test_three_minutes_are_kept_by_what_is_left_out(
    one_task: gpu.Extent, monkeypatch, changes: dict[str, int], bits: str, measured: str, lesson: bool
) -> None:
    for name, seconds in {"MINUTES": 999, "STARTED_BY": 999, "LAST_BY": 999, **changes}.items():
        monkeypatch.setattr(gpu, name, seconds)
    lines, _ = gpu.report(CPU, one_task)
    row, ensemble = rows(lines).values()
    assert row["same seed twice"] == bits
    assert ensemble["same seed twice"] == ("equal bits" if changes.get("LAST_BY", 1) else "no time was left")
    for column in ("precision", "images a second", "on the CPU"):
        assert re.fullmatch(measured, row[column]), (column, row[column])
    assert f"Lesson: {'none here' if lesson else 'no time was left'}" in "\n".join(lines)


def test_bits_that_differ_are_a_failure_that_says_where(one_task: gpu.Extent, monkeypatch) -> None:
    play = train.Run.play

    def careless(run: train.Run, progress: bool = True) -> train.Run:
        torch.manual_seed(len(played))
        played.append(run.networks["critic"].layers[0].weight.data.add_(1e-3 * torch.rand(1)))
        return play(run, progress)

    played = []
    monkeypatch.setattr(train.Run, "play", careless)
    lines, well = gpu.report(CPU, one_task)
    (row, _) = rows(lines).values()
    assert not well and row["same seed twice"].startswith("FAILED: Difference: bits differ, first in /weights/modules/")


def test_it_is_rehearsed_on_a_gpu_that_is_only_pretended(one_task: gpu.Extent, monkeypatch) -> None:
    with PretendedGPU():
        lines, _ = gpu.report(GPU, one_task)
    row = next(iter(rows(lines).values()))
    assert (
        re.fullmatch(r"[\d,]+ \([\d,]+ where bits may differ\)", row["images a second"]) and "MB" in row["peak memory"]
    )
    assert row["same seed twice"] == "equal bits" and "pretended GPU), 8 GB, CUDA" in lines[0]


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [
        ({"x": [1, torch.ones(2)]}, {"x": [1, torch.ones(2)]}, ""),
        ({"x": [1, torch.ones(2)]}, {"x": [1, torch.tensor([1.0, 2.0])]}, "/x/1"),
        ({"x": [1, 2]}, {"x": [1]}, "/x"),
        ({"x": 1, "y": 2}, {"x": 1}, "/"),
        ({"x": {"y": 0.5}}, {"x": {"y": 0.25}}, "/x/y"),
        (torch.ones(1), 1, "/"),
    ],
)
def test_the_first_difference_is_named(a: object, b: object, where: str) -> None:
    assert gpu.difference(a, b) == where


def test_a_process_that_ends_by_itself_is_told(tmp_path: Path, extent: gpu.Extent) -> None:
    lost = gpu.killed(tmp_path, torch.device("meta"), extent)
    assert set(lost) == set(TASKS) and all("device: got 'meta', expected" in failure for failure in lost.values())


def test_a_lesson_that_fails_and_jupyter_that_is_not_there(tmp_path: Path, extent: gpu.Extent, monkeypatch) -> None:
    text = extent.lesson.read_text().replace("assert 1", "assert 0, 'seen'")
    (tmp_path / "wrong.ipynb").write_text(text)
    with pytest.raises(RuntimeError, match="wrong: AssertionError: seen"):
        gpu.lesson(tmp_path / "wrong.ipynb", limits.scaled(60))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert gpu.lesson(extent.lesson, 60) == "not tried: Jupyter is not installed in this Python"


def test_without_a_gpu_it_is_one_line_and_status_1(monkeypatch, capsys) -> None:
    monkeypatch.setattr(runtime, "available_devices", lambda: ["cpu"])
    monkeypatch.setattr("ganlab.runtime.devices.available_devices", lambda: ["cpu"])
    assert command.main(["doctor", "--gpu"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: --gpu: torch ") and said.err.count("\n") == 1


@pytest.mark.parametrize(("well", "status"), [(True, 0), (False, 1)])
def test_a_failure_is_the_exit_status(well: bool, status: int, monkeypatch, capsys) -> None:
    monkeypatch.setattr(runtime, "pick_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(gpu, "report", lambda device, extent: (["the table"], well))
    assert command.main(["doctor", "--gpu"]) == status and capsys.readouterr().out == "the table\n"
