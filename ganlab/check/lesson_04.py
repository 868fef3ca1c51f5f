"""The exercises of lesson 04: a distance by sorting, a penalised pair, a thousand kinds, a seventh objective."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import losses, models, toys, train
from ganlab.check import Exercise, Slip
from ganlab.losses import Critic, Objective
from ganlab.runtime import seeded, seeded_generator


def earth_mover(x: Tensor, y: Tensor) -> Tensor:
    """Return W_1 between two samples of numbers, (n,) each: the mean distance of the sorted ones."""
    return (x.sort().values - y.sort().values).abs().mean()


def _earth_mover(function: Callable) -> dict[str, Any]:
    found = {}
    for n, shift in ((7, 0.4), (12, -3.0)):
        x, y = torch.randn(2, n, generator=seeded_generator("04.1", n), dtype=torch.float64)
        found[f"distance of two samples of {n}"] = function(x.clone(), 2.5 * y + shift)
    return found


EARTH_SLIPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "that pairs the samples as they come: sort both, the k-th smallest goes to the k-th smallest.": (
        lambda x, y: (x - y).abs().mean()
    ),
    "you sorted the first sample only: sort both, the k-th smallest goes to the k-th smallest.": (
        lambda x, y: (x.sort().values - y).abs().mean()
    ),
    "you sorted the second sample only: sort both, the k-th smallest goes to the k-th smallest.": (
        lambda x, y: (x - y.sort().values).abs().mean()
    ),
    "one is sorted upwards, the other downwards: that is the dearest plan.": lambda x, y: (
        (x.sort().values - y.sort(descending=True).values).abs().mean()
    ),
    "that is the distance of the means: ways to the left and to the right must not cancel. Take abs first.": (
        lambda x, y: (x.mean() - y.mean()).abs()
    ),
    "ways to the left and to the right cancel: take the absolute value of each.": lambda x, y: (x - y).mean(),
    "squared ways: W_1 takes them as they are.": lambda x, y: (x.sort().values - y.sort().values).square().mean(),
    "that is W_2, the root of the mean square.": lambda x, y: (
        (x.sort().values - y.sort().values).square().mean().sqrt()
    ),
    "a sum over the samples: each carries a mass of 1/n, so take the mean.": lambda x, y: len(x) * earth_mover(x, y),
    "one way for each sample: return their mean, one number.": lambda x, y: (x.sort().values - y.sort().values).abs(),
    "that is the mean over all pairs: a plan sends each sample to one place.": lambda x, y: (
        (x[:, None] - y).abs().mean()
    ),
    "that sends each sample to its nearest neighbour, and several may share one: a plan uses each place once.": (
        lambda x, y: (x[:, None] - y).abs().min(1).values.mean()
    ),
}


def relativistic_critic_loss(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    weight: float,
    pair: Callable[[Tensor, Tensor], Tensor] = losses.relativistic_critic,
    penalty: Callable[[Tensor, Tensor], Tensor] = lambda at_real, at_fake: at_real + at_fake,
    share: Callable[[float], float] = lambda weight: weight,
    averaged: bool = False,
) -> Tensor:
    """Return the critic's loss per pair, (B,), with R1 and R2 times `weight`. The rest are for slips."""
    slopes = losses.squared_slope(critic, real), losses.squared_slope(critic, fake)
    if averaged:
        slopes = slopes[0] / real[0].numel(), slopes[1] / fake[0].numel()
    return pair(critic(real), critic(fake)) + share(weight) * penalty(*slopes)


def _relativistic_critic_loss(function: Callable) -> dict[str, Any]:
    with seeded(42):
        critic, of_images = models.MLPCritic((3,), (6, 5)).double(), models.MLPCritic((1, 2, 3), (6, 5)).double()
    rng = seeded_generator("04.2")
    images = torch.randn(2, 5, 1, 2, 3, generator=rng, dtype=torch.float64)
    real, fake = torch.randn(2, 5, 3, generator=rng, dtype=torch.float64)
    loss = torch.as_tensor(function(critic, 1.5 * real, fake + 0.7, 0.3))
    found = {"loss of each pair": loss}
    if loss.shape == (5,):
        slopes = torch.autograd.grad(loss.mean(), list(critic.parameters()), allow_unused=True)
        pairs = zip(slopes, critic.parameters(), strict=True)
        flat = [(torch.zeros_like(w) if slope is None else slope).flatten() for slope, w in pairs]
        found["gradient of their mean by the critic's weights"] = torch.cat(flat)
        right = loss.isclose(relativistic_critic_loss(critic, 1.5 * real, fake + 0.7, 0.3)).all()
        asked = function if right else relativistic_critic_loss  # or this would hide another slip
        try:
            found["loss of each pair of images (5, 1, 2, 3)"] = asked(of_images, images[0], images[1] - 0.4, 0.3)
        except RuntimeError as error:
            hint = "Hint: an image has three axes. The squared slope is the sum over all of them: .flatten(1).sum(1)."
            raise ValueError(f"on images (5, 1, 2, 3): {error} {hint}") from error
    return found


