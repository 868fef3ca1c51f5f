"""Networks: shapes, ranges, the first weights, and where batch normalisation must not be."""

import math

import pytest
import torch
from games import fixed_randomness, on_each_device  # noqa: F401
from torch import nn

from ganlab import losses, models, runtime
from ganlab.models import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator

SIZES = [32, 64]
CHANNELS = [1, 3]


def image_pair(kind: str, channels: int, size: int) -> tuple[nn.Module, nn.Module]:
    if kind == "mlp":
        return MLPGenerator(7, (channels, size, size), (16,)), MLPCritic((channels, size, size), (16,))
    return DCGANGenerator(7, channels, size, width=4), DCGANCritic(channels, size, width=4)


@on_each_device
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize(("kind", "size"), [("mlp", 28), ("mlp", 32), *(("dcgan", size) for size in SIZES)])
def test_images_have_their_shape_and_range_and_one_logit_each(kind, size, channels, device):
    generator, critic = (network.to(device) for network in image_pair(kind, channels, size))
    z = 30 * models.latents(5, 7, runtime.seeded_generator(0, device=device))  # far out, to reach the limits
    fake = generator(z)
    assert fake.shape == (5, channels, size, size)
    assert fake.abs().max() <= 1 and fake.min() < 0 < fake.max()
    logits = critic(fake)
    assert logits.shape == (5,)
    assert critic.eval()(fake[:1]).shape == (1,)  # a batch of one keeps its dimension


def test_each_sample_depends_on_its_own_latent_alone():
    for generator, critic in (image_pair("mlp", 1, 28), image_pair("dcgan", 1, 32)):
        z = torch.randn(4, 7)
        fake = generator.eval()(z)
        other = generator(torch.cat([z[:2], torch.randn(2, 7)]))
        torch.testing.assert_close(fake[:2], other[:2])
        assert not torch.allclose(fake[2:], other[2:], atol=1e-4)
        logits = critic.eval()(fake)
        torch.testing.assert_close(critic(fake.flip(0)), logits.flip(0))


def test_points_are_left_free_and_hidden_layers_are_those_asked_for():
    generator, critic = MLPGenerator(2, (2,), (9, 5)), MLPCritic((2,), (6, 3))
    assert [(m.in_features, m.out_features) for m in generator.layers if isinstance(m, nn.Linear)] == [
        (2, 9),
        (9, 5),
        (5, 2),
    ]
    assert [(m.in_features, m.out_features) for m in critic.layers if isinstance(m, nn.Linear)] == [
        (2, 6),
        (6, 3),
        (3, 1),
    ]
    assert generator(1e4 * torch.ones(3, 2)).abs().max() > 1  # no tanh
    assert isinstance(critic.layers[-1], nn.Linear)  # logits, no sigmoid


def test_the_mlp_is_the_same_as_the_formula():
    critic = MLPCritic((3,), (4,))
    x = torch.randn(6, 3)
    first, second = critic.layers[0], critic.layers[2]
    hidden = x @ first.weight.T + first.bias
    expected = torch.where(hidden > 0, hidden, 0.2 * hidden) @ second.weight.T + second.bias
    torch.testing.assert_close(critic(x), expected[:, 0])


@pytest.mark.parametrize("size", SIZES)
def test_dcgan_follows_the_paper(size):
    generator, critic = DCGANGenerator(size=size, width=8), DCGANCritic(size=size, width=8)
    steps = int(math.log2(size)) - 2
    ups = [m.out_channels for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    downs = [m.out_channels for m in critic.modules() if isinstance(m, nn.Conv2d)]
    assert ups == [8 * 2**k for k in reversed(range(steps))] + [1]
    assert downs == [8 * 2**k for k in range(steps)] + [1]
    kinds = [type(m) for m in critic.layers]
    assert kinds[:3] == [nn.Conv2d, nn.LeakyReLU, nn.Conv2d]  # no batch normalisation on the first layer
    assert kinds.count(nn.BatchNorm2d) == steps - 1 and kinds[-1] is nn.Conv2d
    kinds = [type(m) for m in generator.layers]
    assert kinds[:2] == [nn.ConvTranspose2d, nn.BatchNorm2d] and kinds[-2:] == [nn.ConvTranspose2d, nn.Tanh]
    assert kinds.count(nn.BatchNorm2d) == steps
    for layer in [*generator.modules(), *critic.modules()]:
        if isinstance(layer, nn.BatchNorm2d):  # a positional 0.8 would be eps
            assert (layer.eps, layer.momentum) == (1e-5, 0.1)


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANCritic])
def test_the_first_weights_of_dcgan_are_small(network):
    for layer in network(width=32).modules():
        weight = getattr(layer, "weight", None)
        if weight is None:
            continue
        mean = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
        error = 0.02 / math.sqrt(weight.numel())
        assert weight.mean().item() == pytest.approx(mean, abs=5 * error)
        assert weight.std().item() == pytest.approx(0.02, abs=5 * error)


@pytest.mark.parametrize("size", [4, 28, 33, 0])
def test_sizes_that_do_not_halve_to_four_are_refused(size):
    for network in (DCGANGenerator, DCGANCritic):
        with pytest.raises(ValueError, match=f"size: got {size}, expected a power of two >= 8"):
            network(size=size)


