"""Metrics on samples built so that the answer is known, and against scikit-learn and scipy."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import entropy
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import poly_mmd

from ganlab import metrics, toys
from ganlab.metrics import (
    active_units,
    bits_per_dimension,
    bootstrap,
    copy_rate,
    frechet_distance,
    inception_score,
    kernel_distance,
    mode_coverage,
    precision_recall,
    split_distance,
    unit_distance,
)

MEANS = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [-7.0, -7.0]])
SIGMA = 0.5


def near(mode: int, *sigmas: float) -> torch.Tensor:
    """Return samples that lie the given numbers of sigmas from one mode, each in another direction."""
    angle = torch.arange(len(sigmas)) * 0.7
    distance = SIGMA * torch.tensor(sigmas)
    return MEANS[mode] + distance[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)


def test_known_counts():
    # mode 0: two good, two not; mode 1: none good; mode 2: one good; mode 3: not reached
    samples = torch.cat([near(0, 0.0, 2.9, 3.1, 6.0), near(1, 3.2, 5.0), near(2, 1.0)])
    coverage = mode_coverage(samples, MEANS, SIGMA)
    assert coverage.modes == 2
    assert coverage.good == pytest.approx(3 / 7)
    assert coverage.reverse_kl == pytest.approx(entropy([4 / 7, 2 / 7, 1 / 7, 0], [0.25] * 4))  # not of good ones alone


def test_the_extremes_of_the_reverse_kl():
    assert mode_coverage(MEANS.repeat(25, 1), MEANS, SIGMA) == (4, 1.0, 0.0)
    one = mode_coverage(near(3, *[0.1] * 50), MEANS, SIGMA)
    assert (one.modes, one.good) == (1, 1.0)
    assert one.reverse_kl == pytest.approx(math.log(4))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_scikit_learns_neighbours(dtype):
    generator = torch.Generator().manual_seed(5)
    means = 3 * torch.randn(30, 3, generator=generator, dtype=dtype)
    samples = 3 * torch.randn(400, 3, generator=generator, dtype=dtype)
    distance, nearest = NearestNeighbors(n_neighbors=1).fit(means.numpy()).kneighbors(samples.numpy())
    good, share = distance[:, 0] <= 3 * 0.4, np.bincount(nearest[:, 0], minlength=30) / 400
    coverage = mode_coverage(samples, means, 0.4)
    assert coverage.modes == len(set(nearest[good, 0])) and 0 < coverage.modes < 30
    assert coverage.good == pytest.approx(good.mean())
    assert coverage.reverse_kl == pytest.approx(entropy(share, np.full(30, 1 / 30)))


@pytest.mark.parametrize("toy", [toys.ring(), toys.grid()])
def test_the_densities_themselves_reach_what_the_literature_calls_best_possible(toy):
    n = 20_000
    samples = toy.sample(n, torch.Generator().manual_seed(3))
    coverage = mode_coverage(samples, toy.means, toy.sigmas[0].item())
    inside = 1 - math.exp(-(3**2) / 2)  # 98.9%
    assert coverage.modes == len(toy.means)
    assert coverage.good == pytest.approx(inside, abs=5 * math.sqrt(inside * (1 - inside) / n))
    assert 0 <= coverage.reverse_kl < 0.005


def test_samples_of_a_diverged_generator_are_never_good():
    coverage = mode_coverage(torch.full((6, 2), math.nan), MEANS, SIGMA)
    assert (coverage.modes, coverage.good) == (0, 0.0)


@pytest.mark.parametrize("samples", [torch.zeros(5, 3), torch.zeros(5), torch.zeros(0, 2)])
def test_shapes_that_do_not_fit_are_refused(samples):
    with pytest.raises(ValueError, match=r"samples, means: got shapes .* and \(4, 2\), expected \(n, D\) and \(K, D\)"):
        mode_coverage(samples, MEANS, SIGMA)


def features(n: int, size: int, seed: int) -> torch.Tensor:
    """Return correlated features, each with a mean and a scale of its own."""
    generator = torch.Generator().manual_seed(seed)
    mix, mean = torch.randn(size, size, generator=generator), torch.randn(size, generator=generator)
    return (torch.randn(n, size, generator=generator) @ mix + mean).double()


@pytest.mark.parametrize(("n", "m", "size"), [(200, 300, 6), (50, 40, 2), (5, 9, 12), (30, 20, 1)])
def test_the_frechet_distance_is_scipys(n, m, size):
    a, b = features(n, size, 1), features(m, size, 2)
    cov_a, cov_b = (np.atleast_2d(np.cov(x.numpy(), rowvar=False)) for x in (a, b))
    ridge = 1e-12 * np.eye(size)  # scipy's root needs it where there are fewer samples than dimensions
    gap = (a.mean(0) - b.mean(0)).numpy()
    expected = gap @ gap + np.trace(cov_a + cov_b - 2 * sqrtm((cov_a + ridge) @ (cov_b + ridge)).real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-4)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-4)
    assert frechet_distance(a.float(), b.float()) == pytest.approx(expected, rel=1e-4)


def scipys_unit_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return 1,000 times the Fréchet distance between rows that scikit-learn has scaled to length 1."""
    a, b = normalize(a.numpy()), normalize(b.numpy())
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = a.mean(0) - b.mean(0)
    return 1000 * (gap @ gap + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real))


