"""The two steps of the game against a loop written with plain PyTorch; runs that are the same to the bit; precision."""

import copy
import math
import random

import games
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from games import dropping, fit, fixed_randomness, gan_run, on_each_device, result, same, settings  # noqa: F401
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganlab import losses, models, runtime, toys, train
from ganlab.train import GANSettings, Keep, Run, critic_step, generator_step

GAMES = {"points": games.points, "points, dropout": dropping, "images": games.images}
every_game = pytest.mark.parametrize("game", GAMES.values(), ids=GAMES.keys())
NON_SATURATING = losses.objective("non_saturating")


def one_step(name: str, generator: nn.Module, critic: nn.Module, real: torch.Tensor) -> dict[str, torch.Tensor]:
    z = torch.randn(len(real), generator.latent_dim, device=real.device)
    optimizer = torch.optim.Adam((critic if name == "critic" else generator).parameters(), 1e-3)
    if name == "critic":
        return critic_step(critic, generator, optimizer, real, z, NON_SATURATING)
    return generator_step(generator, critic, optimizer, z, NON_SATURATING)


@on_each_device
@every_game
@pytest.mark.parametrize("mover", ["critic", "generator"])
def test_a_step_moves_one_player_only(game, mover, device):
    generator, critic, source = game()
    players = {"generator": generator.to(device), "critic": critic.to(device)}
    before = {name: copy.deepcopy(player) for name, player in players.items()}
    record = one_step(mover, generator, critic, source.at(0).to(device))
    for name, player in players.items():
        for new, old in zip(player.parameters(), before[name].parameters(), strict=True):
            assert torch.equal(new, old) == (name != mover)
            assert (new.grad is None) == (name != mover)
            assert new.requires_grad
    assert list(record) == (["critic_loss", "d_real", "d_fake"] if mover == "critic" else ["generator_loss"])
    assert all(
        value.shape == () and not value.requires_grad and value.device.type == device for value in record.values()
    )


def test_what_was_frozen_before_a_step_stays_so_even_after_an_error():
    generator, critic, _ = games.points()
    critic.layers[0].weight.requires_grad_(False)
    wanted = [parameter.requires_grad for parameter in critic.parameters()]
    optimizer = torch.optim.Adam(generator.parameters())
    generator_step(generator, critic, optimizer, torch.randn(4, 2), NON_SATURATING)
    assert [parameter.requires_grad for parameter in critic.parameters()] == wanted
    with pytest.raises(RuntimeError):
        generator_step(generator, critic, optimizer, torch.randn(4, 3), NON_SATURATING)
    assert [parameter.requires_grad for parameter in critic.parameters()] == wanted


def plain_loop(generator, critic, run: Run, steps: int) -> list[list[float]]:
    """Play the game as PyTorch's DCGAN example does; only the batches and the noise are the run's."""
    given = run.settings
    players = {"critic": critic, "generator": generator}
    optimizers = {name: torch.optim.Adam(p.parameters(), given.learning_rate, given.betas, foreach=False, fused=False)
                  for name, p in players.items()}  # fmt: skip
    bce, history = F.binary_cross_entropy_with_logits, []
    for step in range(steps):
        real = run.source.at(step).to(run.device)
        one, zero = torch.ones(len(real), device=run.device), torch.zeros(len(real), device=run.device)
        optimizers["critic"].zero_grad()
        real_logits, fake_logits = critic(real), critic(generator(run.latents(len(real), "critic", step)).detach())
        loss = bce(real_logits, one) + bce(fake_logits, zero)
        loss.backward()
        optimizers["critic"].step()
        optimizers["generator"].zero_grad()
        logits = critic(generator(run.latents(len(real), "generator", step)))
        generator_loss = -bce(logits, zero) if given.objective == "minimax" else bce(logits, one)
        generator_loss.backward()
        optimizers["generator"].step()
        d = [logits.sigmoid().mean() for logits in (real_logits, fake_logits)]
        history.append([value.item() for value in (loss, *d, generator_loss)])
    return history


