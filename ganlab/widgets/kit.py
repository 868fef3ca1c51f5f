"""What the widgets are made of: pictures on a canvas, sliders, panels, readouts."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

import anywidget
import ipywidgets as ipw
import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from ganlab import plots
from ganlab.data import pixels
from ganlab.widgets import still
from ganlab.widgets.access import Access
from ganlab.widgets.still import Leaving, Shot, Still

THUMBNAIL = 64  # pixels of the screen
SMALL = 224  # of a small picture, or a little less: pixels are enlarged by whole numbers
LARGE = 384


class Latest:
    """Calls `draw`, and when calls come faster than it draws, only for the latest of them; a caller may return early.

    While one thread draws, a call from another returns at once; the thread that draws then draws once more.
    """

    def __init__(self, draw: Callable[[], None]) -> None:
        self.draw = draw
        self.lock = threading.Lock()
        self.due = False  # somebody has called since the last drawing began
        self.busy = False  # a thread draws

    def __call__(self, change: object = None) -> None:
        """Draw what is there now, here or on the thread that is drawing already."""
        with self.lock:
            self.due = True
            if self.busy:
                return
            self.busy = True
        while self._take():
            try:
                self.draw()
            except BaseException:
                self.busy = False
                raise

    def _take(self) -> bool:
        """Return whether a drawing is due, and take it on; otherwise this thread is no longer busy."""
        with self.lock:
            self.busy = self.due
            self.due = False
            return self.busy


@contextlib.contextmanager
def by_program(widget: ipw.Widget) -> Iterator[None]:
    """Inside, `widget.setting` is true: the program moves its controls, not the reader, and callbacks do nothing."""
    widget.setting = True
    try:
        yield
    finally:
        widget.setting = False


class Panel(Leaving, ipw.VBox):
    """Widgets in one column, with a still below for who has no kernel; tests find it by its class ganlab-widget."""

    def __init__(self, children: Sequence[ipw.Widget]) -> None:
        super().__init__([*children, Access()])
        self.add_class("ganlab-widget")


# The browser's half of `Pixels`: bytes to squares at once, where an <img> would decode a file on its way.
CANVAS = """
function render({ model, el }) {
  const [height, width, channels] = model.get("shape");
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  Object.assign(canvas, { width, height, role: "img", ariaLabel: model.get("alt"), title: model.get("alt") });
  canvas.style.width = `${width * model.get("zoom")}px`;
  const picture = context.createImageData(width, height);
  const paint = () => {
    const bytes = model.get("value");
    for (let k = 0; k < width * height; k++) {
      for (let c = 0; c < 3; c++) picture.data[4 * k + c] = bytes.getUint8(channels * k + c % channels);
      picture.data[4 * k + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  };
  model.on("change:value", paint);
  paint();
  el.appendChild(canvas);
}
export default { render };
"""
CRISP = ".ganlab-pixels canvas { display: block; max-width: 100%; image-rendering: pixelated; }"


class Pixels(anywidget.AnyWidget):
    """Images in a widget whose size never changes: (N, C, H, W) in columns, enlarged to about `side` pixels each.

    `value` is the bytes of `pixels.tile`, row by row, of `shape` (height, width, C).
    """

    _esm = CANVAS
    _css = CRISP
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    zoom = traitlets.Int().tag(sync=True)
    value = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)

    def __init__(self, images: Tensor, side: int, columns: int = 1, *, alt: str = "the picture") -> None:
        self.columns = columns
        sheet = pixels.tile(images, columns)
        zoom = max(1, side // images.shape[-1])
        layout = {"max_width": "calc(100% - 4px)", "margin": "2px", "flex": "none"}
        super().__init__(shape=list(sheet.shape), zoom=zoom, value=sheet.tobytes(), alt=alt, layout=layout)
        self.add_class("ganlab-picture").add_class("ganlab-pixels")

    def shot(self) -> Shot:
        """Return the images as they are now, for a still."""
        sheet = np.frombuffer(self.value, dtype=np.uint8).reshape(self.shape)
        return Shot(*still.packed(sheet), self.zoom * self.shape[1], self.alt, crisp=True)

    def show(self, images: Tensor) -> None:
        """Replace the images by others of the same shape; raise ValueError for another."""
        sheet = pixels.tile(images, self.columns)
        if list(sheet.shape) != self.shape:
            raise ValueError(f"images: got a sheet of {list(sheet.shape)} pixels, expected {self.shape}")
        self.value = sheet.tobytes()


# The browser's half of `Stopwatch`. A frame's callback runs just before it is painted, a timer set there just after.
STOPWATCH = """
async function render({ model, el }) {
  const button = document.createElement("button"), report = document.createElement("span");
  button.className = "jupyter-button widget-button";
  const idle = "Measure here";
  button.textContent = idle;
  report.setAttribute("role", "status");
  el.append(button, report);
  // Both names are the widget manager's own, which another version may have changed.
  const other = name => model.widget_manager.get_model(model.get(name).slice("IPY_MODEL_".length));
  let control, picture;
  try {
    [control, picture] = await Promise.all(["control", "picture"].map(other));
  } catch (error) {
    button.disabled = true;
    report.textContent = " this version of JupyterLab does not let the button reach the slider: it cannot measure here";
    return;
  }
  let measuring = false, stopped = false, wake = () => {};  // the button, pressed again, ends a wait that lasts
  const painted = () => new Promise(resolve => {
    if (stopped) return resolve();
    const came = () => requestAnimationFrame(() => setTimeout(resolve));
    wake = () => { picture.off("change:value", came); resolve(); };
    picture.once("change:value", came);
  });
  const settled = async () => {  // a picture that was on its way already is none of ours
    let pictures = 0, before = -1;
    const count = () => { pictures += 1; };
    picture.on("change:value", count);
    for (; before !== pictures && !stopped; await new Promise(resolve => setTimeout(resolve, 200))) before = pictures;
    picture.off("change:value", count);
  };
  const measure = async () => {
    const [start, low, high, step] = ["value", "min", "max", "step"].map(name => control.get(name)), times = [];
    const put = value => { control.set("value", value); control.save_changes(); };
    try {
      for (let k = 1; k <= 40; k++) {
        // on the slider's own grid: a value beside it would be rounded and sent once more
        const steps = Math.round((high - low) * (1 - Math.abs(1 - k / 20)) / step);
        const value = Number((low + step * steps).toPrecision(9));
        if (Math.abs(value - control.get("value")) < step / 2) continue;
        const done = painted(), begin = performance.now();
        put(value);
        await done;
        if (stopped) throw new Error(`stopped after ${times.length} pictures`);
        times.push(performance.now() - begin);
      }
    } finally {
      put(start);
    }
    return times;
  };
  button.addEventListener("click", async () => {
    stopped = measuring;
    if (measuring) { wake(); return; }
    measuring = true;
    button.textContent = "Stop measuring";
    report.textContent =
      " measuring 40 moves; if it lasts, the kernel is busy, both ends are alike or this tab is hidden";
    try {
      await settled();
      const times = await measure(), ranked = [...times].sort((a, b) => a - b);
      const [middle, most] = [0.5, 0.95].map(level => ranked[Math.floor(level * ranked.length)]);
      report.textContent = ` ${times.length} moves: a picture after ${middle.toFixed(0)} ms (median), ` +
        `19 of 20 within ${most.toFixed(0)} ms; that is ${(1000 / middle).toFixed(0)} pictures a second`;
      model.set("milliseconds", times);
      model.save_changes();
    } catch (error) {
      report.textContent = ` ${error.message}`;
    }
    measuring = stopped = false;
    wake = () => {};
    button.textContent = idle;
  });
}
export default { render };
"""


class Stopwatch(Leaving, anywidget.AnyWidget):
    """A button that moves a slider up and down in the reader's browser, and times each move until the picture is there.

    Both belong to a widget that is shown. It waits for each picture as long as it takes, or until the button is pressed
    again. `milliseconds` then has the times, in the order of the moves; what is timed
    is all of it: the browser's message, the callback, the picture's way back, and until it is painted.
    """

    doing = "press its button, which measures how soon a picture follows a move of the slider above"
    _esm = STOPWATCH
    control = traitlets.Instance(ipw.FloatSlider).tag(sync=True, **ipw.widget_serialization)
    picture = traitlets.Instance(Pixels).tag(sync=True, **ipw.widget_serialization)
    milliseconds = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, control: ipw.FloatSlider, picture: Pixels) -> None:
        super().__init__(control=control, picture=picture)
        self.add_class("ganlab-stopwatch")


def side_by_side(controls: list[ipw.Widget], picture: ipw.Widget) -> ipw.HBox:
    """Return controls with a picture to their right, or below them where the window is narrow."""
    layout = ipw.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="8px 24px")
    return ipw.HBox([ipw.VBox(controls, layout={"width": "30em"}), picture], layout=layout)


def readout() -> ipw.HTML:
    """Return a place for a few lines of text, the one kind that all widgets have; tests find it by ganlab-readout."""
    return ipw.HTML(layout={"min_height": "4.5em"}).add_class("ganlab-readout")


def chooser(label: str, options: Sequence, value: object, *, width: str) -> ipw.ToggleButtons:
    """Return a row of buttons of which one is pressed, labelled to their left as sliders are."""
    style = {"button_width": width, "description_width": "10em"}
    buttons = ipw.ToggleButtons(options=options, value=value, description=label, style=style)
    return buttons.add_class("widget-inline-hbox")  # without it the label stands above


def thumbnails(samples: Tensor) -> ipw.HBox:
    """Return small pictures of images (n, C, H, W) in a row, numbered from 1."""
    layout = {"align_items": "center", "flex": "0 1 auto", "min_width": "0"}
    pictures = [Pixels(image[None], THUMBNAIL, alt=f"Sample {k}, to start from.") for k, image in enumerate(samples, 1)]
    columns = [ipw.VBox([picture, ipw.Label(str(k))], layout=layout) for k, picture in enumerate(pictures, 1)]
    return ipw.HBox(columns)


class Named(ipw.Image):
    """A picture that may have a tooltip, its only name.

    ipywidgets asks a widget that has one for its description, which its own pictures lack, and shows nothing then.
    """

    description = traitlets.Unicode("").tag(sync=True)


class Picture(Named):
    """A figure in a widget: change the figure's artists, then `paint()`. Tests find it by its class ganlab-picture.

    Where most of it stands still, `MovingPicture` comes sooner; images of pixels are `Pixels`, which need no PNG.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.alt = ""  # what the figure shows, in words; where it is empty, the titles and labels of its axes say it
        width, height = (round(inches * plots.DPI) for inches in figure.get_size_inches())
        layout = ipw.Layout(max_width="100%", height="auto", object_fit="contain")
        super().__init__(format="png", width=str(width), height=str(height), layout=layout)
        self.add_class("ganlab-picture")

    def paint(self) -> None:
        """Send the figure as it is now to the browser."""
        self.value = plots.png(self.figure)
        self.tooltip = self.alt or described(self.figure)  # the <img> of ipywidgets has no other name

    def shot(self) -> Shot:
        """Return the figure as it is now, sharp, for a still."""
        return drawn(self.figure, self.tooltip or "")


def drawn(figure: Figure, alt: str) -> Shot:
    """Return a figure, sharp and small, for a still."""
    return Shot(plots.webp(figure), "webp", round(figure.get_figwidth() * plots.DPI), alt)


def described(figure: Figure) -> str:
    """Return what a figure shows by the titles and labels of its axes and the names in its legends."""
    panels = []
    for ax in figure.axes:
        across, up = ax.get_xlabel(), ax.get_ylabel()
        names = [name for name in ax.get_legend_handles_labels()[1] if not name.startswith("_")]
        names = names or [label.get_text() for label in ax.get_yticklabels() if label.get_text().isalpha()]
        over = f"{up} over {across}" if up and across else up or across
        words = [part for part in (ax.get_title(), over, ", ".join(names)) if part]
        panels.append("; ".join(words) or "a panel without labels")
    return f"Figure. {'. '.join(panels)}."


def slider(label: str, value: float, *, least: float, most: float, step: float) -> ipw.FloatSlider:
    """Return a labelled slider that reports while it moves; arrow keys move it one `step`, which its number shows."""
    wide = {"description_width": "10em"}
    digits = max(2, len(f"{step:.6f}".rstrip("0").partition(".")[2]))
    number = {"min": least, "max": most, "step": step, "readout_format": f".{digits}f"}
    return ipw.FloatSlider(value, **number, description=label, style=wide, layout={"width": "28em"})


class ImageSlider(Panel):
    """What `image_slider` returns; its still shows the images at five places of the slider."""

    def __init__(self, draw: Callable[[float], Tensor], label: str) -> None:
        self.draw = draw
        self.label = label
        control = slider(label, 0.0, least=0.0, most=1.0, step=0.02)
        picture = Pixels(draw(0.0)[None], SMALL, alt=f"The image at the slider's place: {label}.")
        control.observe(lambda change: picture.show(draw(change.new)[None]), names="value")
        super().__init__([control, picture])

    def still(self) -> Still:
        """Return the images at 0, 0.25, 0.5, 0.75 and 1, below a line that says what one would do."""
        places = (0.0, 0.25, 0.5, 0.75, 1.0)
        images = torch.stack([pixels.to_bytes(self.draw(place)) for place in places])
        alt = f"Five images: {self.label}, with the slider at 0, 0.25, 0.5, 0.75 and 1."
        shot = Pixels(images, SMALL // 2, len(places), alt=alt).shot()
        invitation = still.invitation(still.move_sliders(self.label))
        line = f"{invitation} The pictures show it at 0, 0.25, 0.5, 0.75 and 1."
        return Still(shot.html(), line, still.OF_WIDGET)


def image_slider(draw: Callable[[float], Tensor], label: str) -> Panel:
    """Return a slider from 0 to 1 above the image `draw(value)`: one (C, H, W), float in [-1, 1] or uint8."""
    return ImageSlider(draw, label)
