"""Objectives, penalties, and distances of pictures as pure functions, per sample: the step takes the mean, once.

D(x) = sigmoid(logit). log D is written with logsigmoid, never log(sigmoid(x) + eps): at a logit of -50 the first is
-50 and its gradient 1, where the second has lost both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
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


def least_squares_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return ((c(x) - 1)^2 + c(G(z))^2) / 2 per pair, (B,), c the logit itself (Mao et al. 2017)."""
    return 0.5 * ((real_logits - 1) ** 2 + fake_logits**2)


def least_squares_generator(fake_logits: Tensor) -> Tensor:
    """Return (c(G(z)) - 1)^2 / 2 per sample, (B,): never flat, except where the critic says 1."""
    return 0.5 * (fake_logits - 1) ** 2


def wasserstein_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return c(G(z)) - c(x) per pair, (B,): minus a Wasserstein distance for the best 1-Lipschitz c (Arjovsky 2017)."""
    return fake_logits - real_logits


def wasserstein_generator(fake_logits: Tensor) -> Tensor:
    """Return -c(G(z)) per sample, (B,)."""
    return -fake_logits


def hinge_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return max(0, 1 - c(x)) + max(0, 1 + c(G(z))) per pair, (B,): no push beyond a margin of 1 (Lim and Ye 2017)."""
    return F.relu(1 - real_logits) + F.relu(1 + fake_logits)


def relativistic_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return softplus(c(G(z)) - c(x)) per pair, (B,): real beats fake, pair by pair (Jolicoeur-Martineau 2019)."""
    return F.softplus(fake_logits - real_logits)


def relativistic_generator(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """Return softplus(c(x) - c(G(z))) per pair, (B,): the critic's loss with the roles exchanged."""
    return F.softplus(real_logits - fake_logits)


@dataclass(frozen=True)
class Objective:
    """A pair of losses to be minimised, per sample, (B,): `critic(real_logits, fake_logits)`, `generator(fake_logits)`.

    If it is `paired`, the generator's loss compares fakes with real samples: `generator(fake_logits, real_logits)`.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[..., Tensor]
    paired: bool = False


# A seventh of a reader's own is one like these; settings take it as it is: `GANSettings(steps, Objective(...))`.
OBJECTIVES = {
    "minimax": Objective(cross_entropy_critic, minimax_generator),
    "non_saturating": Objective(cross_entropy_critic, non_saturating_generator),
    "least_squares": Objective(least_squares_critic, least_squares_generator),
    "wasserstein": Objective(wasserstein_critic, wasserstein_generator),
    "hinge": Objective(hinge_critic, wasserstein_generator),
    "relativistic": Objective(relativistic_critic, relativistic_generator, paired=True),
}


def objective(name: str | Objective) -> Objective:
    """Return the objective called `name`, or an objective as it is; ValueError, with the names, for all else."""
    if isinstance(name, Objective):
        return name
    if name not in OBJECTIVES:
        raise ValueError(f"objective: got {name!r}, expected an Objective or one of {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]


Distance = Callable[[Tensor, Tensor], Tensor]  # of x_hat and x (B, ...): (B, ...), whose mean the step takes


def absolute_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return |x_hat - x|, number by number, (B, ...): its mean is least at a median."""
    return (x_hat - x).abs()


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return (x_hat - x)^2, number by number, (B, ...): its mean is least at the mean."""
    return (x_hat - x).square()


def energy_score(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return (|a - x| + |b - x|) / 2 - |a - b| / 2, number by number, (B / 2, ...), of two answers a, b to each x.

    They stand one after the other in x_hat (B, ...), as each x does twice in x (`data.Holes(draws=2)`). Its mean is
    least when a and b are independent draws of what x may be: one answer alone would be their median (L1), and the
    last term rewards answers that differ. Per number it is the CRPS (Gneiting and Raftery 2007). ValueError for an odd
    number of answers, or for neighbours that are to be different pictures.
    """
    if len(x) % 2 or (x.device.type == "cpu" and not torch.equal(x[::2], x[1::2])):  # elsewhere it would have to wait
        raise ValueError(f"x: got {len(x)} pictures, expected each twice, one after the other, as Holes(draws=2) gives")
    a = x_hat[::2]
    b = x_hat[1::2]
    true = x[::2]
    return ((a - true).abs() + (b - true).abs() - (a - b).abs()) / 2


