"""Brings a submission into the form it was released in, without touching the file, and says what was not as it should.

Tests are put back as they were, deleted cells return, lost metadata is found again; then it can be run and marked.
"""

import ast
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ganlab.classroom.collecting import TIMESTAMP, HandIn, stamp
from ganlab.classroom.reading import parsed

FEW_WORDS = 5  # text of the student's own near an untouched written answer, which may be the answer
MANY_WORDS = 20  # the same elsewhere in the notebook
VARIANT = "variant"  # the locked cell that holds the course's numbers
OWN = "own-"  # how the ids of a student's own cells begin
MOVED = "*(This cell was left as it was released. What follows stood elsewhere in the notebook.)*"


@dataclass
class Staged:
    """A submission ready to be run, in `folder`; `remarks` say what a teacher should look at."""

    student: str
    folder: Path
    notebook: NotebookNode
    remarks: list[str] = field(default_factory=list)


def stage(hand_in: HandIn, student: str, folder: Path, *, key: NotebookNode, release: NotebookNode) -> Staged:
    """Write a hand-in to `folder`, repaired by the release and the key to it.

    Without a notebook that can be read, an untouched release is staged, which earns nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    odd: list[str] = []
    for name, path in hand_in.extras.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        except OSError as error:  # the notebook may well do without it
            odd.append(f"{name}, beside the notebook, could not be read: {error.strerror}")
    odd += _clear_time_stamp(folder / TIMESTAMP)
    notebook, repairs = restore(hand_in.notebook or new_notebook(cells=list(release.cells)), key, release)
    nbformat.write(notebook, folder / f"{folder.name}.ipynb")
    return Staged(student, folder, notebook, hand_in.remarks + odd + repairs)


def _clear_time_stamp(file: Path) -> list[str]:
    """Write a copied time stamp as nbgrader cannot misread it; take away what nobody can read, and say so."""
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8-sig", errors="replace").strip()
    if when := stamp(text):
        file.write_text(f"{when:%Y-%m-%d %H:%M:%S} UTC", encoding="utf-8")
        return []
    file.unlink()
    return [f"{TIMESTAMP} holds {text[:40]!r}, expected a time such as 2026-11-10 08:30:00 UTC: it may be late"]


def restore(given: NotebookNode, key: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Return the notebook with every cell of the release in its place and every test as in the key, and what was not.

    Cells are known by nbgrader's name, else by their id, their text, or what they define between their neighbours.
    """
    remarks: list[str] = []
    own = [_rebuilt(cell) for cell in given.cells]
    places = _match(given.cells, release.cells)
    tests = {cell.id: cell.source for cell in key.cells}
    last = -1
    put_back: list[tuple[int, NotebookNode]] = []
    for number, cell in enumerate(release.cells):
        if number in places:
            last = places[number]
            own[last], words = _repaired(own[last], given.cells[last], cell, tests)
            remarks += words
        elif cell.cell_type == "code" or "nbgrader" in cell.metadata:
            added = _repaired(_rebuilt(cell), cell, cell, tests)[0]
            put_back.append((last, added))
            remarks.append(f"cell {cell.id!r} was missing (it was put back)")
    cells = [cell for after, cell in put_back if after == -1]
    for index, cell in enumerate(own):
        cells += [cell, *(added for after, added in put_back if after == index)]
    remarks += _gather_written(cells, own, given, release, places)
    kept = {id(own[place]) for place in places.values()} | {id(cell) for _, cell in put_back}
    for index, cell in enumerate(cells):
        if id(cell) not in kept:
            cell.id = f"{OWN}{index}"  # the student's own cells: their ids may clash with the release's
    return new_notebook(cells=cells, metadata=release.metadata), _counted(remarks)


def _repaired(
    cell: NotebookNode, given: NotebookNode, released: NotebookNode, tests: dict[str, str]
) -> tuple[NotebookNode, list[str]]:
    """Return a matched cell with the release's metadata, and its text too if it is locked, and what had changed."""
    remarks = []
    cell.id = released.id
    if "nbgrader" not in released.metadata:
        return cell, remarks
    if "nbgrader" not in given.metadata:
        remarks.append(f"cell {released.id!r} had lost its metadata")
    if released.metadata.nbgrader.locked:
        changed = _text(given) != _text(released)
        if released.id == VARIANT and changed and _of_any_variant(given) == _of_any_variant(released):
            remarks.append("was worked on in another variant, perhaps the open one of the public course: other numbers")
        elif changed or given.cell_type != released.cell_type:
            remarks.append(f"cell {released.id!r} had been changed (it was put back)")
        cell = _rebuilt(released)
        cell.source = tests[released.id]
    elif cell.cell_type != released.cell_type:
        remarks.append(f"cell {released.id!r} was of another kind ({cell.cell_type})")
        new = new_code_cell if released.cell_type == "code" else new_markdown_cell
        cell = new(cell.source)
    cell.id = released.id
    cell.metadata = nbformat.from_dict({"nbgrader": released.metadata.nbgrader})
    return cell, remarks


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
    tree = parsed(source)
    body = tree.body if tree else []
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _defined(cell: NotebookNode) -> set[str]:
    return defined_names(_text(cell)) if cell.cell_type == "code" else set()


