"""Generators and critics of clips (B, T, C, H, W): space and time at once, or content and motion apart."""

import torch
from torch import Tensor, nn

from ganlab.data.clips import crops
from ganlab.models.dcgan import DCGANCritic, DCGANGenerator, halvings
from ganlab.runtime import whole_number


def _small_weights(module: nn.Module) -> None:
    """Draw weights as DCGAN does, in three dimensions."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm3d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def _first_frames(frames: int, size: int) -> int:
    """Return how many frames there are at 4x4 pixels, before the doublings; ValueError if there is none."""
    doublings = 2 ** halvings(size)
    if whole_number("frames", frames, least=2) % doublings:
        raise ValueError(f"frames: got {frames}, expected a multiple of {doublings}, for pictures of {size} pixels")
    return frames // doublings


class ClipGenerator(nn.Module):
    """DCGAN's generator with time as a third dimension: z (B, latent_dim) -> clips (B, T, C, H, W) in [-1, 1].

    Transposed 4x4x4 convolutions of stride 2 double time, height and width together (the one-stream generator of
    Vondrick et al. 2016). `width` is the number of channels before the last layer.
    """

    def __init__(
        self, latent_dim: int = 100, channels: int = 1, size: int = 32, *, frames: int = 16, width: int = 32
    ) -> None:
        super().__init__()
        self.latent_dim = whole_number("latent_dim", latent_dim, least=1)
        self.frames = frames
        first = (_first_frames(frames, size), 4, 4)
        widths = [width * 2**k for k in reversed(range(halvings(size)))]
        layers: list[nn.Module] = [nn.ConvTranspose3d(latent_dim, widths[0], first, bias=False)]
        for fan_in, fan_out in zip(widths, [*widths[1:], channels], strict=True):
            layers += [nn.BatchNorm3d(fan_in), nn.ReLU(), nn.ConvTranspose3d(fan_in, fan_out, 4, 2, 1)]
        self.layers = nn.Sequential(*layers, nn.Tanh()).apply(_small_weights)

    def forward(self, z: Tensor) -> Tensor:
        """Return clips (B, T, C, H, W) for latents z (B, latent_dim)."""
        return self.layers(z[:, :, None, None, None]).transpose(1, 2)  # (B, C, T, H, W) -> (B, T, C, H, W)


class MotionGenerator(nn.Module):
    """Content and motion apart (MoCoGAN, Tulyakov et al. 2018): z (B, latent_dim) -> clips (B, T, C, H, W) in [-1, 1].

    The first `content_dim` numbers of z say what is seen, in all frames the same; the other `motion_dim` say how it
    moves. A recurrent network makes of those a motion code for each frame, and a DCGAN generator paints each frame from
    content and motion code. The paper draws new noise for each frame too; here one draw decides the whole motion.
    """

    def __init__(
        self,
        content_dim: int = 32,
        motion_dim: int = 8,
        channels: int = 1,
        *,
        size: int = 32,
        frames: int = 16,
        width: int = 32,
        hidden: int = 32,
    ) -> None:
        super().__init__()
        self.content_dim = whole_number("content_dim", content_dim, least=1)
        self.motion_dim = whole_number("motion_dim", motion_dim, least=1)
        self.latent_dim = content_dim + motion_dim
        self.frames = whole_number("frames", frames, least=2)
        self.begin = nn.Linear(motion_dim, hidden)
        self.motion = nn.GRUCell(motion_dim, hidden)
        self.painter = DCGANGenerator(content_dim + hidden, channels, size, width=width)

    def codes(self, z: Tensor) -> Tensor:
        """Return the motion codes of the frames, (B, T, hidden), for latents z (B, latent_dim)."""
        motion = z[:, self.content_dim :]
        state = self.begin(motion).tanh()
        states = []
        for _ in range(self.frames):
            states.append(state)
            state = self.motion(motion, state)
        return torch.stack(states, dim=1)

    def forward(self, z: Tensor) -> Tensor:
        """Return clips (B, T, C, H, W) for latents z (B, latent_dim)."""
        codes = self.codes(z)
        content = z[:, None, : self.content_dim].expand(-1, self.frames, -1)
        frames = self.painter(torch.cat([content, codes], dim=2).flatten(0, 1))  # (B * T, C, H, W)
        return frames.unflatten(0, (len(z), self.frames))


class FrameCritic(nn.Module):
    """A critic that looks at each frame alone: clips (B, T, C, H, W) -> logits (B,), the mean over the frames' logits.

    No order of the frames can change it: a sum does not know in which order it was added up.
    """

    def __init__(self, channels: int = 1, size: int = 32, *, width: int = 32, norm: str = "batch") -> None:
        super().__init__()
        self.frame = DCGANCritic(channels, size, width, norm=norm)

    def frame_logits(self, x: Tensor) -> Tensor:
        """Return the logit of each frame, (B, T)."""
        return self.frame(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,)."""
        return self.frame_logits(x).mean(dim=1)


