"""The checks of test_lesson_style.py pass a good sample and reject one broken in exactly the way each looks for."""

from collections.abc import Callable

import lessons
import nbformat.v4 as v4
import pytest
import test_lesson_style as style
from nbformat import NotebookNode

ALT = "Two curves: real in blue, generated in orange."
TABLE = "<details><summary>The numbers</summary></details>"
FIGURE = (
    f'<figure class="ganlab-figure"><div><img alt="{ALT}" src="data:image/webp;base64,iVBORw0KGgo=" width="960" '
    f'height="300"></div><figcaption><b>Figure 7.1.</b> Two curves.</figcaption>{TABLE}</figure>'
)
BARE_REDRAW = 'def redraw(change):\n    picture.paint()\n\n\nknob.observe(redraw, names="value")'
DIFFICULTY = "*Difficulty 2 of 5, about 10 minutes.*"


def good_sample() -> NotebookNode:
    """Return a small lesson, as if executed and refreshed, that every check accepts."""
    figure = [v4.new_output("display_data", data={"text/html": FIGURE, "text/plain": "Two curves."})]
    text = [v4.new_output("stream", name="stdout", text="2\n")]
    live = v4.new_output("display_data", data={lessons.WIDGET: {"model_id": "1"}, "text/plain": "VBox()"})
    widget = [live, v4.new_output("display_data", data={"text/html": f'<figure class="{lessons.STILL}"></figure>'})]
    markdown, code = v4.new_markdown_cell, v4.new_code_cell
    stub = {"tags": ["exercise"], "ganlab": {"exercise": "07.1"}}
    cells = [
        markdown("# 07 · Sample\n\n## Goal\n\n**Time:** about 3 minutes on two CPU cores.\n\n## Setup"),
        code(style.PARAMETERS, metadata={"tags": ["parameters"]}),
        code(style.SETUP, metadata={"tags": ["setup"]}),
        markdown("## Predict\n\n```python\n# not a heading\n```\n\n## Derive\n\n### A step\n\n## Verify"),
        code("print(1 + 1)", outputs=text, metadata={"tags": [lessons.MARK_TAG]}),
        markdown("## Run and look · curves\n\n## Touch"),
        code("widgets.Panel([])", outputs=widget),
        code("plots.show(figure)", outputs=figure, metadata={"jupyter": {"source_hidden": True}}),
        markdown(f"## Exercise and check\n\n### Exercise 07.1: One\n\n{DIFFICULTY}\n\nReturn x."),
        code("def f(x):\n    return ...", metadata=stub),
        code('from ganlab import check\n\ncheck.answer("07.1", f)', outputs=text),
        markdown("## Recap"),
    ]
    notebook = lessons.normalise(v4.new_notebook(cells=cells))
    for count, cell in enumerate(lessons.code_cells(notebook), start=1):
        cell.execution_count = count
    notebook.metadata["ganlab"] = NotebookNode(executed_sources=lessons.source_hash(notebook))
    return notebook


def code(notebook: NotebookNode, number: int) -> NotebookNode:
    return lessons.code_cells(notebook)[number - 1]


def replace(old: str, new: str) -> Callable[[NotebookNode], None]:
    """Return a breaker that replaces text wherever it stands in the cells."""

    def breaker(notebook: NotebookNode) -> None:
        assert any(old in cell.source for cell in notebook.cells)
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new)

    return breaker


def fbare_picture(line: str) -> Callable[[NotebookNode], None]:
    """Return a breaker that puts a line above the figure's own and folds the cell."""

    def breaker(notebook: NotebookNode) -> None:
        cell = code(notebook, 5)
        cell.metadata.update(jupyter=NotebookNode(source_hidden=True))
        cell.source = f"{line}\n{cell.source}"

    return breaker


def in_figure(old: str, new: str) -> Callable[[NotebookNode], None]:
    """Return a breaker that replaces text in the figure's HTML."""

    def breaker(notebook: NotebookNode) -> None:
        data = code(notebook, 5).outputs[0].data
        assert old in data["text/html"]
        data["text/html"] = data["text/html"].replace(old, new)

    return breaker


def beside_images(notebook: NotebookNode) -> None:
    """Draw lines beside a sheet of images, without a table."""
    in_figure(TABLE, "")(notebook)
    replace("plots.show(figure)", "plots.image_grid(left, x)\nright.plot(x, y)\nplots.show(figure)")(notebook)


def bare_picture(notebook: NotebookNode, alt: str) -> None:
    """Add a figure that went out as a bare picture, without a caption."""
    data, facts = {"image/png": "iVBORw0KGgo="}, {"image/png": {"alt": alt, "width": 960}}
    code(notebook, 5).outputs.append(v4.new_output("display_data", data, metadata=facts))


