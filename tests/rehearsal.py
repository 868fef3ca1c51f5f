"""A GPU that is only pretended, so that a machine without one finds what lies on the wrong device.

Every tensor stays a tensor of the CPU, and torch computes with it as ever. Beside that, a note is kept of each memory:
whether it would lie on the GPU. Two of torch's own hooks keep the notes. `_Calls` sees what Python asks for: `device=`,
`.to`, `.cpu`, `.numpy`, a generator. `_Kernels` sees what is computed, in the backward pass too, and refuses tensors of
two devices as CUDA does, and float64 as Apple's GPU does. The GPU's global generator is a stream of its own. Readings
from the GPU, each of which waits for all work that is queued there, are counted.

Why not another way: on torch's `meta` device nothing can be read, so no run gets past its first check; a device of
one's own needs C++, or torch's experimental hooks for Python, whose tensors know no memory order.
"""

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

OnCPU = torch.Generator
CPU = torch.device("cpu")
GPU = torch.device("cuda", 0)
EITHER = None  # of what torch makes on its way, from numbers alone: it lies wherever it is needed

# What may join both devices: copies, and rows of the GPU's by numbers that lie on the CPU.
COPIES = ("copy_", "_to_copy")
ROWS = ("index", "index_put_", "index_put", "_unsafe_index", "_index_put_impl_")
WITHOUT_NUMBERS = ("cat", "stack", "mm", "bmm", "addmm", "baddbmm")  # a number on the CPU goes with all but these
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal")  # their results go to the CPU


class Notes:
    """Which memories lie on the GPU, and which on either device; all others lie on the CPU."""

    def __init__(self) -> None:
        self._notes: dict[int, tuple[StorageWeakRef, torch.device | None]] = {}
        self._most = 10_000

    def __getitem__(self, tensor: Tensor) -> torch.device | None:
        entry = self._notes.get(tensor.untyped_storage()._cdata)
        return CPU if entry is None else entry[1]

    def __setitem__(self, tensor: Tensor, device: torch.device | None) -> None:
        storage = tensor.untyped_storage()
        if device == CPU:
            self._notes.pop(storage._cdata, None)
            return
        self._notes[storage._cdata] = StorageWeakRef(storage), device  # while it lives, no other has this number
        if len(self._notes) > self._most:
            self._notes = {number: note for number, note in self._notes.items() if not note[0].expired()}
            self._most = 10_000 + 2 * len(self._notes)


class Generator(OnCPU):
    """A generator that says on which device it would lie; its numbers are the CPU's."""

    def __new__(cls, device: str | torch.device = "cpu") -> "Generator":
        generator = super().__new__(cls, "cpu")
        generator.place = _place(device)
        return generator

    @property
    def device(self) -> torch.device:
        """The device that was asked for."""
        return self.place


def _place(device: str | int | torch.device) -> torch.device:
    kind = device if isinstance(device, torch.device) else torch.device(device)
    if kind.type == "cpu":
        return CPU
    if kind.type != "cuda" or kind.index not in (None, 0):
        raise RuntimeError(f"no device {kind} here")
    return GPU


def _leaves(tree: Any) -> Iterator[Any]:
    """Yield what lies in tuples, lists and dicts."""
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        yield tree
        return
    for branch in tree:
        yield from _leaves(branch)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in _leaves(tree) if isinstance(leaf, Tensor)]


