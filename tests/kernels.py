"""Kernels for the lessons that tests execute: forked from a process that has imported what does not belong to us.

Every lesson starts with five CPU-seconds of imports, of which the course itself takes a twentieth; a hundred kernels of
one session did nothing else for eight minutes. A server, one for each process of the session, imports torch, matplotlib
and Jupyter's own modules once, and forks itself into each kernel; `ganlab` is imported by the lesson, as ever.

Jupyter starts what a kernel specification names. `specification` writes one whose command is this file: it hands its
folder, variables and streams to the server, passes on signals, and ends with the kernel; when it is killed, the kernel
is. So nbval, papermill and JupyterLab work as with any other kernel. Linux only: elsewhere a fork of a process that has
loaded torch is not safe, and the specification names the usual kernel.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FORKED = sys.platform == "linux"
# An optimizer's first step imports torch's compiler. Matplotlib's backend is not among these: it looks for its kernel.
IMPORTED = ("ipykernel.kernelapp", "ipywidgets", "anywidget", "matplotlib.pyplot", "scipy.stats", "torch._dynamo")
BACKEND = "module://matplotlib_inline.backend_inline"
ORDER_BYTES = 1 << 20


@contextlib.contextmanager
def specification(folder: Path) -> Iterator[Path]:
    """Serve forked kernels; yield what JUPYTER_PATH must name for "python3" to be one of them."""
    from ipykernel.kernelspec import get_kernel_dict

    kernel = get_kernel_dict()
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        if FORKED:
            address = str(folder / "kernels.socket")
            server = stack.enter_context(_server(address))
            assert server.stdout.readline() == b"ready\n", "the server of kernels did not start"
            kernel["argv"] = [sys.executable, "-I", "-S", __file__, address, "-f", "{connection_file}"]
        (place / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
        yield folder


@contextlib.contextmanager
def _server(address: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, __file__, address]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "MPLBACKEND": BACKEND}
    ) as server:
        yield server  # leaving closes its standard input, and with that it ends


def serve(address: str) -> None:
    """Import, say that it is ready, and fork a kernel for each connection, until standard input ends."""
    import gc
    import importlib

    del sys.path[0]  # this file's folder
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # read on import: a kernel ends with the process of this number
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a kernel would touch, and so copy, all that is shared
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    kernels: dict[socket.socket, int] = {}  # connection: process
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                for kernel in kernels.values():
                    _kill(kernel, signal.SIGKILL)
                return
            if key.fileobj is listener:
                connection, _ = listener.accept()
                kernels[connection] = kernel = _fork(connection, [listener, *kernels])
                selector.register(connection, selectors.EVENT_READ)
                selector.register(os.pidfd_open(kernel), selectors.EVENT_READ, connection)
            elif key.data is not None:  # a kernel has ended
                selector.unregister(key.fd)
                os.close(key.fd)
                _, status = os.waitpid(kernels.pop(key.data), 0)
                with contextlib.suppress(OSError):  # who asked for it is gone
                    key.data.sendall(bytes([os.waitstatus_to_exitcode(status) % 256]))
                with contextlib.suppress(KeyError):
                    selector.unregister(key.data)
                key.data.close()
            elif kernel := kernels.get(key.fileobj):
                for number in key.fileobj.recv(64) or [signal.SIGKILL]:  # nothing: who asked for it is gone
                    _kill(kernel, number)
                    if number == signal.SIGKILL:
                        selector.unregister(key.fileobj)


def _kill(kernel: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(kernel, number)


def _fork(connection: socket.socket, others: list[socket.socket]) -> int:
    message, streams, _, _ = socket.recv_fds(connection, ORDER_BYTES, 2)
    while not message.endswith(b"\n"):
        message += connection.recv(ORDER_BYTES)
    if kernel := os.fork():
        for stream in streams:
            os.close(stream)
        return kernel
    try:
        os.setsid()
        for one in (connection, *others):
            one.close()
        _be_kernel(json.loads(message), streams)
    finally:
        os._exit(1)  # nothing of the server's may run twice


def _be_kernel(order: dict, streams: list[int]) -> None:
    import random

    import ipykernel_launcher
    import numpy as np
    import torch
    from ipykernel.kernelapp import IPKernelApp

    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["variables"])
    for draw_anew in (random.seed, np.random.seed, torch.seed):  # else all kernels would draw the same
        draw_anew()
    sys.argv = [ipykernel_launcher.__file__, *order["arguments"]]
    IPKernelApp.launch_instance()
    sys.exit(0)


def ask(address: str, *arguments: str) -> int:
    """Have a kernel with these arguments forked; return its exit status when it ends."""
    server = socket.socket(socket.AF_UNIX)
    server.connect(address)
    order = {"folder": os.getcwd(), "variables": dict(os.environ), "arguments": arguments}
    socket.send_fds(server, [json.dumps(order).encode() + b"\n"], [1, 2])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: server.sendall(bytes([number])))
    answer = server.recv(1)
    return answer[0] if answer else 1


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(ask(*sys.argv[1:]))
