"""The worked solutions of lesson 03b."""

import torch

from ganlab.check.solutions import Solution

layers = [(4, 1, 0), (9, 3, 3), (9, 3, 3), (9, 3, 3)]  # (kernel, stride, padding) each


def phase_sums(weight, stride):
    """Return the outputs (stride, stride), one a phase, of weight (C, k, k) on ones."""
    sums = torch.zeros(stride, stride)
    for p in range(stride):
        for q in range(stride):
            sums[p, q] = weight[:, p::stride, q::stride].sum()
    return sums


SOLUTIONS = {
    "03b.1": Solution(
        ("layers",),
        why=r"""
            1. By (3.2) a layer makes $(\mathrm{in} - 1) s - 2p + k$ pixels. For the first layer $\mathrm{in} = 1$, so
               $k - 2p = 4$. The simplest choice is $k = 4$, $p = 0$.
            2. For tripling, $s = 3$ and $3 (\mathrm{in} - 1) - 2p + k = 3\,\mathrm{in}$. So $k = 3 + 2p$: 3, 5, 7, 9
               and so on.
            3. Neighbouring stamps overlap if $k > s$. That rules out $k = 3$.
            4. By (3b.1) every pixel gets equally many stamps if the stride divides the kernel. Of 5, 7, 9 the first
               that 3 divides is $k = 9$, with $p = 3$. (The next one is 15, with $p = 6$.)
            """,
        slip="""
            The kernel 5 with padding 1. The sizes are right and the stamps overlap, but 3 does not divide 5, so some
            pixels get more stamps than others.
            """,
    ),
    "03b.2": Solution(
        ("phase_sums",),
        why=r"""
            1. Every input pixel is 1, in all channels. So by (3b.2) an output pixel is the sum of the weights that
               reach it.
            2. A pixel whose row has the phase $p$ and whose column has the phase $q$ is reached by the weights in rows
               $p, p + s, p + 2s, \dots$ and columns $q, q + s, \dots$ In Python these are `p::stride` and `q::stride`.
            3. The stamps of all input channels are added, so the sum runs over the first dimension as well.
            """,
        slip="""
            Cutting the kernel into square blocks, for the four corners of the stamp. The weights of one phase are not
            neighbours: they lie one stride apart.
            """,
    ),
}
