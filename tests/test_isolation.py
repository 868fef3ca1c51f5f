"""Each odd submission, run as grading runs it, without nbgrader: what its tests mark, and what is said of it."""

from collections.abc import Iterator
from pathlib import Path

import assignments
import limits
import nbformat
import psutil
import pytest
import submissions
from nbformat import NotebookNode
from test_assignments import grade_cells

from ganlab.classroom import forkserver, isolation
from ganlab.classroom.course import Course
from ganlab.classroom.processes import is_alive
from ganlab.classroom.staging import restore

NAME = submissions.NAME
LIMITS = isolation.Limits(cell_seconds=round(limits.scaled(1)), notebook_seconds=round(limits.scaled(15)))


def handed_in(kind: str, folder: Path) -> NotebookNode:
    """Return an odd submission as grading runs it: repaired by the release and the source."""
    source = assignments.varied(NAME, 1, 1)
    released = nbformat.read(Course().folder("release", NAME) / f"{NAME}.ipynb", as_version=4)
    notebook = submissions.ODD[kind].make(submissions.solved(released, source))
    for cell in notebook.cells:
        cell.source = cell.source.replace("COURSE", repr(str(folder)))
    return restore(notebook, source, released)[0]


def points(run: NotebookNode) -> dict[str, float]:
    """Return what the tests of an executed submission mark, by part: an error is 0, as nbgrader has it."""
    marks: dict[str, float] = {}
    for cell in run.cells:
        if cell.id in grade_cells(run) and cell.cell_type == "code":
            failed = any(output.output_type == "error" for output in cell.outputs)
            results = [out.data["text/plain"] for out in cell.outputs if out.output_type == "execute_result"]
            part = submissions.part(cell.id)
            marks[part] = marks.get(part, 0.0) + (0.0 if failed else float(results[0]))
    return marks


@pytest.fixture(scope="module")
def server() -> Iterator[isolation.ForkServer]:
    if not forkserver.AVAILABLE:
        pytest.skip("processes are forked on Linux only")
    server = isolation.ForkServer(1)
    yield server
    server.close()


@pytest.mark.parametrize("kind", submissions.AT_RUN_TIME)
def test_an_odd_submission_costs_itself_alone(kind: str, server: isolation.ForkServer, tmp_path: Path) -> None:
    course, extras = tmp_path / "course", tmp_path / "extras"
    extras.mkdir()
    course.mkdir()
    (course / "gradebook.db").write_text("marks of the whole class")
    odd = submissions.ODD[kind]
    most = isolation.Limits(LIMITS.cell_seconds, LIMITS.notebook_seconds, odd.memory_mb)
    closed = [course, Path(__file__).parent]
    run, looks = isolation.run_isolated(handed_in(kind, course), extras, closed, limits=most, start=server)
    wanted = submissions.deserved(kind)
    assert points(run) == wanted, (looks, limits.explanation())
    needed = odd.words if odd.seen_in_run else ""
    assert needed in "; ".join(looks) and bool(needed) == bool(looks), looks
    assert len([look for look in looks if look.startswith("cell ")]) <= 1, "an answer that was stopped was asked again"
    assert [path.name for path in course.iterdir()] == ["gradebook.db"] and not list(extras.iterdir())
    assert not left_over(), "a process of the submission goes on"


def left_over() -> list[str]:
    """Return the processes of this session's submissions that still run, beside the server itself."""
    servers = [one for one in psutil.Process().children() if forkserver.__name__ in " ".join(one.cmdline())]
    below = [child for one in servers for child in one.children(recursive=True)]
    return [str(child) for child in below if is_alive(child.pid)]


def test_a_fresh_process_gives_what_a_forked_one_gives(server: isolation.ForkServer, tmp_path: Path) -> None:
    runs = {}
    for start in (server, isolation.start_fresh):
        run, looks = isolation.run_isolated(
            handed_in("monkeypatched-torch", tmp_path), tmp_path, [], limits=LIMITS, start=start
        )
        texts = [out.get("text") for cell in run.cells for out in cell.get("outputs", []) if "text" in out]
        runs[start] = points(run), looks, texts
    assert runs[server] == runs[isolation.start_fresh]
    assert runs[server][1] == ["replaced torch.allclose (it was put back before the tests)"]


def test_forks_share_no_state(server: isolation.ForkServer, tmp_path: Path) -> None:
    """What one submission changes in modules, variables and the environment does not reach the next one."""
    cells = [
        "import os, torch, builtins\nseen = [hasattr(torch, 'mine'), 'MINE' in os.environ, hasattr(builtins, 'mine')]",
        "torch.mine = builtins.mine = os.environ['MINE'] = 'mine'\nprint(seen, os.getpid() == os.getsid(0))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    for _ in range(2):
        run, looks = isolation.run_isolated(notebook, tmp_path, [], limits=LIMITS, start=server)
        assert run.cells[1].outputs[0].text == "[False, False, False] True\n" and looks == []


def test_a_server_that_is_killed_is_started_again(server: isolation.ForkServer, tmp_path: Path) -> None:
    code = "import psutil\nfor parent in psutil.Process().parents()[:3]:\n    parent.kill()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell("1 + 1")])
    run, looks = isolation.run_isolated(notebook, tmp_path, [], limits=LIMITS, start=server)
    assert looks == ["tried to end another process"] and run.cells[1].outputs[0].data["text/plain"] == "2"
    servers = [one for one in psutil.Process().children() if forkserver.__name__ in " ".join(one.cmdline())]
    assert len(servers) == 1
    of_the_old = server._waiting
    servers[0].kill()
    servers[0].wait()
    run, looks = isolation.run_isolated(notebook, tmp_path, [], limits=LIMITS, start=server)
    assert run.cells[1].outputs[0].data["text/plain"] == "2" and len(looks) == 1
    assert server._waiting is not of_the_old, "its end, noticed late, would end what the new one has to do"


def test_a_submission_that_cannot_be_run_earns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "WORKER", "ganlab.classroom.no_such_module")
    run, looks = isolation.run_isolated(assignments.varied(NAME, 1, 1), tmp_path, [], limits=isolation.Limits())
    assert len(looks) == 1 and looks[0].startswith("could not be run: ")
    tests = [cell for cell in run.cells if cell.id in grade_cells(run) and cell.cell_type == "code"]
    assert tests and all([output.output_type for output in cell.outputs] == ["error"] for cell in tests)


def test_a_process_that_hangs_is_stopped(server: isolation.ForkServer, tmp_path: Path) -> None:
    """The server ends it, with all below it: a worker that keeps no time of its own, stopped here by a signal."""
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"  # the kernel; what is beside it waits for it
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    most = isolation.Limits(cell_seconds=10**6, notebook_seconds=round(limits.scaled(0.2)))
    run, looks = isolation.run_isolated(notebook, tmp_path, [], limits=most, start=server)
    assert looks and not left_over()  # its own clock may be the first to notice, and then says which cell it was
    ended = "could not be run: its process was ended by signal 9"
    assert looks == [ended] or "was not run to its end" in looks[-1]
