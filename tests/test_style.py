"""Styles, colours, pyramids, crops; painting by descent and in one pass; and every way to ask for the wrong thing."""

import itertools
import re
import signal

import PIL.Image
import pytest
import torch
from torch import nn

from ganlab import cli, data, models, runtime, styles, train
from ganlab.models import trained
from ganlab.train import Run, StyleSettings, StyleTask


def noise(*shape: int, label: str = "style") -> torch.Tensor:
    """Return numbers in [-1, 1], of a different size in each channel."""
    x = 2 * torch.rand(*shape, generator=runtime.seeded_generator(label)) - 1
    return x * torch.linspace(0.4, 1, shape[-3])[:, None, None]


class Small(nn.Module):
    """Features of one layer under every name of the recipe, so that a test takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 6, 3, 2, 1, bias=False)
        with runtime.seeded(3):
            nn.init.normal_(self.layer.weight)
        self.requires_grad_(False)

    def forward(self, x, names):
        return {name: self.layer(x).relu() for name in names}


def stylist(count: int = 2) -> models.Stylist:
    with runtime.seeded(0):
        return models.Stylist(count, width=4, blocks=1)


def task(steps: int = 3, count: int = 2, **others) -> StyleTask:
    return StyleTask(stylist(count), noise(count, 3, 32, 32), StyleSettings(steps, **others), trunk=Small())


def crops(batch_size: int = 2, side: int = 32) -> data.Crops:
    return data.Crops(((noise(3, 3, 40, 50) + 1) * 127).to(torch.uint8), batch_size, size=side)


# What a style is


def test_gram_by_hand_and_shuffling_positions_changes_nothing():
    f = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [2.0, 0.0]]]])
    assert styles.gram(f)[0].tolist() == [[0.5, 0.5], [0.5, 2.0]]
    assert styles.gram(f, centred=True)[0].tolist() == [[0.25, 0.0], [0.0, 1.0]]
    x = noise(2, 5, 6, 7)
    shuffled = x.flatten(2)[:, :, torch.randperm(42)].view_as(x)
    for centred in (False, True):
        torch.testing.assert_close(styles.gram(x, centred=centred), styles.gram(shuffled, centred=centred))
    turned = x.roll(1, dims=1)
    assert not torch.allclose(styles.gram(x), styles.gram(turned), atol=1e-2)


def test_squared_difference_of_gram_matrices_is_a_maximum_mean_discrepancy():
    a, b = (noise(1, 4, 5, 6, label=label).double() for label in "ab")
    u, v = a[0].flatten(1), b[0].flatten(1)

    def mean_kernel(u, v):
        return (u.T @ v).square().mean()

    expected = mean_kernel(u, u) + mean_kernel(v, v) - 2 * mean_kernel(u, v)
    torch.testing.assert_close((styles.gram(a) - styles.gram(b)).square().sum(), expected)


def test_style_distance_is_relative_and_sees_means_and_products_apart():
    x = noise(1, 3, 8, 8)
    wanted = styles.style({"layer": x})
    assert styles.style_distance(wanted, wanted).item() == 0
    raised = styles.style({"layer": x + 1})
    mean = x.mean((2, 3))
    expected = torch.full((1,), 3.0) / mean.square().sum()  # the centred matrix does not notice
    torch.testing.assert_close(styles.style_distance(raised, wanted), expected, rtol=1e-3, atol=1e-3)
    doubled = styles.style_distance(styles.style({"layer": 2 * x}), wanted)
    torch.testing.assert_close(doubled, torch.tensor([1.0 + 9.0]))
    assert styles.content_distance({"layer": 0 * x}, {"layer": x}).item() == pytest.approx(1)


def test_matched_colours_have_the_painting_s_mean_and_covariance():
    mixed = torch.tensor([[1.0, 0.6, 0.0], [0.0, 0.7, 0.5], [0.4, 0.0, 0.9]])  # so that channels go together
    x = 0.2 * torch.einsum("cd,bdhw->bchw", mixed, noise(2, 3, 20, 20))
    painting = 0.2 * torch.einsum("dc,bdhw->bchw", mixed, noise(1, 3, 16, 24, label="painting")) + 0.1
    made = styles.match_colours(x, *styles.colours(painting))
    for found, wanted in zip(styles.colours(made), styles.colours(painting), strict=True):
        torch.testing.assert_close(found, wanted.expand_as(found), atol=2e-3, rtol=0)
    one_colour = styles.match_colours(torch.full((1, 3, 8, 8), 0.5), *styles.colours(painting))
    assert one_colour.isfinite().all() and one_colour.std((2, 3)).max() < 1e-5


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (2, 3, 37, 50)])
def test_a_pyramid_s_levels_add_up_to_the_picture(shape):
    x = noise(*shape)
    levels = styles.pyramid(x, 4)
    assert [level.shape[-1] for level in levels] == [-(-shape[-1] // 2**k) for k in range(4)]
    torch.testing.assert_close(styles.collapse(levels), x)
    with pytest.raises(ValueError, match="levels: got 7 for pictures of"):
        styles.pyramid(x, 7)


# Painting


def test_painting_lowers_the_loss_and_keeps_the_content_more_the_more_it_weighs():
    photograph, painting = data.picture("castle", 48), data.picture("auvers", 48)
    trunk = trained.trunk()
    made = {w: train.paint(photograph, painting, content_weight=w, steps=15, progress=False) for w in (0.0, 5.0)}
    wanted = styles.style(trunk(data.pixels.to_floats(painting)[None], train.style.STYLE_LAYERS))
    start = styles.match_colours(
        data.pixels.to_floats(photograph)[None], *styles.colours(data.pixels.to_floats(painting)[None])
    )
    of = [trunk(x[None], {*train.style.STYLE_LAYERS, *train.style.CONTENT_LAYERS}) for x in (start[0], *made.values())]
    apart = [styles.style_distance(styles.style({n: f[n] for n in wanted}), wanted).item() for f in of]
    assert apart[1] < apart[2] < apart[0]
    names = train.style.CONTENT_LAYERS
    kept = [styles.content_distance(f, {name: of[0][name] for name in names}).item() for f in of]
    assert kept[0] == 0 and kept[2] < kept[1]


def test_painting_can_be_watched_and_ended():
    seen = []

    def watch(step, picture):
        seen.append((step, picture.shape))
        return step == 2

    x = noise(3, 36, 40)
    made = train.paint(x, noise(3, 32, 32), watch=watch, trunk=Small(), progress=False)
    assert [step for step, _ in seen] == [0, 1, 2] and made.shape == (3, 36, 40)
    again = train.paint(x, noise(3, 32, 32), steps=150, watch=lambda step, _: step == 2, trunk=Small(), progress=False)
    assert torch.equal(made, again)


@pytest.fixture
def heard():
    """Let Ctrl-C be heard, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("moment", ["watch", "step"])
