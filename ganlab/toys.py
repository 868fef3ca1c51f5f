"""Densities whose log p(x) is known: Gaussian mixtures with the literature's parameters, and probabilistic PCA."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
        x = x.to(self.means.device).double()[..., None, :]  # (..., 1, D) against means (K, D)
        per_mode = gaussian_log_density(x, self.means, self.sigmas[:, None]).sum(-1)  # (..., K)
        return torch.logsumexp(per_mode + self.weights.log(), dim=-1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n independent samples, float64 (n, D), drawn with `generator`."""
        mode = torch.multinomial(self.weights, n, replacement=True, generator=generator)  # (n,)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[mode] + self.sigmas[mode, None] * noise

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """Return E[x_1 - z | (1 - t) z + t x_1 = x] for x_1 from the mixture and normal noise z: (..., D), in float64.

        The velocity that flow matching with straight paths learns (Lipman et al. 2023), at points x (..., D).
        """
        if not 0 <= t <= 1:
            raise ValueError(f"t: got {t!r}, expected a number from 0 to 1")
        x = x.to(self.means.device).double()[..., None, :]  # (..., 1, D)
        variance = (t * self.sigmas) ** 2 + (1 - t) ** 2  # (K,), of x_t in each mode
        gap = x - t * self.means  # (..., K, D)
        log_p = gaussian_log_density(gap, 0.0, variance.sqrt()[:, None]).sum(-1) + self.weights.log()
        slope = (t * self.sigmas**2 - (1 - t)) / variance  # (K,): covariance of x_1 - z and x_t over variance
        of_mode = self.means + slope[:, None] * gap  # (..., K, D)
        return (log_p.softmax(-1)[..., None] * of_mode).sum(-2)

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

    @property
    def identity(self) -> dict[str, Any]:
        """What tells these samples from others, for a checkpoint: the mixture's digest, batch size and seed."""
        parts = (self.mixture.means, self.mixture.sigmas, self.mixture.weights)
        digest = hashlib.sha256(b"".join(part.cpu().numpy().tobytes() for part in parts)).hexdigest()
        return {"digest": digest, "batch_size": self.batch_size, "draw_seed": self.seed}

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


def grid() -> Mixture:
    """Return 5 x 5 equal Gaussians at -4, -2, ..., 4, sigma 0.05: the "2D grid" of VEEGAN (Srivastava et al. 2017)."""
    axis = torch.linspace(-4, 4, 5, dtype=torch.float64)
    return _equal_mixture(torch.cartesian_prod(axis, axis), sigma=0.05)


def mixture_1d(means: Sequence[float], sigmas: Sequence[float], weights: Sequence[float] | None = None) -> Mixture:
    """Return a one-dimensional mixture (D = 1); equal weights unless given."""
    weights = [1 / len(means)] * len(means) if weights is None else weights
    as_tensor = [torch.tensor(list(values), dtype=torch.float64) for values in (means, sigmas, weights)]
    return Mixture(as_tensor[0][:, None], *as_tensor[1:])


@dataclass(frozen=True)
class LinearGaussian:
    """x = W z + mean + sigma eps, with z and eps standard normal: probabilistic PCA (Tipping and Bishop 1999).

    W (D, L), mean (D,), `sigma` a standard deviation; kept in float64. log p(x) and p(z | x) are closed forms.
    """

    W: Tensor
    mean: Tensor
    sigma: float

    def __post_init__(self) -> None:
        if self.W.ndim != 2 or self.mean.shape != self.W.shape[:1]:
            raise ValueError(
                f"W, mean: got shapes {tuple(self.W.shape)}, {tuple(self.mean.shape)}, expected (D, L), (D,)"
            )
        if not 0 < self.sigma < math.inf:
            raise ValueError(f"sigma: got {self.sigma!r}, expected a number > 0")

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x) = log N(x; mean, W W^T + sigma^2 I) in nats for x (..., D), as (...)."""
        identity = torch.eye(len(self.mean), dtype=torch.float64, device=self.mean.device)
        root = torch.linalg.cholesky(self.W @ self.W.T + self.sigma**2 * identity)
        white = torch.linalg.solve_triangular(root, self._centred(x)[..., None], upper=False)[..., 0]  # (..., D)
        return gaussian_log_density(white, 0.0, 1.0).sum(-1) - root.diagonal().log().sum()

    def log_p_x_given_z(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log N(x; W z + mean, sigma^2 I) in nats for x (..., D) and z (..., L), as (...)."""
        return gaussian_log_density(self._centred(x), z @ self.W.T, self.sigma).sum(-1)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean (..., L) and covariance (L, L) of the Gaussian p(z | x); the covariance is the same for all x.

        With M = W^T W + sigma^2 I they are M^-1 W^T (x - mean) and sigma^2 M^-1.
        """
        identity = torch.eye(self.W.shape[1], dtype=torch.float64, device=self.W.device)
        inverse = torch.linalg.inv(self.W.T @ self.W + self.sigma**2 * identity)
        return self._centred(x) @ self.W @ inverse, self.sigma**2 * inverse

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n independent samples, float64 (n, D), drawn with `generator`."""
        dim, latent_dim = self.W.shape
        z, eps = (torch.randn(n, k, generator=generator, dtype=torch.float64) for k in (latent_dim, dim))
        return z @ self.W.T + self.mean + self.sigma * eps

    def _centred(self, x: Tensor) -> Tensor:
        return x.to(self.mean.device).double() - self.mean


def fit_ppca(x: Tensor, latent_dim: int) -> LinearGaussian:
    """Return the linear-Gaussian model under which x (N, D) is most likely; W's columns are orthogonal, longest first.

    With lambda and u the covariance's eigenvalues and vectors, sigma^2 is the mean of those lambda that are left out,
    and a column of W is u sqrt(lambda - sigma^2) (Tipping and Bishop 1999, section 3.2). Raises ValueError where all
    that is left out is zero.
    """
    if x.ndim != 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, expected (N, D)")
    if whole_number("latent_dim", latent_dim, least=1) >= x.shape[1]:
        raise ValueError(f"latent_dim: got {latent_dim}, expected fewer than the {x.shape[1]} dimensions of x")
    x = x.to(torch.float64)
    eigenvalues, vectors = torch.linalg.eigh(torch.cov(x.T, correction=0))  # ascending
    noise = eigenvalues[:-latent_dim].mean().item()  # sigma^2
    if not noise > 1e-12 * eigenvalues[-1].item():
        raise ValueError(f"x: lies in {latent_dim} dimensions, where the likelihood has no maximum; expected more")
    largest = eigenvalues.flip(0)[:latent_dim]
    vectors = vectors.flip(1)[:, :latent_dim]
    return LinearGaussian(vectors * (largest - noise).sqrt(), x.mean(0), math.sqrt(noise))


def subspace_angle(a: Tensor, b: Tensor) -> float:
    """Return the largest principal angle, in degrees, between the column spaces of a and b, each (D, L).

    0 for equal spaces, whatever spans them. By its sine, since a cosine near 1 loses small angles.
    """
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"a, b: got shapes {tuple(a.shape)}, {tuple(b.shape)}, expected both (D, L)")
    of_a, of_b = (torch.linalg.qr(columns.to(torch.float64)).Q for columns in (a, b))
    sine = torch.linalg.matrix_norm(of_b - of_a @ (of_a.T @ of_b), ord=2).item()
    return math.degrees(math.asin(min(1.0, sine)))
