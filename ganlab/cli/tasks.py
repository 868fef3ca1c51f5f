"""What can be trained from the command line: the options that each task has, and what its networks are made of."""

import argparse
import dataclasses
from collections.abc import Callable, Iterator

from torch import nn

from ganlab import data, losses, models, train
from ganlab.cli.arguments import Parser, add_seed, asked, thread_number
from ganlab.models.trained import Plan
from ganlab.runtime import path_argument, whole_number


@dataclasses.dataclass(frozen=True)
class Job:
    """What a training is made of: networks, the task that they are given to, batches, and a metric if there is one."""

    plan: Plan
    task: Callable[[dict[str, nn.Module]], train.Task]
    source: data.Source
    metric: Callable[[train.Run], dict[str, float]] | None
    classes: tuple[str, ...] = ()


GANS = ("dcgan", "mlp", "cgan")
VAES = ("vae", "cvae", "iwae")
TASKS = {
    "dcgan": "a convolutional GAN (Radford et al. 2016)",
    "mlp": "a fully connected GAN, for small images",
    "cgan": "a convolutional GAN that is told classes",
    "vae": "a VAE, by the ELBO",
    "cvae": "a VAE that is told classes",
    "iwae": "a VAE, by the importance-weighted bound (Burda et al. 2016)",
    "flow": "a flow, by flow matching; it is told classes if there are any (Lipman et al. 2023)",
    "classifier": "a classifier, by cross-entropy",
    "pix2pix": "a translator of pictures, from pairs (Isola et al. 2017)",
    "cyclegan": "a translator of pictures, without pairs (Zhu et al. 2017)",
    "sr": "a network that enlarges pictures (super-resolution)",
    "inpaint": "a network that fills holes in pictures",
    "style": "a network that paints photographs like paintings, in one pass (Johnson et al. 2016)",
    "video": "a GAN of clips, content and motion apart (Tulyakov et al. 2018)",
}
PHOTOGRAPHS = "photographs"  # what style calls ours
TRANSLATORS = ("pix2pix", "cyclegan")
RESTORERS = ("sr", "inpaint")
READING = ("fit", "test_share", "skip_broken")  # how a folder of pictures is read, as data.load has it
WITH_CLASSES = {"cgan": "is told", "cvae": "is told", "classifier": "learns"}
# What is usual; a DCGAN's are what made the best digits in two minutes of a core (README, "Measured").
RATES = {
    **dict.fromkeys(GANS, 2e-4),
    "dcgan": 1e-3,
    **dict.fromkeys(VAES, 1e-3),
    "flow": 2e-3,
    "classifier": 2e-3,
    **dict.fromkeys((*TRANSLATORS, *RESTORERS), 2e-4),
    "style": 2e-3,
    "video": 1e-3,
}
WIDTHS = {"dcgan": 32, "cgan": 64, **dict.fromkeys(VAES, 16), "classifier": 32, **dict.fromkeys(TRANSLATORS, 24)}
WIDTHS |= {"flow": 32, "sr": 32, "inpaint": 24, "style": 16, "video": 16}
BATCH_SIZES = {"pix2pix": 16, "cyclegan": 8, "sr": 16, "inpaint": 16, "style": 4, "video": 16}  # of all others 64


