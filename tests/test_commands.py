"""What all commands have in common: options that belong, paths, output that never stops work, one line for trouble."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import checkpoints
import limits
import PIL.Image
import pytest
import torch

from ganlab import __main__, data, runtime
from ganlab import cli as command
from ganlab.cli import draw, metric, tasks, train
from ganlab.cli.arguments import Parser
from ganlab.data import folders
from ganlab.models import trained
from ganlab.train import Keep, parallel

ALIKE = ["--data", "digits", "--steps", "2", "--out", "run"]


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line in which wrong arguments are refused."""
    with pytest.raises(SystemExit) as end:
        command.main(words)
    error = capsys.readouterr().err
    assert end.value.code == 2 and error.startswith("error: ") and error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("task", "option", "said"),
    [
        ("mlp", "--beta=-5", "it is one of vae, cvae"),
        ("mlp", "--upsample=nonsense", "it is one of dcgan, cgan"),
        ("mlp", "--width=4", "it is one of dcgan, cgan, vae, cvae, iwae, flow, classifier"),
        ("vae", "--objective=nonsense", "it is one of dcgan, mlp, cgan"),
        ("vae", "--samples=5", "it is one of iwae"),
        ("iwae", "--beta=2", "it is one of vae, cvae"),
        ("classifier", "--latent-dim=3", "it is one of vae, cvae, iwae"),
        ("dcgan", "--batchsize=3", "did you mean --batch-size?"),
        ("dcgan", "--batch=3", "--batch: no option of"),  # half a word is none
    ],
)
def test_an_option_that_does_not_apply_is_refused(tmp_path, monkeypatch, capsys, task, option, said) -> None:
    monkeypatch.chdir(tmp_path)
    error = refusal(["train", task, *ALIKE, option], capsys)
    assert said in error and f"train {task}" in error and option.split("=")[0] in error
    assert not list(tmp_path.iterdir())


# Options that do nothing beside others, or for data of ours: task, option, what makes it idle, what gives it a use
GAME = [(task, "--penalty-weight 3", "", "--penalty r1") for task in tasks.GANS]
BOUND = [(t, o, "--beta 0", "--beta 0.5") for t in ("vae", "cvae") for o in ("--warm-up 3", "--free-bits 0.5")]
CRITIC = [
    (task, option, "--adversarial-weight 0", "--adversarial-weight 0.1")
    for task in ("pix2pix", *tasks.RESTORERS)
    for option in ("--objective hinge", "--l1-steps 0")
]
CYCLE = [("cyclegan", "--identity-weight 0.5", "--cycle-weight 0", "--cycle-weight 1")]
OURS = {**dict.fromkeys(tasks.TASKS, "digits"), "style": "photographs", "video": "moving-digits"}
OURS |= dict.fromkeys(tasks.TRANSLATORS, "icons")
OF_FOLDER = [
    (task, option, "", "--data folder")
    for task in tasks.TASKS
    for option in ("--fit crop", "--test-share 0", "--skip-broken", "--to this")
    if (option == "--skip-broken" or task not in ("style", "video"))
    and (not option.startswith("--to") or task in tasks.TRANSLATORS)
]
IDLE = [*GAME, *BOUND, *CRITIC, *CYCLE, *OF_FOLDER]


def parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser()
    tasks.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(("task", "option", "idle", "used"), IDLE)
def test_an_option_that_does_nothing_is_refused(tmp_path, capsys, task, option, idle, used) -> None:
    words = [task, "--data", OURS[task], "--steps", "2", "--out", str(tmp_path / "run"), *option.split()]
    assert command.main(["train", *words, *idle.split()]) == 1
    name = option.split()[0]
    error = capsys.readouterr().err
    assert error.startswith(f"error: {name}: does nothing here: ") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())  # so that nothing idle is recorded
    tasks.refuse_idle(parsed([*words, *used.split()]))
    left = [word for word in words if word not in option.split()]
    tasks.refuse_idle(parsed([*left, *idle.split()]))


