"""Pictures: contrasts, exact pixels where they can be known, alternative text, the same bytes twice, none left open."""

import base64
import io
import itertools
import re

import lessons
import matplotlib.pyplot as plt
import nbformat.v4 as v4
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from nbconvert import HTMLExporter, MarkdownExporter
from PIL import Image

from ganlab import plots
from ganlab.data import pixels
from ganlab.runtime.style import CARD, STYLE
from ganlab.widgets import board, game

pytestmark = pytest.mark.filterwarnings("error")  # a reader would see them under the figure
X = torch.linspace(-2, 2, 9)


@pytest.fixture(autouse=True)
def none_left_open():
    """Fail any test after which pyplot holds a figure that it did not hold before."""
    before = plt.get_fignums()
    yield
    assert plt.get_fignums() == before


@pytest.fixture
def ax():
    """Return an Axes that pyplot knows nothing of."""
    return Figure(figsize=(3, 2)).subplots()


DRAW = {
    "image_grid": lambda ax: plots.image_grid(ax, torch.zeros(3, 1, 4, 4)),
    "curves": lambda ax: plots.curves(ax, {"critic_loss": [1.0, 2.0, 4.0]}, xlabel="step", ylabel="nats"),
    "density": lambda ax: plots.density(ax, X, -(X**2), label="p", color=plots.REAL),
    "points": lambda ax: plots.points(ax, torch.randn(5, 2), "fake", color=plots.FAKE),
    "surface": lambda ax: plots.surface(ax, lambda x: x.sum(1), 2.0),
    "arrows": lambda ax: plots.arrows(ax, torch.zeros(2, 2), torch.ones(2, 2)),
}


@pytest.mark.parametrize("name", DRAW)
def test_each_draws_on_the_axes_it_is_given_and_returns_it(ax, name):
    other = ax.figure.add_axes((0, 0, 0.1, 0.1))
    ax.figure.sca(other)  # the current one must not be the one drawn on
    assert DRAW[name](ax) is ax
    assert ax.has_data() and not other.has_data()


def test_tile_puts_every_pixel_in_its_place():
    images = torch.tensor([0, 50, 100], dtype=torch.uint8)[:, None, None, None] + torch.arange(
        4, dtype=torch.uint8
    ).reshape(2, 2)
    white = [255, 255]
    assert pixels.tile(images, columns=2)[:, :, 0].tolist() == [
        [0, 1, *white, 50, 51],
        [2, 3, *white, 52, 53],
        3 * white,
        3 * white,
        [100, 101, *white, *white],
        [102, 103, *white, *white],
    ]


def test_tile_scales_floats_and_keeps_colours():
    values = torch.tensor([-1.0, 0.0, 1.0, -7.0, 7.0, 0.5])  # beyond [-1, 1] is cut off, not wrapped
    sheet = pixels.tile(values.reshape(1, 1, 1, 6), columns=1)
    assert sheet.dtype == np.uint8 and sheet[0, :, 0].tolist() == [0, 128, 255, 0, 255, 191]
    colour = torch.tensor([10, 20, 30], dtype=torch.uint8).reshape(1, 3, 1, 1).expand(2, 3, 2, 2)
    sheet = pixels.tile(colour, columns=1)
    assert sheet.shape == (6, 2, 3) and (sheet[[0, 1, 4, 5]] == [10, 20, 30]).all() and (sheet[2:4] == 255).all()
    assert (pixels.tile(colour.float() / 127.5 - 1, columns=1) == sheet).all()


def test_bytes_and_floats_are_each_others_inverse():
    every = torch.arange(256, dtype=torch.uint8)
    floats = pixels.to_floats(every)
    assert (floats[0], floats[255], floats.dtype) == (-1, 1, torch.float32) and torch.equal(floats, every / 127.5 - 1)
    assert torch.equal(pixels.to_bytes(floats), every) and pixels.to_bytes(every) is every
    assert torch.equal(pixels.to_floats(floats), floats)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("zoom", [1, 3])
def test_a_png_holds_every_pixel_zoomed(channels, zoom):
    sheet = np.arange(2 * 5 * channels, dtype=np.uint8).reshape(2, 5, channels)
    image = np.atleast_3d(np.asarray(Image.open(io.BytesIO(pixels.png(sheet, zoom)))))
    assert (image == sheet.repeat(zoom, 0).repeat(zoom, 1)).all() and image.shape[2] == channels


