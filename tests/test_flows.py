"""Flows: the exact velocity of a mixture, steps along a velocity, likelihood, the networks, the task, the commands."""

import inspect
import math
import re
import types
from pathlib import Path

import lessons
import navigation
import pytest
import torch
from torch import Tensor

from ganlab import cli, data, models, toys, train, widgets
from ganlab.cli import train as command
from ganlab.models import trained
from ganlab.runtime import seeded_generator
from ganlab.train import FlowSettings, FlowTask, Run

UNEVEN = toys.Mixture(
    torch.tensor([[1.0, -0.5], [-0.7, 0.3]], dtype=torch.float64),
    torch.tensor([0.2, 0.5], dtype=torch.float64),
    torch.tensor([0.7, 0.3], dtype=torch.float64),
)


def drawn(n: int, t: float) -> tuple[Tensor, Tensor]:
    """Return points on straight paths at time t, and the velocities of their paths, each (n, 2)."""
    rng = seeded_generator("paths")
    z = torch.randn(n, 2, generator=rng, dtype=torch.float64)
    x = UNEVEN.sample(n, rng)
    return (1 - t) * z + t * x, x - z


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8])
def test_the_exact_velocity_is_the_mean_of_those_that_pass(t: float) -> None:
    at, v = drawn(400_000, t)
    exact = UNEVEN.velocity(at, t)
    tests = torch.stack([torch.ones(len(at)), at[:, 0], at[:, 1] ** 2, (3 * at[:, 0]).sin()], 1).double()
    products = tests[:, :, None] * (v - exact)[:, None, :]  # orthogonal to every function of the place
    errors = products.mean(0) / (products.std(0) / math.sqrt(len(at)))
    assert errors.abs().max() < 4
    wrong = tests[:, :, None] * (v - 1.05 * exact)[:, None, :]
    assert (wrong.mean(0) / (wrong.std(0) / math.sqrt(len(at)))).abs().max() > 4


@pytest.mark.parametrize("angle", [0.3, 0.8, 1.3])
def test_the_velocity_gives_the_score_of_another_schedule(angle: float) -> None:
    ring, a, b = toys.ring(sigma=0.05), math.sin(angle), math.cos(angle)  # a x + b z, with a^2 + b^2 = 1
    noisy = toys.Mixture(a * ring.means, ((a * ring.sigmas) ** 2 + b**2).sqrt(), ring.weights)
    x = noisy.sample(500, seeded_generator("another schedule")).requires_grad_()
    score = torch.autograd.grad(noisy.log_prob(x).sum(), x)[0]
    t, x_t = a / (a + b), x.detach() / (a + b)  # the straight path where picture and noise have the same shares
    noise = x_t - t * ring.velocity(x_t, t)  # its mean, given x_t
    torch.testing.assert_close(-noise / b, score, rtol=1e-4, atol=1e-4)


def test_times_outside_of_the_path_are_refused() -> None:
    for t in (-0.1, 1.1):
        with pytest.raises(ValueError, match="t: got"):
            UNEVEN.velocity(torch.zeros(1, 2), t)


def test_steps_have_the_order_of_their_kind() -> None:
    """dx/dt = x + t has the end 3 e - 2 from x = 2."""
    x = torch.tensor([[2.0]], dtype=torch.float64)
    exact = 3 * math.e - 2
    errors = {}
    for heun in (False, True):
        ends = [list(models.flow_path(lambda x, t: x + t, x, n, heun=heun))[-1].item() for n in (20, 40)]
        errors[heun] = [abs(end - exact) for end in ends]
    assert 1.9 < errors[False][0] / errors[False][1] < 2.1
    assert 3.8 < errors[True][0] / errors[True][1] < 4.2
    assert len(list(models.flow_path(lambda x, t: x, x, 7))) == 8
    with pytest.raises(ValueError, match="steps: got 0"):
        list(models.flow_path(lambda x, t: x, x, 0))


def test_the_flow_of_the_exact_velocity_has_the_density_of_the_data() -> None:
    x = UNEVEN.sample(200, seeded_generator("x"))
    found = models.flow_log_density(_velocity, x, 200)
    assert (found - UNEVEN.log_prob(x)).abs().max() < 0.01
    with pytest.raises(ValueError, match=r"expected \(n, D\)"):
        models.flow_log_density(_velocity, x[:, :, None])


def _velocity(x: Tensor, t: float) -> Tensor:
    """Return the exact velocity, so that autograd can go through it."""
    return UNEVEN.velocity(x, t)


def test_a_network_learns_the_exact_velocity() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = models.flow_mlp(2, (64, 64))
    settings = FlowSettings(1000, seed=0, precision="float32", threads=1)
    run = train.fit_flow(flow, UNEVEN.batches(256), settings, device="cpu", progress=False)
    at, _ = drawn(2000, 0.5)
    with torch.no_grad():
        learned = run.ema.velocity(at.float(), 0.5)
    exact = UNEVEN.velocity(at, 0.5)
    assert (learned - exact).square().mean().sqrt() < 0.2 * exact.square().mean().sqrt()
    x = run.sample(run.latents(2000, "judged"))
    assert (x.mean(0) - UNEVEN.sample(100_000, seeded_generator(1)).mean(0)).abs().max() < 0.12


