"""The worked solutions of lesson 09."""

import torch

from ganlab.check.solutions import Solution


def line_length(dim, t):
    """dim: an integer; t: (n,). Return the root mean squared length at each t, (n,)."""
    return (dim * ((1 - t) ** 2 + t**2)).sqrt()


def arc_points(a, b, t):
    """a, b: (D,) of equal length; t: (n,). Return the points of the arc, (n, D)."""
    cosine = a @ b / (a.norm() * b.norm())
    theta = torch.acos(cosine)
    of_a = torch.sin((1 - t) * theta) / torch.sin(theta)  # (n,)
    of_b = torch.sin(t * theta) / torch.sin(theta)
    return of_a[:, None] * a + of_b[:, None] * b  # (n, D)


SOLUTIONS = {
    "09.1": Solution(
        ("line_length",),
        why=r"""
            1. Each number of the point is $(1 - t)\,a_i + t\,b_i$, with $a_i$ and $b_i$ independent and of variance 1.
               So its variance is $(1 - t)^2 + t^2$. Its mean is 0, so that is also its mean square.
            2. The squared length is the sum of $D$ such squares. Its mean is $D\,((1 - t)^2 + t^2)$, which is (9.2).
            3. The root of that is the answer. At both ends it is $\sqrt D$, halfway $\sqrt{D/2}$.
            """,
        slip=r"""
            Adding the lengths, $\sqrt D\,((1 - t) + t)$. Two draws are nearly at right angles, so it is their *squares*
            that add.
            """,
    ),
    "09.2": Solution(
        ("arc_points",),
        why=r"""
            1. The cosine of the angle between two vectors is their product, divided by *both* lengths. `acos` turns it
               into the angle $\theta$, in radians.
            2. (9.3) gives the weight of $a$ and the weight of $b$ for each $t$: two tensors (n,).
            3. A weight with `[:, None]` has the shape (n, 1). Times $a$, of shape (D,), it becomes rows (n, D).
            4. At $t = 0$ the weights are 1 and 0, at $t = 1$ they are 0 and 1, so the path ends where it should.
            """,
        slip=r"""
            Taking $a \cdot b$ for the cosine. That is true for vectors of length 1 only.
            """,
    ),
}
