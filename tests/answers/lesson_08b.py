"""Answers to the exercises of lesson 08b as different people would write them, right and wrong; see test_check.py."""

import math

import numpy as np
import torch


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


def quotients_added(chunks):
    return torch.stack([torch.logsumexp(chunk, 0) - math.log(len(chunk)) for chunk in chunks]).logsumexp(0)


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


def mean_of_logs(chunks):
    total = count = 0
    for chunk in chunks:
        total = total + chunk.sum(dim=0)
        count += chunk.shape[0]
    return total / count


def total_from_zero(chunks):
    total, count = torch.zeros(()), 0
    for chunk in chunks:
        total = torch.logaddexp(total, chunk.logsumexp(0))
        count += len(chunk)
    return total - np.log(count)


def gaps_by_lists(log_p, best, elbo):
    first, second = log_p - best, best - elbo
    return [(d.mean().item(), d.std().item() / math.sqrt(len(d))) for d in (first, second)]


def gaps_by_tensor(log_p, best, elbo):
    gaps = torch.stack([log_p, best, elbo]).diff(dim=0).neg()  # (2, n)
    errors = (gaps.var(dim=1) / gaps.shape[1]).sqrt()
    return torch.stack([gaps.mean(dim=1), errors], dim=-1)


def gaps_with(error=lambda d: d.std() / len(d) ** 0.5, sign=1):
    def answer(log_p, best, elbo):
        return [((sign * d).mean(), error(d)) for d in (log_p - best, best - elbo)]

    return answer


def gaps_unpaired(log_p, best, elbo):
    def error(a, b):
        return torch.sqrt(a.var() / len(a) + b.var() / len(b))

    return [((log_p - best).mean(), error(log_p, best)), ((best - elbo).mean(), error(best, elbo))]


def gaps_with_errors_subtracted(log_p, best, elbo):
    def error(v):
        return v.std() / len(v) ** 0.5

    return [
        ((log_p - best).mean(), error(log_p) - error(best)),
        ((best - elbo).mean(), error(best) - error(elbo)),
    ]


def gaps_of_the_whole(log_p, best, elbo):
    return [gaps_with()(log_p, elbo, elbo)[0], gaps_with()(log_p, best, elbo)[1]]


def chunks_by_numel(chunks):
    total, count = torch.tensor(-math.inf, dtype=torch.float64), 0
    for chunk in chunks:
        total = torch.logaddexp(total, torch.logsumexp(chunk, 0))
        count += chunk.numel()
    return total - math.log(count)


def chunks_by_columns(chunks):
    total, count = torch.tensor(-math.inf, dtype=torch.float64), 0
    for chunk in chunks:
        total, count = torch.logaddexp(total, torch.logsumexp(chunk, 0)), count + chunk.shape[1]
    return total - math.log(count)


ANSWERS = {
    "08b.1": {
        "right": [chunks_by_largest, chunks_by_numpy, chunks_by_list],
        "wrong": [
            (lambda chunks: chunks_by_list([torch.cat(list(chunks))]), "You kept the chunks"),
            (mean_of_logs, "You averaged the logs"),
            (lambda chunks: sum(means := [chunk.mean(0) for chunk in chunks]) / len(means), "You averaged the logs"),
            (total_from_zero, "Start at minus infinity"),
            (running_mean, "averaged the chunks' bounds. "),
            (mean_by_size, "weighted by size"),
            (mean_of_means, "Chunks of different sizes"),
            (undivided, "divide by K"),
            (divided_by_chunks, "the number of chunks"),
            (divided_by_last, "last chunk's size"),
            (lambda chunks: undivided(chunks) / 11, "You divided the log by K"),
            (quotients_added, "added the quotients"),
            (sign_of_log_k, "You added log K"),
            (by_plain_sums, "exp(-1000) is 0"),
            (last_alone, "last chunk alone"),
            (first_alone, "first chunk alone"),
            (logs_added, "that multiplies the sums"),
            (chunks_by_numel, "counted every number"),
            (chunks_by_columns, "which are images"),
        ],
    },
    "08b.2": {
        "right": [gaps_by_lists, gaps_by_tensor, gaps_with()],
        "wrong": [
            (gaps_with(torch.std), "the standard deviation"),
            (gaps_with(lambda d: d.std() / len(d)), "You divided the deviation by n"),
            (gaps_with(lambda d: d.var() / len(d)), "variance of the mean"),
            (gaps_with(lambda d: d.std(correction=0) / len(d) ** 0.5), "divide by n - 1"),
            (gaps_with(sign=-1), "the wrong sign"),
            (gaps_unpaired, "Subtract digit by digit"),
            (lambda *columns: gaps_by_lists(*columns)[::-1], "in the other order"),
            (gaps_of_the_whole, "Your first gap is the whole"),
            (
                lambda log_p, best, elbo: [*gaps_with()(log_p, best, best)[:1], *gaps_with()(log_p, log_p, elbo)[1:]],
                "second gap",
            ),
            (gaps_with_errors_subtracted, "Errors do not subtract"),
            (gaps_with(lambda d: d.std() / (len(d) - 1) ** 0.5), "the root of n - 1"),
            (lambda *columns: gaps_by_tensor(*columns).T, "a row for each gap"),
        ],
    },
}
