"""The tool behind lesson 17's table: families are trained to a budget and measured, no cell is computed twice."""

import json
import subprocess
from pathlib import Path

import families
import pytest
import torch

from ganlab import probability


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
    assert json.loads(families.FILE.read_text())["ring/gan/5/2"]["steps"] == 3
