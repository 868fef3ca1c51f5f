"""Every control of every widget has a name and a state that is heard, and a group of buttons is one stop of Tab.

axe-core looks over widgets and lessons in JupyterLab, light and dark, and over JupyterLab itself.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import accessibility
import ipywidgets as ipw
import lessons
import limits
import pytest
from browser import SCREENSHOTS, START_SECONDS, Server, new_context, run_all, set_theme, store
from playwright.sync_api import Browser, Page, expect

from ganlab import widgets

CELL = """
import asyncio, torch
from matplotlib.figure import Figure
from ganlab import data, models, runtime, toys, train, widgets
from ganlab.widgets import dashboard
with runtime.seeded(0):
    generator = models.DCGANGenerator(latent_dim=8, channels=1, size=32, width=4)
    told = models.conditional_generator(10, channels=1, size=32, width=4)
    networks = models.DCGANGenerator(8, width=4), models.DCGANCritic(width=4)
z = models.latents(4, 8, runtime.seeded_generator(0))
digits = data.load("digits", size=32)
run = train.Run(train.GANTask(*networks, train.GANSettings(9, precision="float32")), digits.batches(4), device="cpu")
log_p = lambda z: -0.5 * (z - 1) ** 2
mixture = toys.Mixture(torch.tensor([[-2.0], [2.0]]), torch.tensor([1.0, 1.0]), torch.tensor([0.5, 0.5]))
display(widgets.LatentExplorer(generator), widgets.LatentWalk(generator), widgets.MinimaxExplorer(mixture),
    widgets.DirectionSliders(generator, z, {"first": torch.eye(8)[0]}), widgets.ClassMixer(told, list("0123456789")),
    widgets.FlowExplorer(models.flow_unet(1, 8, width=8, classes=2), "ab", toys.ring(sigma=0.05).velocity),
    widgets.DrawingPad(lambda drawn: (drawn, "ink"), torch.zeros(2, 1, 28, 28, dtype=torch.uint8)),
    widgets.DrawingPad(lambda drawn: (drawn, ""), torch.zeros(2, 1, 64, 64, dtype=torch.uint8), paper=True),
    widgets.Compare(torch.zeros(3, 8, 8), -torch.ones(3, 8, 8), labels=("grey", "black")),
    widgets.MaskPad(lambda picture, mask: (torch.where(mask, 1.0, picture), f"{mask.sum()} pixels"),
        torch.full((2, 3, 32, 32), 90, dtype=torch.uint8)),
    widgets.BlindTest([(z.view(1, 1, 4, 8), {"one": z.view(1, 1, 4, 8), "two": z.view(1, 1, 4, 8)})]),
    widgets.BoundExplorer(log_p), widgets.Dial("dial", {name: (z.view(4, 1, 2, 4), name) for name in "ab"}),
    widgets.Clinic({bed: Figure((2, 1)) for bed in "AB"}, {"look": (0, str)}, {"A": "x", "B": "y"}, ["x", "y"]),
    widgets.image_slider(lambda t: torch.full((1, 4, 4), t), "grey"), dashboard.Dashboard(run),
    widgets.Quiz("Real?", torch.zeros(2, 2, 1, 4, 4), [0, 1], ("real", "fake")),
    widgets.ThresholdExplorer(torch.linspace(-1, 3, 50), torch.linspace(-3, 1, 50)),
    widgets.GameBoard(models.MLPGenerator(2, (2,), (8,)), models.MLPCritic((2,), (8,)), toys.ring().batches(8, 0),
        settings=train.GANSettings(99), choosers=True),
    widgets.ClipPlayer(torch.rand(2, 4, 1, 8, 8), alt="Two clips of noise."),
    widgets.MotionMixer(models.MotionGenerator(4, 4, width=4, frames=4, size=16)),
    widgets.Player(torch.rand(1, 4, 1, 8, 8), alt="One clip of noise."))
