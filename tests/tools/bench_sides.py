"""The two sides of `make bench`, a GAN's loop as the usual example scripts write it and ganlab's run, and the clock.

What such scripts have in common (PyTorch's own DCGAN example, PyTorch-GAN): a DataLoader over a Dataset that makes a
PIL image of each item, then a tensor in [0, 1], then a normalised one; float32; sigmoid and BCELoss; Adam as it comes;
`.item()` on three losses at every step. The networks are ganlab's, so that both sides train the same mathematics.
"""

import dataclasses
import itertools
import statistics
import time
from collections.abc import Iterator

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ganlab import data, models, runtime, train

LATENT_DIM = 100
Steps = Iterator[object]


def to_tensor(image: PIL.Image.Image) -> Tensor:
    """Return an image as floats (C, H, W) in [0, 1], by the operations of torchvision's ToTensor."""
    pixels = torch.from_numpy(np.array(image)).view(image.height, image.width, -1)  # (H, W, C)
    return pixels.permute(2, 0, 1).contiguous().float().div(255)


def normalize(tensor: Tensor, mean: list[float], std: list[float]) -> Tensor:
    """Return (tensor - mean) / std by channel, by the operations of torchvision's Normalize, its check included."""
    tensor = tensor.clone()
    mean, std = torch.as_tensor(mean).view(-1, 1, 1), torch.as_tensor(std).view(-1, 1, 1)
    if (std == 0).any():
        raise ValueError("std: got a zero, expected numbers > 0")
    return tensor.sub_(mean).div_(std)


class ScriptSet(Dataset):
    """A set as torchvision holds it: the pixels in one tensor, each item transformed when it is asked for."""

    def __init__(self, images: Tensor) -> None:
        self.pixels = images.squeeze(1) if images.shape[1] == 1 else images.permute(0, 2, 3, 1)
        self.half = [0.5] * images.shape[1]

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = PIL.Image.fromarray(self.pixels[index].numpy())
        return normalize(to_tensor(image), self.half, self.half), 0  # a label, which a GAN's loop drops


class Script:
    """What a script has in its global variables, and the inside of its loop as a method."""

    def __init__(self, generator: nn.Module, critic: nn.Module) -> None:
        self.generator, self.discriminator = generator, nn.Sequential(critic, nn.Sigmoid())
        self.criterion = nn.BCELoss()
        self.optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step(self, real: Tensor, z: Tensor, z_next: Tensor | None = None) -> tuple[float, float, float]:
        """Train both networks once; return the losses on real images, on fakes, and the generator's.

        Without `z_next` the generator learns from the fakes that the discriminator has just seen. Many scripts do so:
        it saves a pass, and is not quite ganlab's mathematics.
        """
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        self.optimizer_d.zero_grad()
        loss_real = self.criterion(self.discriminator(real), ones)
        loss_real.backward()
        fake = self.generator(z)
        loss_fake = self.criterion(self.discriminator(fake.detach()), zeros)
        loss_fake.backward()
        self.optimizer_d.step()
        self.optimizer_g.zero_grad()
        fake = fake if z_next is None else self.generator(z_next)
        loss_g = self.criterion(self.discriminator(fake), ones)
        loss_g.backward()
        self.optimizer_g.step()
        return loss_real.item(), loss_fake.item(), loss_g.item()

    def steps(self, images: Tensor, batch_size: int, keep_fakes: bool = False) -> Iterator[tuple[float, float, float]]:
        """Yield the losses of one step after another on images uint8 (N, C, H, W), without end."""
        for real in batches(images, batch_size):
            z = torch.randn(len(real), LATENT_DIM)
            yield self.step(real, z, None if keep_fakes else torch.randn(len(real), LATENT_DIM))


def batches(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Yield shuffled batches (B, C, H, W) in [-1, 1] from the script's DataLoader, epoch after epoch."""
    loader = DataLoader(ScriptSet(images), batch_size=batch_size, shuffle=True, drop_last=True)
    for real, _ in itertools.chain.from_iterable(itertools.repeat(loader)):
        yield real


@dataclasses.dataclass(frozen=True)
class Case:
    """One comparison: a set, its size in pixels, the networks' kind and width (of an MLP, hidden units), a batch."""

    name: str
    set_name: str
    size: int
    kind: str
    width: int = 0
    batch: int = 64

    def images(self) -> data.ImageSet:
        """Return the training images, averaged down to `size` when the set does not come that small."""
        if self.size in data.SETS[self.set_name].sizes:
            return data.load(self.set_name, size=self.size)
        whole = data.load(self.set_name)
        images = F.adaptive_avg_pool2d(whole.images.float(), self.size).byte()
        return dataclasses.replace(whole, images=images, pairs=None)

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Return generator and critic, with the same first weights each time."""
        shape = (3 if self.set_name == "earth" else 1, self.size, self.size)
        hidden = {"hidden": (self.width, self.width)} if self.width else {}
        with runtime.seeded(0):
            if self.kind == "mlp":
                return models.MLPGenerator(LATENT_DIM, shape, **hidden), models.MLPCritic(shape, **hidden)
            sizes = {"channels": shape[0], "size": self.size, "width": self.width}
            return models.DCGANGenerator(LATENT_DIM, **sizes), models.DCGANCritic(**sizes)

    def script(self) -> Script:
        """Return the script's side, its global random state seeded as scripts do."""
        torch.manual_seed(0)
        return Script(*self.networks())

    def game(self, images: data.ImageSet, threads: int | str = "auto") -> train.Run:
        """Return ganlab's side."""
        settings = train.GANSettings(10**9, threads=threads)
        return train.Run(train.GANTask(*self.networks(), settings), images.batches(self.batch), device="cpu")


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is measured: rounds of so many seconds a side, and the seconds of the equal-time comparison."""

    rounds: int = 7
    seconds: float = 1.0
    equal_seconds: float = 60.0
    tiny: bool = False


def by_turns(sides: dict[str, Steps], effort: Effort) -> dict[str, list[float]]:
    """Return the seconds a step of each side in each round; a round has as many steps as fill its seconds."""
    counts = {}
    for side, steps in sides.items():
        timed(steps, 2)  # the first steps allocate and build kernels
        counts[side] = max(1, round(effort.seconds / timed(steps, 1)))
    turns = [{side: timed(steps, counts[side]) for side, steps in sides.items()} for _ in range(effort.rounds)]
    return {side: [turn[side] for turn in turns] for side in sides}


def timed(steps: Steps, count: int) -> float:
    """Return the seconds that each of the next `count` steps takes."""
    begin = time.perf_counter()
    for _ in itertools.islice(steps, count):
        pass
    return (time.perf_counter() - begin) / count


def versus(times: dict[str, list[float]], side: str = "ganlab") -> str:
    """Return the median and the range of the rounds' ratios, script's time over that of another side."""
    ratios = sorted(script / ours for script, ours in zip(times["script"], times[side], strict=True))
    return f"{statistics.median(ratios):5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
