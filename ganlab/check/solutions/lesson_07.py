"""The worked solutions of lesson 07."""

from ganlab.check.solutions import Solution


def kl_between(mu_q, logvar_q, mu_p, logvar_p):
    """Four tensors (B, L). Return KL(q || p) in nats, (B,)."""
    shift = (mu_q - mu_p) ** 2 / logvar_p.exp()
    log_ratio = logvar_q - logvar_p
    return 0.5 * (shift + log_ratio.exp() - 1 - log_ratio).sum(dim=1)


def hidden_beta(D, L, sigma):
    """D pixels, L latents, sigma of the pixels' noise. Return beta."""
    return D / (2 * sigma**2 * L)


SOLUTIONS = {
    "07.1": Solution(
        ("kl_between",),
        why=r"""
            1. Measure everything in units of $p$: shift the line by $\mu_p$ and divide by $s_p$. A KL does not notice,
               because both densities are stretched alike.
            2. Now $p$ is $N(0, 1)$. The mean of $q$ is $(\mu_q - \mu_p)/s_p$, and its log variance is
               $\text{logvar}_q - \text{logvar}_p$.
            3. (7.5) is $\frac12 (\mu^2 + e^{\text{logvar}} - 1 - \text{logvar})$. Insert the two. The square of the
               mean is $(\mu_q - \mu_p)^2$ over the *variance* of $p$, which is `logvar_p.exp()`.
            4. The dimensions are independent, so their KLs add.
            """,
        slip="""
            Taking `exp(logvar)` for a standard deviation. It is the variance already.
            """,
    ),
    "07.2": Solution(
        ("hidden_beta",),
        why=r"""
            1. Write $S$ for the squares summed over the pixels and $K$ for the KL summed over the latents, both as
               means over images. `F.mse_loss` divides $S$ by $D$, and `kl.mean()` divides $K$ by $L$. So the loss is
               $S/D + K/L$.
            2. In the bound the squares stand over $2 \sigma^2$. Multiply the loss by $D/(2 \sigma^2)$, which moves no
               minimum: it becomes $S/(2 \sigma^2) + \frac{D}{2 \sigma^2 L} K$.
            3. What stands before $K$ is $\beta$.
            """,
        slip="""
            Forgetting that the KL is a mean too, over L latents. That makes it smaller, and so L stands below.
            """,
    ),
}
