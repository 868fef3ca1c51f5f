"""Answers to the exercises of lesson 05d as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F


def augmented_by_formula(critic, augment, real, fake):
    d_real, d_fake = critic(augment(real)), critic(augment(fake.detach()))
    critic_loss = F.softplus(-d_real).mean() + F.softplus(d_fake).mean()
    return critic_loss, F.softplus(-critic(augment(fake))).mean()


def augmented_by_torch(critic, augment, real, fake):
    def judged(x, target):
        logits = critic(augment(x))
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

    return judged(real, 1.0) + judged(fake.detach(), 0.0), judged(fake, 1.0)


def augmented_with(real_by=True, fake_by=True, generator_by=True, cut=True, saturating=False, no_grad=False):
    """Return an answer that leaves out an augmentation or a detach, or has another generator's loss."""

    def answer(critic, augment, real, fake):
        def maybe(yes, x):
            return augment(x) if yes else x

        on_real = critic(maybe(real_by, real))
        on_fake = critic(maybe(fake_by, fake.detach() if cut else fake))
        if no_grad:
            with torch.no_grad():
                changed = augment(fake)
        else:
            changed = maybe(generator_by, fake)
        judged = critic(changed)
        loss = F.logsigmoid(-judged) if saturating else -F.logsigmoid(judged)
        return (-F.logsigmoid(on_real) - F.logsigmoid(-on_fake)).mean(), loss.mean()

    return answer


def labelled(for_real, for_fake, for_generator):
    """Return an answer by binary cross-entropy with these three labels."""

    def answer(critic, augment, real, fake):
        def judged(x, target):
            logits = critic(augment(x))
            return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

        return judged(real, for_real) + judged(fake.detach(), for_fake), judged(fake, for_generator)

    return answer


def blind_critic(critic, augment, real, fake):
    with torch.no_grad():
        of_critic = F.softplus(-critic(augment(real))).mean() + F.softplus(critic(augment(fake))).mean()
    return of_critic, F.softplus(-critic(augment(fake))).mean()


def fraction_by_both(samples, trained, others):
    everything = torch.cat([trained, others]).flatten(1)
    nearest = torch.cdist(samples.flatten(1), everything).argmin(1)
    return (nearest < len(trained)).float().mean()


def fraction_by_loop(samples, trained, others):
    hits = 0
    for x in samples:
        near = min(((x - t) ** 2).sum() for t in trained)
        far = min(((x - o) ** 2).sum() for o in others)
        hits += bool(near < far)
    return hits / len(samples)


def fraction_with(power=2, take=lambda d: d.amin(1), compare=lambda a, b: a < b, end=lambda hits: hits.double().mean()):
    def answer(samples, trained, others):
        a, b = (take(torch.cdist(samples.flatten(1), one.flatten(1), p=power)) for one in (trained, others))
        return end(compare(a, b))

    return answer


def exchanged(samples, trained, others):
    return fraction_by_both(trained, samples, others)


def by_numpy(samples, trained, others):
    s, t, o = (x.flatten(1).numpy() for x in (samples, trained, others))
    near, far = (np.linalg.norm(s[:, None] - one[None], axis=2).min(1) for one in (t, o))
    return np.mean(near < far)


ANSWERS = {
    "05d.1": {
        "right": [augmented_by_formula, augmented_by_torch, augmented_with()],
        "wrong": [
            (augmented_with(real_by=False), "did not augment the real images"),
            (augmented_with(fake_by=False), "did not augment the critic's fakes"),
            (augmented_with(generator_by=False), "did not augment the generator's fakes"),
            (augmented_with(fake_by=False, generator_by=False), "only real images"),
            (augmented_with(real_by=False, fake_by=False), "where the critic learns"),
            (augmented_with(False, False, False), "at all"),
            (augmented_with(saturating=True), "saturates"),
            (augmented_with(cut=False), "detach the fakes"),
            (augmented_with(no_grad=True), "no gradient reaches the generator"),
            (labelled(0.0, 1.0, 0.0), "the labels in both losses"),
            (labelled(0.0, 1.0, 1.0), "real and fake in the critic's loss"),
            (labelled(1.0, 0.0, 0.0), "the generator's fakes the label 0"),
            (blind_critic, "learns nothing at all"),
            (lambda *given: augmented_by_torch(*given)[::-1], "the critic's comes first"),
            (lambda *given: (augmented_by_torch(*given)[0] / 2, augmented_by_torch(*given)[1]), "halved"),
        ],
    },
    "05d.2": {
        "right": [fraction_by_both, fraction_by_loop, by_numpy, fraction_with()],
        "wrong": [
            (fraction_with(compare=lambda a, b: a > b), "one of `others`"),
            (fraction_with(end=lambda hits: hits.double().sum()), "a count"),
            (fraction_with(end=lambda hits: hits.double()), "one truth value"),
            (fraction_with(take=lambda d: d.amax(1)), "the farthest"),
            (fraction_with(take=lambda d: d.min()), "the one smallest distance of all"),
            (fraction_with(take=lambda d: d.mean(1)), "mean distances"),
            (fraction_with(take=lambda d: d.median(1).values), "medians"),
            (exchanged, "You exchanged"),
            (fraction_with(power=1), "absolute differences"),
            (fraction_with(power=float("inf")), "the largest difference of a pixel"),
        ],
    },
}