def unet(classes: int | None = 3) -> models.Flow:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        flow = models.flow_unet(1, 8, width=8, classes=classes)
        with torch.no_grad():  # so that no layer is zero, as the blocks' last ones are at first
            for w in flow.parameters():
                w.add_(0.1 * torch.randn_like(w))
    return flow


def test_the_network_sees_time_and_class_and_no_class_is_a_row_of_zeros() -> None:
    v = unet().velocity
    x = torch.randn(4, 1, 8, 8, generator=seeded_generator("x"))
    y = torch.tensor([0, 1, 2, 0])
    none = v(x, 0.3)
    assert none.shape == x.shape
    assert torch.equal(none, v(x, 0.3, torch.zeros(4, 3)))
    assert (v(x, 0.3, y) - none).abs().amin((1, 2, 3)).max() > 0 and not torch.allclose(v(x, 0.3, y), none)
    assert not torch.allclose(v(x, 0.9), none)
    torch.testing.assert_close(v(x, torch.full((4,), 0.3), y)[2:], v(x[2:], 0.3, y[2:]))


def test_lesson_17_shows_what_a_block_does_as_it_stands_in_the_package() -> None:
    (path,) = [path for path in lessons.lessons() if lessons.number(path) == "17"]
    (shown,) = re.findall(r"```python\n(scale, shift.*?)```", navigation.text(lessons.read(path)), re.DOTALL)
    source = inspect.getsource(models.timed.TimedBlock.forward)
    assert len(shown.splitlines()) == 2 and all(line in source for line in shown.splitlines())


def test_guidance_mixes_the_two_velocities() -> None:
    v = unet().velocity
    x = torch.randn(4, 1, 8, 8, generator=seeded_generator("x"))
    y = torch.tensor([0, 1, 2, 0])
    free, told = v(x, 0.3), v(x, 0.3, y)
    torch.testing.assert_close(models.guided(v, y, 3.0)(x, 0.3), 3 * told - 2 * free)
    assert torch.equal(models.guided(v, y, 1.0)(x, 0.3), told)
    assert torch.equal(models.guided(v, y, 0.0)(x, 0.3), free)
    assert torch.equal(models.guided(v, None, 5.0)(x, 0.3), free)


def test_a_flow_samples_as_it_is_asked_to_and_shares_its_weights() -> None:
    flow = unet()
    z = models.latents(3, flow.latent_dim, seeded_generator("z"))
    y = torch.arange(3)
    other = flow.sampling(steps=3, guidance=2.0)
    assert (flow.steps, flow.guidance) == (20, 1.0) and other.velocity is flow.velocity
    assert len(list(other.path(z, y))) == 4
    assert other(z, y).shape == (3, 1, 8, 8) and other(z, y).abs().max() <= 1
    assert models.given(other, y)(z).equal(other(z, y))
    with pytest.raises(ValueError, match="steps: got 0"):
        flow.sampling(steps=0)
    with pytest.raises(ValueError, match="guidance: got -1"):
        flow.sampling(guidance=-1.0)
    with pytest.raises(ValueError, match="told no classes"):
        unet(None).sampling(guidance=2.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: models.TimedUNet(size=30), "size: got 30, expected a multiple of 4"),
        (lambda: models.TimedUNet(width=20), "width: got 20, expected a multiple of 8"),
        (lambda: models.TimedMLP(0), "dim: got 0"),
        (lambda: unet(None).velocity(torch.zeros(1, 1, 8, 8), 0.5, torch.tensor([0])), "made without"),
        (lambda: unet().velocity(torch.zeros(2, 1, 8, 8), torch.zeros(3)), r"t: got shape \(3,\) for 2 samples"),
        (lambda: FlowSettings(5, class_dropout=1.0), "class_dropout: got 1.0"),
        (lambda: widgets.FlowExplorer(unet(), "ab", _velocity), "names: got 2, but this flow takes 3 classes"),
    ],
)
def test_bad_input_gets_one_clear_error(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("flow", "classes", "words"),
    [
        (lambda: models.flow_unet(1, 12, width=8, classes=3), 3, r"flow: makes \(1, 12, 12\)"),
        (lambda: models.flow_unet(1, 8, width=8, classes=2), 3, "flow: is made for 2 classes, expected at least 3"),
        (lambda: models.flow_unet(1, 8, width=8, classes=3), None, "source: has no classes"),
    ],
)
def test_flow_and_data_that_do_not_fit_are_refused(flow, classes: int | None, words: str) -> None:
    images = torch.zeros(6, 1, 8, 8, dtype=torch.uint8)
    y = None if classes is None else torch.arange(6) % classes
    source = data.ImageSet(images, y, tuple("abc") if classes else (), "black", "train").batches(4)
    with pytest.raises(ValueError, match=words):
        Run(FlowTask(flow(), FlowSettings(2)), source, device="cpu")


