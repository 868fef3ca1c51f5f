"""The worked solutions of lesson 14b."""

import torch

from ganlab.check.solutions import Solution


def best_answers(futures, p):
    """Futures (K, D), probabilities (K,). Return two tensors (D,)."""
    mean = (p[:, None] * futures).sum(0)
    values, rows = futures.sort(dim=0)
    reached = p[rows].cumsum(dim=0) >= 0.5  # (K, D), from False to True
    first = reached.int().argmax(dim=0)  # (D,)
    return mean, values[first, torch.arange(values.shape[1])]


def gaussian_kl_between(mu, logvar, prior_mu, prior_logvar):
    """All (B, D). Return the KL in nats, (B,)."""
    ratio = torch.exp(logvar - prior_logvar)
    shift = (mu - prior_mu) ** 2 / torch.exp(prior_logvar)
    return 0.5 * (ratio + shift - 1 - torch.log(ratio)).sum(1)


def places_ahead(before, last, low, high, steps):
    """Places (N, D), two walls, a whole number. Return places (N, steps, D)."""
    t = torch.arange(1, steps + 1)[:, None]  # (steps, 1)
    free = last[:, None] + (last - before)[:, None] * t  # (N, steps, D)
    folded = (free - low) % (2 * (high - low))
    return low + torch.minimum(folded, 2 * (high - low) - folded)


SOLUTIONS = {
    "14b.1": Solution(
        ("best_answers",),
        why=r"""
            1. The squared error of a single number $a$ is least at the mean, as (14b.1) says of two futures: the sum of
               the probabilities times the values.
            2. For the absolute error, move $a$ up by a little. The error grows for all values below $a$ and shrinks for
               all above. So the best $a$ has no more than half of the probability on either side.
            3. Sort the values of each number, and add up their probabilities in the same order. The first value at
               which the sum reaches one half is the median.
            4. For two futures the median is the likelier one. That is a sharp picture, but always the same one.
            """,
        slip="""
            Leaving out the probabilities in the median. The median of the values alone takes all futures for equally
            likely.
            """,
    ),
    "14b.2": Solution(
        ("gaussian_kl_between",),
        why=r"""
            1. Without the prior's mean and variance the formula is that of lesson 07: half of
               $\mu^2 + s_q^2 - 1 - \log s_q^2$.
            2. Measure $z$ in the prior's units: subtract $m_p$ and divide by $s_p$. The prior becomes standard
               normal, and the encoder has the mean $(\mu - m_p) / s_p$ and the variance $s_q^2 / s_p^2$.
            3. A change of units does not change a KL. So put these two into the formula of lesson 07: that is (14b.2).
            4. Dimensions are independent, so their KL are added up.
            """,
        slip="""
            Exchanging the two densities. The result is also positive, and 0 for equal ones, but it is another number.
            """,
    ),
    "14b.3": Solution(
        ("places_ahead",),
        why=r"""
            1. Two places give the step, `last - before`. Without walls the place after $t$ steps is `last` plus $t$
               steps.
            2. A bounce mirrors the path at a wall. Seen from `low`, the path repeats after twice the room: there and
               back. So take the remainder by `2 * (high - low)`.
            3. In the first half of it the thing is on its way up, in the second on its way back. The smaller one of the
               remainder and what is left to the whole is the distance from `low`.
            """,
        slip="""
            Mirroring once. That is right until the second wall, and wrong from there on.
            """,
    ),
}
