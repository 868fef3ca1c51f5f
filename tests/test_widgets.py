"""Widgets without a browser: their numbers against closed forms, their callbacks, and the pictures they paint."""

import asyncio
import copy
import io
import math
import threading
from collections.abc import Callable
from typing import Any

import limits
import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
import torch
from matplotlib.colors import same_color
from PIL import Image
from scipy.integrate import quad
from scipy.stats import norm

from ganlab import losses, metrics, models, plots, runtime, toys, train, widgets
from ganlab.data import pixels
from ganlab.widgets import game, minimax
from ganlab.widgets.board import EDGES
from ganlab.widgets.moving import MovingPicture

# Lesson 00: a slider over images.


def test_image_slider_shows_the_image_of_its_value() -> None:
    widget = widgets.image_slider(lambda t: torch.full((3, 4, 6), 2 * t - 1), "blend")
    control, picture, _ = widget.children
    assert (control.min, control.max, control.description) == (0, 1, "blend") and picture.shape == [4, 6, 3]
    assert "ganlab-widget" in widget._dom_classes and "ganlab-picture" in picture._dom_classes
    for t in (0.0, 0.5, 1.0):
        control.value = t
        assert picture.value == pixels.tile(torch.full((1, 3, 4, 6), 2 * t - 1), 1).tobytes()


# Lesson 01: the explorer of the minimax game.

TWO_BUMPS = toys.mixture_1d([-2.0, 1.5], [0.5, 0.8], [0.4, 0.6])
NORMAL = toys.mixture_1d([0.0], [1.0])


def test_game_state_at_the_optimum() -> None:
    state = minimax.game_state(toys.mixture_1d([0.7], [1.3]), 0.7, 1.3)
    assert state.value == pytest.approx(-math.log(4), abs=1e-12)
    assert (state.jsd, state.reverse_kl) == pytest.approx((0, 0), abs=1e-12)
    assert np.abs(list(state.gradients.values())).max() < 1e-12


@pytest.mark.parametrize("mu", [-3.0, 1.0, 4.0])
def test_game_state_against_scipy_for_two_gaussians(mu: float) -> None:
    state = minimax.game_state(NORMAL, mu, 1.0)
    # The logit of D* has the slope -mu everywhere, so each gradient is mu times a mean of D* or of 1 - D*.
    d_at_fakes = quad(lambda x: norm.pdf(x, mu) * norm.pdf(x) / (norm.pdf(x) + norm.pdf(x, mu)), -12, 12)[0]
    assert state.gradients["minimax"][0] == pytest.approx(mu * d_at_fakes, abs=1e-7)
    assert state.gradients["non_saturating"][0] == pytest.approx(mu * (1 - d_at_fakes), abs=1e-7)
    assert state.reverse_kl == pytest.approx(mu**2 / 2, abs=1e-9)


def test_game_state_of_a_stretched_gaussian() -> None:
    state = minimax.game_state(NORMAL, 0.0, 2.0)
    assert state.reverse_kl == pytest.approx(2.0 - 0.5 - math.log(2), abs=1e-9)  # sigma^2/2 - 1/2 - log sigma
    assert state.value == pytest.approx(2 * state.jsd - math.log(4), abs=1e-12)


@pytest.mark.parametrize(("mu", "sigma"), [(0.5, 1.5), (-3.0, 0.4), (6.0, 2.5)])
def test_gradients_are_slopes_of_the_divergences(mu: float, sigma: float) -> None:
    # Minimax: 2 JSD. Non-saturating: KL(p_g || p_data) - 2 JSD (Arjovsky and Bottou 2017, theorem 2.5).
    state, h = minimax.game_state(TWO_BUMPS, mu, sigma), 1e-5
    for k, (d_mu, d_sigma) in enumerate(((h, 0), (0, h))):
        up = minimax.game_state(TWO_BUMPS, mu + d_mu, sigma + d_sigma)
        down = minimax.game_state(TWO_BUMPS, mu - d_mu, sigma - d_sigma)
        two_jsd, kl = (up.jsd - down.jsd) / h, (up.reverse_kl - down.reverse_kl) / (2 * h)
        assert state.gradients["minimax"][k] == pytest.approx(two_jsd, abs=1e-6)
        assert state.gradients["non_saturating"][k] == pytest.approx(kl - two_jsd, abs=1e-6)


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 0.0), (0.0, -1.0), (0.0, 6.0), (21.0, 1.0), (0.0, math.nan)])
def test_game_state_refuses_what_its_grid_cannot_hold(mu: float, sigma: float) -> None:
    with pytest.raises(ValueError, match="mu, sigma: got"):
        minimax.game_state(TWO_BUMPS, mu, sigma)