@pytest.mark.parametrize("latent_dim", [0, -1, 2.0, True])
def test_impossible_latent_dims_are_refused(latent_dim):
    for network in (DCGANGenerator, MLPGenerator):
        with pytest.raises(ValueError, match="latent_dim: got .*, expected a whole number >= 1"):
            network(latent_dim)


def test_count_parameters_counts_what_trains():
    critic = MLPCritic((3,), (4,))
    assert models.count_parameters(critic) == 3 * 4 + 4 + 4 + 1
    critic.layers[0].requires_grad_(False)
    assert models.count_parameters(critic) == 4 + 1


def test_latents_are_standard_normal_and_come_from_their_generator_alone():
    before = torch.get_rng_state()
    z = models.latents(4000, 5, runtime.seeded_generator(3))
    assert torch.equal(z, models.latents(4000, 5, runtime.seeded_generator(3)))
    assert torch.equal(torch.get_rng_state(), before)
    assert (z.mean(0).abs() < 5 / math.sqrt(4000)).all()
    assert ((z.var(0) - 1).abs() < 5 * math.sqrt(2 / 4000)).all()


@pytest.mark.parametrize("hidden", [(), (9,), (9, 5)])
def test_a_critic_writes_out_its_own_gradient(hidden):
    critic, x = MLPCritic((1, 3, 3), hidden), torch.randn(6, 1, 3, 3)
    found, expected = critic.input_gradient(x), losses.input_gradient(critic, x)
    assert found.shape == x.shape
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    weights = [layer.weight for layer in critic.layers if isinstance(layer, nn.Linear)]
    of_found, of_expected = (torch.autograd.grad(slope.square().sum(), weights) for slope in (found, expected))
    for mine, theirs in zip(of_found, of_expected, strict=True):
        assert mine.abs().max() > 0
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("change", ["dropout", "spectral"])
def test_a_changed_critic_does_not_use_a_formula_that_no_longer_holds(change):
    critic, x = MLPCritic((2,), (7, 5)), torch.randn(4, 2)
    if change == "dropout":
        critic.layers.insert(2, nn.Dropout(0.5))
    else:
        models.spectrally_normalised(critic)
    torch.testing.assert_close(critic.eval().input_gradient(x), losses.input_gradient(critic, x))


def test_spectral_normalisation_leaves_a_largest_singular_value_of_one():
    critic = models.spectrally_normalised(DCGANCritic(3, 32, width=8, norm="none"))
    for _ in range(200):  # of power iteration
        critic(torch.zeros(1, 3, 32, 32))
    weights = [module.weight.flatten(1) for module in critic.modules() if isinstance(module, nn.Conv2d)]
    assert len(weights) == 4
    for weight in weights:
        assert torch.linalg.matrix_norm(weight, ord=2).item() == pytest.approx(1, abs=1e-3)


def test_a_critic_without_normalisation_treats_each_image_alone():
    x = torch.randn(4, 3, 32, 32)
    alone, mixed = DCGANCritic(3, width=8, norm="none"), DCGANCritic(3, width=8)
    torch.testing.assert_close(alone(x)[:2], alone(x[:2]))
    assert not torch.allclose(mixed(x)[:2], mixed(x[:2]), atol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in alone.modules())
    with pytest.raises(ValueError, match="norm: got 'layer', expected 'batch' or 'none'"):
        DCGANCritic(norm="layer")


def draws(**columns: float) -> torch.Tensor:
    """Return what DiffAugment would draw for two images: halves, which change least, but for what is given of one."""
    names = ("brightness", "saturation", "contrast", "down", "right", "row", "column")
    return torch.tensor([(columns.get(name, 0.5), 0.5) for name in names]).view(7, 2, 1, 1, 1)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ({"brightness": 0.75}, lambda x: x + 0.25),
        ({"saturation": 1.0}, lambda x: 2 * x - x.mean(1, keepdim=True)),
        ({"contrast": 0.0}, lambda x: x / 2 + x.mean((1, 2, 3), keepdim=True) / 2),
        ({"down": 1.0}, lambda x: torch.cat([torch.zeros(1, 3, 2, 24), x[:, :, :-2]], dim=2)),
        ({"right": 0.0}, lambda x: torch.cat([x[..., 3:], torch.zeros(1, 3, 16, 3)], dim=3)),
    ],
    ids=["brightness", "saturation", "contrast", "down", "right"],
)
def test_augmentation_does_what_its_draws_say(monkeypatch, drawn, expected):
    x = torch.randn(2, 3, 16, 24)
    monkeypatch.setattr(torch, "rand", lambda *shape, device: draws(**drawn))
    found, changed = models.DiffAugment()(x), torch.cat([expected(x[:1]), x[1:]])  # each image by its own draw
    square = torch.zeros(16, 24, dtype=torch.bool)
    square[5:12, 7:18] = True  # rows nearer than 4 to 8, columns nearer than 6 to 12: both ends are as far
    torch.testing.assert_close(found, changed * ~square)


def test_augmentation_changes_each_image_on_its_own_lets_gradients_pass_and_rests_in_evaluation():
    x, layer = torch.randn(1, 1, 16, 16).expand(8, -1, -1, -1).clone().requires_grad_(), models.DiffAugment()
    found = layer(x)
    assert found.shape == x.shape and found.flatten(1).unique(dim=0).shape[0] == 8
    found.sum().backward()
    assert (x.grad != 0).float().mean() > 0.5
    assert torch.equal(layer.eval()(x), x)
    torch.manual_seed(1)
    first = layer.train()(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
