"""The worked solutions of lesson 13."""

import torch

from ganlab.check.solutions import Solution


def gram_slope(f, wanted):
    """Features f (C, P), a symmetric matrix wanted (C, C). Return the gradient (C, P)."""
    positions = f.shape[1]
    gram = f @ f.T / positions
    return 4 * (gram - wanted) @ f / positions


def brighter(m, c, gain, lift):
    """Means m (C,), centred matrix c (C, C). Return Gram and centred Gram after the change."""
    means = gain * m + lift
    centred = gain**2 * c
    return torch.outer(means, means) + centred, centred


SOLUTIONS = {
    "13.1": Solution(
        ("gram_slope",),
        why=r"""
            1. Let $E_{ij} = G_{ij} - \text{wanted}_{ij}$. The slope of $L = \sum E_{ij}^2$ in one entry $G_{ij}$ is $2
               E_{ij}$.
            2. The feature $f_k(p)$ stands in $G_{kj} = \frac1P \sum_q f_k(q) f_j(q)$ for every $j$, with the slope
               $f_j(p) / P$. It stands in $G_{jk}$, too, with the same slope. (In $G_{kk}$ it stands twice, which is why
               that entry counts in both.)
            3. Add up: the slope of $L$ in $f_k(p)$ is $\sum_j 2 E_{kj} f_j(p) / P + \sum_j 2 E_{jk} f_j(p) / P$. $E$ is
               symmetric, so both sums are equal, and together they are $\frac4P \sum_j E_{kj} f_j(p)$.
            4. That is row $k$, column $p$ of the matrix product $\frac4P (G - \text{wanted}) f$.
            """,
        slip="""
            Forgetting that a feature stands in a row *and* in a column of G. The result points in the right direction,
            but is half as long.
            """,
    ),
    "13.2": Solution(
        ("brighter",),
        why=r"""
            1. The changed feature is gain $\cdot f_i(p)$ + lift$_i$. Its mean is gain $\cdot m_i$ + lift$_i$.
            2. Take the mean away. The lift goes with it, and the rest is gain $\cdot r_i(p)$. So the centred matrix, a
               mean of products of two rests, is multiplied by gain$^2$.
            3. By (13.2) the Gram matrix is the products of the new means, plus the new centred matrix.

            The centred matrix does not notice the lift at all. The plain Gram matrix changes in every entry.
            """,
        slip="""
            Multiplying the centred matrix by the gain once. Each of its entries is a mean of products of two features,
            and both are multiplied.
            """,
    ),
}
