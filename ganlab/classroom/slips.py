"""What the tests of a graded submission named: slips, errors, parts that were left alone."""

import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ganlab.classroom.isolation import NOT_RUN


def part_of(grade_id: str) -> str:
    """Return the part of an assignment that a test or an answer belongs to."""
    return re.sub(r"-(seen|hidden)$", "", grade_id)


def named_slips(file: Path) -> tuple[set[str], set[str]]:
    """Return what the tests in a graded notebook named, such as "optimal-d: You gave 1 - D*", and parts left alone."""
    slips = set()
    alone = set()
    cells = nbformat.read(file, as_version=4).cells if file.is_file() else []
    errors = _errors_of_answers(cells)
    for cell in cells:
        grade = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code" or not grade.get("grade"):
            continue
        for output in cell.outputs:
            text = output.get("text", "")
            alone |= {part_of(grade.grade_id)} if ": not attempted" in text else set()
            if output.get("ename") == NOT_RUN:
                alone.add(part_of(grade.grade_id))
                continue
            hint = _error(output) if output.output_type == "error" else _hint(text)
            if output.get("ename") == "NameError":  # what the answer's own cell did not get to define
                hint = errors.get(part_of(grade.grade_id), hint)
            slips |= {f"{part_of(grade.grade_id)}: {hint}"} if hint else set()
    return slips, alone


def _errors_of_answers(cells: list[NotebookNode]) -> dict[str, str]:
    """Return what the cells of answers stopped with themselves, by part."""
    return {
        cell.metadata.nbgrader.grade_id: f"its own cell stopped with {output.ename}: {output.evalue[:100]}"
        for cell in cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
        for output in cell.outputs
        if output.output_type == "error" and output.ename != "Stopped"
    }


def _hint(text: str) -> str:
    """Return what a test said of an answer: the slip's hint, or the error that the answer stopped with."""
    if stopped := re.search(r"Your code stopped with (\w+): ([^\n]*?)(?: \(in the line: .*)?$", text, re.MULTILINE):
        name = stopped[1]
        message = stopped[2][:100]
        return message.removeprefix("it ") if name == "Stopped" else f"stopped with {name}: {message}"
    return text.partition("Hint: ")[2].strip()


def _error(output: Any) -> str:
    if output.ename == "Stopped":  # by its limits; its text says which
        return output.evalue.partition(", and")[0].removeprefix("This cell ")
    return f"stopped with {output.ename}"
