"""The exercises of lesson 11: what a patch critic sees, what a perfect L1 model paints, the generator's loss."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator

Layers = Sequence[tuple[int, int]]


def receptive_field(layers: Layers) -> int:
    """Return the side, in pixels, that one output depends on; layers are (kernel, stride), the first reads pixels."""
    side = 1
    for kernel, stride in reversed(layers):
        side = (side - 1) * stride + kernel
    return side


STACKS: dict[str, Layers] = {
    "one layer of kernel 5, stride 3": [(5, 3)],
    "two layers of kernel 3, stride 1": [(3, 1), (3, 1)],
    "kernel 4, stride 2, then kernel 3, stride 1": [(4, 2), (3, 1)],
    "kernel 3, stride 1, then kernel 4, stride 2": [(3, 1), (4, 2)],
    "five layers": [(5, 3), (3, 2), (4, 2), (7, 1), (2, 1)],
    "no layer": [],
}


def _receptive_field(function: Callable) -> dict[str, Any]:
    return {f"side for {name}": function(list(layers)) for name, layers in STACKS.items()}


def _spans(layers: Layers, weight: Callable[[int], float]) -> float:
    """Return 1 plus the sum of (kernel - 1), each times a weight that depends on the layer's place."""
    return 1 + sum((kernel - 1) * weight(k) for k, (kernel, _) in enumerate(layers))


def _by_steps(layers: Layers, step: Callable[[int, int, int], int], start: int = 1) -> int:
    """Return what `step(side, kernel, stride)` makes of `start`, from the last layer to the first."""
    for kernel, stride in reversed(layers):
        start = step(start, kernel, stride)
    return start


def _strides(layers: Layers) -> int:
    return math.prod(stride for _, stride in layers)


FIELD_SLIPS: dict[str, Callable[[Layers], float]] = {
    "You let the strides of later layers spread a kernel, as happens when one goes from the first layer to the last. "
    "Begin at the logit, which is one number, and take the *last* layer first.": lambda layers: receptive_field(
        layers[::-1]
    ),
    "You multiplied the whole side by the stride. Between r outputs there are r - 1 steps: (r-1) * stride + kernel.": (
        lambda layers: _by_steps(layers, lambda r, k, s: r * s + k)
    ),
    "You wrote r * stride + kernel - 1. Between r outputs there are r - 1 steps, and the kernel's whole width comes on "
    "top.": (lambda layers: _by_steps(layers, lambda r, k, s: r * s + k - 1)),
    "You left the strides out. A stride spreads everything that the layers after it see.": lambda layers: _spans(
        layers, lambda k: 1
    ),
    "You multiplied the strides. That is how many pixels lie between two neighbouring logits, not how many one sees.": (
        _strides
    ),
    "You added up the kernels. Neighbouring kernels overlap, and strides spread them.": lambda layers: sum(
        kernel for kernel, _ in layers
    ),
    "You multiplied the kernels. Neighbouring kernels overlap: go back layer by layer.": lambda layers: math.prod(
        kernel for kernel, _ in layers
    ),
    "You spread each kernel by its own layer's stride, too. Only the strides of the layers *before* it count.": (
        lambda layers: _spans(layers, lambda k: _strides(layers[: k + 1]))
    ),
    "You exchanged kernel and stride. A layer is the pair (kernel, stride), in this order.": lambda layers: _by_steps(
        layers, lambda r, k, s: (r - 1) * k + s
    ),
    "You added (kernel - 1) * stride at each layer. A stride spreads what the *later* layers see: r becomes (r - 1) * "
    "stride + kernel.": lambda layers: _by_steps(layers, lambda r, k, s: r + (k - 1) * s),
    "You subtracted 1 twice. Between r outputs there are r - 1 steps, and the kernel's whole width comes on top: "
    "(r - 1) * stride + kernel.": lambda layers: _by_steps(layers, lambda r, k, s: (r - 1) * s + k - 1),
    "You began with 0. One logit is one number: begin with 1.": lambda layers: _by_steps(
        layers, lambda r, k, s: (r - 1) * s + k, 0
    ),
    "You began with 4, the kernel of our critic's last layer, and left the last layer out. Begin with 1 and take every "
    "layer: another network ends in another kernel, or has no layer.": lambda layers: _by_steps(
        layers[:-1], lambda r, k, s: (r - 1) * s + k, 4
    ),
    "You returned the number of pixels in the square. Its side is asked for.": lambda layers: (
        receptive_field(layers) ** 2
    ),
    "You forgot the kernel: (r - 1) * stride is how far apart the outermost kernels begin.": lambda layers: _by_steps(
        layers, lambda r, k, s: (r - 1) * s + 1
    ),
}


