"""Answers to the exercises of lesson 08 as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch
from torch.distributions import Normal, kl_divergence


def step_by_formula(vae, optimizer, x, eps):
    mu, logvar = vae.encode(x)
    z = mu + torch.exp(logvar / 2) * eps
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
    bound = (vae.log_p_x_given_z(x, z) - kl).mean()
    optimizer.zero_grad()
    (-bound).backward()
    optimizer.step()
    return bound.item()


def step_by_torch(vae, optimizer, x, eps):
    mu, logvar = vae.encode(x)
    q = Normal(mu, logvar.exp().sqrt())
    log_p_x = vae.log_p_x_given_z(x, q.mean + q.stddev * eps)
    loss = kl_divergence(q, Normal(0.0, 1.0)).sum() / len(x) - log_p_x.mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()  # for the next time
    return -loss


def step_by_weights(vae, optimizer, x, eps):
    optimizer.zero_grad(set_to_none=False)
    mu, logvar = vae.encode(x)
    bound = vae.log_weights(x, mu, logvar, eps[None])[0]
    # the KL in closed form for the sampled one
    sampled = 0.5 * ((mu + (logvar / 2).exp() * eps) ** 2 - eps**2 - logvar).sum(1)
    bound = (bound + sampled - 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1)).mean()
    bound.neg().backward()
    optimizer.step()
    return bound


def step_with(sigma=lambda logvar: (logvar / 2).exp(), kl_sign=1.0, kl_of=torch.sum, clear=True, move=True, sign=-1.0):
    """Return an answer with another sigma, KL, sign, or without one of the optimizer's calls."""

    def answer(vae, optimizer, x, eps):
        if clear:
            optimizer.zero_grad()
        mu, logvar = vae.encode(x)
        kl = kl_of(0.5 * (mu**2 + logvar.exp() - 1 - logvar), dim=1)
        bound = (vae.log_p_x_given_z(x, mu + sigma(logvar) * eps) - kl_sign * kl).mean()
        (sign * bound).backward()
        if move:
            optimizer.step()
        return bound

    return answer


def step_cut(vae, optimizer, x, eps):
    mu, logvar = vae.encode(x)
    with torch.no_grad():
        z = mu + torch.exp(0.5 * logvar) * eps
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0, 1)).sum(1)
    bound = (vae.log_p_x_given_z(x, z) - kl).mean()
    optimizer.zero_grad()
    (-bound).backward()
    optimizer.step()
    return bound


class Blind:
    """A VAE whose latents forget what the encoder said."""

    def __init__(self, vae):
        self.vae, self.encode = vae, vae.encode

    def log_p_x_given_z(self, x, z):
        return self.vae.log_p_x_given_z(x, self.noise)


def step_of_noise(vae, optimizer, x, eps):
    blind = Blind(vae)
    blind.noise = eps
    return step_with()(blind, optimizer, x, eps)


def step_summed(vae, optimizer, x, eps, returned=torch.sum):
    mu, logvar = vae.encode(x)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    bound = vae.log_p_x_given_z(x, mu + torch.exp(0.5 * logvar) * eps) - kl
    optimizer.zero_grad()
    (-bound.sum()).backward()
    optimizer.step()
    return returned(bound)


def step_then_bound(vae, optimizer, x, eps):
    step_by_formula(vae, optimizer, x, eps)
    mu, logvar = vae.encode(x)
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0, 1)).sum(1)
    return (vae.log_p_x_given_z(x, mu + (logvar / 2).exp() * eps) - kl).mean()


def chunks_by_largest(chunks):
    largest = total = None
    K = 0
    for chunk in chunks:
        here = chunk.max(dim=0).values
        if largest is None:
            largest, total = here, torch.zeros_like(here)
        new = torch.maximum(largest, here)
        total = total * torch.exp(largest - new) + torch.exp(chunk - new).sum(dim=0)
        largest = new
        K += chunk.shape[0]
    return largest + torch.log(total / K)


def chunks_by_numpy(chunks):
    sums, K = -np.inf, 0
    for chunk in chunks:
        sums = np.logaddexp(sums, np.logaddexp.reduce(chunk.numpy(), axis=0))
        K += len(chunk)
    return sums - np.log(K)


