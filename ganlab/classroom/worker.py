"""What runs one submission: `isolation` starts it as a process of its own, under limits.

A cell that has to be stopped takes the kernel with it. The notebook is then run again without that cell, or without the
answer that the cell had called, so that the parts beside it still earn what they deserve.
"""

import copy
import json
import os
import re
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.connect import write_connection_file
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from ganlab.classroom import guard
from ganlab.classroom.limits import OUTPUT_MB, Limits
from ganlab.classroom.processes import be_kernel, fork, is_alive, kill_descendants, memory_mb
from ganlab.classroom.staging import OWN, defined_names

GUARD = "ganlab-guard"  # the tag of cells that are put in for the run and taken out after it
Launch = Callable[[NotebookNode, Path, Limits], dict[str, str] | None]  # `attempt_fresh`, or `attempt_forked`
UNFINISHED = "Unfinished"
# A line may come in pieces, cut by the clock: a cell has one text all the same.
PLAYING: dict[str, Any] = {"allow_errors": True, "coalesce_streams": True}
MOST_STOPS = 6  # after so many stopped cells the rest is not run


class _Client(NotebookClient):
    """A notebook client that stops a kernel at its limits, and knows why it did."""

    limits: Limits
    reason = ""
    printed = 0
    running = ""  # the id of the submission's cell that runs now, or ran last
    until = float("inf")  # by time.monotonic, when all of the notebook has taken too long
    root = 0  # the process whose descendants are the submission's
    apart = 0  # the one below it that is not

    def starts(self, cell: NotebookNode, cell_index: int) -> None:
        if cell.cell_type == "code" and cell.source and GUARD not in cell.metadata.get("tags", []):
            self.running = cell.id
            self.printed = 0

    def ended(self, cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        payload = execute_reply["content"].get("payload", [])
        if any(item.get("source") == "ask_exit" for item in payload):  # else the next cell would be blamed
            raise DeadKernelError("the kernel was told to exit")

    def output(self, outs: list, msg: dict, display_id: str, cell_index: int) -> Any:
        self.printed += len(str(msg["content"]))
        if self.printed > OUTPUT_MB * 1e6:
            self.stop(f"printed more than {OUTPUT_MB} MB")
            return None
        return super().output(outs, msg, display_id, cell_index)

    def stop(self, reason: str) -> None:
        self.reason = self.reason or reason
        kill_descendants(self.root, without=self.apart)

    def watch(self, over: threading.Event) -> None:
        while not over.wait(0.2):
            if memory_mb(self.root, without=self.apart) > self.limits.memory_mb:
                self.stop(f"used more than {self.limits.memory_mb / 1000:g} GB of memory")
            if time.monotonic() > self.until:
                self.stop("ran when the notebook had used up its time")


class _Forked(AsyncKernelManager):
    """A kernel that runs already, as the process `process`, and that another process ends."""

    process = 0
    has_kernel = True

    async def _async_is_alive(self) -> bool:  # by this name the client asks for it
        return is_alive(self.process)

    is_alive = _async_is_alive


def attempt_fresh(guarded: NotebookNode, own: Path, limits: Limits) -> dict[str, str] | None:
    """Run a guarded notebook, in place, in a kernel started anew; return {cell id: why it was stopped}, or None."""
    client = _Client(guarded, timeout=limits.cell_seconds, kernel_name="python3", **PLAYING)
    client.root = os.getpid()
    return _play(client, own, limits)


def attempt_forked(guarded: NotebookNode, own: Path, limits: Limits) -> dict[str, str] | None:
    """Do what `attempt_fresh` does, in a kernel forked from this process, which must have no threads."""
    folder = own.parent / "attempt"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    connection = folder / "kernel.json"
    job = folder / "job.ipynb"
    answer = folder / "answer.json"
    write_connection_file(str(connection), transport="ipc", ip=str(folder / "k"), key=secrets.token_hex().encode())
    variables = _variables(own)
    kernel = fork(lambda: be_kernel(connection, own, variables))

    def play() -> None:
        manager = _Forked(kernel_name="python3")
        manager.load_connection_file(str(connection))
        manager.process = kernel
        client = _Client(guarded, km=manager, timeout=limits.cell_seconds, **PLAYING)
        client.root = os.getppid()
        client.apart = os.getpid()
        stop = _play(client, own, limits)
        nbformat.write(guarded, job)
        answer.write_text(json.dumps(stop), encoding="utf-8")

    player = fork(play)
    _, status = os.waitpid(player, 0)
    kill_descendants(os.getpid())
    while _wait_for_any():
        pass
    if status:
        raise RuntimeError("the process beside the kernel ended early")
    guarded.cells = nbformat.read(job, as_version=4).cells
    return json.loads(answer.read_text(encoding="utf-8"))


def _wait_for_any() -> bool:
    try:
        return os.waitpid(-1, 0)[0] > 0
    except ChildProcessError:
        return False


def _play(client: _Client, own: Path, limits: Limits) -> dict[str, str] | None:
    client.until = time.monotonic() + limits.notebook_seconds
    client.limits = limits
    client.on_cell_start = client.starts
    client.on_cell_executed = client.ended
    over = threading.Event()
    watch = threading.Thread(target=client.watch, args=[over], daemon=True)
    watch.start()
    try:
        client.execute(env=_variables(own), cwd=str(own))
    except (DeadKernelError, CellTimeoutError) as error:
        slow = isinstance(error, CellTimeoutError)
        why = client.reason or (f"ran for more than {limits.cell_seconds} s" if slow else "killed the kernel")
        return {client.running: why}
    finally:
        over.set()
        watch.join()
        client.stop("")  # whatever the submission left running
    return None


def _variables(own: Path) -> dict[str, str]:
    return guard.environment(str(own), str(own / ".cache"), os.environ)


def execute(
    notebook: NotebookNode, own: Path, closed: list[Path], *, limits: Limits, launch: Launch = attempt_fresh
) -> tuple[NotebookNode, list[str]]:
    """Run a copy of a staged submission in the folder `own`; return it with outputs, and what needs a look.

    No file in a folder of `closed` can be read by it. A test that ends without its number is marked as failed.
    """
    stopped: dict[str, str] = {}  # cell id: why
    without: dict[str, str] = {}  # those that are not run again
    disabled: dict[str, str] = {}  # answers that are not called again
    end = time.monotonic() + limits.notebook_seconds
    while True:
        left = replace(limits, notebook_seconds=max(1, round(end - time.monotonic())))
        run, stop, refusals = _attempt(notebook, own, closed, left, launch, without=without, disabled=disabled)
        if stop is None:
            break
        for name, why in stop.items():
            answer = _answer_called(notebook, name)
            if answer is None or answer in disabled:
                without[name] = why
            else:
                disabled[answer] = why
        stopped |= {name: why for name, why in stop.items() if name not in stopped}
        if len(stopped) > MOST_STOPS or time.monotonic() > end:
            without |= stop
            refusals.append("was not run to its end: too many cells had to be stopped, or it took too long")
            break
    sources = {cell.id: cell.source for cell in notebook.cells}
    for cell in run.cells:
        if cell.cell_type == "code":
            cell.source = sources[cell.id]  # a stopped cell ran without it
            _settle(cell, without.get(cell.id, ""))
    remarks = [f"cell {name!r} {why}" for name, why in stopped.items()]
    mute = [cell.id for cell in run.cells if any(out.get("ename") == UNFINISHED for out in cell.get("outputs", []))]
    remarks += [f"{len(mute)} tests ended without a mark, and count as failed: {', '.join(mute[:3])}"] if mute else []
    return run, remarks + refusals


def _answer_called(notebook: NotebookNode, stopped: str) -> str | None:
    """Return the answer that a stopped cell has called, by its cell's id: its part's for a test, or the only one.

    None for a cell of the student's own, and for an answer itself: what stopped there is not the answer's function.
    """
    answers = {cell.id: defined_names(cell.source) for cell in notebook.cells if _is_answer(cell)}
    if stopped in answers or stopped.startswith(OWN):
        return None
    if (part := stopped.removesuffix("-seen").removesuffix("-hidden")) in answers:
        return part
    source = next(cell.source for cell in notebook.cells if cell.id == stopped)
    called = [name for name, names in answers.items() if names & set(re.findall(r"\w+", source))]
    return called[0] if len(called) == 1 else None


def _is_answer(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _attempt(
    notebook: NotebookNode,
    own: Path,
    closed: list[Path],
    limits: Limits,
    launch: Launch,
    *,
    without: dict[str, str],
    disabled: dict[str, str],
) -> tuple[NotebookNode, dict[str, str] | None, list[str]]:
    """Run once, without some cells and answers: (the notebook, {cell id: why it stopped} or None, guard's words)."""
    guarded = _guarded(notebook, own, closed, without, disabled)
    stop = launch(guarded, own, limits)
    if failures := [out.evalue for out in guarded.cells[0].outputs if out.output_type == "error"]:
        raise RuntimeError(f"the guard could not be installed: {failures[0]}")
    refusals = _refusals(guarded.cells[-1])
    guarded.cells = [cell for cell in guarded.cells if GUARD not in cell.metadata.get("tags", [])]
    return guarded, stop, refusals


def _refusals(cell: NotebookNode) -> list[str]:
    """Return what the guard saw, from the outputs of the last cell, into which a submission's threads may print too."""
    printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
    lines = [line.removeprefix(GUARD) for line in printed.splitlines() if line.startswith(GUARD)]
    return json.loads(lines[-1]) if lines else []


def _guarded(
    notebook: NotebookNode, own: Path, closed: list[Path], without: dict[str, str], disabled: dict[str, str]
) -> NotebookNode:
    """Return a copy that installs the guard, restores the tests before each one, and tells at last what it saw."""

    def cell(name: str, call: str) -> NotebookNode:
        source = f'__import__("ganlab.classroom.guard", fromlist=["guard"]).{call}'
        return new_code_cell(source, id=name, metadata={"tags": [GUARD]})

    run = copy.deepcopy(notebook)
    cells = [cell("guard", f"install({str(own)!r}, {[str(folder) for folder in closed]!r})")]
    for one in run.cells:
        if one.cell_type == "code":
            one.outputs = []
            one.execution_count = None
            if one.id in without:
                one.source = ""  # an empty cell is not run
            elif one.metadata.get("nbgrader", {}).get("grade"):
                cells.append(cell(f"guard-{one.id}", "restore(globals())"))
        cells.append(one)
        if one.id in disabled:
            names = sorted(defined_names(one.source))
            cells.append(cell(f"guard-off-{one.id}", f"disable(globals(), {names}, {disabled[one.id]!r})"))
        if one.cell_type == "code" and one.metadata.get("nbgrader", {}).get("locked") and one.id not in without:
            names = sorted(defined_names(one.source)) if not one.metadata.nbgrader.grade else []
            cells += [cell(f"guard-after-{one.id}", f"remember(globals(), {names})")] if names else []
    refusals = '__import__("json").dumps(__import__("ganlab.classroom.guard", fromlist=["guard"]).refusals())'
    telling = f'print("\\n" + {GUARD!r} + {refusals})'
    run.cells = [*cells, new_code_cell(telling, id="guard-found", metadata={"tags": [GUARD]})]
    return run


def _settle(cell: NotebookNode, why: str) -> None:
    """Make a cell's outputs say what nbgrader is to read: a stopped cell's reason, a test's number or its failure."""
    if why:
        cell.outputs = [_error("Stopped", f"This cell {why}, and the notebook was run again without it.")]
    if not cell.metadata.get("nbgrader", {}).get("grade") or cell.metadata.nbgrader.get("solution"):
        return
    # A warning on stderr would count as a failure, and a test that ends quietly as passed.
    cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    results = [out.data.get("text/plain", "") for out in cell.outputs if out.output_type == "execute_result"]
    failed = any(output.output_type == "error" for output in cell.outputs)
    if not failed and not (len(results) == 1 and _is_mark(results[0], cell.metadata.nbgrader.points)):
        cell.outputs.append(_error(UNFINISHED, "This test ended without a mark."))


def _is_mark(text: str, points: float) -> bool:
    try:
        return 0 <= float(text) <= points
    except ValueError:
        return False


def _error(name: str, value: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=value, traceback=[f"{name}: {value}"])


def main(job: str, answer: str, order: str, *, launch: Launch = attempt_fresh) -> None:
    """Run the notebook in the file `job` as `order` (JSON) says; write it back, and what needs a look into `answer`."""
    asked = json.loads(order)
    closed = [Path(folder) for folder in asked["closed"]]
    run, remarks = execute(
        nbformat.read(job, as_version=4), Path(asked["own"]), closed, limits=Limits(**asked["limits"]), launch=launch
    )
    nbformat.write(run, job)
    Path(answer).write_text(json.dumps(remarks), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
