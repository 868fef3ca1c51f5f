"""The worked solutions of lesson 05d."""

import torch

from ganlab.check.solutions import Solution


def augmented_losses(critic, augment, real, fake):
    """Return the critic's loss and the generator's, each a mean over the batch."""
    softplus = torch.nn.functional.softplus
    real_logits = critic(augment(real))
    fake_logits = critic(augment(fake.detach()))
    critic_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    generator_loss = softplus(-critic(augment(fake))).mean()
    return critic_loss, generator_loss


def trained_fraction(samples, trained, others):
    """Return the fraction of samples (n, C, H, W) with their nearest in `trained`."""
    to_trained = torch.cdist(samples.flatten(1), trained.flatten(1))  # (n, trained)
    to_others = torch.cdist(samples.flatten(1), others.flatten(1))
    nearer = to_trained.min(dim=1).values < to_others.min(dim=1).values
    return nearer.double().mean()


SOLUTIONS = {
    "05d.1": Solution(
        ("augmented_losses",),
        why="""
            1. The critic never sees an image that is not augmented: not a real one, not a fake one in its own step,
               and not a fake one in the generator's step. Then it has no way to tell augmented images from others.
            2. In the critic's loss the fakes are detached, so that this loss does not move the generator.
            3. In the generator's loss they are not. The gradient passes through the critic and through `augment` back
               to the generator.
            """,
        slip="""
            Augmenting only the real images. Then the generator learns to draw augmented images.
            """,
    ),
    "05d.2": Solution(
        ("trained_fraction",),
        why="""
            1. Flatten each image into a vector. `torch.cdist` gives the distances of all samples to all images.
            2. The smallest number in a row is the distance to the nearest image of that set.
            3. A sample counts if its nearest trained image is nearer than its nearest other image.
            4. The mean of these truth values, read as 0 and 1, is the fraction.
            """,
        slip="""
            Comparing the mean distances of both sets. A copy is very near to one image, and not to the others.
            """,
    ),
}
