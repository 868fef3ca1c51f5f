"""The walk without a browser: which images it passes, in which order, along which line; and what it saves."""

import io
from pathlib import Path

import PIL.Image
import pytest
import torch
from test_explorers import dcgan

from ganlab import models, runtime, widgets
from ganlab.data import pixels
from ganlab.widgets import kit


def pair() -> widgets.LatentWalk:
    """Return the walk of a GAN and a VAE of other sizes, side by side, between three latents each."""
    with runtime.seeded(0):
        vae = models.conv_vae(latent_dim=6, size=8, width=4, hidden=8)
    z = {"GAN": torch.randn(3, 10, generator=runtime.seeded_generator(0))}
    z["VAE"] = torch.randn(3, 6, generator=runtime.seeded_generator(1))
    return widgets.LatentWalk({"GAN": dcgan(1), "VAE": vae}, z=z)


def press(walk: widgets.LatentWalk, *numbers: int) -> None:
    for number in numbers:
        button = walk.buttons[number - 1]
        button.value = not button.value


def test_the_way_passes_its_stops_and_each_leg_is_as_long_as_any() -> None:
    stops = torch.randn(4, 9, generator=runtime.seeded_generator(0))
    at_stops = models.interpolate(stops, torch.tensor([0, 1 / 3, 2 / 3, 1]))
    assert torch.allclose(at_stops, stops, atol=1e-5)
    for line, between in (("arc", models.slerp(stops[1], stops[2], 0.25)), ("straight", stops[1].lerp(stops[2], 0.25))):
        assert torch.allclose(models.interpolate(stops, torch.tensor([1.25 / 3]), line)[0], between, atol=1e-5)


def test_the_first_walk_is_from_sample_1_to_sample_2() -> None:
    walk = widgets.LatentWalk(dcgan(1), seed=3)
    z = models.latents(8, 10, runtime.seeded_generator(3))
    picture = walk.pictures[""]
    for t, end in ((0.0, 0), (1.0, 1)):
        walk.position.value = t
        assert picture.value == pixels.tile(walk.spaces[""].images(z[end : end + 1]), 1).tobytes()
    walk.position.value = 0.3
    halfway = models.slerp(z[0], z[1], 0.3)
    assert picture.value == pixels.tile(walk.spaces[""].images(halfway[None]), 1).tobytes()
    assert "30% of the way 1 to 2." in walk.readout.value
    assert f"z is {halfway.norm():.1f} long. A draw's is 3.2, give or take 0.7." in walk.readout.value
    walk.line.value = "straight"
    assert f"z is {z[0].lerp(z[1], 0.3).norm():.1f} long." in walk.readout.value


def test_numbers_are_walked_in_the_order_they_were_pressed() -> None:
    walk = widgets.LatentWalk(dcgan(1), seed=3)
    press(walk, 1, 7, 1)  # 1 off: too few until 7 is pressed; then 1 again, at the end
    assert walk.stops == [1, 6, 0]
    walk.position.value = 0.5
    assert torch.allclose(walk.points(torch.tensor([0.5]))[""][0], walk.z[""][6], atol=1e-5)
    strip = walk.spaces[""].images(walk.points(torch.linspace(0, 1, 8))[""])
    assert walk.strips[""].value == pixels.tile(strip, 8).tobytes()


def test_fewer_than_two_and_more_than_five_are_told_and_change_no_way() -> None:
    walk = widgets.LatentWalk(dcgan(1))
    press(walk, 2)
    assert walk.stops == [0, 1] and "Press 2 to 5 of the numbers" in walk.readout.value
    press(walk, 3, 4, 5, 6)
    assert walk.stops == [0, 2, 3, 4, 5] and "1 to 3 to 4 to 5 to 6" in walk.readout.value
    press(walk, 8)
    assert walk.stops == [0, 2, 3, 4, 5] and "5 images at most" in walk.readout.value and not walk.buttons[7].value
    press(walk, 3)
    assert walk.stops == [0, 3, 4, 5] and "at most" not in walk.readout.value


