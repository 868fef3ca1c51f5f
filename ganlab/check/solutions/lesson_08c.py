"""The worked solutions of lesson 08c."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def rate_and_distortion(vae, x, eps):
    """Return R and D, two numbers, in nats: images x (B, C, H, W), noise eps (B, L)."""
    mu, logvar = vae.encode(x)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)  # (B, L)
    z = mu + torch.exp(logvar / 2) * eps
    return kl.sum(dim=1).mean(), -vae.log_p_x_given_z(x, z).mean()


def water_level(variances, rate):
    """Return the level at which directions of these variances (n,) cost `rate` nats."""
    low = -60.0  # logs of the level, both
    high = variances.max().log().item()
    for _ in range(100):
        middle = (low + high) / 2
        cost = 0.5 * (variances / np.exp(middle)).clamp(min=1).log().sum()
        if cost > rate:  # too dear: the water must rise
            low = middle
        else:
            high = middle
    return float(np.exp(low))


SOLUTIONS = {
    "08c.1": Solution(
        ("rate_and_distortion",),
        why=r"""
            1. The KL of each latent is the formula of lesson 07. Latents are independent, so their KLs add: a sum over
               the last dimension. The rate is the mean over images.
            2. The distortion needs a $z$ that the encoder proposes: $z = \mu + s\, \epsilon$, with
               $s = e^{\text{logvar} / 2}$.
            3. $\log p(x \mid z)$ is a sum over pixels already. The distortion is minus its mean over images.
            """,
        slip="""
            Dividing one of the two by the number of pixels or of latents. Then their sum is no longer minus the ELBO,
            and points of different models cannot be compared.
            """,
    ),
    "08c.2": Solution(
        ("water_level",),
        why=r"""
            1. At a level $\ell$ a direction costs $\frac12 \log (\lambda / \ell)$ nats if $\lambda > \ell$, and nothing
               otherwise. `clamp(min=1)` is that maximum.
            2. The sum falls as the level rises. At the largest $\lambda$ it is 0, and far below it is larger than any
               budget. So the level lies in between.
            3. Halve the interval a hundred times, on a log scale, and keep the half in which the sum crosses the
               budget.
            """,
        slip="""
            Leaving out the maximum with 1. Directions under water then get negative nats, the others may spend more,
            and the level comes out wrong for small budgets.
            """,
    ),
}
