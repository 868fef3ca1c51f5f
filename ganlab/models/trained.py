"""Networks that this project has trained, loaded by name, and the distance between images that their features give.

The files lie in data/checkpoints, each with a card that says from which data, by which command, and how good it is;
`tests/tools/checkpoints.py` makes both.
"""

import dataclasses
import difflib
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import checkpoint, data, metrics, runtime
from ganlab.checkpoint import CheckpointError
from ganlab.data import pixels
from ganlab.models.classifier import Classifier
from ganlab.models.conditional import conditional_critic, conditional_generator, conditional_vae
from ganlab.models.dcgan import DCGANCritic, DCGANGenerator
from ganlab.models.flow import flow_mlp, flow_unet
from ganlab.models.mlp import MLPCritic, MLPGenerator
from ganlab.models.patch import PatchCritic
from ganlab.models.resnet import ResNetGenerator
from ganlab.models.restoring import Inpainter, SuperResolver
from ganlab.models.stylist import Stylist
from ganlab.models.trunk import FeatureTrunk
from ganlab.models.unet import UNet
from ganlab.models.vae import conv_vae
from ganlab.models.video import BothCritics, ClipCritic, ClipGenerator, FrameCritic, MotionGenerator, SpriteGenerator
from ganlab.runtime import seeded_generator, whole_number

FOLDER = runtime.data_file("checkpoints")
SHA256 = {
    "srgan-relief": "4f921ddc3b1b33622b470bfb965fcf9eec39349b6e6c35be737355dc5a5d112f",
    "l2-relief": "9c0c0f02b8699e03d1a7a6eda24fbe2eb4b2b0f5c86200dfc58c43c3df15d454",
    "inpaint-digits": "2c2afa50f00e79cec388655b1d38e807714f2fcb567733e780109ce308190d8d",
    "stylist-gogh": "af9c06a1781927a3050914721a149dd25677a38d1ab4f7c8f915a114158b9d07",
    "sprite-digits": "feda54749b1864549b197d63abc332dfa9c8559ac38f110eced276818d5577ed",
    "flow-digits": "1d8a791cd3b3b2618e3280dd825b9b1ee6047c087370ab506ab2dc4fba309c2b",
    "pix2pix-icons": "16c55817a5311b474b9fac074aec63837d85a34a0a07778bfd09bc72de48a6e0",
    "l1-icons": "82d4da57456171f38ea1e4ee7bb077d04d2239056198061e935bf6e8c1441640",
    "cgan-earth": "4058301f6af251ddc11361bf693c66850ea8b5721087c56a18a920061d263470",
    "cgan-digits": "a5ac0c1cb8ed02a37b416ed34aaeafcf141b6d8a77165d3a1c8af7ebb54d5d81",
    "cgan-digits-collapsed": "b70a96cfcb234f69130a3cd7e6a202c00563248983b2c8c62583e36e99f07023",
    "cvae-digits": "9f467698beb9313dee76c84d658da3a3728515203754ac8dc96d23d0538c4538",
    "vae-earth": "2c2dbff15a8093eaa8a6834afc1ec72dff2f3436bedc05326a4acfd400a461fd",
    "vae-digits": "884b29a99c079cca35011d2539cae31bb2f9552588c8f91cfbddd0a992306735",
    "classifier-digits": "d2c0c1359d4331b622465830dca5344a00fd554a1452f5ae61231e6ca0bf5bc9",
    "classifier-earth": "be7f02db16fbff410cb568744b1837f6dfa4251ad272ece040a17c6577184e0c",
    "classifier-fashion": "6b8b1862399913fe676203b421a487e54ebb491fe527ff9de27e380af43bcf1d",
    "classifier-icons": "4b03e93de8ded7b19b134374438b63f0252918dbdb20cfd2e2c2c5cfab861250",
    "dcgan-digits": "df8df655c19f8d5b4cb429377400e2e3021c89c8871e56b09430b543cf0d7778",
    "dcgan-earth": "ac08a4f75ad8639762a7f079b610e4a68e27c7e02367635181015a2978ef4d92",
    "dcgan-earth-resize": "f83674c53cb2cc8c2e7d20e1afd7068c0de5a556732b07a95fd3515193f8ef15",
}
TRUNK = runtime.data_file("trunk") / "lite0.safetensors"
TRUNK_SHA256 = "1c2f289c97a3e94b37b1526c10a096282be76bc1df45a13eeb056c96dbe3fc5c"
KINDS = (
    DCGANGenerator,
    DCGANCritic,
    MLPGenerator,
    MLPCritic,
    Classifier,
    UNet,
    PatchCritic,
    ResNetGenerator,
    Stylist,
    SuperResolver,
    Inpainter,
    ClipGenerator,
    MotionGenerator,
    SpriteGenerator,
    FrameCritic,
    ClipCritic,
    BothCritics,
    conv_vae,
    conditional_generator,
    conditional_critic,
    conditional_vae,
    flow_mlp,
    flow_unet,
)
AT_ONCE = 250  # images that a classifier looks at in one go
# What networks are made of: for each role, "generator" say, the name of one of KINDS and its arguments.
Plan = dict[str, tuple[str, dict[str, object]]]