def perfect_l1(colours: Tensor, p: Tensor) -> Tensor:
    """Return for each channel the smallest value of least expected absolute error, (C,): the lower median."""
    return torch.stack([_quantile(channel, p) for channel in colours.T])


def _quantile(values: Tensor, p: Tensor, level: float = 0.5, least: bool = True) -> Tensor:
    """Return the smallest value (n,) up to which the probabilities p reach the level; without `least`, exceed it."""
    order = values.argsort()
    reached = p[order].cumsum(0)
    enough = reached >= level - 1e-9 if least else reached > level + 1e-9
    return values[order][int(enough.double().argmax())]


def _cases() -> list[tuple[str, Tensor, Tensor]]:
    rng = seeded_generator("11.2")
    # the most likely colour lies at an end of each channel, and no colour has the median in all of them
    five = torch.tensor([[0.2, 0.5, 0.4], [0.4, 0.3, 0.7], [0.5, 0.6, 0.3], [0.3, 0.2, 0.8], [0.9, 0.1, 0.95]])
    five = five.double()
    p = torch.tensor([0.16, 0.10, 0.31, 0.07, 0.36], dtype=torch.float64)
    pair = torch.tensor([[0.9, 0.2, 0.5], [0.1, 0.6, 0.4]], dtype=torch.float64)
    heavy = torch.rand(4, 3, generator=rng, dtype=torch.float64)
    return [
        ("five colours", five, p),
        ("two equally likely colours", pair, torch.full((2,), 0.5, dtype=torch.float64)),
        ("four colours, one of probability 0.7", heavy, torch.tensor([0.1, 0.1, 0.7, 0.1], dtype=torch.float64)),
    ]


def _perfect_l1(function: Callable) -> dict[str, Any]:
    return {f"the colour painted for {name}": function(colours, p) for name, colours, p in _cases()}


def _of_channels(rule: Callable[[Tensor, Tensor], Tensor], colours: Tensor, p: Tensor) -> Tensor:
    return torch.stack([rule(channel, p) for channel in colours.T])


def _one_of_them(colours: Tensor, p: Tensor) -> Tensor:
    cost = (torch.cdist(colours, colours, p=1) * p).sum(1)
    return colours[int(cost.argmin())]


def _unsorted(values: Tensor, p: Tensor) -> Tensor:
    return values.sort().values[int((p.cumsum(0) >= 0.5 - 1e-9).double().argmax())]


def _middle(values: Tensor, p: Tensor) -> Tensor:
    return (_quantile(values, p) + _quantile(values, p, least=False)) / 2


COLOUR_SLIPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "You took the mean, weighted by p. That has the least squared error; L1 wants a median.": lambda colours, p: (
        p @ colours
    ),
    "You took a mean over all colours alike. L1 wants a median, and p says how much each colour counts.": (
        lambda colours, p: colours.mean(0)
    ),
    "You took a median in which every colour counts alike. Count each with its probability p.": lambda colours, p: (
        colours.median(0).values
    ),
    "You took the most likely colour. Half of the probability must lie on either side of a median, and the most likely "
    "colour can lie at an end.": lambda colours, p: colours[int(p.argmax())],
    "You chose one of the given colours, the cheapest, for all channels together. The loss is a sum over channels, so "
    "each channel has a median of its own.": _one_of_them,
    "You sorted the values, but not their probabilities. `order = values.argsort()` sorts both: values[order], "
    "p[order].": functools.partial(_of_channels, _unsorted),
    "Where a whole interval has the least error, you took its largest value. The smallest is asked for: the first at "
    "which the sum of p reaches 0.5.": functools.partial(_of_channels, functools.partial(_quantile, least=False)),
    "Where a whole interval has the least error, you took its middle. The smallest value is asked for.": (
        functools.partial(_of_channels, _middle)
    ),
    "You took the smallest value of each channel. The sum of p, from the smallest value up, must reach 0.5.": (
        lambda colours, p: colours.min(0).values
    ),
    "You took the middle between the smallest and the largest value. That minimises the largest error, not the mean "
    "one.": lambda colours, p: (colours.min(0).values + colours.max(0).values) / 2,
    "You multiplied the colours by p before you took a median. p says how much a value counts; it does not change the "
    "value.": lambda colours, p: (colours * p[:, None]).median(0).values,
    "You indexed the sorted values, (n, C), with one row for each channel. That takes whole rows, (C, C). Take one "
    "value of each channel: values.gather(0, rows[None])[0].": lambda colours, p: _whole_rows(colours, p),
    "You stopped one value too late: the first value at which the sum of p *reaches* 0.5, with its own p "
    "included.": functools.partial(_of_channels, lambda values, p: _shifted(values, p)),
    "You stopped one value too early. At that value the sum of p, its own p included, is still below 0.5.": (
        functools.partial(_of_channels, lambda values, p: _shifted(values, p, -1))
    ),
    "You found the right place among the sorted values, but took that place of the *unsorted* ones. Take "
    "values[order][k].": functools.partial(_of_channels, lambda values, p: values[_place(values, p)]),
    "You returned the place of each value. The value itself is asked for: values[order][k].": functools.partial(
        _of_channels, lambda values, p: _place(values, p)
    ),
    "You sorted the probabilities by their own size. Each must follow its value: p[order].": functools.partial(
        _of_channels, lambda values, p: values.sort().values[_reached(p.sort().values)]
    ),
}


