"""Adversarial objectives as pure functions of logits, per sample: the step takes the mean, once.

D(x) = sigmoid(logit). log D is written with logsigmoid, never log(sigmoid(x) + eps): at a logit of -50 the first is
-50 and its gradient 1, where the second has lost both.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


def log_d(logits: Tensor) -> Tensor:
    """Return log D = log sigmoid(logits), in nats, the shape of `logits`."""
    return F.logsigmoid(logits)


def log_one_minus_d(logits: Tensor) -> Tensor:
    """Return log(1 - D) = log sigmoid(-logits), in nats, the shape of `logits`."""
    return F.logsigmoid(-logits)


def value(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))] in nats, a scalar; the two batches may differ in size.

    The discriminator climbs V, the generator descends it (Goodfellow et al. 2014, equation 1).
    """
    return log_d(real_logits).mean() + log_one_minus_d(fake_logits).mean()


def cross_entropy_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the discriminator's loss per pair, (B,): minus the integrand of V."""
    return -log_d(real_logits) - log_one_minus_d(fake_logits)


def minimax_generator(fake_logits: Tensor) -> Tensor:
    """Return log(1 - D(G(z))) per sample, (B,): the generator's part of V. It saturates where D is sure of a fake."""
    return log_one_minus_d(fake_logits)


def non_saturating_generator(fake_logits: Tensor) -> Tensor:
    """Return -log D(G(z)) per sample, (B,): steep where D is sure of a fake (Goodfellow et al. 2014, section 3)."""
    return -log_d(fake_logits)


@dataclass(frozen=True)
class Objective:
    """A pair of losses to be minimised: `critic(real_logits, fake_logits)` and `generator(fake_logits)`, each (B,)."""

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


OBJECTIVES = {
    "minimax": Objective(cross_entropy_critic, minimax_generator),
    "non_saturating": Objective(cross_entropy_critic, non_saturating_generator),
}


def objective(name: str) -> Objective:
    """Return the objective called `name`; raise ValueError with the names there are for any other."""
    if name not in OBJECTIVES:
        raise ValueError(f"objective: got {name!r}, expected one of {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]