PAIR_SLIPS: dict[str, dict[str, Callable]] = {
    "the roles are exchanged: that is the generator's loss. Real must beat fake, so softplus(c(y) - c(x)).": {
        "pair": lambda real, fake: F.softplus(real - fake)
    },
    "that is minimax, real and fake on their own: the relativistic loss sees their difference only.": {
        "pair": losses.cross_entropy_critic
    },
    "that compares with the mean of the fakes: the pair's own partner counts.": {
        "pair": lambda real, fake: F.softplus(fake.mean() - real)
    },
    "that is Wasserstein's loss: softplus is missing.": {"pair": losses.wasserstein_critic},
    "the mean over the batch belongs to the step: return each pair's loss, (B,).": {
        "pair": lambda real, fake: losses.relativistic_critic(real, fake).mean(),
        "penalty": lambda at_real, at_fake: (at_real + at_fake).mean(),
    },
    "the penalty is averaged over the batch, the pairs are not: add pair by pair.": {
        "penalty": lambda at_real, at_fake: (at_real + at_fake).mean()
    },
    "R2 is missing: the slope at the fakes counts, too.": {"penalty": lambda at_real, at_fake: at_real},
    "R1 is missing: the slope at the real samples counts, too.": {"penalty": lambda at_real, at_fake: at_fake},
    "the penalties are missing.": {"penalty": lambda at_real, at_fake: 0 * at_real},
    "slopes, not squared: |grad c|^2.": {"penalty": lambda at_real, at_fake: at_real.sqrt() + at_fake.sqrt()},
    "you averaged the squared slope over the coordinates: |grad c|^2 is their sum.": {"averaged": True},
    "half of the penalties: here they count in full, `weight` times.": {"share": lambda weight: weight / 2},
    "`weight` does not enter.": {"share": lambda weight: 1.0},
    "the penalties are subtracted: a critic would then grow steep. Add them.": {"share": lambda weight: -weight},
    "the numbers are right, but no gradient passes through the slopes: create_graph=True, and no detach.": {
        "penalty": lambda at_real, at_fake: (at_real + at_fake).detach()
    },
    "the numbers are right, but no gradient passes through the logits: do not detach them.": {
        "pair": lambda real, fake: losses.relativistic_critic(real.detach(), fake.detach())
    },
}


def count_kinds(digits: Tensor) -> tuple[int, Tensor]:
    """Return the kinds among digits (n, 3) that occur, and KL(their shares || uniform over 1,000), in nats."""
    share = _shares(digits)
    return int((share > 0).sum()), torch.xlogy(share, 1000 * share).sum()


def _shares(digits: Tensor) -> Tensor:
    """Return the share of each of 1,000 kinds, (1000,)."""
    numbers = digits @ torch.tensor([100, 10, 1])
    return torch.bincount(numbers, minlength=1000).double() / len(digits)


def _count_kinds(function: Callable) -> dict[str, Any]:
    found = {}
    for n, power in ((60, 1.0), (3000, 3.0)):
        uniform = torch.rand(n, 3, generator=seeded_generator("04.3", n))
        kinds, reverse_kl = function((10 * uniform**power).long())
        if torch.as_tensor(reverse_kl).isnan().any():
            raise ValueError("the reverse KL is nan. Hint: 0 times a log of 0; missing kinds add 0: torch.xlogy.")
        found[f"kinds among {n} pictures"], found[f"reverse KL of {n} pictures, nats"] = kinds, reverse_kl
    return found


def _kl_slip(change: Callable[[Tensor, Tensor], Any], digits: Tensor) -> tuple[Any, Any]:
    share = _shares(digits)
    return int((share > 0).sum()), change(share, share[share > 0])


