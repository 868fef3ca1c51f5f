"""Random changes of images that gradients pass."""

import torch
from torch import Tensor, nn


class DiffAugment(nn.Module):
    """A layer to stand before a critic of images (B, C, H, W): random changes that gradients pass (Zhao et al. 2020).

    Each image by its own draw: brightness, saturation and contrast; a shift of up to an eighth of the side; a grey
    square of half the side. Random as dropout is, by torch's global state; in evaluation mode it changes nothing.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the changed images, (B, C, H, W)."""
        if not self.training:
            return x
        n, _, height, width = x.shape
        brightness, saturation, contrast, *places = torch.rand(7, n, 1, 1, 1, device=x.device)
        x = x + brightness - 0.5
        x = torch.lerp(x.mean(1, keepdim=True), x, 2 * saturation)
        x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, contrast + 0.5)
        down = round(height / 8) * (2 * places[0] - 1)
        right = round(width / 8) * (2 * places[1] - 1)
        x = _shift(down, height, x) @ x @ _shift(right, width, x).mT
        row = torch.arange(height, device=x.device)[:, None]
        column = torch.arange(width, device=x.device)
        square = ((row - places[2] * height).abs() < height / 4) & ((column - places[3] * width).abs() < width / 4)
        return x * ~square  # (B, 1, H, W)


def _shift(by: Tensor, side: int, x: Tensor) -> Tensor:
    """Return matrices (B, 1, side, side) that move rows down by `by` (B, 1, 1, 1), rounded, and leave zeros behind."""
    place = torch.arange(side, device=x.device)
    return (place[:, None] - place == by.round()).to(x.dtype)
