"""A player of clips, and a player whose clip follows two sliders: one for what is seen, one for how it moves."""

import anywidget
import torch
import traitlets
from torch import Tensor, nn

from ganlab import models
from ganlab.data import pixels
from ganlab.runtime import seeded_generator, whole_number
from ganlab.widgets import still
from ganlab.widgets.kit import SMALL, Latest, Panel, readout, side_by_side, slider
from ganlab.widgets.still import Shot, Still

STOPS = 6  # draws of content, and of motion, that a slider passes
COLUMNS = 4  # clips in a row
STRIP = 8  # frames of a clip in a still
IN_STILL = ((1.0, 1.0), (2.0, 1.0), (2.0, 1.5), (2.0, 2.0))  # content and motion of the mixer's clips in its still
# The browser's half. Nothing plays before it is asked to. At most two repetitions a second, so that no jump from the
# last frame to the first becomes a flicker; who asked their system for less motion gets one pass, then it stops.
PLAYER = """
function render({ model, el }) {
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  const bar = document.createElement("div"), play = document.createElement("button");
  const [back, next] = ["frame back", "frame on"].map(name => {
    const button = document.createElement("button");
    button.textContent = name;
    return button;
  });
  const range = Object.assign(document.createElement("input"), { type: "range", min: 0, step: 1, value: 0 });
  const pace = document.createElement("select"), line = document.createElement("span");
  for (const [words, value] of [["half speed", 0.5], ["speed 1", 1], ["double speed", 2]]) {
    pace.add(new Option(words, value, value === 1, value === 1));
  }
  range.setAttribute("aria-label", "frame");
  pace.setAttribute("aria-label", "speed");
  for (const button of [play, back, next]) button.className = "jupyter-button widget-button ganlab-player-button";
  for (const part of [play, back, next, range, pace]) part.dataset.lmSuppressShortcuts = "true";
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let t = 0, timer = null, pictures = [];
  const load = () => {
    const [frames, height, width, channels] = model.get("shape"), bytes = model.get("value");
    Object.assign(canvas, { width, height });
    canvas.style.width = `${width * model.get("zoom")}px`;
    pictures = Array.from({ length: frames }, (_, f) => {
      const picture = context.createImageData(width, height), size = width * height;
      for (let k = 0; k < size; k++) {
        const from = channels * (f * size + k);
        for (let c = 0; c < 3; c++) picture.data[4 * k + c] = bytes.getUint8(from + c % channels);
        picture.data[4 * k + 3] = 255;
      }
      return picture;
    });
    range.max = frames - 1;
    t = Math.min(t, frames - 1);
    paint();
  };
  const paint = () => {
    context.putImageData(pictures[t], 0, 0);
    range.value = t;
    line.textContent = ` frame ${t + 1} of ${pictures.length}`;
  };
  const label = () => {
    play.textContent = timer === null ? "Play" : "Pause";
  };
  const stop = () => { clearInterval(timer); timer = null; label(); };
  const start = () => {
    clearInterval(timer);
    if (t === pictures.length - 1) { t = 0; paint(); }
    const wait = Math.max(model.get("milliseconds") / Number(pace.value), 500 / pictures.length);
    timer = setInterval(() => {
      if (!canvas.isConnected) return stop();
      if (calm.matches && t === pictures.length - 1) return stop();
      t = (t + 1) % pictures.length;
      paint();
    }, wait);
    label();
  };
  const go = step => { stop(); t = (t + step + pictures.length) % pictures.length; paint(); };
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", model.get("alt"));
  canvas.title = model.get("alt");
  play.addEventListener("click", () => timer === null ? start() : stop());
  back.addEventListener("click", () => go(-1));
  next.addEventListener("click", () => go(1));
  range.addEventListener("input", () => { stop(); t = Number(range.value); paint(); });
  pace.addEventListener("change", () => { if (timer !== null) start(); });
  model.on("change:value", load);
  load();
  label();
  bar.className = "ganlab-player-bar";
  bar.append(play, back, next, range, pace, line);
  el.append(canvas, bar);
  return stop;
}
export default { render };
"""
LOOKS = """
.ganlab-player canvas { display: block; max-width: 100%; image-rendering: pixelated; }
.ganlab-player-bar { display: flex; flex-flow: row wrap; align-items: center; gap: 4px 8px; margin-top: 4px; }
"""


