"""Training in sight of a person: the widgets act on the very next step, and looking on changes no bit."""

import asyncio
import itertools
import math
import signal
from collections.abc import Callable
from types import SimpleNamespace

import games
import limits
import matplotlib
import numpy as np
import pytest
import torch
from games import Spoiled, fixed_randomness, gan_run, images, kept, not_finite, result, same, settings, vae_run  # noqa: F401
from matplotlib.text import Text
from nbclient import NotebookClient
from nbformat import v4

from ganlab import checkpoint, models, plots, runtime
from ganlab.data import ImageSet
from ganlab.runtime.style import STYLE
from ganlab.train import Keep, Run, VAESettings
from ganlab.widgets import curves, dashboard, live
from ganlab.widgets.dashboard import Dashboard, Pace


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> list[Dashboard]:
    """Put a person in front, who hears and sees after each step; return the dashboards displayed so far."""
    shown: list[Dashboard] = []
    monkeypatch.setattr(live, "watched", lambda: True)
    monkeypatch.setattr(Dashboard, "show", lambda view: shown.append(view))
    monkeypatch.setattr(live, "HEAR_EVERY", 0)
    monkeypatch.setattr(dashboard, "PAINT_EVERY", 0)
    monkeypatch.setattr(dashboard, "PAINT_APART", 0)
    return shown


def game(steps: int = 16, keep: Keep | None = None) -> Run:
    torch.manual_seed(0)
    return gan_run(*images(), settings(steps), keep or kept(), "cpu")


def at_step(run: Run, step: int, act: Callable[[], None]) -> None:
    """Play a run, and `act` between two steps, as a message from the browser would."""

    async def both() -> None:
        task = asyncio.create_task(live.play(run))
        while run.step < step:
            await asyncio.sleep(0)
        act()
        await task

    asyncio.run(both())


@pytest.mark.parametrize("seen", [True, False])
def test_looking_on_changes_no_bit(seen, request):
    shown = request.getfixturevalue("person") if seen else []
    torch.manual_seed(0)
    run = asyncio.run(live.fit_gan(*images(), settings=settings(16), keep=kept(), device="cpu"))
    assert len(shown) == seen and run.step == 16
    assert same(result(run), result(game().play()))


def test_what_a_person_sees(person):
    pictures, run = [], game()
    keep_losses = Dashboard.after_step

    def after_step(shown: Dashboard, record: dict) -> None:
        keep_losses(shown, record)
        pictures.append((shown.samples.value, shown.curves.picture.value, shown.readout.value, shown.progress.value))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dashboard, "after_step", after_step)
        asyncio.run(live.play(run))
    samples, drawn, readouts, progress = map(list, zip(*pictures, strict=True))
    assert len(set(samples)) == len(set(drawn)) == 16 and progress == list(range(1, 17))
    assert readouts[9].startswith("Step 10 of 16, ")
    assert f"critic loss {run.history['critic_loss'][9]:.3f}, generator loss" in readouts[9]
    assert f"spread {run.metrics[0]['spread']:.4g}" in readouts[9] and "(step 7)" in readouts[9]
    [shown] = person
    assert shown.readout.value.startswith("Done after 16 of 16 steps.")
    assert {"ganlab-widget", "ganlab-done"} <= set(shown._dom_classes)
    assert shown.button.disabled and all(slider.disabled for slider in shown.rates.values())


@pytest.mark.parametrize("way", ["Stop", "interrupt in a step", "interrupt between steps"])
def test_a_stopped_run_is_whole_kept_and_goes_on(way, person, tmp_path, capsys):
    keep = kept(tmp_path / "run")
    run = game(keep=keep)
    source = run.source
    act = {"Stop": lambda: person[0].button.click(), "interrupt in a step": lambda: None}
    if way == "interrupt in a step":
        run.source = Spoiled(
            source, lambda batch, step: signal.raise_signal(signal.SIGINT) or batch if step == 8 else batch
        )
    at_step(run, 9, act.get(way, lambda: signal.raise_signal(signal.SIGINT)))
    run.source = source
    assert 9 <= run.step <= 10 and not run.stopped
    assert {len(values) for values in run.history.values()} == {run.step}
    assert checkpoint.load(keep.checkpoint)["step"] == run.step
    assert capsys.readouterr().out == "Everything so far is usable; `await live.play(run)` goes on.\n"
    assert person[0].readout.value.startswith(f"Stopped after {run.step} of 16 steps.")  # so it is told once
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    never = result(game().play())
    resumed = game(keep=kept(keep.checkpoint, resume=True))
    assert same(result(resumed.play()), never)
    assert same(result(asyncio.run(live.play(run))), never) and len(person) == 2


