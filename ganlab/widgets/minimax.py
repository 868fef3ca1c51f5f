"""The minimax game of two densities, moved by sliders."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ganlab import losses, plots, probability
from ganlab.toys import Mixture
from ganlab.widgets.gaussian import STEP, GaussianExplorer
from ganlab.widgets.kit import slider

EDGES = (10, 20, 40)  # of the axes of x, which follow the bars by leaps
MOST_X = EDGES[-1]
GRID = torch.linspace(-60, 60, 12001, dtype=torch.float64)  # of the integrals
LOSS_COLOURS = {"minimax": plots.OTHER, "non_saturating": plots.INK}


class GameState(NamedTuple):
    """The game at one p_g, in nats; `gradients[loss]` is (d/dmu, d/dsigma) of that generator loss."""

    value: float
    jsd: float
    reverse_kl: float
    gradients: dict[str, tuple[float, ...]]


def game_state(p_data: Mixture, mu: float, sigma: float) -> GameState:
    """Return V(D*, G), JSD(p_data, p_g), KL(p_g || p_data) and both generator gradients for p_g = N(mu, sigma^2).

    By quadrature in float64; D* is optimal for this p_g and held fixed while G moves. `p_data` is one-dimensional.
    ValueError for mu outside [-20, 20] or sigma outside [0.1, 5]: there the grid is no longer wide or fine enough.
    """
    return _state(p_data, p_data.log_prob(GRID[:, None]), mu, sigma)


def _state(p_data: Mixture, log_p_data: Tensor, mu: float, sigma: float) -> GameState:
    """Return what `game_state` does, from log p_data on `GRID`, which no p_g changes."""
    if not (abs(mu) <= 20 and 0.1 <= sigma <= 5):
        raise ValueError(f"mu, sigma: got {mu!r}, {sigma!r}, expected mu in [-20, 20] and sigma in [0.1, 5]")
    x = GRID
    log_p_g = probability.gaussian_log_density(x, mu, sigma)
    jsd = probability.js_divergence(log_p_data, log_p_g, x).item()
    reverse_kl = probability.kl_divergence(log_p_g, log_p_data, x).item()
    logits = probability.optimal_logits(log_p_data, log_p_g)
    in_v = log_p_data.exp() * losses.log_d(logits) + log_p_g.exp() * losses.log_one_minus_d(logits)

    z = torch.linspace(-10, 10, 2001, dtype=torch.float64)
    p_z = probability.gaussian_log_density(z, 0.0, 1.0).exp()
    theta = torch.tensor([mu, sigma], dtype=torch.float64, requires_grad=True)
    fake = theta[0] + theta[1] * z  # G(z)
    log_p_g_at_fake = probability.gaussian_log_density(fake, *theta.detach())
    fake_logits = probability.optimal_logits(p_data.log_prob(fake[:, None]), log_p_g_at_fake)
    gradients = {}
    for name in LOSS_COLOURS:
        loss = probability.integrate(p_z * losses.objective(name).generator(fake_logits), z)
        gradients[name] = tuple(torch.autograd.grad(loss, theta, retain_graph=True)[0].tolist())
    return GameState(probability.integrate(in_v, x).item(), jsd, reverse_kl, gradients)


class GamePicture:
    """Three Axes, top to bottom: both densities, D*, and how far one step of learning rate 1 moves mu by each loss."""

    def __init__(self, axes: Sequence[Axes], p_data: Mixture) -> None:
        self.p_data = p_data
        self.x = torch.linspace(-MOST_X, MOST_X, 4001, dtype=torch.float64)
        self.log_p_data = p_data.log_prob(self.x[:, None])
        self.on_grid = p_data.log_prob(GRID[:, None])
        self.axes = axes
        densities, discriminator, steps = axes
        plots.density(densities, self.x, self.log_p_data, label="p_data", color=plots.REAL)
        (self.p_g,) = densities.plot([], [], color=plots.FAKE, label="p_g")
        (self.d_star,) = discriminator.plot([], [], color=plots.INK)
        bar = {"linewidth": 5, "solid_capstyle": "butt"}
        self.steps = [steps.plot([], [], color=color, **bar)[0] for color in LOSS_COLOURS.values()]
        self.moving = [self.p_g, self.d_star, *self.steps]
        densities.set(ylim=(0, 1), ylabel="density")
        densities.legend(frameon=False, loc="upper right", ncols=2)
        discriminator.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1), ylabel="D*(x)")
        names = [name.replace("_", "-") for name in LOSS_COLOURS]
        steps.set(ylim=(1.6, -0.6), yticks=(0, 1), yticklabels=names)
        steps.set_xlabel("x; bars: one step of mu at learning rate 1")

    def move(self, mu: float, sigma: float) -> GameState:
        """Draw the game for p_g = N(mu, sigma^2) and return its numbers."""
        state = _state(self.p_data, self.on_grid, mu, sigma)
        log_p_g = probability.gaussian_log_density(self.x, mu, sigma)
        d_star = probability.optimal_logits(self.log_p_data, log_p_g).sigmoid()
        self.p_g.set_data(self.x.numpy(), log_p_g.exp().numpy())
        self.d_star.set_data(self.x.numpy(), d_star.numpy())
        for lane, (line, (d_mu, _)) in enumerate(zip(self.steps, state.gradients.values(), strict=True)):
            line.set_data([mu, mu - d_mu], [lane, lane])
        farthest = max(abs(mu - d_mu) for d_mu, _ in state.gradients.values())
        edge = next((edge for edge in EDGES if farthest <= edge), MOST_X)
        for ax in self.axes:
            ax.set(xlim=(-edge, edge), xticks=[-edge, -edge / 2, 0, edge / 2, edge])
        return state


class MinimaxExplorer(GaussianExplorer):
    """Two sliders move and stretch p_g = N(mu, sigma^2); D*, V, the divergences and both generator gradients follow."""

    doing = "move and stretch p_g by two sliders; D*, V and the gradients follow"

    def __init__(self, p_data: Mixture, mu: float = 0.0, sigma: float = 1.0) -> None:
        figure = Figure(figsize=(6.8, 4.0))
        axes = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.6, 1])
        figure.subplots_adjust(left=0.19, right=0.97, top=0.97, bottom=0.12, hspace=0.15)
        self.game = GamePicture(axes, p_data)
        super().__init__(
            slider("mu (shift)", mu, least=-8, most=8, step=STEP),
            slider("sigma (stretch)", sigma, least=0.4, most=3, step=STEP),
            figure,
            drawn=self.game,
        )

    def lines(self, state: GameState) -> list[str]:
        """Return V, the divergences and the gradients, in nats."""
        lines = [f"V = {state.value:.4f}, JSD = {state.jsd:.4f}, KL(p_g || p_data) = {state.reverse_kl:.4f} nats"]
        for name, (d_mu, d_sigma) in state.gradients.items():
            lines.append(f"gradient of {name.replace('_', '-')}: {d_mu:+.4f} by mu, {d_sigma:+.4f} by sigma")
        return lines
