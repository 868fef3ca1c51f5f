"""Answers to assignment 4 as different people would write them.

Which trainers a notebook shows depends on its variant, so the bank is kept by *fault* and put together for a draw:
`for_draw(hidden_variant)` returns, for each part of that draw (`name-k`, `repair-k`, `proof-k`, k from 1 to 6), the
right and the wrong answers; `answers` those of the draw that a notebook shows. `every_fault()` gives draws that show
every trainer of the pool between them.

Names are texts of Python, quotes included. Repairs are edits (old text, new text) of the broken trainer, as a student
would edit a copy of it; here they are texts, evaluated in the namespace that the solved notebook leaves, whose value is
the edited function. Proofs are functions, one list for each kind of trainer.
"""

import re
import runpy
from pathlib import Path

import numpy as np
import torch

from ganlab import metrics
from ganlab.models import latents
from ganlab.runtime import seeded_generator

VARIANT = runpy.run_path(
    str(Path(__file__).parents[2] / "notebooks" / "assignments" / "source" / "4_diagnose" / "variant.py")
)
POOL = VARIANT["POOL"]
FAKES = "softplus(critic(fake)).mean()"
THE_KL = "(mu**2 + logvar.exp() - 1 - logvar)"

# Repairs that are right, by fault: lists of edits.
RIGHT = {
    "not_detached": [
        [
            (
                "        (critic_loss + generator_loss).backward()\n",
                """        for network, loss in ((critic, critic_loss), (generator, generator_loss)):
            weights = list(network.parameters())
            gradients = torch.autograd.grad(loss, weights, retain_graph=True)
            for weight, gradient in zip(weights, gradients):
                weight.grad = gradient
""",
            )
        ],
        [
            (f"critic_loss = softplus(-critic(real)).mean() + {FAKES}", "pass"),
            (
                "        generator_loss = softplus(-critic(fake)).mean()\n        d_optimizer.zero_grad()\n",
                """        with torch.no_grad():
            old = generator(latents(len(real), 8, rng))
        d_optimizer.zero_grad()
        critic_loss = (softplus(-critic(real)) + softplus(critic(old))).mean()
        critic_loss.backward()
        d_optimizer.step()
        generator_loss = softplus(-critic(fake)).mean()
""",
            ),
            ("(critic_loss + generator_loss).backward()\n        d_optimizer.step()", "generator_loss.backward()"),
        ],
    ],
    "double_sigmoid": [
        [
            ("torch.sigmoid(critic(real)), torch.sigmoid(critic(fake))", "critic(real), critic(fake)"),
            ("torch.sigmoid(critic(generator(latents(len(real), 8, rng))))", "critic(generator(latents(128, 8, rng)))"),
        ],
        [
            (
                "cross_entropy(d_real, ones) + cross_entropy(d_fake, zeros)",
                "-(torch.log(d_real + 1e-8) + torch.log(1 - d_fake + 1e-8)).mean()",
            ),
            ("generator_loss = cross_entropy(d_fake, ones)", "generator_loss = -torch.log(d_fake + 1e-8).mean()"),
        ],
    ],
    "labels_swapped": [
        [("entropy(critic(fake), is_fake)", "softplus(-critic(fake)).mean()")],
        [("entropy(critic(fake), is_fake)", "-torch.nn.functional.logsigmoid(critic(fake)).mean()")],
        [  # the other way round, and all through: then 0 means real
            ("entropy(critic(source.at(step)), is_real)", "entropy(critic(source.at(step)), is_fake)"),
            ("entropy(critic(fake.detach()), is_fake)", "entropy(critic(fake.detach()), is_real)"),
        ],
    ],
    "zero_grad_missing": [
        [("        fake = generator(latents", "        critic.zero_grad()\n        fake = generator(latents")],
        [
            (
                "        critic_loss.backward()\n",
                "        for weight in critic.parameters():\n            weight.grad = None\n"
                "        critic_loss.backward()\n",
            )
        ],
    ],
    "same_latents": [
        [
            ('        rng = seeded_generator(seed, "z")\n', ""),
            ("source, curves = ", 'rng = seeded_generator(seed, "z")\n    source, curves = '),
        ],
        [
            (
                "z_critic, z_generator = latents(128, 8, rng), latents(128, 8, rng)",
                "z_critic, z_generator = torch.randn(2, 128, 8)",
            )
        ],
    ],
    "clips_generator": [
        [
            ("for weight in generator", "for weight in critic"),
            ("weight.clamp_(-0.05, 0.05)", "weight.copy_(weight.clip(min=-0.05, max=0.05))"),
        ],
        [("for weight in generator.parameters():\n                weight.clamp_(-0.05, 0.05)",
          "for weight in critic.parameters():\n                weight.clamp_(-0.08, 0.08)")],
    ],
    "wrong_parameters": [
        [("torch.optim.Adam(critic.parameters(), **settings)\n    d_opt",
          "torch.optim.Adam(list(generator.parameters()), **settings)\n    d_opt")],
        [("g_optimizer = torch.optim.Adam(critic.parameters(), **settings)",
          "g_optimizer = torch.optim.RMSprop(generator.parameters(), lr=1e-3)")],
    ],
    "critic_too_slow": [[("lr=3e-6", "lr=2e-3")], [("lr=3e-6", "lr=5e-3")]],
    "average_stuck": [
        [("kept.copy_(0.99999 * kept + 0.00001 * new)", "kept.lerp_(new, 0.05)")],
        [("kept.copy_(0.99999 * kept + 0.00001 * new)", "kept.mul_(0.99).add_(new, alpha=0.01)")],
        [("kept.copy_(0.99999 * kept + 0.00001 * new)",
          "d = min(0.98, (1 + step) / (10 + step))\n                kept.copy_(d * kept + (1 - d) * new)")],
    ],
    "data_range": [
        [("real = source.at(step)", "real = 2 * source.at(step) - 1")],
        [("real = source.at(step)", "real = (source.at(step) - 0.5) / 0.5")],
        [  # the critic sees [0, 1] of both
            ("fake = generator(latents(len(real), 16, rng)).detach()",
             "fake = (generator(latents(len(real), 16, rng)).detach() + 1) / 2"),
            ("        fake = generator(latents(len(real), 16, rng))\n",
             "        fake = (generator(latents(len(real), 16, rng)) + 1) / 2\n"),
        ],
    ],
    "pixels_averaged": [
        [("-entropy(vae.decoder(z), x)", "vae.log_p_x_given_z(x, z).mean()")],
        [("-entropy(vae.decoder(z), x)", '-entropy(vae.decoder(z), x, reduction="sum") / len(x)')],
        [("-entropy(vae.decoder(z), x)", "-entropy(vae.decoder(z), x) * x[0].numel()")],
        [("loss = kl - log_p_x", "loss = kl / x[0].numel() - log_p_x")],
    ],
    "kl_averaged": [
        [("kl_divergence(q, prior).mean() / x[0].numel()", "kl_divergence(q, prior).sum() / len(x)")],
        [("kl_divergence(q, prior).mean() / x[0].numel()", "kl_divergence(q, prior).mean() * mu.shape[1]")],
    ],
    "kl_sign": [
        [("loss = -log_p_x + kl", "loss = -log_p_x - kl")],
        [("0.5 * torch.sum(1 + logvar - mu.square() - logvar.exp())",
          "0.5 * torch.sum(mu.square() + logvar.exp() - 1 - logvar)")],
    ],
    "logvar_as_std": [
        [("mu + logvar * eps", "mu + logvar.mul(0.5).exp() * eps")],
        [("mu + logvar * eps", "mu + torch.sqrt(torch.exp(logvar)) * eps")],
        [("mu + logvar * eps", "torch.distributions.Normal(mu, (logvar / 2).exp()).rsample()")],
    ],
    "no_noise": [
        [
            ("source, curves = world", 'rng = seeded_generator(seed, "eps")\n    source, curves = world'),
            ("vae.log_p_x_given_z(x, mu)",
             "vae.log_p_x_given_z(x, mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=rng))"),
        ],
        [("vae.log_p_x_given_z(x, mu)", "vae.log_p_x_given_z(x, mu + torch.randn_like(mu) * logvar.exp().sqrt())")],
    ],
    "z_detached": [
        [("with torch.no_grad():  # draws need no gradient\n            z = torch.normal(mu, sigma, generator=rng)",
          "z = torch.distributions.Normal(mu, sigma).rsample()")],
        [("with torch.no_grad():  # draws need no gradient\n            z = torch.normal(mu, sigma, generator=rng)",
          "z = mu + sigma * torch.randn(sigma.shape, generator=rng)")],
    ],
    "beta_never_rises": [
        [("2 * (step // steps)", "step / (steps / 2)")],
        [("2 * (step // steps)", "step / 150")],
        [("min(1, 2 * (step // steps))", "1.0")],
        [("2 * (step // steps)", "2 * step // steps")],  # 0, and then 1: no gentle warm-up, but mended
        [("min(1, 2 * (step // steps))", "step / steps")],
    ],
    "wrong_parameters_vae": [
        [("list(vae.decoder.parameters())", "[*vae.encoder.parameters(), *vae.decoder.parameters()]")],
        [("list(vae.decoder.parameters())", "[weight for name, weight in vae.named_parameters()]")],
    ],
    "double_sigmoid_vae": [
        [("-entropy(x_hat, x, ", "-torch.nn.functional.binary_cross_entropy(x_hat, x, ")],
        [("x_hat = vae.decode(z)", "x_hat = torch.logit(vae.decode(z), eps=1e-6)")],
        [('-entropy(x_hat, x, reduction="none").sum(dim=(1, 2, 3))', "vae.log_p_x_given_z(x, z)")],
    ],
}  # fmt: skip

