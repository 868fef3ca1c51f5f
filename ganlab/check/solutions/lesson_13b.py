"""The worked solutions of lesson 13b."""

from ganlab.check.solutions import Solution


def normalise(x, gamma, beta):
    """Features x (B, C, H, W); gamma, beta (B, C). Return (B, C, H, W)."""
    m = x.mean((2, 3), keepdim=True)  # (B, C, 1, 1)
    s = x.std((2, 3), correction=0, keepdim=True)
    return gamma[:, :, None, None] * (x - m) / s + beta[:, :, None, None]


def mixture_moments(gammas, betas, weights):
    """gammas, betas (S, C), weights (S,). Return means and variances of the channels, (C,) each."""
    w = weights / weights.sum()
    gamma, beta = w @ gammas, w @ betas  # (C,)
    return beta, gamma**2


SOLUTIONS = {
    "13b.1": Solution(
        ("normalise",),
        why=r"""
            1. The mean of a channel of a picture runs over its positions, dimensions 2 and 3. `keepdim=True` keeps
               (B, C, 1, 1), so that it can be subtracted from (B, C, H, W).
            2. So does the standard deviation. `correction=0` makes the variance a mean, as (13b.1) has it.
            3. `gamma` and `beta` are (B, C). With `[:, :, None, None]` they become (B, C, 1, 1): one number for each
               channel of each picture, the same at all positions.
            """,
        slip="""
            Averaging over dimension 0 as well. That is batch normalisation, and a picture's style would depend on the
            pictures beside it.
            """,
    ),
    "13b.2": Solution(
        ("mixture_moments",),
        why=r"""
            1. Before $\gamma$ and $\beta$ each channel has the mean 0 and the variance 1.
            2. The layer multiplies by one number for each channel, the mixed $\gamma$. That multiplies the variance by
               its square. Then it adds the mixed $\beta$, which is the new mean and changes no variance.
            3. So the means are the mixed $\beta$, and the variances are the squares of the mixed $\gamma$.
            """,
        slip=r"""
            Mixing the squares of the rows. For $\gamma$ of 1 and -1 in equal parts the mixed $\gamma$ is 0: the
            channel is constant, though each of the styles alone has the variance 1.
            """,
    ),
}
