"""The worked solutions of lesson 01."""

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
}