class Player(anywidget.AnyWidget):
    """Clips (N, T, C, H, W), float in [-1, 1] or uint8, side by side: play, pause, frame by frame, speed, by keyboard.

    `value` holds the bytes of all frames, each as `pixels.tile` makes it, of `shape` (T, height, width, C). A frame
    lasts `milliseconds` at speed 1. Nothing plays before the reader asks for it. ValueError for another shape.
    """

    _esm = PLAYER
    _css = LOOKS
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    zoom = traitlets.Int().tag(sync=True)
    value = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    milliseconds = traitlets.Int(100).tag(sync=True)

    def __init__(self, clips: Tensor, *, side: int = SMALL, alt: str = "The clip.") -> None:
        shape, value = self._packed(clips)
        super().__init__(shape=shape, zoom=max(1, side // clips.shape[-1]), value=value, alt=alt)
        self.clips = clips
        self.add_class("ganlab-picture").add_class("ganlab-player")

    def _packed(self, clips: Tensor) -> tuple[list[int], bytes]:
        if clips.ndim != 5:
            raise ValueError(f"clips: got shape {tuple(clips.shape)}, expected (N, T, C, H, W)")
        sheets = [pixels.tile(frame, COLUMNS) for frame in clips.unbind(dim=1)]
        return [len(sheets), *sheets[0].shape], b"".join(sheet.tobytes() for sheet in sheets)

    def show(self, clips: Tensor) -> None:
        """Replace the clips by others of the same shape; ValueError for another."""
        shape, value = self._packed(clips)
        if shape != self.shape:
            raise ValueError(f"clips: got sheets of {shape}, expected {self.shape}")
        self.clips = clips
        self.value = value

    def shot(self) -> Shot:
        """Return a row of frames of each clip, from the first to the last, for a still."""
        frames = self.clips.shape[1]
        some = torch.linspace(0, frames - 1, min(STRIP, frames)).round().long()
        sheet = pixels.tile(self.clips[:, some], 1)
        zoom = max(1, self.zoom // 3)
        return Shot(*still.packed(sheet), zoom * sheet.shape[1], f"{self.alt} Frames from left to right.", crisp=True)


class ClipPlayer(Panel):
    """Clips (N, T, C, H, W) side by side, to be played; `Player` says how."""

    doing = "play the clips, or go from frame to frame"

    def __init__(self, clips: Tensor, *, side: int = SMALL, alt: str = "The clips.") -> None:
        self.player = Player(clips, side=side, alt=alt)
        super().__init__([self.player])


class MotionMixer(Panel):
    """The clip of a generator with content and motion apart: a slider for what is seen, another for how it moves.

    Each slider passes six draws of its part of z, at 1, 2, ..., 6; between two of them it takes the arc of lesson 09.
    `generator` has `content_dim` and `motion_dim`; ValueError for one that has not.
    """

    doing = "move one slider, play, then move the other"

    def __init__(self, generator: nn.Module, seed: int = 0) -> None:
        if not hasattr(generator, "motion_dim"):
            kind = type(generator).__name__
            raise ValueError(f"generator: {kind} has no motion_dim, expected one with content and motion apart")
        self.generator = generator
        whole_number("seed", seed, least=0)
        z = models.latents(STOPS, generator.latent_dim, seeded_generator(seed))
        self.parts = z.tensor_split([generator.content_dim], dim=1)
        self.content, self.motion = (
            slider(name, 1.0, least=1.0, most=STOPS, step=0.1) for name in ("what is seen", "how it moves")
        )
        self.player = Player(self.clip(), alt="The clip where the two sliders stand.")
        self.readout = readout()
        redraw = Latest(self._paint)
        for control in (self.content, self.motion):
            control.observe(redraw, names="value")
        super().__init__([side_by_side([self.content, self.motion, self.readout], self.player)])
        self._tell()

    def clip(self) -> Tensor:
        """Return the clip (1, T, C, H, W) where the sliders stand."""
        return self._clip_at(self.content.value, self.motion.value)

    def still(self) -> Still:
        """Return a row of frames for each of four places of the sliders, above a line that says which."""
        rows = "; ".join(f"{content:g} and {motion:g}" for content, motion in IN_STILL)
        clips = torch.cat([self._clip_at(*place) for place in IN_STILL])
        shot = Player(clips, alt="Four clips, one below the other.").shot()
        places = f'"{self.content.description}" and "{self.motion.description}" at {rows}'
        line = f"{still.invitation(self.doing)} The rows show {places}."
        return Still(shot.html(), line, still.OF_WIDGET)

    @torch.inference_mode()
    def _clip_at(self, content: float, motion: float) -> Tensor:
        device = next(self.generator.parameters()).device
        places = [torch.tensor([(place - 1) / (STOPS - 1)]) for place in (content, motion)]
        z = torch.cat([models.interpolate(*pair) for pair in zip(self.parts, places, strict=True)], dim=1)
        with models.evaluating(self.generator):
            return self.generator(z.to(device)).float().cpu()

    def _paint(self) -> None:
        self.player.show(self.clip())
        self._tell()

    def _tell(self) -> None:
        content, motion = (f"{control.value:.1f}" for control in (self.content, self.motion))
        self.readout.value = f"Content {content}, motion {motion}. Whole numbers are draws; between them lie mixtures."
