"""The U-Net, a generator that turns a picture into another of the same place (Ronneberger et al. 2015)."""

import torch
from torch import Tensor, nn

from ganlab.models.dcgan import _dcgan_weights
from ganlab.runtime import whole_number


class UNet(nn.Module):
    """A U-Net: pictures (B, in_channels, H, W) in [-1, 1] -> pictures (B, channels, H, W) in [-1, 1].

    `halvings` strided convolutions shrink the picture; each of as many doublings (each pixel fourfold, then a 3x3
    convolution, so that no checkerboard is left) also takes what the way down had at its side: the *skips*, by which
    lines stay where they are. Without `skips` all has to pass through the smallest layer. `width` is the first layer's
    channel count; at the defaults there are 0.4 million weights. H and W are multiples of `multiple`, 2 ** halvings.
    """

    def __init__(
        self, in_channels: int = 1, channels: int = 3, *, width: int = 24, halvings: int = 4, skips: bool = True
    ) -> None:
        super().__init__()
        self.in_channels = whole_number("in_channels", in_channels, least=1)
        self.multiple = 2 ** whole_number("halvings", halvings, least=1)
        self.skips = skips
        widths = [whole_number("width", width, least=1) * min(2**k, 4) for k in range(halvings)]  # w, 2w, 4w, 4w
        down: list[nn.Module] = [nn.Sequential(nn.Conv2d(in_channels, width, 4, 2, 1), nn.LeakyReLU(0.2))]
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            convolution = nn.Conv2d(fan_in, fan_out, 4, 2, 1, bias=False)
            down.append(nn.Sequential(convolution, nn.BatchNorm2d(fan_out), nn.LeakyReLU(0.2)))
        up: list[nn.Module] = []
        fan_in = widths[-1]
        for fan_out, beside in zip(widths[-2::-1] + [width], widths[-2::-1] + [in_channels], strict=True):
            doubled = (nn.Upsample(scale_factor=2), nn.Conv2d(fan_in, fan_out, 3, 1, 1, bias=False))
            up.append(nn.Sequential(*doubled, nn.BatchNorm2d(fan_out), nn.ReLU()))
            fan_in = fan_out + (beside if skips else 0)
        self.down = nn.ModuleList(down)
        self.up = nn.ModuleList(up)
        self.last = nn.Sequential(nn.Conv2d(fan_in, channels, 3, 1, 1), nn.Tanh())
        self.apply(_dcgan_weights)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures (B, channels, H, W) for pictures (B, in_channels, H, W)."""
        x = pictures
        inputs: list[Tensor] = []  # (B, in_channels, H, W), (B, w, H / 2, W / 2), ...
        for layer in self.down:
            inputs.append(x)
            x = layer(x)
        for layer in self.up:
            x = layer(x)
            beside = inputs.pop()
            x = torch.cat([x, beside], dim=1) if self.skips else x
        return self.last(x)
