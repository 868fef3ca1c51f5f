"""The exercises of lesson 04b: the recipe as a search, a seventh objective."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import losses, models, toys, train
from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit, parts
from ganlab.losses import Objective
from ganlab.runtime import seeded, seeded_generator

Part = Callable[[Tensor], Tensor]


def best_critic(p: Tensor, q: Tensor, a: Part, b: Part) -> tuple[Tensor, Tensor]:
    """Return the best logit at each of K places, (K,), and the loss L* of the best critic, by search on a grid."""
    c = _grid()
    table = torch.outer(p, a(c)) + torch.outer(q, b(c))  # (K, 3201)
    return c[table.argmin(1)], table.min(1).values.sum()


def _grid() -> Tensor:
    return torch.linspace(-8, 8, 3201, dtype=torch.float64)


def _best_critic(function: Callable) -> dict[str, Any]:
    objectives = {
        "minimax": (lambda c: F.softplus(-c), F.softplus),
        "least squares": (lambda c: (c - 1) ** 2 / 2, lambda c: c**2 / 2),
    }
    p, q = torch.rand(2, 5, generator=seeded_generator("04b.1"), dtype=torch.float64).add(0.1)
    numbers = {}
    for name, (a, b) in objectives.items():
        result = function(p / p.sum(), q / q.sum(), a, b)
        logits, loss = parts(result, "the best logits (K,)", "the loss, one number")
        numbers[f"best logits, {name}"], numbers[f"loss of the best critic, {name}"] = logits, loss
    return numbers


def _search(
    choose: Callable[[Tensor], Any] = lambda table: (table.argmin(1), table.min(1).values.sum()),
    weights: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda p, q: (p, q),
) -> Callable:
    """Return a best_critic that chooses from the table of losses (K, 3201), or weighs the parts, in another way."""

    def answer(p: Tensor, q: Tensor, a: Part, b: Part) -> tuple[Tensor, Tensor]:
        c, (for_real, for_fake) = _grid(), weights(p, q)
        at, loss = choose(torch.outer(for_real, a(c)) + torch.outer(for_fake, b(c)))
        return c[at], loss

    return answer


SEARCH_SLIPS: dict[str, Callable] = {
    "Your logits are the same at all places: the critic may choose at each place anew, and p weighs a(c) where q "
    "weighs b(c). Take the minimum along c.": (
        _search(lambda table: (table.sum(0).argmin().repeat(len(table)), table.sum(0).min()))
    ),
    "You exchanged p and q: a(c) is for real samples, so p weighs it.": _search(weights=lambda p, q: (q, p)),
    "You took the largest loss: the critic wants the smallest.": (
        _search(lambda table: (table.argmax(1), table.max(1).values.sum()))
    ),
    "You took the mean over the places: p and q are the weights already, so add up.": (
        _search(lambda table: (table.argmin(1), table.min(1).values.mean()))
    ),
    "You left out p and q: a place counts as often as samples fall there.": (
        _search(weights=lambda p, q: (torch.ones_like(p), torch.ones_like(q)))
    ),
    "You returned the loss of each place: add them up, L* is one number.": (
        _search(lambda table: (table.argmin(1), table.min(1).values))
    ),
    "You returned the places on the grid, 0 to 3200: the logits are c at these places.": (
        lambda p, q, a, b: (((best_critic(p, q, a, b)[0] + 8) * 200).round(), best_critic(p, q, a, b)[1])
    ),
    "You chose each logit well, but the loss is that of a critic of logit 0 everywhere: take the minimum.": (
        _search(lambda table: (table.argmin(1), table[:, 1600].sum()))
    ),
    "You took the smallest a(c) and the smallest b(c) apart. A place has one c for both: minimise the sum.": (
        lambda p, q, a, b: (
            _grid()[torch.outer(p, a(_grid())).argmin(1)],
            p.sum() * a(_grid()).min() + b(_grid()).min(),
        )
    ),
    "You subtracted the fake's part. Both parts are losses: add q b(c).": _search(weights=lambda p, q: (p, -q)),
    "You inserted log(p/q), which is best for minimax only. Search, for any a and b.": (
        lambda p, q, a, b: ((p / q).log(), (p * a((p / q).log()) + q * b((p / q).log())).sum())
    ),
    "You inserted p/(p + q), which is best for least squares only. Search, for any a and b.": (
        lambda p, q, a, b: (p / (p + q), (p * a(p / (p + q)) + q * b(p / (p + q))).sum())
    ),
    "You returned the smallest losses, not the logits at which they are reached. `argmin` gives their places.": (
        lambda p, q, a, b: (
            _search(lambda table: (table.argmin(1), table.min(1).values))(p, q, a, b)[1],
            best_critic(p, q, a, b)[1],
        )
    ),
    "You took the minimum over the places, one for each logit. Take it over the logits, one for each place: dim=1.": (
        _search(lambda table: (table.min(0).indices, table.min(0).values.sum()))
    ),
    "Your logits are right, but you took the mean loss over all logits of the grid: take the smallest at each place.": (
        _search(lambda table: (table.argmin(1), table.mean(1).sum()))
    ),
    "You returned the two in the wrong order: the logits come first.": (
        lambda p, q, a, b: best_critic(p, q, a, b)[::-1]
    ),
}


def hellinger() -> Objective:
    """Return the objective of the squared Hellinger distance, with a generator that does not saturate."""
    return Objective(lambda real, fake: torch.exp(-real / 2) + torch.exp(fake / 2), lambda fake: torch.exp(-fake / 2))


def _hellinger(function: Callable) -> dict[str, Any]:
    objective = function()
    if not isinstance(objective, Objective):
        raise Unfit(f"return losses.Objective(critic, generator), not {type(objective).__name__}")
    real, fake = torch.tensor([[-3.0, 0.4, 2.0, 9.0], [1.1, -0.7, 5.0, -6.0]], dtype=torch.float64)
    given = (fake, real) if objective.paired else (fake,)
    if not objective.paired and len(inspect.signature(objective.generator).parameters) != 1:
        raise Unfit("your generator's loss takes more than the fake logits. Here it is a function of them alone.")
    numbers = {"critic's loss, per pair": objective.critic(real, fake)}
    numbers["generator's loss, per sample"] = objective.generator(*given)
    with seeded(44):
        networks = models.MLPGenerator(2, (2,), (5,)), models.MLPCritic((2,), (5,))
    settings = train.GANSettings(3, objective, 0.01, precision="float32", threads=1)
    train.fit_gan(*networks, toys.ring().batches(16, 4), settings=settings, device="cpu", progress=False)
    for name, network in zip(("generator", "critic"), networks, strict=True):
        numbers[f"{name} after three steps of a game with it"] = nn.utils.parameters_to_vector(network.parameters())
    return numbers


def _other(changes: dict[str, Callable]) -> Objective:
    return Objective(**{"critic": hellinger().critic, "generator": hellinger().generator, **changes})


HELLINGER_SLIPS: dict[str, dict[str, Callable]] = {
    "You left out the halves in the exponents: then c* is half of log p/q.": {
        "critic": lambda real, fake: torch.exp(-real) + torch.exp(fake),
        "generator": lambda fake: torch.exp(-fake),
    },
    "You exchanged the critic's signs: a large logit for a real sample must be cheap.": {
        "critic": lambda real, fake: torch.exp(real / 2) + torch.exp(-fake / 2)
    },
    "You let the generator pay what the critic pays for a fake: then it works for the critic. Take what the critic "
    "pays for a real sample, e^(-c/2).": {"generator": lambda fake: torch.exp(fake / 2)},
    "You took minus the critic's share: that is the minimax way, flat for bad fakes. Take e^(-c/2).": {
        "generator": lambda fake: -torch.exp(fake / 2)
    },
    "You turned the generator's sign: it minimises its loss, and e^(-c/2) falls as the logit grows.": {
        "generator": lambda fake: -torch.exp(-fake / 2)
    },
    "You left out the half in the generator's exponent: e^(-c/2).": {"generator": lambda fake: torch.exp(-fake)},
    "You exchanged the signs in all exponents: a(c) = e^(-c/2) for real samples, b(c) = e^(c/2) for fakes.": {
        "critic": lambda real, fake: torch.exp(real / 2) + torch.exp(-fake / 2),
        "generator": lambda fake: torch.exp(fake / 2),
    },
    "You subtracted the fake's part: both parts are losses. Add them.": {
        "critic": lambda real, fake: torch.exp(-real / 2) - torch.exp(fake / 2)
    },
    "You multiplied the critic's terms: that is one exponential of a difference. Add them.": {
        "critic": lambda real, fake: torch.exp((fake - real) / 2)
    },
    "You halved the critic's loss: L* would be 1 - H^2.": {
        "critic": lambda real, fake: 0.5 * (torch.exp(-real / 2) + torch.exp(fake / 2))
    },
    "You took a mean over the batch: the losses are per sample, the step takes the mean.": {
        "critic": lambda real, fake: hellinger().critic(real, fake).mean(),
        "generator": lambda fake: hellinger().generator(fake).mean(),
    },
    "You turned the critic's sign: it minimises this loss, and a wrong logit must cost more.": {
        "critic": lambda real, fake: -torch.exp(-real / 2) - torch.exp(fake / 2)
    },
    "You left the fake term out of the critic's loss.": {"critic": lambda real, fake: torch.exp(-real / 2)},
    "Your critic is minimax's, with softplus: here it has exponentials.": {"critic": losses.cross_entropy_critic},
}


EXERCISES = {
    "04b.1": Exercise(_best_critic, best_critic, tuple(Slip(answer, hint) for hint, answer in SEARCH_SLIPS.items())),
    "04b.2": Exercise(
        _hellinger,
        hellinger,
        tuple(Slip(functools.partial(_other, changes), hint) for hint, changes in HELLINGER_SLIPS.items()),
    ),
}
