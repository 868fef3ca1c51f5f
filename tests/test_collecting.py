"""What students hand in, however wrapped, broken or misplaced: what is taken, what is said, and nobody else pays."""

import copy
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import assignments
import nbformat
import pytest
import submissions
from nbformat import NotebookNode

from ganlab.classroom import similarity
from ganlab.classroom.collecting import TIMESTAMP, HandIn, collect, unpack
from ganlab.classroom.course import Course
from ganlab.classroom.reading import UnreadableError, read, understood
from ganlab.classroom.staging import MOVED, restore, stage
from ganlab.classroom.suspicion import suspicions

NAME = submissions.NAME
OTHERS = [name for name in assignments.names() if name != NAME]


def released() -> NotebookNode:
    return nbformat.read(Course().folder("release", NAME) / f"{NAME}.ipynb", as_version=4)


RELEASE, KEY = released(), assignments.varied(NAME, 1, 1)
SOLVED = submissions.solved(RELEASE, KEY)
BYTES = nbformat.writes(SOLVED).encode()


def sources(notebook: NotebookNode) -> dict[str, str]:
    """Return what the cells of the assignment hold, those of the student's own apart."""
    return {cell.id: cell.source for cell in notebook.cells if not cell.id.startswith("own-")}


REPAIRED = sources(restore(understood(BYTES), key=KEY, release=RELEASE)[0])


def test_a_solved_notebook_is_taken_as_it_is() -> None:
    locked = {cell.id for cell in KEY.cells if cell.metadata.get("nbgrader", {}).get("locked")}
    answers = {cell.id: cell.source.strip() for cell in SOLVED.cells}
    tests = {cell.id: cell.source for cell in KEY.cells if cell.id in locked}
    assert answers | tests == REPAIRED and "hidden_variant" in REPAIRED[f"{submissions.FIRST}-hidden"]


@pytest.mark.parametrize("kind", submissions.FORMS)
def test_what_is_only_out_of_form_becomes_what_a_correct_one_is(kind: str) -> None:
    odd = submissions.ODD[kind]
    notebook, looks = restore(
        understood(nbformat.writes(odd.make(submissions.solved(RELEASE, KEY))).encode()), KEY, RELEASE
    )
    assert sources(notebook) == REPAIRED
    assert odd.words in "; ".join(looks) and bool(odd.words) == bool(looks), looks


# ---- one file, read


def changed(change: Callable[[dict], object]) -> bytes:
    """Return the solved notebook's file after a change of its JSON."""
    content = json.loads(BYTES)
    change(content)
    return json.dumps(content).encode()


def json_cell(content: dict, name: str) -> dict:
    return next(cell for cell in content["cells"] if cell["id"] == name)


def add_cell(content: dict, **cell: object) -> None:
    content["cells"].insert(7, {"metadata": {}, "id": "x", "source": "x = 1", **cell})


