"""The exercises of lesson 08b: a bound in chunks, gaps with their errors."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ganlab import probability
from ganlab.check import Exercise, Slip
from ganlab.check.parts import parts
from ganlab.runtime import seeded_generator


def bound_in_chunks(chunks: Iterator[Tensor]) -> Tensor:
    """Return the bound of all K samples in nats, (B,), from log weights that come as chunks (k, B) of any k."""
    total = None
    count = 0
    for chunk in chunks:
        here = torch.logsumexp(chunk, dim=0)
        total = here if total is None else torch.logaddexp(total, here)
        count += len(chunk)
    return total - math.log(count)


SIZES = (5, 2, 4)  # of the chunks: different, so that a plain mean over chunks is wrong


def _chunks(log_w: Tensor) -> Iterator[Tensor]:
    """Yield chunks that all lie in the same memory: whoever keeps them has the last one only."""
    memory = torch.empty(max(SIZES), log_w.shape[1], dtype=log_w.dtype)
    for part in log_w.split(SIZES):
        yield memory[: len(part)].copy_(part)


def _bound_in_chunks(function: Callable) -> dict[str, Any]:
    log_w = 2 * torch.randn(sum(SIZES), 4, generator=seeded_generator("08b.1"), dtype=torch.float64)
    level = torch.tensor([-1000.0, -2000.0, -900.0, -1500.0], dtype=torch.float64)  # as of images
    return {f"bound in nats, {k}": function(_chunks(log_w + by)) for k, by in {"small": 0, "images": level}.items()}


def _chunk_slips(changes: dict[str, Callable[[Tensor, Tensor], Tensor]]) -> tuple[Slip, ...]:
    """Return a slip for each hint, whose answer is `change(sizes (chunks, 1), log sums (chunks, B))`."""

    def slip(change: Callable[[Tensor, Tensor], Tensor], chunks: Iterator[Tensor]) -> Tensor:
        pairs = [(len(chunk), torch.logsumexp(chunk, 0)) for chunk in chunks]
        sums = torch.stack([total for _, total in pairs])
        return change(torch.tensor([size for size, _ in pairs], dtype=sums.dtype)[:, None], sums)

    return tuple(Slip(functools.partial(slip, change), hint) for hint, change in changes.items())


def gaps_with_errors(log_p: Tensor, best: Tensor, elbo: Tensor) -> Tensor:
    """Return mean and standard error of log_p - best and of best - elbo, numbers of n images each (n,): (2, 2)."""
    gaps = torch.stack([log_p - best, best - elbo])
    return torch.stack([gaps.mean(1), gaps.std(1) / gaps.shape[1] ** 0.5], dim=1)


def _gaps_with_errors(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("08b.2")
    numbers = {}
    for n in (7, 50):
        images = -100 + 30 * torch.randn(n, generator=rng, dtype=torch.float64)  # images differ by more than models
        first = 2 + 0.4 * torch.randn(n, generator=rng, dtype=torch.float64)
        second = 5 + torch.randn(n, generator=rng, dtype=torch.float64)
        result = function(images + first + second, images + second, images.clone())
        if not isinstance(result, Tensor) or result.ndim == 0:
            rows = parts(result, "the pair (mean, error) of the first gap", "the pair of the second")
            pairs = [parts(row, "the mean of a gap", "its standard error, for each of the two gaps") for row in rows]
            result = torch.stack([torch.stack([torch.as_tensor(value).double() for value in pair]) for pair in pairs])
        numbers[f"means and errors of {n} images"] = result
    return numbers


def _gap_slips(changes: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]) -> tuple[Slip, ...]:
    return tuple(Slip(change, hint) for hint, change in changes.items())


def _errors_changed(change: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return an answer whose errors, (2,), are `change` of the right ones and of n."""

    def answer(log_p: Tensor, best: Tensor, elbo: Tensor) -> Tensor:
        right = gaps_with_errors(log_p, best, elbo)
        return torch.stack([right[:, 0], change(right[:, 1], len(elbo))], dim=1)

    return answer


