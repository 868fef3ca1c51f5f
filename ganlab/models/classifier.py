"""A small convolutional classifier, whose features the metrics compare."""

from torch import Tensor, nn

from ganlab.models.dcgan import halvings


class Classifier(nn.Module):
    """A small convolutional classifier: images (B, channels, size, size) -> logits (B, classes).

    Its `features`, (B, 64), are what feature-FID compares: they tell apart what the labels tell apart, and little else.
    No batch normalisation: an image's features must not depend on the images beside it.
    """

    def __init__(self, classes: int = 10, channels: int = 1, size: int = 32, *, width: int = 32) -> None:
        super().__init__()
        self.size = size
        widths = [channels, width] + [2 * width] * (halvings(size) - 1)
        layers: list[nn.Module] = []
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(fan_in, fan_out, 3, 2, 1), nn.ReLU()]  # halves the side, down to 4
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * widths[-1], 64), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(64, classes))

    def features(self, x: Tensor) -> Tensor:
        """Return features (B, 64), all >= 0, for images x (B, channels, size, size) in [-1, 1]."""
        return self.trunk(x)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, classes) for images x (B, channels, size, size) in [-1, 1]."""
        return self.head(self.features(x))
