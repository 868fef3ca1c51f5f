"""The worked solutions of lesson 04."""

import torch

from ganlab import losses
from ganlab.check.solutions import Solution


def covered(samples, means, sigma):
    """Return sum_k min(g_k, 1/K) of samples (n, 2) and modes (K, 2): from 0 to 1."""
    distance, nearest = torch.cdist(samples.double(), means).min(1)  # (n,) each
    good = nearest[distance <= 3 * sigma]  # the modes of the good samples
    g = good.bincount(minlength=len(means)) / len(samples)  # (K,)
    return g.clamp(max=1 / len(means)).sum()


def relativistic_critic_loss(critic, real, fake, weight):
    """Loss per pair (B,) of real and fake (B, ...), with R1 and R2 times `weight`."""
    # small where real beats fake
    pair = torch.nn.functional.softplus(critic(fake) - critic(real))
    r1 = losses.squared_slope(critic, real)
    r2 = losses.squared_slope(critic, fake)
    return pair + weight * (r1 + r2)


SOLUTIONS = {
    "04.1": Solution(
        ("covered",),
        why=r"""
            1. `cdist` gives all distances, and the minimum over the modes is the distance to the nearest one. Its place
               is the number of that mode.
            2. Only samples within 3 sigma count. So those are kept before anything is counted.
            3. `bincount` counts how many good samples each mode has. Divided by the number of *all* samples that is
               $g_k$. With points that lie anywhere it is small, because most of them are not good.
            4. What a mode has beyond $1/K$ is cut off. So one perfect point, with $g_k = 1$ at a single mode, gets
               $1/K$.
            """,
        slip="""
            Dividing by the number of *good* samples. Then 40 good samples among 2,500 score as well as 2,500.
            """,
    ),
    "04.2": Solution(
        ("relativistic_critic_loss",),
        why=r"""
            1. The critic wants the real logit to be larger than the fake one. `softplus(c(fake) - c(real))` is small
               when it is, and grows like the difference when it is not.
            2. R1 is the squared slope at the real sample of the pair, R2 the squared slope at the fake one. Both are
               multiplied by `weight` and added, because a steep critic is to pay for it.
            3. Everything is kept for each pair, (B,). The mean over the batch is taken once, in the step.
            """,
        slip="""
            Exchanging the roles of real and fake in the difference. That is the generator's loss.
            """,
    ),
}
