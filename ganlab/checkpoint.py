"""Save and load a training state as one safetensors file: atomically, checked, and without pickle.

A state is a tree of dicts, lists and plain values with tensors at some leaves. The tensors are stored as such; the rest
is JSON in the file's header, with a reference where each tensor stood. One file, so one `os.replace` swaps all of it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ganlab.runtime import user_path, write_atomically

FORMAT = "ganlab-1"


class CheckpointError(Exception):
    """A checkpoint that is missing, damaged, or not of the kind asked for."""


def save(path: str | Path, state: dict[str, Any]) -> None:
    """Write `state` to `path` atomically; what stood there stays until the new file is complete on the disk.

    Raises TypeError for a leaf that is neither tensor, number, text, bool nor None, and for a key that is neither text
    nor a whole number; OSError when the disk refuses.
    """
    tensors: dict[str, Tensor] = {}
    header = json.dumps(_strip(state, "", tensors))
    metadata = {"format": FORMAT, "state": header, "sha256": _digest(tensors, header)}
    write_atomically(user_path(path), _ordered(safetensors.torch.save(tensors, metadata)))


def load(path: str | Path) -> dict[str, Any]:
    """Return the state kept at `path`, tensors on the CPU.

    Raises CheckpointError when the file is missing, cut short, altered, or not one of ours.
    """
    path = user_path(path)
    if not path.is_file():
        raise CheckpointError(f"path: there is no checkpoint at {path}")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"path: {path} is damaged or not a checkpoint ({error})") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"path: {path} is not a {FORMAT} checkpoint (format {metadata.get('format')!r})")
    if metadata.get("sha256") != _digest(tensors, metadata.get("state", "")):
        raise CheckpointError(f"path: {path} is damaged: its content does not match its own checksum")
    return _restore(json.loads(metadata["state"]), tensors)


def _ordered(content: bytes) -> bytes:
    """Return a safetensors file with its metadata in the order of their names, which differs from save to save."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    metadata = dict(sorted(header.pop("__metadata__").items()))
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def _strip(node: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return `node` fit for JSON, moving its tensors to `tensors` under their path in the tree."""
    if isinstance(node, Tensor):
        name = f"{len(tensors)}{name}"  # the number tells "a/b" from "b" in "a", and the key 1 from "1"
        tensors[name] = node.detach().cpu().contiguous().clone()
        return {"__tensor__": name}
    if isinstance(node, dict):
        if strange := [key for key in node if not isinstance(key, str | int)]:
            raise TypeError(f"state: got the key {strange[0]!r} at {name or '/'}, expected text or a whole number")
        # JSON turns number keys (an optimizer's state has them) into text; keeping pairs preserves them.
        return {"__dict__": [[key, _strip(value, f"{name}/{key}", tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return [_strip(value, f"{name}/{k}", tensors) for k, value in enumerate(node)]
    if node is None or isinstance(node, bool | int | float | str):
        return node
    raise TypeError(f"state: got {type(node).__name__} at {name or '/'}, expected tensors and plain values")


def _restore(node: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(node, dict) and "__tensor__" in node:
        return tensors[node["__tensor__"]]
    if isinstance(node, dict):
        return {key: _restore(value, tensors) for key, value in node["__dict__"]}
    if isinstance(node, list):
        return [_restore(value, tensors) for value in node]
    return node


def _digest(tensors: dict[str, Tensor], header: str) -> str:
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
