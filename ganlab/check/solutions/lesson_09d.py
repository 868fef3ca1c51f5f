"""The worked solutions of lesson 09d."""

from ganlab.check.solutions import Solution


def best_factor(e, z):
    """e, z: (n, D). Return the number c for which c e has the least squared error."""
    return (z * e).sum() / (e * e).sum()


def shortened(z, longest):
    """z: (n, D); longest: a number. Return rows of at most that length, (n, D)."""
    length = z.norm(dim=1, keepdim=True)  # (n, 1)
    factor = (longest / length).clamp(max=1)  # 1 where the row is short enough
    return factor * z


SOLUTIONS = {
    "09d.1": Solution(
        ("best_factor",),
        why=r"""
            1. For one row, $|z - c\,e|^2 = |z|^2 - 2 c\; z \cdot e + c^2 |e|^2$.
            2. Average over the rows. The derivative by $c$ is $-2\,\overline{z \cdot e} + 2 c\,\overline{|e|^2}$, where
               the bar is the mean.
            3. It is 0 for $c = \overline{z \cdot e} \,/\, \overline{|e|^2}$. Both means divide by $n$, so sums do as
               well.
            """,
        slip="""
            Dividing the lengths, |z| by |e|. That makes the answers as long as draws, but longer is not closer: the
            part of z that the image does not show cannot be guessed.
            """,
    ),
    "09d.2": Solution(
        ("shortened",),
        why="""
            1. Divide a row by its length, and it has the length 1 and the same direction. Times `longest` it has the
               length that is wanted. So the factor is `longest` divided by the length.
            2. For a row that is short enough this factor is above 1. It would make the row longer, which is not wanted.
            3. Clamped to at most 1, the factor leaves such a row as it is. One line serves all rows.
            """,
        slip="""
            Cutting off each number at `longest`. That changes the direction of the row, and the row can still be too
            long.
            """,
    ),
}
