"""The classroom's commands, for tests: forked from a process that has imported nbgrader, torch and our own modules.

A command starts with five CPU-seconds of imports, and the tests of grading give thirty. What a fork does is what
`python -m ganlab.classroom` does after its imports. Elsewhere than on Linux each is a process of its own.
"""

import functools
import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import lessons
import limits

SECONDS = 240  # what the longest takes on a quiet machine
SERVER = """
import json, os, sys
import ganlab.classroom.grading, nbgrader.converters
from ganlab.classroom.__main__ import main

while line := sys.stdin.readline():
    order = json.loads(line)
    if (child := os.fork()) == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, file in zip((1, 2), order["said"], strict=True):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
        status = 1
        try:
            exec(order["first"])
            status = main(order["words"])
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def classroom(python: str, *arguments: object, first: str = "") -> subprocess.CompletedProcess[str]:
    """Give one of the classroom's commands, with the Python that has nbgrader; return how it ended and what it said.

    `first` is code that its process runs before it.
    """
    words = [str(one) for one in arguments]
    if sys.platform != "linux":
        script = f"{first}\nfrom ganlab.classroom.__main__ import main\nraise SystemExit(main({words!r}))"
        return limits.run([python, "-c", script], SECONDS, cwd=lessons.ROOT)
    server = _server(python)
    assert server.stdin and server.stdout
    with tempfile.TemporaryDirectory(prefix="ganlab-command-") as folder:
        said = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        server.stdin.write(json.dumps({"words": words, "said": said, "first": first}) + "\n")
        server.stdin.flush()
        if not select.select([server.stdout], [], [], limits.scaled(SECONDS))[0]:
            server.kill()
            raise TimeoutError(limits.reason(f"`ganlab.classroom {' '.join(words)}` did not end", SECONDS))
        status = int(server.stdout.readline())
        texts = [Path(file).read_text(encoding="utf-8") for file in said]
    return subprocess.CompletedProcess(words, status, *texts)


@functools.cache
def _server(python: str) -> "subprocess.Popen[str]":
    """Return the process that forks itself for each command; it ends with this one, which closes its input."""
    return subprocess.Popen(
        [python, "-c", SERVER], cwd=lessons.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
