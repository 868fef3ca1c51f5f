"""The worked solutions of lesson 16."""

from ganlab.check.solutions import Solution


def fake_after_two(b, d1, f1, d2, f2):
    """The base rate, then d and f of each detector. Return a probability."""
    odds = b / (1 - b) * (d1 / f1) * (d2 / f2)
    return odds / (1 + odds)


def auc(fake, real):
    """Scores (m,) of fakes and (n,) of real pictures. Return the AUC, one number."""
    larger = (fake[:, None] > real).double()  # (m, n)
    ties = (fake[:, None] == real).double()
    return (larger + ties / 2).mean()


SOLUTIONS = {
    "16.1": Solution(
        ("fake_after_two",),
        why=r"""
            1. A picture is a fake and called a fake twice with probability $b\, d_1 d_2$, because the answers are
               independent given that it is a fake.
            2. It is real and called a fake twice with probability $(1 - b)\, f_1 f_2$.
            3. The quotient of the two is the odds. So each detector multiplies the odds by its own $d / f$, and the
               base rate enters once, as $b / (1 - b)$.
            4. Odds $o$ are the probability $o / (1 + o)$.
            """,
        slip="""
            Returning the odds. Where fakes are rare the two are nearly equal, so a test with rare fakes alone would not
            notice.
            """,
    ),
    "16.2": Solution(
        ("auc",),
        why=r"""
            1. `fake[:, None]` has the shape (m, 1), and `real` the shape (n,). Compared, they give a table (m, n) with
               one truth for every pair of a fake and a real picture.
            2. The mean over the table is the fraction of pairs in which the fake scores higher. Ties add one half each.
            3. It can be had with less memory: sort all scores and add up the ranks of the fakes. The sum is
               $m (m + 1) / 2$ if all fakes come first, and grows by one for every pair in which a fake lies above
               a real picture. `metrics.auc` works like that.
            """,
        slip="""
            Leaving out the ties. With logits there are hardly any, but a detector that returns few different scores has
            many.
            """,
    ),
}