def test_a_gif_shows_the_images_in_turn_and_repeats():
    shades = torch.tensor([0, 90, 255], dtype=torch.uint8)
    with Image.open(io.BytesIO(pixels.gif(shades[:, None, None, None].expand(3, 1, 4, 6), zoom=2))) as film:
        assert (film.n_frames, film.size, film.info["loop"], film.info["duration"]) == (3, (12, 8), 0, 60)
        for k, shade in enumerate(shades.tolist()):
            film.seek(k)
            assert np.asarray(film.convert("L")).tolist() == [[shade] * 12] * 8


def test_tile_is_no_wider_than_its_images():
    assert pixels.tile(torch.zeros(2, 1, 3, 3), columns=8).shape == (3, 8, 1)


@pytest.mark.parametrize("shape", [(1, 4, 4), (2, 2, 4, 4), (4, 4, 1)])
def test_tile_refuses_what_is_no_batch_of_images(shape):
    with pytest.raises(ValueError, match=r"images: got shape .*, expected \(N, 1 or 3, H, W\)"):
        pixels.tile(torch.zeros(shape), 2)


@pytest.mark.parametrize("channels", [1, 3])
def test_image_grid_shows_the_tiles(ax, channels):
    images = torch.rand(5, channels, 4, 4) * 2 - 1
    plots.image_grid(ax, images, columns=3, title="samples")
    shown = ax.images[0].get_array()
    assert (np.atleast_3d(shown) == pixels.tile(images, 3)).all() and ax.get_title() == "samples"
    assert ax.images[0].get_clim() == (0, 255)  # not stretched to the darkest and brightest pixel


def test_filmstrip_has_one_grid_a_frame():
    figure = plots.filmstrip([(0, torch.zeros(4, 1, 4, 4)), (1500, torch.ones(4, 1, 4, 4))])
    assert [ax.get_title() for ax in figure.axes] == ["step 0", "step 1,500"]
    assert [int(ax.images[0].get_array()[0, 0]) for ax in figure.axes] == [128, 255]
    plt.close(figure)


def test_curves_are_running_means_at_their_own_steps(ax):
    series = {"critic_loss": [1.0, 2.0, 6.0, 3.0], "generator_loss": [0.0, 3.0, 0.0, 3.0], "d_real": [0.5] * 4}
    plots.curves(ax, series, xlabel="step", ylabel="loss (nats)", smooth=3)
    critic, generator, d_real = ax.lines
    np.testing.assert_allclose(critic.get_xydata(), [[2, 3.0], [3, 11 / 3]])
    np.testing.assert_allclose(generator.get_ydata(), [1.0, 2.0])
    assert [line.get_color() for line in (critic, generator)] == [plots.REAL, plots.FAKE]
    assert d_real.get_color() not in (plots.REAL, plots.FAKE)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["critic loss", "generator loss", "d real"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss (nats)")


def test_curves_take_short_series(ax):
    plots.curves(ax, {"modes": [3, 5]}, xlabel="step", ylabel="modes", smooth=10)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1, 4]])


def test_density_points_and_arrows_draw_the_numbers(ax):
    plots.density(ax, X, -(X**2), label="p", color=plots.REAL)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.exp(-(X.numpy() ** 2)), rtol=1e-6)
    at, vectors = torch.tensor([[0.0, 1.0], [2.0, 3.0]]), torch.tensor([[5.0, -1.0], [0.5, 4.0]])
    plots.points(ax, at.requires_grad_(), "real", color=plots.REAL)
    np.testing.assert_allclose(ax.collections[-1].get_offsets(), at.detach())
    plots.arrows(ax, at, vectors)
    quiver = ax.collections[-1]
    np.testing.assert_allclose(
        np.column_stack([quiver.X, quiver.Y, quiver.U, quiver.V]), torch.cat([at.detach(), vectors], 1)
    )
    assert (quiver.angles, quiver.scale_units, quiver.scale) == ("xy", "xy", 1)


def test_the_surface_is_real_where_the_critic_says_so(ax):
    # far right it says fake below y = 1 and real above; real only at the top right
    plots.surface(ax, lambda x: torch.where((x[:, 0] > 0) & (x[:, 1] > 1), 50.0, -50.0), limit=2.0)
    ax.set_axis_off()
    ax.set_position((0, 0, 1, 1))
    ax.figure.set_size_inches(2, 2)
    picture = np.asarray(Image.open(io.BytesIO(plots.png(ax.figure))).convert("RGB")) / 255  # row 0 is the top
    rows, columns = (
        (np.linspace(0.05, 0.95, 7) * len(picture)).astype(int),
        (np.array([0.1, 0.4, 0.6, 0.9]) * len(picture)).astype(int),
    )
    for row in rows:
        for column in columns:
            y, x = 2 - 4 * row / len(picture), 4 * column / len(picture) - 2
            red, _, blue = picture[row, column]
            assert (blue > red) == (x > 0 and y > 1), (x, y)  # blue is real, orange is fake


