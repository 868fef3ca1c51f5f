"""One setting, the course's secret, changes the numbers, the data and the faults of an assignment.

A source holds `variant = 1` in its cell of that name and `hidden_variant = 1` in its hidden tests; all numbers of the
assignment come from these two. Without a secret they stay 1. With one, they are taken from its HMAC: the first reaches
students, and neither the secret nor the second can be told from it.
"""

import hashlib
import hmac
import re
import runpy
from pathlib import Path

from nbformat import NotebookNode


def numbers(secret: str, name: str) -> tuple[int, int]:
    """Return (variant, hidden_variant), whole numbers in [0, 2**31), of assignment `name` under a course's secret."""
    if not secret:
        return 1, 1

    def number(purpose: str) -> int:
        digest = hmac.new(secret.encode(), f"{name}/{purpose}".encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:4], "big") >> 1

    return number("seen"), number("hidden")


def vary(notebook: NotebookNode, variant: int, hidden_variant: int, *, folder: Path) -> NotebookNode:
    """Write a variant into a source, in place, and return it.

    Where the folder of the source has a `variant.py`, its `cells(variant, hidden_variant)` gives new sources by cell
    id: for assignments whose text or code changes, and not numbers alone.
    """
    script = folder / "variant.py"
    written = runpy.run_path(str(script))["cells"](variant, hidden_variant) if script.exists() else {}
    if unknown := set(written) - {cell.id for cell in notebook.cells}:
        raise ValueError(f"{script.name}: writes cells that the source does not have: {', '.join(sorted(unknown))}")
    for cell in notebook.cells:
        cell.source = written.get(cell.id, cell.source)
        if cell.cell_type == "code":
            cell.source = _set(cell.source, "variant", variant)
            cell.source = _set(cell.source, "hidden_variant", hidden_variant)
    return notebook


def _set(source: str, name: str, value: int) -> str:
    return re.sub(rf"^(\s*{name} = )\d+", rf"\g<1>{value}", source, flags=re.MULTILINE)
