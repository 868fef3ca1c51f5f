"""The pad without a browser: what is on it, what answers, and what comes from files."""

import datetime
import io

import PIL.Image
import pytest
import torch
from torch import Tensor

from ganlab import data, widgets

NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)


def respond(drawn: Tensor) -> tuple[Tensor, str]:
    return torch.cat([drawn, -drawn]), f"mean <{drawn.mean():.2f}>"


def digits(n: int = 3) -> Tensor:
    return data.load("digits").images[:n]


def uploaded(content: bytes, name: str = "mine.png") -> tuple[dict, ...]:
    return (
        {"name": name, "type": "image/png", "size": len(content), "last_modified": NOW, "content": memoryview(content)},
    )


def png(size: tuple[int, int] = (56, 40), white: int = 255) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, (white,) * 3).save(buffer, "png")
    return buffer.getvalue()


def test_what_is_drawn_is_answered() -> None:
    pad = widgets.DrawingPad(respond, digits(), columns=2)
    assert (pad.drawing == -1).all() and "mean &lt;-1.00&gt;" in pad.readout.value
    pixels = torch.randint(0, 256, (28, 28), dtype=torch.uint8)
    pad.pad.set_state({"pixels": memoryview(pixels.numpy().tobytes())})  # as the browser sends it
    assert torch.allclose(pad.drawing[0, 0], pixels / 127.5 - 1)
    shown = [answer.value for answer in pad.answers]
    assert shown == [data.pixels.tile(image[None], 1).tobytes() for image in respond(pad.drawing)[0]]


def test_each_answer_has_a_label() -> None:
    count = len(respond(torch.zeros(1, 1, 28, 28))[0])
    words = [f"answer {k}" for k in range(count)]
    pad = widgets.DrawingPad(respond, digits(), columns=2, labels=words)
    assert all(f"<span>{word}</span>" in pad.still().html for word in words)
    assert [answer.alt for answer in pad.answers] == [f"Answer to the drawing: {word}." for word in words]
    assert "<span>1</span>" in widgets.DrawingPad(respond, digits()).still().html
    with pytest.raises(ValueError, match=f"labels: got 9, expected {count}, one for each image"):
        widgets.DrawingPad(respond, digits(), labels=["x"] * 9)


def test_buttons_bring_examples_clear_and_invert() -> None:
    pad = widgets.DrawingPad(respond, digits())
    for k in (0, 1, 2, 0):
        pad.example.click()
        assert torch.equal(pad.drawing, digits()[k : k + 1] / 127.5 - 1)
    pad.invert.value = True
    assert torch.allclose(pad.drawing, 1 - digits()[:1] / 127.5, atol=1e-6)
    pad.invert.value = False
    assert torch.equal(pad.drawing, digits()[:1] / 127.5 - 1)
    pad.clear.click()
    assert (pad.drawing == -1).all()


def test_a_file_fills_the_pad_and_a_bad_one_changes_nothing() -> None:
    pad = widgets.DrawingPad(respond, digits())
    pad.file.value = uploaded(png())
    assert (pad.drawing == 1).all()
    pad.file.value = uploaded(b"no picture", "<bad>.png")
    assert (pad.drawing == 1).all()
    assert "&lt;bad&gt;.png" in pad.readout.value and "cannot be read" in pad.readout.value


def test_examples_must_be_square_grey_and_of_bytes() -> None:
    with pytest.raises(ValueError, match=r"examples: got torch.float32 \(3, 1, 28, 28\), expected torch.uint8"):
        widgets.DrawingPad(respond, digits().float())
    for shape in ((3, 1, 28, 27), (3, 3, 28, 28), (0, 1, 28, 28)):
        with pytest.raises(ValueError, match=r"expected torch.uint8 \(n, 1, S, S\), n and S at least 1"):
            widgets.DrawingPad(respond, torch.zeros(shape, dtype=torch.uint8))


def test_on_paper_strokes_are_dark_and_the_pad_is_as_large_as_its_examples() -> None:
    outlines = torch.full((2, 1, 64, 64), 255, dtype=torch.uint8)
    outlines[1, :, 10, 20:30] = 7
    pad = widgets.DrawingPad(respond, outlines, paper=True)
    assert pad.pad.side == 64 and (pad.drawing == 1).all() and pad.drawing.shape == (1, 1, 64, 64)
    assert bytes(pad.pad.pixels) == bytes(64 * 64), "no ink yet"
    pad.example.click()
    pad.example.click()
    assert torch.equal(pad.drawing, outlines[1:] / 127.5 - 1)
    ink = torch.zeros(64, 64, dtype=torch.uint8)
    ink[3, 5] = 255
    pad.pad.set_state({"pixels": memoryview(ink.numpy().tobytes())})  # as the browser sends a stroke
    assert pad.drawing[0, 0, 3, 5] == -1 and (pad.drawing == 1).sum() == 64 * 64 - 1
    assert pad.pad.shot().width == 256
    pad.clear.click()
    assert (pad.drawing == 1).all()
    pad.file.value = uploaded(png(white=40))
    assert torch.allclose(pad.drawing, torch.tensor(40 / 127.5 - 1))


def test_a_dial_chooses_who_answers() -> None:
    def at(drawn: Tensor, stop: str) -> tuple[Tensor, str]:
        return float(stop) * drawn, f"at {stop}"

    pad = widgets.DrawingPad(at, digits(), dial=("lambda", ["0", "0.5", "1"]))
    pad.put(digits()[0])
    assert pad.readout.value == "at 0" and set(pad.answers[0].value) == {128}
    pad.dial.value = "1"
    assert pad.readout.value == "at 1"
    assert pad.answers[0].value == data.pixels.tile(pad.drawing, 1).tobytes()
    assert "lambda 1" in pad.still().html


def test_one_picture_is_read_from_a_path_or_from_bytes(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(png(white=200))
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), png(white=200)):
        for grey, channels in ((True, 1), (False, 3)):
            image = data.read_image(source, 28, grey)
            assert image.shape == (channels, 28, 28) and image.dtype == torch.uint8 and (image == 200).all()
    for wrong in (tmp_path / "none.png", b"nothing"):
        with pytest.raises(data.DataError, match="cannot be read"):
            data.read_image(wrong, 28)
