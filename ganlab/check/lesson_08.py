"""The exercises of lesson 08: a VAE's step, a bound in chunks, free bits, bits per dimension of a density."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
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
    found = {}
    for k, name in enumerate(("first", "second")):
        found[f"bound of the {name} step, nats"] = function(vae, optimizer, images[k].clone(), eps[k].clone())
    found["weights after two steps"] = nn.utils.parameters_to_vector(vae.parameters())
    return found


def _step_slips(changes: dict[str, dict[str, Any]]) -> tuple[Slip, ...]:
    """Return a slip for each hint: `vae_step` with those arguments changed."""
    return tuple(Slip(functools.partial(vae_step, **changed), hint) for hint, changed in changes.items())


def _after_the_step(vae: VAE, optimizer: torch.optim.Optimizer, x: Tensor, eps: Tensor) -> Tensor:
    vae_step(vae, optimizer, x, eps)
    mu, logvar = vae.encode(x)
    log_p_x = vae.log_p_x_given_z(x, probability.reparameterise(mu, logvar, eps))
    return (log_p_x - _kl(mu, logvar)).mean()


def bound_in_chunks(chunks: Iterator[Tensor]) -> Tensor:
    """Return the bound of all K samples in nats, (B,), from log weights that come as chunks (k, B) of any k."""
    total, count = None, 0
    for chunk in chunks:
        here = torch.logsumexp(chunk, dim=0)
        total = here if total is None else torch.logaddexp(total, here)
        count += len(chunk)
    return total - math.log(count)


SIZES = (5, 2, 4)  # of the chunks: different, so that a plain mean over chunks is wrong


def _chunks(log_w: Tensor) -> Iterator[Tensor]:
    """Yield chunks that all lie in the same memory: whoever keeps them has the last one only."""
    memory = torch.empty(max(SIZES), log_w.shape[1], dtype=log_w.dtype)
    for part in log_w.split(SIZES):
        yield memory[: len(part)].copy_(part)


def _bound_in_chunks(function: Callable) -> dict[str, Any]:
    log_w = 2 * torch.randn(sum(SIZES), 4, generator=seeded_generator("08.2"), dtype=torch.float64)
    level = torch.tensor([-1000.0, -2000.0, -900.0, -1500.0], dtype=torch.float64)  # as of images
    return {f"bound in nats, {k}": function(_chunks(log_w + by)) for k, by in {"small": 0, "images": level}.items()}


def _chunk_slips(changes: dict[str, Callable[[Tensor, Tensor], Tensor]]) -> tuple[Slip, ...]:
    """Return a slip for each hint, whose answer is `change(sizes (chunks, 1), log sums (chunks, B))`."""

    def slip(change: Callable[[Tensor, Tensor], Tensor], chunks: Iterator[Tensor]) -> Tensor:
        pairs = [(len(chunk), torch.logsumexp(chunk, 0)) for chunk in chunks]
        sums = torch.stack([total for _, total in pairs])
        return change(torch.tensor([size for size, _ in pairs], dtype=sums.dtype)[:, None], sums)

    return tuple(Slip(functools.partial(slip, change), hint) for hint, change in changes.items())


def free_bits_loss(log_p_x: Tensor, kl: Tensor, free: float) -> Tensor:
    """Return the loss with `free` nats for each latent, a number: log p(x | z) (B,) and KL (B, L) in."""
    return kl.mean(0).clamp(min=free).sum() - log_p_x.mean()


def _free_bits_loss(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("08.3")
    log_p_x = -80 + 5 * torch.randn(6, generator=rng, dtype=torch.float64)
    level = torch.tensor([0.03, 0.3, 0.6, 2.0], dtype=torch.float64)
    kl = level * torch.rand(6, 4, generator=rng, dtype=torch.float64) * 2
    return {f"loss with {free} nats free": function(log_p_x.clone(), kl.clone(), free) for free in (0.0, 0.25, 3.5)}


def _free_slips(terms: dict[str, Callable[[Tensor, float], Tensor]]) -> tuple[Slip, ...]:
    """Return a slip for each hint, whose KL term is `term(kl, free)`."""

    def slip(term: Callable[[Tensor, float], Tensor], log_p_x: Tensor, kl: Tensor, free: float) -> Tensor:
        return term(kl, free) - log_p_x.mean()

    return tuple(Slip(functools.partial(slip, term), hint) for hint, term in terms.items())


def density_to_bits(log_density: Tensor, shape: Sequence[int]) -> Tensor:
    """Return bits per dimension, (B,), from log densities in nats (B,) of images of `shape`, scaled to [0, 1)."""
    return 8 - log_density / (math.prod(shape) * math.log(2))


def _density_to_bits(function: Callable) -> dict[str, Any]:
    cases = {(3, 64, 64): (40_000.0, 31_000.0), (1, 28, 28): (2500.0, -90.0)}
    return {
        f"bits per dimension, images of {shape}": function(torch.tensor(nats, dtype=torch.float64), shape)
        for shape, nats in cases.items()
    }


STEP_SLIPS = {
    "optimizers go down: the loss is minus the bound.": {"loss": lambda elbo: elbo.mean()},
    "the second step adds to the gradients of the first: optimizer.zero_grad().": {"clear": False},
    "no weight has moved: optimizer.step() is missing.": {"move": False},
    "logvar is the log of the variance: sigma is exp(logvar / 2).": {"latents": lambda mu, a, eps: mu + a.exp() * eps},
    "eps does not enter: z is a draw from q, not its mean.": {"latents": lambda mu, a, eps: mu},
    "z is the noise alone: then it says nothing about x. Shift and scale it.": {"latents": lambda mu, a, eps: eps},
    "z was cut from the graph (detach, or no_grad): the encoder then learns from the KL alone.": {
        "latents": lambda mu, a, eps: probability.reparameterise(mu, a, eps).detach()
    },
    "the KL is added to the bound: it is a price, so subtract it.": {"kl": lambda mu, a: -_kl(mu, a)},
    "the KL is missing.": {"kl": lambda mu, a: torch.zeros(len(mu))},
    "a mean of the KL over latents: independent dimensions add.": {"kl": lambda mu, a: _kl(mu, a) / mu.shape[1]},
    "the KL is twice too large: a factor 1/2 is missing.": {"kl": lambda mu, a: 2 * _kl(mu, a)},
    "a sum over the images: take the mean, or the learning rate depends on the batch size.": {
        "loss": lambda elbo: -elbo.sum(),
        "returned": lambda elbo: elbo.sum(),
    },
    "the loss is a sum over the images, though you return the mean.": {"loss": lambda elbo: -elbo.sum()},
    "the weights are right, but you return the loss: return the bound.": {"returned": lambda elbo: -elbo.mean()},
    "the weights are right, but you return a sum over the images.": {"returned": lambda elbo: elbo.sum()},
    "the weights are right; return the mean over images, one number.": {"returned": lambda elbo: elbo},
}

CHUNK_SLIPS = {
    "a mean of the chunks' bounds: the mean belongs inside the log.": lambda n, s: (s - n.log()).mean(0),
    "a mean of bounds, weighted by size: it belongs inside.": lambda n, s: (n * (s - n.log())).sum(0) / n.sum(),
    "a mean of the chunks' means: chunks of different sizes count differently. Add sums, divide once.": (
        lambda n, s: torch.logsumexp(s - n.log(), 0) - math.log(len(n))
    ),
    "a sum of weights: divide by K, so subtract log K.": lambda n, s: torch.logsumexp(s, 0),
    "divided by the number of chunks, not of samples.": lambda n, s: torch.logsumexp(s, 0) - math.log(len(n)),
    "divided by the last chunk's size: K counts all chunks.": lambda n, s: torch.logsumexp(s, 0) - n[-1].log(),
    "the sign of log K: a mean is smaller than a sum.": lambda n, s: torch.logsumexp(s, 0) + n.sum().log(),
    "exp(-1000) is 0, its log -inf: stay with logs (torch.logaddexp).": lambda n, s: (s.exp().sum(0) / n.sum()).log(),
    "that is the last chunk alone: carry a total along.": lambda n, s: s[-1] - n[-1].log(),
    "that is the first chunk alone: is `return` in the loop?": lambda n, s: s[0] - n[0].log(),
    "logs were added: that multiplies the sums (torch.logaddexp adds them).": lambda n, s: s.sum(0) - n.sum().log(),
}
KEPT = "you kept the chunks, but each lies in the memory of the one before: take what you need at once."

FREE_SLIPS = {
    "a maximum image by image: first the mean over the batch.": lambda kl, f: kl.clamp(min=f).sum(1).mean(),
    "a maximum of the whole KL: each latent has its own free nats.": lambda kl, f: kl.sum(1).mean().clamp(min=f),
    "the free nats are pooled over the latents: then one may take them all. Give each its own.": lambda kl, f: (
        kl.sum(1).mean().clamp(min=f * kl.shape[1])
    ),
    "a minimum: that makes all above `free` free. It is max(free, KL).": lambda kl, f: kl.mean(0).clamp(max=f).sum(),
    "KL - free, cut at 0: the gradients are the same, the loss is L free nats lower. Take max(free, KL).": (
        lambda kl, f: (kl.mean(0) - f).clamp(min=0).sum()
    ),
    "latents below `free` count 0: the loss then jumps. They count `free`.": lambda kl, f: torch.where(
        kl.mean(0) < f, 0.0, kl.mean(0)
    ).sum(),
    "a mean over latents: independent dimensions add.": lambda kl, f: kl.mean(0).clamp(min=f).mean(),
    "`free` does not enter.": lambda kl, f: kl.sum(1).mean(),
}
MINUS_LOSS = "that is minus the loss: the bound that goes up."
ONE_SUM = "log p(x | z) is summed over the images, the KL averaged: that divides beta by the batch size."


def _bits(nats: Tensor, shape: Sequence[int]) -> Tensor:
    return -nats / (math.prod(shape) * math.log(2))


BITS_SLIPS = {
    "that would be right for a density of k + u. Scaling by 256 changed it: by how many bits per number?": _bits,
    "the sign of the 8: a density in a smaller box is higher by 8 bits.": lambda nats, shape: _bits(nats, shape) - 8,
    "nats became bits nowhere: divide by log 2.": lambda nats, shape: 8 - nats / math.prod(shape),
    "a bit is log 2 = 0.69 nats: divide by it.": lambda nats, shape: 8 - nats * math.log(2) / math.prod(shape),
    "that is in nats throughout, 8 bits being 8 log 2 of them: a bit is log 2 = 0.693 nats, so divide by it.": (
        lambda nats, shape: (8 + _bits(nats, shape)) * math.log(2)
    ),
    "the sign of log p: likely images take few bits.": lambda nats, shape: 8 - _bits(nats, shape),
    "per pixel: a dimension is one number, and a colour pixel has three.": lambda nats, s: 8 + _bits(nats, s[1:]),
    "bits of the whole image: divide by its dimensions.": lambda nats, shape: 8 + _bits(nats, (1,)),
    "the 8 bits are those of one number, not of the image: add them after the division.": lambda nats, shape: (
        8 / math.prod(shape) + _bits(nats, shape)
    ),
    "the scale is 256, not 255: k + u runs up to 256.": lambda nats, shape: math.log2(255) + _bits(nats, shape),
    "7 would belong to a scale of [-1, 1): here it is [0, 1).": lambda nats, shape: 7 + _bits(nats, shape),
    "one number for the batch: return one for each image.": lambda nats, shape: (8 + _bits(nats, shape)).mean(),
}

EXERCISES = {
    "08.1": Exercise(
        _vae_step,
        vae_step,
        (*_step_slips(STEP_SLIPS), Slip(_after_the_step, "the weights are right; return the bound before they moved.")),
    ),
    "08.2": Exercise(
        _bound_in_chunks,
        bound_in_chunks,
        (Slip(lambda chunks: probability.importance_bound(torch.cat(list(chunks))), KEPT), *_chunk_slips(CHUNK_SLIPS)),
    ),
    "08.3": Exercise(
        _free_bits_loss,
        free_bits_loss,
        (
            *_free_slips(FREE_SLIPS),
            Slip(lambda p, kl, free: free_bits_loss(-p, kl, free), "the sign of log p(x | z): a loss goes down."),
            Slip(lambda p, kl, free: -free_bits_loss(p, kl, free), MINUS_LOSS),
            Slip(lambda p, kl, free: free_bits_loss(p, kl, free) + p.mean() - p.sum(), ONE_SUM),
        ),
    ),
    "08.4": Exercise(
        _density_to_bits, density_to_bits, tuple(Slip(change, hint) for hint, change in BITS_SLIPS.items())
    ),
}
