"""The exercises of lesson 06: the Fréchet distance feature by feature, and coverage."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlab import metrics
from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator


def frechet_by_feature(
    real: Tensor,
    fake: Tensor,
    of_means: Callable[[Tensor], Tensor] = torch.square,
    spread: Callable[[Tensor], Tensor] = lambda x: x.std(0),
    join: Callable[[Tensor], Tensor] = torch.sum,
) -> Tensor:
    """Return (6.2) summed over features (n, D) and (m, D), as if these were uncorrelated; the rest are for slips."""
    return join(of_means(real.mean(0) - fake.mean(0)) + (spread(real) - spread(fake)).square())


def _frechet_by_feature(function: Callable) -> dict[str, Any]:
    numbers = {}
    for size, features in ((40, 3), (60, 5)):  # as many fakes as real ones: means over the wrong axis fit, too
        generator = seeded_generator("06.1", features)
        real, fake = (torch.randn(size, features, generator=generator, dtype=torch.float64) for _ in range(2))
        real[:, 1:] += real[:, :1]  # correlated, each set in its own way: (6.3) is then something else
        fake[:, 1:] -= fake[:, :1]
        scale = torch.linspace(0.5, 2.5, features, dtype=torch.float64)
        numbers[f"distance with {features} features"] = function(real * scale + scale, fake * scale.flip(0) + 1.2)
    return numbers


FRECHET_SLIPS = {
    "You took variances for the spreads. (6.2) compares standard deviations, their roots.": {
        "spread": lambda x: x.var(0)
    },
    "You compared the means alone. The second term of (6.2), of the standard deviations, is missing.": {
        "spread": lambda x: x.new_zeros(x.shape[1])
    },
    "You compared the spreads alone. The first term of (6.2), of the means, is missing.": {
        "of_means": torch.zeros_like
    },
    "You did not square the difference of the means.": {"of_means": lambda gap: gap},
    "You took the absolute difference of the means. (6.2) has its square.": {"of_means": torch.abs},
    "You took the mean over the features. The squared distance is their sum.": {"join": torch.mean},
    "You took the root. (6.2) is the squared distance.": {"join": lambda each: each.sum().sqrt()},
    "You took a root for each feature, then the sum. (6.2) is squared: no root.": {
        "join": lambda each: each.sqrt().sum()
    },
    "You divided by n in the standard deviations. `x.std(0)` divides by n - 1, as the package does.": {
        "spread": lambda x: x.std(0, correction=0)
    },
}


def _gaps(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences of the means and of the standard deviations, (D,) each."""
    return real.mean(0) - fake.mean(0), real.std(0) - fake.std(0)


def _no_squares(real: Tensor, fake: Tensor) -> Tensor:
    return sum(_gaps(real, fake)).sum()


def _no_squares_but_signs(real: Tensor, fake: Tensor) -> Tensor:
    return sum(gap.abs() for gap in _gaps(real, fake)).sum()


def _means_squared_alone(real: Tensor, fake: Tensor) -> Tensor:
    means, spreads = _gaps(real, fake)
    return (means.square() + spreads).sum()


def _summed_and_then_squared(real: Tensor, fake: Tensor) -> Tensor:
    return sum(gap.sum().square() for gap in _gaps(real, fake))


def _axis(real: Tensor, fake: Tensor) -> Tensor:
    return frechet_by_feature(real.T, fake.T)


def _uncoupled(real: Tensor, fake: Tensor) -> Tensor:
    return ((real.mean(0) - fake.mean(0)) ** 2 + real.var(0) + fake.var(0)).sum()


def _one_by_one(real: Tensor, fake: Tensor) -> Tensor:
    return (real - fake).square().sum(1).mean()


def _all_at_once(real: Tensor, fake: Tensor) -> Tensor:
    return (real.mean() - fake.mean()) ** 2 + (real.std() - fake.std()) ** 2


