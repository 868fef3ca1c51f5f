"""Answers to the exercises of lesson 15b as different people would write them, right and wrong; see test_check.py."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganlab.check.lesson_15b import night_shift


def shift(**called):
    """Return the right beds of seed 0, but for faults that are called by another's name: sign="exp missing"."""
    names = {name.replace(" ", "_").replace("'", ""): name for name in night_shift(0).values()}
    other = {names[key]: said for key, said in called.items()}
    return {bed: other.get(name, name) for bed, name in night_shift(0).items()}


def written_out(mu, logvar, eps, decoder, x):
    z = mu + torch.exp(0.5 * logvar) * eps
    log_p = -cross_entropy(decoder(z), x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return kl - log_p


def by_distributions(mu, logvar, eps, decoder, x):
    sigma = logvar.exp().sqrt()
    q, p = torch.distributions.Normal(mu, sigma), torch.distributions.Normal(0.0, 1.0)
    kl = torch.distributions.kl_divergence(q, p).sum(1)
    log_p = torch.distributions.Bernoulli(logits=decoder(mu + sigma * eps)).log_prob(x).sum(1)
    return -(log_p - kl).mean()


def as_given(mu, logvar, eps, decoder, x, half=0.5, sigma=None, pixels=None, latents=None, sign=1):
    """The loss with what a reader left in it, or put into it."""
    z = mu + (torch.exp(logvar / 2) if sigma is None else sigma(logvar)) * eps
    log_p = -cross_entropy(decoder(z), x, reduction="none")
    log_p = log_p.sum(1).mean() if pixels is None else pixels(log_p)
    kl = half * (mu**2 + logvar.exp() - 1 - logvar)
    kl = kl.sum(1).mean() if latents is None else latents(kl)
    return sign * kl - log_p


def over_the_batch(values):
    return values.sum(0).mean()


def left(**changed):
    return lambda *given: as_given(*given, **changed)


def beta(over_pixels, over_latents, pixels, latents):
    n = pixels if over_pixels == "mean" else 1
    m = latents if over_latents == "mean" else 1
    return n / m


def by_table(over_pixels, over_latents, pixels, latents):
    weights = {("sum", "sum"): 1, ("mean", "sum"): pixels, ("sum", "mean"): 1 / latents}
    return weights.get((over_pixels, over_latents), pixels / latents)


ANSWERS = {
    "15b.1": {
        "right": [shift(), dict(reversed(shift().items()))],
        "wrong": [
            (shift(half_missing="one missing"), "too large by 4"),
            (shift(exp_missing="half missing"), "0, 8 and 35.11"),
            (shift(one_missing="exp missing"), "-4 or 0"),
            (shift(sign="pixels averaged"), "-0.69"),
            (shift(sigmoid_on_z="prior's noise"), "would be 0 and 1"),
            (shift(priors_noise="sigmoid on z"), "between 0 and 1"),
            (shift(pixels_averaged="sign"), "would be 90"),
            (shift(pixels_averaged="prior's noise", priors_noise="pixels averaged"), "-0.69"),
            (shift(average_stuck="sign"), "would be 90"),
            (shift(sign="average stuck"), "average would be 0"),
        ],
    },
    "15b.2": {
        "right": [written_out, by_distributions, left()],
        "wrong": [
            (left(sigma=lambda logvar: logvar), "logvar for sigma"),
            (left(sigma=lambda logvar: logvar.exp()), "variance, exp(logvar)"),
            (left(sigma=lambda logvar: logvar / 2), "logvar / 2 for sigma"),
            (
                left(sigma=torch.exp, pixels=torch.mean, latents=lambda kl: kl.mean(1).mean()),
                "which is exp(logvar / 2), and you averaged log p over the pixels and the KL",
            ),
            (left(sigma=torch.exp, latents=torch.mean), "and you averaged the KL over the latents"),
            (left(sigma=lambda logvar: logvar / 2, pixels=torch.mean), "and you averaged log p over the pixels. Sum"),
            (left(pixels=torch.mean), "averaged over the pixels"),
            (left(latents=torch.mean), "averaged the KL over the latents"),
            (left(pixels=torch.mean, latents=torch.mean), "pixels and latents"),
            (left(pixels=torch.sum), "summed log p over the batch"),
            (left(latents=torch.sum), "summed the KL over the batch"),
            (left(pixels=torch.sum, latents=torch.sum), "summed over the batch"),
            (left(sign=-1), "subtracted the KL"),
            (lambda *given: -written_out(*given), "returned the ELBO"),
            (left(half=1), "the KL's half"),
            (lambda *given: -as_given(*given, sign=-1), "added log p"),
            (left(pixels=over_the_batch, latents=over_the_batch), "sum over dimension 1"),
            (lambda *given: as_given(*given).item(), "Leave out item()"),
        ],
    },
    "15b.3": {
        "right": [beta, by_table],
        "wrong": [
            (lambda *program: 1 / beta(*program), "turned it over"),
            (lambda a, b, n, m: (n if a == "sum" else 1) / (m if b == "sum" else 1), "exchanged the two words"),
            (lambda a, b, n, m: (n if a == "mean" else 1) * (m if b == "mean" else 1), "multiplied the two counts"),
            (lambda a, b, n, m: n if a == "mean" else 1, "left out the mean over the latents"),
            (lambda a, b, n, m: 1 / m if b == "mean" else 1, "left out the mean over the pixels"),
            (lambda a, b, n, m: 1 / ((n if a == "mean" else 1) * (m if b == "mean" else 1)), "1 / (pixels times"),
            (lambda *program: 1, "1 for every program"),
            (lambda a, b, n, m: n if (a, b) == ("mean", "sum") else 1, "only where the latents are summed"),
            (lambda a, b, n, m: n / m, "for every program"),
            (lambda a, b, n, m: 784, "784 for every program"),
            (lambda a, b, n, m: 1 if a == b else beta(a, b, n, m), "as if the two cancelled"),
            (lambda a, b, n, m: (n if a == "mean" else 1) // (m if b == "mean" else 1), "below 1"),
        ],
    },
}
