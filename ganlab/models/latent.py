"""Latents: drawn, joined by arcs, and moved along directions that a generator's first layer shows."""

import copy
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganlab.data import fingerprint
from ganlab.runtime import seeded_generator, whole_number


def latents(n: int, latent_dim: int, generator: torch.Generator) -> Tensor:
    """Return standard normal latents (n, latent_dim) on the generator's device."""
    return torch.randn(n, latent_dim, generator=generator, device=generator.device)


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Return the point at t on the arc of a circle from a to b, its length going evenly from |a| to |b|.

    a, b: (..., D); t: from 0, exactly a, to 1, exactly b: a number, or a tensor that broadcasts against (...), so that
    t (n,) with a, b (D,) gives a path (n, D). Normal latents of many numbers all have much the same length, and so have
    these points, while the straight line's are shorter in the middle (Shoemake 1985; White 2016). Raises ValueError for
    unequal shapes, t outside [0, 1], and a, b in opposite directions, between which no arc is the shortest.
    """
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    if a.shape != b.shape:
        raise ValueError(f"a, b: got shapes {tuple(a.shape)} and {tuple(b.shape)}, expected the same")
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError(f"t: got {t.tolist()}, expected 0 to 1")
    length_a = a.norm(dim=-1, keepdim=True)  # (..., 1)
    length_b = b.norm(dim=-1, keepdim=True)
    u = nn.functional.normalize(a, dim=-1)
    v = nn.functional.normalize(b, dim=-1)
    # unlike arccos(u . v), exact for small angles too (Kahan 2006)
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    if (angle > math.pi - 1e-3).any():
        raise ValueError("a, b: got opposite directions, between which no arc is the shortest")
    t = t[..., None]  # (..., 1)
    length = (1 - t) * length_a + t * length_b
    of_a = torch.sin((1 - t) * angle) / torch.sin(angle) * length / length_a
    of_b = torch.sin(t * angle) / torch.sin(angle) * length / length_b
    # where the angle is so small, line and arc agree to rounding; and zero has no direction to turn from
    straight = (angle < 1e-3) | (length_a == 0) | (length_b == 0)
    return torch.where(straight, 1 - t, of_a) * a + torch.where(straight, t, of_b) * b


def _straight(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Return the point at t on the straight line from a to b; shapes as in `slerp`."""
    return torch.lerp(a, b, torch.as_tensor(t, dtype=a.dtype, device=a.device)[..., None])


LINES = {"arc": slerp, "straight": _straight}


def interpolate(stops: Tensor, t: Tensor, line: str = "arc") -> Tensor:
    """Return the points (n, D) at t (n,), from 0 to 1, on a path through the stops (k, D), each leg as long as any.

    `line`, of `LINES`, is "arc" for `slerp` from stop to stop, or "straight".
    """
    t = t.to(stops.device)
    legs = len(stops) - 1
    leg = (t * legs).long().clamp(max=legs - 1)  # (n,)
    return LINES[line](stops[leg], stops[leg + 1], t * legs - leg)


KINDS = ("principal", "axes")
FARTHEST = 3.0  # how far a point may be moved along one direction, in standard deviations
STEP = 0.1  # of such a move


class Directions(NamedTuple):
    """Directions in latent space, the strongest first: vectors (n, latent_dim) of length 1, variance ratios (n,)."""

    vectors: Tensor
    variance_ratios: Tensor


