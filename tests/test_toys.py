"""Toy densities against torch.distributions, scipy and scikit-learn, and with the literature's parameters."""

import math

import pytest
import scipy.stats
import torch
from games import on_each_device
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from ganlab import toys
from ganlab.probability import integrate

UNEVEN = toys.Mixture(
    torch.tensor([[0.0, 1.0], [4.0, -2.0], [-5.0, 0.5]], dtype=torch.float64),
    torch.tensor([0.3, 0.8, 0.05], dtype=torch.float64),
    torch.tensor([0.2, 0.7, 0.1], dtype=torch.float64),
)
LINE = toys.mixture_1d([-2.0, 0.5, 3.0], [0.4, 0.2, 1.1], [0.5, 0.2, 0.3])
TOYS = {"uneven": UNEVEN, "line": LINE, "ring": toys.ring(), "grid": toys.grid()}
every_toy = pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS.keys())


def reference(toy: toys.Mixture) -> MixtureSameFamily:
    scale = toy.sigmas[:, None].expand_as(toy.means)
    return MixtureSameFamily(Categorical(toy.weights), Independent(Normal(toy.means, scale), 1))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every_toy
def test_densities_integrate_to_one(toy):
    sigma = toy.sigmas.min().item()
    axes = [
        torch.arange(low - 8 * toy.sigmas.max(), high + 8 * toy.sigmas.max(), 0.7 * sigma, dtype=torch.float64)
        for low, high in zip(toy.means.amin(0), toy.means.amax(0), strict=True)
    ]
    if len(axes) == 1:
        total = integrate(toy.log_prob(axes[0][:, None]).exp(), axes[0])
    else:
        rows = [integrate(toy.log_prob(torch.cartesian_prod(x[None], axes[1])).exp(), axes[1]) for x in axes[0]]
        total = integrate(torch.stack(rows), axes[0])
    assert total.item() == pytest.approx(1, abs=1e-5)


