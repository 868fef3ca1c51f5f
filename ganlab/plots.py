"""What makes pixels: every function draws on an Axes that it is given and returns it. One palette for the course."""

import io
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Image, display
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from ganlab.data import pixels

REAL = "#1f6fb4"  # blue
FAKE = "#e8771a"  # orange
OTHER = "#4a9a5b"  # green
INK = "#333333"  # near black
SURFACE = LinearSegmentedColormap.from_list("fake-to-real", ["#f6c79b", "#ffffff", "#a9cbe8"])  # D from 0 to 1
DPI = 100
RESOLUTION = 60  # squares of a surface along each axis


def png(figure: Figure) -> bytes:
    """Return the figure as PNG bytes; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Display the figure as a PNG whose alternative text is `alt`, and close it so that it is not shown twice."""
    if not alt.strip():
        raise ValueError("alt: got an empty text, expected a sentence that says what the figure shows")
    width, height = (round(inches * DPI) for inches in figure.get_size_inches())
    display(Image(png(figure), metadata={"alt": alt}, width=width, height=height))  # IPython 7 knows no alt=
    plt.close(figure)


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


def points(ax: Axes, samples: Tensor, label: str, *, color: str, size: float = 6) -> Axes:
    """Draw two-dimensional samples (n, 2) as dots."""
    x, y = samples.detach().cpu().numpy().T
    ax.scatter(x, y, s=size, color=color, alpha=0.5, linewidths=0, label=label)
    return ax


def surface(ax: Axes, logits: Callable[[Tensor], Tensor], limit: float) -> Axes:
    """Draw D = sigmoid(logits(x)) over the square [-limit, limit]^2: orange where D says fake, blue where real."""
    axis = torch.linspace(-limit, limit, RESOLUTION)
    cells = torch.cartesian_prod(axis, axis)  # (R*R, 2), x varies slowest
    with torch.no_grad():
        d = logits(cells).sigmoid().reshape(RESOLUTION, RESOLUTION).T.cpu().numpy()  # rows are y
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