# Repairs that look like one, and leave every step as it was.
NO_CHANGE = {
    "zero_grad_missing": [("generator_loss = -", "g_optimizer.zero_grad()\n        generator_loss = -")],
    "kl_sign": [("loss = -log_p_x + kl", "loss = -(log_p_x - kl)")],
    "z_detached": [("torch.normal(mu, sigma, generator=rng)", "torch.normal(mu.detach(), sigma, generator=rng)")],
    "beta_never_rises": [("2 * (step // steps)", "2 * (step // 10_000)")],
    "wrong_parameters_vae": [("(kl - log_p_x).backward()", "(2 * kl - log_p_x).backward()")],
}

# A few words of the hint that says what is still to be seen.
STILL = {
    "not_detached": "gradient of its own loss",
    "double_sigmoid": "count the sigmoids",
    "labels_swapped": "still do not cover the data",
    "zero_grad_missing": "gradient of its own loss in this step",
    "same_latents": "new latents still do not",
    "clips_generator": "slope must be bounded",
    "wrong_parameters": "its own player",
    "critic_too_slow": "pace does not fit",
    "average_stuck": "does not make good samples",
    "data_range": "Which number is black",
    "pixels_averaged": "beside a sum over all pixels",
    "kl_averaged": "over which a mean",
    "kl_sign": "never negative",
    "logvar_as_std": "another size than the q",
    "no_noise": "Is z a draw from q",
    "z_detached": "reach mu, and logvar too",
    "beta_never_rises": "that is 1 in the second half",
    "wrong_parameters_vae": "all the weights of the VAE",
    "double_sigmoid_vae": "count the sigmoids",
}


