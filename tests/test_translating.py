"""Translators of pictures: networks, patches, tiles without seams, a step of either game, the memory of past fakes."""

import copy
import itertools

import pytest
import torch
from games import fixed_randomness  # noqa: F401
from test_contracts import pictures
from torch import Tensor, nn
from torchmetrics.functional.image import peak_signal_noise_ratio

from ganlab import data, losses, metrics, models, train
from ganlab.data import ImageSet
from ganlab.models.translating import _tiles
from ganlab.runtime import seeded_generator
from ganlab.train.cycle import Past

HINGE = losses.objective("hinge")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).clamp(-1, 1)


# Networks


@pytest.mark.parametrize("kind", [models.UNet, models.ResNetGenerator])
def test_a_generator_makes_a_picture_of_the_same_size_in_range(kind) -> None:
    network = kind(1, 3, width=4)
    for sides in ((64, 64), (32, 96)):
        made = network(noise(2, 1, *sides))
        assert made.shape == (2, 3, *sides) and made.abs().max() <= 1 and made.std() > 0
    assert 64 % network.multiple == 0 and network.in_channels == 1


def test_a_unet_has_about_four_hundred_thousand_weights() -> None:
    assert 350_000 < models.count_parameters(models.UNet()) < 450_000
    assert models.count_parameters(models.UNet(width=12)) < models.count_parameters(models.UNet()) / 3


def test_skips_carry_what_the_smallest_layer_does_not() -> None:
    for skips in (True, False):
        network = models.UNet(1, 1, width=4, skips=skips).eval()
        network.down[-1].register_forward_hook(lambda module, given, made: torch.zeros_like(made))
        with torch.no_grad():
            apart = (network(noise(1, 1, 64, 64)) - network(noise(1, 1, 64, 64, seed=1))).abs().max()
        assert (apart > 1e-3) == skips


