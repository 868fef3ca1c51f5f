"""Widgets without a browser: their numbers against closed forms, their callbacks, and the pictures they paint."""

import math
import threading

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from ganlab import plots, toys, widgets

# Lesson 01: the explorer of the minimax game.

TWO_BUMPS = toys.mixture_1d([-2.0, 1.5], [0.5, 0.8], [0.4, 0.6])
NORMAL = toys.mixture_1d([0.0], [1.0])


def test_game_state_at_the_optimum() -> None:
    state = widgets.game_state(toys.mixture_1d([0.7], [1.3]), 0.7, 1.3)
    assert state.value == pytest.approx(-math.log(4), abs=1e-12)
    assert (state.jsd, state.reverse_kl) == pytest.approx((0, 0), abs=1e-12)
    assert np.abs(list(state.gradients.values())).max() < 1e-12


@pytest.mark.parametrize("mu", [-3.0, 1.0, 4.0])
def test_game_state_against_scipy_for_two_gaussians(mu: float) -> None:
    state = widgets.game_state(NORMAL, mu, 1.0)
    # The logit of D* has the slope -mu everywhere, so each gradient is mu times a mean of D* or of 1 - D*.
    d_at_fakes = quad(lambda x: norm.pdf(x, mu) * norm.pdf(x) / (norm.pdf(x) + norm.pdf(x, mu)), -12, 12)[0]
    assert state.gradients["minimax"][0] == pytest.approx(mu * d_at_fakes, abs=1e-7)
    assert state.gradients["non_saturating"][0] == pytest.approx(mu * (1 - d_at_fakes), abs=1e-7)
    assert state.reverse_kl == pytest.approx(mu**2 / 2, abs=1e-9)


def test_game_state_of_a_stretched_gaussian() -> None:
    state = widgets.game_state(NORMAL, 0.0, 2.0)
    assert state.reverse_kl == pytest.approx(2.0 - 0.5 - math.log(2), abs=1e-9)  # sigma^2/2 - 1/2 - log sigma
    assert state.value == pytest.approx(2 * state.jsd - math.log(4), abs=1e-12)


@pytest.mark.parametrize(("mu", "sigma"), [(0.5, 1.5), (-3.0, 0.4), (6.0, 2.5)])
def test_gradients_are_slopes_of_the_divergences(mu: float, sigma: float) -> None:
    # Minimax: 2 JSD. Non-saturating: KL(p_g || p_data) - 2 JSD (Arjovsky and Bottou 2017, theorem 2.5).
    state, h = widgets.game_state(TWO_BUMPS, mu, sigma), 1e-5
    for k, (d_mu, d_sigma) in enumerate(((h, 0), (0, h))):
        up = widgets.game_state(TWO_BUMPS, mu + d_mu, sigma + d_sigma)
        down = widgets.game_state(TWO_BUMPS, mu - d_mu, sigma - d_sigma)
        two_jsd, kl = (up.jsd - down.jsd) / h, (up.reverse_kl - down.reverse_kl) / (2 * h)
        assert state.gradients["minimax"][k] == pytest.approx(two_jsd, abs=1e-6)
        assert state.gradients["non_saturating"][k] == pytest.approx(kl - two_jsd, abs=1e-6)


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 0.0), (0.0, -1.0), (0.0, 6.0), (21.0, 1.0), (0.0, math.nan)])
def test_game_state_refuses_what_its_grid_cannot_hold(mu: float, sigma: float) -> None:
    with pytest.raises(ValueError, match="mu, sigma: got"):
        widgets.game_state(TWO_BUMPS, mu, sigma)


def test_game_picture_shows_the_state() -> None:
    figure, axes = plt.subplots(3, 1)
    picture = widgets.GamePicture(axes, TWO_BUMPS)
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


def test_explorer_follows_its_sliders() -> None:
    explorer = widgets.MinimaxExplorer(TWO_BUMPS, mu=6.0, sigma=0.8)
    before, text = explorer.picture.value, explorer.readout.value
    assert bytes(before[:4]) == b"\x89PNG" and "JSD = 0.6878" in text
    explorer.mu.value = 0.2
    assert explorer.picture.value != before
    moved = explorer.picture.value
    explorer.sigma.value = 1.8
    assert explorer.picture.value != moved
    state = widgets.game_state(TWO_BUMPS, 0.2, 1.8)
    assert f"V = {state.value:.4f}" in explorer.readout.value
    for d_mu, d_sigma in state.gradients.values():
        assert f"{d_mu:+.4f} by mu, {d_sigma:+.4f} by sigma" in explorer.readout.value
    explorer.mu.value, explorer.sigma.value = 6.0, 0.8
    assert (explorer.picture.value, explorer.readout.value) == (before, text)  # the same place, the same picture


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
    assert (explorer.mu.step, explorer.sigma.step) == (0.1, 0.1)
    assert set(widgets.LOSS_COLOURS.values()).isdisjoint({plots.REAL, plots.FAKE})