BROKEN: list[tuple[style.Check, str, Callable[[NotebookNode], None]]] = [
    (style.beats_are_present_and_in_order, "a beat is missing", replace("## Touch", "")),
    (style.beats_are_present_and_in_order, "beats swapped", replace("Run and look", "Look and run")),
    (style.headings_are_nested, "a skipped level", replace("### A step", "#### A step")),
    (style.headings_are_nested, "two titles", replace("## Recap", "# Recap")),
    (style.first_cells_are_uniform, "another parameter", replace("seed = 0", "seed = 0\nepochs = 3")),
    (style.first_cells_are_uniform, "another setup", replace("import numpy as np", "import numpy")),
    (
        style.first_cells_are_uniform,
        "two parameters cells",
        lambda nb: code(nb, 4).metadata.update(tags=["parameters"]),
    ),
    (style.first_cells_are_uniform, "no setup tag", lambda nb: code(nb, 2).metadata.update(tags=[])),
    (style.goal_states_the_minutes, "no time", replace("**Time:** about 3", "**Time:** some")),
    (style.figures_have_alternative_text, "no alt", in_figure(ALT, "")),
    (style.figures_have_alternative_text, "empty words", in_figure(ALT, "plot")),
    (style.figures_have_alternative_text, "a bare picture", lambda nb: bare_picture(nb, "plot")),
    (style.figures_have_captions_in_order_and_are_not_too_wide, "another number", in_figure("7.1", "7.2")),
    (style.figures_have_captions_in_order_and_are_not_too_wide, "another lesson", in_figure("7.1", "6.1")),
    (style.figures_have_captions_in_order_and_are_not_too_wide, "too wide", in_figure('"960"', '"961"')),
    (style.figures_have_captions_in_order_and_are_not_too_wide, "one has none", lambda nb: bare_picture(nb, ALT)),
    (style.charts_have_their_numbers_as_a_table, "a chart without numbers", in_figure(TABLE, "")),
    (style.charts_have_their_numbers_as_a_table, "a chart beside images", beside_images),
    (style.figures_of_icons_name_their_licence, "icons of nobody", in_figure(ALT, f"{ALT} And an icon.")),
    (style.code_cells_are_short_and_in_sight, "31 lines", replace("print(1 + 1)", "print(1 + 1)\n" + "1\n" * 30)),
    (style.code_cells_are_short_and_in_sight, "a long line", replace("1 + 1", "1" * 88)),
    (style.code_is_formatted_for_narrow_lines, "not formatted", replace("1 + 1", "1+1")),
    (style.code_is_formatted_for_narrow_lines, "an early break", replace("1 + 1", "1\n    + 1")),
    (
        style.printed_lines_fit_a_narrow_window,
        "a long line is printed",
        lambda nb: code(nb, 3).outputs[0].update(text=f"2\n{'2' * 89}\n"),
    ),
    (
        style.nothing_prints_a_raw_dict,
        "a dict is printed",
        lambda nb: code(nb, 3).outputs[0].update(text="{'GAN': 100}\n"),
    ),
    (
        style.nothing_prints_a_raw_dict,
        "a dict is a cell's result",
        lambda nb: code(nb, 3).update(
            outputs=[v4.new_output("execute_result", {"text/plain": "{'loss': tensor(1.)}"}, execution_count=3)]
        ),
    ),
    (
        style.nothing_prints_a_raw_dict,
        "a set of tuples is printed",
        lambda nb: code(nb, 3).outputs[0].update(text="shapes {(1, 32, 32)}\n"),
    ),
    (
        style.progress_has_one_look,
        "a bar of tqdm's",
        replace("print(1 + 1)", "from tqdm import trange\n\nprint(sum(trange(2)))"),
    ),
    (
        style.colours_are_the_palette_s,
        "a colour by its number",
        replace("print(1 + 1)", 'ax.plot(x, y, color="#8e44ad")'),
    ),
    (
        style.colours_are_the_palette_s,
        "a colour of matplotlib's",
        replace("print(1 + 1)", "ax.plot(x, color='tab:blue')"),
    ),
    (
        style.folds_have_plain_titles,
        "a formula in a title",
        lambda nb: nb.cells.append(v4.new_markdown_cell("<details><summary>Why $x$?</summary>So.</details>")),
    ),
    (
        style.code_cells_are_short_and_in_sight,
        "outputs are hidden",
        lambda nb: code(nb, 5).metadata.update(jupyter={"outputs_hidden": True}),
    ),
    (
        style.only_what_paints_is_folded,
        "a widget's code is folded",
        lambda nb: code(nb, 4).metadata.update(jupyter={"source_hidden": True}),
    ),
    (style.only_what_paints_is_folded, "a picture's code in sight", lambda nb: code(nb, 5).metadata.pop("jupyter")),
    (style.only_what_paints_is_folded, "a print is folded", fbare_picture("print(1)")),
    (style.only_what_paints_is_folded, "an assert is folded", fbare_picture("assert figure")),
    (style.only_what_paints_is_folded, "a training is folded", fbare_picture("run = train.fit_gan(x)")),
    (style.only_what_paints_is_folded, "a function is folded", fbare_picture("def loss(x):\n    return x")),
    (
        style.code_cells_are_short_and_in_sight,
        "hidden by a tag",
        lambda nb: code(nb, 4).metadata.update(tags=["hide-input"]),
    ),
    (style.code_cells_are_short_and_in_sight, "three in a row", lambda nb: nb.cells.insert(3, v4.new_code_cell("1"))),
    (style.code_cells_are_short_and_in_sight, "an empty cell", replace("widgets.Panel([])", " ")),
    (style.one_thread_at_a_time_draws, "two at once", replace("widgets.Panel([])", BARE_REDRAW)),
    (style.cells_ran_once_in_order, "out of order", lambda nb: code(nb, 3).update(execution_count=9)),
    (style.cells_ran_once_in_order, "not executed", lambda nb: code(nb, 3).update(execution_count=None)),
    (
        style.no_stored_error,
        "an error",
        lambda nb: code(nb, 3).outputs.append(v4.new_output("error", ename="ValueError", evalue="", traceback=[])),
    ),
    (
        style.no_stored_error,
        "pink",
        lambda nb: code(nb, 3).outputs.append(v4.new_output("stream", name="stderr", text="UserWarning: x")),
    ),
    (
        style.ticks_have_the_course_s_size,
        "small numbers",
        replace("print(1 + 1)", "ax.tick_params(axis='x', labelsize=8)"),
    ),
    (style.outputs_are_fresh, "code changed", replace("1 + 1", "1 + 2")),
    (style.outputs_are_fresh, "never refreshed", lambda nb: nb.metadata.pop("ganlab")),
    (style.stored_as_refresh_stores, "timings", lambda nb: code(nb, 3).metadata.update(execution={"iopub": "now"})),
    (style.kernel_is_named, "no kernel", lambda nb: nb.metadata.pop("kernelspec")),
    (
        style.outputs_name_no_folder_of_a_machine,
        "a home folder",
        lambda nb: code(nb, 3).outputs[0].update(text="saved /home/ada/x"),
    ),
    (style.marked_cells_have_text_to_compare, "no mark", lambda nb: code(nb, 3).metadata.clear()),
    (style.marked_cells_have_text_to_compare, "a comment", replace("print(1", "# NBVAL_CHECK_OUTPUT\nprint(1")),
    (
        style.marked_cells_have_text_to_compare,
        "a figure",
        lambda nb: code(nb, 5).metadata.update(tags=[lessons.MARK_TAG]),
    ),
    (style.marked_cells_have_text_to_compare, "no output", lambda nb: code(nb, 3).outputs.clear()),
    (style.exercises_are_checked_at_once, "another number", replace('answer("07.1"', 'answer("07.2"')),
    (
        style.exercises_are_checked_at_once,
        "another lesson",
        lambda nb: code(nb, 6).metadata.ganlab.update(exercise="06.1"),
    ),
    (style.exercises_are_checked_at_once, "none", lambda nb: code(nb, 6).metadata.pop("tags")),
    (style.exercises_are_checked_at_once, "nothing imported", replace("from ganlab import check\n\n", "")),
    (style.exercises_have_headings_of_one_kind, "another level", replace("### Exercise", "## Exercise")),
    (style.exercises_have_headings_of_one_kind, "another number", replace("Exercise 07.1", "Exercise 07.2")),
    (style.exercises_have_headings_of_one_kind, "no minutes", replace(", about 10 minutes", "")),
    (style.exercises_have_headings_of_one_kind, "in words", replace("Difficulty 2 of 5", "Medium")),
    (style.exercises_have_headings_of_one_kind, "in the text's line", replace(f"{DIFFICULTY}\n\n", f"{DIFFICULTY} ")),
]


@pytest.mark.parametrize("check", style.CHECKS, ids=lambda check: check.__name__)
def test_the_good_sample_passes(check: style.Check) -> None:
    assert check(good_sample()) == []


@pytest.mark.parametrize(
    ("check", "name", "breaker"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_broken_sample_is_rejected(check: style.Check, name: str, breaker: Callable[[NotebookNode], None]) -> None:
    notebook = good_sample()
    breaker(notebook)
    assert check(notebook), name


def test_every_check_has_a_broken_sample() -> None:
    assert {check for check, _, _ in BROKEN} == set(style.CHECKS)


def test_the_readme_table_is_read() -> None:
    row = "| 07 | [Sample](notebooks/07_sample.ipynb) | What? | 3 min |\n"
    row += "| 07b | [Sample](notebooks/07b_sample.ipynb) | And? | 2 min |\n"
    later = "| 08 | VAEs on images | Why do they blur? | later |\n"
    table = "| | lesson | question | time |\n|---|---|---|---|\n" + row + later
    assert style.readme_minutes(table) == {"07_sample": 3, "07b_sample": 2}
    assert style.stated_minutes(good_sample()) == 3
