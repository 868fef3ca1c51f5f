"""The worked solutions of lesson 16c."""

import numpy as np

from ganlab.check.solutions import Solution


def smallest_threshold(users, places, promise):
    """Two whole numbers and a probability. Return the threshold, one number."""
    tries = users * places
    return np.sqrt(2 * np.log(tries / promise))


def who(r, keys, t):
    """Numbers (n,), keys (K, n), and the threshold. Return an index, or -1."""
    T = keys @ r / r.norm()  # (K,)
    best = T.argmax().item()
    return best if T[best] > t else -1


SOLUTIONS = {
    "16c.1": Solution(
        ("smallest_threshold",),
        why=r"""
            1. Each key is tried in each place, so the finder computes users times places numbers $T$.
            2. The probability that *any* of them is above $t$ is at most the sum of their probabilities: tries times
               $e^{-t^2/2}$, by (16c.2).
            3. This is at most the promise if $e^{-t^2/2} = \text{promise} / \text{tries}$. Taking logarithms,
               $t^2 / 2 = \log(\text{tries} / \text{promise})$.
            """,
        slip="""
            Leaving out the tries. With a thousand users and 289 places, a promise of 1 in 10,000 would be broken by
            nearly every picture.
            """,
    ),
    "16c.2": Solution(
        ("who",),
        why=r"""
            1. `keys @ r` is, for every user, the sum of $k_i r_i$. All are divided by the same length of $r$.
            2. The best key has the largest $T$. Only if it is above the threshold is there a mark at all.
            3. The threshold has to be that of exercise 16c.1: with more users it is higher.
            """,
        slip="""
            Naming the best user for every picture. One key always fits best, also where nothing was marked.
            """,
    ),
}
