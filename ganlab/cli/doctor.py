"""Examines this machine: can the course run here, how fast, and what mends whatever is wrong."""

import importlib.metadata
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from packaging.requirements import Requirement

from ganlab import data, models, runtime, train
from ganlab.models import trained

LEAST_FREE = 0.5  # GB: the parsed sets take 0.1, a reader's checkpoints the rest
OK, NOTE, PROBLEM = "ok", "note", "PROBLEM"


@dataclass(frozen=True)
class Finding:
    """One thing examined: what about, "ok", "note" or "PROBLEM", what was found, and the command that mends it."""

    topic: str
    status: str
    text: str
    mend: str = ""

    def __str__(self) -> str:
        line = f"{self.status:8}{self.topic:11}{self.text}"
        return f"{line}\n{'':19}mend: {self.mend}" if self.mend else line


def examine() -> list[Finding]:
    """Return what there is to say about this machine; the course can run unless a finding is a problem."""
    examinations = (_python, _packages, _kernel, _device, _precision, _data, _networks, _cache)
    return [finding for examination in examinations for finding in examination()]


def can_run(findings: list[Finding]) -> bool:
    """Return whether no finding is a problem."""
    return all(finding.status != PROBLEM for finding in findings)


def shown(path: Path) -> str:
    """Return the path with the home folder as ~, so that a stored output names no user."""
    path = path.expanduser().absolute()
    return f"~/{path.relative_to(Path.home()).as_posix()}" if path.is_relative_to(Path.home()) else str(path)


def _python() -> list[Finding]:
    # pip and the Makefile refuse a Python that is too old, so whichever runs this will do.
    return [Finding("python", OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")]


def _packages() -> list[Finding]:
    """Hold what is installed against the dependencies that ganlab declares, which stand in pyproject.toml."""
    install = "python -m pip install -r requirements.lock && python -m pip install --no-deps -e ."
    try:
        declared = [Requirement(line) for line in importlib.metadata.requires("ganlab") or []]
    except importlib.metadata.PackageNotFoundError:
        return [Finding("packages", PROBLEM, "ganlab itself is not installed in this Python", install)]
    wrong = []
    for needed in declared:
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(version.split("+")[0], prereleases=True):
            wrong.append(f"{needed.name} is {version}, expected {needed.specifier}")
    if wrong:
        return [Finding("packages", PROBLEM, "; ".join(wrong), install)]
    return [Finding("packages", OK, f"all that ganlab asks for; torch {torch.__version__}")]


def _kernel() -> list[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    if "python3" in KernelSpecManager().find_kernel_specs():
        return [Finding("kernel", OK, "JupyterLab finds the kernel python3, which the lessons ask for")]
    mend = "python -m ipykernel install --sys-prefix"
    return [Finding("kernel", PROBLEM, "JupyterLab finds no kernel called python3", mend)]


def _device() -> list[Finding]:
    device = runtime.pick_device()
    threads = torch.get_num_threads()
    text = f"{device} ({runtime.device_name(device)}), {threads} threads; present: " + ", ".join(
        runtime.available_devices()
    )
    if device.type == "cpu" and shutil.which("nvidia-smi"):
        mend = "README.md, section 'CPU or CUDA build of torch'"
        return [Finding("device", NOTE, f"{text}; an NVIDIA card is here, but this torch cannot use it", mend)]
    return [Finding("device", OK, text)]


def _precision() -> list[Finding]:
    """Measure one step of a small image GAN, as `fit_gan` does with the reader's own networks."""
    device = runtime.pick_device()
    with runtime.seeded(0):
        generator, critic = models.DCGANGenerator(width=32).to(device), models.DCGANCritic(width=32).to(device)
    real = torch.zeros(64, 1, 32, 32, device=device)
    task = train.GANTask(generator, critic, train.GANSettings(1))
    measured = train.measured_precision(task, data.Batch(real))
    times = ", ".join(f"{name} {ms:.1f} ms" for name, ms in measured["milliseconds"].items())
    text = f"{measured['chosen']}: one step of a 32x32 DCGAN (width 32, batch 64) took {times}; measured once and kept"
    return [Finding("precision", OK, text)]


def _data() -> list[Finding]:
    findings = []
    for status in data.describe():
        size = f" ({status.download_megabytes:.0f} MB)" if status.state == "to be downloaded" else ""
        text = f"{status.name}: {status.state}{size}; {status.source}"
        problem = status.state == "missing"
        findings.append(Finding("data", PROBLEM if problem else OK, text, status.fix if problem else ""))
    return findings


def _networks() -> list[Finding]:
    """Hold the files of the networks that this project trained against their checksums."""
    missing = [name for name in trained.SHA256 if not (trained.FOLDER / f"{name}.safetensors").is_file()]
    altered = [name for name in trained.SHA256 if name not in missing and not trained.is_intact(name)]
    if missing or altered:
        wrong = [f"missing: {', '.join(missing)}"] if missing else []
        wrong += [f"altered: {', '.join(altered)}"] if altered else []
        mend = "in a clone `git checkout data`; elsewhere install ganlab anew"
        return [Finding("networks", PROBLEM, f"{shown(trained.FOLDER)}: {'; '.join(wrong)}", mend)]
    return [Finding("networks", OK, f"all {len(trained.SHA256)} that this project trained, in {shown(trained.FOLDER)}")]


def _cache() -> list[Finding]:
    folder = runtime.cache_dir()
    try:
        runtime.write_atomically(folder / "doctor.txt", b"written and removed by the doctor")
        (folder / "doctor.txt").unlink()
    except OSError as error:
        mend = "set the environment variable GANLAB_CACHE to a folder you can write to"
        return [Finding("cache", PROBLEM, f"cannot write to {shown(folder)}: {error.strerror}", mend)]
    free = shutil.disk_usage(folder).free / 1e9
    if free < LEAST_FREE:
        mend = f"free {LEAST_FREE} GB there, or set GANLAB_CACHE to a folder on another disk"
        return [Finding("cache", PROBLEM, f"{shown(folder)}: only {free:.1f} GB free", mend)]
    return [Finding("cache", OK, f"{shown(folder)}, {free:.0f} GB free")]
