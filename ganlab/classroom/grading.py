"""Grades the submissions of a class: each is read, run and marked apart, and only what has changed since the last time.

What comes of each student is kept in `results/NAME/runs`, so a grading that is stopped goes on where it was.
"""

import hashlib
import json
import multiprocessing
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import NotebookNode

import ganlab
from ganlab.classroom import deadlines, forkserver, marking, report, roster
from ganlab.classroom.collecting import TIMESTAMP, HandIn, collect
from ganlab.classroom.course import Course, CourseError
from ganlab.classroom.isolation import Starter, not_run, run_isolated, starter
from ganlab.classroom.limits import Limits
from ganlab.classroom.reading import printable
from ganlab.classroom.staging import Staged, stage
from ganlab.classroom.suspicion import not_handed_in, suspicions
from ganlab.runtime import write_atomically

USUAL = Limits()
TESTS = Path(__file__).resolve().parents[2] / "tests"  # of a clone: answers that pass lie there

EARLIER = "nothing lies in submitted/ now: the marks are of an earlier grading"


@dataclass
class Record:
    """What is known of one student's work from the last grading; fingerprints say of what."""

    file: str = ""
    run: str = ""  # fingerprint of what was executed, by what
    marked: str = ""  # of what nbgrader marked
    page: str = ""  # of what the page shows
    seconds: float = 0.0
    of_file: list[str] = field(default_factory=list)  # what needs a look: about the files
    of_run: list[str] = field(default_factory=list)  # about the run
    of_marks: list[str] = field(default_factory=list)  # about marks and page
    unused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def remarks(self) -> list[str]:
        """All that needs a look."""
        return self.of_file + self.of_run + self.of_marks


@dataclass
class _Class:
    """One grading: what is fixed for all students of it."""

    course: Course
    name: str
    key: NotebookNode
    released: NotebookNode
    limits: Limits
    place: Path
    others: list[str]
    grader: str
    again: bool

    @property
    def runs(self) -> Path:
        return self.course.results(self.name) / "runs"

    def record(self, student: str) -> Record:
        file = self.runs / f"{student}.json"
        try:
            return Record(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError):  # none yet, or one of another version
            return Record()

    def keep(self, student: str, record: Record) -> None:
        write_atomically(self.runs / f"{student}.json", json.dumps(asdict(record), indent=1).encode())


def grade(
    course: Course,
    name: str,
    *,
    jobs: int = 1,
    limits: Limits = USUAL,
    students: Iterable[str] = (),
    again: bool = False,
) -> report.Report:
    """Grade what lies in `submitted/`, `jobs` submissions at a time, and write marks, pages and the summary of all.

    Only what has changed since the last grading (file, release, grader, limits) is run, or all of it with `again`; with
    `students`, these alone are looked at. What was marked by hand stays. Raises CourseError, before anything is
    written, for an assignment that is not released as it stands now, and when there is nothing to grade.
    """
    here = [home.name for home in course.homes() if not roster.unusable(home.name)]
    if not here:
        raise CourseError(f"nothing to grade: no folder submitted/STUDENT/{name} in {course.root.name}")
    members = roster.read(course)
    dates = deadlines.read(course, name)
    chosen = list(dict.fromkeys(students)) or here
    if unknown := [student for student in chosen if student not in here]:
        raise CourseError(f"student: got {unknown[0]!r}, expected a folder in submitted/: {', '.join(here[:20])}")
    key, released = marking.released(course, name)
    others = [other for other in course.names() if other != name]
    with tempfile.TemporaryDirectory(prefix="ganlab-grading-", ignore_cleanup_errors=True) as folder:
        group = _Class(course, name, key, released, limits, Path(folder), others, _grader(limits), again)
        _grade_each(group, chosen, jobs)
        with marking.open_gradebook(course) as gradebook:
            deadlines.enter(dates, gradebook, name)
        _write_pages(group, chosen, jobs)
        records = {student: group.record(student) for student in [*here, *members]}
        for student in members.keys() - set(here):
            if records[student].file:  # it was graded before, and has been taken away since
                records[student].file = ""
                records[student].of_file = [EARLIER]
    return report.write(course, name, records, members=members, beside=_beside(course, members, dates))