def test_the_loss_of_samples_is_lower_for_the_exact_velocity() -> None:
    flow = models.flow_mlp(2, (8,))
    x = UNEVEN.sample(2000, seeded_generator("x")).float()
    before = train.velocity_loss(flow, x)
    assert before.shape == (2000,) and torch.equal(before, train.velocity_loss(flow, x))
    flow.velocity.forward = lambda x, t, y=None: UNEVEN.velocity(x, t).float()
    assert train.velocity_loss(flow, x).mean() < before.mean() - 0.1


def test_a_few_held_out_samples_at_a_time_go_through_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large they are; the noise is that of all of them, whatever goes through at once."""
    flow, sizes = models.flow_unet(3, 64, width=8, classes=2), []
    flow.velocity.register_forward_hook(lambda network, given, output: sizes.append(len(given[0])))
    x = 2 * torch.rand(100, 3, 64, 64, generator=seeded_generator("x")) - 1
    y = torch.arange(100) % 2
    few = train.velocity_loss(flow, x, y=y)
    assert few.isfinite().all() and sizes == [85, 15] * 10  # 2**20 numbers at most
    monkeypatch.setattr("ganlab.train.task.MOST_NUMBERS", x.numel())
    assert torch.allclose(few, train.velocity_loss(flow, x, y=y), rtol=1e-4) and sizes[20:] == [100] * 10


@pytest.mark.parametrize(("numbers", "held_out"), [(2**26, 12), (5 * 192 + 1, 5), (1, 1)])
def test_the_command_looks_at_fewer_held_out_pictures_if_they_are_large(numbers: int, held_out: int, monkeypatch):
    monkeypatch.setattr(command, "MOST_NUMBERS", numbers)
    shapes = []
    monkeypatch.setattr(train, "velocity_loss", lambda flow, x, *, y: shapes.append(x.shape) or torch.zeros(len(x)))
    black = data.ImageSet(torch.zeros(12, 3, 8, 8, dtype=torch.uint8), None, (), "black", "test")
    task = FlowTask(models.flow_unet(3, 8, width=8), FlowSettings(2))
    numbers = command._measure_held_out(black, "tanh")(types.SimpleNamespace(task=task, ema=task.networks["flow"]))
    assert numbers == {"held-out loss": 0} and shapes == [(held_out, 3, 8, 8)]


@pytest.fixture
def trained_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    generator = torch.Generator().manual_seed(0)
    for name in ("cat", "dog"):
        folder = tmp_path / "set" / name
        folder.mkdir(parents=True)
        for k in range(12):
            picture = torch.randint(0, 256, (1, 1, 8, 8), dtype=torch.uint8, generator=generator)
            (folder / f"{k}.png").write_bytes(data.pixels.png(data.pixels.tile(picture, 1)))
    arguments = ["train", "flow", "--data", str(tmp_path / "set"), "--size", "8", "--width", "8", "--steps", "4"]
    arguments += ["--every", "2", "--batch-size", "4", "--test-share", "0.5", "--out", str(tmp_path / "run")]
    assert cli.main([*arguments, "--device", "cpu"]) == 0
    return tmp_path


def test_the_command_trains_a_flow_and_samples_it(trained_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained_folder / "run"
    assert (run / "metrics.csv").read_text().startswith("step,held-out loss")
    flow = trained.read(run / "networks.safetensors")["flow"]
    assert flow.classes == 2 and trained.class_names(run / "networks.safetensors") == ("cat", "dog")
    sheet = trained_folder / "sheet.png"
    options = ["sample", "--of", str(run), "--class", "dog", "--n", "3", "--out", str(sheet)]
    assert cli.main([*options, "--steps", "2", "--guidance", "2"]) == 0
    first = sheet.read_bytes()
    assert cli.main([*options, "--steps", "3", "--guidance", "2"]) == 0 and sheet.read_bytes() != first
    capsys.readouterr()
    assert cli.main([*options, "--guidance", "-1"]) == 1
    assert "error: --guidance: got -1.0, expected a finite number >= 0" in capsys.readouterr().err
    assert cli.main(["sample", "--of", "cgan-digits", "--steps", "2", "--out", str(sheet)]) == 1
    assert "error: --steps: cgan-digits is no flow" in capsys.readouterr().err


def test_the_widget_shows_the_path_and_the_field() -> None:
    panel = widgets.FlowExplorer(unet(), ["a", "b", "c"], _velocity)
    before = panel.strip.value, panel.field.value
    assert "10 steps, the network was asked 10 times" in panel.readout.value
    panel.guidance.value = 2.0
    assert "asked 20 times" in panel.readout.value and panel.strip.value != before[0]
    images, places = panel.path()
    assert places[0] == 0 and places[-1] == 10 and len(images) == 9
    panel.steps.value = 1
    assert set(panel.path()[1]) == {0, 1}
    panel.time.value = 1.0
    assert panel.field.value != before[1]
    assert panel.still().html.count("<img") == 2


def test_a_flow_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    assert cli.main(["export", "--of", "flow-digits", "--out", str(tmp_path / "flow.onnx")]) == 1
    assert "flow-digits is a flow, which calls its network many times" in capsys.readouterr().err