def test_an_interrupted_painting_keeps_the_picture_after_whole_steps(moment, monkeypatch, capsys):
    x, painting = noise(3, 36, 40), noise(3, 32, 32)
    whole = train.paint(x, painting, steps=9, watch=lambda step, _: step == 3, trunk=Small(), progress=False)
    start = train.paint(x, painting, steps=9, watch=lambda *_: True, trunk=Small(), progress=False)
    of_style, calls = styles.style, itertools.count()

    def interrupting(features):  # call 0 is the painting's own
        if next(calls) == 3 and moment == "step":
            signal.raise_signal(signal.SIGINT)
        return of_style(features)

    def watch(step, _):
        if step == 3 and moment == "watch":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(styles, "style", interrupting)
    made = train.paint(x, painting, steps=9, watch=watch, trunk=Small(), progress=False)
    assert torch.equal(made, whole) and not torch.equal(made, start)
    assert capsys.readouterr().out == "Interrupted after step 3 of 9. The picture so far is usable.\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_stylist_starts_with_matched_colours_and_its_loss_falls_by_training():
    game = Run(task(40, learning_rate=5e-3), crops(), device="cpu")
    x, weights = noise(2, 3, 32, 32), torch.eye(2)
    with torch.no_grad():
        assert torch.equal(game.networks["stylist"](x, weights), game.networks["stylist"].coloured(x, weights))
    game.play(progress=False)
    first, last = (sum(game.history["style"][part]) for part in (slice(0, 5), slice(-5, None)))
    assert last < 0.8 * first
    with torch.no_grad():
        made = game.ema(x, weights)
    assert (made - game.ema.coloured(x, weights)).abs().mean() > 0.01


def test_a_stylist_s_first_step_is_the_loss_written_by_hand():
    made = task(1, content_weight=0.7)
    x = crops().at(0)
    y = torch.randint(2, (2,), generator=runtime.seeded_generator(0, "style", 0))
    game = Run(made, crops(), device="cpu")
    coloured = game.networks["stylist"].coloured(x, torch.eye(2)[y])
    paintings = noise(2, 3, 32, 32)
    distances = [
        styles.style_distance(
            *(styles.style(Small()(p, ("stem",))) for p in (coloured[k : k + 1], paintings[y[k]][None]))
        )
        for k in range(2)
    ]
    game.play(progress=False)
    assert game.history["style"][0] == pytest.approx(torch.cat(distances).mean().item(), rel=1e-4)
    assert game.history["content"][0] == pytest.approx(0, abs=1e-6)


