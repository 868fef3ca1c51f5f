"""The exercises of lesson 04: one number that no cheat fools, a penalised pair."""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab import losses, models
from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit
from ganlab.losses import Critic
from ganlab.runtime import seeded, seeded_generator


def covered(samples: Tensor, means: Tensor, sigma: float) -> Tensor:
    """Return sum_k min(g_k, 1/K), g_k the fraction of all samples (n, 2) that is good and nearest to mode k."""
    return _good(samples, means, 3 * sigma).clamp(max=1 / len(means)).sum()


def _good(samples: Tensor, means: Tensor, radius: float) -> Tensor:
    """Return the fraction of all samples that lies within `radius` of each mode, the nearest to it, (K,)."""
    gap, nearest = torch.cdist(samples.double(), means).min(1)
    return nearest[gap <= radius].bincount(minlength=len(means)).double() / len(samples)


def _cut_at(samples: Tensor, means: Tensor, radius: float, limit: float) -> Tensor:
    """Return the sum of the good fractions, each cut off at `limit`."""
    return _good(samples, means, radius).clamp(max=limit).sum()


def _one_number(result: Any) -> Any:
    if isinstance(result, tuple):
        raise Unfit(
            f"your function returned {len(result)} things, expected one number. Hint: The .min(1) or .min(0) of a "
            "tensor gives the smallest values and their places. Neither is the answer yet."
        )
    return result


def _covered(function: Callable) -> dict[str, Any]:
    # The last mode has more than half of the samples; of seven modes the first has none. Most modes have few: so it
    # shows where the cut is, which samples are good, and where the others are counted.
    numbers = {}
    for K, n, met in ((4, 50, 4), (7, 90, 6)):
        rng = seeded_generator("04.1", K)
        means = 3 * torch.randn(K, 2, generator=rng, dtype=torch.float64)
        mode = K - 1 - (met * torch.rand(n, generator=rng) ** 6).long()
        samples = means[mode] + 0.2 * torch.randn(n, 2, generator=rng, dtype=torch.float64)
        numbers[f"covered of {n} samples and {K} modes"] = _one_number(function(samples, means, 0.1))
    try:
        numbers["covered of 90 float32 samples"] = _one_number(function(samples.float(), means, 0.1))
    except RuntimeError as error:
        hint = "Hint: The lesson's fakes are float32, `grid.means` is float64, and cdist wants one dtype: .double()."
        raise ValueError(f"on float32 samples and float64 means: {error}. {hint}") from error
    return numbers