class _Kernels(TorchDispatchMode):
    """Sees each kernel: refuses tensors of two devices, and notes where its results lie."""

    def __init__(self, gpu: "PretendedGPU") -> None:
        super().__init__()
        self.gpu = gpu

    def __torch_dispatch__(self, func: Any, kinds: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        inputs = _tensors((args, kwargs))
        device = self._device(name, inputs)
        if device == GPU and name in WAITS:
            self.gpu.wait(name)
        own = device == GPU and torch.Tag.nondeterministic_seeded in func.tags
        with self.gpu.stream(own and not any(isinstance(leaf, torch.Generator) for leaf in _leaves(kwargs))):
            results = func(*args, **kwargs)
        if name == "set_":  # a memory that is there already stays where it is
            return results
        for result in _tensors(results):
            if result.dtype == torch.float64 and device == GPU:
                raise TypeError(f"{name}: float64 on the GPU, which Apple's has not")
            self.gpu.notes[result] = device
        return results

    def _device(self, name: str, inputs: list[Tensor]) -> torch.device | None:
        """Return where the result of a kernel lies; RuntimeError for inputs of two devices."""
        notes = self.gpu.notes
        places = [notes[tensor] for tensor in inputs]
        if name in COPIES or name in ROWS:
            first = places[0]
            if name in ROWS and first == CPU and GPU in places:
                raise RuntimeError(
                    f"{name}: indices should be either on cpu or on the same device as the indexed tensor"
                )
            return first
        if GPU in places:
            alone = name not in WITHOUT_NUMBERS
            written = name.endswith("_") and not name.startswith("_")
            for k, (tensor, place) in enumerate(zip(inputs, places, strict=True)):
                if place == CPU and not (alone and tensor.ndim == 0 and not (written and k == 0)):
                    shapes = ", ".join(f"{p} {tuple(t.shape)}" for t, p in zip(inputs, places, strict=True))
                    raise RuntimeError(f"{name}: Expected all tensors to be on the same device, but found {shapes}")
            return GPU
        return CPU if CPU in places else EITHER


class _Calls(TorchFunctionMode):
    """Sees each call from Python: where a result is asked for, what is read, and which generator draws."""

    def __init__(self, gpu: "PretendedGPU") -> None:
        super().__init__()
        self.gpu = gpu

    def __torch_function__(self, func: Any, kinds: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = dict(kwargs or {})
        if special := _SPECIAL.get(func):
            return special(self.gpu, func, args, kwargs)
        if func.__name__ == "__get__":  # an attribute: if it is a tensor, its memory is another's
            return func(*args)
        return self.gpu.call(func, args, kwargs)


class PretendedGPU:
    """Inside `with PretendedGPU() as gpu`, torch has a GPU, which is the device that "auto" picks.

    `waits` counts, by name, how often the GPU was waited for: for numbers and tensors that were brought from it.
    """

    def __init__(self) -> None:
        self.notes = Notes()
        self.waits: dict[str, int] = {}
        self.state = OnCPU().manual_seed(0).get_state()  # of the GPU's global generator
        self._quiet = False
        self._inside = False

    def __enter__(self) -> "PretendedGPU":
        with contextlib.ExitStack() as stack:
            for target, name, value in self._patches():
                stack.enter_context(mock.patch.object(target, name, value))
            stack.enter_context(_Kernels(self))
            stack.enter_context(_Calls(self))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)

    def _patches(self) -> list[tuple[Any, str, Any]]:
        autocast = torch.autocast

        class Autocast(autocast):
            def __init__(self, device_type: str, *arguments: Any, **others: Any) -> None:
                super().__init__({"cuda": "cpu"}.get(device_type, device_type), *arguments, **others)

        cuda = {
            "is_available": lambda: True,
            "device_count": lambda: 1,
            "current_device": lambda: 0,
            "is_bf16_supported": lambda: True,
            "get_device_name": lambda device=None: "pretended GPU",
            "synchronize": lambda device=None: None,
            "get_rng_state": lambda device=0: self.state.clone(),
            "get_rng_state_all": lambda: [self.state.clone()],
            "set_rng_state": lambda state, device=0: self._set(state),
            "set_rng_state_all": lambda states: self._set(*states),
            "manual_seed_all": lambda seed: self._set(OnCPU().manual_seed(seed).get_state()),
            "get_device_properties": lambda device=None: types.SimpleNamespace(total_memory=8e9),
            "max_memory_allocated": lambda device=None: 0,
            "reset_peak_memory_stats": lambda device=None: None,
        }
        patches = [(torch.cuda, name, value) for name, value in cuda.items()]
        return [*patches, (torch, "Generator", Generator), (torch, "autocast", Autocast)]

    def _set(self, state: Tensor) -> None:
        self.state = state.clone()

    @contextlib.contextmanager
    def stream(self, own: bool) -> Iterator[None]:
        """Inside, if `own`, torch's global generator is the GPU's."""
        if not own or self._inside:
            yield
            return
        self._inside = True
        before = torch.get_rng_state()
        torch.set_rng_state(self.state)
        try:
            yield
        finally:
            self._inside = False
            self.state = torch.get_rng_state()
            torch.set_rng_state(before)

    def wait(self, name: str) -> None:
        """Count a reading from the GPU."""
        if not self._quiet:
            self.waits[name] = self.waits.get(name, 0) + 1

    def device(self, tensor: Tensor) -> torch.device:
        """Return where a tensor would lie."""
        return self.notes[tensor] or CPU

    def call(self, func: Any, args: tuple, kwargs: dict) -> Any:
        """Make a call; its results lie on the device that it names, else on that of its tensors, else on the CPU."""
        inputs = _tensors((args, kwargs))
        target = GPU if any(self.notes[tensor] == GPU for tensor in inputs) else CPU
        named = kwargs.get("device") is not None
        if named:
            target = _place(kwargs["device"])
            kwargs["device"] = CPU
        for leaf in _leaves((args, kwargs)):
            if isinstance(leaf, Generator) and leaf.device != target:
                raise RuntimeError(
                    f"Expected a '{target.type}' device type for generator but found '{leaf.device.type}'"
                )
        own = target == GPU and named and kwargs.get("generator") is None
        with self.stream(own):
            results = func(*args, **kwargs)
        if isinstance(results, Tensor):
            return self._placed(results, target, inputs, named)
        for result in _tensors(results):
            self._placed(result, target, inputs, named)
        return results

    def _placed(self, result: Tensor, target: torch.device, inputs: list[Tensor], named: bool) -> Tensor:
        if named and self.notes[result] not in (EITHER, target):
            number = result.untyped_storage()._cdata
            if any(tensor.untyped_storage()._cdata == number for tensor in inputs):
                result = result.clone()
            self.notes[result] = target
        elif named or self.notes[result] is EITHER:
            self.notes[result] = target
        return result

    def move(self, tensor: Tensor, target: torch.device, func: Any, args: tuple, kwargs: dict) -> Tensor:
        """Return a tensor on another device, by a copy."""
        if self.device(tensor) == GPU and target == CPU:
            self.wait("to the CPU")
        source = self.device(tensor)
        result = func(tensor, *args, **kwargs)
        if source != target:
            if result.untyped_storage()._cdata == tensor.untyped_storage()._cdata:
                result = result.clone()
            self.notes[result] = target
            if target == GPU and result.dtype == torch.float64:
                raise TypeError("float64 to the GPU, which Apple's has not")
            if result.requires_grad:
                result.register_hook(lambda gradient: self._carried(gradient, source))
        return result

    def _carried(self, gradient: Tensor, device: torch.device) -> Tensor:
        gradient = gradient.clone()
        self.notes[gradient] = device
        return gradient


def _to(gpu: PretendedGPU, func: Any, args: tuple, kwargs: dict) -> Any:
    tensor, *others = args
    if others and isinstance(others[0], Tensor):
        target = gpu.device(others[0])
        others[0] = others[0].new_empty(0)
    elif others and isinstance(others[0], str | int | torch.device):
        target = _place(others[0])
        others[0] = CPU
    elif kwargs.get("device") is not None:
        target = _place(kwargs["device"])
        kwargs["device"] = CPU
    else:
        return gpu.call(func, args, kwargs)
    return gpu.move(tensor, target, func, tuple(others), kwargs)


def _copied(gpu: PretendedGPU, func: Any, args: tuple, kwargs: dict) -> Any:
    """Copy a memory without a kernel."""
    result = func(*args, **kwargs)
    gpu.notes[result] = gpu.device(args[0])
    return result


def _no_numpy(gpu: PretendedGPU, func: Any, args: tuple, kwargs: dict) -> Any:
    if gpu.device(args[0]) == GPU:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")
    return func(*args, **kwargs)


def _read(gpu: PretendedGPU, func: Any, args: tuple, kwargs: dict) -> Any:
    if gpu.device(args[0]) == GPU:
        gpu.wait("tolist")
    return func(*args, **kwargs)


def _quietly(gpu: PretendedGPU, func: Any, args: tuple, kwargs: dict) -> Any:
    """Call what looks at its numbers on the CPU only, which CUDA's version does not."""
    gpu._quiet = True
    try:
        return gpu.call(func, args, kwargs)
    finally:
        gpu._quiet = False


_SPECIAL: dict[Any, Callable[[PretendedGPU, Any, tuple, dict], Any]] = {
    Tensor.device.__get__: lambda gpu, func, args, kwargs: gpu.device(args[0]),
    Tensor.is_cuda.__get__: lambda gpu, func, args, kwargs: gpu.device(args[0]) == GPU,
    Tensor.is_cpu.__get__: lambda gpu, func, args, kwargs: gpu.device(args[0]) == CPU,
    Tensor.to: _to,
    Tensor.cpu: lambda gpu, func, args, kwargs: gpu.move(args[0], CPU, func, args[1:], kwargs),
    Tensor.numpy: _no_numpy,
    Tensor.__array__: _no_numpy,
    Tensor.tolist: _read,
    Tensor.__deepcopy__: _copied,
    torch.nn.functional.one_hot: _quietly,
}
