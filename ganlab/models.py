"""What has weights: generators and critics, fully connected and convolutional. A critic returns one logit a sample."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganlab import losses
from ganlab.runtime import whole_number


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Return linear layers of the given sizes with LeakyReLU(0.2) between them and nothing after the last."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def mlp_input_gradient(weights: Sequence[Tensor], hidden: Sequence[Tensor]) -> Tensor:
    """Return the gradient of an `mlp` with one output by its input, (..., B, fan_in), written out by the chain rule.

    weights (..., fan_out, fan_in) of the layers; hidden: the input (..., B, fan_in) and what LeakyReLU made of each
    layer but the last. LeakyReLU passes on what depends on a sign only, so autograd need not go through this twice.
    """
    gradient = weights[-1].expand_as(hidden[-1])
    for weight, h in zip(reversed(weights[:-1]), reversed(hidden[1:]), strict=True):
        gradient = torch.ops.aten.leaky_relu_backward(gradient, h, 0.2, False) @ weight  # in one kernel
    return gradient


class MLPGenerator(nn.Module):
    """A fully connected generator: z (B, latent_dim) -> samples (B, *output_shape).

    Images, three-dimensional shapes (C, H, W), end in tanh and lie in [-1, 1]; points are left free.
    """

    def __init__(
        self, latent_dim: int = 100, output_shape: Sequence[int] = (1, 28, 28), hidden: Sequence[int] = (128, 256)
    ) -> None:
        super().__init__()
        self.latent_dim = whole_number("latent_dim", latent_dim, least=1)
        self.output_shape = tuple(output_shape)
        self.layers = mlp([latent_dim, *hidden, math.prod(output_shape)])

    def forward(self, z: Tensor) -> Tensor:
        """Return samples (B, *output_shape) for latents z (B, latent_dim)."""
        x = self.layers(z).unflatten(1, self.output_shape)
        return x.tanh() if len(self.output_shape) == 3 else x


class MLPCritic(nn.Module):
    """A fully connected critic: samples (B, *input_shape) -> logits (B,)."""

    def __init__(self, input_shape: Sequence[int] = (1, 28, 28), hidden: Sequence[int] = (256, 128)) -> None:
        super().__init__()
        self.layers = mlp([math.prod(input_shape), *hidden, 1])

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,) for samples x (B, *input_shape)."""
        return self.layers(x.flatten(1)).squeeze(1)  # (B, 1) -> (B,)

    def input_gradient(self, x: Tensor) -> Tensor:
        """Return grad_x c(x), (B, *input_shape), as `losses.input_gradient` does, by `mlp_input_gradient`."""
        if not all(type(layer) in (nn.Linear, nn.LeakyReLU) for layer in self.layers):  # changed by its owner
            return losses.input_gradient(self, x)
        linears, hidden = self.layers[::2], [x.flatten(1)]
        with torch.no_grad():
            for layer in linears[:-1]:
                hidden.append(nn.functional.leaky_relu(layer(hidden[-1]), 0.2))
        return mlp_input_gradient([layer.weight for layer in linears], hidden).view_as(x)


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
        self, latent_dim: int = 100, channels: int = 1, size: int = 32, width: int = 64, upsample: str = "transposed"
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

    def __init__(self, channels: int = 1, size: int = 32, width: int = 64, norm: str = "batch") -> None:
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