def _gather_written(
    cells: list[NotebookNode],
    own: list[NotebookNode],
    given: NotebookNode,
    release: NotebookNode,
    places: dict[int, int],
) -> list[str]:
    """Put text that stands elsewhere into written answers that were left alone, so that a person sees and marks it.

    Text near an answer is what stands between the heading of its part and the next one; a longer text anywhere else
    goes to the first answer that has none. Returns what was done.
    """
    released = {id(own[place]): release.cells[number] for number, place in places.items()}
    remarks = []
    empty = []
    taken = set()
    for index, answer in enumerate(cells):
        grade = answer.metadata.get("nbgrader", {})
        original = next((cell for cell in release.cells if cell.id == answer.id), None)
        if not (grade.get("grade") and grade.get("solution") and answer.cell_type == "markdown" and original):
            continue
        if _text(answer) != _text(original):
            continue
        start = max((k for k in range(index) if _opens_part(cells[k], released)), default=0)
        end = next((k for k in range(index, len(cells)) if _opens_part(cells[k], released)), len(cells))
        near = [cell for k, cell in enumerate(cells[start:end], start) if k != index]
        texts = {id(cell): _own_text(cell, released, given, own) for cell in near}
        texts = {key: text for key, text in texts.items() if len(text.split()) >= FEW_WORDS}
        taken |= set(texts)
        if texts:
            answer.source = "\n\n".join([MOVED, *texts.values()])
            remarks.append(f"{answer.id!r} was left alone, and text near it was put into it for you to mark")
        else:
            empty.append(answer)
    far = {id(cell): _own_text(cell, released, given, own) for cell in cells if id(cell) not in taken}
    far_texts = [text for text in far.values() if len(text.split()) >= MANY_WORDS]
    if empty and far_texts:
        empty[0].source = "\n\n".join([MOVED, *far_texts])
        remarks.append(f"{empty[0].id!r} was left alone, and text from elsewhere was put into it for you to mark")
    return remarks


def _opens_part(cell: NotebookNode, released: dict[int, NotebookNode]) -> bool:
    return id(cell) in released and cell.cell_type == "markdown" and bool(re.search(r"^## ", cell.source, re.MULTILINE))


def _own_text(
    cell: NotebookNode, released: dict[int, NotebookNode], given: NotebookNode, own: list[NotebookNode]
) -> str:
    """Return the prose that a student wrote in a cell: added to one of the release, or in a cell of their own."""
    index = next((k for k, one in enumerate(own) if one is cell), None)
    if index is None:  # put back
        return ""
    written = given.cells[index].source
    if original := released.get(id(cell)):
        if original.cell_type == "code" or original.metadata.get("nbgrader", {}).get("solution"):
            return ""
        known = {line.strip() for line in original.source.splitlines()}
        return "\n".join(line for line in written.splitlines() if line.strip() not in known).strip()
    return written.strip() if cell.cell_type == "markdown" else _prose_in_code(written)


def _prose_in_code(source: str) -> str:
    """Return the text of a code cell that holds no code: comments, a string alone, or what is no Python at all."""
    tree = parsed(source)
    if tree is None:
        looks_like_code = re.search(
            r"^\s*(def |class |import |from \w+ import|for .*:$|if .*:$)|[\w\]]\s*=\s*\S|\w\(", source, re.M
        )
        return "" if looks_like_code else source.strip()
    if any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in tree.body):
        return ""
    lines = [line.strip().strip("#\"'").strip() for line in source.splitlines()]
    return "\n".join(line for line in lines if line)


def _counted(remarks: list[str]) -> list[str]:
    """Return the complaints, those of lost metadata as one."""
    lost = [remark for remark in remarks if remark.endswith("lost its metadata")]
    others = [remark for remark in remarks if remark not in lost]
    return [*others, f"{len(lost)} cells had lost their metadata (they were found again)"] if lost else others


def _text(cell: NotebookNode) -> str:
    return cell.source.strip()


def _of_any_variant(cell: NotebookNode) -> str:
    """Return the text of the cell that sets the variant, without its number."""
    return re.sub(r"\Avariant = \d+", "variant", _text(cell))


def _rebuilt(cell: NotebookNode) -> NotebookNode:
    """Return a cell with this one's text and nothing else of it: no outputs, attachments, metadata or stray fields."""
    source = _text(cell)
    name = str(cell.get("id", "cell"))
    new = new_code_cell(source) if cell.cell_type == "code" else new_markdown_cell(source)
    new.id = name if name.replace("-", "").replace("_", "").isalnum() and len(name) <= 64 else "cell"
    return new
