"""The commands `train pix2pix`, `train cyclegan` and `apply`, and pairs in a reader's folder."""

import signal
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from ganlab import checkpoint, data, train
from ganlab import cli as command
from ganlab.data import DataError
from ganlab.models import trained
from ganlab.runtime import seeded_generator

FEW = ["--width", "4", "--every", "2", "--batch-size", "4", "--device", "cpu"]


def save(path: Path, *shape: int, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = torch.randint(0, 256, shape, generator=seeded_generator(seed), dtype=torch.uint8)
    PIL.Image.fromarray(pixels.numpy()).save(path)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Twenty-four pairs: lines in grey, of which the colours are the negative, 40 pixels high and 32 wide."""
    for k in range(24):
        save(tmp_path / "pairs" / "lines" / f"{k}.png", 40, 32, seed=k)
        with PIL.Image.open(tmp_path / "pairs" / "lines" / f"{k}.png") as lines:
            colours = 255 - np.asarray(lines)[..., None].repeat(3, 2)
        (tmp_path / "pairs" / "colours").mkdir(exist_ok=True)
        PIL.Image.fromarray(colours).save(tmp_path / "pairs" / "colours" / f"{k}.png")
    return tmp_path / "pairs"


def words(folder: Path, out: Path, steps: int = 4, task: str = "pix2pix", more: tuple[str, ...] = ()) -> list[str]:
    where = ["--data", str(folder), "--size", "32", "--steps", str(steps), "--out", str(out)]
    return ["train", task, *where, *FEW, *(["--test-share", "0.25"] if task == "pix2pix" else []), *more]


# Pairs in a folder


def test_pairs_are_read_together_and_the_second_folder_is_to_be_made(pairs: Path) -> None:
    found = data.load_pairs(pairs, size=32, test_share=0.25, to="colours")
    held_out = data.load_pairs(pairs, "test", size=32, test_share=0.25, to="colours")
    assert (len(found), len(held_out)) == (18, 6) and found.labels is None
    assert found.images.shape[1:] == (3, 32, 32) and found.pairs.shape[1:] == (1, 32, 32)
    for one in (found, held_out):
        assert (one.images[:, :1].int() + one.pairs.int() - 255).abs().max() <= 1  # each beside its own
    usual = data.load_pairs(pairs, "all", size=32)  # "lines" comes after "colours"
    assert usual.images.shape == (24, 1, 32, 32) and usual.pairs.shape == (24, 3, 32, 32)
    assert data.two_sides(pairs) == (pairs / "colours", pairs / "lines")


def wrong(folder: Path, fault: str) -> None:
    if fault == "names":
        (folder / "lines" / "3.png").rename(folder / "lines" / "other.png")
    if fault == "sizes":
        save(folder / "lines" / "3.png", 40, 33)
    if fault == "one pair":
        for path in folder.rglob("*.png"):
            if path.stem != "3":
                path.unlink()
    if fault == "three folders":
        (folder / "third").mkdir()
    if fault == "broken":
        (folder / "lines" / "3.png").write_bytes((folder / "lines" / "3.png").read_bytes()[:100])


FAULTS = {
    "names": "1 of the 24 pictures in colours have no partner of the same name in lines: 3.png",
    "sizes": "3.png is 32x40 in colours and 33x40 in lines; expected pairs of equal size",
    "one pair": "holds 1 pairs of pictures, expected at least 2",
    "three folders": "holds 3 folders (colours, lines, third), expected two: of the pictures given, and of those to be",
    "broken": "1 of its images cannot be read: lines/3.png (",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_pairs_that_are_none_are_told_in_one_line(pairs: Path, fault: str, tmp_path: Path, capsys) -> None:
    wrong(pairs, fault)
    with pytest.raises(DataError) as error:
        data.load_pairs(pairs, "all", size=32)
    assert FAULTS[fault] in str(error.value)
    capsys.readouterr()
    assert command.main(words(pairs, tmp_path / "run")) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1 and FAULTS[fault] in said[0] and not (tmp_path / "run" / "run.safetensors").exists()


def harm(pairs: Path, pictures: tuple[str, ...]) -> None:
    for name in pictures:
        (pairs / name).write_bytes((pairs / name).read_bytes()[:100])


def test_both_pictures_of_a_broken_pair_are_left_out_of_either_split(pairs: Path, capsys) -> None:
    whole = {split: data.load_pairs(pairs, split, size=32, test_share=0.25) for split in data.SPLITS}
    harm(pairs, ("lines/3.png", "colours/7.png", "colours/3.png", "lines/11.png"))
    capsys.readouterr()
    with pytest.raises(DataError, match="4 of its images cannot be read: ") as error:
        data.load_pairs(pairs, size=32)
    named = [f"{name} (" in str(error.value) for name in ("colours/3.png", "colours/7.png", "lines/3.png", "lines/11")]
    assert named == [True, True, True, False] and "lines/11.png (" in str(error.value)
    rest = {split: data.load_pairs(pairs, split, size=32, test_share=0.25, skip_broken=True) for split in data.SPLITS}
    assert sum(map(len, rest.values())) == 21
    printed = capsys.readouterr().err
    assert "left out, 4 that cannot be read: " in printed and "so are their partners" in printed
    before = torch.cat([images.images.flatten(1) for images in whole.values()])
    for images in rest.values():
        assert (images.images.int() + images.pairs[:, :1].int() - 255).abs().max() <= 1  # each beside its own
        assert all((row == before).all(1).any() for row in images.images.flatten(1))
    train_rows, test_rows = (rest[split].images.flatten(1) for split in data.SPLITS)
    assert not any((row == train_rows).all(1).any() for row in test_rows)


def test_pairs_of_which_too_few_can_be_read_are_refused(pairs: Path) -> None:
    harm(pairs, tuple(f"lines/{k}.png" for k in range(23)))
    with pytest.raises(DataError, match="1 of its 24 pairs can be read, expected at least 2"):
        data.load_pairs(pairs, size=32, skip_broken=True)


def test_pix2pix_goes_on_without_a_broken_pair(pairs: Path, tmp_path: Path, capsys) -> None:
    harm(pairs, ("lines/3.png",))
    assert command.main(words(pairs, tmp_path / "run", 1, more=("--skip-broken",))) == 0
    said = capsys.readouterr()
    assert "lines/3.png (" in said.err and "so are their partners" in said.err and "17 pictures to be made" in said.out


def test_a_folder_that_is_none_and_a_side_that_is_none(pairs: Path) -> None:
    with pytest.raises(DataError, match="this is no folder"):
        data.two_sides(pairs / "lines" / "1.png")
    with pytest.raises(DataError, match="holds no folders, expected two"):
        data.two_sides(pairs / "lines")
    with pytest.raises(DataError, match="to: got 'colour', expected 'colours' or 'lines'"):
        data.load_pairs(pairs, to="colour")


def clutter(folder: Path) -> tuple[str, ...]:
    """Put what cannot be read as a picture into a folder; return what is to be said of it."""
    (folder / "film.mp4").write_bytes(b"x")
    (folder / "photo.heic").write_bytes(b"x")
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    return (
        "left out, no picture by its ending: film.mp4",
        "left out, a link that cannot be followed: gone.png",
        "left out, a kind of picture that is not read here; save it as PNG or JPEG: photo.heic",
    )


def test_what_lies_beside_the_two_folders_is_told(pairs: Path, tmp_path: Path, capsys) -> None:
    beside = (*clutter(pairs), "left out, beside the folders: 1.png", "left out, hidden: .git/")
    save(pairs / "1.png", 40, 32)
    (pairs / ".git").mkdir()
    found = data.load_pairs(pairs, "all", size=32)
    assert len(found) == 24 and set(beside) <= set(found.notes)
    assert set(beside) <= {line.split("(all): ")[1] for line in capsys.readouterr().err.splitlines()}
    assert data.two_sides(pairs) == (pairs / "colours", pairs / "lines")
    assert {line for line in capsys.readouterr().err.splitlines()} == {f"pairs: {note}" for note in beside}
    (pairs / "lines").rename(pairs / "more lines")
    (pairs / "lines").symlink_to(tmp_path / "nowhere")
    (pairs / "third").mkdir()
    with pytest.raises(DataError, match="holds 3 folders") as error:
        data.two_sides(pairs)
    assert "a link that cannot be followed: gone.png, lines" in str(error.value)


def test_partners_of_another_kind_are_named(pairs: Path) -> None:
    (pairs / "lines" / "3.png").rename(pairs / "lines" / "3.heic")
    with pytest.raises(
        DataError, match="have no partner of the same name in lines: 3.png; of lines left out, .*: 3.heic"
    ):
        data.load_pairs(pairs, size=32)
    for path in pairs.rglob("*.png"):
        path.unlink()
    with pytest.raises(
        DataError, match="holds 0 pairs of pictures, expected at least 2; of lines left out, .*: 3.heic"
    ):
        data.load_pairs(pairs, size=32)


# Training


def test_pix2pix_trains_goes_on_and_ends_as_if_never_stopped(pairs: Path, tmp_path: Path, capsys) -> None:
    more = ("--to", "colours", "--l1-steps", "2")
    assert command.main(words(pairs, tmp_path / "whole", more=more)) == 0
    assert command.main(words(pairs, tmp_path / "parts", steps=2, more=more)) == 0
    assert command.main(words(pairs, tmp_path / "parts", more=more)) == 0
    assert "continuing after step 2" in capsys.readouterr().out
    for file in ("history.csv", "metrics.csv", "samples-0000004.png", "networks-best.safetensors"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()
    header, *rows = (tmp_path / "whole" / "metrics.csv").read_text().splitlines()
    assert header == "step,held-out PSNR" and len(rows) == 2  # too few for a distance of crowds
    state = checkpoint.load(tmp_path / "whole" / "run.safetensors")
    assert state["settings"]["l1_steps"] == 2 and state["settings"]["adversarial_weight"] == 0.1
    with PIL.Image.open(tmp_path / "whole" / "samples-0000004.png") as sheet:
        assert sheet.size == (8 * 34 - 2, 8 * 34 - 2)
        lines, made = (np.asarray(sheet.crop((34 * k, 0, 34 * k + 32, 32))).astype(int) for k in (0, 1))
    assert np.abs(lines[..., 0] - lines[..., 2]).max() == 0 and np.abs(lines - made).mean() > 10
    networks = trained.read(tmp_path / "whole" / "networks.safetensors")
    assert set(networks) == {"generator", "critic"} and networks["generator"].in_channels == 1


def test_without_a_critic_there_is_l1_alone_and_psnr_says_which_is_best(tmp_path: Path, capsys) -> None:
    out = tmp_path / "run"
    task = ["train", "pix2pix", "--data", "icons", "--steps", "2", "--out", str(out), *FEW, "--adversarial-weight", "0"]
    assert command.main(task) == 0
    assert set(trained.read(out / "networks.safetensors")) == {"generator"}
    assert (out / "metrics.csv").read_text().startswith("step,held-out PSNR,feature distance,its floor")
    assert (out / "history.csv").read_text().startswith("step,l1\n")
    capsys.readouterr()
    assert command.main([*task[:3], "digits", *task[4:]]) == 1
    assert "--data: digits has no pairs, expected icons, earth, glyphs or" in capsys.readouterr().err
    assert command.main([*task, "--test-share", "0.2"]) == 1
    assert "--test-share: does nothing here: it is for a folder, and not for icons" in capsys.readouterr().err


def test_cyclegan_takes_two_folders_of_any_names_and_either_direction(pairs: Path, tmp_path: Path, capsys) -> None:
    (pairs / "lines" / "3.png").rename(pairs / "lines" / "other.png")
    (pairs / "colours" / "4.png").unlink()
    for out, to, channels in (("a", "colours", 3), ("b", "lines", 1)):
        assert command.main(words(pairs, tmp_path / out, 2, "cyclegan", ("--to", to))) == 0
        networks = trained.read(tmp_path / out / "networks.safetensors")
        assert list(networks) == ["generator", "back", "critic", "back_critic"]
        assert networks["generator"].in_channels == 4 - channels and networks["back"].in_channels == channels
        assert not (tmp_path / out / "metrics.csv").exists()
    assert "colours: 23 pictures to be made, from 24 given" in capsys.readouterr().out
    more = ("--to", "lines", "--test-share", "0.5")
    assert command.main(words(pairs, tmp_path / "c", 2, "cyclegan", more)) == 0
    assert "feature distance" in (tmp_path / "c" / "metrics.csv").read_text()


def test_an_interrupted_cyclegan_goes_on_with_its_past(pairs: Path, tmp_path: Path, monkeypatch) -> None:
    assert command.main(words(pairs, tmp_path / "whole", 6, "cyclegan", ("--past", "8"))) == 0
    real = train.CycleGANTask.step

    def step(task, run, k):
        if k == 4:
            signal.raise_signal(signal.SIGINT)
        return real(task, run, k)

    monkeypatch.setattr(train.CycleGANTask, "step", step)
    assert command.main(words(pairs, tmp_path / "parts", 6, "cyclegan", ("--past", "8"))) == 130
    monkeypatch.undo()
    assert command.main(words(pairs, tmp_path / "parts", 6, "cyclegan", ("--past", "8"))) == 0
    states = [checkpoint.load(tmp_path / name / "run.safetensors")["weights"]["modules"] for name in ("whole", "parts")]
    past = [state["past_critic"]["pictures"] for state in states]
    assert past[0].abs().sum() > 0 and torch.equal(*past)
    assert (tmp_path / "whole" / "history.csv").read_bytes() == (tmp_path / "parts" / "history.csv").read_bytes()


@pytest.mark.parametrize(
    ("task", "more", "said"),
    [
        ("pix2pix", ("--adversarial-weight", "-1"), "adversarial_weight"),
        ("pix2pix", ("--l1-steps", "-1"), "l1_steps"),
        ("pix2pix", ("--objective", "wgan"), "objective"),
        ("pix2pix", ("--to", "colour"), "to: got 'colour'"),
        ("cyclegan", ("--past", "2"), "past: got 2, expected at least the 4"),
        ("cyclegan", ("--objective", "relativistic"), "objective"),
        ("cyclegan", ("--cycle-weight", "nan"), "cycle_weight"),
    ],
)
def test_bad_options_are_told_in_one_line(pairs: Path, tmp_path: Path, capsys, task, more, said) -> None:
    assert command.main(words(pairs, tmp_path / "run", task=task, more=more)) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and said in error[0] and not (tmp_path / "run" / "run.safetensors").exists()


# Use


@pytest.fixture(scope="module")
def translator(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("translator")
    task = ["train", "pix2pix", "--data", "icons", "--steps", "1", "--out", str(out), *FEW, "--adversarial-weight", "0"]
    assert command.main(task) == 0
    return out


def test_apply_translates_pictures_of_any_size_under_their_names(translator: Path, tmp_path: Path, capsys) -> None:
    sizes = {"a.png": (70, 51), "deep/b.jpg": (64, 64), "c.png": (300, 410, 3)}
    for name, shape in sizes.items():
        save(tmp_path / "mine" / name, *shape)
    (tmp_path / "mine" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "mine" / "notes.txt").write_text("none either")
    call = ["apply", "--of", str(translator), "--in", str(tmp_path / "mine"), "--out", str(tmp_path / "made")]
    assert command.main(call) == 1
    said = capsys.readouterr()
    assert "3 pictures of" in said.out
    left_out = f"{tmp_path / 'mine'}: left out, no picture by its ending: notes.txt\n"
    assert said.err == left_out + "error: 1 of 4 pictures cannot be read: broken.png\n"
    made = {path.relative_to(tmp_path / "made").as_posix() for path in (tmp_path / "made").rglob("*.*")}
    assert made == {"a.png", "deep/b.png", "c.png"}
    for name, (height, width, *_) in sizes.items():
        with PIL.Image.open((tmp_path / "made" / name).with_suffix(".png")) as image:
            assert image.size == (width, height) and image.mode == "RGB"
    assert command.main(call) == 1
    assert "made is there already, expected a new or empty folder" in capsys.readouterr().err


def test_apply_tells_what_it_leaves_out(translator: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "mine").mkdir()
    said = clutter(tmp_path / "mine")
    call = ["apply", "--of", str(translator), "--in", str(tmp_path / "mine"), "--out", str(tmp_path / "made")]
    assert command.main(call) == 1
    error = capsys.readouterr().err
    assert f"--in: {tmp_path / 'mine'} holds no pictures; " in error and all(note in error for note in said)
    save(tmp_path / "mine" / "a.png", 64, 64)
    assert command.main(call) == 0
    assert set(capsys.readouterr().err.splitlines()) == {f"{tmp_path / 'mine'}: {note}" for note in said}


def test_apply_makes_what_the_network_makes(translator: Path, tmp_path: Path) -> None:
    icons = data.load("icons", "test").pairs[:2]
    (tmp_path / "mine").mkdir()
    for k, icon in enumerate(icons):
        PIL.Image.fromarray(icon[0].numpy()).save(tmp_path / "mine" / f"{k}.png")
    assert (
        command.main(["apply", "--of", str(translator), "--in", str(tmp_path / "mine"), "--out", str(tmp_path / "o")])
        == 0
    )
    generator = trained.read(translator / "networks.safetensors")["generator"]
    with torch.no_grad():
        expected = data.pixels.to_bytes(generator(data.pixels.to_floats(icons)))
    made = [data.read_picture(tmp_path / "o" / f"{k}.png") for k in range(2)]
    assert (torch.stack(made).int() - expected.int()).abs().max() <= 1


def test_what_cannot_be_applied_is_told(translator: Path, tmp_path: Path, capsys) -> None:
    save(tmp_path / "mine" / "a.png", 8, 8)
    save(tmp_path / "mine" / "a.bmp", 8, 8)
    (tmp_path / "empty").mkdir()
    ours = str(translator)
    for of, source, said in (
        (ours, "none", "--in: .*none is no folder"),
        (ours, "empty", "--in: .*empty holds no pictures"),
        (ours, "mine", "--in: several pictures would become a.png"),
        ("vae-digits", "mine", "--of: vae-digits translates no pictures"),
        ("pix", "mine", "--of: got 'pix', which is no folder"),
    ):
        assert command.main(["apply", "--of", of, "--in", str(tmp_path / source), "--out", str(tmp_path / "o")]) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        with pytest.raises(ValueError, match=said):
            raise ValueError(error)
    assert command.main(["sample", "--of", ours, "--out", str(tmp_path / "x.png")]) == 1
    assert "makes no images from nothing, it translates pictures: use `apply`" in capsys.readouterr().err
