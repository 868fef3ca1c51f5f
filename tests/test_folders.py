"""A folder of one's own images: what becomes of each kind of file, and the one clear error for each kind of trouble."""

import os
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from ganlab import data
from ganlab.data import DataError, folders
from ganlab.data.listing import natural

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
    refused(tmp_path, f"1 of its images cannot be read: {broken.name} (", "Mend or remove them", "--skip-broken")


def test_broken_images_are_named_all_at_once_with_their_folders_and_skipped_by_choice(tmp_path, capsys):
    names = [f"{kind}/{name}" for kind in ("a", "b") for name in TRAIN[:8]]
    for name in names:
        paint(tmp_path / name, (1, 2, 3))
        if name.startswith("a/"):
            (tmp_path / name).write_bytes(b"broken")
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "b" / TRAIN[0])
    cut = (tmp_path / "b" / TRAIN[0]).read_bytes()[:40_000]  # its head is sound
    (tmp_path / "b" / TRAIN[0]).write_bytes(cut)
    broken = [f"a/{name}" for name in TRAIN[:8]] + [f"b/{TRAIN[0]}"]
    refused(tmp_path, "9 of its images cannot be read", *(f"{name} (" for name in broken))
    assert capsys.readouterr().err == ""
    rest = data.load(tmp_path, skip_broken=True)
    assert len(rest) == 7 and rest.classes == ("a", "b") and rest.labels.tolist() == [1] * 7
    printed = capsys.readouterr().err
    assert all(f"{name} (" in printed for name in broken) and "left out, 9 that cannot be read" in printed
    assert "no picture in this split of: a" in printed


def test_a_folder_of_broken_images_alone_is_refused_even_if_they_may_be_skipped(tmp_path):
    (tmp_path / TRAIN[0]).write_bytes(b"broken")
    with pytest.raises(DataError, match="none of its 0 images"):
        data.load(tmp_path, skip_broken=True)


def test_pixels_without_a_known_range_are_refused(tmp_path):
    name = TRAIN[0].replace("png", "tif")
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / name)
    split = "test" if folders.is_test(name) else "train"
    refused(tmp_path, name, "without a known range", split=split)


# What is left out or assumed is printed, and noted


def notes(folder, capsys, split="train", **options) -> str:
    """Return the notes of a folder's set, all of which are printed too, a line each, with the set's name."""
    images = data.load(folder, split, **options)
    printed = capsys.readouterr().err.splitlines()
    assert printed == [f"{images.name} ({split}): {note}" for note in images.notes]
    return "\n".join(images.notes)


def test_a_plain_folder_has_nothing_to_say(tmp_path, capsys):
    paint(tmp_path / TRAIN[0], (1, 2, 3), size=(64, 64))
    assert notes(tmp_path, capsys) == ""


