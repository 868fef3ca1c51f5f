"""What has weights, variational: encoders and decoders, and the likelihood that joins a picture to its latents."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganlab import probability
from ganlab.models.mlp import mlp
from ganlab.runtime import whole_number

LIKELIHOODS = ("bernoulli", "logistic")


class VAE(nn.Module):
    """A variational autoencoder: q(z | x) = N(mu, sigma^2) from `encoder`, p(x | z) from `decoder`, p(z) = N(0, 1).

    `encoder` maps images (B, C, H, W) in [0, 1] to (B, 2 latent_dim), `decoder` (B, latent_dim) to (B, C, H, W).
    With the "bernoulli" likelihood the decoder's outputs are logits of pixels that are 0 or 1; with "logistic" they are
    means of pixels k / 255, with one learned scale for all, so that the bound is of a real image's probability.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, latent_dim: int, *, likelihood: str = "bernoulli"
    ) -> None:
        super().__init__()
        if likelihood not in LIKELIHOODS:
            raise ValueError(f"likelihood: got {likelihood!r}, expected one of {', '.join(LIKELIHOODS)}")
        self.latent_dim = whole_number("latent_dim", latent_dim, least=1)
        self.likelihood = likelihood
        self.encoder = encoder
        self.decoder = decoder
        self.log_scale = nn.Parameter(torch.tensor(-2.0)) if likelihood == "logistic" else None

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar = log sigma^2 of q(z | x), each (B, latent_dim)."""
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return mu.float(), logvar.float()

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x | z), images (B, C, H, W) in [0, 1], for latents z (B, latent_dim)."""
        location = self.decoder(z).float()
        return location.sigmoid() if self.likelihood == "bernoulli" else location.clamp(0, 1)

    def forward(self, z: Tensor) -> Tensor:
        """Return `decode` in [-1, 1], the range of generators, so that a VAE can stand where a generator does."""
        return 2 * self.decode(z) - 1

    def log_p_x_given_z(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x | z) in nats, summed over pixels: (B,)."""
        location = self.decoder(z).float()
        if self.likelihood == "bernoulli":
            return probability.bernoulli_log_density(x, location).flatten(1).sum(1)
        return probability.discretized_logistic_log_density(x, location, self.log_scale).flatten(1).sum(1)

    def log_weights(self, x: Tensor, mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
        """Return log p(x, z_k) - log q(z_k | x) in nats, (K, B), for z_k = mu + sigma eps_k, eps (K, B, latent_dim)."""
        z = probability.reparameterise(mu, logvar, eps)  # (K, B, latent_dim)
        copies = x.expand(len(eps), *x.shape).flatten(0, 1)  # (K * B, C, H, W)
        log_p_x = self.log_p_x_given_z(copies, z.flatten(0, 1)).view(eps.shape[:2])
        # log q(z | x) in terms of eps: (z - mu) / sigma would lose eps where sigma is tiny
        return log_p_x + (0.5 * (eps**2 - z**2 + logvar)).sum(2)


class ActiveVAE(nn.Module):
    """A VAE on the latents that it uses: between latents (B, n) and images (B, C, side, side) in [-1, 1].

    `active` (latent_dim,) of bool says which are used; the decoder gets 0 for the others. `margin` is a black border
    in pixels, so that images compare with those of a larger generator. `latent_dim` is n, how many are used.
    """

    def __init__(self, vae: VAE, active: Tensor, *, margin: int = 0) -> None:
        super().__init__()
        if active.shape != (vae.latent_dim,) or active.dtype != torch.bool or not active.any():
            got = f"{active.dtype} of shape {tuple(active.shape)} with {int(active.sum())} true"
            raise ValueError(
                f"active: got {got}, expected torch.bool of shape ({vae.latent_dim},) with one true or more"
            )
        self.vae = vae
        self.margin = whole_number("margin", margin, least=0)
        self.register_buffer("used", active.nonzero()[:, 0].to(next(vae.parameters()).device))  # (n,)
        self.latent_dim = len(self.used)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of q(z | x) for images as `forward` returns them, each (B, n)."""
        inner = images[..., self.margin : images.shape[-2] - self.margin, self.margin : images.shape[-1] - self.margin]
        mu, logvar = self.vae.encode((inner + 1) / 2)
        return mu[:, self.used], logvar[:, self.used]

    def forward(self, z: Tensor) -> Tensor:
        """Return the decoder's images of z (B, n): (B, C, side, side) in [-1, 1]."""
        whole = z.new_zeros(len(z), self.vae.latent_dim)
        whole[:, self.used] = z
        return nn.functional.pad(self.vae(whole), (self.margin,) * 4, value=-1.0)


def mlp_vae(latent_dim: int = 20, shape: Sequence[int] = (1, 28, 28), hidden: int = 400) -> VAE:
    """Return the classic VAE of Kingma and Welling (2014): one hidden layer either way."""
    size = math.prod(shape)
    encoder = nn.Sequential(nn.Flatten(), *mlp([size, hidden, 2 * latent_dim]))
    decoder = nn.Sequential(*mlp([latent_dim, hidden, size]), nn.Unflatten(1, tuple(shape)))
    return VAE(encoder, decoder, latent_dim)


class Residual(nn.Module):
    """x + f(x) for images x (B, channels, H, W), where f looks at each pixel's neighbours."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.SiLU(), nn.Conv2d(channels, channels, 3, 1, 1), nn.SiLU(), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x + f(x)."""
        return x + self.f(x)


def conv_vae(
    latent_dim: int = 32,
    channels: int = 1,
    size: int = 32,
    *,
    width: int = 16,
    likelihood: str = "bernoulli",
    hidden: int = 256,
) -> VAE:
    """Return a convolutional VAE for images (channels, size, size): halved down to 4x4 to 7x7, and doubled again.

    `width` counts the channels beside the image, `hidden` the units between the smallest images and the latents. No
    batch normalisation: its noise would enter the bound.
    """
    steps, side = _halvings(size)
    widths = [width * 2 ** min(k, 2) for k in range(steps)]  # at most four times as wide
    smallest = (widths[-1], side, side)
    encoder: list[nn.Module] = []
    for fan_in, fan_out in zip([channels, *widths], widths, strict=False):
        encoder += [nn.Conv2d(fan_in, fan_out, 4, 2, 1), Residual(fan_out), nn.SiLU()]
    encoder += [nn.Flatten(), nn.Linear(math.prod(smallest), hidden), nn.SiLU(), nn.Linear(hidden, 2 * latent_dim)]
    decoder: list[nn.Module] = [nn.Linear(latent_dim, hidden), nn.SiLU(), nn.Linear(hidden, math.prod(smallest))]
    decoder += [nn.Unflatten(1, smallest)]
    for fan_in, fan_out in zip(widths[::-1], [*widths[-2::-1], channels], strict=True):
        decoder += [Residual(fan_in), nn.SiLU(), nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1)]
    return VAE(nn.Sequential(*encoder), nn.Sequential(*decoder), latent_dim, likelihood=likelihood)


def _halvings(size: int) -> tuple[int, int]:
    """Return how many times `size` halves before it is below 8, and what is left; ValueError when it does not."""
    steps = 0
    side = size
    while side >= 8 and side % 2 == 0:
        steps += 1
        side //= 2
    if not (steps and 4 <= side < 8):
        raise ValueError(f"size: got {size!r}, expected 4, 5, 6 or 7 times a power of two (28, 32 and 64 are usual)")
    return steps, side
