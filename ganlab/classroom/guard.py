"""Works inside the kernel that runs a submission: keeps its files to its folder, and the tests to what they were.

This is no sandbox: whoever sets out to defeat it can. It stops accidents and the usual tricks, and reports them:
writing elsewhere, reading the course's folder, starting programs, connecting, replacing functions that tests rely on.
"""

import os
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

PROGRAMS = {"os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn", "subprocess.Popen"}
CHANGES = {"os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"}
CHANGES |= {"os.truncate", "os.utime", "shutil.move", "shutil.rmtree", "sqlite3.connect"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What tests compute with. `ganlab` and all that is below it are added when they are loaded.
TRUSTED = ("builtins", "math", "numpy", "torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.autograd")
Watch = Callable[[str, tuple], None]  # of an audit event and its arguments
JUDGE = ("Exercise", "Slip", "mark", "judge")  # names that test cells use

_refusals: list[str] = []
_originals: dict[tuple[int, str], tuple[Any, str, Any]] = {}
_given: dict[str, Any] = {}  # by the name that a locked cell gave it


def install(own: str, closed: list[str]) -> None:
    """From now on, allow writing in the folder `own` only and no reading in `closed`; remember what tests rely on."""

    def refuse(what: str) -> None:
        if what not in _refusals:
            _refusals.append(what)
        raise PermissionError(f"Not while this is graded: the work {what}.")

    watches = (_watch_files(own, closed, refuse), _watch_the_rest(refuse))

    def hook(event: str, arguments: tuple) -> None:
        for watch in watches:
            watch(event, arguments)

    _remember()
    sys.addaudithook(hook)


# Both return closures: functions of this module would look each other up here, where an answer can put others.
def _watch_files(own: str, closed: list[str], refuse: Callable[[str], None]) -> Watch:
    """Return what refuses to write outside of `own`, and to read in the folders `closed`."""
    own = os.path.realpath(own)
    closed = [os.path.realpath(folder) for folder in closed]
    mine = {own, "/dev/null", "/dev/shm"}

    def inside(path: str, folder: str) -> bool:
        return path == folder or path.startswith(folder + os.sep)

    def check(path: Any, writing: bool) -> None:
        if isinstance(path, int) or path is None:
            return
        real = os.path.realpath(os.fsdecode(path))
        if writing and not any(inside(real, folder) for folder in mine):
            refuse("wrote to a file outside of its folder")
        if any(inside(real, folder) for folder in closed) and not inside(real, own):
            refuse("read in the course's folder")

    def watch(event: str, arguments: tuple) -> None:
        if event == "open":
            path, mode, flags = arguments
            check(path, bool((flags or 0) & WRITES) or any(letter in (mode or "") for letter in "wax+"))
        elif event in CHANGES and not (event == "sqlite3.connect" and arguments[0] == ":memory:"):
            for path in arguments[: 2 if event in ("os.link", "os.rename", "os.symlink", "shutil.move") else 1]:
                check(path, True)

    return watch


def _watch_the_rest(refuse: Callable[[str], None]) -> Watch:
    """Return what refuses to end other processes, to start programs and to open connections."""

    def own_session(process: int) -> bool:
        try:
            return process >= 0 and os.getsid(process) == os.getsid(0)
        except OSError:  # there is no such process
            return True

    def watch(event: str, arguments: tuple) -> None:
        if event in ("os.kill", "os.killpg") and not own_session(arguments[0]):
            refuse("tried to end another process")
        elif event in PROGRAMS:
            refuse("started a program")
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            refuse("opened a connection")

    return watch


def _remember() -> None:
    import torch

    import ganlab.check  # the judge
    import ganlab.train  # the rest that assignments use

    del ganlab, torch
    for name in sorted(sys.modules):
        module = sys.modules[name]
        if name in TRUSTED or name.partition(".")[0] == "ganlab" and name != __name__:
            _remember_names(module, name)
    _remember_names(sys.modules["torch"].Tensor, "torch.Tensor")


def _remember_names(owner: Any, name: str) -> None:
    for attribute, value in list(vars(owner).items()):
        if callable(value) and not isinstance(value, types.ModuleType) and attribute != "input":  # the kernel's own
            _originals[id(owner), attribute] = owner, f"{name}.{attribute}", value


def remember(namespace: dict[str, Any], names: list[str]) -> None:
    """Remember what a locked cell has defined: the variant, and the functions that make numbers of it."""
    _given.update({name: namespace[name] for name in names if name == "variant" or callable(namespace.get(name))})


class Stopped(RuntimeError):
    """An answer that had to be stopped, and is not called again; the message says why it was."""


def disable(namespace: dict[str, Any], names: list[str], why: str) -> None:
    """Put in the place of functions that were stopped before some that say so at once."""

    def stopped(*args: Any, **kwargs: Any) -> None:
        raise Stopped(f"it {why}")

    namespace.update({name: stopped for name in names if callable(namespace.get(name))})


def restore(namespace: dict[str, Any]) -> None:
    """Put back, and report, what was replaced: in modules, and in `namespace` the judge's and the remembered names."""
    for (_, attribute), (owner, name, value) in _originals.items():
        now = vars(owner).get(attribute)
        if now is not value and not _wrapped_by_torch(now, value):
            _replaced(name)
            setattr(owner, attribute, value)
    judge = vars(sys.modules["ganlab.check"])
    for name, value in ({name: judge[name] for name in JUDGE} | _given).items():
        if namespace.get(name, value) is not value:
            _replaced(name)
        namespace[name] = value


def _wrapped_by_torch(now: Any, before: Any) -> bool:
    """Say whether torch itself has put its wrapper around a function: its compiler does, when it is first loaded."""
    file = getattr(getattr(now, "__code__", None), "co_filename", "")
    return getattr(now, "__wrapped__", None) is before and file.startswith(
        os.path.dirname(sys.modules["torch"].__file__)
    )


def _replaced(name: str) -> None:
    text = f"replaced {name} (it was put back before the tests)"
    if text not in _refusals:
        _refusals.append(text)


def refusals() -> list[str]:
    """Return what was refused or put back, each once, as a sentence's end: "started a program"."""
    return list(_refusals)


def environment(own: str, cache: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a kernel whose home, temporary files and settings are to lie in the folder `own`."""
    passed = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "OMP_NUM_THREADS")
    kept = {key: given[key] for key in passed if key in given}
    folders = {"HOME", "TMPDIR", "TEMP", "TMP", "IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"}
    own_folders = {key: os.path.join(own, ".kernel") for key in sorted(folders)}
    return kept | own_folders | {"GANLAB_CACHE": cache, "PYTHONDONTWRITEBYTECODE": "1", "TQDM_DISABLE": "1"}
