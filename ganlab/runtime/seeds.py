"""Seeded generators, and the states of the global ones."""

import contextlib
import hashlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch


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
    states = _torch_states()
    try:
        torch.manual_seed(seed)
        yield
    finally:
        _set_torch_states(states)


def random_states() -> dict[str, Any]:
    """Return the state of every global generator: Python's, numpy's, torch's on the CPU and on each device present."""
    numpy_state = np.random.get_state(legacy=False)
    numpy_state["state"]["key"] = torch.from_numpy(numpy_state["state"]["key"].astype(np.int64))
    return {"python": random.getstate(), "numpy": numpy_state, **_torch_states()}


def _torch_states() -> dict[str, Any]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: dict[str, Any]) -> None:
    """Put every global generator back to what `random_states` returned; a device that is absent now is passed over."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    numpy_state = {**states["numpy"], "state": dict(states["numpy"]["state"])}
    numpy_state["state"]["key"] = numpy_state["state"]["key"].numpy().astype(np.uint32)
    np.random.set_state(numpy_state)
    _set_torch_states(states)


def _set_torch_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"][: torch.cuda.device_count()])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])


@contextlib.contextmanager
def randomness_kept() -> Iterator[None]:
    """Whatever happens inside, the global generators afterwards stand where they stood: for sampling and metrics."""
    states = random_states()
    try:
        yield
    finally:
        set_random_states(states)
