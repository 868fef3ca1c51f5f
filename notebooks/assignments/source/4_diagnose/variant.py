"""The faulty trainers of assignment 4, and the cells that a draw of six of them makes.

`cells(variant, hidden_variant)` is all that `make release` needs. A trainer of `POOL` is written as the student sees
it, with its fault; `repair` lists the edits (old text, new text) that mend it, `halves` edits that people try and that
do not, with the hint for each. Nothing here reaches a student: solutions and hidden tests are cut out on release.
"""

import re
import textwrap
from dataclasses import dataclass, field

import numpy as np

Edits = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Trainer:
    """A trainer with a fault: `name` of the fault, what it trains on, its source, and what mends or half mends it."""

    name: str
    kind: str  # "points" and "tiles": GANs on 2-D points and on satellite tiles; "digits": VAEs
    source: str
    repair: Edits
    symptom: str  # the hint where a repair's numbers are not met: true whatever was tried
    halves: tuple[tuple[Edits, str], ...] = ()
    needed: dict[str, float] = field(default_factory=dict)  # where it differs from NEEDED
    unchanged: str = ""  # a word more to whoever changed no step
    watch: tuple[str, str] = ("", "")  # source of `is_at_fault(trainer)`, and its hint


# What the numbers of a repaired trainer must be; `measured` in the hidden cells names them.
NEEDED = {
    "points": {"modes missed": 1, "share of good samples": 0.5, "imbalance in nats": 1.0},
    # of 32 sound runs the worst has .38 and 3.0
    "tiles": {"share of dark pixels": 0.28, "distance to the tiles": 3.3},
    "digits": {"ELBO in nats": -48},
}

# What one would see with each fault: the hint to whoever names it wrongly, true whatever the trainer.
SEEN_WITH = {
    "not_detached": "with that one, a single backward pass serves both players: count the calls of backward() here.",
    "double_sigmoid": "with that one, what is taken for a logit lies in (0, 1): follow it from the network to the loss.",
    "labels_swapped": "with that one, the generator keeps away from the data, and its loss falls to 0. Do you see both?",
    "penalty_axis": "with that one, there is a penalty on slopes, and the critic is far too flat or steep for it.",
    "zero_grad_missing": "with that one, old gradients pile up and a curve swings wider and wider: look for the call.",
    "same_latents": "with that one, all steps train on the same few latents: compare the latents of two steps.",
    "clips_generator": "with that one, the samples huddle in a small blob while the critic's loss dives without end.",
    "wrong_parameters": "with that one, some network is at the end what it was at the start: compare its weights.",
    "critic_too_slow": "with that one, the critic's loss climbs, since the critic hardly moves: compare its weights.",
    "average_stuck": "with that one, the curves are those of a healthy game, and only what is returned is untrained.",
    "data_range": "with that one, generated and real pixels (or pixels and likelihood) have different ranges.",
    "pixels_averaged": "with that one, the reported log p(x | z) is within a nat of 0: it is no sum over pixels.",
    "kl_averaged": "with that one, the reported KL is far below a nat although the reconstructions differ: no sum.",
    "kl_sign": "with that one, the KL term is rewarded instead of paid, and a curve runs away without end.",
    "logvar_as_std": "with that one, there is noise on z, but of another size than the KL supposes.",
    "no_noise": "with that one, decoding the same image twice gives the same to the last bit: is there no noise on z?",
    "z_detached": "with that one, no gradient of log p(x | z) reaches the encoder: is it cut off here?",
    "beta_never_rises": "with that one, the KL has a weight that changes with the step: print the weight.",
    "saturating_loss": "with that one, the generator descends log(1 - D): write down its loss here, with its sign.",
    "critic_too_fast": "with that one, the critic's learning rate is far above the generator's: compare the two.",
    "eval_mode": "with that one, there are layers that behave differently in eval mode: does any network here have one?",
    "not_shuffled": "with that one, neighbouring batches show one class or mode only: look at two batches.",
    "sum_over_batch": "with that one, the loss grows with the batch: is any sum here taken over images, dimension 0?",
    "labels_too_smooth": "with that one, the target for real samples is far from 1: what is it here?",
}

POOL: dict[str, Trainer] = {}


def add(
    name: str, kind: str, source: str, repair: Edits, symptom: str, key: str = "", **more: object
) -> None:
    """Put a trainer into the pool; `key` is its name there, where the fault's name is taken."""
    POOL[key or name] = Trainer(name, kind, source.strip("\n"), repair, symptom, **more)


def edited(source: str, edits: Edits) -> str:
    """Return `source` with every edit made; raise ValueError for one whose old text is not there exactly once."""
    for old, new in edits:
        if source.count(old) != 1:
            raise ValueError(
                f"edit: {old!r} stands {source.count(old)} times in the source, expected once"
            )
        source = source.replace(old, new)
    return source


# ---- GANs on points ----

add(
    "not_detached",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points; both players see the same fakes."""
    generator, critic = two_networks(seed)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.99))
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    for step in range(steps):
        real = source.at(step)  # (B, 2)
        fake = generator(latents(len(real), 8, rng))
        critic_loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
        generator_loss = softplus(-critic(fake)).mean()
        d_optimizer.zero_grad()
        g_optimizer.zero_grad()
        (critic_loss + generator_loss).backward()
        d_optimizer.step()
        g_optimizer.step()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (
        (
            """        critic_loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
        generator_loss = softplus(-critic(fake)).mean()
        d_optimizer.zero_grad()
        g_optimizer.zero_grad()
        (critic_loss + generator_loss).backward()
        d_optimizer.step()
        g_optimizer.step()
""",
            """        critic_loss = softplus(-critic(real)).mean() + softplus(critic(fake.detach())).mean()
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        generator_loss = softplus(-critic(fake)).mean()
        g_optimizer.zero_grad()
        generator_loss.backward()
        g_optimizer.step()
""",
        ),
    ),
    "each player must move by the gradient of its own loss, and of no other. Which losses fill a player's .grad?",
    halves=(
        (
            (("softplus(critic(fake)).mean()", "softplus(critic(fake.detach())).mean()"),),
            "the generator is free now, but the generator's loss still moves the critic: one backward pass a player.",
        ),
        (
            (
                (
                    "generator_loss = softplus(-critic(fake)).mean()",
                    "generator_loss = softplus(-critic(fake.detach())).mean()",
                ),
            ),
            "you detached the fakes of the wrong loss: the generator hears from the critic's loss alone.",
        ),
        (
            (
                ("softplus(critic(fake)).mean()", "softplus(critic(fake.detach())).mean()"),
                (
                    "generator_loss = softplus(-critic(fake)).mean()",
                    "generator_loss = softplus(-critic(generator(latents(len(real), 8, rng)))).mean()",
                ),
            ),
            "You drew fakes for each player, and the generator's loss still moves the critic: one backward pass a player.",
        ),
    ),
)

add(
    "double_sigmoid",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points, with torch's cross entropy."""
    generator, critic = two_networks(seed)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=6e-3, betas=(0.5, 0.99))
    cross_entropy = torch.nn.BCEWithLogitsLoss()
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    for step in range(steps):
        real = source.at(step)  # (B, 2)
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        fake = generator(latents(len(real), 8, rng)).detach()
        d_real, d_fake = torch.sigmoid(critic(real)), torch.sigmoid(critic(fake))
        critic_loss = cross_entropy(d_real, ones) + cross_entropy(d_fake, zeros)
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        d_fake = torch.sigmoid(critic(generator(latents(len(real), 8, rng))))
        generator_loss = cross_entropy(d_fake, ones)
        g_optimizer.zero_grad()
        generator_loss.backward()
        g_optimizer.step()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (("torch.nn.BCEWithLogitsLoss()", "torch.nn.BCELoss()"),),
    "count the sigmoids between the critic's logit and the logarithm, for each of the three terms.",
    halves=(
        (
            (
                (
                    "d_real, d_fake = torch.sigmoid(critic(real)), torch.sigmoid(critic(fake))",
                    "d_real, d_fake = critic(real), critic(fake)",
                ),
            ),
            "the critic's loss is mended, the generator's still squeezes its logits into (0, 1) first.",
        ),
        (
            (
                (
                    "d_fake = torch.sigmoid(critic(generator(latents(len(real), 8, rng))))",
                    "d_fake = critic(generator(latents(len(real), 8, rng)))",
                ),
            ),
            "the generator's loss is mended, the critic's still squeezes its logits into (0, 1) first.",
        ),
    ),
    # of 32 sound games three end with 2 or 3 modes missed, as GANs do; those of a half repair miss 4 or more, or are poor
    needed={"modes missed": 3, "share of good samples": 0.55, "imbalance in nats": 1.3},
)

