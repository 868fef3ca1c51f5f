"""Make what lies in data/checkpoints: train each network by the course's own command line, and write its card.

`make checkpoints` trains into build/checkpoints (what was interrupted goes on, what is finished is not repeated), then
writes the weights and the cards. It prints the hashes that belong into ganlab/pretrained.py.
"""

import argparse
import hashlib
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from ganlab import checkpoint, classify, data, metrics, models, pretrained, runtime, vaes, variational

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "checkpoints"
# name -> the arguments of `python -m ganlab train`; a classifier before the GANs that it measures
RECIPES = {
    "classifier-digits": "classifier --data digits --steps 3000 --batch-size 100 --shift 2",
    "classifier-earth": "classifier --data earth --steps 3000 --batch-size 100 --shift 2 --flip both",
    "classifier-fashion": "classifier --data fashion --steps 3000 --batch-size 100 --shift 2 --flip horizontal",
    "dcgan-digits": "dcgan --data digits --width 32 --steps 10000 --every 1000",
    "dcgan-earth": "dcgan --data earth --width 32 --steps 6000 --flip both --upsample transposed",
    "vae-digits": "vae --data digits --steps 6000 --batch-size 100 --shift 1 --learning-rate 2e-3",
    "vae-earth": "vae --data earth --latent-dim 128 --width 16 --steps 5000 --flip both --learning-rate 2e-3",
    "dcgan-earth-resize": "dcgan --data earth --width 32 --steps 4000 --flip both --upsample resize",
}
CREDIT = {
    "digits": "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges",
    "earth": "NASA Earth Observatory, Blue Marble Next Generation, R. Stöckli et al., 2005",
    "fashion": "Fashion-MNIST, H. Xiao, K. Rasul and R. Vollgraf, 2017",
}
SAMPLES, DRAWS = 1000, 5  # generated images behind a card's feature-FID, and how often it is measured
BOUND = 20  # samples of the tighter bound of a VAE's card


def train(name: str) -> None:
    """Run the recipe's command in WORK/name, and add the minutes it took to the file `minutes` there."""
    begin = time.monotonic()
    command = [sys.executable, "-m", "ganlab", "train", *RECIPES[name].split(), "--out", str(WORK / name)]
    subprocess.run(command, check=True, cwd=ROOT)
    kept = WORK / name / "minutes"
    before = float(kept.read_text()) if kept.exists() else 0.0
    kept.write_text(f"{before + (time.monotonic() - begin) / 60:.2f}")


def networks(name: str) -> dict[str, tuple[str, dict[str, object]]]:
    """Return the kind and the arguments of each network of a recipe, as its command line makes them."""
    words = RECIPES[name].split()
    options = dict(zip(words[1::2], words[2::2], strict=True))
    padded = 32 if options["--data"] != "earth" and words[0] != "vae" else None
    images = data.load(options["--data"], size=padded)
    channels, size = images.images.shape[1:3]
    shape = {"channels": channels, "size": size}
    if words[0] == "classifier":
        return {"classifier": ("Classifier", {"classes": len(images.classes), **shape})}
    if words[0] == "vae":
        shape |= {"latent_dim": int(options.get("--latent-dim", 32)), "width": int(options.get("--width", 16))}
        return {"vae": ("conv_vae", {**shape, "likelihood": "bernoulli" if channels == 1 else "logistic"})}
    shape["width"] = int(options["--width"])
    upsample = {"upsample": options.get("--upsample", "transposed")}
    return {
        "generator": ("DCGANGenerator", {"latent_dim": 100, **shape, **upsample}),
        "critic": ("DCGANCritic", shape),
    }


