"""Answers to the exercises of lesson 08d as different people would write them, right and wrong; see test_check.py."""

import math

import torch


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


def swap_by_index(log_p, x, z):
    before = [k - 1 for k in range(len(z))]
    cost = log_p(x, z) - log_p(x, z[before])
    return cost.mean().item(), cost.std().item() / math.sqrt(len(z))


def swap_by_cat(log_p, x, z):
    cost = log_p(x, z) - log_p(x, torch.cat([z[-1:], z[:-1]]))
    return torch.stack([cost.mean(), (cost.var() / len(cost)).sqrt()])


def swap_with(other=lambda x, z: (x, z.roll(1, dims=0)), error=lambda c: c.std() / len(c) ** 0.5, sign=1):
    """Return an answer with other images and latents, another error or sign."""

    def answer(log_p, x, z):
        cost = sign * (log_p(x, z) - log_p(*other(x, z)))
        return cost.mean(), error(cost)

    return answer


def swap_in_size(log_p, x, z):
    cost = (log_p(x, z) - log_p(x, z.roll(1, 0))).abs()
    return cost.mean(), cost.std() / len(z) ** 0.5


def swapped_alone(log_p, x, z):
    other = log_p(x, z.roll(1, 0))
    return other.mean(), other.std() / len(z) ** 0.5


def swap_unpaired(log_p, x, z):
    own, other = log_p(x, z), log_p(x, z.roll(1, 0))
    return own.mean() - other.mean(), torch.sqrt(own.var() / len(z) + other.var() / len(z))


ANSWERS = {
    "08d.1": {
        "right": [free_by_loop, free_by_maximum, free_by_relu],
        "wrong": [
            (lambda p, kl, free: torch.clamp(kl, min=free).sum(1).mean() - p.mean(), "maximum image by image"),
            (lambda p, kl, free: max(kl.sum(1).mean().item(), free) - p.mean(), "maximum of the whole KL"),
            (lambda p, kl, free: kl.sum(1).clamp(min=free).mean() - p.mean(), "of each image's whole KL"),
            (lambda p, kl, free: max(kl.sum() / len(kl), torch.tensor(4 * free)) - p.mean(), "pooled"),
            (lambda p, kl, free: sum(min(k.mean().item(), free) for k in kl.T) - p.mean(), "You took a minimum"),
            (lambda p, kl, free: torch.relu(kl.mean(0) - free).sum() - p.mean(), "cut at 0"),
            (lambda p, kl, free: sum(k.mean() for k in kl.T if k.mean() >= free) - p.mean(), "the loss then jumps"),
            (lambda p, kl, free: (free_by_loop(p, kl, free) + p.mean()) / 4 - p.mean(), "Independent dimensions add"),
            (lambda p, kl, free: free_by_loop(-p, kl, free), "wrong sign"),
            (lambda p, kl, free: -free_by_loop(p, kl, free), "minus the loss"),
            (lambda p, kl, free: free_by_maximum(p, kl, free) + p.mean() - p.sum(), "over the images, and averaged"),
            (lambda p, kl, free: free_by_loop(p, kl, 0.0), "left out `free`"),
            (lambda p, kl, free: kl.sum(dim=0).clamp(min=free).sum() - p.mean(), "over the batch. Take the mean"),
            (lambda p, kl, free: kl.mean(1).clamp(min=free).sum() - p.mean(), "The mean is over the batch"),
            (lambda p, kl, free: (kl.mean(1).clamp(min=free) - p).mean(), "then the sum over latents"),
            (lambda p, kl, free: kl.sum(0).clamp(min=free).sum() - p.sum(), "You summed both terms"),
            (lambda p, kl, free: kl.mean(0).clamp(min=free).sum() - p, "a loss for each image"),
            (lambda p, kl, free: free_by_relu(p, kl, free) - free, "once more at the end"),
        ],
    },
    "08d.2": {
        "right": [swap_by_index, swap_by_cat, swap_with()],
        "wrong": [
            (swap_with(sign=-1), "the wrong sign"),
            (swap_with(lambda x, z: (x.roll(1, 0), z.roll(1, 0))), "You rolled x as well"),
            (swap_with(lambda x, z: (x.roll(1, 0), z)), "in place of z"),
            (swap_with(lambda x, z: (x, z.roll(1, -1))), "along the latents"),
            (swap_with(lambda x, z: (x, torch.roll(z, 1))), "in one row"),
            (swap_with(lambda x, z: (x, torch.roll(z, -1, 0))), "the other way"),
            (swap_with(lambda x, z: (x, 0 * z)), "You set z to 0"),
            (swap_with(error=torch.std), "the standard deviation"),
            (swap_with(error=lambda c: c.std() / len(c)), "You divided the deviation by B"),
            (swap_with(error=lambda c: c.std(correction=0) / len(c) ** 0.5), "B - 1"),
            (swap_unpaired, "Subtract image by image"),
            (swap_in_size, "absolute values"),
            (swapped_alone, "the swapped images alone"),
            (swap_with(lambda x, z: (x, z.flip(0))), "turned the order"),
        ],
    },
}
