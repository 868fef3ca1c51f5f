"""The worked solutions of lesson 09c."""

from ganlab.check.solutions import Solution


def path_length(features):
    """features: (T, N, F), at T even times. Return the mean squared speed, a number."""
    steps = features[1:] - features[:-1]  # (T - 1, N, F)
    squared_length = steps.square().sum(dim=2)  # (T - 1, N)
    time = 1 / len(steps)  # of one step
    return (squared_length / time**2).mean()


def line_turns(a, b, t):
    """a, b (D,), t (n,). Return the angular speed at each t, (n,)."""
    p = (1 - t)[:, None] * a + t[:, None] * b  # (n, D)
    velocity = b - a  # (D,)
    part = (p @ velocity) / p.square().sum(dim=1)  # (n,)
    across = velocity - part[:, None] * p  # its part at right angles to p, (n, D)
    return across.norm(dim=1) / p.norm(dim=1)


SOLUTIONS = {
    "09c.1": Solution(
        ("path_length",),
        why=r"""
            1. $T$ points have $T - 1$ steps between them. A step takes the time $1/(T - 1)$.
            2. The length of a step is the distance of its two points, and a squared distance is the sum of the squares
               over the features.
            3. Speed is length over time, so the squared length is divided by the squared time.
            4. The integral over $t$ from 0 to 1 is the mean over the steps. The mean over the paths comes with it.
            """,
        slip="""
            Dividing by T for the time of a step. Count on your fingers: five points, four steps.
            """,
    ),
    "09c.2": Solution(
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