def test_every_option_that_may_do_nothing_is_tried_above() -> None:
    tried = {(task, option.split()[0]) for task, option, *_ in IDLE}
    for task in tasks.TASKS:
        options = parsed([task, "--data", "digits", "--steps", "2", "--out", "run"])
        may = {name for names, *_ in tasks._idle(options) for name in names if hasattr(options, name)}
        assert {f"--{name.replace('_', '-')}" for name in may} == {option for of, option in tried if of == task}
        assert not [name for name in may if getattr(options, name)]  # or it would not be known that it was given


@pytest.mark.parametrize("name", checkpoints.RECIPES)
def test_the_commands_of_our_own_networks_are_none_of_those(name: str) -> None:
    tasks.refuse_idle(parsed([*checkpoints.RECIPES[name].split(), "--out", "run"]))


def test_what_data_leave_without_a_use_is_refused(tmp_path, capsys) -> None:
    def refused(words: list[str], said: str) -> None:
        assert command.main([*words, "--steps", "2", "--out", str(tmp_path / "run")]) == 1
        error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
        assert len(error) == 1 and said in error[0] and not (tmp_path / "run").exists()

    for k, sides in enumerate(((16, 16), (16, 16, 3))):
        for number in range(4):
            draw_picture(tmp_path / "sides" / f"{k}" / f"{number}.png", sides)
    folder = ["--data", str(tmp_path / "sides"), "--size", "16"]
    refused(["train", "cyclegan", *folder, "--identity-weight", "0.1"], "--identity-weight: does nothing here: one")
    loose = ["--data", str(tmp_path / "sides" / "0"), "--size", "16", "--test-share", "0.3"]
    refused(["train", "flow", *loose, "--class-dropout", "0.2"], "--class-dropout: does nothing here: 0 (train)")
    refused(["train", "vae", "--data", "digits", "--change", "penalty"], "--change: vae has no penalty")
    assert command.main(["metric", "digits", "digits", "--fit", "pad"]) == 1
    assert "--fit: does nothing here: it is for a folder" in capsys.readouterr().err
    out = ["--in", str(tmp_path / "sides"), "--out", str(tmp_path / "made"), "--seed", "1"]
    assert command.main(["apply", "--of", "pix2pix-icons", *out]) == 1
    assert "--seed: does nothing here: pix2pix-icons draws nothing at random" in capsys.readouterr().err
    assert command.main(["apply", "--of", "stylist-gogh", *out]) == 1
    assert "--seed: stylist-gogh paints: it has no holes to fill, no way back, and draws" in capsys.readouterr().err


