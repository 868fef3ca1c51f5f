"""Answers to the exercises of lesson 04b as different people would write them, right and wrong; see test_check.py."""

import torch
import torch.nn.functional as F

from ganlab.losses import Objective


def search_by_loop(p, q, a, b):
    c = torch.linspace(-8, 8, 3201, dtype=torch.float64)
    logits, total = [], 0.0
    for p_k, q_k in zip(p, q, strict=True):
        loss = p_k * a(c) + q_k * b(c)
        logits.append(c[loss.argmin()])
        total += loss.min()
    return torch.stack(logits), total


def search_with(end=lambda c, table: (c[table.argmin(dim=0)], table.amin(dim=0).sum()), swap=False, bare=False):
    """Return an answer that reads the table (3201, K) in another way, or has other weights in it."""

    def answer(p, q, a, b):
        c = torch.linspace(-8, 8, 3201).double()
        if swap:
            p, q = q, p
        if bare:
            p, q = torch.ones(len(p)), torch.ones(len(q))
        return end(c, a(c)[:, None] * p + b(c)[:, None] * q)

    return answer


def one_logit(c, table):
    best = table.sum(1).argmin()
    return c[best].expand(table.shape[1]), table.sum(1)[best]


def apart(p, q, a, b):
    c = torch.linspace(-8, 8, 3201).double()
    for_real, for_fake = p[:, None] * a(c), q[:, None] * b(c)
    return c[for_real.argmin(1)], (for_real.amin(1) + for_fake.amin(1)).sum()


def inserted(p, q, a, b, c):
    return c, p @ a(c) + q @ b(c)


def exponential(scale=0.5):
    """Return a pair of exponential losses with another factor in the exponents."""
    return Objective(
        critic=lambda real, fake: (-scale * real).exp() + (scale * fake).exp(),
        generator=lambda fake: (-scale * fake).exp(),
    )


def by_square_roots():
    def critic(real_logits, fake_logits):
        return real_logits.exp().rsqrt() + fake_logits.exp().sqrt()

    def generator(fake_logits):
        return 1 / fake_logits.exp().sqrt()

    return Objective(critic, generator)


def with_generator(generator):
    return lambda: Objective(exponential().critic, generator)


def with_critic(critic):
    return lambda: Objective(critic, exponential().generator)


ANSWERS = {
    "04b.1": {
        "right": [search_by_loop, search_with()],
        "wrong": [
            (search_with(one_logit), "the same at all places"),
            (search_with(swap=True), "You exchanged p and q"),
            (search_with(lambda c, t: (c[t.argmax(dim=0)], t.amax(dim=0).sum())), "the largest loss"),
            (search_with(lambda c, t: (c[t.argmin(dim=0)], t.amin(dim=0).mean())), "mean over the places"),
            (search_with(bare=True), "left out p and q"),
            (search_with(lambda c, t: (c[t.argmin(dim=0)], t.amin(dim=0))), "the loss of each place"),
            (search_with(lambda c, t: (t.argmin(dim=0), t.amin(dim=0).sum())), "0 to 3200"),
            (search_with(lambda c, t: (c[t.argmin(dim=0)], t[len(t) // 2].sum())), "logit 0 everywhere"),
            (apart, "one c for both"),
            (lambda p, q, a, b: search_with()(p, q, a, lambda c: -b(c)), "subtracted"),
            (lambda p, q, a, b: inserted(p, q, a, b, (p / q).log()), "best for minimax only"),
            (lambda p, q, a, b: inserted(p, q, a, b, p / (p + q)), "best for least squares only"),
            (search_with(lambda c, t: (t.amin(dim=0), t.amin(dim=0).sum())), "smallest losses, not the logits"),
            (
                search_with(lambda c, t: (c[t.argmin(dim=1)], t.amin(dim=1).sum())),
                "over the places, one for each logit",
            ),
            (search_with(lambda c, t: (c[t.argmin(dim=0)], t.mean(dim=0).sum())), "the mean loss over all logits"),
            (search_with(lambda c, t: (t.amin(dim=0).sum(), c[t.argmin(dim=0)])), "wrong order"),
        ],
    },
    "04b.2": {
        "right": [exponential, by_square_roots, with_generator(lambda fake: torch.exp(-0.5 * fake))],
        "wrong": [
            (lambda: exponential(1.0), "halves in the exponents"),
            (with_critic(lambda real, fake: exponential().critic(-real, -fake)), "critic's signs"),
            (with_generator(lambda fake: (fake / 2).exp()), "works for the critic"),
            (with_generator(lambda fake: -(fake / 2).exp()), "the minimax way"),
            (with_critic(lambda real, fake: torch.exp(fake / 2) * torch.exp(-real / 2)), "multiplied"),
            (with_critic(lambda real, fake: exponential().critic(real, fake) / 2), "You halved"),
            (with_critic(lambda real, fake: (-real / 2).exp()), "the fake term"),
            (with_critic(lambda real, fake: -exponential().critic(real, fake)), "You turned the critic's sign"),
            (with_generator(lambda fake: -(-fake / 2).exp()), "generator's sign"),
            (with_generator(lambda fake: (-fake).exp()), "half in the generator's exponent"),
            (lambda: exponential(-0.5), "signs in all exponents"),
            (with_critic(lambda real, fake: (-real / 2).exp() - (fake / 2).exp()), "subtracted the fake's part"),
            (with_critic(lambda real, fake: F.softplus(-real) + F.softplus(fake)), "minimax's"),
        ],
    },
}
