"""The latent-space widgets without a browser: every control, the code, sliders at 0, and callbacks on other threads."""

import io
import threading
import time

import numpy as np
import PIL.Image
import pytest
import torch

from ganlab import canvas, explorers, latent, models, plots, runtime


def dcgan(channels: int = 3, size: int = 16, latent_dim: int = 10) -> models.DCGANGenerator:
    with runtime.seeded(0):
        generator = models.DCGANGenerator(latent_dim, channels, size, 4)
    for weight in generator.parameters():
        weight.data *= 8 if weight.ndim == 4 else 1  # or untrained pictures are all grey
    return generator


def pixels(picture: canvas.Pixels) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(picture.value)))


def shown(explorer: explorers.LatentExplorer) -> tuple[bytes, str]:
    return explorer.picture.value, explorer.code.value


# A picture for a rush.


def test_latest_draws_every_call_of_one_thread() -> None:
    drawn = []
    latest = canvas.Latest(lambda: drawn.append(1))
    for _ in range(5):
        latest()
    assert len(drawn) == 5


def test_latest_skips_what_nobody_waits_for_and_never_the_last() -> None:
    value, drawn, busy = [0], [], threading.Event()

    def draw() -> None:
        drawn.append(value[0])
        busy.set()
        time.sleep(0.05)

    latest = canvas.Latest(draw)
    first = threading.Thread(target=latest)
    first.start()
    busy.wait()
    begun = time.monotonic()
    for k in range(1, 101):
        value[0] = k
        latest()
    assert time.monotonic() - begun < 0.04  # leaves word, and does not wait for the picture
    first.join()
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

    latest, lock = canvas.Latest(draw), threading.Lock()

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

    latest = canvas.Latest(draw)
    with pytest.raises(ValueError, match="broken"):
        latest()
    latest()
    assert outcomes == []


@pytest.mark.parametrize(("channels", "size", "zoom"), [(1, 28, 13), (1, 32, 12), (3, 64, 6)])
def test_pixels_are_enlarged_and_of_fixed_size(channels: int, size: int, zoom: int) -> None:
    images = torch.rand(1, channels, size, size, generator=runtime.seeded_generator(0)) * 2 - 1
    picture = canvas.Pixels(images, explorers.SIDE)
    found = pixels(picture).reshape(zoom * size, zoom * size, channels)
    assert np.array_equal(found[::zoom, ::zoom], plots.tile(images, 1))
    assert np.array_equal(found[zoom - 1 :: zoom, zoom - 1 :: zoom], found[::zoom, ::zoom])
    assert (picture.width, picture.height) == (str(zoom * size),) * 2
    picture.show(-images)
    assert pixels(picture).shape[:2] == found.shape[:2] and not np.array_equal(pixels(picture), found.squeeze())


# The explorer.


def test_the_explorer_starts_at_g_of_the_seed() -> None:
    generator = dcgan()
    explorer = explorers.LatentExplorer(generator, seed=7)
    z = models.latents(1, 10, runtime.seeded_generator(7))
    with torch.no_grad():
        expected = canvas.painted(generator.eval()(z), 24)
    assert explorer.picture.value == expected
    assert explorer.code.value == f"7p@{explorer.space.marks['principal']}"
    assert "Seed 7, not moved" in explorer.readout.value
    assert f"z is {z.norm():.1f} long; a draw of 10 numbers is 3.2 long" in explorer.readout.value


@pytest.mark.parametrize("kind", latent.KINDS)
@pytest.mark.parametrize("row", range(4))
def test_a_slider_moves_along_its_direction_and_back_to_the_bit(kind: str, row: int) -> None:
    generator = dcgan()
    explorer = explorers.LatentExplorer(generator, 3, kind)
    start, text = shown(explorer), explorer.readout.value
    explorer.sliders[row].value = -1.3
    vectors = torch.eye(10) if kind == "axes" else latent.principal_directions(generator, 10).vectors
    z = models.latents(1, 10, runtime.seeded_generator(3)) - 1.3 * vectors[row]
    assert explorer.picture.value == canvas.painted(explorer.space.images(z), 24) != start[0]
    assert f"moved by -1.3 along {'axis' if kind == 'axes' else 'direction'} {row}." in explorer.readout.value
    assert f",{row}-1.3@" in explorer.code.value
    explorer.sliders[row].value = 0.0
    assert shown(explorer) == start and explorer.readout.value == text


