"""Conditional generators, critics and VAEs, which take a class as well, made of those that take none.

A class y is a whole number, (B,), or a row of weights that add up to 1, (B, classes): so one can ask for a mixture.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab.models.dcgan import DCGANCritic, DCGANGenerator
from ganlab.models.mlp import MLPCritic
from ganlab.models.vae import VAE, conv_vae
from ganlab.runtime import whole_number

EMBEDDING = 32  # numbers that stand for a class beside z


def class_weights(y: Tensor, classes: int) -> Tensor:
    """Return the weights (B, classes) of classes y: a whole number (B,) has all its weight on one class.

    Raises ValueError for weights of another number of classes.
    """
    if not y.is_floating_point():
        return F.one_hot(y, classes).to(torch.get_default_dtype())
    if y.ndim != 2 or y.shape[1] != classes:
        raise ValueError(f"y: got weights of shape {tuple(y.shape)}, expected (B, {classes})")
    return y


class Given(nn.Module):
    """A network with its classes y filled in, as a function of x or z alone: so no step or widget need know of classes.

    y: n classes (n,) or weights (n, classes). A batch of k * n rows takes them k times over, from the first row on.
    """

    def __init__(self, network: nn.Module, y: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("y", y)

    @property
    def latent_dim(self) -> int:
        """Return how many numbers the z has that a generator or VAE takes beside the class."""
        return self.network.latent_dim

    def forward(self, x: Tensor) -> Tensor:
        """Return what the network makes of x (k * n, ...) and the classes."""
        if len(x) % len(self.y):
            raise ValueError(f"x: got {len(x)} rows for {len(self.y)} classes, expected a multiple")
        return self.network(x, self.y.repeat(len(x) // len(self.y), *[1] * (self.y.ndim - 1)))


def given(network: nn.Module, y: Tensor | None) -> nn.Module:
    """Return `network` with its classes filled in, sharing its weights; with None the network as it is."""
    if y is None:
        return network
    return network.given(y) if isinstance(network, ConditionalVAE) else Given(network, y)


class ConditionalGenerator(nn.Module):
    """G(z, y): `body` on z (B, latent_dim) and a learned vector e(y) of `embedding` numbers (Mirza and Osindero 2014).

    The decoder of a conditional VAE as well. `body` takes latent_dim + embedding numbers.
    """

    def __init__(self, body: nn.Module, latent_dim: int, classes: int, *, embedding: int = EMBEDDING) -> None:
        super().__init__()
        self.latent_dim = whole_number("latent_dim", latent_dim, least=1)
        self.classes = whole_number("classes", classes, least=2)
        self.body = body
        self.embedding = nn.Parameter(torch.randn(classes, embedding))  # as wide as normal latents are

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return samples for latents z (B, latent_dim) and classes y; between classes, their vectors are mixed."""
        return self.body(torch.cat([z, class_weights(y, self.classes) @ self.embedding], dim=1))


class ProjectionCritic(nn.Module):
    """c(x, y) = score(phi(x)) + <v(y), phi(x)>, phi the features below a critic's last layer (Miyato and Koyama 2018).

    The first term judges the image, the second whether it is of its class. `critic` gives up its layers.
    """

    def __init__(self, critic: DCGANCritic | MLPCritic, classes: int) -> None:
        super().__init__()
        *layers, last = critic.layers
        features = last.weight[0].numel()
        self.classes = whole_number("classes", classes, least=2)
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.score = nn.Linear(features, 1)
        self.of_class = nn.Linear(classes, features, bias=False)  # v(y)
        nn.init.normal_(self.of_class.weight, 0.0, 0.02)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits (B,) for samples x (B, ...) said to be of classes y."""
        phi = self.features(x)  # (B, features)
        return self.score(phi).squeeze(1) + (self.of_class(class_weights(y, self.classes)) * phi).sum(1)


class ConditionalEncoder(nn.Module):
    """(x, y) -> mu and logvar: `body` takes the image with a learned picture of its class added to it."""

    def __init__(self, body: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        self.body = body
        self.classes = classes
        self.pictures = nn.Parameter(torch.zeros(classes, *shape))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return mu and logvar side by side, (B, 2 latent_dim), for images x (B, C, H, W) of classes y."""
        return self.body(x + torch.tensordot(class_weights(y, self.classes), self.pictures, dims=1))


class ConditionalVAE(VAE):
    """p(x | z, y) and q(z | x, y), with the same prior N(0, 1) for all classes: z need not say what y says.

    Encoder and decoder take y: `given(y)` is a VAE like any other, with the same weights.
    """

    def __init__(
        self, encoder: ConditionalEncoder, decoder: ConditionalGenerator, likelihood: str = "bernoulli"
    ) -> None:
        super().__init__(encoder, decoder, decoder.latent_dim, likelihood=likelihood)
        self.classes = decoder.classes

    def given(self, y: Tensor) -> VAE:
        """Return the VAE of images of classes y (n,), or of weights (n, classes)."""
        vae = VAE(Given(self.encoder, y), Given(self.decoder, y), self.latent_dim, likelihood=self.likelihood)
        vae.log_scale = self.log_scale
        return vae

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return images in [-1, 1] for latents z (B, latent_dim) and classes y, as a generator does."""
        return self.given(y)(z)


def conditional_generator(classes: int, latent_dim: int = 100, **shape: object) -> nn.Module:
    """Return a conditional DCGAN generator; `shape` is what `DCGANGenerator` takes: channels, size, width, upsample."""
    return ConditionalGenerator(DCGANGenerator(latent_dim + EMBEDDING, **shape), latent_dim, classes)


def conditional_critic(classes: int, **shape: object) -> nn.Module:
    """Return a DCGAN critic with projection; `shape` is what `DCGANCritic` takes: channels, size, width, norm."""
    return ProjectionCritic(DCGANCritic(**shape), classes)


def conditional_vae(classes: int, latent_dim: int = 32, **shape: object) -> ConditionalVAE:
    """Return a conditional VAE; `shape` is what `conv_vae` takes: channels, size, width, likelihood, hidden."""
    encoder = conv_vae(latent_dim, **shape).encoder
    decoder = ConditionalGenerator(conv_vae(latent_dim + EMBEDDING, **shape).decoder, latent_dim, classes)
    image = (shape.get("channels", 1), *[shape.get("size", 32)] * 2)
    return ConditionalVAE(ConditionalEncoder(encoder, image, classes), decoder, shape.get("likelihood", "bernoulli"))