def test_styles_are_mixed_by_their_weights():
    network = stylist()
    network.learn_colours(noise(2, 3, 32, 32))
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, models.stylist.StyleNorm):
                layer.scales.uniform_(0.5, 1.5)
        nn.init.normal_(network.last.weight)
    picture = noise(3, 32, 32)
    first, both, second = (train.restyled(network, picture, w) for w in ((2, 0), (1, 1), (0, 3)))
    assert torch.equal(first, train.restyled(network, picture, (1, 0)))
    assert not torch.allclose(first, second, atol=0.05)
    assert not torch.allclose(both, first, atol=0.05) and not torch.allclose(both, second, atol=0.05)
    with torch.no_grad():
        assert torch.equal(network(picture[None]).clamp(-1, 1)[0], first)
    assert train.restyled(network, noise(3, 35, 42), (1, 0)).shape == (3, 32, 40)


def test_crops_depend_on_the_step_alone_and_lie_in_the_range():
    source = crops(4, 24)
    x = source.at(5)
    assert x.shape == (4, 3, 24, 24) and -1 <= x.min() and x.max() <= 1
    assert torch.equal(x, crops(4, 24).batch(5).x) and not torch.equal(x, source.at(6))
    assert source.identity != crops(4, 32).identity


# The command


def noise_image(width, height, *, label="file"):
    pixels = ((noise(3, height, width, label=label) + 1) * 127).to(torch.uint8)
    return PIL.Image.fromarray(pixels.permute(1, 2, 0).numpy())


def save(path, *, label="file"):
    noise_image(48, 40, label=label).save(path)


FEW = ["--size", "32", "--width", "4", "--batch-size", "2", "--every", "2", "--device", "cpu", "--threads", "1"]


def test_the_command_trains_on_a_reader_s_own_pictures_goes_on_and_is_read_again(tmp_path, capsys):
    (tmp_path / "photographs").mkdir()
    for k in range(2):
        save(tmp_path / "photographs" / f"{k}.png", label=f"photograph {k}")
    save(tmp_path / "painting.png")
    words = ["train", "style", "--data", str(tmp_path / "photographs"), "--painting", str(tmp_path / "painting.png")]
    words += ["--painting", "auvers", *FEW]
    for steps in (2, 4):  # the learning rate falls over all steps, so that a longer run is another one
        assert cli.main([*words, "--steps", str(steps), "--out", str(tmp_path / "a")]) == 0
    assert "continuing after step 2" in capsys.readouterr().out
    whole = trained.read(tmp_path / "a" / "networks.safetensors")["stylist"]
    assert whole.count == 2 and not torch.equal(*whole.mean)
    assert train.restyled(whole, noise(3, 32, 36), (1, 2)).shape == (3, 32, 36)
    assert (tmp_path / "a" / "samples-0000004.png").exists()
    assert trained.class_names(tmp_path / "a" / "networks.safetensors") == ("painting", "auvers")
    assert cli.main([*words[: -len(FEW) - 1], "cafe", *FEW, "--steps", "6", "--out", str(tmp_path / "a")]) == 1
    assert "paintings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([], "--painting: got none, expected at least one"),
        (["--painting", "nobody.jpg"], "--painting: nobody.jpg: this image cannot be read"),
        (["--painting", "auvers", "--size", "16"], "--size: got 16"),
        (["--painting", "auvers", "--data", "digits"], "--data: got 'digits', expected photographs"),
        (["--painting", "auvers", "--content-weight", "-1"], "content_weight: got -1.0"),
        (["--painting", "auvers", "--flip", "both"], "--flip"),
    ],
)
def test_the_command_names_what_is_wrong(change, message, tmp_path, capsys):
    words = ["train", "style", "--data", "photographs", *FEW, "--steps", "1", "--out", str(tmp_path / "a"), *change]
    try:
        status = cli.main(words)
    except SystemExit as error:
        status = error.code
    assert status in (1, 2) and message in capsys.readouterr().err


@pytest.fixture(scope="module")
def own_stylist(tmp_path_factory):
    """A folder with a stylist of two styles whose colours differ, called ink and rust."""
    folder = tmp_path_factory.mktemp("stylist")
    network = stylist()
    network.learn_colours(torch.stack([noise(3, 32, 32), noise(3, 32, 32).flip(0)]))
    plan = {"stylist": ("Stylist", {"count": 2, "width": 4, "blocks": 1})}
    trained.save(folder / "networks.safetensors", plan, {"stylist": network}, classes=("ink", "rust"))
    return folder


