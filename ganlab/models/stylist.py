"""A network that paints in one pass: colours by a formula, strokes by convolutions, styles by its normalisation."""

import torch
from torch import Tensor, nn

from ganlab import styles
from ganlab.runtime import whole_number


class StyleNorm(nn.Module):
    """Instance normalisation whose scales and shifts are mixed from those of several styles (Dumoulin et al. 2017)."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.ones(count, channels))
        self.shifts = nn.Parameter(torch.zeros(count, channels))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return x (B, channels, H, W), each channel of each picture of mean 0 and spread 1, scaled and shifted."""
        x = nn.functional.instance_norm(x)
        scale, shift = weights @ self.scales, weights @ self.shifts  # (B, channels)
        return x * scale[:, :, None, None] + shift[:, :, None, None]


class StyleLayer(nn.Module):
    """A convolution, the picture's border reflected, and its norm; with `enlarge` each pixel is made four before it."""

    def __init__(
        self, fan_in: int, fan_out: int, *, count: int, kernel: int = 3, stride: int = 1, enlarge: bool = False
    ) -> None:
        super().__init__()
        self.enlarge = nn.Upsample(scale_factor=2) if enlarge else nn.Identity()
        self.convolution = nn.Conv2d(fan_in, fan_out, kernel, stride, kernel // 2, padding_mode="reflect", bias=False)
        self.norm = StyleNorm(fan_out, count)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return (B, fan_out, H', W') for x (B, fan_in, H, W)."""
        return self.norm(self.convolution(self.enlarge(x)), weights)


class Stylist(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1] -> the same in the style of one of `count` paintings, or of a mixture of them.

    First the picture's colours get the painting's mean and covariance, by `styles.match_colours`; to that a residual
    network adds strokes, at first none. Only the scales and shifts of its instance normalisation belong to a style, all
    convolutions are shared. H and W are multiples of `multiple`; `width` is the first layer's channel count.
    """

    def __init__(self, count: int = 1, *, width: int = 16, blocks: int = 4) -> None:
        super().__init__()
        self.count = whole_number("count", count, least=1)
        self.multiple = 4
        whole_number("blocks", blocks, least=1)
        widths = [whole_number("width", width, least=1) * 2**k for k in range(3)]  # two halvings of the sides
        pairs = list(zip(widths, widths[1:], strict=False))
        down = [StyleLayer(3, width, count=count, kernel=5)]
        down += [StyleLayer(fan_in, fan_out, count=count, stride=2) for fan_in, fan_out in pairs]
        self.down = nn.ModuleList(down)
        self.blocks = nn.ModuleList(StyleLayer(widths[-1], widths[-1], count=count) for _ in range(2 * blocks))
        self.up = nn.ModuleList(StyleLayer(a, b, count=count, enlarge=True) for b, a in reversed(pairs))
        self.last = nn.Conv2d(width, 3, 5, 1, 2, padding_mode="reflect")
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.register_buffer("mean", torch.zeros(count, 3))
        self.register_buffer("covariance", torch.eye(3).repeat(count, 1, 1))

    def learn_colours(self, paintings: Tensor) -> None:
        """Keep the colours' means and covariances of the paintings (count, 3, H, W) in [-1, 1]."""
        if len(paintings) != self.count:
            raise ValueError(f"paintings: got {len(paintings)}, expected {self.count}, one a style")
        mean, covariance = styles.colours(paintings)
        self.mean.copy_(mean)
        self.covariance.copy_(covariance)

    def coloured(self, pictures: Tensor, weights: Tensor) -> Tensor:
        """Return pictures (B, 3, H, W) with the colours of the styles' mixture, weights (B, count)."""
        covariance = (weights @ self.covariance.flatten(1)).unflatten(1, (3, 3))
        return styles.match_colours(pictures, weights @ self.mean, covariance)

    def forward(self, pictures: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return pictures (B, 3, H, W) in the mixture `weights` (B, count) of the styles, in the first one if None."""
        if weights is None:
            weights = torch.eye(self.count, device=pictures.device)[:1].expand(len(pictures), -1)
        coloured = self.coloured(pictures, weights)
        x = coloured
        for layer in self.down:
            x = torch.relu(layer(x, weights))
        for first, second in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            x = x + second(torch.relu(first(x, weights)), weights)
        for layer in self.up:
            x = torch.relu(layer(x, weights))
        return coloured + self.last(x)
