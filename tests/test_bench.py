"""The benchmark program runs, and its two sides train the same mathematics. How fast they are is never tested."""

import ctypes
import pathlib
import shutil

import bench
import bench_grading
import bench_sides
import bench_translation
import pytest
import torch

from ganlab import data, losses, models, runtime, train
from ganlab.classroom.course import Course

CASES = [bench_sides.Case("an MLP", "digits", 28, "mlp", 16), bench_sides.Case("a DCGAN", "digits", 32, "dcgan", 4)]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


def draws(case: bench_sides.Case) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a batch and the latents of both moves."""
    generator = runtime.seeded_generator("bench")
    return case.images().batches(8).at(0), models.latents(8, 100, generator), models.latents(8, 100, generator)


def ours(case: bench_sides.Case, steps: int) -> list[tuple[float, float]]:
    """Return critic's and generator's loss of ganlab's steps on the same draws again and again."""
    (generator, critic), (real, z, z_next) = case.networks(), draws(case)
    settings, game = train.GANSettings(1), losses.objective("non_saturating")
    optimizer_g, optimizer_d = train.GANTask(generator, critic, settings).optimizers().values()
    found = []
    for _ in range(steps):
        record = train.critic_step(critic, generator, optimizer_d, real, z, game)
        record |= train.generator_step(generator, critic, optimizer_g, z_next, game)
        found.append((record["critic_loss"].item(), record["generator_loss"].item()))
    return found


def scripts(case: bench_sides.Case, steps: int) -> list[tuple[float, float]]:
    """Return the same losses of the script's steps."""
    script, drawn = case.script(), draws(case)
    found = [script.step(*drawn) for _ in range(steps)]
    return [(on_real + on_fakes, generator) for on_real, on_fakes, generator in found]


@each_case
def test_both_sides_train_the_same_mathematics(case: bench_sides.Case) -> None:
    mine, theirs = (torch.tensor(side(case, steps=5)) for side in (ours, scripts))
    torch.testing.assert_close(theirs, mine, rtol=1e-3, atol=1e-4)
    assert (mine[0] - mine[-1]).abs().max() > 0.05  # they have moved, so that equal losses mean equal steps


def test_both_sides_translate_by_the_same_mathematics() -> None:
    batch = data.load("icons").batches(4).batch(0)
    script, task = bench_translation.Script(*bench_translation.networks(4)), bench_translation.task(4)
    optimizers = task.optimizers()
    mine, theirs = [], []
    for _ in range(5):
        record = train.translation_step(
            *task.networks.values(),
            optimizers,
            batch.x,
            batch.pair,
            losses.objective("non_saturating"),
            adversarial_weight=task.settings.adversarial_weight,
        )
        mine.append([record[name].item() for name in ("critic_loss", "generator_loss", "l1")])
        on_real, on_fake, *others = script.step(batch.pair, batch.x)
        theirs.append([on_real + on_fake, *others])
    torch.testing.assert_close(torch.tensor(theirs), torch.tensor(mine), rtol=2e-3, atol=1e-4)
    assert abs(mine[0][2] - mine[-1][2]) > 0.003  # they have moved


@each_case
def test_keeping_the_fakes_is_another_step_of_the_generator(case: bench_sides.Case) -> None:
    real, z, z_next = draws(case)
    fresh, kept = case.script().step(real, z, z_next), case.script().step(real, z)
    assert fresh[:2] == kept[:2] and fresh[2] != kept[2]
    assert kept == case.script().step(real, z, z)


@pytest.mark.parametrize("name", ["digits", "earth"])
def test_the_scripts_items_are_the_set_s_images(name: str) -> None:
    images = data.load(name)
    items = torch.stack([bench_sides.ScriptSet(images.images)[i][0] for i in range(3)])
    torch.testing.assert_close(items, images.images[:3] / 127.5 - 1)
    batch = next(bench_sides.batches(images.images, 4))
    assert batch.shape == (4, *images.images.shape[1:]) and batch.is_contiguous()


def test_the_scripts_random_draws_are_its_own_and_repeat() -> None:
    case = CASES[0]
    first, again = (next(case.script().steps(case.images().images, 8)) for _ in range(2))
    assert first == again


def test_the_sections_run_and_are_chosen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        train.precision, "measured_precision", lambda task, batch: {"chosen": "float32"}
    )  # it takes seconds
    bench.main(["--tiny", "--only", "ratios", "where", "growth", "fid", "translation", "games"])
    said = capsys.readouterr().out
    assert "GFLOP/s" in said and "ganlab without averaging" in said and "(growth: " in said
    assert "pix2pix 64x64, width 4" in said
    assert "grid, relativistic + R1 + R2" in said and "(memory: " not in said


@pytest.mark.skipif(not pathlib.Path("/proc/self/clear_refs").exists(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize("side", ["script", "ganlab"])
def test_peak_memory_counts_what_was_used_and_given_back(side: str, capsys: pytest.CaptureFixture[str]) -> None:
    def steps(*_: object) -> None:
        torch.ones(64 * 2**20 // 4).sum()  # 67 MB
        # After earlier tests the process may keep what is given back, and taking it again would not be seen.
        ctypes.CDLL(None).malloc_trim(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "timed", steps)
        patch.setattr(train.precision, "measured_precision", lambda task, batch: {"chosen": "float32"})
        bench.memory_of(CASES[0], side)
    assert 60 < float(capsys.readouterr().out) < 120


def test_a_class_is_released_handed_in_and_graded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The section "grading", with the commands themselves left out: the tests of grading give them."""
    given = []

    def command(name: str, folder: pathlib.Path, *options: str) -> None:
        if name == "release":
            shutil.copytree(Course().folder("release", bench_grading.NAME), folder / "release" / bench_grading.NAME)
        given.append((name, len(list(folder.glob("submitted/*/*/*.ipynb")))))

    monkeypatch.setattr(bench_grading, "command", command)
    bench_grading.grading(bench_sides.Effort(1, 0.01, 0.5, tiny=True))
    assert given == [("release", 0), ("grade", 2), ("grade", 2), ("release", 0), ("grade", 1)]
    assert capsys.readouterr().out.count(" a submission ") == 3


def test_an_unknown_section_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--only", "rations"])
    assert "rations" in capsys.readouterr().err