def _unpaired(log_p: Tensor, best: Tensor, elbo: Tensor) -> Tensor:
    right = gaps_with_errors(log_p, best, elbo)
    variances = torch.stack([part.var() for part in (log_p, best, elbo)])
    return torch.stack([right[:, 0], ((variances[:2] + variances[1:]) / len(elbo)).sqrt()], dim=1)


def _total(log_p: Tensor, best: Tensor, elbo: Tensor) -> Tensor:
    gaps = torch.stack([log_p - elbo, best - elbo])
    return torch.stack([gaps.mean(1), gaps.std(1) / gaps.shape[1] ** 0.5], dim=1)


def _plain_mean(chunks: Iterator[Tensor]) -> Tensor:
    parts = [(len(chunk), chunk.sum(0)) for chunk in chunks]
    return sum(total for _, total in parts) / sum(size for size, _ in parts)


def _mean_of_plain_means(chunks: Iterator[Tensor]) -> Tensor:
    return torch.stack([chunk.mean(0) for chunk in chunks]).mean(0)


def _from_zero(chunks: Iterator[Tensor]) -> Tensor:
    total = torch.tensor(0.0, dtype=torch.float64)
    count = 0
    for chunk in chunks:
        total = torch.logaddexp(total, torch.logsumexp(chunk, dim=0))
        count += len(chunk)
    return total - math.log(count)


def _by_numel(chunks: Iterator[Tensor]) -> Tensor:
    parts = [(torch.logsumexp(chunk, 0), chunk.numel()) for chunk in chunks]
    return torch.logsumexp(torch.stack([total for total, _ in parts]), 0) - math.log(sum(size for _, size in parts))


def _by_columns(chunks: Iterator[Tensor]) -> Tensor:
    pairs = [(torch.logsumexp(chunk, 0), chunk.shape[1]) for chunk in chunks]
    return torch.logsumexp(torch.stack([total for total, _ in pairs]), 0) - math.log(sum(size for _, size in pairs))


def _errors_subtracted(log_p: Tensor, best: Tensor, elbo: Tensor) -> Tensor:
    log_p_error, best_error, elbo_error = (part.std() / len(elbo) ** 0.5 for part in (log_p, best, elbo))
    errors = torch.stack([log_p_error - best_error, best_error - elbo_error])
    return torch.stack([gaps_with_errors(log_p, best, elbo)[:, 0], errors], dim=1)


def _second_total(log_p: Tensor, best: Tensor, elbo: Tensor) -> Tensor:
    gaps = torch.stack([log_p - best, log_p - elbo])
    return torch.stack([gaps.mean(1), gaps.std(1) / gaps.shape[1] ** 0.5], dim=1)


