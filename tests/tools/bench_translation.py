"""A translator in `make bench`: ganlab's run beside the loop as scripts of pix2pix usually write it.

What they have in common: a DataLoader over a Dataset that makes two PIL images of each item and two normalised
tensors of those; float32; BCE on logits; 100 times L1 beside it; half the critic's loss; plain Adam; `.item()` on four
losses at every step. The networks are ganlab's, so that both sides train the same mathematics: Adam does not mind a
loss that is a hundred times as large.
"""

import itertools
import statistics
from collections.abc import Iterator

import PIL.Image
import torch
from bench_sides import Effort, by_turns, normalize, to_tensor, versus
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ganlab import data, models, runtime, train

BATCH = 16
L1_WEIGHT = 100.0


class ScriptPairs(Dataset):
    """Pairs of pictures, what is given and what is to be made, each transformed when it is asked for."""

    def __init__(self, images: data.ImageSet) -> None:
        self.sides = images.pairs, images.images

    def __len__(self) -> int:
        return len(self.sides[0])

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        tensors = []
        for side in self.sides:
            pixels = side[index].permute(1, 2, 0).squeeze(-1)  # (H, W) or (H, W, 3)
            half = [0.5] * side.shape[1]
            tensors.append(normalize(to_tensor(PIL.Image.fromarray(pixels.numpy())), half, half))
        return tensors[0], tensors[1]


def networks(width: int) -> tuple[nn.Module, nn.Module]:
    """Return a U-Net from grey to colour and a critic of patches, with the same first weights each time."""
    with runtime.seeded(0):
        return models.UNet(1, 3, width=width), models.PatchCritic(3, 1, width=width)


class Script:
    """What a script has in its global variables, and the inside of its loop as a method."""

    def __init__(self, generator: nn.Module, critic: nn.Module) -> None:
        self.generator, self.discriminator = generator, critic
        self.criterion, self.l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()
        self.optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.optimizer_d = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step(self, given: Tensor, real: Tensor) -> tuple[float, float, float, float]:
        """Train both networks once; return the critic's losses on real pairs and on fakes, the generator's, and L1."""
        fake = self.generator(given)
        self.optimizer_d.zero_grad()
        on_real, on_fake = self.discriminator(real, given), self.discriminator(fake.detach(), given)
        loss_real = self.criterion(on_real, torch.ones_like(on_real))
        loss_fake = self.criterion(on_fake, torch.zeros_like(on_fake))
        (0.5 * (loss_real + loss_fake)).backward()
        self.optimizer_d.step()
        self.optimizer_g.zero_grad()
        on_fake = self.discriminator(fake, given)
        loss_g, loss_l1 = self.criterion(on_fake, torch.ones_like(on_fake)), self.l1(fake, real)
        (loss_g + L1_WEIGHT * loss_l1).backward()
        self.optimizer_g.step()
        return loss_real.item(), loss_fake.item(), loss_g.item(), loss_l1.item()

    def steps(self, images: data.ImageSet) -> Iterator[tuple[float, float, float, float]]:
        """Yield the losses of one step after another, without end."""
        torch.manual_seed(0)
        loader = DataLoader(ScriptPairs(images), batch_size=BATCH, shuffle=True, drop_last=True)
        for given, real in itertools.chain.from_iterable(itertools.repeat(loader)):
            yield self.step(given, real)


def task(width: int) -> train.TranslationTask:
    """Return ganlab's side, in the same mathematics."""
    settings = train.TranslationSettings(10**9, objective="non_saturating", adversarial_weight=1 / L1_WEIGHT)
    return train.TranslationTask(*networks(width), settings)


def translation(effort: Effort) -> None:
    """Print images per second of both sides and their ratio, on the icons' 64x64 pairs."""
    images = data.load("icons")
    print(f"{'':38} images a second\n{'':38} {'script':>8} {'ganlab':>8}  ratio (range)         precision")
    for width in (4,) if effort.tiny else (16, 32):
        run = train.Run(task(width), images.batches(BATCH), device="cpu")
        times = by_turns({"script": Script(*networks(width)).steps(images), "ganlab": run}, effort)
        speeds = " ".join(f"{BATCH / statistics.median(times[side]):8,.0f}" for side in ("script", "ganlab"))
        print(f"{f'pix2pix 64x64, width {width}':38} {speeds}  {versus(times):20}  {run.precision}", flush=True)
