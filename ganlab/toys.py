"""Densities whose log p(x) is known: Gaussian mixtures in one and two dimensions, with the literature's parameters."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlab.probability import gaussian_log_density
from ganlab.runtime import seeded_generator, whole_number


@dataclass(frozen=True)
class Mixture:
    """A mixture of K isotropic Gaussians in D dimensions; kept in float64, since it is what others are held against.

    means (K, D), sigmas (K,) standard deviations, weights (K,) that sum to 1.
    """

    means: Tensor
    sigmas: Tensor
    weights: Tensor

    def __post_init__(self) -> None:
        count = self.means.shape[0]
        if self.means.ndim != 2 or self.sigmas.shape != (count,) or self.weights.shape != (count,):
            shapes = [tuple(t.shape) for t in (self.means, self.sigmas, self.weights)]
            raise ValueError(f"means, sigmas, weights: got shapes {shapes}, expected (K, D), (K,), (K,)")
        if not (self.sigmas > 0).all():
            raise ValueError(f"sigmas: got {self.sigmas.tolist()}, expected every one > 0")
        if not ((self.weights >= 0).all() and math.isclose(self.weights.sum().item(), 1.0, abs_tol=1e-6)):
            raise ValueError(f"weights: got {self.weights.tolist()}, expected weights >= 0 that sum to 1")

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x) in nats for x of shape (..., D), as (...), in float64."""
        x = x.to(self.means.device, torch.float64)[..., None, :]  # (..., 1, D) against means (K, D)
        per_mode = gaussian_log_density(x, self.means, self.sigmas[:, None]).sum(-1)  # (..., K)
        return torch.logsumexp(per_mode + self.weights.log(), dim=-1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n independent samples, float64 (n, D), drawn with `generator`."""
        mode = torch.multinomial(self.weights, n, replacement=True, generator=generator)  # (n,)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[mode] + self.sigmas[mode, None] * noise

    def batches(self, batch_size: int, seed: int = 0, device: str | torch.device = "cpu") -> "MixtureBatches":
        """Return an endless source of fresh float32 samples (batch_size, D) on `device`."""
        return MixtureBatches(self, whole_number("batch_size", batch_size, least=1), seed, torch.device(device))


@dataclass(frozen=True)
class MixtureBatches:
    """Fresh samples for training; `at(step)` depends only on (seed, step), so a resumed run sees what it would have."""

    mixture: Mixture
    batch_size: int
    seed: int
    device: torch.device

    def at(self, step: int) -> Tensor:
        """Return the batch of training step `step`, float32 (batch_size, D)."""
        generator = seeded_generator(self.seed, step)
        return self.mixture.sample(self.batch_size, generator).to(self.device, torch.float32)

    def __iter__(self) -> Iterator[Tensor]:
        step = 0
        while True:
            yield self.at(step)
            step += 1


def _equal_mixture(means: Tensor, sigma: float) -> Mixture:
    count = means.shape[0]
    full = torch.ones(count, dtype=torch.float64)
    return Mixture(means.to(torch.float64), sigma * full, full / count)


def ring(modes: int = 8, radius: float = 1.0, sigma: float = 0.01) -> Mixture:
    """Return equal Gaussians on a circle, the "2D ring" of VEEGAN (Srivastava et al. 2017)."""
    angle = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
    return _equal_mixture(radius * torch.stack([angle.cos(), angle.sin()], dim=1), sigma)


def grid(side: int = 5, spacing: float = 2.0, sigma: float = 0.05) -> Mixture:
    """Return side x side equal Gaussians on a square grid centred at 0, the "2D grid" of VEEGAN (5x5 at -4..4)."""
    axis = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return _equal_mixture(torch.cartesian_prod(axis, axis), sigma)


def two_moons(sigma: float = 0.1, per_moon: int = 100) -> Mixture:
    """Return two interleaved half circles, each drawn as `per_moon` Gaussians so that log p stays exact.

    The geometry is scikit-learn's `make_moons`: radius 1, the second moon turned over and moved by (1, 0.5).
    """
    angle = torch.linspace(0, math.pi, per_moon, dtype=torch.float64)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    return _equal_mixture(torch.cat([upper, lower]), sigma)


def mixture_1d(means: Sequence[float], sigmas: Sequence[float], weights: Sequence[float] | None = None) -> Mixture:
    """Return a one-dimensional mixture (D = 1); equal weights unless given."""
    weights = [1 / len(means)] * len(means) if weights is None else weights
    as_tensor = [torch.tensor(list(values), dtype=torch.float64) for values in (means, sigmas, weights)]
    return Mixture(as_tensor[0][:, None], *as_tensor[1:])