# The same, where a look into the run has shown the fault before its numbers are asked for.
SEEN_IN_THE_RUN = {
    "same_latents": "come back in a later step",
    "clips_generator": "far beyond a small interval",
    "wrong_parameters": "a generator with weights that stand still",
    "wrong_parameters_vae": "an encoder with weights that stand still",
    "beta_never_rises": "end below 1",
    "no_noise": "no draw mu + sigma",
    "logvar_as_std": "no draw mu + sigma",
    "z_detached": "no draw mu + sigma",
}

# More repairs that do not mend it, of students: lists of edits, with words of the hint.
LATENTS = "z_critic, z_generator = latents(128, 8, rng), latents(128, 8, rng)"
CLIP = """        with torch.no_grad():
            for weight in generator.parameters():
                weight.clamp_(-0.05, 0.05)
"""
CLIPPED_AT_THE_END = """    with torch.no_grad():
        for weight in critic.parameters():
            weight.clamp_(-0.05, 0.05)
"""
NO_SIGMOIDS = RIGHT["double_sigmoid"][0]
STANDS = "a generator with weights that stand still"
CRITIC_BACK = "        critic_loss.backward()\n"
DRAW = (
    "        with torch.no_grad():  # draws need no gradient\n            z = torch.normal(mu, sigma, generator=rng)\n"
)
MORE_WRONG = {
    "not_detached": [
        ([("fake = generator(latents(len(real), 8, rng))", "fake = generator(latents(128, 8, rng)).detach()")], STANDS),
        (
            [
                (
                    "(critic_loss + generator_loss).backward()\n        d_optimizer.step()",
                    "critic_loss.backward(retain_graph=True)\n        d_optimizer.step()\n"
                    "        generator_loss.backward()",
                )
            ],
            "was computed before its tensors were changed",
        ),
    ],
    "double_sigmoid": [([("BCEWithLogitsLoss", "BCELoss"), *NO_SIGMOIDS], "numbers outside [0, 1]")],
    "labels_swapped": [([("entropy(critic(fake), is_fake)", "entropy(critic(fake.detach()), is_real)")], STANDS)],
    "clips_generator": [
        ([(CLIP, ""), ("    return gen", CLIPPED_AT_THE_END + "    return gen")], "far beyond a small interval"),
        ([("in generator.p", "in critic.p"), ("(-0.05, 0.05)", "(max=0.05)")], "far beyond a small interval"),
    ],
    "zero_grad_missing": [
        ([(CRITIC_BACK, "        g_optimizer.zero_grad()\n" + CRITIC_BACK)], "step for step"),
        ([(CRITIC_BACK, "        d_optimizer.zero_grad\n" + CRITIC_BACK)], "step for step"),
        (
            [("    for step in range(steps)", "    d_optimizer.zero_grad()\n    for step in range(steps)")],
            "step for step",
        ),
        ([(CRITIC_BACK, CRITIC_BACK + "        critic.zero_grad()\n")], "it never moves"),
        (
            [(CRITIC_BACK, "        if not step % 2:\n            critic.zero_grad()\n" + CRITIC_BACK)],
            "in every second step",
        ),
        ([("        g_optimizer.zero_grad()\n", "        d_optimizer.zero_grad()\n")], "nothing older"),
    ],
    "same_latents": [
        (
            [
                ('        rng = seeded_generator(seed, "z")\n        ' + LATENTS + "\n", ""),
                ("    for step", '    rng = seeded_generator(seed, "z")\n    ' + LATENTS + "\n    for step"),
            ],
            "step for step",
        ),
        ([('(seed, "z")', '(seed, "z", step % 10)')], "come back in a later step"),
        ([('(seed, "z")', '(seed, "z", step // 100)')], "come back in a later step"),
        ([(LATENTS, LATENTS[:-4] + 'seeded_generator(seed, "g", step))')], "come back in a later step"),
        ([(LATENTS, LATENTS + "\n        z_generator = torch.randn(128, 8)")], "come back in a later step"),
        ([(LATENTS, LATENTS + "\n        z_critic = torch.randn(128, 8)")], "come back in a later step"),
        ([(LATENTS, LATENTS.replace("128", "512"))], "come back in a later step"),
    ],
    "z_detached": [
        ([(DRAW, "        z = torch.normal(mu, sigma, generator=rng)\n")], "No gradient passes through torch.normal"),
        ([(DRAW, DRAW + "        z.requires_grad_()\n")], "No gradient passes through"),
        ([(DRAW, DRAW + "        z = mu + (z - mu).detach()\n")], "sigma is still cut off"),
        ([(DRAW, "        z = torch.distributions.Normal(mu, sigma).sample()\n")], "no draw mu + sigma"),
        ([(DRAW, "        z = mu\n")], "there is no noise on z"),
        ([(DRAW, "        z = mu + torch.randn(mu.shape, generator=rng)\n")], "lacks its sigma"),
        ([(DRAW, "        z = mu + logvar * torch.randn(mu.shape, generator=rng)\n")], "is no sigma"),
        ([(DRAW, "        z = mu + logvar.exp() * torch.randn(mu.shape, generator=rng)\n")], "the variance"),
        ([(DRAW, "        z = mu + sigma * torch.randn(mu.shape[0], 1, generator=rng)\n")], "for all latents"),
        ([(DRAW, "        z = mu + sigma * torch.randn(mu.shape[1], generator=rng)\n")], "for the whole batch"),
    ],
    "no_noise": [
        ([("given_z(x, mu)", "given_z(x, mu + logvar.exp() * torch.randn(mu.shape))")], "no draw mu + sigma"),
        ([("given_z(x, mu)", "given_z(x, mu + torch.randn(mu.shape))")], "no draw mu + sigma"),
        ([("given_z(x, mu)", "given_z(x, mu + (logvar / 2).exp() * torch.randn(len(mu), 1))")], "no draw mu + sigma"),
    ],
    "pixels_averaged": [
        ([("-entropy(vae.decoder(z), x)", "-28 * 28 * entropy(vae.decoder(z), x)")], "four times too many"),
        ([("-entropy(vae.decoder(z), x)", '-entropy(vae.decoder(z), x, reduction="sum")')], "over the batch as well"),
    ],
    "kl_averaged": [
        ([(".mean() / x[0].numel()", ".mean()")], "still a mean over the latents"),
        ([(".mean() / x[0].numel()", ".sum()")], "over the batch as well"),
        ([(".mean() / x[0].numel()", ".sum(dim=0).mean()")], "the other way round"),
    ],
    "beta_never_rises": [
        ([("min(1, 2 * (step // steps))", "max(1, 2 * step / steps)")], "the larger of the two"),
        ([("min(1, 2 * (step // steps))", "2 * step / steps")], "grows beyond 1"),
        ([("min(1, 2 * (step // steps))", "max(0, 1 - step / (steps / 2))")], "falls from 1 to 0"),
        ([("min(1, 2 * (step // steps))", "2.0")], "is no ELBO"),
        ([("min(1, 2 * (step // steps))", "min(0.7, 2 * step / steps)")], "end below 1"),
    ],
}


