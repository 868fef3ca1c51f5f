"""The player of clips in a real JupyterLab and a real browser: buttons, keyboard, and a reader who asked for calm."""

from collections.abc import Iterator

import limits
import pytest
from browser import Server, new_context, pictures, run_all, store
from playwright.sync_api import Browser, Locator, Page, expect

FRAMES = 6
CELL = f"""
import torch
from ganlab import widgets
clip = torch.arange(1, {FRAMES} + 1, dtype=torch.uint8).mul(40).view(1, {FRAMES}, 1, 1, 1).expand(1, {FRAMES}, 1, 8, 8)
widgets.ClipPlayer(clip, alt="A square that grows brighter.")
"""  # frame k (1, 2, ...) is of brightness 40 k, so a picture says which frame it is
# Notes each frame that is painted, as its number.
WATCH = """widget => {
    const context = widget.querySelector('canvas').getContext('2d');
    window.painted = [];
    context.putImageData = (picture, ...place) => {
        CanvasRenderingContext2D.prototype.putImageData.call(context, picture, ...place);
        window.painted.push(picture.data[0] / 40);
    };
}"""


@pytest.fixture(scope="module")
def player_page(browser: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    context = new_context(browser)
    page = context.new_page()
    assert run_all(page, server, store(tmp_path_factory.mktemp("player"), CELL)) == []
    page.locator(".ganlab-player").evaluate(WATCH)
    yield page
    context.close()


@pytest.fixture
def player(player_page: Page) -> Iterator[Locator]:
    """Hand on the player, paused at its first frame, for a reader who asked for nothing."""
    player_page.emulate_media(reduced_motion="no-preference")
    player = player_page.locator(".ganlab-player")
    player.scroll_into_view_if_needed()
    player.get_by_label("frame", exact=True).fill("0")
    at(player, 1)
    yield player
    if player.get_by_role("button", name="Pause").count():
        player.get_by_role("button", name="Pause").click()


def at(player: Locator, frame: int) -> None:
    expect(player).to_contain_text(f"frame {frame} of {FRAMES}")
    expect(player.get_by_label("frame", exact=True)).to_have_value(str(frame - 1))


def painted(page: Page) -> list[int]:
    return page.evaluate("painted")


def forget(page: Page) -> None:
    page.evaluate("window.painted = []")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_nothing_plays_before_it_is_asked_to(motion: str, player_page: Page, player: Locator) -> None:
    player_page.emulate_media(reduced_motion=motion)
    before = pictures(player)
    forget(player_page)
    player_page.wait_for_timeout(1000)
    assert painted(player_page) == [] and pictures(player) == before
    at(player, 1)


def test_it_plays_round_and_stands_still_when_paused(player_page: Page, player: Locator) -> None:
    forget(player_page)
    player.get_by_role("button", name="Play").click()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    limits.wait_until(lambda: len(painted(player_page)) > FRAMES + 1, "played past its end", seconds=5)
    player.get_by_role("button", name="Pause").click()
    expect(player.get_by_role("button", name="Play")).to_be_visible()
    seen = painted(player_page)
    assert seen == [1 + (1 + k) % FRAMES for k in range(len(seen))]  # each frame in its turn, and round again
    player_page.wait_for_timeout(500)
    assert painted(player_page) == seen
    at(player, seen[-1])


def test_frame_by_frame_goes_both_ways_and_round(player_page: Page, player: Locator) -> None:
    on, back = (player.get_by_role("button", name=name) for name in ("frame on", "frame back"))
    shown = pictures(player)
    on.click()
    at(player, 2)
    assert pictures(player) != shown
    back.click()
    at(player, 1)
    assert pictures(player) == shown
    back.click()
    at(player, FRAMES)
    on.click()
    at(player, 1)
    player.get_by_role("button", name="Play").click()
    on.click()  # and whoever steps has stopped it
    expect(player.get_by_role("button", name="Play")).to_be_visible()


def test_every_control_answers_the_keyboard(player_page: Page, player: Locator) -> None:
    page, press = player_page, player_page.keyboard.press
    player.get_by_role("button", name="Play").focus()
    press("Space")
    expect(player.get_by_role("button", name="Pause")).to_be_focused()
    press("Enter")
    expect(player.get_by_role("button", name="Play")).to_be_focused()
    player.get_by_label("frame", exact=True).fill("0")
    player.get_by_role("button", name="Play").focus()
    press("Tab")
    press("Tab")
    expect(player.get_by_role("button", name="frame on")).to_be_focused()
    press("Enter")
    at(player, 2)
    press("Tab")
    expect(player.get_by_label("frame", exact=True)).to_be_focused()
    press("ArrowRight")
    at(player, 3)
    press("End")
    at(player, FRAMES)
    press("Tab")
    expect(player.get_by_label("speed", exact=True)).to_be_focused()
    press("ArrowUp")
    expect(player.get_by_label("speed", exact=True)).to_have_value("0.5")
    press("ArrowDown")
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(1)  # no key went to the notebook as a command


def test_who_asked_for_less_motion_gets_one_pass(player_page: Page, player: Locator) -> None:
    player_page.emulate_media(reduced_motion="reduce")
    forget(player_page)
    player.get_by_role("button", name="Play").click()
    limits.wait_until(lambda: len(painted(player_page)) == FRAMES - 1, "played to its end", seconds=5)
    expect(player.get_by_role("button", name="Play")).to_be_visible()  # it has stopped by itself
    player_page.wait_for_timeout(500)
    assert painted(player_page) == list(range(2, FRAMES + 1))
    at(player, FRAMES)
    player.get_by_role("button", name="Play").click()  # a second pass begins at the beginning
    limits.wait_until(lambda: painted(player_page)[FRAMES - 1 :] == list(range(1, FRAMES + 1)), "again", seconds=5)


def test_it_never_goes_round_more_than_twice_a_second(player_page: Page, player: Locator) -> None:
    player.get_by_label("speed", exact=True).select_option("2")
    began = player_page.evaluate("performance.now()")
    forget(player_page)
    player.get_by_role("button", name="Play").click()
    limits.wait_until(lambda: len(painted(player_page)) >= 2 * FRAMES, "played twice", seconds=10)
    assert player_page.evaluate("performance.now()") - began >= 2 * 500 * 0.9
    player.get_by_label("speed", exact=True).select_option("1")
