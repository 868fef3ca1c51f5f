"""The exercises of lesson 11b: the cycle loss, and the memory of past fakes."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator

Map = Callable[[Tensor], Tensor]


def cycle_loss(
    generator: Map,
    back: Map,
    s: Tensor,
    x: Tensor,
    there: Callable[[Map, Map, Tensor, Tensor], Tensor] = lambda generator, back, s, x: back(generator(s)) - s,
    here: Callable[[Map, Map, Tensor, Tensor], Tensor] = lambda generator, back, s, x: generator(back(x)) - x,
    error: Callable[[Tensor], Tensor] = lambda gap: gap.abs().mean(),
    add: Callable[[Tensor, Tensor], Tensor] = torch.add,
    factor: float = 1.0,
    more: Callable[[Map, Map, Tensor, Tensor], Tensor | float] = lambda generator, back, s, x: 0.0,
) -> Tensor:
    """Return (11b.1): the mean absolute error of both ways round, added. The rest are for slips."""
    cycle = add(error(there(generator, back, s, x)), error(here(generator, back, s, x)))
    return factor * cycle + more(generator, back, s, x)


def _generator(s: Tensor) -> Tensor:
    return 1.7 * s.flip(1) + 0.4 + 0.1 * s**2


def _back(x: Tensor) -> Tensor:
    return 0.8 * x - 0.3 * x.roll(1, 1)


def _cycle_loss(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n in (5, 8):
        rng = seeded_generator("11b.1", n)
        s = torch.randn(n, 3, generator=rng, dtype=torch.float64).requires_grad_()
        x = (1 + torch.randn(n, 3, generator=rng, dtype=torch.float64)).requires_grad_()
        loss = function(_generator, _back, s, x)
        if isinstance(loss, tuple | list):
            loss = torch.stack([torch.as_tensor(each) for each in loss])
        numbers[f"cycle loss of {n} samples"] = loss
        slopes = (torch.zeros_like(s), torch.zeros_like(x))
        if isinstance(loss, Tensor) and loss.requires_grad and loss.numel() == 1:
            slopes = torch.autograd.grad(loss, (s, x), retain_graph=True, materialize_grads=True)
        numbers[f"its slope in s, {n} samples"], numbers[f"its slope in x, {n} samples"] = slopes
    return numbers


def _nothing(generator: Map, back: Map, s: Tensor, x: Tensor) -> Tensor:
    return torch.zeros_like(s)


CYCLE_SLIPS: dict[str, dict[str, Any]] = {
    "You left out the way from x and back to x. The loss has both ways round.": {"here": _nothing},
    "You left out the way from s and back to s. The loss has both ways round.": {"there": _nothing},
    "You compared G(s) with x. That needs pairs; here s and x are of different things.": {
        "there": lambda generator, back, s, x: generator(s) - x,
        "here": lambda generator, back, s, x: back(x) - s,
    },
    "You compared the round trip of s with x, and that of x with s. Each comes back to where *it* began.": {
        "there": lambda generator, back, s, x: back(generator(s)) - x,
        "here": lambda generator, back, s, x: generator(back(x)) - s,
    },
    "You went the wrong way round: s goes through the generator first, x through `back` first.": {
        "there": lambda generator, back, s, x: generator(back(s)) - s,
        "here": lambda generator, back, s, x: back(generator(x)) - x,
    },
    "You wrote the identity loss, |G(x) - x| and |F(s) - s|. A cycle goes through both networks.": {
        "there": lambda generator, back, s, x: back(s) - s,
        "here": lambda generator, back, s, x: generator(x) - x,
    },
    "You added the identity loss, |G(x) - x| and |F(s) - s|. (11b.1) has the two round trips alone.": {
        "more": lambda generator, back, s, x: (generator(x) - x).abs().mean() + (back(s) - s).abs().mean()
    },
    "You subtracted one way from the other. The loss is their sum.": {
        "more": lambda generator, back, s, x: -2 * (generator(back(x)) - x).abs().mean()
    },
    "You took the root of the mean square. The cycle loss takes absolute values.": {
        "error": lambda gap: gap.square().mean().sqrt()
    },
    "You detached the result of the first network. Then the cycle teaches only the second one.": {
        "there": lambda generator, back, s, x: back(generator(s).detach()) - s,
        "here": lambda generator, back, s, x: generator(back(x).detach()) - x,
    },
    "You returned a number without a way back to the networks (.item(), float or detach). Return the loss itself.": {
        "error": lambda gap: gap.abs().mean().detach()
    },
    "You squared the errors. The cycle loss takes absolute values.": {"error": lambda gap: gap.square().mean()},
    "You added the errors up. Take the mean over samples and coordinates.": {"error": lambda gap: gap.abs().sum()},
    "You added up over the coordinates, and averaged over the samples. Take the mean over both.": {
        "error": lambda gap: gap.abs().sum(1).mean()
    },
    "You took the mean of the signed errors, where a plus and a minus cancel. Take absolute values first.": {
        "error": lambda gap: gap.mean().abs()
    },
    "You averaged the two ways. The loss is their sum.": {"factor": 0.5},
    "You returned the errors of the two ways apart. Return one number, their sum.": {
        "add": lambda one, other: torch.stack([one, other])
    },
    "You returned a number for each sample. Return one number: take the mean over the samples, too.": {
        "error": lambda gap: gap.abs().flatten(1).mean(1)
    },
    "You returned all absolute errors. Return one number: take their mean.": {"error": torch.abs},
    "You averaged the lengths (norms) of the samples' errors. Average the absolute values of their numbers.": {
        "error": lambda gap: gap.flatten(1).norm(dim=1).mean()
    },
    "You compared the round trip of s with F(x), and that of x with G(s). That needs pairs. Each comes back to where "
    "*it* began.": {
        "there": lambda generator, back, s, x: back(generator(s)) - back(x),
        "here": lambda generator, back, s, x: generator(back(x)) - generator(s),
    },
}


def exchange(memory: Tensor, fakes: Tensor, coins: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the critic is shown (B, ...) and the new memory (M, ...), as lesson 11b says."""
    where = coins.view(-1, *[1] * (fakes.ndim - 1))
    shown = torch.where(where, memory[places], fakes)
    kept = memory.clone()
    kept[places[coins]] = fakes[coins]
    return shown, kept


