"""A teacher's tables and pages, and a student's own check: what needs neither nbgrader nor a kernel."""

import csv
import datetime
import io
import os
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import assignments
import nbformat
import pytest
import submissions
from nbformat import NotebookNode

from ganlab.classroom import completeness, deadlines, downloads, export, handin, questions, roster, similarity, slips
from ganlab.classroom.__main__ import main
from ganlab.classroom.course import Course, CourseError
from ganlab.cli import main as ganlab

NAME = submissions.NAME
RELEASE = nbformat.read(Course().folder("release", NAME) / f"{NAME}.ipynb", as_version=4)
KEY = assignments.varied(NAME, 1, 1)


def a_course(folder: Path, *names: str) -> Course:
    """Return a course whose assignments have a source of that name, as far as their names are asked for."""
    for name in names or (NAME, "2_dcgan"):
        (folder / "source" / name).mkdir(parents=True)
        nbformat.write(nbformat.v4.new_notebook(), folder / "source" / name / f"{name}.ipynb")
    return Course(folder)


# ---- roster


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("ada\nben\n", {"ada": "", "ben": ""}),
        ("student\nada\nben\n", {"ada": "", "ben": ""}),
        ("student,name\nada,Ada Lovelace\n", {"ada": "Ada Lovelace"}),
        ("\ufeffstudent;name\nada;Ada Lovelace\n", {"ada": "Ada Lovelace"}),
        ('Student,ID,SIS User ID,SIS Login ID,Section\n"Lovelace, Ada",17,x,ada,A\n', {"17": "Lovelace, Ada"}),
        ("First name,Last name,Email address\nAda,Lovelace,ada@x.org\n", {"ada@x.org": "Ada Lovelace"}),
        ("Last Name\tFirst Name\tUsername\nLovelace\tAda\tada\n", {"ada": "Ada Lovelace"}),
        ("name\nAda Lovelace\n\n  \nBen\n", {"Ada Lovelace": "", "Ben": ""}),
        ('sep=;\nstudent;name\nzoe;"Müller; Zoë"\n', {"zoe": "Müller; Zoë"}),
        ("student;name\nzoe;Zoë Müller;more\n;nobody\n;;\n", {"zoe": "Zoë Müller"}),
        ('"Student";"E-Mail"\r\n"Zoë 😀";"z@x.org"\r\n', {"z@x.org": "Zoë 😀"}),
    ],
)
def test_a_roster_is_read_as_platforms_write_it(text: str, members: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    assert {one.id: one.name for one in roster.read(Course(tmp_path)).values()} == members


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("ada\nada\n", "ada stands there more than once"),
        ("mark,section\n1,2\n", "no column for the student"),
        ("student\n../ada\n", "expected an id that can be a folder's name"),
        ("student\nada\\x\n", "it has a"),
        ("student\nada[1]\n", "it has a '\\['"),
        ("student;name\nada;A\nada;A\n", "ada stands there more than once"),
        ("student,name\n", "nobody stands in the column 'student'"),
        ('"Lovelace, Ada"\n"Okri, Ben"\n', "the first line is '\"Lovelace, Ada\"'; expected one of"),
    ],
)
def test_a_roster_that_cannot_be_used_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=words):
        roster.read(Course(tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_tables_and_the_secret_are_read_in_the_encodings_of_spreadsheets_and_shells(
    encoding: str, tmp_path: Path
) -> None:
    course = a_course(tmp_path)
    (tmp_path / "roster.csv").write_text("student;name\r\nzoe;Zoë Müller\r\n", encoding=encoding)
    (tmp_path / "deadlines.csv").write_text(
        "assignment;student;due\r\n1;;9.11.2026\r\n1;Zoë Müller;10.11.2026 8:30\r\n", encoding=encoding
    )
    (tmp_path / "secret.txt").write_text("Käse\r\n", encoding=encoding)
    assert roster.read(course)["zoe"].name == "Zoë Müller" and course.secret == "Käse"
    assert set(deadlines.read(course, NAME).of_student) == {"zoe"}


# ---- deadlines

HEAD = "assignment,student,due,percent a day\n"


def test_deadlines_are_those_of_the_table(tmp_path: Path) -> None:
    course = a_course(tmp_path)
    assert deadlines.read(course, NAME) is None
    text = HEAD + "1,,2026-11-09 23:59+02:00,10\n1,ada,2026-11-16T12:00+00:00,\n2,,2026-12-01,5%\n"
    (tmp_path / "deadlines.csv").write_text(text, encoding="utf-8")
    dates = deadlines.read(course, NAME)
    assert dates.due == datetime.datetime(2026, 11, 9, 21, 59) and dates.percent_a_day == 10
    assert dates.of_student == {"ada": datetime.datetime(2026, 11, 16, 12)}
    assert [dates.deduction(seconds, 80.0) for seconds in (1, 86400, 86401, 10**7)] == [8.0, 8.0, 16.0, 80.0]
    assert [deadlines.lateness(seconds) for seconds in (0, 1, 7200, 86400, 90001)] == [
        "",
        "1 h",
        "2 h",
        "1 d",
        "1 d 2 h",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("assignment,due\n1,2026-11-09\n", "the first line lacks student"),
        (HEAD + "1,,9 November,\n", "line 2: due: got '9 November', expected a time such as"),
        (HEAD + "9,,2026-11-09,\n", "line 2: assignment: got '9'"),
        (HEAD + "1,,2026-11-09,lots\n", "percent a day: got 'lots'"),
        (HEAD + "1,,2026-11-09,-3\n", "expected a number from 0 to 100"),
        (HEAD + "1,ada,2026-11-09,\n", "no line without a student"),
        (HEAD + "1,,11/9/2026 23:59,\n", "line 2: due: got '11/9/2026 23:59', expected a time such as"),
        (HEAD + "1,,31.11.2026,\n", "line 2: due: got '31.11.2026'"),
        (HEAD + "1\n", "line 2: due: got ''"),
        (HEAD + "1,,2026-11-09,\n1,,2026-11-10,\n", "line 3: a line above has a date for all already"),
        (HEAD + "1,,2026-11-09,\n\n1,ben,2026-11-10,\n1,ben,2026-11-11,\n", "line 5: a line above has a date for ben"),
    ],
)
def test_a_table_of_deadlines_that_cannot_be_used_is_refused(text: str, words: str, tmp_path: Path) -> None:
    course = a_course(tmp_path)
    (tmp_path / "deadlines.csv").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=words):
        deadlines.read(course, NAME)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-09", (2026, 11, 9, 23, 59, 59)),  # all of the day
        ("09.11.2026", (2026, 11, 9, 23, 59, 59)),
        ("9.11.2026 8:05", (2026, 11, 9, 8, 5)),
        ("2026-11-09 08:05", (2026, 11, 9, 8, 5)),
        ("2026-03-29 02:30", (2026, 3, 29, 2, 30)),  # an hour that many clocks leap over
    ],
)
def test_dates_are_read_as_spreadsheets_write_them(text: str, local: tuple[int, ...], tmp_path: Path) -> None:
    course = a_course(tmp_path)
    (tmp_path / "deadlines.csv").write_text(f"Assignment;Student;Due;Percent a day\n1;;{text};2,5\n;;;\n")
    wanted = datetime.datetime(*local).astimezone(datetime.UTC).replace(tzinfo=None)
    assert deadlines.read(course, NAME) == deadlines.Deadlines(wanted, {}, 2.5)


