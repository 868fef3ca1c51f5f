"""The worked solutions of lesson 12b."""

import torch

from ganlab.check.solutions import Solution


def coverage(samples, truth, level):
    """Samples (S, N), truth (N,). Return the fraction of truths inside, one number."""
    low = torch.quantile(samples, (1 - level) / 2, dim=0)  # (N,)
    high = torch.quantile(samples, (1 + level) / 2, dim=0)
    return ((truth >= low) & (truth <= high)).float().mean()


def ssim(x_hat, x):
    """Pictures x_hat, x (N, H, W) in [-1, 1]. Return the SSIM of each, (N,)."""
    c_1, c_2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    m, n = x_hat.mean((1, 2)), x.mean((1, 2))
    v = ((x_hat - m[:, None, None]) ** 2).mean((1, 2))
    w = ((x - n[:, None, None]) ** 2).mean((1, 2))
    covariance = ((x_hat - m[:, None, None]) * (x - n[:, None, None])).mean((1, 2))
    means = (2 * m * n + c_1) / (m**2 + n**2 + c_1)
    return means * (2 * covariance + c_2) / (v + w + c_2)


SOLUTIONS = {
    "12b.1": Solution(
        ("coverage",),
        why=r"""
            1. Each truth has a column of samples. The central interval that holds the part `level` of them leaves
               $1 - \text{level}$ outside, half of it at each end.
            2. So its ends are the quantiles $(1 - \text{level}) / 2$ and $(1 + \text{level}) / 2$ of the column,
               `dim=0`.
            3. A truth is inside if it is at least the lower end and at most the upper one. The mean of such a
               comparison, as numbers 0 and 1, is the fraction.
            4. Compare the result with `level`. If the truth is another draw from the distribution of the samples, the
               two are equal up to chance.
            """,
        slip="""
            Cutting off 1 - level at each end. The interval is then too narrow, and honest samples look overconfident.
            """,
    ),
    "12b.2": Solution(
        ("ssim",),
        why=r"""
            1. Take the mean of each picture, then the variances and the covariance of what is left when the means are
               subtracted. All are means over the H and W of one picture.
            2. The first factor compares the means: it is 1 if they are equal, since $2 m n = m^2 + n^2$ for $m = n$.
               The second compares structure: it is 1 only if both pictures differ from their means in the same way, and
               equally strongly.
            3. The constants keep both fractions away from 0 / 0 for black or flat pictures. They are squared, for they
               stand beside squares.
            """,
        slip="""
            Taking the correlation for the second factor. A picture of half the contrast would then be perfect.
            """,
    ),
}
