"""The VAE in `make bench`: ganlab's run beside the loop as the usual example script writes it.

The script is PyTorch's own VAE example in all that counts: 784-400-20, batches of 128 from a DataLoader that makes a
PIL image and a tensor of each item, float32, sigmoid and binary cross-entropy summed over the batch, the KL in closed
form, plain Adam at 1e-3, `.item()` at every step. Unlike it, the images are binarized, or the loss would be no bound.
"""

import itertools
import statistics
import time
from collections.abc import Iterator

import PIL.Image
import torch
import torch.nn.functional as F
from bench_sides import Effort, ScriptSet, Steps, by_turns, timed, to_tensor, versus
from torch import Tensor
from torch.utils.data import DataLoader

from ganlab import data, models, runtime, train

BATCH, PASSES = 128, 10
NETWORKS = {
    "MLP VAE 28x28": models.mlp_vae,
    "convolutional VAE 28x28, width 16": lambda: models.conv_vae(20, 1, 28, width=16),
}


class ScriptImages(ScriptSet):
    """A set as torchvision holds it, with each item a tensor in [0, 1]."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return to_tensor(PIL.Image.fromarray(self.pixels[index].numpy())), 0


def network(name: str) -> models.VAE:
    """Return a network with the same first weights each time."""
    with runtime.seeded(0):
        return NETWORKS[name]()


def script(vae: models.VAE, images: Tensor) -> Iterator[float]:
    """Yield the loss of one step after another on images uint8 (N, C, H, W), without end."""
    torch.manual_seed(0)
    loader = DataLoader(ScriptImages(images), batch_size=BATCH, shuffle=True, drop_last=True)
    optimizer = torch.optim.Adam(vae.parameters(), lr=1e-3)
    for x, _ in itertools.chain.from_iterable(itertools.repeat(loader)):
        x = torch.bernoulli(x)
        optimizer.zero_grad()
        mu, logvar = vae.encode(x)
        std = torch.exp(0.5 * logvar)
        probabilities = torch.sigmoid(vae.decoder(mu + std * torch.randn_like(std)))
        entropy = F.binary_cross_entropy(probabilities, x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = entropy + kl
        loss.backward()
        optimizer.step()
        yield loss.item()


def game(vae: models.VAE, images: data.ImageSet, learning_rate: float = 1e-3) -> train.Run:
    """Return ganlab's side, in the same mathematics."""
    settings = train.VAESettings(10**9, learning_rate)
    return train.Run(train.VAETask(vae, settings), images.batches(BATCH, scale="binary"), device="cpu")


def ratios(effort: Effort) -> None:
    """Print images per second of both sides and their ratio."""
    images = data.load("digits")
    print(f"{'':38} images a second\n{'':38} {'script':>8} {'ganlab':>8}  ratio (range)         precision")
    for name in list(NETWORKS)[:1] if effort.tiny else NETWORKS:
        run = game(network(name), images)
        times = by_turns({"script": script(network(name), images.images), "ganlab": run}, effort)
        speeds = " ".join(f"{BATCH / statistics.median(times[side]):8,.0f}" for side in ("script", "ganlab"))
        print(f"{name:38} {speeds}  {versus(times):20}  {run.precision}", flush=True)


def time_to_elbo(effort: Effort) -> None:
    """Print the seconds of training in which each side reaches the held-out ELBO of the script's PASSES passes.

    Here ganlab trains as the lesson does: at twice the learning rate, judged by the average of the weights.
    """
    images, held_out = data.load("digits"), data.load("digits", "test")
    x = held_out.batches(len(held_out), scale="binary").at(0)
    count = 4 if effort.tiny else PASSES * (len(images) // BATCH)
    print(f"{'':38} held-out ELBO   seconds: script   ganlab  ratio")
    for name in list(NETWORKS)[:1] if effort.tiny else NETWORKS:
        theirs, ours = network(name), network(name)
        seconds = count * timed(script(theirs, images.images), count)
        target = train.bounds(theirs, x).mean().item()
        run = game(ours, images, learning_rate=2e-3)
        spent = until(run, run.ema, x, target)
        print(f"{name:38} {target:13.1f} {seconds:17.2f} {spent:8.2f} {spent / seconds:6.2f}", flush=True)


def until(steps: Steps, vae: models.VAE, x: Tensor, target: float) -> float:
    """Train until the bound of images x is `target`; return the seconds of training, without those of looking."""
    spent = 0.0
    while train.bounds(vae, x).mean().item() < target:
        begin = time.perf_counter()
        for _ in itertools.islice(steps, 10):
            pass
        spent += time.perf_counter() - begin
    return spent
