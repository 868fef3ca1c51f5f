"""What changes a VAE's weights: its training as a run of steps, and the bound on images that it was not trained on."""

import copy
import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from ganlab import probability, runtime
from ganlab.models import VAE, given, latents
from ganlab.runtime import Precision, seeded_generator, whole_number
from ganlab.train.precision import fastest, settled
from ganlab.train.run import Keep, Run, Source
from ganlab.train.schedules import warmed_up
from ganlab.train.steps import update_ema, vae_step


@dataclasses.dataclass(frozen=True)
class VAESettings:
    """What a VAE's run is, apart from network and data: with those and the settings equal, the bits are equal.

    `samples` is K: 1 for the ELBO, more for the importance-weighted bound (Burda et al. 2016). `beta` weighs the KL,
    from 0 up to its value over the first `warm_up` steps; the first `free_bits` nats of each latent dimension are free.
    `ema_decay` is of the running average of all weights.
    """

    steps: int
    learning_rate: float = 1e-3
    samples: int = 1
    beta: float = 1.0
    warm_up: int = 0
    free_bits: float = 0.0
    ema_decay: float = 0.998
    seed: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("samples", 1), ("warm_up", 0), ("seed", 0)):
            whole_number(name, getattr(self, name), least)
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: got {self.learning_rate!r}, expected a number > 0")
        for name in ("beta", "free_bits"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name}: got {getattr(self, name)!r}, expected a number >= 0")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay: got {self.ema_decay!r}, expected a number in [0, 1)")
        if self.samples > 1 and (self.beta, self.warm_up, self.free_bits) != (1.0, 0, 0.0):
            raise ValueError(
                f"samples: got {self.samples} with beta, warm_up or free_bits, which need the ELBO: samples=1"
            )

    def beta_at(self, step: int) -> float:
        """Return the weight of the KL in step `step`."""
        return self.beta * min(1.0, (step + 1) / self.warm_up) if self.warm_up else self.beta


class VAERun(Run):
    """Train `vae` in place on images in [0, 1] (scale "binary" or "unit" of `ImageSet.batches`), on `device`.

    `ema` is the running average of its weights, with a better bound than the last ones have. A `ConditionalVAE` is told
    the classes of the images. The noise of step k depends only on (seed, k). Raises ValueError if network and data do
    not fit together.
    """

    panels = ({"bound": "bound"}, {"kl": "KL"})

    def __init__(
        self,
        vae: VAE,
        source: Source,
        settings: VAESettings,
        keep: Keep | None = None,
        device: str | torch.device = "auto",
    ) -> None:
        self.device = runtime.pick_device(device)
        self.vae, self.source = vae.to(self.device), source
        x, keep = source.at(0).to(self.device), keep or Keep()
        self.classes = getattr(vae, "classes", None)
        told = given(vae, self._classes_at(0))
        check_images(told, x)
        chosen = settled(settings.precision, keep, lambda: measured_precision(told, x))
        settings = dataclasses.replace(settings, precision=chosen)
        self.precision = runtime.named_precision(chosen, self.device, runtime.convolutions(vae))
        vae.to(memory_format=self.precision.memory_format)
        optimizer = torch.optim.Adam(vae.parameters(), settings.learning_rate, fused=True)
        self.ema = copy.deepcopy(vae).requires_grad_(False)
        super().__init__({"vae": vae, "ema": self.ema}, {"vae": optimizer}, settings, keep)

    def take_step(self, step: int) -> dict[str, Tensor]:
        """Move encoder and decoder once, and their average; return the bound and the KL."""
        x = self.source.at(step).to(self.device, memory_format=self.precision.memory_format)
        eps = self.noise(step, self.settings.samples, len(x))
        how = (self.settings.beta_at(step), self.settings.free_bits, self.precision)
        record = vae_step(given(self.vae, self._classes_at(step)), self.optimizers["vae"], x, eps, *how)
        update_ema(self.ema, self.vae, warmed_up(self.settings.ema_decay, step))
        return record

    def _classes_at(self, step: int) -> Tensor | None:
        return None if self.classes is None else self.source.labels_at(step).to(self.device)

    def noise(self, step: int, k: int, n: int) -> Tensor:
        """Return the standard normal noise of a step, (k, n, latent_dim)."""
        generator = seeded_generator(self.settings.seed, "eps", step, device=self.device)
        return torch.randn(k, n, self.vae.latent_dim, generator=generator, device=self.device)

    @torch.no_grad()
    def sample(self, z: Tensor | int, y: Tensor | None = None) -> Tensor:
        """Return images in [-1, 1] on the CPU, by `ema`, for latents (n, latent_dim) or n fixed ones of the prior.

        Classes y (n,) by default take turns: 0, 1, 2, ...
        """
        if isinstance(z, int):
            z = latents(z, self.vae.latent_dim, seeded_generator(self.settings.seed, "fixed", device=self.device))
        if self.classes is not None:
            y = torch.arange(len(z)) % self.classes if y is None else y
        return given(self.ema, y if y is None else y.to(self.device))(z.to(self.device)).cpu()

    def frame(self) -> Tensor:
        """Return the samples that the run follows over training."""
        return self.sample(self.keep.samples)


