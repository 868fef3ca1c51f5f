"""The feature network of photographs: its file, its layers, and numbers that the original network gave."""

import hashlib

import pytest
import torch
import torch.nn.functional as F
import trunk as recipe

from ganlab import checkpoint
from ganlab.checkpoint import CheckpointError
from ganlab.models import FeatureTrunk, trained

# What the package's own weights give for `pattern`, by tests/tools/trunk.py's `original` in 32 bits: after blocks 8, 4.
BLOCK8 = [2.3680899, 1.0527270, 1.1408586, 7.3414903]  # channels 0, 17, 60, 111 at row 3, column 2
BLOCK4 = [6.0286222, -4.4402528, 2.2956595]  # channels 0, 9, 39 at row 6, column 5


def pattern(side: int = 96) -> torch.Tensor:
    """Return a picture of three curved patterns, (1, 3, side, side), the same on every machine."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    pixels = torch.stack([(3 * x + y) % 256, (x * y) % 256, (x * x + 5 * y) % 256])
    return pixels[None].float() / 127.5 - 1


def test_the_trunk_gives_what_the_original_gave():
    features = trained.trunk()(pattern(), ("block8", "block4"))
    assert list(features) == ["block4", "block8"]
    # its weights are rounded to 16 bits; values spread by about 6
    assert features["block8"][0, [0, 17, 60, 111], 3, 2].tolist() == pytest.approx(BLOCK8, abs=0.1)
    assert features["block4"][0, [0, 9, 39], 6, 5].tolist() == pytest.approx(BLOCK4, abs=0.1)


def test_folding_batch_normalisation_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, weight in FeatureTrunk().state_dict().items():
        part, kind = name.rsplit(".", 1)
        number, layer = part.split(".")[1:] if part != "stem" else (None, "stem")
        convolution = f"_blocks.{number}._{layer}_conv" if number else "_conv_stem"
        norm = f"_blocks.{number}._bn{('expand', 'depthwise', 'project').index(layer)}" if number else "_bn0"
        if kind == "weight":
            weights[f"{convolution}.weight"] = weight
            continue
        for statistic in ("weight", "bias", "running_mean", "running_var"):
            weights[f"{norm}.{statistic}"] = torch.rand(len(weight), generator=generator) + 0.5
    network = FeatureTrunk().requires_grad_(False)
    network.load_state_dict(recipe.folded(weights))
    x = pattern(64)
    expected = recipe.original(weights, (127.5 * (x + 1) - 127) / 128)
    torch.testing.assert_close(network(x, ("block8",))["block8"], expected, rtol=1e-4, atol=1e-4)


def test_layers_have_the_channels_and_sides_that_the_trunk_says_and_depthwise_ones_lie_in_0_to_6():
    network = trained.trunk()
    features = network(torch.zeros(1, 1, 72, 50).uniform_(-1, 1), network.names)
    assert tuple(features) == network.names and len(features) == 19
    for name, value in features.items():
        expected = [-(-side // 2 ** network.halvings[name]) for side in (72, 50)]
        assert list(value.shape) == [1, network.channels[name], *expected], name
        if name == "stem" or name.endswith("depthwise"):
            assert 0 <= value.min() and value.max() <= 6
        else:
            assert value.min() < 0


def test_gradients_reach_the_picture_and_not_the_weights_and_no_layer_is_computed_in_vain():
    network = trained.trunk()
    picture = pattern(64).requires_grad_()
    called = []
    network.blocks[2].register_forward_hook(lambda *_: called.append(2))
    network(picture, ("block1.depthwise",))["block1.depthwise"].square().mean().backward()
    assert picture.grad.abs().sum() > 0 and not called
    assert all(weight.grad is None for weight in network.parameters())
    grey = torch.rand(2, 1, 32, 32)
    assert torch.equal(network(grey)["block4.depthwise"], network(grey.expand(-1, 3, -1, -1))["block4.depthwise"])


def test_black_and_white_reach_the_stem_as_lite0_was_trained_on_them():
    network, seen = trained.trunk(), []
    network.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2), ("stem",))
    assert seen[0][0, 1, 0].tolist() == [-127 / 128, 1.0]


def test_margins_are_even_but_for_an_odd_pixel_to_the_right_and_below():
    layer = FeatureTrunk().stem  # 3x3, stride 2
    x = torch.rand(1, 3, 8, 7)
    expected = F.conv2d(F.pad(x, (1, 1, 0, 1)), layer.weight, layer.bias, 2)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        ((1, 3, 32, 32), ("block9",), r"names: got 'block9', expected some of stem, block0.depthwise"),
        ((1, 3, 32, 32), "stem", r"names: got the text 'stem', expected a tuple"),
        ((1, 3, 32, 32), (), r"names: got none"),
        ((3, 32, 32), ("stem",), r"pictures: got shape \(3, 32, 32\), expected \(B, 3 or 1, H, W\)"),
        ((1, 2, 32, 32), ("stem",), r"pictures: got shape \(1, 2, 32, 32\)"),
    ],
)
def test_a_wrong_layer_or_picture_is_named(shape, names, message):
    with pytest.raises(ValueError, match=message):
        FeatureTrunk()(torch.zeros(shape), names)


def test_an_altered_file_is_refused(tmp_path, monkeypatch):
    assert hashlib.sha256(trained.TRUNK.read_bytes()).hexdigest() == trained.TRUNK_SHA256
    assert trained.TRUNK.stat().st_size < 0.75e6
    state = checkpoint.load(trained.TRUNK)
    state["weights"]["stem.bias"][0] += 1
    monkeypatch.setattr(trained, "TRUNK", tmp_path / "lite0.safetensors")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        trained.trunk()
    checkpoint.save(trained.TRUNK, state)
    with pytest.raises(CheckpointError, match="not the file that ganlab was made with"):
        trained.trunk()


def test_a_block_is_the_three_steps_that_lesson_13_writes():
    trunk, castle = trained.trunk(), pattern(128)
    layers, x = trunk.blocks[4], trunk(castle, ("block3",))["block3"]
    wide = F.relu6(layers.depthwise(F.relu6(layers.expand(x))))
    features = trunk(castle, ("block4.depthwise", "block4"))
    torch.testing.assert_close(wide, features["block4.depthwise"])
    torch.testing.assert_close(x + layers.project(wide), features["block4"])
