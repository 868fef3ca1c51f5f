"""The worked solutions of lesson 15d; that of 15d.1 is for the beds that seed 0 makes."""

import torch

from ganlab.check.solutions import Solution

# of each bed a name: "never batched", "from 0 to 1", "statistics mixed",
# "seed reset", "log(D + eps)" or "signs exchanged"
diagnoses = {
    "A": "never batched",
    "B": "signs exchanged",
    "C": "log(D + eps)",
    "D": "statistics mixed",
    "E": "seed reset",
    "F": "from 0 to 1",
}


def left(c, eps):
    """Logits c (B,), a float eps. Return what is left of the slope, (B,)."""
    D = c.sigmoid()
    return D / (D + eps)


def cured_step(generator, critic, real, rng, g_optimizer, d_optimizer):
    """Real pictures (32, ...). Move both players; return both losses."""
    softplus = torch.nn.functional.softplus
    fake = generator(torch.randn(32, 16, generator=rng))  # goes on in rng
    c_real, c_fake = critic(real), critic(fake.detach())  # one after the other
    critic_loss = softplus(-c_real).mean() + softplus(c_fake).mean()
    d_optimizer.zero_grad()
    critic_loss.backward()
    d_optimizer.step()
    generator_loss = softplus(-critic(fake)).mean()
    g_optimizer.zero_grad()
    generator_loss.backward()
    g_optimizer.step()
    return critic_loss, generator_loss


SOLUTIONS = {
    "15d.1": Solution(
        ("diagnoses",),
        why="""
            The beds below are those of seed 0; with another seed the letters are others, and the reasoning is the same.

            1. Order the batch. One picture is *never batched*. Values from 0 on are *from 0 to 1*.
            2. Order the noise twice. No difference is *seed reset*.
            3. Order the known answer. A generator's loss of 18.42 in place of 50 is *log(D + eps)*.
            4. Order the same fakes. Other logits are *statistics mixed*.
            5. Then the last bed is known. "Overfit one batch" confirms *signs exchanged*: the loss rises.
            """,
        slip="""
            Ordering "overfit one batch" for every bed. It costs 100 moves each time, and it finds one fault of the six.
            """,
    ),
    "15d.2": Solution(
        ("left",),
        why=r"""
            1. With $\epsilon$ the slope is $-D (1 - D) / (D + \epsilon)$, (15d.1). Without it, it is $-(1 - D)$.
            2. The quotient is $D / (D + \epsilon)$: the factor $1 - D$ and the signs cancel.
            3. For a $D$ far above $\epsilon$ this is 1. At $D = \epsilon$ it is one half, and far below it is 0.
            """,
        slip=r"""
            Computing both slopes and dividing them. With logits far above 0 both round to 0, and 0 / 0 is not a number.
            Cancel on paper first. The short form has a limit, too: a float32 D is 0 for logits below about -89, and
            with $\epsilon = 0$ this is 0 / 0 as well.
            """,
    ),
    "15d.3": Solution(
        ("cured_step",),
        why="""
            1. `rng.manual_seed(0)` begins the same numbers anew in every step. Without it each step draws new ones, and
               a run can still be repeated, because the seed was set once before the loop.
            2. With real pictures and fakes in one batch, the critic that is trained is not the one that the generator
               asks. Passed one after the other, the fakes are normalised by themselves in both moves.
            3. `move(loss, -1, optimizer)` ascends. Both losses are there to be descended.

            The outcome shows the cure: the same losses, step by step, as the sound loop, and so the same distance.
            """,
        slip="""
            Curing the critic's sign alone. The losses are right in every step, so nothing printed gives the other away.
            """,
    ),
}
