"""The worked solutions of lesson 08."""

import numpy as np
import torch

from ganlab.check.solutions import Solution


def vae_step(vae, optimizer, x, eps):
    """Move the VAE one step up its ELBO for images x (B, C, H, W); the noise eps is (B, L).

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


def bound_in_chunks(chunks):
    """Return log of the mean weight over all chunks, for each image: (B,), in nats."""
    log_sum = torch.tensor(-torch.inf)  # the log of no weight at all
    count = 0
    for log_w in chunks:
        log_sum = torch.logaddexp(log_sum, torch.logsumexp(log_w, dim=0))  # (B,)
        count += len(log_w)
    return log_sum - np.log(count)


def free_bits_loss(log_p_x, kl, free):
    """log p(x | z) (B,), KL of each image and latent (B, L), free nats. Return one number."""
    kl_of_latent = kl.mean(dim=0)  # (L,)
    return kl_of_latent.clamp(min=free).sum() - log_p_x.mean()


def density_to_bits(log_density, shape):
    """log p(x) in nats, (B,), of images of `shape` (C, H, W). Return bits per dimension, (B,)."""
    dimensions = int(np.prod(shape))
    log_mass = log_density - dimensions * np.log(256)  # nats of the 8-bit levels
    return -log_mass / (dimensions * np.log(2))


SOLUTIONS = {
    "08.1": Solution(
        ("vae_step",),
        why=r"""
            1. Draw: $z = \mu + \sigma \epsilon$, with $\sigma = e^{\text{logvar}/2}$. The noise comes from outside, so
               that gradients reach $\mu$ and $\sigma$.
            2. Pay: the KL (7.7) of each latent, summed over the latents. The ELBO of an image is $\log p(x \mid z)$
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
        ("bound_in_chunks",),
        why=r"""
            1. The bound is $\log \frac1K \sum_k w_k$, over all $K$ samples. A sum can be collected piece by piece.
            2. For each piece `logsumexp` gives the log of its own sum. `logaddexp` adds that to the sum so far without
               leaving the logarithms, where $e^{-1000}$ would be 0.
            3. We start with the log of 0, which is minus infinity: nothing has been added yet.
            4. We count the samples along, and divide by their number once, at the end. After the log, that is the
               subtraction of $\log K$.
            """,
        slip="""
            Taking the bound of each piece and then the mean of these bounds. The mean belongs inside the log, and
            pieces of different sizes would count alike.
            """,
    ),
    "08.3": Solution(
        ("free_bits_loss",),
        why=r"""
            1. For each latent take the mean of its KL over the batch, (L,).
            2. A latent pays at least `free` nats, whether it uses them or not. So below `free` there is nothing to be
               gained by a smaller KL. `clamp(min=free)` is that maximum.
            3. The latents are independent, so what they pay is added up. The reconstruction's $\log p(x \mid z)$ is
               subtracted, because a loss goes down.
            """,
        slip="""
            Taking the maximum image by image, before the mean. Then free nats that one image does not use are lost.
            """,
    ),
    "08.4": Solution(
        ("density_to_bits",),
        why=r"""
            1. Let $y = 256\,x = k + u$. A density of $y$ that is constant on $[k, k + 1)$ has there the height that is
               the probability of the level $k$, since the interval has the width 1.
            2. Stretching one number by 256 makes its density 256 times lower. With $D$ numbers, the log density falls
               by $D \log 256$.
            3. Minus the log is the length of the code. Divided by $D$ it is for one number, and divided by $\log 2$ it
               is in bits.
            4. A test: $\log p(x) = 0$, the uniform density, gives $D \log 256 / (D \log 2) = 8$ bits.
            """,
        slip="""
            Forgetting the stretch. Then the uniform density would need 0 bits, and good models less than nothing.
            """,
    ),
}
