"""Answers to assignment 3 as different people would write them; a string is evaluated after the solved notebook."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Categorical, MultivariateNormal, Normal, kl_divergence

LOG_2PI = math.log(2 * math.pi)


def stub(*given):
    return ...


def two_stubs(*given):
    return ..., ...


# Part 3.1


def kl_by_torch(mu, logvar, mean_p, covariance_p):
    return kl_divergence(
        MultivariateNormal(mu, torch.diag_embed(logvar.exp())), MultivariateNormal(mean_p, covariance_p)
    )


def kl_by_cholesky(mu, logvar, mean_p, covariance_p):
    root = torch.linalg.cholesky(covariance_p)
    white = torch.linalg.solve_triangular(root, (mu - mean_p).T, upper=False)  # (L, B)
    inverse = torch.linalg.solve_triangular(root, torch.eye(len(root), dtype=root.dtype), upper=False)
    trace = logvar.exp() @ (inverse**2).sum(0)
    return (trace + (white**2).sum(0) - mu.shape[1] - logvar.sum(1)) / 2 + root.diagonal().log().sum()


def kl_in_a_loop(mu, logvar, mean_p, covariance_p):
    mu, logvar, mean_p, covariance_p = (a.numpy() for a in (mu, logvar, mean_p, covariance_p))
    inverse, found = np.linalg.inv(covariance_p), []
    for m, v in zip(mu, logvar, strict=True):
        quadratic = (m - mean_p) @ inverse @ (m - mean_p)
        trace = np.trace(inverse @ np.diag(np.exp(v)))
        found.append(0.5 * (trace + quadratic - m.size + np.linalg.slogdet(covariance_p)[1] - v.sum()))
    return found


def kl_in_float32(mu, logvar, mean_p, covariance_p):
    return kl_by_cholesky(*(a.float().clone().requires_grad_() for a in (mu, logvar, mean_p, covariance_p)))


def kl_parts(mu, logvar, mean_p, covariance_p):
    inverse, away = torch.linalg.inv(covariance_p), mu - mean_p
    trace, distance = (logvar.exp() * inverse.diagonal()).sum(1), ((away @ inverse) * away).sum(1)
    return trace, distance, torch.logdet(covariance_p), logvar.sum(1), mu.shape[1]


def kl_with(combine):
    return lambda *given: combine(*kl_parts(*given))


# Part 3.2


def elbo_by_numpy(x, mu, logvar, w, b, prior_mean, prior_sigma):
    x, mu, logvar, w, b = (a.numpy() for a in (x, mu, logvar, w, b))
    found = []
    for image, m, v in zip(x, mu, logvar, strict=True):
        s = np.exp(v / 2)
        z = np.linspace(m - 9 * s, m + 9 * s, 3001)
        q = np.exp(-(((z - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi))
        logits = np.outer(z, w) + b
        log_p = (image * logits - np.logaddexp(0, logits)).sum(axis=1)
        log_prior = -(((z - prior_mean) / prior_sigma) ** 2) / 2 - np.log(prior_sigma) - LOG_2PI / 2
        log_q = -(((z - m) / s) ** 2) / 2 - np.log(s) - LOG_2PI / 2
        found.append(np.trapezoid(q * (log_p + log_prior - log_q), z))
    return found


def elbo_by_hermite(x, mu, logvar, w, b, prior_mean, prior_sigma):
    nodes, weights = (torch.tensor(a) for a in np.polynomial.hermite_e.hermegauss(120))
    z = mu[:, None] + torch.exp(logvar / 2)[:, None] * nodes
    expected = (Bernoulli(logits=z[..., None] * w + b).log_prob(x[:, None]).sum(-1) * weights).sum(1) / weights.sum()
    return expected - kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(prior_mean, prior_sigma))


def elbo_in_float32(x, mu, logvar, w, b, prior_mean, prior_sigma):
    return elbo_parts(*(a.float() for a in (x, mu, logvar, w, b)), prior_mean, prior_sigma, lambda e, kl: e - kl)


def elbo_parts(x, mu, logvar, w, b, prior_mean, prior_sigma, combine):
    e = torch.linspace(-8, 8, 2001, dtype=x.dtype)
    z = mu[:, None] + torch.exp(logvar / 2)[:, None] * e
    logits = z[..., None] * w + b
    log_p = -F.binary_cross_entropy_with_logits(logits, x[:, None].expand_as(logits), reduction="none").sum(-1)
    expected = torch.trapezoid(torch.exp(-(e**2) / 2) / math.sqrt(2 * math.pi) * log_p, e)
    ratio = logvar.exp() / prior_sigma**2
    kl = 0.5 * (ratio + ((mu - prior_mean) / prior_sigma) ** 2 - 1 - ratio.log())
    return combine(expected, kl)


def elbo_with(combine):
    return lambda *given: elbo_parts(*given, combine)


def elbo_entropy(logvar):
    return 0.5 * (logvar + LOG_2PI + 1)


def elbo_at_the_mean(x, mu, logvar, w, b, prior_mean, prior_sigma):
    expected = Bernoulli(logits=mu[:, None] * w + b).log_prob(x).sum(1)
    return expected - kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(prior_mean, prior_sigma))


def elbo_under_the_prior(x, mu, logvar, w, b, prior_mean, prior_sigma, swap_kl=False):
    as_prior = torch.full_like(mu, prior_mean), torch.full_like(mu, 2 * math.log(prior_sigma))
    expected = elbo_by_hermite(x, *as_prior, w, b, prior_mean, prior_sigma)
    return expected - kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(prior_mean, prior_sigma))


def elbo_turned(x, mu, logvar, w, b, prior_mean, prior_sigma):
    q, p = Normal(mu, torch.exp(logvar / 2)), Normal(prior_mean, prior_sigma)
    return elbo_by_hermite(x, mu, logvar, w, b, prior_mean, prior_sigma) + kl_divergence(q, p) - kl_divergence(p, q)


def elbo_of_standard_prior(x, mu, logvar, w, b, prior_mean, prior_sigma):
    return elbo_by_hermite(x, mu, logvar, w, b, 0.0, 1.0)


def elbo_exact_evidence(x, mu, logvar, w, b, prior_mean, prior_sigma):
    z = torch.linspace(-9, 9, 4001, dtype=torch.float64) * prior_sigma + prior_mean
    log_p = Bernoulli(logits=z[:, None] * w + b).log_prob(x[:, None]).sum(-1)
    return torch.trapezoid((log_p + Normal(prior_mean, prior_sigma).log_prob(z)).exp(), z).log()


def elbo_of_one_draw(x, mu, logvar, w, b, prior_mean, prior_sigma):
    torch.manual_seed(0)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
    expected = Bernoulli(logits=z[:, None] * w + b).log_prob(x).sum(1)
    return expected - kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(prior_mean, prior_sigma))


def elbo_of_many_draws(x, mu, logvar, w, b, prior_mean, prior_sigma):
    draws = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z = mu + torch.exp(logvar / 2) * draws  # (20000, B)
    expected = Bernoulli(logits=z[..., None] * w + b).log_prob(x).sum(-1).mean(0)
    return expected - kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(prior_mean, prior_sigma))


# Part 3.3


def pathwise_by_backward(log_joint, mu, logvar, eps):
    mu, logvar = mu.clone().requires_grad_(), logvar.clone().requires_grad_()
    q = Normal(mu, torch.exp(logvar / 2))
    z = mu + torch.exp(logvar / 2) * eps
    (log_joint(z) - q.log_prob(z).sum(1)).mean().backward()
    return mu.grad, logvar.grad


def pathwise_by_chain_rule(log_joint, mu, logvar, eps):
    s = torch.exp(logvar / 2)
    z = (mu + s * eps).requires_grad_()
    slope = torch.autograd.grad(log_joint(z).sum(), z)[0]
    return slope.mean(0), ((slope * eps).mean(0) * s + 1) / 2


def pathwise_by_differences(log_joint, mu, logvar, eps, h=1e-5):
    def bound(mu, logvar):
        z = mu + torch.exp(logvar / 2) * eps
        return (log_joint(z) + (logvar / 2).sum()).mean()

    steps = h * torch.eye(len(mu), dtype=mu.dtype)
    by_mu = [(bound(mu + step, logvar) - bound(mu - step, logvar)).item() / (2 * h) for step in steps]
    return by_mu, [(bound(mu, logvar + step) - bound(mu, logvar - step)).item() / (2 * h) for step in steps]


def pathwise_with_entropy(log_joint, mu, logvar, eps):
    theta = torch.stack([mu, logvar]).requires_grad_()
    bound = log_joint(theta[0] + torch.exp(theta[1] / 2) * eps).mean() + theta[1].sum() / 2
    return torch.autograd.grad(bound, theta)[0].numpy()


def pathwise_of(bound):
    """Return an answer that differentiates `bound(log_joint, mu, logvar, eps)`."""

    def answer(log_joint, mu, logvar, eps):
        mu, logvar = mu.clone().requires_grad_(), logvar.clone().requires_grad_()
        return torch.autograd.grad(bound(log_joint, mu, logvar, eps), (mu, logvar), allow_unused=False)

    return answer


def log_q_of(z, mu, s):
    return Normal(mu, s).log_prob(z).sum(1)


def bound_right(log_joint, mu, logvar, eps):
    s = torch.exp(logvar / 2)
    z = mu + s * eps
    return (log_joint(z) - log_q_of(z, mu, s)).mean()


def bound_wide(log_joint, mu, logvar, eps):
    s = torch.exp(logvar)
    z = mu + s * eps
    return (log_joint(z) - log_q_of(z, mu, s)).mean()


def bound_frozen(log_joint, mu, logvar, eps):
    s = torch.exp(logvar / 2)
    z = mu + s * eps
    return (log_joint(z) - log_q_of(z, mu.detach(), s.detach())).mean()


def bound_detached(log_joint, mu, logvar, eps):
    z = (mu + torch.exp(logvar / 2) * eps).detach()
    return log_joint(z).mean()


def bound_without_log_q(log_joint, mu, logvar, eps):
    return log_joint(mu + torch.exp(logvar / 2) * eps).mean()


def pathwise_changed(change):
    """Return an answer whose numbers are `change(by_mu, by_logvar, s)` of the right ones."""

    def answer(log_joint, mu, logvar, eps):
        return change(*pathwise_by_chain_rule(log_joint, mu, logvar, eps), torch.exp(logvar / 2))

    return answer


def pathwise_without_eps(log_joint, mu, logvar, eps):
    by_mu, _ = pathwise_by_chain_rule(log_joint, mu, logvar, eps)
    return by_mu, by_mu * torch.exp(logvar / 2) / 2 + 0.5


def pathwise_at_the_mean(log_joint, mu, logvar, eps):
    return pathwise_by_chain_rule(log_joint, mu, logvar, 0 * eps[:1])


def pathwise_at_eps(log_joint, mu, logvar, eps):
    z = eps.clone().requires_grad_()
    slope = torch.autograd.grad(log_joint(z).sum(), z)[0]
    return slope.mean(0), (slope * eps).mean(0) * torch.exp(logvar / 2) / 2 + 0.5


def pathwise_by_score(log_joint, mu, logvar, eps):
    s = torch.exp(logvar / 2)
    z = mu + s * eps
    f = (log_joint(z) - log_q_of(z, mu, s))[:, None]
    return (f * eps / s).mean(0), (f * (eps**2 - 1) / 2).mean(0)


def score_parts(log_joint, mu, logvar, eps):
    s = torch.exp(logvar / 2)
    z = mu + s * eps
    return log_joint(z), log_q_of(z, mu, s), s


def score_by_surrogate(log_joint, mu, logvar, eps):
    mu, logvar = mu.clone().requires_grad_(), logvar.clone().requires_grad_()
    z = (mu + torch.exp(logvar / 2) * eps).detach()
    log_q = log_q_of(z, mu, torch.exp(logvar / 2))
    f = (log_joint(z) - log_q).detach()
    advantage = f - (f.sum() - f) / (len(f) - 1)
    return torch.autograd.grad((advantage * log_q).mean(), (mu, logvar))


def score_in_a_loop(log_joint, mu, logvar, eps):
    joint, log_q, s = score_parts(log_joint, mu, logvar, eps)
    f, by_mu, by_logvar = (joint - log_q).tolist(), 0, 0
    for k, noise in enumerate(eps):
        baseline = np.mean(f[:k] + f[k + 1 :])
        by_mu = by_mu + (f[k] - baseline) * noise / s
        by_logvar = by_logvar + (f[k] - baseline) * 0.5 * (noise**2 - 1)
    return by_mu / len(f), by_logvar / len(f)


def score_by_covariance(log_joint, mu, logvar, eps):
    joint, log_q, s = score_parts(log_joint, mu, logvar, eps)
    centred = (joint - log_q - (joint - log_q).mean())[:, None]  # K / (K - 1) of it is f minus the others' mean
    return (centred * eps).sum(0) / (len(eps) - 1) / s, (centred * eps**2).sum(0) / (len(eps) - 1) / 2


def score_in_numpy(log_joint, mu, logvar, eps):
    mu, logvar, eps = (a.numpy() for a in (mu, logvar, eps))
    s, n = np.exp(logvar / 2), len(eps)
    f = np.asarray(log_joint(torch.tensor(mu + s * eps))) + (logvar + eps**2).sum(1) / 2
    advantage = f - (np.ones((n, n)) - np.eye(n)) @ f / (n - 1)
    return (advantage @ eps / s / n).astype("float32"), (advantage @ (eps**2 - 1) / 2 / n).astype("float32")


def score_with(advantage, by_mu=None, by_logvar=None, mean=True):
    """Return an answer with that advantage of (log joint, log q), and those scores of (eps, s)."""

    def answer(log_joint, mu, logvar, eps):
        joint, log_q, s = score_parts(log_joint, mu, logvar, eps)
        a = advantage(joint, log_q)[:, None]
        scores = (by_mu or (lambda e, s: e / s))(eps, s), (by_logvar or (lambda e, s: (e**2 - 1) / 2))(eps, s)
        return tuple((a * score).sum(0) / (len(eps) if mean else 1) for score in scores)

    return answer


def left_out(f):
    return (f.sum() - f) / (len(f) - 1)


def right_advantage(joint, log_q):
    return joint - log_q - left_out(joint - log_q)


# Part 3.4


def effective_by_max(log_w):
    w = torch.exp(log_w - log_w.max(0).values)
    return w.sum(0) ** 2 / (w**2).sum(0)


def effective_by_softmax(log_w):
    return 1 / (torch.softmax(log_w, 0) ** 2).sum(0)


def effective_in_numpy(log_w):
    log_w = log_w.numpy()
    return np.exp(2 * np.logaddexp.reduce(log_w, axis=0) - np.logaddexp.reduce(2 * log_w, axis=0))


def effective_in_a_loop(log_w):
    counts = []
    for image in log_w.float().T:
        w = torch.exp(image - image.max())
        counts.append((w.sum() ** 2 / w.square().sum()).item())
    return counts


def effective_naive(log_w):
    w = torch.exp(log_w)
    return w.sum(0) ** 2 / (w**2).sum(0)


def effective_by_global_maximum(log_w):
    return effective_naive(log_w - log_w.max())


# Part 3.5


def discretised_by_tails(levels, mean, sigma):
    value = levels.double() / 255
    a, b = (value - 0.5 / 255 - mean) / sigma, (value + 0.5 / 255 - mean) / sigma
    a, b = torch.where(levels == 0, -torch.inf, a), torch.where(levels == 255, torch.inf, b)
    flip = a + b > 0
    a, b = torch.where(flip, -b, a), torch.where(flip, -a, b)
    log_a, log_b = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    return log_b + torch.log(-torch.expm1(log_a - log_b))


def discretised_by_quadrature(levels, mean, sigma, n=4001):
    found = []
    for level, m in zip(levels.tolist(), mean.tolist(), strict=True):
        low, high = ((level + side - 255 * m) / (255 * sigma) for side in (-0.5, 0.5))
        low = min(high, 0) - 10 if level == 0 else low
        high = max(low, 0) + 10 if level == 255 else high
        t = torch.linspace(low, high, n, dtype=torch.float64)
        log_f = -(t**2) / 2 - LOG_2PI / 2
        log_f[0] -= math.log(2)
        log_f[-1] -= math.log(2)
        found.append(torch.logsumexp(log_f, 0) + math.log((high - low) / (n - 1)))
    return torch.stack(found)


def discretised_in_a_loop(levels, mean, sigma):
    def log_ndtr(a):
        return float(torch.special.log_ndtr(torch.tensor(a, dtype=torch.float64)))

    found = []
    for k, m in zip(levels.tolist(), mean.tolist(), strict=True):
        a, b = (k - 0.5 - 255 * m) / (255 * sigma), (k + 0.5 - 255 * m) / (255 * sigma)
        if k == 0:
            found.append(log_ndtr(b))
        elif k == 255:
            found.append(log_ndtr(-a))
        else:
            big, small = (log_ndtr(-a), log_ndtr(-b)) if a > 0 else (log_ndtr(b), log_ndtr(a))
            found.append(big + math.log1p(-math.exp(small - big)))
    return found


def discretised_in_float32(levels, mean, sigma):
    return discretised_by_tails(levels, mean.float().requires_grad_(), sigma).float()


def discretised_binned(value_of, low, high, edges=True, scale=lambda s: s, floor=None):
    """Return an answer with that value of a level, and that reach of its bin to either side."""

    def answer(levels, mean, sigma):
        value, s = value_of(levels.double()), scale(sigma)
        a, b = (value - low - mean) / s, (value + high - mean) / s
        if edges:
            a, b = torch.where(levels == 0, -torch.inf, a), torch.where(levels == 255, torch.inf, b)
        flip = a + b > 0
        a, b = torch.where(flip, -b, a), torch.where(flip, -a, b)
        log_a, log_b = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
        log_p = log_b + torch.log(-torch.expm1(log_a - log_b))
        return log_p if floor is None else floor(log_p.exp()).log()

    return answer


HALF = 0.5 / 255


def by_255(k):
    return k / 255


def by_256(k):
    return k / 256


def discretised_naive(levels, mean, sigma):
    value = levels.double() / 255
    p = torch.special.ndtr((value + HALF - mean) / sigma) - torch.special.ndtr((value - HALF - mean) / sigma)
    p = torch.where(levels == 0, torch.special.ndtr((HALF - mean) / sigma), p)
    p = torch.where(levels == 255, 1 - torch.special.ndtr((1 - HALF - mean) / sigma), p)
    return p.log()


def discretised_logistic(levels, mean, sigma):
    from ganlab.probability import discretized_logistic_log_density

    return discretized_logistic_log_density(levels.double() / 255, mean, math.log(sigma))


def discretised_normalised(levels, mean, sigma):
    every = torch.arange(256, dtype=torch.float64) / 255  # a softmax over the 256 densities
    log_f = -(((every - mean[:, None]) / sigma) ** 2) / 2
    return Categorical(logits=log_f).log_prob(levels)


def density_of_levels(levels, mean, sigma):
    return Normal(mean, sigma).log_prob(levels.double() / 255)


ANSWERS = {
    "kl": {
        "right": [kl_by_torch, kl_by_cholesky, kl_in_a_loop, kl_in_float32],
        "wrong": [
            (stub, "not attempted"),
            (
                lambda m, v, n, c: kl_divergence(
                    MultivariateNormal(n, c), MultivariateNormal(m, torch.diag_embed(v.exp()))
                ),
                "the two are swapped",
            ),
            (lambda m, v, n, c: 0.5 * (m**2 + v.exp() - 1 - v).sum(1), "KL to N(0, I)"),
            (
                lambda m, v, n, c: kl_divergence(Normal(m, torch.exp(v / 2)), Normal(n, c.diagonal().sqrt())).sum(1),
                "left the prior's correlations out",
            ),
            (lambda m, v, n, c: kl_by_torch(m, v, 0 * n, c), "left the prior's mean out"),
            (lambda m, v, n, c: kl_by_torch(m, 2 * v, n, c), "s squared already"),
            (lambda m, v, n, c: kl_by_torch(m, v / 2, n, c), "used the standard deviation"),
            (
                lambda m, v, n, c: kl_divergence(
                    MultivariateNormal(m, torch.diag_embed(v.exp())), MultivariateNormal(n, precision_matrix=c)
                ),
                "has to be inverted",
            ),
            (lambda m, v, n, c: kl_by_torch(m, v, n, c @ c.T), "not a factor of it"),
            (kl_with(lambda t, d, log_p, log_q, k: t + d - k + log_p - log_q), "half in front"),
            (kl_with(lambda t, d, log_p, log_q, k: (t + d + log_p - log_q) / 2), "You left the L out"),
            (kl_with(lambda t, d, log_p, log_q, k: (t + d - 1 + log_p - log_q) / 2), "You subtracted 1."),
            (kl_with(lambda t, d, log_p, log_q, k: (t + d - k - log_q) / 2), "log-determinant of the prior"),
            (kl_with(lambda t, d, log_p, log_q, k: (t + d - k + log_p) / 2), "left out the entropy of q"),
            (kl_with(lambda t, d, log_p, log_q, k: (t + d - k - log_p + log_q) / 2), "wrong sign"),
            (kl_with(lambda t, d, log_p, log_q, k: (d + log_p - log_q) / 2), "the trace term"),
            (kl_with(lambda t, d, log_p, log_q, k: (t - k + log_p - log_q) / 2), "distance of the means"),
            (lambda *given: kl_by_torch(*given) / given[0].shape[1], "their KL is a sum"),
            (lambda *given: kl_by_torch(*given).mean().expand(len(given[0])), "one KL a row"),
            (lambda *given: -kl_by_torch(*given), "never negative"),
            (lambda *given: kl_by_torch(*given).mean(), "the mean over the rows"),
            (lambda *given: [0.0, 2.859141], ""),
        ],
    },
    "elbo": {
        "right": [elbo_by_numpy, elbo_by_hermite, elbo_in_float32, elbo_with(lambda e, kl: e - kl)],
        "wrong": [
            (stub, "not attempted"),
            (elbo_with(lambda e, kl: e + kl), "You added the KL"),
            (elbo_with(lambda e, kl: e), "You left out the KL"),
            (elbo_with(lambda e, kl: -kl), "left out the expected log-likelihood"),
            (elbo_with(lambda e, kl: kl - e), "yours is the loss"),
            (elbo_of_standard_prior, "N(0, 1): this prior"),
            (lambda *given: elbo_by_hermite(*given[:5], 0.0, given[6]), "left the prior's mean out"),
            (lambda *given: elbo_by_hermite(*given[:6], 1.0), "left the prior's sigma out"),
            (lambda *given: elbo_by_hermite(*given[:6], given[6] ** 0.5), "took prior_sigma for a variance"),
            (elbo_turned, "turned the KL around"),
            (lambda x, mu, logvar, *rest: elbo_by_hermite(x, mu, 2 * logvar, *rest), "exp(logvar / 2)"),
            (elbo_at_the_mean, "at z = mu"),
            (elbo_under_the_prior, "the expectation over the prior"),
            (elbo_exact_evidence, "an exponential that overflowed"),
            (elbo_with(lambda e, kl: e / 4 - kl), "mean over the pixels"),
            (lambda *given: elbo_by_hermite(*given) + elbo_entropy(given[2]), "counted the entropy of q twice"),
            (lambda *given: elbo_by_hermite(*given) - elbo_entropy(given[2]), "without - E log q"),
            (lambda *given: elbo_by_hermite(*given).mean().expand(len(given[0])), "one number an image"),
            (lambda *given: elbo_by_hermite(*given) / math.log(2), "bits"),
            (lambda *given: elbo_by_hermite(*given) + math.log(given[6]), "the log of prior_sigma out"),
            (
                lambda x, mu, logvar, w, b, m, s: (
                    elbo_by_hermite(x, mu, logvar, w, b, m, s)
                    + (logvar.exp() + (mu - m) ** 2) * (1 / (2 * s**2) - 1 / (2 * s))
                ),
                "by the square of prior_sigma",
            ),
            (
                lambda x, mu, logvar, w, b, m, s: (
                    elbo_by_hermite(x, mu, logvar, w, b, m, s) + logvar.exp() * (1 / s**2 - 1) / 2
                ),
                "divide both terms",
            ),
            (elbo_of_one_draw, ""),
            (elbo_of_many_draws, "a mean taken over few draws"),
            (  # the grid of the setup, which does not follow q
                "lambda x, mu, logvar, w, b, m, s: torch.stack([probability.integrate(probability"
                ".gaussian_log_density(z_grid, one, sigma).exp() * probability.bernoulli_log_density(image,"
                " z_grid[:, None] * w + b).sum(-1), z_grid) for image, one, sigma in zip(x, mu, (logvar / 2).exp())])"
                " - probability.gaussian_kl((mu - m) / s, logvar - 2 * np.log(s))",
                "You integrated over a fixed grid",
            ),
            (lambda *given: elbo_by_hermite(*given).sum(), "added the images up"),
            (lambda *given: [-2.079442, -2.079442], ""),
        ],
    },
    "own-bound": {
        "right": [
            "gap.float().view(1).requires_grad_()",
            "round(gap.item(), 4)",
            "(np.log(np.trapezoid(np.exp(log_joint.numpy()), z_grid.numpy())) - max(elbo("
            "own_x.expand(60, 5), torch.full((60,), m).double(), torch.linspace(-2.0, 0, 60).double(), w, b,"
            " prior_mean, prior_sigma).max() for m in torch.arange(0, 2.2, 0.02).tolist())).item()",
        ],
        "wrong": [
            ("...", "not attempted"),
            ("log_p_x - gap", "You gave the best"),
            ("gap - log_p_x", "still to be added"),
            ("log_p_x", "still to be subtracted"),
            ("-gap", "You gave the gap with"),
            ("gap / np.log(2)", "bits"),
            (
                "probability.integrate((log_joint - log_prior + probability.gaussian_log_density(z_grid, 0.0, 1.0))"
                ".exp(), z_grid).log() - log_p_x + gap",
                "under the prior N(0, 1)",
            ),
            (
                "(lambda m: log_p_x - elbo(own_x[None], m.view(1), probability.integrate("
                "log_posterior.exp() * (z_grid - m) ** 2, z_grid).log().view(1), w, b, prior_mean, prior_sigma))"
                "(probability.integrate(log_posterior.exp() * z_grid, z_grid))",
                "You took the q with",
            ),
            (
                "log_p_x - elbo(own_x[None], torch.tensor([prior_mean]).double(),"
                " torch.tensor([2 * np.log(prior_sigma)]), w, b, prior_mean, prior_sigma)[0]",
                "q = prior",
            ),
            (
                "log_p_x - elbo(own_x[None], torch.zeros(1).double(), torch.zeros(1).double(), w, b,"
                " prior_mean, prior_sigma)[0]",
                "N(0, 1): look",
            ),
            ("0.0", "You gave 0"),
            (
                "probability.gaussian_kl((best[:1] - prior_mean) / prior_sigma, best[1:] - 2 * np.log(prior_sigma))",
                "KL of the best q to the prior",
            ),
            ("gap + 0.01", ""),
            ("gap.expand(2)", "You gave"),
        ],
    },
    "pathwise": {
        "right": [pathwise_by_backward, pathwise_by_chain_rule, pathwise_by_differences, pathwise_with_entropy],
        "wrong": [
            (two_stubs, "not attempted"),
            (pathwise_of(bound_without_log_q), "you left the entropy out"),
            (pathwise_changed(lambda a, b, s: (a, b - 1)), "the sign of log q"),
            (pathwise_changed(lambda a, b, s: (a, b + 0.5)), "entropy grow by 1"),
            (pathwise_changed(lambda a, b, s: (6 * a, 6 * b)), "sum over the K draws"),
            (pathwise_of(lambda *given: -bound_right(*given)), "both signs"),
            (pathwise_changed(lambda a, b, s: (a, 2 * b / s)), "gradient by s:"),
            (pathwise_changed(lambda a, b, s: (a, 2 * b)), "by log s"),
            (pathwise_of(bound_wide), "mu + exp(logvar / 2) eps"),
            (pathwise_of(bound_frozen), "froze q's parameters"),
            (pathwise_of(bound_detached), "You cut (A3.2) off"),
            (pathwise_by_score, "score-function estimate"),
            (pathwise_at_the_mean, "took the slope at z = mu:"),
            (pathwise_at_eps, "took the slope at eps"),
            (pathwise_without_eps, "times its eps"),
            (pathwise_changed(lambda a, b, s: (a, (b - 0.5) * 2 / s + 0.5)), "You took eps for"),
            (pathwise_changed(lambda a, b, s: (a, (b - 0.5) * 2 + 0.5)), "left the half out"),
            (pathwise_changed(lambda a, b, s: (a.mean(), b.mean())), "You gave"),
            (lambda log_joint, mu, logvar, eps: ([3.0, -1.0], [3.5, -1.5]), ""),
        ],
    },
    "score": {
        "right": [score_by_surrogate, score_in_a_loop, score_by_covariance, score_in_numpy],
        "wrong": [
            (two_stubs, "not attempted"),
            (score_with(lambda joint, log_q: joint - log_q), "left the baseline out"),
            (score_with(lambda joint, log_q: (joint - log_q) - (joint - log_q).mean()), "holds the draw itself"),
            (
                score_with(
                    lambda joint, log_q: joint - log_q - left_out(joint - log_q) * (len(joint) - 1) / len(joint)
                ),
                "divided the sum of the others by K",
            ),
            (
                score_with(lambda joint, log_q: joint - log_q - left_out(joint - log_q) * (len(joint) - 1)),
                "took the sum of the others",
            ),
            (score_with(lambda joint, log_q: joint - log_q + left_out(joint - log_q)), "is to be subtracted"),
            (score_with(lambda joint, log_q: -right_advantage(joint, log_q)), "baseline minus f"),
            (score_with(lambda joint, log_q: left_out(joint - log_q)), "baseline alone"),
            (score_with(lambda joint, log_q: joint - left_out(joint)), "left log q out of f"),
            (score_with(lambda joint, log_q: joint + log_q - left_out(joint + log_q)), "log q the wrong sign"),
            (score_with(right_advantage, mean=False), "sum over the K draws"),
            (score_with(right_advantage, by_mu=lambda e, s: e), "a factor 1 / s"),
            (score_with(right_advantage, by_mu=lambda e, s: e / s**2), "s eps already"),
            (score_with(right_advantage, by_logvar=lambda e, s: (e**2 - 1) / s), "gradient by s (7c.4)"),
            (score_with(right_advantage, by_logvar=lambda e, s: e**2 - 1), "by log s"),
            (
                lambda log_joint, mu, logvar, eps: tuple(
                    part * factor
                    for part, factor in zip(score_by_surrogate(log_joint, mu, 2 * logvar, eps), (1, 2), strict=True)
                ),
                "mu + exp(logvar / 2) eps",
            ),
            (score_with(lambda joint, log_q: joint - log_q - (joint - log_q).max()), "the largest f"),
            (score_with(lambda joint, log_q: torch.ones_like(joint)), "mean score alone"),
            (pathwise_of(bound_right), ""),
            (score_with(lambda joint, log_q: joint - log_q - (joint - log_q).median()), "the median of all draws"),
            (lambda log_joint, mu, logvar, eps: ([1.875], [2.109375]), "You gave"),
        ],
    },
    "importance": {
        "right": [effective_by_max, effective_by_softmax, effective_in_numpy, effective_in_a_loop],
        "wrong": [
            (stub, "not attempted"),
            (lambda a: effective_by_max(a.T), "You summed over the images"),
            (lambda a: effective_by_max(a) / len(a), "effective share"),
            (lambda a: (a.softmax(0) ** 2).sum(0), "(sum w)^2 stands above"),
            (lambda a: (a - a.max(0).values).exp().sum(0), "sum w / max w"),
            (lambda a: torch.full((a.shape[1],), float(len(a))), "not of those that count"),
            (lambda a: effective_by_max(a / 2), "roots of the weights"),
            (lambda a: 1 / (a.softmax(0) ** 4).sum(0) * (a.softmax(0) ** 2).sum(0) ** 2, "squares of the weights"),
            (lambda a: effective_by_max(a).log(), "the log of what"),
            (lambda a: effective_by_max(a).sqrt(), "You gave the root"),
            (lambda a: (a.softmax(0) ** 2).sum(0) / (a.softmax(0) ** 2).sum(0), "outside of that sum"),
            (lambda a: 1 / (a.flatten().softmax(0) ** 2).sum().repeat(a.shape[1]), "over all images together"),
            (lambda a: (a - a.max(0).values).exp().sum(0) ** 2, "left the sum below out"),
            (effective_naive, "not finite"),
            (effective_by_global_maximum, "not finite"),
            (lambda a: (a.exp().sum(0) ** 2 + 1e-10) / ((2 * a).exp().sum(0) + 1e-10), "not finite"),
            (lambda a: effective_by_max(a).mean(), "You gave"),
            (lambda a: [1.6, 2.0, 1.0], ""),
        ],
    },
    "discretised": {
        "right": [discretised_by_tails, discretised_by_quadrature, discretised_in_a_loop, discretised_in_float32],
        "wrong": [
            (stub, "not attempted"),
            (density_of_levels, "log of a density"),
            (lambda *given: density_of_levels(*given) - math.log(255), "inner bins only"),
            (lambda *given: density_of_levels(*given) - math.log(256), "density times 1 / 256"),
            (discretised_binned(by_255, HALF, HALF, edges=False), "do not add up to 1"),
            (discretised_binned(by_255, 0.5 / 256, 0.5 / 256), "took bins 1 / 256 wide"),
            (discretised_binned(by_256, HALF, HALF), "You took k / 256"),
            (discretised_binned(by_256, 0.5 / 256, 0.5 / 256), "You counted in 256ths"),
            (discretised_binned(by_255, 0.0, 1 / 255), "start at the value"),
            (discretised_binned(by_255, 1 / 255, 1 / 255), "a whole step"),
            (discretised_binned(by_255, HALF, HALF, scale=lambda s: s**2), "sigma squared"),
            (discretised_binned(by_255, HALF, HALF, scale=math.sqrt), "sigma for a variance"),
            (discretised_logistic, "lesson 08e's logistic"),
            (lambda *given: discretised_by_tails(*given).exp(), "their logs were asked"),
            (lambda *given: -discretised_by_tails(*given), "a loss"),
            (lambda *given: discretised_by_tails(*given) / math.log(2), "bits"),
            (discretised_binned(by_255, HALF, HALF, floor=lambda p: p + 1e-12), "caps"),
            (discretised_binned(by_255, HALF, HALF, floor=lambda p: p.clamp(min=1e-12)), "caps"),
            (discretised_naive, "not finite"),
            (lambda *given: discretised_by_tails(*given).sum(), "added the log-probabilities up"),
            (discretised_normalised, "divided by their sum"),
            (lambda *given: [-0.959916, -1.419932], ""),
        ],
    },
    "calibrated": {
        "right": [
            "torch.stack([torch.tensor(sigma_in_levels), bits]).float().requires_grad_()",
            "(round(sigma_in_levels, 3), round(bits.item(), 3))",
            "(np.array([sigma_in_levels]), bits.view(1))",
            "tuple(np.floor(1000 * float(number)) / 1000 for number in (sigma_in_levels, bits))",  # cut off
            "(lambda s: (s, -discretised_log_p(own_levels, own_x_hat, s / 255).sum().item() / 3000 * np.log2(np.e)))"
            "(min((k / 2000 for k in range(900, 1700)),"
            " key=lambda s: -float(discretised_log_p(own_levels, own_x_hat, s / 255).sum())))",
        ],
        "wrong": [
            ("(..., ...)", "not attempted"),
            ("(sigma_in_levels, ...)", "not attempted"),
            (
                "(lambda s: (s, -discretised_log_p(own_levels, own_x_hat, s / 255).mean() / np.log(2)))"
                "((own_levels - 255 * own_x_hat).square().mean().sqrt().item())",
                "Your sigma is the root of the mean square. Rounding",
            ),
            (
                "(lambda s: (s, (0.5 + np.log(s) + np.log(2 * np.pi) / 2) / np.log(2)))"
                "((own_levels - 255 * own_x_hat).square().mean().sqrt().item())",
                "You fitted the",
            ),
            (
                "(lambda s: (s, (0.5 + np.log(s / 255) + np.log(2 * np.pi) / 2) / np.log(2)))"
                "((own_levels - 255 * own_x_hat).square().mean().sqrt().item())",
                "density on [0, 1]",
            ),
            ("((own_levels - 255 * own_x_hat).square().mean(), bits)", "Your first number is the mean"),
            (
                "((own_levels - 255 * own_x_hat).square().mean().sqrt(), bits)",
                "Your sigma is the root of the mean square. Rounding to levels widens that. Your",
            ),
            ("(sigma_in_levels / 255, bits)", "in levels: times 255"),
            ("(sigma_in_levels * 255, bits)", "in levels already"),
            ("(sigma_in_levels**2, bits)", "the variance"),
            ("(sigma_in_levels, bits * np.log(2))", "in nats"),
            ("(sigma_in_levels, -bits)", "Your second number has"),
            ("(sigma_in_levels, bits * len(own_levels))", "all pixels together"),
            ("(sigma_in_levels, bits * np.log(2) ** 2)", "divide instead"),
            ("(sigma_in_levels, bits + 8)", "You added 8"),
            ("(sigma_in_levels, 8 - bits)", "saved against 8 bits"),
            ("(sigma_in_levels, 2**bits)", "Your second number is 2"),
            ("(bits, sigma_in_levels)", "swapped"),
            ("(1.0, -discretised_log_p(own_levels, own_x_hat, 1 / 255).mean() / np.log(2))", "You took a"),
            (
                "min((-float(probability.discretized_logistic_log_density(own_levels / 255.0, own_x_hat,"
                " np.log(k / 10000 / 255)).mean()) / np.log(2), k / 10000) for k in range(2000, 6000, 3))[::-1]",
                "lesson 08e's logistic",
            ),
            ("(sigma_in_levels + 0.02, bits + 0.01)", ""),
        ],
    },
}


def kl_with(inverse, variances=torch.exp):
    def answer(mu, logvar, mean_p, covariance_p):
        in_trace, in_distance = (change(covariance_p) for change in inverse)
        away = mu - mean_p
        found = ((away @ in_distance) * away).sum(1) + (in_trace.diagonal() * variances(logvar)).sum(1)
        return (found - logvar.sum(1) + torch.logdet(covariance_p) - mu.shape[1]) / 2

    return answer


def elbo_on(grid, pixels=lambda x, logits: x * logits - F.softplus(logits), log_of_mean=False):
    def answer(x, mu, logvar, w, b, prior_mean, prior_sigma):
        s = (logvar / 2).exp()
        logits = (mu[:, None] + s[:, None] * grid)[..., None] * w + b
        log_p, log_q = pixels(x[:, None].expand_as(logits), logits).sum(2), -(grid**2 + LOG_2PI) / 2
        step = grid[1] - grid[0]
        mean = (
            torch.logsumexp(log_p + log_q + step.log(), 1)
            if log_of_mean
            else torch.trapezoid(log_p * log_q.exp(), grid)
        )
        return mean - (((s**2 + (mu - prior_mean) ** 2) / prior_sigma**2 - 1 - logvar) / 2 + math.log(prior_sigma))

    return answer


WIDE, SHORT = (torch.linspace(-end, end, 4001, dtype=torch.float64) for end in (9, 2))


def by_backward_on_the_given(log_joint, mu, logvar, eps):
    mu.requires_grad_(), logvar.requires_grad_()
    z = mu + (logvar / 2).exp() * eps
    (log_joint(z) - Normal(mu, (logvar / 2).exp()).log_prob(z).sum(1)).mean().backward()
    return mu.grad, logvar.grad


def by_grad_on_the_given(log_joint, mu, logvar, eps):
    mu.requires_grad_(), logvar.requires_grad_()
    z = mu + (logvar / 2).exp() * eps
    elbo = (log_joint(z) - Normal(mu, (logvar / 2).exp()).log_prob(z).sum(1)).mean()
    return torch.autograd.grad(elbo, (mu, logvar))


def score_without_the_1(log_joint, mu, logvar, eps):  # right: the brackets of (A3.3) add up to 0
    s = (logvar / 2).exp()
    f = log_joint(mu + s * eps) + ((eps**2 + logvar + LOG_2PI) / 2).sum(1)
    bracket = (f - (f.sum() - f) / (len(f) - 1))[:, None]
    return (bracket * eps / s).mean(0), (bracket * eps**2 / 2).mean(0)


def without_the_largest(log_w):
    log_w -= log_w.max(0).values
    return log_w.exp().sum(0) ** 2 / (log_w.exp() ** 2).sum(0)


ADDED = {  # of a review: answers that once had full marks, or no hint, or an untrue one
    "kl": {
        "wrong": [
            (kl_with((lambda c: c, torch.linalg.inv)), "You did not invert"),
            (kl_with((torch.linalg.inv, lambda c: c)), "You did not invert"),
            (kl_with((torch.linalg.inv,) * 2, lambda v: (v / 2).exp()), "standard deviation in the trace"),
            (lambda m, v, n, c: kl_with((torch.linalg.inv,) * 2)(m, v.clamp(-10, 10), n, c), "You clamped logvar"),
        ],
    },
    "elbo": {
        "right": [elbo_on(WIDE)],
        "wrong": [
            (elbo_on(SHORT), "You ended the grid of e at 2"),
            (elbo_on(WIDE, lambda x, a: x * a - (1 + a.exp()).log()), "an exponential that overflowed"),
            (elbo_on(WIDE, lambda x, a: x * a.clamp(-30, 30) - F.softplus(a.clamp(-30, 30))), "You clamped the logits"),
            (
                elbo_on(WIDE, lambda x, a: -F.binary_cross_entropy(a.sigmoid(), x, reduction="none")),
                "You cut a log off",
            ),
            (elbo_on(WIDE, log_of_mean=True), "You took the log of the mean"),
        ],
    },
    "own-bound": {"wrong": [("gap * 1.01", "You come within")]},
    "pathwise": {
        "right": [by_grad_on_the_given],
        "wrong": [
            (by_backward_on_the_given, "You changed the `mu`"),
        ],
    },
    "score": {"right": [score_without_the_1]},
    "importance": {
        "wrong": [
            (without_the_largest, "You changed the `log_w`"),
            (lambda a: Categorical(logits=a.T).entropy().exp(), "perplexity"),
        ],
    },
}


def kl_pieces(trace=None, distance=None, log_det=torch.logdet, count=None):
    """Return an answer with another trace, distance, log-determinant, or number for L."""

    def answer(mu, logvar, mean_p, covariance_p):
        inverse, away = torch.linalg.inv(covariance_p), mu - mean_p
        found = (logvar.exp() * inverse.diagonal()).sum(1) if trace is None else trace(logvar, covariance_p)
        found = found + ((away @ inverse * away).sum(1) if distance is None else distance(away, covariance_p))
        found = found - (mu.shape[1] if count is None else count(mu))
        return (found + log_det(covariance_p) - logvar.sum(1)) / 2

    return answer


GAP_AT_THE_MODE = (
    "(lambda z: log_p_x - elbo(own_x[None], z[None], -(1 / prior_sigma**2 + (torch.sigmoid(w * z + b)"
    " * torch.sigmoid(-w * z - b) * w**2).sum()).log()[None], w, b, prior_mean, prior_sigma))"
    "(z_grid[log_joint.argmax()])"
)


def score_undetached(log_joint, mu, logvar, eps):
    m, v = mu.clone().requires_grad_(), logvar.clone().requires_grad_()
    z = (mu + (logvar / 2).exp() * eps).detach()
    log_q = Normal(m, (v / 2).exp()).log_prob(z).sum(1)
    f = log_joint(z) - log_q
    return torch.autograd.grad(((f - left_out(f)) * log_q).mean(), (m, v))


def bound_with_standard_kl(log_joint, mu, logvar, eps):
    return log_joint(mu + torch.exp(logvar / 2) * eps).mean() - (mu**2 + logvar.exp() - 1 - logvar).sum() / 2


def by_the_first_draw(log_joint, mu, logvar, eps):
    return pathwise_of(bound_right)(log_joint, mu, logvar, eps[:1])


def naive_with(floor):
    def answer(levels, mean, sigma):
        return floor(discretised_naive(levels, mean, sigma).exp())

    return answer


CALIBRATED_ON_A_GRID = (
    "(lambda cost: min((float(cost(s)), s) for s in np.arange({0}, 3, {0}))[::-1])"
    "(lambda s: -discretised_log_p(own_levels, own_x_hat, s / 255).mean() / np.log(2))"
)
AGAIN = {  # of a second review, its answers written before this bank was read
    "kl": {
        "wrong": [
            (kl_pieces(trace=lambda v, c: (v.exp() * c.diagonal()).sum(1)), "in the trace"),
            (kl_pieces(distance=lambda a, c: (a @ c * a).sum(1)), "in the distance of the means"),
            (kl_pieces(distance=lambda a, c: (a**2 / c.diagonal()).sum(1)), "You took the variances alone"),
            (
                kl_pieces(distance=lambda a, c: (a**2 * torch.linalg.inv(c).diagonal()).sum(1)),
                "inverse's diagonal alone",
            ),
            (kl_pieces(distance=lambda a, c: a @ torch.linalg.inv(c) @ a.T), "a matrix (B, B)"),
            (kl_pieces(count=len), "You subtracted the number of rows"),
            (kl_pieces(log_det=lambda c: torch.linalg.det(c).log()), "You took the log of the determinant"),
        ],
    },
    "elbo": {
        "wrong": [
            (lambda *given: elbo_by_hermite(*given).sum(), "You added the images up"),
            (lambda *given: elbo_by_hermite(*given).mean(), "You averaged over the images"),
            (elbo_with(lambda e, kl: e - 2 * kl), "You took the KL twice"),
            (lambda *given: elbo_by_hermite(*given) + math.log(given[6]) / 2, "You took half of the log"),
        ],
    },
    "own-bound": {"wrong": [(GAP_AT_THE_MODE, "(Laplace)"), ("gap + 3e-4", "You come within")]},
    "pathwise": {
        "wrong": [
            (pathwise_of(bound_with_standard_kl), "You subtracted the KL to N(0, 1)"),
            (by_the_first_draw, "You took the first draw"),
            (lambda *given: pathwise_by_chain_rule(*given)[0], "You returned one tensor of shape (3,)"),
        ],
    },
    "score": {
        "wrong": [
            (score_undetached, "You let autograd go through f"),
            (lambda *given: score_by_surrogate(*given)[0], "You returned one tensor of shape (3,)"),
            (
                score_with(lambda joint, log_q: joint - log_q - (joint - log_q).sum() / (len(joint) - 1)),
                "You added all K draws up",
            ),
        ],
    },
    "importance": {
        "wrong": [
            (lambda a: effective_by_max(a.clamp(-300, 300)), "You clamped the log-weights"),
            (lambda a: effective_by_max(a.reshape(-1, 1)), "You summed over draws and images"),
        ],
    },
    "discretised": {
        "wrong": [
            (naive_with(lambda p: p.clamp(min=1e-300).log()), "You subtracted two probabilities"),
            (naive_with(lambda p: (p + 1e-300).log()), "You subtracted two probabilities"),
            (naive_with(lambda p: p.log().nan_to_num()), "You subtracted two probabilities"),
            (discretised_normalised, "You took the densities at the 256 values"),
            (lambda *given: discretised_by_tails(*given).mean(), "You averaged the log-probabilities"),
        ],
    },
    "calibrated": {
        "wrong": [
            ("(sigma_in_levels, bits / np.log(2))", "You divided by log 2 twice"),
            ("(round(float(sigma_in_levels), 1), round(float(bits), 1))", "You rounded both numbers"),
            ("(round(float(sigma_in_levels)), round(float(bits)))", "You rounded both numbers"),
            (CALIBRATED_ON_A_GRID.format(0.1), "a grid too coarse"),
            (CALIBRATED_ON_A_GRID.format(0.25), "a grid too coarse"),
        ]
    },
}
for part, more in (*ADDED.items(), *AGAIN.items()):
    for kind, some in more.items():
        ANSWERS[part][kind] += some
