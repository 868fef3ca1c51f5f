"""What commands have in common: output that never stops work, and paths as a person writes them.

What the terminal cannot show is shown otherwise, or not at all.
"""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganlab.runtime.files import user_path


def path_argument(text: str) -> Path:
    """Return an argument as a path; ~ is the home folder even where no shell has said so, as in --out=~/runs."""
    try:
        return user_path(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("path: ")) from None


class Forgiving(io.TextIOBase):
    """A text stream in front of another; once that one refuses, what is written goes nowhere, and nobody is stopped."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, letters that the encoding lacks as their numbers; return its length."""
        with self._refusals():
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                encoding = self._stream.encoding or "ascii"
                self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Pass on what has been written."""
        with self._refusals():
            self._stream.flush()

    def isatty(self) -> bool:
        """Return whether a terminal is at the other end."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the number of the file at the other end."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    @property
    def encoding(self) -> str | None:
        """Return what letters are turned into."""
        return getattr(self._stream, "encoding", None)

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        """Inside, a closed pipe, a full disk or a closed file ends all output."""
        if self._stream is None:  # as under pythonw, or after `>&-`: print() passes over it, but no progress bar does
            with contextlib.suppress(AttributeError):
                yield
            return
        try:
            yield
        except (OSError, ValueError):  # a closed file is a ValueError
            # What is in the buffer would be written once more when Python ends, and its status would be 120.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


@contextlib.contextmanager
def forgiving_output() -> Iterator[None]:
    """Inside, whatever happens to what is printed, on stdout or stderr, raises nothing."""
    out, err = Forgiving(sys.stdout), Forgiving(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield
        finally:
            out.flush()
            err.flush()
