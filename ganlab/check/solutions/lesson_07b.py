"""The worked solutions of lesson 07b."""

from ganlab.check.solutions import Solution


def posterior_of(x, w, sigma):
    """Tensors x and w (D,), a number sigma. Return mean and variance of p(z | x)."""
    precision = 1 + (w @ w) / sigma**2
    return (w @ x) / sigma**2 / precision, 1 / precision


def directions(eigenvalues, beta, sigma):
    """Eigenvalues (L,), beta, sigma. Return (number of directions used, KL in nats)."""
    used = eigenvalues[eigenvalues > beta * sigma**2]
    return len(used), 0.5 * (used / (beta * sigma**2)).log().sum()


SOLUTIONS = {
    "07b.1": Solution(
        ("posterior_of",),
        why=r"""
            1. The log of the joint density is $-\Vert x - w z \Vert^2 / 2 \sigma^2 - z^2 / 2$ and a constant.
            2. Collect the powers of $z$. Before $z^2$ stands $-\frac12 (1 + w \cdot w / \sigma^2)$, before $z$ stands
               $w \cdot x / \sigma^2$.
            3. A Gaussian with mean $m$ and precision $\lambda$ has $-\frac12 \lambda$ before $z^2$ and $\lambda m$
               before $z$. So $\lambda = 1 + w \cdot w / \sigma^2$ and $m = (w \cdot x / \sigma^2) / \lambda$.
            """,
        slip="""
            Leaving out the 1 in the precision. It comes from the prior, which pulls the mean towards 0.
            """,
    ),
    "07b.2": Solution(
        ("directions",),
        why=r"""
            1. A weight $\beta$ on the KL is an honest bound for noise of the variance $\beta \sigma^2$.
            2. By (7b.3) a direction is used if its eigenvalue is above that.
            3. Each direction that is used adds $\frac12 \log (\lambda_i / \beta \sigma^2)$ to the KL. The others add 0.
            """,
        slip="""
            Summing the logs over all directions. For those that are not used the log is negative, but their KL is 0.
            """,
    ),
}
