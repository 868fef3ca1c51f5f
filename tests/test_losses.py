"""Losses on logits against scipy in float64, at logits of +-50, and with wrong versions that must be told apart."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_expit
from sklearn.metrics import log_loss
from torch.autograd import gradcheck

from ganlab import losses
from ganlab.losses import OBJECTIVES, log_d, log_one_minus_d, value

REAL = np.array([-50.0, -3.7, -0.2, 0.0, 1.3, 8.0, 50.0])
FAKE = np.array([2.5, -50.0, 50.0, -1.1, 0.4, -9.0, 0.0])
CRITIC = OBJECTIVES["relativistic"].critic


def tensor(values: np.ndarray, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def slope(function, logits: np.ndarray, dtype: torch.dtype = torch.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return a per-sample function's values and its derivatives, as float64 arrays."""
    x = tensor(logits, dtype)
    y = function(x)
    assert y.shape == x.shape and y.dtype == dtype  # per sample, no mean taken
    (gradient,) = torch.autograd.grad(y.sum(), x)
    return y.detach().double().numpy(), gradient.double().numpy()


# function of the logits -> its value and its derivative, in closed form
CLOSED_FORMS = {
    "log_d": (log_d, lambda x: log_expit(x), lambda x: expit(-x)),
    "log_one_minus_d": (log_one_minus_d, lambda x: log_expit(-x), lambda x: -expit(x)),
    "minimax generator": (OBJECTIVES["minimax"].generator, lambda x: log_expit(-x), lambda x: -expit(x)),
    "non-saturating": (OBJECTIVES["non_saturating"].generator, lambda x: -log_expit(x), lambda x: -expit(-x)),
    "least squares": (OBJECTIVES["least_squares"].generator, lambda x: (x - 1) ** 2 / 2, lambda x: x - 1),
    "wasserstein": (OBJECTIVES["wasserstein"].generator, lambda x: -x, lambda x: -np.ones_like(x)),
    "hinge": (OBJECTIVES["hinge"].generator, lambda x: -x, lambda x: -np.ones_like(x)),
}
# objective -> its critic's loss of real and fake logits, and the derivatives by either, in closed form
CRITICS = {
    "minimax": (lambda r, f: -log_expit(r) - log_expit(-f), lambda r, f: -expit(-r), lambda r, f: expit(f)),
    "least_squares": (lambda r, f: ((r - 1) ** 2 + f**2) / 2, lambda r, f: r - 1, lambda r, f: f),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -np.ones_like(r), lambda r, f: np.ones_like(f)),
    "hinge": (
        lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f),
        lambda r, f: -1.0 * (r < 1),
        lambda r, f: 1.0 * (f > -1),
    ),
    "relativistic": (lambda r, f: -log_expit(r - f), lambda r, f: -expit(f - r), lambda r, f: expit(f - r)),
}
CRITICS["non_saturating"] = CRITICS["minimax"]
WRONG = {
    "log_d": lambda x: torch.log(torch.sigmoid(x) + 1e-8),
    "log_one_minus_d": lambda x: torch.log(1 - torch.sigmoid(x) + 1e-8),
    "minimax generator": lambda x: -log_one_minus_d(x),  # swapped sign
    "non-saturating": lambda x: log_one_minus_d(x),  # saturates, under the other name
    "least squares": lambda x: (x - 1) ** 2,  # without the half, twice the step
    "wasserstein": lambda x: x,  # swapped sign
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_values_and_gradients_are_the_closed_forms(name):
    function, expected, derivative = CLOSED_FORMS[name]
    for dtype, tolerance in [(torch.float64, 1e-12), (torch.float32, 2e-6)]:
        values, gradients = slope(function, REAL, dtype)
        np.testing.assert_allclose(values, expected(REAL), rtol=tolerance, atol=1e-30)
        np.testing.assert_allclose(gradients, derivative(REAL), rtol=tolerance, atol=1e-30)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_version_is_told_apart(name):
    _, expected, derivative = CLOSED_FORMS[name]
    values, gradients = slope(WRONG[name], REAL)
    assert not np.allclose(values, expected(REAL), rtol=1e-6, atol=1e-30)
    assert not np.allclose(gradients, derivative(REAL), rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_autograd_agrees_with_finite_differences(name):
    assert gradcheck(CLOSED_FORMS[name][0], (tensor(np.array([-2.2, 0.1, 3.0])),))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_critic_loss_per_pair_and_its_gradients(name):
    real, fake = tensor(REAL), tensor(FAKE)
    loss, (expected, for_real, for_fake) = OBJECTIVES[name].critic(real, fake), CRITICS[name]
    assert loss.shape == real.shape
    np.testing.assert_allclose(loss.detach().numpy(), expected(REAL, FAKE), rtol=1e-12)
    by_real, by_fake = torch.autograd.grad(loss.sum(), (real, fake))
    np.testing.assert_allclose(by_real.numpy(), for_real(REAL, FAKE), rtol=1e-12)
    np.testing.assert_allclose(by_fake.numpy(), for_fake(REAL, FAKE), rtol=1e-12)
    swapped = OBJECTIVES[name].critic(fake, real)
    assert not torch.allclose(loss, swapped)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_critics_gradient_agrees_with_finite_differences(name):
    assert gradcheck(OBJECTIVES[name].critic, (tensor(np.array([-2.2, 0.1, 3.0])), tensor(np.array([1.7, -0.4, 0.9]))))


def test_the_relativistic_generator_plays_the_critics_part_with_the_roles_exchanged():
    real, fake = tensor(REAL), tensor(FAKE)
    generator = OBJECTIVES["relativistic"].generator
    assert OBJECTIVES["relativistic"].paired and torch.equal(generator(fake, real), CRITIC(fake, real))
    np.testing.assert_allclose(generator(fake, real).detach().numpy(), -log_expit(FAKE - REAL), rtol=1e-12)
    (by_fake,) = torch.autograd.grad(generator(fake, real).sum(), fake)
    np.testing.assert_allclose(by_fake.numpy(), -expit(REAL - FAKE), rtol=1e-12)
    far = torch.tensor([1e4, -1e4])
    assert generator(far, -far).tolist() == [0, 2e4] and CRITIC(far, -far).tolist() == [0, 2e4]


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_the_value_is_minus_the_mean_critic_loss(name):
    real, fake = tensor(REAL), tensor(FAKE)
    assert value(real, fake).item() == pytest.approx(-OBJECTIVES[name].critic(real, fake).mean().item(), rel=1e-12)


def test_the_value_is_scikit_learns_log_loss():
    real, fake = REAL[1:-1], FAKE[3:]  # its probabilities cannot hold a logit of 50
    labels, d = [1] * len(real) + [0] * len(fake), expit(np.concatenate([real, fake]))
    weights = [1 / len(real)] * len(real) + [1 / len(fake)] * len(fake)
    found = value(tensor(real), tensor(fake)).item()
    assert found == pytest.approx(-log_loss(labels, d, normalize=False, sample_weight=weights), rel=1e-9)
    assert found != pytest.approx(value(tensor(fake), tensor(real)).item(), rel=0.01)


def test_the_generators_part_of_the_minimax_loss_is_the_values_and_where_it_saturates():
    fake = tensor(FAKE)
    (whole,) = torch.autograd.grad(value(tensor(REAL), fake), fake)
    (part,) = torch.autograd.grad(OBJECTIVES["minimax"].generator(fake).mean(), fake)
    torch.testing.assert_close(whole, part, rtol=1e-12, atol=0)
    sure_of_a_fake = np.array([-50.0])
    assert abs(slope(OBJECTIVES["minimax"].generator, sure_of_a_fake)[1]) < 1e-20
    assert slope(OBJECTIVES["non_saturating"].generator, sure_of_a_fake)[1] == pytest.approx(-1)


@pytest.mark.parametrize("logit", [-1e4, -90.0, 90.0, 1e4])
def test_nothing_overflows_in_float32(logit):
    for function, expected, derivative in CLOSED_FORMS.values():
        values, gradients = slope(function, np.array([logit]), torch.float32)
        np.testing.assert_allclose(values, expected(logit), rtol=1e-6, atol=1e-37)
        np.testing.assert_allclose(gradients, derivative(logit), rtol=1e-5, atol=1e-37)


def test_objectives_are_found_by_name():
    assert losses.objective("minimax") is OBJECTIVES["minimax"]
    with pytest.raises(ValueError, match="objective: got 'wgan', expected an Objective or one of minimax, non"):
        losses.objective("wgan")


# Penalties


class Bowl(torch.nn.Module):
    """c(x) = a |x|^2 / 2 + b . x for points x (B, 2), whose slope is a x + b."""

    def __init__(self) -> None:
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(1.5, dtype=torch.float64))
        self.b = torch.nn.Parameter(torch.tensor([0.3, -2.0], dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.5 * self.a * (x**2).sum(1) + x @ self.b

    def slope(self, x: torch.Tensor) -> torch.Tensor:
        return self.a * x + self.b


def square(v: torch.Tensor) -> torch.Tensor:
    return (v**2).sum(1)


# penalty -> what it is for Bowl, whose slope is known
OF_BOWL = {
    "r1": lambda bowl, real, fake, shares: square(bowl.slope(real)),
    "r2": lambda bowl, real, fake, shares: square(bowl.slope(fake)),
    "r1_r2": lambda bowl, real, fake, shares: square(bowl.slope(real)) + square(bowl.slope(fake)),
    "gradient_penalty": lambda bowl, real, fake, shares: (
        (bowl.slope(fake + shares[:, None] * (real - fake)).norm(dim=1) - 1) ** 2
    ),
}


@pytest.mark.parametrize("name", losses.PENALTIES)
def test_a_penalty_and_its_pull_on_the_weights_are_the_closed_forms(name):
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 5, 2, generator=generator, dtype=torch.float64)
    shares, bowl = torch.rand(5, generator=generator, dtype=torch.float64), Bowl()
    found, expected = losses.PENALTIES[name](bowl, real, fake, shares), OF_BOWL[name](bowl, real, fake, shares)
    assert found.shape == (5,)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    weights = list(bowl.parameters())
    for a, b in zip(
        torch.autograd.grad(found.sum(), weights), torch.autograd.grad(expected.sum(), weights), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", losses.PENALTIES)
def test_a_penalty_leaves_the_samples_alone_and_takes_images(name):
    critic = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 1), torch.nn.Flatten(0))
    real, fake = torch.randn(2, 4, 3, 4, 4)
    found = losses.penalty_function(name)(critic, real, fake, torch.rand(4))
    slope = critic[1].weight.square().sum()
    times = {"r1_r2": 2 * slope, "gradient_penalty": (slope.sqrt() - 1) ** 2}.get(name, slope)
    torch.testing.assert_close(found, times.expand(4))
    assert not real.requires_grad and real.grad is None


def test_a_flat_critic_has_a_finite_gradient_penalty():
    critic = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False), torch.nn.Flatten(0))
    torch.nn.init.zeros_(critic[0].weight)
    penalty = losses.gradient_penalty(critic, torch.ones(3, 2), -torch.ones(3, 2), torch.rand(3)).sum()
    penalty.backward()
    assert penalty.item() == pytest.approx(3, abs=1e-4) and critic[0].weight.grad.isfinite().all()


def test_penalties_are_found_by_name():
    with pytest.raises(
        ValueError, match="penalty: got 'r3', expected 'none', a function or one of r1, r2, r1_r2, gradient_penalty"
    ):
        losses.penalty_function("r3")
