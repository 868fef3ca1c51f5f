"""Answers to the exercises of lesson 15d as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch

from ganlab.check.lesson_15d import SIGNS, night_shift


def shift(**called):
    """Return the right beds of seed 0, but for faults that are called by another's name: seed_reset="from 0 to 1"."""
    names = {name.replace(" ", "_").replace("(", "_").replace("_+_", "_").strip(")"): name for name in FAULT_NAMES}
    other = {names[key]: said for key, said in called.items()}
    return {bed: other.get(name, name) for bed, name in night_shift(0).items()}


FAULT_NAMES = tuple(night_shift(0).values())


def of_the_day():
    """Return the beds that the lesson makes from seed 0, before the night."""
    order = np.random.default_rng(0).permutation(list(SIGNS)).tolist()
    return dict(zip("ABCDEF", order, strict=True))


def slope(c, eps):
    """Return the slope of -log(D + eps) by autograd."""
    c = c.detach().clone().requires_grad_()
    return torch.autograd.grad(-torch.log(torch.sigmoid(c) + eps).sum(), c)[0]


def by_autograd(c, eps):
    return slope(c, eps) / slope(c, 0.0)


def by_exponential(c, eps):
    return 1 / (1 + eps * (1 + torch.exp(-c)))


def one_by_one(c, eps):
    return torch.stack([x.sigmoid() / (x.sigmoid() + eps) for x in c])


def softplus(c):
    return torch.log1p(torch.exp(-c.abs())) + c.clamp(min=0)


def stepped(
    *, reset=False, mixed=False, mixed_twice=False, signs=(1, 1), real_sign=-1, g_factor=1, late=False, own=False
):
    """Return a step of both players with some faults in it."""

    def step(generator, critic, real, rng, g_optimizer, d_optimizer):
        if reset:
            rng.manual_seed(0)
        fake = generator(torch.randn(32, 16, generator=None if own else rng))
        if mixed:
            c_real, c_fake = critic(torch.cat([real, fake.detach()])).split([32, 32])
        else:
            c_real, c_fake = critic(real), critic(fake.detach())
        d_loss = (softplus(-c_real) + softplus(c_fake)).mean()
        critic.zero_grad()
        (signs[0] * d_loss).backward()
        d_optimizer.step()
        if late:
            fake = generator(torch.randn(32, 16, generator=rng))
        c = critic(torch.cat([real, fake]))[32:] if mixed_twice else critic(fake)
        g_loss = g_factor * softplus(real_sign * c).mean()
        generator.zero_grad()
        (signs[1] * g_loss).backward()
        g_optimizer.step()
        return d_loss.item(), g_loss.item()

    return step


def with_the_generator_attached(generator, critic, real, rng, g_optimizer, d_optimizer):
    fake = generator(torch.randn(32, 16, generator=rng))
    d_loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
    d_optimizer.zero_grad()
    d_loss.backward(retain_graph=True)
    d_optimizer.step()
    g_optimizer.zero_grad()
    g_loss = softplus(-critic(fake)).mean()
    g_loss.backward()
    g_optimizer.step()
    return [d_loss, g_loss]


def generator_before_critic(generator, critic, real, rng, g_optimizer, d_optimizer):
    fake = generator(torch.randn(32, 16, generator=rng))
    g_loss = softplus(-critic(fake)).mean()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    d_loss = softplus(-critic(real)).mean() + softplus(critic(fake.detach())).mean()
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    return d_loss, g_loss


ANSWERS = {
    "15d.1": {
        "right": [shift(), dict(reversed(shift().items()))],
        "wrong": [
            (shift(never_batched="from 0 to 1"), "would be 0"),
            (shift(from_0_to_1="never batched"), "one picture"),
            (shift(statistics_mixed="signs exchanged"), "would rise"),
            (shift(seed_reset="statistics mixed"), "other logits in the other move"),
            (shift(log_D_eps="seed reset"), "would not differ"),
            (shift(signs_exchanged="log(D + eps)"), "18.42"),
            (shift(statistics_mixed="never batched"), "one picture"),
            (shift(seed_reset="from 0 to 1", from_0_to_1="seed reset"), "would not differ"),
            (
                shift(seed_reset="log(D + eps)", log_D_eps="seed reset"),
                "call a bed 'log(D + eps)' that has another fault",
            ),
            (shift(signs_exchanged="never batched"), "Each name fits one bed"),
            (of_the_day, "named the beds of the day"),
            (shift(statistics_mixed=...), "left a bed without a name"),
            (shift(statistics_mixed=..., seed_reset="never batched", from_0_to_1=...), "left a bed without a name"),
        ],
    },
    "15d.2": {
        "right": [by_autograd, by_exponential, one_by_one],
        "wrong": [
            (slope, "returned (15d.1) itself"),
            (lambda c, eps: -slope(c, eps), "the size of (15d.1)"),
            (lambda c, eps: -by_exponential(c, eps), "minus what is left"),
            (lambda c, eps: slope(c, 0.0) / slope(c, eps), "other way round"),
            (lambda c, eps: eps / (c.sigmoid() + eps), "what is lost"),
            (lambda c, eps: (1 - c.sigmoid()) / (1 - c.sigmoid() + eps), "1 - D in place of D"),
            (lambda c, eps: c / (c + eps), "logits in place of D"),
            (lambda c, eps: 1 / (c.sigmoid() + eps), "by D"),
            (lambda c, eps: torch.log(c.sigmoid() + eps) / torch.nn.functional.logsigmoid(c), "divided the losses"),
            (lambda c, eps: by_exponential(c, eps).mean(), "averaged over the logits"),
            (lambda c, eps: (1 - c.sigmoid()) / (c.sigmoid() + eps), "cancelled D in place of 1 - D"),
            (lambda c, eps: 1 / (1 + eps * torch.exp(-c)), "1 / D = 1 + e^(-c)"),
            (lambda c, eps: torch.sigmoid(c - torch.tensor(eps).log()), "e^c in place of D"),
            (lambda c, eps: by_exponential(c, 1e-8), "fixed eps"),
            (lambda c, eps: c.softmax(-1) / (c.softmax(-1) + eps), "softmax of all logits"),
        ],
    },
    "15d.3": {
        "right": [stepped(), with_the_generator_attached],
        "wrong": [
            (stepped(reset=True, mixed=True, signs=(-1, -1)), "all three faults"),
            (stepped(reset=True), "left a fault in: the seed"),
            (stepped(mixed=True), "left a fault in: the critic's move still has"),
            (stepped(signs=(-1, -1)), "left a fault in: both players still ascend"),
            (stepped(reset=True, mixed=True), "always the same; the critic's move"),
            (stepped(reset=True, signs=(-1, -1)), "always the same; both players"),
            (stepped(mixed=True, signs=(-1, -1)), "one batch; both players"),
            (stepped(own=True), "did not draw the noise from rng"),
            (stepped(own=True, mixed=True), "did not draw the noise from rng"),
            (stepped(signs=(-1, 1)), "Your critic ascends"),
            (stepped(signs=(1, -1)), "Your generator ascends"),
            (stepped(mixed=True, mixed_twice=True), "no fault, but here"),
            (stepped(mixed_twice=True), "generator's move only"),
            (stepped(real_sign=1, signs=(1, -1)), "and let it ascend"),
            (stepped(real_sign=1, g_factor=-1), "minus the critic's term"),
            (stepped(real_sign=1), "wants high logits"),
            (generator_before_critic, "moved the generator first"),
            (stepped(late=True), "new noise for the generator's move"),
            (lambda *given: stepped()(*given)[::-1], "generator's loss first"),
        ],
    },
}
