"""The exercises of lesson 08d: free bits, what a swap of latents costs."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def free_bits_loss(log_p_x: Tensor, kl: Tensor, free: float) -> Tensor:
    """Return the loss with `free` nats for each latent, a number: log p(x | z) (B,) and KL (B, L) in."""
    return kl.mean(0).clamp(min=free).sum() - log_p_x.mean()


def _free_bits_loss(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("08d.1")
    log_p_x = -80 + 5 * torch.randn(6, generator=rng, dtype=torch.float64)
    level = torch.tensor([0.03, 0.3, 0.6, 2.0], dtype=torch.float64)
    kl = level * torch.rand(6, 4, generator=rng, dtype=torch.float64) * 2
    try:
        return {f"loss with {free} nats free": function(log_p_x.clone(), kl.clone(), free) for free in (0.0, 0.25, 3.5)}
    except TypeError as error:
        if not str(error).startswith(("max()", "maximum()", "min()", "minimum()")):
            raise
        raise TypeError(
            "torch.max and torch.maximum take two tensors, and `free` is a plain number. Use values.clamp(min=free)."
        ) from None


def _free_slips(terms: dict[str, Callable[[Tensor, float], Tensor]]) -> tuple[Slip, ...]:
    """Return a slip for each hint, whose KL term is `term(kl, free)`."""

    def slip(term: Callable[[Tensor, float], Tensor], log_p_x: Tensor, kl: Tensor, free: float) -> Tensor:
        return term(kl, free) - log_p_x.mean()

    return tuple(Slip(functools.partial(slip, term), hint) for hint, term in terms.items())


def swap_cost(log_p: Callable[[Tensor, Tensor], Tensor], x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard error, in nats, of log_p(x, z) minus the same with the latents of the image before."""
    cost = log_p(x, z) - log_p(x, z.roll(1, 0))
    return cost.mean(), cost.std() / len(cost) ** 0.5


