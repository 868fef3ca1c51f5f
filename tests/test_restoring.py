"""Restoration: networks that start as what needs no learning, distances, similarity, and pairs made at each step."""

import copy

import pytest
import torch
from games import fixed_randomness  # noqa: F401
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from ganlab import data, losses, metrics, models, train
from ganlab.data import ImageSet, degraded
from ganlab.models import trained
from ganlab.runtime import seeded_generator


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=seeded_generator(seed)) * 2 - 1


def smooth(n: int, side: int = 32, channels: int = 1) -> ImageSet:
    """Return pictures of random stripes, each with a direction, a phase and a width of its own."""
    generator = seeded_generator("stripes")
    angle, phase = 6.3 * torch.rand(2, n, channels, 1, 1, generator=generator)
    place = torch.arange(side) / 3
    waves = torch.sin(angle.cos() * place[:, None] + angle.sin() * place + phase)
    return ImageSet(data.pixels.to_bytes(waves.sign() * waves.abs().sqrt()), None, (), "stripes", "train")


# Networks


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_a_super_resolver_starts_as_bicubic(factor: int) -> None:
    network = models.SuperResolver(3, factor=factor, width=4, blocks=2)
    low = noise(2, 3, 6, 10)
    made = network(low)
    assert made.shape == (2, 3, 6 * factor, 10 * factor)
    torch.testing.assert_close(made, degraded.enlarge(low, factor) if factor > 1 else low)
    with torch.no_grad():
        network.layers[-1].weight.fill_(0.1)
    assert (network(low) - made).abs().max() > 1e-3


def test_a_super_resolver_has_about_130_thousand_weights_and_draws_no_checkerboard() -> None:
    network = models.SuperResolver()
    assert 110_000 < models.count_parameters(network) < 150_000
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=seeded_generator(1)) * 0.1)
        inside = network(torch.full((1, 3, 40, 40), 0.3))[0, :, 60:100, 60:100]
    assert inside.flatten(1).std(1).max() < 1e-4


def test_an_inpainter_pastes_back_what_is_known_and_looks_into_the_hole_only_for_noise() -> None:
    x, other = noise(2, 3, 32, 32), noise(2, 3, 32, 32, seed=1)
    holes = data.Holes("strokes")
    pair = holes(x, seeded_generator(3))
    hole = (pair[:, 3:] > 0).expand(-1, 3, -1, -1)
    inside = pair.clone()
    inside[:, :3][hole] = other[hole]
    for looks in (False, True):
        network = models.Inpainter(3, width=4, halvings=2, noise=looks).eval()
        with torch.no_grad():
            made, again = network(pair), network(inside)
        assert torch.equal(made[~hole], x[~hole]) and made.shape == x.shape
        assert (made[hole] - x[hole]).abs().mean() > 0.1 and torch.equal(made, again) != looks
    assert network.in_channels == 4 and network.multiple == 4


def test_a_critic_sees_a_smaller_pair_as_if_it_were_enlarged() -> None:
    critic = models.PatchCritic(1, 1, width=4, norm="none")
    x, low = noise(2, 1, 32, 32), noise(2, 1, 8, 8, seed=1)
    assert torch.equal(critic(x, low), critic(x, degraded.enlarge(low, 4, "nearest")))
    assert not torch.allclose(critic(x, low), critic(x, noise(2, 1, 8, 8, seed=2)))


@pytest.mark.parametrize("sides", [(40, 52), (41, 300), (150, 267)])
def test_tiles_that_are_enlarged_make_what_the_whole_picture_makes(
    sides: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganlab.models.translating.TILE", 64)
    monkeypatch.setattr("ganlab.models.translating.OVERLAP", 32)
    network = models.SuperResolver(3, factor=2, width=4, blocks=2).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=seeded_generator(1)) * 0.2)
    picture = noise(3, *sides)
    with torch.no_grad():
        whole = network(picture[None])[0]
    tiled = models.translate_tiled(network, picture)
    assert tiled.shape == (3, 2 * sides[0], 2 * sides[1]) and (whole - tiled).abs().max() < 1e-4
    assert (whole - degraded.enlarge(picture[None], 2)[0]).std() > 0.05


def test_factors_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="factor: got 3, expected 1, 2, 4 or 8"):
        models.SuperResolver(factor=3)


# Distances and similarity


