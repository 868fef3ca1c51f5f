"""Numbers from samples, never from models, so that each can be tested where the answer is known."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.runtime import seeded_generator, whole_number


class ModeCoverage(NamedTuple):
    """What `mode_coverage` counts: modes reached, the fraction of good samples, and the reverse KL in nats."""

    modes: int
    good: float
    reverse_kl: float


def mode_coverage(samples: Tensor, means: Tensor, sigma: float) -> ModeCoverage:
    """Count the modes that `samples` (n, D) reach, among `means` (K, D) of common standard deviation `sigma`.

    A sample is good within 3 sigma of its nearest mode; a mode counts with one good sample; the reverse KL is
    KL(frequencies of the nearest modes || uniform), in nats: 0 when all are equal, log K when one mode gets all
    samples. The protocol is VEEGAN's (Srivastava et al. 2017) and PacGAN's (Lin et al. 2018), with 2,500 samples.
    """
    if samples.ndim != 2 or means.ndim != 2 or samples.shape[1] != means.shape[1] or len(samples) == 0:
        raise ValueError(
            f"samples, means: got shapes {tuple(samples.shape)} and {tuple(means.shape)}, expected (n, D) and (K, D)"
        )
    distances = torch.cdist(samples.cpu().double(), means.cpu().double())  # (n, K)
    distance, nearest = distances.min(dim=1)
    good = distance <= 3 * sigma
    frequency = torch.bincount(nearest, minlength=len(means)).double() / len(samples)
    reverse_kl = torch.special.xlogy(frequency, frequency).sum().item() + math.log(len(means))
    return ModeCoverage(nearest[good].unique().numel(), good.double().mean().item(), max(reverse_kl, 0.0))


def label_coverage(labels: Tensor, classes: int) -> tuple[int, float]:
    """Count the classes among labels (n,), int64 from 0 to classes - 1; and KL(their frequencies || uniform), in nats.

    For stacked digits, 1,000 classes by a classifier: modes, and the reverse KL (Metz et al. 2017). Even of real
    pictures n draws leave a KL of about (classes - 1) / (2 n), and miss classes for small n.
    """
    if labels.ndim != 1 or len(labels) == 0 or not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels: got shape {tuple(labels.shape)}, expected (n,) of whole numbers in [0, {classes})")
    frequency = torch.bincount(labels.cpu(), minlength=classes).double() / len(labels)
    reverse_kl = torch.special.xlogy(frequency, frequency).sum().item() + math.log(classes)
    return int((frequency > 0).sum()), max(reverse_kl, 0.0)


def active_units(mu: Tensor) -> int:
    """Count the latent dimensions that an encoder uses, from the means mu of q(z | x) for many x, (N, latent_dim).

    A dimension is active when its mean varies over the data by a variance above 0.01 (Burda et al. 2016).
    """
    if mu.ndim != 2 or len(mu) < 2:
        raise ValueError(f"mu: got shape {tuple(mu.shape)}, expected (N, latent_dim) with N >= 2")
    return int((mu.cpu().double().var(dim=0) > 0.01).sum())


def bits_per_dimension(log_p: Tensor, dimensions: int) -> Tensor:
    """Return -log p(x) / (dimensions log 2) for log probabilities of images in nats: what a lossless code would need.

    `dimensions` counts the numbers in an image, C * H * W. Pixels of 256 equally likely levels need 8 bits.
    """
    if dimensions < 1:
        raise ValueError(f"dimensions: got {dimensions!r}, expected a whole number >= 1")
    return -log_p / (dimensions * math.log(2))


def psnr(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each picture, (N,), in dB, for pictures (N, ...) and the true ones.

    10 log10(range^2 / mean squared error); the range is 2 for floats in [-1, 1] and 255 for uint8. Twice the error
    costs 6 dB; equal pictures have infinitely many. ValueError for pictures of different shapes or types.
    """
    peak = _peak(x_hat, x, least_dimensions=2)
    squared_error = (x_hat.double() - x.double()).square().flatten(1).mean(1)
    return 10 * torch.log10(peak**2 / squared_error)


