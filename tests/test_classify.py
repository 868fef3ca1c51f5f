"""The classifier's run: it learns, it resumes to the same bits, and its accuracy is that of a plain count."""

import pytest
import torch
from games import classifier_run, fixed_randomness, on_each_device, same  # noqa: F401

from ganlab import checkpoint, data, runtime, train
from ganlab.data import ImageSet
from ganlab.models import Classifier
from ganlab.train import ClassifierSettings, Keep, Run, accuracy, fit_classifier


def bars(count: int = 200) -> ImageSet:
    """Return noisy images of 16x16 whose class is whether a bright bar stands or lies."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 90, (count, 1, 16, 16), generator=generator)
    labels = torch.arange(count) % 2
    pixels[labels == 0, :, 7:9] += 120
    pixels[labels == 1, :, :, 7:9] += 120
    return ImageSet(pixels.to(torch.uint8), labels, ("lies", "stands"), "bars", "train")


def classifier(seed: int = 0) -> Classifier:
    with runtime.seeded(seed):
        return Classifier(2, size=16, width=4)


@on_each_device
def test_it_learns_what_is_easy(device):
    run = fit_classifier(classifier(), bars().batches(50, device=device), ClassifierSettings(60), device=device)
    assert run.history["loss"][0] > 0.6 and run.history["loss"][-1] < 0.2
    assert accuracy(run.networks["classifier"], bars()) > 0.95
    assert accuracy(classifier(), bars()) < 0.8


def test_a_resumed_run_ends_with_the_same_bits(tmp_path):
    def play(keep: Keep, stop: int | None = None) -> Run:
        run = classifier_run(classifier(), bars().batches(20, shift=1), ClassifierSettings(30), keep, "cpu")
        for _ in run:
            if run.step == stop:
                break
        return run

    whole = play(Keep(checkpoint=tmp_path / "whole", checkpoint_every=10))
    play(Keep(checkpoint=tmp_path / "parts", checkpoint_every=10), stop=17)
    parts = play(Keep(checkpoint=tmp_path / "parts", checkpoint_every=10, resume=True))
    assert same(*(run._weights() for run in (whole, parts))) and whole.history == parts.history
    assert same(*(checkpoint.load(tmp_path / name)["weights"] for name in ("whole", "parts")))


def test_a_step_leaves_the_global_generator_alone_and_drops_features():
    run = classifier_run(classifier(), bars().batches(20), ClassifierSettings(5), device="cpu")
    dropped = []
    run.networks["classifier"].head[0].register_forward_hook(
        lambda module, given, output: dropped.append((output == 0).sum().item())
    )
    state = torch.get_rng_state()
    next(run)
    assert torch.equal(torch.get_rng_state(), state)
    before = int((run.networks["classifier"].features(run.source.at(0)) == 0).sum())
    assert dropped[0] > before  # 0.3 of those that are not 0 anyway


def test_the_rate_climbs_to_its_peak_and_falls_to_nothing():
    task = train.ClassifierTask(classifier(), ClassifierSettings(1000, learning_rate=0.5))
    rates = [0.5 * task.rate(step) for step in range(1000)]
    assert rates[99] == pytest.approx(0.5) == max(rates)
    assert rates[49] == pytest.approx(0.25)
    assert rates[549] == pytest.approx(0.25)  # halfway down the cosine
    assert rates[999] == pytest.approx(0) and min(rates) >= 0
    assert train.ClassifierTask(classifier(), ClassifierSettings(1)).rate(0) >= 0


def test_accuracy_counts_and_puts_the_mode_back(monkeypatch):
    class Always(torch.nn.Linear):
        def forward(self, x):
            assert not self.training
            return torch.tensor([[0.0, 1.0]]).expand(len(x), 2)

    black, labels = torch.zeros(7, 1, 16, 16, dtype=torch.uint8), torch.tensor([1, 1, 0, 1, 0, 0, 0])
    images = ImageSet(black, labels, ("no", "yes"), "black", "test")
    network = Always(1, 1)
    monkeypatch.setattr("ganlab.train.classifier.AT_ONCE", 2)
    assert accuracy(network, images) == pytest.approx(3 / 7)
    assert network.training


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="fewer logits than the data have classes"):
        classifier_run(Classifier(5, size=32), data.load("digits", size=32).batches(50), ClassifierSettings(1))
    with pytest.raises(ValueError, match="steps: got 0"):
        ClassifierSettings(0)
    with pytest.raises(ValueError, match="learning_rate: got 0"):
        ClassifierSettings(1, learning_rate=0)
    with pytest.raises(ValueError, match="have no labels"):
        accuracy(classifier(), ImageSet(bars().images, None, (), "x", "train"))
