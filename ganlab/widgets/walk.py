"""A walk through latent space from image to image, by slider or played; of one generator or of several side by side."""

import functools
import html
import itertools
import threading
from collections.abc import Mapping
from pathlib import Path

import ipywidgets as ipw
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import models
from ganlab.data import pixels
from ganlab.models.latent import LatentSpace
from ganlab.runtime import seeded_generator, user_path, whole_number, write_atomically
from ganlab.widgets.kit import (
    LARGE,
    THUMBNAIL,
    Latest,
    Panel,
    Pixels,
    by_program,
    chooser,
    readout,
    side_by_side,
    slider,
)

SAMPLES = 8  # to walk between
FRAMES = 8  # of the strip that shows the path
FEWEST = 2  # images on one path
MOST = 5
NARROW = "6em"  # of the labels, or the numbered buttons would need two rows


class LatentWalk(Panel):
    """Samples under which two to five can be chosen, and a walk through those in the order chosen; saved as GIF or PNG.

    Sample k is row k - 1 of `models.latents(8, latent_dim, runtime.seeded_generator(seed))`, or of `z` (n, latent_dim),
    two to eight latents of the reader's own. Several generators, a mapping by name, walk side by side, each through
    its own latents (`z` a mapping too). The strip below shows the whole path in eight pictures. ValueError for a `z` of
    another shape.
    """

    doing = "choose two to five samples, and walk between them by the slider or by Play"
    STEPS = 100  # from end to end: six seconds when played

    def __init__(
        self,
        generator: nn.Module | Mapping[str, nn.Module],
        seed: int = 0,
        z: Tensor | Mapping[str, Tensor] | None = None,
    ) -> None:
        generators = generator if isinstance(generator, Mapping) else {"": generator}
        self.spaces = {name: LatentSpace(network) for name, network in generators.items()}
        whole_number("seed", seed, least=0)
        own = z if isinstance(z, Mapping) else dict.fromkeys(generators, z)
        self.z = {name: self._latents(name, seed, own.get(name)) for name in generators}
        if len({len(z) for z in self.z.values()}) > 1:
            counts = ", ".join(f"{len(z)} of {name}" for name, z in self.z.items())
            raise ValueError(f"z: got {counts}, expected as many of each")
        self.lock = threading.RLock()
        self.setting = False  # the program moves a control, not the reader
        self.pressed = [0, 1]  # buttons
        self.stops = [0, 1]  # the latest two to five buttons
        self.complaint = ""
        samples = {name: space.images(self.z[name]) for name, space in self.spaces.items()}
        side = LARGE // len(samples)
        self.pictures = {
            name: Pixels(images[:1], side, alt=_named(name, "The image at the point of the walk"))
            for name, images in samples.items()
        }
        blank = {name: images[:1].repeat(FRAMES, 1, 1, 1) for name, images in samples.items()}
        self.strips = {
            name: Pixels(images, THUMBNAIL, FRAMES, alt=_named(name, f"The whole walk in {FRAMES} images"))
            for name, images in blank.items()
        }
        self.redraw = Latest(self._paint)
        self.redraw_strips = Latest(self._paint_strips)
        self._make_controls()
        controls = [self.line, self.position, self.play, self.readout, ipw.HBox([self.file, self.save])]
        pictures = ipw.HBox([_with_title(name, picture) for name, picture in self.pictures.items()])
        super().__init__([self._samples(samples), side_by_side(controls, pictures), *self.strips.values()])
        self.redraw_strips()
        self.redraw()

    def _latents(self, name: str, seed: int, z: Tensor | None) -> Tensor:
        dim = self.spaces[name].dim
        if z is None:
            return models.latents(SAMPLES, dim, seeded_generator(seed))
        if z.ndim != 2 or not 2 <= len(z) <= SAMPLES or z.shape[1] != dim:
            owner = f" of {name}" if name else ""
            raise ValueError(f"z{owner}: got shape {tuple(z.shape)}, expected (n, {dim}) with n from 2 to {SAMPLES}")
        return z.detach().cpu()

    def _make_controls(self) -> None:
        self.line = chooser("line", list(models.LINES), "arc", width="6.5em")
        self.position = slider("way gone", 0.0, least=0.0, most=1.0, step=1 / self.STEPS)
        under_slider = {"margin": f"2px 2px 2px calc({NARROW} + 10px)"}
        self.play = ipw.Play(min=0, max=self.STEPS, interval=60, show_repeat=False, layout=under_slider)
        self.file = ipw.Text("walk.gif", description="file", layout={"width": "18em"})
        for control in (self.line, self.position, self.file):
            control.style.description_width = NARROW
        self.save = ipw.Button(description="Save", tooltip="A .gif of the walk, or a .png of the strip")
        self.readout = readout()
        self.line.observe(self.redraw, names="value")
        self.line.observe(self.redraw_strips, names="value")
        self.position.observe(self._keep_pace, names="value")
        self.position.observe(self.redraw, names="value")
        self.play.observe(lambda change: setattr(self.position, "value", change.new / self.STEPS), names="value")
        self.save.on_click(self._save)

    def _samples(self, samples: dict[str, Tensor]) -> ipw.HBox:
        """Return the samples in columns, one for each number, with the button of that number under it."""
        self.buttons = [
            ipw.ToggleButton(k in self.pressed, description=str(k + 1), tooltip="On the way or not")
            for k in range(len(next(iter(self.z.values()))))
        ]
        for k, button in enumerate(self.buttons):
            button.layout.width = "4em"
            button.observe(functools.partial(self._press, k), names="value")
        layout = {"align_items": "center", "flex": "0 1 auto", "min_width": "0"}
        columns = []
        for k, button in enumerate(self.buttons):
            pictures = [
                Pixels(images[k : k + 1], THUMBNAIL, alt=_named(name, f"Sample {k + 1}, a stop of the walk"))
                for name, images in samples.items()
            ]
            columns.append(ipw.VBox([*pictures, button], layout=layout))
        return ipw.HBox(columns).add_class("ganlab-group")

    def _press(self, k: int, change: dict) -> None:
        with self.lock:
            if self.setting:
                return
            self.complaint = ""
            if not change["new"]:
                self.pressed.remove(k)
            elif len(self.pressed) == MOST:
                self.complaint = f"A way goes through {MOST} images at most: press one of the others first."
                with by_program(self):
                    self.buttons[k].value = False
            else:
                self.pressed.append(k)
            if len(self.pressed) >= FEWEST:
                self.stops = list(self.pressed)
            else:
                self.complaint = f"Press {FEWEST} to {MOST} of the numbers, in the order of the way."
        self.redraw_strips()
        self.redraw()

    def points(self, t: Tensor) -> dict[str, Tensor]:
        """Return each generator's latents (n, latent_dim) at t (n,), from 0 to 1, on the path of the buttons."""
        return {name: models.interpolate(z[self.stops], t, self.line.value) for name, z in self.z.items()}

    def _images(self, t: Tensor) -> dict[str, Tensor]:
        return {name: self.spaces[name].images(z) for name, z in self.points(t).items()}

    def _keep_pace(self, change: object) -> None:
        self.play.value = round(self.position.value * self.STEPS)  # so that Play goes on from here

    def _paint_strips(self) -> None:
        for name, images in self._images(torch.linspace(0, 1, FRAMES)).items():
            self.strips[name].show(images)

    def _paint(self) -> None:
        with self.lock:
            t = torch.tensor([self.position.value])
            complaint = self.complaint
            points = self.points(t)
        for name, z in points.items():
            self.pictures[name].show(self.spaces[name].images(z))
        route = " to ".join(str(k + 1) for k in self.stops)
        lengths = ", ".join(f"{name or 'z'} {z.norm():.1f}" for name, z in points.items())
        length = f"Length of z: {lengths}." if "" not in points else f"z is {points[''].norm():.1f} long."
        dims = ", ".join(f"{space.dim**0.5:.1f}" for space in self.spaces.values())
        usual = f"A draw's is {dims}, give or take 0.7."
        self.readout.value = f"{complaint or f'{100 * t.item():.0f}% of the way {route}.'}<br>{length} {usual}"

    def _save(self, button: object) -> None:
        """Write the walk, side by side, or the strips, one below the other; under a name that is not taken yet."""
        try:
            target = user_path(self.file.value.strip())
            moving = target.suffix.lower() == ".gif"
            if target.suffix.lower() not in (".gif", ".png"):
                raise ValueError(f"file: got {str(target)!r}, expected a name that ends in .gif or .png")
            frames = self.STEPS if moving else FRAMES
            images = _same_size(list(self._images(torch.linspace(0, 1, frames)).values()))
            if moving:
                content = pixels.gif(torch.cat(images, dim=3), zoom=max(1, LARGE // images[0].shape[-1] // 2))
            else:
                content = pixels.png(pixels.tile(torch.cat(images), FRAMES), zoom=2)
            path = _free(target)
            write_atomically(path, content)
            self.readout.value = f"Saved as {html.escape(str(path))}, beside this notebook unless you named a folder."
        except (OSError, ValueError) as error:
            self.readout.value = f"{html.escape(str(error))}. Nothing was written."


def _named(name: str, what: str) -> str:
    return f"{what} of {name}." if name else f"{what}."


def _with_title(name: str, picture: Pixels) -> ipw.Widget:
    return ipw.VBox([ipw.Label(name), picture]) if name else picture


def _same_size(images: list[Tensor]) -> list[Tensor]:
    """Return images (N, C, H, W) with black margins, so that all are as large as the largest."""
    side = max(batch.shape[-1] for batch in images)
    return [F.pad(batch, ((side - batch.shape[-1]) // 2,) * 4, value=-1.0) for batch in images]


def _free(path: Path) -> Path:
    """Return `path`, or with a number in its name the first that does not exist: nothing is overwritten."""
    candidates = itertools.chain([path], (path.with_stem(f"{path.stem}-{k}") for k in itertools.count(2)))
    return next(candidate for candidate in candidates if not candidate.exists())
