"""Paintings: one picture's own pixels by the two losses of style transfer, or a network that paints in one pass."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import data, models, runtime, styles
from ganlab.data import Batch, Source, pixels
from ganlab.models import FeatureTrunk, Stylist, trained
from ganlab.train.gan import check_range
from ganlab.train.keep import Keep
from ganlab.train.run import Run
from ganlab.train.task import Optimizers, Stage, Task, check_decay, check_rate, check_threads, check_whole
from ganlab.train.translation import check_weights

STYLE_LAYERS = ("stem", *(f"block{k}.depthwise" for k in range(7)))
CONTENT_LAYERS = ("block4.depthwise",)
LEAST_SIDE = 32  # pixels of a picture that is painted: at block 6 two are left


def paint(
    content: Tensor,
    painting: Tensor,
    *,
    content_weight: float = 0.3,
    steps: int = 150,
    learning_rate: float = 0.015,
    levels: int = 4,
    trunk: FeatureTrunk | None = None,
    watch: Callable[[int, Tensor], bool] | None = None,
    progress: bool = True,
) -> Tensor:
    """Return a picture (3, H, W) in [-1, 1] with the content of one and the style of another (Gatys et al. 2016).

    `content` (3, H, W) and `painting` (3, H', W') are uint8 or float in [-1, 1]. By Adam, whose rate falls to 0 along a
    cosine, `steps` steps on the levels of a Laplacian pyramid (one level: the pixels) of the content, whose colours are
    matched first: style distance + content_weight * content distance, on the layers STYLE_LAYERS and CONTENT_LAYERS of
    `trunk` (photographs' if None). Before each step `watch(step, picture)` may look, and end it by returning True.
    Ctrl-C ends it after a whole step; the picture so far is returned. Raises ValueError for pictures or numbers that
    are none.
    """
    check_rate("learning_rate", learning_rate)
    runtime.whole_number("steps", steps, least=1)
    if not 0 <= content_weight < math.inf:
        raise ValueError(f"content_weight: got {content_weight!r}, expected a finite number >= 0")
    wanted, content = (_one(name, x) for name, x in (("painting", painting), ("content", content)))
    trunk = trained.trunk(content.device) if trunk is None else trunk
    style = styles.style(trunk(wanted, STYLE_LAYERS))
    start = styles.match_colours(content, *styles.colours(wanted))
    kept = trunk(start, CONTENT_LAYERS)
    parts = [part.clone().requires_grad_() for part in styles.pyramid(start, levels)]
    optimizer = torch.optim.Adam(parts, learning_rate)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    try:
        with runtime.progress(range(steps), desc="painting", disable=not progress) as bar:
            for step in bar:
                picture = styles.collapse(parts)
                if watch is not None and watch(step, picture.detach()[0].clamp(-1, 1)):
                    break
                with runtime.interrupts_deferred():
                    features = trunk(picture, (*STYLE_LAYERS, *CONTENT_LAYERS))
                    loss = styles.style_distance(styles.style(_of(features, style)), style)
                    loss = loss + content_weight * styles.content_distance(features, kept)
                    optimizer.zero_grad()
                    loss.sum().backward()
                    optimizer.step()
                    rate.step()
    except KeyboardInterrupt:
        print(f"Interrupted after step {rate.last_epoch:,} of {steps:,}. The picture so far is usable.")
    return styles.collapse(parts).detach()[0].clamp(-1, 1)


def _of(features: dict[str, Tensor], style: styles.Style) -> dict[str, Tensor]:
    return {name: features[name] for name in style}


def _one(name: str, picture: Tensor) -> Tensor:
    """Return a picture (3, H, W) as a batch of one, float in [-1, 1]; ValueError if it is none, or too small."""
    if picture.ndim != 3 or len(picture) != 3 or min(picture.shape[1:]) < LEAST_SIDE:
        expected = f"(3, H, W) with at least {LEAST_SIDE} pixels a side"
        raise ValueError(f"{name}: got shape {tuple(picture.shape)}, expected {expected}")
    picture = pixels.to_floats(picture)[None]
    check_range(picture)
    return picture


@dataclasses.dataclass(frozen=True)
class StyleSettings:
    """What the training of a stylist is, apart from network and data.

    `content_weight` is that of the content's distance beside the style's. `paintings` is what tells these from others;
    the task writes it.
    """

    steps: int
    learning_rate: float = 2e-3
    _: dataclasses.KW_ONLY
    content_weight: float = 0.3
    ema_decay: float = 0.99
    paintings: str = ""
    seed: int = 0
    precision: str = "float32"
    threads: int | str = "auto"

    def __post_init__(self) -> None:
        check_whole(self, steps=1, seed=0)
        check_threads(self)
        check_weights(self, "content_weight")
        check_rate("learning_rate", self.learning_rate)
        check_decay(self.ema_decay)


class StyleTask(Task):
    """A stylist learns to paint any picture like each of `paintings` (count, 3, H, W), by the losses of `paint`.

    At each step each picture of the batch gets a style by chance. `shown` (n, 3, H, W) in [-1, 1]: the pictures that
    samples are paintings of, in each style in turn; by default those of the first batch. The learning rate falls to 0.
    """

    averaged = "stylist"
    panels = ({"style": "style distance"}, {"content": "content distance"})

    def __init__(
        self,
        stylist: Stylist,
        paintings: Tensor,
        settings: StyleSettings,
        *,
        shown: Tensor | None = None,
        trunk: FeatureTrunk | None = None,
    ) -> None:
        paintings = torch.cat([_one("paintings", painting) for painting in paintings])
        digest = data.fingerprint({"paintings": pixels.to_bytes(paintings)})
        super().__init__({"stylist": stylist}, dataclasses.replace(settings, paintings=digest))
        self.trunk = trained.trunk() if trunk is None else trunk
        with torch.no_grad(), runtime.using_threads(1):  # so that a run resumed in another process has the same bits
            stylist.learn_colours(paintings)
            self._style = styles.style(self.trunk(paintings, STYLE_LAYERS))
        self.shown = shown

    def optimizers(self) -> Optimizers:
        """Return Adam."""
        stylist = self.networks["stylist"]
        return {"stylist": torch.optim.Adam(stylist.parameters(), self.settings.learning_rate, fused=True)}

    def rate(self, k: int) -> float:
        """Return the part of its learning rate that step k has: it falls to 0 along a cosine."""
        return (1 + math.cos(math.pi * k / self.settings.steps)) / 2

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Move the stylist once; return the mean distances of its pictures from their styles and their contents."""
        stylist = run.networks["stylist"]
        optimizer = run.optimizers["stylist"]
        x = run.batch(k).x
        y = torch.randint(stylist.count, (len(x),), generator=run.generator("style", k), device=run.device)
        weights = F.one_hot(y, stylist.count).float()
        trunk = self.trunk.to(run.device)
        with torch.no_grad():
            kept = trunk(stylist.coloured(x, weights), CONTENT_LAYERS)
        with run.precision.autocast(run.device):
            features = trunk(stylist(x, weights), (*STYLE_LAYERS, *CONTENT_LAYERS))
        features = {name: f.float() for name, f in features.items()}
        wanted = {name: tuple(part.to(run.device)[y] for part in parts) for name, parts in self._style.items()}
        style = styles.style_distance(styles.style(_of(features, wanted)), wanted).mean()
        content = styles.content_distance(features, kept).mean()
        optimizer.zero_grad()
        (style + run.settings.content_weight * content).backward()
        optimizer.step()
        return {"style": style.detach(), "content": content.detach()}

    def latents(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n of the shown pictures, whatever the generator of noise: in order, and from the first again."""
        rows = torch.arange(n) % len(self.shown)
        return self.shown[rows.to(self.shown.device)].to(generator.device)

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """Return pictures z (n, 3, H, W) in the styles y (n,), or in each in turn."""
        y = torch.arange(len(z), device=z.device) % network.count if y is None else y
        return network(z, F.one_hot(y, network.count).float()).clamp(-1, 1)

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless pictures are of colour, in [-1, 1], large enough, and of sides that can be halved."""
        check_range(batch.x)
        side = min(batch.x.shape[2:])
        multiple = self.networks["stylist"].multiple
        if batch.x.shape[1] != 3 or side < LEAST_SIDE or any(s % multiple for s in batch.x.shape[2:]):
            expected = f"(B, 3, H, W), sides of at least {LEAST_SIDE} pixels that are multiples of {multiple}"
            raise ValueError(f"source: gives pictures of shape {tuple(batch.x.shape)}, expected {expected}")
        self.shown = batch.x if self.shown is None else self.shown


def fit_style(
    stylist: Stylist,
    paintings: Tensor | Sequence[Tensor],
    source: Source,
    settings: StyleSettings,
    *,
    shown: Tensor | None = None,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    progress: bool = True,
) -> Run:
    """Train to the last step, with a progress bar, and return the run: history, frames, and `run.ema`, the stylist.

    `source` gives the contents, as `data.Crops` does; `Run` says what the other arguments are.
    """
    task = StyleTask(stylist, paintings, settings, shown=shown)
    return Run(task, source, keep=keep, device=device).play(progress)


def restyled(stylist: Stylist, picture: Tensor, weights: Sequence[float]) -> Tensor:
    """Return a picture (3, H, W), uint8 or float in [-1, 1], painted by a stylist: (3, H, W) in [-1, 1], CPU.

    `weights` has a number >= 0 a style, not all 0; they are divided by their sum. Sides are cut to the multiple that
    the stylist takes. Raises ValueError for weights or pictures that are none.
    """
    mixture = torch.tensor([float(weight) for weight in weights])
    if len(mixture) != stylist.count or not (mixture >= 0).all() or not 0 < mixture.sum() < math.inf:
        expected = f"{stylist.count} numbers >= 0, not all 0"
        raise ValueError(f"weights: got {list(weights)!r}, expected {expected}")
    x = _one("picture", picture)
    height, width = (side - side % stylist.multiple for side in x.shape[2:])
    device = next(stylist.parameters()).device
    with torch.no_grad(), models.evaluating(stylist):
        made = stylist(x[..., :height, :width].to(device), (mixture / mixture.sum())[None].to(device))
    return made[0].clamp(-1, 1).cpu()
