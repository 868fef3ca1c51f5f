"""Sliders along named directions, and the mixture of two classes, without a browser."""

import pytest
import torch

from ganlab import models, runtime, widgets
from ganlab.data import pixels
from ganlab.models import Classifier


def generator() -> models.MLPGenerator:
    with runtime.seeded(0):
        return models.MLPGenerator(5, (1, 8, 8), (16,))


def sliders(**others: object) -> widgets.DirectionSliders:
    z = torch.randn(3, 5, generator=runtime.seeded_generator(0))
    directions = {"thick": torch.eye(5)[0], "slant": 2 * torch.eye(5)[3]}
    return widgets.DirectionSliders(generator(), z, directions, **others)


def told() -> models.ConditionalGenerator:
    with runtime.seeded(0):
        return models.ConditionalGenerator(models.MLPGenerator(4 + 3, (1, 8, 8), (16,)), 4, 3, embedding=3)


def test_sliders_add_their_directions_to_the_start() -> None:
    widget = sliders()
    widget.start.value = 2
    widget.sliders["thick"].value, widget.sliders["slant"].value = 1.5, -0.5
    z = widget.z[2] + torch.tensor([1.5, 0, 0, -1.0, 0])
    assert torch.allclose(widget.point(), z[None])
    assert widget.picture.value == pixels.tile(widget.space.images(z[None]), 1).tobytes()
    assert f"z is {z.norm():.1f} long (a draw: 2.2, give or take 0.7), 1.8 from the start." in widget.readout.value
    widget.back.click()
    assert torch.equal(widget.point(), widget.z[2:])


def test_measures_are_told_of_the_picture_shown() -> None:
    widget = sliders(measures={"brightness": lambda images: images.mean().item()})
    before = widget.readout.value
    widget.sliders["slant"].value = 3.0
    expected = widget.space.images(widget.point()).mean()
    assert f"brightness {expected:.2f}<br>" in widget.readout.value and widget.readout.value != before


@pytest.mark.parametrize(
    ("z", "directions", "message"),
    [
        (torch.zeros(9, 5), {"a": torch.zeros(5)}, "n from 1 to 8"),
        (torch.zeros(5), {"a": torch.zeros(5)}, "z: got shape"),
        (torch.zeros(1, 5), {}, "directions: got none"),
        (torch.zeros(1, 5), {"a": torch.zeros(4)}, r"directions: 'a' has shape \(4,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(z: torch.Tensor, directions: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        widgets.DirectionSliders(generator(), z, directions)


def test_the_mixer_mixes_two_classes_for_the_same_z() -> None:
    network = told()
    mixer = widgets.ClassMixer(network, ["a", "b", "c"], seed=7)
    z = models.latents(1, 4, runtime.seeded_generator(7))
    mixer.ends[0].value, mixer.ends[1].value, mixer.mix.value = 2, 1, 0.25
    with torch.no_grad():
        expected = network(z, torch.tensor([[0, 0.25, 0.75]]))
        strip = [network(z, torch.tensor([[0, t, 1 - t]])) for t in torch.linspace(0, 1, 8).tolist()]
    assert torch.allclose(mixer.weights(torch.tensor([0.25])), torch.tensor([[0, 0.25, 0.75]]))
    assert mixer.picture.value == pixels.tile(expected, 1).tobytes()
    assert mixer.strip.value == pixels.tile(torch.cat(strip), 8).tobytes()
    assert mixer.readout.value == "75% class c, 25% class b."
    before = mixer.strip.value
    mixer.seed.value = 8
    assert mixer.strip.value != before


def test_the_mixer_says_what_a_classifier_sees() -> None:
    with runtime.seeded(0):
        classifier = Classifier(3, size=8, width=4).eval()
    mixer = widgets.ClassMixer(told(), ["<a>", "b", "c"], classifier=classifier)
    assert "The classifier sees" in mixer.readout.value and "% sure." in mixer.readout.value
    assert "<a>" not in mixer.readout.value


def test_the_mixer_wants_a_generator_of_as_many_classes() -> None:
    with pytest.raises(ValueError, match="names: got 2, but this generator takes 3 classes"):
        widgets.ClassMixer(told(), ["a", "b"])
    with pytest.raises(ValueError, match="takes no classes"):
        widgets.ClassMixer(generator(), ["a", "b"])


def test_both_can_be_found_and_have_labels() -> None:
    for widget in (sliders(), widgets.ClassMixer(told(), list("abc"))):
        assert "ganlab-widget" in widget._dom_classes and "ganlab-readout" in widget.readout._dom_classes
        assert "ganlab-picture" in widget.picture._dom_classes
