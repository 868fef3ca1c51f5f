"""The worked solutions of lesson 15c; that of 15c.1 is for the beds that seed 0 makes."""

import torch

from ganlab.check.solutions import Solution

# of each bed a name: "never scaled", "divided by 256", "orders apart", "mirrored",
# "on its side", "statistics forgotten" or "training mode"
diagnoses = {
    "A": "statistics forgotten",
    "B": "never scaled",
    "C": "training mode",
    "D": "on its side",
    "E": "orders apart",
    "F": "mirrored",
    "G": "divided by 256",
}


def normalise(h, running_mean, running_var, training):
    """Values h (B, F), statistics (F,). Return them normalised, (B, F)."""
    mean, var = running_mean, running_var
    if training:
        mean, var = h.mean(0), h.var(0, correction=0)
    return (h - mean) / var.sqrt()


def loaded(images, labels, order, step, size):
    """Images (N, ...), labels (N,), order (N,). Return a step's images and labels."""
    positions = (step * size + torch.arange(size)) % len(order)
    rows = order[positions]  # the same rows for both
    return images[rows], labels[rows]


SOLUTIONS = {
    "15c.1": Solution(
        ("diagnoses",),
        why="""
            The beds below are those of seed 0; with another seed the letters are others, and the reasoning is the same.

            1. Order the range. 255 is *never scaled*, and 0.996 is *divided by 256*.
            2. Order the letter F. It never stays an F with *on its side*, and in half of the cases with *mirrored*.
            3. Order the labels. In the bed in which about a tenth agree it is *orders apart*.
            4. Order the statistics, which are off with *statistics forgotten*. Order the company: it changes a
               picture with *training mode*.
            """,
        slip="""
            Reading "the labels disagree" as *orders apart* before the letter F was asked. Lying and mirrored digits are
            misread as well.
            """,
    ),
    "15c.2": Solution(
        ("normalise",),
        why=r"""
            1. In training mode the statistics are those of this batch. Each feature has its own, so the mean goes over
               dimension 0, and so does the variance.
            2. In evaluation mode they are the running ones, whatever the batch is. So one sample alone can be
               normalised, and its neighbours do not matter.
            3. Then (15c.2): subtract the mean, and divide by the square root of the variance.
            """,
        slip="""
            Taking the batch's statistics in evaluation mode. With a single sample the variance is 0, and the result is
            not a number.
            """,
    ),
    "15c.3": Solution(
        ("loaded",),
        why="""
            1. A step takes the positions from `step * size` on, `size` of them. Modulo N they begin anew at the end of
               the order.
            2. At position k of the order stands a row, `order[k]`. So the rows are `order[positions]`.
            3. Images and labels take the *same* rows. There is only one place in the code where rows are chosen, and so
               they cannot come apart.
            """,
        slip="""
            Shuffling images and labels by two calls. Each call draws an order of its own, and nothing stops with an
            error.
            """,
    ),
}
