"""The exercises of lesson 15b: faults of VAEs found by tests, a loss repaired, the weight that a mean hides.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganlab import probability
from ganlab.check import Exercise, Slip
from ganlab.check.lesson_15 import Ward
from ganlab.runtime import seeded_generator

# A fault, and what somebody who has it would see.
SIGNS = {
    "half missing": "the known KLs would be 0, 8 and 35.11",
    "exp missing": "all known KLs would be -4 or 0",
    "one missing": "all known KLs would be too large by 4",
    "sign": "the known loss would be 90",
    "sigmoid on z": "both known values of z would lie between 0 and 1",
    "prior's noise": "the known values of z would be 0 and 1",
    "pixels averaged": "the known log p would be -0.69",
    "average stuck": "the known average would be 0",
}
WARD = Ward(SIGNS, "ABCDEFGH")
FAULTS = WARD.faults
night_shift = WARD.night_shift


def negative_elbo(mu: Tensor, logvar: Tensor, eps: Tensor, decoder: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return minus the ELBO in nats, the mean over the batch: latents (B, L), pixels x (B, D) of 0 or 1."""
    return _loss()(mu, logvar, eps, decoder, x)


def _sum(values: Tensor) -> Tensor:
    return values.sum(1).mean()


def _loss(
    *,
    sigma: Callable[[Tensor], Tensor] = lambda logvar: torch.exp(logvar / 2),
    over_pixels: Callable[[Tensor], Tensor] = _sum,
    over_latents: Callable[[Tensor], Tensor] = _sum,
    kl: Callable[[Tensor, Tensor], Tensor] = probability.gaussian_kl,
    sign: float = 1.0,
    total: float = 1.0,
) -> Callable[..., Tensor]:
    """Return a negative_elbo with the given sigma, reductions, KL of each latent, and signs."""

    def loss(mu: Tensor, logvar: Tensor, eps: Tensor, decoder: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        z = mu + sigma(logvar) * eps
        log_p = over_pixels(-cross_entropy(decoder(z), x, reduction="none"))
        return total * (sign * over_latents(kl(mu, logvar)) - log_p)

    return loss


def _negative_elbo(function: Callable[..., Tensor]) -> dict[str, Any]:
    rng = seeded_generator("15b.2")
    mu, logvar, eps = torch.randn(3, 7, 3, generator=rng, dtype=torch.float64)
    x = (torch.rand(7, 10, generator=rng) < 0.4).double()
    decoder = nn.Linear(3, 10).double()
    with torch.no_grad():
        for p in decoder.parameters():
            p.copy_(torch.randn(p.shape, generator=rng, dtype=torch.float64))
    mu, logvar = mu.requires_grad_(), logvar.requires_grad_()
    value = function(mu, logvar, eps, decoder, x)
    if value is ...:
        return {"loss": ...}
    if isinstance(value, Tensor) and value.requires_grad:
        by_mu, by_logvar = torch.autograd.grad(value, (mu, logvar))
    else:
        by_mu, by_logvar = torch.zeros(2, *mu.shape, dtype=torch.float64)
    return {"loss in nats": value, "gradient by mu": by_mu, "gradient by logvar": by_logvar}


def _mean(values: Tensor) -> Tensor:
    return values.mean()


MEANS = {
    "log p over the pixels": {"over_pixels": _mean},
    "the KL over the latents": {"over_latents": _mean},
    "log p over the pixels and the KL over the latents": {"over_pixels": _mean, "over_latents": _mean},
}
LOSS_SLIPS = (
    # the loop as it stands in the exercise, with all three faults or with two of them
    (
        _loss(sigma=lambda logvar: logvar, over_pixels=_mean, over_latents=_mean),
        "You left all three faults in: sigma is exp(logvar / 2), and log p and the KL are sums over pixels and over "
        "latents, averaged over the batch.",
    ),
    (
        _loss(sigma=lambda logvar: logvar, over_pixels=_mean),
        "You left two faults in: logvar stands for sigma, exp(logvar / 2), and log p is averaged over the pixels.",
    ),
    (
        _loss(sigma=lambda logvar: logvar, over_latents=_mean),
        "You left two faults in: logvar stands for sigma, exp(logvar / 2), and the KL is averaged over the latents.",
    ),
    (_loss(sigma=lambda logvar: logvar), "You took logvar for sigma. sigma is exp(logvar / 2)."),
    (
        _loss(sigma=lambda logvar: logvar / 2),
        "You took logvar / 2 for sigma. That is the logarithm of sigma: take exp of it.",
    ),
    (_loss(sigma=torch.exp), "You took the variance, exp(logvar), for the standard deviation exp(logvar / 2)."),
    *(
        (
            _loss(sigma=sigma, **reductions),
            f"You took {name} for sigma, which is exp(logvar / 2), and you averaged {over}. Sum over them, "
            "then average over the batch.",
        )
        for name, sigma in (("the variance, exp(logvar),", torch.exp), ("logvar / 2", lambda logvar: logvar / 2))
        for over, reductions in MEANS.items()
    ),
    (_loss(over_pixels=_mean), "You averaged over the pixels. Sum over them, then average over the batch."),
    (_loss(over_latents=_mean), "You averaged the KL over the latents. Sum over them, then average over the batch."),
    (
        _loss(over_pixels=_mean, over_latents=_mean),
        "You averaged over pixels and latents. Sum over both, then average over the batch.",
    ),
    (_loss(over_pixels=torch.sum), "You summed log p over the batch, too. Average over the batch."),
    (_loss(over_latents=torch.sum), "You summed the KL over the batch, too. Average over the batch."),
    (
        _loss(over_pixels=torch.sum, over_latents=torch.sum),
        "You summed over the batch. Average over it: the loss of one image is asked for.",
    ),
    (_loss(sign=-1.0), "You subtracted the KL. Minus the ELBO is the KL minus log p."),
    (_loss(sign=-1.0, total=-1.0), "You added log p. Minus the ELBO is the KL minus log p."),
    (
        _loss(over_pixels=lambda values: values.sum(0).mean(), over_latents=lambda values: values.sum(0).mean()),
        "You summed over the batch and averaged over the rest. Dimension 0 is the batch: sum over dimension 1.",
    ),
    (_loss(total=-1.0), "You returned the ELBO. Minus the ELBO is asked for, which is descended."),
    (
        lambda *given: negative_elbo(*given).detach(),
        "You returned a number without a gradient. Leave out item() and detach().",
    ),
    (
        _loss(kl=lambda mu, logvar: 2 * probability.gaussian_kl(mu, logvar)),
        "You left out the KL's half.",
    ),
    (
        _loss(kl=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar)),
        "You left out the KL's -1. The gradients are right, the value is not.",
    ),
    (
        _loss(kl=lambda mu, logvar: 0.5 * (mu**2 - 1 + 0 * logvar)),
        "You put logvar where the variance belongs, so that it cancels. The variance is logvar.exp().",
    ),
)


