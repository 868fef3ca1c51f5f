"""nbgrader's own commands, run in this folder, do as `make release` and `make grade` do; see README.md."""

from pathlib import Path

from ganlab.classroom.course import Course, configure

configure(get_config(), Course(Path(__file__).resolve().parent))  # noqa: F821 (nbgrader puts it there)
