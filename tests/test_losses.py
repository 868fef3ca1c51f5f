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
}
WRONG = {
    "log_d": lambda x: torch.log(torch.sigmoid(x) + 1e-8),
    "log_one_minus_d": lambda x: torch.log(1 - torch.sigmoid(x) + 1e-8),
    "minimax generator": lambda x: -log_one_minus_d(x),  # swapped sign
    "non-saturating": lambda x: log_one_minus_d(x),  # saturates, under the other name
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
    loss = OBJECTIVES[name].critic(real, fake)
    np.testing.assert_allclose(loss.detach().numpy(), -log_expit(REAL) - log_expit(-FAKE), rtol=1e-12)
    by_real, by_fake = torch.autograd.grad(loss.sum(), (real, fake))
    np.testing.assert_allclose(by_real.numpy(), -expit(-REAL), rtol=1e-12)  # pushes real logits up
    np.testing.assert_allclose(by_fake.numpy(), expit(FAKE), rtol=1e-12)  # and fake logits down
    swapped = OBJECTIVES[name].critic(fake, real)
    assert not torch.allclose(loss, swapped)


@pytest.mark.parametrize("name", OBJECTIVES)
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
    with pytest.raises(ValueError, match="objective: got 'wgan', expected one of minimax, non_saturating"):
        losses.objective("wgan")
