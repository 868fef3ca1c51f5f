"""The exercises of lesson 08: a VAE's step, the log density of the aggregate posterior."""

import copy
import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganlab import models, probability
from ganlab.check import Exercise, Slip
from ganlab.models import VAE
from ganlab.runtime import seeded, seeded_generator


def _kl(mu: Tensor, logvar: Tensor) -> Tensor:
    return probability.gaussian_kl(mu, logvar).sum(1)


def vae_step(
    vae: VAE,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    eps: Tensor,
    latents: Callable[[Tensor, Tensor, Tensor], Tensor] = probability.reparameterise,
    kl: Callable[[Tensor, Tensor], Tensor] = _kl,
    loss: Callable[[Tensor], Tensor] = lambda elbo: -elbo.mean(),
    returned: Callable[[Tensor], Tensor] = lambda elbo: elbo.mean(),
    clear: bool = True,
    move: bool = True,
) -> Tensor:
    """Move the VAE one step up its ELBO and return it: x (B, C, H, W), eps (B, latent_dim). The rest are for slips."""
    mu, logvar = vae.encode(x)
    elbo = vae.log_p_x_given_z(x, latents(mu, logvar, eps)) - kl(mu, logvar)  # (B,)
    if clear:
        optimizer.zero_grad()
    loss(elbo).backward()
    if move:
        optimizer.step()
    return returned(elbo.detach())


def _vae_step(function: Callable) -> dict[str, Any]:
    with seeded(81):
        vae = models.mlp_vae(latent_dim=3, shape=(1, 4, 4), hidden=8)
    optimizer = torch.optim.SGD(vae.parameters(), lr=0.05)
    rng = seeded_generator("08.1")
    images = (torch.rand(2, 6, 1, 4, 4, generator=rng) < 0.4).float()
    eps = torch.randn(2, 6, 3, generator=rng)
    calls = [torch.as_tensor(function(*_untouched(vae), images[0].clone(), eps[0].clone())) for _ in range(2)]
    own_noise = not torch.equal(*(bound.nan_to_num() for bound in calls))
    numbers = {"equal calls that differ in their bound": float(own_noise)}
    if own_noise:
        return numbers  # the rest is chance: so it is no number of a slip
    for k, name in enumerate(("first", "second")):
        numbers[f"bound of the {name} step, nats"] = function(vae, optimizer, images[k].clone(), eps[k].clone())
    numbers["weights after two steps"] = nn.utils.parameters_to_vector(vae.parameters())
    return numbers


def _untouched(vae: VAE) -> tuple[VAE, torch.optim.Optimizer]:
    """Return a copy of a VAE, and an optimizer of the copy: a call with them leaves the VAE as it is."""
    again = copy.deepcopy(vae)
    return again, torch.optim.SGD(again.parameters(), lr=0.05)


def _step_slips(changes: dict[str, dict[str, Any]]) -> tuple[Slip, ...]:
    """Return a slip for each hint: `vae_step` with those arguments changed."""
    return tuple(Slip(functools.partial(vae_step, **changed), hint) for hint, changed in changes.items())


def _after_the_step(vae: VAE, optimizer: torch.optim.Optimizer, x: Tensor, eps: Tensor) -> Tensor:
    vae_step(vae, optimizer, x, eps)
    mu, logvar = vae.encode(x)
    log_p_x = vae.log_p_x_given_z(x, probability.reparameterise(mu, logvar, eps))
    return (log_p_x - _kl(mu, logvar)).mean()


def _log_p_summed(vae: VAE, optimizer: torch.optim.Optimizer, x: Tensor, eps: Tensor) -> Tensor:
    many = len(x)  # the sum of log p, minus the mean of the KL: the mean of both, log p taken so many times
    return vae_step(_Louder(vae, many), optimizer, x, eps)


class _Louder:
    """A VAE whose log p(x | z) is taken `times` times."""

    def __init__(self, vae: VAE, times: int) -> None:
        self.encode = vae.encode
        self._log_p = vae.log_p_x_given_z
        self._times = times

    def log_p_x_given_z(self, x: Tensor, z: Tensor) -> Tensor:
        return self._times * self._log_p(x, z)


