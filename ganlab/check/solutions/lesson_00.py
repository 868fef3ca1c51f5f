"""The worked solutions of lesson 00."""

import numpy as np

from ganlab.check.solutions import Solution


def to_tanh(pixels):
    """Return uint8 pixels, 0..255, as floats from -1 to 1."""
    return pixels.float() / 127.5 - 1


def mean_and_error(values):
    """Return the mean of values, a NumPy array (n,), and its standard error."""
    deviation = values.std(ddof=1)  # ddof=1: the squares are divided by n - 1
    return values.mean(), deviation / np.sqrt(len(values))


SOLUTIONS = {
    "00.1": Solution(
        ("to_tanh",),
        why=r"""
            1. The bytes become floating-point numbers first, because arithmetic on 8-bit numbers starts again at 0
               after 255. For example `2 * 200` is 144 there, not 400.
            2. We look for $a$ and $b$ in $a \cdot \text{pixel} + b$. The pixel 0 must become -1, so $b = -1$.
            3. The pixel 255 must become 1, so $255\,a - 1 = 1$ and $a = 2/255 = 1/127.5$.
            """,
        slip="""
            Dividing by 128 instead of 127.5. Then 255 becomes 0.992, and a generator whose pixel is 1 is whiter than
            any real image.
            """,
    ),
    "00.2": Solution(
        ("mean_and_error",),
        why=r"""
            1. The standard deviation $s$ says how far single values lie from their mean. The sum of the squares is
               divided by $n - 1$, because the mean was computed from the same values. NumPy does that with `ddof=1`.
            2. A mean of $n$ values varies less than a single value, by the factor $1/\sqrt n$. So the standard error of
               the mean is $s / \sqrt n$.
            """,
        slip="""
            Giving the standard deviation itself. It says how different single runs are, and it does not shrink when
            there are more of them.
            """,
    ),
}
