"""The commands `python -m ganlab sample` and `walk`: pictures of a trained generator, into files."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from ganlab import models
from ganlab.cli import video
from ganlab.cli.arguments import add_seed, class_number, load_maker, seed_number
from ganlab.data import pixels
from ganlab.models import given
from ganlab.models.flow import STEPS
from ganlab.runtime import path_argument, progress, seeded_generator, whole_number, write_atomically

SIDE = 256  # pixels of a walk's picture, as near below as whole enlargements come
FRAMES = 48  # from one end of a walk to the other
COLUMNS = 8
AT_ONCE = 256  # samples in one batch, so that memory does not grow with --n


def add_sample_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `sample` takes."""
    _add_shared_arguments(
        parser, "cgan-digits", "NAME.png for one sheet (of clips also .webp, .gif), or a new folder for a file each"
    )
    parser.add_argument("--n", type=int, default=16, help="how many (default 16)")
    parser.add_argument("--steps", type=int, metavar="N", help=f"of a flow: steps from noise (default {STEPS})")
    parser.add_argument(
        "--guidance", type=float, metavar="W", help="of a flow with classes: more than 1 exaggerates them"
    )
    add_seed(parser)


def add_walk_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `walk` takes."""
    _add_shared_arguments(parser, "dcgan-digits", "NAME.gif")
    for end in ("from", "to"):
        parser.add_argument(
            f"--{end}", dest=f"{end}_seed", type=int, required=True, metavar="SEED", help=f"{end} its z"
        )


def _add_shared_arguments(parser: argparse.ArgumentParser, usual: str, out: str) -> None:
    parser.add_argument(
        "--of", default=usual, metavar="NAME|FOLDER", help=f"a shipped network, or what `train` wrote ({usual})"
    )
    parser.add_argument(
        "--class", dest="y", metavar="NAME", help="of networks that are told classes: which, by name or number"
    )
    parser.add_argument("--out", required=True, type=path_argument, metavar="PATH", help=out)


def sample(options: argparse.Namespace) -> int:
    """Write samples of one class, or of each class in turn: a sheet, or a file each into a new folder. Return 0."""
    n = whole_number("--n", options.n, least=1)
    seed = seed_number("--seed", options.seed)
    sheet = options.out.suffix != ""
    if not sheet and (options.out.is_file() or options.out.is_dir() and any(options.out.iterdir())):
        raise ValueError(f"--out: {options.out} is there already, expected a new or empty folder, or NAME.png")
    generator, names = load_maker("--of", options.of)
    if options.steps is not None or options.guidance is not None:
        generator = _sampling(generator, options)
    of_clips = hasattr(generator, "frames")
    if sheet and of_clips:
        video.check_ending(options.out)
    elif sheet:
        _check_ending(options.out, ".png")
    y = _classes(generator, names, options.y, n)
    batches = _batches(generator, y, n, seeded_generator(seed))
    if sheet and of_clips:
        video.write(options.out, torch.cat(list(batches)))
    elif sheet:
        images = torch.cat(list(batches))
        columns = min(n, generator.classes if y is not None and options.y is None else COLUMNS)
        blank = torch.full_like(images[:1], -1).expand(-n % columns, -1, -1, -1)
        write_atomically(options.out, pixels.png(pixels.tile(torch.cat([images, blank]), columns)))
    else:
        labels = [""] * n if y is None else [names[label] if names else str(label) for label in y.tolist()]
        _write_each(options.out, batches, labels)
    print(f"{options.out}: {n:,} samples of {options.of}{_of_class(y, names, options.y)}")
    return 0


def _sampling(generator: nn.Module, options: argparse.Namespace) -> models.Flow:
    """Return a flow that samples with the steps and the guidance asked for; ValueError for what is no flow."""
    asked = "--steps" if options.steps is not None else "--guidance"
    if not isinstance(generator, models.Flow):
        raise ValueError(f"{asked}: {options.of} is no flow, expected one, such as flow-digits")
    try:
        return generator.sampling(steps=options.steps, guidance=options.guidance)
    except ValueError as error:
        raise ValueError(f"--{error}") from error


def _batches(generator: nn.Module, y: Tensor | None, n: int, latents: torch.Generator) -> Iterator[Tensor]:
    """Yield n samples, at most AT_ONCE at a time."""
    for start in progress(range(0, n, AT_ONCE), desc="samples", unit="batch", disable=True if n <= AT_ONCE else None):
        rows = slice(start, min(n, start + AT_ONCE))
        network = given(generator, None if y is None else y[rows])
        yield _images(network, models.latents(rows.stop - rows.start, generator.latent_dim, latents))


def _write_each(out: Path, batches: Iterator[Tensor], labels: list[str]) -> None:
    """Write 000000.png (a clip: .webp) and so on, in a subfolder for each class: a set that `data.load` reads."""
    images = (image for batch in batches for image in batch)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = out / label.replace("/", "_") / f"{number:06d}"
        if image.ndim == 4:  # a clip (T, C, H, W)
            write_atomically(name.with_suffix(".webp"), pixels.animation(image[None], "webp"))
        else:
            write_atomically(name.with_suffix(".png"), pixels.png(pixels.tile(image[None], 1)))


def walk(options: argparse.Namespace) -> int:
    """Write an animated GIF of the way between the latents of two seeds, along `models.slerp`, and back. Return 0."""
    seeds = [seed_number(f"--{end}", getattr(options, f"{end}_seed")) for end in ("from", "to")]
    _check_ending(options.out, ".gif")
    generator, names = load_maker("--of", options.of)
    if hasattr(generator, "frames"):
        raise ValueError(f"--of: {options.of} makes clips, which move already; `sample` writes them")
    a, b = (models.latents(1, generator.latent_dim, seeded_generator(seed))[0] for seed in seeds)
    along = models.slerp(a, b, torch.linspace(0, 1, FRAMES))
    y = _classes(generator, names, options.y, 1)  # the first class, where none is asked for
    images = _images(given(generator, y), along)
    there_and_back = torch.cat([images, images[1:-1].flip(0)])
    write_atomically(options.out, pixels.gif(there_and_back, max(1, SIDE // images.shape[-1])))
    of_class = _of_class(y, names, options.y)
    print(f"{options.out}: {options.of}{of_class} from seed {seeds[0]} to seed {seeds[1]} and back")
    return 0


def _check_ending(out: Path, ending: str) -> None:
    if out.suffix.lower() != ending:
        raise ValueError(f"--out: got {str(out)!r}, expected a name that ends in {ending}")


def _of_class(y: Tensor | None, names: tuple[str, ...], wanted: str | None) -> str:
    """Return the words that say which classes were asked for."""
    if y is None:
        return ""
    if wanted is not None:
        number = int(y[0])
        return f", class {number}" + (f" ({names[number]})" if names else "")
    return f", classes {', '.join(names)} by turns" if names else ", all classes by turns"


def _classes(generator: nn.Module, names: tuple[str, ...], wanted: str | None, n: int) -> Tensor | None:
    """Return the classes (n,) asked for, by turns if none, or None for a network that is told none."""
    classes = getattr(generator, "classes", None)
    if classes is None:
        if wanted is not None:
            raise ValueError(f"--class: got {wanted}, but this network is told no classes")
        return None
    if wanted is None:
        return torch.arange(n) % classes
    return torch.full((n,), class_number(wanted, classes, names))


@torch.no_grad()
def _images(generator: nn.Module, z: Tensor) -> Tensor:
    return generator(z)
