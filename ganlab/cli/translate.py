"""What `train pix2pix` and `train cyclegan` learn from and are measured by, and `apply`, which uses what they made."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor, nn

from ganlab import data, metrics, models, train
from ganlab.cli.arguments import add_seed, asked, load_images, load_networks
from ganlab.cli.metric import LEAST, load_classifier, usual_features
from ganlab.cli.style import painter
from ganlab.cli.tasks import READING, Job, is_ours, translator_plan
from ganlab.data import pixels
from ganlab.data.folders import tell
from ganlab.data.listing import list_pictures, some
from ganlab.models import trained
from ganlab.runtime import path_argument, progress, seeded_generator, write_atomically
from ganlab.train import Run

SHOWN = 64  # pictures whose translations are on a sheet
MEASURED = 500  # held-out pictures, at most, that are translated at each saving
CROWD = "feature distance"


def job(options: argparse.Namespace, device: torch.device) -> Job:
    """Return what a translator's training is made of: sets, networks, task, metric; ValueError for what is none."""
    sides, held_out = _sides(options)
    made, given = sides
    if made.images.shape[1] != given.images.shape[1] and asked(options, "identity_weight"):
        raise ValueError("--identity-weight: does nothing here: one side is grey, the other is not")
    print(f"{made.name}: {len(made):,} pictures to be made, from {len(given):,} given")
    plan = translator_plan(options, made.images.shape[1], given.images.shape[1])
    changes = {"flip": options.flip, "shift": options.shift}
    if options.network == "pix2pix":
        source = data.ImageSet(made.images, None, (), made.name, made.split, given.images).batches(
            options.batch_size, options.seed, device, **changes
        )
    else:
        source = data.Unpaired(*sides, options.batch_size, seed=options.seed, device=device, **changes)
    shown = given if held_out is None else held_out[1]
    crowd = classifier_features(made)
    paired = options.network == "pix2pix" or options.data in data.SETS
    return Job(
        plan,
        lambda networks: _task(options, networks, pixels.to_floats(shown.images[:SHOWN])),
        source,
        None if held_out is None else measure(*(each.images[:MEASURED] for each in held_out), crowd, paired=paired),
    )


Sides = tuple[data.ImageSet, data.ImageSet]  # of the pictures to be made, and of those given


def _sides(options: argparse.Namespace) -> tuple[Sides, Sides | None]:
    """Return the sets to be made and given, of the training split, and those held out, if there are any."""
    if is_ours(options):
        splits = [load_images("--data", options.data, split, size=options.size) for split in data.SPLITS]
        if splits[0].pairs is None:
            expected = "icons, earth, glyphs or a folder of two folders"
            raise ValueError(f"--data: {options.data} has no pairs, expected {expected}")
        return splits[0].domains(), splits[1].domains()
    reading = asked(options, *READING)
    if options.network == "pix2pix":
        splits = [data.load_pairs(options.data, split, options.size, to=options.to, **reading) for split in data.SPLITS]
        return splits[0].domains(), splits[1].domains()
    given, made = data.two_sides(options.data, options.to)
    reading = {"test_share": 0, **reading}

    def read(split: str) -> Sides:
        return tuple(data.load(side, split, options.size, **reading) for side in (made, given))

    return read("train"), read("test") if options.test_share else None


def _task(options: argparse.Namespace, networks: dict[str, nn.Module], shown: Tensor) -> train.Task:
    shared = asked(options, "learning_rate", "seed", "threads", "objective")
    if options.network == "pix2pix":
        own = asked(options, "adversarial_weight", "l1_steps")
        settings = train.TranslationSettings(options.steps, **shared, **own)
        return train.TranslationTask(networks["generator"], networks.get("critic"), settings, shown=shown)
    own = asked(options, "cycle_weight", "identity_weight", "past")
    return train.CycleGANTask(networks, train.CycleGANSettings(options.steps, **shared, **own), shown=shown)


def classifier_features(images: data.ImageSet) -> Callable[[Tensor], Tensor]:
    """Return the features of the classifier that is usual for such images: pictures (N, C, H, W) -> (N, D)."""
    classifier = load_classifier(usual_features(images.images.shape[1]))
    return lambda pictures: trained.features(classifier, pictures)