def _swap_cost(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("08d.2")
    x = torch.randn(7, 2, 3, generator=rng, dtype=torch.float64)
    z = x.flatten(1)[:, :4] + 0.8 * torch.randn(7, 4, generator=rng, dtype=torch.float64)  # some swaps gain
    hard = 20 * torch.rand(7, generator=rng, dtype=torch.float64)  # some images are hard, whatever z is

    def log_p(x: Tensor, z: Tensor) -> Tensor:
        moved = hard if torch.equal(x, images) else hard.roll(1)
        return -80 - moved - (x.flatten(1)[:, :4] - z).square().sum(1)

    images = x.clone()
    result = function(log_p, x.clone(), z.clone())
    mean, error = parts(result, "the mean", "its standard error")
    return {"mean cost of the swap, nats": mean, "its standard error": error}


def _of_cost(change: Callable[[Callable, Tensor, Tensor], Tensor]) -> Callable:
    """Return an answer with mean and error of another cost of each image."""

    def answer(log_p: Callable, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        cost = change(log_p, x, z)
        return cost.mean(), cost.std() / len(cost) ** 0.5

    return answer


def _of_error(change: Callable[[Tensor, int], Tensor]) -> Callable:
    """Return an answer whose error is `change` of the right one and of B."""

    def answer(log_p: Callable, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        mean, error = swap_cost(log_p, x, z)
        return mean, change(error, len(z))

    return answer


def _unpaired(log_p: Callable, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    own, other = log_p(x, z), log_p(x, z.roll(1, 0))
    return (own - other).mean(), ((own.var() + other.var()) / len(z)).sqrt()


FREE_SLIPS = {
    "You took the maximum image by image. Take the mean over the batch first.": lambda kl, f: (
        kl.clamp(min=f).sum(1).mean()
    ),
    "You took the maximum of the whole KL. Each latent has its own free nats.": lambda kl, f: (
        kl.sum(1).mean().clamp(min=f)
    ),
    "You took the maximum of each image's whole KL. First the mean over the batch, for each latent by itself.": (
        lambda kl, f: kl.sum(1).clamp(min=f).mean()
    ),
    "You pooled the free nats over the latents: then one may take them all. Give each its own.": lambda kl, f: (
        kl.sum(1).mean().clamp(min=f * kl.shape[1])
    ),
    "You took a minimum: that makes all above `free` free. It is max(free, KL).": lambda kl, f: (
        kl.mean(0).clamp(max=f).sum()
    ),
    "You took KL - free, cut at 0. The gradients are the same, but the loss is lower by L free nats. Take max.": (
        lambda kl, f: (kl.mean(0) - f).clamp(min=0).sum()
    ),
    "You let latents below `free` count 0: the loss then jumps. They count `free`.": lambda kl, f: torch.where(
        kl.mean(0) < f, 0.0, kl.mean(0)
    ).sum(),
    "You averaged over latents. Independent dimensions add: sum over L.": lambda kl, f: kl.mean(0).clamp(min=f).mean(),
    "You left out `free`: this is the plain loss.": lambda kl, f: kl.sum(1).mean(),
    "You summed the KL over the batch. Take the mean over the batch: kl.mean(0).": lambda kl, f: (
        kl.sum(0).clamp(min=f).sum()
    ),
    "You took the mean over latents (dimension 1). The mean is over the batch, dimension 0: kl.mean(0).": (
        lambda kl, f: kl.mean(1).clamp(min=f).sum()
    ),
    "You took means over latents (dimension 1), then over images. First the mean over the batch, kl.mean(0), then the "
    "maximum, then the sum over latents.": lambda kl, f: kl.mean(1).clamp(min=f).mean(),
}
EACH_IMAGE = "You returned a loss for each image: take the mean of log p(x | z) over the batch, too."
ONE_FREE = "You took `free` off once more at the end: the maximum stays as it is."
MINUS_LOSS = "You returned minus the loss: the bound that goes up."
ONE_SUM = "You summed log p(x | z) over the images, and averaged the KL: that divides beta by the batch size."

SWAP_SLIPS: dict[str, Callable] = {
    "You took absolute values. Some images gain by a swap, and their cost is negative.": _of_cost(
        lambda log_p, x, z: (log_p(x, z) - log_p(x, z.roll(1, 0))).abs()
    ),
    "You returned log p(x | z) of the swapped images alone. The cost is the own one minus that.": _of_cost(
        lambda log_p, x, z: log_p(x, z.roll(1, 0))
    ),
    "You turned the order of all images round (flip). Image k gets the latents of image k - 1: z.roll(1, 0).": _of_cost(
        lambda log_p, x, z: log_p(x, z) - log_p(x, z.flip(0))
    ),
    "Your cost has the wrong sign: the own z comes first, so that a z in use costs something.": _of_cost(
        lambda log_p, x, z: log_p(x, z.roll(1, 0)) - log_p(x, z)
    ),
    "You rolled x as well. Then nothing is swapped: each image still has its own z.": _of_cost(
        lambda log_p, x, z: log_p(x, z) - log_p(x.roll(1, 0), z.roll(1, 0))
    ),
    "You rolled x in place of z. Then you compare different images: roll z alone.": _of_cost(
        lambda log_p, x, z: log_p(x, z) - log_p(x.roll(1, 0), z)
    ),
    "You rolled along the latents (dimension 1). Swap between images: z.roll(1, 0).": _of_cost(
        lambda log_p, x, z: log_p(x, z) - log_p(x, z.roll(1, 1))
    ),
    "You rolled all numbers of z in one row (no dimension given). Swap between images: z.roll(1, 0).": _of_cost(
        lambda log_p, x, z: log_p(x, z) - log_p(x, z.roll(1))
    ),
    "You rolled the other way, by -1. Image k gets the latents of image k - 1: roll by 1.": _of_cost(
        lambda log_p, x, z: log_p(x, z) - log_p(x, z.roll(-1, 0))
    ),
    "You set z to 0 in place of a swap. That asks another question.": _of_cost(
        lambda log_p, x, z: log_p(x, z) - log_p(x, torch.zeros_like(z))
    ),
    "You returned the standard deviation. The error of a mean of B images is smaller by the root of B.": _of_error(
        lambda error, n: error * n**0.5
    ),
    "You divided the deviation by B. Divide it by the root of B.": _of_error(lambda error, n: error / n**0.5),
    "You took the errors of both columns apart. Subtract image by image first: what is hard about an image cancels.": (
        _unpaired
    ),
    "You divided by B inside the variance (correction=0). From a sample divide by B - 1, as `std` does.": _of_error(
        lambda error, n: error * ((n - 1) / n) ** 0.5
    ),
}

EXERCISES = {
    "08d.1": Exercise(
        _free_bits_loss,
        free_bits_loss,
        (
            *_free_slips(FREE_SLIPS),
            Slip(
                lambda p, kl, free: free_bits_loss(-p, kl, free),
                "Your log p(x | z) has the wrong sign: a loss goes down, so subtract it.",
            ),
            Slip(lambda p, kl, free: -free_bits_loss(p, kl, free), MINUS_LOSS),
            Slip(lambda p, kl, free: free_bits_loss(p, kl, free) + p.mean() - p.sum(), ONE_SUM),
            Slip(lambda p, kl, free: free_bits_loss(p, kl, free) + p.mean() - p, EACH_IMAGE),
            Slip(lambda p, kl, free: free_bits_loss(p, kl, free) - free, ONE_FREE),
            Slip(
                lambda p, kl, free: free_bits_loss(p, kl.sum(0, keepdim=True), free) + p.mean() - p.sum(),
                "You summed both terms over the batch. Take means over the batch, and the sum over latents.",
            ),
        ),
    ),
    "08d.2": Exercise(_swap_cost, swap_cost, tuple(Slip(answer, hint) for hint, answer in SWAP_SLIPS.items())),
}
