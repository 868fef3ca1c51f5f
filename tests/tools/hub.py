"""A JupyterHub of its own, on which a teacher and two students take an assignment through the whole round trip.

    PATH=$PATH:FOLDER/node_modules/.bin python tests/tools/hub.py

Needs Linux and root: the three are system users, made for the run, so that nbgrader's exchange is held to its
permissions. Needs a Python that they may use too, with the course, nbgrader and jupyterhub, and
`npm install configurable-http-proxy` in FOLDER. The settings are those of the teacher's guide, read out of it.
"""

import csv
import html
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import nbformat
import requests
import submissions
from hub_server import SECONDS, Person, running_hub, system_user

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "notebooks" / "assignments" / "README.md"
NAME, BY_HAND, BY_TESTS = submissions.NAME, "letter", 90  # the assignment, its written part, the points of the others


class Member(Person):
    """A user who clicks in nbgrader's menus."""

    def list(self, action: str = "") -> dict[str, dict]:
        """Click in the list of assignments; return what it then shows of ours: status -> entry."""
        ours = {"course_id": "ganlab", "assignment_id": NAME}
        shown = self.ask("POST" if action else "GET", f"assignments/{action}".rstrip("/"), params=ours)
        assert shown["success"], shown
        return {entry["status"]: entry for entry in shown["value"] if entry["assignment_id"] == NAME}

    def click(self, button: str) -> None:
        """Click a button of formgrader's list."""
        result = self.ask("POST", f"formgrader/api/assignment/{NAME}/{button}")
        assert result["success"], result


class RoundTrip:
    """The steps, in order: each method with a docstring, which says what it shows."""

    def __init__(self, exchange: Path, teacher: Member, students: list[Member]) -> None:
        self.exchange, self.teacher, self.students = exchange / "ganlab", teacher, students
        self.right, self.stub = students
        self.course = teacher.home / "ganlab" / "notebooks" / "assignments"
        self.released = self.course / "release" / NAME / f"{NAME}.ipynb"
        self.source = nbformat.read(self.course / "source" / NAME / f"{NAME}.ipynb", as_version=4)

    def classroom(self, command: str) -> None:
        status, text = self.teacher.type(f"cd ~/ganlab && {sys.prefix}/bin/python -m ganlab.classroom {command}")
        assert status == 0, text

    def marks(self, student: Member) -> tuple[float, str, str]:
        rows = csv.DictReader((self.course / "results" / NAME / "marks.csv").open())
        row = next(row for row in rows if row["student"] == student.name)
        return float(row["total"]), row["to mark by hand"], row["needs a look"]

    def servers_start(self) -> None:
        """three servers start, each as its own system user; only the teacher's has formgrader and its menu"""
        for person in (self.teacher, *self.students):
            person.start()
            assert f"I am {person.name}" in person.type("echo I am $(whoami)")[1]
            page = requests.get(f"{person.server}/formgrader", headers=person.headers, timeout=SECONDS)
            assert page.status_code == (200 if person is self.teacher else 404), person.name
            lab = requests.get(f"{person.server}/lab", headers=person.headers, timeout=SECONDS).text
            without = re.search(r'"disabledExtensions": \[(.*?)\]', lab, re.DOTALL)[1]
            assert ("nbgrader:formgrader" in without) == (person is not self.teacher), without

    def teacher_releases(self) -> None:
        """the teacher makes the release in the course's variant and puts it into the exchange"""
        self.classroom("release 1")
        text = self.released.read_text()
        assert "### BEGIN" not in text and "# Your code here." in text and "variant = 1 " not in text
        self.teacher.click("release")

    def students_fetch(self) -> None:
        """both students see it in their lists and fetch it, byte for byte"""
        for student in self.students:
            assert "released" in student.list() and "fetched" in student.list("fetch")
            assert (student.home / NAME / self.released.name).read_bytes() == self.released.read_bytes()

    def students_submit(self) -> None:
        """one answers rightly, one leaves the stubs; both submit"""
        file = f"api/contents/{NAME}/{NAME}.ipynb"
        release = nbformat.from_dict(self.right.ask("GET", file)["content"])
        answers = submissions.solved(release, self.source)
        self.right.ask("PUT", file, json={"type": "notebook", "content": answers})
        for student in self.students:
            assert len(student.list("submit")["submitted"]["submissions"]) == 1

    def students_are_kept_apart(self) -> None:
        """neither reads the teacher's course, the submissions, the other's home or the other's server"""
        for student, other in (self.students, self.students[::-1]):
            closed = (self.course / "secret.txt", self.exchange / "inbound", other.home)
            student.cannot(*closed, url=f"{other.server}/api/contents")

    def teacher_collects(self) -> None:
        """the teacher collects both, with the times they were handed in"""
        self.teacher.click("collect")
        for student in self.students:
            assert (self.course / "submitted" / student.name / NAME / "timestamp.txt").is_file()

    def teacher_grades(self) -> None:
        """the teacher grades: all points of the tests for one, none for the other, one part waits for a hand"""
        self.classroom("grade 1")
        assert self.marks(self.right) == (BY_TESTS, BY_HAND, ""), self.marks(self.right)
        assert self.marks(self.stub)[::2] == (0, ""), self.marks(self.stub)

    def teacher_marks_by_hand(self) -> None:
        """the teacher marks the written part in formgrader; grading again leaves that mark alone"""
        rows = self.teacher.ask("GET", f"formgrader/api/submitted_notebooks/{NAME}/{NAME}")
        row = next(row for row in rows if row["student"] == self.right.name)
        grades = self.teacher.ask("GET", "formgrader/api/grades", params={"submission_id": row["id"]})
        grade = next(grade for grade in grades if grade["name"] == BY_HAND)
        self.teacher.ask("PUT", f"formgrader/api/grade/{grade['id']}", json={"manual_score": 7, "extra_credit": None})
        self.classroom("grade 1")
        assert self.marks(self.right) == (BY_TESTS + 7, "", ""), self.marks(self.right)

    def teacher_releases_feedback(self) -> None:
        """the teacher generates the feedback in formgrader and puts it into the exchange"""
        self.teacher.click("generate_feedback")
        self.teacher.click("release_feedback")

    def students_read_feedback(self) -> None:
        """each student fetches the page of their own, with marks and hints, and not a line of a hidden test"""
        hidden = "\n".join(cell.source for cell in self.source.cells if cell.id.endswith("-hidden"))
        hidden = set(re.findall(r"^ +((?:rng = |Slip\(|log_p = ).*)", hidden, re.MULTILINE))
        assert len(hidden) > 5
        for student, score in ((self.right, BY_TESTS + 7), (self.stub, 0)):
            folder = student.list("fetch_feedback")["submitted"]["submissions"][0]["local_feedback_path"]
            page = student.ask("GET", f"api/contents/{folder}/{NAME}.html", params={"format": "text"})["content"]
            text = html.unescape(re.sub(r"<[^>]+>", "", page))
            assert f"(Score: {score:.1f} / 100.0)" in text, re.findall(r"Score: [\d./ ]+", text)
            assert ("not attempted" in text) == (student is self.stub)
            assert not [line for line in hidden if line in text]

    def feedback_is_kept_apart(self) -> None:
        """neither student lists the pages in the exchange or opens the other's"""
        for student, other in (self.students, self.students[::-1]):
            assert len(list((student.home / NAME).rglob("*.html"))) == 1
            student.cannot(self.exchange / "feedback", url=f"{other.server}/api/contents/{NAME}/feedback")