@pytest.mark.parametrize(("halvings", "side"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_as_many_pixels_as_the_recursion_and_the_gradient_say(halvings: int, side: int) -> None:
    critic = models.PatchCritic(1, 1, width=4, halvings=halvings, norm="none")
    x = noise(1, 1, 160, 160).requires_grad_()
    logits = critic(x, noise(1, 1, 160, 160, seed=1))
    middle = logits.shape[-1] // 2
    (slope,) = torch.autograd.grad(logits[0, middle, middle], x)
    rows = slope[0, 0].abs().sum(1).nonzero()
    assert models.receptive_field(critic) == side == int(rows.max() - rows.min()) + 1


def test_receptive_fields_of_other_chains() -> None:
    chain = nn.Sequential(nn.Conv2d(1, 1, 3, dilation=2), nn.ReLU(), nn.Conv2d(1, 1, 1, 3))
    assert models.receptive_field(chain) == 5 and models.receptive_field(nn.Conv2d(1, 1, 7)) == 7
    with pytest.raises(ValueError, match="network: Linear has no convolution"):
        models.receptive_field(nn.Linear(1, 1))
    with pytest.raises(ValueError, match="as wide as they are high"):
        models.receptive_field(nn.Conv2d(1, 1, (3, 5)))


def test_a_patch_critic_sees_the_pair_unless_it_has_none() -> None:
    x, pair, other = (noise(2, 1, 32, 32, seed=k) for k in range(3))
    critic = models.PatchCritic(1, 1, width=4, norm="none")
    assert critic(x, pair).shape[0] == 2 and critic(x, pair).ndim == 3
    assert not torch.allclose(critic(x, pair), critic(x, other)) and not torch.allclose(
        critic(x, pair), critic(pair, x)
    )
    alone = models.PatchCritic(1, 0, width=4, norm="none")
    assert alone(x).shape == critic(x, pair).shape
    with pytest.raises(ValueError, match="norm: got 'layer'"):
        models.PatchCritic(norm="layer")


class Shuffled(nn.Module):
    """A doubling by PixelShuffle, as the networks do not do it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 2, 2), nn.Conv2d(4, 4, 3, 1, 1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@pytest.mark.parametrize(
    ("make", "even"),
    [
        (lambda: models.UNet(1, 1, width=4, halvings=2), True),
        (lambda: models.ResNetGenerator(1, 1, width=4, blocks=1), True),
        (Shuffled, False),
    ],
)
def test_a_plain_picture_stays_plain_with_no_checkerboard(make, even: bool) -> None:
    network = make().eval()
    with torch.no_grad():
        for weight in network.parameters():  # first weights are too small to show a pattern
            weight.mul_(5 if weight.ndim > 1 else 1)
        inside = network(torch.full((1, 1, 160, 160), 0.3))[0, 0, 60:100, 60:100]
    assert (inside.std() < 1e-4) == even


# Pictures through a network


def test_pictures_are_translated_in_evaluation_mode_a_few_at_a_time(monkeypatch) -> None:
    network = models.UNet(1, 3, width=4, halvings=2)
    network(noise(8, 1, 16, 16))  # batch norm has seen something
    images = torch.randint(0, 256, (7, 1, 16, 16), dtype=torch.uint8)
    made = models.translate(network, images)
    assert network.training and made.shape == (7, 3, 16, 16)
    monkeypatch.setattr("ganlab.models.translating.AT_ONCE", 64 * 16 * 16 * 2)
    assert torch.allclose(models.translate(network, images.float() / 127.5 - 1), made, atol=1e-6)


SIDES = [(64, 64), (333, 64), (301, 410), (5, 7)]


@pytest.mark.parametrize("sides", SIDES)
def test_tiles_make_what_the_whole_picture_makes(sides: tuple[int, int]) -> None:
    """A network that sees less than a quarter of what two tiles share: equal, whatever the size."""
    network = models.UNet(1, 3, width=4, halvings=2).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3)
    picture = noise(1, *sides)
    padded = nn.functional.pad(picture[None], (0, -sides[1] % 4, 0, -sides[0] % 4), mode="replicate")
    whole = models.translate(network, padded)[0, :, : sides[0], : sides[1]]
    tiled = models.translate_tiled(network, picture)
    assert tiled.shape == (3, *sides) and whole.std() > 0.05
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def worst_seam(made: Tensor, whole: Tensor) -> float:
    """Return the largest step between neighbouring pixels, off the border, that one picture has and the other not."""
    difference = (made - whole)[:, 40:-40, 40:-40]
    return max(difference.diff(dim=1).abs().max().item(), difference.diff(dim=2).abs().max().item())


def test_tiles_of_a_network_that_sees_everything_fade_into_each_other() -> None:
    """Instance norm makes each tile's colours depend on all of it: tiles side by side show seams, ours do not."""
    network = models.ResNetGenerator(1, 1, width=4, blocks=1).eval()
    with torch.no_grad():
        network.layers[-2].weight.mul_(3)
    picture = torch.linspace(-1, 1, 640).expand(1, 256, 640) * torch.linspace(0.2, 1, 256)[:, None]  # dark to light
    whole = models.translate(network, picture[None])[0]
    beside = torch.cat([models.translate(network, part[None])[0] for part in picture.split(128, 2)], 2)
    assert worst_seam(models.translate_tiled(network, picture), whole) < 0.3 * worst_seam(beside, whole)


def test_tiles_cover_a_side_and_share_what_was_asked() -> None:
    for side, tile, overlap in ((64, 256, 128), (257, 256, 128), (1000, 256, 128), (640, 64, 32)):
        tiles = _tiles(side, tile, overlap)
        assert tiles[0][0] == 0 and tiles[-1][1] == side
        assert all(b[0] <= a[1] - overlap for a, b in itertools.pairwise(tiles))
    with pytest.raises(ValueError, match="network: takes multiples of 64 pixels, expected a divisor of 32"):
        models.translate_tiled(models.UNet(width=4, halvings=6), noise(1, 64, 64))


def test_psnr_is_that_of_a_well_known_library() -> None:
    x, x_hat = noise(3, 2, 8, 8), noise(3, 2, 8, 8, seed=1)
    expected = [peak_signal_noise_ratio(a, b, data_range=2.0) for a, b in zip(x_hat, x, strict=True)]
    assert metrics.psnr(x_hat, x).tolist() == pytest.approx([value.item() for value in expected], rel=1e-5)
    dark, light = (torch.full((1, 4), value, dtype=torch.uint8) for value in (10, 20))
    assert metrics.psnr(dark, light).item() == pytest.approx(20 * torch.tensor(25.5).log10().item(), abs=1e-6)
    assert metrics.psnr(x, x).isinf().all()
    with pytest.raises(ValueError, match="x_hat, x: got uint8 .* and float32"):
        metrics.psnr(dark, light.float())


# Pix2pix


def players() -> tuple[nn.Module, nn.Module]:
    return models.UNet(1, 1, width=4, halvings=2), models.PatchCritic(1, 1, width=4, halvings=1, norm="none")


def test_a_step_is_l1_and_the_weighted_objective_after_the_critics_move() -> None:
    generator, critic = players()
    x, pair = noise(4, 1, 16, 16), noise(4, 1, 16, 16, seed=1)
    others = copy.deepcopy(generator), copy.deepcopy(critic)
    optimizers = {
        "generator": torch.optim.SGD(generator.parameters(), 0.1), "critic": torch.optim.SGD(critic.parameters(), 0.1)
    }  # fmt: skip
    record = train.translation_step(generator, critic, optimizers, x, pair, HINGE, adversarial_weight=0.7)
    fake = others[0](pair)
    critic_loss = HINGE.critic(others[1](x, pair), others[1](fake.detach(), pair)).mean()
    for weight, slope in zip(
        others[1].parameters(), torch.autograd.grad(critic_loss, [*others[1].parameters()]), strict=True
    ):
        weight.data -= 0.1 * slope
    l1 = (fake - x).abs().mean()
    adversarial = HINGE.generator(others[1](fake, pair)).mean()
    for weight, slope in zip(
        others[0].parameters(),
        torch.autograd.grad(l1 + 0.7 * adversarial, [*others[0].parameters()]),
        strict=True,
    ):
        weight.data -= 0.1 * slope
    for mine, other in zip((generator, critic), others, strict=True):
        for a, b in zip(mine.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)
    assert record["l1"].item() == pytest.approx(l1.item(), rel=1e-5)
    assert record["critic_loss"].item() == pytest.approx(critic_loss.item(), rel=1e-5)
    assert record["generator_loss"].item() == pytest.approx(adversarial.item(), rel=1e-5)


def negatives(size: int = 40) -> ImageSet:
    """Return pairs of which each is the other's negative."""
    dark = pictures()
    return ImageSet(dark.images, None, (), "negatives", "train", 255 - dark.images)


def settings(steps: int, **others: object) -> train.TranslationSettings:
    return train.TranslationSettings(steps, **{"precision": "float32", "learning_rate": 1e-2, **others})


def test_l1_alone_comes_first_and_the_critic_rests() -> None:
    generator, critic = players()
    before = copy.deepcopy(critic.state_dict())
    task = train.TranslationTask(generator, critic, settings(5, l1_steps=3))
    run = train.Run(task, negatives().batches(8), device="cpu")
    moved = []
    for _ in run:
        moved.append(any(not torch.equal(before[name], w) for name, w in critic.state_dict().items()))
    assert moved == [False, False, False, True, True]
    run.collect()
    assert run.history["critic_loss"][:3] == [0, 0, 0] and min(run.history["critic_loss"][3:]) > 0


@pytest.mark.parametrize("weight", [0.0, 0.05])
def test_it_learns_to_make_negatives(weight: float) -> None:
    generator, critic = players()
    given = (generator, critic if weight else None, negatives().batches(16))
    shown = pictures().images[:3].float() / 127.5 - 1
    run = train.fit_translation(
        *given, settings(120, adversarial_weight=weight), shown=shown, device="cpu", progress=False
    )
    l1 = run.history["l1"]
    assert sum(l1[-10:]) < 0.5 * sum(l1[:10]) and set(run.history) >= ({"critic_loss"} if weight else {"l1"})
    assert torch.equal(run.sample(5)[3:], run.sample(5)[:2])  # three are shown, by turns
    assert (run.sample(3) + shown).abs().mean() < 0.5 * (2 * shown).abs().mean()


def test_a_paired_objective_compares_each_patch_with_the_real_one() -> None:
    generator, critic = players()
    x, pair = noise(4, 1, 16, 16), noise(4, 1, 16, 16, seed=1)
    relativistic = losses.objective("relativistic")
    still = {name: torch.optim.SGD(n.parameters(), 0.0) for name, n in (("generator", generator), ("critic", critic))}
    record = train.translation_step(generator, critic, still, x, pair, relativistic, adversarial_weight=1.0)
    with torch.no_grad():
        expected = relativistic.generator(critic(generator(pair), pair), critic(x, pair)).mean()
    assert record["generator_loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_what_does_not_fit_is_refused_by_name() -> None:
    generator, critic = players()
    with pytest.raises(ValueError, match=r"critic: got None, expected one for adversarial_weight=0.1"):
        train.TranslationTask(generator, None, settings(2))
    for change, said in (
        ({"adversarial_weight": -1}, "adversarial_weight: got -1"),
        ({"l1_steps": -1}, "l1_steps"),
        ({"betas": (0.5, 1.0)}, "betas"),
    ):
        with pytest.raises(ValueError, match=said):
            settings(2, **change)

    def refused(said: str, networks=(generator, critic), source=None, shown=None) -> None:
        with pytest.raises(ValueError, match=said):
            train.Run(
                train.TranslationTask(*networks, settings(2), shown=shown),
                source or negatives().batches(8),
                device="cpu",
            )

    refused("source: has no pairs", source=pictures().batches(8))
    refused(r"generator: makes \(3, 8, 8\), expected the data's \(1, 8, 8\)", (models.UNet(1, 3, halvings=2), critic))
    refused("source: pictures are 8x8, expected multiples of the generator's 16", (models.UNet(1, 1), critic))
    refused("generator: cannot take pictures", (models.UNet(3, 1, halvings=2), critic))
    refused("critic: cannot take pictures", (generator, models.PatchCritic(3, 1, halvings=1)))
    refused("critic: returns shape", (generator, lambda_critic()))
    refused(r"shown: got shape \(2, 3, 8, 8\), expected \(n, 1, 8, 8\)", shown=noise(2, 3, 8, 8))


def lambda_critic() -> nn.Module:
    class Mean(nn.Module):
        def forward(self, x: Tensor, pair: Tensor) -> Tensor:
            return x.mean() + pair.mean()

    return Mean()


# CycleGAN


class Scaled(nn.Module):
    """x -> weight * x, for pictures of one channel; for more, their mean first."""

    def __init__(self, weight: float, channels: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x.mean(1, keepdim=True).expand(-1, self.channels, -1, -1)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_cycle_step_has_the_losses_of_the_paper(channels: int) -> None:
    objective = losses.objective("least_squares")
    networks = {
        "generator": Scaled(2.0),
        "back": Scaled(0.3, channels),
        "critic": Scaled(0.7),
        "back_critic": Scaled(1.1),
    }
    x, pair = noise(4, 1, 4, 4), noise(4, channels, 4, 4, seed=1)
    optimizers = {
        "generator": torch.optim.SGD([networks[n].weight for n in ("generator", "back")], 0.01),
        "critic": torch.optim.SGD([networks[n].weight for n in ("critic", "back_critic")], 0.01),
    }
    asked = []

    def remembered(name: str, fakes: Tensor) -> Tensor:
        asked.append(name)
        return 0 * fakes

    g, f, d, e = (w.weight.detach().clone().requires_grad_() for w in networks.values())
    record = train.cycle_step(networks, optimizers, x, pair, objective, remembered, cycle_weight=3, identity_weight=0.4)
    mean = pair.mean(1, keepdim=True)
    fake, back = g * mean, (f * x).expand(-1, channels, -1, -1)
    adversarial = objective.generator(d * fake).mean() + objective.generator(e * f * x).mean()
    cycle = (f * fake - pair).abs().mean() + (g * f * x - x).abs().mean()
    identity = (g * x - x).abs().mean() + (f * pair - pair).abs().mean() if channels == 1 else torch.zeros(())
    total = adversarial + 3 * (cycle + 0.4 * identity)
    slopes = torch.autograd.grad(total, (g, f))
    critic_loss = objective.critic(d * x, torch.zeros_like(x)).mean() + objective.critic(e * mean, 0 * mean).mean()
    slopes += torch.autograd.grad(critic_loss, (d, e))
    for name, before, slope in zip(networks, (g, f, d, e), slopes, strict=True):
        assert networks[name].weight.item() == pytest.approx((before - 0.01 * slope).item(), rel=1e-5), name
    expected = {"critic_loss": critic_loss, "generator_loss": adversarial, "cycle": cycle, "identity": identity}
    assert {name: v.item() for name, v in record.items()} == pytest.approx(
        {name: v.item() for name, v in expected.items()}, rel=1e-5
    )
    assert asked == ["critic", "back_critic"] and back.shape == pair.shape


def test_the_memory_gives_back_half_past_fakes_and_never_an_empty_place() -> None:
    past = Past(10)
    past.prepare(torch.zeros(4, 1, 2, 2))
    swapped, seen = [], set()
    for k in range(60):
        fakes = torch.arange(4 * k + 1, 4 * k + 5).float().view(4, 1, 1, 1).expand(4, 1, 2, 2)
        given = past.exchange(fakes, seeded_generator(0, k))
        assert torch.equal(given, given[:, :, :1, :1].expand_as(given)) and given.min() > 0
        old = given[:, 0, 0, 0] != fakes[:, 0, 0, 0]
        numbers = given[old][:, 0, 0, 0].tolist()
        assert set(numbers) <= seen and len(set(numbers)) == len(numbers)
        seen -= set(numbers)  # whose place is taken
        seen |= set(fakes[old if k > 1 else slice(None)][:, 0, 0, 0].tolist())  # two batches fill it
        swapped.append(old.float().mean().item())
    assert swapped[:2] == [0, 0] and 0.4 < sum(swapped[2:]) / 58 < 0.6
    assert Past(0).exchange(fakes, seeded_generator(0)) is fakes
    with pytest.raises(ValueError, match="past: got 3, expected at least the 4 pictures of a batch, or 0"):
        Past(3).prepare(fakes)


def pairs16() -> ImageSet:
    """Return 40 pictures of 16x16, white on the left, with their negatives."""
    halves = torch.where(torch.arange(16) < torch.arange(40)[:, None] % 13 + 2, 255, 0).to(torch.uint8)
    bars = halves[:, None, None].expand(40, 1, 16, 16).contiguous()
    return ImageSet(bars, None, (), "bars", "train", 255 - bars)


def quartet(in_channels: int = 1) -> dict[str, nn.Module]:
    shape = {"width": 4, "blocks": 1}
    return {
        "generator": models.ResNetGenerator(in_channels, 1, **shape),
        "back": models.ResNetGenerator(1, in_channels, **shape),
        "critic": models.PatchCritic(1, 0, width=4, halvings=1),
        "back_critic": models.PatchCritic(in_channels, 0, width=4, halvings=1),
    }


def test_a_cyclegan_refuses_by_name_and_closes_its_cycle() -> None:
    with pytest.raises(ValueError, match="players: got generator, back, expected generator, back, critic, back_critic"):
        train.CycleGANTask(dict(itertools.islice(quartet().items(), 2)), train.CycleGANSettings(2))
    with pytest.raises(ValueError, match="objective: got 'relativistic'"):
        train.CycleGANSettings(2, objective="relativistic")
    halves = torch.where(torch.arange(16) < torch.arange(40)[:, None] % 13 + 2, 255, 0).to(
        torch.uint8
    )  # dark and light
    bars = halves[:, None, None].expand(40, 1, 16, 16).contiguous()
    source = data.Unpaired(*ImageSet(bars, None, (), "bars", "train", 255 - bars).domains(), 8)
    for change, said in (("generator", "generator: makes"), ("back", "back: makes")):
        wrong = quartet() | {change: models.ResNetGenerator(1, 3, width=4, blocks=1)}
        with pytest.raises(ValueError, match=said):
            train.fit_cyclegan(wrong, source, train.CycleGANSettings(2), device="cpu")
    with pytest.raises(ValueError, match="past: got 4, expected at least the 8"):
        train.fit_cyclegan(quartet(), source, train.CycleGANSettings(2, past=4), device="cpu")
    settings = train.CycleGANSettings(60, learning_rate=3e-3, precision="float32")
    run = train.fit_cyclegan(quartet(), source, settings, device="cpu", progress=False)
    assert sum(run.history["cycle"][-10:]) < 0.8 * sum(run.history["cycle"][:10])


def test_what_is_remembered_depends_on_the_seed_alone() -> None:
    weights = []
    for seed in (1, 2):
        torch.manual_seed(0)
        settings = train.CycleGANSettings(8, past=16, precision="float32")
        run = train.Run(train.CycleGANTask(quartet(), settings), data.Unpaired(*pairs16().domains(), 8), device="cpu")
        torch.manual_seed(seed)
        run.play(progress=False)
        weights.append(run.networks["past_critic"].pictures.clone())
    assert torch.equal(*weights) and weights[0].abs().sum() > 0


# Unpaired batches


def test_unpaired_batches_are_drawn_on_their_own_and_know_what_they_are() -> None:
    numbers = torch.arange(50, dtype=torch.uint8).view(50, 1, 1, 1).expand(50, 1, 2, 2).contiguous()
    first, second = ImageSet(numbers, None, (), "a", "train", numbers + 100).domains()
    assert second.images.min() == 100 and first.pairs is second.pairs is None
    batches = data.Unpaired(first, second, 10, seed=3)
    shown = [
        [((part + 1) * 127.5).round()[:, 0, 0, 0].tolist() for part in (b.x, b.pair)]
        for b in map(batches.batch, range(5))
    ]
    ours, others = (sorted(itertools.chain(*(each[k] for each in shown))) for k in (0, 1))
    assert ours == list(range(50)) and others == list(range(100, 150))  # each once an epoch
    assert sum(a + 100 == b for each in shown for a, b in zip(*each, strict=True)) < 10  # by chance
    assert torch.equal(batches.at(2), batches.batch(2).x)
    few = ImageSet(numbers[:20], None, (), "b", "train")
    assert batches.identity != data.Unpaired(first, few, 10, seed=3).identity
    with pytest.raises(ValueError, match="domains: .* has no pairs"):
        first.domains()
