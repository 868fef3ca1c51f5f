"""A widget on flows: the path of one picture from noise, and the velocities in the plane as the time passes."""

import html
from collections.abc import Sequence

import ipywidgets as ipw
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ganlab import models, plots
from ganlab.models import Flow
from ganlab.models.flow import Velocity
from ganlab.runtime import seeded_generator
from ganlab.widgets.kit import (
    THUMBNAIL,
    Latest,
    Panel,
    Pixels,
    chooser,
    readout,
    side_by_side,
    slider,
)
from ganlab.widgets.moving import MovingPicture

STRIP = 9  # pictures of a path, noise and end among them
MOST_STEPS = 40
POINTS = 300  # in the plane
TIMES = 50  # steps of their paths
LIMIT = 1.8  # of both coordinates
ARROWS = 15  # along each


class FlowExplorer(Panel):
    """Above, the path of one picture from noise: class, steps, guidance, seed. Below, points that follow a velocity.

    `flow` makes pictures of classes, which `names` name; `velocity` (x, t) is of points (n, 2). The strip shows the
    path at nine times, as even as the steps allow. Raises ValueError for a flow without classes, or another number.
    """

    doing = "choose a class, and move the sliders for steps, guidance and time"

    def __init__(self, flow: Flow, names: Sequence[str], velocity: Velocity) -> None:
        if getattr(flow, "classes", None) != len(names):
            raise ValueError(f"names: got {len(names)}, but this flow takes {getattr(flow, 'classes', 'no')} classes")
        self.flow = flow
        self.names = list(names)
        self.velocity = velocity
        width = f"{0.7 * max(map(len, names)) + 1.8:.1f}em"
        self.y = chooser("class", [(name, k) for k, name in enumerate(names)], 0, width=width)
        self.steps = slider("steps", 10, least=1, most=MOST_STEPS, step=1)
        self.guidance = slider("guidance", 1.0, least=0.0, most=6.0, step=0.25)
        self.seed = ipw.BoundedIntText(0, 0, 10**9 - 1, description="seed of z")
        self.seed.layout.width = "14em"
        self.time = slider("time", 0.5, least=0.0, most=1.0, step=1 / TIMES)
        for control in (self.y, self.steps, self.guidance, self.seed, self.time):
            control.style.description_width = "6em"
        self.readout = readout()
        blank = torch.zeros(STRIP, *flow.shape)
        self.strip = Pixels(blank, THUMBNAIL, STRIP, alt=f"The path of one picture at {STRIP} times, noise first.")
        self._draw_field()
        self.redraw = Latest(self._paint)
        self.redraw_field = Latest(self._paint_field)
        for control in (self.y, self.steps, self.guidance, self.seed):
            control.observe(self.redraw, names="value")
        self.time.observe(self.redraw_field, names="value")
        controls = [self.steps, self.guidance, self.seed, self.readout, self.time]
        super().__init__([self.y, self.strip, side_by_side(controls, self.field)])
        self.redraw()
        self.redraw_field()

    @torch.inference_mode()
    def path(self) -> tuple[Tensor, list[int]]:
        """Return what the strip shows, (9, C, H, W) in [-1, 1], and the step of each picture."""
        device = next(self.flow.parameters()).device
        flow = self.flow.sampling(steps=round(self.steps.value), guidance=self.guidance.value)
        z = models.latents(1, flow.latent_dim, seeded_generator(self.seed.value)).to(device)
        places = [round(k * flow.steps / (STRIP - 1)) for k in range(STRIP)]
        states = list(flow.path(z, torch.tensor([self.y.value], device=device)))
        return torch.cat([states[k] for k in places]).float().cpu().clamp(-1, 1), places

    def _paint(self) -> None:
        images, places = self.path()
        self.strip.show(images)
        steps = round(self.steps.value)
        looks = steps * (1 if self.guidance.value in (0, 1) else 2)
        name = html.escape(self.names[self.y.value])
        of_class = f"class {name}" if self.guidance.value else "no class: the guidance is 0"
        shown = ", ".join(str(place) for place in dict.fromkeys(places))
        self.readout.value = (
            f"{of_class}; {steps} steps, the network was asked {looks} times.<br>The strip: after {shown} steps."
        )

    def _draw_field(self) -> None:
        """Make the figure of the plane: arrows on a grid, and points on their way."""
        z = models.latents(POINTS, 2, seeded_generator("field", 0))
        with torch.inference_mode():
            self.points = list(models.flow_path(self._velocity, z, TIMES, heun=True))
        axis = torch.linspace(-LIMIT, LIMIT, ARROWS)
        self.places = torch.cartesian_prod(axis, axis)
        figure = Figure(figsize=(4.2, 4.2), layout="constrained")
        ax = figure.subplots()
        ax.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal")
        ax.set(xlabel="first coordinate", ylabel="second coordinate")
        self.arrows = ax.quiver(
            *self.places.T, *torch.zeros_like(self.places).T, angles="xy", scale_units="xy", scale=8, width=0.004
        )
        self.dots = ax.scatter(*z.T, s=8, color=plots.FAKE, linewidths=0, zorder=3)
        moving = [self.arrows, self.dots]
        alt = "Orange points on their way from noise to the data, and arrows: the velocity at the time set."
        self.field = MovingPicture(figure, alt=alt, moving=moving)

    def _velocity(self, x: Tensor, t: float) -> Tensor:
        return self.velocity(x, t).float().cpu()

    def _paint_field(self) -> None:
        t = self.time.value
        with torch.inference_mode():
            v = self._velocity(self.places, t)
        self.arrows.set_UVC(*v.T.numpy())
        self.dots.set_offsets(self.points[round(t * TIMES)].numpy())
        self.field.paint()
