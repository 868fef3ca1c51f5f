"""Training in a real JupyterLab: while its cell is busy, pictures change, learning rates move, and Stop stops."""

import ast
from pathlib import Path

import lessons
import limits
from browser import SCREENSHOTS, START_SECONDS, Server, changes, finish_all, menu, start_all, store
from playwright.sync_api import Page, expect

GAME = """
import torch
from ganlab import data, models, runtime, train
from ganlab.widgets import dashboard, live
dashboard.PAINT_APART = 1  # on a machine that is busy with other tests too, paint all the same
torch.set_num_threads(1)
digits = data.load("digits", size=32)
with runtime.seeded(0):
    generator, critic = models.DCGANGenerator(16, width=8), models.DCGANCritic(width=8)
settings = train.GANSettings(100_000, precision="float32")
keep = train.Keep(lambda run: {"contrast": run.sample(16).std().item()}, metric_every=5)
"""
TRAIN = "run = await live.fit_gan(generator, critic, digits.batches(16), settings=settings, keep=keep, device='cpu')"
AGAIN = "steps = [run.step]\nrun = await live.play(run)"
AFTER = "[*steps, run.step], len(run.history['critic_loss']), run.learning_rates"


def test_training_is_seen_steered_and_stopped(server: Server, page: Page, tmp_path: Path) -> None:
    path = store(tmp_path, GAME, TRAIN, AGAIN, AFTER)
    start_all(page, server, path)
    first = page.locator(".ganlab-widget")  # the view of a training: a still takes its place when it ends
    first.wait_for(timeout=1000 * limits.scaled(START_SECONDS))
    for _ in range(2):
        assert changes(page, first, lambda: None), "the pictures stand still"
    for slider, key in zip(first.get_by_role("slider").all(), ("ArrowRight", "ArrowLeft"), strict=True):
        slider.focus()
        for _ in range(3):  # the browser holds the second back until it hears that the first was handled
            page.keyboard.press(key)
    for _ in range(2):  # the second picture was painted a second later, when the kernel had long heard of the keys
        assert changes(page, first, lambda: None)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "live.png")

    first.get_by_role("button", name="Stop").click()
    page.get_by_text("Everything so far is usable").first.wait_for()
    still = page.locator(".ganlab-of-run").first
    still.get_by_text("Stopped after").wait_for()
    assert all(picture.evaluate("picture => picture.naturalWidth") > 0 for picture in still.locator("img").all())

    first.wait_for()
    expect(first).to_have_count(1)
    expect(first.get_by_role("button", name="Stop")).to_be_enabled()
    assert changes(page, first, lambda: None), "a run that goes on is not shown"
    menu(page, "Kernel", "Interrupt Kernel")
    assert finish_all(page, server, path) == []
    [output] = lessons.read(server[0] / path.name).cells[-1].outputs
    steps, losses, rates = ast.literal_eval(output.data["text/plain"])
    assert 0 < steps[0] < steps[1] == losses
    assert {player: value for _, player, value in rates} == {"critic": 2e-3, "generator": 2e-5}
    assert all(step < steps[0] for step, _, _ in rates)