def test_game_picture_shows_the_state() -> None:
    figure, axes = plt.subplots(3, 1)
    picture = minimax.GamePicture(axes, TWO_BUMPS)
    state = picture.move(3.0, 0.7)
    x, p_g = picture.p_g.get_data()
    assert np.trapezoid(p_g, x) == pytest.approx(1, abs=1e-6)
    assert x[np.argmax(p_g)] == pytest.approx(3.0)
    at = np.argmin(np.abs(x - 1.7))
    p_data = 0.4 * norm.pdf(x[at], -2, 0.5) + 0.6 * norm.pdf(x[at], 1.5, 0.8)
    assert picture.d_star.get_data()[1][at] == pytest.approx(p_data / (p_data + norm.pdf(x[at], 3.0, 0.7)))
    ends = [line.get_xdata()[1] for line in picture.steps]
    assert ends == pytest.approx([3.0 - state.gradients[name][0] for name in ("minimax", "non_saturating")])
    assert ends[1] < ends[0] < 3.0  # both towards the data, the non-saturating step is the longer one
    plt.close(figure)


def test_the_axes_follow_the_bars() -> None:
    narrow = toys.Mixture(torch.tensor([[-2.0]]), torch.tensor([0.45]), torch.tensor([1.0]))
    explorer = widgets.MinimaxExplorer(narrow, mu=-2.0, sigma=0.8)
    assert explorer.game.axes[0].get_xlim() == (-10, 10)
    explorer.mu.value = -8.0
    ends = [end for line in explorer.game.steps for end in line.get_xdata()]
    low, high = explorer.game.axes[2].get_xlim()
    assert low <= min(ends) and 10 < max(ends) <= high <= 40


def test_explorer_follows_its_sliders() -> None:
    explorer = widgets.MinimaxExplorer(TWO_BUMPS, mu=6.0, sigma=0.8)
    before, text = explorer.picture.value, explorer.readout.value
    assert bytes(explorer.picture.ground[:4]) == b"\x89PNG" and "JSD = 0.6878" in text
    explorer.mu.value = 0.2
    assert explorer.picture.value != before
    moved = explorer.picture.value
    explorer.sigma.value = 1.8
    assert explorer.picture.value != moved
    state = minimax.game_state(TWO_BUMPS, 0.2, 1.8)
    assert f"V = {state.value:.4f}" in explorer.readout.value
    for d_mu, d_sigma in state.gradients.values():
        assert f"{d_mu:+.4f} by mu, {d_sigma:+.4f} by sigma" in explorer.readout.value
    explorer.mu.value, explorer.sigma.value = 6.0, 0.8
    assert (explorer.picture.value, explorer.readout.value) == (before, text)  # the same place, the same picture


def painted(picture: MovingPicture) -> np.ndarray:
    """Return the pixels (H, W, 3) that the browser's script makes of what it was sent."""
    sheet = np.array(PIL.Image.open(io.BytesIO(picture.ground)).convert("RGBA"))
    places, colours = np.frombuffer(picture.value, "<u4").reshape(2, -1)
    sheet.view("<u4").reshape(-1)[places] = colours
    return sheet[..., :3]


def test_what_moves_on_what_stands_still_is_the_whole_figure() -> None:
    explorer = widgets.MinimaxExplorer(TWO_BUMPS, mu=6.0, sigma=0.8)
    ground = explorer.picture.ground
    explorer.mu.value = 5.0
    shown = painted(explorer.picture)
    assert explorer.picture.ground is ground and len(explorer.picture.value) < shown.size / 4, "little is sent"
    for artist in explorer.picture.moving:
        artist.set_animated(False)
    whole = np.array(PIL.Image.open(io.BytesIO(plots.png(explorer.picture.figure))).convert("RGB"))
    same = (np.abs(shown.astype(int) - whole).max(axis=2) <= 8).mean()
    assert same > 0.995, "but for the order in which lines and texts lie on each other"
    explorer.game.axes[0].set_xlim(-20, 20)
    explorer.picture.paint()
    assert explorer.picture.ground != ground, "other axes are another ground"


def test_explorer_works_at_the_ends_of_its_sliders() -> None:
    explorer = widgets.MinimaxExplorer(TWO_BUMPS)
    for mu in (explorer.mu.min, explorer.mu.max):
        for sigma in (explorer.sigma.min, explorer.sigma.max):
            explorer.mu.value, explorer.sigma.value = mu, sigma
            assert "nan" not in explorer.readout.value and "inf" not in explorer.readout.value


