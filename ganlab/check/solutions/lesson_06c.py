"""The worked solutions of lesson 06c."""

import torch

from ganlab.check.solutions import Solution


def log_mixture(log_p, log_q, eps):
    """Log probabilities by model and by noise, (n,). Return those of the mixture."""
    import math

    return torch.logaddexp(log_p + math.log(1 - eps), log_q + math.log(eps))


def cheapest_map(S1, S2):
    """Covariance matrices (D, D), invertible. Return A of (6c.2), (D, D)."""

    def root(S):
        values, vectors = torch.linalg.eigh(S)
        return vectors @ torch.diag(values.sqrt()) @ vectors.T

    R = root(S1)
    inverse = torch.linalg.inv(R)
    return inverse @ root(R @ S2 @ R) @ inverse


SOLUTIONS = {
    "06c.1": Solution(
        ("log_mixture",),
        why=r"""
            1. With probability $1 - \epsilon$ an image comes from the model, otherwise from the noise.
               So its probability is the sum $(1 - \epsilon)\, p + \epsilon\, q$.
            2. In logarithms a factor becomes a term: $\log\big((1 - \epsilon)\, p\big) = \log p + \log(1 - \epsilon)$.
            3. `torch.logaddexp(a, b)` is $\log(e^a + e^b)$. It first takes the larger of the two out of the sum, so
               nothing underflows, even for $\log p = -900$.
            """,
        slip="""
            Computing p.exp() and q.exp() first. A probability of an image is far smaller than the smallest number that
            the computer can hold, so both become 0, and the log of 0 is minus infinity.
            """,
    ),
    "06c.2": Solution(
        ("cheapest_map",),
        why=r"""
            1. A symmetric positive matrix has the same eigenvectors as its root. The root's eigenvalues are the roots
               of the matrix's. So `eigh`, then the root of the values, then back.
            2. $R$ is the root of $S_1$, and the middle factor is the root of $R S_2 R$, which is symmetric and positive
               as well.
            3. $R^{-1}$ on both sides makes $A$ symmetric. And then
               $A S_1 A = R^{-1} (R S_2 R)^{1/2} (R S_2 R)^{1/2} R^{-1} = S_2$.
            """,
        slip="""
            Taking the root of each entry, by S1.sqrt(). Its product with itself is not S1.
            """,
    ),
}