def _one_spread(real: Tensor, fake: Tensor) -> Tensor:
    return (real.mean(0) - fake.mean(0)).square().sum() + (real.std() - fake.std()) ** 2


def _added_before_squaring(real: Tensor, fake: Tensor) -> Tensor:
    return sum(_gaps(real, fake)).square().sum()


def _subtracted(real: Tensor, fake: Tensor) -> Tensor:
    means, spreads = _gaps(real, fake)
    return (means.square() - spreads.square()).sum()


OTHER_FRECHET_SLIPS = (
    Slip(_one_spread, "Your `.std()` has no axis, so it is one spread over all features. Take `.std(0)`."),
    Slip(_added_before_squaring, "You added the two differences and squared their sum. Square each, then add."),
    Slip(_subtracted, "You subtracted the second term of (6.2). Add it."),
    Slip(_no_squares, "You squared neither difference. (6.2) squares both, that of the means and that of the spreads."),
    Slip(_no_squares_but_signs, "You took absolute differences. (6.2) squares both differences."),
    Slip(_means_squared_alone, "You squared the difference of the means, but not that of the standard deviations."),
    Slip(_summed_and_then_squared, "You added over the features and squared the sums. Square first, then add."),
    Slip(
        functools.partial(frechet_by_feature, join=lambda each: each),
        "You returned (6.2) of each feature, (D,). Add over the features: one number is asked for.",
    ),
    Slip(
        lambda real, fake: torch.tensor(metrics.frechet_distance(real, fake)),
        "You computed (6.3), which knows that features are correlated. Here each feature is treated by itself, by "
        "(6.2).",
    ),
    Slip(_axis, "You took means over the features of each image (dim=1). Take them over the images: dim=0."),
    Slip(_uncoupled, "You added the variances. That is the cost of pairs at random; the cheapest pairs save a term."),
    Slip(_one_by_one, "You paired row k with row k. The order of the rows has no meaning: compare means and spreads."),
    Slip(_all_at_once, "You took one mean and one spread over everything. Each feature has its own."),
)


def _reach(real: Tensor, k: int) -> Tensor:
    """Return the distance of each real sample to its k-th nearest other, (m,)."""
    return torch.cdist(real, real).sort(1).values[:, k]


def coverage(fake: Tensor, real: Tensor, k: int) -> Tensor:
    """Return the share of real samples (m, D) whose ball, to the k-th nearest other one, holds a fake (n, D)."""
    return (torch.cdist(real, fake) <= _reach(real, k)[:, None]).any(1).double().mean()


def _coverage(function: Callable) -> dict[str, Any]:
    numbers = {}
    for k, n, m in ((1, 30, 47), (3, 12, 31)):
        generator = seeded_generator("06.2", k)
        fake, real = (torch.randn(size, 2, generator=generator, dtype=torch.float64) for size in (n, m))
        numbers[f"coverage with k = {k}"] = function(1.6 * fake + 0.5, real, k)
    real, fake = (torch.tensor(line, dtype=torch.float64)[:, None] for line in ((0, 1, 3, 7), (2, 20)))
    numbers["coverage with a fake on a rim"] = function(fake, real, 1)  # the ball of 1 reaches 0 and, just, 2
    return numbers


def _ball_slips(fractions: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]) -> tuple[Slip, ...]:
    """Return a slip for each hint: `fraction(distances (m, n), reach (m,), reach of the fakes (n,))`."""

    def slip(fraction: Callable, fake: Tensor, real: Tensor, k: int) -> Tensor:
        return fraction(torch.cdist(real, fake), _reach(real, k), _reach(fake, k))

    return tuple(Slip(functools.partial(slip, fraction), hint) for hint, fraction in fractions.items())


