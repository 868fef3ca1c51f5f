"""What nbgrader does differently in this course: variants, isolated execution, feedback without hidden tests."""

import ast
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, NbGraderPreprocessor
from traitlets import Integer, Unicode

from ganlab.classroom import variants
from ganlab.classroom.isolation import run_isolated
from ganlab.classroom.limits import Limits

Resources = dict[str, Any]


class Varied(NbGraderPreprocessor):
    """Writes the course's variant into a source before anything else is made of it."""

    secret = Unicode(help="The course's secret; without one, the open variant.").tag(config=True)
    sources = Unicode(help="The folder of the sources.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Set the variant's numbers, and the cells that the source's `variant.py` writes."""
        name = resources["nbgrader"]["assignment"]
        return variants.vary(nb, *variants.numbers(self.secret, name), folder=Path(self.sources) / name), resources


class Isolated(NbGraderPreprocessor):
    """Executes a submission by `run_isolated`, or takes what `make grade` executed before, in parallel."""

    closed = Unicode(help="A folder in which submissions must not read: the course's.").tag(config=True)
    executed = Unicode(help="The folder of what was executed before, a notebook a student.").tag(config=True)
    cell_seconds = Integer(Limits.cell_seconds, help="Seconds a cell may take.").tag(config=True)
    memory_mb = Integer(Limits.memory_mb, help="Megabytes a submission may use.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Fill in the outputs of all cells."""
        before = Path(self.executed) / f"{resources['nbgrader']['student']}.ipynb"
        if self.executed and before.is_file():
            run = nbformat.read(before, as_version=4)
            if [cell.source for cell in run.cells] != [cell.source for cell in nb.cells]:
                raise ValueError(f"{before.name}: was executed with other cells than nbgrader has")
        else:
            limits = Limits(cell_seconds=self.cell_seconds, memory_mb=self.memory_mb)
            run, remarks = run_isolated(nb, Path(resources["metadata"]["path"]), [Path(self.closed)], limits=limits)
            for remark in remarks:
                self.log.warning("Needs a look: %s %s", resources["nbgrader"]["student"], remark)
        for cell, executed in zip(nb.cells, run.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
        return nb, resources


class WithoutHiddenTests(NbGraderPreprocessor):
    """Takes hidden tests and mark schemes, and the tracebacks that quote them, out of a student's page."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Leave of a test its mark, its hint, and the last line of an error."""
        hidden = _hidden_lines(nb)
        for part in (ClearHiddenTests, ClearMarkScheme):  # a student's own cell may have their marks, too
            nb, resources = part(parent=self, enforce_metadata=False).preprocess(nb, resources)
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_without(output, hidden) for output in cell.outputs]
        return nb, resources


class Waiting(NbGraderPreprocessor):
    """Says at the top of a student's page what nobody has marked yet: its score there is 0 until then."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Put a sentence before all cells, if something waits for a mark by hand."""
        where = resources["nbgrader"]
        with Gradebook(where["db_url"]) as gradebook:
            work = gradebook.find_submission_notebook(where["notebook"], where["assignment"], where["student"])
            waits = [f"{grade.name} ({grade.max_score:g} points)" for grade in work.grades if grade.needs_manual_grade]
        if waits:
            said = f"**Not marked yet: {', '.join(waits)}.** A person marks this; the score above leaves it out."
            nb.cells.insert(0, new_markdown_cell(said, id="waiting"))
        return nb, resources


def _hidden_lines(notebook: NotebookNode) -> set[str]:
    """Return the lines of hidden tests that are long enough to be known again; hints are there to be read."""
    hidden = set()
    inside = False
    hints = set()
    for cell in (cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("locked")):
        for line in cell.source.splitlines():
            inside = (inside or "### BEGIN" in line) and "### END" not in line
            if inside and len(line.strip()) > 25:
                hidden.add(line.strip())
        if cell.cell_type == "code" and "### BEGIN HIDDEN" in cell.source:
            texts = [node.value for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Constant)]
            hints |= {line.strip() for text in texts if isinstance(text, str) for line in text.splitlines()}
    return hidden - hints


def _without(output: NotebookNode, hidden: set[str]) -> NotebookNode:
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    for kind, text in [*output.get("data", {}).items(), ("text", output.get("text", ""))]:
        if isinstance(text, str) and any(line in text for line in hidden):  # printed by the student's own code
            (output if kind == "text" else output.data)[kind] = "[left out: it shows a hidden test]"
    return output
