"""The pages of the package, made from its docstrings by reading the code: nothing of it is imported."""

import ast
import re
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
SPECIAL = re.compile(r"([\\*_\[\]<>$|{}#])")  # what Markdown would take for its own; docstrings are plain text
PLAIN = ("__main__", "nodelay")  # doors, not to be called


def pages(package: Path) -> dict[str, str]:
    """Return the pages of a package, one for each module or package in it, by the page's name."""
    house = re.findall(r"^  (\w+)/?  ", (package.parent / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    entries = {path.stem: path for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    names = [name for name in house if name in entries and name not in PLAIN]
    return {f"package/{name}": page(entries[name], f"{package.name}.{name}") for name in names}


def page(path: Path, name: str) -> str:
    """Return the page of a module, or of a package with a section for each of its modules."""
    if path.is_file():
        return f"# {name}\n\n{module(path, name)}"
    inner = [one for one in sorted(path.glob("*.py")) if not one.stem.startswith("__")]
    parts = [f"# {name}\n\n{module(path / '__init__.py', name)}"]
    parts += [f"## {name}.{one.stem}\n\n{module(one, f'{name}.{one.stem}')}" for one in inner]
    return "\n\n".join(parts) + "\n"


def module(path: Path, name: str) -> str:
    """Return what a module says of itself and of all that is public in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = [f"```{{py:module}} {name}\n```", plain(ast.get_docstring(tree))]
    parts += [entry(node) for node in tree.body if isinstance(node, Definition) and public(node)]
    return "\n\n".join(filter(None, parts)) + "\n"


def public(node: Definition) -> bool:
    return not node.name.startswith("_")


def plain(docstring: str | None) -> str:
    """Return a docstring as Markdown that reads as it stands: only its `code` is marked."""
    pieces = re.split(r"(`[^`]+`)", docstring or "")
    return "".join(piece if k % 2 else SPECIAL.sub(r"\\\1", piece) for k, piece in enumerate(pieces))


def entry(node: Definition, kind: str = "") -> str:
    """Return the entry of a function, or of a class with its public methods inside."""
    kind = kind or ("class" if isinstance(node, ast.ClassDef) else "function")
    parts = [plain(ast.get_docstring(node))]
    if isinstance(node, ast.ClassDef):
        parts += [entry(one, method(one)) for one in node.body if isinstance(one, Definition) and public(one)]
    inside = "\n\n".join(filter(None, parts))
    fence = ":::::" if kind == "class" else "::::"
    return f"{fence}{{py:{kind}}} {signature(node)}\n\n{inside}\n{fence}"


def method(node: Definition) -> str:
    """Return what a definition inside a class is called by Sphinx."""
    decorators = {ast.unparse(decorator) for decorator in getattr(node, "decorator_list", [])}
    return "property" if decorators & {"property", "functools.cached_property"} else "method"


def signature(node: Definition) -> str:
    """Return a name with its arguments: of a class those of its `__init__` or the fields of a dataclass."""
    if isinstance(node, ast.ClassDef):
        return node.name + class_arguments(node)
    if method(node) == "property":
        return node.name
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({arguments(node.args)}){returned}"


def class_arguments(node: ast.ClassDef) -> str:
    inits = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    if inits:
        return f"({arguments(inits[0].args)})"
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return f"({', '.join(ast.unparse(one) for one in node.body if isinstance(one, ast.AnnAssign))})"
    return ""


def arguments(args: ast.arguments) -> str:
    """Return arguments as written, without self and cls."""
    return re.sub(r"^(self|cls)(, |$)", "", ast.unparse(args))
