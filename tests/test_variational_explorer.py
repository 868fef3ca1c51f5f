"""The explorer of the bound without a browser: its numbers against closed forms, its callbacks, its pictures."""

import math
import threading

import matplotlib.pyplot as plt
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor

from ganlab import plots, probability, toys
from ganlab.widgets import BoundExplorer
from ganlab.widgets.bound import BoundPicture, bound_state, posterior

X = 1.2


def two_humps(z: Tensor) -> Tensor:
    return probability.gaussian_log_density(torch.full((), X, dtype=torch.float64), z**2 + 0.4 * z, 0.5)


def straight(z: Tensor) -> Tensor:
    return probability.gaussian_log_density(torch.full((), X, dtype=torch.float64), 0.8 * z + 0.1, 0.6)


LINEAR = toys.LinearGaussian(
    torch.full((1, 1), 0.8, dtype=torch.float64), torch.full((1,), 0.1, dtype=torch.float64), 0.6
)
PLACES = [(0.0, 1.0), (0.9, 0.25), (-2.5, 0.1), (2.5, 2.0), (4.0, 0.05)]


@pytest.mark.parametrize(("mu", "sigma"), PLACES)
def test_bound_of_a_linear_model_is_the_closed_form(mu: float, sigma: float) -> None:
    state = bound_state(straight, mu, sigma)
    x = torch.tensor([[X]], dtype=torch.float64)
    log_p_x, (mean, covariance) = LINEAR.log_prob(x).item(), LINEAR.posterior(x)
    variance = covariance.item()
    expected = norm.logpdf(X, 0.8 * mu + 0.1, 0.6) - (0.8 * sigma) ** 2 / (2 * 0.6**2)
    gap = 0.5 * (((mu - mean.item()) ** 2 + sigma**2) / variance - 1 - math.log(sigma**2 / variance))
    kl = 0.5 * (mu**2 + sigma**2 - 1 - math.log(sigma**2))
    assert state == pytest.approx((log_p_x, expected, kl, expected - kl, gap), abs=1e-8)
    assert state.bound + state.gap == pytest.approx(state.log_p_x, abs=1e-8)


@pytest.mark.parametrize(("mu", "sigma"), PLACES)
def test_bound_of_a_bent_model_is_scipys(mu: float, sigma: float) -> None:
    state = bound_state(two_humps, mu, sigma)

    def joint(z: float) -> float:
        return norm.pdf(X, z**2 + 0.4 * z, 0.5) * norm.pdf(z)

    assert state.log_p_x == pytest.approx(math.log(quad(joint, -8, 8, points=[-1.3, 0.9])[0]), abs=1e-8)
    at = (mu - 9 * sigma, mu + 9 * sigma)
    expected = quad(lambda z: norm.pdf(z, mu, sigma) * norm.logpdf(X, z**2 + 0.4 * z, 0.5), *at, points=[mu])[0]
    assert state.expected_log_likelihood == pytest.approx(expected, rel=1e-7, abs=1e-7)
    assert state.bound + state.gap == pytest.approx(state.log_p_x, abs=1e-7)
    assert state.bound == pytest.approx(state.expected_log_likelihood - state.kl, abs=1e-12)


def test_gap_closes_exactly_at_a_gaussian_posterior() -> None:
    mean, covariance = LINEAR.posterior(torch.tensor([[X]], dtype=torch.float64))
    assert bound_state(straight, mean.item(), math.sqrt(covariance.item())).gap == pytest.approx(0, abs=1e-12)
    assert bound_state(straight, mean.item() + 0.1, math.sqrt(covariance.item())).gap > 0.01


def test_posterior_survives_an_unlikely_x() -> None:
    log_p_x, log_p_z_given_x = posterior(lambda z: straight(z) - 2000)
    assert log_p_x == pytest.approx(LINEAR.log_prob(torch.tensor([[X]], dtype=torch.float64)).item() - 2000)
    assert log_p_z_given_x.exp().max() == pytest.approx(posterior(straight)[1].exp().max().item())


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 0.0), (0.0, -1.0), (0.0, 2.5), (5.0, 1.0), (0.0, math.nan)])
def test_bound_refuses_what_its_grid_cannot_hold(mu: float, sigma: float) -> None:
    with pytest.raises(ValueError, match=r"mu, sigma: got .*expected mu in \[-4, 4\] and sigma in \[0.05, 2\]"):
        bound_state(two_humps, mu, sigma)


