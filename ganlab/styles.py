"""What a picture's style is measured by: statistics that forget where; colours and a pyramid, the parts of the recipe.

Features are as `models.FeatureTrunk` returns them, name -> (B, C, H, W); pictures are (B, 3, H, W) in [-1, 1].
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST_SPREAD = 1e-4  # of a colour, squared, in units of the range [-1, 1]: a picture of one colour has none to scale
Features = Mapping[str, Tensor]
Style = dict[str, tuple[Tensor, Tensor]]  # layer -> means (B, C), and centred Gram matrices (B, C, C)


def gram(features: Tensor, *, centred: bool = False) -> Tensor:
    """Return the Gram matrices (B, C, C) of features (B, C, H, W): the mean over positions of f_i f_j (Gatys et al.).

    `centred` takes each channel's mean away first, which makes them covariances.
    """
    f = features.flatten(2)  # (B, C, H * W)
    if centred:
        f = f - f.mean(2, keepdim=True)
    return f @ f.transpose(1, 2) / f.shape[2]


def style(features: Features) -> Style:
    """Return what is compared of each layer: its channels' means, and their centred Gram matrix."""
    return {name: (f.mean((2, 3)), gram(f, centred=True)) for name, f in features.items()}


def style_distance(made: Style, wanted: Style) -> Tensor:
    """Return the distance of styles, (B,): 0 if they are equal, about 1 or 2 if they have nothing in common.

    The squared differences of means and of Gram matrices, each in parts of the wanted one's own size, are added, and
    averaged over the layers. `wanted` may have one picture's style for all.
    """
    layers = []
    for name, (means, matrices) in wanted.items():
        of_means = (made[name][0] - means).square().sum(1) / means.square().sum(1)
        of_matrices = (made[name][1] - matrices).square().sum((1, 2)) / matrices.square().sum((1, 2))
        layers.append(of_means + of_matrices)
    return torch.stack(layers).mean(0)


def content_distance(made: Features, wanted: Features) -> Tensor:
    """Return the distance of features, (B,): squared differences in parts of the wanted ones' size, layers averaged."""
    layers = [(made[name] - f).square().flatten(1).sum(1) / f.square().flatten(1).sum(1) for name, f in wanted.items()]
    return torch.stack(layers).mean(0)


def colours(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean colour (B, 3) of pictures (B, 3, H, W), and the covariance (B, 3, 3) of their colours."""
    return pictures.mean((2, 3)), gram(pictures, centred=True)


def match_colours(pictures: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Return pictures (B, 3, H, W) whose colours have this mean (B, 3) and covariance (B, 3, 3), but for being clipped.

    Each colour c becomes mean + A (c - its picture's mean) with A = covariance^(1/2) (its picture's)^(-1/2).
    """
    own_mean, own_covariance = colours(pictures)
    change = _power(covariance, 0.5) @ _power(own_covariance, -0.5)  # (B, 3, 3)
    centred = pictures.flatten(2) - own_mean[:, :, None]  # (B, 3, H * W)
    return (change @ centred + mean[:, :, None]).unflatten(2, pictures.shape[2:]).clamp(-1, 1)


def _power(matrices: Tensor, exponent: float) -> Tensor:
    """Return powers of covariances (B, 3, 3), whose eigenvalues are taken to be LEAST_SPREAD at least."""
    values, vectors = torch.linalg.eigh(matrices)
    return vectors @ torch.diag_embed(values.clamp_min(LEAST_SPREAD) ** exponent) @ vectors.transpose(1, 2)


def pyramid(pictures: Tensor, levels: int = 4) -> list[Tensor]:
    """Return a Laplacian pyramid: what each halving loses, finest first, and the smallest picture last.

    Raises ValueError if a side cannot be halved so often.
    """
    if min(pictures.shape[2:]) < 2 ** (levels - 1) or levels < 1:
        raise ValueError(f"levels: got {levels} for pictures of {tuple(pictures.shape[2:])} pixels, expected fewer")
    details = []
    for _ in range(levels - 1):
        smaller = F.avg_pool2d(pictures, 2, ceil_mode=True)
        details.append(pictures - _enlarged(smaller, pictures))
        pictures = smaller
    return [*details, pictures]


def collapse(levels: list[Tensor]) -> Tensor:
    """Return the pictures of a Laplacian pyramid."""
    *details, pictures = levels
    for detail in reversed(details):
        pictures = _enlarged(pictures, detail) + detail
    return pictures


def _enlarged(pictures: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(pictures, like.shape[2:], mode="bilinear", align_corners=False)
