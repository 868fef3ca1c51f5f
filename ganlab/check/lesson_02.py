"""The exercises of lesson 02: the critic's step, faults of trainers read from their traces, a stricter mode count.

Whoever reads on finds the answers.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import models, runtime, toys
from ganlab.check import Exercise, Slip


def critic_step(critic: nn.Module, generator: nn.Module, optimizer: Any, real: Tensor, z: Tensor) -> Tensor:
    """Move the critic one step down its loss on `real` (B, D) and the fakes of z (B, latent_dim); return the loss."""
    return _stepped()(critic, generator, optimizer, real, z)


def _critic_step(function: Callable) -> dict[str, Any]:
    # Two steps, or a missing zero_grad would not show; plain SGD, or the loss's scale would not.
    with runtime.seeded(3):
        generator, critic = models.MLPGenerator(2, (2,), (8,)), models.MLPCritic((2,), (8,))
        real, z = torch.randn(6, 2) + 2, torch.randn(2, 6, 2)
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.5)
    before = nn.utils.parameters_to_vector(generator.parameters()).clone()
    loss = function(critic, generator, optimizer, real, z[0])
    if loss is None:
        raise ValueError("critic_step returned None: return the loss")
    found = {"the loss at the first step": loss}
    found["the critic's weights after one step"] = nn.utils.parameters_to_vector(critic.parameters()).clone()
    function(critic, generator, optimizer, real, z[1])
    found["the critic's weights after two steps"] = nn.utils.parameters_to_vector(critic.parameters())
    found["the generator's weights"] = nn.utils.parameters_to_vector(generator.parameters()) - before
    left = [parameter.grad for parameter in generator.parameters() if parameter.grad is not None]
    found["gradient numbers left in the generator"] = sum(int(grad.count_nonzero()) for grad in left)
    with torch.no_grad():
        critic.layers[-1].bias += 200  # a critic that is sure, and wrong about every fake: logits have no bounds
    found["the loss when every logit is near 200"] = function(critic, generator, optimizer, real, z[0])
    return found


def _sum_of_both(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return (F.softplus(-real_logits) + F.softplus(fake_logits)).mean()


def _stepped(
    loss_of: Callable[[Tensor, Tensor], Tensor] = _sum_of_both,
    detach: bool = True,
    zero_grad: bool = True,
    step: bool = True,
    blind: bool = False,
) -> Callable:
    """Return a critic_step with the given loss, and with one thing wrong for each argument that is changed."""

    def function(critic: nn.Module, generator: nn.Module, optimizer: Any, real: Tensor, z: Tensor) -> Tensor:
        fake = generator(z).detach() if detach else generator(z)
        fake_logits = critic(fake).detach() if blind else critic(fake)
        loss = loss_of(critic(real), fake_logits)
        if zero_grad:
            optimizer.zero_grad()
        loss.backward()
        if step:
            optimizer.step()
        return loss

    return function


FAULTS = ("none", "no detach", "no zero_grad", "detach twice")
TRUTH = {"A": "no zero_grad", "B": "none", "C": "detach twice", "D": "no detach"}
SIGNS = {
    "none": "a sound trainer moves G, leaves no gradient in it after critic_loss.backward(), and its critic's "
    "gradient does not grow and grow",
    "no detach": "without detach, critic_loss.backward() would leave gradient numbers in G",
    "no zero_grad": "without zero_grad gradients add up, and the critic's gradient would be far longer at the end",
    "detach twice": "with a second detach no gradient would ever reach G, and G could not move",
}


def traces(seed: int = 0, steps: int = 100) -> dict[str, dict[str, float]]:
    """Train four trainers on the ring, each with one fault or none; return what was measured on each of them."""
    return {name: _trace(fault, seed, steps) for name, fault in TRUTH.items()}


def _trace(fault: str, seed: int, steps: int) -> dict[str, float]:
    with runtime.seeded(seed):
        generator, critic = models.MLPGenerator(2, (2,), (32, 32)), models.MLPCritic((2,), (32, 32))
    g_optimizer, d_optimizer = (torch.optim.Adam(network.parameters(), 1e-3) for network in (generator, critic))
    before, lengths = copy.deepcopy(generator), []
    source = toys.ring().batches(128, seed)
    for step in range(steps):
        g_optimizer.zero_grad()
        if fault != "no zero_grad":
            d_optimizer.zero_grad()
        z, z_next = (models.latents(128, 2, runtime.seeded_generator(seed, move, step)) for move in (1, 2))
        fake = generator(z) if fault == "no detach" else generator(z).detach()
        critic_loss = _sum_of_both(critic(source.at(step)), critic(fake))
        critic_loss.backward()
        reached = sum(int(p.grad.count_nonzero()) for p in generator.parameters() if p.grad is not None)
        lengths.append(nn.utils.get_total_norm([p.grad for p in critic.parameters()]).item())
        d_optimizer.step()
        fake = generator(z_next).detach() if fault == "detach twice" else generator(z_next)
        generator_loss = F.softplus(-critic(fake)).mean()
        generator_loss.backward()
        g_optimizer.step()
    moved = [new - old for new, old in zip(generator.parameters(), before.parameters(), strict=True)]
    return {
        "critic_loss": critic_loss.item(),
        "generator_loss": generator_loss.item(),
        "numbers in G": reached,
        "|grad| first": lengths[0],
        "|grad| last": lengths[-1],
        "G moved": nn.utils.get_total_norm([difference.detach() for difference in moved]).item(),
    }


def _faults(given: dict[str, str]) -> dict[str, Any]:
    """Return how many trainers are read right up to the first wrong one, and what that one is called instead."""
    if set(given) != set(TRUTH):
        raise ValueError(f"faults: got trainers {', '.join(map(str, given))}, expected {', '.join(TRUTH)}")
    if any(said is ... for said in given.values()):
        return {"faults": ...}
    for k, (name, fault) in enumerate(TRUTH.items()):
        if given[name] not in FAULTS:
            raise ValueError(f"faults: {name} is {given[name]!r}, expected one of {', '.join(FAULTS)}")
        if given[name] != fault:
            return {"trainers read right, from A on": k, "called": FAULTS.index(given[name])}
    return {"trainers read right, from A on": len(TRUTH), "called": -1}


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
    means, sigma = toys.ring().means, 0.01
    samples = [means[k] + sigma * torch.tensor(at, dtype=torch.float64) for k, mode in enumerate(places) for at in mode]
    samples, ten_at_one = torch.stack(samples), means[:1].repeat(10, 1)
    found = {f"modes with at least {least}": function(samples, means, sigma, least) for least in (1, 2, 3, 4)}
    found["modes with at least 1, at twice the sigma"] = function(samples, means, 2 * sigma, 1)
    return found | {"modes with at least 5, of ten samples at one": function(ten_at_one, means, sigma, 5)}


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
    (_stepped(detach=False), "the generator holds gradients now, and this is not its move: detach the fakes."),
    (_stepped(zero_grad=False), "the second step still carries the first one's gradient: zero_grad is missing."),
    (_stepped(lambda r, f: _sum_of_both(f, r)), "real and fake are swapped: softplus(-logit) pulls a logit up."),
    (_stepped(lambda r, f: -_sum_of_both(r, f)), "the sign: V is to rise, so its negative, (2.1), is to fall."),
    (_stepped(lambda r, f: F.softplus(f).mean()), "the real samples' half of the loss is missing."),
    (_stepped(lambda r, f: F.softplus(-r).mean()), "the fakes' half of the loss is missing."),
    (_stepped(lambda r, f: _sum_of_both(r, f) / 2), "that is half of (2.1), which adds the two means."),
    (_stepped(lambda r, f: _sum_of_both(r, f) * len(r)), "that is a sum over the batch; (2.1) has means."),
    (_stepped(lambda r, f: F.softplus(-f).mean()), "that is the generator's loss (2.2), lowered by the critic."),
    (
        _stepped(lambda r, f: _sum_of_both(r.sigmoid(), f.sigmoid())),
        "a sigmoid too many: softplus wants logits, and D is a probability already.",
    ),
    (
        _stepped(
            lambda r, f: (
                F.binary_cross_entropy(r.sigmoid(), torch.ones_like(r))
                + F.binary_cross_entropy(f.sigmoid(), torch.zeros_like(f))
            )
        ),
        "you took the sigmoid first and its log afterwards. Near a logit of 200 the sigmoid rounds to 1, and the loss "
        "stops at 100. Start from the logits: softplus, or binary_cross_entropy_with_logits.",
    ),
    (
        _stepped(lambda r, f: -(r.sigmoid().log() + (1 - f.sigmoid()).log()).mean()),
        "you took the sigmoid first and its log afterwards. Near a logit of 200 the sigmoid rounds to 1, and the loss "
        "becomes infinite. Start from the logits: softplus.",
    ),
    (
        _stepped(step=False),
        "the critic's weights have not moved: is optimizer.step() missing, or were gradients cleared just before it?",
    ),
    (
        _stepped(blind=True),
        "the loss is right, but the fakes send the critic no gradient: keep detach and no_grad off the critic itself.",
    ),
)
MODE_SLIPS = (
    (_counted(lambda d, sigma: d < 99), "the nearest mode is not enough: a sample counts only within 3 sigma of it."),
    (_counted(lambda d, sigma: d <= sigma), "good means within 3 sigma, not within 1."),
    (
        _counted(lambda d, sigma: d**2 <= 3 * sigma),
        "a squared distance is held against 3 sigma: square both or neither.",
    ),
    (_counted(is_reached=lambda good, least: good > least), "'at least' includes equality: >=, not >."),
    (
        _counted(is_reached=lambda good, least: good >= 1),
        "at_least plays no part in whether a mode is reached: count the good samples of each mode, and hold each count "
        "against it.",
    ),
    (_in_square, "each coordinate is within 3 sigma, the distance is not: that is a square, not a circle."),
    (_counted(is_reached=lambda good, least: good), "that is the number of good samples; wanted is that of modes."),
    (
        lambda x, means, sigma, least: ((torch.cdist(x, means) <= 3).sum(dim=0) >= least).sum(),
        "within 3 of what? sigma is missing: every sample lies within 3 of every mode.",
    ),
    (
        lambda x, means, sigma, least: ((torch.cdist(x, means) <= 3 * sigma).sum(dim=1) >= least).sum(),
        "that sum runs over the modes: count, for each mode, the samples that are good.",
    ),
)
TRACE_SLIPS = [
    ({**TRUTH, name: said}, f"{name} is not {said!r}: {SIGNS[said]}. Look at its row again.")
    for name, fault in TRUTH.items()
    for said in FAULTS
    if said != fault
]

EXERCISES = {
    "02.1": Exercise(_critic_step, critic_step, tuple(Slip(*slip) for slip in STEP_SLIPS)),
    "02.2": Exercise(_faults, TRUTH, tuple(Slip(*slip) for slip in TRACE_SLIPS)),
    "02.3": Exercise(_modes_reached, modes_reached, tuple(Slip(*slip) for slip in MODE_SLIPS)),
}
