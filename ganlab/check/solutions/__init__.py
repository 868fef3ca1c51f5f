"""Worked solutions: for every exercise its code, why it is so, step by step, and the slip that is made most often.

Those of lesson NN stand in `lesson_NN.py`, as plain functions under the names and the docstrings of the lesson's own
stubs. They use what the lesson's setup cell gives and nothing else, so that they run when pasted over a stub.
"""

import ast
import importlib
import inspect
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Solution:
    """What `check.solution` shows: the code that defines `names`, the answer's own the last, and the reasoning."""

    names: tuple[str, ...]
    why: str = field(kw_only=True)
    slip: str = field(kw_only=True)


@dataclass(frozen=True)
class Worked:
    """A solution to read, as text in a terminal and as Markdown in a notebook."""

    number: str
    code: str
    why: str
    slip: str

    def __str__(self) -> str:
        return (
            f"**Exercise {self.number}, worked**\n\n{self.why}\n\n```python\n{self.code}\n```\n\n"
            f"**A common slip.** {self.slip}"
        )

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return str(self)


def worked(number: str) -> Worked:
    """Return the worked solution of exercise `number`, such as "01.2"; KeyError if there is none."""
    module = importlib.import_module(f"{__name__}.lesson_{number.split('.')[0]}")
    solution = module.SOLUTIONS[number]
    code = _code(inspect.getsource(module), solution.names)
    return Worked(number, code, inspect.cleandoc(solution.why), inspect.cleandoc(solution.slip))


def _code(source: str, names: tuple[str, ...]) -> str:
    """Return the lines of a module's source that define functions or variables of these names, in this order."""
    lines = source.splitlines()
    spans = {}
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        defined = [target.id for target in targets if isinstance(target, ast.Name)]
        defined += [node.name] if isinstance(node, ast.FunctionDef) else []
        spans |= {name: lines[node.lineno - 1 : node.end_lineno] for name in defined}
    return "\n\n\n".join("\n".join(spans[name]) for name in names)