SSIM_SIDE, SSIM_SIGMA = 11, 1.5  # pixels: the window of Wang et al. 2004
SSIM_K = (0.01, 0.03)  # parts of the range, below which differences of means and of variances count little


def ssim(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return the structural similarity of each picture with the true one, (N,), for pictures (N, C, H, W).

    At each place, within a Gaussian window of 11x11 pixels (sigma 1.5) that lies inside the picture, and for each
    channel: (2 m m' + c_1) / (m^2 + m'^2 + c_1) * (2 cov + c_2) / (v + v' + c_2), of means m, variances v and the
    covariance, c_k = (0.01 range)^2 and (0.03 range)^2 (Wang et al. 2004); the mean over places and channels. Black is
    0 in it, so that floats in [-1, 1] count from -1. 1 for equal pictures, about 0 for unrelated ones; it may be
    negative. ValueError as for `psnr`, and for pictures that are smaller than the window. Float64.
    """
    peak = _peak(x_hat, x, least_dimensions=4)
    n, _, height, width = x.shape
    if min(height, width) < SSIM_SIDE:
        raise ValueError(f"x: pictures are {height}x{width}, expected at least {SSIM_SIDE} pixels a side")
    place = torch.arange(SSIM_SIDE, dtype=torch.float64) - SSIM_SIDE // 2
    weights = torch.exp(-0.5 * (place / SSIM_SIGMA) ** 2)
    weights = (weights / weights.sum()).to(x.device)

    def local_mean(planes: Tensor) -> Tensor:
        down = F.conv2d(planes, weights.view(1, 1, -1, 1))
        return F.conv2d(down, weights.view(1, 1, 1, -1))

    black = 0 if x.dtype == torch.uint8 else -1
    first, second = (each.double().flatten(0, 1)[:, None] - black for each in (x_hat, x))  # (N C, 1, H, W)
    mean, other = local_mean(first), local_mean(second)
    variance, other_variance = (
        local_mean(planes.square()) - m.square() for planes, m in ((first, mean), (second, other))
    )
    covariance = local_mean(first * second) - mean * other
    c_1, c_2 = ((k * peak) ** 2 for k in SSIM_K)
    brightness = (2 * mean * other + c_1) / (mean.square() + other.square() + c_1)
    structure = (2 * covariance + c_2) / (variance + other_variance + c_2)
    return (brightness * structure).view(n, -1).mean(1)


def _peak(x_hat: Tensor, x: Tensor, least_dimensions: int) -> float:
    """Return the range of pictures: 255 for bytes, else 2; ValueError unless both are alike and (N, ...)."""
    if x_hat.shape != x.shape or x_hat.dtype != x.dtype or x.ndim < least_dimensions:
        kinds = [f"{str(each.dtype).removeprefix('torch.')} {tuple(each.shape)}" for each in (x_hat, x)]
        shape = "(N, ...)" if least_dimensions < 4 else "(N, C, H, W)"
        raise ValueError(f"x_hat, x: got {kinds[0]} and {kinds[1]}, expected pictures {shape} of one type and shape")
    return 255.0 if x.dtype == torch.uint8 else 2.0


def frechet_distance(features: Tensor, reference: Tensor) -> float:
    """Return the squared Fréchet distance between Gaussians fitted to two sets of features, (n, D) and (m, D).

    |mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)), S the covariances (Dowson and Landau 1982); "FID" when the
    features are an Inception network's (Heusel et al. 2017). In the features' squared units, and not unbiased: two
    halves of one set are not at 0, so print that floor beside every value. Computed in float64.
    """
    features, reference = _check_pairs(features, reference, least=2)
    gap = features.mean(0) - reference.mean(0)
    first, second = (torch.atleast_2d(torch.cov(x.T)) for x in (features, reference))  # cov makes a number of D = 1
    # (S_1 S_2)^(1/2) has the eigenvalues of (R S_2 R)^(1/2) with R = S_1^(1/2), which is symmetric: no complex numbers
    values, vectors = torch.linalg.eigh(first)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    return ((gap @ gap) + first.trace() + second.trace() - 2 * cross).item()


def unit_distance(features: Tensor, reference: Tensor) -> float:
    """Return 1,000 times the Fréchet distance between features (n, D), (m, D) that are first scaled to length 1.

    The classifier of this course gives some images features many times as long as others, and a few of these decide
    `frechet_distance`. Of length 1 no image weighs more than another, so the value depends less on which images were
    drawn. What only lengthens or shortens the features is not seen. ValueError where a feature vector is 0. Float64.
    """
    pair = _check_pairs(features, reference, least=2)
    if any(bool((x.norm(dim=1) == 0).any()) for x in pair):
        raise ValueError("features, reference: got a row of zeros, expected rows that can be scaled to length 1")
    return 1000 * frechet_distance(*(x / x.norm(dim=1, keepdim=True) for x in pair))


class SplitDistance(NamedTuple):
    """For each split of the real features a distance of the fakes and, beside it, one of real features: (splits,)."""

    fake: Tensor
    floor: Tensor


def split_distance(fake: Tensor, real: Tensor, *, splits: int = 10) -> SplitDistance:
    """Return the course's feature distance: `unit_distance` of fakes (n, D) to halves of the real features (m, D).

    Each split draws two lots of real features that share no row, and one of fakes, all of min(n, m // 2) rows. The
    first lot is the reference: the fakes' distance to it stands in `fake`, the second lot's in `floor`. Report mean and
    standard deviation of both. The deviation is that of single splits; as splits share rows, it does not shrink with
    their number, and an error of the mean cannot be computed from it. A float64 tensor each.
    """
    fake, real = _check_pairs(fake, real, least=4)
    whole_number("splits", splits, least=2)
    size = min(len(fake), len(real) // 2)
    values = []
    for k in range(splits):
        generator = seeded_generator("split distance", k)
        rows = torch.randperm(len(real), generator=generator)
        chosen = torch.randperm(len(fake), generator=generator)[:size]
        reference = real[rows[:size]]
        values.append((unit_distance(fake[chosen], reference), unit_distance(real[rows[-size:]], reference)))
    return SplitDistance(*torch.tensor(values, dtype=torch.float64).T)


PAIRS = 2**21  # entries of a matrix of pairs that are in memory at once: 16 MB, so that 50,000 samples need little more


def _rows(features: Tensor, reference: Tensor) -> Iterator[Tensor]:
    """Yield `features` in parts of at most `PAIRS` pairs with `reference`, and of a row at least."""
    yield from features.split(max(1, PAIRS // len(reference)))


def _nearest(points: Tensor, centres: Tensor, k: int = 1) -> Tensor:
    """Return each point's distance to its k-th nearest centre, (n,), for points (n, D) and centres (m, D)."""
    distances = points.new_empty(
        len(points)
    )  # filled in place: small results between large ones would tear the memory up
    for part, place in zip(_rows(points, centres), _rows(distances, centres), strict=True):
        place.copy_(torch.cdist(part, centres).topk(k, largest=False).values[:, -1])
    return distances


def _check_pairs(features: Tensor, reference: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Return both sets of features in float64 on the CPU; ValueError unless (n, D) and (m, D) with n, m >= least."""
    shapes = tuple(features.shape), tuple(reference.shape)
    if (
        features.ndim != 2
        or reference.ndim != 2
        or shapes[0][1] != shapes[1][1]
        or min(len(features), len(reference)) < least
    ):
        raise ValueError(
            f"features, reference: got shapes {shapes[0]} and {shapes[1]}, expected (n, D), (m, D), n, m >= {least}"
        )
    return features.cpu().double(), reference.cpu().double()


def kernel_distance(features: Tensor, reference: Tensor) -> float:
    """Return the squared maximum mean discrepancy between two sets of features (n, D), (m, D), estimated unbiasedly.

    With the kernel (x . y / D + 1)^3; "KID" when the features are an Inception network's (Binkowski et al. 2018). Its
    mean over samples does not depend on n and m, unlike `frechet_distance`'s, so it may fall below 0. Float64.
    """
    features, reference = _check_pairs(features, reference, least=2)
    n = len(features)
    m = len(reference)
    dim = features.shape[1]

    def total(a: Tensor, b: Tensor) -> float:
        bases = (torch.addmm(a.new_ones(1), rows, b.T, alpha=1 / dim).flatten() for rows in _rows(a, b))
        return sum(torch.dot(base * base, base).item() for base in bases)  # a third of the time that ** 3 takes

    def diagonal(a: Tensor) -> float:
        return ((a.square().sum(1) / dim + 1) ** 3).sum().item()

    within = (total(features, features) - diagonal(features)) / (n * (n - 1))
    within_reference = (total(reference, reference) - diagonal(reference)) / (m * (m - 1))
    return within + within_reference - 2 * total(features, reference) / (n * m)


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]: of the generated samples that look real, and of the real ones that could be generated."""

    precision: float
    recall: float


def precision_recall(fake: Tensor, real: Tensor, k: int = 3) -> PrecisionRecall:
    """Return precision and recall of generated features (n, D) against real ones (m, D) (Kynkäänniemi et al. 2019).

    A set's manifold is the union of balls around its samples, each reaching to the sample's k-th nearest neighbour in
    its own set. Precision is the share of fakes on the real manifold, recall that of real samples on the fakes'.
    """
    fake, real = _check_pairs(fake, real, least=k + 1)

    def on_manifold(points: Tensor, centres: Tensor) -> float:
        radii = _nearest(centres, centres, k + 1)  # a sample is its own nearest neighbour, at distance 0
        covered = ((torch.cdist(part, centres) <= radii).any(1).sum().item() for part in _rows(points, centres))
        return sum(covered) / len(points)

    return PrecisionRecall(on_manifold(fake, real), on_manifold(real, fake))


def inception_score(logits: Tensor) -> float:
    """Return exp(E[KL(p(y | x) || p(y))]) from a classifier's logits (n, classes): between 1 and the number of classes.

    Sure of each image, and of all classes equally often: that scores best (Salimans et al. 2016). It never looks at
    real images.
    """
    if logits.ndim != 2 or len(logits) == 0:
        raise ValueError(f"logits: got shape {tuple(logits.shape)}, expected (n, classes), n >= 1")
    log_p = logits.cpu().double().log_softmax(1)  # log p(y | x)
    log_mean = log_p.logsumexp(0) - math.log(len(log_p))  # log p(y)
    return torch.exp((log_p.exp() * (log_p - log_mean)).sum(1).mean()).item()


def copy_rate(fake: Tensor, training: Tensor, held_out: Tensor) -> float:
    """Estimate the fraction of `fake` (k, D) that copies `training` (n, D), by real data (m, D) that are `held_out`.

    The nearest real neighbour of a sample that copies nothing is a held-out one with probability m / (n + m), if
    training and held-out data are draws from one distribution; a copy's never is. So (n + m) / m times the fraction
    whose nearest is held out is 1 minus the answer, whatever the samples' quality; chance may take it below 0.
    """
    training, held_out = _check_pairs(training, held_out, least=1)
    fake, _ = _check_pairs(fake, held_out, least=1)
    nearer = _nearest(fake, held_out) <= _nearest(fake, training)  # (k,): a tie does not count as a copy
    return 1 - nearer.double().mean().item() * (len(training) + len(held_out)) / len(held_out)


def auc(positive: Tensor, negative: Tensor) -> float:
    """Return P(a score of `positive` (m,) > one of `negative` (n,)), a tie as half: by ranks (Mann, Whitney 1947)."""
    for name, scores in (("positive", positive), ("negative", negative)):
        if scores.ndim != 1 or len(scores) == 0 or not scores.isfinite().all():
            raise ValueError(f"{name}: got shape {tuple(scores.shape)}, expected (n,) of finite scores, n >= 1")
    scores = positive.cpu().double()
    ordered = negative.cpu().double().sort().values
    below = torch.searchsorted(ordered, scores) + torch.searchsorted(ordered, scores, right=True)
    return below.double().mean().item() / (2 * len(ordered))


def proportion_interval(count: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a probability by which `count` of `n` trials came out: that of Wilson (1927)."""
    whole_number("n", n, least=1)
    if not 0 <= whole_number("count", count, least=0) <= n:
        raise ValueError(f"count: got {count}, expected at most n, {n}")
    square = 3.841458820694124  # of the number that a standard normal one is below with probability 0.975
    middle = (count + square / 2) / (n + square)
    half = math.sqrt(square * (count * (n - count) / n + square / 4)) / (n + square)
    return max(0.0, middle - half), min(1.0, middle + half)


class Interval(NamedTuple):
    """A confidence interval, and the estimated bias that it corrects: what the statistic gives too much."""

    low: float
    high: float
    bias: float


def bootstrap(statistic: Callable[..., float], *samples: Tensor, draws: int = 200, seed: int = 0) -> Interval:
    """Return the basic bootstrap interval (95%) of `statistic(*samples)`, each of `samples` being rows (n, ...).

    Each draw resamples the rows of every tensor on its own, with replacement. How the draws lie about the statistic
    stands for how the statistic lies about the truth, so the interval is turned round, [2 s - q_high, 2 s - q_low], and
    a bias is taken out with it (Davison and Hinkley 1997). Resampled rows repeat: a statistic of nearest neighbours,
    or of pairs, takes repeats for what they are not, and its interval is wrong. Covers nothing but these samples.
    """
    whole_number("draws", draws, least=2)
    generator = seeded_generator("bootstrap", seed)
    value = statistic(*samples)
    replicas = []
    for _ in range(draws):
        rows = [torch.randint(len(each), (len(each),), generator=generator) for each in samples]
        replicas.append(statistic(*(each[pick] for each, pick in zip(samples, rows, strict=True))))
    replicas = torch.tensor(replicas, dtype=torch.float64)
    low, high = replicas.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Interval(2 * value - high, 2 * value - low, replicas.mean().item() - value)


def centres(clips: Tensor) -> Tensor:
    """Return the centre of brightness of each frame, row and column in pixels from the upper left edge: (N, T, 2).

    `clips` are (N, T, C, H, W), float in [-1, 1] or uint8, of something bright on black. A frame that is wholly black
    has its centre in the middle. ValueError for another shape.
    """
    if clips.ndim != 5:
        raise ValueError(f"clips: got shape {tuple(clips.shape)}, expected (N, T, C, H, W)")
    brightness = (clips.double() if clips.dtype == torch.uint8 else clips.double() + 1).sum(
        dim=2
    ) + 1e-9  # (N, T, H, W)
    rows, columns = (torch.arange(side, dtype=torch.double) + 0.5 for side in brightness.shape[2:])
    total = brightness.sum(dim=(2, 3))
    row = (brightness.sum(dim=3) * rows).sum(dim=2) / total
    column = (brightness.sum(dim=2) * columns).sum(dim=2) / total
    return torch.stack([row, column], dim=2).float()


class Motion(NamedTuple):
    """How something moves in each of N clips; all (N,).

    `speed` is the median step in pixels a frame; `change` the median length of the change between two steps, 0 where
    the speed is constant; `turns` how many times a component of the step changes its sign, `open_turns` how many of
    those lie far from a wall.
    """

    speed: Tensor
    change: Tensor
    turns: Tensor
    open_turns: Tensor


def motion(path: Tensor, *, low: float, high: float) -> Motion:
    """Return how points move along paths (N, T, 2), in pixels, between walls at `low` and `high` of both coordinates.

    A turn counts where both steps are longer than 0.25 in that coordinate, so that what stands still does not turn; it
    is in the open if the point is more than 3 away from both walls. Medians pass over the few frames in which
    a bounce happens. ValueError for another shape, or fewer than three frames.
    """
    if path.ndim != 3 or path.shape[1] < 3 or path.shape[2] != 2:
        raise ValueError(f"path: got shape {tuple(path.shape)}, expected (N, 3 frames or more, 2)")
    steps = path.diff(dim=1)  # (N, T - 1, 2)
    changes = steps.diff(dim=1)  # (N, T - 2, 2)
    before, after = steps[:, :-1], steps[:, 1:]
    turned = (before * after < 0) & (before.abs() > 0.25) & (after.abs() > 0.25)
    middle = path[:, 1:-1]
    far = (middle - low > 3) & (high - middle > 3)
    return Motion(
        steps.norm(dim=2).median(dim=1).values,
        changes.norm(dim=2).median(dim=1).values,
        turned.sum(dim=(1, 2)),
        (turned & far).sum(dim=(1, 2)),
    )
