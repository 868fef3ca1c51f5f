"""The devices that are present, and what they are called."""

import platform

import torch

DEVICES = ("cuda", "mps", "cpu")  # best first


def available_devices() -> list[str]:
    """Return the kinds of device present, best first; the last is always "cpu"."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [kind for kind in DEVICES if present[kind]]


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """Return the named device, or for "auto" the best one present: cuda, then mps, then cpu.

    Raises ValueError when the device is unknown or absent.
    """
    present = available_devices()
    name = present[0] if device == "auto" else str(device)
    if name.split(":")[0] not in present:
        raise ValueError(f"device: got {name!r}, expected 'auto' or one of those present: {', '.join(present)}")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return what identifies the device for a measurement: its model, or the processor with its thread count."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {platform.machine()} {torch.backends.cpu.get_cpu_capability()} x{torch.get_num_threads()}"


def synchronize(device: torch.device) -> None:
    """Wait until all work queued on `device` is done, so that a clock read afterwards is honest."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()
