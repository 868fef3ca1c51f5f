"""Degradations: each is what its words say, drawn by its generator alone, and pairs of both make a source."""

import dataclasses

import pytest
import torch

from ganlab import data
from ganlab.data import ImageSet, degraded
from ganlab.runtime import seeded_generator


def pictures(n: int = 3, channels: int = 3, height: int = 24, width: int = 32) -> torch.Tensor:
    """Return smooth pictures in [-1, 1], other in every place, so that no axis or channel may be taken for another."""
    rows = torch.linspace(0, 3, height)[:, None]
    columns = torch.linspace(0, 5, width)
    planes = [torch.sin(rows * (1 + k / 10) + columns * 1.3 + k) for k in range(n * channels)]
    return 0.9 * torch.stack(planes).view(n, channels, height, width)


# Fewer pixels


def test_area_is_the_mean_of_blocks_and_bicubic_is_not() -> None:
    x = pictures()
    low = degraded.downsample(x, 4)
    assert low.shape == (3, 3, 6, 8)
    torch.testing.assert_close(low[1, 2, 3, 5], x[1, 2, 12:16, 20:24].mean())
    bicubic = degraded.downsample(x, 4, "bicubic")
    assert bicubic.shape == low.shape and 1e-4 < (bicubic - low).abs().mean() < 0.05
    assert torch.equal(degraded.downsample(x, 1), x)


def test_what_was_made_small_comes_back_at_the_same_place() -> None:
    x = pictures(height=64, width=64)
    for kernel in ("bicubic", "nearest"):
        back = degraded.enlarge(degraded.downsample(x, 4), 4, kernel)
        assert back.shape == x.shape
        errors = [(back - x.roll(shift, -1)).square().mean() for shift in (0, 1, -1)]
        assert errors[0] < 0.01 and errors[0] < min(errors[1:])


def test_low_resolution_blurs_before_and_adds_noise_after() -> None:
    x = pictures()
    plain = data.LowResolution(4)(x)
    assert torch.equal(plain, degraded.downsample(x, 4))
    expected = degraded.downsample(degraded.blurred(x, 1.5), 4)
    assert torch.equal(data.LowResolution(4, blur=1.5)(x), expected) and not torch.equal(expected, plain)
    noise = data.LowResolution(2, noise=0.1)(x, seeded_generator(3)) - degraded.downsample(x, 2)
    assert noise.std() == pytest.approx(0.1, rel=0.05) and abs(noise.mean()) < 0.01


# Blur, noise, colours


def test_a_blur_keeps_the_mean_and_is_a_gaussian() -> None:
    point = torch.zeros(1, 1, 41, 41)
    point[0, 0, 20, 20] = 1
    spread = degraded.blurred(point, 2.0)[0, 0]
    place = torch.arange(41) - 20.0
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    assert (spread.sum(0) * place.square()).sum().sqrt() == pytest.approx(2.0, rel=0.02)
    assert torch.allclose(spread, spread.T) and torch.equal(degraded.blurred(point, 0), point)
    assert (degraded.blurred(torch.full((1, 2, 9, 12), 0.3), 1.0) - 0.3).abs().max() < 1e-6  # at the edges, too
    assert torch.equal(data.Blur(2.0)(point), degraded.blurred(point, 2.0))


def test_grey_is_as_bright_as_it_seems() -> None:
    colours = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [0.2, 0.2, 0.2]]).view(4, 3, 1, 1)
    shades = data.Grey()(colours)
    assert shades.shape == (4, 1, 1, 1)
    torch.testing.assert_close((shades.flatten() + 1) / 2, torch.tensor([0.299, 0.587, 0.114, 0.6]))


def test_a_jpeg_of_lower_quality_is_further_away() -> None:
    x = data.pixels.to_floats(data.picture("china", 64)[None])
    errors = [(data.JPEG(quality)(x) - x).square().mean().item() for quality in (5, 30, 90)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] > 0
    assert data.JPEG(90)(x[:, :1]).shape == (1, 1, 64, 64) and data.JPEG(5)(x).min() >= -1