@on_each_device
@pytest.mark.parametrize("objective", ["minimax", "non_saturating"])
@pytest.mark.parametrize(("game", "steps"), [(games.points, 40), (games.images, 6)])
def test_a_run_is_the_plain_loop(game, steps, objective, device):
    run = gan_run(*game(), settings(steps, objective=objective, learning_rate=2e-4, betas=(0.4, 0.99)), device=device)
    generator, critic = copy.deepcopy(run.networks["generator"]), copy.deepcopy(run.networks["critic"])
    run.play()
    expected = plain_loop(generator, critic, run, steps)
    assert list(run.history) == ["critic_loss", "d_real", "d_fake", "generator_loss"]
    np.testing.assert_allclose(np.transpose(list(run.history.values())), expected, atol=1e-5)
    for mine, theirs in ((run.networks["generator"], generator), (run.networks["critic"], critic)):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("penalty", losses.PENALTIES)
def test_a_penalty_on_a_critic_with_batch_normalisation_is_refused(penalty):
    generator, critic, source = games.images()
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in critic.modules())
    with pytest.raises(ValueError, match=f"penalty: got '{penalty}' for a critic with batch normalisation"):
        gan_run(generator, critic, source, settings(1, penalty=penalty), device="cpu")


@on_each_device
@pytest.mark.parametrize("penalty", ["none", *losses.PENALTIES])
@pytest.mark.parametrize(("objective", "n_critic", "clip"), [("wasserstein", 3, 0.02), ("relativistic", 1, 0.0)])
def test_penalties_pairs_clipping_and_several_moves_are_as_written_out(objective, n_critic, clip, penalty, device):
    how = {"penalty": penalty, "penalty_weight": 0.5, "n_critic": n_critic, "clip": clip, "learning_rate": 1e-3}
    run = gan_run(*games.points(), settings(4, objective=objective, **how), device=device)
    generator, critic = copy.deepcopy(run.networks["generator"]), copy.deepcopy(run.networks["critic"])
    run.play()
    a, b = (torch.optim.Adam(p.parameters(), 1e-3, run.settings.betas) for p in (critic, generator))
    for step in range(4):
        for move in range(step * n_critic, (step + 1) * n_critic):
            real = run.source.at(move).to(run.device)
            fake = generator(run.latents(len(real), "critic", move)).detach()
            rng = runtime.seeded_generator(0, "shares", move, device=run.device)
            shares = torch.rand(len(real), generator=rng, device=run.device)
            loss = losses.objective(objective).critic(critic(real), critic(fake)).mean()
            if penalty != "none":
                loss = loss + 0.5 * losses.penalty_function(penalty)(critic, real, fake, shares).mean()
            a.zero_grad()
            loss.backward()
            a.step()
            for weight in critic.parameters() if clip else ():
                weight.data.clamp_(-clip, clip)
        b.zero_grad()
        logits = critic(generator(run.latents(len(real), "generator", step)))
        judge = losses.objective(objective).generator
        (judge(logits, critic(real).detach()) if objective == "relativistic" else judge(logits)).mean().backward()
        b.step()
    for mine, theirs in ((run.networks["generator"], generator), (run.networks["critic"], critic)):
        for left, right in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(left, right, rtol=0, atol=1e-5)
    largest = max(weight.abs().max().item() for weight in run.networks["critic"].parameters())
    assert not clip or largest == pytest.approx(clip)


def test_each_player_has_its_rate_and_both_fall_along_half_a_cosine(tmp_path):
    how = {"learning_rate": 4e-3, "critic_learning_rate": 1e-3, "anneal": 8}

    def rates(run):
        return [run.optimizers[player].param_groups[0]["lr"] for player in ("critic", "generator")]

    run, found = gan_run(*games.points(), settings(8, **how), games.kept(tmp_path / "run", checkpoint_every=4)), []
    for _ in run:
        found.append(rates(run))
    share = [(1 + math.cos(math.pi * step / 8)) / 2 for step in range(8)]
    np.testing.assert_allclose(found, np.outer(share, [1e-3, 4e-3]))
    half = games.play(4, keep=games.kept(tmp_path / "half"), **how)
    rest = gan_run(*games.points(), settings(8, **how), games.kept(tmp_path / "half", resume=True), "cpu").play()
    assert half.step == 4 and same(games.result(rest)["weights"], games.result(games.play(8, **how))["weights"])
    changed = gan_run(*games.points(), settings(8, **how))
    next(changed)
    changed.set_learning_rate("critic", 1e-2)  # of the wave's height, so that it falls from there
    next(changed)
    np.testing.assert_allclose(rates(changed), [1e-2 * share[1], 4e-3 * share[1]])


