"""Two processes under the real torchrun are one run: equal results, one writer, killed, interrupted and resumed.

As a script, this file is what torchrun starts for the tests of the parts. All talk is over 127.0.0.1.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import games
import lessons
import limits
import pytest
import torch
import torch.distributed as dist
from games import fit, fixed_randomness, kept, no_leftovers, not_finite, same, settings  # noqa: F401
from torch import Tensor, nn

from ganlab import checkpoint, train
from ganlab import cli as command
from ganlab.cli import train as train_command
from ganlab.train import Keep, Run, parallel

STEPS, KILLED_STEPS = 6, 30
# float32 sums in another order differ by 1e-7 of their size; Adam moves a weight by up to 1e-3 a step here, and the
# largest difference seen after six steps is 9e-6. A batch norm of each half on its own makes 3e-3.
CLOSE = {"rtol": 0, "atol": 5e-5}
GAMES = {"points": games.points, "images": games.images, "told": games.told}
GAMES |= {"paired": games.points, "penalised": games.points}
HOW = {
    "paired": {"objective": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.1},
    "penalised": {"objective": "wasserstein", "penalty": "gradient_penalty", "n_critic": 2, "clip": 0.5},
}
NORMS = {
    "usual": lambda: nn.BatchNorm2d(3),
    "no scale": lambda: nn.BatchNorm2d(3, affine=False),
    "all batches alike": lambda: nn.BatchNorm2d(3, momentum=None),
    "no memory": lambda: nn.BatchNorm2d(3, track_running_stats=False),
    "bfloat16": lambda: nn.BatchNorm2d(3),
}


PATHS = os.pathsep.join(str(lessons.ROOT / folder) for folder in ("", "tests", "tests/tools"))


def start(*arguments: object) -> subprocess.Popen:
    """Start two processes; output and errors are pipes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": PATHS}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.Popen(
        [*launcher, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(job: subprocess.Popen) -> tuple[int, str, str]:
    """Wait for the end of a job; return its status, output and errors. One that hangs is killed, and fails."""
    try:
        output, errors = job.communicate(timeout=limits.scaled(60))
    except subprocess.TimeoutExpired:
        job.terminate()  # torchrun ends its workers
        output, errors = job.communicate(timeout=limits.scaled(10))
        pytest.fail(f"{limits.reason('no end of the job', 60)}:\n{output}\n{errors}")
    return job.returncode, output, errors


def line(out: Path, steps: int = KILLED_STEPS, *more: str) -> list[str]:
    """Return the command line of a DCGAN whose steps are slow enough to be killed between two of them."""
    small = ["--width", "4", "--batch-size", "32", "--every", "2", "--device", "cpu"]
    return ["train", "dcgan", "--data", "digits", "--steps", str(steps), "--out", str(out), *small, *more]


def spoil_the_last(batch: Tensor, step: int) -> Tensor:
    """Make the last sample of one batch NaN: it is in the share of the second process."""
    return torch.cat([batch[:-1], not_finite(at=3, value=float("nan"))(batch[-1:], step)])


def normalised(norm: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return what a batch norm makes of three batches: outputs and gradients of all rows, and what it remembers."""
    draws = torch.Generator().manual_seed(0)
    batches = torch.randn(3, 6, 3, 4, 5, generator=draws) * torch.tensor([1.0, 0.1, 3.0]).view(3, 1, 1)
    batches += torch.arange(6.0).view(6, 1, 1, 1) + torch.tensor([0.0, 100.0, -7.0]).view(3, 1, 1)  # uneven halves
    weights, found = torch.randn(3, 6, 3, 4, 5, generator=draws), {}
    for parameter in norm.parameters():
        nn.init.normal_(parameter, generator=draws)
    for k, (x, weight) in enumerate(zip(batches, weights, strict=True)):
        mine = parallel.local_rows(x).to(dtype).requires_grad_()
        y = norm(mine)
        (y.float() * parallel.local_rows(weight)).sum().backward()
        found |= {f"y {k}": rows(y.detach()), f"gradient {k}": rows(mine.grad)}
    for name, parameter in norm.named_parameters():
        found[f"gradient of {name}"] = rows(parameter.grad[None]).sum(0)
    if norm.track_running_stats:  # without, evaluation takes each process's own batch, as torch's SyncBatchNorm does
        found["evaluated"] = rows(norm.eval()(parallel.local_rows(batches[0])).detach())
    return {**found, **dict(norm.named_buffers())}


def rows(mine: Tensor) -> Tensor:
    """Return the rows of all processes, one after the other."""
    if parallel.size() == 1:
        return mine
    parts = [torch.empty_like(mine) for _ in range(parallel.size())]
    dist.all_gather(parts, mine.contiguous())
    return torch.cat(parts)


def run_of(name: str, folder: Path) -> Run:
    """Return one finished run of a game, the same in one process as in two, with all that a run can keep."""
    torch.manual_seed(0)
    keep = kept(folder / name, metric_every=4, sample_every=3, checkpoint_every=4)
    return fit(*GAMES[name](), settings(STEPS, **HOW.get(name, {})), keep, "cpu", progress=False)


def never(*arguments: object) -> None:
    """Stand in for what writes files, where nothing may be written."""
    raise AssertionError("a second process writes files")


def parts(folder: Path) -> int:
    """Do in each process what the tests then look at, and leave it in files."""
    me, save = "first" if parallel.is_first() else "second", checkpoint.save
    if me == "second":
        checkpoint.save = train_command.write_atomically = never
    train.precision.measured_precision = lambda task, batch: {"chosen": "float32"}  # a measurement takes seconds
    for name in GAMES:
        save(folder / f"{name} of the {me}", games.result(run_of(name, folder)))
    for name, make in NORMS.items():
        norm = make()
        norm.__class__ = parallel.GlobalBatchNorm
        dtype = torch.bfloat16 if name == "bfloat16" else torch.float32
        save(folder / f"{name} of the {me}", normalised(norm, dtype))
    generator, critic, source = games.points()
    run = fit(generator, critic, games.Spoiled(source, spoil_the_last), settings(9), Keep(), "cpu")
    save(folder / f"spoiled of the {me}", {"stopped": run.stopped, "step": run.step})
    return command.main(line(folder / "begun", 2)) or command.main(line(folder / "whole"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what two processes made of `parts`."""
    folder = tmp_path_factory.mktemp("parts")
    status, output, errors = ended(start(__file__, folder))
    assert status == 0, errors
    assert errors.count("became nan at step 4") == 1  # only the first process speaks
    assert output.count("10 classes: ") == 2 and output.count("step 2: ") == 2  # of two trainings
    return folder


def both(folder: Path, name: str) -> dict:
    """Return what the processes left under a name, after checking that they left the same bits."""
    first, second = (checkpoint.load(folder / f"{name} of the {who}") for who in ("first", "second"))
    assert same(first, second)
    return first


def assert_close(mine: object, theirs: object) -> None:
    """Compare two trees with a tolerance for tensors and numbers."""
    if isinstance(mine, dict):
        assert list(mine) == list(theirs)
        for key in mine:
            assert_close(mine[key], theirs[key])
    elif isinstance(mine, list | tuple):
        assert len(mine) == len(theirs)
        for one, other in zip(mine, theirs, strict=True):
            assert_close(one, other)
    elif isinstance(mine, Tensor | float):
        torch.testing.assert_close(mine, theirs, **CLOSE)
    else:
        assert mine == theirs


@pytest.mark.parametrize("name", GAMES)
def test_two_processes_end_like_one(made, tmp_path, name):
    alone = run_of(name, tmp_path)
    assert_close(both(made, name), games.result(alone))  # weights, running statistics, average, optimizers, history
    kept, of_one = checkpoint.load(made / name), checkpoint.load(tmp_path / name)
    assert kept["networks"] == of_one["networks"] and kept["settings"] == of_one["settings"]
    assert same(kept["weights"], both(made, name)["weights"])


@pytest.mark.parametrize("name", [name for name in NORMS if name != "bfloat16"])
def test_batch_norm_over_two_processes_is_that_of_the_whole_batch(made, name):
    expected = normalised(NORMS[name](), torch.float32)
    torch.testing.assert_close(both(made, name), expected, rtol=1e-4, atol=1e-4)


def test_batch_norm_in_bfloat16_keeps_float32_statistics(made):
    for key, value in normalised(nn.BatchNorm2d(3), torch.bfloat16).items():
        close = {"rtol": 0.02, "atol": 0.1} if value.dtype == torch.bfloat16 else {"rtol": 1e-3, "atol": 1e-3}
        torch.testing.assert_close(both(made, "bfloat16")[key], value, **close)  # which compares the types as well


def test_a_loss_that_is_nan_in_one_process_stops_both(made):
    stopped = both(made, "spoiled")
    assert stopped["step"] == 0 and "critic_loss became nan at step 4" in stopped["stopped"]


def started(out: Path) -> subprocess.Popen:
    """Start the training and return when it has saved something new."""
    path = out / "run.safetensors"
    before = path.stat().st_mtime_ns
    job = start("-m", "ganlab", *line(out))
    saved = lambda: path.stat().st_mtime_ns != before  # noqa: E731
    limits.wait_until(lambda: saved() or job.poll() is not None, "a new checkpoint", seconds=60, pause=0.005)
    assert job.poll() is None, job.communicate()[1]
    return job


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc, and kills one")
def test_killed_and_interrupted_it_ends_as_if_never_stopped(made, tmp_path):
    whole, out, command_line = made / "whole", tmp_path / "out", ["-m", "ganlab", *line(tmp_path / "out")]
    shutil.copytree(made / "begun", out)

    job = started(out)
    workers = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    os.kill(int(workers[1]), signal.SIGKILL)
    status, output, _ = ended(job)
    killed_at = checkpoint.load(out / "run.safetensors")["step"]
    assert status != 0 and 2 < killed_at < KILLED_STEPS

    job = started(out)
    job.send_signal(signal.SIGINT)  # torchrun hands it on, to each process in another step
    status, output, _ = ended(job)
    step = checkpoint.load(out / "run.safetensors")["step"]
    assert status != 0 and killed_at < step < KILLED_STEPS and output.count(f"Interrupted after step {step}.") == 1

    status, output, errors = ended(start(*command_line))
    assert status == 0 and output.count(f"continuing after step {step}") == 1, errors
    assert same(*(checkpoint.load(folder / "run.safetensors") for folder in (out, whole)))
    for file in ("history.csv", f"samples-{KILLED_STEPS:07d}.png"):
        assert (out / file).read_bytes() == (whole / file).read_bytes()
    assert command.main(line(out, KILLED_STEPS + 1)) == 0  # and one process goes on from there


def test_a_batch_without_equal_shares_is_told_once_and_touches_nothing(tmp_path):
    with no_leftovers(tmp_path):
        status, output, errors = ended(start("-m", "ganlab", *line(tmp_path / "out", 4, "--batch-size", "15")))
    assert status == 1 and output.count("\n") == 1 and output.startswith("10 classes: ")
    assert errors.count("error: batch_size: got 15, expected a multiple of 2, the number of processes") == 1
    assert errors.count("Traceback") == 1  # torchrun's own, after it


@pytest.fixture
def second_of_two(monkeypatch):
    """Make this process believe that it is the second of two, as far as it does not talk to the other."""
    monkeypatch.setattr(parallel, "size", lambda: 2)
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")


def test_a_classifier_is_refused(second_of_two, tmp_path, capsys):
    arguments = ["train", "classifier", "--data", "digits", "--steps", "2", "--out", str(tmp_path / "out")]
    assert command.main(arguments) == 1
    assert capsys.readouterr().err.startswith("error: classifier: ") and not (tmp_path / "out").exists()


def test_each_process_has_the_gpu_of_its_number(second_of_two, monkeypatch):
    assert parallel.own_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    assert parallel.own_device() == parallel.own_device("cuda") == torch.device("cuda:1")
    with pytest.raises(ValueError, match="device: got 'cuda:0', expected 'auto', 'cuda' or 'cpu' for 2 processes"):
        parallel.own_device("cuda:0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="--nproc-per-node: got more processes than this machine has GPUs, 1"):
        parallel.own_device()


def test_shares_are_the_rows_in_order(second_of_two):
    assert parallel.local_rows(torch.arange(6)).tolist() == [3, 4, 5]
    with pytest.raises(ValueError, match="batch_size: got 7, expected a multiple of 2"):
        parallel.local_rows(torch.arange(7))


def test_alone_nothing_is_wrapped_or_copied():
    network, batch, record = games.images()[0], torch.zeros(3), {"loss": torch.zeros(())}
    assert parallel.replica(network) is network and parallel.bare(network) is network
    assert parallel.local_rows(batch) is batch and parallel.mean(record) is record
    assert parallel.from_first(lambda: 3) == 3 and parallel.any_of(True) and not parallel.any_of(False)


if __name__ == "__main__":
    sys.exit(parallel.together(lambda: parts(Path(sys.argv[1]))))
