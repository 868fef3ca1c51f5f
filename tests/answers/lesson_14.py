"""Answers to the exercises of lesson 14 as different people would write them, right and wrong; see test_check.py."""

import itertools
import math

import torch
from torch import nn


def layer_by_torch(frames, size, channels, kernel, stride, padding):
    made = nn.Conv3d(*channels, kernel, stride, padding, bias=False)
    result = made(torch.zeros(1, channels[0], frames, size, size))
    _, out, t, s, _ = result.shape
    return t, s, result.numel() // out * made.weight.numel()


def layer_by_floor(frames, size, channels, kernel, stride, padding):
    def length(n):
        return 1 + math.floor((n - kernel + 2 * padding) / stride)

    places = length(frames) * length(size) ** 2
    return [length(frames), length(size), places * math.prod(channels) * kernel**3]


def layer_with(**changes):
    def answer(frames, size, channels, kernel, stride, padding):
        rule = changes.get("rule", lambda n: (n + 2 * padding - kernel) // stride + 1)
        if "length" in changes:
            t, s = (changes["length"](n, kernel, stride, padding) for n in (frames, size))
        else:
            t, s = rule(frames), rule(size)
        cost = changes.get("cost", lambda t, s, k, i, o: t * s * s * k**3 * i * o)
        return t, s, cost(t, s, kernel, *channels)

    return answer


def layer_in_space(frames, size, channels, kernel, stride, padding):
    side = (size + 2 * padding - kernel) // stride + 1
    return frames, side, frames * side**2 * kernel**3 * math.prod(channels)


def layer_at_every_place_that_comes_in(frames, size, channels, kernel, stride, padding):
    t, s = ((n + 2 * padding - kernel) // stride + 1 for n in (frames, size))
    return t, s, frames * size**2 * math.prod(channels) * kernel**3


def layer_of_one_channels(frames, size, channels, kernel, stride, padding):
    t, s = ((n + 2 * padding - kernel) // stride + 1 for n in (frames, size))
    return t, s, t * s * s * channels * kernel**3


def change_by_indices(path):
    second = path[:, 2:] - 2 * path[:, 1:-1] + path[:, :-2]
    return torch.linalg.vector_norm(second, dim=-1).median(1)[0]


def change_by_hypot(path):
    steps = torch.diff(path, dim=1)
    row, column = torch.diff(steps, dim=1).unbind(2)
    return torch.stack([torch.median(each) for each in torch.hypot(row, column)])


def change_of_clips(path):
    steps = path[1:] - path[:-1]
    return (steps[1:] - steps[:-1]).norm(dim=2).median(dim=1).values


def second(path):
    return path.diff(dim=1).diff(dim=1)


def blind_by_stack(critic, x):
    logits = [critic(x[:, order]) for order in map(list, itertools.permutations(range(x.shape[1])))]
    return torch.stack(logits).mean(0)


def blind_by_recursion(critic, x):
    def orders(left):
        return [[]] if not left else [[t, *rest] for t in left for rest in orders([u for u in left if u != t])]

    every = orders(list(range(x.shape[1])))
    return torch.cat([critic(x[:, order])[None] for order in every]).sum(0) / math.factorial(x.shape[1])


def every_logit(critic, x):
    return [critic(x[:, order]) for order in map(list, itertools.permutations(range(x.shape[1])))]


def one_order_each(critic, x):
    draws = torch.rand(x.shape[:2], generator=torch.Generator().manual_seed(0))
    return critic(x[torch.arange(len(x))[:, None], draws.argsort(dim=1)])


def blind_over(orders):
    def answer(critic, x):
        return torch.stack([critic(x[:, list(order)]) for order in orders(x.shape[1])]).mean(0)

    return answer


ANSWERS = {
    "14.1": {
        "right": [layer_by_torch, layer_by_floor],
        "wrong": [
            (layer_with(length=lambda n, k, s, p: (n + 2 * p - k) // s), "forgot the 1"),
            (layer_with(length=lambda n, k, s, p: (n + p - k) // s + 1), "one end only"),
            (layer_with(length=lambda n, k, s, p: n // s), "divided the length by the stride"),
            (layer_with(length=lambda n, k, s, p: math.ceil((n + 2 * p - k) / s) + 1), "rounded up"),
            (layer_with(length=lambda n, k, s, p: 1 + (n - k + 2 * p) / s), "divided with /"),
            (layer_in_space, "left the frames"),
            (layer_with(cost=lambda t, s, k, i, o: [t * s * s * k**3 * c for c in (i, o)]), "`channels` is a pair"),
            (layer_of_one_channels, "`channels` is a pair"),
            (layer_with(cost=lambda t, s, k, i, o: t * s * s * k**2 * i * o), "k squared"),
            (layer_with(cost=lambda t, s, k, i, o: s * s * k**3 * i * o), "left out the frames"),
            (layer_at_every_place_that_comes_in, "places of the input"),
            (layer_with(cost=lambda t, s, k, i, o: t * s * k**3 * i * o), "one side of the picture"),
            (layer_with(cost=lambda t, s, k, i, o: t * s * s * k**3 * o), "channels that come in"),
            (layer_with(cost=lambda t, s, k, i, o: t * s * s * k**3 * i), "channels that come out"),
            (layer_with(cost=lambda t, s, k, i, o: k**3 * i * o), "counted the weights"),
            (layer_with(cost=lambda t, s, k, i, o: t * s**2), "places of the result alone"),
            (layer_with(cost=lambda t, s, k, i, o: t * s**2 * o * (i * k**3 + 1)), "counted the bias"),
            (layer_with(cost=lambda t, s, k, i, o: t * s**2 * (i + o) * k**3), "Every pair of them has a kernel"),
            (lambda *layer: (lambda t, s, n: (t, s * s, n))(*layer_by_torch(*layer)), "do not square it"),
            (lambda *layer: (lambda t, s, n: (s, t, n))(*layer_by_torch(*layer)), "exchanged the frames"),
        ],
    },
    "14.2": {
        "right": [change_by_indices, change_by_hypot],
        "wrong": [
            (lambda path: path.diff(n=2, dim=1).square().mean(2).sqrt().median(1).values, "before the root"),
            (lambda path: path.diff(dim=1).norm(dim=2).median(1).values, "measured the steps"),
            (lambda path: path.diff(dim=1).norm(dim=2).diff(dim=1).abs().median(1).values, "lengths of the steps"),
            (lambda path: second(path).norm(dim=2).mean(1), "took the mean"),
            (lambda path: second(path).norm(dim=2).amax(1), "largest change"),
            (lambda path: (path[:, 2:] - path[:, :-2]).norm(dim=2).median(1).values, "two apart"),
            (lambda path: (second(path) ** 2).sum(2).median(1).values, "squared"),
            (lambda path: second(path).abs().sum(2).median(1).values, "|row| and |column|"),
            (lambda path: second(path).diff(dim=1).norm(dim=2).median(1).values, "three times"),
            (lambda path: second(path).norm(dim=2).median(dim=1), "Return its .values"),
            (lambda path: second(path).norm(dim=2).median(), "one median over all"),
            (lambda path: torch.median(second(path).norm(dim=2), 0)[0], "median over the clips"),
            (lambda path: second(path).norm(dim=1).median(dim=1).values, "over the frames, dimension 1"),
            (lambda path: second(path).norm(dim=2).quantile(0.5, dim=1), "two middle changes"),
            (lambda path: second(path).median(dim=1).values.norm(dim=1), "medians of row and column"),
            (lambda path: second(path).abs().median(1).values.norm(dim=1), "|column|, and then the length"),
            (change_of_clips, "one clip from the next."),
            (lambda path: (path[1:] - path[:-1]).norm(dim=2).median(1).values, "and only once"),
            (lambda path: torch.diff(path, dim=1).norm(dim=2).diff(dim=1).median(1)[0], "how much faster"),
            (lambda path: second(path).abs().median(1)[0], "medians of |row| and |column|"),
            (lambda path: second(path).norm(dim=2).median(1)[1], "where the median is"),
            (lambda path: second(path)[:, :, 0].abs().median(1).values, "one coordinate"),
        ],
    },
    "14.3": {
        "right": [blind_by_stack, blind_by_recursion],
        "wrong": [
            (
                lambda critic, x: sum(critic(x[list(o)]) for o in itertools.permutations(range(x.shape[1]))) / 6,
                "You indexed the clips",
            ),
            (lambda critic, x: critic(x), "own logit"),
            (blind_over(lambda n: [[(t + k) % n for t in range(n)] for k in range(n)]), "go round"),
            (blind_over(lambda n: [range(n), range(n - 1, -1, -1)]), "and its reverse"),
            (lambda critic, x: critic(x.mean(1, keepdim=True).repeat(1, x.shape[1], 1)), "Average the logits"),
            (lambda critic, x: torch.stack([critic(f[:, None].expand_as(x)) for f in x.unbind(1)]).mean(0), "alone"),
            (lambda critic, x: blind_by_stack(critic, x) * math.factorial(x.shape[1]), "added the logits up"),
            (lambda critic, x: torch.stack([critic(f[:, None]) for f in x.unbind(1)]).mean(0), "a clip of one frame"),
            (
                lambda critic, x: sum(every_logit(critic, x)) / x.shape[1],
                "by the number of frames",
            ),
            (
                blind_over(lambda n: [[*range(n)]] + [[*range(k), k + 1, k, *range(k + 2, n)] for k in range(n - 1)]),
                "neighbours only",
            ),
            (
                lambda critic, x: torch.stack([critic(x[list(o)]) for o in itertools.permutations(range(len(x)))]).mean(
                    0
                ),
                "clips of the batch into other orders",
            ),
            (every_logit, "list of tensors"),
            (lambda critic, x: torch.stack(every_logit(critic, x)), "logits of every order"),
            (lambda critic, x: torch.stack(every_logit(critic, x)).mean(1), "mean over the clips."),
            (lambda critic, x: blind_by_stack(critic, x).mean(), "over the clips as well"),
            (blind_over(lambda n: list(itertools.permutations(range(n)))[1:]), "left out the order"),
            (blind_over(lambda n: itertools.product(range(n), repeat=n)), "`product`"),
            (blind_over(lambda n: [torch.randperm(n) for _ in range(24)]), "You took random orders"),
            (blind_over(lambda n: [range(n - 1, -1, -1)]), "the logit of one order"),
            (one_order_each, "the logit of one order"),
            (lambda critic, x: torch.stack(every_logit(critic, x)).max(0).values, "perhaps the largest"),
            (lambda critic, x: sum(every_logit(critic, x)) / 24, "divided by 24"),
            (lambda critic, x: critic(x.sort(1).values), "each place by itself"),
        ],
    },
}