def _frozen(generator: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode; the caller's may be in training meanwhile, on another thread."""
    if not isinstance(getattr(generator, "latent_dim", None), int):
        raise ValueError(f"generator: got {type(generator).__name__} without a latent_dim, expected one with it")
    return copy.deepcopy(generator).eval().requires_grad_(False)


def _device(generator: nn.Module) -> torch.device:
    return next(generator.parameters()).device


def _first_features(generator: nn.Module, z: Tensor) -> Tensor:
    """Return what the first layer with weights makes of z (B, latent_dim): (B, features), float64, on the CPU."""
    outputs: list[Tensor] = []
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    layers = [module for module in generator.modules() if isinstance(module, kinds)]
    hooks = [layer.register_forward_hook(lambda layer, inputs, output: outputs.append(output)) for layer in layers]
    with torch.inference_mode():
        generator(z.to(_device(generator)))
    for hook in hooks:
        hook.remove()
    return outputs[0].flatten(1).cpu().double()


def principal_directions(generator: nn.Module, n: int) -> Directions:
    """Return the n strongest principal directions of the generator's first features, exactly, on the CPU.

    GANSpace (Härkönen et al. 2020) draws many z, takes the principal components of the first layer's output y, and
    regresses z on the coordinates x_k of y along them. Here y = W z + b is linear and z ~ N(0, I), so all of that has
    a closed form. Cov(y) = W W^T; with W = V S U^T, the components are the columns of V, x = S U^T z, and regression
    gives E[z x^T] E[x x^T]^-1 = U S S^-2 = U S^-1. The standard deviation of x_k is s_k: so much of it moves z by
    u_k, the k-th eigenvector of W^T W, of length 1. `variance_ratios` are s_k^2 / sum s^2, parts of
    the features' variance.
    A direction is as good as its opposite: the largest number of each is made positive.
    Raises ValueError for n outside 1 to latent_dim, and for a first layer that is not linear.
    """
    generator = _frozen(generator)
    if whole_number("n", n, least=1) > generator.latent_dim:
        raise ValueError(f"n: got {n}, expected at most latent_dim, {generator.latent_dim}")
    basis = torch.eye(generator.latent_dim)
    probe = latents(2, generator.latent_dim, seeded_generator("probe"))
    y = _first_features(generator, torch.cat([torch.zeros_like(probe[:1]), basis, probe]))
    by_axis = y[1:-2] - y[0]  # W^T, (latent_dim, features)
    if not torch.allclose(y[-2:], y[0] + probe.double() @ by_axis, atol=1e-4 * y.abs().max().item()):
        raise ValueError(f"generator: the first layer of {type(generator).__name__} is not linear in z")
    squares, vectors = torch.linalg.eigh(by_axis @ by_axis.T)  # ascending; eigenvectors are columns
    vectors = vectors.flip(1).T
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    variance_ratios = squares.flip(0).clamp(min=0) / squares.sum()
    return Directions((vectors * largest.sign())[:n].float(), variance_ratios[:n].float())


def orthogonal_to(direction: Tensor, others: Tensor) -> Tensor:
    """Return the direction (D,) of length 1 nearest to `direction` (D,) and at a right angle to all `others` (k, D).

    The others need be neither of length 1 nor at right angles to each other. What is left of `direction` after its
    projection onto their span is scaled to length 1. ValueError for other shapes, and where nothing is left.
    """
    if direction.ndim != 1 or others.ndim != 2 or others.shape[1] != len(direction):
        got = f"{tuple(direction.shape)} and {tuple(others.shape)}"
        raise ValueError(f"direction, others: got shapes {got}, expected (D,) and (k, D)")
    basis = torch.linalg.svd(others.T, full_matrices=False)
    span = basis.U[:, basis.S > 1e-6 * basis.S.max()]  # (D, rank)
    rest = direction - span @ (span.T @ direction)
    if rest.norm() <= 1e-5 * direction.norm():
        raise ValueError("direction: it lies in the span of the others, so nothing at a right angle to them is left")
    return nn.functional.normalize(rest, dim=0)


def traversal(generator: nn.Module, z: Tensor, direction: Tensor, offsets: Sequence[float]) -> Tensor:
    """Return G(z + offset * direction) for each offset, (n, C, H, W) on the CPU; z and direction (latent_dim,)."""
    generator = _frozen(generator)
    path = z.cpu() + torch.tensor(offsets)[:, None] * direction.cpu()  # (n, latent_dim)
    with torch.inference_mode():
        return generator(path.to(_device(generator))).float().cpu()


class Point(NamedTuple):
    """A latent: the draw of `seed`, moved along directions of one kind by so many standard deviations each."""

    seed: int
    kind: str = "principal"
    moves: tuple[tuple[int, float], ...] = ()  # (direction, by how much), by rising direction


CODE = re.compile(r"(\d{1,9})([pa])((?:,\d{1,4}[+-]\d(?:\.\d)?)*)@([0-9a-f]{1,5})", re.ASCII)


class LatentSpace:
    """The latents of a generator as it is now, and their images; training it afterwards changes nothing here."""

    def __init__(self, generator: nn.Module) -> None:
        self.generator = _frozen(generator)
        self.dim = generator.latent_dim
        self.principal = principal_directions(generator, self.dim)
        self.vectors = {"principal": self.principal.vectors, "axes": torch.eye(self.dim)}
        weights = {name: tensor.cpu() for name, tensor in self.generator.state_dict().items() if tensor.ndim}
        # Whose directions a code means: axes are those of any generator with as many, the principal ones its own.
        self.marks = {"principal": fingerprint(weights)[:4], "axes": str(self.dim)}

    def z(self, point: Point) -> Tensor:
        """Return the latent (1, latent_dim) of a point, on the CPU; without moves, that of its seed bit for bit."""
        z = latents(1, self.dim, seeded_generator(point.seed))
        for k, value in point.moves:
            z = z + value * self.vectors[point.kind][k]
        return z

    def images(self, z: Tensor) -> Tensor:
        """Return the images (n, C, H, W) of latents z (n, latent_dim), on the CPU."""
        with torch.inference_mode():
            return self.generator(z.to(_device(self.generator))).float().cpu()

    def code(self, point: Point) -> str:
        """Return the short text that stands for exactly this point: seed, kind, moves @ whose directions they are."""
        moves = "".join(f",{k}{value:+g}" for k, value in point.moves)
        return f"{point.seed}{point.kind[0]}{moves}@{self.marks[point.kind]}"

    def point(self, code: str) -> Point:
        """Return the point that `code` stands for; ValueError in one line for what is no code of this generator's."""
        match = CODE.fullmatch("".join(code.split()).lower())
        if not match:
            example = f"7p,0+1.5,2-2@{self.marks['principal']}"
            raise ValueError(f"code: got {code.strip()[:40]!r}, expected one such as {example}")
        kind = {kind[0]: kind for kind in KINDS}[match[2]]
        if kind == "axes" and match[4] != self.marks[kind]:
            raise ValueError(f"code: is for latents of {match[4]} numbers, this generator takes {self.dim}")
        if match[4] != self.marks[kind]:
            raise ValueError(f"code: is of another generator, {match[4]}; this one is {self.marks[kind]}")
        moves = [(int(k), float(value)) for k, value in re.findall(r",(\d+)([+-][\d.]+)", match[3])]
        directions = [k for k, _ in moves]
        if len(set(directions)) < len(directions) or any(k >= self.dim for k in directions):
            raise ValueError(f"code: got directions {directions}, expected different ones from 0 to {self.dim - 1}")
        if any(abs(value) > FARTHEST for _, value in moves):
            raise ValueError(f"code: expected moves from {-FARTHEST:g} to {FARTHEST:g} standard deviations")
        return Point(int(match[1]), kind, tuple(sorted(move for move in moves if move[1])))
