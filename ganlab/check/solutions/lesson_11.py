"""The worked solutions of lesson 11."""

import torch

from ganlab.check.solutions import Solution


def receptive_field(layers):
    """Layers (kernel, stride), picture first. Return the side that a logit sees."""
    side = 1
    for kernel, stride in reversed(layers):
        side = (side - 1) * stride + kernel
    return side


def perfect_l1(colours, p):
    """Colours (n, C) of probabilities p (n,). Return the best value of each channel."""
    painted = []
    for values in colours.T:  # one channel, (n,)
        order = values.argsort()
        reached = p[order].cumsum(0)
        first = (reached >= 0.5 - 1e-9).nonzero()[0, 0]
        painted.append(values[order][first])
    return torch.stack(painted)


def generator_loss(critic, x_hat, x, s, weight):
    """Pictures x_hat and x, outlines s, (B, C, H, W). Return (11.3), one number."""
    l1 = (x_hat - x).abs().mean()
    adversarial = torch.nn.functional.softplus(-critic(x_hat, s)).mean()
    return l1 + weight * adversarial


SOLUTIONS = {
    "11.1": Solution(
        ("receptive_field",),
        why=r"""
            1. Begin at the end. One logit is one number, so the side is 1.
            2. Go back through one layer. Its $r$ neighbouring outputs come from $r$ places of the kernel. The first and
               the last place are $(r - 1) \cdot$ stride apart, and the last kernel reaches one whole kernel further. So
               $r$ outputs depend on $(r - 1) \cdot$ stride + kernel inputs.
            3. Do this for every layer, from the last to the first.
            """,
        slip="""
            Going forwards, from the first layer to the last. The strides then spread the wrong kernels: for kernel 4,
            stride 2, followed by kernel 3, stride 1, it gives 6 in place of 8.
            """,
    ),
    "11.2": Solution(
        ("perfect_l1",),
        why=r"""
            1. The loss is a sum over channels, and the value of one channel changes only its own term. So each channel
               can be minimised by itself.
            2. By (11.1) the slope of the expected error at $a$ is $P(\text{value} < a) - P(\text{value} > a)$. Just
               below a value $v$ the slope is $P(\text{value} < v) - P(\text{value} \ge v) = 2 P(\text{value} < v) - 1$,
               just above it is $2 P(\text{value} \le v) - 1$.
            3. The error is least where the slope changes from below 0 to 0 or more. That is the smallest value $v$ with
               $P(\text{value} \le v) \ge 0.5$: sort the values, add up their probabilities, stop where the sum reaches
               one half. (The 1e-9 is for rounding: 0.1 + 0.4 may come out below 0.5.)
            4. If the sum is exactly one half there, the slope is 0 up to the next value. All these values are equally
               good, and the smallest is the one asked for.
            """,
        slip="""
            Taking the most likely colour. It wins only if its probability is above one half. If yellow has 0.4 and the
            other colours are all darker in some channel, the median of that channel is one of the darker values.
            """,
    ),
    "11.3": Solution(
        ("generator_loss",),
        why=r"""
            1. The L1 term is the mean over the batch, the channels and the pixels.
            2. The critic looks at the generator's picture *together with the outline*. Its output is one logit for
               each patch. The non-saturating loss of a logit is $-\log D = \operatorname{softplus}(-c)$ (lesson 01).
               The mean is taken over the patches and the batch.
            3. Nothing is detached: the gradient must flow through the critic into the picture, and on into the
               generator.
            """,
        slip="""
            Detaching the picture, as one does when the *critic* is trained. The loss looks right, but its gradient is
            that of L1 alone, and the critic changes nothing.
            """,
    ),
}
