"""The networks that lie in data/checkpoints: by name, unaltered, as good as their cards say, and within 25 MB."""

import re

import checkpoints
import pytest
import torch
import torch.nn.functional as F
from scipy import linalg

from ganlab import checkpoint, data, metrics, models, runtime, train
from ganlab.checkpoint import CheckpointError
from ganlab.data import pixels
from ganlab.models import trained
from ganlab.models.trained import FOLDER, SHA256, FeatureDistance
from ganlab.runtime import seeded_generator

GANS = [name for name in SHA256 if name.split("-")[0] in ("dcgan", "cgan")]
RESTORERS = [name for name in SHA256 if name.endswith("-relief")]
TRANSLATORS = [name for name in SHA256 if name.endswith("-icons") and not name.startswith("classifier")] + RESTORERS
VAES = [name for name in SHA256 if name.split("-")[0] in ("vae", "cvae")]


def card(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def needs(name: str) -> None:
    """Skip where the set is not on this machine: fashion comes with a package of Debian's, or over the network."""
    if name in data.SETS and data.SETS[name].status().state == "to be downloaded":
        pytest.skip(f"{name} is not here")


def test_the_folder_holds_what_the_package_names_and_no_more_than_27_megabytes():
    files = sorted(path.name for path in FOLDER.iterdir())
    assert files == sorted(f"{name}{end}" for name in SHA256 for end in (".md", ".safetensors"))
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 27e6
    assert set(SHA256) == set(checkpoints.RECIPES)


@pytest.mark.parametrize("name", SHA256)
def test_networks_load_ready_for_use_and_the_card_tells_their_command(name):
    networks = trained.load(name)
    kind = name.split("-")[0]
    roles = {"generator"} if name in checkpoints.WITHOUT_CRITIC else {"generator", "critic"}
    roles = {"generator"} if name == "l1-icons" else roles
    assert set(networks) == (
        roles if name in (*GANS, *TRANSLATORS, "sprite-digits", "inpaint-digits") else {"vae" if name in VAES else kind}
    )
    for network in networks.values():
        assert not any(module.training for module in network.modules())
    assert SHA256[name] in card(name)
    assert f"python -m ganlab train {checkpoints.RECIPES[name]} --out" in card(name)


@pytest.mark.parametrize("name", SHA256)
def test_the_card_tells_the_truth(name):
    needs(name.split("-")[1])
    numbers = r"\d[\d,]*\.?\d*"
    measured = card(name).split("Measured**: ")[1]
    told, found = (re.findall(numbers, text) for text in (measured, checkpoints.quality(name)))
    told = told[: len(found)]
    # other processors sum in another order: a few images, or one part in fifty of a distance, may differ
    values = [[float(number.replace(",", "")) for number in numbers] for numbers in (told, found)]
    assert values[0] == pytest.approx(values[1], rel=0.02)


@pytest.mark.parametrize("name", GANS)
def test_a_generator_is_nearer_to_real_images_than_noise_and_the_critic_tells_them_apart(name):
    set_name = name.split("-")[1]
    networks, distance = trained.load(name), checkpoints.distance_to(set_name)
    fake = checkpoints.samples(networks["generator"], set_name, 0)
    noise = torch.rand(fake.shape, generator=runtime.seeded_generator("noise")) * 2 - 1
    assert distance.floor < distance.of(fake) < distance.of(noise) / 5
    if "critic" in networks:
        real = data.load(set_name, size=fake.shape[-1]).batches(200).at(0)
        with torch.no_grad():
            assert networks["critic"](real).mean() > networks["critic"](fake[:200]).mean()


@pytest.mark.parametrize("name", [name for name in SHA256 if name.startswith(("cgan", "cvae"))])
def test_what_is_told_a_class_makes_mostly_that(name):
    networks, set_name = trained.load(name), name.split("-")[1]
    generator = networks["vae" if "vae" in networks else "generator"]
    seen = checkpoints.told(set_name, checkpoints.samples(generator, set_name, 0))
    assert (seen == checkpoints.classes_as_in(set_name)).double().mean() > 0.8


def test_the_critic_makes_icons_less_near_one_by_one_and_nearer_as_a_crowd():
    held_out = data.load("icons", "test")
    x, classifier = pixels.to_floats(held_out.images), trained.load("classifier-earth")["classifier"]
    real = trained.features(classifier, held_out.images)
    error, distance = {}, {}
    for name in ("l1-icons", "pix2pix-icons"):
        made = models.translate(trained.load(name)["generator"], held_out.pairs)
        error[name] = (made - x).abs().mean()
        distance[name] = metrics.unit_distance(trained.features(classifier, made), real)
        lines = held_out.pairs[:, 0] < 40
        assert made.mean(1)[lines].mean() < -0.8  # where the outline is, it stays dark
    assert error["l1-icons"] < error["pix2pix-icons"] < 1.6 * error["l1-icons"]
    assert distance["pix2pix-icons"] < 0.8 * distance["l1-icons"]


def test_the_critic_costs_decibels_and_brings_the_textures_back():
    images = data.load("relief", "test").images
    x = pixels.to_floats(images)
    low, real = data.LowResolution(4)(x), trained.texture_features(images)
    made = {name: models.translate(trained.load(name)["generator"], low) for name in ("l2-relief", "srgan-relief")}
    made["bicubic"] = data.degraded.enlarge(low, 4)
    psnr = {name: metrics.psnr(pictures, x).mean() for name, pictures in made.items()}
    split = {n: metrics.split_distance(trained.texture_features(p), real) for n, p in made.items()}
    apart = {name: value.fake.mean() for name, value in split.items()}
    assert psnr["l2-relief"] > psnr["bicubic"] + 1 and psnr["l2-relief"] > psnr["srgan-relief"] + 1
    assert 3 * apart["srgan-relief"] < apart["l2-relief"] < apart["bicubic"] / 2
    assert split["bicubic"].floor.mean() < apart["srgan-relief"]
    for name in RESTORERS[:2]:  # what was given is still in the answer
        small = data.LowResolution(4)(made[name])
        assert (small - low).abs().mean() < 0.02


def test_textures_tell_generated_and_blurred_tiles_from_real_ones_where_the_classifiers_features_do_not():
    training, held_out = (pixels.to_floats(data.load("earth", split).images) for split in data.SPLITS)
    order = torch.randperm(len(training), generator=seeded_generator("textures"))
    tiles, others = training[order[:400]], training[order[400:]]
    weave = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(32, 32)
    small = F.interpolate(tiles, (48, 48), mode="bilinear", antialias=True)
    sets = {"real": tiles, "held out": held_out[:400], "woven": tiles + 0.05 * weave}
    sets["blurred"] = F.interpolate(small, tiles.shape[2:], mode="bilinear")
    sets["generated"] = checkpoints.samples(trained.load("cgan-earth")["generator"], "earth", 0)[:400]
    real = trained.texture_features(others)
    found = {name: metrics.split_distance(trained.texture_features(x), real) for name, x in sets.items()}
    apart = {name: value.fake for name, value in found.items()}  # in each split
    floor = found["real"].floor.max()
    assert apart["real"].max() < 1.5 * floor < apart["woven"].min()
    assert 2 * floor < apart["held out"].min() and 1.5 * apart["held out"].max() < apart["generated"].min()
    assert 20 * floor < apart["blurred"].min()
    classifier = trained.load("classifier-earth")["classifier"]
    blurred, kinds = (trained.features(classifier, x) for x in (sets["blurred"], others))
    blind = metrics.split_distance(blurred, kinds)
    assert blind.fake.mean() < blind.floor.mean() + blind.floor.std()


def weave(tiles):
    """Return the most by which the power at a period of 2 pixels exceeds that around it: about 1 without a weave."""
    window = torch.hann_window(64, periodic=False)
    tiles = (tiles - tiles.mean(dim=(2, 3), keepdim=True)) * window * window[:, None]
    power = torch.fft.fft2(tiles).abs().square().mean(dim=(0, 1))
    around = torch.stack([power.roll((i, j), (0, 1)) for i in (-3, -2, 2, 3) for j in (-3, -2, 2, 3)]).mean(0)
    return (power / around)[[0, 32, 32], [32, 0, 32]].max().item()


def test_how_far_the_tiles_are_by_precision_recall_and_spectrum():
    training = pixels.to_floats(data.load("earth", "train").images)
    order = torch.randperm(len(training), generator=seeded_generator("how far"))
    tiles, sets = training[order[:300]], {"real": training[order[300:600]]}
    for name in ("cgan-earth", "dcgan-earth", "dcgan-earth-resize"):
        sets[name] = checkpoints.samples(trained.load(name)["generator"], "earth", 0)[:300]
    classifier = trained.load("classifier-earth")["classifier"]
    by_kind, by_texture = (
        {name: metrics.precision_recall(see(x), see(tiles)) for name, x in sets.items()}
        for see in (lambda x: trained.features(classifier, x), trained.texture_features)
    )
    # kinds of land are right and most are there; textures are not, by which no generated tile passes as often
    assert min(found.precision for found in by_kind.values()) > 0.8
    assert min(found.recall for found in by_kind.values()) > 0.6
    assert min(by_texture["real"]) > 0.85
    assert all(max(by_texture[name]) < 0.7 for name in sets if name != "real")
    woven = {name: weave(x) for name, x in sets.items()}
    assert 0.7 < woven["real"] < 1.5 and woven["dcgan-earth-resize"] < 2
    assert woven["cgan-earth"] < 8 < 40 < woven["dcgan-earth"]


def test_a_hole_in_a_digit_is_filled_and_the_rest_of_it_stays():
    x = pixels.to_floats(data.load("digits", "test", 32).images)
    given, hole = data.Holes("centre", portion=0.1914)(x), data.degraded.centre_mask(32, 32, 0.1914)
    made = models.translate(trained.load("inpaint-digits")["generator"], given)
    assert hole.sum() == 14 * 14 and torch.equal(made[..., ~hole], x[..., ~hole])
    judge = trained.load("classifier-digits")["classifier"]
    real, filled, grey = (trained.features(judge, each) for each in (x, made, given[:, :1]))
    assert metrics.split_distance(filled, real).fake.mean() < metrics.split_distance(grey, real).fake.mean() / 10


@pytest.mark.parametrize("set_name", ["digits", "earth"])
def test_cards_ask_for_classes_as_often_as_the_set_has_them(set_name):
    y, labels = checkpoints.classes_as_in(set_name), data.load(set_name).labels
    counts = torch.bincount(y)
    assert (counts / len(y) - torch.bincount(labels) / len(labels)).abs().max() < 0.002
    # and any stretch of them has all in these shares
    assert (torch.bincount(y[:500]) - counts / 2).abs().max() <= 1


@pytest.mark.parametrize("name", VAES)
def test_a_vae_finds_real_images_likelier_than_others(name):
    vae, set_name = trained.load(name)["vae"], name.split("-")[1]
    batches = data.load(set_name, "test").batches(50, scale="binary" if vae.likelihood == "bernoulli" else "unit")
    x, y = batches.at(0), batches.labels_at(0) if hasattr(vae, "classes") else None
    real, upside_down = (train.bounds(vae, images, y=y).mean() for images in (x, x.flip(2)))
    noise = train.bounds(vae, torch.randint(0, 2, x.shape).float(), y=y).mean()
    assert real > noise and (set_name == "earth" or real > upside_down)
    if y is not None:
        assert real > train.bounds(vae, x, y=(y + 1) % vae.classes).mean()


def test_feature_distance_is_the_formula_on_the_classifiers_features():
    distance = FeatureDistance("digits", n=300)
    held_out = data.load("digits", "test", 32)
    images = data.load("digits", size=32).images[:200]
    classifier = trained.load("classifier-digits")["classifier"]
    with torch.no_grad():
        a, b = (classifier.features(x.float() / 127.5 - 1).double() for x in (images, held_out.images))
    ridge = 1e-6 * torch.eye(64)  # some features are nearly constant, and scipy's root wants full rank
    root = linalg.sqrtm(((a.T.cov() + ridge) @ (b.T.cov() + ridge)).numpy()).real
    gap = a.mean(0) - b.mean(0)
    expected = gap @ gap + a.T.cov().trace() + b.T.cov().trace() - 2 * root.trace()
    assert distance.of(images) == pytest.approx(expected.item(), rel=1e-3)
    assert 0 < distance.floor < distance.of(255 - images)


def test_images_come_as_bytes_or_floats_and_at_28_pixels():
    distance = FeatureDistance("digits", n=100)
    small, padded = (data.load("digits", size=size).images[:50] for size in (28, 32))
    expected = distance.features(padded)
    assert expected.shape == (50, 64) and (expected >= 0).all()
    for images in (small, small.float() / 127.5 - 1, padded.float() / 127.5 - 1):
        assert torch.allclose(distance.features(images), expected, atol=1e-5)
    with torch.no_grad():
        assert torch.equal(distance.classifier.features(padded.float() / 127.5 - 1), expected)


def test_more_real_images_are_nearer():
    floors = [FeatureDistance("digits", n=n).floor for n in (100, 1000)]
    assert floors[1] < floors[0] / 2


@pytest.mark.parametrize("name", ["digits", "earth"])
def test_the_split_distance_tells_a_dcgan_from_real_images(name):
    distance = checkpoints.distance_to(name)
    split = "train" if name == "earth" else "test"  # earth's held-out tiles are another part of the world
    real = distance.features(data.load(name, split, distance.classifier.size).images)
    with torch.no_grad():
        z = models.latents(1200, 100, seeded_generator("split", name))
        images = torch.cat([trained.load(f"dcgan-{name}")["generator"](part) for part in z.split(200)])
    found = distance.split(images, splits=10)
    assert found.fake.mean() - found.floor.mean() > 2.5 * torch.hypot(found.fake.std(), found.floor.std())
    floor = metrics.split_distance(real, real, splits=30).floor  # other lots, since the real rows stand in one order
    assert found.floor.mean().item() == pytest.approx(floor.mean().item(), rel=0.3)


def test_accuracy_of_the_digits_classifier():
    classifier = trained.load("classifier-digits")["classifier"]
    assert train.accuracy(classifier, data.load("digits", "test", 32)) > 0.97


def test_an_unknown_name_a_missing_and_an_altered_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="Did you mean 'dcgan-digits'"):
        trained.load("dcgan-digit")
    monkeypatch.setattr(trained, "FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        trained.load("classifier-digits")
    # a sound checkpoint, but another than the package was made with
    checkpoint.save(tmp_path / "classifier-digits.safetensors", {"networks": {}, "weights": {}})
    with pytest.raises(CheckpointError, match="is not the file that ganlab was made with"):
        trained.load("classifier-digits")
