"""The worked solutions of lesson 04d."""

import torch

from ganlab.check.solutions import Solution


def count_kinds(digits):
    """From digits (n, 3), each 0 to 9: return (kinds that occur, reverse KL, nats)."""
    kind = digits @ torch.tensor([100, 10, 1])  # (n,), from 0 to 999
    shares = torch.bincount(kind, minlength=1000).double() / len(digits)
    return int((shares > 0).sum()), torch.xlogy(shares, 1000 * shares).sum()


def paired_interval(a, b, t):
    """Return the ends (low, high) of the interval for the mean of a - b, (n,) each."""
    difference = a - b  # seed by seed
    error = difference.std(ddof=1) / len(difference) ** 0.5  # of the mean
    return difference.mean() - t * error, difference.mean() + t * error


SOLUTIONS = {
    "04d.1": Solution(
        ("count_kinds",),
        why=r"""
            1. Three digits are the digits of one number from 0 to 999. The product with (100, 10, 1) makes it.
            2. `bincount` counts how often each number occurs. Divided by the number of pictures that is the share of
               each kind. A kind occurs if its share is above 0.
            3. The reverse KL to the uniform distribution is $\sum_k q_k \log (q_k / \tfrac{1}{1000})$, so the logarithm
               is that of $1000\,q_k$.
            4. A kind that is missing adds $0 \log 0$. The limit of that is 0, and `torch.xlogy` returns 0 for it, where
               plain arithmetic would return `nan`.
            """,
        slip="""
            Comparing with a uniform distribution over the kinds that *occur*. Then missing kinds cost nothing, and
            a generator that draws one picture seems perfect.
            """,
    ),
    "04d.2": Solution(
        ("paired_interval",),
        why=r"""
            1. Both methods met the same data and the same first weights under each seed. So the difference is taken
               seed by seed, and what a seed does to both methods cancels.
            2. The standard deviation of the differences says how far one seed's difference may lie from the mean. The
               mean of $n$ of them is surer by the factor $\sqrt{n}$.
            3. The interval reaches $t$ such standard errors to both sides. For five seeds $t = 2.776$, more than the
               1.96 of many seeds, because the standard deviation itself is estimated from five numbers.
            """,
        slip="""
            Forgetting the root of $n$. Then two methods count as tied because single seeds scatter, however many seeds
            there are.
            """,
    ),
}
