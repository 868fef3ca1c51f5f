"""Where a run happens: device, speed, seeds, cache folder, and the measurement that picks the fast precision."""

import contextlib
import hashlib
import json
import os
import platform
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

SPEEDS = ("smoke", "class", "full")
DEVICES = ("cuda", "mps", "cpu")  # best first

T = TypeVar("T")


@dataclass(frozen=True)
class Lab:
    """What a lesson's setup cell settles: the speed, the seed and the device."""

    speed: str
    seed: int
    device: torch.device

    def by_speed(self, smoke: T, class_: T, full: T) -> T:
        """Return the value that belongs to this lab's speed."""
        return dict(zip(SPEEDS, (smoke, class_, full), strict=True))[self.speed]


def start(speed: str = "auto", seed: int = 0, device: str = "auto") -> Lab:
    """Settle speed, seed and device for a lesson; changes no global state.

    `speed` is "smoke", "class", "full", or "auto": the environment variable GANLAB_SPEED, else "class".
    Raises ValueError for any other speed, a seed that is not a whole number >= 0, or a device that is not there.
    """
    if speed == "auto":
        speed = os.environ.get("GANLAB_SPEED") or "class"
    if speed not in SPEEDS:
        raise ValueError(f"speed: got {speed!r}, expected one of {', '.join(SPEEDS)} (or 'auto')")
    return Lab(speed, whole_number("seed", seed, least=0), pick_device(device))


def whole_number(name: str, value: int, least: int) -> int:
    """Return `value` if it is a whole number >= `least`; raise ValueError naming the argument otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}: got {value!r}, expected a whole number >= {least}")
    return value


def available_devices() -> list[str]:
    """Return the kinds of device present, best first; the last is always "cpu"."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [kind for kind in DEVICES if present[kind]]


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """Return the named device, or for "auto" the best one present: cuda, then mps, then cpu.

    Raises ValueError when the device is unknown or absent.
    """
    present = available_devices()
    wanted = present[0] if device == "auto" else str(device)
    if wanted.split(":")[0] not in present:
        raise ValueError(f"device: got {wanted!r}, expected 'auto' or one of those present: {', '.join(present)}")
    return torch.device(wanted)


def seeded_generator(*labels: int | str, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a generator on `device` whose seed is mixed from all `labels`, so that (0, 1) and (1, 0) differ.

    A helper that needs randomness takes one of these and leaves torch's global generator alone.
    """
    digest = hashlib.sha256(",".join(map(str, labels)).encode()).digest()
    return torch.Generator(device=device).manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global generator starts from `seed`, for code that draws from it (networks' first weights);
    afterwards it stands where it stood.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def cache_dir() -> Path:
    """Return the folder for what can be made or fetched again: $GANLAB_CACHE, else the system's cache folder."""
    import pooch  # here, so that importing ganlab.runtime stays light

    return Path(os.environ.get("GANLAB_CACHE") or pooch.os_cache("ganlab")).expanduser()


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Inside, Ctrl-C or Jupyter's stop button waits: KeyboardInterrupt comes at the end, so a step is whole or not."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives interrupts
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader, a crash or a full disk never meets half a file.

    The bytes go to a temporary file beside `path`, reach the disk, and replace `path` in one step. On any failure the
    temporary file is removed, what stood at `path` stays as it was, and the OSError is passed on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # not from tempfile, whose files their owner alone can read: a class may share one cache folder
    temporary = path.parent / f".{path.name}.{os.urandom(4).hex()}.part"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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


def precisions(device: torch.device, convolutions: bool) -> dict[str, Precision]:
    """Return the precisions worth trying on `device`, float32 first; memory order matters only to `convolutions`.

    float16 is left out: it needs loss scaling, and bfloat16 does not.
    """
    bf16 = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported())
    dtypes = [torch.float32] + ([torch.bfloat16] if bf16 else [])
    tried = [Precision(dtype, last) for dtype in dtypes for last in ((False, True) if convolutions else (False,))]
    return {str(precision): precision for precision in tried}


def precision(name: str, device: torch.device, convolutions: bool) -> Precision:
    """Return the precision called `name`; raise ValueError with the names for this device for any other."""
    there = precisions(device, convolutions)
    if name not in there:
        raise ValueError(f"precision: got {name!r}, expected 'auto' or one of {', '.join(there)}")
    return there[name]


def device_name(device: torch.device) -> str:
    """Return what identifies the device for a measurement: its model, or the processor with its thread count."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {platform.machine()} {torch.backends.cpu.get_cpu_capability()} x{torch.get_num_threads()}"


def synchronize(device: torch.device) -> None:
    """Wait until all work queued on `device` is done, so that a clock read afterwards is honest."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def fastest(
    candidates: dict[str, Callable[[], object]], device: torch.device, seconds: float = 3.0, margin: float = 1.1
) -> tuple[str, dict[str, float]]:
    """Time the candidates in turn and return the name of the fastest, and every median in milliseconds.

    The rounds alternate, so that a slow spell of the machine hits all alike. The first candidate is the one to beat:
    another must be `margin` times faster, or the choice would follow the noise. There are three rounds at least, and
    up to thirty within `seconds`.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for run in candidates.values():
        run()  # the first call allocates and builds kernels
    deadline = time.perf_counter() + seconds
    for turn in range(30):
        if turn >= 3 and time.perf_counter() > deadline:
            break
        for name, run in candidates.items():
            synchronize(device)
            begin = time.perf_counter()
            run()
            synchronize(device)
            times[name].append(1e3 * (time.perf_counter() - begin))
    medians = {name: statistics.median(values) for name, values in times.items()}
    first, best = next(iter(medians)), min(medians, key=medians.__getitem__)
    return (best if medians[first] >= margin * medians[best] else first), medians


def remembered(key: str, measure: Callable[[], dict]) -> dict:
    """Return what `measure` found for `key` on this machine, measuring only the first time.

    A choice that was measured anew each time could change between two runs of one seed, and with it the bits. The
    answers are kept as JSON in the cache folder; an unreadable or unwritable one is measured again.
    """
    path = cache_dir() / "measured" / (hashlib.sha256(key.encode()).hexdigest()[:16] + ".json")
    try:
        kept = json.loads(path.read_text())
        if kept["key"] == key:
            return kept["found"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing kept, or not readable: measure
    found = measure()
    try:
        write_atomically(path, json.dumps({"key": key, "found": found}, indent=1).encode())
    except OSError:
        pass  # the measurement holds for this process even when it cannot be kept
    return found