class ClipCritic(nn.Module):
    """A critic that looks across time: clips (B, T, C, H, W) -> logits (B,), by 4x4x4 convolutions of stride 2."""

    def __init__(
        self, channels: int = 1, size: int = 32, *, frames: int = 16, width: int = 32, norm: str = "batch"
    ) -> None:
        super().__init__()
        if norm not in ("batch", "none"):
            raise ValueError(f"norm: got {norm!r}, expected 'batch' or 'none'")
        last = (_first_frames(frames, size), 4, 4)
        widths = [width * 2**k for k in range(halvings(size))]
        layers: list[nn.Module] = [nn.Conv3d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            norms = [nn.BatchNorm3d(fan_out)] if norm == "batch" else []
            layers += [nn.Conv3d(fan_in, fan_out, 4, 2, 1, bias=not norms), *norms, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1, last)).apply(_small_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,)."""
        return self.layers(x.transpose(1, 2)).flatten()


class BothCritics(nn.Module):
    """A critic of frames and a critic of time in one: clips (B, T, C, H, W) -> the sum of their logits, (B,).

    Logits are logs of ratios of densities, so the sum says: real as a set of frames, and real in their order. MoCoGAN
    adds two losses instead.
    """

    def __init__(
        self, channels: int = 1, size: int = 32, *, frames: int = 16, width: int = 32, norm: str = "batch"
    ) -> None:
        super().__init__()
        self.frames = FrameCritic(channels, size, width=width, norm=norm)
        self.time = ClipCritic(channels, size, frames=frames, width=width, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,)."""
        return self.frames(x) + self.time(x)


class SpriteGenerator(nn.Module):
    """A thing that moves over black: z (B, latent_dim) -> clips (B, T, C, H, W) in [-1, 1].

    The first `content_dim` numbers of z paint one small picture, the sprite, of half the side; the other `motion_dim`
    decide its path, by a recurrent network that gives a place for each frame. The sprite is then put there, between
    pixels too (Jaderberg et al. 2015), so that all frames show the same thing by construction.
    """

    def __init__(
        self,
        content_dim: int = 32,
        motion_dim: int = 8,
        channels: int = 1,
        *,
        size: int = 32,
        frames: int = 16,
        width: int = 32,
        hidden: int = 32,
    ) -> None:
        super().__init__()
        self.content_dim = whole_number("content_dim", content_dim, least=1)
        self.motion_dim = whole_number("motion_dim", motion_dim, least=1)
        self.latent_dim = content_dim + motion_dim
        self.frames = whole_number("frames", frames, least=2)
        self.size = size
        self.begin = nn.Linear(motion_dim, hidden)
        self.motion = nn.GRUCell(motion_dim, hidden)
        self.place = nn.Linear(hidden, 2)
        self.painter = DCGANGenerator(content_dim, channels, size // 2, width=width)

    def places(self, z: Tensor) -> Tensor:
        """Return the row and column of the sprite's centre in pixels, (B, T, 2), for latents z (B, latent_dim)."""
        motion = z[:, self.content_dim :]
        state = self.begin(motion).tanh()
        states = []
        for _ in range(self.frames):
            states.append(state)
            state = self.motion(motion, state)
        inside = self.place(torch.stack(states, dim=1)).sigmoid()
        return self.size / 4 + self.size / 2 * inside  # the whole sprite stays in the picture

    def forward(self, z: Tensor) -> Tensor:
        """Return clips (B, T, C, H, W) for latents z (B, latent_dim)."""
        sprite = (self.painter(z[:, : self.content_dim]) + 1) / 2  # (B, C, size / 2, size / 2), black is 0
        return 2 * crops(sprite, self.size / 4 - self.places(z), self.size) - 1
