"""The commands `python -m ganlab sample` and `walk`: pictures of a trained generator, into a file."""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from ganlab import models
from ganlab.data import pixels
from ganlab.models import given, trained
from ganlab.runtime import seeded_generator, whole_number, write_atomically

SIDE = 256  # pixels of a walk's picture, as near below as whole enlargements come
FRAMES = 48  # from one end of a walk to the other
COLUMNS = 8


def add_sample_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `sample` takes."""
    _add_shared_arguments(parser, "cgan-digits", "*.png")
    parser.add_argument("--n", type=int, default=16, help="how many (default 16)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")


def add_walk_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `walk` takes."""
    _add_shared_arguments(parser, "dcgan-digits", "*.gif")
    for end in ("from", "to"):
        parser.add_argument(
            f"--{end}", dest=f"{end}_seed", type=int, required=True, metavar="SEED", help=f"{end} its z"
        )


def _add_shared_arguments(parser: argparse.ArgumentParser, usual: str, ending: str) -> None:
    parser.add_argument(
        "--of", default=usual, metavar="NAME|FOLDER", help=f"a shipped network, or what `train` wrote ({usual})"
    )
    parser.add_argument("--class", dest="y", type=int, metavar="K", help="of networks that are told classes: which")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help=ending)


def sample(options: argparse.Namespace) -> int:
    """Write a sheet of samples: of one class, or a column for each class there is. Return 0."""
    n, seed = whole_number("--n", options.n, least=1), whole_number("--seed", options.seed, least=0)
    _check_ending(options.out, ".png")
    generator = _generator(options.of)
    y = _classes(generator, options.y, n)
    images = _images(given(generator, y), models.latents(n, generator.latent_dim, seeded_generator(seed)))
    by_class = y is not None and options.y is None
    columns = min(n, generator.classes if by_class else COLUMNS)
    blank = torch.full_like(images[:1], -1).expand(-n % columns, -1, -1, -1)
    write_atomically(options.out, pixels.png(pixels.tile(torch.cat([images, blank]), columns)))
    print(f"{options.out}: {n} samples of {options.of}")
    return 0


def walk(options: argparse.Namespace) -> int:
    """Write an animated GIF of the way between the latents of two seeds, along `models.slerp`, and back. Return 0."""
    seeds = [whole_number(f"--{end}", getattr(options, f"{end}_seed"), least=0) for end in ("from", "to")]
    _check_ending(options.out, ".gif")
    generator = _generator(options.of)
    a, b = (models.latents(1, generator.latent_dim, seeded_generator(seed))[0] for seed in seeds)
    path = models.slerp(a, b, torch.linspace(0, 1, FRAMES))
    wanted = 0 if options.y is None and hasattr(generator, "classes") else options.y
    images = _images(given(generator, _classes(generator, wanted, 1)), path)
    there_and_back = torch.cat([images, images[1:-1].flip(0)])
    write_atomically(options.out, pixels.gif(there_and_back, max(1, SIDE // images.shape[-1])))
    print(f"{options.out}: {options.of} from seed {seeds[0]} to seed {seeds[1]} and back")
    return 0


def _check_ending(path: Path, ending: str) -> None:
    if path.suffix.lower() != ending:
        raise ValueError(f"--out: got {str(path)!r}, expected a name that ends in {ending}")


def _generator(name: str) -> nn.Module:
    """Return the network that makes images, of a shipped checkpoint or of a folder that `train` wrote."""
    file = Path(name) / "networks.safetensors"
    networks = trained.read(file) if file.is_file() else trained.load(name)
    makers = [networks[role] for role in ("generator", "vae") if role in networks]
    if not makers:
        raise ValueError(f"--of: {name} makes no images, it is a classifier")
    return makers[0]


def _classes(generator: nn.Module, wanted: int | None, n: int) -> Tensor | None:
    """Return the classes (n,) asked for, or None for a network that is told none."""
    classes = getattr(generator, "classes", None)
    if classes is None:
        if wanted is not None:
            raise ValueError(f"--class: got {wanted}, but this network is told no classes")
        return None
    if wanted is None:
        return torch.arange(n) % classes
    if not 0 <= wanted < classes:
        raise ValueError(f"--class: got {wanted}, expected 0 to {classes - 1}")
    return torch.full((n,), wanted)


@torch.no_grad()
def _images(generator: nn.Module, z: Tensor) -> Tensor:
    return generator(z)
