"""A run meets trouble: interrupts at any moment, and losses, batches or weights that are not finite."""

import contextlib
import copy
import itertools
import math
import os
import re
import signal
import threading

import games
import pytest
import torch
from games import (  # noqa: F401
    Spoiled,
    dropping,
    fit,
    fixed_randomness,
    gan_run,
    kept,
    not_finite,
    play,
    result,
    same,
    settings,
    spread,
)

from ganlab import checkpoint
from ganlab.train import Keep, Run
from ganlab.train.run import COLLECT_EVERY


def once(step: int, act):
    """Return a change of batches that calls `act` at one step, the first time only."""
    left = [step]

    def change(batch, now):
        if now in left:
            left.remove(now)
            act()
        return batch

    return change


# Interrupts


@pytest.mark.parametrize("moment", ["source", "metric", "save"])
def test_an_interrupt_ends_after_a_whole_step_and_play_goes_on(tmp_path, monkeypatch, capsys, moment):
    def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)

    def metric(run: Run) -> dict[str, float]:
        if moment == "metric" and run.step == 28:
            interrupt()
        return spread(run)

    fsync, writes = os.fsync, []

    def interrupted_fsync(handle: int) -> None:
        writes.append(handle)
        if moment == "save" and len(writes) == 2:
            interrupt()
        fsync(handle)

    monkeypatch.setattr(os, "fsync", interrupted_fsync)
    generator, critic, source = dropping()
    if moment == "source":
        source = Spoiled(source, once(33, interrupt))
    keep = kept(tmp_path / "run", metric=metric)
    run = play(60, lambda: (generator, critic, source), keep)
    assert run.step == {"source": 34, "metric": 28, "save": 40}[moment]
    assert not run.stopped and {len(values) for values in run.history.values()} == {run.step}
    assert f"Interrupted after step {run.step}." in capsys.readouterr().out
    assert checkpoint.load(keep.checkpoint)["step"] == run.step
    assert run.sample(3).isfinite().all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert same(result(run.play()), result(play(60, dropping)))


def test_interrupts_at_any_moment_leave_whole_steps():
    run, never = (gan_run(*games.points(), settings(10**6), device="cpu") for _ in range(2))
    for delay in (0.02, 0.051, 0.033, 0.07, 0.026):
        timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
        with contextlib.suppress(KeyboardInterrupt):  # were it slow to start, it must not end the tests
            timer.start()
            run.play()
            timer.join()
        assert {len(values) for values in run.history.values()} <= {run.step}
    assert 0 < run.step < 10**6
    for _ in itertools.islice(never, run.step):
        pass
    never.collect()
    assert same(result(run), result(never))


def test_a_loop_of_ones_own_is_interrupted_between_steps():
    generator, critic, source = games.points()
    run = gan_run(generator, critic, Spoiled(source, once(5, lambda: signal.raise_signal(signal.SIGINT))), settings(9))
    with pytest.raises(KeyboardInterrupt):
        for _ in run:
            pass
    assert run.step == 6
    assert [list(record) for record in run] == [["critic_loss", "d_real", "d_fake", "generator_loss"]] * 3
    assert list(run) == []


def test_another_thread_may_train():
    run = gan_run(*dropping(), settings(30), kept(), "cpu")
    torch.manual_seed(0)
    thread = threading.Thread(target=run.play)
    thread.start()
    thread.join()
    assert same(result(run), result(play(30, dropping)))


# The bar


