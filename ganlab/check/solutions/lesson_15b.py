"""The worked solutions of lesson 15b; that of 15b.1 is for the beds that seed 0 makes."""

import torch

from ganlab.check.solutions import Solution

# of each bed a name: "half missing", "exp missing", "one missing", "sign",
# "sigmoid on z", "prior's noise", "pixels averaged" or "average stuck"
diagnoses = {
    "A": "sigmoid on z",
    "B": "half missing",
    "C": "average stuck",
    "D": "pixels averaged",
    "E": "prior's noise",
    "F": "one missing",
    "G": "sign",
    "H": "exp missing",
}


def negative_elbo(mu, logvar, eps, decoder, x):
    """Latents (B, L), pixels x (B, D). Return minus the ELBO in nats, one number."""
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
    z = mu + torch.exp(logvar / 2) * eps
    log_p = -cross_entropy(decoder(z), x, reduction="none").sum(1).mean()
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
    return kl - log_p


def true_beta(over_pixels, over_latents, pixels, latents):
    """Two words "sum" or "mean", two counts. Return the weight of the KL."""
    beta = 1.0
    if over_pixels == "mean":
        beta *= pixels  # multiply the whole loss by the pixels
    if over_latents == "mean":
        beta /= latents
    return beta


SOLUTIONS = {
    "15b.1": Solution(
        ("diagnoses",),
        why="""
            The beds below are those of seed 0; with another seed the letters are others, and the reasoning is the same.

            1. Order the known KLs in every bed. 0, 8 and 35.11 are *half missing*. If the third is the first, it is
               *exp missing*. If all are too large by 4, it is *one missing*.
            2. The known loss is 90 with *sign*, the known $\\log p$ is -0.69 with *pixels averaged*.
            3. The known $z$ is 0 and 1 with *prior's noise*: it is the noise itself. With *sigmoid on z* both lie
               between 0 and 1.
            4. The known average is 0 with *average stuck*.
            """,
        slip="""
            Telling *prior's noise* and *pixels averaged* apart by their pictures. Both show one blur; the tests of
            the parts differ.
            """,
    ),
    "15b.2": Solution(
        ("negative_elbo",),
        why=r"""
            1. `logvar` is the logarithm of the variance, so the standard deviation is $e^{\text{logvar} / 2}$. `logvar`
               itself may be negative.
            2. $\log p(x \mid z)$ of an image is a sum over its pixels, because the pixels are independent given $z$.
               The KL is a sum over the latents for the same reason.
            3. Only over the batch a mean is taken. With a mean over the pixels the KL weighs far too much, by (15b.2).
            """,
        slip="""
            Mending the mean over the pixels and leaving that over the latents. Then the KL weighs too little, and the
            digits come back sharp while samples from the prior are bad.
            """,
    ),
    "15b.3": Solution(
        ("true_beta",),
        why=r"""
            1. A mean over $n$ pixels is the sum divided by $n$; a mean over $m$ latents is the sum divided by $m$.
               Without a mean the divisor is 1.
            2. So the program descends $-\frac1n \log p(x \mid z) + \frac1m \mathrm{KL}$, both now as sums.
            3. Multiply by $n$, which moves no minimum: $-\log p(x \mid z) + \frac{n}{m} \mathrm{KL}$. So $\beta$ is
               $n / m$.
            """,
        slip="""
            Taking "mean and mean" for the sound loss. For 784 pixels and 20 latents it has a weight of 39.2.
            """,
    ),
}
