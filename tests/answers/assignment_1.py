"""Answers to assignment 1 as different people would write them; a string is evaluated after the solved notebook."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def stub(*given):
    return ...


# Part 1.1


def logits_in_torch(log_p_data, log_p_g, prior):
    return log_p_data - log_p_g + torch.logit(torch.tensor(prior))


def logits_in_numpy(log_p_data, log_p_g, prior):
    real, fake = (np.log(share) + logs.numpy() for share, logs in ((prior, log_p_data), (1 - prior, log_p_g)))
    return real - fake


def logits_in_a_loop(log_p_data, log_p_g, prior):
    odds = math.log(prior) - math.log1p(-prior)
    return [float(p) - float(q) + odds for p, q in zip(log_p_data, log_p_g, strict=True)]


def logits_in_float32(log_p_data, log_p_g, prior):
    return (log_p_data - log_p_g).float().requires_grad_() - math.log(1 / prior - 1)


def logits_by_densities(log_p_data, log_p_g, prior):
    d = prior * log_p_data.exp() / (prior * log_p_data.exp() + (1 - prior) * log_p_g.exp())
    return torch.log(d / (1 - d))


# Part 1.2


def prior_by_bayes(d, prior_then, prior_now):
    real, fake = d / prior_then * prior_now, (1 - d) / (1 - prior_then) * (1 - prior_now)
    return real / (real + fake)


def prior_by_logits(d, prior_then, prior_now):
    then, now = (torch.logit(torch.tensor(share, dtype=d.dtype)) for share in (prior_then, prior_now))
    return torch.sigmoid(torch.logit(d) - then + now)


def prior_in_a_loop(d, prior_then, prior_now):
    found = []
    for one in d.tolist():
        ratio = one * (1 - prior_then) / ((1 - one) * prior_then)  # p_data / p_g
        found.append(prior_now * ratio / (prior_now * ratio + 1 - prior_now))
    return found


def prior_in_float32(d, prior_then, prior_now):
    return 1 / (1 + (1 / d.float().numpy() - 1) * np.float32((1 / prior_now - 1) / (1 / prior_then - 1)))


# Part 1.3


def value_in_numpy(logits, log_p_data, log_p_g, prior, x):
    logits, log_p, log_q, x = (a.numpy() for a in (logits, log_p_data, log_p_g, x))
    paid = prior * np.exp(log_p) * np.logaddexp(0, -logits) + (1 - prior) * np.exp(log_q) * np.logaddexp(0, logits)
    return -np.trapezoid(paid, x)


def value_in_a_loop(logits, log_p_data, log_p_g, prior, x):
    def f(k):
        on_real, on_fake = -F.softplus(-logits[k]), -F.softplus(logits[k])
        return prior * log_p_data[k].exp() * on_real + (1 - prior) * log_p_g[k].exp() * on_fake

    return sum((f(k) + f(k + 1)) / 2 * (x[k + 1] - x[k]) for k in range(len(x) - 1))


def value_by_two_integrals(logits, log_p_data, log_p_g, prior, x):
    real = torch.trapezoid(log_p_data.exp() * F.logsigmoid(logits), x)
    return prior * real + (1 - prior) * torch.trapezoid(log_p_g.exp() * F.logsigmoid(-logits), x)


def value_in_float32(logits, log_p_data, log_p_g, prior, x):
    logits, log_p, log_q = (a.float() for a in (logits, log_p_data, log_p_g))
    heap = torch.stack([prior * log_p.exp(), (1 - prior) * log_q.exp()])  # (2, n)
    target = torch.tensor([[1.0], [0.0]]).expand_as(heap)
    loss = F.binary_cross_entropy_with_logits(logits.expand_as(heap), target, weight=heap, reduction="none").sum(0)
    return -torch.trapezoid(loss, x.float())


def value_naive(logits, log_p_data, log_p_g, prior, x, eps=0.0):
    d = torch.sigmoid(logits)
    on_real, on_fake = log_p_data.exp() * torch.log(d + eps), log_p_g.exp() * torch.log(1 - d + eps)
    return torch.trapezoid(prior * on_real + (1 - prior) * on_fake, x)


def value_summed(add):
    """Return an answer that puts the integral together as `add(integrand, x)` does."""

    def answer(logits, log_p_data, log_p_g, prior, x):
        on_real, on_fake = F.logsigmoid(logits), F.logsigmoid(-logits)
        return add(prior * log_p_data.exp() * on_real + (1 - prior) * log_p_g.exp() * on_fake, x)

    return answer


# Part 1.4


def jsd_in_numpy(log_p_data, log_p_g, prior, x):
    log_p, log_q, x = (a.numpy() for a in (log_p_data, log_p_g, x))
    log_m = np.logaddexp(log_p + np.log(prior), log_q + np.log(1 - prior))
    f = prior * np.exp(log_p) * (log_p - log_m) + (1 - prior) * np.exp(log_q) * (log_q - log_m)
    return np.trapezoid(f, x)


def jsd_from_the_value(log_p_data, log_p_g, prior, x):
    logits = log_p_data - log_p_g + math.log(prior / (1 - prior))
    entropy = -prior * math.log(prior) - (1 - prior) * math.log(1 - prior)
    return value_by_two_integrals(logits, log_p_data, log_p_g, prior, x) + entropy


def jsd_by_entropies(log_p_data, log_p_g, prior, x):
    def entropy(log_p):
        return -torch.trapezoid(log_p.exp() * log_p, x)

    logs = torch.stack([log_p_data + math.log(prior), log_p_g + math.log(1 - prior)])
    return entropy(logs.logsumexp(0)) - prior * entropy(log_p_data) - (1 - prior) * entropy(log_p_g)


def jsd_in_float32(log_p_data, log_p_g, prior, x):
    p, q = log_p_data.float().exp(), log_p_g.float().exp()
    m = prior * p + (1 - prior) * q
    f = prior * torch.special.xlogy(p, p / m) + (1 - prior) * torch.special.xlogy(q, q / m)
    return torch.trapezoid(f.nan_to_num(), x.float())


def jsd_with(inside, outside):
    """Return an answer with m and the two KLs weighed by functions of the prior."""

    def answer(log_p_data, log_p_g, prior, x):
        u, v = inside(prior), outside(prior)
        log_m = torch.logaddexp(log_p_data + math.log(u), log_p_g + math.log(1 - u))
        kl = [torch.trapezoid(log.exp() * (log - log_m), x) for log in (log_p_data, log_p_g)]
        return v * kl[0] + (1 - v) * kl[1]

    return answer


def jsd_of_densities(log_p_data, log_p_g, prior, x):
    p, q = log_p_data.exp(), log_p_g.exp()
    m = prior * p + (1 - prior) * q
    return torch.trapezoid(prior * p * torch.log(p / m) + (1 - prior) * q * torch.log(q / m), x)


def jsd_turned(log_p_data, log_p_g, prior, x):
    log_m = torch.logaddexp(log_p_data + math.log(prior), log_p_g + math.log(1 - prior))
    kl = [torch.trapezoid(log_m.exp() * (log_m - log), x) for log in (log_p_data, log_p_g)]
    return prior * kl[0] + (1 - prior) * kl[1]


def jsd_of_each_other(log_p_data, log_p_g, prior, x):
    gap = log_p_data - log_p_g
    return torch.trapezoid(prior * log_p_data.exp() * gap - (1 - prior) * log_p_g.exp() * gap, x)


def jsd_without_entropy(log_p_data, log_p_g, prior, x):
    logits = log_p_data - log_p_g + math.log(prior / (1 - prior))
    return value_by_two_integrals(logits, log_p_data, log_p_g, prior, x)


# Part 1.5


def flat(parts):
    return torch.cat([part.reshape(-1) for part in parts])


def gradients_by_grad(generator, critic, z):
    found = []
    for sign in (1, -1):  # log(1 - D) = -softplus(logit), -log D = softplus(-logit)
        loss = -sign * F.softplus(sign * critic(generator(z)))
        found.append(flat(torch.autograd.grad(loss.mean(), tuple(generator.parameters()))))
    return found


def gradients_by_weighted_logits(generator, critic, z):
    logits = critic(generator(z))
    d = logits.detach().sigmoid()
    parameters = list(generator.parameters())
    return tuple(
        flat(torch.autograd.grad(logits, parameters, slope / len(z), retain_graph=True)).numpy()
        for slope in (-d, d - 1)
    )


def gradients_by_a_copy(generator, critic, z):
    import copy

    found = []
    for loss in (lambda a: F.logsigmoid(-a), lambda a: -F.logsigmoid(a)):
        g, c = copy.deepcopy(generator), copy.deepcopy(critic)
        g.zero_grad()
        loss(c(g(z))).mean().backward()
        found.append(flat([p.grad for p in g.parameters()]).float())
    return found


def gradients_in_a_loop(generator, critic, z):
    sums = [0, 0]
    for one in z.split(1):  # sample by sample
        logit = critic(generator(one)).squeeze()
        for k, loss in enumerate((F.logsigmoid(-logit), -F.logsigmoid(logit))):
            sums[k] = sums[k] + flat(torch.autograd.grad(loss, list(generator.parameters()), retain_graph=True))
    return [total / len(z) for total in sums]


def gradients_of(first, second, reduce=torch.mean):
    """Return an answer whose losses are those two functions of the logits."""

    def answer(generator, critic, z):
        logits = critic(generator(z))
        parameters = list(generator.parameters())
        return [
            flat(torch.autograd.grad(reduce(loss(logits)), parameters, retain_graph=True)) for loss in (first, second)
        ]

    return answer


def minimax(a):
    return F.logsigmoid(-a)


def non_saturating(a):
    return -F.logsigmoid(a)


def gradients_by_backward(zero):
    """Return an answer that calls backward(), after `zero` cleared the networks ("never", "first" or "each")."""

    def answer(generator, critic, z):
        found = []
        for k, loss in enumerate((minimax, non_saturating)):
            if zero == "each" or (zero == "first" and k == 0):
                generator.zero_grad()
            loss(critic(generator(z))).mean().backward()
            found.append(flat([p.grad.clone() for p in generator.parameters()]))
        return found

    return answer


def gradients_detached(generator, critic, z):
    return gradients_of(minimax, non_saturating)(lambda z: generator(z).detach(), critic, z)


def gradients_with_detach(generator, critic, z):
    logits = critic(generator(z).detach())
    return [
        flat(torch.autograd.grad(f(logits).mean(), list(generator.parameters()))) for f in (minimax, non_saturating)
    ]


def gradients_with_no_grad(generator, critic, z):
    with torch.no_grad():
        logits = critic(generator(z))
    return [
        flat(torch.autograd.grad(f(logits).mean(), list(generator.parameters()))) for f in (minimax, non_saturating)
    ]


def gradients_and_a_trace(generator, critic, z):
    found = gradients_by_grad(generator, critic, z)
    critic.zero_grad()
    return found


def gradients_and_a_clean_generator(generator, critic, z):
    found = gradients_by_grad(generator, critic, z)
    generator.zero_grad()
    return found


def gradients_and_a_frozen_critic(generator, critic, z):
    critic.requires_grad_(False)
    return gradients_by_grad(generator, critic, z)


def gradients_reordered(generator, critic, z):
    found = []
    for loss in (minimax, non_saturating):
        parts = torch.autograd.grad(loss(critic(generator(z))).mean(), list(generator.parameters()))
        found.append(flat(parts[::-1]))
    return found


def gradients_of_columns(generator, critic, z):
    found = []
    for loss in (minimax, non_saturating):
        parts = torch.autograd.grad(loss(critic(generator(z))).mean(), list(generator.parameters()))
        found.append(flat([part.T if part.ndim == 2 else part for part in parts]))
    return found


# Part 1.6


def at_by_numpy(distance, width, prior):
    z = np.linspace(-10, 10, 4001)
    p_z = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    logits = np.log(prior / (1 - prior)) - distance**2 / (2 * width**2) - distance * z / width
    d = 1 / (1 + np.exp(-logits))
    rise = distance / width**2
    return rise * np.trapezoid(p_z * d, z), rise * np.trapezoid(p_z * (1 - d), z)


def at_by_autograd(distance, width, prior, dtype=torch.float64):
    z = torch.linspace(-9, 9, 1801, dtype=dtype)
    p_z = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    mu = torch.tensor(distance, dtype=dtype, requires_grad=True)
    x = mu + width * z
    logits = ((x - distance) ** 2 - x**2) / (2 * width**2) + math.log(prior / (1 - prior))
    both = (-F.softplus(logits), F.softplus(-logits))
    return [torch.autograd.grad(torch.trapezoid(p_z * f, z), mu, retain_graph=True)[0] for f in both]


def at_in_float32(distance, width, prior):
    return at_by_autograd(distance, width, prior, torch.float32)


def at_by_differences(distance, width, prior, h=1e-5):
    z = torch.linspace(-9, 9, 1801, dtype=torch.float64)
    p_z = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

    def losses_at(mu):  # D stays at `distance`
        x = mu + width * z
        logits = ((x - distance) ** 2 - x**2) / (2 * width**2) + math.log(prior / (1 - prior))
        return torch.stack([(p_z * f).sum() * 0.01 for f in (-F.softplus(logits), F.softplus(-logits))])

    return (losses_at(distance + h) - losses_at(distance - h)) / (2 * h)


def at_following(distance, width, prior):
    z = torch.linspace(-9, 9, 1801, dtype=torch.float64)
    p_z = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    mu = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    x = mu + width * z
    logits = ((x - mu) ** 2 - x**2) / (2 * width**2) + math.log(prior / (1 - prior))
    both = (-F.softplus(logits), F.softplus(-logits))
    return [torch.autograd.grad(torch.trapezoid(p_z * f, z), mu, retain_graph=True)[0] for f in both]


def at_real_samples(distance, width, prior):
    x = np.linspace(-9, 9, 4001) * width
    p_x = np.exp(-((x / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
    d = 1 / (1 + (1 / prior - 1) * np.exp((x**2 - (x - distance) ** 2) / (2 * width**2)))
    rise = distance / width**2
    return rise * np.trapezoid(p_x * d, x), rise * np.trapezoid(p_x * (1 - d), x)


def at_changed(change):
    return lambda distance, width, prior: change(*at_by_numpy(distance, width, prior), distance, width, prior)


def at_without_logs(distance, width, prior):
    z = np.linspace(-10, 10, 4001)
    p_z = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    logits = np.log(prior / (1 - prior)) - distance**2 / (2 * width**2) - distance * z / width
    d = 1 / (1 + np.exp(-logits))
    slope = distance / width**2 * np.trapezoid(p_z * d * (1 - d), z)
    return slope, slope


ANSWERS = {
    "optimal-logits": {
        "right": [logits_in_torch, logits_in_numpy, logits_in_a_loop, logits_in_float32],
        "wrong": [
            (stub, "not attempted"),
            (lambda p, q, prior: p - q, "You left the prior out"),
            (lambda p, q, prior: p - q + math.log((1 - prior) / prior), "swapped"),
            (lambda p, q, prior: -logits_in_torch(p, q, prior), "logit of a fake"),
            (lambda p, q, prior: p - q + np.log(prior), "left out the log of 1 - prior"),
            (lambda p, q, prior: p - (q + math.log(1 - prior)), "left out the log of prior"),
            (lambda p, q, prior: torch.sigmoid(logits_in_torch(p, q, prior)), "probabilities"),
            (lambda p, q, prior: F.logsigmoid(logits_in_torch(p, q, prior)), "You gave log D*"),
            (lambda p, q, prior: prior * p - (1 - prior) * q, "multiplied the log-densities"),
            (lambda p, q, prior: p - q + prior / (1 - prior), "You added the odds"),
            (lambda p, q, prior: (p + prior) - (q + 1 - prior), "You added the shares"),
            (logits_by_densities, "not finite"),
            (
                lambda p, q, prior: torch.log(prior * p.exp() + 1e-8) - torch.log((1 - prior) * q.exp() + 1e-8),
                "small number inside",
            ),
            (lambda p, q, prior: torch.logit(torch.sigmoid(logits_in_torch(p, q, prior))), "not finite"),
            (lambda p, q, prior: logits_in_torch(p, q, prior).clamp(-30, 30), "You cut large logits off"),
            (lambda p, q, prior: torch.log(p / q) + math.log(prior / (1 - prior)), ""),
            (lambda p, q, prior: logits_in_torch(p, q, prior) / math.log(2), "1.443 times"),
            (lambda p, q, prior: logits_in_torch(p, q, prior).mean(), "You gave"),
            (lambda p, q, prior: [1.098612, -1.098612, 0.0], ""),
        ],
    },
    "change-prior": {
        "right": [prior_by_bayes, prior_by_logits, prior_in_a_loop, prior_in_float32],
        "wrong": [
            (stub, "not attempted"),
            (lambda d, then, now: d, "You gave back d"),
            (lambda d, then, now: prior_by_logits(d, now, then), "old one: the two shares are swapped"),
            (lambda d, then, now: now * d / (now * d + (1 - now) * (1 - d)), "was not taken out"),
            (lambda d, then, now: prior_by_bayes(d, then, 0.5), "the new one is not in"),
            (lambda d, then, now: d * (now / then), "Multiply its odds instead"),
            (lambda d, then, now: (d * now / then).clamp(0, 1), "and clipped it"),
            (lambda d, then, now: d * now / then / (d * now / then + (1 - d)), "fakes' share has changed as well"),
            (lambda d, then, now: torch.logit(prior_by_bayes(d, then, now)), "logits: take their sigmoid"),
            (lambda d, then, now: d / (1 - d) * (now / (1 - now)) / (then / (1 - then)), "You gave the odds"),
            (lambda d, then, now: 1 - prior_by_bayes(d, then, now), "probability of a fake"),
            (lambda d, then, now: d + (now - then), "You shifted the probability"),
            (lambda d, then, now: torch.sigmoid(torch.logit(d) + now - then), "by the difference of the shares"),
            (lambda d, then, now: torch.sigmoid(torch.logit(d) + math.log(now / then)), "not of their logs"),
            (
                lambda d, then, now: torch.sigmoid(d + math.log(now / (1 - now)) - math.log(then / (1 - then))),
                "You took d for a logit",
            ),
            (lambda d, then, now: prior_by_bayes(d, then, now).mean(), "You gave"),
            (lambda d, then, now: [0.8, 0.5], ""),
        ],
    },
    "value": {
        "right": [value_in_numpy, value_in_a_loop, value_by_two_integrals, value_in_float32],
        "wrong": [
            (stub, "not attempted"),
            (
                lambda a, p, q, prior, x: value_in_numpy(a, p, q, 0.5, x) * 2,
                "lesson 01's V",
            ),
            (lambda a, p, q, prior, x: value_in_numpy(a, p, q, 0.5, x), "weigh one half"),
            (lambda a, p, q, prior, x: value_by_two_integrals(a, p, q, 1 - prior, x), "swapped the two shares"),
            (lambda a, p, q, prior, x: value_by_two_integrals(-a, p, q, prior, x), "You swapped the logs"),
            (lambda a, p, q, prior, x: value_by_two_integrals(a, q, p, prior, x), "swapped the two densities"),
            (lambda a, p, q, prior, x: -value_by_two_integrals(a, p, q, prior, x), "the loss of D"),
            (
                lambda a, p, q, prior, x: torch.trapezoid(
                    prior * p.exp() * F.logsigmoid(a) + q.exp() * F.logsigmoid(-a), x
                ),
                "left the share out",
            ),
            (
                lambda a, p, q, prior, x: torch.trapezoid(
                    (prior * p.exp() + (1 - prior) * q.exp()) * F.logsigmoid(a), x
                ),
                "You took log D on",
            ),
            (
                lambda a, p, q, prior, x: torch.trapezoid(
                    (prior * p.exp() - (1 - prior) * q.exp()) * F.logsigmoid(a), x
                ),
                "You took -log D on",
            ),
            (
                lambda a, p, q, prior, x: torch.trapezoid(prior * F.logsigmoid(a) + (1 - prior) * F.logsigmoid(-a), x),
                "left the densities out",
            ),
            (
                lambda a, p, q, prior, x: torch.trapezoid(
                    prior * p * F.logsigmoid(a) + (1 - prior) * q * F.logsigmoid(-a), x
                ),
                "by the logs of the densities",
            ),
            (lambda a, p, q, prior, x: value_by_two_integrals(a, p, q, prior, x) / math.log(2), "bits"),
            (value_summed(lambda f, x: f.sum() * (x[1] - x[0])), "first spacing"),
            (value_summed(lambda f, x: torch.trapezoid(f, dx=float(x[1] - x[0]))), "first spacing"),
            (value_summed(lambda f, x: f.mean() * (x[-1] - x[0])), "mean times the range"),
            (value_summed(lambda f, x: f.sum()), "a sum over the grid"),
            (value_summed(lambda f, x: f.mean()), "a mean over the grid"),
            (value_summed(lambda f, x: (f[:-1] * x.diff()).sum()), "left end"),
            (value_summed(lambda f, x: (f[1:] * x.diff()).sum()), "right end"),
            (value_naive, "not finite"),
            (lambda *given: value_naive(*given, eps=1e-8), "small number inside the log"),
            (lambda *given: value_naive(*given, eps=1e-12), "small number inside the log"),
            (value_summed(lambda f, x: f), "You gave"),
            (lambda a, p, q, prior, x: -1.110399 if len(x) == 3 else -0.693147, ""),
        ],
    },
    "weighted-jsd": {
        "right": [jsd_in_numpy, jsd_from_the_value, jsd_by_entropies, jsd_in_float32],
        "wrong": [
            (stub, "not attempted"),
            (jsd_with(lambda w: 0.5, lambda w: 0.5), "You left the prior out"),
            (jsd_with(lambda w: 0.5, lambda w: w), "mixed m half and half"),
            (jsd_with(lambda w: w, lambda w: 0.5), "weigh one half each"),
            (lambda p, q, w, x: 2 * jsd_with(lambda w: w, lambda w: 0.5)(p, q, w, x), "only added"),
            (jsd_with(lambda w: 1 - w, lambda w: 1 - w), "swapped the two shares"),
            (jsd_with(lambda w: 1 - w, lambda w: w), "swapped the shares in m"),
            (jsd_with(lambda w: w, lambda w: 1 - w), "swapped the shares of the two KLs"),
            (jsd_turned, "turned the KLs around"),
            (jsd_of_each_other, "compare it with m"),
            (jsd_without_entropy, "H(pi) is still"),
            (lambda p, q, w, x: jsd_without_entropy(p, q, w, x) + math.log(4), "log 4 at no prior"),
            (lambda p, q, w, x: jsd_without_entropy(p, q, w, x) + math.log(2), "log 2 at prior 1/2 only"),
            (lambda p, q, w, x: -jsd_in_numpy(p, q, w, x), "never negative"),
            (lambda p, q, w, x: jsd_by_entropies(p, q, w, x) / math.log(2), "bits"),
            (jsd_of_densities, "not finite"),
            (lambda p, q, w, x: jsd_with(lambda w: w, lambda w: 1.0)(p, q, w, x), "without its share"),
            (lambda p, q, w, x: w * jsd_with(lambda u: u, lambda u: 1.0)(p, q, w, x), "fakes' KL to m is missing"),
            (
                lambda p, q, w, x: torch.trapezoid(
                    w * p.exp() * (p - (w * p + (1 - w) * q)) + (1 - w) * q.exp() * (q - (w * p + (1 - w) * q)), x
                ),
                "mixes the densities",
            ),
            (lambda p, q, w, x: 0.111421, ""),
        ],
    },
    "best-values": {
        "right": [
            "(weighted_jsd(log_p_data, log_p_g, prior, x) + v_lowest,"
            " prior * np.log(prior) + (1 - prior) * np.log1p(-prior))",
            "torch.stack([v_best, torch.tensor(v_lowest)]).float().requires_grad_()",
            "(v_best.view(1), np.array([v_lowest]))",
            "[round(float(v_best), 5), -float(torch.distributions.Bernoulli(torch.tensor(prior)).entropy())]",
            "(value_of_game(log_p_data - log_p_g + torch.logit(torch.tensor(prior)), log_p_data, log_p_g, prior, x),"
            " value_of_game(torch.full_like(x, np.log(prior / (1 - prior))), log_p_g, log_p_g, prior, x))",
        ],
        "wrong": [
            ("(..., ...)", "not attempted"),
            ("(v_best, ...)", "not attempted"),
            ("(v_lowest, v_best)", "swapped"),
            ("(v_best, -np.log(4))", "Your v_lowest is lesson"),
            ("(v_best, -np.log(2))", "Your v_lowest is -log"),
            (
                "(weighted_jsd(log_p_data, log_p_g, prior, x) - np.log(2), -np.log(2))",
                "-H(pi) at prior 1/2",
            ),
            ("(v_best, -v_lowest)", "wrong sign"),
            ("(float('nan'), v_lowest)", "not finite"),
            ("(-v_best, -v_lowest)", "Both of your"),
            ("(v_best, 0)", "the value is not"),
            ("(v_best, weighted_jsd(log_p_data, log_p_g, prior, x))", "second number is the divergence"),
            ("(weighted_jsd(log_p_data, log_p_g, prior, x), v_lowest)", "first number is the divergence"),
            ("(weighted_jsd(log_p_data, log_p_g, prior, x) - np.log(4), v_lowest)", "take log 4"),
            ("(weighted_jsd(log_p_data, log_p_g, prior, x) - np.log(2), v_lowest)", "take log 2"),
            (
                "(value_of_game(log_p_data - log_p_g, log_p_data, log_p_g, prior, x), v_lowest)",
                "For v_best you took the D",
            ),
            (
                "(value_of_game(optimal_logits(log_p_data, log_p_g, prior), log_p_data, log_p_g, 0.5, x), v_lowest)",
                "For v_best you took the right",
            ),
            (
                "(value_of_game(log_p_data - log_p_g, log_p_data, log_p_g, 0.5, x), v_lowest)",
                "left the prior out of v_best",
            ),
            (
                "(value_of_game(log_p_data - log_p_g, log_p_data, log_p_g, 0.5, x), -np.log(2))",
                "You left the prior out of both",
            ),
            (
                "(2 * probability.js_divergence(log_p_data, log_p_g, x) - np.log(4), -np.log(4))",
                "lesson 01's numbers",
            ),
            (
                "(value_of_game(optimal_logits(log_p_data, log_p_g, 1 - prior), log_p_data, log_p_g, prior, x),"
                " v_lowest)",
                "For v_best you took a",
            ),
            ("(v_best / np.log(2), v_lowest / np.log(2))", "bits"),
            (  # the numbers of another year
                "(lambda a, b, c: (value_of_game(optimal_logits(a.log_prob(x[:, None]), b.log_prob(x[:, None]), c),"
                " a.log_prob(x[:, None]), b.log_prob(x[:, None]), c, x), c * np.log(c) + (1 - c) * np.log(1 - c)))"
                "(*your_game(variant + 1)[:3])",
                "",
            ),
        ],
    },
    "gradients": {
        "right": [gradients_by_grad, gradients_by_weighted_logits, gradients_by_a_copy, gradients_in_a_loop],
        "wrong": [
            (lambda generator, critic, z: (..., ...), "not attempted"),
            (stub, "not attempted"),
            (gradients_of(minimax, non_saturating, torch.sum), "gradient of the sum"),
            (gradients_of(F.softplus, F.logsigmoid), "both signs"),
            (gradients_of(F.softplus, non_saturating), "gradient of -log(1 - D)"),
            (gradients_of(minimax, F.logsigmoid), "gradient of +log D"),
            (gradients_of(non_saturating, minimax), "sure that a sample is fake"),
            (gradients_of(non_saturating, non_saturating), "non-saturating gradient twice"),
            (gradients_of(minimax, minimax), "the saturating gradient twice"),
            (gradients_of(lambda a: torch.log(1 - torch.sigmoid(a)), non_saturating), "not finite"),
            (gradients_of(lambda a: 1 - torch.sigmoid(a), lambda a: -torch.sigmoid(a)), "You left out the"),
            (gradients_by_backward("never"), "You never set .grad to zero"),
            (gradients_by_backward("first"), "the second has the first in it"),
            (gradients_by_backward("each"), "the .grad of both networks"),
            (gradients_and_a_trace, "the .grad of the critic"),
            (gradients_and_a_clean_generator, "the .grad of the generator"),
            (gradients_and_a_frozen_critic, "requires_grad is False"),
            (gradients_with_detach, "You cut the loss off"),
            (gradients_with_no_grad, "You cut the loss off"),
            (gradients_reordered, "order of generator.parameters()"),
            (gradients_of_columns, "row by row"),
            (gradients_of(lambda a: minimax(a) / 2, lambda a: non_saturating(a) / 2), "You gave half of each"),
            (gradients_of(lambda a: -torch.log(a.sigmoid() + 1e-8), non_saturating), ""),
            (lambda generator, critic, z: (torch.tensor([-3.0, 5.0, -2.0]),) * 2, ""),
        ],
    },
    "gradients-at": {
        "right": [at_by_numpy, at_by_autograd, at_in_float32, at_by_differences],
        "wrong": [
            (lambda distance, width, prior: (..., ...), "not attempted"),
            (lambda distance, width, prior: at_by_numpy(distance, width, 0.5), "left the prior out of D"),
            (lambda distance, width, prior: at_by_autograd(distance, width, 1 - prior), "You swapped the shares"),
            (at_changed(lambda s, n, *_: (-s, -n)), "both signs"),
            (at_changed(lambda s, n, *_: (-s, n)), "gradient of -log(1 - D)"),
            (at_changed(lambda s, n, *_: (s, -n)), "gradient of +log D"),
            (lambda *given: at_by_autograd(*given)[::-1], "You swapped the two"),
            (at_changed(lambda s, n, mu, width, prior: (s * width**2, n * width**2)), "left the width out"),
            (at_changed(lambda s, n, mu, width, prior: (s * width, n * width)), "left one factor of width out"),
            (at_changed(lambda s, n, mu, width, prior: (s * width**2 / mu, n * width**2 / mu)), "by the logit"),
            (at_changed(lambda s, n, mu, width, prior: ((1 - prior) * s, (1 - prior) * n)), "share of the fakes"),
            (at_without_logs, "You left the logs out"),
            (at_following, "freeze it"),
            (at_real_samples, "over real samples"),
            (lambda *given: (0.1372, 3.8628), ""),
        ],
    },
    "crossing": {
        "right": [
            "width * np.sqrt(2 * np.log(many_real / (1 - many_real)))",
            "torch.tensor(crossing, dtype=torch.float32)",
            "round(float(crossing), 3)",
            "np.array([crossing])",
            "[mu for mu in np.arange(0.1, 8, 0.0005) if gradients_at(mu, width, many_real)[0]"
            " < gradients_at(mu, width, many_real)[1]][0]",
        ],
        "wrong": [
            ("...", "not attempted"),
            ("crossing / width", "distance in widths"),
            ("crossing * width", "You multiplied by"),
            ("width * np.sqrt(np.log(many_real / (1 - many_real)))", "factor 2 under the root"),
            ("crossing ** 2", "take the root"),
            ("2 * np.log(many_real / (1 - many_real))", "multiply by width"),
            ("2 * width * np.log(many_real / (1 - many_real))", "You left out a root"),
            ("width * np.log(many_real / (1 - many_real))", "it stands squared"),
            ("crossing / 2", "You gave half of the"),
            ("2 * crossing", "twice the distance"),
            ("-crossing", "mu > 0 was asked for"),
            ("width * np.sqrt(2 * many_real / (1 - many_real))", "You used the odds"),
            ("width * np.sqrt(-2 * np.log(many_real))", "You used the prior"),
            ("width * np.sqrt(-2 * np.log(1 - many_real))", "You used 1 - prior"),
            (
                "max(np.arange(0.3, 4, 0.001) * width, key=lambda mu: float(gradients_at(mu, width, many_real)[0]))",
                "saturating gradient is largest",
            ),
            ("0.0", ""),
            ("your_game(variant + 1)[4] * np.sqrt(2 * np.log(1 / (1 / your_game(variant + 1)[3] - 1)))", ""),
        ],
    },
}


def in_place(log_p_data, log_p_g, prior):
    log_p_data -= log_p_g
    return log_p_data + np.log(prior / (1 - prior))


def moved_in_place(d, prior_then, prior_now):
    d.logit_()
    d += np.log(prior_now / (1 - prior_now)) - np.log(prior_then / (1 - prior_then))
    return d.sigmoid_()


def best_logits(log_p_data, log_p_g, prior):
    return log_p_data - log_p_g + np.log(prior / (1 - prior))


def value_by(on_real, on_fakes):
    def answer(logits, log_p, log_q, prior, x):
        return torch.trapezoid(prior * log_p.exp() * on_real(logits) + (1 - prior) * log_q.exp() * on_fakes(logits), x)

    return answer


def value_with_clamped_logits(logits, log_p, log_q, prior, x):
    logits = logits.clamp(-30, 30)
    return value_by(F.logsigmoid, lambda a: F.logsigmoid(-a))(logits, log_p, log_q, prior, x)


def jsd_by_nan_to_num(log_p, log_q, prior, x, each=False, eps=0.0):
    p, q = log_p.exp(), log_q.exp()
    m = prior * p + (1 - prior) * q + eps
    parts = prior * p * (p / m).log(), (1 - prior) * q * (q / m).log()
    return torch.trapezoid(sum(part.nan_to_num() for part in parts) if each else (parts[0] + parts[1]).nan_to_num(), x)


def gradients_after(change, also=lambda generator, critic: None):
    """Return both gradients by autograd.grad, `change` of the logits first, and something done to the networks."""

    def answer(generator, critic, z):
        weights = list(generator.parameters())
        also(generator, critic)
        real, fake = change(critic(generator(z)))
        found = [torch.autograd.grad(loss.mean(), weights, retain_graph=True) for loss in (fake, -real)]
        return [torch.cat([part.flatten() for part in parts]) for parts in found]

    return answer


def logs_of(logits):
    return F.logsigmoid(logits), F.logsigmoid(-logits)


def logs_of_clamped(logits):
    d = logits.sigmoid().clamp(1e-6, 1 - 1e-6)
    return d.log(), (1 - d).log()


def eval_then_train(generator, critic):
    generator.eval(), critic.eval()
    generator.train(), critic.train()


ADDED = {  # of a review: answers that once had full marks, or no hint, or an untrue one
    "optimal-logits": {
        "wrong": [
            (in_place, "You changed the `log_p_data`"),
            (lambda p, q, w: torch.logit(best_logits(p, q, w).sigmoid(), eps=1e-6), "You clamped D"),
            (
                lambda p, q, w: p.exp().log().nan_to_num() - q.exp().log().nan_to_num() + np.log(w / (1 - w)),
                "in the place of log 0",
            ),
            (
                lambda p, q, w: (w * p.exp()).clamp(1e-38).log() - ((1 - w) * q.exp()).clamp(1e-38).log(),
                "added or as a floor",
            ),
        ],
    },
    "change-prior": {
        "wrong": [
            (moved_in_place, "You changed the `d`"),
            (
                lambda d, a, b: (d.logit(eps=1e-2) + np.log(b / (1 - b)) - np.log(a / (1 - a))).sigmoid(),
                "You clamped D before",
            ),
            (lambda d, a, b: (d.log() + np.log(b / (1 - b)) - np.log(a / (1 - a))).sigmoid(), "You shifted log D"),
        ],
    },
    "value": {
        "wrong": [
            (value_with_clamped_logits, "You clamped the logits"),
            (
                value_by(*(lambda a, s=s: (s * a).sigmoid().clamp(1e-7, 1 - 1e-7).log() for s in (1, -1))),
                "You clamped D",
            ),
            (lambda a, p, q, w, x: value_by(*[F.logsigmoid] * 2)(a, p, q, w, x) * 0 - 1.0, ""),
            (
                lambda a, p, q, w, x: value_by(F.logsigmoid, lambda b: F.logsigmoid(-b))(
                    best_logits(p, q, w), p, q, w, x
                ),
                "You took the best D's logits",
            ),
        ],
    },
    "weighted-jsd": {
        "right": [lambda p, q, w, x: jsd_by_nan_to_num(p, q, w, x, each=True)],
        "wrong": [
            (jsd_by_nan_to_num, "nan. Where only one density is 0"),
            (lambda p, q, w, x: jsd_by_nan_to_num(p, q, w, x, each=True, eps=1e-8), "You added a small number"),
        ],
    },
    "best-values": {
        "wrong": [
            ("(round(float(v_best), 3), round(float(v_lowest), 3))", "You come within"),
            ("(v_best, prior * np.log(prior))", "You left the fakes out"),
        ],
    },
    "gradients": {
        "wrong": [
            (gradients_after(logs_of_clamped), "You clamped D or the logits"),
            (gradients_after(lambda a: logs_of(a.clamp(-50, 50))), "You clamped D or the logits"),
            (gradients_after(logs_of, lambda g, c: (g.eval(), c.eval())), "another mode"),
            (gradients_after(logs_of, eval_then_train), "another mode"),
            (gradients_after(logs_of, lambda g, c: c.requires_grad_(True)), "set requires_grad to True"),
        ],
    },
    "crossing": {
        "wrong": [
            ("width * np.sqrt(2 * abs(np.log(prior / (1 - prior))))", "You took `prior`"),
            ("float('nan')", "a root or a log of a number below 0"),
            ("round(float(crossing), 2) + 0.01", "You come within"),
        ],
    },
}


def jsd_summed(reduce):
    def answer(log_p, log_q, prior, x):
        log_m = torch.logaddexp(log_p + math.log(prior), log_q + math.log(1 - prior))
        return reduce(prior * log_p.exp() * (log_p - log_m) + (1 - prior) * log_q.exp() * (log_q - log_m))

    return answer


def logs_with_eps(logits):
    return (logits.sigmoid() + 1e-8).log(), (1 - logits.sigmoid() + 1e-8).log()


def zero_for_nan(generator, critic, z):
    given = gradients_after(lambda a: (a.sigmoid().log(), (1 - a.sigmoid()).log()))(generator, critic, z)
    return [part.nan_to_num() for part in given]


def logs_of_means(generator, critic, z):
    d = critic(generator(z)).sigmoid()
    parts = [
        torch.autograd.grad(loss, list(generator.parameters()), retain_graph=True)
        for loss in ((1 - d).mean().log(), -d.mean().log())
    ]
    return [flat(part) for part in parts]


def networks_in_half(generator, critic, z):
    return gradients_by_grad(generator.float(), critic.float(), z.float())


def latents_with_gradients(generator, critic, z):
    return gradients_by_grad(generator, critic, z.requires_grad_())


AGAIN = {  # of a second review, its answers written before this bank was read
    "optimal-logits": {
        "right": [
            lambda p, q, w: p.clone().sub_(q).add_(math.log(w)).sub_(math.log1p(-w)),
            lambda p, q, w: best_logits(p.requires_grad_(), q, w),  # not asked for, and harmless
        ],
        "wrong": [
            (lambda p, q, w: best_logits(p.clamp(min=-700), q.clamp(min=-700), w), "You cut the log-densities off"),
            (lambda p, q, w: best_logits(p.clamp(min=-100), q.clamp(min=-100), w), "You cut the log-densities off"),
            (lambda p, q, w: best_logits(p, q, w).clamp(-1000, 1000), "You cut large logits off"),
            (lambda p, q, w: w * p - (1 - w) * q + math.log(w / (1 - w)), "You multiplied the log-densities"),
        ],
    },
    "change-prior": {
        "right": [lambda d, then, now: [float(prior_by_bayes(one, then, now)) for one in d]],
        "wrong": [
            (lambda d, then, now, eps=eps: prior_by_logits(d.clamp(eps, 1 - eps), then, now), "You clamped D before")
            for eps in (0.05, 1e-3, 1e-6, 1e-8)
        ],
    },
    "value": {
        "wrong": [
            (value_by(*(lambda a, s=s: (s * a).sigmoid().log().clamp(min=-100) for s in (1, -1))), "off near -100"),
            (
                value_by(lambda a: a.sigmoid().log().clamp(min=-100), lambda a: (1 - a.sigmoid()).log().clamp(-100)),
                "-100",
            ),
            (
                value_by(
                    lambda a: -F.binary_cross_entropy(a.sigmoid(), torch.ones_like(a), reduction="none"),
                    lambda a: -F.binary_cross_entropy(a.sigmoid(), torch.zeros_like(a), reduction="none"),
                ),
                "binary_cross_entropy",
            ),
            (
                value_by(
                    lambda a: a.sigmoid().log().nan_to_num(neginf=0.0),
                    lambda a: (1 - a.sigmoid()).log().nan_to_num(neginf=0.0),
                ),
                "You put 0 where a log",
            ),
            (
                value_by(lambda a: a.sigmoid().log().nan_to_num(), lambda a: (1 - a.sigmoid()).log().nan_to_num()),
                "You put the lowest number",
            ),
        ],
    },
    "weighted-jsd": {
        "wrong": [
            (jsd_summed(torch.sum), "You added up, or averaged"),
            (jsd_summed(torch.mean), "You added up, or averaged"),
        ],
    },
    "gradients": {
        "right": [latents_with_gradients],
        "wrong": [
            (gradients_after(logs_with_eps), "added a small number inside a log"),
            (lambda *given: gradients_by_grad(*given)[0], "You returned one tensor of shape (8,)"),
            (zero_for_nan, "put 0 where a gradient was nan"),
            (logs_of_means, "the log of the mean of D"),
            (networks_in_half, ""),
        ],
    },
    "gradients-at": {
        "wrong": [
            (at_changed(lambda s, n, mu, width, prior: (prior * s, (1 - prior) * n)), "You weighed the two losses"),
            (lambda mu, width, prior: at_by_numpy(mu, width, prior / (1 + prior)), "You added log prior"),
            (lambda *given: at_by_numpy(*given)[0], "You returned one number"),
        ],
    },
    "crossing": {
        "right": ["np.floor(1000 * crossing) / 1000", "round(float(crossing), 4)"],
        "wrong": [("float(crossing) + 0.003", "You come within")],
    },
}
for part, more in (*ADDED.items(), *AGAIN.items()):
    for kind, some in more.items():
        ANSWERS[part][kind] += some