def build(plan: Plan) -> dict[str, nn.Module]:
    """Return new networks, first weights from torch's global generator, in the plan's order."""
    kinds = {kind.__name__: kind for kind in KINDS}
    return {role: kinds[kind](**arguments) for role, (kind, arguments) in plan.items()}


def save(path: str | Path, plan: Plan, networks: dict[str, nn.Module], *, classes: Sequence[str] = ()) -> None:
    """Write networks, what they are made of, and the names of their classes to one file, atomically, for `read`."""
    weights = {role: networks[role].state_dict() for role in plan}
    checkpoint.save(path, {"networks": plan, "weights": weights, "classes": list(classes)})


def read(path: str | Path, device: str | torch.device = "cpu") -> dict[str, nn.Module]:
    """Return the networks of a file that `save` wrote, in evaluation mode; CheckpointError if it cannot be read."""
    state = _read_state(path)
    known = {kind.__name__ for kind in KINDS}
    if strange := sorted({kind for kind, _ in state["networks"].values()} - known):
        raise CheckpointError(
            f"path: {path} has a network of the kind {strange[0]!r}, which this ganlab does not know; "
            "a newer one may have written it"
        )
    try:
        networks = build(state["networks"])
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"path: {path} has networks that cannot be built: {error}") from error
    for role, network in networks.items():
        try:
            network.load_state_dict(state["weights"][role])
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"path: {path} has weights that do not fit its {role}, a {state['networks'][role][0]}; "
                "write it anew with `train`"
            ) from error
        network.to(device).eval()
    return networks


def class_names(path: str | Path) -> tuple[str, ...]:
    """Return the names of the classes that a file of networks was trained on, () where it keeps none.

    Ours, which are older than such names, have those of the set that their own name ends in.
    """
    if kept := _read_state(path).get("classes", ()):
        return tuple(kept)
    path = Path(path)
    ours = path.parent == FOLDER and path.stem in SHA256
    set_name = path.stem.split("-")[1] if ours else ""
    return data.SETS[set_name].classes if set_name in data.SETS else ()


def _read_state(path: str | Path) -> dict[str, Any]:
    state = checkpoint.load(path)
    if not {"networks", "weights"} <= state.keys() or not all(isinstance(p, list) for p in state["networks"].values()):
        raise CheckpointError(
            f"path: {path} is a checkpoint, but not of networks alone; `train` writes those to networks.safetensors"
        )
    return state


def load(name: str, device: str | torch.device = "cpu") -> dict[str, nn.Module]:
    """Return the networks of one checkpoint, in evaluation mode.

    They are a GAN's "generator" (averaged) and mostly its "critic", a "vae", a "flow", or a "classifier".

    Raises ValueError for a name that is none of `SHA256`'s, CheckpointError for a file that is missing or altered.
    """
    if name not in SHA256:
        close = difflib.get_close_matches(name, SHA256, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"name: got {name!r}, expected one of {', '.join(SHA256)}.{hint}")
    path = FOLDER / f"{name}.safetensors"
    if path.is_file() and not is_intact(name):
        raise CheckpointError(f"{path} is not the file that ganlab was made with; `git checkout` brings it back")
    return read(path, device)


def is_intact(name: str) -> bool:
    """Return whether the file of a checkpoint of ours, which is there, is the one that ganlab was made with."""
    return hashlib.sha256((FOLDER / f"{name}.safetensors").read_bytes()).hexdigest() == SHA256[name]


def trunk(device: str | torch.device = "cpu") -> FeatureTrunk:
    """Return the features of a network that was trained on a million photographs (ImageNet), frozen, in float32.

    `trunk()(pictures, ("stem", "block4.depthwise"))` takes pictures (B, 3 or 1, H, W) in [-1, 1], of any size, and
    passes gradients to them. Lite0's weights are not this project's: data/README.md says whose they are (Apache 2.0).
    Raises CheckpointError for a file that is missing or altered.
    """
    if TRUNK.is_file() and hashlib.sha256(TRUNK.read_bytes()).hexdigest() != TRUNK_SHA256:
        raise CheckpointError(f"{TRUNK} is not the file that ganlab was made with; `git checkout` brings it back")
    weights = checkpoint.load(TRUNK)["weights"]
    network = FeatureTrunk()
    network.load_state_dict(weights)  # which turns 16 bits into 32
    return network.to(device).eval().requires_grad_(False)


