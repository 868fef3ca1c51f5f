"""Every kind of run on a GPU that is only pretended: what is made on the wrong device turns a test red."""

import itertools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from games import result, same
from own_tasks import FlowMatching, Pix2Pix
from rehearsal import CPU, GPU, PretendedGPU
from test_contracts import KINDS, moving, pictures, spread
from torch import Tensor, nn

from ganlab import data, losses, metrics, models, runtime, toys, train, widgets
from ganlab.models.latent import LINES, LatentSpace, interpolate, principal_directions, traversal
from ganlab.train import Ensemble, GANSettings, GANTask, Keep, Run, VAESettings, VAETask
from ganlab.widgets.game import Board

STEPS = 6
SHAPE = {"size": 8, "width": 4}


@pytest.fixture
def gpu() -> Iterator[PretendedGPU]:
    with runtime.randomness_kept(), PretendedGPU() as pretended:
        torch.manual_seed(0)
        yield pretended


def settled(**others: object) -> GANSettings:
    return GANSettings(STEPS, precision="float32", **others)


def points(device: torch.device) -> tuple[train.Task, object]:
    """A game of points, with all that its settings can add: a penalty, more moves, clipping, rates that fall."""
    more = {"penalty": "gradient_penalty", "n_critic": 2, "clip": 1.0, "anneal": STEPS, "critic_learning_rate": 1e-3}
    players = models.MLPGenerator(2, (2,), (8,)), models.MLPCritic((2,), (8,))
    return GANTask(*players, settled(objective="relativistic", **more)), toys.ring().batches(8, device=device)


def augmented(device: torch.device) -> tuple[train.Task, object]:
    """A game in bfloat16, with changes of the images before the critic, which draw from the GPU's global generator."""
    critic = models.DCGANCritic(**SHAPE)
    critic.layers.insert(0, models.DiffAugment())
    task = GANTask(
        models.DCGANGenerator(4, upsample="resize", **SHAPE), critic, GANSettings(STEPS, precision="bfloat16")
    )
    return task, images(device)


def cvae(device: torch.device) -> tuple[train.Task, object]:
    network = models.conditional_vae(3, 2, likelihood="logistic", **SHAPE)
    return VAETask(network, VAESettings(STEPS, precision="float32", warm_up=3)), images(device, "unit")


def iwae(device: torch.device) -> tuple[train.Task, object]:
    network = models.conv_vae(2, 1, 8, width=4)
    return VAETask(network, VAESettings(STEPS, samples=3, precision="float32")), images(device, "binary")


def pix2pix(device: torch.device) -> tuple[train.Task, object]:
    networks = {
        "generator": nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.Tanh(), nn.Conv2d(4, 1, 3, 1, 1), nn.Tanh()),
        "critic": nn.Sequential(nn.Conv2d(2, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, 1, 0), nn.Flatten(0)),
    }
    return Pix2Pix(networks, train.Settings(STEPS, precision="float32")), images(device)


def own_flow(device: torch.device) -> tuple[train.Task, object]:
    """A reader's own, on a tensor as it is."""
    task = FlowMatching({"velocity": models.mlp([3, 8, 2])}, train.Settings(STEPS, precision="float32"))
    return task, torch.randn(20, 2, generator=torch.Generator().manual_seed(1))


def images(device: torch.device, scale: str = "tanh") -> data.Batches:
    return pictures(pairs=True).batches(8, device=device, scale=scale, flip="both", shift=1)


def contract(kind: str) -> Callable[[torch.device], tuple[train.Task, object]]:
    def made(device: torch.device) -> tuple[train.Task, object]:
        task, source = KINDS[kind](STEPS)
        if kind in ("clips", "volume"):
            return task, moving().batches(8, device=device)
        if kind == "style":
            return task, source
        there = images(device, task.scale)
        return task, data.Degraded(there, source.degrade) if isinstance(source, data.Degraded) else there

    return made


