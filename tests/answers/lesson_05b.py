"""Answers to the exercises of lesson 05b as different people would write them, right and wrong; see test_check.py."""

import functools

import numpy as np
import torch
import torch.nn.functional as F


def bound_by_svd(weights):
    found = 1
    for W in weights:
        found *= torch.linalg.svdvals(W)[0]
    return found


def bound_by_numpy(weights):
    return np.prod([np.linalg.norm(W.numpy(), 2) for W in weights])


def bound_by_eigenvalues(weights):
    return torch.stack([torch.linalg.eigvalsh(W.T @ W).max() for W in weights]).prod().sqrt()


def bound_with(norm, join=lambda found: torch.stack(found).prod()):
    return lambda weights: join([norm(W) for W in weights])


def spectral(W):
    return torch.linalg.svdvals(W).max()


def of_the_product(weights):
    return torch.linalg.matrix_norm(functools.reduce(lambda A, B: B @ A, weights), 2)


def with_leaks(weights):
    return bound_by_svd(weights) * 0.2 ** (len(weights) - 1)


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


def without_padding_back(kernel, x, rounds):
    for _ in range(rounds):
        y = F.conv2d(x, kernel, padding=1)
        x = F.conv_transpose2d(y / y.norm(), kernel)
        x = x / x.norm()
    return F.conv2d(x, kernel, padding=1).norm()


def length_of_x(kernel, x, rounds):
    for _ in range(rounds):
        y = F.conv2d(x, kernel, padding=1)
        x = F.conv_transpose2d(y / y.norm(), kernel, padding=1)
        x = x / x.norm()
    return x.norm()


def kernel_as_matrix(kernel, x, rounds):
    return torch.linalg.svdvals(kernel.reshape(len(kernel), -1))[0]


def half_a_round_behind(kernel, x, rounds):
    for _ in range(rounds):
        u = F.conv2d(x, kernel, padding=1)
        x = F.conv_transpose2d(u / u.norm(), kernel, padding=1)
        length, x = x.norm(), x / x.norm()
    return length


ANSWERS = {
    "05b.1": {
        "right": [bound_by_svd, bound_by_numpy, bound_by_eigenvalues],
        "wrong": [
            (bound_with(spectral, torch.stack), "one number for each layer"),
            (bound_with(lambda W: W.norm()), "Frobenius"),
            (bound_with(lambda W: torch.linalg.matrix_norm(W, "nuc")), "nuclear"),
            (bound_with(lambda W: torch.linalg.svdvals(W)[-1]), "smallest"),
            (bound_with(lambda W: torch.linalg.eigvalsh(W.T @ W).max()), "You squared"),
            (bound_with(lambda W: W.abs().max()), "the largest weight"),
            (bound_with(lambda W: W.abs().sum(0).max()), "column sum"),
            (bound_with(spectral, sum), "You added"),
            (bound_with(spectral, max), "the largest of the layers"),
            (bound_with(spectral, lambda found: sum(found) / len(found)), "the mean over the layers"),
            (with_leaks, "0.2 for each hidden layer"),
            (lambda weights: bound_by_svd(weights[:-1]), "the last layer"),
            (lambda weights: 0.2 * bound_by_svd(weights), "by 0.2 once"),
            (of_the_product, "the matrices first"),
        ],
    },
    "05b.2": {
        "right": [conv_by_autograd, conv_by_matrix, conv_with()],
        "wrong": [
            (half_a_round_behind, "half a round behind"),
            (conv_with(give=lambda y: y.square().mean().sqrt()), "root of the *mean* square"),
            (conv_with(unit=lambda t: t), "beyond bounds"),
            (conv_with(unit=lambda t: t / t.norm(dim=(2, 3), keepdim=True)), "You normalised each channel"),
            (conv_with(give=lambda y: (y**2).sum()), "sigma squared"),
            (conv_with(give=lambda y: y), "conv(x) itself"),
            (conv_with(back="convolution"), "not turned"),
            (conv_with(there=0), "You left out the padding on the way there"),
            (conv_with(more=1), "one round too many"),
            (without_padding_back, "You left out the padding on the way back"),
            (length_of_x, "which is 1 after you divided"),
            (kernel_as_matrix, "as torch takes it"),
            (lambda kernel, x, rounds: (kernel**2).sum().sqrt(), "the length of the kernel"),
        ],
    },
}
