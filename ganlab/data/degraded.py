"""Pictures made worse on purpose, each way described exactly: what networks learn to undo, as pairs of both.

Pictures are floats (B, C, H, W) in [-1, 1]. A degradation is an object that is called with pictures and, if it draws
at random, a generator on the CPU; the same generator's state gives the same pictures on every device.
"""

import dataclasses
import functools
import hashlib
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab.data import pixels
from ganlab.data.batches import Batch, Source, as_source, batch_of
from ganlab.runtime import seeded_generator, whole_number

KERNELS = ("area", "bicubic")
GREY = (0.299, 0.587, 0.114)  # how bright red, green and blue are to the eye (ITU-R BT.601)
Degradation = Callable[..., Tensor]  # (pictures (B, C, H, W), generator) -> (B, C', H', W')


def downsample(x: Tensor, factor: int, kernel: str = "area") -> Tensor:
    """Return pictures (B, C, H, W) at 1 / factor of their sides.

    "area": each pixel is the mean of factor x factor ones, as in a camera's sensor. "bicubic": a weighted mean of about
    4 factor x 4 factor ones, with negative weights outside (torch's, antialiased). ValueError for sides that are no
    multiples of the factor, or another kernel.
    """
    whole_number("factor", factor, least=1)
    if kernel not in KERNELS:
        raise ValueError(f"kernel: got {kernel!r}, expected one of {', '.join(KERNELS)}")
    height, width = x.shape[2:]
    if height % factor or width % factor:
        raise ValueError(f"x: pictures are {height}x{width}, expected multiples of the factor, {factor}")
    if kernel == "area":
        return F.avg_pool2d(x, factor)
    return F.interpolate(x, (height // factor, width // factor), mode="bicubic", antialias=True)


def enlarge(y: Tensor, factor: int, kernel: str = "bicubic") -> Tensor:
    """Return pictures (B, C, h, w) with factor times their sides, by "bicubic" or "nearest"; nothing is learned here.

    Bicubic may overshoot [-1, 1] at edges. The centres of pixels stay where `downsample` had them.
    """
    whole_number("factor", factor, least=1)
    if kernel not in ("bicubic", "nearest"):
        raise ValueError(f"kernel: got {kernel!r}, expected 'bicubic' or 'nearest'")
    return F.interpolate(y, [factor * side for side in y.shape[2:]], mode=kernel)


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Return pictures (B, C, H, W) blurred by a Gaussian of `sigma` pixels, cut off at 3 sigma; edges are mirrored.

    ValueError for a sigma below 0, or so large that it sees beyond the mirror.
    """
    radius = math.ceil(3 * _at_least_0("sigma", sigma))
    if not radius:
        return x
    if radius >= min(x.shape[2:]):
        raise ValueError(f"sigma: got {sigma:g}, too large for pictures of {x.shape[2]}x{x.shape[3]} pixels")
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=x.device) / sigma) ** 2)
    weights = (weights / weights.sum()).view(1, 1, -1)
    planes = F.pad(x, (radius,) * 4, mode="reflect").flatten(0, 1)[:, None]  # (B C, 1, H + 2 r, W + 2 r)
    planes = F.conv2d(F.conv2d(planes, weights[:, :, None]), weights[..., None])
    return planes.view(x.shape)


def grey(x: Tensor) -> Tensor:
    """Return colour pictures (B, 3, H, W) in grey, (B, 1, H, W), as bright as they seem to the eye."""
    if x.ndim != 4 or x.shape[1] != 3:
        raise ValueError(f"x: got shape {tuple(x.shape)}, expected pictures in colour, (B, 3, H, W)")
    return (x * x.new_tensor(GREY).view(1, 3, 1, 1)).sum(1, keepdim=True)


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Return pictures (B, 1 or 3, H, W) as they come back from a JPEG file of this quality, 1 (worst) to 95."""
    if whole_number("quality", quality, least=1) > 95:
        raise ValueError(f"quality: got {quality}, expected at most 95")
    there = []
    for picture in pixels.to_bytes(x.detach().cpu()).permute(0, 2, 3, 1).numpy():  # (H, W, C)
        with PIL.Image.open(io.BytesIO(pixels.jpeg(picture, quality))) as back:
            there.append(torch.from_numpy(np.array(back).reshape(picture.shape)).permute(2, 0, 1))
    return pixels.to_floats(torch.stack(there)).to(x.device)


def centre_mask(height: int, width: int, portion: float = 0.15) -> Tensor:
    """Return a mask, bool (H, W), true in a hole in the middle: as wide to high as the picture, `portion` of it."""
    _portion(portion)
    mask = torch.zeros(height, width, dtype=torch.bool)
    rows, columns = (max(1, round(math.sqrt(portion) * side)) for side in (height, width))
    top, left = (height - rows) // 2, (width - columns) // 2
    mask[top : top + rows, left : left + columns] = True
    return mask


def stroke_masks(n: int, height: int, width: int, *, generator: torch.Generator, portion: float = 0.15) -> Tensor:
    """Return random masks, bool (n, H, W), true in strokes of a thick pen that cover `portion` of a picture or more.

    The pen, a tenth of the shorter side s wide, starts anywhere, in any direction; it draws straight pieces, each s / 8
    to s / 3 long, and turns by up to 1 radian between two, each drawn evenly; what would leave the picture stops at its
    edge. It ends with the piece by which `portion` is reached. ValueError for more than half of a picture.
    """
    if _portion(portion) > 0.5:
        raise ValueError(f"portion: got {portion!r}, expected at most 0.5 for strokes")
    side = min(height, width)
    rows = torch.arange(height)[:, None] + 0.5
    columns = torch.arange(width) + 0.5
    size = torch.tensor([height, width])
    masks = torch.zeros(n, height, width, dtype=torch.bool)
    here = torch.rand(n, 2, generator=generator) * size  # row and column of each pen
    direction = 2 * math.pi * torch.rand(n, generator=generator)
    while not (full := masks.float().mean((1, 2)) >= portion).all():
        length = side * (1 / 8 + (1 / 3 - 1 / 8) * torch.rand(n, generator=generator))
        turn = 2 * torch.rand(n, generator=generator) - 1
        step = length[:, None] * torch.stack([direction.sin(), direction.cos()], 1)
        there = (here + step).clamp(torch.zeros(2), size)
        along = there - here  # (n, 2); may be (0, 0) in a corner
        from_start = torch.stack(torch.broadcast_tensors(rows, columns), -1) - here[:, None, None]  # (n, H, W, 2)
        square = along.square().sum(1).clamp(min=1e-6)[:, None, None]
        part = ((from_start * along[:, None, None]).sum(-1) / square).clamp(0, 1)  # of the way, at the nearest point
        apart = (from_start - part[..., None] * along[:, None, None]).norm(dim=-1)
        masks |= (apart <= side / 20) & ~full[:, None, None]
        here = there
        direction = direction + turn
    return masks


def masked(x: Tensor, mask: Tensor, fill: float | str = 0.0, *, generator: torch.Generator | None = None) -> Tensor:
    """Return pictures with holes, and where the holes are: (B, C + 1, H, W), of pictures x (B, C, H, W).

    `mask`, bool (H, W) or (B, H, W), is true in the hole, where pixels become `fill`, or with "noise" draws from a
    standard normal. The last channel is 1 in the hole and -1 outside. ValueError for another mask, or an empty one.
    """
    mask = torch.as_tensor(mask)
    if mask.dtype != torch.bool or mask.shape not in (x.shape[2:], (len(x), *x.shape[2:])):
        kind = f"{str(mask.dtype).removeprefix('torch.')} {tuple(mask.shape)}"
        raise ValueError(f"mask: got {kind}, expected bool {tuple(x.shape[2:])}, true in the hole")
    if not mask.any():
        raise ValueError("mask: has no hole, expected True for at least one pixel")
    hole = mask.to(x.device).expand(len(x), *x.shape[2:])[:, None]  # (B, 1, H, W)
    if fill == "noise":
        inside = torch.randn(x.shape, generator=_drawn(generator)).to(x.device)
    else:
        inside = torch.full_like(x, fill)
    return torch.cat([torch.where(hole, inside, x), 2 * hole.to(x.dtype) - 1], 1)


@dataclasses.dataclass(frozen=True)
class LowResolution:
    """Pictures (B, C, H, W) at 1 / factor of their sides: blurred by `blur` pixels, `downsample`d, then with noise.

    `noise` is the standard deviation of what is added, in units of [-1, 1].
    """

    factor: int = 4
    kernel: str = "area"
    _: dataclasses.KW_ONLY
    blur: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        whole_number("factor", self.factor, least=1)
        _at_least_0("blur", self.blur)
        _at_least_0("noise", self.noise)
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel: got {self.kernel!r}, expected one of {', '.join(KERNELS)}")

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return small pictures (B, C, H / factor, W / factor)."""
        return _noisy(downsample(blurred(x, self.blur), self.factor, self.kernel), self.noise, generator)


@dataclasses.dataclass(frozen=True)
class Holes:
    """Pictures with holes, and where they are: (B, C + 1, H, W), as `masked` gives them.

    `kind` is "centre", the same square for all (`centre_mask`), "strokes", others for each (`stroke_masks`), or a mask
    of your own, bool (H, W), true in the hole. `portion` of a picture is in the hole; a mask of your own has its own.
    With `draws` there are so many of each picture, one after the other, (draws B, C + 1, H, W): of one hole, and each
    with noise of its own, from which a network may make several answers (`losses.energy_score`).
    """

    kind: str | Tensor = "centre"
    _: dataclasses.KW_ONLY
    portion: float = 0.15
    fill: float | str = 0.0
    draws: int = 1

    def __post_init__(self) -> None:
        whole_number("draws", self.draws, least=1)
        if _portion(self.portion) > 0.5 and isinstance(self.kind, str) and self.kind == "strokes":
            raise ValueError(f"portion: got {self.portion!r}, expected at most 0.5 for strokes")
        if isinstance(self.kind, str) and self.kind not in ("centre", "strokes"):
            raise ValueError(f"kind: got {self.kind!r}, expected 'centre', 'strokes' or a mask, bool (H, W)")
        if isinstance(self.fill, str) and self.fill != "noise":
            raise ValueError(f"fill: got {self.fill!r}, expected a number or 'noise'")

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return pictures with holes, and the masks, (B, C + 1, H, W)."""
        height, width = x.shape[2:]
        mask = self.kind
        if isinstance(mask, str) and mask == "centre":
            mask = centre_mask(height, width, self.portion)
        elif isinstance(mask, str):
            mask = stroke_masks(len(x), height, width, generator=_drawn(generator), portion=self.portion)
            mask = mask.repeat_interleave(self.draws, 0)
        return masked(x.repeat_interleave(self.draws, 0), mask, self.fill, generator=generator)


@dataclasses.dataclass(frozen=True)
class Grey:
    """Pictures without their colours, (B, 1, H, W)."""

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return grey pictures of colour ones (B, 3, H, W)."""
        return grey(x)


@dataclasses.dataclass(frozen=True)
class Blur:
    """Pictures out of focus: `blurred` by a Gaussian of `sigma` pixels."""

    sigma: float = 1.5

    def __post_init__(self) -> None:
        _at_least_0("sigma", self.sigma)

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return blurred pictures (B, C, H, W)."""
        return blurred(x, self.sigma)


@dataclasses.dataclass(frozen=True)
class Noise:
    """Pictures with normal noise added, of standard deviation `sigma` in units of [-1, 1]."""

    sigma: float = 0.2

    def __post_init__(self) -> None:
        _at_least_0("sigma", self.sigma)

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return noisy pictures (B, C, H, W), which may leave [-1, 1]."""
        return _noisy(x, self.sigma, generator)


@dataclasses.dataclass(frozen=True)
class JPEG:
    """Pictures as they come back from a JPEG file of a quality from 1, the worst, to 95."""

    quality: int = 10

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return pictures (B, C, H, W)."""
        return jpeg(x, self.quality)


@dataclasses.dataclass(frozen=True)
class Faded:
    """Pictures faded along a known curve: brightness u in [0, 1] becomes dark + (light - dark) u^gamma."""

    gamma = 0.7
    dark = 0.35
    light = 0.8

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return faded pictures (B, C, H, W)."""
        u = ((x + 1) / 2).clamp(0, 1)
        return 2 * (self.dark + (self.light - self.dark) * u**self.gamma) - 1

    def undo(self, y: Tensor) -> Tensor:
        """Return the pictures that were faded; what the curve cannot have made is cut off."""
        u = (((y + 1) / 2 - self.dark) / (self.light - self.dark)).clamp(0, 1)
        return 2 * u ** (1 / self.gamma) - 1


class Degraded:
    """A source of pairs: x the pictures of another source, `pair` what a degradation makes of them, anew at each step.

    So a translator that is trained on it restores (`ganlab.train.TranslationTask`). What is drawn at random depends on
    nothing but (seed, step). `batches` is what trainings take, and gives floats in [-1, 1]. Where a degradation makes
    several of each picture (`Holes(draws=2)`), there are as many of it in x.
    """

    def __init__(self, batches: Source, degrade: Degradation, seed: int = 0) -> None:
        self._clean = as_source(batches, whole_number("seed", seed, least=0), "cpu", scale="tanh")
        if not callable(degrade):
            raise ValueError(f"degrade: got {degrade!r}, expected a degradation, such as data.LowResolution(4)")
        self.degrade = degrade
        self.seed = seed

    def at(self, step: int) -> Tensor:
        """Return the pictures of training step `step` before they are made worse, float32 (B, C, H, W) in [-1, 1]."""
        return self._clean.at(step)

    def batch(self, step: int) -> Batch:
        """Return the pictures of training step `step` and, as their pairs, what they became."""
        clean = batch_of(self._clean, step)
        pair = self.degrade(clean.x, seeded_generator(self.seed, "degraded", step))
        draws = len(pair) // len(clean.x)
        x, y = (each if each is None else each.repeat_interleave(draws, 0) for each in (clean.x, clean.y))
        return Batch(x, y, pair)

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What the batches are made from and how, as `Batches.identity`."""
        clean = getattr(self._clean, "identity", {})
        return {**clean, "degraded by": described(self.degrade), "degraded with seed": self.seed}


def described(degrade: Degradation) -> str:
    """Return a degradation in words that are equal only for equal ones: its kind and fields, of a mask its hash."""
    if not dataclasses.is_dataclass(degrade):
        return getattr(degrade, "__qualname__", type(degrade).__qualname__)
    values = {field.name: getattr(degrade, field.name) for field in dataclasses.fields(degrade)}
    for name, value in values.items():
        if isinstance(value, Tensor):
            values[name] = hashlib.sha256(value.cpu().numpy().tobytes()).hexdigest()[:16]
    return f"{type(degrade).__name__}({', '.join(f'{name}={value}' for name, value in values.items())})"


def _noisy(x: Tensor, sigma: float, generator: torch.Generator | None) -> Tensor:
    if not sigma:
        return x
    return x + sigma * torch.randn(x.shape, generator=_drawn(generator)).to(x.device)


def _drawn(generator: torch.Generator | None) -> torch.Generator:
    if generator is None:
        raise ValueError("generator: got None, expected one, such as runtime.seeded_generator(0): this is random")
    return generator


def _at_least_0(name: str, value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(f"{name}: got {value!r}, expected a finite number >= 0")
    return value


def _portion(portion: float) -> float:
    if not 0 < portion < 1:
        raise ValueError(f"portion: got {portion!r}, expected a number between 0 and 1")
    return portion
