"""The residual generator of CycleGAN, which changes a picture step by step (Johnson et al. 2016; Zhu et al. 2017)."""

import functools

from torch import Tensor, nn

from ganlab.models.dcgan import _dcgan_weights
from ganlab.runtime import whole_number


class Residual(nn.Module):
    """x + two convolutions of x, (B, channels, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        convolution = functools.partial(nn.Conv2d, channels, channels, 3, 1, 1, padding_mode="reflect", bias=False)
        norm = functools.partial(nn.InstanceNorm2d, channels, affine=True)
        self.layers = nn.Sequential(convolution(), norm(), nn.ReLU(), convolution(), norm())

    def forward(self, x: Tensor) -> Tensor:
        """Return x and what the layers add to it."""
        return x + self.layers(x)


class ResNetGenerator(nn.Module):
    """A residual generator: pictures (B, in_channels, H, W) in [-1, 1] -> pictures (B, channels, H, W) in [-1, 1].

    Two strided convolutions, `blocks` residual ones, two doublings (each pixel fourfold, then a 3x3
    convolution). Instance normalisation: what becomes of a picture does not depend on those beside it, which matters
    where pictures of either domain pass the same generator. H and W are multiples of `multiple`, 4.
    """

    def __init__(self, in_channels: int = 3, channels: int = 3, *, width: int = 24, blocks: int = 4) -> None:
        super().__init__()
        self.in_channels = whole_number("in_channels", in_channels, least=1)
        self.multiple = 4
        whole_number("blocks", blocks, least=1)
        widths = [whole_number("width", width, least=1) * 2**k for k in range(3)]  # w, 2w, 4w

        def normalised(convolution: nn.Module, channels: int) -> list[nn.Module]:
            return [convolution, nn.InstanceNorm2d(channels, affine=True), nn.ReLU()]

        first = nn.Conv2d(in_channels, width, 7, 1, 3, padding_mode="reflect", bias=False)
        layers = normalised(first, width)
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += normalised(nn.Conv2d(fan_in, fan_out, 3, 2, 1, bias=False), fan_out)
        layers += [Residual(widths[-1]) for _ in range(blocks)]
        for fan_in, fan_out in zip(widths[::-1], widths[-2::-1], strict=False):
            doubled = nn.Conv2d(fan_in, fan_out, 3, 1, 1, padding_mode="reflect", bias=False)
            layers += [nn.Upsample(scale_factor=2), *normalised(doubled, fan_out)]
        last = nn.Conv2d(width, channels, 7, 1, 3, padding_mode="reflect")
        self.layers = nn.Sequential(*layers, last, nn.Tanh()).apply(_dcgan_weights)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures (B, channels, H, W) for pictures (B, in_channels, H, W)."""
        return self.layers(pictures)
