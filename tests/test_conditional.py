"""Networks that are told classes: alone, in the steps that know of none, in runs that are interrupted and resumed."""

from pathlib import Path

import games
import pytest
import torch
from games import fit, gan_run, vae_run
from torch import nn

from ganlab import data, losses, models, runtime, train
from ganlab.models import Given, given
from ganlab.train import GANSettings, Keep, VAESettings, steps

CLASSES = 3


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"chosen": "float32"}  # a measurement takes seconds
    monkeypatch.setattr(train.precision, "measured_precision", lambda task, batch: measured)


def pictures(size: int = 8, labels: bool = True) -> data.ImageSet:
    """Return images whose class is seen at once: all dark, all grey, all bright."""
    y = torch.arange(60) % CLASSES
    noise = torch.randint(0, 40, (60, 1, size, size), generator=runtime.seeded_generator("pictures"))
    images = (noise + 100 * y.view(-1, 1, 1, 1)).to(torch.uint8)
    return data.ImageSet(images, y if labels else None, ("dark", "grey", "bright"), "pictures", "train")


def players(seed: int = 0, **critic: object) -> tuple[nn.Module, nn.Module]:
    with runtime.seeded(seed):
        generator = models.conditional_generator(CLASSES, latent_dim=4, size=8, width=4)
        return generator, models.conditional_critic(CLASSES, size=8, width=4, **critic)


