"""Networks: shapes, ranges, the first weights, and where batch normalisation must not be."""

import math

import pytest
import torch
from games import fixed_randomness, on_each_device  # noqa: F401
from torch import nn

from ganlab import models, runtime
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
