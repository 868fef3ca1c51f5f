"""Device, speed and seeds; the micro-benchmark on a clock of its own; atomic files and remembered measurements."""

import errno
import itertools
import json
import os
import random
import stat
import sys
import types
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from games import no_leftovers

from ganlab import runtime
from ganlab.runtime.style import STYLE

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Give each test a cache folder of its own."""
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))


def global_states() -> tuple:
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()


@pytest.mark.parametrize(("speed", "variable", "expected"), [
    ("auto", None, "class"), ("auto", "", "class"), ("auto", "smoke", "smoke"), ("full", "smoke", "full"),
])  # fmt: skip
def test_start_settles_the_speed(monkeypatch, speed, variable, expected):
    monkeypatch.delenv("GANLAB_SPEED", raising=False)
    if variable is not None:
        monkeypatch.setenv("GANLAB_SPEED", variable)
    before = global_states()
    lab = runtime.start(speed, seed=3, device="cpu")
    assert (lab.speed, lab.seed, lab.device) == (expected, 3, CPU)
    assert lab.by_speed(smoke=1, class_=2, full=3) == {"smoke": 1, "class": 2, "full": 3}[expected]
    assert global_states() == before
    assert repr(lab) == f"Lab(speed='{expected}', seed=3, device=device(type='cpu'))"


def test_start_says_at_smoke_speed_and_no_other_that_numbers_mean_nothing(capsys):
    said = {}
    for speed in runtime.lab.SPEEDS:
        runtime.start(speed, device="cpu")
        said[speed] = capsys.readouterr().out
    assert "Its numbers, tables and pictures mean nothing." in said["smoke"]
    assert said["class"] == said["full"] == ""


def test_start_gives_figures_the_courses_style_and_changes_no_other_setting():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        before = dict(matplotlib.rcParams)
        runtime.start("smoke", device="cpu")
        changed = {name for name, value in matplotlib.rcParams.items() if value != before[name]}
    assert changed == set(STYLE)


def test_start_asks_colab_for_widgets_and_nobody_else(monkeypatch):
    calls = []
    output = types.ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: calls.append("asked")
    runtime.start("smoke", device="cpu")
    assert not calls
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    with matplotlib.rc_context():
        runtime.start("smoke", device="cpu")
    assert calls == ["asked"]


def test_start_refuses_what_it_does_not_know(monkeypatch):
    for arguments, message in [
        ({"speed": "fast"}, "speed: got 'fast', expected one of smoke, class, full"),
        ({"seed": -1}, "seed: got -1, expected a whole number >= 0"),
        ({"seed": 1.5}, "seed: got 1.5"),
        ({"seed": True}, "seed: got True"),
        ({"device": "tpu"}, "device: got 'tpu', expected 'auto' or one of those present: .*cpu"),
    ]:
        with pytest.raises(ValueError, match=message):
            runtime.start(**arguments)
    monkeypatch.setenv("GANLAB_SPEED", "fast")
    with pytest.raises(ValueError, match="speed: got 'fast'"):
        runtime.start()


def test_pick_device_takes_the_best_present(monkeypatch):
    assert runtime.available_devices()[-1] == "cpu"
    assert runtime.pick_device() == torch.device(runtime.available_devices()[0])
    assert runtime.pick_device(CPU) == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert runtime.available_devices() == ["cuda", "mps", "cpu"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert runtime.pick_device() == torch.device("cuda") and runtime.pick_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match="device: got 'cuda:2', but the last of its kind here is 'cuda:1'"):
        runtime.pick_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert runtime.pick_device() == torch.device("mps")
    with pytest.raises(ValueError, match="device: got 'cuda:1', expected 'auto' or one of those present: mps, cpu"):
        runtime.pick_device("cuda:1")


def test_the_device_that_computes_is_the_one_that_is_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device=None: waited.append(device))
    runtime.synchronize(torch.device("cuda:1"))
    runtime.synchronize(CPU)
    assert waited == [torch.device("cuda:1")]


def test_on_cuda_kernels_with_a_fixed_order_are_asked_for_and_only_there():
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    with runtime.reproducible(CPU):
        assert (cudnn.deterministic, cudnn.benchmark) == before
    with pytest.raises(KeyError), runtime.reproducible(torch.device("cuda")):
        assert cudnn.deterministic and not cudnn.benchmark
        raise KeyError
    assert (cudnn.deterministic, cudnn.benchmark) == before


def test_seeded_generators_are_independent_and_private():
    before = global_states()
    labels = [(), (0,), (1,), (0, 1), (1, 0), (11, 2), (1, 12), (0, "critic"), (0, "generator"), (2**70,)]
    draws = [torch.randn(1000, generator=runtime.seeded_generator(*each)) for each in labels]
    for (k, a), (j, b) in itertools.combinations(enumerate(draws), 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / 1000**0.5, (labels[k], labels[j])
    assert torch.equal(draws[3], torch.randn(1000, generator=runtime.seeded_generator(0, 1)))
    assert global_states() == before


def test_seeded_restores_the_global_generator_even_after_an_error():
    before = global_states()
    drawn = []
    for seed in (1, 1, 2):
        with pytest.raises(KeyError), runtime.seeded(seed):
            drawn.append(torch.rand(3).tolist())
            raise KeyError
    assert drawn[0] == drawn[1] != drawn[2]
    assert global_states() == before


def timed(
    monkeypatch, milliseconds: dict[str, list[float]], at_first: float = 5000.0, slow_at_first: str = "", **arguments
) -> tuple[str, dict, list[str]]:
    """Run `fastest` on a clock that only the candidates move; each takes its list of times in turn, then over again.

    The first call takes `at_first`, and of one that is `slow_at_first` a hundred times that.
    """
    clock, calls = [0.0], []
    monkeypatch.setattr(
        sys.modules["ganlab.runtime.precision"], "time", types.SimpleNamespace(perf_counter=lambda: clock[0])
    )

    def candidate(name: str, times: list[float]):
        first = at_first * (100 if name == slow_at_first else 1)  # is slow and must not count
        turns = itertools.chain([first], itertools.cycle(times))

        def run() -> None:
            calls.append(name)
            clock[0] += next(turns) / 1000

        return run

    return *runtime.fastest({n: candidate(n, t) for n, t in milliseconds.items()}, CPU, **arguments), calls


@pytest.mark.parametrize(
    ("times", "chosen"),
    [
        ({"first": [10.0], "other": [9.2]}, "first"),  # faster, but not by a tenth
        ({"first": [10.0], "other": [9.0]}, "other"),
        ({"first": [10.0], "other": [20.0]}, "first"),
        ({"first": [10.0], "a": [8.0], "b": [5.0], "c": [7.0]}, "b"),
        ({"first": [10.0], "other": [5.0, 900.0, 5.0]}, "other"),  # a slow spell
    ],
)
def test_fastest_needs_a_margin_and_takes_medians(monkeypatch, times, chosen):
    name, medians, _ = timed(monkeypatch, times)
    assert name == chosen
    assert medians == pytest.approx({key: sorted(values)[len(values) // 2] for key, values in times.items()})


@pytest.mark.parametrize(("milliseconds", "rounds"), [(1.0, 30), (200.0, 8), (9000.0, 3)])
def test_fastest_alternates_three_to_thirty_rounds(monkeypatch, milliseconds, rounds):
    _, _, calls = timed(monkeypatch, {"a": [milliseconds], "b": [milliseconds]}, seconds=3.0)
    assert calls == ["a", "b"] * (rounds + 1)


def test_fastest_gives_up_what_is_far_too_slow(monkeypatch):
    times = {"first": [150.0], "slow": [1290.0], "hopeless": [1600.0], "held up": [900.0, 130.0, 130.0]}
    name, medians, calls = timed(monkeypatch, times, seconds=0.0)
    assert [calls.count(each) for each in times] == [4, 4, 2, 4]
    assert name == "held up" and medians["hopeless"] == pytest.approx(1600.0)
    _, medians, calls = timed(monkeypatch, {"a": [10.0], "b": [10.0]}, seconds=0.0, at_first=20.0, slow_at_first="b")
    assert calls.count("b") == 1 and medians["b"] == pytest.approx(2000.0)


def test_remembered_measures_once_and_again_for_another_key_or_a_broken_file():
    found = iter(range(10))

    def ask(key: str) -> int:
        return runtime.remembered(key, lambda: {"n": next(found)})["n"]

    assert [ask("a"), ask("a"), ask("b"), ask("a")] == [0, 0, 1, 0]
    (broken,) = (p for p in (runtime.cache_dir() / "measured").iterdir() if json.loads(p.read_text())["key"] == "a")
    for n, content in enumerate(
        [b"", b"\xff\xfe", b"{", b"[]", b"3", b"{}", b'{"key": "a"}', b'{"key": "z", "found": {"n": -1}}']
    ):
        broken.write_bytes(content)
        assert [ask("a"), ask("a"), ask("b")] == [2 + n, 2 + n, 1]


def test_remembered_does_without_a_cache_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "file"))
    assert [runtime.remembered("a", lambda n=n: {"n": n})["n"] for n in range(2)] == [0, 1]


def test_the_cache_folder_is_the_variables_or_the_systems(monkeypatch, tmp_path):
    assert runtime.cache_dir() == tmp_path / "cache"
    monkeypatch.setenv("GANLAB_CACHE", "~/somewhere")
    assert runtime.cache_dir() == Path.home() / "somewhere"
    monkeypatch.delenv("GANLAB_CACHE")
    assert "ganlab" in str(runtime.cache_dir())


def test_write_atomically_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "new" / "folder" / "file.bin"
    for content in (b"one", b"", bytes(range(256)) * 1000):
        runtime.write_atomically(path, content)
        assert path.read_bytes() == content
    assert os.listdir(path.parent) == ["file.bin"]
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)  # others may read it


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch, function, kind):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise kind(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, function, fail)
    with no_leftovers(tmp_path), pytest.raises(kind) as caught:
        runtime.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert kind is KeyboardInterrupt or str(caught.value) == f"[Errno 28] No space left on device: {str(path)!r}"


def test_content_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append(("fsync", os.fstat(fd).st_size)), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append(("replace", Path(a).parent)), replace(a, b)))
    runtime.write_atomically(tmp_path / "file.bin", b"12345")
    assert events == [("fsync", 5), ("replace", tmp_path)]  # from the same folder, so that it is one step


def test_precisions_are_found_by_name():
    names = list(runtime.precisions(CPU, convolutions=True))
    assert names[0] == "float32" and "float32 channels_last" in names
    assert all("channels_last" not in name for name in runtime.precisions(CPU, convolutions=False))
    for name in names:
        assert str(runtime.named_precision(name, CPU, convolutions=True)) == name
    with pytest.raises(ValueError, match="precision: got 'fp8', expected 'auto' or one of float32"):
        runtime.named_precision("fp8", CPU, convolutions=True)
    assert runtime.Precision(channels_last=True).memory_format == torch.channels_last


@pytest.mark.parametrize(
    ("machine", "capability", "tried"),
    [("x86_64", "AVX2", False), ("AMD64", "DEFAULT", False), ("x86_64", "AVX512", True), ("arm64", "DEFAULT", True)],
)
def test_bfloat16_is_no_candidate_where_the_processor_lacks_it(monkeypatch, machine, capability, tried):
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: capability)
    assert ("bfloat16" in runtime.candidates(CPU, convolutions=True)) == tried
    assert "float32 channels_last" in runtime.candidates(CPU, convolutions=True)
    assert (
        runtime.named_precision("bfloat16", CPU, convolutions=True).dtype == torch.bfloat16
    )  # who asks for it gets it


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_computes_in_the_precisions_type(dtype):
    with runtime.Precision(dtype).autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