def test_a_faded_picture_comes_back_by_its_known_curve() -> None:
    x = pictures()
    fade = data.Faded()
    faded = fade(x)
    assert faded.min() >= 2 * fade.dark - 1 and faded.max() <= 2 * fade.light - 1 and faded.std() < 0.6 * x.std()
    torch.testing.assert_close(fade.undo(faded), x, atol=1e-5, rtol=0)
    rounded = data.pixels.to_floats(data.pixels.to_bytes(faded))
    assert 1e-4 < (fade.undo(rounded) - x).abs().mean() < 0.02  # what eight bits have rounded away stays lost
    torch.testing.assert_close(fade(torch.zeros(1, 1, 1, 1)).item(), 2 * (0.35 + 0.45 * 0.5**0.7) - 1)


# Holes


def test_a_centre_hole_lies_in_the_middle_and_covers_its_portion() -> None:
    mask = degraded.centre_mask(64, 32, 0.25)
    assert mask.sum() == 32 * 16 and mask[16:48, 8:24].all()
    pair = data.Holes(portion=0.25, fill=0.5)(pictures(2, 1, 64, 32))
    assert pair.shape == (2, 2, 64, 32)
    assert torch.equal(pair[:, 1] > 0, mask.expand(2, -1, -1)) and set(pair[:, 1].unique().tolist()) == {-1.0, 1.0}
    assert (pair[:, 0][pair[:, 1] > 0] == 0.5).all()
    assert torch.equal(pair[:, :1][~mask.expand(2, 1, -1, -1)], pictures(2, 1, 64, 32)[~mask.expand(2, 1, -1, -1)])


def test_strokes_cover_their_portion_connected_each_its_own() -> None:
    masks = degraded.stroke_masks(60, 48, 64, generator=seeded_generator(5), portion=0.2)
    covered = masks.float().mean((1, 2))
    assert masks.shape == (60, 48, 64) and covered.min() >= 0.2 and 0.2 < covered.mean() < 0.26
    assert len({mask.numpy().tobytes() for mask in masks}) == 60
    assert (masks.float().mean(0) > 0).float().mean() > 0.99  # anywhere
    again = degraded.stroke_masks(60, 48, 64, generator=seeded_generator(5), portion=0.2)
    assert torch.equal(masks, again) and not torch.equal(
        masks, degraded.stroke_masks(60, 48, 64, generator=seeded_generator(6))
    )
    # a pen's line is thick: opened by 3x3 pixels, nearly all of it is left
    inside = -torch.nn.functional.max_pool2d(-masks[:, None].float(), 3, 1, 1)
    opened = torch.nn.functional.max_pool2d(inside, 3, 1, 1)
    assert opened.sum() > 0.95 * masks.sum()


def test_a_mask_of_ones_own_is_taken_and_one_without_a_hole_is_refused() -> None:
    mask = torch.zeros(24, 32, dtype=torch.bool)
    mask[2:12, 7:19] = True
    pair = data.Holes(mask, fill="noise")(pictures(), seeded_generator(2))
    assert torch.equal(pair[:, 3] > 0, mask.expand(3, -1, -1))
    noise = pair[:, :3, 2:12, 7:19]
    assert noise.unique().numel() == noise.numel() and 0.9 < noise.std() < 1.1
    with pytest.raises(ValueError, match="mask: has no hole"):
        data.Holes(torch.zeros(24, 32, dtype=torch.bool))(pictures())
    for wrong in (mask[:5], mask.float(), mask.expand(2, -1, -1)):
        with pytest.raises(ValueError, match=r"mask: got \w+ \(.*\), expected bool \(24, 32\), true in the hole"):
            data.Holes(wrong)(pictures())


def test_several_draws_have_one_hole_and_each_its_noise() -> None:
    holes = data.Holes("strokes", fill="noise", draws=2)
    pair = holes(pictures(), seeded_generator(4))
    assert pair.shape == (6, 4, 24, 32)
    assert torch.equal(pair[::2, 3], pair[1::2, 3]) and not torch.equal(pair[0, 3], pair[2, 3])
    known = (pair[:, 3:] < 0).expand(-1, 3, -1, -1)
    assert torch.equal(pair[:, :3][known], pictures().repeat_interleave(2, 0)[known])
    inside = (pair[::2, 3:] > 0).expand(-1, 3, -1, -1)
    assert (pair[::2, :3][inside] - pair[1::2, :3][inside]).abs().mean() > 0.5
    batch = data.Degraded(tiles().batches(8, 3), holes).batch(2)
    assert batch.x.shape == (16, 3, 16, 16) and batch.pair.shape == (16, 4, 16, 16)
    assert torch.equal(batch.x[::2], tiles().batches(8, 3).at(2)) and torch.equal(batch.x[::2], batch.x[1::2])
    assert torch.equal(batch.y[1::2], tiles().batches(8, 3).labels_at(2))


