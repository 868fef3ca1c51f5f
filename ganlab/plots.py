"""What makes pixels: every function draws on an Axes that it is given and returns it. One palette for the course."""

import base64
import html
import io
import re
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, same_color
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import Tensor

from ganlab.data import pixels
from ganlab.runtime.style import CARD, FAKE, FAKE_WORDS, INK, OTHER, REAL  # noqa: F401  the palette, as plots.REAL

# D from 0 to 1; in grey, too, 0 is lighter than 1
SURFACE = LinearSegmentedColormap.from_list("fake-to-real", ["#ffdfb5", "#ffffff", "#7fb0dc"])
DPI = 100
SHARP = 2  # pixels for each of DPI, for screens that have them
CAPTION = re.compile(r"Figure \d+[a-z]?\.\d+\. (?=\S)")
MOST_ROWS = 60  # of a table of numbers
RESOLUTION = 60  # squares of a surface along each axis


def png(figure: Figure) -> bytes:
    """Return the figure on its card as PNG bytes; the same figure, the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, facecolor=CARD, metadata={"Software": None})
    return buffer.getvalue()


def webp(figure: Figure) -> bytes:
    """Return the figure on its card as WebP bytes, SHARP pixels for each of DPI; nothing is lost, and PNG is larger."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="webp", dpi=DPI * SHARP, facecolor=CARD, pil_kwargs=pixels.LOSSLESS)
    return buffer.getvalue()


def show(
    figure: Figure, alt: str, *, caption: str = "", numbers: Mapping[str, Sequence[float | str]] | None = None
) -> None:
    """Display the figure as HTML, with its alternative text and its caption, and close it so that it comes only once.

    `caption` is "Figure 4b.2. One sentence." `numbers` are what the figure shows, the columns of a table that a reader
    may open below it: {"step": [0, 100], "loss (nats)": [0.69, 0.41]}. A screen that has two pixels for one gets them.

    JupyterLab's own renderer of pictures knows no alternative text; so this is an `<img>`, and the text alone is what
    a viewer without HTML shows. The HTML holds what JupyterLab leaves in a notebook that is not trusted, too.
    """
    if not alt.strip():
        raise ValueError("alt: got an empty text, expected a sentence that says what the figure shows")
    if caption and not CAPTION.match(caption):
        raise ValueError(f'caption: got {caption!r}, expected "Figure 4b.2. One sentence."')
    table = "" if numbers is None else _table(numbers)
    for words in figure.findobj(Text):
        if same_color(words.get_color(), FAKE):
            words.set_color(FAKE_WORDS)
    width, height = (round(inches * DPI) for inches in figure.get_size_inches())
    picture = base64.b64encode(webp(figure)).decode()
    text = (
        f'<figure class="ganlab-figure" style="margin: 4px 0 12px">'
        f'<div style="display: inline-block; box-sizing: border-box; max-width: 100%; padding: 8px; '
        f'border-radius: 8px; background-color: {CARD}">'
        f'<img alt="{html.escape(alt)}" src="data:image/webp;base64,{picture}" width="{width}" height="{height}" '
        f'style="display: block; max-width: 100%; height: auto"></div>'
    )
    if caption:
        number = CAPTION.match(caption)[0]
        words = html.escape(caption[len(number) :], quote=False)
        text += f'<figcaption style="margin-top: 4px; max-width: 60em"><b>{number.strip()}</b> {words}</figcaption>'
    display({"text/html": f"{text}{table}</figure>", "text/plain": alt}, raw=True)
    plt.close(figure)


def _table(numbers: Mapping[str, Sequence[float | str]]) -> str:
    """Return the numbers as a table that is folded."""
    columns = {name: [_cell(value) for value in values] for name, values in numbers.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1 or not 1 <= max(lengths.values()) <= MOST_ROWS:
        raise ValueError(f"numbers: got columns of {lengths} rows, expected 1 to {MOST_ROWS}, as many in each")
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    rows = ["".join(f"<td>{value}</td>" for value in row) for row in zip(*columns.values(), strict=True)]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        "<details><summary>The numbers</summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></details>"
    )


