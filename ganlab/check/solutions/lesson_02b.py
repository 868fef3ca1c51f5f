"""The worked solutions of lesson 02b."""

import torch

from ganlab.check.solutions import Solution

# "none", "no detach", "no zero_grad" or "detach twice"
faults = {"A": "no zero_grad", "B": "none", "C": "detach twice", "D": "no detach"}


def part_of_loss(fake_logits, chosen):
    """Return which part of (2.2) the fakes with chosen (n,) True cause, from 0 to 1."""
    loss = torch.nn.functional.softplus(-fake_logits)  # (n,), the terms of (2.2)
    return loss[chosen].sum() / loss.sum()


SOLUTIONS = {
    "02b.1": Solution(
        ("faults",),
        why="""
            Ask of each fault which number it must change, and look for that number.

            1. Without `detach` the critic's loss reaches the generator. Then the generator holds gradient numbers
               after `critic_loss.backward()`. Only D's does.
            2. With a second `detach`, in the generator's own move, no gradient ever reaches the generator. Then it
               cannot move. Only C's has moved by 0.
            3. Without `zero_grad` the critic's gradients add up from step to step. Then their length grows and grows.
               Only A's critic ends with a gradient more than a hundred times as long as its first.
            4. B shows none of these signs.
            """,
        slip="""
            Judging by the losses. Those of D look sound, although its generator is pulled by both moves.
            """,
    ),
    "02b.2": Solution(
        ("part_of_loss",),
        why=r"""
            1. The generator's loss (2.2) is a mean over the fakes. The term of one fake is
               $\operatorname{softplus}(-\text{logit})$.
            2. `loss[chosen]` takes the terms of the chosen fakes, and their sum is what these fakes cost.
            3. Divided by the sum over all fakes, this is their part. (The means' division by $n$ cancels.)
            """,
        slip="""
            Dividing the mean over the chosen by the mean over all. That says how much more a chosen fake costs than an
            average one. It can be larger than 1, so it is not a part of the whole.
            """,
    ),
}
