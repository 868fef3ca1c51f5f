"""Sets and batches: what `load` returns, what a batch depends on, and every way to ask for the wrong thing."""

import socket
import warnings
from collections.abc import Iterator

import pytest
import torch

from ganlab import data
from ganlab.data import DataError, ImageSet, packaged


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """None of these sets may open a connection, not even to build what the cache lacks."""

    def refuse(self, address):
        raise AssertionError(f"tried to connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def numbered(count: int) -> ImageSet:
    """Return `count` images of 1x2x2 that carry their own number: it is their label, and in their first two pixels."""
    number = torch.arange(count)
    images = torch.stack([number % 256, number // 256, number * 0, number * 0 + 255], dim=1).to(torch.uint8)
    return ImageSet(images.view(count, 1, 2, 2), number, ("some",) * count, "numbered", "train")


def numbers(batch: torch.Tensor) -> list[int]:
    """Return which of `numbered` a batch in scale "unit" shows."""
    pixels = (batch * 255).round().long().flatten(1)
    return (pixels[:, 0] + 256 * pixels[:, 1]).tolist()


# What load returns


def test_digits_are_4000_and_1000_images_of_ten_balanced_classes():
    for split, each in (("train", 400), ("test", 100)):
        digits = data.load("digits", split)
        assert digits.images.shape == (10 * each, 1, 28, 28) and digits.images.dtype == torch.uint8
        assert digits.labels.dtype == torch.int64 and digits.pairs is None and len(digits) == 10 * each
        assert torch.bincount(digits.labels).tolist() == [each] * 10
        assert digits.labels[:20].tolist() == [*range(10), *range(10)]  # any ten in a row show every digit
        assert (digits.images.min(), digits.images.max()) == (0, 255)
        assert (digits.classes, digits.name, digits.split) == (tuple("0123456789"), "digits", split)


def test_a_digit_looks_like_its_label():
    train, test = data.load("digits"), data.load("digits", "test")
    means = torch.stack([train.images[train.labels == k].float().mean(0).flatten() for k in range(10)])
    nearest = torch.cdist(test.images.float().flatten(1), means).argmin(1)
    assert (nearest == test.labels).float().mean() > 0.75  # the nearest of ten mean images; chance is 0.1


def test_no_digit_occurs_twice_within_or_across_the_splits():
    images = [image.numpy().tobytes() for split in data.SPLITS for image in data.load("digits", split).images]
    assert len(set(images)) == len(images) == 5000


def test_size_32_is_size_28_with_zeros_around():
    small, large = data.load("digits", "test"), data.load("digits", "test", size=32)
    assert large.images.shape == (1000, 1, 32, 32) and large.images.dtype == torch.uint8
    assert torch.equal(large.images[:, :, 2:-2, 2:-2], small.images)
    assert large.images.long().sum() == small.images.long().sum()  # so the border holds nothing
    assert torch.equal(data.load("digits", "test", size=28).images, small.images)


def test_earth_is_square_tiles_in_colour_with_a_relief_of_each():
    for split, count in (("train", 2383), ("test", 436)):
        earth = data.load("earth", split)
        assert earth.images.shape == earth.pairs.shape == (count, 3, 64, 64)
        assert earth.images.dtype == earth.pairs.dtype == torch.uint8 and earth.labels.dtype == torch.int64
        assert earth.classes == ("snow", "shore", "dry", "green", "mixed")
        assert torch.bincount(earth.labels, minlength=5).min() >= 37  # every kind is in both splits


def test_a_set_says_what_it_is_in_one_line_that_holds_on_any_machine():
    assert repr(data.load("earth", "test")) == "earth (test): 436 images of 3x64x64 with 5 classes and pairs"
    assert repr(data.load("digits", size=32)) == "digits (train): 4,000 images of 1x32x32 with 10 classes"
    assert (
        repr(ImageSet(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), None, (), "own", "test"))
        == "own (test): 2 images of 1x4x4"
    )


BYTES = torch.zeros(3, 1, 4, 4, dtype=torch.uint8)
LABELS = torch.tensor([0, 1, 1])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"images": BYTES / 255}, r"images: got float32 \(3, 1, 4, 4\) from 0 to 0, .* give \(255 \* images\).round"),
        ({"images": BYTES + 200.0}, "images: got .* from 200 to 200, expected uint8 .* give images.round"),
        ({"images": BYTES - 1.0}, r"images: got .* from -1 to -1, .* give \(\(images \+ 1\) \* 127.5\).round"),
        ({"images": BYTES + 300.0}, "images: got .* from 300 to 300, expected uint8 in 0..255$"),
        ({"images": BYTES.long()}, "images: got int64"),
        ({"images": BYTES[0]}, r"images: got uint8 \(1, 4, 4\), expected a uint8 tensor \(N, C, H, W\)"),
        ({"images": BYTES[:0]}, "images: got .* with at least one image"),
        ({"images": BYTES.numpy()}, "images: got ndarray"),
        ({"labels": LABELS.int()}, r"labels: got int32 \(3,\), expected int64 \(3,\)"),
        ({"labels": LABELS[:2]}, r"labels: got int64 \(2,\), expected int64 \(3,\)"),
        ({"labels": [0, 1, 1]}, "labels: got list"),
        ({"labels": LABELS + 1}, "labels: got 1 to 2, expected 0 to 1, for 2 classes"),
        ({"labels": LABELS - 1}, "labels: got -1 to 0"),
        ({"classes": ()}, "labels: got 0 to 1, expected"),
        ({"classes": ["a", "b"]}, "classes: got .*, expected a tuple of names"),
        ({"classes": (0, 1)}, "classes: got .*, expected a tuple of names"),
        ({"pairs": BYTES / 255}, "pairs: got float32"),
        ({"pairs": BYTES[:2]}, r"pairs: got uint8 \(2, 1, 4, 4\), expected one for each image"),
        ({"pairs": BYTES[..., :2]}, "pairs: got .*, expected one for each image"),
    ],
)
def test_a_set_refuses_what_it_cannot_hold(wrong, said):
    right = {"images": BYTES, "labels": LABELS, "classes": ("a", "b"), "name": "own", "split": "train", "pairs": BYTES}
    ImageSet(**right)
    with pytest.raises(ValueError, match=said) as caught:
        ImageSet(**(right | wrong))
    assert "\n" not in str(caught.value)


