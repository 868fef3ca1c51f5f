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
from ganlab.models.latent import LatentSpace
from ganlab.runtime import seeded_generator, whole_number, write_atomically
from ganlab.widgets.kit import (
    LARGE,
    THUMBNAIL,
    Latest,
    Pixels,
    animated,
    by_program,
    chooser,
    painted,
    readout,
    side_by_side,
    slider,
)

SAMPLES = FRAMES = 8  # to walk between; on the strip that shows the way
FEWEST, MOST = 2, 5  # images on one way
LINES = {"arc": models.slerp, "straight": lambda a, b, t: torch.lerp(a, b, torch.as_tensor(t)[..., None])}
NARROW = "6em"  # of the labels, or the numbered buttons would need two rows


def way(stops: Tensor, t: Tensor, line: str = "arc") -> Tensor:
    """Return the points (n, D) at t (n,), from 0 to 1, on the way through the stops (k, D), each leg as long as any.

    `line` is "arc" for `models.slerp`, or "straight".
    """
    legs = len(stops) - 1
    leg = (t * legs).long().clamp(max=legs - 1)  # (n,)
    return LINES[line](stops[leg], stops[leg + 1], t * legs - leg)


class LatentWalk(ipw.VBox):
    """Samples under which two to five can be chosen, and a walk through those in the order chosen; saved as GIF or PNG.

    Sample k is row k - 1 of `models.latents(8, latent_dim, runtime.seeded_generator(seed))`, or of `z` (n, latent_dim),
    two to eight latents of the reader's own. Several generators, a mapping by name, walk side by side, each through
    its own latents (`z` a mapping too). The strip below shows the whole way in eight pictures. ValueError for a `z` of
    another shape.
    """

    PLAYED = 100  # steps from end to end: six seconds when played

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
            each = ", ".join(f"{len(z)} of {name}" for name, z in self.z.items())
            raise ValueError(f"z: got {each}, expected as many of each")
        self.lock, self.setting = threading.RLock(), False  # `setting`: the program moves a control, not the reader
        self.chosen, self.stops, self.complaint = [0, 1], [0, 1], ""  # buttons pressed; the latest two to five
        samples = {name: space.images(self.z[name]) for name, space in self.spaces.items()}
        zoomed = LARGE // len(samples)
        self.pictures = {name: Pixels(images[:1], zoomed) for name, images in samples.items()}
        blank = {name: images[:1].repeat(FRAMES, 1, 1, 1) for name, images in samples.items()}
        self.strips = {name: Pixels(images, THUMBNAIL, FRAMES) for name, images in blank.items()}
        self.redraw, self.redraw_strips = Latest(self._paint), Latest(self._paint_strips)
        self._make_controls()
        controls = [self.line, self.way, self.play, self.readout, ipw.HBox([self.file, self.save])]
        shown = ipw.HBox([_titled(name, picture) for name, picture in self.pictures.items()])
        super().__init__([self._samples(samples), side_by_side(controls, shown), *self.strips.values()])
        self.add_class("ganlab-widget")
        self.redraw_strips()
        self.redraw()

    def _latents(self, name: str, seed: int, z: Tensor | None) -> Tensor:
        dim = self.spaces[name].dim
        if z is None:
            return models.latents(SAMPLES, dim, seeded_generator(seed))
        if z.ndim != 2 or not 2 <= len(z) <= SAMPLES or z.shape[1] != dim:
            whose = f" of {name}" if name else ""
            raise ValueError(f"z{whose}: got shape {tuple(z.shape)}, expected (n, {dim}) with n from 2 to {SAMPLES}")
        return z.detach().cpu()

    def _make_controls(self) -> None:
        self.line = chooser("line", list(LINES), "arc", "6.5em")
        self.way = slider("way gone", 0.0, 0.0, 1.0, 1 / self.PLAYED)
        under_slider = {"margin": f"2px 2px 2px calc({NARROW} + 10px)"}
        self.play = ipw.Play(min=0, max=self.PLAYED, interval=60, show_repeat=False, layout=under_slider)
        self.file = ipw.Text("walk.gif", description="file", layout={"width": "18em"})
        for control in (self.line, self.way, self.file):
            control.style.description_width = NARROW
        self.save = ipw.Button(description="Save", tooltip="A .gif of the walk, or a .png of the strip")
        self.readout = readout()
        self.line.observe(self.redraw, names="value")
        self.line.observe(self.redraw_strips, names="value")
        self.way.observe(self._keep_pace, names="value")
        self.way.observe(self.redraw, names="value")
        self.play.observe(lambda change: setattr(self.way, "value", change.new / self.PLAYED), names="value")
        self.save.on_click(self._save)

    def _samples(self, samples: dict[str, Tensor]) -> ipw.HBox:
        """Return the samples in columns, one for each number, with the button of that number under it."""
        self.buttons = [
            ipw.ToggleButton(k in self.chosen, description=str(k + 1), tooltip="On the way or not")
            for k in range(len(next(iter(self.z.values()))))
        ]
        for k, button in enumerate(self.buttons):
            button.layout.width = "4em"
            button.observe(functools.partial(self._press, k), names="value")
        layout = {"align_items": "center", "flex": "0 1 auto", "min_width": "0"}
        columns = []
        for k, button in enumerate(self.buttons):
            pictures = [Pixels(images[k : k + 1], THUMBNAIL) for images in samples.values()]
            columns.append(ipw.VBox([*pictures, button], layout=layout))
        return ipw.HBox(columns)

    def _press(self, k: int, change: dict) -> None:
        with self.lock:
            if self.setting:
                return
            self.complaint = ""
            if not change["new"]:
                self.chosen.remove(k)
            elif len(self.chosen) == MOST:
                self.complaint = f"A way goes through {MOST} images at most: press one of the others first."
                with by_program(self):
                    self.buttons[k].value = False
            else:
                self.chosen.append(k)
            if len(self.chosen) >= FEWEST:
                self.stops = list(self.chosen)
            else:
                self.complaint = f"Press {FEWEST} to {MOST} of the numbers, in the order of the way."
        self.redraw_strips()
        self.redraw()

    def points(self, t: Tensor) -> dict[str, Tensor]:
        """Return each generator's latents (n, latent_dim) at t (n,), from 0 to 1, on the chosen way."""
        return {name: way(z[self.stops], t, self.line.value) for name, z in self.z.items()}

    def _images(self, t: Tensor) -> dict[str, Tensor]:
        return {name: self.spaces[name].images(z) for name, z in self.points(t).items()}

    def _keep_pace(self, change: object) -> None:
        self.play.value = round(self.way.value * self.PLAYED)  # so that Play goes on from here

    def _paint_strips(self) -> None:
        for name, images in self._images(torch.linspace(0, 1, FRAMES)).items():
            self.strips[name].show(images)

    def _paint(self) -> None:
        with self.lock:
            t, complaint = torch.tensor([self.way.value]), self.complaint
            points = self.points(t)
        for name, z in points.items():
            self.pictures[name].show(self.spaces[name].images(z))
        route = " to ".join(str(k + 1) for k in self.stops)
        lengths = ", ".join(f"{name or 'z'} {z.norm():.1f}" for name, z in points.items())
        told = f"Length of z: {lengths}." if "" not in points else f"z is {points[''].norm():.1f} long."
        dims = ", ".join(f"{space.dim**0.5:.1f}" for space in self.spaces.values())
        usual = f"A draw's is {dims}, give or take 0.7."
        self.readout.value = f"{complaint or f'{100 * t.item():.0f}% of the way {route}.'}<br>{told} {usual}"

    def _save(self, button: object) -> None:
        """Write the walk, side by side, or the strips, one below the other; under a name that is not taken yet."""
        wanted = Path(self.file.value.strip())
        try:
            if wanted.suffix.lower() not in (".gif", ".png"):
                raise ValueError(f"file: got {str(wanted)!r}, expected a name that ends in .gif or .png")
            frames = self.PLAYED if wanted.suffix.lower() == ".gif" else FRAMES
            images = _same_size(list(self._images(torch.linspace(0, 1, frames)).values()))
            zoom = max(1, LARGE // images[0].shape[-1] // 2)
            moving = wanted.suffix.lower() == ".gif"
            made = animated(torch.cat(images, dim=3), zoom, 60) if moving else painted(torch.cat(images), 2, FRAMES)
            path = _free(wanted)
            write_atomically(path, made)
            self.readout.value = f"Saved as {html.escape(str(path))}, beside this notebook unless you named a folder."
        except (OSError, ValueError) as error:
            self.readout.value = f"{html.escape(str(error))}. Nothing was written."


def _titled(name: str, picture: Pixels) -> ipw.Widget:
    return ipw.VBox([ipw.Label(name), picture]) if name else picture


def _same_size(images: list[Tensor]) -> list[Tensor]:
    """Return images (N, C, H, W) with black margins, so that all are as large as the largest."""
    side = max(each.shape[-1] for each in images)
    return [F.pad(each, ((side - each.shape[-1]) // 2,) * 4, value=-1.0) for each in images]


def _free(path: Path) -> Path:
    """Return `path`, or with a number in its name the first that does not exist: nothing is overwritten."""
    numbered = (path.with_stem(f"{path.stem}-{k}") for k in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())
