"""A pad to draw on, by mouse, finger or keyboard, or to fill from a file; and what the reader's networks answer."""

import html
from collections.abc import Callable, Sequence

import anywidget
import ipywidgets as ipw
import numpy as np
import torch
import traitlets
from ipywidgets.widgets.trait_types import CByteMemoryView
from torch import Tensor

from ganlab.data import DataError, pixels, read_image
from ganlab.widgets import still
from ganlab.widgets.kit import Latest, Panel, Pixels, readout, side_by_side
from ganlab.widgets.still import Shot

WIDTH = 280  # pixels of the screen, or a little less: pixels are enlarged by whole numbers
REACH = {
    False: 1.7,
    True: 1.4,
}  # pixels from the middle of a stroke to where ink ends: of a digit, of an icon's outline
# The browser's half. Pixels are bytes of ink, row by row, 0 none; a stroke is a soft disc pulled along. Ink is white on
# black, or black on white paper. What is drawn is sent when a frame is painted, not at each move of the mouse.
PAD = """
function render({ model, el }) {
  const side = model.get("side"), zoom = model.get("zoom"), reach = model.get("reach"), paper = model.get("paper");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * zoom;
  canvas.tabIndex = 0;
  canvas.className = "ganlab-pad";
  canvas.dataset.lmSuppressShortcuts = "true";
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "Drawing pad. Arrow keys move, Space lowers or lifts the pen, Delete clears.");
  el.appendChild(canvas);
  const context = canvas.getContext("2d");
  let pixels = new Uint8Array(side * side), last = null, down = false, queued = false;
  const cursor = { x: side / 2, y: side / 2, pen: false, shown: false };
  const paint = () => {
    for (let k = 0; k < side * side; k++) {
      const grey = paper ? 255 - pixels[k] : pixels[k];
      context.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
      context.fillRect((k % side) * zoom, Math.floor(k / side) * zoom, zoom, zoom);
    }
    if (cursor.shown) {
      context.strokeStyle = cursor.pen ? "#e8833a" : "#4c8dd6";
      context.lineWidth = 2;
      context.strokeRect((cursor.x - 0.5) * zoom, (cursor.y - 0.5) * zoom, zoom, zoom);
    }
  };
  const send = () => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      paint();
      model.set("pixels", new DataView(pixels.slice().buffer));
      model.save_changes();
    });
  };
  const dab = (x, y) => {
    const begin = at => Math.max(0, Math.floor(at - reach)), end = at => Math.min(side, Math.ceil(at + reach));
    for (let row = begin(y); row < end(y); row++) for (let column = begin(x); column < end(x); column++) {
      const far = Math.hypot(column + 0.5 - x, row + 0.5 - y);
      const ink = Math.round(255 * Math.min(1, Math.max(0, reach - far)));
      if (ink > pixels[row * side + column]) pixels[row * side + column] = ink;
    }
  };
  const stroke = (x, y) => {
    const from = last || { x, y }, steps = Math.max(1, Math.ceil(2 * Math.hypot(x - from.x, y - from.y)));
    for (let k = 1; k <= steps; k++) dab(from.x + (x - from.x) * k / steps, from.y + (y - from.y) * k / steps);
    last = { x, y };
    send();
  };
  const place = event => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * side, (event.clientY - box.top) / box.height * side];
  };
  canvas.addEventListener("pointerdown", event => {
    down = true; last = null; cursor.shown = false;
    canvas.setPointerCapture(event.pointerId);
    stroke(...place(event));
  });
  canvas.addEventListener("pointermove", event => { if (down) stroke(...place(event)); });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { down = false; last = null; });
  canvas.addEventListener("keydown", event => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move && ![" ", "Delete", "Backspace"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    cursor.shown = true;
    if (move) {
      cursor.x = Math.min(side - 0.5, Math.max(0.5, cursor.x + move[0]));
      cursor.y = Math.min(side - 0.5, Math.max(0.5, cursor.y + move[1]));
    } else if (event.key === " ") { cursor.pen = !cursor.pen; last = null; }
    else { pixels = new Uint8Array(side * side); last = null; return send(); }
    if (cursor.pen) stroke(cursor.x, cursor.y); else paint();
  });
  canvas.addEventListener("blur", () => { cursor.shown = false; paint(); });
  const take = () => {
    const view = model.get("pixels");
    pixels = new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    last = null;
    paint();
  };
  model.on("change:pixels", () => { if (!down) take(); });
  take();
}
export default { render };
"""
STYLE = """
.ganlab-pad { touch-action: none; cursor: crosshair; max-width: 100%; border: 1px solid #8888; }
.ganlab-pad:focus { outline: 2px solid #4c8dd6; }
"""


