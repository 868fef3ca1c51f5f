"""The worked solutions of lesson 10."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def best_value(p_x, q_x, p_y):
    """Tables p(x | y) and q(x | y), (K, m), and p(y), (K,). Return one number, nats."""

    def kl(p, r):
        return (torch.xlogy(p, p) - torch.xlogy(p, r)).sum(dim=1)  # (K,); 0 log 0 is 0

    middle = (p_x + q_x) / 2
    jsd = (kl(p_x, middle) + kl(q_x, middle)) / 2  # (K,)
    return 2 * (p_y * jsd).sum() - np.log(4)


def within_classes(features, y):
    """features (N, D), classes y (N,) from 0 to K - 1, two samples of each at least. One number."""
    means = []
    for k in range(int(y.max()) + 1):
        own = features[y == k]
        means.append(torch.pdist(own).mean())  # each pair of different samples, once
    return torch.stack(means).mean()


def gain(first, second):
    """Accuracies (n,) of two recipes, seed by seed. Return (low, high) for second minus first."""
    from scipy import stats

    difference = second - first
    n = len(difference)
    error = difference.std(ddof=1) / n**0.5
    half = error * stats.t.ppf(0.975, n - 1)
    return difference.mean() - half, difference.mean() + half


def fold(norm, linear):
    """Return (weight, bias) of one linear layer that does what linear(norm(x)) does."""
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()  # (in,)
    shift = norm.bias - factor * norm.running_mean  # (in,)
    weight = linear.weight * factor  # (out, in): each column by its own factor
    bias = linear.weight @ shift
    if linear.bias is not None:
        bias = bias + linear.bias
    return weight, bias


SOLUTIONS = {
    "10.1": Solution(
        ("best_value",),
        why=r"""
            1. By (10.2) the value against the best critic is twice the mean JSD of the classes, minus $\log 4$. The
               mean is weighted by $p(y)$.
            2. The JSD of a class compares both of its rows with their average $r = (p + q)/2$: half of
               $\mathrm{KL}(p \Vert r)$ plus half of $\mathrm{KL}(q \Vert r)$.
            3. A value with $p = 0$ adds 0 to the first KL. Where $q$ is 0 as well, $r$ is 0, and $p/r$ would be `nan`.
               So the log of the quotient is written as a difference, and `xlogy` is 0 where its first argument is.
            """,
        slip="""
            Mixing the classes first and taking one JSD of the mixtures. That is the value against a critic that is not
            told the class.
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
    "10.3": Solution(
        ("gain",),
        why=r"""
            1. Both recipes met the same draw of each seed. So take the differences first: how easy the draw was
               cancels.
            2. The standard error of their mean is their standard deviation divided by $\sqrt n$. numpy's `std` divides
               by $n$ unless it is told `ddof=1`.
            3. For few seeds the quantile is that of Student's $t$ with $n - 1$ degrees of freedom. It is the 97.5% one,
               because 2.5% are to lie beyond either end.
            """,
        slip="""
            Treating the two lists as unrelated and adding their variances. These contain the luck of the draws, so
            the interval is too wide.
            """,
    ),
    "10.4": Solution(
        ("fold",),
        why=r"""
            1. In evaluation mode the norm computes $h = f (x - \mu) + \beta$, number by number, with
               $f = \gamma / \sqrt{v + \epsilon}$. That is $f x$ plus the shift $\beta - f \mu$.
            2. The linear layer makes $W h + b = W (f x) + W (\beta - f \mu) + b$.
            3. In $W (f x)$ the factor belongs to the layer's *inputs*. In `weight`, (out, in), each input has a column.
               Multiplying by `factor`, (in,), scales just these.
            4. The rest does not depend on $x$, so it is the new bias. A layer without a bias has $b = 0$.
            5. All results are new tensors, so both layers stay as they were.
            """,
        slip="""
            Letting the factor run along the rows. That scales what comes *out*, which is right when the norm comes
            after the layer.
            """,
    ),
}
