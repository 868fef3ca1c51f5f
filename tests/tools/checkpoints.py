"""Make what lies in data/checkpoints: train each network by the course's own command line, and write its card.

`make checkpoints` trains into build/checkpoints (what was interrupted goes on, what is finished is not repeated), then
writes the weights and the cards. It prints the hashes that belong into ganlab/models/trained.py.
"""

import argparse
import functools
import hashlib
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from ganlab import checkpoint, data, metrics, models, runtime, styles, train
from ganlab.models import trained

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "checkpoints"
# name -> the arguments of `python -m ganlab train`; a classifier before the GANs that it measures
RECIPES = {
    "classifier-digits": "classifier --data digits --steps 3000 --batch-size 100 --shift 2",
    "classifier-earth": "classifier --data earth --steps 3000 --batch-size 100 --shift 2 --flip both",
    "classifier-fashion": "classifier --data fashion --steps 3000 --batch-size 100 --shift 2 --flip horizontal",
    "classifier-icons": "classifier --data icons --steps 900 --batch-size 64 --shift 4 --flip horizontal",
    "dcgan-digits": "dcgan --data digits --width 32 --learning-rate 2e-4 --steps 10000 --every 1000",
    "dcgan-earth": "dcgan --data earth --width 32 --learning-rate 2e-4 --steps 6000 --flip both --upsample transposed",
    "vae-digits": "vae --data digits --steps 6000 --batch-size 100 --shift 1 --learning-rate 2e-3",
    "vae-earth": "vae --data earth --latent-dim 128 --width 16 --steps 5000 --flip both --learning-rate 2e-3",
    "dcgan-earth-resize": "dcgan --data earth --width 32 --learning-rate 2e-4 --steps 4000 --flip both "
    "--upsample resize",
    "cgan-digits-collapsed": "cgan --data digits --width 32 --steps 6000 --every 1000",
    "cgan-digits": "cgan --data digits --width 16 --steps 6000 --objective relativistic --penalty r1_r2 "
    "--penalty-weight 0.1 --learning-rate 2e-3 --anneal 6000",
    "cgan-earth": "cgan --data earth --width 24 --steps 4000 --flip both --upsample resize --objective relativistic "
    "--penalty r1_r2 --penalty-weight 1 --learning-rate 2e-3 --anneal 4000 --threads 1",
    "l1-icons": "pix2pix --data icons --adversarial-weight 0 --steps 2000 --flip horizontal --learning-rate 1e-3",
    "pix2pix-icons": "pix2pix --data icons --from l1-icons --steps 1500 --flip horizontal",
    "l2-relief": "sr --data relief --distance l2 --steps 2000 --learning-rate 1e-3",
    "srgan-relief": "sr --data relief --from build/checkpoints/l2-relief --distance l2 --adversarial-weight 0.01 "
    "--objective non_saturating --steps 400",
    # a square of 14 x 14 pixels, a quarter of a digit of 28 x 28 that has a margin of 2
    "inpaint-digits": "inpaint --data digits --size 32 --shift 1 --holes centre --portion 0.1914 --width 16 "
    "--objective non_saturating --adversarial-weight 0.1 --learning-rate 5e-4 --l1-steps 3000 --steps 6000 --threads 1",
    "stylist-gogh": "style --data photographs --painting auvers --painting cafe --painting harvest --width 12 "
    "--steps 1500 --threads 1",
    "sprite-digits": "video --data moving-digits --generator sprite --width 12 --batch-size 8 --threads 1 --steps 7200",
    "flow-digits": "flow --data digits --steps 12000 --batch-size 64 --shift 1 --every 1000",
    "cvae-digits": "cvae --data digits --steps 4000 --batch-size 100 --shift 1 --learning-rate 2e-3",
}
# To stay within 26 MB: whose critic no lesson asks for, and whose numbers are rounded to 16 bits.
WITHOUT_CRITIC = {
    "dcgan-earth",
    "dcgan-earth-resize",
    "cgan-digits",
    "cgan-digits-collapsed",
    "cgan-earth",
    "l2-relief",
    "srgan-relief",
    "inpaint-digits",
    "sprite-digits",
}
HALF = {
    "dcgan-earth-resize",
    "stylist-gogh",
    "l1-icons",
    "pix2pix-icons",
    "cgan-digits",
    "cgan-digits-collapsed",
    "cgan-earth",
    "cvae-digits",
    "l2-relief",
    "srgan-relief",
    "inpaint-digits",
    "sprite-digits",
    "flow-digits",
}
CREDIT = {
    "gogh": "three paintings by Vincent van Gogh; photographs by Stefan van der Walt, danielbuechele (CC BY 2.0) and "
    "Rachel Michetti; features by EfficientNet-Lite0 (ML Illustrated, Apache 2.0)",
    "digits": "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges",
    "earth": "NASA Earth Observatory, Blue Marble Next Generation, R. Stöckli et al., 2005",
    "fashion": "Fashion-MNIST, H. Xiao, K. Rasul and R. Vollgraf, 2017",
    "relief": "Tom Patterson, shadedrelief.com",
    "icons": "All emojis designed by OpenMoji, the open-source emoji and icon project; CC BY-SA 4.0",
}
LICENCE = "MIT, as the code; the data keep their own terms (data/README.md)"
LICENCES = {"icons": "CC BY-SA 4.0, as the icons that it learned from: what is made with it and shared names OpenMoji"}
SAMPLES, DRAWS = 1000, 5  # generated images behind a card's split distance, and how often it is measured
BOUND = 20  # samples of the tighter bound of a VAE's card


