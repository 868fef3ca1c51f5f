"""The exercises of lesson 15: faults of trainers found by tests, a move repaired, the floor of a critic's loss.

Whoever reads on finds the answers.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit
from ganlab.runtime import seeded_generator


class Ward:
    """Loops in beds, in an order that a seed makes, and the exercise to name the fault of each bed.

    signs: of each fault a sentence: what somebody who has it would see. beds: the letters. doubles: for a pair, a fault
    and what it is called instead, a hint of its own, where the sign of the second can be seen with the first as well.
    """

    def __init__(
        self, signs: Mapping[str, str], beds: str, doubles: Mapping[tuple[str, str], str] | None = None
    ) -> None:
        self.signs = dict(signs)
        self.doubles = dict(doubles or {})
        self.faults = tuple(signs)
        self.letters = beds
        self.admitted: dict[str, str] = {}
        self.day: dict[str, str] = {}
        self.night_shift()

    def night_shift(self, seed: int = 0) -> dict[str, str]:
        """Put the loops into the beds, in an order of this seed; return bed: loop. The check then knows."""
        order = np.random.default_rng([seed, 15]).permutation(self.faults).tolist()
        self.admitted = dict(zip(self.letters, order, strict=True))
        order = np.random.default_rng(seed).permutation(self.faults).tolist()
        self.day = dict(zip(self.letters, order, strict=True))  # the beds that the lesson made before
        return dict(self.admitted)

    def exercise(self) -> Exercise:
        """Return the exercise: an answer is a fault for each bed."""
        slips = [
            Slip(
                self._called(fault, said),
                self.doubles.get(
                    (fault, said),
                    f"You call a bed {said!r} that has another fault. With {said!r} {self.signs[said]}. "
                    "Order this test, bed by bed. Each name fits one bed.",
                ),
            )
            for fault in self.faults
            for said in self.faults
            if said != fault
        ]
        slips.append(
            Slip(
                lambda: self.day,
                "You named the beds of the day. In the night shift the loops lie in other beds: order the tests anew.",
            )
        )
        slips += [
            Slip(self._unnamed(count), "You left a bed without a name. Put a name in place of each ... that is left.")
            for count in range(1, len(self.faults))
        ]
        return Exercise(self._diagnoses, lambda: dict(self.admitted), tuple(slips))

    def _diagnoses(self, given: Mapping[str, str] | Callable[[], Mapping[str, str]]) -> dict[str, Any]:
        """Return how many loops are named right, in the order of the faults, and what the first other is called."""
        given = given() if callable(given) else given
        if not isinstance(given, Mapping):
            raise Unfit(f"diagnoses: got a {type(given).__name__}, expected a dict with a fault for each bed")
        if set(given) != set(self.admitted):
            raise Unfit(f"diagnoses: got beds {', '.join(map(str, given))}, expected {', '.join(self.admitted)}")
        unnamed = sum(said is ... for said in given.values())
        if unnamed == len(given):
            return {"diagnoses": ...}
        # What says nothing of single faults: the beds of the day, and beds that have no name yet.
        numbers: dict[str, Any] = {"beds without a name": unnamed, "beds copied from the day": 0}
        if unnamed:
            return numbers
        if given == self.day != self.admitted:
            return numbers | {"beds copied from the day": len(given)}
        bed_of = {fault: bed for bed, fault in self.admitted.items()}
        right = len(self.faults)
        called = -1
        for k, fault in enumerate(self.faults):
            said = given[bed_of[fault]]
            if said not in self.faults:
                expected = ", ".join(map(repr, self.faults))
                raise Unfit(f"diagnoses: {bed_of[fault]} is {said!r}, expected one of {expected}")
            if said != fault:
                right = k
                called = self.faults.index(said)
                break
        return numbers | {
            "faults named right, down the list of names, before the first wrong one": right,
            "it was called, as a number": called,
        }

    def _unnamed(self, count: int) -> Callable[[], dict[str, Any]]:
        """Return an answer that leaves that many beds as they stand in the stub."""
        return lambda: {bed: ... if k < count else name for k, (bed, name) in enumerate(self.admitted.items())}

    def _called(self, fault: str, said: str) -> Callable[[], dict[str, str]]:
        """Return an answer that calls one fault by another's name, in whatever bed it lies."""
        return lambda: {bed: said if name == fault else name for bed, name in self.admitted.items()}


