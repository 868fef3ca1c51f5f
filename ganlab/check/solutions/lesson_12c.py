"""The worked solutions of lesson 12c."""

import torch

from ganlab.check.solutions import Solution


def hole_error(x_hat, x, hole):
    """x_hat, x (N, C, H, W), hole (N, H, W). Return the error in each hole, (N,)."""
    inside = hole[:, None].expand_as(x)  # (N, C, H, W)
    apart = torch.where(inside, (x_hat - x).abs(), 0.0)
    return apart.sum((1, 2, 3)) / inside.sum((1, 2, 3))


def chromas(colours, p):
    """Colours (n, 3), p (n,). Return the expected chroma, and the mean colour's."""
    each = colours.amax(1) - colours.amin(1)  # (n,)
    mean = p @ colours  # (3,)
    return p @ each, mean.max() - mean.min()


def ranks_of(samples, truth):
    """Samples (S, N), truth (N,). Return the fraction of each rank, (S + 1,)."""
    rank = (samples < truth).sum(0)  # (N,), from 0 to S
    return torch.bincount(rank, minlength=len(samples) + 1) / len(truth)


SOLUTIONS = {
    "12c.1": Solution(
        ("hole_error",),
        why=r"""
            1. The mask has no channels. `hole[:, None]` gives it an axis of 1 there, and `expand_as` repeats it for
               each channel.
            2. Outside the hole the error is replaced by 0, so that the sum runs over the hole alone.
            3. Divide by how many numbers are in the hole, channels included, and not by the size of the picture. Each
               picture has a hole of its own size, so each has a divisor of its own.
            """,
        slip="""
            Taking the mean over the whole picture. The pasted pixels have the error 0, so the number becomes smaller
            the smaller the hole is, however bad the filling.
            """,
    ),
    "12c.2": Solution(
        ("chromas",),
        why=r"""
            1. The expected chroma: the chroma of each colour, times its probability, added up.
            2. The mean colour: each colour times its probability, added up channel by channel. Then its chroma.
            3. The second number is never larger. The largest channel of the mean is at most the mean of the largest
               channels, and its smallest channel is at least the mean of the smallest ones. Subtract.
            """,
        slip="""
            Taking all colours as equally likely, when `p` says otherwise.
            """,
    ),
    "12c.3": Solution(
        ("ranks_of",),
        why=r"""
            1. `samples < truth` compares each column of samples with its own truth. The sum over the samples is the
               rank, a whole number from 0 to S.
            2. `torch.bincount` counts how often each rank occurs. `minlength` makes sure that ranks which never occur
               get a 0.
            3. Divide by the number of truths. Honest answers give about $1 / (S + 1)$ everywhere. Answers that are too
               much alike give a U: the truth often lies below all of them, or above.
            """,
        slip="""
            Making S ranks in place of S + 1. Among two samples the truth has three places: below both, between them,
            above both.
            """,
    ),
}
