"""The worked solutions of lesson 02."""

import torch

from ganlab.check.solutions import Solution


def critic_step(critic, generator, optimizer, real, z):
    """Take a critic's step on real (B, 2), fakes of z (B, 2); return its loss."""
    softplus = torch.nn.functional.softplus
    fake = generator(z).detach()  # it is the critic's move: the generator is left alone
    loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def modes_reached(samples, means, sigma, at_least):
    """Return how many means (K, 2) have at_least samples (n, 2) that are good there."""
    distance, nearest = torch.cdist(samples, means).min(dim=1)  # (n,) each
    good = distance <= 3 * sigma
    good_of_mode = torch.bincount(nearest[good], minlength=len(means))  # (K,)
    return (good_of_mode >= at_least).sum()


SOLUTIONS = {
    "02.1": Solution(
        ("critic_step",),
        why=r"""
            1. The generator makes the fakes, but this is the critic's move. `detach` cuts the fakes off from the
               generator, so that `backward` computes no gradient for it.
            2. The loss (2.1) is the mean of $-\log D$ over the real samples plus the mean of $-\log(1 - D)$ over the
               fakes. Written with logits, these are `softplus(-logit)` and `softplus(logit)`.
            3. `zero_grad` clears what the step before has left in the critic. `backward` computes the new gradient, and
               the optimizer moves the critic's weights.
            """,
        slip="""
            Leaving out `detach`. The critic's step is still right, but the generator is left with gradients of the
            critic's loss. Unless somebody clears them, its own next step adds to them, and goes partly the wrong way.
            """,
    ),
    "02.2": Solution(
        ("modes_reached",),
        why=r"""
            1. `cdist` gives the distance of each sample to each mean. The smallest in a row says which mode the sample
               belongs to, and how far away from it the sample is.
            2. A sample is good if that distance is at most $3 \sigma$.
            3. `bincount` counts how many good samples each mode has. `minlength` keeps the modes at the end that have
               none.
            4. The comparison gives true or false for each mode, and the sum counts the true ones.
            """,
        slip="""
            Comparing with `>` instead of `>=`: "at least 20" includes 20.
            """,
    ),
}
