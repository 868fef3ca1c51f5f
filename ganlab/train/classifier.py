"""A classifier's training as a task: it tells digits from digits, and lends its features to the metrics."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import runtime
from ganlab.data import Batch, ImageSet, Source, pixels
from ganlab.models import evaluating
from ganlab.train.gan import UNITS, check_range
from ganlab.train.keep import Keep
from ganlab.train.run import Run
from ganlab.train.schedules import climbed_and_fallen
from ganlab.train.task import Optimizers, Stage, Task, check_rate, check_threads, check_whole, images_at_once

AT_ONCE = 500  # images whose classes are asked for in one go, or fewer if they are large

WEIGHT_DECAY = 1e-2  # AdamW's own default (Loshchilov and Hutter 2019)


@dataclasses.dataclass(frozen=True)
class ClassifierSettings:
    """What a classifier's run is, apart from network and data; `learning_rate` is the peak of its schedule."""

    steps: int
    learning_rate: float = 2e-3
    _: dataclasses.KW_ONLY
    seed: int = 0
    precision: str = "float32"
    threads: int | str = "auto"

    def __post_init__(self) -> None:
        check_whole(self, steps=1, seed=0)
        check_threads(self)
        check_rate("learning_rate", self.learning_rate)


class ClassifierTask(Task):
    """A classifier, images (B, C, H, W) -> logits (B, classes), by cross-entropy in nats, with AdamW."""

    panels = ({"loss": "cross-entropy"}, {"accuracy": "accuracy on the batch"})

    def __init__(self, classifier: nn.Module, settings: ClassifierSettings) -> None:
        super().__init__({"classifier": classifier}, settings)

    def optimizers(self) -> Optimizers:
        """Return AdamW."""
        weights = self.networks["classifier"].parameters()
        rate = self.settings.learning_rate
        return {"classifier": torch.optim.AdamW(weights, rate, weight_decay=WEIGHT_DECAY, fused=True)}

    def rate(self, k: int) -> float:
        """Return the part of its peak that the learning rate of step k has: up in a straight line, then down to 0."""
        return climbed_and_fallen(k, self.settings.steps)

    def step(self, run: Stage, k: int) -> dict[str, Tensor]:
        """Move the classifier once; return its loss (nats) and its accuracy on the batch."""
        classifier = run.networks["classifier"]
        optimizer = run.optimizers["classifier"]
        batch = run.batch(k)
        classifier.train()
        with runtime.seeded(run.generator("dropout", k).initial_seed()), run.precision.autocast(run.device):
            logits = classifier(batch.x).float()
        loss = F.cross_entropy(logits, batch.y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach(), "accuracy": (logits.argmax(1) == batch.y).float().mean()}

    def check(self, batch: Batch) -> None:
        """Raise ValueError unless the batch has classes, and the classifier a logit for each; warn of other ranges."""
        if batch.y is None:
            raise ValueError("source: has no classes (`labels_at`), which a classifier learns")
        check_range(batch.x, why="`train.accuracy` shows the classifier pictures of that range", far=UNITS)
        classes = int(batch.y.max()) + 1
        with runtime.randomness_kept(), torch.no_grad():
            if self.networks["classifier"](batch.x).shape[1] < classes:
                raise ValueError(f"classifier: gives fewer logits than the data have classes, at least {classes}")


def fit_classifier(
    classifier: nn.Module,
    source: Source,
    settings: ClassifierSettings,
    *,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    optimizers: Optimizers | None = None,
    progress: bool = True,
) -> Run:
    """Train to the last step, with a progress bar, and return the run; `Run` says what the arguments are."""
    task = ClassifierTask(classifier, settings)
    return Run(task, source, keep=keep, device=device, optimizers=optimizers).play(progress)


@torch.no_grad()
def accuracy(classifier: nn.Module, images: ImageSet) -> float:
    """Return the share of `images` whose largest logit is that of their label."""
    if images.labels is None:
        raise ValueError(f"images: {images!r} have no labels")
    device = next(classifier.parameters()).device
    at_once = min(AT_ONCE, images_at_once(images.images))
    right = 0
    with evaluating(classifier):
        for batch, labels in zip(images.images.split(at_once), images.labels.split(at_once), strict=True):
            logits = classifier(pixels.to_floats(batch.to(device)))
            right += int((logits.argmax(1).cpu() == labels).sum())
    return right / len(images)
