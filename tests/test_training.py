"""The command `train`: into a folder, again to go on, and one clear line for what it cannot do."""

import csv

import numpy as np
import PIL.Image
import pytest

from ganlab import checkpoint
from ganlab import cli as command
from ganlab.models import trained
from ganlab.train import parallel

FEW = ["--every", "4", "--batch-size", "16", "--device", "cpu"]


def arguments(out, steps=8, network="mlp", data="digits", more=()) -> list[str]:
    return ["train", network, "--data", str(data), "--steps", str(steps), "--out", str(out), *FEW, *more]


@pytest.fixture
def pictures(tmp_path):
    """A folder of twenty colour pictures, none of them square."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(40):
        PIL.Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(folder / f"{k}.png")
    return folder


def test_it_leaves_a_checkpoint_a_history_and_sheets(tmp_path):
    assert command.main(arguments(tmp_path / "run")) == 0
    rows = list(csv.reader((tmp_path / "run" / "history.csv").open()))
    assert rows[0] == ["step", "critic_loss", "d_real", "d_fake", "generator_loss"]
    assert [row[0] for row in rows[1:]] == [str(step) for step in range(1, 9)]
    assert all(0 < float(row[1]) < 20 for row in rows[1:])
    for step in (4, 8):
        with PIL.Image.open(tmp_path / "run" / f"samples-{step:07d}.png") as sheet:
            assert sheet.size == (8 * 30 - 2, 8 * 30 - 2) and sheet.mode == "L"
    assert checkpoint.load(tmp_path / "run" / "run.safetensors")["step"] == 8


def test_the_same_command_again_goes_on_and_ends_as_if_never_stopped(tmp_path, capsys):
    assert command.main(arguments(tmp_path / "whole", steps=8)) == 0
    assert command.main(arguments(tmp_path / "parts", steps=4)) == 0
    assert command.main(arguments(tmp_path / "parts", steps=8)) == 0
    assert "continuing after step 4" in capsys.readouterr().out
    for file in ("history.csv", "samples-0000008.png"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()


def test_a_dcgan_takes_digits_at_32_and_a_folder_of_ones_own(tmp_path, pictures):
    small = ["--width", "4"]
    assert command.main(arguments(tmp_path / "a", steps=2, network="dcgan", more=small)) == 0
    with PIL.Image.open(tmp_path / "a" / "samples-0000002.png") as sheet:
        assert sheet.size == (8 * 34 - 2, 8 * 34 - 2)
    more = [*small, "--size", "16"]
    assert command.main(arguments(tmp_path / "b", steps=2, network="dcgan", data=pictures, more=more)) == 0
    with PIL.Image.open(tmp_path / "b" / "samples-0000002.png") as sheet:
        assert sheet.size == (8 * 18 - 2, 8 * 18 - 2) and sheet.mode == "RGB"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--steps", "0"], "steps"),
        (["--batch-size", "5000"], "batch_size"),
        (["--learning-rate", "-1"], "learning_rate"),
        (["--objective", "wgan"], "objective"),
        (["--device", "tpu"], "device"),
        (["--data", "digitz"], "digits"),
        (["--size", "30"], "size"),
        (["--every", "0"], "--every"),
        (["--flip", "sideways"], "flip"),
        (["--shift", "15"], "shift"),
        (["--beta", "-1"], "beta"),
        (["--samples", "0"], "samples"),
        (["--free-bits", "-1"], "free_bits"),
        (["--penalty", "r3"], "penalty"),
        (["--n-critic", "0"], "n_critic"),
        (["--anneal", "3"], "anneal"),
        (["--seed", str(2**63)], "--seed"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_bad_input_is_told_in_one_line_and_touches_nothing(tmp_path, capsys, more, named):
    network = {"beta": "vae", "free_bits": "vae", "samples": "iwae"}.get(named, "mlp")
    assert command.main([*arguments(tmp_path / "run", network=network), *more]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and named in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_another_network_in_the_same_folder_is_refused(tmp_path, capsys):
    assert command.main(arguments(tmp_path / "run", steps=4)) == 0
    before = (tmp_path / "run" / "run.safetensors").read_bytes()
    capsys.readouterr()
    assert command.main(arguments(tmp_path / "run", network="dcgan", more=["--width", "4"])) == 1
    assert "has generator of other layers than this run" in capsys.readouterr().err
    assert (tmp_path / "run" / "run.safetensors").read_bytes() == before


def test_a_classifier_is_trained_and_told_apart_from_a_gan(tmp_path, capsys):
    more = ["--width", "4", "--shift", "1"]
    assert command.main(arguments(tmp_path / "run", network="classifier", more=more)) == 0
    assert "held-out accuracy 0." in capsys.readouterr().out
    rows = list(csv.reader((tmp_path / "run" / "history.csv").open()))
    assert rows[0] == ["step", "loss", "accuracy"] and len(rows) == 9
    assert not list((tmp_path / "run").glob("*.png"))
    state = checkpoint.load(tmp_path / "run" / "run.safetensors")
    assert [entry["step"] for entry in state["metrics"]] == [4, 8]
    assert command.main(arguments(tmp_path / "run", network="classifier", more=more)) == 0  # finished: nothing is lost


def test_what_the_options_ask_for_reaches_the_run(tmp_path):
    plain = ["--width", "4"]
    changes = {"penalty": ["--penalty", "r1", "--penalty-weight", "5"], "clip": ["--clip", "0.01"]}
    changes |= {"moves": ["--n-critic", "2"], "objective": ["--objective", "hinge"], "weight": ["--penalty", "r1"]}
    changes |= {"rate": ["--critic-learning-rate", "1e-3"], "fall": ["--anneal", "2"]}
    changes |= {"plain": [], "flip": ["--flip", "both"], "shift": ["--shift", "3"], "resize": ["--upsample", "resize"]}
    losses = set()
    for name, more in changes.items():
        assert command.main(arguments(tmp_path / name, steps=2, network="dcgan", more=[*plain, *more])) == 0
        losses.add((tmp_path / name / "history.csv").read_text())
    assert len(losses) == len(changes)


@pytest.mark.parametrize(("network", "more"), [("vae", ["--warm-up", "4"]), ("iwae", ["--samples", "3"])])
def test_a_vae_leaves_its_bound_on_held_out_images_and_goes_on(tmp_path, capsys, network, more):
    more = ["--width", "4", "--shift", "1", *more]
    assert command.main(arguments(tmp_path / "whole", steps=8, network=network, more=more)) == 0
    said = capsys.readouterr().out
    assert "held-out ELBO -" in said and ("held-out bound of 3 samples -" in said) == (network == "iwae")
    rows = list(csv.reader((tmp_path / "whole" / "history.csv").open()))
    assert rows[0] == ["step", "bound", "kl"] and float(rows[8][1]) > float(rows[1][1])
    for steps in (4, 8):
        assert command.main(arguments(tmp_path / "parts", steps=steps, network=network, more=more)) == 0
    for file in ("history.csv", "samples-0000008.png"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()


def test_a_vae_of_colour_images_has_a_likelihood_of_their_256_levels(tmp_path, pictures):
    more = ["--width", "4", "--size", "16"]
    assert command.main(arguments(tmp_path / "run", steps=2, network="vae", data=pictures, more=more)) == 0
    assert "log_scale" in checkpoint.load(tmp_path / "run" / "run.safetensors")["weights"]["modules"]["vae"]


@pytest.mark.parametrize(("network", "role"), [("cgan", "generator"), ("cvae", "vae")])
def test_what_is_told_classes_goes_on_and_leaves_networks_that_sample_a_class(tmp_path, network, role):
    for steps in (4, 8):
        arguments_ = arguments(tmp_path / "parts", steps=steps, network=network, more=["--width", "4"])
        assert command.main(arguments_) == 0
    assert command.main(arguments(tmp_path / "whole", network=network, more=["--width", "4"])) == 0
    for file in ("history.csv", "samples-0000008.png"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()
    ema = checkpoint.load(tmp_path / "whole" / "run.safetensors")["weights"]["modules"]["ema"]
    written = trained.read(tmp_path / "whole" / "networks.safetensors")[role].state_dict()
    assert all(weight.equal(ema[name]) for name, weight in written.items())
    words = ["sample", "--of", str(tmp_path / "whole"), "--class", "3", "--out", str(tmp_path / "threes.png")]
    assert command.main(words) == 0 and (tmp_path / "threes.png").exists()


@pytest.mark.parametrize("network", ["dcgan", "mlp", "vae", "classifier"])
def test_every_kind_leaves_networks_that_can_be_read(tmp_path, network):
    more = [] if network == "mlp" else ["--width", "4"]
    assert command.main(arguments(tmp_path / "run", steps=2, network=network, more=more)) == 0
    assert trained.read(tmp_path / "run" / "networks.safetensors")


@pytest.mark.parametrize("network", ["cgan", "cvae", "classifier"])
def test_images_without_classes_are_refused_where_classes_are_needed(tmp_path, pictures, capsys, network):
    assert command.main(arguments(tmp_path / "run", network=network, data=pictures, more=["--size", "16"])) == 1
    verb = "learns" if network == "classifier" else "is told"
    assert f"has no classes, which {network} {verb}; sort it into subfolders" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("network", ["vae", "iwae", "cvae", "classifier"])
def test_only_games_train_in_several_processes(tmp_path, capsys, monkeypatch, network):
    monkeypatch.setattr(parallel, "size", lambda: 2)
    assert command.main(arguments(tmp_path / "run", network=network)) == 1
    assert f"{network}: it is small and trains in one process" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
