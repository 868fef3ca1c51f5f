"""What widgets and trainings leave in a notebook: pictures with names, a line of text, and little to store."""

import re

import lessons
import nbformat
import pytest
import torch
from games import gan_run, images, points, settings
from matplotlib.figure import Figure
from nbclient import NotebookClient
from nbconvert import HTMLExporter, MarkdownExporter
from nbformat import v4

from ganlab import models, runtime, widgets
from ganlab.toys import Mixture
from ganlab.widgets import dashboard, still
from ganlab.widgets.kit import Panel, Picture, described

BUDGET = 300_000  # bytes of stills in a lesson
ALT = re.compile(r'<img [^>]*alt="([^"]*)"')


def test_a_widget_leaves_its_pictures_its_settings_and_what_one_would_do() -> None:
    mixture = Mixture(torch.tensor([[-2.0], [2.0]]), torch.tensor([1.0, 1.0]), torch.tensor([0.5, 0.5]))
    explorer = widgets.MinimaxExplorer(mixture, mu=6.0, sigma=0.8)
    left = explorer.still()
    assert ALT.findall(left.html) == [explorer.picture.alt] and "density" in explorer.picture.alt
    assert "mu (shift) 6, sigma (stretch) 0.8" in left.html and "V = " in left.html
    assert (
        left.line == "A widget. Run this cell to use it: move and stretch p_g by two sliders; D*, V and the "
        "gradients follow."
    )
    explorer.mu.value = 0.0
    assert "mu (shift) 0, " in explorer.still().html and explorer.still().html != left.html


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "A widget. Run this cell to use it."),
        (("a",), 'A widget. Run this cell to use it: move the slider "a".'),
        (("a", "b"), 'A widget. Run this cell to use it: move the sliders "a" and "b".'),
        (("a", "b", "c"), 'A widget. Run this cell to use it: move the sliders "a", "b" and "c".'),
    ],
)
def test_a_panel_of_a_lessons_own_says_which_sliders_are_moved(names: tuple[str, ...], said: str) -> None:
    sliders = [widgets.slider(name, 0.0, least=0.0, most=1.0, step=0.1) for name in names]
    assert Panel(sliders).still().line == said


def test_the_stills_that_are_stored_say_what_widgets_say_today() -> None:
    kinds = [one for one in vars(widgets).values() if isinstance(one, type) and issubclass(one, still.Leaving)]
    begins = {still.invitation(kind.doing) for kind in kinds if kind.doing}
    outputs = [
        out for path in lessons.lessons() for cell in lessons.code_cells(lessons.read(path)) for out in cell.outputs
    ]
    lines = [out.data["text/plain"] for out in outputs if still.OF_WIDGET in out.get("data", {}).get("text/html", "")]
    other = [line for line in lines if not line.startswith(tuple(begins))]
    named = re.compile(r'A widget\. Run this cell to use it: move the (sliders?|line between) "')
    assert len(lines) > 50 and [line for line in other if not named.match(line)] == []


@pytest.mark.parametrize("colours", [1, 3])
def test_the_largest_stills_leave_room_for_others(colours: int) -> None:
    with runtime.seeded(0):
        generator = models.DCGANGenerator(latent_dim=100, channels=colours, size=64, width=8)
    for weight in generator.parameters():
        weight.data *= 5 if weight.ndim == 4 else 1  # pictures of noise: no file is larger
    for widget in (widgets.LatentWalk(generator), widgets.LatentExplorer(generator)):
        left = widget.still().html
        assert len(left) < BUDGET // 3 and all(len(alt) >= 20 for alt in ALT.findall(left))


def test_a_lesson_stores_at_most_300_kilobytes_of_stills() -> None:
    for path in lessons.lessons():
        texts = (
            out.get("data", {}).get("text/html", "")
            for cell in lessons.code_cells(lessons.read(path))
            for out in cell.outputs
        )
        assert sum(len(text) for text in texts if "ganlab-still" in text) <= BUDGET, path.name


def test_the_name_of_no_control_is_code() -> None:
    stands = re.compile(r'<p style="margin: 6px 0;">(.*?)</p>')
    names = [
        (path.name, setting.rpartition(" ")[0])
        for path in lessons.lessons()
        for cell in lessons.code_cells(lessons.read(path))
        for out in cell.outputs
        for line in stands.findall(out.get("data", {}).get("text/html", ""))
        for setting in line.split(", ")
    ]
    assert len(names) > 20
    assert [name for name in names if "_" in name[1]] == []


