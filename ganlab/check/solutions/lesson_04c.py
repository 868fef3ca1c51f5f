"""The worked solutions of lesson 04c."""

import torch

from ganlab.check.solutions import Solution


def earth_mover(x, y):
    """Return W_1 of two samples of numbers, (n,) each: a number, in the units of x."""
    return (x.sort().values - y.sort().values).abs().mean()


def gradient_penalty(critic, real, fake, u):
    """Return the penalty of each pair, (B,), for real and fake (B, ...) and u (B,)."""
    u = u.view(-1, *[1] * (real.ndim - 1))  # (B, 1) for points, (B, 1, 1, 1) for images
    between = (u * real + (1 - u) * fake).detach().requires_grad_()
    gradient = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
    slope = (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()
    return (slope - 1) ** 2


SOLUTIONS = {
    "04c.1": Solution(
        ("earth_mover",),
        why=r"""
            1. Sort both samples. Then the numbers in the same place are the partners of the cheapest plan.
            2. The distance from one partner to the other is the absolute difference: a way to the left costs as much
               as a way to the right.
            3. Each of the $n$ samples carries a mass of $1/n$, so the cost is the mean of the distances.
            """,
        slip="""
            Taking the absolute value after the mean. Then steps to the left and to the right cancel, and only the
            distance between the two means is left.
            """,
    ),
    "04c.2": Solution(
        ("gradient_penalty",),
        why=r"""
            1. $u$ has one number a pair. It needs as many axes as the samples, or it would multiply the wrong one.
            2. The logits are added before the gradient is taken. Each depends on its own sample only, so the gradient
               of the sum holds each sample's own.
            3. `create_graph=True` keeps what is needed for the gradient of this gradient by the critic's weights.
            4. The length of the gradient is the root of the sum of squares over all axes of a sample. The small number
               under the root keeps its derivative finite where the slope is 0.
            5. The square charges slopes on both sides of 1. The mean over the batch is left to the step.
            """,
        slip="""
            Subtracting 1 from the *squared* slope. Both are smallest at slope 1, but they charge other slopes
            differently.
            """,
    ),
}