add(
    "labels_swapped",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points, with a label for each batch."""
    generator, critic = two_networks(seed)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.999))
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    is_real, is_fake = torch.ones(128), torch.zeros(128)
    for step in range(steps):
        fake = generator(latents(128, 8, rng))
        critic_loss = entropy(critic(source.at(step)), is_real)
        critic_loss = critic_loss + entropy(critic(fake.detach()), is_fake)
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        generator_loss = entropy(critic(fake), is_fake)
        g_optimizer.zero_grad()
        generator_loss.backward()
        g_optimizer.step()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (("entropy(critic(fake), is_fake)", "entropy(critic(fake), is_real)"),),
    "the fakes still do not cover the data. What should the critic say of the fakes, if the generator had its way?",
    halves=(
        (
            (("entropy(critic(source.at(step)), is_real)", "entropy(critic(source.at(step)), is_fake)"),),
            "now the critic is told that everything is fake. Leave its loss, and ask what the generator wants.",
        ),
        (
            (
                (
                    "is_real, is_fake = torch.ones(128), torch.zeros(128)",
                    "is_real, is_fake = torch.zeros(128), torch.ones(128)",
                ),
            ),
            "you swapped both names at once, so that 0 means real for all: the two players still agree.",
        ),
    ),
)

add(
    "zero_grad_missing",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points, with the hinge loss."""
    generator, critic = two_networks(seed)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.99))
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    for step in range(steps):
        fake = generator(latents(128, 8, rng)).detach()
        critic_loss = relu(1 - critic(source.at(step))).mean() + relu(1 + critic(fake)).mean()
        critic_loss.backward()
        d_optimizer.step()
        generator_loss = -critic(generator(latents(128, 8, rng))).mean()
        generator_loss.backward()
        g_optimizer.step()
        g_optimizer.zero_grad()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (
        (
            "        critic_loss.backward()",
            "        d_optimizer.zero_grad()\n        critic_loss.backward()",
        ),
    ),
    "whose .grad holds what at the moment of its optimizer's step? The gradient of its own loss in this step belongs "
    "there, and nothing older.",
    halves=(
        (
            (
                (
                    "        d_optimizer.step()\n",
                    "        d_optimizer.step()\n        d_optimizer.zero_grad()\n",
                ),
            ),
            "cleared too early: generator_loss.backward() fills the critic's .grad after that, and its next step uses it.",
        ),
        (
            (
                (
                    "        critic_loss.backward()\n",
                    "        critic_loss.backward()\n        d_optimizer.zero_grad()\n",
                ),
            ),
            "you clear the critic's gradients between backward() and step(): now it never moves.",
        ),
        *(
            (
                (
                    (
                        "        critic_loss.backward()\n",
                        f"        if step % 2 == {odd}:\n            d_optimizer.zero_grad()\n"
                        "        critic_loss.backward()\n",
                    ),
                ),
                "you clear the critic's gradients in every second step: in the others it follows old ones too.",
            )
            for odd in (0, 1)
        ),
    ),
)

add(
    "same_latents",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points whose learning rate falls in the end."""
    generator, critic = two_networks(seed)
    g_optimizer = torch.optim.Adam(generator.parameters(), betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(critic.parameters(), betas=(0.5, 0.99))
    source, curves = world.batches(128, seed), []
    for step in range(steps):
        for optimizer in (g_optimizer, d_optimizer):
            optimizer.param_groups[0]["lr"] = 3e-3 * min(1, 2 - 2 * step / steps)
        rng = seeded_generator(seed, "z")
        z_critic, z_generator = latents(128, 8, rng), latents(128, 8, rng)
        fake = generator(z_critic).detach()
        critic_loss = softplus(-critic(source.at(step))).mean() + softplus(critic(fake)).mean()
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        generator_loss = softplus(-critic(generator(z_generator))).mean()
        g_optimizer.zero_grad()
        generator_loss.backward()
        g_optimizer.step()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (('rng = seeded_generator(seed, "z")', 'rng = seeded_generator(seed, "z", step)'),),
    "new latents still do not give good samples. How many different latents does a run see?",
    halves=(
        (
            (('rng = seeded_generator(seed, "z")', 'rng = seeded_generator(seed + 1, "z")'),),
            "these are other latents, and again the same ones in every step.",
        ),
        (
            (('rng = seeded_generator(seed, "z")', 'rng = seeded_generator(seed, "z", step % 2)'),),
            "two sets of latents by turns are still learned by heart: every step needs its own.",
        ),
    ),
    watch=(
        '''
def is_at_fault(trainer):
    """Whether a generator is given latents again that it had in an earlier step."""
    calls, plain = [], models.MLPGenerator.forward

    def forward(self, z):
        calls.append({tuple(row) for row in z.detach().tolist()})
        return plain(self, z)

    models.MLPGenerator.forward = forward
    try:
        trainer(world, hidden_seed, steps=40)
    finally:
        models.MLPGenerator.forward = plain
    return any(calls[a] & calls[b] for a in range(len(calls)) for b in range(a + 2, len(calls)))
''',
        "some latents come back in a later step, those of one player or of both: every step needs its own.",
    ),
)

add(
    "clips_generator",
    "points",
    '''
def trainer(world, seed, steps=250):
    """A Wasserstein GAN on points; the weights of one network stay in [-0.05, 0.05]."""
    generator, critic = two_networks(seed)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.0, 0.9))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.9))
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    for step in range(3 * steps):  # three steps of the critic for one of the generator
        real = source.at(step)  # (B, 2)
        fake = generator(latents(len(real), 8, rng)).detach()
        critic_loss = critic(fake).mean() - critic(real).mean()
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        with torch.no_grad():
            for weight in generator.parameters():
                weight.clamp_(-0.05, 0.05)
        if step % 3 == 2:
            generator_loss = -critic(generator(latents(len(real), 8, rng))).mean()
            g_optimizer.zero_grad()
            generator_loss.backward()
            g_optimizer.step()
            curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (("for weight in generator", "for weight in critic"),),
    "for a Wasserstein distance the critic's slope must be bounded, and the generator must be free. Are they?",
    halves=(
        (
            (
                (
                    """        with torch.no_grad():
            for weight in generator.parameters():
                weight.clamp_(-0.05, 0.05)
""",
                    "",
                ),
            ),
            "whatever the generator's weights may do now: nothing bounds the critic, and its loss still has no floor.",
        ),
        (
            (
                (
                    "for weight in generator.parameters()",
                    "for weight in [*generator.parameters(), *critic.parameters()]",
                ),
            ),
            "the critic is bounded now. The generator is still clipped as well, and cannot reach the data.",
        ),
    ),
    needed={"share of good samples": 0.15, "slope of the critic, at most": 3},
    watch=(
        '''
def is_at_fault(trainer):
    """Whether the critic still judges with large weights after some steps."""
    largest, plain = [], models.MLPCritic.forward

    def forward(self, x):
        largest.append(max(weight.abs().max().item() for weight in self.parameters()))
        return plain(self, x)

    models.MLPCritic.forward = forward
    try:
        trainer(world, hidden_seed, steps=10)
    finally:
        models.MLPCritic.forward = plain
    return largest[-1] > 0.3
''',
        "You let the critic judge with weights far beyond a small interval. Clip all of them, from both sides, after each "
        "of its steps.",
    ),
)

add(
    "wrong_parameters",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points, with least squares."""
    generator, critic = two_networks(seed)
    settings = {"lr": 2e-3, "betas": (0.5, 0.99)}
    g_optimizer = torch.optim.Adam(critic.parameters(), **settings)
    d_optimizer = torch.optim.Adam(critic.parameters(), **settings)
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    for step in range(steps):
        real = source.at(step)  # (B, 2)
        fake = generator(latents(len(real), 8, rng)).detach()
        critic_loss = (critic(real) - 1).square().mean() + critic(fake).square().mean()
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        fake = generator(latents(len(real), 8, rng))
        generator_loss = (critic(fake) - 1).square().mean()
        g_optimizer.zero_grad()
        generator_loss.backward()
        g_optimizer.step()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (("g_optimizer = torch.optim.Adam(critic", "g_optimizer = torch.optim.Adam(generator"),),
    "each optimizer must hold the weights of its own player, all of them, and no others.",
    halves=(
        (
            (
                (
                    "g_optimizer = torch.optim.Adam(critic.parameters()",
                    "g_optimizer = torch.optim.Adam([*generator.parameters(), *critic.parameters()]",
                ),
            ),
            "the generator moves now, but its optimizer moves the critic too, against the critic's loss.",
        ),
        (
            (
                ("g_optimizer = torch.optim.Adam(critic", "g_optimizer = torch.optim.Adam(generator"),
                ("d_optimizer = torch.optim.Adam(critic", "d_optimizer = torch.optim.Adam(generator"),
            ),
            "now nobody moves the critic: you changed both optimizers.",
        ),
    ),
)