def test_explorer_draws_from_another_thread_and_never_through_pyplot() -> None:
    explorer, open_figures = widgets.MinimaxExplorer(TWO_BUMPS), plt.get_fignums()
    before = explorer.picture.value
    thread = threading.Thread(target=setattr, args=(explorer.mu, "value", 3.0))
    thread.start()
    thread.join()
    assert explorer.picture.value != before
    assert plt.get_fignums() == open_figures


def test_explorer_can_be_found_and_leaves_the_random_state_alone() -> None:
    state = torch.get_rng_state()
    explorer = widgets.MinimaxExplorer(TWO_BUMPS)
    explorer.mu.value = 1.0
    assert torch.equal(torch.get_rng_state(), state)
    assert "ganlab-widget" in explorer._dom_classes
    assert "ganlab-picture" in explorer.picture._dom_classes
    assert (explorer.mu.step, explorer.sigma.step) == (0.01, 0.01)
    assert set(minimax.LOSS_COLOURS.values()).isdisjoint({plots.REAL, plots.FAKE})


# Lesson 02: the game board.


def new_board(
    steps: int = 1000, toy: toys.Mixture | None = None, choosers: bool = False, **how: Any
) -> widgets.GameBoard:
    with runtime.seeded(4):
        generator, critic = models.MLPGenerator(2, (2,), (16,)), models.MLPCritic((2,), (16,))
    settings = train.GANSettings(steps, learning_rate=1e-2, seed=4, **how)
    source = (toy or toys.ring()).batches(32, seed=4)
    board = widgets.GameBoard(generator, critic, source, settings=settings, choosers=choosers)
    board.picture.observe(lambda change: board.picture.set_trait("painted", change.new), "scene")  # as a browser does
    return board


def test_a_still_of_the_board_cuts_nothing_off() -> None:
    still = Image.open(io.BytesIO(new_board().picture.shot().content)).convert("RGB")
    pixels_of = np.asarray(still).astype(int)
    frame = [pixels_of[:3], pixels_of[-3:], pixels_of[:, :3], pixels_of[:, -3:]]  # blank, or a label runs out of it
    assert max(np.abs(side - pixels_of[0, 0]).max() for side in frame) <= 2
    assert np.abs(pixels_of - pixels_of[0, 0]).max() > 100


def drawn(board: widgets.GameBoard) -> tuple:
    """Return what the browser paints."""
    picture = board.picture
    return picture.surface, picture.real, picture.fake, picture.pulls, picture.title, picture.limit


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(network.parameters()).detach().clone()


@pytest.mark.parametrize(
    ("button", "d_moves", "g_moves"), [("Step D", True, False), ("Step G", False, True), ("Step both", True, True)]
)
@pytest.mark.parametrize("per_click", [1, 10])
def test_board_button_trains_whom_it_says(button: str, d_moves: bool, g_moves: bool, per_click: int) -> None:
    board = new_board()
    run = board.board.run
    critic, generator = weights(run.networks["critic"]), weights(run.networks["generator"])
    picture, text = drawn(board), board.readout.value
    board.per_click.value = per_click
    board.buttons[button].click()
    assert board.board.moves == {"critic": per_click * d_moves, "generator": per_click * g_moves}
    assert (not torch.equal(weights(run.networks["critic"]), critic)) == d_moves
    assert (not torch.equal(weights(run.networks["generator"]), generator)) == g_moves
    assert drawn(board) != picture
    assert board.readout.value != text
    assert f"D has taken {per_click * d_moves} steps, G {per_click * g_moves}." in board.readout.value


PAIRED = {"objective": "relativistic", "penalty": "r1_r2"}
CLIPPED = {"objective": "wasserstein", "penalty": "gradient_penalty", "clip": 0.1}


@pytest.mark.parametrize("how", [{}, PAIRED, CLIPPED])
def test_board_makes_the_moves_of_a_gan_run(how: dict[str, Any]) -> None:
    board, game = new_board(**how), new_board(**how).board.run  # a run of its own, from the same first weights
    board.per_click.value = 10
    board.buttons["Step both"].click()
    for _ in range(10):
        next(game)
    for mine, its in zip((board.board.generator, board.board.critic), game.networks.values(), strict=True):
        assert torch.equal(weights(mine), weights(its))