def add_arguments(parser: Parser) -> None:
    """Declare the tasks that `train` has, each with its own options and no others."""
    tasks = parser.add_subparsers(dest="network", required=True, metavar="TASK", parser_class=Parser)
    for task, words in TASKS.items():
        own = tasks.add_parser(task, help=words, description=f"Train {words}, into a folder; again to continue.")
        _add_common(own, task)
        if task in WIDTHS:
            words = f"channels beside the image (default {WIDTHS[task]})"
            own.add_argument("--width", default=WIDTHS[task], type=int, metavar="N", help=words)
        if task in ("dcgan", "cgan"):
            own.add_argument("--upsample", default="transposed", metavar="NAME", help="transposed (default) or resize")
        if task in GANS:
            _add_game(own)
        if task in VAES:
            _add_bound(own, task)
        if task == "flow":
            words = "part of the images whose class is left out (default 0.1)"
            own.add_argument("--class-dropout", type=float, metavar="P", help=words)
        if task in TRANSLATORS:
            _add_translation(own, task)
        if task in RESTORERS:
            _add_restoration(own, task)
        if task == "style":
            _add_style(own)
        if task == "video":
            words = "motion: content and motion apart (default); volume: 3-D convolutions; sprite: one thing on black"
            own.add_argument("--generator", default="motion", metavar="NAME", help=words)
            own.add_argument("--frames", default=16, type=int, metavar="N", help="of a clip (default 16)")


def _add_common(parser: Parser, task: str) -> None:
    data_words = "an image set, or a folder of your images"
    if task in TRANSLATORS:
        named = " with equal file names" if task == "pix2pix" else ""
        sets = "a set with pairs (icons, earth, glyphs)"
        data_words = f"{sets}, or a folder of two folders{named}: from the first to the second"
    if task == "style":
        data_words = "what squares are cut from and painted: photographs (ours), or a folder of yours"
    if task == "video":
        data_words = "moving-digits, flights, or a folder of clips: GIF, WebP, subfolders of frames"
    parser.add_argument("--data", required=True, metavar="NAME|FOLDER", help=data_words)
    parser.add_argument("--steps", required=True, type=int, metavar="N", help="in all; a larger number continues a run")
    parser.add_argument(
        "--out", required=True, type=path_argument, metavar="FOLDER", help="results, among them networks.safetensors"
    )
    size_words = (
        "side of the squares (default 128)" if task == "style" else "side in pixels, when the set comes in several"
    )
    parser.add_argument("--size", type=int, metavar="N", help=size_words)
    if task not in ("style", "video"):
        _add_pictures(parser, task)
    parser.add_argument("--skip-broken", action="store_true", help=f"a folder: {_left_out(task)}")
    batch_size = BATCH_SIZES.get(task, 64)
    batch_words = f"{'clips' if task == 'video' else 'images'} a step (default {batch_size})"
    parser.add_argument("--batch-size", type=int, default=batch_size, metavar="N", help=batch_words)
    peak = " at its peak" if task in ("classifier", "flow") else ""
    words = f"default {RATES[task]:g}{peak}"
    parser.add_argument("--learning-rate", default=RATES[task], type=float, metavar="R", help=words)
    add_seed(parser)
    parser.add_argument("--device", default="auto", help="cuda, mps, cpu, or auto: the best present (default)")
    parser.add_argument(
        "--threads",
        type=thread_number,
        default="auto",
        metavar="N",
        help="of the CPU; auto: measured, half of the processors at most",
    )
    parser.add_argument("--from", dest="start", metavar="NAME|FOLDER", help="start from the weights of these networks")
    parser.add_argument(
        "--change", action="append", default=[], metavar="NAME", help="go on with another learning_rate, say"
    )
    parser.add_argument("--keep-networks", action="store_true", help="keep the networks of each saving")
    parser.add_argument("--every", type=int, default=500, metavar="N", help="steps between two savings (default 500)")


def _left_out(task: str) -> str:
    """Return what --skip-broken leaves out of a folder."""
    also = {"pix2pix": ", with its partner", "video": ": the whole of such a clip"}
    return f"leave out what cannot be read{also.get(task, '')}"


def _add_pictures(parser: Parser, task: str) -> None:
    """Declare how a folder's pictures are read, and how images are changed."""
    parser.add_argument("--fit", metavar="NAME", help="a folder's pictures: crop (default) or pad")
    usual = "none" if task in (*GANS, "cyclegan") else "about one in ten"
    parser.add_argument("--test-share", type=float, metavar="P", help=f"a folder: part of it to hold out ({usual})")
    parser.add_argument("--flip", default="none", metavar="NAME", help="turn images at random: none, horizontal, both")
    parser.add_argument("--shift", default=0, type=int, metavar="N", help="move images by up to N pixels (default 0)")