def measure(
    real: Tensor, pictures: Tensor, features_of: Callable[[Tensor], Tensor], *, paired: bool
) -> Callable[[Run], dict[str, float]]:
    """Return the metric of a translator: how far its pictures are from held-out ones, as a crowd and each from its own.

    `real` are uint8 (N, C, H, W), `pictures` what is translated, uint8 or in [-1, 1]. The crowd's is
    `metrics.unit_distance` on the features; it is left out below LEAST pictures on either side. Its floor is
    that of the real pictures' own halves. PSNR, in dB, is left out where it is not known what each should be.
    """
    of_crowd = min(len(real), len(pictures)) >= LEAST

    def features(pictures: Tensor) -> Tensor:
        return features_of(pictures).clamp(min=1e-6)  # one without any still has a direction

    if of_crowd:
        order = torch.randperm(len(real), generator=seeded_generator("floor"))
        floor = metrics.unit_distance(*features(real[order]).tensor_split(2))

    def measure(run: Run) -> dict[str, float]:
        fake = models.translate(run.ema, pictures)
        values = {}
        if of_crowd:
            values |= {CROWD: metrics.unit_distance(features(fake), features(real)), "its floor": floor}
        if paired:
            psnr = metrics.psnr(fake, pixels.to_floats(real)).mean().item()
            # the first number says which networks are the best: without a critic, those that are nearest pixel by pixel
            values = values | {"held-out PSNR": psnr} if "critic" in run.networks else {"held-out PSNR": psnr, **values}
        return values

    return measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `apply` takes."""
    parser.add_argument(
        "--of",
        required=True,
        metavar="NAME|FOLDER",
        help="a network of ours, or what `train pix2pix`, `sr`, `style` or so wrote",
    )
    folder = {"required": True, "type": path_argument, "metavar": "FOLDER"}
    parser.add_argument("--in", dest="source", help="your pictures, of any size", **folder)
    parser.add_argument("--out", help="a new or empty folder, for a PNG of each", **folder)
    words = "of an inpainter: where the holes are, white; a picture, or a folder of such with the pictures' names"
    parser.add_argument("--mask", type=path_argument, metavar="FILE|FOLDER", help=words)
    parser.add_argument("--back", action="store_true", help="of a CycleGAN: the other way, from x to its pair")
    words = "of a stylist: one of its styles, by name or by number from 0, or a weight for each, such as 1,1,0"
    parser.add_argument("--style", metavar="NAME|WEIGHTS", help=words)
    words = "of a stylist: the longer side of what it makes, at most; strokes have a fixed width (default: 512)"
    parser.add_argument("--longest", type=int, metavar="PIXELS", help=words)
    add_seed(parser)


def run(options: argparse.Namespace) -> int:
    """Translate each picture of a folder, of any size, into a PNG of its name; return 0, or 1 if some are broken."""
    networks, names_of_styles = load_networks("--of", options.of)
    stylist = networks.get("stylist")
    _check_options(options, stylist is not None)
    if stylist is not None:
        make = painter(options, stylist, names_of_styles)
    else:
        generator = _translator(options, networks)
    if not options.source.is_dir():
        raise ValueError(f"--in: {options.source} is no folder")
    if options.out.is_file() or options.out.is_dir() and any(options.out.iterdir()):
        raise ValueError(f"--out: {options.out} is there already, expected a new or empty folder")
    listing = list_pictures(options.source)
    files = listing.files
    if not files:
        left_out = "".join(f"; {note}" for note in listing.notes())
        raise ValueError(f"--in: {options.source} holds no pictures{left_out}")
    names = {file: _png_name(file, options.source) for file in files}
    if len(set(names.values())) < len(names):
        twice = [name for name in names.values() if list(names.values()).count(name) > 1]
        raise ValueError(f"--in: several pictures would become {twice[0]}; give them different names")
    if stylist is None:
        masks = {} if options.mask is None else _masks(options.mask, files, options.source)
        make = _translation(generator, masks, options.seed)
    tell(str(options.source), listing.notes())
    broken = list(_written(make, names, options.out))
    print(f"{options.out}: {len(files) - len(broken):,} pictures of {options.source}, by {options.of}")
    if broken:
        print(f"error: {len(broken)} of {len(files)} pictures cannot be read: {some(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _check_options(options: argparse.Namespace, paints: bool) -> None:
    """Raise ValueError for an option that is for networks of the other kind: those that paint, or that translate."""
    apart = ("mask", "back", "seed") if paints else ("style", "longest")
    given = [name for name in apart if getattr(options, name) not in (None, False)]
    if given:
        said = (
            "paints: it has no holes to fill, no way back, and draws nothing"
            if paints
            else "is no stylist, and has no styles"
        )
        raise ValueError(f"--{given[0]}: {options.of} {said}")


def _png_name(file: Path, folder: Path) -> PurePosixPath:
    return PurePosixPath(file.relative_to(folder).as_posix()).with_suffix(".png")


def _translator(options: argparse.Namespace, networks: dict[str, nn.Module]) -> nn.Module:
    """Return the network that is to translate; ValueError if there is none, or the options are not for it."""
    generator = networks.get("back" if options.back else "generator")
    if options.back and generator is None:
        raise ValueError(f"--back: {options.of} has no way back, expected what `train cyclegan` wrote")
    if not hasattr(generator, "in_channels"):
        raise ValueError(
            f"--of: {options.of} translates no pictures; expected what `train pix2pix`, `cyclegan`, `sr`, `inpaint` or "
            "`style` wrote"
        )
    fills = isinstance(generator, models.Inpainter)
    if options.seed and not getattr(generator, "noise", False):
        raise ValueError(f"--seed: does nothing here: {options.of} draws nothing at random")
    if fills != (options.mask is not None):
        said = "fills holes: --mask says where they are" if fills else "fills no holes, and takes no --mask"
        raise ValueError(f"--of: {options.of} {said}")
    return generator


def _masks(mask: Path, files: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return the file of each picture's mask: one for all, or from a folder that of the same name."""
    if mask.is_file():
        return dict.fromkeys(files, mask)
    if not mask.is_dir():
        raise ValueError(f"--mask: {mask} is no file and no folder")
    listing = list_pictures(mask)
    there = {_png_name(file, mask): file for file in listing.files}
    if lacking := [file.name for file in files if _png_name(file, folder) not in there]:
        left_out = "".join(f"; {note}" for note in listing.notes())
        raise ValueError(f"--mask: {mask} has no mask of that name for {some(lacking)}{left_out}")
    tell(str(mask), listing.notes())
    return {file: there[_png_name(file, folder)] for file in files}


