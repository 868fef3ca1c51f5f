"""The worked solutions of lesson 17."""

import torch

from ganlab.check.solutions import Solution


def two_points(x_t, t, a, b, p):
    """Places x_t (n,), a time t. Return the mean velocity at each place, (n,)."""
    z_a, z_b = (x_t - t * a) / (1 - t), (x_t - t * b) / (1 - t)
    log_ratio = torch.logit(torch.tensor(p, dtype=x_t.dtype)) - (z_a**2 - z_b**2) / 2
    part = log_ratio.sigmoid()
    return part * (a - z_a) + (1 - part) * (b - z_b)


def guided_probabilities(log_p, log_p_y, w):
    """Log probabilities (K,) of any class, of class y. Return probabilities, (K,)."""
    logs = log_p + w * (log_p_y - log_p)
    return logs.softmax(0)


SOLUTIONS = {
    "17.1": Solution(
        ("two_points",),
        why=r"""
            1. A walker at $x_t$ who goes to the end $x$ has started at $z = (x_t - t x) / (1 - t)$, because
               $x_t = (1 - t) z + t x$.
            2. How many walkers go from there to $a$? The probability of $a$ times the density of that start,
               $p\, e^{-z_a^2 / 2}$. For $b$ it is $(1 - p)\, e^{-z_b^2 / 2}$. Constant factors cancel in the parts.
            3. The part that goes to $a$ is $p\, e^{-z_a^2 / 2}$ divided by the sum of both. Near $t = 1$ both are so
               small that they become 0, and the division gives nan. The sigmoid of the *logarithm of their ratio* is
               the same part, and has no such trouble. `torch.logit` gives $\log p - \log (1 - p)$.
            4. The velocities are $a - z_a$ and $b - z_b$. Their mean, weighted by the parts, is (17.1).
            """,
        slip="""
            Taking the parts $p$ and $1 - p$. They are right at $t = 0$ only; later the place tells where a walker goes.
            """,
    ),
    "17.2": Solution(
        ("guided_probabilities",),
        why=r"""
            1. The logarithm of $p(x)\, (p(x \mid y) / p(x))^w$ is
               $\log p(x) + w\, (\log p(x \mid y) - \log p(x))$.
            2. `softmax` takes the exponential and divides by the sum. It subtracts the largest logarithm first, so
               that tiny probabilities do no harm.
            3. With $w = 0$ the result is $p(x)$, with $w = 1$ it is $p(x \mid y)$.
            """,
        slip="""
            Mixing the probabilities, $p + w (p_y - p)$. For $w > 1$ some of these are negative.
            """,
    ),
}