def _grader(limits: Limits) -> str:
    """Return a fingerprint of what runs and judges: the package, torch, the limits."""
    text = hashlib.sha256(f"{version('torch')} {sorted(asdict(limits).items())}".encode())
    for file in sorted(Path(ganlab.__file__).parent.rglob("*.py")):
        text.update(file.read_bytes())
    return text.hexdigest()


def _grade_each(group: _Class, students: list[str], jobs: int) -> None:
    """Read, run and mark each student's work; whatever goes wrong with one is written into its own record."""
    began = time.monotonic()
    took: dict[str, float] = {}
    waiting: dict[Future[None], tuple[str, Staged, Record]] = {}
    with starter(jobs) as start, ThreadPoolExecutor(jobs) as pool:
        for student in students:
            record = group.record(student)
            staged = _read(group, student, record)
            if staged is None:  # nothing was handed in, or it cannot be put together
                group.keep(student, record)
                continue
            work = _fingerprint(group, staged)
            if record.run != work or group.again or not (group.runs / f"{student}.ipynb").is_file():
                waiting[pool.submit(_run, group, staged, record, work, start)] = student, staged, record
            else:
                _mark(group, staged, record)
        if unchanged := len(students) - len(waiting):
            print(f"{unchanged} are as they were at the last grading, or have nothing to run.")
        for done, future in enumerate(as_completed(waiting), 1):
            student, staged, record = waiting[future]
            _apart(future.result, record.of_run, "could not be run")
            _mark(group, staged, record)
            took[student] = record.seconds
            left = (time.monotonic() - began) / done * (len(waiting) - done)
            print(f"{student}: run in {record.seconds:.1f} s ({done} of {len(waiting)}, {_minutes(left)} left)")
    if took:
        slowest = sorted(took, key=lambda student: (-took[student], student))
        print("Seconds to run each: " + ", ".join(f"{student} {took[student]:.1f}" for student in slowest))


def _apart(work: Callable[[], object], remarks: list[str], words: str) -> None:
    """Do something for one student; what it raises becomes a reason for a look."""
    try:
        work()
    except Exception as error:  # whatever it is, it must not cost the others anything
        place = traceback.extract_tb(error.__traceback__)[-1]
        remarks.append(f"{words}: {type(error).__name__}: {str(error)[:200]} (in {Path(place.filename).name})")


def _read(group: _Class, student: str, record: Record) -> Staged | None:
    """Collect and stage what a student handed in, or an untouched release in its place.

    None if nothing was handed in, or if neither of the two can be put together.
    """
    record.of_file = []
    hand_in = HandIn()
    result = []
    home = group.course.root / "submitted" / student

    def collect_all() -> None:
        place = group.place / "unpacked" / student
        hand_in.__dict__.update(collect(home, group.name, group.released, place=place, others=group.others).__dict__)

    def put_together() -> None:
        place = group.place / "staged" / student / group.name
        result.append(stage(hand_in, student, place, key=group.key, release=group.released))

    _apart(collect_all, record.of_file, "could not be read")
    if hand_in.remarks == ["handed in nothing"]:
        before = marking.is_marked(group.course, group.name, student)
        words = EARLIER if before else "handed in nothing"
        record.file = ""
        record.of_file = [words]
        record.of_run = []
        record.unused = []
        return None
    _apart(put_together, record.of_file, "could not be put together")
    record.file = hand_in.file
    record.unused = hand_in.unused
    if not result:
        hand_in = HandIn(remarks=hand_in.remarks, unused=hand_in.unused)
        _apart(put_together, record.of_file, "could not be replaced by an untouched release")
        if not result:
            return None
        record.file = ""
    record.of_file += result[0].remarks
    _apart(lambda: record.of_file.extend(suspicions(result[0].notebook)), record.of_file, "could not be looked through")
    return result[0]


def _fingerprint(group: _Class, staged: Staged) -> str:
    text = hashlib.sha256(group.grader.encode())
    for cell in staged.notebook.cells:
        text.update(f"\n{cell.id}\n{cell.source}".encode())
    for file in sorted(staged.folder.rglob("*")):
        if file.is_file() and file.suffix != ".ipynb" and file.name != TIMESTAMP:  # all copied by us
            text.update(f"\n{file.relative_to(staged.folder)}\n".encode() + file.read_bytes())
    return text.hexdigest()


