"""The patch critic, which judges each part of a picture on its own, and how much of a picture a network sees."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab.models.dcgan import _dcgan_weights
from ganlab.runtime import whole_number


class PatchCritic(nn.Module):
    """The PatchGAN critic of pix2pix (Isola et al. 2017): x (B, channels, H, W) beside its pair -> logits (B, h, w).

    Each logit is of one patch of the picture, 16, 34 or 70 pixels wide for 1, 2 or 3 `halvings` (`receptive_field`).
    `pair` (B, pair_channels, H, W) is the picture that x is a translation of; with pair_channels=0 the critic sees x
    alone. A pair of another size, a picture that x is an enlargement of, is brought to that of x, each pixel repeated.
    `norm` is "batch" (none on the first layer) or "none".
    """

    def __init__(
        self, channels: int = 3, pair_channels: int = 1, *, width: int = 32, halvings: int = 2, norm: str = "batch"
    ) -> None:
        super().__init__()
        if norm not in ("batch", "none"):
            raise ValueError(f"norm: got {norm!r}, expected 'batch' or 'none'")
        self.pair_channels = whole_number("pair_channels", pair_channels, least=0)
        whole_number("halvings", halvings, least=1)
        widths = [whole_number("width", width, least=1) * min(2**k, 8) for k in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(channels + pair_channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for k, (fan_in, fan_out) in enumerate(zip(widths, widths[1:], strict=False), start=1):
            stride = 2 if k < halvings else 1
            norms = [nn.BatchNorm2d(fan_out)] if norm == "batch" else []
            layers += [nn.Conv2d(fan_in, fan_out, 4, stride, 1, bias=not norms), *norms, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1)).apply(_dcgan_weights)

    def forward(self, x: Tensor, pair: Tensor | None = None) -> Tensor:
        """Return logits (B, h, w) for pictures x (B, channels, H, W) and their pairs (B, pair_channels, H, W)."""
        if self.pair_channels:
            beside = pair if pair.shape[2:] == x.shape[2:] else F.interpolate(pair, x.shape[2:])
            x = torch.cat([x, beside], dim=1)
        return self.layers(x).squeeze(1)  # (B, 1, h, w) -> (B, h, w)


def receptive_field(network: nn.Module) -> int:
    """Return the side, in pixels, of what one output of a network sees, from its convolutions in their order.

    From the last layer to the first, a field of f outputs sees (f - 1) * stride + kernel inputs; dilation spreads the
    kernel. For chains of square convolutions: ValueError if there is none, or one is not square.
    """
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    if not convolutions:
        raise ValueError(f"network: {type(network).__name__} has no convolution, expected a chain of them")
    field = 1
    for layer in reversed(convolutions):
        if len({*layer.kernel_size}) > 1 or len({*layer.stride}) > 1 or len({*layer.dilation}) > 1:
            raise ValueError(f"network: has {layer}, expected convolutions as wide as they are high")
        kernel = (layer.kernel_size[0] - 1) * layer.dilation[0] + 1
        field = (field - 1) * layer.stride[0] + kernel
    return field