CRLF = BYTES.decode().replace("\\n", "\\r\\n").encode()
# what a file may hold: (its bytes, words of the look or "" for none)
READABLE: dict[str, tuple[bytes, str]] = {
    "an answer as markdown": (
        changed(lambda c: json_cell(c, submissions.FIRST).update(cell_type="markdown")),
        "was of another kind (markdown)",
    ),
    "an answer as raw": (changed(lambda c: json_cell(c, submissions.FIRST).update(cell_type="raw")), "of another kind"),
    "a letter as code": (
        changed(lambda c: json_cell(c, "letter").update(cell_type="code", outputs=[], execution_count=None)),
        "of another kind (code)",
    ),
    "a test as markdown": (
        changed(lambda c: json_cell(c, submissions.TESTS[0]).update(cell_type="markdown")),
        "had been changed",
    ),
    "half an emoji": (changed(lambda c: add_cell(c, source="# done \ud83d", cell_type="markdown")), ""),
    "half an emoji in code": (
        changed(lambda c: add_cell(c, source="s = '\ud83d'", cell_type="code", outputs=[], execution_count=None)),
        "",
    ),
    "nbgrader is null": (changed(lambda c: json_cell(c, submissions.FIRST)["metadata"].update(nbgrader=None)), "lost"),
    "nbgrader is a list": (changed(lambda c: json_cell(c, submissions.FIRST)["metadata"].update(nbgrader=[1])), "lost"),
    "a grade_id that is a number": (
        changed(lambda c: json_cell(c, submissions.FIRST)["metadata"]["nbgrader"].update(grade_id=3)),
        "lost",
    ),
    "metadata are null": (changed(lambda c: [cell.update(metadata=None) for cell in c["cells"]]), "lost"),
    "no metadata": (changed(lambda c: [cell.pop("metadata") for cell in c["cells"]]), "lost"),
    "an unknown cell type": (changed(lambda c: add_cell(c, cell_type="sql", source="select 1")), ""),
    "no cell type": (changed(lambda c: add_cell(c)), ""),
    "a cell that is no cell": (changed(lambda c: c["cells"].insert(3, "text")), ""),
    "a source that is null": (changed(lambda c: add_cell(c, source=None, cell_type="code")), ""),
    "a source of numbers": (changed(lambda c: add_cell(c, source=[1, None], cell_type="code")), ""),
    "ids that are numbers": (changed(lambda c: [cell.update(id=7) for cell in c["cells"]]), ""),
    "outputs that are none": (changed(lambda c: [cell.update(outputs="lost") for cell in c["cells"]]), ""),
    "attachments": (changed(lambda c: [cell.update(attachments={"a": 1}) for cell in c["cells"]]), ""),
    "CRLF": (CRLF, ""),
    "CR": (BYTES.decode().replace("\\n", "\\r").encode(), ""),
    "a byte-order mark": (b"\xef\xbb\xbf" + BYTES, ""),
    "UTF-16": (BYTES.decode().encode("utf-16"), ""),
    "no version": (changed(lambda c: [c.pop("nbformat"), c.pop("nbformat_minor")]), ""),
    "an old version without ids": (
        changed(lambda c: [c.update(nbformat_minor=2), *(cell.pop("id") for cell in c["cells"])]),
        "",
    ),
    "a version to come": (changed(lambda c: c.update(nbformat=7)), ""),
    "notebook metadata are a list": (changed(lambda c: c.update(metadata=[])), ""),
    "kernel of another language": (changed(lambda c: c["metadata"].update(kernelspec={"name": "ir"})), ""),
    "ids in letters of another alphabet": (changed(lambda c: json_cell(c, "cell-01").update(id="ячейка")), ""),
    "Latin-1 inside": (BYTES.replace(b"A letter of my own", "Ein Brief von mir, schön".encode("latin-1")), ""),
}