def test_float_noise_from_the_browser_does_not_enter_the_code() -> None:
    explorer = explorers.LatentExplorer(dcgan())
    explorer.sliders[0].value = 0.1 + 0.2
    assert explorer.point().moves == ((0, 0.3),) and ",0+0.3@" in explorer.code.value
    there = shown(explorer)
    explorer.back.click()
    explorer.code.value = there[1]
    assert shown(explorer) == there


def test_a_new_seed_keeps_the_moves_and_draw_takes_another() -> None:
    explorer = explorers.LatentExplorer(dcgan(), 1)
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
    explorer = explorers.LatentExplorer(dcgan(), directions="axes")
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
    explorer = explorers.LatentExplorer(dcgan())
    start = explorer.picture.value
    explorer.first.value = 3
    explorer.sliders[0].value = 1.0
    explorer.kind.value = "axes"
    assert explorer.point() == latent.Point(0, "axes") and explorer.picture.value == start
    assert (explorer.first.value, explorer.sliders[0].description, explorer.code.value) == (0, "axis 0", "0a@10")


def test_back_to_start() -> None:
    explorer = explorers.LatentExplorer(dcgan())
    start = shown(explorer)
    explorer.sliders[0].value, explorer.sliders[3].value = 2.9, -3.0
    explorer.first.value = 4
    explorer.sliders[0].value = 1.0
    explorer.back.click()
    assert shown(explorer) == start and explorer.point() == latent.Point(0)
    assert explorer.first.value == 4 and {control.value for control in explorer.sliders} == {0}


def test_a_code_from_one_explorer_sets_another() -> None:
    sender, receiver = (explorers.LatentExplorer(dcgan(), seed, kind) for seed, kind in ((5, "principal"), (8, "axes")))
    sender.first.value = 4
    sender.sliders[1].value, sender.sliders[2].value = -2.4, 0.7
    receiver.code.value = f" {sender.code.value.upper()}"
    assert shown(receiver) == shown(sender) and receiver.readout.value == sender.readout.value
    assert (receiver.seed.value, receiver.kind.value, receiver.first.value) == (5, "principal", 4)
    assert [control.value for control in receiver.sliders] == [0, -2.4, 0.7, 0]


