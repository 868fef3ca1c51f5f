"""VAEs: shapes, the bound against a model whose likelihood is known, the step, and what does not fit."""

import math

import pytest
import torch
from games import fixed_randomness, on_each_device, same, vae_run  # noqa: F401
from torch import Tensor, nn

from ganlab import models, probability, runtime, train
from ganlab.data import ImageSet
from ganlab.models import VAE, conv_vae, mlp_vae
from ganlab.train import Keep, Run, VAESettings, bounds, fit_vae, steps

MEASURED = train.precision.measured_precision


@pytest.fixture(autouse=True)
def not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs compute in float32 unless they ask for another precision: a measurement takes seconds."""
    monkeypatch.setattr(train.precision, "measured_precision", lambda task, batch: {"chosen": "float32"})


def pictures(size: int = 8, channels: int = 1, count: int = 60) -> ImageSet:
    """Return images of two kinds, bright above or bright below, with some noise."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 60, (count, channels, size, size), generator=generator)
    pixels[::2, :, : size // 2] += 190
    pixels[1::2, :, size // 2 :] += 190
    return ImageSet(pixels.to(torch.uint8), None, (), "halves", "train")


def small(kind: str = "mlp", seed: int = 0) -> VAE:
    with runtime.seeded(seed):
        return mlp_vae(3, (1, 8, 8), 16) if kind == "mlp" else conv_vae(3, 1, 8, width=4, likelihood=kind)


def images_for(vae: VAE, n: int, device: str = "cpu") -> Tensor:
    scale = "binary" if vae.likelihood == "bernoulli" else "unit"
    return pictures().batches(n, device=device, scale=scale).at(0)


@on_each_device
@pytest.mark.parametrize("likelihood", models.LIKELIHOODS)
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 28), (1, 32), (3, 64)])
def test_images_keep_their_shape_and_range(channels, size, likelihood, device):
    vae = conv_vae(5, channels, size, width=4, likelihood=likelihood).to(device)
    x = torch.rand(4, channels, size, size, device=device).round()
    mu, logvar = vae.encode(x)
    assert mu.shape == logvar.shape == (4, 5)
    decoded, shown = vae.decode(30 * mu), vae(30 * mu)
    assert decoded.shape == x.shape and 0 <= decoded.min() and decoded.max() <= 1
    assert torch.allclose(shown, 2 * decoded - 1)
    assert vae.log_p_x_given_z(x, mu).shape == (4,)
    assert vae.log_weights(x, mu, logvar, torch.randn(3, 4, 5, device=device)).shape == (3, 4)


@pytest.mark.parametrize(("size", "side"), [(8, 4), (24, 6), (28, 7), (40, 5), (64, 4)])
def test_the_smallest_images_have_a_side_from_4_to_7(size, side):
    vae = conv_vae(2, 1, size, width=4)
    assert [layer.unflattened_size[1:] for layer in vae.decoder if isinstance(layer, nn.Unflatten)] == [(side, side)]
    assert vae.decode(torch.zeros(1, 2)).shape == (1, 1, size, size)


@pytest.mark.parametrize("size", [1, 4, 7, 30, 18, 36])
def test_sides_that_do_not_halve_down_to_4_to_7_are_refused(size):
    with pytest.raises(ValueError, match=f"size: got {size}, expected 4, 5, 6 or 7 times a power of two"):
        conv_vae(5, 1, size, width=4)