def _whole_rows(colours: Tensor, p: Tensor) -> Tensor:
    """Return the whole sorted row, (C,), in which each channel's median stands: (C, C)."""
    ordered, rows = colours.sort(0)
    return ordered[(p[rows].cumsum(0) >= 0.5 - 1e-9).double().argmax(0)]


def _reached(p: Tensor) -> Tensor:
    """Return the first place at which the sum of probabilities p (n,) reaches one half."""
    return (p.cumsum(0) >= 0.5 - 1e-9).double().argmax()


def _place(values: Tensor, p: Tensor) -> Tensor:
    """Return the place of the median among the sorted values."""
    return _reached(p[values.argsort()])


def _shifted(values: Tensor, p: Tensor, by: int = 1) -> Tensor:
    """Return the value so many places after the median, or the last one on that side."""
    place = int(_place(values, p)) + by
    return values.sort().values[min(max(place, 0), len(values) - 1)]


Critic = Callable[[Tensor, Tensor], Tensor]


def generator_loss(
    critic: Critic,
    x_hat: Tensor,
    x: Tensor,
    s: Tensor,
    weight: float,
    error: Callable[[Tensor], Tensor] = lambda gap: gap.abs().mean(),
    push: Callable[[Tensor], Tensor] = lambda logits: F.softplus(-logits).mean(),
    judged: Callable[[Critic, Tensor, Tensor, Tensor], Tensor] = lambda critic, x_hat, x, s: critic(x_hat, s),
    join: Callable[[Tensor, Tensor, float], Tensor] = lambda error, push, weight: error + weight * push,
    wanted: Callable[[Tensor, Tensor], Tensor] = lambda x, s: x,
) -> Tensor:
    """Return (11.3): the mean absolute error plus `weight` times the mean of -log D; the rest are for slips."""
    return join(error(x_hat - wanted(x, s)), push(judged(critic, x_hat, x, s)), weight)


def _critic(x: Tensor, s: Tensor | None = None) -> Tensor:
    """Return logits (B, 2, 2) of pictures and outlines (B, 2, 4, 4), which tell who stands in which place."""
    if s is None:
        raise ValueError(
            "the critic got one thing, expected two. Hint: You gave the critic one thing. It gets the picture and the "
            "outline, critic(x_hat, s), and joins them itself."
        )
    if x.shape[1] != 2 or s.shape[1] != 2:
        raise ValueError(
            f"the critic got {x.shape[1]} and {s.shape[1]} channels, expected 2 and 2. Hint: You joined picture and "
            "outline before you called the critic. It gets both apart, critic(x_hat, s), and joins them itself."
        )
    mixed = 3 * x[:, 0] - 2 * x[:, 1] * s[:, 0] + s[:, 1] - 0.3  # (B, 4, 4)
    return F.avg_pool2d(mixed, 2)