def test_losses_stand_in_the_bar_and_are_brought_from_the_device_only_when_it_is_painted(monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    clock = itertools.count()
    monkeypatch.setattr("tqdm.std.time", lambda: next(clock) / 1000)  # a hundred looks at it are a painting apart
    run = gan_run(*games.points(), settings(300), device="cpu")
    texts = []
    of_task = run.task.text

    def text(recent, history):
        texts.append(of_task(recent, history))
        return texts[-1]

    run.task.text = text
    run.play()
    assert 2 < len(texts) < 20
    assert all(re.fullmatch(r"critic loss \d\.\d{3}, generator loss \d\.\d{3}", text) for text in texts)
    assert texts[-1].startswith(f"critic loss {run.history['critic_loss'][-1]:.3f}")
    assert f"step/s, {texts[-1]}]" in capsys.readouterr().err


# Losses and weights that are not finite


class AfterTheFirst:
    """A change of all batches but the first that is asked for."""

    def __init__(self, change) -> None:
        self.change = change
        self.calls = 0

    def __call__(self, batch, step):
        self.calls += 1
        return batch if self.calls == 1 else self.change(batch)


# game, change of its batches, settings, then the step named, the last good one and the likely cause
CAUSES = {
    "NaN": (games.points, not_finite(74, math.nan), {}, 75, 70, "the data: the batch of that step holds NaN"),
    "infinite": (
        games.images,
        not_finite(3, math.inf),
        {},
        4,
        0,
        "the data: the batch of that step holds NaN or infinite",
    ),
    "range": (
        games.images,
        AfterTheFirst(lambda x: (x + 1) * 127.5),  # what a run is given at first is checked
        {"learning_rate": 1e30},
        "[12]",
        0,
        "the data: images reach 255, and",
    ),
    "rate": (
        games.images,
        lambda x, _: x,
        {"learning_rate": 1e30},
        "[12]",
        0,
        r"the learning rate, 1e\+30: try a third",
    ),
    "points": (games.points, lambda x, _: 9 * x, {"learning_rate": 1e30}, "[12]", 0, r"the learning rate, 1e\+30: try"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_divergence_is_explained_and_undone(cause):
    game, change, others, step, good, likely = CAUSES[cause]
    generator, critic, source = game()
    with pytest.warns(RuntimeWarning, match=f"_loss became (nan|inf) at step {step}; likely {likely}"):
        run = fit(generator, critic, Spoiled(source, change), settings(90, **others), kept())
    assert re.search(f"The weights are those of step {good}, the last known good", run.stopped)
    clean = gan_run(*game(), settings(90, **others), kept())
    for _ in itertools.islice(clean, good):
        pass
    assert same(result(run), result(clean))  # weights, optimizers, history, metrics, frames
    assert list(run) == [] and run.play().step == good


@pytest.mark.parametrize(("name", "value", "said"), [
    ("generator_loss", math.inf, "generator_loss became inf at step 62"),
    ("critic_loss", math.nan, "critic_loss became nan at step 62"),
    ("weight", math.inf, "weights became infinite or NaN at step 62"),
    ("weight", math.nan, "weights became infinite or NaN at step 62"),
])  # fmt: skip
def test_a_bad_loss_or_weight_alone_is_enough(name, value, said):
    run = gan_run(*games.points(), settings(62), device="cpu")
    take_step, seen = run._take_step, {}

    def spoiled_step(step: int) -> dict[str, torch.Tensor]:
        if step == COLLECT_EVERY:
            seen.update(copy.deepcopy(result(run)))
        record = take_step(step)
        if step == 61 and name == "weight":
            run.networks["generator"].layers[0].bias.data[1] = value
        elif step == 61:
            record[name] = torch.tensor(value)
        return record

    run._take_step = spoiled_step
    with pytest.warns(RuntimeWarning, match=said):
        run.play()
    assert run.step == COLLECT_EVERY and same(result(run), seen)


def test_a_diverged_run_leaves_its_good_checkpoint_to_go_on_from(tmp_path):
    generator, critic, source = dropping()
    spoiled = (generator, critic, Spoiled(source, not_finite(74, math.nan)))
    with pytest.warns(RuntimeWarning, match="critic_loss became nan at step 75"):
        run = play(100, lambda: spoiled, kept(tmp_path / "run"))
    run.save()
    assert checkpoint.load(tmp_path / "run")["step"] == 60
    again = play(100, dropping, kept(tmp_path / "run", resume=True))
    assert same(result(again), result(play(100, dropping)))


def test_no_metric_ever_sees_a_diverged_network():
    def strict(run: Run) -> dict[str, float]:
        assert run.sample(4).isfinite().all()
        return {}

    generator, critic, source = games.points()
    with pytest.warns(RuntimeWarning, match="at step 16"):
        run = fit(
            generator, critic, Spoiled(source, not_finite(15, math.nan)), settings(30), Keep(strict, metric_every=4)
        )
    assert run.metrics == [{"step": 4}, {"step": 8}, {"step": 12}]
