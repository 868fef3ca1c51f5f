"""The command `python -m ganlab export`: a generator, or a VAE's decoder, as ONNX, for programs without torch."""

import argparse
import contextlib
import importlib.util
import io
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ganlab import models
from ganlab.cli.arguments import load_maker
from ganlab.runtime import path_argument, seeded_generator, write_atomically

CLOSE = 1e-4  # how far a pixel, in [-1, 1], may be from torch's
NEEDED = ("onnx", "onnxruntime", "onnxscript")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `export` takes."""
    parser.add_argument("--of", required=True, metavar="NAME|FOLDER", help="a shipped network, or what `train` wrote")
    parser.add_argument("--out", required=True, type=path_argument, metavar="NAME.onnx", help="the file to write")


class ConditionalDecoder(nn.Module):
    """A conditional VAE's way from z to images, without the modules that `given` makes: those cannot be exported."""

    def __init__(self, vae: models.VAE) -> None:
        super().__init__()
        self.decoder = vae.decoder
        self.likelihood = vae.likelihood

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return images (B, C, H, W) in [-1, 1] for latents z (B, latent_dim) and weights of classes y (B, classes)."""
        location = self.decoder(z, y)
        return 2 * (location.sigmoid() if self.likelihood == "bernoulli" else location.clamp(0, 1)) - 1


def run(options: argparse.Namespace) -> int:
    """Write the file, after onnxruntime has made the same images from it as torch, for another batch size; return 0."""
    if options.out.suffix.lower() != ".onnx":
        raise ValueError(f"--out: got {str(options.out)!r}, expected a name that ends in .onnx")
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ValueError(f"export: needs {', '.join(missing)}; run: python -m pip install {' '.join(missing)}")
    network, names = load_maker("--of", options.of)
    if isinstance(network, models.Flow):
        raise ValueError(f"--of: {options.of} is a flow, which calls its network many times; export writes one call")
    content = exported(network)
    difference = largest_difference(network, content)
    if not difference <= CLOSE:
        raise ValueError(f"export: onnxruntime's images differ from torch's by {difference:g}, expected {CLOSE:g}")
    write_atomically(options.out, content)
    inputs = f"z (B, {network.latent_dim})"
    if hasattr(network, "classes"):
        inputs += f" and y (B, {network.classes}), weights of the classes {', '.join(names)}"
    print(f"{options.out}: {inputs} to images in [-1, 1]; within {difference:.1g} of torch")
    return 0


def arguments(network: nn.Module, n: int, seed: int) -> tuple[Tensor, ...]:
    """Return n latents, and for a network that is told classes the weights of n of them, by turns."""
    z = models.latents(n, network.latent_dim, seeded_generator(seed))
    if not hasattr(network, "classes"):
        return (z,)
    return z, models.class_weights(torch.arange(n) % network.classes, network.classes)


def exported(network: nn.Module) -> bytes:
    """Return an ONNX file, with inputs "z" and perhaps "y", output "images", for batches of any size."""
    given = arguments(network, 2, seed=0)
    names = ["z", "y"][: len(given)]
    batch = torch.export.Dim("batch", min=1)
    maker = ConditionalDecoder(network) if isinstance(network, models.VAE) and len(given) > 1 else network
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),  # it tells each of its steps
    ):
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        torch.onnx.export(
            maker.eval(),
            given,
            file,
            dynamo=True,
            input_names=names,
            output_names=["images"],
            dynamic_shapes=tuple({0: batch} for _ in given),
            external_data=False,
            verbose=False,
        )
        return file.read_bytes()


@torch.no_grad()
def largest_difference(network: nn.Module, content: bytes) -> float:
    """Return how far the images of an ONNX file are from the network's, at most, for latents of other batch sizes."""
    import onnxruntime  # here: only this command needs it

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    differences = []
    for n in (1, 5):
        given = arguments(network, n, seed=1)
        inputs = {item.name: tensor.numpy() for item, tensor in zip(session.get_inputs(), given, strict=True)}
        [images] = session.run(["images"], inputs)
        differences.append(float(np.abs(images - network(*given).numpy()).max()))
    return max(differences)
