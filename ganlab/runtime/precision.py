"""The precisions of a training step, and the measurement that picks the fastest."""

import hashlib
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from ganlab.runtime.devices import synchronize
from ganlab.runtime.files import cache_dir, write_atomically

T = TypeVar("T")


@dataclass(frozen=True)
class Precision:
    """How a training step computes: the autocast type of the networks, and the memory order of images."""

    dtype: torch.dtype = torch.float32
    channels_last: bool = False

    def __str__(self) -> str:
        return str(self.dtype).removeprefix("torch.") + (" channels_last" if self.channels_last else "")

    @property
    def memory_format(self) -> torch.memory_format:
        """The torch memory format that goes with `channels_last`."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self, device: torch.device) -> torch.autocast:
        """Return the context in which the networks run; in float32 it does nothing."""
        return torch.autocast(device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)


FLOAT32 = Precision()
MARGIN = 1.1  # of a candidate that replaces the first
HOPELESS = 10  # times slower than the best: bfloat16 on a processor that lacks it takes 20 times as long
DEAR = 1000.0  # milliseconds of a call; a cheaper one is tried again, as another program may have held it up


def precisions(device: torch.device, convolutions: bool) -> dict[str, Precision]:
    """Return the precisions worth trying on `device`, float32 first; memory order matters only to `convolutions`.

    float16 is left out: it needs loss scaling, and bfloat16 does not.
    """
    bf16 = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported())
    dtypes = [torch.float32] + ([torch.bfloat16] if bf16 else [])
    orders = (False, True) if convolutions else (False,)
    candidates = [Precision(dtype, channels_last) for dtype in dtypes for channels_last in orders]
    return {str(precision): precision for precision in candidates}


def candidates(device: torch.device, convolutions: bool) -> dict[str, Precision]:
    """Return those of `precisions` that can be the fastest: Intel and AMD have no bfloat16 without AVX-512."""
    lacks = (
        device.type == "cpu"
        and platform.machine().lower() in ("x86_64", "amd64")
        and not torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    )
    there = precisions(device, convolutions)
    return {name: precision for name, precision in there.items() if precision.dtype != torch.bfloat16 or not lacks}


def named_precision(name: str, device: torch.device, convolutions: bool) -> Precision:
    """Return the precision called `name`; raise ValueError with the names for this device for any other."""
    names = precisions(device, convolutions)
    if name not in names:
        raise ValueError(f"precision: got {name!r}, expected 'auto' or one of {', '.join(names)}")
    return names[name]


def convolutions(*networks: nn.Module) -> bool:
    """Return whether any of the networks convolves images: only then can the memory order of channels matter.

    That order is of images alone: networks that convolve clips, in whole or in part, cannot take it.
    """
    modules = [module for network in networks for module in network.modules()]
    if any(isinstance(module, nn.Conv3d | nn.ConvTranspose3d) for module in modules):
        return False
    return any(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in modules)


def fastest(
    candidates: dict[str, Callable[[], object]], device: torch.device, seconds: float = 3.0
) -> tuple[str, dict[str, float]]:
    """Time the candidates in turn and return the name of the fastest, and every median in milliseconds.

    The rounds alternate, so that a slow spell of the machine hits all alike. The first candidate is the one to beat:
    another must be `MARGIN` times faster, or the choice would follow the noise. There are three rounds at least, and
    up to thirty within `seconds`. A candidate of which each call took more than `DEAR`, and `HOPELESS` times the
    best, is not called again.
    """

    def timed(run: Callable[[], object]) -> float:
        synchronize(device)
        begin = time.perf_counter()
        run()
        synchronize(device)
        return 1e3 * (time.perf_counter() - begin)

    def hopeful(least: dict[str, float]) -> list[str]:
        return [name for name, ms in least.items() if ms <= max(DEAR, HOPELESS * min(least.values()))]

    calls = {name: [timed(run)] for name, run in candidates.items()}  # the first allocates and builds kernels
    trying = hopeful({name: first for name, (first,) in calls.items()})
    deadline = time.perf_counter() + seconds
    for turn in range(30):
        if turn >= 3 and time.perf_counter() > deadline:
            break
        for name in trying:
            calls[name].append(timed(candidates[name]))
        trying = hopeful({name: min(calls[name][1:]) for name in trying})
    medians = {name: statistics.median(values[1:] or values) for name, values in calls.items()}
    first = next(iter(medians))
    best = min(medians, key=medians.__getitem__)
    return (best if medians[first] >= MARGIN * medians[best] else first), medians


def remembered(key: str, measure: Callable[[], dict]) -> dict:
    """Return the result of `measure` for `key` on this machine, measuring only the first time.

    A choice that was measured anew each time could change between two runs of one seed, and with it the bits. The
    answers are kept as JSON in the cache folder; an unreadable or unwritable one is measured again.
    """
    path = cache_dir() / "measured" / (hashlib.sha256(key.encode()).hexdigest()[:16] + ".json")
    try:
        entry = json.loads(path.read_text())
        if entry["key"] == key:
            return entry["found"]  # the name in files that are there already
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing kept, or not readable: measure
    result = measure()
    try:
        write_atomically(path, json.dumps({"key": key, "found": result}, indent=1).encode())
    except OSError:
        pass  # the measurement holds for this process even when it cannot be kept
    return result
