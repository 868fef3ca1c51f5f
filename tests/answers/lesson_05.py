"""Answers to the exercises of lesson 05 as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F


def optimistic_by_numpy(s, h):
    now, before = np.array(s[:2]), np.array(s[2:])
    turn = np.array([[0, -1], [1, 0]])
    return (*(now + h * turn @ (2 * now - before)), *now)


def optimistic_by_matrix(s, h):
    M = torch.tensor([[1, -2 * h, 0, h], [2 * h, 1, -h, 0], [1, 0, 0, 0], [0, 1, 0, 0]], dtype=torch.float64)
    return M @ torch.tensor(s, dtype=torch.float64)


def optimistic_by_names(s, h):
    x, y, x_before, y_before = s
    slope_x, slope_y = y, x
    before_x, before_y = y_before, x_before
    return [x - h * (2 * slope_x - before_x), y + h * (2 * slope_y - before_y), x, y]


def optimistic_added(s, h):
    x, y, xb, yb = s
    return x - h * (2 * y + yb), y + h * (2 * x + xb), x, y


def optimistic_once(s, h):
    x, y, xb, yb = s
    return x - h * (y - yb), y + h * (x - xb), x, y


def plain_step(s, h):
    return s[0] - h * s[1], s[1] + h * s[0], s[0], s[1]


def doubled_step(s, h):
    return s[0] - 2 * h * s[1], s[1] + 2 * h * s[0], s[0], s[1]


def optimistic_in_turns(s, h):
    x, y, xb, yb = s
    y_new = y + 2 * h * x - h * xb
    x_new = x - 2 * h * y_new + h * y
    return x_new, y_new, x, y


def both_climb(s, h):
    x, y, xb, yb = s
    return x + 2 * h * y - h * yb, y + 2 * h * x - h * xb, x, y


def both_descend(s, h):
    x, y, xb, yb = s
    return x - 2 * h * y + h * yb, y - 2 * h * x + h * xb, x, y


def never_remembers(s, h):
    return (*optimistic_by_names(s, h)[:2], *s[2:])


def remembers_too_early(s, h):
    x, y = optimistic_by_names(s, h)[:2]
    return x, y, x, y


def wrong_order(s, h):
    x, y, xb, yb = optimistic_by_names(s, h)
    return xb, yb, x, y


def power_by_gram(W, u, rounds):
    for _ in range(rounds):
        v = W.T @ u
        v = v / v.norm()
        u = W @ v
        sigma = u.norm()
        u = u / sigma
    return sigma


def power_by_numpy(W, u, rounds):
    W, u = W.numpy(), u.numpy()
    for _ in range(rounds):
        v = W.T @ u / np.linalg.norm(W.T @ u)
        u = W @ v / np.linalg.norm(W @ v)
    return float(u @ (W @ v))


def power_unnormalised(W, u, rounds):
    for _ in range(rounds):
        v = W.T @ u
        u = W @ v
    return u @ (W @ v)


def power_last_u_left(W, u, rounds):
    u = u / u.norm()
    for k in range(rounds):
        v = W.T @ u
        v = v / v.norm()
        if k < rounds - 1:
            u = W @ v
            u = u / u.norm()
    return u @ (W @ v)


def without_w(W, u, rounds):
    for _ in range(rounds):
        v = F.normalize(W.T @ u, dim=0)
        u = F.normalize(W @ v, dim=0)
    return u @ u


def vector_left(W, u, rounds):
    for _ in range(rounds):
        v = F.normalize(W.T @ u, dim=0)
        u = W @ v
        out, u = u, u / u.norm()
    return out


def slope_by_autograd(x, weights, biases):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        h = x
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            h = F.leaky_relu(F.linear(h, W, b), 0.2)
        c = F.linear(h, weights[-1], biases[-1]).sum()
        return torch.autograd.grad(c, x)[0].pow(2).sum(1)


def slope_by_samples(x, weights, biases):
    found = []
    for sample in x:
        J, h = torch.eye(len(sample), dtype=x.dtype), sample
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            a = W @ h + b
            J = torch.diag(torch.where(a > 0, torch.ones_like(a), 0.2 * torch.ones_like(a))) @ W @ J
            h = torch.maximum(a, 0.2 * a)
        found.append(((weights[-1] @ J) ** 2).sum())
    return torch.stack(found)


def slope_with(phi=lambda a: torch.where(a > 0, 1.0, 0.2), biased=True, finish=lambda g: (g**2).sum(1), skip=None):
    """Return an answer with another derivative, without biases, another end, or a layer's derivative left out."""

    def answer(x, weights, biases):
        masks, h = [], x
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            a = h @ W.T + b * biased
            masks.append(phi(a))
            h = torch.where(a > 0, a, 0.2 * a)
        g = weights[-1]
        for k in range(len(masks) - 1, -1, -1):
            g = (g if k == skip else g * masks[k]) @ weights[k]
        return finish(g.expand(len(x), -1))

    return answer


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