ALL = {kind: contract(kind) for kind in KINDS} | {
    made.__name__: made for made in (points, augmented, cvae, iwae, pix2pix, own_flow)
}
every_kind = pytest.mark.parametrize("kind", ALL)


def run_of(kind: str, keep: Keep | None = None, device: torch.device = GPU) -> Run:
    torch.manual_seed(0)
    task, source = ALL[kind](device)
    return Run(task, source, keep=keep, device=device)


def kept(path: Path, kind: str) -> Keep:
    makes_samples = kind != "pix2pix"
    return Keep(
        spread if makes_samples else None,
        3 if makes_samples else 0,
        4,
        checkpoint=path,
        checkpoint_every=4,
        resume=True,
    )


@every_kind
def test_it_trains_on_the_gpu_and_is_kept_and_resumed_with_the_same_bits(kind: str, gpu, tmp_path: Path) -> None:
    whole = run_of(kind, kept(tmp_path / "whole", kind)).play(progress=False)
    weights = [weight for module in whole.modules.values() for weight in (*module.parameters(), *module.buffers())]
    states = [
        v for optimizer in whole.optimizers.values() for state in optimizer.state.values() for v in state.values()
    ]
    assert whole.step == STEPS and {tensor.device for tensor in (*weights, *states)} == {GPU}
    begun = run_of(kind, kept(tmp_path / "run", kind))
    for _ in itertools.islice(begun, 5):
        pass
    begun.release()
    resumed = run_of(kind, kept(tmp_path / "run", kind))
    assert resumed.step == 4 and same(result(resumed.play(progress=False)), result(whole))
    assert {samples.device for _, samples in whole.frames} <= {CPU}
    if whole.task.draws and kind != "pix2pix":
        z = whole.latents(3, "a reader's own")
        assert torch.equal(whole.sample(z), whole.sample(z.cpu()))


@every_kind
def test_a_step_never_waits_for_the_gpu(kind: str, gpu) -> None:
    run = run_of(kind)
    next(run)
    gpu.waits.clear()
    next(run)
    assert gpu.waits == {}
    run.collect()
    assert gpu.waits  # so they are counted


@pytest.mark.parametrize("kind", ["cgan", "points", "cvae", "pix2pix", "own_flow"])  # others draw globally
def test_the_numbers_are_those_of_the_cpu(kind: str, gpu) -> None:
    there, here = (run_of(kind, device=device).play(progress=False) for device in (GPU, CPU))
    assert same(there.history, here.history) and there.history and there.device != here.device
    if there.task.draws:
        assert same(there.sample(8), here.sample(8))


@pytest.mark.parametrize("kind", ["gan", "classifier", "augmented"])
def test_what_was_trained_on_a_gpu_goes_on_where_there_is_none_and_back(kind: str, tmp_path: Path) -> None:
    for device, steps in ((GPU, 4), (CPU, 1), (GPU, 1)):
        with PretendedGPU() if device == GPU else runtime.randomness_kept():
            run = run_of(kind, kept(tmp_path / "run", kind), device)
            for _ in itertools.islice(run, steps):
                pass
            run.save()
            run.release()
    assert run.step == STEPS


def test_its_precision_is_measured_on_the_gpu(gpu, monkeypatch) -> None:
    monkeypatch.setattr(runtime, "remembered", lambda key, measure: measure())
    monkeypatch.setattr("ganlab.runtime.precision.fastest.__defaults__", (0.0,))
    task, source = ALL["gan"](GPU)
    task.networks = {name: network.to(GPU) for name, network in task.networks.items()}
    found = train.measured_precision(task, data.Batch(source.at(0)))
    assert set(found["milliseconds"]) == set(runtime.precisions(GPU, True)) and len(found["milliseconds"]) == 4