slider = widgets.image_slider(lambda t: torch.full((1, 4, 4), t), "timed")
display(slider, widgets.Stopwatch(*slider.children[:2]))
"""
PANELS = 22  # widgets in a panel of their own; a Player and a Stopwatch are none
SHOWN = ".ganlab-widget, .ganlab-player, .ganlab-stopwatch"
# What a reader by ear would meet without a name, with a wrong one, or as a toggle without a state; what shows no words
# to a reader by eye, and has no tooltip.
FAULTS = """widget => {
  const heard = part => part.getAttribute('aria-label') || part.alt || part.title || part.textContent.trim()
    || [...(part.labels || [])].map(label => label.textContent).join();
  const all = selector => [...widget.querySelectorAll(selector)].filter(part => part.checkVisibility());
  const nameless = all('[role=slider], button, canvas, img, input, [role=progressbar], [contenteditable]')
    .filter(part => !heard(part)).map(part => `no name: ${part.outerHTML.slice(0, 160)}`);
  const nulls = all('[title=null]').map(part => `title=null: ${part.outerHTML.slice(0, 90)}`);
  const states = all('.widget-toggle-button, .widget-toggle-buttons button').filter(part =>
    part.getAttribute('aria-pressed') !== String(part.classList.contains('mod-active'))).map(part => 'no aria-pressed');
  const live = all('.ganlab-readout').filter(part => part.getAttribute('aria-live') !== 'polite').map(() => 'not live');
  const words = part => part.tagName === 'BUTTON' && part.textContent.trim();
  const bare = all('[role=slider], canvas, img, button').filter(part => !words(part) && !part.closest('[title]')?.title)
    .map(part => `no tooltip: ${part.outerHTML.slice(0, 160)}`);
  return [...nameless, ...nulls, ...states, ...live, ...bare];
}"""
STOPS = "group => [...group.querySelectorAll('button')].filter(button => button.tabIndex === 0).length"


def faults(page: Page) -> list[str]:
    """Return what is wrong with the controls of all widgets."""
    return [fault for widget in page.locator(SHOWN).all() for fault in widget.evaluate(FAULTS)]


@pytest.fixture(scope="module")
def named(browser: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open a notebook with one of each widget."""
    context = new_context(browser)
    page = context.new_page()
    assert run_all(page, server, store(tmp_path_factory.mktemp("names"), CELL)) == []
    limits.wait_until(lambda: page.locator(".ganlab-widget").count() == PANELS, f"{PANELS} widgets", seconds=10)
    with contextlib.suppress(AssertionError):  # the tests say what is missing
        limits.wait_until(lambda: faults(page) == [], "a name for every control", seconds=10)
    yield page
    context.close()


def test_every_kind_of_widget_is_in_the_notebook() -> None:
    parts = {"Panel", "Picture"}  # of other widgets
    public = {name: getattr(widgets, name) for name in widgets.__all__}
    kinds = {name for name, one in public.items() if isinstance(one, type) and issubclass(one, ipw.DOMWidget)}
    assert [name for name in sorted(kinds - parts) if f"widgets.{name}(" not in CELL] == []


def test_every_control_has_a_name_a_state_and_a_tooltip_if_it_shows_no_words(named: Page) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    named.locator(".ganlab-widget").first.screenshot(path=Path(SCREENSHOTS, "named.png"))
    assert faults(named) == []
    board = named.get_by_role("img", name=re.compile("The board: real and generated points"))
    assert board.get_attribute("title") == board.get_attribute("aria-label")
    assert named.get_by_role("slider", name="mu (shift)").count() == 1
    assert named.get_by_role("slider", name="learning rate of the critic").get_attribute("aria-valuetext")
    assert named.get_by_role("button", name="Play").count() == 4  # of the walk, two players and the mixer of motions
    assert named.locator(".ganlab-widget").get_by_role("progressbar").count() == 1