def test_the_unit_distance_is_scipys_on_scikit_learns_unit_rows_and_does_not_see_lengths():
    a, b = features(200, 6, 1), features(300, 6, 2)
    lengths = torch.rand(200, 1, generator=torch.Generator().manual_seed(4), dtype=torch.float64) * 20 + 0.1
    expected = scipys_unit_distance(a, b)
    assert expected > 1
    assert unit_distance(a, b) == pytest.approx(expected, rel=1e-5)
    assert unit_distance(lengths * a, b) == pytest.approx(expected, rel=1e-5)
    assert unit_distance(a.float(), b.float()) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(ValueError, match="features, reference: got a row of zeros, expected rows that can be scaled"):
        unit_distance(a, torch.cat([b, torch.zeros(1, 6)]))


@pytest.mark.parametrize(("n", "m", "size"), [(300, 200, 100), (60, 200, 60), (100, 201, 100)])
def test_the_split_distance_compares_lots_of_one_size_that_share_no_row(monkeypatch, n, m, size):
    lots = []
    monkeypatch.setattr(metrics, "unit_distance", lambda x, reference: lots.append((x, reference)) or 0.0)
    fake, real = features(n, 3, 1), features(m, 3, 2)
    split_distance(fake, real, splits=4)
    assert len(lots) == 8 and all(len(x) == len(reference) == size for x, reference in lots)
    for (drawn, first), (others, again) in zip(lots[::2], lots[1::2], strict=True):
        assert torch.equal(first, again)
        rows = [set(map(tuple, x.tolist())) for x in (drawn, others, first)]
        every = [set(map(tuple, x.tolist())) for x in (fake, real, real)]
        assert all(len(some) == size and some <= whole for some, whole in zip(rows, every, strict=True))
        assert not rows[1] & rows[2]
    assert not torch.equal(lots[0][1], lots[2][1])


def test_the_split_distance_is_the_unit_distance_of_each_split_and_leaves_the_global_generator_alone():
    fake, real = features(150, 4, 1), features(300, 4, 2)
    state = torch.random.get_rng_state()
    found = split_distance(fake, real, splits=5)
    assert torch.equal(state, torch.random.get_rng_state())
    assert found.fake.shape == found.floor.shape == (5,) and found.fake.unique().numel() == 5
    assert found.fake.mean().item() == pytest.approx(scipys_unit_distance(fake, real), rel=0.1)
    assert found.floor.max() < found.fake.min() / 5
    assert all(torch.equal(*pair) for pair in zip(found, split_distance(fake, real, splits=5), strict=True))
    same = split_distance(real[:150], real[150:], splits=30)
    assert same.fake.mean().item() == pytest.approx(same.floor.mean().item(), rel=0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((torch.zeros(3, 2), torch.zeros(9, 2)), "features, reference: got shapes"),
        ((torch.ones(9, 2), torch.ones(9, 3)), "features, reference: got shapes"),
    ],
)
def test_a_split_distance_of_too_few_rows_or_of_other_features_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        split_distance(*given)
    with pytest.raises(ValueError, match="splits: got 1, expected a whole number >= 2"):
        split_distance(torch.rand(9, 2), torch.rand(9, 2), splits=1)


