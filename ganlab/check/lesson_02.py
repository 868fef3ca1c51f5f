"""The exercises of lesson 02: the critic's step, and a stricter mode count.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import models, runtime, toys
from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit


def critic_step(critic: nn.Module, generator: nn.Module, optimizer: Any, real: Tensor, z: Tensor) -> Tensor:
    """Move the critic one step down its loss on `real` (B, D) and the fakes of z (B, latent_dim); return the loss."""
    return _stepped()(critic, generator, optimizer, real, z)


def _critic_step(function: Callable) -> dict[str, Any]:
    # Two steps, or a missing zero_grad would not show; plain SGD, or the loss's scale would not.
    with runtime.seeded(3):
        generator, critic = models.MLPGenerator(2, (2,), (8,)), models.MLPCritic((2,), (8,))
        real = torch.randn(6, 2) + 2
        z = torch.randn(2, 6, 2)
        with torch.no_grad():
            critic.layers[-1].bias += 0.5  # all first logits from 0 to 1, or log(logit) would give nan at once
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.5)
    before = nn.utils.parameters_to_vector(generator.parameters()).clone()
    loss = function(critic, generator, optimizer, real, z[0])
    if loss is None:
        raise Unfit("critic_step returned None: return the loss")
    numbers = {"the loss at the first step": loss}
    numbers["the critic's weights after one step"] = nn.utils.parameters_to_vector(critic.parameters()).clone()
    function(critic, generator, optimizer, real, z[1])
    numbers["the critic's weights after two steps"] = nn.utils.parameters_to_vector(critic.parameters())
    numbers["the generator's weights"] = nn.utils.parameters_to_vector(generator.parameters()) - before
    left = [parameter.grad for parameter in generator.parameters() if parameter.grad is not None]
    numbers["gradient numbers left in the generator"] = sum(int(grad.count_nonzero()) for grad in left)
    with torch.no_grad():
        critic.layers[-1].bias += 200  # a critic that is sure, and wrong about every fake: logits have no bounds
    numbers["the loss when every logit is near 200"] = function(critic, generator, optimizer, real, z[0])
    return numbers


def _sum_of_both(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return (F.softplus(-real_logits) + F.softplus(fake_logits)).mean()


def _stepped(
    loss_of: Callable[[Tensor, Tensor], Tensor] = _sum_of_both,
    detach: bool = True,
    zero_grad: bool = True,
    step: bool = True,
    blind: bool = False,
    latents: bool = False,
) -> Callable:
    """Return a critic_step with the given loss, and with one thing wrong for each argument that is changed."""

    def function(critic: nn.Module, generator: nn.Module, optimizer: Any, real: Tensor, z: Tensor) -> Tensor:
        fake = z if latents else generator(z)
        if detach:
            fake = fake.detach()
        fake_logits = critic(fake).detach() if blind else critic(fake)
        loss = loss_of(critic(real), fake_logits)
        if zero_grad:
            optimizer.zero_grad()
        loss.backward()
        if step:
            optimizer.step()
        return loss

    return function


def _measured_afterwards(critic: nn.Module, generator: nn.Module, optimizer: Any, real: Tensor, z: Tensor) -> Tensor:
    _stepped()(critic, generator, optimizer, real, z)
    return _sum_of_both(critic(real), critic(generator(z).detach()))


def modes_reached(samples: Tensor, means: Tensor, sigma: float, at_least: int) -> Tensor:
    """Return how many modes have `at_least` good samples: samples (n, 2) and means (K, 2) in, a number out."""
    return _counted()(samples, means, sigma, at_least)


def _modes_reached(function: Callable) -> dict[str, Any]:
    # Where the samples of each mode lie, in sigmas: a different slip miscounts each of them.
    places = [
        [(0, 0), (0.9, 0), (2, 0), (0, -0.9)],
        [(0.5, 0), (0, 0.5)],
        [(0, 0.2)],
        [(2.5, 2.5), (-2.5, 2.5)],  # in the square of 3 sigma, not in the circle
        [(4, 0), (5, 0), (0, 9)],
        [(2, 0), (7, 0)],
        [(1.5, 0)],
        [(0, -25)],
    ]
    means = toys.ring().means
    sigma = 0.01
    samples = [means[k] + sigma * torch.tensor(at, dtype=torch.float64) for k, mode in enumerate(places) for at in mode]
    samples = torch.stack(samples)
    ten_at_one = means[:1].repeat(10, 1)
    numbers = {f"modes with at least {least}": function(samples, means, sigma, least) for least in (1, 2, 3, 4)}
    numbers["modes with at least 1, at twice the sigma"] = function(samples, means, 2 * sigma, 1)
    numbers["modes with at least 5, of ten samples at one"] = function(ten_at_one, means, sigma, 5)
    numbers["modes with as many good samples as there are samples"] = function(samples, means, sigma, len(samples))
    # other modes, another number of them, and the first of them with bad samples only
    three = torch.tensor([[2.0, 1.0], [-1.0, 0.5], [0.5, -3.0]], dtype=torch.float64)
    far = torch.tensor([[2.5, 1.0], [2.0, 1.5], [1.5, 1.0]], dtype=torch.float64)
    numbers["of three other modes"] = function(torch.cat([far, three[1:], three[2:]]), three, sigma, 1)
    return numbers


def _bad_ones_at_mode_0(samples: Tensor, means: Tensor, sigma: float, at_least: int) -> Tensor:
    distance, nearest = torch.cdist(samples, means).min(dim=1)
    return (torch.bincount(nearest * (distance <= 3 * sigma), minlength=len(means)) >= at_least).sum()


def _within_3_sigma(distance: Tensor, sigma: float) -> Tensor:
    return distance <= 3 * sigma


def _counted(
    is_good: Callable[[Tensor, float], Tensor] = _within_3_sigma,
    is_reached: Callable[[Tensor, int], Tensor] = lambda good_per_mode, at_least: good_per_mode >= at_least,
) -> Callable:
    """Return a modes_reached with the given rules for a good sample and for a mode reached."""

    def function(samples: Tensor, means: Tensor, sigma: float, at_least: int) -> Tensor:
        distance, nearest = torch.cdist(samples, means).min(dim=1)  # (n,)
        good_per_mode = torch.bincount(nearest[is_good(distance, sigma)], minlength=len(means))  # (K,)
        return is_reached(good_per_mode, at_least).sum()

    return function


def _in_square(samples: Tensor, means: Tensor, sigma: float, at_least: int) -> Tensor:
    inside = ((samples[:, None] - means).abs() <= 3 * sigma).all(dim=2)  # (n, K)
    return (inside.sum(dim=0) >= at_least).sum()


STEP_SLIPS = (
    (_stepped(detach=False), "You left gradients in the generator, and this is not its move: detach the fakes."),
    (_stepped(zero_grad=False), "Your second step still carries the first one's gradient: zero_grad is missing."),
    (
        _stepped(lambda r, f: _sum_of_both(f, r)),
        "You swapped real and fake: softplus(-logit) pulls a logit up, which is meant for real samples.",
    ),
    (
        _stepped(lambda r, f: -_sum_of_both(r, f)),
        "You have the sign of V. V should rise, and an optimizer makes its loss fall: take the negative, (2.1).",
    ),
    (_stepped(lambda r, f: F.softplus(f).mean()), "You left out the real samples' half of the loss."),
    (_stepped(lambda r, f: F.softplus(-r).mean()), "You left out the fakes' half of the loss."),
    (_stepped(lambda r, f: _sum_of_both(r, f) / 2), "You took half of (2.1), which adds the two means."),
    (_stepped(lambda r, f: _sum_of_both(r, f) * len(r)), "You took the sum over the batch; (2.1) has means."),
    (
        _stepped(lambda r, f: F.softplus(-f).mean()),
        "You took the generator's loss (2.2). The critic has its own, (2.1).",
    ),
    (
        _stepped(lambda r, f: F.softplus(-f).mean(), detach=False),
        "You wrote the generator's move: its loss (2.2), and fakes without detach. The critic has the loss (2.1), and "
        "detached fakes.",
    ),
    (
        _stepped(lambda r, f: _sum_of_both(-r, f)),
        "You took softplus(logit) for real samples as well, which pushes their logits down. The minus of "
        "softplus(-critic(real)) is missing.",
    ),
    (
        _stepped(lambda r, f: _sum_of_both(r, -f)),
        "You took softplus(-logit) for fakes as well, which pulls their logits up. The fakes' term in (2.1) has none.",
    ),
    (
        _stepped(lambda r, f: (F.softplus(-r) - F.softplus(f)).mean()),
        "You subtracted the fakes' term from the real one's. (2.1) adds them.",
    ),
    (
        _stepped(lambda r, f: F.softplus(-r.mean()) + F.softplus(f.mean())),
        "You took the mean of the logits, then softplus. (2.1) has it the other way round: softplus of each, then the "
        "mean.",
    ),
    (
        _stepped(latents=True),
        "You gave the latents z to the critic as if they were fakes. The fakes are generator(z).",
    ),
    (
        _stepped(lambda r, f: -(r.log() + (1 - f).log()).mean()),
        "You took the log of the critic's output as if it were D. It is a logit: D = sigmoid(logit).",
    ),
    (
        _stepped(lambda r, f: (f - r).mean()),
        "You took the logits themselves for the loss: the softplus of (2.1) is missing.",
    ),
    (
        _stepped(lambda r, f: _sum_of_both(r.sigmoid(), f.sigmoid())),
        "You took a sigmoid too many: softplus wants logits, and after the sigmoid you have probabilities.",
    ),
    (
        _stepped(
            lambda r, f: (
                F.binary_cross_entropy(r.sigmoid(), torch.ones_like(r))
                + F.binary_cross_entropy(f.sigmoid(), torch.zeros_like(f))
            )
        ),
        "You took the sigmoid first and its log afterwards. Near a logit of 200 the sigmoid rounds to 1, and the loss "
        "stops at 100. Start from the logits: softplus, or binary_cross_entropy_with_logits.",
    ),
    (
        _stepped(lambda r, f: -(r.sigmoid().log() + (1 - f.sigmoid()).log()).mean()),
        "You took the sigmoid first and its log afterwards. Near a logit of 200 the sigmoid rounds to 1, and the loss "
        "becomes infinite. Start from the logits: softplus.",
    ),
    (
        _stepped(step=False),
        "Your step did not move the critic: is step() of the optimizer that you are given missing, or were gradients "
        "cleared just before it?",
    ),
    (
        _measured_afterwards,
        "You computed the loss anew, after the step. Return the loss that this step was taken on.",
    ),
    (
        _stepped(blind=True),
        "Your loss is right, but the fakes send the critic no gradient: keep detach and no_grad off the critic itself.",
    ),
)
MODE_SLIPS = (
    (
        _counted(lambda d, sigma: d < 99),
        "You counted every sample for its nearest mode. It counts only within 3 sigma of it.",
    ),
    (_counted(lambda d, sigma: d <= sigma), "You took good as within sigma. It means within 3 sigma, not within 1."),
    (
        _counted(lambda d, sigma: d**2 <= 3 * sigma),
        "You compared a squared distance with 3 sigma: square both or neither.",
    ),
    (
        _counted(is_reached=lambda good, least: good > least),
        "You left out equality, and 'at least' includes it: >=, not >.",
    ),
    (
        _counted(is_reached=lambda good, least: good >= 1),
        "In your answer at_least plays no part in which modes are reached: count the good samples of each mode, and "
        "compare each count with it.",
    ),
    (
        _counted(is_reached=lambda good, least: (good >= 1) & (good.sum() >= least)),
        "You compared at_least with all good samples together. Compare it with the count of each mode.",
    ),
    (
        _counted(is_reached=lambda good, least: torch.ones_like(good) * (good.sum() >= least)),
        "You returned all modes once there are enough good samples together. Compare the count of each mode with "
        "at_least, and count those that have enough.",
    ),
    (
        _counted(is_reached=lambda good, least: good.sum() >= least),
        "You compared the number of all good samples with at_least, which gives True or False. Compare the count of "
        "each mode, and count those that have enough.",
    ),
    (
        _counted(is_reached=lambda good, least: (good >= 1).sum() >= least),
        "You compared the number of modes with at_least, which gives True or False. Compare the count of each mode, "
        "and count those that have enough.",
    ),
    (
        _counted(is_reached=lambda good, least: good.min() >= least),
        "You compared the smallest count with at_least, which gives True or False. Compare the count of each mode, and "
        "count those that have enough.",
    ),
    (_in_square, "You compared each coordinate with 3 sigma: that gives a square, not a circle. Compare the distance."),
    (
        _counted(is_reached=lambda good, least: good),
        "You returned the number of good samples; wanted is that of modes.",
    ),
    (
        lambda x, means, sigma, least: (torch.cdist(x, means) <= 3 * sigma).sum(dim=0),
        "You returned how many good samples each mode has. Count the modes that have at_least of them.",
    ),
    (
        lambda x, means, sigma, least: (torch.cdist(x, means) <= 3 * sigma).sum(dim=0) >= least,
        "You returned True or False for each mode. Add them up: how many modes are reached?",
    ),
    (
        _bad_ones_at_mode_0,
        "You multiplied the nearest mode's number by good: that sends every bad sample to mode 0, which is counted. "
        "Leave the bad ones out, as nearest[good] does.",
    ),
    (
        lambda x, means, sigma, least: modes_reached(x, toys.ring().means, sigma, least),
        "You used the lesson's own ring: count at the `means` that your function is given.",
    ),
    (
        lambda x, means, sigma, least: modes_reached(x, means, 0.01, least),
        "You used the lesson's own 0.01: count within 3 times the `sigma` that your function is given.",
    ),
    (
        lambda x, means, sigma, least: ((torch.cdist(x, means) <= 3).sum(dim=0) >= least).sum(),
        "You compared with 3, and sigma is missing: every sample lies within 3 of every mode.",
    ),
    (
        lambda x, means, sigma, least: ((torch.cdist(x, means) <= 3 * sigma).sum(dim=1) >= least).sum(),
        "You summed over the modes: count, for each mode, the samples that are good.",
    ),
)
EXERCISES = {
    "02.1": Exercise(_critic_step, critic_step, tuple(Slip(*slip) for slip in STEP_SLIPS)),
    "02.2": Exercise(_modes_reached, modes_reached, tuple(Slip(*slip) for slip in MODE_SLIPS)),
}