class Kernel:
    """A kernel of another ipykernel, which handles a message and has none of the private names, or others."""

    def get_parent(self, channel: str) -> dict:
        return {"header": {"msg_type": "comm_msg"}}


class TakesNoChannel(Kernel):
    def _publish_status(self, status: str) -> None:
        raise AssertionError("called without the channel")


class Ours(Kernel):
    def __init__(self) -> None:
        self.said = []

    def _publish_status(self, status: str, channel: str) -> None:
        self.said.append((status, channel))


@pytest.mark.parametrize("kernel", [Ours(), Kernel(), TakesNoChannel(), object(), None], ids=lambda k: type(k).__name__)
def test_a_learning_rate_is_moved_whatever_the_kernel_s_private_names(kernel, monkeypatch):
    monkeypatch.setattr(dashboard, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
    view = Dashboard(game(steps=2))
    moved = view.rates["critic"]
    moved.value = moved.options[0][1]
    assert view.requests == {"critic": moved.value}
    if isinstance(kernel, Ours):
        assert kernel.said == [("idle", "shell"), ("busy", "shell")]


def test_steps_taken_by_hand_are_shown_too(person):
    run = game(steps=6, keep=Keep())
    for _ in itertools.islice(run, 4):
        pass
    asyncio.run(live.play(run))
    assert len(person[0].losses["critic_loss"]) == len(run.history["critic_loss"]) == 6


def test_a_cancelled_task_is_kept_and_stays_cancelled(person, tmp_path):
    run = game(keep=kept(tmp_path / "run"))

    async def cancelled() -> None:
        task = asyncio.create_task(live.play(run))
        while run.step < 3:
            await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert 3 <= run.step < 16 and checkpoint.load(tmp_path / "run")["step"] == run.step and person[0].button.disabled


def test_an_error_of_the_metric_is_passed_on(person):
    def metric(run: Run) -> dict[str, float]:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        asyncio.run(live.play(game(keep=Keep(metric, metric_every=4))))
    assert person[0].button.disabled


def test_nan_ends_the_view_with_its_message(person):
    run = game()
    run.source = Spoiled(run.source, not_finite(9, math.nan))
    with pytest.warns(RuntimeWarning, match="critic_loss became nan at step 10"):
        asyncio.run(live.play(run))
    assert person[0].readout.value.startswith("critic_loss became nan at step 10; likely the data")
    assert run.step == 7 and f"critic loss {run.history['critic_loss'][6]:.3f}" in person[0].readout.value


# Learning rates


def test_a_slider_acts_on_the_next_step(person, tmp_path):
    keep = kept(tmp_path / "run")
    run = game(keep=keep)
    rates, take_step = [], run._take_step

    def noted_step(step: int) -> dict[str, torch.Tensor]:
        rates.append([run.optimizers[player].param_groups[0]["lr"] for player in ("critic", "generator")])
        return take_step(step)

    run._take_step = noted_step
    moved = []

    def move() -> None:
        moved.append(run.step)
        person[0].rates["critic"].index += 1
        person[0].rates["generator"].index -= 2

    at_step(run, 5, move)
    [step] = moved
    assert sorted(rates[:step]) == [[1e-3, 1e-3]] * step
    assert rates[step:] == [[2e-3, pytest.approx(2e-4)]] * (16 - step)
    assert run.learning_rates == [(step, "critic", 2e-3), (step, "generator", rates[-1][1])]
    state = checkpoint.load(keep.checkpoint)
    longer = gan_run(*images(), settings(30), kept(keep.checkpoint, resume=True), "cpu")
    assert longer.learning_rates == run.learning_rates and state["step"] == 16
    asyncio.run(live.play(longer))
    assert person[1].rates["critic"].value == 2e-3


def test_a_run_with_moved_rates_resumes_to_the_same_bits(tmp_path):
    runs = [game(keep=kept(tmp_path / name)) for name in ("whole", "parts")]
    for run in runs:
        for _ in itertools.islice(run, 6):
            pass
        run.set_learning_rate("critic", 5e-4)
    runs[1].collect()
    runs[1].save()
    resumed = game(keep=kept(tmp_path / "parts", resume=True))
    assert same(result(resumed.play()), result(runs[0].play()))
    assert not same(result(resumed)["weights"]["modules"], result(game().play())["weights"]["modules"])


def test_divergence_names_the_rate_of_then_and_undoes_the_change():
    run = gan_run(*games.points(), settings(200), device="cpu")
    for _ in itertools.islice(run, 60):
        pass
    run.set_learning_rate("critic", 1e30)
    with pytest.warns(
        RuntimeWarning, match=r"the learning rate, 0.001 of the generator, 1e\+30 of the critic: try a third"
    ):
        run.play()
    assert run.step == 50 and run.learning_rates == []
    assert run.optimizers["critic"].param_groups[0]["lr"] == 1e-3


@pytest.mark.parametrize("value", [0, -1e-3, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(value):
    run = game()
    with pytest.raises(ValueError, match=f"value: got {value}, expected a finite number > 0"):
        run.set_learning_rate("critic", value)
    with pytest.raises(ValueError, match=r"player: got 'ema', expected one of \['critic', 'generator'\]"):
        run.set_learning_rate("ema", 1e-3)
    assert run.learning_rates == []


# What it costs


@pytest.mark.parametrize("slow", [0.0, 4.0, 30.0])
def test_the_forecast_is_right_after_a_tenth_of_the_run(monkeypatch, slow):
    """The first painting and the first step may take what they like; so may every second step."""
    now = [100.0]
    monkeypatch.setattr(dashboard.time, "perf_counter", lambda: now[0])
    forecast, apart = dashboard.Forecast(), [0.05, 0.15]
    now[0] += slow  # the first painting
    for step in range(1, 301):
        now[0] += slow if step == 1 else apart[step % 2]
        forecast.note(step)
        if step in (30, 150, 299):
            assert (300 - step) / forecast.speed(step) == pytest.approx(0.1 * (300 - step), rel=0.2)


def test_a_forecast_waits_for_something_to_judge_by():
    forecast = dashboard.Forecast()
    assert forecast.speed(0) is None
    forecast.note(1)
    assert forecast.speed(1) is None


def test_text_and_bar_move_every_second_whatever_pictures_cost(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(dashboard.time, "perf_counter", lambda: now[0])
    run = game(steps=40)
    view = Dashboard(run)
    paint = view.curves.paint
    painted, texts = [], []

    def costly(*panels):
        painted.append(now[0])
        now[0] += 0.4  # so ten seconds pass to the next
        paint(*panels)

    monkeypatch.setattr(view.curves, "paint", costly)
    for record in run:
        now[0] += 0.5
        view.after_step(record)
        texts.append((view.readout.value, view.progress.value))
    assert 2 <= len(painted) <= 3
    assert len(set(texts)) >= 18 and texts[-1][1] >= 39


def test_the_legend_lies_on_no_curve():
    picture = curves.Curves(10)
    up = {name: curves.thin([1.0] * 9) for name in ("critic_loss", "generator_loss")}
    picture.paint((up, {"d_real": curves.thin([1.0] * 9)}), {})
    for ax in picture.figure.axes:
        box = ax.get_legend().get_window_extent()
        assert box.y0 >= ax.get_window_extent().y1 - 1 and box.y1 <= picture.figure.bbox.y1
        assert box.x1 <= picture.figure.bbox.x1


@pytest.mark.parametrize("steps", [10, 100_000])
def test_no_word_is_cut_at_an_edge_of_the_picture(steps):
    with matplotlib.rc_context(STYLE):  # as in a lesson
        picture = curves.Curves(steps)
        above = {name: curves.thin([1.0] * 9) for name in ("critic_loss", "generator_loss")}
        picture.paint((above, {"d_real": curves.thin([0.5] * 9)}), {})
        for text in picture.figure.findobj(Text):
            if text.get_text() and text.get_visible():
                box = text.get_window_extent()
                assert box.y0 >= 1 and box.y1 <= curves.SIDE - 1, text
                assert box.x0 >= 1 and box.x1 <= curves.SIDE - 1, text


@pytest.mark.parametrize("cost", [0.001, 0.03, 0.2, 3.0])
def test_painting_takes_a_small_share_and_comes_once_a_second(monkeypatch, cost):
    now = [100.0]
    monkeypatch.setattr(dashboard.time, "perf_counter", lambda: now[0])
    pace, painted = Pace(), []

    def paint() -> None:
        painted.append(now[0])
        now[0] += cost

    while len(painted) < 50:
        pace.paint(paint)
        now[0] += 0.01  # a step
    apart = [b - a for a, b in itertools.pairwise(painted)]
    assert cost * 50 / (now[0] - 100) <= 1 / 26 + 1e-3
    assert max(1, 25 * cost) <= min(apart) and max(apart) < max(1, 25 * cost) + cost + 0.02


def test_two_measures_in_one_panel_do_not_look_alike():
    picture = curves.Curves(10)
    bound = {"bound": curves.thin([1.0, 2.0])}
    measures = {name: curves.thin([1.0, 2.0]) for name in ("training", "held_out", "as asked, %")}
    picture.paint((bound, measures), {})
    lines = [(line.get_color(), line.get_linestyle()) for line in picture.figure.axes[1].lines]
    assert len({*lines}) == 3 and lines[0] == (plots.INK, "-")
    assert {plots.FAKE, plots.REAL}.isdisjoint(color for color, _ in lines)


def test_curves_show_all_steps_in_few_points():
    x, y = curves.thin(list(range(1001)))
    assert len(x) <= curves.POINTS and y[0] == 3 and x[0] == 4 and y[-1] == (994 + 1000) / 2
    assert [list(values) for values in curves.thin([5.0, 7.0])] == [[1, 2], [5, 7]]
    picture = curves.Curves(10)
    losses, d, seen = {"critic_loss": curves.thin([1.0, math.nan])}, {"d_real": curves.thin([0.5, 0.6])}, []
    for marks in ({"critic": []}, {"critic": [1]}):
        picture.paint((losses, d), marks)
        seen.append(picture.picture.value)
    assert seen[0] != seen[1] and [ax.get_ylim() for ax in picture.figure.axes] == [(0, 1), (0, 1)]


# Where nobody watches


@pytest.mark.parametrize(("steps", "quiet", "lines"), [(40, False, 10), (7, False, 7), (25, False, 9), (40, True, 1)])
def test_lines_are_printed_instead(steps, quiet, lines, monkeypatch, capsys):
    monkeypatch.setenv("TQDM_DISABLE", "1" if quiet else "")
    run = asyncio.run(live.play(game(steps)))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    assert printed[-1].startswith(f"step {steps} of {steps}; critic loss {run.history['critic_loss'][-1]:.3f}")
    assert asyncio.run(live.play(run)) is run and len(capsys.readouterr().out.splitlines()) == 1  # nothing is left


# A VAE


def test_a_vae_is_seen_and_steered_as_a_game_is(person, capsys):
    def waves() -> Run:
        with runtime.seeded(0):
            vae = models.conv_vae(2, 1, 8, width=4)
        images = ImageSet(torch.arange(640).view(10, 1, 8, 8).to(torch.uint8), None, (), "waves", "train")
        settings = VAESettings(12, precision="float32")
        return vae_run(vae, images.batches(5, scale="binary"), settings, Keep(sample_every=4, samples=3), "cpu")

    run = waves()
    at_step(run, 5, lambda: person[0].stop())
    shown = person[0]
    assert run.step == 5 and list(shown.rates) == ["vae"] and shown.button.disabled
    bound, kl = run.history["bound"][-1], run.history["kl"][-1]
    assert shown.readout.value == f"Stopped after 5 of 12 steps.<br>bound {bound:.3f}; KL {kl:.3f}"
    at_step(run, 8, lambda: setattr(person[1].rates["vae"], "index", 0))
    assert run.step == 12 and [player for _, player, _ in run.learning_rates] == ["vae"]
    whole = waves().play()
    assert run.history["bound"][:8] == whole.history["bound"][:8] != run.history["bound"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "watched", lambda: False)
        alone = asyncio.run(live.play(waves()))
    assert same(result(alone), result(whole)) and "step 12 of 12; bound -" in capsys.readouterr().out


def test_curves_of_bounds_leave_out_zero_and_the_first_steps():
    steps = np.arange(100.0)
    low, high = curves._limits([(steps, -100 - 400 * np.exp(-steps / 2))])
    assert -140 < low < -100 - 400 * math.exp(-5) and -100 <= high <= -95
    assert curves._limits([(steps[:1], np.array([-544.0]))])[1] >= -544
    assert curves._limits([(steps[:2], np.array([-1.0, 3.0]))]) == (-1, 5) and curves._limits([]) == (0, 1)


def test_points_are_shown_by_their_curves_alone(person):
    run = asyncio.run(live.play(gan_run(*games.points(), settings(5), device="cpu")))
    assert run.step == 5 and person[0].columns == 0 and bytes(person[0].samples.value) == b""
    assert person[0].curves.picture.value[:4] == b"\x89PNG"


def test_nobody_watches_a_script_or_nbclient():
    """papermill executes by nbclient."""
    assert not live.watched()
    notebook = v4.new_notebook(cells=[v4.new_code_cell("from ganlab.widgets import live\nlive.watched()")])
    NotebookClient(notebook, kernel_name="python3", timeout=round(limits.scaled(10))).execute()
    assert notebook.cells[0].outputs[0].data["text/plain"] == "False"
