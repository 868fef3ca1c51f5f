"""Networks that know the time: v(x, t), a velocity of points or pictures, with a class if there are any.

A class y is what `class_weights` takes; a row of zeros, or y=None, is "no class".
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganlab.models.conditional import class_weights
from ganlab.models.mlp import mlp
from ganlab.runtime import whole_number

WAVES = 6  # sines and cosines that a network sees of the time, of 1/2, 1, 2, ... periods from 0 to 1
TIME = 64  # numbers in which time and class are told to the layers


def time_features(t: Tensor) -> Tensor:
    """Return what networks see of times t (B,): t itself, and `WAVES` sines and cosines, (B, 1 + 2 WAVES)."""
    angle = math.pi * 2.0 ** torch.arange(WAVES, device=t.device) * t[:, None]  # (B, WAVES)
    return torch.cat([t[:, None], angle.sin(), angle.cos()], dim=1)


def times(t: Tensor | float, x: Tensor) -> Tensor:
    """Return times (B,) for x (B, ...): those of t (B,), or the number t for each."""
    t = torch.as_tensor(t, dtype=torch.float32, device=x.device)
    if t.ndim > 1 or (t.ndim == 1 and len(t) != len(x)):
        raise ValueError(f"t: got shape {tuple(t.shape)} for {len(x)} samples, expected ({len(x)},) or a number")
    return t.expand(x.shape[0])


class TimedMLP(nn.Module):
    """The velocity v(x, t) of points: x (B, dim), t (B,) or a number -> (B, dim). It knows no classes."""

    def __init__(self, dim: int = 2, hidden: Sequence[int] = (128, 128, 128)) -> None:
        super().__init__()
        self.dim = whole_number("dim", dim, least=1)
        self.layers = mlp([dim + 1 + 2 * WAVES, *hidden, dim])

    def forward(self, x: Tensor, t: Tensor | float, y: None = None) -> Tensor:
        """Return velocities (B, dim) for points x (B, dim) at times t."""
        return self.layers(torch.cat([x, time_features(times(t, x))], dim=1))


class TimedBlock(nn.Module):
    """x + f(x, time): two convolutions, between which time and class stretch and move each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, 1, 1))
        self.norm = nn.GroupNorm(8, channels)
        self.of_time = nn.Linear(TIME, 2 * channels)
        self.last = nn.Sequential(nn.SiLU(), nn.Conv2d(channels, channels, 3, 1, 1))
        nn.init.zeros_(self.last[1].weight)  # at first the block does nothing
        nn.init.zeros_(self.last[1].bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Return pictures (B, channels, H, W) for such pictures and what is told of time and class, (B, TIME)."""
        scale, shift = self.of_time(time)[:, :, None, None].chunk(2, dim=1)  # (B, channels, 1, 1)
        return x + self.last(self.norm(self.first(x)) * (1 + scale) + shift)


class TimedUNet(nn.Module):
    """The velocity v(x, t, y) of pictures: x (B, C, S, S), t (B,) or a number, classes y -> (B, C, S, S).

    A small U-Net. Each 2x2 pixels become one place of four times the channels, which makes all convolutions four times
    cheaper; then one halving, and back, with what was there before beside it. At the defaults 0.17 million weights.
    S is a multiple of 4. With `classes` it takes y, and y=None or a row of zeros is "no class"; else only y=None.
    """

    def __init__(self, channels: int = 1, size: int = 28, *, width: int = 32, classes: int | None = None) -> None:
        super().__init__()
        if whole_number("size", size, least=4) % 4:
            raise ValueError(f"size: got {size}, expected a multiple of 4")
        if whole_number("width", width, least=8) % 8:
            raise ValueError(f"width: got {width}, expected a multiple of 8")
        if classes is not None:
            self.classes = whole_number("classes", classes, least=2)
            self.of_class = nn.Parameter(torch.randn(classes, TIME))
        self.shape = (whole_number("channels", channels, least=1), size, size)
        self.of_time = nn.Sequential(nn.Linear(1 + 2 * WAVES, TIME), nn.SiLU(), nn.Linear(TIME, TIME))
        self.fold = nn.PixelUnshuffle(2)
        self.enter = nn.Conv2d(4 * channels, width, 3, 1, 1)
        self.before = TimedBlock(width)
        self.shrink = nn.Conv2d(width, 2 * width, 3, 2, 1)
        self.within = TimedBlock(2 * width)
        self.grow = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2 * width, width, 3, 1, 1))
        self.join = nn.Conv2d(2 * width, width, 1)
        self.after = TimedBlock(width)
        self.leave = nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, 4 * channels, 3, 1, 1))
        self.unfold = nn.PixelShuffle(2)

    def forward(self, x: Tensor, t: Tensor | float, y: Tensor | None = None) -> Tensor:
        """Return velocities (B, C, S, S) for pictures x at times t, of classes y."""
        time = self.of_time(time_features(times(t, x)))
        if y is not None:
            if not hasattr(self, "classes"):
                raise ValueError("y: got classes, but this network was made without; pass classes=N when making it")
            time = time + class_weights(y, self.classes) @ self.of_class
        time = nn.functional.silu(time)
        wide = self.before(self.enter(self.fold(x)), time)  # (B, w, S / 2, S / 2)
        small = self.within(self.shrink(wide), time)  # (B, 2w, S / 4, S / 4)
        both = torch.cat([self.grow(small), wide], dim=1)  # (B, 2w, S / 2, S / 2)
        return self.unfold(self.leave(self.after(self.join(both), time)))  # (B, C, S, S)
