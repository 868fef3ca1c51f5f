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

REAL, FAKE, OTHER, INK = "#1f6fb4", "#e8771a", "#4a9a5b", "#333333"  # blue, orange, green, near black
SURFACE = LinearSegmentedColormap.from_list("fake-to-real", ["#f6c79b", "#ffffff", "#a9cbe8"])  # D from 0 to 1
DPI = 100


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


def tile(images: Tensor, columns: int, pad: int = 2) -> np.ndarray:
    """Return images (N, C, H, W), float in [-1, 1] or uint8, as one uint8 array (rows, width, C) with white gaps."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images: got shape {tuple(images.shape)}, expected (N, 1 or 3, H, W)")
    images = images.detach().cpu()
    if images.dtype != torch.uint8:
        images = ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    n, c, h, w = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    sheet = np.full((rows * (h + pad) - pad, columns * (w + pad) - pad, c), 255, dtype=np.uint8)
    for k, image in enumerate(images.permute(0, 2, 3, 1).numpy()):  # (H, W, C)
        top, left = (k // columns) * (h + pad), (k % columns) * (w + pad)
        sheet[top : top + h, left : left + w] = image
    return sheet


def image_grid(ax: Axes, images: Tensor, columns: int = 8, title: str = "") -> Axes:
    """Draw images (N, C, H, W), float in [-1, 1] or uint8, as a grid of `columns`."""
    sheet = tile(images, columns)
    pixels = sheet.squeeze(2) if sheet.shape[2] == 1 else sheet
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)
    return ax


def filmstrip(frames: Sequence[tuple[int, Tensor]], columns: int = 4, unit: str = "step") -> Figure:
    """Return a figure with one image grid a frame, side by side: the same latents over training."""
    figure, axes = plt.subplots(1, len(frames), figsize=(2.1 * len(frames), 2.4), layout="constrained", squeeze=False)
    for ax, (step, images) in zip(axes[0], frames, strict=True):
        image_grid(ax, images, columns, f"{unit} {step:,}")
    return figure


def curves(
    ax: Axes,
    series: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    smooth: int = 1,
    x: Sequence[float] | None = None,
) -> Axes:
    """Draw named series over their index (or `x`), each as a running mean over `smooth` values."""
    colours = {"critic": REAL, "generator": FAKE}
    for name, values in series.items():
        y = np.asarray(values, dtype=float)
        width = max(1, min(smooth, len(y)))
        y = np.convolve(y, np.ones(width) / width, mode="valid")
        at = np.arange(len(values)) if x is None else np.asarray(x)
        ax.plot(at[width - 1 :], y, label=name.replace("_", " "), color=colours.get(name.split("_")[0]))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False)
    return ax


def density(ax: Axes, x: Tensor, log_p: Tensor, label: str, color: str) -> Axes:
    """Draw the density exp(log_p) over the grid x as a filled curve."""
    x, p = x.detach().cpu().numpy(), log_p.detach().cpu().exp().numpy()
    ax.plot(x, p, color=color, label=label)
    ax.fill_between(x, p, color=color, alpha=0.15, linewidth=0)
    return ax


def points(ax: Axes, samples: Tensor, label: str, color: str, size: float = 6) -> Axes:
    """Draw two-dimensional samples (n, 2) as dots."""
    x, y = samples.detach().cpu().numpy().T
    ax.scatter(x, y, s=size, color=color, alpha=0.5, linewidths=0, label=label)
    return ax


def surface(ax: Axes, logits: Callable[[Tensor], Tensor], limit: float, resolution: int = 60) -> Axes:
    """Draw D = sigmoid(logits(x)) over the square [-limit, limit]^2: orange where D says fake, blue where real."""
    axis = torch.linspace(-limit, limit, resolution)
    cells = torch.cartesian_prod(axis, axis)  # (R*R, 2), x varies slowest
    with torch.no_grad():
        d = logits(cells).sigmoid().reshape(resolution, resolution).T.cpu().numpy()  # rows are y
    extent = (-limit, limit, -limit, limit)
    ax.imshow(d, origin="lower", extent=extent, cmap=SURFACE, vmin=0, vmax=1, interpolation="bilinear")
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    return ax


def arrows(ax: Axes, at: Tensor, vectors: Tensor, color: str = INK) -> Axes:
    """Draw `vectors` (n, 2) at the points `at` (n, 2), in the axes' own units."""
    (x, y), (u, v) = at.detach().cpu().numpy().T, vectors.detach().cpu().numpy().T
    ax.quiver(x, y, u, v, angles="xy", scale_units="xy", scale=1, width=0.004, color=color)
    return ax