def test_the_digest_of_a_set_is_of_all_that_a_run_learns_from():
    right = {"images": BYTES, "labels": LABELS, "classes": ("a", "b"), "name": "own", "split": "train", "pairs": BYTES}
    others = {"images": BYTES + 1, "labels": 1 - LABELS, "classes": ("b", "a"), "pairs": BYTES + 1}
    sets = [ImageSet(**right), *(ImageSet(**(right | {name: value})) for name, value in others.items())]
    sets += [ImageSet(**(right | {"labels": None})), ImageSet(**(right | {"pairs": None}))]
    assert len({one.digest for one in sets}) == len(sets) and len(sets[0].digest) == 64
    turned = BYTES.contiguous(memory_format=torch.channels_last)
    assert ImageSet(**(right | {"images": turned, "name": "other", "split": "all"})).digest == sets[0].digest


def test_all_of_a_set_is_both_splits():
    whole, train, test = (data.load("digits", split) for split in ("all", "train", "test"))
    assert torch.equal(whole.images, torch.cat([train.images, test.images])) and whole.notes == ()
    assert torch.equal(whole.labels, torch.cat([train.labels, test.labels]))


def test_a_folder_called_like_a_set_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert data.load("digits").name == "digits"
    assert (
        capsys.readouterr().err == "digits (train): a folder called digits is here too; to load that, write ./digits\n"
    )


@pytest.mark.parametrize("options", [{"fit": "pad"}, {"test_share": 0.2}, {"skip_broken": True}])
def test_options_for_folders_are_refused_with_a_set(options):
    with pytest.raises(DataError, match="these are for a folder of images, not for digits"):
        data.load("digits", **options)


# What a batch is


