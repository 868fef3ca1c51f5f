"""One run in several processes under torchrun: each takes its share of every batch, all end with the same weights.

Gradients are averaged by torch's DistributedDataParallel, and batch normalisation sees the whole batch, so the result
is that of one process up to rounding. Without torchrun there is one process, and nothing here does anything.
"""

import contextlib
import copy
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import Function, FunctionCtx
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from ganlab import runtime

PATIENCE = 10.0  # seconds in which the first process says what is wrong, before another that failed too says it

T = TypeVar("T")
_noted: list[int] = []  # interrupts of this process that the others do not know of yet


def size() -> int:
    """Return the number of processes that train together, 1 without torchrun."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Return whether this process is the one that writes files and speaks."""
    return size() == 1 or dist.get_rank() == 0


def together(command: Callable[[], int]) -> int:
    """Run a command as one of torchrun's processes, if this is one; return its exit status.

    The first process speaks for all. Another is heard only if it fails while the first goes on: torchrun ends all
    processes as soon as one has failed.
    """
    if not dist.is_available() or not dist.is_torchelastic_launched() or os.environ["WORLD_SIZE"] == "1":
        return command()
    dist.init_process_group()  # no backend named: gloo for tensors on the CPU, nccl for those on CUDA
    if is_first():
        status = command()
    else:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = command()
            except SystemExit as end:  # argparse's
                status = end.code
            except KeyboardInterrupt:
                status = 130
            except Exception:
                traceback.print_exc()
                status = 1
        if status not in (0, 130):  # an interrupt comes to all
            time.sleep(PATIENCE)
            print(f"process {dist.get_rank()}: {said.getvalue()}", file=sys.stderr)
    dist.destroy_process_group()
    return status


def any_of(flag: bool) -> bool:
    """Return whether `flag` is true in any process; all of them wait here for each other."""
    if size() == 1:
        return flag
    flags = torch.tensor(int(flag))  # on the CPU, so that no device is waited for
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    return bool(flags)


def from_first(decide: Callable[[], T]) -> T:
    """Return what `decide` returns in the first process, where alone it is called."""
    if size() == 1:
        return decide()
    decided = [decide() if is_first() else None]
    dist.broadcast_object_list(decided, src=0, device=torch.device("cpu"))
    return decided[0]


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Let the first process of each machine do alone what fills a cache; the others follow and find it filled."""
    leads = size() == 1 or _local_rank() == 0
    if not leads:
        any_of(False)
    yield
    if leads:
        any_of(False)


@contextlib.contextmanager
def interrupts_noted() -> Iterator[None]:
    """Inside, Ctrl-C only takes note, for the next end of `interrupts_shared`; alone, it does what it always does."""
    if size() == 1:
        yield
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: _noted.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def interrupts_shared() -> Iterator[None]:
    """At the end, raise KeyboardInterrupt in all processes alike if one was interrupted since the last time.

    If each stopped where it stands, one would wait in a step that another never takes.
    """
    try:
        yield
    except KeyboardInterrupt:
        if size() == 1:
            raise
        _noted.append(signal.SIGINT)
    if size() > 1 and any_of(bool(_noted)):
        _noted.clear()
        raise KeyboardInterrupt


def own_device(device: str | torch.device = "auto") -> torch.device:
    """Return the device of this process: of several, each has the GPU of its number on its machine, or the CPU.

    Raises ValueError when the device is unknown or absent, or not one that several processes can use.
    """
    if size() == 1:
        return runtime.pick_device(device)
    best = "cuda" if torch.cuda.is_available() else "cpu"  # torch's processes cannot talk through mps
    wanted = runtime.pick_device(best if device == "auto" else device)
    if wanted.type == "cpu":
        return wanted
    if wanted.type != "cuda" or wanted.index not in (None, _local_rank()):
        raise ValueError(f"device: got {str(device)!r}, expected 'auto', 'cuda' or 'cpu' for {size()} processes")
    if _local_rank() >= torch.cuda.device_count():
        there = torch.cuda.device_count()
        raise ValueError(f"--nproc-per-node: got more processes than this machine has GPUs, {there}")
    torch.cuda.set_device(_local_rank())
    return torch.device("cuda", _local_rank())


def local_rows(batch: Tensor) -> Tensor:
    """Return this process's rows of a batch (B, ...) that all processes hold; ValueError if B has no equal shares."""
    if len(batch) % size():
        raise ValueError(
            f"batch_size: got {len(batch)}, expected a multiple of {size()}, the number of processes: "
            "each takes an equal share of every batch"
        )
    return batch if size() == 1 else batch.chunk(size())[dist.get_rank()]


