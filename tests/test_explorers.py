"""The latent-space widgets without a browser: every control, the code, sliders at 0, and callbacks on other threads."""

import threading
import time

import limits
import pytest
import torch

from ganlab import models, runtime, widgets
from ganlab.data import pixels
from ganlab.models import latent
from ganlab.widgets import kit
from ganlab.widgets import latent as explorers


def dcgan(channels: int = 3, size: int = 16, latent_dim: int = 10) -> models.DCGANGenerator:
    with runtime.seeded(0):
        generator = models.DCGANGenerator(latent_dim, channels, size, width=4)
    for weight in generator.parameters():
        weight.data *= 8 if weight.ndim == 4 else 1  # or untrained pictures are all grey
    return generator


def shown(explorer: widgets.LatentExplorer) -> tuple[bytes, str]:
    return explorer.picture.value, explorer.code.value


# A picture for a rush.


def test_latest_draws_every_call_of_one_thread() -> None:
    drawn = []
    latest = kit.Latest(lambda: drawn.append(1))
    for _ in range(5):
        latest()
    assert len(drawn) == 5


def test_latest_skips_what_nobody_waits_for_and_never_the_last() -> None:
    value, drawn, busy, gone_on = [0], [], threading.Event(), threading.Event()
    waited = []

    def draw() -> None:
        drawn.append(value[0])
        busy.set()
        waited.append(gone_on.wait(limits.scaled(1)))

    latest = kit.Latest(draw)
    first = threading.Thread(target=latest)
    first.start()
    busy.wait()
    for k in range(1, 101):
        value[0] = k
        latest()
    gone_on.set()
    first.join()
    assert waited[0], "a call waited for the picture, which waits for the calls' end"
    assert drawn == [0, 100]


