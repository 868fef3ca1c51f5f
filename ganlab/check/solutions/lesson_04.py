"""The worked solutions of lesson 04."""

import torch

from ganlab import losses
from ganlab.check.solutions import Solution


def earth_mover(x, y):
    """Return W_1 between two samples of numbers, (n,) each: one number, in the units of x."""
    return (x.sort().values - y.sort().values).abs().mean()


def relativistic_critic_loss(critic, real, fake, weight):
    """Loss per pair (B,) of real and fake samples (B, ...), with R1 and R2 times `weight`."""
    pair = torch.nn.functional.softplus(critic(fake) - critic(real))  # small where real beats fake
    r1 = losses.squared_slope(critic, real)
    r2 = losses.squared_slope(critic, fake)
    return pair + weight * (r1 + r2)


def count_kinds(digits):
    """From digits (n, 3), whole numbers 0 to 9: return (kinds that occur, reverse KL in nats)."""
    kind = digits @ torch.tensor([100, 10, 1])  # (n,), from 0 to 999
    share = torch.bincount(kind, minlength=1000).double() / len(digits)
    return int((share > 0).sum()), torch.xlogy(share, 1000 * share).sum()


def hellinger():
    """Return the objective as losses.Objective(critic, generator)."""

    def critic(real_logits, fake_logits):
        return torch.exp(-real_logits / 2) + torch.exp(fake_logits / 2)

    def generator(fake_logits):
        return torch.exp(-fake_logits / 2)

    return losses.Objective(critic, generator)


SOLUTIONS = {
    "04.1": Solution(
        ("earth_mover",),
        why=r"""
            1. Sort both samples. Then the numbers in the same place are the partners of the cheapest plan.
            2. The distance from one partner to the other is the absolute difference: a way to the left costs as much
               as a way to the right.
            3. Each of the $n$ samples carries a mass of $1/n$, so the cost is the mean of the distances.
            """,
        slip="""
            Taking the absolute value after the mean. Then ways to the left and to the right cancel, and only the
            distance between the two means is left.
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
    "04.3": Solution(
        ("count_kinds",),
        why=r"""
            1. Three digits are the digits of one number from 0 to 999. The product with (100, 10, 1) makes it.
            2. `bincount` counts how often each number occurs. Divided by the number of pictures that is the share of
               each kind. A kind occurs if its share is above 0.
            3. The reverse KL to the uniform distribution is $\sum_k q_k \log (q_k / \tfrac{1}{1000})$, so the logarithm
               is that of $1000\,q_k$.
            4. A kind that is missing adds $0 \log 0$. The limit of that is 0, and `torch.xlogy` returns 0 for it, where
               plain arithmetic would return `nan`.
            """,
        slip="""
            Comparing with a uniform distribution over the kinds that *occur*. Then missing kinds cost nothing, and
            a generator that draws one picture seems perfect.
            """,
    ),
    "04.4": Solution(
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