def draw_picture(path: Path, sides: tuple[int, ...]) -> None:
    """Write a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = torch.randint(0, 256, sides, dtype=torch.uint8, generator=torch.Generator().manual_seed(len(path.name)))
    PIL.Image.fromarray(noise.numpy()).save(path)


class Stop(Exception):
    """A training that would begin now."""


def of_training(names: list[str]) -> list[str]:
    """Return the names that the reader of folders does not hold out."""
    return [name for name in names if not folders.is_test(name)]


def folder_for(task: str, folder: Path) -> Path:
    """Make a folder of twelve pictures for a task, of which one is broken, and none falls into the test split."""
    names = of_training([f"{k}.png" for k in range(20)])[:12]
    sides = {"video": [f"{k}" for k in range(3)], "style": ["."], "metric": ["."]}.get(task, ["first", "second"])
    for side in sides:
        for name in names:
            draw_picture(folder / side / name, (40, 40))
    (folder / sides[-1] / names[3]).write_bytes(b"\x89PNG\r\n\x1a\n broken")
    return folder


SMALL = {"style": ["--painting", "auvers", "--size", "32"], "video": ["--frames", "4", "--size", "16"]}


@pytest.mark.parametrize("task", [*tasks.TASKS, "metric"])
def test_the_advice_of_the_folders_reader_is_taken_by_the_command_that_gives_it(
    task, tmp_path, monkeypatch, capsys
) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise Stop

    monkeypatch.setattr(train.train, "Run", stop)
    monkeypatch.setattr(metric, "load_classifier", lambda name: argparse.Namespace(size=32))
    monkeypatch.setattr(metric.trained, "features", stop)
    folder = str(folder_for(task, tmp_path / "folder"))
    words = ["train", task, "--data", folder, "--steps", "1", "--out", str(tmp_path / "run"), "--batch-size", "2"]
    words += SMALL.get(task, ["--size", "32"])
    words = ["metric", folder, folder] if task == "metric" else words
    advice = []
    while True:
        try:
            assert command.main(words) == 1
        except Stop:
            break
        error = capsys.readouterr().err.splitlines()[-1]
        advised = re.findall(r"\((--[^)]+)\)", error)
        assert len(advised) == 1 and advised[0] not in advice, error
        advice += advised
        words += advised[0].split()
    held_out = task not in (*tasks.GANS, "cyclegan", "style", "video", "metric")
    assert advice == ["--skip-broken", *(["--test-share 0.2"] if held_out else [])]
    assert "left out, 1 that cannot be read: " in capsys.readouterr().err


def test_every_option_that_a_task_shows_is_one_that_it_uses(capsys) -> None:
    shown = {}
    for task in tasks.TASKS:
        with pytest.raises(SystemExit):
            command.main(["train", task, "--help"])
        shown[task] = {word.strip("[],") for word in capsys.readouterr().out.split() if word.startswith(("--", "[--"))}
    game = {"--penalty", "--n-critic", "--clip", "--critic-learning-rate", "--anneal"}
    bound = {"--beta", "--warm-up", "--free-bits"}
    for task, options in shown.items():
        assert {"--data", "--steps", "--out", "--seed", "--every"} <= options
        assert (game <= options) == (task in tasks.GANS) and bool(game & options) == (task in tasks.GANS)
        assert ("--objective" in options) == (task in (*tasks.GANS, *tasks.TRANSLATORS, *tasks.RESTORERS))
        assert (bound <= options) == bool(bound & options) == (task in ("vae", "cvae"))
        assert ("--samples" in options) == (task == "iwae")
    with pytest.raises(SystemExit):
        command.main(["train", "--help"])
    listed = capsys.readouterr().out
    assert set(tasks.TASKS) <= set(listed.split()) and "--penalty" not in listed


def test_other_commands_refuse_in_one_line_too(capsys) -> None:
    assert "sample: " not in refusal(["sample", "--out", "a.png", "--bta"], capsys)
    assert "invalid choice: 'dcgn'" in refusal(["train", "dcgn"], capsys)
    refusal(["data", "fetch"], capsys)
    refusal([], capsys)


def test_a_tilde_is_the_home_folder_in_every_path(tmp_path, monkeypatch, capsys) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    words = ["train", "mlp", "--data", "digits", "--steps", "1", "--out=~/run", "--device", "cpu", "--batch-size", "4"]
    assert command.main(words) == 0
    assert command.main(["sample", "--of", "~/run", "--n", "1", "--out=~/a.png"]) == 0
    assert command.main(["sample", "--of=~/run/networks.safetensors", "--n", "20", "--out=~/many"]) == 0
    assert command.main(["walk", "--of", "~/run", "--from", "1", "--to", "2", "--out=~/a.gif"]) == 0
    assert trained.read("~/run/networks.safetensors")
    assert not list(here.iterdir()) and {"run", "a.png", "many", "a.gif"} <= {path.name for path in home.iterdir()}
    capsys.readouterr()
    assert "no such user's home" in refusal(["sample", "--out=~nobody-of-that-name/a.png"], capsys)
    nobody = "~nobody-of-that-name/run"
    for words in (
        ["sample", f"--of={nobody}", "--out=b.png"],
        ["metric", "digits", nobody],
        ["train", "mlp", "--data", nobody, "--steps", "1", "--out=~/other"],
    ):
        assert command.main(words) == 1
        assert "no such user's home" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no such user's home"):
        Keep(checkpoint=f"{nobody}/a.safetensors")
    with pytest.raises(data.DataError, match="no such user's home"):
        data.read_image(f"{nobody}/a.png", 8)


def start(words: list[str], **options: object) -> subprocess.Popen:
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.Popen([sys.executable, "-m", "ganlab", *words], env=environment, **options)


def test_a_closed_pipe_changes_nothing(tmp_path: Path) -> None:
    process = start(["sample", "--n", "1", "--out", str(tmp_path / "a.png")], stdout=-1, stderr=-1)
    process.stdout.close()  # as `| head -0` does
    process.stderr.close()
    with limits.ending(process, "ended", 20):
        assert process.wait() == 0 and (tmp_path / "a.png").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_to_a_full_disk_and_a_code_page_change_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "Bär"
    with open("/dev/full", "w") as full:
        process = start(["sample", "--n", "1", "--out", str(folder / "a.png")], stdout=full, stderr=full)
        with limits.ending(process, "ended", 20):
            assert process.wait() == 0 and (folder / "a.png").is_file()
    page = {"PYTHONIOENCODING": "ascii"}
    process = start(["sample", "--n", "1", "--out", str(folder / "b.png")], stdout=-1, stderr=-1, env=page)
    with limits.ending(process, "ended", 20):
        out, _ = process.communicate()
    assert process.returncode == 0 and b"B\\xe4r/b.png: 1 samples" in out


def test_forgiving_output_passes_on_what_it_can(tmp_path: Path, capsys) -> None:
    with runtime.forgiving_output():
        print("both", end=" ")
        print("lines", file=sys.stderr)
    assert capsys.readouterr() == ("both ", "lines\n")
    with (tmp_path / "log").open("w") as log:
        before, sys.stdout = sys.stdout, log
        try:
            with runtime.forgiving_output():
                print("kept", flush=True)
                os.close(log.fileno())
                os.open(os.devnull, os.O_RDONLY)  # the same number, and not for writing
                print("lost", flush=True)
                print("lost as well", flush=True)
        finally:
            sys.stdout = before
    assert (tmp_path / "log").read_text() == "kept\n"


def test_ctrl_c_while_something_is_loaded_is_one_line(monkeypatch, capsys) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "load_images", interrupted)
    assert command.main(["train", "mlp", *ALIKE]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    monkeypatch.setattr(parallel, "together", interrupted)  # as it would come out of `import torch`
    assert __main__.start() == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_short_memory_is_told_in_one_line_with_what_to_do(monkeypatch, capsys, error) -> None:
    def fail(options: object) -> int:
        raise error

    monkeypatch.setattr(train, "run", fail)
    monkeypatch.setattr(draw, "sample", fail)
    assert command.main(["train", "mlp", *ALIKE]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: out of memory") and "--batch-size" in said and said.count("\n") == 1
    assert ("20.00 GiB" in said) == ("20.00" in str(error))
    assert command.main(["sample", "--out", "a.png"]) == 1 and "--n" in capsys.readouterr().err


def test_what_is_no_lack_of_memory_keeps_its_traceback(monkeypatch) -> None:
    def fail(options: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(train, "run", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        command.main(["train", "mlp", *ALIKE])


def test_real_memory_that_runs_out_is_seen(tmp_path: Path, capsys) -> None:
    """torch's own words, of a network that no machine holds."""
    words = ["train", "dcgan", *ALIKE[:-1], str(tmp_path / "run"), "--device", "cpu", "--width", str(2**22)]
    assert command.main(words) == 1
    assert capsys.readouterr().err.startswith("error: out of memory")


def test_a_folder_called_like_a_set_is_told(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ["train", "mlp", *ALIKE, "--device", "cpu"]
    assert command.main(words) == 0
    assert "'digits' is the built-in set; for your folder of that name write ./digits" in capsys.readouterr().err
    words[words.index("digits")] = "./digits"
    assert command.main(words) == 1 and "no images in this folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["train", "mlp", *ALIKE, "--device", "cpu"], ["sample", "--n", "1", "--out", "a.png"]]
)
def test_no_widgets_are_loaded_to_write_a_picture(tmp_path: Path, words: list[str]) -> None:
    script = f"import sys; from ganlab import cli; assert cli.main({words!r}) == 0; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    loaded = done.stdout.split("\n")[-2].split()
    assert "ganlab.cli.draw" in loaded, done.stderr
    assert not {"ganlab.widgets", "ipywidgets", "anywidget"} & set(loaded)
