"""Networks that bring back what a picture has lost: more pixels, and what was in a hole."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab.models.unet import UNet
from ganlab.runtime import whole_number


class ResidualBlock(nn.Module):
    """x + two convolutions of x, (B, width, h, w) -> the same; without normalisation, which shifts colours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return x and what the layers add to it."""
        return x + self.layers(x)


class SuperResolver(nn.Module):
    """A small residual network (after EDSR, Lim et al. 2017): (B, channels, h, w) -> (B, channels, factor h, factor w).

    What it returns is bicubic enlargement plus what its layers make, which is 0 before training: it starts as bicubic.
    `blocks` residual blocks of `width` channels look at the small picture; each doubling repeats pixels and convolves
    (no checkerboards), the last one into half the channels. `factor` is 1 (what has lost no pixels: noise, blur), 2, 4
    or 8. Pictures in [-1, 1]; the answer may overshoot a little. At the defaults there are 0.13 million weights.
    """

    def __init__(self, channels: int = 3, *, factor: int = 4, width: int = 32, blocks: int = 6) -> None:
        super().__init__()
        if factor not in (1, 2, 4, 8):
            raise ValueError(f"factor: got {factor!r}, expected 1, 2, 4 or 8")
        self.in_channels = whole_number("channels", channels, least=1)
        self.factor = factor
        whole_number("width", width, least=2)
        first = nn.Conv2d(channels, width, 3, 1, 1)
        body = [ResidualBlock(width) for _ in range(whole_number("blocks", blocks, least=1))]
        layers: list[nn.Module] = [first, *body]
        fan_in = width
        while factor > 1:
            factor //= 2
            fan_out = width if factor > 1 else width // 2
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(fan_in, fan_out, 3, 1, 1), nn.LeakyReLU(0.2)]
            fan_in = fan_out
        last = nn.Conv2d(fan_in, channels, 3, 1, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures of `factor` times the sides."""
        sides = [self.factor * side for side in pictures.shape[2:]]
        enlarged = pictures if self.factor == 1 else F.interpolate(pictures, sides, mode="bicubic")
        return enlarged + self.layers(pictures)


class Inpainter(nn.Module):
    """A U-Net that fills holes: (B, channels + 1, H, W) -> (B, channels, H, W), pictures in [-1, 1].

    The last channel says where the hole is, above 0 (`data.Holes` gives 1 and -1). What is known is pasted back:
    outside the hole the picture is returned bit for bit, so that losses and critics see what people will see. With
    `noise` what lies in the hole is taken as it is given, noise from which each draw makes another answer; without, it
    is not looked at. H and W are multiples of `multiple`, 2 ** halvings.
    """

    def __init__(self, channels: int = 3, *, width: int = 24, halvings: int = 4, noise: bool = False) -> None:
        super().__init__()
        self.noise = noise
        self.in_channels = whole_number("channels", channels, least=1) + 1
        self.unet = UNet(self.in_channels, channels, width=width, halvings=halvings)
        self.multiple = self.unet.multiple

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pictures with their holes filled, (B, channels, H, W)."""
        known, place = pictures[:, :-1], pictures[:, -1:]
        hole = place > 0
        given = known if self.noise else torch.where(hole, 0.0, known)
        return torch.where(hole, self.unet(torch.cat([given, place], 1)), known)