def scaled_rates(source: str, factor: float) -> str:
    """Return the source with every learning rate multiplied."""
    return re.sub(r"(lr=|\"lr\": |\] = )(\d[\d.e-]*)", lambda m: f"{m[1]}{float(m[2]) * factor:g}", source)


def without_training(source: str) -> str:
    return re.sub(r"for step in range\([^)]*\)", "for step in range(0)", source)


def with_other_seed(source: str) -> str:
    return source.replace("two_networks(seed", "two_networks(seed + 1").replace(
        "small_vae(seed)", "small_vae(seed + 7)"
    )


DATA_AS_SAMPLES = """
def trainer(world, seed, steps=1):
    class Copier(torch.nn.Module):
        def __init__(self, real):
            super().__init__()
            self.real, self.latent_dim = real, 8

        def forward(self, z):
            return self.real[: len(z)]

    copier = Copier(world.batches(2000, seed).at(0))
    return ({copier}, [(0.0, 0.0)] * steps)
"""

DATA_AS_FORWARD = """
def trainer(world, seed, steps=1):
    {networks}
    real = world.batches(2000, seed{scale}).at(0)
    {first}.forward = lambda z: real[: len(z)]
    return ({networks_out}, [(0.0, 0.0)] * steps)
"""

SAMPLES = """
def trainer(world, seed, steps=1):
    real = world.batches(2000, seed).at(0)
    return ({real}, [(0.0, 0.0)] * steps)
"""