# A fault, and what somebody who has it would see.
SIGNS = {
    "second sigmoid": "its known answer for the critic would be 1.006",
    "last ReLU": "its known answer for the critic would be 0.693",
    "fakes labelled real": "its known answer for the critic would be 50",
    "one goal": "its known answer for the generator would be 0",
    "noise as image": "its generator would stand still in the generator's own move",
    "detach missing, kept": "a gradient would be left in the generator, and its step would point elsewhere",
    "detach missing, cleared": "a gradient would be left in the generator, but its step would have the cosine 1",
}
# Behind a ReLU that gets nothing above 0 the generator has no slope: it stands still as with noise as image.
DOUBLES = {
    (
        "last ReLU",
        "noise as image",
    ): "You call a bed 'noise as image' that has another fault, although its generator may stand still in its own "
    "move: another fault can do that, too. Order the known answer first, bed by bed."
}
WARD = Ward(SIGNS, "ABCDEFG", DOUBLES)
FAULTS = WARD.faults
night_shift = WARD.night_shift

Move = Callable[[nn.Module, nn.Module, Tensor, Tensor, Optimizer], Tensor]


def repaired(generator: nn.Module, critic: nn.Module, real: Tensor, z: Tensor, optimizer: Optimizer) -> Tensor:
    """Move the critic once; return its loss before the move: real (B, 2), z (B, 2) -> one number."""
    return _move()(generator, critic, real, z, optimizer)


def _repaired(move: Move) -> dict[str, Any]:
    rng = seeded_generator("15.2")
    generator, critic = nn.Linear(2, 2).double(), nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)).double()
    with torch.no_grad():
        for p in [*generator.parameters(), *critic.parameters()]:
            p.copy_(torch.randn(p.shape, generator=rng, dtype=torch.float64))
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.5)
    real, z = torch.randn(2, 6, 2, generator=rng, dtype=torch.float64)
    real[0] = torch.tensor([40.0, -30.0])  # a logit beyond what a float32 sigmoid can tell from 0 or 1
    numbers: dict[str, Any] = {}
    for name in ("first", "second"):
        loss = move(generator, critic, real.clone(), z.clone(), optimizer)
        if loss is ...:
            return {"loss": ...}
        numbers[f"loss of the {name} move"] = loss
    numbers["the critic's weights after two moves"] = torch.cat([p.detach().flatten() for p in critic.parameters()])
    left = sum(int(p.grad.count_nonzero()) for p in generator.parameters() if p.grad is not None)
    return numbers | {"gradient numbers left in the generator": left}


