"""The worked solutions of lesson 08b."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def bound_in_chunks(chunks):
    """Return log of the mean weight over all chunks, for each image: (B,), in nats."""
    log_sum = torch.tensor(-torch.inf)  # the log of no weight at all
    count = 0
    for log_w in chunks:
        log_sum = torch.logaddexp(log_sum, torch.logsumexp(log_w, dim=0))  # (B,)
        count += len(log_w)
    return log_sum - np.log(count)


def gaps_with_errors(log_p, best, elbo):
    """Return (mean, error) of log_p - best, (mean, error) of best - elbo; (n,) each."""
    rows = []
    for gap in (log_p - best, best - elbo):  # digit by digit, (n,)
        rows.append((gap.mean(), gap.std() / len(gap) ** 0.5))
    return rows


SOLUTIONS = {
    "08b.1": Solution(
        ("bound_in_chunks",),
        why=r"""
            1. The bound is $\log \frac1K \sum_k w_k$, over all $K$ samples. A sum can be collected piece by piece.
            2. For each piece `logsumexp` gives the log of its own sum. `logaddexp` adds that to the sum so far without
               leaving the logarithms, where $e^{-1000}$ would be 0.
            3. We start with the log of 0, which is minus infinity: nothing has been added yet.
            4. We count the samples along, and divide by their number once, at the end. After the log, that is the
               subtraction of $\log K$.
            """,
        slip="""
            Taking the bound of each piece and then the mean of these bounds. The mean belongs inside the log, and
            pieces of different sizes would count alike.
            """,
    ),
    "08b.2": Solution(
        ("gaps_with_errors",),
        why=r"""
            1. Digits differ by tens of nats, whatever the model is. So subtract digit by digit first: what is hard in
               a digit stands in both numbers and cancels.
            2. The mean of the $n$ differences is the gap.
            3. Its standard error is the standard deviation of the differences, divided by $\sqrt n$, as for every
               mean of independent numbers (lesson 00).
            """,
        slip="""
            Taking the errors of two columns and adding their squares. That counts the spread between digits twice,
            and makes a gap of two nats look uncertain by several.
            """,
    ),
}
