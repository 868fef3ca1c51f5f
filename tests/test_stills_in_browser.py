"""The day after: a saved notebook is opened without the kernel that made its widgets, and nothing in it is dead."""

from pathlib import Path

import lessons
import limits
import pytest
from browser import SCREENSHOTS, START_SECONDS, Server, finish_all, menu, start_all, store
from playwright.sync_api import Page, expect

SLIDER = """
import torch
from ganlab import data, models, runtime, train, widgets
from ganlab.widgets import live
digits = data.load("digits", size=32)
mixer = widgets.image_slider(lambda t: (t * digits.images[0].float()).to(torch.uint8), "the brightness")
mixer
"""
TRAIN = """
with runtime.seeded(0):
    networks = models.DCGANGenerator(16, width=8), models.DCGANCritic(width=8)
settings = train.GANSettings({steps}, precision="float32")
run = await live.fit_gan(*networks, digits.batches(16), settings=settings, device="cpu")
"""
SEEN = "pictures => pictures.filter(picture => picture.checkVisibility() && picture.naturalWidth > 0).length"
PICTURES = ".jp-OutputArea-output img"


def reopened(page: Page, server: Server, name: str) -> None:
    """End all kernels, as a restarted server has none, and open the notebook that was saved."""
    folder, address = server
    root, token = address.split("/lab/tree/")[0], address.split("token=")[1]
    for session in page.request.get(f"{root}/api/sessions?token={token}").json():
        page.request.delete(f"{root}/api/sessions/{session['id']}?token={token}")
    page.goto(address.format(name))
    page.get_by_text(f"{lessons.KERNEL['display_name']} | Idle").wait_for(timeout=1000 * limits.scaled(START_SECONDS))
    # JupyterLab looks for a widget's model for some seconds; when it gives up it says so, in an output that is hidden.
    page.get_by_text("model not found").first.wait_for(state="attached")


def test_the_day_after_every_output_is_a_still(server: Server, page: Page, tmp_path: Path) -> None:
    path = store(tmp_path, SLIDER, TRAIN.format(steps=4))
    start_all(page, server, path)
    assert finish_all(page, server, path) == []
    stills = page.locator(".ganlab-still")
    expect(stills).to_have_count(2)
    expect(stills.nth(0)).not_to_be_visible()
    expect(stills.nth(1)).to_be_visible()
    expect(page.locator(".ganlab-widget"), "the view of a training goes when it has ended").to_have_count(1)
    assert "Done after 4 of 4 steps." in stills.nth(1).inner_text() and "Critic loss" in stills.nth(1).inner_text()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "stills-alive.png")

    reopened(page, server, path.name)
    page.screenshot(path=SCREENSHOTS / "stills-day-after.png")
    expect(page.get_by_text("model not found")).not_to_be_visible()
    expect(stills.nth(0)).to_be_visible()
    expect(stills.nth(1)).to_be_visible()
    assert 'Run this cell to use it: move the slider "the brightness"' in stills.nth(0).inner_text()
    assert page.locator(PICTURES).evaluate_all(SEEN) == 3
    assert all(len(picture.get_attribute("alt")) >= 20 for picture in page.locator(PICTURES).all())


def test_in_a_narrow_window_a_foreign_notebook_is_read_whole(server: Server, page: Page, tmp_path: Path) -> None:
    """Where nobody trusts the notebook, a widget is its line of text, with the still below."""
    path = store(tmp_path, SLIDER, TRAIN.format(steps=4))
    start_all(page, server, path)
    assert finish_all(page, server, path) == []
    foreign = lessons.read(server[0] / path.name)
    foreign.cells[0].outputs[0].metadata["foreign"] = True  # another text than the one that was signed
    lessons.write(foreign, server[0] / f"foreign-{path.name}")
    page.set_viewport_size({"width": 900, "height": 900})
    page.goto(server[1].format(f"foreign-{path.name}"))
    page.locator(".ganlab-of-run").wait_for()
    note = page.locator("pre", has_text="The widget needs a running kernel")
    expect(note).to_be_visible()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "stills-foreign.png")
    assert note.evaluate("text => text.scrollWidth <= text.clientWidth"), "a part of it is out of sight"
    room = """card => card.getBoundingClientRect().right
        - Math.max(...[...card.querySelectorAll('img')].map(image => image.getBoundingClientRect().right))"""
    for width in (900, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        empty = page.locator(".ganlab-of-run").evaluate(room)
        assert 0 <= empty <= 24, "the pictures do not fill their card, or leave it"


@pytest.mark.parametrize("how", ["restarted", "saved"])
def test_a_training_whose_kernel_ended_says_so(how: str, server: Server, page: Page, tmp_path: Path) -> None:
    path = store(tmp_path, SLIDER, TRAIN.format(steps=100_000))
    start_all(page, server, path)
    page.get_by_role("button", name="Stop").wait_for(timeout=1000 * limits.scaled(START_SECONDS))
    said = page.get_by_text("its kernel ended, or the page was loaded anew")
    expect(said).not_to_be_visible()
    if how == "restarted":
        menu(page, "Kernel", "Restart Kernel…")
        page.get_by_role("button", name="Confirm Kernel Restart").click()
    else:
        menu(page, "File", "Save Notebook")
        page.locator(".jp-mod-dirty").wait_for(state="detached")
        reopened(page, server, path.name)
    said.wait_for(timeout=1000 * limits.scaled(START_SECONDS))
    expect(page.get_by_role("button", name="Stop")).not_to_be_visible()
    expect(page.locator(".ganlab-still").first).to_be_visible()
