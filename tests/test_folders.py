"""A folder of one's own images: what becomes of each kind of file, and the one clear error for each kind of trouble."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganlab import data
from ganlab.data import DataError, folders

TRAIN = [name for name in (f"{i}.png" for i in range(99)) if not folders.is_test(name)]  # names that hash to train


def paint(path, colour, size=(20, 20), **save) -> None:
    """Save an image of one colour: a number for grey, three for RGB, four for RGBA."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "L" if isinstance(colour, int) else {3: "RGB", 4: "RGBA"}[len(colour)]
    Image.new(mode, size, colour).save(path, **save)


def refused(folder, *phrases, split="train") -> None:
    with pytest.raises(DataError) as caught:
        data.load(folder, split)
    message = str(caught.value)
    assert all(phrase in message for phrase in (str(folder), *phrases)), message


def test_loose_images_become_one_tensor_without_labels(tmp_path):
    for i, suffix in enumerate(("png", "bmp", "webp", "tiff", "gif", "JPG", "jpeg")):
        paint(tmp_path / f"{i}.{suffix}", (200, 30 * i, 10))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._0.png").write_bytes(b"what macOS leaves beside files")
    both = [data.load(str(tmp_path), split) for split in data.SPLITS if any_in(tmp_path, split)]
    assert sum(map(len, both)) == 7
    one = both[0]
    assert one.images.shape[1:] == (3, 64, 64) and one.images.dtype == torch.uint8
    assert one.labels is None and one.classes == () and one.pairs is None and one.name == tmp_path.name
    colours = torch.cat([each.images for each in both]).float().mean((2, 3))
    assert (colours[:, 0] - 200).abs().max() < 8 and len(colours[:, 1].round().unique()) == 7


def any_in(folder, split) -> bool:
    return any(folders.is_test(path.name) == (split == "test") for path in folder.glob("[0-9]*"))


def test_subfolders_are_labels_in_alphabetical_order_in_both_splits(tmp_path):
    for i in range(40):
        paint(tmp_path / "cat" / f"{i}.png", (255, 0, 0))
        paint(tmp_path / "ant" / "more" / f"{i}.png", (0, 0, 255))
    splits = [data.load(tmp_path, split) for split in data.SPLITS]
    assert [one.classes for one in splits] == [("ant", "cat")] * 2 and sum(map(len, splits)) == 80
    for one in splits:
        assert one.labels.dtype == torch.int64
        assert ((one.images[:, 0, 0, 0] == 255) == (one.labels == 1)).all() and set(one.labels.tolist()) == {0, 1}


def test_the_split_depends_on_the_name_alone_and_sends_about_a_tenth_to_test(tmp_path):
    names = [f"photo-{i}.jpg" for i in range(5000)]
    assert 0.085 < sum(map(folders.is_test, names)) / 5000 < 0.115
    assert [i for i in range(60) if folders.is_test(names[i])] == [3, 4, 10, 40, 45, 57]  # for ever and everywhere
    assert folders.is_test("cafe\u0301.png") == folders.is_test("caf\u00e9.png")
    for name in TRAIN[:5]:
        paint(tmp_path / name, (1, 2, 3))
    refused(tmp_path, "none of its 5 images falls into the test split", split="test")
    paint(tmp_path / "photo-3.jpg", (1, 2, 3))
    paint(tmp_path / "photo-5.jpg", (1, 2, 3))
    assert (len(data.load(tmp_path)), len(data.load(tmp_path, "test"))) == (6, 1)


def test_an_image_is_cropped_to_its_centre_and_resized(tmp_path):
    pixels = np.zeros((30, 90, 3), np.uint8)
    pixels[:, 30:60] = (10, 200, 90)  # only the middle third is left by the crop
    Image.fromarray(pixels).save(tmp_path / TRAIN[0])
    one = data.load(tmp_path, size=16)
    assert one.images.shape == (1, 3, 16, 16)
    inner = one.images[:, :, 3:-3, 3:-3]  # the filter looks a little beyond the crop's edge
    assert (inner == torch.tensor([10, 200, 90]).view(1, 3, 1, 1)).all()


