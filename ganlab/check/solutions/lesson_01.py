"""The worked solutions of lesson 01."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def best_d_with_prior(p_data, p_g, pi):
    """Densities at n places, each (n,); pi, the fraction of real. Return D* (n,)."""
    real = pi * p_data
    fake = (1 - pi) * p_g
    return real / (real + fake)


def logit_slopes(logits):
    """Logits (n,). Return the slopes of log(1 - D) and of -log D, each (n,)."""
    d = torch.sigmoid(logits)
    return -d, d - 1


def jsd_from_logits(real_logits, fake_logits):
    """Logits of real (n,) and fake (m,) samples. Return the estimate in nats, standard error."""
    softplus = torch.nn.functional.softplus
    log_d = -softplus(-real_logits)  # log D at the real samples, (n,)
    log_one_minus_d = -softplus(fake_logits)  # log(1 - D) at the fakes, (m,)
    value = log_d.mean() + log_one_minus_d.mean()
    variance = log_d.var() / len(log_d) + log_one_minus_d.var() / len(log_one_minus_d)
    return (value + np.log(4)) / 2, variance.sqrt() / 2


SOLUTIONS = {
    "01.1": Solution(
        ("best_d_with_prior",),
        why=r"""
            1. Both expectations are integrals over $x$, so the value is one integral of
               $\pi\,p_\text{data}(x) \log D(x) + (1 - \pi)\,p_g(x) \log(1 - D(x))$.
            2. $D$ may take any value at any $x$. So we maximise the bracket at each $x$ by itself. It is
               $a' \log d + b' \log(1 - d)$ with $a' = \pi\,p_\text{data}$ and $b' = (1 - \pi)\,p_g$.
            3. Its derivative by $d$ is $a'/d - b'/(1 - d)$. It is zero at $d = a'/(a' + b')$.
            4. In words: of all that $D$ sees at this place, $D^*$ is the share that is real. With $\pi = \frac12$ both
               halves cancel, and the old answer comes back.
            """,
        slip=r"""
            Weighing the real samples by $\pi$ and forgetting that the fakes then have the weight $1 - \pi$.
            """,
    ),
    "01.2": Solution(
        ("logit_slopes",),
        why=r"""
            1. With $a$ for the logit, $D = \operatorname{sigmoid}(a)$ has the slope $D (1 - D)$.
            2. The chain rule for the first loss: $\log(1 - D)$ has the slope $-1/(1 - D)$ by $D$. Times $D (1 - D)$
               that is $-D$.
            3. The chain rule for the second loss: $-\log D$ has the slope $-1/D$ by $D$. Times $D (1 - D)$ that is
               $-(1 - D) = D - 1$.
            4. Both slopes are negative, since both losses fall when the logit of a fake rises. Where $D$ is near 0, the
               first slope is near 0 and the second near -1.
            """,
        slip="""
            Giving the slope by D, which is -1/D for the second loss, and leaving out the factor D (1 - D).
            """,
    ),
    "01.3": Solution(
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
}
