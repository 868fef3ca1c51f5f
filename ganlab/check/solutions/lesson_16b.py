"""The worked solutions of lesson 16b."""

import numpy as np

from ganlab.check.solutions import Solution


def epsilons(truth, change, scale):
    """A probability, and two positive numbers. Return three epsilons."""
    yes_if_yes = truth + (1 - truth) / 2
    yes_if_no = (1 - truth) / 2
    response = np.log(yes_if_yes / yes_if_no)
    noise = change / scale
    return response, noise, response + noise


def private_mean(gradients, clip, sigma, noise):
    """Rows (n, D), two numbers and noise (D,). Return the noisy mean, (D,)."""
    lengths = gradients.norm(dim=1, keepdim=True)  # (n, 1)
    clipped = gradients * (clip / lengths).clamp(max=1)
    return (clipped.sum(dim=0) + sigma * clip * noise) / len(gradients)


SOLUTIONS = {
    "16b.1": Solution(
        ("epsilons",),
        why=r"""
            1. If the truth is yes, the answer is yes with probability $t + (1 - t)/2 = (1 + t)/2$. If it is no, with
               $(1 - t)/2$. The answer no has the same two probabilities, exchanged. So the largest quotient is
               $(1 + t)/(1 - t)$.
            2. The two densities of the noisy number differ by a shift $c$ with $|c| \le \text{change}$. Their quotient
               is $e^{(|u - c| - |u|)/b}$, and $|u - c| - |u| \le |c|$. So its logarithm is at most change / scale.
            3. The probability of two independent answers is a product. So quotients multiply, and epsilons add up.
            """,
        slip="""
            Forgetting that the coin says yes as well. With truth = 0.5 the answer is right in three of four cases, and
            epsilon is log 3.
            """,
    ),
    "16b.2": Solution(
        ("private_mean",),
        why=r"""
            1. The factor clip / length is below 1 for rows that are too long, and makes them exactly as long as clip.
               For shorter rows it would be above 1, so it is limited to 1.
            2. After that one row changes the sum by at most clip. The noise is measured in that unit, sigma times clip.
            3. Dividing by n comes last: it needs no secret, if n itself is known.
            """,
        slip="""
            Clipping the mean. A single long row can still turn the mean into its own direction, so nothing is promised.
            """,
    ),
}