def test_a_large_jpeg_keeps_its_shape_and_its_exif_orientation(tmp_path):
    pixels = np.zeros((600, 600), np.uint8)
    pixels[:300, :300] = 255  # bright upper left as stored; shown, a quarter turn clockwise: upper right
    exif = Image.Exif()
    exif[0x0112] = 6
    name = TRAIN[0].replace("png", "jpg")
    assert not folders.is_test(name) or pytest.fail("choose another name")
    Image.fromarray(pixels).save(tmp_path / name, exif=exif)
    quarters = data.load(tmp_path, size=32).images[0, 0].view(2, 16, 2, 16).float().mean((1, 3))
    assert (quarters - torch.tensor([[0.0, 255], [0, 0]])).abs().max() < 6


def test_all_grey_stays_grey_and_one_colour_image_makes_all_rgb(tmp_path):
    for i, name in enumerate(TRAIN[:4]):
        paint(tmp_path / name, 60 * i)
    grey = data.load(tmp_path)
    assert grey.images.shape == (4, 1, 64, 64) and grey.images[:, 0, 0, 0].tolist() == [0, 60, 120, 180]
    in_test = next(f"t{i}.png" for i in range(99) if folders.is_test(f"t{i}.png"))
    paint(tmp_path / in_test, (9, 99, 199))  # even one in the other split: both splits must have the same shape
    both = data.load(tmp_path)
    assert both.images.shape == (4, 3, 64, 64) and torch.equal(both.images, grey.images.expand(4, 3, 64, 64))
    assert data.load(tmp_path, "test").images[0, :, 0, 0].tolist() == [9, 99, 199]


def test_sixteen_bits_transparency_palettes_and_bitmaps_keep_their_looks(tmp_path):
    Image.fromarray(np.full((20, 20), 128 * 256 + 77, np.uint16)).save(tmp_path / TRAIN[0])
    paint(tmp_path / TRAIN[1], (255, 0, 0, 0))  # wholly transparent red: white on a page
    Image.new("RGB", (20, 20), (10, 200, 30)).quantize(8).save(tmp_path / TRAIN[2])
    Image.new("1", (20, 20), 1).save(tmp_path / TRAIN[3])
    shown = {
        name: image[:, 5, 5].tolist() for name, image in zip(sorted(TRAIN[:4]), data.load(tmp_path).images, strict=True)
    }
    assert [shown[name] for name in TRAIN[:4]] == [[128] * 3, [255] * 3, [10, 200, 30], [255] * 3]


def test_the_order_is_that_of_the_names(tmp_path):
    for i, name in reversed(list(enumerate(sorted(TRAIN[:6])))):
        paint(tmp_path / name, 40 * i)
    assert data.load(tmp_path).images[:, 0, 0, 0].tolist() == [0, 40, 80, 120, 160, 200]


def test_a_folder_without_images_says_what_was_looked_for(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing here")
    refused(tmp_path, "no images", ".png", ".webp")


def test_loose_images_beside_subfolders_are_refused_with_one_of_each_named(tmp_path):
    paint(tmp_path / "loose.png", (1, 2, 3))
    paint(tmp_path / "cats" / "tom.png", (1, 2, 3))
    refused(tmp_path, "loose.png", "cats/tom.png", "Put all into subfolders")


@pytest.mark.parametrize("harm", [b"", b"not an image at all", b"\x89PNG\r\n\x1a\n broken", None])
def test_a_broken_image_is_named(tmp_path, harm):
    for name in TRAIN[:3]:
        paint(tmp_path / name, (1, 2, 3), size=(200, 200))
    broken = tmp_path / TRAIN[1]
    if harm is None:  # cut half way: its head is sound
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)).save(broken)
        harm = broken.read_bytes()[:40_000]
    broken.write_bytes(harm)
    refused(tmp_path, f"{broken}: this image cannot be read", "Mend or remove it")


def test_of_many_broken_images_the_first_are_named_and_all_are_counted(tmp_path):
    for name in TRAIN[:8]:
        (tmp_path / name).write_bytes(b"broken")
    first = sorted(TRAIN[:8])
    refused(tmp_path, f"{tmp_path / first[0]}: this image cannot be read", "and 7 more", first[4])


def test_pixels_without_a_known_range_are_refused(tmp_path):
    name = TRAIN[0].replace("png", "tif")
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / name)
    split = "test" if folders.is_test(name) else "train"
    refused(tmp_path, name, "without a known range", split=split)
