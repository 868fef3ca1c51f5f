"""A feature network: the first layers of a classifier of photographs, EfficientNet-Lite0 (Tan and Le 2019)."""

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn

# Each stage's blocks, kernel, stride of its first block, expansion, channels in and out. After the fifth stage's first
# block Lite0 has seven more blocks and its classifier, 4.3 million weights, which this course does not need.
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (1, 5, 1, 6, 80, 112),
)


class Convolution(nn.Conv2d):
    """A convolution whose output has ceil(side / stride) pixels a side; an odd margin lies to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, channels, ceil(H / stride), ceil(W / stride)) for x (B, C, H, W)."""
        margins = []
        for side, kernel, stride in zip(x.shape[:1:-1], self.kernel_size, self.stride, strict=True):  # W, then H
            margin = max(0, (-(-side // stride) - 1) * stride + kernel - side)
            margins += [margin // 2, margin - margin // 2]
        return super().forward(F.pad(x, margins) if any(margins) else x)


class Block(nn.Module):
    """An inverted residual block: a 1x1 convolution widens, one a channel looks around, another 1x1 makes it narrow."""

    def __init__(self, fan_in: int, fan_out: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = expansion * fan_in
        self.expand = Convolution(fan_in, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(wide, wide, kernel, stride, groups=wide)
        self.project = Convolution(wide, fan_out, 1)
        self.skips = stride == 1 and fan_in == fan_out

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the depthwise convolution's output, in [0, 6], and the block's, for x (B, fan_in, H, W)."""
        wide = F.relu6(self.depthwise(F.relu6(self.expand(x))))
        narrow = self.project(wide)
        return wide, x + narrow if self.skips else narrow


class FeatureTrunk(nn.Module):
    """Lite0's stem and blocks 0 to 8: pictures (B, 3 or 1, H, W) in [-1, 1] -> the features asked for, by name.

    `names`, in order of depth: "stem", then of each block what its depthwise convolution gives, "block4.depthwise",
    and what it passes on, "block4". The latter have few channels and any sign; the others lie in [0, 6]. `halvings` and
    `channels` say, by name, how often the side was halved and how many channels there are. Batch normalisation is
    folded into the convolutions, so the trunk has one mode. Built like this its weights are random:
    `trained.trunk()` has those that were trained on photographs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, STAGES[0][4], 3, 2)
        self.channels = {"stem": STAGES[0][4]}
        self.halvings = {"stem": 1}
        blocks: list[nn.Module] = []
        deep = 1
        for repeats, kernel, first_stride, expansion, fan_in, fan_out in STAGES:
            for repeat in range(repeats):
                stride = 1 if repeat else first_stride
                deep += stride == 2
                name = f"block{len(blocks)}"
                width = fan_out if repeat else fan_in
                self.channels |= {f"{name}.depthwise": expansion * width, name: fan_out}
                self.halvings |= {f"{name}.depthwise": deep, name: deep}
                blocks.append(Block(width, fan_out, kernel=kernel, stride=stride, expansion=expansion))
        self.blocks = nn.ModuleList(blocks)
        self.names = tuple(self.channels)

    def forward(self, pictures: Tensor, names: Iterable[str] = ("block4.depthwise",)) -> dict[str, Tensor]:
        """Return the named features (B, channels, h, w), in order of depth; layers after the last of them are spared.

        Raises ValueError for a name that is none of `names`, none at all, or pictures of another shape.
        """
        if isinstance(names, str):
            raise ValueError(f"names: got the text {names!r}, expected a tuple of names, as ({names!r},)")
        wanted = set(names)
        if strange := sorted(wanted - set(self.names)):
            raise ValueError(f"names: got {strange[0]!r}, expected some of {', '.join(self.names)}")
        if not wanted:
            raise ValueError("names: got none, expected at least one layer's")
        if pictures.ndim != 4 or pictures.shape[1] not in (1, 3):
            raise ValueError(f"pictures: got shape {tuple(pictures.shape)}, expected (B, 3 or 1, H, W)")
        x = pictures.expand(-1, 3, -1, -1)
        x = (127.5 * (x + 1) - 127) / 128  # what Lite0 was trained on: bytes, less 127, through 128
        x = F.relu6(self.stem(x))
        features = {"stem": x}
        for k, block in enumerate(self.blocks):
            if wanted <= features.keys():
                break
            features[f"block{k}.depthwise"], x = block(x)
            features[f"block{k}"] = x
        return {name: value for name, value in features.items() if name in wanted}
