"""The commands `sample` and `walk`: of shipped networks, of what `train` wrote, and one line for what cannot be."""

from pathlib import Path

import PIL.Image
import pytest
import torch

from ganlab import checkpoint, data, models, runtime
from ganlab import cli as command
from ganlab.cli import draw
from ganlab.cli.arguments import class_number
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
        trained.save(folder / "networks.safetensors", plan, networks, classes=("cat", "dog", "2 of each"))
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
        (["sample", "--class", "10", "--out", "a.png"], "--class: got 10, expected one of 0, 1, 2"),
        (["sample", "--of", "dcgan-digits", "--class", "0", "--out", "a.png"], "told no classes"),
        (["sample", "--of", "cgan-digit", "--out", "a.png"], "Did you mean 'cgan-digits'?"),
        (["sample", "--of", "classifier-digits", "--out", "a.png"], "it is a classifier"),
        (["sample", "--seed", str(2**63), "--out", "a.png"], "--seed"),
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


def test_a_class_is_asked_for_by_name_and_the_name_is_printed(folders: dict[str, str], tmp_path: Path, capsys) -> None:
    sheets = []
    for word in ("dog", "1"):
        words = ["sample", "--of", folders["cgan"], "--class", word, "--n", "3", "--out", str(tmp_path / "a.png")]
        assert command.main(words) == 0
        assert "class 1 (dog)" in capsys.readouterr().out
        sheets.append((tmp_path / "a.png").read_bytes())
    assert sheets[0] == sheets[1]
    words[words.index("1")] = "horse"
    assert command.main(words) == 1
    assert "--class: got horse, expected one of cat, dog, 2 of each" in capsys.readouterr().err


def test_where_names_are_numbers_a_number_is_a_name() -> None:
    assert class_number("10", 3, ("2", "7", "10")) == 2
    assert class_number("2", 3, ()) == class_number("2", 3, ("a", "b", "c")) == 2
    for text, names in (("1", ("2", "7", "10")), ("3", ()), ("-1", ()), ("cat", ("a", "b", "c"))):
        with pytest.raises(ValueError, match="--class"):
            class_number(text, 3, names)


def test_our_networks_have_the_class_names_of_their_set(tmp_path: Path, capsys) -> None:
    words = ["sample", "--of", "cgan-earth", "--class", "snow", "--n", "1", "--out", str(tmp_path / "a.png")]
    assert command.main(words) == 0
    assert "class 0 (snow)" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "per"), [("dcgan", 1), ("cgan", 3)])
def test_many_samples_are_files_of_their_own_that_load_reads(
    folders: dict[str, str], tmp_path: Path, monkeypatch, name: str, per: int, capsys
) -> None:
    monkeypatch.setattr(draw, "AT_ONCE", 16)
    out = tmp_path / "many"
    words = ["sample", "--of", folders[name], "--n", "40", "--out", str(out)]
    assert command.main(words) == 0
    files = sorted(out.rglob("*.png"), key=lambda path: path.name)
    assert [path.stem for path in files] == [f"{k:06d}" for k in range(40)]
    assert {size_and_frames(path)[0] for path in files} == {(16, 16)}
    assert len({path.parent for path in files}) == per
    if per > 1:
        assert {path.parent.name for path in files} == {"cat", "dog", "2 of each"}
        assert data.load(out, size=16).labels is not None
    assert len({path.read_bytes() for path in files}) > 35  # each has latents of its own
    assert command.main(words) == 1 and "expected a new or empty folder" in capsys.readouterr().err


def test_a_batch_is_all_that_is_in_the_generator_at_once(folders: dict[str, str], tmp_path: Path, monkeypatch) -> None:
    sizes = []
    real = draw._images
    monkeypatch.setattr(draw, "_images", lambda network, z: sizes.append(len(z)) or real(network, z))
    words = ["sample", "--of", folders["dcgan"], "--n", str(draw.AT_ONCE + 3), "--out", str(tmp_path / "many")]
    assert command.main(words) == 0 and sizes == [draw.AT_ONCE, 3]


def test_the_file_itself_may_be_named_and_a_folder_without_one_says_so(folders, tmp_path, monkeypatch, capsys) -> None:
    words = ["sample", "--n", "1", "--out", str(tmp_path / "a.png"), "--of"]
    assert command.main([*words, f"{folders['dcgan']}/networks.safetensors"]) == 0
    assert command.main([*words, str(tmp_path)]) == 1
    assert "has no networks.safetensors, which `train` writes" in capsys.readouterr().err
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, {"step": 3})
    assert command.main([*words, str(other)]) == 1
    assert "a checkpoint, but not of networks alone" in capsys.readouterr().err
    (tmp_path / "dcgan-digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert command.main([*words, "dcgan-digits"]) == 0
    assert "for your folder of that name write ./dcgan-digits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state["networks"]["generator"].__setitem__(0, "Diffuser"), "the kind 'Diffuser'"),
        (lambda state: state["networks"]["generator"][1].update(width=5), "weights that do not fit its generator"),
        (lambda state: state["networks"]["generator"][1].update(depth=5), "cannot be built"),
        (lambda state: state["weights"].pop("generator"), "weights that do not fit its generator"),
    ],
)
def test_a_file_of_other_networks_is_told_in_one_line(folders, tmp_path, capsys, change, said) -> None:
    state = checkpoint.load(f"{folders['dcgan']}/networks.safetensors")
    change(state)
    checkpoint.save(tmp_path / "networks.safetensors", state)
    assert command.main(["sample", "--of", str(tmp_path), "--out", str(tmp_path / "a.png")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error and error.count("\n") == 1
    assert not (tmp_path / "a.png").exists()
