"""The command `train`: into a folder, again to go on, and one clear line for what it cannot do."""

import csv
import os
import shutil
import signal

import numpy as np
import PIL.Image
import pytest

from ganlab import checkpoint, train
from ganlab import cli as command
from ganlab.cli import tasks
from ganlab.cli import train as cli_train
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


def test_what_the_options_ask_for_reaches_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(cli_train, "LEAST", 10**6)  # samples are not measured, which takes longer than their training
    plain = ["--width", "4"]
    changes = {"penalty": ["--penalty", "r1", "--penalty-weight", "5"], "clip": ["--clip", "0.01"]}
    changes |= {"moves": ["--n-critic", "2"], "objective": ["--objective", "hinge"], "weight": ["--penalty", "r1"]}
    changes |= {"rate": ["--critic-learning-rate", "2e-3"], "fall": ["--anneal", "2"]}
    changes |= {"plain": [], "flip": ["--flip", "both"], "shift": ["--shift", "3"], "resize": ["--upsample", "resize"]}
    losses = set()
    for name, more in changes.items():
        assert command.main(arguments(tmp_path / name, steps=2, network="dcgan", more=[*plain, *more])) == 0
        losses.add((tmp_path / name / "history.csv").read_text())
    assert len(losses) == len(changes)


@pytest.mark.parametrize("network", ["dcgan", "cgan", "vae"])
def test_the_defaults_that_help_tells_are_those_of_the_run(tmp_path, capsys, network):
    with pytest.raises(SystemExit):
        command.main(["train", network, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert command.main(arguments(tmp_path / "run", steps=1, network=network)) == 0
    rate = checkpoint.load(tmp_path / "run" / "run.safetensors")["settings"]["learning_rate"]
    assert rate == tasks.RATES[network] and f"--learning-rate R default {rate:g} " in told
    (_, shape), *others = checkpoint.load(tmp_path / "run" / "networks.safetensors")["networks"].values()
    assert shape["width"] == tasks.WIDTHS[network] and f"channels beside the image (default {shape['width']})" in told
    assert all(other["width"] == shape["width"] for _, other in others)


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
    assert f"{network}: it trains in one process; start it without torchrun" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def lines(path) -> list[list[str]]:
    return list(csv.reader(path.open()))


def test_equal_runs_leave_equal_files(tmp_path):
    for name in ("a", "b"):
        assert command.main(arguments(tmp_path / name, steps=4, network="vae", more=["--width", "4"])) == 0
    files = sorted(path.name for path in (tmp_path / "a").iterdir() if not path.name.startswith("."))
    assert {"run.safetensors", "networks.safetensors", "networks-best.safetensors", "metrics.csv"} <= set(files)
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_held_out_numbers_are_a_table_and_the_best_networks_are_kept(tmp_path):
    more = ["--width", "4", "--keep-networks", "--learning-rate", "0.02"]
    assert command.main(arguments(tmp_path, network="classifier", more=more)) == 0
    rows = lines(tmp_path / "metrics.csv")
    assert rows[0] == ["step", "held-out accuracy"] and [row[0] for row in rows[1:]] == ["4", "8"]
    best = max(rows[1:], key=lambda row: (float(row[1]), int(row[0])))[0]
    kept = (tmp_path / f"networks-{int(best):07d}.safetensors").read_bytes()
    assert kept == (tmp_path / "networks-best.safetensors").read_bytes()
    other = {"4": "8", "8": "4"}[best]
    assert kept != (tmp_path / f"networks-{int(other):07d}.safetensors").read_bytes()


def test_networks_start_from_others(tmp_path, capsys):
    assert command.main(arguments(tmp_path / "first", steps=4)) == 0
    trained_first = trained.read(tmp_path / "first" / "networks.safetensors")
    capsys.readouterr()
    more = ["--from", str(tmp_path / "first"), "--learning-rate", "1e-12"]
    assert command.main(arguments(tmp_path / "second", steps=1, more=more)) == 0
    assert "generator, critic: starting from the weights of" in capsys.readouterr().out
    for role, network in trained.read(tmp_path / "second" / "networks.safetensors").items():
        for weight, before in zip(network.parameters(), trained_first[role].parameters(), strict=True):
            assert (weight - before).abs().max() < 1e-6
    for name, said in (
        ("cgan-digits", "other layers or sizes"),
        ("vae-digits", "has vae, expected generator or critic"),
    ):
        assert command.main(arguments(tmp_path / "third", steps=1, more=["--from", name])) == 1
        assert said in capsys.readouterr().err and not (tmp_path / "third" / "run.safetensors").exists()


def test_results_that_are_missing_are_written_when_the_command_comes_again(tmp_path):
    words = arguments(tmp_path / "run", network="classifier", more=["--width", "4"])
    assert command.main(words) == 0
    results = {path: path.read_bytes() for path in (tmp_path / "run").glob("*") if "networks-best" not in path.name}
    for path in results:
        if path.name != "run.safetensors":
            path.unlink()
    assert command.main(words) == 0
    assert {path: path.read_bytes() for path in results} == results


@pytest.mark.parametrize("network", ["classifier", "mlp"])
def test_results_that_a_kill_midway_left_out_are_written_when_the_command_comes_again(tmp_path, monkeypatch, network):
    """Its checkpoint is that of the moment before the results of step 4, which would have been the best."""

    def best_first(images, name):
        better = -1 if network == "classifier" else 1  # an accuracy, or a distance
        return lambda run: {"number": better * run.step, "its floor": 0}

    monkeypatch.setattr(cli_train, "_measure_held_out", best_first)
    monkeypatch.setattr(cli_train, "_measure_samples", best_first)
    monkeypatch.setattr(cli_train, "LOWER_IS_BETTER", ("number",) if network == "mlp" else ())
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    real = cli_train.Results.write

    def write(results, game):
        if game.step == 4:
            killed.mkdir(exist_ok=True)
            shutil.copy(whole / "run.safetensors", killed)
        real(results, game)

    more = ["--keep-networks", *([] if network == "mlp" else ["--width", "4"])]
    with monkeypatch.context() as patch:
        patch.setattr(cli_train.Results, "write", write)
        assert command.main(arguments(whole, network=network, more=more)) == 0
    assert checkpoint.load(killed / "run.safetensors")["step"] == 4
    assert command.main(arguments(killed, network=network, more=more)) == 0
    files = {path.name: path.read_bytes() for path in whole.iterdir() if not path.name.startswith(".")}
    assert ("samples-0000004.png" in files) == (network == "mlp")
    assert files["networks-best.safetensors"] == files["networks-0000004.safetensors"]
    assert {path.name: path.read_bytes() for path in killed.iterdir() if not path.name.startswith(".")} == files


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_before_the_first_saving_leaves_networks_and_a_sheet(tmp_path, monkeypatch, capsys, ending):
    number = getattr(signal, ending, None)
    if number is None or signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"no {ending} here, or under nohup")
    real = train.GANTask.step

    def step(task, run, k):
        if k == 2:
            signal.raise_signal(number)
        return real(task, run, k)

    monkeypatch.setattr(train.GANTask, "step", step)
    assert command.main([*arguments(tmp_path), "--every", "1000"]) == 130
    assert len(lines(tmp_path / "history.csv")) == 4
    assert (tmp_path / "networks.safetensors").is_file() and (tmp_path / "samples-0000003.png").is_file()
    out = capsys.readouterr().out  # what it says goes on does so at a terminal
    assert "after step 3. All results so far are usable; the same command goes on." in out and "run.play" not in out


def test_a_disk_that_refuses_is_told_each_time_and_in_the_end(tmp_path, monkeypatch, capsys):
    real, refused = cli_train.write_atomically, []

    def full(file):
        raise OSError(28, "No space left on device")  # the system names no file

    def refuse(path, content):
        with monkeypatch.context() as patch:
            if path.name == "history.csv" and len(refused) < 2:
                refused.append(path)
                patch.setattr(os, "fsync", full)
            real(path, content)

    monkeypatch.setattr(cli_train, "write_atomically", refuse)
    assert command.main(arguments(tmp_path / "run", steps=8)) == 1  # refused at steps 4 and 8
    error = capsys.readouterr().err
    assert error.count(f"No space left on device: {str(tmp_path / 'run' / 'history.csv')!r}") == 3
    assert "results of step 8" in error.splitlines()[-1]
    assert command.main(arguments(tmp_path / "run", steps=8)) == 0
    assert len(lines(tmp_path / "run" / "history.csv")) == 9


def test_a_last_checkpoint_that_is_refused_is_told_in_the_end(tmp_path, monkeypatch, capsys):
    real = checkpoint.save

    def refuse(path, state):
        if path.name == "run.safetensors":
            raise OSError(28, "No space left on device", str(path))
        real(path, state)

    monkeypatch.setattr(checkpoint, "save", refuse)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        assert command.main(arguments(tmp_path / "run", steps=8)) == 1
    assert "run.safetensors after step 8: " in capsys.readouterr().err.splitlines()[-1]
    assert (tmp_path / "run" / "networks.safetensors").is_file()
    monkeypatch.undo()
    assert command.main(arguments(tmp_path / "run", steps=8)) == 0


def test_a_setting_is_changed_openly_or_refused_with_the_way_out(tmp_path, capsys):
    assert command.main(arguments(tmp_path / "run", steps=4)) == 0
    other = ["--learning-rate", "1e-5"]
    assert command.main(arguments(tmp_path / "run", steps=8, more=other)) == 1
    assert "--change learning_rate goes on" in capsys.readouterr().err
    assert command.main(arguments(tmp_path / "run", steps=8, more=[*other, "--change", "learning_rate"])) == 0
    assert "learning_rate is 1e-05; it was 0.0002" in capsys.readouterr().out
    assert command.main(arguments(tmp_path / "run", steps=4, more=other)) == 0
    assert "it has 8 steps already, more than --steps 4; nothing to do" in capsys.readouterr().out


def test_the_advice_after_a_divergence_can_be_followed_in_the_same_folder(tmp_path, monkeypatch, capsys):
    real = train.GANTask.step

    def step(task, run, k):
        record = real(task, run, k)
        fast = run.optimizers["generator"].param_groups[0]["lr"] > 1e-3
        return {**record, "generator_loss": record["generator_loss"] / (0 if fast and k == 5 else 1)}

    monkeypatch.setattr(train.GANTask, "step", step)
    fast, slow = (["--learning-rate", rate] for rate in ("0.01", "0.001"))
    for _ in range(2):  # the same command stops at the same step again
        with pytest.warns(RuntimeWarning, match="generator_loss became inf at step 6"):
            assert command.main(arguments(tmp_path / "run", more=fast)) == 1
        said = capsys.readouterr().out
        assert "To go on here: --learning-rate R --change learning_rate" in said and "try a third of it" in said
    assert command.main(arguments(tmp_path / "run", more=[*slow, "--change", "learning_rate"])) == 0
    assert "continuing after step 4" in capsys.readouterr().out
    assert checkpoint.load(tmp_path / "run" / "run.safetensors")["changes"] == [[4, "learning_rate", 0.01, 0.001]]


def test_grey_pictures_may_have_256_levels(tmp_path):
    more = ["--width", "4", "--likelihood", "logistic"]
    assert command.main(arguments(tmp_path, steps=2, network="vae", more=more)) == 0
    assert trained.read(tmp_path / "networks.safetensors")["vae"].likelihood == "logistic"
    assert lines(tmp_path / "metrics.csv")[0][-1] == "bits per dimension, at most"


def test_losses_are_on_the_screen_at_each_saving(tmp_path, capsys):
    assert command.main(arguments(tmp_path, steps=8)) == 0
    said = capsys.readouterr().out
    assert "step 4: critic_loss " in said and said.count("generator_loss") == 2


def test_the_best_networks_of_a_game_are_those_whose_samples_are_nearest(tmp_path, capsys, monkeypatch):
    distances = iter([5.0, 2.0, 3.0])
    real = cli_train.metrics.frechet_distance

    def distance(fake, reference):
        assert len(fake) == 1000 and 0 < real(fake, reference) < float("inf")
        return next(distances) if len(reference) == 2000 else real(fake, reference)  # else the floor, of halves

    monkeypatch.setattr(cli_train.metrics, "frechet_distance", distance)
    assert command.main(arguments(tmp_path, steps=12, network="cgan", more=["--width", "4", "--keep-networks"])) == 0
    rows = lines(tmp_path / "metrics.csv")
    assert rows[0] == ["step", "feature-FID", "its floor"] and [row[1] for row in rows[1:]] == ["5.0", "2.0", "3.0"]
    assert "feature-FID 3, its floor 1" in capsys.readouterr().out
    best = (tmp_path / "networks-best.safetensors").read_bytes()
    assert best == (tmp_path / "networks-0000008.safetensors").read_bytes()
    assert best != (tmp_path / "networks.safetensors").read_bytes()


def test_the_distance_of_a_game_is_that_of_its_samples(tmp_path):
    """Networks that hardly move: of good samples, and of collapsed ones."""
    distances = {}
    for name, width in (("cgan-digits", "16"), ("cgan-digits-collapsed", "32")):
        more = ["--from", name, "--learning-rate", "1e-12", "--width", width]
        assert command.main(arguments(tmp_path / name, steps=1, network="cgan", more=more)) == 0
        distances[name] = float(lines(tmp_path / name / "metrics.csv")[1][1])
    assert distances["cgan-digits"] < distances["cgan-digits-collapsed"] / 2


def test_a_game_learns_from_all_pictures_of_a_folder_unless_some_are_held_out(tmp_path, pictures):
    sizes = {}
    for name, more in {"all": [], "share": ["--test-share", "0.25"]}.items():
        words = arguments(tmp_path / name, steps=1, data=pictures, more=["--size", "16", *more])
        assert command.main(words) == 0
        sizes[name] = checkpoint.load(tmp_path / name / "run.safetensors")["data"]["set"]
    assert ": 40 images" in sizes["all"] and ": 30 images" in sizes["share"]
    (pictures / "train").mkdir()
    (pictures / "test").mkdir()
    for k, picture in enumerate(sorted(pictures.glob("*.png"))):
        picture.rename(pictures / ("train" if k < 20 else "test") / picture.name)
    assert command.main(arguments(tmp_path / "own", steps=1, data=pictures, more=["--size", "16"])) == 0
    assert ": 20 images" in checkpoint.load(tmp_path / "own" / "run.safetensors")["data"]["set"]
