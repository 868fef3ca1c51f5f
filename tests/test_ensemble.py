"""Many games at once end where each ends alone."""

import signal

import games
import pytest
import torch
from games import fit

from ganlab import losses, models, runtime, toys
from ganlab.train import Ensemble, GANSettings
from ganlab.train.ensemble import MemberAdam, Stack

fixed_randomness, on_each_device = games.fixed_randomness, games.on_each_device


def member(seed, hidden=(16, 16)):
    """Return generator and critic with first weights of their own."""
    with runtime.seeded(seed):
        return models.MLPGenerator(3, (2,), hidden), models.MLPCritic((2,), hidden)


def stacked(settings, sources, hidden=(16, 16)):
    """Return the ensemble of games with these settings."""
    generators, critics = zip(*(member(k, hidden) for k in range(len(settings))), strict=True)
    return Ensemble(generators, critics, sources, settings)


def test_a_stack_is_its_members_side_by_side_forwards_and_backwards():
    critics = [member(k)[1] for k in range(3)]
    stack, x = Stack(critics), torch.randn(5 * 3, 2)
    found = stack(x)
    assert found.shape == (15,)
    for m, critic in enumerate(critics):
        torch.testing.assert_close(found[m::3], critic(x[m::3]))
        torch.testing.assert_close(stack.input_gradient(x)[m::3], losses.input_gradient(critic, x[m::3]))
    losses.squared_slope(stack, x).sum().backward()
    for m, critic in enumerate(critics):
        losses.input_gradient(critic, x[m::3]).square().sum().backward()
        alone = torch.cat([torch.zeros(w.numel()) if w.grad is None else w.grad.flatten() for w in critic.parameters()])
        torch.testing.assert_close(stack.theta.grad[m], alone)


def test_each_member_moves_as_torchs_adam_would_move_it():
    generators = [member(k)[0] for k in range(2)]
    stack, rates = Stack(generators), torch.tensor([1e-2, 3e-3])
    ours = MemberAdam(stack, rates, (0.5, 0.9))
    alone = [
        torch.optim.Adam(g.parameters(), rate.item(), (0.5, 0.9)) for g, rate in zip(generators, rates, strict=True)
    ]
    for _ in range(5):
        z = torch.randn(8, 3)
        ours.zero_grad()
        stack(z).square().mean().backward()
        ours.step()
        for m, (generator, optimizer) in enumerate(zip(generators, alone, strict=True)):
            optimizer.zero_grad()
            generator(z[m::2]).square().mean().backward()
            optimizer.step()
            torch.testing.assert_close(Stack([generator]).theta[0], stack.theta[m])


PLAIN = {"objective": "non_saturating"}
PAIRED = {"objective": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.5, "anneal": 150, "betas": (0.0, 0.9)}
CLIPPED = {"objective": "wasserstein", "penalty": "gradient_penalty", "n_critic": 2, "clip": 0.05}


@on_each_device
@pytest.mark.parametrize("how", [PLAIN, PAIRED, CLIPPED], ids=["plain", "paired", "clipped"])
def test_members_end_within_1e_4_of_their_games_alone_after_100_steps(how, device):
    rates = [{"seed": 0}, {"seed": 1, "learning_rate": 3e-3}, {"seed": 1, "critic_learning_rate": 4e-4}]
    settings = [GANSettings(100, **{"learning_rate": 1e-3, "precision": "float32", **how, **own}) for own in rates]
    shared = toys.ring().batches(16, seed=5, device=device)
    sources = [shared, toys.ring().batches(16, seed=6, device=device), shared]
    together = stacked(settings, sources).play(progress=False)
    trained, averaged = together.trained_generators(), together.averaged_generators()
    for m, (source, one) in enumerate(zip(sources, settings, strict=True)):
        generator, critic = member(m)
        alone = fit(generator, critic, source, one, device=device, progress=False)
        ours = Stack([trained[m]]).theta, Stack([averaged[m]]).theta, together.critic.theta[m]
        for found, expected in zip(ours, (generator, alone.ema, critic), strict=True):
            assert (found - Stack([expected]).theta.squeeze(0)).abs().max() < 1e-4


def test_play_goes_on_where_it_was_and_leaves_the_first_networks_alone():
    settings, source = GANSettings(6, learning_rate=1e-3), toys.ring().batches(8)
    generators, critics = zip(*(member(k) for k in range(2)), strict=True)
    before = Stack(generators).theta.clone()
    whole = Ensemble(generators, critics, [source] * 2, [settings] * 2).play(progress=False)
    parts = Ensemble(generators, critics, [source] * 2, [settings] * 2)
    for step in range(4):
        parts.take_step(step)
        parts.step += 1
    parts.play(progress=False)
    assert parts.step == 6 and torch.equal(parts.generator.theta, whole.generator.theta)
    averaged = whole.averaged_generators()
    assert not torch.equal(Stack(averaged).theta, Stack(whole.trained_generators()).theta)  # each a copy of its own
    assert torch.equal(Stack(averaged).theta, whole.ema.theta)
    assert torch.equal(Stack(generators).theta, before) and not torch.equal(whole.generator.theta, before)


def test_an_interrupt_ends_it_after_a_whole_step_and_play_goes_on():
    source = toys.ring().batches(16)
    settings = [GANSettings(9, seed=k, precision="float32") for k in range(2)]
    whole = stacked(settings, [source] * 2).play(progress=False)
    games_now = stacked(settings, [source] * 2)
    step = games_now.take_step

    def interrupted(k):
        if k == 4 and games_now.step == 4 and not hasattr(games_now, "ended"):
            games_now.ended = True
            signal.raise_signal(signal.SIGINT)
        step(k)

    games_now.take_step = interrupted
    with pytest.raises(KeyboardInterrupt):
        games_now.play(progress=False)
    assert games_now.step == 5
    games_now.play(progress=False)
    assert torch.equal(games_now.generator.theta, whole.generator.theta)


def test_what_cannot_be_stacked_is_refused():
    source, settings = toys.ring().batches(8), GANSettings(5)
    (g, c), (wide_g, wide_c) = member(0), member(1, (8,))
    image = models.MLPGenerator(3, (1, 4, 4), (16, 16))
    for arguments, message in [
        (([g, g], [c], [source], [settings]), r"got \[2, 1, 1, 1\] of them"),
        (([], [], [], []), "expected equally many"),
        (([g, wide_g], [c, c], [source] * 2, [settings] * 2), "generators: expected MLPGenerators of one shape"),
        (([g, g], [c, wide_c], [source] * 2, [settings] * 2), "critics: expected MLPCritics of one shape"),
        (([image], [c], [source], [settings]), r"generators: make \(1, 4, 4\), the sources \(2,\)"),
        (
            ([g, g], [c, c], [source] * 2, [settings, GANSettings(6)]),
            "settings: expected differences in nothing but seed",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            Ensemble(*arguments)