def train_recipe(name: str) -> None:
    """Run the recipe's command in WORK/name, and add the minutes it took to the file `minutes` there."""
    begin = time.monotonic()
    command = [sys.executable, "-m", "ganlab", "train", *RECIPES[name].split(), "--out", str(WORK / name)]
    subprocess.run(command, check=True, cwd=ROOT)
    kept = WORK / name / "minutes"
    before = float(kept.read_text()) if kept.exists() else 0.0
    kept.write_text(f"{before + (time.monotonic() - begin) / 60:.2f}")


def write_weights(name: str) -> str:
    """Write the networks of a finished training, averaged where the run averages, and return the file's SHA-256."""
    state = checkpoint.load(WORK / name / "networks.safetensors")
    if name in WITHOUT_CRITIC:
        for part in (state["networks"], state["weights"]):
            part.pop("critic", None)
    if name in HALF:
        for weights in state["weights"].values():
            weights.update({k: w.half() for k, w in weights.items() if w.is_floating_point()})
    path = trained.FOLDER / f"{name}.safetensors"
    checkpoint.save(path, state)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def samples(generator: nn.Module, set_name: str, draw: int) -> torch.Tensor:
    """Return images that a card's distance is measured on: those of fixed latents, (SAMPLES, C, H, W)."""
    z = models.latents(SAMPLES, generator.latent_dim, runtime.seeded_generator("card", draw))
    y = classes_as_in(set_name) if hasattr(generator, "classes") else None
    with torch.no_grad():
        parts = zip(z.split(250), [None] * 4 if y is None else y.split(250), strict=True)
        return torch.cat([models.given(generator, told)(part) for part, told in parts])