def test_distances_are_what_they_say_and_found_by_name() -> None:
    x_hat, x = noise(2, 3, 4, 5), noise(2, 3, 4, 5, seed=1)
    torch.testing.assert_close(losses.distance("l1")(x_hat, x).mean(), torch.nn.functional.l1_loss(x_hat, x))
    torch.testing.assert_close(losses.distance("l2")(x_hat, x).mean(), torch.nn.functional.mse_loss(x_hat, x))
    assert losses.distance(torch.dist) is torch.dist
    with pytest.raises(ValueError, match="distance: got 'l3', expected a function of .* or one of l1, l2, energy"):
        losses.distance("l3")
    with pytest.raises(ValueError, match="distance: got 'mse'"):
        train.TranslationSettings(3, distance="mse")


def test_the_energy_score_is_least_for_independent_draws_of_what_may_be() -> None:
    generator = seeded_generator("two answers")
    truth = torch.where(torch.rand(20_000, generator=generator) < 0.3, -1.0, 1.0)  # dark or light
    draws = torch.where(torch.rand(2, 20_000, generator=generator) < 0.3, -1.0, 1.0)
    same = draws[0].expand(2, -1)
    median, mean = torch.ones(2, 20_000), torch.full((2, 20_000), 0.4)
    scores = []
    for a, b in (draws, same, median, mean):
        x_hat, x = torch.stack([a, b], 1).flatten(), truth.repeat_interleave(2)
        score = losses.energy_score(x_hat[:, None], x[:, None])
        assert score.shape == (20_000, 1)
        scores.append(score.mean().item())
    # E|a - x| = 4 * 0.3 * 0.7; a second answer takes half of as much away
    assert scores[0] == pytest.approx(0.42, abs=0.02) and scores[1] == pytest.approx(0.84, abs=0.02)
    assert scores[2] == pytest.approx(0.6, abs=0.02) and scores[3] == pytest.approx(0.3 * 1.4 + 0.7 * 0.6, abs=0.02)
    assert scores[0] < min(scores[1:])
    for wrong in (torch.zeros(3, 1), torch.arange(4.0)[:, None]):
        with pytest.raises(ValueError, match=r"x: got \d pictures, expected each twice, one after the other"):
            losses.energy_score(wrong, wrong)


def test_a_perceptual_distance_adds_the_relative_errors_of_features() -> None:
    def features(x: Tensor) -> dict[str, Tensor]:
        return {"edges": x.diff(dim=3), "mean": 10 * x.mean((2, 3))}

    x_hat, x = noise(4, 2, 8, 8).requires_grad_(), noise(4, 2, 8, 8, seed=1)
    apart = losses.Perceptual(features, 0.3, "l2")(x_hat, x)
    edges = (x_hat - x).diff(dim=3).square().flatten(1).mean(1) / x.diff(dim=3).square().mean()
    means = (x_hat - x).mean((2, 3)).square().mean(1) / x.mean((2, 3)).square().mean()  # the 10 falls out
    torch.testing.assert_close(apart, (x_hat - x).square().flatten(1).mean(1) + 0.3 * (edges + means))
    apart.sum().backward()
    assert x_hat.grad.abs().max() > 0
    assert (losses.Perceptual(features)(x, x) == 0).all()
    as_list = losses.Perceptual(lambda x: list(features(x).values()), 0.3, "l2")(x_hat, x)
    torch.testing.assert_close(as_list, apart)


def test_the_trunk_s_features_see_blur_and_pass_gradients() -> None:
    x = data.pixels.to_floats(data.picture("chelsea", 64)[None])
    features = trained.TrunkFeatures()
    near = losses.Perceptual(features, 1.0)
    brighter = (x + 0.05).clamp(-1, 1)
    blurred = degraded.blurred(x, 1.0)
    by_pixel = [(each - x).abs().mean().item() for each in (brighter, blurred)]
    by_features = [(near(each, x) - losses.Perceptual(features, 0.0)(each, x)).item() for each in (brighter, blurred)]
    assert by_features[1] / by_pixel[1] > 3 * by_features[0] / by_pixel[0]
    leaf = blurred.clone().requires_grad_()
    near(leaf, x).sum().backward()
    assert leaf.grad.abs().max() > 0 and features(x).keys() == set(features.names)


