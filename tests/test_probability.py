"""Closed forms and quadrature against scipy, torch.distributions and known answers."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import torch
from torch.autograd import gradcheck

from ganlab import probability
from ganlab.probability import (
    bernoulli_log_density,
    gaussian_log_density,
    integrate,
    js_divergence,
    kl_divergence,
    optimal_logits,
)

LINE = torch.linspace(-30, 30, 6001, dtype=torch.float64)
GAUSSIANS = [(0.3, 0.7, -1.2, 1.9), (-2.0, 1.5, 1.0, 0.8), (0.5, 1.0, 0.5, 3.0)]  # mu_p, sigma_p, mu_q, sigma_q
LOG_2 = math.log(2)


def gaussian(mu: float, sigma: float) -> torch.Tensor:
    return gaussian_log_density(LINE, mu, sigma)


def kl_of_gaussians(mu_p: float, sigma_p: float, mu_q: float, sigma_q: float) -> float:
    return math.log(sigma_q / sigma_p) + (sigma_p**2 + (mu_p - mu_q) ** 2) / (2 * sigma_q**2) - 0.5


def uniform(low: float, high: float) -> torch.Tensor:
    inside = (low <= LINE) & (high >= LINE)
    return torch.where(inside, -math.log(high - low), -math.inf).double()


def double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(("mu", "sigma"), [(0.1, 0.7), (-3.3, 0.01), (2.0, 11.0)])
def test_gaussian_log_density_is_scipys(mu, sigma):
    x = torch.tensor([-40.0, -1.3, 0.0, 0.1, 2.7], dtype=torch.float64)
    expected = torch.from_numpy(scipy.stats.norm(mu, sigma).logpdf(x.numpy()))
    torch.testing.assert_close(gaussian_log_density(x, mu, sigma), expected, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(
        gaussian_log_density(x, *torch.tensor([mu, sigma], dtype=x.dtype)), expected, rtol=1e-13, atol=0
    )
    single = gaussian_log_density(x.float(), mu, sigma)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single, expected.float(), rtol=1e-5, atol=1e-5)


def test_gaussian_log_density_broadcasts():
    x, mu, sigma = torch.randn(5, 1), torch.randn(3), torch.rand(4, 1, 3) + 0.5
    expected = torch.distributions.Normal(mu, sigma).log_prob(x)
    torch.testing.assert_close(gaussian_log_density(x, mu, sigma), expected)


@pytest.mark.parametrize("logit", [-120.0, -50.0, -3.7, 0.0, 1.3, 50.0, 120.0])  # exp(120) is no float32
@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
def test_bernoulli_log_density_at_any_logit(x, logit):
    expected = x * scipy.special.log_expit(logit) + (1 - x) * scipy.special.log_expit(-logit)
    for dtype, tolerance in [(torch.float64, 1e-13), (torch.float32, 1e-6)]:
        found = bernoulli_log_density(torch.tensor(x, dtype=dtype), torch.tensor(logit, dtype=dtype)).item()
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)


def test_bernoulli_log_density_is_torchs():
    logits, x = torch.tensor([-4.0, 0.2, 9.0]), torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(
        bernoulli_log_density(x, logits), torch.distributions.Bernoulli(logits=logits).log_prob(x)
    )


def test_log_densities_have_right_gradients():
    assert gradcheck(gaussian_log_density, (double(-1.3, 0.4), double(0.2, 2.0), double(0.7, 1.9)))
    assert gradcheck(bernoulli_log_density, (double(0.0, 0.3, 1.0), double(-5.0, 0.4, 2.0)))


def test_integrate_takes_uneven_grids_and_leading_dimensions():
    x = torch.tensor([0.0, 0.1, 0.5, 2.0, 3.0], dtype=torch.float64)
    f = torch.stack([x**2, torch.cos(x)])
    expected = torch.from_numpy(scipy.integrate.trapezoid(f.numpy(), x.numpy()))
    torch.testing.assert_close(integrate(f, x), expected)
    assert integrate(gaussian(0.3, 0.7).exp(), LINE).item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("parameters", GAUSSIANS)
def test_kl_of_gaussians_is_the_closed_form_in_its_own_direction(parameters):
    mu_p, sigma_p, mu_q, sigma_q = parameters
    found = kl_divergence(gaussian(mu_p, sigma_p), gaussian(mu_q, sigma_q), LINE).item()
    assert found == pytest.approx(kl_of_gaussians(*parameters), abs=1e-9)
    assert abs(found - kl_of_gaussians(mu_q, sigma_q, mu_p, sigma_p)) > 0.1  # the swapped one is another number


@pytest.mark.parametrize("parameters", GAUSSIANS)
def test_jsd_is_scipys_quadrature_and_symmetric(parameters):
    p, q = scipy.stats.norm(*parameters[:2]).pdf, scipy.stats.norm(*parameters[2:]).pdf

    def integrand(x: float) -> float:
        m = (p(x) + q(x)) / 2
        return 0.5 * (scipy.special.rel_entr(p(x), m) + scipy.special.rel_entr(q(x), m))

    expected = scipy.integrate.quad(integrand, -30, 30, points=[-2, 0, 1], limit=200)[0]
    log_p, log_q = gaussian(*parameters[:2]), gaussian(*parameters[2:])
    assert js_divergence(log_p, log_q, LINE).item() == pytest.approx(expected, abs=1e-8)
    assert js_divergence(log_q, log_p, LINE).item() == pytest.approx(expected, abs=1e-8)


def test_divergences_of_equal_densities_are_zero():
    log_p = gaussian(0.3, 0.7)
    assert kl_divergence(log_p, log_p, LINE).item() == 0
    assert js_divergence(log_p, log_p, LINE).item() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_jsd_of_far_densities_is_log_2_and_its_gradient_vanishes(dtype):
    x = torch.linspace(-60, 60, 12001, dtype=dtype)
    for shift in (20.0, 40.0, 50.0):
        mu = torch.tensor(shift, dtype=dtype, requires_grad=True)
        jsd = js_divergence(gaussian_log_density(x, 0.0, 1.0), gaussian_log_density(x, mu, 1.0), x)
        assert jsd.item() == pytest.approx(LOG_2, abs=1e-5 if dtype == torch.float32 else 1e-12)
        jsd.backward()
        assert abs(mu.grad.item()) < 1e-4  # and not NaN


def test_divergences_where_densities_are_zero():
    narrow, wide, elsewhere = uniform(0, 1), uniform(0, 2), uniform(5, 7)
    assert kl_divergence(narrow, wide, LINE).item() == pytest.approx(LOG_2, rel=0.02)
    assert kl_divergence(wide, narrow, LINE).item() == math.inf
    assert js_divergence(narrow, elsewhere, LINE).item() == pytest.approx(LOG_2, rel=0.02)


def test_divergences_work_on_batches():
    log_p = torch.stack([gaussian(0.3, 0.7), gaussian(-2.0, 1.5)])
    log_q = torch.stack([gaussian(-1.2, 1.9), gaussian(1.0, 0.8)])
    for divergence in (kl_divergence, js_divergence):
        found = divergence(log_p, log_q, LINE)
        torch.testing.assert_close(
            found, torch.stack([divergence(p, q, LINE) for p, q in zip(log_p, log_q, strict=True)])
        )


@pytest.mark.parametrize(("p", "q"), [(0.9, 0.2), (0.01, 3.0), (1.7, 1.7)])
def test_optimal_logits_win_a_brute_force_search_over_d(p, q):
    d = torch.linspace(1e-4, 1 - 1e-4, 9999, dtype=torch.float64)
    best = d[(p * d.log() + q * (1 - d).log()).argmax()].item()
    found = optimal_logits(torch.tensor(p).double().log(), torch.tensor(q).double().log()).sigmoid().item()
    assert found == pytest.approx(best, abs=1e-4)
    assert found == pytest.approx(p / (p + q))


@pytest.mark.parametrize("parameters", GAUSSIANS)
def test_the_value_at_the_optimum_is_twice_jsd_minus_log_4(parameters):
    log_p, log_q = gaussian(*parameters[:2]), gaussian(*parameters[2:])
    logits = optimal_logits(log_p, log_q)
    log_d, log_1_d = torch.nn.functional.logsigmoid(logits), torch.nn.functional.logsigmoid(-logits)
    value = integrate(log_p.exp() * log_d + log_q.exp() * log_1_d, LINE).item()
    assert value == pytest.approx(2 * js_divergence(log_p, log_q, LINE).item() - math.log(4), abs=1e-10)


# The terms of a VAE's bound


@pytest.mark.parametrize("mean", [-0.2, 0.0, 0.31, 1.0, 3.0])
@pytest.mark.parametrize("log_scale", [-20.0, -6.0, -2.0, 2.0, 20.0])
def test_the_discretized_logistic_is_a_distribution_over_the_levels(mean, log_scale):
    x = torch.arange(256, dtype=torch.float64) / 255
    log_p = probability.discretized_logistic_log_density(x, torch.tensor(mean), log_scale)
    assert log_p.isfinite().all() and (log_p <= 0).all()
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-9)


def test_the_discretized_logistic_is_scipys_difference_of_distribution_functions():
    x, mean, scale = torch.arange(256, dtype=torch.float64) / 255, 0.4, 0.07
    edges = [-np.inf, *((np.arange(255) + 0.5) / 255), np.inf]
    expected = np.diff(scipy.stats.logistic.cdf(edges, mean, scale))
    log_p = probability.discretized_logistic_log_density(x, torch.tensor(mean), math.log(scale))
    assert np.allclose(log_p.exp().numpy(), expected, rtol=1e-10)
    far = probability.discretized_logistic_log_density(torch.tensor(0.5), torch.tensor(40.0), -5.0)
    assert far.item() == pytest.approx((0.5 + 0.5 / 255 - 40) * math.exp(5), rel=1e-3)  # float32, probability e^-5862


def test_reparameterised_noise_has_the_moments_and_the_gradients():
    mu, logvar = torch.tensor([1.5, -2.0], requires_grad=True), torch.tensor([0.8, -1.2], requires_grad=True)
    eps = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    z = probability.reparameterise(mu, logvar, eps)
    sigma = torch.exp(0.5 * logvar)
    error = sigma.detach() / math.sqrt(len(eps))
    assert ((z.mean(0) - mu).abs() < 5 * error).all()
    assert torch.allclose(z.std(0), sigma, rtol=0.01)
    z[0].sum().backward()
    assert torch.equal(mu.grad, torch.ones(2))
    assert torch.allclose(logvar.grad, 0.5 * eps[0] * sigma.detach())


def test_gaussian_kl_is_that_of_torch_and_of_quadrature():
    generator = torch.Generator().manual_seed(1)
    mu, logvar = 2 * torch.randn(2, 5, generator=generator, dtype=torch.float64)
    found = probability.gaussian_kl(mu, logvar)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mu, torch.exp(0.5 * logvar)), normal(0.0, 1.0))
    assert torch.allclose(found, expected, rtol=1e-12)
    x = torch.linspace(-40, 40, 80_001, dtype=torch.float64)
    for m, v, kl in zip(mu, logvar, found, strict=True):
        log_q = probability.gaussian_log_density(x, m, torch.exp(0.5 * v))
        log_p = probability.gaussian_log_density(x, 0.0, 1.0)
        assert probability.kl_divergence(log_q, log_p, x).item() == pytest.approx(kl.item(), abs=1e-8)


def test_gaussian_kl_is_safe_far_out_and_never_negative():
    logvar = torch.tensor([-20.0, 20.0, 0.0, 1e-4, -1e-4])
    kl = probability.gaussian_kl(torch.zeros(5), logvar)
    assert kl.isfinite().all() and (kl >= 0).all() and kl[2] == 0
    assert kl[0].item() == pytest.approx(9.5, abs=1e-6)
    assert kl[1].item() == pytest.approx((math.exp(20) - 21) / 2, rel=1e-6)
    assert kl[3].item() == pytest.approx(1e-8 / 4, rel=0.01)  # exp(v) - 1 - v would be rounded away


def test_elbo_and_importance_bound_by_hand():
    assert probability.elbo(torch.tensor([-3.0]), torch.tensor([2.0])).item() == -5.0
    assert probability.elbo(torch.tensor([-3.0]), torch.tensor([2.0]), beta=4.0).item() == -11.0
    log_weights = torch.log(torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 1.0]]))  # K = 3, B = 2
    assert torch.allclose(probability.importance_bound(log_weights), torch.tensor([3.0, 3.0]).log())
    assert torch.equal(probability.importance_bound(log_weights[:1]), log_weights[0])
    assert torch.allclose(probability.importance_bound(log_weights - 500), torch.tensor([3.0, 3.0]).log() - 500)
