"""The exercises of lesson 14: what a layer of clips costs, whether a speed is constant, a critic blind to order."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab.check import Exercise, Slip
from ganlab.check.parts import Unfit, parts
from ganlab.runtime import seeded_generator

Sizes = tuple[int, int, int]


def layer(frames: int, size: int, channels: tuple[int, int], kernel: int, stride: int, padding: int) -> Sizes:
    """Return frames, side and multiplications of a three-dimensional convolution, for one clip."""
    t, s = (_length(n, kernel, stride, padding) for n in (frames, size))
    return t, s, t * s * s * kernel**3 * channels[0] * channels[1]


def _length(n: int, kernel: int, stride: int, padding: int) -> int:
    return (n + 2 * padding - kernel) // stride + 1


LAYERS = {
    "the first layer": (16, 32, (1, 24), 4, 2, 1),
    "kernel 3, stride 1": (7, 9, (2, 5), 3, 1, 1),
    "kernel 5, stride 3": (20, 14, (3, 4), 5, 3, 0),
    "kernel 5, stride 2, no padding": (9, 14, (4, 2), 5, 2, 0),
}


def _layer(function: Callable) -> dict[str, Any]:
    numbers = {}
    for name, arguments in LAYERS.items():
        result = function(*arguments)
        three = parts(result, "the frames", "the side", "the multiplications")
        if any(isinstance(value, tuple | list) or isinstance(value, Tensor) and value.ndim for value in three):
            raise Unfit(
                "got a row of numbers where one is expected. Hint: `channels` is a pair. Multiply by both numbers."
            )
        for what, value in zip(("frames", "side", "multiplications"), three, strict=True):
            numbers[f"{what} of {name}"] = value
    return numbers


def _layer_with(length: Callable = _length, cost: Callable | None = None) -> Callable[..., Sizes]:
    """Return `layer` with another rule for a length, or for the cost by (t, s, frames, size, channels, kernel)."""

    def changed(
        frames: int, size: int, channels: tuple[int, int], kernel: int, stride: int, padding: int
    ) -> tuple[float, ...]:
        t, s = (length(n, kernel, stride, padding) for n in (frames, size))
        usual = t * s * s * kernel**3 * channels[0] * channels[1]
        return t, s, usual if cost is None else cost(t, s, frames, size, channels, kernel)

    return changed


LAYER_SLIPS: dict[str, Callable[..., Any]] = {
    "You forgot the 1: a kernel fits once more than it can move. Divide by the stride first, then add 1.": _layer_with(
        lambda n, k, s, p: (n + 2 * p - k) // s
    ),
    "You added the padding at one end only. There are two ends.": _layer_with(lambda n, k, s, p: (n + p - k) // s + 1),
    "You divided the length by the stride. The kernel and the padding count, too: (n + 2 p - k) // s + 1.": _layer_with(
        lambda n, k, s, p: n // s
    ),
    "You divided with /, which leaves a fraction where the kernel does not fit whole. Use //.": _layer_with(
        lambda n, k, s, p: (n + 2 * p - k) / s + 1
    ),
    "You left the frames as many as they were. Kernel, stride and padding act on the frames, too.": (
        lambda frames, size, channels, kernel, stride, padding: (
            frames,
            _length(size, kernel, stride, padding),
            frames * _length(size, kernel, stride, padding) ** 2 * kernel**3 * channels[0] * channels[1],
        )
    ),
    "You rounded up. A kernel that does not fit whole is left out: use //.": _layer_with(
        lambda n, k, s, p: -((n + 2 * p - k) // -s) + 1
    ),
    "You counted the kernel in two dimensions, k squared. It also reaches over k frames.": _layer_with(
        cost=lambda t, s, frames, size, c, k: t * s * s * k**2 * c[0] * c[1]
    ),
    "You left out the frames of the result: every frame that comes out costs as much.": _layer_with(
        cost=lambda t, s, frames, size, c, k: s * s * k**3 * c[0] * c[1]
    ),
    "You counted one side of the picture. A frame of the result has side times side places.": _layer_with(
        cost=lambda t, s, frames, size, c, k: t * s * k**3 * c[0] * c[1]
    ),
    "You counted the places of the input. Each place of the *result* costs one sum of products.": _layer_with(
        cost=lambda t, s, frames, size, c, k: frames * size * size * k**3 * c[0] * c[1]
    ),
    "You left out the channels that come in: every one of them is multiplied, too.": _layer_with(
        cost=lambda t, s, frames, size, c, k: t * s * s * k**3 * c[1]
    ),
    "You left out the channels that come out: each has a kernel of its own.": _layer_with(
        cost=lambda t, s, frames, size, c, k: t * s * s * k**3 * c[0]
    ),
    "You counted the weights of the layer. They are used once for each place of the result.": _layer_with(
        cost=lambda t, s, frames, size, c, k: k**3 * c[0] * c[1]
    ),
    "You counted the places of the result alone. Each costs a sum over the kernel and over the channels that come "
    "in.": _layer_with(cost=lambda t, s, frames, size, c, k: t * s * s),
    "You counted the bias. It is added, not multiplied.": _layer_with(
        cost=lambda t, s, frames, size, c, k: t * s * s * c[1] * (c[0] * k**3 + 1)
    ),
    "You added the channels that come in and those that go out. Every pair of them has a kernel: multiply them.": (
        _layer_with(cost=lambda t, s, frames, size, c, k: t * s * s * k**3 * (c[0] + c[1]))
    ),
    "You returned the places of a frame. The side is asked for: do not square it.": (
        lambda frames, size, channels, kernel, stride, padding: (
            _length(frames, kernel, stride, padding),
            _length(size, kernel, stride, padding) ** 2,
            layer(frames, size, channels, kernel, stride, padding)[2],
        )
    ),
    "You exchanged the frames and the side. The frames come first.": (
        lambda frames, size, channels, kernel, stride, padding: (
            _length(size, kernel, stride, padding),
            _length(frames, kernel, stride, padding),
            layer(frames, size, channels, kernel, stride, padding)[2],
        )
    ),
}


def speed_change(path: Tensor) -> Tensor:
    """Return the median length of the change between two steps, in pixels, (N,), for paths (N, T, 2)."""
    return path.diff(dim=1).diff(dim=1).norm(dim=2).median(dim=1).values


def _speed_change(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, frames in ((4, 9), (3, 14)):
        rng = seeded_generator("14.2", n)
        steps = 1 + torch.rand(n, frames - 1, 2, generator=rng, dtype=torch.float64)
        steps[:, 2] *= -3.0  # a bounce
        path = 5 + torch.cat([torch.zeros(n, 1, 2, dtype=torch.float64), steps.cumsum(1)], dim=1)
        result = function(path)
        if isinstance(result, tuple) and hasattr(result, "values"):
            raise Unfit(
                "got two things, expected a tensor. Hint: `median(dim=1)` gives values and indices. Return its .values."
            )
        numbers[f"changes of {n} paths of {frames} frames"] = result
    return numbers


def _changes(path: Tensor) -> Tensor:
    return path.diff(dim=1).diff(dim=1)


CHANGE_SLIPS: dict[str, Callable[[Tensor], Tensor]] = {
    "You measured the steps. Ask how much one step differs from the next: take the difference once more.": (
        lambda path: path.diff(dim=1).norm(dim=2).median(dim=1).values
    ),
    "You compared the lengths of the steps. Then a turn of any angle counts for nothing. Subtract the steps first, "
    "and take the length afterwards.": lambda path: path.diff(dim=1).norm(dim=2).diff(dim=1).abs().median(dim=1).values,
    "You subtracted the lengths of the steps. That says how much faster it gets, and nothing of its direction. "
    "Subtract the steps first, and take the length afterwards.": (
        lambda path: path.diff(dim=1).norm(dim=2).diff(dim=1).median(dim=1).values
    ),
    "You took the mean, so that a single bounce counts. Take the median over the frames.": (
        lambda path: _changes(path).norm(dim=2).mean(dim=1)
    ),
    "You took the largest change, which is that of a bounce. Take the median over the frames.": (
        lambda path: _changes(path).norm(dim=2).max(dim=1).values
    ),
    "You subtracted frames that lie two apart. Steps are between neighbours.": (
        lambda path: (path[:, 2:] - path[:, :-2]).norm(dim=2).median(dim=1).values
    ),
    "You squared the lengths. The answer is in pixels.": lambda path: (
        _changes(path).square().sum(dim=2).median(dim=1).values
    ),
    "You averaged the squares of row and column before the root. Add them up.": lambda path: (
        _changes(path).square().mean(dim=2).sqrt().median(dim=1).values
    ),
    "You added up |row| and |column|. The length of a change is the root of the sum of squares.": (
        lambda path: _changes(path).abs().sum(dim=2).median(dim=1).values
    ),
    "You took the median over the clips. It goes over the frames of each clip.": (
        lambda path: _changes(path).norm(dim=2).median(dim=0).values
    ),
    "You took one median over all clips and frames. Each clip has its own: .median(dim=1).values.": (
        lambda path: _changes(path).norm(dim=2).median()
    ),
    "You took the lengths over the frames, dimension 1. A change has a row and a column, in dimension 2.": (
        lambda path: _changes(path).norm(dim=1).median(dim=1).values
    ),
    "You took the mean of the two middle changes. For an even number torch.median returns the smaller of the two.": (
        lambda path: _changes(path).norm(dim=2).quantile(0.5, dim=1)
    ),
    "You took the medians of row and column, and then the length. Take the length of every change first.": (
        lambda path: _changes(path).median(dim=1).values.norm(dim=1)
    ),
    "You took the medians of |row| and |column|, and then the length. Take the length of every change first.": (
        lambda path: _changes(path).abs().median(dim=1).values.norm(dim=1)
    ),
    "You subtracted one clip from the next. The frames are dimension 1: path[:, 1:] - path[:, :-1].": (
        lambda path: path.diff(dim=0).diff(dim=0).norm(dim=2).median(dim=1).values
    ),
    "You subtracted one clip from the next, and only once. The frames are dimension 1: path[:, 1:] - path[:, :-1].": (
        lambda path: path.diff(dim=0).norm(dim=2).median(dim=1).values
    ),
    "You took the medians of |row| and |column|. First take the length of every change: .norm(dim=2).": (
        lambda path: _changes(path).abs().median(dim=1).values
    ),
    "You returned where the median is. Take its .values.": (
        lambda path: _changes(path).norm(dim=2).median(dim=1).indices
    ),
    "You took the difference three times. Twice is enough: positions, steps, changes.": (
        lambda path: _changes(path).diff(dim=1).norm(dim=2).median(dim=1).values
    ),
    "You looked at one coordinate alone. A path has rows and columns.": (
        lambda path: _changes(path)[..., 0].abs().median(dim=1).values
    ),
}


def blind(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the mean logit over all orders of the frames, (B,), for clips x (B, T, ...)."""
    orders = list(itertools.permutations(range(x.shape[1])))
    return sum(critic(x[:, list(order)]) for order in orders) / len(orders)


