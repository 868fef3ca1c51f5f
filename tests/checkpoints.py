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

from ganlab import checkpoint, classify, data, models, pretrained, runtime

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "checkpoints"
# name -> the arguments of `python -m ganlab train`; a classifier before the GANs that it measures
RECIPES = {
    "classifier-digits": "classifier --data digits --steps 3000 --batch-size 100 --shift 2",
    "classifier-earth": "classifier --data earth --steps 3000 --batch-size 100 --shift 2 --flip both",
    "classifier-fashion": "classifier --data fashion --steps 3000 --batch-size 100 --shift 2 --flip horizontal",
    "dcgan-digits": "dcgan --data digits --width 32 --steps 10000 --every 1000",
    "dcgan-earth": "dcgan --data earth --width 32 --steps 6000 --flip both --upsample transposed",
    "dcgan-earth-resize": "dcgan --data earth --width 32 --steps 4000 --flip both --upsample resize",
}
CREDIT = {
    "digits": "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges",
    "earth": "NASA Earth Observatory, Blue Marble Next Generation, R. Stöckli et al., 2005",
    "fashion": "Fashion-MNIST, H. Xiao, K. Rasul and R. Vollgraf, 2017",
}
SAMPLES, DRAWS = 1000, 5  # generated images behind a card's feature-FID, and how often it is measured


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
    digits_like = 32 if options["--data"] != "earth" else None
    images = data.load(options["--data"], size=digits_like)
    channels, size = images.images.shape[1:3]
    shape = {"channels": channels, "size": size}
    if words[0] == "classifier":
        return {"classifier": ("Classifier", {"classes": len(images.classes), **shape})}
    shape["width"] = int(options["--width"])
    upsample = {"upsample": options.get("--upsample", "transposed")}
    return {
        "generator": ("DCGANGenerator", {"latent_dim": 100, **shape, **upsample}),
        "critic": ("DCGANCritic", shape),
    }


def write_weights(name: str) -> str:
    """Write the weights of a finished training, of a GAN the averaged generator's, and return the file's SHA-256."""
    weights = checkpoint.load(WORK / name / "run.safetensors")["weights"]["modules"]
    if "ema" in weights:
        weights = {"generator": weights["ema"], "critic": weights["critic"]}
    path = pretrained.FOLDER / f"{name}.safetensors"
    checkpoint.save(path, {"networks": networks(name), "weights": weights})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def samples(generator: models.DCGANGenerator, draw: int) -> torch.Tensor:
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
    found = [distance.of(samples(made["generator"], draw)) for draw in range(DRAWS)]
    mean, deviation = statistics.mean(found), statistics.stdev(found)
    return (
        f"feature-FID {mean:.1f} +- {deviation:.1f}, mean and deviation over {DRAWS} draws of {SAMPLES:,} samples; "
        f"{distance.floor:.1f} for as many real training images"
    )


def write_card(name: str, sha256: str) -> None:
    """Write the card of a checkpoint whose weights are written."""
    set_name = name.split("-")[1]
    minutes = float((WORK / name / "minutes").read_text())
    size = (pretrained.FOLDER / f"{name}.safetensors").stat().st_size / 1e6
    roles = ", ".join(f"{role} ({kind})" for role, (kind, _) in networks(name).items())
    roles += "; the generator is the running average" if "dcgan" in name else ""
    lines = [
        f"# {name}",
        "",
        f"- **Networks**: {roles}.",
        f"- **Data**: `{set_name}`, training split. Credit: {CREDIT[set_name]}.",
        f"- **Command**: `python -m ganlab train {RECIPES[name]} --out FOLDER`, seed 0.",
        f"- **Time**: {minutes:.0f} minutes on one CPU core, beside other work.",
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
