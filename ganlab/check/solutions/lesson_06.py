"""The worked solutions of lesson 06."""

import torch

from ganlab.check.solutions import Solution


def frechet_by_feature(real, fake):
    """Features (n, D) of real and generated images. Return (6.2), summed over them."""
    between_means = (real.mean(0) - fake.mean(0)) ** 2  # (D,)
    between_spreads = (real.std(0) - fake.std(0)) ** 2  # (D,)
    return (between_means + between_spreads).sum()


def coverage(fake, real, k):
    """Return the fraction of real features (m, D) whose ball holds a fake (n, D)."""
    radius = torch.cdist(real, real).sort(dim=1).values[:, k]  # at 0 the sample itself
    inside = torch.cdist(real, fake) <= radius[:, None]  # (m, n)
    return inside.any(dim=1).double().mean()


SOLUTIONS = {
    "06.1": Solution(
        ("frechet_by_feature",),
        why=r"""
            1. Every feature is a column. Its mean and its standard deviation are taken over the images, so over the
               rows: `dim=0`. Each of the four results has $D$ entries.
            2. (6.2) is computed for each feature: the squared difference of the means, plus the squared difference of
               the standard deviations.
            3. A squared distance between vectors is the sum of the squared distances of their coordinates. So the
               features are summed, not averaged.
            """,
        slip="""
            Squaring the difference of the variances. (6.2) has the standard deviations, which are in the units of the
            features; a difference of variances is in squared units, and its square would not fit beside the means.
            """,
    ),
    "06.2": Solution(
        ("coverage",),
        why=r"""
            1. The distances among the real samples hold 0 in each row, the distance of the sample to itself. Sorted,
               it stands at place 0. So the $k$-th nearest *other* sample stands at place $k$.
            2. In `cdist(real, fake)` row $i$ holds the distances of all fakes from the centre of ball $i$. Each row is
               compared with its own radius. A fake on the rim counts, so the comparison is `<=`.
            3. `any` asks, row by row, whether the ball holds at least one fake. The mean is the share of such balls.
            """,
        slip="""
            Asking which *fakes* lie in some ball. That is precision. Coverage is a share of real samples.
            """,
    ),
}