def test_the_classic_vae_has_the_papers_size():
    vae = mlp_vae()
    layers = [module for module in vae.modules() if isinstance(module, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in layers] == [
        (784, 400),
        (400, 40),
        (20, 400),
        (400, 784),
    ]


@pytest.mark.parametrize("kind", ["mlp", "bernoulli", "logistic"])
def test_log_weights_are_log_p_x_z_minus_log_q(kind):
    vae = small(kind).double()
    x = images_for(vae, 4).double()
    mu, logvar = (value.double() for value in vae.encode(x))
    eps = torch.randn(6, 4, 3, dtype=torch.float64)
    z = mu + torch.exp(0.5 * logvar) * eps
    for k in range(6):
        log_p_z = probability.gaussian_log_density(z[k], 0.0, 1.0).sum(1)
        log_q = torch.distributions.Normal(mu, torch.exp(0.5 * logvar)).log_prob(z[k]).sum(1)
        expected = vae.log_p_x_given_z(x, z[k]) + log_p_z - log_q
        assert torch.allclose(vae.log_weights(x, mu, logvar, eps)[k], expected, atol=1e-4)


class OneBit(nn.Module):
    """A decoder with one latent and one pixel, whose logit is 3 z: p(x) is an integral over a line."""

    def forward(self, z: Tensor) -> Tensor:
        return (3 * z).view(-1, 1, 1, 1)


class Fixed(nn.Module):
    """An encoder that answers N(0.7, 0.5^2) for the white pixel and N(-0.7, 0.5^2) for the black one."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        mu = 1.4 * x.flatten(1) - 0.7
        return torch.cat([mu, torch.full_like(mu, 2 * math.log(0.5))], 1)


def test_the_bound_climbs_to_the_true_likelihood_with_more_samples():
    z = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    p_z = probability.gaussian_log_density(z, 0.0, 1.0).exp()
    log_p = probability.integrate(p_z * torch.sigmoid(3 * z), z).log().item()  # 1/2, by symmetry
    assert log_p == pytest.approx(math.log(0.5), abs=1e-9)
    vae, x = VAE(Fixed(), OneBit(), 1), torch.ones(4000, 1, 1, 1)
    means, errors = [], []
    for samples in (1, 5, 50):
        found = bounds(vae, x, samples)
        means.append(found.mean().item())
        errors.append(found.std().item() / math.sqrt(len(found)))
    kl = probability.gaussian_kl(torch.tensor(0.7), torch.tensor(2 * math.log(0.5))).item()
    log_q = probability.gaussian_log_density(z, 0.7, 0.5)
    expected = (
        probability.integrate(log_q.exp() * probability.bernoulli_log_density(torch.ones(()), 3 * z), z).item() - kl
    )
    assert means[0] == pytest.approx(expected, abs=5 * errors[0])
    assert means[0] + 5 * errors[0] < means[1] < means[2] < log_p + 5 * errors[2]
    assert bounds(vae, x[:1], 200_000).item() == pytest.approx(log_p, abs=0.01)


def test_chunks_do_not_change_the_bound_of_an_image():
    vae = small()
    x = images_for(vae, 10)
    whole = bounds(vae, x, 6, chunk=1000)
    assert whole.shape == (10,)
    assert torch.equal(whole, bounds(vae, x, 6, chunk=1000))
    assert not torch.equal(whole, bounds(vae, x, 6, seed=1, chunk=1000))
    assert torch.allclose(whole.mean(), bounds(vae, x, 6, chunk=4).mean(), atol=5)  # other draws, the same bound


@on_each_device
@pytest.mark.parametrize("kind", ["mlp", "logistic"])
@pytest.mark.parametrize("samples", [1, 4])
def test_training_raises_the_bound(kind, samples, device):
    vae = small(kind)
    scale = "binary" if vae.likelihood == "bernoulli" else "unit"
    run = fit_vae(
        vae, pictures().batches(30, device=device, scale=scale), VAESettings(150, 1e-2, samples), device=device
    )
    first, last = run.history["bound"][0], run.history["bound"][-1]
    assert last > first + 0.3 * abs(first)
    assert run.history["kl"][-1] > 0.3  # the latent says which half is bright


@on_each_device
@pytest.mark.parametrize("name", ["float32", "bfloat16", "bfloat16 channels_last"])
def test_every_precision_trains_to_much_the_same_bound(name, device):
    if name not in runtime.precisions(torch.device(device), convolutions=True):
        pytest.skip(f"{device} does not compute in {name}")
    source = pictures(16).batches(30, device=device, scale="binary")
    with runtime.seeded(0):
        vae = conv_vae(3, 1, 16, width=4)
    run = fit_vae(vae, source, VAESettings(60, 1e-2, precision=name), device=device)
    assert str(run.precision) == name and {p.dtype for p in vae.parameters()} == {torch.float32}
    with runtime.seeded(0):
        plain = conv_vae(3, 1, 16, width=4)
    other = fit_vae(plain, source, VAESettings(60, 1e-2), device=device)
    assert run.history["bound"][0] == pytest.approx(other.history["bound"][0], abs=0.5)
    assert run.history["bound"][-1] == pytest.approx(other.history["bound"][-1], rel=0.1)


def test_the_fastest_precision_is_measured_once_and_a_resumed_run_keeps_its_own(tmp_path, monkeypatch):
    vae, source, asked = small("bernoulli"), pictures().batches(10, scale="binary"), []

    def fastest(candidates: dict, device: torch.device) -> tuple[str, dict[str, float]]:
        asked.append([step() for step in candidates.values()])
        return list(candidates)[len(asked)], dict.fromkeys(candidates, 1.0)

    monkeypatch.setattr(train.precision, "measured_precision", MEASURED)
    monkeypatch.setattr(runtime, "fastest", fastest)
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    runs = [vae_run(small("bernoulli"), source, VAESettings(1), device="cpu") for _ in range(2)]
    assert len(asked) == 1 and {run.settings.precision for run in runs} == {
        list(runtime.candidates(runs[0].device, True))[1]
    }
    assert same(runs[0].networks["vae"].state_dict(), vae.state_dict())  # trials were on copies
    keep = {"checkpoint": tmp_path / "run", "checkpoint_every": 1}
    fit_vae(vae, source, VAESettings(1, precision="float32"), keep=Keep(**keep), device="cpu")
    resumed = vae_run(vae, source, VAESettings(2), Keep(**keep, resume=True), "cpu")
    assert resumed.settings.precision == "float32" and len(asked) == 1


@on_each_device
@pytest.mark.parametrize("likelihood", models.LIKELIHOODS)
@pytest.mark.parametrize("logit", [-50.0, 50.0])
@pytest.mark.parametrize("logvar", [-20.0, 20.0])
@pytest.mark.parametrize("samples", [1, 5])
def test_the_step_stays_finite_far_out(likelihood, logit, logvar, samples, device):
    class Far(nn.Module):
        """Gives one row of outputs, which it learns, for each input."""

        def __init__(self, row: Tensor) -> None:
            super().__init__()
            self.row = nn.Parameter(row)

        def forward(self, x: Tensor) -> Tensor:
            return self.row.expand(len(x), *self.row.shape) + 0 * x.flatten(1).mean(1).view(-1, *[1] * self.row.ndim)

    encoder, decoder = Far(torch.tensor([0.0, 0.0, logvar, logvar])), Far(torch.full((1, 2, 2), logit))
    vae = VAE(encoder, decoder, 2, likelihood=likelihood).to(device)
    x = torch.tensor([0.0, 1.0], device=device).view(2, 1, 1, 1).expand(2, 1, 2, 2)
    eps = torch.randn(samples, 2, 2, generator=torch.Generator().manual_seed(0)).to(device)
    for name, precision in runtime.precisions(torch.device(device), convolutions=False).items():
        record = steps.vae_step(vae, torch.optim.SGD(vae.parameters(), lr=0.0), x, eps, precision=precision)
        assert all(value.isfinite() for value in record.values()), name
        assert all(weight.grad.isfinite().all() for weight in vae.parameters()), name


def test_the_run_averages_the_weights_and_shows_what_the_average_decodes():
    vae = small()
    run = vae_run(vae, pictures().batches(10, scale="binary"), VAESettings(30, 1e-2, ema_decay=0.5), device="cpu")
    average = nn.utils.parameters_to_vector(vae.parameters()).clone()
    for step, _ in enumerate(run):
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * nn.utils.parameters_to_vector(vae.parameters())
    assert torch.allclose(nn.utils.parameters_to_vector(run.ema.parameters()), average, atol=1e-5)
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(run.sample(z), run.ema(z)) and not torch.equal(run.sample(z), vae(z))


def test_beta_weighs_the_kl_and_free_bits_leave_it_alone():
    def gradient(**how) -> Tensor:
        vae = small()
        optimizer = torch.optim.SGD(vae.parameters(), lr=1.0)
        before = nn.utils.parameters_to_vector(vae.parameters()).clone()
        x, eps = images_for(vae, 20), torch.randn(1, 20, 3, generator=torch.Generator().manual_seed(0))
        record = steps.vae_step(vae, optimizer, x, eps, **how)
        assert record["bound"].item() == pytest.approx(records.setdefault("bound", record["bound"].item()))
        return before - nn.utils.parameters_to_vector(vae.parameters())

    records = {}
    none, one, four = (gradient(beta=beta) for beta in (0.0, 1.0, 4.0))
    assert torch.allclose(four - none, 4 * (one - none), atol=1e-3)
    assert (one - none).abs().max() > 1e-3
    assert torch.allclose(gradient(free_bits=100.0), none, atol=1e-6)
    assert torch.allclose(gradient(free_bits=0.0), one)


def test_the_kl_warms_up():
    settings = VAESettings(100, beta=3.0, warm_up=10)
    assert [round(settings.beta_at(step), 6) for step in (0, 4, 9, 10, 99)] == [0.3, 1.5, 3.0, 3.0, 3.0]
    assert VAESettings(100, beta=3.0).beta_at(0) == 3.0


def test_a_resumed_run_ends_with_the_same_bits(tmp_path):
    def play(keep: Keep, stop: int | None = None) -> Run:
        source = pictures().batches(10, scale="binary", shift=1)
        run = vae_run(small(), source, VAESettings(30, warm_up=20), keep, "cpu")
        for _ in run:
            if run.step == stop:
                break
        return run

    options = {"checkpoint_every": 10, "sample_every": 6, "samples": 3}
    whole = play(Keep(checkpoint=tmp_path / "whole", **options))
    play(Keep(checkpoint=tmp_path / "parts", **options), stop=17)
    parts = play(Keep(checkpoint=tmp_path / "parts", resume=True, **options))
    assert same(whole._weights(), parts._weights())
    assert whole.history == parts.history and same(whole.frames, parts.frames)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 0}, "steps: got 0"),
        ({"samples": 0}, "samples: got 0"),
        ({"beta": -1.0}, "beta: got -1.0, expected a number >= 0"),
        ({"free_bits": float("nan")}, "free_bits: got nan"),
        ({"warm_up": -1}, "warm_up: got -1"),
        ({"ema_decay": 1.0}, "ema_decay: got 1.0, expected a number in"),
        ({"learning_rate": 0.0}, "learning_rate: got 0.0"),
        ({"samples": 5, "beta": 2.0}, "samples: got 5 with beta, warm_up or free_bits"),
    ],
)
def test_wrong_settings_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        VAESettings(**{"steps": 1, **options})


@pytest.mark.parametrize(
    ("vae", "scale", "words"),
    [
        (lambda: small(), "tanh", r"source: images lie in \[-1, .*expected \[0, 1\]"),
        (lambda: small(), "unit", "source: pixels between 0 and 1 for the bernoulli likelihood"),
        (lambda: mlp_vae(3, (1, 28, 28)), "binary", r"vae: cannot take images of shape \(1, 8, 8\)"),
        (lambda: VAE(small().encoder, conv_vae(3, 1, 16).decoder, 3), "binary", r"vae: makes \(1, 16, 16\), expected"),
    ],
)
def test_images_that_do_not_fit_are_refused_before_any_work(tmp_path, vae, scale, words):
    keep = Keep(checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match=words):
        vae_run(vae(), pictures().batches(10, scale=scale), VAESettings(1), keep, "cpu")
    assert not list(tmp_path.iterdir())


def test_unknown_likelihoods_are_refused():
    with pytest.raises(ValueError, match="likelihood: got 'poisson', expected one of bernoulli, logistic"):
        VAE(nn.Identity(), nn.Identity(), 2, likelihood="poisson")
    assert train.bounds(small(), images_for(small(), 2)).shape == (2,)


@pytest.mark.parametrize("samples", [1, 5])
def test_a_whole_set_held_out_is_looked_at_a_few_images_at_a_time(samples):
    """However large the images and the set are: counted at the networks, images and draws alike."""
    pictures = torch.randint(0, 256, (700, 3, 64, 64), dtype=torch.uint8)
    held_out = ImageSet(pictures, None, (), "noise", "test")
    vae, sizes = conv_vae(2, 3, 64, width=2, hidden=4, likelihood="logistic"), []
    for network in (vae.encoder, vae.decoder):
        network.register_forward_hook(lambda network, given, output: sizes.append(len(given[0])))
    bound = train.held_out_bound(vae, held_out, samples)
    assert bound.isfinite() and 0 < max(sizes) * 3 * 64 * 64 <= 2**20


def test_accuracy_looks_at_a_few_images_at_a_time():
    pictures = torch.randint(0, 256, (1200, 1, 8, 8), dtype=torch.uint8)
    held_out = ImageSet(pictures, torch.zeros(1200, dtype=torch.int64), ("a",), "noise", "test")
    classifier, sizes = models.Classifier(1, size=8, width=2), []
    classifier.register_forward_hook(lambda network, given, output: sizes.append(len(given[0])))
    assert train.accuracy(classifier, held_out) == 1 and max(sizes) <= 500 and sum(sizes) == 1200


def test_accuracy_looks_at_fewer_images_at_a_time_if_they_are_large():
    pictures = torch.randint(0, 256, (100, 3, 64, 64), dtype=torch.uint8)
    held_out = ImageSet(pictures, torch.zeros(100, dtype=torch.int64), ("a",), "noise", "test")
    classifier, sizes = models.Classifier(1, channels=3, size=64, width=2), []
    classifier.register_forward_hook(lambda network, given, output: sizes.append(len(given[0])))
    assert train.accuracy(classifier, held_out) == 1 and sizes == [85, 15]  # 2**20 numbers at most


def test_a_vae_on_its_active_latents_leaves_the_others_at_zero_and_encodes_what_is_inside_the_margin():
    with runtime.seeded(0):
        vae = models.mlp_vae(5, (1, 8, 8), 16).eval()
    active = torch.tensor([False, True, True, False, True])
    part = models.ActiveVAE(vae, active, margin=2)
    z = torch.randn(3, 3, generator=runtime.seeded_generator("active"))
    whole = torch.zeros(3, 5)
    whole[:, [1, 2, 4]] = z
    images = part(z)
    assert part.latent_dim == 3 and images.shape == (3, 1, 12, 12)
    assert torch.equal(images[:, :, 2:-2, 2:-2], vae(whole)) and (images[:, :, :2] == -1).all()
    for own, all_of_them in zip(part.encode(images), vae.encode((vae(whole) + 1) / 2), strict=True):
        assert torch.equal(own, all_of_them[:, active])


@pytest.mark.parametrize(
    "active", [torch.ones(4).bool(), torch.zeros(5).bool(), torch.ones(5)], ids=["shape", "none", "dtype"]
)
def test_active_latents_that_do_not_fit_are_refused(active):
    with pytest.raises(ValueError, match=r"active: got .*, expected torch.bool of shape \(5,\)"):
        models.ActiveVAE(models.mlp_vae(5, (1, 8, 8), 16), active)