class Pad(anywidget.AnyWidget):
    """The canvas alone: `pixels` are side * side bytes of ink, row by row; with `paper` it is black on white."""

    _esm = PAD
    _css = STYLE
    side = traitlets.Int(28).tag(sync=True)
    zoom = traitlets.Int().tag(sync=True)
    paper = traitlets.Bool().tag(sync=True)
    reach = traitlets.Float().tag(sync=True)
    pixels = CByteMemoryView().tag(sync=True)  # a browser's bytes come as a memoryview

    def __init__(self, side: int = 28, *, paper: bool = False) -> None:
        zoom = max(1, WIDTH // side)
        super().__init__(side=side, zoom=zoom, paper=paper, reach=REACH[paper], pixels=bytes(side * side))

    @property
    def picture(self) -> np.ndarray:
        """What is on the pad as it is seen, uint8 (side, side)."""
        ink = np.frombuffer(bytes(self.pixels), dtype=np.uint8).reshape(self.side, self.side)
        return 255 - ink if self.paper else ink

    def put(self, picture: np.ndarray) -> None:
        """Put a picture on the pad, as it is to be seen."""
        self.pixels = (255 - picture if self.paper else picture).tobytes()

    def shot(self) -> Shot:
        """Return what is on the pad, for a still."""
        sheet = self.picture[:, :, None]
        return Shot(*still.packed(sheet), self.zoom * self.side, "The drawing on the pad.", crisp=True)


class DrawingPad(Panel):
    """A pad of as many pixels as the examples have, and beside it what `respond` makes of the drawing, while it grows.

    `respond(drawing)` gets (1, 1, S, S) in [-1, 1], -1 black, and returns images (n, C, H, W) in [-1, 1], as many
    each time, and a sentence; `labels` stand below the images, by default their numbers. "Example" puts the next of
    `examples`, uint8 (n, 1, S, S), on the pad; "File" takes a picture from the reader's disk, its centre square in
    grey, with "Invert" to exchange dark and light. Strokes are light on dark, with `paper` dark on light. ValueError
    for other examples, or another number of labels.
    """

    doing = "draw with the mouse or the keys, and see what is made of it"

    def __init__(
        self,
        respond: Callable[[Tensor], tuple[Tensor, str]],
        examples: Tensor,
        columns: int = 4,
        *,
        labels: Sequence[str] = (),
        paper: bool = False,
    ) -> None:
        side = examples.shape[-1]
        if examples.dtype != torch.uint8 or examples.shape[1:] != (1, side, side) or not examples.numel():
            kind = f"{examples.dtype} {tuple(examples.shape)}"
            raise ValueError(f"examples: got {kind}, expected torch.uint8 (n, 1, S, S), n and S at least 1")
        self.respond = respond
        self.examples = examples
        self.next = 0  # the example that the button shows next
        self.pad = Pad(side, paper=paper)
        self.readout = readout()
        self.example = ipw.Button(description="Example", tooltip="Put the next example on the pad")
        self.clear = ipw.Button(description="Clear")
        self.file = ipw.FileUpload(accept="image/*", description="File", tooltip="A picture from your disk")
        self.invert = ipw.ToggleButton(description="Invert", tooltip="Black for white")
        images, _ = respond(self.drawing)
        labels = list(labels) or [str(k) for k in range(1, len(images) + 1)]
        if len(labels) != len(images):
            raise ValueError(f"labels: got {len(labels)}, expected {len(images)}, one for each image of `respond`")
        self.answers = [
            Pixels(image[None], max(112, 2 * side), alt=f"Answer to the drawing: {label}.")
            for image, label in zip(images, labels, strict=True)
        ]
        cells = [
            ipw.VBox([answer, ipw.Label(label)], layout={"align_items": "center"})
            for answer, label in zip(self.answers, labels, strict=True)
        ]
        rows = [ipw.HBox(cells[k : k + columns]) for k in range(0, len(cells), columns)]
        self.redraw = Latest(self._paint)
        self.example.on_click(self._show_example)
        self.clear.on_click(lambda _: self.put(torch.full((1, side, side), 255 * paper, dtype=torch.uint8)))
        self.file.observe(self._read_file, names="value")
        self.invert.observe(lambda _: self.put(255 - self._bytes()), names="value")
        self.pad.observe(self.redraw, names="pixels")
        buttons = ipw.HBox([self.example, self.clear, self.file, self.invert], layout={"flex_flow": "row wrap"})
        super().__init__([buttons, side_by_side([self.pad, self.readout], ipw.VBox(rows))])
        self.redraw()

    @property
    def drawing(self) -> Tensor:
        """Return what is on the pad, float (1, 1, S, S) in [-1, 1]."""
        return pixels.to_floats(self._bytes()[None])

    def put(self, image: Tensor) -> None:
        """Put an image on the pad, uint8 (1, S, S)."""
        self.pad.put(image[0].numpy())

    def _bytes(self) -> Tensor:
        return torch.from_numpy(self.pad.picture.copy())[None]

    def _show_example(self, button: object) -> None:
        self.put(self.examples[self.next % len(self.examples)])
        self.next += 1

    def _read_file(self, change: object) -> None:
        if not self.file.value:
            return
        upload = self.file.value[-1]
        try:
            self.put(read_image(bytes(upload["content"]), self.pad.side, grey=True))
        except DataError as error:
            self.readout.value = f"{html.escape(upload['name'])}: {html.escape(str(error))}. Nothing was changed."

    def _paint(self) -> None:
        images, sentence = self.respond(self.drawing)
        for answer, image in zip(self.answers, images, strict=True):
            answer.show(image[None])
        self.readout.value = html.escape(sentence)
