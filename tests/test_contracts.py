"""What holds for every kind of run, a reader's own among them: one test for each contract."""

import asyncio
import copy
import errno
import functools
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import limits
import numpy as np
import pytest
import torch
from games import Spoiled, fixed_randomness, no_leftovers, not_finite, result, same  # noqa: F401
from own_tasks import Denoiser, FlowMatching, Pix2Pix
from torch import nn

from ganlab import checkpoint, data, losses, models, runtime, toys, train
from ganlab.checkpoint import CheckpointError
from ganlab.data import ImageSet
from ganlab.models import trained
from ganlab.train import GANSettings, GANTask, Keep, Run, VAESettings, VAETask
from ganlab.widgets import live
from ganlab.widgets.dashboard import Dashboard

STEPS = 24
Made = tuple[train.Task, object]


def pictures(labels: bool = True, pairs: bool = False) -> ImageSet:
    """Return 40 images of 8x8 pixels, of three classes."""
    generator = torch.Generator().manual_seed(1)
    images, others = torch.randint(0, 256, (2, 40, 1, 8, 8), dtype=torch.uint8, generator=generator)
    names = tuple("abc") if labels else ()
    y = torch.arange(40) % 3 if labels else None
    return ImageSet(images, y, names, "noise", "train", others if pairs else None)


def plain(steps: int, batch_size: int, **others: object) -> dict[str, object]:
    return {"steps": steps, "precision": "float32", **others}