def _add_game(parser: Parser) -> None:
    objectives, penalties = ", ".join(losses.OBJECTIVES), ", ".join(losses.PENALTIES)
    parser.add_argument("--objective", default="non_saturating", metavar="NAME", help=objectives)
    parser.add_argument("--penalty", default="none", metavar="NAME", help=f"none (default), {penalties}")
    parser.add_argument("--penalty-weight", type=float, metavar="W", help="default 10")
    parser.add_argument("--n-critic", default=1, type=int, metavar="N", help="critic's moves a step (default 1)")
    parser.add_argument("--clip", default=0.0, type=float, metavar="C", help="clip the critic's weights to +-C")
    parser.add_argument("--critic-learning-rate", type=float, metavar="R", help="the critic's own (default: the same)")
    parser.add_argument("--anneal", default=0, type=int, metavar="N", help="steps until learning rates are 0")


def _add_bound(parser: Parser, task: str) -> None:
    parser.add_argument("--latent-dim", default=32, type=int, metavar="N", help="numbers in z (default 32)")
    parser.add_argument(
        "--likelihood", metavar="NAME", help="bernoulli (black and white: default of grey), logistic (256 levels)"
    )
    if task == "iwae":
        parser.add_argument("--samples", default=5, type=int, metavar="K", help="draws from q an image (default 5)")
        return
    parser.add_argument("--beta", default=1.0, type=float, metavar="B", help="weight of the KL (default 1)")
    parser.add_argument("--warm-up", type=int, metavar="N", help="steps of its growth from 0 (default 0)")
    parser.add_argument("--free-bits", type=float, metavar="N", help="nats of each latent that are free")


def _add_translation(parser: Parser, task: str) -> None:
    objectives = ", ".join(name for name, each in losses.OBJECTIVES.items() if task == "pix2pix" or not each.paired)
    usual = "hinge" if task == "pix2pix" else "least_squares"
    parser.add_argument("--to", metavar="NAME", help="a folder: which of its two folders is to be made (the second)")
    parser.add_argument("--objective", metavar="NAME", help=f"{objectives} (default {usual})")
    if task == "pix2pix":
        _add_critic(parser, 0.1, "L1")
        return
    words = "weight of the identity loss, as a part of it (default 0.5)"
    parser.add_argument("--cycle-weight", default=10.0, type=float, metavar="W", help="default 10")
    parser.add_argument("--identity-weight", type=float, metavar="W", help=words)
    parser.add_argument("--past", default=64, type=int, metavar="N", help="past fakes that critics see (default 64)")


def _add_critic(parser: Parser, weight: float, distance: str) -> None:
    usual = f"{weight:g}; 0: no critic" if weight else "0: no critic"
    words = f"weight of the objective beside {distance} (default {usual})"
    parser.add_argument("--adversarial-weight", default=weight, type=float, metavar="W", help=words)
    words = f"first so many steps by {distance} alone"
    parser.add_argument("--l1-steps", type=int, metavar="N", help=words)


