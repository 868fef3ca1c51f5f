"""Importing a module of ganlab defines names and does nothing else: no file, network, thread, output or random draw.

In IPython alone, `ganlab.check` also asks it to show an undefined answer on a card (tests/test_undefined.py).
"""

import ast
import json
from pathlib import Path

import assignments
import limits
import test_architecture as architecture

# Imports every module, lowest floor first, and prints what each import did besides defining names.
IMPORT_EACH = """
import contextlib, importlib, io, json, random, sys, threading
modules, others = json.loads(sys.argv[1])
for name in others:
    importlib.import_module(name)  # what other people's packages do at import is theirs
import matplotlib, numpy, torch
CHANGES = ("os.mkdir", "os.rename", "os.remove")
happened = []
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writes or event.split(".")[0] in ("socket", "subprocess", "urllib") or event in CHANGES:
        happened.append(f"{event} {arguments[:2]}")
def state():
    return {
        "random": random.getstate(), "numpy": str(numpy.random.get_state()), "torch": torch.get_rng_state().tolist(),
        "threads": (threading.active_count(), torch.get_num_threads()), "dtype": str(torch.get_default_dtype()),
        "deterministic": torch.are_deterministic_algorithms_enabled(), "figures": dict(matplotlib.rcParams),
    }
sys.addaudithook(watch)
complaints = {}
for name in modules:
    before = state()
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(printed):
        importlib.import_module(name)
    changed = [key for key, value in state().items() if value != before[key]]
    if happened or changed or printed.getvalue():
        complaints[name] = [*happened, *changed, printed.getvalue()]
    happened.clear()
print(json.dumps(complaints))
"""


def import_effects(modules: list[str], others: list[str], folder: Path) -> dict[str, list[str]]:
    command = [assignments.grader_python(), "-B", "-c", IMPORT_EACH, json.dumps([modules, others])]
    result = limits.run(command, 30, cwd=folder)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_importing_has_no_side_effects(tmp_path: Path) -> None:
    files = sorted(
        (path for path in architecture.FILES if architecture.module(path) != "__init__"),
        key=lambda path: (*architecture.PACKAGES, *architecture.APART).index(architecture.module(path)),
    )
    modules = [
        ".".join(path.relative_to(architecture.ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files
    ]
    trees = [node for path in architecture.FILES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {alias.name for node in trees if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in trees if isinstance(node, ast.ImportFrom)}
    names -= {"msvcrt"}  # Windows has it, and only Windows asks for it
    names -= {"av", "resvg_py"}  # the extras "video" and "drawing" are in no lock
    assert import_effects(modules, sorted(name for name in names if name.split(".")[0] != "ganlab"), tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_side_effect_is_noticed(tmp_path: Path) -> None:
    sources = {
        "torch": "import torch; torch.manual_seed(1)",
        "numpy": "import numpy; numpy.random.seed(1)",
        "random": "import random; random.random()",
        "threads": "import threading, time; threading.Thread(target=time.sleep, args=[1]).start()",
        "figures": "import matplotlib; matplotlib.rcParams['font.size'] = 3",
        "open ('made', 'w')": "open('made', 'w').close()",
        "hello\n": "print('hello')",
        "": "import torch; x = torch.Generator().manual_seed(1)",
    }
    for number, source in enumerate(sources.values()):
        (tmp_path / f"sample_{number}.py").write_text(source)
    found = import_effects([f"sample_{number}" for number in range(len(sources))], [], tmp_path)
    assert len(found) == len(sources) - 1  # the last one is harmless
    for number, effect in enumerate([*sources][:-1]):
        assert effect in found[f"sample_{number}"]


ROOMS = """
import sys
import ganlab
assert "torch" not in sys.modules
assert ganlab.data.load is ganlab.data.sets.load and "ganlab.losses" not in sys.modules
assert not hasattr(ganlab, "attic")
sys.modules["safetensors"] = None  # as if it were not installed
try:
    ganlab.checkpoint
except ModuleNotFoundError as error:
    print(error.name)
"""


def test_a_room_is_there_when_it_is_asked_for_and_no_other_is_loaded(tmp_path: Path) -> None:
    """`import ganlab; ganlab.data`; what a room itself lacks is not told as the room's absence."""
    done = limits.run([assignments.grader_python(), "-c", ROOMS], 30, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "safetensors\n"), done.stderr
