"""How a lesson is built: checks from a notebook to complaints; test_lesson_style_rejects.py shows each can fail."""

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lessons
import nbformat
import nbformat.v4 as v4
import pytest
from nbformat import NotebookNode

Check = Callable[[NotebookNode], list[str]]

BEATS = ("goal", "setup", "predict", "derive", "verify", "run", "look", "touch", "exercise", "check", "recap")
PARAMETERS = """\
speed = "auto"  # "smoke" (seconds), "class" (minutes), "full" (homework or a GPU)
seed = 0
device = "auto"  # "cpu", "cuda", "mps"; "auto" takes the best present"""
SETUP = """\
import matplotlib.pyplot as plt
import numpy as np
import torch

from ganlab import data, losses, metrics, models, plots, probability
from ganlab import runtime, toys, train, widgets

lab = runtime.start(speed, seed, device)
lab"""
TIME = re.compile(r"^\*\*Time:\*\* about (\d+) minutes? on two CPU cores\.", re.MULTILINE)
README_ROW = re.compile(
    r"^\|\s*\d\d[a-z]?\s*\|.*\]\(notebooks/(\d\d[a-z]?_\w+)\.ipynb\).*?\|\s*(\d+) min\s*\|", re.MULTILINE
)
EXERCISE = re.compile(
    r"^### Exercise (\d\d[a-z]?\.\d+): [A-Z].*\n\n\*Difficulty [1-5] of 5, about \d+ minutes\.\*\n\n", re.MULTILINE
)
LINES, COLUMNS, BYTES = 30, 88, 2_500_000
ALL_BYTES = 25_000_000  # of all lessons together
WIDEST = 960  # pixels of a figure on the page: 9.6 inches
ICONS = re.compile(r"(?i)\bicons?\b")
ICON_NOTICE = "OpenMoji, CC BY-SA 4.0"
ALT = range(20, 501)  # characters: long enough to say something, short enough to listen to
DRAWN = r"plot|semilogy|loglog|hist|bar|barh|errorbar|scatter|fill_between|imshow|curves|density|points|surface|arrows"
CHART = re.compile(rf"\.(?:{DRAWN})\(")  # in a painting cell
SHEET = re.compile(r"\b(?:image_grid|filmstrip)\(")  # of images: who hears it misses no numbers
WITHOUT_TABLE = {  # figures that are charts and need no table
    "their numbers are printed beside them": ("1b.1 3.2 3c.5 4.4 4b.3 4c.3 8b.2 10b.2 12.5 16b.2 16c.1 17b.3 17c.1"),
    "they hold more than 60 numbers": (
        "1.1 1.2 1.3 1.4 1b.2 1c.1 1c.3 1c.4 2.1 2.2 2.3 2.5 2b.1 3b.2 3b.3 3c.2 4.1 4.2 4.3 4b.1 4b.2 4c.1 4c.2 4d.2 "
        "5.1 5.3 5b.1 5b.2 5b.3 5c.1 5c.2 5c.3 5d.2 6b.2 6c.1 6c.2 7b.1 7c.1 8.3 9.2 9c.2 9d.1 10c.1 10c.2 11.3 11b.1 "
        "12.3 12c.4 13b.1 14b.3 15.1 16.2 16.3 16b.1 17.2 17b.1 17b.2"
    ),
}


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def headings(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Return (level, text) of every heading outside fenced code."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return [(len(marks), title) for marks, title in re.findall(r"^(#{1,6}) +(.+)$", text, flags=re.MULTILINE)]


def beats(notebook: NotebookNode) -> list[str]:
    """Return the beats that the level-2 headings name: "## Run and look · ..." names two."""
    found = []
    for level, title in headings(notebook):
        for word in re.findall(r"\w+", title.lower()) if level == 2 else []:
            if word in BEATS:
                found.append(word)
            elif word != "and":
                break
    return found


def beats_are_present_and_in_order(notebook: NotebookNode) -> list[str]:
    first_met = tuple(dict.fromkeys(beats(notebook)))
    return [] if first_met == BEATS else [f"beats, by first appearance, are {first_met}, expected {BEATS}"]


def headings_are_nested(notebook: NotebookNode) -> list[str]:
    levels = [level for level, _ in headings(notebook)]
    skipped = [
        title for (level, title), before in zip(headings(notebook), [0, *levels], strict=False) if level > before + 1
    ]
    return [f"heading {title!r} skips a level" for title in skipped] + (
        [] if levels.count(1) == 1 and levels[0] == 1 else ["there must be one level-1 heading, and it comes first"]
    )


def first_cells_are_uniform(notebook: NotebookNode) -> list[str]:
    code = lessons.code_cells(notebook)
    complaints = [
        f"there must be one cell tagged {tag!r}"
        for tag in ("parameters", "setup")
        if sum(tag in tags(cell) for cell in code) != 1
    ]
    for cell, tag, text in zip(code, ("parameters", "setup"), (PARAMETERS, SETUP), strict=False):
        if tag not in tags(cell) or cell.source != text:
            complaints.append(f"the {tag} cell is not the one that all lessons share: {cell.source!r}")
    return complaints


def goal_states_the_minutes(notebook: NotebookNode) -> list[str]:
    return [] if stated_minutes(notebook) else ["Goal has no line `**Time:** about N minutes on two CPU cores.`"]


def stated_minutes(notebook: NotebookNode) -> int | None:
    found = TIME.findall("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))
    return int(found[0]) if len(found) == 1 else None


def laid_down(cell: NotebookNode) -> bool:
    """Return whether all lessons share the cell's text."""
    return bool({"parameters", "setup"} & set(tags(cell)))


def figures(cell: NotebookNode) -> list[lessons.Figure]:
    return list(filter(None, map(lessons.figure, cell.outputs)))


def figures_have_alternative_text(notebook: NotebookNode) -> list[str]:
    alts = [figure.alt for cell in lessons.code_cells(notebook) for figure in figures(cell)]
    return [
        f"a figure's alternative text has {len(alt)} characters, not {ALT}: {alt!r}"
        for alt in alts
        if len(alt) not in ALT
    ]


def figures_have_captions_in_order_and_are_not_too_wide(notebook: NotebookNode) -> list[str]:
    """Each figure of a lesson has a caption, counted from 1; none is wider than a page."""
    all_figures = [figure for cell in lessons.code_cells(notebook) for figure in figures(cell)]
    number = dict(headings(notebook)[:1]).get(1, "").split(" ")[0].removeprefix("0")
    complaints = []
    for k, figure in enumerate(all_figures, start=1):
        if not figure.caption.startswith(f"<b>Figure {number}.{k}.</b> "):
            complaints.append(f"figure {k} has the caption {figure.caption!r}, expected Figure {number}.{k}.")
        if figure.width > WIDEST:
            complaints.append(f"figure {k} is {figure.width} pixels wide, {WIDEST} are allowed")
    return complaints


def shown(figure: lessons.Figure) -> str:
    """Return the figure's number: "4b.2"."""
    return figure.caption.removeprefix("<b>Figure ").split(".</b>")[0]


def charts_without_numbers(notebook: NotebookNode) -> list[str]:
    """Return the numbers of the figures that have no `numbers` and are more than sheets of images."""
    return [
        shown(figure)
        for cell in lessons.code_cells(notebook)
        for figure in figures(cell)
        if not figure.numbers and (CHART.search(cell.source) or not SHEET.search(cell.source))
    ]


def charts_have_their_numbers_as_a_table(notebook: NotebookNode) -> list[str]:
    """Who hears a chart reaches its numbers: `plots.show(..., numbers=...)`, unless WITHOUT_TABLE says why not.

    How many numbers a chart holds, its code does not tell: WITHOUT_TABLE names those of more than 60.
    """
    excused = " ".join(WITHOUT_TABLE.values()).split()
    return [
        f"Figure {number} is a chart and has no `numbers` and no reason in WITHOUT_TABLE"
        for number in charts_without_numbers(notebook)
        if number not in excused
    ]


def figures_of_icons_name_their_licence(notebook: NotebookNode) -> list[str]:
    """A figure whose code or words speak of icons says in its caption whose they are: their licence asks for it."""
    shown = [(cell, figure) for cell in lessons.code_cells(notebook) for figure in figures(cell)]
    return [
        f"icons are shown, and the caption does not say {ICON_NOTICE!r}: {figure.caption!r}"
        for cell, figure in shown
        if ICONS.search(" ".join([cell.source, figure.alt, figure.caption])) and ICON_NOTICE not in figure.caption
    ]


def code_cells_are_short_and_in_sight(notebook: NotebookNode) -> list[str]:
    complaints = []
    in_a_row = 0
    for cell in notebook.cells:
        in_a_row = in_a_row + 1 if cell.cell_type == "code" else 0
        first = cell.source[:40]
        if in_a_row == 3:
            complaints.append(f"a third code cell in a row: {first!r}")
        hidden = [key for key in cell.metadata if "hid" in key or key == "collapsed"]
        hidden += [key for key in cell.metadata.get("jupyter", {}) if not lessons.is_folded(cell)]
        hidden += [tag for tag in tags(cell) if re.match("hide|remove", tag)]
        complaints += [f"hidden by {name!r}: {first!r}" for name in hidden]
        if cell.cell_type != "code":
            continue
        lines = cell.source.splitlines()
        if not cell.source.strip():
            complaints.append("an empty code cell")
        if len(lines) > LINES:
            complaints.append(f"{len(lines)} lines, {LINES} are allowed: {first!r}")
        complaints += [f"longer than {COLUMNS} characters: {line!r}" for line in lines if len(line) > COLUMNS]
    return complaints


def code_is_formatted_for_narrow_lines(notebook: NotebookNode) -> list[str]:
    """`make lint` leaves the lessons out: it would join again what fits into the 120 columns of the package."""
    cells = [v4.new_code_cell(cell.source) for cell in lessons.code_cells(notebook) if not laid_down(cell)]
    ruff = (
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--diff",
        f"--line-length={COLUMNS}",
        "--stdin-filename=x.ipynb",
        "-",
    )
    done = subprocess.run(ruff, input=nbformat.writes(v4.new_notebook(cells=cells)), capture_output=True, text=True)
    return [done.stdout + done.stderr] if done.returncode else []


def printed_lines_fit_a_narrow_window(notebook: NotebookNode) -> list[str]:
    outputs = [output for cell in lessons.code_cells(notebook) for output in cell.outputs]
    lines = [line for out in outputs if out.output_type == "stream" for line in out.text.splitlines()]
    return [f"printed, longer than {COLUMNS} characters: {line!r}" for line in lines if len(line) > COLUMNS]


def nothing_prints_a_raw_dict(notebook: NotebookNode) -> list[str]:
    """What a cell prints is words and tables for a reader, not how Python writes an object."""
    outputs = [output for cell in lessons.code_cells(notebook) for output in cell.outputs]
    texts = [
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in outputs
        if "text/html" not in output.get("data", {})
    ]
    lines = [line for text in texts for line in text.splitlines()]
    return [f"a raw dict or set is printed: {line!r}" for line in lines if re.search(r"\{['\"(\d]|\btensor\(", line)]


def colours_are_the_palette_s(notebook: NotebookNode) -> list[str]:
    """test_plots.py holds the palette's contrast and that its colours differ for every eye; of others nobody knows.

    The steps of a colour map, whose values stand in a bar beside it, are free.
    """
    code = [re.sub(r"\.from_list\([^)]*\)", "", cell.source) for cell in lessons.code_cells(notebook)]
    own = [
        colour for source in code for colour in re.findall(r"[\"'](#[0-9a-fA-F]{3,8}|(?:tab|xkcd):[\w ]+)[\"']", source)
    ]
    return [f"a colour outside plots.REAL, FAKE, OTHER and INK: {colour}" for colour in own]


def progress_has_one_look(notebook: NotebookNode) -> list[str]:
    """A bar of tqdm's own is pink in a notebook; `runtime.progress` is a line of text."""
    own = [cell.source for cell in lessons.code_cells(notebook) if re.search(r"\btqdm\b|\btrange\b", cell.source)]
    return [f"a progress bar is `runtime.progress`, not tqdm's: {source[:60]!r}" for source in own]


def folds_have_plain_titles(notebook: NotebookNode) -> list[str]:
    """A formula in a fold's title stays raw TeX in the book."""
    titles = (t for c in notebook.cells for t in re.findall("<summary>(.*?)</summary>", c.source, re.DOTALL))
    return [f"a formula in a fold's title: {title!r}" for title in titles if "$" in title]


# What a lesson is about: it proves, prints or trains something, or makes something that is named.
SUBJECT = re.compile(r"^\s*assert\b|\bprint\(|\.backward\(|\bfit_\w+\(|^\s*(?:def|class) ", re.MULTILINE)


def only_what_paints_is_folded(notebook: NotebookNode) -> list[str]:
    """A folded cell shows a figure and does nothing that a lesson is about; every such cell is folded."""
    complaints = []
    for cell in notebook.cells:
        first = cell.source[:40]
        if not lessons.is_folded(cell):
            if cell.cell_type == "code" and "plots.show(" in cell.source and not SUBJECT.search(cell.source):
                complaints.append(f"paints and does nothing else, and is not folded: {first!r}")
            continue
        if cell.cell_type != "code" or "plots.show(" not in cell.source:
            complaints.append(f"folded, but it paints no figure: {first!r}")
        subject = SUBJECT.findall(cell.source)
        complaints += [f"folded, though it does more than paint ({word.strip()}): {first!r}" for word in subject]
    return complaints


def one_thread_at_a_time_draws(notebook: NotebookNode) -> list[str]:
    """JupyterLab hears two sliders on two threads; when both draw into one figure, it stays dead."""
    complaints = []
    for cell in lessons.code_cells(notebook):
        for name in set(re.findall(r"\.observe\((\w+)", cell.source)):
            if not re.search(rf"^@widgets\.Latest\b.*\ndef {name}\(\):", cell.source, re.MULTILINE):
                complaints.append(f"{name} observes controls, and is no function under @widgets.Latest")
    return complaints


def cells_ran_once_in_order(notebook: NotebookNode) -> list[str]:
    counts = [cell.execution_count for cell in lessons.code_cells(notebook)]
    in_order = counts == list(range(1, len(counts) + 1))
    return [] if in_order else [f"execution counts are {counts}: run `make refresh`"]


def no_stored_error(notebook: NotebookNode) -> list[str]:
    outputs = [output for cell in lessons.code_cells(notebook) for output in cell.outputs]
    pink = [out.text for out in outputs if out.output_type == "stream" and out.name == "stderr"]
    complaints = [f"stored on the pink of stderr: {text[:60]!r}" for text in pink]
    return complaints + [f"a stored {output.ename}" for output in outputs if output.output_type == "error"]


def ticks_have_the_course_s_size(notebook: NotebookNode) -> list[str]:
    """`runtime.style.STYLE` has a size for numbers at axes that is readable in a narrow window; no cell has another."""
    own = re.compile(r"(?:tick_params|set_[xy]tick\w*|[xy]ticks)\([^)]*(?:label|font)?size=|tick\.labelsize")
    return [
        f"ticks of a size of their own: {found[0]!r}"
        for cell in lessons.code_cells(notebook)
        for found in own.finditer(cell.source)
    ]


def outputs_are_fresh(notebook: NotebookNode) -> list[str]:
    stored = notebook.metadata.get("ganlab", {}).get("executed_sources")
    fresh = stored == lessons.source_hash(notebook)
    return [] if fresh else ["the code changed after its outputs were stored: run `make refresh`"]


def stored_as_refresh_stores(notebook: NotebookNode) -> list[str]:
    tidy = lessons.normalise(copy.deepcopy(notebook))
    return [] if tidy == notebook else ["metadata or outputs are not as `make refresh` stores them"]


def kernel_is_named(notebook: NotebookNode) -> list[str]:
    same = notebook.metadata.get("kernelspec") == lessons.KERNEL
    return [] if same else [f"kernelspec must be {lessons.KERNEL}, or JupyterLab opens with a dialog"]


def outputs_name_no_folder_of_a_machine(notebook: NotebookNode) -> list[str]:
    return [f"an output names a folder of a machine: {line!r}" for line in lessons.machine_paths(notebook)]


def marked_cells_have_text_to_compare(notebook: NotebookNode) -> list[str]:
    marked = [cell for cell in lessons.code_cells(notebook) if lessons.is_compared(cell)]
    complaints = [] if marked else [f"no cell has the tag {lessons.MARK_TAG}: nbval has nothing to compare"]
    commented = [cell for cell in lessons.code_cells(notebook) if "# NBVAL" in cell.source]
    complaints += [f"a mark for nbval is a tag, no comment: {cell.source[:60]!r}" for cell in commented]
    for cell in marked:
        if not any(output.get("text") or "text/plain" in output.get("data", {}) for output in cell.outputs):
            complaints.append(f"marked, but there is no text to compare: {cell.source[:60]!r}")
        if figures(cell):  # its pixels are compared as well
            complaints.append(f"marked, but there is a figure, which no other machine paints: {cell.source[:60]!r}")
    return complaints


def exercises_are_checked_at_once(notebook: NotebookNode) -> list[str]:
    number = dict(headings(notebook)[:1]).get(1, "").split(" ")[0]
    code = lessons.code_cells(notebook)
    stubs = [(k, cell) for k, cell in enumerate(code) if "exercise" in tags(cell)]
    names = [cell.metadata.get("ganlab", {}).get("exercise") for _, cell in stubs]
    expected = [f"{number}.{k}" for k in range(1, len(names) + 1)]
    complaints = [] if names and names == expected else [f"exercises are {names}, expected {expected} and one at least"]
    for (k, _), name in zip(stubs, names, strict=True):
        # it imports what judges: a learner who has not run the setup cell is then told to, by the verdict
        if not "".join(cell.source for cell in code[k + 1 : k + 2]).startswith(
            f'from ganlab import check\n\ncheck.answer("{name}", '
        ):
            complaints.append(
                f'the cell after exercise {name} is not `from ganlab import check`, check.answer("{name}"'
            )
    return complaints


def exercises_have_headings_of_one_kind(notebook: NotebookNode) -> list[str]:
    stubs = [cell.metadata.get("ganlab", {}).get("exercise") for cell in lessons.code_cells(notebook)]
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    given, expected = EXERCISE.findall(text), [name for name in stubs if name]
    return (
        [] if given == expected else [f"`### Exercise NN.k: Title` and its line are given for {given}, not {expected}"]
    )


CHECKS: list[Check] = [
    beats_are_present_and_in_order,
    headings_are_nested,
    first_cells_are_uniform,
    goal_states_the_minutes,
    figures_have_alternative_text,
    figures_have_captions_in_order_and_are_not_too_wide,
    charts_have_their_numbers_as_a_table,
    figures_of_icons_name_their_licence,
    code_cells_are_short_and_in_sight,
    code_is_formatted_for_narrow_lines,
    printed_lines_fit_a_narrow_window,
    nothing_prints_a_raw_dict,
    progress_has_one_look,
    colours_are_the_palette_s,
    ticks_have_the_course_s_size,
    folds_have_plain_titles,
    only_what_paints_is_folded,
    one_thread_at_a_time_draws,
    cells_ran_once_in_order,
    no_stored_error,
    outputs_are_fresh,
    stored_as_refresh_stores,
    kernel_is_named,
    outputs_name_no_folder_of_a_machine,
    marked_cells_have_text_to_compare,
    exercises_are_checked_at_once,
    exercises_have_headings_of_one_kind,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda path: path.stem)
def test_lesson(lesson: Path, check: Check) -> None:
    complaints = check(lessons.read(lesson))
    assert not complaints, "\n".join([lesson.name, *complaints])


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda path: path.stem)
def test_lesson_file_is_light_and_named_after_its_number(lesson: Path) -> None:
    assert lesson.stat().st_size <= BYTES
    assert dict(headings(lessons.read(lesson))[:1])[1].startswith(f"{lessons.number(lesson)} · ")


def test_each_reason_for_no_table_has_its_chart() -> None:
    without = {number for path in lessons.lessons() for number in charts_without_numbers(lessons.read(path))}
    excused = " ".join(WITHOUT_TABLE.values()).split()
    assert sorted(excused) == sorted(without)


def readme_minutes(readme: str) -> dict[str, int]:
    """Return the minutes of each lesson that the README's table links."""
    return {stem: int(minutes) for stem, minutes in README_ROW.findall(readme)}


def test_readme_states_the_minutes_of_the_lessons() -> None:
    readme = (lessons.ROOT / "README.md").read_text(encoding="utf-8")
    assert readme_minutes(readme) == {path.stem: stated_minutes(lessons.read(path)) for path in lessons.lessons()}


def test_all_lessons_together_are_small() -> None:
    assert sum(path.stat().st_size for path in lessons.lessons()) <= ALL_BYTES
