"""The worked solutions of lesson 09."""

import torch

from ganlab.check.solutions import Solution


def line_length(dim, t):
    """Root mean squared length of (1 - t) a + t b, for draws of `dim` numbers; t (n,): (n,)."""
    return (dim * ((1 - t) ** 2 + t**2)).sqrt()


def path_length(features):
    """Mean squared speed of N paths at K even times: features (K, N, F). Return one number."""
    steps = features[1:] - features[:-1]  # (K - 1, N, F)
    squared_way = steps.square().sum(dim=2)  # (K - 1, N)
    time = 1 / len(steps)  # of one step
    return (squared_way / time**2).mean()


def apart_from(wanted, others):
    """wanted (D,), others (k, D). Return the direction, (D,), of length 1."""
    basis, _ = torch.linalg.qr(others.T)  # (D, k): columns of length 1, at right angles
    rest = wanted - basis @ (basis.T @ wanted)
    return rest / rest.norm()


def line_turns(a, b, t):
    """a, b (D,), t (n,). Return the angular speed at each t, (n,)."""
    p = (1 - t)[:, None] * a + t[:, None] * b  # (n, D)
    velocity = b - a  # (D,)
    share = (p @ velocity) / p.square().sum(dim=1)  # (n,)
    across = velocity - share[:, None] * p  # its part at right angles to p, (n, D)
    return across.norm(dim=1) / p.norm(dim=1)


SOLUTIONS = {
    "09.1": Solution(
        ("line_length",),
        why=r"""
            1. Each number of the point is $(1 - t)\,a_i + t\,b_i$, with $a_i$ and $b_i$ independent and of variance 1.
               So its variance is $(1 - t)^2 + t^2$, by (9.2). Its mean is 0, so that is also its mean square.
            2. The squared length is the sum of $D$ such squares. Its mean is $D\,((1 - t)^2 + t^2)$.
            3. The root of that is the answer. At both ends it is $\sqrt D$, in the middle $\sqrt{D/2}$.
            """,
        slip=r"""
            Adding the lengths, $\sqrt D\,((1 - t) + t)$. Two draws are nearly at right angles, so it is their *squares*
            that add.
            """,
    ),
    "09.2": Solution(
        ("path_length",),
        why=r"""
            1. $K$ points have $K - 1$ steps between them. A step takes the time $1/(K - 1)$.
            2. The way of a step is the distance of its two points, and a squared distance is the sum of the squares
               over the features.
            3. Speed is way divided by time, so the squared way is divided by the squared time.
            4. The integral over $t$ from 0 to 1 is the mean over the steps. The mean over the paths comes with it.
            """,
        slip="""
            Dividing by K for the time of a step. Count on your fingers: five points, four steps.
            """,
    ),
    "09.3": Solution(
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
    "09.4": Solution(
        ("line_turns",),
        why=r"""
            1. The point moves with the velocity $v = b - a$, at every $t$ the same.
            2. Split $v$ at each point into a part along $p$ and a part across. The part along $p$ is
               $\frac{p \cdot v}{p \cdot p}\,p$. It only changes the length of $p$.
            3. The part across turns $p$. For a short time it covers the way (its length) times (the time), on a circle
               of radius $|p|$. The angle is the way divided by the radius.
            4. So the speed of turning is the length of the part across, divided by $|p|$.
            """,
        slip="""
            Stopping at the length of the part across. That is a speed in units of length. The farther out p is, the
            smaller the angle that the same way makes.
            """,
    ),
}