def test_each_scale_maps_the_bytes_as_it_says():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    one = ImageSet(images, None, (), "all bytes", "train")
    tanh, unit = one.batches(1, scale="tanh").at(0), one.batches(1, scale="unit").at(0)
    assert tanh.dtype == unit.dtype == torch.float32 and tanh.shape == (1, 1, 16, 16)
    assert (tanh.min(), tanh.max(), unit.min(), unit.max()) == (-1, 1, 0, 1)
    assert torch.allclose(tanh, images / 127.5 - 1, atol=1e-6) and torch.allclose(unit, images / 255, atol=1e-6)
    assert torch.equal(images, torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16))  # the set is left alone


def test_binary_draws_each_pixel_afresh_with_its_own_probability():
    values = torch.tensor([0, 1, 51, 204, 254, 255], dtype=torch.uint8)
    images = values.view(6, 1, 1, 1).expand(6, 1, 40, 40).contiguous()
    batches = ImageSet(images, torch.arange(6), tuple("abcdef"), "grey", "train").batches(6, seed=3, scale="binary")
    draws = torch.stack([batches.at(step)[batches.labels_at(step).argsort()] for step in range(50)])
    assert set(draws.unique().tolist()) == {0.0, 1.0} and draws.dtype == torch.float32
    share, expected = draws.double().mean((0, 2, 3, 4)), values.double() / 255
    error = (expected * (1 - expected) / (50 * 1600)).sqrt()  # standard error of each share
    assert ((share - expected).abs() <= 4 * error).all(), f"shares {share.tolist()}, expected {expected.tolist()}"
    assert not torch.equal(draws[0, 3], draws[1, 3])  # fresh at each step
    assert torch.equal(batches.at(7), ImageSet.batches(_same(images), 6, seed=3, scale="binary").at(7))


def _same(images: torch.Tensor) -> ImageSet:
    return ImageSet(images, None, (), "same", "train")


def test_at_is_a_pure_function_of_seed_and_step():
    there, here = numbered(300).batches(32, seed=5), numbered(300).batches(32, seed=5)
    forward = [there.at(step) for step in range(30)]
    assert all(torch.equal(here.at(step), forward[step]) for step in reversed(range(30)))
    assert all(torch.equal(a, b) for a, b in zip(there, forward, strict=False))  # iter yields at(0), at(1), ...
    other = numbered(300).batches(32, seed=6)
    assert not any(torch.equal(other.at(step), forward[step]) for step in range(30))


def test_iterating_goes_on_for_ever():
    steps: Iterator = iter(numbered(4).batches(3))
    assert [next(steps).shape for _ in range(10)] == [(3, 1, 2, 2)] * 10


def test_each_epoch_shows_every_image_once_in_a_new_order():
    batches = numbered(300).batches(30, seed=1, scale="unit")
    assert batches.steps_per_epoch == 10
    epochs = [[n for step in range(10 * e, 10 * e + 10) for n in numbers(batches.at(step))] for e in range(3)]
    assert all(sorted(epoch) == list(range(300)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3 and epochs[0] != list(range(300))


def test_a_last_partial_batch_is_dropped_and_no_image_comes_twice_in_an_epoch():
    batches = numbered(10).batches(4, scale="unit")
    assert batches.steps_per_epoch == 2
    for epoch in range(20):
        shown = numbers(batches.at(2 * epoch)) + numbers(batches.at(2 * epoch + 1))
        assert len(set(shown)) == 8


def test_labels_at_belong_to_the_images_of_at():
    batches = numbered(300).batches(7, seed=2, scale="unit")
    assert all(batches.labels_at(step).tolist() == numbers(batches.at(step)) for step in (0, 41, 42, 43, 100))


def test_batches_leave_the_global_random_state_alone():
    before = torch.get_rng_state()
    for scale in data.SCALES:
        numbered(8).batches(4, scale=scale).at(3)
    assert torch.equal(torch.get_rng_state(), before)


# Wrong questions


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"batch_size": 11}, r"batch_size: got 11, expected at most the 10 images of numbered \(train\)"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"batch_size": 2.5}, "batch_size: got 2.5"),
        ({"batch_size": 2, "scale": "tahn"}, "scale: got 'tahn', expected one of tanh, unit, binary"),
        ({"batch_size": 2, "seed": -1}, "seed: got -1"),
    ],
)
def test_batches_refuse_what_cannot_work(wrong, said):
    with pytest.raises(ValueError, match=said):
        numbered(10).batches(**wrong)