class Flat(torch.nn.Module):
    """What torchmetrics takes in place of its Inception network: here the images are features already."""

    num_features = 6

    def forward(self, images):
        return images.flatten(1)


def test_the_frechet_distance_is_that_of_torchmetrics():
    a, b = features(200, 6, 1), features(150, 6, 2)
    fid = FrechetInceptionDistance(feature=Flat(), input_img_size=(1, 2, 3), normalize=True).set_dtype(torch.float64)
    fid.update(a.view(-1, 1, 2, 3), real=True)
    fid.update(b.view(-1, 1, 2, 3), real=False)
    assert frechet_distance(a, b) == pytest.approx(fid.compute().item(), rel=1e-8)


def test_the_frechet_distance_where_the_answer_is_known():
    a, shift = features(100, 4, 3), torch.tensor([1.0, -2.0, 0.5, 0.0])
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + shift) == pytest.approx(5.25, abs=1e-9)  # the squared length of the shift
    centred = a - a.mean(0)
    spread = centred.var(0).sum().item()
    assert frechet_distance(centred, 3 * centred) == pytest.approx((3 - 1) ** 2 * spread, rel=1e-9)


def test_active_units_vary_over_the_data_by_more_than_the_threshold():
    generator = torch.Generator().manual_seed(0)
    deviations = torch.tensor([1.0, 0.2, 0.09, 0.0])  # variances 1, 0.04, 0.0081, 0
    mu = 5 + deviations * torch.randn(5000, 4, generator=generator)
    assert active_units(mu) == 2 and active_units(1.2 * mu) == 3 and active_units(mu / 3) == 1
    with pytest.raises(ValueError, match=r"mu: got shape \(4,\), expected \(N, latent_dim\)"):
        active_units(mu[0])


def test_bits_per_dimension_of_codes_that_are_known():
    uniform = torch.tensor([-12 * math.log(256), 12 * math.log(1 / 2)])  # 12 bytes alike, 12 coins
    assert bits_per_dimension(uniform, 12).tolist() == pytest.approx([8, 1])
    with pytest.raises(ValueError, match="dimensions: got 0"):
        bits_per_dimension(uniform, 0)