def test_the_palette_is_blue_for_real_and_orange_for_fake():
    assert np.argmax(to_rgb(plots.REAL)) == 2 and np.argmax(to_rgb(plots.FAKE)) == 0
    assert np.argmax(plots.SURFACE(1.0)[:3]) == 2 and np.argmax(plots.SURFACE(0.0)[:3]) == 0
    assert min(plots.SURFACE(0.5)[:3]) > 0.95  # undecided is white
    fake, real = (np.dot((0.299, 0.587, 0.114), plots.SURFACE(d)[:3]) for d in (0.0, 1.0))
    assert fake - real > 0.2  # in grey, too, D = 0 and D = 1 differ


PALETTE = {"REAL": plots.REAL, "FAKE": plots.FAKE, "OTHER": plots.OTHER, "INK": plots.INK}
TEXT = set(PALETTE) - {"FAKE"}  # what words may be painted in as it is
# What eyes see that lack one kind of cones (protan, deutan, tritan), of linear RGB; source: Machado, Oliveira and
# Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009, severity 1.
EYES = {
    "all cones": np.eye(3),
    "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no medium": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]


def linear(colour: str) -> np.ndarray:
    """Return sRGB without its gamma, as WCAG's relative luminance wants it."""
    part = np.array(to_rgb(colour))
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(colour: str, other: str) -> float:
    """Return WCAG's contrast of two colours, 1 to 21."""
    dark, light = sorted(float(linear(one) @ XYZ[1]) for one in (colour, other))
    return (light + 0.05) / (dark + 0.05)


def seen(colour: str, eyes: str) -> np.ndarray:
    """Return a colour in CIELAB (D65), as those eyes see it: a distance of 2 is just noticed side by side."""
    x, y, z = np.array(XYZ) @ np.clip(np.array(EYES[eyes]) @ linear(colour), 0, 1) / (0.95047, 1, 1.08883)
    x, y, z = (np.cbrt(part) if part > (6 / 29) ** 3 else part / (3 * (6 / 29) ** 2) + 4 / 29 for part in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_numbers_at_axes_are_readable_in_a_narrow_window():
    """There JupyterLab shows a figure of 9.6 inches 684 pixels wide (test_figures_in_browser.py); letters need ten."""
    shrunk = 684 / (9.6 * plots.DPI)
    sizes = {name: STYLE[f"{name}.labelsize"] * plots.DPI / 72 * shrunk for name in ("xtick", "ytick", "axes")}
    assert min(sizes.values()) >= 10, sizes


def test_contrasts_are_computed_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#777777") == 1
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the lightest grey that passes on white
    np.testing.assert_allclose(seen("#ff0000", "all cones"), [53.24, 80.09, 67.20], atol=0.05)


def test_the_palette_can_be_seen_on_its_card():
    assert {name for name, colour in PALETTE.items() if contrast(colour, CARD) >= 3} == set(PALETTE)
    assert {name for name, colour in PALETTE.items() if contrast(colour, CARD) >= 4.5} == TEXT


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(PALETTE, 2)])
def test_the_palette_stays_apart_in_grey_and_for_colour_blind_eyes(one, other):
    assert contrast(PALETTE[one], PALETTE[other]) >= 1.4  # as grey
    distances = {eyes: np.linalg.norm(seen(PALETTE[one], eyes) - seen(PALETTE[other], eyes)) for eyes in EYES}
    assert min(distances.values()) >= 12, distances


@pytest.mark.parametrize(("kind", "d", "face"), [("fake", 0.0, plots.FAKE), ("real", 1.0, plots.REAL)])
def test_a_point_of_a_board_is_seen_by_its_edge_where_d_is_sure_of_it(kind, d, face):
    edge, field = board.EDGES[kind], plots.SURFACE(d)[:3]
    assert max(contrast(face, field), contrast(edge, field)) >= 3 and contrast(face, edge) >= 3
    assert f"colours.edges.{kind}" in game.BOARD  # which the browser paints by


def test_words_in_the_palest_colour_are_shown_in_a_darker_one(monkeypatch):
    figure, ax = plt.subplots(figsize=(3, 2))
    pale, other = ax.text(0, 0, "p_g", color=plots.FAKE), ax.text(0, 1, "p", color=plots.REAL)
    (line,) = ax.plot([0, 1], color=plots.FAKE)
    monkeypatch.setattr(plots, "display", lambda data, raw: None)
    plots.show(figure, "Words.")
    assert (line.get_color(), other.get_color()) == (plots.FAKE, plots.REAL)
    assert contrast(pale.get_color(), CARD) >= 4.5 and np.argmax(to_rgb(pale.get_color())) == 0