def true_beta(over_pixels: str, over_latents: str, pixels: int, latents: int) -> float:
    """Return the weight of the KL that "sum" or "mean" over so many pixels and latents amount to."""
    _, weight = _counts(over_pixels, over_latents, pixels, latents)
    return weight


def _counts(over_pixels: str, over_latents: str, pixels: int, latents: int) -> tuple[tuple[int, int], float]:
    """Return what each term is divided by, and the weight of the KL."""
    divided = pixels if over_pixels == "mean" else 1, latents if over_latents == "mean" else 1
    return divided, divided[0] / divided[1]


PROGRAMS = [
    ("sum", "sum", 784, 20),
    ("mean", "sum", 3072, 16),
    ("sum", "mean", 784, 20),
    ("mean", "mean", 784, 20),
    ("mean", "mean", 12_288, 32),
]


def _true_beta(function: Callable[[str, str, int, int], float]) -> dict[str, Any]:
    return {
        f"beta of {pixels}-{latents} with {a} over pixels and {b} over latents": function(a, b, pixels, latents)
        for a, b, pixels, latents in PROGRAMS
    }


def _beta_slip(change: Callable[[int, int], float]) -> Callable[[str, str, int, int], float]:
    """Return a true_beta that makes `change(n, m)` of what the two terms are divided by."""
    return lambda *program: change(*_counts(*program)[0])


BETA_SLIPS = {
    "You turned it over: a mean over the pixels makes log p too light, so that the KL is too *heavy*.": _beta_slip(
        lambda n, m: m / n
    ),
    "You multiplied the two counts. A mean over the latents makes the KL lighter: divide by them.": _beta_slip(
        lambda n, m: n * m
    ),
    "You left out the mean over the latents. It divides the KL.": _beta_slip(lambda n, m: n),
    "You left out the mean over the pixels. It makes the KL heavier, once the loss is multiplied by them.": _beta_slip(
        lambda n, m: 1 / m
    ),
    "You returned 1 / (pixels times latents). Multiply the loss by the pixels, and see what stands before the KL.": (
        _beta_slip(lambda n, m: 1 / (n * m))
    ),
    "You returned 1 for every program. A mean beside a sum changes the weight.": _beta_slip(lambda n, m: 1.0),
    "You counted a mean over pixels only where the latents are summed. Both count.": _beta_slip(
        lambda n, m: n if m == 1 else 1.0
    ),
    "You returned pixels / latents for every program. A sum divides by nothing.": lambda a, b, n, m: n / m,
    "You returned 784 for every program. That is the answer for one of them.": lambda a, b, n, m: 784.0,
    "You returned 1 for a mean over both, as if the two cancelled. They divide by different counts.": _beta_slip(
        lambda n, m: n / m if 1 in (n, m) else 1.0
    ),
    "You exchanged the two words: a mean divides by its count, and a sum does not.": lambda a, b, n, m: (
        (n if a == "sum" else 1) / (m if b == "sum" else 1)
    ),
    "You divided by // and lost what is below 1. Divide by /.": _beta_slip(lambda n, m: n // m),
}

EXERCISES = {
    "15b.1": WARD.exercise(),
    "15b.2": Exercise(_negative_elbo, negative_elbo, tuple(Slip(*slip) for slip in LOSS_SLIPS)),
    "15b.3": Exercise(_true_beta, true_beta, tuple(Slip(answer, hint) for hint, answer in BETA_SLIPS.items())),
}
