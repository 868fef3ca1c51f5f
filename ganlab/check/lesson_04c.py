"""The exercises of lesson 04c: a distance by sorting, the gradient penalty."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab import losses, models
from ganlab.check import Exercise, Slip
from ganlab.losses import Critic
from ganlab.runtime import seeded, seeded_generator


def earth_mover(x: Tensor, y: Tensor) -> Tensor:
    """Return W_1 between two samples of numbers, (n,) each: the mean distance of the sorted ones."""
    return (x.sort().values - y.sort().values).abs().mean()


def _earth_mover(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, shift in ((7, 1.6), (12, -3.0)):
        x, y = torch.randn(2, n, generator=seeded_generator("04c.1", n), dtype=torch.float64)
        numbers[f"distance of two samples of {n}"] = function(x.clone(), 2.5 * y + shift)
    return numbers


EARTH_SLIPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "You paired the samples as they come: sort both, the k-th smallest goes to the k-th smallest.": (
        lambda x, y: (x - y).abs().mean()
    ),
    "You sorted the first sample only: sort both, the k-th smallest goes to the k-th smallest.": (
        lambda x, y: (x.sort().values - y).abs().mean()
    ),
    "You sorted the second sample only: sort both, the k-th smallest goes to the k-th smallest.": (
        lambda x, y: (x - y.sort().values).abs().mean()
    ),
    "You sorted one upwards and the other downwards: that is the dearest plan.": lambda x, y: (
        (x.sort().values - y.sort(descending=True).values).abs().mean()
    ),
    "You took abs after the mean, so steps to the left and to the right cancel. Take abs first, then the mean.": (
        lambda x, y: (x.mean() - y.mean()).abs()
    ),
    "You left out abs, so steps to the left and to the right cancel: take the absolute value of each.": lambda x, y: (
        x - y
    ).mean(),
    "You squared the distances: W_1 takes them as they are.": lambda x, y: (
        (x.sort().values - y.sort().values).square().mean()
    ),
    "You took the root of the mean square, which is W_2: W_1 is the mean distance.": lambda x, y: (
        (x.sort().values - y.sort().values).square().mean().sqrt()
    ),
    "You added up over the samples: each carries a mass of 1/n, so take the mean.": lambda x, y: (
        len(x) * earth_mover(x, y)
    ),
    "You returned a distance for each sample: return their mean, one number.": lambda x, y: (
        x.sort().values - y.sort().values
    ).abs(),
    "You took the largest of the distances: the work is their mean.": lambda x, y: (
        (x.sort().values - y.sort().values).abs().max()
    ),
    "You took the mean over all pairs: a plan sends each sample to one place.": lambda x, y: (
        (x[:, None] - y).abs().mean()
    ),
    "You sent each sample to its nearest neighbour, and several may share one: a plan uses each place once.": (
        lambda x, y: (x[:, None] - y).abs().min(1).values.mean()
    ),
    "You took .indices of sort, which are places in the list: take .values, the sorted numbers.": (
        lambda x, y: (x.sort().indices - y.sort().indices).abs().double().mean()
    ),
}


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
    """Return (|grad c| - 1)^2, (B,), at u x + (1 - u) y for real x and fake y (B, ...) and u (B,)."""
    return losses.gradient_penalty(critic, real, fake, u)


def _gradient_penalty(function: Callable) -> dict[str, Any]:
    with seeded(43):
        critic, of_images = models.MLPCritic((3,), (6, 5)).double(), models.MLPCritic((1, 2, 3), (6, 5)).double()
    rng = seeded_generator("04c.2")
    images = 2 * torch.randn(2, 5, 1, 2, 3, generator=rng, dtype=torch.float64)
    real, fake = 2 * torch.randn(2, 5, 3, generator=rng, dtype=torch.float64)
    u = torch.rand(5, generator=rng, dtype=torch.float64)
    penalties = torch.as_tensor(function(critic, real, fake + 0.7, u))
    numbers = {"penalty of each pair": penalties}
    if penalties.shape == (5,):
        parameters = list(critic.parameters())
        slopes = [None] * len(parameters)
        if penalties.requires_grad:
            slopes = torch.autograd.grad(penalties.mean(), parameters, allow_unused=True)
        pairs = zip(slopes, parameters, strict=True)
        flat = [(torch.zeros_like(w) if slope is None else slope).flatten() for slope, w in pairs]
        numbers["gradient of their mean by the critic's weights"] = torch.cat(flat)
        right = penalties.isclose(gradient_penalty(critic, real, fake + 0.7, u)).all()
        asked = function if right else gradient_penalty  # or this would hide another slip
        try:
            numbers["penalty of each pair of images (5, 1, 2, 3)"] = asked(of_images, images[0], images[1] - 0.4, u)
        except RuntimeError as error:
            hint = "Hint: `u` (B,) must be (B, 1, 1, 1) there, and the slope is a root of a sum over three axes."
            raise ValueError(f"on images (5, 1, 2, 3) the shapes do not fit. {hint}") from error
    return numbers


def _charge(
    of_slope: Callable[[Tensor], Tensor] = lambda squared: ((squared + 1e-12).sqrt() - 1) ** 2,
    where: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x, y, u: u * x + (1 - u) * y,
) -> Callable:
    """Return a gradient_penalty with another function of the squared slope, or at other points."""

    def answer(critic: Critic, real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
        points = where(real, fake, u.view(-1, *[1] * (real.ndim - 1)))
        return of_slope(losses.squared_slope(critic, points))

    return answer


def _per_coordinate(critic: Critic, real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
    u = u.view(-1, *[1] * (real.ndim - 1))
    return (losses.input_gradient(critic, u * real + (1 - u) * fake) - 1).square().flatten(1).sum(1)


def _per_absolute(critic: Critic, real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
    u = u.view(-1, *[1] * (real.ndim - 1))
    return (losses.input_gradient(critic, u * real + (1 - u) * fake).abs() - 1).square().flatten(1).sum(1)


PENALTY_SLIPS: dict[str, Callable] = {
    "You exchanged u and 1 - u: u weighs the real sample, and 1 - u the fake.": _charge(
        where=lambda x, y, u: (1 - u) * x + u * y
    ),
    "You took the squared slope for the slope: a root is missing before you subtract 1.": (
        _charge(lambda squared: (squared - 1) ** 2)
    ),
    "You did not square: a slope below 1 would then lower the loss instead of costing something.": _charge(
        lambda squared: (squared + 1e-12).sqrt() - 1
    ),
    "You took the absolute value where the square is asked.": (
        _charge(lambda squared: ((squared + 1e-12).sqrt() - 1).abs())
    ),
    "You charge slopes above 1 only: this penalty charges slopes below 1, too.": (
        _charge(lambda squared: ((squared + 1e-12).sqrt() - 1).clamp(min=0) ** 2)
    ),
    "You did not subtract 1: that asks for a flat critic, as R1 does.": _charge(lambda squared: squared),
    "You took the slope at the real samples: it is taken between real and fake.": _charge(where=lambda x, y, u: x),
    "You took the slope at the fakes: it is taken between real and fake.": _charge(where=lambda x, y, u: y),
    "You took the slope in the middle: u says where between the two.": _charge(where=lambda x, y, u: (x + y) / 2),
    "You took the mean over the batch: return each pair's penalty, (B,). The step takes the mean.": (
        lambda *given: gradient_penalty(*given).mean()
    ),
    "You subtracted 1 from every coordinate of the gradient: take its length first, then subtract 1.": _per_coordinate,
    "You took one length over the whole batch: each pair has its own, so leave the first axis out of the sum.": (
        lambda critic, x, y, u: (
            (losses.input_gradient(critic, u.view(-1, *[1] * (x.ndim - 1)) * (x - y) + y).norm() - 1) ** 2
        )
    ),
    "You divided the gradient by the size of the batch, as a mean of the critic does: take critic(x).sum().": (
        lambda critic, x, y, u: _charge(lambda squared: ((squared + 1e-12).sqrt() / len(x) - 1) ** 2)(critic, x, y, u)
    ),
    "You took the absolute value of each coordinate for the length: it is the root of the sum of squares.": (
        _per_absolute
    ),
    "You summed over one axis only. An image has three axes behind the first: the slope is a root over all of them.": (
        lambda critic, x, y, u: (
            (losses.input_gradient(critic, u.view(-1, *[1] * (x.ndim - 1)) * (x - y) + y).norm(dim=1) - 1) ** 2
        )
    ),
    "You averaged the squares over the coordinates: the length is the root of their sum.": (
        lambda critic, x, y, u: _charge(lambda squared: ((squared / x[0].numel() + 1e-12).sqrt() - 1) ** 2)(
            critic, x, y, u
        )
    ),
    "Your numbers are right, but no gradient passes through them: create_graph=True, and no detach.": (
        lambda *given: gradient_penalty(*given).detach()
    ),
    "You multiplied by a weight of 10: the trainer does that. Return the bare penalty.": (
        lambda *given: 10 * gradient_penalty(*given)
    ),
}

EXERCISES = {
    "04c.1": Exercise(_earth_mover, earth_mover, tuple(Slip(answer, hint) for hint, answer in EARTH_SLIPS.items())),
    "04c.2": Exercise(
        _gradient_penalty, gradient_penalty, tuple(Slip(answer, hint) for hint, answer in PENALTY_SLIPS.items())
    ),
}