def test_board_goes_on_by_the_rules_that_are_chosen() -> None:
    board, chosen = new_board(choosers=True), new_board(**PAIRED)
    assert board.choices[0].description == "objective" and board.choices[1].value == "none"
    controls, without = (one.children[0].children[0].children for one in (board, chosen))
    assert controls[:2] == tuple(board.choices) and not set(chosen.choices) & set(without)
    board.buttons["Step both"].click()
    between, text = weights(board.board.critic), board.readout.value
    for choice, value in zip(board.choices, PAIRED.values(), strict=True):
        choice.value = value
    assert torch.equal(weights(board.board.critic), between) and board.readout.value != text
    picture = drawn(board)
    board.choices[1].value = "r1"  # changes nothing but the rules, which the picture tells
    assert drawn(board) != picture
    board.choices[1].value = PAIRED["penalty"]
    board.buttons["Reset"].click()
    assert board.choices[0].value == "relativistic"
    for one in (board, chosen):
        one.buttons["Step both"].click()
    assert torch.equal(weights(board.board.critic), weights(chosen.board.critic))
    assert board.readout.value == chosen.readout.value


def test_board_of_a_paired_objective_shows_numbers_and_pulls_that_hold() -> None:
    board = new_board(**PAIRED).board
    board.play(20, 20)
    figure, ax = plt.subplots()
    state = board.draw(ax)
    plt.close(figure)
    fake, critic = board.run.sample(2500, average=False), copy.deepcopy(board.critic)
    real_logits, fake_logits = critic(board.run.source.at(0)), critic(fake[:32])
    softplus = torch.nn.functional.softplus
    assert state.critic_loss == pytest.approx(softplus(fake_logits - real_logits).mean().item(), rel=1e-6)
    assert state.generator_loss == pytest.approx(softplus(real_logits - fake_logits).mean().item(), rel=1e-6)
    x = fake[:40].clone().requires_grad_()  # more than the 32 real ones: the first eight of these are met again
    softplus(critic(board.run.source.at(0)).repeat(2)[:40] - critic(x)).sum().backward()
    torch.testing.assert_close(board.pulls(fake[:40]), -x.grad)


def test_board_window_follows_the_mixture() -> None:
    for toy, side in ((toys.ring(), 1.6), (toys.grid(), 6.4)):
        figure, ax = plt.subplots()
        new_board(toy=toy).board.draw(ax)
        assert ax.get_xlim() == pytest.approx((-side, side)) and ax.get_ylim() == pytest.approx((-side, side))
        plt.close(figure)


def test_board_reset_takes_everything_back() -> None:
    board = new_board()
    run, picture, text = board.board.run, drawn(board), board.readout.value
    before = weights(run.networks["critic"]), weights(run.networks["generator"])
    board.buttons["Step both"].click()
    after = weights(run.networks["critic"])
    board.buttons["Reset"].click()
    assert torch.equal(weights(run.networks["critic"]), before[0])
    assert torch.equal(weights(run.networks["generator"]), before[1])
    assert (drawn(board), board.readout.value) == (picture, text)
    board.buttons["Step both"].click()
    assert torch.equal(weights(run.networks["critic"]), after)  # the optimizers' memory and the clock of the noise too


def test_board_shows_numbers_and_pulls_that_hold() -> None:
    board = new_board().board
    board.play(200, 200)
    figure, ax = plt.subplots()
    state = board.draw(ax)
    plt.close(figure)
    edges = {points.get_label(): points.get_edgecolor()[0] for points in ax.collections[:2]}
    assert {kind: same_color(edge, EDGES[kind]) for kind, edge in edges.items()} == {"real": True, "fake": True}
    fake = board.run.sample(2500, average=False)
    coverage = metrics.mode_coverage(fake, toys.ring().means, 0.01)
    assert (state.modes, state.good) == (coverage.modes, coverage.good)
    real_logits, fake_logits = board.critic(board.run.source.at(0)), board.critic(fake[:32])
    assert state.critic_loss == pytest.approx(-losses.value(real_logits, fake_logits).item(), rel=1e-6)
    assert state.generator_loss == pytest.approx(torch.nn.functional.softplus(-fake_logits).mean().item(), rel=1e-6)
    # by differences: a pull is minus the slope of -log D
    pulls, x, h = board.pulls(fake[:5]), fake[:5].double(), 1e-4
    critic = copy.deepcopy(board.critic).double()
    for axis in (torch.tensor([h, 0.0]), torch.tensor([0.0, h])):
        slope = (losses.log_d(critic(x + axis)) - losses.log_d(critic(x - axis))) / (2 * h)
        assert torch.allclose((pulls.double() * axis).sum(1) / h, slope, rtol=1e-3, atol=1e-6)
    assert state.longest_pull == pytest.approx(board.pulls(fake[:50]).norm(dim=1).max().item())


