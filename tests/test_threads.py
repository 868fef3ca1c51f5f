"""Threads of a run: chosen, kept, given back; and the line about other work."""

import asyncio
import itertools
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import bench_two
import games
import numpy as np
import PIL.Image
import pytest
import torch
from bench_sides import Effort
from games import fixed_randomness, gan_run, kept, result, same, settings  # noqa: F401
from torch import nn

from ganlab import cli as command
from ganlab import runtime, train
from ganlab.runtime import Contention
from ganlab.runtime.threads import LEAST_PART, SPELL, SPELLS
from ganlab.train import Keep, Run
from ganlab.widgets import dashboard, live

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let torch have four threads, as on a machine of eight processors, and each test a cache of its own."""
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime.threads, "processors", lambda: 8)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    assert torch.get_num_threads() == 4  # whatever a test did, it gave them back
    torch.set_num_threads(before)


# Which number


@pytest.mark.parametrize("kind", [train.Settings, train.GANSettings, train.VAESettings, train.ClassifierSettings])
def test_impossible_numbers_are_refused_in_one_line(kind: type) -> None:
    for threads in (0, -1, 1.0, 1025, True, "two", None):
        message = f"^threads: got {threads!r}, expected 'auto' or a whole number from 1 to 1024$"
        with pytest.raises(ValueError, match=message):
            kind(3, threads=threads)
    assert kind(3).threads == "auto" and type(kind(3, threads=np.int64(2)).threads) is int


@pytest.mark.parametrize(
    ("most", "processors", "counts"),
    [(1, 1, [1]), (2, 2, [1]), (2, 4, [1, 2]), (3, 4, [1, 2]), (4, 4, [1, 2]), (1, 16, [1]), (16, 16, [1, 8])],
)
def test_half_of_the_processors_are_left_to_others(monkeypatch, most: int, processors: int, counts: list[int]) -> None:
    monkeypatch.setattr(runtime.threads, "processors", lambda: processors)
    with runtime.using_threads(most):
        assert runtime.thread_counts() == counts


class Timed(train.Task):
    """A step that only moves a clock, by so many milliseconds with each number of threads."""

    def __init__(self, milliseconds: dict[int, float], network: nn.Module, **own: object) -> None:
        super().__init__({"network": network}, train.Settings(3, **{"precision": "float32", **own}))
        self.milliseconds = milliseconds

    def step(self, run: train.Stage, k: int) -> dict[str, torch.Tensor]:
        clock[0] += self.milliseconds[torch.get_num_threads()] / 1000
        taken.append(torch.get_num_threads())
        return {"loss": torch.zeros(())}


clock: list[float] = [0.0]
taken: list[int] = []  # the number of threads of each step


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Return what makes a run of the class above, whose clock is the measurement's."""
    taken.clear()
    monkeypatch.setattr(
        sys.modules["ganlab.runtime.precision"], "time", types.SimpleNamespace(perf_counter=lambda: clock[0])
    )

    def run(milliseconds: dict[int, float], network: nn.Module | None = None, keep=None, **own: object) -> Run:
        return Run(Timed(milliseconds, network or nn.Linear(2, 2), **own), torch.zeros(40, 2), keep=keep, device="cpu")

    return run


@pytest.mark.parametrize(
    ("milliseconds", "chosen"),
    [
        ({1: 10.0, 4: 9.5}, 1),  # faster, but not by a tenth: the others stay free
        ({1: 10.0, 4: 6.0}, 4),
        ({1: 10.0, 4: 40.0}, 1),
    ],
)
def test_the_fastest_number_is_measured_once_and_steps_have_it(timed, milliseconds, chosen) -> None:
    run = timed(milliseconds)
    assert run.settings.threads == chosen and set(taken) == {1, 4}
    count = len(taken)
    assert timed(milliseconds).settings.threads == chosen and len(taken) == count
    run.play(progress=False)
    assert taken[count:] == [chosen] * 3
    timed(milliseconds, nn.Linear(2, 3))
    assert len(taken) > count + 3  # other networks are another measurement


def test_nothing_is_measured_for_a_given_number_on_a_gpu_or_where_there_is_one_thread(timed, monkeypatch) -> None:
    assert timed({}, threads=3).settings.threads == 3 and not taken
    never = pytest.fail
    assert train.precision._settled_threads("auto", Keep(), GPU, never) == "auto"
    with runtime.using_threads(1):  # as the reader's OMP_NUM_THREADS=1 has it
        assert timed({}).settings.threads == 1 and not taken
    monkeypatch.setattr(train.parallel, "size", lambda: 2)
    assert train.precision._settled_threads("auto", Keep(), CPU, never) == 4  # what torchrun has given


def test_a_precision_is_measured_with_the_number_that_is_given(timed) -> None:
    assert timed({3: 10.0}, threads=3, precision="auto").settings.threads == 3 and set(taken) == {3}


