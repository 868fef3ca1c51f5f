"""The part of a lesson that some of its cells need, so that a browser moves a widget without the whole lesson's work.

A cell is needed when it gives a value to a name that a needed cell after it reads, or changes the object of that name
in place (`name.x = ...`, `name[k] = ...`, `name.method()`). What a function does to its arguments is not followed:
a network that a lesson trained before it showed it in a widget is shown untrained.
"""

import ast
import copy
import symtable
from collections.abc import Callable, Iterator

import lessons
from nbformat import NotebookNode

BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when the cell runs: definitions, but not what they hold."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, SCOPES):
            yield from outside_functions(node)


def owner(node: ast.AST) -> str | None:
    """Return the name that `name.x[k].y` begins with; None for what begins otherwise."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def globals_read(table: symtable.SymbolTable) -> set[str]:
    """Return the global names that a scope and those inside it read; a function's own names are not among them."""
    top = table.get_type() == "module"
    own = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global())
    }
    return own.union(*map(globals_read, table.get_children()))


class Names:
    """The names that a cell reads from other cells, those it gives a value to, those it changes, those it imports."""

    def __init__(self, source: str) -> None:
        self.read: set[str] = set()
        self.given: set[str] = set()
        self.changed: set[str] = set()
        self.imported: set[str] = set()
        self._follow(ast.parse(source).body)

    def _follow(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if not isinstance(statement, BLOCKS):
                self._add(statement)
                continue
            for part in ("iter", "target", "items", "test", "subject"):  # in the order in which they run
                for node in [found] if isinstance(found := getattr(statement, part, []), ast.AST) else found:
                    self._add(node)
            for part in ("body", "handlers", "cases", "orelse", "finalbody"):
                for inner in getattr(statement, part, []):
                    self._follow([inner] if isinstance(inner, ast.stmt) else inner.body)

    def _add(self, node: ast.AST) -> None:
        module = ast.Module([node if isinstance(node, ast.stmt) else ast.Expr(_expression(node))], [])
        self.read |= globals_read(symtable.symtable(ast.unparse(module), "cell", "exec")) - self.given - self.imported
        loops = (loop.target for loop in ast.walk(node) if isinstance(loop, ast.comprehension))
        inside = {name for target in loops for name in ast.walk(target)}  # names that end with their comprehension
        for inner in (node, *([] if isinstance(node, SCOPES) else outside_functions(node))):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                self.imported |= {(alias.asname or alias.name).split(".")[0] for alias in inner.names}
            elif isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
                self.read |= {inner.target.id} - self.given  # which the symbol table calls assigned alone
                self.given.add(inner.target.id)
            elif isinstance(inner, SCOPES[:3]):
                self.given.add(inner.name)
            elif isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load) and inner not in inside:
                self.given.add(inner.id)
            elif isinstance(inner, ast.Attribute | ast.Subscript) and not isinstance(inner.ctx, ast.Load):
                self.changed.add(owner(inner))
            elif isinstance(inner, ast.Expr):
                call = inner.value.value if isinstance(inner.value, ast.Await) else inner.value
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                    self.changed.add(owner(call.func))


def _expression(node: ast.AST) -> ast.expr:
    """Return what is read of a part of a block's first line: of `with a as b`, it is a; of a loop's target, nothing."""
    if isinstance(node, ast.withitem):
        return node.context_expr
    stored = isinstance(getattr(node, "ctx", None), ast.Store) and not isinstance(node, ast.Attribute | ast.Subscript)
    return ast.Constant(None) if stored else node


def needed(notebook: NotebookNode, wanted: Callable[[NotebookNode], bool]) -> NotebookNode:
    """Return a copy with the code cells that are wanted, the lesson's parameters, and what these need."""
    cells = [(cell, Names(cell.source)) for cell in lessons.code_cells(notebook)]
    modules = set().union(*(names.imported for _, names in cells))  # a call of a module's function changes no module
    kept, open_names = [], set()
    for cell, names in reversed(cells):
        gives = names.given | names.imported | (names.changed - modules)
        if wanted(cell) or gives & open_names or "parameters" in cell.metadata.get("tags", []):
            open_names = (open_names - names.given - names.imported) | names.read
            kept.append(copy.deepcopy(cell))
    return NotebookNode({**copy.deepcopy(notebook), "cells": kept[::-1]})
