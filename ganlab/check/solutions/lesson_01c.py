"""The worked solutions of lesson 01c."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def jsd_from_logits(real_logits, fake_logits):
    """Logits of real (n,), fake (m,). Return the estimate in nats, standard error."""
    softplus = torch.nn.functional.softplus
    log_d = -softplus(-real_logits)  # log D at the real samples, (n,)
    log_one_minus_d = -softplus(fake_logits)  # log(1 - D) at the fakes, (m,)
    value = log_d.mean() + log_one_minus_d.mean()
    variance = log_d.var() / len(log_d) + log_one_minus_d.var() / len(log_one_minus_d)
    return (value + np.log(4)) / 2, variance.sqrt() / 2


def best_logit(x, mu, sigma):
    """Places (n,), two numbers. Return the logit of D* and its slope by x, (n,)."""
    logit = -(x**2) / 2 + (x - mu) ** 2 / (2 * sigma**2) + np.log(sigma)
    slope = -x + (x - mu) / sigma**2
    return logit, slope


SOLUTIONS = {
    "01c.1": Solution(
        ("jsd_from_logits",),
        why=r"""
            1. For the best $D$ the value is $V = 2\,\mathrm{JSD} - \log 4$. Solved for the divergence:
               $\mathrm{JSD} = (V + \log 4)/2$.
            2. $V$ is the mean of $\log D$ over the real samples plus the mean of $\log(1 - D)$ over the fakes. From
               logits, $\log D = -\operatorname{softplus}(-a)$ and $\log(1 - D) = -\operatorname{softplus}(a)$. That is
               exact for large logits too, where the logarithm of a rounded $D$ would be infinite.
            3. The variance of a mean is the variance of one sample divided by the number of samples. The two means are
               independent, so their variances add. The root is the standard error of $V$.
            4. The estimate is half of $V$ plus a constant. The constant changes no error, and half a number has half
               the error.
            """,
        slip="""
            Halving the estimate but not its standard error, or adding the two standard errors instead of the two
            variances.
            """,
    ),
    "01c.2": Solution(
        ("best_logit",),
        why=r"""
            1. The logit of $D^*$ is $\log p_\text{data} - \log p_g$.
            2. The log of the Gaussian $N(\mu, \sigma^2)$ is
               $-\frac{(x - \mu)^2}{2 \sigma^2} - \log \sigma - \frac12 \log 2\pi$. For $N(0, 1)$ it is
               $-\frac{x^2}{2} - \frac12 \log 2\pi$.
            3. In the difference, $\frac12 \log 2\pi$ cancels, and $\log \sigma$ stays with a plus.
            4. The slope by $x$: $-\frac{x^2}{2}$ gives $-x$, and $\frac{(x - \mu)^2}{2 \sigma^2}$ gives
               $\frac{x - \mu}{\sigma^2}$.
               With $\sigma = 1$ the two $x$ cancel, and $-\mu$ is left: the straight line.
            """,
        slip="""
            Leaving out log sigma, as if the two densities had the same constant in front. They have it only where
            sigma is 1.
            """,
    ),
}