BALL_SLIPS = {
    "You took balls around *fakes*: that is recall. Around real samples.": lambda d, real, fake: (
        (d <= fake).any(1).double().mean()
    ),
    "You took the share of *fakes* in some ball: that is precision. Of which samples is a share "
    "asked?": lambda d, real, fake: (d <= real[:, None]).any(0).double().mean(),
    "You took one radius for all: each real sample has its own.": lambda d, real, fake: (
        (d <= real.mean()).any(1).double().mean()
    ),
    "You took the largest radius for all: each real sample has its own.": lambda d, real, fake: (
        (d <= real.max()).any(1).double().mean()
    ),
    "You gave a number of samples: divide by how many there are.": lambda d, real, fake: (
        (d <= real[:, None]).any(1).sum()
    ),
    "You took the share of pairs: a ball counts once, however many fakes it holds (any).": lambda d, real, fake: (
        (d <= real[:, None]).double().mean()
    ),
    "You asked for *all* fakes in one ball. One is enough.": lambda d, real, fake: (
        (d <= real[:, None]).all(1).double().mean()
    ),
    "You counted the balls that hold *no* fake: the others are covered.": lambda d, real, fake: (
        1 - (d <= real[:, None]).any(1).double().mean()
    ),
    "You left out the rim: a fake on the rim of a ball lies in it: <=, as in precision and "
    "recall.": lambda d, real, fake: (d < real[:, None]).any(1).double().mean(),
    "You took how many fakes a ball holds, on average: any number of them counts once.": lambda d, real, fake: (
        (d <= real[:, None]).double().sum(1).mean()
    ),
}


def _density(fake: Tensor, real: Tensor, k: int) -> Tensor:
    return (torch.cdist(real, fake) <= _reach(real, k)[:, None]).double().sum() / (k * len(fake))


def _k_fakes(fake: Tensor, real: Tensor, k: int) -> Tensor:
    inside = torch.cdist(real, fake) <= _reach(real, k)[:, None]
    return (inside.sum(1) >= k).double().mean()


DENSITY = (
    "You computed the *density* of the same paper: how many balls a fake lies in, on average, over k. For coverage ask "
    "of each ball whether it holds any fake at all."
)
SWAPPED = (
    "You have real and fake exchanged: your balls lie around fakes, and you return a fraction of fakes. The order of "
    "the arguments is fake, real, k."
)
ALL = (
    "Your balls all hold a fake. Did you measure the radius to the k-th nearest *fake*? Or to the farthest real one: "
    "topk takes the largest numbers unless told largest=False."
)
SELF = (
    "You counted the sample itself: a sample is its own nearest neighbour, at distance 0: the k-th *other* "
    "one is one place further on."
)
BEYOND = (
    "You went one place too far: the sorted row begins with the sample itself, at place 0, so the k-th "
    "other is at place k."
)

EXERCISES = {
    "06.1": Exercise(
        _frechet_by_feature,
        frechet_by_feature,
        (
            *(Slip(functools.partial(frechet_by_feature, **change), hint) for hint, change in FRECHET_SLIPS.items()),
            *OTHER_FRECHET_SLIPS,
        ),
    ),
    "06.2": Exercise(
        _coverage,
        coverage,
        (
            *_ball_slips(BALL_SLIPS),
            Slip(lambda fake, real, k: torch.ones(()), ALL),
            Slip(lambda fake, real, k: coverage(fake, real, k - 1), SELF),
            Slip(lambda fake, real, k: coverage(fake, real, 3), "You took k = 3, as the lesson does. Use the k given."),
            Slip(
                lambda fake, real, k: coverage(fake, real, 1), "You took the nearest neighbour, k = 1. Use the k given."
            ),
            Slip(lambda fake, real, k: coverage(real, fake, k), SWAPPED),
            Slip(_density, DENSITY),
            Slip(_k_fakes, "You ask for k fakes in a ball. One is enough; k only says how far the ball reaches."),
            Slip(lambda fake, real, k: coverage(fake, real, k + 1), BEYOND),
        ),
    ),
}