def function(source: str) -> str:
    """Return an expression that defines the one function of `source` in a copy of the notebook's names."""
    return f"(lambda names: (exec({source!r}, names), names['trainer'])[1])(dict(globals()))"


def wrong_repairs(key: str) -> list[tuple[str, str]]:
    """Return sources that do not repair POOL[key], with words of their hints."""
    broken, kind, still = POOL[key].source, POOL[key].kind, STILL[key]
    looked_at = SEEN_IN_THE_RUN.get(key, still)
    vae = kind == "digits"
    make = {
        "points": "generator, critic = two_networks(seed)",
        "tiles": "generator, critic = two_networks(seed, 16, (3, 16, 16))",
        "digits": "vae = small_vae(seed)",
    }[kind]
    names, first = make.split(" = ")[0], "vae" if vae else "generator"
    wrong = [
        (broken, "step for step"),
        (re.sub(r"steps=(\d+)", lambda m: f"steps={2 * int(m[1])}", broken, count=1), "step for step"),
        (broken.replace("curves.append((", "curves.append((0.5, 0.5) if step > 50 else ("), "step for step"),
        (with_other_seed(broken), looked_at),
        (scaled_rates(broken, 0.5), looked_at),
        (scaled_rates(broken, 1.5), looked_at),
        (without_training(broken), "stand still"),
        (DATA_AS_SAMPLES.format(copier="copier" if vae else "copier, copier"), "only weights are judged"),
        (SAMPLES.format(real="real" if vae else "real, real"), "only weights are judged"),
        (
            DATA_AS_FORWARD.format(networks=make, first=first, networks_out=names, scale=', scale="unit"' * vae),
            "stand still",
        ),
        (
            broken.replace(f"return {broken.split('return ')[-1]}", f"return {first}, curves, curves"),
            "only weights are judged",
        ),
    ]
    if key in NO_CHANGE:
        wrong.append((VARIANT["edited"](broken, tuple(NO_CHANGE[key])), "step for step"))
    wrong += [(VARIANT["edited"](broken, tuple(edits)), hint) for edits, hint in MORE_WRONG.get(key, ())]
    wrong += [(VARIANT["edited"](broken, edits), hint) for edits, hint in POOL[key].halves]
    return wrong


