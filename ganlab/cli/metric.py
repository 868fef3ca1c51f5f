"""The command `python -m ganlab metric`: how far one set of images is from another, on a classifier's features."""

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab import data, metrics
from ganlab.cli.arguments import asked, load_images, load_networks
from ganlab.data import pixels
from ganlab.models import Classifier, trained
from ganlab.runtime import seeded_generator

LEAST = 10  # images on either side: fewer say nothing about a distribution
USUAL_SIDE = 64  # pixels: what the largest of our own classifiers looks at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `metric` takes."""
    parser.add_argument("real", metavar="REAL", help="a set, or a folder of real images")
    parser.add_argument("others", metavar="OTHERS", help="a folder of others, `sample --out FOLDER` say, or a set")
    parser.add_argument("--fit", metavar="NAME", help="a folder's pictures: crop (default) or pad")
    parser.add_argument("--skip-broken", action="store_true", help="a folder: leave out what cannot be read")
    parser.add_argument(
        "--features",
        metavar="NAME|FOLDER",
        help="a classifier: ours, or what `train classifier` wrote (for grey images classifier-digits, in colour "
        "classifier-earth)",
    )


def run(options: argparse.Namespace) -> int:
    """Print how far one set is from another: the split distance with its floor, and the feature-FID. Return 0."""
    names = options.real, options.others
    reading = asked(options, "fit", "skip_broken")
    if reading and all(name in data.SETS for name in names):
        option = next(iter(reading)).replace("_", "-")
        raise ValueError(f"--{option}: does nothing here: it is for a folder, and not for {' and '.join(names)}")
    most = load_classifier(options.features).size if options.features else USUAL_SIDE
    side = common_side(*(data.sides(name) for name in names), most)
    real, others = (_read(name, side, **reading) for name in names)
    name = options.features or usual_features(max(real.shape[1], others.shape[1]))
    classifier = load_classifier(name)
    features, of_others = (trained.features(classifier, images) for images in (real, others))
    split = metrics.split_distance(of_others, features)
    rows = min(len(others), len(real) // 2)
    print(f"split distance {split.fake.mean():.4g} ± {split.fake.std():.2g}: {rows:,} images of {options.others}")
    print(f"floor {split.floor.mean():.4g} ± {split.floor.std():.2g}: as many of {options.real}")
    print(
        f"each from {rows:,} others of {options.real}, mean and standard deviation over {len(split.fake)} random splits"
    )
    distance = metrics.frechet_distance(of_others, features)
    print(f"feature-FID {distance:.4g} ({len(others):,} images of {options.others}, {len(real):,} of {options.real})")
    change = "shrunk to" if side > classifier.size else "with a black margin up to"
    change = "" if side == classifier.size else f", {change} {classifier.size} x {classifier.size}"
    print(f"both as {side} x {side} pixels{change}, on the features of {name}")
    print("compare only values of the same features, pixels and number of images")
    return 0


def common_side(first: tuple[int, ...], second: tuple[int, ...], most: int) -> int:
    """Return the side to which two sets are brought: the largest in which both come, so that none is enlarged."""
    shared = set(first) & set(second)
    return min(max(shared), most) if shared else min(max(first), max(second), most)


def usual_features(channels: int, name: str = "") -> str:
    """Return the name of the classifier of ours for a set, or for images of so many channels."""
    own = f"classifier-{name}"
    return own if own in trained.SHA256 else f"classifier-{'digits' if channels == 1 else 'earth'}"


def load_classifier(name: str) -> Classifier:
    """Return a classifier of ours or from a folder that `train classifier` wrote; ValueError for other networks."""
    networks, _ = load_networks("--features", name)
    if "classifier" not in networks:
        raise ValueError(f"--features: {name} is no classifier; train one with `train classifier`, or name one of ours")
    return networks["classifier"]


def own_distance(features: Tensor, n: int) -> float:
    """Return the distance of n features of real images, of (N, D), from the others: much lower is no better.

    Half of them at most: fewer give larger values, so that n should be the number of the samples that are judged.
    """
    order = torch.randperm(len(features), generator=seeded_generator("floor"))
    return metrics.frechet_distance(*features[order].tensor_split([min(n, len(features) // 2)]))


def _read(name: str, side: int, **reading: object) -> Tensor:
    """Return all images of a set, or of a folder that is read as `data.load` says, uint8 (N, C, side, side)."""
    sizes = data.sides(name) if name in data.SETS else (side,)
    own = min((size for size in sizes if size >= side), default=max(sizes))
    reading = {} if name in data.SETS else reading
    images = load_images("REAL, OTHERS", name, "all", size=own, **reading).images
    if len(images) < LEAST:
        raise ValueError(f"{name}: has {len(images)} images, expected at least {LEAST}")
    if own == side:
        return images
    return pixels.to_bytes(F.interpolate(pixels.to_floats(images), (side, side), mode="bilinear", antialias=True))