DISTANCES: dict[str, Distance] = {"l1": absolute_error, "l2": squared_error, "energy": energy_score}


@dataclass(frozen=True)
class Perceptual:
    """A distance on features: `pixel` + weight * the relative squared errors of all layers, per picture, (B,).

    `features(x)` returns a network's activations for pictures x (B, C, H, W), layer by layer, (B, ...) each, in a dict
    or a sequence; gradients pass through it. A layer's error is its mean squared difference, divided by the mean square
    of the features of x, so that no layer counts more because its numbers are large (Johnson et al. 2016).
    """

    features: Callable[[Tensor], Mapping[str, Tensor] | Sequence[Tensor]]
    weight: float = 0.1
    pixel: str | Distance = "l1"

    def __call__(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return the distance of each picture, (B,)."""
        made, true = (_layers(self.features(each)) for each in (x_hat, x))
        apart = distance(self.pixel)(x_hat, x).flatten(1).mean(1)
        for ours, theirs in zip(made, true, strict=True):
            theirs = theirs.detach()
            apart = apart + self.weight * (ours - theirs).square().flatten(1).mean(1) / theirs.square().mean()
        return apart


def _layers(features: Mapping[str, Tensor] | Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the activations of a network in their order."""
    return list(features.values()) if isinstance(features, Mapping) else features


def distance(name: str | Distance) -> Distance:
    """Return the distance called `name`, or a function as it is; ValueError, with the names, for all else."""
    if callable(name):
        return name
    if name not in DISTANCES:
        raise ValueError(f"distance: got {name!r}, expected a function of (x_hat, x) or one of {', '.join(DISTANCES)}")
    return DISTANCES[name]


Critic = Callable[[Tensor], Tensor]
Penalty = Callable[[Critic, Tensor, Tensor, Tensor], Tensor]  # of critic, real, fake (B, ...), epsilon (B,): (B,)


def input_gradient(critic: Critic, x: Tensor) -> Tensor:
    """Return grad_x c(x) at each sample x, (B, ...), itself differentiable by the critic's weights, by autograd twice.

    Of a critic that treats samples independently; batch normalisation does not, and spoils it.
    """
    x = x.detach().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]


def squared_slope(critic: Critic, x: Tensor) -> Tensor:
    """Return |grad_x c(x)|^2 for each sample x (B, ...), (B,): by the critic's own `input_gradient` or by ours."""
    closed_form = getattr(critic, "input_gradient", None)  # of fully connected critics; it is cheaper
    gradient = closed_form(x.detach()) if closed_form else input_gradient(critic, x)
    return gradient.flatten(1).square().sum(1)


def r1(critic: Critic, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Return the squared slope at real samples, (B,); R1 is half of it times gamma (Mescheder et al. 2018)."""
    return squared_slope(critic, real)


def r2(critic: Critic, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Return the squared slope at fakes, (B,)."""
    return squared_slope(critic, fake)


def r1_r2(critic: Critic, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Return the squared slopes at a real sample and a fake, added, (B,): R3GAN's penalty (Huang et al. 2024)."""
    slopes = squared_slope(critic, torch.cat([real, fake]))  # in one pass through the critic
    return slopes[: len(real)] + slopes[len(real) :]


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Return (|grad c| - 1)^2, (B,), at epsilon * real + (1 - epsilon) * fake (Gulrajani et al. 2017)."""
    epsilon = epsilon.view(-1, *[1] * (real.ndim - 1))
    # at a slope of exactly 0 the square root alone would have no derivative
    return ((squared_slope(critic, epsilon * real + (1 - epsilon) * fake) + 1e-12).sqrt() - 1) ** 2


PENALTIES: dict[str, Penalty] = {"r1": r1, "r2": r2, "r1_r2": r1_r2, "gradient_penalty": gradient_penalty}


def penalty_function(name: str | Penalty) -> Penalty:
    """Return the penalty called `name`, or a function as it is; ValueError, with the names, for all else."""
    if callable(name):
        return name
    if name not in PENALTIES:
        raise ValueError(f"penalty: got {name!r}, expected 'none', a function or one of {', '.join(PENALTIES)}")
    return PENALTIES[name]
