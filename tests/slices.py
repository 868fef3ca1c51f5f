"""The part of a lesson that some of its cells need, so that a browser moves a widget without the whole lesson's work.

A cell is needed when it gives a value to a name that a needed cell after it reads, or changes the object of that name
in place (`name.x = ...`, `name[k] = ...`, `name.method()`). What a function does to its arguments is not followed:
a network that a lesson trained before it showed it in a widget is shown untrained. Of a needed cell that is not wanted
itself, the statements are left out that give and change nothing that is needed, and hand it to no function: tables
that are printed, what they measure, asserts.
"""

import ast
import builtins
import copy
import symtable
from collections.abc import Callable, Iterator

import lessons
from nbformat import NotebookNode

WHOLE = {"parameters", "setup"}  # tags of cells that are left as they are
VIEWS = {"items", "keys", "values"}  # methods that change nothing
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


def may_change(statement: ast.stmt, names: set[str]) -> bool:
    """Return whether a statement may do something to one of the names, or beside giving values: it calls for no value.

    A function may change what it is handed, a method what it belongs to; `print` and other built-in functions do not.
    """
    inside = () if isinstance(statement, SCOPES) else outside_functions(statement)
    for node in (statement, *inside):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
            if not (isinstance(node.value, ast.Call) and _is_built_in(node.value.func)):
                return True
        if isinstance(node, ast.Call) and not _is_built_in(node.func):
            handed = [*node.args, *(keyword.value for keyword in node.keywords)]
            if names & {each.id for each in handed if isinstance(each, ast.Name)}:
                return True
            if isinstance(node.func, ast.Attribute) and node.func.attr not in VIEWS and owner(node.func) in names:
                return True
    return False


def _is_built_in(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and hasattr(builtins, function.id)


def _part(source: str, open_names: set[str], modules: set[str]) -> str:
    """Return what of a cell gives or may change the names that are needed after it."""
    statements = ast.parse(source).body
    kept = []
    for statement in reversed(statements):
        names = Names(ast.unparse(statement))
        gives = names.given | (names.changed - modules)
        if names.imported or gives & open_names or may_change(statement, open_names - modules):
            certain = set() if isinstance(statement, BLOCKS) else names.given  # a block may give nothing
            open_names = (open_names - certain) | names.read
            kept.append(ast.unparse(statement))
    return source if len(kept) == len(statements) else "\n".join(kept[::-1])


def needed(notebook: NotebookNode, wanted: Callable[[NotebookNode], bool]) -> NotebookNode:
    """Return a copy with the code cells that are wanted, the lesson's parameters, and what these need."""
    cells = [(cell, Names(cell.source)) for cell in lessons.code_cells(notebook)]
    modules = set().union(*(names.imported for _, names in cells))  # a call of a module's function changes no module
    kept, open_names = [], set()
    for cell, names in reversed(cells):
        gives = names.given | names.imported | (names.changed - modules)
        tags = set(cell.metadata.get("tags", []))
        if not (wanted(cell) or gives & open_names or "parameters" in tags):
            continue
        part = copy.deepcopy(cell)
        if not wanted(cell) and not tags & WHOLE:
            part.source = _part(cell.source, open_names, modules)
            names = Names(part.source)
        open_names = (open_names - names.given - names.imported) | names.read
        kept.append(part)
    return NotebookNode({**copy.deepcopy(notebook), "cells": kept[::-1]})
