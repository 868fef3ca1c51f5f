"""Answers to the exercises of lesson 06 as different people would write them, right and wrong; see test_check.py."""

import torch
from scipy.spatial import cKDTree

from ganlab import metrics


def frechet_by_loop(real, fake):
    total = 0.0
    for d in range(real.shape[1]):
        u, v = real[:, d], fake[:, d]
        total += (u.mean() - v.mean()).item() ** 2 + (u.std() - v.std()).item() ** 2
    return total


def frechet_by_package(real, fake):
    return sum(metrics.frechet_distance(real[:, [d]], fake[:, [d]]) for d in range(real.shape[1]))


def frechet_by_numpy(real, fake):
    real, fake = real.numpy(), fake.numpy()
    return ((real.mean(0) - fake.mean(0)) ** 2).sum() + ((real.std(0, ddof=1) - fake.std(0, ddof=1)) ** 2).sum()


def frechet_with(real, fake, power=2, dim=0, ddof=1):
    means = (real.mean(dim) - fake.mean(dim)) ** power
    return (means + (real.std(dim, correction=ddof) - fake.std(dim, correction=ddof)) ** 2).sum()


def random_pairs(real, fake):
    return (real.mean(0) - fake.mean(0)).square().sum() + real.var(0).sum() + fake.var(0).sum()


def means_alone(real, fake):
    return (real.mean(0) - fake.mean(0)).norm() ** 2


def by_variances(real, fake):
    return means_alone(real, fake) + (real.var(0) - fake.var(0)).norm() ** 2


def coverage_by_tree(fake, real, k):
    radii = cKDTree(real.numpy()).query(real.numpy(), k + 1)[0][:, -1]
    nearest = cKDTree(fake.numpy()).query(real.numpy(), 1)[0]
    return (nearest <= radii).mean()


def coverage_by_loop(fake, real, k):
    covered = 0
    for i in range(len(real)):
        others = torch.cat([real[:i], real[i + 1 :]])
        radius = (others - real[i]).norm(dim=1).sort().values[k - 1]
        covered += bool(((fake - real[i]).norm(dim=1) <= radius).any())
    return covered / len(real)


def coverage_by_kth(fake, real, k):
    away = torch.cdist(real, real).fill_diagonal_(float("inf"))
    return (torch.cdist(real, fake).amin(1) <= away.kthvalue(k, dim=1).values).float().mean().double()


def balls(fake, real, k):
    """Return the matrix [real, fake] of who lies in whose ball."""
    radii = torch.cdist(real, real).topk(k + 1, largest=False).values[:, -1]
    return torch.cdist(real, fake) <= radii[:, None]


def without_rims(fake, real, k):
    radii = torch.cdist(real, real).sort(1).values[:, k]
    return (torch.cdist(real, fake).min(1).values < radii).double().mean()


def density(fake, real, k):
    return balls(fake, real, k).sum() / (k * len(fake))


def recall(fake, real, k):
    return balls(real, fake, k).any(0).double().mean()


def own_neighbour(fake, real, k):
    radii = torch.cdist(real, real).topk(k, largest=False).values[:, -1]
    return (torch.cdist(real, fake).min(1).values <= radii).double().mean()


def too_far(fake, real, k):
    radii = torch.cdist(real, real).sort(1).values[:, k + 1]
    return (torch.cdist(real, fake).min(1).values <= radii).double().mean()


def mean_radius(fake, real, k):
    radius = torch.cdist(real, real).sort(1).values[:, k].mean()
    return (torch.cdist(real, fake) <= radius).any(1).double().mean()


def largest_radius(fake, real, k):
    radius = torch.cdist(real, real).sort(1).values[:, k].max()
    return (torch.cdist(real, fake) <= radius).any(1).double().mean()


ANSWERS = {
    "06.1": {
        "right": [frechet_by_loop, frechet_by_package, frechet_by_numpy],
        "wrong": [
            (by_variances, "variances for the spreads"),
            (means_alone, "means alone"),
            (lambda u, v: ((u.std(0) - v.std(0)) ** 2).sum(), "spreads alone"),
            (lambda u, v: frechet_with(u, v, power=1), "did not square"),
            (metrics.frechet_distance, "(6.3)"),
            (lambda u, v: (u.mean(0) - v.mean(0) + u.std(0) - v.std(0)).sum(), "squared neither"),
            (lambda u, v: ((u.mean(0) - v.mean(0)).abs() + (u.std(0) - v.std(0)).abs()).sum(), "absolute differences"),
            (lambda u, v: means_alone(u, v) + (u.std(0) - v.std(0)).sum(), "not that of the standard deviations"),
            (lambda u, v: (u - v).mean(0).sum() ** 2 + (u.std(0) - v.std(0)).sum() ** 2, "Square first"),
            (lambda u, v: (u.mean(0) - v.mean(0)) ** 2 + (u.std(0) - v.std(0)) ** 2, "of each feature"),
            (lambda u, v: frechet_with(u, v, dim=1), "dim=0"),
            (lambda u, v: frechet_with(u, v, ddof=0), "divided by n"),
            (lambda u, v: frechet_with(u, v) / u.shape[1], "mean over the features"),
            (lambda u, v: frechet_with(u, v) ** 0.5, "the root"),
            (random_pairs, "pairs at random"),
            (lambda u, v: ((u - v) ** 2).sum() / len(u), "row k with row k"),
            (lambda u, v: (u.mean() - v.mean()) ** 2 + (u.std() - v.std()) ** 2, "one mean and one spread"),
            (lambda u, v: means_alone(u, v) + (u.std() - v.std()) ** 2, "has no axis"),
            (lambda u, v: (u.mean(0) - v.mean(0) + u.std(0) - v.std(0)).square().sum(), "Square each, then add"),
            (lambda u, v: means_alone(u, v) - ((u.std(0) - v.std(0)) ** 2).sum(), "Add it"),
        ],
    },
    "06.2": {
        "right": [coverage_by_tree, coverage_by_loop, coverage_by_kth],
        "wrong": [
            (recall, "that is recall"),
            (lambda *given: balls(*given).any(0).double().mean(), "that is precision"),
            (own_neighbour, "its own nearest neighbour"),
            (too_far, "one place too far"),
            (without_rims, "on the rim"),
            (lambda fake, real, k: coverage_by_loop(fake, real, 3), "k = 3"),
            (lambda fake, real, k: coverage_by_loop(fake, real, 1), "k = 1"),
            (lambda fake, real, k: coverage_by_loop(real, fake, k), "exchanged"),
            (density, "density"),
            (mean_radius, "one radius for all"),
            (largest_radius, "largest radius"),
            (lambda *given: balls(*given).any(1).sum(), "divide by how many"),
            (lambda *given: balls(*given).double().mean(), "share of pairs"),
            (lambda *given: balls(*given).all(1).double().mean(), "One is enough"),
            (lambda *given: (~balls(*given)).all(1).double().mean(), "the others are covered"),
            (lambda *given: balls(*given).sum() / len(given[1]), "on average"),
            (lambda fake, real, k: (balls(fake, real, k).sum(1) >= k).double().mean(), "k only says how far"),
        ],
    },
}