CHUNK_SLIPS = {
    "You averaged the chunks' bounds. The mean belongs inside the log.": lambda n, s: (s - n.log()).mean(0),
    "You averaged the chunks' bounds, weighted by size. The mean belongs inside the log.": lambda n, s: (
        (n * (s - n.log())).sum(0) / n.sum()
    ),
    "You averaged the chunks' means. Chunks of different sizes count differently: add sums, divide once.": (
        lambda n, s: torch.logsumexp(s - n.log(), 0) - math.log(len(n))
    ),
    "You summed the weights. For the mean divide by K, so subtract log K.": lambda n, s: torch.logsumexp(s, 0),
    "You divided by the number of chunks. Divide by the number of samples.": lambda n, s: (
        torch.logsumexp(s, 0) - math.log(len(n))
    ),
    "You divided by the last chunk's size. K counts the samples of all chunks.": lambda n, s: (
        torch.logsumexp(s, 0) - n[-1].log()
    ),
    "You divided the log by K. Divide inside the log: in logs that is to subtract log K.": lambda n, s: (
        torch.logsumexp(s, 0) / n.sum()
    ),
    "You divided each chunk's sum by its own size, and added the quotients. Add the sums first, then divide by K.": (
        lambda n, s: torch.logsumexp(s - n.log(), 0)
    ),
    "You added log K. A mean is smaller than a sum: subtract it.": lambda n, s: torch.logsumexp(s, 0) + n.sum().log(),
    "You left the logs: exp(-1000) is 0, and its log -inf. Stay with logs (torch.logaddexp).": lambda n, s: (
        s.exp().sum(0) / n.sum()
    ).log(),
    "You returned the last chunk alone. Carry a total along.": lambda n, s: s[-1] - n[-1].log(),
    "You returned the first chunk alone. Does `return` stand inside the loop?": lambda n, s: s[0] - n[0].log(),
    "You added logs: that multiplies the sums. torch.logaddexp adds them.": lambda n, s: s.sum(0) - n.sum().log(),
}
NUMEL = "You counted every number of a chunk (numel). K counts draws: the rows, len(chunk)."
COLUMNS = "You added up the columns of the chunks (shape[1]), which are images. K counts draws: the rows, len(chunk)."
KEPT = "You kept the chunks, but each lies in the memory of the one before. Take what you need from it at once."
LOGS = "You averaged the logs of the weights: that estimates the ELBO. Take the log of the average of the weights."
ZERO = "Your total starts at 0, the log of a weight of 1 that nobody drew. Start at minus infinity, the log of 0."

GAP_SLIPS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "You took the standard deviation. The error of a mean of n images is smaller by the root of n.": _errors_changed(
        lambda error, n: error * n**0.5
    ),
    "You divided the deviation by n. Divide it by the root of n.": _errors_changed(lambda error, n: error / n**0.5),
    "You returned the variance of the mean: take its root.": _errors_changed(lambda error, n: error**2),
    "You took the errors of the three columns apart. Subtract digit by digit first: what the columns share cancels.": (
        _unpaired
    ),
    "Your gaps have the wrong sign: the higher number comes first.": lambda log_p, best, elbo: gaps_with_errors(
        -log_p, -best, -elbo
    ),
    "You returned the two gaps in the other order: first log p - best, then best - ELBO.": lambda log_p, best, elbo: (
        gaps_with_errors(log_p, best, elbo).flip(0)
    ),
    "Your first gap is the whole, log p - ELBO. The first part ends at the best q.": _total,
    "Your second gap is the whole, log p - ELBO. The second part starts at the best q.": _second_total,
    "You subtracted the errors of the columns. Errors do not subtract: take the error of the difference.": (
        _errors_subtracted
    ),
    "You divided by the root of n - 1. `std` has the n - 1 in it: divide by the root of n.": _errors_changed(
        lambda error, n: error * (n / (n - 1)) ** 0.5
    ),
    "You returned means in one row and errors in the other. Return a row for each gap: mean, error.": (
        lambda log_p, best, elbo: gaps_with_errors(log_p, best, elbo).T
    ),
    "You divided by n inside the variance (correction=0). From a sample divide by n - 1, as `std` does.": (
        _errors_changed(lambda error, n: error * ((n - 1) / n) ** 0.5)
    ),
}

EXERCISES = {
    "08b.1": Exercise(
        _bound_in_chunks,
        bound_in_chunks,
        (
            Slip(lambda chunks: probability.importance_bound(torch.cat(list(chunks))), KEPT),
            Slip(_plain_mean, LOGS),
            Slip(_mean_of_plain_means, LOGS),
            Slip(_from_zero, ZERO),
            Slip(_by_numel, NUMEL),
            Slip(_by_columns, COLUMNS),
            *_chunk_slips(CHUNK_SLIPS),
        ),
    ),
    "08b.2": Exercise(_gaps_with_errors, gaps_with_errors, _gap_slips(GAP_SLIPS)),
}
