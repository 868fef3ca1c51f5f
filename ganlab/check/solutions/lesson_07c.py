"""The worked solutions of lesson 07c."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def iwae_bound(log_joint, log_q):
    """log p(x, z_k), log q(z_k | x), each (K, B). Return each image's bound, (B,)."""
    log_w = log_joint - log_q  # (K, B)
    return torch.logsumexp(log_w, dim=0) - np.log(len(log_w))


def score_estimates(f, mu, logvar, eps):
    """A function f, numbers mu and logvar (tensors of shape ()), noise eps (n,).

    Return two tensors (n,): estimates of the gradient of E f(z) by mu, and by logvar.
    """
    s = torch.exp(0.5 * logvar)
    value = f(mu + s * eps)
    return value * eps / s, value * 0.5 * (eps**2 - 1)


SOLUTIONS = {
    "07c.1": Solution(
        ("iwae_bound",),
        why=r"""
            1. The weight is $w_k = p(x, z_k)/q(z_k \mid x)$. Its logarithm is the difference of the two arguments.
            2. The bound is the log of the mean weight, $\log \frac1K \sum_k w_k$.
            3. A weight of $e^{-1000}$ is 0 in the computer, and the log of 0 is minus infinity. `logsumexp` takes the
               largest $\log w$ out first, so that at least one number is not 0.
            4. A mean is the sum divided by $K$. After the log that is the subtraction of $\log K$.
            """,
        slip="""
            Taking the mean of the logs, `log_w.mean(0)`. That is the ELBO. The log has to stand outside.
            """,
    ),
    "07c.2": Solution(
        ("score_estimates",),
        why=r"""
            1. The score-function estimate is $f(z)$ times the gradient of $\log q(z)$. So we need two derivatives of
               $\log q = -\frac12 \text{logvar} - \frac12 (z - \mu)^2 e^{-\text{logvar}}$ plus a constant. In both, $z$
               is held fixed.
            2. By $\mu$: $(z - \mu)\,e^{-\text{logvar}}$. Since $z - \mu = s\,\epsilon$ and
               $e^{-\text{logvar}} = 1/s^2$, that is $\epsilon / s$.
            3. By logvar: $-\frac12 + \frac12 (z - \mu)^2 e^{-\text{logvar}} = \frac12 (\epsilon^2 - 1)$.
            4. Multiply both by $f(z)$, draw by draw. No derivative of $f$ occurs, so $f$ may even have jumps.
            """,
        slip=r"""
            Giving the gradient by $s$, which is $f(z)\,(\epsilon^2 - 1)/s$, for that by logvar. The chain rule
            multiplies it by $ds/d\,\text{logvar} = s/2$.
            """,
    ),
}
