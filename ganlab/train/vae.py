"""A VAE's training as a task, and the bound of images that it was not trained on."""

import dataclasses

import torch
from torch import Tensor, nn

from ganlab import probability
from ganlab.data import Batch, ImageSet, Source
from ganlab.models import VAE, evaluating, given
from ganlab.runtime import seeded_generator, whole_number
from ganlab.train.keep import Keep
from ganlab.train.run import Run
from ganlab.train.steps import vae_step
from ganlab.train.task import (
    Optimizers,
    Stage,
    Task,
    check_decay,
    check_rate,
    check_threads,
    check_whole,
    images_at_once,
)


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
    _: dataclasses.KW_ONLY
    beta: float = 1.0
    warm_up: int = 0
    free_bits: float = 0.0
    ema_decay: float = 0.998
    seed: int = 0
    precision: str = "auto"
    threads: int | str = "auto"

    def __post_init__(self) -> None:
        check_whole(self, steps=1, samples=1, warm_up=0, seed=0)
        check_threads(self)
        check_rate("learning_rate", self.learning_rate)
        for name in ("beta", "free_bits"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name}: got {getattr(self, name)!r}, expected a number >= 0")
        check_decay(self.ema_decay)
        if self.samples > 1 and (self.beta, self.warm_up, self.free_bits) != (1.0, 0, 0.0):
            raise ValueError(
                f"samples: got {self.samples} with beta, warm_up or free_bits, which need the ELBO: samples=1"
            )

    def beta_at(self, step: int) -> float:
        """Return the weight of the KL in step `step`."""
        return self.beta * min(1.0, (step + 1) / self.warm_up) if self.warm_up else self.beta


class VAETask(Task):
    """A VAE on images in [0, 1] (scale "binary" or "unit" of `ImageSet.batches`).

    The running average of its weights has a better bound than the last ones have. A `ConditionalVAE` gets the classes
    of the images.
    """

    averaged = "vae"
    panels = ({"bound": "bound"}, {"kl": "KL"})

    def __init__(self, vae: VAE, settings: VAESettings) -> None:
        super().__init__({"vae": vae}, settings)
        self.classes = getattr(vae, "classes", None)
        self.scale = "binary" if vae.likelihood == "bernoulli" else "unit"

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Move encoder and decoder once; return the bound and the KL."""
        settings = run.settings
        vae = run.networks["vae"]
        batch = run.batch(k)
        size = settings.samples, len(batch.x), vae.latent_dim
        eps = torch.randn(size, generator=run.generator("eps", k), device=run.device)
        return vae_step(
            given(vae, self.classes_in(batch)),
            run.optimizers["vae"],
            batch.x,
            eps,
            beta=settings.beta_at(k),
            free_bits=settings.free_bits,
            precision=run.precision,
        )

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """Return decoded images in [-1, 1], (n, C, H, W)."""
        return given(network, y)(z)

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless images lie in the range of the VAE's likelihood and pass through it."""
        if self.classes is not None and batch.y is None:
            raise ValueError("source: has no classes (`labels_at`), which the VAE asks for")
        check_images(given(self.networks["vae"], self.classes_in(batch)), batch.x)


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


def fit_vae(
    vae: VAE,
    source: Source,
    settings: VAESettings,
    *,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
    progress: bool = True,
) -> Run:
    """Train to the last step, with a progress bar, and return the run; `Run` says what the arguments are."""
    task = VAETask(vae, settings)
    return Run(task, source, keep=keep, device=device, optimizers=optimizers).play(progress)


@torch.no_grad()
def bounds(
    vae: VAE, images: Tensor, samples: int = 1, *, seed: int = 0, chunk: int = 5000, y: Tensor | None = None
) -> Tensor:
    """Return the importance-weighted bound of each image (N, C, H, W) in [0, 1], with `samples` draws: nats, (N,).

    One sample gives the ELBO, many the estimate of log p(x) that papers report. At most `chunk` images and draws go
    through the decoder at once, so memory does not grow with either. The same call gives the same draws, and the VAE is
    in evaluation mode. For a `ConditionalVAE`, y (N,) are the images' classes, and the bound is of log p(x | y).
    """
    whole_number("samples", samples, least=1)
    device = next(vae.parameters()).device
    at_once = max(1, chunk // samples)
    parts = []
    with evaluating(vae):
        for number, rows in enumerate(torch.arange(len(images)).split(at_once)):
            x = images[rows].to(device)
            conditional = given(vae, y if y is None else y[rows].to(device))
            mu, logvar = conditional.encode(x)
            generator = seeded_generator(seed, "bounds", number)
            log_weights = []
            for k in (min(chunk, samples - done) for done in range(0, samples, chunk)):
                eps = torch.randn(k, len(x), vae.latent_dim, generator=generator).to(device)
                log_weights.append(conditional.log_weights(x, mu, logvar, eps))
            parts.append(probability.importance_bound(torch.cat(log_weights)).cpu())
    return torch.cat(parts)


def held_out_bound(vae: VAE, images: ImageSet, samples: int = 1) -> Tensor:
    """Return the mean bound of a whole set, in nats, its images looked at a few at a time whatever their size."""
    at_once = images_at_once(images.images)
    scale = "binary" if vae.likelihood == "bernoulli" else "unit"
    parts = []
    for k, rows in enumerate(torch.arange(len(images)).split(at_once)):
        labels = None if images.labels is None else images.labels[rows]
        few = dataclasses.replace(images, images=images.images[rows], labels=labels, pairs=None)
        batch = few.batches(len(rows), k, scale=scale).batch(0)
        y = batch.y if hasattr(vae, "classes") else None
        parts.append(bounds(vae, batch.x, samples, seed=k, chunk=at_once, y=y))
    return torch.cat(parts).mean()
