"""The worked solutions of lesson 09b."""

import torch

from ganlab.check.solutions import Solution


def direction_of(z, f):
    """z: (n, D); f: (n,). Return the direction of length 1, (D,)."""
    weights = f - f.mean()  # (n,)
    w = (z * weights[:, None]).mean(0)  # (D,)
    return w / w.norm()


def apart_from(wanted, others):
    """wanted: (D,); others: (k, D). Return the direction of length 1, (D,)."""
    basis, _ = torch.linalg.qr(others.T)  # (D, k): columns of length 1, at right angles
    rest = wanted - basis @ (basis.T @ wanted)
    return rest / rest.norm()


SOLUTIONS = {
    "09b.1": Solution(
        ("direction_of",),
        why=r"""
            1. By (9b.3) the mean gradient is the mean of $z f$. Subtracting the mean of $f$ changes nothing on average.
            2. A latent whose $f$ is above the mean counts positively, one below counts negatively.
            3. `weights[:, None]` has the shape (n, 1), so each row of $z$ is multiplied by its own weight.
            4. The mean over the rows has $D$ numbers. Divided by its length it is a direction.
            """,
        slip="""
            Leaving the mean of f in. On average it does no harm, but in a sample the mean of z is not exactly 0, and a
            large mean of f makes much of that.
            """,
    ),
    "09b.2": Solution(
        ("apart_from",),
        why=r"""
            1. `wanted` has a part that lies in the span of `others`, and a part at right angles to all of them. The
               second one is what we look for.
            2. The first part is easy to find with vectors that have the length 1 and stand at right angles to each
               other. `qr` makes such a basis $Q$ of the same span. Then the part is $Q Q^{\mathsf T} w$.
            3. Take it away, and divide what is left by its length.
            """,
        slip="""
            Taking away the part along each of the others in turn. They lean on each other, so taking away the second
            brings back some of the first.
            """,
    ),
}
