"""Answers to the exercises of lesson 08 as different people would write them, right and wrong; see test_check.py."""

import math

import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence


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


def step_of_own_noise(vae, optimizer, x, eps):
    return step_by_formula(vae, optimizer, x, torch.randn_like(eps))


def step_of_two_reductions(vae, optimizer, x, eps, of_log_p, of_kl):
    mu, logvar = vae.encode(x)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    bound = of_log_p(vae.log_p_x_given_z(x, mu + torch.exp(0.5 * logvar) * eps)) - of_kl(kl)
    optimizer.zero_grad()
    (-bound).backward()
    optimizer.step()
    return bound


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


def step_with_kl(kl_of):
    """Return an answer whose KL of each latent is half of `kl_of(mu, logvar)`."""

    def answer(vae, optimizer, x, eps):
        mu, logvar = vae.encode(x)
        z = mu + (logvar / 2).exp() * eps
        bound = (vae.log_p_x_given_z(x, z) - 0.5 * kl_of(mu, logvar).sum(1)).mean()
        optimizer.zero_grad()
        (-bound).backward()
        optimizer.step()
        return bound.item()

    return answer


def step_without_backward(vae, optimizer, x, eps):
    mu, logvar = vae.encode(x)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    loss = -(vae.log_p_x_given_z(x, mu + torch.exp(0.5 * logvar) * eps) - kl).mean()
    optimizer.zero_grad()
    optimizer.step()
    return -loss


def step_cleared_late(vae, optimizer, x, eps):
    mu, logvar = vae.encode(x)
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0, 1)).sum(1)
    bound = (vae.log_p_x_given_z(x, mu + torch.exp(0.5 * logvar) * eps) - kl).mean()
    (-bound).backward()
    optimizer.zero_grad()
    optimizer.step()
    return bound.item()


def log_q_by_formula(z, mu, logvar):
    squares = (z[:, None] - mu) ** 2 / logvar.exp()
    return -0.5 * (squares + logvar + math.log(2 * math.pi))  # (B, N, L)


def aggregate_by_torch(z, mu, logvar):
    q = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(mu), dtype=mu.dtype)), q).log_prob(z)


def aggregate_by_loop(z, mu, logvar):
    total = torch.full((len(z),), -math.inf, dtype=z.dtype)
    for m, a in zip(mu, logvar, strict=True):
        total = torch.logaddexp(total, Normal(m, (a / 2).exp()).log_prob(z).sum(-1))
    return total - math.log(len(mu))


def aggregate_with(log_q=log_q_by_formula, over=torch.sum, mean=lambda t: t.logsumexp(1) - math.log(t.shape[1])):
    """Return an answer with another density of one latent, or another way over latents or images."""
    return lambda z, mu, logvar: mean(over(log_q(z, mu, logvar), dim=2))


def log_by_wrong_s(z, mu, logvar):
    log_q = -0.5 * (((z[:, None] - mu) / logvar) ** 2 + math.log(2 * math.pi)) - logvar.log()  # logvar for s
    return log_q.sum(2).logsumexp(1) - math.log(len(mu))


def aggregate_of_one(z, mu, logvar):
    return Normal(mu.mean(0), logvar.exp().mean(0).sqrt()).log_prob(z).sum(1)


def aggregate_latent_by_latent(z, mu, logvar):
    return (log_q_by_formula(z, mu, logvar).logsumexp(1) - math.log(len(mu))).sum(1)