def test_pixels_come_back_from_their_files() -> None:
    sheet = torch.randint(0, 256, (8, 8, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    content, kind = still.packed(sheet)
    assert kind == "webp" and content[8:12] == b"WEBP"
    noise = torch.randint(0, 256, (90, 90, 3), dtype=torch.uint8).numpy()
    assert still.packed(noise)[1] == "jpeg" and len(still.packed(noise)[0]) < 24_300


def test_a_figure_is_named_by_its_axes() -> None:
    figure = Figure()
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], label="p_data")
    ax.set(xlabel="x", ylabel="density", title="The game")
    assert described(figure) == "Figure. The game; density over x; p_data."
    picture = Picture(figure)
    picture.paint()
    assert picture.tooltip == described(figure)
    assert "<img" in Panel([picture]).still().html


def test_what_a_training_reached_is_its_line() -> None:
    view = dashboard.Dashboard(gan_run(*images(), settings(5), device="cpu").play(progress=False))
    view.end()
    left = view.result()
    assert left.line.startswith("Done after 5 of 5 steps. Critic loss ")
    samples, curves = ALT.findall(left.html)
    assert "samples of the generator after step 5" in samples and "critic loss" in curves
    assert len(left.html) < BUDGET // 3
    alone = dashboard.Dashboard(gan_run(*points(), settings(5), device="cpu").play(progress=False))
    alone.end()
    assert len(ALT.findall(alone.result().html)) == 1, "points are shown by their curves alone"


SHOWN = """
import torch
from ganlab import widgets
slider = widgets.image_slider(lambda t: torch.full((1, 4, 4), t), "grey")
slider"""
TWO = f"{SHOWN}.draw\ndisplay(slider, widgets.Stopwatch(*slider.children[:2]))"


def test_a_stored_cell_has_the_still_alone() -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(SHOWN), v4.new_code_cell(TWO)])
    NotebookClient(notebook, kernel_name="python3", store_widget_state=False).execute()
    assert [lessons.WIDGET in out.data for out in notebook.cells[0].outputs] == [True, False]
    for exporter in (HTMLExporter, MarkdownExporter):  # of a student's own copy: a page without a kernel
        text, _ = exporter().from_notebook_node(notebook)
        assert text.count("<img ") == 2 and text.count("Run this cell to use it") == 3 and "not found" not in text
    lessons.normalise(notebook)
    [out] = notebook.cells[0].outputs
    assert lessons.is_still(out) and lessons.shows_a_widget(notebook.cells[0])
    said = (
        'A widget. Run this cell to use it: move the slider "grey". The pictures show it at 0, 0.25, 0.5, 0.75 and 1.'
    )
    assert out.data["text/plain"] == said
    assert len(notebook.cells[1].outputs) == 2 and all(map(lessons.is_still, notebook.cells[1].outputs))


def test_a_widget_that_leaves_no_still_is_not_stored() -> None:
    out = v4.new_output("execute_result", {lessons.WIDGET: {"model_id": "1"}, "text/plain": "FloatSlider()"})
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1", outputs=[out, nbformat.from_dict(out)])])
    with pytest.raises(lessons.LessonError, match="leaves no still"):
        lessons.normalise(notebook)


LIVE = """
import torch
from ganlab import data, models, runtime, train
from ganlab.widgets import live
digits = data.load("digits", size=32)
with runtime.seeded(0):
    networks = models.DCGANGenerator(16, width=8), models.DCGANCritic(width=8)
settings = train.GANSettings(2, precision="float32")
run = await live.fit_gan(*networks, digits.batches(4), settings=settings, device="cpu")
"""


def test_a_training_that_nobody_watches_leaves_a_still_and_the_same_one_each_time(monkeypatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    left = []
    for _ in range(2):
        notebook = v4.new_notebook(cells=[v4.new_code_cell(LIVE)])
        NotebookClient(notebook, kernel_name="python3", store_widget_state=False).execute()
        [out] = lessons.normalise(notebook).cells[0].outputs
        left.append(out.data)
    assert left[0] == left[1] and left[0]["text/plain"].startswith("Done after 2 of 2 steps. Critic loss")
    assert not lessons.shows_a_widget(notebook.cells[0]), "a training is no widget to try"
