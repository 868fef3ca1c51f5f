"""q(z | x) on a line, moved against a posterior of any shape; the bound and its gap follow."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ganlab import plots, probability
from ganlab.widgets.gaussian import STEP, GaussianExplorer
from ganlab.widgets.kit import slider

LogLikelihood = Callable[[Tensor], Tensor]  # latents z (n,) to log p(x | z) (n,), for the one x in question

LEAST_SIGMA = 0.05
MOST_SIGMA = 2.0
FARTHEST = 4.0  # mu, on either side
GRID = torch.linspace(-24, 24, 9601, dtype=torch.float64)  # 10 points a sigma at least, 10 sigma on either side
EDGE = 3.0  # of the picture, in z
LEAST_NATS = -8.0  # its left edge below, or further left where a bar is longer


class BoundState(NamedTuple):
    """The bound at one q, in nats: bound = expected_log_likelihood - kl, and log_p_x = bound + gap."""

    log_p_x: float
    expected_log_likelihood: float
    kl: float
    bound: float
    gap: float


def posterior(log_p_x_given_z: LogLikelihood) -> tuple[float, Tensor]:
    """Return log p(x), and log p(z | x) on `GRID`, in nats for the prior N(0, 1): by quadrature in float64."""
    log_joint = log_p_x_given_z(GRID) + probability.gaussian_log_density(GRID, 0.0, 1.0)
    highest = log_joint.max()  # taken out, so that not every exponential can fall to zero
    log_p_x = highest + probability.integrate((log_joint - highest).exp(), GRID).log()
    return log_p_x.item(), log_joint - log_p_x


def bound_state(log_p_x_given_z: LogLikelihood, mu: float, sigma: float) -> BoundState:
    """Return log p(x), both terms of the ELBO, the ELBO and KL(q || p(z | x)) for q = N(mu, sigma^2).

    By quadrature in float64, the gap by an integral of its own, so that log p(x) = bound + gap is a finding.
    ValueError for mu outside [-4, 4] or sigma outside [0.05, 2]: there the grid is no longer wide or fine enough.
    """
    _check(mu, sigma)
    return _state(log_p_x_given_z(GRID), *posterior(log_p_x_given_z), mu, sigma)


def _check(mu: float, sigma: float) -> None:
    if not (abs(mu) <= FARTHEST and LEAST_SIGMA <= sigma <= MOST_SIGMA):
        raise ValueError(f"mu, sigma: got {mu!r}, {sigma!r}, expected mu in [-4, 4] and sigma in [0.05, 2]")


def _state(log_likelihood: Tensor, log_p_x: float, log_p_z_given_x: Tensor, mu: float, sigma: float) -> BoundState:
    """Return what `bound_state` does, from log p(x | z) and log p(z | x) on `GRID`, which no q changes."""
    log_q = probability.gaussian_log_density(GRID, mu, sigma)
    likelihood = probability.integrate(log_q.exp() * log_likelihood, GRID).item()  # E_q log p(x | z)
    mean = torch.tensor(mu, dtype=torch.float64)
    logvar = 2 * torch.tensor(sigma, dtype=torch.float64).log()
    kl = probability.gaussian_kl(mean, logvar).item()
    gap = probability.kl_divergence(log_q, log_p_z_given_x, GRID).item()
    return BoundState(log_p_x, likelihood, kl, likelihood - kl, gap)


class BoundPicture:
    """Two Axes: prior, true posterior and q over z; and how the two terms and the gap add up to log p(x), in nats."""

    def __init__(self, axes: Sequence[Axes], log_p_x_given_z: LogLikelihood) -> None:
        self.exact = (log_p_x_given_z(GRID), *posterior(log_p_x_given_z))
        self.axes = axes
        self.z = GRID[GRID.abs() <= EDGE]
        _, log_p_x, log_p_z_given_x = self.exact
        densities, nats = axes
        prior = probability.gaussian_log_density(self.z, 0.0, 1.0).exp()
        # above q, so that it is seen where q covers it
        (line,) = densities.plot(self.z, prior, ":", color=plots.INK, label="p(z), prior", zorder=3)
        log_posterior = log_p_z_given_x[GRID.abs() <= EDGE]
        plots.density(densities, self.z, log_posterior, label="p(z | x), posterior", color=plots.REAL)
        (self.q,) = densities.plot([], [], color=plots.FAKE, label="q(z | x)")
        self.top = 2.4 * log_p_z_given_x.max().exp().item()
        densities.set(xlim=(-EDGE, EDGE), xlabel="z", ylabel="density")
        densities.legend(frameon=False, loc="upper center", ncols=3, fontsize=8)
        colours = (plots.OTHER, plots.INK, plots.FAKE)
        bar = {"linewidth": 9, "solid_capstyle": "butt"}
        self.bars = [nats.plot([], [], color=colour, **bar)[0] for colour in colours]
        nats.axvline(log_p_x, color=plots.REAL, linewidth=1.2)
        nats.text(log_p_x + 0.12, 2, "log p(x)", color=plots.REAL, va="center", fontsize=8)  # no bar is on this side
        lanes = ["E log p(x | z)", "minus KL(q || p(z))", "gap: up to log p(x)"]
        self.moving = [line, self.q, *self.bars]
        self.right = max(1.0, log_p_x + 0.5)
        nats.set(ylim=(2.6, -0.6), xlabel="nats")
        nats.set_yticks(range(3), lanes)

    def move(self, mu: float, sigma: float) -> BoundState:
        """Draw q = N(mu, sigma^2) with its bound and return the numbers."""
        _check(mu, sigma)
        state = _state(*self.exact, mu, sigma)
        q = probability.gaussian_log_density(self.z, mu, sigma).exp().numpy()
        self.q.set_data(self.z.numpy(), q)
        stops = (0.0, state.expected_log_likelihood, state.bound, state.log_p_x)
        for lane, (line, start, end) in enumerate(zip(self.bars, stops, stops[1:], strict=False)):
            line.set_data([start, end], [lane, lane])
        densities, nats = self.axes  # they follow by leaps, so that they do not move with every step of a slider
        densities.set_ylim(0, _leaps(self.top, 1.3 * q.max()))
        nats.set_xlim(-_leaps(-LEAST_NATS, -min(stops)), self.right)
        return state


def _leaps(size: float, needed: float) -> float:
    """Return the size, doubled as often as what is needed asks for."""
    return size * 2.0 ** max(0, math.ceil(math.log2(needed / size))) if needed > size else size


class BoundExplorer(GaussianExplorer):
    """Two sliders move and stretch q(z | x) = N(mu, sigma^2) for one x; both terms, the bound and the gap follow.

    `log_p_x_given_z` maps latents z (n,), float64, to log p(x | z) (n,); the prior is N(0, 1).
    """

    doing = "move and stretch q by two sliders; the bound and its gap follow"

    def __init__(self, log_p_x_given_z: LogLikelihood, mu: float = 0.0, sigma: float = 1.0) -> None:
        figure = Figure(figsize=(6.8, 4.0))
        axes = figure.subplots(2, 1, height_ratios=[2.2, 1])
        figure.subplots_adjust(left=0.25, right=0.97, top=0.97, bottom=0.12, hspace=0.38)
        self.bound = BoundPicture(axes, log_p_x_given_z)
        super().__init__(
            slider("mu of q", mu, least=-2.5, most=2.5, step=STEP),
            slider("sigma of q (std)", sigma, least=0.1, most=MOST_SIGMA, step=STEP),
            figure,
            drawn=self.bound,
        )

    def lines(self, state: BoundState) -> list[str]:
        """Return how the two terms make the bound, and bound and gap log p(x), in nats."""
        return [
            f"E log p(x | z) {state.expected_log_likelihood:.4f} minus KL(q || p(z)) {state.kl:.4f} "
            f"= ELBO {state.bound:.4f} nats",
            f"ELBO {state.bound:.4f} + gap {state.gap:.4f} = log p(x) {state.log_p_x:.4f} nats",
        ]
