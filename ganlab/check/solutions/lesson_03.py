"""The worked solutions of lesson 03."""

import torch

from ganlab.check.solutions import Solution


def upsampled(x, weight, stride, padding):
    """Return transposed(x, weight, stride, padding), by one plain convolution."""
    images, channels, height, width = x.shape
    rows = stride * (height - 1) + 1
    columns = stride * (width - 1) + 1
    spread = x.new_zeros(images, channels, rows, columns)
    spread[:, :, ::stride, ::stride] = x  # stride - 1 zeros between neighbours
    # turned round; (C, O, k, k) to (O, C, k, k)
    kernel = weight.flip(2, 3).transpose(0, 1)
    margin = weight.shape[2] - 1 - padding
    return torch.nn.functional.conv2d(spread, kernel, padding=margin)


layers = [(7, 1, 0), (4, 2, 1), (4, 2, 1)]  # (kernel, stride, padding) of each


SOLUTIONS = {
    "03.1": Solution(
        ("upsampled",),
        why=r"""
            1. Two stamps of neighbouring pixels lie $s$ apart. So the pixels are spread out, with $s - 1$ zeros
               between them. A side of $n$ pixels becomes $s (n - 1) + 1$.
            2. A stamp puts $w[0, 0]$ at its *first* pixel. Seen from an output pixel, that weight belongs to the input
               pixel that comes *last* under the kernel. A convolution multiplies the last pixel by the last weight.
               So the kernel is turned round in both directions.
            3. A transposed convolution keeps its weight as (C, O, k, k). `conv2d` expects (O, C, k, k), and sums over
               its second dimension. So the two are exchanged.
            4. The first input pixel must meet every weight of the kernel once. For that there must be $k - 1$ zeros
               before it. `padding` cuts $p$ pixels off each side of the result, which is the same as a margin of
               $k - 1 - p$.
            """,
        slip="""
            Turning the kernel round but leaving its channels in the order of the transposed convolution. With as
            many channels in as out there is no error message, only wrong numbers.
            """,
    ),
    "03.2": Solution(
        ("layers",),
        why=r"""
            1. By (3.2) a layer makes $(\mathrm{in} - 1) s - 2p + k$ pixels a side. For the first layer
               $\mathrm{in} = 1$, so $k - 2p = 7$. The simplest choice is $k = 7$, $p = 0$.
            2. For doubling, $s = 2$ and $2 (\mathrm{in} - 1) - 2p + k = 2\,\mathrm{in}$. So $k = 2 + 2p$: 2, 4, 6 and
               so on.
            3. Neighbouring stamps overlap if $k > s = 2$. That rules out $k = 2$. The smallest kernel is $k = 4$, with
               $p = 1$.
            """,
        slip="""
            A kernel of 3 with stride 2 and padding 1, as in a convolution that halves. It makes 13 of 7, not 14.
            """,
    ),
}