ANSWERS = {
    "08.1": {
        "right": [step_by_formula, step_by_torch, step_by_weights],
        "wrong": [
            (step_with(sign=1.0), "Optimizers go down"),
            (step_with(clear=False), "zero_grad"),
            (step_with(move=False), "No weight has moved"),
            (step_without_backward, "backward() on the loss"),
            (step_cleared_late, "does zero_grad stand after backward"),
            (step_with(sigma=torch.exp), "exp(logvar / 2)"),
            (step_with(sigma=torch.zeros_like), "eps does not enter"),
            (step_of_noise, "the noise alone"),
            (step_cut, "cut z from the graph"),
            (step_with(kl_sign=-1.0), "It is a price"),
            (step_with(kl_sign=0.0), "left out the KL"),
            (step_with(kl_of=torch.mean), "Independent dimensions add"),
            (step_with(kl_sign=2.0), "a factor 1/2"),
            (step_with_kl(lambda mu, logvar: mu**2 + logvar.exp() - 1 + logvar), "added logvar in the KL"),
            (step_with_kl(lambda mu, logvar: mu**2 + logvar.exp() - 1), "left logvar out of the KL"),
            (step_summed, "depends on the batch size"),
            (lambda *given: step_summed(*given, returned=torch.mean), "though you return the mean"),
            (lambda *given: -step_by_formula(*given), "return the loss"),
            (lambda *given: step_by_torch(*given) * 6, "a sum over the images"),
            (step_then_bound, "before the weights moved"),
            (step_of_own_noise, "You drew noise of your own"),
            (step_with(sigma=lambda logvar: logvar), "You took logvar for s"),
            (step_with(sigma=lambda logvar: logvar / 2), "the exponential is missing"),
            (lambda *given: step_of_two_reductions(*given, torch.mean, torch.sum), "over the images, too"),
            (
                lambda *given: step_of_two_reductions(*given, torch.sum, lambda kl: kl.sum(1).mean()),
                "You summed log p over the images",
            ),
        ],
    },
    "08.2": {
        "right": [aggregate_by_torch, aggregate_by_loop, aggregate_with()],
        "wrong": [
            (aggregate_with(mean=lambda t: t.logsumexp(1)), "subtract log N"),
            (aggregate_with(mean=lambda t: t.mean(1)), "Take the log of the average"),
            (aggregate_with(mean=lambda t: t.logsumexp(1) / t.shape[1]), "You divided the log by N"),
            (
                lambda z, m, a: log_q_by_formula(z, m, a).logsumexp(1).sum(1) - math.log(len(m)),
                "You took the log-sum-exp over images first",
            ),
            (
                lambda z, m, a: log_q_by_formula(z, m, a).logsumexp((1, 2)) - math.log(len(m)),
                "You added densities over the latents",
            ),
            (lambda z, m, a: aggregate_by_loop(z, m, a) + math.log(len(m)) - math.log(len(z)), "You subtracted log B"),
            (aggregate_with(mean=lambda t: t.exp().mean(1)), "Return its log"),
            (aggregate_with(mean=lambda t: torch.log(t.exp().mean(1) + 1e-30)), "a small number inside the log"),
            (aggregate_with(mean=lambda t: t.logsumexp(0) - math.log(t.shape[1])), "dim 1 of (B, N)"),
            (log_by_wrong_s, "or of a negative number"),
            (lambda z, m, a: aggregate_by_loop(z, m, a) + torch.log(len(m)), "such as math.log(n)"),
            (lambda z, m, a: aggregate_by_torch(z, m, a).mean(), "You averaged over the places, too"),
            (aggregate_with(mean=lambda t: t.amax(1)), "nearest image alone"),
            (aggregate_with(mean=lambda t: torch.log(torch.exp(t).mean(dim=1))), "You left the logs"),
            (lambda z, mu, logvar: aggregate_by_loop(z, mu, 2 * logvar), "exp(logvar) for s"),
            (lambda z, mu, logvar: aggregate_by_torch(z, mu, logvar / 2), "halved logvar twice"),
            (aggregate_with(over=torch.mean), "sum over L."),
            (aggregate_latent_by_latent, "all its latents together"),
            (aggregate_of_one, "one Gaussian with the mean mu"),
            (lambda z, m, a: aggregate_by_torch(z, m, a) + math.log(len(m)) - math.log(z.shape[1]), "You divided by L"),
            (lambda z, mu, a: aggregate_by_loop(z, mu, a) + 2 * math.log(len(mu)), "You added log N"),
            (
                aggregate_with(lambda z, mu, a: log_q_by_formula(z, mu, a) + 0.5 * math.log(2 * math.pi)),
                "the constant of the Gaussian",
            ),
        ],
    },
}
