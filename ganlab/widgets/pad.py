"""A pad to draw on, or to paint a mask over a picture, by mouse, finger or keyboard; and what networks answer to it."""

import html
from collections.abc import Callable, Sequence

import anywidget
import ipywidgets as ipw
import numpy as np
import torch
import traitlets
from ipywidgets.widgets.trait_types import CByteMemoryView
from torch import Tensor

from ganlab.data import DataError, degraded, pixels, read_image
from ganlab.runtime import seeded_generator
from ganlab.widgets import still
from ganlab.widgets.kit import Latest, Panel, Pixels, readout, side_by_side
from ganlab.widgets.still import Shot

WIDTH = 280  # pixels of the screen, or a little less: pixels are enlarged by whole numbers
REACH = {
    False: 1.7,
    True: 1.4,
}  # pixels from the middle of a stroke to where ink ends: of a digit, of an icon's outline
COVER = (255, 90, 220)  # what no picture is: seen on all of them
BRUSH = 4.5  # and where the hole ends that a brush paints
# The browser's half. Pixels are bytes of ink, row by row, 0 none; a stroke is a soft disc pulled along. Ink is white on
# black, or black on white paper, or covers the picture that lies under it. What is drawn is sent when a frame is
# painted, not at each move of the mouse.
PAD = """
function render({ model, el }) {
  const side = model.get("side"), zoom = model.get("zoom"), reach = model.get("reach"), paper = model.get("paper");
  const cover = [255, 90, 220];  // what no picture is: seen on all of them
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * zoom;
  canvas.tabIndex = 0;
  canvas.className = "ganlab-pad";
  canvas.dataset.lmSuppressShortcuts = "true";
  canvas.setAttribute("role", "application");
  const keys = "Arrow keys move, Space lowers or lifts the pen, Delete clears.";
  canvas.setAttribute("aria-label", `${model.get("name")}. ${keys}`);
  canvas.title = keys;
  el.appendChild(canvas);
  const context = canvas.getContext("2d");
  let pixels = new Uint8Array(side * side), last = null, down = false, queued = false;
  const cursor = { x: side / 2, y: side / 2, pen: false, shown: false };
  const colour = (k, under) => {
    if (!under.byteLength) return Array(3).fill(paper ? 255 - pixels[k] : pixels[k]);
    return cover.map((c, i) => Math.round(under.getUint8(3 * k + i) * (1 - pixels[k] / 255) + c * pixels[k] / 255));
  };
  const paint = () => {
    const under = model.get("under");
    for (let k = 0; k < side * side; k++) {
      context.fillStyle = `rgb(${colour(k, under).join(", ")})`;
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
  model.on("change:under", paint);
  take();
}
export default { render };
"""
STYLE = """
.ganlab-pad { touch-action: none; cursor: crosshair; max-width: 100%; border: 1px solid #8888; }
.ganlab-pad:focus { outline: 2px solid #4c8dd6; }
"""