def test_an_extension_is_for_somebody(tmp_path: Path) -> None:
    course = a_course(tmp_path)
    (tmp_path / "roster.csv").write_text("student,name\nada,Ada L\nas1,Anna Schmidt\nas2,Anna Schmidt\n")

    def extended(student: str) -> set[str]:
        (tmp_path / "deadlines.csv").write_text(HEAD + f"1,,2026-11-09,\n1,{student},2026-11-10,\n")
        return set(deadlines.read(course, NAME).of_student)

    assert extended("ada") == extended("Ada L") == {"ada"}
    with pytest.raises(CourseError, match="line 3: student: got 'adda', which on the roster is neither an id nor a"):
        extended("adda")
    with pytest.raises(CourseError, match="got 'Anna Schmidt', which on the roster may be as1 or as2"):
        extended("Anna Schmidt")
    (tmp_path / "submitted" / "guest").mkdir(parents=True)
    assert extended("guest") == {"guest"}
    (tmp_path / "roster.csv").unlink()
    assert extended("adda") == {"adda"}


# ---- one command at a time


def test_two_commands_do_not_work_in_one_course_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = a_course(tmp_path / "course")
    download = downloaded(tmp_path, {"Ada L_1_assignsubmission_file/1_game.ipynb": "A"}, True)
    code = (
        "import pathlib, sys; from ganlab.classroom.course import Course\n"
        f"with Course(pathlib.Path({str(course.root)!r})).alone(): print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        assert main(["import", "1", str(download), "--course", str(course.root)]) == 1
        assert capsys.readouterr().err.startswith("error: another command works in course now: wait for its end")
        assert not (course.root / "submitted").exists()
        other.kill()
    assert main(["import", "1", str(download), "--course", str(course.root)]) == 0
    assert not (course.root / ".lock").exists()


# ---- downloads

ROSTER = "student,name\nada,Ada Lovelace\nben,Ben Émile Okri\n"
# system: the files of a download, and what comes of it: {student: (file, a mark in its content)}
DOWNLOADS: dict[str, tuple[dict[str, str], dict[str, tuple[str, str]]]] = {
    "moodle": (
        {
            "Ada Lovelace_123_assignsubmission_file/1_game.ipynb": "A",
            "Ada Lovelace_123_assignsubmission_file/data/x.csv": "x",
            "Ben Emile Okri_124_assignsubmission_file_/1_game.ipynb": "B",
        },
        {"ada": ("1_game.ipynb", "A"), "ben": ("1_game.ipynb", "B")},
    ),
    "canvas": (
        {
            "lovelaceada_17_9001_1_game.ipynb": "old",
            "lovelaceada_LATE_17_9002_1_game-2.ipynb": "A",
            "okribenemile_18_9003_1_game.ipynb": "B",
        },
        {"ada": ("1_game-2.ipynb", "A"), "ben": ("1_game.ipynb", "B")},
    ),
    "blackboard": (
        {
            "Game_ada_attempt_2026-11-08-10-00-00_1_game.ipynb": "old",
            "Game_ada_attempt_2026-11-10-10-00-00_1_game.ipynb": "A",
            "Game_ben_attempt_2026-11-09-10-00-00_1_game.ipynb": "B",
        },
        {"ada": ("1_game.ipynb", "A"), "ben": ("1_game.ipynb", "B")},
    ),
}


def downloaded(folder: Path, files: dict[str, str], packed: bool) -> Path:
    """Write a download, as a zip or as a folder."""
    if packed:
        with zipfile.ZipFile(folder / "download.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return folder / "download.zip"
    for name, content in files.items():
        (folder / "download" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "download" / name).write_text(content, encoding="utf-8")
    return folder / "download"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("system", DOWNLOADS)
def test_a_download_is_sorted_by_student_and_the_last_attempt_counts(
    system: str, packed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, wanted = DOWNLOADS[system]
    course = a_course(tmp_path / "course")
    (course.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
    download = downloaded(tmp_path, files | {"index.html": "a page of the platform's"}, packed)
    assert main(["import", "1", str(download), "--course", str(course.root)]) == 0
    for student, (file, mark) in wanted.items():
        folder = course.folder("submitted", NAME, student)
        assert (folder / file).read_text(encoding="utf-8") == mark
        assert {path.suffix for path in folder.glob("*.*")} <= {".ipynb", ".txt"} and len(
            list(folder.glob("*.ipynb"))
        ) == 1
        assert (folder / "timestamp.txt").exists() == (system == "blackboard")
    said = capsys.readouterr().out
    assert "nothing was made of index.html" in said and "2 students' work" in said
    assert ("the last attempt (files of earlier ones: 1)" in said) == (system != "moodle")


def test_a_time_stamp_is_written_as_nbgrader_reads_it(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course")
    files = {"Game_ada_attempt_2026-11-08-10-00-00_1_game.ipynb": "A"}
    downloads.bring_in(course, NAME, downloaded(tmp_path, files, False))
    text = (course.folder("submitted", NAME, "ada") / "timestamp.txt").read_text(encoding="utf-8")
    local = datetime.datetime(2026, 11, 8, 10).astimezone(datetime.UTC)
    assert text == f"{local:%Y-%m-%d %H:%M:%S} UTC"


def test_what_was_there_before_is_kept_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course")
    files = {"Ada L_1_assignsubmission_file/1_game.ipynb": "one"}
    first = downloads.bring_in(course, NAME, downloaded(tmp_path, files, False))
    again = downloads.bring_in(course, NAME, downloaded(tmp_path, files, False))
    assert first.students == {"Ada-L": "1_game.ipynb"} and again.students == {"Ada-L": "as before"}
    later = downloads.bring_in(course, NAME, downloaded(tmp_path, {next(iter(files)): "two"}, False))
    assert later.students["Ada-L"].endswith("what was there lies in replaced/Ada-L/1_game/0")
    assert (course.root / "replaced" / "Ada-L" / NAME / "0" / "1_game.ipynb").read_text(encoding="utf-8") == "one"
    assert (course.folder("submitted", NAME, "Ada-L") / "1_game.ipynb").read_text(encoding="utf-8") == "two"


def test_a_file_that_the_teacher_put_there_stays_until_the_student_sends_another(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course")
    path = "Ada_1_assignsubmission_file/1_game.pdf"
    downloads.bring_in(course, NAME, downloaded(tmp_path, {path: "broken"}, False))
    folder = course.folder("submitted", NAME, "Ada")
    (folder / "1_game.pdf").rename(folder / "1_game.ipynb")  # as if it had come by mail
    again = downloads.bring_in(course, NAME, downloaded(tmp_path, {path: "broken"}, False))
    assert again.students == {"Ada": "as before; what you have put into the folder since then stays"}
    assert [file.name for file in folder.iterdir()] == ["1_game.ipynb"]
    downloads.bring_in(course, NAME, downloaded(tmp_path, {path: "another"}, False))
    assert [file.name for file in folder.iterdir()] == ["1_game.pdf"]


def test_a_pattern_of_ones_own_and_students_who_are_not_on_the_roster(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course")
    (course.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
    download = downloaded(tmp_path, {"ada--1_game.ipynb": "A", "eve--1_game.ipynb": "E"}, True)
    done = downloads.bring_in(course, NAME, download, pattern=r"(?P<student>\w+)--(?P<file>.+)")
    assert set(done.students) == {"ada", "eve"} and done.not_on_roster == {"eve": "eve"} and done.missing == ["ben"]


def brought(tmp_path: Path, files: dict[str, str], members: str = "") -> tuple[downloads.Sorted, dict[str, str]]:
    """Return what came of a download, and {path in submitted/: content}."""
    course = a_course(tmp_path / "course")
    if members:
        (course.root / "roster.csv").write_text(members, encoding="utf-8")
    done = downloads.bring_in(course, NAME, downloaded(tmp_path, files, True))
    home = course.root / "submitted"
    placed = [path for path in home.rglob("*") if path.is_file()]
    return done, {path.relative_to(home).as_posix(): path.read_text(encoding="utf-8") for path in placed}


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (("Anna Schmidt", "Anna Schmidt"), ("Anna-Schmidt-1", "Anna-Schmidt-2")),
        (("Anna Schmidt", "anna schmidt"), ("Anna-Schmidt-1", "anna-schmidt-2")),
        (("😀", "🎉"), ("nobody-1", "nobody-2")),
        (("陈伟", "李娜"), ("陈伟", "李娜")),
    ],
)
def test_no_two_people_share_a_folder(names: tuple[str, str], folders: tuple[str, str], tmp_path: Path) -> None:
    files = {f"{name}_{k}_assignsubmission_file/{NAME}.ipynb": str(k) for k, name in enumerate(names, 1)}
    _, placed = brought(tmp_path, files)
    assert placed == {f"{folder}/{NAME}/{NAME}.ipynb": str(k) for k, folder in enumerate(folders, 1)}


def test_namesakes_on_the_roster_are_put_before_the_teacher(tmp_path: Path) -> None:
    files = {f"Anna Schmidt_{k}_assignsubmission_file/{NAME}.ipynb": str(k) for k in (1, 2)}
    done, _ = brought(tmp_path, files, "student,name\nas1,Anna Schmidt\nas2,Anna Schmidt\n")
    assert done.not_on_roster == {f"Anna-Schmidt-{k}": "Anna Schmidt, who may be as1 or as2" for k in (1, 2)}
    assert done.missing == ["as1", "as2"]


@pytest.mark.parametrize(
    ("path", "members", "student"),
    [
        ("Zoë Müller_1_assignsubmission_file_1_game.ipynb", "student,name\nzm,Zoë Müller\n", "zm"),
        ("Zoe\u0308 Mu\u0308ller_1_assignsubmission_file/1_game.ipynb", "student,name\nzm,Müller Zoë\n", "zm"),
        ("wojciklukasz_17_9003_1_game.ipynb", "student,name\nlw,Łukasz Wójcik\n", "lw"),
        ("watsonmaryjane_LATE_17_9003_1_game.ipynb", "student,name\nmw,Mary-Jane Watson\n", "mw"),
        ("oconnoraicha_17_9003_1_game.ipynb", "student,name\nao,Aïcha O'Connor\n", "ao"),
        ("Game_1_ada_b_attempt_2026-11-08-10-00-00_1_game.ipynb", "student\nada_b\nb\n", "ada_b"),
        ("Game_1_b_attempt_2026-11-08-10-00-00_1_game.ipynb", "student\nada_b\nb\n", "b"),
    ],
)
def test_names_of_many_kinds_are_found_on_the_roster(path: str, members: str, student: str, tmp_path: Path) -> None:
    done, placed = brought(tmp_path, {path: "A"}, members)
    assert list(done.students) == [student] and placed[f"{student}/{NAME}/1_game.ipynb"] == "A"


def test_files_beside_a_notebook_of_many_attempts_come_along(tmp_path: Path) -> None:
    names = {"1_game.ipynb": "old", "1_game-1.ipynb": "older", "1_game-2.ipynb": "A", "data.csv": "x"}
    files = {f"lovelaceada_17_900{k}_{name}": text for k, (name, text) in enumerate(names.items())}
    done, placed = brought(tmp_path, files)
    assert set(placed.values()) == {"A", "x"} and "files of earlier ones: 2" in done.students["lovelaceada"]


def test_a_time_stamp_that_a_student_hands_in_is_none(tmp_path: Path) -> None:
    files = {f"Ada_1_assignsubmission_file/{name}": "x" for name in (f"{NAME}.ipynb", "timestamp.txt")}
    done, placed = brought(tmp_path, files)
    assert set(placed) == {f"Ada/{NAME}/{NAME}.ipynb"} and done.unknown == list(files)[1:]


def test_a_time_stamp_written_by_hand_is_not_lost_without_a_word(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course")
    files = {"Ada_1_assignsubmission_file/1_game.ipynb": "one"}
    downloads.bring_in(course, NAME, downloaded(tmp_path, files, False))
    (course.folder("submitted", NAME, "Ada") / "timestamp.txt").write_text("2026-11-10 08:30:00 UTC")
    again = downloads.bring_in(course, NAME, downloaded(tmp_path, files, False))
    assert again.students == {"Ada": "as before"}
    later = downloads.bring_in(course, NAME, downloaded(tmp_path, {next(iter(files)): "two"}, False))
    assert later.students["Ada"].endswith("and so does its timestamp.txt: write one for what came now")


def test_one_damaged_file_of_a_download_costs_its_student_alone(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course")
    files = {f"{name}_1_assignsubmission_file/1_game.ipynb": f"work of {name} " * 9 for name in ("Ada", "Ben")}
    download = downloaded(tmp_path, files, True)
    download.write_bytes(download.read_bytes().replace(b"work of Ada", b"wOrk of Ada", 1))
    done = downloads.bring_in(course, NAME, download)
    assert list(done.students) == ["Ben"] and done.unknown[0].startswith(
        "Ada_1_assignsubmission_file/1_game.ipynb: Bad"
    )


def test_a_download_that_is_not_named_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = a_course(tmp_path / "course")
    assert main(["import", "1", "", "--course", str(course.root)]) == 1
    assert "download: got nothing, expected a zip or a folder: FILE=download.zip" in capsys.readouterr().err
    assert main(["import", "1", "~/no such download.zip", "--course", str(course.root)]) == 1
    assert str(Path.home()) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "files", "words"),
    [
        ({"system": "moodel"}, {"a": ""}, "--system: got 'moodel', expected one of moodle"),
        ({"pattern": "("}, {"a": ""}, "--pattern: "),
        ({"pattern": "(?P<student>.*)"}, {"a": ""}, "expected the groups"),
        ({}, {"essay.pdf": ""}, "none of its 1 files, such as 'essay.pdf' fits moodle, blackboard, canvas"),
    ],
)
def test_a_download_of_which_nothing_can_be_made_is_refused(
    options: dict[str, str], files: dict[str, str], words: str, tmp_path: Path
) -> None:
    course = a_course(tmp_path / "course")
    with pytest.raises(CourseError, match=re.escape(words)):
        downloads.bring_in(course, NAME, downloaded(tmp_path, files, True), **options)
    assert not (course.root / "submitted").exists()


# ---- export


def test_all_assignments_come_into_one_table_with_names_of_ones_own(tmp_path: Path) -> None:
    course = a_course(tmp_path)
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    for name, rows in {NAME: "ada,90,100\neve,7.5,100\n", "2_dcgan": "ada,40,100\n"}.items():
        course.results(name).mkdir(parents=True)
        (course.results(name) / "marks.csv").write_text("student,total,of\n" + rows, encoding="utf-8")
    options = ["--rename", "student=SIS Login ID", "--rename", f"{NAME}=Assignment 1 (123)", "--rename", "of="]
    out = tmp_path / "all.csv"
    assert main(["export", "--course", str(tmp_path), *options, "--out", str(out)]) == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert list(rows[0]) == ["SIS Login ID", "name", "Assignment 1 (123)", "2_dcgan", "total"]
    assert [tuple(row.values()) for row in rows] == [
        ("ada", "Ada Lovelace", "90", "40", "130"),
        ("ben", "Ben Émile Okri", "", "", "0"),
        ("eve", "", "7.5", "", "7.5"),
    ]
    with pytest.raises(CourseError, match="--rename: got 'mark', expected one of student, name"):
        export.table(course, {"mark": "x"})


@pytest.mark.parametrize("text", ["student;total;of\nada;90,5;100\n", "student,total,of\nada,,100\n", "student\nada\n"])
def test_a_table_that_a_spreadsheet_has_rewritten_is_refused(text: str, tmp_path: Path) -> None:
    course = a_course(tmp_path)
    course.results(NAME).mkdir(parents=True)
    (course.results(NAME) / "marks.csv").write_text(text)
    with pytest.raises(CourseError, match="results/1_game/marks.csv: is no longer as grading wrote it.*make grade A=1"):
        export.table(course, {})


# ---- similarity

FILLER = [
    "value",
    "estimate",
    "outcome",
    "result",
    "amount",
    "answer",
    "score",
    "number",
    "share",
    "level",
    "rate",
    "sum",
]


def own_work(student: int) -> NotebookNode:
    """Return a solved notebook of a student: the usual solutions, and a helper and a letter of the student's own."""
    rng = random.Random(student)
    notebook = submissions.solved(RELEASE, KEY)
    steps = [
        f"    {rng.choice(FILLER)}_{k} = {rng.choice(['np.exp', 'np.log', 'np.tanh', 'abs', 'float'])}"
        f"({rng.choice('xyz')} {rng.choice('+-*/')} {rng.randint(2, 99)}) {rng.choice('+-*')} {rng.randint(2, 99)}"
        for k in range(12)
    ]
    code = "# what I tried first\ndef helper(x, y, z):\n" + "\n".join(steps) + f"\n    return {rng.choice('xyz')}\n"
    notebook.cells.insert(6, nbformat.v4.new_code_cell(code))
    words = " ".join(rng.choice(FILLER) + rng.choice(" s") + f" {rng.randint(1, 999)}" for _ in range(60))
    submissions.cell(notebook, "letter").source = f"Dear colleague, {words}"
    return notebook


def disguised(notebook: NotebookNode) -> NotebookNode:
    """Return a copy with other names, other comments, other layout, and the student's own cell moved."""
    copy = nbformat.from_dict(nbformat.v4.new_notebook(cells=[nbformat.from_dict(cell) for cell in notebook.cells]))
    index = next(k for k, cell in enumerate(copy.cells) if "def helper" in cell.source)
    cell = copy.cells.pop(index)
    source = cell.source.replace("# what I tried first", "# my own idea, really")
    for k, name in enumerate(FILLER):
        source = source.replace(name, f"q{k}").replace("helper", "auxiliary")
    source = re.sub(r"\b([xyz])\b", r"arg_\1", source).replace("    ", "  ").replace(" * ", "*")
    cell.source = "# nothing to see\n\n" + source.replace("return", "# the end\n  return")
    copy.cells.insert(len(copy.cells) - 2, cell)
    return copy


def test_a_disguised_copy_stands_out_and_honest_work_does_not() -> None:
    works = {f"s{k:02d}": own_work(k) for k in range(12)}
    pairs, limit = similarity.unusual_pairs(works, RELEASE)
    assert pairs == [], "equal solutions of the same exercises are no copies"
    works["copy"] = disguised(own_work(3))
    submissions.cell(works["copy"], "letter").source = submissions.cell(own_work(77), "letter").source
    pairs, limit = similarity.unusual_pairs(works, RELEASE)
    assert [pair.students for pair in pairs] == [("copy", "s03")] and pairs[0].likeness > limit
    page = similarity.page(NAME, works, pairs, limit=limit)
    assert page.count("<mark>") >= 20 and "arg_" in page and "a matter for a person" in page
    assert "src=" not in page and "http" not in page  # it needs no network


def test_a_copied_letter_stands_out_even_when_the_code_is_each_ones_own() -> None:
    works = {f"s{k:02d}": own_work(k) for k in range(12)}
    letter = submissions.cell(works["s01"], "letter").source
    submissions.cell(works["s05"], "letter").source = letter.upper().replace(",", "") + "\n\nYours"
    assert [pair.students for pair in similarity.unusual_pairs(works, RELEASE)[0]] == [("s01", "s05")]


def test_the_release_does_not_count() -> None:
    works = {f"s{k}": submissions.solved(RELEASE, KEY, 0) for k in range(5)}
    assert similarity.unusual_pairs(works, RELEASE)[0] == []


def test_the_page_of_similar_work_is_made_of_what_lies_in_submitted(tmp_path: Path, capsys) -> None:
    """By the command: with a copy, someone who handed in nothing, a broken file, and a folder of no student's."""
    course = a_course(tmp_path, NAME)
    command = ["similar", "1", "--course", str(tmp_path)]
    assert main(command) == 1 and capsys.readouterr().err == f"error: {NAME} is not released yet: make release A=1\n"
    works = {f"s{k:02d}": own_work(k) for k in range(12)} | {"copy": disguised(own_work(3)), "a b\n": own_work(3)}
    for student, work in works.items():
        folder = course.folder("submitted", NAME, student)
        folder.mkdir(parents=True)
        nbformat.write(work, folder / ("Untitled.ipynb" if student == "s03" else f"{NAME}.ipynb"))
    course.folder("submitted", NAME, "absent").mkdir(parents=True)
    course.folder("submitted", NAME, "broken").mkdir(parents=True)
    (course.folder("submitted", NAME, "broken") / f"{NAME}.ipynb").write_bytes(b"{broken")
    course.folder("release", NAME).mkdir(parents=True)
    nbformat.write(RELEASE, course.folder("release", NAME) / f"{NAME}.ipynb")
    assert main(command) == 0
    file = course.results(NAME) / "similar.html"
    said = capsys.readouterr()
    assert said.out.startswith(f"{file}: 1 pairs of 13 submissions stand out.") and said.err == ""
    page = file.read_text(encoding="utf-8")
    assert "copy" in page and "s03" in page and page.count("<mark>") >= 20 and "s04" not in page


# ---- slips and statistics


def outcome_of(name: str, text: str = "", error: tuple[str, str] | None = None) -> NotebookNode:
    cell = nbformat.v4.new_code_cell("seen()")
    cell.metadata["nbgrader"] = {"grade": True, "grade_id": name, "locked": True, "solution": False}
    cell.outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
    cell.outputs += [nbformat.v4.new_output("error", ename=error[0], evalue=error[1], traceback=[])] if error else []
    return cell


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        (outcome_of("a-seen", "0 of 3 points: not yet. x: yours 1, expected 2. Hint: the sign."), {"a: the sign."}),
        (
            outcome_of(
                "a-seen",
                "0 of 3 points: not yet. Your code stopped with NameError: name 'q' is not defined (in the line: q)",
            ),
            {"a: stopped with NameError: name 'q' is not defined"},
        ),
        (
            outcome_of(
                "a-hidden",
                "0 of 3 points: not yet. Your code stopped with Stopped: it ran for more than 15 s (in the line: x)",
            ),
            {"a: ran for more than 15 s"},
        ),
        (
            outcome_of(
                "a-seen",
                error=("Stopped", "This cell ran for more than 9 s, and the notebook was run again without it."),
            ),
            {"a: ran for more than 9 s"},
        ),
        (outcome_of("a-seen", error=("NameError", "name 'f' is not defined")), {"a: stopped with NameError"}),
        (outcome_of("a-seen", error=("NotRun", "Nothing was handed in that could be run.")), set()),
        (outcome_of("a-seen", "3 of 3 points: correct."), set()),
    ],
)
def test_slips_are_named_by_what_went_wrong(cell: NotebookNode, named: set[str], tmp_path: Path) -> None:
    file = tmp_path / "graded.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), file)
    assert slips.named_slips(file)[0] == named


def test_an_error_of_an_answer_s_own_cell_is_named_in_place_of_what_follows_from_it(tmp_path: Path) -> None:
    cells = [outcome_of("a", error=("AttributeError", "'float' has no 'numpy'"))]
    cells[0].metadata["nbgrader"] |= {"grade": False, "solution": True}
    cells.append(outcome_of("a-seen", error=("NameError", "name 'a' is not defined")))
    cells.append(outcome_of("b-seen", error=("NameError", "name 'b' is not defined")))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "graded.ipynb")
    found = {"a: its own cell stopped with AttributeError: 'float' has no 'numpy'", "b: stopped with NameError"}
    assert slips.named_slips(tmp_path / "graded.ipynb")[0] == found


def test_statistics_of_parts_are_on_a_page_with_pictures(tmp_path: Path) -> None:
    course = a_course(tmp_path, NAME)
    course.folder("release", NAME).mkdir(parents=True)
    nbformat.write(RELEASE, course.folder("release", NAME) / f"{NAME}.ipynb")
    parts = list(
        dict.fromkeys(
            slips.part_of(cell.id) for cell in RELEASE.cells if cell.metadata.get("nbgrader", {}).get("grade")
        )
    )
    course.results(NAME).mkdir(parents=True)
    with open(course.results(NAME) / "marks.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["student", *parts, "total", "of"])
        for k in range(10):  # the first part tells strong from weak, the second the other way round
            strong = k >= 5
            rest = {part: (5 if strong else 1) + k % 2 for part in parts}
            marks = rest | {parts[0]: 10 * strong, parts[1]: 14 * (not strong), "letter": 3}
            writer.writerow([f"s{k}", *(marks[part] for part in parts), sum(marks.values()), 100])
            graded = course.folder("autograded", NAME, f"s{k}")
            graded.mkdir(parents=True)
            hint = (
                "0 of 3 points: not yet. Hint: the prior does not enter." if not strong else "3 of 3 points: correct."
            )
            nbformat.write(
                nbformat.v4.new_notebook(cells=[outcome_of(f"{parts[0]}-seen", hint)]), graded / f"{NAME}.ipynb"
            )
    found = {one.name: one for one in questions.gather(course, NAME)}
    first, second = found[parts[0]], found[parts[1]]
    assert (first.most, first.solved, first.minutes, first.difficulty) == (10, 0.5, 10, "easy")
    assert first.discrimination > 0.3 and second.discrimination < -0.3 and found["letter"].discrimination is None
    assert first.slips == {"the prior does not enter.": 5}
    assert main(["questions", "1", "--course", str(tmp_path)]) == 0
    page = (course.results(NAME) / "questions.html").read_text(encoding="utf-8")
    assert page.count("<img alt=") == 2 and "5 × the prior does not enter." in page and "http" not in page


# ---- a student's own check


def test_the_check_and_the_grading_import_no_grammar_of_addresses_and_no_torch() -> None:
    """Three CPU-seconds a process for the one, two for the other; notebooks are still held to their schema."""
    code = "import sys, ganlab.classroom.worker, ganlab.classroom.completeness, nbformat\n"
    code += "print([name for name in ('lark', 'torch') if name in sys.modules])\n"
    code += "cell = {'id': 'a', 'cell_type': 'odd', 'metadata': {}, 'source': ''}\n"
    code += "nbformat.validate({'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': [cell]})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n" and "ValidationError" in done.stderr


def lacking(change, tmp_path: Path, file: str = f"{NAME}.ipynb") -> list[str]:
    notebook = submissions.solved(RELEASE, KEY)
    change(notebook)
    (tmp_path / NAME).mkdir()
    nbformat.write(notebook, tmp_path / NAME / file)
    return completeness.form(handin_read(tmp_path / NAME / file), tmp_path / NAME / file)


def handin_read(file: Path) -> NotebookNode:
    from ganlab.classroom.reading import read

    return read(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda notebook: None, ""),
        (submissions.without_tests, "cells of 10 points are missing"),
        (submissions.without_answer, f"the cell of your answer '{submissions.FIRST}' is missing"),
        (submissions.stripped, "have lost what tells them apart"),
        (
            lambda notebook: submissions.cell(notebook, "letter").update(
                source=submissions.cell(RELEASE, "letter").source
            ),
            "the written part 'letter' is empty",
        ),
        (
            lambda notebook: submissions.cell(notebook, "letter").update(source="  \n"),
            "the written part 'letter' is empty",
        ),
    ],
)
def test_a_student_is_told_what_is_missing(change, words: str, tmp_path: Path) -> None:
    missing = lacking(change, tmp_path)
    assert words in "; ".join(missing) and len(missing) == bool(words), missing


def test_a_file_in_utf_16_has_its_parts_too(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.ipynb"
    file.write_text(nbformat.writes(submissions.solved(RELEASE, KEY)), encoding="utf-16")
    assert completeness.form(handin_read(file), file) == []


def test_a_folder_of_downloads_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.mkv").write_bytes(b"x" * 2_000_000)
    os.symlink(tmp_path / "nowhere", tmp_path / "link")
    assert not completeness._is_large(tmp_path)
    monkeypatch.setattr(completeness, "LARGEST_MB", 1)
    assert completeness._is_large(tmp_path)


def test_a_wrong_name_is_told(tmp_path: Path) -> None:
    assert lacking(lambda notebook: None, tmp_path, "1_game (1).ipynb") == ["its name should be 1_game.ipynb"]


@pytest.mark.parametrize("name", assignments.names())
def test_every_written_part_has_a_stub_that_the_check_knows(name: str) -> None:
    released = nbformat.read(Course().folder("release", name) / f"{name}.ipynb", as_version=4)
    written = [
        cell
        for cell in released.cells
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("grade")
    ]
    assert written and {cell.source for cell in written} <= set(completeness.STUBS)


def test_a_file_that_is_no_notebook_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.ipynb").write_text("%PDF")
    assert ganlab(["hand-in", str(tmp_path / "x.ipynb")]) == 1
    assert capsys.readouterr().err.startswith("error: file: x.ipynb is no notebook")


def test_hand_in_runs_a_copy_and_says_what_raises(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With a kernel, of a small notebook: code that raises, a part not attempted, and the files left as they were."""
    cells = [nbformat.v4.new_markdown_cell("# Assignment 1"), nbformat.v4.new_code_cell("open('data.txt').read()")]
    cells += [
        nbformat.v4.new_code_cell("open('new.txt', 'w').write('x')\n1 / 0"),
        nbformat.v4.new_code_cell("print('3: not attempted')"),
    ]
    cells[3].metadata["nbgrader"] = {
        "grade": True,
        "grade_id": "a-seen",
        "points": 100,
        "locked": True,
        "solution": False,
    }
    cells.append(nbformat.v4.new_code_cell("a = 1"))
    cells.append(nbformat.v4.new_code_cell("print('0 of 3 points: almost. y: shape (4,)')"))
    cells[4].metadata["nbgrader"] = {"grade": False, "grade_id": "a", "locked": False, "solution": True}
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "data.txt").write_text("here")
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / NAME / f"{NAME}.ipynb")
    before = {path.name: path.read_bytes() for path in (tmp_path / NAME).iterdir()}
    assert ganlab(["hand-in", str(tmp_path / NAME / f"{NAME}.ipynb")]) == 1
    said, warned = capfd.readouterr()
    assert warned == "", "a kernel's warnings would frighten a student"
    assert "stops with ZeroDivisionError" in said and "- 'a': not attempted" in said and "3 things to look at" in said
    assert "0 of 3 points: almost. y: shape (4,)" in said
    assert {path.name: path.read_bytes() for path in (tmp_path / NAME).iterdir()} == before
    assert handin.CELL_SECONDS > 0


def test_hand_in_says_that_all_is_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a whole solved assignment, with the running of it left out: grading's tests do that."""
    (tmp_path / NAME).mkdir()
    nbformat.write(submissions.solved(RELEASE, KEY), tmp_path / NAME / f"{NAME}.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completeness, "execution", lambda file, cell_seconds: [])
        assert ganlab(["hand-in", str(tmp_path / NAME / f"{NAME}.ipynb")]) == 0
    assert "All is there: nothing raises, every part is attempted." in capfd.readouterr().out


# ---- the command


def test_paths_with_a_tilde_are_in_the_home_folder(tmp_path: Path, monkeypatch, capsys) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    a_course(home / "course", NAME)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    results = home / "course" / "results" / NAME
    results.mkdir(parents=True)
    (results / "marks.csv").write_text("student,total,of\nada,3,9\n", encoding="utf-8")
    assert main(["export", "--course=~/course", "--out=~/marks.csv"]) == 0, capsys.readouterr()
    assert (home / "marks.csv").is_file() and not list(here.iterdir())
    assert main(["import", "1", "--course=~/course", "~/none.zip"]) == 1
    assert f"there is no {home / 'none.zip'}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export", "--course=~nobody-of-that-name/course"])
    assert "no such user's home" in capsys.readouterr().err
    assert ganlab(["hand-in", "~/none.ipynb"]) == 1 and not list(here.iterdir())


def test_output_that_cannot_be_shown_and_an_interrupt_are_no_traceback(tmp_path: Path, monkeypatch, capsys) -> None:
    a_course(tmp_path / "Bär", NAME)
    words = [sys.executable, "-m", "ganlab.classroom", "grade", "9", "--course", str(tmp_path / "Bär")]
    page = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = subprocess.Popen(
        [*words[:3], "import", "1", *words[5:], str(tmp_path / "Bär" / "none")], stderr=-1, env=page
    )
    assert b"there is no" in (said := process.communicate()[1]) and b"B\\xe4r" in said and process.returncode == 1
    process = subprocess.Popen(words, stdout=-1, stderr=-1)
    process.stdout.close()  # as `| head -0` does
    process.stderr.close()
    assert process.wait() == 1

    def interrupted(course: Course, name: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(questions, "gather", interrupted)
    assert main(["questions", "1", "--course", str(tmp_path / "Bär")]) == 130
    assert capsys.readouterr().err == "interrupted\n"