def _cell(value: float | str) -> str:
    return html.escape(value) if isinstance(value, str) else f"{float(value):.4g}"


def image_grid(ax: Axes, images: Tensor, columns: int = 8, *, title: str = "") -> Axes:
    """Draw images (N, C, H, W), float in [-1, 1] or uint8, as a grid of `columns`."""
    sheet = pixels.tile(images, columns)
    ax.imshow(
        sheet.squeeze(2) if sheet.shape[2] == 1 else sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest"
    )
    ax.set_axis_off()
    ax.set_title(title)
    return ax


def filmstrip(frames: Sequence[tuple[int, Tensor]]) -> Figure:
    """Return a figure with one image grid of four columns for each (step, images), side by side."""
    figure, axes = plt.subplots(1, len(frames), figsize=(2.1 * len(frames), 2.4), layout="constrained", squeeze=False)
    for ax, (step, images) in zip(axes[0], frames, strict=True):
        image_grid(ax, images, columns=4, title=f"step {step:,}")
    return figure


def curves(ax: Axes, series: Mapping[str, Sequence[float]], *, xlabel: str, ylabel: str, smooth: int = 1) -> Axes:
    """Draw named series over their index, each as a running mean over `smooth` values."""
    colours = {"critic": REAL, "generator": FAKE}
    for name, values in series.items():
        y = np.asarray(values, dtype=float)
        width = max(1, min(smooth, len(y)))
        y = np.convolve(y, np.ones(width) / width, mode="valid")
        x = np.arange(width - 1, len(values))
        ax.plot(x, y, label=name.replace("_", " "), color=colours.get(name.split("_")[0]))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False)
    return ax


def density(ax: Axes, x: Tensor, log_p: Tensor, *, label: str, color: str) -> Axes:
    """Draw the density exp(log_p) over the grid x as a filled curve."""
    x = x.detach().cpu().numpy()
    p = log_p.detach().cpu().exp().numpy()
    ax.plot(x, p, color=color, label=label)
    ax.fill_between(x, p, color=color, alpha=0.15, linewidth=0)
    return ax


def points(ax: Axes, samples: Tensor, label: str, *, color: str, size: float = 6, edge: str = "none") -> Axes:
    """Draw two-dimensional samples (n, 2) as dots; with an `edge` of a colour they can be seen on any ground."""
    x, y = samples.detach().cpu().numpy().T
    line = {"linewidths": 0, "alpha": 0.5} if edge == "none" else {"linewidths": 0.6, "edgecolors": edge}
    ax.scatter(x, y, s=size, color=color, label=label, **line)
    return ax


def surface_values(logits: Callable[[Tensor], Tensor], limit: float, squares: int = RESOLUTION) -> np.ndarray:
    """Return D = sigmoid(logits(x)) over the square [-limit, limit]^2, (squares, squares): rows are y, from below."""
    axis = torch.linspace(-limit, limit, squares)
    cells = torch.cartesian_prod(axis, axis)  # (R*R, 2), x varies slowest
    with torch.no_grad():
        return logits(cells).sigmoid().reshape(squares, squares).T.cpu().numpy()


def surface(ax: Axes, logits: Callable[[Tensor], Tensor], limit: float) -> Axes:
    """Draw D = sigmoid(logits(x)) over the square [-limit, limit]^2: orange where D says fake, blue where real."""
    d = surface_values(logits, limit)
    extent = (-limit, limit, -limit, limit)
    ax.imshow(d, origin="lower", extent=extent, cmap=SURFACE, vmin=0, vmax=1, interpolation="bilinear")
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    return ax


def arrows(ax: Axes, at: Tensor, vectors: Tensor, *, color: str = INK) -> Axes:
    """Draw `vectors` (n, 2) at the points `at` (n, 2), in the axes' own units."""
    x, y = at.detach().cpu().numpy().T
    u, v = vectors.detach().cpu().numpy().T
    ax.quiver(x, y, u, v, angles="xy", scale_units="xy", scale=1, width=0.004, color=color)
    return ax