def classes_as_in(set_name: str) -> torch.Tensor:
    """Return classes (SAMPLES,), each as often as in the set and in turn: else the distance were that of their shares.

    Of earth's tiles 6% are snow. If a fifth of real ones were, they would be far from the set as well.
    """
    labels = data.load(set_name).labels.sort().values
    y = labels[torch.arange(SAMPLES) * len(labels) // SAMPLES]
    counts = torch.bincount(y)
    rank = torch.arange(SAMPLES) - (counts.cumsum(0) - counts)[y]  # within its class
    return y[((rank + 0.5) / counts[y]).argsort(stable=True)]


def quality(name: str) -> str:
    """Return the line of a card that says how good the networks are, computed anew."""
    made = trained.load(name)
    kind, set_name = name.split("-")[:2]
    if kind == "classifier":
        held_out = data.load(set_name, "test", made["classifier"].size)
        share = train.accuracy(made["classifier"], held_out)
        return f"held-out accuracy {100 * share:.1f}% of {len(held_out):,} images"
    if set_name == "icons":
        return of_translations(made["generator"])
    if set_name == "relief":
        return of_enlargements(made["generator"])
    if kind == "inpaint":
        return of_fillings(made["generator"])
    if kind == "stylist":
        return of_paintings(made["stylist"])
    if kind == "sprite":
        return of_motion(made["generator"])
    distance = distance_to(set_name)
    generator = next(made[role] for role in ("vae", "flow", "generator") if role in made)
    draws = 2 if kind == "flow" else DRAWS  # of 20 steps each
    images = [samples(generator, set_name, draw) for draw in range(draws)]
    found = [distance.split(draw) for draw in images]
    mean, deviation = (statistics.mean(getattr(one.fake, name)().item() for one in found) for name in ("mean", "std"))
    floor = found[0].floor  # of real images, the same for all draws
    before = held_out_bounds(generator, set_name) if "vae" in made else ""
    if hasattr(generator, "classes"):
        y = classes_as_in(set_name)
        right = [(told(set_name, draw) == y).double().mean().item() for draw in images]
        share = f"{100 * statistics.mean(right):.1f}%"
        before += "asked for classes as often as the set has them; "
        before += f"the classifier of {set_name} finds the class asked for in {share}; "
    return before + (
        f"split distance {mean:.1f} +- {deviation:.1f}, mean and standard deviation over ten splits, of {draws} draws "
        f"of {SAMPLES:,} samples; real images against real ones {floor.mean():.1f} +- {floor.std():.1f}"
    )


@functools.cache
def distance_to(set_name: str) -> trained.FeatureDistance:
    """Return the distance that cards of a set give, made once: it looks at all real images."""
    return trained.FeatureDistance(set_name, SAMPLES)


def of_translations(generator: nn.Module) -> str:
    """Return how near a translator's pictures of held-out outlines are to the true ones, one by one and as a crowd."""
    held_out = data.load("icons", "test")
    made = models.translate(generator, held_out.pairs)
    x = data.pixels.to_floats(held_out.images)
    classifier = trained.load("classifier-earth")["classifier"]
    real = trained.features(classifier, held_out.images)
    others = trained.features(classifier, data.load("icons").images)
    distance, floor = (metrics.unit_distance(x, real) for x in (trained.features(classifier, made), others))
    return (
        f"of {len(x)} held-out outlines, PSNR {metrics.psnr(made, x).mean():.2f} dB, mean absolute error "
        f"{127.5 * (made - x).abs().mean():.1f} of 255; feature distance {distance:.2f} from the true pictures, on the "
        f"features of classifier-earth ({floor:.2f} for the training icons)"
    )


def of_enlargements(generator: nn.Module) -> str:
    """Return how near enlarged held-out tiles are to the true ones, one by one and as a crowd, beside bicubic ones."""
    images = data.load("relief", "test").images
    x = data.pixels.to_floats(images)
    low = data.LowResolution(generator.factor)(x)
    real = trained.texture_features(images)
    lines = []
    made = models.translate(generator, low), data.degraded.enlarge(low, generator.factor)
    for name, pictures in zip(("", "bicubic enlargement has "), made, strict=True):
        pictures = pictures.clamp(-1, 1)
        distance = metrics.split_distance(trained.texture_features(pictures), real)
        lines.append(
            f"{name}PSNR {metrics.psnr(pictures, x).mean():.2f} dB, SSIM {metrics.ssim(pictures, x).mean():.3f}, split "
            f"distance {distance.fake.mean():.1f} +- {distance.fake.std():.1f}"
        )
    floor = f"real tiles against real ones {distance.floor.mean():.1f} +- {distance.floor.std():.1f}"
    return f"of {len(x)} held-out tiles, {'; '.join(lines)}; {floor}, on the trunk's texture features"


def of_fillings(generator: nn.Module) -> str:
    """Return how near a hole's filling in held-out digits is to what was there, one by one and as a crowd."""
    x = data.pixels.to_floats(data.load("digits", "test", 32).images)
    holes = data.Holes("centre", portion=0.1914)
    made = models.translate(generator, holes(x))
    rows = data.degraded.centre_mask(32, 32, holes.portion).any(1).nonzero()[:, 0]  # the hole's, and its columns'
    inside = metrics.psnr(made[:, :, rows][..., rows], x[:, :, rows][..., rows])
    judge = trained.load("classifier-digits")["classifier"]
    distance = metrics.split_distance(*(trained.features(judge, each) for each in (made, x)))
    return (
        f"of {len(x)} held-out digits with a hole of {len(rows)}x{len(rows)} pixels, PSNR in the hole "
        f"{inside.mean():.2f} dB; split distance {distance.fake.mean():.1f} +- {distance.fake.std():.1f}, mean and "
        f"standard deviation over ten splits, on the features of classifier-digits; real digits against real ones "
        f"{distance.floor.mean():.1f} +- {distance.floor.std():.1f}"
    )


@torch.no_grad()
def of_paintings(stylist: models.Stylist) -> str:
    """Return how near a stylist's pictures of the castle, which it never saw, come to each style, and to the castle."""
    trunk, names = trained.trunk(), train.style.STYLE_LAYERS
    castle = data.picture("castle", 160)
    parts = []
    for k, name in enumerate(("auvers", "cafe", "harvest")):
        painting = data.pixels.to_floats(data.picture(name, 160))[None]
        wanted = styles.style(trunk(painting, names))
        start = styles.match_colours(data.pixels.to_floats(castle)[None], *styles.colours(painting))
        made = train.restyled(stylist, castle, [k == j for j in range(stylist.count)])[None]
        before, after = (styles.style_distance(styles.style(trunk(x, names)), wanted).item() for x in (start, made))
        content = train.style.CONTENT_LAYERS
        kept = styles.content_distance(trunk(made, content), trunk(start, content)).item()
        parts.append(f"{name} {after:.3f} (its colours alone {before:.3f}), content {kept:.3f}")
    return f"style distance of the castle, which it never saw: {'; '.join(parts)}"


@torch.no_grad()
def of_motion(generator: nn.Module) -> str:
    """Return how what a generator of clips makes moves, beside what moves in real clips."""
    z = models.latents(SAMPLES, generator.latent_dim, runtime.seeded_generator("card"))
    clips = torch.cat([generator(part) for part in z.split(250)])
    texts = []
    for each in (clips, data.moving_digits(SAMPLES, "test").clips):
        found = metrics.motion(metrics.centres(each), low=7, high=25)
        speed, change, turns = (values.double().mean() for values in (found.speed, found.change, found.open_turns))
        texts.append(f"speed {speed:.2f}, change {change:.2f} pixels a frame, {turns:.2f} turns in the open")
    return f"{SAMPLES:,} clips: {texts[0]}; real ones: {texts[1]}"


@torch.no_grad()
def told(set_name: str, images: torch.Tensor) -> torch.Tensor:
    """Return the classes (N,) that the set's classifier sees in images (N, C, H, W)."""
    classifier = trained.load(f"classifier-{set_name}")["classifier"]
    margin = (classifier.size - images.shape[-1]) // 2
    return classifier(F.pad(images, (margin,) * 4, value=-1.0)).argmax(1)


def held_out_bounds(vae: models.VAE, set_name: str) -> str:
    """Return how likely a VAE finds images held out, for a card: the ELBO, and the bound of more samples."""
    held_out = data.load(set_name, "test")
    batches = held_out.batches(len(held_out), scale="binary" if vae.likelihood == "bernoulli" else "unit")
    x, y = batches.at(0), batches.labels_at(0) if hasattr(vae, "classes") else None
    found = [train.bounds(vae, x, k, y=y).mean() for k in (1, BOUND)]
    text = f"held-out ELBO {found[0]:,.2f} nats, bound of {BOUND} samples {found[1]:,.2f}"
    if vae.likelihood == "logistic":
        bits = [metrics.bits_per_dimension(bound, x[0].numel()) for bound in found]
        text += f", which is {bits[0]:.3f} and {bits[1]:.3f} bits per dimension"
    return f"{text} ({len(held_out):,} images); "


def write_card(name: str, sha256: str) -> None:
    """Write the card of a checkpoint whose weights are written."""
    set_name = name.split("-")[1]
    minutes = round(float((WORK / name / "minutes").read_text()))
    size = (trained.FOLDER / f"{name}.safetensors").stat().st_size / 1e6
    plan = checkpoint.load(trained.FOLDER / f"{name}.safetensors")["networks"]
    roles = ", ".join(f"{role} ({kind})" for role, (kind, _) in plan.items())
    averaged = {"generator": "; the generator is the running average", "vae": "; its weights are the running average"}
    averaged["stylist"] = averaged["vae"]
    averaged["flow"] = averaged["vae"]
    roles += "".join(text for role, text in averaged.items() if role in plan)
    roles += "; rounded to 16 bits" if name in HALF else ""
    lines = [
        f"# {name}",
        "",
        f"- **Networks**: {roles}.",
        f"- **Data**: {'`data.picture`' if set_name == 'gogh' else f'`{set_name}`, training split'}. "
        f"Credit: {CREDIT[set_name]}.",
        f"- **Command**: `python -m ganlab train {RECIPES[name]} --out FOLDER`, seed 0.",
        f"- **Time**: {minutes} minute{'s' * (minutes != 1)} on one CPU core, beside other work.",
        f"- **Measured**: {quality(name)}.",
        f"- **File**: `{name}.safetensors`, {size:.1f} MB, SHA-256 `{sha256}`.",
        f"- **Licence**: {LICENCES.get(set_name, LICENCE)}.",
    ]
    (trained.FOLDER / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Train what is not trained yet, then write files and cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", choices=[*RECIPES, []], help="which; none means all")
    for name in parser.parse_args().name or RECIPES:
        train_recipe(name)
        trained.SHA256[name] = write_weights(name)
        write_card(name, trained.SHA256[name])
        print(f'    "{name}": "{trained.SHA256[name]}",', flush=True)


if __name__ == "__main__":
    main()
