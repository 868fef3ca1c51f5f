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


def gradients_handed_on(s, h):
    x, y, g_x, g_y = s
    return x - h * (2 * y - g_x), y + h * (2 * x - g_y), y, x


def before_exchanged(s, h):
    x, y, x_before, y_before = s
    return x - h * (2 * y - x_before), y + h * (2 * x - y_before), x, y


def handed_on_exchanged(s, h):
    x, y, xb, yb = optimistic_by_names(s, h)
    return x, y, yb, xb


def conv_by_autograd(kernel, x, rounds):
    for _ in range(rounds):
        with torch.enable_grad():
            x = x.clone().requires_grad_()
            y = F.conv2d(x, kernel, padding=1)
            x = torch.autograd.grad((y * (y / y.norm()).detach()).sum(), x)[0]
        x = x / x.norm()
    return F.conv2d(x, kernel, padding=1).norm()


def conv_by_matrix(kernel, x, rounds):
    shape = x.shape[1:]
    basis = torch.eye(shape.numel(), dtype=x.dtype).reshape(-1, *shape)
    M = F.conv2d(basis, kernel, padding=1).flatten(1).T
    v = x.flatten()
    for _ in range(rounds):
        v = F.normalize(M.T @ F.normalize(M @ v, dim=0), dim=0)
    return torch.linalg.vector_norm(M @ v)


def conv_with(there=1, back="transposed", unit=lambda t: t / t.norm(), give=lambda y: y.norm(), more=0):
    """Return an answer with another padding, way back, length, result or number of rounds."""

    def answer(kernel, x, rounds):
        for _ in range(rounds + more):
            y = unit(F.conv2d(x, kernel, padding=there))
            if back == "transposed":
                x = unit(F.conv_transpose2d(y, kernel, padding=there))
            else:
                x = unit(F.conv2d(y, kernel.permute(1, 0, 2, 3), padding=there))
        return give(F.conv2d(x, kernel, padding=there))

    return answer


def kernel_as_matrix(kernel, x, rounds):
    return torch.linalg.svdvals(kernel.reshape(len(kernel), -1))[0]


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


def slope_with(
    phi=lambda a: torch.where(a > 0, 1.0, 0.2), biased=True, finish=lambda g: (g**2).sum(1), skip=None, leak=0.2
):
    """Return an answer with another derivative, end or leak, without biases, or a layer's derivative left out."""

    def answer(x, weights, biases):
        masks, h = [], x
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            a = h @ W.T + b * biased
            masks.append(phi(a))
            h = torch.where(a > 0, a, leak * a)
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
            (gradients_handed_on, "you hand on the gradients"),
            (before_exchanged, "not x_before"),
            (handed_on_exchanged, "are exchanged"),
        ],
    },
    "05.2": {
        "right": [conv_by_autograd, conv_by_matrix, conv_with()],
        "wrong": [
            (conv_with(unit=lambda t: t), "beyond bounds"),
            (conv_with(unit=lambda t: t / t.norm(dim=(2, 3), keepdim=True)), "for each channel"),
            (conv_with(give=lambda y: (y**2).sum()), "sigma squared"),
            (conv_with(give=lambda y: y), "conv(x) itself"),
            (conv_with(back="convolution"), "not turned"),
            (conv_with(there=0), "the padding is missing"),
            (conv_with(more=1), "one round too many"),
            (kernel_as_matrix, "as torch takes it"),
            (lambda kernel, x, rounds: (kernel**2).sum().sqrt(), "the length of the kernel"),
        ],
    },
    "05.3": {
        "right": [slope_by_autograd, slope_by_samples, slope_with()],
        "wrong": [
            (slope_with(phi=lambda a: (a > 0).double()), "LeakyReLU has 0.2"),
            (slope_with(phi=lambda a: (a > 0).double(), leak=0.0), "a critic with ReLU"),
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