def check_images(vae: VAE, x: Tensor) -> None:
    """Raise ValueError unless images x (B, C, H, W) lie in the range of the VAE's likelihood and pass through it."""
    low, high = x.min().item(), x.max().item()
    if low < 0 or high > 1:
        raise ValueError(f"source: images lie in [{low:g}, {high:g}], expected [0, 1]: scale='binary' or 'unit'")
    between = ((x > 0) & (x < 1)).any().item()
    if vae.likelihood == "bernoulli" and between:
        raise ValueError("source: pixels between 0 and 1 for the bernoulli likelihood, expected 0 or 1: scale='binary'")
    with torch.no_grad():
        try:
            mu, _ = vae.encode(x)
            decoded = vae.decode(mu)
        except RuntimeError as error:
            raise ValueError(f"vae: cannot take images of shape {tuple(x.shape[1:])} ({error})") from error
    if decoded.shape[1:] != x.shape[1:]:
        raise ValueError(f"vae: makes {tuple(decoded.shape[1:])}, expected the data's {tuple(x.shape[1:])}")


def measured_precision(vae: VAE, x: Tensor) -> dict:
    """Time one step on copies in each precision, on the images `x`, as `measured.fastest` says."""

    def trial(precision: Precision) -> Callable[[], object]:
        network = copy.deepcopy(vae).to(memory_format=precision.memory_format)
        optimizer = torch.optim.Adam(network.parameters(), fused=True)
        images = x.to(memory_format=precision.memory_format)
        eps = torch.zeros(1, len(x), vae.latent_dim, device=x.device)
        return lambda: vae_step(network, optimizer, images, eps, precision=precision)

    return fastest([vae], x, trial)


def fit_vae(
    vae: VAE,
    source: Source,
    settings: VAESettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    progress: bool = True,
) -> VAERun:
    """Train to the last step, with a progress bar, and return the run; `VAERun` says what the arguments are."""
    return VAERun(vae, source, settings, keep, device).play(progress)


@torch.no_grad()
def bounds(
    vae: VAE, images: Tensor, samples: int = 1, seed: int = 0, chunk: int = 5000, y: Tensor | None = None
) -> Tensor:
    """Return the importance-weighted bound of each image (N, C, H, W) in [0, 1], with `samples` draws: nats, (N,).

    One sample gives the ELBO, many the estimate of log p(x) that papers report. At most `chunk` images and draws go
    through the decoder at once, so memory does not grow with either. The same call gives the same draws. For a
    `ConditionalVAE`, y (N,) are the images' classes, and the bound is of log p(x | y).
    """
    whole_number("samples", samples, least=1)
    device = next(vae.parameters()).device
    at_once = max(1, chunk // samples)
    found = []
    for number, rows in enumerate(torch.arange(len(images)).split(at_once)):
        x = images[rows].to(device)
        told = given(vae, y if y is None else y[rows].to(device))
        mu, logvar = told.encode(x)
        generator = seeded_generator(seed, "bounds", number)
        parts = []
        for k in (min(chunk, samples - done) for done in range(0, samples, chunk)):
            eps = torch.randn(k, len(x), vae.latent_dim, generator=generator).to(device)
            parts.append(told.log_weights(x, mu, logvar, eps))
        found.append(probability.importance_bound(torch.cat(parts)).cpu())
    return torch.cat(found)