add(
    "critic_too_slow",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points; the players' fakes are drawn apart."""
    generator, critic = two_networks(seed)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-6, betas=(0.5, 0.99))
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    for step in range(steps):
        with torch.no_grad():
            fake = generator(latents(128, 8, rng))
        real_logits, fake_logits = critic(source.at(step)), critic(fake)  # (B,) each
        critic_loss = (softplus(-real_logits) + softplus(fake_logits)).mean()
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        generator_loss = softplus(-critic(generator(latents(128, 8, rng)))).mean()
        g_optimizer.zero_grad()
        generator_loss.backward()
        g_optimizer.step()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (("lr=3e-6", "lr=3e-3"),),
    "the critic's pace does not fit the generator's yet. How far does each of the two move in a run?",
    halves=(
        (
            (("lr=3e-6", "lr=3e-5"),),
            "ten times faster is still a hundred times slower than the generator.",
        ),
        (
            (("lr=3e-3, betas", "lr=3e-6, betas"),),
            "now both stand still. The two should move at about the same pace, and get somewhere.",
        ),
    ),
)

add(
    "average_stuck",
    "points",
    '''
def trainer(world, seed, steps=500):
    """A GAN on points that returns a running average of the generator's weights."""
    generator, critic = two_networks(seed)
    average = copy.deepcopy(generator)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.99))
    source, rng, curves = world.batches(128, seed), seeded_generator(seed, "z"), []
    for step in range(steps):
        fake = generator(latents(128, 8, rng))
        critic_loss = softplus(-critic(source.at(step))) + softplus(critic(fake.detach()))
        d_optimizer.zero_grad()
        critic_loss.mean().backward()
        d_optimizer.step()
        generator_loss = softplus(-critic(fake))  # (B,)
        g_optimizer.zero_grad()
        generator_loss.mean().backward()
        g_optimizer.step()
        with torch.no_grad():
            for kept, new in zip(average.parameters(), generator.parameters(), strict=True):
                kept.copy_(0.99999 * kept + 0.00001 * new)
        curves.append((critic_loss.mean().item(), generator_loss.mean().item()))
    return average, critic, curves
''',
    (("0.99999 * kept + 0.00001 * new", "0.98 * kept + 0.02 * new"),),
    "what comes back does not make good samples. Over how many steps does the average reach, and with which shares?",
    halves=(
        (
            (("0.99999 * kept + 0.00001 * new", "0.9999 * kept + 0.0001 * new"),),
            "an average over ten thousand steps, in a run of hundreds: it still remembers the untrained weights.",
        ),
        (
            (("0.99999 * kept + 0.00001 * new", "0.99999 * kept + 0.99999 * new"),),
            "the two shares must add up to 1.",
        ),
    ),
)

# ---- a GAN on images ----

add(
    "data_range",
    "tiles",
    '''
def trainer(world, seed, steps=200):
    """A small DCGAN on tiles in colour; the generator ends in tanh."""
    generator, critic = two_networks(seed, 16, (3, 16, 16))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.99))
    source = world.batches(64, seed, scale="unit")
    rng, curves = seeded_generator(seed, "z"), []
    for step in range(steps):
        real = source.at(step)  # (B, 3, 16, 16)
        fake = generator(latents(len(real), 16, rng)).detach()
        critic_loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
        fake = generator(latents(len(real), 16, rng))
        generator_loss = softplus(-critic(fake)).mean()
        g_optimizer.zero_grad()
        generator_loss.backward()
        g_optimizer.step()
        curves.append((critic_loss.item(), generator_loss.item()))
    return generator, critic, curves
''',
    (('scale="unit"', 'scale="tanh"'),),
    "a generator that ends in tanh draws black as -1. Which number is black in the data that your critic sees?",
    halves=(
        (
            (("real = source.at(step)", "real = 2 * source.at(step)"),),
            "that is the range [0, 2]: it must be moved as well as stretched.",
        ),
        (
            (("real = source.at(step)", "real = source.at(step) - 0.5"),),
            "that is the range [-0.5, 0.5]: it must be stretched as well as moved.",
        ),
        (
            (
                (
                    "fake = generator(latents(len(real), 16, rng)).detach()",
                    "fake = generator(latents(len(real), 16, rng)).detach().clamp(0, 1)",
                ),
            ),
            "you changed what the critic sees of the fakes in one of the two moves, and not the generator.",
        ),
    ),
)

# ---- VAEs on digits ----

# A look into the run of a VAE: what its decoder's latents are, and whether gradients pass.
DRAW_OF_Q = (
    '''
def is_at_fault(trainer):
    """Whether z is not mu + sigma * eps, by its gradients, (1, (z - mu) / 2), and by eps, standard for each number."""
    coded, eps, wrong, hooks, plain = [], [], [], [], models.VAE.encode

    def look(_, inputs):
        (mu, logvar), z = coded[-1], inputs[0]
        if z.shape != mu.shape or not logvar.requires_grad:
            return
        passed = (None, None)
        if z.requires_grad:
            passed = torch.autograd.grad(z.sum(), (mu, logvar), retain_graph=True, allow_unused=True)
        due = (torch.ones_like(mu), (z - mu) / 2)
        wrong.append(any(a is None or (a - b).abs().max() > 1e-3 for a, b in zip(passed, due)))
        eps.append(((z - mu) / torch.exp(logvar / 2)).detach())

    def encode(self, x):
        if not hooks:
            hooks.append(self.decoder.register_forward_pre_hook(look))
        coded.append(plain(self, x))
        return coded[-1]

    models.VAE.encode = encode
    try:
        trainer(world, hidden_seed, steps=12)
    finally:
        models.VAE.encode = plain
    if len(eps) != 12 or any(noise.shape != eps[0].shape for noise in eps):
        return False
    noise = torch.stack(eps)
    spreads = [noise.std(dim).mean().item() for dim in (0, 1, 2)]
    return (
        wrong[-1]
        or abs(noise.mean().item()) > 0.1
        or not all(0.9 < spread < 1.07 for spread in spreads)
    )
''',
    "You give the decoder a z that is no draw mu + sigma * eps: sigma is exp(logvar / 2), eps fresh standard noise for "
    "each digit and latent, and gradients reach mu and logvar.",
)

