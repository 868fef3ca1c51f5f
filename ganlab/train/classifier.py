"""A classifier's training as a run: it tells digits from digits, and lends its features to the metrics."""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import runtime
from ganlab.data import Batches, ImageSet
from ganlab.runtime import seeded_generator, whole_number
from ganlab.train.run import Keep, Run

WARM_UP = 0.1  # the share of the steps in which the learning rate climbs


@dataclasses.dataclass(frozen=True)
class ClassifierSettings:
    """What a classifier's run is, apart from network and data; `learning_rate` is the peak of its schedule."""

    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 0

    def __post_init__(self) -> None:
        whole_number("steps", self.steps, least=1)
        whole_number("seed", self.seed, least=0)
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: got {self.learning_rate!r}, expected a number > 0")

    def rate_at(self, step: int) -> float:
        """Return the learning rate of step `step`: up in a straight line, then down to 0 along half a cosine."""
        done, warm = (step + 1) / self.steps, WARM_UP
        return self.learning_rate * min(done / warm, (1 + math.cos(math.pi * (done - warm) / (1 - warm))) / 2)


class ClassifierRun(Run):
    """Train `classifier` in place on `batches` and their labels, on `device`, with AdamW and cross-entropy (nats)."""

    def __init__(
        self,
        classifier: nn.Module,
        batches: Batches,
        settings: ClassifierSettings,
        keep: Keep | None = None,
        device: str | torch.device = "auto",
    ) -> None:
        self.device = runtime.pick_device(device)
        self.classifier, self.batches = classifier.to(self.device), batches
        classes = int(batches.labels_at(0).max()) + 1
        with runtime.randomness_kept(), torch.no_grad():
            if self.classifier(batches.at(0).to(self.device)).shape[1] < classes:
                raise ValueError(f"classifier: gives fewer logits than the data have classes, at least {classes}")
        optimizer = torch.optim.AdamW(
            classifier.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        super().__init__({"classifier": classifier}, {"classifier": optimizer}, settings, keep or Keep())

    def take_step(self, step: int) -> dict[str, Tensor]:
        """Move the classifier once; return its loss (nats) and its accuracy on the batch."""
        images, labels = self.batches.at(step).to(self.device), self.batches.labels_at(step).to(self.device)
        optimizer = self.optimizers["classifier"]
        optimizer.param_groups[0]["lr"] = self.settings.rate_at(step)
        self.classifier.train()
        with runtime.seeded(seeded_generator(self.settings.seed, "dropout", step).initial_seed()):
            logits = self.classifier(images)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach(), "accuracy": (logits.argmax(1) == labels).float().mean()}


def fit_classifier(
    classifier: nn.Module,
    batches: Batches,
    settings: ClassifierSettings,
    keep: Keep | None = None,
    device: str | torch.device = "auto",
    progress: bool = True,
) -> ClassifierRun:
    """Train to the last step, with a progress bar, and return the run; `ClassifierRun` says what the arguments are."""
    return ClassifierRun(classifier, batches, settings, keep, device).play(progress)


@torch.no_grad()
def accuracy(classifier: nn.Module, images: ImageSet, batch_size: int = 500) -> float:
    """Return the share of `images` whose largest logit is that of their label."""
    if images.labels is None:
        raise ValueError(f"images: {images!r} have no labels")
    device = next(classifier.parameters()).device
    was_training = classifier.training
    classifier.eval()
    right = 0
    for pixels, labels in zip(images.images.split(batch_size), images.labels.split(batch_size), strict=True):
        logits = classifier(pixels.to(device).float().div(127.5).sub(1))
        right += int((logits.argmax(1).cpu() == labels).sum())
    classifier.train(was_training)
    return right / len(images)