# A source of pairs


def tiles() -> ImageSet:
    images = torch.randint(0, 256, (20, 3, 16, 16), generator=seeded_generator(4), dtype=torch.uint8)
    return ImageSet(images, torch.arange(20) % 3, tuple("abc"), "noise", "train")


def test_pairs_are_made_anew_by_seed_and_step_alone() -> None:
    batches = tiles().batches(8, 3)
    source = data.Degraded(batches, data.Holes("strokes", fill="noise"), seed=7)
    batch = source.batch(5)
    assert torch.equal(batch.x, batches.at(5)) and torch.equal(source.at(5), batch.x)
    assert torch.equal(batch.y, batches.labels_at(5)) and batch.pair.shape == (8, 4, 16, 16)
    known = batch.pair[:, 3:] < 0
    assert torch.equal(batch.pair[:, :3][known.expand(-1, 3, -1, -1)], batch.x[known.expand(-1, 3, -1, -1)])
    torch.manual_seed(99)
    assert torch.equal(data.Degraded(batches, data.Holes("strokes", fill="noise"), seed=7).batch(5).pair, batch.pair)
    assert torch.get_rng_state().equal(torch.manual_seed(99).get_state())
    for other in (source.batch(5 + batches.steps_per_epoch), data.Degraded(batches, source.degrade, seed=8).batch(5)):
        assert not torch.equal(other.pair[:, 3], batch.pair[:, 3])
    assert data.Degraded(tiles(), data.LowResolution(4)).batch(0).pair.shape == (20, 3, 4, 4)


def test_a_checkpoint_tells_degradations_apart() -> None:
    batches = tiles().batches(8)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[3, 4] = True
    kinds = [
        data.LowResolution(4), data.LowResolution(2), data.LowResolution(4, "bicubic"), data.LowResolution(4, blur=1.0),
        data.Holes(), data.Holes("strokes"), data.Holes(mask), data.Holes(mask.T), data.Grey(), data.Noise(0.3),
        degraded.grey,
    ]  # fmt: skip
    identities = [data.Degraded(batches, kind).identity for kind in kinds]
    assert len({identity["degraded by"] for identity in identities}) == len(kinds)
    assert data.Degraded(batches, data.LowResolution(4)).identity == identities[0]
    assert identities[0]["digest"] == batches.identity["digest"]
    assert data.Degraded(batches, kinds[0], seed=1).identity != identities[0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: degraded.downsample(pictures(), 5), "x: pictures are 24x32, expected multiples of the factor, 5"),
        (lambda: degraded.downsample(pictures(), 0), "factor: got 0"),
        (lambda: data.LowResolution(4, "lanczos"), "kernel: got 'lanczos', expected one of area, bicubic"),
        (lambda: data.LowResolution(noise=-1.0), "noise: got -1.0, expected a finite number >= 0"),
        (lambda: data.LowResolution(noise=0.1)(pictures()), "generator: got None, expected one"),
        (lambda: data.Holes("circle"), "kind: got 'circle', expected 'centre', 'strokes' or a mask"),
        (lambda: data.Holes(portion=1.0), "portion: got 1.0, expected a number between 0 and 1"),
        (lambda: data.Holes("strokes", portion=0.6), "portion: got 0.6, expected at most 0.5"),
        (lambda: data.Holes(fill="mean"), "fill: got 'mean', expected a number or 'noise'"),
        (lambda: data.Holes("strokes")(pictures()), "generator: got None"),
        (lambda: data.Blur(-1), "sigma: got -1"),
        (lambda: data.Blur(9.0)(pictures()), "sigma: got 9, too large for pictures of 24x32"),
        (lambda: data.JPEG(96)(pictures()), "quality: got 96"),
        (lambda: data.Grey()(pictures(channels=1)), r"x: got shape \(3, 1, 24, 32\), expected pictures in colour"),
        (lambda: degraded.enlarge(pictures(), 2, "area"), "kernel: got 'area'"),
        (lambda: data.Degraded(tiles(), "grey"), "degrade: got 'grey', expected a degradation"),
        (lambda: data.Degraded([1], data.Grey()), "source: got list"),
    ],
)
def test_what_is_none_is_told(make, said) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_they_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.LowResolution(4).factor = 2
