"""Answers to the exercises of lesson 05c as different people would write them, right and wrong; see test_check.py."""

import torch
import torch.nn.functional as F


def own_by_loop(critic, x):
    found = []
    for i in range(len(x)):
        given = x.clone().requires_grad_()
        critic(given)[i].backward()
        found.append((given.grad[i] ** 2).sum())
    return torch.stack(found)


def own_by_jacobian(critic, x):
    J = torch.autograd.functional.jacobian(critic, x)  # (B, B, ...)
    return torch.stack([J[i, i].pow(2).sum() for i in range(len(x))])


def own_with(finish):
    """Return an answer that makes `finish` of the gradients (B logits, B samples, D)."""

    def answer(critic, x):
        J = torch.autograd.functional.jacobian(critic, x).flatten(2)
        return finish(J)

    return answer


def by_the_sum(critic, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x)[0].flatten(1).square().sum(1)


def in_evaluation(critic, x):
    critic.eval()
    found = own_by_loop(critic, x)
    critic.train()
    return found


def one_by_one(critic, x):
    return torch.cat([own_by_loop(critic, one[None]) for one in x])


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


def own_squares(critic, x):
    x = x.clone().requires_grad_()
    logits = critic(x)
    rows = [torch.autograd.grad(logits[i], x, retain_graph=True)[0][i] for i in range(len(x))]
    return torch.stack(rows).square()


def leak_after_the_last(x, weights, biases):
    masks = []
    for W, b in zip(weights, biases, strict=True):
        a = x @ W.T + b
        masks.append(torch.ones_like(a).where(a > 0, 0.2))
        x = a * masks[-1]
    row = x.new_ones(len(x), 1)
    for mask, W in zip(masks[::-1], weights[::-1], strict=True):
        row = (row * mask) @ W
    return row.square().sum(1)


ANSWERS = {
    "05c.1": {
        "right": [own_by_loop, own_by_jacobian, own_with(lambda J: J.pow(2).sum(2).diag())],
        "wrong": [
            (own_squares, "did not add them"),
            (by_the_sum, "the sum of all logits"),
            (own_with(lambda J: J.norm(dim=2).diag()), "You return lengths"),
            (own_with(lambda J: J.pow(2).sum((1, 2))), "by all samples"),
            (own_with(lambda J: J.pow(2).sum((0, 2))), "of all logits"),
            (own_with(lambda J: J.pow(2).mean(2).diag()), "a mean over the input"),
            (own_with(lambda J: J.sum(2).diag() ** 2), "numbers first"),
            (own_with(lambda J: J.pow(2).sum(2).diag().mean()), "one number for the batch"),
            (own_with(lambda J: J.pow(2).sum(2)), "all pairs"),
            (one_by_one, "alone"),
            (in_evaluation, "evaluation mode"),
        ],
    },
    "05c.2": {
        "right": [slope_by_autograd, slope_by_samples, slope_with()],
        "wrong": [
            (leak_after_the_last, "after the last layer"),
            (slope_with(phi=lambda a: (a > 0).double()), "LeakyReLU has 0.2"),
            (slope_with(phi=lambda a: (a > 0).double(), leak=0.0), "a critic with ReLU"),
            (slope_with(phi=torch.ones_like), "slope 1 everywhere"),
            (slope_with(phi=lambda a: torch.where(a < 0, 1.0, 0.2)), "You turned the signs"),
            (slope_with(skip=0), "next to the input"),
            (slope_with(skip=1), "the second hidden layer"),
            (slope_with(phi=lambda a: torch.where(a > 0, 1.0, 0.01), leak=0.01), "Your LeakyReLU has torch's own"),
            (slope_with(phi=lambda a: torch.where(a > 0, 1.0, 0.01)), "Your phi' is 0.01"),
            (slope_with(leak=0.01), "Your forward pass has torch's own"),
            (slope_with(leak=1.0), "no nonlinearity"),
            (slope_with(finish=lambda g: g.norm(dim=1)), "return its square"),
            (slope_with(finish=lambda g: (g**2).mean(1)), "a mean over the input"),
            (slope_with(finish=lambda g: g.sum(1) ** 2), "numbers first"),
            (slope_with(finish=lambda g: (g**2).sum()), "one number for the batch"),
            (slope_with(biased=False), "You left out the biases"),
        ],
    },
}
