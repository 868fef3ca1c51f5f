"""The worked solutions of lesson 10c."""

from ganlab.check.solutions import Solution


def logits(phi, s, bias, v, y):
    """Features (B, F), s (F,), bias, vectors (K, F), classes (B,). Return (B,)."""
    real = phi @ s + bias  # (B,): is it real?
    of_class = (v[y] * phi).sum(dim=1)  # (B,): is it of this class?
    return real + of_class


def gain(p_xy, m):
    """Tables p(x, y) and m(x | y), both (K, M). Return one number, in nats."""
    p_y = p_xy.sum(dim=1)  # (K,)
    m_x = p_y @ m  # (M,): the model without the class
    return (p_xy * (m.log() - m_x.log())).sum()


SOLUTIONS = {
    "10c.1": Solution(
        ("logits",),
        why=r"""
            1. The first answer does not depend on the class: a product of the features with the weights $s$, plus the
               bias.
            2. `v[y]` picks for each picture the row of its own class. It has the shape of `phi`, (B, F).
            3. The inner product of two rows is their product number by number, summed over the features, `dim=1`.
            """,
        slip="""
            Returning `phi @ v.T`. That is a table with every class for every picture.
            """,
    ),
    "10c.2": Solution(
        ("gain",),
        why=r"""
            1. The real pairs decide how often each $(x, y)$ occurs, so both means are sums over the table, weighted by
               `p_xy`.
            2. Without the class the model mixes its classes: $m(x) = \sum_y p(y)\, m(x \mid y)$, a product of the row
               `p_y` and the table. The probabilities are mixed, not their logs.
            3. `m_x` has one number for each $x$. Subtracting its log from the table subtracts it in every row.
            """,
        slip="""
            Returning the mutual information of the real pairs. It is the gain only if the model is the truth.
            """,
    ),
}
