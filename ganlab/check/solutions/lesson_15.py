"""The worked solutions of lesson 15; that of 15.1 is for the beds that seed 0 makes."""

import torch

from ganlab.check.solutions import Solution

# of each bed a name: "second sigmoid", "last ReLU", "fakes labelled real", "one goal",
# "noise as image", "detach missing, kept" or "detach missing, cleared"
diagnoses = {
    "A": "detach missing, kept",
    "B": "second sigmoid",
    "C": "detach missing, cleared",
    "D": "noise as image",
    "E": "fakes labelled real",
    "F": "one goal",
    "G": "last ReLU",
}


def repaired(generator, critic, real, z, optimizer):
    """Move the critic once. Return its loss before the move, one number."""
    softplus = torch.nn.functional.softplus
    fake = generator(z).detach()  # fakes are data here
    loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def floor_of(low, high):
    """Logits lie from low to high. Return the smallest loss of a critic, a float."""
    softplus = torch.nn.functional.softplus
    for_real = softplus(torch.tensor(-float(high)))  # the highest logit
    for_fake = softplus(torch.tensor(float(low)))  # the lowest logit
    return (for_real + for_fake).item()


SOLUTIONS = {
    "15.1": Solution(
        ("diagnoses",),
        why="""
            The beds below are those of seed 0; with another seed the letters are others, and the reasoning is the same.

            1. Order the known answer in every bed: it is free. The critic's loss is 50 with *fakes labelled real*,
               1.006 with *second sigmoid* and 0.693 with *last ReLU*. The generator's loss is 0 instead of 50 with
               *one goal*.
            2. In the other three ask who moves. With *noise as image* the generator stands still in its own move.
            3. In the last two a gradient is left in the generator after the critic's move. Ask for the direction. With
               *detach missing, cleared* the cosine and the length ratio are 1, with *detach missing, kept* not.
            """,
        slip="""
            Judging by the samples alone. Five of the loops have hardly a good sample, and their clouds look alike.
            """,
    ),
    "15.2": Solution(
        ("repaired",),
        why=r"""
            1. The fakes are data in the critic's move. `detach()` cuts the path back to the generator, so that no
               gradient is left in it. (The check also takes `generator.zero_grad()` after `backward()`. But
               that computes gradients for nothing, and also clears those that others may need.)
            2. `softplus(-c)` is $-\log D$, and `softplus(c)` is $-\log(1 - D)$, with $D$ the sigmoid of the logit $c$.
               The sigmoid is inside softplus already. With another one the loss cannot fall below 1.006, by (15.2).
            3. The optimizer steps with what stands in `.grad`. So the gradients of earlier steps are cleared *before*
               `backward()`, and nothing may clear them between `backward()` and `step()`.
            """,
        slip="""
            Leaving `zero_grad()` where it was. Then every step is made with empty gradients, and the loss stays
            the same from move to move, without any error.
            """,
    ),
    "15.3": Solution(
        ("floor_of",),
        why=r"""
            1. $\operatorname{softplus}(-c)$ falls with $c$. So the best critic gives a real sample the highest logit
               that it can, `high`, and pays $\operatorname{softplus}(-\text{high})$.
            2. $\operatorname{softplus}(c)$ rises with $c$. So a fake gets the lowest logit, and costs
               $\operatorname{softplus}(\text{low})$.
            3. The floor is the sum. For a sigmoid it is (15.2), for tanh 0.627, for ReLU 0.693, and without a last
               layer 0.
            """,
        slip="""
            Taking one end for both terms. A critic that gives everybody the same logit tells nobody apart.
            """,
    ),
}