def test_pictures_of_any_size_are_painted_in_a_style_or_a_mixture(own_stylist, tmp_path):
    (tmp_path / "mine").mkdir()
    save(tmp_path / "mine" / "a.png")
    for name, sides in (("tiny", (9, 5)), ("odd", (70, 33)), ("large", (300, 90))):
        noise_image(*sides).save(tmp_path / "mine" / f"{name}.png")

    def painted(style, *others):
        out = tmp_path / f"{style} {others}"
        words = ["apply", "--of", str(own_stylist), "--style", style, *others]
        assert cli.main([*words, "--in", str(tmp_path / "mine"), "--out", str(out)]) == 0
        return {path.stem: data.read_picture(path) for path in out.iterdir()}

    ink, rust = painted("ink"), painted("rust")
    assert {name: tuple(one.shape[1:]) for name, one in ink.items()} == {
        "a": (40, 48),
        "tiny": (5, 9),
        "odd": (33, 70),
        "large": (90, 300),
    }
    small = painted("ink", "--longest", "100")
    assert tuple(small["large"].shape[1:]) == (30, 100) and torch.equal(small["a"], ink["a"])
    network = trained.read(own_stylist / "networks.safetensors")["stylist"]
    expected = train.restyled(network, data.read_picture(tmp_path / "mine" / "a.png"), (1, 0))
    assert torch.equal(ink["a"], data.pixels.to_bytes(expected))
    assert torch.equal(painted("1")["a"], rust["a"]) and torch.equal(painted("0,3")["a"], rust["a"])
    both = painted("1,1")["a"]
    apart = [(one["a"].float() - both).abs().mean() for one in (ink, rust)]
    assert min(apart) > 3 and (ink["a"].float() - rust["a"]).abs().mean() > 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([], "--style: got none, expected ink or rust, or 2 weights >= 0 with commas"),
        (["--style", "2"], "--style: got 2, expected ink or rust"),
        (["--style", "0,0"], "--style: got 0,0"),
        (["--style", "1,-1"], "--style: got 1,-1"),
        (["--style", "1,nan"], "--style: got 1,nan"),
        (["--style", "ink", "--longest", "9"], "--longest: got 9"),
        (["--style", "ink", "--mask", "a.png"], "--mask: .* paints: it has no holes"),
        (["--style", "ink", "--back"], "--back: .* paints"),
        (["--of", "l2-relief", "--style", "ink"], "--style: l2-relief is no stylist"),
        (["--of", "l2-relief", "--longest", "99"], "--longest: l2-relief is no stylist"),
    ],
)
def test_what_cannot_be_painted_by_the_command_is_told_before_anything_is_written(
    own_stylist, change, message, tmp_path, capsys
):
    (tmp_path / "mine").mkdir()
    save(tmp_path / "mine" / "a.png")
    words = ["apply", "--of", str(own_stylist), "--in", str(tmp_path / "mine"), "--out", str(tmp_path / "out")]
    assert cli.main([*words, *change]) == 1
    assert re.search(message, capsys.readouterr().err) and not (tmp_path / "out").exists()


def test_a_stylist_makes_nothing_from_nothing(own_stylist, tmp_path, capsys):
    assert cli.main(["sample", "--of", str(own_stylist), "--out", str(tmp_path / "a.png")]) == 1
    assert "it paints pictures: use `apply`" in capsys.readouterr().err


# Wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content": noise(3, 20, 40)}, r"content: got shape \(3, 20, 40\), expected \(3, H, W\) with at least 32"),
        ({"painting": noise(1, 40, 40)}, r"painting: got shape \(1, 40, 40\)"),
        ({"content": 100 * noise(3, 40, 40)}, "range|reach"),
        ({"content_weight": -1.0}, "content_weight: got -1.0, expected a finite number >= 0"),
        ({"steps": 0}, "steps: got 0"),
        ({"learning_rate": 0.0}, "learning_rate: got 0.0"),
    ],
)
def test_what_cannot_be_painted_is_named(change, message):
    arguments = {"content": noise(3, 40, 40), "painting": noise(3, 40, 40), "trunk": Small()} | change
    with pytest.raises(ValueError, match=message):
        train.paint(arguments.pop("content"), arguments.pop("painting"), progress=False, **arguments)


def test_a_stylist_refuses_other_paintings_pictures_and_weights():
    with pytest.raises(ValueError, match="paintings: got 3, expected 2, one a style"):
        StyleTask(stylist(), noise(3, 3, 32, 32), StyleSettings(1), trunk=Small())
    with pytest.raises(ValueError, match=r"source: gives pictures of shape \(2, 3, 34, 34\), .* multiples of 4"):
        Run(task(), crops(side=34), device="cpu")
    for weights in ((1,), (0, 0), (-1, 2), (float("nan"), 1)):
        with pytest.raises(ValueError, match="weights: got .*, expected 2 numbers >= 0, not all 0"):
            train.restyled(stylist(), noise(3, 32, 32), weights)
    with pytest.raises(ValueError, match="pictures: got torch.float32"):
        data.Crops(noise(1, 3, 32, 32), 2)
    with pytest.raises(ValueError, match="content_weight"):
        StyleSettings(1, content_weight=float("inf"))
