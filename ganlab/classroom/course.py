"""The course folder: where assignments, submissions and marks lie, its secret, and nbgrader's settings for it."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

from traitlets.config import Config

from ganlab.classroom.tables import text_of

HOME = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"


class CourseError(Exception):
    """Something about the course folder or a command that the teacher can put right; the message says what."""


@dataclass(frozen=True)
class Course:
    """A course folder, such as `notebooks/assignments`: a folder for each stage of nbgrader's."""

    root: Path = HOME

    @property
    def secret(self) -> str:
        """What makes this course's variant of every assignment: the text of `secret.txt`; without one, empty."""
        file = self.root / "secret.txt"
        return text_of(file).strip() if file.exists() else ""

    def names(self) -> list[str]:
        """Return the assignments that have a source, in order."""
        return sorted(path.parent.name for path in self.root.glob("source/*/*.ipynb") if path.stem == path.parent.name)

    def find(self, assignment: str) -> str:
        """Return the full name of an assignment given by it or by its number; raise CourseError if there is none."""
        matches = [name for name in self.names() if assignment in (name, name.partition("_")[0])]
        if not matches:
            raise CourseError(f"assignment: got {assignment!r}, expected one of {', '.join(self.names()) or 'none'}")
        return matches[0]

    def source(self, name: str) -> Path:
        """Return the notebook that an assignment is made of, solutions and hidden tests included."""
        return self.root / "source" / name / f"{name}.ipynb"

    def folder(self, stage: str, name: str, student: str = ".") -> Path:
        """Return the folder of an assignment at a stage: "release", "submitted", "autograded", "feedback"..."""
        return self.root / stage / student / name

    def homes(self) -> list[Path]:
        """Return the folders of all who handed in something, by name."""
        return sorted(path for path in (self.root / "submitted").glob("[!.]*") if path.is_dir())

    def results(self, name: str) -> Path:
        """Return the folder of the marks, the pages and the summary of an assignment."""
        return self.root / "results" / name

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep out other commands that change this course; raise CourseError if one of them runs now."""
        path = self.root / ".lock"
        with open(path, "a", encoding="utf-8") as file:
            try:
                _lock(file.fileno())
            except OSError as error:
                raise CourseError(
                    f"another command works in {self.root.name} now: wait for its end, or stop it and start it again; "
                    "grading goes on where it was"
                ) from error
            try:
                yield  # closing the file opens the lock, as does the end of this process, however it comes
            finally:
                with contextlib.suppress(OSError):  # Windows keeps what is open
                    path.unlink()


def _lock(descriptor: int) -> None:
    """Lock a file for this process, not for those that it forks; raise OSError if another one has."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(descriptor).st_nlink:  # its owner has just taken it away
            raise BlockingIOError


def configure(config: Config, course: Course) -> None:
    """Write into `config` how nbgrader works in this course; its own commands and ours then do the same."""
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
    from nbgrader import preprocessors as nbgraders
    from nbgrader.converters import GenerateAssignment

    from ganlab.classroom.preprocessors import Isolated, Varied, Waiting, WithoutHiddenTests

    _reach_both_environments()
    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.course_id = "ganlab"
    # `variant.py` writes the variants, so it never leaves the source; the rest are nbgrader's own exceptions.
    config.CourseDirectory.ignore = ["variant.py", ".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", ".*"]
    config.Varied.secret = course.secret
    config.Varied.sources = str(course.root / "source")
    config.ClearSolutions.code_stub = {"python": "# Your code here."}
    config.ClearSolutions.text_stub = "Your answer here."
    # A rubric stands in a locked cell above its answer: in the answer, nbgrader would replace it by the stub.
    config.ClearMarkScheme.enforce_metadata = False
    config.Isolated.closed = str(course.root)
    config.GenerateAssignment.preprocessors = [Varied, *GenerateAssignment.preprocessors.default_args[0]]
    config.Autograde.autograde_preprocessors = [
        Isolated,
        nbgraders.LimitOutput,
        nbgraders.SaveAutoGrades,
        nbgraders.AssignLatePenalties,
        nbgraders.CheckCellMetadata,
    ]
    pages = [WithoutHiddenTests, Waiting, nbgraders.GetGrades, CSSHTMLHeaderPreprocessor]
    config.GenerateFeedback.preprocessors = pages


def _reach_both_environments() -> None:
    """Let nbgrader find what lies beside it where make laid its environment over the course's.

    It starts `alembic` by name, from a Python that may run without its bin on the path, and its page for students is
    made from a template of nbconvert's, which Jupyter looks for in one environment only.
    """
    conf = next(file for file in files("nbconvert") or [] if file.as_posix().endswith("templates/classic/conf.json"))
    places = {"PATH": Path(sys.executable).parent, "JUPYTER_PATH": Path(conf.locate()).resolve().parents[3]}
    for variable, folder in places.items():
        known = os.environ.get(variable, "").split(os.pathsep)
        if str(folder) not in known:
            os.environ[variable] = os.pathsep.join(filter(None, [*known, str(folder)]))