def _with_hole(picture: Tensor, file: Path, mask: Path, generator: models.Inpainter, seed: int) -> Tensor:
    """Return a picture (C, H, W) with its hole, as the inpainter takes it, (C + 1, H, W) in [-1, 1]."""
    hole = data.read_picture(mask, grey=True)[0] >= 128
    if hole.shape != picture.shape[1:]:
        sizes = [f"{each.shape[-1]}x{each.shape[-2]}" for each in (hole, picture)]
        raise ValueError(f"--mask: {mask} is {sizes[0]}, expected {sizes[1]}, as {file.name} is")
    if not hole.any():
        raise ValueError(f"--mask: {mask} has no hole, expected some white")
    fill = "noise" if generator.noise else 0.0
    drawn = seeded_generator(seed, file.name)
    return data.degraded.masked(pixels.to_floats(picture)[None], hole, fill, generator=drawn)[0]


def _translation(generator: nn.Module, masks: dict[Path, Path], seed: int) -> Callable[[Path], Tensor]:
    """Return what makes of a picture's file its translation (C, H, W), with the holes that its mask has, if any."""
    grey = generator.in_channels - bool(masks) == 1

    def make(file: Path) -> Tensor:
        picture = data.read_picture(file, grey)
        if masks:
            picture = _with_hole(picture, file, masks[file], generator, seed)
        return models.translate_tiled(generator, picture)

    return make


def _written(make: Callable[[Path], Tensor], names: dict[Path, PurePosixPath], out: Path) -> Iterator[str]:
    """Write what is made of each file under its name in `out`; yield the names of what cannot be read."""
    for file, name in progress(names.items(), desc="pictures", leave=False, delay=1):
        try:
            made = make(file)
        except data.DataError:
            yield file.name
            continue
        write_atomically(out / name, pixels.png(pixels.tile(made[None], 1)))
