"""The worked solutions of lesson 05b."""

import torch

from ganlab.check.solutions import Solution


def critic_bound(weights):
    """Return the bound, one number; weights: the layers' matrices, each (out, in)."""
    bound = 1.0
    for W in weights:
        bound = bound * torch.linalg.matrix_norm(W, 2)  # the largest singular value
    return bound


def convolution_norm(kernel, x, rounds):
    """Return the norm, a number; kernel (out, in, 3, 3), start x (1, in, H, W)."""
    conv2d = torch.nn.functional.conv2d
    conv_transpose2d = torch.nn.functional.conv_transpose2d
    for _ in range(rounds):
        u = conv2d(x, kernel, padding=1)
        u = u / u.norm()
        x = conv_transpose2d(u, kernel, padding=1)
        x = x / x.norm()
    return conv2d(x, kernel, padding=1).norm()


SOLUTIONS = {
    "05b.1": Solution(
        ("critic_bound",),
        why="""
            1. A layer makes the distance between two inputs larger by its largest singular value, at the most.
            2. LeakyReLU makes no distance larger: its slope is 1 or 0.2.
            3. The layers follow one another, so the factors are multiplied, those of all layers.
            """,
        slip="""
            Multiplying the matrices first. That is the slope of a critic without LeakyReLU. With it, each sample meets
            another product of matrices, and some can stretch more.
            """,
    ),
    "05b.2": Solution(
        ("convolution_norm",),
        why=r"""
            1. A convolution is a matrix $W$ that acts on images. Its norm is the largest factor by which it can
               stretch an image.
            2. A round goes through $W$ and back through $W^{\mathsf T}$. In each round that part of the image grows
               most which $W$ stretches most. After enough rounds the others are negligible beside it.
            3. Each time the result is divided by its length, or the numbers would grow or vanish.
            4. At the end $x$ has the length 1. So the length of $W x$ is the factor.
            """,
        slip="""
            Taking for the way back a second `conv2d`. The transposed matrix is `conv_transpose2d` with the same kernel
            and padding.
            """,
    ),
}
