"""Flips and shifts of a batch: what they do to each image, and that they depend on (seed, step) alone."""

import pytest
import torch
from games import on_each_device

from ganlab.data import ImageSet

SIDE = 8


def pictures(count: int = 64, channels: int = 3) -> ImageSet:
    """Return images in which no row, column or channel equals another, so that every change shows."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, channels, SIDE, SIDE), dtype=torch.uint8, generator=generator)
    return ImageSet(pixels, torch.arange(count), ("some",) * count, "noise", "train")


def as_bytes(images: torch.Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


def plain(images: ImageSet, labels: torch.Tensor) -> torch.Tensor:
    """Return the unchanged images of these labels, in [0, 1]."""
    return images.images[labels].float() / 255


@on_each_device
@pytest.mark.parametrize(("flip", "turns"), [("none", 1), ("horizontal", 2), ("both", 4)])
def test_a_flip_turns_each_image_on_its_own_and_whole(flip, turns, device):
    images = pictures(400)
    batches = images.batches(400, 3, device, scale="unit", flip=flip)
    got, straight = batches.at(1).cpu(), plain(images, batches.labels_at(1).cpu())
    ways = {"as it is": straight, "left-right": straight.flip(3), "up-down": straight.flip(2)}
    ways["round"] = straight.flip(2, 3)
    counts = [sum(torch.equal(a, b) for a, b in zip(got, way, strict=True)) for way in ways.values()]
    assert sum(counts) == 400  # each image is one of the four, all channels alike
    assert [count > 0 for count in counts] == [True, turns > 1, turns > 2, turns > 2]
    for count in counts[:turns]:
        assert abs(count - 400 / turns) < 60  # six standard deviations and more


@on_each_device
def test_a_shift_moves_the_image_and_repeats_its_edge(device):
    images = pictures(300)
    batches = images.batches(300, 3, device, scale="unit", shift=2)
    got, straight = batches.at(1).cpu(), plain(images, batches.labels_at(1).cpu())
    padded = torch.nn.functional.pad(straight, (2, 2, 2, 2), mode="replicate")
    seen = {}
    for down in range(-2, 3):
        for right in range(-2, 3):
            moved = padded[:, :, 2 - down : 2 - down + SIDE, 2 - right : 2 - right + SIDE]
            seen[down, right] = int((got == moved).flatten(1).all(1).sum())
    assert sum(seen.values()) == 300
    assert all(1 <= count <= 30 for count in seen.values())  # 12 each on average


@on_each_device
def test_draws_depend_on_seed_and_step_alone(device):
    images = pictures()
    options = {"flip": "both", "shift": 2}
    first = images.batches(16, 5, device, **options)
    assert torch.equal(first.at(9), images.batches(16, 5, device, **options).at(9))  # asked for first, or last
    assert torch.equal(first.at(9).cpu(), images.batches(16, 5, "cpu", **options).at(9))
    one_epoch = [first.at(step).cpu() for step in (0, 4)]  # the same images in both epochs, in another order
    assert set(as_bytes(one_epoch[0])) != set(as_bytes(one_epoch[1]))
    state = torch.get_rng_state()
    first.at(3)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_set_itself_and_the_order_of_its_images_stay():
    images = pictures()
    before = images.images.clone()
    changed, straight = images.batches(16, 5, flip="both", shift=3), images.batches(16, 5)
    for step in range(6):
        changed.at(step)
        assert torch.equal(changed.labels_at(step), straight.labels_at(step))
    assert torch.equal(images.images, before)


def test_binary_pixels_are_drawn_after_the_changes():
    batches = pictures().batches(16, 5, scale="binary", flip="both", shift=1)
    assert set(batches.at(0).unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"flip": "sideways"}, "flip: got 'sideways', expected one of none, horizontal, both"),
        ({"shift": -1}, "shift: got -1"),
        ({"shift": 5}, "shift: got 5, expected at most 4 pixels"),
        ({"shift": 1.5}, "shift: got 1.5"),
    ],
)
def test_wrong_changes_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        pictures().batches(8, **options)
