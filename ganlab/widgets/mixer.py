"""Widgets that steer a generator: sliders along directions that have names, and a slider between two classes."""

import html
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as ipw
import torch
from torch import Tensor, nn

from ganlab import models
from ganlab.models import given
from ganlab.models.latent import FARTHEST, STEP, LatentSpace
from ganlab.runtime import seeded_generator, whole_number
from ganlab.widgets.kit import (
    LARGE,
    THUMBNAIL,
    Latest,
    Panel,
    Pixels,
    chooser,
    readout,
    side_by_side,
    slider,
    thumbnails,
)

STARTS = 8  # at most, to choose from
STRIP = 8  # pictures of a mixture, from one class to the other


class DirectionSliders(Panel):
    """G(z + sum of slider times direction), for directions (latent_dim,) by name, from one of several starts z.

    z: (n, latent_dim), up to eight starts. `measures` by name turn the picture shown, (1, C, H, W) in [-1, 1], into a
    number under it. Raises ValueError for a z or a direction of another shape, and where there is no direction.
    """

    doing = "choose where to start, and move along each direction by its slider"

    def __init__(
        self,
        generator: nn.Module,
        z: Tensor,
        directions: Mapping[str, Tensor],
        *,
        measures: Mapping[str, Callable[[Tensor], float]] | None = None,
    ) -> None:
        self.space = LatentSpace(generator)
        self.measures = dict(measures or {})
        if z.ndim != 2 or not 1 <= len(z) <= STARTS or z.shape[1] != self.space.dim:
            raise ValueError(f"z: got shape {tuple(z.shape)}, expected (n, {self.space.dim}) with n from 1 to {STARTS}")
        if not directions:
            raise ValueError("directions: got none, expected one or more")
        for name, direction in directions.items():
            if direction.shape != (self.space.dim,):
                raise ValueError(f"directions: {name!r} has shape {tuple(direction.shape)}, expected {z.shape[1:]}")
        self.z = z.detach().cpu()
        self.directions = {name: direction.detach().cpu() for name, direction in directions.items()}
        samples = self.space.images(self.z)
        numbers = [(str(k + 1), k) for k in range(len(z))]
        self.start = chooser("start", numbers, 0, width="2.4em")
        self.start.style.description_width = "6em"
        self.sliders = {name: slider(name, 0.0, least=-FARTHEST, most=FARTHEST, step=STEP) for name in directions}
        self.back = ipw.Button(description="Back to start", tooltip="All sliders to 0")
        self.picture = Pixels(samples[:1], LARGE, alt="The image where the sliders stand.")
        self.readout = readout()
        self.redraw = Latest(self._paint)
        for control in (self.start, *self.sliders.values()):
            control.observe(self.redraw, names="value")
        self.back.on_click(self._go_back)
        controls = [self.start, *self.sliders.values(), self.back, self.readout]
        super().__init__([thumbnails(samples), side_by_side(controls, self.picture)])
        self.redraw()

    def point(self) -> Tensor:
        """Return the latent (1, latent_dim) where the sliders stand."""
        moves = [control.value * self.directions[name] for name, control in self.sliders.items()]
        return self.z[self.start.value][None] + torch.stack(moves).sum(0)

    def _go_back(self, button: object) -> None:
        for control in self.sliders.values():
            control.value = 0.0

    def _paint(self) -> None:
        z = self.point()
        images = self.space.images(z)
        self.picture.show(images)
        readings = [f"{html.escape(name)} {measure(images):.2f}" for name, measure in self.measures.items()]
        distance = (z[0] - self.z[self.start.value]).norm()
        usual = self.space.dim**0.5
        length = f"z is {z.norm():.1f} long (a draw: {usual:.1f}, give or take 0.7), {distance:.1f} from the start."
        self.readout.value = f"{', '.join(readings)}<br>{length}" if readings else length


class ClassMixer(Panel):
    """G(z, (1 - t) y_a + t y_b) of a conditional generator: two classes, a slider t, and a seed for z.

    `names` has a name for each class; a `classifier` says what it takes the picture for. The strip shows the
    whole mixture for the same z. Raises ValueError for a generator that takes no classes, or another number of them.
    """

    doing = "choose two classes and a seed, and mix the classes by the slider"

    def __init__(
        self, generator: nn.Module, names: Sequence[str], seed: int = 0, *, classifier: nn.Module | None = None
    ) -> None:
        if getattr(generator, "classes", None) != len(names):
            classes = getattr(generator, "classes", "no")
            raise ValueError(f"names: got {len(names)}, but this generator takes {classes} classes")
        self.generator = generator
        self.names = list(names)
        self.classifier = classifier
        options = [(name, k) for k, name in enumerate(names)]
        width = f"{0.7 * max(map(len, names)) + 1.8:.1f}em"
        self.ends = [chooser(label, options, k, width=width) for k, label in enumerate(("class", "other class"))]
        self.mix = slider("mixture", 0.0, least=0.0, most=1.0, step=0.02)
        self.seed = ipw.BoundedIntText(whole_number("seed", seed, least=0), 0, 10**9 - 1, description="seed of z")
        self.seed.layout.width = "14em"
        for control in (*self.ends, self.mix, self.seed):
            control.style.description_width = "6em"
        start = self._images(torch.zeros(1))
        self.picture = Pixels(start, LARGE, alt="The image of the mixture that is set.")
        self.strip = Pixels(start.repeat(STRIP, 1, 1, 1), THUMBNAIL, STRIP, alt=f"The whole mixture in {STRIP} images.")
        self.readout = readout()
        self.redraw = Latest(self._paint)
        self.redraw_strip = Latest(self._paint_strip)
        for control in (*self.ends, self.mix, self.seed):
            control.observe(self.redraw, names="value")
            if control is not self.mix:
                control.observe(self.redraw_strip, names="value")
        below = side_by_side([self.mix, self.seed, self.readout], self.picture)
        super().__init__([*self.ends, below, self.strip])
        self.redraw_strip()
        self.redraw()

    def weights(self, t: Tensor) -> Tensor:
        """Return the weights of the classes (n, classes) at t (n,) of the mixture."""
        a, b = (torch.eye(len(self.names))[end.value] for end in self.ends)
        return torch.lerp(a, b, t[:, None])

    @torch.inference_mode()
    def _images(self, t: Tensor) -> Tensor:
        """Return the images (n, C, H, W) at t (n,), all of the same z."""
        device = next(self.generator.parameters()).device
        z = models.latents(1, self.generator.latent_dim, seeded_generator(self.seed.value)).expand(len(t), -1)
        return given(self.generator, self.weights(t).to(device))(z.to(device)).float().cpu()

    def _paint_strip(self) -> None:
        self.strip.show(self._images(torch.linspace(0, 1, STRIP)))

    def _paint(self) -> None:
        t = self.mix.value
        images = self._images(torch.tensor([t]))
        self.picture.show(images)
        a, b = (html.escape(self.names[end.value]) for end in self.ends)
        sentences = [f"{100 * (1 - t):.0f}% class {a}, {100 * t:.0f}% class {b}."]
        if self.classifier is not None:
            device = next(self.classifier.parameters()).device
            with torch.inference_mode():
                probability = self.classifier(images.to(device)).softmax(1)[0]
            best = int(probability.argmax())
            sentences.append(
                f"The classifier sees {html.escape(self.names[best])}, {100 * probability[best]:.0f}% sure."
            )
        self.readout.value = "<br>".join(sentences)