@pytest.mark.parametrize("code", ["<b>nonsense</b>", "7a@100", "7p,0+1@0000", "7a,3+9@10"])
def test_a_bad_code_says_so_and_changes_nothing(code: str) -> None:
    explorer = explorers.LatentExplorer(dcgan(), 4)
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
    explorer = explorers.LatentExplorer(dcgan(latent_dim=2))
    assert len(explorer.sliders) == 2 and explorer.first.max == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"directions": "pca"}, "directions: got 'pca', expected one of principal, axes"),
        ({"seed": -1}, "seed: got -1, expected a whole number >= 0"),
        ({"seed": 10**9}, "seed: got 1000000000, expected nine digits at most"),
    ],
)
def test_the_explorer_refuses_bad_arguments(arguments: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        explorers.LatentExplorer(dcgan(), **arguments)


def test_training_goes_on_undisturbed_and_the_widget_keeps_its_generator() -> None:
    generator, state = dcgan().train(), torch.get_rng_state()
    explorer = explorers.LatentExplorer(generator)
    start = explorer.picture.value
    for weight in generator.parameters():
        weight.data *= 2
    explorer.sliders[0].value = 1.0
    explorer.sliders[0].value = 0.0
    assert explorer.picture.value == start
    assert generator.training and torch.equal(torch.get_rng_state(), state)


def test_sliders_moved_on_several_threads_end_in_one_true_picture() -> None:
    explorer = explorers.LatentExplorer(dcgan())

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
    assert explorer.picture.value == canvas.painted(explorer.space.images(explorer.space.z(point)), 24)


def test_widgets_can_be_found_and_have_labels() -> None:
    explorer, walk = explorers.LatentExplorer(dcgan(1, 32)), explorers.LatentWalk(dcgan(1, 32))
    for widget in (explorer, walk):
        assert "ganlab-widget" in widget._dom_classes and "ganlab-picture" in widget.picture._dom_classes
        assert "ganlab-readout" in widget.readout._dom_classes
    labelled = [explorer.seed, explorer.draw, explorer.kind, explorer.first, *explorer.sliders, explorer.back]
    labelled += [explorer.code, *walk.ends, walk.way]
    assert all(control.description for control in labelled)
    assert {(control.min, control.max, control.step) for control in explorer.sliders} == {(-3, 3, 0.1)}


# The walk.


def test_the_walk_begins_and_ends_at_its_samples() -> None:
    generator = dcgan()
    walk = explorers.LatentWalk(generator, seed=3)
    z = models.latents(8, 10, runtime.seeded_generator(3))
    assert torch.equal(walk.z, z)
    for a, b in ((0, 1), (4, 2), (6, 6)):
        walk.ends[0].value, walk.ends[1].value = a, b
        for t, end in ((0.0, a), (1.0, b)):
            walk.way.value = t
            assert walk.picture.value == canvas.painted(walk.space.images(z[end : end + 1]), 24)
    walk.ends[0].value, walk.ends[1].value, walk.way.value = 4, 2, 0.3
    halfway = models.slerp(z[4], z[2], 0.3)
    assert walk.picture.value == canvas.painted(walk.space.images(halfway[None]), 24)
    straight = (0.7 * z[4] + 0.3 * z[2]).norm()
    assert "30% of the way from sample 5 to sample 3" in walk.readout.value
    assert f"z is {halfway.norm():.1f} long; on a straight line it would be {straight:.1f}." in walk.readout.value


def test_the_strip_shows_the_way_and_follows_the_ends_alone() -> None:
    walk = explorers.LatentWalk(dcgan(), seed=3)
    strip = walk.strip.value
    walk.way.value = 0.5
    assert walk.strip.value == strip
    walk.ends[1].value = 5
    assert walk.strip.value != strip
    path = models.slerp(walk.z[0], walk.z[5], torch.linspace(0, 1, 8))
    assert walk.strip.value == canvas.painted(walk.space.images(path), 4, columns=8)
    assert pixels(walk.strip).shape == (64, 8 * 64 + 7 * 8, 3)


def test_eight_numbered_samples_are_shown() -> None:
    walk = explorers.LatentWalk(dcgan(), seed=3)
    numbered = walk.children[0].children
    assert [box.children[1].value for box in numbered] == [str(k) for k in range(1, 9)]
    for k, box in enumerate(numbered):
        assert box.children[0].value == canvas.painted(walk.space.images(walk.z)[k : k + 1], 4)
    assert [label for label, _ in walk.ends[0].options] == [str(k) for k in range(1, 9)]


def test_play_and_slider_keep_together() -> None:
    walk = explorers.LatentWalk(dcgan())
    before = walk.picture.value
    walk.play.value = 20
    assert walk.way.value == pytest.approx(0.4) and walk.picture.value != before
    walk.way.value = 0.5
    assert walk.play.value == 25
    walk.play.value = walk.play.max
    assert walk.way.value == 1


def test_the_walk_goes_between_the_readers_own_latents() -> None:
    z = 2 * models.latents(3, 10, runtime.seeded_generator("own"))
    walk = explorers.LatentWalk(dcgan(), z=z)
    assert [label for label, _ in walk.ends[0].options] == ["1", "2", "3"]
    walk.ends[0].value, walk.ends[1].value, walk.way.value = 0, 2, 1.0
    assert walk.picture.value == canvas.painted(walk.space.images(z[2:]), 24)
    for wrong in (z[:1], z[:, :9], z[0], z.repeat(3, 1)):
        with pytest.raises(ValueError, match=r"z: got shape .*expected \(n, 10\) with n from 2 to 8"):
            explorers.LatentWalk(dcgan(), z=wrong)


# The dial.


def test_the_dial_shows_what_belongs_to_the_stop() -> None:
    stops = {f"beta {k}": (torch.full((4, 1, 8, 8), k / 2 - 1), f"rate <{k}>") for k in range(3)}
    dial = explorers.Dial("weight", stops, columns=2)
    for name, (images, sentence) in stops.items():
        dial.choice.value = name
        assert dial.picture.value == canvas.painted(images, 8, columns=2)
        assert dial.readout.value == sentence.replace("<", "&lt;").replace(">", "&gt;")
    assert dial.choice.description == "weight" and "ganlab-widget" in dial._dom_classes
    with pytest.raises(ValueError, match="stops: got 1, expected two or more"):
        explorers.Dial("weight", {"one": stops["beta 1"]})
