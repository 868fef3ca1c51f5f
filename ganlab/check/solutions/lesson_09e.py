"""The worked solutions of lesson 09e."""

from ganlab.check.solutions import Solution


def towards_class(z, labels, k):
    """z: (n, D); labels: (n,); k: a class. Return the direction of length 1, (D,)."""
    inside = labels == k  # (n,), True or False
    direction = z[inside].mean(0) - z[~inside].mean(0)
    return direction / direction.norm()


def thick_b(thick_a, thin_a, thin_b):
    """Latents (k, D), three groups. Return the sum of means, of length root D, (D,)."""
    z = thick_a.mean(0) - thin_a.mean(0) + thin_b.mean(0)
    return z / z.norm() * len(z) ** 0.5


SOLUTIONS = {
    "09e.1": Solution(
        ("towards_class",),
        why="""
            1. `labels == k` says for each latent whether it is inside the class.
            2. The mean over the rows inside, less the mean over the rows outside, points from the one to the other.
            3. Divided by its length it is a direction.
            """,
        slip="""
            Taking the mean inside alone. That is right on average, since the mean of all latents is 0, but not in a
            sample.
            """,
    ),
    "09e.2": Solution(
        ("thick_b",),
        why=r"""
            1. The mean of each group has $D$ numbers. What the latents of a group do not share mostly cancels in it.
            2. Thick a less thin a is the change from thin to thick. Added to thin b it should make b thick.
            3. The sum has any length. Divided by its length and times $\sqrt D$ it is as long as a draw.
            """,
        slip="""
            Adding sums instead of means. The groups are not equally large, so the largest one would count most.
            """,
    ),
}