def log_aggregate(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the log density in nats, (B,), of places z (B, L) under the mean of N Gaussians (N, L)."""
    return torch.logsumexp(_log_q(z, mu, logvar).sum(2), dim=1) - math.log(len(mu))


def _log_q(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the log density of each latent of z (B, L) under each of N Gaussians: (B, N, L)."""
    return probability.gaussian_log_density(z[:, None], mu, (logvar / 2).exp())


def _log_aggregate(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("08.2")
    mu, logvar = torch.randn(2, 5, 3, generator=rng, dtype=torch.float64)
    near = mu[:2] + 0.3 * torch.randn(2, 3, generator=rng, dtype=torch.float64)
    far = torch.tensor([[40.0, -60.0, 50.0]], dtype=torch.float64)  # where a density is 0 in floats
    return {
        f"log density of z {name}": function(z.clone(), mu.clone(), logvar.clone() - 1)
        for name, z in (("near an image", near), ("far from all images", far))
    }


def _aggregate_slips(changes: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]) -> tuple[Slip, ...]:
    return tuple(Slip(change, hint) for hint, change in changes.items())


UNMOVED = (
    "No weight has moved. Three calls are needed, in this order: optimizer.zero_grad(), backward() on the loss, "
    "optimizer.step(). Is one missing, or does zero_grad stand after backward and throw the gradients away?"
)
STEP_SLIPS = {
    "You handed the ELBO to the optimizer. Optimizers go down: the loss is minus the ELBO.": {
        "loss": lambda elbo: elbo.mean()
    },
    "Your second step adds to the gradients of the first: optimizer.zero_grad() is missing.": {"clear": False},
    UNMOVED: {"move": False},
    "You took exp(logvar) for s. logvar is the log of the variance, so s is exp(logvar / 2).": {
        "latents": lambda mu, a, eps: mu + a.exp() * eps
    },
    "You took logvar for s. It is the log of the variance, and may be negative: s is exp(logvar / 2).": {
        "latents": lambda mu, a, eps: mu + a * eps
    },
    "You took logvar / 2 for s. That is log s, so the exponential is missing.": {
        "latents": lambda mu, a, eps: mu + a / 2 * eps
    },
    "You drew noise of your own. Use the eps that you were given.": {
        "latents": lambda mu, a, eps: probability.reparameterise(mu, a, torch.randn_like(eps))
    },
    "You took z = mu: eps does not enter. z is a draw from q, not its mean.": {"latents": lambda mu, a, eps: mu},
    "You took the noise alone as z. Then z says nothing about x: shift and scale the noise.": {
        "latents": lambda mu, a, eps: eps
    },
    "You cut z from the graph (detach, or no_grad). The encoder then learns from the KL alone.": {
        "latents": lambda mu, a, eps: probability.reparameterise(mu, a, eps).detach()
    },
    "You added the KL to the ELBO. It is a price, so subtract it.": {"kl": lambda mu, a: -_kl(mu, a)},
    "You left out the KL: the ELBO has two terms.": {"kl": lambda mu, a: torch.zeros(len(mu))},
    "You averaged the KL over latents. Independent dimensions add: sum.": {
        "kl": lambda mu, a: _kl(mu, a) / mu.shape[1]
    },
    "You summed the KL over the images, too. Sum it over the latents only, .sum(1), and take the mean over images.": {
        "kl": lambda mu, a: _kl(mu, a).sum()
    },
    "Your KL is twice too large: a factor 1/2 is missing.": {"kl": lambda mu, a: 2 * _kl(mu, a)},
    "You added logvar in the KL. It is subtracted: mu^2 + exp(logvar) - 1 - logvar, and half of it.": {
        "kl": lambda mu, a: 0.5 * (mu**2 + a.exp() - 1 + a).sum(1)
    },
    "You left logvar out of the KL: it is mu^2 + exp(logvar) - 1 - logvar, and half of it.": {
        "kl": lambda mu, a: 0.5 * (mu**2 + a.exp() - 1).sum(1)
    },
    "You summed over the images. Take the mean, or the learning rate depends on the batch size.": {
        "loss": lambda elbo: -elbo.sum(),
        "returned": lambda elbo: elbo.sum(),
    },
    "Your loss is a sum over the images, though you return the mean. Make the loss a mean as well.": {
        "loss": lambda elbo: -elbo.sum()
    },
    "Your weights are right, but you return the loss: return the ELBO.": {"returned": lambda elbo: -elbo.mean()},
    "Your weights are right, but you return a sum over the images: return the mean.": {
        "returned": lambda elbo: elbo.sum()
    },
    "Your weights are right, but you return a number for each image: return their mean.": {
        "returned": lambda elbo: elbo
    },
}
SUMMED = "You summed log p over the images, but not the KL. Take the mean over the images for both."
LATE = "Your weights are right, but you return the ELBO after the step: return the one before the weights moved."

AGGREGATE_SLIPS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "You added the N densities up. Their mean is asked for: divide by N, in logs subtract log N.": lambda z, m, a: (
        torch.logsumexp(_log_q(z, m, a).sum(2), 1)
    ),
    "You averaged the logs. Take the log of the average: the mean over images stands inside the log.": (
        lambda z, m, a: _log_q(z, m, a).sum(2).mean(1)
    ),
    "You divided the log by N. Divide inside the log: in logs that is to subtract log N.": lambda z, m, a: (
        torch.logsumexp(_log_q(z, m, a).sum(2), 1) / len(m)
    ),
    "You took the log-sum-exp over images first, then the sum over latents. One image has all its latents together: "
    "sum over L first.": lambda z, m, a: torch.logsumexp(_log_q(z, m, a), 1).sum(1) - math.log(len(m)),
    "You added densities over the latents, too. They are independent: add their logs, by a plain sum over L.": (
        lambda z, m, a: torch.logsumexp(_log_q(z, m, a), (1, 2)) - math.log(len(m))
    ),
    "You subtracted log B, of the places. The mean is over the N images: subtract log N.": lambda z, m, a: (
        torch.logsumexp(_log_q(z, m, a).sum(2), 1) - math.log(len(z))
    ),
    "You returned the density. Return its log.": lambda z, m, a: log_aggregate(z, m, a).exp(),
    "You took the mean over the places. It is over the N images, dim 1 of (B, N).": lambda z, m, a: (
        torch.logsumexp(_log_q(z, m, a).sum(2), 0) - math.log(len(m))
    ),
    "You averaged over the places, too. Each z has a log density of its own: return (B,).": lambda z, m, a: (
        log_aggregate(z, m, a).mean()
    ),
    "You took the nearest image alone (a maximum). All N densities are averaged.": lambda z, m, a: (
        _log_q(z, m, a).sum(2).max(1).values
    ),
    "You left the logs: a density far from all images is 0 in floats, and its log -inf. Use torch.logsumexp.": (
        lambda z, m, a: _log_q(z, m, a).sum(2).exp().mean(1).log()
    ),
    "You took exp(logvar) for s. logvar is the log of the variance, so s is exp(logvar / 2).": lambda z, m, a: (
        log_aggregate(z, m, 2 * a)
    ),
    "You halved logvar twice. s is exp(logvar / 2).": (lambda z, m, a: log_aggregate(z, m, a / 2)),
    "You averaged over latents. They are independent, so their log densities add: sum over L.": lambda z, m, a: (
        torch.logsumexp(_log_q(z, m, a).mean(2), 1) - math.log(len(m))
    ),
    "You took each latent's mixture by itself and added. One image has all its latents together: sum over L first.": (
        lambda z, m, a: (torch.logsumexp(_log_q(z, m, a), 1) - math.log(len(m))).sum(1)
    ),
    "You took one Gaussian with the mean mu and the mean variance. The mixture has N bumps: average densities.": (
        lambda z, m, a: log_aggregate(z, m.mean(0, keepdim=True), a.exp().mean(0, keepdim=True).log())
    ),
    "You divided by L, the number of latents. The mean is over the N images: subtract log N.": lambda z, m, a: (
        torch.logsumexp(_log_q(z, m, a).sum(2), 1) - math.log(m.shape[1])
    ),
    "You added log N. A mean is smaller than a sum: subtract it.": lambda z, m, a: (
        log_aggregate(z, m, a) + 2 * math.log(len(m))
    ),
    "You left out the constant of the Gaussian, (log 2 pi) / 2 for each latent.": lambda z, m, a: (
        log_aggregate(z, m, a) + m.shape[1] * math.log(2 * math.pi) / 2
    ),
}

FLOORED = (
    "You added a small number inside the log, or held the density above one. Far from all images that number is all "
    "that is left. Use torch.logsumexp."
)


def _floored(z: Tensor, mu: Tensor, logvar: Tensor, least: float) -> Tensor:
    return (log_aggregate(z, mu, logvar).exp() + least).log()


FLOORS = tuple(functools.partial(_floored, least=10.0**-k) for k in (8, 9, 10, 12, 16, 20, 30))

EXERCISES = {
    "08.1": Exercise(
        _vae_step,
        vae_step,
        (*_step_slips(STEP_SLIPS), Slip(_after_the_step, LATE), Slip(_log_p_summed, SUMMED)),
    ),
    "08.2": Exercise(
        _log_aggregate, log_aggregate, (*_aggregate_slips(AGGREGATE_SLIPS), *(Slip(floor, FLOORED) for floor in FLOORS))
    ),
}
