"""The worked solutions of lesson 12."""

import torch

from ganlab.check.solutions import Solution


def psnr(x_hat, x, low, high):
    """Pictures x_hat, x (N, C, H, W) in [low, high]. Return each PSNR in dB, (N,)."""
    squared_error = (x_hat - x).square().flatten(1).mean(1)  # (N,)
    return 10 * torch.log10((high - low) ** 2 / squared_error)


def error_of_answer(values, p, t):
    """Values (n,) with probabilities p (n,). Return the expected squared error."""
    m = (p * values).sum()
    variance = (p * (values - m) ** 2).sum()
    return (1 + t**2) * variance


def adjoint(y, factor):
    """Small pictures y (B, C, h, w). Return (B, C, h * factor, w * factor)."""
    spread = y.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return spread / factor**2


SOLUTIONS = {
    "12.1": Solution(
        ("psnr",),
        why=r"""
            1. Square the difference of each pixel and channel, and take the mean over one picture: its mean squared
               error. `flatten(1)` lays the numbers of each picture in a row, and `mean(1)` leaves one number for each.
            2. The error has a unit: grey levels, squared. Divide the squared range by it, and the unit is gone. So the
               same picture has the same PSNR in $[-1, 1]$ and in $[0, 255]$.
            3. Decibels are ten times the logarithm to the base 10. Half the squared error is
               $10 \log_{10} 2 = 3.01$ dB more.
            """,
        slip="""
            Taking 1 for the range of pictures in [-1, 1]. The result is too small by 10 log10(4) = 6.02 dB, which is
            more than most methods differ by.
            """,
    ),
    "12.2": Solution(
        ("error_of_answer",),
        why=r"""
            1. The answer is $a = m + t\,(x' - m)$. So its error is $x - a = (x - m) - t\,(x' - m)$.
            2. Square it: $(x - m)^2 - 2 t\,(x - m)(x' - m) + t^2 (x' - m)^2$.
            3. Take the mean. The first term gives $v$. The last gives $t^2 v$, since $x'$ is drawn from the same
               distribution as $x$. In the middle term $x$ and $x'$ are independent, so the mean of the product is the
               product of the means, and both are 0.
            4. Together: $(1 + t^2)\,v$. At $t = 0$ this is the mean's error $v$, at $t = 1$ the sample's, $2 v$.
            """,
        slip="""
            Taking 1 + t for the factor. A straight line between the two errors looks natural, but the error grows with
            the square of t: half of the way costs a quarter of the price.
            """,
    ),
    "12.3": Solution(
        ("adjoint",),
        why=r"""
            1. One number of the small picture is the mean of its block, so each of the $f^2$ pixels enters with the
               factor $1 / f^2$.
            2. Take the sum of $(A x) \cdot y$ over the small pixels, and put the means in. Each pixel of $x$ is now
               multiplied by the $y$ of its block and by $1 / f^2$.
            3. For every $x$ this has to be the sum of $x \cdot (A^\top y)$ over the large pixels. So at each pixel
               $A^\top y$ is the $y$ of its block, divided by $f^2$.
            """,
        slip="""
            Forgetting to divide. The small numbers, copied over their blocks, are a natural way to enlarge; but that is
            factor^2 times the adjoint.
            """,
    ),
}