def clouds(n: int, m: int, gap: float = 0.0, dim: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two Gaussian clouds whose centres lie `gap` apart in every dimension, float64."""
    generator = torch.Generator().manual_seed(n + m)
    first, second = (torch.randn(k, dim, generator=generator, dtype=torch.float64) for k in (n, m))
    return first, second + gap


@pytest.mark.parametrize("pairs", [50, 2000, 10**6])
def test_kernel_distance_is_torchmetrics_and_scikit_learns(pairs, monkeypatch):
    monkeypatch.setattr(metrics, "PAIRS", pairs)
    a, b = clouds(300, 300, gap=0.4)
    assert kernel_distance(a, b) == pytest.approx(poly_mmd(a, b).item(), rel=1e-9)
    b = b[:120]  # sets of unequal sizes, which torchmetrics does not take
    kernels = [polynomial_kernel(x, y, degree=3, gamma=1 / 6, coef0=1) for x, y in ((a, a), (b, b), (a, b))]
    within = [(kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1)) for kernel in kernels[:2]]
    assert kernel_distance(a, b) == pytest.approx(sum(within) - 2 * kernels[2].mean(), rel=1e-9)
    assert kernel_distance(a, b) == pytest.approx(kernel_distance(b, a), rel=1e-9)


def test_kernel_distance_of_equal_distributions_has_mean_zero_at_any_size():
    for n in (10, 100):
        found = np.array([kernel_distance(*clouds(n + seed, n)) for seed in range(60)])
        assert abs(found.mean()) < 4 * found.std() / np.sqrt(60)
        assert (found < 0).any()
    assert kernel_distance(*clouds(400, 400, gap=0.5)) > 0.1


@pytest.mark.parametrize("pairs", [50, 2000, 10**6])
def test_precision_and_recall_are_by_scikit_learns_neighbours(pairs, monkeypatch):
    monkeypatch.setattr(metrics, "PAIRS", pairs)
    fake, real = clouds(80, 150, gap=0.8)
    for k in (1, 3):
        expected = []
        for points, centres in ((fake, real), (real, fake)):
            radii = NearestNeighbors(n_neighbors=k + 1).fit(centres).kneighbors(centres)[0][:, -1]
            expected.append((torch.cdist(points, centres).numpy() <= radii).any(1).mean())
        assert precision_recall(fake, real, k) == pytest.approx(tuple(expected))
        assert 0.05 < expected[0] < 0.95 and expected[0] != expected[1]


def test_precision_sees_fidelity_and_recall_sees_coverage():
    both = torch.cat([clouds(300, 2)[0], clouds(300, 2)[0] + 20])
    collapsed, blurred = clouds(301, 2)[0], 10 * clouds(300, 300)[1]
    assert precision_recall(collapsed, both).precision > 0.8 and precision_recall(collapsed, both).recall < 0.55
    assert precision_recall(blurred, clouds(300, 2)[0]).precision < 0.1


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore`", "ignore:std")
def test_inception_score_is_torchmetrics_and_known_at_its_ends():
    logits = torch.randn(400, 10, generator=torch.Generator().manual_seed(0))
    reference = InceptionScore(feature=torch.nn.Identity(), splits=1)
    reference.update(logits)
    assert inception_score(logits) == pytest.approx(reference.compute()[0].item(), rel=1e-5)
    sure = 1000 * torch.eye(10)
    assert inception_score(sure) == pytest.approx(10) and inception_score(sure[:1].repeat(5, 1)) == pytest.approx(1)
    assert inception_score(torch.zeros(5, 10)) == pytest.approx(1)


@pytest.mark.parametrize("metric", [kernel_distance, precision_recall, frechet_distance])
def test_features_of_other_shapes_are_refused(metric):
    for a, b in (
        (torch.ones(9, 2), torch.ones(9, 3)),
        (torch.ones(9), torch.ones(9)),
        (torch.ones(1, 2), torch.ones(9, 2)),
    ):
        with pytest.raises(ValueError, match="features, reference: got shapes"):
            metric(a, b)
    with pytest.raises(ValueError, match=r"logits: got shape \(0, 10\)"):
        inception_score(torch.ones(0, 10))


def test_the_share_of_copies_is_the_share_that_was_put_in():
    generator = torch.Generator().manual_seed(4)
    for share, n, m in ((0.0, 900, 300), (0.4, 900, 300), (0.4, 300, 900), (1.0, 300, 300)):
        found = []
        for _ in range(8):
            training, held_out, fresh = (torch.randn(k, 5, generator=generator) for k in (n, m, 1000))
            copies = training[torch.randint(n, (round(1000 * share),), generator=generator)]
            noise = 0.01 * torch.randn(copies.shape, generator=generator)
            found.append(copy_rate(torch.cat([copies + noise, fresh[len(copies) :]]), training, held_out))
        error = np.std(found, ddof=1) / np.sqrt(len(found))
        assert np.mean(found) == pytest.approx(share, abs=max(4 * error, 1e-9))


@pytest.mark.parametrize("pairs", [50, 10**6])
def test_the_share_of_copies_is_by_scikit_learns_neighbours_and_asks_nothing_of_quality(pairs, monkeypatch):
    monkeypatch.setattr(metrics, "PAIRS", pairs)
    fake, training = clouds(200, 90, gap=0.3)
    held_out = clouds(60, 31)[1]
    rows = NearestNeighbors(n_neighbors=1).fit(torch.cat([training, held_out])).kneighbors(fake)[1]
    expected = 1 - (rows >= len(training)).mean() * 121 / 31
    assert copy_rate(fake, training, held_out[:31]) == pytest.approx(expected)
    far = 50 * torch.nn.functional.normalize(clouds(2000, 2)[0])  # good for nothing, but no copies
    real = clouds(1000, 1000)
    assert abs(copy_rate(far, *real)) < 0.3
    assert copy_rate(training, training, training) == -1  # a tie is no copy
    with pytest.raises(ValueError, match="features, reference: got shapes"):
        copy_rate(fake, training, held_out[:0])


def test_the_bootstrap_is_scipys():
    samples = [torch.randn(60, generator=torch.Generator().manual_seed(k)).exp().double() for k in (0, 1)]

    def ratio(a, b):
        return (a.mean() / b.mean()).item()

    ours = bootstrap(ratio, *samples, draws=4000)
    reference = scipy_bootstrap(
        [each.numpy() for each in samples],
        lambda a, b, axis: a.mean(axis) / b.mean(axis),
        n_resamples=20_000,
        confidence_level=0.95,
        method="basic",
        rng=0,
    )
    width = reference.confidence_interval.high - reference.confidence_interval.low
    assert ours.low == pytest.approx(reference.confidence_interval.low, abs=0.06 * width)
    assert ours.high == pytest.approx(reference.confidence_interval.high, abs=0.06 * width)
    assert ours.bias == pytest.approx(reference.bootstrap_distribution.mean() - ratio(*samples), abs=0.02 * width)


def test_the_bootstrap_covers_a_mean_as_often_as_it_says_and_takes_out_the_bias_of_a_distance():
    generator = torch.Generator().manual_seed(2)
    hits = 0
    for k in range(200):
        low, high, _ = bootstrap(lambda x: x.mean().item(), torch.randn(80, generator=generator), seed=k)
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99
    raw, corrected = [], []
    for k in range(12):
        pair = [torch.randn(60, 4, generator=generator, dtype=torch.float64) for _ in range(2)]
        raw.append(frechet_distance(*pair))
        corrected.append(raw[-1] - bootstrap(frechet_distance, *pair, draws=50, seed=k).bias)
    assert abs(np.mean(corrected)) < 0.3 * np.mean(raw)  # the truth is 0


def test_the_bootstrap_repeats_itself_and_refuses_what_makes_no_sense():
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    before = torch.random.get_rng_state()
    first, again, other = (bootstrap(lambda a: a[:, 0].mean().item(), x, draws=20, seed=k) for k in (1, 1, 2))
    assert first == again != other and first.low < first.high
    assert torch.equal(before, torch.random.get_rng_state())
    with pytest.raises(ValueError, match="draws: got 1"):
        bootstrap(lambda a: 0.0, x, draws=1)


def test_memory_stays_small_for_many_samples():
    # 12,000 x 12,000 pairs would be 1.2 GB; in a process of its own, whose peak is its own
    script = """
import resource, torch
from ganlab import metrics
torch.set_num_threads(1)
rng = torch.Generator().manual_seed(0)
a, b, c = (torch.randn(n, 4, generator=rng) for n in (12_000, 12_000, 3_000))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
metrics.kernel_distance(a[:50], b[:50]); metrics.precision_recall(a[:50], b[:50])
before = peak()
metrics.kernel_distance(a, b), metrics.precision_recall(a, c), metrics.copy_rate(a, b, c)
metrics.frechet_distance(a, b), metrics.inception_score(a)
print((peak() - before) / 1024)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(run.stdout) / (1 if sys.platform == "linux" else 1024) < 250  # MB


def test_label_coverage_counts_classes_and_their_imbalance():
    assert metrics.label_coverage(torch.tensor([3, 1, 0, 2]), 4) == (4, 0.0)
    assert metrics.label_coverage(torch.full((7,), 2), 5) == (1, pytest.approx(math.log(5)))
    classes, kl = metrics.label_coverage(torch.tensor([0, 0, 0, 2]), 3)
    assert classes == 2 and kl == pytest.approx(entropy([0.75, 0, 0.25], [1 / 3] * 3))
    drawn = torch.randint(0, 1000, (26_000,), generator=torch.Generator().manual_seed(0))
    assert metrics.label_coverage(drawn, 1000)[1] == pytest.approx(999 / 52_000, rel=0.1)  # a floor, not 0
    for bad in (torch.tensor([], dtype=torch.int64), torch.tensor([0, 3]), torch.tensor([-1, 1]), torch.zeros(2, 1)):
        with pytest.raises(ValueError, match="labels: got shape"):
            metrics.label_coverage(bad, 3)
