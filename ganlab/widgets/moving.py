"""A figure of which a part moves: what stands still goes to the browser once, and then only the pixels that differ."""

from collections.abc import Sequence

import anywidget
import numpy as np
import traitlets
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ganlab import plots
from ganlab.data import pixels
from ganlab.widgets.kit import described, drawn
from ganlab.widgets.still import Shot

# The browser's half: `value` is places and colours, as many of each, of the pixels that differ from the ground.
PAINT = """
function render({ model, el }) {
  const [width, height] = model.get("shape");
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  Object.assign(canvas, { width, height, role: "img" });
  let ground = null, laid = null;  // until the ground is decoded there is nothing to paint on
  const paint = () => {
    if (ground === null || laid !== model.get("ground")) return;
    const bytes = model.get("value");
    const numbers = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const sheet = new Uint32Array(ground), count = numbers.length / 2;
    for (let k = 0; k < count; k++) sheet[numbers[k]] = numbers[count + k];
    context.putImageData(new ImageData(new Uint8ClampedArray(sheet.buffer), width, height), 0, 0);
  };
  const lay = async () => {
    const mine = laid = model.get("ground");
    ground = null;
    const bitmap = await createImageBitmap(new Blob([mine], { type: "image/png" }));
    if (mine !== laid) return;  // another has come meanwhile
    const board = new OffscreenCanvas(width, height).getContext("2d");
    board.drawImage(bitmap, 0, 0);
    ground = new Uint32Array(board.getImageData(0, 0, width, height).data.buffer);
    paint();
  };
  const name = () => { canvas.title = model.get("alt"); canvas.setAttribute("aria-label", model.get("alt")); };
  model.on("change:value", paint);
  model.on("change:ground", lay);
  model.on("change:alt", name);
  name();
  lay();
  el.appendChild(canvas);
  return () => { model.off("change:value", paint); model.off("change:ground", lay); model.off("change:alt", name); };
}
export default { render };
"""
LOOKS = ".ganlab-moving canvas { display: block; max-width: 100%; height: auto; }"


class MovingPicture(anywidget.AnyWidget):
    """A figure in a widget of which the `moving` artists change: change them, then `paint()`.

    Everything else is drawn and packed as PNG once for each set of axes' limits; a step of a slider then costs what
    moves, in the kernel, on the way and in the browser. Tests find it by its class ganlab-picture.
    """

    _esm = PAINT
    _css = LOOKS
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # width, height
    ground = traitlets.Bytes().tag(sync=True)  # PNG
    value = traitlets.Bytes().tag(sync=True)  # uint32: places, then RGBA
    alt = traitlets.Unicode().tag(sync=True)

    def __init__(self, figure: Figure, *, moving: Sequence[Artist], alt: str = "") -> None:
        self.figure = figure
        self.own_alt = alt
        self.moving = sorted(moving, key=Artist.get_zorder)
        self.limits: object = None  # of the axes that are in the ground
        shape = [round(inches * plots.DPI) for inches in figure.get_size_inches()]
        super().__init__(shape=shape, layout={"width": f"{shape[0]}px", "max_width": "100%"})
        self.add_class("ganlab-picture").add_class("ganlab-moving")

    def paint(self) -> None:
        """Send the figure as it is now to the browser, in one message."""
        with self.hold_sync():
            limits = [(*ax.get_xlim(), *ax.get_ylim()) for ax in self.figure.axes]
            if limits != self.limits:
                self._lay()
                self.limits = limits
            self.canvas.restore_region(self.background)
            for artist in self.moving:
                artist.axes.draw_artist(artist)
            colours = np.asarray(self.canvas.buffer_rgba()).view("<u4").ravel()
            places = np.flatnonzero(colours != self.still)
            self.value = np.concatenate([places.astype("<u4"), colours[places]]).tobytes()

    def _lay(self) -> None:
        """Draw what does not move."""
        for artist in self.moving:
            artist.set_animated(True)
        self.figure.set(facecolor=plots.CARD, dpi=plots.DPI)
        self.canvas = FigureCanvasAgg(self.figure)
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)
        sheet = np.asarray(self.canvas.buffer_rgba())
        self.still = sheet.view("<u4").ravel().copy()
        self.ground = pixels.png(sheet[..., :3])
        self.alt = self.own_alt or described(self.figure)

    def shot(self) -> Shot:
        """Return the figure as it is now, sharp, for a still."""
        return drawn(self.figure, self.alt)
