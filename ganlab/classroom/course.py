"""The course folder: where assignments, submissions and marks lie, its secret, and nbgrader's settings for it."""

from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

from traitlets.config import Config

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
        return file.read_text(encoding="utf-8").strip() if file.exists() else ""

    def names(self) -> list[str]:
        """Return the assignments that have a source, in order."""
        return sorted(path.parent.name for path in self.root.glob("source/*/*.ipynb") if path.stem == path.parent.name)

    def find(self, assignment: str) -> str:
        """Return the full name of an assignment given by it or by its number; raise CourseError if there is none."""
        found = [name for name in self.names() if assignment in (name, name.partition("_")[0])]
        if not found:
            raise CourseError(f"assignment: got {assignment!r}, expected one of {', '.join(self.names()) or 'none'}")
        return found[0]

    def source(self, name: str) -> Path:
        """Return the notebook that an assignment is made of, solutions and hidden tests included."""
        return self.root / "source" / name / f"{name}.ipynb"

    def folder(self, stage: str, name: str, student: str = ".") -> Path:
        """Return the folder of an assignment at a stage: "release", "submitted", "autograded", "feedback"..."""
        return self.root / stage / student / name

    def results(self, name: str) -> Path:
        """Return the folder of the marks, the pages and the summary of an assignment."""
        return self.root / "results" / name


def configure(config: Config, course: Course) -> None:
    """Write into `config` how nbgrader works in this course; its own commands and ours then do the same."""
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
    from nbgrader import preprocessors as nbgraders
    from nbgrader.converters import GenerateAssignment

    from ganlab.classroom.preprocessors import Isolated, Varied, WithoutHiddenTests

    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.course_id = "ganlab"
    # `variant.py` writes the variants, so it never leaves the source; the rest are nbgrader's own exceptions.
    config.CourseDirectory.ignore = ["variant.py", ".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", ".*"]
    config.Varied.secret = course.secret
    config.Varied.sources = str(course.root / "source")
    config.ClearSolutions.code_stub = {"python": "# Your code here."}
    config.ClearSolutions.text_stub = "Your answer here."
    config.Isolated.closed = str(course.root)
    config.GenerateAssignment.preprocessors = [Varied, *GenerateAssignment.preprocessors.default_args[0]]
    config.Autograde.autograde_preprocessors = [
        Isolated,
        nbgraders.LimitOutput,
        nbgraders.SaveAutoGrades,
        nbgraders.AssignLatePenalties,
        nbgraders.CheckCellMetadata,
    ]
    config.HTMLExporter.extra_template_basedirs = _templates()
    config.GenerateFeedback.preprocessors = [WithoutHiddenTests, nbgraders.GetGrades, CSSHTMLHeaderPreprocessor]


def _templates() -> list[str]:
    """Return where nbgrader's page for students and nbconvert's page below it lie, also where two environments do."""
    ends = {"nbgrader": "formgrader/templates/feedback/conf.json", "nbconvert": "templates/classic/conf.json"}
    found = [file for package, end in ends.items() for file in files(package) or [] if file.as_posix().endswith(end)]
    return [str(Path(file.locate()).resolve().parents[1]) for file in found]