def _digits(numbers: Tensor) -> Tensor:
    return torch.stack([numbers // 100, numbers // 10 % 10, numbers % 10], dim=1)


KL_SLIPS: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "that is the entropy H: the reverse KL is log 1000 - H.": lambda s, own: -(own * own.log()).sum(),
    "the sign: a KL is never negative.": lambda s, own: -(own * (1000 * own).log()).sum(),
    "that is in bits: nats need the natural logarithm.": lambda s, own: (own * (1000 * own).log2()).sum(),
    "uniform over the kinds that occur: it is over all 1,000, or missing kinds cost nothing.": (
        lambda s, own: (own * (len(own) * own).log()).sum()
    ),
    "the other direction, KL(uniform || shares), over the kinds that occur: KL(shares || uniform) is asked.": (
        lambda s, own: -(1000 * own).log().sum() / 1000
    ),
    "the other direction, KL(uniform || shares): infinite as soon as one kind is missing.": (
        lambda s, own: -(1000 * s).log().mean()
    ),
}
CODE_SLIPS: dict[str, Callable[[Tensor], Tensor]] = {
    "the digits were added: 1, 2, 3 and 3, 2, 1 are different kinds. 100, 10 and 1 are their weights.": (
        lambda digits: _digits(digits.sum(1))
    ),
    "the order of the channels was lost: sorted digits are fewer kinds.": lambda digits: digits.sort(dim=1).values,
}


def hellinger() -> Objective:
    """Return the objective of the squared Hellinger distance, with a generator that does not saturate."""
    return Objective(lambda real, fake: torch.exp(-real / 2) + torch.exp(fake / 2), lambda fake: torch.exp(-fake / 2))


def _hellinger(function: Callable) -> dict[str, Any]:
    objective = function()
    if not isinstance(objective, Objective):
        raise ValueError(f"return losses.Objective(critic, generator), not {type(objective).__name__}")
    real, fake = torch.tensor([[-3.0, 0.4, 2.0, 9.0], [1.1, -0.7, 5.0, -6.0]], dtype=torch.float64)
    given = (fake, real) if objective.paired else (fake,)
    if not objective.paired and len(inspect.signature(objective.generator).parameters) != 1:
        raise ValueError("your generator's loss takes more than the fake logits. Here it is a function of them alone.")
    found = {"critic's loss, per pair": objective.critic(real, fake)}
    found["generator's loss, per sample"] = objective.generator(*given)
    with seeded(44):
        networks = models.MLPGenerator(2, (2,), (5,)), models.MLPCritic((2,), (5,))
    settings = train.GANSettings(3, objective, 0.01, precision="float32", threads=1)
    train.fit_gan(*networks, toys.ring().batches(16, 4), settings=settings, device="cpu", progress=False)
    for name, network in zip(("generator", "critic"), networks, strict=True):
        found[f"{name} after three steps of a game with it"] = nn.utils.parameters_to_vector(network.parameters())
    return found


def _other(changes: dict[str, Callable]) -> Objective:
    return Objective(**{"critic": hellinger().critic, "generator": hellinger().generator, **changes})


HELLINGER_SLIPS: dict[str, dict[str, Callable]] = {
    "the halves in the exponents are missing: then c* is half of log p/q.": {
        "critic": lambda real, fake: torch.exp(-real) + torch.exp(fake),
        "generator": lambda fake: torch.exp(-fake),
    },
    "the critic's signs are exchanged: a large logit for a real sample must be cheap.": {
        "critic": lambda real, fake: torch.exp(real / 2) + torch.exp(-fake / 2)
    },
    "the generator pays what the critic pays for a fake, so it works for the critic: e^(-c/2).": {
        "generator": lambda fake: torch.exp(fake / 2)
    },
    "minus the critic's share: that is the minimax way, flat for bad fakes. Take e^(-c/2).": {
        "generator": lambda fake: -torch.exp(fake / 2)
    },
    "the critic's terms are multiplied: that is one exponential of a difference. Add them.": {
        "critic": lambda real, fake: torch.exp((fake - real) / 2)
    },
    "the critic's loss is halved: L* would be 1 - H^2.": {
        "critic": lambda real, fake: 0.5 * (torch.exp(-real / 2) + torch.exp(fake / 2))
    },
    "a mean over the batch: the losses are per sample, the step takes the mean.": {
        "critic": lambda real, fake: hellinger().critic(real, fake).mean(),
        "generator": lambda fake: hellinger().generator(fake).mean(),
    },
    "the fake term is missing from the critic's loss.": {"critic": lambda real, fake: torch.exp(-real / 2)},
    "that critic is minimax's, with softplus: here it has exponentials.": {"critic": losses.cross_entropy_critic},
}

EXERCISES = {
    "04.1": Exercise(_earth_mover, earth_mover, tuple(Slip(answer, hint) for hint, answer in EARTH_SLIPS.items())),
    "04.2": Exercise(
        _relativistic_critic_loss,
        relativistic_critic_loss,
        tuple(Slip(functools.partial(relativistic_critic_loss, **change), hint) for hint, change in PAIR_SLIPS.items()),
    ),
    "04.3": Exercise(
        _count_kinds,
        count_kinds,
        (
            *(Slip(functools.partial(_kl_slip, change), hint) for hint, change in KL_SLIPS.items()),
            *(Slip(lambda digits, f=f: count_kinds(f(digits)), hint) for hint, f in CODE_SLIPS.items()),
            Slip(lambda digits: (1000 - count_kinds(digits)[0], count_kinds(digits)[1]), "that counts missing kinds."),
        ),
    ),
    "04.4": Exercise(
        _hellinger,
        hellinger,
        tuple(Slip(functools.partial(_other, changes), hint) for hint, changes in HELLINGER_SLIPS.items()),
    ),
}