def test_one_line_that_forgets_the_device_is_seen(gpu, monkeypatch) -> None:
    forgetful = lambda stage, *labels: runtime.seeded_generator(0, *labels)  # noqa: E731
    monkeypatch.setattr(train.Stage, "generator", forgetful)
    with pytest.raises(RuntimeError, match="device"):
        next(run_of("gan"))


# Looked at


def test_held_out_numbers_come_from_the_gpu(gpu) -> None:
    vae, conditional = models.conv_vae(2, 1, 8, width=4).to(GPU), models.conditional_vae(3, 2, **SHAPE).to(GPU)
    for network in (vae, conditional):
        assert train.held_out_bound(network, pictures(), 2).device == CPU
    x = images(GPU, "binary").at(0)
    assert train.bounds(vae, x).device == train.bounds(vae, x.cpu()).device == CPU
    classifier = models.Classifier(3, **SHAPE).to(GPU)
    assert 0 <= train.accuracy(classifier, pictures()) <= 1
    mu = vae.encode(x)[0]
    features, others = torch.randn(2, 9, 3, device=GPU)
    assert metrics.active_units(mu) >= 0 and metrics.inception_score(classifier(images(GPU).at(0))) >= 1
    for measure in (metrics.frechet_distance, metrics.kernel_distance, metrics.precision_recall):
        measure(features, others)
    assert metrics.copy_rate(features, others, others + 1) <= 1
    assert metrics.mode_coverage(features[:, :2], toys.ring().means, 0.1).modes >= 0
    assert metrics.label_coverage(torch.arange(3, device=GPU), 3)[0] == 3
    assert toys.ring().log_prob(features[:, :2]).isfinite().all()


def test_latents_are_walked_on_the_gpu(gpu) -> None:
    generator = models.DCGANGenerator(4, **SHAPE).to(GPU)
    z = models.latents(3, 4, runtime.seeded_generator(0, device=GPU))
    for line in ("arc", "straight"):
        assert interpolate(z, torch.linspace(0, 1, 5), line).device == GPU
    assert LINES["straight"](z[0], z[1], 0.5).device == GPU
    direction = principal_directions(generator, 2).vectors[0]
    assert traversal(generator, z[0], direction, [-1.0, 1.0]).device == CPU
    space = LatentSpace(generator)
    assert space.images(z).device == space.images(z.cpu()).device == CPU


def test_widgets_show_networks_of_the_gpu(gpu) -> None:
    generator = models.DCGANGenerator(4, **SHAPE).to(GPU)
    z = models.latents(3, 4, runtime.seeded_generator(0, device=GPU))
    direction = torch.ones(4, device=GPU)
    widgets.LatentExplorer(generator)
    widgets.LatentWalk(generator).position.value = 0.5
    widgets.LatentWalk(generator, z=z).position.value = 0.5
    widgets.DirectionSliders(generator, z, {"one": direction}).sliders["one"].value = 1.0
    conditional = models.conditional_generator(3, 4, **SHAPE).to(GPU)
    mixer = widgets.ClassMixer(conditional, "abc", classifier=models.Classifier(3, **SHAPE).to(GPU))
    mixer.mix.value = 0.5
    flow = models.flow_unet(1, 8, width=8, classes=3).to(GPU)
    widgets.FlowExplorer(flow, "abc", lambda x, t: -x).guidance.value = 2.0
    task, source = points(GPU)
    board = Board(*task.networks.values(), source, settings=settled(objective="relativistic", penalty="r1"))
    board.play(2, 2)


def test_games_at_once_lie_where_their_sources_do(gpu) -> None:
    generators, critics = ([kind(*sizes, (8,)) for _ in range(3)] for kind, sizes in (
        (models.MLPGenerator, (2, (2,))), (models.MLPCritic, ((2,),)),
    ))  # fmt: skip
    settings = [settled(seed=seed, penalty="r1", learning_rate=1e-3 * (1 + seed)) for seed in range(3)]
    games = Ensemble(generators, critics, [toys.ring().batches(4, device=GPU)] * 3, settings).play(progress=False)
    assert {weight.device for weight in (games.generator.theta, games.critic.theta, games.ema.theta)} == {GPU}
    assert games.averaged_generators()[0](torch.zeros(1, 2, device=GPU)).device == GPU


