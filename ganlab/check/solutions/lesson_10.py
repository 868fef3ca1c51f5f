"""The worked solutions of lesson 10."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def best_value(real, fake, p_y):
    """Tables p(x | y) and p_g(x | y), (K, m), and p(y), (K,). Return one number."""

    def kl(p, r):
        return (torch.xlogy(p, p) - torch.xlogy(p, r)).sum(dim=1)  # (K,); 0 log 0 is 0

    middle = (real + fake) / 2
    jsd = (kl(real, middle) + kl(fake, middle)) / 2  # (K,)
    return 2 * (p_y * jsd).sum() - np.log(4)


def within_classes(features, y):
    """Features (N, D), classes y (N,) from 0 to K - 1. Return one number."""
    means = []
    for k in range(int(y.max()) + 1):
        own = features[y == k]
        means.append(torch.pdist(own).mean())  # each pair of different samples, once
    return torch.stack(means).mean()


SOLUTIONS = {
    "10.1": Solution(
        ("best_value",),
        why=r"""
            1. By (10.2) the value against the best critic is twice the mean JSD of the classes, minus $\log 4$. The
               mean is weighted by $p(y)$.
            2. The JSD of a class compares both of its rows with their middle $r = (p + p_g)/2$: half of
               $\mathrm{KL}(p \Vert r)$ plus half of $\mathrm{KL}(p_g \Vert r)$.
            3. A value with $p = 0$ adds 0 to the first KL. Where $p_g$ is 0 as well, $r$ is 0, and $p/r$ is `nan`. So
               the log of the quotient is written as a difference, and `xlogy` is 0 where its first argument is.
            """,
        slip="""
            Mixing the classes first and taking one JSD of the mixtures. That is the value against a critic that is not
            shown the class.
            """,
    ),
    "10.2": Solution(
        ("within_classes",),
        why="""
            1. Take the samples of one class. `pdist` returns the distance of each pair of them once, and never that of
               a sample to itself. Its mean is the mean over pairs of different samples.
            2. Put the classes' means into one tensor and take their mean. So each class counts alike.
            3. With `cdist` it is the sum of all distances divided by n (n - 1), since the diagonal adds nothing.
            """,
        slip="""
            Taking the mean of `cdist(own, own)`. It divides by n * n, and so counts each sample's distance to itself.
            """,
    ),
}
