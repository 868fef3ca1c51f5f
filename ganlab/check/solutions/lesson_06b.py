"""The worked solutions of lesson 06b."""

import numpy as np

from ganlab.check.solutions import Solution


def kernel_distance(k_xx, k_yy, k_xy):
    """Similarities within x (n, n), within y (m, m), between (n, m). Return (6b.2)."""
    n, m = k_xy.shape
    within_x = (k_xx.sum() - k_xx.trace()) / (n * (n - 1))
    within_y = (k_yy.sum() - k_yy.trace()) / (m * (m - 1))
    return within_x + within_y - 2 * k_xy.mean()


def at_infinity(sizes, distances):
    """Sample sizes, and the distances for them: NumPy arrays (k,). Return a number."""
    slope, start = np.polyfit(1 / sizes, distances, 1)
    return start


def difference_interval(a, b):
    """Values of A and B on the same r seeds: NumPy arrays (r,). Return low, high."""
    from scipy import stats

    difference = a - b
    r = len(difference)
    error = difference.std(ddof=1) / r**0.5
    half = error * stats.t.ppf(0.975, r - 1)
    return difference.mean() - half, difference.mean() + half


SOLUTIONS = {
    "06b.1": Solution(
        ("kernel_distance",),
        why=r"""
            1. (6b.2) has three means of similarities: within $x$, within $y$, and between the two.
            2. Within a set only pairs of *different* samples count. Those stand beside the diagonal. So the trace is
               subtracted from the sum, and the divisor is the number of such pairs, $n (n - 1)$.
            3. Between the sets every pair counts, so that is a plain mean. It comes twice, once for $x$ with $y$ and
               once for $y$ with $x$, and it is subtracted: similar sets are close.
            """,
        slip="""
            Taking `k_xx.mean()`. That counts the similarity of each sample to itself. It is larger, on average, than
            that of two different samples, and makes the distance too large.
            """,
    ),
    "06b.2": Solution(
        ("at_infinity",),
        why=r"""
            1. The distance at $n$ samples is the true distance plus a bias that goes like $1/n$. Over $1/n$ these
               points lie on a straight line.
            2. `polyfit` with degree 1 fits that line by least squares. It returns the slope first, then the value at
               0.
            3. An infinite $n$ means $1/n = 0$. So the value at 0 is the answer.
            """,
        slip="""
            Fitting over n instead of 1/n. Over n the points lie on a curve, and a line through them begins at a
            sample of size 0.
            """,
    ),
    "06b.3": Solution(
        ("difference_interval",),
        why=r"""
            1. The same seed makes both methods lucky or unlucky together. In the difference that luck cancels. So take
               the differences first, seed by seed.
            2. The standard error of their mean is their standard deviation divided by $\sqrt r$. (In it one divides by
               $r - 1$. NumPy's `std` needs `ddof=1` for that.)
            3. The interval reaches so many standard errors to either side as the 97.5% quantile of Student's $t$
               says, because 2.5% are to lie beyond each end. $r$ differences leave $r - 1$ degrees of freedom.
            """,
        slip="""
            Taking 1.96 for the quantile. That is for many seeds. For five it is 2.78.
            """,
    ),
}