def gan(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """A game of images with batch norm in both, and dropout in the critic."""
    critic = models.DCGANCritic(size=8, width=4)
    critic.layers.insert(2, nn.Dropout(0.3))
    settings = GANSettings(**plain(steps, batch_size, **others))
    return GANTask(models.DCGANGenerator(4, size=8, width=4), critic, settings), pictures().batches(batch_size)


def cgan(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    players = models.conditional_generator(3, 4, size=8, width=4), models.conditional_critic(3, size=8, width=4)
    return GANTask(*players, GANSettings(**plain(steps, batch_size, **others))), pictures().batches(batch_size)


def vae(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """A VAE, with dropout in its encoder."""
    network = models.conv_vae(2, 1, 8, width=4)
    network.encoder = nn.Sequential(nn.Dropout(0.2), network.encoder)
    settings = VAESettings(**plain(steps, batch_size, **others))
    return VAETask(network, settings), pictures().batches(batch_size, scale="binary")


def classifier(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    settings = train.ClassifierSettings(**plain(steps, batch_size, **others))
    return train.ClassifierTask(models.Classifier(3, size=8, width=4), settings), pictures().batches(batch_size)


def denoiser(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """A reader's own, with dropout and batch norm inside."""
    layers = (nn.Conv2d(1, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(4, 1, 3, 1, 1))
    settings = train.Settings(**plain(steps, batch_size, **others))
    return Denoiser({"network": nn.Sequential(*layers)}, settings), pictures().batches(batch_size)


def translation(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """Pix2pix: by L1 alone first, then with a critic; dropout in the generator, as in the paper."""
    generator = models.UNet(1, 1, width=4, halvings=2)
    generator.up[0].append(nn.Dropout(0.3))
    critic = models.PatchCritic(1, 1, width=4, halvings=1)
    settings = train.TranslationSettings(**plain(steps, batch_size, l1_steps=6, **others))
    return train.TranslationTask(generator, critic, settings), pictures(pairs=True).batches(batch_size)


def cycle(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """CycleGAN, with a memory that is full after two steps, and dropout in a critic."""
    critics = [models.PatchCritic(1, 0, width=4, halvings=1) for _ in range(2)]
    critics[0].layers.insert(2, nn.Dropout(0.3))
    generators = [models.ResNetGenerator(1, 1, width=4, blocks=1) for _ in range(2)]
    players = dict(zip(("generator", "back", "critic", "back_critic"), (*generators, *critics), strict=True))
    settings = train.CycleGANSettings(**plain(steps, batch_size, past=20, **others))
    return train.CycleGANTask(players, settings), data.Unpaired(*pictures(pairs=True).domains(), batch_size)


def enlarging(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """Super-resolution from small, noisy pictures, by squared error first, then with a critic that sees them, too."""
    generator = models.SuperResolver(1, factor=2, width=4, blocks=1)
    generator.layers[1].layers.append(nn.Dropout(0.3))
    critic = models.PatchCritic(1, 1, width=4, halvings=1)
    settings = train.TranslationSettings(**plain(steps, batch_size, l1_steps=6, distance="l2", **others))
    source = data.Degraded(pictures().batches(batch_size), data.LowResolution(2, noise=0.1))
    return train.TranslationTask(generator, critic, settings), source


def inpainting(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """Holes filled with noise, each its own, and a distance of a reader's own."""
    generator = models.Inpainter(1, width=4, halvings=2, noise=True)
    generator.unet.up[0].append(nn.Dropout(0.3))
    features = losses.Perceptual(halves, 0.3)
    settings = train.TranslationSettings(**plain(steps, batch_size, distance=features, **others))
    source = data.Degraded(pictures().batches(batch_size), data.Holes("strokes", fill="noise"))
    return train.TranslationTask(generator, models.PatchCritic(1, 2, width=4, halvings=1), settings), source


def halves(x: torch.Tensor) -> list[torch.Tensor]:
    """Return features that need no network: a picture's left half and its lower one."""
    return [x[..., : x.shape[-1] // 2], x[..., x.shape[-2] // 2 :, :]]


class Sketch(nn.Module):
    """Features of one layer under every name that style asks for: the course's trunk would cost seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3, 2, 1).requires_grad_(False)

    def forward(self, pictures: torch.Tensor, names: tuple[str, ...]) -> dict[str, torch.Tensor]:
        return {name: self.layer(pictures).relu() for name in names}


def style(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """A stylist of two paintings, with dropout in a layer."""
    stylist = models.Stylist(2, width=4, blocks=1)
    stylist.blocks[0].convolution = nn.Sequential(stylist.blocks[0].convolution, nn.Dropout(0.3))
    generator = torch.Generator().manual_seed(2)
    paintings, contents = (
        torch.randint(0, 256, (n, 3, 40, 40), dtype=torch.uint8, generator=generator) for n in (2, 5)
    )
    settings = train.StyleSettings(**plain(steps, batch_size, **others))
    return train.StyleTask(stylist, paintings, settings, trunk=Sketch()), data.Crops(contents, batch_size, size=32)


def moving() -> data.ClipSet:
    """Return 20 clips of four frames of 8x8 pixels."""
    generator = torch.Generator().manual_seed(1)
    return data.ClipSet(torch.randint(0, 256, (20, 4, 1, 8, 8), dtype=torch.uint8, generator=generator))


def clips(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """A game of clips, with convolutions in two and in three dimensions, a recurrent network, dropout."""
    shape = {"size": 8, "frames": 4, "width": 4}
    critic = models.BothCritics(**shape)
    critic.time.layers.insert(2, nn.Dropout(0.3))
    settings = GANSettings(**plain(steps, batch_size, **others))
    return GANTask(models.MotionGenerator(3, 2, hidden=4, **shape), critic, settings), moving().batches(batch_size)


def volume(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """A game of clips in three dimensions alone."""
    shape = {"size": 8, "frames": 4, "width": 4}
    settings = GANSettings(**plain(steps, batch_size, **others))
    players = models.ClipGenerator(4, **shape), models.ClipCritic(**shape)
    return GANTask(*players, settings), moving().batches(batch_size)


def flow(steps: int = STEPS, batch_size: int = 8, **others: object) -> Made:
    """A flow of classes, some of which are left out, with dropout in its network."""
    network = models.flow_unet(1, 8, width=8, classes=3)
    network.velocity.grow.append(nn.Dropout(0.2))
    network.steps = 3
    settings = train.FlowSettings(**plain(steps, batch_size, **others))
    return train.FlowTask(network, settings), pictures().batches(batch_size)


# CVAEs and IWAEs are of the same class of task as VAEs, with other settings: test_rehearsal.py has them, too.
KINDS: dict[str, Callable[..., Made]] = {
    "gan": gan, "cgan": cgan, "vae": vae, "classifier": classifier, "denoiser": denoiser,
    "translation": translation, "cycle": cycle, "enlarging": enlarging, "inpainting": inpainting,
    "style": style, "clips": clips, "volume": volume, "flow": flow,
}  # fmt: skip
every_kind = pytest.mark.parametrize("kind", KINDS)


def run_of(kind: str, keep: Keep | None = None, steps: int = STEPS, **others: object) -> Run:
    """Return a run of a kind, not started, always from the same first weights and global random state."""
    torch.manual_seed(0)
    task, source = KINDS[kind](steps, **others)
    return Run(task, source, keep=keep, device="cpu")


def spread(run: Run) -> dict[str, float]:
    """Return a metric that draws from the global generator."""
    weights = torch.cat([w.flatten() for w in run.modules[next(iter(run.modules))].parameters()])
    return {"spread": weights.std().item(), "chance": torch.rand(1).item()}


def kept(path: Path | None = None, **others: object) -> Keep:
    return Keep(
        **{"metric": spread, "metric_every": 5, "sample_every": 8, "checkpoint": path, "checkpoint_every": 7, **others}
    )


# Kept, killed, resumed


@every_kind
def test_a_run_resumed_again_and_again_ends_with_the_same_bits(kind: str, tmp_path: Path) -> None:
    whole = run_of(kind, kept()).play(progress=False)
    for stop in (3, 13, 20, STEPS):
        # each time anew, from the first weights and the global random state of the beginning
        run = run_of(kind, kept(tmp_path / "run", checkpoint_every=1, resume=True))
        for _ in itertools.islice(run, stop - run.step):
            pass
        run.release()
    assert run.step == STEPS and same(result(run), result(whole))


# All kinds by turns in one process, each with the random state that it would have alone
CHILD = """
import sys
sys.path[:0] = {paths!r}
import torch
torch.set_num_threads(1)
import test_contracts as contracts
from pathlib import Path
from ganlab import runtime
games = []
for kind in contracts.KINDS:
    keep = contracts.kept(Path({folder!r}) / kind, resume=True)
    run = contracts.run_of(kind, keep, steps=100_000, threads=contracts.threads_of(kind))
    games.append((run, runtime.random_states()))
while True:
    for number, (run, states) in enumerate(games):
        runtime.set_random_states(states)
        next(run)
        games[number] = run, runtime.random_states()
    if run.step == 15:
        print("15", flush=True)
"""


def threads_of(kind: str) -> int:
    """Return the number of threads in which a kind is trained and killed: two cost much where others work, too."""
    return 2 if kind == "classifier" else 1


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return a folder of runs whose process was killed, and why each could not be gone on with before."""
    folder = tmp_path_factory.mktemp("killed")
    paths = [str(Path(__file__).parent), str(Path(__file__).parent / "tools"), str(Path(__file__).parents[1])]
    script = CHILD.format(paths=paths, folder=str(folder))
    refusals = {}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        with limits.ending(child, "trained for 15 steps", 60):
            assert child.stdout.readline() == "15\n"
        with runtime.randomness_kept():
            for kind in KINDS:
                with pytest.raises(ValueError) as error:
                    run_of(kind, kept(folder / kind, resume=True))
                refusals[kind] = str(error.value)
        child.kill()
    return folder, refusals


@every_kind
def test_a_killed_run_goes_on_with_the_same_bits_and_its_lock_is_free(kind: str, killed) -> None:
    folder, refusals = killed
    file = folder / kind
    assert refusals[kind].startswith(f"checkpoint: another process is training into {file} now")
    end = checkpoint.load(file)["step"] + 4
    ends = []
    for keep, threads in ((kept(file, resume=True), "auto"), (kept(), threads_of(kind))):
        run = run_of(kind, keep, steps=100_000, threads=threads)
        for _ in itertools.islice(run, end - run.step):
            pass
        run.collect()
        ends.append(result(run))
        assert run.settings.threads == threads_of(kind)
    assert end > 15 and same(*ends)


@every_kind
def test_a_run_computes_with_its_own_number_of_threads_and_gives_the_former_back(kind: str, tmp_path: Path) -> None:
    numbers = []

    def watched(run: Run) -> Run:
        for network in run.modules.values():
            for part in network.modules():
                part.register_forward_hook(lambda *_: numbers.append(torch.get_num_threads()))
        return run

    def metric(run: Run) -> dict[str, float]:
        numbers.append(torch.get_num_threads())
        return spread(run)

    looked = {"metric": metric, "metric_every": 1, "sample_every": 1}
    keep = kept(tmp_path / "run", **looked, checkpoint_every=1)
    runs = [watched(run_of(kind, keep, threads=3)), watched(run_of(kind, kept(**looked), threads=2))]
    for run, number in (*zip(runs, (3, 2), strict=True), (runs[0], 3)):  # by turns
        numbers.clear()
        for _ in itertools.islice(run, 1):
            assert torch.get_num_threads() == 1
        if run.task.draws:
            run.frame()
        assert set(numbers) == {number} and torch.get_num_threads() == 1
    runs[0].release()
    assert checkpoint.load(tmp_path / "run")["settings"]["threads"] == 3
    resumed = watched(run_of(kind, kept(tmp_path / "run", **looked, resume=True)))
    numbers.clear()
    next(resumed)
    assert resumed.settings.threads == 3 and set(numbers) == {3}


@every_kind
def test_nothing_is_overwritten(kind: str, tmp_path: Path) -> None:
    keep = kept(tmp_path / "run")
    run_of(kind, keep).play(progress=False)
    content = (tmp_path / "run").read_bytes()
    with pytest.raises(ValueError, match="run exists already; pass resume=True to continue it, or another name"):
        run_of(kind, keep)  # made before the file was: a notebook's cell executed twice
    assert (tmp_path / "run").read_bytes() == content


@every_kind
@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_ending_comes_after_a_whole_step_and_is_saved(
    kind: str, ending: str, tmp_path: Path, capsys, request: pytest.FixtureRequest
) -> None:
    if not hasattr(signal, ending):
        pytest.skip(f"no {ending} here")
    run = run_of(kind, kept(tmp_path / "run"))
    at = run.source.at
    number = getattr(signal, ending)
    if signal.getsignal(number) is signal.SIG_IGN:  # these tests were started with nohup, which a run respects
        signal.signal(number, signal.SIG_DFL)
        request.addfinalizer(lambda: signal.signal(number, signal.SIG_IGN))
    batch = run.source.batch

    def raising(step: int) -> data.Batch:
        if step == 10 and not hasattr(run, "ended"):
            run.ended = True
            signal.raise_signal(number)
        return batch(step)

    run.source.batch = raising
    before = signal.getsignal(number)
    run.play(progress=False)
    assert run.step == 11 and checkpoint.load(tmp_path / "run")["step"] == 11 and at is not None
    assert "Interrupted after step 11." in capsys.readouterr().out and signal.getsignal(number) is before
    assert same(result(run.play(progress=False)), result(run_of(kind, kept()).play(progress=False)))


@every_kind
def test_a_loss_that_is_not_finite_stops_it_with_the_last_good_weights(kind: str) -> None:
    run = run_of(kind)
    step = run.task.step

    def spoiled(stage: train.Stage, k: int) -> dict[str, torch.Tensor]:
        record = step(stage, k)
        if k == 17:
            record[next(iter(record))] = torch.tensor(float("nan"))
        return record

    run.task.step = spoiled
    with pytest.warns(RuntimeWarning, match="became nan at step 18; likely the learning rate"):
        run.play(progress=False)
    assert run.step == 0 and run.stopped and list(run) == []


# Looked at


@every_kind
def test_samples_and_metrics_come_in_evaluation_mode_and_leave_modes_alone(kind: str) -> None:
    modes = []

    def metric(run: Run) -> dict[str, float]:
        modes.extend(module.training for network in run.modules.values() for module in network.modules())
        return {}

    run = run_of(kind, Keep(metric, 4))
    for _ in itertools.islice(run, 6):
        pass
    assert modes and not any(modes)
    name = run.task.averaged or next(iter(run.networks))  # the classifier
    part = next(module for module in run.networks[name].modules() if not list(module.children()))
    part.eval()  # its owner wants it so
    before = [module.training for module in run.networks[name].modules()]
    for average in (True, False) if run.task.draws else ():
        network = run.ema if average else run.networks[name]
        z = run.latents(5, "a test")
        y = None if run.task.classes is None else torch.arange(5) % 3
        alone = copy.deepcopy(network).eval()
        with torch.no_grad():
            assert torch.equal(run.sample(z, average=average), run.task.images(alone, z, y))
    assert [module.training for module in run.networks[name].modules()] == before and any(before)


def test_bounds_come_in_evaluation_mode() -> None:
    run = run_of("vae")
    x = run.batch(0).x
    network = run.networks["vae"].train()
    assert torch.equal(train.bounds(network, x), train.bounds(network, x)) and network.training


@every_kind
def test_it_is_watched_with_stop_and_learning_rates_and_goes_on(kind: str, monkeypatch, tmp_path: Path) -> None:
    shown: list[Dashboard] = []
    for name, value in (("watched", lambda: True), ("HEAR_EVERY", 0)):
        monkeypatch.setattr(live, name, value)
    monkeypatch.setattr(Dashboard, "show", lambda view: shown.append(view))
    for name in ("PAINT_EVERY", "PAINT_APART"):
        monkeypatch.setattr(f"ganlab.widgets.dashboard.{name}", 0)
    run = run_of(kind, kept(tmp_path / "run"))

    async def steered() -> None:
        task = asyncio.ensure_future(live.play(run))
        while run.step < 9 and not task.done():
            await asyncio.sleep(0)
        if task.done():
            await task  # to see why
        shown[0].rates[sorted(run.optimizers)[0]].index = 0
        while not run.learning_rates and not task.done():
            await asyncio.sleep(0)
        shown[0].button.click()
        await task

    asyncio.run(steered())
    assert 9 <= run.step < STEPS and shown[0].readout.value.startswith("Stopped after")
    assert bool(shown[0].columns) == run.task.draws
    asyncio.run(live.play(run))
    assert run.step == STEPS and len(run.learning_rates) == 1
    resumed = run_of(kind, kept(tmp_path / "run", resume=True))
    assert resumed.step == STEPS and resumed.learning_rates == run.learning_rates


@every_kind
def test_its_networks_are_saved_and_read_back(kind: str, tmp_path: Path) -> None:
    """By `trained`, in a file that says what to build; a reader's own networks, which it cannot know, as weights alone.

    Whoever reads the latter builds the network first, as assignment 5 says.
    """
    run = run_of(kind)
    if kind == "denoiser":
        for _ in itertools.islice(run, 3):
            pass
        checkpoint.save(tmp_path / "own", {"weights": run.networks["network"].state_dict()})
        again = run_of(kind).networks["network"]
        assert not same(dict(again.state_dict()), dict(run.networks["network"].state_dict()))
        again.load_state_dict(checkpoint.load(tmp_path / "own")["weights"])
        assert same(dict(again.state_dict()), dict(run.networks["network"].state_dict()))
        return
    shape = {"channels": 1, "size": 8, "width": 4}
    plans = {
        "gan": {"generator": ("DCGANGenerator", {"latent_dim": 4, **shape})},
        "cgan": {"generator": ("conditional_generator", {"classes": 3, "latent_dim": 4, **shape})},
        "classifier": {"classifier": ("Classifier", {"classes": 3, **shape})},
        "vae": {"vae": ("conv_vae", {"latent_dim": 2, **shape})},
        "flow": {"flow": ("flow_unet", {**shape, "width": 8, "classes": 3})},
        "translation": {
            "generator": ("UNet", {"in_channels": 1, "channels": 1, "width": 4, "halvings": 2}),
            "critic": ("PatchCritic", {"channels": 1, "pair_channels": 1, "width": 4, "halvings": 1}),
        },
        "enlarging": {"generator": ("SuperResolver", {"channels": 1, "factor": 2, "width": 4, "blocks": 1})},
        "inpainting": {"generator": ("Inpainter", {"channels": 1, "width": 4, "halvings": 2, "noise": True})},
        "style": {"stylist": ("Stylist", {"count": 2, "width": 4, "blocks": 1})},
        "clips": {
            "generator": (
                "MotionGenerator",
                {"content_dim": 3, "motion_dim": 2, "size": 8, "frames": 4, "width": 4, "hidden": 4},
            )
        },
        "volume": {"generator": ("ClipGenerator", {"latent_dim": 4, "size": 8, "frames": 4, "width": 4})},
        "cycle": {
            "back": ("ResNetGenerator", {"in_channels": 1, "channels": 1, "width": 4, "blocks": 1}),
            "back_critic": ("PatchCritic", {"channels": 1, "pair_channels": 0, "width": 4, "halvings": 1}),
        },
    }
    if kind == "vae":
        run.networks["vae"].encoder = run.networks["vae"].encoder[1]  # without its dropout
    if kind == "style":
        run.networks["stylist"].blocks[0].convolution = run.networks["stylist"].blocks[0].convolution[0]
    trained.save(tmp_path / "networks", plans[kind], run.networks)
    role, network = next(iter(trained.read(tmp_path / "networks").items()))
    assert not network.training and same(dict(network.state_dict()), dict(run.networks[role].state_dict()))


# What a checkpoint knows


OTHERS = {
    "other pictures": (lambda: pictures().batches(8, seed=0), {"digest"}),
    "flip": (lambda: pictures().batches(8, flip="both"), {"flip"}),
    "shift": (lambda: pictures().batches(8, shift=1), {"shift"}),
    "batch size": (lambda: pictures().batches(10), {"batch_size"}),
    "names of classes": (lambda: dataclasses_replaced(classes=tuple("acb")).batches(8), {"digest"}),
    "labels": (lambda: dataclasses_replaced(labels=(torch.arange(40) + 1) % 3).batches(8), {"digest"}),
    "a tensor": (lambda: torch.zeros(40, 1, 8, 8), {"set", "digest"}),
}


def dataclasses_replaced(**changes: object) -> ImageSet:
    import dataclasses

    return dataclasses.replace(pictures(), **changes)


@pytest.mark.parametrize("other", OTHERS)
def test_other_data_are_refused_and_both_are_named(other: str, tmp_path: Path) -> None:
    run_of("gan", kept(tmp_path / "run"), steps=5).play(progress=False)
    content = (tmp_path / "run").read_bytes()
    source, names = OTHERS[other]
    if other == "other pictures":
        images = pictures().images.clone()
        images[3, 0, 2, 2] ^= 1
        different = ImageSet(images, pictures().labels, tuple("abc"), "noise", "train").batches(8)
    else:
        different = source()
    task, _ = gan(9)
    with pytest.raises(CheckpointError, match=r"resume: .*run has (\w+) .*, this run .*choose another file") as error:
        Run(task, different, keep=kept(tmp_path / "run", resume=True), device="cpu")
    assert any(f"has {name} " in str(error.value) for name in names), str(error.value)
    assert (tmp_path / "run").read_bytes() == content


@pytest.mark.parametrize(
    ("kind", "changed", "name"),
    [
        ("gan", {"learning_rate": 1e-3}, "learning_rate"),
        ("gan", {"critic_learning_rate": 1e-3}, "critic_learning_rate"),
        ("gan", {"objective": "hinge"}, "objective"),
        ("gan", {"batch_size": 10}, "batch_size"),
        ("vae", {"learning_rate": 1e-4}, "learning_rate"),
        ("classifier", {"learning_rate": 1e-4}, "learning_rate"),
        ("denoiser", {"batch_size": 4}, "batch_size"),
        ("denoiser", {"threads": 2}, "threads"),
    ],
)
def test_a_setting_is_changed_on_resuming_openly_or_not_at_all(kind, changed, name, tmp_path: Path, capsys) -> None:
    run_of(kind, kept(tmp_path / "run"), steps=10).play(progress=False)
    with pytest.raises(
        CheckpointError, match=rf"has {name} .*; change=\('{name}',\) goes on with this run's; or choose"
    ):
        run_of(kind, kept(tmp_path / "run", resume=True), **changed)
    run = run_of(kind, kept(tmp_path / "run", resume=True, change=(name,)), **changed)
    assert f"from step 10 on, {name} is " in capsys.readouterr().out
    assert [(step, setting) for step, setting, _, _ in run.changes] == [(10, name)]
    rates = {player: optimizer.param_groups[0]["lr"] for player, optimizer in run.optimizers.items()}
    if name == "learning_rate" and kind == "gan":
        assert rates == {"generator": 1e-3, "critic": 1e-3}
    if name == "critic_learning_rate":
        assert rates == {"generator": 2e-4, "critic": 1e-3}
    run.play(progress=False)
    again = run_of(kind, kept(tmp_path / "run", resume=True), **changed)  # it is this run's now
    assert again.step == STEPS and again.changes == run.changes


def test_what_may_be_changed_is_known_by_name() -> None:
    with pytest.raises(ValueError, match="change: got 'seed', expected names of learning_rate, "):
        Keep(checkpoint="x", resume=True, change=("seed",))


def test_objects_are_recorded_by_name_and_another_is_refused(tmp_path: Path) -> None:
    def smoothed(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return losses.cross_entropy_critic(real, fake)

    def bent(real: torch.Tensor, fake: torch.Tensor, by: float = 1) -> torch.Tensor:
        return losses.cross_entropy_critic(by * real, fake)

    def slope(critic, real, fake, shares) -> torch.Tensor:
        return losses.squared_slope(critic, real)

    def own(critic_loss, penalty, steps: int, change: tuple[str, ...] = ()) -> Run:
        torch.manual_seed(0)
        objective = losses.Objective(critic_loss, losses.non_saturating_generator)
        settings = GANSettings(steps, objective, 1e-3, penalty=penalty, precision="float32")
        players = models.MLPGenerator(2, (2,), (8,)), models.MLPCritic((2,), (8,))
        keep = Keep(checkpoint=tmp_path / "run", resume=True, change=change)
        return Run(GANTask(*players, settings), toys.ring().batches(8), keep=keep, device="cpu")

    own(smoothed, slope, 4).play(progress=False)
    assert "smoothed" in checkpoint.load(tmp_path / "run")["settings"]["objective"]
    assert own(smoothed, slope, 6).step == 4
    with pytest.raises(CheckpointError, match="has objective .*smoothed.*, this run .*bent"):
        own(bent, slope, 6)
    with pytest.raises(CheckpointError, match="has penalty .*slope', this run 'r1'"):
        own(smoothed, "r1", 6)
    assert own(bent, slope, 6, ("objective",)).step == 4
    own(functools.partial(bent, by=2), slope, 5, ("objective",)).play(progress=False)
    assert own(functools.partial(bent, by=2), slope, 6).step == 5
    with pytest.raises(CheckpointError, match=r"has objective .*\{'by': 2\}.*, this run .*\{'by': 3\}"):
        own(functools.partial(bent, by=3), slope, 6)


def test_optimizers_are_objects_and_their_kind_is_kept(tmp_path: Path) -> None:
    def run(make: Callable | None, steps: int) -> Run:
        torch.manual_seed(0)
        task, source = gan(steps)
        own = None if make is None else {n: make(w.parameters(), lr=0.1) for n, w in task.networks.items()}
        return Run(task, source, keep=Keep(checkpoint=tmp_path / "run", resume=True), device="cpu", optimizers=own)

    first = run(torch.optim.SGD, 4)
    before = first.networks["critic"].layers[0].weight.detach().clone()
    first.play(progress=False)
    assert not torch.equal(before, first.networks["critic"].layers[0].weight)
    assert run(torch.optim.SGD, 6).step == 4
    with pytest.raises(CheckpointError, match="has optimizer of the generator 'SGD', this run 'Adam'"):
        run(None, 6)


@pytest.mark.parametrize(
    ("absent", "threads", "said"),
    [
        (("task", "data", "optimizers", "changes"), 1, "data"),
        (("task", "data", "optimizers", "changes", "threads"), 2, "data and number of threads"),
        (("threads",), 2, "number of threads"),
    ],
)
def test_an_old_checkpoint_goes_on_and_a_line_says_what_is_not_known(
    absent, threads, said, tmp_path: Path, capsys
) -> None:
    file = tmp_path / "run"
    run_of("gan", kept(file), steps=10).play(progress=False)
    state = checkpoint.load(file)
    for name in absent:
        del (state["settings"] if name == "threads" else state)[name]
    file.unlink()
    checkpoint.save(file, state)
    with runtime.using_threads(threads):
        resumed = run_of("gan", kept(file, resume=True))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert f"before checkpoints knew their {said}; whether these are the same is not known" in out
    assert resumed.settings.threads == threads  # torch's own, with which old versions trained
    if threads == 1:
        end = result(resumed.play(progress=False))["weights"]
        assert same(end, result(run_of("gan", kept()).play(progress=False))["weights"])


def test_a_precision_that_the_device_lacks_goes_on_in_one_that_it_has(tmp_path: Path, monkeypatch, capsys) -> None:
    torch.manual_seed(0)
    task, source = gan(6, precision="bfloat16")
    Run(task, source, keep=kept(tmp_path / "run"), device="cpu").play(progress=False)
    there = runtime.precisions

    def without_bfloat16(device: torch.device, convolutions: bool) -> dict:
        return {name: each for name, each in there(device, convolutions).items() if "bfloat16" not in name}

    monkeypatch.setattr(runtime, "precisions", without_bfloat16)
    for precision in ("auto", "float32"):
        run = run_of("gan", kept(tmp_path / "run", resume=True), precision=precision)
        assert run.step == 6 and run.settings.precision == "float32"
        assert "was trained in bfloat16, which this device lacks; it goes on in float32" in capsys.readouterr().out


# The disk


def test_a_folder_that_cannot_be_written_is_found_before_the_first_step(tmp_path: Path, monkeypatch) -> None:
    def full(path, mode="r", *arguments, **others):
        if "x" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return open_before(path, mode, *arguments, **others)

    open_before = open
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="checkpoint: nothing can be written to .*file"):
        run_of("gan", kept(tmp_path / "file" / "run"))
    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(ValueError, match=r"checkpoint: nothing can be written to .*\(.*No space left on device"):
        run_of("gan", kept(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_each_saving_that_fails_is_told_and_unsaved_says_so_until_one_succeeds(tmp_path: Path, monkeypatch) -> None:
    fsync, full = os.fsync, [True]

    def refusing(handle: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    run = run_of("gan", kept(tmp_path / "run", checkpoint_every=5), steps=20)
    monkeypatch.setattr(os, "fsync", refusing)
    with pytest.warns(RuntimeWarning) as warned:
        for _ in itertools.islice(run, 12):
            pass
    texts = [str(warning.message) for warning in warned]
    assert len(texts) == 2 and all("run after step" in text and "No space left" in text for text in texts)
    assert "after step 10" in run.unsaved
    full[0] = False
    run.play(progress=False)
    assert run.unsaved == "" and checkpoint.load(tmp_path / "run")["step"] == 20


def test_one_keep_for_two_runs_is_refused(tmp_path: Path) -> None:
    keep = Keep(checkpoint=tmp_path / "run")
    for kind in ("vae", "classifier"):
        (tmp_path / "run").unlink(missing_ok=True)
        run_of(kind, keep).play(progress=False)
        with pytest.raises(ValueError, match="exists already"):
            run_of(kind, keep)


# What may be given


def test_sets_and_tensors_are_taken_and_the_rest_is_refused_by_name() -> None:
    players = models.MLPGenerator(2, (1, 8, 8), (8,)), models.MLPCritic((1, 8, 8), (8,))
    how = {"settings": GANSettings(2, precision="float32"), "device": "cpu", "progress": False}
    for source in (pictures(), pictures().images, pictures().images.float() / 127.5 - 1):
        assert train.fit_gan(*copy.deepcopy(players), source, **how).step == 2
    points = models.MLPGenerator(2, (2,), (8,)), models.MLPCritic((2,), (8,))
    assert train.fit_gan(*points, torch.randn(100, 2), **how).step == 2
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(9, 2)))
    for source, name in (
        (loader, "DataLoader"),
        (loader.dataset, "TensorDataset"),
        ([1], "list"),
        (np.zeros(3), "ndarray"),
    ):
        with pytest.raises(ValueError, match=f"source: got {name}, expected data.load"):
            train.fit_gan(*points, source, **how)
    vae = models.conv_vae(2, 1, 8, width=4)
    assert train.fit_vae(vae, pictures(), VAESettings(2, precision="float32"), device="cpu", progress=False).step == 2


def test_ranges_and_sigmoids_that_train_silently_are_told() -> None:
    players = models.MLPGenerator(2, (1, 8, 8), (8,)), models.MLPCritic((1, 8, 8), (8,))
    settings = GANSettings(2, precision="float32")
    with pytest.raises(ValueError, match=r"source: images lie in \[0, 255\], expected \[-1, 1\]"):
        Run(GANTask(*players, settings), pictures().images.float(), device="cpu")
    with pytest.warns(UserWarning, match=r"source: images lie in \[0, 0.99\d*\], expected \[-1, 1\]: what is made"):
        Run(GANTask(*players, settings), pictures().batches(8, scale="unit"), device="cpu")
    players[1].layers.append(nn.Sigmoid())
    with pytest.warns(UserWarning, match="critic: ends in a sigmoid"):
        Run(GANTask(*players, settings), pictures().batches(8), device="cpu")


class Ranged:
    """A source of a kind of run whose x, or pair, is brought into another range."""

    def __init__(self, source: object, part: str, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.source, self.part, self.change = source, part, change

    def at(self, step: int) -> torch.Tensor:
        return self.batch(step).x

    def batch(self, step: int) -> data.Batch:
        batch = data.batches.batch_of(self.source, step)
        return batch._replace(**{self.part: self.change(getattr(batch, self.part))})


PARTS = {"x": ("translation", "cycle", "enlarging", "gan", "cgan", "flow", "style", "clips", "volume", "classifier")}
PARTS |= {"pair": ("translation", "cycle", "enlarging", "inpainting")}
RANGED = [(kind, part) for part, kinds in PARTS.items() for kind in kinds]


@pytest.mark.parametrize(("kind", "part"), RANGED)
def test_a_range_that_trains_silently_is_told_by_every_kind(kind: str, part: str, recwarn) -> None:
    def made(change: Callable[[torch.Tensor], torch.Tensor]) -> Run:
        task, source = KINDS[kind](3)
        return Run(task, Ranged(source, part, change), device="cpu")

    what = {"x": "images", "pair": "pairs"}[part]
    with pytest.raises(ValueError, match=rf"source: {what} lie in \[-?\d+.*, \d+.*\], expected \[-1, 1\]: "):
        made(lambda x: 127.5 * (x + 1))
    made(lambda x: x)
    assert not [warning for warning in recwarn if "expected [-1, 1]" in str(warning.message)]
    with pytest.warns(UserWarning, match=rf"source: {what} lie in \[0.*\], expected \[-1, 1\]: .*scale='tanh'"):
        made(lambda x: (x + 1).clamp(0, 2) / 2)


@pytest.mark.parametrize(
    ("kind", "critic"),
    [("translation", "critic"), ("enlarging", "critic"), ("cycle", "critic"), ("cycle", "back_critic")],
)
def test_a_critic_of_pictures_that_ends_in_a_sigmoid_is_told(kind: str, critic: str, recwarn) -> None:
    run_of(kind)
    assert not [warning for warning in recwarn if "sigmoid" in str(warning.message)]
    task, source = KINDS[kind](3)
    task.networks[critic].layers.append(nn.Sigmoid())
    with pytest.warns(UserWarning, match=f"^{critic}: ends in a sigmoid"):
        Run(task, source, device="cpu")


@every_kind
def test_several_processes_train_it_or_it_says_in_one_line_that_they_do_not(kind: str, monkeypatch) -> None:
    task, source = KINDS[kind](3)
    monkeypatch.setattr(train.parallel, "size", lambda: 2)
    if task.distributed:
        assert isinstance(task, GANTask)  # test_parallel.py trains these
        return
    with pytest.raises(ValueError, match=f"^{type(task).__name__}: it trains in one process; start it without torchru"):
        Run(task, source, device="cpu")


def test_whole_numbers_of_numpy_are_whole_numbers(tmp_path: Path) -> None:
    settings = GANSettings(np.int64(3), seed=np.int32(4), precision="float32")
    assert type(settings.steps) is int and settings == GANSettings(3, seed=4, precision="float32")
    with pytest.raises(ValueError, match="steps: got True"):
        GANSettings(True)


# Tasks of a reader's own


def test_pix2pix_in_thirty_lines_learns_pairs_that_are_turned_together() -> None:
    torch.manual_seed(0)
    dark = pictures(pairs=True)
    halves = ImageSet(dark.images, dark.labels, dark.classes, "pairs", "train", 255 - dark.images)  # the negative
    source = halves.batches(8, flip="both", shift=1)
    batch = source.batch(3)
    assert torch.equal(batch.x, source.at(3)) and torch.equal(batch.y, source.labels_at(3))
    torch.testing.assert_close(batch.pair, -batch.x)  # whatever was turned, was turned in both
    networks = {
        "generator": nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 1, 3, 1, 1), nn.Tanh()),
        "critic": nn.Sequential(nn.Conv2d(2, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4, 1, 0), nn.Flatten(0)),
    }
    task = Pix2Pix(networks, train.Settings(150, 1e-2, precision="float32"))
    run = Run(task, source, device="cpu").play(progress=False)
    assert np.mean(run.history["distance"][-10:]) < 0.5 * np.mean(run.history["distance"][:10])


def test_flow_matching_in_twenty_lines_finds_the_mode() -> None:
    torch.manual_seed(0)
    cloud = torch.tensor([2.0, -1.0]) + 0.1 * torch.randn(500, 2)
    task = FlowMatching({"velocity": models.mlp([3, 64, 64, 2])}, train.Settings(400, 3e-3, precision="float32"))
    run = Run(task, cloud, device="cpu").play(progress=False)
    samples = run.sample(500)
    assert (samples.mean(0) - torch.tensor([2.0, -1.0])).norm() < 0.15 and samples.std() < 1.6


def test_a_task_without_samples_says_so() -> None:
    run = run_of("classifier", Keep(sample_every=2))
    run.play(progress=False)
    assert run.frames == [] and not run.task.draws
    with pytest.raises(NotImplementedError, match="ClassifierTask makes no samples"):
        run.sample(1)
