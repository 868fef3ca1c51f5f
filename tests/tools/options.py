"""Which options of the package does nobody use?

python tests/tools/options.py  list the options of public functions and classes that nothing passes

A user is a call in the package, in a lesson, its text or an assignment, or in a tool; a test alone is none. It passes
the option by name or by place, or it reaches the function by a detour: handed on as an argument (`partial(f, x=1)`),
by a plan (`("UNet", {"width": 8})`), or out of a table of functions. What a subclass gets its class
gets, too.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple

import lessons

PACKAGE = lessons.ROOT / "ganlab"
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Option(NamedTuple):
    """An argument with a default: of which function or class, by name, and its place if it has one."""

    owner: str
    name: str
    place: int | None = None


def options(tree: ast.Module) -> Iterator[Option]:
    """Yield the options of a module's public functions, of classes and of their public methods."""
    for node in tree.body:
        if getattr(node, "name", "_").startswith("_"):
            continue
        if isinstance(node, Function):
            yield from _of_function(node, node.name)
        elif isinstance(node, ast.ClassDef):
            if any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list):
                yield from _of_dataclass(node)  # the others collect what comes
            for method in node.body:
                if isinstance(method, Function) and method.name == "__init__":
                    yield from _of_function(method, node.name)
                elif isinstance(method, Function) and not method.name.startswith("_") and method.name != "forward":
                    yield from _of_function(method, method.name)


def _of_function(node: Function, owner: str) -> Iterator[Option]:
    given = node.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    for place in range(len(names) - len(given.defaults), len(names)):
        yield Option(owner, names[place], place)
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if default is not None:
            yield Option(owner, argument.arg)


def _of_dataclass(node: ast.ClassDef) -> Iterator[Option]:
    fields = [part for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)]
    for place, part in enumerate(fields):
        is_argument = "ClassVar" not in ast.unparse(part) and "init=False" not in ast.unparse(part)
        if part.value is not None and is_argument and not part.target.id.startswith("_"):
            yield Option(node.name, part.target.id, place)


class Uses(ast.NodeVisitor):
    """What code passes to functions, by their last names: `visit` the trees, then ask `has`."""

    def __init__(self, owners: Set[str] = frozenset()) -> None:
        self.owners = owners  # functions and classes that have options; a lesson's own hand theirs on
        self.names: set[tuple[str, str]] = set()  # function, keyword
        self.places: dict[str, int] = {}  # how many arguments a function gets by place
        self.loose: set[str] = set()  # keys, and keywords of functions that have no options here
        self.detours: set[str] = set()  # functions that are reached by more than their name
        self.subclasses: dict[str, set[str]] = {}
        self._bases: list[list[str]] = []

    def has(self, option: Option) -> bool:
        """Return whether something passes the option."""
        by_place = option.place is not None and self.places.get(option.owner, 0) > option.place
        by_detour = option.owner in self.detours and option.name in self.loose
        heirs = (option._replace(owner=heir) for heir in self.subclasses.get(option.owner, ()))
        return by_place or by_detour or (option.owner, option.name) in self.names or any(map(self.has, heirs))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Remember what `super().__init__` stands for."""
        self._bases.append([_last(base) for base in node.bases])
        for base in self._bases[-1]:
            self.subclasses.setdefault(base, set()).add(node.name)
        self.generic_visit(node)
        self._bases.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        """Pass over the list of what a module exports: that is no use."""
        if _last(node.targets[0]) != "__all__":
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Note what a call passes to a function, and to those that it gets as arguments."""
        name = _last(node.func)
        owners = self._bases[-1] if name == "__init__" and self._bases else [name]
        owners = [*owners, *filter(None, map(_last, node.args))]
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        for owner in owners:
            self.places[owner] = max(self.places.get(owner, 0), 99 if starred else len(node.args))
            self.names |= {(owner, keyword.arg) for keyword in node.keywords if keyword.arg}
            if any(keyword.arg is None for keyword in node.keywords):
                self.detours.add(owner)
        if name not in self.owners:
            self.loose |= {keyword.arg for keyword in node.keywords if keyword.arg}
        if name == "asked":  # what the command line has of these names
            self.loose |= _texts(node.args)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        """Note the keys, and the functions that a table holds."""
        self.loose |= _texts(node.keys)
        self.detours |= {_last(value) for value in node.values}
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Note names from which somebody makes a dictionary."""
        self.loose |= _texts(node.elts)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Note what may be the name of a class in a plan."""
        if isinstance(node.value, str) and node.value.isidentifier():
            self.detours.add(node.value)


def _texts(nodes: Iterable[ast.expr | None]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def sources() -> Iterator[str]:
    """Yield the code of the package and the tools, of lessons and assignments, and what their texts quote."""
    for folder in (PACKAGE, Path(__file__).parent, lessons.NOTEBOOKS):
        yield from (path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
    for path in sorted(lessons.NOTEBOOKS.rglob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code":
                yield re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
            else:
                yield from re.findall(r"```python\n(.*?)```", source, re.DOTALL)
                yield from re.findall(r"`([^`\n]+\([^`\n]+)`", source)


def uses() -> Uses:
    """Return what all of it passes; what does not parse, such as a quoted fragment, is left out."""
    passed = Uses({option.owner for tree in modules().values() for option in options(tree)})
    for source in sources():
        try:
            passed.visit(ast.parse(source))
        except SyntaxError:
            continue
    return passed


def unused(trees: Iterable[ast.Module], passed: Uses) -> list[str]:
    """Return the options of modules that nothing passes, each as "function(option=)"."""
    every = [option for tree in trees for option in options(tree)]
    return [f"{option.owner}({option.name}=)" for option in every if not passed.has(option)]


def modules() -> dict[str, ast.Module]:
    """Return the package's modules by path; the banks of exercises, whose options are slips, are left out."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.stem.startswith("lesson_")]
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


if __name__ == "__main__":
    print("\n".join(unused(modules().values(), uses())))
