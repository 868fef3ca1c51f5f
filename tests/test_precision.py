"""Mixed precision: the step's gradients point where float32's point, and loss and statistics are never halved."""

import copy

import pytest
import torch
from games import fixed_randomness, images, on_each_device  # noqa: F401
from torch import Tensor, nn

from ganlab import losses, runtime, train
from ganlab.runtime import FLOAT32, Precision

OBJECTIVE = losses.objective("non_saturating")


def moved(precision: Precision, device: str) -> tuple[dict[str, nn.Module], dict[str, Tensor]]:
    """Return both networks after one step of each by plain SGD, and the record; always from the same weights."""
    generator, critic, source = images()
    players = {"generator": generator, "critic": critic}
    for network in players.values():
        network.to(device, memory_format=precision.memory_format)
    optimizers = {name: torch.optim.SGD(network.parameters(), 1.0) for name, network in players.items()}
    real = source.at(0).to(device, memory_format=precision.memory_format)
    z = torch.randn(2, len(real), 6, generator=torch.Generator().manual_seed(0)).to(device)
    record = train.critic_step(critic, generator, optimizers["critic"], real, z[0], OBJECTIVE, precision=precision)
    record |= train.generator_step(generator, critic, optimizers["generator"], z[1], OBJECTIVE, precision=precision)
    return players, record


def step_of(network: nn.Module, before: nn.Module) -> Tensor:
    return torch.cat(
        [(a - b).detach().flatten() for a, b in zip(network.parameters(), before.parameters(), strict=True)]
    )


@on_each_device
def test_gradients_of_every_precision_point_where_those_of_float32_point(device):
    start = dict(zip(("generator", "critic"), images()[:2], strict=True))
    plain, plain_record = moved(FLOAT32, device)
    for name, precision in runtime.precisions(torch.device(device), convolutions=True).items():
        mixed, record = moved(precision, device)
        for player, network in mixed.items():
            before = copy.deepcopy(start[player]).to(device)
            a, b = step_of(network, before), step_of(plain[player], before)
            assert torch.cosine_similarity(a, b, dim=0) > (0.9999 if precision.dtype == torch.float32 else 0.9), name
            assert a.norm().item() == pytest.approx(b.norm().item(), rel=0.1)
        assert {value.dtype for value in record.values()} == {torch.float32}
        for key in ("critic_loss", "d_real", "d_fake"):  # the generator's loss comes after a step, and a long one
            assert record[key].item() == pytest.approx(plain_record[key].item(), abs=0.02)


@on_each_device
def test_weights_and_batch_statistics_stay_in_float32(device):
    for precision in runtime.precisions(torch.device(device), convolutions=True).values():
        for network in moved(precision, device)[0].values():
            kinds = {value.dtype for value in network.state_dict().values()}
            assert kinds == {torch.float32, torch.int64}  # int64: batch normalisation counts its batches


@on_each_device
def test_the_loss_is_taken_in_float32_whatever_the_networks_give(device):
    class Sure(nn.Module):
        """A critic whose logits bfloat16 holds exactly, and whose losses it does not."""

        def __init__(self) -> None:
            super().__init__()
            self.logit = nn.Parameter(torch.tensor(5.0))

        def forward(self, x):
            return (self.logit * torch.ones(len(x), device=x.device)).to(torch.bfloat16)

    generator, _, source = images()
    critic = Sure().to(device)
    real = source.at(0).to(device)
    z = torch.zeros(len(real), 6, device=device)
    optimizer = torch.optim.SGD(critic.parameters(), 0.0)
    precision = Precision(torch.bfloat16)
    record = train.critic_step(critic, generator.to(device), optimizer, real, z, OBJECTIVE, precision=precision)
    assert record["critic_loss"].item() == pytest.approx(5.0134306, abs=1e-5)  # softplus(-5) + softplus(5)