def _add_restoration(parser: Parser, task: str) -> None:
    if task == "sr":
        parser.add_argument("--factor", default=4, type=int, metavar="N", help="how much larger: 2, 4 (default) or 8")
        words = f"how pictures are made small: {' or '.join(data.degraded.KERNELS)} (default area)"
        parser.add_argument("--kernel", default="area", metavar="NAME", help=words)
        parser.add_argument("--blur", default=0.0, type=float, metavar="S", help="blurred before, by S pixels (0)")
        parser.add_argument("--noise", default=0.0, type=float, metavar="S", help="noise after, S of a range of 2 (0)")
    else:
        parser.add_argument("--holes", default="strokes", metavar="NAME", help="strokes (default) or centre")
        parser.add_argument("--portion", default=0.15, type=float, metavar="P", help="of a picture in holes (0.15)")
        words = "several answers: noise in the hole, from which each draw makes another"
        parser.add_argument("--several", action="store_true", help=words)
    parser.add_argument("--distance", metavar="NAME", help="l1 (default), or l2, the squared error")
    words = "weight of the errors of a trained network's features beside it (default 0: none)"
    parser.add_argument("--perceptual-weight", default=0.0, type=float, metavar="W", help=words)
    parser.add_argument("--objective", metavar="NAME", help=f"{', '.join(losses.OBJECTIVES)} (hinge)")
    _add_critic(parser, 0.0 if task == "sr" else 0.01, "the distance")


def _add_style(parser: Parser) -> None:
    words = f"a painting, whose style is learned: {', '.join(data.PICTURES)}, or a file; give it again for more styles"
    parser.add_argument("--painting", action="append", default=[], metavar="NAME|FILE", help=words)
    words = "weight of the content beside the style (default 0.3)"
    parser.add_argument("--content-weight", default=0.3, type=float, metavar="W", help=words)


def refuse_idle(options: argparse.Namespace) -> None:
    """Raise ValueError for an option that was given and does nothing, because of another option.

    What is declared without a default is known to have been given; the settings have the defaults.
    """
    for names, idle, why in _idle(options):
        if idle and (given := asked(options, *names)):
            raise ValueError(f"--{next(iter(given)).replace('_', '-')}: does nothing here: {why}")


def _idle(options: argparse.Namespace) -> Iterator[tuple[tuple[str, ...], bool, str]]:
    """Yield names of options, whether they do nothing beside the others, and why not."""
    task = options.network
    yield ("to", *READING), is_ours(options), f"it is for a folder, and not for {options.data}"
    if task in GANS:
        yield ("penalty_weight",), options.penalty == "none", "there is no --penalty"
    if task in ("vae", "cvae"):
        yield ("warm_up", "free_bits"), options.beta == 0, "with --beta 0 there is no KL in the loss"
    if task in ("pix2pix", *RESTORERS):
        no_critic = options.adversarial_weight == 0
        yield ("objective", "l1_steps"), no_critic, "--adversarial-weight is 0, and there is no critic"
    if task == "cyclegan":
        yield ("identity_weight",), options.cycle_weight == 0, "it is a part of --cycle-weight, which is 0"


def is_ours(options: argparse.Namespace) -> bool:
    """Return whether the data are ours, and no folder."""
    ours = {"style": (PHOTOGRAPHS,), "video": data.CLIPS}
    return options.data in ours.get(options.network, data.SETS)


def check_classes(options: argparse.Namespace, images: data.ImageSet) -> None:
    """Raise ValueError for images without classes, if the task, or an option, needs some."""
    task = options.network
    if asked(options, "class_dropout") and images.labels is None:
        raise ValueError(f"--class-dropout: does nothing here: {images!r} has no classes")
    if task in WITH_CLASSES and images.labels is None:
        raise ValueError(
            f"--data: {images!r} has no classes, which {task} {WITH_CLASSES[task]}; sort it into subfolders"
        )