def points(seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """Return a conditional generator and a critic of points, fully connected."""
    with runtime.seeded(seed):
        generator = models.ConditionalGenerator(models.MLPGenerator(4 + 3, (2,), (8,)), 4, CLASSES, embedding=3)
        return generator, models.ProjectionCritic(models.MLPCritic((2,), (8, 6)), CLASSES)


def small_vae(seed: int = 0, likelihood: str = "bernoulli") -> models.ConditionalVAE:
    with runtime.seeded(seed):
        return models.conditional_vae(CLASSES, latent_dim=3, size=8, width=4, likelihood=likelihood, hidden=8)


# Classes and mixtures of classes.


def test_a_whole_number_is_all_weight_on_one_class() -> None:
    y = torch.tensor([2, 0])
    assert torch.equal(models.class_weights(y, 3), torch.tensor([[0.0, 0, 1], [1, 0, 0]]))
    mixed = torch.tensor([[0.25, 0.75, 0]])
    assert models.class_weights(mixed, 3) is mixed
    with pytest.raises(ValueError, match=r"y: got weights of shape \(1, 3\), expected \(B, 4\)"):
        models.class_weights(mixed, 4)


@pytest.mark.parametrize(
    ("network", "shape"),
    [(points()[0], (4,)), (points()[1], (2,)), (players()[0].eval(), (4,)), (players()[1].eval(), (1, 8, 8))],
)
def test_a_class_and_its_row_of_weights_give_the_same_and_classes_differ(
    network: nn.Module, shape: tuple[int, ...]
) -> None:
    x = torch.randn(6, *shape, generator=runtime.seeded_generator(1))
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    assert torch.allclose(network(x, y), network(x, nn.functional.one_hot(y, 3).float()), atol=1e-6)
    assert not torch.allclose(network(x, y), network(x, (y + 1) % 3), atol=1e-6)


def test_the_projection_critic_is_its_formula_and_starts_from_the_critics_own_features() -> None:
    critic = models.MLPCritic((2,), (8, 6))
    told = models.ProjectionCritic(critic, CLASSES)
    x, y = torch.randn(5, 2), torch.tensor([0, 2, 1, 1, 2])
    phi = critic.layers[:-1](x)  # (5, 6)
    expected = [told.score(f).item() + (told.of_class.weight[:, k] @ f).item() for f, k in zip(phi, y, strict=True)]
    assert told(x, y).tolist() == pytest.approx(expected, abs=1e-6)


def test_the_generator_sees_latents_beside_the_vector_of_the_class() -> None:
    generator, _ = points()
    z, y = torch.randn(4, 4), torch.tensor([1, 0, 2, 1])
    expected = generator.body(torch.cat([z, generator.embedding[y]], 1))
    assert torch.allclose(generator(z, y), expected, atol=1e-6)
    half = torch.full((4, 3), 0.0)
    half[:, :2] = 0.5
    between = generator.body(torch.cat([z, generator.embedding[:2].mean(0).expand(4, -1)], 1))
    assert torch.allclose(generator(z, half), between, atol=1e-6)


def test_given_takes_its_classes_as_often_as_the_batch_asks_for() -> None:
    generator, _ = points()
    z, y = torch.randn(6, 4), torch.tensor([0, 2, 1])
    assert torch.allclose(given(generator, y)(z), generator(z, torch.tensor([0, 2, 1, 0, 2, 1])))
    assert given(generator, None) is generator
    assert given(generator, y).latent_dim == 4
    with pytest.raises(ValueError, match="x: got 5 rows for 3 classes, expected a multiple"):
        given(generator, y)(z[:5])


def test_numbers_of_classes_must_make_sense() -> None:
    with pytest.raises(ValueError, match="classes: got 1, expected a whole number >= 2"):
        models.ProjectionCritic(models.MLPCritic((2,)), 1)


# The game.


def test_a_run_is_the_loop_written_out() -> None:
    source, how = pictures().batches(6, seed=2), GANSettings(5, seed=3, precision="float32", ema_decay=0.5)
    generator, critic = players()
    optimizers = list(train.GANTask(generator, critic, how).optimizers().values())[::-1]
    objective = losses.objective(how.objective)
    run = gan_run(*players(), source, how, device="cpu")
    for k in range(5):
        y, real = source.labels_at(k), source.at(k)
        z = [run.latents(6, player, k) for player in ("critic", "generator")]
        steps.critic_step(Given(critic, y), Given(generator, y), optimizers[0], real, z[0], objective)
        steps.generator_step(Given(generator, y), Given(critic, y), optimizers[1], z[1], objective)
    run.play(progress=False)
    for mine, other in ((run.networks["generator"], generator), (run.networks["critic"], critic)):
        for a, b in zip(mine.state_dict().values(), other.state_dict().values(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize(("objective", "penalty"), [("relativistic", "r1_r2"), ("wasserstein", "gradient_penalty")])
def test_penalties_are_taken_at_the_samples_own_classes(objective: str, penalty: str) -> None:
    source = pictures().batches(6, seed=2)
    how = GANSettings(3, objective, precision="float32", penalty=penalty, penalty_weight=0.7)
    run = gan_run(*players(norm="none"), source, how, device="cpu")
    real, fake, y = source.at(0), source.at(1), source.labels_at(0)
    shares = torch.rand(6, generator=runtime.seeded_generator(0, "shares", 0))
    expected = 0.7 * losses.penalty_function(penalty)(
        lambda x: run.networks["critic"](x, y.repeat(len(x) // 6)), real, fake, shares
    )
    added = run.task.draw_regulariser(run, run.batch(0), 0)
    critic = run.networks["critic"]
    assert torch.allclose(added(critic, real, fake), expected)
    other = 0.7 * losses.penalty_function(penalty)(
        lambda x: run.networks["critic"](x, (1 + y.repeat(len(x) // 6)) % 3), real, fake, shares
    )
    assert not torch.allclose(expected, other)
    assert run.play(progress=False).step == 3


def test_the_game_learns_what_the_classes_mean() -> None:
    source = pictures().batches(30)
    how = GANSettings(150, learning_rate=5e-3, precision="float32", ema_decay=0.9)
    run = fit(*players(norm="none"), source, how, device="cpu", progress=False)
    z = models.latents(30, 4, runtime.seeded_generator("judge"))
    brightness = [run.sample(z, y=torch.full((30,), k)).mean().item() for k in range(3)]
    assert brightness[0] < brightness[1] - 0.3 < brightness[2] - 0.6
    in_turn = run.sample(9).mean((1, 2, 3)).view(3, 3).mean(0)  # classes 0, 1, 2, 0, 1, 2, ...
    assert (in_turn.diff() > 0.3).all()


def test_a_resumed_game_ends_with_the_same_bits(tmp_path: Path) -> None:
    source, how = pictures().batches(6), GANSettings(12, precision="float32")
    whole = fit(*players(), source, how, device="cpu", progress=False)
    file = tmp_path / "run.safetensors"
    begun = gan_run(*players(), source, how, Keep(checkpoint=file), "cpu")
    for _ in range(7):
        next(begun)
    begun.collect()
    begun.save()
    resumed = fit(*players(1), source, how, Keep(checkpoint=file, resume=True), "cpu", progress=False)
    for a, b in zip(
        whole.networks["generator"].state_dict().values(),
        resumed.networks["generator"].state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("generator", "critic", "source", "message"),
    [
        (players()[0], models.DCGANCritic(size=8, width=4), pictures(), "critic: asks for None classes"),
        (models.DCGANGenerator(4, size=8, width=4), players()[1], pictures(), "critic: asks for 3 classes"),
        (*players(), pictures(labels=False), "source: has no classes"),
    ],
)
def test_players_and_data_that_do_not_fit_are_refused(
    generator: nn.Module, critic: nn.Module, source: data.ImageSet, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gan_run(generator, critic, source.batches(6), GANSettings(1), device="cpu")


def test_a_source_must_tell_classes_that_the_networks_know() -> None:
    _, _, ring = games.points()
    with pytest.raises(ValueError, match="source: has no classes"):
        gan_run(*points(), ring, GANSettings(1), device="cpu")
    images = pictures()
    more = data.ImageSet(images.images, images.labels + 2, tuple("abcde"), "more", "train")
    with pytest.raises(ValueError, match="source: has class 4, expected below the generator's 3"):
        gan_run(*players(), more.batches(60), GANSettings(1), device="cpu")


# The bound.


def test_a_conditional_vae_given_classes_is_a_vae_with_the_same_weights() -> None:
    vae = small_vae(likelihood="logistic")
    x, y, z = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 1]), torch.randn(4, 3)
    told = given(vae, y)
    assert isinstance(told, models.VAE) and told.log_scale is vae.log_scale
    assert {id(weight) for weight in told.parameters()} == {id(weight) for weight in vae.parameters()}
    mu, logvar = told.encode(x)
    by_hand = vae.encoder.body(x).chunk(2, 1)  # the classes' pictures begin as zeros
    assert torch.allclose(mu, by_hand[0]) and torch.allclose(logvar, by_hand[1])
    assert torch.equal(vae(z, y), told(z))
    nn.init.normal_(vae.encoder.pictures)
    one_by_one = [vae.encoder.body(image[None] + vae.encoder.pictures[k])[0] for image, k in zip(x, y, strict=True)]
    assert torch.allclose(torch.cat(told.encode(x), 1), torch.stack(one_by_one), atol=1e-5)
    nn.init.zeros_(vae.encoder.pictures)
    # one class each for K draws of the batch: rows of z are draw by draw
    eps = torch.randn(5, 4, 3)
    weights = told.log_weights(x, mu, logvar, eps)
    for k in range(4):
        one = slice(k, k + 1)
        alone = given(vae, y[one]).log_weights(x[one], mu[one], logvar[one], eps[:, one])
        assert torch.allclose(weights[:, one], alone, atol=1e-4)


@pytest.mark.parametrize("scale", ["binary", "unit"])
def test_a_vaes_run_is_the_loop_written_out(scale: str) -> None:
    likelihood = "bernoulli" if scale == "binary" else "logistic"
    source, how = pictures().batches(6, scale=scale), VAESettings(4, 1e-2, precision="float32")
    vae = small_vae(likelihood=likelihood)
    optimizer = torch.optim.Adam(vae.parameters(), 1e-2, fused=True)
    run = vae_run(small_vae(likelihood=likelihood), source, how, device="cpu")
    for k in range(4):
        steps.vae_step(
            given(vae, source.labels_at(k)),
            optimizer,
            source.at(k),
            torch.randn(1, 6, vae.latent_dim, generator=run.generator("eps", k)),
        )
    run.play(progress=False)
    for a, b in zip(run.networks["vae"].state_dict().values(), vae.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_bounds_use_each_images_own_class_whatever_the_chunk() -> None:
    vae = small_vae()
    nn.init.normal_(vae.encoder.pictures)
    with torch.no_grad():
        vae.decoder.embedding.mul_(30)  # or an untrained decoder hardly minds the class
    x = (pictures().images[:10] > 128).float()
    y = pictures().labels[:10]
    whole = train.bounds(vae, x, 3, y=y)
    assert whole.shape == (10,)
    assert not torch.allclose(whole, train.bounds(vae, x, 3, y=(y + 1) % 3))
    many = train.bounds(vae, x, 300, y=y)
    chunked = train.bounds(vae, x, 300, y=y, chunk=600)  # other draws, two images at a time
    other = train.bounds(vae, x, 300, y=(y + 1) % 3)
    assert (many - chunked).abs().max() < 0.2 * (many - other).abs().min()


def test_the_bound_learns_what_the_classes_mean() -> None:
    source = pictures().batches(30, scale="unit")
    how = VAESettings(200, 1e-2, precision="float32", ema_decay=0.9)
    run = train.fit_vae(small_vae(likelihood="logistic"), source, how, device="cpu", progress=False)
    z = models.latents(30, 3, runtime.seeded_generator("judge"))
    brightness = [run.sample(z, y=torch.full((30,), k)).mean().item() for k in range(3)]
    assert brightness[0] < brightness[1] - 0.3 < brightness[2] - 0.6
    x, y = source.at(0), source.labels_at(0)
    right, wrong = (train.bounds(run.ema, x, y=classes).mean() for classes in (y, (y + 1) % 3))
    assert right > wrong


def test_a_vaes_source_must_tell_classes() -> None:
    with pytest.raises(ValueError, match="source: has no classes"):
        vae_run(small_vae(), pictures(labels=False).batches(6, scale="binary"), VAESettings(1), device="cpu")
