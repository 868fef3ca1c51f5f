"""The exercises of lesson 02b: faults of trainers read from their traces, and what some fakes cost the generator.

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
from ganlab.check.parts import Unfit

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
    before = copy.deepcopy(generator)
    lengths = []
    source = toys.ring().batches(128, seed)
    for step in range(steps):
        g_optimizer.zero_grad()
        if fault != "no zero_grad":
            d_optimizer.zero_grad()
        z, z_next = (models.latents(128, 2, runtime.seeded_generator(seed, move, step)) for move in (1, 2))
        fake = generator(z) if fault == "no detach" else generator(z).detach()
        critic_loss = F.softplus(-critic(source.at(step))).mean() + F.softplus(critic(fake)).mean()
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
        raise Unfit(f"faults: got trainers {', '.join(map(str, given))}, expected {', '.join(TRUTH)}")
    if any(said is ... for said in given.values()):
        return {"faults": ...}
    for k, (name, fault) in enumerate(TRUTH.items()):
        if given[name] not in FAULTS:
            raise Unfit(f"faults: {name} is {given[name]!r}, expected one of {', '.join(FAULTS)}")
        if given[name] != fault:
            return {"trainers read right, from A on": k, "called": FAULTS.index(given[name])}
    return {"trainers read right, from A on": len(TRUTH), "called": -1}


def part_of_loss(fake_logits: Tensor, chosen: Tensor) -> Tensor:
    """Return which part of (2.2), from 0 to 1, the chosen fakes cause: logits (n,) and a mask (n,) in, a number out."""
    return _parted()(fake_logits, chosen)


def _part_of_loss(function: Callable) -> dict[str, Any]:
    # Uneven numbers of chosen fakes, and large logits of either sign; the chosen are not the first.
    logits = torch.tensor([-3.0, 0.5, 2.0, -0.25, 50.0, -200.0, 1.5])
    numbers = {}
    for name, rows in {"two of seven": [1, 3], "four of seven": [0, 2, 5, 6], "one of seven": [4]}.items():
        chosen = torch.zeros(7, dtype=torch.bool)
        chosen[rows] = True
        numbers[f"the part of {name}"] = function(logits, chosen)
    everyone = torch.ones(7, dtype=torch.bool)
    return numbers | {"the part of all": function(logits, everyone)}


def _parted(
    loss_of: Callable[[Tensor], Tensor] = lambda logits: F.softplus(-logits),
    part: Callable[[Tensor, Tensor], Tensor] = lambda loss, chosen: loss[chosen].sum() / loss.sum(),
) -> Callable:
    """Return a part_of_loss with the given loss of each fake, and with the given part of it."""

    def function(fake_logits: Tensor, chosen: Tensor) -> Tensor:
        return part(loss_of(fake_logits), chosen)

    return function


TRACE_SLIPS = [
    ({**TRUTH, name: said}, f"{name} is not {said!r}: {SIGNS[said]}. Look at its row again.")
    for name, fault in TRUTH.items()
    for said in FAULTS
    if said != fault
]

PART_SLIPS = (
    (
        _parted(part=lambda loss, chosen: loss[chosen].mean() / loss.mean()),
        "You divided two means. That compares a chosen fake with an average one. For a part of the whole, divide sums.",
    ),
    (
        _parted(part=lambda loss, chosen: loss[chosen].mean() / loss.sum()),
        "You divided the mean over the chosen by the sum over all. Take the sum in both places.",
    ),
    (
        _parted(part=lambda loss, chosen: loss[chosen].sum() / loss[~chosen].sum()),
        "You divided by the loss of the other fakes. Divide by that of all, the chosen among them.",
    ),
    (
        _parted(part=lambda loss, chosen: loss[~chosen].sum() / loss.sum()),
        "You gave the part of the fakes that are not chosen.",
    ),
    (
        _parted(part=lambda loss, chosen: chosen.double().mean()),
        "You counted how many fakes are chosen. Add up what each of them costs: its term of (2.2).",
    ),
    (
        _parted(part=lambda loss, chosen: loss[chosen].sum()),
        "You gave the chosen fakes' loss. Divide it by the loss of all fakes.",
    ),
    (
        _parted(part=lambda loss, chosen: loss[chosen].mean()),
        "You gave the chosen fakes' mean loss. Divide their sum by the sum over all fakes.",
    ),
    (
        _parted(F.softplus),
        "You took softplus(logit), the fakes' term in the critic's loss (2.1). The generator's has softplus(-logit).",
    ),
    (
        _parted(lambda logits: logits),
        "You added up logits. The loss of a fake is softplus(-logit).",
    ),
    (
        _parted(lambda logits: (-logits).sigmoid()),
        "You added up 1 - D, the strength of the pull (2.4). The loss of a fake is -log D, which is softplus(-logit).",
    ),
    (
        _parted(lambda logits: F.binary_cross_entropy(logits.sigmoid(), torch.ones_like(logits), reduction="none")),
        "You took the sigmoid first and its log afterwards. For the logit -200 the loss stops at 100 instead of 200: "
        "start from the logits, with softplus(-logit).",
    ),
    (
        _parted(lambda logits: -(logits.sigmoid() + 1e-8).log()),
        "You added a small number inside the log. For the logit -200 the loss stops at 18 instead of 200: use "
        "softplus(-logit).",
    ),
    *(
        (
            _parted(lambda logits, most=most: F.softplus(-logits.clamp(-most, most))),
            "You clamped the logits. For the logit -200 the loss then stops: use softplus(-logit) as it is.",
        )
        for most in (10, 20, 30, 50, 80, 88)
    ),
    (
        lambda fake_logits, chosen: (lambda loss: loss[chosen].sum() / loss.sum())(
            F.binary_cross_entropy_with_logits(fake_logits, chosen.to(fake_logits), reduction="none")
        ),
        "You took the mask for the labels. In the generator's loss each fake is called real; the mask only picks.",
    ),
    (
        _parted(part=lambda loss, chosen: loss[chosen].sum() / len(loss)),
        "You divided by the number of fakes. Divide by the loss of all of them.",
    ),
    (
        lambda fake_logits, chosen: F.softplus(-fake_logits[chosen].sum()) / F.softplus(-fake_logits.sum()),
        "You added the logits up before the loss was taken. Each fake has a loss of its own: add up losses.",
    ),
    (
        _parted(part=lambda loss, chosen: 100 * loss[chosen].sum() / loss.sum()),
        "You gave a percentage. A number from 0 to 1 is wanted.",
    ),
)

EXERCISES = {
    "02b.1": Exercise(_faults, TRUTH, tuple(Slip(*slip) for slip in TRACE_SLIPS)),
    "02b.2": Exercise(_part_of_loss, part_of_loss, tuple(Slip(*slip) for slip in PART_SLIPS)),
}