@functools.cache
def _trunk_on(device: torch.device) -> FeatureTrunk:
    return trunk(device)


@dataclasses.dataclass(frozen=True)
class TrunkFeatures:
    """The trunk as a function of pictures alone, on whatever device they are: for `losses.Perceptual`."""

    names: tuple[str, ...] = ("block2.depthwise", "block4.depthwise")

    def __call__(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the named features of pictures (B, 3 or 1, H, W) in [-1, 1]."""
        return _trunk_on(pictures.device)(pictures, self.names)


@torch.no_grad()
def texture_features(pictures: Tensor, name: str = "block2.depthwise") -> Tensor:
    """Return the trunk's features of pictures (N, 1 or 3, H, W), float in [-1, 1] or uint8, averaged over all places.

    (N, 144) on the CPU: how much there is of each kind of fine pattern, wherever it lies. `metrics.split_distance` on
    them tells sharp relief tiles from blurred ones, on which the features of our own classifiers hardly differ.
    """
    network = _trunk_on(pictures.device)
    parts = [network(pixels.to_floats(part).clamp(-1, 1), (name,))[name].mean((2, 3)) for part in pictures.split(50)]
    return torch.cat(parts).cpu()


@torch.no_grad()
def features(classifier: Classifier, images: Tensor) -> Tensor:
    """Return the features (N, 64) of images (N, C, H, W), float in [-1, 1] or uint8, on the CPU.

    Every image is brought to the classifier's side in one manner, so that only images of one side can be compared: a
    smaller one gets a black margin, as the digits have it, a larger one is shrunk. Grey and colour become its own.
    """
    weight = next(classifier.parameters())
    parts = []
    for batch in images.split(AT_ONCE):
        x = pixels.to_floats(batch)
        if x.shape[1] != weight.shape[1]:
            x = x.mean(1, keepdim=True).expand(-1, weight.shape[1], -1, -1)
        margin = classifier.size - x.shape[-1]
        if margin < 0:
            x = F.interpolate(x, (classifier.size,) * 2, mode="bilinear", antialias=True)
        else:
            x = F.pad(x, (margin // 2, margin - margin // 2) * 2, value=-1.0)
        parts.append(classifier.features(x.to(weight.device)).cpu())
    return torch.cat(parts)


class FeatureDistance:
    """The Fréchet distance between a set's real images and others, on the features of the set's own classifier.

    "Feature-FID" for short; for "digits", "fashion" and "earth". It compares with the held-out images; for earth, whose
    held-out tiles are another part of the world, with one half of the training tiles. `floor` is the distance of `n`
    real images, from the training images or the other half: much lower is no better. Fewer images give larger values,
    so compare only values of equally many. Not comparable with Inception's FID, nor between sets.
    """

    def __init__(self, name: str, n: int = 1000, device: str | torch.device = "cpu") -> None:
        whole_number("n", n, least=2)
        self.classifier = load(f"classifier-{name}", device)["classifier"]
        self.device = torch.device(device)
        training, reference = (data.load(name, split, self.classifier.size).images for split in data.SPLITS)
        training = training[torch.randperm(len(training), generator=seeded_generator("floor"))]
        if name == "earth":
            reference, training = training.tensor_split(2)
        self._reference = self.features(reference)
        self._real = torch.cat([self._reference, self.features(training)]) if name == "earth" else self._reference
        self.floor = self.of(training[:n])

    def of(self, images: Tensor) -> float:
        """Return the distance of images (N, C, H, W), float in [-1, 1] or uint8, in squared units of the features."""
        return metrics.frechet_distance(self.features(images), self._reference)

    def split(self, images: Tensor, splits: int = 10) -> metrics.SplitDistance:
        """Return the course's feature distance of images, as in `of`, to random halves of the real ones; and its floor.

        `metrics.split_distance` on the features of the held-out images, for earth of all training tiles. It is steadier
        than `of`, whose value depends on a few images with long features: use it to compare generators.
        """
        return metrics.split_distance(self.features(images), self._real, splits=splits)

    def features(self, images: Tensor) -> Tensor:
        """Return the features (N, 64) of images (N, C, H, W), on the CPU, as `features` does."""
        return features(self.classifier, images)