def _generator_loss(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, weight in ((3, 0.2), (2, 1.7)):
        rng = seeded_generator("11.3", n)
        x_hat, x, s = (2 * torch.rand(n, 2, 4, 4, generator=rng, dtype=torch.float64) - 1 for _ in range(3))
        x_hat = x_hat.requires_grad_()
        loss = function(_critic, x_hat, x, s, weight)
        numbers[f"loss at weight {weight}"] = loss
        if isinstance(loss, Tensor) and loss.requires_grad and loss.numel() == 1:
            (slope,) = torch.autograd.grad(loss, x_hat, retain_graph=True)
        else:
            slope = torch.zeros_like(x_hat)
        numbers[f"its slope in the generator's picture at weight {weight}"] = slope
    return numbers


LOSS_SLIPS: dict[str, dict[str, Any]] = {
    "You left the L1 term out.": {"join": lambda error, push, weight: weight * push},
    "You left the critic out.": {"join": lambda error, push, weight: error},
    "You multiplied the L1 term by the weight. It belongs to the critic's term.": {
        "join": lambda error, push, weight: weight * error + push
    },
    "You left the weight out.": {"join": lambda error, push, weight: error + push},
    "You multiplied both terms by the weight. It belongs to the critic's term alone.": {
        "join": lambda error, push, weight: weight * (error + push)
    },
    "You showed the critic the real picture. The generator is judged by its own, x_hat.": {
        "judged": lambda critic, x_hat, x, s: critic(x, s)
    },
    "You gave the critic the outline in the picture's place. Its first argument is the picture: critic(x_hat, s).": {
        "judged": lambda critic, x_hat, x, s: critic(s, x_hat)
    },
    "You gave the critic the real picture in the outline's place. The pair is picture and outline: critic(x_hat, s).": {
        "judged": lambda critic, x_hat, x, s: critic(x_hat, x)
    },
    "You detached x_hat before the critic saw it. The value is right, but the critic's opinion has no gradient for the "
    "generator.": {"judged": lambda critic, x_hat, x, s: critic(x_hat.detach(), s)},
    "You took the critic's own loss for a generated picture, softplus(c). The generator wants the opposite: "
    "softplus(-c).": {"push": lambda logits: F.softplus(logits).mean()},
    "You took log(1 - D), the loss that saturates (lesson 01). The non-saturating one is -log D = softplus(-c).": {
        "push": lambda logits: -F.softplus(logits).mean()
    },
    "You took log D without its minus.": {"push": lambda logits: F.logsigmoid(logits).mean()},
    "You made a sigmoid of the logits before the softplus. softplus(-c) takes the logits: it is -log of their "
    "sigmoid.": {"push": lambda logits: F.softplus(-logits.sigmoid()).mean()},
    "You took -D itself. The loss is its logarithm, -log D = softplus(-c).": {
        "push": lambda logits: -logits.sigmoid().mean()
    },
    "You took a least-squares loss, (c - 1)^2. In (11.3) it is softplus(-c).": {
        "push": lambda logits: (logits - 1).square().mean()
    },
    "You took a hinge, max(0, 1 - c). In (11.3) it is softplus(-c).": {
        "push": lambda logits: F.relu(1 - logits).mean()
    },
    "You weighted L1 by 1 - lambda. In (11.3) its weight is 1.": {
        "join": lambda error, push, weight: (1 - weight) * error + weight * push
    },
    "You compared the generator's picture with the outline. L1 compares it with the real picture, x.": {
        "wanted": lambda x, s: s
    },
    "You took the logits themselves, -c. The loss is -log D = softplus(-c).": {"push": lambda logits: -logits.mean()},
    "You averaged the logits before the softplus. Take the loss of each patch, then the mean.": {
        "push": lambda logits: F.softplus(-logits.mean())
    },
    "You added up the patches. Take their mean.": {"push": lambda logits: F.softplus(-logits).sum()},
    "You squared the error. L1 is the mean absolute difference.": {"error": lambda gap: gap.square().mean()},
    "You added up both terms, over pixels and over patches. Both are means.": {
        "error": lambda gap: gap.abs().sum(),
        "push": lambda logits: F.softplus(-logits).sum(),
    },
    "You took the critic's loss: a term of the real pair and one of the generated pair. The generator has one term, "
    "softplus(-c) of its own picture.": {
        "judged": lambda critic, x_hat, x, s: torch.stack([-critic(x, s), critic(x_hat, s)]),
        "push": lambda logits: F.softplus(logits).sum(0).mean(),
    },
    "You returned a number that carries no gradient: a Python number, or a detached one. Leave out item(), float() "
    "and detach().": {"join": lambda error, push, weight: (error + weight * push).item()},
    "You added up the absolute differences. Take their mean.": {"error": lambda gap: gap.abs().sum()},
    "You took the absolute value of the mean difference. Take the mean of the absolute differences.": {
        "error": lambda gap: gap.mean().abs()
    },
    "You added up over the channels and pixels of each picture, and averaged over the pictures. Take the mean over "
    "everything.": {"error": lambda gap: gap.abs().flatten(1).sum(1).mean()},
}

EXERCISES = {
    "11.1": Exercise(
        _receptive_field, receptive_field, tuple(Slip(answer, hint) for hint, answer in FIELD_SLIPS.items())
    ),
    "11.2": Exercise(_perfect_l1, perfect_l1, tuple(Slip(answer, hint) for hint, answer in COLOUR_SLIPS.items())),
    "11.3": Exercise(
        _generator_loss,
        generator_loss,
        tuple(Slip(functools.partial(generator_loss, **change), hint) for hint, change in LOSS_SLIPS.items()),
    ),
}