add(
    "pixels_averaged",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits of black and white pixels."""
    vae = small_vae(seed)
    optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape, generator=rng)
        log_p_x = -entropy(vae.decoder(z), x)
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()
        loss = kl - log_p_x
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curves.append((log_p_x.item(), kl.item()))
    return vae, curves
''',
    (
        (
            "-entropy(vae.decoder(z), x)",
            '-entropy(vae.decoder(z), x, reduction="none").flatten(1).sum(1).mean()',
        ),
    ),
    "bound or KL are not a mended trainer's. With which beta does your loss weigh the KL, beside a sum over all pixels?",
    halves=(
        (
            (
                (
                    "(mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()",
                    "(mu**2 + logvar.exp() - 1 - logvar).mean()",
                ),
            ),
            "now both are means, and the KL still weighs too much: there are many more pixels than latents.",
        ),
        (
            (("loss = kl - log_p_x", "loss = kl - 8 * log_p_x"),),
            "the factor must make a mean over pixels a sum: how many pixels has an image?",
        ),
        (
            (("-entropy(vae.decoder(z), x)", "-784 * entropy(vae.decoder(z), x)"),),
            "784 pixels are four times too many: these digits have 14 x 14. So the KL weighs a quarter.",
        ),
        (
            (("-entropy(vae.decoder(z), x)", "-len(x) * entropy(vae.decoder(z), x)"),),
            "Your factor before the mean over pixels is 128, the digits of a batch: it must be a digit's pixels, 196.",
        ),
        (
            (("-entropy(vae.decoder(z), x)", '-entropy(vae.decoder(z), x, reduction="sum")'),),
            "that sums over the batch as well, so the KL weighs next to nothing beside it. Divide by the digits in it.",
        ),
    ),
)

add(
    "kl_averaged",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits, with the KL of torch.distributions."""
    vae, prior = small_vae(seed), torch.distributions.Normal(0.0, 1.0)
    optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        sigma = torch.exp(0.5 * logvar)
        z = mu + sigma * torch.randn(mu.shape, generator=rng)
        log_p_x = vae.log_p_x_given_z(x, z).mean()
        q = torch.distributions.Normal(mu, sigma)
        kl = torch.distributions.kl_divergence(q, prior).mean() / x[0].numel()
        optimizer.zero_grad()
        (kl - log_p_x).backward()
        optimizer.step()
        curves.append((log_p_x.item(), kl.item()))
    return vae, curves
''',
    (("kl_divergence(q, prior).mean() / x[0].numel()", "kl_divergence(q, prior).sum(dim=1).mean()"),),
    "bound or KL are not those of a KL that weighs 1. Over which dimensions is it a sum, over which a mean?",
    halves=(
        (
            (
                (
                    "kl_divergence(q, prior).mean() / x[0].numel()",
                    "kl_divergence(prior, q).sum(1).mean()",
                ),
            ),
            "You took the KL the other way round: the ELBO holds that of q from the prior, q first.",
        ),
        (
            (
                (
                    "kl_divergence(q, prior).mean() / x[0].numel()",
                    "kl_divergence(q, prior).mean() / len(mu[0])",
                ),
            ),
            "that is divided by the latents twice. The KL of an image is a sum over its latents.",
        ),
        (
            (("(kl - log_p_x).backward()", "(kl - log_p_x / x[0].numel()).backward()"),),
            "per pixel, both: then the KL must be a sum over latents before it is divided.",
        ),
        *(
            ((("kl_divergence(q, prior).mean() / x[0].numel()", f"kl_divergence(q, prior).{kl}"),), hint)
            for kl, hint in (
                (
                    "mean()",
                    "it is still a mean over the latents, a beta of an eighth: the KL of an image is their sum.",
                ),
                (
                    "sum()",
                    "that sums over the batch as well, so the KL weighs 128 times too much: a mean over images.",
                ),
                (
                    "sum(0).mean()",
                    "you sum over the images and average over the latents: it is the other way round.",
                ),
                (
                    "sum() / x[0].numel()",
                    "You divided the sum over images and latents by the pixels, not by the images: a beta of two thirds.",
                ),
            )
        ),
    ),
)

add(
    "kl_sign",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits, with the KL in closed form."""
    vae = small_vae(seed)
    optimizer = torch.optim.Adam(vae.parameters(), lr=1.5e-3, betas=(0.9, 0.99))
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        z = mu + logvar.mul(0.5).exp() * torch.randn(mu.shape, generator=rng)
        log_p_x = -entropy(vae.decoder(z), x, reduction="sum") / len(x)
        kl = 0.5 * torch.sum(1 + logvar - mu.square() - logvar.exp()) / len(x)
        loss = -log_p_x + kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curves.append((log_p_x.item(), kl.item()))
    return vae, curves
''',
    (("kl = 0.5 * torch.sum", "kl = -0.5 * torch.sum"),),
    "a KL is never negative, and the loss must rise with it. Which sign have both here, for mu = 3 and logvar = 0?",
    halves=(
        (
            (("loss = -log_p_x + kl", "loss = log_p_x - kl"),),
            "now the KL is paid for, and the likelihood is descended: only one of the two signs was wrong.",
        ),
        (
            (("1 + logvar - mu.square() - logvar.exp()", "1 + logvar + mu.square() - logvar.exp()"),),
            "only the term of mu is turned. All four terms have the wrong sign.",
        ),
        (
            (("kl = 0.5 * torch.sum", "kl = -torch.sum"),),
            "You turned the sign and lost the factor of a half: now the KL weighs twice as much as it should.",
        ),
        (
            (
                ("kl = 0.5 * torch.sum", "kl = -0.5 * torch.mean"),
                ("- logvar.exp()) / len(x)", "- logvar.exp())"),
            ),
            "You turned the sign, and average over the latents as well: a beta of an eighth. The KL is their sum.",
        ),
    ),
)