class DiffAugment(nn.Module):
    """A layer to stand before a critic of images (B, C, H, W): random changes that gradients pass (Zhao et al. 2020).

    Each image by its own draw: brightness, saturation and contrast; a shift of up to an eighth of the side; a grey
    square of half the side. Random as dropout is, by torch's global state; in evaluation mode it changes nothing.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the changed images, (B, C, H, W)."""
        if not self.training:
            return x
        n, _, height, width = x.shape
        brightness, saturation, contrast, *ways = torch.rand(7, n, 1, 1, 1, device=x.device)
        x = x + brightness - 0.5
        x = torch.lerp(x.mean(1, keepdim=True), x, 2 * saturation)
        x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, contrast + 0.5)
        down, right = (round(side / 8) * (2 * way - 1) for side, way in zip((height, width), ways[:2], strict=True))
        x = _shift(down, height, x) @ x @ _shift(right, width, x).mT
        row, column = torch.arange(height, device=x.device)[:, None], torch.arange(width, device=x.device)
        hidden = ((row - ways[2] * height).abs() < height / 4) & ((column - ways[3] * width).abs() < width / 4)
        return x * ~hidden  # (B, 1, H, W)


def _shift(by: Tensor, side: int, x: Tensor) -> Tensor:
    """Return matrices (B, 1, side, side) that move rows down by `by` (B, 1, 1, 1), rounded, and leave zeros behind."""
    place = torch.arange(side, device=x.device)
    return (place[:, None] - place == by.round()).to(x.dtype)


class Classifier(nn.Module):
    """A small convolutional classifier: images (B, channels, size, size) -> logits (B, classes).

    Its `features`, (B, 64), are what feature-FID compares: they tell apart what the labels tell apart, and little else.
    No batch normalisation: an image's features must not depend on the images beside it.
    """

    def __init__(self, classes: int = 10, channels: int = 1, size: int = 32, width: int = 32) -> None:
        super().__init__()
        self.size = size
        widths = [channels, width] + [2 * width] * (halvings(size) - 1)
        layers: list[nn.Module] = []
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(fan_in, fan_out, 3, 2, 1), nn.ReLU()]  # halves the side, down to 4
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * widths[-1], 64), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(64, classes))

    def features(self, x: Tensor) -> Tensor:
        """Return features (B, 64), all >= 0, for images x (B, channels, size, size) in [-1, 1]."""
        return self.trunk(x)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, classes) for images x (B, channels, size, size) in [-1, 1]."""
        return self.head(self.features(x))


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers in `model`."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def latents(n: int, latent_dim: int, generator: torch.Generator) -> Tensor:
    """Return standard normal latents (n, latent_dim) on the generator's device."""
    return torch.randn(n, latent_dim, generator=generator, device=generator.device)


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Return the point at t on the arc of a circle from a to b, its length going evenly from |a| to |b|.

    a, b: (..., D); t: from 0, exactly a, to 1, exactly b: a number, or a tensor that broadcasts against (...), so that
    t (n,) with a, b (D,) gives a path (n, D). Normal latents of many numbers all have much the same length, and so have
    these points, while the straight line's are shorter in the middle (Shoemake 1985; White 2016). Raises ValueError for
    unequal shapes, t outside [0, 1], and a, b in opposite directions, between which no arc is the shortest.
    """
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    if a.shape != b.shape:
        raise ValueError(f"a, b: got shapes {tuple(a.shape)} and {tuple(b.shape)}, expected the same")
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError(f"t: got {t.tolist()}, expected 0 to 1")
    length_a, length_b = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)  # (..., 1)
    u, v = nn.functional.normalize(a, dim=-1), nn.functional.normalize(b, dim=-1)
    # unlike arccos(u . v), exact for small angles too (Kahan 2006)
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    if (angle > math.pi - 1e-3).any():
        raise ValueError("a, b: got opposite directions, between which no arc is the shortest")
    t = t[..., None]  # (..., 1)
    length = (1 - t) * length_a + t * length_b
    of_a = torch.sin((1 - t) * angle) / torch.sin(angle) * length / length_a
    of_b = torch.sin(t * angle) / torch.sin(angle) * length / length_b
    # where the angle is so small, line and arc agree to rounding; and zero has no direction to turn from
    straight = (angle < 1e-3) | (length_a == 0) | (length_b == 0)
    return torch.where(straight, 1 - t, of_a) * a + torch.where(straight, t, of_b) * b