def test_a_group_is_one_stop_and_takes_arrow_keys(named: Page) -> None:
    groups = named.locator(".ganlab-widget [role=group]")
    assert groups.count() >= 5
    assert [group.evaluate(STOPS) for group in groups.all()] == [1] * groups.count()
    other = named.get_by_role("group", name="other class")
    other.get_by_role("button", name="1", exact=True).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "ArrowRight"):
        named.keyboard.press(key)
    pressed = other.locator("button[aria-pressed=true]")
    expect(pressed, "1 to 3, back to 2, to 9, round to 0 and to 1").to_have_text(["1"])
    expect(named.locator(".ganlab-readout").get_by_text("100% class 0, 0% class 1")).to_have_count(1)
    assert other.evaluate(STOPS) == 1
    # the walk's samples may all be pressed: arrows go from one to the next, Space presses
    samples = named.locator(".ganlab-group")
    samples.get_by_role("button", name="1", exact=True).focus()
    for key in ("ArrowRight", "ArrowRight", "Space"):
        named.keyboard.press(key)
    named.get_by_text("of the way 1 to 2 to 3").wait_for()


def test_a_curtain_is_drawn_by_keys_and_by_the_mouse_on_the_picture(named: Page) -> None:
    widget = named.locator(".ganlab-widget", has=named.locator(".ganlab-curtain"))
    canvas, handle = widget.locator(".ganlab-curtain canvas"), widget.get_by_role("slider", name="grey | black")
    canvas.scroll_into_view_if_needed()
    black = """canvas => { const row = canvas.getContext('2d').getImageData(0, 9, canvas.width, 1).data;
        return [...row].filter((value, k) => k % 4 === 0 && value === 0).length / canvas.width; }"""

    def uncovered(part: float) -> bool:
        return abs(canvas.evaluate(black) - part) < 0.02  # the line itself has black edges

    limits.wait_until(lambda: uncovered(0.5), "the line in the middle", seconds=5)
    handle.focus()
    for _ in range(5):
        named.keyboard.press("ArrowRight")
    limits.wait_until(lambda: uncovered(0.4), "the line moved by keys", seconds=5)
    box = canvas.bounding_box()
    named.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20)
    named.mouse.down()
    named.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 30, steps=3)
    named.mouse.up()
    limits.wait_until(lambda: uncovered(0.75), "the line drawn by the mouse", seconds=5)
    value = "handle => Number(handle.getAttribute('aria-valuetext'))"
    limits.wait_until(lambda: abs(handle.evaluate(value) - 0.25) < 0.02, "the slider follows", seconds=5)


def test_a_brush_paints_a_hole_over_the_picture_by_mouse_and_by_keys_and_the_answer_follows(named: Page) -> None:
    widget = named.locator(".ganlab-widget", has=named.get_by_role("application", name="Picture to paint a hole into"))
    canvas, line = widget.locator("canvas.ganlab-pad"), widget.locator(".ganlab-readout")
    canvas.scroll_into_view_if_needed()
    pixel = "canvas => [...canvas.getContext('2d').getImageData(4, 4, 1, 1).data].slice(0, 3)"
    answer = widget.get_by_role("img", name="Answer to the hole: 1.")
    corner = "canvas => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"  # not enlarged

    def painted(colour: list[int]) -> None:
        limits.wait_until(lambda: canvas.evaluate(pixel) == colour, f"a picture of {colour}", seconds=5)

    def filled(colour: list[int]) -> None:
        limits.wait_until(lambda: answer.evaluate(corner) == colour, f"an answer of {colour}", seconds=5)

    def holes(least: int, most: int) -> None:
        said = re.compile(r"(\d+) pixels")
        limits.wait_until(
            lambda: (found := said.match(line.inner_text())) and least < int(found[1]) < most,
            f"a hole of {least} to {most} pixels",
            seconds=5,
        )

    painted([90, 90, 90])
    filled([90, 90, 90])
    expect(line).to_have_text("100 pixels")
    widget.get_by_role("button", name="Clear").click()
    line.get_by_text("There is no hole: paint one.").wait_for()
    box = canvas.bounding_box()
    named.mouse.move(box["x"] + 3, box["y"] + 3)
    named.mouse.down()
    named.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 3, steps=4)
    named.mouse.up()
    painted([255, 90, 220])
    filled([255, 255, 255])
    holes(40, 110)
    canvas.press("Delete")
    line.get_by_text("There is no hole").wait_for()
    painted([90, 90, 90])
    for key in (" ", *["ArrowLeft"] * 6, " ", *["ArrowDown"] * 9):  # from the middle; then with the pen lifted
        canvas.press(key)
    holes(80, 120)
    filled([90, 90, 90])
    canvas.press("Delete")
    line.get_by_text("There is no hole").wait_for()