ANSWERS = {
    "05.1": {
        "right": [optimistic_by_numpy, optimistic_by_matrix, optimistic_by_names],
        "wrong": [
            (optimistic_added, "the old gradient is added"),
            (optimistic_once, "the gradient now counts twice"),
            (plain_step, "the plain step together"),
            (doubled_step, "the gradient before is missing: 2"),
            (optimistic_in_turns, "has seen the new y"),
            (both_climb, "x climbs"),
            (both_descend, "y descends"),
            (never_remembers, "you hand on the old"),
            (remembers_too_early, "is the new state"),
            (wrong_order, "the order is"),
        ],
    },
    "05.2": {
        "right": [power_by_gram, power_by_numpy],
        "wrong": [
            (power_unnormalised, "explode"),
            (without_w, "W is missing"),
            (lambda W, u, rounds: power_by_gram(W, u, rounds) ** 2, "sigma squared"),
            (lambda W, u, rounds: (W**2).sum() ** 0.5, "Frobenius"),
            (lambda W, u, rounds: power_by_gram(W, u, rounds + 1), "one round too many"),
            (power_last_u_left, "a round ends with u"),
            (lambda W, u, rounds: torch.linalg.svdvals(W)[0], "a full decomposition"),
            (lambda W, u, rounds: W / power_by_gram(W, u, rounds), "return sigma alone"),
            (vector_left, "its length is the number"),
        ],
    },
    "05.3": {
        "right": [slope_by_autograd, slope_by_samples, slope_with()],
        "wrong": [
            (slope_with(phi=lambda a: (a > 0).double()), "LeakyReLU has 0.2"),
            (slope_with(phi=torch.ones_like), "slope 1 everywhere"),
            (slope_with(phi=lambda a: torch.where(a < 0, 1.0, 0.2)), "the signs are turned"),
            (slope_with(skip=0), "next to the input"),
            (slope_with(finish=lambda g: g.norm(dim=1)), "return its square"),
            (slope_with(finish=lambda g: (g**2).mean(1)), "a mean over the input"),
            (slope_with(finish=lambda g: g.sum(1) ** 2), "added first"),
            (slope_with(finish=lambda g: (g**2).sum()), "one number for the batch"),
            (slope_with(biased=False), "the biases are missing"),
        ],
    },
    "05.4": {
        "right": [augmented_by_formula, augmented_by_torch, augmented_with()],
        "wrong": [
            (augmented_with(real_by=False), "the real images are not augmented"),
            (augmented_with(fake_by=False), "the critic's fakes are not augmented"),
            (augmented_with(generator_by=False), "the generator's fakes are not augmented"),
            (augmented_with(fake_by=False, generator_by=False), "only real images"),
            (augmented_with(real_by=False, fake_by=False), "where the critic learns"),
            (augmented_with(False, False, False), "at all"),
            (augmented_with(saturating=True), "saturates"),
            (augmented_with(cut=False), "detach the fakes"),
            (augmented_with(no_grad=True), "no gradient reaches the generator"),
        ],
    },
}
