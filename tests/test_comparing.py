"""A curtain between two pictures, and a brush for holes, without a browser."""

import pytest
import torch
from test_drawing import png, uploaded
from torch import Tensor

from ganlab import data, widgets
from ganlab.widgets import still


def pictures(n: int = 3, channels: int = 3, side: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=generator)


# Compare


def test_a_curtain_shows_the_left_of_one_and_the_right_of_the_other(monkeypatch) -> None:
    before, after = pictures(2)
    pair = widgets.Compare(before, data.pixels.to_floats(after), labels=("enlarged", "true"))
    sheets = []
    monkeypatch.setattr(still, "packed", lambda sheet: sheets.append(sheet) or (b"x", "png"))
    for place, line in ((0.0, 0), (0.25, 8), (1.0, 32)):
        pair.curtain.place = place
        shot = pair.curtain.shot()
        seen = torch.from_numpy(sheets[-1].copy()).permute(2, 0, 1)
        assert torch.equal(seen[..., :line], before[..., :line]) and torch.equal(seen[..., line:], after[..., line:])
        assert shot.width == 384 and "enlarged" in shot.alt and "true" in shot.alt
    assert pair.link.source == (pair.place, "value") and pair.link.target == (pair.curtain, "place")
    assert pair.place.description == "enlarged | true"


def test_its_still_has_both_pictures_and_their_names() -> None:
    left = widgets.Compare(*pictures(2, 1), labels=("one", "other")).still()
    assert "one on the left, other on the right" in left.html
    assert left.line == 'A widget. Run this cell to use it: move the line between "one" and "other".'


@pytest.mark.parametrize(
    ("before", "after", "labels", "said"),
    [
        (pictures()[0], pictures(side=16)[0], ("a", "b"), r"before, after: got shapes \(3, 32, 32\) and \(3, 16, 16\)"),
        (pictures(), pictures(), ("a", "b"), r"expected both \(C, H, W\)"),
        (pictures(1, 2)[0], pictures(1, 2)[0], ("a", "b"), "C 1 or 3"),
        (pictures()[0], pictures()[0], ("a", "b", "c"), r"labels: got \('a', 'b', 'c'\), expected two"),
        (pictures()[0], pictures()[0], "ab", "labels: got 'ab', expected two"),
    ],
)
def test_what_cannot_be_compared_is_told(before, after, labels, said) -> None:
    with pytest.raises(ValueError, match=said):
        widgets.Compare(before, after, labels=labels)


# A brush for holes


def respond(picture: Tensor, mask: Tensor) -> tuple[Tensor, str]:
    filled = torch.where(mask, 0.0, picture)
    return torch.cat([filled, -filled]), f"<{mask.sum()}> pixels, mean {picture.mean():.3f}"


def test_picture_and_hole_are_answered() -> None:
    pad = widgets.MaskPad(respond, pictures(), columns=2, labels=("filled", "negative"))
    assert pad.mask.sum() == 10 * 10 and "&lt;100&gt;" in pad.readout.value  # a hole in the middle, to begin with
    ink = torch.zeros(32, 32, dtype=torch.uint8)
    ink[3:7, 5:8] = 255
    ink[20] = 100  # the soft edge of a stroke is no hole
    pad.pad.set_state({"pixels": memoryview(ink.numpy().tobytes())})  # as the browser sends it
    assert pad.mask.sum() == 12 and pad.mask[3:7, 5:8].all() and "&lt;12&gt;" in pad.readout.value
    shown = torch.frombuffer(bytearray(pad.answers[0].value), dtype=torch.uint8).view(32, 32, 3).permute(2, 0, 1)
    expected = data.pixels.to_bytes(respond(data.pixels.to_floats(pictures()[:1]), pad.mask)[0][0])
    assert torch.equal(shown, expected)


def test_without_a_hole_nobody_is_asked() -> None:
    asked = []
    pad = widgets.MaskPad(lambda *given: asked.append(given) or respond(*given), pictures())
    before, answer = len(asked), pad.answers[0].value
    pad.clear.click()
    assert not pad.mask.any() and len(asked) == before and pad.answers[0].value == answer
    assert pad.readout.value == "There is no hole: paint one."
    pad.strokes.click()
    first = pad.mask
    pad.strokes.click()
    assert len(asked) > before and first.float().mean() >= 0.15 and not torch.equal(first, pad.mask)


def test_examples_and_files_lie_under_the_hole_as_it_is() -> None:
    for channels in (1, 3):
        examples = pictures(2, channels)
        pad = widgets.MaskPad(respond, examples)
        mask = pad.mask
        for expected in (examples[1], examples[0]):
            pad.example.click()
            under = torch.frombuffer(bytearray(pad.pad.under), dtype=torch.uint8).view(32, 32, 3).permute(2, 0, 1)
            assert torch.equal(under, expected.expand(3, -1, -1)) and torch.equal(pad.mask, mask)
            mean = data.pixels.to_floats(expected).mean()
            assert f"mean {mean:.3f}" in pad.readout.value
        pad.file.value = uploaded(png(white=200))
        assert (pad.shown == 200).all() and pad.shown.shape == (channels, 32, 32)
        pad.file.value = uploaded(b"nothing", "bad.png")
        assert (
            "bad.png" in pad.readout.value and "Nothing was changed" in pad.readout.value and (pad.shown == 200).all()
        )


def test_its_still_shows_the_picture_with_its_hole() -> None:
    pad = widgets.MaskPad(respond, pictures(), labels=("filled", "negative"))
    left = pad.still()
    assert "The picture, and the hole in it." in left.html and "paint a hole" in left.line and "filled" in left.html
    for wrong in (pictures().float(), pictures(1, 2), pictures()[..., :20]):
        with pytest.raises(ValueError, match=r"examples: got .*, expected torch.uint8 \(n, C, S, S\), C 1 or 3"):
            widgets.MaskPad(respond, wrong)
    with pytest.raises(ValueError, match="labels: got 1, expected 2"):
        widgets.MaskPad(respond, pictures(), labels=("x",))
