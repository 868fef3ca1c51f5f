"""The tool behind lesson 17's table: families are trained to a budget and measured, no cell is computed twice."""

import copy
import json
import subprocess
from pathlib import Path

import families
import pytest
import torch

from ganlab import models, probability, runtime, train


@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_cell_of_the_ring_is_trained_and_measured(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "POINTS", 200)
    values = families.cell("ring", family, 0.3, 0)
    assert values["steps"] >= 1 and values["CPU-seconds"] < 2
    assert 0 <= values["good"] <= 1 and 0 <= values["modes"] <= 8
    assert ("bits too many" in values) == (family != "gan")
    assert values["weights trained"] >= values["weights"] > 10_000


@pytest.mark.parametrize("family", families.FAMILIES)
def test_each_family_has_its_task_on_the_digits(family: str) -> None:
    task, source = families.digits_task(family, 10, 0)
    assert task.averaged in task.networks and source.at(0).shape[1:] == (
        (1, 32, 32) if family == "gan" else (1, 28, 28)
    )


def test_a_hybrid_begins_with_a_vae_and_keeps_it_as_it_was() -> None:
    with runtime.seeded(0):
        vae = models.conv_vae(4, 1, 28)
    before = [weight.detach().clone() for weight in vae.parameters()]
    for family in families.HYBRIDS:
        run = train.Run(*families.hybrid_task(family, vae, 2, 0), device="cpu")
        losses_of = [{name: value.item() for name, value in next(run).items()} for _ in range(2)]
        assert all(value == value for record in losses_of for value in record.values())
        samples = run.sample(run.latents(3, "shown"))
        assert samples.shape == (3, 1, 28, 28) and samples.abs().max() <= 1
        assert all(torch.equal(a, b) for a, b in zip(before, vae.parameters(), strict=True))


def test_the_encoder_does_not_learn_from_the_critic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families.VAEGANTask, "WEIGHT", 0.0)  # then the KL alone moves the encoder
    with runtime.seeded(0):
        vae = models.conv_vae(4, 1, 28)
        torch.nn.init.zeros_(vae.encoder[-1].weight)  # and the KL is 0
        torch.nn.init.zeros_(vae.encoder[-1].bias)
    run = train.Run(*families.hybrid_task("vae-gan", vae, 1, 0), device="cpu")
    before = {name: copy.deepcopy(part.state_dict()) for name, part in run.networks["vae"].named_children()}
    next(run)
    after = {name: part.state_dict() for name, part in run.networks["vae"].named_children()}
    moved = {part: max((after[part][w] - before[part][w]).abs().max() for w in before[part]) for part in before}
    assert moved["encoder"] < 1e-6 < 1e-4 < moved["decoder"]


def test_codes_are_standardised_and_a_latent_flow_undoes_it() -> None:
    with runtime.seeded(0):
        vae = models.conv_vae(4, 1, 28)
        vae.encoder[-1].bias.data = torch.tensor([3.0, -1.0, 0.5, 2.0, 0.2, -1.0, 1.0, 0.0])
    pictures = [torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(k)) for k in range(4)]
    codes = families.Codes(vae, pictures, 0, size=20_000)
    batch = codes.at(3)
    assert torch.equal(batch, codes.at(3)) and not torch.equal(batch, codes.at(4))
    assert batch.mean(0).abs().max() < 0.05 and (batch.std(0) - 1).abs().max() < 0.05
    flow = families.LatentFlow(vae, codes.mean, codes.deviation, (8,))
    for weight in flow.velocity.parameters():
        torch.nn.init.zeros_(weight)  # noise stays where it is
    z = torch.randn(2, 4, generator=torch.Generator().manual_seed(9))
    assert torch.allclose(flow(z), vae(codes.mean + codes.deviation * z), atol=1e-5)
    assert not torch.allclose(flow(z), vae(z), atol=1e-2)


def test_the_distance_of_features_is_in_units_of_their_variance() -> None:
    x = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    scaled = torch.nn.Linear(3, 2)
    one = families.feature_distance(scaled, x.roll(1, 0), x)
    assert 1.6 < one < 2.4  # of two independent pictures
    with torch.no_grad():
        scaled.weight.mul_(5)
    torch.testing.assert_close(families.feature_distance(scaled, x.roll(1, 0), x), one)
    assert families.feature_distance(scaled, x, x) == 0


def test_the_bound_of_points_is_exact_where_the_decoder_ignores_z() -> None:
    vae = families.PointVAE()
    with torch.no_grad():
        for network in (vae.encoder, vae.decoder):  # q is the prior, the decoder's mean is 0
            network[-1].weight.zero_()
            network[-1].bias.zero_()
        x = torch.tensor([[0.3, -1.0], [2.0, 0.1]])
        eps = torch.randn(4, 2, 2, generator=torch.Generator().manual_seed(0))
        found = probability.importance_bound(vae.log_weights(x, eps))
    exact = probability.gaussian_log_density(x, torch.zeros(2), vae.log_sigma.exp()).sum(1)
    torch.testing.assert_close(found, exact)


def test_what_is_there_is_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, 0, stdout='a line\n{"steps": 3}\n')

    monkeypatch.setattr(families, "FILE", tmp_path / "families.json")
    monkeypatch.setattr(subprocess, "run", run)
    families.main(["--seconds", "5", "--only", "ring/vae"])
    assert asked == [f"ring/vae/5/{k}" for k in range(3)]
    families.main(["--seconds", "5", "--only", "ring"])
    assert len(asked) == 9 and len(set(asked)) == 9
    families.main(["--seconds", "5", "--only", "digits"])
    assert asked[9:14] == [f"digits/{family}/5/0" for family in (*families.FAMILIES, *families.HYBRIDS)]
    assert json.loads(families.FILE.read_text())["ring/gan/5/2"]["steps"] == 3