def write_weights(name: str) -> str:
    """Write the weights of a finished training, averaged where the run averages, and return the file's SHA-256."""
    weights = checkpoint.load(WORK / name / "run.safetensors")["weights"]["modules"]
    if "ema" in weights:
        averaged = "vae" if "vae" in weights else "generator"
        weights[averaged] = weights.pop("ema")
    path = pretrained.FOLDER / f"{name}.safetensors"
    checkpoint.save(path, {"networks": networks(name), "weights": weights})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def samples(generator: models.DCGANGenerator | vaes.VAE, draw: int) -> torch.Tensor:
    """Return images that a card's feature-FID is measured on: those of fixed latents, (SAMPLES, C, H, W)."""
    z = models.latents(SAMPLES, generator.latent_dim, runtime.seeded_generator("card", draw))
    with torch.no_grad():
        return torch.cat([generator(part) for part in z.split(250)])


def quality(name: str) -> str:
    """Return the line of a card that says how good the networks are, computed anew."""
    made = pretrained.load(name)
    kind, set_name = name.split("-")[:2]
    if kind == "classifier":
        held_out = data.load(set_name, "test", made["classifier"].size)
        share = classify.accuracy(made["classifier"], held_out)
        return f"held-out accuracy {100 * share:.1f}% of {len(held_out):,} images"
    distance = pretrained.FeatureDistance(set_name, SAMPLES)
    found = [distance.of(samples(made["vae" if kind == "vae" else "generator"], draw)) for draw in range(DRAWS)]
    mean, deviation = statistics.mean(found), statistics.stdev(found)
    bound = held_out_bounds(made["vae"], set_name) if kind == "vae" else ""
    return bound + (
        f"feature-FID {mean:.1f} +- {deviation:.1f}, mean and deviation over {DRAWS} draws of {SAMPLES:,} samples; "
        f"{distance.floor:.1f} for as many real training images"
    )


def held_out_bounds(vae: vaes.VAE, set_name: str) -> str:
    """Return how likely a VAE finds images held out, for a card: the ELBO, and the bound of more samples."""
    held_out = data.load(set_name, "test")
    x = held_out.batches(len(held_out), scale="binary" if vae.likelihood == "bernoulli" else "unit").at(0)
    found = [variational.bounds(vae, x, k).mean() for k in (1, BOUND)]
    text = f"held-out ELBO {found[0]:,.2f} nats, bound of {BOUND} samples {found[1]:,.2f}"
    if vae.likelihood == "logistic":
        bits = [metrics.bits_per_dimension(bound, x[0].numel()) for bound in found]
        text += f", which is {bits[0]:.3f} and {bits[1]:.3f} bits per dimension"
    return f"{text} ({len(held_out):,} images); "


def write_card(name: str, sha256: str) -> None:
    """Write the card of a checkpoint whose weights are written."""
    set_name = name.split("-")[1]
    minutes = round(float((WORK / name / "minutes").read_text()))
    size = (pretrained.FOLDER / f"{name}.safetensors").stat().st_size / 1e6
    roles = ", ".join(f"{role} ({kind})" for role, (kind, _) in networks(name).items())
    averaged = {"dcgan": "; the generator is the running average", "vae": "; its weights are the running average"}
    roles += averaged.get(name.split("-")[0], "")
    lines = [
        f"# {name}",
        "",
        f"- **Networks**: {roles}.",
        f"- **Data**: `{set_name}`, training split. Credit: {CREDIT[set_name]}.",
        f"- **Command**: `python -m ganlab train {RECIPES[name]} --out FOLDER`, seed 0.",
        f"- **Time**: {minutes} minute{'s' * (minutes != 1)} on one CPU core, beside other work.",
        f"- **Measured**: {quality(name)}.",
        f"- **File**: `{name}.safetensors`, {size:.1f} MB, SHA-256 `{sha256}`.",
        "- **Licence**: MIT, as the code; the data keep their own terms (data/README.md).",
    ]
    (pretrained.FOLDER / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Train what is not trained yet, then write files and cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", choices=[*RECIPES, []], help="which; none means all")
    for name in parser.parse_args().name or RECIPES:
        train(name)
        pretrained.SHA256[name] = write_weights(name)
        write_card(name, pretrained.SHA256[name])
        print(f'    "{name}": "{pretrained.SHA256[name]}",', flush=True)


if __name__ == "__main__":
    main()
