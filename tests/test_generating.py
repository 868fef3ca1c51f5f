"""The commands `sample` and `walk`: of shipped networks, of what `train` wrote, and one line for what cannot be."""

from pathlib import Path

import PIL.Image
import pytest
import torch

from ganlab import cli as command
from ganlab import models, runtime
from ganlab.data import pixels
from ganlab.models import trained


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return folders as `train` leaves them: a GAN, a GAN and a VAE that are told classes, a classifier."""
    shape = {"channels": 1, "size": 16, "width": 4}
    plans = {
        "dcgan": {"generator": ("DCGANGenerator", {"latent_dim": 6, **shape})},
        "cgan": {"generator": ("conditional_generator", {"classes": 3, "latent_dim": 6, **shape})},
        "cvae": {"vae": ("conditional_vae", {"classes": 3, "latent_dim": 6, "hidden": 8, **shape})},
        "classifier": {"classifier": ("Classifier", {"classes": 3, **shape})},
    }
    made = {}
    for name, plan in plans.items():
        folder = tmp_path_factory.mktemp(name)
        with runtime.seeded(0):
            networks = trained.build(plan)
        for weight in (weight for network in networks.values() for weight in network.parameters()):
            weight.data *= 8 if weight.ndim == 4 else 1  # or untrained pictures are all grey
        trained.save(folder / "networks.safetensors", plan, networks)
        made[name] = str(folder)
    return made


def size_and_frames(path: Path) -> tuple[tuple[int, int], int]:
    with PIL.Image.open(path) as image:
        return image.size, getattr(image, "n_frames", 1)


def test_networks_come_back_as_they_were_saved(folders: dict[str, str]) -> None:
    generator = trained.read(Path(folders["cgan"]) / "networks.safetensors")["generator"]
    with runtime.seeded(0):
        expected = models.conditional_generator(3, 6, channels=1, size=16, width=4)
    assert torch.equal(generator.embedding, expected.embedding)
    for a, b in zip(generator.body.parameters(), expected.body.parameters(), strict=True):
        assert torch.equal(a, 8 * b if b.ndim == 4 else b)
    assert not generator.training
    assert isinstance(trained.read(Path(folders["cvae"]) / "networks.safetensors")["vae"], models.VAE)


@pytest.mark.parametrize("name", ["dcgan", "cgan", "cvae"])
def test_a_sheet_of_samples(folders: dict[str, str], tmp_path: Path, name: str, capsys) -> None:
    out = tmp_path / "sheet.png"
    assert command.main(["sample", "--of", folders[name], "--n", "5", "--out", str(out)]) == 0
    columns = 5 if name == "dcgan" else 3  # a column for each class
    rows = -(-5 // columns)
    assert size_and_frames(out)[0] == (columns * 18 - 2, rows * 18 - 2)
    assert "5 samples" in capsys.readouterr().out


def test_a_class_and_a_seed_change_the_sheet_and_the_same_words_do_not(folders: dict[str, str], tmp_path: Path) -> None:
    sheets = []
    for more in ([], ["--class", "1"], ["--class", "2"], ["--class", "2", "--seed", "1"], ["--class", "2"]):
        command.main(["sample", "--of", folders["cgan"], "--n", "3", "--out", str(tmp_path / "a.png"), *more])
        sheets.append((tmp_path / "a.png").read_bytes())
    assert sheets[2] == sheets[4] and len(set(sheets)) == 4


def test_samples_of_a_class_are_the_networks_own(folders: dict[str, str], tmp_path: Path) -> None:
    command.main(["sample", "--of", folders["cgan"], "--class", "2", "--n", "1", "--out", str(tmp_path / "a.png")])
    generator = trained.read(Path(folders["cgan"]) / "networks.safetensors")["generator"]
    with torch.no_grad():
        image = generator(models.latents(1, 6, runtime.seeded_generator(0)), torch.tensor([2]))
    assert (tmp_path / "a.png").read_bytes() == pixels.png(pixels.tile(image, 1))


@pytest.mark.parametrize("name", ["dcgan", "cgan", "cvae"])
def test_a_walk_there_and_back(folders: dict[str, str], tmp_path: Path, name: str) -> None:
    out = tmp_path / "walk.gif"
    assert command.main(["walk", "--of", folders[name], "--from", "3", "--to", "9", "--out", str(out)]) == 0
    size, frames = size_and_frames(out)
    assert size == (256, 256) and 1 < frames <= 94


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["sample", "--out", "a.jpg"], "--out"),
        (["sample", "--n", "0", "--out", "a.png"], "--n"),
        (["sample", "--class", "10", "--out", "a.png"], "--class: got 10, expected 0 to 9"),
        (["sample", "--of", "dcgan-digits", "--class", "0", "--out", "a.png"], "told no classes"),
        (["sample", "--of", "cgan-digit", "--out", "a.png"], "Did you mean 'cgan-digits'?"),
        (["sample", "--of", "classifier-digits", "--out", "a.png"], "it is a classifier"),
        (["walk", "--from", "-1", "--to", "2", "--out", "a.gif"], "--from"),
        (["walk", "--from", "1", "--to", "2", "--out", "a.png"], "ends in .gif"),
    ],
)
def test_bad_input_is_told_in_one_line_and_writes_nothing(tmp_path, monkeypatch, capsys, words, named) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and named in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())