def network_plan(options: argparse.Namespace, images: data.ImageSet) -> Plan:
    """Return what the networks asked for are made of."""
    task = options.network
    channels, side = images.images.shape[1:3]
    shape = {"channels": channels, "size": side}
    if task in WIDTHS:
        shape["width"] = whole_number("--width", options.width, least=1)
    classes = {"classes": len(images.classes)} if task in WITH_CLASSES else {}
    if task == "classifier":
        return {"classifier": ("Classifier", {**classes, **shape})}
    if task in VAES:
        latents = whole_number("--latent-dim", options.latent_dim, least=1)
        shape |= {"latent_dim": latents, "likelihood": likelihood(options, images), **classes}
        return {"vae": ("conditional_vae" if classes else "conv_vae", shape)}
    if task == "flow":
        return {
            "flow": ("flow_unet", {**({"classes": len(images.classes)} if images.labels is not None else {}), **shape})
        }
    if task == "mlp":
        whole = (channels, side, side)
        return {"generator": ("MLPGenerator", {"output_shape": whole}), "critic": ("MLPCritic", {"input_shape": whole})}
    norm = "batch" if options.penalty == "none" else "none"  # slopes at samples and batch norm do not mix
    kinds = ("conditional_generator", "conditional_critic") if classes else ("DCGANGenerator", "DCGANCritic")
    return {
        "generator": (kinds[0], {**shape, **classes, "upsample": options.upsample}),
        "critic": (kinds[1], {**shape, **classes, "norm": norm}),
    }


def translator_plan(options: argparse.Namespace, channels: int, in_channels: int) -> Plan:
    """Return what the networks of a translator are made of, from pictures of `in_channels` to such of `channels`."""
    width = whole_number("--width", options.width, least=1)
    there = {"in_channels": in_channels, "channels": channels, "width": width}
    if options.network == "pix2pix":
        critic = ("PatchCritic", {"channels": channels, "pair_channels": in_channels})
        return {"generator": ("UNet", there)} | ({"critic": critic} if options.adversarial_weight else {})
    return {
        "generator": ("ResNetGenerator", there),
        "back": ("ResNetGenerator", {"in_channels": channels, "channels": in_channels, "width": width}),
        "critic": ("PatchCritic", {"channels": channels, "pair_channels": 0}),
        "back_critic": ("PatchCritic", {"channels": in_channels, "pair_channels": 0}),
    }


def restorer_plan(options: argparse.Namespace, images: data.ImageSet) -> Plan:
    """Return what the networks of a restorer are made of; ValueError for sizes that it cannot take."""
    channels, side = images.images.shape[1:3]
    width = whole_number("--width", options.width, least=2)
    if options.network == "sr":
        if options.factor not in (2, 4, 8):
            raise ValueError(f"--factor: got {options.factor}, expected 2, 4 or 8")
        multiple = options.factor
        name = "--factor"
        generator = ("SuperResolver", {"channels": channels, "factor": options.factor, "width": width})
        beside = channels
    else:
        multiple = 16
        name = "the network's 16"
        generator = ("Inpainter", {"channels": channels, "noise": options.several, "width": width})
        beside = channels + 1
    if side % multiple:
        raise ValueError(f"--size: pictures are {side}x{side}, expected a multiple of {name}")
    critic = ("PatchCritic", {"channels": channels, "pair_channels": beside})
    return {"generator": generator} | ({"critic": critic} if options.adversarial_weight else {})


def likelihood(options: argparse.Namespace, images: data.ImageSet) -> str:
    """Return the likelihood of a VAE's pixels: the one asked for, else of black and white for images that are grey."""
    usual = "bernoulli" if images.images.shape[1] == 1 else "logistic"
    chosen = options.likelihood or usual
    if chosen not in models.LIKELIHOODS:
        raise ValueError(f"--likelihood: got {chosen!r}, expected one of {', '.join(models.LIKELIHOODS)}")
    return chosen


def pixel_scale(options: argparse.Namespace, images: data.ImageSet) -> str:
    """Return the range of pixels that the network asks for: a VAE's likelihood is of black and white, or of k / 255."""
    if options.network not in VAES:
        return "tanh"
    return "binary" if likelihood(options, images) == "bernoulli" else "unit"


def image_size(options: argparse.Namespace) -> int | None:
    """Return the side asked for; some networks take powers of two, so for them sets of 28 pixels come padded to 32."""
    digits_like = options.data in data.SETS and 32 in data.SETS[options.data].sizes
    wants_32 = options.network in ("dcgan", "cgan", "classifier") and options.size is None
    return 32 if wants_32 and digits_like else options.size
