"""The command line: `python -m ganlab doctor` examines this machine, `data` lists and fetches sets, `train` trains.

`sample`, `walk` and `apply` make pictures with what is trained, `lessons` makes the student's copies of the lessons.
"""

import re
import sys

import torch

from ganlab import data
from ganlab.checkpoint import CheckpointError
from ganlab.classroom import handin
from ganlab.cli import doctor, draw, export, gpu, lessons, metric, tasks, train, translate
from ganlab.cli.arguments import Parser
from ganlab.runtime import forgiving_output


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 when something is wrong, 2 when the arguments are, 130 for Ctrl-C.

    What the terminal cannot show, or no longer takes, changes nothing.
    """
    with forgiving_output():
        return _run(arguments)


def _run(arguments: list[str] | None) -> int:
    parser = Parser(prog="python -m ganlab", description="The course's command line.")
    commands = parser.add_subparsers(dest="command", required=True)
    machine = commands.add_parser("doctor", help="say whether the course can run here, and what mends it if not")
    machine.add_argument("--gpu", action="store_true", help="try every kind of run on the GPU: a table, in 3 minutes")
    lessons.add_arguments(
        commands.add_parser("lessons", help="make or update your copies of the lessons, and list them")
    )
    sets = commands.add_parser("data", help="list the image sets, or get one").add_subparsers(dest="action")
    fetch = sets.add_parser("fetch", help="build or download a set into the cache")
    fetch.add_argument("name", metavar="NAME")
    fetch.add_argument("--size", type=int, metavar="N", help="side in pixels, when the set comes in several")
    tasks.add_arguments(commands.add_parser("train", help="train networks into a folder; again to continue"))
    draw.add_sample_arguments(commands.add_parser("sample", help="samples, of one class if you like: a sheet or files"))
    draw.add_walk_arguments(commands.add_parser("walk", help="a GIF of the way from one sample to another"))
    translate.add_arguments(commands.add_parser("apply", help="your pictures through a translator, each to a file"))
    metric.add_arguments(commands.add_parser("metric", help="how far one folder of images is from another"))
    export.add_arguments(commands.add_parser("export", help="a generator or decoder as ONNX, for other programs"))
    handin.add_arguments(commands.add_parser("hand-in", help="look through an assignment before you hand it in"))
    chosen, strange = parser.parse_known_args(arguments)
    if strange:
        steps = (chosen.command, getattr(chosen, "network", None), getattr(chosen, "action", None))
        parser.refuse(strange, chosen=filter(None, steps))
    try:
        if chosen.command == "doctor":
            return gpu.run() if chosen.gpu else _doctor()
        if chosen.command == "hand-in":
            return handin.run(chosen)
        if chosen.command == "train":
            return train.run(chosen)
        others = {"lessons": lessons.run, "sample": draw.sample, "walk": draw.walk}
        others |= {"metric": metric.run, "export": export.run, "apply": translate.run}
        if chosen.command in others:
            return others[chosen.command](chosen)
        return _fetch(chosen.name, chosen.size) if chosen.action == "fetch" else _list()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError, data.DataError, CheckpointError) as error:  # bad input: said in one line
        print(f"error: {error}", file=sys.stderr)
    except (MemoryError, RuntimeError) as error:
        if not _lacks_memory(error):
            raise
        asked = re.search(r"allocate ([\d.]+ ?\w*)", str(error))
        amount = f" ({asked[1]} more was asked for)" if asked else ""
        smaller = {"train": "--batch-size, --width or --size", "sample": "--n"}.get(chosen.command, "set of images")
        print(f"error: out of memory{amount}: take a smaller {smaller}, or end other programs", file=sys.stderr)
    return 1


def _lacks_memory(error: BaseException) -> bool:
    """Return whether an error says that memory is short; torch has a type for it on CUDA only."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "STATUS_ALLOC_FAILED")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error) for word in words)


def _doctor() -> int:
    findings = doctor.examine()
    print(*findings, sep="\n")
    well = doctor.can_run(findings)
    print("\nThe course can run here." if well else "\nThe course cannot run here yet: see PROBLEM above.")
    return 0 if well else 1


def _list() -> int:
    for status in data.describe():
        size = f"{status.download_megabytes:6.1f} MB" if status.state == "to be downloaded" else f"{'':9}"
        print(f"{status.name:9}{status.state:17}{size}  {status.source}")
    print("\nAny folder of images works too: data.load('path/to/folder'). Get a set: python -m ganlab data fetch NAME")
    return 0


def _fetch(name: str, size: int | None) -> int:
    status = data.fetch(name, size)
    print(f"{name}: {status.state}")
    return 0 if status.state == "present" else 1  # built, but not kept: a warning has said why