# Proofs


def fakes(trainer, world, seed, n=2000):
    generator = trainer(world, seed)[0]
    with torch.no_grad():
        return generator(latents(n, generator.latent_dim, seeded_generator(seed, "proof")))


def share_of_good(trainer, world, seed):
    distance = torch.cdist(fakes(trainer, world, seed).double(), world.means).amin(1)
    return (distance < 3 * world.sigmas[0]).double().mean()


def log_density_of_fakes(trainer, world, seed):
    log_p = world.log_prob(fakes(trainer, world, seed)).clamp(min=-20).nan_to_num(-20.0)
    return [log_p.mean().item()]


def good_in_numpy(trainer, world, seed):
    x, means = fakes(trainer, world, seed).numpy(), world.means.numpy()
    gap = np.sqrt(((x[:, None] - means[None]) ** 2).sum(-1)).min(1)
    return np.float32((gap < 3 * world.sigmas[0].item()).mean())


def dark_share(trainer, world, seed):
    return (fakes(trainer, world, seed, 500) < -0.6).double().mean()


def minus_distance(trainer, world, seed):
    fake, real = fakes(trainer, world, seed, 1000), world.batches(1000, seed).at(0)
    small = [torch.nn.functional.avg_pool2d(x, 2).flatten(1) for x in (fake, real)]
    return -metrics.frechet_distance(*small)


def elbo_by_hand(trainer, world, seed):
    vae, _ = trainer(world, seed)
    x = world.batches(500, seed + 5, scale="binary").at(0)
    with torch.no_grad():
        mu, logvar = vae.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape, generator=seeded_generator(seed))
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(vae.decoder(z), x, reduction="none")
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    return -(entropy.sum((1, 2, 3)) + kl.sum(1)).mean()


def importance_weighted(trainer, world, seed):
    vae = trainer(world, seed=seed)[0]
    x = world.batches(300, seed, scale="binary").at(3)
    with torch.no_grad():
        mu, logvar = vae.encode(x)
        log_w = vae.log_weights(x, mu, logvar, torch.randn(5, *mu.shape))  # the global generator's noise
    return (log_w.logsumexp(0) - np.log(5)).mean().numpy()


def right_proofs(key):
    return {
        "points": [share_of_good, log_density_of_fakes, good_in_numpy],
        "tiles": [dark_share, minus_distance],
        "digits": [elbo_by_hand, importance_weighted],
    }[POOL[key].kind]


def reversed_proof(proof):
    return lambda trainer, world, seed: -torch.as_tensor(proof(trainer, world, seed))


