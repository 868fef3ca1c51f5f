"""What the commands' arguments have in common: a parser that says which option belongs where, paths, sets, networks."""

import argparse
import difflib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from torch import nn

from ganlab import data, runtime
from ganlab.models import trained

LARGEST_SEED = 2**63 - 1  # torch's own limit lies just above


class Parser(argparse.ArgumentParser):
    """A parser of whole words: what it does not know is refused in one line, which says whose option it is."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and end with status 2."""
        print(f"error: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(2)

    def options(self) -> list[str]:
        """Return the long names of this parser's own options."""
        return [word for action in self._actions for word in action.option_strings if word.startswith("--")]

    def commands(self) -> dict[str, "Parser"]:
        """Return the parsers of its commands, by name."""
        groups = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return {name: parser for group in groups for name, parser in group.choices.items()}

    def refuse(self, words: list[str], *, chosen: Iterable[str]) -> NoReturn:
        """Refuse the words that no parser took, of the command whose names are `chosen`; say what they belong to."""
        siblings = {}
        parser = self
        for name in chosen:
            siblings = parser.commands()
            parser = siblings[name]
        word = next((word for word in words if word.startswith("-")), words[0]).split("=")[0]
        owners = [name for name, other in siblings.items() if word in other.options()]
        close = difflib.get_close_matches(word, parser.options(), n=1)
        belongs = f"; it is one of {', '.join(owners)}" if owners else f"; did you mean {close[0]}?" if close else ""
        parser.error(f"{word}: no option of `{parser.prog.split(maxsplit=3)[-1]}`{belongs}")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Declare --seed."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")


def thread_number(text: str) -> int | str:
    """Return an argument as a number, if it is one; the settings say what is wrong with others than "auto"."""
    return int(text) if text.isdecimal() else text


def seed_number(name: str, seed: int) -> int:
    """Return a seed, or raise ValueError for one that torch cannot take."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"{name}: got {seed}, expected a whole number from 0 to 2^63 - 1")
    return seed


def asked(options: argparse.Namespace, *names: str) -> dict[str, object]:
    """Return those of the named options that were given, by name: the others are None, or False."""
    values = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def note_namesake(option: str, name: str, what: str) -> None:
    """Say which is meant when a name of ours is a folder's too."""
    if Path(name).is_dir():
        print(f"{option}: {name!r} is {what}; for your folder of that name write ./{name}", file=sys.stderr)


def load_images(option: str, name: str, split: str = "train", **options: object) -> data.ImageSet:
    """Return one split of a set, or of a folder; `options` are those of `data.load`.

    A set of ours goes before a folder of the same name, and says so.
    """
    if name in data.SETS and split == "train":
        note_namesake(option, name, "the built-in set")
    return data.load(name, split, **options)


def networks_file(option: str, name: str) -> Path:
    """Return the file of networks that is meant by a name of ours, a folder that `train` wrote, or such a file."""
    if name in trained.SHA256:
        note_namesake(option, name, "a network of ours")
        return trained.FOLDER / f"{name}.safetensors"
    there = runtime.user_path(name)
    if there.is_dir():
        file = there / "networks.safetensors"
        if not file.is_file():
            raise ValueError(f"{option}: {name} has no networks.safetensors, which `train` writes at its first saving")
        return file
    if there.is_file():
        return there
    close = difflib.get_close_matches(name, trained.SHA256, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"{option}: got {name!r}, which is no folder of `train`'s and none of {', '.join(trained.SHA256)}.{hint}"
    )


def load_networks(option: str, name: str) -> tuple[dict[str, nn.Module], tuple[str, ...]]:
    """Return the networks that `networks_file` means, and the names of their classes, if they have any."""
    file = networks_file(option, name)
    networks = trained.load(name) if name in trained.SHA256 else trained.read(file)
    return networks, trained.class_names(file)


def load_maker(option: str, name: str) -> tuple[nn.Module, tuple[str, ...]]:
    """Return the network that makes images, and the names of its classes; ValueError for a mere classifier."""
    networks, names = load_networks(option, name)
    makers = [networks[role] for role in ("generator", "vae", "flow") if role in networks]
    if "stylist" in networks:
        raise ValueError(f"{option}: {name} makes no images from nothing, it paints pictures: use `apply`")
    if not makers:
        raise ValueError(f"{option}: {name} makes no images, it is a classifier")
    if not hasattr(makers[0], "latent_dim"):
        raise ValueError(f"{option}: {name} makes no images from nothing, it translates pictures: use `apply`")
    return makers[0], names if hasattr(makers[0], "classes") else ()


def class_number(text: str, classes: int, names: tuple[str, ...]) -> int:
    """Return the class that is meant by one of `names`, or by a number where no name is one."""
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < classes and not any(name.isdecimal() for name in names):
        return int(text)
    expected = f"one of {', '.join(names)}" if names else f"0 to {classes - 1}"
    raise ValueError(f"--class: got {text}, expected {expected}")
