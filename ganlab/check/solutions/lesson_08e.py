"""The worked solutions of lesson 08e."""

import numpy as np

from ganlab.check.solutions import Solution


def density_to_bits(log_density, shape):
    """log p(x) in nats, (B,), of images of `shape` (C, H, W): bits/dimension, (B,)."""
    dimensions = int(np.prod(shape))
    log_mass = log_density - dimensions * np.log(256)  # nats of the 8-bit levels
    return -log_mass / (dimensions * np.log(2))


def majority_picture(images, weights):
    """The weighted median, (D,), of images (N, D) with weights (N,) that sum to 1."""
    values, order = images.sort(dim=0)  # each column by itself, (N, D)
    so_far = weights[order].cumsum(0)  # the weights go along with their values
    first = (so_far >= 0.5).int().argmax(dim=0, keepdim=True)  # (1, D)
    return values.gather(0, first)[0]


SOLUTIONS = {
    "08e.1": Solution(
        ("density_to_bits",),
        why=r"""
            1. Let $y = 256\,x = k + u$. A density of $y$ that is constant on $[k, k + 1)$ has there the height that is
               the probability of the level $k$, since the interval has the width 1.
            2. Stretching one number by 256 makes its density 256 times lower. With $D$ numbers, the log density falls
               by $D \log 256$.
            3. Minus the log is the length of the code. Divided by $D$ it is for one number, and divided by $\log 2$ it
               is in bits.
            4. A test: $\log p(x) = 0$, the uniform density, gives $D \log 256 / (D \log 2) = 8$ bits.
            """,
        slip="""
            Forgetting the stretch. Then the uniform density would need 0 bits, and good models less than nothing.
            """,
    ),
    "08e.2": Solution(
        ("majority_picture",),
        why=r"""
            1. Every number is judged by itself, so each of the $D$ columns is sorted by itself. `order` says which
               image each sorted value comes from.
            2. `weights[order]` puts each image's weight beside its value, and `cumsum` adds them up from the smallest
               value.
            3. At the first value where the sum reaches $\frac12$, as much weight lies below as above. There the pulls
               of equal strength balance. `argmax` of a column of 0 and 1 finds the first 1.
            4. `gather` takes this value from each column.
            """,
        slip="""
            Sorting the values and leaving the weights in their old order. Then the weights belong to other images.
            """,
    ),
}