def test_the_strip_stays_while_the_slider_moves() -> None:
    walk = widgets.LatentWalk(dcgan(1))
    strip = walk.strips[""].value
    walk.position.value = 0.5
    assert walk.strips[""].value == strip
    walk.line.value = "straight"
    assert walk.strips[""].value != strip


def test_play_and_slider_keep_together() -> None:
    walk = widgets.LatentWalk(dcgan(1))
    before = walk.pictures[""].value
    walk.play.value = 40
    assert walk.position.value == pytest.approx(0.4) and walk.pictures[""].value != before
    walk.position.value = 0.5
    assert walk.play.value == 50
    walk.play.value = walk.play.max
    assert walk.position.value == 1


def test_generators_walk_side_by_side_each_through_its_own_latents() -> None:
    walk = pair()
    walk.position.value = 0.25
    for name in ("GAN", "VAE"):
        z = models.slerp(*walk.z[name][:2], 0.25)
        assert walk.pictures[name].value == pixels.tile(walk.spaces[name].images(z[None]), 1).tobytes()
        assert walk.pictures[name].zoom * walk.pictures[name].shape[1] == kit.LARGE // 2
    assert f"Length of z: GAN {models.slerp(*walk.z['GAN'][:2], 0.25).norm():.1f}, VAE" in walk.readout.value


def test_latents_of_the_readers_own_must_fit() -> None:
    z = torch.randn(3, 10, generator=runtime.seeded_generator("own"))
    assert len(widgets.LatentWalk(dcgan(1), z=z).buttons) == 3
    for wrong in (z[:1], z[:, :9], z[0], z.repeat(3, 1)):
        with pytest.raises(ValueError, match=r"z: got shape .*expected \(n, 10\) with n from 2 to 8"):
            widgets.LatentWalk(dcgan(1), z=wrong)
    with pytest.raises(ValueError, match="z: got 3 of a, 2 of b, expected as many of each"):
        widgets.LatentWalk({"a": dcgan(1), "b": dcgan(1)}, z={"a": z, "b": z[:2]})


def test_a_walk_is_saved_as_a_gif_and_nothing_is_overwritten(tmp_path: Path) -> None:
    walk = pair()
    walk.file.value = str(tmp_path / "walk.gif")
    walk.save.click()
    first = (tmp_path / "walk.gif").read_bytes()
    with PIL.Image.open(io.BytesIO(first)) as gif:
        assert gif.n_frames > 50 and gif.size == (2 * 16 * 12, 16 * 12)  # both sides as large as the larger
    assert "Saved as" in walk.readout.value
    press(walk, 3)
    walk.save.click()
    assert (tmp_path / "walk.gif").read_bytes() == first
    assert (tmp_path / "walk-2.gif").read_bytes() != first and "walk-2.gif" in walk.readout.value


def test_the_strip_is_saved_as_a_png_and_refusals_are_told(tmp_path: Path) -> None:
    walk = pair()
    walk.file.value = str(tmp_path / "walk.png")
    walk.save.click()
    with PIL.Image.open(tmp_path / "walk.png") as strip:
        assert strip.size == (2 * (8 * 18 - 2), 2 * (2 * 18 - 2))
    for name, reason in (("walk.jpeg", "ends in .gif or .png"), ("walk.png/walk.gif", "Nothing was written")):
        walk.file.value = str(tmp_path / name)
        walk.save.click()
        assert reason in walk.readout.value
    assert [path.name for path in tmp_path.iterdir()] == ["walk.png"]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = pair()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name, said in (("~/walk.png", "Saved as"), ("~nobody-of-that-name/walk.png", "no such user")):
        walk.file.value = name
        walk.save.click()
        assert said in walk.readout.value
    assert [path.name for path in tmp_path.iterdir()] == ["home"] and (tmp_path / "home" / "walk.png").is_file()


def test_the_walk_can_be_found_and_its_controls_have_labels() -> None:
    walk = pair()
    assert "ganlab-widget" in walk._dom_classes and "ganlab-readout" in walk.readout._dom_classes
    assert all(control.description for control in (*walk.buttons, walk.line, walk.position, walk.file, walk.save))
