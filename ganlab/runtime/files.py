"""The cache folder, files that are written whole or not at all, and interrupts that wait for the end of a step."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path


def cache_dir() -> Path:
    """Return the folder for what can be made or fetched again: $GANLAB_CACHE, else the system's cache folder."""
    import pooch  # here, so that importing ganlab.runtime stays light

    return Path(os.environ.get("GANLAB_CACHE") or pooch.os_cache("ganlab")).expanduser()


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
