"""Answers to the exercises of lesson 15 as different people would write them, right and wrong; see test_check.py."""

import math

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as entropy
from torch.nn.functional import logsigmoid, softplus

from ganlab.check.lesson_15 import night_shift


def shift(**called):
    """Return the right beds of seed 0, but for faults that are called by another's name: second_sigmoid="last ReLU"."""
    names = {name.replace(" ", "_").replace(",", ""): name for name in night_shift(0).values()}
    other = {names[key]: said for key, said in called.items()}
    return {bed: other.get(name, name) for bed, name in night_shift(0).items()}


def by_softplus(generator, critic, real, z, optimizer):
    loss = softplus(-critic(real)).mean() + softplus(critic(generator(z).detach())).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def by_cross_entropy(generator, critic, real, z, optimizer):
    with torch.no_grad():
        fake = generator(z)
    optimizer.zero_grad(set_to_none=False)
    on_real, on_fake = critic(real), critic(fake)
    loss = entropy(on_real, torch.ones_like(on_real)) + entropy(on_fake, torch.zeros_like(on_fake))
    loss.backward()
    optimizer.step()
    return loss.item()


def by_log_d(generator, critic, real, z, optimizer):
    fake = generator(z).detach()
    loss = -logsigmoid(critic(real)).mean() - logsigmoid(-critic(fake)).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


def moved(loss_of=lambda a, b: softplus(-a).mean() + softplus(b).mean(), detach=True, zero=True, step=True):
    """Return a move with something wrong in it."""

    def move(generator, critic, real, z, optimizer):
        fake = generator(z)
        if detach:
            fake = fake.detach()
        if zero:
            optimizer.zero_grad()
        loss = loss_of(critic(real), critic(fake))
        loss.backward()
        if step:
            optimizer.step()
        return loss

    return move


def cleared_between(generator, critic, real, z, optimizer):
    loss = softplus(-critic(real)).mean() + softplus(critic(generator(z).detach())).mean()
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss


def with_sigmoids(a, b):
    return softplus(-a.sigmoid()).mean() + softplus(b.sigmoid()).mean()


def as_given(generator, critic, real, z, optimizer):
    fake = generator(z)
    loss = softplus(-critic(real).sigmoid()).mean() + softplus(critic(fake).sigmoid()).mean()
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss


def loss_afterwards(generator, critic, real, z, optimizer):
    by_softplus(generator, critic, real, z, optimizer)
    return softplus(-critic(real)).mean() + softplus(critic(generator(z).detach())).mean()


def by_tensors(low, high):
    return softplus(-torch.tensor(high)) + softplus(torch.tensor(low))


def by_zero(low, high):
    return float(torch.logaddexp(torch.zeros(2), torch.tensor([-high, low])).sum())


ANSWERS = {
    "15.1": {
        "right": [shift(), dict(reversed(shift().items()))],
        "wrong": [
            (shift(second_sigmoid="last ReLU", last_ReLU="second sigmoid"), "would be 0.693"),
            (shift(last_ReLU="second sigmoid"), "would be 1.006"),
            (shift(fakes_labelled_real="one goal"), "for the generator would be 0"),
            (shift(one_goal="fakes labelled real"), "would be 50"),
            (shift(one_goal="noise as image", noise_as_image="one goal"), "would stand still"),
            (shift(noise_as_image="detach missing, kept"), "would point elsewhere"),
            (shift(detach_missing_kept="detach missing, cleared"), "would have the cosine 1"),
            (shift(detach_missing_cleared="noise as image"), "would stand still"),
            (shift(last_ReLU="noise as image"), "known answer first"),
            (shift(second_sigmoid="noise as image"), "stand still"),
            (dict.fromkeys("ABCDEFG", "last ReLU"), "call a bed 'last ReLU' that has another fault"),
        ],
    },
    "15.2": {
        "right": [by_softplus, by_cross_entropy, by_log_d],
        "wrong": [
            (moved(detach=False), "left the fakes attached"),
            (moved(lambda a, b: softplus(-a.sigmoid()).mean() + softplus(b.sigmoid()).mean()), "kept the sigmoids"),
            (moved(lambda a, b: softplus(-a).mean() + softplus(b.sigmoid()).mean()), "sigmoid of the fakes"),
            (cleared_between, "stands still"),
            (moved(step=False), "step() is missing"),
            (moved(zero=False), "never cleared"),
            (moved(lambda a, b: softplus(-a).mean() + softplus(-b).mean()), "labelled the fakes real"),
            (moved(lambda a, b: softplus(a).mean() + softplus(-b).mean()), "exchanged real and fake"),
            (moved(lambda a, b: softplus(torch.cat([-a, b])).mean()), "mean of the two halves"),
            (moved(lambda a, b: softplus(torch.cat([-a, b])).sum()), "summed over the batch"),
            (loss_afterwards, "after the move"),
            (as_given, "all three faults"),
            (moved(detach=False, step=False), "right loss. But your critic stands still"),
            (moved(with_sigmoids, step=False), "kept the sigmoids, and your critic stands still"),
            (moved(with_sigmoids, detach=False), "kept the sigmoids, and a gradient is left"),
            (moved(lambda a, b: softplus(-a).mean() + softplus(b.detach()).mean()), "detached the critic's logits"),
            (moved(lambda a, b: b.mean() - a.mean()), "left out softplus"),
            (moved(lambda a, b: (logsigmoid(a) + logsigmoid(-b)).mean()), "wrong sign"),
        ],
    },
    "15.3": {
        "right": [by_tensors, by_zero],
        "wrong": [
            (lambda low, high: by_tensors(high, low), "exchanged the ends"),
            (lambda low, high: softplus(torch.tensor(-high)), "left out the fakes"),
            (lambda low, high: softplus(torch.tensor(low)), "left out the real"),
            (lambda low, high: by_tensors(high, high), "both the highest"),
            (lambda low, high: by_tensors(low, low), "both the lowest"),
            (lambda low, high: by_tensors(low, high) / 2, "mean of the two terms"),
            (lambda low, high: by_tensors(low, -high), "forgot the minus"),
            (lambda low, high: by_tensors(-low, high), "minus into the fakes"),
            (lambda low, high: math.log(4), "log 4"),
            (lambda low, high: 1.00640886, "floor of the sigmoid"),
            (lambda low, high: -softplus(torch.tensor(high)) + softplus(torch.tensor(low)), "minus before softplus"),
            (lambda low, high: 0.0 if math.inf in (-low, high) else by_tensors(low, high), "0 wherever an end"),
            (lambda low, high: by_tensors(*torch.tensor([low, high]).sigmoid().tolist()), "sigmoid of the ends"),
            (
                lambda low, high: max(softplus(torch.tensor(-high)).item(), softplus(torch.tensor(low)).item()),
                "larger of the two terms",
            ),
            (lambda low, high: by_tensors(0.0, high), "gave a fake the logit 0"),
            (lambda low, high: 1.006, "1.006"),
            (lambda low, high: 1.386, "1.386"),
            (lambda low, high: 2 * 0.6931, "0.6931"),
        ],
    },
}
