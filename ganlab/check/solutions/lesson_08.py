"""The worked solutions of lesson 08."""

import numpy as np
import torch

from ganlab import probability
from ganlab.check.solutions import Solution


def vae_step(vae, optimizer, x, eps):
    """Move the VAE one step up its ELBO for images x (B, C, H, W), noise eps (B, L).

    Return the ELBO before the step: in nats, the mean over images, one number.
    """
    mu, logvar = vae.encode(x)
    z = mu + torch.exp(0.5 * logvar) * eps
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)  # (B,)
    elbo = (vae.log_p_x_given_z(x, z) - kl).mean()
    optimizer.zero_grad()
    (-elbo).backward()
    optimizer.step()
    return elbo.detach()


def log_aggregate(z, mu, logvar):
    """Log density, (B,), of places z (B, L) under the mean of N Gaussians (N, L)."""
    s = torch.exp(0.5 * logvar)
    log_q = probability.gaussian_log_density(z[:, None], mu, s)  # (B, N, L)
    log_q = log_q.sum(dim=2)  # of all latents together: (B, N)
    return torch.logsumexp(log_q, dim=1) - np.log(len(mu))


SOLUTIONS = {
    "08.1": Solution(
        ("vae_step",),
        why=r"""
            1. Draw: $z = \mu + s\, \epsilon$, with $s = e^{\text{logvar}/2}$. The noise comes from outside, so that
               gradients reach $\mu$ and $s$.
            2. Pay: the KL (7.5) of each latent, summed over the latents. The ELBO of an image is $\log p(x \mid z)$
               minus this KL. The batch's is the mean.
            3. An optimizer goes down, and the ELBO is to go up. So the loss is minus the ELBO.
            4. `zero_grad`, `backward`, `step`, as in every training loop. The ELBO was computed before the weights
               moved, so it is the one that is asked for. `detach` lets the graph go.
            """,
        slip="""
            Leaving out `zero_grad`. The first step is right then, and the second one moves along the sum of both
            gradients. That is why the judge takes two.
            """,
    ),
    "08.2": Solution(
        ("log_aggregate",),
        why=r"""
            1. `z[:, None]` has the shape (B, 1, L), so that each place meets each image: the log densities are
               (B, N, L).
            2. The latents of one image are independent given the image, so their densities multiply and the logs
               add: a sum over the last dimension, (B, N).
            3. The aggregate posterior is the mean of the N densities. The log of their sum is `logsumexp` over the
               images. It never leaves the logs, so that a density of $e^{-3000}$ does no harm.
            4. Dividing by $N$ is, in logs, subtracting $\log N$.
            """,
        slip="""
            Taking the mean of the logs. It falls far below the mixture's log density as soon as some of the images
            lie far away.
            """,
    ),
}