def prepare(folder: Path, teacher: str) -> str:
    """Make the exchange and a clone with a secret of its own; write the guide's settings, return those for the hub."""
    (folder / "exchange").mkdir()
    (folder / "exchange").chmod(0o777)
    clone = folder / teacher / "ganlab"
    assignments = clone / "notebooks" / "assignments"
    shutil.copytree(ROOT / "ganlab", clone / "ganlab")
    shutil.copytree(GUIDE.parent / "source", assignments / "source")
    shutil.copy(GUIDE.parent / "nbgrader_config.py", assignments)
    (assignments / "secret.txt").write_text(secrets.token_hex())
    subprocess.run(["chown", "--recursive", f"{teacher}:", clone], check=True)
    files = re.findall(r"^`/srv/ganlab/(etc/\S+)`\n\n```\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(files) == 7, [name for name, _ in files]
    for name, text in files:
        text = text.replace("/srv/ganlab/venv", sys.prefix).replace("/srv/ganlab", str(folder))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace('{"teacher"}', repr({teacher})))
    return (folder / "etc" / "jupyterhub_ganlab.py").read_text()


def main() -> None:
    if os.geteuid() != 0 or shutil.which("configurable-http-proxy") is None:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that users and folders are removed then too
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ganlab-hub-")))
        folder.chmod(0o755)
        names = [f"{role}-{folder.name[-4:].replace('_', 'x')}" for role in ("teacher", "right", "stub")]
        for name in names:
            stack.enter_context(system_user(name, folder))
        hub = stack.enter_context(running_hub(folder / "hub", prepare(folder, names[0])))
        teacher, *students = (Member(name, *hub) for name in names)
        print("| seconds | step |\n|---|---|")
        print(f"| {time.monotonic() - began:.1f} | the hub starts, with the settings of the guide |", flush=True)
        trip = RoundTrip(folder / "exchange", teacher, students)
        for step in (method for name, method in vars(RoundTrip).items() if method.__doc__ and name[0] != "_"):
            at = time.monotonic()
            step(trip)
            print(f"| {time.monotonic() - at:.1f} | {step.__doc__} |", flush=True)
    print(f"| {time.monotonic() - began:.1f} | all, and everything that it made is removed |")


if __name__ == "__main__":
    main()