def _exchange(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, size, coins in ((4, 6, [1, 0, 1, 1]), (3, 5, [0, 0, 1])):
        rng = seeded_generator("11b.2", n)
        memory = torch.rand(size, 2, 3, generator=rng, dtype=torch.float64)
        fakes = 10 + torch.rand(n, 2, 3, generator=rng, dtype=torch.float64)
        places = size - 1 - torch.randperm(size - 1, generator=rng)[:n]
        try:
            result = function(memory, fakes, torch.tensor(coins, dtype=torch.bool), places)
        except IndexError as error:
            if f"The shape of the mask [{n}] at index 0" not in str(error):
                raise
            raise ValueError(
                "the coins, one for each new fake, do not fit the memory. "
                "Hint: You took `coins` as a mask of the memory. The places whose coin is True are places[coins]."
            ) from error
        shown, kept = parts(result, "what the critic is shown", "the new memory")
        numbers[f"shown, {n} fakes"], numbers[f"memory after {n} fakes"] = shown, kept
    return numbers


def _with(memory: Tensor, fakes: Tensor, rows: Tensor, places: Tensor) -> Tensor:
    """Return the memory with the fakes of these rows at their places."""
    kept = memory.clone()
    kept[places[rows]] = fakes[rows]
    return kept


def _to_the_front(rows: Tensor, coins: Tensor) -> Tensor:
    """Return rows (B, ...) such that those of the coins that are True are the first ones, in their order."""
    return rows[(coins.long().cumsum(0) - 1).clamp(min=0)]


def _all(coins: Tensor) -> Tensor:
    return torch.ones_like(coins)


MEMORY_SLIPS: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "You took the coins the other way round: heads (True) means that the critic gets the *past* fake.": (
        lambda memory, fakes, coins, places: exchange(memory, fakes, ~coins, places)
    ),
    "You did not put the new fakes into the memory. Where the coin is True, the new fake takes the past one's place.": (
        lambda memory, fakes, coins, places: (exchange(memory, fakes, coins, places)[0], memory.clone())
    ),
    "You took the first places of the memory, in their order. `places` says which: places[coins].": (
        lambda memory, fakes, coins, places: exchange(memory, fakes, coins, (coins.cumsum(0) - 1).clamp(min=0))
    ),
    "You put every new fake into the memory. Only where the coin is True a past fake has left its place.": (
        lambda memory, fakes, coins, places: (
            exchange(memory, fakes, coins, places)[0],
            _with(memory, fakes, _all(coins), places),
        )
    ),
    "You wrote into the memory before you read from it, so the critic only ever gets new fakes. Read first.": (
        lambda memory, fakes, coins, places: (fakes.clone(), exchange(memory, fakes, coins, places)[1])
    ),
    "You showed the critic past fakes alone. Where the coin is False it gets the new one.": (
        lambda memory, fakes, coins, places: (memory[places], exchange(memory, fakes, coins, places)[1])
    ),
    "You used the places 0, 1, 2, ... of the memory. Fake b belongs to place places[b].": (
        lambda memory, fakes, coins, places: exchange(memory, fakes, coins, torch.arange(len(fakes)))
    ),
    "You took the first of `places`. Those that belong to a coin of True are places[coins].": (
        lambda memory, fakes, coins, places: exchange(memory, fakes, coins, _to_the_front(places, coins))
    ),
    "You showed the past fakes at the first of `places`. The places of those whose coin is True are places[coins].": (
        lambda memory, fakes, coins, places: (
            exchange(memory, fakes, coins, _to_the_front(places, coins))[0],
            exchange(memory, fakes, coins, places)[1],
        )
    ),
    "You put the first new fakes into the memory. Those whose coin is True go there: fakes[coins].": (
        lambda memory, fakes, coins, places: (
            exchange(memory, fakes, coins, places)[0],
            exchange(memory, _to_the_front(fakes, coins), coins, places)[1],
        )
    ),
    "You showed the right ones, but put into the memory the fakes whose coin is False. Those whose coin is True go "
    "there.": lambda memory, fakes, coins, places: (
        exchange(memory, fakes, coins, places)[0],
        exchange(memory, fakes, ~coins, places)[1],
    ),
    "Your memory is right, but you showed the critic the past fake where the coin is False. There it gets the new "
    "one.": lambda memory, fakes, coins, places: (
        exchange(memory, fakes, ~coins, places)[0],
        exchange(memory, fakes, coins, places)[1],
    ),
    "You exchanged every fake, whatever its coin.": lambda memory, fakes, coins, places: exchange(
        memory, fakes, _all(coins), places
    ),
    "You exchanged none: the critic gets the past fake where the coin is True.": (
        lambda memory, fakes, coins, places: (fakes.clone(), memory.clone())
    ),
    "You returned the memory first. What the critic is shown comes first.": lambda memory, fakes, coins, places: (
        exchange(memory, fakes, coins, places)[::-1]
    ),
}

EXERCISES = {
    "11b.1": Exercise(
        _cycle_loss,
        cycle_loss,
        tuple(Slip(functools.partial(cycle_loss, **change), hint) for hint, change in CYCLE_SLIPS.items()),
    ),
    "11b.2": Exercise(_exchange, exchange, tuple(Slip(answer, hint) for hint, answer in MEMORY_SLIPS.items())),
}