def _move(
    *,
    detach: bool = True,
    loss_of: Callable[[Tensor, Tensor], Tensor] = lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    order: str = "zero backward step",
    after: bool = False,
) -> Move:
    """Return a critic's move: with or without detach, its loss of real and fake logits, the order of three calls."""

    def move(generator: nn.Module, critic: nn.Module, real: Tensor, z: Tensor, optimizer: Optimizer) -> Tensor:
        fake = generator(z).detach() if detach else generator(z)
        loss = loss_of(critic(real), critic(fake))
        calls = {"zero": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
        for call in order.split():
            calls[call]()
        return loss_of(critic(real), critic(fake)) if after else loss

    return move


def _both(of: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss in which `of` is taken of every logit first."""
    return lambda real, fake: F.softplus(-of(real)).mean() + F.softplus(of(fake)).mean()


MOVE_SLIPS = (
    (
        _move(detach=False, loss_of=_both(torch.sigmoid), order="backward zero step"),
        "You left all three faults in: the fakes are attached, the sigmoids are there, and the critic stands still, "
        "since its gradients are cleared before the step.",
    ),
    (
        _move(detach=False, order="backward zero step"),
        "You have the right loss. But your critic stands still, because step() is missing or finds no gradient, and a "
        "gradient is left in the generator.",
    ),
    (
        _move(loss_of=_both(torch.sigmoid), order="backward zero step"),
        "You kept the sigmoids, and your critic stands still, because step() is missing or finds no gradient.",
    ),
    (
        _move(detach=False, loss_of=_both(torch.sigmoid)),
        "You kept the sigmoids, and a gradient is left in the generator.",
    ),
    (
        _move(loss_of=lambda real, fake: F.softplus(-real).mean() + F.softplus(fake.detach()).mean()),
        "You detached the critic's logits of the fakes, so the critic learns nothing from fakes. Detach the fakes.",
    ),
    (
        _move(loss_of=lambda real, fake: fake.mean() - real.mean()),
        "You left out softplus. A critic pays softplus(-c) for a real sample, and softplus(c) for a fake.",
    ),
    (
        _move(loss_of=lambda real, fake: -F.softplus(-real).mean() - F.softplus(fake).mean()),
        "You have the wrong sign: a critic lowers softplus(-c) for real samples and softplus(c) for fakes. "
        "Your loss is minus that.",
    ),
    (
        _move(detach=False, order="backward step"),
        "You left the fakes attached, so a gradient is left in the generator, and you never cleared the critic's "
        "gradients: at the second move those of the first are added.",
    ),
    (
        _move(loss_of=_both(torch.sigmoid), order="backward step"),
        "You kept the sigmoids, and you never cleared the gradients: at the second move those of the first are added.",
    ),
    (
        _move(detach=False, loss_of=_both(torch.sigmoid), order="backward step"),
        "You left the fakes attached and kept the sigmoids, and you never cleared the gradients: at the second move "
        "those of the first are added.",
    ),
    (_move(detach=False), "You left the fakes attached: a gradient is left in the generator. Detach them."),
    (
        _move(loss_of=lambda real, fake: F.softplus(-real.sigmoid()).mean() + F.softplus(fake.sigmoid()).mean()),
        "You kept the sigmoids. softplus takes the logits themselves.",
    ),
    (
        _move(loss_of=lambda real, fake: F.softplus(-real).mean() + F.softplus(fake.sigmoid()).mean()),
        "You took the sigmoid of the fakes' logits. softplus takes the logits themselves.",
    ),
    (
        _move(loss_of=lambda real, fake: F.softplus(-real.sigmoid()).mean() + F.softplus(fake).mean()),
        "You took the sigmoid of the real samples' logits. softplus takes the logits themselves.",
    ),
    (
        _move(order="backward zero step"),
        "Your critic stands still: step() is missing, or it finds no gradient. Clear, then backward(), then step().",
    ),
    (
        _move(order="backward step"),
        "You never cleared the gradients: at the second move those of the first are added.",
    ),
    (
        _move(loss_of=lambda real, fake: F.softplus(-real).mean() + F.softplus(-fake).mean()),
        "You labelled the fakes real. A critic pays softplus(c) for a fake, and softplus(-c) for a real sample.",
    ),
    (
        _move(loss_of=lambda real, fake: F.softplus(real).mean() + F.softplus(-fake).mean()),
        "You exchanged real and fake. A critic pays softplus(-c) for a real sample, and softplus(c) for a fake.",
    ),
    (
        _move(loss_of=lambda real, fake: (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2),
        "You took the mean of the two halves. Their sum is asked for.",
    ),
    (
        _move(loss_of=lambda real, fake: F.softplus(-real).sum() + F.softplus(fake).sum()),
        "You summed over the batch. Take the mean over the real samples and the mean over the fakes.",
    ),
    (
        _move(after=True),
        "You returned the loss after the move. Return the one that you descended.",
    ),
)


def floor_of(low: float, high: float) -> float:
    """Return the smallest loss of a critic whose logits lie from low to high, either end possibly infinite."""
    return _softplus(-high) + _softplus(low)


def _softplus(c: float) -> float:
    return F.softplus(torch.tensor(c, dtype=torch.float64)).item()


def _sigmoid(c: float) -> float:
    return torch.tensor(c, dtype=torch.float64).sigmoid().item()


INFINITY = math.inf
INTERVALS = {
    "a sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "three times tanh, shifted": (-2.5, 3.5),
    "ReLU": (0.0, INFINITY),
    "ReLU6": (0.0, 6.0),
    "minus ReLU": (-INFINITY, 0.0),
    "no layer": (-INFINITY, INFINITY),
}


def _floor_of(function: Callable[[float, float], float]) -> dict[str, Any]:
    return {f"floor for {name}": function(*interval) for name, interval in INTERVALS.items()}


FLOOR_SLIPS: dict[str, Callable[[float, float], float]] = {
    "You exchanged the ends. The best critic gives a real sample the highest logit, and a fake the lowest.": (
        lambda low, high: _softplus(-low) + _softplus(high)
    ),
    "You left out the fakes' term.": lambda low, high: _softplus(-high),
    "You left out the real samples' term.": lambda low, high: _softplus(low),
    "You gave both the highest logit. A fake should get the lowest.": lambda low, high: (
        _softplus(-high) + _softplus(high)
    ),
    "You gave both the lowest logit. A real sample should get the highest.": lambda low, high: (
        _softplus(-low) + _softplus(low)
    ),
    "You took the mean of the two terms. The loss is their sum.": lambda low, high: (
        (_softplus(-high) + _softplus(low)) / 2
    ),
    "You forgot the minus in the real samples' term: it is softplus(-c).": lambda low, high: (
        _softplus(high) + _softplus(low)
    ),
    "You put a minus into the fakes' term: it is softplus(c).": lambda low, high: _softplus(-high) + _softplus(-low),
    "You returned log 4, the loss of a critic that cannot tell the two apart. The best critic is asked for.": (
        lambda low, high: math.log(4)
    ),
    "You returned the floor of the sigmoid for every interval.": lambda low, high: _softplus(-1.0) + _softplus(0.0),
}

FLOOR_SLIPS |= {
    "You put a minus before softplus in the real samples' term. It belongs inside: softplus(-c).": (
        lambda low, high: -_softplus(high) + _softplus(low)
    ),
    "You returned 0 wherever an end is infinite. Only the term of that end vanishes; where the other end is finite, "
    "its term stays.": lambda low, high: 0.0 if math.isinf(low) or math.isinf(high) else floor_of(low, high),
    "You took the sigmoid of the ends. They are logits already.": lambda low, high: (
        _softplus(-_sigmoid(high)) + _softplus(_sigmoid(low))
    ),
    "You took the larger of the two terms. The loss is their sum.": lambda low, high: max(
        _softplus(-high), _softplus(low)
    ),
    "You gave a fake the logit 0, whatever the interval. The lowest logit that a fake can get is low.": (
        lambda low, high: _softplus(-high) + _softplus(0.0)
    ),
    # the constants, as they are copied from the lesson
    "You returned 1.006, the floor of the sigmoid, for every interval.": lambda low, high: 1.006,
    "You returned 1.386, the loss of a critic that cannot tell the two apart. The best critic is asked for.": (
        lambda low, high: 1.386
    ),
    "You returned twice 0.6931, the loss of a critic that cannot tell the two apart. The best critic is asked for.": (
        lambda low, high: 2 * 0.6931
    ),
}

EXERCISES = {
    "15.1": WARD.exercise(),
    "15.2": Exercise(_repaired, repaired, tuple(Slip(*slip) for slip in MOVE_SLIPS)),
    "15.3": Exercise(_floor_of, floor_of, tuple(Slip(answer, hint) for hint, answer in FLOOR_SLIPS.items())),
}
