"""The exercises of lesson 15d: faults of batches found by tests, a small number in a logarithm, a step that is cured.

Whoever reads on finds the answers.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from ganlab.check import Exercise, Slip
from ganlab.check.lesson_15 import Ward
from ganlab.check.parts import parts
from ganlab.runtime import seeded, seeded_generator

# A fault, and what somebody who has it would see.
SIGNS = {
    "never batched": "its first batch would be one picture",
    "from 0 to 1": "the lowest value of its first batch would be 0",
    "statistics mixed": "the same fakes would get other logits in the other move",
    "seed reset": "its noise, drawn twice, would not differ",
    "log(D + eps)": "its known answer for the generator would be 18.42",
    "signs exchanged": "its loss on one batch would rise",
}
WARD = Ward(SIGNS, "ABCDEF")
FAULTS, night_shift = WARD.faults, WARD.night_shift


def left(c: Tensor, eps: float) -> Tensor:
    """Return the slope of -log(D + eps) over that of -log D, D = sigmoid(c): logits c (B,) -> (B,)."""
    D = c.sigmoid()
    return D / (D + eps)


def _left(function: Callable[[Tensor, float], Tensor]) -> dict[str, Any]:
    c = torch.tensor([-25.0, -18.0, -7.0, -1.0, 0.0, 2.0], dtype=torch.float64)
    numbers: dict[str, Any] = {}
    for eps in (0.5, 1e-2, 1e-8):
        answer = function(c.clone(), eps)
        if answer is ...:
            return {"what is left": ...}
        numbers[f"what is left with eps = {eps:g}"] = answer
    return numbers | {"what is left with eps = 0": function(c.clone(), 0.0)}


def _slope(c: Tensor, eps: float) -> Tensor:
    D = c.sigmoid()
    return D * (1 - D) / (D + eps)


LEFT_SLIPS = (
    (
        lambda c, eps: -_slope(c, eps),
        "You returned (15d.1) itself. Divide it by the slope without eps, which is -(1 - D).",
    ),
    (_slope, "You returned the size of (15d.1). Divide it by the slope without eps, which is 1 - D in size."),
    (
        lambda c, eps: -left(c, eps),
        "You returned minus what is left. Both slopes are negative, so their quotient is positive.",
    ),
    (
        lambda c, eps: 1 / left(c, eps),
        "You divided the other way round. The slope with eps stands above the line.",
    ),
    (
        lambda c, eps: 1 - left(c, eps),
        "You returned what is lost. What is left is 1 minus this.",
    ),
    (
        lambda c, eps: left(-c, eps),
        "You took 1 - D in place of D. D is the sigmoid of c.",
    ),
    (
        lambda c, eps: c / (c + eps),
        "You put the logits in place of D. D is the sigmoid of c.",
    ),
    (
        lambda c, eps: 1 / (c.sigmoid() + eps),
        "You returned the slope of the logarithm by D. From the slope of the sigmoid a factor D stays.",
    ),
    (
        lambda c, eps: (c.sigmoid() + eps).log() / c.sigmoid().log(),
        "You divided the losses. Divide their slopes, (15d.1).",
    ),
    (
        lambda c, eps: left(c, eps).mean(),
        "You averaged over the logits. Return one number for each.",
    ),
    (
        lambda c, eps: (1 - c.sigmoid()) / (c.sigmoid() + eps),
        "You cancelled D in place of 1 - D. The slope without eps is -(1 - D), so the factor D stays above the line.",
    ),
    (
        lambda c, eps: left(c, eps * (1 - c.sigmoid())),
        "You took e^c in place of D, or 1 + eps e^(-c) below the line. In D / (D + eps) = 1 / (1 + eps / D) there is "
        "1 / D = 1 + e^(-c).",
    ),
    (
        lambda c, eps: left(c, 1e-8),
        "You fixed eps at 1e-8. Take the eps that your function is given.",
    ),
    (
        lambda c, eps: c.softmax(0) / (c.softmax(0) + eps),
        "You took the softmax of all logits. Each logit has a D of its own, its sigmoid.",
    ),
)

Step = Callable[[nn.Module, nn.Module, Tensor, torch.Generator, Optimizer, Optimizer], Any]


def cured_step(
    generator: nn.Module,
    critic: nn.Module,
    real: Tensor,
    rng: torch.Generator,
    g_optimizer: Optimizer,
    d_optimizer: Optimizer,
) -> tuple[Tensor, Tensor]:
    """Move the critic once, then the generator, on 32 fakes; return both losses before their moves."""
    return _step()(generator, critic, real, rng, g_optimizer, d_optimizer)


def _one_after_the_other(critic: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return critic(real), critic(fake)


def _mixed(critic: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    c = critic(torch.cat([real, fake]))
    return c[: len(real)], c[len(real) :]


def _in_one_batch(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return _mixed(critic, real, fake)[1]


def _step(
    *,
    draw: Callable[[torch.Generator], Tensor] = lambda rng: torch.randn(32, 16, generator=rng),
    logits: Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]] = _one_after_the_other,
    fake_logits: Callable[[nn.Module, Tensor, Tensor], Tensor] = lambda critic, real, fake: critic(fake),
    d_sign: int = 1,
    g_sign: int = 1,
    of_fakes: Callable[[Tensor], Tensor] = lambda c: F.softplus(-c).mean(),
    generator_first: bool = False,
    new_fakes: bool = False,
) -> Step:
    """Return a step of both players: how the noise is drawn, how logits are computed, which way each goes, in order."""

    def step(
        generator: nn.Module,
        critic: nn.Module,
        real: Tensor,
        rng: torch.Generator,
        g_optimizer: Optimizer,
        d_optimizer: Optimizer,
    ) -> tuple[Tensor, Tensor]:
        fake = generator(draw(rng))

        def of_critic() -> Tensor:
            c_real, c_fake = logits(critic, real, fake.detach())
            return F.softplus(-c_real).mean() + F.softplus(c_fake).mean()

        def of_generator() -> Tensor:
            return of_fakes(fake_logits(critic, real, generator(draw(rng)) if new_fakes else fake))

        losses = {}
        moves = [("critic", of_critic, d_sign, d_optimizer), ("generator", of_generator, g_sign, g_optimizer)]
        for name, loss_of, sign, optimizer in reversed(moves) if generator_first else moves:
            losses[name] = loss_of()
            optimizer.zero_grad()
            (sign * losses[name]).backward()
            optimizer.step()
        return losses["critic"], losses["generator"]

    return step


DRAWN = "noise drawn from rng, 1 for yes"


def _stepped(step: Step) -> dict[str, Any]:
    with seeded(15):
        generator = nn.Linear(16, 3)
        critic = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    g_optimizer, d_optimizer = (torch.optim.SGD(each.parameters(), lr=0.5) for each in (generator, critic))
    rng, chance = seeded_generator("15d.3"), seeded_generator("15d.3", "real")
    untouched = rng.get_state()
    numbers: dict[str, Any] = {DRAWN: 1}
    for name in ("first", "second"):
        real = 1 + torch.randn(32, 3, generator=chance)
        answer = step(generator, critic, real, rng, g_optimizer, d_optimizer)
        if answer is ...:
            return {"losses": ...}
        of_critic, of_generator = parts(answer, "the critic's loss", "the generator's loss")
        if name == "first" and torch.equal(rng.get_state(), untouched):
            return {DRAWN: 0}  # and nothing else: noise from elsewhere may be other noise at the next call
        numbers |= {f"critic's loss of the {name} step": of_critic, f"generator's of the {name} step": of_generator}
    for name, network in (("critic", critic), ("generator", generator)):
        numbers[f"the {name}'s weights after two steps"] = torch.cat(
            [p.detach().flatten() for p in network.parameters()]
        )
    return numbers


def _reset(rng: torch.Generator) -> Tensor:
    return torch.randn(32, 16, generator=rng.manual_seed(0))


LEFT_IN = {
    "the seed is still set in every step, so the noise is always the same": {"draw": _reset},
    "the critic's move still has real pictures and fakes in one batch": {"logits": _mixed},
    "both players still ascend": {"d_sign": -1, "g_sign": -1},
}


def _left_in() -> list[tuple[Step, str]]:
    """Return each choice of the three faults as a step, with a hint that names them."""
    slips = []
    for bits in range(1, 8):
        chosen = [name for k, name in enumerate(LEFT_IN) if bits & 1 << k]
        settings: dict[str, Any] = {}
        for name in chosen:
            settings |= LEFT_IN[name]
        count = ("a fault", "two faults", "all three faults")[len(chosen) - 1]
        slips.append((_step(**settings), f"You left {count} in: {'; '.join(chosen)}."))
    return slips


STEP_SLIPS = (
    *_left_in(),
    (
        _step(draw=lambda rng: torch.randn(32, 16)),
        "You did not draw the noise from rng. Hand it on: torch.randn(32, 16, generator=rng).",
    ),
    (_step(d_sign=-1), "Your critic ascends its loss. Both players descend."),
    (_step(g_sign=-1), "Your generator ascends its loss. Both players descend."),
    (
        _step(logits=_mixed, fake_logits=_in_one_batch),
        "You put real pictures and fakes into one batch in both moves. That is no fault, but here pass them one after "
        "the other in both.",
    ),
    (
        _step(fake_logits=_in_one_batch),
        "You put real pictures beside the fakes in the generator's move only. Pass the fakes alone in both moves.",
    ),
    (
        _step(of_fakes=lambda c: -F.softplus(c).mean()),
        "You gave the generator minus the critic's term. Its loss is softplus(-c), as in the step that was given.",
    ),
    (
        _step(of_fakes=lambda c: F.softplus(c).mean()),
        "You gave the generator softplus(c). Its loss is softplus(-c): it wants high logits.",
    ),
    (
        _step(of_fakes=lambda c: F.softplus(c).mean(), g_sign=-1),
        "You gave the generator the critic's term, and let it ascend. Its loss is softplus(-c), and it descends.",
    ),
    (_step(generator_first=True), "You moved the generator first. Move the critic first."),
    (_step(new_fakes=True), "You drew new noise for the generator's move. Use the same fakes in both moves."),
    (
        lambda *given: _step()(*given)[::-1],
        "You returned the generator's loss first. The critic's comes first.",
    ),
)

EXERCISES = {
    "15d.1": WARD.exercise(),
    "15d.2": Exercise(_left, left, tuple(Slip(*slip) for slip in LEFT_SLIPS)),
    "15d.3": Exercise(_stepped, cured_step, tuple(Slip(*slip) for slip in STEP_SLIPS)),
}