COVERED_SLIPS: dict[str, Callable[[Tensor, Tensor, float], Any]] = {
    "You added all good samples: that is the fraction of good ones, and one perfect point gets 1. Cut each mode off "
    "at 1/K.": lambda x, m, s: _good(x, m, 3 * s).sum(),
    "You counted samples that are not good, too: only those within 3 sigma of their mode count.": (
        lambda x, m, s: _good(x, m, float("inf")).clamp(max=1 / len(m)).sum()
    ),
    "You divided by the number of good samples: divide by all of them, or points anywhere look as good as real ones.": (
        lambda x, m, s: (_good(x, m, 3 * s) / _good(x, m, 3 * s).sum()).clamp(max=1 / len(m)).sum()
    ),
    "You took sigma for the limit: a sample is good within 3 sigma.": (
        lambda x, m, s: _good(x, m, s).clamp(max=1 / len(m)).sum()
    ),
    "You compared a squared distance with 3 sigma.": (
        lambda x, m, s: _good(x, m, (3 * s) ** 0.5).clamp(max=1 / len(m)).sum()
    ),
    "You returned the fraction of modes that are reached. Did you count modes, or forget to divide the counts by the "
    "number of samples? A mode with one good sample must not count like a full one.": (
        lambda x, m, s: (_good(x, m, 3 * s) > 0).double().mean()
    ),
    "You raised small fractions to 1/K: `clamp(min=...)` does that. Large ones are cut off, `clamp(max=...)`.": (
        lambda x, m, s: _good(x, m, 3 * s).clamp(min=1 / len(m)).sum()
    ),
    "You took the mean over the modes: add them up, so that an even generator gets 1.": (
        lambda x, m, s: _good(x, m, 3 * s).clamp(max=1 / len(m)).mean()
    ),
    "You returned one number for each mode: add them up.": lambda x, m, s: _good(x, m, 3 * s).clamp(max=1 / len(m)),
    "You cut off at 1/K before you divided the counts by the number of samples: divide first.": (
        lambda x, m, s: (_good(x, m, 3 * s) * len(x)).clamp(max=1 / len(m)).sum() / len(x)
    ),
    "Your bad samples are counted at mode 0: a number times False is 0, and 0 is a mode. Keep the good ones only, "
    "`nearest[good]`, before you count.": lambda x, m, s: (
        (torch.cdist(x.double(), m).min(1)[1] * (torch.cdist(x.double(), m).min(1)[0] <= 3 * s))
        .bincount(minlength=len(m))
        .div(len(x))
        .clamp(max=1 / len(m))
        .sum()
    ),
    "You took the number of coordinates, `means.shape[1]`, for K. The number of modes is `len(means)`.": (
        lambda x, m, s: _cut_at(x, m, 3 * s, 1 / m.shape[1])
    ),
    "You took the number of modes reached for K. K is the number of all modes, `len(means)`.": (
        lambda x, m, s: _cut_at(x, m, 3 * s, 1 / max(1, int(_good(x, m, 3 * s).count_nonzero())))
    ),
    "Your cut depends on how many samples are good, 1 / (K * good). It is 1/K, whatever the samples are.": (
        lambda x, m, s: _cut_at(x, m, 3 * s, 1 / (len(m) * _good(x, m, 3 * s).sum().item()))
    ),
    "Your cut depends on how many samples are good, good / K. It is 1/K, whatever the samples are.": (
        lambda x, m, s: _cut_at(x, m, 3 * s, _good(x, m, 3 * s).sum().item() / len(m))
    ),
    "You cut off at 1/8, which is right on the ring only. K is `len(means)`.": lambda x, m, s: _cut_at(
        x, m, 3 * s, 1 / 8
    ),
    "You cut off at 1/25, which is right on the grid only. K is `len(means)`.": lambda x, m, s: _cut_at(
        x, m, 3 * s, 1 / 25
    ),
    "You added the good fractions first, and cut off their sum. Cut each one off at 1/K, then add.": (
        lambda x, m, s: _good(x, m, 3 * s).sum().clamp(max=1 / len(m))
    ),
    "You multiplied the fraction of modes reached by the fraction of good samples. A mode with one good sample would "
    "then count like a full one. Cut the good fraction of each mode off at 1/K, and add.": (
        lambda x, m, s: (_good(x, m, 3 * s) > 0).double().mean() * _good(x, m, 3 * s).sum()
    ),
    "You cut off at 1/n, n the number of samples. Cut off at 1/K, K the number of modes.": (
        lambda x, m, s: _cut_at(x, m, 3 * s, 1 / len(x))
    ),
    "You multiplied the fraction of samples nearest to each mode by the fraction of good ones. That assumes that each "
    "mode has the same part of the good samples. Count at each mode the samples that are both.": (
        lambda x, m, s: (_good(x, m, float("inf")) * _good(x, m, 3 * s).sum()).clamp(max=1 / len(m)).sum()
    ),
    "You cut the fractions of all samples off at 1/K, and multiplied their sum by the fraction of good ones. Count at "
    "each mode the samples that are both good and nearest to it, then cut off.": (
        lambda x, m, s: _cut_at(x, m, float("inf"), 1 / len(m)) * _good(x, m, 3 * s).sum()
    ),
    "You took the smallest fraction: add up all of them, each cut off at 1/K.": lambda x, m, s: _good(
        x, m, 3 * s
    ).min(),
}


def relativistic_critic_loss(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    weight: float,
    pair: Callable[[Tensor, Tensor], Tensor] = losses.relativistic_critic,
    charge: Callable[[Tensor, Tensor], Tensor] = lambda at_real, at_fake: at_real + at_fake,
    factor: Callable[[float], float] = lambda weight: weight,
    averaged: bool = False,
    weighted: str = "both",
    at: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda real, fake: (real, fake),
) -> Tensor:
    """Return the critic's loss per pair, (B,), with R1 and R2 times `weight`. The rest are for slips."""
    slopes = tuple(losses.squared_slope(critic, place) for place in at(real, fake))
    if averaged:
        slopes = slopes[0] / real[0].numel(), slopes[1] / fake[0].numel()
    if weighted == "r1":
        return pair(critic(real), critic(fake)) + weight * slopes[0] + slopes[1]
    if weighted == "r2":
        return pair(critic(real), critic(fake)) + slopes[0] + weight * slopes[1]
    return pair(critic(real), critic(fake)) + factor(weight) * charge(*slopes)