def test_a_precision_is_measured_with_as_many_as_may_be_chosen(timed) -> None:
    with runtime.using_threads(8):
        assert timed({1: 9.0, 4: 7.0}, precision="auto").settings.threads == 4 and set(taken) == {1, 4}


# Kept, honoured, given back


def game(threads: int | str, steps: int, keep: Keep | None = None) -> Run:
    torch.manual_seed(0)
    return gan_run(*games.images(), settings(steps, threads=threads), keep or kept(), "cpu")


def test_a_resumed_run_keeps_its_number_and_its_bits(tmp_path: Path) -> None:
    whole = [game(threads, 6).play(progress=False) for threads in (1, 2)]
    run = game(2, 6, kept(tmp_path / "run", checkpoint_every=2))
    for _ in itertools.islice(run, 3):  # dropped after the third, saved after the second
        pass
    run.release()
    with runtime.using_threads(1):  # now a machine that has one
        resumed = game("auto", 6, kept(tmp_path / "run", resume=True))
        assert resumed.step == 2 and resumed.settings.threads == 2
        resumed.play(progress=False)
        assert torch.get_num_threads() == 1
    assert same(result(resumed), result(whole[1]))
    assert sys.platform != "linux" or not same(result(resumed)["weights"], result(whole[0])["weights"])


def test_runs_that_take_turns_have_their_own_numbers() -> None:
    alone = [game(threads, 4).play(progress=False) for threads in (1, 2)]
    runs = [game(threads, 4) for threads in (1, 2)]
    for _ in zip(*runs, strict=True):
        assert torch.get_num_threads() == 4
    for run, other in zip(runs, alone, strict=True):
        run.collect()
        assert same(result(run)["weights"], result(other)["weights"])


def test_an_error_gives_the_number_back() -> None:
    run = game(2, 4)
    run.task.step = lambda stage, k: 1 / 0
    with pytest.raises(ZeroDivisionError):
        next(run)
    assert torch.get_num_threads() == 4
    with pytest.raises(ZeroDivisionError), runtime.using_threads(3):
        run.task.step(None, 0)


def training(folder: Path) -> list[str]:
    """Return a command, but for its steps, on four small pictures: too few to be measured on, which would take long."""
    for k, noise in enumerate(np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8)):
        (folder / "pictures").mkdir(exist_ok=True)
        PIL.Image.fromarray(noise).save(folder / "pictures" / f"{k}.png")
    where = [f"--data={folder / 'pictures'}", "--size", "8", f"--out={folder}"]
    return ["train", "mlp", *where, "--batch-size", "4", "--device", "cpu", "--steps"]


def test_the_command_takes_a_number(tmp_path: Path, capsys) -> None:
    line = training(tmp_path)
    assert command.main([*line, "1", "--threads", "many"]) == 1
    assert capsys.readouterr().err == "error: threads: got 'many', expected 'auto' or a whole number from 1 to 1024\n"
    with runtime.using_threads(1):
        assert command.main([*line, "1", "--threads", "2"]) == 0
        assert command.main([*line, "2"]) == 0
        assert train.load_run(tmp_path / "run.safetensors")["settings"]["threads"] == 2
        assert command.main([*line, "3", "--threads", "1"]) == 1
        assert "has threads 2, this run 1; --change threads goes on with this run's" in capsys.readouterr().err
        assert command.main([*line, "3", "--threads", "1", "--change", "threads"]) == 0
    assert train.load_run(tmp_path / "run.safetensors")["changes"] == [[2, "threads", 2, 1]]


# Other work


class Clocks:
    """Three clocks that a test moves: of time, of the thread that takes steps, and of all threads."""

    def __init__(self) -> None:
        self.times = [0.0, 0.0, 0.0]

    def move(self, *seconds: float) -> None:
        self.times = [time + more for time, more in zip(self.times, seconds, strict=True)]

    def contention(self, **others: bool) -> Contention:
        return Contention(**others, clocks=tuple(lambda k=k: self.times[k] for k in range(3)))


def noted(steps: list[tuple[float, float, float]], threads: int = 2, **others: bool) -> str:
    """Return the note after steps, each of (seconds, of this thread's work, of all threads' work)."""
    clocks = Clocks()
    contention = clocks.contention(**others)
    with runtime.using_threads(threads):
        for step in steps:
            with contention.step():
                clocks.move(*step)
    return contention.note


LONG = int(SPELLS * SPELL) + 1
SLOW = [(1.0, 0.4, 0.8)] * LONG


def test_a_run_whose_processor_others_take_says_so_in_one_line() -> None:
    assert noted(SLOW) == (
        "Other work on this machine slows this run: its steps have a processor 40% of the time. "
        "End that work, or go on with threads=1."
    )
    assert noted([(1.0, 0.4, 0.4)] * LONG, threads=1).endswith("End that work.")
    assert noted([(9.0, 3.0, 4.0)] * SPELLS)  # steps longer than a spell


