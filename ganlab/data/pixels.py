"""Pixels: one conversion between bytes and the range of the networks, one sheet of images, one PNG, one animation."""

import io
import math

import numpy as np
import PIL.Image
import torch
from torch import Tensor

GAP = 2  # white pixels between the images of a sheet
MILLISECONDS = 60  # a frame of a GIF
LOSSLESS = {"lossless": True, "method": 2, "quality": 50}  # WebP: half of PNG's bytes, as soon as an optimised PNG


def to_bytes(images: Tensor) -> Tensor:
    """Return images of any shape, float in [-1, 1], as uint8, cut off at 0 and 255; uint8 as it is."""
    if images.dtype == torch.uint8:
        return images
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_floats(images: Tensor) -> Tensor:
    """Return images of any shape, uint8, as float32 in [-1, 1]; what is float already keeps its range."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images.float()


def tile(images: Tensor, columns: int) -> np.ndarray:
    """Return images (N, C, H, W), float in [-1, 1] or uint8, as one uint8 array (rows, width, C) with white gaps.

    Clips (N, T, C, H, W) make a row each, frame beside frame. Raises ValueError for another shape, or for other than
    one or three channels.
    """
    if images.ndim == 5:
        columns = images.shape[1]
        images = images.flatten(0, 1)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images: got shape {tuple(images.shape)}, expected (N, 1 or 3, H, W)")
    images = to_bytes(images.detach().cpu())
    n, c, h, w = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    sheet = np.full((rows * (h + GAP) - GAP, columns * (w + GAP) - GAP, c), 255, dtype=np.uint8)
    for k, image in enumerate(images.permute(0, 2, 3, 1).numpy()):  # (H, W, C)
        top = (k // columns) * (h + GAP)
        left = (k % columns) * (w + GAP)
        sheet[top : top + h, left : left + w] = image
    return sheet


def png(sheet: np.ndarray, zoom: int = 1) -> bytes:
    """Return pixels (H, W, 1 or 3), uint8, as PNG, each pixel `zoom` x `zoom`; packed fast rather than small."""
    return _file(_picture(sheet, zoom), format="png", compress_level=1)


def webp(sheet: np.ndarray) -> bytes:
    """Return pixels (H, W, 1 or 3), uint8, as WebP that loses nothing, half as large as the smallest PNG."""
    return _file(_picture(sheet), format="webp", **LOSSLESS)


def jpeg(sheet: np.ndarray, quality: int) -> bytes:
    """Return pixels (H, W, 1 or 3), uint8, as JPEG of a quality from 1 to 95."""
    return _file(_picture(sheet), format="jpeg", quality=quality)


def gif(images: Tensor, zoom: int = 1) -> bytes:
    """Return images (N, C, H, W), float in [-1, 1] or uint8, as a GIF that repeats, each pixel `zoom` x `zoom`."""
    return _animated([tile(image[None], 1) for image in images], zoom, "gif", MILLISECONDS)


def animation(clips: Tensor, kind: str, *, zoom: int = 1, milliseconds: int = 100) -> bytes:
    """Return clips (N, T, C, H, W), float in [-1, 1] or uint8, side by side in one file that plays them for ever.

    `kind` is "gif", or "webp", which is smaller and loses nothing; a frame lasts `milliseconds`. ValueError for another
    kind or shape.
    """
    if kind not in ("gif", "webp"):
        raise ValueError(f"kind: got {kind!r}, expected 'gif' or 'webp'")
    if clips.ndim != 5:
        raise ValueError(f"clips: got shape {tuple(clips.shape)}, expected (N, T, C, H, W)")
    n, frames, _, _, _ = clips.shape
    sheets = [tile(clips[:, t], math.ceil(math.sqrt(n))) for t in range(frames)]
    return _animated(sheets, zoom, kind, milliseconds)


def _animated(sheets: list[np.ndarray], zoom: int, kind: str, milliseconds: int) -> bytes:
    first, *rest = [_picture(sheet, zoom) for sheet in sheets]
    packing = {"lossless": True} if kind == "webp" else {}
    return _file(first, format=kind, save_all=True, append_images=rest, duration=milliseconds, loop=0, **packing)


def _file(picture: PIL.Image.Image, **packing: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **packing)
    return buffer.getvalue()


def _picture(sheet: np.ndarray, zoom: int = 1) -> PIL.Image.Image:
    """Return pixels (H, W, 1 or 3), uint8, as a picture of Pillow, each pixel `zoom` x `zoom`."""
    image = PIL.Image.fromarray(sheet.squeeze(2) if sheet.shape[2] == 1 else np.ascontiguousarray(sheet))
    return image.resize((zoom * image.width, zoom * image.height), PIL.Image.Resampling.NEAREST)
