"""The worked solutions of lesson 05c."""

import torch

from ganlab.check.solutions import Solution


def own_slopes(critic, x):
    """Return |gradient of logit i by sample i|^2 for every i, (B,); x is (B, ...)."""
    x = x.detach().clone().requires_grad_()
    logits = critic(x)
    slopes = []
    for i in range(len(x)):
        gradient = torch.autograd.grad(logits[i], x, retain_graph=True)[0]  # by all x
        slopes.append(gradient[i].square().sum())  # by sample i alone
    return torch.stack(slopes)


def slopes_by_hand(x, weights, biases):
    """Return |gradient of the critic|^2 at each sample of x (B, D): (B,)."""
    slopes = []
    h = x
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        a = h @ W.T + b  # (B, out)
        slopes.append(torch.where(a > 0, 1.0, 0.2))
        h = slopes[-1] * a  # LeakyReLU(0.2) of a
    gradient = weights[-1].expand(len(x), -1)  # (B, out): the last layer's, all alike
    for W, slope in zip(reversed(weights[:-1]), reversed(slopes), strict=True):
        gradient = (gradient * slope) @ W  # (B, in)
    return gradient.square().sum(dim=1)


SOLUTIONS = {
    "05c.1": Solution(
        ("own_slopes",),
        why="""
            1. The whole batch goes through the critic once, in the mode in which the critic is.
            2. `autograd.grad` of one logit gives its gradient by every sample of the batch. `retain_graph=True` keeps
               what the next logit needs.
            3. Of this gradient only row i is asked for: how logit i reacts to its own sample.
            4. Square the numbers of that row and add them.
            """,
        slip="""
            Taking the gradient of the sum of all logits, as `losses.squared_slope` does. Where logits depend on other
            samples, that mixes them.
            """,
    ),
    "05c.2": Solution(
        ("slopes_by_hand",),
        why=r"""
            1. Forward: each hidden layer computes $a = W h + b$. LeakyReLU(0.2) multiplies $a$ by 1 where it is
               positive and by 0.2 where it is not. That factor is also its slope, so we keep it.
            2. The last layer is linear, so its gradient by its own input is its weight, for every sample.
            3. Back, by the chain rule: multiply by the slopes of the nonlinearity, then by the layer's weight. With a
               sample in each row, the gradient stands to the left of $W$.
            4. What is left is the gradient by $x$, (B, D). Square its numbers and add them up, sample by sample.
            """,
        slip="""
            Leaving out the biases, since they have no slope. They do decide on which side of 0 each a lies.
            """,
    ),
}