add(
    "logvar_as_std",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits whose gradients are kept from growing too long."""
    vae = small_vae(seed)
    optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        eps = torch.randn(mu.shape, generator=rng)
        log_p_x = vae.log_p_x_given_z(x, mu + logvar * eps)
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
        optimizer.zero_grad()
        (kl - log_p_x).mean().backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1000)
        optimizer.step()
        curves.append((log_p_x.mean().item(), kl.mean().item()))
    return vae, curves
''',
    (("mu + logvar * eps", "mu + torch.exp(logvar / 2) * eps"),),
    "the noise on z still has another size than the q whose KL you pay. What is sigma, in terms of logvar?",
    halves=(
        (
            (("logvar * eps", "logvar.exp() * eps"),),
            "exp(logvar) is the variance: the noise needs its root.",
        ),
        ((("logvar * eps", "logvar.abs() * eps"),), "a sign is gone, and logvar is a logarithm still."),
        ((("logvar * eps", "logvar / 2 * eps"),), "that is log sigma. The noise needs sigma."),
        (
            (("logvar * eps", "0.5 * logvar.exp() * eps"),),
            "half the variance is not its root: the half belongs into exp.",
        ),
    ),
    watch=DRAW_OF_Q,
)

add(
    "no_noise",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits whose learning rate falls along a cosine."""
    vae = small_vae(seed)
    optimizer = torch.optim.Adam(vae.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    source, curves = world.batches(128, seed, scale="binary"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        log_p_x = vae.log_p_x_given_z(x, mu).mean()
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
        optimizer.zero_grad()
        (kl - log_p_x).backward()
        optimizer.step()
        schedule.step()
        curves.append((log_p_x.item(), kl.item()))
    return vae, curves
''',
    (
        (
            "log_p_x = vae.log_p_x_given_z(x, mu).mean()",
            'eps = torch.randn(mu.shape, generator=seeded_generator(seed, "eps", step))\n'
            "        z = mu + torch.exp(logvar / 2) * eps\n"
            "        log_p_x = vae.log_p_x_given_z(x, z).mean()",
        ),
    ),
    "the bound is below a mended trainer's. Is z a draw from q, whose sigma is exp(logvar / 2), and does it pass gradients "
    "of log p(x | z) on to mu and logvar?",
    halves=(
        (
            (
                (
                    "log_p_x = vae.log_p_x_given_z(x, mu).mean()",
                    'eps = torch.randn(mu.shape, generator=seeded_generator(seed, "eps", step))\n'
                    "        log_p_x = vae.log_p_x_given_z(x, mu + 0.1 * eps).mean()",
                ),
            ),
            "there is noise now, of a fixed size: it must have the sigma that q says.",
        ),
        (
            (("vae.log_p_x_given_z(x, mu)", "vae.log_p_x_given_z(x, mu + torch.exp(logvar / 2))"),),
            "sigma is added, and nothing is drawn: it must be multiplied by fresh noise.",
        ),
    ),
    watch=DRAW_OF_Q,
)

add(
    "z_detached",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits; it draws z from torch's own normal distribution."""
    vae = small_vae(seed)
    optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3, betas=(0.9, 0.99))
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        sigma = (logvar / 2).exp()
        with torch.no_grad():  # draws need no gradient
            z = torch.normal(mu, sigma, generator=rng)
        log_p_x = vae.log_p_x_given_z(x, z).mean()
        kl = (mu**2 + sigma**2 - logvar - 1).sum(dim=1).mean() / 2
        optimizer.zero_grad()
        (kl - log_p_x).backward()
        optimizer.step()
        curves.append((log_p_x.item(), kl.item()))
    return vae, curves
''',
    (
        (
            """        with torch.no_grad():  # draws need no gradient
            z = torch.normal(mu, sigma, generator=rng)
""",
            """        with torch.no_grad():  # only of eps this is true
            eps = torch.randn(mu.shape, generator=rng)
        z = mu + sigma * eps
""",
        ),
    ),
    "the bound is below a mended trainer's. Does a gradient of log p(x | z) reach mu, and logvar too, through noise of the "
    "size of sigma?",
    halves=(
        (
            (
                (
                    "        with torch.no_grad():  # draws need no gradient\n"
                    "            z = torch.normal(mu, sigma, generator=rng)\n",
                    "        z = mu + sigma.detach() * torch.randn(mu.shape, generator=rng)\n",
                ),
            ),
            "mu hears of the images now, sigma is still cut off.",
        ),
        (
            (
                (
                    "        with torch.no_grad():  # draws need no gradient\n"
                    "            z = torch.normal(mu, sigma, generator=rng)\n",
                    "        z = mu.detach() + sigma * torch.randn(mu.shape, generator=rng)\n",
                ),
            ),
            "sigma hears of the images now, mu is still cut off.",
        ),
        (
            (
                (
                    "        with torch.no_grad():  # draws need no gradient\n"
                    "            z = torch.normal(mu, sigma, generator=rng)\n",
                    "        z = mu\n",
                ),
                ('rng, curves = seeded_generator(seed, "eps"), []', "curves = []"),
            ),
            "gradients reach mu now, and there is no noise on z: it must be a draw from q.",
        ),
        (
            (
                (
                    "        with torch.no_grad():  # draws need no gradient\n"
                    "            z = torch.normal(mu, sigma, generator=rng)\n",
                    '        z = mu + sigma * torch.randn(mu.shape, generator=seeded_generator(seed, "eps"))\n',
                ),
                ('rng, curves = seeded_generator(seed, "eps"), []', "curves = []"),
            ),
            "the same noise in every step: each step needs noise of its own.",
        ),
        *(
            (
                (
                    (
                        "        with torch.no_grad():  # draws need no gradient\n"
                        "            z = torch.normal(mu, sigma, generator=rng)\n",
                        f"        z = {z}\n",
                    ),
                ),
                hint,
            )
            for z, hint in (
                (
                    "mu + torch.randn(mu.shape, generator=rng)",
                    "gradients reach mu now, and the noise lacks its sigma.",
                ),
                (
                    "mu + logvar * torch.randn(mu.shape, generator=rng)",
                    "gradients reach mu now, and logvar is no sigma: that is exp(logvar / 2).",
                ),
                (
                    "mu + logvar.exp() * torch.randn(mu.shape, generator=rng)",
                    "gradients reach mu now, and the noise has the variance for its size: take sigma.",
                ),
                (
                    "mu + sigma * torch.randn(len(mu), 1, generator=rng)",
                    "one number a digit for all latents: each latent needs noise of its own.",
                ),
                (
                    "mu + sigma * torch.randn(1, mu.shape[1], generator=rng)",
                    "one draw for the whole batch: each digit needs noise of its own.",
                ),
            )
        ),
    ),
    unchanged="No gradient passes through torch.normal or sample(), with or without no_grad.",
    watch=DRAW_OF_Q,
)

add(
    "beta_never_rises",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits that is warmed up: the weight of the KL grows to 1 in half of the run."""
    vae = small_vae(seed)
    optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        beta = min(1, 2 * (step // steps))
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        z = mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape, generator=rng)
        log_p_x = -entropy(vae.decoder(z), x, reduction="none").sum((1, 2, 3))
        kl = 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(1)
        loss = (beta * kl - log_p_x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curves.append((log_p_x.mean().item(), kl.mean().item()))
    return vae, curves
''',
    (("2 * (step // steps)", "2 * step / steps"),),
    "bound or KL are not those of a weight that is 1 in the second half of the run. Print it for some steps: is it?",
    halves=(
        (
            (("2 * (step // steps)", "2 * step / 10_000"),),
            "the weight grows now, and too slowly: at the end of the run it is far from 1.",
        ),
        (
            (("min(1, 2 * (step // steps))", "0.1 * min(1, 2 * step / steps)"),),
            "the weight ends at a tenth: at the end it must be 1, or the loss is not minus the ELBO.",
        ),
        (
            (("min(1, 2 * (step // steps))", "min(0.2, 2 * step / steps)"),),
            "You let the weight stop at a fifth. At the end it must be 1, or the loss is not minus the ELBO.",
        ),
        (
            (("min(1, 2 * (step // steps))", "0.4 * step / steps"),),
            "You let the weight grow to less than a half. At the end it must be 1, or the loss is not minus the ELBO.",
        ),
        (
            (("min(1, 2 * (step // steps))", "max(1, 2 * step / steps)"),),
            "that is the larger of the two numbers: the weight is 1 at first, and 2 at the end. It should grow to 1.",
        ),
        (
            (("min(1, 2 * (step // steps))", "2 * step / steps"),),
            "the weight grows beyond 1, to 2 at the end: without min nothing stops it.",
        ),
        (
            (("min(1, 2 * (step // steps))", "max(0, 1 - 2 * step / steps)"),),
            "the weight falls from 1 to 0: it is to grow from 0 to 1.",
        ),
        (
            (("min(1, 2 * (step // steps))", "2"),),
            "a weight of 2 is no ELBO: it is 1 in the end.",
        ),
    ),
    # a weight that ends at a half or a fifth leaves the ELBO good, and the KL at 10 or 15 nats; at 1 it is 7
    needed={"KL in nats, at most": 8.5},
    watch=(
        '''
def is_at_fault(trainer):
    """Whether the last loss gives the KL a weight well below 1: the loss is beta * KL - log p, the curves hold both."""
    losses, plain = [], torch.Tensor.backward

    def backward(self, *given, **more):
        losses.append(self.detach().sum().item())
        return plain(self, *given, **more)

    torch.Tensor.backward = backward
    try:
        known["run"] = trainer(world, hidden_seed)
    finally:
        torch.Tensor.backward = plain
    rows = known["run"][-1]
    if not losses or not rows:
        return False
    log_p_x, kl = (float(number) for number in rows[-1])
    return 0 <= (losses[-1] + log_p_x) / max(kl, 1e-9) < 0.95
''',
        "You let the weight of the KL end below 1. At the end it must be 1, or the loss is not minus the ELBO.",
    ),
)

add(
    "wrong_parameters",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits, with decoupled weight decay."""
    vae = small_vae(seed)
    weights = list(vae.decoder.parameters())
    optimizer = torch.optim.AdamW(weights, lr=2e-3, weight_decay=1e-4)
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        variance = logvar.exp()
        z = mu + variance.sqrt() * torch.randn(mu.shape, generator=rng)
        log_p_x = vae.log_p_x_given_z(x, z).mean()
        kl = 0.5 * (mu**2 + variance - 1 - logvar).sum(1).mean()
        optimizer.zero_grad()
        (kl - log_p_x).backward()
        optimizer.step()
        curves.append((log_p_x.item(), kl.item()))
    return vae, curves
''',
    (("vae.decoder.parameters()", "vae.parameters()"),),
    "the optimizer must hold all the weights of the VAE. Which of them are the same before and after a step?",
    halves=(
        (
            (("vae.decoder.parameters()", "vae.encoder.parameters()"),),
            "now the decoder is left out: it is one loss for both.",
        ),
    ),
    key="wrong_parameters_vae",
)

add(
    "double_sigmoid",
    "digits",
    '''
def trainer(world, seed, steps=400):
    """A VAE on digits, with torch's cross entropy."""
    vae = small_vae(seed)
    optimizer = torch.optim.Adam(vae.parameters(), lr=2.5e-3)
    source = world.batches(128, seed, scale="binary")
    rng, curves = seeded_generator(seed, "eps"), []
    for step in range(steps):
        x = source.at(step)  # (B, 1, 14, 14)
        mu, logvar = vae.encode(x)  # (B, L) each
        z = mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=rng)
        x_hat = vae.decode(z)  # (B, 1, 14, 14)
        log_p_x = -entropy(x_hat, x, reduction="none").sum(dim=(1, 2, 3))
        kl = (0.5 * mu**2 + 0.5 * logvar.exp() - 0.5 * logvar - 0.5).sum(dim=1)
        loss = (kl - log_p_x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curves.append((log_p_x.mean().item(), kl.mean().item()))
    return vae, curves
''',
    (("x_hat = vae.decode(z)", "x_hat = vae.decoder(z)"),),
    "count the sigmoids between the decoder's logits and the logarithm. `vae.decode` returns probabilities.",
    halves=(
        (
            (("x_hat = vae.decode(z)", "x_hat = 2 * vae.decode(z) - 1"),),
            "probabilities stretched to [-1, 1] are no logits either: those have no bounds.",
        ),
        (
            (("x_hat = vae.decode(z)", "x_hat = vae.decoder(z).tanh()"),),
            "tanh for sigmoid: the loss expects logits without bounds.",
        ),
        (
            (
                ("x_hat = vae.decode(z)", "x_hat = vae.decoder(z)"),
                ('reduction="none").sum(dim=(1, 2, 3))', 'reduction="none").mean(dim=(1, 2, 3))'),
            ),
            "You took the sigmoid away, and average over the pixels now: log p(x | z) is a sum over them.",
        ),
        (
            (
                (
                    '-entropy(x_hat, x, reduction="none").sum(dim=(1, 2, 3))',
                    "-(x_hat - x).square().sum(dim=(1, 2, 3))",
                ),
            ),
            "You took squares for the log-probability of pixels that are 0 or 1: it is minus their cross-entropy.",
        ),
        (
            (
                (
                    '-entropy(x_hat, x, reduction="none").sum(dim=(1, 2, 3))',
                    "(x * torch.log(x_hat + 1e-8)).sum(dim=(1, 2, 3))",
                ),
            ),
            "You left out what the pixels at 0 say, (1 - x) log(1 - x_hat): white everywhere now costs nothing.",
        ),
    ),
    key="double_sigmoid_vae",
)

# No variant shows both: their figures are too much alike.
ALIKE = (
    {"logvar_as_std", "no_noise"},
    {"z_detached", "pixels_averaged"},
    {"z_detached", "wrong_parameters_vae"},
    {"kl_averaged", "beta_never_rises"},
)


def draw(hidden_variant: int) -> list[str]:
    """Return six keys of `POOL`, three GANs and three VAEs, in this variant's order; no two faults alike."""
    rng = np.random.default_rng([hidden_variant, 4])
    vaes = [key for key, trainer in POOL.items() if trainer.kind == "digits"]
    gans = [key for key in POOL if key not in vaes]
    while True:
        drawn = [*rng.choice(gans, 3, replace=False), *rng.choice(vaes, 3, replace=False)]
        drawn = [str(drawn[k]) for k in rng.permutation(6)]
        alike = any(pair <= set(drawn) for pair in ALIKE)
        if len({POOL[key].name for key in drawn}) == 6 and not alike:
            return drawn


# What the hidden cells need, apart from anything that a student's notebook could have changed. The same networks and
# worlds as in the notebook's own cells `networks` and `worlds`.
NETWORKS = '''
def two_networks(seed, latent_dim=8, shape=(2,)):
    """Return a generator, latents to samples of `shape`, and a critic, samples to logits."""
    with seeded(seed):
        if len(shape) == 1:
            hidden = (64, 64)
            return models.MLPGenerator(latent_dim, shape, hidden), models.MLPCritic(shape, hidden)
        sizes = {"channels": shape[0], "size": shape[1], "width": 8}
        return models.DCGANGenerator(latent_dim, **sizes), models.DCGANCritic(**sizes)


def small_vae(seed):
    """Return a VAE with 8 latents for digits of 14 x 14 pixels: see ganlab.models.VAE."""
    with seeded(seed):
        return models.mlp_vae(8, (1, 14, 14), 128)
'''.strip("\n")

WORLDS = '''
def turned_ring(modes, turn):
    """Return wide Gaussians on a circle of radius 2, turned by `turn` radians."""
    flat = toys.ring(modes, radius=2.0, sigma=0.2)
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = torch.tensor([[cos, sin], [-sin, cos]], dtype=torch.float64)
    return toys.Mixture(flat.means @ rotation, flat.sigmas, flat.weights)


def turned_digits(turn, split="train"):
    """Return the digits with 14 x 14 pixels, turned by quarters; mirrored from 4 on."""
    digits = data.load("digits", split)
    small = torch.nn.functional.avg_pool2d(digits.images.float(), 2).round().to(torch.uint8)
    small = small.rot90(turn % 4, (2, 3))
    small = small.flip(3) if turn >= 4 else small
    return data.ImageSet(small, digits.labels, digits.classes, digits.name, split)


def turned_tiles(turn):
    """Return satellite tiles with 16 x 16 pixels in colour, turned by quarters; mirrored from 4 on."""
    tiles = data.load("earth")
    small = torch.nn.functional.avg_pool2d(tiles.images.float(), 4).round().to(torch.uint8)
    small = small.rot90(turn % 4, (2, 3))
    small = small.flip(3) if turn >= 4 else small
    return data.ImageSet(small, tiles.labels, tiles.classes, tiles.name, tiles.split)
'''.strip("\n")

# What hidden cells may import; a cell imports what it uses.
IMPORTS = (
    ("", ("copy",)),
    ("copy", ("deepcopy",)),
    None,
    ("", ("numpy as np",)),
    ("", ("torch",)),
    ("torch.nn.functional", ("binary_cross_entropy_with_logits as entropy",)),
    ("torch.nn.functional", ("relu", "softplus")),
    None,
    ("ganlab", ("data", "metrics", "models", "toys")),
    ("ganlab.check", ("Exercise", "Slip", "mark")),
    ("ganlab.models", ("latents",)),
    ("ganlab.runtime", ("seeded", "seeded_generator")),
)


def imports(body: str) -> str:
    """Return the imports that `body` needs, in groups: the library's, others, ours."""
    calls = {*re.findall(r"(?<![\w.])(\w+)[.(]", body), "Exercise", "Slip", "mark"}
    groups: list[list[str]] = [[]]
    for line in IMPORTS:
        if line is None:
            groups.append([])
            continue
        module, names = line
        used = [name for name in names if name.split(" as ")[-1] in calls]
        if used:
            groups[-1].append((f"from {module} " if module else "") + f"import {', '.join(used)}")
    return "\n\n".join("\n".join(group) for group in groups if group)


DRAWN = """
hidden_rng = np.random.default_rng(hidden_variant)
hidden_seed = int(hidden_rng.integers(2, 2**30))
if kind == "points":
    world = turned_ring(int(hidden_rng.integers(5, 8)), hidden_rng.uniform(0, 2 * np.pi))
elif kind == "tiles":
    world = turned_tiles(int(hidden_rng.integers(8)))
else:
    world = turned_digits(int(hidden_rng.integers(8)))
""".strip("\n")

MEASURED = '''
def weights_of(run):
    """All weights of what a trainer returns, in one row."""
    networks = [part for part in run if isinstance(part, torch.nn.Module)]
    rows = [weight.detach().flatten() for n in networks for weight in n.parameters()]
    return torch.cat([torch.zeros(1), *rows])


def loaded(run):
    """The returned weights in networks of our own, or None if they are others': nothing else is judged."""
    if kind == "digits":
        own = [small_vae(0)]
    else:
        own = list(two_networks(0) if kind == "points" else two_networks(0, 16, (3, 16, 16)))
    if len(run) != len(own) + 1:
        return None
    for mine, theirs in zip(own, run):
        shapes = {name: weight.shape for name, weight in mine.state_dict().items()}
        if not isinstance(theirs, torch.nn.Module):
            return None
        if {name: weight.shape for name, weight in theirs.state_dict().items()} != shapes:
            return None
        mine.load_state_dict(theirs.state_dict())
    return own


@torch.no_grad()
def measured(own):
    """The numbers that a repair is judged by, of the networks that it returned."""
    rng = seeded_generator(hidden_seed, "measured")
    if kind == "digits":
        x = world.batches(1000, hidden_seed + 1, scale="binary").at(0)
        mu, logvar = own[0].encode(x)
        z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape, generator=rng)
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
        bound = (own[0].log_p_x_given_z(x, z) - kl).mean().item()
        return {"ELBO in nats": bound, "KL in nats, at most": kl.mean().item()}
    generator, critic = (network.eval() for network in own)
    fake = generator(latents(2000, generator.latent_dim, rng))
    if not fake.isfinite().all():
        return {}
    if kind == "tiles":
        real = world.batches(2000, hidden_seed + 1).at(0)
        dark = (fake < -0.5).double().mean().item()
        features = [torch.nn.functional.avg_pool2d(x, 4).flatten(1) for x in (fake, real)]
        distance = metrics.frechet_distance(*features)
        return {"share of dark pixels": dark, "distance to the tiles": distance}
    seen = metrics.mode_coverage(fake, world.means, world.sigmas[0].item())
    real, share = world.sample(2000, rng), torch.rand(2000, 1, generator=rng)
    between = (share * real + (1 - share) * fake).float()
    slopes = critic.input_gradient(between).norm(dim=1)
    return {
        "modes missed": len(world.means) - seen.modes,
        "share of good samples": seen.good,
        "imbalance in nats": seen.reverse_kl,
        "slope of the critic, at most": slopes.median().item(),
    }


less = ("modes", "imbalance", "distance", "slope of the critic, at most", "KL in nats, at most")


def is_met(numbers):
    """Whether the numbers are those of a repaired trainer."""
    for name, bound in needed.items():
        number = numbers.get(name, float("nan"))
        if not (number <= bound if name.startswith(less) else number >= bound):
            return False
    return True
'''.strip("\n")

REPAIR = '''
class Code(int):
    """What came of a repair, as a number: 0 is all well."""


def result(code):
    return {"mended (1 is yes)": code == 0, "as a code": code}


known = {}  # weights of the broken trainer, 0, and of half repairs after a few steps; made once. A whole run, if looked into


def parts(run):
    """The parts of a run that must all have moved: a VAE's encoder and decoder, or a generator and a critic."""
    return (run[0].encoder, run[0].decoder) if kind == "digits" else run[:2]


def stands(early, late):
    """Whether no weight has moved, or of a VAE's part, which has gradients for all, one of its tensors has not."""
    same = [bool((a == b).all()) for a, b in zip(early.parameters(), late.parameters(), strict=True)]
    return any(same) if kind == "digits" else all(same)


def probe(trainer):
    if isinstance(trainer, Code):
        return result(int(trainer))
    short = {steps: trainer(world, hidden_seed, steps=steps) for steps in (3, 25)}
    if loaded(short[25]) is None:
        return result(1)
    for k, other in enumerate((broken, *halves)):
        steps = 3 if k else 25  # a repair may leave the first steps as they are
        if k not in known:
            known[k] = weights_of(other(world, hidden_seed, steps=steps))
        same, own = known[k], weights_of(short[steps])
        if same.shape == own.shape and bool(((same - own).abs() < 1e-7).all()):
            return result(6 + k)
    for k, (early, late) in enumerate(zip(parts(short[3]), parts(short[25]), strict=True)):
        if stands(early, late):
            return result(4 + k)
    if is_at_fault(trainer):
        return result(3)
    networks = loaded(known.pop("run", None) or trainer(world, hidden_seed))
    if networks is None:
        return result(1)
    numbers = measured(networks)
    met = is_met(numbers)
    for name, number in numbers.items():
        if name in needed:
            word = "at most" if name.startswith(less) else "at least"
            print(f"{name.split(',')[0]}: {number:.3g} ({word} {needed[name]:g})")
    return result(0 if met else 2)
'''.strip("\n")

OTHER_NETWORKS = (
    "only weights are judged: return the networks of the cell `networks` and the curves, as the trainer does, in the"
    " same order."
)
UNCHANGED = (
    "step for step this is still the broken trainer, for the first 25 steps: more steps or other names do not mend it."
    " Change what each step does."
)
STANDS = (
    "You return {article} {part} with weights that stand still: after 25 steps they are what they were after 3. Does its"
    " loss reach them, and does what should move them hold them all?"
)
NOT_WATCHED = """
def is_at_fault(trainer):
    return False
"""


def indented(source: str) -> str:
    """Return source for the inside of a function, where one blank line stands between definitions."""
    return textwrap.indent(source.replace("\n\n\n", "\n\n"), "    ")


def texts(name: str, lines: list[str]) -> str:
    """Return statements that make `name` the list of these lines, written so that none is too long."""
    filled = "\n##\n".join(
        textwrap.fill(line, 88, break_long_words=False, break_on_hyphens=False) for line in lines
    )
    return (
        f'{name} = """\n{filled}\n"""\n{name} = [" ".join(text.split()) for text in {name}.split("##")]'
    )


def literal(numbers: dict[str, float]) -> str:
    return "{\n" + "".join(f'    "{name}": {number:g},\n' for name, number in numbers.items()) + "}"


def needed_for(key: str) -> dict[str, float]:
    return NEEDED[POOL[key].kind] | POOL[key].needed


def bounds(key: str) -> str:
    """Return a statement that prints what the numbers of a repair must be, as `show` names them."""
    less = ("modes", "imbalance", "distance", "slope of the critic, at most", "KL in nats, at most")
    words = [
        f"{name.split(',')[0]} at {'most' if name.startswith(less) else 'least'} {bound:g}"
        for name, bound in needed_for(key).items()
    ]
    words[0] = f"mended means: {words[0]}"
    if len(words) == 1:
        return f'print("{words[0]}")'
    lines = "".join(f'    "{word}",\n' for word in words)
    return f'print(\n{lines}    sep="; ",\n)'


def named(source: str, name: str) -> str:
    return source.replace("def trainer(", f"def {name}(", 1)


def hidden_repair(key: str, hidden_variant: int) -> str:
    """Return the body of a function that judges repairs of POOL[key]: all names, up to `exercise`."""
    trainer = POOL[key]
    halves = [
        named(edited(trainer.source, edits), f"half_{k}") for k, (edits, _) in enumerate(trainer.halves)
    ]
    watch, at_fault = trainer.watch
    unchanged = f"{UNCHANGED} {trainer.unchanged}".strip()
    pair = (("an", "encoder"), ("a", "decoder"))
    if trainer.kind != "digits":
        pair = (("a", "generator"), ("a", "critic"))
    stands = [STANDS.format(article=article, part=part) for article, part in pair]
    hints = [
        OTHER_NETWORKS,
        trainer.symptom,
        at_fault,
        *stands,
        unchanged,
        *(hint for _, hint in trainer.halves),
    ]
    parts = [
        f'kind = "{trainer.kind}"\nneeded = {literal(needed_for(key))}',
        NETWORKS,
        WORLDS,
        DRAWN,
        MEASURED,
        named(trainer.source, "broken"),
        *halves,
        f"halves = [{', '.join(f'half_{k}' for k in range(len(halves)))}]",
        (watch or NOT_WATCHED).strip("\n"),
        REPAIR,
        f"{texts('hints', hints)}\n"
        "slips = tuple(Slip(Code(k + 1), hint) for k, hint in enumerate(hints))\n"
        "exercise = Exercise(probe, Code(0), slips)",
    ]
    return "\n\n".join(parts)


PROOF = '''
class Code(int):
    """What came of a proof, as a number: 0 is all well."""


def result(code):
    return {"the number is higher whenever it is mended (1 is yes)": code == 0, "as a code": code}


runs = {}  # (is it repaired, seed): networks and curves; trained once
order = hidden_rng.permutation(12).tolist()


@torch.no_grad()
def rewritten(networks, factor):
    """Give networks other weights that compute the same: LeakyReLU passes a factor on, the next layer takes it out."""
    for network in networks:
        for part in network.modules():
            layers = list(part) if isinstance(part, torch.nn.Sequential) else []
            for first, between, then in zip(layers, layers[1:], layers[2:]):
                if (type(first), type(between), type(then)) == (
                    torch.nn.Linear,
                    torch.nn.LeakyReLU,
                    torch.nn.Linear,
                ):
                    first.weight *= factor
                    first.bias *= factor
                    then.weight /= factor
    return networks


def replay(networks, curves, trainer):
    """A trainer that hands out a run that was made before."""

    def played(world, seed, steps=None):
        if steps is not None and steps < 200:
            return trainer(world, seed, steps)
        return (*networks, list(curves))

    return played


def probe(proof):
    if isinstance(proof, Code):
        return result(int(proof))
    for seed in (hidden_seed, hidden_seed + 1):
        for good, trainer in ((False, broken), (True, repaired)):
            if (good, seed) not in runs:
                runs[good, seed] = trainer(world, seed)
    numbers = {}  # of every run: as it was, with the curves of the other kind, with other weights that do the same
    shown = [(*run, how) for run in runs for how in ("own", "curves", "weights")]
    for good, seed, how in [shown[k] for k in order]:
        networks, curves = deepcopy(runs[good, seed][:-1]), runs[good == (how != "curves"), seed][-1]
        if how == "weights" and not of_weights:
            networks = rewritten(networks, 1024.0 if seed == hidden_seed else 1 / 1024)
        trainer = replay(networks, curves, repaired if good else broken)
        number = proof(trainer, world, seed)
        if number is ...:
            return {"as a code": ...}
        number = torch.as_tensor(number).detach().double().cpu()
        if number.numel() != 1 or (good and not number.isfinite().all()):
            return result(1)
        number = number.item()
        numbers[good, seed, how] = number if abs(number) < float("inf") else -float("inf")
    bad, fine = ([numbers[run] for run in shown if run[0] == good] for good in (False, True))
    own_bad, own_fine = ([row[k] for k in (0, 2, 3, 5)] for row in (bad, fine))
    kept_bad, kept_fine = ([row[k] for k in (0, 1, 3, 4)] for row in (bad, fine))
    print(
        "two seeds, each as it was, with the other run's curves, and with other weights that compute the same:"
    )
    print("broken: " + ", ".join(f"{number:.4g}" for number in bad))
    print("repaired: " + ", ".join(f"{number:.4g}" for number in fine))
    pairs = {0: (bad, fine), 2: (fine, bad), 3: (own_bad, own_fine), 4: (own_fine, own_bad)}
    pairs |= {7: (kept_bad, kept_fine), 8: (kept_fine, kept_bad)}
    for code, (low, high) in pairs.items():
        if max(low) < min(high):
            return result(code)
    return result(5 if len({*bad, *fine}) == 1 else 6)
'''.strip("\n")

PROOF_HINTS = (
    "You return no single number that is finite for a repaired trainer.",
    "You separate them the wrong way round. Why is your number higher for the broken one? Turn it only with an answer to that.",
    "You read the curves, which are the trainer's own words. Ask the networks: samples, slopes, or an ELBO of your own.",
    "You read the curves, which are the trainer's own words, and the wrong way round as well. Ask the networks.",
    "You return the same number for all of them: it depends on nothing that the networks do.",
    "Your number is as high for some broken run as for some repaired one, over two seeds. Count what the fault spoils in the networks, not in the curves.",
    "You read the weights as numbers. Other weights make the same network, and with those your number says something else: ask what the networks do.",
    "You read the weights as numbers, and the wrong way round as well. Ask what the networks do.",
)

# Faults that lie in the weights themselves: a proof of these may read them.
OF_WEIGHTS = {"wrong_parameters", "critic_too_slow", "average_stuck", "clips_generator"}

PROOFS = {
    "points": """
generator, critic, curves = trainer(world, seed)
rng = seeded_generator(seed, "proof")
with torch.no_grad():
    fake = generator(latents(2000, generator.latent_dim, rng))
seen = metrics.mode_coverage(fake, world.means, world.sigmas[0].item())
number = seen.modes * seen.good
""",
    "tiles": """
generator, critic, curves = trainer(world, seed)
with torch.no_grad():
    fake = generator(latents(500, generator.latent_dim, seeded_generator(seed, "proof")))
number = (fake < -0.5).float().mean().item()
""",
    "digits": """
vae, curves = trainer(world, seed)
x = world.batches(1000, seed, scale="binary").at(0)
with torch.no_grad():
    mu, logvar = vae.encode(x)
    eps = torch.randn(1, *mu.shape, generator=seeded_generator(seed, "proof"))
    number = vae.log_weights(x, mu, logvar, eps).mean().item()
""",
}


def solved(head: str, solution: str, last: str) -> str:
    """Return an answer cell: the stub's head, the solution, and the stub's last line."""
    inside = f"### BEGIN SOLUTION\n{solution.strip(chr(10))}\n### END SOLUTION"
    return f"{head}\n{indented(inside)}\n    {last}"


def hidden(k: int, what: str, body: str, points: int, given: str) -> str:
    """Return a hidden-test cell: `body` makes `exercise`, which judges the answer called `given`."""
    inside = f"{body}\n\nreturn mark(exercise, {given}, points={points})"
    return (
        f"# Part 4.{k}, hidden tests of {what}: they run when your work is graded.\n### BEGIN HIDDEN TESTS\n"
        f"def hidden():\n{indented(imports(inside))}\n\n{indented(inside)}\n\n\nhidden()\n### END HIDDEN TESTS"
    )


def cells_of(k: int, key: str, hidden_variant: int) -> dict[str, str]:
    """Return the cells of part k, whose trainer is POOL[key]."""
    trainer = POOL[key]
    world = trainer.kind  # the notebook's name for it
    family = "VAE" if trainer.kind == "digits" else "GAN"
    steps = trainer.source.split("steps=")[1].split(")")[0]
    good = edited(trainer.source, trainer.repair)
    good_body = textwrap.dedent("\n".join(good.split("\n")[2:]))
    proof = PROOFS[trainer.kind]
    hints = texts(
        "hints", [f"{name}: {hint}" for name, hint in SEEN_WITH.items() if name != trainer.name]
    )
    judge_name = f"""hidden_variant = {hidden_variant}
truth = "{trainer.name}"
{hints}
hints = dict(hint.split(": ", 1) for hint in hints)
names = np.random.default_rng(hidden_variant).permutation(list(hints)).tolist()

def probe(given):
    name = str(given).strip().lower().replace(" ", "_").replace("-", "_")
    code = names.index(name) + 1 if name in names else len(names) + 1
    code = ... if given is ... else 0 if name == truth else code
    return {{"the fault (1 is yes)": code == 0, "as a code": code}}


slips = [Slip(name, hints[name]) for name in names]
slips.append(Slip("?", "You gave a name that the list does not have."))
exercise = Exercise(probe, truth, tuple(slips))
if probe(fault_{k})["as a code"] not in (0, ...):
    print(f'fault_{k} = "{{fault_{k}}}" is not it.')"""
    judge_proof = "\n\n".join(
        [
            f'hidden_variant = {hidden_variant}\nkind = "{trainer.kind}"\n'
            f"of_weights = {trainer.name in OF_WEIGHTS}  # whether the fault lies in the weights themselves",
            NETWORKS,
            WORLDS,
            DRAWN,
            named(trainer.source, "broken"),
            named(good, "repaired"),
            PROOF,
            f"{texts('hints', list(PROOF_HINTS))}\n"
            "slips = tuple(Slip(Code(k + 1), hint) for k, hint in enumerate(hints))\n"
            "exercise = Exercise(probe, Code(0), slips)",
        ]
    )
    judge_repair = f"hidden_variant = {hidden_variant}\n{hidden_repair(key, hidden_variant)}"
    return {
        f"trainer-{k}": named(trainer.source, f"trainer_{k}"),
        f"case-{k}": f'before_{k} = trainer_{k}({world}, seed)\nshow(before_{k}, {world}, "trainer {k}")',
        f"name-{k}": f"fault_{k} = ...  # a name from the list of {family} faults, such as "
        + f'"not_shuffled"\n### BEGIN SOLUTION\nfault_{k} = "{trainer.name}"\n### END SOLUTION',
        f"name-{k}-seen": f'''from ganlab.check import Exercise, mark


def is_in_the_list(name):
    """Whether it is the right name is tested later."""
    written = str(name).strip().lower().replace(" ", "_").replace("-", "_")
    return {{"is in the list": ... if name is ... else written in FAULTS["{family}"]}}


mark(Exercise(is_in_the_list, "not_shuffled", ()), fault_{k}, points=1)''',
        f"name-{k}-hidden": hidden(k, "the name", judge_name, 3, f"fault_{k}"),
        f"repair-{k}": solved(
            f"def repaired_{k}(world, seed, steps={steps}):\n"
            f'    """Train as trainer_{k} does, without its fault: it takes and returns the same."""',
            good_body,
            "return ...  # as long as nothing stands above",
        ),
        f"repair-{k}-seen": f"""from ganlab.check import Exercise, mark


def form(trainer):
    if isinstance(trainer, dict):
        return trainer
    run, same = trainer({world}, seed + 1, steps=25), trainer_{k}({world}, seed + 1, steps=25)
    weights = [[w.detach().flatten() for n in r[:-1] for w in n.parameters()] for r in (run, same)]
    mine, theirs = (torch.cat(w) for w in weights)
    changed = mine.shape != theirs.shape or bool(((mine - theirs).abs() > 1e-7).any())
    return {{
        "networks returned": len(run) - 1,
        "rows of the curves after 25 steps": len(run[-1]),
        "columns of the curves": len(run[-1][0]),
        "does a step differ from the broken one's": changed,
    }}


keys = ["networks returned", "rows of the curves after 25 steps", "columns of the curves"]
expected = dict(zip(keys, ({1 if family == "VAE" else 2}, 25, 2)))
expected["does a step differ from the broken one's"] = True
mark(Exercise(form, expected, ()), repaired_{k}, points=2)""",
        f"repair-{k}-hidden": hidden(k, "the repair", judge_repair, 5, f"repaired_{k}"),
        f"after-{k}": f"after_{k} = attempt(repaired_{k}, {world}, seed)\nif after_{k} is not None:\n"
        f'    show(after_{k}, {world}, "your trainer {k}")\n{bounds(key)}',
        f"proof-{k}": solved(
            f"def proof_{k}(trainer, world, seed):\n"
            '    """Train with `trainer`; return one number: higher if it is repaired than if it is broken."""\n'
            "    number = ...",
            proof,
            "return number",
        ),
        f"proof-{k}-seen": f"""from ganlab.check import Exercise, mark


def form(proof):
    if isinstance(proof, dict):
        return proof
    number = proof(lambda world, seed, steps=4: trainer_{k}(world, seed, 4), {world}, seed)
    if number is not ...:
        number = torch.as_tensor(number).detach().double()
        number = number.numel() == 1 and bool(number.isfinite().all())
    return {{"is one finite number, after 4 steps": number}}


mark(Exercise(form, {{"is one finite number, after 4 steps": True}}, ()), proof_{k}, points=1)""",
        f"proof-{k}-hidden": hidden(k, "the proof", judge_proof, 3, f"proof_{k}"),
    }


def cells(variant: int, hidden_variant: int) -> dict[str, str]:
    """Return the source of every cell that depends on the draw, by cell id.

    Which trainers appear depends on `hidden_variant` alone; seed and data of the visible runs on `variant`, by the
    notebook's own cell.
    """
    made: dict[str, str] = {}
    for k, key in enumerate(draw(hidden_variant), start=1):
        made |= cells_of(k, key, hidden_variant)
    return made
