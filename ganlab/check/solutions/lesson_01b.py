"""The worked solutions of lesson 01b."""

import torch

from ganlab.check.solutions import Solution


def coin_slopes(p, t):
    """p and t, each (n,). Return the slopes of minimax and of the other loss, (n,)."""
    heads = p / (p + t)  # the best D for heads
    tails = (1 - p) / (2 - p - t)  # and for tails
    minimax = torch.log(1 - heads) - torch.log(1 - tails)
    non_saturating = -torch.log(heads) + torch.log(tails)
    return minimax, non_saturating


def second_divergence(p_data, p_g):
    """Probabilities of n sides, each (n,). Return 2 KL(m || p_data) in nats."""
    m = (p_data + p_g) / 2
    return 2 * (m * torch.log(m / p_data)).sum()


SOLUTIONS = {
    "01b.1": Solution(
        ("coin_slopes",),
        why=r"""
            1. Call the answers of $D$ to heads and to tails $h$ and $k$. The minimax loss is the average of
               $\log(1 - D)$ over the tosses of the generator's coin: $t \log(1 - h) + (1 - t) \log(1 - k)$.
            2. $D$ is held fixed, so $h$ and $k$ are constants. The derivative by $t$ is $\log(1 - h) - \log(1 - k)$.
            3. The other loss is $-t \log h - (1 - t) \log k$. Its derivative is $-\log h + \log k$.
            4. Only now put in the best answers: $h = p / (p + t)$ and $k = (1 - p) / (2 - p - t)$.
            """,
        slip="""
            Putting in h and k first and differentiating afterwards. For the second loss that gives another slope,
            because D then follows t.
            """,
    ),
    "01b.2": Solution(
        ("second_divergence",),
        why=r"""
            1. $m$ is the average of the two dice, side by side: $(p_\text{data} + p_g) / 2$.
            2. $\mathrm{KL}(m \Vert p_\text{data})$ is the sum of $m \log(m / p_\text{data})$ over the sides.
               The weights are those of the first argument, $m$.
            3. Nothing is ever divided by 0 here: no entry of $p_\text{data}$ is 0, and $m$ is at least half of it.
               So a side that $p_g$ never shows needs no special care.
            4. The whole is doubled.
            """,
        slip="""
            Exchanging the two arguments of the KL: then the logs are averaged over p_data, and fakes where there are no
            data cost almost nothing.
            """,
    ),
}
