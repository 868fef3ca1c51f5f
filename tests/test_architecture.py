"""The floors of ganlab: imports only go down, and what is public is short and explained."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import lessons
import pytest

ROOT = lessons.ROOT
PACKAGE = ROOT / "ganlab"
# A module imports only from floors below its own.
FLOORS = {
    "probability": 0,
    "runtime": 0,
    "checkpoint": 1,
    "data": 1,
    "downloads": 1,
    "folders": 1,
    "losses": 1,
    "metrics": 1,
    "sources": 1,
    "toys": 1,
    "conditional": 2,
    "models": 2,
    "parallel": 2,
    "pretrained": 2,
    "vaes": 2,
    "plots": 3,
    "classify": 3,
    "ensemble": 3,
    "keep": 3,
    "latent": 3,
    "measured": 3,
    "run": 3,
    "settings": 3,
    "steps": 3,
    "train": 3,
    "variational": 3,
    "__main__": 4,
    "board": 4,
    "canvas": 4,
    "check": 4,
    "classroom": 4,
    "curves": 4,
    "dashboard": 4,
    "doctor": 4,
    "drawing": 4,
    "explorers": 4,
    "generating": 4,
    "live": 4,
    "minimax": 4,
    "nodelay": 4,
    "steering": 4,
    "training": 4,
    "variational_explorer": 4,
    "walks": 4,
    "widgets": 4,
}
# A room of several modules on one floor: the first is its door, and each may import those named after it. The
# exercises in check/ are one room with their engine, and so is what grades a class, in classroom/.
ROOMS = [
    ("data", "downloads", "folders", "sources"),
    ("pretrained", "conditional", "vaes", "models"),
    ("train", "measured", "run", "keep", "settings", "steps"),
    ("ensemble", "run", "settings", "steps"),
    ("classify", "run"),
    ("variational", "measured", "run", "keep", "steps"),
    ("explorers", "walks", "steering", "widgets", "canvas", "board", "minimax"),
    ("drawing", "canvas"),
    ("live", "dashboard", "curves"),
    ("variational_explorer", "widgets"),
    ("classroom", "check"),
    ("__main__", "doctor", "generating", "training", "canvas"),
]
FILE_LINES, FUNCTION_LINES = 250, 40

Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = sorted(PACKAGE.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def module(path: Path) -> str:
    """Return the name by which FLOORS knows a file: its module, or the package it lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(tree: ast.Module) -> set[str]:
    """Return the modules of ganlab that a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: import from ganlab by its full name, not relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("ganlab.")}
    return found


def is_below(other: str, name: str) -> bool:
    in_room = any(name in room and other in room[room.index(name) + 1 :] for room in ROOMS)
    return other in FLOORS and (FLOORS[other] < FLOORS[name] or in_room)


def upward_imports(name: str, tree: ast.Module) -> list[str]:
    """Return the modules that the module `name` imports although they are not below it; `__init__` imports none."""
    others = imported_modules(tree) - {name}
    return sorted(other for other in others if name == "__init__" or not is_below(other, name))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the public functions and classes of a module, and the public methods of those classes."""
    for node in tree.body:
        if isinstance(node, (Function, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.name, node
            for method in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(method, Function) and not re.match(r"_(?!_init__)", method.name):
                    yield f"{node.name}.{method.name}", method


def unexplained(tree: ast.Module) -> list[str]:
    """Return what is public and lacks a docstring or a type hint; the class's docstring covers `__init__`."""
    complaints = []
    for name, node in public(tree):
        if not name.endswith("__init__") and not ast.get_docstring(node):
            complaints.append(f"{name} has no docstring")
        if isinstance(node, Function):
            given = node.args
            arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            named = [argument for argument in arguments if argument and argument.arg not in ("self", "cls")]
            complaints += [f"{name}: no type for {argument.arg}" for argument in named if not argument.annotation]
            complaints += [] if node.returns else [f"{name}: no return type"]
    return complaints


def too_long(source: str) -> list[str]:
    lines = source.count("\n")
    complaints = [f"{lines} lines, {FILE_LINES} are allowed"] if lines > FILE_LINES else []
    for function in functions(ast.parse(source)):
        length = function.end_lineno - function.lineno + 1
        complaints += (
            [f"{function.name}: {length} lines, {FUNCTION_LINES} are allowed"] if length > FUNCTION_LINES else []
        )
    return complaints


def star_imports(tree: ast.Module) -> list[str]:
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [f"line {node.lineno}: from {node.module} import *" for node in froms if node.names[0].name == "*"]


def unsafe_loading(source: str) -> list[str]:
    """Return uses of what executes code while it reads a file."""
    return re.findall(
        r"\b(?:import (?:c?[pP]ickle|dill|shelve|joblib)|(?<!\.)torch\.(?:load|save)|allow_pickle=True)\b", source
    )


def waits_in_steps(tree: ast.Module) -> list[str]:
    """Return the calls of `.item()` in step functions: each waits for the device, at every step."""
    return [
        f"{function.name}, line {node.lineno}: .item()"
        for function in functions(tree)
        if function.name.endswith("_step")
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "item"
    ]


@each_file
def test_imports_go_down(path: Path) -> None:
    assert module(path) in FLOORS or module(path) == "__init__", "give the module a floor, here and in the README"
    assert upward_imports(module(path), ast.parse(path.read_text(encoding="utf-8"))) == []


@each_file
def test_what_is_public_is_explained(path: Path) -> None:
    assert unexplained(ast.parse(path.read_text(encoding="utf-8"))) == []


@each_file
def test_files_and_functions_are_short(path: Path) -> None:
    assert too_long(path.read_text(encoding="utf-8")) == []


@each_file
def test_no_star_imports_and_no_unsafe_loading(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert star_imports(ast.parse(source)) + unsafe_loading(source) == []


def test_lessons_load_nothing_unsafely() -> None:
    cells = [cell.source for path in lessons.lessons() for cell in lessons.code_cells(lessons.read(path))]
    assert unsafe_loading("\n".join(cells)) == []


def test_steps_do_not_wait_for_the_device() -> None:
    tree = ast.parse((PACKAGE / "steps.py").read_text(encoding="utf-8"))
    assert {"critic_step", "generator_step"} <= {function.name for function in functions(tree)}
    assert waits_in_steps(tree) == []


def readme_floors(readme: str) -> dict[str, int]:
    """Return the floor of each module in the README's diagram: lines after "floor N", names with .py or a slash."""
    diagram = next((block for block in re.findall(r"```.*?```", readme, re.DOTALL) if "floor 0" in block), "")
    floors: dict[str, int] = {}
    for block in re.split(r"^(?=floor \d)", diagram, flags=re.MULTILINE)[1:]:
        floors |= dict.fromkeys(re.findall(r"\b(\w+)(?:\.py\b|/)", block), int(block[6]))
    return floors


def test_readme_shows_every_module_on_its_floor() -> None:
    assert readme_floors((ROOT / "README.md").read_text(encoding="utf-8")) == FLOORS
    assert set(FLOORS) | {"__init__"} == {module(path) for path in FILES}


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (lambda source: upward_imports("losses", ast.parse(source)), "from ganlab import models"),
        (lambda source: upward_imports("losses", ast.parse(source)), "def f():\n    import ganlab.train"),
        (lambda source: upward_imports("losses", ast.parse(source)), "from ganlab.metrics import modes"),
        (lambda source: upward_imports("sources", ast.parse(source)), "from ganlab.data import load"),
        (lambda source: upward_imports("__init__", ast.parse(source)), "import ganlab.runtime"),
        (lambda source: star_imports(ast.parse(source)), "from math import *"),
        (lambda source: unexplained(ast.parse(source)), "def f() -> int:\n    return 1"),
        (lambda source: unexplained(ast.parse(source)), "def f(x) -> int:\n    'Doc.'"),
        (lambda source: unexplained(ast.parse(source)), "class A:\n    'Doc.'\n    def f(self):\n        'Doc.'"),
        (too_long, "x = 1\n" * 251),
        (too_long, "def f():\n" + "    1\n" * 40),
        (unsafe_loading, "import pickle"),
        (unsafe_loading, "torch.load('x')"),
        (lambda source: waits_in_steps(ast.parse(source)), "def critic_step(loss):\n    return loss.item()"),
    ],
)
def test_a_broken_sample_is_rejected(check: Callable[[str], list[str]], broken: str) -> None:
    assert check(broken)
    assert not check("import torch\n\n\ndef f(x: int) -> int:\n    '''Doc.'''\n    return x\n")


def test_the_readme_diagram_is_read() -> None:
    diagram = "floor 1   data.py  sets    losses.py  L\n          check/ answers\nfloor 0   runtime.py  device\n"
    readme = f"text\n```\n{diagram}```\n"
    assert readme_floors(readme) == {"data": 1, "losses": 1, "check": 1, "runtime": 0}