def test_board_looks_without_touching_gradients_or_chance() -> None:
    board, state = new_board().board, torch.get_rng_state()
    figure, ax = plt.subplots()
    board.draw(ax)
    plt.close(figure)
    networks = (board.generator, board.critic)
    assert all(parameter.grad is None for network in networks for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), state)


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop go on until the condition holds; TimeoutError when it hangs."""
    async with asyncio.timeout(limits.scaled(2)):
        while not condition():
            await asyncio.sleep(0.005)


def test_board_runs_and_stops() -> None:
    async def press() -> tuple[int, int]:
        board = new_board()
        board.running.value = True
        await until(lambda: board.board.moves["generator"] >= 10)
        board.running.value = False
        stopped_at = board.board.moves["generator"]
        await until(board.task.done)
        return stopped_at, board.board.moves["generator"]

    stopped_at, end = asyncio.run(press())
    assert end == stopped_at < 1000


@pytest.mark.parametrize("answer", [game.GONE, 0])
def test_board_run_ends_when_its_cell_is_gone_or_its_browser_answers_no_more(
    answer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(game, "PATIENCE", 30.0 if answer == game.GONE else 0.05)

    async def press() -> int:
        board = new_board()
        board.running.value = True
        await until(lambda: board.board.moves["generator"] >= 10)
        board.picture.unobserve_all("scene")
        board.picture.painted = answer
        await until(board.task.done)
        assert board.running.value is False
        return board.board.moves["generator"]

    assert asyncio.run(press()) < 1000


def test_board_on_the_canvas_is_the_board_of_the_figures() -> None:
    board = new_board(toy=toys.grid())
    picture, scene = board.picture, board.board.scene()
    assert picture.limit == scene.side == pytest.approx(6.4) and picture.ticks == [-4, 0, 4]
    real = np.frombuffer(picture.real, "<f4").reshape(-1, 2)
    assert np.allclose(real, scene.real.numpy())
    pulls = np.frombuffer(picture.pulls, "<f4").reshape(-1, 4)
    assert np.allclose(pulls, np.hstack([scene.fake[:50].numpy(), scene.pulls.numpy()]))
    surface = np.frombuffer(picture.surface, np.uint8).reshape(game.SQUARES, -1)
    corner = board.board.logits(torch.tensor([[6.4, -6.4]])).sigmoid().item()  # right, below
    assert surface[0, -1] == pytest.approx(255 * corner, abs=0.51)


def test_board_run_ends_by_itself_and_starts_again() -> None:
    async def press() -> list[int]:
        board, ends = new_board(steps=20), []
        for _ in range(2):
            board.running.value = True
            await until(board.task.done)
            ends.append(board.board.moves["critic"])
            assert board.running.value is False
        return ends

    assert asyncio.run(press()) == [20, 40]


def test_board_reset_stops_a_run() -> None:
    async def press() -> widgets.GameBoard:
        board = new_board()
        board.running.value = True
        await until(lambda: board.board.moves["generator"] > 0)
        board.buttons["Reset"].click()
        await until(board.task.done)
        return board

    assert asyncio.run(press()).board.moves == {"critic": 0, "generator": 0}


def test_board_pressed_twice_runs_once() -> None:
    async def press() -> bool:
        board = new_board(steps=20)
        board.running.value = True
        first = board.task
        await asyncio.sleep(0)
        board.running.value = False
        board.running.value = True
        same = board.task is first
        await until(board.task.done)
        return same

    assert asyncio.run(press())


def test_board_without_an_event_loop_does_not_run() -> None:
    board = new_board()
    board.running.value = True
    assert board.running.value is False
    assert board.board.moves == {"critic": 0, "generator": 0}


def test_board_buttons_on_two_threads_do_not_mix() -> None:
    board = new_board()
    thread = threading.Thread(target=board.play, args=(300, 300))
    thread.start()
    while board.board.moves["critic"] == 0:
        pass
    board.buttons["Reset"].click()  # waits until the steps under way are done
    thread.join()
    assert board.board.moves == {"critic": 0, "generator": 0}
    assert board.readout.value == new_board().readout.value


def test_board_draws_from_another_thread_and_can_be_found() -> None:
    board, open_figures = new_board(), plt.get_fignums()
    before = drawn(board)
    thread = threading.Thread(target=board.buttons["Step both"].click)
    thread.start()
    thread.join()
    assert drawn(board) != before
    assert plt.get_fignums() == open_figures
    assert "ganlab-widget" in board._dom_classes
    assert "ganlab-picture" in board.picture._dom_classes
