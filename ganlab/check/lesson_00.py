"""The exercise of lesson 00: pixels to the range that generators speak."""

import torch

from ganlab.check import Exercise, Slip


def to_tanh(pixels: torch.Tensor) -> torch.Tensor:
    """Return uint8 pixels 0..255 as float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def _scaled(function) -> dict:
    # 8-bit arithmetic shows itself above 127; scaling by a batch's own range on a batch that does not reach 0 and 255
    found = {}
    for rows in ([[0, 1, 100], [128, 200, 255]], [[20, 180]]):
        pixels = torch.tensor(rows, dtype=torch.uint8)
        found[f"to_tanh({rows})"] = function(pixels)
        found[f"the pixels {rows}, afterwards"] = pixels  # a caller's tensor must survive
    return found


EXERCISES = {
    "00.1": Exercise(
        _scaled,
        to_tanh,
        (
            Slip(lambda p: p.float() / 255, "that is [0, 1]. A range twice as wide that starts at -1 is wanted."),
            Slip(lambda p: p.float() / 127.5, "that is [0, 2]: the width is right, the start is not."),
            Slip(lambda p: p.float() / 128 - 1, "255 must land on exactly 1, so half the range is 127.5, not 128."),
            Slip(lambda p: 1 - p.float() / 127.5, "black and white are swapped: 0 belongs to -1."),
            Slip(lambda p: 2 * p / 255 - 1, "2 * pixels is still 8 bits wide and wraps at 256: make it float first."),
            Slip(lambda p: (p - 127.5) / 255, "that is [-0.5, 0.5]: divide by half the range."),
            Slip(lambda p: p.float() - 127.5, "that is [-127.5, 127.5]: it is centred, but not scaled."),
            Slip(lambda p: (p.float() - p.float().mean()) / p.float().std(), "do not standardise: the range is fixed."),
            Slip(lambda p: 2 * p.float() / p.max() - 1, "divide by 255, not by the largest value of this batch."),
            Slip(
                lambda p: 2 * (p.float() - p.min()) / (p.max() - p.min()) - 1,
                "the range of bytes is 0 to 255, whatever this batch's own smallest and largest are.",
            ),
            Slip(
                lambda p: p.float().tanh(),
                "tanh is the generator's last step; real images are only shifted and scaled.",
            ),
            Slip(
                lambda p: (p - 128) / 128, "8-bit numbers wrap below 0: make them float first. And halve 255, not 256."
            ),
            Slip(lambda p: (p // 127.5).float() - 1, "// throws the fraction away: use /."),
        ),
    ),
}