def chunks_by_list(chunks):
    parts = [(len(chunk), chunk.logsumexp(0)) for chunk in chunks]  # what is kept is (B,)
    return torch.logsumexp(torch.stack([part for _, part in parts]), 0) - math.log(sum(n for n, _ in parts))


def running_mean(chunks):
    bound = None
    for number, chunk in enumerate(chunks):
        here = chunk.logsumexp(0) - math.log(len(chunk))
        bound = here if bound is None else (bound * number + here) / (number + 1)
    return bound


def mean_by_size(chunks):
    total, K = 0, 0
    for chunk in chunks:
        total = total + len(chunk) * (torch.logsumexp(chunk, 0) - np.log(len(chunk)))
        K += len(chunk)
    return total / K


def mean_of_means(chunks):
    means = [torch.logsumexp(chunk, 0) - np.log(len(chunk)) for chunk in chunks]
    return torch.logsumexp(torch.stack(means), 0) - np.log(len(means))


def undivided(chunks):
    total = torch.tensor(-math.inf)
    for chunk in chunks:
        total = torch.logaddexp(total, chunk.logsumexp(0))
    return total


def divided_by_chunks(chunks):
    sums = [chunk.logsumexp(0) for chunk in chunks]
    return torch.stack(sums).logsumexp(0) - math.log(len(sums))


def divided_by_last(chunks):
    total = None
    for chunk in chunks:
        here = chunk.logsumexp(0)
        total = here if total is None else torch.logaddexp(total, here)
    return total - math.log(len(chunk))


def by_plain_sums(chunks):
    total = K = 0
    for chunk in chunks:
        total = total + chunk.exp().sum(0)
        K += len(chunk)
    return torch.log(total / K)


def last_alone(chunks):
    for chunk in chunks:
        bound = torch.logsumexp(chunk, 0) - math.log(len(chunk))
    return bound


def first_alone(chunks):
    for chunk in chunks:
        return torch.logsumexp(chunk, 0) - math.log(len(chunk))


def logs_added(chunks):
    total, K = 0, 0
    for chunk in chunks:
        total, K = total + torch.logsumexp(chunk, 0), K + len(chunk)
    return total - math.log(K)


def sign_of_log_k(chunks):
    total, K = None, 0
    for chunk in chunks:
        here = torch.logsumexp(chunk, 0)
        total = here if total is None else torch.logaddexp(total, here)
        K += len(chunk)
    return total + math.log(K)


def free_by_loop(log_p_x, kl, free):
    loss = -log_p_x.mean()
    for j in range(kl.shape[1]):
        loss = loss + max(free, kl[:, j].mean().item())
    return loss


def free_by_maximum(log_p_x, kl, free):
    per_latent = kl.sum(0) / len(kl)
    return torch.maximum(per_latent, torch.full_like(per_latent, free)).sum() - log_p_x.sum() / len(log_p_x)


def free_by_relu(log_p_x, kl, free):
    return (torch.relu(kl.mean(0) - free) + free).sum() - log_p_x.mean()


def bits_by_numpy(log_density, shape):
    D = np.prod(shape)
    per_level = log_density.numpy() - D * np.log(256)  # a density of k + u
    return -per_level / D / np.log(2)


def bits_by_log2(log_density, shape):
    c, h, w = shape
    return math.log2(256) - log_density * math.log2(math.e) / (c * h * w)