def test_a_clip_plays_once_for_who_wants_less_motion_and_on_for_others(named: Page) -> None:
    player = named.locator(".ganlab-player").first
    play = player.get_by_role("button", name=re.compile("Play|Pause"))
    player.scroll_into_view_if_needed()
    named.emulate_media(reduced_motion="reduce")
    play.click()
    player.get_by_text("frame 4 of 4").wait_for()
    expect(play).to_have_text("Play")
    named.emulate_media(reduced_motion="no-preference")
    play.click()
    for frame in ("frame 4 of 4", "frame 2 of 4"):  # past the end it begins anew
        player.get_by_text(frame).wait_for()
    expect(play).to_have_text("Pause")
    play.click()


# What axe refuses in JupyterLab 4 itself: toggles of its toolbars, the editor of a cell that has no name, the list of
# the cells. Not ours to mend.
OF_JUPYTERLAB = {"aria-allowed-attr", "aria-input-field-name", "aria-required-children"}
THEMES = ("JupyterLab Light", "JupyterLab Dark")


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_any_widget(named: Page, theme: str) -> None:
    set_theme(named, theme)
    assert accessibility.violations(named, *SHOWN.split(", "), colours_only="Dark" in theme) == []


def test_what_axe_finds_in_jupyterlab_itself_is_listed(named: Page) -> None:
    assert [one for one in accessibility.violations(named) if one[0] not in OF_JUPYTERLAB] == []


def test_a_button_without_a_name_and_a_tooltip_is_seen(named: Page) -> None:
    named.evaluate("document.querySelector('.ganlab-widget').append(document.createElement('button'))")
    assert [fault.partition(":")[0] for fault in faults(named)] == ["no name", "no tooltip"]
    assert "button-name" in {rule for rule, _ in accessibility.violations(named, ".ganlab-widget")}
    named.evaluate("document.querySelector('.ganlab-widget').lastChild.remove()")


@pytest.mark.parametrize("name", ["00_start_here.ipynb", "04_mode_collapse.ipynb"])
def test_axe_finds_nothing_in_a_lesson_as_it_is_stored(page: Page, server: Server, name: str) -> None:
    notebook = lessons.read(lessons.NOTEBOOKS / name)
    lessons.write(notebook, server[0] / f"stored_{name}")
    page.goto(server[1].format(f"stored_{name}"))
    # a kernel that is ended while it starts keeps JupyterLab from ending
    idle = page.get_by_text(f"{lessons.KERNEL['display_name']} | Idle")
    idle.wait_for(timeout=1000 * limits.scaled(START_SECONDS))
    texts = sum(cell.cell_type == "markdown" for cell in notebook.cells)
    shown = page.locator(".jp-MarkdownOutput")
    limits.wait_until(lambda: shown.count() >= texts, "all texts", seconds=START_SECONDS)
    for theme in THEMES:
        set_theme(page, theme)
        parts = ".jp-MarkdownOutput", ".jp-OutputArea-output"
        assert accessibility.violations(page, *parts, colours_only="Dark" in theme) == []
    set_theme(page, THEMES[0])
