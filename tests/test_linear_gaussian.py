"""Probabilistic PCA against torch.distributions, scipy and scikit-learn, and against models that are less likely."""

import math

import pytest
import scipy.linalg
import torch
from sklearn.decomposition import PCA
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal

from ganlab import toys


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(dim: int = 5, latent_dim: int = 2, sigma: float = 0.4) -> toys.LinearGaussian:
    W, mean = (torch.randn(dim, k, generator=generator(dim + k), dtype=torch.float64) for k in (latent_dim, 1))
    return toys.LinearGaussian(W, mean[:, 0], sigma)


def samples(n: int = 400) -> torch.Tensor:
    return model().sample(n, generator(3))


@pytest.mark.parametrize(("dim", "latent_dim", "sigma"), [(5, 2, 0.4), (1, 1, 2.0), (3, 3, 0.05), (2, 4, 1.0)])
def test_log_prob_is_torch_distributions(dim, latent_dim, sigma):
    toy = model(dim, latent_dim, sigma)
    x = 3 * torch.randn(4, 7, dim, generator=generator(), dtype=torch.float64)
    reference = LowRankMultivariateNormal(toy.mean, toy.W, torch.full((dim,), sigma**2, dtype=torch.float64))
    found = toy.log_prob(x)
    assert found.shape == (4, 7) and found.dtype == torch.float64
    torch.testing.assert_close(found, reference.log_prob(x), rtol=1e-9, atol=1e-9)
    assert toy.log_prob(x.float()).dtype == torch.float64
    torch.testing.assert_close(toy.log_prob(x[0, 0]), found[0, 0], rtol=1e-12, atol=1e-12)  # one x alone


def test_bayes_rule_holds_at_any_z():
    # log p(x | z) + log p(z) - log p(z | x) is log p(x), whatever z is
    toy, x = model(), samples(6)
    mean, covariance = toy.posterior(x)
    for z in torch.randn(4, 6, 2, generator=generator(1), dtype=torch.float64):
        log_p_z = MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double()).log_prob(z)
        log_p_z_given_x = MultivariateNormal(mean, covariance).log_prob(z)
        found = toy.log_p_x_given_z(x, z) + log_p_z - log_p_z_given_x
        torch.testing.assert_close(found, toy.log_prob(x), rtol=1e-10, atol=1e-10)


def test_samples_have_the_models_moments():
    toy, n = model(), 50_000
    x = toy.sample(n, generator(2))
    assert torch.equal(x, toy.sample(n, generator(2))) and x.dtype == torch.float64
    covariance = toy.W @ toy.W.T + toy.sigma**2 * torch.eye(5, dtype=torch.float64)
    assert ((x.mean(0) - toy.mean).abs() < 5 * (covariance.diagonal() / n).sqrt()).all()
    # the variance of a sample covariance's entry is (C_ij^2 + C_ii C_jj) / n
    error = ((covariance**2 + covariance.diagonal()[:, None] * covariance.diagonal()) / n).sqrt()
    assert ((torch.cov(x.T) - covariance).abs() < 5 * error).all()


@pytest.mark.parametrize("latent_dim", [1, 2, 4])
def test_fit_is_scikit_learns(latent_dim):
    x = samples()
    fitted, reference = toys.fit_ppca(x, latent_dim), PCA(latent_dim).fit(x.numpy())
    # scikit-learn divides by n - 1 where likelihood divides by n
    assert fitted.sigma**2 == pytest.approx(reference.noise_variance_ * (len(x) - 1) / len(x), rel=1e-9)
    assert toys.subspace_angle(fitted.W, torch.from_numpy(reference.components_.T)) < 1e-6
    assert fitted.log_prob(x).mean().item() == pytest.approx(reference.score(x.numpy()), abs=1e-4)
    gram = fitted.W.T @ fitted.W
    torch.testing.assert_close(gram, gram.diagonal().diag(), rtol=0, atol=1e-10)
    assert (gram.diagonal().diff() <= 0).all()


def test_no_other_model_near_by_is_more_likely():
    x = samples()
    best = toys.fit_ppca(x, 2)
    highest = best.log_prob(x).mean()
    for k in range(20):
        change = 0.05 * torch.randn(5, 3, generator=generator(k), dtype=torch.float64)
        rival = toys.LinearGaussian(best.W + change[:, :2], best.mean + change[:, 2], best.sigma)
        assert rival.log_prob(x).mean() < highest
    for factor in (0.95, 1.05):
        assert toys.LinearGaussian(best.W, best.mean, factor * best.sigma).log_prob(x).mean() < highest
    assert best.log_prob(x).mean() >= model().log_prob(x).mean()  # the truth is less likely on the samples at hand


@pytest.mark.parametrize("degrees", [0.0, 1e-5, 0.3, 45.0, 90.0])
def test_subspace_angle_of_turned_planes(degrees):
    turn = math.radians(degrees)
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    b = torch.tensor([[1.0, 0.0], [0.0, math.cos(turn)], [0.0, math.sin(turn)]], dtype=torch.float64)
    mixed = b @ torch.tensor([[1.0, 2.0], [-3.0, 0.5]], dtype=torch.float64)  # other columns, the same plane
    assert toys.subspace_angle(a, mixed) == pytest.approx(degrees, abs=1e-8)


def test_subspace_angle_is_scipys():
    a, b = (torch.randn(7, 3, generator=generator(k), dtype=torch.float64) for k in range(2))
    expected = math.degrees(scipy.linalg.subspace_angles(a.numpy(), b.numpy()).max())
    assert toys.subspace_angle(a, b) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: toys.LinearGaussian(torch.zeros(3, 2), torch.zeros(2), 1.0), r"W, mean: got shapes \(3, 2\), \(2,\)"),
        (lambda: toys.LinearGaussian(torch.zeros(3, 2), torch.zeros(3), 0.0), "sigma: got 0.0, expected a number > 0"),
        (lambda: toys.fit_ppca(torch.zeros(5), 1), r"x: got shape \(5,\), expected \(N, D\)"),
        (lambda: toys.fit_ppca(samples(), 5), "latent_dim: got 5, expected fewer than the 5 dimensions"),
        (lambda: toys.fit_ppca(samples(), 0), "latent_dim: got 0, expected a whole number >= 1"),
        (lambda: toys.fit_ppca(samples()[:3], 2), "x: lies in 2 dimensions"),
        (lambda: toys.subspace_angle(torch.eye(3), torch.eye(2)), r"a, b: got shapes \(3, 3\), \(2, 2\)"),
    ],
)
def test_impossible_models_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
