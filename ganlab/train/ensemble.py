"""Many small games at once: fully connected networks of one shape, stacked, so that one product serves them all.

The steps are those of `ganlab.train.steps`, on batches in which the members take turns: sample b of
member m is row b M + m.
"""

import copy
import dataclasses
from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from ganlab import losses, models
from ganlab.data import Source
from ganlab.runtime import interrupts_deferred, seeded_generator, using_threads
from ganlab.runtime import progress as bar
from ganlab.train.gan import GANSettings
from ganlab.train.schedules import annealed, warmed_up
from ganlab.train.steps import Regulariser, clip_weights, critic_step, generator_step, update_ema

OWN = ("seed", "learning_rate", "critic_learning_rate")  # the settings in which members may differ


class Stack(nn.Module):
    """M multilayer perceptrons of one shape as one: (B M, fan_in) -> (B M, fan_out), or (B M,) if fan_out is 1."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.sizes = [weight.shape for weight in networks[0].parameters()]  # of weights and biases in turn
        self.theta = nn.Parameter(torch.stack([parameters_to_vector(net.parameters()).detach() for net in networks]))

    def _layers(self) -> list[tuple[Tensor, Tensor]]:
        """Return weight (M, fan_out, fan_in) and bias (M, 1, fan_out) of each layer."""
        parts = self.theta.split([size.numel() for size in self.sizes], dim=1)
        shaped = [part.unflatten(1, size) for part, size in zip(parts, self.sizes, strict=True)]
        return [(weight, bias[:, None]) for weight, bias in zip(shaped[::2], shaped[1::2], strict=True)]

    def _through(self, x: Tensor, layers: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Return x by members, (M, B, fan_in), and what each of the layers makes of it, with LeakyReLU(0.2) between."""
        outputs = [x.unflatten(0, (-1, len(self.theta))).transpose(0, 1)]
        for k, (weight, bias) in enumerate(layers):
            h = nn.functional.leaky_relu(outputs[-1], 0.2) if k else outputs[-1]
            outputs.append(torch.baddbmm(bias, h, weight.mT))
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        """Send each row through its own member, as `models.mlp` would."""
        x = self._through(x, self._layers())[-1].transpose(0, 1).flatten(0, 1)
        return x.squeeze(1) if x.shape[1] == 1 else x

    def input_gradient(self, x: Tensor) -> Tensor:
        """Return the gradient of each row's output by the row, (B M, fan_in), of members that have one output."""
        layers = self._layers()
        with torch.no_grad():
            hidden = self._through(x, layers[:-1])  # before LeakyReLU, which keeps the signs that count
        return models.mlp_input_gradient([w for w, _ in layers], hidden).transpose(0, 1).flatten(0, 1)

    def give_back(self, networks: Sequence[nn.Module]) -> None:
        """Write the members' weights into networks of their shape."""
        for network, theta in zip(networks, self.theta.detach(), strict=True):
            vector_to_parameters(theta.clone(), network.parameters())


class MemberAdam:
    """Adam on a stack, each member with its own learning rate: rates (M,); otherwise with torch's defaults."""

    def __init__(self, stack: Stack, rates: Tensor, betas: tuple[float, float]) -> None:
        self.theta = stack.theta
        self.rates = rates[:, None]
        self.betas = betas
        self.steps = 0
        self.mean = torch.zeros_like(stack.theta)
        self.square = torch.zeros_like(stack.theta)
        self.part = 1.0  # of the rates, in the present step

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.theta.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every member once; the loss is a mean over members, so each one's own gradient is M times as large."""
        gradient = self.theta.grad * len(self.theta)
        self.steps += 1
        self.mean.lerp_(gradient, 1 - self.betas[0])
        self.square.mul_(self.betas[1]).addcmul_(gradient, gradient, value=1 - self.betas[1])
        first, second = (1 - beta**self.steps for beta in self.betas)
        scale = self.square.sqrt().div_(second**0.5).add_(1e-8)
        self.theta.sub_(self.mean.div(scale).mul_(self.rates * (self.part / first)))