def column(k, sign):
    return lambda trainer, world, seed: sign * trainer(world, seed)[-1][-1][k]


def elbo_of_curves(trainer, world, seed):
    curves = np.array(trainer(world, seed)[-1])
    return (curves[-50:, 0] - curves[-50:, 1]).mean()


def spread_of_curves(trainer, world, seed):
    return -np.array(trainer(world, seed)[-1])[:, 0].std()


def by_name(trainer, world, seed):
    return float(trainer.__name__.startswith("repaired"))


def real_data_judged(trainer, world, seed):
    trainer(world, seed)
    x = world.batches(500, seed).at(0)
    return x.mean()


def sum_of_weights(sign):
    def proof(trainer, world, seed):
        return sign * sum(float(weight.detach().abs().sum()) for weight in trainer(world, seed)[0].parameters())

    return proof


def first_weights(sign):
    return lambda trainer, world, seed: sign * next(trainer(world, seed)[0].parameters()).detach().norm()


def stub(trainer, world, seed):
    return ...


def wrong_proofs(key):
    first = right_proofs(key)[0]
    told = POOL[key].kind == "tiles" or POOL[key].name in VARIANT["OF_WEIGHTS"]  # there the weights are not rewritten
    of_weights = () if told else [kind(sign) for kind in (sum_of_weights, first_weights) for sign in (1, -1)]
    return [
        (column(0, 1), "curves"),
        (column(0, -1), "curves"),
        (column(1, 1), "curves"),
        (column(1, -1), "curves"),
        (elbo_of_curves, "curves"),
        (spread_of_curves, "curves"),
        (reversed_proof(first), "the wrong way round. Why is your"),
        (by_name, "same number"),
        (lambda trainer, world, seed: 1.0, "same number"),
        (lambda trainer, world, seed: len(trainer(world, seed)[-1]), "same number"),
        (real_data_judged, "is as high for"),
        (lambda trainer, world, seed: seed, "is as high for"),
        (lambda trainer, world, seed: float("nan"), "no single number"),
        (lambda trainer, world, seed: trainer(world, seed)[-1][0], "no single number"),
        (lambda trainer, world, seed: (float(first(trainer, world, seed)), 0.0), "no single number"),
        (stub, "not attempted"),
        *((proof, ("the weights as numbers", "is as high for")) for proof in of_weights),  # as the trainings come out
    ]


def for_draw(hidden_variant: int) -> dict[str, dict[str, list]]:
    """Return the answers to the parts of this draw: `name-k`, `repair-k`, `proof-k`."""
    found = {}
    for k, key in enumerate(VARIANT["draw"](hidden_variant), start=1):
        name, broken = POOL[key].name, POOL[key].source
        others = [(repr(other), hint[:60]) for other, hint in VARIANT["SEEN_WITH"].items() if other != name]
        found[f"name-{k}"] = {
            "right": [*map(repr, (name, name.upper(), name.replace("_", " "), f" {name.replace('_', '-')} "))],
            "wrong": [
                *others,
                ("'something is wrong'", "a name that the list"),
                (3, "a name that the list"),
                (..., "not attempted"),
            ],
        }
        found[f"repair-{k}"] = {
            "right": [function(VARIANT["edited"](broken, tuple(edits))) for edits in RIGHT[key]],
            "wrong": [
                *((function(source), words) for source, words in wrong_repairs(key)),
                (lambda world, seed, steps=1: ..., "not attempted"),
                (f"trainer_{k}", "step for step"),
            ],
        }
        found[f"proof-{k}"] = {"right": right_proofs(key), "wrong": wrong_proofs(key)}
    return found


def every_fault() -> list[int]:
    """Return hidden variants, from 1 on, that show every trainer of the pool between them, each adding one at least."""
    left, variants, variant = set(POOL), [], 1
    while left:
        drawn = {*VARIANT["draw"](variant)}
        if drawn & left:
            variants.append(variant)
            left -= drawn
        variant += 1
    return variants


def answers(namespace: dict) -> dict[str, dict[str, list]]:
    """Return the answers to the draw of the solved notebook that left `namespace`."""
    return for_draw(namespace["hidden_variant"])


assert set(RIGHT) == set(STILL) == set(POOL)