def test_latest_from_many_threads_never_overlaps_and_ends_with_the_last() -> None:
    value, drawn, inside = [0], [], []

    def draw() -> None:
        inside.append(1)
        assert len(inside) == 1
        seen = value[0]
        time.sleep(0.0005)
        drawn.append(seen)
        inside.pop()

    latest, lock = kit.Latest(draw), threading.Lock()

    def hurry() -> None:
        for _ in range(50):
            with lock:
                value[0] += 1
            latest()

    threads = [threading.Thread(target=hurry) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn[-1] == 200 and drawn == sorted(drawn)


def test_latest_goes_on_after_an_error() -> None:
    outcomes = [ValueError("broken"), None]

    def draw() -> None:
        if error := outcomes.pop(0):
            raise error

    latest = kit.Latest(draw)
    with pytest.raises(ValueError, match="broken"):
        latest()
    latest()
    assert outcomes == []


@pytest.mark.parametrize(("channels", "size", "zoom"), [(1, 28, 13), (1, 32, 12), (3, 64, 6)])
def test_pixels_are_sent_as_they_are_and_shown_at_a_fixed_size(channels: int, size: int, zoom: int) -> None:
    images = torch.rand(1, channels, size, size, generator=runtime.seeded_generator(0)) * 2 - 1
    picture = kit.Pixels(images, kit.LARGE)
    assert picture.value == pixels.tile(images, 1).tobytes() and picture.shape == [size, size, channels]
    assert picture.zoom == zoom
    picture.show(-images)
    assert picture.value == pixels.tile(-images, 1).tobytes() and picture.shape == [size, size, channels]
    with pytest.raises(ValueError, match=r"images: got a sheet of .* expected"):
        picture.show(images[:, :, 1:])


# The explorer.


def test_the_explorer_starts_at_g_of_the_seed() -> None:
    generator = dcgan()
    explorer = widgets.LatentExplorer(generator, seed=7)
    z = models.latents(1, 10, runtime.seeded_generator(7))
    with torch.no_grad():
        expected = pixels.tile(generator.eval()(z), 1).tobytes()
    assert explorer.picture.value == expected
    assert explorer.code.value == f"7p@{explorer.space.marks['principal']}"
    assert "Seed 7, not moved" in explorer.readout.value
    assert f"z is {z.norm():.1f} long; a draw of 10 numbers is 3.2 long" in explorer.readout.value


@pytest.mark.parametrize("kind", latent.KINDS)
@pytest.mark.parametrize("row", range(4))
def test_a_slider_moves_along_its_direction_and_back_to_the_bit(kind: str, row: int) -> None:
    generator = dcgan()
    explorer = widgets.LatentExplorer(generator, 3)
    explorer.kind.value = kind
    start, text = shown(explorer), explorer.readout.value
    explorer.sliders[row].value = -1.3
    vectors = torch.eye(10) if kind == "axes" else latent.principal_directions(generator, 10).vectors
    z = models.latents(1, 10, runtime.seeded_generator(3)) - 1.3 * vectors[row]
    assert explorer.picture.value == pixels.tile(explorer.space.images(z), 1).tobytes() != start[0]
    assert f"moved by -1.3 along {'axis' if kind == 'axes' else 'direction'} {row}." in explorer.readout.value
    assert f",{row}-1.3@" in explorer.code.value
    explorer.sliders[row].value = 0.0
    assert shown(explorer) == start and explorer.readout.value == text


def test_float_noise_from_the_browser_does_not_enter_the_code() -> None:
    explorer = widgets.LatentExplorer(dcgan())
    explorer.sliders[0].value = 0.1 + 0.2
    assert explorer.point().moves == ((0, 0.3),) and ",0+0.3@" in explorer.code.value
    there = shown(explorer)
    explorer.back.click()
    explorer.code.value = there[1]
    assert shown(explorer) == there


def test_a_new_seed_keeps_the_moves_and_draw_takes_another() -> None:
    explorer = widgets.LatentExplorer(dcgan(), 1)
    explorer.sliders[2].value = 2.0
    before, state = shown(explorer), torch.get_rng_state()
    explorer.seed.value = 2
    assert explorer.point() == latent.Point(2, "principal", ((2, 2.0),))
    assert explorer.picture.value != before[0]
    for _ in range(5):
        seed = explorer.seed.value
        explorer.draw.click()
        assert explorer.seed.value != seed and 0 <= explorer.seed.value <= 9_999
        assert explorer.code.value.startswith(f"{explorer.seed.value}p,2+2@")
    assert torch.equal(torch.get_rng_state(), state)
    explorer.seed.value = 1
    assert shown(explorer) == before


def test_another_seed_is_never_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for drawn in (0, 5, 9_998):
        monkeypatch.setattr("secrets.randbelow", lambda below, drawn=drawn: drawn)
        for seed in (0, 4, 5, 6, 9_998, 9_999, 12_345):
            assert 0 <= explorers.another_seed(seed) <= 9_999
            assert explorers.another_seed(seed) != seed


def test_other_directions_come_into_sight_and_moves_out_of_sight_stay() -> None:
    explorer = widgets.LatentExplorer(dcgan())
    explorer.kind.value = "axes"
    explorer.sliders[1].value = 1.0
    before = shown(explorer)
    explorer.first.value = 4
    assert [control.description for control in explorer.sliders] == ["axis 4", "axis 5", "axis 6", "axis 7"]
    assert [control.value for control in explorer.sliders] == [0, 0, 0, 0]
    assert shown(explorer) == before  # looking moves nothing
    explorer.sliders[3].value = -0.5
    assert explorer.point().moves == ((1, 1.0), (7, -0.5))
    assert "+1.0 along axis 1, -0.5 along axis 7" in explorer.readout.value
    explorer.first.value = 99
    assert explorer.first.value == 6 and explorer.sliders[1].value == -0.5  # the last four
    explorer.first.value = 0
    assert [control.value for control in explorer.sliders] == [0, 1.0, 0, 0]


def test_the_other_kind_of_directions_begins_anew() -> None:
    explorer = widgets.LatentExplorer(dcgan())
    start = explorer.picture.value
    explorer.first.value = 3
    explorer.sliders[0].value = 1.0
    explorer.kind.value = "axes"
    assert explorer.point() == latent.Point(0, "axes") and explorer.picture.value == start
    assert (explorer.first.value, explorer.sliders[0].description, explorer.code.value) == (0, "axis 0", "0a@10")


def test_back_to_start() -> None:
    explorer = widgets.LatentExplorer(dcgan())
    start = shown(explorer)
    explorer.sliders[0].value, explorer.sliders[3].value = 2.9, -3.0
    explorer.first.value = 4
    explorer.sliders[0].value = 1.0
    explorer.back.click()
    assert shown(explorer) == start and explorer.point() == latent.Point(0)
    assert explorer.first.value == 4 and {control.value for control in explorer.sliders} == {0}


def test_a_code_from_one_explorer_sets_another() -> None:
    sender, receiver = (widgets.LatentExplorer(dcgan(), seed) for seed in (5, 8))
    receiver.kind.value = "axes"
    sender.first.value = 4
    sender.sliders[1].value, sender.sliders[2].value = -2.4, 0.7
    receiver.code.value = f" {sender.code.value.upper()}"
    assert shown(receiver) == shown(sender) and receiver.readout.value == sender.readout.value
    assert (receiver.seed.value, receiver.kind.value, receiver.first.value) == (5, "principal", 4)
    assert [control.value for control in receiver.sliders] == [0, -2.4, 0.7, 0]


@pytest.mark.parametrize("code", ["<b>nonsense</b>", "7a@100", "7p,0+1@0000", "7a,3+9@10"])
def test_a_bad_code_says_so_and_changes_nothing(code: str) -> None:
    explorer = widgets.LatentExplorer(dcgan(), 4)
    explorer.sliders[1].value = 0.5
    picture, point = explorer.picture.value, explorer.point()
    explorer.code.value = code
    assert explorer.readout.value.startswith("code: ") and explorer.readout.value.endswith("Nothing was changed.")
    assert "<" not in explorer.readout.value
    assert (explorer.picture.value, explorer.point(), explorer.code.value) == (picture, point, code)
    explorer.sliders[1].value = 0.6  # the next move is an ordinary one
    assert "Seed 4, moved by +0.6" in explorer.readout.value and explorer.code.value == explorer.space.code(
        explorer.point()
    )


def test_a_generator_of_few_latents_gets_few_sliders() -> None:
    explorer = widgets.LatentExplorer(dcgan(latent_dim=2))
    assert len(explorer.sliders) == 2 and explorer.first.max == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"seed": -1}, "seed: got -1, expected a whole number >= 0"),
        ({"seed": 10**9}, "seed: got 1000000000, expected nine digits at most"),
    ],
)
def test_the_explorer_refuses_bad_arguments(arguments: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        widgets.LatentExplorer(dcgan(), **arguments)


def test_training_goes_on_undisturbed_and_the_widget_keeps_its_generator() -> None:
    generator, state = dcgan().train(), torch.get_rng_state()
    explorer = widgets.LatentExplorer(generator)
    start = explorer.picture.value
    for weight in generator.parameters():
        weight.data *= 2
    explorer.sliders[0].value = 1.0
    explorer.sliders[0].value = 0.0
    assert explorer.picture.value == start
    assert generator.training and torch.equal(torch.get_rng_state(), state)


def test_sliders_moved_on_several_threads_end_in_one_true_picture() -> None:
    explorer = widgets.LatentExplorer(dcgan())

    def shake(control: object, end: float) -> None:
        for k in range(30):
            control.value = round(-3 + 0.1 * k, 1)
        control.value = end

    threads = [
        threading.Thread(target=shake, args=(control, end))
        for control, end in zip(explorer.sliders, (0.5, -1.0, 0.0, 2.2), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    point = latent.Point(0, "principal", ((0, 0.5), (1, -1.0), (3, 2.2)))
    assert explorer.point() == point and explorer.code.value == explorer.space.code(point)
    assert explorer.picture.value == pixels.tile(explorer.space.images(explorer.space.z(point)), 1).tobytes()


def test_widgets_can_be_found_and_have_labels() -> None:
    explorer = widgets.LatentExplorer(dcgan(1, 32))
    assert "ganlab-widget" in explorer._dom_classes and "ganlab-picture" in explorer.picture._dom_classes
    assert "ganlab-readout" in explorer.readout._dom_classes
    labelled = [explorer.seed, explorer.draw, explorer.kind, explorer.first, *explorer.sliders, explorer.back]
    labelled += [explorer.code]
    assert all(control.description for control in labelled)
    assert {(control.min, control.max, control.step) for control in explorer.sliders} == {(-3, 3, 0.1)}


@pytest.mark.parametrize(("step", "digits"), [(0.002, 3), (0.005, 3), (0.01, 2), (0.1, 2), (1.0, 2)])
def test_a_slider_shows_as_many_digits_as_a_step_moves(step: float, digits: int) -> None:
    assert widgets.slider("h", 0.0, least=0.0, most=1.0, step=step).readout_format == f".{digits}f"


# The dial.


def test_the_dial_shows_what_belongs_to_the_stop() -> None:
    stops = {f"beta {k}": (torch.full((4, 1, 8, 8), k / 2 - 1), f"rate <{k}>") for k in range(3)}
    dial = widgets.Dial("weight", stops, columns=2)
    for name, (images, sentence) in stops.items():
        dial.choice.value = name
        assert dial.picture.value == pixels.tile(images, 2).tobytes()
        assert dial.readout.value == sentence.replace("<", "&lt;").replace(">", "&gt;")
    assert dial.choice.description == "weight" and "ganlab-widget" in dial._dom_classes
    with pytest.raises(ValueError, match="stops: got 1, expected two or more"):
        widgets.Dial("weight", {"one": stops["beta 1"]})
