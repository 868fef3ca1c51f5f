"""The commands `train sr` and `train inpaint` on a folder of one's own, and `apply` of what they made."""

import signal
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from test_translators import FEW, save

from ganlab import checkpoint, data, models, train
from ganlab import cli as command
from ganlab.models import trained


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(24):
        save(tmp_path / "mine" / f"{k}.png", 40, 32, 3, seed=k)
    return tmp_path / "mine"


def words(folder: Path, out: Path, task: str, *more: str, steps: int = 4) -> list[str]:
    where = ["--data", str(folder), "--size", "32", "--test-share", "0.25", "--steps", str(steps), "--out", str(out)]
    return ["train", task, *where, *FEW, *more]


def said(capsys) -> str:
    """Return the one line of what was wrong."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


KINDS = {
    "sr": ("sr", "--factor", "2", "--noise", "0.1", "--distance", "l2", "--adversarial-weight", "0.01"),
    "inpaint": ("inpaint", "--several"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_is_interrupted_goes_on_and_ends_as_if_never_stopped(kind, folder, tmp_path, monkeypatch) -> None:
    assert command.main(words(folder, tmp_path / "whole", *KINDS[kind], steps=6)) == 0
    real = train.TranslationTask.step

    def step(task, run, k):
        if k == 2:
            signal.raise_signal(signal.SIGINT)
        return real(task, run, k)

    monkeypatch.setattr(train.TranslationTask, "step", step)
    assert command.main(words(folder, tmp_path / "parts", *KINDS[kind], steps=6)) == 130
    monkeypatch.undo()
    assert command.main(words(folder, tmp_path / "parts", *KINDS[kind], steps=6)) == 0
    for file in ("history.csv", "samples-0000006.png", "networks.safetensors"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()
    networks = trained.read(tmp_path / "whole" / "networks.safetensors")
    assert type(networks["generator"]) is {"sr": models.SuperResolver, "inpaint": models.Inpainter}[kind]
    assert set(networks) == {"generator", "critic"}
    header = (tmp_path / "whole" / "metrics.csv").read_text().splitlines()[0]
    assert header == "step,held-out PSNR" + (",bicubic's PSNR" if kind == "sr" else "")
    state = checkpoint.load(tmp_path / "whole" / "run.safetensors")
    assert ("LowResolution(factor=2" if kind == "sr" else "fill=noise") in state["data"]["degraded by"]
    with PIL.Image.open(tmp_path / "whole" / "samples-0000006.png") as sheet:
        assert sheet.size == (8 * 34 - 2, 8 * 34 - 2)


def test_a_perceptual_weight_and_a_built_in_set_are_taken(tmp_path, capsys) -> None:
    task = ["train", "sr", "--data", "relief", "--steps", "1", "--out", str(tmp_path / "a"), *FEW]
    assert command.main([*task, "--perceptual-weight", "0.2"]) == 0
    assert (tmp_path / "a" / "history.csv").read_text().startswith("step,distance,l1")
    assert (tmp_path / "a" / "metrics.csv").read_text().startswith("step,held-out PSNR,feature distance,its floor,bic")
    assert "Perceptual" in checkpoint.load(tmp_path / "a" / "run.safetensors")["settings"]["distance"]
    capsys.readouterr()
    assert command.main([*task, "--perceptual-weight", "0.3"]) == 1
    assert "distance" in said(capsys)  # another loss


@pytest.mark.parametrize(
    ("task", "more", "expected"),
    [
        ("sr", ("--factor", "3"), "--factor: got 3, expected 2, 4 or 8"),
        ("sr", ("--size", "30"), "--size: pictures are 30x30, expected a multiple of --factor"),
        ("sr", ("--kernel", "sinc"), "kernel: got 'sinc', expected one of area, bicubic"),
        ("sr", ("--distance", "l3"), "distance: got 'l3'"),
        ("sr", ("--noise", "-1"), "noise: got -1.0"),
        ("sr", ("--distance", "energy"), "--distance: energy is what `inpaint --several` takes"),
        ("inpaint", ("--several", "--distance", "l1"), "--several: takes the energy score as its distance"),
        ("inpaint", ("--size", "24"), "--size: pictures are 24x24, expected a multiple of the network's 16"),
        ("inpaint", ("--portion", "0"), "portion: got 0.0, expected a number between 0 and 1"),
        ("inpaint", ("--holes", "round"), "kind: got 'round'"),
    ],
)
def test_bad_options_are_told_in_one_line(folder, tmp_path, capsys, task, more, expected) -> None:
    assert command.main(words(folder, tmp_path / "run", task, *more)) == 1
    assert expected in said(capsys) and not (tmp_path / "run" / "run.safetensors").exists()


def test_one_picture_is_none_to_learn_from(tmp_path, capsys) -> None:
    save(tmp_path / "mine" / "a.png", 40, 32, 3)
    assert command.main(words(tmp_path / "mine", tmp_path / "run", "sr", "--test-share", "0")) == 1
    assert "has one picture to learn from, expected at least 2" in said(capsys)


# Use


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("enlarger")
    trained.save(out / "networks.safetensors", plan := {"generator": ("SuperResolver", {"factor": 2, "width": 4})},
                 trained.build(plan))  # fmt: skip
    return out


@pytest.fixture(scope="module")
def filler(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("filler")
    plan = {"generator": ("Inpainter", {"channels": 3, "width": 4, "noise": True})}
    trained.save(out / "networks.safetensors", plan, trained.build(plan))
    return out


def apply(of: Path, source: Path, out: Path, *more: str) -> int:
    return command.main(["apply", "--of", str(of), "--in", str(source), "--out", str(out), *more])


def test_pictures_of_any_size_are_enlarged_in_tiles_without_seams(enlarger: Path, tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 410)[None, :, None] * np.linspace(0.3, 1, 300)[:, None, None] * np.array([1, 0.8, 0.6])
    (tmp_path / "mine").mkdir()
    PIL.Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "mine" / "wide.png")
    save(tmp_path / "mine" / "small.png", 3, 5)
    assert apply(enlarger, tmp_path / "mine", tmp_path / "made") == 0
    made = data.read_picture(tmp_path / "made" / "wide.png")
    assert made.shape == (3, 600, 820) and data.read_picture(tmp_path / "made" / "small.png").shape == (3, 6, 10)
    picture = data.pixels.to_floats(data.read_picture(tmp_path / "mine" / "wide.png"))
    expected = data.degraded.enlarge(picture[None], 2)[0]  # an untrained one is bicubic
    assert (made.int() - data.pixels.to_bytes(expected).int()).abs().max() <= 1


def mask_of(path: Path, height: int, width: int, hole: tuple[slice, slice]) -> Path:
    white = np.zeros((height, width), np.uint8)
    white[hole] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(white).save(path)
    return path


def test_holes_are_filled_and_what_is_known_stays(filler: Path, tmp_path: Path, capsys) -> None:
    save(tmp_path / "mine" / "a.png", 70, 300, 3)
    save(tmp_path / "mine" / "b.png", 70, 300, 3, seed=1)
    hole = (slice(20, 50), slice(130, 170))
    mask = mask_of(tmp_path / "mask.png", 70, 300, hole)
    assert apply(filler, tmp_path / "mine", tmp_path / "one", "--mask", str(mask)) == 0
    for name in ("a", "b"):
        mask_of(tmp_path / "masks" / f"{name}.png", 70, 300, hole)
    (tmp_path / "masks" / "a.txt").write_text("none")
    assert apply(filler, tmp_path / "mine", tmp_path / "two", "--mask", str(tmp_path / "masks")) == 0
    assert f"{tmp_path / 'masks'}: left out, no picture by its ending: a.txt\n" in capsys.readouterr().err
    assert apply(filler, tmp_path / "mine", tmp_path / "three", "--mask", str(mask), "--seed", "1") == 0
    inside = torch.zeros(3, 70, 300, dtype=torch.bool)
    inside[:, hole[0], hole[1]] = True
    for name in ("a", "b"):
        one, two, three = (data.read_picture(tmp_path / out / f"{name}.png") for out in ("one", "two", "three"))
        before = data.read_picture(tmp_path / "mine" / f"{name}.png")
        assert torch.equal(one[~inside], before[~inside]) and not torch.equal(one[inside], before[inside])
        assert torch.equal(one, two) and torch.equal(three[~inside], one[~inside])
        assert not torch.equal(three[inside], one[inside])  # another seed, another answer


def test_masks_that_are_none_are_told_in_one_line(filler: Path, enlarger: Path, tmp_path: Path, capsys) -> None:
    save(tmp_path / "mine" / "a.png", 20, 30, 3)
    nothing = mask_of(tmp_path / "nothing.png", 20, 30, (slice(0), slice(0)))
    other = mask_of(tmp_path / "other.png", 30, 20, (slice(5), slice(5)))
    mask_of(tmp_path / "masks" / "b.png", 20, 30, (slice(5), slice(5)))
    (tmp_path / "masks" / "a.heic").write_bytes(b"x")
    heic = "left out, a kind of picture that is not read here; save it as PNG or JPEG: a.heic"
    for of, more, expected in (
        (filler, (), "fills holes: --mask says where they are"),
        (enlarger, ("--mask", str(other)), "fills no holes, and takes no --mask"),
        (filler, ("--mask", str(nothing)), "nothing.png has no hole, expected some white"),
        (filler, ("--mask", str(other)), "other.png is 20x30, expected 30x20, as a.png is"),
        (filler, ("--mask", str(tmp_path / "masks")), f"has no mask of that name for a.png; {heic}"),
        (filler, ("--mask", str(tmp_path / "none")), "none is no file and no folder"),
        (enlarger, ("--back",), "has no way back, expected what `train cyclegan` wrote"),
    ):
        assert apply(of, tmp_path / "mine", tmp_path / "made", *more) == 1
        assert expected in said(capsys)


def test_a_cyclegan_is_applied_the_other_way(tmp_path: Path) -> None:
    plan = {
        "generator": ("ResNetGenerator", {"in_channels": 1, "channels": 3, "width": 4, "blocks": 1}),
        "back": ("ResNetGenerator", {"in_channels": 3, "channels": 1, "width": 4, "blocks": 1}),
    }
    trained.save(tmp_path / "run" / "networks.safetensors", plan, networks := trained.build(plan))
    save(tmp_path / "mine" / "a.png", 16, 24, 3)
    for out, more, mode in (("there", (), "RGB"), ("back", ("--back",), "L")):
        assert apply(tmp_path / "run", tmp_path / "mine", tmp_path / out, *more) == 0
        with PIL.Image.open(tmp_path / out / "a.png") as made:
            assert made.mode == mode and made.size == (24, 16)
    expected = models.translate(networks["back"], data.read_picture(tmp_path / "mine" / "a.png")[None])[0]
    made = data.read_picture(tmp_path / "back" / "a.png", grey=True)
    assert (made.int() - data.pixels.to_bytes(expected).int()).abs().max() <= 1
