"""Where files lie, files that are written whole or not at all, and interrupts that wait for the end of a step."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def user_path(path: str | Path) -> Path:
    """Return the path with a leading ~ as the home folder, whether or not a shell has seen it.

    Raises ValueError for the home of a user that is none.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"path: got {str(path)!r}, but there is no such user's home folder") from error


def cache_dir() -> Path:
    """Return the folder for what can be made or fetched again: $GANLAB_CACHE, else the system's cache folder."""
    import pooch  # here, so that importing ganlab.runtime stays light

    return user_path(os.environ.get("GANLAB_CACHE") or pooch.os_cache("ganlab"))


def data_file(name: str) -> Path:
    """Return where a file or folder of the clone's data/ lies, "checkpoints" say; an installed package has its own.

    The path is returned whether or not something is there.
    """
    installed = PACKAGE / "shipped"
    return (installed if installed.is_dir() else PACKAGE.parent / "data") / name


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader, a crash or a full disk never meets half a file.

    The bytes go to a temporary file beside `path`, reach the disk, and replace `path` in one step. On any failure the
    temporary file is removed, what stood at `path` stays as it was, and the OSError, which names a file, is passed on.
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
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk refuses bytes, and names nothing
            error.filename = str(path)
        raise


# What a person, or a computer that shuts down, ends a program with. Windows has no SIGHUP.
ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Inside, Ctrl-C or Jupyter's stop button waits: KeyboardInterrupt comes at the end, so a step is whole or not.

    The same goes for SIGTERM and SIGHUP, where `endings_interrupt` has made interrupts of them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives interrupts
        return
    interrupts: list[int] = []
    handlers = {}
    for ending in ENDINGS:
        handler = signal.getsignal(ending)
        if ending == signal.SIGINT or handler is signal.default_int_handler:
            handlers[ending] = signal.signal(ending, lambda number, frame: interrupts.append(number))
    try:
        yield
    finally:
        for ending, handler in handlers.items():
            signal.signal(ending, handler)
    if interrupts:
        raise KeyboardInterrupt


@contextlib.contextmanager
def endings_interrupt() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does, unless the program handles them itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [ending for ending in ENDINGS if signal.getsignal(ending) is signal.SIG_DFL]
    for ending in taken:
        signal.signal(ending, signal.default_int_handler)
    try:
        yield
    finally:
        for ending in taken:
            signal.signal(ending, signal.SIG_DFL)