def test_the_same_figure_gives_the_same_bytes():
    made = []
    for _ in range(2):
        figure = Figure(figsize=(3, 2))
        DRAW["curves"](figure.subplots())
        made += [plots.png(figure), plots.png(figure)]
    assert len(set(made)) == 1
    assert Image.open(io.BytesIO(made[0])).size == (300, 200)
    assert b"Software" not in made[0]


def shown(monkeypatch, *parts, **named) -> dict[str, str]:
    """Return what `plots.show` of a figure of 3 by 2 inches displays."""
    bundles = []
    monkeypatch.setattr(plots, "display", lambda data, raw: bundles.append(data))
    figure, ax = plt.subplots(figsize=(3, 2))
    DRAW["density"](ax)
    plots.show(figure, *parts, **named)
    assert not plt.fignum_exists(figure.number)
    return bundles[0]


def test_show_displays_a_figure_with_its_alternative_text_and_its_caption_once(monkeypatch):
    bundle = shown(monkeypatch, 'A "bell" & a curve.', caption="Figure 4b.2. One <bell> curve.")
    assert bundle["text/plain"] == 'A "bell" & a curve.' and set(bundle) == {"text/plain", "text/html"}
    figure = lessons.figure(v4.new_output("display_data", bundle))
    assert (figure.alt, figure.width, figure.height) == ('A "bell" & a curve.', 300, 200)
    assert figure.caption == "<b>Figure 4b.2.</b> One &lt;bell&gt; curve." and figure.numbers == ""
    picture = Image.open(io.BytesIO(base64.b64decode(figure.content))).convert("RGB")
    assert picture.size == (600, 400)  # two for one: a sharp screen has them
    assert figure.kind == "image/webp" and picture.getcolors(maxcolors=256) is None  # nothing is lost
    assert picture.getpixel((0, 0)) == tuple(round(255 * part) for part in to_rgb(CARD))
    assert lessons.figure(v4.new_output("display_data", shown(monkeypatch, "A bell."))).caption == ""


@pytest.mark.filterwarnings("default")  # of nbconvert's own
@pytest.mark.parametrize("exporter", [HTMLExporter, MarkdownExporter])
def test_an_export_keeps_the_alternative_text_and_the_caption(monkeypatch, exporter):
    bundle = shown(monkeypatch, "A bell & a curve.", caption="Figure 4b.2. One curve.")
    cell = v4.new_code_cell("1", outputs=[v4.new_output("display_data", bundle)])
    text, _ = exporter().from_notebook_node(v4.new_notebook(cells=[cell]))
    assert text.count('alt="A bell &amp; a curve."') == 1 and text.count("<b>Figure 4b.2.</b>") == 1


def test_the_numbers_of_a_figure_are_a_folded_table(monkeypatch):
    bundle = shown(
        monkeypatch, "A bell.", numbers={"seed": [0, 1], "loss <nats>": [0.693147, -1e-7], "set": ["a", "<b>"]}
    )
    figure = lessons.figure(v4.new_output("display_data", bundle))
    assert figure.numbers.startswith("<details><summary>") and "open" not in figure.numbers
    assert re.findall(r"<th scope=.col.>(.*?)</th>", figure.numbers) == ["seed", "loss &lt;nats&gt;", "set"]
    assert re.findall("<td>(.*?)</td>", figure.numbers) == ["0", "0.6931", "a", "1", "-1e-07", "&lt;b&gt;"]


@pytest.mark.parametrize(
    ("alt", "parts", "message"),
    [
        ("  ", {}, "alt: got an empty text"),
        ("A bell.", {"caption": "A bell."}, "caption: got 'A bell.', expected \"Figure 4b.2. One sentence.\""),
        ("A bell.", {"caption": "Figure 04.2."}, "caption: got"),
        ("A bell.", {"numbers": {"a": [1], "b": [1, 2]}}, "numbers: got columns of {'a': 1, 'b': 2} rows"),
        ("A bell.", {"numbers": {}}, "numbers: got columns of {} rows"),
        ("A bell.", {"numbers": {"a": range(61)}}, "numbers: got columns of {'a': 61} rows, expected 1 to 60"),
    ],
)
def test_show_refuses_what_a_reader_could_not_use(alt, parts, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        plots.show(Figure(), alt, **parts)