def test_an_objective_of_the_readers_own_is_passed():
    own = losses.Objective(lambda real, fake: (real - 2) ** 2 + (fake + 2) ** 2, lambda fake: fake**2)
    run = gan_run(*games.points(), settings(3, objective=own), device="cpu").play()
    assert run.step == 3 and run.history["critic_loss"][0] == pytest.approx(8, abs=1)


@on_each_device
def test_the_running_average_is_torchs(device):
    generator = games.images()[0].to(device)
    average, reference = copy.deepcopy(generator), AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    reference.update_parameters(generator)  # its first update only copies
    for _ in range(4):
        with torch.no_grad():
            for parameter in generator.parameters():
                parameter += torch.randn_like(parameter)
            generator(torch.randn(3, 6, device=device))  # moves the buffers of batch normalisation
        train.update_ema(average, generator, 0.9)
        reference.update_parameters(generator)
    for (name, mine), theirs in zip(average.state_dict().items(), reference.module.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-5, msg=name)
    for mine, new in zip(average.buffers(), generator.buffers(), strict=True):
        assert torch.equal(mine, new)


def test_the_average_of_a_run_warms_up_to_its_decay():
    run = gan_run(*games.points(), settings(60, ema_decay=0.8))
    expected = [parameter.detach().double() for parameter in run.networks["generator"].parameters()]
    for step, _ in enumerate(run):
        decay = min(0.8, (1 + step) / (10 + step))
        expected = [
            decay * e + (1 - decay) * p.detach()
            for e, p in zip(expected, run.networks["generator"].parameters(), strict=True)
        ]
    for mine, theirs in zip(run.ema.parameters(), expected, strict=True):
        torch.testing.assert_close(mine.double(), theirs, rtol=0, atol=1e-6)
        assert not mine.requires_grad


@on_each_device
@every_game
def test_the_same_seed_gives_the_same_bits_and_another_others(game, device):
    results = []
    for seed in (3, 3, 4):
        torch.manual_seed(0)
        results.append(result(fit(*game(), settings(12, seed=seed), Keep(sample_every=5), device)))
    assert same(results[0], results[1])
    assert not same(results[0]["history"], results[2]["history"])


def busy_metric(run: Run) -> dict[str, float]:
    """Sample both networks and use up every kind of randomness; nothing of that may reach training."""
    noise = torch.rand(1).item() + np.random.rand() + random.random()
    average = run.sample(
        torch.ones(2, run.networks["generator"].latent_dim)
    ).mean()  # torch's and numpy's numbers are taken too
    return {"own": run.sample(9, average=False).std().item(), "average": average, "n": np.float32(0.5), "noise": noise}


@on_each_device
@every_game
def test_looking_does_not_disturb_training(game, device):
    plain = fit(*game(), settings(23), device=device)
    torch.manual_seed(0)
    watched = fit(*game(), settings(23), Keep(busy_metric, metric_every=4, sample_every=5, samples=7), device)
    assert same(result(watched)["weights"], result(plain)["weights"]) and watched.history == plain.history
    assert [entry["step"] for entry in watched.metrics] == [4, 8, 12, 16, 20, 23]
    assert all(isinstance(value, int | float) for entry in watched.metrics for value in entry.values())
    assert [step for step, _ in watched.frames] == [0, 5, 10, 15, 20, 23]
    assert torch.equal(watched.frames[-1][1], watched.sample(7))
    assert not plain.metrics and not plain.frames