def _relativistic_critic_loss(function: Callable) -> dict[str, Any]:
    with seeded(42):
        critic, of_images = models.MLPCritic((3,), (6, 5)).double(), models.MLPCritic((1, 2, 3), (6, 5)).double()
    rng = seeded_generator("04.2")
    images = torch.randn(2, 5, 1, 2, 3, generator=rng, dtype=torch.float64)
    real, fake = torch.randn(2, 5, 3, generator=rng, dtype=torch.float64)
    loss = torch.as_tensor(function(critic, 1.5 * real, fake + 0.7, 0.3))
    if loss.shape == (5, 5):
        raise Unfit(
            "shape (5, 5), expected (5,). Hint: You compared each real sample with each fake. A (B, 1) minus a (B,) "
            "does that. Both logits are (B,): subtract them as they are."
        )
    numbers = {"loss of each pair": loss}
    if loss.shape == (5,):
        slopes = torch.autograd.grad(loss.mean(), list(critic.parameters()), allow_unused=True)
        pairs = zip(slopes, critic.parameters(), strict=True)
        flat = [(torch.zeros_like(w) if slope is None else slope).flatten() for slope, w in pairs]
        numbers["gradient of their mean by the critic's weights"] = torch.cat(flat)
        right = loss.isclose(relativistic_critic_loss(critic, 1.5 * real, fake + 0.7, 0.3)).all()
        asked = function if right else relativistic_critic_loss  # or this would hide another slip
        try:
            numbers["loss of each pair of images (5, 1, 2, 3)"] = asked(of_images, images[0], images[1] - 0.4, 0.3)
        except RuntimeError as error:
            hint = "Hint: An image has three axes. The squared slope is the sum over all of them: .flatten(1).sum(1)."
            raise ValueError(f"on images (5, 1, 2, 3) the shapes do not fit. {hint}") from error
    return numbers


PAIR_SLIPS: dict[str, dict[str, Callable]] = {
    "You exchanged the roles: that is the generator's loss. Real must beat fake, so softplus(c(y) - c(x)).": {
        "pair": lambda real, fake: F.softplus(real - fake)
    },
    "You took minimax, real and fake on their own: the relativistic loss sees their difference only.": {
        "pair": losses.cross_entropy_critic
    },
    "You compared with the mean of the fakes: the pair's own partner counts.": {
        "pair": lambda real, fake: F.softplus(fake.mean() - real)
    },
    "You took softplus of each logit, and then the difference. Take the difference first, then softplus.": {
        "pair": lambda real, fake: F.softplus(fake) - F.softplus(real)
    },
    "You took Wasserstein's loss: softplus is missing.": {"pair": losses.wasserstein_critic},
    "You averaged over the batch, which the step does: return each pair's loss, (B,).": {
        "pair": lambda real, fake: losses.relativistic_critic(real, fake).mean(),
        "charge": lambda at_real, at_fake: (at_real + at_fake).mean(),
    },
    "You averaged the penalty over the batch, but not the pairs: add pair by pair.": {
        "charge": lambda at_real, at_fake: (at_real + at_fake).mean()
    },
    "You left out R2: the slope at the fakes counts, too.": {"charge": lambda at_real, at_fake: at_real},
    "You left out R1: the slope at the real samples counts, too.": {"charge": lambda at_real, at_fake: at_fake},
    "You put `weight` at R1 only: it multiplies both penalties, weight * (R1 + R2).": {"weighted": "r1"},
    "You put `weight` at R2 only: it multiplies both penalties, weight * (R1 + R2).": {"weighted": "r2"},
    "You took R1 twice, R2 not at all: one squared slope is at the real sample, the other at the fake.": {
        "charge": lambda at_real, at_fake: 2 * at_real
    },
    "You took R2 twice, R1 not at all: one squared slope is at the real sample, the other at the fake.": {
        "charge": lambda at_real, at_fake: 2 * at_fake
    },
    "You squared `squared_slope`, which is a square already: |grad c|^2.": {
        "charge": lambda at_real, at_fake: at_real**2 + at_fake**2
    },
    "You took the slope at the place real - fake, which is neither. Take one at each, and add.": {
        "at": lambda real, fake: (real - fake, real - fake),
        "charge": lambda at_gap, _: at_gap,
    },
    "You left out the penalties.": {"charge": lambda at_real, at_fake: 0 * at_real},
    "You took the slopes, not squared: |grad c|^2.": {
        "charge": lambda at_real, at_fake: at_real.sqrt() + at_fake.sqrt()
    },
    "You averaged the squared slope over the coordinates: |grad c|^2 is their sum.": {"averaged": True},
    "You took half of the penalties: here they count in full, `weight` times.": {"factor": lambda weight: weight / 2},
    "You left out `weight`.": {"factor": lambda weight: 1.0},
    "You subtracted the penalties: a critic would then grow steep. Add them.": {"factor": lambda weight: -weight},
    "Your numbers are right, but no gradient passes through the slopes: create_graph=True, and no detach.": {
        "charge": lambda at_real, at_fake: (at_real + at_fake).detach()
    },
    "Your numbers are right, but no gradient passes through the logits: do not detach them.": {
        "pair": lambda real, fake: losses.relativistic_critic(real.detach(), fake.detach())
    },
}


EXERCISES = {
    "04.1": Exercise(_covered, covered, tuple(Slip(answer, hint) for hint, answer in COVERED_SLIPS.items())),
    "04.2": Exercise(
        _relativistic_critic_loss,
        relativistic_critic_loss,
        tuple(Slip(functools.partial(relativistic_critic_loss, **change), hint) for hint, change in PAIR_SLIPS.items()),
    ),
}