def test_picture_shows_the_state() -> None:
    figure, axes = plt.subplots(2, 1)
    picture = BoundPicture(axes, two_humps)
    state = picture.move(0.9, 0.25)
    z, q = picture.q.get_data()
    assert z[q.argmax()] == pytest.approx(0.9) and q.max() == pytest.approx(norm.pdf(0, 0, 0.25))
    ends = [tuple(line.get_xdata()) for line in picture.bars]
    expected = [(0, state.expected_log_likelihood), (state.expected_log_likelihood, state.bound)]
    assert ends == [pytest.approx(pair) for pair in [*expected, (state.bound, state.log_p_x)]]
    assert [text.get_text() for text in axes[1].texts] == ["log p(x)"]  # the vertical line has its name
    prior = next(line for line in axes[0].lines if line.get_label() == "p(z), prior")
    assert prior.get_zorder() > picture.q.get_zorder()  # and a q that covers the prior does not hide it
    plt.close(figure)


def test_the_axes_follow_q_and_the_bars() -> None:
    explorer = BoundExplorer(two_humps, mu=0.0, sigma=1.0)
    densities, nats = explorer.bound.axes
    top, left = densities.get_ylim()[1], nats.get_xlim()[0]
    explorer.sigma.value = 0.1
    assert densities.get_ylim()[1] > explorer.bound.q.get_ydata().max() == pytest.approx(3.99, abs=0.01)
    explorer.mu.value, explorer.sigma.value = -2.5, 2.0
    ends = [end for line in explorer.bound.bars for end in line.get_xdata()]
    assert nats.get_xlim()[0] <= min(ends) < -8
    explorer.mu.value, explorer.sigma.value = 0.0, 1.0
    assert (densities.get_ylim()[1], nats.get_xlim()[0]) == (top, left)
    # what is kept in the background is what a figure drawn anew would show
    quick, ground = explorer.picture.value, explorer.picture.ground
    explorer.picture.limits = None
    explorer.picture.paint()
    assert (explorer.picture.value, explorer.picture.ground) == (quick, ground)


def test_explorer_follows_its_sliders() -> None:
    explorer = BoundExplorer(two_humps, mu=0.0, sigma=1.0)
    before, text = explorer.picture.value, explorer.readout.value
    assert bytes(explorer.picture.ground[:4]) == b"\x89PNG"
    explorer.mu.value = 0.9
    moved = explorer.picture.value
    explorer.sigma.value = 0.25
    assert len({before, moved, explorer.picture.value}) == 3
    state = bound_state(two_humps, 0.9, 0.25)
    numbers = (state.expected_log_likelihood, state.kl, state.bound, state.gap, state.log_p_x)
    assert all(f"{number:.4f}" in explorer.readout.value for number in numbers)
    explorer.mu.value, explorer.sigma.value = 0.0, 1.0
    assert (explorer.picture.value, explorer.readout.value) == (before, text)  # the same place, the same picture


def test_explorer_works_at_the_ends_of_its_sliders() -> None:
    explorer = BoundExplorer(two_humps)
    for mu in (explorer.mu.min, explorer.mu.max):
        for sigma in (explorer.sigma.min, explorer.sigma.max):
            explorer.mu.value, explorer.sigma.value = mu, sigma
            assert "nan" not in explorer.readout.value and "inf" not in explorer.readout.value


def test_explorer_draws_from_another_thread_and_never_through_pyplot() -> None:
    explorer, open_figures = BoundExplorer(two_humps), plt.get_fignums()
    before = explorer.picture.value
    thread = threading.Thread(target=setattr, args=(explorer.mu, "value", 1.0))
    thread.start()
    thread.join()
    assert explorer.picture.value != before
    assert plt.get_fignums() == open_figures


def test_explorer_can_be_found_and_leaves_the_random_state_alone() -> None:
    state = torch.get_rng_state()
    explorer = BoundExplorer(two_humps)
    explorer.mu.value = 1.0
    assert torch.equal(torch.get_rng_state(), state)
    assert "ganlab-widget" in explorer._dom_classes and "ganlab-picture" in explorer.picture._dom_classes
    assert (explorer.mu.step, explorer.sigma.step) == (0.01, 0.01)
    assert explorer.bound.q.get_color() == plots.FAKE