def _stacked(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the logits of every order of the frames, (T!, B), for clips x (B, T, ...)."""
    return torch.stack([critic(x[:, list(order)]) for order in itertools.permutations(range(x.shape[1]))])


def _critic(x: Tensor) -> Tensor:
    """Return logits (B,) that depend on the order, and not on a straight line, for clips (B, T, D)."""
    weights = torch.linspace(-1, 2, x.shape[1], dtype=x.dtype)[:, None]
    return (weights * x).sum((1, 2)).sin() + (x[:, 0] * x[:, -1] ** 2).sum(1)


def _blind(function: Callable) -> dict[str, Any]:
    numbers = {}
    for n, frames in ((3, 3), (2, 4)):
        rng = seeded_generator("14.3", frames)
        x = torch.randn(n, frames, 2, generator=rng, dtype=torch.float64)
        try:
            result = function(_critic, x)
        except IndexError as error:
            if not re.search(r"index \d is out of bounds for dimension 0 with size [23]", str(error)):
                raise
            raise ValueError(
                f"got an index that is too large for {n} clips of {frames} frames. "
                f"Hint: You indexed the clips, dimension 0, or took more than {frames} frames. Take x[:, list(order)]."
            ) from error
        if isinstance(result, list | tuple) and any(isinstance(each, Tensor) and each.ndim for each in result):
            raise Unfit(
                "got a row of tensors, expected one. Hint: You returned a list of tensors. Take stack, then mean(0)."
            )
        if isinstance(result, Tensor) and not torch.equal(result, function(_critic, x)):
            raise Unfit(
                "got other logits at a second call, expected the same. "
                "Hint: You took random orders. Take every order once, T! of them, and the mean of their logits."
            )
        if isinstance(result, Tensor) and result.shape == (n,) and _of_one_order(result, x):
            raise Unfit(
                "got the logit of one order, expected the mean over all. "
                "Hint: You returned the logit of one order, perhaps the largest. Take every order, T! of them, and the "
                "*mean* of their logits."
            )
        numbers[f"logits of {n} clips of {frames} frames"] = result
    return numbers


def _of_one_order(logits: Tensor, x: Tensor) -> bool:
    """Return whether each of the logits (B,) is that of some order of its clip, and not all of the first."""
    same = (_stacked(_critic, x) - logits).abs() < 1e-5  # (T!, B); the order as given is the first
    return bool(same.any(0).all() and not same[0].all())


def _over(orders: Callable[[int], list]) -> Callable[[Callable, Tensor], Tensor]:
    """Return the mean logit over some orders of T frames."""

    def some(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        chosen = orders(x.shape[1])
        return sum(critic(x[:, list(order)]) for order in chosen) / len(chosen)

    return some


def _turned(frames: int) -> list[list[int]]:
    """Return the orders that begin elsewhere and go round."""
    return [[(t + start) % frames for t in range(frames)] for start in range(frames)]


BLIND_SLIPS: dict[str, Callable[[Callable, Tensor], Tensor]] = {
    "You returned the critic's own logit, which depends on the order.": lambda critic, x: critic(x),
    "You took only the orders that begin elsewhere and go round. Take every order: T! of them.": _over(_turned),
    "You took the order and its reverse. A clip of T frames has T! orders.": _over(
        lambda n: [list(range(n)), list(range(n))[::-1]]
    ),
    "You averaged the frames, and gave the critic a clip that stands still. Average the logits.": (
        lambda critic, x: critic(x.mean(dim=1, keepdim=True).expand_as(x))
    ),
    "You gave the critic each frame alone, as a clip of its own. It is to see whole clips, in every order.": (
        lambda critic, x: sum(critic(x[:, t : t + 1].expand_as(x)) for t in range(x.shape[1])) / x.shape[1]
    ),
    "You gave the critic each frame alone, as a clip of one frame. It is to see whole clips, in every order.": (
        lambda critic, x: sum(critic(x[:, t : t + 1]) for t in range(x.shape[1])) / x.shape[1]
    ),
    "You returned the logits of every order. Take their mean over the orders.": lambda critic, x: _stacked(critic, x),
    "You took the mean over the clips. Take it over the orders, dimension 0 of the stacked logits.": (
        lambda critic, x: _stacked(critic, x).mean(1)
    ),
    "You added the logits up. Take their mean.": lambda critic, x: (
        blind(critic, x) * len(list(itertools.permutations(range(x.shape[1]))))
    ),
    "You divided by the number of frames. There are T! orders.": lambda critic, x: (
        blind(critic, x) * len(list(itertools.permutations(range(x.shape[1])))) / x.shape[1]
    ),
    "You divided by 24, the number of orders of four frames. T frames have T! orders.": lambda critic, x: (
        _stacked(critic, x).sum(0) / 24
    ),
    "You sorted the frames' numbers, each place by itself. That is blind to the order, but it is no clip that came. "
    "Take the mean of the logits over all orders.": lambda critic, x: critic(x.sort(dim=1).values),
    "You exchanged neighbours only. Take every order of the frames.": _over(
        lambda n: [list(range(n))] + [[*range(k), k + 1, k, *range(k + 2, n)] for k in range(n - 1)]
    ),
    "You averaged over the clips as well. The answer has a logit for each clip.": lambda critic, x: blind(
        critic, x
    ).mean(),
    "You put the clips of the batch into other orders. It is the frames, dimension 1.": lambda critic, x: (
        sum(critic(x[list(order)]) for order in itertools.permutations(range(len(x))))
        / len(list(itertools.permutations(range(len(x)))))
    ),
    "You left out the order in which the clip came. It is one of the T!.": _over(
        lambda n: list(itertools.permutations(range(n)))[1:]
    ),
    "You let a frame come twice, as `product` does. In `permutations` each frame comes once.": _over(
        lambda n: list(itertools.product(range(n), repeat=n))
    ),
}


def _slips(slips: dict[str, Callable]) -> tuple[Slip, ...]:
    return tuple(Slip(answer, hint) for hint, answer in slips.items())


EXERCISES = {
    "14.1": Exercise(_layer, layer, _slips(LAYER_SLIPS)),
    "14.2": Exercise(_speed_change, speed_change, _slips(CHANGE_SLIPS)),
    "14.3": Exercise(_blind, blind, _slips(BLIND_SLIPS)),
}