@every_toy
def test_log_prob_is_torch_distributions(toy):
    x = 3 * torch.randn(4, 50, toy.means.shape[1], generator=generator(), dtype=torch.float64)
    found = toy.log_prob(x)
    assert found.shape == (4, 50) and found.dtype == torch.float64
    torch.testing.assert_close(found, reference(toy).log_prob(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(toy.log_prob(x.float()), found, rtol=1e-3, atol=0.1)


def test_log_prob_is_scipys():
    x = [0.2, 0.9]
    modes = [
        scipy.stats.multivariate_normal(m, s**2) for m, s in zip(UNEVEN.means, UNEVEN.sigmas.tolist(), strict=True)
    ]
    p = sum(w * mode.pdf(x) for w, mode in zip(UNEVEN.weights.tolist(), modes, strict=True))
    assert UNEVEN.log_prob(torch.tensor(x, dtype=torch.float64)).item() == pytest.approx(math.log(p), rel=1e-9)


@pytest.mark.parametrize("toy", [UNEVEN, LINE, TOYS["grid"]])
def test_the_moments_of_samples_are_within_five_standard_errors(toy):
    n = 40_000
    samples = toy.sample(n, generator(1))
    assert samples.shape == (n, toy.means.shape[1]) and samples.dtype == torch.float64
    for power in (1, 2):  # the second about the true mean
        known = reference(toy).mean if power == 1 else reference(toy).variance
        terms = (samples - (0 if power == 1 else reference(toy).mean)) ** power
        error = terms.std(0) / math.sqrt(n)
        assert ((terms.mean(0) - known).abs() < 5 * error).all()


def test_each_mode_gets_its_weight_and_its_width():
    n = 40_000
    samples = UNEVEN.sample(n, generator(2))
    nearest = torch.cdist(samples, UNEVEN.means).argmin(1)
    share = torch.bincount(nearest) / n
    assert ((share - UNEVEN.weights).abs() < 5 * (UNEVEN.weights * (1 - UNEVEN.weights) / n).sqrt()).all()
    for k, sigma in enumerate(UNEVEN.sigmas.tolist()):
        radii = (samples[nearest == k] - UNEVEN.means[k]).norm(dim=1).numpy()
        assert scipy.stats.kstest(radii, scipy.stats.rayleigh(scale=sigma).cdf).pvalue > 1e-6


def test_one_dimensional_samples_have_the_right_distribution():
    modes = [scipy.stats.norm(m, s) for m, s in zip(LINE.means[:, 0].tolist(), LINE.sigmas.tolist(), strict=True)]

    def cdf(x):
        return sum(w * mode.cdf(x) for w, mode in zip(LINE.weights.tolist(), modes, strict=True))

    assert scipy.stats.kstest(LINE.sample(5000, generator(3))[:, 0].numpy(), cdf).pvalue > 1e-6


def test_the_ring_is_the_literatures():
    ring = toys.ring()
    assert ring.means.shape == (8, 2)
    torch.testing.assert_close(ring.means.norm(dim=1), torch.ones(8).double())
    side = (ring.means - ring.means.roll(1, 0)).norm(dim=1)  # neighbours are equally far apart
    torch.testing.assert_close(side, torch.full((8,), 2 * math.sin(math.pi / 8)).double())
    assert ring.sigmas.tolist() == [0.01] * 8 and ring.weights.tolist() == [1 / 8] * 8


def test_the_grid_is_the_literatures():
    grid = toys.grid()
    assert sorted(map(tuple, grid.means.tolist())) == sorted((x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2))
    assert grid.sigmas.tolist() == [0.05] * 25 and grid.weights.tolist() == [1 / 25] * 25


def test_mixture_1d_takes_equal_weights_unless_given():
    assert toys.mixture_1d([1.0, 2.0, 4.0, 8.0], [1.0] * 4).weights.tolist() == [0.25] * 4
    assert LINE.weights.tolist() == [0.5, 0.2, 0.3] and LINE.means.shape == (3, 1)


@on_each_device
def test_batches_depend_on_seed_and_step_alone(device):
    before = torch.get_rng_state()
    source, again = (toys.ring().batches(32, seed=4, device=device) for _ in range(2))
    late = source.at(7)  # asked for first
    assert late.shape == (32, 2) and late.dtype == torch.float32 and late.device.type == device
    walked = [batch for _, batch in zip(range(8), again, strict=False)]
    assert torch.equal(walked[7], late) and torch.equal(walked[0], source.at(0))
    assert not torch.equal(walked[6], late)
    assert not torch.equal(toys.ring().batches(32, seed=5, device=device).at(7), late)
    assert torch.equal(torch.get_rng_state(), before)
    assert TOYS["ring"].log_prob(late).isfinite().all()


def test_the_same_generator_gives_the_same_samples():
    assert torch.equal(UNEVEN.sample(9, generator(6)), UNEVEN.sample(9, generator(6)))
    assert not torch.equal(UNEVEN.sample(9, generator(6)), UNEVEN.sample(9, generator(7)))


@pytest.mark.parametrize(
    ("means", "sigmas", "weights", "message"),
    [
        ([0.0, 1.0], [1.0], None, r"means, sigmas, weights: got shapes \[\(2, 1\), \(1,\), \(2,\)\]"),
        ([0.0, 1.0], [1.0, 0.0], None, "sigmas: got .*expected every one > 0"),
        ([0.0, 1.0], [1.0, 1.0], [0.5, 0.6], "weights: got .*sum to 1"),
        ([0.0, 1.0], [1.0, 1.0], [-0.5, 1.5], "weights: got .*>= 0"),
    ],
)
def test_impossible_mixtures_are_refused(means, sigmas, weights, message):
    with pytest.raises(ValueError, match=message):
        toys.mixture_1d(means, sigmas, weights)


@pytest.mark.parametrize("batch_size", [0, -3, 2.5, True])
def test_impossible_batch_sizes_are_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size: got .*, expected a whole number >= 1"):
        toys.ring().batches(batch_size)