def test_ssim_is_that_of_a_well_known_library() -> None:
    x = data.pixels.to_floats(torch.stack([data.picture(name, 48) for name in ("chelsea", "china")]))[..., :40]
    for x_hat in (degraded.blurred(x, 1.0), (x + 0.2 * noise(*x.shape)), -x):
        from_black = (x_hat.double() + 1, x.double() + 1)
        _, places = structural_similarity_index_measure(*from_black, data_range=2.0, return_full_image=True)
        expected = places[..., 5:-5, 5:-5].flatten(1).mean(1)  # where the window lies inside, as in the paper
        torch.testing.assert_close(metrics.ssim(x_hat, x), expected, atol=1e-9, rtol=0)
    as_bytes = data.pixels.to_bytes(x), data.pixels.to_bytes(degraded.blurred(x, 1.0))
    floats = [data.pixels.to_floats(each) for each in as_bytes]
    torch.testing.assert_close(metrics.ssim(*as_bytes), metrics.ssim(*floats), atol=1e-6, rtol=0)


def test_ssim_is_1_for_equal_pictures_and_looks_at_structure() -> None:
    x = data.pixels.to_floats(data.picture("china", 64)[None])
    assert metrics.ssim(x, x).item() == pytest.approx(1, abs=1e-12)
    brighter = x * 0.9 + 0.1
    noisy = x + (brighter - x).square().mean().sqrt() * torch.randn(x.shape, generator=seeded_generator(1))
    assert metrics.psnr(brighter, x).item() == pytest.approx(metrics.psnr(noisy, x).item(), abs=0.2)
    assert metrics.ssim(brighter, x) > 0.95 > 0.8 > metrics.ssim(noisy, x)
    assert metrics.ssim(-x, x) < 0.2
    with pytest.raises(ValueError, match="x: pictures are 8x20, expected at least 11 pixels a side"):
        metrics.ssim(noise(1, 1, 8, 20), noise(1, 1, 8, 20))
    with pytest.raises(ValueError, match=r"expected pictures \(N, C, H, W\) of one type and shape"):
        metrics.ssim(noise(1, 20, 20), noise(1, 20, 20))


# Training


def plain(steps: int = 60, **others: object) -> train.TranslationSettings:
    own = {"learning_rate": 3e-3, "adversarial_weight": 0, "ema_decay": 0, "precision": "float32", "threads": 1}
    return train.TranslationSettings(steps, **{**own, **others})


def test_a_step_by_another_distance_descends_it_and_tells_l1_as_well() -> None:
    network = models.SuperResolver(1, factor=2, width=4, blocks=1)
    x = data.pixels.to_floats(smooth(4).images)
    low = degraded.downsample(x, 2)
    before = copy.deepcopy(network)
    optimizers = {"generator": torch.optim.SGD(network.parameters(), 0.1)}
    record = train.translation_step(
        network, None, optimizers, x, low, losses.objective("hinge"), distance=losses.squared_error
    )
    assert set(record) == {"l1", "distance"}
    torch.testing.assert_close(record["distance"], (before(low) - x).square().mean().detach())
    torch.testing.assert_close(record["l1"], (before(low) - x).abs().mean().detach())
    (before(low) - x).square().mean().backward()
    with torch.no_grad():
        for weight in before.parameters():
            weight -= 0.1 * weight.grad
    for ours, expected in zip(network.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(ours, expected)


def test_a_small_super_resolver_beats_bicubic_on_stripes() -> None:
    torch.manual_seed(0)
    source = data.Degraded(smooth(200).batches(20), data.LowResolution(2))
    network = models.SuperResolver(1, factor=2, width=8, blocks=1)
    run = train.fit_translation(network, None, source, plain(distance="l2"), device="cpu", progress=False)
    x = data.pixels.to_floats(smooth(220).images[200:])
    low = degraded.downsample(x, 2)
    made, bicubic = models.translate(run.networks["generator"], low), degraded.enlarge(low, 2)
    assert (metrics.psnr(made, x) - metrics.psnr(bicubic, x)).mean() > 2
    assert run.history.keys() == {"distance", "l1"} and run.sample(low[:3]).shape == (3, 1, 32, 32)
    assert run.task.panels == ({"distance": "distance", "l1": "L1"},)


def test_what_does_not_fit_is_refused_by_name() -> None:
    source = data.Degraded(smooth(20).batches(4), data.LowResolution(4))
    with pytest.raises(ValueError, match=r"generator: makes \(1, 16, 16\), expected the data's \(1, 32, 32\)"):
        train.Run(train.TranslationTask(models.SuperResolver(1, factor=2, width=4), None, plain()), source)
    holes = data.Degraded(smooth(20).batches(4), data.Holes())
    with pytest.raises(ValueError, match=r"generator: cannot take pictures of shape \(2, 32, 32\)"):
        train.Run(train.TranslationTask(models.Inpainter(3, width=4), None, plain()), holes)