def _run(group: _Class, staged: Staged, record: Record, work: str, start: Starter) -> None:
    """Execute one submission and keep the outcome, in a file before the record that says it is there."""
    before = time.monotonic()
    closed = [group.course.root, TESTS]
    if record.file:
        notebook, remarks = run_isolated(staged.notebook, staged.folder, closed, limits=group.limits, start=start)
    else:
        notebook = not_run(staged.notebook, "Nothing was handed in that could be run.")
        remarks = []
    record.of_run = remarks + not_handed_in(notebook)
    record.seconds = round(time.monotonic() - before, 2)
    write_atomically(group.runs / f"{staged.student}.ipynb", nbformat.writes(notebook).encode())
    record.run = "" if any(remark.startswith("could not be run") for remark in remarks) else work
    group.keep(staged.student, record)


def _mark(group: _Class, staged: Staged, record: Record) -> None:
    """Let nbgrader mark what was executed, if that has changed."""
    stamp = staged.folder / TIMESTAMP
    now = record.run + (stamp.read_text(encoding="utf-8", errors="replace").strip() if stamp.is_file() else "")
    done = marking.is_marked(group.course, group.name, staged.student)
    if not (now and record.marked == now and done) or group.again:
        record.of_marks = []

        def mark() -> None:
            executed = group.runs
            place = group.place / "staged"
            complaint = marking.mark(group.course, group.name, staged.student, staged=place, executed=executed)
            record.of_marks += [complaint] if complaint else []

        _apart(mark, record.of_marks, "could not be marked")
        record.marked = "" if record.of_marks else now
    group.keep(staged.student, record)


def _write_pages(group: _Class, students: list[str], jobs: int) -> None:
    """Write the pages whose marks or comments have changed, in processes of their own where that is safe."""
    states = marking.states(group.course, group.name)
    stale = []
    for student in students:
        file = group.course.folder("feedback", group.name, student) / f"{group.name}.html"
        if student in states and not (group.record(student).page == states[student] and file.is_file()):
            stale.append(student)
    if not stale:
        return
    print(f"Writing {len(stale)} pages: {', '.join(stale)}")
    work = [(group.course, group.name, student) for student in stale]
    if not forkserver.AVAILABLE or jobs == 1 or len(stale) == 1:
        complaints = [_page(one) for one in work]
    else:
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
            complaints = list(pool.map(_page, work))
    for student, complaint in zip(stale, complaints, strict=True):
        record = group.record(student)
        record.of_marks = [remark for remark in record.of_marks if not remark.startswith("has no page")]
        record.of_marks += [complaint] if complaint else []
        record.page = "" if complaint else states[student]
        group.keep(student, record)


def _page(work: tuple[Course, str, str]) -> str:
    complaints: list[str] = []
    _apart(lambda: complaints.append(marking.write_page(*work)), complaints, "has no page")
    return complaints[0]


def _minutes(seconds: float) -> str:
    return f"about {seconds / 60:.0f} minutes" if seconds >= 90 else f"about {seconds:.0f} s"


def _beside(
    course: Course, members: dict[str, roster.Member], dates: deadlines.Deadlines | None
) -> list[tuple[str, str]]:
    """Return what is of no use, and why: files beside folders, folders and dates of nobody who is known."""
    unused = []
    for path in sorted((course.root / "submitted").iterdir()):
        if path.name.startswith(".") or path.name in ("__MACOSX", "Thumbs.db", "desktop.ini"):
            continue
        if not path.is_dir():
            unused.append((printable(path.name), "lies beside the students' folders, so nobody knows whose it is"))
        elif why := roster.unusable(path.name):
            unused.append((printable(path.name), f"was not graded: its name {why}; rename it"))
        elif members and path.name not in members:
            near = roster.matches(members, path.name)
            hint = f"; the roster has {' and '.join(near)}" if near else ""
            unused.append((path.name, f"was graded, and is not on the roster{hint}"))
    for student in dates.of_student if dates and not members else ():
        if not (course.root / "submitted" / student).is_dir():
            unused.append((deadlines.FILE, f"has a date for {student}, of whom there is no folder in submitted/"))
    return unused
