"""The worked solutions of lesson 10d."""

import torch

from ganlab.check.solutions import Solution


def fold(norm, linear):
    """Return (weight, bias) of one linear layer that does what linear(norm(x)) does."""
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()  # (in,)
    shift = norm.bias - factor * norm.running_mean  # (in,)
    weight = linear.weight * factor  # (out, in): each column by its own factor
    bias = linear.weight @ shift
    if linear.bias is not None:
        bias = bias + linear.bias
    return weight, bias


def chances(labels, shares):
    """Classes (N,), shares (K,). Return the chance of each tile, (N,)."""
    counts = torch.bincount(labels, minlength=len(shares))  # (K,)
    of_class = shares / counts  # the chance of one tile of each class
    return of_class[labels]


SOLUTIONS = {
    "10d.1": Solution(
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
    "10d.2": Solution(
        ("chances",),
        why=r"""
            1. All tiles of class $k$ together shall have the chance `shares[k]`.
            2. Within the class all are alike, so each of its $n_k$ tiles has `shares[k]` divided by $n_k$. `bincount`
               counts the tiles of every class at once.
            3. Indexing with `labels` picks, for each tile, the number of its class. The sum over all tiles is
               $\sum_k n_k \cdot \text{shares}_k / n_k = 1$.
            """,
        slip="""
            Returning `shares[labels]`. Then a class of many tiles gets its share many times over.
            """,
    ),
}
