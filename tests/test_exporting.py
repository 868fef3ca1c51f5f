"""The commands `export` and `metric`: the same images without torch, and the distance of one folder from another."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F

from ganlab import checkpoint, data, models, runtime
from ganlab import cli as command
from ganlab.cli import export, metric
from ganlab.data import pixels
from ganlab.models import trained

SHAPE = {"channels": 1, "size": 16, "width": 4}
PLANS = {
    "gan": {"generator": ("DCGANGenerator", {"latent_dim": 6, **SHAPE})},
    "mlp": {"generator": ("MLPGenerator", {"output_shape": (1, 8, 8)})},
    "cgan": {"generator": ("conditional_generator", {"classes": 3, "latent_dim": 6, **SHAPE})},
    "vae": {"vae": ("conv_vae", {"latent_dim": 6, "hidden": 8, "likelihood": "logistic", **SHAPE})},
    "cvae": {"vae": ("conditional_vae", {"classes": 3, "latent_dim": 6, "hidden": 8, **SHAPE})},
}


def written(folder: Path, plan: trained.Plan) -> str:
    with runtime.seeded(0):
        networks = trained.build(plan)
    trained.save(folder / "networks.safetensors", plan, networks)
    return str(folder)


@pytest.mark.parametrize("kind", PLANS)
def test_what_makes_images_makes_the_same_ones_in_onnxruntime(tmp_path: Path, kind: str, capsys) -> None:
    pytest.importorskip("onnxscript")
    import onnxruntime

    of, out = written(tmp_path, PLANS[kind]), tmp_path / "a.onnx"
    assert command.main(["export", "--of", of, "--out", str(out)]) == 0
    assert "to images in [-1, 1]" in capsys.readouterr().out
    network = next(iter(trained.read(tmp_path / "networks.safetensors").values()))
    given = export.arguments(network, 7, seed=3)
    session = onnxruntime.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    [images] = session.run(["images"], dict(zip(("z", "y"), (part.numpy() for part in given), strict=False)))
    with torch.no_grad():
        assert torch.allclose(torch.from_numpy(images), network(*given), atol=1e-4) and len(images) == 7


def test_a_file_that_differs_is_not_written(tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("onnxscript")
    real = export.exported
    other = models.DCGANGenerator(6, **SHAPE).eval()
    other.layers[0].weight.data *= 2
    monkeypatch.setattr(export, "exported", lambda network: real(other))
    of = written(tmp_path, PLANS["gan"])
    assert command.main(["export", "--of", of, "--out", str(tmp_path / "a.onnx")]) == 1
    assert "differ from torch's by" in capsys.readouterr().err and not (tmp_path / "a.onnx").exists()


def test_what_is_missing_is_named_with_the_command_that_brings_it(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main(["export", "--of", "dcgan-digits", "--out", str(tmp_path / "a.onnx")]) == 1
    assert "pip install onnx onnxruntime onnxscript" in capsys.readouterr().err
    assert command.main(["export", "--of", "dcgan-digits", "--out", "a.png"]) == 1
    assert "ends in .onnx" in capsys.readouterr().err


def distance(words: list[str], capsys) -> tuple[float, float]:
    assert command.main(["metric", *words]) == 0
    said = capsys.readouterr().out
    assert re.search(r"feature-FID [\d.e+-]+ \(", said), said
    return tuple(float(re.search(rf"{name} ([\d.e+-]+)", said)[1]) for name in ("split distance", "floor"))


def test_samples_are_nearer_to_the_digits_than_those_of_another_generator(tmp_path: Path, capsys) -> None:
    for name in ("dcgan-digits", "cgan-digits-collapsed"):
        words = ["sample", "--of", name, "--n", "200", "--out", str(tmp_path / name)]
        assert command.main(words) == 0
    capsys.readouterr()
    good, floor = distance(["digits", str(tmp_path / "dcgan-digits")], capsys)
    bad, _ = distance(["digits", str(tmp_path / "cgan-digits-collapsed")], capsys)
    assert 0 < floor < good < bad
    own = checkpoint.load(trained.FOLDER / "classifier-digits.safetensors")
    checkpoint.save(tmp_path / "own" / "networks.safetensors", own)  # a classifier of the reader's own
    assert distance(["digits", str(tmp_path / "dcgan-digits"), "--features", str(tmp_path / "own")], capsys)[0] == good


def test_what_cannot_be_compared_is_told(tmp_path: Path, capsys) -> None:
    words = ["sample", "--of", "dcgan-digits", "--n", "3", "--out", str(tmp_path / "few")]
    assert command.main(words) == 0
    capsys.readouterr()
    assert command.main(["metric", "digits", str(tmp_path / "few")]) == 1
    assert "has 3 images, expected at least 10" in capsys.readouterr().err
    assert command.main(["metric", "digits", "digits", "--features", "vae-digits"]) == 1
    assert "is no classifier" in capsys.readouterr().err


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Forty grey pictures of 90x70 pixels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(40):
        waves = np.sin(np.outer(np.arange(70), rng.uniform(0, 0.3, 90)))
        PIL.Image.fromarray((127 + 120 * waves).astype(np.uint8)).save(folder / f"{k}.png")
    return folder


def test_both_sides_are_brought_to_the_features_in_one_manner(tmp_path: Path, photos: Path, capsys) -> None:
    """The digits of 28 pixels, as files, are the set's own; photographs are, at whatever size they were saved."""
    for k, image in enumerate(data.load("digits", "all").images[:400]):
        padded = F.pad(image, (2,) * 4)
        for name, picture in (("small", image), ("padded", padded)):
            runtime.write_atomically(tmp_path / name / f"{k}.png", pixels.png(pixels.tile(picture[None], 1)))
    assert distance(["digits", str(tmp_path / "small")], capsys) == distance(
        ["digits", str(tmp_path / "padded")], capsys
    )
    assert command.main(["metric", "digits", str(tmp_path / "small")]) == 0
    assert "both as 28 x 28 pixels, with a black margin up to 32 x 32, on the features of" in capsys.readouterr().out
    others, _ = distance([str(photos), "digits"], capsys)
    for side in (32, 64, 90):
        for k, image in enumerate(data.load(photos, "all", side).images):
            runtime.write_atomically(tmp_path / str(side) / f"{k}.png", pixels.png(pixels.tile(image[None], 1)))
        assert distance([str(photos), str(tmp_path / str(side))], capsys)[0] < others / 20


