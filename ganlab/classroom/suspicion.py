"""What in a submission deserves a look: code that reaches for the grader, not for the task, and what is not there."""

import ast
from collections.abc import Iterator

from nbformat import NotebookNode

from ganlab.classroom.reading import parsed

MODULES = {"ctypes", "gc", "inspect", "multiprocessing", "nbgrader", "socket", "subprocess", "urllib", "requests"}
NAMES = {"_getframe", "addaudithook", "classroom", "get_ipython", "hidden_variant", "settrace", "setprofile"}
JUDGE = {"Exercise", "Slip", "judge", "mark"}


def suspicions(notebook: NotebookNode) -> list[str]:
    """Return, for the cells that students write, what deserves a look: "cell 'square' uses inspect"."""
    reasons = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("locked"):
            reasons += [f"cell {cell.id!r} {what}" for what in dict.fromkeys(_in_code(cell.source))]
    return reasons


def not_handed_in(notebook: NotebookNode) -> list[str]:
    """Return what tests of an executed submission say was "Not handed in: ...", each once."""
    tests = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    lines = [line for cell in tests for out in cell.get("outputs", []) for line in out.get("text", "").splitlines()]
    return list(dict.fromkeys("n" + line[1:].rstrip(".") for line in lines if line.startswith("Not handed in: ")))


def _in_code(source: str) -> Iterator[str]:
    lines = source.splitlines()
    for line in lines:
        if line.lstrip().startswith("!") or line.lstrip().startswith("%%") and "%%time" not in line:
            yield f"runs a command: {line.strip()[:60]}"
    tree = parsed("\n".join("" if line.lstrip().startswith(("!", "%")) else line for line in lines))
    if tree is None:  # it will not run either
        return
    modules = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            yield from (f"imports {name}" for name in names if {*name.split(".")} & (MODULES | NAMES))
        elif isinstance(node, ast.Name | ast.Attribute):
            yield from _in_name(node, modules)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in JUDGE:
            yield f"defines a {node.name} of its own"
        elif isinstance(node, ast.Call) and _changes_a_module(node, modules):
            yield f"changes {ast.unparse(node.args[0])}"


def _in_name(node: ast.Name | ast.Attribute, modules: set[str]) -> Iterator[str]:
    name = node.id if isinstance(node, ast.Name) else node.attr
    if name in NAMES:
        yield f"uses {name}"
    elif isinstance(node.ctx, ast.Store) and isinstance(node, ast.Name) and name in JUDGE:
        yield f"defines a {name} of its own"
    elif isinstance(node.ctx, ast.Store) and isinstance(node, ast.Attribute) and _root(node) in modules:
        yield f"assigns to {ast.unparse(node)}"


def _changes_a_module(call: ast.Call, modules: set[str]) -> bool:
    names_it = isinstance(call.func, ast.Name) and call.func.id in ("setattr", "delattr")
    return names_it and bool(call.args) and _root(call.args[0]) in modules


def _imported(tree: ast.AST) -> set[str]:
    """Return the names that modules have in this course: those usual in its cells, and what this code imports."""
    names = {"np", "torch", "nn", "F", "plt", "math", "ganlab", "losses", "models", "metrics", "check", "builtins"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in ("ganlab", "torch"):
            names |= {alias.asname or alias.name for alias in node.names if alias.name.islower()}
    return names


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
