"""`make bench`: ganlab's training step beside the loop as the usual example scripts write it. Ratios, never a test.

Same networks, batch, data and mathematics; in one process, by turns, so that a slow spell of the machine hits both. The
script's side is what such scripts have in common: a DataLoader over a Dataset that makes a PIL image and a normalised
tensor of each item, float32, sigmoid and BCELoss, Adam as it comes, `.item()` on three losses at every step.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ganlab import data, models, runtime, train

BATCH = 64


class ScriptSet(Dataset):
    """A set as scripts hold it: each item goes through PIL, to a tensor in [0, 1], and is then normalised."""

    def __init__(self, images: Tensor) -> None:
        self.arrays = images.permute(0, 2, 3, 1).numpy()  # (N, H, W, C)

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: int) -> Tensor:
        array = self.arrays[index]
        image = PIL.Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array)
        pixels = np.array(image).reshape(array.shape)
        tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float().div(255)  # (C, H, W)
        return (tensor - 0.5) / 0.5


def networks(kind: str, shape: tuple[int, ...], width: int) -> tuple[nn.Module, nn.Module]:
    """Return generator and critic of one comparison, with the same first weights each time."""
    with runtime.seeded(0):
        if kind == "mlp":
            return models.MLPGenerator(100, shape), models.MLPCritic(shape)
        channels, size = shape[0], shape[1]
        return models.DCGANGenerator(100, channels, size, width), models.DCGANCritic(channels, size, width)


def script_steps(images: Tensor, generator: nn.Module, critic: nn.Module) -> Iterator[None]:
    """Yield after each step of the usual script."""
    discriminator = nn.Sequential(critic, nn.Sigmoid())
    criterion = nn.BCELoss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(ScriptSet(images), batch_size=BATCH, shuffle=True, drop_last=True)
    for real in itertools.chain.from_iterable(itertools.repeat(loader)):
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        optimizer_d.zero_grad()
        loss_real = criterion(discriminator(real), ones)
        loss_real.backward()
        fake = generator(torch.randn(len(real), 100))
        loss_fake = criterion(discriminator(fake.detach()), zeros)
        loss_fake.backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        loss_g = criterion(discriminator(generator(torch.randn(len(real), 100))), ones)
        loss_g.backward()
        optimizer_g.step()
        _ = loss_real.item(), loss_fake.item(), loss_g.item()
        yield


def seconds_of(steps: Iterator, count: int) -> float:
    """Return the seconds that the next `count` steps take."""
    begin = time.perf_counter()
    for _ in itertools.islice(steps, count):
        pass
    return time.perf_counter() - begin


def compare(name: str, images: data.ImageSet, kind: str, width: int, count: int, rounds: int) -> None:
    """Print one row: images a second of both, the median of the rounds' ratios, and their range."""
    shape = tuple(images.images.shape[1:])
    game = train.GANRun(*networks(kind, shape, width), images.batches(BATCH), train.GANSettings(10**9), device="cpu")
    sides: dict[str, Callable[[], float]] = {}
    for side, steps in (("script", script_steps(images.images, *networks(kind, shape, width))), ("ganlab", iter(game))):
        sides[side] = lambda steps=steps: seconds_of(steps, count)
        sides[side]()  # warm
    times = [{side: run() for side, run in sides.items()} for _ in range(rounds)]
    speed = {side: count * BATCH / statistics.median(turn[side] for turn in times) for side in sides}
    ratios = sorted(turn["script"] / turn["ganlab"] for turn in times)
    ratio = f"{statistics.median(ratios):5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    print(
        f"{name:22} {speed['script']:9,.0f} {speed['ganlab']:9,.0f}   {ratio:22} {game.settings.precision}", flush=True
    )


def main() -> None:
    """Run the comparisons and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each side (default 7)")
    rounds = parser.parse_args().rounds
    device = torch.device("cpu")
    print(f"{runtime.device_name(device)}, torch {torch.__version__}, batch {BATCH}, median of {rounds} rounds")
    print(f"{'images a second':22} {'script':>9} {'ganlab':>9}   ratio (lowest, highest)  precision chosen")
    compare("MLP 28x28", data.load("digits"), "mlp", 0, 60, rounds)
    compare("DCGAN 32x32, width 32", data.load("digits", size=32), "dcgan", 32, 10, rounds)
    compare("DCGAN 32x32, width 64", data.load("digits", size=32), "dcgan", 64, 5, rounds)
    compare("DCGAN 64x64x3, width 64", data.load("earth"), "dcgan", 64, 2, rounds)


if __name__ == "__main__":
    main()
