"""The exercises of lesson 05d: what is augmented, and how many samples lie nearest to a training image."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import losses
from ganlab.check import Exercise
from ganlab.check.lesson_05 import slips
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def augmented_losses(
    critic: Callable[[Tensor], Tensor],
    augment: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    on_real: bool = True,
    on_fake: bool = True,
    in_generator: bool = True,
    generator: Callable[[Tensor], Tensor] = losses.non_saturating_generator,
    cut_critic: bool = True,
    cut_augment: bool = False,
    critic_loss: Callable[[Tensor, Tensor], Tensor] = losses.cross_entropy_critic,
    blind: bool = False,
    blind_to_real: bool = False,
    give: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda of_critic, of_generator: (of_critic, of_generator),
) -> tuple[Tensor, Tensor]:
    """Return both losses, means over the batch, on augmented images. The rest are for slips."""
    seen = fake.detach() if cut_critic else fake
    real_logits = critic(augment(real) if on_real else real)
    fake_logits = critic(augment(seen) if on_fake else seen)
    changed = augment(fake) if in_generator else fake
    judged = critic(changed.detach() if cut_augment else changed)
    fake_logits = fake_logits.detach() if blind else fake_logits
    real_logits = real_logits.detach() if blind_to_real else real_logits
    return give(critic_loss(real_logits, fake_logits).mean(), generator(judged).mean())


class _Scale(nn.Module):
    """A change of images that is not random, so that an answer has one value: brighter, moved, less contrast."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.6 * x.roll(1, dims=3) + 0.3


def _augmented(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("05d.1")
    weight = torch.randn(1, 4, 4, generator=rng, dtype=torch.float64).requires_grad_()
    real = torch.randn(5, 1, 4, 4, generator=rng, dtype=torch.float64)
    z = torch.randn(5, 1, 4, 4, generator=rng, dtype=torch.float64)
    theta = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)  # the generator's only weight
    result = function(lambda x: (weight * x.tanh()).flatten(1).sum(1), _Scale(), real.clone(), theta * z)
    critic_loss, generator_loss = parts(result, "the critic's loss", "the generator's loss")

    def gradient(loss: Tensor, by: Tensor) -> Tensor:
        if not torch.is_tensor(loss) or not loss.requires_grad:
            return torch.zeros_like(by)
        slope = torch.autograd.grad(loss, by, retain_graph=True, allow_unused=True)[0]
        return torch.zeros_like(by) if slope is None else slope

    return {
        "critic's loss": critic_loss,
        "generator's loss": generator_loss,
        "gradient of the critic's loss by the critic's weights": gradient(critic_loss, weight),
        "gradient of the generator's loss by the generator's weight": gradient(generator_loss, theta),
        "gradient of the critic's loss by the generator's weight": gradient(critic_loss, theta),
    }


def trained_fraction(
    samples: Tensor,
    trained: Tensor,
    others: Tensor,
    power: float = 2.0,
    join: Callable[[Tensor], Tensor] = lambda distances: distances.min(1).values,
    compare: Callable[[Tensor, Tensor], Tensor] = torch.lt,
    finish: Callable[[Tensor], Tensor] = lambda nearer: nearer.double().mean(),
    swapped: bool = False,
) -> Any:
    """Return the fraction of samples whose nearest image is among `trained`. The rest are for slips."""
    if swapped:
        samples, trained = trained, samples
    near, far = (join(torch.cdist(samples.flatten(1), images.flatten(1), p=power)) for images in (trained, others))
    return finish(compare(near, far))


def _trained_fraction(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("05d.2")
    numbers = {}
    for n, shape in ((40, (1, 2, 2)), (25, (3, 2, 1)), (60, (1, 3, 1))):
        samples, trained, others = (
            torch.randn(count, *shape, generator=rng, dtype=torch.float64) for count in (n, 20, 28)
        )
        samples = 0.6 * samples + 0.3
        trained = 0.7 * trained
        numbers[f"fraction, {n} samples of shape {shape}"] = function(samples, trained, others)
    return numbers


AUGMENT_SLIPS = {
    "You did not augment the real images: the critic then tells fakes by the augmentation alone.": {"on_real": False},
    "You did not augment the critic's fakes: it then learns that augmented images are real.": {"on_fake": False},
    "You did not augment the generator's fakes: the critic then judges images of a kind it was never trained on.": {
        "in_generator": False
    },
    "You augmented only real images: then the generator learns to make augmented ones.": {
        "on_fake": False,
        "in_generator": False,
    },
    "You augmented nothing where the critic learns: augment its real images and its fakes.": {
        "on_real": False,
        "on_fake": False,
    },
    "You augmented nothing at all: augment before each of the three calls of the critic.": {
        "on_real": False,
        "on_fake": False,
        "in_generator": False,
    },
    "You exchanged real and fake in the critic's loss.": {
        "critic_loss": lambda real, fake: losses.cross_entropy_critic(fake, real)
    },
    "You exchanged the labels in both losses: real images have the label 1 and fakes 0, and the generator wants 1.": {
        "critic_loss": lambda real, fake: losses.cross_entropy_critic(fake, real),
        "generator": F.softplus,
    },
    "You gave the generator's fakes the label 0: then it learns to be found out. Its loss is -log D, label 1.": {
        "generator": F.softplus
    },
    "You return the generator's loss first: the critic's comes first.": {"give": lambda c, g: (g, c)},
    "You halved the critic's loss: it adds the mean over real and the mean over fake images.": {
        "give": lambda c, g: (c / 2, g)
    },
    "You cut the critic's logits, so it learns nothing from the fakes: detach the images, not the critic's "
    "logits, and do not use no_grad there.": {"blind": True},
    "You let the critic judge under no_grad, so it learns nothing at all: detach the fakes only, not the critic.": {
        "blind": True,
        "blind_to_real": True,
    },
    "You took the loss that saturates: -log D, not log(1 - D).": {"generator": losses.minimax_generator},
    "You let the critic's loss reach the generator: detach the fakes there.": {"cut_critic": False},
    "You cut the path, so no gradient reaches the generator: do not detach its fakes, and augment by what "
    "gradients can pass.": {"cut_augment": True},
}

FRACTION_SLIPS = {
    "You counted the samples whose nearest image is one of `others`: count those nearer to `trained`.": {
        "compare": torch.gt
    },
    "You return a count: divide by the number of samples.": {"finish": lambda nearer: nearer.double().sum()},
    "You compared with the farthest images: take the smallest distance.": {
        "join": lambda distances: distances.max(1).values
    },
    "You compared the one smallest distance of all samples: take the smallest distance for each sample.": {
        "join": lambda distances: distances.min()
    },
    "You compared mean distances: take the smallest distance to each of the two sets.": {
        "join": lambda distances: distances.mean(1)
    },
    "You compared medians of the distances: take the smallest distance to each of the two sets.": {
        "join": lambda distances: distances.median(1).values
    },
    "You exchanged samples and trained images: each sample looks for its nearest image.": {"swapped": True},
    "You added absolute differences: the distance is the root of the sum of the squared differences.": {"power": 1.0},
    "You took the largest difference of a pixel: the distance is the root of the sum of the squared differences.": {
        "power": float("inf")
    },
    "You return one truth value for each sample: return the mean of them.": {"finish": lambda nearer: nearer.double()},
}

EXERCISES = {
    "05d.1": Exercise(_augmented, augmented_losses, slips(augmented_losses, AUGMENT_SLIPS)),
    "05d.2": Exercise(_trained_fraction, trained_fraction, slips(trained_fraction, FRACTION_SLIPS)),
}
