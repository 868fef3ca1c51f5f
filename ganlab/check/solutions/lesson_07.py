"""The worked solutions of lesson 07."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def kl_between(mu_q, logvar_q, mu_p, logvar_p):
    """Four tensors (B, L). Return KL(q || p) in nats, (B,)."""
    shift = (mu_q - mu_p) ** 2 / logvar_p.exp()
    log_ratio = logvar_q - logvar_p
    return 0.5 * (shift + log_ratio.exp() - 1 - log_ratio).sum(dim=1)


def iwae_bound(log_joint, log_q):
    """log p(x, z_k) and log q(z_k | x), each (K, B). Return the bound of each image, (B,)."""
    log_w = log_joint - log_q  # (K, B)
    return torch.logsumexp(log_w, dim=0) - np.log(len(log_w))


def hidden_beta(D, L, sigma):
    """Pixels, latents, noise of the pixels. Return beta."""
    return D / (2 * sigma**2 * L)


def score_estimates(f, mu, logvar, eps):
    """A function f, numbers mu and logvar (tensors of shape ()), noise eps (n,).

    Return two tensors (n,): estimates of the gradient of E f(z) by mu, and by logvar.
    """
    s = torch.exp(0.5 * logvar)
    value = f(mu + s * eps)
    return value * eps / s, value * 0.5 * (eps**2 - 1)


SOLUTIONS = {
    "07.1": Solution(
        ("kl_between",),
        why=r"""
            1. Measure everything in units of $p$: shift the line by $\mu_p$ and divide by $s_p$. A KL does not notice,
               because both densities are stretched alike.
            2. Now $p$ is $N(0, 1)$. The mean of $q$ is $(\mu_q - \mu_p)/s_p$, and its log variance is
               $\text{logvar}_q - \text{logvar}_p$.
            3. (7.7) is $\frac12 (\mu^2 + e^{\text{logvar}} - 1 - \text{logvar})$. Insert the two. The square of the
               mean is $(\mu_q - \mu_p)^2$ over the *variance* of $p$, which is `logvar_p.exp()`.
            4. The dimensions are independent, so their KLs add.
            """,
        slip="""
            Taking `exp(logvar)` for a standard deviation. It is the variance already.
            """,
    ),
    "07.2": Solution(
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
    "07.3": Solution(
        ("hidden_beta",),
        why=r"""
            1. Write $S$ for the squares summed over the pixels and $K$ for the KL summed over the latents, both as
               means over images. `F.mse_loss` divides $S$ by $D$, and `kl.mean()` divides $K$ by $L$. So the loss is
               $S/D + K/L$.
            2. In (7.10) the squares stand over $2 \sigma^2$. So multiply the loss by $D/(2 \sigma^2)$, which moves no
               minimum: it becomes $S/(2 \sigma^2) + \frac{D}{2 \sigma^2 L} K$.
            3. What stands before $K$ is $\beta$.
            """,
        slip="""
            Forgetting that the KL is a mean too, over L latents. That makes it smaller, and so L stands below.
            """,
    ),
    "07.4": Solution(
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
