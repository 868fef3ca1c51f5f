"""Checkpoints of runs: full disks, files in the way, other people's files, and going on as if never stopped."""

import copy
import errno
import itertools
import os

import games
import pytest
import torch
from games import (  # noqa: F401
    dropping,
    fit,
    fixed_randomness,
    gan_run,
    kept,
    no_leftovers,
    on_each_device,
    play,
    result,
    same,
    settings,
)
from torch import nn

from ganlab import checkpoint, runtime
from ganlab.checkpoint import CheckpointError
from ganlab.train import Keep


def test_a_full_disk_costs_a_warning_and_not_the_training(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    first = play(20, dropping, kept(tmp_path / "run"))
    with monkeypatch.context() as patch, no_leftovers(tmp_path):
        patch.setattr(os, "fsync", full)
        with pytest.warns(RuntimeWarning, match="could not write .*No space left on device.*; training goes on"):
            run = play(60, dropping, kept(tmp_path / "run", resume=True))
    assert run.step == 60 and checkpoint.load(tmp_path / "run")["step"] == first.step == 20


def test_a_file_that_is_there_is_refused_before_any_work(tmp_path):
    path, keep = tmp_path / "run", kept(tmp_path / "run")
    play(3, keep=keep)
    content, game = path.read_bytes(), games.points()
    before = copy.deepcopy(game[0])
    refused = pytest.raises(ValueError, match="checkpoint: .*run exists already; pass resume=True to continue it")
    with refused:
        Keep(checkpoint=path)
    with refused:
        fit(*game, settings(3), keep)  # made before the file was: a notebook's cell executed twice
    assert path.read_bytes() == content and same(dict(game[0].state_dict()), dict(before.state_dict()))


@pytest.mark.parametrize(("others", "message"), [
    ({"resume": True}, "resume: got True without checkpoint="), ({"metric_every": -1}, "metric_every: got -1"),
    ({"sample_every": 2.5}, "sample_every: got 2.5"), ({"checkpoint_every": None}, "checkpoint_every: got None"),
])  # fmt: skip
def test_impossible_wishes_are_refused(others, message):
    with pytest.raises(ValueError, match=message):
        Keep(**others)


class Shift(nn.Module):
    """A generator of one parameter, whose repr does not show how large it is."""

    latent_dim = 2

    def __init__(self, size: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(size))

    def forward(self, z):
        return z + self.shift


OTHERS = {
    "objective": {"objective": "minimax"}, "learning_rate": {"learning_rate": 2e-3}, "betas": {"betas": (0.5, 0.99)},
    "penalty": {"penalty": "r1"}, "n_critic": {"n_critic": 2},
    "ema_decay": {"ema_decay": 0.99}, "seed": {"seed": 1}, "precision": {"precision": "bfloat16"},
    "critic": games.points(dropout=0.3)[1], "generator": Shift(1),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_another_setting_or_network_is_not_resumed_and_nothing_changes(tmp_path, name):
    keep, other = kept(tmp_path / "run"), OTHERS[name]
    generator, critic, source = games.points()
    generator = Shift(2) if name == "generator" else generator
    fit(generator, critic, source, settings(5), keep, "cpu")
    content = keep.checkpoint.read_bytes()
    generator, critic = (
        copy.deepcopy(other) if name == who else net for who, net in [("generator", generator), ("critic", critic)]
    )
    before, state = copy.deepcopy((generator, critic)), torch.get_rng_state()
    with pytest.raises(CheckpointError, match=f"resume: .*run has {name} .*this run"):
        new = settings(9, **other) if isinstance(other, dict) else settings(9)
        fit(generator, critic, source, new, kept(keep.checkpoint, resume=True), "cpu")
    for net, old in zip((generator, critic), before, strict=True):
        assert same(dict(net.state_dict()), dict(old.state_dict()))
    assert keep.checkpoint.read_bytes() == content and torch.equal(torch.get_rng_state(), state)


def test_a_file_older_than_a_setting_is_resumed_with_its_default(tmp_path):
    path = tmp_path / "run"
    play(5, keep=kept(path))
    state = checkpoint.load(path)
    del state["settings"]["penalty"], state["settings"]["n_critic"]
    path.unlink()
    checkpoint.save(path, state)
    with pytest.raises(CheckpointError, match="has penalty 'none', this run 'r1'"):
        play(9, keep=kept(path, resume=True), penalty="r1")
    assert play(9, keep=kept(path, resume=True)).step == 9


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_damaged_and_foreign_files_are_not_resumed(tmp_path, precision):
    path = tmp_path / "run"
    checkpoint.save(path, {"weights": {}, "step": 3})
    for content, message in [
        (path.read_bytes(), "is a checkpoint, but not of a run"),
        (path.read_bytes()[:-3], "is damaged"),
    ]:
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            play(5, keep=kept(path, resume=True), precision=precision)


GAMES = {
    "points": (dropping, "float32"),
    "images": (games.images, "float32"),
    "bfloat16": (games.images, "bfloat16 channels_last"),
}


@on_each_device
@pytest.mark.parametrize("name", GAMES)
def test_a_resumed_run_ends_as_if_never_stopped(tmp_path, name, device):
    game, precision = GAMES[name]
    if precision not in runtime.precisions(torch.device(device), convolutions=True):
        pytest.skip(f"{device} has no {precision}")
    ends = []
    for stops in ([40], [3, 40], [14, 26, 29, 40]):
        keep = kept(tmp_path / f"run-{len(ends)}", checkpoint_every=6, resume=True)
        for stop in stops:  # each time the run is dropped as it is, and made anew
            torch.manual_seed(stop if keep.checkpoint.exists() else 0)  # what is resumed must not depend on it
            given = settings(40, precision="auto" if keep.checkpoint.exists() else precision)
            run = gan_run(*game(), given, keep, device)
            for _ in itertools.islice(run, stop - run.step):
                pass
        ends.append(checkpoint.load(keep.checkpoint))  # networks, optimizers, history, metrics, frames, random states
    assert ends[0]["step"] == 40 and same(ends[1], ends[0]) and same(ends[2], ends[0])


def test_a_longer_run_continues_a_shorter_one_and_a_finished_one_is_done(tmp_path):
    short = play(20, dropping, Keep(checkpoint=tmp_path / "run"))
    done = play(20, dropping, Keep(checkpoint=tmp_path / "run", resume=True))
    assert done.step == 20 and same(result(done), result(short)) and list(done) == []
    assert same(
        result(play(45, dropping, Keep(checkpoint=tmp_path / "run", resume=True))), result(play(45, dropping, Keep()))
    )
