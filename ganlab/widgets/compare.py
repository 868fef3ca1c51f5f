"""Before and after: two pictures of one place, and a curtain between them that a hand draws."""

import anywidget
import ipywidgets as ipw
import numpy as np
import torch
import traitlets
from torch import Tensor

from ganlab.data import pixels
from ganlab.widgets import still
from ganlab.widgets.kit import LARGE, SMALL, Panel, Pixels, slider
from ganlab.widgets.still import Shot, Still

# The browser's half: left of the line one picture, right of it the other. All is drawn there, with or without a kernel.
CURTAIN = """
function render({ model, el }) {
  const [height, width, channels] = model.get("shape"), zoom = model.get("zoom");
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  Object.assign(canvas, { width: width * zoom, height: height * zoom, role: "img", ariaLabel: model.get("alt"),
    title: model.get("alt") });
  el.appendChild(canvas);
  const picture = name => {
    const bytes = model.get(name), small = new OffscreenCanvas(width, height), inner = small.getContext("2d");
    const image = inner.createImageData(width, height);
    for (let k = 0; k < width * height; k++) {
      for (let c = 0; c < 3; c++) image.data[4 * k + c] = bytes.getUint8(channels * k + c % channels);
      image.data[4 * k + 3] = 255;
    }
    inner.putImageData(image, 0, 0);
    return small;
  };
  let before, after;
  const paint = () => {
    const line = Math.round(model.get("place") * canvas.width);
    context.imageSmoothingEnabled = false;
    context.drawImage(after, 0, 0, canvas.width, canvas.height);
    context.save();
    context.beginPath();
    context.rect(0, 0, line, canvas.height);
    context.clip();
    context.drawImage(before, 0, 0, canvas.width, canvas.height);
    context.restore();
    for (const [colour, wide] of [["#000000", 4], ["#ffffff", 2]]) {
      context.fillStyle = colour;
      context.fillRect(line - wide / 2, 0, wide, canvas.height);
    }
  };
  const load = () => { before = picture("before"); after = picture("after"); paint(); };
  const go = event => {
    const box = canvas.getBoundingClientRect();
    model.set("place", Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
    model.save_changes();
  };
  canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); go(event); });
  canvas.addEventListener("pointermove", event => { if (event.buttons) go(event); });
  model.on("change:place", paint);
  model.on("change:before change:after", load);
  load();
}
export default { render };
"""
STYLE = ".ganlab-curtain canvas { display: block; max-width: 100%; cursor: ew-resize; touch-action: pan-y; }"


class Curtain(anywidget.AnyWidget):
    """The canvas alone: `before` left of `place`, in [0, 1], and `after` right of it, bytes of (height, width, C)."""

    _esm = CURTAIN
    _css = STYLE
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    zoom = traitlets.Int().tag(sync=True)
    before = traitlets.Bytes().tag(sync=True)
    after = traitlets.Bytes().tag(sync=True)
    place = traitlets.Float(0.5).tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)

    def __init__(self, before: Tensor, after: Tensor, alt: str) -> None:
        sheets = [pixels.tile(each[None], 1) for each in (before, after)]
        zoom = max(1, LARGE // before.shape[-1])
        super().__init__(
            shape=list(sheets[0].shape), zoom=zoom, before=sheets[0].tobytes(), after=sheets[1].tobytes(), alt=alt
        )
        self.add_class("ganlab-picture").add_class("ganlab-curtain")

    def shot(self) -> Shot:
        """Return what is seen now, for a still."""
        before, after = (np.frombuffer(each, np.uint8).reshape(self.shape) for each in (self.before, self.after))
        line = round(self.place * self.shape[1])
        sheet = np.concatenate([before[:, :line], after[:, line:]], axis=1)
        return Shot(*still.packed(sheet), self.zoom * self.shape[1], self.alt, crisp=True)


class Compare(Panel):
    """Two pictures (C, H, W), uint8 or float in [-1, 1], one over the other, and a curtain that uncovers the second.

    It is drawn by mouse or finger on the picture, or by the slider below, which keys move, too. `labels` name the left
    picture and the right one. Nothing waits for the kernel. ValueError for pictures of different sizes, or other than
    two labels.
    """

    def __init__(self, before: Tensor, after: Tensor, *, labels: tuple[str, str] = ("before", "after")) -> None:
        if before.ndim != 3 or before.shape != after.shape or before.shape[0] not in (1, 3):
            shapes = f"{tuple(before.shape)} and {tuple(after.shape)}"
            raise ValueError(f"before, after: got shapes {shapes}, expected both (C, H, W), of one size, C 1 or 3")
        if len(labels) != 2 or isinstance(labels, str):
            raise ValueError(f"labels: got {labels!r}, expected two, of the left picture and the right one")
        self.labels = tuple(labels)
        self.pictures = torch.stack([pixels.to_bytes(each.detach().cpu()) for each in (before, after)])
        alt = f"One picture twice. Left of the line: {labels[0]}; right of it: {labels[1]}."
        self.curtain = Curtain(*self.pictures, alt)
        self.place = slider(f"{labels[0]} | {labels[1]}", 0.5, least=0.0, most=1.0, step=0.02)
        self.link = ipw.jslink((self.place, "value"), (self.curtain, "place"))
        super().__init__([self.curtain, self.place])

    def still(self) -> Still:
        """Return both pictures side by side, below them their names."""
        alt = f"Two pictures of the same: {self.labels[0]} on the left, {self.labels[1]} on the right."
        shot = Pixels(self.pictures, SMALL, 2, alt=alt).shot()
        line = still.invitation(f'move the line between "{self.labels[0]}" and "{self.labels[1]}"')
        return Still(shot.html(), line, still.OF_WIDGET)