# The global generators


def test_the_gpus_own_generator_is_kept_and_put_back(gpu) -> None:
    def drawn() -> Tensor:
        return torch.rand(3, device=GPU).cpu()

    before = runtime.random_states()
    first = drawn()
    with runtime.seeded(5):
        inside = drawn()
    assert not torch.equal(first, drawn())
    runtime.set_random_states(before)
    assert torch.equal(first, drawn()) and not torch.equal(inside, first)
    with runtime.randomness_kept():
        second = drawn()
    assert torch.equal(second, drawn())


def test_states_of_more_gpus_than_are_here_are_taken_as_far_as_they_go(gpu) -> None:
    states = runtime.random_states()
    states["cuda"] = states["cuda"] * 4
    runtime.set_random_states(states)


def test_two_gpus_cost_no_warning(gpu, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.random, "_fork_rng_warned_already", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with runtime.seeded(1):
            torch.rand(1)


# The pretended GPU itself


REFUSED = {
    "tensors of two devices": lambda: torch.ones(2, device=GPU) + torch.ones(2),
    "a batch that stayed behind": lambda: nn.Linear(2, 1).to(GPU)(torch.ones(1, 2)),
    "a network that stayed behind": lambda: nn.Conv2d(1, 1, 3)(torch.ones(1, 1, 3, 3, device=GPU)),
    "a target that stayed behind": lambda: nn.functional.cross_entropy(
        torch.ones(1, 2, device=GPU), torch.zeros(1, dtype=torch.int64)
    ),
    "rows of the CPU by numbers of the GPU": lambda: torch.ones(3)[torch.tensor([1], device=GPU)],
    "a generator of the CPU": lambda: torch.randn(2, generator=torch.Generator(), device=GPU),
    "a generator of the GPU": lambda: torch.randn(2, generator=torch.Generator(GPU)),
    "one of both in a concatenation": lambda: torch.stack([torch.tensor(1.0), torch.tensor(1.0, device=GPU)]),
    "a number of the CPU that is to change": lambda: torch.tensor(1.0).add_(torch.ones(1, device=GPU)[0]),
    "a loss of both": lambda: losses.wasserstein_critic(torch.ones(2, device=GPU), torch.ones(2)),
    "numpy": lambda: torch.ones(2, device=GPU).numpy(),
    "float64": lambda: torch.ones(2, device=GPU).double(),
    "a second GPU": lambda: torch.ones(2, device="cuda:1"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_the_pretended_gpu_refuses(fault: str, gpu) -> None:
    with pytest.raises((RuntimeError, TypeError), match="device|GPU|numpy"):
        REFUSED[fault]()


def test_the_pretended_gpu_takes_what_a_real_one_takes(gpu) -> None:
    x = torch.ones(3, 2, device=GPU, requires_grad=True)
    assert (x * torch.tensor(2.0)).device == x[torch.tensor([0])].device == GPU
    (x.cpu() * torch.ones(3, 2)).sum().backward()
    assert x.grad.device == GPU and gpu.waits == {"to the CPU": 1}
    copy = torch.zeros(3, 2)
    copy.copy_(x.detach())
    assert copy.device == CPU and copy.sum() == 6
    assert runtime.pick_device() == torch.device("cuda") and runtime.device_name(GPU) == "pretended GPU"
    with pytest.raises(ValueError, match="device: got 'cuda:1', but the last of its kind here is 'cuda:0'"):
        runtime.pick_device("cuda:1")
    with pytest.raises(ValueError, match="device: got 'cuda:x', expected"):
        runtime.pick_device("cuda:x")
