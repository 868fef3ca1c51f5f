"""The convolutional networks of DCGAN (Radford et al. 2016), and spectral normalisation of any critic.

Kernels of 4 x 4 and the first layer's stamp are those of PyTorch's example. The authors' own program has kernels of
5 x 5, a fully connected layer to 4 x 4 in front of them, and uniform latents.
"""

import math

from torch import Tensor, nn

from ganlab.runtime import whole_number


def _dcgan_weights(module: nn.Module) -> None:
    """Draw weights as DCGAN does: N(0, 0.02), and N(1, 0.02) for the scale of batch normalisation."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def halvings(size: int) -> int:
    """Return how many times `size` halves down to 4; raise ValueError when it does not."""
    if size < 8 or size & (size - 1):
        raise ValueError(f"size: got {size!r}, expected a power of two >= 8 (32 and 64 are usual)")
    return int(math.log2(size)) - 2


def _doubling(fan_in: int, fan_out: int, upsample: str, bias: bool) -> list[nn.Module]:
    """Return layers that double the side: a strided transposed convolution, or each pixel fourfold and a convolution.

    The second way treats all pixels alike, and so leaves no checkerboard (Odena et al. 2016).
    """
    if upsample == "transposed":
        return [nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1, bias=bias)]
    return [nn.Upsample(scale_factor=2), nn.Conv2d(fan_in, fan_out, 3, 1, 1, bias=bias)]


class DCGANGenerator(nn.Module):
    """The generator of DCGAN (Radford et al. 2016): z (B, latent_dim) -> images (B, channels, size, size) in [-1, 1].

    4x4 first, then doubled again and again; `width` is the channel count before the last layer. `upsample` doubles by
    strided "transposed" convolutions, as in the paper, or by "resize": each pixel fourfold, then a 3x3 convolution.
    """

    def __init__(
        self, latent_dim: int = 100, channels: int = 1, size: int = 32, *, width: int = 64, upsample: str = "transposed"
    ) -> None:
        super().__init__()
        if upsample not in ("transposed", "resize"):
            raise ValueError(f"upsample: got {upsample!r}, expected 'transposed' or 'resize'")
        self.latent_dim = whole_number("latent_dim", latent_dim, least=1)
        widths = [width * 2**k for k in reversed(range(halvings(size)))]  # e.g. size 64: 8w, 4w, 2w, w
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent_dim, widths[0], 4, 1, 0, bias=False)]
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += [nn.BatchNorm2d(fan_in), nn.ReLU(), *_doubling(fan_in, fan_out, upsample, bias=False)]
        layers += [nn.BatchNorm2d(widths[-1]), nn.ReLU(), *_doubling(widths[-1], channels, upsample, bias=True)]
        layers += [nn.Tanh()]
        self.layers = nn.Sequential(*layers).apply(_dcgan_weights)

    def forward(self, z: Tensor) -> Tensor:
        """Return images (B, channels, size, size) for latents z (B, latent_dim)."""
        return self.layers(z[:, :, None, None])  # (B, latent_dim, 1, 1)


class DCGANCritic(nn.Module):
    """The critic of DCGAN: images (B, channels, size, size) -> logits (B,), halved by strided convolutions.

    No batch normalisation on the first layer, as in the paper: it would hide the images' own mean and contrast. None at
    all with `norm="none"`, for penalties: the slope at a sample means nothing where samples are mixed.
    """

    def __init__(self, channels: int = 1, size: int = 32, width: int = 64, *, norm: str = "batch") -> None:
        super().__init__()
        if norm not in ("batch", "none"):
            raise ValueError(f"norm: got {norm!r}, expected 'batch' or 'none'")
        widths = [width * 2**k for k in range(halvings(size))]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            norms = [nn.BatchNorm2d(fan_out)] if norm == "batch" else []
            layers += [nn.Conv2d(fan_in, fan_out, 4, 2, 1, bias=not norms), *norms, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 0)).apply(_dcgan_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,) for images x (B, channels, size, size)."""
        return self.layers(x).flatten()  # (B, 1, 1, 1) -> (B,)


def spectrally_normalised(critic: nn.Module) -> nn.Module:
    """Divide each layer's weight matrix by its largest singular value, in place; return it (Miyato et al. 2018).

    One step of power iteration a forward pass in training; a convolution's matrix is (channels out, all the rest).
    """
    for module in [part for part in critic.modules() if isinstance(part, nn.Linear | nn.Conv2d)]:
        nn.utils.parametrizations.spectral_norm(module)
    return critic