class Ensemble:
    """Games on points, one for each of `settings`, that differ in nothing but seed and learning rates, played at once.

    `generators` and `critics` are MLPs of one shape each; `sources` give batches of one size, and one object for all
    will do. A member ends where `train.fit_gan` would take it alone in float32, up to rounding; the networks passed in
    stay as they are. "auto" threads are torch's own. On the CPU or the sources' device. Raises ValueError for members
    that cannot be stacked.

    It has a loop of its own and is no `Run`: it keeps no file and cannot be resumed in another process, measures and
    draws nothing on the way, and goes on when a loss is NaN. Ctrl-C raises KeyboardInterrupt after a whole step, from
    where `play` goes on.
    """

    def __init__(
        self,
        generators: Sequence[models.MLPGenerator],
        critics: Sequence[models.MLPCritic],
        sources: Sequence[Source],
        settings: Sequence[GANSettings],
    ) -> None:
        counts = [len(part) for part in (generators, critics, sources, settings)]
        if len(set(counts)) > 1 or not counts[0]:
            raise ValueError(f"generators, critics, sources, settings: got {counts} of them, expected equally many")
        _check_alike("generators", generators, models.MLPGenerator)
        _check_alike("critics", critics, models.MLPCritic)
        real = sources[0].at(0)
        if generators[0].output_shape != real.shape[1:] or real.ndim != 2:
            shapes = f"make {generators[0].output_shape}, the sources {tuple(real.shape[1:])}"
            raise ValueError(f"generators: {shapes}, expected points (D,) of both")
        common = [dataclasses.replace(one, seed=0, learning_rate=1.0, critic_learning_rate=None) for one in settings]
        if any(one != common[0] for one in common):
            raise ValueError(f"settings: expected differences in nothing but {', '.join(OWN)}")
        self.settings = list(settings)
        self.sources = list(sources)
        self.step = 0
        self.batch_size = len(real)
        self._members = list(generators)
        device = real.device
        self.generator = Stack(generators).to(device)
        self.critic = Stack(critics).to(device)
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        rates = [one.learning_rates for one in settings]
        self.optimizers = {
            player: MemberAdam(stack, torch.tensor([rate[player] for rate in rates], device=device), settings[0].betas)
            for player, stack in (("critic", self.critic), ("generator", self.generator))
        }

    def play(self, progress: bool = True) -> Self:
        """Take all steps that are left in all games, with a progress bar."""
        steps = self.settings[0].steps
        for _ in bar(range(self.step, steps), unit="step", disable=not progress or None):
            with interrupts_deferred(), using_threads(self.settings[0].threads):
                self.take_step(self.step)
                self.step += 1
        return self

    def take_step(self, step: int) -> None:
        """Move all critics, all generators and their averages, as `GANTask.step` does."""
        settings = self.settings[0]
        objective = losses.objective(settings.objective)
        if settings.anneal:
            for optimizer in self.optimizers.values():
                optimizer.part = annealed(step, settings.anneal)
        for move in range(step * settings.n_critic, (step + 1) * settings.n_critic):
            real = self._batch(move)
            z = self._drawn("critic", move)
            regulariser = self._draw_regulariser(move)
            optimizer = self.optimizers["critic"]
            critic_step(self.critic, self.generator, optimizer, real, z, objective, regulariser=regulariser)
            if settings.clip:
                clip_weights(self.critic, settings.clip)
        z = self._drawn("generator", step)
        generator_step(self.generator, self.critic, self.optimizers["generator"], z, objective, real=real)
        update_ema(self.ema, self.generator, warmed_up(settings.ema_decay, step))

    def trained_generators(self) -> list[models.MLPGenerator]:
        """Return the generators as they are now, one a member."""
        return self._unstacked(self.generator)

    def averaged_generators(self) -> list[models.MLPGenerator]:
        """Return the running averages of the generators, one a member."""
        return self._unstacked(self.ema)

    def _unstacked(self, stack: Stack) -> list[models.MLPGenerator]:
        members = copy.deepcopy(self._members)
        stack.give_back(members)
        return members

    def _batch(self, move: int) -> Tensor:
        """Return real samples in which members take turns, (B M, D); members that share a source see the same."""
        drawn = {key: source.at(move) for key, source in {id(source): source for source in self.sources}.items()}
        return torch.stack([drawn[id(source)] for source in self.sources], dim=1).flatten(0, 1)

    def _drawn(self, *labels: int | str) -> Tensor:
        """Return latents in which members take turns, (B M, latent_dim): those of `Run.latents`."""
        dim = self._members[0].latent_dim
        return self._by_seed(lambda generator: models.latents(self.batch_size, dim, generator), *labels)

    def _draw_regulariser(self, move: int) -> Regulariser | None:
        """Return what is added to the critics' losses in one of their moves, if anything, as `GANTask` does."""
        name = self.settings[0].penalty
        weight = self.settings[0].penalty_weight
        if name == "none":
            return None
        shares = self._by_seed(lambda g: torch.rand(self.batch_size, generator=g, device=g.device), "shares", move)
        return lambda critic, real, fake: weight * losses.penalty_function(name)(critic, real, fake, shares)

    def _by_seed(self, draw: Callable[[torch.Generator], Tensor], *labels: int | str) -> Tensor:
        """Draw for each member from the generator of its seed, and let the members take turns."""
        seeds = [one.seed for one in self.settings]
        device = self.generator.theta.device
        drawn = {seed: draw(seeded_generator(seed, *labels, device=device)) for seed in dict.fromkeys(seeds)}
        return torch.stack([drawn[seed] for seed in seeds], dim=1).flatten(0, 1)


def _check_alike(name: str, networks: Sequence[nn.Module], kind: type[nn.Module]) -> None:
    shapes = {tuple(weight.shape for weight in network.parameters()) for network in networks}
    if len(shapes) > 1 or not all(type(network) is kind for network in networks):
        raise ValueError(f"{name}: expected {kind.__name__}s of one shape")