def test_a_batch_has_no_negative_step_and_no_labels_that_the_set_lacks():
    with pytest.raises(ValueError, match="step: got -1"):
        numbered(10).batches(2).at(-1)
    with pytest.raises(ValueError, match="no labels"):
        _same(torch.zeros(3, 1, 2, 2, dtype=torch.uint8)).batches(2).labels_at(0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fashon",), "Did you mean 'fashion'.*digits, earth, relief, icons, glyphs, fashion, mnist, kmnist"),
        (("MNIST",), "Did you mean 'mnist'"),
        (("celeba",), "no set and no folder.*digits, earth"),
        (("./nowhere",), "'nowhere'|'./nowhere'"),
        ((7,), "name_or_folder: got 7"),
        (("digits", "valid"), "split: got 'valid', expected one of train, test, all"),
        (("digits", "train", 64), "size: got 64, expected 28 or 32 for 'digits'"),
        (("earth", "train", 32), "size: got 32, expected 64 for 'earth'"),
        (("digits", "train", "28"), "size: got '28'"),
        (("digits", "train", 0), "size: got 0"),
        ((__file__,), "this is a file"),
    ],
)
def test_load_names_what_is_wrong(arguments, said):
    with pytest.raises(DataError, match=said):
        data.load(*arguments)


def test_a_name_far_from_all_sets_gets_no_suggestion():
    with pytest.raises(DataError) as error:
        data.load("celeba")
    assert "Did you mean" not in str(error.value)


def test_describe_reads_no_image_and_builds_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "none yet"))
    monkeypatch.setattr(packaged, "build_digits", lambda: pytest.fail("built"))
    states = {status.name: status for status in data.describe()}
    assert list(states) == ["digits", "earth", "relief", "icons", "glyphs", "fashion", "mnist", "kmnist"]
    assert states["digits"].state == states["earth"].state == "to be built"
    assert states["icons"].state == "present"
    assert states["mnist"].state == states["kmnist"].state == "to be downloaded"
    assert states["fashion"].state in ("present", "to be downloaded")
    assert states["mnist"].download_megabytes == pytest.approx(11.6) and states["digits"].download_megabytes == 0
    assert states["kmnist"].fix == "python -m ganlab data fetch kmnist"
    assert states["digits"].path.parent == tmp_path / "none yet" and not (tmp_path / "none yet").exists()


def test_fetch_builds_a_set_and_says_that_it_is_present():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        status = data.fetch("digits")
    assert status.state == "present" and status.path.is_file() and status.fix == ""
    with pytest.raises(DataError, match="name: got 'digit', expected one of digits.*Did you mean 'digits'"):
        data.fetch("digit")


def test_stacked_pictures_are_three_digits_drawn_apart():
    digits = data.load("digits", size=32)
    stacked = data.Stacked(digits, 64, seed=2)
    batch, labels = stacked.at(3), stacked.labels_at(3)
    assert batch.shape == (64, 3, 32, 32) and labels.shape == (64, 3)
    for k, (channel, label) in enumerate(zip(batch.unbind(1), labels.unbind(1), strict=True)):
        alone = digits.batches(64, seed=6 + k)
        assert torch.equal(channel[:, None], alone.at(3)) and torch.equal(label, alone.labels_at(3))
    many = torch.cat([stacked.labels_at(step) for step in range(400)]) @ torch.tensor([100, 10, 1])
    assert len(many.unique()) == 1000 and torch.bincount(many).max() < 60  # 25.6 of each, if they are independent
    with pytest.raises(ValueError, match=r"images: got earth .*, expected grey ones"):
        data.Stacked(data.load("earth"), 64)