ANSWERS = {
    "08.1": {
        "right": [step_by_formula, step_by_torch, step_by_weights],
        "wrong": [
            (step_with(sign=1.0), "optimizers go down"),
            (step_with(clear=False), "zero_grad"),
            (step_with(move=False), "no weight has moved"),
            (step_with(sigma=torch.exp), "exp(logvar / 2)"),
            (step_with(sigma=torch.zeros_like), "eps does not enter"),
            (step_of_noise, "the noise alone"),
            (step_cut, "cut from the graph"),
            (step_with(kl_sign=-1.0), "it is a price"),
            (step_with(kl_sign=0.0), "the KL is missing"),
            (step_with(kl_of=torch.mean), "independent dimensions add"),
            (step_with(kl_sign=2.0), "a factor 1/2"),
            (step_summed, "depends on the batch size"),
            (lambda *given: step_summed(*given, returned=torch.mean), "though you return the mean"),
            (lambda *given: -step_by_formula(*given), "you return the loss"),
            (lambda *given: step_by_torch(*given) * 6, "return a sum over the images"),
            (step_then_bound, "bound before they moved"),
        ],
    },
    "08.2": {
        "right": [chunks_by_largest, chunks_by_numpy, chunks_by_list],
        "wrong": [
            (lambda chunks: chunks_by_list([torch.cat(list(chunks))]), "you kept the chunks"),
            (running_mean, "inside the log."),
            (mean_by_size, "a mean of bounds, weighted"),
            (mean_of_means, "chunks of different sizes"),
            (undivided, "divide by K"),
            (divided_by_chunks, "the number of chunks"),
            (divided_by_last, "last chunk's size"),
            (sign_of_log_k, "sign of log K"),
            (by_plain_sums, "exp(-1000) is 0"),
            (last_alone, "last chunk alone"),
            (first_alone, "first chunk alone"),
            (logs_added, "that multiplies the sums"),
        ],
    },
    "08.3": {
        "right": [free_by_loop, free_by_maximum, free_by_relu],
        "wrong": [
            (lambda p, kl, free: torch.clamp(kl, min=free).sum(1).mean() - p.mean(), "a maximum image by image"),
            (lambda p, kl, free: max(kl.sum(1).mean().item(), free) - p.mean(), "a maximum of the whole KL"),
            (lambda p, kl, free: max(kl.sum() / len(kl), torch.tensor(4 * free)) - p.mean(), "pooled"),
            (lambda p, kl, free: sum(min(k.mean().item(), free) for k in kl.T) - p.mean(), "a minimum"),
            (lambda p, kl, free: torch.relu(kl.mean(0) - free).sum() - p.mean(), "cut at 0"),
            (lambda p, kl, free: sum(k.mean() for k in kl.T if k.mean() >= free) - p.mean(), "the loss then jumps"),
            (lambda p, kl, free: (free_by_loop(p, kl, free) + p.mean()) / 4 - p.mean(), "independent dimensions add"),
            (lambda p, kl, free: free_by_loop(-p, kl, free), "the sign of log p"),
            (lambda p, kl, free: -free_by_loop(p, kl, free), "minus the loss"),
            (lambda p, kl, free: free_by_maximum(p, kl, free) + p.mean() - p.sum(), "summed over the images"),
            (lambda p, kl, free: free_by_loop(p, kl, 0.0), "does not enter"),
        ],
    },
    "08.4": {
        "right": [bits_by_numpy, bits_by_log2],
        "wrong": [
            (lambda nats, shape: -nats / np.prod(shape) / np.log(2), "by how many bits"),
            (lambda nats, shape: bits_by_numpy(nats, shape) - 16, "the sign of the 8"),
            (lambda nats, shape: 8 - nats / np.prod(shape), "nats became bits nowhere"),
            (lambda nats, shape: 8 - nats * math.log(2) / math.prod(shape), "0.69 nats"),
            (lambda nats, shape: math.log(256) - nats / math.prod(shape), "in nats throughout"),
            (lambda nats, shape: bits_by_numpy(-nats, shape), "the sign of log p"),
            (lambda nats, shape: bits_by_numpy(nats, (1, *shape[1:])), "a colour pixel has three"),
            (lambda nats, shape: 8 - nats / math.log(2), "bits of the whole image"),
            (lambda nats, shape: (8 - nats / math.log(2)) / math.prod(shape), "add them after the division"),
            (lambda nats, shape: bits_by_log2(nats, shape) + math.log2(255 / 256), "not 255"),
            (lambda nats, shape: bits_by_log2(nats, shape) - 1, "[-1, 1)"),
            (lambda nats, shape: bits_by_log2(nats, shape).mean(), "one for each image"),
        ],
    },
}
