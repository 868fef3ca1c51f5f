"""The exercises of lesson 08c: a VAE's rate and distortion, the level that a rate buys."""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab import models, probability
from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.models import VAE
from ganlab.runtime import seeded, seeded_generator


def _latent(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + (logvar / 2).exp() * eps


def rate_and_distortion(
    vae: VAE,
    x: Tensor,
    eps: Tensor,
    latents: Callable[[Tensor, Tensor, Tensor], Tensor] = _latent,
    rate: Callable[[Tensor], Tensor] = lambda kl: kl.sum(1).mean(),
    distortion: Callable[[Tensor], Tensor] = lambda log_p: -log_p.mean(),
) -> tuple[Tensor, Tensor]:
    """Return R and D in nats for images x (B, C, H, W) and noise eps (B, L). The rest are for slips."""
    mu, logvar = vae.encode(x)
    log_p = vae.log_p_x_given_z(x, latents(mu, logvar, eps))
    return rate(probability.gaussian_kl(mu, logvar)), distortion(log_p)


def _sign_of_logvar(vae: VAE, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    mu, logvar = vae.encode(x)
    rate = 0.5 * (mu**2 + logvar.exp() - 1 + logvar)
    return rate.sum(1).mean(), rate_and_distortion(vae, x, eps)[1]


def _rate_and_distortion(function: Callable) -> dict[str, Any]:
    with seeded(83):
        vae = models.mlp_vae(latent_dim=3, shape=(1, 4, 4), hidden=8)
    for weight in vae.parameters():
        weight.data.mul_(2)  # so that q is not the prior
    rng = seeded_generator("08c.1")
    x = (torch.rand(5, 1, 4, 4, generator=rng) < 0.4).float()
    result = function(vae, x, torch.randn(5, 3, generator=rng))
    rate, distortion = parts(result, "the rate R", "the distortion D")
    return {"rate R, nats": rate, "distortion D, nats": distortion}


def water_level(variances: Tensor, rate: float) -> float:
    """Return the level at which directions with these variances (n,) cost `rate` nats."""
    values = sorted(variances.tolist(), reverse=True)
    for used in range(1, len(values) + 1):
        level = math.exp((sum(math.log(value) for value in values[:used]) - 2 * rate) / used)
        if used == len(values) or values[used] <= level:
            return level
    raise ValueError(f"variances: got {len(values)} of them, expected one or more")


def _by_search(cost: Callable[[Tensor], Tensor], variances: Tensor, rate: float) -> float:
    """Return the level at which cost(variances / level), a number that falls with the level, is `rate`."""
    low, high = -60.0, 60.0  # logs of the level
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(variances / math.exp(middle)) > rate else (low, middle)
    return math.exp(low)


SAME = (
    "your level is the same for every rate. Hint: You did not let the level fall as the nats grow. In a search by "
    "halving: where the middle costs more than `rate`, it is too low, so go on above it."
)


def _water_level(function: Callable) -> dict[str, Any]:
    variances = torch.tensor([0.05, 4.0, 0.3, 1.1, 0.02, 2.5], dtype=torch.float64)
    levels = {rate: function(variances.clone(), rate) for rate in (0.15, 1.5, 9.0)}
    numbers = [
        float(each)
        for each in levels.values()
        if isinstance(each, int | float) or (torch.is_tensor(each) and each.numel() == 1)
    ]
    if len(numbers) == len(levels) and math.isclose(min(numbers), max(numbers), rel_tol=1e-6):
        raise ValueError(SAME)
    return {f"level for {rate} nats": level for rate, level in levels.items()}


RATE_SLIPS: dict[str, dict[str, Any]] = {
    "You averaged the KL over latents. Latents add: sum over L, then take the mean over images.": {
        "rate": lambda kl: kl.mean()
    },
    "You summed the KL over the images as well. Sum over latents, but take the mean over images.": {
        "rate": lambda kl: kl.sum()
    },
    "You returned the rate of each image, or of each latent: return one number.": {"rate": lambda kl: kl.sum(1)},
    "Your rate has the wrong sign: a KL is never negative.": {"rate": lambda kl: -kl.sum(1).mean()},
    "Your KL is twice too large: a factor 1/2 is missing.": {"rate": lambda kl: 2 * kl.sum(1).mean()},
    "You returned log p(x | z). The distortion is minus that.": {"distortion": lambda log_p: log_p.mean()},
    "You summed the distortion over the images. Take the mean.": {"distortion": lambda log_p: -log_p.sum()},
    "You divided the distortion by the number of pixels. It is a sum over pixels, a mean over images only.": {
        "distortion": lambda log_p: -log_p.mean() / 16
    },
    "You took z = mu: eps does not enter. The distortion is an average over draws from q.": {
        "latents": lambda mu, logvar, eps: mu
    },
    "You took exp(logvar) for s. logvar is the log of the variance, so s is exp(logvar / 2).": {
        "latents": lambda mu, logvar, eps: mu + logvar.exp() * eps
    },
    "You took the noise alone as z. Draw from q: z = mu + s eps.": {"latents": lambda mu, logvar, eps: eps},
    "You took logvar itself for s. It is the log of the variance, so s is exp(logvar / 2).": {
        "latents": lambda mu, logvar, eps: mu + logvar * eps
    },
    "You returned both for each image. Take the mean over images of each.": {
        "rate": lambda kl: kl.sum(1),
        "distortion": lambda log_p: -log_p,
    },
    "You summed the KL over the images and averaged over latents: the two are exchanged.": {
        "rate": lambda kl: kl.sum(0).mean()
    },
}
SIGN_OF_LOGVAR = "You added logvar in the KL. It is subtracted: mu^2 + exp(logvar) - 1 - logvar, times 1/2."
SWAPPED = "You returned D first: the rate comes first."
LOSS = "You returned the loss in place of the distortion: D leaves the rate out."


def _search_slips(costs: dict[str, Callable[[Tensor], Tensor]]) -> tuple[Slip, ...]:
    return tuple(Slip(functools.partial(_by_search, cost), hint) for hint, cost in costs.items())


LEVEL_SLIPS: dict[str, Callable[[Tensor], Tensor]] = {
    "You left out the factor 1/2 of the rate.": lambda ratio: ratio.clamp(min=1).log().sum(),
    "You counted in bits (log2). A rate in nats has the natural log.": lambda ratio: (
        0.5 * ratio.clamp(min=1).log2().sum()
    ),
    "You let directions under water count, with negative nats. They get none: use max(1, ratio).": lambda ratio: (
        0.5 * ratio.log().sum()
    ),
    "You took the mean over directions. Their nats add.": lambda ratio: 0.5 * ratio.clamp(min=1).log().mean(),
    "You took log(1 + ratio), which is never 0. The rate has log max(1, ratio).": lambda ratio: (
        0.5 * (1 + ratio).log().sum()
    ),
    "You took the square roots of the variances first. The lambdas go into the ratio as they are.": lambda ratio: (
        0.25 * ratio.clamp(min=1).log().sum()
    ),
}
FLOOR = (
    "Your search starts at the smallest variance. A rate that uses all directions has a level below that: start near 0."
)
UNSORTED = "You took the variances in the order in which they came. The largest are used first: sort them."


def _above_the_smallest(variances: Tensor, rate: float) -> float:
    return max(water_level(variances, rate), variances.min().item())


def _unsorted(variances: Tensor, rate: float) -> float:
    logs = variances.log()
    level = 0.0
    for used in range(1, len(logs) + 1):
        level = math.exp((logs[:used].sum().item() - 2 * rate) / used)
        if used == len(logs) or variances[used] <= level:
            break
    return level


LARGEST_ONLY = (
    "You let the largest direction pay for all nats. Where the level is below the next variance, that one pays, too."
)
LOGGED = "You returned the log of the level: return the level."
EXERCISES = {
    "08c.1": Exercise(
        _rate_and_distortion,
        rate_and_distortion,
        (
            *(Slip(functools.partial(rate_and_distortion, **changed), hint) for hint, changed in RATE_SLIPS.items()),
            Slip(lambda *given: rate_and_distortion(*given)[::-1], SWAPPED),
            Slip(_sign_of_logvar, SIGN_OF_LOGVAR),
            Slip(lambda *given: (rate_and_distortion(*given)[0], sum(rate_and_distortion(*given))), LOSS),
        ),
    ),
    "08c.2": Exercise(
        _water_level,
        water_level,
        (
            *_search_slips(LEVEL_SLIPS),
            Slip(_above_the_smallest, FLOOR),
            Slip(_unsorted, UNSORTED),
            Slip(lambda variances, rate: variances.max().item() * math.exp(-2 * rate), LARGEST_ONLY),
            Slip(lambda variances, rate: math.log(water_level(variances, rate)), LOGGED),
        ),
    ),
}
