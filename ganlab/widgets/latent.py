"""Sliders in latent space."""

import html
import math
import secrets
import threading
from collections.abc import Callable

import ipywidgets as ipw
from torch import nn

from ganlab.models.latent import FARTHEST, KINDS, STEP, LatentSpace, Point
from ganlab.runtime import whole_number
from ganlab.widgets.kit import LARGE, Latest, Panel, Pixels, by_program, chooser, readout, side_by_side, slider

SEEDS = 10**9  # a seed has up to nine digits
ROWS = 4  # sliders shown at a time
UNDER_SLIDERS = {"margin": "2px 2px 2px calc(10em + 10px)"}  # where their tracks begin
NOUNS = {"principal": "direction", "axes": "axis"}


def another_seed(seed: int) -> int:
    """Return another seed of up to four digits, from the system's randomness: torch's generators stay as they are."""
    number = secrets.randbelow(9_999)
    return number + (number >= seed)


class LatentExplorer(Panel):
    """A large G(z) of a seed, and sliders that move z along principal directions or axes, in standard deviations.

    The start is `models.latents(1, latent_dim, runtime.seeded_generator(seed))`. Four sliders show the directions from
    "first shown" on; what others were moved stays. The share code stands for exactly this z (`LatentSpace.code`).
    Raises ValueError for a seed of more than nine digits.
    """

    doing = "draw a z by its seed, and move it along one direction after another by the sliders"

    def __init__(self, generator: nn.Module, seed: int = 0) -> None:
        if whole_number("seed", seed, least=0) >= SEEDS:
            raise ValueError(f"seed: got {seed}, expected nine digits at most")
        self.space = LatentSpace(generator)
        self.complaint = ""
        self.moves: dict[int, float] = {}
        self.lock = threading.RLock()
        self.setting = False  # the program moves the controls, not the reader
        self._make_controls(seed)
        self.picture = Pixels(
            self.space.images(self.space.z(self.point())), LARGE, alt="The image G(z) where the sliders stand."
        )
        self.readout = readout()
        self.redraw = Latest(self._paint)
        controls = [ipw.HBox([self.seed, self.draw]), self.kind, self.first, *self.sliders, self.back, self.code]
        super().__init__([side_by_side(controls, self.picture), self.readout])
        self._arrange()
        self._listen()
        self.redraw()

    def point(self) -> Point:
        """Return where the explorer stands."""
        return Point(self.seed.value, self.kind.value, tuple(sorted(self.moves.items())))

    def _make_controls(self, seed: int) -> None:
        wide = {"description_width": "10em"}
        narrow = {"width": "17em"}
        rows = min(ROWS, self.space.dim)
        self.seed = ipw.BoundedIntText(seed, 0, SEEDS - 1, description="seed", style=wide, layout=narrow)
        self.draw = ipw.Button(description="Draw", tooltip="Start from another seed", layout={"width": "9em"})
        self.kind = chooser("directions", KINDS, KINDS[0], width="7.5em")
        last = self.space.dim - rows
        self.first = ipw.BoundedIntText(0, 0, last, rows, description="first shown", style=wide, layout=narrow)
        self.sliders = [slider("", 0.0, least=-FARTHEST, most=FARTHEST, step=STEP) for _ in range(rows)]
        for control in self.sliders:
            control.readout_format = "+.1f"
        self.back = ipw.Button(description="Back to start", tooltip="All moves to 0", layout=UNDER_SLIDERS)
        self.code = ipw.Text(description="share code", continuous_update=False, style=wide, layout={"width": "28em"})

    def _listen(self) -> None:
        self.draw.on_click(self._when(lambda: self._go(self.point()._replace(seed=another_seed(self.seed.value)))))
        self.back.on_click(self._when(lambda: self._go(self.point()._replace(moves=()))))
        self.seed.observe(self._when(lambda: None), names="value")
        self.kind.observe(self._when(self._turn), names="value")
        self.first.observe(self._when(self._arrange), names="value")
        self.code.observe(self._when(self._read), names="value")
        for row, control in enumerate(self.sliders):
            control.observe(self._when(lambda row=row: self._move(row)), names="value")

    def _when(self, act: Callable[[], None]) -> Callable[[object], None]:
        """Return the callback of a control: `act`, undisturbed by other callbacks, and a new picture."""

        def callback(change: object) -> None:
            with self.lock:
                if self.setting:
                    return
                self.complaint = ""
                act()
            self.redraw()

        return callback

    def _move(self, row: int) -> None:
        value = round(self.sliders[row].value, 1)  # exactly what a code says
        self.moves.pop(self.first.value + row, None)
        if value:
            self.moves[self.first.value + row] = value

    def _turn(self) -> None:
        """Begin anew with the other kind of directions: what was moved along the one means nothing along the other."""
        with by_program(self):
            self.first.value = 0
        self._go(self.point()._replace(moves=()))

    def _go(self, point: Point) -> None:
        self.moves = dict(point.moves)
        with by_program(self):
            self.seed.value = point.seed
            self.kind.value = point.kind
        self._arrange()

    def _arrange(self) -> None:
        """Let the sliders show the directions from `first` on."""
        with by_program(self):
            for k, control in enumerate(self.sliders, self.first.value):
                control.description = f"{NOUNS[self.kind.value]} {k}"
                control.value = self.moves.get(k, 0.0)

    def _read(self) -> None:
        """Go where the code says, with its first move in sight; of a bad one only say what is wrong."""
        try:
            point = self.space.point(self.code.value)
        except ValueError as error:
            self.complaint = str(error)
            return
        with by_program(self):
            self.first.value = point.moves[0][0] // ROWS * ROWS if point.moves else 0
        self._go(point)

    def _paint(self) -> None:
        with self.lock:
            point = self.point()
            complaint = self.complaint
        z = self.space.z(point)
        self.picture.show(self.space.images(z))
        if complaint:
            self.readout.value = f"{html.escape(complaint)}. Nothing was changed."
            return
        moves = ", ".join(f"{value:+.1f} along {NOUNS[point.kind]} {k}" for k, value in point.moves)
        change = f"moved by {moves}" if moves else "not moved"
        self.readout.value = (
            f"Seed {point.seed}, {change}.<br>z is {z.norm():.1f} long; a draw of {self.space.dim} numbers is "
            f"{math.sqrt(self.space.dim):.1f} long, give or take 0.7."
        )
        with self.lock, by_program(self):
            self.code.value = self.space.code(point)
