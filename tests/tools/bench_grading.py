"""What `make grade` costs: CPU-seconds a submission, for a class of equal ones and for one of odd ones.

`python tests/tools/bench_grading.py` prints the table. All processes that a grading starts are counted. A class is
released, handed in and graded in a folder of its own; the course's own marks are not touched.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for make: pytest has it on its path already

import assignments
import nbformat
import submissions
from bench_sides import Effort

from ganlab.classroom import variants
from ganlab.classroom.course import Course

NAME = submissions.NAME
CELL_SECONDS = 5  # what loops costs its limit, which is 120 by default
ODD = ["wrong", "raises", "looping-answer", "crashing", "segfault", "tampered-test", "deleted-answer"]
ODD += ["stripped-metadata", "monkeypatched-judge", "reading-the-course"]


def grading(effort: Effort) -> None:
    """Print what grading costs: 30 right submissions, 10 odd ones, and the 30 once more, which are not run again."""
    equal = [f"s{number:02}" for number in range(2 if effort.tiny else 30)]
    odd = ODD[: 1 if effort.tiny else None]
    print(
        f"make grade A=1, --cell-seconds {CELL_SECONDS}: CPU-seconds with all that it starts, and minutes by the clock"
    )
    with tempfile.TemporaryDirectory(prefix="ganlab-bench-") as folder:
        for label, students in ((f"{len(equal)} equal ones", equal), (f"{len(odd)} odd ones", odd)):
            course = released(Path(folder) / label.replace(" ", "-"))
            handed_in(course, students)
            say(label, len(students), *graded(course))
            if students == equal:
                say("the same, nothing new", len(students), *graded(course))


def released(folder: Path) -> Course:
    """Return a new course with the first assignment released."""
    shutil.copytree(assignments.COURSE / "source" / NAME, folder / "source" / NAME)
    (folder / "secret.txt").write_text("a secret of the bench", encoding="utf-8")
    command("release", folder)
    return Course(folder)


def handed_in(course: Course, students: list[str]) -> None:
    """Hand in for each student: the odd kind of that name, or a right notebook for any other name."""
    release = nbformat.read(course.folder("release", NAME) / f"{NAME}.ipynb", as_version=4)
    source = assignments.varied(NAME, *variants.numbers(course.secret, NAME))
    for student in students:
        kind = student if student in submissions.ODD else "correct"
        submissions.hand_in(course.root, release, source, [kind])
        (course.root / "submitted" / kind).rename(course.root / "submitted" / student)


def graded(course: Course) -> tuple[float, float]:
    """Grade a course; return the CPU-seconds and the seconds by the clock that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    command("grade", course.root, "--cell-seconds", str(CELL_SECONDS))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - begin


def command(name: str, folder: Path, *options: str) -> None:
    """Run one command of the classroom's, as make does."""
    words = [assignments.grader_python(), "-m", "ganlab.classroom", name, "1", "--course", str(folder), *options]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def say(label: str, count: int, cpu: float, clock: float) -> None:
    """Print one line of the table."""
    print(f"{label:22} {cpu:7.1f} in all {cpu / count:6.2f} a submission {clock / 60:6.1f} min", flush=True)


if __name__ == "__main__":
    grading(Effort())
