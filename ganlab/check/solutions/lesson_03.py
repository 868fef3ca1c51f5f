"""The worked solutions of lesson 03."""

import torch

from ganlab.check.solutions import Solution


def upsampled(x, weight, stride, padding):
    """Return what transposed(x, weight, stride, padding) returns, by one plain convolution."""
    images, channels, height, width = x.shape
    rows = stride * (height - 1) + 1
    columns = stride * (width - 1) + 1
    spread = x.new_zeros(images, channels, rows, columns)
    spread[:, :, ::stride, ::stride] = x  # stride - 1 zeros between neighbours
    kernel = weight.flip(2, 3).transpose(0, 1)  # turned round; (C, O, k, k) to (O, C, k, k)
    margin = weight.shape[2] - 1 - padding
    return torch.nn.functional.conv2d(spread, kernel, padding=margin)


layers = [(4, 1, 0), (9, 3, 3), (9, 3, 3), (9, 3, 3)]  # (kernel, stride, padding) of each


def nearer(samples, training, held_out):
    """Return the share of samples (n, C, H, W) nearer to training images than any held-out one."""
    turns = [(), (3,), (2,), (2, 3)]  # as it is, left to right, upside down, both
    turned = torch.cat([training.flip(dims) for dims in turns])

    def to_nearest(images):
        return torch.cdist(images.flatten(1), turned.flatten(1)).amin(dim=1)

    limit = to_nearest(held_out).min()
    return (to_nearest(samples) < limit).double().mean()


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
            1. By (3.5) a layer makes $(\mathrm{in} - 1) s - 2p + k$ pixels. For the first layer $\mathrm{in} = 1$, so
               $k - 2p = 4$. The simplest choice is $k = 4$, $p = 0$.
            2. For tripling, $s = 3$ and $3 (\mathrm{in} - 1) - 2p + k = 3\,\mathrm{in}$. So $k = 3 + 2p$: 3, 5, 7, 9
               and so on.
            3. Neighbouring stamps overlap if $k > s$. That rules out $k = 3$.
            4. By (3.8) every pixel gets equally many stamps if the stride divides the kernel. Of 5, 7, 9 the first
               that 3 divides is $k = 9$, with $p = 3$. (The next one is 15, with $p = 6$.)
            """,
        slip="""
            The kernel 5 with padding 1. The sizes are right and the stamps overlap, but 3 does not divide 5, so some
            pixels get more stamps than others.
            """,
    ),
    "03.3": Solution(
        ("nearer",),
        why="""
            1. A copy may be turned. So each training image stands in the comparison four times, once for each turn.
            2. `cdist` compares flat vectors, so the images are flattened. The smallest number in a row is the distance
               to the nearest training image.
            3. "Nearer than every held-out image is" means: nearer than the *nearest* held-out image. So the limit is
               the smallest of the held-out distances, measured in the same way, turns included.
            4. The mean of true and false, as numbers, is the share.
            """,
        slip="""
            Turning the training images for the samples, but not for the held-out images. Then the two distances are
            not measured alike, and the limit is too large.
            """,
    ),
}
