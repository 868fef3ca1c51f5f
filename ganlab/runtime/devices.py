"""The devices that are present, what they are called, and how they compute the same bits twice."""

import contextlib
import platform
from collections.abc import Iterator

import torch

DEVICES = ("cuda", "mps", "cpu")  # best first


def available_devices() -> list[str]:
    """Return the kinds of device present, best first; the last is always "cpu"."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [kind for kind in DEVICES if present[kind]]


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """Return the named device, "cuda:1" say, or for "auto" the best one present: cuda, then mps, then cpu.

    Raises ValueError when the device is unknown or absent.
    """
    present = available_devices()
    name = present[0] if device == "auto" else str(device)
    kind, _, number = name.partition(":")
    if kind not in present or not (number.isdecimal() or name == kind):
        raise ValueError(f"device: got {name!r}, expected 'auto' or one of those present: {', '.join(present)}")
    last = torch.cuda.device_count() - 1 if kind == "cuda" else 0
    if number and int(number) > last:
        raise ValueError(f"device: got {name!r}, but the last of its kind here is '{kind}:{last}'")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return what identifies the device for a measurement: its model, or the processor with its thread count."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {platform.machine()} {torch.backends.cpu.get_cpu_capability()} x{torch.get_num_threads()}"


def synchronize(device: torch.device) -> None:
    """Wait until all work queued on `device` is done, so that a clock read afterwards is honest."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # which of several; without its name it would be the first
    elif device.type == "mps":
        torch.mps.synchronize()


@contextlib.contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Inside, what is computed on `device` has the same bits each time.

    On CUDA, cuDNN may add up a convolution's gradients in an order that changes; here it takes only its kernels whose
    order is fixed. Elsewhere there is nothing to do.
    """
    cudnn = torch.backends.cudnn
    if device.type != "cuda":
        yield
        return
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic = True
    cudnn.benchmark = False  # it would choose kernels by a stopwatch, another time others
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
