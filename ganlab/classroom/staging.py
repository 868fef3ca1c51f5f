"""Brings a submission into the form it was released in, without touching the file, and says what was not as it should.

Tests are put back as they were, deleted cells return, lost metadata is found again; then it can be run and marked.
"""

import ast
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LARGEST_MB = 100  # a notebook, and all files beside it


@dataclass
class Staged:
    """A submission ready to be run, in `folder`; `looks` says what a teacher should look at."""

    student: str
    folder: Path
    notebook: NotebookNode
    looks: list[str] = field(default_factory=list)


def stage(handed_in: Path, student: str, folder: Path, key: NotebookNode, release: NotebookNode) -> Staged:
    """Copy the submission in the folder `handed_in` to `folder`, repaired by the release and the key to it.

    What cannot be read at all is staged as an untouched release, which earns nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = folder.name
    found, looks = _find(handed_in, name)
    looks += _copy_extras(handed_in, folder)
    given = new_notebook(cells=list(release.cells))
    if found is not None:
        try:
            if found.stat().st_size > LARGEST_MB * 1e6:
                raise ValueError(f"it is larger than {LARGEST_MB} MB")
            given = nbformat.read(found, as_version=4)
        except Exception as error:  # whatever the file holds: it is a stranger's
            looks.append(f"{found.name} cannot be read as a notebook: {str(error).splitlines()[0][:100]}")
    notebook, repairs = restore(given, key, release)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return Staged(student, folder, notebook, looks + repairs)


def _find(handed_in: Path, name: str) -> tuple[Path | None, list[str]]:
    """Return the notebook in a submission's folder, under its own name or as the only one there is, and what to say."""
    expected = handed_in / f"{name}.ipynb"
    if expected.is_file():
        return expected, []
    others = sorted(path for path in handed_in.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if len(others) == 1 and not others[0].is_symlink():
        return others[0], [f"was handed in as {others[0].name}, graded as {name}.ipynb"]
    if others:
        return None, [f"has no {name}.ipynb, but several others: {', '.join(path.name for path in others[:5])}"]
    return None, [f"has no {name}.ipynb"]


def _copy_extras(handed_in: Path, folder: Path) -> list[str]:
    """Copy the files beside the notebook; a link could lead out of the folder, so links stay where they are."""
    files = [path for path in sorted(handed_in.rglob("*")) if path.suffix != ".ipynb" and not path.is_dir()]
    links = [path for path in files if path.is_symlink() or not path.resolve().is_relative_to(handed_in.resolve())]
    files = [path for path in files if path not in links and ".ipynb_checkpoints" not in path.parts]
    looks = [f"links to another place: {link.name}" for link in links]
    if sum(path.stat().st_size for path in files) > LARGEST_MB * 1e6:
        return [*looks, f"brings files of more than {LARGEST_MB} MB, which were left out"]
    for path in files:
        target = folder / path.relative_to(handed_in)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return looks


def restore(given: NotebookNode, key: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Return the notebook with every cell of the release in its place and every test as in the key, and what was not.

    Cells are known by nbgrader's name, else by their id, their text, or what they define between their neighbours.
    """
    looks: list[str] = []
    own = [_rebuilt(cell) for cell in given.cells]
    places = _match(given.cells, release.cells)
    tests = {cell.id: cell.source for cell in key.cells}
    last = -1
    put_back: list[tuple[int, NotebookNode]] = []
    for number, cell in enumerate(release.cells):
        if number in places:
            last = places[number]
            own[last], words = _repaired(own[last], given.cells[last], cell, tests)
            looks += words
        elif cell.cell_type == "code" or "nbgrader" in cell.metadata:
            added = _repaired(_rebuilt(cell), cell, cell, tests)[0]
            put_back.append((last, added))
            looks.append(f"cell {cell.id!r} was missing (it was put back)")
    cells = [cell for after, cell in put_back if after == -1]
    for index, cell in enumerate(own):
        cells += [cell, *(added for after, added in put_back if after == index)]
    kept = {id(own[place]) for place in places.values()} | {id(cell) for _, cell in put_back}
    for index, cell in enumerate(cells):
        if id(cell) not in kept:
            cell.id = f"own-{index}"  # the student's own cells: their ids may clash with the release's
    return new_notebook(cells=cells, metadata=release.metadata), _counted(looks)


def _repaired(
    cell: NotebookNode, given: NotebookNode, released: NotebookNode, tests: dict[str, str]
) -> tuple[NotebookNode, list[str]]:
    """Return a matched cell with the release's metadata, and its text too if it is locked, and what had changed."""
    looks = []
    cell.id = released.id
    if "nbgrader" not in released.metadata:
        return cell, looks
    if "nbgrader" not in given.metadata:
        looks.append(f"cell {released.id!r} had lost its metadata")
    if released.metadata.nbgrader.locked:
        if _text(given) != _text(released) or given.cell_type != released.cell_type:
            looks.append(f"cell {released.id!r} had been changed (it was put back)")
        cell = _rebuilt(released)
        cell.source = tests[released.id]
    elif cell.cell_type != released.cell_type:
        looks.append(f"cell {released.id!r} was of another kind ({cell.cell_type})")
        cell = _rebuilt(released | {"source": cell.source})
    cell.id, cell.metadata = released.id, nbformat.from_dict({"nbgrader": released.metadata.nbgrader})
    return cell, looks


def _match(given: list[NotebookNode], release: list[NotebookNode]) -> dict[int, int]:
    """Return {index in the release: index in the submission}, surest signs first; no cell is taken twice."""

    def name(cell: NotebookNode) -> str:
        return cell.metadata.get("nbgrader", {}).get("grade_id", "")

    signs = (name, lambda cell: cell.get("id", ""), _text)
    places: dict[int, int] = {}
    for sign in signs:
        free = {sign(cell): j for j, cell in reversed([*enumerate(given)]) if j not in places.values() and sign(cell)}
        for i, cell in enumerate(release):
            if i not in places and sign(cell) in free and sign(cell):
                places[i] = free.pop(sign(cell))
    for i, cell in enumerate(release):
        if i not in places and not cell.metadata.get("nbgrader", {}).get("locked", True):
            before = max((places[k] for k in places if k < i), default=-1)
            after = min((places[k] for k in places if k > i), default=len(given))
            free = [j for j in range(before + 1, after) if j not in places.values()]
            same = [j for j in free if given[j].cell_type == cell.cell_type and _text(given[j])]
            answers = [j for j in same if _defined(cell) and _defined(cell) <= _defined(given[j])] or same
            if len(answers) == 1:  # between its neighbours, the only one that it can be
                places[i] = answers[0]
    return places


def defined_names(source: str) -> set[str]:
    """Return the names that code defines at its top: functions, classes, variables; none of what is not Python."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return set()
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _defined(cell: NotebookNode) -> set[str]:
    return defined_names(_text(cell)) if cell.cell_type == "code" else set()


def _counted(looks: list[str]) -> list[str]:
    """Return the complaints, those of lost metadata as one."""
    lost = [look for look in looks if look.endswith("lost its metadata")]
    others = [look for look in looks if look not in lost]
    return [*others, f"{len(lost)} cells had lost their metadata (they were found again)"] if lost else others


def _text(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    return ("".join(source) if isinstance(source, list) else str(source)).strip()


def _rebuilt(cell: NotebookNode) -> NotebookNode:
    """Return a cell with this one's text and nothing else of it: no outputs, attachments, metadata or stray fields."""
    source, name = _text(cell), str(cell.get("id", "cell"))
    new = new_code_cell(source) if cell.cell_type == "code" else new_markdown_cell(source)
    new.id = name if name.replace("-", "").replace("_", "").isalnum() and len(name) <= 64 else "cell"
    return new