class Pad(anywidget.AnyWidget):
    """The canvas alone: `pixels` are side * side bytes of ink, row by row; with `paper` it is black on white.

    `under`, bytes of (side, side, 3), is a picture that the ink lies on, if there is one.
    """

    _esm = PAD
    _css = STYLE
    side = traitlets.Int(28).tag(sync=True)
    zoom = traitlets.Int().tag(sync=True)
    paper = traitlets.Bool().tag(sync=True)
    reach = traitlets.Float().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    under = traitlets.Bytes().tag(sync=True)
    pixels = CByteMemoryView().tag(sync=True)  # a browser's bytes come as a memoryview

    def __init__(self, side: int = 28, *, paper: bool = False, under: bytes = b"") -> None:
        zoom = max(1, WIDTH // side)
        name, reach = ("Picture to paint a hole into", BRUSH) if under else ("Drawing pad", REACH[paper])
        bare = bytes(side * side)
        super().__init__(side=side, zoom=zoom, paper=paper, reach=reach, name=name, under=under, pixels=bare)

    @property
    def ink(self) -> np.ndarray:
        """The ink alone, uint8 (side, side), 0 where there is none."""
        return np.frombuffer(bytes(self.pixels), dtype=np.uint8).reshape(self.side, self.side)

    @property
    def picture(self) -> np.ndarray:
        """What is on the pad as it is seen, uint8 (side, side); what lies under the ink is not in it."""
        return 255 - self.ink if self.paper else self.ink

    def put(self, picture: np.ndarray) -> None:
        """Put a picture on the pad, as it is to be seen."""
        self.pixels = (255 - picture if self.paper else picture).tobytes()

    def shot(self) -> Shot:
        """Return what is on the pad, for a still."""
        if not self.under:
            sheet = self.picture[:, :, None]
            return Shot(*still.packed(sheet), self.zoom * self.side, "The drawing on the pad.", crisp=True)
        sheet = np.frombuffer(self.under, dtype=np.uint8).reshape(self.side, self.side, 3).copy()
        sheet[self.ink >= 128] = COVER
        return Shot(*still.packed(sheet), self.zoom * self.side, "The picture, and the hole in it.", crisp=True)


class Answering(Panel):
    """A pad, a row of buttons above it, and beside it the pictures and the sentence that answer what is on it.

    `answer()` returns images (n, C, H, W) in [-1, 1], as many each time, and a sentence; it is asked when the pad
    changes. ValueError unless there is a label for each image, or none at all.
    """

    def __init__(
        self, pad: Pad, buttons: Sequence[ipw.Widget], columns: int, *, labels: Sequence[str], what: str
    ) -> None:
        self.pad = pad
        self.readout = readout()
        images, _ = self.answer()
        labels = list(labels) or [str(k) for k in range(1, len(images) + 1)]
        if len(labels) != len(images):
            raise ValueError(f"labels: got {len(labels)}, expected {len(images)}, one for each image of `respond`")
        self.answers = [
            Pixels(image[None], max(112, 2 * pad.side), alt=f"Answer to the {what}: {label}.")
            for image, label in zip(images, labels, strict=True)
        ]
        cells = [
            ipw.VBox([answer, ipw.Label(label)], layout={"align_items": "center"})
            for answer, label in zip(self.answers, labels, strict=True)
        ]
        rows = [ipw.HBox(cells[k : k + columns]) for k in range(0, len(cells), columns)]
        self.redraw = Latest(self._paint)
        pad.observe(self.redraw, names="pixels")
        row = ipw.HBox(buttons, layout={"flex_flow": "row wrap"})
        super().__init__([row, side_by_side([pad, self.readout], ipw.VBox(rows))])
        self.redraw()

    def answer(self) -> tuple[Tensor, str]:
        """Return the images and the sentence that answer what is on the pad."""
        raise NotImplementedError

    def _paint(self) -> None:
        images, sentence = self.answer()
        for answer, image in zip(self.answers, images, strict=True):
            answer.show(image[None])
        self.readout.value = html.escape(sentence)


def _uploaded(file: ipw.FileUpload, side: int, grey: bool) -> Tensor | str:
    """Return the last picture that was uploaded, uint8 (C, side, side), or what is wrong with it."""
    upload = file.value[-1]
    try:
        return read_image(bytes(upload["content"]), side, grey=grey)
    except DataError as error:
        return f"{html.escape(upload['name'])}: {html.escape(str(error))}. Nothing was changed."


class DrawingPad(Answering):
    """A pad of as many pixels as the examples have, and beside it what `respond` makes of the drawing, while it grows.

    `respond(drawing)` gets (1, 1, S, S) in [-1, 1], -1 black, and returns images (n, C, H, W) in [-1, 1], as many
    each time, and a sentence; `labels` stand below the images, by default their numbers. "Example" puts the next of
    `examples`, uint8 (n, 1, S, S), on the pad; "File" takes a picture from the reader's disk, its centre square in
    grey, with "Invert" to exchange dark and light. Strokes are light on dark, with `paper` dark on light. `dial`, a
    name and its stops, adds a slider; then `respond` is called with the drawing and the stop that is chosen, and also
    when another one is. ValueError for other examples, or another number of labels.
    """

    doing = "draw with the mouse or the keys, and see what is made of it"

    def __init__(
        self,
        respond: Callable[..., tuple[Tensor, str]],
        examples: Tensor,
        columns: int = 4,
        *,
        labels: Sequence[str] = (),
        paper: bool = False,
        dial: tuple[str, Sequence[str]] | None = None,
    ) -> None:
        side = examples.shape[-1]
        if examples.dtype != torch.uint8 or examples.shape[1:] != (1, side, side) or not examples.numel():
            kind = f"{examples.dtype} {tuple(examples.shape)}"
            raise ValueError(f"examples: got {kind}, expected torch.uint8 (n, 1, S, S), n and S at least 1")
        self.respond = respond
        self.examples = examples
        self.next = 0  # the example that the button shows next
        self.example = ipw.Button(description="Example", tooltip="Put the next example on the pad")
        self.clear = ipw.Button(description="Clear")
        self.file = ipw.FileUpload(accept="image/*", description="File", tooltip="A picture from your disk")
        self.invert = ipw.ToggleButton(description="Invert", tooltip="Black for white")
        self.example.on_click(self._show_example)
        self.clear.on_click(lambda _: self.put(torch.full((1, side, side), 255 * paper, dtype=torch.uint8)))
        self.file.observe(self._read_file, names="value")
        self.invert.observe(lambda _: self.put(255 - self._bytes()), names="value")
        controls = [self.example, self.clear, self.file, self.invert]
        self.dial = dial and ipw.SelectionSlider(options=dial[1], description=dial[0])
        controls += [self.dial] if self.dial else []
        super().__init__(Pad(side, paper=paper), controls, columns, labels=labels, what="drawing")
        if self.dial:
            self.dial.observe(self.redraw, names="value")

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
        picture = _uploaded(self.file, self.pad.side, grey=True)
        if isinstance(picture, str):
            self.readout.value = picture
        else:
            self.put(picture)

    def answer(self) -> tuple[Tensor, str]:
        """Return what `respond` makes of the drawing, at the dial's stop if there is a dial."""
        return self.respond(self.drawing, *([self.dial.value] if self.dial else []))


class MaskPad(Answering):
    """A picture to paint a hole into with a brush, and beside it what `respond` makes of picture and hole.

    `respond(picture, mask)` gets the picture, (1, C, S, S) in [-1, 1], and a mask, bool (S, S), true in the hole, and
    returns images (n, C', H, W) in [-1, 1], as many each time, and a sentence; `labels` stand below the images. At
    first there is a hole in the middle; where there is none `respond` is not asked. "Example" shows the next of
    `examples`, uint8 (n, C, S, S); "Strokes" paints a random hole; "File" takes a picture from the reader's disk.
    ValueError for other examples, or another number of labels.
    """

    doing = "paint a hole with the mouse or the keys, and see how it is filled"

    def __init__(
        self,
        respond: Callable[[Tensor, Tensor], tuple[Tensor, str]],
        examples: Tensor,
        columns: int = 4,
        *,
        labels: Sequence[str] = (),
    ) -> None:
        side = examples.shape[-1]
        if examples.dtype != torch.uint8 or examples.shape[2:] != (side, side) or examples.shape[1] not in (1, 3):
            kind = f"{examples.dtype} {tuple(examples.shape)}"
            raise ValueError(f"examples: got {kind}, expected torch.uint8 (n, C, S, S), C 1 or 3")
        self.respond = respond
        self.examples = examples
        self.shown = examples[0]  # the picture under the brush
        self.next = 1
        self.drawn = 0  # random holes so far
        self.last: tuple[Tensor, str] | None = None
        self.example = ipw.Button(description="Example", tooltip="Show the next picture")
        self.clear = ipw.Button(description="Clear", tooltip="Take the hole away")
        self.strokes = ipw.Button(description="Strokes", tooltip="Paint a random hole")
        self.file = ipw.FileUpload(accept="image/*", description="File", tooltip="A picture from your disk")
        self.example.on_click(self._show_example)
        self.clear.on_click(lambda _: self.put(torch.zeros(side, side, dtype=torch.bool)))
        self.strokes.on_click(self._draw)
        self.file.observe(self._read_file, names="value")
        pad = Pad(side, under=_colours(self.shown))
        pad.pixels = _ink(degraded.centre_mask(side, side, 0.1))
        super().__init__(pad, [self.example, self.clear, self.strokes, self.file], columns, labels=labels, what="hole")

    @property
    def mask(self) -> Tensor:
        """Return the hole, bool (S, S)."""
        return torch.from_numpy(self.pad.ink >= 128)

    def put(self, mask: Tensor) -> None:
        """Paint a hole, bool (S, S), in place of what is there."""
        self.pad.pixels = _ink(mask)

    def show(self, picture: Tensor) -> None:
        """Show another picture, uint8 (C, S, S), with the hole as it is."""
        self.shown = picture
        self.pad.under = _colours(picture)
        self.redraw()

    def answer(self) -> tuple[Tensor, str]:
        """Return what `respond` makes of picture and hole; without a hole the last images, and what to do."""
        mask = self.mask
        if self.last is not None and not mask.any():
            return self.last[0], "There is no hole: paint one."
        self.last = self.respond(pixels.to_floats(self.shown[None]), mask)
        return self.last

    def _show_example(self, button: object) -> None:
        self.show(self.examples[self.next % len(self.examples)])
        self.next += 1

    def _draw(self, button: object) -> None:
        side = self.pad.side
        self.put(degraded.stroke_masks(1, side, side, generator=seeded_generator("strokes", self.drawn))[0])
        self.drawn += 1

    def _read_file(self, change: object) -> None:
        if not self.file.value:
            return
        picture = _uploaded(self.file, self.pad.side, grey=self.shown.shape[0] == 1)
        if isinstance(picture, str):
            self.readout.value = picture
        else:
            self.show(picture)


def _colours(picture: Tensor) -> bytes:
    """Return a picture (C, S, S) as bytes of (S, S, 3)."""
    return picture.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy().tobytes()


def _ink(mask: Tensor) -> bytes:
    return (255 * mask.to(torch.uint8)).numpy().tobytes()
