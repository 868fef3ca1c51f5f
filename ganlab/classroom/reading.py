"""Reads a stranger's notebook: what can be understood of the file, as plain cells that nothing later stumbles on."""

import ast
import itertools
import json
import os
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LARGEST_MB = 100  # a notebook, and all files beside it


class UnreadableError(Exception):
    """A file that is no notebook; the message says why, as the end of a sentence."""


def read(file: Path) -> NotebookNode:
    """Return the notebook in a file; raise UnreadableError if it holds none.

    Every cell has an id of letters, a known type, a text that can be written again, and metadata that are a dict, with
    nbgrader's a dict in it or not there. Outputs are left out: the notebook will be run.
    """
    try:
        if file.stat().st_size > LARGEST_MB * 1e6:
            raise UnreadableError(f"is larger than {LARGEST_MB} MB")
        content = file.read_bytes()
    except OSError as error:
        raise UnreadableError(f"cannot be opened: {error.strerror or error}") from error
    return understood(content)


def understood(content: bytes) -> NotebookNode:
    """Return the notebook that the content of a file holds; see `read`."""
    if not content.strip(b"\0 \r\n\t"):
        raise UnreadableError("is empty")
    try:
        given = json.loads(decoded(content))
    except ValueError as error:
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
            raise UnreadableError(f"is cut off or damaged: {error}") from error
        raise UnreadableError(f"is no notebook: it begins with {content[:8]!r}") from error
    except RecursionError as error:
        raise UnreadableError("is nested deeper than any notebook") from error
    cells = _cells(given)
    notebook = new_notebook(
        cells=[_plain(cell, f"given-{k}") for k, cell in enumerate(cells) if isinstance(cell, dict)]
    )
    if not notebook.cells:
        raise UnreadableError("is a notebook without cells")
    return notebook


def printable(name: str) -> str:
    """Return a file's name as it can be written: in a folder copied from elsewhere it may be no UTF-8."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def parsed(source: str) -> ast.Module | None:
    """Return a student's code as a tree; None for what is no Python, or nested so deep that Python gives up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes, say: they are the student's
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def decoded(content: bytes) -> str:
    """Return the text of a file, written in UTF-8 or with one of the byte-order marks that editors add."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    return content.decode("utf-8-sig", errors="replace")


def _cells(given: Any) -> list[Any]:
    if not isinstance(given, dict):
        raise UnreadableError("is no notebook: it holds no cells")
    if isinstance(given.get("cells"), list):
        return given["cells"]
    sheets = given.get("worksheets")
    if not isinstance(sheets, list):
        raise UnreadableError("is no notebook: it holds no cells")
    cells = [sheet["cells"] for sheet in sheets if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)]
    return [_of_third_format(cell) for cell in itertools.chain(*cells) if isinstance(cell, dict)]


def _of_third_format(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell of the format of before 2015, which some converters still write, with its text where it is now."""
    source = cell.get("input", cell.get("source", ""))
    if cell.get("cell_type") == "heading":
        level = cell.get("level")
        lines = source if isinstance(source, list) else [source]
        source = ["#" * (level if isinstance(level, int) and 0 < level < 7 else 1) + " ", *lines]
    return cell | {"source": source}


def _plain(cell: dict[str, Any], name: str) -> NotebookNode:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else source if isinstance(source, str) else ""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half an emoji cannot be written
    kind = cell.get("cell_type")
    code = kind == "code" or kind not in ("markdown", "raw", "heading") and "outputs" in cell
    plain = new_code_cell(text) if code else new_markdown_cell(text)
    given = cell.get("id")
    plain.id = given if isinstance(given, str) and _is_id(given) else name
    metadata = cell.get("metadata")
    mine = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if isinstance(mine, dict) and isinstance(mine.get("grade_id"), str):
        plain.metadata["nbgrader"] = nbformat.from_dict({"grade_id": mine["grade_id"]})
    return plain


def _is_id(name: str) -> bool:
    return 0 < len(name) <= 64 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