def test_samples_come_in_evaluation_mode_from_the_network_asked_for():
    run = fit(*games.images(), settings(5), progress=False)
    run.networks["generator"].layers[1].eval()  # a part that its owner wants so
    modes = [module.training for module in run.networks["generator"].modules()]
    z = torch.randn(4, 6)
    for network, average in ((run.networks["generator"], False), (run.ema, True)):
        expected = copy.deepcopy(network).eval()(z).detach()
        assert torch.equal(run.sample(z, average=average), expected)
        with pytest.raises(RuntimeError):
            run.sample(torch.randn(4, 5), average=average)
    assert not torch.equal(run.sample(z), run.sample(z, average=False))
    assert torch.equal(run.sample(6), run.sample(6)) and run.sample(6).shape == (6, 1, 32, 32)
    assert [module.training for module in run.networks["generator"].modules()] == modes
    assert run.ema.training


@pytest.mark.parametrize("name", runtime.precisions(torch.device("cpu"), convolutions=True))
def test_every_precision_learns_alike_and_its_losses_are_float32(name):
    plain = fit(*games.images(), settings(4))
    run = gan_run(*games.images(), settings(4, precision=name), device="cpu")
    assert all(value.dtype == torch.float32 for record in run for value in record.values())
    assert all(parameter.dtype == torch.float32 for parameter in run.networks["generator"].parameters())
    for loss, values in run.history.items():
        np.testing.assert_allclose(values, plain.history[loss], rtol=0.1)


def test_the_precision_is_measured_once_and_touches_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path))
    answers = iter(["bfloat16 channels_last", "float32"])
    tried = []

    def fastest(candidates, device):
        tried.extend(candidates)
        for step in candidates.values():
            step()
        return next(answers), dict.fromkeys(candidates, 1.0)

    monkeypatch.setattr(runtime, "fastest", fastest)
    game = games.images()
    before, state = copy.deepcopy(game[:2]), torch.get_rng_state()
    runs = [gan_run(*game, GANSettings(3), device="cpu"), gan_run(*games.images(), GANSettings(3), device="cpu")]
    assert [run.settings.precision for run in runs] == ["bfloat16 channels_last"] * 2
    assert tried == list(runtime.candidates(torch.device("cpu"), convolutions=True))
    for player, old in zip(game[:2], before, strict=True):
        assert same(dict(player.state_dict()), dict(old.state_dict()))
        assert all(parameter.grad is None for parameter in player.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    other = gan_run(models.DCGANGenerator(6, width=4), game[1], game[2], GANSettings(3), device="cpu")
    assert other.settings.precision == "float32"  # another network is another measurement


@pytest.mark.parametrize(("name", "value"), [
    ("steps", 0), ("steps", 2.5), ("seed", -1), ("objective", "wgan"), ("learning_rate", 0.0), ("betas", (0.5, 1.0)),
    ("betas", (0.5,)), ("ema_decay", 1.0), ("learning_rate", float("nan")), ("penalty", "r3"), ("n_critic", 0),
    ("penalty_weight", -1.0), ("clip", float("nan")), ("anneal", 2), ("anneal", -1), ("critic_learning_rate", 0.0),
])  # fmt: skip
def test_impossible_settings_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}: got "):
        GANSettings(**{"steps": 3, name: value})


@pytest.mark.parametrize(("generator", "critic", "message"), [
    (nn.Linear(2, 2), None, "generator: Linear has no whole number `latent_dim`"),
    (models.MLPGenerator(2, (3,)), None, r"generator: makes \(3,\), expected the data's \(2,\)"),
    (None, nn.Linear(2, 1), r"critic: returns shape \(2, 1\) for 2 samples, expected \(2,\)"),
    (None, models.MLPCritic((5,)), r"critic: cannot take samples of shape \(2,\)"),
])  # fmt: skip
def test_networks_that_do_not_fit_the_data_are_refused(generator, critic, message):
    g, c, _ = games.points()
    with pytest.raises(ValueError, match=message):
        gan_run(generator or g, critic or c, toys.ring().batches(4), GANSettings(3))


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision: got 'fp8', expected 'auto' or one of float32"):
        gan_run(*games.points(), settings(3, precision="fp8"))