def test_features_are_of_any_size_and_colour() -> None:
    classifier = trained.load("classifier-digits")["classifier"]
    grey = data.load("digits", size=32).images[:20]
    expected = trained.features(classifier, grey)
    assert torch.allclose(trained.features(classifier, grey.expand(-1, 3, -1, -1)), expected, atol=1e-4)
    large = F.interpolate(pixels.to_floats(grey), scale_factor=4, mode="bilinear")
    assert (trained.features(classifier, large) - expected).abs().mean() < 0.2 * expected.abs().mean()
    odd = grey[:, :, 1:, 1:]  # 31 pixels: the margin is one row and one column
    assert torch.equal(trained.features(classifier, odd), trained.features(classifier, F.pad(odd, (0, 1, 0, 1))))


@pytest.mark.parametrize(
    ("first", "second", "most", "side"),
    [((28, 32), (28,), 64, 28), ((28, 32), (32,), 64, 32), ((28, 32), (28, 32), 64, 32), ((64,), (28, 32), 64, 32)]
    + [((300,), (200,), 64, 64), ((300,), (64,), 128, 64), ((28, 32), (30,), 64, 30), ((100,), (100,), 32, 32)],
)
def test_no_side_is_enlarged(first: tuple, second: tuple, most: int, side: int) -> None:
    assert metric.common_side(first, second, most) == metric.common_side(second, first, most) == side
