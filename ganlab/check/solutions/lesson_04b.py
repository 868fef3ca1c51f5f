"""The worked solutions of lesson 04b."""

import torch

from ganlab import losses
from ganlab.check.solutions import Solution


def best_critic(p, q, a, b):
    """From p, q (K,), functions a(c), b(c): return (best logits (K,), L*, a number)."""
    c = torch.linspace(-8, 8, 3201, dtype=torch.float64)
    table = torch.outer(p, a(c)) + torch.outer(q, b(c))  # (K, 3201): place by place
    best = table.min(1)
    return c[best.indices], best.values.sum()


def hellinger():
    """Return the objective as losses.Objective(critic, generator)."""

    def critic(real_logits, fake_logits):
        return torch.exp(-real_logits / 2) + torch.exp(fake_logits / 2)

    def generator(fake_logits):
        return torch.exp(-fake_logits / 2)

    return losses.Objective(critic, generator)


SOLUTIONS = {
    "04b.1": Solution(
        ("best_critic",),
        why=r"""
            1. `torch.outer(p, a(c))` holds $p_k\,a(c)$ for every place $k$ and every logit $c$ of the grid. With
               $q_k\,b(c)$ added, row $k$ is the loss of place $k$ as a function of its logit.
            2. The critic may choose at each place anew, so the minimum is taken along the rows.
            3. The losses of the places are added. $p$ and $q$ are in them already, so there is nothing to average.
            """,
        slip="""
            Adding over the places first and choosing one logit for all of them. That is a critic that cannot tell one
            place from another.
            """,
    ),
    "04b.2": Solution(
        ("hellinger",),
        why=r"""
            1. At one place the critic minimises $p\,e^{-c/2} + q\,e^{c/2}$. The derivative by $c$ is
               $-\tfrac12 p\,e^{-c/2} + \tfrac12 q\,e^{c/2}$. It is zero where $e^c = p/q$, so $c^* = \log(p/q)$.
            2. Insert it: $e^{-c^*/2} = \sqrt{q/p}$, so the first term is $p \sqrt{q/p} = \sqrt{p\,q}$, and so is the
               second. The integral is $L^* = 2 \int \sqrt{p\,q}\,dx = 2 - 2 H^2$.
            3. The generator pays for a fake what the critic pays for a real sample, $e^{-c/2}$. That is small where
               the critic takes the fake for real. Where it does not, the loss and its slope are large.
            4. Both losses are per sample. The step takes the mean.
            """,
        slip="""
            Letting the generator pay what the critic pays for a fake. Minimising that *helps* the critic.
            """,
    ),
}
