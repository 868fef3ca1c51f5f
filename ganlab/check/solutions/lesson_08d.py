"""The worked solutions of lesson 08d."""

from ganlab.check.solutions import Solution


def free_bits_loss(log_p_x, kl, free):
    """log p(x | z) (B,), KL of each image and latent (B, L), free nats: the loss."""
    kl_of_latent = kl.mean(dim=0)  # (L,)
    return kl_of_latent.clamp(min=free).sum() - log_p_x.mean()


def swap_cost(log_p, x, z):
    """Mean and standard error, in nats, of what another image's z costs: 2 numbers."""
    cost = log_p(x, z) - log_p(x, z.roll(1, 0))  # image by image, (B,)
    return cost.mean(), cost.std() / len(cost) ** 0.5


SOLUTIONS = {
    "08d.1": Solution(
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
    "08d.2": Solution(
        ("swap_cost",),
        why=r"""
            1. `z.roll(1, 0)` moves every row of `z` down by one: image $k$ gets the latents of image $k - 1$, and the
               first gets those of the last. The images stay where they are.
            2. If the decoder uses $z$, the own latents explain an image better than those of another image. So own
               minus other is what the swap costs. It is 0 if the decoder does not listen.
            3. Subtract image by image, since some images are hard whatever $z$ is. Then take the mean, and its
               standard error.
            """,
        slip="""
            Rolling the images as well. Then every image has its own latents again, and the cost is 0 whether the
            latents are in use or not.
            """,
    ),
}
