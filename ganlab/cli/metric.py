"""The command `python -m ganlab metric`: how far one set of images is from another, on a classifier's features."""

import argparse

import torch
from torch import Tensor, nn

from ganlab import metrics
from ganlab.cli.arguments import load_images, load_networks
from ganlab.data import pixels
from ganlab.runtime import seeded_generator

LEAST = 10  # images on either side: fewer say nothing about a distribution
AT_ONCE = 250


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `metric` takes."""
    parser.add_argument("real", metavar="REAL", help="a set, or a folder of real images")
    parser.add_argument("others", metavar="OTHERS", help="a folder of others, `sample --out FOLDER` say, or a set")
    parser.add_argument(
        "--features",
        metavar="NAME|FOLDER",
        help="a classifier: ours, or what `train classifier` wrote (for grey images classifier-digits, in colour "
        "classifier-earth)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the Fréchet distance of features and, as its floor, that of the real images' own halves. Return 0."""
    grey = all(_read(name).shape[1] == 1 for name in (options.real, options.others))
    name = options.features or f"classifier-{'digits' if grey else 'earth'}"
    networks, _ = load_networks("--features", name)
    if "classifier" not in networks:
        raise ValueError(f"--features: {name} is no classifier; train one with `train classifier`, or name one of ours")
    classifier = networks["classifier"]
    real = _features(classifier, _read(options.real, side=classifier.size))
    others = _features(classifier, _read(options.others, side=classifier.size))
    order = torch.randperm(len(real), generator=seeded_generator("floor"))
    first, second = real[order].tensor_split(2)
    distance, floor = metrics.frechet_distance(others, real), metrics.frechet_distance(first, second)
    print(f"feature-FID {distance:.4g} ({len(others):,} images of {options.others}, {len(real):,} of {options.real})")
    print(f"floor {floor:.4g}: {len(first):,} of the real images against the other {len(second):,}")
    print(f"features of {name}; compare only values of the same features and as many images")
    return 0


def _read(name: str, *, side: int | None = None) -> Tensor:
    """Return all images of a set or folder, uint8 (N, C, side, side); a folder's are resized to that."""
    images = load_images("REAL, OTHERS", name, "all", size=side).images
    if len(images) < LEAST:
        raise ValueError(f"{name}: has {len(images)} images, expected at least {LEAST}")
    return images


@torch.no_grad()
def _features(classifier: nn.Module, images: Tensor) -> Tensor:
    """Return the features (N, D) of images uint8 (N, C, H, W), made grey or coloured as the classifier's are."""
    channels = next(classifier.parameters()).shape[1]
    if images.shape[1] != channels:
        images = images.float().mean(1, keepdim=True).round().to(torch.uint8).expand(-1, channels, -1, -1)
    return torch.cat([classifier.features(pixels.to_floats(part)) for part in images.split(AT_ONCE)])