@pytest.mark.parametrize("kind", READABLE)
def test_an_odd_file_is_read_and_loses_nothing(kind: str, tmp_path: Path) -> None:
    content, words = READABLE[kind]
    file = tmp_path / f"{NAME}.ipynb"
    file.write_bytes(content)
    notebook, looks = restore(read(file), key=KEY, release=RELEASE)
    wanted = REPAIRED | ({"letter": notebook.cells[-1].source} if "Latin" in kind else {})
    assert sources(notebook) == wanted
    assert words in "; ".join(looks) and bool(words) == bool(looks), looks
    assert [cell.cell_type for cell in notebook.cells if not cell.id.startswith("own-")] == [
        cell.cell_type for cell in RELEASE.cells
    ]
    nbformat.validate(notebook)
    nbformat.write(notebook, tmp_path / "written.ipynb")
    notebook.cells[0].source.encode("utf-8")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\0" * 4096, "is empty"),
        (b"%PDF-1.7 my answers", "is no notebook: it begins with b'%PDF-1.7'"),
        (b"<!DOCTYPE html>", "is no notebook: it begins with"),
        (BYTES[: len(BYTES) // 2], "is cut off or damaged"),
        (b"[1, 2]", "it holds no cells"),
        (b"{}", "it holds no cells"),
        (b'{"cells": 3}', "it holds no cells"),
        (b'{"cells": []}', "is a notebook without cells"),
        (b'{"cells": [3]}', "is a notebook without cells"),
        (b'{"worksheets": [{"cells": 3}, 3]}', "is a notebook without cells"),
        (b"[" * 100_000, "no notebook|nested deeper"),
        (b"<<<<<<< HEAD\n" + BYTES, "is no notebook"),
    ],
)
def test_what_is_no_notebook_is_named_in_plain_words(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        understood(content)


# ---- written answers in the wrong place

LETTER = "The loss to compare with is the entropy of the shares, and so nothing has been shown yet."


def with_letter(change: Callable[[list[NotebookNode], int], object]) -> NotebookNode:
    """Return a solved notebook whose written answer is untouched, after a change of its cells."""
    notebook = submissions.solved(RELEASE, KEY)
    index = next(k for k, cell in enumerate(notebook.cells) if cell.id == "letter")
    notebook.cells[index].source = submissions.cell(RELEASE, "letter").source
    change(notebook.cells, index)
    return notebook


MISPLACED: dict[str, Callable[[list[NotebookNode], int], object]] = {
    "in a new cell below": lambda cells, k: cells.insert(k + 1, nbformat.v4.new_markdown_cell(LETTER)),
    "in a new cell above": lambda cells, k: cells.insert(k, nbformat.v4.new_markdown_cell(LETTER)),
    "in a raw cell": lambda cells, k: cells.insert(k + 1, nbformat.v4.new_raw_cell(LETTER)),
    "as comments": lambda cells, k: cells.insert(k + 1, nbformat.v4.new_code_cell(f"# {LETTER}")),
    "as a string": lambda cells, k: cells.insert(k + 1, nbformat.v4.new_code_cell(f'"""{LETTER}"""')),
    "as prose in a code cell": lambda cells, k: cells.insert(k + 1, nbformat.v4.new_code_cell(LETTER)),
    "below the question": lambda cells, k: cells[k - 2].update(source=cells[k - 2].source + "\n\n" + LETTER),
    "in the rubric's cell": lambda cells, k: cells[k - 1].update(source=LETTER),
    "at the top": lambda cells, k: cells.insert(1, nbformat.v4.new_markdown_cell(f"{LETTER} {LETTER}")),
}


@pytest.mark.parametrize("place", MISPLACED)
def test_a_written_answer_in_the_wrong_place_is_put_before_the_teacher(place: str) -> None:
    given = understood(nbformat.writes(with_letter(MISPLACED[place])).encode())
    notebook, looks = restore(given, key=KEY, release=RELEASE)
    answer = submissions.cell(notebook, "letter").source
    assert answer.startswith(MOVED) and LETTER in answer
    assert any(look.startswith("'letter' was left alone, and text") for look in looks), looks
    apart = {"letter": "", "cell-40": ""}  # the question's own cell is not locked
    assert sources(notebook) | apart == REPAIRED | apart


def test_work_in_another_variant_is_no_suspicion_of_tampering() -> None:
    notebook = submissions.solved(RELEASE, KEY)
    cell = submissions.cell(notebook, "variant")
    cell.source = cell.source.replace("variant = 1 ", "variant = 4711 ")
    assert "4711" in cell.source
    restored, looks = restore(understood(nbformat.writes(notebook).encode()), key=KEY, release=RELEASE)
    assert sources(restored) == REPAIRED
    assert looks == ["was worked on in another variant, perhaps the open one of the public course: other numbers"]


@pytest.mark.parametrize(
    "change",
    [
        lambda cells, k: None,
        lambda cells, k: cells.insert(k + 1, nbformat.v4.new_code_cell("x = 1  # to try whether this works at all")),
        lambda cells, k: cells.insert(k + 1, nbformat.v4.new_markdown_cell("My work")),
        lambda cells, k: cells.insert(3, nbformat.v4.new_markdown_cell("Notes to myself about this part")),
        lambda cells, k: cells[k].update(source="An answer in its place, however short."),
    ],
)
def test_other_text_is_not_taken_for_a_written_answer(change: Callable) -> None:
    notebook = with_letter(change)
    written = submissions.cell(notebook, "letter").source
    restored, looks = restore(understood(nbformat.writes(notebook).encode()), key=KEY, release=RELEASE)
    assert submissions.cell(restored, "letter").source == written and looks == []


# ---- wrapping and places


def zipped(**files: bytes) -> bytes:
    """Return a zip of files; in their names, two underscores stand for a slash and one dash for a dot."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("-", "."), content)
    return memory.getvalue()


UNTOUCHED = nbformat.writes(RELEASE).encode()
HALF = nbformat.writes(submissions.solved(RELEASE, KEY, 2)).encode()
OTHER = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])).encode()
IPYNB = f"{NAME}.ipynb"
THIRD = nbformat.writes(nbformat.convert(copy.deepcopy(SOLVED), 3)).encode()
LOUD = changed(
    lambda c: json_cell(c, submissions.FIRST).update(
        outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 20_000_000}]
    )
)
# files below submitted/ada: ({path: content}, the file that is taken or "", words of the look or "")
WRAPPED: dict[str, tuple[dict[str, bytes], str, str]] = {
    "as asked": ({f"{NAME}/{IPYNB}": BYTES}, f"{NAME}/{IPYNB}", ""),
    "macOS adds": (
        {f"{NAME}/Untitled.ipynb": BYTES, f"{NAME}/._Untitled.ipynb": b"\0", f"{NAME}/__MACOSX/._1_game.ipynb": b"\0"},
        f"{NAME}/Untitled.ipynb",
        "was handed in as Untitled.ipynb",
    ),
    "checkpoints": (
        {f"{NAME}/{IPYNB}": BYTES, f"{NAME}/.ipynb_checkpoints/1_game-checkpoint.ipynb": UNTOUCHED},
        f"{NAME}/{IPYNB}",
        "",
    ),
    "a zip": ({f"{NAME}/work.zip": zipped(**{IPYNB: BYTES})}, f"{NAME}/work.zip/{IPYNB}", ""),
    "a zip from macOS": (
        {f"{NAME}/work.zip": zipped(**{f"1_game/{IPYNB}": BYTES, f"__MACOSX/1_game/._{IPYNB}": b"\0" * 8})},
        f"{NAME}/work.zip/1_game/{IPYNB}",
        "",
    ),
    "a zip in capitals": ({f"{NAME}/WORK.ZIP": zipped(**{IPYNB: BYTES})}, f"{NAME}/WORK.ZIP/{IPYNB}", ""),
    "a folder too deep": ({f"{NAME}/{NAME}/{IPYNB}": BYTES}, f"{NAME}/{NAME}/{IPYNB}", ""),
    "the untouched one has the name": (
        {f"{NAME}/{IPYNB}": UNTOUCHED, f"{NAME}/1_game-Copy1.ipynb": BYTES},
        f"{NAME}/1_game-Copy1.ipynb",
        "of several notebooks 1_game/1_game-Copy1.ipynb was graded",
    ),
    "a draft beside it": (
        {f"{NAME}/{IPYNB}": BYTES, f"{NAME}/draft.ipynb": HALF},
        f"{NAME}/{IPYNB}",
        "of several notebooks 1_game/1_game.ipynb was graded",
    ),
    "two of other names": (
        {f"{NAME}/draft.ipynb": HALF, f"{NAME}/final.ipynb": BYTES},
        f"{NAME}/final.ipynb",
        "of several notebooks 1_game/final.ipynb was graded",
    ),
    "another notebook beside it": ({f"{NAME}/{IPYNB}": BYTES, f"{NAME}/try.ipynb": OTHER}, f"{NAME}/{IPYNB}", ""),
    "beside the folder": ({IPYNB: BYTES}, IPYNB, f"was found at {IPYNB}, not in the folder {NAME}"),
    "a zip beside the folder": (
        {"all.zip": zipped(**{f"x/{IPYNB}": BYTES})},
        f"all.zip/x/{IPYNB}",
        "was found at all.zip",
    ),
    "the folder in capitals": ({f"1_GAME/{IPYNB}": BYTES}, f"1_GAME/{IPYNB}", f"not in the folder {NAME}"),
    "the folder with a blank": ({f"1 game/{IPYNB}": BYTES}, f"1 game/{IPYNB}", f"not in the folder {NAME}"),
    "the folder fetched twice": ({f"1_game (1)/{IPYNB}": BYTES}, f"1_game (1)/{IPYNB}", f"not in the folder {NAME}"),
    "another folder": ({f"my work/{IPYNB}": BYTES}, f"my work/{IPYNB}", "was found at my work/"),
    "the folder is a file": ({NAME: BYTES}, NAME, "was handed in as 1_game, graded as 1_game.ipynb"),
    "the folder is a file of something else": ({NAME: b"my notes"}, "", "has no"),
    "an empty folder beside the file": ({f"{NAME}/.keep": b"", IPYNB: BYTES}, IPYNB, "was found at"),
    "another assignment's folder": ({f"2_dcgan/{IPYNB}": BYTES}, "", "handed in nothing"),
    "a PDF": ({f"{NAME}/1_game.pdf": b"%PDF"}, "", "is a .pdf, and a notebook, .ipynb, is what is graded"),
    "a page": ({f"{NAME}/1_game.html": b"<html>"}, "", "is a .html"),
    "a PDF with the name": ({f"{NAME}/{IPYNB}": b"%PDF-1.7 my answers"}, "", "cannot be read as a notebook: it is no"),
    "saved as text": ({f"{NAME}/{IPYNB}.txt": BYTES}, f"{NAME}/{IPYNB}.txt", f"was handed in as {IPYNB}.txt"),
    "saved as JSON": ({f"{NAME}/1_game.json": BYTES}, f"{NAME}/1_game.json", "was handed in as 1_game.json"),
    "saved without an ending": ({f"{NAME}/1_game": BYTES}, f"{NAME}/1_game", "was handed in as 1_game,"),
    "a folder with the notebook's name": ({f"{NAME}/{IPYNB}/{IPYNB}": BYTES}, f"{NAME}/{IPYNB}/{IPYNB}", ""),
    "an empty folder with the notebook's name": ({f"{NAME}/{IPYNB}/.keep": b""}, "", "has no 1_game.ipynb"),
    "notes beside it": ({f"{NAME}/{IPYNB}": BYTES, f"{NAME}/notes.txt": b"my notes"}, f"{NAME}/{IPYNB}", ""),
    "a time stamp alone": ({f"{NAME}/timestamp.txt": b"2026-11-10 08:30 UTC"}, "", "has no 1_game.ipynb"),
    "the third format": ({f"{NAME}/{IPYNB}": THIRD}, f"{NAME}/{IPYNB}", ""),
    "20 MB of output": ({f"{NAME}/{IPYNB}": LOUD}, f"{NAME}/{IPYNB}", ""),
    "a zip, damaged beside the notebook": (
        {f"{NAME}/work.zip": zipped(**{IPYNB: BYTES, "data.csv": b"1,2,3" * 50}).replace(b"1,2,3" * 50, b"1,2,4" * 50)},
        f"{NAME}/work.zip/{IPYNB}",
        "",
    ),
    "half a file": ({f"{NAME}/{IPYNB}": BYTES[:5000]}, "", "is cut off or damaged"),
    "half a file and a whole one": (
        {f"{NAME}/{IPYNB}": BYTES[:5000], f"{NAME}/1_game (1).ipynb": BYTES},
        f"{NAME}/1_game (1).ipynb",
        "was handed in as",
    ),
    "a broken zip": ({f"{NAME}/work.zip": b"PK\3\4 not a zip"}, "", "cannot be unpacked"),
    "nothing in the zip": ({f"{NAME}/work.zip": zipped(readme=b"x")}, "", "has no 1_game.ipynb"),
    "a notebook of another kind": ({f"{NAME}/thesis.ipynb": OTHER}, "", "no cell of this assignment is in it"),
    "an empty file": ({f"{NAME}/{IPYNB}": b""}, "", "it is empty"),
    "a nasty zip": (
        {f"{NAME}/work.zip": zipped(**{f"../../{IPYNB}": OTHER, f"/{IPYNB}": OTHER, f"ok/{IPYNB}": BYTES})},
        f"{NAME}/work.zip/ok/{IPYNB}",
        "",
    ),
}


def collected(tmp_path: Path, files: dict[str, bytes]) -> HandIn:
    home = tmp_path / "submitted" / "ada"
    home.mkdir(parents=True)
    for path, content in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    return collect(home, NAME, RELEASE, place=tmp_path / "unpacked", others=OTHERS)


@pytest.mark.parametrize("kind", WRAPPED)
def test_the_notebook_is_taken_out_of_its_wrapping(kind: str, tmp_path: Path) -> None:
    files, wanted, words = WRAPPED[kind]
    hand_in = collected(tmp_path, files)
    assert hand_in.file == wanted and (hand_in.notebook is not None) == bool(wanted)
    said = "; ".join(hand_in.remarks)
    assert words in said and bool(words) == bool(said), said
    staged = stage(hand_in, "ada", tmp_path / "staged" / NAME, key=KEY, release=RELEASE)
    if wanted:
        assert sources(staged.notebook) == REPAIRED
    assert {path.name for path in tmp_path.iterdir()} <= {"submitted", "unpacked", "staged"}


def test_what_was_not_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    files = {f"{NAME}/{IPYNB}": BYTES, IPYNB: HALF, f"{NAME}/draft.ipynb": HALF, f"{NAME}/old.ipynb": BYTES[:99]}
    unused = dict(collected(tmp_path, files).unused)
    assert set(unused) == {IPYNB, f"{NAME}/draft.ipynb", f"{NAME}/old.ipynb"}
    assert "lies beside what was graded" in unused[IPYNB] and "cut off" in unused[f"{NAME}/old.ipynb"]


def test_files_beside_the_notebook_come_along_and_links_do_not(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_text("marks")
    home = tmp_path / "submitted" / "ada" / NAME
    (home / "data").mkdir(parents=True)
    (home / "data" / "x.csv").write_text("1")
    (home / IPYNB).write_bytes(BYTES)
    os.symlink(tmp_path / "gradebook.db", home / "notes.txt")
    os.symlink(tmp_path, home / "folder")
    hand_in = collect(home.parent, NAME, RELEASE, place=tmp_path / "unpacked", others=OTHERS)
    assert set(hand_in.extras) == {"data/x.csv"}
    assert sorted(hand_in.remarks) == ["links to another place: folder", "links to another place: notes.txt"]


def stamped(tmp_path: Path, files: dict[str, bytes]) -> tuple[str, list[str]]:
    """Return the time stamp that nbgrader will read, "" for none, and what needs a look."""
    staged = stage(collected(tmp_path, files), "ada", tmp_path / "staged" / NAME, key=KEY, release=RELEASE)
    file = staged.folder / TIMESTAMP
    return file.read_text(encoding="utf-8") if file.is_file() else "", staged.remarks


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-10 08:30:00 UTC", "2026-11-10 08:30:00 UTC"),
        ("\ufeff2026-11-10 08:30:00.123456 UTC\r\n", "2026-11-10 08:30:00 UTC"),
        ("2026-11-10 08:30:00 Europe/Paris", "2026-11-10 07:30:00 UTC"),
        ("2026-11-10T08:30:00+05:30", "2026-11-10 03:00:00 UTC"),
        ("2026-11-10 08:30Z", "2026-11-10 08:30:00 UTC"),
        ("2026-03-29 02:30:00 Europe/Paris", "2026-03-29 01:30:00 UTC"),  # an hour that clocks leap over
        ("10.11.2026 8:30 UTC", "2026-11-10 08:30:00 UTC"),  # nbgrader would read October
        ("11/10/2026 08:30", ""),  # it may be October
        ("America", ""),
        ("2026-11-10 08:30:00 America", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_a_time_stamp_is_written_as_it_cannot_be_misread(text: str, wanted: str, tmp_path: Path) -> None:
    files = {f"{NAME}/{IPYNB}": BYTES, f"{NAME}/{TIMESTAMP}": text.encode()}
    found, looks = stamped(tmp_path, files)
    assert found == wanted and bool(looks) != bool(wanted)
    assert wanted or looks[0].startswith(f"timestamp.txt holds {text!r}, expected a time such as")


def test_a_time_stamp_is_taken_from_where_platforms_write_it_and_from_no_student(tmp_path: Path) -> None:
    early, late = b"2026-11-01 08:00:00 UTC", b"2026-11-10 08:00:00 UTC"
    mine = {f"{NAME}/work.zip": zipped(**{IPYNB: BYTES, TIMESTAMP: early}), f"{NAME}/a/{TIMESTAMP}": early}
    assert stamped(tmp_path / "a", mine) == ("", [])
    assert stamped(tmp_path / "b", mine | {f"{NAME}/{TIMESTAMP}": late})[0] == late.decode()
    assert stamped(tmp_path / "c", {IPYNB: BYTES, TIMESTAMP: late})[0] == late.decode(), "beside the folder"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_are_no_utf_8_can_be_written_into_the_table(tmp_path: Path) -> None:
    home = tmp_path / "submitted" / "ada" / NAME
    home.mkdir(parents=True)
    (home / IPYNB).write_bytes(BYTES)
    for name in (b"Zo\xeb.ipynb", b"Zo\xeb.csv"):
        (home / os.fsdecode(name)).write_bytes(b"1")
    os.symlink(home / IPYNB, home / os.fsdecode(b"\xfc.txt"))
    hand_in = collect(home.parent, NAME, RELEASE, place=tmp_path / "unpacked", others=OTHERS)
    staged = stage(hand_in, "ada", tmp_path / "staged" / NAME, key=KEY, release=RELEASE)
    assert sources(staged.notebook) == REPAIRED and (staged.folder / "Zo\ufffd.csv").read_bytes() == b"1"
    said = json.dumps([hand_in.file, staged.remarks, hand_in.unused, list(hand_in.extras)], ensure_ascii=False)
    assert "\ufffd.ipynb" in said and said.encode("utf-8")


def test_a_file_that_cannot_be_copied_costs_itself_alone(tmp_path: Path) -> None:
    hand_in = collected(tmp_path, {f"{NAME}/{IPYNB}": BYTES, f"{NAME}/data.csv": b"1"})
    hand_in.extras["gone.csv"] = tmp_path / "nowhere"
    staged = stage(hand_in, "ada", tmp_path / "staged" / NAME, key=KEY, release=RELEASE)
    assert sources(staged.notebook) == REPAIRED and (staged.folder / "data.csv").read_bytes() == b"1"
    assert staged.remarks == ["gone.csv, beside the notebook, could not be read: No such file or directory"]


def test_what_a_zip_holds_and_is_not_used_is_named(tmp_path: Path) -> None:
    good, bad = b"all is well" * 20, b"all is lost" * 20
    for packing in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", packing) as archive, pytest.warns(UserWarning, match="Duplicate"):
            for name, content in {"../out.txt": good, "C:/out.txt": good, "/out.txt": good, "damaged.txt": bad}.items():
                archive.writestr(name, content)
            archive.writestr("twice.txt", good)
            archive.writestr("twice.txt", good)
            start = archive.getinfo("damaged.txt").header_offset + 30 + len("damaged.txt")
        content = bytearray(memory.getvalue())
        content[start : start + 4] = b"\xff\xff\xff\xff"
        (tmp_path / "x.zip").write_bytes(content)
        unused = dict(unpack(tmp_path / "x.zip", tmp_path / str(packing)))
        assert [path.name for path in (tmp_path / str(packing)).rglob("*")] == ["twice.txt"]
        assert set(unused) == {"../out.txt", "C:/out.txt", "/out.txt", "damaged.txt", "twice.txt"}
        assert unused["../out.txt"] == "its path leads out of the zip" and "the first was taken" in unused["twice.txt"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp850", "cp1252"])
def test_names_in_a_zip_that_does_not_say_how_they_are_written(encoding: str, tmp_path: Path) -> None:
    name = "Zoë Müller.txt"
    written, stand_in = name.encode(encoding), "X" * len(name.encode(encoding))
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(stand_in, "here")
    (tmp_path / "x.zip").write_bytes(memory.getvalue().replace(stand_in.encode(), written))
    assert unpack(tmp_path / "x.zip", tmp_path / "out") == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


@pytest.mark.parametrize("code", ["x = " + "-" * 100_000 + "1", "x = y" + ".a" * 100_000, "x = 1\0", "'\\d'"])
@pytest.mark.filterwarnings("error")
def test_code_that_python_gives_up_on_costs_its_cell_alone(code: str) -> None:
    notebook = submissions.solved(RELEASE, KEY)
    notebook.cells.insert(7, nbformat.v4.new_code_cell(code))
    restored, looks = restore(understood(nbformat.writes(notebook).encode()), key=KEY, release=RELEASE)
    assert sources(restored) == REPAIRED and looks == []
    assert suspicions(restored) == []
    assert similarity.unusual_pairs({"ada": notebook, "ben": SOLVED}, RELEASE)[1] > 0


def test_a_student_without_a_folder_handed_in_nothing(tmp_path: Path) -> None:
    hand_in = collect(tmp_path / "nobody", NAME, RELEASE, place=tmp_path / "unpacked", others=OTHERS)
    assert hand_in.remarks == ["handed in nothing"] and hand_in.notebook is None