def test_other_runs_say_nothing() -> None:
    assert not noted([(1.0, 1.0, 2.0)] * 99)
    assert not noted([(1.0, 1.0, 1.1)] * 99)  # the second thread has little to do
    assert not noted([(1.0, 0.4, 1.6)] * 99)  # this thread waits for a slower one
    assert not noted(SLOW[: int((SPELLS - 1) * SPELL)])  # not for long
    spell = int(SPELL)
    assert not noted(([(1.0, 0.4, 0.8)] * spell * (SPELLS - 1) + [(1.0, 1.0, 2.0)] * spell) * 9)  # peaks
    assert not noted([(3600.0, 1.0, 2.0), *[(1.0, 1.0, 2.0)] * 99])  # a laptop that slept
    assert not noted([(1.0, LEAST_PART + 0.01, 0.1)] * 99)
    assert not noted(SLOW, watching=False)  # a GPU, or other processes, are waited for


def test_waiting_for_data_is_no_other_work() -> None:
    clocks = Clocks()
    contention = clocks.contention()
    for _ in range(99):
        with contention.aside():  # between two steps, by whoever looks at a batch
            clocks.move(5.0, 0.0, 0.0)
        with contention.step():
            clocks.move(1.0, 1.0, 1.0)
            with contention.aside():
                clocks.move(9.0, 0.1, 0.1)
    assert not contention.note


def slowed(clocks: Clocks, steps: int) -> Run:
    """Return a run whose steps have 40% of a processor from the first on."""
    run = game(1, steps, Keep())
    run.contention = clocks.contention()
    step = run.task.step

    def slow(stage: train.Stage, k: int) -> dict[str, torch.Tensor]:
        clocks.move(5.0, 2.0, 2.0)
        return step(stage, k)

    run.task.step = slow
    return run


@pytest.mark.parametrize("quiet", [True, False])
def test_the_line_is_printed_once_where_progress_is_shown(quiet: bool, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1" if quiet else "")
    slowed(Clocks(), 9).play()
    assert capsys.readouterr().out.count("Other work on this machine slows") == (0 if quiet else 1)
    run = slowed(Clocks(), 9)
    run.play(progress=False)
    assert run.contention.note and "Other work" not in capsys.readouterr().out
    asyncio.run(live.play(slowed(Clocks(), 9)))
    assert capsys.readouterr().out.count("Other work on this machine slows") == (0 if quiet else 1)


def test_at_a_terminal_the_line_says_what_to_type(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "")
    play = Run.play

    def slowed_play(run: Run, each: Callable[[Run], None]) -> Run:
        run.contention.note = ""
        for _ in range(SPELLS):
            run.contention._times = [SPELL, 0.0, 0.0]
            with runtime.using_threads(2):
                run.contention._judge()
        return play(run, each=each)

    monkeypatch.setattr(Run, "play", slowed_play)
    line = training(tmp_path)
    assert command.main([*line, "1", "--threads", "2"]) == 0
    advice = re.search(r"End that work, or go on with (--.*)\.", capsys.readouterr().out)[1]
    monkeypatch.undo()
    with runtime.using_threads(1):
        assert command.main([*line, "2", *advice.split()]) == 0


def test_the_line_is_seen_while_it_trains(monkeypatch) -> None:
    texts = []
    monkeypatch.setattr(live, "watched", lambda: True)
    monkeypatch.setattr(live, "display", lambda view: None)
    monkeypatch.setattr(dashboard, "PAINT_EVERY", 0)
    monkeypatch.setattr(dashboard, "PAINT_APART", 0)
    paint = dashboard.Dashboard.paint

    def painted(view: dashboard.Dashboard, ended: bool = False) -> None:
        paint(view, ended)
        texts.append(view.readout.value)

    monkeypatch.setattr(dashboard.Dashboard, "paint", painted)
    asyncio.run(live.play(slowed(Clocks(), 6)))
    assert ["slows this run" in text for text in texts] == [False] * 4 + [True] * 3 + [False]


def test_a_run_on_the_cpu_watches_and_several_processes_do_not(monkeypatch) -> None:
    assert game(1, 2).contention.watching
    monkeypatch.setattr(train.parallel, "size", lambda: 2)
    monkeypatch.setattr(train.parallel, "is_first", lambda: False)
    monkeypatch.setattr(train.parallel, "local_rows", lambda batch: batch)
    monkeypatch.setattr(train.parallel, "from_first", lambda decide: decide())
    monkeypatch.setattr(train.parallel, "replica", lambda network: network)
    monkeypatch.setattr(train.parallel, "any_of", lambda flag: flag)
    assert not game(1, 2).contention.watching


# The benchmark


def test_two_runs_at_once_are_compared(capsys) -> None:
    bench_two.two(Effort(1, 0.01, tiny=True), {"script": bench_two.WAYS["script"]})  # ganlab's side measures first
    row = capsys.readouterr().out.splitlines()[1]
    assert row.startswith("MLP 28x28, script") and " and " in row and row.endswith("threads, float32")
