"""Flows: noise that is carried to data by a velocity v(x, t), from t = 0 to t = 1, step by step.

A velocity is any function (x, t) -> the shape of x, with x (n, ...) and t a number.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from ganlab.models.timed import TimedMLP, TimedUNet
from ganlab.probability import gaussian_log_density
from ganlab.runtime import whole_number

STEPS = 20  # of a picture from noise, each one look of the network
Velocity = Callable[[Tensor, float], Tensor]


def move(velocity: Velocity, x: Tensor, t: float, dt: float, *, heun: bool = False) -> Tensor:
    """Return x (n, ...) one step later: x + dt v(x, t), or with `heun` by the mean of the velocities at both ends."""
    v = velocity(x, t)
    there = x + dt * v
    return x + dt * (v + velocity(there, t + dt)) / 2 if heun else there


def flow_path(velocity: Velocity, z: Tensor, steps: int = STEPS, *, heun: bool = False) -> Iterator[Tensor]:
    """Yield the points of the path from z (n, ...), t = 0, to t = 1: steps + 1 of them, z the first.

    Euler's steps look once at the velocity, Heun's twice (Karras et al. 2022 use these for diffusion).
    """
    whole_number("steps", steps, least=1)
    x = z
    yield x
    for k in range(steps):
        x = move(velocity, x, k / steps, 1 / steps, heun=heun)
        yield x


def guided(velocity: nn.Module, y: Tensor | None, guidance: float = 1.0) -> Velocity:
    """Return the velocity of classes y with classifier-free guidance (Ho and Salimans 2022).

    v(x, t, no class) + guidance * (v(x, t, y) - v(x, t, no class)): 1 is the velocity of the class, 0 that of any.
    """

    def mixed(x: Tensor, t: float) -> Tensor:
        if y is None or guidance == 0:
            return velocity(x, t)
        if guidance == 1:
            return velocity(x, t, y)
        free = velocity(x, t)
        return free + guidance * (velocity(x, t, y) - free)

    return mixed


def flow_log_density(velocity: Velocity, x: Tensor, steps: int = 100) -> Tensor:
    """Return log p(x) in nats, (n,), of points x (n, D) under the flow that starts at standard normal noise.

    Back from t = 1 to 0 by Heun's steps; on the way log p changes by the divergence of v, which is computed exactly, by
    D backward passes (Chen et al. 2018). For few dimensions. Its error shrinks with `steps`.
    """
    if x.ndim != 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, expected (n, D)")
    whole_number("steps", steps, least=1)

    def with_divergence(x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = velocity(x, t)
            rows = [torch.autograd.grad(v[:, d].sum(), x, retain_graph=True)[0][:, d] for d in range(x.shape[1])]
        return v.detach(), torch.stack(rows).sum(0)

    gained = x.new_zeros(len(x))
    dt = 1 / steps
    for k in range(steps, 0, -1):
        v, divergence = with_divergence(x, k / steps)
        v_there, divergence_there = with_divergence(x - dt * v, (k - 1) / steps)
        x = x - dt * (v + v_there) / 2
        gained = gained - dt * (divergence + divergence_there) / 2
    return gaussian_log_density(x, torch.zeros_like(x), torch.ones_like(x)).sum(1) + gained


class Flow(nn.Module):
    """A velocity network as a generator: z (n, latent_dim) -> samples (n, *shape), by Euler's steps along v.

    Pictures, three-dimensional shapes (C, H, W), are cut to [-1, 1]; points are left free. With classes it takes y.
    `steps` and `guidance` are how it samples; `sampling` changes them.
    """

    def __init__(self, velocity: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.velocity = velocity
        self.shape = tuple(shape)
        self.latent_dim = math.prod(self.shape)
        if hasattr(velocity, "classes"):
            self.classes = velocity.classes
        self.steps = STEPS
        self.guidance = 1.0

    def sampling(self, *, steps: int | None = None, guidance: float | None = None) -> "Flow":
        """Return the same flow, with the same weights, that samples with so many steps and so much guidance."""
        other = copy.copy(self)
        other.steps = self.steps if steps is None else whole_number("steps", steps, least=1)
        if guidance is not None:
            if not hasattr(self, "classes"):
                raise ValueError(f"guidance: got {guidance!r}, but this flow is told no classes")
            if not 0 <= guidance < math.inf:
                raise ValueError(f"guidance: got {guidance!r}, expected a finite number >= 0")
            other.guidance = float(guidance)
        return other

    def path(self, z: Tensor, y: Tensor | None = None) -> Iterator[Tensor]:
        """Yield the points (n, *shape) of the path of latents z (n, latent_dim): steps + 1 of them."""
        yield from flow_path(guided(self.velocity, y, self.guidance), z.unflatten(1, self.shape), self.steps)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return samples (n, *shape) for latents z (n, latent_dim), of classes y, or of any class."""
        for x in self.path(z, y):
            end = x
        return end.clamp(-1, 1) if len(self.shape) == 3 else end


def flow_mlp(dim: int = 2, hidden: Sequence[int] = (128, 128, 128)) -> Flow:
    """Return a flow of points (n, dim)."""
    return Flow(TimedMLP(dim, hidden), (dim,))


def flow_unet(channels: int = 1, size: int = 28, *, width: int = 32, classes: int | None = None) -> Flow:
    """Return a flow of pictures (n, channels, size, size), of classes if there are any; see `TimedUNet`."""
    network = TimedUNet(channels, size, width=width, classes=classes)
    return Flow(network, network.shape)