def test_links_to_folders_are_followed_and_loops_and_dead_links_named(tmp_path, capsys):
    here = tmp_path / "here"
    for name in TRAIN[:3]:
        paint(here / "ant" / name, (9, 9, 9))
        paint(tmp_path / "elsewhere" / name, (200, 0, 0))
    (here / "cat").symlink_to(tmp_path / "elsewhere")
    (here / "ant" / "loop").symlink_to(here)
    (here / "ant" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (here / "own").symlink_to(here / "own")
    images = data.load(here)
    assert images.classes == ("ant", "cat") and torch.bincount(images.labels).tolist() == [3, 3]
    assert (images.images[images.labels == 1, 0, 0, 0] == 200).all()
    capsys.readouterr()
    said = notes(here, capsys)
    assert "left out, a link to a folder that holds it: ant/loop/" in said
    assert "left out, a link that cannot be followed: ant/gone.png, own" in said


def test_folders_that_are_hidden_empty_or_cannot_be_read_are_named(tmp_path, capsys, monkeypatch):
    for name in ("ant/1.png", "shut/1.png", ".cache/1.png", "ant/._1.png"):
        paint(tmp_path / name, (9, 9, 9))
    (tmp_path / "dog").mkdir()
    listdir = os.listdir

    def refuse(folder):
        if str(folder).endswith("shut"):  # a test may run as root, whom no permission stops
            raise PermissionError(13, "Permission denied")
        return listdir(folder)

    monkeypatch.setattr("ganlab.data.listing.os.listdir", refuse)
    said = notes(tmp_path, capsys, "all")
    assert "left out, a folder that cannot be read (Permission denied): shut/" in said
    assert "left out, hidden: .cache/, ant/._1.png" in said
    assert "no class, without a picture: dog/, shut/" in said


def test_all_that_pillow_reads_is_read_and_the_rest_named(tmp_path, capsys):
    kinds = ("avif", "bmp", "dib", "gif", "ico", "jfif", "jp2", "jpe", "pcx", "pgm", "png", "ppm", "tga", "tif", "webp")
    for kind in kinds:
        paint(tmp_path / f"7.{kind}", (200, 30, 10) if kind != "pgm" else 200)
    for name in ("8.heic", "9.SVG", "scan.pdf", "list.csv", "bare"):
        (tmp_path / name).write_bytes(b"x")
    images = data.load(tmp_path, "all")
    assert len(images) == len(kinds) and (images.images[:, 0].float().mean((1, 2)) - 200).abs().max() < 8
    capsys.readouterr()
    said = notes(tmp_path, capsys, "all")
    assert "not read here; save it as PNG or JPEG: 8.heic, 9.SVG, scan.pdf" in said
    assert "no picture by its ending: bare, list.csv" in said


def test_a_folder_of_pictures_that_are_not_read_says_so(tmp_path):
    (tmp_path / "1.heic").write_bytes(b"x")
    refused(tmp_path, "no images in this folder", "1.heic")


def test_names_that_are_no_text_can_be_printed(tmp_path, capsys):
    try:
        paint(tmp_path / os.fsdecode(b"caf\xe9") / "1.png", (1, 2, 3))
    except OSError:
        pytest.skip("this file system takes text alone")
    images = data.load(tmp_path, "all")
    assert images.classes == ("caf\\udce9",) and images.digest
    "\n".join(images.notes).encode()


def test_classes_and_files_are_in_natural_order(tmp_path):
    for k in range(12):
        paint(tmp_path / str(k) / "x.png", 20 * k)
    images = data.load(tmp_path, "all")
    assert images.classes == tuple(map(str, range(12))) and images.labels.tolist() == list(range(12))
    assert images.images[:, 0, 0, 0].tolist() == [20 * k for k in range(12)]
    assert sorted(["a10", "a9", "a", "b1"], key=natural) == ["a", "a9", "a10", "b1"]


@pytest.mark.parametrize(("brightest", "bits"), [(200, 8), (1000, 10), (4095, 12), (65535, 16)])
def test_sixteen_bit_pictures_fill_the_range_they_use(tmp_path, capsys, brightest, bits):
    for k, name in enumerate(TRAIN[:3]):  # one range for all of them: their brightness stays comparable
        Image.fromarray(np.full((64, 64), brightest * (k + 1) // 3, np.uint16)).save(tmp_path / name)
    said = notes(tmp_path, capsys)
    assert f"3 pictures of 16 bits use {bits} bits: 0 to {2**bits - 1} is taken for black to white" in said
    shown = data.load(tmp_path).images[:, 0, 0, 0].double()
    exact = torch.tensor([brightest * (k + 1) // 3 * 255 / (2**bits - 1) for k in range(3)]).double()
    assert (shown - exact).abs().max() <= 0.5


def test_the_range_is_that_of_both_splits_and_of_one_picture_read_alone(tmp_path, capsys):
    in_test = next(f"t{i}.png" for i in range(99) if folders.is_test(f"t{i}.png"))
    Image.fromarray(np.full((64, 64), 1000, np.uint16)).save(tmp_path / TRAIN[0])
    Image.fromarray(np.full((64, 64), 4000, np.uint16)).save(tmp_path / in_test)
    assert data.load(tmp_path).images.max() == 62 and data.load(tmp_path, "test").images.max() == 249
    capsys.readouterr()
    assert data.read_image(tmp_path / TRAIN[0], 8, grey=True).max() == 249
    assert "this picture uses 10 bits: 0 to 1023" in capsys.readouterr().err


def test_colours_of_sixteen_bits_that_come_out_dark_are_named(tmp_path, capsys):
    rows = b"".join(b"\0" + b"\x0f\xff" * 24 for _ in range(8))  # 12 bits used, 8 x 8 pixels of three channels
    head = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = [struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in chunks]
    (tmp_path / TRAIN[0]).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    said = notes(tmp_path, capsys, size=8)
    assert "1 of 1 pictures have 16 bits a channel, of which the upper 8 are read" in said
    assert "the brightest value in them is 15 of 255; save them with 8 bits" in said


def test_pictures_that_are_not_square_are_cropped_or_padded_by_choice(tmp_path, capsys):
    pixels = np.full((30, 90, 3), 50, np.uint8)
    pixels[:, 30:60] = (10, 200, 90)
    Image.fromarray(pixels).save(tmp_path / TRAIN[0])
    assert "1 of 1 pictures are not square: cropped to the middle" in notes(tmp_path, capsys, size=30)
    assert "1 of 1 pictures are not square: padded with black bars" in notes(tmp_path, capsys, size=30, fit="pad")
    padded = data.load(tmp_path, size=30, fit="pad").images[0]  # 10 rows of picture between 10 and 10 of black
    assert (padded[:, :10] == 0).all() and (padded[:, 20:] == 0).all() and (padded[:, 11:19, :7] == 50).all()
    assert padded[:, 15, 15].tolist() == [10, 200, 90]


def test_what_was_changed_to_make_pictures_alike_is_named(tmp_path, capsys):
    paint(tmp_path / TRAIN[0], 9, size=(64, 64))
    paint(tmp_path / TRAIN[1], (9, 9, 99), size=(20, 20))
    frames = [Image.new("RGB", (64, 64), (k, 200, 9)) for k in (0, 99)]
    frames[0].save(tmp_path / TRAIN[2].replace("png", "gif"), save_all=True, append_images=frames[1:])
    said = notes(tmp_path, capsys, "all")
    assert "1 of 3 pictures are grey among coloured ones: read as colour" in said
    assert "1 of 3 pictures are smaller than 64 pixels and were enlarged" in said
    assert "1 of 3 pictures are animations: the first picture was taken" in said


# Splits


@pytest.mark.parametrize("held_out", ["test", "val", "Valid"])
def test_folders_called_train_and_test_are_splits(tmp_path, capsys, held_out):
    for k, kind in enumerate(("ant", "bee")):
        for name in TRAIN[:3]:
            paint(tmp_path / "train" / kind / name, 50 + k)
        paint(tmp_path / held_out / kind / TRAIN[0], 150 + k)
    train, test = (data.load(tmp_path, split) for split in data.SPLITS)
    assert train.classes == test.classes == ("ant", "bee")
    assert train.images[:, 0, 0, 0].tolist() == [50] * 3 + [51] * 3 and test.images[:, 0, 0, 0].tolist() == [150, 151]
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1] and test.labels.tolist() == [0, 1]
    assert len(data.load(tmp_path, "all")) == 8
    capsys.readouterr()
    said = notes(tmp_path, capsys)
    assert (
        f"{held_out}/ is test" in said and "train/ is train" in said and "2 of 8 pictures are not in this split" in said
    )
    with pytest.raises(DataError, match="test_share: got 0.5, but .* has its own split"):
        data.load(tmp_path, test_share=0.5)


def test_pictures_for_validation_are_in_neither_split_if_there_is_a_test(tmp_path, capsys):
    for k, split in enumerate(("train", "val", "test")):
        paint(tmp_path / split / "1.png", k)
    paint(tmp_path / "more" / "1.png", 9)
    paint(tmp_path / "loose.png", 9)
    both = [data.load(tmp_path, split).images[:, 0, 0, 0].tolist() for split in data.SPLITS]
    assert both == [[0], [2]] and data.load(tmp_path).labels is None
    capsys.readouterr()
    assert "left out, outside of these: loose.png, more/1.png" in notes(tmp_path, capsys, "all")
    assert len(data.load(tmp_path, "all")) == 3


def test_a_class_called_train_is_a_class_and_a_lone_train_folder_has_no_test(tmp_path):
    for kind in ("train", "car"):
        paint(tmp_path / "vehicles" / kind / "1.png", 9)
    assert data.load(tmp_path / "vehicles", "all").classes == ("car", "train")
    paint(tmp_path / "lone" / "train" / "1.png", 9)
    assert data.load(tmp_path / "lone").classes == ()
    refused(tmp_path / "lone", "none of its folders holds an image of the test split", split="test")


def test_a_share_of_each_class_is_held_out_and_all_is_all(tmp_path):
    for kind, count in (("ant", 10), ("bee", 4), ("one", 1)):
        for k in range(count):
            paint(tmp_path / kind / f"{k}.png", 10 * k)
    train, test = (data.load(tmp_path, split, test_share=0.3) for split in data.SPLITS)
    assert torch.bincount(test.labels, minlength=3).tolist() == [3, 1, 0]
    assert torch.bincount(train.labels).tolist() == [7, 3, 1]
    both = torch.cat([train.images, test.images])[:, 0, 0, 0].tolist()
    whole = data.load(tmp_path, "all")
    assert sorted(both) == sorted(whole.images[:, 0, 0, 0].tolist()) and len(whole) == 15
    again = data.load(tmp_path, "test", test_share=0.3)
    assert torch.equal(again.images, test.images)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fit": "stretch"}, "fit: got 'stretch', expected one of crop, pad"),
        ({"test_share": 1}, "test_share: got 1, expected a number from 0 to below 1"),
        ({"test_share": "0.2"}, "test_share: got '0.2'"),
    ],
)
def test_options_that_cannot_be_are_refused_before_a_file_is_read(tmp_path, options, said):
    with pytest.raises(DataError, match=said):
        data.load(tmp_path, **options)
