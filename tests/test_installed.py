"""The package as a wheel, outside any clone: the doctor finds all well, networks draw, a run trains."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import limits
import pytest
from lessons import ROOT

from ganlab.models import trained

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from what is here: without dependencies, so no other torch comes, and without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    done = limits.run(build, 60)
    assert done.returncode == 0, done.stdout + done.stderr
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    done = limits.run([*PIP, "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)], 60)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in `folder` with the installed package before the clone's, and this environment's others."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return limits.run([sys.executable, *words], 60, cwd=folder, env=environment)


def test_the_wheel_has_the_package_and_its_networks_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"ganlab"}  # and ganlab-0.1.0.dist-info
    assert {f"ganlab/shipped/checkpoints/{name}.safetensors" for name in trained.SHA256} <= set(names)
    assert not [name for name in names if "jupyter" in name]  # no server of this environment is changed


def test_installed_it_finds_its_own_files_and_declares_what_it_needs(installed: Path, tmp_path: Path) -> None:
    script = (
        "import importlib.metadata, json, ganlab; from ganlab.models import trained; "
        "print(json.dumps([ganlab.__file__, str(trained.FOLDER), importlib.metadata.requires('ganlab')]))"
    )
    done = run(installed, tmp_path, "-c", script)
    file, folder, requires = json.loads(done.stdout)
    assert Path(file).is_relative_to(installed) and Path(folder).is_relative_to(installed)
    assert any(line.startswith("scipy") for line in requires)


def test_installed_it_shows_worked_solutions(installed: Path, tmp_path: Path) -> None:
    script = 'from ganlab import check; check.answer("00.1", lambda pixels: pixels); check.solution("00.1")'
    done = run(installed, tmp_path, "-c", script)
    assert "return pixels.float() / 127.5 - 1\n" in done.stdout, done.stderr


def test_installed_the_doctor_is_right_networks_draw_and_a_run_trains(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "-m", "ganlab", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"all {len(trained.SHA256)} that this project trained" in done.stdout
    done = run(installed, tmp_path, "-m", "ganlab", "sample", "--class", "3", "--n", "2", "--out", "sheet.png")
    assert done.returncode == 0 and (tmp_path / "sheet.png").is_file(), done.stderr
    words = ("train", "mlp", "--data", "digits", "--steps", "2", "--out", "run", "--device", "cpu")
    done = run(installed, tmp_path, "-m", "ganlab", *words)
    assert done.returncode == 0 and (tmp_path / "run" / "networks.safetensors").is_file(), done.stderr
