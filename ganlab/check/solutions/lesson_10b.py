"""The worked solutions of lesson 10b."""

import torch

from ganlab.check.solutions import Solution


def lost(p_wd, p_s_d):
    """Tables p(w, d), (A, B), and p(s | d), (B, M). Return one number, in nats."""

    def information(joint):
        independent = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0)
        return (torch.xlogy(joint, joint) - torch.xlogy(joint, independent)).sum()

    p_ws = p_wd @ p_s_d  # sum over d of p(w, d) p(s | d): (A, M)
    return information(p_wd) - information(p_ws)


def true_accuracy(measured, wrong, classes):
    """Fractions from 0 to 1, and the number of classes. Return one number."""
    lucky = wrong / (classes - 1)
    return (measured - lucky) / (1 - wrong - lucky)


SOLUTIONS = {
    "10b.1": Solution(
        ("lost",),
        why=r"""
            1. The generator sees only the data: $p(w, d, s) = p(w, d)\, p(s \mid d)$. Summed over $d$ this is
               $p(w, s)$, and the sum over $d$ is a product of matrices.
            2. Mutual information compares a joint table with the product of its margins, which are the sums
               over columns and over rows. `keepdim=True` makes one of them a column, so that the product is a table.
            3. The log of the quotient is written as a difference. `xlogy(a, b)` is 0 where `a` is 0, in a column of
               zeros as well.
            4. The result is never negative, by (10b.2).
            """,
        slip="""
            Taking I(D; S). It says how well the samples remember the data, and may be larger than all that the data say
            about the world.
            """,
    ),
    "10b.2": Solution(
        ("true_accuracy",),
        why=r"""
            1. Let $a$ be the fraction that the classifier names rightly, and $e$ the fraction of wrong labels.
            2. A right label and a right answer agree: probability $(1 - e)\, a$. A wrong label and a right answer never
               do.
            3. A wrong label and a wrong answer agree if both name the same one of the other classes: probability
               $e\, (1 - a) / (\text{classes} - 1)$. Call $u = e / (\text{classes} - 1)$.
            4. So the measured fraction is $(1 - e)\, a + u\, (1 - a) = u + (1 - e - u)\, a$. Subtract $u$ and divide.
            """,
        slip="""
            Dividing by `1 - wrong` only. That forgets that a wrong answer can meet a wrong label.
            """,
    ),
}
