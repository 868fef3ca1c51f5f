"""Answers to the exercises of lesson 02 as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F

from ganlab import losses, metrics, toys, train

BCE = F.binary_cross_entropy_with_logits


def as_in_the_lesson(critic, generator, optimizer, real, z):
    fake = generator(z).detach()
    critic_loss = F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()
    optimizer.zero_grad()
    critic_loss.backward()
    optimizer.step()
    return critic_loss


def with_no_grad_and_one_batch(critic, generator, optimizer, real, z):
    optimizer.zero_grad(set_to_none=False)
    with torch.no_grad():
        fake = generator(z)
    logits = critic(torch.cat([real, fake]))
    labels = torch.cat([torch.ones(len(real)), torch.zeros(len(fake))])
    loss = 2 * BCE(logits, labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def in_two_backwards(critic, generator, optimizer, real, z):
    critic.zero_grad()
    on_real = -losses.log_d(critic(real)).mean()
    on_real.backward()
    on_fake = -losses.log_one_minus_d(critic(generator(z).detach())).mean()
    on_fake.backward()
    optimizer.step()
    return on_real + on_fake


def by_package(critic, generator, optimizer, real, z):
    return train.critic_step(critic, generator, optimizer, real, z, losses.objective("minimax"))["critic_loss"]


def step_with(loss_of, detach=True, zero_grad=True, step=True):
    """Return an answer with this loss of (critic, real, fake), and with a line left out for each argument False."""

    def answer(critic, generator, optimizer, real, z):
        fake = generator(z)
        if detach:
            fake = fake.detach()
        if zero_grad:
            optimizer.zero_grad()
        loss = loss_of(critic, real, fake)
        loss.backward()
        if step:
            optimizer.step()
        return loss

    return answer


def both(critic, real, fake):
    return BCE(critic(real), torch.ones(len(real))) + BCE(critic(fake), torch.zeros(len(fake)))


def labels_swapped(critic, real, fake):
    return BCE(critic(real), torch.zeros(len(real))) + BCE(critic(fake), torch.ones(len(fake)))


def labels_of_another_shape(critic, real, fake):
    return BCE(critic(real), torch.ones(len(real), 1)) + BCE(critic(fake), torch.zeros(len(fake), 1))


def sigmoid_and_logits(critic, real, fake):
    d_real, d_fake = critic(real).sigmoid(), critic(fake).sigmoid()
    return BCE(d_real, torch.ones(len(real))) + BCE(d_fake, torch.zeros(len(fake)))


def critic_without_gradient_on_fakes(critic, real, fake):
    with torch.no_grad():
        fake_logits = critic(fake)
    return F.softplus(-critic(real)).mean() + F.softplus(fake_logits).mean()


def with_an_optimizer_of_its_own(critic, generator, optimizer, real, z):
    d_optimizer = torch.optim.Adam(generator.parameters())
    loss = both(critic, real, generator(z).detach())
    optimizer.zero_grad()
    loss.backward()
    d_optimizer.step()
    return loss


def measured_after_the_step(critic, generator, optimizer, real, z):
    as_in_the_lesson(critic, generator, optimizer, real, z)
    with torch.no_grad():
        return BCE(critic(real), torch.ones(len(real))) + BCE(critic(generator(z)), torch.zeros(len(z)))


def z_for_fakes(critic, generator, optimizer, real, z):
    return as_in_the_lesson(critic, lambda latents: latents, optimizer, real, z)


def cleared_before_the_step(critic, generator, optimizer, real, z):
    loss = both(critic, real, generator(z).detach())
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss


def by_steps(samples, means, sigma, at_least):
    reached = 0
    for mean in means:
        good = ((samples - mean).norm(dim=1) <= 3 * sigma).sum()
        reached += bool(good >= at_least)
    return reached


def by_numpy(samples, means, sigma, at_least):
    squares = ((samples.numpy()[:, None] - means.numpy()) ** 2).sum(axis=2)
    return int(((squares <= 9 * sigma**2).sum(axis=0) >= at_least).sum())


def by_unique(samples, means, sigma, at_least):
    distance, nearest = torch.cdist(samples, means).min(dim=1)
    _, counts = nearest[distance <= 3 * sigma].unique(return_counts=True)
    return torch.tensor(np.count_nonzero(counts >= at_least))


def by_metrics_only(samples, means, sigma, at_least):
    return metrics.mode_coverage(samples, means, sigma).modes


def by_all_good_samples(answer):
    """Return a modes_reached that compares at_least with the good samples of all modes: `answer(counts, enough)`."""

    def function(samples, means, sigma, at_least):
        distance, nearest = torch.cdist(samples, means).min(1)
        counts = torch.bincount(nearest[distance <= 3 * sigma], minlength=len(means))
        return answer(counts, counts.sum() >= at_least)

    return function


def nearest_only(samples, means, sigma, at_least):
    nearest = torch.cdist(samples, means).argmin(dim=1)
    return (torch.bincount(nearest, minlength=len(means)) >= at_least).sum()


def one_sigma(samples, means, sigma, at_least):
    return ((torch.cdist(samples, means) <= sigma).sum(dim=0) >= at_least).sum()


def squared_once(samples, means, sigma, at_least):
    squares = ((samples[:, None] - means) ** 2).sum(dim=2)
    return ((squares <= 3 * sigma).sum(dim=0) >= at_least).sum()


def more_than(samples, means, sigma, at_least):
    return ((torch.cdist(samples, means) <= 3 * sigma).sum(dim=0) > at_least).sum()


def each_coordinate(samples, means, sigma, at_least):
    inside = ((samples[:, None] - means).abs() <= 3 * sigma).all(dim=-1)
    return (inside.sum(dim=0) >= at_least).sum()


def good_samples(samples, means, sigma, at_least):
    return (torch.cdist(samples, means).min(dim=1).values <= 3 * sigma).sum()


def good_of_each(samples, means, sigma):
    gap, nearest = torch.cdist(samples, means).min(dim=1)
    return torch.bincount(nearest[gap <= 3 * sigma], minlength=len(means))


def three_without_sigma(samples, means, sigma, at_least):
    return ((torch.cdist(samples, means) <= 3).sum(dim=0) >= at_least).sum()


def bad_ones_at_mode_0(samples, means, sigma, at_least):
    gap, nearest = torch.cdist(samples, means).min(1)
    good = gap <= 3 * sigma
    return sum(torch.bincount(nearest * good, minlength=len(means)) >= at_least)


def at_the_lessons_ring(samples, means, sigma, at_least):
    gap, nearest = torch.cdist(samples, toys.ring().means).min(1)
    return (torch.bincount(nearest[gap <= 3 * sigma], minlength=8) >= at_least).sum()


def at_the_lessons_sigma(samples, means, sigma, at_least):
    return by_numpy(samples, means, 0.01, at_least)


def summed_over_modes(samples, means, sigma, at_least):
    return ((torch.cdist(samples, means) <= 3 * sigma).sum(dim=1) >= at_least).sum()


ANSWERS = {
    "02.1": {
        "right": [as_in_the_lesson, with_no_grad_and_one_batch, in_two_backwards, by_package],
        "wrong": [
            (step_with(both, detach=False), "detach"),
            (step_with(both, zero_grad=False), "zero_grad is missing"),
            (step_with(both, step=False), "step() of the optimizer that you are given"),
            (measured_after_the_step, "computed the loss anew"),
            (with_an_optimizer_of_its_own, "step() of the optimizer that you are given"),
            (step_with(lambda critic, real, fake: F.softplus(-critic(fake)).mean(), detach=False), "generator's move"),
            (step_with(lambda c, real, fake: (F.softplus(c(real)) + F.softplus(c(fake))).mean()), "minus of"),
            (
                step_with(lambda c, real, fake: (F.softplus(-c(real)) + F.softplus(-c(fake))).mean()),
                "in (2.1) has none",
            ),
            (step_with(lambda c, real, fake: (F.softplus(-c(real)) - F.softplus(c(fake))).mean()), "adds them"),
            (
                step_with(lambda c, real, fake: F.softplus(-c(real).mean()) + F.softplus(c(fake).mean())),
                "then the mean",
            ),
            (z_for_fakes, "latents z"),
            (step_with(lambda c, real, fake: -c(real).log().mean() - (1 - c(fake)).log().mean()), "It is a logit"),
            (step_with(lambda c, real, fake: c(fake).mean() - c(real).mean()), "softplus of (2.1) is missing"),
            (step_with(lambda c, real, fake: F.softplus(-c(real)) + F.softplus(c(fake))), "mean()"),
            (torch.no_grad()(step_with(both)), "the path to what it is taken by is cut"),
            (step_with(lambda c, real, fake: both(c, real, fake).item()), "treated a plain number as a tensor"),
            (cleared_before_the_step, "cleared just before it"),
            (step_with(labels_of_another_shape), "labels of another shape than the logits"),
            (lambda *given: (as_in_the_lesson(*given).item(), 0.0), "You gave 2 numbers there. One is wanted."),
            (step_with(labels_swapped), "swapped"),
            (step_with(sigmoid_and_logits), "sigmoid too many"),
            (step_with(lambda critic, real, fake: both(critic, real, fake) / 2), "half of (2.1)"),
            (step_with(lambda critic, real, fake: -both(critic, real, fake)), "the sign"),
            (step_with(lambda critic, real, fake: F.softplus(-critic(real)).mean()), "fakes' half"),
            (step_with(lambda critic, real, fake: F.softplus(critic(fake)).mean()), "real samples' half"),
            (step_with(lambda critic, real, fake: len(real) * both(critic, real, fake)), "sum over the batch"),
            (step_with(lambda critic, real, fake: F.softplus(-critic(fake)).mean()), "(2.2)"),
            (
                step_with(lambda c, real, fake: -(c(real).sigmoid().log() + (1 - c(fake).sigmoid()).log()).mean()),
                "becomes infinite",
            ),
            (
                step_with(
                    lambda c, real, fake: (
                        F.binary_cross_entropy(c(real).sigmoid(), torch.ones(len(real)))
                        + F.binary_cross_entropy(c(fake).sigmoid(), torch.zeros(len(fake)))
                    )
                ),
                "stops at 100",
            ),
            (step_with(critic_without_gradient_on_fakes), "off the critic itself"),
        ],
    },
    "02.2": {
        "right": [by_steps, by_numpy, by_unique],
        "wrong": [
            (by_metrics_only, "at_least plays no part"),
            (by_all_good_samples(lambda counts, enough: len(counts) if enough else 0), "You returned all modes once"),
            (by_all_good_samples(lambda counts, enough: int((counts > 0).sum()) if enough else 0), "together"),
            (by_all_good_samples(lambda counts, enough: enough), "number of all good samples"),
            (lambda x, m, s, n: metrics.mode_coverage(x, m, s).modes >= n, "the number of modes with at_least"),
            (nearest_only, "only within 3 sigma"),
            (one_sigma, "not within 1"),
            (squared_once, "square both or neither"),
            (more_than, ">=, not >"),
            (each_coordinate, "not a circle"),
            (good_samples, "wanted is that of modes"),
            (lambda x, m, s, n: good_of_each(x, m, s), "how many good samples each mode has"),
            (lambda x, m, s, n: good_of_each(x, m, s) >= n, "True or False for each mode"),
            (three_without_sigma, "sigma is missing"),
            (summed_over_modes, "for each mode"),
            (bad_ones_at_mode_0, "sends every bad sample to mode 0"),
            (at_the_lessons_ring, "the `means` that your function is given"),
            (at_the_lessons_sigma, "the `sigma` that your function is given"),
        ],
    },
}