def mean(record: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the means over all processes of scalars on the device, which are then means over the whole batch."""
    if size() == 1:
        return record
    values = torch.stack(list(record.values()))
    dist.all_reduce(values)
    return dict(zip(record, values / size(), strict=True))


def replica(network: nn.Module) -> nn.Module:
    """Return what to call in place of `network` to train it in several processes; alone, the network itself.

    It has the same weights and buffers, not copies, so the network stays what is saved, averaged and sampled from. Each
    process first takes over the weights of the first. Dropout draws the same mask in all processes.
    """
    if size() == 1:
        return network
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)  # what the memo holds is not copied
    if next(network.parameters()).is_cuda:
        twin = nn.SyncBatchNorm.convert_sync_batchnorm(twin)
    for module in twin.modules():
        if isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm):
            module.__class__ = GlobalBatchNorm
    # Running statistics stay equal by themselves; sent at each call, they would change between two calls of one step.
    return DistributedDataParallel(twin, forward_sync_buffers=False)


def bare(network: nn.Module) -> nn.Module:
    """Return the network of a replica without its averaging of gradients, for calls that ask for none."""
    return network.module if isinstance(network, DistributedDataParallel) else network


class _Sum(Function):
    """The sum of a tensor over all processes; as each one's loss depends on it, gradients are summed as well."""

    @staticmethod
    def forward(ctx: FunctionCtx, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        return _Sum.forward(ctx, gradient)


class GlobalBatchNorm(_BatchNorm):
    """Batch normalisation over the batches of all processes together, which must be of one size.

    torch's SyncBatchNorm does this on CUDA only. In evaluation mode it is the usual batch normalisation.
    """

    def _check_input_dim(self, x: Tensor) -> None:
        pass  # the layer that this one replaces has its rules; any (B, C, ...) can be normalised

    def forward(self, x: Tensor) -> Tensor:
        """Return x (B, C, ...), each channel with mean 0 and variance 1 over all batches, times weight plus bias."""
        if not self.training or size() == 1:
            return super().forward(x)
        axes = [axis for axis in range(x.ndim) if axis != 1]
        var, mean = torch.var_mean(x.float(), axes, correction=0)  # (C,) each
        parts = mean.new_zeros(size(), 2, len(mean))
        parts[dist.get_rank()] = torch.stack([mean, var])
        means, variances = _Sum.apply(parts).unbind(1)  # (processes, C): a sum with zeros brings all of them here
        mean = means.mean(0)
        var = variances.mean(0) + means.var(0, correction=0)
        self._track(mean.detach(), var.detach(), count=size() * x.numel() // len(mean))
        scale = (var + self.eps).rsqrt() if self.weight is None else (var + self.eps).rsqrt() * self.weight
        column = (-1, *[1] * (x.ndim - 2))  # (C, 1, ...), to go with x
        normal = (x.float() - mean.view(column)) * scale.view(column)
        return (normal if self.bias is None else normal + self.bias.view(column)).to(x.dtype)

    def _track(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Move the running statistics, the variance without bias, as the usual batch normalisation does."""
        if not self.track_running_stats:
            return
        self.num_batches_tracked += 1
        momentum = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(var * (count / (count - 1)), momentum)


def _local_rank() -> int:
    return int(os.environ.get("LOCAL_RANK", "0"))
